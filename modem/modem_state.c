/* modem_state.c - what the modem tells about itself.
 * Knows no dialogue.  Promises: the core hears of a change once, of no change never. */
#include "modem_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"

static const char *const states[] = {
    [MODEM_STARTING] = "starting", [MODEM_PIN] = "pin",         [MODEM_REGISTERING] = "registering",
    [MODEM_READY] = "ready",       [MODEM_SENDING] = "sending", [MODEM_SUSPENDED] = "suspended",
    [MODEM_GONE] = "gone",
};

static const char *const registrations[] = {
    [REG_UNKNOWN] = "unknown", [REG_NONE] = "none",           [REG_SEARCHING] = "searching",
    [REG_DENIED] = "denied",   [REG_EMERGENCY] = "emergency", [REG_HOME] = "home",
    [REG_ROAMING] = "roaming", [REG_SMS_HOME] = "sms_home",   [REG_SMS_ROAMING] = "sms_roaming",
};

static const char *const rungs[MODEM_RUNGS] = {
    [MODEM_RUNG_RESYNC] = "resync",   [MODEM_RUNG_REOPEN] = "reopen", [MODEM_RUNG_RADIO] = "radio",
    [MODEM_RUNG_RESTART] = "restart", [MODEM_RUNG_USB] = "usb",       [MODEM_RUNG_POWER] = "power",
};

const char *modem_rung_str(enum modem_rung r)
{
    return (unsigned)r < MODEM_RUNGS ? rungs[r] : "unknown";
}

const char *modem_state_str(enum modem_state s)
{
    return (unsigned)s < sizeof states / sizeof *states ? states[s] : "unknown";
}

const char *modem_registration_str(enum modem_registration r)
{
    return (unsigned)r < sizeof registrations / sizeof *registrations ? registrations[r]
                                                                      : "unknown";
}

void modem_tell_state(struct modem *m)
{
    if (memcmp(&m->status, &m->told, sizeof m->told) == 0)
        return;
    memcpy(&m->told, &m->status, sizeof m->told);
    m->hooks.state(m->ctx, m->config.name, &m->status);
}

/* The whole buffer is written, so that equal texts are equal bytes. */
__attribute__((format(printf, 3, 0))) static void set_text(char *out, size_t size, const char *fmt,
                                                           va_list args)
{
    memset(out, 0, size);
    vsnprintf(out, size, fmt, args);
}

void modem_state(struct modem *m, enum modem_state state, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set_text(m->status.reason, sizeof m->status.reason, fmt, args);
    va_end(args);
    m->status.state = state;
    m->status.until_ms = state == MODEM_SUSPENDED ? m->suspended_until_ms : 0;
    modem_tell_state(m);
}

enum err modem_end(struct modem *m, enum modem_state state, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set_text(m->end_reason, sizeof m->end_reason, fmt, args);
    va_end(args);
    m->end_state = state;
    return ERR_TIMEOUT;
}

void modem_tell_event(struct modem *m, enum modem_event_kind kind, const char *text)
{
    struct modem_event event = {.kind = kind};
    snprintf(event.text, sizeof event.text, "%s", text);
    m->hooks.event(m->ctx, m->config.name, &event);
}

void modem_suspend(struct modem *m, int64_t ms, const char *reason)
{
    m->hold_until_ms = clk_mono_ms() + ms;
    m->suspended_until_ms = clk_wall_ms() + ms;
    snprintf(m->hold_reason, sizeof m->hold_reason, "%s", reason);
    log_warn("modem", "name=%s suspended_s=%lld reason=\"%s\"", m->config.name,
             (long long)(ms / 1000), reason);
    modem_state(m, MODEM_SUSPENDED, "%s", reason);
    m->suspended_until_ms = 0; /* another reason to be suspended has no such end */
}
