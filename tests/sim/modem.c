/* A modem's life: made, registered, restarted, unplugged and plugged in again.
   Refuses to know AT commands.
   Promises identities that pass their check digits and differ from each other. */
#include "event.h"
#include "simmodem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct modem_options modem_options = {
    .submit_delay_us = 300000,
    .prompt_delay_us = -1, /* the profile's */
    .register_delay_us = 0,
    .ack_timeout_us = 12000000, /* 27.005 3.4.4 leaves it open; TR2M is 12 to 20 s */
    .boot_delay_us = -1,
    .hurry = 1,
    .ussd_delay_us = 200000,
    .sm_size = 30,
    .me_size = 50,
    .sr_size = 20,
    .link_dir = ".",
};
struct modem *modems;
int modem_count;

/* Luhn's check digit, of IMEI and ICCID */
static void check_digit(char *digits, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned)(digits[n - 1 - i] - '0') * (i % 2 ? 1 : 2);
        sum += d > 9 ? d - 9 : d;
    }
    digits[n] = (char)('0' + (10 - sum % 10) % 10);
    digits[n + 1] = '\0';
}

static struct simcard *card_make(int index, unsigned seed)
{
    struct simcard *c = sim_alloc(sizeof *c);
    snprintf(c->iccid, sizeof c->iccid, "894477009000%06d", index);
    check_digit(c->iccid, 18);
    snprintf(c->imsi, sizeof c->imsi, "23415%010d", index);
    snprintf(c->number, sizeof c->number, "+447700900%03d",
             index); /* Ofcom keeps these for fiction */
    snprintf(c->smsc, sizeof c->smsc, "+447785016005");
    snprintf(c->pin, sizeof c->pin, "0000");
    snprintf(c->puk, sizeof c->puk, "12345678");
    c->pin_left = 3;
    c->puk_left = 10;
    c->balance_cents = 100000;
    c->mr = (uint8_t)((seed * 2654435761u + (unsigned)index * 40503u) >> 16);
    store_make(&c->sm, "SM", modem_options.sm_size);
    handset_of(c->number)->card = c;
    return c;
}

static void at_forget(struct modem *m)
{
    m->at = (struct at_state){.cfun = 1, .mem = {'S', 'S', 'S'}};
    m->at.synced = !m->profile->autobaud || m->rate_fixed;
    snprintf(m->at.cscs, sizeof m->at.cscs, "GSM");
    snprintf(m->at.csmp, sizeof m->at.csmp, "17,167,0,0");
}

bool modem_locked(const struct modem *m)
{
    return m->card->pin_wanted && !m->at.unlocked;
}

bool modem_sms_service(const struct modem *m)
{
    static const bool service[16] = {
        [1] = true, [5] = true, [6] = true, [7] = true, [9] = true, [10] = true}; /* 27.007 7.2 */
    return service[m->reg & 15];
}

static void reg_set(struct modem *m, int reg)
{
    static const char *const urc[3] = {"+CREG", "+CGREG", "+CEREG"};
    if (m->reg == reg)
        return;
    m->reg = reg;
    event_note(EV_RADIO, m->index, "%d", reg);
    for (int i = 0; i < 3; i++)
        if (m->at.reg_urc[i])
            line_urc(m, m->at.reg_urc[i] == 2 && reg ? "%s: %d,\"1A2B\",\"00C3D4E5\"" : "%s: %d",
                     urc[i], reg);
    if (modem_sms_service(m))
        net_unblock(m->card);
}

static void reg_arrive(void *arg)
{
    struct modem *m = arg;
    reg_set(m, m->reg_target);
}

void modem_radio(struct modem *m, bool on)
{
    timer_stop(&m->reg_timer);
    if (!on || modem_locked(m)) {
        reg_set(m, 0);
        return;
    }
    if (m->reg == m->reg_target)
        return;
    if (!modem_options.register_delay_us) {
        reg_set(m, m->reg_target);
        return;
    }
    reg_set(m, 2);
    timer_set(&m->reg_timer, modem_options.register_delay_us, reg_arrive, m);
}

void modem_network(struct modem *m, int reg)
{
    m->reg_target = reg;
    if (!m->plugged || m->at.cfun != 1 || modem_locked(m))
        return;
    timer_stop(&m->reg_timer);
    reg_set(m, reg);
}

static void close_ports(struct modem *m)
{
    for (int i = 0; i < m->line_n; i++) {
        line_closed(&m->lines[i]);
        port_close(&m->lines[i]);
    }
}

static bool open_ports(struct modem *m)
{
    for (int i = 0; i < m->line_n; i++)
        if (!port_open(&m->lines[i])) {
            close_ports(m);
            return false;
        }
    return true;
}

/* DIR/NAME, and with several ports DIR/NAME.INTERFACE for each. */
static void name_links(struct modem *m, const char *name)
{
    for (int i = 0; i < m->line_n; i++) {
        struct line *l = &m->lines[i];
        const char *dir = modem_options.link_dir;
        l->port.alias[0] = '\0';
        if (!modem_options.all_ports) {
            snprintf(l->port.link, sizeof l->port.link, "%s/%s", dir, name);
            continue;
        }
        snprintf(l->port.link, sizeof l->port.link, "%s/%s.%d", dir, name, l->iface->number);
        if (i == 0)
            snprintf(l->port.alias, sizeof l->port.alias, "%s/%s", dir, name);
    }
}

static void make_lines(struct modem *m)
{
    m->line_n = modem_options.all_ports ? m->profile->port_n : 1;
    m->now = &m->lines[0];
    for (int i = 0; i < m->line_n; i++) {
        struct line *l = &m->lines[i];
        l->m = m;
        l->iface = &m->profile->ports[i];
        port_init(&l->port);
    }
    line_reset_all(m, LINE_COMMAND);
}

static void forget_dialogue(struct modem *m, enum cure by)
{
    hang_cure(m, by);
    line_reset_all(m, LINE_COMMAND);
    timer_stop(&m->boot);
    timer_stop(&m->ussd);
    timer_stop(&m->murmur);
    timer_stop(&m->ring);
    mt_reset(m);
    at_forget(m);
    timer_stop(&m->reg_timer);
    m->reg = 0;
    for (int k = 0; k < FAULT_KINDS; k++) /* a hang ends with the power */
        if (k == FAULT_SILENCE)
            m->faults[k].left = 0;
}

static void booted(void *arg)
{
    struct modem *m = arg;
    line_reset_all(m, LINE_COMMAND);
    for (const char *const *text = m->profile->boot; *text; text++)
        if (!modem_locked(m) || !strstr(*text, "READY"))
            line_urc(m, "%s", *text);
    manner_started(m);
    modem_radio(m, true);
}

static void unplug(struct modem *m, enum cure by)
{
    timer_stop(&m->back);
    if (!m->plugged)
        return;
    event_note(EV_UNPLUG, m->index, "%s", m->lines[0].port.path);
    m->plugged = false;
    forget_dialogue(m, by);
    close_ports(m);
}

void modem_unplug(struct modem *m)
{
    unplug(m, CURE_POWER);
}

static void boot(struct modem *m)
{
    line_reset_all(m, LINE_PROMPT); /* deaf until it is up */
    timer_set(&m->boot, manner_boot_us(m), booted, m);
}

static void back_again(void *arg)
{
    modem_replug(arg);
}

static void leave_the_bus(struct modem *m, int64_t gone_us, enum cure by)
{
    unplug(m, by);
    timer_set(&m->back, gone_us, back_again, m);
}

void modem_power_cycle(struct modem *m, int64_t gone_us)
{
    leave_the_bus(m, gone_us, CURE_POWER);
}

bool modem_rename(struct modem *m, const char *name)
{
    if (!*name || strchr(name, '/') || name[0] == '.')
        return false;
    str_copy(m->comes_back, sizeof m->comes_back, name);
    return true;
}

void modem_reset(struct modem *m)
{
    event_note(EV_RESET, m->index, "restarts");
    if (m->off_bus && m->plugged) {
        leave_the_bus(m, m->gone_us, CURE_RESTART);
        return;
    }
    forget_dialogue(m, CURE_RESTART);
    boot(m);
}

bool modem_replug(struct modem *m)
{
    if (m->plugged)
        return true;
    timer_stop(&m->back);
    if (m->comes_back[0])
        name_links(m, m->comes_back);
    m->comes_back[0] = '\0';
    if (!open_ports(m))
        return false;
    m->plugged = true;
    event_note(EV_REPLUG, m->index, "%s", m->lines[0].port.path);
    boot(m);
    return true;
}

static void card_insert(struct modem *m, struct simcard *c)
{
    m->card = c;
    c->in = m;
}

void modem_swap(struct modem *a, struct modem *b)
{
    struct simcard *c = a->card;
    mt_reset(a);
    mt_reset(b);
    card_insert(a, b->card);
    card_insert(b, c);
    modem_reset(a);
    modem_reset(b);
}

bool modem_create(struct modem *m, int index, const struct profile *profile, unsigned seed)
{
    *m = (struct modem){.index = index, .profile = profile, .signal = 21, .reg_target = 1};
    snprintf(m->name, sizeof m->name, "modem%d", index);
    snprintf(m->imei, sizeof m->imei, "86012345%06d", index);
    check_digit(m->imei, 14);
    make_lines(m);
    name_links(m, m->name);
    store_make(&m->me, "ME", modem_options.me_size);
    store_make(&m->sr, "SR", modem_options.sr_size);
    store_make(&m->bm, "BM", 0);
    card_insert(m, card_make(index, seed));
    at_forget(m);
    m->off_bus = profile->off_bus;
    m->gone_us = manner_us(profile->gone_ms);
    if (modem_options.tcp_port && !port_listen(&m->lines[0]))
        return false;
    if (!open_ports(m))
        return false;
    m->plugged = true;
    if (modem_options.cold)
        boot(m);
    else
        manner_started(m);
    m->busy_until_us = 0; /* that was long ago */
    return true;
}

static void ring(void *arg)
{
    struct modem *m = arg;
    if (m->rings-- <= 0) {
        modem_hang_up(m);
        return;
    }
    line_urc(m, "RING");
    if (m->at.clip)
        line_urc(m, "+CLIP: \"%s\",%d,\"\",,\"\",0", m->caller, m->caller[0] == '+' ? 145 : 129);
    timer_set(&m->ring, m->ring_us, ring, m);
}

void modem_call(struct modem *m, const char *from, int rings, int64_t every_us)
{
    str_copy(m->caller, sizeof m->caller, from);
    m->rings = rings;
    m->ring_us = every_us;
    ring(m);
}

void modem_hang_up(struct modem *m)
{
    if (!m->caller[0])
        return;
    timer_stop(&m->ring);
    m->caller[0] = '\0';
    line_urc(m, "NO CARRIER");
}

void modem_free(struct modem *m)
{
    m->plugged = false;
    mt_reset(m);
    timer_stop(&m->reg_timer);
    timer_stop(&m->back);
    timer_stop(&m->boot);
    timer_stop(&m->ussd);
    timer_stop(&m->murmur);
    timer_stop(&m->ring);
    for (int i = 0; i < m->line_n; i++)
        line_free(&m->lines[i]);
    store_free(&m->me);
    store_free(&m->sr);
    store_free(&m->bm);
    net_free(m->card);
    free(m->card);
}
