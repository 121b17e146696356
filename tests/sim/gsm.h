/* 3GPP TS 23.040 and 23.038 as the network and the handset see them: a TPDU is a row of bits, least
   significant first, and every field is so many bits of it.  Knows no modem, no AT, and on purpose
   nothing of the daemon's codec: a mistake there must not hide here.  Promises: no read past the end. */
#ifndef SIM_GSM_H
#define SIM_GSM_H

#include "str.h"

enum { GSM_TPDU_MAX = 176, GSM_UD_MAX = 140, GSM_NUMBER_MAX = 32, GSM_PARTS_MAX = 255 };

enum gsm_alphabet { GSM_7BIT, GSM_8BIT, GSM_UCS2, GSM_ODD };

struct gsm_address {
    char text[GSM_NUMBER_MAX]; /* +digits, digits, or UTF-8 when alphanumeric (cut to what fits) */
    uint8_t octets[12];        /* as in the TPDU: length, type, value */
    uint8_t octets_n;
};

struct gsm_sms { /* an SMS-SUBMIT, understood */
    bool reject_duplicates, report_wanted, has_header;
    uint8_t mr, pid, dcs, vp[7], vp_n;
    struct gsm_address to;
    unsigned udl;             /* septets or octets, as sent */
    uint8_t ud[GSM_UD_MAX];   /* user data with its header */
    unsigned ud_n;            /* octets */
    unsigned udh_n;           /* octets of header with its length octet; 0 without */
    unsigned ref, total, seq; /* concatenation; total 1 when alone */
    bool ref16;
    uint8_t locking, single; /* national language identifiers; 0: none */
};

/* Strict: NULL when well-formed, else what is wrong with it. */
const char *gsm_submit(const uint8_t *tpdu, size_t n, struct gsm_sms *out);

enum gsm_alphabet gsm_alphabet_of(uint8_t dcs);
const char *gsm_alphabet_name(enum gsm_alphabet a);

/* The text of one part as UTF-8 (8-bit data as <hex>); returns a remark when a phone that decodes part
   by part would show it wrong (an escape or a surrogate pair cut in two), else NULL. */
const char *gsm_text(const struct gsm_sms *sms, struct str *utf8);

/* Text of a GSM 7-bit string with one septet an octet, as USSD and text-mode strings have it. */
bool gsm_is_7bit(uint32_t code_point, uint8_t out[2], unsigned *n);

/* Digits (with or without +) or any other text (alphanumeric) to an address; false: too long. */
bool gsm_address(const char *text, struct gsm_address *out);

struct gsm_report {
    uint8_t mr, st;
    const struct gsm_address *to;
    int64_t sent_us, done_us; /* since 1970 */
};

/* Both write a TPDU of at most GSM_TPDU_MAX octets and return its length. */
size_t gsm_status_report(const struct gsm_report *r, int zone_quarters, uint8_t *out);

struct gsm_deliver {
    const struct gsm_address *from;
    uint8_t pid, dcs;
    bool has_header;
    int64_t at_us;
    unsigned udl;
    const uint8_t *ud;
    unsigned ud_n;
};
size_t gsm_deliver(const struct gsm_deliver *d, int zone_quarters, uint8_t *out);

/* User data of one part: header octets (may be none, with length octet) and 7-bit units or octets. */
struct gsm_units {
    enum gsm_alphabet alphabet;
    uint8_t *unit;   /* septets (an escape is two), octets, or big-endian UTF-16 octets */
    uint8_t *joined; /* joined[i]: unit i must not be parted from unit i - 1 */
    size_t n;
};
bool gsm_units(struct gsm_units *u, const char *utf8,
               enum gsm_alphabet a); /* false: no such letter */
void gsm_units_free(struct gsm_units *u);
unsigned gsm_pack(const uint8_t *header, unsigned header_n, const uint8_t *unit, size_t n,
                  enum gsm_alphabet a, uint8_t ud[GSM_UD_MAX], unsigned *udl);

/* SMSC address as it stands before a TPDU in PDU mode; returns its octets. */
size_t gsm_smsc(const char *number, uint8_t out[12]);

#endif
