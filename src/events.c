/* events.c - a ring of what happened lately.
 * Refuses to know who watches.  Promises: see events.h. */
#include "events.h"

#include <pthread.h>
#include <stdlib.h>

#define IDS_A_MS 1000 /* numbers begin with the time, so that a later process's are higher */

struct events {
    pthread_mutex_t lock; /* guards all */
    uint64_t first, newest;
    int watchers;
    void (*news)(void *ctx);
    void *news_ctx;
    struct event kept[EVENTS_KEPT]; /* number n is at n modulo EVENTS_KEPT */
};

const char *event_kind_str(enum event_kind k)
{
    static const char *const names[] = {
        [EVENT_MESSAGE] = "message", [EVENT_TAP] = "tap",   [EVENT_INBOX] = "inbox",
        [EVENT_MODEM] = "modem",     [EVENT_CALL] = "call", [EVENT_USSD] = "ussd",
    };
    return names[k];
}

struct events *events_new(int64_t now_ms)
{
    struct events *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    pthread_mutex_init(&e->lock, NULL);
    e->newest = (uint64_t)now_ms * IDS_A_MS;
    e->first = e->newest + 1;
    return e;
}

void events_free(struct events *e)
{
    if (!e)
        return;
    pthread_mutex_destroy(&e->lock);
    free(e);
}

void events_add(struct events *e, const struct event *what)
{
    pthread_mutex_lock(&e->lock);
    struct event *place = &e->kept[++e->newest % EVENTS_KEPT];
    *place = *what;
    place->id = e->newest;
    if (e->newest - e->first >= EVENTS_KEPT)
        e->first++;
    if (e->watchers > 0 && e->news)
        e->news(
            e->news_ctx); /* under the lock, so that nobody is told after events_on_news(NULL) */
    pthread_mutex_unlock(&e->lock);
}

enum err events_next(struct events *e, uint64_t after, struct event *out)
{
    enum err result = OK;
    pthread_mutex_lock(&e->lock);
    if (after + 1 < e->first || after > e->newest)
        result = ERR_RANGE;
    else if (after == e->newest)
        result = ERR_EMPTY;
    else
        *out = e->kept[(after + 1) % EVENTS_KEPT];
    pthread_mutex_unlock(&e->lock);
    return result;
}

uint64_t events_newest(struct events *e)
{
    pthread_mutex_lock(&e->lock);
    uint64_t newest = e->newest;
    pthread_mutex_unlock(&e->lock);
    return newest;
}

void events_on_news(struct events *e, void (*news)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&e->lock);
    e->news = news;
    e->news_ctx = ctx;
    pthread_mutex_unlock(&e->lock);
}

void events_watchers(struct events *e, int change)
{
    pthread_mutex_lock(&e->lock);
    e->watchers += change;
    pthread_mutex_unlock(&e->lock);
}
