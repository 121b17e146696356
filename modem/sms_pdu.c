/* sms_pdu.c - TPDUs: SMS-SUBMIT out, SMS-DELIVER and SMS-STATUS-REPORT in (3GPP TS 23.040 9.2.2).
 * Knows no alphabet's characters and no modem.  Promises: strict about truncation, lenient about what follows the TPDU. */
#include <string.h>

#include "gsm7.h"
#include "sms.h"
#include "sms_address.h"
#include "sms_field.h"
#include "sms_udh.h"

/* First octet: 9.2.3.1 and on. */
#define MTI_MASK          0x03
#define MTI_SUBMIT        0x01
#define MTI_STATUS_REPORT 0x02
#define FIRST_RD          0x04
#define FIRST_VPF         0x10 /* a relative validity period follows */
#define FIRST_SRR         0x20
#define FIRST_UDHI        0x40

/* ---- out ---- */

static bool user_data_valid(const struct sms_ud *ud)
{
    unsigned max = ud->alphabet == SMS_GSM7 ? SMS_SEPTETS_MAX : SMS_UD_MAX;
    if ((unsigned)ud->alphabet > SMS_UCS2 || ud->udl > max)
        return false;
    return !ud->udhi || sms_udh_octets(ud) > 0;
}

static uint8_t submit_first_octet(const struct sms_submit *s)
{
    unsigned first = MTI_SUBMIT;
    first |= s->reject_duplicates ? FIRST_RD : 0;
    first |= s->validity_s ? FIRST_VPF : 0;
    first |= s->status_report ? FIRST_SRR : 0;
    first |= s->ud.udhi ? FIRST_UDHI : 0;
    return (uint8_t)first;
}

enum err sms_submit_encode(const struct sms_submit *s, uint8_t out[SMS_TPDU_MAX], size_t *n)
{
    uint8_t address[SMS_ADDRESS_OCTETS_MAX];
    size_t length, at = 0;
    if (!user_data_valid(&s->ud))
        return ERR_RANGE;
    enum err e = sms_address_encode(s->recipient, address, &length);
    if (e)
        return e;
    out[at++] = submit_first_octet(s);
    out[at++] = s->mr;
    memcpy(out + at, address, length);
    at += length;
    out[at++] = 0; /* TP-PID: a short message to a phone, 9.2.3.9 */
    out[at++] = sms_dcs_make(s->ud.alphabet, s->flash);
    if (s->validity_s)
        out[at++] = sms_validity_make(s->validity_s);
    out[at++] = s->ud.udl;
    memcpy(out + at, s->ud.octets, sms_ud_octets(&s->ud));
    *n = at + sms_ud_octets(&s->ud);
    return OK;
}

/* ---- in ---- */

struct cursor {
    const uint8_t *at;
    size_t left;
};

/* The next n octets, or NULL when there are not so many. */
static const uint8_t *take(struct cursor *c, size_t n)
{
    const uint8_t *octets = c->at;
    if (n > c->left)
        return NULL;
    c->at += n;
    c->left -= n;
    return octets;
}

/* 24.011 8.2.5: the length counts octets, the type of address with them; 0: no address. */
static enum err take_service_centre(struct cursor *c, char out[SMS_ADDR_MAX])
{
    const uint8_t *length = take(c, 1);
    out[0] = '\0';
    if (!length || *length > 1 + SMS_ADDRESS_SEMI_OCTETS_MAX / 2)
        return ERR_SYNTAX;
    const uint8_t *octets = take(c, *length);
    if (!octets)
        return ERR_SYNTAX;
    if (*length > 1)
        sms_address_text(octets[0], octets + 1, (*length - 1u) * 2, out);
    return OK;
}

/* 23.040 9.1.2.5: the length counts useful semi-octets. */
static enum err take_address(struct cursor *c, char out[SMS_ADDR_MAX], uint8_t *ton)
{
    const uint8_t *head = take(c, 2);
    if (!head || head[0] > SMS_ADDRESS_SEMI_OCTETS_MAX)
        return ERR_SYNTAX;
    const uint8_t *value = take(c, (head[0] + 1u) / 2);
    if (!value)
        return ERR_SYNTAX;
    sms_address_text(head[1], value, head[0], out);
    *ton = sms_address_ton(head[1]);
    return OK;
}

static enum err take_user_data(struct cursor *c, struct sms_ud *ud)
{
    const uint8_t *udl = take(c, 1);
    unsigned max = ud->alphabet == SMS_GSM7 ? SMS_SEPTETS_MAX : SMS_UD_MAX;
    if (!udl || *udl > max)
        return ERR_SYNTAX;
    ud->udl = *udl;
    unsigned octets = sms_ud_octets(ud);
    const uint8_t *data = take(c, octets);
    if (!data)
        return ERR_SYNTAX;
    memcpy(ud->octets, data, octets);
    return OK;
}

static enum err decode_deliver(struct cursor *c, uint8_t first, struct sms_deliver *d)
{
    enum err e = take_address(c, d->sender, &d->sender_ton);
    if (e)
        return e;
    const uint8_t *fixed = take(c, 2 + SMS_SCTS_OCTETS);
    if (!fixed)
        return ERR_SYNTAX;
    struct sms_coding coding = sms_dcs_read(fixed[1]);
    d->pid = fixed[0];
    d->dcs = fixed[1];
    d->scts_ms = sms_scts_read(fixed + 2);
    d->message_class = coding.message_class;
    d->ud.alphabet = coding.alphabet;
    d->ud.udhi = first & FIRST_UDHI;
    e = take_user_data(c, &d->ud);
    if (e)
        return e;
    struct sms_udh udh;
    sms_udh_read(&d->ud, &udh);
    d->concat = udh.concat;
    d->port_dst = udh.port_dst;
    d->port_src = udh.port_src;
    d->lang_single = udh.lang_single;
    d->lang_lock = udh.lang_lock;
    d->waiting = udh.waiting.kind ? udh.waiting : coding.waiting; /* it says more: 9.2.3.24.2 */
    return OK;
}

/* What follows TP-ST (TP-PI and the fields it announces) may be missing, cut or filled with FF: it holds nothing for us,
 * and a delivery report is too dear to be lost for it. */
static enum err decode_report(struct cursor *c, struct sms_report *r)
{
    uint8_t ton;
    const uint8_t *mr = take(c, 1);
    if (!mr)
        return ERR_SYNTAX;
    enum err e = take_address(c, r->recipient, &ton);
    if (e)
        return e;
    const uint8_t *fixed = take(c, 2 * SMS_SCTS_OCTETS + 1);
    if (!fixed)
        return ERR_SYNTAX;
    r->mr = *mr;
    r->scts_ms = sms_scts_read(fixed);
    r->discharge_ms = sms_scts_read(fixed + SMS_SCTS_OCTETS);
    r->st = fixed[2 * SMS_SCTS_OCTETS];
    return OK;
}

enum err sms_decode(const uint8_t *pdu, size_t n, struct sms_inbound *out)
{
    struct cursor c = {pdu, n};
    struct sms_inbound in = {0};
    enum err e = take_service_centre(&c, in.smsc);
    if (e)
        return e;
    const uint8_t *first = take(&c, 1);
    if (!first)
        return ERR_SYNTAX;
    unsigned mti = *first & MTI_MASK;
    if (mti == MTI_SUBMIT)
        return ERR_UNSUPPORTED;
    /* The reserved value is to be processed as an SMS-DELIVER: 9.2.3.1. */
    in.kind = mti == MTI_STATUS_REPORT ? SMS_KIND_REPORT : SMS_KIND_DELIVER;
    e = in.kind == SMS_KIND_REPORT ? decode_report(&c, &in.report)
                                   : decode_deliver(&c, *first, &in.deliver);
    if (e)
        return e;
    *out = in;
    return OK;
}
