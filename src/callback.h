/* callback.h - the outbox is posted: delivery, click and inbox callbacks, one thread.
 * Refuses to know what makes a row, and what a receiver does with it.
 * Promises: the counter is on disk before each POST, ten POSTs at most whatever crashes; only status 200 is
 * received; no address that the policy refuses is ever opened; one slow receiver holds up nobody.
 * Feature: uses store, status, accounts, hash, url. */
#ifndef SMSBRIDGE_CALLBACK_H
#define SMSBRIDGE_CALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts.h"
#include "err.h"
#include "store.h"
#include "url.h"

#define CALLBACK_TRIES_MAX 10 /* the seed: up to a maximum of ten times */
#define CALLBACK_HOST_MAX  4  /* at once to a host:port */
#define CALLBACK_ALL_MAX   32 /* at once in all */

struct callback_options {
    struct store *store;                  /* outlives the thread, as does what else is pointed to */
    const struct accounts *accounts;      /* whose webhook secrets sign */
    bool form;                            /* flat form fields instead of JSON */
    unsigned tries;                       /* 1 to CALLBACK_TRIES_MAX */
    int64_t pause_ms[CALLBACK_TRIES_MAX]; /* before the first try, the second, … */
    int timeout_ms;                       /* of one POST, connecting included */
    struct url_policy policy;             /* own listeners included */
};
struct callback;

/* Once, before any other thread: libcurl's own start.  ERR_NO_MEMORY, ERR_IO. */
enum err callback_init(void) MUST_CHECK;
/* Starts the thread.  options are copied.  ERR_NO_MEMORY, ERR_IO, ERR_RANGE (tries), the store's. */
enum err callback_start(const struct callback_options *options, struct callback **out) MUST_CHECK;
/* A hint: something may be due.  Any thread, never blocks.  NULL is fine. */
void callback_wake(struct callback *c);
/* Running POSTs get a short grace, what is still running then counts as failed.  Within 3 s.  NULL is fine. */
void callback_stop(struct callback *c);

struct callback_counts {
    uint64_t posts;    /* begun */
    uint64_t received; /* answered 200 */
    uint64_t failed;   /* tries that were not */
    uint64_t given_up; /* callbacks after their last try */
    unsigned running;  /* now */
};
/* Since the start.  Any thread. */
void callback_counts(const struct callback *c, struct callback_counts *out);

#endif
