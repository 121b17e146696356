/* callback_test.c - the callback thread against the real store and a real receiver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <ftw.h>

#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../src/callback.h"
#include "../../src/hash.h"
#include "clock.h"
#include "log.h"
#include "receiver.h"

#define SECRET      "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define PATIENCE_MS 20000

static char dir[64], path[96];
static struct store *store;
static struct store_reader *reader;
static struct accounts *accounts;
static struct receiver *receiver;
static struct callback *callback;
static struct callback_options options;

/* ---- the bench ---- */
static void pause_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* Asks again and again; a test waits for what must happen, never for a time. */
#define UNTIL(condition)                                                                           \
    do {                                                                                           \
        int64_t until_ = clk_mono_ms() + PATIENCE_MS;                                              \
        while (!(condition)) {                                                                     \
            if (clk_mono_ms() > until_)                                                            \
                fail_msg("not within %d ms: %s", PATIENCE_MS, #condition);                         \
            pause_ms(5);                                                                           \
        }                                                                                          \
    } while (0)

static void wake(void *ctx)
{
    (void)ctx;
    callback_wake(callback);
}

static void start(void)
{
    assert_int_equal(callback_start(&options, &callback), OK);
    store_on_due(store, NULL, wake, NULL);
}

static void stop(void)
{
    store_on_due(store, NULL, NULL, NULL);
    callback_stop(callback);
    callback = NULL;
}

static void store_up(void)
{
    char why[200];
    assert_int_equal(store_open(path, clk_wall_ms(), &store, why), OK);
    assert_int_equal(store_reader_open(store, &reader), OK);
}

static void store_down(void)
{
    store_reader_close(reader);
    store_close(store);
}

static int set_up(void **state)
{
    char why[URL_WHY_MAX];
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/callback_test.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/smsbridge.db", dir);
    store_up();
    accounts = calloc(1, sizeof(*accounts) + sizeof(accounts->account[0]));
    if (!accounts)
        return -1;
    accounts->count = 1;
    (void)snprintf(accounts->account[0].name, sizeof(accounts->account[0].name), "main");
    (void)snprintf(accounts->account[0].webhook_secret, CONFIG_TOKEN_MAX, SECRET);
    receiver = receiver_start();
    options = (struct callback_options){.store = store,
                                        .accounts = accounts,
                                        .tries = 3,
                                        .pause_ms = {0, 50, 50},
                                        .timeout_ms = 2000};
    return url_policy_parse("loopback, private, external", &options.policy, why) ? -1 : 0;
}

static int remove_one(const char *file, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(file);
}

static int tear_down(void **state)
{
    (void)state;
    stop();
    store_down();
    receiver_stop(receiver);
    free(accounts);
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct wait {
    atomic_bool done;
    enum err result;
};

static void on_done(void *ctx, enum err result)
{
    struct wait *w = ctx;
    w->result = result;
    atomic_store(&w->done, true);
}

static void make_msgid(char out[STORE_MSGID_LEN + 1])
{
    static unsigned n;
    (void)snprintf(out, STORE_MSGID_LEN + 1, "%032u", ++n);
}

/* A message that ends at once (cancelled): its delivery callback is due. */
static void make_due(const char *url, char msgid[STORE_MSGID_LEN + 1])
{
    struct store_new_message m = {.recipient = "+4915112345678",
                                  .sender = "s",
                                  .text = "t",
                                  .tags = "[\"a\"]",
                                  .callbackurl = url,
                                  .due_ms = clk_wall_ms(),
                                  .valid_until_ms = clk_wall_ms() + CLK_DAY_MS,
                                  .parts = 1,
                                  .priority = 5};
    struct store_accept a = {.account = "main",
                             .url_base = "http://x",
                             .now_ms = clk_wall_ms(),
                             .fingerprint = "",
                             .messages = &m,
                             .count = 1};
    struct wait w = {.done = false};
    make_msgid(m.msgid);
    (void)snprintf(msgid, STORE_MSGID_LEN + 1, "%s", m.msgid);
    store_accept(store, &a, on_done, &w);
    UNTIL(atomic_load(&w.done));
    assert_int_equal(w.result, OK);
    struct wait v = {.done = false};
    store_cancel(store, "main", msgid, clk_wall_ms(), on_done, &v);
    UNTIL(atomic_load(&v.done));
    assert_int_equal(v.result, OK);
}

static void make_due_at(const char *where)
{
    char url[128], msgid[STORE_MSGID_LEN + 1];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", receiver_port(receiver), where);
    make_due(url, msgid);
}

static struct store_counts counts(void)
{
    struct store_counts c;
    assert_int_equal(store_counts(reader, &c), OK);
    return c;
}

/* The disk says so a moment before the thread counts it. */
static bool given_up(uint64_t n)
{
    struct callback_counts c;
    callback_counts(callback, &c);
    return c.given_up == n;
}

static bool settled(int64_t failed)
{
    struct store_counts c = counts();
    return c.callbacks_pending == 0 && c.callbacks_failed == failed;
}

/* ---- what a receiver gets ---- */
static void one_post_signed_and_whole(void **state)
{
    (void)state;
    char value[256], signature[HASH_WEBHOOK_SIGN_TEXT];
    struct receiver_post p;
    start();
    make_due_at("/ok?x=1");
    UNTIL(settled(0));
    assert_int_equal(receiver_count(receiver, "/"), 1);
    assert_true(receiver_get(receiver, "/ok?x=1", 0, &p));
    assert_string_equal(receiver_header(&p, "content-type", value), "application/json");
    assert_string_equal(receiver_header(&p, "webhook-attempt", value), "1");
    assert_string_equal(receiver_header(&p, "user-agent", value), "smsbridge/" SMSBRIDGE_VERSION);
    assert_string_equal(receiver_header(&p, "expect", value), "");
    assert_string_equal(receiver_header(&p, "accept-encoding", value), "");
    assert_non_null(strstr(p.headers, " HTTP/1.1\r\n"));
    assert_non_null(strstr(p.body, "\"status\":\"FAIL\""));
    assert_non_null(strstr(p.body, "\"code\":\"cancelled\""));
    long long at = strtoll(receiver_header(&p, "webhook-timestamp", value), NULL, 10);
    assert_in_range(at, clk_wall_ms() / 1000 - 30, clk_wall_ms() / 1000);
    (void)receiver_header(&p, "webhook-id", value);
    assert_memory_equal(value, "msg_", 4);
    assert_int_equal(hash_webhook_sign(SECRET, value, at, p.body, strlen(p.body), signature), OK);
    assert_string_equal(receiver_header(&p, "webhook-signature", value), signature);
}

static void form_fields_where_configured(void **state)
{
    (void)state;
    char value[256];
    struct receiver_post p;
    options.form = true;
    start();
    make_due_at("/ok");
    UNTIL(settled(0));
    assert_true(receiver_get(receiver, "/ok", 0, &p));
    assert_string_equal(receiver_header(&p, "content-type", value),
                        "application/x-www-form-urlencoded");
    assert_non_null(strstr(p.body, "status=FAIL"));
    assert_null(strchr(p.body, '{'));
}

/* The form that was kept is sent again as a form, whatever the configuration says by then. */
static void every_try_sends_the_same_bytes(void **state)
{
    (void)state;
    char id[256], value[256];
    struct receiver_post p, q;
    options.form = true;
    options.pause_ms[1] = 1500;
    start();
    make_due_at("/flaky/1");
    UNTIL(receiver_count(receiver, "/flaky") == 1);
    stop();
    options.form = false;
    start();
    UNTIL(settled(0));
    assert_true(receiver_get(receiver, "/flaky", 0, &p));
    assert_true(receiver_get(receiver, "/flaky", 1, &q));
    assert_string_equal(p.body, q.body);
    assert_string_equal(receiver_header(&q, "content-type", value),
                        "application/x-www-form-urlencoded");
    assert_string_equal(receiver_header(&p, "webhook-id", id),
                        receiver_header(&q, "webhook-id", value));
    assert_string_equal(receiver_header(&q, "webhook-attempt", value), "2");
    assert_int_equal(receiver_count(receiver, "/"), 2);
}

static void name_and_password_go_as_basic_authentication(void **state)
{
    (void)state;
    char url[128], value[256], msgid[STORE_MSGID_LEN + 1];
    struct receiver_post p;
    start();
    (void)snprintf(url, sizeof(url), "http://user:pass@127.0.0.1:%u/ok", receiver_port(receiver));
    make_due(url, msgid);
    UNTIL(settled(0));
    assert_true(receiver_get(receiver, "/ok", 0, &p));
    assert_string_equal(receiver_header(&p, "authorization", value), "Basic dXNlcjpwYXNz");
}

/* ---- what counts as received ---- */
static void only_200_is_received(void **state)
{
    (void)state;
    static const char *const wheres[] = {"/n201", "/n204", "/n302", "/n500", "/close", "/garbage"};
    start();
    for (unsigned i = 0; i < 6; i++)
        make_due_at(wheres[i]);
    UNTIL(settled(6) && given_up(6));
    for (unsigned i = 0; i < 6; i++)
        assert_int_equal(receiver_count(receiver, wheres[i]), 3);
    assert_int_equal(receiver_count(receiver, "/ok"), 0); /* where the redirect leads */
    struct callback_counts c;
    callback_counts(callback, &c);
    assert_int_equal(c.posts, 18);
    assert_int_equal(c.failed, 18);
    assert_int_equal(c.given_up, 6);
    assert_int_equal(c.received, 0);
}

static void an_answer_without_an_end_is_cut_and_its_status_decides(void **state)
{
    (void)state;
    start();
    make_due_at("/endless");
    make_due_at("/headers"); /* never got to its empty line: not an answer */
    make_due_at("/short");
    UNTIL(settled(1));
    assert_int_equal(receiver_count(receiver, "/endless"), 1);
    assert_int_equal(receiver_count(receiver, "/headers"), 3);
    assert_int_equal(receiver_count(receiver, "/short"), 1);
}

static void a_time_out_is_a_failure_even_behind_a_200(void **state)
{
    (void)state;
    options.timeout_ms = 300;
    options.tries = 2;
    start();
    make_due_at("/hang");
    make_due_at("/stuck");
    UNTIL(settled(2));
    assert_int_equal(receiver_count(receiver, "/hang"), 2);
    assert_int_equal(receiver_count(receiver, "/stuck"), 2);
}

static void nobody_there_is_a_failure(void **state)
{
    (void)state;
    char msgid[STORE_MSGID_LEN + 1];
    start();
    make_due("http://127.0.0.1:1/", msgid);
    make_due("http://does-not-exist.invalid/", msgid);
    UNTIL(settled(2));
}

/* ---- how often, and when ---- */
static void pauses_are_those_of_the_schedule(void **state)
{
    (void)state;
    static const int64_t pauses[4] = {300, 0, 400, 800};
    struct receiver_post p[4];
    options.tries = 4;
    memcpy(options.pause_ms, pauses, sizeof(pauses));
    start();
    int64_t made_ms = clk_mono_ms();
    make_due_at("/n500");
    UNTIL(settled(1));
    for (unsigned i = 0; i < 4; i++) {
        assert_true(receiver_get(receiver, "/n500", i, &p[i]));
        int64_t before_ms = i > 0 ? p[i - 1].at_ms : made_ms;
        assert_in_range(p[i].at_ms - before_ms, pauses[i], pauses[i] * 11 / 10 + 1000);
    }
    assert_int_equal(receiver_count(receiver, "/"), 4);
}

static void ten_in_all_across_restarts(void **state)
{
    (void)state;
    options.tries = 10;
    for (unsigned i = 0; i < 10; i++)
        options.pause_ms[i] = i < 2 ? 0 : 20;
    start();
    make_due_at("/n500");
    while (!settled(1)) {
        pause_ms(25);
        stop();
        store_down();
        store_up();
        options.store = store;
        start();
    }
    pause_ms(300);
    assert_int_equal(receiver_count(receiver, "/n500"), 10);
}

/* What a kill -9 leaves behind: a try that was counted, and no word of how it ended. */
static void an_interrupted_last_try_is_not_made_again(void **state)
{
    (void)state;
    start();
    make_due_at("/hang");
    make_due_at("/hang/2");
    UNTIL(receiver_count(receiver, "/hang") == 2);
    stop(); /* each has one try behind it, counted as failed */
    assert_int_equal(counts().callbacks_pending, 2);
    store_down();
    store_up();
    options.store = store;
    options.tries = 1; /* meanwhile shortened: one try is all they had */
    start();
    UNTIL(settled(2));
    assert_int_equal(receiver_count(receiver, "/hang"), 2);
}

/* ---- who waits for whom ---- */
static void a_slow_receiver_holds_up_nobody(void **state)
{
    (void)state;
    struct receiver *other = receiver_start();
    char url[128], msgid[STORE_MSGID_LEN + 1];
    options.timeout_ms = 15000;
    for (unsigned i = 0; i < 700; i++)
        make_due_at("/hang");
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/ok", receiver_port(other));
    make_due(url, msgid);
    start();
    int64_t start_ms = clk_mono_ms();
    UNTIL(receiver_count(other, "/ok") == 1);
    assert_in_range(clk_mono_ms() - start_ms, 0, 5000);
    for (unsigned i = 0; i < 20; i++) { /* and again while it hangs */
        make_due(url, msgid);
        UNTIL(receiver_count(other, "/ok") == 2 + i);
    }
    assert_in_range(clk_mono_ms() - start_ms, 0, 10000);
    assert_int_equal(receiver_count(receiver, "/hang"), CALLBACK_HOST_MAX);
    stop();
    receiver_stop(other);
}

/* libcurl's resolver threads come here: a name server that does not answer for three seconds. */
static atomic_uint asking;
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    const char *tail = node ? strstr(node, ".hang.test") : NULL;
    if (tail) {
        atomic_fetch_add(&asking, 1);
        pause_ms(3000);
        atomic_fetch_sub(&asking, 1);
        return EAI_AGAIN;
    }
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof(real));
    return real(node, service, hints, out);
}

static void a_silent_name_server_holds_up_nobody(void **state)
{
    (void)state;
    char url[64], msgid[STORE_MSGID_LEN + 1];
    options.timeout_ms = 300;
    options.tries = 1;
    start();
    for (unsigned i = 0; i < 8; i++) {
        (void)snprintf(url, sizeof(url), "http://h%u.hang.test/", i);
        make_due(url, msgid);
    }
    UNTIL(atomic_load(&asking) == 8);
    int64_t start_ms = clk_mono_ms();
    UNTIL(settled(8)); /* each after its own 300 ms, not after the name server's three seconds */
    make_due_at("/ok");
    UNTIL(receiver_count(receiver, "/ok") == 1);
    assert_in_range(clk_mono_ms() - start_ms, 0, 2500);
    stop();
    UNTIL(atomic_load(&asking) == 0);
}

static void four_at_once_to_a_host(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++)
        make_due_at("/slow/100");
    start();
    UNTIL(settled(0));
    assert_int_equal(receiver_count(receiver, "/slow"), 20);
    assert_int_equal(receiver_most_open(receiver), CALLBACK_HOST_MAX);
}

static void a_long_backlog_is_posted_once_each(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        make_due_at("/ok");
    start();
    UNTIL(settled(0));
    assert_int_equal(receiver_count(receiver, "/ok"), 1000);
}

static void a_stop_does_not_wait_for_a_receiver(void **state)
{
    (void)state;
    options.timeout_ms = 15000;
    start();
    for (unsigned i = 0; i < 6; i++)
        make_due_at("/hang");
    UNTIL(receiver_count(receiver, "/hang") == 4);
    int64_t start_ms = clk_mono_ms();
    stop();
    assert_in_range(clk_mono_ms() - start_ms, 0, 4000);
    assert_int_equal(counts().callbacks_pending, 6);
}

/* ---- where we do not go ---- */
static void refused_addresses_are_never_opened(void **state)
{
    (void)state;
    static const char *const urls[] = {"http://169.254.169.254/latest/",
                                       "http://[fe80::1]/",
                                       "http://[::ffff:169.254.169.254]/",
                                       "http://[64:ff9b::a9fe:a9fe]/",
                                       "http://[2002:a9fe:a9fe::1]/",
                                       "http://224.0.0.1/",
                                       "http://0.0.0.0/",
                                       "http://255.255.255.255/"};
    char msgid[STORE_MSGID_LEN + 1];
    options.timeout_ms = 15000; /* opened, each would take that long, or an answer of the network */
    options.tries = 1;
    start();
    for (unsigned i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        make_due(urls[i], msgid);
    int64_t start_ms = clk_mono_ms();
    UNTIL(settled(sizeof(urls) / sizeof(urls[0])));
    assert_in_range(clk_mono_ms() - start_ms, 0, 5000);
}

static void own_listeners_are_never_called(void **state)
{
    (void)state;
    const struct sockaddr_in own = {.sin_family = AF_INET,
                                    .sin_port = htons(receiver_port(receiver)),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char url[64], msgid[STORE_MSGID_LEN + 1];
    options.tries = 1;
    assert_int_equal(url_policy_add_listener(&options.policy, (const struct sockaddr *)&own), OK);
    start();
    make_due_at("/ok");
    (void)snprintf(url, sizeof(url), "http://localhost:%u/ok", receiver_port(receiver));
    make_due(url, msgid); /* by a name: judged as the address that it is */
    UNTIL(settled(2));
    assert_int_equal(receiver_count(receiver, "/"), 0);
}

static void no_proxy_is_asked(void **state)
{
    (void)state;
    char proxy[64];
    struct receiver *other = receiver_start();
    (void)snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", receiver_port(other));
    assert_int_equal(setenv("http_proxy", proxy, 1), 0);
    assert_int_equal(setenv("ALL_PROXY", proxy, 1), 0);
    start();
    make_due_at("/ok");
    UNTIL(settled(0));
    assert_int_equal(receiver_count(receiver, "/ok"), 1);
    assert_int_equal(receiver_count(other, "/"), 0);
    assert_int_equal(unsetenv("http_proxy") | unsetenv("ALL_PROXY"), 0);
    stop();
    receiver_stop(other);
}

static void a_number_of_tries_that_is_none(void **state)
{
    (void)state;
    struct callback *c;
    options.tries = 0;
    assert_int_equal(callback_start(&options, &c), ERR_RANGE);
    options.tries = 11;
    assert_int_equal(callback_start(&options, &c), ERR_RANGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_post_signed_and_whole),
        TEST(form_fields_where_configured),
        TEST(every_try_sends_the_same_bytes),
        TEST(name_and_password_go_as_basic_authentication),
        TEST(only_200_is_received),
        TEST(an_answer_without_an_end_is_cut_and_its_status_decides),
        TEST(a_time_out_is_a_failure_even_behind_a_200),
        TEST(nobody_there_is_a_failure),
        TEST(pauses_are_those_of_the_schedule),
        TEST(ten_in_all_across_restarts),
        TEST(an_interrupted_last_try_is_not_made_again),
        TEST(a_slow_receiver_holds_up_nobody),
        TEST(a_silent_name_server_holds_up_nobody),
        TEST(four_at_once_to_a_host),
        TEST(a_long_backlog_is_posted_once_each),
        TEST(a_stop_does_not_wait_for_a_receiver),
        TEST(refused_addresses_are_never_opened),
        TEST(own_listeners_are_never_called),
        TEST(no_proxy_is_asked),
        TEST(a_number_of_tries_that_is_none),
    };
    if (callback_init() != OK)
        return 1;
    log_set_level(getenv("CALLBACK_TEST_LOG") ? LOG_LVL_TRACE : LOG_LVL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
