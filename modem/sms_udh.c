/* sms_udh.c - the user data header, element by element: 3GPP TS 23.040 9.2.3.24.
 * Knows no text and no address.  Promises: any octets are safe. */
#include "sms_udh.h"

#include "gsm7.h"

static unsigned at_most(unsigned n, unsigned max)
{
    return n < max ? n : max;
}

unsigned sms_ud_octets(const struct sms_ud *ud)
{
    if (ud->alphabet == SMS_GSM7)
        return gsm7_octets(at_most(ud->udl, SMS_SEPTETS_MAX));
    return at_most(ud->udl, SMS_UD_MAX);
}

unsigned sms_udh_octets(const struct sms_ud *ud)
{
    unsigned octets = sms_ud_octets(ud);
    if (!ud->udhi || octets == 0 || ud->octets[0] + 1u > octets)
        return 0;
    return ud->octets[0] + 1u;
}

unsigned sms_ud_header_units(const struct sms_ud *ud)
{
    unsigned octets = sms_udh_octets(ud);
    if (ud->alphabet != SMS_GSM7)
        return octets;
    /* Fill bits bring the text to a septet boundary: 9.2.3.24. */
    return at_most((octets * 8 + 6) / 7, at_most(ud->udl, SMS_SEPTETS_MAX));
}

static void take_concat(struct sms_udh *out, uint16_t ref, uint8_t total, uint8_t seq, bool wide)
{
    if (total == 0 || seq == 0 || seq > total) /* 9.2.3.24.1: the element shall be ignored */
        return;
    out->concat = (struct sms_concat){.ref = ref, .total = total, .seq = seq, .wide = wide};
}

static void read_concat_8(const uint8_t *d, struct sms_udh *out) /* 9.2.3.24.1 */
{
    take_concat(out, d[0], d[1], d[2], false);
}

static void read_concat_16(const uint8_t *d, struct sms_udh *out) /* 9.2.3.24.8 */
{
    take_concat(out, (uint16_t)(d[0] << 8 | d[1]), d[2], d[3], true);
}

static void read_ports_8(const uint8_t *d, struct sms_udh *out) /* 9.2.3.24.3 */
{
    out->port_dst = d[0];
    out->port_src = d[1];
}

static void read_ports_16(const uint8_t *d, struct sms_udh *out) /* 9.2.3.24.4 */
{
    out->port_dst = (uint16_t)(d[0] << 8 | d[1]);
    out->port_src = (uint16_t)(d[2] << 8 | d[3]);
}

static void read_lang_single(const uint8_t *d, struct sms_udh *out) /* 9.2.3.24.15 */
{
    if (d[0] < GSM7_LANGUAGES)
        out->lang_single = d[0];
}

static void read_lang_lock(const uint8_t *d, struct sms_udh *out) /* 9.2.3.24.16 */
{
    if (d[0] < GSM7_LANGUAGES && gsm7_locking[d[0]])
        out->lang_lock = d[0];
}

/* Bits 1 and 0 of the type as in 23.038 clause 4; the count of 0 takes the indication away. */
static void read_waiting(const uint8_t *d, struct sms_udh *out) /* 9.2.3.24.2 */
{
    uint8_t kind = (uint8_t)(SMS_WAITING_VOICEMAIL + (d[0] & 3));
    if (out->waiting.kind &&
        kind != out->waiting.kind) /* one each for several kinds: the first is told */
        return;
    out->waiting = (struct sms_waiting){.kind = kind, .active = d[1] > 0, .count = d[1]};
}

static const struct element {
    uint8_t id, length;
    void (*read)(const uint8_t *data, struct sms_udh *out);
} elements[] = {
    {0x00, 3, read_concat_8},  {0x08, 4, read_concat_16}, {0x04, 2, read_ports_8},
    {0x01, 2, read_waiting},   {0x05, 4, read_ports_16},  {0x24, 1, read_lang_single},
    {0x25, 1, read_lang_lock},
};

static void read_element(uint8_t id, uint8_t length, const uint8_t *data, struct sms_udh *out)
{
    for (size_t i = 0; i < sizeof elements / sizeof elements[0]; i++)
        if (elements[i].id == id && elements[i].length == length)
            elements[i].read(data, out);
}

void sms_udh_read(const struct sms_ud *ud, struct sms_udh *out)
{
    struct sms_udh seen = {0};
    unsigned end = sms_udh_octets(ud), at = 1;
    *out = seen;
    while (at + 2 <= end && at + 2 + ud->octets[at + 1] <= end) {
        read_element(ud->octets[at], ud->octets[at + 1], &ud->octets[at + 2], &seen);
        at += 2u + ud->octets[at + 1];
    }
    if (at == end) /* else too few or too many octets for the last element: 9.2.3.24 */
        *out = seen;
}
