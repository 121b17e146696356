/* modem_text.c - strings of modems that are not SMS: USSD, names and numbers in odd coatings.
 * Pure; the alphabets are sms.h's.  Promises: UTF-8 out, bounded; hostile strings give an error or marks. */
#include "modem_private.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

#define USSD_OCTETS_MAX                                                                            \
    360 /* 182 septets are 160 octets; UCS-2 as much again from generous firmware */

static bool is_hex(const char *s, size_t multiple)
{
    size_t n = strlen(s);
    return n && n % multiple == 0 && strspn(s, "0123456789ABCDEFabcdef") == n;
}

/* "002B0034" is "+4": every unit is printable ASCII. */
void modem_plain(char *text)
{
    uint8_t octets[128];
    size_t n;
    if (strlen(text) < 8 || !is_hex(text, 4) ||
        text_hex_decode(text, strlen(text), octets, sizeof octets, &n) != OK)
        return;
    for (size_t i = 0; i < n; i += 2)
        if (octets[i] != 0 || octets[i + 1] < ' ' || octets[i + 1] > '~')
            return;
    for (size_t i = 0; i < n / 2; i++)
        text[i] = (char)octets[2 * i + 1];
    text[n / 2] = '\0';
}

/* Could these be letters of a name?  No controls, no surrogates or private use; Latin to Arabic, then Kana to Hangul. */
static bool is_letters(const uint8_t *octets, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        bool latin = octets[i] <= 0x0E && (octets[i] || octets[i + 1] >= ' ');
        if (!latin && !(octets[i] >= 0x30 && octets[i] <= 0xD7))
            return false;
    }
    return true;
}

void modem_name(const char *text, char *out, size_t size)
{
    uint8_t octets[192];
    size_t n = 0, len = 0;
    bool digits = strspn(text, "0123456789") == strlen(text);
    memset(out, 0, size);
    if (strlen(text) < 8 || !is_hex(text, 4) ||
        text_hex_decode(text, strlen(text), octets, sizeof octets, &n) != OK ||
        (digits && octets[0]) || !is_letters(octets, n)) {
        snprintf(out, size, "%s", text);
        return;
    }
    for (size_t i = 0; i < n && len + 5 < size; i += 2)
        len += text_utf8_put(out + len, (uint32_t)(octets[i] << 8 | octets[i + 1]));
}

/* Octets longer than one TP-UD go through sms_join() in pieces; 140 octets are 160 whole septets. */
static enum err join(enum sms_alphabet alphabet, const uint8_t *octets, size_t n, size_t septets,
                     char *out, size_t size)
{
    struct sms_ud uds[3] = {0};
    const struct sms_ud *parts[3];
    unsigned count = 0;
    for (size_t at = 0; at < n && count < 3; at += SMS_UD_MAX, count++) {
        size_t piece = n - at < SMS_UD_MAX ? n - at : SMS_UD_MAX;
        size_t left = septets - at / 7 * 8;
        memcpy(uds[count].octets, octets + at, piece);
        uds[count].alphabet = alphabet;
        uds[count].udl = (uint8_t)(alphabet != SMS_GSM7 ? piece : left < 160 ? left : 160);
        parts[count] = &uds[count];
    }
    if (count == 0) {
        out[0] = '\0';
        return OK;
    }
    return sms_join(parts, count, out, size);
}

/* Septets of a string of characters in the GSM alphabet, one a byte (+CSCS="GSM"), packed. */
static size_t pack(const char *text, uint8_t *octets, size_t max)
{
    size_t bit = 0;
    memset(octets, 0, max);
    for (; *text && (bit + 14) / 8 < max; text++, bit += 7) {
        unsigned septet = (unsigned char)*text & 0x7F;
        octets[bit / 8] |= (uint8_t)(septet << bit % 8);
        if (bit % 8 > 1)
            octets[bit / 8 + 1] |= (uint8_t)(septet >> (8 - bit % 8));
    }
    return bit / 7;
}

/* 23.038 clause 5: is it UCS-2? */
static bool is_ucs2(int dcs)
{
    if (dcs == 0x11)
        return true;
    return ((dcs & 0xC0) == 0x40 || (dcs & 0xF0) == 0x90) && (dcs & 0x0C) == 0x08;
}

/* Every unit in Latin, whatever the dcs says: modems in +CSCS="UCS2" answer so under dcs 15 too. */
static bool looks_ucs2(const char *text)
{
    if (strlen(text) < 8 || !is_hex(text, 4))
        return false;
    for (const char *s = text; *s; s += 4)
        if (s[0] != '0' || (s[1] != '0' && s[1] != '4'))
            return false;
    return true;
}

static bool has_high_bytes(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return true;
    return false;
}

/* Bytes over 127 are not the GSM alphabet: UTF-8 if they are that, else Latin-1. */
static enum err decode_high(const char *text, char *out, size_t size)
{
    size_t n = 0;
    if (text_utf8_check(text, strlen(text)) == OK)
        return text_copy(out, size, text);
    for (; *text && n + 5 < size; text++)
        n += text_utf8_put(out + n, (unsigned char)*text);
    out[n] = '\0';
    return OK;
}

enum err modem_ussd_decode(const char *text, int dcs, bool packed, char *out, size_t size)
{
    uint8_t octets[USSD_OCTETS_MAX];
    size_t n = 0;
    bool hex =
        is_hex(text, 2) && text_hex_decode(text, strlen(text), octets, sizeof octets, &n) == OK;
    if (hex && ((is_ucs2(dcs) && n % 2 == 0) || looks_ucs2(text)))
        return join(SMS_UCS2, octets, n, 0, out, size);
    if (hex && packed && !is_ucs2(dcs)) {
        size_t septets = n * 8 / 7;
        /* 7 bits of filling look like "@": 23.038 6.1.2.3.1 fills with CR. */
        if (n % 7 == 0 && n && (octets[n - 1] >> 1 == 0x0D || octets[n - 1] >> 1 == 0))
            septets--;
        return join(SMS_GSM7, octets, n, septets, out, size);
    }
    if (has_high_bytes(text))
        return decode_high(text, out, size);
    size_t septets = pack(text, octets, sizeof octets);
    return join(SMS_GSM7, octets, (septets * 7 + 7) / 8, septets, out, size);
}

/* What may stand between the quotes as it is: the same in ASCII and in the GSM alphabet, and no quote. */
static bool is_common(const char *text)
{
    return strspn(text, "0123456789*#+ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz "
                        ".,:;!?%&'()/<=>-") == strlen(text);
}

enum err modem_ussd_encode(const char *text, bool packed, char *out, size_t size)
{
    struct sms_plan plan;
    struct sms_ud ud;
    if (!text[0] || (!packed && !is_common(text)))
        return ERR_SYNTAX;
    if (!packed)
        return text_copy(out, size, text) == OK ? OK : ERR_RANGE;
    enum err e = sms_plan(text, &plan);
    if (e)
        return e;
    if (plan.alphabet != SMS_GSM7 || plan.parts != 1)
        return plan.parts == 1 ? ERR_SYNTAX : ERR_RANGE;
    e = sms_plan_part(text, &plan, 0, 0, &ud);
    if (e)
        return e;
    size_t n = ((size_t)ud.udl * 7 + 7) / 8;
    if (size < 2 * n + 1)
        return ERR_RANGE;
    if (ud.udl % 8 == 7)
        ud.octets[n - 1] |= 0x0D << 1; /* 23.038 6.1.2.3.1 */
    text_hex_encode(ud.octets, n, out);
    return OK;
}
