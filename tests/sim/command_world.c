/* Control commands that change the world: modems, network, rules, faults.
   Refuses to know handsets' contents.
   Promises that what it changes is logged. */
#include "command.h"
#include "event.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int reg;
} states[] = {{"lost", 0},     {"home", 1},    {"searching", 2}, {"denied", 3},
              {"unknown", 4},  {"roaming", 5}, {"sms-only", 6},  {"sms-only-roaming", 7},
              {"emergency", 8}};

static const char *state_name(int reg)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (states[i].reg == reg)
            return states[i].name;
    return "?";
}

static void modem_settings(const struct modem *m, struct str *j)
{
    str_fmt(j, ",\"cnmi\":[%d,%d,%d,%d,%d]", m->at.cnmi[0], m->at.cnmi[1], m->at.cnmi[2],
            m->at.cnmi[3], m->at.cnmi[4]);
    str_int(j, "csms", m->at.csms);
    str_bool(j, "echo", m->lines[0].echo);
    str_pair(j, "hangs", hang_name(m));
    str_bool(j, "locked", modem_locked(m));
    str_int(j, "pin_left", m->card->pin_left);
    str_key(j, "faults");
    fault_json(m->faults, j);
}

static void modem_ports(const struct modem *m, struct str *j)
{
    const struct port *first = &m->lines[0].port;
    str_pair(j, "link", first->alias[0] ? first->alias : first->link);
    str_pair(j, "pty", m->plugged ? first->path : NULL);
    str_key(j, "ports");
    str_puts(j, "[");
    for (int i = 0; i < m->line_n; i++) {
        const struct line *l = &m->lines[i];
        str_puts(j, i ? ",{" : "{");
        str_int(j, "interface", l->iface->number);
        str_pair(j, "role", role_name((enum role)l->iface->role));
        str_pair(j, "link", l->port.link);
        str_pair(j, "pty", m->plugged ? l->port.path : NULL);
        str_int(j, "opens", l->port.opens);
        str_puts(j, "}");
    }
    str_puts(j, "]");
}

static void modem_json(const struct modem *m, struct str *j)
{
    static const char *const line[] = {"command", "prompt", "pdu", "busy"};
    const struct simcard *c = m->card;
    str_puts(j, j->p[j->n - 1] == '[' ? "{" : ",{");
    str_pair(j, "name", m->name);
    str_pair(j, "profile", m->profile->name);
    str_bool(j, "plugged", m->plugged);
    modem_ports(m, j);
    str_int(j, "tcp", modem_options.tcp_port ? modem_options.tcp_port + m->index : 0);
    str_pair(j, "imei", m->imei);
    str_pair(j, "iccid", c->iccid);
    str_pair(j, "imsi", c->imsi);
    str_pair(j, "number", c->number);
    str_pair(j, "network", state_name(m->reg));
    str_pair(j, "line", line[m->lines[0].mode]);
    str_int(j, "mr", c->mr);
    str_int(j, "submits", (long long)m->submits);
    str_int(j, "refused", (long long)m->refused);
    str_int(j, "reports_waiting", (long long)c->queue[MT_REPORT].n);
    str_int(j, "messages_waiting", (long long)c->queue[MT_MESSAGE].n);
    str_bool(j, "unacknowledged", m->inflight != NULL);
    str_fmt(j, ",\"stored\":{\"SM\":[%u,%u],\"ME\":[%u,%u],\"SR\":[%u,%u]}", c->sm.used, c->sm.size,
            m->me.used, m->me.size, m->sr.used, m->sr.size);
    modem_settings(m, j);
    str_puts(j, "}");
}

static void list(struct request *r)
{
    struct str j = {0};
    struct modem *only = r->argc > 1 ? command_modem(r, 1) : NULL;
    if (r->argc > 1 && !only)
        return;
    str_puts(&j, "{\"ok\":true,\"modems\":[");
    for (int i = 0; i < modem_count; i++)
        if (!only || only == &modems[i])
            modem_json(&modems[i], &j);
    str_puts(&j, "]}");
    control_answer(r->client, j.p);
    str_free(&j);
}

static void network(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m)
        return;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (!strcmp(states[i].name, r->argv[2])) {
            modem_network(m, states[i].reg);
            command_ok(r);
            return;
        }
    control_fail(r->client, "no such state: %s", r->argv[2]);
}

static void set_signal(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m)
        return;
    m->signal = (int)strtol(r->argv[2], NULL, 10);
    command_ok(r);
}

static void rule(struct request *r)
{
    struct rule made = {.delay_us = -1, .st = (uint8_t)control_number(r, "st", 0)};
    if (!outcome_of(r->argv[2], &made.outcome)) {
        control_fail(r->client, "no such outcome: %s", r->argv[2]);
        return;
    }
    if (r->argc > 3 && !strchr(r->argv[3], '='))
        made.delay_us = strtol(r->argv[3], NULL, 10) * 1000;
    if (!strcmp(r->argv[1], "*")) {
        net_options.rule = made;
    } else {
        struct handset *h = handset_of(r->argv[1]);
        h->rule = made;
        h->ruled = true;
    }
    command_ok(r);
}

static void unplug(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m)
        return;
    modem_unplug(m);
    command_ok(r);
}

/* name=NAME: under that link from now on. False: it was answered. */
static bool renamed(struct request *r, struct modem *m)
{
    const char *name = control_option(r, "name", NULL);
    if (!name || modem_rename(m, name))
        return true;
    control_fail(r->client, "not a file's name: %s", name);
    return false;
}

static void replug(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m || !renamed(r, m))
        return;
    if (modem_replug(m))
        command_ok(r);
    else
        control_fail(r->client, "no pty");
}

static void reset(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m)
        return;
    if (m->plugged)
        modem_reset(m);
    command_ok(r);
}

static void power(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m || !renamed(r, m))
        return;
    modem_power_cycle(m, control_number(r, "off", 0) * 1000);
    command_ok(r);
}

/* How it restarts from now on: +CFUN=1,1, reset, and the fault of that name. */
static void restart_manner(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m || !renamed(r, m))
        return;
    m->off_bus = strcmp(r->argv[2], "bus") == 0;
    m->gone_us = control_number(r, "gone", 0) * 1000;
    if (m->off_bus || !strcmp(r->argv[2], "stay"))
        command_ok(r);
    else
        control_fail(r->client, "bus or stay, not %s", r->argv[2]);
}

static void hang(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m)
        return;
    if (hang_set(m, r->argv[2], r->argc > 3 ? r->argv[3] : "silent"))
        command_ok(r);
    else
        control_fail(r->client, "no such way to hang");
}

static void call(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m)
        return;
    modem_call(m, r->argv[2], (int)control_number(r, "rings", 3),
               control_number(r, "every", 3000) * 1000);
    command_ok(r);
}

static void push(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m)
        return;
    ussd_push(m, r->argv[2], control_number(r, "asks", 0) != 0);
    command_ok(r);
}

/* What a modem loses without a word. */
static void forget(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    const char *what = r->argv[2];
    if (!m)
        return;
    bool all = strcmp(what, "all") == 0, done = all;
    if (all || !strcmp(what, "cnmi"))
        done = true, memset(m->at.cnmi, 0, sizeof m->at.cnmi);
    if (all || !strcmp(what, "csms"))
        done = true, m->at.csms = 0;
    if (all || !strcmp(what, "echo"))
        done = m->lines[0].echo = true;
    if (all || !strcmp(what, "cmgf"))
        done = m->at.text = true;
    if (done)
        command_ok(r);
    else
        control_fail(r->client, "cnmi, csms, echo, cmgf or all, not %s", what);
}

static void swap(struct request *r)
{
    struct modem *a = command_modem(r, 1), *b = a ? command_modem(r, 2) : NULL;
    if (!a || !b)
        return;
    modem_swap(a, b);
    command_ok(r);
}

/* fault MODEM clear [NAME] */
static void fault_clear(struct request *r, struct modem *m, const char *name)
{
    for (int k = 0; k < FAULT_KINDS; k++)
        if (!name || !strcmp(name, fault_name((enum fault_kind)k)))
            m->faults[k] = (struct fault){0};
    mt_pump(m);
    command_ok(r);
}

/* fault MODEM NAME [ARG] [count=N] [command=+CMGS]; fault MODEM NAME off */
static void fault(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m)
        return;
    if (!strcmp(r->argv[2], "clear")) {
        fault_clear(r, m, r->argc > 3 ? r->argv[3] : NULL);
        return;
    }
    enum fault_kind k = fault_kind(r->argv[2]);
    if (k == FAULT_KINDS) {
        control_fail(r->client, "no such fault: %s", r->argv[2]);
        return;
    }
    if (r->argc > 3 && !strcmp(r->argv[3], "off")) {
        fault_clear(r, m, r->argv[2]);
        return;
    }
    struct fault f = {.arg = fault_default(k)};
    if (r->argc > 3 && !strchr(r->argv[3], '='))
        f.arg = strtol(r->argv[3], NULL, 0);
    const char *count = control_option(r, "count", k == FAULT_SILENCE ? "always" : "1");
    f.left = !strcmp(count, "always") ? ULONG_MAX : strtoul(count, NULL, 10);
    str_copy(f.command, sizeof f.command, control_option(r, "command", ""));
    m->faults[k] = f;
    event_note(EV_FAULT, m->index, "%s %ld set", fault_name(k), f.arg);
    command_ok(r);
}

static void pin(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m)
        return;
    m->card->pin_wanted = strcmp(r->argv[2], "off") != 0;
    if (m->card->pin_wanted)
        str_copy(m->card->pin, sizeof m->card->pin, r->argv[2]);
    m->card->pin_left = 3;
    command_ok(r);
}

static void say(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (!m)
        return;
    line_urc(m, "%s", r->argv[2]);
    command_ok(r);
}

const struct command_row command_world[] = {
    {"list", 0, list, "[MODEM]: modems and all that is known of them"},
    {"network", 2, network, "MODEM searching|home|roaming|denied|lost|sms-only|emergency"},
    {"signal", 2, set_signal, "MODEM 0..31|99"},
    {"rule", 2, rule,
     "NUMBER|* delivered|failed|temporary|temporary-failed|never [DELAY_MS] [st=0x46]"},
    {"unplug", 1, unplug, "MODEM: the port hangs up and the link goes"},
    {"replug", 1, replug, "MODEM [name=NAME]: a new pty under the same link, or under NAME"},
    {"power", 1, power, "MODEM [off=MS] [name=NAME]: off, and on again"},
    {"restarts", 2, restart_manner,
     "MODEM bus|stay [gone=MS] [name=NAME]: whether a restart takes it off the bus"},
    {"hang", 2, hang, "MODEM none|reopen|cfun|restart|power [silent|sms|error]: until that"},
    {"reset", 1, reset, "MODEM: it restarts; storages and SIM stay"},
    {"swap", 2, swap, "MODEM MODEM: exchange their SIMs"},
    {"fault", 2, fault,
     "MODEM NAME [ARG] [count=N|always] [command=+CMGS]; MODEM NAME off; MODEM clear"},
    {"call", 2, call, "MODEM FROM [rings=N] [every=MS]: it rings, and nobody answers"},
    {"push", 2, push, "MODEM TEXT [asks=1]: USSD from the network"},
    {"forget", 2, forget, "MODEM cnmi|csms|echo|cmgf|all: lost without a word"},
    {"pin", 2, pin, "MODEM PIN|off: the SIM asks for it from the next restart on"},
    {"say", 2, say, "MODEM LINE: an unsolicited line"},
    {NULL, 0, NULL, NULL},
};
