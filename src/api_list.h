/* api_list.h - a list of rows as a JSON array, read in slices, newest first.
 * Refuses to know what the rows are.
 * Promises: without a limit, one slice is in memory at a time and other requests go on between slices.
 * For src/api_*.c only. */
#ifndef SMSBRIDGE_API_LIST_H
#define SMSBRIDGE_API_LIST_H

#include <stdint.h>

#include "api_impl.h"

#define API_LIMIT_MAX 10000

/* One list under way; `slice` is its owner's, in front of it stands what the owner needs. */
struct api_list {
    /* At most `limit` rows older than before_id, each through api_list_row(). */
    enum err (*slice)(struct api_list *l, size_t limit);
    void (*free)(struct api_list *l);
    int64_t before_id; /* 0: from the newest; moves on by itself */
    size_t limit;      /* of rows in all; 0: all of them, streamed */
    /* api_list.c's own */
    struct buf *out, first;
    size_t rows, in_slice;
    bool ended;
};

/* Before each row: false when it is one more than wanted. */
bool api_list_row(struct api_list *l, int64_t id);
/* Answers; takes l. */
void api_list_answer(struct api_call *call, struct api_list *l);

/* ---- the query ---- */
/* "limit" and "cursor" of the query.  False: 400 was answered. */
bool api_list_page(struct api_call *call, struct api_list *l);
/* The value of the first `key` in the query, decoded, at most size - 1 bytes.  ERR_NOT_FOUND; ERR_SYNTAX:
 * too long, or not UTF-8. */
enum err api_query_value(struct http_request *rq, const char *key, char *out,
                         size_t size) MUST_CHECK;

#endif
