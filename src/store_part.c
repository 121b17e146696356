/* store_part.c - the queue: which part is next for a modem, and what became of it.
 * Refuses to know AT and error classes: the farm turns a fault into a verdict.  Promises: a part
 * is on disk as `sending` before anybody may write its first byte; parts of a message go out in
 * order, on one modem; a claim reads the first rows of its own queue, of everybody's and of the
 * routes open to it (store_route.c), never those of others; a late answer changes nothing that a report or time has settled. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "store_route.h"
#include "text.h"

/* A modem that could not send a message takes it again only when no other has in this time. */
#define AVOID_MS            (30 * CLK_SECOND_MS)
#define DROPPED_MAX         50
#define SHORTEST_VALIDITY_S 300 /* 23.040 9.2.3.12.1: TP-VP 0 is 5 minutes */

struct pick {
    int64_t part, rank, due_ms; /* part 0: none */
    int64_t owner, avoid, tail;
};

static bool before(const struct pick *a, const struct pick *b)
{
    if (!a->part || !b->part)
        return a->part != 0;
    if (a->rank != b->rank)
        return a->rank < b->rank;
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->part < b->part;
}

static void earliest(int64_t *next_ms, int64_t candidate)
{
    if (!*next_ms || candidate < *next_ms)
        *next_ms = candidate;
}

/* One queue as a modem looks at it. */
struct look {
    int64_t owner, me, now_ms, rank;
    bool empty; /* no part is in it, due or not */
};

/* The first due part of one rank or a later one; l->rank moves on when that rank has none that is
 * due. */
static enum err pick_in_rank(struct db *db, struct look *l, struct pick *out, int64_t *next_ms)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(db, &q,
                        "SELECT id, rank, due_ms, avoid, tail FROM part"
                        " WHERE state=0 AND modem=?1 AND rank>=?2 ORDER BY rank, due_ms, id",
                        ARGS(INT(l->owner), INT(l->rank)));
    l->empty &= e == ERR_EMPTY;
    for (; !e; e = db_next(db, q)) {
        struct pick p = {.part = db_int(q, 0),
                         .rank = db_int(q, 1),
                         .due_ms = db_int(q, 2),
                         .avoid = db_int(q, 3),
                         .tail = db_int(q, 4),
                         .owner = l->owner};
        if (p.due_ms > l->now_ms) {
            earliest(next_ms, p.due_ms);
            l->rank = p.rank + 1;
            break;
        }
        if (p.avoid == l->me && p.due_ms + AVOID_MS > l->now_ms) {
            earliest(next_ms, p.due_ms + AVOID_MS);
            continue;
        }
        *out = p;
        break;
    }
    db_done(q);
    return e;
}

/* Into *best where this queue's first due part goes before it. */
static enum err pick_of(struct db *db, struct look *l, struct pick *best, int64_t *next_ms)
{
    struct pick p = {0};
    enum err e = OK;
    l->rank = PART_AT_ONCE;
    l->empty = true;
    while (!e && !p.part)
        e = pick_in_rank(db, l, &p, next_ms);
    if (before(&p, best))
        *best = p;
    return e == ERR_EMPTY ? OK : e;
}

/* Its own queue, everybody's, and those of the routes that are open to it. */
static enum err pick(struct db *db, int64_t me, int64_t now_ms, struct pick *out, int64_t *next_ms)
{
    struct look l = {.owner = me, .me = me, .now_ms = now_ms};
    *out = (struct pick){0};
    enum err e = pick_of(db, &l, out, next_ms);
    l.owner = 0;
    if (!e)
        e = pick_of(db, &l, out, next_ms);
    for (size_t at = 0; !e && route_next(db, me, now_ms, &at, &l.owner);) {
        e = pick_of(db, &l, out, next_ms);
        if (!e && l.empty)
            route_is_empty(db, l.owner);
    }
    return e;
}

/* ---- the job ---- */

/* An 8-bit reference that neighbours and yesterday's campaign do not share: 23.040 9.2.3.24.1. */
static uint8_t concat_reference(int64_t message)
{
    return (uint8_t)(((uint64_t)message * UINT64_C(0x9E3779B97F4A7C15)) >> 56);
}

uint8_t part_own_reference(int64_t part)
{
    return (uint8_t)((part / PART_STEP + part % PART_STEP) * 167);
}

static enum err encode(const char *text, unsigned parts, int64_t part, struct sms_submit *submit)
{
    struct sms_plan plan;
    enum err e = sms_plan(text, &plan);
    if (!e && plan.parts != parts) /* it was accepted in fewer, with a national language's tables */
        e = sms_plan_national(text, &plan);
    if (!e && plan.parts != parts)
        e = ERR_RANGE;
    if (!e)
        e = sms_plan_part(text, &plan, (unsigned)(part % PART_STEP),
                          concat_reference(part / PART_STEP), &submit->ud);
    return e;
}

static uint32_t validity(int64_t valid_until_ms, int64_t now_ms)
{
    int64_t left_s = (valid_until_ms - now_ms) / 1000;
    return left_s < SHORTEST_VALIDITY_S ? SHORTEST_VALIDITY_S
           : left_s > UINT32_MAX        ? UINT32_MAX
                                        : (uint32_t)left_s;
}

struct candidate {
    bool expired, opted_out, undecodable;
};

/* Reads the message into the job. */
static enum err fill_job(struct db *db, const struct pick *p, struct store_claim *c,
                         struct candidate *verdict)
{
    sqlite3_stmt *q = NULL;
    struct sms_submit *submit = &c->job.submit;
    enum err e = db_row(db, &q,
                        "SELECT m.msgid, m.recipient, m.text, m.parts, m.flash, m.valid_until_ms,"
                        " p.doubt FROM message m, part p WHERE p.id=?1 AND m.id=?1/16",
                        ARGS(INT(p->part)));
    if (e)
        return e == ERR_EMPTY ? ERR_CORRUPT : e;
    *submit = (struct sms_submit){.mr = part_own_reference(p->part), .status_report = true};
    submit->flash = db_int(q, 4) != 0;
    submit->reject_duplicates = db_int(q, 6) != 0; /* an earlier try may have gone out: 9.2.3.25 */
    submit->validity_s = validity(db_int(q, 5), c->now_ms);
    verdict->expired = db_int(q, 5) <= c->now_ms;
    verdict->undecodable = text_copy(submit->recipient, sizeof submit->recipient, db_text(q, 1)) ||
                           encode(db_text(q, 2), (unsigned)db_int(q, 3), p->part, submit);
    (void)text_copy(c->msgid, sizeof c->msgid, db_text(q, 0));
    e = opted_out(db, db_text(q, 1), &verdict->opted_out);
    db_done(q);
    if (e)
        return e;
    c->job.part = (uint64_t)p->part;
    c->queued_ms = c->now_ms - p->due_ms;
    return OK;
}

static enum err mark_sending(struct db *db, const struct pick *p, int64_t modem, int64_t sim,
                             int64_t now_ms)
{
    int last = sim_memory(db, sim)->last_mr;
    route_served(db, p->tail, modem);
    enum err e = db_run(db,
                        "UPDATE part SET state=2, modem=?2, sim=?3, since_ms=?4, tried_ms=?4,"
                        " sending_ms=coalesce(sending_ms, ?4), doubt=doubt|1, guess=?5 WHERE id=?1",
                        ARGS(INT(p->part), INT(modem), INT(sim), INT(now_ms),
                             last < 0 ? SQL_NULL : INT((last + 1) % 256)));
    return e || !route_limited(db, modem) ? e : limit_count(db, modem, now_ms, 1);
}

/* Why a part is not to go out any more; code NULL: it may. */
struct refusal {
    const char *code, *text;
};

static struct refusal refusal_of(const struct candidate *c)
{
    return c->expired ? (struct refusal){"expired", "Its validity ran out before it could be sent"}
           : c->opted_out   ? (struct refusal){"opted_out", "The recipient asked for no more SMS"}
           : c->undecodable ? (struct refusal){"refused", "The text cannot be put into parts"}
                            : (struct refusal){NULL, NULL};
}

/* What became of one picked part: handed out, moved to the queue of its recipient's modem, or
 * its message failed.  Either of the last two: c->job.part is 0, and another may be picked. */
static enum err claim_one(struct db *db, struct store_claim *c, const struct pick *p, int64_t modem,
                          int64_t sim)
{
    int64_t to;
    struct candidate verdict = {0};
    enum err e = route_elsewhere(db, p->owner, p->tail, modem, p->avoid, c->now_ms, &to);
    if (!e && to != p->owner)
        return db_run(db, "UPDATE part SET modem=?2 WHERE id=?1", ARGS(INT(p->part), INT(to)));
    if (!e)
        e = fill_job(db, p, c, &verdict);
    struct refusal why = refusal_of(&verdict);
    if (!e && !why.code)
        return mark_sending(db, p, modem, sim, c->now_ms);
    c->job.part = 0;
    return e ? e : message_fail(db, p->part / PART_STEP, why.code, why.text, c->now_ms);
}

/* Claims into *c; c->job.part stays 0 when nothing is due.  Those that cannot go out any more and
 * those that another modem is to have go first, some of them in one transaction; the rest at the
 * next call, which is due at once. */
static enum err claim(struct db *db, struct store_claim *c, int64_t *next_ms)
{
    int64_t modem, sim, free_ms = 0;
    *next_ms = 0;
    c->job.part = 0;
    enum err e = name_id(db, DB_MODEM, c->modem, &modem);
    if (!e)
        e = sim_id(db, c->modem, c->iccid, &sim);
    if (!e)
        e = route_claims(db, modem, c->now_ms, &free_ms);
    if (e || free_ms > c->now_ms) {
        *next_ms = free_ms;
        return e;
    }
    for (int i = 0; !e && i < DROPPED_MAX; i++) {
        struct pick p;
        e = pick(db, modem, c->now_ms, &p, next_ms);
        if (!e && p.part)
            e = claim_one(db, c, &p, modem, sim);
        if (e || !p.part || c->job.part)
            return e;
    }
    *next_ms = c->now_ms;
    return e;
}

struct claim_arg {
    struct store_claim claim;
    int64_t next_ms;
};

/* "Nothing due" is an answer, not a failure: it may come with expired messages. */
static enum err run_claim(struct db *db, void *arg)
{
    struct claim_arg *c = arg;
    return claim(db, &c->claim, &c->next_ms);
}

enum err store_part_claim(struct store *s, struct store_claim *c, int64_t *next_due_ms)
{
    struct claim_arg a = {.claim = *c};
    enum err e = store_do(s, run_claim, &a);
    if (e)
        return e;
    *c = a.claim;
    if (next_due_ms)
        *next_due_ms = a.next_ms;
    return c->job.part ? OK : ERR_EMPTY;
}

/* ---- what became of it ---- */

struct sent {
    int64_t part;
    const char *modem, *iccid;
    int mr;
    int64_t now_ms, next_ms;
    struct store_claim *next;
};

static bool may_become_sent(enum part_state state)
{
    return state == PART_SENDING || state == PART_UNCERTAIN || state == PART_QUEUED;
}

static enum err run_sent(struct db *db, void *arg)
{
    struct sent *s = arg;
    struct part p;
    int64_t modem, sim;
    enum err e = part_get(db, s->part, &p);
    if (!e)
        e = name_id(db, DB_MODEM, s->modem, &modem);
    if (!e)
        e = sim_id(db, s->modem, s->iccid, &sim);
    if (!e && s->mr >= 0)
        sim_learn_reference(sim_memory(db, sim), s->part, s->mr);
    if (!e && may_become_sent(p.state))
        e = part_is_sent(db, &p, modem, sim, s->mr, s->now_ms);
    if (!e && s->next)
        e = claim(db, s->next, &s->next_ms);
    return e;
}

enum err store_part_sent(struct store *s, uint64_t part, const char *modem, const char *iccid,
                         int mr, int64_t now_ms, struct store_claim *next)
{
    struct store_claim claimed = {0};
    struct sent a = {
        .part = (int64_t)part, .modem = modem, .iccid = iccid, .mr = mr, .now_ms = now_ms};
    if (next) {
        claimed = *next;
        a.next = &claimed;
    }
    enum err e = store_do(s, run_sent, &a);
    if (!e && next)
        *next = claimed;
    return e;
}

struct failed {
    int64_t part;
    enum store_verdict verdict;
    const char *modem, *code, *text;
    int64_t retry_ms, now_ms;
};

static enum err uncertain(struct db *db, const struct failed *f, const struct part *p)
{
    char text[256];
    (void)snprintf(text, sizeof text, "It may have gone out: %s",
                   f->text && f->text[0] ? f->text : f->code);
    return part_in_doubt(db, p, text, f->retry_ms > f->now_ms ? f->retry_ms : f->now_ms,
                         f->verdict == STORE_VERDICT_REPEAT, f->now_ms);
}

static enum err again(struct db *db, const struct failed *f, const struct part *p)
{
    int64_t avoid = 0;
    enum err e =
        f->verdict == STORE_VERDICT_OTHER_MODEM ? name_id(db, DB_MODEM, f->modem, &avoid) : OK;
    route_not_served(db, p->tail, p->modem);
    if (!e)
        e = part_requeue(db, p, f->retry_ms, p->tries + 1, p->doubt & DOUBT_BEFORE, avoid);
    return e ? e : message_error(db, p->id / PART_STEP, f->code, f->text);
}

/* Nothing was tried, so nothing counts. */
static enum err back(struct db *db, const struct part *p)
{
    enum err e = route_limited(db, p->modem) ? limit_count(db, p->modem, p->tried_ms, -1) : OK;
    return e ? e : part_requeue(db, p, p->due_ms, p->tries, p->doubt & DOUBT_BEFORE, 0);
}

static enum err run_failed(struct db *db, void *arg)
{
    const struct failed *f = arg;
    struct part p;
    enum err e = part_get(db, f->part, &p);
    if (e || p.state != PART_SENDING)
        return e; /* settled by a report, or by time */
    switch (f->verdict) {
    case STORE_VERDICT_BACK:
        return back(db, &p);
    case STORE_VERDICT_RETRY:
    case STORE_VERDICT_OTHER_MODEM:
        return again(db, f, &p);
    case STORE_VERDICT_FAIL:
        return part_is_failed(db, &p, NULL, f->code, f->text, f->now_ms);
    case STORE_VERDICT_UNCERTAIN:
    case STORE_VERDICT_REPEAT:
        return uncertain(db, f, &p);
    }
    return ERR_RANGE;
}

enum err store_part_failed(struct store *s, uint64_t part, enum store_verdict verdict,
                           const char *modem, const char *code, const char *text, int64_t retry_ms,
                           int64_t now_ms)
{
    struct failed f = {(int64_t)part, verdict, modem, code ? code : "", text, retry_ms, now_ms};
    return store_do(s, run_failed, &f);
}

struct tries {
    int64_t part;
    unsigned tries;
    char last[STORE_CODE_MAX];
};

static enum err run_tries(struct db *db, void *arg)
{
    struct tries *t = arg;
    sqlite3_stmt *q = NULL;
    enum err e = db_row(db, &q,
                        "SELECT p.tries, coalesce(m.error_code, '') FROM part p, message m"
                        " WHERE p.id=?1 AND m.id=?1/16",
                        ARGS(INT(t->part)));
    if (e)
        return e == ERR_EMPTY ? OK : e;
    t->tries = (unsigned)db_int(q, 0);
    (void)snprintf(t->last, sizeof t->last, "%s", db_text(q, 1));
    db_done(q);
    return OK;
}

enum err store_part_tries(struct store *s, uint64_t part, unsigned *tries,
                          char last[STORE_CODE_MAX])
{
    struct tries t = {.part = (int64_t)part};
    enum err e = store_do(s, run_tries, &t);
    if (!e) {
        *tries = t.tries;
        memcpy(last, t.last, sizeof t.last);
    }
    return e;
}
