/* modem_text_test.c - USSD strings as modems write them.  Packed ones by hand after 23.038 6.1.2.3, and from the
 * field ("AA180C3602" is *100#, as sent to Huawei sticks everywhere). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../modem/modem_text.c"

static const struct {
    const char *text;
    int dcs;
    bool packed;
    const char *utf8;
} decodes[] = {
    {"Your balance is 5.00", 15, false, "Your balance is 5.00"},
    {"", 15, false, ""},
    {"1234", 15, false, "1234"},         /* digits, not hexadecimal */
    {"12345678", 15, false, "12345678"}, /* nor UCS-2 */
    {"\x02 5", 15, false, "$ 5"},        /* 23.038 6.2.1: 0x02 is the dollar */
    {"AA180C3602", 15, true, "*100#"},
    {"AA180C3602", 15, false, "AA180C3602"},
    {"not hex", 15, true, "not hex"},
    {"31D98C56B3DD1A", 15, true, "1234567"}, /* seven characters: filled with CR */
    {"31D98C56B3DD70", 15, true, "12345678"},
    {"00480069002000AC20AC", 72, false, "Hi \xC2\xAC\xE2\x82\xAC"},
    {"041F044004380432043504420021", 72, false, "Привет!"},
    {"D83DDE00", 72, false, "\xF0\x9F\x98\x80"},
    {"00420061006C0061006E00630065", 15, false, "Balance"}, /* +CSCS="UCS2" in spite of us */
    {"caf\xE9", 15, false, "caf\xC3\xA9"},                  /* Latin-1 */
    {"caf\xC3\xA9", 15, false, "caf\xC3\xA9"},
};

static void test_decode(void **state)
{
    char out[512];
    (void)state;
    for (size_t i = 0; i < sizeof decodes / sizeof *decodes; i++) {
        assert_int_equal(OK, modem_ussd_decode(decodes[i].text, decodes[i].dcs, decodes[i].packed,
                                               out, sizeof out));
        assert_string_equal(decodes[i].utf8, out);
    }
}

/* 182 septets are 160 octets: more than one TP-UD holds. */
static void test_long_ones(void **state)
{
    char text[183], packed[321], out[512];
    (void)state;
    for (size_t i = 0; i < 182; i++)
        text[i] = (char)('a' + i % 26);
    text[182] = '\0';
    assert_int_equal(OK, modem_ussd_decode(text, 15, false, out, sizeof out));
    assert_string_equal(text, out);
    /* eight times 1010101 */
    for (size_t i = 0; i < 22; i++)
        memcpy(packed + 14 * i, "D56AB55AAD56AB", 14); /* 'U' x 8 */
    packed[308] = '\0';
    assert_int_equal(OK, modem_ussd_decode(packed, 15, true, out, sizeof out));
    assert_int_equal(176, strlen(out));
    assert_int_equal(176, strspn(out, "U"));
}

/* Whatever comes, it ends within bounds. */
static void test_hostile(void **state)
{
    char text[1000], out[64];
    unsigned seed = 42;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        size_t n = (unsigned)rand_r(&seed) % (sizeof text - 1);
        for (size_t i = 0; i < n; i++)
            text[i] = round % 2 ? "0123456789ABCDEF"[rand_r(&seed) % 16]
                                : (char)(1 + rand_r(&seed) % 255);
        text[n] = '\0';
        memset(out, 'x', sizeof out);
        if (modem_ussd_decode(text, rand_r(&seed) % 256, round % 3 == 0, out, sizeof out) == OK)
            assert_non_null(memchr(out, '\0', sizeof out));
        modem_plain(text);
    }
}

static void test_encode(void **state)
{
    char out[400], text[300];
    (void)state;
    assert_int_equal(OK, modem_ussd_encode("*100#", false, out, sizeof out));
    assert_string_equal("*100#", out);
    assert_int_equal(OK, modem_ussd_encode("*100#", true, out, sizeof out));
    assert_string_equal("AA180C3602", out);
    assert_int_equal(OK, modem_ussd_encode("1234567", true, out, sizeof out));
    assert_string_equal("31D98C56B3DD1A", out);
    assert_int_equal(ERR_SYNTAX, modem_ussd_encode("", false, out, sizeof out));
    assert_int_equal(ERR_SYNTAX, modem_ussd_encode("*1\"#", false, out, sizeof out));
    assert_int_equal(ERR_SYNTAX, modem_ussd_encode("*1\r#", false, out, sizeof out));
    assert_int_equal(ERR_SYNTAX, modem_ussd_encode("\xE2\x9C\x93", true, out, sizeof out));
    memset(text, '1', 200);
    text[200] = '\0';
    assert_int_equal(ERR_RANGE, modem_ussd_encode(text, true, out, sizeof out));
    assert_int_equal(ERR_RANGE, modem_ussd_encode("*100#", false, out, 4));
}

static const struct {
    const char *in, *out;
} plains[] = {
    {"002B00340039", "+49"},  {"+4917112345678", "+4917112345678"},
    {"12345678", "12345678"}, {"00410042", "AB"},
    {"0041004", "0041004"},   {"", ""},
    {"04100411", "04100411"},
};

static void test_plain(void **state)
{
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof plains / sizeof *plains; i++) {
        memcpy(text, plains[i].in, strlen(plains[i].in) + 1);
        modem_plain(text);
        assert_string_equal(plains[i].out, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decode),  cmocka_unit_test(test_long_ones),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_encode),
        cmocka_unit_test(test_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
