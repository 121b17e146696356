/* http.h - HTTP/1.1 listeners: a request comes in whole, an answer goes out; libmicrohttpd's only home.
 * Refuses to know routes, JSON and what is served.
 * Promises: one thread for all addresses of a group, on which every handler runs; nothing that a peer sends
 * (framing, size, slowness, number of connections) stops the others; a header line cannot be injected. */
#ifndef SMSBRIDGE_HTTP_H
#define SMSBRIDGE_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "buf.h"
#include "err.h"

struct http;          /* a group of listeners and its thread */
struct http_request;  /* borrowed by a handler; lives on while suspended */
struct http_response; /* made once, sent any number of times; counted references */

#define HTTP_WHY_MAX     200
#define HTTP_ADDRESS_MAX 128

/* On the listeners' thread, never blocks.  Answers once, or suspends; a request left without an answer is
 * a closed connection. */
typedef void http_handler(void *ctx, struct http_request *rq);

struct http_options {
    const char *name;   /* for the log: "api", "links" */
    const char *listen; /* "127.0.0.1:8080, [::1]:0, unix:/run/x.sock"; port 0: any free one */
    const char *tls_cert, *tls_key; /* PEM files; NULL or "": plain */
    http_handler *handler;
    void *ctx;
    size_t body_max;          /* a longer body is read and dropped: http_body() says ERR_FULL */
    size_t header_max;        /* request line and headers; beyond: 431 */
    unsigned connections_max; /* near it, the longest idle ones are closed */
    int request_ms;           /* from accept, or from the answer before, to a complete request */
};

/* Binds, then serves on a thread of its own.  Strings are needed during the call only.
 * *out is set before the first handler runs, NULL when not OK.
 * ERR_SYNTAX, ERR_IO, ERR_NO_MEMORY: why (HTTP_WHY_MAX bytes) says which address and what. */
enum err http_start(const struct http_options *o, struct http **out, char *why) MUST_CHECK;
/* Accepts nothing new, lets every suspended request be resumed (whoever suspended one must resume it) and
 * running answers end within a second, then closes and frees.  NULL is fine. */
void http_stop(struct http *h);

/* The bound addresses, in the order of `listen`.  "127.0.0.1:43211", "[::1]:8080", "unix:/path". */
size_t http_address_count(const struct http *h);
const char *http_address_text(const struct http *h, size_t i);
const struct sockaddr *http_address(const struct http *h, size_t i);
bool http_is_tls(const struct http *h);

/* ---- what was asked; everything borrowed until the request ends ---- */
const char *http_method(const struct http_request *rq);
/* As it came, not decoded, without the query; "/" in front always. */
const char *http_path(const struct http_request *rq);
/* The first header of that name (case ignored); NULL: none. */
const char *http_header(struct http_request *rq, const char *name);
/* The body, NUL-terminated behind its end.  ERR_FULL: longer than body_max. */
enum err http_body(const struct http_request *rq, const char **data, size_t *n) MUST_CHECK;
/* NULL or AF_UNIX for a local socket. */
const struct sockaddr *http_peer(const struct http_request *rq);
/* Each "key=value" or "key" (value NULL) of the query, not %-decoded, + already a space; false ends it. */
typedef bool http_query_item(void *ctx, const char *key, const char *value);
void http_query(struct http_request *rq, http_query_item *item, void *ctx);
/* %XX decoded in place; a % that is no escape stays.  Returns the length; NUL bytes may be among them. */
size_t http_unescape(char *s);

/* One field of a form: name is NUL-terminated, value has n bytes and a NUL behind; file: it is an upload.
 * Anything but OK ends the walk and is returned. */
typedef enum err http_form_field(void *ctx, const char *name, const char *value, size_t n,
                                 bool file);
/* application/x-www-form-urlencoded: any bytes are one.  ERR_NO_MEMORY. */
enum err http_form_urlencoded(const char *body, size_t n, http_form_field *field,
                              void *ctx) MUST_CHECK;
/* multipart/form-data; content_type: the header, with its boundary.  ERR_SYNTAX, ERR_NO_MEMORY. */
enum err http_form_multipart(const char *content_type, const char *body, size_t n,
                             http_form_field *field, void *ctx) MUST_CHECK;

/* ---- answers ---- */
struct http_line { /* a header line */
    const char *name, *value;
};
/* No byte that could end or fold the line; anything else is refused by http_response_new(). */
bool http_value_ok(const char *value);
/* Copies everything.  NULL: no memory, or a header with a forbidden byte (logged). */
struct http_response *http_response_new(const void *body, size_t n, const struct http_line *headers,
                                        size_t count);
/* Drops the maker's reference.  Any thread.  NULL is fine. */
void http_response_free(struct http_response *r);
/* Sends it; the reference stays the caller's.  For HEAD the body stays away by itself. */
void http_answer(struct http_request *rq, unsigned status, struct http_response *r);
/* Made, sent and dropped; NULL type: no Content-Type.  `extra` headers may be NULL with count 0. */
void http_answer_bytes(struct http_request *rq, unsigned status, const char *type, const void *body,
                       size_t n, const struct http_line *extra, size_t count);

/* A long answer in pieces: appends the next one to out; ERR_EMPTY: that was all; ERR_BUSY: nothing yet, it is asked
 * again after http_wake_streams(), and every 5 s (so that it can send a sign of life, which is how a peer that is
 * gone is noticed); else: the connection is cut, so that nobody takes half for the whole.  A peer that does not read
 * is cut after request_ms.  On the listeners' thread; between pieces others are served. */
typedef enum err http_piece(void *ctx, struct buf *out);
/* done(ctx) is called once when it is over, however it ended, even when this function could not start. */
void http_answer_stream(struct http_request *rq, unsigned status, const char *type,
                        const struct http_line *extra, size_t count, http_piece *piece,
                        void (*done)(void *ctx), void *ctx);
/* Something new for those that said ERR_BUSY.  Any thread, never blocks. */
void http_wake_streams(struct http *h);

/* ---- later ---- */
/* The handler returns without an answer; once http_resume() was called, resumed(ctx, rq) runs on the
 * listeners' thread and answers, or suspends again.  Call it before the work that resumes is handed out. */
void http_suspend(struct http_request *rq, http_handler *resumed, void *ctx);
/* Any thread, exactly once for each http_suspend(). */
void http_resume(struct http_request *rq);
/* free_state(state) runs on the listeners' thread when the request ends, answered or not: a peer may be gone
 * before resumed() runs.  One per request. */
void http_attach(struct http_request *rq, void *state, void (*free_state)(void *state));

#endif
