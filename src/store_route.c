/* store_route.c - which modem a message is for: the modems there are, what each is preferred for, who served a
 * number last, and from whose queues a modem may take.
 * Refuses to know why a modem cannot send: the farm says that it can or cannot.  Promises: part.modem says who may
 * take a queued part, so that a claim only ever reads the first rows of some queues:
 *     m > 0    that modem alone: the message was pinned to it, or an earlier part went out there
 *     0        anybody
 *     -r < 0   by route r: its keeper (who served the number last) as long as that one is well; else those that prefer
 *              such messages, as long as one of them was ready within 30 s; else anybody.
 * Routes are rows (a restart finds its queues again), few, and remembered here with whether any part may be in them. */
#include "store_route.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "text.h"

#define FLEET_MAX 256
#define WORDS     (FLEET_MAX / 64)
#define AWAY_MS                                                                                    \
    (30 * CLK_SECOND_MS) /* without a modem that prefers it, a message waits for so long */
#define STARTING_MS  (10 * CLK_SECOND_MS) /* a modem that was not seen yet may still be starting */
#define KEEPERS_BITS 15
#define KEEPERS      (1u << KEEPERS_BITS) /* numbers remembered; a forgotten one is served by anybody */
#define LOOK_BACK    "32768"              /* parts, at the start */

struct set {
    uint64_t bits[WORDS];
};
struct member {
    char name[MODEM_NAME_MAX];
    int64_t id; /* 0: not on disk */
    struct store_modem config;
    bool ready;
    int64_t left_ms; /* not ready since */
    int64_t seen_ms; /* asked for a part */
    int64_t free_ms; /* its limits let it send from then on */
};
struct route {
    int64_t id;
    int keeper;         /* -1: none */
    struct set members; /* none: anybody */
    bool maybe;         /* parts may be in it */
};
struct fleet {
    struct member member[FLEET_MAX];
    int n;
    struct route *route;
    size_t n_routes, room;
    bool loaded; /* ids and routes are those on disk */
    struct {
        uint32_t tail, member; /* member: its index + 1 */
    } keeper[KEEPERS];
};

struct fleet *fleet_new(void)
{
    return calloc(1, sizeof(struct fleet));
}

void fleet_free(struct fleet *f)
{
    if (f)
        free(f->route);
    free(f);
}

void fleet_forget(struct db *db)
{
    if (db->fleet)
        db->fleet->loaded = false;
}

/* ---- sets ---- */

static bool set_has(const struct set *s, int member)
{
    return s->bits[member / 64] >> (member % 64) & 1;
}

static void set_add(struct set *s, int member)
{
    s->bits[member / 64] |= UINT64_C(1) << (member % 64);
}

static bool set_empty(const struct set *s)
{
    static const struct set none;
    return memcmp(s, &none, sizeof none) == 0;
}

/* ---- members ---- */

static int member_by_id(const struct fleet *f, int64_t id)
{
    for (int i = 0; id > 0 && i < f->n; i++)
        if (f->member[i].id == id)
            return i;
    return -1;
}

static int member_by_name(const struct fleet *f, const char *name)
{
    for (int i = 0; i < f->n; i++)
        if (!strcmp(f->member[i].name, name))
            return i;
    return -1;
}

static enum err member_make(struct db *db, const char *name, int64_t now_ms, int *out)
{
    struct fleet *f = db->fleet;
    int64_t id;
    enum err e = name_id(db, DB_MODEM, name, &id);
    if (e)
        return e;
    int i = member_by_name(f, name);
    if (i < 0 && f->n == FLEET_MAX)
        return ERR_FULL;
    if (i < 0) {
        i = f->n++;
        f->loaded = false; /* routes may know it */
        f->member[i] = (struct member){.left_ms = now_ms + STARTING_MS};
        e = text_copy(f->member[i].name, sizeof f->member[i].name, name);
    }
    f->member[i].id = id;
    *out = i;
    return e;
}

/* ---- is it there ---- */

/* For how long it has not been able to send; negative: it is still starting. */
static int64_t away_ms(struct member *m, int64_t now_ms)
{
    if (m->left_ms > now_ms + STARTING_MS) /* the clock was set back */
        m->left_ms = now_ms;
    return now_ms - m->left_ms;
}

/* Stuck for long in a message, or at its limit for long, is not well either. */
static bool at_work(const struct member *m, int64_t now_ms)
{
    return m->ready && now_ms - m->seen_ms < AWAY_MS && m->free_ms - now_ms < AWAY_MS;
}

static bool is_well(struct member *m, int64_t now_ms)
{
    return m->ready ? at_work(m, now_ms) : away_ms(m, now_ms) < 0;
}

/* A message that prefers it still waits for it. */
static bool is_awaited(struct member *m, int64_t now_ms)
{
    return m->ready ? at_work(m, now_ms) : away_ms(m, now_ms) < AWAY_MS;
}

/* ---- routes ---- */

static enum err route_remember(struct fleet *f, const struct route *r)
{
    if (f->n_routes == f->room) {
        size_t room = f->room ? f->room * 2 : 64;
        struct route *grown = realloc(f->route, room * sizeof *grown);
        if (!grown)
            return ERR_NO_MEMORY;
        f->route = grown;
        f->room = room;
    }
    f->route[f->n_routes++] = *r;
    return OK;
}

/* "3,17": ids of modems; those that are not there any more count for nobody. */
static void read_members(const struct fleet *f, const char *text, struct set *out)
{
    for (char *end; *text; text = *end == ',' ? end + 1 : end) {
        int i = member_by_id(f, strtoll(text, &end, 10));
        if (end == text)
            return;
        if (i >= 0)
            set_add(out, i);
    }
}

static enum err load_routes(struct db *db)
{
    struct fleet *f = db->fleet;
    sqlite3_stmt *q = NULL;
    f->n_routes = 0;
    enum err e = db_row(db, &q, "SELECT id, keeper, members FROM route", NO_ARGS);
    for (; !e; e = db_next(db, q)) {
        struct route r = {
            .id = db_int(q, 0), .keeper = member_by_id(f, db_int(q, 1)), .maybe = true};
        read_members(f, db_text(q, 2), &r.members);
        e = route_remember(f, &r);
        if (e)
            break;
    }
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

/* After a rollback what was remembered may not be on disk. */
static enum err load(struct db *db)
{
    struct fleet *f = db->fleet;
    enum err e = OK;
    if (f->loaded)
        return OK;
    for (int i = 0; !e && i < f->n; i++) {
        f->member[i].id = 0;
        e = name_find(db, DB_MODEM, f->member[i].name, &f->member[i].id);
        e = e == ERR_NOT_FOUND ? OK : e;
    }
    if (!e)
        e = load_routes(db);
    f->loaded = !e;
    return e;
}

static enum err route_make(struct db *db, struct route *r)
{
    struct fleet *f = db->fleet;
    struct buf members;
    buf_init(&members, FLEET_MAX * 24);
    for (int i = 0; i < f->n; i++)
        if (set_has(&r->members, i))
            (void)buf_addf(&members, "%s%lld", members.len ? "," : "", (long long)f->member[i].id);
    enum err e = members.err;
    if (!e)
        e = db_run(db, "INSERT INTO route(keeper, members) VALUES(?1, ?2)",
                   ARGS(INT(r->keeper < 0 ? 0 : f->member[r->keeper].id), TEXT(buf_str(&members))));
    buf_free(&members);
    r->id = db_last_id(db);
    return e ? e : route_remember(f, r);
}

/* What part.modem says for parts of that route, which gets one. */
static enum err route_owner(struct db *db, int keeper, const struct set *members, int64_t *owner)
{
    struct fleet *f = db->fleet;
    *owner = 0;
    if (keeper < 0 && set_empty(members))
        return OK;
    for (size_t i = 0; i < f->n_routes; i++) {
        struct route *r = &f->route[i];
        if (r->keeper == keeper && !memcmp(&r->members, members, sizeof *members)) {
            r->maybe = true;
            *owner = -r->id;
            return OK;
        }
    }
    struct route r = {.keeper = keeper, .members = *members, .maybe = true};
    enum err e = route_make(db, &r);
    if (!e)
        *owner = -r.id;
    return e;
}

static struct route *route_by_owner(struct fleet *f, int64_t owner)
{
    for (size_t i = 0; owner < 0 && i < f->n_routes; i++)
        if (f->route[i].id == -owner)
            return &f->route[i];
    return NULL;
}

void route_filled(struct db *db, int64_t owner)
{
    struct route *r = db->fleet ? route_by_owner(db->fleet, owner) : NULL;
    if (r)
        r->maybe = true;
}

static bool may_take(struct fleet *f, const struct route *r, int me, int64_t now_ms)
{
    if (r->keeper == me)
        return true;
    if (r->keeper >= 0 && is_well(&f->member[r->keeper], now_ms))
        return false;
    if (set_empty(&r->members) || set_has(&r->members, me))
        return true;
    for (int i = 0; i < f->n; i++)
        if (set_has(&r->members, i) && is_awaited(&f->member[i], now_ms))
            return false;
    return true;
}

int64_t route_without(struct db *db, int64_t owner, int64_t modem)
{
    struct fleet *f = db->fleet;
    const struct route *r = f ? route_by_owner(f, owner) : NULL;
    for (int i = 0; r && i < f->n; i++)
        if (f->member[i].id != modem && f->member[i].ready && set_has(&r->members, i))
            return owner;
    return owner < 0 ? 0 : owner;
}

bool route_next(struct db *db, int64_t modem, int64_t now_ms, size_t *at, int64_t *owner)
{
    struct fleet *f = db->fleet;
    int me = f ? member_by_id(f, modem) : -1;
    for (; me >= 0 && *at < f->n_routes; ++*at) {
        const struct route *r = &f->route[*at];
        if (r->maybe && may_take(f, r, me, now_ms)) {
            *owner = -r->id;
            ++*at;
            return true;
        }
    }
    return false;
}

void route_is_empty(struct db *db, int64_t owner)
{
    struct route *r = route_by_owner(db->fleet, owner);
    if (r)
        r->maybe = false;
}

/* ---- who served a number last ---- */

static uint32_t keeper_slot(int64_t tail)
{
    return (uint32_t)(((uint64_t)tail * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - KEEPERS_BITS));
}

static int keeper_of(const struct fleet *f, int64_t tail)
{
    uint32_t slot = keeper_slot(tail);
    return f->keeper[slot].tail == (uint32_t)tail ? (int)f->keeper[slot].member - 1 : -1;
}

static void keep(struct fleet *f, int64_t tail, int member)
{
    uint32_t slot = keeper_slot(tail);
    f->keeper[slot].tail = (uint32_t)tail;
    f->keeper[slot].member = (uint32_t)(member + 1);
}

void route_served(struct db *db, int64_t tail, int64_t modem)
{
    int me = db->fleet ? member_by_id(db->fleet, modem) : -1;
    if (me >= 0)
        keep(db->fleet, tail, me);
}

void route_not_served(struct db *db, int64_t tail, int64_t modem)
{
    int me = db->fleet ? member_by_id(db->fleet, modem) : -1;
    if (me >= 0 && keeper_of(db->fleet, tail) == me)
        keep(db->fleet, tail, -1);
}

static enum err load_keepers(struct db *db)
{
    struct fleet *f = db->fleet;
    sqlite3_stmt *q = NULL;
    enum err e = db_row(db, &q,
                        "SELECT tail, modem FROM (SELECT tail, modem, tried_ms FROM part"
                        " ORDER BY id DESC LIMIT " LOOK_BACK ") WHERE tried_ms IS NOT NULL",
                        NO_ARGS);
    for (; !e; e = db_next(db, q)) {
        int64_t tail = db_int(q, 0);
        int member = member_by_id(f, db_int(q, 1));
        if (member >= 0 && !f->keeper[keeper_slot(tail)].member) /* newest first */
            keep(f, tail, member);
    }
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

/* ---- where a message goes ---- */

static bool matches(const struct store_modem *m, const char *sender, const char *recipient)
{
    for (size_t i = 0; i < m->senders.n; i++)
        if (!strcmp(m->senders.word[i], sender))
            return true;
    for (size_t i = 0; i < m->prefixes.n; i++) {
        const char *prefix = m->prefixes.word[i] + (m->prefixes.word[i][0] == '+');
        if (!strncmp(recipient + (*recipient == '+'), prefix, strlen(prefix)))
            return true;
    }
    return false;
}

/* The keeper, where it is well and does not stand against the preference. */
static int keeper_for(struct fleet *f, const struct set *members, int64_t tail, int64_t now_ms)
{
    int k = keeper_of(f, tail);
    if (k < 0 || (!set_empty(members) && !set_has(members, k)) || !is_well(&f->member[k], now_ms))
        return -1;
    return k;
}

enum err route_place(struct db *db, const char *sender, const char *recipient, int64_t now_ms,
                     struct place *out)
{
    struct fleet *f = db->fleet;
    struct set members = {0};
    *out = (struct place){0, 0};
    if (!f || !f->n)
        return OK;
    enum err e = load(db);
    for (int i = 0; !e && i < f->n; i++)
        if (f->member[i].id && matches(&f->member[i].config, sender, recipient))
            set_add(&members, i);
    if (!e)
        e = route_owner(db, -1, &members, &out->wanted);
    if (!e)
        e = route_owner(db, keeper_for(f, &members, number_tail(recipient), now_ms), &members,
                        &out->owner);
    return e;
}

enum err route_elsewhere(struct db *db, int64_t owner, int64_t tail, int64_t modem, int64_t avoid,
                         int64_t now_ms, int64_t *to)
{
    struct fleet *f = db->fleet;
    *to = owner;
    if (owner > 0 || !f || !f->n)
        return OK;
    const struct route *r = route_by_owner(f, owner);
    struct set members = {0};
    if (r)
        members = r->members;
    int k = keeper_for(f, &members, tail, now_ms);
    if (k < 0 || f->member[k].id == modem || f->member[k].id == avoid || (r && r->keeper == k))
        return OK;
    db->parts_due = true; /* the keeper may be idle */
    return route_owner(db, k, &members, to);
}

/* ---- what the farm tells ---- */

enum err route_claims(struct db *db, int64_t modem, int64_t now_ms, int64_t *free_ms)
{
    struct fleet *f = db->fleet;
    *free_ms = 0;
    enum err e = f && f->n ? load(db) : OK;
    int me = f && !e ? member_by_id(f, modem) : -1;
    if (me < 0)
        return e;
    struct member *m = &f->member[me];
    e = limit_free(db, modem, m->config.per_minute, m->config.per_day, now_ms, &m->free_ms);
    m->seen_ms = now_ms;
    *free_ms = m->free_ms;
    return e;
}

bool route_limited(struct db *db, int64_t modem)
{
    int me = db->fleet ? member_by_id(db->fleet, modem) : -1;
    return me >= 0 &&
           (db->fleet->member[me].config.per_minute || db->fleet->member[me].config.per_day);
}

struct modems {
    const struct store_modem *modem;
    size_t count;
    int64_t now_ms;
};

static enum err run_modems(struct db *db, void *arg)
{
    const struct modems *all = arg;
    enum err e = OK;
    int member;
    for (size_t i = 0; !e && i < all->count; i++) {
        e = member_make(db, all->modem[i].name, all->now_ms, &member);
        if (!e)
            db->fleet->member[member].config = all->modem[i];
    }
    fleet_forget(db);
    if (!e)
        e = load(db);
    return e ? e : load_keepers(db);
}

enum err store_modems(struct store *s, const struct store_modem *modems, size_t count,
                      int64_t now_ms)
{
    struct modems all = {modems, count, now_ms};
    return store_do(s, run_modems, &all);
}

struct ready {
    const char *modem;
    bool ready;
    int64_t now_ms;
};

static enum err run_ready(struct db *db, void *arg)
{
    const struct ready *r = arg;
    int i;
    enum err e = member_make(db, r->modem, r->now_ms, &i);
    if (e)
        return e;
    struct member *m = &db->fleet->member[i];
    if (m->ready && !r->ready) {
        m->left_ms = r->now_ms;
        db->parts_due = true; /* what it kept is the others' now */
    }
    if (r->ready)
        m->seen_ms = r->now_ms;
    m->ready = r->ready;
    return OK;
}

enum err store_modem_ready(struct store *s, const char *modem, bool ready, int64_t now_ms)
{
    struct ready r = {modem, ready, now_ms};
    return store_do(s, run_ready, &r);
}
