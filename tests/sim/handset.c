/* Handsets and their messages, see handset.h.
   Refuses to know how an SMS came here.
   Promises that a number is found by hash and a set of parts among at most OPEN_MAX unfinished ones. */
#include "handset.h"
#include "loop.h"
#include "net.h"

#include <stdlib.h>
#include <string.h>

enum { OPEN_MAX = 64 };

static struct handset **bucket;
static size_t buckets, handsets;
static struct message *oldest, *newest;
static size_t kept, keep = 200000;

void handset_keep(size_t messages)
{
    keep = messages ? messages : 1;
}

size_t handset_messages_kept(void)
{
    return kept;
}

static size_t hash_of(const char *number)
{
    uint64_t h = 14695981039346656037u;
    for (const char *p = number; *p; p++)
        h = (h ^ (uint8_t)*p) * 1099511628211u;
    return (size_t)(h ^ h >> 29);
}

struct handset *handset_find(const char *number)
{
    struct handset *h = buckets ? bucket[hash_of(number) % buckets] : NULL;
    while (h && strcmp(h->number, number) != 0)
        h = h->next;
    return h;
}

static void buckets_grow(void)
{
    size_t wider = buckets ? buckets * 2 : 1024;
    struct handset **next = sim_alloc(wider * sizeof(struct handset *));
    for (size_t i = 0; i < buckets; i++)
        for (struct handset *h = bucket[i], *after; h; h = after) {
            size_t at = hash_of(h->number) % wider;
            after = h->next;
            h->next = next[at];
            next[at] = h;
        }
    free(bucket);
    bucket = next;
    buckets = wider;
}

struct handset *handset_of(const char *number)
{
    struct handset *h = handset_find(number);
    if (h)
        return h;
    if (handsets >= buckets)
        buckets_grow();
    h = sim_alloc(sizeof *h);
    memcpy(h->number, number, strnlen(number, sizeof h->number - 1));
    size_t at = hash_of(h->number) % buckets;
    h->next = bucket[at];
    bucket[at] = h;
    handsets++;
    return h;
}

static void open_drop(struct message *m)
{
    for (struct message **at = &m->of->open; *at; at = &(*at)->next_open)
        if (*at == m) {
            *at = m->next_open;
            return;
        }
}

static void message_free(struct message *m)
{
    for (struct part *p = m->parts, *next; p; p = next) {
        next = p->next;
        if (p->pending)
            net_part_gone(p->pending);
        free(p);
    }
    free(m);
}

/* The oldest of all is also the oldest of its handset. */
static void message_forget(struct message *m)
{
    struct handset *h = m->of;
    open_drop(m);
    oldest = m->newer;
    if (oldest)
        oldest->older = NULL;
    else
        newest = NULL;
    h->messages[h->front++] = NULL;
    kept--;
    if (h->front * 2 > h->n) {
        memmove(h->messages, h->messages + h->front, (h->n - h->front) * sizeof(struct message *));
        h->base += (long)h->front;
        h->n -= h->front;
        h->front = 0;
    }
    message_free(m);
}

static struct message *message_new(struct handset *h, int modem, const struct gsm_sms *sms)
{
    struct message *m = sim_alloc(sizeof *m);
    if (h->n == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 1;
        h->messages = sim_grow(h->messages, h->cap * sizeof(struct message *));
    }
    m->of = h;
    m->index = h->base + (long)h->n;
    h->messages[h->n++] = m;
    m->older = newest;
    if (newest)
        newest->newer = m;
    else
        oldest = m;
    newest = m;
    m->parts_end = &m->parts;
    m->ref = sms->ref;
    m->ref16 = sms->ref16;
    m->total = (uint8_t)sms->total;
    m->sender = (int16_t)modem;
    if (++kept > keep)
        message_forget(oldest);
    return m;
}

static bool belongs(const struct message *m, int modem, const struct gsm_sms *sms)
{
    return m->sender == modem && m->ref == sms->ref && m->ref16 == sms->ref16 &&
           m->total == sms->total;
}

static struct message *message_for(struct handset *h, int modem, const struct gsm_sms *sms)
{
    unsigned open = 0;
    struct message *last = NULL;
    if (sms->total < 2)
        return message_new(h, modem, sms);
    for (struct message *m = h->open; m; m = m->next_open) {
        if (belongs(m, modem, sms))
            return m;
        open++;
        last = m;
    }
    if (open >= OPEN_MAX)
        open_drop(last);
    struct message *m = message_new(h, modem, sms);
    m->next_open = h->open;
    h->open = m;
    return m;
}

/* A part that is there already: a phone shows it once, we count it. */
static void note_duplicate(struct message *m, uint8_t seq)
{
    for (struct part *p = m->parts; p; p = p->next)
        if (p->seq == seq && p->duplicates < 255)
            p->duplicates++;
}

static bool has_part(const struct message *m, uint8_t seq)
{
    for (const struct part *p = m->parts; p; p = p->next)
        if (p->seq == seq)
            return true;
    return false;
}

struct part *handset_add(struct handset *h, int modem, uint8_t mr, const struct gsm_sms *sms,
                         const uint8_t *tpdu, size_t n)
{
    struct message *m = message_for(h, modem, sms);
    struct part *p = sim_alloc(sizeof *p + n);
    bool again = has_part(m, (uint8_t)sms->seq);
    if (again)
        note_duplicate(m, (uint8_t)sms->seq);
    else
        m->have++;
    *p = (struct part){.message = m, .modem = (int16_t)modem, .mr = mr, .seq = (uint8_t)sms->seq};
    p->wall_us = loop_wall_us();
    p->n = (uint8_t)n;
    memcpy(p->tpdu, tpdu, n);
    p->tpdu[1] = mr;
    *m->parts_end = p;
    m->parts_end = &p->next;
    if (m->have == m->total && m->total > 1)
        open_drop(m);
    return p;
}

void handset_part_state(struct part *p, enum part_state now)
{
    struct message *m = p->message;
    p->state = (uint8_t)now;
    if (now != PART_ARRIVED)
        return;
    for (const struct part *q = m->parts; q; q = q->next)
        if (q != p && q->seq == p->seq && q->state == PART_ARRIVED)
            return;
    if (++m->arrived == m->total)
        m->of->complete++;
}

struct message *handset_message(const struct handset *h, long index)
{
    long at = index - h->base;
    return at < (long)h->front || at >= (long)h->n ? NULL : h->messages[at];
}

long handset_end(const struct handset *h)
{
    return h->base + (long)h->n;
}

void handset_each(void (*fn)(struct handset *h, void *arg), void *arg)
{
    for (size_t i = 0; i < buckets; i++)
        for (struct handset *h = bucket[i]; h; h = h->next)
            fn(h, arg);
}

void handset_free_all(void)
{
    while (oldest)
        message_forget(oldest);
    for (size_t i = 0; i < buckets; i++)
        for (struct handset *h = bucket[i], *next; h; h = next) {
            next = h->next;
            free(h->messages);
            free(h);
        }
    free(bucket);
    bucket = NULL;
    buckets = 0;
}
