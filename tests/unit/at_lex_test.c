/* at_lex_test.c - tokens from bytes: each row whole, byte by byte, and cut at random (the seed is printed). */
#include "../../modem/at_lex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A status report, 23.040 9.2.2.3: the service centre's 8 octets and a TPDU of 25, the number that 27.005 gives. */
#define PDU25                                                                                      \
    "0791947106004034"                                                                             \
    "06290B919471123456F8621010915300006210109153300000"
#define PDU_SHORT "0791947106004034"

static unsigned seed;

static void show(char *out, size_t size, const struct at_token *t)
{
    static const char letters[] = {'-', 'L', 'F', 'P', 'E'};
    size_t n = strlen(out);
    n += (size_t)snprintf(out + n, size - n, "%c[%.66s]", letters[t->kind], t->line);
    if (t->pdu)
        n += (size_t)snprintf(out + n, size - n, "(%.90s)", t->pdu);
    if (t->kind == AT_TOKEN_FINAL)
        n += (size_t)snprintf(out + n, size - n, "=%d,%d,%s", t->result->final, t->result->code,
                              t->result->words);
    snprintf(out + n, size - n, "%s%s", t->cut ? "cut" : "", t->stale ? "stale" : "");
}

static void feed(struct at_lex *lex, const char *bytes, size_t n, char *out, size_t size)
{
    struct at_token t;
    for (;;) {
        size_t used = at_lex_feed(lex, bytes, n, &t);
        assert_true(used <= n);
        bytes += used;
        n -= used;
        if (t.kind == AT_TOKEN_NONE)
            break;
        show(out, size, &t);
    }
    assert_int_equal(n, 0);
}

enum cut { WHOLE, BYTES, RANDOM, CUTS };

static size_t chunk(enum cut cut, size_t left)
{
    size_t n = cut == WHOLE ? left : cut == BYTES ? 1 : 1 + (size_t)rand_r(&seed) % 7;
    return n < left ? n : left;
}

static void lex_all(const struct at_expect *expect, const char *bytes, size_t n, enum cut cut,
                    char *out, size_t size)
{
    struct at_lex *lex = malloc(sizeof *lex);
    assert_non_null(lex);
    at_lex_init(lex);
    at_lex_expect(lex, expect);
    *out = '\0';
    while (n) {
        /* A copy of its exact size, so that a sanitizer sees a read past its end. */
        size_t step = chunk(cut, n);
        char *copy = malloc(step);
        assert_non_null(copy);
        memcpy(copy, bytes, step);
        feed(lex, copy, step, out, size);
        free(copy);
        bytes += step;
        n -= step;
    }
    free(lex);
}

struct row {
    struct at_expect expect;
    const char *bytes;
    const char *tokens;
};

static void check_rows(const struct row *rows, size_t count)
{
    char out[2048];
    for (size_t i = 0; i < count; i++) {
        for (int k = 0; k < 20; k++) {
            lex_all(&rows[i].expect, rows[i].bytes, strlen(rows[i].bytes),
                    k < CUTS ? (enum cut)k : RANDOM, out, sizeof out);
            assert_string_equal(out, rows[i].tokens);
        }
    }
}
#define CHECK(rows) check_rows(rows, sizeof rows / sizeof *rows)

#define IDLE                                                                                       \
    {                                                                                              \
        0                                                                                          \
    }
#define RUN(c)                                                                                     \
    {                                                                                              \
        .command = c                                                                               \
    }
#define ANSWER(c, p)                                                                               \
    {                                                                                              \
        .command = c, .prefix = p                                                                  \
    }

static void test_line_ends(void **state)
{
    static const struct row rows[] = {
        {IDLE, "\r\nRING\r\n\r\nRING\r\n", "L[RING]L[RING]"},
        {IDLE, "a\rb\nc\r\nd\r\r\ne\n\n\r\rf", "L[a]L[b]L[c]L[d]L[e]"},
        {IDLE, "\r\n\r\n \r\n\t\r\n", ""},
        {IDLE, "  indented \t \r\n", "L[indented]"},
        {IDLE, "> not a prompt\r\n", "L[> not a prompt]"},
        {IDLE, "OK\r\nERROR\r\n+CMS ERROR: 38\r\n", "L[OK]L[ERROR]L[+CMS ERROR: 38]"},
    };
    (void)state;
    CHECK(rows);
}

static void test_nul_and_garbage(void **state)
{
    static const char bytes[] =
        "\0\0\r\nO\0K\r\n\xff\xfe\x80garbage\x01\r\n\0OK\r\n\x1b\x1a OK\r\n";
    static const struct at_expect expect = RUN("AT");
    char out[200];
    (void)state;
    for (enum cut cut = WHOLE; cut < CUTS; cut++) {
        lex_all(&expect, bytes, sizeof bytes - 1, cut, out, sizeof out);
        assert_string_equal(out, "F[OK]=0,-1,L[\xff\xfe\x80garbage]F[OK]=0,-1,F[OK]=0,-1,");
    }
}

static void test_finals(void **state)
{
    static const struct row rows[] = {
        {RUN("AT"), "\r\nOK\r\n", "F[OK]=0,-1,"},
        {RUN("AT"), "\r\nERROR\r\n", "F[ERROR]=1,-1,"},
        {RUN("AT"), "+CME ERROR: 30\r\n", "F[+CME ERROR: 30]=2,30,"},
        {RUN("AT"), "+CME ERROR:14\r\n", "F[+CME ERROR:14]=2,14,"},
        {RUN("AT"), "+CME ERROR: SIM busy\r\n", "F[+CME ERROR: SIM busy]=2,-1,SIM busy"},
        {RUN("AT"), "+CMS ERROR: 38\r\n", "F[+CMS ERROR: 38]=3,38,"},
        {RUN("AT"), "+CMS ERROR: 99999999999\r\n", "F[+CMS ERROR: 99999999999]=3,-1,99999999999"},
        {RUN("AT"), "+CMS ERROR\r\n", "F[+CMS ERROR]=3,-1,"},
        {RUN("AT"), "COMMAND NOT SUPPORT\r\n", "F[COMMAND NOT SUPPORT]=1,-1,COMMAND NOT SUPPORT"},
        {RUN("AT"), "TOO MANY PARAMETERS\r\n", "F[TOO MANY PARAMETERS]=1,-1,TOO MANY PARAMETERS"},
        {RUN("AT"), "OKAY\r\nNOK\r\nXOK\r\nok\r\nOK: 1\r\nERRORS\r\n+CMS ERRORS: 1\r\n",
         "L[OKAY]L[NOK]L[XOK]L[ok]L[OK: 1]L[ERRORS]L[+CMS ERRORS: 1]"},
        /* Connection results are final for a call only. */
        {RUN("AT+CMGS=23"), "RING\r\nNO CARRIER\r\nBUSY\r\nNO ANSWER\r\nCONNECT 9600\r\n",
         "L[RING]L[NO CARRIER]L[BUSY]L[NO ANSWER]L[CONNECT 9600]"},
        {RUN("ATD*99#"), "RING\r\nNO CARRIER\r\n", "L[RING]F[NO CARRIER]=4,-1,NO CARRIER"},
        {RUN("ATA"), "BUSY\r\n", "F[BUSY]=4,-1,BUSY"},
        {RUN("ATD1"), "CONNECT 9600\r\n", "F[CONNECT 9600]=4,-1,9600"},
        {RUN("AT+CALL"), "BUSY\r\n", "L[BUSY]"},
    };
    (void)state;
    CHECK(rows);
}

static void test_echo(void **state)
{
    static const struct row rows[] = {
        {RUN("AT+CSQ"), "AT+CSQ\r\r\n+CSQ: 1,99\r\n\r\nOK\r\n",
         "E[AT+CSQ]L[+CSQ: 1,99]F[OK]=0,-1,"},
        {RUN("AT+CSQ"), "AT+CSQ\r\nAT+CSQ\rOK\r", "E[AT+CSQ]E[AT+CSQ]F[OK]=0,-1,"},
        {RUN("AT+CSQ"),
         "\x1b"
         "AT+CSQ\r\nOK\r",
         "E[AT+CSQ]F[OK]=0,-1,"},
        {RUN("AT+CSQ"), "AT+CSQ?\r\nXAT+CSQ\r\nAT+CS\r\n", "L[AT+CSQ?]L[XAT+CSQ]L[AT+CS]"},
        {IDLE, "AT+CSQ\r\n", "L[AT+CSQ]"},
        {{.command = "AT+CMGS=3", .payload = "000102"},
         "000102\x1a\r\n+CMGS: 1\r\nOK\r\n",
         "E[000102]L[+CMGS: 1]F[OK]=0,-1,"},
        {{.command = "AT+CMGS=3", .payload = "0001AB"},
         "0001ab\x1a+CMGS: 1\r\nOK\r\n",
         "E[0001ab]L[+CMGS: 1]F[OK]=0,-1,"},
        {{.command = "AT+CMGS=3", .payload = "000102"},
         "000102\r\n\x1a\r\nOK\r\n",
         "E[000102]F[OK]=0,-1,"},
        /* A Greek Xi of the default alphabet is 1A: no end of a line elsewhere. */
        {IDLE, "+CUSD: 0,\"\x1a is Xi\",15\r\n", "L[+CUSD: 0,\"\x1a is Xi\",15]"},
    };
    (void)state;
    CHECK(rows);
}

#define PROMPT                                                                                     \
    {                                                                                              \
        .command = "AT+CMGS=3", .prefix = "+CMGS", .prompt = true                                  \
    }

static void test_prompt(void **state)
{
    static const struct row rows[] = {
        {PROMPT, "\r\n> ", "P[]"},
        {PROMPT, "AT+CMGS=3\r\r\n> ", "E[AT+CMGS=3]P[]"},
        {PROMPT, "\r\n>\r\n", "P[]"}, /* SIM7670G */
        {PROMPT, ">\n", "P[]"},
        {PROMPT, "  >\t", "P[]"},
        {PROMPT, "\r\n^RSSI:1\r\n> ", "L[^RSSI:1]P[]"},
        {PROMPT, "\r\n>", ""}, /* not yet: see test_bare_prompt */
        {PROMPT, ">text that begins so\r\n> ", "L[>text that begins so]P[]"},
        {PROMPT, "a > b\r\n", "L[a > b]"},
        {PROMPT, "\r\nERROR\r\n", "F[ERROR]=1,-1,"},
        {RUN("AT+CMGF=0"), "\r\n> \r\nOK\r\n", "L[>]F[OK]=0,-1,"},
    };
    (void)state;
    CHECK(rows);
}

static void test_bare_prompt(void **state)
{
    struct at_expect expect = PROMPT;
    struct at_lex *lex = malloc(sizeof *lex);
    struct at_token t;
    (void)state;
    assert_non_null(lex);
    at_lex_init(lex);
    at_lex_expect(lex, &expect);
    assert_false(at_lex_maybe_prompt(lex));
    assert_false(at_lex_quiet(lex, &t));
    at_lex_feed(lex, "\r\n>", 3, &t);
    assert_int_equal(t.kind, AT_TOKEN_NONE);
    assert_true(at_lex_maybe_prompt(lex));
    assert_true(at_lex_quiet(lex, &t));
    assert_int_equal(t.kind, AT_TOKEN_PROMPT);
    assert_false(at_lex_quiet(lex, &t));

    /* Given up while it stood there: a line like any other, and too old to be an answer. */
    at_lex_feed(lex, ">", 1, &t);
    at_lex_expect(lex, NULL);
    at_lex_feed(lex, "x\r", 2, &t);
    assert_int_equal(t.kind, AT_TOKEN_LINE);
    assert_string_equal(t.line, ">x");
    assert_true(t.stale);
    free(lex);
}

static void test_owned_pdu(void **state)
{
    static const struct row rows[] = {
        {IDLE, "\r\n+CDS: 25\r\n" PDU25 "\r\n", "L[+CDS: 25](" PDU25 ")"},
        {IDLE, "+CMT: ,25\r\n" PDU25 "\r\nRING\r\n", "L[+CMT: ,25](" PDU25 ")L[RING]"},
        {IDLE, "+CMT: \"Bob, Jr\",25\r" PDU25 "\r", "L[+CMT: \"Bob, Jr\",25](" PDU25 ")"},
        {IDLE, "+CBM: 25\n" PDU25 "\n", "L[+CBM: 25](" PDU25 ")"},
        {ANSWER("AT+CMGR=1", "+CMGR"), "+CMGR: 1,,25\r\n" PDU25 "\r\n\r\nOK\r\n",
         "L[+CMGR: 1,,25](" PDU25 ")F[OK]=0,-1,"},
        {ANSWER("AT+CMGL=4", "+CMGL"),
         "+CMGL: 1,1,,25\r\n" PDU25 "\r\n+CMGL: 2,1,,25\r\n" PDU25 "\r\nOK\r\n",
         "L[+CMGL: 1,1,,25](" PDU25 ")L[+CMGL: 2,1,,25](" PDU25 ")F[OK]=0,-1,"},
        /* Only their own answers: elsewhere such a line owns nothing. */
        {ANSWER("AT+CSQ", "+CSQ"), "+CMGR: 1,,25\r\n" PDU25 "\r\n", "L[+CMGR: 1,,25]L[" PDU25 "]"},
        /* An empty slot (Cinterion), and a header in text mode. */
        {ANSWER("AT+CMGR=1", "+CMGR"), "+CMGR: 0,,0\r\n\r\nOK\r\n", "L[+CMGR: 0,,0]F[OK]=0,-1,"},
        {IDLE, "+CMT: \"+491\",,\"26/01/02,10:00:00+04\"\r\nhello\r\n",
         "L[+CMT: \"+491\",,\"26/01/02,10:00:00+04\"]L[hello]"},
        /* Bytes were lost: no PDU, and nothing that could be taken for one. */
        {IDLE, "+CDS: 25\r\n" PDU_SHORT "\r\n+CDS: 25\r\n" PDU25 "\r\n",
         "L[+CDS: 25]L[" PDU_SHORT "]L[+CDS: 25](" PDU25 ")"},
        {IDLE, "+CDS: 25\r\n+CDS: 25\r\n" PDU25 "\r\n", "L[+CDS: 25]L[+CDS: 25](" PDU25 ")"},
        {IDLE, "+CDS: x\r\nRING\r\nhello\r\n", "L[RING]L[+CDS: x]L[hello]"},
        {ANSWER("AT+CMGR=1", "+CMGR"), "+CMGR: 1,,25\r\nOK\r\n", "L[+CMGR: 1,,25]F[OK]=0,-1,"},
    };
    (void)state;
    CHECK(rows);
}

static void test_chatter_before_the_pdu(void **state)
{
    static const struct row rows[] = {
        {IDLE, "+CDS: 25\r\n^RSSI:17\r\nRING\r\n" PDU25 "\r\n",
         "L[^RSSI:17]L[RING]L[+CDS: 25](" PDU25 ")"},
        /* A command's result comes from another part of the modem's firmware. */
        {ANSWER("AT+CSQ", "+CSQ"), "+CDS: 25\r\n+CSQ: 9,99\r\nOK\r\n" PDU25 "\r\n",
         "L[+CSQ: 9,99]F[OK]=0,-1,L[+CDS: 25](" PDU25 ")"},
        {ANSWER("AT+CMGR=1", "+CMGR"), "+CMGR: 1,,25\r\n+CREG: 1\r\n" PDU25 "\r\nOK\r\n",
         "L[+CREG: 1]L[+CMGR: 1,,25](" PDU25 ")F[OK]=0,-1,"},
        /* Not for ever. */
        {IDLE,
         "+CDS: 25\r\nRING\r\nRING\r\nRING\r\nRING\r\nRING\r\nRING\r\nRING\r\nRING\r\nRING\r\n",
         "L[RING]L[RING]L[RING]L[RING]L[RING]L[RING]L[RING]L[RING]L[+CDS: 25]L[RING]"},
    };
    (void)state;
    CHECK(rows);
}

static void test_text_of_several_lines(void **state)
{
    static const struct row rows[] = {
        {IDLE, "+CUSD: 1,\"1. Balance\r\n2. Top up\r\n*100# more\",15\r\nRING\r\n",
         "L[+CUSD: 1,\"1. Balance\n2. Top up\n*100# more\",15]L[RING]"},
        {IDLE, "+CUSD: 0,\"one line\",15\r\n", "L[+CUSD: 0,\"one line\",15]"},
        /* The closing quote was lost: other lines must not vanish in it. */
        {RUN("AT"), "+CUSD: 0,\"lost\r\nOK\r\n", "L[+CUSD: 0,\"lost]F[OK]=0,-1,"},
        {IDLE, "+CUSD: 0,\"lost\r\n+CMTI: \"SM\",3\r\n", "L[+CUSD: 0,\"lost]L[+CMTI: \"SM\",3]"},
    };
    (void)state;
    CHECK(rows);
}

static void test_too_long(void **state)
{
    static const struct at_expect run = RUN("AT");
    size_t n = AT_LINE_MAX + 500;
    char *bytes = malloc(n + 32), out[200];
    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'x', n);
    memcpy(bytes + n, "\r\nOK\r\n", 7);
    for (enum cut cut = WHOLE; cut < CUTS; cut++) {
        lex_all(&run, bytes, n + 6, cut, out, sizeof out);
        assert_string_equal(
            out, "L[xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx]cut"
                 "F[OK]=0,-1,");
    }
    /* Exactly the longest line is whole. */
    memcpy(bytes + AT_LINE_MAX, "\r\n", 2);
    lex_all(&run, bytes, AT_LINE_MAX + 2, WHOLE, out, sizeof out);
    assert_null(strstr(out, "cut"));
    /* A line that begins like a result and is cut is none. */
    memcpy(bytes, "OK", 2);
    memset(bytes + 2, ' ', n - 2);
    memcpy(bytes + n, "\r\n", 2);
    lex_all(&run, bytes, n + 2, BYTES, out, sizeof out);
    assert_string_equal(out, "L[OK]cut");
    free(bytes);
}

/* The beginning of "OK" came before the command: it is no answer to it. */
static void test_stale_line(void **state)
{
    static const struct at_expect expect = RUN("AT+CSQ");
    struct at_lex *lex = malloc(sizeof *lex);
    char out[100] = "";
    (void)state;
    assert_non_null(lex);
    at_lex_init(lex);
    feed(lex, "\r\nO", 3, out, sizeof out);
    at_lex_expect(lex, &expect);
    feed(lex, "K\r\nOK\r\n", 7, out, sizeof out);
    assert_string_equal(out, "L[OK]staleF[OK]=0,-1,");
    free(lex);
}

static void test_flush(void **state)
{
    struct at_lex *lex = malloc(sizeof *lex);
    struct at_token t;
    char out[100] = "";
    (void)state;
    assert_non_null(lex);
    at_lex_init(lex);
    feed(lex, "+CDS: 25\r\nRING\r\n+CRE", 20, out, sizeof out);
    while (at_lex_flush(lex, &t))
        show(out, sizeof out, &t);
    assert_string_equal(out, "L[RING]L[+CDS: 25]L[+CRE]");
    assert_false(at_lex_flush(lex, &t));
    feed(lex, "G: 1\r\n", 6, out, sizeof out);
    assert_string_equal(out, "L[RING]L[+CDS: 25]L[+CRE]L[G: 1]");
    free(lex);
}

static void test_chatter_table(void **state)
{
    static const char *const chatter[] = {
        "^RSSI:17",
        "^BOOT:1,0",
        "+ZUSIMR:2",
        "SMS Ready",
        "Call Ready",
        "+CNSMOD: 1",
        "*PSUTTZ: 26,1",
        "DST: 0",
        "OVER-VOLTAGE WARNNING",
        "RDY",
        "+QIND: \"csq\",1,2",
        "#QSS: 1",
        "_OSIGQ: 1,0",
        "+WIND: 4",
        "RING",
        "NO CARRIER",
        "+CREG: 1",
        "+CMTI: \"SM\",1",
        "+CMGS: 41",
    };
    static const char *const answers[] = {
        "359000000000001", "Quectel", "huawei", "+CREG", "Revision: 11.609",
        "+GCAP: +CGSM",    "RINGING", "^",      "",      "Manufacturer: huawei",
        "SIM800 R14.18",
    };
    (void)state;
    for (size_t i = 0; i < sizeof chatter / sizeof *chatter; i++)
        assert_true(at_line_is_chatter(chatter[i]));
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        assert_false(at_line_is_chatter(answers[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_nul_and_garbage),
        cmocka_unit_test(test_finals),
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_prompt),
        cmocka_unit_test(test_bare_prompt),
        cmocka_unit_test(test_owned_pdu),
        cmocka_unit_test(test_chatter_before_the_pdu),
        cmocka_unit_test(test_text_of_several_lines),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_stale_line),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_chatter_table),
    };
    const char *given = getenv("AT_SEED");
    seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)(uintptr_t)&tests;
    printf("AT_SEED=%u\n", seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
