/* api.h - the REST API: what api.md describes, on its own listeners and thread.
 * Refuses to know SQL, modems' ports and the configuration file.
 * Promises: a 201 goes out after the commit; authentication, then throttling, then validation; an account
 * sees only its own messages.  Feature: uses http, store, status, phone, link, url, hash. */
#ifndef SMSBRIDGE_API_H
#define SMSBRIDGE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "accounts.h"
#include "err.h"
#include "events.h"
#include "http.h"
#include "modem.h"
#include "signal_log.h"
#include "store.h"
#include "url.h"

struct trace; /* trace.h */

struct api_modem {
    char name[MODEM_NAME_MAX];
    struct modem_status status;
    uint64_t sent, failed, received; /* parts, since the daemon started */
    uint64_t calls;                  /* missed ones, since then */
    char last_caller[SMS_ADDR_MAX];  /* "": withheld */
    int64_t last_call_ms;
};

/* Pointers are borrowed and outlive the api, but for listen and the PEM paths. */
struct api_options {
    struct store *store;
    const char *listen, *tls_cert, *tls_key; /* as in http.h */
    unsigned connections_max;
    const struct accounts *accounts;
    const char *public_url;     /* "" or NULL: from the Host header */
    int rate;                   /* requests a second and account; 0: unlimited */
    const char *links_base_url; /* "https://s.example.com", no slash at its end */
    int64_t links_ms;           /* how long a short link leads somewhere */
    unsigned slug_length;
    bool national_shift; /* queue.national_shift */
    int64_t validity_ms;             /* of a message that does not say */
    const struct url_policy *policy; /* where callbacks may go */
    bool kannel; /* GET /cgi-bin/sendsms is served */
    const struct config_list *alertmanager_to;
    struct events *events;
    /* All called on the API's thread with ctx; they must not block. */
    bool (*modem_known)(void *ctx, const char *name);
    size_t (*modems)(void *ctx, struct api_modem *out, size_t max);
    /* As modem_request(); ERR_NOT_FOUND: no modem of that name. */
    struct trace *(*modem_trace)(void *ctx, const char *name); /* held for us; NULL: no such modem */
    enum err (*modem_request)(void *ctx, const char *name, const struct modem_request *request);
    /* Into SIGNAL_LOG_MAX samples.  ERR_NOT_FOUND: no modem of that name. */
    enum err (*modem_signal)(void *ctx, const char *name, struct signal_sample *out, size_t *n);
    enum err (*health)(void *ctx, char *why); /* NULL, or a stuck thread; why: HTTP_WHY_MAX bytes */
    void *ctx;
};
struct api;

/* Listens and serves on a thread of its own.  why: HTTP_WHY_MAX bytes when not OK. */
enum err api_start(const struct api_options *o, struct api **out, char *why) MUST_CHECK;
/* The listener, for its addresses. */
const struct http *api_http(const struct api *api);
/* About once a second, from any thread: what waited too long is answered. */
void api_tick(struct api *api);
/* Before the store is closed, and before the modems are stopped.  NULL is fine. */
void api_stop(struct api *api);

#endif
