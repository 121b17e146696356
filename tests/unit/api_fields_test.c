/* api_fields_test.c - bodies into fields: every field wrong in every way, in each of the three formats. */
#include "../../src/api_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/link.h"
#include "clock.h"

#define FORM "application/x-www-form-urlencoded"
#define JSON "application/json"
/* 2026-01-02 03:04:05 UTC */
#define NOW INT64_C(1767323045000)

static bool known(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "gsm1") == 0;
}

static struct url_policy policy;

static const struct api_fields_rules rules = {
    .text = {"https://s.example", 10},
    .now_ms = NOW,
    .validity_ms = 72 * CLK_HOUR_MS,
    .policy = &policy,
    .modem_known = known,
};

static int setup(void **state)
{
    char why[URL_WHY_MAX];
    (void)state;
    return link_init() || url_policy_parse("loopback, private, external", &policy, why);
}

static int teardown(void **state)
{
    (void)state;
    link_close();
    return 0;
}

/* A request's way through the two functions; errors: what a 400 would say, "" when all is right. */
struct tried {
    struct api_arena arena;
    struct api_fields fields;
    enum err e;
    char why[API_BODY_WHY_MAX];
    struct buf errors;
};

static struct tried try(const char *type, const char *body, size_t n)
{
    struct tried t = {0};
    struct api_body parsed;
    buf_init(&t.errors, 1 << 20);
    t.e = api_body_parse(&t.arena, type, body, n, &parsed, t.why);
    if (!t.e)
        t.e = api_fields_check(&t.arena, &rules, &parsed, &t.fields, &t.errors);
    return t;
}

static void done(struct tried *t)
{
    api_arena_free(&t->arena);
    buf_free(&t->errors);
}

static void expect_errors(const char *type, const char *body, const char *errors)
{
    struct tried t = try(type, body, strlen(body));
    if (strcmp(buf_str(&t.errors), errors) != 0)
        print_message("%s\n", body);
    assert_string_equal(buf_str(&t.errors), errors);
    assert_int_equal(t.e, ERR_RANGE);
    done(&t);
}

/* ---- what is right ---- */

static void assert_xoxzo(const struct tried *t)
{
    const struct api_fields *f = &t->fields;
    assert_int_equal(t->e, OK);
    assert_string_equal(buf_str(&t->errors), "");
    assert_int_equal(f->recipients, 1);
    assert_string_equal(f->recipient[0], "+818012345678");
    assert_string_equal(f->sender, "Xoxzo");
    assert_string_equal(f->tags, "[\"a\",\"b c\"]");
    assert_true(f->track_link);
    assert_string_equal(f->message, "test https://www.xoxzo.com/en/ \xE2\x82\xAC");
    assert_string_equal(f->text.text, "test https://s.example/xxxxxxxxxx \xE2\x82\xAC");
    assert_int_equal(f->text.slug, 23);
    assert_string_equal(f->text.link, "https://www.xoxzo.com/en/");
    assert_string_equal(f->text.destination, "https://www.xoxzo.com/en/");
    assert_int_equal(f->text.plan.alphabet, SMS_GSM7);
    assert_int_equal(f->text.plan.units, 36); /* the euro sign is two septets */
    assert_string_equal(f->lt_callbackurl, "http://cb.example/x");
    assert_null(f->callbackurl);
    assert_int_equal(f->priority, 5);
    assert_int_equal(f->due_ms, NOW);
    assert_int_equal(f->valid_until_ms, NOW + 72 * CLK_HOUR_MS);
}

static const struct {
    const char *type, *body;
} same[] = {
    {FORM, "recipient=%2B818012345678&sender=Xoxzo&track_link=True&tags=a,,%20b%20c%20,"
           "&message=test+https%3A%2F%2Fwww.xoxzo.com%2Fen%2F%20%E2%82%AC"
           "&lt_callbackur=http://cb.example/x&jp_kp=1&jp_kddi_sender=x&unknown=y"},
    {FORM "; charset=utf-8",
     "recipient=%2B818012345678&sender=Xoxzo&track_link=1&tags=a&tags=b%20c"
     "&message=test%20https://www.xoxzo.com/en/%20\xE2\x82\xAC&callbackurl=&validity="
     "&lt_callbackurl=http://cb.example/x"},
    {JSON, "{\"recipient\":\"+818012345678\",\"sender\":\"Xoxzo\",\"track_link\":true,"
           "\"tags\":[\"a\",\" b c \",\"\"],\"message\":\"test https://www.xoxzo.com/en/ \\u20ac\","
           "\"lt_callbackurl\":\"http://cb.example/x\",\"callbackurl\":null}"},
    {JSON "; charset=UTF-8",
     "{\"recipient\":[\"+81 80-1234-5678\"],\"sender\":\"Xoxzo\",\"track_link\":\"TRUE\","
     "\"tags\":\"a, b c\",\"message\":\"test https://www.xoxzo.com/en/ \xE2\x82\xAC\","
     "\"lt_callbackur\":\"http://cb.example/x\",\"unknown\":{\"a\":[1,{\"b\":null}]}}"},
    {"multipart/form-data; boundary=XX",
     "--XX\r\nContent-Disposition: form-data; name=\"recipient\"\r\n\r\n+818012345678\r\n"
     "--XX\r\nContent-Disposition: form-data; name=\"sender\"\r\n\r\nXoxzo\r\n"
     "--XX\r\ncontent-disposition: form-data; name=track_link\r\nX: y\r\n\r\ntrue\r\n"
     "--XX\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\na,b c\r\n"
     "--XX\r\nContent-Disposition: form-data; name=\"message\"\r\n"
     "Content-Type: text/plain; charset=utf-8\r\n\r\n"
     "test https://www.xoxzo.com/en/ \xE2\x82\xAC\r\n"
     "--XX\r\nContent-Disposition: form-data; name=\"lt_callbackurl\"\r\n\r\n"
     "http://cb.example/x\r\n--XX--\r\n"},
};

static void the_formats_say_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct tried t = try(same[i].type, same[i].body, strlen(same[i].body));
        assert_xoxzo(&t);
        done(&t);
    }
}

static void every_extension_is_taken(void **state)
{
    (void)state;
    static const char body[] =
        "{\"recipient\":[\"+818012345678\",\"+4915112345678\"],\"sender\":8190,\"message\":\"x\","
        "\"validity\":300,\"on_uncertain\":\"fail\",\"send_at\":\"2026-01-03T12:04:05+09:00\","
        "\"priority\":\"9\",\"flash\":1,\"modem\":\"gsm1\",\"callbackurl\":\"cb.example/d\"}";
    struct tried t = try(JSON, body, sizeof body - 1);
    const struct api_fields *f = &t.fields;
    assert_int_equal(t.e, OK);
    assert_int_equal(f->recipients, 2);
    assert_string_equal(f->recipient[1], "+4915112345678");
    assert_string_equal(f->sender, "8190"); /* a number reads as its digits */
    assert_int_equal(f->on_uncertain, STORE_UNCERTAIN_FAIL);
    assert_int_equal(f->due_ms, NOW + CLK_DAY_MS);
    assert_int_equal(f->valid_until_ms, NOW + CLK_DAY_MS + 300000);
    assert_int_equal(f->priority, 9);
    assert_true(f->flash);
    assert_string_equal(f->modem, "gsm1");
    assert_string_equal(f->callbackurl, "http://cb.example/d");
    assert_string_equal(f->tags, "[]");
    done(&t);
}

/* ---- what is wrong ---- */

#define REST "\"recipient\":\"+818012345678\",\"sender\":\"X\""
#define ALL  "\"message\":\"m\"," REST

static const struct {
    const char *body, *errors;
} wrong[] = {
    {"{}", "{\"message\":[\"This field is required.\"],\"recipient\":[\"This field is required.\"],"
           "\"sender\":[\"This field is required.\"]}"},
    {"{\"message\":\"\",\"recipient\":\"\",\"sender\":\"\"}",
     "{\"message\":[\"This field may not be blank.\"],\"recipient\":[\"This field may not be "
     "blank.\"],\"sender\":[\"This field may not be blank.\"]}"},
    {"{\"message\":null,\"recipient\":null,\"sender\":null}",
     "{\"message\":[\"This field may not be null.\"],\"recipient\":[\"This field may not be "
     "null.\"],\"sender\":[\"This field may not be null.\"]}"},
    {"{\"message\":[],\"recipient\":{},\"sender\":true}",
     "{\"message\":[\"Not a valid string.\"],\"recipient\":[\"Not a valid string.\"],"
     "\"sender\":[\"Not a valid string.\"]}"},
    {"{\"message\":\"a\\u0000b\"," REST "}",
     "{\"message\":[\"Null characters are not allowed.\"]}"},
    {"{\"message\":\"m\",\"sender\":\"X\",\"recipient\":[]}",
     "{\"recipient\":[\"This list may not be empty.\"]}"},
    {"{\"message\":\"m\",\"sender\":\"X\",\"recipient\":[\"+818012345678\",\"12\",null,[1]]}",
     "{\"recipient\":[\"1: Not a phone number: + and the country code come first.\","
     "\"2: Not a valid string.\",\"3: Not a valid string.\"]}"},
    {"{\"message\":\"m\",\"sender\":\"X\",\"recipient\":818012345678}",
     "{\"recipient\":[\"Not a phone number: + and the country code come first.\"]}"},
    {"{\"message\":\"m\",\"sender\":\"X\",\"recipient\":\"+81080123456\"}",
     "{\"recipient\":[\"Not a phone number: no 0 follows the country code 81.\"]}"},
    {"{\"message\":\"m\",\"recipient\":\"+818012345678\",\"sender\":\"ABCDEFGHIJK\"}",
     "{\"sender\":[\"Ensure this field has no more than 10 characters, or 15 digits.\"]}"},
    {"{" ALL ",\"track_link\":\"yes\",\"flash\":2}",
     "{\"track_link\":[\"Must be a valid boolean.\"],\"flash\":[\"Must be a valid boolean.\"]}"},
    {"{" ALL ",\"track_link\":[true]}", "{\"track_link\":[\"Not a valid string.\"]}"},
    {"{" ALL ",\"validity\":299}",
     "{\"validity\":[\"Ensure this value is greater than or equal to 300.\"]}"},
    {"{" ALL ",\"validity\":38102401}",
     "{\"validity\":[\"Ensure this value is less than or equal to 38102400.\"]}"},
    {"{" ALL ",\"validity\":\"99999999999999999999999999\"}",
     "{\"validity\":[\"Ensure this value is less than or equal to 38102400.\"]}"},
    {"{" ALL ",\"validity\":\"-99999999999999999999999999\"}",
     "{\"validity\":[\"Ensure this value is greater than or equal to 300.\"]}"},
    {"{" ALL ",\"validity\":\"1h\",\"priority\":1.5}",
     "{\"validity\":[\"A valid integer is required.\"],\"priority\":[\"A valid integer is "
     "required.\"]}"},
    {"{" ALL ",\"priority\":10}",
     "{\"priority\":[\"Ensure this value is less than or equal to 9.\"]}"},
    {"{" ALL ",\"priority\":-1}",
     "{\"priority\":[\"Ensure this value is greater than or equal to 0.\"]}"},
    {"{" ALL ",\"on_uncertain\":\"retry\"}",
     "{\"on_uncertain\":[\"\\\"retry\\\" is not a valid choice: resend or fail.\"]}"},
    {"{" ALL ",\"send_at\":\"tomorrow\"}",
     "{\"send_at\":[\"Not a UTC time: 2026-01-02 03:04:05 or RFC 3339 is wanted.\"]}"},
    {"{" ALL ",\"send_at\":\"2026-02-30 00:00:00\"}",
     "{\"send_at\":[\"Not a UTC time: 2026-01-02 03:04:05 or RFC 3339 is wanted.\"]}"},
    {"{" ALL ",\"send_at\":\"2026-04-02 03:04:06\"}", /* 90 days and a second */
     "{\"send_at\":[\"Ensure this time is at most 90 days ahead.\"]}"},
    {"{" ALL ",\"modem\":\"gsm2\"}", "{\"modem\":[\"\\\"gsm2\\\" is not the name of a modem.\"]}"},
    {"{" ALL ",\"tags\":{\"a\":1}}", "{\"tags\":[\"Not a valid string.\"]}"},
    {"{" ALL ",\"tags\":[\"a\",[\"b\"]]}", "{\"tags\":[\"Not a valid string.\"]}"},
    {"{" ALL ",\"lt_callbackurl\":\"http://a.example\",\"lt_callbackur\":\"http://b.example\"}",
     "{\"lt_callbackurl\":[\"This field was given more than once.\"]}"},
};

static void each_field_fails_in_its_own_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_errors(JSON, wrong[i].body, wrong[i].errors);
}

static void forms_fail_alike(void **state)
{
    (void)state;
    expect_errors(FORM, "",
                  "{\"message\":[\"This field is required.\"],\"recipient\":[\"This field is "
                  "required.\"],\"sender\":[\"This field is required.\"]}");
    expect_errors(FORM, "message=%FF&recipient=%2B818012345678&sender=%00",
                  "{\"message\":[\"Not valid UTF-8.\"],"
                  "\"sender\":[\"Null characters are not allowed.\"]}");
    expect_errors(FORM, "message=a&message=b&recipient=%2B818012345678&sender=X",
                  "{\"message\":[\"This field was given more than once.\"]}");
    expect_errors(FORM, "message=%ED%A0%80&recipient=%2B818012345678&sender=%C0%AF",
                  "{\"message\":[\"Not valid UTF-8.\"],\"sender\":[\"Not valid UTF-8.\"]}");
    expect_errors("multipart/form-data; boundary=\"X\"",
                  "--X\r\nContent-Disposition: form-data; name=\"message\"; filename=\"a\"\r\n\r\n"
                  "hi\r\n--X\r\nContent-Disposition: form-data; name=\"sender\"\r\n\r\nX\r\n--X--",
                  "{\"message\":[\"Not a valid string.\"],\"recipient\":[\"This field is "
                  "required.\"]}");
}

/* Callback URLs are url.c's to judge; here only that its word counts and lands under the right key. */
static void bad_callback_urls_are_refused_under_their_key(void **state)
{
    (void)state;
    static const char *const urls[] = {"ftp://a.example/", "javascript:alert(1)", "http://",
                                       "http://169.254.169.254/latest", "http://a b/"};
    static const char *const keys[] = {"callbackurl", "lt_callbackurl"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        for (size_t k = 0; k < 2; k++) {
            char body[300], begin[40];
            snprintf(body, sizeof body, "{" ALL ",\"%s\":\"%s\"}", keys[k], urls[i]);
            snprintf(begin, sizeof begin, "{\"%s\":[\"", keys[k]);
            struct tried t = try(JSON, body, strlen(body));
            assert_int_equal(t.e, ERR_RANGE);
            assert_memory_equal(buf_str(&t.errors), begin, strlen(begin));
            done(&t);
        }
    }
}

static const struct {
    const char *type, *body;
    enum err e;
} unreadable[] = {
    {JSON, "", ERR_SYNTAX},
    {JSON, "{", ERR_SYNTAX},
    {JSON, "[]", ERR_SYNTAX},
    {JSON, "\"message\"", ERR_SYNTAX},
    {JSON, "1", ERR_SYNTAX},
    {JSON, "null", ERR_SYNTAX},
    {JSON, "{\"message\":\"a\",\"message\":\"b\"}", ERR_SYNTAX},
    {JSON, "{\"message\":\"\xFF\"}", ERR_SYNTAX},
    {JSON, "{\"message\":\"\\ud800\"}", ERR_SYNTAX},
    {JSON, "{} x", ERR_SYNTAX},
    {JSON, "message=a", ERR_SYNTAX},
    {JSON, "{\"validity\":99999999999999999999999999}", ERR_SYNTAX},
    {JSON, "{\"a\":[[[[[[[[[[1]]]]]]]]]]}", ERR_SYNTAX},
    {"text/plain", "message=a", ERR_UNSUPPORTED},
    {"application/jsonx", "{}", ERR_UNSUPPORTED},
    {"application/xml", "", ERR_UNSUPPORTED},
    {NULL, "message=a", ERR_UNSUPPORTED},
    {"multipart/form-data", "x", ERR_SYNTAX},
    {"multipart/form-data; boundary=", "x", ERR_SYNTAX},
    {"multipart/form-data; boundary=X", "no delimiter", ERR_SYNTAX},
    {"multipart/form-data; boundary=X", "--X", ERR_SYNTAX},
    {"multipart/form-data; boundary=X", "--X\r\n", ERR_SYNTAX},
    {"multipart/form-data; boundary=X", "--X\r\nA: b\r\n\r\nno end", ERR_SYNTAX},
};

static void unreadable_bodies_are_refused_as_a_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++) {
        struct tried t = try(unreadable[i].type, unreadable[i].body, strlen(unreadable[i].body));
        assert_int_equal(t.e, unreadable[i].e);
        if (t.e == ERR_SYNTAX)
            assert_true(strlen(t.why) > 10);
        done(&t);
    }
}

static void depth_and_length_cost_nothing(void **state)
{
    (void)state;
    size_t n = 1 << 20;
    char *body = malloc(n + 1);
    assert_non_null(body);
    memset(body, '[', n);
    struct tried t = try(JSON, body, n);
    assert_int_equal(t.e, ERR_SYNTAX);
    done(&t);
    memset(body, '9', n);
    t = try(JSON, body, n);
    assert_int_equal(t.e, ERR_SYNTAX);
    done(&t);
    memcpy(body, "recipient=%2B", 13);
    t = try(FORM, body, n);
    assert_int_equal(t.e, ERR_RANGE);
    assert_non_null(strstr(buf_str(&t.errors), "more than 15 digits"));
    done(&t);
    memset(body, '&', n);
    t = try(FORM, body, n);
    assert_int_equal(t.e, ERR_RANGE);
    done(&t);
    free(body);
}

/* ---- the limit is judged after the replacement ---- */

static enum err with_length(size_t n, const char *tail, bool track)
{
    char body[4096];
    memset(body, 'a', sizeof body);
    size_t tail_n = strlen(tail);
    memcpy(body + n, tail, tail_n + 1);
    char *json = malloc(sizeof body + 200);
    snprintf(json, sizeof body + 200, "{" REST ",\"message\":\"%s\",\"track_link\":%s}", body,
             track ? "true" : "false");
    struct tried t = try(JSON, json, strlen(json));
    enum err e = t.e;
    assert_true(e == OK || strcmp(buf_str(&t.errors), "{\"message\":[\"Message too long\"]}") == 0);
    done(&t);
    free(json);
    return e;
}

static void the_limit_is_judged_after_the_replacement(void **state)
{
    (void)state;
    char link[800] = " https://example.com/";
    memset(link + strlen(link), 'p', 700);
    assert_int_equal(with_length(660, "", false), OK);
    assert_int_equal(with_length(661, "", false), ERR_RANGE);
    assert_int_equal(with_length(660, "", true), OK);
    /* " " and 28 of https://s.example/xxxxxxxxxx */
    assert_int_equal(with_length(660 - 29, link, true), OK);
    assert_int_equal(with_length(660 - 28, link, true), ERR_RANGE);
    assert_int_equal(with_length(0, link, false), ERR_RANGE);
    /* a replacement may also lengthen */
    assert_int_equal(with_length(660 - 8, " a.de/x ", false), OK);
    assert_int_equal(with_length(660 - 8, " a.de/x ", true), ERR_RANGE);
}

static void units_are_utf16(void **state)
{
    (void)state;
    char json[3200];
    for (size_t pairs = 330; pairs <= 331; pairs++) {
        size_t n = (size_t)snprintf(json, sizeof json, "{" REST ",\"message\":\"");
        for (size_t i = 0; i < pairs; i++, n += 4)
            memcpy(json + n, "\xF0\x9F\x98\x80", 4);
        n += (size_t)snprintf(json + n, sizeof json - n, "\"}");
        struct tried t = try(JSON, json, n);
        assert_int_equal(t.e, pairs == 330 ? OK : ERR_RANGE);
        done(&t);
    }
}

static void at_most_a_thousand_recipients(void **state)
{
    (void)state;
    for (size_t count = 1000; count <= 1001; count++) {
        struct buf json;
        buf_init(&json, 1 << 20);
        buf_add_str(&json, "{\"message\":\"m\",\"sender\":\"X\",\"recipient\":[");
        for (size_t i = 0; i < count; i++)
            buf_addf(&json, "%s\"+8180%08zu\"", i ? "," : "", i);
        buf_add_str(&json, "]}");
        struct tried t = try(JSON, buf_str(&json), json.len);
        assert_int_equal(t.e, count == 1000 ? OK : ERR_RANGE);
        if (count == 1000)
            assert_string_equal(t.fields.recipient[999], "+818000000999");
        else
            assert_string_equal(
                buf_str(&t.errors),
                "{\"recipient\":[\"Ensure this field has no more than 1000 elements.\"]}");
        done(&t);
        buf_free(&json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_formats_say_the_same),
        cmocka_unit_test(every_extension_is_taken),
        cmocka_unit_test(each_field_fails_in_its_own_words),
        cmocka_unit_test(forms_fail_alike),
        cmocka_unit_test(bad_callback_urls_are_refused_under_their_key),
        cmocka_unit_test(unreadable_bodies_are_refused_as_a_whole),
        cmocka_unit_test(depth_and_length_cost_nothing),
        cmocka_unit_test(the_limit_is_judged_after_the_replacement),
        cmocka_unit_test(units_are_utf16),
        cmocka_unit_test(at_most_a_thousand_recipients),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
