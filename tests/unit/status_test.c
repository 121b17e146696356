/* status_test.c - rows as JSON and as form fields: the words of api.md, and hostile rows. */
#include "../../src/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

/* 2026-01-02 03:04:05 UTC */
#define ACCEPTED INT64_C(1767323045000)
#define CLICKED  (ACCEPTED + 295000)

static const struct store_message delivered = {
    .id = 7,
    .msgid = "VncyEuDbojkzRJ2GlKP3USB7C5F6atp1",
    .account = "main",
    .recipient = "+818012345678",
    .sender = "Xoxzo1",
    .tags = "[\"a\",\"b\"]",
    .url_base = "http://HOST",
    .state = STORE_DELIVERED,
    .accepted_ms = ACCEPTED,
    .submitted_ms = ACCEPTED + 2000,
    .delivered_ms = ACCEPTED + 5000,
    .parts = 1,
    .modem = "m0",
    .tracked = true,
    .link = "https://example.com/p",
    .shortlink = "https://s.example/k7qz2m9rtx",
    .accessed_ms = CLICKED,
    .link_expires_ms = ACCEPTED + INT64_C(90) * 86400000,
    .clicks = 2,
    .bots = 3,
};

static json_t *as_json(const struct store_message *m)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(status_message(m, &out), OK);
    json_t *json = json_loads(buf_str(&out), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    buf_free(&out);
    return json;
}

/* By hand from api.md's example. */
static void a_delivered_message_reads_as_in_api_md(void **state)
{
    (void)state;
    json_t *json = as_json(&delivered);
    json_t *want = json_loads(
        "{\"msgid\":\"VncyEuDbojkzRJ2GlKP3USB7C5F6atp1\",\"status\":\"DELIVERED\","
        "\"sender\":\"Xoxzo1\",\"recipient\":\"+818012345678\","
        "\"sent_time\":\"2026-01-02 03:04:05\",\"cost\":0,\"parts\":1,\"tags\":[\"a\",\"b\"],"
        "\"url\":\"http://HOST/sms/messages/VncyEuDbojkzRJ2GlKP3USB7C5F6atp1/\","
        "\"link_tracking\":{\"link\":\"https://example.com/p\","
        "\"shortlink\":\"https://s.example/k7qz2m9rtx\",\"accessed\":true,"
        "\"accessed_on\":\"2026-01-02 03:09:00\",\"expires_on\":\"2026-04-02 03:04:05\","
        "\"clicks\":2,\"bots\":3},"
        "\"error\":null,\"modem\":\"m0\",\"submitted_on\":\"2026-01-02 "
        "03:04:07\",\"delivered_on\":\"2026-01-02 03:04:10\"}",
        0, NULL);
    assert_non_null(want);
    assert_true(json_equal(json, want));
    json_decref(json);
    json_decref(want);
}

static void what_has_not_happened_is_null_or_absent(void **state)
{
    (void)state;
    struct store_message m = delivered;
    m.state = STORE_QUEUED;
    m.submitted_ms = m.delivered_ms = m.accessed_ms = 0;
    m.modem = m.link = NULL;
    m.clicks = m.bots = 0;
    json_t *json = as_json(&m), *link = json_object_get(json, "link_tracking");
    assert_string_equal(json_string_value(json_object_get(json, "status")), "QUEUED");
    assert_true(json_is_null(json_object_get(json, "modem")));
    assert_true(json_is_null(json_object_get(json, "delivered_on")));
    assert_true(json_is_false(json_object_get(link, "accessed")));
    assert_true(json_is_null(json_object_get(link, "accessed_on")));
    assert_true(json_is_null(json_object_get(link, "link"))); /* erased */
    json_decref(json);
    m.tracked = false;
    json = as_json(&m);
    assert_null(json_object_get(json, "link_tracking"));
    json_decref(json);
}

static void an_error_has_code_and_text(void **state)
{
    (void)state;
    struct store_message m = delivered;
    m.state = STORE_FAIL;
    m.error_code = "CMS 38";
    m.error_text = "Network out of order";
    json_t *json = as_json(&m), *error = json_object_get(json, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), "CMS 38");
    assert_string_equal(json_string_value(json_object_get(error, "reason")), "network");
    assert_string_equal(json_string_value(json_object_get(error, "text")), "Network out of order");
    json_decref(json);
}

static void hostile_text_stays_inside_its_string(void **state)
{
    (void)state;
    struct store_message m = delivered;
    m.sender = "a\"}\\\n\r\t\b\x01\x7f\xC3\xA9\xF0\x9F\x98\x80";
    m.recipient = "\xFF\xC3(\xE2\x82";
    m.url_base = "http://a\"b";
    json_t *json = as_json(&m);
    assert_string_equal(json_string_value(json_object_get(json, "sender")), m.sender);
    assert_string_equal(json_string_value(json_object_get(json, "recipient")),
                        "\xEF\xBF\xBD\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD");
    assert_string_equal(json_string_value(json_object_get(json, "url")),
                        "http://a\"b/sms/messages/VncyEuDbojkzRJ2GlKP3USB7C5F6atp1/");
    json_decref(json);
}

static const struct {
    double value;
    const char *text;
} prices[] = {{0, "0"},     {-0.0, "0"},        {7, "7"},     {0.05, "0.05"},   {8.5, "8.5"},
              {100, "100"}, {0.1 + 0.2, "0.3"}, {1e300, "0"}, {-1.25, "-1.25"}, {1e-9, "0"}};

static void numbers_have_no_exponent(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof prices / sizeof *prices; i++) {
        struct buf out;
        buf_init(&out, 64);
        status_json_number(&out, prices[i].value);
        assert_string_equal(buf_str(&out), prices[i].text);
        buf_free(&out);
    }
}

static void the_form_is_flat_and_escaped(void **state)
{
    (void)state;
    struct store_message m = delivered;
    struct buf out;
    m.sender = "A&B =+\xC3\xA9";
    buf_init(&out, 1 << 20);
    assert_int_equal(status_message_form(&m, &out), OK);
    assert_string_equal(
        buf_str(&out),
        "msgid=VncyEuDbojkzRJ2GlKP3USB7C5F6atp1&status=DELIVERED&sender=A%26B+%3D%2B%C3%A9"
        "&recipient=%2B818012345678&sent_time=2026-01-02+03%3A04%3A05&cost=0&parts=1&tags=a%2Cb"
        "&url=http%3A%2F%2FHOST%2Fsms%2Fmessages%2FVncyEuDbojkzRJ2GlKP3USB7C5F6atp1%2F&error="
        "&modem=m0&submitted_on=2026-01-02+03%3A04%3A07&delivered_on=2026-01-02+03%3A04%3A10&link="
        "https%3A%2F%2Fexample.com%2Fp"
        "&shortlink=https%3A%2F%2Fs.example%2Fk7qz2m9rtx&accessed=true"
        "&accessed_on=2026-01-02+03%3A09%3A00&expires_on=2026-04-02+03%3A04%3A05&clicks=2&bots=3");
    buf_free(&out);
}

static void an_inbound_sms_says_when_it_is_partial_or_binary(void **state)
{
    (void)state;
    struct store_inbox m = {.public_id = "in1",
                            .modem = "m0",
                            .sender = "+4479\"",
                            .message = "h\xC3\xA9",
                            .received_ms = ACCEPTED,
                            .parts = 2};
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(status_inbox(&m, &out), OK);
    json_t *json = json_loads(buf_str(&out), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "message")), "h\xC3\xA9");
    assert_string_equal(json_string_value(json_object_get(json, "received_time")),
                        "2026-01-02 03:04:05");
    assert_null(json_object_get(json, "partial"));
    assert_null(json_object_get(json, "binary"));
    json_decref(json);
    buf_clear(&out);
    m.partial = m.binary = true;
    assert_int_equal(status_inbox(&m, &out), OK);
    json = json_loads(buf_str(&out), 0, NULL);
    assert_true(json_is_true(json_object_get(json, "partial")));
    assert_true(json_is_true(json_object_get(json, "binary")));
    json_decref(json);
    buf_free(&out);
}

static void a_full_buffer_is_an_error(void **state)
{
    (void)state;
    struct buf out;
    for (size_t max = 0; max < 400; max += 13) {
        buf_init(&out, max);
        assert_int_equal(status_message(&delivered, &out), ERR_FULL);
        buf_free(&out);
        buf_init(&out, max);
        assert_int_equal(status_message_form(&delivered, &out), ERR_FULL);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delivered_message_reads_as_in_api_md),
        cmocka_unit_test(what_has_not_happened_is_null_or_absent),
        cmocka_unit_test(an_error_has_code_and_text),
        cmocka_unit_test(hostile_text_stays_inside_its_string),
        cmocka_unit_test(numbers_have_no_exponent),
        cmocka_unit_test(the_form_is_flat_and_escaped),
        cmocka_unit_test(an_inbound_sms_says_when_it_is_partial_or_binary),
        cmocka_unit_test(a_full_buffer_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
