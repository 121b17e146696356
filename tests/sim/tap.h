/* Opening a link as a phone does.  Knows no SMS.
   Promises that the loop never waits: each tap is a thread, and its result comes back on the loop. */
#ifndef SIM_TAP_H
#define SIM_TAP_H

#include "str.h"

enum { TAP_HEADERS_MAX = 16 };

struct tap_request { /* strings are copied */
    const char *url;
    const char *via;    /* HOST:PORT to connect to, in clear, whatever the URL says; or NULL */
    const char *ua;     /* NULL: a current Chrome on Android */
    const char *method; /* NULL: GET */
    const char *header[TAP_HEADERS_MAX];
    int headers;
    bool follow;
    long timeout_ms;
};

/* done runs on the loop with the result as a JSON object's members; false: too many at once. */
bool tap_start(const struct tap_request *r, void (*done)(void *arg, const char *json), void *arg);

bool tap_open(void);
void tap_close(void); /* waits for those under way */

/* The first http(s) link of a text, as a phone would mark it; "" when there is none. */
void tap_link(const char *text, struct str *url);

#endif
