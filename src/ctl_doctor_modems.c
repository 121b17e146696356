/* ctl_doctor_modems.c - what a running daemon says: that it is well, and each of its modems.
 * Knows the REST API only. */
#include <stdio.h>
#include <string.h>

#include "ctl_doctor.h"

/* A daemon that is not there is no illness: the ports are looked at without it. */
void doctor_daemon(struct doctor *d)
{
    struct ctl_answer answer = {0};
    char base[1024];
    if (!d->ctl) {
        doctor_say(d, DOCTOR_NOTE, "daemon", "sudo smsbridge doctor, or --account SID:TOKEN",
                   "no token: it is not asked");
        return;
    }
    ctl_url(d->ctl, base, sizeof base);
    if (ctl_ask(d->ctl, "/healthz", NULL, &answer)) {
        doctor_say(d, DOCTOR_NOTE, "daemon", "sudo systemctl start smsbridge",
                   "none at %s; the ports are looked at without it", base);
        return;
    }
    const char *detail = ctl_text(answer.body, "detail");
    if (answer.status == 200)
        doctor_say(d, DOCTOR_FINE, "daemon", NULL, "it runs at %s", base);
    else
        doctor_say(d, DOCTOR_WRONG, "daemon", "sudo systemctl restart smsbridge",
                   "it runs at %s and is not well: %s", base, detail);
    json_decref(answer.body);
    if (ctl_ask(d->ctl, "/modems/", NULL, &answer) == OK && answer.status == 200)
        d->modems = json_incref(answer.body);
    else
        doctor_say(d, DOCTOR_WRONG, "daemon", "give --account SID:TOKEN of an admin",
                   "it does not show its modems to this account (HTTP %ld)", answer.status);
    json_decref(answer.body);
    d->daemon = true;
}

static void say_full(struct doctor *d, const char *topic, const json_t *storage)
{
    json_int_t used = json_integer_value(json_object_get(storage, "used")),
               size = json_integer_value(json_object_get(storage, "size"));
    if (size > 0 && used >= size)
        doctor_say(d, DOCTOR_WRONG, topic, "look into the log for \"kind=memory_full\"",
                   "storage %s is full (%lld of %lld): nothing more comes in",
                   ctl_text(storage, "name"), (long long)used, (long long)size);
}

static const char *or_unknown(const char *text)
{
    return *text ? text : "unknown";
}

static void say_modem(struct doctor *d, const json_t *m)
{
    char topic[64], mend[160], signal[32] = "unknown";
    const char *name = ctl_text(m, "name"), *state = ctl_text(m, "state");
    const json_t *dbm = json_object_get(m, "signal_dbm");
    bool well = strcmp(state, "ready") == 0 || strcmp(state, "sending") == 0;
    snprintf(topic, sizeof topic, "modem %.40s", name);
    snprintf(mend, sizeof mend, "smsbridge reset %.40s; smsbridge trace %.40s shows more", name,
             name);
    if (json_is_integer(dbm))
        snprintf(signal, sizeof signal, "%d dBm", (int)json_integer_value(dbm));
    if (!well)
        doctor_say(d, DOCTOR_WRONG, topic, mend, "%s (%s): %s", state, ctl_text(m, "port"),
                   or_unknown(ctl_text(m, "reason")));
    else
        doctor_say(d, DOCTOR_FINE, topic, NULL, "%s at %s, %s, %s, signal %s, SMSC %s", state,
                   ctl_text(m, "port"), or_unknown(ctl_text(m, "operator")),
                   ctl_text(m, "registration_text"), signal, or_unknown(ctl_text(m, "smsc")));
    say_full(d, topic, json_object_get(m, "storage"));
    if (well && !*ctl_text(m, "smsc"))
        doctor_say(d, DOCTOR_WRONG, topic, "set smsc in the [modem] section",
                   "the SIM has no number of a service centre: nothing can be sent");
}

void doctor_modems(struct doctor *d)
{
    size_t i;
    const json_t *m;
    if (!d->modems)
        return;
    if (json_array_size(d->modems) == 0)
        doctor_say(d, DOCTOR_WRONG, "modems", "plug one in; the ports below say what is seen",
                   "the daemon has none");
    json_array_foreach(d->modems, i, m) say_modem(d, m);
}
