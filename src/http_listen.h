/* http_listen.h - listening sockets out of a list of addresses.
 * Refuses to know HTTP.  Promises: all of them are bound and listening, or none is left open. */
#ifndef SMSBRIDGE_HTTP_LISTEN_H
#define SMSBRIDGE_HTTP_LISTEN_H

#include <stddef.h>
#include <sys/socket.h>

#include "err.h"
#include "http.h"

#define HTTP_LISTENERS_MAX 8

struct http_listener {
    int fd; /* non-blocking, listening; -1: handed on or closed */
    struct sockaddr_storage address;
    char text[HTTP_ADDRESS_MAX];
};

/* list: as in struct http_options.  ERR_SYNTAX, ERR_FULL, ERR_IO: why (HTTP_WHY_MAX bytes) says which and what. */
enum err http_listen_open(const char *list, struct http_listener out[HTTP_LISTENERS_MAX], size_t *n,
                          char *why) MUST_CHECK;
/* Closes what is open; a unix socket's name goes too. */
void http_listen_close(struct http_listener *listeners, size_t n);

#endif
