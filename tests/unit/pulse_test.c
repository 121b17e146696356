/* pulse_test.c - threads that look around, and one that does not. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "clock.h"
#include "pulse.h"

/* A thread that beats while told to, each step on demand: no test waits for a scheduler. */
struct peer {
    pthread_t thread;
    sem_t go, done;
    const char *name;
    int64_t allow_ms; /* 0: a plain beat */
    bool end;
};

static void *peer_run(void *arg)
{
    struct peer *p = arg;
    pulse_begin(p->name);
    for (sem_post(&p->done); sem_wait(&p->go) == 0 && !p->end; sem_post(&p->done)) {
        if (p->allow_ms)
            pulse_allow(p->allow_ms);
        else
            pulse_beat();
    }
    pulse_end();
    return NULL;
}

static void peer_step(struct peer *p)
{
    sem_post(&p->go);
    sem_wait(&p->done);
}

static void peer_start(struct peer *p)
{
    sem_init(&p->go, 0, 0);
    sem_init(&p->done, 0, 0);
    assert_int_equal(pthread_create(&p->thread, NULL, peer_run, p), 0);
    sem_wait(&p->done);
}

static void peer_stop(struct peer *p)
{
    p->end = true;
    sem_post(&p->go);
    pthread_join(p->thread, NULL);
}

static void pass(int64_t ms)
{
    int64_t end = clk_mono_ms() + ms;
    while (clk_mono_ms() < end)
        continue;
}

static void test_nobody_watched(void **state)
{
    char who[PULSE_NAME_MAX] = "";
    (void)state;
    pulse_beat();
    pulse_end();
    assert_int_equal(pulse_check(0, who), OK);
    assert_string_equal(who, "");
}

static void test_the_silent_one_is_named(void **state)
{
    struct peer a = {.name = "store"}, b = {.name = "modem stick"};
    char who[PULSE_NAME_MAX] = "";
    (void)state;
    peer_start(&a);
    peer_start(&b);
    assert_int_equal(pulse_check(60000, who), OK);
    pass(20);
    peer_step(&a);
    assert_int_equal(pulse_check(10, who), ERR_TIMEOUT);
    assert_string_equal(who, "modem stick");
    peer_step(&b);
    assert_int_equal(pulse_check(10000, who), OK);
    pass(20);
    assert_int_equal(pulse_check(10, who), ERR_TIMEOUT);
    assert_string_equal(who, "store"); /* both: the first that began */
    peer_stop(&a);
    assert_int_equal(pulse_check(10, who), ERR_TIMEOUT);
    assert_string_equal(who, "modem stick");
    peer_stop(&b);
    assert_int_equal(pulse_check(0, who), OK);
}

static void test_allowed_silence(void **state)
{
    struct peer a = {.name = "modem far", .allow_ms = 60000};
    char who[PULSE_NAME_MAX] = "";
    (void)state;
    peer_start(&a);
    peer_step(&a);
    pass(20);
    assert_int_equal(pulse_check(10, who), OK);
    a.allow_ms = 0;
    peer_step(&a); /* a beat ends the allowance */
    pass(20);
    assert_int_equal(pulse_check(10, who), ERR_TIMEOUT);
    peer_stop(&a);
}

static void test_named_again(void **state)
{
    char who[PULSE_NAME_MAX] = "";
    (void)state;
    pulse_begin("one");
    pulse_begin("a name that is longer than the room that there is for names");
    pass(5);
    assert_int_equal(pulse_check(1, who), ERR_TIMEOUT);
    assert_string_equal(who, "a name that is longer than the room that there ");
    pulse_end();
    assert_int_equal(pulse_check(0, who), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_watched),
        cmocka_unit_test(test_the_silent_one_is_named),
        cmocka_unit_test(test_allowed_silence),
        cmocka_unit_test(test_named_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
