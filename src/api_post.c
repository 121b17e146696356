/* api_post.c - a message on its way through the store, whoever asked for it.
 * Refuses to know SQL, modems and what an answer looks like. */
#include "api_post.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hash.h"
#include "link.h"
#include "text.h"

#define SLUG_TRIES 5 /* two equal slugs in a row are chance; five are not */

static void post_free(void *ctx)
{
    struct api_post *p = ctx;
    api_arena_free(&p->arena);
    free(p);
}

struct api_post *api_post_new(struct api_call *call, api_post_answer *answer)
{
    struct api_post *p = calloc(1, sizeof *p);
    if (!p) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return NULL;
    }
    p->api = call->api;
    p->rq = call->rq;
    p->account = call->account;
    p->answer = answer;
    p->now_ms = clk_wall_ms();
    http_attach(call->rq, p, post_free);
    return p;
}

/* ---- to the store ---- */

static void begin(struct api_post *p);

static void resumed(void *ctx, struct http_request *rq)
{
    struct api_post *p = ctx;
    (void)rq;
    if (p->result == ERR_BUSY && p->tries < SLUG_TRIES)
        begin(p); /* a slug was taken: others, and again */
    else
        p->answer(p, p->result);
}

static void committed(void *ctx, enum err result)
{
    struct api_post *p = ctx;
    p->result = result;
    http_resume(p->rq);
}

/* A slug and what depends on it: one link, one message. */
static enum err give_slug(struct api_post *p, struct store_new_message *m)
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

static enum err make_message(struct api_post *p, size_t i, struct store_new_message *m)
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

static enum err make_messages(struct api_post *p)
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

/* Hands it to the store.  With p suspended, whatever happens is told by resumed(). */
static void begin(struct api_post *p)
{
    enum err e = make_messages(p);
    p->tries++;
    if (e) {
        p->answer(p, e);
        return;
    }
    http_suspend(p->rq, resumed, p);
    store_accept(p->api->o.store, &p->accept, committed, p);
}

/* ---- the request ---- */

static void put_part(struct buf *b, const char *s)
{
    buf_addf(b, "%zu:%s,", s ? strlen(s) : 0, s ? s : "");
}

/* Of the validated fields, so that another spelling of the same request is the same request. */
static enum err make_fingerprint(struct api_post *p)
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

/* What goes with all messages. */
static enum err fill_accept(struct api_call *call, struct api_post *p, const char *key)
{
    char base[API_BASE_MAX];
    api_url_base(call, base);
    p->accept = (struct store_accept){
        .account = p->account->name,
        .url_base = api_arena_copy(&p->arena, base, strlen(base)),
        .cost = p->account->cost,
        .now_ms = p->now_ms,
        .idempotency_key = key ? api_arena_copy(&p->arena, key, strlen(key)) : NULL,
    };
    enum err e = p->accept.url_base ? OK : ERR_NO_MEMORY;
    if (!e && key)
        e = p->accept.idempotency_key ? make_fingerprint(p) : ERR_NO_MEMORY;
    return e;
}

void api_post_send(struct api_call *call, struct api_post *p, const char *key)
{
    enum err e = fill_accept(call, p, key);
    if (e)
        p->answer(p, e);
    else
        begin(p);
}

bool api_post_again(struct api_post *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->accept.count; i++) {
        if (!p->accept.denied[i])
            memmove(p->fields.recipient[kept++], p->fields.recipient[i], PHONE_MAX);
    }
    if (kept == 0 || kept == p->fields.recipients)
        return false;
    p->fields.recipients = kept;
    begin(p);
    return true;
}
