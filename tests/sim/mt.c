/* What comes from the network to the computer: +CMT, +CMTI, +CDS, +CDSI, and the acknowledgement of those
   shown directly (27.005 3.4.1, 3.4.4).
   Refuses to know what the PDUs say.
   Promises that nothing leaves the network's queue before it is stored or, under +CSMS=1, acknowledged. */
#include "event.h"
#include "simmodem.h"

#include <string.h>

enum { MODE, MT, BM, DS, BFR }; /* of +CNMI */

static void note(struct modem *m, enum ev kind, const struct mt *mt, const char *text)
{
    struct event e = {
        .kind = (uint8_t)kind, .modem = (int16_t)m->index, .who = mt->peer, .message = -1};
    e.mr = mt->mr;
    e.st = mt->st;
    event_add(&e, text);
}

static void hold(struct modem *m, const struct mt *mt, const char *why)
{
    note(m, EV_HELD, mt, why);
    net_block(m->card, (enum mt_kind)mt->kind);
}

/* Nobody acknowledged: "the ME shall then set mt and ds to zero" (3.4.4), and RP-ERROR to the network. */
static void ack_late(void *arg)
{
    struct modem *m = arg;
    struct mt *mt = m->inflight;
    m->inflight = NULL;
    if (m->profile->unacked_stops)
        m->at.stalled = true;
    else
        m->at.cnmi[MT] = m->at.cnmi[DS] = 0;
    note(m, EV_ACK_LATE, mt, NULL);
    net_block(m->card, (enum mt_kind)mt->kind);
    mt_pump(m);
}

static void show(struct modem *m, struct mt *mt)
{
    struct str head = {0};
    unsigned n = mt->n - mt->smsc_n;
    if (mt->kind == MT_REPORT)
        str_fmt(&head, "+CDS: %u", n);
    else
        str_fmt(&head, "+CMT: ,%u", n);
    line_urc_pdu(m, head.p, mt->pdu, mt->n);
    str_free(&head);
    note(m, mt->kind == MT_REPORT ? EV_REPORT : EV_DELIVER, mt, "shown");
    if (!m->at.csms) { /* the ME acknowledges by itself, whoever has read it */
        net_done(m->card, mt);
        return;
    }
    m->inflight = mt;
    timer_set(&m->ack, modem_options.ack_timeout_us, ack_late, m);
}

static void tell_full(struct modem *m, const struct store *s)
{
    if (m->profile->memfull && !m->at.full_told)
        line_urc(m, "^SMMEMFULL: \"%s\"", s->name);
    m->at.full_told = true;
}

static void announce(struct modem *m, const char *urc, const char *storage, int index)
{
    if (m->profile->cdsi_wrong && !strcmp(urc, "+CDSI"))
        line_urc(m, "+CDSI: \"SM\",0");
    else if (m->profile->cmti_without_index && !strcmp(urc, "+CMTI"))
        line_urc(m, "+CMTI: ,-1");
    else
        line_urc(m, "%s: \"%s\",%d", urc, storage, index);
}

static void keep(struct modem *m, struct mt *mt, char letter, const char *urc)
{
    struct store *s = modem_store(m, letter);
    int at = store_put(s, 0, mt->pdu, mt->n, mt->smsc_n);
    if (at < 0) {
        tell_full(m, s);
        hold(m, mt, "storage full");
        return;
    }
    if (urc && m->at.cnmi[MODE])
        announce(m, urc, s->name, at + m->profile->first_index);
    note(m, mt->kind == MT_REPORT ? EV_REPORT : EV_DELIVER, mt, "stored");
    net_done(m->card, mt);
}

/* Without a storage of their own reports lie among the messages. */
static bool has_sr(const struct modem *m)
{
    return strstr(m->profile->memories[0], "SR") != NULL;
}

static void route_report(struct modem *m, struct mt *mt)
{
    int ds = m->at.cnmi[DS];
    if (ds == 1 && m->at.cnmi[MODE]) {
        show(m, mt);
    } else if (ds == 2) {
        keep(m, mt, has_sr(m) ? 'R' : m->at.mem[2], "+CDSI");
    } else if (modem_options.drop_unrouted_reports) {
        note(m, EV_HELD, mt, "no route: lost");
        net_done(m->card, mt);
    } else {
        hold(m, mt, "no route");
    }
}

/* DCS bits say whether it has a class (23.038 4); only class 3 is shown with mt=3. */
static bool class3(const struct mt *mt)
{
    const uint8_t *tpdu = mt->pdu + mt->smsc_n;
    unsigned n = mt->n - mt->smsc_n, at = n > 1 ? 1u + 2 + (tpdu[1] + 1u) / 2 + 1 : n;
    uint8_t dcs = at < n ? tpdu[at] : 0;
    return ((dcs & 0xD0) == 0x10 || (dcs & 0xF0) == 0xF0) && (dcs & 3) == 3;
}

static void route_message(struct modem *m, struct mt *mt)
{
    int way = m->at.cnmi[MT];
    bool direct = way == 2 || (way == 3 && class3(mt));
    if (direct && m->at.cnmi[MODE])
        show(m, mt);
    else
        keep(m, mt, m->at.mem[2], way ? "+CMTI" : NULL);
}

static bool open_for_mt(const struct modem *m)
{
    for (int i = 0; i < m->line_n && !m->profile->urc_in_cmgs; i++)
        if (m->lines[i].hold || m->lines[i].mode == LINE_PROMPT || m->lines[i].mode == LINE_PDU)
            return false;
    return m->plugged && !m->boot.place && !m->cure && !m->at.stalled && !m->inflight &&
           modem_sms_service(m) && !fault_is_set(m->faults, FAULT_SILENCE);
}

void mt_pump(struct modem *m)
{
    struct mt *mt;
    while (open_for_mt(m) && (mt = net_first(m->card))) {
        if (mt->kind == MT_REPORT)
            route_report(m, mt);
        else
            route_message(m, mt);
    }
}

void mt_wake(struct simcard *card)
{
    if (card->in)
        mt_pump(card->in);
}

void mt_acknowledge(struct modem *m, bool good)
{
    struct mt *mt = m->inflight;
    timer_stop(&m->ack);
    m->inflight = NULL;
    note(m, good ? EV_ACK : EV_NACK, mt, NULL);
    if (good)
        net_done(m->card, mt);
    else
        net_block(m->card, (enum mt_kind)mt->kind);
}

void mt_reset(struct modem *m)
{
    timer_stop(&m->ack);
    m->inflight = NULL; /* still in the network's queue: it comes again */
}
