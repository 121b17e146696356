/* probe.h - does a port speak AT, and whose is it: one harmless question.
 * Refuses to know USB and who asks.  Sends ESC, AT, AT+CGSN and AT+GSN, and nothing else.
 * Promises: the port is closed again when it returns. */
#ifndef SMSBRIDGE_PROBE_H
#define SMSBRIDGE_PROBE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "modem.h"

struct probe {
    char path[MODEM_NODE_MAX];
    int listen_ms;              /* before anything is written: an answer may be under way */
    _Atomic int64_t until_ms;   /* clk_mono_ms(): the modem has answered by then; may be shortened meanwhile */
    atomic_bool stop;           /* end now; probe_stop() sets it */
    int wake_fd;                /* an eventfd of the caller's, for this probe alone */
    /* What came out. */
    char imei[MODEM_ID_MAX];    /* "": it answers, and does not tell */
    int late_mr;                /* of a "+CMGS: mr" that was heard; -1: none */
    char why[MODEM_TEXT_MAX];   /* a sentence, when not OK */
};

/* OK: it speaks AT.  ERR_TIMEOUT: it does not; ERR_CLOSED: unplugged, or stopped; ERR_BUSY: another program has it;
 * ERR_DENIED, ERR_NOT_FOUND, ERR_IO: the port cannot be opened. */
enum err probe_port(struct probe *p) MUST_CHECK;
/* Sets stop, and wakes the probe out of whatever it waits for.  Any thread, while wake_fd is open. */
void probe_stop(struct probe *p);

#endif
