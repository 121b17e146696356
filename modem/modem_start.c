/* modem_start.c - the ladder from an open port to a modem that may serve (docs/modems.md, start-up).
 * Knows no product: what a family needs stands in its quirk row.
 * Promises: each question alone on its line, no ATZ, no +CFUN=1,1; a required step that fails ends the
 * session with its name in the reason. */
#include "modem_private.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "text.h"

/* A step is a command, whose OK answer `take` reads, or a function. */
struct step {
    const char *name, *command, *prefix;
    enum err (*take)(struct modem *m, const struct at_reply *reply);
    enum err (*run)(struct modem *m);
    bool slow; /* asks the SIM or the network */
    bool required;
    bool again; /* part of modem_restore() */
};

/* ---- steps that are more than a command ---- */

/* A +CMGS of ours may still be under way in there, begun by a program that died: any byte could abort it, and its
 * answer tells.  A modem that was unplugged meanwhile has forgotten it. */
static enum err listen(struct modem *m)
{
    int64_t end = clk_mono_ms() + modem_timing.listen_ms, left;
    enum err e = OK;
    if (m->replugged || !m->hooks.in_doubt(m->ctx, m->config.name))
        return OK;
    modem_state(m, MODEM_STARTING, "listening for the answer to an SMS under way");
    while (e == OK && m->seen.late_mr < 0 && (left = end - clk_mono_ms()) > 0)
        e = modem_wait(m, (int)left);
    return e;
}

static enum err answer(struct modem *m)
{
    int64_t end = clk_mono_ms() + modem_patience_ms(m);
    enum err e;
    modem_state(m, MODEM_STARTING, "waiting for the modem to answer");
    do {
        if (modem_stopping(m))
            return ERR_CLOSED;
        e = at_resync(m->at, modem_timing.resync_ms);
    } while (e == ERR_TIMEOUT && clk_mono_ms() < end);
    memset(&m->status.who, 0, sizeof m->status.who);
    if (e == ERR_TIMEOUT)
        return modem_end_in_trouble(m, MODEM_SILENT, "the modem does not answer");
    return e;
}

/* A refusal of these is no news. */
static enum err be_quiet(struct modem *m)
{
    struct at_reply reply;
    enum err e = OK;
    for (size_t i = 0; i < QUIRKS_INIT_MAX && m->quirks->init[i] && !modem_ended(e); i++)
        e = modem_ok(m, &reply, modem_timing.quick_ms, AT_BARE, m->quirks->init[i]);
    return modem_ended(e) ? e : OK;
}

/* config.init: "AT+X=1|AT+Y" */
static enum err user_init(struct modem *m)
{
    struct at_reply reply;
    char command[MODEM_INIT_MAX];
    const char *at = m->config.init;
    enum err e = OK;
    while (*at && !modem_ended(e)) {
        size_t n = strcspn(at, "|");
        snprintf(command, sizeof command, "%.*s", (int)n, at);
        at += n + (at[n] == '|');
        e = command[0] ? modem_ok(m, &reply, modem_timing.slow_ms, AT_BARE, command) : OK;
        if (e)
            log_warn("modem", "name=%s init=\"%s\" result=\"%s\"", m->config.name, command,
                     err_str(e));
    }
    return modem_ended(e) ? e : OK;
}

/* Some come up with the radio off (27.007 8.2); one that is on is left alone. */
static enum err radio_on(struct modem *m)
{
    struct at_reply reply;
    struct at_args a;
    int fun = 1;
    enum err e = modem_ok(m, &reply, modem_timing.slow_ms, "+CFUN", "AT+CFUN?");
    const char *line = e == OK ? at_reply_line(&reply, 0) : NULL;
    if (!line || at_args_open(&a, line, "+CFUN") != OK || at_int(&a, &fun, 0, 127) != OK ||
        fun == 1)
        return modem_ended(e) ? e : OK;
    return modem_ok(m, &reply, 2 * modem_timing.slow_ms, NULL, "AT+CFUN=1");
}

/* A direct message that was shown to a program that died waits for its +CNMA, and everything else behind it,
 * until the modem turns the routing off (TR2M, 12 to 20 s): refused (27.005 3.4.4), the network repeats it. */
static enum err release(struct modem *m)
{
    struct at_reply reply;
    struct at_args a;
    int service;
    enum err e = modem_ok(m, &reply, modem_timing.quick_ms, "+CSMS", "AT+CSMS?");
    const char *line = e == OK ? at_reply_line(&reply, 0) : NULL;
    if (!line || at_args_open(&a, line, "+CSMS") != OK || at_int(&a, &service, 0, 255) != OK ||
        service != 1)
        return e;
    m->route.csms = 1; /* what comes now waits for its +CNMA, though the routing is not ours yet */
    return modem_ok(m, &reply, modem_timing.quick_ms, NULL, "AT+CNMA=2");
}

static enum err tell_errors(struct modem *m)
{
    struct at_reply reply;
    enum err e = modem_ok(m, &reply, modem_timing.quick_ms, NULL, "AT+CMEE=1");
    m->errors_refused = e == ERR_REFUSED;
    return e;
}

/* ZTE refuses it, as all but +CPIN, until the PIN; without it a busy SIM says ERROR, as if for good. */
static enum err tell_errors_again(struct modem *m)
{
    if (!m->errors_refused)
        return OK;
    enum err e = tell_errors(m);
    return e ? e : be_quiet(m);
}

/* No queue before the core knows the card. */
static enum err identified(struct modem *m)
{
    enum err e;
    while ((e = m->hooks.identified(m->ctx, m->config.name, &m->status.who)) != OK) {
        modem_state(m, MODEM_STARTING, "the card could not be noted: %s", err_str(e));
        enum err paused = modem_pause(m, modem_timing.retry_ms);
        if (modem_ended(paused))
            return paused;
    }
    m->identified = true;
    return modem_settle_late(m);
}

/* ---- the ladder ---- */

static const struct step ladder[] = {
    {.name = "listen", .run = listen, .required = true},
    {.name = "answer", .run = answer, .required = true},
    {.name = "echo", .command = "ATE0", .again = true},
    {.name = "words", .command = "ATV1", .again = true},
    {.name = "errors", .run = tell_errors, .again = true},
    {.name = "who", .run = modem_ask_who},
    {.name = "identity", .run = modem_check_imei, .required = true},
    {.name = "quiet", .run = be_quiet, .again = true},
    {.name = "init", .run = user_init, .again = true},
    {.name = "radio", .run = radio_on, .again = true},
    {.name = "card", .run = modem_read_card},
    {.name = "unlock", .run = modem_unlock, .required = true, .again = true},
    {.name = "errors behind the PIN", .run = tell_errors_again, .again = true},
    {.name = "card behind the PIN", .run = modem_read_card_again},
    {.name = "who behind the PIN", .run = modem_ask_who_again},
    {.name = "charset", .command = "AT+CSCS=\"GSM\"", .again = true},
    {.name = "imsi",
     .command = "AT+CIMI",
     .prefix = AT_BARE,
     .take = modem_take_imsi,
     .slow = true},
    {.name = "number",
     .command = "AT+CNUM",
     .prefix = "+CNUM",
     .take = modem_take_number,
     .slow = true},
    {.name = "pdu mode", .command = "AT+CMGF=0", .required = true, .again = true},
    {.name = "storages", .run = modem_choose_storages, .again = true},
    {.name = "service centre", .run = modem_set_smsc, .again = true},
    {.name = "identified", .run = identified, .required = true},
    {.name = "registration", .command = "AT+CREG=1", .again = true},
    {.name = "packet registration", .command = "AT+CGREG=1", .again = true},
    {.name = "eps registration", .command = "AT+CEREG=1", .again = true},
    {.name = "operator", .command = "AT+COPS=3,0", .slow = true, .again = true},
    {.name = "calls", .command = "AT+CLIP=1", .slow = true, .again = true},
    {.name = "release", .run = release},
    {.name = "routing", .run = modem_choose_route, .again = true},
    {.name = "sweep", .run = modem_sweep},
};

enum err modem_ask(struct modem *m, struct at_reply *reply, int timeout_ms, const char *prefix,
                   const char *command)
{
    int64_t end = clk_mono_ms() + modem_timing.sim_ms;
    for (;;) {
        enum err e = modem_ok(m, reply, timeout_ms, prefix, command);
        if (e != ERR_REFUSED || !fault_is_busy(reply) || clk_mono_ms() > end)
            return e;
        e = modem_pause(m, modem_timing.retry_ms);
        if (e)
            return e;
    }
}

static enum err ask(struct modem *m, const struct step *step)
{
    struct at_reply reply;
    int ms = step->slow ? modem_timing.slow_ms : modem_timing.quick_ms;
    enum err e = modem_ask(m, &reply, ms, step->prefix, step->command);
    return e == OK && step->take ? step->take(m, &reply) : e;
}

static enum err climb(struct modem *m, bool only_again)
{
    for (size_t i = 0; i < sizeof ladder / sizeof *ladder; i++) {
        const struct step *step = &ladder[i];
        if (only_again && !step->again)
            continue;
        enum err e = step->run ? step->run(m) : ask(m, step);
        if (e)
            log_debug("modem", "name=%s step=\"%s\" result=\"%s\"", m->config.name, step->name,
                      err_str(e));
        if (modem_ended(e))
            return e;
        if (e && step->required)
            return modem_end(m, MODEM_STARTING, "start-up failed at \"%s\": %s", step->name,
                             err_str(e));
    }
    return OK;
}

enum err modem_start_up(struct modem *m)
{
    return climb(m, false);
}

enum err modem_restore(struct modem *m)
{
    log_warn("modem", "name=%s settings are set again", m->config.name);
    m->seen.restore = false;
    m->next_restore_ms =
        clk_mono_ms() + modem_timing.again_ms; /* not for ever at each line of chatter */
    m->seen.sweep = true;
    return climb(m, true);
}
