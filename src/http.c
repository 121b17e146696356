/* http.c - the listeners' thread: connections, requests, suspending and resuming.
 * Refuses to know routes.  Only this and http_answer.c know libmicrohttpd.
 * Promises: libmicrohttpd is run from one thread of ours, so that nothing here needs a lock but the wake-up;
 * its time-out is inactivity only, so connections are kept in the order of their age and cut by it. */
#include <ctype.h>
#include <errno.h>
#include <malloc.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "http_impl.h"
#include "log.h"
#include "pulse.h"
#include "text.h"

#define TICK_MS         500   /* how often ages are looked at */
#define LOOK_MS         5000  /* how often an answer without news is asked */
#define STOP_ANSWERS_MS 1000  /* running answers */
#define STOP_RESUME_MS  10000 /* suspended requests: their work has deadlines of its own */
#define DRAIN_MAX       (16 * 1024 * 1024) /* of a body that is too long, so that the 413 is read */
#define MANY            1024               /* connections, whose memory is worth giving back */
#define GAP_MAX         8192               /* of blanks between two headers */
#define BODY_KEEP       4096 /* a body's memory is kept for the next request up to this */

/* ---- connections ---- */

static void conn_idle(struct http_conn *c)
{
    if (c->idle)
        return;
    c->idle = true;
    TAILQ_INSERT_TAIL(&c->http->idle, c, idle_link);
}

static void conn_not_idle(struct http_conn *c)
{
    if (c->idle)
        TAILQ_REMOVE(&c->http->idle, c, idle_link);
    c->idle = false;
}

/* libmicrohttpd sees the end of the stream and closes. */
static void conn_cut(struct http_conn *c)
{
    conn_not_idle(c);
    shutdown(c->fd, SHUT_RDWR);
}

static void cut_overdue(struct http *h)
{
    struct http_conn *oldest;
    int64_t before_ms = clk_mono_ms() - h->o.request_ms;
    while ((oldest = TAILQ_FIRST(&h->idle)) && oldest->since_ms < before_ms)
        conn_cut(oldest);
}

/* libmicrohttpd, edge-triggered, does not see an end that came along with the request before it: who became
 * idle lately is asked once more.  One that has more to say, or whose request is whole, is left alone. */
static void cut_gone(struct http *h, int64_t since_ms)
{
    struct http_conn *c, *before;
    char byte;
    for (c = TAILQ_LAST(&h->idle, conn_list); c && c->since_ms >= since_ms; c = before) {
        before = TAILQ_PREV(c, conn_list, idle_link);
        if (!c->rq.again && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0)
            conn_cut(c);
    }
}

static void conn_started(struct http *h, struct MHD_Connection *mhd, void **slot)
{
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct http_conn *c = calloc(1, sizeof *c);
    *slot = c;
    if (!c || !fd)
        return; /* answered by closing, in on_request() */
    c->http = h;
    c->fd = fd->connect_fd;
    c->since_ms = clk_mono_ms();
    c->rq.conn = c;
    c->rq.mhd = mhd;
    buf_init(&c->rq.body, h->o.body_max);
    conn_idle(c);
    /* at the limit a visitor would wait: make room before */
    if (++h->connections > h->o.connections_max - h->o.connections_max / 8)
        conn_cut(TAILQ_FIRST(&h->idle));
}

/* Of thousands of connections glibc keeps tens of MiB in small pieces. */
static void give_memory_back(struct http *h)
{
    if (h->connections > h->most)
        h->most = h->connections;
    if (h->most < MANY || h->connections > h->most / 4)
        return;
    (void)malloc_trim(0);
    h->most = h->connections;
}

static void conn_closed(struct http *h, struct http_conn *c)
{
    if (!c)
        return;
    if (c->http) {
        h->connections--;
        h->closed = true;
        conn_not_idle(c);
        buf_free(&c->rq.body);
    }
    free(c);
}

static void on_connection(void *ctx, struct MHD_Connection *mhd, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        conn_started(ctx, mhd, slot);
    else
        conn_closed(ctx, *slot);
}

/* ---- requests ---- */

struct framing {
    unsigned lengths, codings, hosts;
    bool bad, expect;
    uint64_t length;
    const char *end; /* of the header before, in libmicrohttpd's buffer */
};

static bool is_header(const char *key, size_t n, const char *name)
{
    return n == strlen(name) && text_equal_nocase(key, name);
}

/* RFC 9110 5.6.2, less what no header of anybody has: "Content-Length : 5" and a NUL before a name are
 * read differently by different readers (RFC 9112 5.1). */
static bool name_ok(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)name[i]) && (!name[i] || !strchr("!#$%&'*+-.^_`|~", name[i])))
            return false;
    }
    return n > 0;
}

/* Nothing but what libmicrohttpd takes for an end, from one place of its buffer to a later one. */
static bool only_ends_between(const char *from, const char *to)
{
    uintptr_t n = (uintptr_t)to - (uintptr_t)from;
    for (uintptr_t i = 0; n <= GAP_MAX && i < n; i++) {
        if (from[i] && !strchr(" \t\r\n", from[i]))
            return false;
    }
    return n <= GAP_MAX;
}

/* libmicrohttpd 0.9.75 appends a folded line to the header's name ("Content-Length: 5\r\n 0" is a
 * "Content-Length0: 5") and ends a value at a NUL.  It keeps names and values where they came in, one behind
 * the other, except those that it put together: so they are known. */
static bool in_place(struct framing *f, const char *key, size_t key_n, const char *value,
                     size_t value_n)
{
    bool ok = !f->end || only_ends_between(f->end, key);
    f->end = value ? value + value_n : key + key_n;
    return ok && (!value || only_ends_between(key + key_n, value));
}

/* RFC 9110 5.5: CR and LF in a value are as dangerous as a NUL (in_place() sees that one). */
static bool value_ok(const char *value, size_t n)
{
    return !value || (!memchr(value, '\r', n) && !memchr(value, '\n', n));
}

/* libmicrohttpd takes "5" for itself; anything around it somebody else may read otherwise. */
static bool digits_only(const char *value)
{
    return value && *value && value[strspn(value, "0123456789")] == '\0';
}

static enum MHD_Result look_at_header(void *ctx, enum MHD_ValueKind kind, const char *key,
                                      size_t key_n, const char *value, size_t value_n)
{
    struct framing *f = ctx;
    (void)kind;
    f->bad |= !name_ok(key, key_n) || !value_ok(value, value_n) ||
              !in_place(f, key, key_n, value, value_n);
    if (is_header(key, key_n, "Content-Length")) {
        f->lengths++;
        f->bad |= !digits_only(value);
        f->length = value ? strtoull(value, NULL, 10) : 0;
    } else if (is_header(key, key_n, "Transfer-Encoding")) {
        f->codings++;
        f->bad |= !value || !text_equal_nocase(value, "chunked");
    } else if (is_header(key, key_n, "Host")) {
        f->hosts++;
    } else if (is_header(key, key_n, "Expect")) {
        f->expect = true;
    }
    return MHD_YES;
}

/* RFC 9112 3.2, 6.3: what a proxy in front may have read as another request is refused as a whole. */
static bool framing_ok(struct http_request *rq, struct framing *f)
{
    *f = (struct framing){0};
    MHD_get_connection_values_n(rq->mhd, MHD_HEADER_KIND, look_at_header, f);
    f->bad |= f->end && !only_ends_between(f->end, f->end + 2); /* behind the last one */
    return !f->bad && f->lengths + f->codings <= 1 && f->hosts <= 1;
}

/* "http://host/path" (RFC 9112 3.2.2) is served like "/path". */
static const char *origin_form(const char *target)
{
    if (target[0] == '/')
        return target;
    const char *authority = strstr(target, "://");
    const char *path = authority ? strchr(authority + 3, '/') : NULL;
    return path ? path : authority ? "/" : "/*";
}

static enum MHD_Result call(struct http_request *rq, http_handler *handler, void *ctx)
{
    rq->answered = rq->suspended = false;
    handler(ctx, rq);
    return rq->answered || rq->suspended ? MHD_YES : MHD_NO;
}

/* A connection suspended at once would be read from when it is resumed, and a peer that has closed its
 * sending side by then (as nc does) would go without its answer.  libmicrohttpd that got no answer comes
 * again, and does not read before it has one: it may be suspended then. */
static bool come_again(struct http_request *rq)
{
    bool first = !rq->again && strcmp(rq->method, "GET") != 0 && strcmp(rq->method, "HEAD") != 0;
    rq->again = true;
    return first;
}

/* The request is whole: it is no longer the peer's slowness that counts. */
static enum MHD_Result request_complete(struct http_conn *c)
{
    struct http_request *rq = &c->rq;
    if (!rq->too_long && come_again(rq))
        return MHD_YES;
    if (!rq->busy) {
        rq->busy = true;
        c->http->busy++;
        conn_not_idle(c);
    }
    if (rq->resumed) {
        http_handler *resumed = rq->resumed;
        rq->resumed = NULL;
        c->http->suspended--;
        return call(rq, resumed, rq->resumed_ctx);
    }
    return call(rq, c->http->o.handler, c->http->o.ctx);
}

static enum MHD_Result request_begins(struct http_conn *c, const char *target, const char *method)
{
    static const struct http_line closes = {"Connection", "close"};
    struct http_request *rq = &c->rq;
    struct framing f;
    rq->method = method;
    rq->path = origin_form(target);
    rq->dropped = 0;
    rq->too_long = rq->answered = rq->again = false;
    buf_clear(&rq->body);
    if (!framing_ok(rq, &f)) {
        http_answer_bytes(rq, 400, NULL, "", 0, &closes, 1);
        return rq->answered ? MHD_YES : MHD_NO;
    }
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(rq->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (size && size->header_size > c->http->o.header_max) {
        http_answer_bytes(rq, 431, NULL, "", 0, NULL, 0);
        return rq->answered ? MHD_YES : MHD_NO;
    }
    if (f.length > c->http->o.body_max && (f.expect || f.length > DRAIN_MAX)) {
        rq->too_long = true; /* answered without reading it; libmicrohttpd closes then */
        return request_complete(c);
    }
    return MHD_YES;
}

static enum MHD_Result body_arrives(struct http_request *rq, const char *data, size_t *n)
{
    if (!rq->too_long && buf_add(&rq->body, data, *n)) {
        rq->too_long = true;
        buf_free(&rq->body);
    }
    if (rq->too_long)
        rq->dropped += *n;
    *n = 0;
    return rq->dropped > DRAIN_MAX ? MHD_NO : MHD_YES;
}

/* libmicrohttpd calls this when the headers are there, for each piece of the body, when all is there, and
 * again after a resume. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *mhd, const char *target,
                                  const char *method, const char *version, const char *data,
                                  size_t *n, void **slot)
{
    (void)ctx;
    (void)version;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_conn *c = info ? info->socket_context : NULL;
    if (!c || !c->http)
        return MHD_NO;
    if (!*slot) {
        *slot = c;
        return request_begins(c, target, method);
    }
    if (*n)
        return body_arrives(&c->rq, data, n);
    return request_complete(c);
}

/* The answer is out, or the peer is gone. */
static void on_completed(void *ctx, struct MHD_Connection *mhd, void **slot,
                         enum MHD_RequestTerminationCode why)
{
    struct http *h = ctx;
    struct http_conn *c = *slot;
    (void)mhd;
    (void)why;
    if (!c)
        return;
    struct http_request *rq = &c->rq;
    if (rq->free_state)
        rq->free_state(rq->state);
    rq->free_state = NULL;
    if (rq->resumed) /* gone between the resume and our turn */
        h->suspended--;
    rq->resumed = NULL;
    if (rq->body.cap > BODY_KEEP)
        buf_free(&rq->body);
    rq->again = false;
    if (rq->busy) {
        rq->busy = false;
        h->busy--;
        c->since_ms = clk_mono_ms();
        conn_idle(c);
    }
    *slot = NULL;
}

void http_suspend(struct http_request *rq, http_handler *resumed, void *ctx)
{
    rq->resumed = resumed;
    rq->resumed_ctx = ctx;
    rq->suspended = true;
    rq->conn->http->suspended++;
    MHD_suspend_connection(rq->mhd);
}

/* Called with the lock. */
void http_wake(struct http *h)
{
    uint64_t one = 1;
    if (!h->woken && write(h->wake_fd, &one, sizeof one) == sizeof one)
        h->woken = true;
}

void http_resume(struct http_request *rq)
{
    struct http *h = rq->conn->http;
    pthread_mutex_lock(&h->wake_lock);
    MHD_resume_connection(rq->mhd); /* rq may be over from here on */
    http_wake(h);
    pthread_mutex_unlock(&h->wake_lock);
}

void http_attach(struct http_request *rq, void *state, void (*free_state)(void *state))
{
    rq->state = state;
    rq->free_state = free_state;
}

/* ---- the thread ---- */

static void clear_wake(struct http *h)
{
    uint64_t count;
    pthread_mutex_lock(&h->wake_lock);
    h->woken = false;
    if (read(h->wake_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        log_error("http", "name=%s wake=\"%s\"", h->name, strerror(errno));
    pthread_mutex_unlock(&h->wake_lock);
}

static void run_once(struct http *h)
{
    MHD_UNSIGNED_LONG_LONG ms;
    int wait_ms = h->closed ? 0 : TICK_MS;
    h->closed = false;
    for (size_t i = 0; i < h->count; i++) {
        if (MHD_get_timeout(h->daemon[i], &ms) == MHD_YES && ms < (unsigned)wait_ms)
            wait_ms = (int)ms;
    }
    pulse_beat();
    if (poll(h->poll, h->count + 1, wait_ms) < 0 && errno != EINTR)
        log_error("http", "name=%s poll=\"%s\"", h->name, strerror(errno));
    if (h->poll[h->count].revents)
        clear_wake(h);
    if (atomic_exchange(&h->streams_woken, false) || clk_mono_ms() >= h->look_ms) {
        http_streams_resume(h);
        h->look_ms = clk_mono_ms() + LOOK_MS;
    }
    for (size_t i = 0; i < h->count; i++)
        MHD_run_wait(h->daemon[i], 0);
}

static void run_for(struct http *h, int64_t limit_ms, const unsigned *until_zero)
{
    int64_t end_ms = clk_mono_ms() + limit_ms;
    while (*until_zero > 0 && clk_mono_ms() < end_ms)
        run_once(h);
}

static void stop_daemons(struct http *h)
{
    for (size_t i = 0; i < h->count; i++)
        MHD_quiesce_daemon(h->daemon[i]);
    http_listen_close(h->listener, h->count);
    http_streams_resume(h);
    run_for(h, STOP_RESUME_MS, &h->suspended);
    run_for(h, STOP_ANSWERS_MS, &h->busy);
    if (h->suspended > 0) { /* stopping libmicrohttpd now would be its undefined behaviour */
        log_error("http", "name=%s suspended=%u reason=\"never resumed\"", h->name, h->suspended);
        return;
    }
    for (size_t i = 0; i < h->count; i++)
        MHD_stop_daemon(h->daemon[i]);
}

void *http_serve(void *arg)
{
    struct http *h = arg;
    int64_t next_ms = 0;
    char name[PULSE_NAME_MAX];
    snprintf(name, sizeof name, "http %s", h->name);
    pulse_begin(name);
    while (!atomic_load_explicit(&h->stopping, memory_order_relaxed)) {
        run_once(h);
        int64_t now_ms = clk_mono_ms();
        if (now_ms < next_ms)
            continue;
        cut_overdue(h);
        cut_gone(h, now_ms - 2 * TICK_MS);
        give_memory_back(h);
        next_ms = now_ms + TICK_MS;
    }
    stop_daemons(h);
    pulse_end();
    return NULL;
}

/* ---- libmicrohttpd's daemons ---- */

static void __attribute__((format(printf, 2, 0))) mhd_says(void *ctx, const char *fmt, va_list args)
{
    const struct http *h = ctx;
    char text[256];
    vsnprintf(text, sizeof text, fmt, args);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http", "name=%s mhd=\"%s\"", h->name, text);
}

/* Requests stay encoded until a route decodes them: only so a %2F or a %00 keeps its meaning. */
static size_t leave_encoded(void *ctx, struct MHD_Connection *mhd, char *s)
{
    (void)ctx;
    (void)mhd;
    return strlen(s);
}

/* The pool holds the headers, then the answer's head; it is cleared for each request, so it is kept small. */
static size_t pool_size(const struct http *h)
{
    return h->o.header_max + 4096;
}

bool http_daemon_start(struct http *h, size_t i)
{
    bool tls = h->cert != NULL;
    /* turbo leaves out the shutdown before a close, which TLS needs to say goodbye */
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (tls ? MHD_USE_TLS : MHD_USE_TURBO);
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)mhd_says, h},
        {MHD_OPTION_LISTEN_SOCKET, h->listener[i].fd, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)on_connection, h},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)on_completed, h},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)leave_encoded, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)pool_size(h), NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)h->o.connections_max, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (h->o.request_ms + 999) / 1000, NULL},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {tls ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, h->cert},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, h->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    h->daemon[i] = MHD_start_daemon(flags, 0, NULL, NULL, on_request, h, MHD_OPTION_ARRAY, options,
                                    MHD_OPTION_END);
    if (!h->daemon[i])
        return false;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon[i], MHD_DAEMON_INFO_EPOLL_FD);
    h->poll[i] = (struct pollfd){.fd = info ? info->epoll_fd : -1, .events = POLLIN};
    return true;
}

void http_daemon_stop(struct http *h, size_t i)
{
    if (!h->daemon[i])
        return;
    MHD_quiesce_daemon(h->daemon[i]);
    MHD_stop_daemon(h->daemon[i]);
}
