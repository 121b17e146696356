/* log_test.c - one line an event, whatever the text holds; numbers shortened. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"

/* What log_write() put on standard error. */
static void capture(char *out, size_t size, const char *text)
{
    int pipe_fd[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(pipe_fd), 0);
    dup2(pipe_fd[1], STDERR_FILENO);
    log_error("test", "value=%s", text);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(pipe_fd[1]);
    ssize_t n = read(pipe_fd[0], out, size - 1);
    close(pipe_fd[0]);
    assert_true(n > 0);
    out[n] = '\0';
}

static void hostile_text_stays_one_line(void **state)
{
    char line[8192], big[6000];
    (void)state;
    capture(line, sizeof line, "a\r\n2026-01-01 error main: forged\x1b[31m\x7f");
    assert_non_null(
        strstr(line, "test: value=a\\x0d\\x0a2026-01-01 error main: forged\\x1b[31m\\x7f\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    memset(big, '\n', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    capture(line, sizeof line, big);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void journal_prefix(void **state)
{
    char line[256];
    (void)state;
    setenv("JOURNAL_STREAM", "8:1", 1);
    capture(line, sizeof line, "x");
    unsetenv("JOURNAL_STREAM");
    assert_string_equal(line, "<3>test: value=x\n");
}

static void levels(void **state)
{
    enum log_level level;
    char number[LOG_NUMBER_MAX];
    (void)state;
    assert_int_equal(log_level_parse("DEBUG", &level), OK);
    assert_int_equal(level, LOG_LVL_DEBUG);
    assert_int_equal(log_level_parse("verbose", &level), ERR_SYNTAX);
    log_set_level(LOG_LVL_INFO);
    assert_string_equal(log_number("+819012345678", number), "+8190…78");
    assert_string_equal(log_number("12345", number), "12345");
    log_set_level(LOG_LVL_DEBUG);
    assert_string_equal(log_number("+819012345678", number), "+819012345678");
    log_set_level(LOG_LVL_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_text_stays_one_line),
        cmocka_unit_test(journal_prefix),
        cmocka_unit_test(levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
