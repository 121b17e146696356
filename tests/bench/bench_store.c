/* bench_store.c - what the store costs, on the disk of the directory named as first argument.
 * Prints: accepted messages with 16 waiting at a time; parts sent and reported by 1 and 8 modems;
 * first clicks; a tick with nothing due.  CPU is the whole process's, so the callers' too. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../../src/store.h"
#include "clock.h"
#include "text.h"

#define WAITING 16

static struct store *store;
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec * 1e6 + (double)u.ru_utime.tv_usec +
           (double)u.ru_stime.tv_sec * 1e6 + (double)u.ru_stime.tv_usec;
}

static void report(const char *what, unsigned n, int64_t ms, double us)
{
    printf("%-44s %8.0f/s  %7.1f us of CPU each\n", what, n * 1000.0 / (double)(ms ? ms : 1),
           us / n);
}

static void must(enum err e, const char *what)
{
    if (!e)
        return;
    fprintf(stderr, "%s: %s\n", what, err_str(e));
    exit(1);
}

/* ---- acceptance: each answer brings the next request, as HTTP clients do ---- */

struct client {
    struct store_accept accept;
    struct store_new_message m;
    char slug[11], recipient[20];
    int64_t from_us;
};
static struct client clients[WAITING];
static atomic_uint left, running;
static bool with_link, with_callback;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_done = PTHREAD_COND_INITIALIZER;

static void submit(struct client *c);

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* On the store's thread only. */
static uint32_t waited_us[1 << 20];
static unsigned n_waited;

static int64_t mono_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void report_waiting(void)
{
    qsort(waited_us, n_waited, sizeof waited_us[0], compare);
    printf("    each waited: median %u us, 99 of 100 within %u us, longest %u us\n",
           waited_us[n_waited / 2], waited_us[n_waited - n_waited / 100 - 1],
           waited_us[n_waited - 1]);
}

static void accepted(void *ctx, enum err e)
{
    must(e, "accept");
    if (n_waited < sizeof waited_us / sizeof waited_us[0])
        waited_us[n_waited++] = (uint32_t)(mono_us() - ((struct client *)ctx)->from_us);
    if (atomic_fetch_sub(&left, 1) > WAITING) {
        submit(ctx);
        return;
    }
    pthread_mutex_lock(&mutex);
    if (atomic_fetch_sub(&running, 1) == 1)
        pthread_cond_signal(&all_done);
    pthread_mutex_unlock(&mutex);
}

static void submit(struct client *c)
{
    unsigned char r[STORE_MSGID_LEN + 12];
    must(text_random(r, sizeof r), "random");
    c->m = (struct store_new_message){
        .sender = "Sender",
        .text = "test link tracking https://s.example.com/k7qz2m9rtx thank you",
        .tags = "[]",
        .due_ms = clk_wall_ms(),
        .parts = 1,
        .priority = 5};
    for (int i = 0; i < STORE_MSGID_LEN; i++)
        c->m.msgid[i] = alphabet[r[i] % 32];
    for (int i = 0; i < 10; i++)
        c->slug[i] = alphabet[r[STORE_MSGID_LEN + i] % 32];
    snprintf(c->recipient, sizeof c->recipient, "+81801%07u",
             (unsigned)(r[0] << 16 | r[1] << 8 | r[2]) % 10000000);
    c->m.recipient = c->recipient;
    c->m.valid_until_ms = c->m.due_ms + 3 * CLK_DAY_MS;
    if (with_callback)
        c->m.callbackurl = c->m.lt_callbackurl = "http://127.0.0.1:9000/callback";
    if (with_link) {
        c->m.slug = c->slug;
        c->m.link = c->m.destination = "https://www.xoxzo.com/en/";
        c->m.shortlink = "https://s.example.com/k7qz2m9rtx";
        c->m.link_expires_ms = c->m.due_ms + 90 * CLK_DAY_MS;
    }
    c->accept = (struct store_accept){.account = "main",
                                      .url_base = "http://127.0.0.1:8080",
                                      .now_ms = c->m.due_ms,
                                      .messages = &c->m,
                                      .count = 1};
    c->from_us = mono_us();
    store_accept(store, &c->accept, accepted, c);
}

static void bench_accept(const char *what, unsigned n)
{
    atomic_store(&left, n);
    n_waited = 0;
    atomic_store(&running, WAITING);
    int64_t from = clk_mono_ms();
    double us = cpu_us();
    for (int i = 0; i < WAITING; i++)
        submit(&clients[i]);
    pthread_mutex_lock(&mutex);
    while (atomic_load(&running))
        pthread_cond_wait(&all_done, &mutex);
    pthread_mutex_unlock(&mutex);
    report(what, n, clk_mono_ms() - from, cpu_us() - us);
    report_waiting();
}

/* ---- sending: a part sent and the next claimed, then its report ---- */

static unsigned per_modem;

static void *modem(void *ctx)
{
    int64_t next;
    unsigned mr = 0;
    uint64_t settled;
    struct store_claim now = {.modem = ctx, .iccid = ctx, .now_ms = clk_wall_ms()};
    must(store_part_claim(store, &now, &next), "claim");
    for (unsigned i = 0; i < per_modem; i++) {
        struct store_claim then = {.modem = ctx, .iccid = ctx, .now_ms = clk_wall_ms()};
        must(store_part_sent(store, now.job.part, ctx, ctx, (int)(mr++ % 256), clk_wall_ms(),
                             i + 1 < per_modem ? &then : NULL),
             "sent");
        struct sms_report rep = {
            .mr = (uint8_t)(mr - 1), .scts_ms = clk_wall_ms(), .discharge_ms = clk_wall_ms()};
        memcpy(rep.recipient, now.job.submit.recipient, sizeof rep.recipient);
        must(store_report(store, ctx, ctx, &rep, clk_wall_ms(), &settled), "report");
        if (settled != now.job.part)
            must(ERR_CORRUPT, "the report's part");
        now = then;
    }
    return NULL;
}

/* As the daemon does: eight that are known and ready, none preferred for anything. */
static void make_modems(void)
{
    static const char *const names[] = {"modem0", "modem1", "modem2", "modem3",
                                        "modem4", "modem5", "modem6", "modem7"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        must(store_modem_ready(store, names[i], true, clk_wall_ms()), "ready");
}

static void bench_modems(const char *what, unsigned modems, unsigned n)
{
    static char names[16][16];
    pthread_t threads[16];
    per_modem = n / modems;
    int64_t from = clk_mono_ms();
    double us = cpu_us();
    for (unsigned i = 0; i < modems; i++) {
        snprintf(names[i], sizeof names[i], "modem%u", i);
        if (pthread_create(&threads[i], NULL, modem, names[i]))
            must(ERR_NO_MEMORY, "thread");
    }
    for (unsigned i = 0; i < modems; i++)
        pthread_join(threads[i], NULL);
    report(what, per_modem * modems, clk_mono_ms() - from, cpu_us() - us);
}

/* ---- clicks ---- */

static void clicked(void *ctx, enum err e)
{
    (void)ctx;
    must(e, "click");
    pthread_mutex_lock(&mutex);
    if (atomic_fetch_sub(&running, 1) <= WAITING)
        pthread_cond_signal(&all_done);
    pthread_mutex_unlock(&mutex);
}

static void bench_clicks(unsigned n)
{
    int64_t from = clk_mono_ms();
    double us = cpu_us();
    atomic_store(&running, 0);
    for (unsigned i = 1; i <= n; i++) {
        pthread_mutex_lock(&mutex);
        while (atomic_load(&running) >= 4 * WAITING)
            pthread_cond_wait(&all_done, &mutex);
        atomic_fetch_add(&running, 1);
        pthread_mutex_unlock(&mutex);
        store_click(store, i, clk_wall_ms(), NULL, clicked, NULL);
    }
    pthread_mutex_lock(&mutex);
    while (atomic_load(&running))
        pthread_cond_wait(&all_done, &mutex);
    pthread_mutex_unlock(&mutex);
    report("first clicks, up to 64 waiting", n, clk_mono_ms() - from, cpu_us() - us);
}

static void bench_ticks(unsigned n)
{
    const struct store_policy policy = {true, 600000, CLK_DAY_MS, 400 * CLK_DAY_MS, NULL};
    int64_t from = clk_mono_ms();
    double us = cpu_us();
    for (unsigned i = 0; i < n; i++)
        must(store_tick(store, &policy, clk_wall_ms()), "tick");
    report("ticks with nothing due", n, clk_mono_ms() - from, cpu_us() - us);
}

static void print_memory(void)
{
    char line[128];
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "VmRSS", 5) || !strncmp(line, "VmHWM", 5))
            fputs(line, stdout);
    if (f)
        fclose(f);
}

int main(int argc, char **argv)
{
    char path[4096], why[200];
    unsigned n = argc > 2 ? (unsigned)atoll(argv[2]) : 20000;
    snprintf(path, sizeof path, "%s/bench_store-%d.db", argc > 1 ? argv[1] : "/tmp", (int)getpid());
    if (store_open(path, clk_wall_ms(), &store, why)) {
        fprintf(stderr, "%s: %s\n", path, why);
        return 1;
    }
    make_modems();
    with_link = true;
    bench_accept("accepted with a link, 16 waiting", n);
    with_link = false;
    bench_accept("accepted without a link, 16 waiting", n / 4);
    bench_modems("sent, next claimed, reported: 1 modem", 1, n / 4);
    bench_modems("sent, next claimed, reported: 8 modems", 8, n / 2);
    bench_clicks(n);
    bench_ticks(2000);
    print_memory();
    store_close(store);
    static const char *const names[] = {"", "-wal", "-shm", ".lock"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[4200];
        snprintf(name, sizeof name, "%s%s", path, names[i]);
        unlink(name);
    }
    return 0;
}
