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

/* TP-PID, 23.040 9.2.3.9: acknowledged and not shown by a phone; replacing an earlier one; for the
 * card or the phone itself. */
#define PID_TYPE_0        0x40
#define PID_REPLACE_FIRST 0x41
#define PID_REPLACE_LAST  0x47
#define PID_DATA_FIRST    0x7C
#define PID_DATA_LAST     0x7F

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
    return in->port != 0 || (in->flags & INBOX_OCTETS);
}

static enum err make_content(const struct inbound *in, const struct sms_ud *const *uds,
                             unsigned parts, struct buf *out, bool *binary)
{
    *binary = has_octets(in, uds, parts);
    if (!*binary) {
        enum err e = as_text(uds, parts, out);
        if (e == OK || e == ERR_NO_MEMORY)
            return e;
    }
    *binary = true; /* no text after all: nothing is lost */
    return as_octets(uds, parts, out);
}

/* Our own number on the card that got it. */
static enum err own_number(struct db *db, int64_t modem, char out[SMS_ADDR_MAX])
{
    sqlite3_stmt *q = NULL;
    out[0] = '\0';
    enum err e = db_row(db, &q, "SELECT number FROM modem WHERE id=?1", ARGS(INT(modem)));
    const char *number = e ? NULL : db_text(q, 0);
    if (number)
        (void)text_copy(out, SMS_ADDR_MAX, number);
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

/* The one before it of the same sender and type: 23.040 9.2.3.9.  "": none. */
static enum err replaced(struct db *db, const struct inbound *in, char out[RANDOM_ID_MAX])
{
    sqlite3_stmt *q = NULL;
    out[0] = '\0';
    if (!in->replace_pid)
        return OK;
    enum err e = db_row(db, &q,
                        "SELECT public_id FROM inbox WHERE sim=?1 AND sender=?2 AND replace_pid=?3"
                        " AND replace_pid>0 ORDER BY id DESC LIMIT 1",
                        ARGS(INT(in->sim), TEXT(in->sender), INT(in->replace_pid)));
    if (!e)
        (void)text_copy(out, RANDOM_ID_MAX, db_text(q, 0));
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

static const char *unless_empty(const char *s)
{
    return s[0] ? s : NULL;
}

static enum err insert_row(struct db *db, const struct inbound *in, const char *message,
                           unsigned parts, bool partial, bool binary)
{
    char public_id[RANDOM_ID_MAX], recipient[SMS_ADDR_MAX], earlier[RANDOM_ID_MAX];
    const struct sms_waiting *w = &in->waiting;
    enum err e = random_id("", public_id);
    if (!e)
        e = own_number(db, in->modem, recipient);
    if (!e)
        e = replaced(db, in, earlier);
    if (e)
        return e;
    return db_run(db,
                  "INSERT INTO inbox(public_id, modem, sim, sender, message, received_ms, scts_ms,"
                  " parts, partial, binary, recipient, port_dst, port_src, flags, waiting,"
                  " replace_pid, replaces)"
                  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17)",
                  ARGS(TEXT(public_id), INT(in->modem), INT(in->sim), TEXT(in->sender),
                       TEXT(message), INT(in->now_ms), INT(in->scts_ms), INT(parts), INT(partial),
                       INT(binary), TEXT(unless_empty(recipient)), INT(in->port), INT(in->port_src),
                       INT(in->flags), INT(w->kind + 8 * w->active + 16 * w->count),
                       INT(in->replace_pid), TEXT(unless_empty(earlier))));
}

enum err inbox_add(struct db *db, const struct inbound *in, const struct sms_ud *const *uds,
                   unsigned parts, bool partial, int64_t *id)
{
    struct buf content;
    bool binary, silent = in->flags & INBOX_SILENT;
    buf_init(&content, TEXT_MAX * 2);
    enum err e = make_content(in, uds, parts, &content, &binary);
    if (!e)
        e = insert_row(db, in, buf_str(&content), parts, partial, binary);
    *id = db_last_id(db);
    if (!e)
        db_event(db, &(struct store_event){.kind = STORE_EVENT_INBOX, .row = *id});
    if (!e && !binary && !partial && !silent)
        e = opt_note(db, in->sender, buf_str(&content), in->now_ms);
    buf_free(&content);
    if (!e && in->url && !silent)
        e = outbox_add_inbox(db, *id, STORE_CALLBACK_INBOX, in->url, in->now_ms);
    return e;
}

enum err inbox_join(struct db *db, int64_t id, const struct inbound *in,
                    const struct sms_ud *const *uds, unsigned parts, bool partial)
{
    struct buf content;
    bool binary;
    buf_init(&content, TEXT_MAX * 2);
    enum err e = make_content(in, uds, parts, &content, &binary);
    if (!e)
        e = db_run(db, "UPDATE inbox SET message=?2, partial=?3, binary=?4 WHERE id=?1",
                   ARGS(INT(id), TEXT(buf_str(&content)), INT(partial), INT(binary)));
    bool there = !e && db_changes(db);
    if (there && !binary && !partial)
        e = opt_note(db, in->sender, buf_str(&content), in->now_ms);
    buf_free(&content);
    if (there && !e && in->url && !partial)
        e = outbox_add_inbox(db, id, STORE_CALLBACK_INBOX_WHOLE, in->url, in->now_ms);
    return e ? e : there ? OK : ERR_NOT_FOUND;
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

/* What it is besides its text, by TP-PID: 23.040 9.2.3.9. */
static void traits(const struct sms_deliver *msg, struct inbound *in)
{
    in->port = msg->port_dst;
    in->port_src = msg->port_src;
    in->waiting = msg->waiting;
    in->flags = msg->message_class == 0 ? INBOX_FLASH : 0;
    if (msg->pid == PID_TYPE_0)
        in->flags |= INBOX_SILENT;
    if (msg->pid >= PID_DATA_FIRST && msg->pid <= PID_DATA_LAST)
        in->flags |= INBOX_OCTETS;
    if (msg->pid >= PID_REPLACE_FIRST && msg->pid <= PID_REPLACE_LAST)
        in->replace_pid = msg->pid;
}

static enum err run_incoming(struct db *db, void *arg)
{
    int64_t row;
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
    traits(i->msg, &in);
    const struct sms_concat *c = &i->msg->concat;
    if (c->total > 1 && c->seq >= 1 && c->seq <= c->total) {
        if (in.scts_ms < 0) /* parts are told apart by their times */
            in.scts_ms = i->now_ms;
        return fragment_add(db, &in, i->msg);
    }
    const struct sms_ud *one = &i->msg->ud;
    return inbox_add(db, &in, &one, 1, false, &row);
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
    " i.binary, i.recipient, i.replaces, i.port_dst, i.port_src, i.flags, i.waiting FROM inbox i " \
    "JOIN modem m ON m.id=i.modem "

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
                              .binary = db_int(q, 8) != 0,
                              .recipient = db_text(q, 9),
                              .replaces = db_text(q, 10),
                              .port_dst = (unsigned)db_int(q, 11),
                              .port_src = (unsigned)db_int(q, 12),
                              .flash = db_int(q, 13) & INBOX_FLASH,
                              .silent = db_int(q, 13) & INBOX_SILENT};
    unsigned waiting = (unsigned)db_int(q, 14);
    m->waiting = (struct sms_waiting){
        .kind = waiting & 7, .active = waiting & 8, .count = (uint8_t)(waiting >> 4)};
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

/* q: a statement's result; its first row, handed out. */
static enum err first_row(enum err e, sqlite3_stmt *q, store_inbox_row *row, void *ctx)
{
    if (e)
        return e == ERR_EMPTY ? ERR_NOT_FOUND : e;
    struct store_inbox m;
    read_inbox(q, &m);
    e = row(ctx, &m);
    db_done(q);
    return e;
}

enum err store_inbox_get(struct store_reader *r, const char *public_id, store_inbox_row *row,
                         void *ctx)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(&r->db, &q, COLUMNS "WHERE i.public_id=?1", ARGS(TEXT(public_id)));
    return first_row(e, q, row, ctx);
}

enum err store_inbox_by_row(struct store_reader *r, int64_t id, store_inbox_row *row, void *ctx)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(&r->db, &q, COLUMNS "WHERE i.id=?1", ARGS(INT(id)));
    return first_row(e, q, row, ctx);
}
