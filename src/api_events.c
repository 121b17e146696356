/* api_events.c - GET /events/: server-sent events (WHATWG HTML 9.2).
 * Refuses to know who makes them.
 * Promises: goes on behind Last-Event-ID where it can, and says "missed" where it cannot; who does not read is
 * dropped, never waited for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_impl.h"
#include "api_list.h"
#include "clock.h"
#include "status.h"
#include "text.h"

#define PIECE        (64 * 1024) /* about as much at once */
#define LIFE_MS      15000       /* a sign of life where nothing happens */
#define WATCHERS_MAX 64
#define SIGN_OF_LIFE ": still here\n\n"
#define BEGINNING    "retry: 3000\n\n"

struct watch {
    struct api *api;
    uint64_t after;
    int64_t told_ms; /* when something was sent last; 0: nothing yet */
};

/* ---- an event as a block of lines ---- */

static enum err put_message(void *ctx, const struct store_message *m)
{
    return status_message(m, ctx);
}

static enum err put_inbox(void *ctx, const struct store_inbox *m)
{
    return status_inbox(m, ctx);
}

static enum err put_modem(struct buf *out, const struct event *e)
{
    char at[CLK_TEXT_MAX];
    buf_add_str(out, "{\"modem\":");
    status_json_string(out, e->modem);
    if (e->kind == EVENT_MODEM) {
        buf_add_str(out, ",\"state\":");
        status_json_string(out, modem_state_str(e->state));
    }
    buf_add_str(out, e->kind == EVENT_MODEM  ? ",\"reason\":"
                     : e->kind == EVENT_CALL ? ",\"caller\":"
                                             : ",\"text\":");
    status_json_string(out, e->text);
    buf_addf(out, ",\"time\":\"%s\"}", clk_format(e->at_ms, at));
    return out->err;
}

/* As it is now: what is gone since is left out. */
static enum err put_data(struct api *api, struct buf *out, const struct event *e)
{
    switch (e->kind) {
    case EVENT_MESSAGE:
    case EVENT_TAP:
        return store_message_by_row(api->reader, e->row, put_message, out);
    case EVENT_INBOX:
        return store_inbox_by_row(api->reader, e->row, put_inbox, out);
    case EVENT_MODEM:
    case EVENT_CALL:
    case EVENT_USSD:
        return put_modem(out, e);
    }
    return ERR_EMPTY;
}

static void put_event(struct api *api, struct buf *out, const struct event *e)
{
    struct buf data;
    buf_init(&data, API_JSON_MAX);
    if (put_data(api, &data, e) == OK)
        buf_addf(out, "id: %llu\nevent: %s\ndata: %s\n\n", (unsigned long long)e->id,
                 event_kind_str(e->kind), buf_str(&data));
    buf_free(&data);
}

/* ---- the stream ---- */

static void put_missed(struct watch *w, struct buf *out)
{
    w->after = events_newest(w->api->o.events);
    buf_addf(out, "id: %llu\nevent: missed\ndata: {}\n\n", (unsigned long long)w->after);
}

static enum err next_piece(void *ctx, struct buf *out)
{
    struct watch *w = ctx;
    struct event e;
    enum err result = OK;
    int64_t now_ms = clk_mono_ms();
    if (!w->told_ms)
        buf_add_str(out, BEGINNING);
    else if (now_ms - w->told_ms >= LIFE_MS)
        buf_add_str(out, SIGN_OF_LIFE);
    while (out->len < PIECE && (result = events_next(w->api->o.events, w->after, &e)) == OK) {
        put_event(w->api, out, &e);
        w->after = e.id;
    }
    if (result == ERR_RANGE)
        put_missed(w, out);
    if (out->len == 0)
        return ERR_BUSY;
    w->told_ms = now_ms;
    return out->err;
}

static void watch_free(void *ctx)
{
    struct watch *w = ctx;
    events_watchers(w->api->o.events, -1);
    w->api->watchers--;
    free(w);
}

/* The header, or for those who cannot set one the query. */
static bool where_to_begin(struct api_call *call, uint64_t *after)
{
    char text[32];
    int64_t id;
    const char *header = http_header(call->rq, "Last-Event-ID");
    enum err e = header ? text_copy(text, sizeof text, header)
                        : api_query_value(call->rq, "last_event_id", text, sizeof text);
    if (e == ERR_NOT_FOUND) {
        *after = events_newest(call->api->o.events);
        return true;
    }
    if (e || text_int(text, 0, INT64_MAX, &id)) {
        api_invalid(call->rq, "Last-Event-ID", "The id of an event is wanted: a number.");
        return false;
    }
    *after = (uint64_t)id;
    return true;
}

void api_events_get(struct api_call *call)
{
    static const struct http_line lines[] = {
        {"Cache-Control", "no-store"},
        {"X-Accel-Buffering", "no"}}; /* nginx: do not keep it back */
    uint64_t after;
    if (!where_to_begin(call, &after))
        return;
    if (call->api->watchers >= WATCHERS_MAX) {
        api_detail_with(call->rq, 503, "Too many are watching already.", "Retry-After", "10");
        return;
    }
    struct watch *w = calloc(1, sizeof *w);
    if (!w) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return;
    }
    *w = (struct watch){.api = call->api, .after = after};
    call->api->watchers++;
    events_watchers(call->api->o.events, 1);
    http_answer_stream(call->rq, 200, "text/event-stream", lines, 2, next_piece, watch_free, w);
}
