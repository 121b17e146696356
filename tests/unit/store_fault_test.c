/* A disk that is full, read-only or broken, and memory that runs out, at every point where they
 * can be: nothing acknowledged that is not on disk, nothing half done, others unaffected, well
 * again without restart. */
#include "store_kit.h"
#include "store_vfs.h"

#define GROUP 12

/* ---- a group that is really one: the store's thread is held until all have come ---- */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool held, open;
};

static void hold(void *ctx, enum err e)
{
    struct gate *g = ctx;
    (void)e;
    pthread_mutex_lock(&g->mutex);
    g->held = true;
    pthread_cond_broadcast(&g->cond);
    while (!g->open)
        pthread_cond_wait(&g->cond, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

static void hold_the_thread(struct kit *k, struct gate *g)
{
    pthread_mutex_init(&g->mutex, NULL);
    pthread_cond_init(&g->cond, NULL);
    g->held = g->open = false;
    store_hits(k->store, NULL, 0, hold, g);
    pthread_mutex_lock(&g->mutex);
    while (!g->held)
        pthread_cond_wait(&g->cond, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
}

static void let_go(struct gate *g)
{
    pthread_mutex_lock(&g->mutex);
    g->open = true;
    pthread_cond_broadcast(&g->cond);
    pthread_mutex_unlock(&g->mutex);
}

struct group {
    struct store_new_message m[GROUP];
    struct store_accept a[GROUP];
    struct kit_wait w[GROUP];
};

/* GROUP requests in one commit; the results are in g->w[].result. */
static void accept_together(struct kit *k, struct group *g)
{
    struct gate gate;
    hold_the_thread(k, &gate);
    for (int i = 0; i < GROUP; i++) {
        g->m[i] = kit_message(k, "+818012345678");
        g->a[i] = (struct store_accept){
            .account = ACCOUNT, .url_base = "", .now_ms = T0, .messages = &g->m[i], .count = 1};
        g->w[i] = (struct kit_wait)KIT_WAIT;
        store_accept(k->store, &g->a[i], kit_done, &g->w[i]);
    }
    let_go(&gate);
    for (int i = 0; i < GROUP; i++)
        (void)kit_wait(&g->w[i], 1);
}

static bool is_there(struct kit *k, const char *msgid)
{
    struct kit_status s;
    enum err e = store_message_get(k->reader, ACCOUNT, msgid, kit_copy_status, &s);
    assert_true(e == OK || e == ERR_NOT_FOUND);
    return !e;
}

static unsigned check_group(struct kit *k, const struct group *g)
{
    unsigned ok = 0;
    for (int i = 0; i < GROUP; i++) {
        assert_int_equal(is_there(k, g->m[i].msgid), g->w[i].result == OK);
        ok += g->w[i].result == OK;
    }
    return ok;
}

static void well_again(struct kit *k)
{
    struct group g;
    vfs_heal();
    accept_together(k, &g);
    assert_int_equal(check_group(k, &g), GROUP);
    assert_int_equal(store_health(k->store), OK);
}

/* Every kind of refusal, at every one of the operations of a commit, once and for good. */
static void a_failed_commit_fails_all_and_leaves_nothing(void **state)
{
    static const struct {
        int op, rc;
    } kinds[] = {
        {VFS_WRITE, SQLITE_FULL},
        {VFS_WRITE, SQLITE_IOERR_WRITE},
        {VFS_WRITE, SQLITE_READONLY},
        {VFS_SYNC, SQLITE_IOERR_FSYNC},
    };
    struct kit *k = *state;
    well_again(k);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        for (int skip = 0; skip < 40; skip++) {
            struct group g;
            vfs_break(kinds[i].op, skip, -1, kinds[i].rc);
            accept_together(k, &g);
            bool hit = atomic_load(&vfs_fault.failed) > 0;
            for (int n = 0; n < GROUP; n++)
                assert_int_equal(g.w[n].result, hit ? ERR_NO_SPACE : OK);
            assert_int_equal(store_health(k->store), hit ? ERR_NO_SPACE : OK);
            assert_int_equal(check_group(k, &g), hit ? 0 : GROUP);
            well_again(k);
            if (!hit)
                break;
        }
    kit_close(k);
    kit_open(k, T0);
    assert_int_equal(kit_sql(k, "SELECT integrity_check='ok' FROM pragma_integrity_check"), 1);
}

static void health_returns_by_itself(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = kit_message(k, "+811");
    vfs_break(VFS_WRITE, 0, -1, SQLITE_FULL);
    assert_int_equal(kit_accept(k, &m, T0), ERR_NO_SPACE);
    assert_int_equal(store_health(k->store), ERR_NO_SPACE);
    struct store_claim c; /* reading goes on, and proves nothing about the disk */
    (void)kit_claim(k, "gsm1", T0, &c);
    assert_int_equal(store_health(k->store), ERR_NO_SPACE);
    vfs_heal();
    for (int i = 0; i < 500 && store_health(k->store); i++)
        kit_pause(10); /* the probe comes once a second */
    assert_int_equal(store_health(k->store), OK);
}

static void reading_goes_on_while_the_disk_refuses(void **state)
{
    struct kit *k = *state;
    struct store_link l;
    struct store_new_message m = kit_message(k, "+811"), n = kit_message(k, "+812");
    m.slug = "slug";
    m.link = m.destination = "http://a.example/";
    m.shortlink = "http://s/slug";
    assert_int_equal(kit_accept(k, &m, T0), OK);
    vfs_break(VFS_WRITE | VFS_SYNC, 0, -1, SQLITE_READONLY);
    assert_int_equal(kit_accept(k, &n, T0), ERR_NO_SPACE);
    assert_int_equal(store_link_get(k->reader, "slug", &l), OK);
    assert_string_equal(l.destination, "http://a.example/");
    struct kit_wait w = KIT_WAIT;
    store_click(k->store, l.id, T0, NULL, kit_done, &w);
    assert_int_equal(kit_wait(&w, 1), ERR_NO_SPACE);
    well_again(k);
    bool first = false;
    store_click(k->store, l.id, T0, &first, kit_done, &w); /* kept by the redirect, tried again */
    assert_int_equal(kit_wait(&w, 2), OK);
    assert_true(first);
}

/* ENOSPC while a report is being stored: it was not acknowledged, comes again, and settles then. */
static void a_report_that_could_not_be_stored_comes_again(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct sms_report rep = {.mr = 5, .scts_ms = T0, .recipient = "+811"};
    uint64_t part = 0;
    struct store_new_message m = kit_message(k, "+811");
    m.callbackurl = "http://127.0.0.1/cb";
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    vfs_break(VFS_WRITE, 0, -1, SQLITE_FULL);
    assert_int_equal(store_part_sent(k->store, c.job.part, "gsm1", ICCID, 5, T0, NULL),
                     ERR_NO_SPACE);
    assert_int_equal(kit_status(k, &m).m.state, STORE_QUEUED);
    vfs_heal();
    kit_sent(k, &c, 5, T0);
    vfs_break(VFS_SYNC, 0, -1, SQLITE_IOERR_FSYNC);
    assert_int_equal(store_report(k->store, "gsm1", ICCID, &rep, T0, &part), ERR_NO_SPACE);
    assert_int_equal(part, 0);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERING);
    assert_int_equal(kit_callbacks(k, T0, NULL).n, 0);
    vfs_heal();
    assert_int_equal(store_report(k->store, "gsm1", ICCID, &rep, T0, &part), OK);
    assert_int_equal(part, c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
    assert_int_equal(kit_callbacks(k, T0, NULL).n, 1);
}

/* A claim that did not reach the disk was not made: the part is still there for anybody. */
static void a_claim_that_failed_is_free_again(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_new_message m = kit_message(k, "+811");
    assert_int_equal(kit_accept(k, &m, T0), OK);
    vfs_break(VFS_SYNC, 0, -1, SQLITE_IOERR_FSYNC);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), ERR_NO_SPACE);
    assert_int_equal(c.job.part, 0);
    vfs_heal();
    assert_int_equal(kit_claim(k, "gsm2", T0, &c), OK);
}

static void one_refused_request_is_not_its_neighbours(void **state)
{
    struct kit *k = *state;
    struct gate gate;
    struct store_new_message good[3], twice[2];
    struct store_accept a[4];
    struct kit_wait w[4] = {KIT_WAIT, KIT_WAIT, KIT_WAIT, KIT_WAIT};
    hold_the_thread(k, &gate);
    for (int i = 0; i < 2; i++) {
        twice[i] = kit_message(k, "+811");
        twice[i].slug = "same"; /* fails at its second message, after it wrote the first */
        twice[i].link = twice[i].destination = twice[i].shortlink = "http://a.example/";
    }
    for (int i = 0; i < 4; i++) {
        a[i] = (struct store_accept){.account = ACCOUNT, .now_ms = T0, .count = 1};
        a[i].messages = i == 1 ? twice : &good[i ? i - 1 : 0];
        a[i].count = i == 1 ? 2 : 1;
        if (i != 1)
            *a[i].messages = kit_message(k, "+812");
        store_accept(k->store, &a[i], kit_done, &w[i]);
    }
    let_go(&gate);
    for (int i = 0; i < 4; i++)
        assert_int_equal(kit_wait(&w[i], 1), i == 1 ? ERR_BUSY : OK);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 3);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM link"), 0);
    assert_int_equal(store_health(k->store), OK);
}

/* A checkpoint that fails loses nothing and refuses nobody: the log still has it all. */
static void a_failing_checkpoint_harms_nobody(void **state)
{
    struct kit *k = *state;
    struct group g;
    vfs_break(VFS_WRITE | VFS_SYNC, 0, -1, SQLITE_IOERR_WRITE);
    atomic_store(&vfs_fault.main_only, true);
    for (int i = 0; i < 600; i++) { /* well over 2000 pages */
        accept_together(k, &g);
        assert_int_equal(check_group(k, &g), GROUP);
    }
    assert_true(atomic_load(&vfs_fault.failed) > 0);
    atomic_store(&vfs_fault.main_only, false);
    well_again(k);
    kit_close(k);
    kit_open(k, T0);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 601 * GROUP);
}

/* ---- reads and memory: these fail in the middle of a sentence, with a group around it ---- */

static void a_read_error_in_the_middle_of_a_group(void **state)
{
    struct kit *k = *state;
    struct group g;
    for (int i = 0; i < 120; i++) /* more than the cache keeps */
        accept_together(k, &g);
    for (int skip = 0; skip < 30; skip++) {
        kit_close(k); /* a cold cache */
        kit_open(k, T0);
        vfs_break(VFS_READ, skip, 1, SQLITE_IOERR_READ);
        accept_together(k, &g);
        vfs_heal();
        (void)check_group(k, &g);
        well_again(k);
    }
    assert_int_equal(kit_sql(k, "SELECT integrity_check='ok' FROM pragma_integrity_check"), 1);
}

static atomic_int memory_left = -1; /* allocations that succeed; -1: all */
static atomic_int memory_failed, memory_times;
static sqlite3_mem_methods memory_real;

static bool memory_out(void)
{
    int left = atomic_load(&memory_left);
    if (left < 0)
        return false;
    if (left > 0) {
        atomic_fetch_sub(&memory_left, 1);
        return false;
    }
    if (!atomic_load(&memory_times))
        return false;
    if (atomic_load(&memory_times) > 0)
        atomic_fetch_sub(&memory_times, 1);
    atomic_fetch_add(&memory_failed, 1);
    return true;
}

static void *memory_get(int n)
{
    return memory_out() ? NULL : memory_real.xMalloc(n);
}

static void *memory_more(void *p, int n)
{
    return memory_out() ? NULL : memory_real.xRealloc(p, n);
}

static void memory_break(int left, int times)
{
    if (left >= 0)
        atomic_store(&memory_failed, 0);
    atomic_store(&memory_times, times);
    atomic_store(&memory_left, left);
}

static void no_memory_at_each_allocation(void **state)
{
    struct kit *k = *state;
    unsigned all = 0;
    for (int times = 1; times >= -1; times -= 2) /* once, and for good */
        for (int left = 0; left < 400; left++) {
            struct group g;
            memory_break(left, times);
            accept_together(k, &g);
            memory_break(-1, 0);
            bool hit = atomic_load(&memory_failed) > 0;
            unsigned ok = check_group(k, &g);
            if (!hit)
                assert_int_equal(ok, GROUP);
            if (times ==
                1) /* one failure undoes the group, which is run one by one: all or, at COMMIT, none */
                assert_true(ok == GROUP || ok == 0);
            all += times == 1 && hit && ok == GROUP;
            if (!hit)
                break;
            well_again(k);
        }
    assert_true(all > 10);
    assert_int_equal(kit_sql(k, "SELECT integrity_check='ok' FROM pragma_integrity_check"), 1);
}

/* One message's life, with memory failing somewhere in each sentence: it is repeated until it
 * succeeds, and the end is what it would have been. */
static void a_life_without_memory(void **state)
{
    struct kit *k = *state;
    for (int left = 0; left < 120; left++) {
        struct store_claim c = {.modem = "gsm1", .iccid = ICCID, .now_ms = T0};
        struct sms_report rep = {.mr = (uint8_t)left, .scts_ms = T0, .recipient = "+811"};
        struct store_new_message m = kit_message(k, "+811");
        uint64_t part = 0;
        enum err e;
        m.callbackurl = "http://127.0.0.1/cb";
        memory_break(left, -1);
        while ((e = kit_accept(k, &m, T0)) != OK) {
            assert_true(e == ERR_NO_MEMORY || e == ERR_NO_SPACE);
            memory_break(-1, 0);
        }
        memory_break(left, -1);
        while ((e = store_part_claim(k->store, &c, NULL)) != OK)
            memory_break(-1, 0);
        memory_break(left, -1);
        while ((e = store_part_sent(k->store, c.job.part, "gsm1", ICCID, left, T0, NULL)) != OK)
            memory_break(-1, 0);
        memory_break(left, -1);
        while ((e = store_report(k->store, "gsm1", ICCID, &rep, T0, &part)) != OK)
            memory_break(-1, 0);
        memory_break(-1, 0);
        assert_int_equal(part, c.job.part);
        assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
    }
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM outbox"), 120);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message WHERE state=2"), 120);
}

/* ---- opening on a disk that fails ---- */
static void opening_on_a_failing_disk(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = kit_message(k, "+811");
    assert_int_equal(kit_accept(k, &m, T0), OK);
    kit_close(k);
    for (int kind = 0; kind < 3; kind++)
        for (int skip = 0; skip < 60; skip++) {
            static const int ops[] = {VFS_READ, VFS_WRITE, VFS_SYNC};
            struct store *s = NULL;
            char why[200];
            vfs_break(ops[kind], skip, -1, SQLITE_IOERR_READ);
            enum err e = store_open(k->path, T0, &s, why);
            vfs_heal();
            if (e)
                assert_true(why[0] != '\0');
            store_close(s);
            if (!e)
                break;
        }
    kit_open(k, T0);
    assert_true(is_there(k, m.msgid));
}

/* A new database: what a failing disk left of it is finished by the next start. */
static void making_on_a_failing_disk(void **state)
{
    struct kit *k = *state;
    kit_close(k);
    for (int skip = 0; skip < 80; skip++) {
        struct store *s = NULL;
        char why[200];
        unlink(k->path);
        vfs_break(VFS_WRITE | VFS_SYNC, skip, -1, SQLITE_FULL);
        enum err e = store_open(k->path, T0, &s, why);
        vfs_heal();
        store_close(s);
        kit_open(k, T0);
        well_again(k);
        kit_close(k);
        if (!e)
            break;
    }
    kit_open(k, T0);
}

static int setup(void **state)
{
    vfs_heal();
    return kit_setup(state);
}

static int teardown(void **state)
{
    vfs_heal();
    return kit_teardown(state);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_failed_commit_fails_all_and_leaves_nothing),
        T(health_returns_by_itself),
        T(reading_goes_on_while_the_disk_refuses),
        T(a_report_that_could_not_be_stored_comes_again),
        T(a_claim_that_failed_is_free_again),
        T(one_refused_request_is_not_its_neighbours),
        T(a_failing_checkpoint_harms_nobody),
        T(a_read_error_in_the_middle_of_a_group),
        T(no_memory_at_each_allocation),
        T(a_life_without_memory),
        T(opening_on_a_failing_disk),
        T(making_on_a_failing_disk),
    };
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory_real);
    sqlite3_mem_methods ours = memory_real;
    ours.xMalloc = memory_get;
    ours.xRealloc = memory_more;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
    vfs_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
