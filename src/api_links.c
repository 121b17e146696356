/* api_links.c - GET /links/ and /links/taps/: an account's short links, and when they were first tapped.
 * Refuses to know SQL and who tapped. */
#include <stdlib.h>

#include "api_list.h"
#include "clock.h"
#include "status.h"

#define TAP_DAYS 30

struct links {
    struct api_list list; /* the first: slice() and free() get this address */
    struct store_reader *reader;
    struct store_link_query query;
};

static void put_time(struct buf *out, const char *key, int64_t ms)
{
    char text[CLK_TEXT_MAX];
    buf_addf(out, ",\"%s\":", key);
    status_json_string(out, ms ? clk_format(ms, text) : NULL);
}

static enum err put_row(void *ctx, const struct store_link_row *l)
{
    struct links *s = ctx;
    if (!api_list_row(&s->list, l->id))
        return OK;
    struct buf *out = s->list.out;
    buf_add_str(out, "{\"msgid\":");
    status_json_string(out, l->msgid);
    buf_add_str(out, ",\"recipient\":");
    status_json_string(out, l->recipient);
    buf_add_str(out, ",\"link\":");
    status_json_string(out, l->link);
    buf_add_str(out, ",\"shortlink\":");
    status_json_string(out, l->shortlink);
    buf_addf(out, ",\"accessed\":%s", l->accessed_ms ? "true" : "false");
    put_time(out, "accessed_on", l->accessed_ms);
    put_time(out, "expires_on", l->expires_ms);
    buf_addf(out, ",\"clicks\":%lld,\"bots\":%lld}", (long long)l->clicks, (long long)l->bots);
    return out->err;
}

static enum err links_slice(struct api_list *l, size_t limit)
{
    struct links *s = (struct links *)l;
    s->query.before_id = l->before_id;
    s->query.limit = limit;
    return store_link_list(s->reader, &s->query, put_row, s);
}

static void links_free(struct api_list *l)
{
    free(l);
}

void api_links_list(struct api_call *call)
{
    struct links *s = calloc(1, sizeof *s);
    if (!s) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return;
    }
    s->list.slice = links_slice;
    s->list.free = links_free;
    s->reader = call->api->reader;
    s->query.account = call->account->name;
    if (api_list_page(call, &s->list))
        api_list_answer(call, &s->list);
    else
        free(s);
}

/* [{"date":"2026-01-02","taps":3}, …], the oldest first, today last. */
void api_links_taps(struct api_call *call)
{
    unsigned taps[TAP_DAYS];
    char date[CLK_TEXT_MAX];
    struct buf json;
    int64_t now_ms = clk_wall_ms();
    enum err e = store_link_taps(call->api->reader, call->account->name, now_ms, taps, TAP_DAYS);
    if (e) {
        api_store_error(call->rq, e);
        return;
    }
    buf_init(&json, API_JSON_MAX);
    for (int i = 0; i < TAP_DAYS; i++) {
        clk_format(now_ms - (TAP_DAYS - 1 - i) * CLK_DAY_MS, date);
        buf_addf(&json, "%s{\"date\":\"%.10s\",\"taps\":%u}", i ? "," : "[", date, taps[i]);
    }
    buf_add(&json, "]", 1);
    api_json(call->rq, 200, &json);
    buf_free(&json);
}
