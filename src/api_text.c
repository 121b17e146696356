/* api_text.c - a message's text as it will be sent.
 * Refuses to know requests and the store.  Promises: see api_text.h. */
#include "api_text.h"

#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "log.h"

#define DESTINATION_MAX 8191 /* store_link holds no longer one */

/* Where the link leads, in the arena; NULL: nowhere, it is no link then. */
static const char *destination_of(struct api_arena *arena, const char *link, size_t n)
{
    struct buf url;
    buf_init(&url, DESTINATION_MAX);
    const char *copy = NULL;
    if (link_destination(link, n, &url) == OK)
        copy = api_arena_copy(arena, buf_str(&url), url.len);
    buf_free(&url);
    return copy;
}

/* base/slug in the place of the link. */
static enum err replace(struct api_arena *arena, const struct api_text_rules *rules,
                        const char *text, size_t n, struct link_span span, struct api_text *out)
{
    size_t base_n = strlen(rules->base_url), short_n = base_n + 1 + rules->slug_length;
    size_t tail = span.offset + span.len;
    out->destination = destination_of(arena, text + span.offset, span.len);
    if (!out->destination)
        return ERR_EMPTY;
    out->n = n - span.len + short_n;
    out->text = api_arena_take(arena, out->n + 1);
    out->link = api_arena_copy(arena, text + span.offset, span.len);
    if (!out->text || !out->link)
        return ERR_NO_MEMORY;
    out->slug = span.offset + base_n + 1;
    memcpy(out->text, text, span.offset);
    memcpy(out->text + span.offset, rules->base_url, base_n);
    out->text[out->slug - 1] = '/';
    memset(out->text + out->slug, 'x', rules->slug_length);
    memcpy(out->text + out->slug + rules->slug_length, text + tail, n - tail + 1);
    return OK;
}

enum err api_text_make(struct api_arena *arena, const struct api_text_rules *rules,
                       const char *text, size_t n, bool track, struct api_text *out)
{
    struct link_span span;
    *out = (struct api_text){0};
    enum err e = track ? link_find(text, n, rules->base_url, &span) : ERR_EMPTY;
    if (e == OK)
        e = replace(arena, rules, text, n, span, out);
    if (e == ERR_NO_MEMORY)
        return e;
    if (e) { /* none, or one that leads nowhere: the text goes out unchanged */
        out->text = api_arena_copy(arena, text, n);
        out->n = n;
    }
    if (!out->text)
        return ERR_NO_MEMORY;
    enum err planned = rules->national ? sms_plan_national(out->text, &out->plan)
                                       : sms_plan(out->text, &out->plan);
    return planned ? ERR_RANGE : OK;
}

char *api_text_with(struct api_arena *arena, const struct api_text *t, const char *slug)
{
    char *text = api_arena_copy(arena, t->text, t->n);
    if (text && t->slug)
        memcpy(text + t->slug, slug, strlen(slug));
    return text;
}

char *api_text_shortlink(struct api_arena *arena, const struct api_text_rules *rules,
                         const char *slug)
{
    size_t size = strlen(rules->base_url) + strlen(slug) + 2;
    char *link = api_arena_take(arena, size);
    if (link)
        snprintf(link, size, "%s/%s", rules->base_url, slug);
    return link;
}
