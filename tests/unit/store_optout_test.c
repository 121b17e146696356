/* Opt-out: which texts count, which numbers they count for, at acceptance and at sending. */
#include <uchar.h>

#include "store_kit.h"

static const char *const out_words[] = {"STOP", "Opt out", "停止", "СТОП", "ARRÊT"};
static const char *const in_words[] = {"START"};

static int setup(void **state)
{
    const struct store_words out = {out_words, 5}, in = {in_words, 1};
    (void)kit_setup(state);
    struct kit *k = *state;
    assert_int_equal(store_opt_words(k->store, &out, &in), OK);
    return 0;
}

static unsigned pdus;

/* The text as UTF-16 (UCS-2: 23.038 6.2.3). */
static void arrive(struct kit *k, const char *sender, const char16_t *text, const char *url)
{
    struct sms_deliver d = {.scts_ms = T0, .message_class = -1, .ud.alphabet = SMS_UCS2};
    struct sms_raw raw = {.n = 8};
    (void)snprintf(d.sender, sizeof d.sender, "%s", sender);
    for (; *text; text++) {
        d.ud.octets[d.ud.udl++] = (uint8_t)(*text >> 8);
        d.ud.octets[d.ud.udl++] = (uint8_t)*text;
    }
    pdus++;
    memcpy(raw.octets, &pdus, sizeof pdus);
    assert_int_equal(store_incoming(k->store, "gsm1", ICCID, &d, &raw, url, T0), OK);
}

static enum err accepts(struct kit *k, const char *recipient)
{
    struct store_new_message m = kit_message(k, recipient);
    return kit_accept(k, &m, T0);
}

static void a_word_as_the_whole_text(void **state)
{
    struct kit *k = *state;
    static const struct {
        const char16_t *text;
        bool counts;
    } rows[] = {
        {u"STOP", true},        {u"stop", true},
        {u"  Stop \r\n", true}, {u"\u3000STOP\u00A0", true},
        {u"opt OUT", true},     {u"停止", true},
        {u" 停止 ", true},      {u"стоп", true},
        {u"arrêt", true},       {u"STOPP", false},
        {u"STO", false},        {u"please stop", false},
        {u"stop it", false},    {u"", false},
        {u"  ", false},         {u"optout", false},
        {u"don't stop", false}, {u"停", false},
        {u"START", false},      {u"ｓｔｏｐ", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char number[24];
        (void)snprintf(number, sizeof number, "+49151000%05zu", i);
        arrive(k, number, rows[i].text, NULL);
        enum err e = accepts(k, number);
        if (e != (rows[i].counts ? ERR_DENIED : OK))
            print_error("row %zu\n", i);
        assert_int_equal(e, rows[i].counts ? ERR_DENIED : OK);
    }
}

static void only_that_number_until_it_opts_in(void **state)
{
    struct kit *k = *state;
    arrive(k, "+4915112345678", u"STOP", NULL);
    arrive(k, "+4915112345678", u"STOP", NULL);
    assert_int_equal(accepts(k, "+4915112345678"), ERR_DENIED);
    assert_int_equal(accepts(k, "+4415112345678"), OK); /* the same last digits */
    assert_int_equal(accepts(k, "+4915112345679"), OK);
    kit_close(k);
    kit_open(k, T0);
    const struct store_words out = {out_words, 5}, in = {in_words, 1};
    assert_int_equal(store_opt_words(k->store, &out, &in), OK);
    assert_int_equal(accepts(k, "+4915112345678"), ERR_DENIED);
    arrive(k, "+4415112345678", u"START", NULL); /* somebody else's */
    assert_int_equal(accepts(k, "+4915112345678"), ERR_DENIED);
    arrive(k, "+4915112345678", u"start", NULL);
    assert_int_equal(accepts(k, "+4915112345678"), OK);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM opt_out"), 0);
}

/* Networks write a caller of their own country without its code (23.040 9.1.2.5: type of number 2). */
static void a_number_in_national_form(void **state)
{
    struct kit *k = *state;
    arrive(k, "09012345678", u"STOP", NULL);
    assert_int_equal(accepts(k, "+819012345678"), ERR_DENIED);
    assert_int_equal(accepts(k, "+819112345678"), OK);
    arrive(k, "+819012345678", u"START", NULL);
    assert_int_equal(accepts(k, "+819012345678"), OK);
    arrive(k, "+819012345678", u"STOP", NULL);
    arrive(k, "819012345678", u"START", NULL);
    assert_int_equal(accepts(k, "+819012345678"), OK);
}

static void only_numbers(void **state)
{
    struct kit *k = *state;
    static const char *const senders[] = {"Shop", "12345", "", "+", "+49151x2345678"};
    for (size_t i = 0; i < sizeof senders / sizeof senders[0]; i++)
        arrive(k, senders[i], u"STOP", NULL);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM opt_out"), 0);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM inbox"), 5);
}

static void the_inbox_has_it_with_its_callback(void **state)
{
    struct kit *k = *state;
    arrive(k, "+4915112345678", u"STOP", "http://127.0.0.1/in");
    struct kit_callbacks cb = kit_callbacks(k, T0, NULL);
    assert_int_equal(cb.n, 1);
    assert_int_equal(cb.kind[0], STORE_CALLBACK_INBOX);
    assert_true(cb.msgid[0] != '\0');
}

static void what_is_queued_fails_when_its_turn_comes(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_new_message m = kit_message(k, "+4915112345678"),
                             other = kit_message(k, "+4915112345679");
    m.callbackurl = "http://127.0.0.1/cb";
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(kit_accept(k, &other, T0), OK);
    arrive(k, "+4915112345678", u"STOP", NULL);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_string_equal(c.job.submit.recipient, "+4915112345679");
    struct kit_status s = kit_status(k, &m);
    assert_int_equal(s.m.state, STORE_FAIL);
    assert_string_equal(s.error_code, "opted_out");
    assert_true(s.error_text[0] != '\0');
    assert_int_equal(kit_callbacks(k, T0, NULL).n, 1);
}

static void all_or_nobody_and_who_it_was(void **state)
{
    struct kit *k = *state;
    struct kit_wait w = KIT_WAIT;
    bool denied[3] = {0};
    struct store_new_message m[3] = {kit_message(k, "+4915100000001"),
                                     kit_message(k, "+4915100000002"),
                                     kit_message(k, "+4915100000003")};
    struct store_accept a = {
        .account = ACCOUNT, .now_ms = T0, .messages = m, .count = 3, .denied = denied};
    arrive(k, "+4915100000001", u"STOP", NULL);
    arrive(k, "+4915100000003", u"STOP", NULL);
    store_accept(k->store, &a, kit_done, &w);
    assert_int_equal(kit_wait(&w, 1), ERR_DENIED);
    assert_true(denied[0] && !denied[1] && denied[2]);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, kit_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_word_as_the_whole_text),           T(only_that_number_until_it_opts_in),
        T(a_number_in_national_form),          T(only_numbers),
        T(the_inbox_has_it_with_its_callback), T(what_is_queued_fails_when_its_turn_comes),
        T(all_or_nobody_and_who_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
