/* Inbound SMS made and queued at the network, see inject.h.
   Refuses to know how the modem shows them.
   Promises the order asked for, as far as one queue a SIM keeps it. */
#include "inject.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 60 };

struct cut {
    size_t from, n;
};

static size_t room_for(const struct gsm_units *u, unsigned header_n)
{
    if (u->alphabet == GSM_7BIT)
        return (GSM_UD_MAX * 8 - header_n * 8) / 7;
    size_t octets = GSM_UD_MAX - header_n;
    return u->alphabet == GSM_UCS2 ? octets & ~(size_t)1 : octets;
}

/* Cuts of at most room units; with a wish for more parts, of about equal size. */
static int cut_units(const struct gsm_units *u, size_t room, int wish, struct cut *cut)
{
    size_t at = 0;
    int n = 0;
    if (wish > 1 && u->n / (size_t)wish + 1 < room)
        room = (u->n + (size_t)wish - 1) / (size_t)wish;
    if (u->alphabet == GSM_UCS2)
        room += room % 2;
    do {
        if (n == PARTS_MAX)
            return -1;
        size_t end = at + room < u->n ? at + room : u->n;
        while (end < u->n && end > at && u->joined[end])
            end--;
        cut[n++] = (struct cut){at, end - at};
        at = end;
    } while (at < u->n);
    return n;
}

static const char *units_of(const struct inject *in, struct gsm_units *u)
{
    static const enum gsm_alphabet all[] = {GSM_7BIT, GSM_UCS2, GSM_8BIT};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (in->alphabet ? !strcmp(in->alphabet, gsm_alphabet_name(all[i])) : all[i] != GSM_8BIT)
            if (gsm_units(u, in->text, all[i]))
                return NULL;
    return "text does not fit the alphabet";
}

static unsigned header_for(uint8_t h[8], const struct inject *in, unsigned ref, int total, int seq)
{
    const uint8_t narrow[6] = {5, 0, 3, (uint8_t)ref, (uint8_t)total, (uint8_t)seq};
    const uint8_t wide[7] = {6,           8, 4, (uint8_t)(ref >> 8), (uint8_t)ref, (uint8_t)total,
                             (uint8_t)seq};
    unsigned n = total < 2 ? 0 : in->ref16 ? 7 : 6;
    memcpy(h, in->ref16 ? wide : narrow, n);
    return n;
}

struct batch {
    struct simcard *card;
    const struct inject *in;
    const struct gsm_units *u;
    const struct cut *cut;
    struct gsm_address from;
    unsigned ref;
    int total;
};

static void send_part(const struct batch *b, int seq)
{
    static const uint8_t dcs_of[] = {[GSM_7BIT] = 0, [GSM_8BIT] = 4, [GSM_UCS2] = 8};
    uint8_t header[8], ud[GSM_UD_MAX], tpdu[GSM_TPDU_MAX];
    struct gsm_deliver d = {.from = &b->from, .dcs = dcs_of[b->u->alphabet], .ud = ud};
    unsigned header_n = header_for(header, b->in, b->ref, b->total, seq);
    const struct cut *c = &b->cut[seq - 1];
    if (b->in->message_class >= 0)
        d.dcs = (uint8_t)(d.dcs | 0x10 | (b->in->message_class & 3));
    d.has_header = header_n > 0;
    d.at_us = loop_wall_us() - (int64_t)b->in->age_s * 1000000;
    d.ud_n = gsm_pack(header, header_n, b->u->unit + c->from, c->n, b->u->alphabet, ud, &d.udl);
    size_t n = gsm_deliver(&d, net_options.zone_quarters, tpdu);
    net_queue(b->card, MT_MESSAGE, handset_of(b->in->from), tpdu, n, 0, 0);
}

static void shuffle(int *order, int n)
{
    static uint32_t state = 88172645;
    for (int i = n - 1; i > 0; i--) {
        state ^= state << 13, state ^= state >> 17, state ^= state << 5;
        int j = (int)(state % (uint32_t)(i + 1)), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

static const char *order_of(const struct inject *in, int total, int *order)
{
    for (int i = 0; i < total; i++)
        order[i] = i + 1;
    if (in->order && !strncmp(in->order, "shuffle", 7)) {
        shuffle(order, total);
        return NULL;
    }
    const char *p = in->order;
    for (int i = 0; p && i < total; i++) {
        char *end;
        long seq = strtol(p, &end, 10);
        if (end == p || seq < 1 || seq > total)
            return "order does not name the parts";
        order[i] = (int)seq;
        p = *end == ',' ? end + 1 : NULL;
    }
    return NULL;
}

const char *inject_text(struct simcard *card, const struct inject *in, int *parts)
{
    static unsigned next_ref = 0xA0;
    struct gsm_units u = {0};
    struct cut cut[PARTS_MAX];
    int order[PARTS_MAX];
    struct batch b = {.card = card, .in = in, .u = &u, .cut = cut};
    if (!gsm_address(in->from, &b.from))
        return "sender is too long or has letters that GSM has not";
    const char *wrong = units_of(in, &u);
    if (wrong)
        return wrong;
    b.total = cut_units(&u, room_for(&u, 0), in->parts, cut);
    if (b.total != 1)
        b.total = cut_units(&u, room_for(&u, in->ref16 ? 7 : 6), in->parts, cut);
    b.ref = in->ref >= 0 ? (unsigned)in->ref : next_ref++;
    if (b.total < 0)
        wrong = "more than 60 parts";
    else if (!(wrong = order_of(in, b.total, order)))
        for (int i = 0; i < b.total; i++)
            for (int again = order[i] == in->twice; again >= 0; again--)
                if (order[i] != in->drop)
                    send_part(&b, order[i]);
    *parts = b.total;
    gsm_units_free(&u);
    return wrong;
}

const char *inject_raw(struct simcard *card, const char *hex)
{
    uint8_t pdu[255];
    int n = hex_octets(hex, strlen(hex), pdu, sizeof pdu);
    if (n < 2 || pdu[0] + 1 >= n)
        return "not a PDU with its SMSC address in hexadecimal";
    bool is_report = (pdu[pdu[0] + 1] & 3) == 2;
    net_queue_pdu(card, is_report ? MT_REPORT : MT_MESSAGE, pdu, (size_t)n, pdu[0] + 1u);
    return NULL;
}
