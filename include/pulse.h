/* pulse.h - which threads still look around: what the watchdog and /healthz judge by.
 * Knows nobody above it, and no reason: a thread that waits for a slow modem beats, one that hangs does not.
 * Promises: a beat is one store into the thread's own memory; a thread that never began has no part in it. */
#ifndef SMSBRIDGE_PULSE_H
#define SMSBRIDGE_PULSE_H

#include <poll.h>
#include <stdint.h>

#include "err.h"

#define PULSE_NAME_MAX 48

/* The calling thread is watched from now on, under this name ("modem stick"; cut at PULSE_NAME_MAX), until
 * pulse_end(), which it has to call before it ends.  Again: another name. */
void pulse_begin(const char *name);
void pulse_end(void);
/* The calling thread looks around: call it around every wait, and wait a second at most.  Nothing where it never began. */
void pulse_beat(void);
/* The same, before a call that no limit can be given to (a name server): its silence is fine for so long. */
void pulse_allow(int64_t ms);
/* poll(), in slices of a second with a beat before each; ms < 0: no end. */
int pulse_poll(struct pollfd *fds, nfds_t count, int ms);
/* ERR_TIMEOUT: a thread was silent for longer than limit_ms; who is its name, the one that began first.  Any thread. */
enum err pulse_check(int64_t limit_ms, char who[PULSE_NAME_MAX]) MUST_CHECK;

#endif
