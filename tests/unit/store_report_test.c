/* Status reports: whose they are (23.040 9.2.3.6: SIM, reference, number, time) and what they
 * make of a message. */
#include "store_kit.h"

#define NUMBER   "+818012345678"
#define NATIONAL "08012345678"

static struct store_new_message accepted(struct kit *k, const char *recipient)
{
    struct store_new_message m = kit_message(k, recipient);
    m.callbackurl = "http://127.0.0.1/cb";
    assert_int_equal(kit_accept(k, &m, T0), OK);
    return m;
}

static struct store_claim claimed(struct kit *k, const char *modem, int64_t now_ms)
{
    struct store_claim c;
    assert_int_equal(kit_claim(k, modem, now_ms, &c), OK);
    return c;
}

static void uncertain(struct kit *k, const struct store_claim *c, int64_t now_ms)
{
    assert_int_equal(store_part_failed(k->store, c->job.part, STORE_VERDICT_UNCERTAIN, c->modem,
                                       "timeout", "No answer", 0, now_ms),
                     OK);
}

/* 23.040 9.2.3.15, all its ranges. */
static void every_status_has_its_outcome(void **state)
{
    static const struct {
        int from, to;
        enum store_state state;
    } table[] = {
        {0x00, 0x01, STORE_DELIVERED},  {0x02, 0x02, STORE_FAIL},       {0x03, 0x0F, STORE_FAIL},
        {0x10, 0x1F, STORE_DELIVERED},  {0x20, 0x25, STORE_DELIVERING}, {0x26, 0x2F, STORE_FAIL},
        {0x30, 0x3F, STORE_DELIVERING}, {0x40, 0x49, STORE_FAIL},       {0x4A, 0x5F, STORE_FAIL},
        {0x60, 0x65, STORE_FAIL},       {0x66, 0x7F, STORE_FAIL},       {0x80, 0xFF, STORE_FAIL},
    };
    struct kit *k = *state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        for (int st = table[i].from; st <= table[i].to; st++) {
            struct store_new_message m = accepted(k, NUMBER);
            struct store_claim c = claimed(k, "gsm1", T0);
            kit_sent(k, &c, st, T0);
            assert_int_equal(kit_report(k, NUMBER, (uint8_t)st, (uint8_t)st, T0, T0 + 5000),
                             c.job.part);
            struct kit_status s = kit_status(k, &m);
            if (s.m.state != table[i].state)
                print_error("TP-ST 0x%02X\n", st);
            assert_int_equal(s.m.state, table[i].state);
            assert_int_equal(s.error_code[0] != '\0', s.m.state == STORE_FAIL);
            (void)kit_report(k, NUMBER, (uint8_t)st, 0x00, T0, T0 + 6000);
        }
}

static void a_failure_keeps_the_raw_value(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    kit_sent(k, &c, 9, T0);
    assert_int_equal(kit_report(k, NUMBER, 9, 0x46, T0, T0 + 5000), c.job.part);
    assert_string_equal(kit_status(k, &m).error_code, "ST 0x46");
    assert_int_equal(kit_sql(k, "SELECT st FROM part"), 0x46);
}

static void national_form_matches(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    kit_sent(k, &c, 200, T0);
    assert_int_equal(kit_report(k, NATIONAL, 200, 0x00, T0, T0 + 5000), c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
}

/* NUMBER as networks write it: with 00, without the plus, as in its country, the front cut off, not at all. */
static void the_number_in_any_form(void **state)
{
    struct kit *k = *state;
    char forms[8][32];
    const char *digits = NUMBER + 1;
    (void)snprintf(forms[0], 32, "00%s", digits);
    (void)snprintf(forms[1], 32, "%s", digits);
    (void)snprintf(forms[2], 32, "0%s", digits + 2);
    (void)snprintf(forms[3], 32, "%s", digits + strlen(digits) - 8);
    (void)snprintf(forms[4], 32, "%s", digits + strlen(digits) - 4);
    (void)snprintf(forms[5], 32, "+99%s", digits);
    (void)snprintf(forms[6], 32, "*31#%s", digits);
    forms[7][0] = '\0';
    for (unsigned i = 0; i < 8; i++) {
        struct store_new_message m = accepted(k, NUMBER);
        struct store_claim c = claimed(k, "gsm1", T0 + i * 1000);
        kit_sent(k, &c, (uint8_t)(100 + i), T0 + i * 1000);
        assert_int_equal(
            kit_report(k, forms[i], (uint8_t)(100 + i), 0x00, T0 + i * 1000, T0 + i * 1000 + 5000),
            c.job.part);
        assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
    }
}

/* A short one that is another's end, or of another hour, settles nothing. */
static void a_short_number_must_fit(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    kit_sent(k, &c, 41, T0);
    char other[8] = "0000";
    other[3] = NUMBER[strlen(NUMBER) - 1] == '9' ? '8' : '9';
    assert_int_equal(kit_report(k, other, 41, 0x00, T0, T0 + 5000), 0);
    assert_int_equal(kit_report(k, "", 41, 0x00, T0 - CLK_HOUR_MS, T0 + 5000), 0);
    assert_int_equal(kit_report(k, "", 42, 0x00, T0, T0 + 5000), 0);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERING);
}

static void not_ours_is_kept(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    struct sms_report rep = {.mr = 5, .scts_ms = T0, .recipient = NUMBER};
    uint64_t part = 99;
    kit_sent(k, &c, 5, T0);
    assert_int_equal(kit_report(k, "+815555555555", 5, 0x00, T0, T0 + 5000),
                     0);                                                /* another number */
    assert_int_equal(kit_report(k, NUMBER, 6, 0x00, T0, T0 + 5000), 0); /* another reference */
    assert_int_equal(store_report(k->store, "gsm1", "8944", &rep, T0 + 5000, &part),
                     OK); /* another SIM */
    assert_int_equal(part, 0);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERING);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM report"), 3);
}

static void the_sim_counts_not_the_modem(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    struct sms_report rep = {.mr = 5, .scts_ms = T0, .recipient = NUMBER};
    uint64_t part;
    kit_sent(k, &c, 5, T0);
    assert_int_equal(store_report(k->store, "gsm7", ICCID, &rep, T0 + 5000, &part),
                     OK); /* the card was moved */
    assert_int_equal(part, c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
}

static void without_an_iccid_the_modem_is_the_sim(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = {.modem = "gsm1", .iccid = "", .now_ms = T0};
    struct sms_report rep = {.mr = 5, .scts_ms = T0, .recipient = NUMBER};
    uint64_t part;
    assert_int_equal(store_part_claim(k->store, &c, NULL), OK);
    assert_int_equal(store_part_sent(k->store, c.job.part, "gsm1", "", 5, T0, NULL), OK);
    assert_int_equal(store_report(k->store, "gsm2", "", &rep, T0, &part), OK);
    assert_int_equal(part, 0);
    assert_int_equal(store_report(k->store, "gsm1", "", &rep, T0, &part), OK);
    assert_int_equal(part, c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
}

static void temporary_is_not_final(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    kit_sent(k, &c, 5, T0);
    assert_int_equal(kit_report(k, NUMBER, 5, 0x30, T0, T0 + 5000), c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERING);
    assert_int_equal(kit_callbacks(k, T0 + 5000, NULL).n, 0);
    assert_int_equal(kit_report(k, NUMBER, 5, 0x00, T0, T0 + CLK_HOUR_MS), c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
}

static void a_repeated_report_changes_nothing(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    kit_sent(k, &c, 5, T0);
    assert_int_equal(kit_report(k, NUMBER, 5, 0x00, T0, T0 + 5000), c.job.part);
    assert_int_equal(kit_report(k, NUMBER, 5, 0x00, T0, T0 + 6000), c.job.part);
    assert_int_equal(kit_report(k, NUMBER, 5, 0x46, T0, T0 + 7000), c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
    assert_int_equal(kit_status(k, &m).m.delivered_ms, T0 + 5000);
    assert_int_equal(kit_callbacks(k, T0 + 9000, NULL).n, 1);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM report"), 2);
}

/* References wrap at 256: the same one to the same number, an hour apart. */
static void equal_references_are_told_apart_by_time(void **state)
{
    struct kit *k = *state;
    struct store_new_message old = accepted(k, NUMBER);
    struct store_claim a = claimed(k, "gsm1", T0);
    kit_sent(k, &a, 5, T0);
    struct store_new_message young = accepted(k, NUMBER);
    struct store_claim b = claimed(k, "gsm1", T0 + CLK_HOUR_MS);
    kit_sent(k, &b, 5, T0 + CLK_HOUR_MS);
    assert_int_equal(kit_report(k, NUMBER, 5, 0x00, T0 + CLK_HOUR_MS - 2000, T0 + 2 * CLK_HOUR_MS),
                     b.job.part);
    assert_int_equal(kit_status(k, &old).m.state, STORE_DELIVERING);
    assert_int_equal(kit_status(k, &young).m.state, STORE_DELIVERED);
    assert_int_equal(kit_report(k, NUMBER, 5, 0x00, T0 - 2000, T0 + 2 * CLK_HOUR_MS), a.job.part);
    assert_int_equal(kit_status(k, &old).m.state, STORE_DELIVERED);
}

/* The first one's report comes again when the reference is the second one's: its time stamp
 * gives it away. */
static void a_repetition_does_not_settle_the_next_round(void **state)
{
    struct kit *k = *state;
    (void)accepted(k, NUMBER);
    struct store_claim a = claimed(k, "gsm1", T0);
    kit_sent(k, &a, 5, T0);
    assert_int_equal(kit_report(k, NUMBER, 5, 0x00, T0 + 1000, T0 + 5000), a.job.part);
    struct store_new_message young = accepted(k, NUMBER);
    struct store_claim b = claimed(k, "gsm1", T0 + CLK_MINUTE_MS);
    kit_sent(k, &b, 5, T0 + CLK_MINUTE_MS);
    assert_int_equal(kit_report(k, NUMBER, 5, 0x46, T0 + 1000, T0 + 2 * CLK_MINUTE_MS), a.job.part);
    assert_int_equal(kit_status(k, &young).m.state, STORE_DELIVERING);
}

/* Everything to one number: many parts with every reference, reports late and in any order. */
static void a_thousand_to_one_number(void **state)
{
    struct kit *k = *state;
    static uint64_t parts[1000];
    for (int i = 0; i < 1000; i++) {
        (void)accepted(k, NUMBER);
        struct store_claim c = claimed(k, "gsm1", T0 + i * 1000);
        kit_sent(k, &c, i % 256, T0 + i * 1000);
        parts[i] = c.job.part;
    }
    for (int i = 0; i < 1000; i++) {
        int n = i * 7 % 1000; /* 7 and 1000 have no common divisor: each once */
        assert_int_equal(
            kit_report(k, NUMBER, (uint8_t)(n % 256), 0x00, T0 + n * 1000 - 2000, T0 + 2000000),
            parts[n]);
    }
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message WHERE state=2"), 1000);
}

static void their_clock_may_be_off_by_hours(void **state)
{
    struct kit *k = *state;
    for (int i = 0; i < 3;
         i++) { /* every message with the same reference: a modem that does not count */
        (void)accepted(k, NUMBER);
        struct store_claim c = claimed(k, "gsm1", T0 + i * CLK_HOUR_MS);
        kit_sent(k, &c, 5, T0 + i * CLK_HOUR_MS);
        assert_int_equal(
            kit_report(k, NUMBER, 5, 0x00, T0 + (i + 9) * CLK_HOUR_MS, T0 + i * CLK_HOUR_MS + 5000),
            c.job.part);
    }
    struct store_new_message m =
        accepted(k, NUMBER); /* learned: 9 h ahead; an unanswered one is found all the same */
    struct store_claim c = claimed(k, "gsm1", T0 + 4 * CLK_HOUR_MS);
    uncertain(k, &c, T0 + 4 * CLK_HOUR_MS + 180000);
    assert_int_equal(
        kit_report(k, NUMBER, 77, 0x00, T0 + 13 * CLK_HOUR_MS, T0 + 4 * CLK_HOUR_MS + 190000),
        c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
}

static void without_a_time_stamp_the_latest_open_one(void **state)
{
    struct kit *k = *state;
    (void)accepted(k, NUMBER);
    struct store_claim a = claimed(k, "gsm1", T0);
    kit_sent(k, &a, 5, T0);
    (void)accepted(k, NUMBER);
    struct store_claim b = claimed(k, "gsm1", T0 + CLK_HOUR_MS);
    kit_sent(k, &b, 5, T0 + CLK_HOUR_MS);
    assert_int_equal(kit_report(k, NUMBER, 5, 0x00, -1, T0 + CLK_HOUR_MS + 5000), b.job.part);
    assert_int_equal(kit_report(k, NUMBER, 5, 0x00, -1, T0 + CLK_HOUR_MS + 6000), a.job.part);
}

/* ---- reports that know more than we do ---- */

static void a_report_settles_what_is_being_sent(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    assert_int_equal(kit_report(k, NUMBER, 41, 0x00, T0 + 2000, T0 + 5000), c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
    kit_sent(k, &c, 41, T0 + 6000); /* the late +CMGS: nothing more to say */
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
    assert_int_equal(kit_callbacks(k, T0 + 9000, NULL).n, 1);
}

static void a_temporary_report_settles_that_it_was_sent(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    uncertain(k, &c, T0 + 180000);
    assert_int_equal(kit_report(k, NUMBER, 41, 0x30, T0 + 2000, T0 + 181000), c.job.part);
    struct kit_status s = kit_status(k, &m);
    assert_int_equal(s.m.state, STORE_DELIVERING);
    assert_string_equal(s.error_code, "");
    assert_int_equal(kit_report(k, NUMBER, 41, 0x00, T0 + 2000, T0 + 200000), c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
}

static void a_report_settles_an_uncertain_part(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    uncertain(k, &c, T0 + 180000);
    assert_int_equal(kit_report(k, NATIONAL, 41, 0x00, T0 + 1000, T0 + 200000), c.job.part);
    struct kit_status s = kit_status(k, &m);
    assert_int_equal(s.m.state, STORE_DELIVERED);
    assert_string_equal(s.error_code, "");
    assert_int_equal(kit_sql(k, "SELECT mr FROM part"), 41);
}

static void the_expected_reference_chooses_between_two(void **state)
{
    struct kit *k = *state;
    (void)accepted(k, "+811111111");
    struct store_claim first = claimed(k, "gsm1", T0);
    kit_sent(k, &first, 254, T0);
    (void)accepted(k, NUMBER);
    struct store_claim a = claimed(k, "gsm1", T0 + 1000); /* 255 is to be expected */
    uncertain(k, &a, T0 + 2000);
    (void)accepted(k, "+812222222");
    struct store_claim mid = claimed(k, "gsm1", T0 + 3000);
    kit_sent(k, &mid, 0, T0 + 3000);
    (void)accepted(k, NUMBER);
    struct store_claim b = claimed(k, "gsm1", T0 + 4000); /* 1 is to be expected */
    uncertain(k, &b, T0 + 5000);
    assert_int_equal(kit_report(k, NUMBER, 255, 0x00, T0 + 4000, T0 + 9000), a.job.part);
    assert_int_equal(kit_report(k, NUMBER, 1, 0x00, T0 + 1000, T0 + 9000), b.job.part);
}

static void a_known_reference_goes_before_a_guess(void **state)
{
    struct kit *k = *state;
    (void)accepted(k, NUMBER);
    struct store_claim a = claimed(k, "gsm1", T0);
    kit_sent(k, &a, 41, T0);
    (void)accepted(k, NUMBER);
    struct store_claim b = claimed(k, "gsm1", T0 + 5000); /* under way to the same number */
    assert_int_equal(kit_report(k, NUMBER, 41, 0x00, T0, T0 + 6000), a.job.part);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM part WHERE state=2"), 1);
    kit_sent(k, &b, 42, T0 + 7000);
}

/* The service centre's clock tells whole seconds: killed, restarted and sent the next one within one of them.
 * A part that was never sent must not take the report of the one that was. */
static void the_same_second_does_not_make_a_guess_better(void **state)
{
    struct kit *k = *state;
    struct store_new_message never = accepted(k, NUMBER);
    struct store_claim before = claimed(k, "gsm1", T0);
    kit_sent(k, &before, 74, T0);
    never = accepted(k, NUMBER);
    struct store_claim lost = claimed(k, "gsm1", T0); /* 75 is to be expected */
    uncertain(k, &lost, T0 + 10);
    struct store_new_message next = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0 + 700);
    kit_sent(k, &c, 75, T0 + 730);
    assert_int_equal(kit_report(k, NUMBER, 75, 0x00, T0, T0 + 5000), c.job.part);
    assert_int_equal(kit_status(k, &next).m.state, STORE_DELIVERED);
    assert_int_equal(kit_status(k, &never).m.state, STORE_QUEUED);
}

static void somebody_elses_old_report_settles_nothing(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    uncertain(k, &c, T0 + 180000);
    assert_int_equal(kit_report(k, NUMBER, 41, 0x00, T0 - 3 * CLK_HOUR_MS, T0 + 200000),
                     0); /* sent by a phone before */
    assert_int_equal(kit_report(k, "+815555555555", 41, 0x00, T0, T0 + 200000), 0);
    assert_string_equal(kit_status(k, &m).error_code, "uncertain");
}

static void a_report_in_time_stops_the_second_try(void **state)
{
    struct kit *k = *state;
    const struct store_policy policy = {.uncertain_resend = true,
                                        .uncertain_after_ms = 600000,
                                        .partial_after_ms = CLK_DAY_MS,
                                        .keep_ms = 400 * CLK_DAY_MS};
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0), again;
    uncertain(k, &c, T0 + 180000);
    assert_int_equal(store_tick(k->store, &policy, T0 + 780000), OK); /* back in the queue */
    assert_int_equal(kit_report(k, NUMBER, 41, 0x00, T0 + 1000, T0 + 781000), c.job.part);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 790000, &again), ERR_EMPTY);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
}

static void held_by_the_centre_is_sent_reference_unknown(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    kit_sent(k, &c, -1, T0 + 1000); /* CMS 197 */
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERING);
    assert_int_equal(kit_report(k, NUMBER, 200, 0x00, T0, T0 + 5000), c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
}

static void delivered_when_the_network_says_so(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = accepted(k, NUMBER);
    struct store_claim c = claimed(k, "gsm1", T0);
    struct sms_report rep = {
        .mr = 5, .scts_ms = T0, .recipient = NUMBER, .discharge_ms = T0 + 4000};
    uint64_t part;
    kit_sent(k, &c, 5, T0);
    assert_int_equal(store_report(k->store, "gsm1", ICCID, &rep, T0 + 9000, &part), OK);
    assert_int_equal(kit_status(k, &m).m.delivered_ms, T0 + 4000);

    m = accepted(k, NUMBER);
    c = claimed(k, "gsm1", T0);
    kit_sent(k, &c, 6, T0);
    rep.mr = 6;
    rep.discharge_ms = T0 + 10 * CLK_HOUR_MS; /* in our future: their clock is wrong */
    assert_int_equal(store_report(k->store, "gsm1", ICCID, &rep, T0 + 9000, &part), OK);
    assert_int_equal(kit_status(k, &m).m.delivered_ms, T0 + 9000);
}

/* A is in doubt, B went out after it and was settled by its report before its answer came: the answer is B's. */
static void a_late_answer_is_about_the_last_one_under_way(void **state)
{
    struct kit *k = *state;
    uint64_t part;
    (void)accepted(k, "+818012345678");
    struct store_claim a = claimed(k, "gsm1", T0);
    assert_int_equal(store_part_failed(k->store, a.job.part, STORE_VERDICT_UNCERTAIN, "gsm1",
                                       "CMS 332", "", T0 + 1000, T0 + 1000),
                     OK);
    assert_int_equal(store_part_awaited(k->store, "gsm1", T0 + 2000, &part), OK);
    assert_int_equal(part, a.job.part);
    (void)accepted(k, "+818087654321");
    struct store_claim b = claimed(k, "gsm1", T0 + 2000);
    assert_int_equal(kit_report(k, "+818087654321", 9, 0x00, T0 + 3000, T0 + 4000), b.job.part);
    assert_int_equal(store_part_awaited(k->store, "gsm1", T0 + 5000, &part), OK);
    assert_int_equal(part, 0);
    assert_int_equal(store_part_in_doubt(k->store, "gsm1", T0 + 5000, &part), OK);
    assert_int_equal(part, a.job.part); /* there is still one to listen for */
    assert_int_equal(store_part_awaited(k->store, "gsm2", T0 + 5000, &part), OK);
    assert_int_equal(part, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_status_has_its_outcome),
        T(a_failure_keeps_the_raw_value),
        T(national_form_matches),
        T(the_number_in_any_form),
        T(a_short_number_must_fit),
        T(not_ours_is_kept),
        T(the_sim_counts_not_the_modem),
        T(without_an_iccid_the_modem_is_the_sim),
        T(temporary_is_not_final),
        T(a_repeated_report_changes_nothing),
        T(equal_references_are_told_apart_by_time),
        T(a_repetition_does_not_settle_the_next_round),
        T(a_thousand_to_one_number),
        T(their_clock_may_be_off_by_hours),
        T(without_a_time_stamp_the_latest_open_one),
        T(a_report_settles_what_is_being_sent),
        T(a_temporary_report_settles_that_it_was_sent),
        T(a_report_settles_an_uncertain_part),
        T(the_expected_reference_chooses_between_two),
        T(a_known_reference_goes_before_a_guess),
        T(the_same_second_does_not_make_a_guess_better),
        T(somebody_elses_old_report_settles_nothing),
        T(a_report_in_time_stops_the_second_try),
        T(held_by_the_centre_is_sent_reference_unknown),
        T(delivered_when_the_network_says_so),
        T(a_late_answer_is_about_the_last_one_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
