/* at_kit.h - a scripted peer in a thread for the tests of the dialogue: it answers whole, byte by byte, or cut at
 * random (AT_SEED).  A socket of packets keeps the cuts exactly as the peer made them; a pty is a terminal as in
 * real life. */
#ifndef SMSBRIDGE_AT_KIT_H
#define SMSBRIDGE_AT_KIT_H

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

static inline bool peer_expect(struct scene *s, const char *bytes)
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

static inline bool peer_write(struct scene *s, const char *bytes)
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

static inline void *peer_main(void *arg)
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

static inline void hear(void *ctx, const char *line, const char *pdu)
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

static inline void note(void *ctx, char direction, const char *bytes, size_t n)
{
    struct scene *s = ctx;
    char line[1024];
    size_t len = strlen(s->trace);
    at_trace_format(direction, bytes, n, line, sizeof line);
    snprintf(s->trace + len, sizeof s->trace - len, "%s\n", line);
}

static inline void wake_up(void *ctx)
{
    hear(ctx, "woken", NULL);
}

static inline void open_pty(struct scene *s)
{
    struct termios raw;
    assert_int_equal(openpty(&s->far, &s->near, NULL, NULL, NULL), 0);
    assert_int_equal(tcgetattr(s->near, &raw), 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(s->near, TCSANOW, &raw), 0);
}

static inline void open_sockets(struct scene *s, int type)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
    s->near = fds[0];
    s->far = fds[1];
}

static inline void scene_start(struct scene *s, enum cut cut, const struct step *steps,
                               bool hang_up)
{
    const struct at_handler handler = {
        .unsolicited = hear, .trace = note, .woken = wake_up, .ctx = s};
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
static inline void scene_join(struct scene *s)
{
    if (s->running)
        pthread_join(s->thread, NULL);
    s->running = false;
    if (s->failure)
        fail_msg("the peer did not get: %s", s->failure);
}

/* `rest`: what we sent beyond the script. */
static inline void scene_end(struct scene *s, const char *rest)
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

static inline void expect_line(const struct at_reply *r, unsigned i, const char *line)
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

static inline void choose_seed(void)
{
    const char *given = getenv("AT_SEED");
    seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)clk_wall_ms();
    printf("AT_SEED=%u\n", seed);
}

#endif
