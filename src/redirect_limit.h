/* redirect_limit.h - misses: who guesses slugs is slowed down, nobody else.
 * Knows no link.  Promises: bounded memory; 20 misses at once and 10 a minute for an IPv4 address or an IPv6
 * /64, 20 a second over all.  The listeners' thread only. */
#ifndef SMSBRIDGE_REDIRECT_LIMIT_H
#define SMSBRIDGE_REDIRECT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct redirect_limit; /* the buckets */

struct redirect_limit *redirect_limit_new(void); /* NULL: no memory */
void redirect_limit_free(struct redirect_limit *l);
/* A miss from that address (NULL: a local socket) at now_ms (monotonic): true while within its budget. */
bool redirect_limit_miss(struct redirect_limit *l, const struct sockaddr *from, int64_t now_ms);

#endif
