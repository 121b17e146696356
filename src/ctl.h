/* ctl.h - what the commands of the client share.
 * For src/ctl*.c only.  Promises: exit status 0 done, 1 refused or failed, 2 usage, 3 not reachable. */
#ifndef SMSBRIDGE_CTL_H
#define SMSBRIDGE_CTL_H

#include <stdbool.h>
#include <stdio.h>

#include "ctl_http.h"

enum { DONE = 0, FAILED = 1, USAGE = 2, UNREACHABLE = 3 };

struct options {
    const char *url, *account;
    bool json, track, wait, cancel, unmasked;
    const char *sender, *callbackurl, *lt_callbackurl, *limit;
    const char *config, *csv;
    int timeout_s, wait_s; /* wait_s 0: not given */
};

typedef int command_fn(struct ctl *c, const struct options *o, char **args);
struct command {
    const char *name;
    int args_min, args_max;
    command_fn *run; /* args end with NULL; the connection is NULL where there is no token */
    const char *usage, *help;
};

/* ---- ctl.c ---- */
/* The answer's body when the status is `wanted`; else NULL, said on standard error, *exit_status set.
 * body NULL: GET, else POST. */
json_t *ctl_get_or_say(struct ctl *c, const char *path, const json_t *body, long wanted,
                       int *exit_status);
/* GET path, shown as JSON or by `show`; the exit status. */
int ctl_get(struct ctl *c, const struct options *o, const char *path,
            void (*show)(FILE *, const json_t *));
/* A string of an object; "" where it is none. */
const char *ctl_text(const json_t *object, const char *key);

/* ---- commands ---- */
command_fn ctl_modems, ctl_reset;    /* ctl_modems.c */
command_fn ctl_ussd;                 /* ctl_ussd.c */
command_fn ctl_doctor;               /* ctl_doctor.c; needs no token */
command_fn ctl_trace;                /* ctl_trace.c */
command_fn ctl_links, ctl_callbacks; /* ctl_lists.c */
command_fn ctl_tail;                 /* ctl_tail.c */
/* Each row of o->csv; ctl_csv.c. */
int ctl_send_csv(struct ctl *c, const struct options *o);
/* What POST /sms/messages/ takes, with the options' words.  NULL, said: the text is not UTF-8. */
json_t *ctl_message(const struct options *o, const char *recipient, const char *text);

/* "/modems/NAME/<last>", the name encoded; size: 128 is enough.  False, said: no modem can be called so. */
bool ctl_modem_path(const char *name, const char *last, char *out, size_t size);

#endif
