/* discover.c - which modems are plugged in: looks at the USB serial ports, probes each once, tells of modems.
 * Refuses to touch a port that a [modem] section names, a port without a USB parent, and one that spoke no AT until
 * it is plugged in again.  Every port is probed by a thread of its own, so that a slow modem delays no quick one.
 * Promises: a port that was told of is left alone until it is gone, or discover_again() was called. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "discover_private.h"
#include "log.h"
#include "pulse.h"

#define LOOK_MS 1500 /* without news; udevd may not run */
#define TICK_MS 250  /* while something is to happen */
#define PATIENCE_MS                                                                                \
    70000 /* from plugging to the first answer: Telit takes 40 s, slow hosts their time */
#define AGAIN_MS 2000 /* a port that somebody else has */
#define RULES_MS 3000 /* for udevd to finish with a port */

static void wake(struct discover *d)
{
    uint64_t one = 1;
    if (write(d->wake_fd, &one, sizeof one) < 0)
        return; /* EAGAIN: it is awake */
}

/* ---- what is reserved ---- */

static bool reserved_by(const char *path, const struct stat *tty)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == tty->st_rdev;
}

static bool is_reserved(const struct discover *d, const struct usb_port *port)
{
    struct stat st;
    bool there = stat(port->tty, &st) == 0;
    for (size_t i = 0; i < d->options.reserved_count; i++) {
        const char *path = d->options.reserved[i];
        if (strcmp(path, port->tty) == 0 || (there && reserved_by(path, &st)))
            return true;
    }
    return false;
}

/* One port of a stick is named: the others are the same modem's. */
static bool device_reserved(const struct discover *d, const struct usb_port *all, size_t n,
                            const struct usb_port *port)
{
    if (is_reserved(d, port))
        return true;
    if (usb_is_bridge(port->vendor))
        return false;
    for (size_t i = 0; i < n; i++)
        if (discover_same_device(&all[i], port) && is_reserved(d, &all[i]))
            return true;
    return false;
}

/* ---- what is there ---- */

void discover_full(struct discover *d, const char *what, unsigned room)
{
    if (!d->full)
        log_error("discover", "more than %u %s are plugged in: some are left alone", room, what);
    d->full = true;
}

static struct port_seen *find_port(struct discover *d, const struct usb_port *port)
{
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++) {
        struct port_seen *p = &d->ports[i];
        if (p->used && strcmp(p->usb.tty, port->tty) == 0 && discover_same_device(&p->usb, port))
            return p;
    }
    return NULL;
}

static void meet_port(struct discover *d, const struct usb_port *port, int64_t now)
{
    struct port_seen *p = d->ports;
    while (p < d->ports + DISCOVER_PORTS_MAX && p->used)
        p++;
    if (p == d->ports + DISCOVER_PORTS_MAX) {
        discover_full(d, "serial ports", DISCOVER_PORTS_MAX);
        return;
    }
    memset(p, 0, sizeof *p);
    p->used = p->present = true;
    p->usb = *port;
    p->role = usb_role_of(port);
    p->since_ms = now;
    p->discover = d;
    p->probe.wake_fd = -1;
    p->probe.listen_ms = d->looked ? 0 : d->options.listen_ms;
    log_info("discover", "port=%s usb=%04x:%04x interface=%d role=%d device=%s", port->tty,
             port->vendor, port->product, port->interface, (int)p->role, port->device);
}

/* The sections' links come and go with udev. */
static void note_reserved(struct port_seen *p, bool reserved)
{
    if (reserved == (p->phase == PORT_RESERVED))
        return;
    p->reserved = reserved;
    if (p->running && reserved)
        probe_stop(&p->probe);
    if (!p->running)
        p->phase = reserved ? PORT_RESERVED : PORT_WAITING;
}

static void look_at_ports(struct discover *d, int64_t now)
{
    struct usb_port all[DISCOVER_PORTS_MAX];
    size_t n = usb_bus_ports(d->bus, all, DISCOVER_PORTS_MAX);
    if (n == USB_BUS_UNKNOWN)
        return; /* not: all of them are unplugged */
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++)
        d->ports[i].present = false;
    for (size_t i = 0; i < n; i++) {
        struct port_seen *p = find_port(d, &all[i]);
        if (p)
            p->present = true;
        else
            meet_port(d, &all[i], now);
        if ((p = find_port(d, &all[i]))) {
            p->usb.ready = all[i].ready;
            note_reserved(p, device_reserved(d, all, n, &all[i]));
        }
    }
    d->looked = true;
}

/* A modem that cannot be one as it is: said once, and as long as it is there. */
static void look_at_odd(struct discover *d)
{
    struct usb_port all[DISCOVER_PORTS_MAX];
    size_t n = usb_bus_devices(d->bus, all, DISCOVER_PORTS_MAX);
    unsigned before = d->odd_count, now = 0;
    d->odd_why[0] = '\0';
    for (size_t i = 0; i < n && now < DISCOVER_ODD_MAX; i++) {
        const char *why = usb_why_no_port(all[i].vendor, all[i].product);
        if (!why)
            continue;
        snprintf(d->odd_why, sizeof d->odd_why, "USB %04x:%04x is %s", all[i].vendor,
                 all[i].product, why);
        if (now >= before || d->odd[now].plug != all[i].plug ||
            strcmp(d->odd[now].device, all[i].device) != 0)
            log_warn("discover", "%s: %s", all[i].device, d->odd_why);
        snprintf(d->odd[now].device, sizeof d->odd[now].device, "%s", all[i].device);
        d->odd[now++].plug = all[i].plug;
    }
    d->odd_count = now;
}

/* ---- probes ---- */

static void *run_probe(void *arg)
{
    struct port_seen *p = arg;
    struct discover *d = p->discover;
    p->result = probe_port(&p->probe);
    atomic_store(&p->done, true);
    wake(d);
    return NULL;
}

static void note_obstacle(struct port_seen *p, const char *why)
{
    if (why[0] && strcmp(p->obstacle, why) != 0)
        log_warn("discover", "%s", why);
    snprintf(p->obstacle, sizeof p->obstacle, "%s", why);
}

static void close_wake(struct port_seen *p)
{
    if (p->probe.wake_fd >= 0)
        close(p->probe.wake_fd);
    p->probe.wake_fd = -1;
}

static void start_probe(struct port_seen *p, int64_t now)
{
    snprintf(p->probe.path, sizeof p->probe.path, "%s", p->usb.tty);
    atomic_store(&p->probe.until_ms, now + PATIENCE_MS);
    atomic_store(&p->probe.stop, false);
    atomic_store(&p->done, false);
    p->probe.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->probe.wake_fd < 0 || pthread_create(&p->thread, NULL, run_probe, p) != 0) {
        close_wake(p);
        note_obstacle(p, "the port cannot be probed: too many files or threads");
        p->next_ms = now + AGAIN_MS;
        return;
    }
    pthread_setname_np(p->thread, "probe");
    p->running = true;
    p->phase = PORT_PROBING;
}

static void take_result(struct discover *d, struct port_seen *p, int64_t now)
{
    p->probe.listen_ms = 0;
    if (p->reserved) {
        p->phase = PORT_RESERVED;
    } else if (p->result == OK) {
        note_obstacle(p, "");
        p->phase = PORT_ANSWERED;
        p->answered_ms = now;
        discover_hurry_siblings(d, p, now);
    } else if (p->result == ERR_TIMEOUT) {
        note_obstacle(p, "");
        p->phase = PORT_SILENT;
        log_info("discover", "port=%s speaks no AT", p->usb.tty);
    } else {
        note_obstacle(p, p->result == ERR_CLOSED || p->result == ERR_NOT_FOUND ? "" : p->probe.why);
        p->phase = PORT_WAITING;
        p->next_ms = now + AGAIN_MS;
    }
}

static void join_probe(struct port_seen *p)
{
    pthread_join(p->thread, NULL);
    close_wake(p);
    p->running = false;
}

static void reap(struct discover *d, int64_t now)
{
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++) {
        struct port_seen *p = &d->ports[i];
        if (p->running && !p->present)
            probe_stop(&p->probe);
        if (p->running && atomic_load(&p->done)) {
            join_probe(p);
            take_result(d, p, now);
        }
        if (p->used && !p->present && !p->running) {
            log_info("discover", "port=%s unplugged", p->usb.tty);
            p->used = false;
        }
    }
}

static void start_probes(struct discover *d, int64_t now)
{
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++) {
        struct port_seen *p = &d->ports[i];
        bool ready = p->usb.ready || now >= p->since_ms + RULES_MS;
        if (port_live(p) && p->phase == PORT_WAITING && ready && discover_turn(d, p, now))
            start_probe(p, now);
    }
}

/* ---- told again ---- */

static void probe_again(struct discover *d, const char *path)
{
    const struct port_seen *named = NULL;
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++)
        if (port_live(&d->ports[i]) && strcmp(d->ports[i].usb.tty, path) == 0)
            named = &d->ports[i];
    for (size_t i = 0; named && i < DISCOVER_PORTS_MAX; i++) {
        struct port_seen *p = &d->ports[i];
        bool same = p == named || (!usb_is_bridge(named->usb.vendor) &&
                                   discover_same_device(&named->usb, &p->usb));
        if (port_live(p) && p->phase == PORT_ANSWERED && same)
            p->phase = PORT_WAITING;
    }
}

static void take_again(struct discover *d)
{
    char paths[sizeof d->again / sizeof d->again[0]][MODEM_NODE_MAX];
    pthread_mutex_lock(&d->lock);
    unsigned n = d->again_count;
    memcpy(paths, d->again, sizeof paths);
    d->again_count = 0;
    pthread_mutex_unlock(&d->lock);
    for (unsigned i = 0; i < n; i++)
        probe_again(d, paths[i]);
}

void discover_again(struct discover *d, const char *port)
{
    pthread_mutex_lock(&d->lock);
    if (d->again_count < sizeof d->again / sizeof d->again[0])
        snprintf(d->again[d->again_count++], MODEM_NODE_MAX, "%s", port);
    pthread_mutex_unlock(&d->lock);
    wake(d);
}

/* ---- the thread ---- */

static void tell_obstacle(struct discover *d)
{
    const char *now = d->odd_why;
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++)
        if (port_live(&d->ports[i]) && d->ports[i].obstacle[0])
            now = d->ports[i].obstacle;
    if (strcmp(now, d->obstacle) == 0)
        return;
    snprintf(d->obstacle, sizeof d->obstacle, "%s", now);
    d->options.obstacle(d->options.ctx, d->obstacle);
}

/* Its turn comes by time alone. */
static bool is_to_come(const struct discover *d, const struct port_seen *p)
{
    return p->phase == PORT_WAITING && discover_turn(d, p, INT64_MAX);
}

/* Something changes without news: a turn comes, a probe is retried, a modem is told of. */
static bool busy(const struct discover *d)
{
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++)
        if (port_live(&d->ports[i]) &&
            (d->ports[i].phase == PORT_PROBING || is_to_come(d, &d->ports[i])))
            return true;
    return false;
}

/* True: look at the ports. */
static bool wait_for_news(struct discover *d, int64_t look_at)
{
    struct pollfd fds[2] = {{d->wake_fd, POLLIN, 0}, {usb_bus_fd(d->bus), POLLIN, 0}};
    int64_t ms = look_at - clk_mono_ms();
    uint64_t count;
    ms = busy(d) && ms > TICK_MS ? TICK_MS : ms;
    int n = pulse_poll(fds, 2, ms > 0 ? (int)ms : 0);
    if (n > 0 && fds[0].revents && read(d->wake_fd, &count, sizeof count) < 0)
        return false; /* EAGAIN */
    if (n > 0 && fds[1].revents) {
        usb_bus_drain(d->bus);
        return true;
    }
    return clk_mono_ms() >= look_at;
}

static void *run(void *arg)
{
    struct discover *d = arg;
    bool look = true;
    int64_t look_at = 0;
    pulse_begin("discover");
    while (!atomic_load(&d->stopping)) {
        int64_t now = clk_mono_ms();
        if (look) {
            look_at_ports(d, now);
            look_at_odd(d);
            look_at = now + LOOK_MS;
        }
        take_again(d);
        reap(d, now);
        discover_announce(d, now);
        start_probes(d, now);
        tell_obstacle(d);
        look = wait_for_news(d, look_at);
    }
    pulse_end();
    return NULL;
}

/* ---- life ---- */

static void destroy(struct discover *d)
{
    usb_bus_free(d->bus);
    if (d->wake_fd >= 0)
        close(d->wake_fd);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

enum err discover_start(const struct discover_options *options, struct discover **out)
{
    struct discover *d = calloc(1, sizeof *d);
    if (!d)
        return ERR_NO_MEMORY;
    d->options = *options;
    pthread_mutex_init(&d->lock, NULL);
    d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    enum err e = d->wake_fd < 0 ? ERR_IO : usb_bus_new(&d->bus);
    if (e == OK && pthread_create(&d->thread, NULL, run, d) != 0)
        e = ERR_IO;
    if (e) {
        destroy(d);
        return e;
    }
    pthread_setname_np(d->thread, "discover");
    *out = d;
    return OK;
}

void discover_stop(struct discover *d)
{
    if (!d)
        return;
    atomic_store(&d->stopping, true);
    wake(d);
    pthread_join(d->thread, NULL);
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++)
        if (d->ports[i].running)
            probe_stop(&d->ports[i].probe);
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++)
        if (d->ports[i].running)
            join_probe(&d->ports[i]);
    destroy(d);
}
