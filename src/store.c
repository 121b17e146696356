/* store.c - the store's thread: sentences wait here, run in groups, and share one commit.
 * Refuses to know what a sentence says.  Promises: no result before COMMIT returned OK; one
 * sentence's failure is not its neighbour's; a failed COMMIT fails all that were in it. */
#include "store.h"

#include <sqlite3.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "pulse.h"
#include "store_private.h"

/* No bound on the queue is needed: who waits brings one sentence, HTTP has a bounded number of
 * requests. */
#define GROUP_MAX        256
#define CHECKPOINT_PAGES 2000                 /* of the write-ahead log: 8 MiB */
#define STUCK_MS         (30 * CLK_SECOND_MS) /* a commit that takes longer: the disk hangs */

struct store {
    struct db db;
    char *path;
    int lock_fd; /* one process a database */
    pthread_t thread;
    bool started;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    /* under the mutex: */
    struct store_op *first, **last;
    bool stopping;
    enum err health;
    int64_t beat_ms; /* the thread was seen alive */
    int64_t queued, delivering;
    void (*on_parts)(void *), (*on_callbacks)(void *);
    void *on_ctx;
    void (*on_event)(void *, const struct store_event *);
    void *event_ctx;
    /* the thread's own: */
    int wal_pages, checkpoint_at;
};

/* ---- waiting ---- */

static void append(struct store *s, struct store_op *op)
{
    op->next = NULL;
    *s->last = op;
    s->last = &op->next;
    pthread_cond_signal(&s->wake);
}

static void deadline_in(struct timespec *t, int64_t ms)
{
    clock_gettime(CLOCK_MONOTONIC, t);
    t->tv_sec += ms / 1000;
    t->tv_nsec += (ms % 1000) * 1000000;
    if (t->tv_nsec >= 1000000000) {
        t->tv_sec++;
        t->tv_nsec -= 1000000000;
    }
}

static void cond_init(pthread_cond_t *c)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(c, &attr);
    pthread_condattr_destroy(&attr);
}

/* Waits for the condition, 1 s at most: every wait has a limit and looks again. */
static void wait_a_second(pthread_cond_t *c, pthread_mutex_t *m)
{
    struct timespec t;
    deadline_in(&t, CLK_SECOND_MS);
    (void)pthread_cond_timedwait(c, m, &t);
}

enum err store_do(struct store *s, store_run *run, void *arg)
{
    struct store_op op = {.run = run, .arg = arg};
    cond_init(&op.cond);
    pthread_mutex_lock(&s->mutex);
    if (s->stopping) {
        op.result = ERR_CLOSED;
    } else {
        append(s, &op);
        while (!op.finished) {
            pulse_beat(); /* whoever waits for the store does not hang: the store does */
            wait_a_second(&op.cond, &s->mutex);
        }
    }
    pthread_mutex_unlock(&s->mutex);
    pthread_cond_destroy(&op.cond);
    return op.result;
}

/* The end of a sentence; after this a waiting caller's op is gone. */
static void finish(struct store *s, struct store_op *op)
{
    if (op->publish && !op->result)
        op->publish(op);
    if (!op->done) {
        pthread_mutex_lock(&s->mutex);
        op->finished = true;
        pthread_cond_signal(&op->cond);
        pthread_mutex_unlock(&s->mutex);
        return;
    }
    op->done(op->ctx, op->result);
    free(op);
}

void store_post(struct store *s, struct store_op *op)
{
    pthread_mutex_lock(&s->mutex);
    bool stopping = s->stopping;
    if (!stopping)
        append(s, op);
    pthread_mutex_unlock(&s->mutex);
    if (stopping) {
        op->result = ERR_CLOSED;
        finish(s, op);
    }
}

void store_refuse(store_done *done, void *ctx)
{
    done(ctx, ERR_NO_MEMORY);
}

/* ---- running ---- */

static void count(struct store *s)
{
    pthread_mutex_lock(&s->mutex);
    s->queued += s->db.queued;
    s->delivering += s->db.delivering;
    pthread_mutex_unlock(&s->mutex);
    s->db.queued = s->db.delivering = 0;
}

static void tell(struct store *s)
{
    for (size_t i = 0; s->on_event && i < s->db.n_events; i++)
        s->on_event(s->event_ctx, &s->db.events[i]);
    s->db.n_events = 0;
}

static enum err commit(struct store *s)
{
    int64_t begun_us = clk_mono_us();
    enum err e = db_commit(&s->db);
    metrics_count(e ? METRIC_COMMITS_FAILED : METRIC_COMMITS, 0);
    metrics_time(METRIC_TIME_COMMIT, clk_mono_us() - begun_us);
    if (!e) {
        count(s);
        tell(s);
    }
    return e;
}

/* Only the disk and the engine count (a sentence's own "no" is no illness), and only a commit
 * that wrote something proves the disk well. */
static void note_health(struct store *s, enum err e)
{
    if (!e && !db_wrote(&s->db))
        return;
    pthread_mutex_lock(&s->mutex);
    enum err before = s->health;
    s->health = e;
    pthread_mutex_unlock(&s->mutex);
    if (e && !before)
        log_error("store", "step=commit error=\"%s\" rc=%d", err_str(e), s->db.last_rc);
    if (!e && before)
        log_info("store", "step=commit recovered");
}

/* One sentence, one transaction. */
static void run_alone(struct store *s, struct store_op *op)
{
    struct db *db = &s->db;
    enum err e = db_begin(db);
    if (!e) {
        e = op->run(db, op->arg);
        if (db->failed || (e && db_wrote(db))) {
            db_rollback(db);
        } else {
            enum err c = commit(s);
            e = c ? c : e;
        }
    }
    op->result = e;
    note_health(s, db->failed && e != ERR_BUSY ? e : OK);
}

/* All in one transaction: true when every result is on disk.  A sentence that refuses before it
 * changed anything stays in the group; one that fails halfway, or an error of the engine (which
 * may have rolled back everything: sqlite3_get_autocommit()), undoes the group, to be run again
 * one by one.  So no savepoints: they cost every sentence (docs/design.md). */
static bool run_together(struct store *s, struct store_op *group)
{
    struct db *db = &s->db;
    if (db_begin(db))
        return false;
    for (struct store_op *op = group; op; op = op->next) {
        int64_t before = db_total_changes(db);
        op->result = op->run(db, op->arg);
        if (db->failed || sqlite3_get_autocommit(db->handle) ||
            (op->result && db_total_changes(db) != before)) {
            db_rollback(db);
            return false;
        }
    }
    enum err e = commit(s);
    for (struct store_op *op = group; e && op; op = op->next)
        op->result = e;
    note_health(s, e);
    return true;
}

static void run_group(struct store *s, struct store_op *group)
{
    if (group->next && run_together(s, group))
        return;
    for (struct store_op *op = group; op; op = op->next)
        run_alone(s, op);
}

static void hint(struct store *s)
{
    bool parts = s->db.parts_due, callbacks = s->db.callbacks_due;
    s->db.parts_due = s->db.callbacks_due = false;
    if (!parts && !callbacks)
        return;
    pthread_mutex_lock(&s->mutex);
    void (*on_parts)(void *) = s->on_parts, (*on_callbacks)(void *) = s->on_callbacks,
                          *ctx = s->on_ctx;
    pthread_mutex_unlock(&s->mutex);
    if (parts && on_parts)
        on_parts(ctx);
    if (callbacks && on_callbacks)
        on_callbacks(ctx);
}

/* After the answers are out, so that nobody waits for it.  Where it could not finish (a reader
 * holds an old snapshot, the disk fails) the log grows on, and it is tried again after some more
 * pages. */
static void checkpoint(struct store *s)
{
    if (s->wal_pages < CHECKPOINT_PAGES)
        s->checkpoint_at = CHECKPOINT_PAGES;
    if (s->wal_pages < s->checkpoint_at)
        return;
    s->checkpoint_at = s->wal_pages + CHECKPOINT_PAGES / 4;
    int rc = sqlite3_wal_checkpoint_v2(s->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (rc && rc != SQLITE_BUSY)
        log_warn("store", "step=checkpoint rc=%d", rc);
}

static int on_wal(void *ctx, sqlite3 *handle, const char *name, int pages)
{
    (void)handle, (void)name;
    ((struct store *)ctx)->wal_pages = pages;
    return SQLITE_OK;
}

/* While the disk refuses, ask it again once a second, so that health returns without anybody's
 * traffic. */
static enum err probe(struct db *db, void *arg)
{
    (void)arg;
    return db_run(db, "UPDATE meta SET value=value+1 WHERE name='probe'", NO_ARGS);
}

static void look_after(struct store *s)
{
    pthread_mutex_lock(&s->mutex);
    bool ill = s->health != OK;
    pthread_mutex_unlock(&s->mutex);
    if (ill) {
        struct store_op op = {.run = probe};
        run_alone(s, &op);
    }
}

/* Takes at most GROUP_MAX; NULL after a second without any, or when stopping and done. */
static struct store_op *take(struct store *s, bool *stop)
{
    pthread_mutex_lock(&s->mutex);
    if (!s->first && !s->stopping)
        wait_a_second(&s->wake, &s->mutex);
    s->beat_ms = clk_mono_ms();
    struct store_op *group = s->first, *last = group;
    for (unsigned n = 1; last && last->next && n < GROUP_MAX; n++)
        last = last->next;
    if (last) {
        s->first = last->next;
        last->next = NULL;
    }
    if (!s->first)
        s->last = &s->first;
    *stop = s->stopping && !group;
    pthread_mutex_unlock(&s->mutex);
    return group;
}

static void *store_thread(void *ctx)
{
    struct store *s = ctx;
    pthread_setname_np(pthread_self(), "store");
    pulse_begin("store");
    for (bool stop = false; !stop;) {
        pulse_beat();
        struct store_op *group = take(s, &stop);
        if (!group) {
            look_after(s);
            continue;
        }
        run_group(s, group);
        hint(s);
        for (struct store_op *op = group, *next; op; op = next) {
            next = op->next;
            finish(s, op);
        }
        checkpoint(s);
    }
    pulse_end();
    return NULL;
}

enum err store_health(struct store *s)
{
    pthread_mutex_lock(&s->mutex);
    enum err e = s->health;
    if (!e && s->first && clk_mono_ms() - s->beat_ms > STUCK_MS)
        e = ERR_TIMEOUT;
    pthread_mutex_unlock(&s->mutex);
    return e;
}

void store_on_due(struct store *s, void (*parts)(void *), void (*callbacks)(void *), void *ctx)
{
    pthread_mutex_lock(&s->mutex);
    s->on_parts = parts;
    s->on_callbacks = callbacks;
    s->on_ctx = ctx;
    pthread_mutex_unlock(&s->mutex);
}

void store_on_event(struct store *s, void (*event)(void *, const struct store_event *), void *ctx)
{
    pthread_mutex_lock(&s->mutex); /* the thread takes it before its next group */
    s->on_event = event;
    s->event_ctx = ctx;
    pthread_mutex_unlock(&s->mutex);
}

void store_live_counts(struct store *s, int64_t *queued, int64_t *delivering)
{
    pthread_mutex_lock(&s->mutex);
    *queued = s->queued;
    *delivering = s->delivering;
    pthread_mutex_unlock(&s->mutex);
}

/* ---- open and close ---- */

/* Our own lock file: closing a descriptor of the database itself would drop SQLite's locks. */
static enum err lock_database(struct store *s, char *why)
{
    char *name = NULL;
    if (asprintf(&name, "%s.lock", s->path) < 0)
        return ERR_NO_MEMORY;
    s->lock_fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    free(name);
    if (s->lock_fd < 0) {
        (void)snprintf(why, 200, "cannot make its lock file: %s", strerror(errno));
        return ERR_IO;
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB)) {
        (void)snprintf(why, 200, "another smsbridged is using it");
        return ERR_BUSY;
    }
    return OK;
}

/* Texts and numbers are private: the database and what SQLite puts beside it are the owner's
 * alone. */
static enum err make_private(const char *path, char *why)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        (void)snprintf(why, 200, "%s", strerror(errno));
        return ERR_IO;
    }
    close(fd);
    return OK;
}

/* What the process was doing when it died, and what it had counted. */
static enum err recover(struct store *s, int64_t now_ms)
{
    struct db *db = &s->db;
    enum err e = db_begin(db);
    db_rollback(db); /* prepared now: there must be a way back when memory runs out */
    if (!e)
        e = db_begin(db);
    if (e)
        return e;
    e = db_run(db,
               "UPDATE message SET error_code='uncertain', error_text='The service stopped while it"
               " was being sent: it may have gone out' WHERE state=0 AND id IN"
               " (SELECT id/16 FROM part WHERE doubt>0 AND state=2)",
               NO_ARGS);
    if (!e)
        e = db_run(db,
                   "UPDATE part SET state=3, doubt=3, since_ms=?1 WHERE doubt>0 AND"
                   " (state=2 OR (state=3 AND tried_ms>?2))",
                   ARGS(INT(now_ms + UNHEARD_MS), INT(now_ms - PATIENCE_MS)));
    if (!e)
        e = db_run(db, "UPDATE outbox SET posting=0, next_ms=?1 WHERE state=0 AND posting=1",
                   ARGS(INT(now_ms)));
    if (!e)
        e = db_value(db, &s->queued, 0,
                     "SELECT count(*) FROM message WHERE watch_ms IS NOT NULL AND state=0",
                     NO_ARGS);
    if (!e)
        e = db_value(db, &s->delivering, 0,
                     "SELECT count(*) FROM message WHERE watch_ms IS NOT NULL AND state=1",
                     NO_ARGS);
    if (!e)
        return db_commit(db);
    db_rollback(db);
    return e;
}

static enum err open_database(struct store *s, int64_t now_ms, char *why)
{
    enum err e = lock_database(s, why);
    if (!e)
        e = make_private(s->path, why);
    if (!e)
        e = db_open(s->path, true, &s->db);
    if (e == ERR_UNSUPPORTED)
        (void)snprintf(why, 200, "its file system cannot do write-ahead logging");
    if (!e)
        e = store_migrate(&s->db, why);
    if (!e)
        e = recover(s, now_ms);
    if (!e && !(s->db.fleet = fleet_new()))
        e = ERR_NO_MEMORY;
    if (!e)
        sqlite3_wal_hook(s->db.handle, on_wal, s);
    if (e && !why[0])
        (void)snprintf(why, 200, "%.190s", s->db.handle ? db_why(&s->db) : err_str(e));
    return e;
}

static void destroy(struct store *s)
{
    fleet_free(s->db.fleet);
    db_close(&s->db);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    pthread_cond_destroy(&s->wake);
    pthread_mutex_destroy(&s->mutex);
    free(s->path);
    free(s);
}

enum err store_open(const char *path, int64_t now_ms, struct store **out, char *why)
{
    why[0] = '\0';
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return ERR_NO_MEMORY;
    s->lock_fd = -1;
    s->last = &s->first;
    s->beat_ms = clk_mono_ms();
    pthread_mutex_init(&s->mutex, NULL);
    cond_init(&s->wake);
    s->path = strdup(path);
    enum err e = s->path ? open_database(s, now_ms, why) : ERR_NO_MEMORY;
    if (!e && pthread_create(&s->thread, NULL, store_thread, s))
        e = ERR_NO_MEMORY;
    if (e) {
        destroy(s);
        return e;
    }
    s->started = true;
    *out = s;
    return OK;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->mutex);
    s->stopping = true;
    pthread_cond_signal(&s->wake);
    pthread_mutex_unlock(&s->mutex);
    pthread_join(s->thread, NULL);
    destroy(s);
}

enum err store_reader_open(struct store *s, struct store_reader **out)
{
    struct store_reader *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NO_MEMORY;
    r->store = s;
    enum err e = db_open(s->path, false, &r->db);
    if (e) {
        store_reader_close(r);
        return e;
    }
    *out = r;
    return OK;
}

void store_reader_close(struct store_reader *r)
{
    if (!r)
        return;
    db_close(&r->db);
    free(r);
}
