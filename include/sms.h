/* sms.h - short messages as values: 3GPP TS 23.040 (TPDUs) and TS 23.038 (alphabets).
 * Part of the treaty between src/ and modem/: flat structs, copied with =.
 * The functions are pure: no I/O, clock, thread or allocation; any thread.  (modem/sms_*.c, gsm7.c) */
#ifndef SMSBRIDGE_SMS_H
#define SMSBRIDGE_SMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define SMS_ADDR_MAX   48   /* "+" and 20 digits, or 11 characters of UTF-8; with NUL */
#define SMS_UD_MAX    140   /* octets of TP-UD: 23.040 9.2.3.24 */
#define SMS_TPDU_MAX  176   /* octets: SMS-DELIVER with a 20-digit address is 175 */
#define SMS_PARTS_MAX  10   /* 660 UTF-16 units: 67 a part, 66 where only pairs fit */
#define SMS_TEXT_MAX  660   /* UTF-16 code units of one message */
#define SMS_JOIN_MAX  255   /* parts of an inbound message: 23.040 9.2.3.24.1 */

enum sms_alphabet { SMS_GSM7, SMS_8BIT, SMS_UCS2 };     /* 23.038 clause 4 */
const char *sms_alphabet_str(enum sms_alphabet a);      /* "gsm7" "8bit" "ucs2" */

/* TP-UD with its header, as on the air.  udl: septets for SMS_GSM7 (header counted), else octets. */
struct sms_ud {
    enum sms_alphabet alphabet;
    bool udhi;
    uint8_t udl;
    uint8_t octets[SMS_UD_MAX];
};

/* ---- a text into parts (sms_text.c) ---- */
struct sms_plan {
    enum sms_alphabet alphabet;     /* SMS_GSM7 where every character is in it, else SMS_UCS2 */
    uint8_t parts;                  /* 1 to SMS_PARTS_MAX */
    uint16_t units;                 /* septets or UTF-16 units of the whole text, without headers */
    uint16_t start[SMS_PARTS_MAX + 1];      /* byte offsets into the text; [parts] is its length */
    uint8_t lang_lock, lang_single;         /* national language tables (23.038 6.2.1.2), 0: the default ones */
};
/* text: UTF-8, NUL-terminated, 1 to SMS_TEXT_MAX UTF-16 units.  Never splits an escape sequence or a
 * surrogate pair.  ERR_SYNTAX: not UTF-8 or empty; ERR_RANGE: too long. */
enum err sms_plan(const char *text, struct sms_plan *plan) MUST_CHECK;
/* The same, but SMS_GSM7 with a national language's tables where that makes fewer parts than UCS-2: so the number of
 * parts tells which of the two plans a text was sent by. */
enum err sms_plan_national(const char *text, struct sms_plan *plan) MUST_CHECK;
/* What a character takes in that plan: septets (0: it has none) or UTF-16 units. */
unsigned sms_plan_units(const struct sms_plan *plan, uint32_t cp);
/* "" for 0, "turkish", "spanish", … "urdu" for 13. */
const char *sms_language_str(uint8_t language);
/* Part `index` (0-based) of that plan; `ref` is the 8-bit concatenation reference (9.2.3.24.1). */
enum err sms_plan_part(const char *text, const struct sms_plan *plan, unsigned index, uint8_t ref,
                       struct sms_ud *ud) MUST_CHECK;

/* ---- SMS-SUBMIT (9.2.2.2) ---- */
struct sms_submit {
    char recipient[SMS_ADDR_MAX];   /* E.164 with "+" (international) or digits (unknown) */
    uint8_t mr;                     /* TP-MR; most modems put their own */
    bool reject_duplicates;         /* TP-RD, 9.2.3.25 */
    bool status_report;             /* TP-SRR, 9.2.3.5 */
    bool flash;                     /* class 0 */
    uint32_t validity_s;            /* 0: no TP-VP; else relative (9.2.3.12.1): the step at or below, 5 min at least */
    struct sms_ud ud;
};
/* Octets of the TPDU, without a service centre address.  ERR_SYNTAX, ERR_RANGE: a field that is not valid. */
enum err sms_submit_encode(const struct sms_submit *s, uint8_t out[SMS_TPDU_MAX], size_t *n) MUST_CHECK;

/* ---- what arrives: SMS-DELIVER (9.2.2.1), SMS-STATUS-REPORT (9.2.2.3) ---- */
/* Message waiting indication: 23.038 clause 4, 23.040 9.2.3.24.2. */
enum sms_waiting_kind { SMS_WAITING_NONE, SMS_WAITING_VOICEMAIL, SMS_WAITING_FAX, SMS_WAITING_EMAIL, SMS_WAITING_OTHER };
const char *sms_waiting_str(enum sms_waiting_kind k);   /* "voicemail" "fax" "email" "other" */
struct sms_waiting { uint8_t kind; bool active; uint8_t count; };   /* count 0: none, or not said */
struct sms_concat { uint16_t ref; uint8_t total; uint8_t seq; bool wide; };     /* total 0: not concatenated; wide: 16-bit ref */

struct sms_deliver {
    char sender[SMS_ADDR_MAX];      /* "+4479…", "12345", or a name; UTF-8 */
    uint8_t sender_ton;             /* type of number, 9.1.2.5: 5 is a name */
    uint8_t pid, dcs;
    int64_t scts_ms;                /* service centre time stamp, UTC; -1: not a valid date */
    int8_t message_class;           /* 0 to 3; -1: none */
    uint8_t lang_single, lang_lock; /* national language tables, 0: none */
    struct sms_concat concat;
    uint16_t port_dst, port_src;    /* application port addressing; 0: none */
    struct sms_waiting waiting;
    struct sms_ud ud;               /* whole, header included */
};
struct sms_report {
    uint8_t mr;                     /* TP-MR of the submit it is about */
    char recipient[SMS_ADDR_MAX];   /* TP-RA */
    int64_t scts_ms;                /* when the service centre got the submit; -1: invalid */
    int64_t discharge_ms;           /* -1: invalid */
    uint8_t st;                     /* TP-ST, raw */
};
enum sms_kind { SMS_KIND_DELIVER, SMS_KIND_REPORT };
struct sms_inbound {
    enum sms_kind kind;
    char smsc[SMS_ADDR_MAX];        /* "" when absent */
    union {
        struct sms_deliver deliver;
        struct sms_report report;
    };
};
/* pdu: octets as a modem gives them, service centre address first.  Hostile bytes are expected:
 * ERR_SYNTAX (truncated, impossible lengths), ERR_UNSUPPORTED (a SUBMIT read back from a storage). */
enum err sms_decode(const uint8_t *pdu, size_t n, struct sms_inbound *out) MUST_CHECK;

/* TP-ST (9.2.3.15) by its meaning; values the table does not know count as 0x63. */
enum sms_outcome { SMS_DELIVERED, SMS_STILL_TRYING, SMS_FAILED_FOR_GOOD, SMS_GIVEN_UP };
enum sms_outcome sms_st_outcome(uint8_t st);
const char *sms_st_str(uint8_t st);             /* the clause's words */

/* ---- parts back into a text (sms_text.c) ---- */
/* uds: parts in order, all of one message; a missing one is NULL (its place shows as U+2026).
 * Septets or octets are joined first and decoded after: a sender may split an escape sequence or a surrogate pair.
 * Writes UTF-8 with NUL.  ERR_FULL: out too small (SMS_JOIN_MAX parts need 128 KiB at most); ERR_UNSUPPORTED: 8-bit data. */
enum err sms_join(const struct sms_ud *const *uds, unsigned parts, char *out, size_t size) MUST_CHECK;
/* The octets or septets behind the header: offset in octets of 8-bit data, or in septets. */
unsigned sms_ud_header_units(const struct sms_ud *ud);

#endif
