/* discover_group.c - the ports of one stick: in which order they are probed, and which modem they make.
 * Refuses to know how a port is probed.
 * Promises: a modem is told of when its best port answered, or the better ones had their time; a stick's ports with
 * another IMEI are another modem (several modems on one chip). */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "discover_private.h"
#include "log.h"

#define FIRST_ALONE_MS 1200 /* the port that the table names, before the others */
#define BETTER_MS      1500 /* a better one may still answer */
#define SIBLINGS_MS    4000

bool discover_same_device(const struct usb_port *a, const struct usb_port *b)
{
    return a->plug == b->plug && strcmp(a->device, b->device) == 0;
}

static bool siblings(const struct port_seen *a, const struct port_seen *b)
{
    return port_live(b) && a != b && discover_same_device(&a->usb, &b->usb);
}

/* ---- whose turn ---- */

bool discover_turn(const struct discover *d, const struct port_seen *p, int64_t now)
{
    bool better = false, trying = false, answered = false;
    if (now < p->next_ms)
        return false;
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++) {
        const struct port_seen *o = &d->ports[i];
        if (!siblings(p, o))
            continue;
        answered = answered || o->phase == PORT_ANSWERED;
        trying = trying || (o->phase != PORT_SILENT && o->role != USB_ROLE_OTHER);
        better = better || (o->role == USB_ROLE_AT && o->phase != PORT_SILENT);
    }
    if (p->role == USB_ROLE_OTHER)
        return !trying; /* the table may not know this firmware */
    return !better || answered || p->role == USB_ROLE_AT || now >= p->since_ms + FIRST_ALONE_MS;
}

void discover_hurry_siblings(struct discover *d, const struct port_seen *p, int64_t now)
{
    if (usb_is_bridge(p->usb.vendor))
        return; /* another modem perhaps */
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++) {
        struct port_seen *o = &d->ports[i];
        if (siblings(p, o) && o->phase == PORT_PROBING &&
            atomic_load(&o->probe.until_ms) > now + SIBLINGS_MS)
            atomic_store(&o->probe.until_ms, now + SIBLINGS_MS);
    }
}

/* ---- which modem ---- */

static bool answers(const struct port_seen *p)
{
    return port_live(p) && p->phase == PORT_ANSWERED;
}

/* A port that does not tell its IMEI belongs to the stick's modem; on a bridge chip it is one of its own. */
static bool belongs(const struct modem_known *k, const struct port_seen *p)
{
    if (!answers(p) || k->plug != p->usb.plug || strcmp(k->device, p->usb.device) != 0)
        return false;
    if (k->tty[0])
        return strcmp(k->tty, p->usb.tty) == 0;
    if (!p->probe.imei[0])
        return !usb_is_bridge(p->usb.vendor);
    return !k->told.imei[0] || modem_same_imei(k->told.imei, p->probe.imei);
}

static bool before(const struct port_seen *a, const struct port_seen *b)
{
    if (a->role != b->role)
        return a->role < b->role;
    return a->usb.interface < b->usb.interface;
}

static void gather(const struct discover *d, const struct modem_known *k, struct modem_ports *out)
{
    const struct port_seen *found[MODEM_PORTS_MAX];
    *out = (struct modem_ports){.late_mr = -1};
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++) {
        const struct port_seen *p = &d->ports[i];
        if (!belongs(k, p) || out->n == MODEM_PORTS_MAX)
            continue;
        unsigned at = out->n++;
        for (; at > 0 && before(p, found[at - 1]); at--)
            found[at] = found[at - 1];
        found[at] = p;
    }
    for (unsigned i = 0; i < out->n; i++) {
        snprintf(out->path[i], sizeof out->path[i], "%s", found[i]->usb.tty);
        if (found[i]->probe.late_mr >= 0)
            out->late_mr = found[i]->probe.late_mr;
    }
}

static bool same_ports(const struct modem_ports *a, const struct modem_ports *b)
{
    if (a->n != b->n)
        return false;
    for (unsigned i = 0; i < a->n; i++)
        if (strcmp(a->path[i], b->path[i]) != 0)
            return false;
    return true;
}

/* It is about one part: told once. */
static void forget_late(struct discover *d, const struct modem_known *k)
{
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++)
        if (belongs(k, &d->ports[i]))
            d->ports[i].probe.late_mr = -1;
}

static void tell(struct discover *d, struct modem_known *k, const struct modem_ports *ports)
{
    k->told.ports = *ports;
    forget_late(d, k);
    log_info("discover", "place=%s imei=%s ports=%u port=%s", k->told.place, k->told.imei, ports->n,
             ports->n ? ports->path[0] : "");
    d->options.found(d->options.ctx, &k->told);
}

static void look_after(struct discover *d, struct modem_known *k)
{
    struct modem_ports now;
    gather(d, k, &now);
    if (same_ports(&now, &k->told.ports))
        return;
    if (now.n == 0)
        snprintf(now.why, sizeof now.why, "unplugged");
    tell(d, k, &now);
    if (now.n == 0)
        *k = (struct modem_known){0};
}

/* ---- a new one ---- */

static bool is_known(const struct discover *d, const struct port_seen *p)
{
    for (size_t i = 0; i < DISCOVER_MODEMS_MAX; i++)
        if (d->known[i].used && belongs(&d->known[i], p))
            return true;
    return false;
}

/* A better port, or one that tells the IMEI, may answer in a moment. */
static bool too_early(const struct discover *d, const struct port_seen *p, int64_t now)
{
    if (now >= p->answered_ms + BETTER_MS)
        return false;
    for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++) {
        const struct port_seen *o = &d->ports[i];
        if (siblings(p, o) && o->phase <= PORT_PROBING && o->role != USB_ROLE_OTHER &&
            (before(o, p) || !p->probe.imei[0]) && !o->obstacle[0])
            return true;
    }
    return false;
}

/* "/sys/devices/…/1-1.4" to "1-1.4". */
static void name_place(const struct port_seen *p, bool own_port, char out[MODEM_NAME_MAX])
{
    const char *slash = strrchr(p->usb.device, '/');
    int n = snprintf(out, MODEM_NAME_MAX, "%.20s", slash ? slash + 1 : p->usb.device);
    if (own_port)
        snprintf(out + n, MODEM_NAME_MAX - (size_t)n, "-%d", p->usb.interface);
    for (char *s = out; *s; s++)
        if (!strchr("0123456789.-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", *s))
            *s = '-';
}

static void meet(struct discover *d, const struct port_seen *p)
{
    struct modem_known *k = d->known;
    struct modem_ports now;
    while (k < d->known + DISCOVER_MODEMS_MAX && k->used)
        k++;
    if (k == d->known + DISCOVER_MODEMS_MAX) {
        discover_full(d, "modems", DISCOVER_MODEMS_MAX);
        return;
    }
    bool own_port = usb_is_bridge(p->usb.vendor);
    *k = (struct modem_known){.used = true, .plug = p->usb.plug};
    snprintf(k->device, sizeof k->device, "%s", p->usb.device);
    snprintf(k->told.imei, sizeof k->told.imei, "%s", p->probe.imei);
    if (own_port && !p->probe.imei[0])
        snprintf(k->tty, sizeof k->tty, "%s", p->usb.tty);
    name_place(p, own_port && p->usb.interface > 0, k->told.place);
    gather(d, k, &now);
    tell(d, k, &now);
}

void discover_announce(struct discover *d, int64_t now)
{
    for (size_t i = 0; i < DISCOVER_MODEMS_MAX; i++)
        if (d->known[i].used)
            look_after(d, &d->known[i]);
    for (int with_imei = 1; with_imei >= 0; with_imei--)
        for (size_t i = 0; i < DISCOVER_PORTS_MAX; i++) {
            const struct port_seen *p = &d->ports[i];
            if (answers(p) && (p->probe.imei[0] != '\0') == with_imei && !is_known(d, p) &&
                !too_early(d, p, now))
                meet(d, p);
        }
}
