/* The service centre, see net.h.
   Refuses to know how a modem talks to its computer.
   Promises an event for every SMS taken, refused and settled. */
#include "net.h"
#include "event.h"

#include <stdlib.h>
#include <string.h>

struct pending { /* the service centre's record of an SMS until it is settled */
    struct timer timer;
    struct pending *next, **from; /* all of them, for the end */
    struct simcard *card;
    struct part *part; /* NULL: the handset forgot it */
    struct handset *to;
    struct gsm_address to_address;
    struct rule rule;
    struct net_wish wish;
    int64_t sent_us;
    int16_t modem;
    uint8_t mr;
    bool report_wanted, temporary_told;
};

struct net_options net_options = {.report_delay_us = 500000,
                                  .hold_us = 0,
                                  .retry_us = 5000000,
                                  .zone_quarters = 36,
                                  .rule = {.delay_us = -1}};

static const char *const outcome_names[OUT_KINDS] = {"delivered", "failed", "temporary",
                                                     "temporary-failed", "never"};

const char *outcome_name(enum outcome o)
{
    return outcome_names[o];
}

bool outcome_of(const char *name, enum outcome *o)
{
    for (int i = 0; i < OUT_KINDS; i++)
        if (!strcmp(outcome_names[i], name)) {
            *o = (enum outcome)i;
            return true;
        }
    return false;
}

static struct pending *all;

static void pending_free(struct pending *p)
{
    if (p->card->last == p)
        p->card->last = NULL;
    if (p->part)
        p->part->pending = NULL;
    timer_stop(&p->timer);
    *p->from = p->next;
    if (p->next)
        p->next->from = p->from;
    free(p);
}

static void note(enum ev kind, const struct pending *p, uint8_t st, const char *text)
{
    struct event e = {
        .kind = (uint8_t)kind, .modem = p->modem, .who = p->to, .mr = p->mr, .st = st};
    e.message = p->part ? p->part->message->index : -1;
    e.part = p->part ? p->part->seq : 0;
    event_add(&e, text);
}

void net_part_gone(struct pending *p)
{
    p->part = NULL;
}

static void queue_put(struct simcard *card, struct mt *mt)
{
    struct mt_queue *q = &card->queue[mt->kind];
    if (!q->first)
        q->end = &q->first;
    *q->end = mt;
    q->end = &mt->next;
    q->n++;
    mt_wake(card);
}

void net_queue_pdu(struct simcard *card, enum mt_kind kind, const uint8_t *pdu, size_t n,
                   size_t smsc_n)
{
    struct mt *mt = sim_alloc(sizeof *mt + n);
    *mt = (struct mt){.kind = (uint8_t)kind, .n = (uint8_t)n, .smsc_n = (uint8_t)smsc_n};
    memcpy(mt->pdu, pdu, n);
    queue_put(card, mt);
}

void net_queue(struct simcard *card, enum mt_kind kind, struct handset *peer, const uint8_t *tpdu,
               size_t n, uint8_t mr, uint8_t st)
{
    uint8_t smsc[12];
    size_t smsc_n = gsm_smsc(card->smsc, smsc);
    struct mt *mt = sim_alloc(sizeof *mt + smsc_n + n);
    *mt = (struct mt){.kind = (uint8_t)kind, .peer = peer, .mr = mr, .st = st};
    mt->n = (uint8_t)(smsc_n + n);
    mt->smsc_n = (uint8_t)smsc_n;
    memcpy(mt->pdu, smsc, smsc_n);
    memcpy(mt->pdu + smsc_n, tpdu, n);
    queue_put(card, mt);
}

struct mt *net_first(struct simcard *card)
{
    for (int k = 0; k < MT_KINDS; k++)
        if (card->queue[k].first && !card->queue[k].blocked)
            return card->queue[k].first;
    return NULL;
}

void net_done(struct simcard *card, struct mt *mt)
{
    struct mt_queue *q = &card->queue[mt->kind];
    for (struct mt **at = &q->first; *at; at = &(*at)->next)
        if (*at == mt) {
            *at = mt->next;
            if (q->end == &mt->next)
                q->end = at;
            q->n--;
            break;
        }
    free(mt);
}

static void retry(void *arg)
{
    net_unblock(arg);
}

void net_block(struct simcard *card, enum mt_kind kind)
{
    card->queue[kind].blocked = true;
    if (!card->retry.place)
        timer_set(&card->retry, net_options.retry_us, retry, card);
}

void net_unblock(struct simcard *card)
{
    timer_stop(&card->retry);
    for (int k = 0; k < MT_KINDS; k++)
        card->queue[k].blocked = false;
    mt_wake(card);
}

static void report(const struct pending *p, uint8_t st)
{
    uint8_t tpdu[GSM_TPDU_MAX];
    struct gsm_report r = {.mr = p->mr, .st = st, .to = &p->to_address, .sent_us = p->sent_us};
    r.done_us = loop_wall_us();
    size_t n = gsm_status_report(&r, net_options.zone_quarters, tpdu);
    for (int i = p->wish.report_twice ? 2 : 1; i; i--)
        net_queue(p->card, MT_REPORT, p->to, tpdu, n, p->mr, st);
}

/* The recipient's number is a modem of ours: the SUBMIT arrives there as a DELIVER. */
static void deliver_to_modem(const struct pending *p)
{
    struct gsm_sms sms;
    struct gsm_address from;
    uint8_t tpdu[GSM_TPDU_MAX];
    if (!p->to->card || !p->part || gsm_submit(p->part->tpdu, p->part->n, &sms) ||
        !gsm_address(p->card->number, &from))
        return;
    struct gsm_deliver d = {
        .from = &from, .pid = sms.pid, .dcs = sms.dcs, .has_header = sms.has_header};
    d.at_us = p->sent_us;
    d.udl = sms.udl;
    d.ud = sms.ud;
    d.ud_n = sms.ud_n;
    size_t n = gsm_deliver(&d, net_options.zone_quarters, tpdu);
    net_queue(p->to->card, MT_MESSAGE, handset_of(p->card->number), tpdu, n, 0, 0);
}

static void arrive(struct pending *p)
{
    if (p->part)
        handset_part_state(p->part, PART_ARRIVED);
    deliver_to_modem(p);
}

static void settle(struct pending *p, bool delivered)
{
    uint8_t st = delivered ? 0 : p->rule.st ? p->rule.st : 0x46; /* 9.2.3.15: expired */
    if (delivered)
        arrive(p);
    else if (p->part)
        handset_part_state(p->part, PART_FAILED);
    note(EV_OUTCOME, p, st, delivered ? "delivered" : "failed");
    if (p->report_wanted)
        report(p, st);
    if (p->card->last == p)
        p->card->last_until_us = loop_now_us() + net_options.hold_us;
    pending_free(p);
}

static int64_t delay_of(const struct pending *p)
{
    return p->wish.report_now      ? 0
           : p->rule.delay_us >= 0 ? p->rule.delay_us
                                   : net_options.report_delay_us;
}

static void step(void *arg)
{
    struct pending *p = arg;
    enum outcome o = p->rule.outcome;
    bool temporary = o == OUT_TEMPORARY || o == OUT_TEMPORARY_FAILED;
    if (temporary && !p->temporary_told) {
        p->temporary_told = true;
        if (p->report_wanted)
            report(p, 0x30); /* 9.2.3.15: congestion, still trying */
        timer_set(&p->timer, delay_of(p), step, p);
        return;
    }
    settle(p, o == OUT_DELIVERED || o == OUT_TEMPORARY);
}

/* It arrives and no report ever comes; the service centre's record stays, as far as TP-RD can tell. */
static void never(struct pending *p)
{
    arrive(p);
    note(EV_OUTCOME, p, 0, "never reported");
    p->card->last_until_us = INT64_MAX;
    pending_free(p);
}

static bool held_already(const struct simcard *card, const struct gsm_sms *sms)
{
    return sms->reject_duplicates && card->last_to && card->last_mr == sms->mr &&
           !strcmp(card->last_to->number, sms->to.text) &&
           (card->last || loop_now_us() < card->last_until_us);
}

static void take_charge(struct simcard *card, struct part *part, const struct gsm_sms *sms,
                        struct net_wish wish)
{
    struct handset *to = part->message->of;
    struct pending *p = sim_alloc(sizeof *p);
    *p =
        (struct pending){.card = card, .part = part, .to = to, .to_address = sms->to, .wish = wish};
    p->rule = to->ruled ? to->rule : net_options.rule;
    p->sent_us = part->wall_us;
    p->modem = part->modem;
    p->mr = part->mr;
    p->report_wanted = sms->report_wanted;
    p->next = all;
    p->from = &all;
    if (all)
        all->from = &p->next;
    all = p;
    part->pending = p;
    card->last = p;
    card->last_to = to;
    card->last_mr = part->mr;
    card->last_until_us = 0;
    note(EV_SUBMIT, p, 0, NULL);
    if (p->rule.outcome == OUT_NEVER)
        never(p);
    else if (delay_of(p))
        timer_set(&p->timer, delay_of(p), step, p);
    else
        step(p);
}

int net_submit(struct simcard *card, int modem, const uint8_t *tpdu, size_t n, struct net_wish wish,
               uint8_t *mr, const char **why)
{
    struct gsm_sms sms;
    *why = gsm_submit(tpdu, n, &sms);
    if (*why)
        return 304; /* invalid PDU mode parameter */
    if (!net_options.keep_mr)
        sms.mr = card->mr; /* most modems count for themselves, whatever the PDU says */
    if (held_already(card, &sms)) {
        *why = "TP-RD: held already";
        return 197;
    }
    card->mr = (uint8_t)(sms.mr + 1);
    card->balance_cents -= 5;
    *mr = sms.mr;
    struct handset *to = handset_of(sms.to.text);
    take_charge(card, handset_add(to, modem, sms.mr, &sms, tpdu, n), &sms, wish);
    return 0;
}

void net_free_all(void)
{
    while (all)
        pending_free(all);
}

void net_free(struct simcard *card)
{
    timer_stop(&card->retry);
    for (int k = 0; k < MT_KINDS; k++)
        while (card->queue[k].first)
            net_done(card, card->queue[k].first);
    for (unsigned i = 0; i < card->sm.size; i++)
        free(card->sm.slot[i].pdu);
    free(card->sm.slot);
}
