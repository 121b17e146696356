/* One epoll loop, its timers and its clocks.  Knows no modem and no network.
   Promises: single-threaded; a watch or timer removed inside a callback is never called again. */
#ifndef SIM_LOOP_H
#define SIM_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct watch {
    int fd; /* -1: not watched */
    void (*fn)(void *arg, uint32_t events);
    void *arg;
};

struct timer {
    int64_t at_us;
    void (*fn)(void *arg);
    void *arg;
    unsigned place; /* 1-based in the heap; 0: not set */
};

int loop_open(void); /* 0, or -1 with errno */
void loop_close(void);
int loop_watch(struct watch *w, int fd, uint32_t events, void (*fn)(void *, uint32_t), void *arg);
void loop_change(struct watch *w, uint32_t events);
void loop_unwatch(struct watch *w); /* does not close the descriptor */

void timer_set(struct timer *t, int64_t delay_us, void (*fn)(void *), void *arg);
void timer_stop(struct timer *t);

/* Runs until *stop; after_each is called once after every round of events. */
void loop_run(const volatile bool *stop, void (*after_each)(void));

int64_t loop_now_us(void);  /* monotonic, now */
int64_t loop_wall_us(void); /* since 1970, now */

#endif
