/* api_messages.c - a message is taken, looked up, cancelled.
 * Refuses to know SQL and modems.  Promises: 201 goes out after the commit, for all recipients or none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_fields.h"
#include "api_impl.h"
#include "api_post.h"
#include "clock.h"
#include "log.h"
#include "status.h"
#include "text.h"

#define KEY_MAX 255

/* ---- the answer ---- */

static void answer_msgids(struct api_post *p)
{
    struct buf json;
    log_debug("api", "accepted=%zu first=%s account=%s parts=%u replayed=%d", p->accept.count,
              p->accept.messages[0].msgid, p->account->name, p->fields.text.plan.parts,
              p->accept.replayed);
    buf_init(&json, API_JSON_MAX);
    for (size_t i = 0; i < p->accept.count; i++) {
        buf_add_str(&json, i ? ",{\"msgid\":" : "[{\"msgid\":");
        status_json_string(&json, p->accept.messages[i].msgid);
        buf_add(&json, "}", 1);
    }
    buf_add(&json, "]", 1);
    api_json(p->rq, 201, &json);
    buf_free(&json);
}

/* Of a list, each one with its index, counted from 0. */
static void answer_denied(struct api_post *p)
{
    struct buf json;
    const char *before = "{\"recipient\":[";
    buf_init(&json, API_JSON_MAX);
    for (size_t i = 0; i < p->accept.count; i++) {
        if (!p->accept.denied[i])
            continue;
        buf_add_str(&json, before);
        buf_add(&json, "\"", 1);
        if (p->fields.recipient_list)
            buf_addf(&json, "%zu: ", i);
        buf_add_str(&json, "This number has opted out.\"");
        before = ",";
    }
    buf_add_str(&json, "]}");
    api_json(p->rq, 400, &json);
    buf_free(&json);
}

/* ---- the request ---- */

static void answer(struct api_post *p, enum err result)
{
    if (result == OK)
        answer_msgids(p);
    else if (result == ERR_CONFLICT)
        api_detail(p->rq, 409, "This Idempotency-Key was used with other fields.");
    else if (result == ERR_DENIED)
        answer_denied(p);
    else
        api_store_error(p->rq, result);
}

static bool key_ok(const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < n; i++) {
        if (key[i] < 0x21 || key[i] > 0x7E)
            return false;
    }
    return n > 0 && n <= KEY_MAX;
}

void api_messages_post(struct api_call *call)
{
    const char *key = http_header(call->rq, "Idempotency-Key");
    struct api_post *p = api_post_new(call, answer);
    if (!p || !api_read_fields(call, &p->arena, p->now_ms, false, &p->fields))
        return;
    if (key && !key_ok(key))
        api_invalid(call->rq, "Idempotency-Key", "1 to 255 visible ASCII characters are wanted.");
    else
        api_post_send(call, p, key);
}

/* ---- GET and DELETE /sms/messages/<msgid>/ ---- */

static enum err write_status(void *ctx, const struct store_message *m)
{
    return status_message(m, ctx);
}

void api_message_get(struct api_call *call)
{
    struct buf json;
    buf_init(&json, API_JSON_MAX);
    enum err e =
        store_message_get(call->api->reader, call->account->name, call->id, write_status, &json);
    if (e)
        api_store_error(call->rq, e);
    else
        api_json(call->rq, 200, &json);
    buf_free(&json);
}

struct cancel {
    struct http_request *rq;
    char msgid[API_ID_MAX];
    enum err result;
};

static void cancel_resumed(void *ctx, struct http_request *rq)
{
    const struct cancel *c = ctx;
    if (c->result == OK)
        api_empty(rq, 204);
    else if (c->result == ERR_CONFLICT)
        api_detail(rq, 409, "The message was handed to a modem already, or is final.");
    else
        api_store_error(rq, c->result);
}

static void cancel_done(void *ctx, enum err result)
{
    struct cancel *c = ctx;
    c->result = result;
    http_resume(c->rq);
}

void api_message_delete(struct api_call *call)
{
    struct cancel *c = calloc(1, sizeof *c);
    if (!c) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return;
    }
    c->rq = call->rq;
    snprintf(c->msgid, sizeof c->msgid, "%s", call->id);
    http_attach(call->rq, c, free);
    http_suspend(call->rq, cancel_resumed, c);
    store_cancel(call->api->o.store, call->account->name, c->msgid, clk_wall_ms(), cancel_done, c);
}
