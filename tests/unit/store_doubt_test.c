/* store_doubt_test.c - a part that may have gone out, on a modem that keeps our reference and on one that counts. */
#include "store_kit.h"

#define NUMBER "+818012345678"

static const struct store_policy resend = {.uncertain_resend = true,
                                           .uncertain_after_ms = 600000,
                                           .partial_after_ms = CLK_DAY_MS,
                                           .keep_ms = 400 * CLK_DAY_MS};

static struct store_new_message accept_one(struct kit *k, uint8_t priority,
                                           enum store_uncertain on_uncertain)
{
    struct store_new_message m = kit_message(k, NUMBER);
    m.priority = priority;
    m.on_uncertain = on_uncertain;
    assert_int_equal(kit_accept(k, &m, T0), OK);
    return m;
}

/* n messages go out; the modem takes our reference, or counts from 7. */
static void send_some(struct kit *k, unsigned n, bool keeps)
{
    struct store_claim c;
    for (unsigned i = 0; i < n; i++) {
        (void)accept_one(k, 5, STORE_UNCERTAIN_DEFAULT);
        assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
        kit_sent(k, &c, keeps ? c.job.submit.mr : (int)(7 + i), T0);
    }
}

static struct store_new_message lose_one(struct kit *k, enum store_uncertain on_uncertain,
                                         struct store_claim *c)
{
    struct store_new_message m = accept_one(k, 5, on_uncertain);
    assert_int_equal(store_tick(k->store, &resend, T0), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0, c), OK);
    assert_int_equal(store_part_failed(k->store, c->job.part, STORE_VERDICT_REPEAT, "gsm1",
                                       "timeout", "no answer", 0, T0),
                     OK);
    return m;
}

static void repeated_at_once_before_anything_else(void **state)
{
    struct kit *k = *state;
    struct store_claim lost, c;
    send_some(k, 2, true);
    struct store_new_message m = lose_one(k, STORE_UNCERTAIN_DEFAULT, &lost);
    assert_string_equal(kit_status(k, &m).error_code, "uncertain");
    (void)accept_one(k, 9, STORE_UNCERTAIN_DEFAULT); /* urgent, and yet not first on this SIM */
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_int_equal(c.job.part, lost.job.part);
    assert_true(c.job.submit.reject_duplicates); /* 23.040 9.2.3.25 */
    assert_int_equal(c.job.submit.mr, lost.job.submit.mr);
    /* Lost again: now it waits. */
    assert_int_equal(store_part_failed(k->store, c.job.part, STORE_VERDICT_REPEAT, "gsm1",
                                       "timeout", "no answer", 0, T0),
                     OK);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_int_not_equal(c.job.part, lost.job.part);
}

static void not_by_another_modem(void **state)
{
    struct kit *k = *state;
    struct store_claim lost, c;
    send_some(k, 2, true);
    (void)lose_one(k, STORE_UNCERTAIN_DEFAULT, &lost);
    assert_int_equal(kit_claim(k, "gsm2", T0 + 60000, &c), ERR_EMPTY);
}

static void expect_waiting(struct kit *k, const struct store_claim *lost)
{
    struct store_claim c;
    assert_int_equal(kit_claim(k, "gsm1", T0 + 599999, &c), ERR_EMPTY);
    assert_int_equal(store_tick(k->store, &resend, T0 + 600000), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 600000, &c), OK);
    assert_int_equal(c.job.part, lost->job.part);
    assert_true(c.job.submit.reject_duplicates);
}

static void counting_modems_wait(void **state)
{
    struct kit *k = *state;
    struct store_claim lost;
    send_some(k, 5, false);
    (void)lose_one(k, STORE_UNCERTAIN_DEFAULT, &lost);
    expect_waiting(k, &lost);
}

static void once_is_no_proof(void **state)
{
    struct kit *k = *state;
    struct store_claim lost;
    send_some(k, 1, true);
    (void)lose_one(k, STORE_UNCERTAIN_DEFAULT, &lost);
    expect_waiting(k, &lost);
}

static void one_that_differs_is_unlearned(void **state)
{
    struct kit *k = *state;
    struct store_claim lost;
    send_some(k, 3, true);
    send_some(k, 1, false);
    (void)lose_one(k, STORE_UNCERTAIN_DEFAULT, &lost);
    expect_waiting(k, &lost);
}

static void never_where_it_is_to_fail(void **state)
{
    struct kit *k = *state;
    struct store_claim lost, c;
    send_some(k, 2, true);
    struct store_new_message m = lose_one(k, STORE_UNCERTAIN_FAIL, &lost);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), ERR_EMPTY);
    assert_int_equal(store_tick(k->store, &resend, T0 + 600000), OK);
    assert_int_equal(kit_status(k, &m).m.state, STORE_FAIL);
}

static void a_report_is_faster(void **state)
{
    struct kit *k = *state;
    struct store_claim lost, c;
    send_some(k, 2, true);
    struct store_new_message m = lose_one(k, STORE_UNCERTAIN_DEFAULT, &lost);
    assert_int_equal(kit_report(k, NUMBER, lost.job.submit.mr, 0, T0, T0 + 100), lost.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 200, &c), ERR_EMPTY);
}

static void its_modem_is_gone(void **state)
{
    struct kit *k = *state;
    struct store_claim lost, c;
    send_some(k, 2, true);
    (void)lose_one(k, STORE_UNCERTAIN_DEFAULT, &lost);
    assert_int_equal(store_part_unheard(k->store, "gsm1", T0), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 1000, &c), ERR_EMPTY);
    assert_int_equal(store_tick(k->store, &resend, T0 + 660000), OK);
    assert_int_equal(kit_claim(k, "gsm2", T0 + 660000, &c), OK);
    assert_int_equal(c.job.part, lost.job.part);
}

/* A restart, say, takes longer than the wait for the report: that comes through this modem and no other. */
static void while_its_modem_is_away_it_waits(void **state)
{
    struct kit *k = *state;
    struct store_claim lost, c;
    send_some(k, 5, false);
    (void)lose_one(k, STORE_UNCERTAIN_DEFAULT, &lost);
    assert_int_equal(store_part_unheard(k->store, "gsm2", T0 + 590000), OK); /* another's going */
    assert_int_equal(store_part_unheard(k->store, "gsm1", T0 + 599000), OK);
    assert_int_equal(store_tick(k->store, &resend, T0 + 620000), OK);
    assert_int_equal(kit_claim(k, "gsm2", T0 + 620000, &c), ERR_EMPTY);
    assert_int_equal(store_part_heard_again(k->store, "gsm1", T0 + 630000), OK);
    assert_int_equal(store_tick(k->store, &resend, T0 + 1244999), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 1244999, &c), ERR_EMPTY);
    assert_int_equal(store_tick(k->store, &resend, T0 + 1245000), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 1245000, &c), OK);
    assert_int_equal(c.job.part, lost.job.part);
}

static void but_not_for_ever(void **state)
{
    struct kit *k = *state;
    struct store_claim lost, c;
    send_some(k, 5, false);
    (void)lose_one(k, STORE_UNCERTAIN_DEFAULT, &lost);
    for (int64_t t = 0; t <= CLK_HOUR_MS; t += CLK_MINUTE_MS) /* it comes and goes */
        assert_int_equal(store_part_unheard(k->store, "gsm1", T0 + t), OK);
    int64_t end = T0 + CLK_HOUR_MS + 600000;
    assert_int_equal(store_part_unheard(k->store, "gsm1", end), OK);
    assert_int_equal(store_tick(k->store, &resend, end), OK);
    assert_int_equal(kit_claim(k, "gsm2", end, &c), OK);
    assert_int_equal(c.job.part, lost.job.part);
}

#define KIT_TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(repeated_at_once_before_anything_else),
        KIT_TEST(not_by_another_modem),
        KIT_TEST(counting_modems_wait),
        KIT_TEST(once_is_no_proof),
        KIT_TEST(one_that_differs_is_unlearned),
        KIT_TEST(never_where_it_is_to_fail),
        KIT_TEST(a_report_is_faster),
        KIT_TEST(its_modem_is_gone),
        KIT_TEST(while_its_modem_is_away_it_waits),
        KIT_TEST(but_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
