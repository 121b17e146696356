/* store_db.c - one SQLite connection: opened as we need it, its statements prepared once.
 * Refuses to know what the tables mean.  Promises: every error of the engine is seen once
 * (db->failed) and comes back as one of ours; nobody outside reads a result code. */
#include <sqlite3.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "store_private.h"

#define WRITER_WAIT_MS 1000 /* for a stranger's lock: sqlite3(1), a backup */
#define READER_WAIT_MS 250

static const struct {
    int rc;
    enum err err;
} results[] = {
    {SQLITE_FULL, ERR_NO_SPACE},     {SQLITE_IOERR, ERR_NO_SPACE},
    {SQLITE_READONLY, ERR_NO_SPACE}, {SQLITE_CANTOPEN, ERR_NO_SPACE},
    {SQLITE_BUSY, ERR_NO_SPACE},     {SQLITE_LOCKED, ERR_NO_SPACE},
    {SQLITE_PROTOCOL, ERR_NO_SPACE}, {SQLITE_PERM, ERR_NO_SPACE},
    {SQLITE_NOMEM, ERR_NO_MEMORY},   {SQLITE_CORRUPT, ERR_CORRUPT},
    {SQLITE_NOTADB, ERR_CORRUPT},    {SQLITE_FORMAT, ERR_CORRUPT},
    {SQLITE_CONSTRAINT, ERR_BUSY},   {SQLITE_MISMATCH, ERR_CORRUPT},
};

/* An extended code of IOERR_NOMEM is memory, not the disk. */
static enum err result(struct db *db, int rc)
{
    db->failed = true;
    db->last_rc = rc;
    if (rc == SQLITE_IOERR_NOMEM)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        if (results[i].rc == (rc & 0xff))
            return results[i].err;
    return ERR_IO;
}

/* Both: no mmap, erased rows are overwritten where that costs no further page, temporary things
 * in memory. */
static const char *const writer_settings =
    "PRAGMA busy_timeout=1000;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=FULL;"
    "PRAGMA wal_autocheckpoint=0;" /* store.c does, after the answers are out */
    "PRAGMA journal_size_limit=16777216;"
    "PRAGMA foreign_keys=OFF;"
    "PRAGMA secure_delete=FAST;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA mmap_size=0;"
    "PRAGMA cache_size=-1024;";
static const char *const reader_settings = "PRAGMA query_only=ON;"
                                           "PRAGMA temp_store=MEMORY;"
                                           "PRAGMA mmap_size=0;"
                                           "PRAGMA cache_size=-256;";

/* A file system without shared memory or locks falls back silently. */
static enum err check_journal(struct db *db)
{
    int64_t wal;
    enum err e =
        db_value(db, &wal, 0, "SELECT journal_mode='wal' FROM pragma_journal_mode", NO_ARGS);
    return e ? e : wal ? OK : ERR_UNSUPPORTED;
}

enum err db_open(const char *path, bool writer, struct db *db)
{
    memset(db, 0, sizeof *db);
    int flags = writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    int rc = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc)
        return db->handle ? result(db, rc) : ERR_NO_MEMORY;
    sqlite3_extended_result_codes(db->handle, 1);
    sqlite3_busy_timeout(db->handle, writer ? WRITER_WAIT_MS : READER_WAIT_MS);
    enum err e = db_script(db, writer ? writer_settings : reader_settings);
    return e || !writer ? e : check_journal(db);
}

void db_close(struct db *db)
{
    for (unsigned i = 0; i < DB_STATEMENTS; i++)
        sqlite3_finalize(db->statements[i].stmt);
    sqlite3_close(db->handle);
    free(db->events);
    memset(db, 0, sizeof *db);
}

enum err db_script(struct db *db, const char *sql)
{
    int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
    return rc ? result(db, rc) : OK;
}

const char *db_why(struct db *db)
{
    return db->handle ? sqlite3_errmsg(db->handle) : "out of memory";
}

/* ---- statements ---- */

static struct db_statement *slot(struct db *db, const char *sql)
{
    size_t i = ((uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 32;
    while (db->statements[i % DB_STATEMENTS].sql && db->statements[i % DB_STATEMENTS].sql != sql)
        i++;
    return &db->statements[i % DB_STATEMENTS];
}

static enum err prepare(struct db *db, const char *sql, sqlite3_stmt **q)
{
    struct db_statement *s = slot(db, sql);
    if (!s->stmt) {
        if (db->n_statements >= DB_STATEMENTS - 1)
            return ERR_FULL;
        int rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL);
        if (rc) {
            log_error("store", "step=prepare rc=%d error=\"%s\"", rc, sqlite3_errmsg(db->handle));
            return result(db, rc);
        }
        s->sql = sql;
        db->n_statements++;
    }
    *q = s->stmt;
    return OK;
}

static int bind_one(sqlite3_stmt *q, int at, const struct db_arg *a)
{
    switch (a->kind) {
    case DB_INT:
        return sqlite3_bind_int64(q, at, a->i);
    case DB_REAL:
        return sqlite3_bind_double(q, at, a->r);
    case DB_TEXT:
        return sqlite3_bind_text(q, at, a->p, -1, SQLITE_STATIC);
    case DB_BLOB:
        return sqlite3_bind_blob(q, at, a->p, a->n, SQLITE_STATIC);
    case DB_NULL:
        return sqlite3_bind_null(q, at);
    }
    return SQLITE_MISUSE;
}

static enum err bound(struct db *db, const char *sql, const struct db_arg *args, size_t n,
                      sqlite3_stmt **q)
{
    enum err e = prepare(db, sql, q);
    int rc = SQLITE_OK;
    for (size_t i = 0; !e && !rc && i < n; i++)
        rc = bind_one(*q, (int)i + 1, &args[i]);
    return e ? e : rc ? result(db, rc) : OK;
}

enum err db_next(struct db *db, sqlite3_stmt *q)
{
    int rc = sqlite3_step(q);
    if (rc == SQLITE_ROW)
        return OK;
    return rc == SQLITE_DONE ? ERR_EMPTY : result(db, rc);
}

enum err db_row(struct db *db, sqlite3_stmt **q, const char *sql, const struct db_arg *args,
                size_t n)
{
    sqlite3_stmt *stmt = NULL;
    enum err e = bound(db, sql, args, n, &stmt);
    if (!e)
        e = db_next(db, stmt);
    if (e)
        db_done(stmt);
    *q = e ? NULL : stmt;
    return e;
}

enum err db_run(struct db *db, const char *sql, const struct db_arg *args, size_t n)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(db, &q, sql, args, n);
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

enum err db_value(struct db *db, int64_t *out, int64_t none, const char *sql,
                  const struct db_arg *args, size_t n)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(db, &q, sql, args, n);
    if (e && e != ERR_EMPTY)
        return e;
    *out = e || db_is_null(q, 0) ? none : db_int(q, 0);
    db_done(q);
    return OK;
}

void db_done(sqlite3_stmt *q)
{
    if (q)
        sqlite3_reset(q);
}

int64_t db_int(sqlite3_stmt *q, int column)
{
    return sqlite3_column_int64(q, column);
}

double db_real(sqlite3_stmt *q, int column)
{
    return sqlite3_column_double(q, column);
}

const char *db_text(sqlite3_stmt *q, int column)
{
    return (const char *)sqlite3_column_text(q, column);
}

const void *db_blob(sqlite3_stmt *q, int column, size_t *n)
{
    const void *p = sqlite3_column_blob(q, column);
    *n = (size_t)sqlite3_column_bytes(q, column);
    return p;
}

bool db_is_null(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL;
}

int64_t db_last_id(struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->handle);
}

int64_t db_total_changes(struct db *db)
{
    return sqlite3_total_changes64(db->handle);
}

bool db_wrote(struct db *db)
{
    return db_total_changes(db) != db->changes_before;
}

/* ---- transactions ---- */

enum err db_begin(struct db *db)
{
    db->queued = db->delivering = 0;
    db->n_events = 0;
    if (!sqlite3_get_autocommit(db->handle)) /* a ROLLBACK for which there was no memory */
        db_rollback(db);
    db->failed = false;
    db->changes_before = db_total_changes(db);
    return db_run(db, "BEGIN IMMEDIATE", NO_ARGS);
}

enum err db_commit(struct db *db)
{
    enum err e = db_run(db, "COMMIT", NO_ARGS);
    if (e)
        db_rollback(db);
    return e;
}

void db_event(struct db *db, const struct store_event *event)
{
    if (db->n_events == db->events_cap) {
        size_t cap = db->events_cap ? db->events_cap * 2 : 64;
        struct store_event *more = realloc(db->events, cap * sizeof *more);
        if (!more)
            return;
        db->events = more;
        db->events_cap = cap;
    }
    db->events[db->n_events++] = *event;
}

/* The engine may have rolled back by itself: FULL, IOERR, NOMEM, BUSY, INTERRUPT. */
void db_rollback(struct db *db)
{
    if (!sqlite3_get_autocommit(db->handle))
        (void)!db_run(db, "ROLLBACK", NO_ARGS);
    db->queued = db->delivering = 0;
    db->parts_due = db->callbacks_due = false;
    db->n_events = 0;
    names_forget(db);
    fleet_forget(db);
}
