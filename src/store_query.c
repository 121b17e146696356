/* store_query.c - messages as the API tells them, and how many there are.
 * Refuses to know JSON.  Promises: one snapshot a call, no transaction left open, pages by key
 * (never by offset). */
#include <stdio.h>

#include "store_private.h"

/* clang-format off */
#define COLUMNS \
    "SELECT m.id, m.msgid, a.name, m.recipient, m.sender, m.tags, m.url_base, m.state, m.accepted_ms," \
    " m.delivered_ms, m.cost, m.parts, m.error_code, m.error_text, (SELECT o.name FROM part p, modem o" \
    " WHERE p.id=m.id*16 AND p.sending_ms IS NOT NULL AND o.id=p.modem), m.callbackurl, m.lt_callbackurl," \
    " l.id IS NOT NULL, l.link, l.shortlink, l.accessed_ms, l.expires_ms, l.clicks, l.bots," \
    " CASE WHEN m.state>0 THEN (SELECT max(p.tried_ms) FROM part p WHERE p.id BETWEEN m.id*16 AND m.id*16+15) END" \
    " FROM message m JOIN account a ON a.id=m.account LEFT JOIN link l ON l.id=m.id "
/* clang-format on */

static void read_message(sqlite3_stmt *q, struct store_message *m)
{
    *m = (struct store_message){.id = db_int(q, 0),
                                .msgid = db_text(q, 1),
                                .account = db_text(q, 2),
                                .recipient = db_text(q, 3),
                                .sender = db_text(q, 4),
                                .tags = db_text(q, 5),
                                .url_base = db_text(q, 6),
                                .state = (enum store_state)db_int(q, 7),
                                .accepted_ms = db_int(q, 8),
                                .delivered_ms = db_int(q, 9),
                                .cost = db_real(q, 10),
                                .parts = (unsigned)db_int(q, 11),
                                .error_code = db_text(q, 12),
                                .error_text = db_text(q, 13),
                                .modem = db_text(q, 14),
                                .callbackurl = db_text(q, 15),
                                .lt_callbackurl = db_text(q, 16),
                                .tracked = db_int(q, 17) != 0,
                                .link = db_text(q, 18),
                                .shortlink = db_text(q, 19),
                                .accessed_ms = db_int(q, 20),
                                .link_expires_ms = db_int(q, 21),
                                .clicks = db_int(q, 22),
                                .bots = db_int(q, 23),
                                .submitted_ms = db_int(q, 24)};
}

/* q: a statement's result; its first row, handed out. */
static enum err first_row(enum err e, sqlite3_stmt *q, store_message_row *row, void *ctx)
{
    if (e)
        return e == ERR_EMPTY ? ERR_NOT_FOUND : e;
    struct store_message m;
    read_message(q, &m);
    e = row(ctx, &m);
    db_done(q);
    return e;
}

enum err store_message_get(struct store_reader *r, const char *account, const char *msgid,
                           store_message_row *row, void *ctx)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(&r->db, &q,
                        COLUMNS "WHERE substr(m.msgid, 1, 8)=substr(?1, 1, 8) AND +m.msgid=?1"
                                " AND (?2 IS NULL OR a.name=?2)",
                        ARGS(TEXT(msgid), TEXT(account)));
    return first_row(e, q, row, ctx);
}

enum err store_message_by_row(struct store_reader *r, int64_t id, store_message_row *row, void *ctx)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(&r->db, &q, COLUMNS "WHERE m.id=?1", ARGS(INT(id)));
    return first_row(e, q, row, ctx);
}

/* Newest first is (accepted_ms, id), which has an index.  What is older than the cursor, whose
 * row tells its time; where that is pruned, older than its id. */
static enum err upper_bound(struct db *db, const struct store_message_query *query, int64_t *ms,
                            int64_t *id)
{
    *ms = query->accepted_before_ms;
    *id = 0;
    if (!query->before_id)
        return OK;
    int64_t cursor_ms;
    enum err e = db_value(db, &cursor_ms, *ms, "SELECT accepted_ms FROM message WHERE id=?1",
                          ARGS(INT(query->before_id)));
    if (!e && cursor_ms < *ms) {
        *ms = cursor_ms;
        *id = query->before_id;
    }
    return e;
}

enum err store_message_list(struct store_reader *r, const struct store_message_query *query,
                            store_message_row *row, void *ctx)
{
    sqlite3_stmt *q = NULL;
    int64_t ms, id;
    enum err e = upper_bound(&r->db, query, &ms, &id);
    if (e)
        return e;
    e = db_row(&r->db, &q,
               COLUMNS
               "WHERE m.account=(SELECT id FROM account WHERE name=?1) AND m.accepted_ms>=?2"
               " AND (m.accepted_ms, m.id)<(?3, ?4) AND (?5 IS NULL OR m.recipient=?5)"
               " AND (?6<0 OR m.state=?6)"
               " AND (?7 IS NULL OR EXISTS(SELECT 1 FROM json_each(m.tags) WHERE value=?7))"
               " ORDER BY m.accepted_ms DESC, m.id DESC LIMIT ?8",
               ARGS(TEXT(query->account), INT(query->accepted_from_ms), INT(ms), INT(id),
                    TEXT(query->recipient), INT(query->state), TEXT(query->tag),
                    INT(query->limit ? (int64_t)query->limit : -1)));
    for (; !e; e = db_next(&r->db, q)) {
        struct store_message m;
        read_message(q, &m);
        e = row(ctx, &m);
        if (e)
            break;
    }
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

enum err store_counts(struct store_reader *r, struct store_counts *out)
{
    struct store_counts c;
    store_live_counts(r->store, &c.queued, &c.delivering);
    enum err e =
        db_value(&r->db, &c.uncertain, 0, "SELECT count(*) FROM part WHERE state=3", NO_ARGS);
    if (!e)
        e = db_value(&r->db, &c.callbacks_pending, 0, "SELECT count(*) FROM outbox WHERE state=0",
                     NO_ARGS);
    if (!e)
        e = db_value(&r->db, &c.callbacks_failed, 0, "SELECT count(*) FROM outbox WHERE state=2",
                     NO_ARGS);
    if (!e)
        e = db_value(&r->db, &c.oldest_queued_ms, 0, "SELECT min(due_ms) FROM part WHERE state=0",
                     NO_ARGS);
    if (!e)
        *out = c;
    return e;
}

/* part.modem: store_route.c.  A route that a modem keeps waits for it; one without a keeper for those that prefer it. */
enum err store_queues(struct store_reader *r, store_queue_row *row, void *ctx)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(
        &r->db, &q,
        "WITH q AS MATERIALIZED (SELECT p.modem AS owner, p.n, r.keeper, ','||r.members||',' AS "
        "members"
        " FROM (SELECT modem, count(*) AS n FROM part WHERE state=0 GROUP BY modem) p"
        " LEFT JOIN route r ON r.id=-p.modem)"
        " SELECT m.name, coalesce((SELECT sum(n) FROM q WHERE owner IN (m.id, 0) OR keeper=m.id"
        " OR (keeper=0 AND instr(members, ','||m.id||','))), 0) FROM modem m",
        NO_ARGS);
    for (; !e; e = db_next(&r->db, q))
        row(ctx, db_text(q, 0), db_int(q, 1));
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}
