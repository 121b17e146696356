/* What happened, in order and with times, and how often.  Knows no AT and no radio.
   Promises bounded memory: the oldest events go first, the counters never. */
#ifndef SIM_EVENT_H
#define SIM_EVENT_H

#include "str.h"

enum ev {
    EV_SUBMIT,     /* the network took an SMS */
    EV_REFUSED,    /* it, or the modem, did not */
    EV_ANSWER,     /* the modem wrote +CMGS (late ones too) */
    EV_LOST,       /* a fault kept +CMGS from being written */
    EV_OUTCOME,    /* the network settled an SMS for good */
    EV_REPORT,     /* a status report was shown to the computer */
    EV_DELIVER,    /* a message was shown or stored */
    EV_ACK,        /* +CNMA */
    EV_NACK,       /* +CNMA=2 */
    EV_ACK_LATE,   /* nobody acknowledged in time: mt and ds are 0 now */
    EV_HELD,       /* the network keeps it: no route, no space, no modem */
    EV_DELETE,     /* +CMGD */
    EV_BYTES_BUSY, /* somebody wrote while +CMGS was under way */
    EV_OVERFLOW,   /* nobody read: output dropped */
    EV_UNKNOWN,    /* a command that this modem does not have */
    EV_RADIO,      /* registration changed */
    EV_PIN,
    EV_USSD,
    EV_FAULT, /* a fault was set */
    EV_HANG,
    EV_CURED, /* it hangs no more */
    EV_UNPLUG,
    EV_REPLUG,
    EV_RESET,
    EV_TAP,
    EV_OPENED, /* somebody opened the port */
    EV_CLOSED,
    EV_KINDS
};

struct handset;
struct event {
    int64_t wall_us;
    const struct handset *who; /* or NULL */
    char *note;                /* or NULL */
    long message;              /* of who, or -1 */
    uint8_t kind, mr, st, part;
    int16_t modem; /* or -1 */
};

void event_limit(size_t most);
void event_free(void);

/* Copies *e; the time is filled in.  note may be NULL. */
void event_add(const struct event *e, const char *note);
void event_note(enum ev kind, int modem, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

unsigned long event_count(enum ev kind);
void event_counters(struct str *out); /* "submit":1,... */
const char *event_name(enum ev kind);
enum ev event_kind(const char *name); /* EV_KINDS: no such */

/* Sequence numbers grow by one; the first still kept, and the one after the last. */
unsigned long event_first(void);
unsigned long event_end(void);
const struct event *event_at(unsigned long seq);

#endif
