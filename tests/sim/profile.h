/* The dialects of makers: rows, not code.  Knows no modem at run time.
   Promises that `generic` is first, and that every row says where its manners were learned. */
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

/* A command that only this family has. */
enum effect {
    EFFECT_NONE,
    EFFECT_CALM,     /* no more chatter */
    EFFECT_USSD,     /* +CUSD works from now on */
    EFFECT_URC_HERE, /* unsolicited lines come to the port for SMS */
    EFFECT_RESTART
};
struct extra {
    const char *name;
    const char *ops; /* of D (bare), R (?), T (=?), S (=): which it takes */
    const char
        *answer; /* $p $u: attempts left for PIN, PUK; $n: for what is asked; $s: what that is;
                           $i: ICCID; NULL: only OK */
    enum effect effect;
};

struct profile {
    const char *name, *maker, *model;
    const char *revision;       /* NULL: +CGMR is an ERROR */
    const char *source;         /* of its manners: the row of docs/modems.md, and what else */
    const char *const *boot;    /* lines after a restart, up to NULL */
    const char *const *chatter; /* lines that may come anywhere, up to NULL */
    const struct extra *extra;  /* up to one without a name; may be NULL */
    struct iface ports[PROFILE_PORTS_MAX]; /* the one for SMS first */
    int port_n;
    const char *prompt;     /* what asks for the PDU */
    const char *cnmi_range; /* answer to +CNMI=?, and what it takes */
    const char
        *memories[3];    /* which of SM ME SR BM each of mem1..3 may be; NULL: no such argument */
    const char *missing; /* " +CPINR +CEREG ": commands of the standard that it has not */
    const char *refusal; /* the final result for an unknown command; NULL: as the standard has it */
    const char *cfun_text;     /* what +CFUN? says instead */
    const char *imei_suffix;   /* behind the IMEI in +CGSN */
    int boot_ms;               /* deaf and dumb after power on or restart; 0: the usual */
    int prompt_ms;             /* until the prompt; 0: the usual */
    int busy_ms;               /* the SIM is busy for so long after a start and +CFUN=1 */
    int busy_code;             /* what it says then: CME 14, 515 */
    int murmur_ms;             /* a line of chatter unasked, again and again */
    int gone_ms;               /* a restart takes it from the bus for so long */
    unsigned char first_index; /* of a storage */
    bool csms1;                /* takes +CSMS=1 */
    bool off_bus;              /* a restart takes it off the bus */
    bool chatters;             /* in every gap of every answer */
    bool cpms_calms;           /* +CPMS? ends the murmur */
    bool no_mode_2;            /* offers <mode> 2 in +CNMI=? and refuses it */
    bool empty_slot_ok;        /* +CMGR: 0,,0 for an empty place */
    bool cpms_nested;          /* (( ),( )) */
    bool cpin_without_ok;      /* +CPIN? has no final result */
    bool creg_after_ok;        /* +CREG? says OK first */
    bool pin_first;            /* until the PIN nothing else answers */
    bool autobaud;             /* nothing until it has seen AT */
    bool cops_wedges;          /* +COPS=0 when it is 0 hangs it */
    bool z_hangs;              /* ATZ is never answered */
    bool csmp_clears_csca;
    bool urc_in_cmgs;             /* +CMTI even between prompt and answer */
    bool urc_elsewhere;           /* unsolicited lines go to the port for dialling */
    bool cmti_without_index;      /* +CMTI: ,-1 */
    bool cdsi_wrong;              /* +CDSI: "SM",0 for what lies in SR */
    bool memfull;                 /* ^SMMEMFULL */
    bool unacked_stops;           /* without +CNMA nothing more comes until +CSMS or +CNMI */
    bool cnma_refused, cnma_bare; /* not at all; only without arguments */
    bool bytes_abort;             /* an octet while an SMS is on its way aborts it */
    bool ussd_packed;             /* strings of +CUSD are packed septets in hexadecimal */
    bool ussd_after_mode;         /* +CUSD is an ERROR before EFFECT_USSD */
    bool year4;                   /* +CCLK with four digits */
};

extern const struct profile profiles[];
const char *role_name(enum role r);
const struct profile *profile_named(const char *name);                           /* NULL: no such */
const struct extra *profile_extra(const struct profile *p, const char *command); /* or NULL */
bool profile_lacks(const struct profile *p, const char *command);
/* "(0-2),(0,1),..." at that place, from 0; everything where there is no such place. */
bool profile_range_has(const char *range, int place, int value);
void profile_list(void); /* to standard output */

#endif
