/* metrics.c - what is counted and timed.
 * Knows nobody above it.  Promises: no lock and no memory where something is counted. */
#include "metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "modem.h"
#include "text.h"

#define MODEMS_MAX 512

struct metric_set {
    char modem[MODEM_NAME_MAX];
    size_t place;
    _Atomic uint64_t n[METRICS][METRIC_VALUES];
    struct {
        _Atomic uint64_t n[METRIC_BUCKETS];
        _Atomic uint64_t sum_us;
    } times[METRIC_TIMES];
};

static struct metric_set nobody;
static _Atomic(struct metric_set *) sets[MODEMS_MAX] = {&nobody};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of who adds one */

/* Upper limits in milliseconds, up to a 0. */
static const double limits_ms[METRIC_TIMES][METRIC_BUCKETS - 1] = {
    [METRIC_TIME_SEND] = {250, 500, 1e3, 2e3, 3e3, 5e3, 8e3, 12e3, 20e3, 40e3, 60e3, 120e3, 180e3},
    [METRIC_TIME_DELIVERY] = {1e3, 2e3, 5e3, 10e3, 20e3, 30e3, 60e3, 120e3, 300e3, 900e3, 3600e3,
                              6 * 3600e3, 24 * 3600e3, 72 * 3600e3},
    [METRIC_TIME_QUEUE] = {10, 100, 500, 1e3, 2e3, 5e3, 10e3, 30e3, 60e3, 300e3, 900e3, 3600e3,
                           6 * 3600e3, 24 * 3600e3},
    [METRIC_TIME_CALLBACK] = {5, 10, 25, 50, 100, 250, 500, 1e3, 2.5e3, 5e3, 10e3, 15e3},
    [METRIC_TIME_COMMIT] = {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1e3, 5e3},
};

struct metric_set *metrics_of(const char *modem)
{
    struct metric_set *set;
    size_t i = 0;
    for (; i < MODEMS_MAX && (set = atomic_load(&sets[i])) != NULL; i++)
        if (strcmp(set->modem, modem) == 0)
            return set;
    pthread_mutex_lock(&lock);
    for (; i < MODEMS_MAX && (set = atomic_load(&sets[i])) != NULL; i++)
        if (strcmp(set->modem, modem) == 0)
            break; /* somebody else made it meanwhile */
    if (i < MODEMS_MAX && !set && (set = calloc(1, sizeof *set)) != NULL) {
        (void)text_copy(set->modem, sizeof set->modem, modem);
        set->place = i;
        atomic_store(&sets[i], set);
    }
    pthread_mutex_unlock(&lock);
    return i < MODEMS_MAX && set ? set : &nobody;
}

void metrics_count_of(struct metric_set *set, enum metric m, unsigned value)
{
    if (value < METRIC_VALUES)
        atomic_fetch_add_explicit(&set->n[m][value], 1, memory_order_relaxed);
}

void metrics_time_of(struct metric_set *set, enum metric_time t, int64_t us)
{
    unsigned i = 0;
    if (us < 0)
        us = 0; /* the wall clock was set back */
    while (limits_ms[t][i] > 0 && (double)us > limits_ms[t][i] * 1000)
        i++;
    atomic_fetch_add_explicit(&set->times[t].n[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&set->times[t].sum_us, (uint64_t)us, memory_order_relaxed);
}

void metrics_count(enum metric m, unsigned value)
{
    metrics_count_of(&nobody, m, value);
}

void metrics_time(enum metric_time t, int64_t us)
{
    metrics_time_of(&nobody, t, us);
}

const struct metric_set *metrics_next(const struct metric_set *before)
{
    size_t i = before ? before->place + 1 : 0;
    return i < MODEMS_MAX ? atomic_load(&sets[i]) : NULL;
}

const char *metrics_modem(const struct metric_set *set)
{
    return set->modem;
}

uint64_t metrics_value(const struct metric_set *set, enum metric m, unsigned value)
{
    return atomic_load_explicit(&set->n[m][value], memory_order_relaxed);
}

void metrics_histogram(const struct metric_set *set, enum metric_time t,
                       struct metric_histogram *out)
{
    *out = (struct metric_histogram){0};
    while (limits_ms[t][out->buckets] > 0) {
        out->below_s[out->buckets] = limits_ms[t][out->buckets] / 1000;
        out->buckets++;
    }
    out->buckets++;
    for (unsigned i = 0; i < out->buckets; i++)
        out->n[i] = atomic_load_explicit(&set->times[t].n[i], memory_order_relaxed);
    out->sum_s = (double)atomic_load_explicit(&set->times[t].sum_us, memory_order_relaxed) / 1e6;
}
