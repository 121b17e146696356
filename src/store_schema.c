/* store_schema.c - the tables, and the steps from every older form of them to this one.
 * Refuses to know who reads them.  Promises: a step is made whole or not at all; a database from a
 * newer program, or of another program, is left alone. */
#include <stdio.h>

#include "store_private.h"

#define APPLICATION_ID 0x534d5342 /* "SMSB", PRAGMA application_id */

/* Keys are chosen so that a row's neighbours are its contemporaries (a commit of many touches
 * few pages), and so that one table's key gives the other's: part = message * 16 + k, outbox =
 * subject * 4 + kind, link = message.  Indexes are partial where only a few rows are ever asked
 * for. */
/* clang-format off */
static const char first_step[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES('probe', 0);"
    "CREATE TABLE account(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE modem(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, imei TEXT, iccid TEXT,"
    " imsi TEXT, number TEXT, manufacturer TEXT, model TEXT, firmware TEXT,"
    " seen_ms INTEGER) STRICT;"
    "CREATE TABLE sim(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE pin(iccid TEXT NOT NULL, digest TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " accepted INTEGER NOT NULL, PRIMARY KEY(iccid, digest)) STRICT, WITHOUT ROWID;"

    /* modem: who may have it, as in part.  watch_ms: when store_tick() is to look; NULL: never
     * more. */
    "CREATE TABLE message(id INTEGER PRIMARY KEY, msgid TEXT NOT NULL, account INTEGER NOT NULL,"
    " state INTEGER NOT NULL, parts INTEGER NOT NULL, flash INTEGER NOT NULL,"
    " on_uncertain INTEGER NOT NULL, modem INTEGER NOT NULL, accepted_ms INTEGER NOT NULL,"
    " valid_until_ms INTEGER NOT NULL, watch_ms INTEGER, delivered_ms INTEGER, cost REAL NOT NULL,"
    " recipient TEXT NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL, tags TEXT NOT NULL,"
    " url_base TEXT NOT NULL, callbackurl TEXT, lt_callbackurl TEXT, error_code TEXT,"
    " error_text TEXT) STRICT;"
    /* 8 characters of a random id tell it from all others, in a third of the bytes. */
    "CREATE INDEX message_msgid ON message(substr(msgid, 1, 8));"
    "CREATE INDEX message_list ON message(account, accepted_ms);"
    "CREATE INDEX message_watch ON message(watch_ms) WHERE watch_ms IS NOT NULL;"

    /* modem: who may take it, 0 anybody (store_route.c).  rank: 9 - priority.  tail: of the recipient.  guess: the
     * reference that the SIM was likely to use.  sending_ms: when it was marked so first,
     * tried_ms: last; since_ms: of its state. */
    "CREATE TABLE part(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, modem INTEGER NOT NULL,"
    " rank INTEGER NOT NULL, due_ms INTEGER NOT NULL, tail INTEGER NOT NULL,"
    " tries INTEGER NOT NULL, doubt INTEGER NOT NULL, avoid INTEGER, sim INTEGER, mr INTEGER, guess INTEGER,"
    " sending_ms INTEGER, tried_ms INTEGER, since_ms INTEGER, scts_ms INTEGER, st INTEGER) STRICT;"
    "CREATE INDEX part_queue ON part(modem, rank, due_ms) WHERE state=0;"
    "CREATE INDEX part_doubt ON part(tail) WHERE doubt>0;"
    "CREATE INDEX part_uncertain ON part(since_ms) WHERE state=3;"
    "CREATE INDEX part_reference ON part(sim, mr, tail) WHERE mr IS NOT NULL;"

    /* Where queued parts go (store_route.c): negative numbers in part.modem and message.modem. */
    "CREATE TABLE route(id INTEGER PRIMARY KEY, keeper INTEGER NOT NULL, members TEXT NOT NULL) STRICT;"
    /* What a modem with a limit sent (store_limit.c). */
    "CREATE TABLE usage(modem INTEGER NOT NULL, span INTEGER NOT NULL, slot INTEGER NOT NULL,"
    " n INTEGER NOT NULL, PRIMARY KEY(modem, span, slot)) STRICT, WITHOUT ROWID;"

    /* link NULL: erased.  destination NULL: the link as it was written. */
    "CREATE TABLE link(id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, link TEXT,"
    " destination TEXT, shortlink TEXT NOT NULL, expires_ms INTEGER NOT NULL,"
    " accessed_ms INTEGER NOT NULL, clicks INTEGER NOT NULL, bots INTEGER NOT NULL) STRICT;"

    /* state: 0 due, 1 done, 2 given up.  posting: a POST was begun and not yet answered. */
    "CREATE TABLE outbox(id INTEGER PRIMARY KEY, state INTEGER NOT NULL, posting INTEGER NOT NULL,"
    " tries INTEGER NOT NULL, next_ms INTEGER NOT NULL, account INTEGER, made_ms INTEGER NOT NULL,"
    " webhook_id TEXT NOT NULL, url TEXT NOT NULL, body TEXT, error TEXT) STRICT;"
    "CREATE INDEX outbox_due ON outbox(next_ms) WHERE state=0;"
    "CREATE INDEX outbox_failed ON outbox(made_ms) WHERE state=2;"

    "CREATE TABLE idempotency(account INTEGER NOT NULL, name TEXT NOT NULL,"
    " fingerprint TEXT NOT NULL, msgids TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " PRIMARY KEY(account, name)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX idempotency_age ON idempotency(at_ms);"
    "CREATE TABLE opt_out(tail INTEGER NOT NULL, number TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " PRIMARY KEY(tail, number)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE inbox(id INTEGER PRIMARY KEY, public_id TEXT NOT NULL UNIQUE,"
    " modem INTEGER NOT NULL, sim INTEGER NOT NULL, sender TEXT NOT NULL, message TEXT NOT NULL,"
    " received_ms INTEGER NOT NULL, scts_ms INTEGER NOT NULL, parts INTEGER NOT NULL,"
    " partial INTEGER NOT NULL, binary INTEGER NOT NULL) STRICT;"
    "CREATE INDEX inbox_list ON inbox(received_ms);"
    /* Parts of inbound texts until all are there.  port: of an application, 0 none. */
    "CREATE TABLE fragment_set(id INTEGER PRIMARY KEY, sim INTEGER NOT NULL, sender TEXT NOT NULL,"
    " ref INTEGER NOT NULL, wide INTEGER NOT NULL, total INTEGER NOT NULL, modem INTEGER NOT NULL,"
    " port INTEGER NOT NULL, scts_ms INTEGER NOT NULL, first_ms INTEGER NOT NULL) STRICT;"
    "CREATE INDEX fragment_set_key ON fragment_set(sim, sender, ref, wide, total);"
    "CREATE INDEX fragment_set_age ON fragment_set(first_ms);"
    "CREATE TABLE fragment(id INTEGER NOT NULL, seq INTEGER NOT NULL, alphabet INTEGER NOT NULL,"
    " udhi INTEGER NOT NULL, udl INTEGER NOT NULL, octets BLOB NOT NULL,"
    " PRIMARY KEY(id, seq)) STRICT, WITHOUT ROWID;"
    /* PDUs that were acknowledged: they may come again. */
    "CREATE TABLE seen(sim INTEGER NOT NULL, pdu BLOB NOT NULL, at_ms INTEGER NOT NULL,"
    " PRIMARY KEY(sim, pdu)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX seen_age ON seen(at_ms);"
    "CREATE TABLE raw(id INTEGER PRIMARY KEY, sim INTEGER NOT NULL, modem INTEGER NOT NULL,"
    " pdu BLOB NOT NULL, at_ms INTEGER NOT NULL) STRICT;"
    /* Reports that changed nothing: nobody's (part 0), late, repeated. */
    "CREATE TABLE report(id INTEGER PRIMARY KEY, part INTEGER NOT NULL, sim TEXT NOT NULL,"
    " mr INTEGER NOT NULL, recipient TEXT NOT NULL, st INTEGER NOT NULL, scts_ms INTEGER NOT NULL,"
    " discharge_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL) STRICT;";

/* What a received SMS was besides its text; a set that was given out as a partial waits on for its late parts. */
static const char second_step[] =
    "ALTER TABLE inbox ADD COLUMN recipient TEXT;"
    "ALTER TABLE inbox ADD COLUMN port_dst INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE inbox ADD COLUMN port_src INTEGER NOT NULL DEFAULT 0;"
    /* enum inbox_flag */
    "ALTER TABLE inbox ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"
    /* kind + 8 * active + 16 * count; 0: not said */
    "ALTER TABLE inbox ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;"
    /* TP-PID of a replace type, else 0; the earlier one that this one replaces. */
    "ALTER TABLE inbox ADD COLUMN replace_pid INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE inbox ADD COLUMN replaces TEXT;"
    "CREATE INDEX inbox_replace ON inbox(sim, sender, replace_pid) WHERE replace_pid>0;"
    "ALTER TABLE fragment_set ADD COLUMN port_src INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE fragment_set ADD COLUMN flags INTEGER NOT NULL DEFAULT 0;"
    /* The row in the inbox that it was given out as. */
    "ALTER TABLE fragment_set ADD COLUMN inbox INTEGER;"
    "DROP INDEX fragment_set_age;"
    "CREATE INDEX fragment_set_age ON fragment_set(first_ms) WHERE inbox IS NULL;"
    "CREATE INDEX fragment_set_given ON fragment_set(first_ms) WHERE inbox IS NOT NULL;";

/* How many attempts the card had left before the try; -1: it could not be read. */
static const char pin_step[] = "ALTER TABLE pin ADD COLUMN attempts INTEGER NOT NULL DEFAULT -1;";

/* First taps by their time: GET /links/taps/. */
static const char tap_step[] =
    "CREATE INDEX link_tap ON link(accessed_ms) WHERE accessed_ms>0;";
/* clang-format on */

static const char *const steps[] = {first_step, second_step, pin_step, tap_step};
#define NEWEST ((int64_t)(sizeof steps / sizeof steps[0]))

static enum err one_step(struct db *db, int64_t from)
{
    char version[96];
    (void)snprintf(version, sizeof version, "PRAGMA user_version=%d; PRAGMA application_id=%d;",
                   (int)from + 1, APPLICATION_ID);
    enum err e = db_begin(db);
    if (e)
        return e;
    e = db_script(db, steps[from]);
    if (!e)
        e = db_script(db, version);
    if (!e)
        return db_commit(db);
    db_rollback(db);
    return e;
}

static enum err ours(struct db *db, int64_t version, char *why)
{
    int64_t application, objects;
    enum err e = db_value(db, &application, 0, "PRAGMA application_id", NO_ARGS);
    if (!e)
        e = db_value(db, &objects, 0, "SELECT count(*) FROM sqlite_schema", NO_ARGS);
    if (e)
        return e;
    if (application != APPLICATION_ID && (application || version || objects)) {
        (void)snprintf(why, 200, "it is another program's database");
        return ERR_UNSUPPORTED;
    }
    return OK;
}

enum err store_migrate(struct db *db, char *why)
{
    int64_t version;
    enum err e = db_value(db, &version, 0, "PRAGMA user_version", NO_ARGS);
    if (!e)
        e = ours(db, version, why);
    if (e)
        return e;
    if (version > NEWEST) {
        (void)snprintf(
            why, 200,
            "it was written by a newer smsbridge (tables of version %lld, this program knows %lld)",
            (long long)version, (long long)NEWEST);
        return ERR_UNSUPPORTED;
    }
    for (; !e && version < NEWEST; version++)
        e = one_step(db, version);
    return e;
}
