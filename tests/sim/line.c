/* Octets in, lines out: echo, command lines, the PDU after the prompt, and answers that come split, late
   or with chatter inside.
   Refuses to know what the commands do.
   Promises bounded input and output whatever the other side sends or fails to read. */
#include "at.h"
#include "event.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

enum { OUT_MAX = 1 << 20, INPUT_MAX = 2048, ESC = 0x1B, CTRL_Z = 0x1A };

static struct modem *dirty;

static void trace(const struct modem *m, char direction, const char *bytes, size_t n)
{
    struct str text = {0};
    if (!modem_options.trace)
        return;
    for (size_t i = 0; i < n; i++)
        if (bytes[i] >= 0x20 && bytes[i] < 0x7F)
            str_add(&text, bytes + i, 1);
        else
            str_fmt(&text, "<%02x>", (uint8_t)bytes[i]);
    fprintf(stderr, "%.3f %s %c %s\n", (double)loop_wall_us() / 1e6, m->name, direction,
            text.p ? text.p : "");
    str_free(&text);
}

static void mark_dirty(struct modem *m)
{
    if (m->dirty)
        return;
    m->dirty = true;
    m->dirty_next = dirty;
    dirty = m;
}

void line_put(struct modem *m, const void *bytes, size_t n)
{
    if (!m->plugged || fault_is_set(m->faults, FAULT_SILENCE) || hang_is_dead(m))
        return;
    if (m->out.n - m->out_at + n > OUT_MAX) {
        if (!m->overflowing)
            event_note(EV_OVERFLOW, m->index, "nobody reads");
        m->overflowing = true;
        return;
    }
    m->overflowing = false;
    str_add(&m->out, bytes, n);
    mark_dirty(m);
}

static void drip(void *arg)
{
    mark_dirty(arg);
}

static void flush(struct modem *m)
{
    int64_t wait = m->hold_until_us ? m->hold_until_us - loop_now_us() : 0;
    size_t n = m->out.n - m->out_at;
    if (!n || m->drip.place)
        return;
    if (wait > 0) {
        timer_set(&m->drip, wait, drip, m);
        return;
    }
    m->hold_until_us = 0;
    long done = port_write(m, m->out.p + m->out_at, m->gap_us ? 1 : n);
    trace(m, '>', m->out.p + m->out_at, (size_t)done);
    m->out_at += (size_t)done;
    if (m->out_at == m->out.n) {
        m->out.n = m->out_at = 0;
        m->gap_us = 0;
    } else if (m->gap_us) {
        timer_set(&m->drip, m->gap_us, drip, m);
    }
}

void line_writable(struct modem *m)
{
    mark_dirty(m);
}

void line_flush_all(void)
{
    while (dirty) {
        struct modem *m = dirty;
        dirty = m->dirty_next;
        m->dirty = false;
        if (m->plugged)
            flush(m);
    }
}

static void put_text(struct modem *m, const char *text)
{
    line_put(m, text, strlen(text));
}

/* V.250 6.2.6: with V0 a line has no CR LF before it. */
static void put_line(struct modem *m, const char *text)
{
    if (m->at.verbose)
        put_text(m, "\r\n");
    put_text(m, text);
    put_text(m, "\r\n");
}

static void chatter(struct modem *m, int lines)
{
    for (; m->chattering && lines; lines--) {
        const char *text = m->profile->chatter[m->chatter_at];
        m->chatter_at = m->profile->chatter[m->chatter_at + 1] ? m->chatter_at + 1 : 0;
        put_text(m, "\r\n");
        put_text(m, text);
        put_text(m, "\r\n");
    }
}

void line_info(struct modem *m, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    chatter(m, 1);
    put_line(m, text);
}

void line_urc(struct modem *m, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    put_line(m, text);
}

void line_info_pdu(struct modem *m, const char *header, const uint8_t *pdu, size_t n)
{
    struct str text = {0};
    str_puts(&text, header);
    str_puts(&text, "\r\n");
    str_hex(&text, pdu, n);
    put_line(m, text.p);
    str_free(&text);
}

static const char *cme_text(int code)
{
    static const struct {
        int code;
        const char *text;
    } rows[] = {{3, "operation not allowed"}, {4, "operation not supported"},
                {10, "SIM not inserted"},     {11, "SIM PIN required"},
                {12, "SIM PUK required"},     {16, "incorrect password"},
                {21, "invalid index"},        {30, "no network service"},
                {50, "Incorrect parameters"}, {100, "unknown"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return rows[i].text;
    return NULL;
}

static void final_error(struct modem *m, int result)
{
    char text[64];
    if (result >= AT_CMS_BASE) {
        snprintf(text, sizeof text, "+CMS ERROR: %d", result - AT_CMS_BASE);
        put_line(m, text);
    } else if (result >= AT_CME_BASE && m->at.cmee) {
        const char *words = m->at.cmee == 2 ? cme_text(result - AT_CME_BASE) : NULL;
        if (words)
            snprintf(text, sizeof text, "+CME ERROR: %s", words);
        else
            snprintf(text, sizeof text, "+CME ERROR: %d", result - AT_CME_BASE);
        put_line(m, text);
    } else {
        put_text(m, m->at.verbose ? "\r\nERROR\r\n" : "4\r");
    }
}

void line_final(struct modem *m, int result)
{
    if (result == AT_LATER)
        return;
    if (result != AT_SILENT && !m->at.quiet) {
        chatter(m, 2);
        if (result == AT_OK)
            put_text(m, m->at.verbose ? "\r\nOK\r\n" : "0\r");
        else
            final_error(m, result);
    }
    m->chattering = false;
    m->line = LINE_COMMAND;
    m->mt_hold = false;
    mt_pump(m);
}

static void garbage(struct modem *m, long n)
{
    static uint32_t noise = 2463534242u;
    for (; n > 0; n--) {
        noise ^= noise << 13, noise ^= noise >> 17, noise ^= noise << 5;
        uint8_t octet = (uint8_t)noise;
        line_put(m, &octet, 1);
    }
}

void line_faults(struct modem *m, const char *command)
{
    long arg = 0;
    if (fault_take(m->faults, FAULT_GARBAGE, command, &arg))
        garbage(m, arg);
    if (fault_take(m->faults, FAULT_DELAY, command, &arg))
        m->hold_until_us = loop_now_us() + arg * 1000;
    if (fault_take(m->faults, FAULT_SPLIT, command, &arg))
        m->gap_us = arg * 1000 + 1;
    if (fault_take(m->faults, FAULT_CHATTER, command, NULL)) {
        m->chattering = true;
        chatter(m, 2);
    }
}

static void command_octet(struct modem *m, char c)
{
    if (m->at.echo)
        line_put(m, &c, 1);
    if (c == '\b' && m->input.n)
        m->input.p[--m->input.n] = '\0';
    if (c == '\r') {
        struct str line = m->input;
        m->input = (struct str){0};
        str_puts(&line, "");
        at_line(m, line.p);
        str_free(&line);
    } else if ((uint8_t)c >= 0x20 && m->input.n < INPUT_MAX) {
        str_add(&m->input, &c, 1);
    }
}

static void pdu_octet(struct modem *m, char c)
{
    if (m->at.echo)
        line_put(m, &c, 1);
    if (c == ESC) {
        m->input.n = 0;
        line_final(m, AT_OK);
    } else if (c == CTRL_Z) {
        at_pdu(m);
    } else if ((uint8_t)c > 0x20 && m->input.n < INPUT_MAX) {
        str_add(&m->input, &c, 1);
    }
}

void line_input(struct modem *m, const uint8_t *bytes, size_t n)
{
    trace(m, '<', (const char *)bytes, n);
    if (fault_is_set(m->faults, FAULT_SILENCE))
        return;
    bool lost = false;
    for (size_t i = 0; i < n && m->plugged; i++)
        if (m->line == LINE_COMMAND)
            command_octet(m, (char)bytes[i]);
        else if (m->line == LINE_PDU)
            pdu_octet(m, (char)bytes[i]);
        else
            lost = true;
    if (lost)
        event_note(EV_BYTES_BUSY, m->index, "%s",
                   m->line == LINE_BUSY ? "while the SMS was on its way"
                                        : "before the prompt, or while it started");
}

void line_reset(struct modem *m)
{
    m->input.n = 0;
    m->out.n = m->out_at = 0;
    m->hold_until_us = m->gap_us = 0;
    m->line = LINE_COMMAND;
    m->chattering = m->mt_hold = false;
    timer_stop(&m->drip);
    timer_stop(&m->answer);
    timer_stop(&m->ussd);
}
