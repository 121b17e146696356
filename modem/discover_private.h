/* discover_private.h - what discover.c and discover_group.c share; all of it on the discovering thread, but the
 * probes' own part. */
#ifndef SMSBRIDGE_DISCOVER_PRIVATE_H
#define SMSBRIDGE_DISCOVER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "modem.h"
#include "probe.h"
#include "usb.h"
#include "usb_bus.h"
#include "usb_roles.h"

#define DISCOVER_PORTS_MAX  512 /* a stick has up to seven */
#define DISCOVER_MODEMS_MAX 64
#define DISCOVER_ODD_MAX    16

enum port_phase {
    PORT_WAITING,   /* to be probed when its time comes */
    PORT_PROBING,   /* its thread runs */
    PORT_ANSWERED,  /* speaks AT: its modem's */
    PORT_SILENT,    /* does not, until it is plugged in again */
    PORT_RESERVED   /* a [modem] section's */
};

struct port_seen {
    bool used, present;
    struct usb_port usb;
    enum usb_role role;
    enum port_phase phase;
    int64_t since_ms, next_ms, answered_ms;
    char obstacle[MODEM_TEXT_MAX];  /* why it could not be probed; "": nothing */
    struct discover *discover;
    pthread_t thread;
    bool running;                   /* to be joined */
    bool reserved;                  /* a section names it now, whatever its probe finds */
    atomic_bool done;
    enum err result;                /* written by the probe before done */
    struct probe probe;
};

/* A modem that was told of. */
struct modem_known {
    bool used;
    char device[USB_PATH_MAX];
    int plug;
    char tty[USB_TEXT_MAX];         /* of a chip's port with a modem of its own; else "" */
    struct modem_found told;
};

struct discover {
    struct discover_options options;
    pthread_t thread;
    struct usb_bus *bus;
    int wake_fd;
    atomic_bool stopping;
    pthread_mutex_t lock;           /* guards again, again_count */
    char again[DISCOVER_MODEMS_MAX][MODEM_NODE_MAX];
    unsigned again_count;

    bool looked;                    /* once at least */
    bool full;                      /* there are more than we have room for: said once */
    struct port_seen ports[DISCOVER_PORTS_MAX];
    struct modem_known known[DISCOVER_MODEMS_MAX];
    struct {
        char device[USB_PATH_MAX];
        int plug;
    } odd[DISCOVER_ODD_MAX];        /* devices without a port that were told of */
    unsigned odd_count;
    char odd_why[MODEM_TEXT_MAX], obstacle[MODEM_TEXT_MAX];
};

static inline bool port_live(const struct port_seen *p)
{
    return p->used && p->present;
}

/* There is no room for that one: it is said once. */
void discover_full(struct discover *d, const char *what, unsigned room);

/* ---- discover_group.c ---- */
bool discover_same_device(const struct usb_port *a, const struct usb_port *b);
/* Tells of modems that are new, that have other ports than before, or are gone. */
void discover_announce(struct discover *d, int64_t now);
/* May this port be probed now?  Its stick's best one goes first, those that are no use to us last. */
bool discover_turn(const struct discover *d, const struct port_seen *p, int64_t now);
/* One port of the stick answered: the others are not waited for as long. */
void discover_hurry_siblings(struct discover *d, const struct port_seen *p, int64_t now);

#endif
