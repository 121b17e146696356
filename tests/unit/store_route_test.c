/* Which modem gets which message: preferences, keepers, limits, and what others may take. */
#include "store_kit.h"

static const char *const brand[] = {"Brand"};
static const char *const japan[] = {"+81"};
static const char *const japan_and_germany[] = {"+81", "49"};

static void modems(struct kit *k, const struct store_modem *list, size_t n)
{
    assert_int_equal(store_modems(k->store, list, n, T0), OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(store_modem_ready(k->store, list[i].name, true, T0), OK);
}

static void three(struct kit *k)
{
    const struct store_modem list[] = {
        {.name = "m0", .senders = {brand, 1}},
        {.name = "m1", .prefixes = {japan, 1}},
        {.name = "m2", .prefixes = {japan_and_germany, 2}},
    };
    modems(k, list, 3);
}

static void ready(struct kit *k, const char *modem, bool is, int64_t now_ms)
{
    assert_int_equal(store_modem_ready(k->store, modem, is, now_ms), OK);
}

static struct store_new_message accepted(struct kit *k, const char *sender, const char *recipient,
                                         int64_t now_ms)
{
    struct store_new_message m = kit_message(k, recipient);
    m.sender = sender;
    m.due_ms = now_ms;
    assert_int_equal(kit_accept(k, &m, now_ms), OK);
    return m;
}

/* It asks for a part; "" or whom that goes to.  What it gets is sent. */
static char served[SMS_ADDR_MAX];
static const char *serves(struct kit *k, const char *modem, int64_t now_ms)
{
    struct store_claim c;
    enum err e = kit_claim(k, modem, now_ms, &c);
    (void)snprintf(served, sizeof served, "%s", e ? "" : c.job.submit.recipient);
    if (e)
        assert_int_equal(e, ERR_EMPTY);
    else
        kit_sent(k, &c, 1, now_ms);
    return served;
}

static void preferred_by_sender_or_prefix(void **state)
{
    struct kit *k = *state;
    three(k);
    (void)accepted(k, "Brand", "+441", T0);
    (void)accepted(k, "Other", "+811", T0);
    (void)accepted(k, "Other", "+491", T0);
    (void)accepted(k, "Other", "+331", T0);
    assert_string_equal(serves(k, "m1", T0 + 1), "+811");
    assert_string_equal(serves(k, "m1", T0 + 1), "+331"); /* nobody prefers it */
    assert_string_equal(serves(k, "m1", T0 + 1), "");
    assert_string_equal(serves(k, "m0", T0 + 1), "+441");
    assert_string_equal(serves(k, "m0", T0 + 1), "");
    assert_string_equal(serves(k, "m2", T0 + 1), "+491");
}

static void preferred_by_several(void **state)
{
    struct kit *k = *state;
    three(k);
    (void)accepted(k, "Brand", "+811", T0); /* m0 for its sender, m1 and m2 for its prefix */
    (void)accepted(k, "Other", "+812", T0);
    (void)accepted(k, "Other", "+813", T0);
    assert_string_equal(serves(k, "m0", T0 + 1), "+811");
    assert_string_equal(serves(k, "m0", T0 + 1), "");
    assert_string_equal(serves(k, "m2", T0 + 1), "+812");
    assert_string_equal(serves(k, "m1", T0 + 1), "+813");
}

/* The clock of the test moves on; every modem that is alive asks once a second. */
static void alive(struct kit *k, const char *modem, int64_t from_ms, int64_t to_ms)
{
    for (int64_t t = from_ms; t <= to_ms; t += 1000)
        assert_string_equal(serves(k, modem, t), "");
}

static void others_take_it_after_thirty_seconds_without(void **state)
{
    struct kit *k = *state;
    three(k);
    (void)accepted(k, "Brand", "+441", T0);
    ready(k, "m0", false, T0 + 1000);
    alive(k, "m1", T0 + 1000, T0 + 30999);
    assert_string_equal(serves(k, "m1", T0 + 31000), "+441");

    (void)accepted(k, "Brand", "+442", T0 + 31000); /* it is still away */
    assert_string_equal(serves(k, "m2", T0 + 31000), "+442");
    (void)accepted(k, "Brand", "+443", T0 + 31000);
    ready(k, "m0", true, T0 + 31500);
    assert_string_equal(serves(k, "m1", T0 + 32000), "");
    assert_string_equal(serves(k, "m0", T0 + 32000), "+443");
}

static void one_that_is_stuck_is_not_waited_for(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    three(k);
    (void)accepted(k, "Brand", "+441", T0);
    (void)accepted(k, "Brand", "+442", T0);
    assert_int_equal(kit_claim(k, "m0", T0, &c), OK); /* and no answer comes */
    alive(k, "m1", T0 + 1000, T0 + 29999);
    assert_string_equal(serves(k, "m1", T0 + 30000), "+442");
    assert_string_equal(serves(k, "m1", T0 + 30000), "");
}

static void the_clock_set_back_delays_nobody_for_long(void **state)
{
    struct kit *k = *state;
    three(k);
    ready(k, "m0", false, T0 + CLK_DAY_MS);
    (void)accepted(k, "Brand", "+441", T0);
    alive(k, "m1", T0 + 1000, T0 + 30999);
    assert_string_equal(serves(k, "m1", T0 + 31000), "+441");
}

static void a_number_keeps_its_modem(void **state)
{
    struct kit *k = *state;
    three(k);
    (void)accepted(k, "Other", "+331111111", T0);
    assert_string_equal(serves(k, "m1", T0), "+331111111");
    for (int i = 1; i < 5; i++) {
        (void)accepted(k, "Other", "+331111111", T0 + i);
        (void)accepted(k, "Other", "+332222222", T0 + i);
        assert_string_equal(serves(k, "m2", T0 + i), "+332222222");
        assert_string_equal(serves(k, "m2", T0 + i), "");
        assert_string_equal(serves(k, "m1", T0 + i), "+331111111");
        assert_string_equal(serves(k, "m1", T0 + i), "");
    }
}

/* Accepted before anybody had served it. */
static void a_number_keeps_its_modem_from_the_first_of_many(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    three(k);
    for (int i = 0; i < 300; i++)
        (void)accepted(k, "Other", "+331111111", T0 + i);
    (void)accepted(k, "Other", "+332222222", T0 + 300);
    assert_int_equal(kit_claim(k, "m1", T0 + 300, &c), OK);
    for (int i = 0; i < 8 && kit_claim(k, "m2", T0 + 301 + i, &c); i++)
        ; /* those in front of it are put aside, some at each look */
    assert_string_equal(c.job.submit.recipient, "+332222222");
    for (int i = 1; i < 300; i++) {
        int64_t next = 0;
        c = (struct store_claim){.modem = "m1", .iccid = ICCID, .now_ms = T0 + 400};
        assert_int_equal(store_part_claim(k->store, &c, &next), OK);
        assert_int_equal(c.queued_ms, 400 - i); /* in order */
    }
}

static void a_death_returns_what_it_kept_at_once(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    three(k);
    (void)accepted(k, "Other", "+331111111", T0);
    assert_string_equal(serves(k, "m1", T0), "+331111111");
    for (int i = 0; i < 20; i++)
        (void)accepted(k, "Other", "+331111111", T0 + 1);
    assert_int_equal(kit_claim(k, "m1", T0 + 2, &c), OK);
    assert_string_equal(serves(k, "m2", T0 + 2), "");
    assert_int_equal(
        store_part_failed(k->store, c.job.part, STORE_VERDICT_BACK, "m1", "", "", 0, T0 + 3), OK);
    ready(k, "m1", false, T0 + 3);
    for (int i = 0; i < 20; i++)
        assert_string_equal(serves(k, "m2", T0 + 3), "+331111111");
    ready(k, "m1", true, T0 + 4);
    (void)accepted(k, "Other", "+331111111", T0 + 5);
    assert_string_equal(serves(k, "m1", T0 + 5), ""); /* m2 served it last */
    assert_string_equal(serves(k, "m2", T0 + 5), "+331111111");
}

static void a_restart_forgets_neither(void **state)
{
    struct kit *k = *state;
    three(k);
    (void)accepted(k, "Other", "+331111111", T0);
    assert_string_equal(serves(k, "m1", T0), "+331111111");
    (void)accepted(k, "Other", "+331111111", T0);
    (void)accepted(k, "Brand", "+441", T0);
    kit_close(k);
    kit_open(k, T0 + 1);
    three(k);
    (void)accepted(k, "Other", "+331111111", T0 + 2);
    assert_string_equal(serves(k, "m2", T0 + 2), "");
    assert_string_equal(serves(k, "m1", T0 + 2), "+331111111");
    assert_string_equal(serves(k, "m1", T0 + 2), "+331111111");
    assert_string_equal(serves(k, "m1", T0 + 2), "");
    assert_string_equal(serves(k, "m0", T0 + 2), "+441");
}

/* After a restart a modem needs some seconds until it can send: what it keeps waits for it so long, and no longer. */
static void one_that_is_starting_is_waited_for(void **state)
{
    struct kit *k = *state;
    const struct store_modem list[] = {{.name = "m0"}, {.name = "m1"}};
    modems(k, list, 2);
    (void)accepted(k, "x", "+331111111", T0);
    assert_string_equal(serves(k, "m0", T0), "+331111111");
    (void)accepted(k, "x", "+331111111", T0);
    kit_close(k);
    kit_open(k, T0);
    assert_int_equal(store_modems(k->store, list, 2, T0), OK);
    ready(k, "m1", true, T0);
    alive(k, "m1", T0, T0 + 9999);
    assert_string_equal(serves(k, "m1", T0 + 10000), "+331111111");
}

static void a_modem_that_is_gone_from_the_configuration(void **state)
{
    struct kit *k = *state;
    three(k);
    (void)accepted(k, "Brand", "+441", T0);
    kit_close(k);
    kit_open(k, T0);
    const struct store_modem list[] = {{.name = "m1"}};
    modems(k, list, 1);
    assert_string_equal(serves(k, "m1", T0), "+441");
}

static enum err refused(struct kit *k, const struct store_claim *c, int64_t now_ms)
{
    return store_part_failed(k->store, c->job.part, STORE_VERDICT_OTHER_MODEM, c->modem, "CMS 28",
                             "in words", now_ms, now_ms);
}

static void what_one_cannot_send_another_takes_at_once(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    three(k);
    (void)accepted(k, "Brand", "+441111111", T0);
    assert_int_equal(kit_claim(k, "m0", T0, &c), OK);
    assert_int_equal(refused(k, &c, T0), OK);
    assert_string_equal(serves(k, "m0", T0), "");
    assert_string_equal(serves(k, "m1", T0), "+441111111"); /* though m0, alone, is preferred */

    (void)accepted(k, "Other", "+811111111", T0);
    assert_int_equal(kit_claim(k, "m1", T0, &c), OK);
    assert_int_equal(refused(k, &c, T0), OK);
    assert_string_equal(serves(k, "m0", T0), "");
    assert_string_equal(serves(k, "m2", T0), "+811111111"); /* preferred too */
}

static void pinned_stays_pinned(void **state)
{
    struct kit *k = *state;
    three(k);
    struct store_new_message m = kit_message(k, "+811111111");
    m.modem = "m0";
    assert_int_equal(kit_accept(k, &m, T0), OK);
    ready(k, "m0", false, T0);
    alive(k, "m1", T0, T0 + 60000);
    assert_string_equal(serves(k, "m0", T0 + 60000), "+811111111");
}

/* ---- limits ---- */

static void per_minute_in_any_minute(void **state)
{
    struct kit *k = *state;
    const struct store_modem list[] = {{.name = "m0", .per_minute = 5}};
    int64_t sent[40];
    unsigned n = 0;
    modems(k, list, 1);
    for (int i = 0; i < 40; i++)
        (void)accepted(k, "x", "+331", T0);
    for (int64_t t = T0; n < 40; t += 250) {
        assert_true(t < T0 + 10 * CLK_MINUTE_MS);
        if (n == 12) { /* a restart does not forget */
            kit_close(k);
            kit_open(k, t);
            modems(k, list, 1);
        }
        while (n < 40 && *serves(k, "m0", t))
            sent[n++] = t;
    }
    for (unsigned i = 5; i < n; i++)
        assert_true(sent[i] - sent[i - 5] >= CLK_MINUTE_MS);
    assert_true(sent[39] - T0 <= 7 * 61250); /* and no slower than that asks for */
    assert_true(kit_sql(k, "SELECT count(*) FROM usage") < 20);
}

static void tells_when_a_limit_lets_it_go_on(void **state)
{
    struct kit *k = *state;
    int64_t next = 0;
    const struct store_modem list[] = {{.name = "m0", .per_minute = 1}};
    modems(k, list, 1);
    (void)accepted(k, "x", "+331", T0);
    (void)accepted(k, "x", "+332", T0);
    assert_string_equal(serves(k, "m0", T0), "+331");
    struct store_claim c = {.modem = "m0", .iccid = ICCID, .now_ms = T0 + 1};
    assert_int_equal(store_part_claim(k->store, &c, &next), ERR_EMPTY);
    assert_int_equal(next, T0 + 61000);
    assert_string_equal(serves(k, "m0", next - 1), "");
    assert_string_equal(serves(k, "m0", next), "+332");
}

static void per_day_in_any_day(void **state)
{
    struct kit *k = *state;
    const struct store_modem list[] = {{.name = "m0", .per_day = 10}};
    int64_t t = T0, sent[25];
    unsigned n = 0;
    modems(k, list, 1);
    for (int i = 0; i < 25; i++) {
        struct store_new_message m = kit_message(k, "+331");
        m.valid_until_ms = T0 + 30 * CLK_DAY_MS;
        assert_int_equal(kit_accept(k, &m, T0), OK);
    }
    for (; n < 25 && t < T0 + 4 * CLK_DAY_MS; t += CLK_HOUR_MS)
        if (*serves(k, "m0", t))
            sent[n++] = t;
    assert_int_equal(n, 25);
    for (unsigned i = 10; i < n; i++)
        assert_true(sent[i] - sent[i - 10] >= CLK_DAY_MS);
}

static void the_others_go_on_where_one_is_at_its_limit(void **state)
{
    struct kit *k = *state;
    const struct store_modem list[] = {{.name = "m0", .per_day = 1, .senders = {brand, 1}},
                                       {.name = "m1"}};
    modems(k, list, 2);
    (void)accepted(k, "Brand", "+331111111", T0);
    (void)accepted(k, "Brand", "+331111111", T0);
    assert_string_equal(serves(k, "m0", T0), "+331111111");
    assert_string_equal(serves(k, "m0", T0), "");
    assert_string_equal(serves(k, "m1", T0), "+331111111"); /* for a day, not for a second */
}

static void what_was_not_tried_does_not_count(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    const struct store_modem list[] = {{.name = "m0", .per_minute = 1}};
    modems(k, list, 1);
    (void)accepted(k, "x", "+331", T0);
    assert_int_equal(kit_claim(k, "m0", T0, &c), OK);
    assert_int_equal(
        store_part_failed(k->store, c.job.part, STORE_VERDICT_BACK, "m0", "", "", 0, T0 + 1), OK);
    assert_string_equal(serves(k, "m0", T0 + 2), "+331");
}

/* A claim reads no rows that are others': thousands of them cost nothing. */
static void thousands_for_others_cost_nothing(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    three(k);
    for (int i = 0; i < 5000; i++) {
        struct store_new_message m = kit_message(k, i % 2 ? "+441111111" : "+442222222");
        m.sender = "Brand";
        m.modem = i % 2 ? "m0" : NULL;
        struct store_accept a = {.account = ACCOUNT, .now_ms = T0, .messages = &m, .count = 1};
        struct kit_wait w = KIT_WAIT;
        store_accept(k->store, &a, kit_done, &w);
        assert_int_equal(kit_wait(&w, 1), OK);
    }
    int64_t from = clk_mono_ms();
    for (int i = 0; i < 2000; i++)
        assert_int_equal(kit_claim(k, "m1", T0, &c), ERR_EMPTY);
    int64_t took = clk_mono_ms() - from;
    print_message("2000 claims beside 5000 rows of others: %lld ms\n", (long long)took);
    assert_true(took < 4000); /* reading them would take 5 million rows */
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(preferred_by_sender_or_prefix),
        T(preferred_by_several),
        T(others_take_it_after_thirty_seconds_without),
        T(one_that_is_stuck_is_not_waited_for),
        T(the_clock_set_back_delays_nobody_for_long),
        T(a_number_keeps_its_modem),
        T(a_number_keeps_its_modem_from_the_first_of_many),
        T(a_death_returns_what_it_kept_at_once),
        T(a_restart_forgets_neither),
        T(one_that_is_starting_is_waited_for),
        T(a_modem_that_is_gone_from_the_configuration),
        T(what_one_cannot_send_another_takes_at_once),
        T(pinned_stays_pinned),
        T(per_minute_in_any_minute),
        T(tells_when_a_limit_lets_it_go_on),
        T(per_day_in_any_day),
        T(the_others_go_on_where_one_is_at_its_limit),
        T(what_was_not_tried_does_not_count),
        T(thousands_for_others_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
