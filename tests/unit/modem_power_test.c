/* modem_power_test.c - a configured command: its words, its surroundings, its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../include/clock.h"
#include "../../modem/modem_power.h"

static void test_words(void **state)
{
    static const struct {
        const char *command;
        enum err e;
        const char *words; /* each followed by | */
    } rows[] = {
        {"uhubctl -a cycle", OK, "uhubctl|-a|cycle|"},
        {"  a\t b  ", OK, "a|b|"},
        {"a 'b c' \"d e\" f", OK, "a|b c|d e|f|"},
        {"a 'it is \"so\"'", OK, "a|it is \"so\"|"},
        {"a b'c'd ''", OK, "a|bcd||"},
        {"a $HOME `b` * ; c && d > e", OK, "a|$HOME|`b`|*|;|c|&&|d|>|e|"},
        {"", ERR_SYNTAX, ""},
        {"   ", ERR_SYNTAX, ""},
        {"'' a", ERR_SYNTAX, ""},
        {"a 'b", ERR_SYNTAX, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char command[128], joined[128] = "", *argv[POWER_ARGS_MAX];
        snprintf(command, sizeof command, "%s", rows[i].command);
        enum err e = power_split(command, argv);
        if (e != rows[i].e)
            fail_msg("row %zu: %s", i, err_str(e));
        for (char **word = argv; e == OK && *word; word++)
            snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s|", *word);
        assert_string_equal(rows[i].words, joined);
    }
}

static void test_too_many_words(void **state)
{
    char command[256] = "", *argv[POWER_ARGS_MAX];
    (void)state;
    for (int i = 0; i < POWER_ARGS_MAX; i++)
        memcpy(command + 2 * i, "a ", 3);
    assert_int_equal(ERR_FULL, power_split(command, argv));
    command[2 * (POWER_ARGS_MAX - 1)] = '\0';
    assert_int_equal(OK, power_split(command, argv));
}

static enum err run(const char *command, int limit_ms, char out[POWER_OUTPUT_MAX], int *status)
{
    return power_run(command, "stick", "/dev/ttyUSB0", limit_ms, NULL, NULL, out, status);
}

static void test_outcomes(void **state)
{
    char out[POWER_OUTPUT_MAX];
    int status;
    (void)state;
    assert_int_equal(OK, run("echo port one", 20000, out, &status));
    assert_int_equal(0, status);
    assert_string_equal("port one ", out);
    assert_int_equal(ERR_REFUSED, run("/bin/sh -c 'echo no >&2; exit 3'", 20000, out, &status));
    assert_int_equal(3, status);
    assert_string_equal("no ", out);
    assert_int_equal(ERR_REFUSED, run("/bin/sh -c 'kill -9 $$'", 20000, out, &status));
    assert_int_equal(137, status);
    assert_int_equal(ERR_NOT_FOUND, run("/nonexistent/relay", 20000, out, &status));
    assert_int_equal(ERR_NOT_FOUND, run("nonexistent-relay", 20000, out, &status));
    assert_int_equal(ERR_SYNTAX, run("'", 20000, out, &status));
}

/* Nothing of ours: neither environment nor descriptors nor an ignored signal. */
static void test_surroundings(void **state)
{
    char out[POWER_OUTPUT_MAX];
    int status, fd = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    (void)state;
    assert_true(fd > 2);
    setenv("SECRET", "token", 1);
    signal(SIGTERM, SIG_IGN);
    assert_int_equal(OK, run("/usr/bin/env", 20000, out, &status));
    assert_null(strstr(out, "SECRET"));
    assert_non_null(strstr(out, "SMSBRIDGE_MODEM=stick "));
    assert_non_null(strstr(out, "SMSBRIDGE_PORT=/dev/ttyUSB0 "));
    assert_int_equal(OK, run("/bin/sh -c 'echo /proc/self/fd/*'", 20000, out, &status));
    assert_null(strstr(out, "/fd/4")); /* 0 1 2, and the one that lists them */
    assert_int_equal(OK, run("grep SigIgn: /proc/self/status", 20000, out, &status));
    /* 32 and 33 are the C library's own */
    assert_int_equal(0, strtoull(out + sizeof "SigIgn:", NULL, 16) & 0x7FFFFFFF);
    signal(SIGTERM, SIG_DFL);
    close(fd);
}

static void test_killed_with_all_its_children(void **state)
{
    char out[POWER_OUTPUT_MAX], *end;
    int status;
    (void)state;
    int64_t before = clk_mono_ms();
    assert_int_equal(ERR_TIMEOUT, run("/bin/sh -c 'sleep 600 & echo $!; wait'", 700, out, &status));
    assert_true(clk_mono_ms() - before < 10000);
    long child = strtol(out, &end, 10);
    assert_true(child > 1);
    for (int i = 0; i < 500 && kill((pid_t)child, 0) == 0; i++)
        (void)poll(NULL, 0, 10);
    /* Gone, or dead and not yet reaped by whoever is init here. */
    char path[64], stat[256] = "";
    snprintf(path, sizeof path, "/proc/%ld/stat", child);
    FILE *f = fopen(path, "r");
    if (f) {
        size_t n = fread(stat, 1, sizeof stat - 1, f);
        stat[n] = '\0';
        fclose(f);
        assert_non_null(strstr(stat, ") Z"));
    }
}

static void test_output_without_end(void **state)
{
    char out[POWER_OUTPUT_MAX];
    int status;
    (void)state;
    assert_int_equal(ERR_TIMEOUT, run("yes", 500, out, &status));
    assert_int_equal(POWER_OUTPUT_MAX - 1, strlen(out));
}

static int yes(void *ctx)
{
    return ++*(int *)ctx > 2;
}

static void test_stopped(void **state)
{
    char out[POWER_OUTPUT_MAX];
    int status, asked = 0;
    (void)state;
    int64_t before = clk_mono_ms();
    assert_int_equal(ERR_CLOSED,
                     power_run("sleep 600", "m", "p", 600000, yes, &asked, out, &status));
    assert_true(clk_mono_ms() - before < 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_too_many_words),
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_surroundings),
        cmocka_unit_test(test_killed_with_all_its_children),
        cmocka_unit_test(test_output_without_end),
        cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
