/* store_private.h - what the store's files share: a connection with its statements, sentences
 * waiting for a commit, and the transitions of parts and messages.  Only store*.c includes it.
 * Promises: a sentence that fails leaves nothing behind, whichever group it was committed in. */
#ifndef SMSBRIDGE_STORE_PRIVATE_H
#define SMSBRIDGE_STORE_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "store.h"

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;

/* ---- a connection (store_db.c) ---- */
#define DB_STATEMENTS 256 /* a power of two, well above what the files prepare */
#define DB_NAMES      64

struct db_statement {
    const char *sql; /* a literal: its address is the key */
    sqlite3_stmt *stmt;
};
enum db_table { DB_ACCOUNT, DB_MODEM, DB_SIM };
struct db_name { /* a small table of names, remembered (store_names.c) */
    enum db_table table;
    int64_t id;
    char name[80];
};
struct db_sim {
    int64_t id;
    int last_mr;     /* of the last +CMGS on it; -1: not known */
    bool skewed;     /* skew_ms was learned from a report */
    int64_t skew_ms; /* service centre's clock minus ours */
    int kept_mr;     /* of the last +CMGS, where it was our own TP-MR; -1: it was not */
    unsigned kept;   /* such, in a row and with differing values: from KEEPS on it keeps ours */
    int64_t report_ms, report_about_ms; /* the last report: when it came, and of when its SMS was */
};
struct db {
    sqlite3 *handle;
    struct db_statement statements[DB_STATEMENTS];
    unsigned n_statements;
    bool failed; /* the engine refused something since db_begin() */
    int last_rc; /* what it said, for the log */
    /* The rest is the writer's: */
    struct db_name names[DB_NAMES];
    unsigned n_names;
    struct db_sim sims[DB_NAMES];
    unsigned n_sims;
    int64_t changes_before;     /* db_total_changes() at db_begin() */
    int64_t queued, delivering; /* what this transaction adds to the counts */
    bool parts_due, callbacks_due;
    struct store_event *events; /* of this transaction */
    size_t n_events, events_cap;
    struct store_words opt_out, opt_in;
    struct fleet *fleet; /* store_route.c */
    bool uncertain_resend; /* the policy, as the last tick told it */
    int64_t tick_ms; /* the wall clock at the last tick; 0: none yet */
    int64_t link_cursor; /* how far store_tick() has looked for links to erase */
};

struct db_arg {
    enum { DB_INT, DB_REAL, DB_TEXT, DB_BLOB, DB_NULL } kind;
    int n;
    union {
        int64_t i;
        double r;
        const void *p;
    };
};
#define INT(x)     ((struct db_arg){.kind = DB_INT, .i = (int64_t)(x)})
#define REAL(x)    ((struct db_arg){.kind = DB_REAL, .r = (x)})
#define TEXT(x)    ((struct db_arg){.kind = DB_TEXT, .p = (x)}) /* NULL: NULL */
#define BLOB(x, k) ((struct db_arg){.kind = DB_BLOB, .p = (x), .n = (int)(k)})
#define SQL_NULL   ((struct db_arg){.kind = DB_NULL})
#define ARGS(...)                                                                                  \
    (const struct db_arg[]){__VA_ARGS__},                                                          \
        sizeof((const struct db_arg[]){__VA_ARGS__}) / sizeof(struct db_arg)
#define NO_ARGS NULL, 0

enum err db_open(const char *path, bool writer, struct db *db) MUST_CHECK;
void db_close(struct db *db);
/* A statement without rows. */
enum err db_run(struct db *db, const char *sql, const struct db_arg *args, size_t n) MUST_CHECK;
/* The first row: OK, then db_int() and friends, db_next(), and db_done() in any
 * case.  ERR_EMPTY: no row (done already). Strings bound and read are valid until db_done(). */
enum err db_row(struct db *db, sqlite3_stmt **q, const char *sql, const struct db_arg *args,
                size_t n) MUST_CHECK;
enum err db_next(struct db *db, sqlite3_stmt *q) MUST_CHECK;
void db_done(sqlite3_stmt *q); /* NULL is fine */
int64_t db_int(sqlite3_stmt *q, int column);
double db_real(sqlite3_stmt *q, int column);
const char *db_text(sqlite3_stmt *q, int column); /* NULL where NULL */
const void *db_blob(sqlite3_stmt *q, int column, size_t *n);
bool db_is_null(sqlite3_stmt *q, int column);
int64_t db_last_id(struct db *db);
int64_t db_changes(struct db *db);       /* of the last statement */
int64_t db_total_changes(struct db *db); /* since it was opened */
bool db_wrote(struct db *db);            /* in this transaction */
/* One value, or `none` without a row. */
enum err db_value(struct db *db, int64_t *out, int64_t none, const char *sql,
                  const struct db_arg *args, size_t n) MUST_CHECK;
/* Several statements, not kept. */
enum err db_script(struct db *db, const char *sql) MUST_CHECK;
enum err db_begin(struct db *db) MUST_CHECK;
enum err db_commit(struct db *db) MUST_CHECK; /* on failure: rolled back */
void db_rollback(struct db *db);
const char *db_why(struct db *db); /* the engine's words */
/* To be told of after the commit; without memory it is not. */
void db_event(struct db *db, const struct store_event *event);

/* ---- tables (store_schema.c) ---- */
enum err store_migrate(struct db *db, char *why) MUST_CHECK;

/* ---- sentences (store.c) ---- */
/* Runs inside a transaction on the store's thread; may run a second time when the first was
 * rolled back, so it only reads *arg and writes results into it. */
typedef enum err store_run(struct db *db, void *arg);
struct store_op {
    store_run *run;
    void *arg;
    enum err result;
    void (*publish)(struct store_op *op); /* after the commit, before done(); NULL: nothing to do */
    store_done *done;                     /* NULL: somebody waits */
    void *ctx;
    bool finished, allocated;
    pthread_cond_t cond;
    struct store_op *next;
};
/* Waits for the commit. */
enum err store_do(struct store *s, store_run *run, void *arg);
/* Returns at once; frees `op` (from malloc) in the end. */
void store_post(struct store *s, struct store_op *op);
/* No memory for an operation: done() now. */
void store_refuse(store_done *done, void *ctx);

struct store_reader {
    struct db db;
    struct store *store;
};
/* Queued and delivering messages, as of the last commit. */
void store_live_counts(struct store *s, int64_t *queued, int64_t *delivering);

/* ---- names (store_names.c) ---- */
/* The id of a name, made where missing. */
enum err name_id(struct db *db, enum db_table table, const char *name, int64_t *id) MUST_CHECK;
/* ERR_NOT_FOUND instead of making one. */
enum err name_find(struct db *db, enum db_table table, const char *name, int64_t *id) MUST_CHECK;
/* The other way round; "" where there is none. */
enum err name_of_modem(struct db *db, int64_t id, char out[MODEM_NAME_MAX]) MUST_CHECK;
/* What a SIM is called: its ICCID, or the modem's name where that is not known. */
#define SIM_KEY_MAX 80
const char *sim_key(const char *modem, const char *iccid, char out[SIM_KEY_MAX]);
enum err sim_id(struct db *db, const char *modem, const char *iccid, int64_t *id) MUST_CHECK;
struct db_sim *sim_memory(struct db *db, int64_t id);
/* +CMGS said mr for a part of ours: does the SIM's modem keep our reference?  (modems.md, TP-RD and TP-MR) */
void sim_learn_reference(struct db_sim *sim, int64_t part, int mr);
bool sim_keeps_reference(const struct db_sim *sim);
void names_forget(struct db *db);
/* "prefix" and 32 hexadecimal characters. */
#define RANDOM_ID_MAX 40
enum err random_id(const char *prefix, char out[RANDOM_ID_MAX]) MUST_CHECK;

/* ---- the modems there are (store_route.c) ---- */
struct fleet *fleet_new(void);
void fleet_free(struct fleet *f); /* NULL is fine */
/* What it remembers may not be on disk. */
void fleet_forget(struct db *db);

/* ---- parts and messages (store_state.c) ---- */
/* The key of part k (0-based) is message * PART_STEP + k: no index is needed from one to the
 * other. */
#define PART_STEP 16
enum part_state {               /* stored: only add at the end */
                  PART_QUEUED,  /* may be claimed */
                  PART_WAITING, /* for the part before it */
                  PART_SENDING,
                  PART_UNCERTAIN, /* may have gone out */
                  PART_SENT,      /* +CMGS */
                  PART_DELIVERED,
                  PART_FAILED,
                  PART_DROPPED /* its message failed before its turn */
};
/* While its modem cannot be heard, nobody can tell about a part that is uncertain: its waiting begins when the
 * modem works again (store_part_heard_again()), or after this long without it ... */
#define UNHEARD_MS CLK_MINUTE_MS
/* ... and a modem that comes and goes does not put off the decision for ever. */
#define PATIENCE_MS CLK_HOUR_MS
/* part.rank of one that goes before every priority; the others have 0 to 9. */
#define PART_AT_ONCE (-1)
/* part.doubt: a report may tell that it went out though no +CMGS was seen. */
#define DOUBT_NOW    1 /* sending */
#define DOUBT_BEFORE 2 /* an earlier try was uncertain, or its reference is not known */

struct part {
    int64_t id;
    enum part_state state;
    int64_t modem, sim, since_ms, due_ms, tried_ms; /* tried: marked sending last */
    int64_t tail;
    unsigned tries, doubt;
};
struct message {
    int64_t id;
    enum store_state state;
    unsigned parts;
    int64_t wanted_modem, valid_until_ms, accepted_ms;
    enum store_uncertain on_uncertain;
    bool has_error, watched; /* watched: its time is looked after */
};
enum err part_get(struct db *db, int64_t id, struct part *out) MUST_CHECK; /* ERR_NOT_FOUND */
enum err message_get(struct db *db, int64_t id, struct message *out) MUST_CHECK;
/* FAIL for good, its callback, and the parts whose turn has not come dropped.  Nothing where
 * final. */
enum err message_fail(struct db *db, int64_t id, const char *code, const char *text,
                      int64_t now_ms) MUST_CHECK;
enum err message_error(struct db *db, int64_t id, const char *code, const char *text) MUST_CHECK;
/* The network has the part: mr -1 where not known. */
enum err part_is_sent(struct db *db, const struct part *p, int64_t modem, int64_t sim, int mr,
                      int64_t now_ms) MUST_CHECK;
enum err part_is_delivered(struct db *db, const struct part *p, const struct sms_report *rep,
                           int64_t now_ms) MUST_CHECK;
enum err part_is_failed(struct db *db, const struct part *p, const struct sms_report *rep,
                        const char *code, const char *text, int64_t now_ms) MUST_CHECK;
/* Back to the queue, due at due_ms, for any modem where no part of the message was sent. */
enum err part_requeue(struct db *db, const struct part *p, int64_t due_ms, unsigned tries,
                      unsigned doubt, int64_t avoid_modem) MUST_CHECK;
/* Our own TP-MR for a part: the same at every try (9.2.3.25), and never a modem's own counting
 * by ones. */
uint8_t part_own_reference(int64_t part);
/* To be told of after the commit. */
enum err part_event(struct db *db, const struct part *p, int64_t modem, enum store_part_event what,
                    int64_t now_ms) MUST_CHECK;
/* Waits for a late answer or a report: uncertain, from since_ms on.  Or goes out again at once with TP-RD and the same
 * reference, before anything else of that SIM, where that can make no duplicate.  (store_doubt.c) */
enum err part_in_doubt(struct db *db, const struct part *p, const char *text, int64_t since_ms,
                       bool may_repeat, int64_t now_ms) MUST_CHECK;
/* The last digits of a number, which national and international forms share. */
int64_t number_tail(const char *number);
/* The outbox row of a message's callback, where it asked for one. */
enum err outbox_add_message(struct db *db, int64_t message, enum store_callback_kind kind,
                            int64_t now_ms) MUST_CHECK;
enum err outbox_add_inbox(struct db *db, int64_t inbox, enum store_callback_kind kind,
                          const char *url, int64_t now_ms) MUST_CHECK;
#define OUTBOX_STEP                                                                                \
    4 /* the key of a callback is subject * OUTBOX_STEP + kind: one each, by construction */

/* ---- who asked for no more (store_optout.c) ---- */
/* A whole text came from there. */
enum err opt_note(struct db *db, const char *sender, const char *text, int64_t now_ms) MUST_CHECK;
enum err opted_out(struct db *db, const char *recipient, bool *is) MUST_CHECK;

/* ---- what arrives (store_inbox.c, store_fragment.c) ---- */
enum inbox_flag { INBOX_FLASH = 1, INBOX_SILENT = 2, INBOX_OCTETS = 4 }; /* stored: only add */
struct inbound {
    int64_t modem, sim, scts_ms, now_ms;
    unsigned port, port_src; /* of applications: octets, not a text */
    unsigned flags, replace_pid;
    struct sms_waiting waiting;
    const char *sender, *url; /* url NULL: no callback */
};
/* The inbox row and its callback; a missing part is NULL. */
enum err inbox_add(struct db *db, const struct inbound *in, const struct sms_ud *const *uds,
                   unsigned parts, bool partial, int64_t *id) MUST_CHECK;
/* More of its parts came: the row that was a partial, posted once more when it is none any more.
 * ERR_NOT_FOUND: there is no such row now. */
enum err inbox_join(struct db *db, int64_t id, const struct inbound *in,
                    const struct sms_ud *const *uds, unsigned parts, bool partial) MUST_CHECK;
/* One part of several: into its set, and the set into the inbox when it is complete. */
enum err fragment_add(struct db *db, const struct inbound *in,
                      const struct sms_deliver *msg) MUST_CHECK;
/* Into the inbox as a flagged partial; its late parts are waited for. */
enum err fragment_give_up(struct db *db, int64_t set, const char *inbox_url,
                          int64_t now_ms) MUST_CHECK;
/* Nothing more is expected of those that were given out so long ago. */
enum err fragment_forget(struct db *db, int64_t now_ms) MUST_CHECK;

#endif
