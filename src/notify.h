/* notify.h - tells the service manager: ready, alive, stopping (sd_notify(3), the protocol alone).
 * Knows nobody above it.  Promises: without NOTIFY_SOCKET nothing happens; never blocks. */
#ifndef SMSBRIDGE_NOTIFY_H
#define SMSBRIDGE_NOTIFY_H

#include <stdint.h>

/* state: "READY=1", "WATCHDOG=1", "STOPPING=1", "STATUS=…".  Any thread. */
void notify_send(const char *state);
/* How often the service manager wants to hear WATCHDOG=1 (sd_watchdog_enabled(3)); 0: it does not watch this process. */
int64_t notify_watchdog_ms(void);

#endif
