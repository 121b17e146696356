/* api_inbox.c - GET /sms/inbox/: what came in.
 * Refuses to know PDUs and SQL. */
#include <stdlib.h>

#include "api_list.h"
#include "clock.h"
#include "status.h"

struct inbox {
    struct api_list list; /* the first: slice() and free() get this address */
    struct store_reader *reader;
    struct store_inbox_query query;
};

static enum err inbox_row(void *ctx, const struct store_inbox *m)
{
    struct inbox *b = ctx;
    if (!api_list_row(&b->list, m->id))
        return OK;
    return status_inbox(m, b->list.out);
}

static enum err inbox_slice(struct api_list *l, size_t limit)
{
    struct inbox *b = (struct inbox *)l;
    b->query.before_id = l->before_id;
    b->query.limit = limit;
    return store_inbox_list(b->reader, &b->query, inbox_row, b);
}

static void inbox_free(struct api_list *l)
{
    free(l);
}

/* A time or a date, UTC. */
static bool since_filter(struct http_request *rq, int64_t *since_ms)
{
    char text[64];
    enum err e = api_query_value(rq, "since", text, sizeof text);
    if (e == ERR_NOT_FOUND)
        return true;
    if (e || (clk_parse(text, since_ms) && clk_parse_date(text, since_ms))) {
        api_invalid(rq, "since", "A date or a UTC time is wanted.");
        return false;
    }
    return true;
}

void api_inbox_list(struct api_call *call)
{
    struct inbox *b = calloc(1, sizeof *b);
    if (!b) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return;
    }
    b->list.slice = inbox_slice;
    b->list.free = inbox_free;
    b->reader = call->api->reader;
    if (since_filter(call->rq, &b->query.since_ms) && api_list_page(call, &b->list))
        api_list_answer(call, &b->list);
    else
        free(b);
}

static enum err write_row(void *ctx, const struct store_inbox *m)
{
    return status_inbox(m, ctx);
}

void api_inbox_get(struct api_call *call)
{
    struct buf json;
    buf_init(&json, API_JSON_MAX);
    enum err e = store_inbox_get(call->api->reader, call->id, write_row, &json);
    if (e)
        api_store_error(call->rq, e);
    else
        api_json(call->rq, 200, &json);
    buf_free(&json);
}
