/* store_fragment.c - parts of inbound texts, kept until all are there.
 * Refuses to know alphabets.  Promises: parts may come in any order, across restarts, twice; a
 * reference that is used again begins a new set; a set that stays incomplete becomes a flagged
 * partial text, and a whole one when its late parts come; their number is bounded. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "store_private.h"

/* Further apart, an equal reference is another text (9.2.3.24.1: there are only 256 of them). */
#define SAME_SET_MS (3 * CLK_DAY_MS)
/* A set that was given out already: less is believed. */
#define SAME_GIVEN_MS CLK_HOUR_MS
/* Networks hold an SMS for a week at most. */
#define LATE_MS (8 * CLK_DAY_MS)
/* Further ones push the oldest out, into the inbox. */
#define SETS_OF_SENDER_MAX 64
#define SETS_MAX           4096

/* The waiting set that lacks this part, sent nearest to it in time; 0: none. */
static enum err find_set(struct db *db, const struct inbound *in, const struct sms_concat *c,
                         int64_t *set)
{
    return db_value(db, set, 0,
                    "SELECT id FROM fragment_set s WHERE sim=?1 AND sender=?2 AND ref=?3"
                    " AND wide=?4 AND total=?5"
                    " AND abs(scts_ms-?7)<=CASE WHEN inbox IS NULL THEN ?8 ELSE ?9 END"
                    " AND NOT EXISTS(SELECT 1 FROM fragment f WHERE f.id=s.id AND f.seq=?6)"
                    " ORDER BY inbox IS NOT NULL, abs(scts_ms-?7), id DESC LIMIT 1",
                    ARGS(INT(in->sim), TEXT(in->sender), INT(c->ref), INT(c->wide), INT(c->total),
                         INT(c->seq), INT(in->scts_ms), INT(SAME_SET_MS), INT(SAME_GIVEN_MS)));
}

static enum err make_set(struct db *db, const struct inbound *in, const struct sms_concat *c,
                         int64_t *set)
{
    enum err e = db_run(
        db,
        "INSERT INTO fragment_set(sim, sender, ref, wide, total, modem, port, scts_ms, first_ms,"
        " port_src, flags) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
        ARGS(INT(in->sim), TEXT(in->sender), INT(c->ref), INT(c->wide), INT(c->total),
             INT(in->modem), INT(in->port), INT(in->scts_ms), INT(in->now_ms), INT(in->port_src),
             INT(in->flags)));
    *set = db_last_id(db);
    return e;
}

/* ---- a set becomes a text ---- */

struct parts {
    struct sms_ud ud[SMS_JOIN_MAX];
    const struct sms_ud *in_order[SMS_JOIN_MAX];
};

static enum err read_part(sqlite3_stmt *q, struct parts *p, unsigned total)
{
    size_t n;
    int64_t seq = db_int(q, 0);
    const void *octets = db_blob(q, 4, &n);
    if (seq < 1 || seq > total || n > SMS_UD_MAX)
        return ERR_CORRUPT;
    struct sms_ud *ud = &p->ud[seq - 1];
    ud->alphabet = (enum sms_alphabet)db_int(q, 1);
    ud->udhi = db_int(q, 2) != 0;
    ud->udl = (uint8_t)db_int(q, 3);
    if (n)
        memcpy(ud->octets, octets, n);
    p->in_order[seq - 1] = ud;
    return OK;
}

static enum err read_parts(struct db *db, int64_t set, struct parts *p, unsigned total)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(db, &q, "SELECT seq, alphabet, udhi, udl, octets FROM fragment WHERE id=?1",
                        ARGS(INT(set)));
    for (; !e; e = db_next(db, q)) {
        e = read_part(q, p, total);
        if (e)
            break;
    }
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

static enum err drop_set(struct db *db, int64_t set)
{
    enum err e = db_run(db, "DELETE FROM fragment WHERE id=?1", ARGS(INT(set)));
    return e ? e : db_run(db, "DELETE FROM fragment_set WHERE id=?1", ARGS(INT(set)));
}

/* Into the row that it was given out as, or a new one. */
static enum err deliver(struct db *db, int64_t set, const struct inbound *in, unsigned total,
                        bool partial)
{
    int64_t row;
    struct parts *p = calloc(1, sizeof *p);
    if (!p)
        return ERR_NO_MEMORY;
    enum err e = read_parts(db, set, p, total);
    if (!e)
        e = db_value(db, &row, 0, "SELECT inbox FROM fragment_set WHERE id=?1", ARGS(INT(set)));
    if (!e)
        e = row ? inbox_join(db, row, in, p->in_order, total, partial) : ERR_NOT_FOUND;
    if (e == ERR_NOT_FOUND)
        e = inbox_add(db, in, p->in_order, total, partial, &row);
    free(p);
    if (e)
        return e;
    return partial ? db_run(db, "UPDATE fragment_set SET inbox=?2 WHERE id=?1",
                            ARGS(INT(set), INT(row)))
                   : drop_set(db, set);
}

/* ---- bounds ---- */

/* The oldest one of them leaves; what nobody has seen yet as a flagged partial. */
static enum err make_room(struct db *db, const struct inbound *in, const char *count,
                          const char *oldest, int64_t max, size_t keys)
{
    int64_t n, set, row;
    const struct db_arg key[] = {INT(in->sim), TEXT(in->sender)};
    enum err e = db_value(db, &n, 0, count, key, keys);
    if (e || n < max)
        return e;
    e = db_value(db, &set, 0, oldest, key, keys);
    if (!e)
        e = db_value(db, &row, 0, "SELECT inbox FROM fragment_set WHERE id=?1", ARGS(INT(set)));
    if (!e && !row)
        e = fragment_give_up(db, set, in->url, in->now_ms);
    return e ? e : drop_set(db, set);
}

static enum err room_for_set(struct db *db, const struct inbound *in)
{
    enum err e =
        make_room(db, in, "SELECT count(*) FROM fragment_set WHERE sim=?1 AND sender=?2",
                  "SELECT id FROM fragment_set WHERE sim=?1 AND sender=?2 ORDER BY id LIMIT 1",
                  SETS_OF_SENDER_MAX, 2);
    return e ? e
             : make_room(db, in, "SELECT count(*) FROM fragment_set",
                         "SELECT id FROM fragment_set ORDER BY id LIMIT 1", SETS_MAX, 0);
}

enum err fragment_forget(struct db *db, int64_t now_ms)
{
    int64_t set;
    enum err e = db_value(db, &set, 0,
                          "SELECT id FROM fragment_set WHERE inbox IS NOT NULL AND first_ms<=?1"
                          " ORDER BY first_ms LIMIT 1",
                          ARGS(INT(now_ms - LATE_MS)));
    return e || !set ? e : drop_set(db, set);
}

/* ---- one part ---- */

enum err fragment_add(struct db *db, const struct inbound *in, const struct sms_deliver *msg)
{
    const struct sms_concat *c = &msg->concat;
    const struct sms_ud *ud = &msg->ud;
    int64_t set, have, row;
    size_t octets = ud->alphabet == SMS_GSM7 ? (ud->udl * 7u + 7) / 8 : ud->udl;
    enum err e = find_set(db, in, c, &set);
    if (!e && !set) {
        e = room_for_set(db, in);
        if (!e)
            e = make_set(db, in, c, &set);
    }
    if (!e)
        e = db_run(
            db,
            "INSERT INTO fragment(id, seq, alphabet, udhi, udl, octets) VALUES(?1,?2,?3,?4,?5,?6)",
            ARGS(INT(set), INT(c->seq), INT(ud->alphabet), INT(ud->udhi), INT(ud->udl),
                 BLOB(ud->octets, octets > SMS_UD_MAX ? SMS_UD_MAX : octets)));
    if (!e)
        e = db_value(db, &have, 0, "SELECT count(*) FROM fragment WHERE id=?1", ARGS(INT(set)));
    if (!e)
        e = db_value(db, &row, 0, "SELECT inbox FROM fragment_set WHERE id=?1", ARGS(INT(set)));
    if (e || (have < c->total && !row))
        return e;
    return deliver(db, set, in, c->total, have < c->total);
}

enum err fragment_give_up(struct db *db, int64_t set, const char *inbox_url, int64_t now_ms)
{
    sqlite3_stmt *q = NULL;
    struct inbound in = {.url = inbox_url, .now_ms = now_ms};
    char sender[SMS_ADDR_MAX];
    enum err e = db_row(db, &q,
                        "SELECT sim, modem, port, scts_ms, total, sender, port_src, flags"
                        " FROM fragment_set WHERE id=?1",
                        ARGS(INT(set)));
    if (e)
        return e == ERR_EMPTY ? OK : e;
    in.sim = db_int(q, 0);
    in.modem = db_int(q, 1);
    in.port = (unsigned)db_int(q, 2);
    in.scts_ms = db_int(q, 3);
    unsigned total = (unsigned)db_int(q, 4);
    in.port_src = (unsigned)db_int(q, 6);
    in.flags = (unsigned)db_int(q, 7);
    const char *from = db_text(q, 5);
    size_t n = from ? strlen(from) : 0;
    memcpy(sender, from ? from : "", n < sizeof sender ? n + 1 : 0);
    db_done(q);
    if (n >= sizeof sender || !total || total > SMS_JOIN_MAX)
        return ERR_CORRUPT;
    in.sender = sender;
    return deliver(db, set, &in, total, true);
}
