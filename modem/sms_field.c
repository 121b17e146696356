/* sms_field.c - coding scheme, time stamp, validity period: 3GPP TS 23.038 clause 4, TS 23.040 9.2.3.11, 9.2.3.12.
 * Knows no TPDU.  Promises: pure; every value of every octet means something. */
#include "sms_field.h"

#include "clock.h"

/* Coding groups by bits 7 to 4 of TP-DCS. */
enum group { GENERAL, RESERVED, WAITING_GSM7, WAITING_UCS2, CLASS };
static const uint8_t groups[16] = {
    GENERAL,      GENERAL,  GENERAL,  GENERAL,  /* 00xx: general data coding */
    GENERAL,      GENERAL,  GENERAL,  GENERAL,  /* 01xx: the same, marked for automatic deletion */
    RESERVED,     RESERVED, RESERVED, RESERVED, /* 1000 to 1011 */
    WAITING_GSM7,                               /* 1100: message waiting, discard */
    WAITING_GSM7,                               /* 1101: message waiting, store */
    WAITING_UCS2,                               /* 1110: message waiting, store, UCS2 */
    CLASS,                                      /* 1111: data coding and message class */
};

static struct sms_coding general_coding(uint8_t dcs)
{
    /* Bits 3 and 2; the reserved value is GSM 7 bit, as all reserved codings are. */
    static const uint8_t alphabets[4] = {SMS_GSM7, SMS_8BIT, SMS_UCS2, SMS_GSM7};
    bool compressed = dcs & 0x20, has_class = dcs & 0x10;
    return (struct sms_coding){
        .alphabet = compressed ? SMS_8BIT : alphabets[dcs >> 2 & 3],
        .message_class = has_class ? (int8_t)(dcs & 3) : -1,
    };
}

/* Bit 3: active; bits 1 and 0: voice mail, fax, electronic mail, other. */
static struct sms_waiting waiting(uint8_t dcs)
{
    return (struct sms_waiting){.kind = (uint8_t)(SMS_WAITING_VOICEMAIL + (dcs & 3)),
                                .active = dcs & 0x08};
}

const char *sms_waiting_str(enum sms_waiting_kind k)
{
    static const char *const words[] = {"", "voicemail", "fax", "email", "other"};
    return (unsigned)k < sizeof words / sizeof words[0] ? words[k] : "other";
}

struct sms_coding sms_dcs_read(uint8_t dcs)
{
    switch ((enum group)groups[dcs >> 4]) {
    case GENERAL:
        return general_coding(dcs);
    case CLASS:
        return (struct sms_coding){.alphabet = dcs & 0x04 ? SMS_8BIT : SMS_GSM7,
                                   .message_class = (int8_t)(dcs & 3)};
    case WAITING_UCS2:
        return (struct sms_coding){SMS_UCS2, -1, waiting(dcs)};
    case WAITING_GSM7:
        return (struct sms_coding){SMS_GSM7, -1, waiting(dcs)};
    case RESERVED: /* any reserved codings shall be assumed to be the GSM 7 bit default alphabet */
        break;
    }
    return (struct sms_coding){.alphabet = SMS_GSM7, .message_class = -1};
}

uint8_t sms_dcs_make(enum sms_alphabet alphabet, bool flash)
{
    static const uint8_t bits[] = {[SMS_GSM7] = 0x00, [SMS_8BIT] = 0x04, [SMS_UCS2] = 0x08};
    return (uint8_t)(bits[alphabet] | (flash ? 0x10 : 0));
}

static int tens_first(uint8_t octet)
{
    int tens = octet & 0x0F, ones = octet >> 4;
    /* 9.2.3.11: a digit that is none counts as 0. */
    return (tens < 10 ? tens : 0) * 10 + (ones < 10 ? ones : 0);
}

int64_t sms_scts_read(const uint8_t *o)
{
    int year = tens_first(o[0]), quarters = tens_first(o[6] & 0xF7);
    int64_t local;
    year += year < 90 ? 2000 : 1900; /* two digits; GSM's first messages are of 1992 */
    if (clk_from_civil(year, tens_first(o[1]), tens_first(o[2]), tens_first(o[3]), tens_first(o[4]),
                       tens_first(o[5]), &local))
        return -1;
    int64_t ahead = quarters * 15 * CLK_MINUTE_MS;
    int64_t utc = o[6] & 0x08 ? local + ahead : local - ahead; /* bit 3: behind GMT */
    return utc;
}

/* TP-VP from `first` on: `offset` seconds, then `step` more a value. */
static const struct validity {
    uint32_t from, step;
    uint8_t first, last;
} validity[] = {
    {5 * 60, 5 * 60, 0, 143},                 /* 5 minutes to 12 hours */
    {12 * 3600 + 30 * 60, 30 * 60, 144, 167}, /* to 24 hours */
    {2 * 86400, 86400, 168, 196},             /* to 30 days */
    {5 * 7 * 86400, 7 * 86400, 197, 255},     /* to 63 weeks */
};

uint8_t sms_validity_make(uint32_t seconds)
{
    uint32_t value = 0;
    for (size_t i = 0; i < sizeof validity / sizeof validity[0]; i++) {
        const struct validity *v = &validity[i];
        if (seconds < v->from)
            break;
        value = v->first + (seconds - v->from) / v->step;
        if (value > v->last)
            value = v->last;
    }
    return (uint8_t)value;
}
