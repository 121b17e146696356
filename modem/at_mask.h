/* at_mask.h - a dialogue that can be shown to strangers: numbers, identities and texts become others of the same
 * length, in a way that the dialogue still replays.
 * Knows the forms in which modems write them, no product.  Pure; whoever owns the struct.
 * Promises: the length and the line ends stay; equal numbers stay equal, others differ (the first 99 of a dialogue);
 * what cannot be understood and may hold something is blanked as a whole; secrets (PIN, PUK, passwords) are
 * blanked even where nothing else is. */
#ifndef SMSBRIDGE_AT_MASK_H
#define SMSBRIDGE_AT_MASK_H

#include <stdbool.h>
#include <stddef.h>

#define AT_MASK_NUMBERS 99
#define AT_MASK_DIGITS  40

/* What was met in one dialogue; {0} at its beginning. */
struct at_mask {
    bool secret[2];   /* an unfinished line of the modem's [0] or ours [1] holds a PIN */
    bool in_ussd;     /* its text goes on in the next line */
    bool torn;        /* the modem's last piece was no whole line */
    bool message_due; /* the next line is a PDU or, in text mode, a text */
    unsigned count;
    char number[AT_MASK_NUMBERS][AT_MASK_DIGITS + 1];
};

/* One piece of a trace (at_handler.trace), in place.  '<' from the modem, '>' to it. */
void at_mask_secrets(struct at_mask *k, char direction, char *bytes, size_t n);
/* Everything else; secrets too if they were not yet.  Call it for every piece of the dialogue, in order. */
void at_mask_all(struct at_mask *k, char direction, char *bytes, size_t n);

/* ---- at_mask_pdu.c ---- */
/* n hexadecimal digits; `ours`: on its way to the modem. */
void at_mask_pdu(struct at_mask *k, char *hex, size_t n, bool ours);
/* The digits that these point to, one number, become another. */
void at_mask_number(struct at_mask *k, char **digit, size_t n);

#endif
