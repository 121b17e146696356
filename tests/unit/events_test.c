/* events_test.c - numbers, falling behind, and who is told of news. */
#include "../../src/events.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS 1700000000000

static void add(struct events *e, int64_t row)
{
    events_add(e, &(struct event){.kind = EVENT_MESSAGE, .row = row, .at_ms = NOW_MS});
}

static void they_come_in_order(void **state)
{
    struct event out;
    struct events *e = events_new(NOW_MS);
    uint64_t at = events_newest(e);
    (void)state;
    assert_int_equal(events_next(e, at, &out), ERR_EMPTY);
    for (int64_t i = 1; i <= 100; i++)
        add(e, i);
    for (int64_t i = 1; i <= 100; i++) {
        assert_int_equal(events_next(e, at, &out), OK);
        assert_int_equal(out.row, i);
        assert_int_equal(out.id, at + 1);
        at = out.id;
    }
    assert_int_equal(events_next(e, at, &out), ERR_EMPTY);
    events_free(e);
}

/* Who is behind the ring, or comes with a number of another process, is told. */
static void who_fell_behind_is_told(void **state)
{
    struct event out;
    struct events *e = events_new(NOW_MS);
    uint64_t begin = events_newest(e);
    (void)state;
    for (int64_t i = 1; i <= EVENTS_KEPT; i++)
        add(e, i);
    assert_int_equal(events_next(e, begin, &out), OK);
    assert_int_equal(out.row, 1);
    add(e, EVENTS_KEPT + 1);
    assert_int_equal(events_next(e, begin, &out), ERR_RANGE);
    assert_int_equal(events_next(e, begin + 1, &out), OK);
    assert_int_equal(out.row, 2);
    assert_int_equal(events_next(e, 0, &out), ERR_RANGE);
    assert_int_equal(events_next(e, UINT64_MAX, &out), ERR_RANGE);
    assert_int_equal(events_next(e, events_newest(e) + 1, &out), ERR_RANGE);
    struct events *later = events_new(NOW_MS + 1000);
    assert_true(events_newest(later) > events_newest(e));
    assert_int_equal(events_next(later, events_newest(e), &out), ERR_RANGE);
    events_free(later);
    events_free(e);
}

static void count_news(void *ctx)
{
    ++*(int *)ctx;
}

static void news_only_while_somebody_watches(void **state)
{
    struct events *e = events_new(NOW_MS);
    int n = 0;
    (void)state;
    events_on_news(e, count_news, &n);
    add(e, 1);
    assert_int_equal(n, 0);
    events_watchers(e, 1);
    add(e, 2);
    assert_int_equal(n, 1);
    events_watchers(e, -1);
    add(e, 3);
    assert_int_equal(n, 1);
    events_free(e);
}

static void *add_many(void *e)
{
    for (int64_t i = 0; i < 20000; i++)
        add(e, i);
    return NULL;
}

/* Each number is of one event, whoever adds. */
static void many_threads(void **state)
{
    pthread_t threads[4];
    struct event out;
    struct events *e = events_new(NOW_MS);
    uint64_t begin = events_newest(e), at = begin, seen = 0;
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, e), 0);
    while (at < begin + 80000) {
        enum err r = events_next(e, at, &out);
        if (r == OK) {
            assert_int_equal(out.id, at + 1);
            at = out.id;
            seen++;
        } else if (r == ERR_RANGE) {
            at = events_newest(e);
        }
    }
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(events_newest(e), begin + 80000);
    assert_true(seen <= 80000);
    events_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_in_order),
        cmocka_unit_test(who_fell_behind_is_told),
        cmocka_unit_test(news_only_while_somebody_watches),
        cmocka_unit_test(many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
