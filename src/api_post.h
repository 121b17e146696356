/* api_post.h - a message on its way through the store, whoever asked for it.
 * Refuses to know what an answer looks like.  For src/api*.c only; the listeners' thread.
 * Promises: the answer comes after the commit; all recipients or none. */
#ifndef SMSBRIDGE_API_POST_H
#define SMSBRIDGE_API_POST_H

#include "api_fields.h"
#include "api_impl.h"

struct api_post;
/* OK: p->accept tells the msgids.  ERR_DENIED: p->accept.denied tells who opted out; ERR_CONFLICT: the key was used
 * with other fields; else what api_store_error() takes.  Must answer p->rq, or api_post_again(). */
typedef void api_post_answer(struct api_post *p, enum err result);
struct api_post {
    struct api *api;
    struct http_request *rq;
    const struct account *account;
    struct api_arena arena;   /* of what `fields` points to */
    struct api_fields fields; /* filled by whoever made it, before api_post_send() */
    struct store_accept accept;
    int64_t now_ms;
    void *state; /* the asker's, in the arena */
    api_post_answer *answer;
    enum err result;
    unsigned tries;
};

/* Lives as long as the request.  NULL: no memory, 503 was answered. */
struct api_post *api_post_new(struct api_call *call, api_post_answer *answer);
/* key: of idempotency; NULL: none.  Answers, now or later. */
void api_post_send(struct api_call *call, struct api_post *p, const char *key);
/* After ERR_DENIED: once more without those who opted out.  False: nobody is left; nothing was answered. */
bool api_post_again(struct api_post *p);

#endif
