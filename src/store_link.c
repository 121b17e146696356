/* store_link.c - short links: looked up by slug, tapped, counted.
 * Refuses to know who is a person.  Promises: a hundred first taps at once make one first click
 * and one callback. */
#include <stdlib.h>
#include <string.h>

#include "store_private.h"
#include "text.h"

enum err store_link_get(struct store_reader *r, const char *slug, struct store_link *out)
{
    sqlite3_stmt *q = NULL;
    enum err e =
        db_row(&r->db, &q,
               "SELECT l.id, l.slug, l.expires_ms, l.accessed_ms, p.sending_ms, l.link IS NULL,"
               " coalesce(l.destination, l.link, '') FROM link l LEFT JOIN part p ON p.id=l.id*16"
               " WHERE l.slug=?1",
               ARGS(TEXT(slug)));
    if (e)
        return e == ERR_EMPTY ? ERR_NOT_FOUND : e;
    out->id = db_int(q, 0);
    out->expires_ms = db_int(q, 2);
    out->accessed_ms = db_int(q, 3);
    out->sending_ms = db_int(q, 4);
    out->erased = db_int(q, 5) != 0;
    if (text_copy(out->slug, sizeof out->slug, db_text(q, 1)) ||
        text_copy(out->destination, sizeof out->destination, db_text(q, 6)))
        e = ERR_CORRUPT;
    db_done(q);
    return e;
}

struct click {
    struct store_op op;
    int64_t link, now_ms;
    bool is_first, *first;
};

static enum err run_click(struct db *db, void *arg)
{
    struct click *c = arg;
    enum err e =
        db_run(db, "UPDATE link SET accessed_ms=?2, clicks=clicks+1 WHERE id=?1 AND accessed_ms=0",
               ARGS(INT(c->link), INT(c->now_ms)));
    if (e)
        return e;
    c->is_first = db_changes(db) != 0;
    if (c->is_first) {
        db_event(db, &(struct store_event){.kind = STORE_EVENT_TAP, .row = c->link});
        return outbox_add_message(db, c->link, STORE_CALLBACK_CLICK, c->now_ms);
    }
    e = db_run(db, "UPDATE link SET clicks=clicks+1 WHERE id=?1", ARGS(INT(c->link)));
    return e ? e : db_changes(db) ? OK : ERR_NOT_FOUND;
}

static void publish_click(struct store_op *op)
{
    struct click *c = op->arg;
    if (c->first)
        *c->first = c->is_first;
}

void store_click(struct store *s, int64_t link, int64_t now_ms, bool *first, store_done *done,
                 void *ctx)
{
    struct click *c = calloc(1, sizeof *c);
    if (!c) {
        store_refuse(done, ctx);
        return;
    }
    c->op = (struct store_op){
        .run = run_click, .arg = c, .publish = publish_click, .done = done, .ctx = ctx};
    c->link = link;
    c->now_ms = now_ms;
    c->first = first;
    store_post(s, &c->op);
}

struct hits {
    struct store_op op;
    size_t count;
    struct store_hit hits[];
};

/* A link that was pruned meanwhile counts no more. */
static enum err run_hits(struct db *db, void *arg)
{
    const struct hits *h = arg;
    enum err e = OK;
    for (size_t i = 0; !e && i < h->count; i++)
        e = db_run(db, "UPDATE link SET clicks=clicks+?2, bots=bots+?3 WHERE id=?1",
                   ARGS(INT(h->hits[i].link), INT(h->hits[i].clicks), INT(h->hits[i].bots)));
    return e;
}

void store_hits(struct store *s, const struct store_hit *hits, size_t count, store_done *done,
                void *ctx)
{
    struct hits *h = calloc(1, sizeof *h + count * sizeof *hits);
    if (!h) {
        store_refuse(done, ctx);
        return;
    }
    h->op = (struct store_op){.run = run_hits, .arg = h, .done = done, .ctx = ctx};
    h->count = count;
    if (count)
        memcpy(h->hits, hits, count * sizeof *hits);
    store_post(s, &h->op);
}
