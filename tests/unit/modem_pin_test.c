/* modem_pin_test.c - registration, status, and the PIN guard. */
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

/* ---- the network ---- */

static void test_not_registered(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CREG?", "\r\n+CREG: 1,2\r\n" OK_);
    peer_answer(r->peer, "AT+CEREG?", "\r\n+CEREG: 1,8\r\n" OK_);
    peer_answer(r->peer, "AT+CGREG?", "\r\n+CGREG: 1,0\r\n" OK_);
    told_queue(r->told, SOMEONE, "hello");
    rig_start(r);
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
    rig_start(r);
    TOLD(r, "state suspended roaming, and roaming = no");
    WANT(r, peer_count(r->peer, "AT+CMGS") == 0);
    rig_stop(r);
    r->config.roaming = true;
    assert_int_equal(OK, modem_start(&r->config, &told_hooks, r->told, &r->modem));
    TOLD(r, "sent 1 mr=41");
}

static void test_status(void **state)
{
    struct rig *r = *state;
    struct modem_status now;
    rig_start_ready(r);
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
    rig_start(r);
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
    rig_start(r);
    TOLD(r, "state gone");
    peer_plug(r->peer);
    TOLD(r, "state pin this PIN was tried with this card and not accepted");
    WANT(r, peer_wait(r->peer, "AT+CGSN", 4, WAIT_MS));
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 1);
}

/* Wavecom: +CPIN? has no final result, locked or not. */
static void test_pin_wanted_without_ok(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    peer_answer(r->peer, "AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n");
    peer_answer(r->peer, "AT+CIMI", "\r\n+CME ERROR: 11\r\n");
    peer_answer(r->peer, "AT+CPINR", "\r\n+CPINR: SIM PIN,3,3\r\n" OK_);
    rig_start(r);
    TOLD(r, "pin may_try " ICCID);
    WANT(r, peer_wait(r->peer, "AT+CPIN=\"1234\"", 1, WAIT_MS));
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
        rig_make(&fresh);
        struct rig *r = fresh;
        lock_card(r);
        peer_answer(r->peer, ways[i].command, ways[i].answer);
        rig_start(r);
        TOLD(r, ways[i].reason);
        WANT(r, peer_wait(r->peer, "AT+CGSN", 3, WAIT_MS));
        WANT(r, peer_count(r->peer, "AT+CPIN=") == 0 && told_count(r->told, "pin may_try") == 0);
        rig_drop(&fresh);
    }
}

static void test_pin_for_another_card(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    snprintf(r->config.iccid, sizeof r->config.iccid, "8981100000000000001");
    rig_start(r);
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
    rig_start(r);
    TOLD(r, "state pin the SIM wants its PIN and none is configured");
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 0);
}

static void test_pin_not_noted(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    told_refuse(r->told, "pin_may_try", ERR_NO_SPACE, -1);
    rig_start(r);
    TOLD(r, "state pin the PIN's try could not be noted");
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 0);
}

static void test_puk(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    peer_answer(r->peer, "AT+CPIN?", "\r\n+CPIN: SIM PUK\r\n" OK_);
    rig_start(r);
    TOLD(r, "state pin the SIM wants \"SIM PUK\"");
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 0);
}

/* Sent, and nobody saw the end: again only where the card lost no attempt. */
static void test_pin_unanswered_but_not_lost(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    peer_answer(r->peer, "AT+CPINR", "\r\n+CPINR: SIM PIN,3,3\r\n" OK_);
    peer_answer_once(r->peer, "AT+CPIN=\"1234\"", "!unplug");
    rig_start(r);
    TOLD(r, "state gone");
    peer_answer(r->peer, "AT+CPIN=\"1234\"", OK_);
    peer_answer_once(r->peer, "AT+CPIN?", "\r\n+CPIN: SIM PIN\r\n" OK_);
    peer_answer(r->peer, "AT+CPIN?", "\r\n+CPIN: READY\r\n" OK_);
    peer_plug(r->peer);
    TOLD(r, "pin accepted " ICCID);
    TOLD(r, "state ready");
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 2);
}

/* A modem that did not pass it on: the card was not asked. */
static void test_pin_busy_is_no_refusal(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    peer_answer(r->peer, "AT+CPINR", "\r\n+CPINR: SIM PIN,3,3\r\n" OK_);
    peer_answer_once(r->peer, "AT+CPIN=\"1234\"", "\r\n+CME ERROR: 14\r\n");
    rig_start(r);
    TOLD(r, "state pin the modem did not pass the PIN to its SIM");
    TOLD(r, "state pin the SIM refused the PIN");
    TOLD(r, "state pin this PIN was tried with this card and not accepted");
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 2);
}

/* Refused in this modem, then the card's number cannot be read any more: not sent again. */
static void test_pin_card_becomes_unreadable(void **state)
{
    struct rig *r = *state;
    lock_card(r);
    peer_answer(r->peer, "AT+CPINR", "\r\n+CPINR: SIM PIN,3,3\r\n" OK_);
    rig_start(r);
    TOLD(r, "state pin the SIM refused the PIN");
    peer_answer(r->peer, "AT+CRSM=", "\r\nERROR\r\n");
    TOLD(r, "state pin this PIN was tried with this modem, whose card's number cannot be read");
    WANT(r, peer_count(r->peer, "AT+CPIN=") == 1);
}

/* ---- another card while we are at work ---- */

#define OTHER_CRSM "\r\n+CRSM: 144,0,\"981001000000000000F1\"\r\n" OK_

static void swapped(struct rig *r, const char *said)
{
    rig_start_ready(r);
    rig_still_sends(r, 1);
    peer_answer(r->peer, "AT+CRSM=", OTHER_CRSM);
    peer_say(r->peer, said);
    told_queue(r->told, SOMEONE, "hello");
    TOLD(r, "identified 490154203237518 8901100000000000001");
    TOLD(r, "sent 2 mr=41");
}

static void test_card_taken_out(void **state)
{
    swapped(*state, "\r\n+CPIN: NOT INSERTED\r\n\r\n+CPIN: READY\r\n");
}

static void test_card_swapped_unnoticed(void **state)
{
    swapped(*state, "\r\n+CREG: 2\r\n\r\n+CREG: 1\r\n");
}

static void test_card_swapped_by_name(void **state)
{
    swapped(*state, "\r\n^SIMST:1\r\n");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_not_registered),
        RIG_TEST(test_roaming),
        RIG_TEST(test_status),
        RIG_TEST(test_pin_refused_once),
        RIG_TEST(test_pin_unanswered_is_not_tried_again),
        RIG_TEST(test_pin_wanted_without_ok),
        cmocka_unit_test(test_pin_few_attempts_left),
        RIG_TEST(test_pin_for_another_card),
        RIG_TEST(test_pin_none_configured),
        RIG_TEST(test_pin_not_noted),
        RIG_TEST(test_puk),
        RIG_TEST(test_pin_unanswered_but_not_lost),
        RIG_TEST(test_pin_busy_is_no_refusal),
        RIG_TEST(test_pin_card_becomes_unreadable),
        RIG_TEST(test_card_taken_out),
        RIG_TEST(test_card_swapped_unnoticed),
        RIG_TEST(test_card_swapped_by_name),
    };
    rig_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
