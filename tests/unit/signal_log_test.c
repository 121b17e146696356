/* signal_log_test.c - a sample a minute, for a day, whatever the clock does. */
#include "../../src/signal_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOON_MS   INT64_C(1767355200000)
#define MINUTE_MS INT64_C(60000)

static struct signal_log l;
static struct signal_sample out[SIGNAL_LOG_MAX];

static int fresh(void **state)
{
    (void)state;
    l = (struct signal_log){.n = 0};
    return 0;
}

static void one_a_minute(void **state)
{
    (void)state;
    for (int64_t s = 0; s < 600; s++)
        signal_log_add(&l, NOON_MS + s * 1000, (int16_t)(-113 + s / 60));
    assert_int_equal(signal_log_copy(&l, NOON_MS + 600000, out), 10);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(out[i].at_s, NOON_MS / 1000 + 60 * i);
        assert_int_equal(out[i].dbm, -113 + i);
    }
}

static void the_last_day_only(void **state)
{
    (void)state;
    for (int64_t m = 0; m < 3000; m++)
        signal_log_add(&l, NOON_MS + m * MINUTE_MS, -70);
    size_t n = signal_log_copy(&l, NOON_MS + 2999 * MINUTE_MS, out);
    assert_int_equal(n, SIGNAL_LOG_MAX);
    assert_int_equal(out[0].at_s, (NOON_MS + 1560 * MINUTE_MS) / 1000);
    assert_int_equal(out[n - 1].at_s, (NOON_MS + 2999 * MINUTE_MS) / 1000);
    assert_int_equal(signal_log_copy(&l, NOON_MS + 2999 * MINUTE_MS + 86400000, out), 0);
}

/* Set back by an hour: what is noted goes on; what claims to be of the future is not shown. */
static void a_clock_set_back(void **state)
{
    (void)state;
    signal_log_add(&l, NOON_MS, -70);
    signal_log_add(&l, NOON_MS - 60 * MINUTE_MS, -80);
    signal_log_add(&l, NOON_MS - 59 * MINUTE_MS, -81);
    assert_int_equal(signal_log_copy(&l, NOON_MS - 58 * MINUTE_MS, out), 2);
    assert_int_equal(out[0].dbm, -80);
    assert_int_equal(out[1].dbm, -81);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_a_minute, fresh),
        cmocka_unit_test_setup(the_last_day_only, fresh),
        cmocka_unit_test_setup(a_clock_set_back, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
