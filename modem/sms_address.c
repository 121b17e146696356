/* sms_address.c - address fields, numbers in semi-octets and names in septets: 3GPP TS 23.040 9.1.2.
 * Knows no TPDU.  Promises: any octets are safe; writes within SMS_ADDR_MAX. */
#include "sms_address.h"

#include <string.h>

#include "gsm7.h"
#include "text.h"

#define NAME_SEPTETS_MAX (SMS_ADDRESS_SEMI_OCTETS_MAX * 4 / 7)
_Static_assert(NAME_SEPTETS_MAX * 3 < SMS_ADDR_MAX, "a name fits, at three bytes a septet");
_Static_assert(1 + SMS_ADDRESS_SEMI_OCTETS_MAX < SMS_ADDR_MAX, "a number fits");

uint8_t sms_address_ton(uint8_t type)
{
    return type >> 4 & 7;
}

static unsigned semi_octet(const uint8_t *value, unsigned index)
{
    return index % 2 ? value[index / 2] >> 4 : value[index / 2] & 0x0F;
}

static void number_text(bool plus, const uint8_t *value, unsigned semi_octets, char *out)
{
    static const char digits[] = "0123456789*#abc"; /* 9.1.2.3; 15 is filler, and so an end */
    if (plus && semi_octets > 0)
        *out++ = '+';
    for (unsigned i = 0; i < semi_octets; i++) {
        unsigned digit = semi_octet(value, i);
        if (digit == 15)
            break;
        *out++ = digits[digit];
    }
    *out = '\0';
}

static void name_text(const uint8_t *value, unsigned semi_octets, char *out)
{
    struct gsm7_decoder decoder;
    unsigned septets = semi_octets * 4 / 7;
    /* Senders that count whole octets turn seven characters into eight, the last an "@" of zero bits (OpenBSC did). */
    if (septets == 8 && gsm7_get(value, 7) == 0)
        septets = 7;
    gsm7_decoder_init(&decoder, 0, 0);
    for (unsigned i = 0; i < septets; i++) {
        uint32_t cp = gsm7_decode(&decoder, gsm7_get(value, i));
        if (cp != 0)
            out += text_utf8_put(out, cp < ' ' ? ' ' : cp); /* no line breaks in a name */
    }
    *out = '\0';
}

void sms_address_text(uint8_t type, const uint8_t *value, unsigned semi_octets,
                      char out[SMS_ADDR_MAX])
{
    uint8_t ton = sms_address_ton(type);
    if (ton == SMS_TON_NAME)
        name_text(value, semi_octets, out);
    else
        number_text(ton == SMS_TON_INTERNATIONAL, value, semi_octets, out);
}

enum err sms_address_encode(const char *number, uint8_t out[SMS_ADDRESS_OCTETS_MAX], size_t *n)
{
    bool international = number[0] == '+';
    const char *digits = number + international;
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || digits[length] != '\0')
        return ERR_SYNTAX;
    if (length > SMS_ADDRESS_SEMI_OCTETS_MAX)
        return ERR_RANGE;
    out[0] = (uint8_t)length;
    out[1] = international ? 0x91 : 0x81; /* E.164 numbering plan; international, or unknown */
    for (size_t i = 0; i < length; i += 2) {
        unsigned low = (unsigned)(digits[i] - '0');
        unsigned high = i + 1 < length ? (unsigned)(digits[i + 1] - '0') : 0xF;
        out[2 + i / 2] = (uint8_t)(high << 4 | low);
    }
    *n = 2 + (length + 1) / 2;
    return OK;
}
