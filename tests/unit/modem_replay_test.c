/* modem_replay_test.c - every tests/transcripts/NAME.at through the real modem code.
 * A transcript is a table of what that modem answers; its "!" lines are done once the modem is ready, its "="
 * lines are what the core must have been told by then, and nothing else (tests/transcripts/README.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../include/clock.h"
#include "../../include/log.h"
#include "../../include/text.h"
#include "../../modem/modem_private.h"
#include "modem_peer.h"
#include "modem_told.h"

#define FOLDER  "tests/transcripts"
#define WAIT_MS 20000

static const char *const cuts[] = {"whole", "byte by byte", "random pieces"};

struct session {
    struct peer *peer;
    struct told *told;
    struct modem *modem;
    struct modem_config config;
};

/* "! config pin=1234" before the modem is started. */
static void configure(struct session *s, const char *setting)
{
    const char *value = strchr(setting, '=') + 1;
    const struct {
        const char *key;
        char *out;
        size_t size;
    } keys[] = {
        {"pin=", s->config.pin, sizeof s->config.pin},
        {"iccid=", s->config.iccid, sizeof s->config.iccid},
        {"smsc=", s->config.smsc, sizeof s->config.smsc},
        {"init=", s->config.init, sizeof s->config.init},
    };
    if (text_starts_nocase(setting, "roaming="))
        s->config.roaming = strcmp(value, "yes") == 0;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (text_starts_nocase(setting, keys[i].key))
            assert_int_equal(OK, text_copy(keys[i].out, keys[i].size, value));
}

static void on_ussd(void *ctx, enum err result, int m, const char *text)
{
    struct session *s = ctx;
    struct modem_event event = {.kind = MODEM_EVENT_USSD};
    snprintf(event.text, sizeof event.text, "answer %s %d %.100s", err_str(result), m, text);
    told_hooks.event(s->told, "", &event);
}

static void unescape(const char *in, char *out)
{
    for (; *in; in++) {
        if (*in != '\\') {
            *out++ = *in;
            continue;
        }
        in++;
        *out++ = *in == 'r' ? '\r' : *in == 'n' ? '\n' : *in;
    }
    *out = '\0';
}

static void do_line(struct session *s, const char *line)
{
    char a[64], bytes[4096];
    if (text_starts_nocase(line, "send ")) {
        size_t n = strcspn(line + 5, " ");
        snprintf(a, sizeof a, "%.*s", (int)n, line + 5);
        told_queue(s->told, a, line + 5 + n + 1);
        modem_wake(s->modem);
    } else if (text_starts_nocase(line, "say ")) {
        unescape(line + 4, bytes);
        peer_say(s->peer, bytes);
    } else if (text_starts_nocase(line, "ussd ")) {
        struct modem_request r = {
            .kind = MODEM_REQUEST_USSD, .timeout_ms = 5000, .done = on_ussd, .ctx = s};
        assert_int_equal(OK, text_copy(r.code, sizeof r.code, line + 5));
        assert_int_equal(OK, modem_request(s->modem, &r));
    } else if (!text_starts_nocase(line, "config ")) {
        fail_msg("what is \"! %s\"?", line);
    }
}

/* ---- "?" lines ---- */

static bool field_is(struct session *s, const char *name, const char *want)
{
    struct modem_status now;
    told_status(s->told, &now);
    const struct {
        const char *name, *value;
    } fields[] = {
        {"manufacturer", now.who.manufacturer},
        {"model", now.who.model},
        {"firmware", now.who.firmware},
        {"number", now.who.number},
        {"smsc", now.smsc},
        {"operator", now.operator_name},
        {"storage", now.storage},
        {"registration", modem_registration_str(now.registration)},
        {"quirks", quirks_find(now.who.manufacturer, now.who.model)->name},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(fields[i].name, name) == 0)
            return strcmp(fields[i].value, want) == 0;
    fail_msg("what is \"? %s\"?", name);
    return false;
}

static void want(struct session *s, bool so, const char *line)
{
    if (so)
        return;
    told_print(s->told);
    fail_msg("not so: %s", line);
}

/* "? state pin only 1", "? said AT+CNMI=", "? never AT+CPIN=", "? operator MTS": waited for, but "never", which is
 * looked at when everything else was. */
static void expect(struct session *s, const char *line, bool at_end)
{
    char name[32];
    size_t n = strcspn(line, " ");
    const char *rest = line + n + (line[n] == ' ');
    int64_t end = clk_mono_ms() + WAIT_MS;
    struct timespec tick = {0, 5 * 1000 * 1000};
    snprintf(name, sizeof name, "%.*s", (int)n, line);
    bool never = strcmp(name, "never") == 0;
    if (never != at_end)
        return;
    if (never)
        want(s, peer_count(s->peer, rest) == 0, line);
    else if (strcmp(name, "state") == 0)
        want(s, told_wait(s->told, line, WAIT_MS), line);
    else if (strcmp(name, "said") == 0)
        want(s, peer_wait(s->peer, rest, 1, WAIT_MS), line);
    else {
        while (!field_is(s, name, rest) && clk_mono_ms() < end)
            nanosleep(&tick, NULL);
        want(s, field_is(s, name, rest), line);
    }
}

/* A modem that never gets ready says so in its first such line. */
static bool has_state(struct session *s)
{
    const char *line;
    for (unsigned i = 0; (line = peer_line(s->peer, i)); i++)
        if (text_starts_nocase(line, "? state "))
            return true;
    return false;
}

static void expect_never(struct session *s)
{
    const char *line;
    for (unsigned i = 0; (line = peer_line(s->peer, i)); i++)
        if (line[0] == '?')
            expect(s, line + 2, true);
}

static unsigned told_now(struct session *s)
{
    unsigned ends = has_state(s) ? told_count(s->told, "event reset") : 0;
    return told_count(s->told, "") - told_count(s->told, "state ") - ends;
}

static bool told_all(struct session *s, unsigned n, int ms)
{
    int64_t end = clk_mono_ms() + ms;
    struct timespec tick = {0, 2 * 1000 * 1000};
    while (told_now(s) < n && clk_mono_ms() < end)
        nanosleep(&tick, NULL);
    return told_now(s) >= n;
}

/* The file's "!" and "=" lines in their order; how many "=" there were. */
static unsigned perform(struct session *s)
{
    const char *line;
    unsigned wanted = 0;
    for (unsigned i = 0; (line = peer_line(s->peer, i)); i++) {
        if (line[0] == '!')
            do_line(s, line + 2);
        else if (line[0] == '?')
            expect(s, line + 2, false);
        else if (!told_all(s, ++wanted, WAIT_MS)) {
            told_print(s->told);
            fail_msg("never told: %s", line);
        }
    }
    return wanted;
}

/* A session that ends is an event of its own, as often as we wait for. */
#define SESSION_END "event reset"

static const char *next_told(struct session *s, unsigned *n, bool ends)
{
    const char *line;
    do
        line = told_line(s->told, (*n)++);
    while (line && ends && text_starts_nocase(line, SESSION_END));
    return line;
}

static void compare(struct session *s)
{
    const char *line;
    char text[1024];
    const char *told;
    unsigned n = 0;
    bool ends = has_state(s);
    for (unsigned i = 0; (line = peer_line(s->peer, i)); i++) {
        if (line[0] != '=')
            continue;
        unescape(line + 2, text);
        told = next_told(s, &n, ends);
        assert_non_null(told);
        assert_string_equal(text, told);
    }
    told = next_told(s, &n, ends);
    if (told)
        fail_msg("told, too: %s", told);
}

static void configure_all(struct session *s)
{
    const char *line;
    for (unsigned i = 0; (line = peer_line(s->peer, i)); i++)
        if (text_starts_nocase(line, "! config "))
            configure(s, line + 9);
}

static void replay(const char *path, int cut, unsigned seed)
{
    struct session s = {.config = {.name = "test", .baud = 115200, .submit_timeout_ms = 3000}};
    s.peer = peer_new(path);
    s.told = told_new();
    peer_cut(s.peer, cut, seed);
    peer_plug(s.peer);
    assert_int_equal(OK, text_copy(s.config.port, sizeof s.config.port, peer_path(s.peer)));
    configure_all(&s);
    assert_int_equal(OK, modem_start(&s.config, &told_hooks, s.told, &s.modem));
    if (!has_state(&s) && !told_wait(s.told, "state ready", WAIT_MS)) {
        told_print(s.told);
        fail_msg("never ready");
    }
    unsigned wanted = perform(&s);
    peer_say_rest(s.peer);
    (void)told_all(&s, wanted + 1, 150); /* nothing else may come */
    modem_stop(s.modem, 500);
    modem_join(s.modem);
    compare(&s);
    expect_never(&s);
    told_free(s.told);
    peer_free(s.peer);
}

static int is_transcript(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return n > 3 && strcmp(entry->d_name + n - 3, ".at") == 0;
}

static void replay_one(void **state)
{
    const char *path = *state;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)now.tv_nsec;
    for (int cut = PEER_WHOLE; cut <= PEER_RANDOM; cut++) {
        print_message("           %s (SEED=%u)\n", cuts[cut], seed);
        replay(path, cut, seed);
    }
}

static void be_quick(void)
{
    modem_timing.poll_ms = 50;
    modem_timing.quick_ms = 2000;
    modem_timing.slow_ms = 2000;
    modem_timing.retry_ms = 30;
    modem_timing.search_ms = 100;
    modem_timing.ack_late_ms = 1000;
    modem_timing.backoff_ms = 100;
    modem_timing.housekeeping_ms = 2000;
}

#define WORKERS 6 /* it is nearly all waiting */

/* Every WORKERS-th of them. */
static int run_share(struct CMUnitTest *tests, int count, int share)
{
    int n = 0;
    for (int i = share; i < count; i += WORKERS)
        tests[n++] = tests[i]; /* n <= i */
    return n ? _cmocka_run_group_tests("transcripts", tests, (size_t)n, NULL, NULL) : 0;
}

static int run_all(struct CMUnitTest *tests, int count)
{
    int failed = 0, status;
    fflush(NULL);
    for (int share = 0; share < WORKERS; share++) {
        pid_t child = fork();
        if (child == 0) {
            status = run_share(tests, count, share);
            fflush(NULL);
            _exit(status ? 1 : 0);
        }
        failed += child < 0;
    }
    while (wait(&status) > 0)
        failed += status != 0;
    return failed;
}

static int collect(struct dirent **entries, int n, const char *filter, struct CMUnitTest *tests)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        char *path = NULL;
        if (filter && strstr(entries[i]->d_name, filter) == NULL)
            continue;
        if (asprintf(&path, FOLDER "/%s", entries[i]->d_name) < 0)
            abort();
        tests[count++] = (struct CMUnitTest){
            .name = entries[i]->d_name, .test_func = replay_one, .initial_state = path};
    }
    return count;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    int n = scandir(FOLDER, &entries, is_transcript, alphasort);
    struct CMUnitTest *tests = calloc((size_t)(n > 0 ? n : 1), sizeof *tests);
    if (n <= 0 || !tests) {
        fprintf(stderr, "no transcripts in " FOLDER "\n");
        return 1;
    }
    be_quick();
    log_set_level(getenv("TRACE") ? LOG_LVL_TRACE : LOG_LVL_ERROR);
    int count = collect(entries, n, argv[1], tests);
    int failed = argc > 1 ? _cmocka_run_group_tests("transcripts", tests, (size_t)count, NULL, NULL)
                          : run_all(tests, count);
    for (int i = 0; i < count; i++)
        free(tests[i].initial_state);
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    free(tests);
    return failed;
}
