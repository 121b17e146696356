/* gsm7_test.c - the 7-bit alphabets against 3GPP TS 23.038 and what other implementations print of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../modem/gsm7.h"
#include "../sim/gsm_national.h"
#include "text.h"

/* 6.2.1, 6.2.1.1 and annex A, as oFono's unit/test-sms.c expects them; \x1B is left out. */
static const char default_alphabet[] =
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
static const char turkish_alphabet[] =
    "@£$¥€éùıòÇ\nĞğ\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ŞşßÉ !\"#¤%&'()*+,-./0123456789:;<=>?İABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§çabcdefghijklmnopqrstuvwxyzäöñüà";
static const char portuguese_alphabet[] =
    "@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó| ÂâÊÉ "
    "!\"#º%&'()*+,-./0123456789:;<=>?ÍABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÃÕÚÜ§~abcdefghijklmnopqrstuvwxyzãõ`üà";

static void check_locking(uint8_t language, const char *expected)
{
    size_t at = 0, len = strlen(expected);
    struct gsm7_decoder d;
    gsm7_decoder_init(&d, language, language);
    for (unsigned code = 0; code < 128; code++) {
        uint32_t cp;
        assert_int_equal(text_utf8_next(expected, len, &at, &cp), OK);
        if (code == GSM7_ESCAPE)
            assert_int_equal(cp, ' ');
        else
            assert_int_equal(gsm7_decode(&d, (uint8_t)code), cp);
    }
    assert_int_equal(at, len);
}

static void test_locking(void **state)
{
    (void)state;
    check_locking(0, default_alphabet);
    check_locking(1, turkish_alphabet);
    check_locking(2, default_alphabet); /* A.3.2: void */
    check_locking(3, portuguese_alphabet);
    check_locking(14, default_alphabet);
    check_locking(255, default_alphabet);
}

/* Every code behind an escape; what is not listed shows as in the locking table. */
static void check_single(uint8_t language, const char *alphabet, const uint8_t *codes,
                         const char *chars)
{
    uint32_t expected[128];
    struct gsm7_decoder d;
    size_t at = 0, len = strlen(alphabet);
    for (unsigned i = 0; i < 128; i++)
        assert_int_equal(text_utf8_next(alphabet, len, &at, &expected[i]), OK);
    len = strlen(chars);
    at = 0;
    for (size_t i = 0; at < len; i++)
        assert_int_equal(text_utf8_next(chars, len, &at, &expected[codes[i]]), OK);
    gsm7_decoder_init(&d, language, language);
    for (unsigned code = 0; code < 128; code++) {
        assert_int_equal(gsm7_decode(&d, GSM7_ESCAPE), 0);
        assert_int_equal(gsm7_decode(&d, (uint8_t)code), expected[code]);
        assert_int_equal(gsm7_decode(&d, 'A'), 'A'); /* for one character only */
    }
}

static void test_single(void **state)
{
    (void)state;
    static const uint8_t c0[] = {0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65};
    static const uint8_t c1[] = {0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40,
                                 0x47, 0x49, 0x53, 0x63, 0x65, 0x67, 0x69, 0x73};
    static const uint8_t c2[] = {0x09, 0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40,
                                 0x41, 0x49, 0x4F, 0x55, 0x61, 0x65, 0x69, 0x6F, 0x75};
    static const uint8_t c3[] = {0x05, 0x09, 0x0A, 0x0B, 0x0C, 0x0E, 0x0F, 0x12, 0x13, 0x14,
                                 0x15, 0x16, 0x17, 0x18, 0x19, 0x1F, 0x28, 0x29, 0x2F, 0x3C,
                                 0x3D, 0x3E, 0x40, 0x41, 0x49, 0x4F, 0x55, 0x5B, 0x5C, 0x61,
                                 0x65, 0x69, 0x6F, 0x75, 0x7B, 0x7C, 0x7F};
    check_single(0, default_alphabet, c0, "\f^{}\\[~]|€");
    check_single(200, default_alphabet, c0, "\f^{}\\[~]|€");
    check_single(1, turkish_alphabet, c1, "\f^{}\\[~]|ĞİŞç€ğış");
    check_single(2, default_alphabet, c2, "ç\f^{}\\[~]|ÁÍÓÚá€íóú");
    check_single(3, portuguese_alphabet, c3, "êç\fÔôÁáΦΓ^ΩΠΨΣΘÊ{}\\[~]|ÀÍÓÚÃÕÂ€íóúãõâ");
}

/* The other languages: columns of annex A as a transcription not used for ours (gsmcodecs, after version 18.0.0) has
 * them, but for two slips of it: A.3.7 0x24 (see gsm7_tables.c) and an apostrophe for the comma at 0x2C. */
static const struct spot {
    uint8_t language;
    bool single;
    uint8_t first;
    const char *chars;
} spots[] = {
    {4, true, 0x10, "<=>¡^¡_#*০১"},
    {4, true, 0x1C, "২৩৪৫৬৭৮৯\u09DF\u09E0\u09E1\u09E2{}\u09E3\u09F2\u09F3\u09F4\u09F5\\\u09F6"},
    {4, true, 0x3C, "[~]"},
    {4, true, 0x65, "€"},
    {7, false, 0x01,
     "\u0C82\u0C83\u0C85\u0C86\u0C87\u0C88\u0C89\u0C8A\u0C8B\n\u0C8C\uFFFD\r\u0C8E"},
    {7, false, 0x22, "\u0C9F\u0CA0\u0CA1\u0CA2\u0CA3\u0CA4)(\u0CA5\u0CA6,\u0CA7.\u0CA8"},
    {7, false, 0x3D, "\u0CAA\u0CAB?\u0CAC\u0CAD\u0CAE\u0CAF\u0CB0\u0CB1\u0CB2\u0CB3\uFFFD\u0CB5"},
    {7, false, 0x57,
     "\uFFFD\u0CC6\u0CC7\u0CC8\uFFFD\u0CCA\u0CCB\u0CCC\u0CCD\u0CD5"
     "abcdefghijklmnopqrstuvwxyz\u0CD6\u0CE0\u0CE1\u0CE2\u0CE3"},
    {7, true, 0x18, "*\u0964\u0965 \u0CE6\u0CE7\u0CE8\u0CE9\u0CEA"},
    {7, true, 0x26, "\u0CDE\u0CF1{}\u0CF2"},
    {7, true, 0x3C, "[~]"},
    {8, false, 0x0D, "\r\u0D0E\u0D0F\u0D10\uFFFD\u0D12\u0D13\u0D14\u0D15"},
    {8, false, 0x2E, ".\u0D280123456789:;\uFFFD\u0D2A\u0D2B?"},
    {8, false, 0x4C, "\u0D38\u0D39\uFFFD\u0D3D\u0D3E"},
    {8, false, 0x7B, "\u0D60\u0D61\u0D62\u0D63\u0D79"},
    {12, true, 0x20,
     "\u0C6A\u0C6B\u0C6C\u0C6D\u0C6E\u0C6F\u0C58\u0C59{}\u0C78\u0C79\u0C7A\u0C7B\u0C7C\\"
     "\u0C7D\u0C7E\u0C7F"},
};

static void test_spots(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spots / sizeof spots[0]; i++) {
        const struct spot *s = &spots[i];
        size_t at = 0, len = strlen(s->chars);
        for (uint8_t code = s->first; at < len; code++) {
            struct gsm7_decoder d;
            uint32_t cp;
            gsm7_decoder_init(&d, s->language, s->language);
            assert_int_equal(text_utf8_next(s->chars, len, &at, &cp), OK);
            if (s->single)
                assert_int_equal(gsm7_decode(&d, GSM7_ESCAPE), 0);
            if (gsm7_decode(&d, code) != cp && code != GSM7_ESCAPE)
                fail_msg("language %u, row %zu, code %02X", s->language, i, code);
        }
    }
}

/* What each table must be: blocks of its own script, Latin letters and digits where annex A has them. */
static void test_tables_are_of_their_script(void **state)
{
    (void)state;
    static const struct {
        uint8_t language;
        uint16_t first, last;
    } blocks[] = {{4, 0x0980, 0x09FF},  {5, 0x0A80, 0x0AFF},  {6, 0x0900, 0x097F},
                  {7, 0x0C80, 0x0CFF},  {8, 0x0D00, 0x0D7F},  {9, 0x0B00, 0x0B7F},
                  {10, 0x0A00, 0x0A7F}, {11, 0x0B80, 0x0BFF}, {12, 0x0C00, 0x0C7F},
                  {13, 0x0600, 0x077F}};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        const uint16_t *t = gsm7_locking[blocks[i].language], *s = gsm7_single[blocks[i].language];
        unsigned own = 0;
        for (unsigned c = 0; c < 128; c++) {
            bool script = t[c] >= blocks[i].first && t[c] <= blocks[i].last;
            own += script;
            /* danda and double danda belong to all of the Brahmic scripts */
            assert_true(script || t[c] < 0x80 || t[c] == 0xFFFD || t[c] == 0x0964 ||
                        t[c] == 0x0965);
            for (unsigned b = 0; script && b < c; b++)
                assert_int_not_equal(t[b], t[c]); /* no letter twice */
        }
        assert_true(own >= 40);
        for (unsigned c = 'a'; c <= 'z'; c++)
            assert_int_equal(t[c], c);
        for (unsigned c = '0'; c <= '9'; c++)
            assert_int_equal(t[c], c);
        for (unsigned c = 'A'; c <= 'Z'; c++)
            assert_int_equal(s[c], c);
        assert_int_equal(t['\n'], '\n');
        assert_int_equal(t['\r'], '\r');
        assert_int_equal(t[' '], ' ');
    }
}

/* Every code of every table against another typing of annex A, oFono's: it shows a gap as a space, or not at all. */
static void test_tables_against_another_typing(void **state)
{
    (void)state;
    for (unsigned i = 1; i < GSM_NATIONAL; i++) {
        const uint16_t *lock = gsm_national_locking[i], *single = gsm_national_single[i];
        assert_int_equal(lock == NULL, gsm7_locking[i] == NULL);
        for (unsigned c = 0; c < 128; c++) {
            if (c == GSM7_ESCAPE)
                continue;
            if (lock && lock[c] != gsm7_locking[i][c])
                assert_true(lock[c] == ' ' && gsm7_locking[i][c] == 0xFFFD && c != ' ');
            /* A.2.12 0x65: see gsm7_tables.c */
            if (single[c] != gsm7_single[i][c])
                assert_true(i == 12 && c == 0x65 && single[c] == 0);
        }
    }
}

/* In each language all its characters are written as one septet or two, and read back as themselves. */
static void test_encode_in(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < GSM7_LANGUAGES; i++) {
        for (uint32_t cp = 0; cp <= 0x11000; cp++) {
            uint8_t code[2];
            struct gsm7_decoder d;
            unsigned n = gsm7_encode_in(i, i, cp, code);
            if (n == 0)
                continue;
            gsm7_decoder_init(&d, i, i);
            assert_true(n == 1 ? code[0] != GSM7_ESCAPE : code[0] == GSM7_ESCAPE);
            uint32_t read = gsm7_decode(&d, code[0]);
            assert_int_equal(n == 1 ? read : gsm7_decode(&d, code[1]), cp);
        }
    }
    uint8_t code[2];
    assert_int_equal(gsm7_encode_in(0, 1, 0x015F, code), 2); /* s with cedilla: A.2.1 */
    assert_true(code[0] == 0x1B && code[1] == 0x73);
    assert_int_equal(gsm7_encode_in(6, 0, 0x0915, code), 1); /* Devanagari KA: A.3.6 */
    assert_int_equal(code[0], 0x15);
    assert_int_equal(gsm7_encode_in(6, 6, 0xFFFD, code), 0);
}

static void test_escape_escape_is_a_space(void **state)
{
    (void)state;
    for (uint8_t language = 0; language < GSM7_LANGUAGES; language++) {
        struct gsm7_decoder d;
        gsm7_decoder_init(&d, language, language);
        assert_int_equal(gsm7_decode(&d, GSM7_ESCAPE), 0);
        assert_int_equal(gsm7_decode(&d, GSM7_ESCAPE), ' ');
        assert_false(d.escaped);
    }
}

/* All of Unicode: what encodes is the 127 and 10 characters of the two tables, and reads back as itself. */
static void test_encode(void **state)
{
    (void)state;
    unsigned plain = 0, extended = 0;
    for (uint32_t cp = 0; cp <= 0x10FFFF; cp++) {
        uint8_t code[2];
        struct gsm7_decoder d;
        unsigned n = gsm7_encode(cp, code);
        char utf8[5] = {0};
        if (n == 0)
            continue;
        gsm7_decoder_init(&d, 0, 0);
        if (n == 2)
            assert_int_equal(gsm7_decode(&d, code[0]), 0);
        assert_int_equal(gsm7_decode(&d, code[n - 1]), cp);
        text_utf8_put(utf8, cp);
        if (n == 1) /* in the table of 6.2.1, or else in that of 6.2.1.1 */
            assert_non_null(strstr(default_alphabet, utf8));
        else
            assert_non_null(strstr("\f^{}\\[~]|€", utf8));
        plain += n == 1;
        extended += n == 2;
    }
    assert_int_equal(plain, 127);
    assert_int_equal(extended, 10);
}

/* Packed texts: dreamfabric.com, python-gsmmodem test_pdu.py, libosmocore tests/sms. */
static const struct packed {
    const char *text, *hex;
} packed[] = {
    {"hello", "E8329BFD06"},
    {"hellohello", "E8329BFD4697D9EC37"},
    {"123", "31D90C"},
    {"12345678", "31D98C56B3DD70"},
    {"123456789", "31D98C56B3DD7039"},
    {"Hello World!", "C8329BFD065DDF72363904"},
    {"[{abc}]~", "1BDE0615168F37A98D6FD303"},
    {"{åΦΓΛΩΠΨΣΘ€}", "1BD44332A1542C174C6653DEA400"},
    {"a[]{}€", "E10D6FE3DBA036A94D19"},
    {"enhanced ^ {][} test |+~ ^ test",
     "65373AEC1E97C9A00D05B4416D7C1BDE2605A297E774D006B8DAF4401B0A885E9ED301"},
};

static void test_packing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof packed / sizeof packed[0]; i++) {
        uint8_t octets[64] = {0}, expected[64], code[2];
        size_t n, at = 0, len = strlen(packed[i].text);
        unsigned septets = 0;
        assert_int_equal(text_hex_decode(packed[i].hex, strlen(packed[i].hex), expected, 64, &n),
                         OK);
        while (at < len) {
            uint32_t cp;
            assert_int_equal(text_utf8_next(packed[i].text, len, &at, &cp), OK);
            for (unsigned k = 0, m = gsm7_encode(cp, code); k < m; k++) {
                gsm7_put(octets, septets, code[k]);
                assert_int_equal(gsm7_get(octets, septets), code[k]);
                septets++;
            }
        }
        assert_int_equal(gsm7_octets(septets), n);
        assert_memory_equal(octets, expected, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locking),
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_spots),
        cmocka_unit_test(test_tables_are_of_their_script),
        cmocka_unit_test(test_escape_escape_is_a_space),
        cmocka_unit_test(test_tables_against_another_typing),
        cmocka_unit_test(test_encode_in),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_packing),
    };
    return cmocka_run_group_tests_name("gsm7", tests, NULL, NULL);
}
