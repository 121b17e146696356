/* ctl_doctor.h - what the examinations of `smsbridge doctor` share.
 * For src/ctl_doctor*.c only.  Promises: nothing is changed: no file is written, no setting of a port or a modem
 * stays other than it was. */
#ifndef SMSBRIDGE_CTL_DOCTOR_H
#define SMSBRIDGE_CTL_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "ctl.h"

#define DOCTOR_PORTS_MAX 64
#define DOCTOR_TEXT_MAX  1024

/* FINE: as it should be.  NOTE: worth knowing.  WRONG: something to mend. */
enum doctor_level { DOCTOR_FINE, DOCTOR_NOTE, DOCTOR_WRONG };

struct doctor_port {
    char path[MODEM_PATH_MAX];         /* as found or configured */
    char name[MODEM_NAME_MAX];         /* of the [modem] that names it; "": none */
    const struct config_modem *config; /* the same; NULL: none */
    dev_t device;
    bool there, usb, held;
    unsigned vid, pid;
    int interface; /* bInterfaceNumber; -1: unknown */
    char serial[64];
};

struct doctor {
    const struct options *o;
    struct ctl *ctl;       /* NULL: no token */
    struct config *config; /* NULL: cannot be read */
    char state_dir[CONFIG_TEXT_MAX];
    json_t *findings;
    unsigned wrong;
    bool daemon;    /* it answers */
    json_t *modems; /* what it says of them; NULL: nothing */
    struct doctor_port port[DOCTOR_PORTS_MAX];
    size_t ports;
};

/* One finding.  mend: a command to be copied, or what to do; NULL: nothing. */
void doctor_say(struct doctor *d, enum doctor_level level, const char *topic, const char *mend,
                const char *fmt, ...) PRINTF_LIKE(5, 6);

/* ---- the examinations ---- */
void doctor_configuration(struct doctor *d); /* ctl_doctor_config.c */
void doctor_links(struct doctor *d);
void doctor_state(struct doctor *d); /* ctl_doctor_host.c */
void doctor_disk(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_rules(struct doctor *d);
void doctor_daemon(struct doctor *d); /* ctl_doctor_modems.c */
void doctor_modems(struct doctor *d);
void doctor_ports(struct doctor *d);  /* ctl_doctor_ports.c */
void doctor_probes(struct doctor *d); /* ctl_doctor_probe.c */

/* Who has that device open: "ModemManager (pid 512), brltty (pid 77)"; "": nobody that we may see. */
void doctor_holders(dev_t device, char *out, size_t size);
/* The first line of a small file, without its end; false: it cannot be read. */
bool doctor_read_line(const char *path, char *out, size_t size);

#endif
