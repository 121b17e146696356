/* sms_pdu_test.c - TPDUs against recordings of phones and modems, other encoders, and the clauses of 3GPP TS 23.040. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../modem/sms_address.h"
#include "../../modem/sms_udh.h"
#include "clock.h"
#include "sms.h"
#include "sms_tsv.h"

#define PDU_MAX 256

/* Decodes octets that end exactly where the memory ends, so that a sanitizer sees a read behind them. */
static enum err decode_exact(const uint8_t *pdu, size_t n, struct sms_inbound *in)
{
    uint8_t *exact = malloc(n ? n : 1);
    assert_non_null(exact);
    memcpy(exact, pdu, n);
    enum err e = sms_decode(exact, n, in);
    free(exact);
    return e;
}

static enum err decode_hex(const char *hex, struct sms_inbound *in)
{
    uint8_t pdu[PDU_MAX];
    size_t n = tsv_hex(hex, pdu, sizeof pdu);
    return decode_exact(pdu, n, in);
}

static void assert_time(const char *expected, int64_t ms)
{
    char text[CLK_TEXT_MAX];
    assert_string_equal(expected, ms == -1 ? "-" : clk_format(ms, text));
}

static const char *concat_text(const struct sms_concat *c, char out[32])
{
    snprintf(out, 32, "%u/%u/%u%s", c->ref, c->total, c->seq, c->wide ? "w" : "");
    return c->total ? out : "-";
}

static const char *ports_text(const struct sms_deliver *d, char out[32])
{
    snprintf(out, 32, "%u/%u", d->port_dst, d->port_src);
    return d->port_dst || d->port_src ? out : "-";
}

/* Whatever came in, what comes out can be handed on. */
static void assert_sane(const struct sms_inbound *in)
{
    assert_int_equal(text_utf8_check(in->smsc, strlen(in->smsc)), OK);
    if (in->kind == SMS_KIND_REPORT) {
        assert_true(strlen(in->report.recipient) < SMS_ADDR_MAX);
        assert_int_equal(text_utf8_check(in->report.recipient, strlen(in->report.recipient)), OK);
        return;
    }
    const struct sms_ud *ud = &in->deliver.ud;
    char text[SMS_UD_MAX * 4];
    assert_int_equal(text_utf8_check(in->deliver.sender, strlen(in->deliver.sender)), OK);
    assert_true(ud->udl <= (ud->alphabet == SMS_GSM7 ? 160 : SMS_UD_MAX));
    assert_true(sms_ud_header_units(ud) <= ud->udl);
    assert_true(in->deliver.concat.seq <= in->deliver.concat.total);
    enum err e = sms_join(&ud, 1, text, sizeof text);
    assert_int_equal(e, ud->alphabet == SMS_8BIT ? ERR_UNSUPPORTED : OK);
    assert_int_equal(text_utf8_check(text, strlen(text)), OK);
}

/* Cut anywhere: an error, and never another message.  Bytes behind: no matter.  Any bit wrong: no crash. */
static void check_mutations(const uint8_t *pdu, size_t n, size_t needed)
{
    struct sms_inbound whole, in;
    uint8_t longer[PDU_MAX + 8];
    assert_int_equal(decode_exact(pdu, n, &whole), OK);
    for (size_t cut = 0; cut < n; cut++) {
        enum err e = decode_exact(pdu, cut, &in);
        assert_int_equal(e, cut < needed ? ERR_SYNTAX : OK);
        if (!e)
            assert_memory_equal(&in, &whole, sizeof in);
    }
    memcpy(longer, pdu, n);
    memset(longer + n, 0xA5, 8);
    assert_int_equal(decode_exact(longer, n + 8, &in), OK);
    assert_memory_equal(&in, &whole, sizeof in);
    for (size_t bit = 0; bit < n * 8; bit++) {
        memcpy(longer, pdu, n);
        longer[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (!decode_exact(longer, n, &in))
            assert_sane(&in);
    }
}

static void deliver_row(char **c)
{
    struct sms_inbound in;
    const struct sms_deliver *d = &in.deliver;
    uint8_t pdu[PDU_MAX];
    char scratch[32], text[SMS_UD_MAX * 4];
    size_t n = tsv_hex(c[0], pdu, sizeof pdu);
    assert_int_equal(decode_exact(pdu, n, &in), OK);
    assert_int_equal(in.kind, SMS_KIND_DELIVER);
    assert_string_equal(in.smsc, c[1]);
    assert_string_equal(d->sender, c[2]);
    assert_int_equal(d->sender_ton, strtol(c[3], NULL, 10));
    assert_int_equal(d->pid, strtol(c[4], NULL, 16));
    assert_int_equal(d->dcs, strtol(c[5], NULL, 16));
    assert_string_equal(sms_alphabet_str(d->ud.alphabet), c[6]);
    assert_int_equal(d->message_class, strtol(c[7], NULL, 10));
    assert_time(c[8], d->scts_ms);
    assert_string_equal(concat_text(&d->concat, scratch), c[9]);
    assert_string_equal(ports_text(d, scratch), c[10]);
    const struct sms_ud *ud = &d->ud;
    if (ud->alphabet == SMS_8BIT) {
        assert_int_equal(sms_join(&ud, 1, text, sizeof text), ERR_UNSUPPORTED);
    } else {
        assert_int_equal(sms_join(&ud, 1, text, sizeof text), OK);
        assert_string_equal(text, c[11]);
    }
    /* Service centre, first octet, address, TP-PID, TP-DCS, TP-SCTS, TP-UDL and TP-UD: what must be there. */
    size_t address = pdu[0] + 2u, length = address + 2 + (pdu[address] + 1u) / 2 + 9;
    size_t octets = strcmp(c[6], "gsm7") ? pdu[length] : (pdu[length] * 7u + 7) / 8;
    check_mutations(pdu, n, length + 1 + octets);
}

static void test_deliver_recordings(void **state)
{
    (void)state;
    assert_true(tsv_each("tests/vectors/sms_deliver.tsv", 13, deliver_row) >= 30);
}

static void report_row(char **c)
{
    struct sms_inbound in;
    uint8_t pdu[PDU_MAX];
    size_t n = tsv_hex(c[0], pdu, sizeof pdu);
    assert_int_equal(decode_exact(pdu, n, &in), OK);
    assert_int_equal(in.kind, SMS_KIND_REPORT);
    assert_string_equal(in.smsc, c[1]);
    assert_string_equal(in.report.recipient, c[2]);
    assert_int_equal(in.report.mr, strtol(c[3], NULL, 10));
    assert_time(c[4], in.report.scts_ms);
    assert_time(c[5], in.report.discharge_ms);
    assert_int_equal(in.report.st, strtol(c[6], NULL, 16));
    /* Service centre, first octet, TP-MR, address, two times, TP-ST: what must be there. */
    size_t address = pdu[0] + 3u;
    check_mutations(pdu, n, address + 2 + (pdu[address] + 1u) / 2 + 15);
}

static void test_report_recordings(void **state)
{
    (void)state;
    assert_true(tsv_each("tests/vectors/sms_report.tsv", 8, report_row) >= 12);
}

/* recipient, mr, flags, validity, ref, text, tpdus, source */
static void submit_row(char **c)
{
    struct sms_plan plan;
    char *tpdus = c[6];
    assert_int_equal(sms_plan(c[5], &plan), OK);
    for (unsigned i = 0; i < plan.parts; i++) {
        struct sms_submit s = {.mr = (uint8_t)strtol(c[1], NULL, 10),
                               .validity_s = (uint32_t)strtoul(c[3], NULL, 10)};
        uint8_t out[SMS_TPDU_MAX];
        char hex[2 * SMS_TPDU_MAX + 1];
        size_t n;
        assert_int_equal(text_copy(s.recipient, sizeof s.recipient, c[0]), OK);
        s.status_report = strchr(c[2], 'S');
        s.reject_duplicates = strchr(c[2], 'D');
        s.flash = strchr(c[2], 'F');
        uint8_t ref = (uint8_t)strtol(c[4], NULL, 10);
        assert_int_equal(sms_plan_part(c[5], &plan, i, ref, &s.ud), OK);
        assert_int_equal(sms_submit_encode(&s, out, &n), OK);
        text_hex_encode(out, n, hex);
        char *expected = strsep(&tpdus, ",");
        assert_non_null(expected);
        assert_string_equal(hex, expected);
    }
    assert_null(tpdus);
}

static void test_submit_of_other_encoders(void **state)
{
    (void)state;
    assert_true(tsv_each("tests/vectors/sms_submit.tsv", 8, submit_row) >= 14);
}

/* Our own messages read back from a storage: gammu tests/at-sms 02, 05, 14, 16, 20, 29; oFono; python-gsmmodem. */
static void test_submit_in_a_storage(void **state)
{
    (void)state;
    static const char *const pdus[] = {
        "0791361907001003B17A0C913619397750320000AD11CD701E340FB3C3F23CC81D0689C3BF",
        "0791539111161616114F048123000000FF06D0B79BFE9E03",
        "07919761989901F031000B919761084218F200F9FF12042204350441044200200054006500730074",
        "07912480002143651100048121430008FF0C003100320033003400350036",
        "058163465010D5B00C8163460653332000000000",
        "07913316968186F511000A8160036561150011FF11EDB71B442FE3E96510F9549ECFC369",
        "07914306073011F001000B914306565711F9000007F0B2FC0DCABF01",
        "0041010C910661345542F60008A0050003000301306F3044",
    };
    for (size_t i = 0; i < sizeof pdus / sizeof pdus[0]; i++) {
        struct sms_inbound in;
        assert_int_equal(decode_hex(pdus[i], &in), ERR_UNSUPPORTED);
    }
}

/* 9.2.3.1: reserved, to be processed as an SMS-DELIVER. */
static void test_reserved_mti(void **state)
{
    (void)state;
    struct sms_inbound in;
    assert_int_equal(
        decode_hex("07911326040000F0070B911346610089F60000208062917314080CC8F71D14969741F977FD07",
                   &in),
        OK);
    assert_int_equal(in.kind, SMS_KIND_DELIVER);
    assert_string_equal(in.deliver.sender, "+31641600986");
}

/* What a header says arrives in the message. */
static void test_deliver_header(void **state)
{
    (void)state;
    struct sms_inbound in;
    assert_int_equal(decode_hex("00440B911346610089F600042080629173140818"
                                "11240102250103050423F00B840003120201"
                                "414243444546",
                                &in),
                     OK);
    const struct sms_deliver *d = &in.deliver;
    assert_int_equal(d->lang_single, 2);
    assert_int_equal(d->lang_lock, 3);
    assert_int_equal(d->port_dst, 0x23F0);
    assert_int_equal(d->port_src, 0x0B84);
    assert_int_equal(d->concat.ref, 0x12);
    assert_int_equal(d->concat.total, 2);
    assert_int_equal(d->concat.seq, 1);
    assert_false(d->concat.wide);
}

static void test_impossible_lengths(void **state)
{
    (void)state;
    static const char *const pdus[] = {
        "",
        "00",
        "FF",
        "0C91000000000000000000000000040B911346610089F600002080629173140800", /* SMSC of 12 octets */
        "000415911346610089F600000000000000000000208062917314080000000000",   /* 21 digits */
        "0004FF911346610089F6000020806291731408000000000000000000000000000000",
        "00040B911346610089F600002080629173140805E8329BFD", /* a septet short */
        "00040B911346610089F60004208062917314088D41",       /* 141 octets */
        "00040B911346610089F6000020806291731408A141",       /* 161 septets */
    };
    for (size_t i = 0; i < sizeof pdus / sizeof pdus[0]; i++) {
        uint8_t pdu[PDU_MAX] = {0};
        struct sms_inbound in;
        size_t n;
        memset(&in, 0x5A, sizeof in);
        n = tsv_hex(pdus[i], pdu, sizeof pdu);
        assert_int_equal(decode_exact(pdu, n, &in), ERR_SYNTAX);
        for (size_t k = 0; k < sizeof in; k++) /* untouched */
            assert_int_equal(((uint8_t *)&in)[k], 0x5A);
    }
    /* All those octets there, the lengths are still impossible. */
    uint8_t pdu[2 * PDU_MAX];
    struct sms_inbound in;
    for (unsigned length = 0; length < 256; length++) {
        memset(pdu, 0, sizeof pdu);
        pdu[0] = (uint8_t)length; /* 24.011 8.2.5.1: of the service centre's address, in octets */
        assert_int_equal(decode_exact(pdu, sizeof pdu, &in), length <= 11 ? OK : ERR_SYNTAX);
        pdu[0] = 0;
        pdu[2] = (uint8_t)length; /* of the originator's, in digits */
        assert_int_equal(decode_exact(pdu, sizeof pdu, &in), length <= 20 ? OK : ERR_SYNTAX);
        pdu[1] = 0x02; /* of a status report's recipient */
        pdu[2] = 0;
        pdu[3] = (uint8_t)length;
        assert_int_equal(decode_exact(pdu, sizeof pdu, &in), length <= 20 ? OK : ERR_SYNTAX);
    }
    for (unsigned udl = 0; udl < 256; udl++) {
        size_t n = tsv_hex("00040B911346610089F6000420806291731408", pdu, sizeof pdu);
        memset(pdu + n, 'a', sizeof pdu - n);
        pdu[n] = (uint8_t)udl;
        assert_int_equal(decode_exact(pdu, sizeof pdu, &in), udl <= 140 ? OK : ERR_SYNTAX);
        pdu[n - 8] = 0x00; /* DCS: septets */
        assert_int_equal(decode_exact(pdu, sizeof pdu, &in), udl <= 160 ? OK : ERR_SYNTAX);
    }
}

/* Address fields of libosmocore tests/sms and python-gsmmodem test_pdu.py. */
static void test_address_decode(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *expected;
    } rows[] = {
        {"148121436587092143658719", "12345678901234567891"},
        {"14A121436587092143658719", "12345678901234567891"},
        {"149121436587092143658719", "+12345678901234567891"},
        {"0ED04F78D92D9C0E01", "OpenBSC"}, /* length in whole octets: no "@" behind */
        {"14D04F78D92D9C0EC3E23119", "OpenBSCabcd"},
        {"0A918967452301", "+9876543210"},
        {"099189674523F1", "+987654321"},
        {"06D061F118", "abc"},
        {"0ED04669D0397C26A7", "FRANCOIS"},
        {"14D0E10D6FE3DBA036A94D19", "a[]{}€"},
        {"0AA11092997856", "0129998765"},
        {"0681BADC0E", "*#abc0"}, /* 9.1.2.3 */
        {"0091", ""},
        {"0081", ""},
        {"00D0", ""},
        {"02D034", "4"},    /* one character, the rest is padding */
        {"0481F143", "1"},  /* filler in the middle is an end */
        {"04D08A06", "  "}, /* line feed and carriage return: no line breaks in a name */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[SMS_ADDR_MAX];
        uint8_t field[16] = {0};
        size_t n = tsv_hex(rows[i].hex, field, sizeof field);
        assert_int_equal(n, 2 + (field[0] + 1u) / 2);
        sms_address_text(field[1], field + 2, field[0], text);
        assert_string_equal(text, rows[i].expected);
    }
    char text[SMS_ADDR_MAX];
    for (unsigned type = 0x80; type < 0x100;
         type++) { /* every type of number, eleven characters or twenty digits */
        static const uint8_t value[10] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                          0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
        sms_address_text((uint8_t)type, value, 20, text);
        assert_true(strlen(text) < SMS_ADDR_MAX);
    }
}

static void test_address_encode(void **state)
{
    (void)state;
    static const struct {
        const char *number, *expected;
    } rows[] = {
        {"+9876543210", "0A918967452301"},
        {"+987654321", "099189674523F1"},
        {"+27829135934", "0B917228195339F4"},
        {"12345678901234567891", "148121436587092143658719"},
        {"1", "0181F1"},
    };
    static const char *const wrong[] = {"",      "+",   "++1", "12a", "1 2",
                                        "+12-3", "abc", "１",  " 1",  "*100#"};
    uint8_t out[SMS_ADDRESS_OCTETS_MAX];
    char hex[2 * SMS_ADDRESS_OCTETS_MAX + 1];
    size_t n;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(sms_address_encode(rows[i].number, out, &n), OK);
        text_hex_encode(out, n, hex);
        assert_string_equal(hex, rows[i].expected);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(sms_address_encode(wrong[i], out, &n), ERR_SYNTAX);
    assert_int_equal(sms_address_encode("+123456789012345678901", out, &n), ERR_RANGE);
}

/* 9.2.3.24: a header as octets, and what it says. */
static void test_udh(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *concat;
        uint16_t dst, src;
        uint8_t single, lock;
        unsigned header;
    } rows[] = {
        {"0500031703014142", "23/3/1", 0, 0, 0, 0, 6}, /* python-gsmmodem */
        {"06080401800402414243", "384/4/2w", 0, 0, 0, 0, 7},
        {"04040264324142", "-", 100, 50, 0, 0, 5},
        {"06050404D214664142", "-", 1234, 5222, 0, 0, 7},
        {"0B0804463D05010003170301414243", "23/3/1", 0, 0, 0, 0,
         12}, /* the last valid one counts */
        {"0B00031703010804463D050141424344", "17981/5/1w", 0, 0, 0, 0, 12},
        {"0A00031703010804463D050141424344", "-", 0, 0, 0, 0,
         11}, /* too few octets for the last: ignored */
        {"0A0003170301000399020241", "153/2/2", 0, 0, 0, 0, 11},
        {"0A0003170301000399020041", "23/3/1", 0, 0, 0, 0, 11}, /* sequence 0 */
        {"0A0003170301000399020341", "23/3/1", 0, 0, 0, 0, 11}, /* beyond the total */
        {"0500031700014142", "-", 0, 0, 0, 0, 6},               /* total 0 */
        {"040002170301", "-", 0, 0, 0, 0, 5}, /* wrong length of a concatenation */
        {"0624010125010141", "-", 0, 0, 1, 1, 7},
        {"03240102", "-", 0, 0, 2, 0, 4},
        {"03250102", "-", 0, 0, 0, 0, 4}, /* A.3.2: no locking table for Spanish */
        {"03250E0E", "-", 0, 0, 0, 0, 4}, /* length beyond the header: ignored */
        {"0325010D", "-", 0, 0, 0, 13, 4},
        {"0324010E", "-", 0, 0, 0, 0, 4}, /* reserved */
        {"0A700400010203000303020141", "-", 0, 0, 0, 0,
         11}, /* last element cut by the header's end */
        {"0B70040001020300030302014141", "3/2/1", 0, 0, 0, 0,
         12}, /* unknown elements are skipped */
        {"0041", "-", 0, 0, 0, 0, 1},
        {"0100", "-", 0, 0, 0, 0, 2},             /* an element without a length */
        {"06000317030100", "-", 0, 0, 0, 0, 7},   /* an octet too many */
        {"FF00031703014142", "-", 0, 0, 0, 0, 0}, /* longer than TP-UD: no header */
        {"0800031703014142", "-", 0, 0, 0, 0, 0},
        {"00", "-", 0, 0, 0, 0, 1},
        {"", "-", 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sms_ud ud = {.alphabet = SMS_8BIT, .udhi = true};
        struct sms_udh udh;
        char scratch[32];
        ud.udl = (uint8_t)tsv_hex(rows[i].hex, ud.octets, sizeof ud.octets);
        sms_udh_read(&ud, &udh);
        if (strcmp(concat_text(&udh.concat, scratch), rows[i].concat) ||
            udh.port_dst != rows[i].dst || udh.port_src != rows[i].src ||
            udh.lang_single != rows[i].single || udh.lang_lock != rows[i].lock ||
            sms_ud_header_units(&ud) != rows[i].header)
            fail_msg("row %zu: %s", i, rows[i].hex);
        ud.udhi = false; /* the same octets as text */
        sms_udh_read(&ud, &udh);
        assert_int_equal(udh.concat.total + udh.port_dst + udh.lang_lock + udh.lang_single, 0);
        assert_int_equal(sms_ud_header_units(&ud), 0);
    }
}

/* 9.2.3.24: fill bits to the septet boundary, for every length of header. */
static void test_header_septets(void **state)
{
    (void)state;
    for (unsigned udhl = 0; udhl < 139; udhl++) {
        struct sms_ud ud = {.alphabet = SMS_GSM7, .udhi = true, .udl = 160};
        ud.octets[0] = (uint8_t)udhl;
        unsigned bits = (udhl + 1) * 8, septets = sms_ud_header_units(&ud);
        assert_true(septets * 7 >= bits && septets * 7 < bits + 7);
    }
}

static void test_submit_refuses(void **state)
{
    (void)state;
    struct sms_submit good = {.recipient = "+31641600986", .ud = {.udl = 160}}, s = good;
    uint8_t out[SMS_TPDU_MAX];
    size_t n = 0;
    assert_int_equal(sms_submit_encode(&s, out, &n), OK);
    assert_int_equal(n, 1 + 1 + 8 + 1 + 1 + 1 + 140);
    s.ud.udl = 161;
    assert_int_equal(sms_submit_encode(&s, out, &n), ERR_RANGE);
    s.ud.alphabet = SMS_UCS2;
    s.ud.udl = 141;
    assert_int_equal(sms_submit_encode(&s, out, &n), ERR_RANGE);
    s = good;
    s.ud.alphabet = (enum sms_alphabet)7;
    assert_int_equal(sms_submit_encode(&s, out, &n), ERR_RANGE);
    s = good;
    s.ud.udhi = true;
    s.ud.udl = 8;
    s.ud.octets[0] = 7; /* a header that leaves TP-UD */
    assert_int_equal(sms_submit_encode(&s, out, &n), ERR_RANGE);
    s.ud.octets[0] = 6;
    assert_int_equal(sms_submit_encode(&s, out, &n), OK);
    memcpy(s.recipient, "Xoxzo", 6);
    assert_int_equal(sms_submit_encode(&s, out, &n), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deliver_recordings),
        cmocka_unit_test(test_report_recordings),
        cmocka_unit_test(test_submit_of_other_encoders),
        cmocka_unit_test(test_submit_in_a_storage),
        cmocka_unit_test(test_reserved_mti),
        cmocka_unit_test(test_deliver_header),
        cmocka_unit_test(test_impossible_lengths),
        cmocka_unit_test(test_address_decode),
        cmocka_unit_test(test_address_encode),
        cmocka_unit_test(test_udh),
        cmocka_unit_test(test_header_septets),
        cmocka_unit_test(test_submit_refuses),
    };
    return cmocka_run_group_tests_name("sms_pdu", tests, NULL, NULL);
}
