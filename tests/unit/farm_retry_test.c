/* farm_retry_test.c - when a part that did not go out is tried again, and where (docs/modems.md, "Error classes"). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "../../src/farm_retry.h"

static const int64_t pauses[] = {30000, 120000, 600000};

struct row {
    const char *code;
    enum fault_class class;
    unsigned tries;
    const char *last;
    unsigned others;
    enum store_verdict verdict;
    int64_t pause_ms;
};

static void check(const struct row *r)
{
    struct modem_fault why = {.class = r->class, .plan = fault_code_plan(r->code)};
    snprintf(why.code, sizeof why.code, "%s", r->code);
    struct farm_decision d = farm_decide(&(struct farm_failure){.why = &why,
                                                                .tries = r->tries,
                                                                .last = r->last,
                                                                .others = r->others,
                                                                .retry_ms = pauses,
                                                                .retry_count = 3});
    if (d.verdict != r->verdict || d.pause_ms != r->pause_ms)
        fail_msg("%s tries %u last \"%s\" others %u: verdict %d pause %lld", r->code, r->tries,
                 r->last, r->others, d.verdict, (long long)d.pause_ms);
}

static void test_rows(void **state)
{
    static const struct row rows[] = {
        {"CMS 41", FAULT_BUSY, 0, "", 1, STORE_VERDICT_RETRY, 30000},
        {"CMS 41", FAULT_BUSY, 1, "CMS 41", 1, STORE_VERDICT_RETRY, 120000},
        {"CMS 41", FAULT_BUSY, 9, "CMS 41", 1, STORE_VERDICT_RETRY, 600000},
        /* starts at the second step */
        {"CMS 38", FAULT_BUSY, 0, "", 0, STORE_VERDICT_RETRY, 120000},
        {"CMS 38", FAULT_BUSY, 1, "CMS 38", 0, STORE_VERDICT_RETRY, 600000},
        /* refused: once on another SIM, then never */
        {"CMS 21", FAULT_MODEM, 0, "", 1, STORE_VERDICT_OTHER_MODEM, 0},
        {"CMS 21", FAULT_MODEM, 1, "CMS 21", 1, STORE_VERDICT_FAIL, 0},
        {"CMS 21", FAULT_MODEM, 1, "CMS 127", 1, STORE_VERDICT_FAIL, 0},
        {"CMS 144", FAULT_MODEM, 3, "CMS 38", 1, STORE_VERDICT_OTHER_MODEM, 0},
        {"CMS 128", FAULT_MODEM, 0, "", 0, STORE_VERDICT_FAIL, 0},
        /* protocol: once after 30 s, another modem, then never */
        {"CMS 96", FAULT_MODEM, 0, "", 1, STORE_VERDICT_RETRY, 30000},
        {"CMS 96", FAULT_MODEM, 1, "CMS 96", 1, STORE_VERDICT_OTHER_MODEM, 0},
        {"CMS 96", FAULT_MODEM, 1, "CMS 96", 0, STORE_VERDICT_FAIL, 0},
        {"CMS 111", FAULT_MODEM, 2, "CMS 96", 1, STORE_VERDICT_FAIL, 0},
        /* this card cannot: the others at once, then a pause */
        {"CMS 8", FAULT_MODEM, 0, "", 2, STORE_VERDICT_OTHER_MODEM, 0},
        {"CMS 8", FAULT_MODEM, 1, "CMS 8", 2, STORE_VERDICT_OTHER_MODEM, 0},
        {"CMS 8", FAULT_MODEM, 2, "CMS 8", 2, STORE_VERDICT_OTHER_MODEM, 600000},
        {"CMS 8", FAULT_MODEM, 0, "", 0, STORE_VERDICT_OTHER_MODEM, 30000},
        {"CMS 330", FAULT_MODEM, 0, "", 1, STORE_VERDICT_OTHER_MODEM, 0},
        /* unknown before the prompt: one short retry, then slow */
        {"CMS 500", FAULT_BUSY, 0, "", 0, STORE_VERDICT_RETRY, 2000},
        {"CMS 500", FAULT_BUSY, 1, "CMS 500", 0, STORE_VERDICT_RETRY, 120000},
        {"ERROR", FAULT_BUSY, 0, "", 0, STORE_VERDICT_RETRY, 2000},
        {"ERROR", FAULT_BUSY, 1, "ERROR", 0, STORE_VERDICT_RETRY, 120000},
        /* for good, nothing tried, not known */
        {"CMS 1", FAULT_REFUSED, 0, "", 3, STORE_VERDICT_FAIL, 0},
        {"no prompt", FAULT_ABANDONED, 0, "", 3, STORE_VERDICT_BACK, 0},
        {"timeout", FAULT_UNCERTAIN, 0, "", 3, STORE_VERDICT_REPEAT, 15000},
        {"restarted", FAULT_UNCERTAIN, 0, "", 3, STORE_VERDICT_UNCERTAIN, 0},
        {"stopping", FAULT_UNCERTAIN, 0, "", 3, STORE_VERDICT_UNCERTAIN, 0},
        {"CMS 332", FAULT_UNCERTAIN, 2, "", 3, STORE_VERDICT_REPEAT, 0},
        {"unplugged", FAULT_UNCERTAIN, 0, "", 3, STORE_VERDICT_UNCERTAIN, 60000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
