/* at_mask_pdu.c - a PDU of which only the form is left: 3GPP TS 23.040 9.2.2, 27.005 3.1 <pdu>.
 * Reads the octets by itself, as sms_pdu.c would refuse what must be masked all the same.
 * Promises: addresses keep length and type, texts length and alphabet; references, states, times that are times, and
 * of headers what says how texts belong together stay; anything behind or otherwise than expected becomes 00. */
#include "at_mask.h"

#include <stdint.h>
#include <string.h>

#include "text.h"

#define OCTETS_MAX  512
#define ADDRESS_MAX 20 /* digits: 9.1.2.5 */

struct walk {
    struct at_mask *mask;
    char *hex;
    uint8_t octet[OCTETS_MAX];
    size_t n, at;
    bool bad;
};

static void put(const struct walk *w, size_t i, uint8_t octet)
{
    w->hex[2 * i] = "0123456789ABCDEF"[octet >> 4];
    w->hex[2 * i + 1] = "0123456789ABCDEF"[octet & 15];
}

/* The next octet; 0 and bad behind the end. */
static uint8_t take(struct walk *w)
{
    if (w->at < w->n)
        return w->octet[w->at++];
    w->bad = true;
    return 0;
}

static void skip(struct walk *w, size_t n)
{
    if (w->n - w->at < n)
        w->bad = true;
    else
        w->at += n;
}

/* ---- addresses ---- */

/* The lower half of an octet is the earlier digit; F fills up. */
static void mask_digits(struct walk *w, size_t octets)
{
    char *digit[2 * OCTETS_MAX];
    size_t count = 0;
    for (size_t i = w->at; i < w->at + octets; i++) {
        for (size_t half = 2; half-- > 0;) {
            char *c = &w->hex[2 * i + half];
            if (*c >= '0' && *c <= '9')
                digit[count++] = c;
        }
    }
    at_mask_number(w->mask, digit, count);
}

/* Seven bits a character, from bit `from` on, until bit `to`: all of them x. */
static void fill_septets(struct walk *w, size_t start, size_t from, size_t to)
{
    for (size_t bit = from; bit < to; bit++) {
        uint8_t *o = &w->octet[start + bit / 8];
        uint8_t one = (uint8_t)(1u << bit % 8);
        *o = (uint8_t)((0x78u >> ((bit - from) % 7)) & 1u ? *o | one : *o & ~one);
    }
    for (size_t i = start + from / 8; i < start + (to + 7) / 8; i++)
        put(w, i, w->octet[i]);
}

/* Type and value, `octets` of them without the type; 5: letters (9.1.2.5). */
static void mask_address(struct walk *w, size_t octets, size_t semi_octets)
{
    uint8_t type = take(w);
    if (w->bad || w->n - w->at < octets) {
        w->bad = true;
        return;
    }
    if ((type >> 4 & 7) == 5)
        fill_septets(w, w->at, 0, semi_octets * 4 / 7 * 7);
    else
        mask_digits(w, octets);
    w->at += octets;
}

static void mask_smsc(struct walk *w)
{
    uint8_t n = take(w);
    if (n)
        mask_address(w, n - 1u, 2u * (n - 1u));
}

static void mask_party(struct walk *w)
{
    uint8_t digits = take(w);
    if (digits > ADDRESS_MAX)
        w->bad = true;
    else
        mask_address(w, (digits + 1u) / 2, digits);
}

/* ---- times ---- */

static unsigned swapped(uint8_t octet)
{
    return (octet & 15u) * 10 + (octet >> 4);
}

/* 9.2.3.11; the zone's sign is bit 3 of its octet.  What is no time may be a number. */
static bool is_time(const uint8_t *o)
{
    static const struct {
        uint8_t from, to;
    } field[] = {{0, 99}, {1, 12}, {1, 31}, {0, 23}, {0, 59}, {0, 59}, {0, 79}};
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
        uint8_t octet = i == 6 ? o[i] & 0xF7 : o[i];
        unsigned value = swapped(octet);
        if ((octet & 15) > 9 || octet >> 4 > 9 || value < field[i].from || value > field[i].to)
            return false;
    }
    return true;
}

static void take_time(struct walk *w)
{
    skip(w, 7);
    w->bad = w->bad || !is_time(w->octet + w->at - 7);
}

/* ---- texts ---- */

enum unit { SEPTETS, OCTETS, UCS2 };

/* 23.038 clause 4; compressed ones are octets. */
static enum unit unit_of(uint8_t dcs)
{
    static const enum unit by_bits[] = {SEPTETS, OCTETS, UCS2, SEPTETS};
    if ((dcs & 0x80) == 0)
        return dcs & 0x20 ? OCTETS : by_bits[dcs >> 2 & 3];
    if ((dcs & 0xF0) == 0xE0)
        return UCS2;
    return (dcs & 0xF0) == 0xF0 && dcs & 4 ? OCTETS : SEPTETS;
}

static void fill_octets(struct walk *w, size_t from, size_t to, enum unit unit)
{
    for (size_t i = from; i < to; i++)
        put(w, i, unit == UCS2 && (i - from) % 2 == 0 ? 0 : 'x');
}

/* Elements that say how texts belong together, and the length of their data: 9.2.3.24; 00 is what all others become. */
static bool stays(uint8_t element, uint8_t length)
{
    static const struct {
        uint8_t element, length;
    } known[] = {{0x00, 3}, {0x08, 4}, {0x04, 2}, {0x05, 4}, {0x24, 1}, {0x25, 1}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].element == element && known[i].length == length)
            return true;
    return false;
}

/* The header of a text, from its length octet on. */
static void mask_header(struct walk *w, size_t start, size_t n)
{
    for (size_t i = start + 1, len; i < start + n; i += len + 2) {
        len = i + 1 < start + n ? w->octet[i + 1] : 0;
        if (i + 1 >= start + n || len > start + n - i - 2) {
            w->bad = true;
            return;
        }
        if (!stays(w->octet[i], w->octet[i + 1]))
            for (size_t j = i + 2; j < i + 2 + len; j++)
                put(w, j, 0);
    }
}

/* TP-UDL and TP-UD. */
static void mask_text(struct walk *w, uint8_t dcs, bool has_header)
{
    enum unit unit = unit_of(dcs);
    size_t udl = take(w), start = w->at;
    size_t octets = unit == SEPTETS ? (udl * 7 + 7) / 8 : udl;
    skip(w, octets);
    size_t header = !w->bad && has_header && octets ? w->octet[start] + 1u : 0;
    if (w->bad || header > octets) {
        w->bad = true;
        return;
    }
    if (header)
        mask_header(w, start, header);
    if (unit == SEPTETS)
        fill_septets(w, start, (header * 8 + 6) / 7 * 7, udl * 7);
    else
        fill_octets(w, start + header, start + octets, unit);
}

/* ---- TPDUs ---- */

static void mask_deliver(struct walk *w, uint8_t first)
{
    mask_party(w);
    skip(w, 1); /* TP-PID */
    uint8_t dcs = take(w);
    take_time(w); /* TP-SCTS */
    mask_text(w, dcs, first & 0x40);
}

/* TP-VP by TP-VPF, 9.2.3.3: none, enhanced (9.2.3.12.3, nothing that one would have to see), relative, a time. */
static void take_validity(struct walk *w, unsigned format)
{
    size_t from = w->at;
    if (format == 3) {
        take_time(w);
        return;
    }
    skip(w, format == 1 ? 7 : format == 2);
    for (size_t i = from; format == 1 && i < w->at; i++)
        put(w, i, 0);
}

static void mask_submit(struct walk *w, uint8_t first)
{
    skip(w, 1); /* TP-MR */
    mask_party(w);
    skip(w, 1);
    uint8_t dcs = take(w);
    take_validity(w, first >> 3 & 3);
    mask_text(w, dcs, first & 0x40);
}

static void mask_report(struct walk *w, uint8_t first)
{
    (void)first;
    skip(w, 1); /* TP-MR */
    mask_party(w);
    take_time(w); /* TP-SCTS */
    take_time(w); /* TP-DT */
    skip(w, 1);   /* TP-ST */
}

static void unknown(struct walk *w, uint8_t first)
{
    (void)first;
    w->bad = true;
}

static void blank_from(const struct walk *w, size_t hex_from, size_t hex_n)
{
    (void)memset(w->hex + hex_from, '0', hex_n - hex_from);
}

void at_mask_pdu(struct at_mask *k, char *hex, size_t n, bool ours)
{
    /* TP-MTI, 9.2.3.1; a modem also shows what was stored to be sent */
    static void (*const theirs[])(struct walk *, uint8_t) = {mask_deliver, mask_submit, mask_report,
                                                             unknown};
    struct walk w = {.mask = k, .hex = hex};
    size_t even = n & ~(size_t)1;
    if (text_hex_decode(hex, even, w.octet, sizeof w.octet, &w.n) != OK) {
        blank_from(&w, 0, n);
        return;
    }
    mask_smsc(&w);
    uint8_t first = take(&w);
    if (!w.bad)
        (ours && (first & 3) != 1 ? unknown : theirs[first & 3])(&w, first);
    blank_from(&w, w.bad ? 0 : 2 * w.at, n);
}
