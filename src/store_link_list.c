/* store_link_list.c - short links as the API tells them, and when they were tapped.
 * Refuses to know JSON.  Promises: pages by key; no transaction left open. */
#include <string.h>

#include "store_private.h"

#define ACCOUNT "(SELECT id FROM account WHERE name=?1)"

enum err store_link_list(struct store_reader *r, const struct store_link_query *query,
                         store_link_list_row *row, void *ctx)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(
        &r->db, &q,
        "SELECT l.id, m.msgid, m.recipient, l.link, l.shortlink, l.accessed_ms, l.expires_ms,"
        " l.clicks, l.bots FROM link l JOIN message m ON m.id=l.id"
        " WHERE m.account=" ACCOUNT " AND (?2=0 OR l.id<?2) ORDER BY l.id DESC LIMIT ?3",
        ARGS(TEXT(query->account), INT(query->before_id),
             INT(query->limit ? (int64_t)query->limit : -1)));
    for (; !e; e = db_next(&r->db, q)) {
        const struct store_link_row l = {.id = db_int(q, 0),
                                         .msgid = db_text(q, 1),
                                         .recipient = db_text(q, 2),
                                         .link = db_text(q, 3),
                                         .shortlink = db_text(q, 4),
                                         .accessed_ms = db_int(q, 5),
                                         .expires_ms = db_int(q, 6),
                                         .clicks = db_int(q, 7),
                                         .bots = db_int(q, 8)};
        e = row(ctx, &l);
        if (e)
            break;
    }
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

enum err store_link_taps(struct store_reader *r, const char *account, int64_t now_ms,
                         unsigned *taps, size_t days)
{
    sqlite3_stmt *q = NULL;
    int64_t first_day = now_ms / CLK_DAY_MS - (int64_t)days + 1;
    memset(taps, 0, days * sizeof *taps);
    enum err e =
        db_row(&r->db, &q,
               "SELECT l.accessed_ms/86400000-?2, count(*) FROM link l"
               " JOIN message m ON m.id=l.id WHERE l.accessed_ms>0 AND l.accessed_ms>=?2*86400000"
               " AND m.account=" ACCOUNT " GROUP BY 1",
               ARGS(TEXT(account), INT(first_day)));
    for (; !e; e = db_next(&r->db, q)) {
        int64_t day = db_int(q, 0);
        if (day >= 0 && day < (int64_t)days) /* a clock that was set back tells of tomorrow */
            taps[day] = (unsigned)db_int(q, 1);
    }
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}
