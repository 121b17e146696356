/* api_trace.c - GET /modems/<name>/trace: a modem's dialogue as it happens, in the form of a transcript.
 * Refuses to know AT.
 * Promises: masked unless the query says otherwise; nothing is traced while nobody listens; nobody waits for a
 * listener. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_impl.h"
#include "api_list.h"
#include "clock.h"
#include "trace.h"

struct listener {
    struct trace *trace;
    uint64_t next;
    bool plain, begun;
    int64_t heard_ms; /* of us: a line, or a sign of life */
    char name[API_ID_MAX];
};

static enum err head(struct listener *l, struct buf *out)
{
    char now[CLK_TEXT_MAX];
    clk_format(clk_wall_ms(), now);
    buf_addf(out, "# modem %s, smsbridge %s, %s UTC%s\n", l->name, SMSBRIDGE_VERSION, now,
             l->plain ? "" : ", numbers and texts masked");
    l->begun = true;
    return out->err;
}

/* "#" alone says that we are there; http.h: asked every 5 s. */
static enum err piece(void *ctx, struct buf *out)
{
    struct listener *l = ctx;
    int64_t now_ms = clk_mono_ms();
    enum err e = l->begun ? trace_read(l->trace, &l->next, !l->plain, out) : head(l, out);
    if (e == ERR_EMPTY && now_ms - l->heard_ms < 4 * CLK_SECOND_MS)
        return ERR_BUSY;
    if (e == ERR_EMPTY)
        e = buf_add_str(out, "#\n");
    l->heard_ms = now_ms;
    return e;
}

static void done(void *ctx)
{
    struct listener *l = ctx;
    trace_leave(l->trace);
    trace_drop(l->trace);
    free(l);
}

static void news(void *ctx)
{
    http_wake_streams(ctx);
}

/* "unmasked" or "unmasked=yes". */
static bool read_unmasked(struct http_request *rq, bool *out)
{
    static const char *const yes[] = {"", "1", "yes", "true"}, *const no[] = {"0", "no", "false"};
    char text[8] = "";
    enum err e = api_query_value(rq, "unmasked", text, sizeof text);
    *out = false;
    if (e == ERR_NOT_FOUND)
        return true;
    for (size_t i = 0; !e && i < sizeof yes / sizeof *yes; i++)
        if (strcmp(text, yes[i]) == 0)
            return *out = true;
    for (size_t i = 0; !e && i < sizeof no / sizeof *no; i++)
        if (strcmp(text, no[i]) == 0)
            return true;
    api_invalid(rq, "unmasked", "Must be a valid boolean.");
    return false;
}

void api_modem_trace(struct api_call *call)
{
    static const struct http_line lines[] = {{"Cache-Control", "no-store"}};
    const struct api_options *o = &call->api->o;
    struct trace *trace = o->modem_trace(o->ctx, call->id);
    struct listener *l = NULL;
    bool plain;
    if (!trace)
        api_empty(call->rq, 404);
    else if (read_unmasked(call->rq, &plain) && !(l = calloc(1, sizeof *l)))
        api_store_error(call->rq, ERR_NO_MEMORY);
    if (!l) {
        trace_drop(trace);
        return;
    }
    *l = (struct listener){.trace = trace, .plain = plain, .heard_ms = clk_mono_ms()};
    snprintf(l->name, sizeof l->name, "%s", call->id);
    l->next = trace_listen(trace, news, call->api->http);
    http_answer_stream(call->rq, 200, "text/plain; charset=utf-8", lines, 1, piece, done, l);
}
