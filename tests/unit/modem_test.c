/* modem_test.c - the actor against a far side that misbehaves: what is told to the core, what is written to the
 * modem, and that it comes back.  The far side's manners are tests/transcripts/generic.at, changed row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../include/clock.h"
#include "../../include/log.h"
#include "../../include/text.h"
#include "../../modem/modem_private.h"
#include "modem_peer.h"
#include "modem_told.h"

#define WAIT_MS 10000
#define ICCID   "8994100101423151769"
#define SOMEONE "+4917112345678"
#define OK_     "\r\nOK\r\n"
/* mr 41, delivered, to SOMEONE: by hand after 23.040 9.2.2.3 */
#define REPORT_PDU  "0006290D91947111325476F8621050310125006210503101350000"
#define REPORT      "\r\n+CDS: 26\r\n" REPORT_PDU "\r\n"
#define DELIVER_PDU "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37"
#define DELIVER     "\r\n+CMT: ,28\r\n" DELIVER_PDU "\r\n"
#define INCOMING    "incoming 27838890001 hellohello"

struct rig {
    struct peer *peer;
    struct told *told;
    struct modem *modem;
    struct modem_config config;
};

static void wanted(struct rig *r, bool so, const char *what, int line)
{
    if (so)
        return;
    told_print(r->told);
    fail_msg("line %d: %s", line, what);
}
#define WANT(r, so)   wanted(r, so, #so, __LINE__)
#define TOLD(r, text) WANT(r, told_wait((r)->told, text, WAIT_MS))

/* ---- up and down ---- */

static int make(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    r->config = (struct modem_config){.name = "test", .baud = 115200, .submit_timeout_ms = 500};
    r->peer = peer_new("tests/transcripts/generic.at");
    r->told = told_new();
    peer_answer(r->peer, "PDU", "\r\n+CMGS: 41\r\n" OK_);
    peer_answer(r->peer, "AT+CMGS=", "\r\n> ");
    snprintf(r->config.port, sizeof r->config.port, "%s", peer_path(r->peer));
    *state = r;
    return 0;
}

static void start(struct rig *r)
{
    peer_plug(r->peer);
    assert_int_equal(OK, modem_start(&r->config, &told_hooks, r->told, &r->modem));
}

static void start_ready(struct rig *r)
{
    start(r);
    TOLD(r, "state ready");
}

static void stop(struct rig *r)
{
    if (r->modem) {
        modem_stop(r->modem, 200);
        modem_join(r->modem);
    }
    r->modem = NULL;
}

static int drop(void **state)
{
    struct rig *r = *state;
    stop(r);
    told_free(r->told);
    peer_free(r->peer);
    free(r);
    return 0;
}

static void send(struct rig *r, const char *recipient)
{
    told_queue(r->told, recipient, "hello");
    modem_wake(r->modem);
}

/* The next message goes out as if nothing had been. */
static void still_sends(struct rig *r, unsigned part)
{
    char line[32];
    send(r, SOMEONE);
    snprintf(line, sizeof line, "sent %u mr=41", part);
    TOLD(r, line);
}

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
    start_ready(r);
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) {
        peer_answer_once(r->peer, "PDU", faults[i].answer);
        send(r, SOMEONE);
        snprintf(line, sizeof line, "failed %u %s", 2 * i + 1, faults[i].told);
        TOLD(r, line);
        still_sends(r, 2 * i + 2); /* one bad message never holds up the queue */
    }
}

static void test_fault_before_the_prompt_is_certain(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer_once(r->peer, "AT+CMGS=", "\r\n+CMS ERROR: 500\r\n");
    send(r, SOMEONE);
    TOLD(r, "failed 1 busy CMS 500");
    WANT(r, peer_count(r->peer, "PDU") == 0);
    still_sends(r, 2);
}

static void test_validity_refused(void **state)
{
    struct rig *r = *state;
    char pdu[512];
    start_ready(r);
    told_validity(r->told, 86400);
    peer_answer_once(r->peer, "PDU", "\r\n+CMS ERROR: 199\r\n");
    send(r, SOMEONE);
    TOLD(r, "sent 1 mr=41");
    WANT(r, peer_count(r->peer, "PDU") == 2);
    peer_last_pdu(r->peer, pdu, sizeof pdu);
    assert_memory_equal("0021", pdu, 4); /* TP-VPF 00, 9.2.3.3 */
    WANT(r, told_count(r->told, "failed") == 0);
}

static void test_two_recipients_barred(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer_once(r->peer, "PDU", "\r\n+CMS ERROR: 8\r\n");
    peer_answer_once(r->peer, "PDU", "\r\n+CMS ERROR: 8\r\n");
    send(r, SOMEONE);
    TOLD(r, "failed 1 modem CMS 8");
    send(r, "+4917000000000");
    TOLD(r, "failed 2 modem CMS 8");
    TOLD(r, "state suspended the operator bars this SIM from sending (CMS 8)");
    TOLD(r, "state ready"); /* and tries again later */
    still_sends(r, 3);
}

static void test_every_message_fails(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer(r->peer, "PDU", "\r\nERROR\r\n");
    for (int i = 0; i < 8; i++)
        send(r, SOMEONE);
    TOLD(r, "failed 8 uncertain ERROR");
    TOLD(r, "state starting several messages in a row failed without a reason");
    TOLD(r, "state suspended registered, but every SMS fails");
    peer_answer(r->peer, "PDU", "\r\n+CMGS: 41\r\n" OK_);
    still_sends(r, 9);
}

static void test_service_centre_unknown(void **state)
{
    struct rig *r = *state;
    snprintf(r->config.smsc, sizeof r->config.smsc, "+491722270333");
    peer_answer(r->peer, "AT+CSCA=\"+491722270333\",145", OK_);
    start_ready(r);
    WANT(r, peer_count(r->peer, "AT+CSCA=\"+491722270333\",145") == 1);
    peer_answer_once(r->peer, "PDU", "\r\n+CMS ERROR: 330\r\n");
    send(r, SOMEONE);
    TOLD(r, "failed 1 modem CMS 330");
    TOLD(r, "state suspended the service centre's address is unknown (CMS 330)");
    WANT(r, peer_count(r->peer, "AT+CSCA=\"+491722270333\",145") == 2);
    still_sends(r, 2);
}

/* ---- lost prompts and answers ---- */

static void test_prompt_lost(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer_once(r->peer, "AT+CMGS=", "");
    send(r, SOMEONE);
    TOLD(r, "failed 1 abandoned no prompt");
    WANT(r, peer_count(r->peer, "PDU") == 0);
    still_sends(r, 2);
}

static void test_answer_lost(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer_once(r->peer, "PDU", "");
    int64_t before = clk_mono_ms();
    send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 1, WAIT_MS));
    unsigned commands = peer_count(r->peer, "AT");
    TOLD(r, "failed 1 uncertain timeout");
    WANT(r, clk_mono_ms() - before >= 500);
    WANT(r, peer_count(r->peer, "AT") > commands);
    still_sends(r, 2);
}

/* Nothing may be written before the time is over: +CMGS can be aborted by any byte. */
static void test_nothing_is_written_meanwhile(void **state)
{
    struct rig *r = *state;
    r->config.submit_timeout_ms = 1500; /* keep-alive and housekeeping would be due several times */
    start_ready(r);
    peer_answer_once(r->peer, "PDU", "");
    send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 1, WAIT_MS));
    unsigned commands = peer_count(r->peer, "");
    WANT(r, !peer_wait(r->peer, "", commands + 1, 1)); /* 1 to 2 s, see peer_wait() */
    TOLD(r, "failed 1 uncertain timeout");
}

static void test_answer_late(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer_once(r->peer, "PDU", "");
    send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 1, WAIT_MS));
    peer_answer_once(r->peer, "AT", "\r\n+CMGS: 7\r\n" OK_ OK_);
    TOLD(r, "sent 1 mr=7");
    WANT(r, told_count(r->told, "failed") == 0);
    still_sends(r, 2);
}

static void test_answer_very_late(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer_once(r->peer, "PDU", "");
    send(r, SOMEONE);
    TOLD(r, "failed 1 uncertain timeout");
    peer_say(r->peer, "\r\n+CMGS: 9\r\n" OK_);
    TOLD(r, "sent 1 mr=9");
    still_sends(r, 2);
}

/* A program died after Ctrl-Z and was started again: its answer comes to the next one, which listens first. */
static void test_answer_to_an_earlier_program(void **state)
{
    struct rig *r = *state;
    told_in_doubt(r->told);
    start(r);
    TOLD(r, "state starting listening");
    peer_say(r->peer, "\r\n+CMGS: 23\r\n" OK_);
    TOLD(r, "late mr=23");
    WANT(r, told_count(r->told, "identified") == 1); /* its SIM must be known before */
    TOLD(r, "state ready");
    still_sends(r, 1);
    peer_say(r->peer, "\r\n+CMGS: 24\r\n" OK_);
    still_sends(r, 2);
    WANT(r, told_count(r->told, "late") == 1);
}

static void test_listens_without_a_word(void **state)
{
    struct rig *r = *state;
    told_in_doubt(r->told);
    start(r);
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
    start_ready(r);
    WANT(r, told_wait_n(r->told, "report mr=41", 2, WAIT_MS));
    stop(r);
    assert_memory_equal("identified", told_line(r->told, 0), 10);
    WANT(r, peer_count(r->peer, "AT+CNMA=2") == 1);
}

static void test_answer_without_ok(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer_once(r->peer, "PDU", "\r\n+CMGS: 8\r\n");
    send(r, SOMEONE);
    TOLD(r, "sent 1 mr=8");
    WANT(r, told_count(r->told, "failed") == 0);
    still_sends(r, 2);
}

static void test_late_error_is_an_answer(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer_once(r->peer, "PDU", "");
    send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 1, WAIT_MS));
    peer_answer_once(r->peer, "AT", "\r\n+CMS ERROR: 38\r\n" OK_);
    TOLD(r, "failed 1 busy CMS 38");
    still_sends(r, 2);
}

/* ---- reports ---- */

/* It settles the part whose answer is missing, at once and not after three minutes. */
static void test_report_settles(void **state)
{
    struct rig *r = *state;
    r->config.submit_timeout_ms = 60000;
    start_ready(r);
    told_settles(r->told, 1);
    peer_answer_once(r->peer, "PDU", REPORT);
    send(r, SOMEONE);
    TOLD(r, "report mr=41 st=00 " SOMEONE);
    told_settles(r->told, 0);
    still_sends(r, 2);
    WANT(r, told_count(r->told, "failed") == 0 && told_count(r->told, "sent 1") == 0);
    WANT(r, peer_count(r->peer, "AT+CNMA") == 1);
}

static void test_report_before_the_answer(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    told_settles(r->told, 1);
    peer_answer_once(r->peer, "PDU", REPORT "\r\n+CMGS: 41\r\n" OK_);
    send(r, SOMEONE);
    TOLD(r, "sent 1 mr=41");
    WANT(r, told_count(r->told, "report mr=41") == 1);
    WANT(r, peer_wait(r->peer, "AT+CNMA", 1, WAIT_MS));
}

static void test_report_not_committed(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    told_refuse(r->told, "report", ERR_NO_SPACE, 1);
    peer_say(r->peer, REPORT);
    TOLD(r, "refused report");
    still_sends(r, 1);
    WANT(r, peer_count(r->peer, "AT+CNMA") == 0);
    peer_say(r->peer, REPORT); /* the network repeats it */
    TOLD(r, "report mr=41");
    WANT(r, peer_wait(r->peer, "AT+CNMA", 1, WAIT_MS));
}

/* Under +CSMS=0 nobody repeats it: it waits in memory. */
static void test_report_without_acknowledgement(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CSMS=1", "\r\n+CMS ERROR: 303\r\n");
    peer_answer(r->peer, "AT+CNMI=?", "\r\n+CNMI: (0-2),(0-3),(0,2),(0,1),(0,1)\r\n" OK_);
    start_ready(r);
    told_refuse(r->told, "report", ERR_NO_SPACE, 2);
    peer_say(r->peer, REPORT);
    TOLD(r, "report mr=41");
    WANT(r, told_count(r->told, "refused report") == 2);
    WANT(r, peer_count(r->peer, "AT+CNMA") == 0);
}

static void test_no_acknowledgement_expected(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer(r->peer, "AT+CNMA", "\r\n+CMS ERROR: 340\r\n");
    peer_answer(r->peer, "AT+CNMA=0", "\r\n+CMS ERROR: 340\r\n");
    unsigned before = peer_count(r->peer, "AT+CSMS=0");
    peer_answer(r->peer, "AT+CNMI=2,1,0,2,0", OK_);
    for (unsigned i = 1; i <= 3; i++) {
        peer_say(r->peer, REPORT);
        WANT(r, told_wait_n(r->told, "report mr=41", i, WAIT_MS));
        WANT(r, peer_wait(r->peer, "AT+CNMA", i, WAIT_MS));
    }
    WANT(r, peer_wait(r->peer, "AT+CSMS=0", before + 1, WAIT_MS));
    WANT(r, peer_wait(r->peer, "AT+CNMI=2,1,0,2,0", 1, WAIT_MS));
}

static void test_other_form_of_cnma(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer(r->peer, "AT+CNMA", "\r\n+CMS ERROR: 302\r\n");
    peer_answer(r->peer, "AT+CNMA=0", OK_);
    peer_say(r->peer, REPORT);
    WANT(r, peer_wait(r->peer, "AT+CNMA=0", 1, WAIT_MS));
    still_sends(r, 1);
}

/* ---- inbound ---- */

static void test_direct_message(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    told_refuse(r->told, "incoming", ERR_NO_SPACE, 1);
    peer_say(r->peer, DELIVER);
    TOLD(r, "refused incoming");
    still_sends(r, 1);
    WANT(r, peer_count(r->peer, "AT+CNMA") == 0);
    peer_say(r->peer, DELIVER);
    TOLD(r, INCOMING);
    WANT(r, peer_wait(r->peer, "AT+CNMA", 1, WAIT_MS));
}

static void test_stored_message_not_committed(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    told_refuse(r->told, "incoming", ERR_NO_SPACE, 2);
    peer_answer(r->peer, "AT+CMGL=4", "\r\n+CMGL: 3,1,,28\r\n" DELIVER_PDU "\r\n" OK_);
    peer_say(r->peer, "\r\n+CMTI: \"SM\",3\r\n");
    WANT(r, told_wait_n(r->told, "refused incoming", 2, WAIT_MS));
    WANT(r, peer_count(r->peer, "AT+CMGD") == 0 || told_count(r->told, INCOMING) > 0);
    TOLD(r, INCOMING);
    WANT(r, peer_wait(r->peer, "AT+CMGD=3", 1, WAIT_MS));
}

static void test_undecodable_is_kept_and_deleted(void **state)
{
    struct rig *r = *state;
    /* A DELIVER whose user data are cut off: 23.040 9.2.2.1 */
    peer_answer_once(r->peer, "AT+CMGL=4",
                     "\r\n+CMGL: 5,0,,9\r\n07917283010010F5040BC87238880900F1\r\n" OK_);
    start_ready(r);
    TOLD(r, "raw 07917283010010F5040BC87238880900F1");
    WANT(r, peer_wait(r->peer, "AT+CMGD=5", 1, WAIT_MS));
}

/* A message of the user's own is left alone, until the storage is full. */
static void test_drafts(void **state)
{
    struct rig *r = *state;
    static const char draft[] =
        "\r\n+CMGL: 2,2,,19\r\n0011000B917283889000F10000AA05E8329BFD06\r\n" OK_;
    peer_answer_once(r->peer, "AT+CMGL=4", OK_);
    peer_answer_once(r->peer, "AT+CMGL=4", OK_);
    peer_answer_once(r->peer, "AT+CMGL=4", draft);
    start_ready(r);
    WANT(r, peer_count(r->peer, "AT+CMGD") == 0 && told_count(r->told, "raw") == 0);
    peer_answer(r->peer, "AT+CPMS=\"SM\"", "\r\n+CPMS: 30,30,30,30,30,30\r\n" OK_);
    peer_answer_once(r->peer, "AT+CMGL=4", OK_);
    peer_answer_once(r->peer, "AT+CMGL=4", OK_);
    peer_answer_once(r->peer, "AT+CMGL=4", draft);
    peer_say(r->peer, "\r\n^SMMEMFULL: \"SM\"\r\n");
    TOLD(r, "event memory_full");
    TOLD(r, "raw 0011000B917283889000F1");
    WANT(r, peer_wait(r->peer, "AT+CMGD=2", 1, WAIT_MS));
}

static void test_list_refused(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CMGL=4", "\r\n+CMS ERROR: 303\r\n");
    peer_answer(r->peer, "AT+CPMS=\"SM\"", "\r\n+CPMS: 1,5,1,5,1,5\r\n" OK_);
    peer_answer(r->peer, "AT+CPMS=\"ME\"", "\r\n+CMS ERROR: 302\r\n");
    peer_answer(r->peer, "AT+CPMS=\"SR\"", "\r\n+CMS ERROR: 302\r\n");
    peer_answer(r->peer, "AT+CMGR=", "\r\n+CMS ERROR: 321\r\n");
    peer_answer(r->peer, "AT+CMGR=4", "\r\n+CMGR: 1,,28\r\n" DELIVER_PDU "\r\n" OK_);
    start_ready(r);
    TOLD(r, INCOMING);
    WANT(r, peer_count(r->peer, "AT+CMGD=4") == 1);
}

static void test_flood_of_indications(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer(r->peer, "AT+CMGR=", "\r\n+CMS ERROR: 321\r\n");
    for (int i = 0; i < 200; i++)
        peer_say(r->peer, "\r\n+CMTI: \"SM\",65000\r\n\r\n+CMTI: ,-1\r\n\r\n+CMTI: \"\xff\r\n");
    still_sends(r, 1);
}

/* ---- commits that fail ---- */

static void test_sent_is_told_until_it_is_on_disk(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    told_refuse(r->told, "sent", ERR_NO_SPACE, 3);
    send(r, SOMEONE);
    TOLD(r, "sent 1 mr=41");
    WANT(r, told_count(r->told, "refused sent") == 3);
    WANT(r, peer_count(r->peer, "PDU") == 1);
    still_sends(r, 2);
}

static void test_sent_is_not_told_while_the_disk_is_full_and_we_stop(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    told_refuse(r->told, "sent", ERR_NO_SPACE, -1);
    send(r, SOMEONE);
    send(r, SOMEONE);
    TOLD(r, "refused sent");
    stop(r);
    WANT(r, peer_count(r->peer, "PDU") == 1); /* and it is on disk as `sending` */
    WANT(r, told_count(r->told, "failed") == 0);
}

static void test_no_identity_no_queue(void **state)
{
    struct rig *r = *state;
    told_refuse(r->told, "identified", ERR_NO_SPACE, 3);
    told_queue(r->told, SOMEONE, "hello");
    start(r);
    WANT(r, told_wait_n(r->told, "refused identified", 3, WAIT_MS));
    TOLD(r, "sent 1 mr=41");
}

/* ---- unplugged ---- */

static const char *const stages[] = {
    "AT",        "ATE0",      "AT+CMEE=1", "AT+CGMI",  "AT+CGSN",  "AT+CRSM=", "AT+CPIN?",
    "AT+CIMI",   "AT+CMGF=0", "AT+CPMS=?", "AT+CPMS=", "AT+CSCA?", "AT+CREG=", "AT+CNMI=?",
    "AT+CSMS=1", "AT+CNMI=",  "AT+CMGL=4", "AT+CREG?", "AT+CSQ",   "AT+COPS?",
};

static void unplug_at(struct rig *r, const char *stage)
{
    peer_answer_once(r->peer, stage, "!unplug");
    start(r);
    TOLD(r, "state gone unplugged");
    int64_t before = clk_mono_ms();
    peer_plug(r->peer);
    TOLD(r, "state ready");
    WANT(r, clk_mono_ms() - before < 3000);
    still_sends(r, 1);
}

static void test_unplugged_at_every_stage(void **state)
{
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        void *fresh = NULL;
        make(&fresh);
        unplug_at(fresh, stages[i]);
        drop(&fresh);
    }
    (void)state;
}

static void test_unplugged_before_the_prompt(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer_once(r->peer, "AT+CMGS=", "!unplug");
    send(r, SOMEONE);
    TOLD(r, "failed 1 abandoned unplugged");
    TOLD(r, "state gone unplugged");
    peer_plug(r->peer);
    still_sends(r, 2);
}

static void test_unplugged_after_ctrl_z(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer_once(r->peer, "PDU", "!unplug");
    send(r, SOMEONE);
    TOLD(r, "failed 1 uncertain unplugged");
    peer_plug(r->peer);
    still_sends(r, 2);
}

static void test_unplugged_when_idle(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    int64_t before = clk_mono_ms();
    peer_unplug(r->peer);
    TOLD(r, "state gone unplugged");
    WANT(r, clk_mono_ms() - before < 1000);
    TOLD(r, "event reset unplugged");
    before = clk_mono_ms();
    peer_plug(r->peer);
    WANT(r, told_wait_n(r->told, "state starting waiting", 2, 1000));
    WANT(r, clk_mono_ms() - before < 1000);
    still_sends(r, 1);
}

static void test_never_plugged_in(void **state)
{
    struct rig *r = *state;
    assert_int_equal(OK, modem_start(&r->config, &told_hooks, r->told, &r->modem));
    TOLD(r, "state gone");
    peer_plug(r->peer);
    TOLD(r, "state ready");
}

/* ---- bad manners ---- */

static void test_echo_stuck(void **state)
{
    struct rig *r = *state;
    peer_echo(r->peer, true);
    start_ready(r);
    still_sends(r, 1);
    struct modem_status now;
    told_status(r->told, &now);
    assert_string_equal("490154203237518", now.who.imei);
    assert_string_equal("Example Instruments", now.who.manufacturer);
}

static void test_silent_modem(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        peer_answer(r->peer, stages[i], "");
    peer_answer(r->peer, "AT", "");
    peer_answer(r->peer, "AT+CNMI?", "");
    TOLD(r, "state starting the modem does not answer any more");
    TOLD(r, "state starting the modem does not answer");
    peer_answer(r->peer, "AT", OK_);
    TOLD(r, "state starting waiting");
}

static void test_boots_slowly(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT", "");
    start(r);
    WANT(r, peer_wait(r->peer, "AT", 2, WAIT_MS));
    peer_answer(r->peer, "AT", OK_);
    TOLD(r, "state ready");
}

static void test_restarts_by_itself(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_say(r->peer, "\r\nRDY\r\n\r\n+CFUN: 1\r\n");
    TOLD(r, "state starting the modem restarted by itself");
    WANT(r, told_wait_n(r->told, "state ready", 2, WAIT_MS));
    WANT(r, peer_count(r->peer, "AT+CMGF=0") == 2);
}

static void test_routing_lost(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    WANT(r, peer_count(r->peer, "AT+CNMI=2,1,0,1,0") == 1);
    peer_answer_once(r->peer, "AT+CNMI?", "\r\n+CNMI: 2,0,0,0,0\r\n" OK_);
    WANT(r, peer_wait(r->peer, "AT+CNMI=2,1,0,1,0", 2, WAIT_MS));
    WANT(r, peer_wait(r->peer, "AT+CMGL=4", 4, WAIT_MS)); /* and looks what came meanwhile */
    still_sends(r, 1);
}

static void test_card_taken_out(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer(r->peer, "AT+CPIN?", "\r\n+CME ERROR: 10\r\n");
    peer_say(r->peer, "\r\n+CPIN: NOT INSERTED\r\n");
    TOLD(r, "state suspended no SIM in the modem");
    peer_answer(r->peer, "AT+CPIN?", "\r\n+CPIN: READY\r\n" OK_);
    WANT(r, told_wait_n(r->told, "state ready", 2, WAIT_MS));
}

/* ---- the network ---- */

static void test_not_registered(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CREG?", "\r\n+CREG: 1,2\r\n" OK_);
    peer_answer(r->peer, "AT+CEREG?", "\r\n+CEREG: 1,8\r\n" OK_);
    peer_answer(r->peer, "AT+CGREG?", "\r\n+CGREG: 1,0\r\n" OK_);
    told_queue(r->told, SOMEONE, "hello");
    start(r);
    TOLD(r, "state registering searching a network");
    WANT(r, peer_wait(r->peer, "AT+CREG?", 3, WAIT_MS));
    WANT(r, peer_count(r->peer, "AT+CMGS") == 0);
    peer_answer(r->peer, "AT+CREG?", "\r\n+CREG: 1,6\r\n" OK_);
    peer_say(r->peer, "\r\n+CREG: 6\r\n");
    TOLD(r, "sent 1 mr=41");
    peer_answer(r->peer, "AT+CREG?", "\r\n+CREG: 1,3\r\n" OK_);
    peer_say(r->peer, "\r\n+CREG: 3\r\n");
    TOLD(r, "state registering the network denies registration to this SIM");
}

static void test_roaming(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CREG?", "\r\n+CREG: 2,5,\"00C3\",\"0000A1B2\",7\r\n" OK_);
    told_queue(r->told, SOMEONE, "hello");
    start(r);
    TOLD(r, "state suspended roaming, and roaming = no");
    WANT(r, peer_count(r->peer, "AT+CMGS") == 0);
    stop(r);
    r->config.roaming = true;
    assert_int_equal(OK, modem_start(&r->config, &told_hooks, r->told, &r->modem));
    TOLD(r, "sent 1 mr=41");
}

static void test_status(void **state)
{
    struct rig *r = *state;
    struct modem_status now;
    start_ready(r);
    WANT(r, peer_wait(r->peer, "AT+CPMS?", 2, WAIT_MS));
    told_status(r->told, &now);
    assert_string_equal("Example Net", now.operator_name);
    assert_int_equal(-79, now.signal_dbm); /* 27.007 8.5: 17 */
    assert_int_equal(REG_HOME, now.registration);
    assert_string_equal("+491710760000", now.smsc);
    assert_string_equal("SM", now.storage);
    assert_int_equal(30, now.storage_size);
    assert_string_equal("+491711234567", now.who.number);
    assert_string_equal(ICCID, now.who.iccid);
}

/* ---- the PIN guard ---- */

static void lock_card(struct rig *r)
{
    snprintf(r->config.pin, sizeof r->config.pin, "1234");
    peer_answer(r->peer, "AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n" OK_);
    peer_answer(r->peer, "AT+CPIN=\"1234\"", "\r\n+CME ERROR: 16\r\n");
}

/* Through several starts: the modem's back-off is 30 to 100 ms here. */
static void test_pin_refused_once(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    peer_answer(r->peer, "AT+CPINR", "\r\n+CPINR: SIM PIN,3,3\r\n" OK_);
    start(r);
    TOLD(r, "pin may_try " ICCID);
    TOLD(r, "state pin the SIM refused the PIN");
    TOLD(r, "state pin this PIN was tried with this card and not accepted");
    WANT(r, peer_wait(r->peer, "AT+CGSN", 6, WAIT_MS));
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 1);
}

static void test_pin_unanswered_is_not_tried_again(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    peer_answer(r->peer, "AT+CPIN=\"1234\"", "!unplug");
    start(r);
    TOLD(r, "state gone");
    peer_plug(r->peer);
    TOLD(r, "state pin this PIN was tried with this card and not accepted");
    WANT(r, peer_wait(r->peer, "AT+CGSN", 4, WAIT_MS));
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 1);
}

static void test_pin_few_attempts_left(void **state)
{
    static const struct {
        const char *command, *answer, *reason;
    } ways[] = {
        {"AT+CPINR", "\r\n+CPINR: SIM PIN,1,3\r\n\r\n+CPINR: SIM PUK,10,10\r\n" OK_,
         "state pin only 1 attempt left"},
        {"AT+CSIM=10,\"0020000100\"", "\r\n+CSIM: 4,\"63C1\"\r\n" OK_,
         "state pin only 1 attempt left"},
        {"AT+CSIM=10,\"0020000100\"", "\r\n+CSIM: 4,\"6983\"\r\n" OK_,
         "state pin only 0 attempts left"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        void *fresh = NULL;
        make(&fresh);
        struct rig *r = fresh;
        lock_card(r);
        peer_answer(r->peer, ways[i].command, ways[i].answer);
        start(r);
        TOLD(r, ways[i].reason);
        WANT(r, peer_wait(r->peer, "AT+CGSN", 3, WAIT_MS));
        WANT(r, peer_count(r->peer, "AT+CPIN=") == 0 && told_count(r->told, "pin may_try") == 0);
        drop(&fresh);
    }
}

static void test_pin_for_another_card(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    snprintf(r->config.iccid, sizeof r->config.iccid, "8981100000000000001");
    start(r);
    TOLD(r, "state pin the PIN is for another card than this one");
    peer_answer(r->peer, "AT+CRSM=", "\r\nERROR\r\n");
    TOLD(r, "state pin the PIN is for one card, and this one's number cannot be read");
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 0);
}

static void test_pin_none_configured(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    r->config.pin[0] = '\0';
    start(r);
    TOLD(r, "state pin the SIM wants its PIN and none is configured");
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 0);
}

static void test_pin_not_noted(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    told_refuse(r->told, "pin_may_try", ERR_NO_SPACE, -1);
    start(r);
    TOLD(r, "state pin the PIN's try could not be noted");
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 0);
}

static void test_puk(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    peer_answer(r->peer, "AT+CPIN?", "\r\n+CPIN: SIM PUK\r\n" OK_);
    start(r);
    TOLD(r, "state pin the SIM wants \"SIM PUK\"");
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 0);
}

/* ---- stopping ---- */

static void stop_at(const char *stage)
{
    void *fresh = NULL;
    make(&fresh);
    struct rig *r = fresh;
    peer_answer(r->peer, stage, "");
    start(r);
    WANT(r, peer_wait(r->peer, stage, 1, WAIT_MS));
    int64_t before = clk_mono_ms();
    stop(r);
    WANT(r, clk_mono_ms() - before < 2500);
    drop(&fresh);
}

static void test_stop_at_every_stage(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        stop_at(stages[i]);
}

static void test_stop_before_the_prompt(void **state)
{
    struct rig *r = *state;
    modem_timing.prompt_ms = 60000;
    start_ready(r);
    peer_answer(r->peer, "AT+CMGS=", "");
    send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "AT+CMGS=", 1, WAIT_MS));
    int64_t before = clk_mono_ms();
    stop(r);
    modem_timing.prompt_ms = 250;
    WANT(r, clk_mono_ms() - before < 2000);
    WANT(r, told_count(r->told, "failed 1 abandoned") == 1);
}

static void test_stop_while_the_answer_is_missing(void **state)
{
    struct rig *r = *state;
    r->config.submit_timeout_ms = 180000;
    start_ready(r);
    peer_answer(r->peer, "PDU", "");
    send(r, SOMEONE);
    send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 1, WAIT_MS));
    int64_t before = clk_mono_ms();
    stop(r);
    WANT(r, clk_mono_ms() - before < 2000);
    WANT(r, told_count(r->told, "failed 1 uncertain stopping") == 1);
    WANT(r, peer_count(r->peer, "PDU") == 1);
}

/* It comes within the grace: nothing uncertain about it. */
static void test_stop_finishes_the_dialogue(void **state)
{
    struct rig *r = *state;
    r->config.submit_timeout_ms = 180000;
    start_ready(r);
    peer_answer(r->peer, "PDU", "");
    send(r, SOMEONE);
    send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 1, WAIT_MS));
    modem_stop(r->modem, 5000);
    peer_say(r->peer, "\r\n+CMGS: 12\r\n" OK_);
    modem_join(r->modem);
    r->modem = NULL;
    WANT(r, told_count(r->told, "sent 1 mr=12") == 1);
    WANT(r, peer_count(r->peer, "PDU") == 1);
}

static void test_stop_while_gone(void **state)
{
    struct rig *r = *state;
    assert_int_equal(OK, modem_start(&r->config, &told_hooks, r->told, &r->modem));
    TOLD(r, "state gone");
    int64_t before = clk_mono_ms();
    stop(r);
    WANT(r, clk_mono_ms() - before < 500);
}

/* ---- requests ---- */

static void on_done(void *ctx, enum err result, int m, const char *text)
{
    struct modem_event event = {.kind = MODEM_EVENT_USSD};
    snprintf(event.text, sizeof event.text, "answer %s %d %.100s", err_str(result), m, text);
    told_hooks.event(ctx, "", &event);
}

static void ask(struct rig *r, enum modem_request_kind kind, const char *code, int ms)
{
    struct modem_request request = {
        .kind = kind, .timeout_ms = ms, .done = on_done, .ctx = r->told};
    snprintf(request.code, sizeof request.code, "%s", code);
    assert_int_equal(OK, modem_request(r->modem, &request));
}

static void test_ussd(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer(r->peer, "AT+CUSD=1,\"*100#\",15", OK_ "\r\n+CUSD: 1,\"1: more\",15\r\n");
    peer_answer(r->peer, "AT+CUSD=1,\"1\",15", OK_ "\r\n+CUSD: 4\r\n");
    peer_answer(r->peer, "AT+CUSD=1,\"2\",15", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CUSD=1,\"3\",15", OK_);
    peer_answer(r->peer, "AT+CUSD=2", OK_);
    ask(r, MODEM_REQUEST_USSD, "*100#", 5000);
    TOLD(r, "event ussd answer ok 1 1: more");
    ask(r, MODEM_REQUEST_USSD, "1", 5000);
    TOLD(r, "event ussd answer refused 4 the network does not support this");
    ask(r, MODEM_REQUEST_USSD, "2", 5000);
    TOLD(r, "event ussd answer refused -1 the modem refused the code");
    ask(r, MODEM_REQUEST_USSD, "3", 200);
    TOLD(r, "event ussd answer timed out -1 the network did not answer");
    WANT(r, peer_wait(r->peer, "AT+CUSD=2", 1, WAIT_MS));
    ask(r, MODEM_REQUEST_USSD, "*1\"\r#", 200);
    TOLD(r, "event ussd answer refused -1 this code has characters");
    ask(r, MODEM_REQUEST_USSD_CANCEL, "", 200);
    TOLD(r, "event ussd answer ok 2");
    peer_say(r->peer, "\r\n+CUSD: 0,\"the network speaks\",15\r\n");
    TOLD(r, "event ussd the network speaks");
    still_sends(r, 1);
}

static void test_ussd_unplugged(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer(r->peer, "AT+CUSD=1,\"*100#\",15", "!unplug");
    ask(r, MODEM_REQUEST_USSD, "*100#", 5000);
    TOLD(r, "event ussd answer closed -1");
    TOLD(r, "state gone unplugged");
    ask(r, MODEM_REQUEST_USSD, "*100#", 5000); /* while it is gone */
    WANT(r, told_wait_n(r->told, "event ussd answer closed -1", 2, WAIT_MS));
}

static void test_ussd_stopped(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    peer_answer(r->peer, "AT+CUSD=1,\"*100#\",15", OK_);
    ask(r, MODEM_REQUEST_USSD, "*100#", 60000);
    WANT(r, peer_wait(r->peer, "AT+CUSD=1", 1, WAIT_MS));
    stop(r);
    WANT(r, told_count(r->told, "event ussd answer closed -1") == 1);
}

static void test_reset(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    ask(r, MODEM_REQUEST_RESET, "", 1000);
    TOLD(r, "state starting restarted on request");
    WANT(r, told_wait_n(r->told, "state ready", 2, WAIT_MS));
    struct modem_status now;
    told_status(r->told, &now);
    assert_int_equal(1, now.resets);
}

static void test_calls(void **state)
{
    struct rig *r = *state;
    start_ready(r);
    for (int i = 0; i < 3; i++)
        peer_say(r->peer, "\r\nRING\r\n\r\n+CLIP: \"+4930123456\",145\r\n");
    peer_say(r->peer, "\r\nNO CARRIER\r\n");
    still_sends(r, 1);
    WANT(r, told_count(r->told, "event call +4930123456") == 1);
    WANT(r, told_count(r->told, "event call") == 1);
}

/* ---- all of them ---- */

#define T(f) cmocka_unit_test_setup_teardown(f, make, drop)

static void be_quick(void)
{
    modem_timing.poll_ms = 30;
    modem_timing.quick_ms = 400;
    modem_timing.slow_ms = 400;
    modem_timing.prompt_ms = 250;
    modem_timing.answer_ms = 4000;
    modem_timing.resync_ms = 1800;
    modem_timing.sim_ms = 600;
    modem_timing.listen_ms = 700;
    modem_timing.retry_ms = 20;
    modem_timing.hurry_ms = 150;
    modem_timing.search_ms = 50;
    modem_timing.keepalive_ms = 300;
    modem_timing.housekeeping_ms = 400;
    modem_timing.again_ms = 100;
    modem_timing.suspend_ms = 150;
    modem_timing.backoff_ms = 30;
    modem_timing.backoff_max_ms = 100;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        T(test_fault_classes),
        T(test_fault_before_the_prompt_is_certain),
        T(test_validity_refused),
        T(test_two_recipients_barred),
        T(test_every_message_fails),
        T(test_service_centre_unknown),
        T(test_prompt_lost),
        T(test_answer_lost),
        T(test_nothing_is_written_meanwhile),
        T(test_answer_late),
        T(test_answer_very_late),
        T(test_answer_to_an_earlier_program),
        T(test_listens_without_a_word),
        T(test_report_to_an_earlier_program),
        T(test_answer_without_ok),
        T(test_late_error_is_an_answer),
        T(test_report_settles),
        T(test_report_before_the_answer),
        T(test_report_not_committed),
        T(test_report_without_acknowledgement),
        T(test_no_acknowledgement_expected),
        T(test_other_form_of_cnma),
        T(test_direct_message),
        T(test_stored_message_not_committed),
        T(test_undecodable_is_kept_and_deleted),
        T(test_drafts),
        T(test_list_refused),
        T(test_flood_of_indications),
        T(test_sent_is_told_until_it_is_on_disk),
        T(test_sent_is_not_told_while_the_disk_is_full_and_we_stop),
        T(test_no_identity_no_queue),
        cmocka_unit_test(test_unplugged_at_every_stage),
        T(test_unplugged_before_the_prompt),
        T(test_unplugged_after_ctrl_z),
        T(test_unplugged_when_idle),
        T(test_never_plugged_in),
        T(test_echo_stuck),
        T(test_silent_modem),
        T(test_boots_slowly),
        T(test_restarts_by_itself),
        T(test_routing_lost),
        T(test_card_taken_out),
        T(test_not_registered),
        T(test_roaming),
        T(test_status),
        T(test_pin_refused_once),
        T(test_pin_unanswered_is_not_tried_again),
        cmocka_unit_test(test_pin_few_attempts_left),
        T(test_pin_for_another_card),
        T(test_pin_none_configured),
        T(test_pin_not_noted),
        T(test_puk),
        cmocka_unit_test(test_stop_at_every_stage),
        T(test_stop_before_the_prompt),
        T(test_stop_while_the_answer_is_missing),
        T(test_stop_finishes_the_dialogue),
        T(test_stop_while_gone),
        T(test_ussd),
        T(test_ussd_unplugged),
        T(test_ussd_stopped),
        T(test_reset),
        T(test_calls),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    log_set_level(getenv("TRACE") ? LOG_LVL_TRACE : LOG_LVL_ERROR);
    be_quick();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
