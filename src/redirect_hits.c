/* redirect_hits.c - counts on their way to the store.
 * Knows no HTTP.  Promises: bounded memory; what the store refuses is kept for the next flush. */
#include "redirect_hits.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"

#define HITS_MAX  1024 /* links with news between two flushes; then it is flushed at once */
#define FIRST_MAX 4096 /* first taps kept while the disk fails */

struct first_tap {
    int64_t link, at_ms;
};
struct redirect_hits {
    struct store *store;
    pthread_mutex_t lock; /* guards all below; never held over a call of the store */
    pthread_cond_t idle;
    unsigned on_the_way; /* batches and first taps that the store has not answered */
    size_t n;
    struct store_hit hit[HITS_MAX];
    size_t firsts;
    struct first_tap first[FIRST_MAX];
};
/* What the store is told, until it answers. */
struct batch {
    struct redirect_hits *owner;
    struct first_tap first;
    size_t n;
    struct store_hit hit[];
};

struct redirect_hits *redirect_hits_new(struct store *store)
{
    struct redirect_hits *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->store = store;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&h->idle, &attr);
    pthread_condattr_destroy(&attr);
    return h;
}

/* Adds to the link's row; false: there is no room for another link.  Under the lock. */
static bool add(struct redirect_hits *h, const struct store_hit *hit)
{
    for (size_t i = h->n; i > 0; i--) { /* the newest first: taps come in bursts */
        struct store_hit *known = &h->hit[i - 1];
        if (known->link == hit->link) {
            known->clicks += hit->clicks;
            known->bots += hit->bots;
            return true;
        }
    }
    if (h->n == HITS_MAX)
        return false;
    h->hit[h->n++] = *hit;
    return true;
}

static void answered(struct redirect_hits *h)
{
    h->on_the_way--;
    if (h->on_the_way == 0)
        pthread_cond_broadcast(&h->idle);
}

/* On the store's thread. */
static void batch_done(void *ctx, enum err result)
{
    struct batch *b = ctx;
    struct redirect_hits *h = b->owner;
    size_t lost = 0;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; result && i < b->n; i++)
        lost += !add(h, &b->hit[i]);
    answered(h);
    pthread_mutex_unlock(&h->lock);
    if (lost)
        log_error("redirect", "counts of %zu links lost: the store refuses them", lost);
    free(b);
}

/* Takes what gathered out of h; NULL: nothing, or no memory (then it stays).  Under the lock. */
static struct batch *take_batch(struct redirect_hits *h)
{
    struct batch *b = h->n ? malloc(sizeof *b + h->n * sizeof b->hit[0]) : NULL;
    if (!b)
        return NULL;
    b->owner = h;
    b->n = h->n;
    memcpy(b->hit, h->hit, h->n * sizeof *h->hit);
    h->n = 0;
    h->on_the_way++;
    return b;
}

static void send_batch(struct redirect_hits *h, struct batch *b)
{
    if (b)
        store_hits(h->store, b->hit, b->n, batch_done, b);
}

void redirect_hits_count(struct redirect_hits *h, int64_t link, unsigned clicks, unsigned bots)
{
    struct store_hit hit = {.link = link, .clicks = clicks, .bots = bots};
    struct batch *full = NULL;
    pthread_mutex_lock(&h->lock);
    if (!add(h, &hit)) {
        full = take_batch(h);
        add(h, &hit);
    }
    pthread_mutex_unlock(&h->lock);
    send_batch(h, full);
}

/* The earliest tap of a link is its first; one that the cache had forgotten meanwhile is a later tap.  False: no room.
 * Under the lock. */
static bool keep(struct redirect_hits *h, int64_t link, int64_t at_ms)
{
    for (size_t i = 0; i < h->firsts; i++) {
        struct first_tap *known = &h->first[i];
        if (known->link != link)
            continue;
        known->at_ms = at_ms < known->at_ms ? at_ms : known->at_ms;
        return add(h, &(struct store_hit){.link = link, .clicks = 1});
    }
    if (h->firsts == FIRST_MAX)
        return false;
    h->first[h->firsts++] = (struct first_tap){.link = link, .at_ms = at_ms};
    return true;
}

void redirect_hits_keep_first(struct redirect_hits *h, int64_t link, int64_t at_ms)
{
    pthread_mutex_lock(&h->lock);
    bool kept = keep(h, link, at_ms);
    pthread_mutex_unlock(&h->lock);
    if (!kept)
        log_error("redirect", "a tap is lost: link=%lld, the store refuses too many",
                  (long long)link);
}

/* On the store's thread. */
static void first_done(void *ctx, enum err result)
{
    struct batch *b = ctx;
    struct redirect_hits *h = b->owner;
    if (result && result != ERR_NOT_FOUND)
        redirect_hits_keep_first(h, b->first.link, b->first.at_ms);
    pthread_mutex_lock(&h->lock);
    answered(h);
    pthread_mutex_unlock(&h->lock);
    free(b);
}

/* One kept first tap on its way again; false: none left, or no memory. */
static bool retry_first(struct redirect_hits *h)
{
    pthread_mutex_lock(&h->lock);
    struct batch *b = h->firsts ? malloc(sizeof *b) : NULL;
    if (b) {
        b->owner = h;
        b->first = h->first[--h->firsts];
        h->on_the_way++;
    }
    pthread_mutex_unlock(&h->lock);
    if (!b)
        return false;
    store_click(h->store, b->first.link, b->first.at_ms, NULL, first_done, b);
    return true;
}

void redirect_hits_flush(struct redirect_hits *h)
{
    pthread_mutex_lock(&h->lock);
    size_t firsts = h->firsts;
    struct batch *b = take_batch(h);
    pthread_mutex_unlock(&h->lock);
    send_batch(h, b);
    while (firsts-- > 0 && retry_first(h))
        ;
}

void redirect_hits_free(struct redirect_hits *h)
{
    struct timespec until;
    if (!h)
        return;
    redirect_hits_flush(h);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 5;
    pthread_mutex_lock(&h->lock);
    while (h->on_the_way && pthread_cond_timedwait(&h->idle, &h->lock, &until) == 0)
        ;
    bool idle = h->on_the_way == 0;
    pthread_mutex_unlock(&h->lock);
    if (!idle)
        return; /* the store is stuck: it may still call back, so the memory stays */
    pthread_cond_destroy(&h->idle);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
