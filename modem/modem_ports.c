/* modem_ports.c - where the modem is: the ports that it was found on, the one that is spoken to, and the ears.
 * Refuses to know how it was found.  An ear is another port of the same modem: it is opened and read, because some
 * sticks hang when nobody does and some tell of messages there only; nothing is ever written to it.
 * Promises: a modem with another IMEI is left before anything is claimed for it. */
#include "modem_private.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "pulse.h"

#define TWICE_MS         5000 /* one message, shown on two ports */
#define SAME_IMEI_DIGITS 14

bool modem_same_imei(const char *a, const char *b)
{
    return strlen(a) >= SAME_IMEI_DIGITS && strncmp(a, b, SAME_IMEI_DIGITS) == 0;
}

/* ---- the port that is spoken to ---- */

static void use_port(struct modem *m, unsigned i)
{
    m->port_at = i;
    snprintf(m->config.port, sizeof m->config.port, "%s", i < m->ports.n ? m->ports.path[i] : "");
    memset(m->status.port, 0, sizeof m->status.port);
    snprintf(m->status.port, sizeof m->status.port, "%s", m->config.port);
}

static unsigned index_of(const struct modem_ports *ports, const char *path)
{
    unsigned i = 0;
    while (i < ports->n && strcmp(ports->path[i], path) != 0)
        i++;
    return i;
}

void modem_take_ports(struct modem *m)
{
    pthread_mutex_lock(&m->lock);
    bool news = atomic_exchange(&m->moved, false) && m->roams;
    if (news)
        m->ports = m->new_ports;
    pthread_mutex_unlock(&m->lock);
    if (!news)
        return;
    unsigned same = index_of(&m->ports, m->config.port);
    bool moved = same == m->ports.n;
    m->replugged = m->replugged || moved;
    use_port(m, moved ? 0 : same);
    if (moved)
        log_info("modem", "name=%s port=%s ports=%u reason=\"%s\"", m->config.name, m->config.port,
                 m->ports.n, m->ports.n ? "" : m->ports.why);
}

void modem_next_port(struct modem *m)
{
    if (m->ports.n < 2)
        return;
    use_port(m, (m->port_at + 1) % m->ports.n);
    log_warn("modem", "name=%s goes on with its port %s", m->config.name, m->config.port);
}

enum err modem_ports_moved(struct modem *m)
{
    char before[MODEM_PATH_MAX];
    if (!atomic_load(&m->moved))
        return OK;
    snprintf(before, sizeof before, "%s", m->config.port);
    modem_take_ports(m);
    if (strcmp(before, m->config.port) == 0) {
        if (m->ports.late_mr >= 0)
            m->seen.late_mr = m->ports.late_mr;
        m->ports.late_mr = -1;
        modem_close_ears(m);
        modem_open_ears(m);
        return OK;
    }
    if (m->ports.n == 0)
        return modem_end(m, MODEM_GONE, "%s", m->ports.why);
    return modem_end(m, MODEM_STARTING, "the modem is on another port now");
}

/* Swapped faster than anybody noticed: it is not ours to serve. */
enum err modem_check_imei(struct modem *m)
{
    const char *wanted = m->config.imei, *there = m->status.who.imei;
    char port[MODEM_PATH_MAX];
    if (!wanted[0] || modem_same_imei(wanted, there))
        return OK;
    if (!there[0])
        return modem_end(m, MODEM_STARTING, "the modem does not tell its IMEI");
    if (!m->roams)
        return modem_end(m, MODEM_GONE, "another modem is on that port: its IMEI is %s", there);
    snprintf(port, sizeof port, "%s", m->config.port);
    m->hooks.stranger(m->ctx, m->config.name, port, there);
    m->ports = (struct modem_ports){.why = "another modem is where it was", .late_mr = -1};
    use_port(m, 0);
    memset(&m->status.who, 0, sizeof m->status.who);
    return modem_end(m, MODEM_GONE, "another modem is where it was");
}

/* ---- ears ---- */

bool modem_heard_twice(struct modem *m, const char *pdu)
{
    int64_t now = clk_mono_ms();
    if (m->direct.from != m->hearing && now - m->direct.at_ms < TWICE_MS &&
        strncmp(m->direct.pdu, pdu, sizeof m->direct.pdu - 1) == 0)
        return true;
    m->direct.from = m->hearing;
    m->direct.at_ms = now;
    snprintf(m->direct.pdu, sizeof m->direct.pdu, "%s", pdu);
    return false;
}

/* What concerns messages and calls; results and registrations belong to other dialogues. */
static void ear_says(void *ctx, const char *line, const char *pdu)
{
    static const char *const heeded[] = {"+CMT",   "+CDS",  "+CBM", "RING",
                                         "+CRING", "+CLIP", "+CUSD"};
    for (size_t i = 0; i < sizeof heeded / sizeof *heeded; i++)
        if (strncmp(line, heeded[i], strlen(heeded[i])) == 0) {
            modem_unsolicited(ctx, line, pdu);
            return;
        }
}

static void close_ear(struct modem_ear *ear)
{
    at_free(ear->at);
    port_close(ear->port);
    *ear = (struct modem_ear){0};
}

/* A port that another program has (a data connection on the modem's PPP port) is left alone. */
static void open_ear(struct modem *m, struct modem_ear *ear, const char *path)
{
    const struct at_handler handler = {.unsolicited = ear_says, .ctx = m};
    char why[MODEM_TEXT_MAX] = "";
    enum err e = port_open(path, m->config.baud, 0, &ear->port, why);
    if (e == OK)
        e = at_new(port_fd(ear->port), -1, &handler, &ear->at);
    if (e) {
        log_info("modem", "name=%s does not listen to %s: %s", m->config.name, path,
                 why[0] ? why : err_str(e));
        close_ear(ear);
    }
}

void modem_open_ears(struct modem *m)
{
    for (unsigned i = 0; i < m->ports.n; i++)
        if (i != m->port_at)
            open_ear(m, &m->ears[i], m->ports.path[i]);
}

void modem_close_ears(struct modem *m)
{
    for (unsigned i = 0; i < MODEM_PORTS_MAX; i++)
        close_ear(&m->ears[i]);
}

void modem_drain_ears(struct modem *m)
{
    for (unsigned i = 0; i < m->ports.n; i++) {
        enum err e = OK;
        m->hearing = i + 1;
        for (int rounds = 0; m->ears[i].at && e == OK && rounds < 64; rounds++)
            e = at_idle(m->ears[i].at, 0);
        m->hearing = 0;
        if (e == ERR_CLOSED)
            close_ear(&m->ears[i]);
    }
}

/* First what the last command left in the line's buffer, then whoever speaks first. */
enum err modem_idle(struct modem *m, int ms)
{
    struct pollfd fds[MODEM_PORTS_MAX + 2] = {{m->wake_fd, POLLIN, 0}};
    nfds_t n = 1;
    for (unsigned i = 0; m->at && i < m->ports.n; i++)
        if (m->ears[i].at)
            fds[n++] = (struct pollfd){port_fd(m->ears[i].port), POLLIN, 0};
    if (n == 1)
        return at_idle(m->at, ms);
    enum err e = at_idle(m->at, 0);
    if (e != ERR_TIMEOUT)
        return e;
    fds[n++] = (struct pollfd){port_fd(m->port), POLLIN, 0};
    (void)pulse_poll(fds, n, ms); /* interrupted or not: what is there is looked at */
    modem_drain_ears(m);
    return at_idle(m->at, 0);
}
