/* modem_urc.c - what the modem says unasked, as a table of prefixes.
 * Knows no command: it only notes, for the thread to act on between two commands; but reports and direct
 * messages go to the core at once.  Promises: an unknown line is chatter and changes nothing. */
#include "modem_private.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define RING_PAUSE_MS 10000 /* rings are 5 s apart */

static void on_arrival(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)pdu;
    modem_note_arrival(m, line, prefix);
}

/* It is read after the running command. More of them than parts that wait for one: one is about the part under way,
 * and its answer is lost if it does not come soon. */
static void on_report(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)pdu;
    modem_note_arrival(m, line, prefix);
    if (++m->seen.reports > m->unreported && m->phase == MODEM_SUBMITTING)
        at_hurry(m->at, modem_timing.stored_ms);
}

static void on_direct(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)prefix;
    modem_take_direct(m, line, pdu);
}

static void on_registration(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)pdu;
    modem_note_registration(m, line, prefix);
}

static void on_late(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)pdu;
    (void)prefix;
    modem_late_answer(m, line);
}

static void on_ussd(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)pdu;
    (void)prefix;
    modem_take_ussd(m, line);
}

/* The first ring may come before its +CLIP: a caller without a number is told with the second. */
static void on_ring(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)line;
    (void)pdu;
    (void)prefix;
    int64_t now = clk_mono_ms();
    bool first = m->seen.ring_ms == 0 || now - m->seen.ring_ms > RING_PAUSE_MS;
    m->seen.ring_ms = now;
    if (first)
        m->seen.ring_told = false;
    if (first || m->seen.ring_told)
        return;
    m->seen.ring_told = true;
    modem_tell_event(m, MODEM_EVENT_CALL, "");
}

/* +CLIP: "+819012345678",145 */
static void on_caller(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)pdu;
    struct at_args a;
    char number[SMS_ADDR_MAX];
    if (m->seen.ring_told || at_args_open(&a, line, prefix) != OK ||
        at_string(&a, number, sizeof number) != OK)
        return;
    m->seen.ring_told = true;
    modem_tell_event(m, MODEM_EVENT_CALL, number);
}

static void on_full(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)pdu;
    (void)prefix;
    m->seen.sweep = true;
    modem_tell_event(m, MODEM_EVENT_MEMORY_FULL, line);
}

/* It came up again in the middle of a submit: nobody is left in there who could answer. */
static void nobody_answers(struct modem *m, int ms)
{
    if (m->phase == MODEM_SUBMITTING)
        at_hurry(m->at, ms);
}

/* It came up again: nothing of what we set is there. */
static void on_restart(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)pdu;
    (void)prefix;
    if (m->served)
        log_warn("modem", "name=%s it says \"%.40s\"", m->config.name, line);
    m->seen.restarted = m->served;
    m->seen.restore = true; /* in the middle of our start-up: what was set before is gone */
    nobody_answers(m, 0);
}

/* It says so late in its own start, or after one that we did not see: a modem that takes SMS was ready before. */
static void on_ready(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)line;
    (void)pdu;
    (void)prefix;
    m->seen.restore = m->served || m->storage_count; /* set too early: it may have been dropped */
    nobody_answers(m, modem_timing.hurry_ms);
}

/* READY is what it should be; anything else wants the ladder. */
static void on_card(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)pdu;
    struct at_args a;
    char word[32];
    if (at_args_open(&a, line, prefix) != OK || at_string(&a, word, sizeof word) != OK)
        return;
    m->seen.card = m->served && strcmp(word, "READY") != 0;
    m->seen.recheck = m->served;
    nobody_answers(m, modem_timing.hurry_ms);
}

/* The card went or came: which one is it? */
static void on_sim(struct modem *m, const char *line, const char *pdu, const char *prefix)
{
    (void)line;
    (void)pdu;
    (void)prefix;
    m->seen.recheck = m->served;
}

static const struct {
    const char *prefix;
    void (*take)(struct modem *m, const char *line, const char *pdu, const char *prefix);
} handlers[] = {
    {"+CDS", on_direct},
    {"+CMT", on_direct},
    {"+CMTI", on_arrival},
    {"+CDSI", on_report},
    {"+CREG", on_registration},
    {"+CGREG", on_registration},
    {"+CEREG", on_registration},
    {"+CMGS", on_late},
    {"+CMS ERROR", on_late},
    {"+CUSD", on_ussd},
    {"RING", on_ring},
    {"+CRING", on_ring},
    {"+CLIP", on_caller},
    {"^SMMEMFULL", on_full},
    {"+CPIN", on_card},
    {"^SIMST", on_sim},
    {"+QUSIM", on_sim},
    {"+QSIMSTAT", on_sim},
    {"+SIM", on_sim},
    {"#QSS", on_sim},
    {"+UUSIMSTAT", on_sim},
    {"RDY", on_restart},
    {"^SYSSTART", on_restart},
    {"+CFUN", on_restart},
    {"^SHUTDOWN", on_restart},
    {"NORMAL POWER DOWN", on_restart},
    {"POWERED DOWN", on_restart},
    {"Call Ready", on_ready},
    {"SMS Ready", on_ready},
    {"SMS DONE", on_ready},
};

/* Never by a part of a word: "+CMTI" is not "+CMT". */
static bool starts(const char *line, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(line, prefix, n) == 0 && (line[n] == ':' || line[n] == '\0');
}

void modem_unsolicited(void *ctx, const char *line, const char *pdu)
{
    if (pdu && modem_heard_twice(ctx, pdu))
        return;
    struct modem *m = ctx;
    for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
        if (starts(line, handlers[i].prefix)) {
            handlers[i].take(m, line, pdu, handlers[i].prefix);
            return;
        }
    }
}
