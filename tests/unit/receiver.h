/* receiver.h - a webhook receiver on 127.0.0.1 for unit tests: one thread, real sockets.
 * The path says what it does with a POST:
 *   /ok /n204 /n302 /n500   that status         /flaky/N   500 to the first N, then 200
 *   /slow/MS  200 after so long                 /hang      nothing, for ever
 *   /close    hangs up without an answer        /endless   200 and a body without an end
 *   /headers  200 and headers without an end    /short     200 and less body than promised, then hangs up
 *   /stuck    200 and less body than promised, for ever
 * It records every POST.  ask() anything else of it is a test's mistake. */
#ifndef SMSBRIDGE_TEST_RECEIVER_H
#define SMSBRIDGE_TEST_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

#define RECEIVER_POSTS 2048

struct receiver_post {
    int64_t at_ms; /* monotonic, when it was read whole */
    char path[64];
    char headers[1024];
    char body[1024];
};
struct receiver;

struct receiver *receiver_start(void);
void receiver_stop(struct receiver *r);
uint16_t receiver_port(const struct receiver *r);
/* POSTs so far whose path begins with `path`. */
unsigned receiver_count(struct receiver *r, const char *path);
/* The k-th of them, from 0; false: not there yet. */
bool receiver_get(struct receiver *r, const char *path, unsigned k, struct receiver_post *out);
/* The most that were open at once without an answer. */
unsigned receiver_most_open(struct receiver *r);
/* The value of a header, "" without one, in out. */
const char *receiver_header(const struct receiver_post *p, const char *name, char out[256]);

#endif
