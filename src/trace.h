/* trace.h - the dialogue of one modem, for those who listen: a bounded list of lines, each plain and masked.
 * Refuses to know AT and HTTP.
 * Promises: without a listener nothing is kept; a slow listener loses lines and is told how many, nobody waits for
 * one.  Any thread. */
#ifndef SMSBRIDGE_TRACE_H
#define SMSBRIDGE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

struct trace;

/* NULL: no memory.  The maker holds it. */
struct trace *trace_new(void);
struct trace *trace_hold(struct trace *t);
void trace_drop(struct trace *t); /* the last one frees; NULL is fine */

/* Does anybody listen?  Never blocks. */
bool trace_wanted(const struct trace *t);
/* A line without its end, as it is and masked.  What there is no memory for counts as lost. */
void trace_add(struct trace *t, const char *plain, const char *masked);

/* From now on.  news(ctx) is called after each line, on the thread that added it, with the trace's lock held: it
 * must not call back. All listeners of one trace name the same news and ctx. */
uint64_t trace_listen(struct trace *t, void (*news)(void *ctx), void *ctx);
void trace_leave(struct trace *t);
/* Lines from *next on, "line\n" each, "# N lines lost\n" in front where it was too slow; *next moves on.
 * ERR_EMPTY: none. */
enum err trace_read(struct trace *t, uint64_t *next, bool masked, struct buf *out) MUST_CHECK;

#endif
