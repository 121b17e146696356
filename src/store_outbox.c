/* store_outbox.c - callbacks to be posted: made with the change that causes them, counted before
 * each try.
 * Refuses to know HTTP and the schedule.  Promises: one callback of a kind for a subject, ever;
 * the number of tries is on disk before the try. */
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "store_private.h"

/* A POST that was begun is not handed out again for so long, whatever became of whoever began
 * it. */
#define LEASE_MS (5 * CLK_MINUTE_MS)

#define OUTBOX_GIVEN_UP 2
#define OUTBOX_COLUMNS  "id, state, posting, tries, next_ms, account, made_ms, webhook_id, url"

enum err outbox_add_message(struct db *db, int64_t message, enum store_callback_kind kind,
                            int64_t now_ms)
{
    char webhook[RANDOM_ID_MAX];
    enum err e = random_id("msg_", webhook);
    if (e)
        return e;
    int64_t before = db_total_changes(db);
    const struct db_arg args[] = {INT(message), INT(message * OUTBOX_STEP + kind), INT(now_ms),
                                  TEXT(webhook)};
    if (kind == STORE_CALLBACK_CLICK)
        e = db_run(db,
                   "INSERT INTO outbox(" OUTBOX_COLUMNS
                   ") SELECT ?2, 0, 0, 0, ?3, account, ?3, ?4, lt_callbackurl"
                   " FROM message WHERE id=?1 AND lt_callbackurl IS NOT NULL",
                   args, 4);
    else
        e = db_run(db,
                   "INSERT INTO outbox(" OUTBOX_COLUMNS
                   ") SELECT ?2, 0, 0, 0, ?3, account, ?3, ?4, callbackurl"
                   " FROM message WHERE id=?1 AND callbackurl IS NOT NULL",
                   args, 4);
    if (!e && db_total_changes(db) != before)
        db->callbacks_due = true;
    return e;
}

enum err outbox_add_inbox(struct db *db, int64_t inbox, enum store_callback_kind kind,
                          const char *url, int64_t now_ms)
{
    char webhook[RANDOM_ID_MAX];
    enum err e = random_id("msg_", webhook);
    if (e)
        return e;
    db->callbacks_due = true;
    return db_run(
        db, "INSERT INTO outbox(" OUTBOX_COLUMNS ") VALUES(?1, 0, 0, 0, ?2, NULL, ?2, ?3, ?4)",
        ARGS(INT(inbox * OUTBOX_STEP + kind), INT(now_ms), TEXT(webhook), TEXT(url)));
}

/* ---- posting ---- */

struct begin {
    int64_t id, now_ms;
    const char *body;
    unsigned tries;
};

static enum err run_begin(struct db *db, void *arg)
{
    struct begin *b = arg;
    int64_t tries;
    enum err e =
        db_value(db, &tries, -1,
                 "UPDATE outbox SET tries=tries+1, body=coalesce(body, ?2), posting=1, next_ms=?3"
                 " WHERE id=?1 AND state=0 RETURNING tries",
                 ARGS(INT(b->id), TEXT(b->body), INT(b->now_ms + LEASE_MS)));
    if (e || tries < 0)
        return e ? e : ERR_CONFLICT;
    b->tries = (unsigned)tries;
    return OK;
}

enum err store_callback_begin(struct store *s, int64_t id, const char *body, int64_t now_ms,
                              unsigned *tries)
{
    struct begin b = {.id = id, .now_ms = now_ms, .body = body};
    enum err e = store_do(s, run_begin, &b);
    if (!e)
        *tries = b.tries;
    return e;
}

struct ended {
    int64_t id, next_ms, now_ms;
    const char *error; /* NULL: received */
};

/* The body has done its duty once it was received; a callback that was given up keeps it. */
static enum err run_ended(struct db *db, void *arg)
{
    const struct ended *d = arg;
    enum err e;
    if (!d->error)
        e = db_run(
            db,
            "UPDATE outbox SET state=1, posting=0, body=NULL, error=NULL WHERE id=?1 AND state=0",
            ARGS(INT(d->id)));
    else
        e = db_run(db,
                   "UPDATE outbox SET state=CASE WHEN ?2 THEN 0 ELSE 2 END, posting=0, next_ms=?2,"
                   " error=?3 WHERE id=?1 AND state=0",
                   ARGS(INT(d->id), INT(d->next_ms), TEXT(d->error)));
    return e ? e : db_changes(db) ? OK : ERR_CONFLICT;
}

enum err store_callback_done(struct store *s, int64_t id, int64_t now_ms)
{
    struct ended d = {.id = id, .now_ms = now_ms};
    return store_do(s, run_ended, &d);
}

enum err store_callback_failed(struct store *s, int64_t id, int64_t next_ms, const char *error,
                               int64_t now_ms)
{
    struct ended d = {.id = id, .next_ms = next_ms, .now_ms = now_ms, .error = error ? error : ""};
    return store_do(s, run_ended, &d);
}

struct steps {
    struct store_callback_step *step;
    size_t count;
    int64_t now_ms;
};

static enum err run_step(struct db *db, struct store_callback_step *step, int64_t now_ms)
{
    struct begin b = {.id = step->id, .now_ms = now_ms, .body = step->body};
    struct ended d = {.id = step->id, .next_ms = step->next_ms, .now_ms = now_ms};
    if (step->kind == STORE_STEP_FAILED)
        d.error = step->error ? step->error : "";
    step->result = step->kind == STORE_STEP_BEGIN ? run_begin(db, &b) : run_ended(db, &d);
    step->tries = b.tries;
    return step->result == ERR_CONFLICT ? OK : step->result;
}

static enum err run_steps(struct db *db, void *arg)
{
    const struct steps *all = arg;
    enum err e = OK;
    for (size_t i = 0; !e && i < all->count; i++)
        e = run_step(db, &all->step[i], all->now_ms);
    return e;
}

enum err store_callback_steps(struct store *s, struct store_callback_step *steps, size_t count,
                              int64_t now_ms)
{
    struct steps all = {.step = steps, .count = count, .now_ms = now_ms};
    return store_do(s, run_steps, &all);
}

/* ---- given up, and again ---- */

struct retry {
    struct store_op op;
    int64_t id, now_ms;
};

static enum err run_retry(struct db *db, void *arg)
{
    const struct retry *r = arg;
    int64_t state;
    enum err e = db_value(db, &state, -1, "SELECT state FROM outbox WHERE id=?1", ARGS(INT(r->id)));
    if (e || state != OUTBOX_GIVEN_UP)
        return e ? e : state < 0 ? ERR_NOT_FOUND : ERR_CONFLICT;
    db->callbacks_due = true;
    return db_run(db, "UPDATE outbox SET state=0, tries=0, next_ms=?2 WHERE id=?1",
                  ARGS(INT(r->id), INT(r->now_ms)));
}

void store_callback_retry(struct store *s, int64_t id, int64_t now_ms, store_done *done, void *ctx)
{
    struct retry *r = calloc(1, sizeof *r);
    if (!r) {
        store_refuse(done, ctx);
        return;
    }
    r->op = (struct store_op){.run = run_retry, .arg = r, .done = done, .ctx = ctx};
    r->id = id;
    r->now_ms = now_ms;
    store_post(s, &r->op);
}

/* ---- reading ---- */

#define READ_COLUMNS                                                                               \
    "SELECT o.id, o.webhook_id, o.url, coalesce(a.name, ''),"                                      \
    " coalesce(m.msgid, i.public_id, ''), o.body, o.tries, o.next_ms, o.made_ms, o.error"          \
    " FROM outbox o LEFT JOIN account a ON a.id=o.account"                                         \
    " LEFT JOIN message m ON o.id%4<2 AND m.id=o.id/4"                                             \
    " LEFT JOIN inbox i ON o.id%4>=2 AND i.id=o.id/4 "

static void read_callback(sqlite3_stmt *q, struct store_callback *c)
{
    int64_t id = db_int(q, 0);
    *c = (struct store_callback){.id = id,
                                 .kind = (enum store_callback_kind)(id % OUTBOX_STEP),
                                 .webhook_id = db_text(q, 1),
                                 .url = db_text(q, 2),
                                 .account = db_text(q, 3),
                                 .msgid = db_text(q, 4),
                                 .body = db_text(q, 5),
                                 .tries = (unsigned)db_int(q, 6),
                                 .next_ms = db_int(q, 7),
                                 .made_ms = db_int(q, 8),
                                 .error = db_text(q, 9)};
}

enum err store_callback_due(struct store_reader *r, int64_t now_ms, size_t limit,
                            store_callback_row *row, void *ctx, int64_t *next_ms)
{
    sqlite3_stmt *q = NULL;
    int64_t next = 0;
    size_t given = 0;
    enum err e = db_row(&r->db, &q, READ_COLUMNS "WHERE o.state=0 ORDER BY o.next_ms", NO_ARGS);
    for (; !e; e = db_next(&r->db, q)) {
        struct store_callback c;
        read_callback(q, &c);
        if (c.next_ms > now_ms || given == limit) {
            next = c.next_ms;
            break;
        }
        given++;
        e = row(ctx, &c);
        if (e)
            break;
    }
    db_done(q);
    if (e && e != ERR_EMPTY)
        return e;
    *next_ms = next;
    return OK;
}

/* The cursor's row tells its time; where it is not given up any more, what it stood before is as old as it. */
enum err store_callback_failed_list(struct store_reader *r, const struct store_failed_query *query,
                                    store_callback_row *row, void *ctx)
{
    sqlite3_stmt *q = NULL;
    int64_t before_ms = INT64_MAX;
    enum err e = OK;
    if (query->before_id)
        e = db_value(&r->db, &before_ms, 0, "SELECT made_ms FROM outbox WHERE id=?1",
                     ARGS(INT(query->before_id)));
    if (!e)
        e = db_row(&r->db, &q,
                   READ_COLUMNS "WHERE o.state=2 AND o.made_ms<=?1 AND (o.made_ms, o.id)<(?1, ?2)"
                                " ORDER BY o.made_ms DESC, o.id DESC LIMIT ?3",
                   ARGS(INT(before_ms), INT(query->before_id ? query->before_id : INT64_MAX),
                        INT(query->limit ? (int64_t)query->limit : -1)));
    for (; !e; e = db_next(&r->db, q)) {
        struct store_callback c;
        read_callback(q, &c);
        e = row(ctx, &c);
        if (e)
            break;
    }
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}
