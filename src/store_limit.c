/* store_limit.c - how many SMS a modem sent in the last minute and the last day.
 * Refuses to know why there is a limit.  Promises: counted in the commit that marks a part as
 * sending, so a restart does not forget; never more than the limit in any 60 s or 24 h: a slot
 * counts until its last instant has left the window. */
#include "clock.h"
#include "store_route.h"

static const struct span {
    int64_t window_ms, slot_ms;
} spans[] = {
    {CLK_MINUTE_MS, CLK_SECOND_MS},
    {CLK_DAY_MS,
     10 * CLK_MINUTE_MS}, /* few rows to add up, and a day that is up to 10 min longer */
};
#define SPANS ((int)(sizeof spans / sizeof spans[0]))

static int64_t oldest_slot(const struct span *s, int64_t now_ms)
{
    return (now_ms - s->window_ms) / s->slot_ms;
}

/* The instant at which enough slots have left the window. */
static enum err span_free(struct db *db, int64_t modem, int span, int64_t limit, int64_t now_ms,
                          int64_t *free_ms)
{
    const struct span *s = &spans[span];
    int64_t first = oldest_slot(s, now_ms), last = now_ms / s->slot_ms, sent;
    sqlite3_stmt *q = NULL;
    enum err e = db_value(db, &sent, 0,
                          "SELECT sum(n) FROM usage WHERE modem=?1 AND span=?2 AND slot>=?3"
                          " AND slot<=?4",
                          ARGS(INT(modem), INT(span), INT(first), INT(last)));
    if (e || sent < limit)
        return e;
    e = db_row(db, &q,
               "SELECT slot, n FROM usage WHERE modem=?1 AND span=?2 AND slot>=?3 AND slot<=?4"
               " ORDER BY slot",
               ARGS(INT(modem), INT(span), INT(first), INT(last)));
    for (; !e && sent >= limit; e = sent >= limit ? db_next(db, q) : OK) {
        int64_t at_ms = (db_int(q, 0) + 1) * s->slot_ms + s->window_ms;
        sent -= db_int(q, 1);
        *free_ms = at_ms > *free_ms ? at_ms : *free_ms;
    }
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

enum err limit_free(struct db *db, int64_t modem, unsigned per_minute, unsigned per_day,
                    int64_t now_ms, int64_t *free_ms)
{
    const unsigned limits[SPANS] = {per_minute, per_day};
    enum err e = OK;
    *free_ms = 0;
    for (int i = 0; !e && i < SPANS; i++)
        if (limits[i])
            e = span_free(db, modem, i, limits[i], now_ms, free_ms);
    return e;
}

enum err limit_count(struct db *db, int64_t modem, int64_t at_ms, int n)
{
    enum err e = OK;
    for (int i = 0; !e && i < SPANS; i++) {
        e = db_run(db,
                   "INSERT INTO usage(modem, span, slot, n) VALUES(?1, ?2, ?3, max(?4, 0))"
                   " ON CONFLICT DO UPDATE SET n=max(n+?4, 0)",
                   ARGS(INT(modem), INT(i), INT(at_ms / spans[i].slot_ms), INT(n)));
        if (!e)
            e = db_run(db, "DELETE FROM usage WHERE modem=?1 AND span=?2 AND slot<?3",
                       ARGS(INT(modem), INT(i), INT(oldest_slot(&spans[i], at_ms))));
    }
    return e;
}
