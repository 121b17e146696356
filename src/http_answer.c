/* http_answer.c - what a handler asks of a request, and how it answers.
 * Refuses to know threads and connections.
 * Promises: a header value is checked here, once, whoever made it; a long answer holds one piece at a time. */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "http_impl.h"
#include "log.h"

#define PIECE_MAX    (4 * 1024 * 1024) /* a piece() that appends more is at fault */
#define STREAM_BLOCK (16 * 1024)

const char *http_method(const struct http_request *rq)
{
    return rq->method;
}

const char *http_path(const struct http_request *rq)
{
    return rq->path;
}

const char *http_header(struct http_request *rq, const char *name)
{
    return MHD_lookup_connection_value(rq->mhd, MHD_HEADER_KIND, name);
}

enum err http_body(const struct http_request *rq, const char **data, size_t *n)
{
    if (rq->too_long)
        return ERR_FULL;
    *data = buf_str(&rq->body);
    *n = rq->body.len;
    return OK;
}

const struct sockaddr *http_peer(const struct http_request *rq)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(rq->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : NULL;
}

struct query_walk {
    http_query_item *item;
    void *ctx;
};

static enum MHD_Result query_item(void *ctx, enum MHD_ValueKind kind, const char *key,
                                  const char *value)
{
    struct query_walk *w = ctx;
    (void)kind;
    return w->item(w->ctx, key, value) ? MHD_YES : MHD_NO;
}

void http_query(struct http_request *rq, http_query_item *item, void *ctx)
{
    struct query_walk w = {item, ctx};
    MHD_get_connection_values(rq->mhd, MHD_GET_ARGUMENT_KIND, query_item, &w);
}

/* ---- answers ---- */

bool http_value_ok(const char *value)
{
    for (const unsigned char *p = (const unsigned char *)value; *p; p++) {
        if ((*p < 0x20 && *p != '\t') || *p == 0x7F)
            return false;
    }
    return true;
}

static bool add_headers(struct MHD_Response *r, const struct http_line *headers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!http_value_ok(headers[i].value) ||
            MHD_add_response_header(r, headers[i].name, headers[i].value) != MHD_YES) {
            log_error("http", "header=%s reason=\"refused\"", headers[i].name);
            return false;
        }
    }
    return true;
}

/* Takes r: it is gone when the headers are not as they should be. */
static struct http_response *with_headers(struct MHD_Response *r, const struct http_line *headers,
                                          size_t count)
{
    if (r && !add_headers(r, headers, count)) {
        MHD_destroy_response(r);
        r = NULL;
    }
    return (struct http_response *)r;
}

struct http_response *http_response_new(const void *body, size_t n, const struct http_line *headers,
                                        size_t count)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        n, (void *)body, n ? MHD_RESPMEM_MUST_COPY : MHD_RESPMEM_PERSISTENT);
    return with_headers(r, headers, count);
}

void http_response_free(struct http_response *r)
{
    if (r)
        MHD_destroy_response((struct MHD_Response *)r);
}

void http_answer(struct http_request *rq, unsigned status, struct http_response *r)
{
    if (r && MHD_queue_response(rq->mhd, status, (struct MHD_Response *)r) == MHD_YES)
        rq->answered = true;
}

/* The same lines with Content-Type in front. */
static size_t lines_with_type(struct http_line out[8], const char *type,
                              const struct http_line *extra, size_t count)
{
    size_t n = 0;
    if (type)
        out[n++] = (struct http_line){"Content-Type", type};
    for (size_t i = 0; i < count && n < 8; i++)
        out[n++] = extra[i];
    return n;
}

void http_answer_bytes(struct http_request *rq, unsigned status, const char *type, const void *body,
                       size_t n, const struct http_line *extra, size_t count)
{
    struct http_line lines[8];
    size_t total = lines_with_type(lines, type, extra, count);
    struct http_response *r = http_response_new(body, n, lines, total);
    http_answer(rq, status, r);
    http_response_free(r);
}

/* ---- in pieces ---- */

struct http_stream {
    TAILQ_ENTRY(http_stream) link; /* in http->waiting */
    struct http_request *rq;
    struct buf piece;
    size_t sent; /* of the piece */
    http_piece *next;
    void (*done)(void *ctx);
    void *ctx;
};

/* A reader that has nothing would be asked at once again: its connection is suspended instead. */
static ssize_t stream_wait(struct http_stream *s)
{
    struct http *h = s->rq->conn->http;
    MHD_suspend_connection(s->rq->mhd);
    TAILQ_INSERT_TAIL(&h->waiting, s, link);
    return 0;
}

void http_streams_resume(struct http *h)
{
    struct http_stream *s;
    while ((s = TAILQ_FIRST(&h->waiting))) {
        TAILQ_REMOVE(&h->waiting, s, link);
        MHD_resume_connection(s->rq->mhd);
    }
}

void http_wake_streams(struct http *h)
{
    if (atomic_exchange(&h->streams_woken, true))
        return;
    pthread_mutex_lock(&h->wake_lock);
    http_wake(h);
    pthread_mutex_unlock(&h->wake_lock);
}

static ssize_t stream_read(void *ctx, uint64_t at, char *out, size_t max)
{
    struct http_stream *s = ctx;
    (void)at;
    while (s->sent == s->piece.len) {
        buf_clear(&s->piece);
        s->sent = 0;
        enum err e = s->next(s->ctx, &s->piece);
        if (e == ERR_BUSY && !atomic_load(&s->rq->conn->http->stopping))
            return stream_wait(s);
        if (e == ERR_EMPTY || e == ERR_BUSY)
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (e || s->piece.err)
            return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    size_t n = s->piece.len - s->sent < max ? s->piece.len - s->sent : max;
    memcpy(out, s->piece.data + s->sent, n);
    s->sent += n;
    return (ssize_t)n;
}

static void stream_free(void *ctx)
{
    struct http_stream *s = ctx;
    s->done(s->ctx);
    buf_free(&s->piece);
    free(s);
}

void http_answer_stream(struct http_request *rq, unsigned status, const char *type,
                        const struct http_line *extra, size_t count, http_piece *piece,
                        void (*done)(void *ctx), void *ctx)
{
    struct http_line lines[8];
    size_t total = lines_with_type(lines, type, extra, count);
    struct http_stream *s = malloc(sizeof *s);
    if (!s) {
        done(ctx);
        return;
    }
    *s = (struct http_stream){.rq = rq, .next = piece, .done = done, .ctx = ctx};
    buf_init(&s->piece, PIECE_MAX);
    struct MHD_Response *made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
                                                                  stream_read, s, stream_free);
    if (!made) {
        stream_free(s);
        return;
    }
    /* libmicrohttpd 0.9.75 puts the last chunk behind a HEAD's headers: no chunks there */
    if (strcmp(rq->method, "HEAD") == 0)
        MHD_set_response_options(made, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    struct http_response *r = with_headers(made, lines, total); /* frees s when it refuses */
    http_answer(rq, status, r);
    http_response_free(r);
}
