/* pulse.c - which threads still look around.
 * Knows nobody above it.  Promises: no memory is allocated; the list is locked, a beat is not. */
#include "pulse.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/queue.h>

#include "clock.h"

#define SLICE_MS 1000

struct pulse {
    TAILQ_ENTRY(pulse) link;
    bool begun;
    char name[PULSE_NAME_MAX];
    _Atomic int64_t beat_ms; /* of clk_mono_ms(); may lie ahead: pulse_allow() */
};

static TAILQ_HEAD(, pulse) pulses = TAILQ_HEAD_INITIALIZER(pulses);
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local struct pulse mine;

void pulse_begin(const char *name)
{
    pthread_mutex_lock(&lock);
    snprintf(mine.name, sizeof mine.name, "%s", name);
    pulse_allow(0);
    if (!mine.begun)
        TAILQ_INSERT_TAIL(&pulses, &mine, link);
    mine.begun = true;
    pthread_mutex_unlock(&lock);
}

void pulse_end(void)
{
    pthread_mutex_lock(&lock);
    if (mine.begun)
        TAILQ_REMOVE(&pulses, &mine, link);
    mine.begun = false;
    pthread_mutex_unlock(&lock);
}

void pulse_beat(void)
{
    if (mine.begun)
        pulse_allow(0);
}

void pulse_allow(int64_t ms)
{
    atomic_store_explicit(&mine.beat_ms, clk_mono_ms() + ms, memory_order_relaxed);
}

int pulse_poll(struct pollfd *fds, nfds_t count, int ms)
{
    int n;
    do {
        int slice = ms >= 0 && ms < SLICE_MS ? ms : SLICE_MS;
        pulse_beat();
        n = poll(fds, count, slice);
        ms = ms < 0 ? ms : ms - slice;
    } while (n == 0 && ms != 0);
    return n;
}

enum err pulse_check(int64_t limit_ms, char who[PULSE_NAME_MAX])
{
    struct pulse *p;
    enum err e = OK;
    int64_t oldest_ms = clk_mono_ms() - limit_ms;
    pthread_mutex_lock(&lock);
    TAILQ_FOREACH(p, &pulses, link)
    {
        if (atomic_load_explicit(&p->beat_ms, memory_order_relaxed) < oldest_ms) {
            snprintf(who, PULSE_NAME_MAX, "%s", p->name);
            e = ERR_TIMEOUT;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    return e;
}
