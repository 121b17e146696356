/* at_args_test.c - arguments of information lines, as modems and the standards write them. */
#include "../../modem/at_args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct at_args args_of(const char *line)
{
    return (struct at_args){line};
}

static void test_open(void **state)
{
    static const struct {
        const char *line, *prefix, *rest; /* rest NULL: ERR_NOT_FOUND */
    } rows[] = {
        {"+CSQ: 17,99", "+CSQ", "17,99"},
        {"+CSQ:17,99", "+CSQ", "17,99"},
        {"+CSQ 17,99", "+CSQ", "17,99"},
        {"+CSQ17,99", "+CSQ", "17,99"},
        {"+CSQ", "+CSQ", ""},
        {"+CSQ:", "+CSQ", ""},
        {"^RSSI:21", "^RSSI", "21"},
        {"+CSQN: 1", "+CSQ", NULL},
        {"+CSQ_X: 1", "+CSQ", NULL},
        {"xx+CSQ: 1", "+CSQ", NULL},
        {"+CS", "+CSQ", NULL},
        {"", "+CSQ", NULL},
        {"  359/1", "", "359/1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct at_args a = args_of("untouched");
        enum err e = at_args_open(&a, rows[i].line, rows[i].prefix);
        assert_int_equal(e, rows[i].rest ? OK : ERR_NOT_FOUND);
        assert_string_equal(a.at, rows[i].rest ? rows[i].rest : "untouched");
    }
}

static void test_int(void **state)
{
    static const struct {
        const char *text;
        int min, max;
        enum err e;
        int value;
        const char *rest;
    } rows[] = {
        {"17,99", 0, 99, OK, 17, "99"},
        {" 17 , 99", 0, 99, OK, 17, " 99"},
        {"-113", -200, 0, OK, -113, ""},
        {"+5", 0, 9, OK, 5, ""},
        {"0042", 0, 99, OK, 42, ""},
        {"100,1", 0, 99, ERR_RANGE, 0, "1"},
        {"-1", 0, 99, ERR_RANGE, 0, ""},
        {"99999999999999999999999,1", 0, 99, ERR_RANGE, 0, "1"},
        {"4294967297", 0, 99, ERR_RANGE, 0, ""},
        {"", 0, 9, ERR_EMPTY, 0, ""},
        {"  ", 0, 9, ERR_EMPTY, 0, ""},
        {",7", 0, 9, ERR_EMPTY, 0, "7"},
        {"seven,7", 0, 9, ERR_SYNTAX, 0, "7"},
        {"1x", 0, 9, ERR_SYNTAX, 0, ""},
        {"-", 0, 9, ERR_SYNTAX, 0, ""},
        {"--1", -9, 9, ERR_SYNTAX, 0, ""},
        {"1.5", 0, 9, ERR_SYNTAX, 0, ""},
        {"\"SM\",7", 0, 9, ERR_SYNTAX, 0, "7"},
        {"\"7\"", 0, 9, OK, 7, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct at_args a = args_of(rows[i].text);
        int value = -77;
        enum err e = at_int(&a, &value, rows[i].min, rows[i].max);
        assert_int_equal(e, rows[i].e);
        assert_int_equal(value, e ? -77 : rows[i].value);
        assert_string_equal(a.at, rows[i].rest);
    }
}

static void test_hex(void **state)
{
    static const struct {
        const char *text;
        enum err e;
        unsigned value;
    } rows[] = {
        {"\"1A2B\",7", OK, 0x1A2B},    {"1a2b", OK, 0x1A2B},
        {"FFFFFFFF", OK, 0xFFFFFFFFu}, {"0", OK, 0},
        {"100000000", ERR_RANGE, 0},   {"12G4", ERR_SYNTAX, 0},
        {"\"\"", ERR_EMPTY, 0},        {"", ERR_EMPTY, 0},
        {",1", ERR_EMPTY, 0},          {"\"1A", ERR_SYNTAX, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct at_args a = args_of(rows[i].text);
        unsigned value = 77;
        enum err e = at_hex_int(&a, &value);
        assert_int_equal(e, rows[i].e);
        assert_int_equal(value, e ? 77 : rows[i].value);
    }
}

static void test_string(void **state)
{
    static const struct {
        const char *text;
        enum err e;
        const char *value, *rest;
    } rows[] = {
        {"\"SM\",3,20", OK, "SM", "3,20"},
        {"READY", OK, "READY", ""},
        {"SIM PIN ,1", OK, "SIM PIN", "1"},
        {"\"\",23", OK, "", "23"},
        {"\"a,b\",2", OK, "a,b", "2"},
        {"\"He said \"hi\" to us\",15", OK, "He said \"hi\" to us", "15"},
        {"\"two\nlines\",15", OK, "two\nlines", "15"},
        {"\"open,2", ERR_SYNTAX, NULL, ""},
        {"\"", ERR_SYNTAX, NULL, ""},
        {",x", ERR_EMPTY, NULL, "x"},
        {"", ERR_EMPTY, NULL, ""},
        {"\"0123456789abcdef\",1", ERR_RANGE, NULL, "1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct at_args a = args_of(rows[i].text);
        char value[20] = "untouched";
        enum err e = at_string(&a, value, i == 11 ? 16 : sizeof value);
        assert_int_equal(e, rows[i].e);
        assert_string_equal(value, e ? "untouched" : rows[i].value);
        assert_string_equal(a.at, rows[i].rest);
    }
}

static void test_skip_and_more(void **state)
{
    struct at_args a = args_of("(\"a,b\",(1,2)),\"x,y\",,3");
    int value = 0;
    (void)state;
    at_skip(&a);
    assert_string_equal(a.at, "\"x,y\",,3");
    at_skip(&a);
    at_skip(&a);
    assert_true(at_more(&a));
    assert_int_equal(at_int(&a, &value, 0, 9), OK);
    assert_int_equal(value, 3);
    assert_false(at_more(&a));
    at_skip(&a);
    assert_int_equal(at_int(&a, &value, 0, 9), ERR_EMPTY);
    a = args_of("\"never closed, (");
    at_skip(&a);
    assert_string_equal(a.at, "");
    a = args_of("((((");
    at_skip(&a);
    assert_string_equal(a.at, "");
    a = args_of(") ,1");
    at_skip(&a);
    assert_string_equal(a.at, "1");
}

/* +CNMI=? and +CSMS=? of 27.005 3.4.1 and 3.2.1, as modems write them. */
static void test_list(void **state)
{
    static const struct {
        const char *text;
        int value;
        enum err e;
        bool has;
        const char *rest;
    } rows[] = {
        {"(0-2,4),(1)", 0, OK, true, "(1)"},
        {"(0-2,4),(1)", 2, OK, true, "(1)"},
        {"(0-2,4),(1)", 3, OK, false, "(1)"},
        {"(0-2,4),(1)", 4, OK, true, "(1)"},
        {"(0,1)", 1, OK, true, ""},
        {"( 0 , 1 ) , 5", 1, OK, true, " 5"},
        {"2,3", 2, OK, true, "3"},
        {"2,3", 3, OK, false, "3"},
        {"0-3,9", 2, OK, true, "9"},
        {"(),(1)", 0, OK, false, "(1)"},
        {"(0,,2)", 2, OK, true, ""},
        {"", 0, ERR_EMPTY, false, ""},
        {",(1)", 0, ERR_EMPTY, false, "(1)"},
        {"(0-2", 0, ERR_SYNTAX, false, ""},
        {"(a,1),5", 1, ERR_SYNTAX, false, "5"},
        {"(1-),5", 1, ERR_SYNTAX, false, "5"},
        {"(-1),5", 1, ERR_SYNTAX, false, "5"},
        {"(2-1)", 1, OK, false, ""},
        {"(99999999999999999999)", 1, ERR_SYNTAX, false, ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct at_args a = args_of(rows[i].text);
        bool has = !rows[i].has;
        enum err e = at_list_has(&a, rows[i].value, &has);
        assert_int_equal(e, rows[i].e);
        assert_int_equal(has, e ? !rows[i].has : rows[i].has);
        assert_string_equal(a.at, rows[i].rest);
    }
}

static void test_list_of_strings(void **state)
{
    struct at_args a = args_of("(\"SM\",\"ME\"),(\"SR\")");
    bool has = false;
    (void)state;
    assert_int_equal(at_list_has_string(&a, "ME", &has), OK);
    assert_true(has);
    assert_int_equal(at_list_has_string(&a, "SM", &has), OK);
    assert_false(has);
    assert_int_equal(at_list_has_string(&a, "SM", &has), ERR_EMPTY);

    a = args_of("(\"SMX\",\"S\")"); /* whole strings only */
    assert_int_equal(at_list_has_string(&a, "SM", &has), OK);
    assert_false(has);

    /* Wavecom: one more pair of parentheses around all lists. */
    a = args_of("((\"SM\",\"BM\",\"SR\"),(\"SM\"))");
    assert_int_equal(at_list_has_string(&a, "SR", &has), OK);
    assert_true(has);
    assert_int_equal(at_list_has_string(&a, "SR", &has), OK);
    assert_false(has);
}

/* Every line cut at every byte, each parser: nothing but a clean result. */
static void test_cut_anywhere(void **state)
{
    static const char line[] = "((0-2,4),\"a\"\"b,c\",-17,1A,(\"SM\",\"ME\"),,\"x";
    char cut[sizeof line], text[8];
    (void)state;
    for (size_t n = 0; n < sizeof line; n++) {
        memcpy(cut, line + sizeof line - 1 - n, n);
        cut[n] = '\0';
        struct at_args a = args_of(cut);
        for (unsigned i = 0; at_more(&a); i++) {
            const char *before = a.at;
            int value;
            unsigned hex;
            bool has;
            struct at_args b = a, c = a, d = a, f = a;
            enum err results[] = {at_int(&a, &value, 0, 9), at_hex_int(&b, &hex),
                                  at_string(&c, text, sizeof text), at_list_has(&d, 1, &has),
                                  at_list_has_string(&f, "SM", &has)};
            for (size_t k = 0; k < sizeof results / sizeof *results; k++)
                assert_true(results[k] == OK || results[k] == ERR_EMPTY ||
                            results[k] == ERR_SYNTAX || results[k] == ERR_RANGE);
            assert_true(a.at > before && b.at > before && c.at > before && d.at > before &&
                        f.at > before);
            assert_true(i < sizeof line);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_int),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_string),
        cmocka_unit_test(test_skip_and_more),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_of_strings),
        cmocka_unit_test(test_cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
