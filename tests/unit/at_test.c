/* at_test.c - the dialogue, against a scripted peer in a thread: whole, byte by byte, cut at random (AT_SEED).
 * A socket of packets keeps the cuts exactly as the peer made them; a pty is a terminal as in real life. */
#include "../../modem/at.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"

#define LONG_MS  5000 /* never reached where all is well */
#define SHORT_MS 150  /* reached on purpose */
#define PDU      "0001000B919471123456F80000AA"
#define CDS_PDU                                                                                    \
    "0791947106004034"                                                                             \
    "06290B919471123456F8621010915300006210109153300000"

enum cut { WHOLE, BYTES, RANDOM, CUTS, PTY };

struct step {
    const char *expect; /* bytes that must come first; NULL: none */
    const char *reply;  /* NULL: silence */
};

struct scene {
    int near, far, wake;
    enum cut cut;
    unsigned seed;
    const struct step *steps;
    bool hang_up; /* at the end of the script */
    const char *failure;
    pthread_t thread;
    bool running;
    struct at *at;
    char heard[4096]; /* "line(pdu)|line|" */
    void (*on_line)(struct scene *s, const char *line);
    char trace[4096];
};

static unsigned seed;

/* ---- the peer ---- */

static bool peer_expect(struct scene *s, const char *bytes)
{
    char got[4096];
    size_t want = strlen(bytes), n = 0;
    while (n < want) {
        struct pollfd p = {s->far, POLLIN, 0};
        if (poll(&p, 1, LONG_MS) <= 0)
            return false;
        ssize_t r = read(s->far, got + n, s->cut == PTY ? want - n : sizeof got - n);
        if (r <= 0)
            return false;
        n += (size_t)r;
    }
    return n == want && memcmp(got, bytes, n) == 0;
}

static bool peer_write(struct scene *s, const char *bytes)
{
    size_t left = strlen(bytes);
    while (left) {
        size_t n = s->cut == BYTES ? 1 : s->cut == RANDOM ? 1 + (size_t)rand_r(&s->seed) % 7 : left;
        n = n < left ? n : left;
        ssize_t w = write(s->far, bytes, n);
        if (w <= 0)
            return false;
        bytes += w;
        left -= (size_t)w;
    }
    return true;
}

static void *peer_main(void *arg)
{
    struct scene *s = arg;
    for (const struct step *step = s->steps; step->expect || step->reply; step++) {
        if (step->expect && !peer_expect(s, step->expect)) {
            s->failure = step->expect;
            break;
        }
        if (step->reply && !peer_write(s, step->reply)) {
            s->failure = "write";
            break;
        }
    }
    if (s->hang_up) {
        close(s->far);
        s->far = -1;
    }
    return NULL;
}

/* ---- the scene ---- */

static void hear(void *ctx, const char *line, const char *pdu)
{
    struct scene *s = ctx;
    size_t n = strlen(s->heard);
    if (pdu)
        snprintf(s->heard + n, sizeof s->heard - n, "%s(%s)|", line, pdu);
    else
        snprintf(s->heard + n, sizeof s->heard - n, "%s|", line);
    if (s->on_line)
        s->on_line(s, line);
}

static void note(void *ctx, char direction, const char *bytes, size_t n)
{
    struct scene *s = ctx;
    char line[1024];
    size_t len = strlen(s->trace);
    at_trace_format(direction, bytes, n, line, sizeof line);
    snprintf(s->trace + len, sizeof s->trace - len, "%s\n", line);
}

static void open_pty(struct scene *s)
{
    struct termios raw;
    assert_int_equal(openpty(&s->far, &s->near, NULL, NULL, NULL), 0);
    assert_int_equal(tcgetattr(s->near, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(s->near, TCSANOW, &raw), 0);
}

static void open_sockets(struct scene *s, int type)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
    s->near = fds[0];
    s->far = fds[1];
}

static void scene_start(struct scene *s, enum cut cut, const struct step *steps, bool hang_up)
{
    const struct at_handler handler = {hear, note, s};
    *s = (struct scene){.cut = cut, .seed = seed++, .steps = steps, .hang_up = hang_up};
    if (cut == PTY)
        open_pty(s);
    else
        open_sockets(s, SOCK_SEQPACKET);
    assert_int_equal(fcntl(s->near, F_SETFL, O_NONBLOCK), 0);
    s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    assert_true(s->wake >= 0);
    assert_int_equal(at_new(s->near, s->wake, &handler, &s->at), OK);
    assert_int_equal(pthread_create(&s->thread, NULL, peer_main, s), 0);
    s->running = true;
}

/* The script is through; it saw all that it expected. */
static void scene_join(struct scene *s)
{
    if (s->running)
        pthread_join(s->thread, NULL);
    s->running = false;
    if (s->failure)
        fail_msg("the peer did not get: %s", s->failure);
}

/* `rest`: what we sent beyond the script. */
static void scene_end(struct scene *s, const char *rest)
{
    char got[1024];
    size_t n = 0;
    scene_join(s);
    if (s->far >= 0) {
        struct pollfd p = {s->far, POLLIN, 0};
        while (poll(&p, 1, 0) > 0) {
            ssize_t r = read(s->far, got + n, sizeof got - n);
            if (r <= 0)
                break;
            n += (size_t)r;
        }
        close(s->far);
    }
    assert_int_equal(n, strlen(rest));
    assert_memory_equal(got, rest, n);
    at_free(s->at);
    close(s->near);
    close(s->wake);
}

static void expect_line(const struct at_reply *r, unsigned i, const char *line)
{
    const char *got = at_reply_line(r, i);
    assert_non_null(got);
    assert_string_equal(got, line);
}

/* Each test of a dialogue runs for every way of cutting, RANDOM more than once. */
#define FOR_EACH_CUT(s)                                                                            \
    for (int round_ = 0; round_ < 7; round_++)                                                     \
        for (struct scene *one_ = &(s); one_; one_ = NULL)
#define CUT_NOW (round_ == 6 ? PTY : round_ < RANDOM ? (enum cut)round_ : RANDOM)

/* ---- commands ---- */

static void test_answer_with_prefix(void **state)
{
    static const struct step steps[] = {
        {"AT+CSQ\r", "AT+CSQ\r\r\n^RSSI:17\r\n\r\n+CSQN: 5\r\n+CSQ: 17,99\r\nX+CSQ: 1,1\r\n\r\n"
                     "+CMTI: \"SM\",3\r\n\r\nOK\r\n"},
        {0},
    };
    struct scene s;
    struct at_reply r;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_command(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
        assert_int_equal(r.final, AT_OK);
        assert_int_equal(r.lines, 1);
        expect_line(&r, 0, "+CSQ: 17,99");
        assert_null(at_reply_line(&r, 1));
        assert_false(r.truncated);
        assert_string_equal(s.heard, "^RSSI:17|+CSQN: 5|X+CSQ: 1,1|+CMTI: \"SM\",3|");
        scene_end(&s, "");
    }
}

static void test_answer_without_prefix(void **state)
{
    static const struct step steps[] = {
        {"AT+CGSN\r",
         "\r\n^BOOT:1,0\r\n359000000000001\r\nSMS Ready\r\nRING\r\n+CREG: 1\r\n\r\nOK\r\n"},
        {"AT+CCID\r", "+CCID: 8949\r\nOK\r\n"},
        {"AT+CREG?\r", "\r\n+CREG: 0,1\r\n\r\nOK\r\n"},
        {"AT+CMGF=0\r", "\r\n+CREG: 5\r\nstray\r\nOK\r\n"},
        {0},
    };
    struct scene s;
    struct at_reply r;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_command(s.at, &r, LONG_MS, AT_BARE, "AT+CGSN"), OK);
        assert_int_equal(r.lines, 1);
        expect_line(&r, 0, "359000000000001");
        assert_int_equal(at_ok(s.at, &r, LONG_MS, AT_BARE, "AT+CCID"), OK);
        expect_line(&r, 0, "+CCID: 8949");
        /* Its own name is an answer although modems say it unasked, too. */
        assert_int_equal(at_ok(s.at, &r, LONG_MS, AT_BARE, "AT+CREG?"), OK);
        expect_line(&r, 0, "+CREG: 0,1");
        assert_int_equal(at_ok(s.at, NULL, LONG_MS, NULL, "AT+CMGF=0"), OK);
        assert_string_equal(s.heard, "^BOOT:1,0|SMS Ready|RING|+CREG: 1|+CREG: 5|stray|");
        scene_end(&s, "");
    }
}

static void test_final_results(void **state)
{
    static const struct step steps[] = {
        {"AT+CPIN?\r", "+CME ERROR: 10\r\n"},    {"AT+A\r", "+CMS ERROR: SMS busy\r\n"},
        {"AT+B\r", "COMMAND NOT SUPPORT\r\n"},   {"AT+C\r", "NO CARRIER\r\nERROR\r\n"},
        {"ATD*99#\r", "RING\r\nNO CARRIER\r\n"}, {0},
    };
    struct scene s;
    struct at_reply r;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_command(s.at, &r, LONG_MS, "+CPIN", "AT+CPIN?"), OK);
        assert_true(r.final == AT_CME_ERROR && r.code == 10 && r.lines == 0);
        assert_int_equal(at_ok(s.at, &r, LONG_MS, NULL, "AT+A"), ERR_REFUSED);
        assert_true(r.final == AT_CMS_ERROR && r.code == -1);
        assert_string_equal(r.words, "SMS busy");
        assert_int_equal(at_ok(s.at, NULL, LONG_MS, NULL, "AT+B"), ERR_REFUSED);
        assert_int_equal(at_command(s.at, &r, LONG_MS, NULL, "AT+C"), OK);
        assert_true(r.final == AT_ERROR && r.code == -1 && !*r.words);
        assert_int_equal(at_command(s.at, &r, LONG_MS, NULL, "ATD*99#"), OK);
        assert_int_equal(r.final, AT_CONNECTION);
        assert_string_equal(r.words, "NO CARRIER");
        assert_string_equal(s.heard, "NO CARRIER|RING|");
        assert_false(at_poisoned(s.at));
        scene_end(&s, "");
    }
}

static void test_headers_and_pdus(void **state)
{
    static const struct step steps[] = {
        {"AT+CMGL=4\r", "+CMGL: 1,1,,25\r\n" CDS_PDU "\r\n+CDS: 25\r\n" CDS_PDU
                        "\r\n+CMGL: 2,1,,9\r\n" CDS_PDU "\r\n\r\nOK\r\n"},
        {0},
    };
    struct scene s;
    struct at_reply r;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CMGL", "AT+CMGL=4"), OK);
        assert_int_equal(r.lines, 3);
        expect_line(&r, 0, "+CMGL: 1,1,,25");
        expect_line(&r, 1, CDS_PDU);
        expect_line(&r, 2, "+CMGL: 2,1,,9"); /* its PDU was of another length */
        assert_string_equal(s.heard, "+CDS: 25(" CDS_PDU ")|" CDS_PDU "|");
        scene_end(&s, "");
    }
}

/* What lies there before the command was sent is no answer to it, nor what follows its final result. */
static void test_results_of_nobody(void **state)
{
    static const struct step before[] = {{NULL, "\r\nOK\r\n\r\nERROR\r\n"}, {0}};
    static const struct step steps[] = {{"AT+CSQ\r", "+CSQ: 1,2\r\nOK\r\nOK\r\n+CMS ERROR: 38\r\n"},
                                        {0}};
    struct scene s;
    struct at_reply r;
    (void)state;
    scene_start(&s, WHOLE, before, false);
    scene_join(&s);
    s.steps = steps;
    assert_int_equal(pthread_create(&s.thread, NULL, peer_main, &s), 0);
    s.running = true;
    assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
    expect_line(&r, 0, "+CSQ: 1,2");
    assert_string_equal(s.heard, "OK|ERROR|");
    assert_int_equal(at_idle(s.at, LONG_MS), OK);
    assert_string_equal(s.heard, "OK|ERROR|OK|+CMS ERROR: 38|");
    scene_end(&s, "");
}

static void test_answer_too_big(void **state)
{
    enum { LINES = 900, WIDTH = 80 };
    static char big[LINES * (WIDTH + 2) + 8];
    static const struct step steps[] = {{"AT+CLAC\r", big}, {"AT\r", "OK\r\n"}, {0}};
    struct scene s;
    struct at_reply r;
    (void)state;
    for (size_t i = 0; i < LINES; i++)
        snprintf(big + i * (WIDTH + 2), WIDTH + 3, "+%0*zu\r\n", WIDTH - 1, i);
    memcpy(big + sizeof big - 9, "\nOK\r\n", 6);
    scene_start(&s, PTY, steps, false);
    assert_int_equal(at_command(s.at, &r, LONG_MS, AT_BARE, "AT+CLAC"), OK);
    assert_true(r.truncated);
    assert_int_equal(r.lines, AT_ANSWER_MAX / (WIDTH + 1));
    assert_int_equal(strlen(at_reply_line(&r, r.lines - 1)), WIDTH);
    assert_int_equal(at_ok(s.at, &r, LONG_MS, NULL, "AT"), OK); /* and the next is not harmed */
    assert_false(r.truncated);
    scene_end(&s, "");
}

static void test_control_characters(void **state)
{
    static const struct step nothing[] = {{0}};
    bool committed = true;
    struct scene s;
    (void)state;
    scene_start(&s, WHOLE, nothing, false);
    assert_int_equal(at_command(s.at, NULL, LONG_MS, NULL, "AT+CSQ\rATD112;"), ERR_SYNTAX);
    assert_int_equal(at_command_pdu(s.at, NULL, LONG_MS, LONG_MS, "+CMGS", "AT+CMGS=1",
                                    "00\x1a"
                                    "00",
                                    &committed),
                     ERR_SYNTAX);
    assert_false(committed);
    scene_end(&s, "");
}

/* ---- deadlines ---- */

struct flood {
    int fd;
    int stop; /* an eventfd */
};

static void *flood_main(void *arg)
{
    static const char chatter[] = "\r\n^RSSI:17\r\n\r\n+CREG: 1\r\n";
    struct flood *f = arg;
    struct pollfd p = {f->stop, POLLIN, 0};
    while (poll(&p, 1, 1) == 0)
        if (write(f->fd, chatter, sizeof chatter - 1) < 0 && errno != EAGAIN)
            break;
    return NULL;
}

static void quiet_line(void *ctx, const char *line, const char *pdu)
{
    (void)line;
    (void)pdu;
    ++*(unsigned *)ctx;
}

static void test_chatter_never_extends(void **state)
{
    unsigned lines = 0;
    const struct at_handler handler = {quiet_line, NULL, &lines};
    struct flood f = {.stop = eventfd(0, EFD_CLOEXEC)};
    struct at_reply r;
    struct at *at;
    pthread_t thread;
    int fds[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    f.fd = fds[1];
    assert_int_equal(at_new(fds[0], -1, &handler, &at), OK);
    assert_int_equal(pthread_create(&thread, NULL, flood_main, &f), 0);
    int64_t start = clk_mono_ms();
    assert_int_equal(at_command(at, &r, SHORT_MS, "+CSQ", "AT+CSQ"), ERR_TIMEOUT);
    int64_t took = clk_mono_ms() - start;
    assert_in_range(took, SHORT_MS - 2, SHORT_MS + 1000);
    assert_true(lines > 10);
    assert_true(at_poisoned(at));
    start = clk_mono_ms();
    assert_int_equal(at_resync(at, 600), ERR_TIMEOUT);
    assert_in_range(clk_mono_ms() - start, 590, 2500);
    assert_int_equal(write(f.stop, &(uint64_t){1}, 8), 8);
    pthread_join(thread, NULL);
    at_free(at);
    close(fds[0]);
    close(fds[1]);
    close(f.stop);
}

static void test_timeout_poisons(void **state)
{
    static const struct step steps[] = {{"AT+COPS?\r", "+COPS: 0\r\n"}, {0}};
    struct scene s;
    struct at_reply r = {.lines = 77};
    bool committed;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        int64_t start = clk_mono_ms();
        assert_int_equal(at_command(s.at, &r, SHORT_MS, "+COPS", "AT+COPS?"), ERR_TIMEOUT);
        assert_in_range(clk_mono_ms() - start, SHORT_MS - 2, LONG_MS);
        assert_int_equal(r.lines, 77); /* untouched */
        assert_true(at_poisoned(s.at));
        assert_int_equal(at_command(s.at, &r, LONG_MS, NULL, "AT"), ERR_BUSY);
        assert_int_equal(at_command_pdu(s.at, &r, 1, 1, "+CMGS", "AT+CMGS=1", PDU, &committed),
                         ERR_BUSY);
        assert_false(committed);
        scene_end(&s, "");
    }
}

static void hurry_on_report(struct scene *s, const char *line)
{
    if (strncmp(line, "+CDS", 4) == 0)
        at_hurry(s->at, SHORT_MS);
    at_hurry(s->at, LONG_MS * 10); /* never longer */
}

static void test_hurry(void **state)
{
    static const struct step steps[] = {
        {"AT+CMGS=13\r", "\r\n> "}, {PDU "\x1a", "+CDS: 25\r\n" CDS_PDU "\r\n"}, {0}};
    struct scene s;
    bool committed;
    (void)state;
    scene_start(&s, WHOLE, steps, false);
    s.on_line = hurry_on_report;
    int64_t start = clk_mono_ms();
    assert_int_equal(
        at_command_pdu(s.at, NULL, LONG_MS, 4 * LONG_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
        ERR_TIMEOUT);
    assert_in_range(clk_mono_ms() - start, SHORT_MS - 2, LONG_MS);
    assert_true(committed);
    scene_end(&s, "");
}

static void wait_for_the_disk(struct scene *s, const char *line)
{
    (void)line;
    scene_join(s); /* the peer has written everything meanwhile */
    assert_int_equal(poll(NULL, 0, 2 * SHORT_MS), 0);
}

/* The handler held us up beyond the deadline, and the answer was there in time. */
static void test_slow_handler_loses_no_answer(void **state)
{
    static const struct step steps[] = {{"AT+CMGS=13\r", "\r\n> "},
                                        {PDU "\x1a", "+CDS: 25\r\n" CDS_PDU "\r\n"},
                                        {NULL, "+CMGS: 41\r\nOK\r\n"},
                                        {0}};
    struct scene s;
    struct at_reply r;
    bool committed;
    (void)state;
    scene_start(&s, WHOLE, steps, false);
    s.on_line = wait_for_the_disk;
    assert_int_equal(
        at_command_pdu(s.at, &r, LONG_MS, SHORT_MS, "+CMGS", "AT+CMGS=13", PDU, &committed), OK);
    expect_line(&r, 0, "+CMGS: 41");
    scene_end(&s, "");
}

static void call_back_in(struct scene *s, const char *line)
{
    bool committed;
    (void)line;
    assert_int_equal(at_command(s->at, NULL, 1, NULL, "AT"), ERR_BUSY);
    assert_int_equal(at_command_pdu(s->at, NULL, 1, 1, NULL, "AT", PDU, &committed), ERR_BUSY);
    assert_int_equal(at_resync(s->at, 1), ERR_BUSY);
    assert_int_equal(at_idle(s->at, 1), ERR_BUSY);
}

static void test_no_commands_from_the_handler(void **state)
{
    static const struct step steps[] = {{"AT+CSQ\r", "RING\r\n+CSQ: 1,1\r\nOK\r\n"}, {0}};
    struct scene s;
    struct at_reply r;
    (void)state;
    scene_start(&s, BYTES, steps, false);
    s.on_line = call_back_in;
    assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
    expect_line(&r, 0, "+CSQ: 1,1");
    scene_end(&s, "");
}

/* ---- a PDU ---- */

static void test_pdu(void **state)
{
    static const char *const prompts[] = {"\r\n> ", ">\r\n", "\r\n>", "AT+CMGS=13\r\r\n>\r\n",
                                          "\r\n^RSSI:9\r\nNO CARRIER\r\n\r\n> "};
    static const char *const answers[] = {
        "\r\n+CMGS: 41\r\n\r\nOK\r\n",
        PDU "\x1a\r\n+CMGS: 41\r\nOK\r\n",
        "\r\nRING\r\n\r\nNO CARRIER\r\n+CMGS: 41\r\n\r\n+CDS: 25\r\n" CDS_PDU "\r\n\r\nOK\r\n",
        "+CMGSX: 40\r\n+CMGS: 41\r\n> \r\nOK\r\n",
    };
    struct scene s;
    struct at_reply r;
    (void)state;
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++) {
        for (size_t k = 0; k < sizeof answers / sizeof *answers; k++) {
            const struct step steps[] = {
                {"AT+CMGS=13\r", prompts[i]}, {PDU "\x1a", answers[k]}, {0}};
            FOR_EACH_CUT(s)
            {
                bool committed = false;
                scene_start(&s, CUT_NOW, steps, false);
                assert_int_equal(at_command_pdu(s.at, &r, LONG_MS, LONG_MS, "+CMGS", "AT+CMGS=13",
                                                PDU, &committed),
                                 OK);
                assert_true(committed);
                assert_int_equal(r.final, AT_OK);
                assert_int_equal(r.lines, 1);
                expect_line(&r, 0, "+CMGS: 41");
                if (k == 2)
                    assert_non_null(strstr(s.heard, "+CDS: 25(" CDS_PDU ")|"));
                scene_end(&s, "");
            }
        }
    }
}

static void test_pdu_refused(void **state)
{
    static const struct step before[] = {{"AT+CMGS=13\r", "\r\n+CMS ERROR: 38\r\n"}, {0}};
    static const struct step after[] = {
        {"AT+CMGS=13\r", "\r\n> "}, {PDU "\x1a", "\r\n+CMS ERROR: 38\r\n"}, {0}};
    static const struct step *const scripts[] = {before, after};
    struct scene s;
    struct at_reply r;
    (void)state;
    for (int i = 0; i < 2; i++) {
        FOR_EACH_CUT(s)
        {
            bool committed = i == 0;
            scene_start(&s, CUT_NOW, scripts[i], false);
            assert_int_equal(
                at_command_pdu(s.at, &r, LONG_MS, LONG_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
                OK);
            assert_int_equal(committed, i == 1);
            assert_true(r.final == AT_CMS_ERROR && r.code == 38);
            assert_false(at_poisoned(s.at));
            scene_end(&s, "");
        }
    }
}

static void test_no_prompt(void **state)
{
    static const struct step steps[] = {{"AT+CMGS=13\r", "\r\nRING\r\n>text\r\n"}, {0}};
    struct scene s;
    (void)state;
    FOR_EACH_CUT(s)
    {
        bool committed = true;
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(
            at_command_pdu(s.at, NULL, SHORT_MS, LONG_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
            ERR_TIMEOUT);
        assert_false(committed);
        assert_true(at_poisoned(s.at));
        assert_string_equal(s.heard, "RING|>text|");
        scene_end(&s, "\x1b");
    }
}

/* Nothing more is written: any byte may abort the +CMGS that is under way. */
static void test_silence_after_the_pdu(void **state)
{
    static const struct step steps[] = {{"AT+CMGS=13\r", "\r\n> "}, {PDU "\x1a", NULL}, {0}};
    static const struct step late[] = {{NULL, "\r\n+CMGS: 41\r\n\r\nOK\r\n"}, {0}};
    struct scene s;
    (void)state;
    FOR_EACH_CUT(s)
    {
        bool committed = false;
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(
            at_command_pdu(s.at, NULL, LONG_MS, SHORT_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
            ERR_TIMEOUT);
        assert_true(committed);
        assert_true(at_poisoned(s.at));
        scene_join(&s);
        s.steps = late;
        assert_int_equal(pthread_create(&s.thread, NULL, peer_main, &s), 0);
        s.running = true;
        while (!strstr(s.heard, "OK|"))
            assert_int_equal(at_idle(s.at, LONG_MS), OK);
        assert_string_equal(s.heard, "+CMGS: 41|OK|");
        assert_true(at_poisoned(s.at));
        scene_end(&s, "");
    }
}

/* "+CMGS: 41", and then nothing or an unplug: the line is not lost with the command. */
static void test_answer_without_its_final(void **state)
{
    static const struct step steps[] = {
        {"AT+CMGS=13\r", "\r\n> "}, {PDU "\x1a", "\r\n+CMGS: 41\r\n"}, {0}};
    struct scene s;
    (void)state;
    for (int hang_up = 0; hang_up < 2; hang_up++) {
        FOR_EACH_CUT(s)
        {
            bool committed = false;
            scene_start(&s, CUT_NOW, steps, hang_up);
            enum err e = at_command_pdu(s.at, NULL, LONG_MS, SHORT_MS, "+CMGS", "AT+CMGS=13", PDU,
                                        &committed);
            assert_int_equal(e, hang_up ? ERR_CLOSED : ERR_TIMEOUT);
            assert_true(committed);
            /* A pty that is closed may take its last bytes with it. */
            if (CUT_NOW != PTY || !hang_up)
                assert_string_equal(s.heard, "+CMGS: 41|");
            scene_end(&s, "");
        }
    }
}

/* ---- the wire fails ---- */

static void test_hang_up(void **state)
{
    static const struct step at_once[] = {{0}};
    static const struct step in_answer[] = {{"AT+CMGS=13\r", "\r\nRING\r\n+CM"}, {0}};
    static const struct step behind_prompt[] = {
        {"AT+CMGS=13\r", "\r\n> "}, {PDU "\x1a", "\r\n+CM"}, {0}};
    static const struct {
        const struct step *steps;
        bool committed;
    } rows[] = {{at_once, false}, {in_answer, false}, {behind_prompt, true}};
    struct scene s;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FOR_EACH_CUT(s)
        {
            bool committed = !rows[i].committed;
            scene_start(&s, CUT_NOW, rows[i].steps, true);
            if (i == 0)
                scene_join(&s);
            assert_int_equal(at_command_pdu(s.at, NULL, LONG_MS, LONG_MS, "+CMGS", "AT+CMGS=13",
                                            PDU, &committed),
                             ERR_CLOSED);
            assert_int_equal(committed, rows[i].committed);
            assert_int_equal(at_idle(s.at, LONG_MS), ERR_CLOSED);
            assert_int_equal(at_resync(s.at, LONG_MS), ERR_CLOSED);
            assert_int_equal(at_command(s.at, NULL, LONG_MS, NULL, "AT"), ERR_CLOSED);
            scene_end(&s, "");
        }
    }
}

static void fill_up(struct scene *s, const char *line)
{
    char junk[512];
    memset(junk, 'j', sizeof junk);
    if (strcmp(line, "^FILL:1") == 0)
        while (write(s->near, junk, sizeof junk) > 0)
            ;
}

/* The modem takes nothing: not one byte of the PDU can have gone out. */
static void test_nothing_is_taken(void **state)
{
    static const struct step steps[] = {{"AT+CMGS=13\r", "^FILL:1\r\n> "}, {0}};
    struct scene s;
    bool committed = true;
    char got[512];
    (void)state;
    scene_start(&s, WHOLE, steps, false);
    s.on_line = fill_up;
    int64_t start = clk_mono_ms();
    assert_int_equal(
        at_command_pdu(s.at, NULL, LONG_MS, SHORT_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
        ERR_TIMEOUT);
    assert_in_range(clk_mono_ms() - start, SHORT_MS - 2, LONG_MS);
    assert_false(committed);
    assert_true(at_poisoned(s.at));
    scene_join(&s);
    assert_int_equal(fcntl(s.far, F_SETFL, O_NONBLOCK), 0);
    for (ssize_t n; (n = read(s.far, got, sizeof got)) > 0;)
        assert_int_equal(got[0], 'j');
    scene_end(&s, "");
}

static void *drain_main(void *arg)
{
    struct scene *s = arg;
    char got[512];
    for (ssize_t n = 512; n == 512;)
        n = read(s->far, got, sizeof got); /* the junk, up to the command */
    s->failure = memcmp(got, "AT+CSQ\r", 7) == 0 ? NULL : "AT+CSQ";
    peer_write(s, "+CSQ: 1,1\r\nOK\r\n");
    return NULL;
}

/* The modem takes nothing for a while: the command waits, and goes out whole. */
static void test_waits_for_room(void **state)
{
    static const struct step nothing[] = {{0}};
    struct scene s;
    struct at_reply r;
    (void)state;
    scene_start(&s, WHOLE, nothing, false);
    scene_join(&s);
    fill_up(&s, "^FILL:1");
    assert_int_equal(pthread_create(&s.thread, NULL, drain_main, &s), 0);
    s.running = true;
    assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
    expect_line(&r, 0, "+CSQ: 1,1");
    scene_end(&s, "");
}

/* ---- between commands ---- */

static void test_idle(void **state)
{
    static const struct step steps[] = {{"AT\r", "OK\r\n\r\n+CMTI: \"SM\",1\r\n+CDS: 25\r\n"}, {0}};
    static const struct step more[] = {{NULL, CDS_PDU "\r\n"}, {0}};
    struct scene s;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_ok(s.at, NULL, LONG_MS, NULL, "AT"), OK);
        assert_int_equal(at_idle(s.at, LONG_MS), OK);
        assert_string_equal(s.heard, "+CMTI: \"SM\",1|");
        scene_join(&s);
        int64_t start = clk_mono_ms();
        assert_int_equal(at_idle(s.at, 20), ERR_TIMEOUT);
        assert_in_range(clk_mono_ms() - start, 18, LONG_MS);
        s.steps = more;
        assert_int_equal(pthread_create(&s.thread, NULL, peer_main, &s), 0);
        s.running = true;
        assert_int_equal(at_idle(s.at, LONG_MS), OK);
        assert_string_equal(s.heard, "+CMTI: \"SM\",1|+CDS: 25(" CDS_PDU ")|");
        scene_end(&s, "");
    }
}

static void test_wake(void **state)
{
    static const struct step steps[] = {{"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"}, {0}};
    static const uint64_t one = 1;
    struct scene s;
    struct at_reply r;
    (void)state;
    scene_start(&s, WHOLE, steps, false);
    assert_int_equal(write(s.wake, &one, sizeof one), sizeof one);
    /* A command does not care, and leaves it there. */
    assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
    int64_t start = clk_mono_ms();
    assert_int_equal(at_idle(s.at, LONG_MS), OK);
    assert_true(clk_mono_ms() - start < LONG_MS);
    assert_string_equal(s.heard, "");
    assert_int_equal(at_idle(s.at, 0), ERR_TIMEOUT); /* drained */
    scene_end(&s, "");
}

/* ---- resynchronisation ---- */

static void test_resync(void **state)
{
    static const struct step clean[] = {
        {"\x1b", NULL}, {"AT\r", "\r\nOK\r\n"}, {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"}, {0}};
    static const struct step echo[] = {
        {"\x1b", "\x1b"}, {"AT\r", "AT\r\r\nOK\r\n"}, {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"}, {0}};
    /* The answer of before comes while we ask: its OK is not ours. */
    static const struct step late[] = {{"\x1b", NULL},
                                       {"AT\r", "\r\n+CMGS: 41\r\n\r\nOK\r\n\r\nOK\r\n"},
                                       {"AT\r", "\r\nOK\r\n"},
                                       {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"},
                                       {0}};
    static const struct step late_error[] = {{"\x1b", "\r\n+CMS ERROR: 38\r\n"},
                                             {"AT\r", "\r\nOK\r\n"},
                                             {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"},
                                             {0}};
    static const struct step later_error[] = {{"\x1b", NULL},
                                              {"AT\r", "\r\n+CMS ERROR: 38\r\n\r\nOK\r\n"},
                                              {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"},
                                              {0}};
    /* ESC and AT taken for one command. */
    static const struct step error[] = {{"\x1b"
                                         "AT\r",
                                         "\r\nERROR\r\n"},
                                        {"AT\r", "\r\nOK\r\n"},
                                        {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"},
                                        {0}};
    static const struct {
        const struct step *steps;
        const char *heard;
    } rows[] = {{clean, ""},
                {echo, ""},
                {late, "+CMGS: 41|"},
                {late_error, "+CMS ERROR: 38|"},
                {later_error, "+CMS ERROR: 38|"},
                {error, ""}};
    struct scene s;
    struct at_reply r;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (enum cut cut = WHOLE; cut <= PTY; cut++) {
            if (cut == CUTS)
                continue;
            if (rows[i].steps == error && cut != PTY)
                continue; /* packets: "\x1b" and "AT\r" come apart */
            scene_start(&s, cut, rows[i].steps, false);
            assert_int_equal(at_resync(s.at, LONG_MS), OK);
            assert_false(at_poisoned(s.at));
            assert_string_equal(s.heard, rows[i].heard);
            assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
            scene_end(&s, "");
        }
    }
}

static void test_resync_fails(void **state)
{
    static const struct step silent[] = {{"\x1b", NULL}, {"AT\r", NULL}, {"AT\r", NULL},
                                         {"\x1b", NULL}, {"AT\r", NULL}, {0}};
    struct scene s;
    (void)state;
    scene_start(&s, WHOLE, silent, false);
    int64_t start = clk_mono_ms();
    assert_int_equal(at_resync(s.at, 900), ERR_TIMEOUT);
    assert_in_range(clk_mono_ms() - start, 880, LONG_MS);
    scene_end(&s, "");
}

/* ---- the trace ---- */

/* The last CR ends a line for us; its LF may be on its way still. */
static void hear_the_rest(struct scene *s, const char *end)
{
    size_t n = strlen(end);
    for (int64_t give_up = clk_mono_ms() + LONG_MS; clk_mono_ms() < give_up;) {
        size_t len = strlen(s->trace);
        if (len >= n && strcmp(s->trace + len - n, end) == 0)
            return;
        assert_int_equal(at_idle(s->at, 2), ERR_TIMEOUT);
    }
    fail_msg("the trace ends with: %s", s->trace);
}

static void test_trace(void **state)
{
    static const struct step steps[] = {
        {"AT+CPIN=\"1234\"\r", "AT+CPIN=\"1234\"\r\r\n\r\n+CREG: 1\r\n\r\nOK\r\n"},
        {"AT+CMGS=13\r", "\r\n> "},
        {PDU "\x1a", "\r\n+CMGS: 41\r\n\r\nOK\r\n"},
        {0},
    };
    static const char expected[] = "> AT+CPIN=\"****\"\\r\n"
                                   "< AT+CPIN=\"****\"\\r\\r\\n\n"
                                   "< \\r\\n+CREG: 1\\r\\n\n"
                                   "< \\r\\nOK\\r\\n\n"
                                   "> AT+CMGS=13\\r\n"
                                   "< \\r\\n> \n"
                                   "> " PDU "\\x1a\n"
                                   "< \\r\\n+CMGS: 41\\r\\n\n"
                                   "< \\r\\nOK\\r\\n\n";
    struct scene s;
    bool committed;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_ok(s.at, NULL, LONG_MS, NULL, "AT+CPIN=\"1234\""), OK);
        hear_the_rest(&s, "< \\r\\nOK\\r\\n\n");
        assert_int_equal(
            at_command_pdu(s.at, NULL, LONG_MS, LONG_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
            OK);
        hear_the_rest(&s, "< \\r\\nOK\\r\\n\n");
        assert_string_equal(s.trace, expected);
        scene_end(&s, "");
    }
}

static void test_trace_format(void **state)
{
    char out[16], tiny[5];
    (void)state;
    at_trace_format('<', "\\\t\xe9\0", 4, out, sizeof out);
    assert_string_equal(out, "< \\\\\\t\\xe9\\x00");
    at_trace_format('>', "AT\r\n", 4, tiny, sizeof tiny);
    assert_string_equal(tiny, "> AT"); /* no half escape */
    at_trace_format('>', "AT\r\n", 4, tiny, 1);
    assert_string_equal(tiny, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_with_prefix),
        cmocka_unit_test(test_answer_without_prefix),
        cmocka_unit_test(test_final_results),
        cmocka_unit_test(test_headers_and_pdus),
        cmocka_unit_test(test_results_of_nobody),
        cmocka_unit_test(test_answer_too_big),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_chatter_never_extends),
        cmocka_unit_test(test_timeout_poisons),
        cmocka_unit_test(test_hurry),
        cmocka_unit_test(test_slow_handler_loses_no_answer),
        cmocka_unit_test(test_no_commands_from_the_handler),
        cmocka_unit_test(test_pdu),
        cmocka_unit_test(test_pdu_refused),
        cmocka_unit_test(test_no_prompt),
        cmocka_unit_test(test_silence_after_the_pdu),
        cmocka_unit_test(test_answer_without_its_final),
        cmocka_unit_test(test_hang_up),
        cmocka_unit_test(test_nothing_is_taken),
        cmocka_unit_test(test_waits_for_room),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_resync),
        cmocka_unit_test(test_resync_fails),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_trace_format),
    };
    const char *given = getenv("AT_SEED");
    seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)clk_wall_ms();
    printf("AT_SEED=%u\n", seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
