/* The GSM 7-bit default alphabet (23.038 6.2.1) and text to units, see gsm.h.
   Refuses to know TPDUs.
   Promises the table as the standard prints it: sixteen rows (b4..b1) of eight columns (b7..b5). */
#include "gsm_alphabet.h"
#include "gsm.h"

#include <stdlib.h>
#include <string.h>

static const char *const rows[16] = {
    "@Δ 0¡P¿p", "£_!1AQaq",  "$Φ\"2BRbr", "¥Γ#3CScs", "èΛ¤4DTdt",  "éΩ%5EUeu",
    "ùΠ&6FVfv", "ìΨ'7GWgw",  "òΣ(8HXhx",  "ÇΘ)9IYiy", "\nΞ*:JZjz", "Ø\x1B+;KÄkä",
    "øÆ,<LÖlö", "\ræ-=MÑmñ", "Åß.>NÜnü",  "åÉ/?O§oà",
};

/* 6.2.1.1, written as the pairs that it shows */
static const struct {
    uint8_t code;
    uint16_t letter;
} extension[] = {
    {0x0A, 0x0C}, {0x14, '^'}, {0x28, '{'}, {0x29, '}'}, {0x2F, '\\'},
    {0x3C, '['},  {0x3D, '~'}, {0x3E, ']'}, {0x40, '|'}, {0x65, 0x20AC},
};
enum { EXTENSION_N = sizeof extension / sizeof *extension };

uint32_t gsm_letter(unsigned septet)
{
    const char *p = rows[septet % 16];
    uint32_t c = utf8_next(&p);
    for (unsigned column = septet / 16; column; column--)
        c = utf8_next(&p);
    return c;
}

uint32_t gsm_extended(unsigned septet)
{
    for (unsigned i = 0; i < EXTENSION_N; i++)
        if (extension[i].code == septet)
            return extension[i].letter;
    return gsm_letter(septet); /* "shall display the character shown in the main table" */
}

bool gsm_is_7bit(uint32_t c, uint8_t out[2], unsigned *n)
{
    for (unsigned i = 0; i < EXTENSION_N; i++)
        if (extension[i].letter == c) {
            out[0] = 0x1B;
            out[1] = extension[i].code;
            *n = 2;
            return true;
        }
    for (unsigned septet = 0; septet < 128; septet++)
        if (septet != 0x1B && gsm_letter(septet) == c) {
            out[0] = (uint8_t)septet;
            *n = 1;
            return true;
        }
    return false;
}

static void unit_add(struct gsm_units *u, uint8_t value, bool joined)
{
    u->unit[u->n] = value;
    u->joined[u->n++] = joined;
}

static void units_utf16(struct gsm_units *u, uint32_t c)
{
    if (c > 0xFFFF) {
        uint32_t high = 0xD800 + ((c - 0x10000) >> 10), low = 0xDC00 + (c & 0x3FF);
        unit_add(u, (uint8_t)(high >> 8), false);
        unit_add(u, (uint8_t)high, true);
        unit_add(u, (uint8_t)(low >> 8), true);
        unit_add(u, (uint8_t)low, true);
        return;
    }
    unit_add(u, (uint8_t)(c >> 8), false);
    unit_add(u, (uint8_t)c, true);
}

bool gsm_units(struct gsm_units *u, const char *utf8, enum gsm_alphabet a)
{
    size_t room = 4 * strlen(utf8) + 1;
    *u = (struct gsm_units){.alphabet = a, .unit = sim_alloc(room), .joined = sim_alloc(room)};
    const char *p = utf8;
    for (uint32_t c; (c = utf8_next(&p));) {
        uint8_t septet[2];
        unsigned n = 0;
        if (a == GSM_UCS2) {
            units_utf16(u, c);
        } else if (a == GSM_8BIT) {
            unit_add(u, (uint8_t)c, false);
        } else if (gsm_is_7bit(c, septet, &n)) {
            for (unsigned i = 0; i < n; i++)
                unit_add(u, septet[i], i > 0);
        } else {
            gsm_units_free(u);
            return false;
        }
    }
    return true;
}

void gsm_units_free(struct gsm_units *u)
{
    free(u->unit);
    free(u->joined);
    *u = (struct gsm_units){0};
}

enum gsm_alphabet gsm_alphabet_of(uint8_t dcs)
{
    static const enum gsm_alphabet by_bits[4] = {GSM_7BIT, GSM_8BIT, GSM_UCS2, GSM_ODD};
    if (dcs < 0x80) /* 23.038 4: general groups; bit 5 says compressed */
        return dcs & 0x20 ? GSM_ODD : by_bits[dcs >> 2 & 3];
    if (dcs < 0xC0) /* reserved groups: "assume GSM 7 bit default alphabet" */
        return GSM_7BIT;
    if (dcs < 0xF0) /* message waiting: discard, store, store in UCS2 */
        return dcs >= 0xE0 ? GSM_UCS2 : GSM_7BIT;
    return dcs & 4 ? GSM_8BIT : GSM_7BIT;
}

const char *gsm_alphabet_name(enum gsm_alphabet a)
{
    static const char *const name[] = {"gsm7", "8bit", "ucs2", "odd"};
    return name[a];
}
