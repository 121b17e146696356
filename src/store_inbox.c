/* store_inbox.c - what arrived: texts, parts of texts until all are there, octets that are no
 * text.
 * Refuses to know PDUs beyond their fields.  Promises: a PDU that comes again is known; what was
 * acknowledged is in the inbox, in a set that waits, or among the raw ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "store_private.h"
#include "text.h"

#define TEXT_MAX (128 * 1024) /* sms_join() of SMS_JOIN_MAX parts */

/* ---- a text or octets, whole ---- */

/* Octets behind the header; septets only make sense with it. */
static void add_octets(struct buf *hex, const struct sms_ud *ud)
{
    char text[2 * SMS_UD_MAX + 1];
    size_t from = ud->alphabet == SMS_GSM7 ? 0 : sms_ud_header_units(ud);
    size_t n = ud->alphabet == SMS_GSM7 ? (ud->udl * 7u + 7) / 8 : ud->udl;
    if (n > SMS_UD_MAX)
        n = SMS_UD_MAX;
    if (from >= n)
        return;
    text_hex_encode(ud->octets + from, n - from, text);
    (void)buf_add_str(hex, text);
}

static enum err as_octets(const struct sms_ud *const *uds, unsigned parts, struct buf *out)
{
    buf_clear(out);
    for (unsigned i = 0; i < parts; i++)
        if (uds[i])
            add_octets(out, uds[i]);
    return out->err;
}

static enum err as_text(const struct sms_ud *const *uds, unsigned parts, struct buf *out)
{
    char *text = malloc(TEXT_MAX);
    if (!text)
        return ERR_NO_MEMORY;
    enum err e = sms_join(uds, parts, text, TEXT_MAX);
    if (!e)
        e = buf_add_str(out, text);
    free(text);
    return e;
}

static bool has_octets(const struct inbound *in, const struct sms_ud *const *uds, unsigned parts)
{
    for (unsigned i = 0; i < parts; i++)
        if (uds[i] && uds[i]->alphabet == SMS_8BIT)
            return true;
    return in->port != 0;
}

enum err inbox_add(struct db *db, const struct inbound *in, const struct sms_ud *const *uds,
                   unsigned parts, bool partial)
{
    struct buf content;
    char public_id[RANDOM_ID_MAX];
    bool binary = has_octets(in, uds, parts);
    buf_init(&content, TEXT_MAX * 2);
    enum err e = random_id("", public_id);
    if (!e && !binary) {
        e = as_text(uds, parts, &content);
        if (e && e != ERR_NO_MEMORY) { /* no text after all: nothing is lost */
            binary = true;
            e = OK;
        }
    }
    if (!e && binary)
        e = as_octets(uds, parts, &content);
    if (!e)
        e = db_run(db,
                   "INSERT INTO inbox(public_id, modem, sim, sender, message, received_ms,"
                   " scts_ms, parts, partial, binary) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
                   ARGS(TEXT(public_id), INT(in->modem), INT(in->sim), TEXT(in->sender),
                        TEXT(buf_str(&content)), INT(in->now_ms), INT(in->scts_ms), INT(parts),
                        INT(partial), INT(binary)));
    int64_t id = db_last_id(db);
    if (!e && !binary && !partial)
        e = opt_note(db, in->sender, buf_str(&content), in->now_ms);
    buf_free(&content);
    if (!e && in->url)
        e = outbox_add_inbox(db, id, in->url, in->now_ms);
    return e;
}

/* ---- arrival ---- */

struct incoming {
    const char *modem, *iccid, *inbox_url;
    const struct sms_deliver *msg; /* NULL: not understood */
    const struct sms_raw *pdu;
    int64_t now_ms;
};

/* ERR_CONFLICT: it was here before. */
static enum err first_time(struct db *db, int64_t sim, const struct sms_raw *pdu, int64_t now_ms)
{
    enum err e = db_run(db, "INSERT OR IGNORE INTO seen(sim, pdu, at_ms) VALUES(?1, ?2, ?3)",
                        ARGS(INT(sim), BLOB(pdu->octets, pdu->n), INT(now_ms)));
    return e ? e : db_changes(db) ? OK : ERR_CONFLICT;
}

static enum err run_incoming(struct db *db, void *arg)
{
    const struct incoming *i = arg;
    struct inbound in = {.url = i->inbox_url, .now_ms = i->now_ms};
    enum err e = name_id(db, DB_MODEM, i->modem, &in.modem);
    if (!e)
        e = sim_id(db, i->modem, i->iccid, &in.sim);
    if (!e)
        e = first_time(db, in.sim, i->pdu, i->now_ms);
    if (e)
        return e == ERR_CONFLICT ? OK : e;
    if (!i->msg)
        return db_run(
            db, "INSERT INTO raw(sim, modem, pdu, at_ms) VALUES(?1, ?2, ?3, ?4)",
            ARGS(INT(in.sim), INT(in.modem), BLOB(i->pdu->octets, i->pdu->n), INT(i->now_ms)));
    in.sender = i->msg->sender;
    in.scts_ms = i->msg->scts_ms;
    in.port = i->msg->port_dst;
    const struct sms_concat *c = &i->msg->concat;
    if (c->total > 1 && c->seq >= 1 && c->seq <= c->total)
        return fragment_add(db, &in, i->msg);
    const struct sms_ud *one = &i->msg->ud;
    return inbox_add(db, &in, &one, 1, false);
}

enum err store_incoming(struct store *s, const char *modem, const char *iccid,
                        const struct sms_deliver *msg, const struct sms_raw *pdu,
                        const char *inbox_url, int64_t now_ms)
{
    struct incoming i = {modem, iccid, inbox_url, msg, pdu, now_ms};
    return store_do(s, run_incoming, &i);
}

enum err store_raw(struct store *s, const char *modem, const char *iccid, const struct sms_raw *pdu,
                   int64_t now_ms)
{
    struct incoming i = {modem, iccid, NULL, NULL, pdu, now_ms};
    return store_do(s, run_incoming, &i);
}

/* ---- reading ---- */

#define COLUMNS                                                                                    \
    "SELECT i.id, i.public_id, m.name, i.sender, i.message, i.received_ms, i.parts, i.partial,"    \
    " i.binary FROM inbox i JOIN modem m ON m.id=i.modem "

static void read_inbox(sqlite3_stmt *q, struct store_inbox *m)
{
    *m = (struct store_inbox){.id = db_int(q, 0),
                              .public_id = db_text(q, 1),
                              .modem = db_text(q, 2),
                              .sender = db_text(q, 3),
                              .message = db_text(q, 4),
                              .received_ms = db_int(q, 5),
                              .parts = (unsigned)db_int(q, 6),
                              .partial = db_int(q, 7) != 0,
                              .binary = db_int(q, 8) != 0};
}

/* Newest first by (received_ms, id); the cursor's row tells its time. */
enum err store_inbox_list(struct store_reader *r, const struct store_inbox_query *query,
                          store_inbox_row *row, void *ctx)
{
    sqlite3_stmt *q = NULL;
    int64_t before_ms = INT64_MAX;
    enum err e = OK;
    if (query->before_id)
        e = db_value(&r->db, &before_ms, INT64_MAX, "SELECT received_ms FROM inbox WHERE id=?1",
                     ARGS(INT(query->before_id)));
    if (e)
        return e;
    e = db_row(&r->db, &q,
               COLUMNS "WHERE i.received_ms>=?1 AND (i.received_ms, i.id)<(?2, ?3)"
                       " AND (?3=0 OR ?2<9223372036854775807 OR i.id<?3) "
                       " ORDER BY i.received_ms DESC, i.id DESC LIMIT ?4",
               ARGS(INT(query->since_ms), INT(before_ms), INT(query->before_id),
                    INT(query->limit ? (int64_t)query->limit : -1)));
    for (; !e; e = db_next(&r->db, q)) {
        struct store_inbox m;
        read_inbox(q, &m);
        e = row(ctx, &m);
        if (e)
            break;
    }
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

enum err store_inbox_get(struct store_reader *r, const char *public_id, store_inbox_row *row,
                         void *ctx)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(&r->db, &q, COLUMNS "WHERE i.public_id=?1", ARGS(TEXT(public_id)));
    if (e)
        return e == ERR_EMPTY ? ERR_NOT_FOUND : e;
    struct store_inbox m;
    read_inbox(q, &m);
    e = row(ctx, &m);
    db_done(q);
    return e;
}
