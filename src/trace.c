/* trace.c - the dialogue of one modem, for those who listen.
 * Refuses to know AT and HTTP.  Promises: at most LINES_MAX lines are kept, none when the last listener left. */
#include "trace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 1024

struct line {
    char *plain, *masked; /* NULL: no memory for it */
};

struct trace {
    atomic_uint listeners;
    pthread_mutex_t lock; /* guards what follows */
    unsigned holders;
    void (*news)(void *ctx);
    void *ctx;
    uint64_t end; /* the next line's number; lines end - LINES_MAX and on are kept */
    struct line line[LINES_MAX];
};

struct trace *trace_new(void)
{
    struct trace *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    pthread_mutex_init(&t->lock, NULL);
    t->holders = 1;
    return t;
}

struct trace *trace_hold(struct trace *t)
{
    pthread_mutex_lock(&t->lock);
    t->holders++;
    pthread_mutex_unlock(&t->lock);
    return t;
}

static void forget(struct line *l)
{
    free(l->plain);
    free(l->masked);
    *l = (struct line){0};
}

static void forget_all(struct trace *t)
{
    for (size_t i = 0; i < LINES_MAX; i++)
        forget(&t->line[i]);
}

void trace_drop(struct trace *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    bool last = --t->holders == 0;
    pthread_mutex_unlock(&t->lock);
    if (!last)
        return;
    forget_all(t);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

bool trace_wanted(const struct trace *t)
{
    return atomic_load_explicit(&t->listeners, memory_order_relaxed) > 0;
}

void trace_add(struct trace *t, const char *plain, const char *masked)
{
    struct line new = {strdup(plain), strdup(masked)};
    if (!new.plain || !new.masked)
        forget(&new);
    pthread_mutex_lock(&t->lock);
    if (trace_wanted(t)) {
        struct line *l = &t->line[t->end++ % LINES_MAX];
        forget(l);
        *l = new;
        t->news(t->ctx);
    } else {
        forget(&new);
    }
    pthread_mutex_unlock(&t->lock);
}

uint64_t trace_listen(struct trace *t, void (*news)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&t->lock);
    t->news = news;
    t->ctx = ctx;
    atomic_fetch_add(&t->listeners, 1);
    uint64_t from = t->end;
    pthread_mutex_unlock(&t->lock);
    return from;
}

void trace_leave(struct trace *t)
{
    pthread_mutex_lock(&t->lock);
    if (atomic_fetch_sub(&t->listeners, 1) == 1)
        forget_all(t);
    pthread_mutex_unlock(&t->lock);
}

enum err trace_read(struct trace *t, uint64_t *next, bool masked, struct buf *out)
{
    uint64_t lost = 0;
    size_t before = out->len;
    pthread_mutex_lock(&t->lock);
    if (t->end > LINES_MAX && *next < t->end - LINES_MAX) {
        lost = t->end - LINES_MAX - *next;
        *next += lost;
        buf_addf(out, "# %llu lines lost\n", (unsigned long long)lost);
    }
    for (; *next < t->end; ++*next) {
        const struct line *l = &t->line[*next % LINES_MAX];
        const char *text = masked ? l->masked : l->plain;
        buf_addf(out, "%s\n", text ? text : "# 1 lines lost");
    }
    pthread_mutex_unlock(&t->lock);
    if (out->err)
        return out->err;
    return out->len == before ? ERR_EMPTY : OK;
}
