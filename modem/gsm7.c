/* gsm7.c - the 7-bit alphabets: packing, the way out by table, the way in by language.
 * Knows no header, part or message.  Promises: pure; constant time a character. */
#include "gsm7.h"

#include <stddef.h>

#define EXTENDED 0x80 /* in the encoding tables: behind an escape */
#define ABSENT   0xFF

/* U+0000 to U+007F by 6.2.1 and 6.2.1.1. */
static const uint8_t ascii[128] = {
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x0A, 0xFF, 0x8A, 0x0D, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0x20, 0x21, 0x22, 0x23, 0x02, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2E, 0x2F,
    0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F,
    0x00, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F,
    0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0xBC, 0xAF, 0xBE, 0x94, 0x11,
    0xFF, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F,
    0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0xA8, 0xC0, 0xA9, 0xBD, 0xFF,
};

/* The others, by code point. */
static const struct beyond {
    uint16_t cp;
    uint8_t code;
} beyond[] = {
    {0x00A1, 0x40}, {0x00A3, 0x01}, {0x00A4, 0x24}, {0x00A5, 0x03}, {0x00A7, 0x5F}, {0x00BF, 0x60},
    {0x00C4, 0x5B}, {0x00C5, 0x0E}, {0x00C6, 0x1C}, {0x00C7, 0x09}, {0x00C9, 0x1F}, {0x00D1, 0x5D},
    {0x00D6, 0x5C}, {0x00D8, 0x0B}, {0x00DC, 0x5E}, {0x00DF, 0x1E}, {0x00E0, 0x7F}, {0x00E4, 0x7B},
    {0x00E5, 0x0F}, {0x00E6, 0x1D}, {0x00E8, 0x04}, {0x00E9, 0x05}, {0x00EC, 0x07}, {0x00F1, 0x7D},
    {0x00F2, 0x08}, {0x00F6, 0x7C}, {0x00F8, 0x0C}, {0x00F9, 0x06}, {0x00FC, 0x7E}, {0x0393, 0x13},
    {0x0394, 0x10}, {0x0398, 0x19}, {0x039B, 0x14}, {0x039E, 0x1A}, {0x03A0, 0x16}, {0x03A3, 0x18},
    {0x03A6, 0x12}, {0x03A8, 0x17}, {0x03A9, 0x15}, {0x20AC, 0xE5},
};

unsigned gsm7_octets(unsigned septets)
{
    return (septets * 7 + 7) / 8;
}

uint8_t gsm7_get(const uint8_t *octets, unsigned index)
{
    unsigned at = index * 7 / 8, shift = index * 7 % 8;
    unsigned bits = octets[at];
    if (shift > 1) /* the septet goes on in the next octet */
        bits |= (unsigned)octets[at + 1] << 8;
    return bits >> shift & 0x7F;
}

void gsm7_put(uint8_t *octets, unsigned index, uint8_t septet)
{
    unsigned at = index * 7 / 8, shift = index * 7 % 8;
    unsigned bits = (septet & 0x7Fu) << shift;
    octets[at] |= (uint8_t)bits;
    if (shift > 1)
        octets[at + 1] |= (uint8_t)(bits >> 8);
}

static uint8_t code_beyond_ascii(uint32_t cp)
{
    size_t low = 0, high = sizeof beyond / sizeof beyond[0];
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (beyond[mid].cp == cp)
            return beyond[mid].code;
        if (beyond[mid].cp < cp)
            low = mid + 1;
        else
            high = mid;
    }
    return ABSENT;
}

unsigned gsm7_encode(uint32_t cp, uint8_t out[2])
{
    uint8_t code = cp < 128 ? ascii[cp] : code_beyond_ascii(cp);
    if (code == ABSENT)
        return 0;
    if (!(code & EXTENDED)) {
        out[0] = code;
        return 1;
    }
    out[0] = GSM7_ESCAPE;
    out[1] = code & 0x7F;
    return 2;
}

static const uint16_t *table_of(const uint16_t *const tables[GSM7_LANGUAGES], uint8_t language)
{
    bool known = language < GSM7_LANGUAGES && tables[language];
    return tables[known ? language : 0];
}

/* The escape's own place holds a space, for those who show it (6.2.1 note 1): no way to write one. */
static unsigned find(const uint16_t *table, uint32_t cp)
{
    unsigned code = 0;
    while (code < GSM7_CODES && (table[code] != cp || code == GSM7_ESCAPE))
        code++;
    return code;
}

unsigned gsm7_encode_in(uint8_t locking, uint8_t single, uint32_t cp, uint8_t out[2])
{
    if (cp == 0 || cp >= 0xFFFD)
        return 0; /* in the tables: no character */
    unsigned code = find(table_of(gsm7_locking, locking), cp);
    if (code < GSM7_CODES) {
        out[0] = (uint8_t)code;
        return 1;
    }
    code = find(table_of(gsm7_single, single), cp);
    if (code == GSM7_CODES)
        return 0;
    out[0] = GSM7_ESCAPE;
    out[1] = (uint8_t)code;
    return 2;
}

unsigned gsm7_languages(unsigned among, uint32_t cp)
{
    uint8_t code[2];
    unsigned having = 0;
    for (uint8_t i = 0; i < GSM7_LANGUAGES; i++)
        if (among >> i & 1 && gsm7_encode_in(i, i, cp, code))
            having |= 1u << i;
    return having;
}

void gsm7_decoder_init(struct gsm7_decoder *d, uint8_t locking, uint8_t single)
{
    d->locking = table_of(gsm7_locking, locking);
    d->single = table_of(gsm7_single, single);
    d->escaped = false;
}

uint32_t gsm7_decode(struct gsm7_decoder *d, uint8_t septet)
{
    septet &= 0x7F;
    if (!d->escaped && septet == GSM7_ESCAPE) {
        d->escaped = true;
        return 0;
    }
    bool escaped = d->escaped;
    d->escaped = false;
    if (escaped && d->single[septet])
        return d->single[septet];
    return d->locking
        [septet]; /* 6.2.1.1: what the extension does not have shows as in the main table */
}
