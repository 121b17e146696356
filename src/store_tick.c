/* store_tick.c - what time changes: uncertain parts, validity, incomplete sets, old rows.
 * Refuses to know the configuration beyond its policy.  Promises: reads only by index or a few
 * rows at a time, writes nothing where nothing is due, and never so much at once that sending
 * stalls. */
#include <stdio.h>

#include "clock.h"
#include "store_private.h"

#define STEP            50 /* rows of a kind in one tick */
#define LINK_STEP       200
#define REPORT_GRACE_MS CLK_DAY_MS        /* after the validity, for the report */
#define LINK_GRACE_MS   (90 * CLK_DAY_MS) /* after a link's expiry: erased */
#define SEEN_MS         (30 * CLK_DAY_MS)
#define KEY_LIFE_MS     CLK_DAY_MS
#define IN_HAND_MS      (10 * CLK_SECOND_MS)
#define BEHIND_MS       (10 * CLK_SECOND_MS)
#define TICKS_MS        5000                /* what may have become due since the last tick */
#define CLOCK_JUMP_MS   (2 * CLK_MINUTE_MS) /* beyond UNHEARD_MS */

struct tick {
    const struct store_policy *policy;
    int64_t now_ms;
};

/* Up to STEP keys; working on them while the query is open would change what it sees. */
static enum err keys(struct db *db, int64_t out[STEP], size_t *n, const char *sql,
                     const struct db_arg *args, size_t n_args)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(db, &q, sql, args, n_args);
    for (*n = 0; !e && *n < STEP; e = *n < STEP ? db_next(db, q) : OK)
        out[(*n)++] = db_int(q, 0);
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

/* ---- uncertain parts that nobody settled ---- */

/* Reports come in the order in which the SMS went out, about: while those about earlier ones still come in (after a
 * restart many may be waiting), this one's may be among them. */
static bool reports_are_behind(struct db *db, const struct part *p, int64_t now_ms)
{
    const struct db_sim *sim = sim_memory(db, p->sim);
    return sim->report_ms > now_ms - BEHIND_MS && sim->report_about_ms < p->tried_ms &&
           p->tried_ms > now_ms - PATIENCE_MS;
}

static enum err give_up_waiting(struct db *db, const struct tick *t, int64_t id)
{
    struct part p;
    struct message m;
    enum err e = part_get(db, id, &p);
    if (!e)
        e = message_get(db, id / PART_STEP, &m);
    if (e || reports_are_behind(db, &p, t->now_ms))
        return e;
    bool resend = m.on_uncertain == STORE_UNCERTAIN_DEFAULT
                      ? t->policy->uncertain_resend
                      : m.on_uncertain == STORE_UNCERTAIN_RESEND;
    if (resend)
        return part_requeue(db, &p, t->now_ms, p.tries + 1, DOUBT_BEFORE, 0);
    return part_is_failed(db, &p, NULL, "uncertain", "It may have gone out; nobody told in time",
                          t->now_ms);
}

/* A clock that was set back would make them wait for as long again. */
static enum err settle_uncertain(struct db *db, const struct tick *t)
{
    int64_t ids[STEP];
    size_t n = 0;
    enum err e = db_run(db, "UPDATE part SET since_ms=?1 WHERE state=3 AND since_ms>?2",
                        ARGS(INT(t->now_ms), INT(t->now_ms + CLOCK_JUMP_MS)));
    if (!e)
        e = keys(db, ids, &n,
                 "SELECT id FROM part WHERE state=3 AND since_ms<=?1 ORDER BY since_ms",
                 ARGS(INT(t->now_ms - t->policy->uncertain_after_ms)));
    for (size_t i = 0; !e && i < n; i++)
        e = give_up_waiting(db, t, ids[i]);
    return e;
}

/* ---- validity ---- */

static enum err watch_again(struct db *db, int64_t id, int64_t at_ms)
{
    return db_run(db, "UPDATE message SET watch_ms=?2 WHERE id=?1", ARGS(INT(id), INT(at_ms)));
}

static enum err watch_queued(struct db *db, const struct tick *t, const struct message *m)
{
    int64_t in_hand;
    enum err e = db_value(
        db, &in_hand, 0, "SELECT count(*) FROM part WHERE id BETWEEN ?1 AND ?2 AND state IN (2, 3)",
        ARGS(INT(m->id * PART_STEP), INT(m->id * PART_STEP + PART_STEP - 1)));
    if (e)
        return e;
    if (in_hand) /* a modem has it, or it may have gone out: that comes first */
        return watch_again(db, m->id, t->now_ms + IN_HAND_MS);
    return message_fail(db, m->id, "expired", "Its validity ran out before it could be sent",
                        t->now_ms);
}

static enum err watch_delivering(struct db *db, const struct tick *t, const struct message *m)
{
    if (t->now_ms < m->valid_until_ms + REPORT_GRACE_MS)
        return watch_again(db, m->id, m->valid_until_ms + REPORT_GRACE_MS);
    db->delivering--;
    return db_run(db,
                  "UPDATE message SET watch_ms=NULL, error_code='no_report',"
                  " error_text='No delivery report came in time' WHERE id=?1",
                  ARGS(INT(m->id)));
}

static enum err watch_messages(struct db *db, const struct tick *t)
{
    int64_t ids[STEP];
    size_t n = 0;
    enum err e =
        keys(db, ids, &n,
             "SELECT id FROM message WHERE watch_ms IS NOT NULL AND watch_ms<=?1 ORDER BY watch_ms",
             ARGS(INT(t->now_ms)));
    for (size_t i = 0; !e && i < n; i++) {
        struct message m;
        e = message_get(db, ids[i], &m);
        if (!e)
            e = m.state == STORE_QUEUED ? watch_queued(db, t, &m) : watch_delivering(db, t, &m);
    }
    return e;
}

static enum err partial_sets(struct db *db, const struct tick *t)
{
    int64_t ids[STEP];
    size_t n = 0;
    enum err e =
        keys(db, ids, &n,
             "SELECT id FROM fragment_set WHERE inbox IS NULL AND first_ms<=?1 ORDER BY first_ms",
             ARGS(INT(t->now_ms - t->policy->partial_after_ms)));
    for (size_t i = 0; !e && i < n; i++)
        e = fragment_give_up(db, ids[i], t->policy->inbox_url, t->now_ms);
    return e ? e : fragment_forget(db, t->now_ms);
}

/* ---- old rows ---- */

static enum err prune_message(struct db *db, const struct tick *t, int64_t id)
{
    enum err e = db_run(db, "DELETE FROM part WHERE id BETWEEN ?1 AND ?2",
                        ARGS(INT(id * PART_STEP), INT(id * PART_STEP + PART_STEP - 1)));
    if (!e)
        e = db_run(db, "DELETE FROM outbox WHERE id IN (?1, ?2)",
                   ARGS(INT(id * OUTBOX_STEP + STORE_CALLBACK_DELIVERY),
                        INT(id * OUTBOX_STEP + STORE_CALLBACK_CLICK)));
    if (!e) /* a link lives as long as it was promised, whatever is kept of its message */
        e = db_run(db, "DELETE FROM link WHERE id=?1 AND expires_ms<=?2",
                   ARGS(INT(id), INT(t->now_ms - LINK_GRACE_MS)));
    return e ? e : db_run(db, "DELETE FROM message WHERE id=?1", ARGS(INT(id)));
}

/* Keys are in order of age, so the oldest few tell: those still under way are passed over. */
static enum err prune_messages(struct db *db, const struct tick *t)
{
    int64_t ids[STEP];
    size_t n = 0;
    enum err e =
        keys(db, ids, &n,
             "SELECT id FROM (SELECT id, accepted_ms, watch_ms FROM message ORDER BY id LIMIT 50)"
             " WHERE accepted_ms<=?1 AND watch_ms IS NULL",
             ARGS(INT(t->now_ms - t->policy->keep_ms)));
    for (size_t i = 0; !e && i < n; i++)
        e = prune_message(db, t, ids[i]);
    return e;
}

static enum err prune_inbox(struct db *db, const struct tick *t)
{
    int64_t ids[STEP];
    size_t n = 0;
    enum err e =
        keys(db, ids, &n, "SELECT id FROM inbox WHERE received_ms<=?1 ORDER BY received_ms",
             ARGS(INT(t->now_ms - t->policy->keep_ms)));
    for (size_t i = 0; !e && i < n; i++) {
        e = db_run(db, "DELETE FROM outbox WHERE id IN (?1, ?2)",
                   ARGS(INT(ids[i] * OUTBOX_STEP + STORE_CALLBACK_INBOX),
                        INT(ids[i] * OUTBOX_STEP + STORE_CALLBACK_INBOX_WHOLE)));
        if (!e)
            e = db_run(db, "DELETE FROM inbox WHERE id=?1", ARGS(INT(ids[i])));
    }
    return e;
}

/* Looks at some links a tick, round and round: within hours of their time they are erased. */
static enum err erase_links(struct db *db, const struct tick *t)
{
    int64_t last;
    int64_t expired = t->now_ms - LINK_GRACE_MS;
    enum err e = db_value(
        db, &last, 0, "SELECT max(id) FROM (SELECT id FROM link WHERE id>?1 ORDER BY id LIMIT 200)",
        ARGS(INT(db->link_cursor)));
    if (e)
        return e;
    if (!last) {
        db->link_cursor = 0;
        return OK;
    }
    const struct db_arg args[] = {INT(db->link_cursor), INT(last), INT(expired)};
    e = db_run(db,
               "DELETE FROM link WHERE id>?1 AND id<=?2 AND expires_ms<=?3"
               " AND id NOT IN (SELECT id FROM message)",
               args, 3);
    if (!e)
        e = db_run(
            db,
            "UPDATE link SET link=NULL, destination=NULL WHERE id>?1 AND id<=?2 AND expires_ms<=?3"
            " AND link IS NOT NULL",
            args, 3);
    if (!e)
        db->link_cursor = last;
    return e;
}

static enum err prune_small(struct db *db, const struct tick *t)
{
    static const struct {
        const char *sql;
        int64_t age_ms; /* 0: keep_ms */
    } rows[] = {
        {"DELETE FROM idempotency WHERE (account, name) IN (SELECT account, name FROM idempotency"
         " WHERE at_ms<=?1 ORDER BY at_ms LIMIT 50)",
         KEY_LIFE_MS},
        {"DELETE FROM seen WHERE (sim, pdu) IN (SELECT sim, pdu FROM seen WHERE at_ms<=?1"
         " ORDER BY at_ms LIMIT 50)",
         SEEN_MS},
        {"DELETE FROM report WHERE at_ms<=?1 AND id IN (SELECT id FROM report"
         " ORDER BY id LIMIT 50)",
         SEEN_MS},
        {"DELETE FROM raw WHERE at_ms<=?1 AND id IN (SELECT id FROM raw ORDER BY id LIMIT 50)", 0},
    };
    enum err e = OK;
    for (size_t i = 0; !e && i < sizeof rows / sizeof rows[0]; i++)
        e = db_run(db, rows[i].sql,
                   ARGS(INT(t->now_ms - (rows[i].age_ms ? rows[i].age_ms : t->policy->keep_ms))));
    return e;
}

/* Before the first tick: when the newest message came tells best what time it had been. */
static enum err last_clock(struct db *db, int64_t *last_ms)
{
    *last_ms = db->tick_ms;
    return db->tick_ms
               ? OK
               : db_value(db, last_ms, 0,
                          "SELECT accepted_ms FROM message ORDER BY id DESC LIMIT 1", NO_ARGS);
}

/* A clock that was set back: what was due stays due, and pauses are as long as they were.  Only send_at waits for the
 * new clock. */
static enum err follow_clock(struct db *db, const struct tick *t)
{
    int64_t last_ms;
    enum err e = last_clock(db, &last_ms);
    if (e)
        return e;
    if (last_ms > t->now_ms + CLOCK_JUMP_MS) {
        const struct db_arg args[] = {INT(t->now_ms), INT(last_ms), INT(last_ms + TICKS_MS)};
        e = db_run(db,
                   "UPDATE part SET due_ms=max(?1, due_ms-(?2-?1)) WHERE state=0 AND due_ms>?1"
                   " AND (due_ms<=?3 OR tries>0)",
                   args, 3);
        if (!e)
            e = db_run(db,
                       "UPDATE outbox SET next_ms=max(?1, next_ms-(?2-?1)) WHERE state=0"
                       " AND next_ms>?1",
                       args, 2);
        db->parts_due = true;
    }
    return e;
}

static enum err run_tick(struct db *db, void *arg)
{
    static enum err (*const duties[])(struct db *, const struct tick *) = {
        follow_clock,   settle_uncertain, watch_messages, partial_sets,
        prune_messages, prune_inbox,      erase_links,    prune_small,
    };
    enum err e = OK;
    db->uncertain_resend = ((const struct tick *)arg)->policy->uncertain_resend;
    for (size_t i = 0; !e && i < sizeof duties / sizeof duties[0]; i++)
        e = duties[i](db, arg);
    if (!e)
        db->tick_ms = ((const struct tick *)arg)->now_ms;
    return e;
}

enum err store_tick(struct store *s, const struct store_policy *policy, int64_t now_ms)
{
    struct tick t = {policy, now_ms};
    return store_do(s, run_tick, &t);
}
