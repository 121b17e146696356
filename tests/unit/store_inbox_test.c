/* What arrives: texts, parts in any order, the same again, octets that are no text. */
#include "store_kit.h"

struct inbox {
    unsigned n;
    struct store_inbox m[40];
    char message[40][400], sender[40][60], modem[40][40], public_id[40][64];
    char recipient[40][60], replaces[40][64];
};

static enum err copy(void *ctx, const struct store_inbox *m)
{
    struct inbox *in = ctx;
    assert_true(in->n < 40);
    in->m[in->n] = *m;
    (void)snprintf(in->message[in->n], 400, "%s", m->message);
    (void)snprintf(in->sender[in->n], 60, "%s", m->sender);
    (void)snprintf(in->modem[in->n], 40, "%s", m->modem);
    (void)snprintf(in->recipient[in->n], 60, "%s", m->recipient ? m->recipient : "(null)");
    (void)snprintf(in->replaces[in->n], 64, "%s", m->replaces ? m->replaces : "");
    (void)snprintf(in->public_id[in->n++], 64, "%s", m->public_id);
    return OK;
}

static struct inbox inbox(struct kit *k)
{
    struct inbox in;
    struct store_inbox_query q = {0};
    memset(&in, 0, sizeof in);
    assert_int_equal(store_inbox_list(k->reader, &q, copy, &in), OK);
    return in;
}

static unsigned pdus;

/* UCS-2, so that the octets can be read here: 23.038 6.2.3. */
static struct sms_deliver text(const char *sender, const char *ascii, int64_t scts_ms)
{
    struct sms_deliver d = {.scts_ms = scts_ms, .message_class = -1, .ud.alphabet = SMS_UCS2};
    (void)snprintf(d.sender, sizeof d.sender, "%s", sender);
    for (size_t i = 0; ascii[i]; i++)
        d.ud.octets[2 * i + 1] = (uint8_t)ascii[i];
    d.ud.udl = (uint8_t)(2 * strlen(ascii));
    return d;
}

static struct sms_deliver fragment(const char *sender, unsigned ref, unsigned total, unsigned seq,
                                   const char *ascii, int64_t scts_ms)
{
    struct sms_deliver d = text(sender, "", scts_ms);
    const uint8_t udh[] = {5,           0, 3, (uint8_t)ref, (uint8_t)total,
                           (uint8_t)seq}; /* 23.040 9.2.3.24.1 */
    d.concat = (struct sms_concat){(uint16_t)ref, (uint8_t)total, (uint8_t)seq, false};
    d.ud.udhi = true;
    memcpy(d.ud.octets, udh, sizeof udh);
    for (size_t i = 0; ascii[i]; i++)
        d.ud.octets[6 + 2 * i + 1] = (uint8_t)ascii[i];
    d.ud.udl = (uint8_t)(6 + 2 * strlen(ascii));
    return d;
}

static void arrive_as(struct kit *k, const struct sms_deliver *d, unsigned pdu, const char *url,
                      int64_t now_ms)
{
    struct sms_raw raw = {.n = 8};
    memcpy(raw.octets, &pdu, sizeof pdu);
    assert_int_equal(store_incoming(k->store, "gsm1", ICCID, d, &raw, url, now_ms), OK);
}

static void arrive(struct kit *k, const struct sms_deliver *d, int64_t now_ms)
{
    arrive_as(k, d, ++pdus, NULL, now_ms);
}

static void a_text_and_its_callback(void **state)
{
    struct kit *k = *state;
    struct sms_deliver d = text("+4479", "hello", T0);
    arrive_as(k, &d, ++pdus, "http://127.0.0.1/inbox", T0 + 5);
    struct inbox in = inbox(k);
    assert_int_equal(in.n, 1);
    assert_string_equal(in.message[0], "hello");
    assert_string_equal(in.sender[0], "+4479");
    assert_string_equal(in.modem[0], "gsm1");
    assert_int_equal(in.m[0].received_ms, T0 + 5);
    assert_int_equal(in.m[0].parts, 1);
    assert_false(in.m[0].partial || in.m[0].binary);
    struct kit_callbacks cb = kit_callbacks(k, T0 + 5, NULL);
    assert_int_equal(cb.n, 1);
    assert_int_equal(cb.kind[0], STORE_CALLBACK_INBOX);
    assert_string_equal(cb.msgid, in.public_id[0]);
    assert_string_equal(cb.url, "http://127.0.0.1/inbox");
    assert_string_equal(cb.account, "");

    struct inbox one;
    memset(&one, 0, sizeof one);
    assert_int_equal(store_inbox_get(k->reader, in.public_id[0], copy, &one), OK);
    assert_string_equal(one.message[0], "hello");
    assert_int_equal(store_inbox_get(k->reader, "nope", copy, &one), ERR_NOT_FOUND);
}

static void the_same_pdu_again_is_known(void **state)
{
    struct kit *k = *state;
    struct sms_deliver d = text("+4479", "hello", T0);
    struct sms_raw raw = {.n = 2, .octets = {1, 2}};
    for (int i = 0; i < 3; i++) {
        arrive_as(k, &d, 777777, NULL, T0 + i);
        if (i == 1) {
            kit_close(k);
            kit_open(k, T0);
        }
    }
    assert_int_equal(inbox(k).n, 1);
    d = text("+4479", "hello", T0); /* the same text in a PDU of its own */
    arrive(k, &d, T0);
    assert_int_equal(inbox(k).n, 2);
    assert_int_equal(store_raw(k->store, "gsm1", ICCID, &raw, T0), OK);
    assert_int_equal(store_raw(k->store, "gsm1", ICCID, &raw, T0), OK);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM raw"), 1);
    assert_int_equal(store_raw(k->store, "gsm2", "8944", &raw, T0), OK); /* of another SIM */
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM raw"), 2);
}

static void parts_in_any_order_and_across_a_restart(void **state)
{
    struct kit *k = *state;
    static const unsigned orders[][3] = {{1, 2, 3}, {3, 2, 1}, {2, 3, 1}, {3, 1, 2}};
    static const char *const words[] = {"", "one ", "two ", "three"};
    for (unsigned o = 0; o < 4; o++) {
        for (unsigned i = 0; i < 3; i++) {
            struct sms_deliver d =
                fragment("+4479", 10 + o, 3, orders[o][i], words[orders[o][i]], T0);
            arrive_as(k, &d, ++pdus, "http://127.0.0.1/inbox", T0 + o);
            arrive_as(k, &d, pdus, "http://127.0.0.1/inbox", T0 + o); /* swept again */
            if (i == 1) {
                kit_close(k);
                kit_open(k, T0);
            }
        }
        struct inbox in = inbox(k);
        assert_int_equal(in.n, o + 1);
        assert_string_equal(in.message[0], "one two three");
        assert_int_equal(in.m[0].parts, 3);
        assert_int_equal(kit_callbacks(k, T0 + 9, NULL).n, o + 1);
    }
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM fragment"), 0);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM fragment_set"), 0);
}

static void sets_of_different_keys_do_not_mix(void **state)
{
    struct kit *k = *state;
    struct sms_deliver d[] = {
        fragment("+4479", 7, 2, 1, "a1", T0), fragment("+4480", 7, 2, 2, "b2", T0),
        fragment("+4479", 8, 2, 2, "c2", T0), fragment("+4479", 7, 3, 2, "d2", T0),
        fragment("+4479", 7, 2, 2, "e2", T0),
    };
    d[4].concat.wide = true; /* a 16-bit reference of the same value */
    for (size_t i = 0; i < 5; i++)
        arrive(k, &d[i], T0);
    assert_int_equal(inbox(k).n, 0);
    struct sms_deliver last = fragment("+4479", 7, 2, 2, "a2", T0);
    arrive(k, &last, T0);
    struct inbox in = inbox(k);
    assert_int_equal(in.n, 1);
    assert_string_equal(in.message[0], "a1a2");
}

static void a_reference_used_again_begins_a_new_set(void **state)
{
    struct kit *k = *state;
    struct sms_deliver a1 = fragment("+4479", 7, 2, 1, "a1", T0),
                       b1 = fragment("+4479", 7, 2, 1, "b1", T0 + 60000),
                       b2 = fragment("+4479", 7, 2, 2, "b2", T0 + 61000),
                       a2 = fragment("+4479", 7, 2, 2, "a2", T0 + 1000);
    arrive(k, &a1, T0);
    arrive(k, &b1, T0 + 60000);
    arrive(k, &b2, T0 + 61000);
    arrive(k, &a2, T0 + 62000);
    struct inbox in = inbox(k);
    assert_int_equal(in.n, 2);
    assert_string_equal(in.message[1], "b1b2");
    assert_string_equal(in.message[0], "a1a2");
    struct sms_deliver week1 = fragment("+4479", 9, 2, 1, "old", T0),
                       week2 = fragment("+4479", 9, 2, 2, "new", T0 + 7 * CLK_DAY_MS);
    arrive(k, &week1, T0);
    arrive(k, &week2, T0);
    assert_int_equal(inbox(k).n, 2);
}

static void incomplete_becomes_a_flagged_partial(void **state)
{
    struct kit *k = *state;
    const struct store_policy policy = {.uncertain_after_ms = 600000,
                                        .partial_after_ms = CLK_DAY_MS,
                                        .keep_ms = 400 * CLK_DAY_MS,
                                        .inbox_url = "http://127.0.0.1/inbox"};
    struct sms_deliver one = fragment("+4479", 7, 3, 1, "one", T0),
                       three = fragment("+4479", 7, 3, 3, "three", T0),
                       two = fragment("+4479", 7, 3, 2, "two", T0);
    arrive(k, &one, T0);
    arrive(k, &three, T0 + CLK_HOUR_MS);
    assert_int_equal(store_tick(k->store, &policy, T0 + CLK_DAY_MS - 1), OK);
    assert_int_equal(inbox(k).n, 0);
    assert_int_equal(store_tick(k->store, &policy, T0 + CLK_DAY_MS), OK);
    struct inbox in = inbox(k);
    assert_int_equal(in.n, 1);
    assert_true(in.m[0].partial);
    assert_int_equal(in.m[0].parts, 3);
    assert_string_equal(in.message[0], "one\xE2\x80\xA6three"); /* U+2026 in the gap */
    assert_int_equal(kit_callbacks(k, T0 + CLK_DAY_MS, NULL).n, 1);
    /* Late: the same entry is whole now, and posted once more. */
    arrive_as(k, &two, ++pdus, "http://127.0.0.1/inbox", T0 + 2 * CLK_DAY_MS);
    struct inbox whole = inbox(k);
    assert_int_equal(whole.n, 1);
    assert_string_equal(whole.public_id[0], in.public_id[0]);
    assert_false(whole.m[0].partial);
    assert_string_equal(whole.message[0], "onetwothree");
    assert_int_equal(kit_callbacks(k, T0 + 2 * CLK_DAY_MS, NULL).n, 2);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM fragment_set"), 0);
    assert_int_equal(store_tick(k->store, &policy, T0 + 3 * CLK_DAY_MS), OK);
    assert_int_equal(inbox(k).n, 1);
}

static const struct store_policy partial_policy = {.uncertain_after_ms = 600000,
                                                   .partial_after_ms = CLK_DAY_MS,
                                                   .keep_ms = 400 * CLK_DAY_MS,
                                                   .inbox_url = "http://127.0.0.1/inbox"};

/* Three of five late, across a restart: one entry that fills, one more POST in the end. */
static void late_parts_fill_the_partial(void **state)
{
    struct kit *k = *state;
    static const char *const words[] = {"a", "b", "c", "d", "e"};
    struct sms_deliver d[5];
    for (unsigned i = 0; i < 5; i++)
        d[i] = fragment("+4479", 7, 5, i + 1, words[i], T0 + i);
    arrive(k, &d[4], T0);
    arrive(k, &d[1], T0);
    assert_int_equal(store_tick(k->store, &partial_policy, T0 + CLK_DAY_MS), OK);
    assert_string_equal(inbox(k).message[0], "\xE2\x80\xA6"
                                             "b\xE2\x80\xA6\xE2\x80\xA6"
                                             "e");
    arrive_as(k, &d[2], ++pdus, "http://127.0.0.1/inbox", T0 + 2 * CLK_DAY_MS);
    assert_string_equal(inbox(k).message[0], "\xE2\x80\xA6"
                                             "bc\xE2\x80\xA6"
                                             "e");
    assert_true(inbox(k).m[0].partial);
    kit_close(k);
    kit_open(k, T0);
    arrive_as(k, &d[0], ++pdus, "http://127.0.0.1/inbox", T0 + 3 * CLK_DAY_MS);
    assert_int_equal(kit_callbacks(k, T0 + 3 * CLK_DAY_MS, NULL).n, 1);
    arrive_as(k, &d[3], ++pdus, "http://127.0.0.1/inbox", T0 + 3 * CLK_DAY_MS);
    struct inbox in = inbox(k);
    assert_int_equal(in.n, 1);
    assert_false(in.m[0].partial);
    assert_string_equal(in.message[0], "abcde");
    assert_int_equal(kit_callbacks(k, T0 + 3 * CLK_DAY_MS, NULL).n, 2);
}

/* Not what was given out weeks ago, nor another text of the same reference an hour and more apart. */
static void a_partial_takes_only_its_own(void **state)
{
    struct kit *k = *state;
    struct sms_deliver one = fragment("+4479", 7, 2, 1, "one", T0),
                       other = fragment("+4479", 7, 2, 2, "other", T0 + 2 * CLK_HOUR_MS),
                       two = fragment("+4479", 7, 2, 2, "two", T0 + 1000);
    arrive(k, &one, T0);
    assert_int_equal(store_tick(k->store, &partial_policy, T0 + CLK_DAY_MS), OK);
    arrive(k, &other, T0 + CLK_DAY_MS + 1);
    assert_true(inbox(k).m[0].partial);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM fragment_set"), 2);
    for (int day = 9; day < 12; day++)
        assert_int_equal(store_tick(k->store, &partial_policy, T0 + day * CLK_DAY_MS), OK);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM fragment_set"), 0);
    arrive(k, &two, T0 + 12 * CLK_DAY_MS);
    assert_int_equal(store_tick(k->store, &partial_policy, T0 + 13 * CLK_DAY_MS), OK);
    struct inbox in = inbox(k);
    assert_int_equal(in.n, 3);
    assert_string_equal(in.message[0], "\xE2\x80\xA6"
                                       "two");
}

/* Thousands of first parts from one number: what waits is bounded, nothing of it is lost, others are not touched. */
static void hostile_sets_stay_bounded(void **state)
{
    struct kit *k = *state;
    struct sms_deliver good = fragment("+4480", 7, 2, 1, "good ", T0),
                       rest = fragment("+4480", 7, 2, 2, "one", T0);
    arrive(k, &good, T0);
    for (unsigned i = 0; i < 2000; i++) {
        struct sms_deliver d = fragment("+4479", 0, 255, 1 + i % 255, "x", T0);
        d.concat.ref = (uint16_t)i;
        d.concat.wide = true;
        arrive(k, &d, T0 + i);
    }
    arrive(k, &rest, T0 + 3000);
    assert_int_equal(
        kit_sql(k, "SELECT count(*) FROM inbox WHERE sender='+4480' AND message='good one'"), 1);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM fragment_set"), 64);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM inbox WHERE partial"), 2000 - 64);
}

/* What a part is, its brothers are: differing alphabets, and one whose clock is no date. */
static void parts_of_differing_alphabets(void **state)
{
    struct kit *k = *state;
    struct sms_deliver one = fragment("+4479", 7, 2, 1, "\xFF", -1),
                       two = fragment("+4479", 7, 2, 2, "", T0);
    one.ud.octets[6] = 0x26;
    one.ud.octets[7] = 0x03; /* U+2603, 23.038 6.2.3 */
    one.ud.udl = 8;
    two.ud.alphabet = SMS_GSM7;
    two.ud.octets[6] = 0x82; /* a fill bit, and 'A': 9.2.3.24 */
    two.ud.udl = 8;
    arrive(k, &one, T0);
    arrive(k, &two, T0 + 1000);
    struct inbox in = inbox(k);
    assert_int_equal(in.n, 1);
    assert_string_equal(in.message[0], "\xE2\x98\x83"
                                       "A");
}

static void own_number_where_known(void **state)
{
    struct kit *k = *state;
    struct sms_deliver d = text("+4479", "hi", T0);
    arrive(k, &d, T0);
    assert_string_equal(inbox(k).recipient[0], "(null)");
    struct modem_identity who = {.imei = "860123450000004", .iccid = ICCID, .number = "+81901"};
    assert_int_equal(store_identified(k->store, "gsm1", &who, T0), OK);
    arrive(k, &d, T0 + 1);
    assert_string_equal(inbox(k).recipient[0], "+81901");
}

/* 23.040 9.2.3.9: each is kept, and names the one before it of the same sender and type. */
static void a_replacing_one_names_the_earlier(void **state)
{
    struct kit *k = *state;
    struct sms_deliver a = text("+4479", "balance 1", T0), b = text("+4479", "balance 2", T0),
                       other = text("+4480", "x", T0), plain = text("+4479", "y", T0);
    a.pid = b.pid = other.pid = 0x41;
    arrive(k, &a, T0);
    arrive(k, &other, T0 + 1);
    arrive(k, &plain, T0 + 2);
    b.pid = 0x42;
    arrive(k, &b, T0 + 3);
    b.pid = 0x41;
    arrive(k, &b, T0 + 4);
    struct inbox in = inbox(k);
    assert_int_equal(in.n, 5);
    assert_string_equal(in.replaces[0], in.public_id[4]);
    for (unsigned i = 1; i < 5; i++)
        assert_string_equal(in.replaces[i], "");
}

/* A phone acknowledges it and shows nothing (9.2.3.9): kept for the curious, nobody is told, and it is no STOP. */
static void type_0_is_kept_and_not_posted(void **state)
{
    struct kit *k = *state;
    struct sms_deliver d = text("+4479", "ping", T0);
    d.pid = 0x40;
    arrive_as(k, &d, ++pdus, "http://127.0.0.1/inbox", T0);
    assert_true(inbox(k).m[0].silent);
    assert_int_equal(kit_callbacks(k, T0 + 1, NULL).n, 0);
}

static void flash_waiting_and_data_are_told(void **state)
{
    struct kit *k = *state;
    struct sms_deliver d = text("+4479", "now", T0);
    d.message_class = 0;
    arrive(k, &d, T0);
    d.message_class = -1;
    d.waiting = (struct sms_waiting){.kind = SMS_WAITING_VOICEMAIL, .active = true, .count = 255};
    arrive(k, &d, T0 + 1);
    d.waiting = (struct sms_waiting){0};
    d.pid = 0x7F; /* for the card: 31.111, octets whatever TP-DCS says */
    arrive(k, &d, T0 + 2);
    struct inbox in = inbox(k);
    assert_true(in.m[2].flash && !in.m[2].silent && !in.m[2].waiting.kind);
    assert_true(!in.m[1].flash && in.m[1].waiting.active);
    assert_int_equal(in.m[1].waiting.kind, SMS_WAITING_VOICEMAIL);
    assert_int_equal(in.m[1].waiting.count, 255);
    assert_true(in.m[0].binary);
    assert_string_equal(in.message[0], "006E006F0077");
}

static void octets_are_kept_as_octets(void **state)
{
    struct kit *k = *state;
    struct sms_deliver d = {.scts_ms = T0,
                            .sender = "MMSC",
                            .port_dst = 2948,
                            .port_src = 9200,
                            .ud = {.alphabet = SMS_8BIT, .udhi = true}};
    static const uint8_t ud[] = {6,    5,    4,    0x0B, 0x84, 0x23,
                                 0xF0, 0xDE, 0xAD, 0xBE, 0xEF}; /* WAP push, 9.2.3.24.4 */
    memcpy(d.ud.octets, ud, sizeof ud);
    d.ud.udl = sizeof ud;
    arrive(k, &d, T0);
    struct inbox in = inbox(k);
    assert_true(in.m[0].binary);
    assert_int_equal(in.m[0].port_dst, 2948);
    assert_int_equal(in.m[0].port_src, 9200);
    assert_string_equal(in.message[0], "DEADBEEF");
    struct sms_deliver a = fragment("+4479", 7, 2, 2, "", T0),
                       b = fragment("+4479", 7, 2, 1, "", T0);
    a.ud.alphabet = b.ud.alphabet = SMS_8BIT;
    a.ud.octets[6] = 0x22;
    b.ud.octets[6] = 0x11;
    a.ud.udl = b.ud.udl = 7;
    arrive(k, &a, T0 + 1);
    arrive(k, &b, T0 + 1);
    in = inbox(k);
    assert_int_equal(in.n, 2);
    assert_true(in.m[0].binary);
    assert_string_equal(in.message[0], "1122");
}

static void hostile_fields_do_no_harm(void **state)
{
    struct kit *k = *state;
    struct sms_deliver d = fragment("+4479", 7, 2, 1, "x", T0);
    static const struct sms_concat bad[] = {
        {7, 0, 0, false}, {7, 1, 1, false}, {7, 2, 0, false}, {7, 2, 3, false}};
    for (size_t i = 0; i < 4; i++) {
        d.concat = bad[i];
        arrive(k, &d, T0 + (int)i);
    }
    assert_int_equal(inbox(k).n, 4); /* each by itself */
    d = text("", "", -1);
    d.ud.alphabet = SMS_8BIT;
    d.ud.udl = 255; /* more than there is */
    arrive(k, &d, T0);
    d.ud.alphabet = SMS_UCS2;
    d.ud.udl = 139; /* half a character */
    arrive(k, &d, T0);
    memset(d.ud.octets, 0xD8, sizeof d.ud.octets); /* lone surrogates */
    d.ud.udl = 140;
    arrive(k, &d, T0);
    assert_int_equal(inbox(k).n, 7);
    struct sms_raw empty = {.n = 0};
    assert_int_equal(store_raw(k->store, "gsm1", "", &empty, T0), OK);
}

static void the_longest_text(void **state)
{
    struct kit *k = *state;
    char words[68];
    memset(words, 'x', 67);
    words[67] = '\0';
    for (unsigned seq = 255; seq >= 1; seq--) {
        struct sms_deliver d = fragment("+4479", 7, 255, seq, words, T0);
        arrive(k, &d, T0);
    }
    assert_int_equal(inbox(k).n, 1);
    assert_int_equal(kit_sql(k, "SELECT length(message) FROM inbox"), 255 * 67);
}

static void lists_are_newest_first_and_paged(void **state)
{
    struct kit *k = *state;
    struct store_inbox_query q = {.limit = 4};
    unsigned total = 0;
    for (int i = 0; i < 10; i++) {
        struct sms_deliver d = text("+4479", "x", T0);
        arrive(k, &d, T0 + i / 3);
    }
    int64_t last = INT64_MAX;
    for (;;) {
        struct inbox in;
        memset(&in, 0, sizeof in);
        assert_int_equal(store_inbox_list(k->reader, &q, copy, &in), OK);
        if (!in.n)
            break;
        for (unsigned i = 0; i < in.n; i++) {
            assert_true(in.m[i].id < last);
            last = in.m[i].id;
        }
        total += in.n;
        q.before_id = last;
    }
    assert_int_equal(total, 10);
    q = (struct store_inbox_query){.since_ms = T0 + 2};
    struct inbox in;
    memset(&in, 0, sizeof in);
    assert_int_equal(store_inbox_list(k->reader, &q, copy, &in), OK);
    assert_int_equal(in.n, 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_text_and_its_callback),
        T(the_same_pdu_again_is_known),
        T(parts_in_any_order_and_across_a_restart),
        T(sets_of_different_keys_do_not_mix),
        T(a_reference_used_again_begins_a_new_set),
        T(incomplete_becomes_a_flagged_partial),
        T(late_parts_fill_the_partial),
        T(a_partial_takes_only_its_own),
        T(hostile_sets_stay_bounded),
        T(parts_of_differing_alphabets),
        T(own_number_where_known),
        T(a_replacing_one_names_the_earlier),
        T(type_0_is_kept_and_not_posted),
        T(flash_waiting_and_data_are_told),
        T(octets_are_kept_as_octets),
        T(hostile_fields_do_no_harm),
        T(the_longest_text),
        T(lists_are_newest_first_and_paged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
