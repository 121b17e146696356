/* The log of the simulation, see event.h.
   Refuses to know what its events mean.
   Promises a ring that grows up to its limit and then forgets its oldest. */
#include "event.h"
#include "loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[EV_KINDS] = {
    "submit",
    "refused",
    "answer",
    "lost",
    "outcome",
    "report",
    "deliver",
    "ack",
    "nack",
    "ack-late",
    "held",
    "delete",
    "bytes-while-busy",
    "overflow",
    "unknown",
    "radio",
    "pin",
    "ussd",
    "fault",
    "hang",
    "cured",
    "unplug",
    "replug",
    "reset",
    "tap",
    "opened",
    "closed",
};

static struct event *ring;
static size_t cap, limit = 1000000;
static unsigned long first, end;
static unsigned long counts[EV_KINDS];

void event_limit(size_t most)
{
    limit = most < 16 ? 16 : most;
}

static struct event *slot_of(unsigned long seq)
{
    return &ring[seq % cap];
}

/* Twice as large, with every event at its own place modulo the new size. */
static void ring_grow(void)
{
    size_t wider = cap ? cap * 2 : 256;
    if (wider > limit)
        wider = limit;
    struct event *next = sim_alloc(wider * sizeof *next);
    for (unsigned long i = first; i < end; i++)
        next[i % wider] = *slot_of(i);
    free(ring);
    ring = next;
    cap = wider;
}

void event_add(const struct event *e, const char *note)
{
    if (end - first == cap && cap < limit)
        ring_grow();
    if (end - first == cap)
        free(slot_of(first++)->note);
    struct event *mine = slot_of(end++);
    *mine = *e;
    mine->wall_us = loop_wall_us();
    mine->note = note ? sim_dup(note) : NULL;
    counts[e->kind]++;
}

void event_note(enum ev kind, int modem, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    event_add(&(struct event){.kind = (uint8_t)kind, .modem = (int16_t)modem, .message = -1}, text);
}

void event_free(void)
{
    while (first < end)
        free(slot_of(first++)->note);
    free(ring);
    ring = NULL;
    cap = 0;
}

unsigned long event_count(enum ev kind)
{
    return counts[kind];
}

void event_counters(struct str *out)
{
    for (int k = 0; k < EV_KINDS; k++)
        str_int(out, names[k], (long long)counts[k]);
}

const char *event_name(enum ev kind)
{
    return names[kind];
}

enum ev event_kind(const char *name)
{
    int k = 0;
    while (k < EV_KINDS && strcmp(names[k], name) != 0)
        k++;
    return (enum ev)k;
}

unsigned long event_first(void)
{
    return first;
}

unsigned long event_end(void)
{
    return end;
}

const struct event *event_at(unsigned long seq)
{
    return seq >= first && seq < end ? slot_of(seq) : NULL;
}
