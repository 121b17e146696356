/* TPDUs read and written bit by bit, see gsm.h.
   Refuses to know why they travel.
   Promises a remark, never a guess, for what does not follow 23.040. */
#include "gsm.h"
#include "gsm_alphabet.h"
#include "gsm_national.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct bits { /* a row of bits, least significant of each octet first */
    uint8_t *octet;
    size_t at, end; /* in bits */
    bool over;      /* something was asked beyond the end */
};

static unsigned take(struct bits *b, unsigned n)
{
    unsigned value = 0;
    if (b->at + n > b->end) {
        b->over = true;
        b->at = b->end;
        return 0;
    }
    for (unsigned i = 0; i < n; i++, b->at++)
        value |= (b->octet[b->at / 8] >> b->at % 8 & 1u) << i;
    return value;
}

static void put(struct bits *b, unsigned value, unsigned n)
{
    if (b->at + n > b->end) {
        b->over = true;
        return;
    }
    for (unsigned i = 0; i < n; i++, b->at++)
        if (value >> i & 1u)
            b->octet[b->at / 8] |= (uint8_t)(1u << b->at % 8);
}

static void put_octets(struct bits *b, const uint8_t *octet, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(b, octet[i], 8);
}

/* 9.1.2.5; the caller has bounded digits at 20 */
static void address_text(struct gsm_address *a, unsigned digits, bool alphanumeric,
                         bool international)
{
    struct bits b = {.octet = a->octets, .at = 16, .end = 8u * a->octets_n};
    struct str text = {0};
    if (international)
        str_puts(&text, "+");
    if (alphanumeric)
        for (unsigned i = 0; i < digits * 4 / 7; i++)
            str_utf8(&text, gsm_letter(take(&b, 7)));
    else
        for (unsigned i = 0; i < digits; i++)
            str_fmt(&text, "%c", "0123456789*#abc?"[take(&b, 4)]);
    snprintf(a->text, sizeof a->text, "%s", text.p ? text.p : "");
    str_free(&text);
}

static const char *take_address(struct bits *b, struct gsm_address *a)
{
    size_t from = b->at / 8;
    unsigned digits = take(b, 8);
    if (digits > 20)
        return "address longer than 20 digits";
    take(b, 4); /* numbering plan */
    unsigned type = take(b, 3);
    if (!take(b, 1) && !b->over)
        return "address type without bit 7";
    for (unsigned i = 0; i < digits; i++)
        if (take(b, 4) == 15 && type != 5)
            return "filler inside the digits";
    if (digits % 2 && take(b, 4) != 15 && type != 5)
        return "odd digits without filler";
    if (b->over)
        return "address cut short";
    a->octets_n = (uint8_t)(b->at / 8 - from);
    memcpy(a->octets, b->octet + from, a->octets_n);
    address_text(a, digits, type == 5, type == 1);
    return NULL;
}

/* 9.2.3.24.1 and .8: the only elements that change how parts belong together */
static const char *take_header(struct gsm_sms *s)
{
    unsigned end = s->ud_n ? s->ud[0] + 1u : 0;
    if (!end || end > s->ud_n)
        return "user data header longer than the user data";
    s->udh_n = end;
    for (unsigned i = 1; i < end;) {
        if (i + 2 > end || i + 2 + s->ud[i + 1] > end)
            return "header element cut short";
        const uint8_t *e = s->ud + i;
        if ((e[0] == 0 && e[1] != 3) || (e[0] == 8 && e[1] != 4))
            return "concatenation element of a wrong length";
        if (e[0] == 0 || e[0] == 8) {
            const uint8_t *tail = e + e[1];
            s->ref16 = e[0] == 8;
            s->ref = s->ref16 ? (unsigned)e[2] << 8 | e[3] : e[2];
            s->total = tail[0];
            s->seq = tail[1];
            if (!s->total || !s->seq || s->seq > s->total)
                return "part number out of range";
        }
        if ((e[0] == 0x24 || e[0] == 0x25) && (e[1] != 1 || e[2] >= GSM_NATIONAL))
            return "national language element that is none";
        if (e[0] == 0x24) /* 9.2.3.24.15 */
            s->single = e[2];
        if (e[0] == 0x25) /* 9.2.3.24.16 */
            s->locking = e[2];
        i += 2u + e[1];
    }
    return NULL;
}

static const char *take_user_data(struct bits *b, struct gsm_sms *s)
{
    enum gsm_alphabet a = gsm_alphabet_of(s->dcs);
    s->udl = take(b, 8);
    s->ud_n = a == GSM_7BIT ? (s->udl * 7 + 7) / 8 : s->udl;
    if (s->ud_n > GSM_UD_MAX)
        return "user data longer than 140 octets";
    if (b->over || b->at + 8 * s->ud_n != b->end)
        return "length of the user data does not fit the TPDU";
    if (a == GSM_UCS2 && !s->has_header && s->udl % 2)
        return "odd octets of UCS-2";
    memcpy(s->ud, b->octet + b->at / 8, s->ud_n);
    s->total = s->seq = 1;
    return s->has_header ? take_header(s) : NULL;
}

const char *gsm_submit(const uint8_t *tpdu, size_t n, struct gsm_sms *out)
{
    static const uint8_t vp_octets[4] = {0, 7, 1, 7}; /* none, enhanced, relative, absolute */
    uint8_t copy[GSM_TPDU_MAX + 8];
    if (n > GSM_TPDU_MAX)
        return "TPDU longer than 176 octets";
    memcpy(copy, tpdu, n);
    struct bits b = {.octet = copy, .end = 8 * n};
    *out = (struct gsm_sms){0};
    if (take(&b, 2) != 1)
        return "not an SMS-SUBMIT";
    out->reject_duplicates = take(&b, 1);
    out->vp_n = vp_octets[take(&b, 2)];
    out->report_wanted = take(&b, 1);
    out->has_header = take(&b, 1);
    take(&b, 1); /* reply path */
    out->mr = (uint8_t)take(&b, 8);
    const char *wrong = take_address(&b, &out->to);
    if (wrong)
        return wrong;
    if (!out->to.text[0])
        return "no recipient";
    out->pid = (uint8_t)take(&b, 8);
    out->dcs = (uint8_t)take(&b, 8);
    for (unsigned i = 0; i < out->vp_n; i++)
        out->vp[i] = (uint8_t)take(&b, 8);
    return take_user_data(&b, out);
}

static uint32_t letter_of(const struct gsm_sms *s, unsigned septet, bool escaped)
{
    const uint16_t *locking = gsm_national_locking[s->locking];
    const uint16_t *single = gsm_national_single[s->single];
    if (escaped && s->single && single[septet])
        return single[septet];
    if (escaped && !s->single)
        return gsm_extended(septet);
    return locking ? locking[septet] : gsm_letter(septet);
}

static const char *text_7bit(const struct gsm_sms *s, struct str *utf8)
{
    struct bits b = {.octet = (uint8_t *)(uintptr_t)s->ud, .end = 8u * s->ud_n};
    unsigned first = (s->udh_n * 8 + 6) / 7; /* the text begins on a septet's border */
    bool escaped = false;
    const char *remark = NULL;
    for (unsigned i = 0; i < s->udl; i++) {
        unsigned septet = take(&b, 7);
        if (i < first)
            continue;
        if (escaped)
            str_utf8(utf8, letter_of(s, septet, true));
        else if (septet != 0x1B)
            str_utf8(utf8, letter_of(s, septet, false));
        escaped = !escaped && septet == 0x1B;
    }
    if (escaped)
        remark = "escape at the end";
    return b.over ? "septets cut short" : remark;
}

static const char *text_ucs2(const struct gsm_sms *s, struct str *utf8)
{
    const char *remark = (s->ud_n - s->udh_n) % 2 ? "odd octets of UCS-2" : NULL;
    uint32_t high = 0;
    for (unsigned i = s->udh_n; i + 1 < s->ud_n; i += 2) {
        uint32_t c = (uint32_t)s->ud[i] << 8 | s->ud[i + 1];
        bool low = c >= 0xDC00 && c < 0xE000;
        if ((high != 0) != low) {
            remark = "surrogate alone";
            str_utf8(utf8, 0xFFFD);
        } else if (low) {
            str_utf8(utf8, 0x10000 + (high - 0xD800) * 0x400 + (c - 0xDC00));
        }
        high = c >= 0xD800 && c < 0xDC00 ? c : 0;
        if (!high && !low)
            str_utf8(utf8, c);
    }
    return high ? "surrogate alone" : remark;
}

const char *gsm_text(const struct gsm_sms *s, struct str *utf8)
{
    enum gsm_alphabet a = gsm_alphabet_of(s->dcs);
    str_puts(utf8, "");
    if (a == GSM_7BIT)
        return text_7bit(s, utf8);
    if (a == GSM_UCS2)
        return text_ucs2(s, utf8);
    str_hex(utf8, s->ud + s->udh_n, s->ud_n - s->udh_n);
    return a == GSM_ODD ? "alphabet unknown" : NULL;
}

static bool address_alphanumeric(const char *text, struct gsm_address *out)
{
    struct gsm_units u;
    if (!gsm_units(&u, text, GSM_7BIT))
        return false;
    bool fits = u.n <= 11; /* 9.1.2.5: ten octets hold eleven septets */
    struct bits b = {.octet = out->octets, .at = 16, .end = 8 * sizeof out->octets};
    for (size_t i = 0; fits && i < u.n; i++)
        put(&b, u.unit[i], 7);
    out->octets[0] = (uint8_t)((u.n * 7 + 3) / 4);
    out->octets[1] = 0xD0;
    out->octets_n = (uint8_t)((b.at + 7) / 8);
    gsm_units_free(&u);
    return fits;
}

bool gsm_address(const char *text, struct gsm_address *out)
{
    *out = (struct gsm_address){0};
    const char *digits = *text == '+' ? text + 1 : text;
    size_t n = strspn(digits, "0123456789*#");
    if (strlen(text) >= sizeof out->text)
        return false;
    snprintf(out->text, sizeof out->text, "%s", text);
    if (!n || digits[n])
        return address_alphanumeric(text, out);
    struct bits b = {.octet = out->octets, .end = 8 * sizeof out->octets};
    put(&b, (unsigned)n, 8);
    put(&b, *text == '+' ? 0x91 : 0x81, 8);
    for (size_t i = 0; i < n; i++)
        put(&b, (unsigned)(strchr("0123456789*#", digits[i]) - "0123456789*#"), 4);
    if (n % 2)
        put(&b, 15, 4);
    out->octets_n = (uint8_t)(b.at / 8);
    return n <= 20;
}

size_t gsm_smsc(const char *number, uint8_t out[12])
{
    struct gsm_address a;
    if (!*number || !gsm_address(number, &a)) {
        out[0] = 0;
        return 1;
    }
    memcpy(out, a.octets, a.octets_n);
    out[0] = (uint8_t)(a.octets_n - 1); /* here the length counts octets, type included */
    return a.octets_n;
}

/* 9.2.3.11: local time, tens and units swapped, and the zone in quarters of an hour with its sign */
static void put_time(struct bits *b, int64_t at_us, int zone)
{
    time_t at = (time_t)(at_us / 1000000 + zone * 900);
    struct tm tm = {0};
    gmtime_r(&at, &tm);
    int field[6] = {tm.tm_year % 100, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
    for (int i = 0; i < 6; i++) {
        put(b, (unsigned)field[i] / 10, 4);
        put(b, (unsigned)field[i] % 10, 4);
    }
    unsigned quarters = (unsigned)(zone < 0 ? -zone : zone);
    put(b, quarters / 10, 3);
    put(b, zone < 0, 1);
    put(b, quarters % 10, 4);
}

size_t gsm_status_report(const struct gsm_report *r, int zone, uint8_t *out)
{
    memset(out, 0, GSM_TPDU_MAX);
    struct bits b = {.octet = out, .end = 8 * GSM_TPDU_MAX};
    put(&b, 2, 2); /* SMS-STATUS-REPORT */
    put(&b, 1, 6); /* no more messages waiting; result of a SUBMIT */
    put(&b, r->mr, 8);
    put_octets(&b, r->to->octets, r->to->octets_n);
    put_time(&b, r->sent_us, zone);
    put_time(&b, r->done_us, zone);
    put(&b, r->st, 8);
    return b.at / 8;
}

size_t gsm_deliver(const struct gsm_deliver *d, int zone, uint8_t *out)
{
    memset(out, 0, GSM_TPDU_MAX);
    struct bits b = {.octet = out, .end = 8 * GSM_TPDU_MAX};
    put(&b, 0, 2); /* SMS-DELIVER */
    put(&b, 1, 4); /* no more messages waiting */
    put(&b, d->has_header, 1);
    put(&b, 0, 1);
    put_octets(&b, d->from->octets, d->from->octets_n);
    put(&b, d->pid, 8);
    put(&b, d->dcs, 8);
    put_time(&b, d->at_us, zone);
    put(&b, d->udl, 8);
    put_octets(&b, d->ud, d->ud_n);
    return b.at / 8;
}

unsigned gsm_pack(const uint8_t *header, unsigned header_n, const uint8_t *unit, size_t n,
                  enum gsm_alphabet a, uint8_t ud[GSM_UD_MAX], unsigned *udl)
{
    memset(ud, 0, GSM_UD_MAX);
    struct bits b = {.octet = ud, .end = 8 * GSM_UD_MAX};
    put_octets(&b, header, header_n);
    if (a == GSM_7BIT)
        while (b.at % 7)
            put(&b, 0, 1);
    for (size_t i = 0; i < n; i++)
        put(&b, unit[i], a == GSM_7BIT ? 7 : 8);
    *udl = (unsigned)(a == GSM_7BIT ? b.at / 7 : b.at / 8);
    return (unsigned)((b.at + 7) / 8);
}
