/* at_trace.h - what went over the wire, one whole line at a time, whatever the reads were.
 * Knows neither descriptor nor dialogue.  Promises: the pieces joined are exactly the bytes. */
#ifndef SMSBRIDGE_AT_TRACE_H
#define SMSBRIDGE_AT_TRACE_H

#include <stddef.h>

#include "at.h"

#define AT_TRACE_PIECE 1024

/* Collects what the modem says until a line is whole; nothing of it is touched while nobody traces. */
struct at_trace {
    size_t len;
    char piece[AT_TRACE_PIECE];
};

void at_trace_heard(struct at_trace *t, const struct at_handler *h, const char *bytes, size_t n);
/* What was collected goes first, so that both directions stay in order. */
void at_trace_said(struct at_trace *t, const struct at_handler *h, const char *bytes, size_t n);
void at_trace_flush(struct at_trace *t, const struct at_handler *h);

#endif
