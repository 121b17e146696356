/* at_trace.c - what went over the wire as lines of a transcript.
 * Knows neither descriptor nor dialogue.
 * Promises: the pieces joined are exactly the bytes; one piece, one line of text; no PIN in it. */
#include "at_trace.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

void at_trace_flush(struct at_trace *t, const struct at_handler *h)
{
    if (h->trace && t->len)
        h->trace(h->ctx, '<', t->piece, t->len);
    t->len = 0;
}

static bool only_line_ends(const char *s, size_t n)
{
    while (n && (s[n - 1] == '\r' || s[n - 1] == '\n'))
        n--;
    return n == 0;
}

/* A piece ends with its LF; the CR LF before an answer (V.250 5.7.1) belongs to the answer's piece. */
void at_trace_heard(struct at_trace *t, const struct at_handler *h, const char *bytes, size_t n)
{
    if (!h->trace)
        return;
    for (size_t i = 0; i < n; i++) {
        t->piece[t->len++] = bytes[i];
        if (t->len == sizeof t->piece || (bytes[i] == '\n' && !only_line_ends(t->piece, t->len)))
            at_trace_flush(t, h);
    }
}

void at_trace_said(struct at_trace *t, const struct at_handler *h, const char *bytes, size_t n)
{
    if (!h->trace)
        return;
    at_trace_flush(t, h);
    h->trace(h->ctx, '>', bytes, n);
}

/* ---- the transcript format ---- */

static const char *escape_of(unsigned char c, char hex[5])
{
    static const char *const named[256] = {
        ['\r'] = "\\r", ['\n'] = "\\n", ['\t'] = "\\t", ['\\'] = "\\\\"};
    if (named[c])
        return named[c];
    snprintf(hex, 5, c >= ' ' && c < 0x7F ? "%c" : "\\x%02x", c);
    return hex;
}

/* "+CPIN=" or "+CLCK=" begins at s: its digits are somebody's secret. */
static bool starts_secret(const char *s, size_t n)
{
    static const char *const names[] = {"+CPIN=", "+CLCK=", "+CPWD="};
    char head[7] = "";
    if (n < sizeof head - 1)
        return false;
    memcpy(head, s, sizeof head - 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_equal_nocase(head, names[i]))
            return true;
    return false;
}

void at_trace_format(char direction, const char *bytes, size_t n, char *out, size_t size)
{
    bool secret = false;
    char hex[5];
    size_t len = (size_t)snprintf(out, size, "%c ", direction);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        secret = secret || starts_secret(bytes + i, n - i);
        const char *text = secret && c >= '0' && c <= '9' ? "*" : escape_of(c, hex);
        size_t text_len = strlen(text);
        if (len + text_len >= size)
            break;
        memcpy(out + len, text, text_len + 1);
        len += text_len;
    }
}
