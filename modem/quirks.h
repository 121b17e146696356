/* quirks.h - what a family of modems does differently: the only place with product names.
 * Knows no port and no dialogue; pure.  Promises: a row for every modem, the generic one if need be.
 * A field is here when only that family needs it; what a modem can tell (=?) is asked, not written down. */
#ifndef SMSBRIDGE_QUIRKS_H
#define SMSBRIDGE_QUIRKS_H

#include <stdbool.h>

#include "fault.h"

#define QUIRKS_INIT_MAX 4

/* How to read the PIN attempts left: 27.007 has +CPINR, most families something of their own. */
struct quirks_pin {
    const char *query, *prefix;
    const char *key;    /* the line that starts with this argument; NULL: the first line */
    int argument;       /* 0-based: which one is the PIN's; a number, whatever is glued behind it */
};

struct quirks {
    const char *name;
    const char *transcript;     /* tests/transcripts/NAME.at that shows it; a user's row: where his trace is, or NULL */
    const char *manufacturer;   /* start of +CGMI, any case */
    const char *model;          /* start of +CGMM behind the maker's name, any case; NULL: every model */
    const char *init[QUIRKS_INIT_MAX];  /* quiet commands; refusals are fine */
    struct quirks_pin pin;
    const char *iccid_query;    /* where +CRSM is refused; NULL: +CCID */
    bool no_direct;             /* +CDS cannot be acknowledged: reports through a storage (ds=2) */
    bool cnmi_mode_1;           /* refuses or misuses <mode> 2 */
    bool ussd_packed;           /* +CUSD strings are packed septets in hexadecimal, both ways */
    int prompt_ms;              /* 0: the usual deadline */
    const struct fault_row *faults;     /* its codes from 512 on; NULL: none known */
};

/* Never NULL.  "" for what the modem did not tell.  The user's rows (modem.h, modem_quirk_begin()) come first. */
const struct quirks *quirks_find(const char *manufacturer, const char *model);
/* Does the row mean that modem? */
bool quirks_fits(const struct quirks *row, const char *manufacturer, const char *model);
/* The user's row for it, or NULL (quirks_user.c). */
const struct quirks *quirks_user_find(const char *manufacturer, const char *model);
/* Every family's question for the attempts left, for a modem whose own is not known; NULL behind the last. */
const struct quirks_pin *quirks_pin_way(unsigned i);

#endif
