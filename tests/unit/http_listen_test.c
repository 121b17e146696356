/* http_listen_test.c - listen addresses that can and cannot be had, and escapes. */
#include "../../src/http_listen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void a_dead_socket_file_is_taken_over(void **state)
{
    (void)state;
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct http_listener l[HTTP_LISTENERS_MAX];
    char list[200], why[HTTP_WHY_MAX];
    size_t n;
    snprintf(un.sun_path, sizeof un.sun_path, "/tmp/http_test.dead.%d", (int)getpid());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
    close(fd);
    snprintf(list, sizeof list, "unix:%s", un.sun_path);
    assert_int_equal(http_listen_open(list, l, &n, why), OK);
    assert_int_equal(n, 1);
    http_listen_close(l, n);
    assert_int_equal(access(un.sun_path, F_OK), -1);
}

static const char *const unusable[] = {"",
                                       " , ",
                                       "127.0.0.1",
                                       "127.0.0.1:65536",
                                       "127.0.0.1:-1",
                                       "::1:80",
                                       "[::1:80",
                                       "example.com:80",
                                       "256.0.0.1:80",
                                       "unix:relative",
                                       "unix:/nowhere/at/all",
                                       "192.0.2.1:80",
                                       "127.0.0.1:0,127.0.0.1:x",
                                       "127.0.0.1:0,127.0.0.1:0,127.0.0.1:0,127.0.0.1:0,"
                                       "127.0.0.1:0,127.0.0.1:0,127.0.0.1:0,127.0.0.1:0,"
                                       "127.0.0.1:0"};

static void unusable_addresses_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unusable / sizeof *unusable; i++) {
        struct http_listener l[HTTP_LISTENERS_MAX];
        char why[HTTP_WHY_MAX] = "";
        size_t n = 99;
        assert_int_not_equal(http_listen_open(unusable[i], l, &n, why), OK);
        assert_true(strlen(why) > 10);
        assert_int_equal(n, 99);
    }
}

static void unescaping_leaves_what_is_no_escape(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {{"a%20b", "a b"},   {"%e3%81%82", "\xE3\x81\x82"},
                {"100%", "100%"},   {"%4", "%4"},
                {"%zz%41", "%zzA"}, {"", ""},
                {"a+b", "a+b"},     {"%%41", "%A"},
                {"%2525", "%25"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char s[40];
        snprintf(s, sizeof s, "%s", rows[i].in);
        assert_int_equal(http_unescape(s), strlen(rows[i].out));
        assert_string_equal(s, rows[i].out);
    }
    char nul[] = "a%00b";
    assert_int_equal(http_unescape(nul), 3);
    assert_memory_equal(nul, "a\0b", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dead_socket_file_is_taken_over),
        cmocka_unit_test(unusable_addresses_are_named),
        cmocka_unit_test(unescaping_leaves_what_is_no_escape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
