/* Commands as rows.  Knows neither descriptors nor the network's insides.
   Promises one function a command, whose result is the final result code. */
#ifndef SIM_AT_H
#define SIM_AT_H

#include "simmodem.h"

enum {
    AT_OK = 0,
    AT_ERROR = -1,
    AT_LATER = -2,
    AT_SILENT = -3,
    AT_REFUSAL = -4, /* in the profile's words */
    AT_CME_BASE = 10000,
    AT_CMS_BASE = 20000
};
#define AT_CME(n) (AT_CME_BASE + (n))
#define AT_CMS(n) (AT_CMS_BASE + (n))

enum at_op { AT_DO, AT_READ, AT_SET, AT_TEST, AT_ILL };
enum { AT_ARGS_MAX = 12 };

struct at_call {
    struct modem *m;
    const char *name;
    enum at_op op;
    int argc;
    const char *argv[AT_ARGS_MAX]; /* without their quotes; "" for an omitted one */
};

struct at_row {
    const char *name;
    int (*fn)(struct at_call *c);
    bool before_pin; /* works while the SIM is locked */
};

extern const struct at_row at_general[], at_sim[], at_network[], at_store[], at_sms[], at_ussd[];

void at_line(struct modem *m, char *line); /* executes it and writes the final result */

/* Argument i as a number within the bounds; def when omitted; false when wrong. */
bool at_int(const struct at_call *c, int i, int def, int min, int max, int *out);
/* A string in the modem's character set (+CSCS), to and from UTF-8. */
void at_string(const struct modem *m, const char *utf8, struct str *out);
void at_unstring(const struct modem *m, const char *text, struct str *utf8);
void at_each_name(void (*fn)(const char *name, void *arg), void *arg);

int manner_extra(struct at_call *c, const struct extra *e); /* manner.c */

void at_pdu(struct modem *m); /* Ctrl-Z: m->input holds the PDU's text */

#endif
