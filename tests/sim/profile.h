/* The dialects of makers: rows, not code.  Knows no modem at run time.
   Promises that `generic` is first. */
#ifndef SIM_PROFILE_H
#define SIM_PROFILE_H

#include <stdbool.h>

struct profile {
    const char *name, *maker, *model, *revision;
    const char *const *boot;    /* lines after a restart, up to NULL */
    const char *const *chatter; /* lines that may come anywhere, up to NULL */
    const char *prompt;         /* what asks for the PDU */
    const char *cnmi_range;     /* answer to +CNMI=? */
    const char *memories[3];    /* which of SM ME SR each of mem1..3 may be */
    unsigned char first_index;  /* of a storage */
    bool csms1;                 /* takes +CSMS=1 */
    bool ds1, ds2;              /* routings of reports that +CNMI takes */
};

extern const struct profile profiles[];
const struct profile *profile_named(const char *name); /* NULL: no such */

#endif
