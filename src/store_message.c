/* store_message.c - acceptance and cancellation.
 * Refuses to know whether a request is valid: the API did.  Promises: all messages of a request or
 * none; one idempotency key, one set of messages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "store_route.h"

#define KEY_LIFE_MS      CLK_DAY_MS
#define MESSAGES_MAX     1000
#define HIGHEST_PRIORITY 9

const char *store_state_str(enum store_state s)
{
    static const char *const words[] = {[STORE_QUEUED] = "QUEUED",
                                        [STORE_DELIVERING] = "DELIVERING",
                                        [STORE_DELIVERED] = "DELIVERED",
                                        [STORE_FAIL] = "FAIL"};
    return words[s];
}

/* ---- the idempotency key ---- */

static enum err replay(struct store_accept *a, const char *msgids)
{
    if (strlen(msgids) != a->count * STORE_MSGID_LEN)
        return ERR_CONFLICT;
    for (size_t i = 0; i < a->count; i++) {
        memcpy(a->messages[i].msgid, msgids + i * STORE_MSGID_LEN, STORE_MSGID_LEN);
        a->messages[i].msgid[STORE_MSGID_LEN] = '\0';
    }
    a->replayed = true;
    return OK;
}

/* OK and a->replayed: the answer is known.  OK and not: a new key, or one that is older than a
 * day. */
static enum err look_up_key(struct db *db, int64_t account, struct store_accept *a)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(
        db, &q,
        "SELECT msgids, fingerprint=?3 FROM idempotency WHERE account=?1 AND name=?2 AND at_ms>?4",
        ARGS(INT(account), TEXT(a->idempotency_key), TEXT(a->fingerprint),
             INT(a->now_ms - KEY_LIFE_MS)));
    if (e)
        return e == ERR_EMPTY ? OK : e;
    e = db_int(q, 1) ? replay(a, db_text(q, 0)) : ERR_CONFLICT;
    db_done(q);
    return e;
}

static enum err keep_key(struct db *db, int64_t account, const struct store_accept *a)
{
    struct buf ids;
    buf_init(&ids, MESSAGES_MAX * STORE_MSGID_LEN);
    for (size_t i = 0; i < a->count; i++)
        (void)buf_add(&ids, a->messages[i].msgid, STORE_MSGID_LEN);
    enum err e = ids.err;
    if (!e)
        e = db_run(db,
                   "REPLACE INTO idempotency(account, name, fingerprint, msgids, at_ms) "
                   "VALUES(?1,?2,?3,?4,?5)",
                   ARGS(INT(account), TEXT(a->idempotency_key), TEXT(a->fingerprint),
                        TEXT(buf_str(&ids)), INT(a->now_ms)));
    buf_free(&ids);
    return e;
}

/* ---- acceptance ---- */

/* What would refuse a request is looked at before anything is written: a refusal costs its group
 * nothing. */
static enum err check_all(struct db *db, const struct store_accept *a)
{
    bool any = false;
    for (size_t i = 0; i < a->count; i++) {
        const struct store_new_message *m = &a->messages[i];
        int64_t found = 0;
        bool denied = false;
        enum err e = opted_out(db, m->recipient, &denied);
        if (!e && m->slug)
            e = db_value(db, &found, 0, "SELECT 1 FROM link WHERE slug=?1", ARGS(TEXT(m->slug)));
        if (e || found)
            return e ? e : ERR_BUSY;
        if (a->denied)
            a->denied[i] = denied;
        any |= denied;
    }
    return any ? ERR_DENIED : OK;
}

static enum err add_parts(struct db *db, int64_t id, int64_t owner,
                          const struct store_new_message *m)
{
    enum err e = OK;
    for (unsigned k = 0; !e && k < m->parts; k++)
        e = db_run(db,
                   "INSERT INTO part(id, state, modem, rank, due_ms, tail, tries, doubt) "
                   "VALUES(?1,?2,?3,?4,?5,?6,0,0)",
                   ARGS(INT(id * PART_STEP + k), INT(k ? PART_WAITING : PART_QUEUED), INT(owner),
                        INT(HIGHEST_PRIORITY - m->priority), INT(m->due_ms),
                        INT(number_tail(m->recipient))));
    return e;
}

static enum err add_link(struct db *db, int64_t id, const struct store_new_message *m)
{
    bool same = m->destination && m->link && !strcmp(m->destination, m->link);
    return db_run(db,
                  "INSERT INTO link(id, slug, link, destination, shortlink, expires_ms,"
                  " accessed_ms, clicks, bots) VALUES(?1,?2,?3,?4,?5,?6,0,0,0)",
                  ARGS(INT(id), TEXT(m->slug), TEXT(m->link), TEXT(same ? NULL : m->destination),
                       TEXT(m->shortlink), INT(m->link_expires_ms)));
}

static enum err add_message(struct db *db, int64_t account, const struct store_accept *a,
                            const struct store_new_message *m)
{
    struct place place;
    enum err e = m->modem ? name_id(db, DB_MODEM, m->modem, &place.wanted)
                          : route_place(db, m->sender, m->recipient, a->now_ms, &place);
    if (m->modem)
        place.owner = place.wanted;
    if (!e)
        e = db_run(db,
                   "INSERT INTO message(msgid, account, state, parts, flash, on_uncertain, modem,"
                   " accepted_ms, valid_until_ms, watch_ms, cost, recipient, sender, text, tags,"
                   " url_base, callbackurl, lt_callbackurl) "
                   "VALUES(?1,?2,0,?3,?4,?5,?6,?7,?8,?8,?9,?10,?11,?12,?13,?14,?15,?16)",
                   ARGS(TEXT(m->msgid), INT(account), INT(m->parts), INT(m->flash),
                        INT(m->on_uncertain), INT(place.wanted), INT(a->now_ms),
                        INT(m->valid_until_ms), REAL(a->cost), TEXT(m->recipient), TEXT(m->sender),
                        TEXT(m->text), TEXT(m->tags ? m->tags : "[]"),
                        TEXT(a->url_base ? a->url_base : ""), TEXT(m->callbackurl),
                        TEXT(m->lt_callbackurl)));
    if (e)
        return e;
    int64_t id = db_last_id(db);
    db->queued++;
    db_event(db,
             &(struct store_event){.kind = STORE_EVENT_MESSAGE, .row = id, .state = STORE_QUEUED});
    e = add_parts(db, id, place.owner, m);
    return e || !m->slug ? e : add_link(db, id, m);
}

static bool well_formed(const struct store_accept *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (!a->messages[i].parts || a->messages[i].parts > SMS_PARTS_MAX ||
            a->messages[i].priority > HIGHEST_PRIORITY)
            return false;
    return a->count <= MESSAGES_MAX;
}

static enum err run_accept(struct db *db, void *arg)
{
    struct store_accept *a = arg;
    int64_t account;
    a->replayed = false;
    if (!well_formed(a))
        return ERR_RANGE;
    enum err e = name_id(db, DB_ACCOUNT, a->account, &account);
    if (!e && a->idempotency_key)
        e = look_up_key(db, account, a);
    if (e || a->replayed)
        return e;
    e = check_all(db, a);
    for (size_t i = 0; !e && i < a->count; i++)
        e = add_message(db, account, a, &a->messages[i]);
    if (!e && a->idempotency_key)
        e = keep_key(db, account, a);
    db->parts_due |= !e;
    return e;
}

void store_accept(struct store *s, struct store_accept *a, store_done *done, void *ctx)
{
    struct store_op *op = calloc(1, sizeof *op);
    if (!op) {
        store_refuse(done, ctx);
        return;
    }
    *op = (struct store_op){.run = run_accept, .arg = a, .done = done, .ctx = ctx};
    store_post(s, op);
}

/* ---- cancellation ---- */

struct cancel {
    struct store_op op;
    char msgid[STORE_MSGID_LEN + 1], account[256];
    int64_t now_ms;
};

static enum err run_cancel(struct db *db, void *arg)
{
    const struct cancel *c = arg;
    int64_t id, state, handed;
    sqlite3_stmt *q = NULL;
    enum err e =
        db_row(db, &q,
               "SELECT m.id, m.state FROM message m INDEXED BY message_msgid"
               " JOIN account a ON a.id=m.account"
               " WHERE substr(m.msgid, 1, 8)=substr(?1, 1, 8) AND +m.msgid=?1 AND a.name=?2",
               ARGS(TEXT(c->msgid), TEXT(c->account)));
    if (e)
        return e == ERR_EMPTY ? ERR_NOT_FOUND : e;
    id = db_int(q, 0);
    state = db_int(q, 1);
    db_done(q);
    /* queued without doubt, or waiting: no modem has it */
    e = db_value(
        db, &handed, 0,
        "SELECT count(*) FROM part WHERE id BETWEEN ?1 AND ?2 AND NOT (state<2 AND doubt=0)",
        ARGS(INT(id * PART_STEP), INT(id * PART_STEP + PART_STEP - 1)));
    if (e || state != STORE_QUEUED || handed)
        return e ? e : ERR_CONFLICT;
    return message_fail(db, id, "cancelled", "Cancelled before it was sent", c->now_ms);
}

void store_cancel(struct store *s, const char *account, const char *msgid, int64_t now_ms,
                  store_done *done, void *ctx)
{
    struct cancel *c = calloc(1, sizeof *c);
    if (!c) {
        store_refuse(done, ctx);
        return;
    }
    c->op = (struct store_op){.run = run_cancel, .arg = c, .done = done, .ctx = ctx};
    c->now_ms = now_ms;
    /* Too long for what we hand out: an empty one is as unknown. */
    (void)snprintf(c->msgid, sizeof c->msgid, "%s", strlen(msgid) == STORE_MSGID_LEN ? msgid : "");
    (void)snprintf(c->account, sizeof c->account, "%s", account);
    store_post(s, &c->op);
}
