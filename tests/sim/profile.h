/* The dialects of makers: rows, not code.  Knows no modem at run time.
   Promises that `generic` is first. */
#ifndef SIM_PROFILE_H
#define SIM_PROFILE_H

#include <stdbool.h>

enum role {
    ROLE_AT,     /* answers, and hears unsolicited lines */
    ROLE_AT_PPP, /* answers, but hears none: made for dialling */
    ROLE_NMEA,   /* positions, a line a second while it is open; deaf */
    ROLE_SILENT  /* diagnostics, audio, ...: deaf and dumb */
};

enum { PROFILE_PORTS_MAX = 6 };
struct iface {
    unsigned char number; /* bInterfaceNumber */
    unsigned char role;
};

struct profile {
    const char *name, *maker, *model, *revision;
    const char *const *boot;               /* lines after a restart, up to NULL */
    const char *const *chatter;            /* lines that may come anywhere, up to NULL */
    struct iface ports[PROFILE_PORTS_MAX]; /* the one for SMS first */
    int port_n;
    const char *prompt;        /* what asks for the PDU */
    const char *cnmi_range;    /* answer to +CNMI=? */
    const char *memories[3];   /* which of SM ME SR each of mem1..3 may be */
    unsigned char first_index; /* of a storage */
    bool csms1;                /* takes +CSMS=1 */
    bool ds1, ds2;             /* routings of reports that +CNMI takes */
};

extern const struct profile profiles[];
const char *role_name(enum role r);
const struct profile *profile_named(const char *name); /* NULL: no such */

#endif
