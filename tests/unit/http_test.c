/* http_test.c - real listeners and raw sockets: what a peer may send, and what it gets. */
#include "../../src/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/http_listen.h"
#include "clock.h"

#define BODY_MAX   1000
#define REQUEST_MS 1500
#define CONNS      64
#define WAIT_MS    20000 /* a sanitizer on a busy machine */

/* ---- what is served ---- */

static atomic_int handled, freed;

static bool add_query(void *ctx, const char *key, const char *value)
{
    buf_addf(ctx, "|%s%s%s", key, value ? "=" : "", value ? value : "");
    return true;
}

static void serve_target(struct http_request *rq)
{
    struct buf out;
    buf_init(&out, 10000);
    buf_addf(&out, "%s %s", http_method(rq), http_path(rq));
    http_query(rq, add_query, &out);
    http_answer_bytes(rq, 200, "text/plain", buf_str(&out), out.len, NULL, 0);
    buf_free(&out);
}

static void serve_echo(struct http_request *rq)
{
    const char *body;
    size_t n;
    const struct http_line close = {"Connection", "close"};
    if (http_body(rq, &body, &n))
        http_answer_bytes(rq, 413, NULL, "", 0, NULL, 0);
    else
        http_answer_bytes(rq, 200, NULL, body, n, &close, http_header(rq, "X-Close") != NULL);
}

static void count_free(void *state)
{
    free(state);
    atomic_fetch_add(&freed, 1);
}

static void answer_later(void *ctx, struct http_request *rq)
{
    http_answer_bytes(rq, 200, NULL, ctx, strlen(ctx), NULL, 0);
}

static void *resume_thread(void *rq)
{
    poll(NULL, 0, 50); /* the work that takes its time */
    http_resume(rq);
    return NULL;
}

static void serve_later(struct http_request *rq)
{
    pthread_t thread;
    http_attach(rq, malloc(1), count_free);
    http_suspend(rq, answer_later, "later");
    assert_int_equal(pthread_create(&thread, NULL, resume_thread, rq), 0);
    pthread_detach(thread);
}

struct pieces {
    unsigned left;
    bool broken;
};

static enum err piece(void *ctx, struct buf *out)
{
    struct pieces *p = ctx;
    if (p->left == 0)
        return p->broken ? ERR_IO : ERR_EMPTY;
    for (unsigned i = 0; i < 10000; i++)
        buf_addf(out, "%u\n", p->left);
    p->left--;
    return OK;
}

static void serve_stream(struct http_request *rq, bool broken)
{
    struct pieces *p = malloc(sizeof *p);
    *p = (struct pieces){9, broken};
    http_answer_stream(rq, 200, "text/plain", NULL, 0, piece, count_free, p);
}

static atomic_int news, asked; /* how many pieces there are for /live; how often it was asked */

static enum err live_piece(void *ctx, struct buf *out)
{
    unsigned *sent = ctx;
    atomic_fetch_add(&asked, 1);
    if (*sent >= (unsigned)atomic_load(&news))
        return ERR_BUSY;
    return buf_addf(out, "news %u\n", ++*sent);
}

static void serve(void *ctx, struct http_request *rq)
{
    const char *path = http_path(rq);
    (void)ctx;
    atomic_fetch_add(&handled, 1);
    if (strcmp(path, "/echo") == 0)
        serve_echo(rq);
    else if (strcmp(path, "/later") == 0)
        serve_later(rq);
    else if (strcmp(path, "/stream") == 0 || strcmp(path, "/broken") == 0)
        serve_stream(rq, path[1] == 'b');
    else if (strcmp(path, "/live") == 0)
        http_answer_stream(rq, 200, "text/plain", NULL, 0, live_piece, count_free,
                           calloc(1, sizeof(unsigned)));
    else if (strcmp(path, "/nothing") != 0)
        serve_target(rq);
}

static struct http *start(const char *listen)
{
    const struct http_options o = {
        .name = "test",
        .listen = listen,
        .handler = serve,
        .body_max = BODY_MAX,
        .header_max = 4096,
        .connections_max = CONNS,
        .request_ms = REQUEST_MS,
    };
    struct http *h = NULL;
    char why[HTTP_WHY_MAX] = "";
    enum err e = http_start(&o, &h, why);
    if (e)
        print_message("%s\n", why);
    assert_int_equal(e, OK);
    return h;
}

/* ---- a peer ---- */

static int dial(const struct http *h, size_t i)
{
    const struct sockaddr *a = http_address(h, i);
    socklen_t len = a->sa_family == AF_INET    ? sizeof(struct sockaddr_in)
                    : a->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                               : sizeof(struct sockaddr_un);
    int fd = socket(a->sa_family, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, a, len), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    size_t n = strlen(text);
    assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

/* Reads until the peer closes, or until `enough` stands in it. */
static size_t hear(int fd, char *out, size_t size, const char *enough)
{
    size_t n = 0;
    int64_t end = clk_mono_ms() + WAIT_MS;
    out[0] = '\0';
    while (n + 1 < size && !(enough && strstr(out, enough))) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (clk_mono_ms() > end || poll(&p, 1, WAIT_MS) <= 0)
            fail_msg("no answer; so far: %s", out);
        ssize_t got = recv(fd, out + n, size - 1 - n, 0);
        if (got <= 0)
            break;
        n += (size_t)got;
        out[n] = '\0';
    }
    return n;
}

/* One request on a connection of its own. */
static void ask(const struct http *h, const char *request, char *out, size_t size)
{
    int fd = dial(h, 0);
    say(fd, request);
    shutdown(fd, SHUT_WR);
    hear(fd, out, size, NULL);
    close(fd);
}

static void expect(const struct http *h, const char *request, const char *status, const char *tail)
{
    char out[8192];
    ask(h, request, out, sizeof out);
    size_t n = strlen(out), t = strlen(tail);
    if (strncmp(out, status, strlen(status)) != 0 || n < t || strcmp(out + n - t, tail) != 0)
        fail_msg("%s\n-- got:\n%s", request, out);
}

/* ---- tests ---- */

static void targets_come_raw(void **state)
{
    struct http *h = *state;
    expect(h, "GET /a%2Fb%00c/?x=1&y&z%3E=a+b&%3C HTTP/1.0\r\n\r\n", "HTTP/1.1 200",
           "GET /a%2Fb%00c/|x=1|y|z%3E=a b|%3C");
    expect(h, "GET http://h.example/p?q HTTP/1.0\r\n\r\n", "HTTP/1.1 200", "GET /p|q");
    expect(h, "GET http://h.example HTTP/1.0\r\n\r\n", "HTTP/1.1 200", "GET /");
    expect(h, "OPTIONS * HTTP/1.0\r\n\r\n", "HTTP/1.1 200", "OPTIONS /*");
    expect(h, "HEAD /p HTTP/1.0\r\n\r\n", "HTTP/1.1 200", "\r\n\r\n");
}

static void bodies_arrive_whole(void **state)
{
    struct http *h = *state;
    expect(h, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200",
           "\r\n\r\nhello");
    expect(h,
           "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
           "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: t\r\n\r\n",
           "HTTP/1.1 200", "\r\n\r\nhello");
    expect(h, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200",
           "\r\n\r\n");
}

static void a_long_body_is_read_and_refused(void **state)
{
    struct http *h = *state;
    char *request = malloc(300000), out[4096];
    for (size_t n = BODY_MAX; n < 250000; n = n * 3 + 1) {
        int head = snprintf(request, 300,
                            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", n);
        memset(request + head, 'b', n);
        request[(size_t)head + n] = '\0';
        int fd = dial(h, 0);
        for (size_t at = 0, all = strlen(request); at < all;) {
            ssize_t sent = send(fd, request + at, all - at, MSG_NOSIGNAL);
            assert_true(sent > 0);
            at += (size_t)sent;
        }
        shutdown(fd, SHUT_WR);
        hear(fd, out, sizeof out, NULL);
        assert_memory_equal(out, n == BODY_MAX ? "HTTP/1.1 200" : "HTTP/1.1 413", 12);
        close(fd);
    }
    free(request);
    /* asked before it is sent */
    expect(
        h,
        "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n",
        "HTTP/1.1 413", "\r\n\r\n");
    expect(h, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
           "HTTP/1.1 413", "\r\n\r\n");
}

static const char *const ambiguous[] = {
    "Content-Length: 5\r\nContent-Length: 5\r\n",
    "Content-Length: 5\r\nContent-Length: 0\r\n",
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: identity\r\n",
    "Content-Length : 5\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Content-Length: five\r\n",
    "Content-Length: -5\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: 0x5\r\n",
    "no colon at all\r\n",
};

/* What a proxy in front may have read otherwise is no request, and ends the connection. */
static void ambiguous_framing_is_refused(void **state)
{
    struct http *h = *state;
    char request[400], out[4096];
    for (size_t i = 0; i < sizeof ambiguous / sizeof *ambiguous; i++) {
        int before = atomic_load(&handled);
        snprintf(request, sizeof request,
                 "POST /echo HTTP/1.1\r\nHost: x\r\n%s\r\nhelloGET /smuggled HTTP/1.1\r\n\r\n",
                 ambiguous[i]);
        ask(h, request, out, sizeof out);
        if (strncmp(out, "HTTP/1.1 4", 10) != 0 || strstr(out, "smuggled"))
            fail_msg("%s\n-- got:\n%s", ambiguous[i], out);
        assert_int_equal(atomic_load(&handled), before);
    }
}

static void broken_chunks_are_refused(void **state)
{
    struct http *h = *state;
    static const char *const chunks[] = {"zz\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n",
                                         "-1\r\n\r\n", "FFFFFFFFFFFFFFFFFF\r\nx", "\r\n\r\n"};
    char request[400], out[4096];
    for (size_t i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        int before = atomic_load(&handled);
        snprintf(request, sizeof request,
                 "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s",
                 chunks[i]);
        ask(h, request, out, sizeof out);
        assert_true(out[0] == '\0' || strncmp(out, "HTTP/1.1 4", 10) == 0);
        assert_int_equal(atomic_load(&handled), before);
    }
}

static void headers_have_a_limit(void **state)
{
    struct http *h = *state;
    char *request = malloc(200000);
    for (size_t n = 4200; n < 150000; n *= 4) {
        int head = snprintf(request, 100, "GET /p HTTP/1.1\r\nHost: x\r\nX: ");
        memset(request + head, 'x', n);
        memcpy(request + (size_t)head + n, "\r\n\r\n", 5);
        int before = atomic_load(&handled);
        int fd = dial(h, 0);
        char out[4096];
        for (size_t at = 0, all = strlen(request); at < all;) {
            ssize_t sent = send(fd, request + at, all - at, MSG_NOSIGNAL);
            if (sent <= 0)
                break; /* refused already */
            at += (size_t)sent;
        }
        hear(fd, out, sizeof out, NULL);
        assert_true(out[0] == '\0' || strncmp(out, "HTTP/1.1 431", 12) == 0);
        assert_int_equal(atomic_load(&handled), before);
        close(fd);
    }
    free(request);
}

static void garbage_is_survived(void **state)
{
    struct http *h = *state;
    static const char *const garbage[] = {"\r\n\r\n\r\n",
                                          "\x16\x03\x01\x02",
                                          "GET\r\n\r\n",
                                          "GET / HTTP/9.9\r\n\r\n",
                                          " / \r\n\r\n",
                                          "GET / HTTP/1.1\r\n: empty\r\n\r\n",
                                          "G\xFF\x80 / HTTP/1.1\r\n\r\n",
                                          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                                          "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n"};
    char out[4096];
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++)
        ask(h, garbage[i], out, sizeof out);
    expect(h, "GET /alive HTTP/1.0\r\n\r\n", "HTTP/1.1 200", "GET /alive");
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct http *h = *state;
    char out[8192];
    int fd = dial(h, 0);
    say(fd, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /later HTTP/1.1\r\nHost: x\r\n\r\n"
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nfooGET /4 "
            "HTTP/1.1\r\nHost: x\r\n\r\n");
    hear(fd, out, sizeof out, "GET /4");
    const char *one = strstr(out, "GET /1"), *two = strstr(out, "later"),
               *three = strstr(out, "foo");
    assert_true(one && two && three && one < two && two < three);
    close(fd);
}

static void suspended_requests_are_resumed_from_elsewhere(void **state)
{
    struct http *h = *state;
    enum { N = 40 };
    int fds[N], before = atomic_load(&freed);
    char out[4096];
    for (int i = 0; i < N; i++) {
        fds[i] = dial(h, 0);
        say(fds[i], "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    for (int i = 0; i < N; i++) {
        if (i % 4 == 0) { /* gone before its answer */
            close(fds[i]);
            continue;
        }
        hear(fds[i], out, sizeof out, "later");
        close(fds[i]);
    }
    int64_t end = clk_mono_ms() + WAIT_MS;
    while (atomic_load(&freed) < before + N && clk_mono_ms() < end)
        poll(NULL, 0, 10);
    assert_int_equal(atomic_load(&freed), before + N);
}

static void a_handler_without_an_answer_closes(void **state)
{
    char out[4096];
    ask(*state, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", out, sizeof out);
    assert_string_equal(out, "");
}

static void streams_come_in_pieces(void **state)
{
    struct http *h = *state;
    char *out = malloc(400000);
    int before = atomic_load(&freed);
    ask(h, "GET /stream HTTP/1.0\r\n\r\n", out, 400000);
    const char *body = strstr(out, "\r\n\r\n") + 4;
    assert_int_equal(strlen(body), 9 * 20000);
    for (size_t i = 0; i < 9 * 10000; i++)
        assert_int_equal(body[2 * i], '9' - (char)(i / 10000));
    ask(h, "HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n", out, 400000);
    assert_memory_equal(out, "HTTP/1.1 200", 12);
    assert_string_equal(strstr(out, "\r\n\r\n"), "\r\n\r\n"); /* and nothing behind it */
    /* one that breaks ends without its last chunk: nobody takes it for the whole */
    ask(h, "GET /broken HTTP/1.1\r\nHost: x\r\n\r\n", out, 400000);
    assert_non_null(strstr(out, "chunked"));
    assert_null(strstr(out, "\r\n0\r\n"));
    free(out);
    int64_t end = clk_mono_ms() + WAIT_MS;
    while (atomic_load(&freed) < before + 3 && clk_mono_ms() < end)
        poll(NULL, 0, 10);
    assert_int_equal(atomic_load(&freed), before + 3);
}

/* It waits without being asked all the time, says what is new when woken, and ends with the group. */
static void a_live_answer_waits(void **state)
{
    (void)state;
    struct http *h = start("127.0.0.1:0");
    char out[4096];
    int fd[3], before = atomic_load(&freed);
    atomic_store(&news, 1);
    for (size_t i = 0; i < 3; i++) {
        fd[i] = dial(h, 0);
        say(fd[i], "GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
        hear(fd[i], out, sizeof out, "news 1\n");
    }
    close(fd[2]); /* noticed when there is something to say to it */
    int asked_before = atomic_load(&asked);
    poll(NULL, 0, 200); /* time in which one that spins would be asked a thousand times */
    assert_in_range(atomic_load(&asked) - asked_before, 0, 12);
    for (int n = 2; n < 40; n++) {
        char wanted[24];
        snprintf(wanted, sizeof wanted, "news %d\n", n);
        atomic_store(&news, n);
        http_wake_streams(h);
        hear(fd[0], out, sizeof out, wanted);
    }
    expect(h, "GET /other HTTP/1.0\r\n\r\n", "HTTP/1.1 200", "GET /other");
    http_stop(h);
    hear(fd[1], out, sizeof out, NULL);
    assert_non_null(strstr(out, "news 39\n"));
    assert_non_null(strstr(out, "\r\n0\r\n")); /* a whole answer */
    assert_int_equal(atomic_load(&freed), before + 3);
    close(fd[0]);
    close(fd[1]);
}

/* A byte now and then is activity; the whole request is still due. */
static void slow_requests_are_cut(void **state)
{
    struct http *h = *state;
    int fd = dial(h, 0);
    int64_t begin = clk_mono_ms();
    struct pollfd p = {.fd = fd, .events = POLLIN};
    say(fd, "GET / HTTP/1.1\r\nX: ");
    while (poll(&p, 1, 100) == 0) {
        assert_true(clk_mono_ms() - begin < WAIT_MS);
        if (send(fd, "x", 1, MSG_NOSIGNAL) != 1)
            break;
    }
    assert_true(clk_mono_ms() - begin >= REQUEST_MS - 50);
    close(fd);
}

/* Far more connections than the limit: a visitor is served at once all the same. */
static void idle_connections_give_way(void **state)
{
    struct http *h = *state;
    int fds[CONNS * 4];
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        fds[i] = dial(h, 0);
    int64_t begin = clk_mono_ms();
    expect(h, "GET /visitor HTTP/1.0\r\n\r\n", "HTTP/1.1 200", "GET /visitor");
    assert_true(clk_mono_ms() - begin < REQUEST_MS);
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close(fds[i]);
}

static void a_header_cannot_be_injected(void **state)
{
    (void)state;
    static const char *const bad[] = {"a\r\nSet-Cookie: x", "a\nb", "a\rb", "a\x01", "\x7F"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct http_line line = {"Location", bad[i]};
        assert_false(http_value_ok(bad[i]));
        assert_null(http_response_new("", 0, &line, 1));
    }
    assert_true(http_value_ok("https://example.com/?q=\xC3\xA9"));
}

static void several_addresses_one_group(void **state)
{
    (void)state;
    char path[64], list[200], out[1000];
    snprintf(path, sizeof path, "/tmp/http_test.%d.sock", (int)getpid());
    snprintf(list, sizeof list, " 127.0.0.1:0, [::1]:0 ,unix:%s,localhost:0", path);
    struct http *h = start(list);
    assert_int_equal(http_address_count(h), 4);
    assert_memory_equal(http_address_text(h, 0), "127.0.0.1:", 10);
    assert_memory_equal(http_address_text(h, 1), "[::1]:", 6);
    assert_string_equal(http_address_text(h, 2) + 5, path);
    for (size_t i = 0; i < 4; i++) {
        int fd = dial(h, i);
        say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        hear(fd, out, sizeof out, "later");
        close(fd);
    }
    /* what is served is not taken over */
    struct http_listener l[HTTP_LISTENERS_MAX];
    char why[HTTP_WHY_MAX];
    size_t n;
    assert_int_equal(http_listen_open(list, l, &n, why), ERR_IO);
    assert_non_null(strstr(why, path));
    http_stop(h);
    assert_int_equal(access(path, F_OK), -1);
}

/* Requests that are being worked on get their answer before the thread ends. */
static void stopping_waits_for_what_runs(void **state)
{
    (void)state;
    char out[1000];
    struct http *h = start("127.0.0.1:0");
    int fd = dial(h, 0), before = atomic_load(&handled);
    say(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    int64_t end = clk_mono_ms() + WAIT_MS;
    while (atomic_load(&handled) == before && clk_mono_ms() < end)
        poll(NULL, 0, 1);
    http_stop(h);
    hear(fd, out, sizeof out, NULL);
    assert_non_null(strstr(out, "later"));
    close(fd);
}

static int open_group(void **state)
{
    *state = start("127.0.0.1:0");
    return 0;
}

static int close_group(void **state)
{
    http_stop(*state);
    return 0;
}

#define GROUP_TEST(f) cmocka_unit_test_setup_teardown(f, open_group, close_group)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GROUP_TEST(targets_come_raw),
        GROUP_TEST(bodies_arrive_whole),
        GROUP_TEST(a_long_body_is_read_and_refused),
        GROUP_TEST(ambiguous_framing_is_refused),
        GROUP_TEST(broken_chunks_are_refused),
        GROUP_TEST(headers_have_a_limit),
        GROUP_TEST(garbage_is_survived),
        GROUP_TEST(pipelined_requests_are_answered_in_order),
        GROUP_TEST(suspended_requests_are_resumed_from_elsewhere),
        GROUP_TEST(a_handler_without_an_answer_closes),
        GROUP_TEST(streams_come_in_pieces),
        GROUP_TEST(slow_requests_are_cut),
        GROUP_TEST(idle_connections_give_way),
        cmocka_unit_test(a_live_answer_waits),
        cmocka_unit_test(a_header_cannot_be_injected),
        cmocka_unit_test(several_addresses_one_group),
        cmocka_unit_test(stopping_waits_for_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
