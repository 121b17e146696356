/* events.h - what happened lately, numbered, for those who watch.
 * Refuses to know who watches, and how it is told.
 * Promises: adding never waits for a watcher; one that fell behind is told so; a number is never used twice, not
 * even by the next process.  Any thread. */
#ifndef SMSBRIDGE_EVENTS_H
#define SMSBRIDGE_EVENTS_H

#include <stdint.h>

#include "err.h"
#include "modem.h"

#define EVENTS_KEPT 2048

enum event_kind { EVENT_MESSAGE, EVENT_TAP, EVENT_INBOX, EVENT_MODEM, EVENT_CALL, EVENT_USSD };
const char *event_kind_str(enum event_kind k);

struct event {
    uint64_t id;   /* given by events_add() */
    int64_t at_ms; /* wall clock */
    enum event_kind kind;
    int64_t row;                /* MESSAGE, TAP, INBOX: as in struct store_event */
    char modem[MODEM_NAME_MAX]; /* the others: whose */
    enum modem_state state;     /* MODEM */
    char text[MODEM_TEXT_MAX];  /* MODEM: why; CALL: who; USSD: what it says */
};

struct events;
/* NULL: no memory. */
struct events *events_new(int64_t now_ms);
void events_free(struct events *e); /* NULL is fine */
/* Copied; the number is ours.  Never blocks. */
void events_add(struct events *e, const struct event *what);
/* The one after `after`.  ERR_EMPTY: none yet.  ERR_RANGE: some after it are gone; go on from events_newest(). */
enum err events_next(struct events *e, uint64_t after, struct event *out) MUST_CHECK;
uint64_t events_newest(struct events *e);
/* While somebody watches, news() is called on each adding thread: must not block, nor call events_*(). */
void events_on_news(struct events *e, void (*news)(void *ctx), void *ctx);
/* One more (1) or one less (-1). */
void events_watchers(struct events *e, int change);

#endif
