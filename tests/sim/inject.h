/* SMS from outside to one of our SIMs.  Knows no control socket.
   Promises parts that never cut an escape or a surrogate pair, as a phone makes them. */
#ifndef SIM_INJECT_H
#define SIM_INJECT_H

#include "net.h"

struct inject {
    const char *from, *text;
    int parts; /* 0: as many as it needs */
    int ref;   /* -1: the next */
    bool ref16;
    int drop, twice;      /* part number, or 0 */
    const char *order;    /* "2,1,3", "shuffle", or NULL */
    const char *alphabet; /* gsm7, ucs2, 8bit, or NULL: the first that fits */
    int message_class;    /* -1: none */
    int age_s;            /* the SMSC took it so long ago */
};

const char *inject_text(struct simcard *card, const struct inject *in,
                        int *parts); /* NULL or why not */
const char *inject_raw(struct simcard *card, const char *hex);

#endif
