/* What goes wrong on command.  Knows no modem.  Promises that a fault is used as often as it was asked
   for, then gone. */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "str.h"

enum fault_kind {
    FAULT_ECHO,        /* ATE0 is answered OK and changes nothing */
    FAULT_CHATTER,     /* vendors' lines inside the answer */
    FAULT_SPLIT,       /* the answer in single octets, arg ms apart */
    FAULT_DELAY,       /* the answer arg ms late */
    FAULT_CMS,         /* +CMS ERROR: arg after Ctrl-Z, not sent */
    FAULT_CMS_SENT,    /* the same, but it was sent */
    FAULT_CMS_EARLY,   /* instead of the prompt */
    FAULT_CME,         /* +CME ERROR: arg to a command */
    FAULT_ERROR,       /* ERROR to a command */
    FAULT_ERROR_LATE,  /* bare ERROR after Ctrl-Z, not sent */
    FAULT_NO_PROMPT,   /* +CMGS= is answered by nothing */
    FAULT_LOST_ANSWER, /* sent, no answer */
    FAULT_LOST_SMS,    /* not sent, no answer */
    FAULT_LATE,        /* sent, the answer arg ms late */
    FAULT_SILENCE,     /* no answer to anything */
    FAULT_GARBAGE,     /* arg octets of noise before the answer */
    FAULT_REPORT_FIRST,
    FAULT_DUPLICATE_REPORT,
    FAULT_CRASH,        /* unplugged after Ctrl-Z, sent */
    FAULT_CRASH_UNSENT, /* unplugged after Ctrl-Z, not sent */
    FAULT_RESET,        /* restarts after Ctrl-Z, sent */
    FAULT_KINDS
};

struct fault {
    unsigned long left; /* 0: not set */
    long arg;
    char command[24]; /* only for this command, e.g. +CMGS; "" for any */
};

const char *fault_name(enum fault_kind k);
enum fault_kind fault_kind(const char *name); /* FAULT_KINDS: no such */
long fault_default(enum fault_kind k);        /* of arg */

/* True when set (for this command): one use less.  arg may be NULL. */
bool fault_take(struct fault set[FAULT_KINDS], enum fault_kind k, const char *command, long *arg);
bool fault_is_set(const struct fault set[FAULT_KINDS], enum fault_kind k);
void fault_json(const struct fault set[FAULT_KINDS], struct str *out);

#endif
