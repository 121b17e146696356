/* api_callbacks.c - callbacks that were given up: which, why, and once more.
 * Refuses to know SQL and how they are posted.
 * Promises: what is sent again is what was sent before, byte for byte. */
#include <stdlib.h>
#include <string.h>

#include "api_list.h"
#include "clock.h"
#include "status.h"
#include "text.h"

struct failed {
    struct api_list list; /* the first: slice() and free() get this address */
    struct store_reader *reader;
};

static void put_text(struct buf *out, const char *key, const char *value)
{
    buf_addf(out, ",\"%s\":", key);
    status_json_string(out, value);
}

static enum err put_row(void *ctx, const struct store_callback *c)
{
    static const char *const kinds[] = {[STORE_CALLBACK_DELIVERY] = "delivery",
                                        [STORE_CALLBACK_CLICK] = "click",
                                        [STORE_CALLBACK_INBOX] = "inbox",
                                        [STORE_CALLBACK_INBOX_WHOLE] = "inbox"};
    struct failed *f = ctx;
    char made[CLK_TEXT_MAX];
    if (!api_list_row(&f->list, c->id))
        return OK;
    struct buf *out = f->list.out;
    clk_format(c->made_ms, made);
    buf_addf(out, "{\"id\":%lld", (long long)c->id);
    put_text(out, "kind", kinds[c->kind]);
    put_text(out, "url", c->url);
    put_text(out, "msgid", c->msgid);
    buf_addf(out, ",\"tries\":%u", c->tries);
    put_text(out, "error", c->error);
    put_text(out, "time", made);
    buf_add(out, "}", 1);
    return out->err;
}

static enum err read_slice(struct api_list *l, size_t limit)
{
    struct failed *f = (struct failed *)l;
    const struct store_failed_query q = {l->before_id, limit};
    return store_callback_failed_list(f->reader, &q, put_row, f);
}

static void failed_free(struct api_list *l)
{
    free(l);
}

/* No other state is kept for people to look at. */
static bool state_filter(struct http_request *rq)
{
    char text[16];
    enum err e = api_query_value(rq, "state", text, sizeof text);
    if (e == ERR_NOT_FOUND || (e == OK && strcmp(text, "failed") == 0))
        return true;
    api_invalid(rq, "state", "The state that can be asked for is failed.");
    return false;
}

void api_callbacks_list(struct api_call *call)
{
    struct failed *f = calloc(1, sizeof *f);
    if (!f) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return;
    }
    f->list.slice = read_slice;
    f->list.free = failed_free;
    f->reader = call->api->reader;
    if (state_filter(call->rq) && api_list_page(call, &f->list))
        api_list_answer(call, &f->list);
    else
        free(f);
}

/* ---- POST /callbacks/<id>/retry ---- */

struct retry {
    struct http_request *rq;
    enum err result;
};

static void retry_resumed(void *ctx, struct http_request *rq)
{
    const struct retry *r = ctx;
    if (r->result == OK)
        api_empty(rq, 204);
    else if (r->result == ERR_CONFLICT)
        api_detail(rq, 409, "The callback was not given up: it was received, or is still due.");
    else
        api_store_error(rq, r->result);
}

static void retry_done(void *ctx, enum err result)
{
    struct retry *r = ctx;
    r->result = result;
    http_resume(r->rq);
}

void api_callback_retry(struct api_call *call)
{
    int64_t id;
    if (text_int(call->id, 0, INT64_MAX, &id)) {
        api_empty(call->rq, 404);
        return;
    }
    struct retry *r = calloc(1, sizeof *r);
    if (!r) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return;
    }
    r->rq = call->rq;
    http_attach(call->rq, r, free);
    http_suspend(call->rq, retry_resumed, r);
    store_callback_retry(call->api->o.store, id, clk_wall_ms(), retry_done, r);
}
