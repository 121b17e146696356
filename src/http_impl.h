/* http_impl.h - what http.c and http_answer.c share: the request.
 * For these two files only. */
#ifndef SMSBRIDGE_HTTP_IMPL_H
#define SMSBRIDGE_HTTP_IMPL_H

#include "http.h"

struct MHD_Connection;
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

#endif
