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

/* ---- who are you ---- */

/* The first line of a bare answer, without a prefix and quotes that some put around it. */
static void bare_text(const struct at_reply *reply, const char *prefix, char *out, size_t size)
{
    const char *line = at_reply_line(reply, 0);
    struct at_args a;
    char text[128];
    memset(out, 0, size);
    if (!line)
        return;
    if (at_args_open(&a, line, prefix) != OK)
        a.at = line;
    if (at_string(&a, text, sizeof text) != OK)
        snprintf(text, sizeof text, "%.127s", a.at);
    snprintf(out, size, "%.*s", (int)size - 1, text);
}

/* The first run of at least `min` digits; a trailing F of an ICCID's filling is left out. */
static enum err digits_in(const char *line, size_t min, char *out, size_t size)
{
    for (const char *s = line; *s; s++) {
        size_t n = strspn(s, "0123456789");
        if (n >= min && n < size) {
            memset(out, 0, size);
            memcpy(out, s, n);
            return OK;
        }
        if (n)
            s += n - 1;
    }
    return ERR_NOT_FOUND;
}

static enum err take_digits(const struct at_reply *reply, size_t min, char *out, size_t size)
{
    const char *line;
    for (unsigned i = 0; (line = at_reply_line(reply, i)); i++)
        if (digits_in(line, min, out, size) == OK)
            return OK;
    return ERR_NOT_FOUND;
}

static enum err take_manufacturer(struct modem *m, const struct at_reply *reply)
{
    bare_text(reply, "+CGMI", m->status.who.manufacturer, sizeof m->status.who.manufacturer);
    return OK;
}

static enum err take_model(struct modem *m, const struct at_reply *reply)
{
    bare_text(reply, "+CGMM", m->status.who.model, sizeof m->status.who.model);
    return OK;
}

static enum err take_firmware(struct modem *m, const struct at_reply *reply)
{
    bare_text(reply, "+CGMR", m->status.who.firmware, sizeof m->status.who.firmware);
    return OK;
}

static enum err take_imei(struct modem *m, const struct at_reply *reply)
{
    return take_digits(reply, 14, m->status.who.imei, sizeof m->status.who.imei);
}

static enum err take_imsi(struct modem *m, const struct at_reply *reply)
{
    return take_digits(reply, 6, m->status.who.imsi, sizeof m->status.who.imsi);
}

/* +CNUM: [<alpha>],<number>,<type> */
static enum err take_number(struct modem *m, const struct at_reply *reply)
{
    struct at_args a;
    char number[SMS_ADDR_MAX];
    const char *line = at_reply_line(reply, 0);
    if (!line || at_args_open(&a, line, "+CNUM") != OK)
        return ERR_NOT_FOUND;
    at_skip(&a);
    enum err e = at_string(&a, number, sizeof number);
    if (e)
        return e;
    modem_plain(number);
    snprintf(m->status.who.number, sizeof m->status.who.number, "%s", number);
    return OK;
}

/* ---- the card's number, readable before the PIN ---- */

/* EF_ICCID is nibble-swapped BCD (51.011 10.1.1); +CRSM: 144,0,"98101430121181157002" */
static enum err take_crsm(struct modem *m, const struct at_reply *reply)
{
    struct at_args a;
    int sw1, sw2;
    char hex[64], *out = m->status.who.iccid;
    const char *line = at_reply_line(reply, 0);
    if (!line || at_args_open(&a, line, "+CRSM") != OK)
        return ERR_NOT_FOUND;
    if (at_int(&a, &sw1, 0, 255) || at_int(&a, &sw2, 0, 255) || at_string(&a, hex, sizeof hex))
        return ERR_SYNTAX;
    size_t n = strlen(hex);
    if ((sw1 != 0x90 && sw1 != 0x91 && sw1 != 0x9F) || n % 2 || n < 10 || n >= MODEM_ID_MAX)
        return ERR_SYNTAX;
    char swapped[MODEM_ID_MAX] = "";
    for (size_t i = 0; i < n; i++)
        swapped[i] = hex[i ^ 1];
    return digits_in(swapped, 10, out, MODEM_ID_MAX);
}

static enum err read_iccid(struct modem *m)
{
    const char *queries[] = {m->quirks->iccid_query, "AT+CCID", "AT+ICCID"};
    struct at_reply reply;
    enum err e = modem_ok(m, &reply, modem_timing.slow_ms, "+CRSM", "AT+CRSM=176,12258,0,0,10");
    if (e == OK && take_crsm(m, &reply) == OK)
        return OK;
    for (size_t i = 0; !modem_ended(e) && i < sizeof queries / sizeof *queries; i++) {
        if (!queries[i])
            continue;
        e = modem_ok(m, &reply, modem_timing.slow_ms, AT_BARE, queries[i]);
        if (e == OK && take_digits(&reply, 18, m->status.who.iccid, MODEM_ID_MAX) == OK)
            return OK;
    }
    return modem_ended(e) ? e : ERR_NOT_FOUND;
}

/* ---- the other steps that are more than a command ---- */

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

static enum err find_quirks(struct modem *m)
{
    m->quirks = quirks_find(m->status.who.manufacturer, m->status.who.model);
    log_info("modem", "name=%s imei=%s model=\"%s %s\" firmware=\"%s\" quirks=%s", m->config.name,
             m->status.who.imei, m->status.who.manufacturer, m->status.who.model,
             m->status.who.firmware, m->quirks->name);
    return OK;
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
    {.name = "errors", .command = "AT+CMEE=1", .again = true},
    {.name = "maker", .command = "AT+CGMI", .prefix = AT_BARE, .take = take_manufacturer},
    {.name = "model", .command = "AT+CGMM", .prefix = AT_BARE, .take = take_model},
    {.name = "firmware", .command = "AT+CGMR", .prefix = AT_BARE, .take = take_firmware},
    {.name = "imei", .command = "AT+CGSN", .prefix = AT_BARE, .take = take_imei},
    {.name = "identity", .run = modem_check_imei, .required = true},
    {.name = "quirks", .run = find_quirks},
    {.name = "quiet", .run = be_quiet, .again = true},
    {.name = "init", .run = user_init, .again = true},
    {.name = "radio", .run = radio_on, .again = true},
    {.name = "card", .run = read_iccid},
    {.name = "unlock", .run = modem_unlock, .required = true, .again = true},
    {.name = "charset", .command = "AT+CSCS=\"GSM\"", .again = true},
    {.name = "imsi", .command = "AT+CIMI", .prefix = AT_BARE, .take = take_imsi, .slow = true},
    {.name = "number", .command = "AT+CNUM", .prefix = "+CNUM", .take = take_number, .slow = true},
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

/* One command; a SIM or a modem that is still busy is asked again (CME 14, CMS 314, 515). */
static enum err ask(struct modem *m, const struct step *step)
{
    struct at_reply reply;
    int64_t end = clk_mono_ms() + modem_timing.sim_ms;
    int ms = step->slow ? modem_timing.slow_ms : modem_timing.quick_ms;
    for (;;) {
        enum err e = modem_ok(m, &reply, ms, step->prefix, step->command);
        if (e == OK)
            return step->take ? step->take(m, &reply) : OK;
        if (e != ERR_REFUSED || !fault_is_busy(&reply) || clk_mono_ms() > end)
            return e;
        e = modem_pause(m, modem_timing.retry_ms);
        if (e)
            return e;
    }
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
    m->seen.sweep = true;
    return climb(m, true);
}
