/* store_route.h - which modem a message is for, and how many a modem may send; store*.c only.
 * Promises: see store_route.c and store_limit.c. */
#ifndef SMSBRIDGE_STORE_ROUTE_H
#define SMSBRIDGE_STORE_ROUTE_H

#include "store_private.h"

struct place {
    int64_t wanted; /* message.modem: what a part goes back to */
    int64_t owner;  /* part.modem: the same, or its keeper first */
};
/* Of a new message that is not pinned. */
enum err route_place(struct db *db, const char *sender, const char *recipient, int64_t now_ms,
                     struct place *out) MUST_CHECK;
/* A part that `modem` found in the queue of `owner`: *to is another owner when its recipient's keeper is to have it. */
enum err route_elsewhere(struct db *db, int64_t owner, int64_t tail, int64_t modem, int64_t avoid,
                         int64_t now_ms, int64_t *to) MUST_CHECK;
/* The modem asks for a part.  *free_ms: not before then, by its limits. */
enum err route_claims(struct db *db, int64_t modem, int64_t now_ms, int64_t *free_ms) MUST_CHECK;
/* One after another, the routes whose parts it may take and that may have any: *at is 0 at first. */
bool route_next(struct db *db, int64_t modem, int64_t now_ms, size_t *at, int64_t *owner);
/* No queued part has that owner. */
void route_is_empty(struct db *db, int64_t owner);
/* Where a part goes that `modem` could not send: the same, or anybody's where nobody else that is ready prefers it. */
int64_t route_without(struct db *db, int64_t owner, int64_t modem);
/* A part was put back into the queue of that owner. */
void route_filled(struct db *db, int64_t owner);
/* That modem serves that number from now on, or is not to. */
void route_served(struct db *db, int64_t tail, int64_t modem);
void route_not_served(struct db *db, int64_t tail, int64_t modem);
bool route_limited(struct db *db, int64_t modem);

/* ---- limits (store_limit.c) ---- */
/* From when on the modem may send one more, 0 or earlier than now: at once.  Limits of 0: none. */
enum err limit_free(struct db *db, int64_t modem, unsigned per_minute, unsigned per_day,
                    int64_t now_ms, int64_t *free_ms) MUST_CHECK;
/* One more was sent at that time, or (-1) was not sent after all. */
enum err limit_count(struct db *db, int64_t modem, int64_t at_ms, int n) MUST_CHECK;

#endif
