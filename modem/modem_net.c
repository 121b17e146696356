/* modem_net.c - is there a network, how well, and is everything still as we set it.
 * Knows no messages.  Promises: a handful of commands a minute when idle, none between two messages;
 * SMS are sent in states that 27.007 7.2 calls registered, roaming only where that is allowed. */
#include "modem_private.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define STAT_REFUSED (-2) /* the modem does not know the question */

/* ---- registration: +CREG, +CGREG, +CEREG ---- */

/* <stat>, 27.007 7.2: 6, 7 SMS only; 8 emergency only; 9, 10 no CS fallback; 11 RLOS, which is no service. */
static const enum modem_registration meanings[] = {
    REG_NONE,     REG_HOME,        REG_SEARCHING, REG_DENIED, REG_UNKNOWN, REG_ROAMING,
    REG_SMS_HOME, REG_SMS_ROAMING, REG_EMERGENCY, REG_HOME,   REG_ROAMING, REG_EMERGENCY,
};
#define STAT_MAX ((int)(sizeof meanings / sizeof *meanings) - 1)

static int *stat_of(struct modem *m, const char *prefix)
{
    if (strcmp(prefix, "+CGREG") == 0)
        return &m->cgreg;
    return strcmp(prefix, "+CEREG") == 0 ? &m->cereg : &m->creg;
}

/* An answer is "<n>,<stat>[,…]", an unsolicited line "<stat>[,"<lac>",…]": two bare numbers make an answer.
 * Wavecom's answers come after their OK, as if unsolicited. */
static enum err parse_stat(const char *line, const char *prefix, bool answer, int *stat)
{
    struct at_args a;
    int first, second;
    if (at_args_open(&a, line, prefix) != OK || at_int(&a, &first, 0, 255) != OK)
        return ERR_SYNTAX;
    if (at_int(&a, &second, 0, STAT_MAX) == OK)
        *stat = second;
    else if (!answer && first <= STAT_MAX)
        *stat = first;
    else
        return ERR_SYNTAX;
    return OK;
}

static bool is_registered(enum modem_registration r)
{
    return r == REG_HOME || r == REG_ROAMING || r == REG_SMS_HOME || r == REG_SMS_ROAMING;
}

static enum modem_registration meaning(int stat)
{
    return stat < 0 ? REG_UNKNOWN : meanings[stat];
}

/* +CGREG or +CEREG 1 or 5 without +CREG: SMS may work over the packet side. */
static void judge(struct modem *m)
{
    const int others[] = {m->cereg, m->cgreg};
    enum modem_registration r = meaning(m->creg);
    for (size_t i = 0; i < 2 && !is_registered(r); i++)
        if (others[i] == 1 || others[i] == 5)
            r = meaning(others[i]);
    if (r == m->status.registration)
        return;
    log_info("modem", "name=%s registration=%s", m->config.name, modem_registration_str(r));
    if (m->served && is_registered(r) && !is_registered(m->status.registration))
        m->seen.recheck = true; /* a card that is swapped registers anew */
    m->status.registration = r;
    m->seen.look = true;
    modem_ladder_registered(m, r);
}

void modem_note_registration(struct modem *m, const char *line, const char *prefix)
{
    int stat;
    if (parse_stat(line, prefix, false, &stat) != OK)
        return;
    *stat_of(m, prefix) = stat;
    judge(m);
}

static enum err ask_stat(struct modem *m, const char *prefix, const char *command)
{
    struct at_reply reply;
    const char *line;
    int *stat = stat_of(m, prefix);
    enum err e = modem_ok(m, &reply, modem_timing.slow_ms, prefix, command);
    if (e == ERR_REFUSED || (e == OK && reply.lines == 0 && *stat < 0))
        *stat = STAT_REFUSED; /* OK and nothing more: it only says that it knows */
    /* The last one: an unsolicited line may have come just before the answer. */
    for (unsigned i = 0; e == OK && (line = at_reply_line(&reply, i)); i++)
        if (parse_stat(line, prefix, true, stat) != OK)
            log_debug("modem", "name=%s line=\"%s\"", m->config.name, line);
    return modem_ended(e) ? e : OK;
}

enum err modem_look(struct modem *m)
{
    enum err e = ask_stat(m, "+CREG", "AT+CREG?");
    if (e == OK && !is_registered(meaning(m->creg)))
        e = ask_stat(m, "+CEREG", "AT+CEREG?");
    if (e == OK && !is_registered(meaning(m->creg)))
        e = ask_stat(m, "+CGREG", "AT+CGREG?");
    judge(m);
    m->seen.look = false;
    m->next_search_ms = clk_mono_ms() + modem_timing.search_ms;
    return e;
}

/* ---- may the queue be open ---- */

static const char *why_not(enum modem_registration r)
{
    static const char *const words[] = {
        [REG_UNKNOWN] = "the modem does not tell whether it is registered",
        [REG_NONE] = "not registered, and not searching a network",
        [REG_SEARCHING] = "searching a network",
        [REG_DENIED] = "the network denies registration to this SIM",
        [REG_EMERGENCY] = "emergency calls only",
    };
    return (unsigned)r < sizeof words / sizeof *words && words[r] ? words[r] : "not registered";
}

/* It knows none of the questions: try, do not ask again and again. */
static bool is_silent(const struct modem *m)
{
    return m->creg == STAT_REFUSED && m->cereg == STAT_REFUSED && m->cgreg == STAT_REFUSED;
}

bool modem_open_for_sending(struct modem *m)
{
    enum modem_registration r = m->status.registration;
    bool roaming = r == REG_ROAMING || r == REG_SMS_ROAMING;
    if (clk_mono_ms() < m->hold_until_ms) {
        if (m->hold_reason[0])
            modem_state(m, MODEM_SUSPENDED, "%s", m->hold_reason);
        return false;
    }
    m->hold_reason[0] = '\0';
    if (!is_registered(r) && !is_silent(m))
        modem_state(m, MODEM_REGISTERING, "%s", why_not(r));
    else if (roaming && !m->config.roaming)
        modem_state(m, MODEM_SUSPENDED, "roaming, and roaming = no");
    else {
        if (m->status.state != MODEM_SENDING)
            modem_state(m, MODEM_READY, "%s", "");
        return true;
    }
    return false;
}

/* ---- once a minute ---- */

/* +CSQ: <rssi>,<ber>: 0 to 31 in steps of 2 dBm from -113 (27.007 8.5) */
static enum err read_signal(struct modem *m)
{
    struct at_reply reply;
    struct at_args a;
    int rssi = 99;
    enum err e = modem_ok(m, &reply, modem_timing.quick_ms, "+CSQ", "AT+CSQ");
    const char *line = e == OK ? at_reply_line(&reply, 0) : NULL;
    if (!line || at_args_open(&a, line, "+CSQ") != OK || at_int(&a, &rssi, 0, 199) != OK)
        return e;
    m->status.signal_dbm = rssi <= 31 ? (int16_t)(-113 + 2 * rssi) : MODEM_SIGNAL_UNKNOWN;
    return OK;
}

/* +COPS: <mode>[,<format>,"<operator>"[,<act>]] */
static enum err read_operator(struct modem *m)
{
    struct at_reply reply;
    struct at_args a;
    char name[200]; /* 48 characters as UCS-2 in hexadecimal */
    enum err e = modem_ok(m, &reply, modem_timing.slow_ms, "+COPS", "AT+COPS?");
    const char *line = e == OK ? at_reply_line(&reply, 0) : NULL;
    if (!line || at_args_open(&a, line, "+COPS") != OK)
        return e;
    at_skip(&a);
    at_skip(&a);
    memset(m->status.operator_name, 0, sizeof m->status.operator_name);
    if (at_string(&a, name, sizeof name) != OK)
        return OK; /* none selected */
    modem_name(name, m->status.operator_name, sizeof m->status.operator_name);
    return OK;
}

/* +CPMS: "SM",2,30,"SM",2,30,"SM",2,30: the last of them is where messages go. */
static enum err read_storage(struct modem *m)
{
    struct at_reply reply;
    struct at_args a;
    char name[4];
    int used, size;
    enum err e = modem_ok(m, &reply, modem_timing.slow_ms, "+CPMS", "AT+CPMS?");
    const char *line = e == OK ? at_reply_line(&reply, 0) : NULL;
    if (!line || at_args_open(&a, line, "+CPMS") != OK)
        return e;
    while (at_string(&a, name, sizeof name) == OK && at_int(&a, &used, 0, 65535) == OK &&
           at_int(&a, &size, 0, 65535) == OK) {
        m->status.storage_used = (uint16_t)used;
        m->status.storage_size = (uint16_t)size;
    }
    /* The safety net: a +CMTI or +CDSI that was lost; reports lie in a storage that is not told here. */
    if (m->status.storage_used > 0 || m->route.ds != 1)
        m->seen.sweep = true;
    return OK;
}

static enum err look_around(struct modem *m)
{
    static enum err (*const questions[])(struct modem *) = {
        modem_look, read_signal, read_operator, read_storage, modem_check_route,
    };
    int64_t now = clk_mono_ms();
    m->next_housekeeping_ms = now + modem_timing.housekeeping_ms;
    m->next_keepalive_ms = now + modem_timing.keepalive_ms;
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        enum err e = questions[i](m);
        if (modem_ended(e))
            return e;
    }
    return OK;
}

/* A question that is worth something: a modem whose +CNMA came too late turned its routing off (27.005 3.4.4).
 * What arrives unannounced is looked for. */
static enum err keep_alive(struct modem *m)
{
    struct at_reply reply;
    m->next_keepalive_ms = clk_mono_ms() + modem_timing.keepalive_ms;
    m->seen.sweep = m->seen.sweep || m->route.mt == 0;
    if (m->route.mode)
        return modem_check_route(m);
    return modem_command(m, &reply, modem_timing.quick_ms, NULL, "AT");
}

static enum err sweep(struct modem *m)
{
    m->seen.sweep = false;
    m->next_sweep_ms = clk_mono_ms() + modem_timing.sweep_ms;
    return modem_sweep(m);
}

static bool restore_is_due(const struct modem *m, int64_t now)
{
    return m->seen.restore && now >= m->next_restore_ms;
}

static bool check_is_due(const struct modem *m, int64_t now)
{
    return m->routing_check_ms && now >= m->routing_check_ms;
}

static bool looking_around_is_due(const struct modem *m, int64_t now)
{
    return now >= m->next_housekeeping_ms;
}

static bool look_is_due(const struct modem *m, int64_t now)
{
    bool searching = !is_registered(m->status.registration) && !is_silent(m);
    return m->seen.look || (searching && now >= m->next_search_ms);
}

static bool sweep_is_due(const struct modem *m, int64_t now)
{
    return m->seen.sweep || now >= m->next_sweep_ms;
}

static bool keep_alive_is_due(const struct modem *m, int64_t now)
{
    return now >= m->next_keepalive_ms;
}

enum err modem_housekeeping(struct modem *m)
{
    static const struct {
        bool (*is_due)(const struct modem *m, int64_t now);
        enum err (*run)(struct modem *m);
    } duties[] = {
        {restore_is_due, modem_restore},
        {check_is_due, modem_check_route},
        {looking_around_is_due, look_around},
        {look_is_due, modem_look},
        {modem_ladder_is_due, modem_ladder_off_net},
        {sweep_is_due, sweep},
        {keep_alive_is_due, keep_alive},
    };
    int64_t now = clk_mono_ms();
    for (size_t i = 0; i < sizeof duties / sizeof *duties; i++) {
        enum err e = duties[i].is_due(m, now) ? duties[i].run(m) : OK;
        if (modem_ended(e))
            return e;
    }
    return OK;
}
