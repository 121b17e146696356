/* http_impl.h - what http.c, http_start.c and http_answer.c share: the group and its requests.
 * For these three files only. */
#ifndef SMSBRIDGE_HTTP_IMPL_H
#define SMSBRIDGE_HTTP_IMPL_H

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "http.h"
#include "http_listen.h"

struct MHD_Connection;
struct MHD_Daemon;
struct http_conn;

struct http_request {
    struct MHD_Connection *mhd;
    struct http_conn *conn;
    const char *method, *path; /* libmicrohttpd's, until the request ends */
    struct buf body;
    uint64_t dropped; /* bytes of a body that was too long */
    bool too_long;
    bool again;               /* come_again() */
    bool busy;                /* complete, and not yet over */
    bool answered, suspended; /* by the handler that runs */
    http_handler *resumed;    /* not NULL while suspended */
    void *resumed_ctx;
    void *state;
    void (*free_state)(void *state);
};

/* One connection, one request at a time. */
struct http_conn {
    TAILQ_ENTRY(http_conn) idle_link;
    struct http *http;
    int fd;
    bool idle;        /* in http->idle: no complete request is being answered */
    int64_t since_ms; /* accepted, or the answer before was done */
    struct http_request rq;
};
TAILQ_HEAD(conn_list, http_conn);
TAILQ_HEAD(stream_list, http_stream); /* http_answer.c */

struct http {
    struct http_options o;
    struct http_listener listener[HTTP_LISTENERS_MAX];
    struct MHD_Daemon *daemon[HTTP_LISTENERS_MAX];
    struct pollfd poll[HTTP_LISTENERS_MAX + 1]; /* the last is wake_fd */
    size_t count;
    char name[16];
    char *cert, *key;
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    /* an eventfd, as libmicrohttpd has no wake-up of its own for a thread of ours; the lock is held while a
     * request is resumed, so that stopping can wait for that */
    int wake_fd;
    pthread_mutex_t wake_lock;
    bool woken; /* wake_fd is written already */
    atomic_bool streams_woken;
    /* of the thread alone */
    struct conn_list idle; /* the oldest first */
    struct stream_list waiting; /* answers that have nothing to send, their connections suspended */
    int64_t look_ms;            /* when they are asked in any case */
    unsigned connections, busy, suspended;
    unsigned most; /* connections at a time, since memory was given back */
    bool closed;   /* one, since we waited last: the listening socket may go back into the set */
};

/* ---- http.c ---- */
/* A libmicrohttpd daemon for listener i, run by our thread; false: it does not start. */
bool http_daemon_start(struct http *h, size_t i);
/* Of one that no thread runs.  One that never started is fine. */
void http_daemon_stop(struct http *h, size_t i);
/* The thread; returns when stopping was set and everything is answered. */
void *http_serve(void *http);
/* Lets the thread look up; with wake_lock held. */
void http_wake(struct http *h);

/* ---- http_answer.c ---- */
/* Lets every waiting answer be asked for its next piece.  The thread's own. */
void http_streams_resume(struct http *h);

#endif
