/* Commands that send SMS and route what comes back: +CMGS +CMGF +CSMS +CNMI +CNMA +CSCA (27.005 3).
   Refuses to know what the network does with an SMS.
   Promises that after Ctrl-Z exactly one thing happens: sent or not, answered or not, as the faults say. */
#include "at.h"
#include "event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int cmgf(struct at_call *c)
{
    if (c->op == AT_TEST)
        line_info(c->m, "+CMGF: (0)");
    else if (c->op == AT_READ)
        line_info(c->m, "+CMGF: %d", c->m->at.text);
    else if (c->op == AT_SET && strcmp(c->argv[0], "0") != 0)
        return AT_CMS(303); /* text mode is not simulated */
    else if (c->op == AT_SET)
        c->m->at.text = false;
    return AT_OK;
}

static int csms(struct at_call *c)
{
    struct modem *m = c->m;
    int service = 0;
    if (c->op == AT_TEST)
        line_info(m, m->profile->csms1 ? "+CSMS: (0,1)" : "+CSMS: (0)");
    if (c->op == AT_READ)
        line_info(m, "+CSMS: %d,1,1,1", m->at.csms);
    if (c->op != AT_SET)
        return AT_OK;
    if (!at_int(c, 0, 0, 0, m->profile->csms1, &service))
        return AT_CMS(302);
    m->at.csms = service;
    m->at.stalled = false;
    line_info(m, "+CSMS: 1,1,1");
    return AT_OK;
}

static int cnmi(struct at_call *c)
{
    int set[5];
    struct modem *m = c->m;
    if (c->op == AT_TEST)
        line_info(m, "+CNMI: %s", m->profile->cnmi_range);
    if (c->op == AT_READ)
        line_info(m, "+CNMI: %d,%d,%d,%d,%d", m->at.cnmi[0], m->at.cnmi[1], m->at.cnmi[2],
                  m->at.cnmi[3], m->at.cnmi[4]);
    if (c->op == AT_TEST || c->op == AT_READ)
        return AT_OK;
    for (int i = 0; i < 5; i++)
        if (!at_int(c, i, 0, 0, 3, &set[i]) ||
            (i < c->argc && !profile_range_has(m->profile->cnmi_range, i, set[i])))
            return AT_CMS(302);
    if (c->argc > 5 || (set[0] == 2 && m->profile->no_mode_2))
        return AT_CMS(302);
    memcpy(m->at.cnmi, set, sizeof set);
    m->at.stalled = false;
    net_unblock(m->card);
    return AT_OK;
}

static int ask_pdu(struct modem *m, int octets);

/* 27.005 3.4.4: 0 acknowledges, 1 too, 2 refuses; 1 and 2 may announce a TPDU of their own */
static int cnma(struct at_call *c)
{
    int n = 0, octets = 0;
    const struct profile *p = c->m->profile;
    if (p->cnma_refused || (p->cnma_bare && c->op == AT_SET))
        return AT_ERROR;
    if (c->op == AT_TEST)
        line_info(c->m, "+CNMA: (0-2)");
    if (c->op == AT_TEST || c->op == AT_READ)
        return AT_OK;
    if (!at_int(c, 0, 0, 0, 2, &n) || !at_int(c, 1, 0, 0, 164, &octets))
        return AT_CMS(302);
    if (!c->m->at.csms || !c->m->inflight)
        return AT_CMS(340);
    mt_acknowledge(c->m, n < 2);
    c->m->pdu_is_ack = octets > 0;
    return octets ? ask_pdu(c->m, octets) : AT_OK;
}

static int csca(struct at_call *c)
{
    struct simcard *card = c->m->card;
    struct str text = {0};
    if (c->op == AT_READ) {
        at_string(c->m, card->smsc, &text);
        line_info(c->m, "+CSCA: \"%s\",%d", text.p, card->smsc[0] == '+' ? 145 : 129);
    }
    if (c->op == AT_SET) {
        at_unstring(c->m, c->argv[0], &text);
        bool plus = c->argc > 1 && !strcmp(c->argv[1], "145") && text.p[0] != '+';
        snprintf(card->smsc, sizeof card->smsc, "%s%.20s", plus ? "+" : "", text.p);
    }
    str_free(&text);
    return AT_OK;
}

static int csmp(struct at_call *c)
{
    if (c->op == AT_READ)
        line_info(c->m, "+CSMP: %s", c->m->at.csmp);
    if (c->op == AT_SET && c->m->profile->csmp_clears_csca)
        c->m->card->smsc[0] = '\0';
    if (c->op == AT_SET)
        snprintf(c->m->at.csmp, sizeof c->m->at.csmp, "%.6s,%.6s,%.6s,%.6s", c->argv[0],
                 c->argc > 1 ? c->argv[1] : "167", c->argc > 2 ? c->argv[2] : "0",
                 c->argc > 3 ? c->argv[3] : "0");
    return AT_OK;
}

static int csdh(struct at_call *c)
{
    if (c->op == AT_READ)
        line_info(c->m, "+CSDH: 0");
    return AT_OK;
}

static int cmms(struct at_call *c)
{
    if (c->op == AT_TEST)
        line_info(c->m, "+CMMS: (0-2)");
    if (c->op == AT_READ)
        line_info(c->m, "+CMMS: 0");
    return AT_OK;
}

static void prompt(void *arg)
{
    struct line *l = arg;
    struct modem *m = l->m;
    m->now = l;
    l->mode = LINE_PDU;
    l->input.n = 0;
    line_put(m, m->profile->prompt, strlen(m->profile->prompt));
}

static int ask_pdu(struct modem *m, int octets)
{
    struct line *l = m->now;
    if (m->asking && m->asking != l && m->asking->mode != LINE_COMMAND)
        return AT_CMS(500); /* one at a time, whichever port it comes from */
    m->asking = l;
    m->tpdu_n = (unsigned)octets;
    l->mode = LINE_PROMPT;
    if (manner_prompt_us(m))
        timer_set(&l->answer, manner_prompt_us(m), prompt, l);
    else
        prompt(l);
    return AT_LATER;
}

static int cmgs(struct at_call *c)
{
    int octets = 0;
    long code = 0;
    if (c->op == AT_TEST)
        return AT_OK;
    if (c->op != AT_SET || c->argc < 1 || !at_int(c, 0, 0, 7, GSM_TPDU_MAX, &octets) || !octets)
        return AT_CMS(304);
    if (c->m->at.text)
        return AT_CMS(305);
    if (fault_take(c->m->faults, FAULT_CMS_EARLY, c->name, &code))
        return AT_CMS((int)code);
    if (fault_take(c->m->faults, FAULT_NO_PROMPT, c->name, NULL))
        return AT_SILENT;
    c->m->pdu_is_ack = c->m->pdu_is_write = false;
    return ask_pdu(c->m, octets);
}

static int cmgw(struct at_call *c)
{
    int octets = 0, stat = 2;
    if (c->op != AT_SET || !at_int(c, 0, 0, 7, GSM_TPDU_MAX, &octets) || !octets ||
        !at_int(c, 1, 2, 0, 3, &stat))
        return c->op == AT_TEST ? AT_OK : AT_CMS(304);
    c->m->pdu_is_ack = false;
    c->m->pdu_is_write = true;
    c->m->write_stat = (uint8_t)stat;
    return ask_pdu(c->m, octets);
}

static void answer(void *arg)
{
    struct line *l = arg;
    struct modem *m = l->m;
    m->now = l;
    struct event e = {.kind = EV_ANSWER, .modem = (int16_t)m->index, .message = -1};
    e.mr = m->answer_mr;
    event_add(&e, NULL);
    line_faults(m, "pdu");
    line_info(m, "+CMGS: %d", m->answer_mr);
    line_final(m, AT_OK);
}

static void refuse(struct modem *m, int code, const char *why)
{
    m->refused++;
    event_note(EV_REFUSED, m->index, "%d %s", code, why);
    line_final(m, code ? AT_CMS(code) : AT_ERROR);
}

static void lose(struct modem *m, const char *how)
{
    event_note(EV_LOST, m->index, "%s", how);
    line_final(m, AT_SILENT);
}

/* Not sent: true when a fault decided so. */
static bool fault_before_network(struct modem *m)
{
    long code = 0;
    if (fault_take(m->faults, FAULT_CMS, "+CMGS", &code))
        refuse(m, (int)code, "fault");
    else if (fault_take(m->faults, FAULT_ERROR_LATE, "+CMGS", NULL))
        refuse(m, 0, "fault");
    else if (fault_take(m->faults, FAULT_LOST_SMS, "+CMGS", NULL))
        lose(m, "sms");
    else if (fault_take(m->faults, FAULT_CRASH_UNSENT, "+CMGS", NULL))
        modem_unplug(m);
    else if (!modem_sms_service(m))
        refuse(m, 331, "no network");
    else
        return false;
    return true;
}

/* Sent: what the computer learns of it. */
static void fault_after_network(struct modem *m)
{
    long arg = 0;
    if (fault_take(m->faults, FAULT_CMS_SENT, "+CMGS", &arg)) {
        refuse(m, (int)arg, "fault, but sent");
    } else if (fault_take(m->faults, FAULT_LOST_ANSWER, "+CMGS", NULL)) {
        lose(m, "answer");
    } else if (fault_take(m->faults, FAULT_CRASH, "+CMGS", NULL)) {
        modem_unplug(m);
    } else if (fault_take(m->faults, FAULT_RESET, "+CMGS", NULL)) {
        modem_reset(m);
    } else if (fault_take(m->faults, FAULT_LATE, "+CMGS", &arg)) {
        timer_set(&m->now->answer, arg * 1000, answer, m->now);
        m->now->hold = false;
        mt_pump(m);
    } else {
        answer(m->now);
    }
}

static void transmit(struct modem *m, const uint8_t *tpdu, size_t n)
{
    const char *why = NULL;
    struct net_wish wish = {.report_now = fault_take(m->faults, FAULT_REPORT_FIRST, "+CMGS", NULL)};
    wish.report_twice = fault_take(m->faults, FAULT_DUPLICATE_REPORT, "+CMGS", NULL);
    m->now->hold = !wish.report_now;
    int code = net_submit(m->card, m->index, tpdu, n, wish, &m->answer_mr, &why);
    if (code) {
        refuse(m, code, why);
        return;
    }
    m->submits++;
    fault_after_network(m);
}

static bool pdu_octets(struct modem *m, uint8_t *pdu, size_t *n, size_t *smsc_n)
{
    const struct str *input = &m->now->input;
    int octets = hex_octets(input->p ? input->p : "", input->n, pdu, GSM_TPDU_MAX + 12);
    if (octets < 1 || pdu[0] > 11)
        return false;
    *n = (size_t)octets;
    *smsc_n = pdu[0] + 1u;
    return *n == *smsc_n + m->tpdu_n;
}

static void sent(void *arg)
{
    struct line *l = arg;
    struct modem *m = l->m;
    uint8_t pdu[GSM_TPDU_MAX + 12];
    size_t n = 0, smsc_n = 0;
    m->now = l;
    bool good = pdu_octets(m, pdu, &n, &smsc_n);
    l->input.n = 0;
    if (!good)
        refuse(m, 304, "PDU is not hexadecimal or not of the announced length");
    else if (smsc_n == 1 && !m->card->smsc[0])
        refuse(m, 330, "no service centre");
    else if (!fault_before_network(m))
        transmit(m, pdu + smsc_n, n - smsc_n);
}

static void written(struct modem *m)
{
    uint8_t pdu[GSM_TPDU_MAX + 12];
    size_t n = 0, smsc_n = 0;
    int at = -1;
    if (pdu_octets(m, pdu, &n, &smsc_n))
        at = store_put(modem_store(m, m->at.mem[1]), m->write_stat, pdu, n, smsc_n);
    else
        at = -2;
    m->now->input.n = 0;
    if (at >= 0)
        line_info(m, "+CMGW: %d", at + m->profile->first_index);
    line_final(m, at >= 0 ? AT_OK : at == -1 ? AT_CMS(322) : AT_CMS(304));
}

void at_pdu(struct modem *m)
{
    struct line *l = m->now;
    l->mode = LINE_BUSY;
    if (m->pdu_is_ack) {
        l->input.n = 0;
        line_final(m, AT_OK);
    } else if (m->pdu_is_write)
        written(m);
    else if (modem_options.submit_delay_us)
        timer_set(&l->answer, modem_options.submit_delay_us, sent, l);
    else
        sent(l);
}

const struct at_row at_sms[] = {
    {"+CMGS", cmgs, false}, {"+CNMA", cnma, false}, {"+CMGF", cmgf, true},  {"+CSMS", csms, false},
    {"+CNMI", cnmi, false}, {"+CSCA", csca, false}, {"+CSMP", csmp, false}, {"+CSDH", csdh, false},
    {"+CMMS", cmms, false}, {"+CMGW", cmgw, false}, {NULL, NULL, false},
};
