/* phone_test.c - phone numbers and senders, by api.md's words. */
#include "../../src/phone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text;
    const char *number; /* NULL: refused */
} numbers[] = {
    {"+818012345678", "+818012345678"},
    {"+8190123456789", "+8190123456789"}, /* 13 digits, accepted by name */
    {"+81 90-1234.5678", "+819012345678"},
    {"+1 (212) 555-0100", "+12125550100"},
    {"  +4915112345678 \r\n", NULL}, /* line breaks behind it are no digits */
    {"  +4915112345678 ", "+4915112345678"},
    {"+123456789012345", "+123456789012345"}, /* 15 digits */
    {"+1234567890123456", NULL},              /* 16 */
    {"+81080123456", NULL},                   /* trunk zero */
    {"+81 (0)80 1234 5678", NULL},
    {"+0123456789", NULL},
    {"+44 020 7946 0000", "+4402079460000"}, /* only Japan's is known */
    {"818012345678", NULL},
    {" 818012345678", NULL}, /* a form's + that was not escaped */
    {"0081801234567", NULL},
    {"", NULL},
    {"+", NULL},
    {"+81", NULL},
    {"++818012345678", NULL},
    {"+81801234567a", NULL},
    {"+818012345678,+818012345679", NULL},
    {"+818012345678;ext=1", NULL},
    {"\xEF\xBC\x8B\xEF\xBC\x98\xEF\xBC\x91", NULL}, /* full width */
};

static void numbers_are_normalised_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char out[PHONE_MAX] = "untouched";
        const char *why = NULL;
        enum err e = phone_normalise(numbers[i].text, out, &why);
        if (numbers[i].number) {
            assert_int_equal(e, OK);
            assert_string_equal(out, numbers[i].number);
        } else {
            assert_int_not_equal(e, OK);
            assert_non_null(why);
            assert_true(strlen(why) > 10 && strlen(why) < 120);
            assert_string_equal(out, "untouched");
        }
    }
}

static void a_megabyte_of_digits_is_refused(void **state)
{
    (void)state;
    static char many[1 << 20];
    char out[PHONE_MAX];
    const char *why;
    memset(many, '9', sizeof many - 1);
    many[0] = '+';
    assert_int_equal(phone_normalise(many, out, &why), ERR_RANGE);
    many[0] = '9';
    assert_int_equal(phone_sender_check(many, &why), ERR_RANGE);
}

static const struct {
    const char *text;
    bool ok;
} senders[] = {
    {"Xoxzo1", true},
    {"1234567890", true},
    {"123456789012345", true},   /* 15 digits */
    {"+123456789012345", true},  /* and a + */
    {"1234567890123456", false}, /* 16 */
    {"ABCDEFGHIJ", true},        /* 10 characters */
    {"ABCDEFGHIJK", false},
    {"1234567890A", false}, /* not digits only: 10 characters at most */
    {"\xE3\x81\x82\xE3\x81\x84\xE3\x81\x86\xE3\x81\x88\xE3\x81\x8A", true}, /* 5 kana, 15 bytes */
    {"a\nb", false},
    {"a\x7f", false},
    {"\xC2\x85", false}, /* a C1 control */
    {"+", true},
    {" ", true},
};

static void senders_are_judged_by_what_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
        const char *why = NULL;
        assert_int_equal(phone_sender_check(senders[i].text, &why) == OK, senders[i].ok);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_normalised_or_refused),
        cmocka_unit_test(a_megabyte_of_digits_is_refused),
        cmocka_unit_test(senders_are_judged_by_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
