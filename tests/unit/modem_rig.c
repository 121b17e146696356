/* modem_rig.c - a modem thread, its far side and its core, for one test.
 * The far side's manners are tests/transcripts/generic.at, changed row by row by each test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/clock.h"
#include "../../include/log.h"
#include "../../modem/modem_private.h"
#include "modem_rig.h"

const char *const rig_stages[RIG_STAGES] = {
    "AT",        "ATE0",      "AT+CMEE=1", "AT+CGMI",  "AT+CGSN",  "AT+CRSM=", "AT+CPIN?",
    "AT+CIMI",   "AT+CMGF=0", "AT+CPMS=?", "AT+CPMS=", "AT+CSCA?", "AT+CREG=", "AT+CNMI=?",
    "AT+CSMS=1", "AT+CNMI=",  "AT+CMGL=4", "AT+CREG?", "AT+CSQ",   "AT+COPS?",
};

void rig_want(struct rig *r, bool so, const char *what, const char *file, int line)
{
    if (so)
        return;
    told_print(r->told);
    fail_msg("%s:%d: %s", file, line, what);
}

/* ---- up and down ---- */

int rig_make(void **state)
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

void rig_start(struct rig *r)
{
    peer_plug(r->peer);
    assert_int_equal(OK, modem_start(&r->config, &told_hooks, r->told, &r->modem));
}

void rig_start_ready(struct rig *r)
{
    rig_start(r);
    TOLD(r, "state ready");
}

void rig_stop(struct rig *r)
{
    if (r->modem) {
        modem_stop(r->modem, 200);
        modem_join(r->modem);
    }
    r->modem = NULL;
}

int rig_drop(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    told_free(r->told);
    peer_free(r->peer);
    free(r);
    return 0;
}

void rig_send(struct rig *r, const char *recipient)
{
    told_queue(r->told, recipient, "hello");
    modem_wake(r->modem);
}

/* The next message goes out as if nothing had been. */
void rig_still_sends(struct rig *r, unsigned part)
{
    char line[32];
    rig_send(r, SOMEONE);
    snprintf(line, sizeof line, "sent %u mr=41", part);
    TOLD(r, line);
}

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
    modem_timing.stored_ms = 200;
    modem_timing.search_ms = 50;
    modem_timing.keepalive_ms = 300;
    modem_timing.housekeeping_ms = 400;
    modem_timing.again_ms = 100;
    modem_timing.suspend_ms = 150;
    modem_timing.backoff_ms = 30;
    modem_timing.backoff_max_ms = 100;
    modem_timing.answer_again_ms = 1000;
    modem_timing.radio_ms = 30;
    modem_timing.settle_ms = 50;
    modem_timing.return_ms = 600;
    modem_timing.power_ms = 3000;
    for (int r = MODEM_RUNG_RADIO; r < MODEM_RUNGS; r++)
        modem_rung_rules[r] = (struct modem_rung_rule){2, 600000, 50, 100};
}

void rig_main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    log_set_level(getenv("TRACE") ? LOG_LVL_TRACE : LOG_LVL_ERROR);
    be_quick();
}
