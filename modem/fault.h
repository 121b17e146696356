/* fault.h - what an answer to +CMGS means: for the part, and for the modem that gave it.
 * Knows no port and no dialogue; pure.  (27.005 3.2.5, 27.007 9.2, 24.011 annex E, 23.040 9.2.3.22)
 * Promises: every answer has a class; after Ctrl-Z nothing counts as "not sent" that is not certain. */
#ifndef SMSBRIDGE_FAULT_H
#define SMSBRIDGE_FAULT_H

#include <stdbool.h>

#include "at.h"
#include "modem.h"

enum fault_kind { FAULT_CMS, FAULT_CME };

/* What the modem does about it, beside telling the core. */
enum fault_action {
    FAULT_GO_ON,    /* the next message */
    FAULT_WAIT,     /* busy: a second or two of peace */
    FAULT_NETWORK,  /* look at the registration first */
    FAULT_SIM,      /* the card or its network does not let it send: suspend when two recipients met it */
    FAULT_NUMBER,   /* the network does not know the number; for several numbers: it is the card */
    FAULT_CARD,     /* PIN, lock, no card: through the start-up ladder again */
    FAULT_SMSC,     /* set the service centre again, hold the queue */
    FAULT_RESTORE,  /* CMGF, CSMS, CPMS were lost: set them again */
    FAULT_SWEEP,    /* a storage is full: empty it */
    FAULT_NO_VP,    /* the same again without validity period */
    FAULT_SUSPECT   /* unknown: repeated, the modem is checked */
};

/* Rows of codes, the narrow ones first.  `sure`: certain even after Ctrl-Z. */
struct fault_row {
    enum fault_kind kind;
    int first, last;
    enum fault_class class;
    bool sure;
    enum fault_action action;
    const char *text;
    const char *reason;     /* the API's stable word (docs/api.md); NULL: "unknown" */
    const char *clause;     /* where the standard says so; NULL: a manufacturer's */
    enum fault_plan plan;
};

/* The answer to a submit that is not +CMGS.  `committed`: a byte of the PDU may have gone out.
 * vendor: rows of that family for codes from 512 (ended by first == 0), or NULL. */
enum fault_action fault_from_reply(const struct at_reply *reply, bool committed,
                                   const struct fault_row *vendor, struct modem_fault *out);
/* The same for a bare code. */
enum fault_action fault_from_code(enum fault_kind kind, int code, bool committed,
                                  const struct fault_row *vendor, struct modem_fault *out);
/* The row of the table that holds this code; NULL: none. */
const struct fault_row *fault_find(enum fault_kind kind, int code);
/* A fault without an answer: "timeout", "unplugged", "no prompt". */
void fault_set(struct modem_fault *out, enum fault_class class, const char *code, const char *text);

/* Busy: SIM busy, 314, 515: try again in a second. */
bool fault_is_busy(const struct at_reply *reply);
/* The code of that reply in 27.007's numbering, also where the modem sent words; -1: none. */
int fault_cme(const struct at_reply *reply);

#endif
