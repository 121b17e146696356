/* The queue: order, one modem a message, parts in turn, verdicts, what a late answer may still
 * do. */
#include "store_kit.h"

#define LONG_TEXT                                                                                  \
    "Four score and seven years ago our fathers brought forth on this continent, a new nation, "   \
    "conceived in "                                                                                \
    "Liberty, and dedicated to the proposition that all men are created equal. Now we are "        \
    "engaged in a great "                                                                          \
    "civil war, testing whether that nation, or any nation so conceived and so dedicated, can "    \
    "long endure. We "                                                                             \
    "are met on a great battle-field of that war." /* 3 parts of at most 153 septets (23.040 9.2.3.24.1) */

static enum err verdict(struct kit *k, const struct store_claim *c, enum store_verdict v,
                        const char *code, int64_t retry_ms, int64_t now_ms)
{
    return store_part_failed(k->store, c->job.part, v, c->modem, code, "in words", retry_ms,
                             now_ms);
}

static struct store_new_message accepted(struct kit *k, const char *recipient, int priority,
                                         int64_t due_ms, const char *modem)
{
    struct store_new_message m = kit_message(k, recipient);
    m.priority = (uint8_t)priority;
    m.due_ms = due_ms;
    m.modem = modem;
    assert_int_equal(kit_accept(k, &m, T0), OK);
    return m;
}

static struct store_new_message accepted_long(struct kit *k)
{
    struct store_new_message m = kit_message(k, "+818012345678");
    m.text = LONG_TEXT;
    m.parts = 3;
    m.callbackurl = "http://127.0.0.1/cb";
    assert_int_equal(kit_accept(k, &m, T0), OK);
    return m;
}

static void nothing_due_tells_when(void **state)
{
    struct kit *k = *state;
    int64_t next = 1;
    struct store_claim c = {.modem = "gsm1", .iccid = ICCID, .now_ms = T0};
    assert_int_equal(store_part_claim(k->store, &c, &next), ERR_EMPTY);
    (void)accepted(k, "+811", 5, T0 + 90000, NULL);
    (void)accepted(k, "+812", 0, T0 + 60000, NULL);
    assert_int_equal(store_part_claim(k->store, &c, &next), ERR_EMPTY);
    c.now_ms = T0 + 60000;
    assert_int_equal(store_part_claim(k->store, &c, &next), OK);
    assert_string_equal(c.job.submit.recipient, "+812");
}

static void next_due_is_the_earliest_of_all_priorities(void **state)
{
    struct kit *k = *state;
    int64_t next = 1;
    struct store_claim c = {.modem = "gsm1", .iccid = ICCID, .now_ms = T0};
    (void)accepted(k, "+811", 9, T0 + 90000, NULL);
    (void)accepted(k, "+812", 5, T0 + 60000, "gsm1");
    (void)accepted(k, "+813", 0, T0 + 30000, "gsm2");
    (void)store_part_claim(k->store, &c, NULL);
    struct store_claim d = c;
    /* an empty claim reports through next_due_ms though it returns ERR_EMPTY */
    assert_int_equal(store_part_claim(k->store, &d, &next), ERR_EMPTY);
    assert_int_equal(next, T0 + 60000);
}

static void priority_then_due_time_then_age(void **state)
{
    struct kit *k = *state;
    static const struct {
        const char *recipient;
        int priority;
        int64_t due;
    } in[] = {{"+811", 5, T0 + 20}, {"+812", 5, T0 + 10}, {"+813", 9, T0 + 30}, {"+814", 0, T0},
              {"+815", 5, T0 + 10}, {"+816", 9, T0 + 31}, {"+817", 5, T0 + 10}};
    static const char *const out[] = {"+813", "+816", "+812", "+815", "+817", "+811", "+814"};
    for (size_t i = 0; i < 7; i++)
        (void)accepted(k, in[i].recipient, in[i].priority, in[i].due, NULL);
    for (size_t i = 0; i < 7; i++) {
        struct store_claim c;
        assert_int_equal(kit_claim(k, i % 2 ? "gsm1" : "gsm2", T0 + 100, &c), OK);
        assert_string_equal(c.job.submit.recipient, out[i]);
    }
}

static void a_job_is_ready_to_encode(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_new_message m = kit_message(k, "+818012345678");
    m.flash = true;
    m.valid_until_ms = T0 + CLK_HOUR_MS;
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 1500, &c), OK);
    assert_true(c.job.part != 0);
    assert_string_equal(c.msgid, m.msgid);
    assert_int_equal(c.queued_ms, 1500);
    assert_true(c.job.submit.flash);
    assert_true(c.job.submit.status_report);
    assert_false(c.job.submit.reject_duplicates);
    assert_int_equal(c.job.submit.validity_s, 3600 - 2);
    /* "test" in septets: 23.038 6.1.2.1; t=74 e=65 s=73 t=74 */
    assert_int_equal(c.job.submit.ud.udl, 4);
    assert_memory_equal(c.job.submit.ud.octets, "\xF4\xF2\x9C\x0E", 4);
    assert_false(c.job.submit.ud.udhi);
    assert_int_equal(kit_status(k, &m).m.state, STORE_QUEUED); /* claimed is still QUEUED */
    assert_string_equal(kit_status(k, &m).modem, "gsm1");
}

static void a_pinned_message_waits_for_its_modem(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    (void)accepted(k, "+811", 5, T0, "gsm2");
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), ERR_EMPTY);
    assert_int_equal(kit_claim(k, "gsm2", T0, &c), OK);
    assert_int_equal(verdict(k, &c, STORE_VERDICT_OTHER_MODEM, "CMS 28", T0, T0), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 60000, &c), ERR_EMPTY);
}

static void one_claim_each(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    (void)accepted(k, "+811", 5, T0, NULL);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_int_equal(kit_claim(k, "gsm2", T0, &c), ERR_EMPTY);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), ERR_EMPTY);
}

static void parts_go_out_in_order_on_one_modem(void **state)
{
    struct kit *k = *state;
    struct store_claim c, other;
    struct store_new_message m = accepted_long(k);
    uint8_t reference = 0;
    for (unsigned part = 0; part < 3; part++) {
        assert_int_equal(kit_claim(k, "gsm2", T0, &other), part ? ERR_EMPTY : OK);
        if (!part)
            assert_int_equal(verdict(k, &other, STORE_VERDICT_BACK, "", 0, T0), OK);
        assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
        const uint8_t *udh = c.job.submit.ud.octets; /* 23.040 9.2.3.24.1: 05 00 03 ref total seq */
        assert_true(c.job.submit.ud.udhi);
        assert_memory_equal(udh, "\x05\x00\x03", 3);
        assert_int_equal(udh[4], 3);
        assert_int_equal(udh[5], part + 1);
        if (part)
            assert_int_equal(udh[3], reference);
        reference = udh[3];
        assert_int_equal(kit_status(k, &m).m.state, STORE_QUEUED);
        kit_sent(k, &c, (int)part, T0 + 1000);
    }
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERING);
    for (unsigned part = 0; part < 3; part++) {
        assert_int_equal(kit_callbacks(k, T0 + 9000, NULL).n, 0);
        assert_true(kit_report(k, "+818012345678", (uint8_t)part, 0x00, T0, T0 + 5000) != 0);
    }
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
    assert_int_equal(kit_status(k, &m).m.delivered_ms, T0 + 5000);
    assert_int_equal(kit_callbacks(k, T0 + 9000, NULL).n, 1);
}

static void sent_and_the_next_claimed_in_one(void **state)
{
    struct kit *k = *state;
    struct store_claim c, next = {.modem = "gsm1", .iccid = ICCID, .now_ms = T0 + 10};
    (void)accepted_long(k);
    (void)accepted(k, "+811", 5, T0, NULL);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    uint64_t first = c.job.part;
    assert_int_equal(store_part_sent(k->store, first, "gsm1", ICCID, 1, T0 + 10, &next), OK);
    assert_int_equal(next.job.part, first + 1); /* older than the other message */
    c = next;
    next = (struct store_claim){.modem = "gsm1", .iccid = ICCID, .now_ms = T0 + 20};
    assert_int_equal(store_part_sent(k->store, c.job.part, "gsm1", ICCID, 2, T0 + 20, &next), OK);
    c = next;
    next = (struct store_claim){.modem = "gsm1", .iccid = ICCID, .now_ms = T0 + 20};
    assert_int_equal(store_part_sent(k->store, c.job.part, "gsm1", ICCID, 3, T0 + 20, &next), OK);
    assert_string_equal(next.job.submit.recipient, "+811");
    c = next;
    next = (struct store_claim){.modem = "gsm1", .iccid = ICCID, .now_ms = T0 + 20};
    assert_int_equal(store_part_sent(k->store, c.job.part, "gsm1", ICCID, 4, T0 + 20, &next), OK);
    assert_int_equal(next.job.part, 0);
}

static void back_leaves_no_trace(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_link l;
    char last[STORE_CODE_MAX];
    unsigned tries = 9;
    struct store_new_message m = kit_message(k, "+811");
    m.slug = "slug";
    m.link = m.destination = "http://a.example/";
    m.shortlink = "http://s/slug";
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_int_equal(store_link_get(k->reader, "slug", &l), OK);
    assert_int_equal(l.sending_ms, T0);
    assert_int_equal(verdict(k, &c, STORE_VERDICT_BACK, "", 0, T0), OK);
    assert_int_equal(store_part_tries(k->store, c.job.part, &tries, last), OK);
    assert_int_equal(tries, 0);
    assert_string_equal(kit_status(k, &m).modem, "");
    assert_string_equal(kit_status(k, &m).error_code, "");
    assert_int_equal(store_link_get(k->reader, "slug", &l), OK);
    assert_int_equal(l.sending_ms, 0);
    assert_int_equal(kit_claim(k, "gsm2", T0, &c), OK);
}

static void retry_waits_counts_and_tells_why(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    char last[STORE_CODE_MAX];
    unsigned tries = 9;
    struct store_new_message m = accepted(k, "+811", 5, T0, NULL);
    for (unsigned i = 1; i <= 3; i++) {
        int64_t now = T0 + 10000 * i;
        assert_int_equal(kit_claim(k, "gsm1", now, &c), OK);
        assert_int_equal(verdict(k, &c, STORE_VERDICT_RETRY, "CMS 38", now + 5000, now), OK);
        assert_int_equal(store_part_tries(k->store, c.job.part, &tries, last), OK);
        assert_int_equal(tries, i);
        struct kit_status s = kit_status(k, &m);
        assert_int_equal(s.m.state, STORE_QUEUED);
        assert_string_equal(s.error_code, "CMS 38");
        assert_string_equal(s.error_text, "in words");
        assert_int_equal(kit_claim(k, "gsm1", now + 4999, &c), ERR_EMPTY);
    }
    assert_int_equal(kit_claim(k, "gsm2", T0 + 35000, &c), OK); /* certain: any modem may */
    kit_sent(k, &c, 7, T0 + 36000);
    struct kit_status s = kit_status(k, &m);
    assert_int_equal(s.m.state, STORE_DELIVERING);
    assert_string_equal(s.error_code, ""); /* a later try succeeded */
    assert_int_equal(store_part_tries(k->store, 77777, &tries, last), OK);
    assert_int_equal(tries, 0);
}

static void another_modem_first_the_same_when_none_takes_it(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    int64_t next = 0;
    (void)accepted(k, "+811", 5, T0, NULL);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_int_equal(verdict(k, &c, STORE_VERDICT_OTHER_MODEM, "CMS 28", T0, T0), OK);
    c = (struct store_claim){.modem = "gsm1", .iccid = ICCID, .now_ms = T0 + 100};
    assert_int_equal(store_part_claim(k->store, &c, &next), ERR_EMPTY);
    assert_int_equal(next, T0 + 30000);
    assert_int_equal(kit_claim(k, "gsm2", T0 + 100, &c), OK);
    assert_int_equal(verdict(k, &c, STORE_VERDICT_OTHER_MODEM, "CMS 28", T0 + 200, T0 + 200), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 300, &c), OK); /* gsm2 was the last to refuse */
    assert_int_equal(verdict(k, &c, STORE_VERDICT_OTHER_MODEM, "CMS 28", T0 + 400, T0 + 400), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 400 + 30000, &c), OK); /* nobody else is there */
}

static void avoided_parts_hold_up_nobody(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    for (int i = 0; i < 20; i++) {
        (void)accepted(k, "+811", 9, T0, NULL);
        assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
        assert_int_equal(verdict(k, &c, STORE_VERDICT_OTHER_MODEM, "CMS 28", T0, T0), OK);
    }
    (void)accepted(k, "+812", 0, T0, NULL);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_string_equal(c.job.submit.recipient, "+812");
}

static void later_parts_stay_on_the_modem_of_the_first(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    (void)accepted_long(k);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    kit_sent(k, &c, 1, T0);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_int_equal(verdict(k, &c, STORE_VERDICT_OTHER_MODEM, "CMS 28", T0 + 5, T0), OK);
    assert_int_equal(kit_claim(k, "gsm2", T0 + 10, &c), ERR_EMPTY);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 10, &c), OK);
    assert_int_equal(c.job.submit.ud.octets[5], 2);
}

static void a_refused_part_fails_its_message(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_new_message m = accepted_long(k);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    kit_sent(k, &c, 1, T0);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_int_equal(verdict(k, &c, STORE_VERDICT_FAIL, "CMS 1", 0, T0 + 10), OK);
    struct kit_status s = kit_status(k, &m);
    assert_int_equal(s.m.state, STORE_FAIL);
    assert_string_equal(s.error_code, "CMS 1");
    assert_int_equal(kit_claim(k, "gsm1", T0 + CLK_HOUR_MS, &c),
                     ERR_EMPTY); /* part 3 is not sent */
    struct kit_callbacks cb = kit_callbacks(k, T0 + 10, NULL);
    assert_int_equal(cb.n, 1);
    assert_int_equal(cb.kind[0], STORE_CALLBACK_DELIVERY);
    (void)kit_report(k, "+818012345678", 1, 0x00, T0,
                     T0 + 5000); /* part 1 did arrive: final is final */
    assert_int_equal(kit_status(k, &m).m.state, STORE_FAIL);
    assert_int_equal(kit_callbacks(k, T0 + 9000, NULL).n, 1);
}

static void uncertain_is_said_in_words_and_not_sent_again(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_new_message m = accepted(k, "+811", 5, T0, NULL);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_int_equal(verdict(k, &c, STORE_VERDICT_UNCERTAIN, "timeout", 0, T0 + 180000), OK);
    struct kit_status s = kit_status(k, &m);
    assert_int_equal(s.m.state, STORE_QUEUED);
    assert_string_equal(s.error_code, "uncertain");
    assert_non_null(strstr(s.error_text, "in words"));
    struct store_claim d;
    assert_int_equal(kit_claim(k, "gsm1", T0 + 200000, &d), ERR_EMPTY);
    kit_sent(k, &c, 41, T0 + 200000); /* the late +CMGS */
    s = kit_status(k, &m);
    assert_int_equal(s.m.state, STORE_DELIVERING);
    assert_string_equal(s.error_code, "");
}

static void a_late_answer_changes_nothing_final(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_new_message m = accepted(k, "+811", 5, T0, NULL);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    kit_sent(k, &c, 41, T0);
    assert_int_equal(kit_report(k, "+811", 41, 0x00, T0, T0 + 5), c.job.part);
    kit_sent(k, &c, 42, T0 + 6);
    assert_int_equal(verdict(k, &c, STORE_VERDICT_FAIL, "CMS 1", 0, T0 + 7), OK);
    assert_int_equal(verdict(k, &c, STORE_VERDICT_RETRY, "CMS 1", T0, T0 + 7), OK);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED);
    assert_int_equal(kit_claim(k, "gsm1", T0 + CLK_HOUR_MS, &c), ERR_EMPTY);
    assert_int_equal(
        store_part_failed(k->store, 987654, STORE_VERDICT_FAIL, "gsm1", "x", "y", 0, T0),
        ERR_NOT_FOUND);
    assert_int_equal(store_part_sent(k->store, 987654, "gsm1", ICCID, 1, T0, NULL), ERR_NOT_FOUND);
}

static void expired_messages_are_not_sent(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_new_message m = kit_message(k, "+811");
    m.valid_until_ms = T0 + 300000;
    assert_int_equal(kit_accept(k, &m, T0), OK);
    (void)accepted(k, "+812", 5, T0 + 1, NULL);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 300000, &c), OK);
    assert_string_equal(c.job.submit.recipient, "+812");
    struct kit_status s = kit_status(k, &m);
    assert_int_equal(s.m.state, STORE_FAIL);
    assert_string_equal(s.error_code, "expired");
}

static void after_a_crash_sending_is_uncertain(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_counts n;
    struct store_new_message m = accepted(k, "+811", 5, T0, NULL),
                             other = accepted(k, "+812", 4, T0, NULL);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    kit_close(k);
    kit_open(k, T0 + 60000);
    struct kit_status s = kit_status(k, &m);
    assert_int_equal(s.m.state, STORE_QUEUED);
    assert_string_equal(s.error_code, "uncertain");
    assert_string_equal(kit_status(k, &other).error_code, "");
    assert_int_equal(store_counts(k->reader, &n), OK);
    assert_int_equal(n.uncertain, 1);
    assert_int_equal(n.queued, 2);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 60000, &c), OK);
    assert_string_equal(c.job.submit.recipient, "+812");
}

static void counts_follow(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_counts n;
    for (int i = 0; i < 5; i++)
        (void)accepted(k, "+811", 5, T0 + i, NULL);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 10, &c), OK);
    kit_sent(k, &c, 1, T0 + 10);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 10, &c), OK);
    kit_sent(k, &c, 2, T0 + 10);
    assert_true(kit_report(k, "+811", 1, 0x00, T0, T0 + 20) != 0);
    for (int reopened = 0; reopened < 2; reopened++) {
        assert_int_equal(store_counts(k->reader, &n), OK);
        assert_int_equal(n.queued, 3);
        assert_int_equal(n.delivering, 1);
        assert_int_equal(n.oldest_queued_ms, T0 + 2);
        kit_close(k);
        kit_open(k, T0 + 30);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_due_tells_when),
        T(next_due_is_the_earliest_of_all_priorities),
        T(priority_then_due_time_then_age),
        T(a_job_is_ready_to_encode),
        T(a_pinned_message_waits_for_its_modem),
        T(one_claim_each),
        T(parts_go_out_in_order_on_one_modem),
        T(sent_and_the_next_claimed_in_one),
        T(back_leaves_no_trace),
        T(retry_waits_counts_and_tells_why),
        T(another_modem_first_the_same_when_none_takes_it),
        T(avoided_parts_hold_up_nobody),
        T(later_parts_stay_on_the_modem_of_the_first),
        T(a_refused_part_fails_its_message),
        T(uncertain_is_said_in_words_and_not_sent_again),
        T(a_late_answer_changes_nothing_final),
        T(expired_messages_are_not_sent),
        T(after_a_crash_sending_is_uncertain),
        T(counts_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
