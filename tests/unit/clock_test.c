/* clock_test.c - civil time; expected values from `date -u -d ... +%s`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"

static void formats_and_parses(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"1970-01-01 00:00:00", 0},
        {"1969-12-31 23:59:59", -1},
        {"2000-02-29 12:00:00", 951825600},
        {"2026-01-02 03:04:05", 1767323045},
        {"2038-01-19 03:14:08", 2147483648},
        {"2100-02-28 23:59:59", 4107542399},
        {"9999-12-31 23:59:59", 253402300799},
        {"0001-01-01 00:00:00", -62135596800},
    };
    char out[CLK_TEXT_MAX];
    int64_t ms;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(clk_format(rows[i].seconds * 1000, out), rows[i].text);
        assert_int_equal(clk_parse(rows[i].text, &ms), OK);
        assert_true(ms == rows[i].seconds * 1000);
    }
    assert_string_equal(clk_format(INT64_MIN, out), "0001-01-01 00:00:00");
    assert_string_equal(clk_format(INT64_MAX, out), "9999-12-31 23:59:59");
    assert_string_equal(clk_format(-1, out), "1969-12-31 23:59:59");
}

static void rfc3339(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"2026-01-02T03:04:05Z", 1767323045000},
        {"2026-01-02t03:04:05z", 1767323045000},
        {"2026-01-02T12:04:05+09:00", 1767323045000},
        {"2026-01-01T21:34:05-05:30", 1767323045000},
        {"2026-01-02T03:04:05.25Z", 1767323045250},
        {"2026-01-02T03:04:05.123456789Z", 1767323045123},
        {"2016-12-31T23:59:60Z", 1483228799000}, /* the leap second */
    };
    int64_t ms;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(clk_parse(rows[i].text, &ms), OK);
        assert_true(ms == rows[i].ms);
    }
}

static void refuses(void **state)
{
    static const char *const malformed[] = {
        "",
        "2026-01-02",
        "2026-01-02 03:04",
        "2026-1-2 03:04:05",
        "2026-01-02 03:04:05 ",
        "2026-01-02T03:04:05+9:00",
        "2026-01-02T03:04:05+0900",
        "2026-01-02T03:04:05X",
        "x026-01-02 03:04:05",
    };
    static const char *const impossible[] = {
        "2026-02-29 00:00:00", "2100-02-29 00:00:00", "2026-13-01 00:00:00",
        "2026-00-01 00:00:00", "2026-01-00 00:00:00", "2026-01-32 00:00:00",
        "2026-01-01 24:00:00", "2026-01-01 00:60:00", "0000-01-01 00:00:00",
    };
    int64_t ms = 42;
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        assert_int_equal(clk_parse(malformed[i], &ms), ERR_SYNTAX);
    for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++)
        assert_int_equal(clk_parse(impossible[i], &ms), ERR_RANGE);
    assert_int_equal(clk_parse_date("2026-01-02 ", &ms), ERR_SYNTAX);
    assert_int_equal(clk_parse_date("2026-02-30", &ms), ERR_RANGE);
    assert_true(ms == 42);
    assert_int_equal(clk_parse_date("2026-01-02", &ms), OK);
    assert_true(ms == 1767312000000);
}

static void goes_forward(void **state)
{
    int64_t before = clk_mono_ms();
    (void)state;
    assert_true(clk_mono_ms() >= before);
    int64_t wall = clk_wall_ms();
    clk_set_offset_ms(90 * CLK_DAY_MS);
    assert_in_range((unsigned long)(clk_wall_ms() - wall), 90 * CLK_DAY_MS,
                    90 * CLK_DAY_MS + CLK_MINUTE_MS);
    clk_set_offset_ms(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_and_parses),
        cmocka_unit_test(rfc3339),
        cmocka_unit_test(refuses),
        cmocka_unit_test(goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
