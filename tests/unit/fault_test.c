/* fault_test.c - the error classes against docs/modems.md, which has them from 24.011 E-2, 23.040 9.2.3.22,
 * 27.005 3.2.5 and 27.007 9.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../modem/fault.c"
#include "../../modem/fault_reason.c"
#include "../../modem/quirks.h"

static const struct {
    enum fault_kind kind;
    int code;
    enum fault_class after; /* Ctrl-Z */
    enum fault_class before;
    enum fault_action action;
} codes[] = {
    {FAULT_CMS, 1, FAULT_REFUSED, FAULT_REFUSED, FAULT_GO_ON},
    {FAULT_CMS, 30, FAULT_REFUSED, FAULT_REFUSED, FAULT_NUMBER},
    {FAULT_CMS, 195, FAULT_REFUSED, FAULT_REFUSED, FAULT_GO_ON},
    {FAULT_CMS, 196, FAULT_REFUSED, FAULT_REFUSED, FAULT_GO_ON},
    {FAULT_CMS, 8, FAULT_MODEM, FAULT_MODEM, FAULT_SIM},
    {FAULT_CMS, 10, FAULT_MODEM, FAULT_MODEM, FAULT_SIM},
    {FAULT_CMS, 28, FAULT_MODEM, FAULT_MODEM, FAULT_SIM},
    {FAULT_CMS, 29, FAULT_MODEM, FAULT_MODEM, FAULT_SIM},
    {FAULT_CMS, 50, FAULT_MODEM, FAULT_MODEM, FAULT_SIM},
    {FAULT_CMS, 69, FAULT_MODEM, FAULT_MODEM, FAULT_SIM},
    {FAULT_CMS, 21, FAULT_MODEM, FAULT_MODEM, FAULT_GO_ON},
    {FAULT_CMS, 127, FAULT_MODEM, FAULT_MODEM, FAULT_GO_ON},
    {FAULT_CMS, 128, FAULT_MODEM, FAULT_MODEM, FAULT_GO_ON},
    {FAULT_CMS, 159, FAULT_MODEM, FAULT_MODEM, FAULT_GO_ON},
    {FAULT_CMS, 17, FAULT_BUSY, FAULT_BUSY, FAULT_GO_ON},
    {FAULT_CMS, 22, FAULT_BUSY, FAULT_BUSY, FAULT_GO_ON},
    {FAULT_CMS, 27, FAULT_BUSY, FAULT_BUSY, FAULT_GO_ON},
    {FAULT_CMS, 38, FAULT_BUSY, FAULT_BUSY, FAULT_GO_ON},
    {FAULT_CMS, 41, FAULT_BUSY, FAULT_BUSY, FAULT_GO_ON},
    {FAULT_CMS, 42, FAULT_BUSY, FAULT_BUSY, FAULT_GO_ON},
    {FAULT_CMS, 47, FAULT_BUSY, FAULT_BUSY, FAULT_GO_ON},
    {FAULT_CMS, 192, FAULT_BUSY, FAULT_BUSY, FAULT_GO_ON},
    {FAULT_CMS, 194, FAULT_BUSY, FAULT_BUSY, FAULT_GO_ON},
    {FAULT_CMS, 331, FAULT_BUSY, FAULT_BUSY, FAULT_NETWORK},
    {FAULT_CME, 30, FAULT_BUSY, FAULT_BUSY, FAULT_NETWORK},
    {FAULT_CMS, 81, FAULT_MODEM, FAULT_MODEM, FAULT_GO_ON},
    {FAULT_CMS, 95, FAULT_MODEM, FAULT_MODEM, FAULT_GO_ON},
    {FAULT_CMS, 96, FAULT_MODEM, FAULT_MODEM, FAULT_GO_ON},
    {FAULT_CMS, 99, FAULT_MODEM, FAULT_MODEM, FAULT_GO_ON},
    {FAULT_CMS, 111, FAULT_MODEM, FAULT_MODEM, FAULT_GO_ON},
    {FAULT_CMS, 160, FAULT_REFUSED, FAULT_REFUSED, FAULT_GO_ON},
    {FAULT_CMS, 161, FAULT_REFUSED, FAULT_REFUSED, FAULT_GO_ON},
    {FAULT_CMS, 175, FAULT_REFUSED, FAULT_REFUSED, FAULT_GO_ON},
    {FAULT_CMS, 176, FAULT_REFUSED, FAULT_REFUSED, FAULT_GO_ON},
    {FAULT_CMS, 255, FAULT_REFUSED, FAULT_REFUSED, FAULT_GO_ON},
    {FAULT_CMS, 193, FAULT_MODEM, FAULT_MODEM, FAULT_SMSC},
    {FAULT_CMS, 330, FAULT_MODEM, FAULT_MODEM, FAULT_SMSC},
    {FAULT_CMS, 301, FAULT_BUSY, FAULT_BUSY, FAULT_RESTORE},
    {FAULT_CMS, 302, FAULT_BUSY, FAULT_BUSY, FAULT_RESTORE},
    {FAULT_CMS, 303, FAULT_BUSY, FAULT_BUSY, FAULT_RESTORE},
    {FAULT_CMS, 304, FAULT_REFUSED, FAULT_REFUSED, FAULT_GO_ON},
    {FAULT_CMS, 305, FAULT_REFUSED, FAULT_REFUSED, FAULT_GO_ON},
    {FAULT_CMS, 198, FAULT_BUSY, FAULT_BUSY, FAULT_NO_VP},
    {FAULT_CMS, 199, FAULT_BUSY, FAULT_BUSY, FAULT_NO_VP},
    {FAULT_CMS, 310, FAULT_MODEM, FAULT_MODEM, FAULT_CARD},
    {FAULT_CMS, 318, FAULT_MODEM, FAULT_MODEM, FAULT_CARD},
    {FAULT_CME, 10, FAULT_MODEM, FAULT_MODEM, FAULT_CARD},
    {FAULT_CME, 18, FAULT_MODEM, FAULT_MODEM, FAULT_CARD},
    {FAULT_CMS, 314, FAULT_BUSY, FAULT_BUSY, FAULT_WAIT},
    {FAULT_CME, 14, FAULT_BUSY, FAULT_BUSY, FAULT_WAIT},
    {FAULT_CME, 5, FAULT_MODEM, FAULT_MODEM, FAULT_CARD},
    {FAULT_CME, 32, FAULT_MODEM, FAULT_MODEM, FAULT_SIM},
    {FAULT_CME, 48, FAULT_MODEM, FAULT_MODEM, FAULT_CARD},
    {FAULT_CMS, 208, FAULT_BUSY, FAULT_BUSY, FAULT_SWEEP},
    {FAULT_CMS, 322, FAULT_BUSY, FAULT_BUSY, FAULT_SWEEP},
    {FAULT_CME, 20, FAULT_BUSY, FAULT_BUSY, FAULT_SWEEP},
    {FAULT_CMS, 320, FAULT_BUSY, FAULT_BUSY, FAULT_RESTORE},
    {FAULT_CMS, 197, FAULT_HELD, FAULT_HELD, FAULT_GO_ON},
    /* not certain after Ctrl-Z */
    {FAULT_CMS, 332, FAULT_UNCERTAIN, FAULT_BUSY, FAULT_NETWORK},
    {FAULT_CME, 31, FAULT_UNCERTAIN, FAULT_BUSY, FAULT_NETWORK},
    {FAULT_CMS, 300, FAULT_UNCERTAIN, FAULT_BUSY, FAULT_SUSPECT},
    {FAULT_CMS, 350, FAULT_UNCERTAIN, FAULT_BUSY, FAULT_SUSPECT},
    {FAULT_CMS, 500, FAULT_UNCERTAIN, FAULT_BUSY, FAULT_SUSPECT},
    {FAULT_CMS, 512, FAULT_UNCERTAIN, FAULT_BUSY, FAULT_SUSPECT},
    {FAULT_CMS, 515, FAULT_UNCERTAIN, FAULT_BUSY, FAULT_WAIT},
    {FAULT_CMS, 65535, FAULT_UNCERTAIN, FAULT_BUSY, FAULT_SUSPECT},
    {FAULT_CME, 262, FAULT_UNCERTAIN, FAULT_MODEM, FAULT_CARD},
    {FAULT_CME, 100, FAULT_UNCERTAIN, FAULT_BUSY, FAULT_SUSPECT},
    {FAULT_CME, 0, FAULT_UNCERTAIN, FAULT_BUSY, FAULT_SUSPECT},
    {FAULT_CMS, 0, FAULT_UNCERTAIN, FAULT_BUSY, FAULT_SUSPECT},
    /* not named: 24.011 E-2 treats it as 41 */
    {FAULT_CMS, 5, FAULT_BUSY, FAULT_BUSY, FAULT_GO_ON},
    {FAULT_CMS, 100, FAULT_BUSY, FAULT_BUSY, FAULT_GO_ON},
};

static void test_codes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct modem_fault f;
        enum fault_action a = fault_from_code(codes[i].kind, codes[i].code, true, NULL, &f);
        if (f.class != codes[i].after || a != codes[i].action)
            fail_msg("row %zu after Ctrl-Z: %s %s", i, f.code, fault_class_str(f.class));
        fault_from_code(codes[i].kind, codes[i].code, false, NULL, &f);
        if (f.class != codes[i].before)
            fail_msg("row %zu before: %s %s", i, f.code, fault_class_str(f.class));
        assert_true(strlen(f.text) > 5);
    }
}

/* Every code, by hand from 24.011 annex E-2 (1-127: what it does not name is treated as 41), 23.040 9.2.3.22
 * (128-255: what it reserves is treated as temporary by us), 27.005 3.2.5 (300-511) and 27.007 9.2.1: what it means
 * before the prompt (B busy, R refused, M this modem, H held), whether it is certain behind Ctrl-Z (+ or -), the
 * word, when it is tried again.  The first row that holds a code counts. */
static const struct {
    int first, last;
    const char *means, *reason;
    enum fault_plan plan;
} listed[] = {
    {0, 0, "B-", "unknown", FAULT_SHORT},
    {1, 1, "R+", "refused", FAULT_PAUSES},      /* unassigned number */
    {8, 8, "M+", "sim", FAULT_PAUSES},          /* operator determined barring */
    {10, 10, "M+", "sim", FAULT_PAUSES},        /* call barred */
    {21, 21, "M+", "refused", FAULT_ELSEWHERE}, /* short message transfer rejected */
    {28, 29, "M+", "sim", FAULT_PAUSES},        /* unidentified subscriber, facility rejected */
    {30, 30, "R+", "refused", FAULT_PAUSES},    /* unknown subscriber */
    {38, 38, "B+", "network", FAULT_LATER},     /* network out of order */
    {50, 50, "M+", "sim", FAULT_PAUSES},        /* requested facility not subscribed */
    {69, 69, "M+", "sim", FAULT_PAUSES},        /* requested facility not implemented */
    {81, 81, "M+", "protocol", FAULT_SOON},     /* invalid short message transfer reference value */
    {95, 99, "M+", "protocol", FAULT_SOON},
    {111, 111, "M+", "protocol", FAULT_SOON},
    {127, 127, "M+", "refused", FAULT_ELSEWHERE}, /* interworking, unspecified */
    {1, 127, "B+", "network", FAULT_PAUSES},
    {128, 159, "M+", "refused", FAULT_ELSEWHERE}, /* 80-8F TP-PID, 90-9F TP-DCS */
    {160, 191, "R+", "refused", FAULT_PAUSES},    /* A0-AF TP-Command, B0 TPDU not supported */
    {192, 192, "B+", "network", FAULT_PAUSES},    /* C0 SC busy */
    {193, 193, "M+", "smsc", FAULT_PAUSES},       /* C1 no SC subscription */
    {194, 194, "B+", "network", FAULT_PAUSES},    /* C2 SC system failure */
    {195, 196, "R+", "refused",
     FAULT_PAUSES},                         /* C3 invalid SME address, C4 destination SME barred */
    {197, 197, "H+", "held", FAULT_PAUSES}, /* C5 SM rejected, duplicate SM */
    {198, 199, "B+", "refused", FAULT_PAUSES}, /* C6 TP-VPF, C7 TP-VP not supported */
    {208, 209, "B+", "memory", FAULT_PAUSES},  /* D0 SIM storage full, D1 none */
    {211, 211, "B+", "memory", FAULT_PAUSES},  /* D3 memory capacity exceeded */
    {224, 255, "R+", "refused", FAULT_PAUSES}, /* E0-FE of an application, FF unspecified */
    {128, 255, "B+", "network", FAULT_PAUSES},
    {301, 303, "B+", "modem", FAULT_PAUSES},
    {304, 305, "R+", "ours", FAULT_PAUSES},
    {310, 313, "M+", "sim", FAULT_PAUSES},
    {314, 314, "B+", "busy", FAULT_PAUSES},
    {315, 318, "M+", "sim", FAULT_PAUSES},
    {320, 322, "B+", "memory", FAULT_PAUSES},
    {330, 330, "M+", "smsc", FAULT_PAUSES},
    {331, 331, "B+", "network", FAULT_PAUSES},
    {332, 332, "B-", "network", FAULT_PAUSES},
    {340, 340, "B-", "modem", FAULT_PAUSES},
    {515, 515, "B-", "busy", FAULT_PAUSES},
    {256, 600, "B-", "unknown", FAULT_SHORT},
};

static enum fault_class class_of(char letter)
{
    return letter == 'B'   ? FAULT_BUSY
           : letter == 'R' ? FAULT_REFUSED
           : letter == 'M' ? FAULT_MODEM
                           : FAULT_HELD;
}

static void test_every_code(void **state)
{
    (void)state;
    for (int code = 0; code <= 600; code++) {
        struct modem_fault before, after;
        char name[16];
        size_t i = 0;
        while (code < listed[i].first || code > listed[i].last)
            i++;
        fault_from_code(FAULT_CMS, code, false, NULL, &before);
        fault_from_code(FAULT_CMS, code, true, NULL, &after);
        enum fault_class wanted = class_of(listed[i].means[0]);
        bool sure = listed[i].means[1] == '+';
        if (before.class != wanted || after.class != (sure ? wanted : FAULT_UNCERTAIN))
            fail_msg("%s: %s before the prompt, %s behind Ctrl-Z", after.code,
                     fault_class_str(before.class), fault_class_str(after.class));
        snprintf(name, sizeof name, "CMS %d", code);
        assert_string_equal(name, after.code);
        if (strcmp(listed[i].reason, fault_reason(name)) != 0 || before.plan != listed[i].plan ||
            fault_code_plan(name) != listed[i].plan)
            fail_msg("%s: %s, plan %d", name, fault_reason(name), before.plan);
    }
}

/* The words that docs/api.md promises. */
static void test_words_of_the_api(void **state)
{
    static const char *const promised[] = {
        "refused",     "network", "memory",    "sim",       "smsc",     "modem",
        "ours",        "busy",    "protocol",  "held",      "unknown",  "uncertain",
        "undelivered", "expired", "cancelled", "opted_out", "no_report"};
    static const struct {
        const char *code, *reason;
    } others[] = {
        {"CME 30", "network"},      {"CME 10", "sim"},
        {"CME 16", "sim"},          {"CME 14", "busy"},
        {"CME 20", "memory"},       {"CME 31", "network"},
        {"CME 999", "unknown"},     {"CMS", "unknown"},
        {"CMS x", "unknown"},       {"CMS 38 ", "unknown"},
        {"CMS -1", "unknown"},      {"", "unknown"},
        {"ERROR", "unknown"},       {"PDU", "ours"},
        {"ST 0x46", "undelivered"}, {"uncertain", "uncertain"},
        {"timeout", "uncertain"},   {"expired", "expired"},
        {"cancelled", "cancelled"}, {"opted_out", "opted_out"},
        {"no_report", "no_report"}, {"refused", "refused"},
        {"no prompt", "modem"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_string_equal(others[i].reason, fault_reason(others[i].code));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t k = 0;
        while (k < sizeof promised / sizeof *promised && strcmp(promised[k], rows[i].reason) != 0)
            k++;
        assert_true(k < sizeof promised / sizeof *promised);
    }
}

/* "Certain only for CMS 1-255 except 197, 301-305, 310-318, 320-322, 330, 331 and their CME twins." */
static void test_nothing_else_is_certain(void **state)
{
    static const int certain_cms[][2] = {{1, 255}, {301, 305}, {310, 318}, {320, 322}, {330, 331}};
    static const int certain_cme[][2] = {{5, 7}, {10, 18}, {20, 23}, {30, 30}, {32, 32}, {40, 48}};
    (void)state;
    for (int code = 0; code < 1000; code++) {
        bool cms = false, cme = false;
        struct modem_fault f;
        for (size_t i = 0; i < 5; i++)
            cms = cms || (code >= certain_cms[i][0] && code <= certain_cms[i][1]);
        for (size_t i = 0; i < 6; i++)
            cme = cme || (code >= certain_cme[i][0] && code <= certain_cme[i][1]);
        fault_from_code(FAULT_CMS, code, true, NULL, &f);
        assert_int_equal(cms, f.class != FAULT_UNCERTAIN);
        fault_from_code(FAULT_CME, code, true, NULL, &f);
        assert_int_equal(cme, f.class != FAULT_UNCERTAIN);
    }
}

static void test_words(void **state)
{
    struct at_reply r = {.final = AT_CME_ERROR, .code = -1};
    struct modem_fault f;
    (void)state;
    memcpy(r.words, "SIM busy", 9);
    assert_int_equal(FAULT_WAIT, fault_from_reply(&r, true, NULL, &f));
    assert_string_equal("CME 14", f.code);
    assert_true(fault_is_busy(&r));
    assert_int_equal(14, fault_cme(&r));
    memcpy(r.words, "no network service", 19);
    assert_int_equal(FAULT_NETWORK, fault_from_reply(&r, true, NULL, &f));
    assert_int_equal(FAULT_BUSY, f.class);
    r.final = AT_CMS_ERROR;
    memcpy(r.words, "Network out of order", 21); /* 24.011 annex E-2 */
    assert_int_equal(FAULT_GO_ON, fault_from_reply(&r, true, NULL, &f));
    assert_int_equal(FAULT_BUSY, f.class);
    assert_string_equal("CMS 38", f.code);
    memcpy(r.words, "the dog ate it", 15);
    assert_int_equal(FAULT_SUSPECT, fault_from_reply(&r, true, NULL, &f));
    assert_int_equal(FAULT_UNCERTAIN, f.class);
    assert_string_equal("the modem says: the dog ate it", f.text);
}

static void test_bare_error(void **state)
{
    struct at_reply r = {.final = AT_ERROR, .code = -1};
    struct modem_fault f;
    (void)state;
    assert_int_equal(FAULT_SUSPECT, fault_from_reply(&r, true, NULL, &f));
    assert_int_equal(FAULT_UNCERTAIN, f.class);
    assert_string_equal("ERROR", f.code);
    fault_from_reply(&r, false, NULL, &f);
    assert_int_equal(FAULT_BUSY, f.class);
    r.final = AT_OK; /* without a reference */
    fault_from_reply(&r, true, NULL, &f);
    assert_int_equal(FAULT_UNCERTAIN, f.class);
    assert_false(fault_is_busy(&r));
}

static void test_twins(void **state)
{
    struct at_reply r = {.final = AT_CMS_ERROR, .code = 310};
    (void)state;
    assert_int_equal(10, fault_cme(&r));
    r.code = 314;
    assert_true(fault_is_busy(&r));
    r.code = 515;
    assert_true(fault_is_busy(&r));
    r.code = 38;
    assert_false(fault_is_busy(&r));
    assert_int_equal(-1, fault_cme(&r));
}

static void test_vendor_rows_go_first(void **state)
{
    struct modem_fault f;
    (void)state;
    const struct quirks *q = quirks_find("Cinterion", "BGS2-W");
    assert_int_equal(FAULT_GO_ON, fault_from_code(FAULT_CMS, 517, false, q->faults, &f));
    assert_int_equal(FAULT_REFUSED, f.class);
    fault_from_code(FAULT_CMS, 517, true, q->faults, &f);
    assert_int_equal(FAULT_UNCERTAIN, f.class);
    fault_from_code(FAULT_CMS, 38, true, q->faults, &f);
    assert_int_equal(FAULT_BUSY, f.class);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code), cmocka_unit_test(test_words_of_the_api),
        cmocka_unit_test(test_codes),      cmocka_unit_test(test_nothing_else_is_certain),
        cmocka_unit_test(test_words),      cmocka_unit_test(test_bare_error),
        cmocka_unit_test(test_twins),      cmocka_unit_test(test_vendor_rows_go_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
