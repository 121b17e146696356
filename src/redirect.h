/* redirect.h - the links listener: a short link is opened, and the tap is recorded.
 * Knows no API route.  Promises: the first tap by a person is on disk before its 302; a failing disk never
 * costs the visitor anything; hits are never limited, misses are.
 * Feature: uses http, store, link, agent, url. */
#ifndef SMSBRIDGE_REDIRECT_H
#define SMSBRIDGE_REDIRECT_H

#include <stdbool.h>

#include "err.h"
#include "http.h"
#include "store.h"
#include "url.h"

struct redirect_options {
    struct store *store; /* outlives the listener */
    const char *listen;  /* as in http.h */
    const char *tls_cert, *tls_key;
    bool count_tools;                /* a bare library's fetch counts as a person's */
    struct url_nets trusted_proxies; /* X-Forwarded-For is believed from these only */
    unsigned connections_max;
};
struct redirect;

/* Listens and serves on a thread of its own.  why: HTTP_WHY_MAX bytes when not OK. */
enum err redirect_start(const struct redirect_options *o, struct redirect **out,
                        char *why) MUST_CHECK;
/* The listener, for its addresses. */
const struct http *redirect_http(const struct redirect *r);
/* Writes the counts that gathered, and first taps that the store refused before.  About once a second; any
 * one thread, never blocks. */
void redirect_flush(struct redirect *r);
/* Answers what runs, writes the last counts (waits for the store), frees.  NULL is fine. */
void redirect_stop(struct redirect *r);

#endif
