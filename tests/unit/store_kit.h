/* store_kit.h - what the tests of the store share: a database in a directory of its own,
 * sentences with the fields that a test cares about, and a look at the rows with a connection of
 * our own. Included once by each store_*_test.c. */
#ifndef STORE_KIT_H
#define STORE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/store.h"
#include "clock.h"

#define KIT_UNUSED __attribute__((unused))
#define T0         INT64_C(1767323045000) /* 2026-01-02 03:04:05 */
#define ACCOUNT    "main"
#define ICCID      "8981100022345678901"

struct kit {
    char dir[64], path[96];
    struct store *store;
    struct store_reader *reader;
    unsigned made;
};

KIT_UNUSED static void kit_pause(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* ---- a call that answers later, waited for ---- */
struct kit_wait {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    unsigned finished, ok;
    enum err result;
};
#define KIT_WAIT                                                                                   \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, OK                              \
    }

KIT_UNUSED static void kit_done(void *ctx, enum err result)
{
    struct kit_wait *w = ctx;
    pthread_mutex_lock(&w->mutex);
    w->finished++;
    w->ok += result == OK;
    w->result = result;
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->mutex);
}

KIT_UNUSED static enum err kit_wait(struct kit_wait *w, unsigned n)
{
    pthread_mutex_lock(&w->mutex);
    while (w->finished < n)
        pthread_cond_wait(&w->cond, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
    return w->result;
}

/* ---- a database ---- */
KIT_UNUSED static void kit_open(struct kit *k, int64_t now_ms)
{
    char why[200];
    enum err e = store_open(k->path, now_ms, &k->store, why);
    if (e)
        print_error("store_open: %s: %s\n", err_str(e), why);
    assert_int_equal(e, OK);
    assert_int_equal(store_reader_open(k->store, &k->reader), OK);
}

KIT_UNUSED static void kit_close(struct kit *k)
{
    store_reader_close(k->reader);
    store_close(k->store);
    k->reader = NULL;
    k->store = NULL;
}

KIT_UNUSED static int kit_setup(void **state)
{
    struct kit *k = calloc(1, sizeof *k);
    (void)snprintf(k->dir, sizeof k->dir, "/tmp/smsbridge-store-XXXXXX");
    assert_non_null(mkdtemp(k->dir));
    (void)snprintf(k->path, sizeof k->path, "%s/smsbridge.db", k->dir);
    kit_open(k, T0);
    *state = k;
    return 0;
}

KIT_UNUSED static int kit_teardown(void **state)
{
    static const char *const names[] = {"", "-wal", "-shm", ".lock"};
    struct kit *k = *state;
    char name[128];
    kit_close(k);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(name, sizeof name, "%s%s", k->path, names[i]);
        (void)unlink(name);
    }
    (void)rmdir(k->dir);
    free(k);
    return 0;
}

/* A look at (or a hand in) the rows from outside; the first column of the first row. */
KIT_UNUSED static int64_t kit_sql(struct kit *k, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    int64_t value = -1;
    assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL)) {
        print_error("%s: %s\n", sql, sqlite3_errmsg(db));
        assert_true(false);
    }
    int rc = sqlite3_step(q);
    assert_true(rc == SQLITE_ROW || rc == SQLITE_DONE);
    if (rc == SQLITE_ROW)
        value = sqlite3_column_int64(q, 0);
    assert_int_equal(sqlite3_finalize(q), SQLITE_OK);
    sqlite3_close(db);
    return value;
}

/* ---- messages ---- */
KIT_UNUSED static struct store_new_message kit_message(struct kit *k, const char *recipient)
{
    struct store_new_message m = {.recipient = recipient,
                                  .sender = "Sender",
                                  .text = "test",
                                  .tags = "[]",
                                  .due_ms = T0,
                                  .valid_until_ms = T0 + 3 * CLK_DAY_MS,
                                  .parts = 1,
                                  .priority = 5};
    (void)snprintf(m.msgid, sizeof m.msgid, "%08uabcdefghijklmnopqrstuvwx", ++k->made);
    return m;
}

KIT_UNUSED static enum err kit_accept(struct kit *k, struct store_new_message *m, int64_t now_ms)
{
    struct kit_wait w = KIT_WAIT;
    struct store_accept a = {.account = ACCOUNT,
                             .url_base = "http://127.0.0.1:8080",
                             .cost = 1.5,
                             .now_ms = now_ms,
                             .messages = m,
                             .count = 1};
    store_accept(k->store, &a, kit_done, &w);
    return kit_wait(&w, 1);
}

struct kit_status {
    struct store_message m;
    char modem[40], error_code[40], error_text[200], link[200], shortlink[80], recipient[40],
        url_base[80];
};
KIT_UNUSED static enum err kit_copy_status(void *ctx, const struct store_message *m)
{
    struct kit_status *s = ctx;
    s->m = *m;
    (void)snprintf(s->modem, sizeof s->modem, "%s", m->modem ? m->modem : "");
    (void)snprintf(s->error_code, sizeof s->error_code, "%s", m->error_code ? m->error_code : "");
    (void)snprintf(s->error_text, sizeof s->error_text, "%s", m->error_text ? m->error_text : "");
    (void)snprintf(s->link, sizeof s->link, "%s", m->link ? m->link : "");
    (void)snprintf(s->shortlink, sizeof s->shortlink, "%s", m->shortlink ? m->shortlink : "");
    (void)snprintf(s->recipient, sizeof s->recipient, "%s", m->recipient);
    (void)snprintf(s->url_base, sizeof s->url_base, "%s", m->url_base);
    return OK;
}

KIT_UNUSED static struct kit_status kit_status(struct kit *k, const struct store_new_message *m)
{
    struct kit_status s;
    memset(&s, 0, sizeof s);
    assert_int_equal(store_message_get(k->reader, ACCOUNT, m->msgid, kit_copy_status, &s), OK);
    return s;
}

/* ---- modems ---- */
KIT_UNUSED static enum err kit_claim(struct kit *k, const char *modem, int64_t now_ms,
                                     struct store_claim *c)
{
    int64_t next = 0;
    *c = (struct store_claim){.modem = modem, .iccid = ICCID, .now_ms = now_ms};
    return store_part_claim(k->store, c, &next);
}

KIT_UNUSED static void kit_sent(struct kit *k, const struct store_claim *c, int mr, int64_t now_ms)
{
    assert_int_equal(store_part_sent(k->store, c->job.part, c->modem, ICCID, mr, now_ms, NULL), OK);
}

/* A report as the network sends it some seconds after the submit; st as in 23.040 9.2.3.15. */
KIT_UNUSED static uint64_t kit_report(struct kit *k, const char *recipient, uint8_t mr, uint8_t st,
                                      int64_t scts_ms, int64_t now_ms)
{
    struct sms_report rep = {.mr = mr, .st = st, .scts_ms = scts_ms, .discharge_ms = now_ms};
    uint64_t part = 99;
    (void)snprintf(rep.recipient, sizeof rep.recipient, "%s", recipient);
    assert_int_equal(store_report(k->store, "gsm1", ICCID, &rep, now_ms, &part), OK);
    return part;
}

/* ---- callbacks ---- */
struct kit_callbacks {
    unsigned n;
    int64_t id[64];
    enum store_callback_kind kind[64];
    unsigned tries[64];
    char url[200], msgid[64], webhook_id[64], account[64], body[200];
};
KIT_UNUSED static enum err kit_copy_callback(void *ctx, const struct store_callback *c)
{
    struct kit_callbacks *s = ctx;
    assert_true(s->n < 64);
    s->id[s->n] = c->id;
    s->kind[s->n] = c->kind;
    s->tries[s->n++] = c->tries;
    (void)snprintf(s->url, sizeof s->url, "%s", c->url);
    (void)snprintf(s->msgid, sizeof s->msgid, "%s", c->msgid);
    (void)snprintf(s->webhook_id, sizeof s->webhook_id, "%s", c->webhook_id);
    (void)snprintf(s->account, sizeof s->account, "%s", c->account);
    (void)snprintf(s->body, sizeof s->body, "%s", c->body ? c->body : "(none)");
    return OK;
}

KIT_UNUSED static struct kit_callbacks kit_callbacks(struct kit *k, int64_t now_ms,
                                                     int64_t *next_ms)
{
    struct kit_callbacks s;
    int64_t next;
    memset(&s, 0, sizeof s);
    assert_int_equal(store_callback_due(k->reader, now_ms, 64, kit_copy_callback, &s, &next), OK);
    if (next_ms)
        *next_ms = next;
    return s;
}

#endif
