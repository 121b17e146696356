/* ctl_http.h - the client's side of the REST API: one request, one JSON answer.
 * Knows no command.  Promises: the token never reaches a terminal or a log. */
#ifndef SMSBRIDGE_CTL_HTTP_H
#define SMSBRIDGE_CTL_HTTP_H

#include <jansson.h>
#include <stdbool.h>

#include "err.h"

struct ctl; /* a connection to one daemon, as one account */

/* url NULL: SMSBRIDGE_URL, else http://127.0.0.1:8080.
 * account "SID" or "SID:TOKEN", NULL: SMSBRIDGE_ACCOUNT, else "main".  Without a token: SMSBRIDGE_TOKEN,
 * else ./smsbridge-data/token, else /var/lib/smsbridge/token.  ERR_NOT_FOUND: no token anywhere. */
enum err ctl_open(const char *url, const char *account, struct ctl **out) MUST_CHECK;
void ctl_close(struct ctl *c);

struct ctl_answer {
    long status;  /* HTTP */
    json_t *body; /* NULL: empty or not JSON; owned: json_decref() */
};
/* body NULL: GET, else POST of that JSON.  path begins with "/".
 * ERR_CLOSED: the daemon is not reachable; ctl_why() tells. */
enum err ctl_ask(struct ctl *c, const char *path, const json_t *body,
                 struct ctl_answer *out) MUST_CHECK;
/* The same POST with an Idempotency-Key. */
enum err ctl_ask_once(struct ctl *c, const char *path, const json_t *body, const char *key,
                      struct ctl_answer *out) MUST_CHECK;
/* The same for DELETE. */
enum err ctl_delete(struct ctl *c, const char *path, struct ctl_answer *out) MUST_CHECK;
/* GET whose answer never ends by itself: each piece of it, until take() says false or seconds are over (0: never).
 * out->status is the answer's; out->body only where that is not 200. */
typedef bool ctl_take(void *ctx, const char *bytes, size_t n);
enum err ctl_follow(struct ctl *c, const char *path, int seconds, ctl_take *take, void *ctx,
                    struct ctl_answer *out) MUST_CHECK;
/* Where the daemon is looked for. */
void ctl_url(const struct ctl *c, char *out, size_t size);
/* Any URL, without an account: the beginning of the answer's body, redirects not followed.
 * ERR_CLOSED: why says what happened. */
enum err ctl_fetch(const char *url, int seconds, char *body, size_t size, long *status, char *why,
                   size_t why_size) MUST_CHECK;
/* The last failure in words. */
const char *ctl_why(const struct ctl *c);

#endif
