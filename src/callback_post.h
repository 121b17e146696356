/* callback_post.h - one POST of one callback through libcurl; callback*.c only.
 * Refuses to know the store and when to post.
 * Promises: exactly one request on the wire a start (no redirect, no proxy, no repeat on a stale connection);
 * only addresses that the policy allows are opened; of the answer 64 KiB at most are read and thrown away. */
#ifndef SMSBRIDGE_CALLBACK_POST_H
#define SMSBRIDGE_CALLBACK_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "url.h"

#define POST_ANSWER_MAX ((size_t)64 * 1024)
#define POST_ERROR_MAX  256 /* as CURL_ERROR_SIZE */

struct post_job { /* all but policy is copied or used during post_start() alone; body must stay */
    const char *url, *webhook_id;
    const char *secret; /* NULL or "": not signed */
    const char *body;
    size_t body_len;
    unsigned attempt; /* from 1 */
    int timeout_ms;
    const struct url_policy *policy; /* outlives the POST */
};
struct post_result {
    bool received;              /* the answer was 200 */
    long status;                /* 0: none came */
    char error[POST_ERROR_MAX]; /* why not received */
};
/* A curl easy handle, used again and again.  Below, multi is a CURLM, easy a CURL, code a CURLcode: <curl/curl.h>
 * is not for headers. */
struct post;

/* owner: what post_owner() gives back.  ERR_NO_MEMORY. */
enum err post_new(void *owner, struct post **out) MUST_CHECK;
void post_free(struct post *p); /* NULL is fine */
/* Onto the multi handle.  ERR_NO_MEMORY, ERR_SYNTAX (the secret). */
enum err post_start(struct post *p, void *multi, const struct post_job *job) MUST_CHECK;
/* The owner of a handle that curl_multi_info_read() names. */
void *post_owner(void *easy);
/* Takes it off the multi handle, with what CURLMSG_DONE said, or CURLE_ABORTED_BY_CALLBACK to cut it off. */
void post_end(struct post *p, void *multi, int code, struct post_result *out);

#endif
