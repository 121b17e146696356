/* How a family behaves besides its answers: slow starts, a SIM that is busy, lines unasked, commands of its own.
   Refuses to know which family: rows of profile_table.c say what.
   Promises that every time is divided by --hurry. */
#include "at.h"
#include "event.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

int64_t manner_us(int ms)
{
    return (int64_t)ms * 1000 / modem_options.hurry;
}

int64_t manner_boot_us(const struct modem *m)
{
    if (modem_options.boot_delay_us >= 0)
        return modem_options.boot_delay_us;
    return m->profile->boot_ms ? manner_us(m->profile->boot_ms) : 500000;
}

int64_t manner_prompt_us(const struct modem *m)
{
    return modem_options.prompt_delay_us >= 0 ? modem_options.prompt_delay_us
                                              : manner_us(m->profile->prompt_ms);
}

void manner_busy_from_now(struct modem *m)
{
    m->busy_until_us = m->profile->busy_ms ? loop_now_us() + manner_us(m->profile->busy_ms) : 0;
}

/* 515 is the whole modem's (Wavecom), 14 the SIM's. */
bool manner_is_busy(const struct modem *m, const char *command)
{
    static const char of_the_sim[] = " +CSCA +CPMS +CMGL +CMGR +CMGD +CMGS +CIMI +CNUM ";
    char word[40];
    if (!m->busy_until_us || loop_now_us() >= m->busy_until_us || command[0] != '+')
        return false;
    snprintf(word, sizeof word, " %.36s ", command);
    return m->profile->busy_code == 515 || strcasestr(of_the_sim, word);
}

static void murmur(void *arg)
{
    struct modem *m = arg;
    const char *const *said = m->profile->chatter;
    if (m->at.calm)
        return;
    if (m->lines[0].port.opens || m->lines[0].port.tcp >= 0) {
        line_urc(m, "%s", said[m->murmur_at]);
        m->murmur_at = said[m->murmur_at + 1] ? m->murmur_at + 1 : 0;
    }
    timer_set(&m->murmur, manner_us(m->profile->murmur_ms), murmur, m);
}

void manner_started(struct modem *m)
{
    manner_busy_from_now(m);
    if (m->profile->murmur_ms)
        timer_set(&m->murmur, manner_us(m->profile->murmur_ms), murmur, m);
}

static const char *asked_for(const struct modem *m)
{
    return !modem_locked(m) ? "READY" : m->card->pin_left ? "SIM PIN" : "SIM PUK";
}

static void fill(const struct modem *m, const char *answer, struct str *out)
{
    const struct simcard *c = m->card;
    int now = c->pin_left ? c->pin_left : c->puk_left;
    for (const char *p = answer; *p; p++) {
        if (*p != '$' || !strchr("punsi", p[1])) {
            str_add(out, p, 1);
            continue;
        }
        switch (*++p) {
        case 'p':
            str_fmt(out, "%d", c->pin_left);
            break;
        case 'u':
            str_fmt(out, "%d", c->puk_left);
            break;
        case 'n':
            str_fmt(out, "%d", now);
            break;
        case 's':
            str_puts(out, asked_for(m));
            break;
        default:
            str_puts(out, c->iccid);
        }
    }
}

static int take_effect(struct at_call *c, enum effect effect)
{
    struct modem *m = c->m;
    switch (effect) {
    case EFFECT_NONE:
        break;
    case EFFECT_CALM:
        m->at.calm = c->op == AT_SET;
        break;
    case EFFECT_USSD:
        m->at.ussd_on = c->argc > 0 && !strcmp(c->argv[0], "0");
        break;
    case EFFECT_URC_HERE:
        if (c->argc > 1 && !strcasecmp(c->argv[0], "urcport"))
            m->urcs_here = strcasecmp(c->argv[1], "usbat") == 0;
        break;
    case EFFECT_RESTART:
        modem_reset(m);
        line_put(m, "\r\nOK\r\n", 6);
        return AT_LATER;
    }
    return AT_OK;
}

int manner_extra(struct at_call *c, const struct extra *e)
{
    static const char letters[] = {[AT_DO] = 'D', [AT_READ] = 'R', [AT_SET] = 'S', [AT_TEST] = 'T'};
    struct str text = {0};
    if (!strchr(e->ops, letters[c->op]))
        return c->op == AT_TEST ? AT_OK : AT_ERROR;
    if (e->answer) {
        fill(c->m, e->answer, &text);
        line_info(c->m, "%s", text.p);
        str_free(&text);
    }
    return take_effect(c, e->effect);
}
