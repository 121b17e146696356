/* redirect_limit_test.c - misses: 20 at once and 10 a minute for an address, 20 a second over all. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/redirect_limit.h"

static struct sockaddr_in v4(const char *text)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    assert_int_equal(inet_pton(AF_INET, text, &a.sin_addr), 1);
    return a;
}

static struct sockaddr_in6 v6(const char *text)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    assert_int_equal(inet_pton(AF_INET6, text, &a.sin6_addr), 1);
    return a;
}

/* How many of n misses, one every step_ms from now_ms on, are within the budget. */
static int allowed(struct redirect_limit *l, const void *from, int n, int64_t now_ms,
                   int64_t step_ms)
{
    int count = 0;
    for (int i = 0; i < n; i++)
        count += redirect_limit_miss(l, from, now_ms + i * step_ms);
    return count;
}

static void one_address(void **state)
{
    struct redirect_limit *l = redirect_limit_new();
    struct sockaddr_in a = v4("192.0.2.1");
    (void)state;
    assert_int_equal(allowed(l, &a, 100, 1000000, 0), 20);
    /* a minute later: ten more */
    assert_int_equal(allowed(l, &a, 100, 1060000, 0), 10);
    /* at rest for long: twenty, not more */
    assert_int_equal(allowed(l, &a, 100, 9000000, 0), 20);
    redirect_limit_free(l);
}

static void a_whole_64(void **state)
{
    struct redirect_limit *l = redirect_limit_new();
    struct sockaddr_in6 a = v6("2001:db8:1:2::1"), b = v6("2001:db8:1:2:ffff::9"),
                        c = v6("2001:db8:1:3::1"), mapped = v6("::ffff:192.0.2.7");
    struct sockaddr_in plain = v4("192.0.2.7");
    (void)state;
    assert_int_equal(allowed(l, &a, 20, 1000000, 100), 20);
    assert_int_equal(allowed(l, &b, 20, 1002000, 0), 0);
    assert_int_equal(allowed(l, &c, 5, 1002000, 0), 5);
    assert_int_equal(allowed(l, &mapped, 20, 1010000, 100), 20);
    assert_int_equal(allowed(l, &plain, 5, 1012000, 0), 0);
    redirect_limit_free(l);
}

static void everybody(void **state)
{
    struct redirect_limit *l = redirect_limit_new();
    int count = 0;
    (void)state;
    for (uint32_t i = 0; i < 4000; i++) { /* 4,000 addresses in two seconds */
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0A000000u + i)};
        count += redirect_limit_miss(l, (struct sockaddr *)&a, 1000000 + i / 2);
    }
    assert_in_range(count, 55, 60); /* 20 at once, then 20 a second; some share a bucket */
    redirect_limit_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address),
        cmocka_unit_test(a_whole_64),
        cmocka_unit_test(everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
