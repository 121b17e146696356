/* api_list.c - a list of rows as a JSON array, read in slices.
 * Refuses to know what the rows are.  Promises: see api_list.h. */
#include "api_list.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "text.h"

#define SLICE    200
#define LINK_MAX 4096

/* ---- rows ---- */

bool api_list_row(struct api_list *l, int64_t id)
{
    l->in_slice++;
    if (l->limit && l->rows == l->limit)
        return false;
    if (l->rows++ > 0)
        buf_add(l->out, ",", 1);
    l->before_id = id;
    return true;
}

/* The next rows, and the bracket behind the last one. */
static enum err read_slice(struct api_list *l, struct buf *out, size_t rows)
{
    l->out = out;
    l->in_slice = 0;
    enum err e = l->slice(l, rows);
    if (e && e != ERR_EMPTY)
        return e;
    l->ended = l->limit || l->in_slice < rows;
    if (l->ended)
        buf_add(out, "]", 1);
    return out->err;
}

/* What was read before the answer began goes first. */
static enum err next_piece(void *ctx, struct buf *out)
{
    struct api_list *l = ctx;
    if (l->first.len == 0)
        return l->ended ? ERR_EMPTY : read_slice(l, out, SLICE);
    enum err e = buf_add(out, l->first.data, l->first.len);
    buf_free(&l->first);
    return e;
}

static void list_free(void *ctx)
{
    struct api_list *l = ctx;
    buf_free(&l->first);
    l->free(l);
}

/* ---- Link: <…>; rel="next" ---- */

/* A part of a query as it came, with what a header or a client could trip over escaped again. */
static void put_query(struct buf *out, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c <= 0x20 || c >= 0x7F || strchr("<>\"\\^`{|}", c))
            buf_addf(out, "%%%02X", c);
        else
            buf_add(out, s, 1);
    }
}

static bool put_item(void *ctx, const char *key, const char *value)
{
    struct buf *out = ctx;
    if (strcmp(key, "cursor") == 0)
        return true;
    put_query(out, key);
    if (value) {
        buf_add(out, "=", 1);
        put_query(out, value);
    }
    buf_add(out, "&", 1);
    return true;
}

/* The next page has the same filters; "" where the query was too long to repeat. */
static void make_link(struct api_call *call, const struct api_list *l, struct buf *out)
{
    char base[API_BASE_MAX];
    api_url_base(call, base);
    buf_addf(out, "<%s", base);
    put_query(out, http_path(call->rq));
    buf_add(out, "?", 1);
    http_query(call->rq, put_item, out);
    buf_addf(out, "cursor=%lld>; rel=\"next\"", (long long)l->before_id);
    if (out->err)
        buf_clear(out);
}

static void answer_page(struct api_call *call, const struct api_list *l)
{
    struct buf link;
    bool more = l->limit && l->in_slice > l->limit;
    buf_init(&link, LINK_MAX);
    if (more)
        make_link(call, l, &link);
    const struct http_line line = {"Link", buf_str(&link)};
    http_answer_bytes(call->rq, 200, "application/json", buf_str(&l->first), l->first.len, &line,
                      link.len > 0);
    buf_free(&link);
}

void api_list_answer(struct api_call *call, struct api_list *l)
{
    buf_init(&l->first, API_JSON_MAX);
    buf_add(&l->first, "[", 1);
    enum err e = read_slice(l, &l->first, l->limit ? l->limit + 1 : SLICE);
    if (!e && !l->ended) {
        http_answer_stream(call->rq, 200, "application/json", NULL, 0, next_piece, list_free, l);
        return;
    }
    if (e)
        api_store_error(call->rq, e);
    else
        answer_page(call, l);
    list_free(l);
}

/* ---- the query ---- */

struct find {
    const char *key;
    char *out;
    size_t size;
    enum err e;
};

static bool find_value(void *ctx, const char *key, const char *value)
{
    struct find *f = ctx;
    if (strcmp(key, f->key) != 0)
        return true;
    f->e = text_copy(f->out, f->size, value ? value : "") ? ERR_SYNTAX : OK;
    if (!f->e && text_utf8_check(f->out, http_unescape(f->out)))
        f->e = ERR_SYNTAX;
    return false;
}

enum err api_query_value(struct http_request *rq, const char *key, char *out, size_t size)
{
    struct find f = {key, out, size, ERR_NOT_FOUND};
    http_query(rq, find_value, &f);
    return f.e;
}

/* A number of the query; fallback where it is not there.  False: 400 was answered. */
static bool query_number(struct http_request *rq, const char *key, int64_t max, const char *wrong,
                         int64_t *out)
{
    char text[32];
    enum err e = api_query_value(rq, key, text, sizeof text);
    if (e == ERR_NOT_FOUND)
        return true;
    if (e || text_int(text, 1, max, out)) {
        api_invalid(rq, key, wrong);
        return false;
    }
    return true;
}

bool api_list_page(struct api_call *call, struct api_list *l)
{
    int64_t limit = 0, cursor = 0;
    if (!query_number(call->rq, "limit", API_LIMIT_MAX, "A number from 1 to 10000 is wanted.",
                      &limit) ||
        !query_number(call->rq, "cursor", INT64_MAX, "Invalid cursor.", &cursor))
        return false;
    l->limit = (size_t)limit;
    l->before_id = cursor;
    return true;
}
