/* modem_ladder_test.c - a modem in trouble: every rung is seen working and counted, none goes on for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../include/clock.h"
#include "modem_rig.h"

#define LONG_MS 30000

/* What is asked from open on, and when idle; silence() and speech() are about these. */
static const char *const asked[] = {
    "ATE0",      "ATV1",      "AT+CMEE=1", "AT+CGMI",   "AT+CGMM",         "AT+CGMR",
    "AT+CGSN",   "AT+CFUN?",  "AT+CRSM=",  "AT+CPIN?",  "AT+CIMI",         "AT+CNUM",
    "AT+CMGF=0", "AT+CPMS=?", "AT+CPMS=",  "AT+CSCA?",  "AT+CREG=",        "AT+CNMI=?",
    "AT+CSMS?",  "AT+CSMS=1", "AT+CNMI=",  "AT+CMGL=4", "AT+CREG?",        "AT+CSQ",
    "AT+COPS?",  "AT+CPMS?",  "AT+CNMI?",  "AT+CMGS=",  "AT+CSCS=\"GSM\"", "AT",
    "ATQ0V1",
};

static void silence(struct rig *r)
{
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        peer_answer(r->peer, asked[i], "");
}

/* What generic.at says is enough again. */
static void speech(struct rig *r)
{
    peer_forget(r->peer);
    peer_answer(r->peer, "PDU", "\r\n+CMGS: 41\r\n" OK_);
    peer_answer(r->peer, "AT+CMGS=", "\r\n> ");
}

static unsigned recoveries(struct rig *r, enum modem_rung rung)
{
    struct modem_status now;
    told_status(r->told, &now);
    return now.recoveries[rung];
}

static void test_resync(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    WANT(r, recoveries(r, MODEM_RUNG_RESYNC) == 0);
    peer_answer_once(r->peer, "AT+CMGS=", "");
    rig_send(r, SOMEONE);
    TOLD(r, "failed 1 abandoned no prompt");
    rig_still_sends(r, 2);
    WANT(r, recoveries(r, MODEM_RUNG_RESYNC) == 1);
    WANT(r, recoveries(r, MODEM_RUNG_REOPEN) == 0);
}

/* Hung until it is restarted; it gives no answers, but hears. */
static void test_silent_until_restart(void **state)
{
    struct rig *r = *state;
    rig_start_ready(r);
    peer_answer(r->peer, "AT+CFUN=1,1", "!unplug");
    silence(r);
    WANT(r, peer_wait(r->peer, "AT+CFUN=1,1", 1, LONG_MS));
    speech(r);
    peer_plug(r->peer);
    WANT(r, told_wait_n(r->told, "state ready", 2, LONG_MS));
    WANT(r, recoveries(r, MODEM_RUNG_REOPEN) == 2); /* never the first remedy */
    WANT(r, recoveries(r, MODEM_RUNG_RESTART) == 1);
    WANT(r, recoveries(r, MODEM_RUNG_RADIO) == 0); /* wants answers */
    WANT(r, peer_count(r->peer, "AT+CFUN=0") == 0);
    rig_still_sends(r, 1);
}

/* Wrong port: what never answered hears no restart. */
static void test_never_answered(void **state)
{
    struct rig *r = *state;
    modem_timing.answer_ms = 700;
    silence(r);
    rig_start(r);
    TOLD(r, "state suspended the modem does not answer; it is opened again and again");
    WANT(r, peer_count(r->peer, "AT+CFUN=1,1") == 0);
    speech(r);
    TOLD(r, "state ready");
    rig_stop(r);
    modem_timing.answer_ms = 4000;
}

static void send_into_no_prompt(struct rig *r)
{
    peer_answer(r->peer, "AT+CMGS=", "");
    for (int i = 0; i < 40; i++)
        rig_send(r, SOMEONE);
}

static void test_no_prompt_until_radio(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CFUN=0", OK_);
    peer_answer(r->peer, "AT+CFUN=1", OK_ "\r\n+CFUN: 1\r\n");
    rig_start_ready(r);
    send_into_no_prompt(r);
    WANT(r, peer_wait(r->peer, "AT+CFUN=0", 1, LONG_MS));
    peer_answer(r->peer, "AT+CMGS=", "\r\n> ");
    TOLD(r, "sent ");
    WANT(r, peer_count(r->peer, "AT+CFUN=1") == 1);
    WANT(r, recoveries(r, MODEM_RUNG_REOPEN) == 2);
    WANT(r, recoveries(r, MODEM_RUNG_RADIO) == 1);
    WANT(r, recoveries(r, MODEM_RUNG_RESTART) == 0);
}

static void test_no_prompt_until_restart(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CFUN=0", "\r\nERROR\r\n");
    peer_answer(r->peer, "AT+CFUN=4", OK_);
    peer_answer(r->peer, "AT+CFUN=1", OK_);
    peer_answer(r->peer, "AT+CFUN=1,1", OK_);
    rig_start_ready(r);
    send_into_no_prompt(r);
    WANT(r, peer_wait(r->peer, "AT+CFUN=1,1", 1, LONG_MS));
    WANT(r, peer_count(r->peer, "AT+CFUN=4") == 1); /* 27.007 8.2: both off, where 0 is not known */
    peer_answer(r->peer, "AT+CMGS=", "\r\n> ");
    TOLD(r, "sent ");
    WANT(r, recoveries(r, MODEM_RUNG_RADIO) == 1);
    WANT(r, recoveries(r, MODEM_RUNG_RESTART) == 1);
    WANT(r, recoveries(r, MODEM_RUNG_POWER) == 0);
}

/* The whole way up: it comes back under another inode, as after a relay. */
static void test_silent_until_power(void **state)
{
    struct rig *r = *state;
    char mark[128];
    snprintf(mark, sizeof mark, "%s-power", peer_path(r->peer));
    snprintf(r->config.power_command, sizeof r->config.power_command, "touch '%s'", mark);
    rig_start_ready(r);
    silence(r);
    int64_t end = clk_mono_ms() + LONG_MS;
    while (access(mark, F_OK) != 0 && clk_mono_ms() < end)
        (void)poll(NULL, 0, 5);
    WANT(r, unlink(mark) == 0);
    speech(r);
    WANT(r, told_wait_n(r->told, "state ready", 2, LONG_MS));
    WANT(r, recoveries(r, MODEM_RUNG_RESTART) == 1);
    WANT(r, recoveries(r, MODEM_RUNG_USB) == 0); /* a pty hangs on no USB */
    WANT(r, recoveries(r, MODEM_RUNG_POWER) == 1);
    rig_still_sends(r, 1);
}

static void test_power_command_fails(void **state)
{
    struct rig *r = *state;
    snprintf(r->config.power_command, sizeof r->config.power_command, "/nonexistent/relay");
    rig_start_ready(r);
    silence(r);
    WANT(r, told_wait(r->told, "state suspended the modem does not answer; recovery did not help",
                      LONG_MS));
    speech(r);
    WANT(r, told_wait_n(r->told, "state ready", 2, LONG_MS));
    WANT(r, recoveries(r, MODEM_RUNG_POWER) >= 1);
}

/* The budget ends it, says so, and begins again when its window is over. */
static void test_budget(void **state)
{
    struct rig *r = *state;
    struct modem_rung_rule before = modem_rung_rules[MODEM_RUNG_RESTART];
    modem_rung_rules[MODEM_RUNG_RESTART] = (struct modem_rung_rule){2, 14000, 50, 100};
    rig_start_ready(r);
    silence(r);
    WANT(r, told_wait(r->told, "state suspended the modem does not answer; recovery did not help",
                      LONG_MS));
    WANT(r, recoveries(r, MODEM_RUNG_RESTART) == 2);
    unsigned n = peer_count(r->peer, "AT+CFUN=1,1");
    WANT(r, n == 2);
    WANT(r, peer_wait(r->peer, "AT+CFUN=1,1", 3, LONG_MS));
    rig_stop(r);
    modem_rung_rules[MODEM_RUNG_RESTART] = before;
}

/* ---- the network ---- */

static void test_off_the_network(void **state)
{
    struct rig *r = *state;
    modem_timing.off_net_ms = 300;
    peer_answer(r->peer, "AT+CFUN=0", OK_);
    peer_answer(r->peer, "AT+CFUN=1", OK_);
    rig_start_ready(r);
    peer_answer(r->peer, "AT+CREG?", "\r\n+CREG: 1,2\r\n" OK_);
    peer_say(r->peer, "\r\n+CREG: 2\r\n");
    TOLD(r, "state registering searching a network");
    WANT(r, peer_wait(r->peer, "AT+CFUN=0", 1, LONG_MS));
    peer_answer(r->peer, "AT+CREG?", "\r\n+CREG: 1,1\r\n" OK_);
    WANT(r, told_wait_n(r->told, "state ready", 2, WAIT_MS));
    WANT(r, recoveries(r, MODEM_RUNG_RADIO) == 1);
    rig_still_sends(r, 1);
    rig_stop(r);
    modem_timing.off_net_ms = 300000;
}

/* A network that is out for long is no reason to restart modems for ever. */
static void test_outage(void **state)
{
    struct rig *r = *state;
    modem_timing.off_net_ms = 100;
    peer_answer(r->peer, "AT+CFUN=0", OK_);
    peer_answer(r->peer, "AT+CFUN=1", OK_);
    peer_answer(r->peer, "AT+CFUN=1,1", OK_);
    snprintf(r->config.power_command, sizeof r->config.power_command, "false");
    rig_start_ready(r);
    peer_answer(r->peer, "AT+CREG?", "\r\n+CREG: 1,2\r\n" OK_);
    peer_say(r->peer, "\r\n+CREG: 2\r\n");
    WANT(r, peer_wait(r->peer, "AT+CFUN=1,1", 2, LONG_MS));
    (void)poll(NULL, 0, 2500);
    WANT(r, peer_count(r->peer, "AT+CFUN=0") == 2);
    WANT(r, peer_count(r->peer, "AT+CFUN=1,1") == 2);
    WANT(r, recoveries(r, MODEM_RUNG_POWER) == 0);
    rig_stop(r);
    modem_timing.off_net_ms = 300000;
}

/* Denied, emergency only, never registered: nothing that a restart would mend. */
static void no_restart_for(const char *creg, bool was_registered)
{
    void *fresh = NULL;
    rig_make(&fresh);
    struct rig *r = fresh;
    char answer[64];
    snprintf(answer, sizeof answer, "\r\n+CREG: 1,%s\r\n" OK_, creg);
    modem_timing.off_net_ms = 100;
    if (!was_registered)
        peer_answer(r->peer, "AT+CREG?", answer);
    rig_start(r);
    if (was_registered)
        TOLD(r, "state ready");
    peer_answer(r->peer, "AT+CREG?", answer);
    TOLD(r, "state registering");
    (void)poll(NULL, 0, 800);
    WANT(r, peer_count(r->peer, "AT+CFUN=0") == 0);
    WANT(r, peer_count(r->peer, "AT+CFUN=1,1") == 0);
    rig_stop(r);
    modem_timing.off_net_ms = 300000;
    rig_drop(&fresh);
}

static void test_no_reason(void **state)
{
    (void)state;
    no_restart_for("3", true); /* 27.007 7.2: denied */
    no_restart_for("8", true); /* emergency only */
    no_restart_for("2", false);
    no_restart_for("0", false);
}

static void test_no_card_is_no_reason(void **state)
{
    struct rig *r = *state;
    snprintf(r->config.power_command, sizeof r->config.power_command, "false");
    peer_answer(r->peer, "AT+CPIN?", "\r\n+CME ERROR: 10\r\n");
    rig_start(r);
    WANT(r, peer_wait(r->peer, "AT+CPIN?", 6, LONG_MS));
    WANT(r, peer_count(r->peer, "AT+CFUN=0") == 0);
    WANT(r, peer_count(r->peer, "AT+CFUN=1,1") == 0);
    WANT(r, recoveries(r, MODEM_RUNG_POWER) == 0);
    WANT(r, recoveries(r, MODEM_RUNG_REOPEN) == 0);
}

/* ---- start-up ---- */

static void test_startup_fails_until_radio(void **state)
{
    struct rig *r = *state;
    peer_answer(r->peer, "AT+CFUN=0", OK_);
    peer_answer(r->peer, "AT+CFUN=1", OK_);
    peer_answer(r->peer, "AT+CMGF=0", "\r\nERROR\r\n");
    rig_start(r);
    WANT(r, peer_wait(r->peer, "AT+CFUN=0", 1, LONG_MS));
    peer_answer(r->peer, "AT+CMGF=0", OK_);
    TOLD(r, "state ready");
    WANT(r, recoveries(r, MODEM_RUNG_REOPEN) == 2);
    WANT(r, recoveries(r, MODEM_RUNG_RADIO) == 1);
}

/* After a while that was well, the gentle rung is the first again. */
static void test_comes_down(void **state)
{
    struct rig *r = *state;
    modem_timing.well_ms = 60;
    peer_answer(r->peer, "AT+CFUN=1,1", OK_);
    for (unsigned i = 1; i <= 2; i++) {
        if (i == 1)
            rig_start_ready(r);
        silence(r);
        WANT(r, peer_wait(r->peer, "AT+CFUN=1,1", i, LONG_MS));
        speech(r);
        WANT(r, told_wait_n(r->told, "state ready", i + 1, LONG_MS));
        (void)poll(NULL, 0, 1500);
        WANT(r, recoveries(r, MODEM_RUNG_REOPEN) == 2 * i);
    }
    rig_stop(r);
    modem_timing.well_ms = 600000;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_resync),
        RIG_TEST(test_silent_until_restart),
        RIG_TEST(test_never_answered),
        RIG_TEST(test_no_prompt_until_radio),
        RIG_TEST(test_no_prompt_until_restart),
        RIG_TEST(test_silent_until_power),
        RIG_TEST(test_power_command_fails),
        RIG_TEST(test_budget),
        RIG_TEST(test_off_the_network),
        RIG_TEST(test_outage),
        cmocka_unit_test(test_no_reason),
        RIG_TEST(test_no_card_is_no_reason),
        RIG_TEST(test_startup_fails_until_radio),
        RIG_TEST(test_comes_down),
    };
    rig_main(argc, argv);
    modem_timing.resync_ms = 900;
    modem_timing.answer_again_ms = 300;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
