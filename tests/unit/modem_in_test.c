/* modem_in_test.c - reports, messages, requests: nothing acknowledged or deleted before its commit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/clock.h"
#include "../../include/text.h"
#include "modem_rig.h"

/* ---- reports ---- */

/* It settles the part whose answer is missing, at once and not after three minutes. */
static void test_report_settles(void **state)
{
    struct rig *r = *state;
    r->config.submit_timeout_ms = 60000;
    rig_start_ready(r);
    told_settles(r->told, 1);
    peer_answer_once(r->peer, "PDU", REPORT);
    rig_send(r, SOMEONE);
    TOLD(r, "report mr=41 st=00 " SOMEONE);
    told_settles(r->told, 0);
    rig_still_sends(r, 2);
    WANT(r, told_count(r->told, "failed") == 0 && told_count(r->told, "sent 1") == 0);
    WANT(r, peer_count(r->peer, "AT+CNMA") == 1);
}

/* ds=2: a +CDSI tells no more than that there is one, and it is read after the running command. */
static void take_stored_reports(struct rig *r)
{
    r->config.submit_timeout_ms = 60000;
    peer_answer(r->peer, "AT+CSMS=1", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CNMI=2,1,0,2,0", OK_);
    peer_answer(r->peer, "AT+CMGR=7", "\r\n+CMGR: 0,,26\r\n" REPORT_PDU "\r\n" OK_);
    peer_answer(r->peer, "AT+CMGD=7", OK_);
}

/* More reports than parts that wait for one: it is about the part whose answer is missing, and the line is not left
 * alone for three minutes. */
static void test_stored_report_of_the_unanswered(void **state)
{
    struct rig *r = *state;
    take_stored_reports(r);
    rig_start_ready(r);
    peer_answer_once(r->peer, "PDU", "\r\n+CDSI: \"SR\",7\r\n");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 uncertain timeout");
    TOLD(r, "report mr=41");
    rig_still_sends(r, 2);
}

static void test_stored_report_of_another(void **state)
{
    struct rig *r = *state;
    take_stored_reports(r);
    rig_start_ready(r);
    rig_still_sends(r, 1);
    peer_answer_once(r->peer, "PDU", "\r\n+CDSI: \"SR\",7\r\n");
    rig_send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 2, WAIT_MS));
    poll(NULL, 0, 3 * modem_timing.stored_ms);
    WANT(r, told_count(r->told, "failed") == 0 && told_count(r->told, "report") == 0);
    peer_say(r->peer, "\r\n+CMGS: 42\r\n" OK_);
    TOLD(r, "sent 2 mr=42");
    TOLD(r, "report mr=41");
}

static void test_report_before_the_answer(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    told_settles(r->told, 1);
    peer_answer_once(r->peer, "PDU", REPORT "\r\n+CMGS: 41\r\n" OK_);
    rig_send(r, SOMEONE);
    TOLD(r, "sent 1 mr=41");
    WANT(r, told_count(r->told, "report mr=41") == 1);
    WANT(r, peer_wait(r->peer, "AT+CNMA", 1, WAIT_MS));
}

/* Met by the last command before the queue ran empty: acknowledged and fetched now, not with the next look. */
static void test_nothing_waits_for_the_next_look(void **state)
{
    struct rig *r = *state;
    modem_timing.poll_ms = 20000;
    rig_start_ready(r);
    peer_answer_once(r->peer, "PDU", REPORT "\r\n+CMTI: \"SM\",3\r\n\r\n+CMGS: 41\r\n" OK_);
    rig_send(r, SOMEONE);
    TOLD(r, "sent 1 mr=41");
    bool acknowledged = peer_wait(r->peer, "AT+CNMA", 1, 2000);
    bool fetched = peer_wait(r->peer, "AT+CMGD=3", 1, 2000);
    rig_stop(r);
    modem_timing.poll_ms = 30;
    WANT(r, acknowledged && fetched);
}

static void test_report_not_committed(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    told_refuse(r->told, "report", ERR_NO_SPACE, 1);
    peer_say(r->peer, REPORT);
    TOLD(r, "refused report");
    rig_still_sends(r, 1);
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
    rig_start_ready(r);
    told_refuse(r->told, "report", ERR_NO_SPACE, 2);
    peer_say(r->peer, REPORT);
    TOLD(r, "report mr=41");
    WANT(r, told_count(r->told, "refused report") == 2);
    WANT(r, peer_count(r->peer, "AT+CNMA") == 0);
}

/* A stick that comes back from a hang tells all at once what it kept, while we cannot take it. */
static void test_a_burst_without_acknowledgement(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CSMS=1", "\r\n+CMS ERROR: 303\r\n");
    peer_answer(r->peer, "AT+CNMI=?", "\r\n+CNMI: (0-2),(0-3),(0,2),(0,1),(0,1)\r\n" OK_);
    rig_start_ready(r);
    told_refuse(r->told, "report", ERR_NO_SPACE, 100);
    for (unsigned i = 0; i < 100; i++)
        peer_say(r->peer, REPORT);
    WANT(r, told_wait_n(r->told, "report mr=41", 100, WAIT_MS));
}

static void test_no_acknowledgement_expected(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
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
    rig_start_ready(r);
    peer_answer(r->peer, "AT+CNMA", "\r\n+CMS ERROR: 302\r\n");
    peer_answer(r->peer, "AT+CNMA=0", OK_);
    peer_say(r->peer, REPORT);
    WANT(r, peer_wait(r->peer, "AT+CNMA=0", 1, WAIT_MS));
    rig_still_sends(r, 1);
}

/* A program that died left +CSMS=1 behind: what the modem shows before our own routing is set waits for its +CNMA,
 * too, and everything else behind it. */
static void test_acknowledged_before_the_routing(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CSMS?", "\r\n+CSMS: 1,1,1,1\r\n" OK_);
    peer_answer(r->peer, "AT+CNMA=2", OK_ REPORT);
    rig_start_ready(r);
    TOLD(r, "report mr=41");
    WANT(r, peer_wait(r->peer, "AT+CNMA", 2, WAIT_MS));
    rig_still_sends(r, 1);
    WANT(r, peer_count(r->peer, "AT+CNMA") == 2 && peer_count(r->peer, "AT+CNMA=2") == 1);
}

/* ds=2 stores them in SR: of no use where that cannot be read (Huawei MU509, and whoever knows no +CPMS). */
static void test_reports_stored_nowhere(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CSMS=1", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CSMS=0", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CPMS=?", "\r\n+CPMS: (\"SM\"),(\"SM\"),(\"SM\")\r\n" OK_);
    peer_answer(r->peer, "AT+CNMI=2,1,0,2,0", OK_);
    rig_start_ready(r);
    WANT(r, peer_count(r->peer, "AT+CNMI=2,1,0,2,0") == 0);
    peer_say(r->peer, REPORT);
    TOLD(r, "report mr=41");
}

/* A plain ERROR to both forms, and never an OK: the modem is not asked a third time, for it keeps back all other
 * reports meanwhile. */
static void test_acknowledgement_unknown(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CNMA", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CNMA=0", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CNMI=2,1,0,2,0", OK_);
    rig_start_ready(r);
    peer_say(r->peer, REPORT);
    TOLD(r, "report mr=41");
    WANT(r, peer_wait(r->peer, "AT+CNMI=2,1,0,2,0", 1, WAIT_MS));
    WANT(r, peer_count(r->peer, "AT+CNMA") == 2);
    rig_still_sends(r, 1);
}

/* Cell broadcast that cannot be turned off is no reason to live without reports. */
static void test_broadcast_cannot_be_off(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CNMI=?", "\r\n+CNMI: (2),(1),(2),(1),(0)\r\n" OK_);
    peer_answer(r->peer, "AT+CNMI=", "\r\n+CMS ERROR: 303\r\n");
    peer_answer(r->peer, "AT+CNMI=2,1,2,1,0", OK_);
    rig_start_ready(r);
    WANT(r, peer_wait(r->peer, "AT+CNMI=2,1,2,1,0", 1, WAIT_MS));
}

/* ---- inbound ---- */

static void test_direct_message(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    told_refuse(r->told, "incoming", ERR_NO_SPACE, 1);
    peer_say(r->peer, DELIVER);
    TOLD(r, "refused incoming");
    rig_still_sends(r, 1);
    WANT(r, peer_count(r->peer, "AT+CNMA") == 0);
    peer_say(r->peer, DELIVER);
    TOLD(r, INCOMING);
    WANT(r, peer_wait(r->peer, "AT+CNMA", 1, WAIT_MS));
}

static void test_stored_message_not_committed(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
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
    rig_start_ready(r);
    TOLD(r, "raw 07917283010010F5040BC87238880900F1");
    WANT(r, peer_wait(r->peer, "AT+CMGD=5", 1, WAIT_MS));
}

/* Its header says 9 octets, 7 more are there: read again, and as it comes twice alike it is what the card has. */
static void test_length_disagrees(void **state)
{
    struct rig *r = *state;
    peer_answer_once(r->peer, "AT+CMGL=4",
                     "\r\n+CMGL: 5,0,,20\r\n07917283010010F5040BC87238880900F1\r\n" OK_);
    peer_answer(r->peer, "AT+CMGR=5",
                "\r\n+CMGR: 0,,20\r\n07917283010010F5040BC87238880900F1\r\n" OK_);
    peer_answer(r->peer, "AT+CMGD=5", OK_);
    rig_start_ready(r);
    TOLD(r, "raw 07917283010010F5040BC87238880900F1");
    WANT(r, peer_wait(r->peer, "AT+CMGD=5", 1, WAIT_MS));
    WANT(r, peer_count(r->peer, "AT+CMGR=5") == 2);
}

/* The length is wrong, the message is whole: it is one. */
static void test_miscounted_length(void **state)
{
    struct rig *r = *state;
    peer_answer_once(r->peer, "AT+CMGL=4", "\r\n+CMGL: 5,0,,36\r\n" DELIVER_PDU "\r\n" OK_);
    peer_answer(r->peer, "AT+CMGR=5", "\r\n+CMGR: 0,,36\r\n" DELIVER_PDU "\r\n" OK_);
    peer_answer(r->peer, "AT+CMGD=5", OK_);
    rig_start_ready(r);
    TOLD(r, INCOMING);
    WANT(r, peer_wait(r->peer, "AT+CMGD=5", 1, WAIT_MS));
}

/* Bytes were lost on the way, not in the card: the second reading has them. */
static void test_length_disagrees_on_the_way(void **state)
{
    struct rig *r = *state;
    peer_answer_once(r->peer, "AT+CMGL=4",
                     "\r\n+CMGL: 5,0,,28\r\n07917283010010F5040BC87238880900F1\r\n" OK_);
    peer_answer(r->peer, "AT+CMGR=5", "\r\n+CMGR: 0,,28\r\n" DELIVER_PDU "\r\n" OK_);
    peer_answer(r->peer, "AT+CMGD=5", OK_);
    rig_start_ready(r);
    TOLD(r, INCOMING);
    WANT(r, told_count(r->told, "raw") == 0);
    WANT(r, peer_wait(r->peer, "AT+CMGD=5", 1, WAIT_MS));
}

/* Not acknowledged, for the network repeats it; the same again is believed. */
static void test_direct_length_disagrees(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_say(r->peer, "\r\n+CDS: 33\r\n" REPORT_PDU "\r\n");
    rig_still_sends(r, 1);
    WANT(r, told_count(r->told, "report") == 0 && peer_count(r->peer, "AT+CNMA") == 0);
    peer_say(r->peer, "\r\n+CDS: 33\r\n" REPORT_PDU "\r\n");
    TOLD(r, "report mr=41");
    WANT(r, peer_wait(r->peer, "AT+CNMA", 1, WAIT_MS));
}

/* "+CMGL: 5,0,,0" and nothing: it takes a place, and is deleted from a full storage in PDU mode only. */
static void test_listed_without_a_pdu(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CPMS=\"SM\"", "\r\n+CPMS: 30,30,30,30,30,30\r\n" OK_);
    peer_answer(r->peer, "AT+CMGL=4", "\r\n+CMGL: 5,0,,0\r\n\r\n" OK_);
    peer_answer(r->peer, "AT+CMGR=5", "\r\n+CMGR: 0,,0\r\n\r\n" OK_);
    peer_answer_once(r->peer, "AT+CMGF?", "\r\n+CMGF: 0\r\n" OK_);
    peer_answer(r->peer, "AT+CMGD=5", OK_);
    rig_start(r);
    WANT(r, peer_wait(r->peer, "AT+CMGD=5", 1, WAIT_MS));
}

/* It lists other indices than it deletes by: what was read goes all the same (27.005 3.5.4). */
static void test_indices_that_cannot_be_deleted(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CMGD=", "\r\n+CMS ERROR: 321\r\n");
    peer_answer(r->peer, "AT+CMGD=1,1", OK_);
    peer_answer_once(r->peer, "AT+CMGL=4", "\r\n+CMGL: 107,0,,28\r\n" DELIVER_PDU "\r\n" OK_);
    rig_start_ready(r);
    TOLD(r, INCOMING);
    WANT(r, peer_wait(r->peer, "AT+CMGD=1,1", 1, WAIT_MS));
}

/* Something is to stay: no deleting of all that were read. */
static void test_indices_and_something_stays(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CMGD=", "\r\n+CMS ERROR: 321\r\n");
    told_refuse(r->told, "incoming", ERR_NO_SPACE, 1);
    peer_answer_once(r->peer, "AT+CMGL=4",
                     "\r\n+CMGL: 107,0,,28\r\n" DELIVER_PDU "\r\n+CMGL: 108,0,,28\r\n" DELIVER_PDU
                     "\r\n" OK_);
    rig_start_ready(r);
    TOLD(r, INCOMING);
    WANT(r, peer_wait(r->peer, "AT+CMGD=108", 1, WAIT_MS));
    rig_still_sends(r, 1);
    WANT(r, peer_count(r->peer, "AT+CMGD=1,1") == 0);
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
    rig_start_ready(r);
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
    peer_answer(r->peer, "AT+CPMS=\"ME\",\"SM\",\"SM\"", "\r\n+CMS ERROR: 302\r\n");
    peer_answer(r->peer, "AT+CPMS=\"SR\",\"SM\",\"SM\"", "\r\n+CMS ERROR: 302\r\n");
    rig_start_ready(r);
    TOLD(r, INCOMING);
    WANT(r, peer_count(r->peer, "AT+CMGD=4") == 1);
}

#define LISTED "\r\n+CMGL: 3,0,,28\r\n" DELIVER_PDU "\r\n" OK_

/* Two memories or none: what lies in the storage is found all the same, and each storage is looked into. */
static void test_two_memories_at_once(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CPMS=?", "\r\n+CPMS: (\"SM\",\"ME\"),(\"SM\",\"ME\")\r\n" OK_);
    peer_answer(r->peer, "AT+CPMS=", "\r\n+CMS ERROR: 302\r\n");
    peer_answer(r->peer, "AT+CPMS=\"SM\",\"SM\",\"SM\"", "\r\n+CMS ERROR: 302\r\n");
    peer_answer(r->peer, "AT+CPMS=\"SM\"", "\r\n+CMS ERROR: 302\r\n");
    peer_answer(r->peer, "AT+CPMS=\"ME\"", "\r\n+CMS ERROR: 302\r\n");
    peer_answer(r->peer, "AT+CPMS=\"SM\",\"SM\"", "\r\n+CPMS: 1,20,1,20\r\n" OK_);
    peer_answer(r->peer, "AT+CPMS=\"ME\",\"SM\"", "\r\n+CPMS: 0,20,1,20\r\n" OK_);
    peer_answer_once(r->peer, "AT+CMGL=4", LISTED);
    rig_start_ready(r);
    TOLD(r, INCOMING);
    WANT(r, peer_wait(r->peer, "AT+CMGD=3", 1, WAIT_MS));
    WANT(r, peer_count(r->peer, "AT+CPMS=\"ME\",\"SM\"") > 0);
    WANT(r, peer_count(r->peer, "AT+CMGL=4") > 1);
}

static void test_storages_unknown(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CPMS=?", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CPMS?", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CPMS=", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CPMS=\"SM\",\"SM\",\"SM\"", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CPMS=\"SM\"", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CPMS=\"ME\"", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CPMS=\"SR\"", "\r\nERROR\r\n");
    peer_answer_once(r->peer, "AT+CMGL=4", LISTED);
    rig_start_ready(r);
    TOLD(r, INCOMING);
    WANT(r, peer_wait(r->peer, "AT+CMGD=3", 1, WAIT_MS));
    peer_say(r->peer, "\r\n+CMTI: \"ME\",3\r\n");
    WANT(r, told_wait_n(r->told, INCOMING, 2, WAIT_MS));
}

/* It refuses every +CNMI: nothing is announced, so it is looked for, reports in SR too. */
static void test_nothing_is_announced(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CNMI=", "\r\n+CMS ERROR: 303\r\n");
    peer_answer(r->peer, "AT+CNMI=2,1,0,1,0", "\r\n+CMS ERROR: 303\r\n");
    modem_timing.housekeeping_ms = 60000;
    rig_start_ready(r);
    peer_answer_once(r->peer, "AT+CMGL=4", "\r\n+CMGL: 1,0,,26\r\n" REPORT_PDU "\r\n" OK_);
    TOLD(r, "report mr=41");
    modem_timing.housekeeping_ms = 400;
}

static void test_flood_of_indications(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer(r->peer, "AT+CMGR=", "\r\n+CMS ERROR: 321\r\n");
    for (int i = 0; i < 200; i++)
        peer_say(r->peer, "\r\n+CMTI: \"SM\",65000\r\n\r\n+CMTI: ,-1\r\n\r\n+CMTI: \"\xff\r\n");
    rig_still_sends(r, 1);
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
    rig_start_ready(r);
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
    TOLD(r, "event ussd answer malformed -1 this code has characters");
    ask(r, MODEM_REQUEST_USSD_CANCEL, "", 200);
    TOLD(r, "event ussd answer ok 2");
    peer_say(r->peer, "\r\n+CUSD: 0,\"the network speaks\",15\r\n");
    TOLD(r, "event ussd the network speaks");
    rig_still_sends(r, 1);
}

static void test_ussd_unplugged(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
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
    rig_start_ready(r);
    peer_answer(r->peer, "AT+CUSD=1,\"*100#\",15", OK_);
    ask(r, MODEM_REQUEST_USSD, "*100#", 60000);
    WANT(r, peer_wait(r->peer, "AT+CUSD=1", 1, WAIT_MS));
    rig_stop(r);
    WANT(r, told_count(r->told, "event ussd answer closed -1") == 1);
}

static void test_reset(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
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
    rig_start_ready(r);
    for (int i = 0; i < 3; i++)
        peer_say(r->peer, "\r\nRING\r\n\r\n+CLIP: \"+4930123456\",145\r\n");
    peer_say(r->peer, "\r\nNO CARRIER\r\n");
    rig_still_sends(r, 1);
    WANT(r, told_count(r->told, "event call +4930123456") == 1);
    WANT(r, told_count(r->told, "event call") == 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_report_settles),
        RIG_TEST(test_stored_report_of_the_unanswered),
        RIG_TEST(test_stored_report_of_another),
        RIG_TEST(test_report_before_the_answer),
        RIG_TEST(test_nothing_waits_for_the_next_look),
        RIG_TEST(test_report_not_committed),
        RIG_TEST(test_report_without_acknowledgement),
        RIG_TEST(test_a_burst_without_acknowledgement),
        RIG_TEST(test_no_acknowledgement_expected),
        RIG_TEST(test_other_form_of_cnma),
        RIG_TEST(test_direct_message),
        RIG_TEST(test_stored_message_not_committed),
        RIG_TEST(test_undecodable_is_kept_and_deleted),
        RIG_TEST(test_length_disagrees),
        RIG_TEST(test_miscounted_length),
        RIG_TEST(test_length_disagrees_on_the_way),
        RIG_TEST(test_direct_length_disagrees),
        RIG_TEST(test_listed_without_a_pdu),
        RIG_TEST(test_indices_that_cannot_be_deleted),
        RIG_TEST(test_indices_and_something_stays),
        RIG_TEST(test_drafts),
        RIG_TEST(test_list_refused),
        RIG_TEST(test_acknowledged_before_the_routing),
        RIG_TEST(test_reports_stored_nowhere),
        RIG_TEST(test_acknowledgement_unknown),
        RIG_TEST(test_broadcast_cannot_be_off),
        RIG_TEST(test_two_memories_at_once),
        RIG_TEST(test_storages_unknown),
        RIG_TEST(test_nothing_is_announced),
        RIG_TEST(test_flood_of_indications),
        RIG_TEST(test_ussd),
        RIG_TEST(test_ussd_unplugged),
        RIG_TEST(test_ussd_stopped),
        RIG_TEST(test_reset),
        RIG_TEST(test_calls),
    };
    rig_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
