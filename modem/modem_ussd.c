/* modem_ussd.c - what a person asks of a modem: USSD (27.007 7.15) and a restart.
 * Knows no HTTP.  Promises: done() is called once for every request that was accepted, whatever happens;
 * carried out between two messages. */
#include "modem_private.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"

/* until_ms may be NULL. */
static bool take_request(struct modem *m, struct modem_request *out, int64_t *until_ms)
{
    pthread_mutex_lock(&m->lock);
    bool has = m->has_request;
    *out = m->request;
    if (until_ms)
        *until_ms = m->request_until_ms;
    m->has_request = false;
    atomic_store(&m->requested, false);
    pthread_mutex_unlock(&m->lock);
    return has;
}

void modem_refuse_request(struct modem *m, enum err result, const char *why)
{
    struct modem_request r;
    if (atomic_load(&m->requested) && take_request(m, &r, NULL))
        r.done(r.ctx, result, -1, why);
}

/* ---- the answer: +CUSD: <m>[,<str>[,<dcs>]] ---- */

void modem_take_ussd(struct modem *m, const char *line)
{
    struct at_args a;
    char text[sizeof m->seen.ussd_text];
    int status, dcs = 15;
    if (at_args_open(&a, line, "+CUSD") != OK || at_int(&a, &status, 0, 9) != OK)
        return;
    m->seen.ussd_text[0] = '\0';
    if (at_string(&a, text, sizeof text) == OK) {
        if (at_int(&a, &dcs, 0, 255) != OK)
            dcs = 15;
        if (modem_ussd_decode(text, dcs, m->quirks->ussd_packed, m->seen.ussd_text,
                              sizeof m->seen.ussd_text) != OK)
            snprintf(m->seen.ussd_text, sizeof m->seen.ussd_text, "%s", text);
    }
    if (m->ussd_waiting)
        m->seen.ussd_m = status;
    else if (m->seen.ussd_text[0]) /* the network speaks first */
        modem_tell_event(m, MODEM_EVENT_USSD, m->seen.ussd_text);
}

static const struct {
    enum err result;
    const char *text;
} outcomes[] = {
    [0] = {OK, NULL},
    [1] = {OK, NULL}, /* the network asks something */
    [2] = {OK, NULL}, /* ended by the network */
    [3] = {ERR_REFUSED, "another program on the modem answered"},
    [4] = {ERR_REFUSED, "the network does not support this"},
    [5] = {ERR_TIMEOUT, "the network did not answer"},
};

static void tell_answer(struct modem *m, const struct modem_request *r)
{
    int status = m->seen.ussd_m;
    if (status >= (int)(sizeof outcomes / sizeof *outcomes))
        r->done(r->ctx, ERR_REFUSED, status, "an answer of an unknown kind");
    else
        r->done(r->ctx, outcomes[status].result, status,
                outcomes[status].text ? outcomes[status].text : m->seen.ussd_text);
}

/* ---- asking ---- */

static void cancel(struct modem *m)
{
    struct at_reply reply;
    enum err e = modem_command(m, &reply, modem_timing.quick_ms, NULL, "AT+CUSD=2");
    if (e)
        log_debug("modem", "name=%s step=\"cancel ussd\" result=\"%s\"", m->config.name,
                  err_str(e));
}

static enum err await_answer(struct modem *m, int64_t end)
{
    while (m->seen.ussd_m < 0) {
        int64_t left = end - clk_mono_ms();
        if (left <= 0)
            return ERR_BUSY;
        enum err e = modem_wait(m, left < modem_timing.poll_ms ? (int)left : modem_timing.poll_ms);
        if (e)
            return e;
    }
    return OK;
}

static enum err ask(struct modem *m, const struct modem_request *r, int64_t end)
{
    char text[400], command[448];
    struct at_reply reply;
    enum err e = modem_ussd_encode(r->code, m->quirks->ussd_packed, text, sizeof text);
    if (e) {
        r->done(r->ctx, ERR_SYNTAX, -1,
                e == ERR_RANGE ? "this code is too long"
                               : "this code has characters that USSD cannot carry");
        return OK;
    }
    snprintf(command, sizeof command, "AT+CUSD=1,\"%s\",15", text);
    m->seen.ussd_m = -1;
    m->ussd_waiting = true;
    e = modem_ok(m, &reply, (int)(end - clk_mono_ms()), NULL, command);
    if (e == OK)
        e = await_answer(m, end);
    m->ussd_waiting = false;
    if (m->seen.ussd_m >= 0)
        tell_answer(m, r);
    else if (e == ERR_REFUSED)
        r->done(r->ctx, ERR_REFUSED, -1,
                reply.words[0] ? reply.words : "the modem refused the code");
    else
        r->done(r->ctx, modem_ended(e) ? ERR_CLOSED : ERR_TIMEOUT, -1,
                modem_ended(e) ? "the modem was lost" : "the network did not answer");
    if (m->seen.ussd_m < 0 && e == ERR_BUSY)
        cancel(m);
    return modem_ended(e) ? e : OK;
}

enum err modem_serve_request(struct modem *m)
{
    struct modem_request r;
    int64_t until_ms;
    if (!atomic_load(&m->requested) || !take_request(m, &r, &until_ms))
        return OK;
    if (clk_mono_ms() >= until_ms) {
        r.done(r.ctx, ERR_TIMEOUT, -1, "the modem was busy all the time");
        return OK;
    }
    switch (r.kind) {
    case MODEM_REQUEST_USSD:
        return ask(m, &r, until_ms);
    case MODEM_REQUEST_USSD_CANCEL:
        cancel(m);
        r.done(r.ctx, OK, 2, "");
        return OK;
    case MODEM_REQUEST_RESET:
        r.done(r.ctx, OK, 0, "");
        return modem_end(m, MODEM_STARTING, "restarted on request");
    }
    return OK;
}
