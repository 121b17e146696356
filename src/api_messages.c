/* api_messages.c - a message is taken, looked up, cancelled.
 * Refuses to know SQL and modems.  Promises: 201 goes out after the commit, for all recipients or none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_fields.h"
#include "api_impl.h"
#include "clock.h"
#include "link.h"
#include "log.h"
#include "status.h"
#include "text.h"

#define KEY_MAX    255
#define SLUG_TRIES 5 /* two equal slugs in a row are chance; five are not */

/* A POST on its way through the store. */
struct post {
    struct api *api;
    struct http_request *rq;
    const struct account *account;
    struct api_arena arena;
    struct api_fields fields;
    struct store_accept accept;
    enum err result;
    unsigned tries;
};

static void post_free(void *ctx)
{
    struct post *p = ctx;
    api_arena_free(&p->arena);
    free(p);
}

/* ---- the answer ---- */

static void answer_msgids(struct post *p)
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
static void answer_denied(struct post *p)
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

static void post_begin(struct post *p);

static void post_resumed(void *ctx, struct http_request *rq)
{
    struct post *p = ctx;
    if (p->result == OK)
        answer_msgids(p);
    else if (p->result == ERR_BUSY && p->tries < SLUG_TRIES)
        post_begin(p); /* a slug was taken: others, and again */
    else if (p->result == ERR_CONFLICT)
        api_detail(rq, 409, "This Idempotency-Key was used with other fields.");
    else if (p->result == ERR_DENIED)
        answer_denied(p);
    else
        api_store_error(rq, p->result);
}

/* ---- to the store ---- */

static void post_done(void *ctx, enum err result)
{
    struct post *p = ctx;
    p->result = result;
    http_resume(p->rq);
}

/* A slug and what depends on it: one link, one message. */
static enum err give_slug(struct post *p, struct store_new_message *m)
{
    const struct api_text_rules rules = {.base_url = p->api->o.links_base_url,
                                         .slug_length = p->api->o.slug_length};
    char slug[LINK_SLUG_MAX + 1];
    enum err e = link_slug_make(rules.slug_length, slug);
    if (e)
        return e;
    m->slug = api_arena_copy(&p->arena, slug, strlen(slug));
    m->text = api_text_with(&p->arena, &p->fields.text, slug);
    m->shortlink = api_text_shortlink(&p->arena, &rules, slug);
    return m->slug && m->text && m->shortlink ? OK : ERR_NO_MEMORY;
}

static enum err make_message(struct post *p, size_t i, struct store_new_message *m)
{
    const struct api_fields *f = &p->fields;
    *m = (struct store_new_message){
        .recipient = f->recipient[i],
        .sender = f->sender,
        .text = f->text.text,
        .tags = f->tags,
        .callbackurl = f->callbackurl,
        .lt_callbackurl = f->lt_callbackurl,
        .modem = f->modem,
        .due_ms = f->due_ms,
        .valid_until_ms = f->valid_until_ms,
        .parts = f->text.plan.parts,
        .priority = f->priority,
        .flash = f->flash,
        .on_uncertain = f->on_uncertain,
        .link = f->text.link,
        .destination = f->text.destination,
        .link_expires_ms = f->due_ms + p->api->o.links_ms,
    };
    enum err e = text_random_letters(m->msgid, STORE_MSGID_LEN);
    if (!e && f->text.slug)
        e = give_slug(p, m);
    return e;
}

static enum err make_messages(struct post *p)
{
    struct store_accept *a = &p->accept;
    a->count = p->fields.recipients;
    a->messages = api_arena_take(&p->arena, a->count * sizeof *a->messages);
    a->denied = api_arena_take(&p->arena, a->count * sizeof *a->denied);
    enum err e = a->messages && a->denied ? OK : ERR_NO_MEMORY;
    for (size_t i = 0; !e && i < a->count; i++)
        e = make_message(p, i, &a->messages[i]);
    return e;
}

/* Hands it to the store.  With p suspended, whatever happens is told by post_resumed(). */
static void post_begin(struct post *p)
{
    enum err e = make_messages(p);
    p->tries++;
    if (e) {
        api_store_error(p->rq, e);
        return;
    }
    http_suspend(p->rq, post_resumed, p);
    store_accept(p->api->o.store, &p->accept, post_done, p);
}

/* ---- the request ---- */

static void put_part(struct buf *b, const char *s)
{
    buf_addf(b, "%zu:%s,", s ? strlen(s) : 0, s ? s : "");
}

/* Of the validated fields, so that another spelling of the same request is the same request. */
static enum err make_fingerprint(struct post *p)
{
    const struct api_fields *f = &p->fields;
    char hex[HASH_SHA256_TEXT];
    struct buf b;
    buf_init(&b, API_JSON_MAX);
    for (size_t i = 0; i < f->recipients; i++)
        put_part(&b, f->recipient[i]);
    put_part(&b, f->message);
    put_part(&b, f->sender);
    put_part(&b, f->tags);
    put_part(&b, f->callbackurl);
    put_part(&b, f->lt_callbackurl);
    put_part(&b, f->modem);
    buf_addf(&b, "%d %d %d %d %lld %lld", f->track_link, f->flash, f->priority, f->on_uncertain,
             (long long)f->validity_s, (long long)f->send_at_ms);
    enum err e = b.err;
    hash_sha256_text(buf_str(&b), b.len, hex);
    buf_free(&b);
    p->accept.fingerprint = api_arena_copy(&p->arena, hex, strlen(hex));
    return p->accept.fingerprint ? e : ERR_NO_MEMORY;
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

/* What goes with all messages.  False: has answered. */
static bool fill_accept(struct api_call *call, struct post *p, int64_t now_ms)
{
    char base[API_BASE_MAX];
    const char *key = http_header(call->rq, "Idempotency-Key");
    if (key && !key_ok(key)) {
        api_invalid(call->rq, "Idempotency-Key", "1 to 255 visible ASCII characters are wanted.");
        return false;
    }
    api_url_base(call, base);
    p->accept = (struct store_accept){
        .account = call->account->name,
        .url_base = api_arena_copy(&p->arena, base, strlen(base)),
        .cost = call->account->cost,
        .now_ms = now_ms,
        .idempotency_key = key ? api_arena_copy(&p->arena, key, strlen(key)) : NULL,
    };
    enum err e = p->accept.url_base ? OK : ERR_NO_MEMORY;
    if (!e && key)
        e = p->accept.idempotency_key ? make_fingerprint(p) : ERR_NO_MEMORY;
    if (e)
        api_store_error(call->rq, e);
    return e == OK;
}

void api_messages_post(struct api_call *call)
{
    struct post *p = calloc(1, sizeof *p);
    int64_t now_ms = clk_wall_ms();
    if (!p) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return;
    }
    p->api = call->api;
    p->rq = call->rq;
    p->account = call->account;
    http_attach(call->rq, p, post_free);
    if (api_read_fields(call, &p->arena, now_ms, false, &p->fields) && fill_accept(call, p, now_ms))
        post_begin(p);
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
