/* The event loop, see loop.h.
   Refuses to know what its descriptors are.
   Promises timers in order of their times, by a binary heap: a hundred thousand cost little. */
#include "loop.h"
#include "str.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64 };

static int epoll_fd = -1;
static struct epoll_event batch[BATCH];
static int batch_n;
static struct timer **heap;
static unsigned heap_n, heap_cap;

static int64_t clock_us(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t loop_now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

int64_t loop_wall_us(void)
{
    return clock_us(CLOCK_REALTIME);
}

int loop_open(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return epoll_fd < 0 ? -1 : 0;
}

void loop_close(void)
{
    if (epoll_fd >= 0)
        close(epoll_fd);
    epoll_fd = -1;
    free(heap);
    heap = NULL;
    heap_n = heap_cap = 0;
}

int loop_watch(struct watch *w, int fd, uint32_t events, void (*fn)(void *, uint32_t), void *arg)
{
    *w = (struct watch){.fd = fd, .fn = fn, .arg = arg};
    struct epoll_event ev = {.events = events, .data.ptr = w};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev)) {
        w->fd = -1;
        return -1;
    }
    return 0;
}

void loop_change(struct watch *w, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.ptr = w};
    if (w->fd >= 0)
        epoll_ctl(epoll_fd, EPOLL_CTL_MOD, w->fd, &ev);
}

void loop_unwatch(struct watch *w)
{
    if (w->fd < 0)
        return;
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    w->fd = -1;
    for (int i = 0; i < batch_n; i++)
        if (batch[i].data.ptr == w)
            batch[i].data.ptr = NULL;
}

static void heap_put(unsigned place, struct timer *t)
{
    heap[place - 1] = t;
    t->place = place;
}

static void heap_up(unsigned i, struct timer *t)
{
    for (; i > 1 && heap[i / 2 - 1]->at_us > t->at_us; i /= 2)
        heap_put(i, heap[i / 2 - 1]);
    heap_put(i, t);
}

static void heap_down(unsigned i, struct timer *t)
{
    for (unsigned child; (child = 2 * i) <= heap_n; i = child) {
        if (child < heap_n && heap[child]->at_us < heap[child - 1]->at_us)
            child++;
        if (heap[child - 1]->at_us >= t->at_us)
            break;
        heap_put(i, heap[child - 1]);
    }
    heap_put(i, t);
}

void timer_stop(struct timer *t)
{
    unsigned i = t->place;
    if (!i)
        return;
    t->place = 0;
    struct timer *last = heap[--heap_n];
    if (last == t)
        return;
    if (i > 1 && heap[i / 2 - 1]->at_us > last->at_us)
        heap_up(i, last);
    else
        heap_down(i, last);
}

void timer_set(struct timer *t, int64_t delay_us, void (*fn)(void *), void *arg)
{
    timer_stop(t);
    t->at_us = loop_now_us() + delay_us;
    t->fn = fn;
    t->arg = arg;
    if (heap_n == heap_cap) {
        heap_cap = heap_cap ? heap_cap * 2 : 64;
        heap = sim_grow(heap, heap_cap * sizeof *heap);
    }
    heap_up(++heap_n, t);
}

static void run_timers(void)
{
    int64_t now = loop_now_us();
    while (heap_n && heap[0]->at_us <= now) {
        struct timer *t = heap[0];
        timer_stop(t);
        t->fn(t->arg);
    }
}

/* Exact to the microsecond where the kernel can, as the daemon's lag behind us is measured. */
static int wait_events(void)
{
    int64_t us = heap_n ? heap[0]->at_us - loop_now_us() : 1000000;
    us = us < 0 ? 0 : us > 1000000 ? 1000000 : us;
    struct timespec ts = {.tv_nsec = us == 1000000 ? 0 : us * 1000, .tv_sec = us == 1000000};
    int n = epoll_pwait2(epoll_fd, batch, BATCH, &ts, NULL);
    if (n < 0 && errno == ENOSYS)
        n = epoll_wait(epoll_fd, batch, BATCH, (int)((us + 999) / 1000));
    return n;
}

void loop_run(const volatile bool *stop, void (*after_each)(void))
{
    while (!*stop) {
        batch_n = wait_events();
        for (int i = 0; i < batch_n; i++) {
            struct watch *w = batch[i].data.ptr;
            if (w)
                w->fn(w->arg, batch[i].events);
        }
        batch_n = 0;
        run_timers();
        after_each();
    }
}
