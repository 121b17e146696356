/* modem_ladder.c - what is done about a modem in trouble: a table of rungs, the gentle ones first.
 * Knows no product and no message.  Promises: every step is logged and counted; each rung has a budget and a pause
 * that grows, so nothing is restarted for ever; a SIM or a network that says no is never a reason; what was climbed is
 * remembered beyond the session, and forgotten rung by rung while the modem is well. */
#include "modem_private.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "modem_power.h"
#include "pulse.h"

#define REOPENS      2     /* before anything harder */
#define USB_RESET_MS 20000 /* the kernel asks it again and again, 5 s each */

struct modem_rung_rule modem_rung_rules[MODEM_RUNGS] = {
    [MODEM_RUNG_RESYNC] = {5, 5 * 60000, 0, 0},
    [MODEM_RUNG_REOPEN] = {UINT32_MAX, 60000, 0,
                           0}, /* costs nothing, and has the back-off's pauses */
    [MODEM_RUNG_RADIO] = {4, 6 * 3600000, 60000, 3600000},
    [MODEM_RUNG_RESTART] = {4, 6 * 3600000, 120000, 2 * 3600000},
    [MODEM_RUNG_USB] = {4, 6 * 3600000, 120000, 2 * 3600000},
    [MODEM_RUNG_POWER] = {4, 6 * 3600000, 180000, 2 * 3600000},
};

/* ---- the rungs ---- */

static void restarts(struct modem *m)
{
    m->ladder.returns_ms = clk_mono_ms() + modem_timing.return_ms;
    m->backoff_ms = modem_timing.settle_ms;
}

/* 27.007 8.2.  Some do not know 0, and have 4 (both transmit and receive off). */
static enum err radio_off_and_on(struct modem *m)
{
    struct at_reply reply;
    enum err e = modem_ok(m, &reply, 2 * modem_timing.slow_ms, NULL, "AT+CFUN=0");
    if (e == ERR_REFUSED)
        e = modem_ok(m, &reply, 2 * modem_timing.slow_ms, NULL, "AT+CFUN=4");
    if (!modem_ended(e))
        e = modem_pause(m, modem_timing.radio_ms);
    if (!modem_ended(e))
        e = modem_ok(m, &reply, 2 * modem_timing.slow_ms, NULL, "AT+CFUN=1");
    m->seen.restarted = m->seen.card = false; /* "+CFUN: 1" is our own doing */
    m->seen.restore = m->seen.look = true;
    return e;
}

/* A modem that gives no answers may still hear: the bytes cost nothing there. */
static enum err restart_unheard(struct modem *m)
{
    static const char command[] = "\x1b\rAT+CFUN=1,1\r";
    restarts(m);
    return write(port_fd(m->port), command, sizeof command - 1) > 0 ? OK : ERR_IO;
}

static enum err restart(struct modem *m)
{
    struct at_reply reply;
    if (m->ladder.trouble == MODEM_SILENT)
        return restart_unheard(m);
    enum err e = at_command(m->at, &reply, modem_timing.quick_ms, NULL, "AT+CFUN=1,1");
    if (e == OK && reply.final != AT_OK)
        return ERR_REFUSED;
    restarts(m); /* without an answer, too: many are gone before they gave it */
    return OK;
}

static enum err reset_usb(struct modem *m)
{
    char why[MODEM_TEXT_MAX] = "";
    pulse_allow(USB_RESET_MS);
    enum err e = usb_reset(&m->ladder.usb, why);
    if (e == OK)
        restarts(m);
    else
        log_warn("modem", "name=%s usb=%s not reset: %s", m->config.name, m->ladder.usb.node, why);
    return e;
}

static int is_stopping(void *ctx)
{
    return modem_stopping(ctx);
}

static enum err run_power_command(struct modem *m)
{
    char out[POWER_OUTPUT_MAX];
    int status;
    modem_state(m, MODEM_STARTING, "power_command is running: %.100s", m->end_reason);
    enum err e = power_run(m->config.power_command, m->config.name, m->config.port,
                           modem_timing.power_ms, is_stopping, m, out, &status);
    log_warn("modem", "name=%s power_command status=%d result=\"%s\" output=\"%s\"", m->config.name,
             status, e ? err_str(e) : "done", out);
    if (e == OK)
        restarts(m);
    return e;
}

static bool always(const struct modem *m)
{
    (void)m;
    return true;
}

static bool has_line(const struct modem *m)
{
    return m->at != NULL;
}

/* One that never answered here may be no modem at all. */
static bool hears(const struct modem *m)
{
    return m->at && (m->ladder.trouble != MODEM_SILENT || m->ladder.answered);
}

static bool has_usb(const struct modem *m)
{
    return m->ladder.usb.tty[0] != '\0';
}

static bool has_command(const struct modem *m)
{
    return m->config.power_command[0] != '\0';
}

#define FOR(trouble) (1U << (trouble))
#define HARD         (FOR(MODEM_SILENT) | FOR(MODEM_STARTUP) | FOR(MODEM_STUCK))

/* remedies: the troubles that it is for; closed: the port must not be open. */
static const struct rung {
    unsigned remedies;
    bool closed;
    bool (*possible)(const struct modem *m);
    enum err (*climb)(struct modem *m);
} rungs[MODEM_RUNGS] = {
    [MODEM_RUNG_RESYNC] = {0, false, has_line, NULL}, /* modem_resync() */
    [MODEM_RUNG_REOPEN] = {HARD, true, always, NULL}, /* the next session */
    [MODEM_RUNG_RADIO] = {FOR(MODEM_STARTUP) | FOR(MODEM_STUCK) | FOR(MODEM_OFF_NET), false,
                          has_line, radio_off_and_on},
    [MODEM_RUNG_RESTART] = {HARD | FOR(MODEM_OFF_NET), false, hears, restart},
    [MODEM_RUNG_USB] = {HARD | FOR(MODEM_VANISHED), true, has_usb, reset_usb},
    [MODEM_RUNG_POWER] = {HARD | FOR(MODEM_VANISHED), true, has_command, run_power_command},
};

/* ---- budget ---- */

/* When it may be climbed again: now or earlier, it may. */
static int64_t free_at(const struct modem *m, enum modem_rung r, int64_t now)
{
    const struct modem_rung_rule *rule = &modem_rung_rules[r];
    bool spent = m->ladder.rung[r].used >= rule->budget;
    int64_t renewed = m->ladder.rung[r].window_ms + rule->window_ms;
    int64_t free = m->ladder.rung[r].free_ms;
    return spent && renewed > now && renewed > free ? renewed : free;
}

static void spend(struct modem *m, enum modem_rung r, int64_t now)
{
    const struct modem_rung_rule *rule = &modem_rung_rules[r];
    struct modem_ladder *l = &m->ladder;
    if (!l->rung[r].window_ms || now >= l->rung[r].window_ms + rule->window_ms) {
        l->rung[r].window_ms = now;
        l->rung[r].used = 0;
    }
    l->rung[r].used++;
    l->rung[r].free_ms = now + l->rung[r].cool_ms;
    l->rung[r].cool_ms =
        2 * l->rung[r].cool_ms < rule->cool_max_ms ? 2 * l->rung[r].cool_ms : rule->cool_max_ms;
    m->status.recoveries[r]++;
}

static bool may_climb(const struct modem *m, enum modem_trouble t, enum modem_rung r, int64_t now)
{
    return (rungs[r].remedies & FOR(t)) && rungs[r].possible(m) && free_at(m, r, now) <= now;
}

/* The lowest from its level up; at the top, the highest below that is free again.  MODEM_RUNGS: none. */
static enum modem_rung choose(const struct modem *m, enum modem_trouble t, int64_t now)
{
    enum modem_rung level = m->ladder.level[t];
    for (enum modem_rung r = level; r < MODEM_RUNGS; r++)
        if (may_climb(m, t, r, now))
            return r;
    for (enum modem_rung r = level; r > MODEM_RUNG_REOPEN + 1; r--)
        if (may_climb(m, t, r - 1, now))
            return r - 1;
    return MODEM_RUNGS;
}

static void take_note(struct modem *m, enum modem_trouble t, enum modem_rung r, int64_t now)
{
    struct modem_ladder *l = &m->ladder;
    spend(m, r, now);
    if (r == MODEM_RUNG_REOPEN && ++l->reopened[t] < REOPENS)
        l->level[t] = r;
    else
        l->level[t] = r + 1;
    log_warn("modem", "name=%s recovery=%s count=%u used=%u budget=%u", m->config.name,
             modem_rung_str(r), m->status.recoveries[r], l->rung[r].used,
             modem_rung_rules[r].budget);
    modem_tell_state(m);
}

/* ---- what is wrong ---- */

static bool is_away(const struct modem *m)
{
    return m->end_state == MODEM_GONE;
}

static enum modem_trouble trouble_of(const struct modem *m, enum err e)
{
    const struct modem_ladder *l = &m->ladder;
    if (l->returns_ms && clk_mono_ms() < l->returns_ms)
        return MODEM_NO_TROUBLE; /* it starts */
    if (!m->port)
        return l->returns_ms && is_away(m) ? MODEM_VANISHED : MODEM_NO_TROUBLE;
    if (l->trouble)
        return l->trouble;
    if (!m->at || e != ERR_TIMEOUT || m->end_state != MODEM_STARTING)
        return MODEM_NO_TROUBLE;
    if (at_poisoned(m->at))
        return MODEM_SILENT;
    return m->served ? MODEM_NO_TROUBLE : MODEM_STARTUP;
}

/* Everything was tried: the reason, and when the next rung is free. */
static void exhausted(struct modem *m, enum modem_trouble t, int64_t now)
{
    char reason[MODEM_TEXT_MAX];
    int64_t next = INT64_MAX;
    for (enum modem_rung r = MODEM_RUNG_RADIO; r < MODEM_RUNGS; r++) {
        bool remedy = (rungs[r].remedies & FOR(t)) && rungs[r].possible(m);
        int64_t free = remedy ? free_at(m, r, now) : INT64_MAX;
        next = free < next ? free : next;
    }
    if (next == INT64_MAX)
        snprintf(reason, sizeof reason, "%.100s; it is opened again and again%s", m->end_reason,
                 has_command(m) ? "" : " (no power_command)");
    else
        snprintf(reason, sizeof reason, "%.90s; recovery did not help, the next try is in %lld min",
                 m->end_reason, (long long)((next - now) / CLK_MINUTE_MS + 1));
    if (t == MODEM_STUCK && next != INT64_MAX)
        modem_suspend(m, next - now, reason);
    if (t != MODEM_VANISHED)
        m->end_state = MODEM_SUSPENDED;
    snprintf(m->end_reason, sizeof m->end_reason, "%s", reason);
}

static enum err climb(struct modem *m, enum modem_rung r)
{
    enum err e = rungs[r].climb ? rungs[r].climb(m) : OK;
    if (e)
        log_warn("modem", "name=%s recovery=%s result=\"%s\"", m->config.name, modem_rung_str(r),
                 err_str(e));
    return e;
}

/* One that could not be climbed costs its budget and leads to the next. */
static void recover(struct modem *m, enum modem_trouble t)
{
    int64_t now = clk_mono_ms();
    enum modem_rung r;
    m->ladder.well_ms = m->ladder.returns_ms = 0;
    m->ladder.trouble = t;
    while ((r = choose(m, t, now)) != MODEM_RUNGS && !modem_stopping(m)) {
        take_note(m, t, r, now);
        if (rungs[r].closed) {
            m->ladder.after = r;
            return;
        }
        if (climb(m, r) == OK)
            return;
    }
    if (r == MODEM_RUNGS)
        exhausted(m, t, now);
}

void modem_ladder_ended(struct modem *m, enum err e)
{
    enum modem_trouble t = trouble_of(m, e);
    m->ladder.after = MODEM_RUNGS;
    if (t)
        recover(m, t);
}

void modem_ladder_closed(struct modem *m)
{
    enum modem_rung r;
    while ((r = m->ladder.after) != MODEM_RUNGS && !modem_stopping(m)) {
        m->ladder.after = MODEM_RUNGS;
        if (climb(m, r) != OK)
            recover(m, m->ladder.trouble);
    }
    m->ladder.trouble = MODEM_NO_TROUBLE;
}

void modem_ladder_vanished(struct modem *m)
{
    if (!m->ladder.returns_ms || clk_mono_ms() < m->ladder.returns_ms)
        return;
    modem_ladder_ended(m,
                       modem_end(m, MODEM_GONE, "%s", "restarted, and its port did not come back"));
    modem_ladder_closed(m);
}

enum err modem_end_in_trouble(struct modem *m, enum modem_trouble trouble, const char *reason)
{
    m->ladder.trouble = trouble;
    return modem_end(m, MODEM_STARTING, "%s", reason);
}

/* ---- what is well ---- */

void modem_ladder_init(struct modem *m)
{
    m->ladder.after = MODEM_RUNGS;
    for (int r = 0; r < MODEM_RUNGS; r++)
        m->ladder.rung[r].cool_ms = modem_rung_rules[r].cool_ms;
    for (int t = 0; t < MODEM_TROUBLES; t++)
        m->ladder.level[t] = t == MODEM_OFF_NET ? MODEM_RUNG_RADIO : MODEM_RUNG_REOPEN;
}

void modem_ladder_opened(struct modem *m)
{
    if (usb_find(m->config.port, &m->ladder.usb) != OK)
        m->ladder.usb.tty[0] = '\0';
}

/* A rung down. */
static void come_down(struct modem *m)
{
    struct modem_ladder *l = &m->ladder;
    for (int t = 0; t < MODEM_TROUBLES; t++) {
        enum modem_rung lowest = t == MODEM_OFF_NET ? MODEM_RUNG_RADIO : MODEM_RUNG_REOPEN;
        if (l->level[t] <= lowest) {
            l->reopened[t] = 0;
            continue;
        }
        l->level[t]--;
        if (l->level[t] < MODEM_RUNGS)
            l->rung[l->level[t]].cool_ms = modem_rung_rules[l->level[t]].cool_ms;
    }
}

void modem_ladder_well(struct modem *m)
{
    struct modem_ladder *l = &m->ladder;
    int64_t now = clk_mono_ms();
    l->returns_ms = 0;
    l->answered = true;
    if (l->well_ms == 0)
        l->well_ms = now;
    if (now - l->well_ms < modem_timing.well_ms)
        return;
    l->well_ms = now;
    come_down(m);
}

int modem_patience_ms(const struct modem *m)
{
    const struct modem_ladder *l = &m->ladder;
    bool starts = m->replugged || !l->answered || l->returns_ms;
    return starts ? modem_timing.answer_ms : modem_timing.answer_again_ms;
}

enum err modem_ladder_resynced(struct modem *m, enum err e)
{
    int64_t now = clk_mono_ms();
    bool spent = free_at(m, MODEM_RUNG_RESYNC, now) > now;
    spend(m, MODEM_RUNG_RESYNC, now);
    log_warn("modem", "name=%s recovery=resync count=%u result=\"%s\"", m->config.name,
             m->status.recoveries[MODEM_RUNG_RESYNC], err_str(e));
    if (e == ERR_TIMEOUT)
        return modem_end_in_trouble(m, MODEM_SILENT, "the modem does not answer any more");
    if (e == OK && spent)
        return modem_end_in_trouble(m, MODEM_STUCK, "the modem stops answering again and again");
    return e;
}

/* ---- off the network ---- */

void modem_ladder_registered(struct modem *m, enum modem_registration r)
{
    struct modem_ladder *l = &m->ladder;
    bool lost = r == REG_NONE || r == REG_SEARCHING;
    bool denied = r == REG_DENIED || r == REG_EMERGENCY;
    if (!lost && !denied && r != REG_UNKNOWN)
        l->was_registered = true;
    if (!lost || !l->was_registered)
        l->off_net_ms = 0;
    else if (l->off_net_ms == 0)
        l->off_net_ms = clk_mono_ms();
}

bool modem_ladder_is_due(const struct modem *m, int64_t now)
{
    int64_t since = m->ladder.off_net_ms;
    return since && now - since >= modem_timing.off_net_ms;
}

/* A network that is out is out for everybody: the budget ends it. */
enum err modem_ladder_off_net(struct modem *m)
{
    int64_t now = clk_mono_ms();
    enum modem_rung r = choose(m, MODEM_OFF_NET, now);
    m->ladder.off_net_ms = now;
    m->ladder.well_ms = 0;
    m->ladder.trouble = MODEM_NO_TROUBLE;
    if (r == MODEM_RUNGS)
        return OK;
    take_note(m, MODEM_OFF_NET, r, now);
    enum err e = climb(m, r);
    if (r == MODEM_RUNG_RESTART && e == OK)
        return modem_end(m, MODEM_STARTING, "restarted: not registered for long");
    return modem_ended(e) ? e : OK;
}
