/* Counting and timing, from several threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "metrics.h"

#define THREADS 4
#define ROUNDS  20000

static void *busy(void *ctx)
{
    (void)ctx;
    for (unsigned i = 0; i < ROUNDS; i++) {
        char name[16];
        snprintf(name, sizeof name, "busy%u", i % 7);
        metrics_count_of(metrics_of(name), METRIC_ERRORS, i % 3);
        metrics_count(METRIC_CLICKS, 1);
        metrics_time(METRIC_TIME_COMMIT, 1500);
    }
    return NULL;
}

static void test_threads_lose_nothing(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    struct metric_histogram h;
    uint64_t errors = 0;
    unsigned sets = 0;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, busy, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    for (const struct metric_set *s = metrics_next(NULL); s; s = metrics_next(s), sets++)
        for (unsigned v = 0; v < METRIC_VALUES; v++)
            errors += metrics_value(s, METRIC_ERRORS, v);
    assert_int_equal(errors, THREADS * ROUNDS);
    assert_int_equal(sets, 8); /* "" and seven names, each made once */
    assert_int_equal(metrics_value(metrics_of(""), METRIC_CLICKS, 1), THREADS * ROUNDS);
    metrics_histogram(metrics_of(""), METRIC_TIME_COMMIT, &h);
    assert_int_equal(h.n[4], THREADS * ROUNDS); /* above 1 ms, at most 2.5 */
    assert_float_equal(h.sum_s, THREADS * ROUNDS * 0.0015, 1e-6);
}

/* Prometheus: a limit belongs to its bucket, and the last one has none. */
static void test_buckets(void **state)
{
    (void)state;
    struct metric_set *set = metrics_of("buckets");
    struct metric_histogram h;
    const int64_t us[] = {0, -5, 250000, 250001, 180000000, 180000001, INT64_C(1) << 50};
    for (size_t i = 0; i < sizeof us / sizeof *us; i++)
        metrics_time_of(set, METRIC_TIME_SEND, us[i]);
    metrics_histogram(set, METRIC_TIME_SEND, &h);
    assert_int_equal(h.n[0], 3);
    assert_int_equal(h.n[1], 1);
    assert_int_equal(h.n[h.buckets - 2], 1);
    assert_int_equal(h.n[h.buckets - 1], 2);
    assert_float_equal(h.below_s[0], 0.25, 1e-9);
    for (unsigned i = 1; i + 1 < h.buckets; i++)
        assert_true(h.below_s[i] > h.below_s[i - 1]);
}

static void test_strange_values_and_too_many_names(void **state)
{
    (void)state;
    struct metric_set *set = metrics_of("strange");
    char name[16];
    metrics_count_of(set, METRIC_ERRORS, METRIC_VALUES);
    metrics_count_of(set, METRIC_ERRORS, (unsigned)-1);
    assert_int_equal(metrics_value(set, METRIC_ERRORS, METRIC_VALUES - 1), 0);
    assert_ptr_equal(metrics_of("strange"), set);
    for (unsigned i = 0; i < 2000; i++) {
        snprintf(name, sizeof name, "many%u", i);
        assert_non_null(metrics_of(name));
    }
    assert_ptr_equal(metrics_of("many1999"), metrics_of("")); /* no room: of no modem */
    assert_ptr_equal(metrics_of("strange"), set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_lose_nothing),
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_strange_values_and_too_many_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
