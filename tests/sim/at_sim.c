/* Commands about the SIM card: PIN, identity, its files.
   Refuses to know SMS.
   Promises a PIN with three tries and a PUK with ten, as a card has them; they survive a restart. */
#include "at.h"
#include "event.h"

#include <stdio.h>
#include <string.h>

static const char *pin_state(const struct modem *m)
{
    return !modem_locked(m) ? "READY" : m->card->pin_left ? "SIM PIN" : "SIM PUK";
}

static int pin_good(struct modem *m)
{
    m->card->pin_left = 3;
    m->at.unlocked = true;
    event_note(EV_PIN, m->index, "good");
    manner_busy_from_now(m);
    modem_radio(m, m->at.cfun == 1);
    return AT_OK;
}

static int puk_try(struct at_call *c)
{
    struct simcard *card = c->m->card;
    if (c->argc != 2 || !card->puk_left)
        return AT_CME(12);
    if (strcmp(c->argv[0], card->puk) != 0) {
        card->puk_left--;
        return AT_CME(16);
    }
    card->puk_left = 10;
    snprintf(card->pin, sizeof card->pin, "%.8s", c->argv[1]);
    return pin_good(c->m);
}

static int cpin(struct at_call *c)
{
    struct modem *m = c->m;
    if (c->op == AT_READ)
        line_info(m, "+CPIN: %s", pin_state(m));
    if (c->op == AT_READ && m->profile->cpin_without_ok)
        return AT_SILENT;
    if (c->op != AT_SET)
        return AT_OK;
    if (!modem_locked(m))
        return AT_CME(3);
    if (!m->card->pin_left)
        return puk_try(c);
    if (strcmp(c->argv[0], m->card->pin) == 0)
        return pin_good(m);
    m->card->pin_left--;
    event_note(EV_PIN, m->index, "wrong, %d left", m->card->pin_left);
    return m->card->pin_left ? AT_CME(16) : AT_CME(12);
}

static int cpinr(struct at_call *c)
{
    struct simcard *card = c->m->card;
    if (c->op == AT_TEST)
        return AT_OK;
    line_info(c->m, "+CPINR: SIM PIN,%d,3", card->pin_left);
    line_info(c->m, "+CPINR: SIM PUK,%d,10", card->puk_left);
    return AT_OK;
}

/* 27.007 7.4, facility SC: the PIN is asked for or not */
static int clck(struct at_call *c)
{
    int mode = 2;
    struct simcard *card = c->m->card;
    if (c->op == AT_TEST)
        line_info(c->m, "+CLCK: (\"SC\")");
    if (c->op != AT_SET)
        return AT_OK;
    if (c->argc < 2 || strcmp(c->argv[0], "SC") || !at_int(c, 1, 2, 0, 2, &mode))
        return AT_CME(50);
    if (mode == 2) {
        line_info(c->m, "+CLCK: %d", card->pin_wanted);
        return AT_OK;
    }
    if (c->argc < 3 || strcmp(c->argv[2], card->pin))
        return AT_CME(16);
    card->pin_wanted = mode == 1;
    c->m->at.unlocked = true;
    return AT_OK;
}

static int ccid(struct at_call *c)
{
    if (c->op != AT_TEST)
        line_info(c->m, "+CCID: \"%s\"", c->m->card->iccid);
    return AT_OK;
}

/* READ BINARY of EF_ICCID: 2FE2 is 12258; digits swapped, the tail filled with F (102 221 13.2) */
static int crsm(struct at_call *c)
{
    char hex[21];
    int command = 0, file = 0;
    if (c->op != AT_SET)
        return AT_OK;
    if (!at_int(c, 0, 0, 0, 255, &command) || !at_int(c, 1, 0, 0, 65535, &file))
        return AT_CME(50);
    if (command != 176 || file != 12258) {
        line_info(c->m, "+CRSM: 106,130,\"\""); /* file not found */
        return AT_OK;
    }
    memset(hex, 'F', 20);
    for (size_t i = 0; i < strlen(c->m->card->iccid); i++)
        hex[i ^ 1] = c->m->card->iccid[i];
    hex[20] = '\0';
    line_info(c->m, "+CRSM: 144,0,\"%s\"", hex);
    return AT_OK;
}

/* VERIFY PIN with no data asks how many tries are left and burns none (102 221 11.1.9). */
static int csim(struct at_call *c)
{
    const struct simcard *card = c->m->card;
    if (c->op != AT_SET)
        return AT_OK;
    if (c->argc != 2 || strcmp(c->argv[1], "0020000100")) {
        line_info(c->m, "+CSIM: 4,\"6D00\"");
        return AT_OK;
    }
    if (!card->pin_wanted)
        line_info(c->m, "+CSIM: 4,\"6984\"");
    else if (!modem_locked(c->m))
        line_info(c->m, "+CSIM: 4,\"9000\"");
    else if (!card->pin_left)
        line_info(c->m, "+CSIM: 4,\"6983\"");
    else
        line_info(c->m, "+CSIM: 4,\"63C%d\"", card->pin_left);
    return AT_OK;
}

static int cimi(struct at_call *c)
{
    if (c->op == AT_DO)
        line_info(c->m, "%s", c->m->card->imsi);
    return AT_OK;
}

static int cnum(struct at_call *c)
{
    struct str number = {0};
    if (c->op != AT_DO)
        return AT_OK;
    at_string(c->m, c->m->card->number, &number);
    line_info(c->m, "+CNUM: \"\",\"%s\",145", number.p);
    str_free(&number);
    return AT_OK;
}

const struct at_row at_sim[] = {
    {"+CPIN", cpin, true},  {"+CPINR", cpinr, true}, {"+CLCK", clck, false},
    {"+CCID", ccid, true},  {"+CSIM", csim, true},   {"+CRSM", crsm, true},
    {"+CIMI", cimi, false}, {"+CNUM", cnum, false},  {NULL, NULL, false},
};
