/* modem_trace.c - the dialogue for those who want to see it: the log at level trace, and listeners.
 * Knows no command.  Promises: a PIN is in neither; while nobody wants it nothing is written. */
#include <string.h>

#include "log.h"
#include "modem_private.h"

#define PIECE_MAX (AT_LINE_MAX + 1)
#define TEXT_MAX  (4 * PIECE_MAX + 4) /* \xNN for each byte */

/* A dialogue of its own begins when somebody begins to listen. */
static bool listened_to(struct modem *m)
{
    bool now = m->hooks.traced && m->hooks.traced(m->ctx);
    if (now && !m->tracing)
        m->mask[0] = m->mask[1] = (struct at_mask){0};
    m->tracing = now;
    return now;
}

void modem_trace(void *ctx, char direction, const char *bytes, size_t n)
{
    struct modem *m = ctx;
    char copy[PIECE_MAX], plain[TEXT_MAX], masked[TEXT_MAX];
    bool logged = log_level() >= LOG_LVL_TRACE, heard = listened_to(m);
    size_t len = n < sizeof copy ? n : sizeof copy;
    if (!logged && !heard)
        return;
    memcpy(copy, bytes, len);
    at_mask_secrets(&m->mask[0], direction, copy, len);
    at_trace_format(direction, copy, len, plain, sizeof plain);
    if (logged)
        log_trace("trace", "%s %s", m->config.name, plain);
    if (!heard)
        return;
    memcpy(copy, bytes, len);
    at_mask_all(&m->mask[1], direction, copy, len);
    at_trace_format(direction, copy, len, masked, sizeof masked);
    m->hooks.trace(m->ctx, plain, masked);
}
