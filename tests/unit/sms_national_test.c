/* sms_national_test.c - texts that go out in a national language's tables, judged by a decoder of another make and
 * another typing of 3GPP TS 23.038 annex A. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../modem/gsm7.h"
#include "../sim/gsm_alphabet.h"
#include "../sim/gsm_national.h"
#include "sms.h"
#include "text.h"

static void append(char *out, const char *s)
{
    size_t n = strlen(out);
    memcpy(out + n, s, strlen(s) + 1);
}

static unsigned bits_value(const char *bits, unsigned n)
{
    unsigned value = 0;
    for (unsigned i = 0; i < n; i++) /* the first bit weighs least: 6.1.2.1 */
        value += bits[i] == '1' ? 1u << i : 0;
    return value;
}

static const char *times(const char *s, unsigned n)
{
    static char text[4][4000];
    static unsigned turn;
    char *out = text[turn++ % 4];
    out[0] = '\0';
    while (n--)
        append(out, s);
    return out;
}

/* Headers and lengths by hand: 9.2.3.24, .15, .16; 155 septets beside one language element, 152 beside two, 149 and
 * 146 with a concatenation element. */
static const struct national {
    const char *one;
    unsigned n;
    const char *rest;
    unsigned m;
    uint8_t parts, lock, single;
    uint16_t units;
    const char *header; /* of the first part */
    uint8_t udl;
} nationals[] = {
    {"\u015F", 1, "a", 100, 1, 0, 1, 102, "03240101",
     107}, /* Turkish: 101 characters would be two parts */
    {"\u00E1", 10, "a", 90, 1, 0, 2, 110, "03240102", 115}, /* Spanish */
    {"\u00E3", 5, "a", 90, 1, 0, 3, 100, "03240103", 105},  /* Portuguese */
    {"\u0915", 120, "", 0, 1, 6, 0, 120, "03250106", 125},  /* Hindi */
    {"\u0915", 155, "", 0, 1, 6, 0, 155, "03250106", 160},
    {"\u0915", 156, "", 0, 2, 6, 0, 156,
     "08000307020125010"
     "6",
     160},
    {"\u0915", 298, "", 0, 2, 6, 0, 298,
     "08000307020125010"
     "6",
     160},
    {"\u0915", 60, "A", 30, 1, 6, 6, 120, "06240106250106",
     128}, /* capitals are in the single shift table */
    {"\u0915", 132, "A", 10, 1, 6, 6, 152, "06240106250106", 160},
    {"\u0627", 80, "", 0, 1, 13, 0, 80,
     "03250"
     "10D",
     85}, /* Urdu */
    {"\u0915", 70, "", 0, 1, 0, 0, 70, NULL,
     140}, /* one part either way: UCS-2, that all phones know */
    {"\u015F", 70, "", 0, 1, 0, 0, 70, NULL, 140},
    {"\u0416", 100, "", 0, 2, 0, 0, 100, "050003070201", 140}, /* no table has Cyrillic */
    {"\u0915", 100, "\u0416", 1, 2, 0, 0, 101, "050003070201", 140},
    {"\u015F", 1, "\u0915", 99, 2, 0, 0, 100, "050003070201", 140}, /* two languages */
    {"a", 161, "", 0, 2, 0, 0, 161, "050003070201", 160},
    {"\uFFFD", 100, "", 0, 2, 0, 0, 100, "050003070201", 140},
};

static void test_national(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nationals / sizeof nationals[0]; i++) {
        const struct national *x = &nationals[i];
        char text[4000] = "", header[40] = "";
        struct sms_plan plan;
        struct sms_ud ud;
        append(text, times(x->one, x->n));
        append(text, times(x->rest, x->m));
        assert_int_equal(sms_plan_national(text, &plan), OK);
        if (plan.parts != x->parts || plan.lang_lock != x->lock || plan.lang_single != x->single ||
            plan.units != x->units)
            fail_msg("row %zu: parts %u lock %u single %u units %u", i, plan.parts, plan.lang_lock,
                     plan.lang_single, plan.units);
        assert_int_equal(sms_plan_part(text, &plan, 0, 7, &ud), OK);
        assert_int_equal(ud.udhi, x->header != NULL);
        for (size_t k = 0; x->header && k < strlen(x->header) / 2; k++)
            (void)snprintf(header + 2 * k, 3, "%02X", ud.octets[k]);
        assert_string_equal(header, x->header ? x->header : "");
        if (ud.udl != x->udl)
            fail_msg("row %zu: udl %u", i, ud.udl);
        assert_int_equal(sms_plan(text, &plan), OK); /* never unasked */
        assert_true(!plan.lang_lock && !plan.lang_single);
    }
}

static uint32_t letter(const struct sms_plan *plan, unsigned code, bool escaped)
{
    const uint16_t *lock = gsm_national_locking[plan->lang_lock],
                   *single = gsm_national_single[plan->lang_single];
    if (escaped)
        return single ? single[code] : gsm_extended(code);
    return lock ? lock[code] : gsm_letter(code);
}

static void other_decoder(const struct sms_ud *ud, const struct sms_plan *plan, char *out)
{
    char bits[SMS_UD_MAX * 8 + 1];
    bool escaped = false;
    for (unsigned i = 0; i < sizeof bits - 1; i++)
        bits[i] = (ud->octets[i / 8] >> (i % 8)) % 2 ? '1' : '0';
    for (unsigned at = 0; at < ud->udl * 7u; at += 7) {
        unsigned code = bits_value(bits + at, 7);
        if (at < (ud->octets[0] + 1u) * 8)
            continue;
        if (code == 0x1B && !escaped) {
            escaped = true;
            continue;
        }
        char utf8[5] = {0};
        assert_int_not_equal(text_utf8_put(utf8, letter(plan, code, escaped)), 0);
        append(out, utf8);
        escaped = false;
    }
    assert_false(escaped); /* no part ends within an escape sequence */
}

/* Any letters of a language, long and short: what is sent reads back by other tables, and never in more parts. */
static void test_national_random(void **state)
{
    (void)state;
    srand(23038);
    unsigned used = 0;
    for (unsigned round = 0; round < 3000; round++) {
        unsigned language = 1 + (unsigned)rand() % 13, length = 60 + (unsigned)rand() % 500;
        char text[4000] = "", read[4000] = "";
        struct sms_plan plan, plain;
        for (unsigned i = 0; i < length; i++) {
            const uint16_t *t = rand() % 5 && gsm_national_locking[language]
                                    ? gsm_national_locking[language]
                                    : gsm_national_single[language];
            unsigned code = (unsigned)rand() % 128;
            uint32_t cp = code == GSM7_ESCAPE ? 'x' : t[code];
            char utf8[5] = {0};
            text_utf8_put(utf8, cp ? cp : 'x');
            append(text, utf8);
        }
        assert_int_equal(sms_plan_national(text, &plan), OK);
        assert_int_equal(sms_plan(text, &plain), OK);
        assert_true(plan.parts <= plain.parts);
        if (!plan.lang_lock && !plan.lang_single)
            continue;
        used++;
        assert_true(plan.parts < plain.parts);
        for (unsigned i = 0; i < plan.parts; i++) {
            struct sms_ud ud;
            assert_int_equal(sms_plan_part(text, &plan, i, 7, &ud), OK);
            other_decoder(&ud, &plan, read);
        }
        assert_string_equal(read, text);
    }
    assert_true(used > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_national),
        cmocka_unit_test(test_national_random),
    };
    return cmocka_run_group_tests_name("sms_national", tests, NULL, NULL);
}
