/* modem_send_test.c - what an answer means, and what is done when none comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/clock.h"
#include "../../include/text.h"
#include "modem_rig.h"

/* ---- what an answer means ---- */

static void test_fault_classes(void **state)
{
    static const struct {
        const char *answer, *told;
    } faults[] = {
        {"\r\n+CMS ERROR: 1\r\n", "refused CMS 1"},
        {"\r\n+CMS ERROR: 8\r\n", "modem CMS 8"},
        {"\r\n+CMS ERROR: 21\r\n", "modem CMS 21"},
        {"\r\n+CMS ERROR: 38\r\n", "busy CMS 38"},
        {"\r\n+CMS ERROR: 96\r\n", "modem CMS 96"},
        {"\r\n+CMS ERROR: 175\r\n", "refused CMS 175"},
        {"\r\n+CMS ERROR: 197\r\n", "held CMS 197"},
        {"\r\n+CMS ERROR: 302\r\n", "busy CMS 302"},
        {"\r\n+CMS ERROR: 304\r\n", "refused CMS 304"},
        {"\r\n+CMS ERROR: 314\r\n", "busy CMS 314"},
        {"\r\n+CMS ERROR: 322\r\n", "busy CMS 322"},
        {"\r\n+CMS ERROR: 331\r\n", "busy CMS 331"},
        {"\r\n+CMS ERROR: 332\r\n", "uncertain CMS 332"},
        {"\r\n+CMS ERROR: 500\r\n", "uncertain CMS 500"},
        {"\r\nERROR\r\n", "uncertain ERROR"},
        {"\r\n+CME ERROR: 30\r\n", "busy CME 30"},
        {OK_, "uncertain ERROR"},
    };
    struct rig *r = *state;
    char line[64];
    rig_start_ready(r);
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        peer_answer_once(r->peer, "PDU", faults[i].answer);
        rig_send(r, SOMEONE);
        snprintf(line, sizeof line, "failed %u %s", 2 * i + 1, faults[i].told);
        TOLD(r, line);
        rig_still_sends(r, 2 * i + 2); /* one bad message never holds up the queue */
    }
}

/* Only a report tells what became of it: a routing that was lost meanwhile is set again at once, not with the next
 * look around. */
static void test_in_doubt_the_routing_is_looked_at(void **state)
{
    struct rig *r = *state;
    int often = modem_timing.keepalive_ms, around = modem_timing.housekeeping_ms;
    modem_timing.keepalive_ms = modem_timing.housekeeping_ms = 60000;
    rig_start_ready(r);
    unsigned before = peer_count(r->peer, "AT+CNMI?"), set = peer_count(r->peer, "AT+CNMI=2");
    peer_answer_once(r->peer, "AT+CNMI?", "\r\n+CNMI: 2,0,0,0,0\r\n" OK_);
    peer_answer_once(r->peer, "PDU", "\r\n+CMS ERROR: 332\r\n");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 uncertain CMS 332");
    WANT(r, peer_wait(r->peer, "AT+CNMI?", before + 1, 2000));
    WANT(r, peer_wait(r->peer, "AT+CNMI=2", set + 1, 2000));
    rig_still_sends(r, 2);
    modem_timing.keepalive_ms = often;
    modem_timing.housekeeping_ms = around;
}

static void test_fault_before_the_prompt_is_certain(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer_once(r->peer, "AT+CMGS=", "\r\n+CMS ERROR: 500\r\n");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 busy CMS 500");
    WANT(r, peer_count(r->peer, "PDU") == 0);
    rig_still_sends(r, 2);
}

static void test_validity_refused(void **state)
{
    struct rig *r = *state;
    char pdu[512];
    rig_start_ready(r);
    told_validity(r->told, 86400);
    peer_answer_once(r->peer, "PDU", "\r\n+CMS ERROR: 199\r\n");
    rig_send(r, SOMEONE);
    TOLD(r, "sent 1 mr=41");
    WANT(r, peer_count(r->peer, "PDU") == 2);
    peer_last_pdu(r->peer, pdu, sizeof pdu);
    assert_memory_equal("0021", pdu, 4); /* TP-VPF 00, 9.2.3.3 */
    WANT(r, told_count(r->told, "failed") == 0);
}

static void test_two_recipients_barred(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer_once(r->peer, "PDU", "\r\n+CMS ERROR: 8\r\n");
    peer_answer_once(r->peer, "PDU", "\r\n+CMS ERROR: 8\r\n");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 modem CMS 8");
    rig_send(r, "+4917000000000");
    TOLD(r, "failed 2 modem CMS 8");
    TOLD(r, "state suspended the operator bars this SIM from sending (CMS 8)");
    TOLD(r, "state ready"); /* and tries again later */
    rig_still_sends(r, 3);
}

/* CMS 30: a wrong number; three of them in a row are a wrong card, and another one is to try from the second on. */
static void test_several_numbers_unknown(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    for (int i = 0; i < 4; i++)
        peer_answer_once(r->peer, "PDU", "\r\n+CMS ERROR: 30\r\n");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 refused CMS 30");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 2 refused CMS 30"); /* the same number again is no news */
    rig_send(r, "+4917000000001");
    TOLD(r, "failed 3 modem CMS 30");
    rig_send(r, "+4917000000002");
    TOLD(r, "failed 4 modem CMS 30");
    TOLD(r, "state suspended the network does not know the number (CMS 30)");
    rig_still_sends(r, 5);
}

static void test_every_message_fails(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer(r->peer, "PDU", "\r\nERROR\r\n");
    for (int i = 0; i < 8; i++)
        rig_send(r, SOMEONE);
    TOLD(r, "failed 8 uncertain ERROR");
    TOLD(r, "state starting several messages in a row failed without a reason");
    TOLD(r, "state suspended registered, but every SMS fails");
    peer_answer(r->peer, "PDU", "\r\n+CMGS: 41\r\n" OK_);
    rig_still_sends(r, 9);
}

static void test_service_centre_unknown(void **state)
{
    struct rig *r = *state;
    snprintf(r->config.smsc, sizeof r->config.smsc, "+491722270333");
    peer_answer(r->peer, "AT+CSCA=\"+491722270333\",145", OK_);
    rig_start_ready(r);
    WANT(r, peer_count(r->peer, "AT+CSCA=\"+491722270333\",145") == 1);
    peer_answer_once(r->peer, "PDU", "\r\n+CMS ERROR: 330\r\n");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 modem CMS 330");
    TOLD(r, "state suspended the service centre's address is unknown (CMS 330)");
    WANT(r, peer_count(r->peer, "AT+CSCA=\"+491722270333\",145") == 2);
    rig_still_sends(r, 2);
}

/* ---- lost prompts and answers ---- */

static void test_prompt_lost(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer_once(r->peer, "AT+CMGS=", "");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 abandoned no prompt");
    WANT(r, peer_count(r->peer, "PDU") == 0);
    rig_still_sends(r, 2);
}

static void test_answer_lost(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer_once(r->peer, "PDU", "");
    int64_t before = clk_mono_ms();
    rig_send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 1, WAIT_MS));
    unsigned commands = peer_count(r->peer, "AT");
    TOLD(r, "failed 1 uncertain timeout");
    WANT(r, clk_mono_ms() - before >= 500);
    WANT(r, peer_count(r->peer, "AT") > commands);
    rig_still_sends(r, 2);
}

/* Nothing may be written before the time is over: +CMGS can be aborted by any byte. */
static void test_nothing_is_written_meanwhile(void **state)
{
    struct rig *r = *state;
    r->config.submit_timeout_ms = 1500; /* keep-alive and housekeeping would be due several times */
    rig_start_ready(r);
    peer_answer_once(r->peer, "PDU", "");
    rig_send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 1, WAIT_MS));
    unsigned commands = peer_count(r->peer, "");
    WANT(r, !peer_wait(r->peer, "", commands + 1, 1)); /* 1 to 2 s, see peer_wait() */
    TOLD(r, "failed 1 uncertain timeout");
}

static void test_answer_late(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer_once(r->peer, "PDU", "");
    rig_send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 1, WAIT_MS));
    peer_answer_once(r->peer, "AT", "\r\n+CMGS: 7\r\n" OK_ OK_);
    TOLD(r, "sent 1 mr=7");
    WANT(r, told_count(r->told, "failed") == 0);
    rig_still_sends(r, 2);
}

static void test_answer_very_late(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer_once(r->peer, "PDU", "");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 uncertain timeout");
    peer_say(r->peer, "\r\n+CMGS: 9\r\n" OK_);
    TOLD(r, "sent 1 mr=9");
    rig_still_sends(r, 2);
}

/* A program died after Ctrl-Z and was started again: its answer comes to the next one, which listens first. */
static void test_answer_to_an_earlier_program(void **state)
{
    struct rig *r = *state;
    told_in_doubt(r->told);
    rig_start(r);
    TOLD(r, "state starting listening");
    peer_say(r->peer, "\r\n+CMGS: 23\r\n" OK_);
    TOLD(r, "late mr=23");
    WANT(r, told_count(r->told, "identified") == 1); /* its SIM must be known before */
    TOLD(r, "state ready");
    rig_still_sends(r, 1);
    peer_say(r->peer, "\r\n+CMGS: 24\r\n" OK_);
    rig_still_sends(r, 2);
    WANT(r, told_count(r->told, "late") == 1);
}

static void test_listens_without_a_word(void **state)
{
    struct rig *r = *state;
    told_in_doubt(r->told);
    rig_start(r);
    TOLD(r, "state starting listening");
    WANT(r, peer_count(r->peer, "") == 0);
    TOLD(r, "state ready"); /* nothing came */
}

/* +CDS was shown to a program that died: it must not be taken before the SIM is known, and must come again. */
static void test_report_to_an_earlier_program(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CSMS?", "\r\n+CSMS: 1,1,1,1\r\n" OK_);
    peer_answer(r->peer, "AT+CNMA=2", OK_ REPORT);
    peer_answer_once(r->peer, "AT+CGMI", REPORT "\r\nExample\r\n" OK_);
    rig_start_ready(r);
    WANT(r, told_wait_n(r->told, "report mr=41", 2, WAIT_MS));
    rig_stop(r);
    assert_memory_equal("identified", told_line(r->told, 0), 10);
    WANT(r, peer_count(r->peer, "AT+CNMA=2") == 1);
}

static void test_answer_without_ok(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer_once(r->peer, "PDU", "\r\n+CMGS: 8\r\n");
    rig_send(r, SOMEONE);
    TOLD(r, "sent 1 mr=8");
    WANT(r, told_count(r->told, "failed") == 0);
    rig_still_sends(r, 2);
}

static void test_late_error_is_an_answer(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer_once(r->peer, "PDU", "");
    rig_send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 1, WAIT_MS));
    peer_answer_once(r->peer, "AT", "\r\n+CMS ERROR: 38\r\n" OK_);
    TOLD(r, "failed 1 busy CMS 38");
    rig_still_sends(r, 2);
}

/* ---- commits that fail ---- */

static void test_sent_is_told_until_it_is_on_disk(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    told_refuse(r->told, "sent", ERR_NO_SPACE, 3);
    rig_send(r, SOMEONE);
    TOLD(r, "sent 1 mr=41");
    WANT(r, told_count(r->told, "refused sent") == 3);
    WANT(r, peer_count(r->peer, "PDU") == 1);
    rig_still_sends(r, 2);
}

static void test_sent_is_not_told_while_the_disk_is_full_and_we_stop(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    told_refuse(r->told, "sent", ERR_NO_SPACE, -1);
    rig_send(r, SOMEONE);
    rig_send(r, SOMEONE);
    TOLD(r, "refused sent");
    rig_stop(r);
    WANT(r, peer_count(r->peer, "PDU") == 1); /* and it is on disk as `sending` */
    WANT(r, told_count(r->told, "failed") == 0);
}

static void test_no_identity_no_queue(void **state)
{
    struct rig *r = *state;
    told_refuse(r->told, "identified", ERR_NO_SPACE, 3);
    told_queue(r->told, SOMEONE, "hello");
    rig_start(r);
    WANT(r, told_wait_n(r->told, "refused identified", 3, WAIT_MS));
    TOLD(r, "sent 1 mr=41");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_fault_classes),
        RIG_TEST(test_in_doubt_the_routing_is_looked_at),
        RIG_TEST(test_fault_before_the_prompt_is_certain),
        RIG_TEST(test_validity_refused),
        RIG_TEST(test_two_recipients_barred),
        RIG_TEST(test_several_numbers_unknown),
        RIG_TEST(test_every_message_fails),
        RIG_TEST(test_service_centre_unknown),
        RIG_TEST(test_prompt_lost),
        RIG_TEST(test_answer_lost),
        RIG_TEST(test_nothing_is_written_meanwhile),
        RIG_TEST(test_answer_late),
        RIG_TEST(test_answer_very_late),
        RIG_TEST(test_answer_to_an_earlier_program),
        RIG_TEST(test_listens_without_a_word),
        RIG_TEST(test_report_to_an_earlier_program),
        RIG_TEST(test_answer_without_ok),
        RIG_TEST(test_late_error_is_an_answer),
        RIG_TEST(test_sent_is_told_until_it_is_on_disk),
        RIG_TEST(test_sent_is_not_told_while_the_disk_is_full_and_we_stop),
        RIG_TEST(test_no_identity_no_queue),
    };
    rig_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
