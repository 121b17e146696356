/* gsm7.h - the 7-bit alphabets of 3GPP TS 23.038: characters into septets and back, septets into octets and back.
 * Knows no header, part or message.  Promises: pure, any thread; reads and writes no octet past the septet asked for. */
#ifndef SMSBRIDGE_GSM7_H
#define SMSBRIDGE_GSM7_H

#include <stdbool.h>
#include <stdint.h>

#define GSM7_CODES     128
#define GSM7_ESCAPE    0x1B /* to the extension table: 6.2.1 note 1 */
#define GSM7_LANGUAGES 14   /* 0: default, then the national language identifiers of 6.2.1.2.4 */

/* Packing, 6.1.2.1: septet `index` starts at bit 7 * index, least significant bit first. */
unsigned gsm7_octets(unsigned septets);
uint8_t gsm7_get(const uint8_t *octets, unsigned index);
/* The place must be zero. */
void gsm7_put(uint8_t *octets, unsigned index, uint8_t septet);

/* A character of the default alphabet or its extension: the number of septets, in out.  0: in neither. */
unsigned gsm7_encode(uint32_t cp, uint8_t out[2]);

/* The same in a language's locking and single shift tables; 0: the default ones. */
unsigned gsm7_encode_in(uint8_t locking, uint8_t single, uint32_t cp, uint8_t out[2]);
/* Of these languages (bit i: language i) those that have the character in either table. */
unsigned gsm7_languages(unsigned among, uint32_t cp);

/* Septets arrive one by one; an escape sequence may span parts of a message. */
struct gsm7_decoder {
    const uint16_t *locking, *single;
    bool escaped;
};
/* Languages that do not exist, or not as this kind of table, mean the default one (6.2.1.2.4). */
void gsm7_decoder_init(struct gsm7_decoder *d, uint8_t locking, uint8_t single);
/* The character, or 0 while an escape sequence is open. */
uint32_t gsm7_decode(struct gsm7_decoder *d, uint8_t septet);

/* Annex A, and 6.2.1 at 0 (gsm7_tables.c).  U+FFFD: a code without a character; 0 in a single shift table likewise.
 * NULL in gsm7_locking: no such table. */
extern const uint16_t *const gsm7_locking[GSM7_LANGUAGES];
extern const uint16_t *const gsm7_single[GSM7_LANGUAGES];

#endif
