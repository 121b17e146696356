/* signal_log.h - a modem's signal over the last day, a sample a minute.
 * Refuses to know modems.  Flat: whoever owns it locks it. */
#ifndef SMSBRIDGE_SIGNAL_LOG_H
#define SMSBRIDGE_SIGNAL_LOG_H

#include <stddef.h>
#include <stdint.h>

#define SIGNAL_LOG_MAX 1440

struct signal_sample {
    int64_t at_s; /* wall clock, seconds */
    int16_t dbm;
};
struct signal_log {
    struct signal_sample sample[SIGNAL_LOG_MAX];
    size_t next, n;
};

/* Keeps it when a minute has gone by since the last one (or the clock was set back). */
void signal_log_add(struct signal_log *l, int64_t now_ms, int16_t dbm);
/* Those of the last day, the oldest first; returns how many.  out: SIGNAL_LOG_MAX. */
size_t signal_log_copy(const struct signal_log *l, int64_t now_ms, struct signal_sample *out);

#endif
