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

static struct line *dirty;

static void trace(const struct line *l, char direction, const char *bytes, size_t n)
{
    struct str text = {0};
    if (!modem_options.trace)
        return;
    for (size_t i = 0; i < n; i++)
        if (bytes[i] >= 0x20 && bytes[i] < 0x7F)
            str_add(&text, bytes + i, 1);
        else
            str_fmt(&text, "<%02x>", (uint8_t)bytes[i]);
    fprintf(stderr, "%.3f %s.%d %c %s\n", (double)loop_wall_us() / 1e6, l->m->name,
            l->iface->number, direction, text.p ? text.p : "");
    str_free(&text);
}

static void mark_dirty(struct line *l)
{
    if (l->dirty)
        return;
    l->dirty = true;
    l->dirty_next = dirty;
    dirty = l;
}

static void put(struct line *l, const void *bytes, size_t n)
{
    struct modem *m = l->m;
    if (!m->plugged || fault_is_set(m->faults, FAULT_SILENCE) || hang_is_dead(m) || !m->at.synced)
        return;
    if (l->out.n - l->out_at + n > OUT_MAX) {
        if (!l->overflowing)
            event_note(EV_OVERFLOW, m->index, "nobody reads");
        l->overflowing = true;
        return;
    }
    l->overflowing = false;
    str_add(&l->out, bytes, n);
    mark_dirty(l);
}

void line_put(struct modem *m, const void *bytes, size_t n)
{
    put(m->now, bytes, n);
}

static void drip(void *arg)
{
    mark_dirty(arg);
}

static void flush(struct line *l)
{
    int64_t wait = l->hold_until_us ? l->hold_until_us - loop_now_us() : 0;
    size_t n = l->out.n - l->out_at;
    if (!n || l->drip.place)
        return;
    if (wait > 0) {
        timer_set(&l->drip, wait, drip, l);
        return;
    }
    l->hold_until_us = 0;
    long done = port_write(l, l->out.p + l->out_at, l->gap_us ? 1 : n);
    trace(l, '>', l->out.p + l->out_at, (size_t)done);
    l->out_at += (size_t)done;
    if (l->out_at == l->out.n) {
        l->out.n = l->out_at = 0;
        l->gap_us = 0;
    } else if (l->gap_us) {
        timer_set(&l->drip, l->gap_us, drip, l);
    }
}

void line_writable(struct line *l)
{
    mark_dirty(l);
}

void line_flush_all(void)
{
    while (dirty) {
        struct line *l = dirty;
        dirty = l->dirty_next;
        l->dirty = false;
        if (l->m->plugged)
            flush(l);
    }
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* V.250 6.2.6: with V0 a line has no CR LF before it. */
static void put_line(struct line *l, const char *text)
{
    if (l->verbose)
        put_text(l, "\r\n");
    put_text(l, text);
    put_text(l, "\r\n");
}

static void chatter(struct line *l, int lines)
{
    const char *const *said = l->m->profile->chatter;
    for (; l->chattering && lines; lines--) {
        const char *text = said[l->chatter_at];
        l->chatter_at = said[l->chatter_at + 1] ? l->chatter_at + 1 : 0;
        put_text(l, "\r\n");
        put_text(l, text);
        put_text(l, "\r\n");
    }
}

void line_info(struct modem *m, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    chatter(m->now, 1);
    put_line(m->now, text);
}

static bool hears(const struct line *l)
{
    bool elsewhere = l->m->profile->urc_elsewhere && !l->m->urcs_here;
    return l->iface->role == (elsewhere ? ROLE_AT_PPP : ROLE_AT);
}

static void tell(struct modem *m, const char *text)
{
    for (int i = 0; i < m->line_n; i++)
        if (hears(&m->lines[i]))
            put_line(&m->lines[i], text);
}

void line_urc(struct modem *m, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    tell(m, text);
}

static void with_pdu(struct str *text, const char *header, const uint8_t *pdu, size_t n)
{
    str_puts(text, header);
    str_puts(text, "\r\n");
    str_hex(text, pdu, n);
}

void line_info_pdu(struct modem *m, const char *header, const uint8_t *pdu, size_t n)
{
    struct str text = {0};
    with_pdu(&text, header, pdu, n);
    put_line(m->now, text.p);
    str_free(&text);
}

void line_urc_pdu(struct modem *m, const char *header, const uint8_t *pdu, size_t n)
{
    struct str text = {0};
    with_pdu(&text, header, pdu, n);
    tell(m, text.p);
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

static void final_error(struct line *l, int result)
{
    char text[64];
    if (result == AT_REFUSAL) {
        put_line(l, l->m->profile->refusal);
    } else if (result >= AT_CMS_BASE) {
        snprintf(text, sizeof text, "+CMS ERROR: %d", result - AT_CMS_BASE);
        put_line(l, text);
    } else if (result >= AT_CME_BASE && l->cmee) {
        const char *words = l->cmee == 2 ? cme_text(result - AT_CME_BASE) : NULL;
        if (words)
            snprintf(text, sizeof text, "+CME ERROR: %s", words);
        else
            snprintf(text, sizeof text, "+CME ERROR: %d", result - AT_CME_BASE);
        put_line(l, text);
    } else {
        put_text(l, l->verbose ? "\r\nERROR\r\n" : "4\r");
    }
}

void line_final(struct modem *m, int result)
{
    struct line *l = m->now;
    if (result == AT_LATER)
        return;
    if (result != AT_SILENT && !l->quiet) {
        chatter(l, 2);
        if (result == AT_OK)
            put_text(l, l->verbose ? "\r\nOK\r\n" : "0\r");
        else
            final_error(l, result);
    }
    l->chattering = false;
    l->mode = LINE_COMMAND;
    l->hold = false;
    mt_pump(m);
}

static void garbage(struct line *l, long n)
{
    static uint32_t noise = 2463534242u;
    for (; n > 0; n--) {
        noise ^= noise << 13, noise ^= noise >> 17, noise ^= noise << 5;
        uint8_t octet = (uint8_t)noise;
        put(l, &octet, 1);
    }
}

void line_chatter(struct modem *m)
{
    m->now->chattering = true;
    chatter(m->now, 2);
}

void line_faults(struct modem *m, const char *command)
{
    struct line *l = m->now;
    long arg = 0;
    if (fault_take(m->faults, FAULT_GARBAGE, command, &arg))
        garbage(l, arg);
    if (fault_take(m->faults, FAULT_DELAY, command, &arg))
        l->hold_until_us = loop_now_us() + arg * 1000;
    if (fault_take(m->faults, FAULT_SPLIT, command, &arg))
        l->gap_us = arg * 1000 + 1;
    if (fault_take(m->faults, FAULT_CHATTER, command, NULL))
        line_chatter(m);
}

static void command_octet(struct line *l, char c)
{
    if (l->echo)
        put(l, &c, 1);
    if (c == '\b' && l->input.n)
        l->input.p[--l->input.n] = '\0';
    if (c == '\r') {
        struct str line = l->input;
        l->input = (struct str){0};
        str_puts(&line, "");
        at_line(l->m, line.p);
        str_free(&line);
    } else if ((uint8_t)c >= 0x20 && l->input.n < INPUT_MAX) {
        str_add(&l->input, &c, 1);
    }
}

static void pdu_octet(struct line *l, char c)
{
    if (l->echo)
        put(l, &c, 1);
    if (c == ESC) {
        l->input.n = 0;
        line_final(l->m, AT_OK);
    } else if (c == CTRL_Z) {
        at_pdu(l->m);
    } else if ((uint8_t)c > 0x20 && l->input.n < INPUT_MAX) {
        str_add(&l->input, &c, 1);
    }
}

static bool understands_at(const struct line *l)
{
    return l->iface->role == ROLE_AT || l->iface->role == ROLE_AT_PPP;
}

/* Octets at an unknown rate are noise until an A and a T show what it is. */
static size_t find_rate(struct modem *m, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        if (bytes[i] == 'A' && bytes[i + 1] == 'T') {
            m->at.synced = true;
            return i;
        }
    return n;
}

static void bytes_lost(struct line *l)
{
    struct modem *m = l->m;
    event_note(EV_BYTES_BUSY, m->index, "%s",
               l->mode == LINE_BUSY ? "while the SMS was on its way"
                                    : "before the prompt, or while it started");
    if (l->mode != LINE_BUSY || !m->profile->bytes_abort)
        return;
    timer_stop(&l->answer);
    line_final(m, AT_ERROR);
}

void line_input(struct line *l, const uint8_t *bytes, size_t n)
{
    struct modem *m = l->m;
    trace(l, '<', (const char *)bytes, n);
    if (fault_is_set(m->faults, FAULT_SILENCE) || !understands_at(l))
        return;
    bool lost = false;
    m->now = l;
    for (size_t i = m->at.synced ? 0 : find_rate(m, bytes, n); i < n && m->plugged; i++)
        if (l->mode == LINE_COMMAND)
            command_octet(l, (char)bytes[i]);
        else if (l->mode == LINE_PDU)
            pdu_octet(l, (char)bytes[i]);
        else
            lost = true;
    if (lost)
        bytes_lost(l);
}

/* A receiver's sentences (NMEA 0183), for a port that is not the right one. */
static void position(void *arg)
{
    struct line *l = arg;
    put_text(l, "$GPGSV,1,1,00*79\r\n$GPRMC,,V,,,,,,,,,,N*53\r\n");
    timer_set(&l->talk, 1000000, position, l);
}

void line_opened(struct line *l)
{
    if (l->iface->role == ROLE_NMEA)
        position(l);
}

void line_closed(struct line *l)
{
    timer_stop(&l->talk);
}

static void line_reset(struct line *l, enum line_mode mode)
{
    l->input.n = 0;
    l->out.n = l->out_at = 0;
    l->hold_until_us = l->gap_us = 0;
    l->mode = mode;
    l->chattering = l->hold = false;
    l->echo = l->verbose = true;
    l->quiet = false;
    l->cmee = 0;
    timer_stop(&l->drip);
    timer_stop(&l->answer);
}

void line_reset_all(struct modem *m, enum line_mode mode)
{
    for (int i = 0; i < m->line_n; i++)
        line_reset(&m->lines[i], mode);
    m->asking = NULL;
}

void line_free(struct line *l)
{
    line_reset(l, LINE_COMMAND);
    line_closed(l);
    port_close(l);
    port_free(&l->port);
    str_free(&l->out);
    str_free(&l->input);
}
