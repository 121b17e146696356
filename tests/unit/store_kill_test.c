/* Killed at random, and the power cut at random: whatever was acknowledged is there afterwards.
 * SEED=n repeats a run; ROUNDS=n makes it longer. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "store_kit.h"
#include "store_vfs.h"

static uint32_t seed;

static uint32_t rnd(void)
{
    seed ^= seed << 13; /* xorshift32 */
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static unsigned rounds(unsigned usual)
{
    const char *r = getenv("ROUNDS");
    return r ? (unsigned)strtoul(r, NULL, 10) : usual;
}

/* What was told to the outside, in order. */
enum fact { ACCEPTED = 1, CLAIMED, SENT, DELIVERED, CLICKED };
struct ack {
    enum fact fact;
    uint64_t part;
    char msgid[STORE_MSGID_LEN + 1];
};

/* ---- a daemon's life, told through `tell` ---- */
struct life {
    struct kit *k;
    void (*tell)(const struct ack *ack);
    pthread_mutex_t mutex;
    atomic_uint left;
    unsigned round;
};
struct request {
    struct life *life;
    struct store_accept accept;
    struct store_new_message m;
    char slug[16], recipient[20];
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool finished;
};

static void accepted(void *ctx, enum err e)
{
    struct request *r = ctx;
    if (!e) {
        struct ack ack = {.fact = ACCEPTED};
        memcpy(ack.msgid, r->m.msgid, sizeof ack.msgid);
        r->life->tell(&ack);
    }
    pthread_mutex_lock(&r->mutex);
    r->finished = true;
    pthread_cond_signal(&r->cond);
    pthread_mutex_unlock(&r->mutex);
}

static void fill(struct request *r, unsigned n)
{
    r->m = (struct store_new_message){.sender = "S",
                                      .text = "test",
                                      .tags = "[]",
                                      .callbackurl = "http://127.0.0.1/cb",
                                      .lt_callbackurl = "http://127.0.0.1/lt",
                                      .due_ms = T0,
                                      .valid_until_ms = T0 + CLK_DAY_MS,
                                      .parts = 1,
                                      .priority = 5};
    (void)snprintf(r->m.msgid, sizeof r->m.msgid, "%04x%04xabcdefghijklmnopqrstuvwx",
                   r->life->round & 0xffff, n & 0xffff);
    (void)snprintf(r->slug, sizeof r->slug, "%04x%04x", r->life->round & 0xffff, n & 0xffff);
    (void)snprintf(r->recipient, sizeof r->recipient, "+8180%08u", n);
    r->m.recipient = r->recipient;
    r->m.slug = r->m.shortlink = r->slug;
    r->m.link = r->m.destination = "http://a.example/";
    r->m.link_expires_ms = T0 + CLK_DAY_MS;
    r->accept = (struct store_accept){
        .account = ACCOUNT, .url_base = "", .now_ms = T0, .messages = &r->m, .count = 1};
    r->finished = false;
}

static void *client(void *ctx)
{
    struct life *l = ctx;
    struct request r = {
        .life = l, .mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    unsigned n;
    while ((int)(n = atomic_fetch_sub(&l->left, 1)) > 0) {
        fill(&r, n);
        store_accept(l->k->store, &r.accept, accepted, &r);
        pthread_mutex_lock(&r.mutex);
        while (!r.finished)
            pthread_cond_wait(&r.cond, &r.mutex);
        pthread_mutex_unlock(&r.mutex);
    }
    return NULL;
}

/* Claims, sends, is reported to; each step told once it is committed. */
static void *modem(void *ctx)
{
    struct life *l = ctx;
    unsigned mr = 0;
    while ((int)atomic_load(&l->left) > 0) {
        struct store_claim c = {.modem = "gsm1", .iccid = ICCID, .now_ms = T0};
        uint64_t part;
        if (store_part_claim(l->k->store, &c, NULL))
            continue;
        l->tell(&(struct ack){.fact = CLAIMED, .part = c.job.part});
        if (store_part_sent(l->k->store, c.job.part, "gsm1", ICCID, (int)(mr % 256), T0, NULL))
            continue;
        l->tell(&(struct ack){.fact = SENT, .part = c.job.part});
        struct sms_report rep = {.mr = (uint8_t)mr++, .scts_ms = T0, .discharge_ms = T0};
        memcpy(rep.recipient, c.job.submit.recipient, sizeof rep.recipient);
        if (!store_report(l->k->store, "gsm1", ICCID, &rep, T0, &part) && part == c.job.part)
            l->tell(&(struct ack){.fact = DELIVERED, .part = c.job.part});
    }
    return NULL;
}

#define CLIENTS 6
static void live(struct life *l, unsigned messages)
{
    pthread_t threads[CLIENTS + 1];
    atomic_store(&l->left, messages);
    for (int i = 0; i <= CLIENTS; i++)
        if (pthread_create(&threads[i], NULL, i ? client : modem, l))
            abort();
    for (int i = 0; i <= CLIENTS; i++)
        pthread_join(threads[i], NULL);
}

/* ---- what must be true afterwards ---- */
struct tally {
    struct ack *acks;
    size_t n, cap;
};

static void keep(struct tally *t, const struct ack *a)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 1024;
        t->acks = realloc(t->acks, t->cap * sizeof *t->acks);
        assert_non_null(t->acks);
    }
    t->acks[t->n++] = *a;
}

/* States as store_private.h numbers them: 3 uncertain, 4 sent, 5 delivered. */
static void check_one(sqlite3_stmt *by_msgid, sqlite3_stmt *by_part, const struct ack *a)
{
    sqlite3_stmt *q = a->fact == ACCEPTED ? by_msgid : by_part;
    if (a->fact == ACCEPTED)
        sqlite3_bind_text(q, 1, a->msgid, -1, SQLITE_STATIC);
    else
        sqlite3_bind_int64(q, 1, (sqlite3_int64)a->part);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int state = sqlite3_column_int(q, 0);
    switch (a->fact) {
    case ACCEPTED: /* message, part and link, all of it */
        assert_int_equal(state, 3);
        break;
    case CLAIMED: /* sending before the crash: uncertain, or further */
        assert_true(state == 3 || state == 4 || state == 5);
        break;
    case SENT:
        assert_true(state == 4 || state == 5);
        break;
    case DELIVERED: /* and its callback */
    case CLICKED:
        assert_int_equal(state, 5);
        assert_int_equal(sqlite3_column_int(q, 1), 1);
        break;
    }
    sqlite3_reset(q);
}

static void check(struct kit *k, const struct tally *t)
{
    sqlite3 *db;
    sqlite3_stmt *by_msgid, *by_part;
    assert_int_equal(kit_sql(k, "SELECT integrity_check='ok' FROM pragma_integrity_check"), 1);
    assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(
            db,
            "SELECT count(DISTINCT m.id)+count(DISTINCT p.id)+count(DISTINCT l.id) FROM"
            " message m JOIN part p ON p.id=m.id*16 JOIN link l ON l.id=m.id WHERE"
            " substr(m.msgid, 1, 8)=substr(?1, 1, 8) AND +m.msgid=?1",
            -1, &by_msgid, NULL),
        SQLITE_OK);
    assert_int_equal(
        sqlite3_prepare_v2(db,
                           "SELECT state, (SELECT count(*) FROM outbox o WHERE o.id=p.id/16*4)"
                           " FROM part p WHERE p.id=?1",
                           -1, &by_part, NULL),
        SQLITE_OK);
    for (size_t i = 0; i < t->n; i++)
        check_one(by_msgid, by_part, &t->acks[i]);
    sqlite3_finalize(by_msgid);
    sqlite3_finalize(by_part);
    sqlite3_close(db);
    /* a state and its callback are one transaction */
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message m LEFT JOIN outbox o ON o.id=m.id*4"
                                " WHERE (m.state>=2)<>(o.id IS NOT NULL)"),
                     0);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM part WHERE state=2"), 0);
}

/* ---- kill -9 ---- */
static int pipe_to_parent;

static void tell_parent(const struct ack *ack)
{
    if (write(pipe_to_parent, ack, sizeof *ack) != (ssize_t)sizeof *ack) /* below PIPE_BUF: whole */
        _exit(3);
}

static void child(struct kit *k, unsigned round)
{
    char why[200];
    struct life l = {.k = k, .tell = tell_parent, .round = round};
    if (store_open(k->path, T0, &k->store, why))
        _exit(2);
    live(&l, 1000000);
    _exit(0);
}

static void drain(int fd, struct tally *t)
{
    struct ack a;
    ssize_t n;
    while ((n = read(fd, &a, sizeof a)) == (ssize_t)sizeof a)
        keep(t, &a);
    assert_int_equal(n, 0);
}

/* The pipe is emptied while the child lives: a full one would stop it. */
static void *drain_thread(void *ctx)
{
    void **args = ctx;
    drain(*(int *)args[0], args[1]);
    return NULL;
}

static void killed_at_random(void **state)
{
    struct kit *k = *state;
    struct tally t = {.n = 0};
    kit_close(k);
    for (unsigned round = 0; round < rounds(25); round++) {
        int ends[2], status;
        pthread_t thread;
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (!pid) {
            close(ends[0]);
            pipe_to_parent = ends[1];
            child(k, round);
        }
        close(ends[1]);
        void *args[] = {&ends[0], &t};
        assert_int_equal(pthread_create(&thread, NULL, drain_thread, args), 0);
        kit_pause(5 + (int)(rnd() % 60));
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        pthread_join(thread, NULL);
        close(ends[0]);
        kit_open(k, T0);
        check(k, &t);
        kit_close(k);
    }
    print_message("    %zu acknowledgements, %u kills\n", t.n, rounds(25));
    assert_true(t.n > 100);
    free(t.acks);
    kit_open(k, T0);
}

/* ---- power cut: what was synced, and a random choice of the sectors written since ---- */
#define CUTS 12
static struct {
    struct kit *k;
    pthread_mutex_t mutex;
    struct tally told;
    unsigned events, next, n;
    size_t told_at[CUTS];
    bool off;
} cut = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void tell_tally(const struct ack *ack)
{
    pthread_mutex_lock(&cut.mutex);
    keep(&cut.told, ack);
    pthread_mutex_unlock(&cut.mutex);
}

static void cut_path(char out[96], unsigned n)
{
    (void)snprintf(out, 96, "%.80s-cut%u", cut.k->path, n);
}

/* On the thread that wrote; what others told before is a part of the promise. */
static void maybe_cut(void)
{
    char path[96];
    pthread_mutex_lock(&cut.mutex);
    if (!cut.off && ++cut.events >= cut.next && cut.n < CUTS) {
        cut_path(path, cut.n);
        cut.told_at[cut.n++] = cut.told.n;
        cut.next = cut.events + 1 + rnd() % 300;
        vfs_power_cut(cut.k->path, path, rnd);
    }
    pthread_mutex_unlock(&cut.mutex);
}

static void remove_files(const char *path)
{
    static const char *const names[] = {"", "-wal", "-shm", "-journal", ".lock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[160];
        (void)snprintf(name, sizeof name, "%s%s", path, names[i]);
        (void)unlink(name);
    }
}

static void open_what_is_left(unsigned n)
{
    struct kit k = {.made = 0};
    struct tally t = cut.told;
    char path[96];
    cut_path(path, n);
    (void)snprintf(k.path, sizeof k.path, "%s", path);
    t.n = cut.told_at[n];
    kit_open(&k, T0);
    check(&k, &t);
    kit_close(&k);
    remove_files(path);
}

static void the_power_cut_at_random(void **state)
{
    struct kit *k = *state;
    unsigned total = 0;
    for (unsigned round = 0; round < rounds(15); round++) {
        struct life l = {.k = k, .tell = tell_tally, .round = round};
        kit_close(k);
        remove_files(k->path);
        vfs_platter_clear();
        cut.k = k;
        cut.told.n = cut.events = cut.n = 0;
        cut.next = rnd() % 50;
        cut.off = false;
        vfs_platter.event = maybe_cut;
        vfs_platter.on = true;
        kit_open(k, T0);
        live(&l, 200 + rnd() % 600);
        kit_close(k); /* the last checkpoint too */
        cut.off = true;
        vfs_platter.on = false;
        kit_open(k, T0);
        for (unsigned i = 0; i < cut.n; i++)
            open_what_is_left(i);
        total += cut.n;
    }
    print_message("    %u power cuts\n", total);
    assert_true(total > 10);
    vfs_platter_clear();
    free(cut.told.acks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_at_random, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(the_power_cut_at_random, kit_setup, kit_teardown),
    };
    const char *wanted = getenv("SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    seed = wanted ? (uint32_t)strtoul(wanted, NULL, 10) : (uint32_t)now.tv_nsec | 1;
    print_message("SEED=%u\n", seed);
    vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
