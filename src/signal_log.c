/* signal_log.c - a ring of signal samples. */
#include "signal_log.h"

#include "clock.h"

#define STEP_S 60
#define DAY_S  (CLK_DAY_MS / 1000)

void signal_log_add(struct signal_log *l, int64_t now_ms, int16_t dbm)
{
    int64_t now_s = now_ms / 1000;
    size_t last = (l->next + SIGNAL_LOG_MAX - 1) % SIGNAL_LOG_MAX;
    if (l->n && now_s >= l->sample[last].at_s && now_s < l->sample[last].at_s + STEP_S)
        return;
    l->sample[l->next] = (struct signal_sample){now_s, dbm};
    l->next = (l->next + 1) % SIGNAL_LOG_MAX;
    l->n += l->n < SIGNAL_LOG_MAX;
}

size_t signal_log_copy(const struct signal_log *l, int64_t now_ms, struct signal_sample *out)
{
    int64_t now_s = now_ms / 1000;
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct signal_sample *s =
            &l->sample[(l->next + SIGNAL_LOG_MAX - l->n + i) % SIGNAL_LOG_MAX];
        if (s->at_s <= now_s && s->at_s > now_s - DAY_S)
            out[n++] = *s;
    }
    return n;
}
