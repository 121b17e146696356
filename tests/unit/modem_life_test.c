/* modem_life_test.c - unplugged, silent, restarted, stopped at every stage: it says why and comes back. */
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

/* ---- unplugged ---- */

static void unplug_at(struct rig *r, const char *stage)
{
    peer_answer_once(r->peer, stage, "!unplug");
    rig_start(r);
    TOLD(r, "state gone unplugged");
    int64_t before = clk_mono_ms();
    peer_plug(r->peer);
    TOLD(r, "state ready");
    WANT(r, clk_mono_ms() - before < 3000);
    rig_still_sends(r, 1);
}

static void test_unplugged_at_every_stage(void **state)
{
    for (size_t i = 0; i < RIG_STAGES; i++) {
        void *fresh = NULL;
        rig_make(&fresh);
        unplug_at(fresh, rig_stages[i]);
        rig_drop(&fresh);
    }
    (void)state;
}

static void test_unplugged_before_the_prompt(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer_once(r->peer, "AT+CMGS=", "!unplug");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 abandoned unplugged");
    TOLD(r, "state gone unplugged");
    peer_plug(r->peer);
    rig_still_sends(r, 2);
}

static void test_unplugged_after_ctrl_z(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer_once(r->peer, "PDU", "!unplug");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 uncertain unplugged");
    peer_plug(r->peer);
    rig_still_sends(r, 2);
}

static void test_unplugged_when_idle(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    int64_t before = clk_mono_ms();
    peer_unplug(r->peer);
    TOLD(r, "state gone unplugged");
    WANT(r, clk_mono_ms() - before < 1000);
    TOLD(r, "event reset unplugged");
    before = clk_mono_ms();
    peer_plug(r->peer);
    WANT(r, told_wait_n(r->told, "state starting waiting", 2, 1000));
    WANT(r, clk_mono_ms() - before < 1000);
    rig_still_sends(r, 1);
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
    rig_start_ready(r);
    rig_still_sends(r, 1);
    struct modem_status now;
    told_status(r->told, &now);
    assert_string_equal("490154203237518", now.who.imei);
    assert_string_equal("Example Instruments", now.who.manufacturer);
}

static void test_silent_modem(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    for (size_t i = 0; i < RIG_STAGES; i++)
        peer_answer(r->peer, rig_stages[i], "");
    peer_answer(r->peer, "AT", "");
    peer_answer(r->peer, "ATQ0V1", "");
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
    peer_answer(r->peer, "ATQ0V1", "");
    rig_start(r);
    WANT(r, peer_wait(r->peer, "AT", 2, WAIT_MS));
    peer_answer(r->peer, "AT", OK_);
    TOLD(r, "state ready");
}

static void test_restarts_by_itself(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_say(r->peer, "\r\nRDY\r\n\r\n+CFUN: 1\r\n");
    TOLD(r, "state starting the modem restarted by itself");
    WANT(r, told_wait_n(r->told, "state ready", 2, WAIT_MS));
    WANT(r, peer_count(r->peer, "AT+CMGF=0") == 2);
}

/* In the middle of a submit: its answer never comes, and three minutes are not waited for it. */
static void restarts_while_submitting(struct rig *r, const char *says)
{
    r->config.submit_timeout_ms = 60000;
    rig_start_ready(r);
    peer_answer_once(r->peer, "PDU", says);
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 uncertain restarted");
    WANT(r, peer_wait(r->peer, "AT+CNMI=2,1,0,1,0", 2, WAIT_MS));
    rig_still_sends(r, 2);
}

static void test_restarts_while_submitting(void **state)
{
    restarts_while_submitting(*state, "\r\nRDY\r\n\r\n+CFUN: 1\r\n");
}

static void test_is_ready_again_while_submitting(void **state)
{
    restarts_while_submitting(*state, "\r\n+CPIN: READY\r\n\r\nSMS Ready\r\n");
}

static void test_routing_lost(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    WANT(r, peer_count(r->peer, "AT+CNMI=2,1,0,1,0") == 1);
    peer_answer_once(r->peer, "AT+CNMI?", "\r\n+CNMI: 2,0,0,0,0\r\n" OK_);
    WANT(r, peer_wait(r->peer, "AT+CNMI=2,1,0,1,0", 2, WAIT_MS));
    WANT(r, peer_wait(r->peer, "AT+CMGL=4", 4, WAIT_MS)); /* and looks what came meanwhile */
    rig_still_sends(r, 1);
}

/* Without a word, and its SIM has a PIN: the routing is not told any more. */
static void test_locked_again(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer_once(r->peer, "AT+CNMI?", "\r\n+CMS ERROR: 311\r\n");
    TOLD(r, "state starting the modem restarted by itself");
    WANT(r, told_wait_n(r->told, "state ready", 2, WAIT_MS));
}

/* ZTE before its PIN: nothing is told, no error has a number. */
static void test_told_only_behind_the_pin(void **state)
{
    struct rig *r = *state;
    peer_answer_once(r->peer, "AT+CMEE=1", "\r\nERROR\r\n");
    peer_answer_once(r->peer, "AT+CGSN", "\r\nERROR\r\n");
    rig_start_ready(r);
    struct modem_status now;
    told_status(r->told, &now);
    assert_string_equal("490154203237518", now.who.imei);
    WANT(r, peer_count(r->peer, "AT+CMEE=1") == 2);
}

static void test_card_taken_out(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer(r->peer, "AT+CPIN?", "\r\n+CME ERROR: 10\r\n");
    peer_say(r->peer, "\r\n+CPIN: NOT INSERTED\r\n");
    TOLD(r, "state suspended no SIM in the modem");
    peer_answer(r->peer, "AT+CPIN?", "\r\n+CPIN: READY\r\n" OK_);
    WANT(r, told_wait_n(r->told, "state ready", 2, WAIT_MS));
}

/* ---- stopping ---- */

static void stop_at(const char *stage)
{
    void *fresh = NULL;
    rig_make(&fresh);
    struct rig *r = fresh;
    peer_answer(r->peer, stage, "");
    rig_start(r);
    WANT(r, peer_wait(r->peer, stage, 1, WAIT_MS));
    int64_t before = clk_mono_ms();
    rig_stop(r);
    WANT(r, clk_mono_ms() - before < 2500);
    rig_drop(&fresh);
}

static void test_stop_at_every_stage(void **state)
{
    (void)state;
    for (size_t i = 0; i < RIG_STAGES; i++)
        stop_at(rig_stages[i]);
}

static void test_stop_before_the_prompt(void **state)
{
    struct rig *r = *state;
    modem_timing.prompt_ms = 60000;
    rig_start_ready(r);
    peer_answer(r->peer, "AT+CMGS=", "");
    rig_send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "AT+CMGS=", 1, WAIT_MS));
    int64_t before = clk_mono_ms();
    rig_stop(r);
    modem_timing.prompt_ms = 250;
    WANT(r, clk_mono_ms() - before < 2000);
    WANT(r, told_count(r->told, "failed 1 abandoned") == 1);
}

static void test_stop_while_the_answer_is_missing(void **state)
{
    struct rig *r = *state;
    r->config.submit_timeout_ms = 180000;
    rig_start_ready(r);
    peer_answer(r->peer, "PDU", "");
    rig_send(r, SOMEONE);
    rig_send(r, SOMEONE);
    WANT(r, peer_wait(r->peer, "PDU", 1, WAIT_MS));
    int64_t before = clk_mono_ms();
    rig_stop(r);
    WANT(r, clk_mono_ms() - before < 2000);
    WANT(r, told_count(r->told, "failed 1 uncertain stopping") == 1);
    WANT(r, peer_count(r->peer, "PDU") == 1);
}

/* It comes within the grace: nothing uncertain about it. */
static void test_stop_finishes_the_dialogue(void **state)
{
    struct rig *r = *state;
    r->config.submit_timeout_ms = 180000;
    rig_start_ready(r);
    peer_answer(r->peer, "PDU", "");
    rig_send(r, SOMEONE);
    rig_send(r, SOMEONE);
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
    rig_stop(r);
    WANT(r, clk_mono_ms() - before < 500);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unplugged_at_every_stage),
        RIG_TEST(test_unplugged_before_the_prompt),
        RIG_TEST(test_unplugged_after_ctrl_z),
        RIG_TEST(test_unplugged_when_idle),
        RIG_TEST(test_never_plugged_in),
        RIG_TEST(test_echo_stuck),
        RIG_TEST(test_silent_modem),
        RIG_TEST(test_boots_slowly),
        RIG_TEST(test_restarts_by_itself),
        RIG_TEST(test_restarts_while_submitting),
        RIG_TEST(test_is_ready_again_while_submitting),
        RIG_TEST(test_routing_lost),
        RIG_TEST(test_locked_again),
        RIG_TEST(test_told_only_behind_the_pin),
        RIG_TEST(test_card_taken_out),
        cmocka_unit_test(test_stop_at_every_stage),
        RIG_TEST(test_stop_before_the_prompt),
        RIG_TEST(test_stop_while_the_answer_is_missing),
        RIG_TEST(test_stop_finishes_the_dialogue),
        RIG_TEST(test_stop_while_gone),
    };
    rig_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
