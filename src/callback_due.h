/* callback_due.h - the callbacks that are due and wait for a slot, some of each host; callback*.c only.
 * Refuses to know how they are posted.
 * Promises: bounded whatever the outbox holds; the backlog of one host hides no other host's rows. */
#ifndef SMSBRIDGE_CALLBACK_DUE_H
#define SMSBRIDGE_CALLBACK_DUE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "store.h"

struct due { /* one block of memory */
    struct due *next;
    int64_t id;
    enum store_callback_kind kind;
    unsigned tries;
    char *webhook_id, *account, *msgid, *url;
    char *host; /* host:port */
    char *body; /* NULL until the first try */
};

struct due_list {
    struct due *first, **end;
    unsigned n;
    int64_t pause_ms; /* before a first try */
    bool (*is_running)(void *ctx, int64_t id);
    void *ctx;

    bool more;         /* the last look left due rows in the store */
    bool cut;          /* it did not see all of them: a deep one may find another host's */
    int64_t looked_ms; /* monotonic: when the last look ended */
    int64_t deep_ms;   /* monotonic: no deep look before */
    int64_t again_ms; /* monotonic: when the next row is due; a second from the last look at most */
    int64_t now_ms;   /* wall, of the look */
};

/* is_running: rows that a slot holds already. */
void due_init(struct due_list *l, int64_t pause_ms, bool (*is_running)(void *ctx, int64_t id),
              void *ctx);
void due_clear(struct due_list *l);
/* Fills the list anew from the store.  The store's errors; the list is empty then. */
enum err due_look(struct due_list *l, struct store_reader *r) MUST_CHECK;
/* The oldest whose host may have one more POST; the caller's from now on: free().  NULL: none. */
struct due *due_take(struct due_list *l, bool (*host_has_room)(void *ctx, const char *host),
                     void *ctx);
bool due_has_host(const struct due_list *l, const char *host);
/* Look at wall_ms at the latest. */
void due_not_later(struct due_list *l, int64_t wall_ms);
/* 0 to 10 % more than the pause, the same for a callback and a try however often it is asked. */
int64_t due_stretched(int64_t pause_ms, int64_t id, unsigned tries);

#endif
