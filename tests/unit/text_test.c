/* text_test.c - UTF-8 by the table of RFC 3629 and the Unicode standard's ill-formed examples; hex; numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "text.h"

static void utf8_well_formed(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t cp;
    } rows[] = {
        {"A", 'A'},
        {"\xC2\x80", 0x80},
        {"\xDF\xBF", 0x7FF},
        {"\xE0\xA0\x80", 0x800},
        {"\xE2\x82\xAC", 0x20AC},
        {"\xED\x9F\xBF", 0xD7FF},
        {"\xEE\x80\x80", 0xE000},
        {"\xEF\xBF\xBF", 0xFFFF},
        {"\xF0\x90\x80\x80", 0x10000},
        {"\xF0\x9F\x98\x80", 0x1F600},
        {"\xF4\x8F\xBF\xBF", 0x10FFFF},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t at = 0, len = strlen(rows[i].bytes);
        uint32_t cp;
        char back[4];
        assert_int_equal(text_utf8_next(rows[i].bytes, len, &at, &cp), OK);
        assert_int_equal(at, len);
        assert_int_equal(cp, rows[i].cp);
        assert_int_equal(text_utf8_put(back, cp), len);
        assert_memory_equal(back, rows[i].bytes, len);
        for (size_t cut = 1; cut < len; cut++) {
            at = 0;
            assert_int_equal(text_utf8_next(rows[i].bytes, cut, &at, &cp), ERR_SYNTAX);
            assert_int_equal(at, 0);
        }
    }
}

static void utf8_ill_formed(void **state)
{
    static const char *const rows[] = {
        "\x80",     /* a continuation alone */
        "\xC0\xAF", /* overlong / */
        "\xC1\xBF",
        "\xE0\x80\xAF", /* overlong / */
        "\xE0\x9F\xBF",
        "\xED\xA0\x80",     /* U+D800 */
        "\xED\xBF\xBF",     /* U+DFFF */
        "\xF0\x80\x80\xAF", /* overlong / */
        "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", /* U+110000 */
        "\xF5\x80\x80\x80",
        "\xFE",
        "\xFF",
        "\xE2\x28\xA1", /* a lead without its continuation */
        "a\xE2\x82",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(text_utf8_check(rows[i], strlen(rows[i])), ERR_SYNTAX);
    assert_int_equal(text_utf8_check("a\0b", 3), ERR_SYNTAX);
    assert_int_equal(text_utf8_check("", 0), OK);
    char out[4];
    assert_int_equal(text_utf8_put(out, 0xD800), 0);
    assert_int_equal(text_utf8_put(out, 0x110000), 0);
}

static void utf16_units(void **state)
{
    (void)state;
    assert_int_equal(text_utf16_units("a€😀", strlen("a€😀")), 4);
    assert_int_equal(text_utf16_units("", 0), 0);
}

static void hexadecimal(void **state)
{
    uint8_t out[4];
    char text[9];
    size_t n = 99;
    (void)state;
    assert_int_equal(text_hex_decode("00fFa5", 6, out, sizeof out, &n), OK);
    assert_int_equal(n, 3);
    assert_memory_equal(out, "\x00\xff\xa5", 3);
    text_hex_encode(out, 3, text);
    assert_string_equal(text, "00FFA5");
    assert_int_equal(text_hex_decode("0", 1, out, sizeof out, &n), ERR_SYNTAX);
    assert_int_equal(text_hex_decode("0g", 2, out, sizeof out, &n), ERR_SYNTAX);
    assert_int_equal(text_hex_decode("0001020304", 10, out, sizeof out, &n), ERR_FULL);
    assert_int_equal(text_hex_decode("", 0, out, sizeof out, &n), OK);
    assert_int_equal(n, 0);
}

static void copies(void **state)
{
    char out[4] = "xyz";
    (void)state;
    assert_int_equal(text_copy(out, sizeof out, "abc"), OK);
    assert_string_equal(out, "abc");
    assert_int_equal(text_copy(out, sizeof out, "abcd"), ERR_FULL);
    assert_string_equal(out, "");
}

static void words(void **state)
{
    (void)state;
    assert_true(text_equal_nocase("TrUe", "true"));
    assert_false(text_equal_nocase("tru", "true"));
    assert_false(text_equal_nocase("true ", "true"));
    assert_true(text_starts_nocase("HTTP://x", "http://"));
    assert_false(text_starts_nocase("ht", "http"));
}

static void numbers(void **state)
{
    int64_t n = 7;
    (void)state;
    assert_int_equal(text_int("0", 0, 9, &n), OK);
    assert_int_equal(n, 0);
    assert_int_equal(text_int("-5", -9, 9, &n), OK);
    assert_int_equal(n, -5);
    assert_int_equal(text_int("9223372036854775807", 0, INT64_MAX, &n), OK);
    assert_true(n == INT64_MAX);
    n = 7;
    assert_int_equal(text_int("9223372036854775808", 0, INT64_MAX, &n), ERR_RANGE);
    assert_int_equal(text_int("10", 0, 9, &n), ERR_RANGE);
    assert_int_equal(text_int("", 0, 9, &n), ERR_SYNTAX);
    assert_int_equal(text_int("-", -9, 9, &n), ERR_SYNTAX);
    assert_int_equal(text_int(" 1", 0, 9, &n), ERR_SYNTAX);
    assert_int_equal(text_int("1x", 0, 9, &n), ERR_SYNTAX);
    assert_int_equal(text_int("+1", 0, 9, &n), ERR_SYNTAX);
    assert_int_equal(n, 7);
}

static void random_letters(void **state)
{
    char first[33], second[33];
    unsigned seen[256] = {0};
    (void)state;
    assert_int_equal(text_random_letters(first, 32), OK);
    assert_int_equal(text_random_letters(second, 32), OK);
    assert_int_equal(strlen(first), 32);
    assert_string_not_equal(first, second);
    for (int i = 0; i < 2000; i++) {
        assert_int_equal(text_random_letters(first, 31), OK);
        for (const char *c = first; *c; c++)
            seen[(unsigned char)*c]++;
    }
    for (int c = 0; c < 256; c++) { /* 62,000 letters: 1,000 of each, give or take ten sigma */
        bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        assert_in_range(seen[c], letter ? 680 : 0, letter ? 1320 : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_well_formed), cmocka_unit_test(utf8_ill_formed),
        cmocka_unit_test(utf16_units),      cmocka_unit_test(hexadecimal),
        cmocka_unit_test(copies),           cmocka_unit_test(words),
        cmocka_unit_test(numbers),          cmocka_unit_test(random_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
