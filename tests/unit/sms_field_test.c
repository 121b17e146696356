/* sms_field_test.c - coding scheme, time stamp, validity period and status: every value, by the clauses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../modem/sms_field.h"
#include "clock.h"
#include "sms.h"
#include "sms_tsv.h"

static void assert_time(const char *expected, int64_t ms)
{
    char text[CLK_TEXT_MAX];
    assert_string_equal(expected, ms == -1 ? "-" : clk_format(ms, text));
}

/* 23.038 clause 4, group by group. */
static void test_dcs(void **state)
{
    (void)state;
    static const struct {
        uint8_t first, last;
        enum sms_alphabet alphabet;
        int message_class; /* -2: bits 1 and 0 */
    } rows[] = {
        {0x00, 0x03, SMS_GSM7, -1}, {0x04, 0x07, SMS_8BIT, -1}, {0x08, 0x0B, SMS_UCS2, -1},
        {0x0C, 0x0F, SMS_GSM7, -1}, {0x10, 0x13, SMS_GSM7, -2}, {0x14, 0x17, SMS_8BIT, -2},
        {0x18, 0x1B, SMS_UCS2, -2}, {0x1C, 0x1F, SMS_GSM7, -2}, {0x20, 0x2F, SMS_8BIT, -1},
        {0x30, 0x3F, SMS_8BIT, -2}, {0x40, 0x43, SMS_GSM7, -1}, {0x44, 0x47, SMS_8BIT, -1},
        {0x48, 0x4B, SMS_UCS2, -1}, {0x4C, 0x4F, SMS_GSM7, -1}, {0x50, 0x53, SMS_GSM7, -2},
        {0x54, 0x57, SMS_8BIT, -2}, {0x58, 0x5B, SMS_UCS2, -2}, {0x5C, 0x5F, SMS_GSM7, -2},
        {0x60, 0x6F, SMS_8BIT, -1}, {0x70, 0x7F, SMS_8BIT, -2}, {0x80, 0xBF, SMS_GSM7, -1},
        {0xC0, 0xDF, SMS_GSM7, -1}, {0xE0, 0xEF, SMS_UCS2, -1}, {0xF0, 0xF3, SMS_GSM7, -2},
        {0xF4, 0xF7, SMS_8BIT, -2}, {0xF8, 0xFB, SMS_GSM7, -2}, {0xFC, 0xFF, SMS_8BIT, -2},
    };
    unsigned dcs = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rows[i].first, dcs);
        for (; dcs <= rows[i].last; dcs++) {
            struct sms_coding c = sms_dcs_read((uint8_t)dcs);
            int expected = rows[i].message_class == -2 ? (int)(dcs & 3) : rows[i].message_class;
            assert_int_equal(c.alphabet, rows[i].alphabet);
            assert_int_equal(c.message_class, expected);
        }
    }
    assert_int_equal(dcs, 256);
}

static void test_scts(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *expected;
    } rows[] = {
        {"99202150750321", "1999-02-12 02:57:30"}, /* dreamfabric.com: 05:57:30 GMT+3 */
        {"99202150750329", "1999-02-12 08:57:30"}, /* python-messaging: GMT-3 */
        {"99202150750300", "1999-02-12 05:57:30"},
        {"51117200000080", "2015-11-26 22:00:00"}, /* python-gsmmodem: 2015-11-27, GMT+2 */
        {"7040213252242B", "2007-04-13 07:25:42"}, /* python-gsmmodem: 23:25:42, GMT-8 */
        {"02219232959500", "2020-12-29 23:59:59"},
        {"02219232959549", "2020-12-30 03:29:59"}, /* 14 quarters behind */
        {"02219232959597", "2020-12-29 04:14:59"}, /* 79 quarters ahead, the most there is */
        {"00101000000000", "2000-01-01 00:00:00"},
        {"98211332959500", "2089-12-31 23:59:59"},
        {"09101000000000", "1990-01-01 00:00:00"},
        {"20202200000000", "2002-02-22 00:00:00"},
        {"20209200000000", "-"}, /* 29 February 2002 */
        {"40209200000000", "2004-02-29 00:00:00"},
        {"00000000000000", "-"},
        {"FFFFFFFFFFFFFF", "-"},                   /* 9.2.3.11: digits that are none count as 0 */
        {"20311300000000", "-"},                   /* month 13 */
        {"20802300000000", "-"},                   /* day 32 */
        {"20806242000000", "-"},                   /* 24 h */
        {"20806200060000", "-"},                   /* 60 min */
        {"A1801311124500", "2010-08-31 11:21:54"}, /* warthog618/sms: so does a single one */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t octets[SMS_SCTS_OCTETS];
        assert_int_equal(tsv_hex(rows[i].hex, octets, sizeof octets), SMS_SCTS_OCTETS);
        assert_time(rows[i].expected, sms_scts_read(octets));
    }
}

/* 9.2.3.12.1, the clause's formulas. */
static uint32_t validity_seconds(unsigned vp)
{
    if (vp <= 143)
        return (vp + 1) * 300;
    if (vp <= 167)
        return 12 * 3600 + (vp - 143) * 1800;
    if (vp <= 196)
        return (vp - 166) * 86400;
    return (vp - 192) * 7 * 86400;
}

static void test_validity(void **state)
{
    (void)state;
    for (unsigned vp = 0; vp < 256; vp++) {
        assert_int_equal(sms_validity_make(validity_seconds(vp)), vp);
        if (vp > 0)
            assert_int_equal(sms_validity_make(validity_seconds(vp) - 1), vp - 1);
        if (vp < 255)
            assert_int_equal(sms_validity_make(validity_seconds(vp + 1) - 1), vp);
    }
    assert_int_equal(sms_validity_make(1), 0);
    assert_int_equal(sms_validity_make(64 * 7 * 86400), 255);
    assert_int_equal(sms_validity_make(UINT32_MAX), 255);
    for (uint32_t s = 300; s < 64u * 7 * 86400; s += 97)
        assert_true(validity_seconds(sms_validity_make(s)) <= s);
}

/* 9.2.3.15, in the order of the clause. */
static void test_status(void **state)
{
    (void)state;
    static const struct {
        uint8_t first, last;
        enum sms_outcome outcome;
        const char *words;
    } rows[] = {
        {0x00, 0x00, SMS_DELIVERED, "received by the SME"},
        {0x01, 0x01, SMS_DELIVERED, "unable to confirm delivery"},
        {0x02, 0x02, SMS_FAILED_FOR_GOOD, "replaced by the SC"},
        {0x03, 0x0F, SMS_GIVEN_UP, "Service rejected"},
        {0x10, 0x1F, SMS_DELIVERED, "specific to the SC"},
        {0x20, 0x20, SMS_STILL_TRYING, "Congestion"},
        {0x21, 0x21, SMS_STILL_TRYING, "SME busy"},
        {0x22, 0x22, SMS_STILL_TRYING, "No response from SME"},
        {0x23, 0x23, SMS_STILL_TRYING, "Service rejected"},
        {0x24, 0x24, SMS_STILL_TRYING, "Quality of service not available"},
        {0x25, 0x25, SMS_STILL_TRYING, "Error in SME"},
        {0x26, 0x2F, SMS_GIVEN_UP, "Service rejected"},
        {0x30, 0x3F, SMS_STILL_TRYING, "specific to the SC"},
        {0x40, 0x40, SMS_FAILED_FOR_GOOD, "Remote procedure error"},
        {0x41, 0x41, SMS_FAILED_FOR_GOOD, "Incompatible destination"},
        {0x42, 0x42, SMS_FAILED_FOR_GOOD, "Connection rejected by SME"},
        {0x43, 0x43, SMS_FAILED_FOR_GOOD, "Not obtainable"},
        {0x44, 0x44, SMS_FAILED_FOR_GOOD, "Quality of service not available"},
        {0x45, 0x45, SMS_FAILED_FOR_GOOD, "No interworking available"},
        {0x46, 0x46, SMS_FAILED_FOR_GOOD, "Validity Period Expired"},
        {0x47, 0x47, SMS_FAILED_FOR_GOOD, "Deleted by originating SME"},
        {0x48, 0x48, SMS_FAILED_FOR_GOOD, "Deleted by SC Administration"},
        {0x49, 0x49, SMS_FAILED_FOR_GOOD, "does not exist"},
        {0x4A, 0x4F, SMS_GIVEN_UP, "Service rejected"},
        {0x50, 0x5F, SMS_FAILED_FOR_GOOD, "specific to the SC"},
        {0x60, 0x60, SMS_GIVEN_UP, "Congestion"},
        {0x61, 0x61, SMS_GIVEN_UP, "SME busy"},
        {0x62, 0x62, SMS_GIVEN_UP, "No response from SME"},
        {0x63, 0x63, SMS_GIVEN_UP, "Service rejected"},
        {0x64, 0x64, SMS_GIVEN_UP, "Quality of service not available"},
        {0x65, 0x65, SMS_GIVEN_UP, "Error in SME"},
        {0x66, 0x6F, SMS_GIVEN_UP, "Service rejected"},
        {0x70, 0x7F, SMS_GIVEN_UP, "specific to the SC"},
        {0x80, 0xFF, SMS_GIVEN_UP, "Service rejected"},
    };
    unsigned st = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(rows[i].first, st);
        for (; st <= rows[i].last; st++) {
            assert_int_equal(sms_st_outcome((uint8_t)st), rows[i].outcome);
            assert_non_null(strstr(sms_st_str((uint8_t)st), rows[i].words));
        }
    }
    assert_int_equal(st, 256);
}

/* 23.038 clause 4, groups 1100 to 1110: bit 3 active, bits 1 and 0 the kind; no other group has it. */
static void test_waiting(void **state)
{
    (void)state;
    static const struct {
        uint8_t dcs, kind;
        bool active;
    } rows[] = {
        {0xC8, SMS_WAITING_VOICEMAIL, true}, {0xC0, SMS_WAITING_VOICEMAIL, false},
        {0xC9, SMS_WAITING_FAX, true},       {0xD2, SMS_WAITING_EMAIL, false},
        {0xDB, SMS_WAITING_OTHER, true},     {0xE8, SMS_WAITING_VOICEMAIL, true},
        {0x08, SMS_WAITING_NONE, false},     {0xF0, SMS_WAITING_NONE, false},
        {0x88, SMS_WAITING_NONE, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sms_coding c = sms_dcs_read(rows[i].dcs);
        assert_int_equal(c.waiting.kind, rows[i].kind);
        assert_int_equal(c.waiting.active, rows[i].active);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dcs),      cmocka_unit_test(test_scts),
        cmocka_unit_test(test_validity), cmocka_unit_test(test_status),
        cmocka_unit_test(test_waiting),
    };
    return cmocka_run_group_tests_name("sms_field", tests, NULL, NULL);
}
