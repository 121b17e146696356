/* at_mask_test.c - what strangers may see of a dialogue: same length, same form, nothing of anybody. */
#include "../../modem/at_mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../include/sms.h"
#include "../../include/text.h"

static char *masked(struct at_mask *k, char direction, const char *piece)
{
    static char out[4096];
    size_t n = strlen(piece);
    memcpy(out, piece, n + 1);
    at_mask_all(k, direction, out, n);
    assert_int_equal(strlen(out), n);
    return out;
}

/* Each row in a dialogue of its own: the first number met ends in 00. */
static void test_lines(void **state)
{
    static const struct {
        char direction;
        const char *in, *out;
    } rows[] = {
        /* identities, alone or not */
        {'<', "\r\n353142033840706\r\n", "\r\n999999999999900\r\n"},
        {'<', "\r\n+CGSN: 353142033840706\r\n", "\r\n+CGSN: 999999999999900\r\n"},
        {'<', "\r\n8944770090000000000F\r\n", "\r\n8999999999999999900F\r\n"},
        {'<', "\r\n+CRSM: 144,0,\"984477009000000000F0\"\r\n",
         "\r\n+CRSM: 144,0,\"989999999999999909F0\"\r\n"},
        {'<', "\r\n+CNUM: \"Alice\",\"+447700900000\",145\r\n",
         "\r\n+CNUM: \"xxxxx\",\"+999999999900\",145\r\n"},
        {'<', "\r\n+CSCA: \"002B0034003400370037\",145\r\n",
         "\r\n+CSCA: \"002B0039003900300030\",145\r\n"},
        {'<', "\r\n+CSCA: \"12\",129\r\n", "\r\n+CSCA: \"90\",129\r\n"},
        {'>', "AT+CSCA=\"+447785016005\",145\r", "AT+CSCA=\"+999999999900\",145\r"},
        {'<', "\r\n+CLIP: \"+4917112345678\",145,\"\",0,\"Bob 7\",0\r\n",
         "\r\n+CLIP: \"+9999999999900\",145,\"\",0,\"xxx 9\",0\r\n"},
        {'>', "ATD+4917112345678;\r", "ATD+9999999999900;\r"},
        /* places */
        {'<', "\r\n+CREG: 2,1,\"1A2B\",\"00C3D4E5\",7\r\n",
         "\r\n+CREG: 2,1,\"0000\",\"00000000\",7\r\n"},
        /* PIN: in every mask */
        {'>', "AT+CPIN=\"1234\"\r", "AT+CPIN=\"****\"\r"},
        {'>', "at+clck=\"SC\",1,\"9876\"\r", "at+clck=\"SC\",*,\"****\"\r"},
        {'<', "AT+CPIN=1234\r\r\nOK\r\n", "AT+CPIN=****\r\r\nOK\r\n"},
        {'>', "AT+CSIM=26,\"002000010831323334FFFFFFFF\"\r",
         "AT+CSIM=26,\"0020000108****************\"\r"},
        /* USSD */
        {'>', "AT+CUSD=1,\"*100*4711#\",15\r", "AT+CUSD=1,\"*999*9999#\",15\r"},
        {'<', "\r\n+CUSD: 0,\"Balance: 9.53 GBP\",15\r\n",
         "\r\n+CUSD: 0,\"xxxxxxx: 9.99 xxx\",15\r\n"},
        {'<', "\r\n+CUSD: 0,\"00420061006C\",72\r\n", "\r\n+CUSD: 0,\"007800780078\",72\r\n"},
        {'<', "\r\n+CUSD: 2\r\n", "\r\n+CUSD: 2\r\n"},
        /* what tells about the modem stays */
        {'<', "\r\n+CSQ: 17,99\r\n", "\r\n+CSQ: 17,99\r\n"},
        {'<', "\r\n11.126.29.00.209\r\n", "\r\n11.126.29.00.209\r\n"},
        {'<', "\r\n+CPMS: 2,30,2,30,2,30\r\n", "\r\n+CPMS: 2,30,2,30,2,30\r\n"},
        {'<', "\r\n+CMS ERROR: 38\r\n", "\r\n+CMS ERROR: 38\r\n"},
        {'<', "\r\n+COPS: 0,0,\"Simnet\"\r\n", "\r\n+COPS: 0,0,\"Simnet\"\r\n"},
        {'<', "\r\n> ", "\r\n> "},
        {'>', "AT+CMGS=23\r", "AT+CMGS=23\r"},
        /* text mode */
        {'>', "AT+CMGS=\"+4917112345678\"\r", "AT+CMGS=\"+9999999999900\"\r"},
        {'>', "call me: 4711\x1a", "xxxx xx: 9999\x1a"},
        /* no PDU that we know: nothing of it */
        {'>', "0011000C9147\x1a", "9999999x9999\x1a"},
        {'>', "0011000C91471711\x1a", "0000000000000000\x1a"},
        {'<', "\r\nFFFFFFFFFFFFFFFFFFFFFFFFFFFF\r\n", "\r\n0000000000000000000000000000\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct at_mask k = {0};
        assert_string_equal(masked(&k, rows[i].direction, rows[i].in), rows[i].out);
    }
}

/* No quote is relied on, and a header of +CSIM that may be a number is none. */
static void test_malformed(void **state)
{
    static const struct {
        char direction;
        const char *in, *out;
    } rows[] = {
        {'>', "AT+CSIM=26,002000010831323334FFFFFFFF\"\r",
         "AT+CSIM=26,0020000108****************\"\r"},
        {'>', "AT+CSIM=x\",26,\"002000010831323334FFFFFFFF\"\r",
         "AT+CSIM=x\",***\"**************************\"\r"},
        {'>', "AT+CSIM=26,\"4917112345678\"\r", "AT+CSIM=26,\"*************\"\r"},
        {'>', "AT+CSIM=14,\"A0A40000026F07\"\r", "AT+CSIM=14,\"A0A4000002****\"\r"},
        {'<', "\r\n+CUSD: 0,+4917112345678\r\n", "\r\n+CUSD: 0,+9999999999900\r\n"},
        {'<', "\r\n+CUSD: 0,\"\"4917112345678,15\r\n", "\r\n+CUSD: 0,\"\"9999999999900,15\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct at_mask k = {0};
        assert_string_equal(masked(&k, rows[i].direction, rows[i].in), rows[i].out);
    }
}

static void test_equal_stays_equal(void **state)
{
    struct at_mask k = {0};
    (void)state;
    assert_string_equal(masked(&k, '<', "+CLIP: \"+4917112345678\",145\r\n"),
                        "+CLIP: \"+9999999999900\",145\r\n");
    assert_string_equal(masked(&k, '<', "+CLIP: \"+4917112345679\",145\r\n"),
                        "+CLIP: \"+9999999999901\",145\r\n");
    assert_string_equal(masked(&k, '<', "+CLIP: \"+4917112345678\",145\r\n"),
                        "+CLIP: \"+9999999999900\",145\r\n");
    for (int i = 0; i < 200; i++) { /* more than it remembers */
        char line[64];
        snprintf(line, sizeof line, "+CLIP: \"+4930%09d\",145\r\n", i);
        assert_null(strstr(masked(&k, '<', line), "4930"));
    }
}

/* ---- pieces that are no whole lines ---- */

static void test_torn_lines(void **state)
{
    struct at_mask k = {0};
    (void)state;
    masked(&k, '<', "\r\n+CLIP: \"+4917");
    assert_string_equal(masked(&k, '<', "1123\",145\r\n"), "9999\",999\r\n");
    assert_string_equal(masked(&k, '<', "\r\nOK\r\n"), "\r\nOK\r\n");
    masked(&k, '<', "AT+CPIN=12");
    assert_string_equal(masked(&k, '<', "34\r\r\nOK\r\n"), "**\r\r\nOK\r\n");
    masked(&k, '<', "\r\n+CUSD: 1,\"Dear Alice\n");
    assert_string_equal(masked(&k, '<', "your code: 471\n"), "xxxx xxxx: 999\n");
    assert_string_equal(masked(&k, '<', "bye\",15\r\n"), "xxx\",15\r\n");
    assert_string_equal(masked(&k, '<', "\r\nOK\r\n"), "\r\nOK\r\n");
}

static void test_empty_slot(void **state)
{
    struct at_mask k = {0};
    (void)state;
    masked(&k, '<', "\r\n+CMGR: 0,,0\r\n");
    assert_string_equal(masked(&k, '<', "\r\nOK\r\n"), "\r\nOK\r\n");
}

/* ---- PDUs, read by the decoder ---- */

static void decode(const char *hex, struct sms_inbound *out)
{
    uint8_t octets[256];
    size_t n;
    assert_int_equal(OK, text_hex_decode(hex, strlen(hex), octets, sizeof octets, &n));
    assert_int_equal(OK, sms_decode(octets, n, out));
}

static void join_one(const struct sms_deliver *d, char *out, size_t size)
{
    const struct sms_ud *uds[] = {&d->ud};
    assert_int_equal(OK, sms_join(uds, 1, out, size));
}

/* From the rig: sender 27838890001, "hellohello", SMSC 27381000015. */
static void test_deliver(void **state)
{
    static const char pdu[] =
        "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37";
    struct at_mask k = {0};
    struct sms_inbound was, is;
    char hex[sizeof pdu], text[64];
    (void)state;
    masked(&k, '<', "\r\n+CMT: ,28\r\n");
    memcpy(hex, masked(&k, '<', pdu), sizeof hex);
    decode(pdu, &was);
    decode(hex, &is);
    join_one(&is.deliver, text, sizeof text);
    assert_string_equal(text, "xxxxxxxxxx");
    assert_string_equal(is.deliver.sender, "99999999901");
    assert_string_equal(is.smsc, "+99999999900");
    assert_int_equal(is.deliver.scts_ms, was.deliver.scts_ms);
}

/* A part of two in UCS-2 (23.040 9.2.3.24.1): the header stays. From "ABC" (a name) by hand. */
static void test_parts_and_names(void **state)
{
    static const char pdu[] = "00"
                              "44"
                              "05"
                              "D0"
                              "C1E110"
                              "00"
                              "08"
                              "11210341302200"
                              "0C"
                              "0500034E0201"
                              "006100620063";
    struct at_mask k = {0};
    struct sms_inbound is;
    char hex[sizeof pdu], text[64];
    (void)state;
    masked(&k, '<', "\r\n+CMGR: 0,,29\r\n");
    memcpy(hex, masked(&k, '<', pdu), sizeof hex);
    decode(hex, &is);
    join_one(&is.deliver, text, sizeof text);
    assert_string_equal(text, "xxx");
    assert_string_equal(is.deliver.sender, "xx");
    assert_int_equal(is.deliver.concat.total, 2);
    assert_int_equal(is.deliver.concat.ref, 0x4E);
}

/* What went out and its report name the same recipient still. */
static void test_submit_and_report(void **state)
{
    static const char submit[] = "0021000D91947111325476F80000"
                                 "05E8329BFD06"
                                 "\x1a";
    static const char report[] = "0006290D91947111325476F8621050310125006210503101350000";
    struct at_mask k = {0};
    struct sms_inbound is;
    char out[sizeof submit], hex[sizeof report];
    (void)state;
    memcpy(out, masked(&k, '>', submit), sizeof out);
    assert_string_equal(out, "0021000D91999999999909F0000005783C1E8F07\x1a");
    masked(&k, '<', "\r\n+CDS: 26\r\n");
    memcpy(hex, masked(&k, '<', report), sizeof hex);
    decode(hex, &is);
    assert_string_equal(is.report.recipient, "+9999999999900");
    assert_memory_equal(out + 6, hex + 6, 18); /* length, type, digits */
    assert_int_equal(is.report.mr, 41);
    assert_int_equal(is.report.st, 0);
}

/* Times that are none (month 13) and elements of a header that tell nothing about parts may be numbers. */
static void test_numbers_where_none_belongs(void **state)
{
    struct at_mask k = {0};
    (void)state;
    masked(&k, '<', "\r\n+CDS: 26\r\n");
    assert_string_equal(masked(&k, '<', "0006290D91947111325476F8623150310125006210503101350000"),
                        "000000000000000000000000000000000000000000000000000000");
    k = (struct at_mask){0};
    masked(&k, '<', "\r\n+CMT: ,28\r\n");
    assert_string_equal(masked(&k, '<', "0044049121430004112103413022000B0900030102010A02123441"),
                        "0044049199000004112103413022000B0900030102010A02000078");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_equal_stays_equal),
        cmocka_unit_test(test_torn_lines),
        cmocka_unit_test(test_empty_slot),
        cmocka_unit_test(test_deliver),
        cmocka_unit_test(test_parts_and_names),
        cmocka_unit_test(test_submit_and_report),
        cmocka_unit_test(test_numbers_where_none_belongs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
