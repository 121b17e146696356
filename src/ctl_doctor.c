/* ctl_doctor.c - `smsbridge doctor`: what keeps modems from working, a line each, with the command that mends it.
 * Knows the examinations, not what they look at.  Promises: works with and without a daemon; changes nothing;
 * exit status 0 when all is well, 1 when something is to be mended. */
#include "ctl_doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl_show.h"

static const char *const levels[] = {
    [DOCTOR_FINE] = "ok", [DOCTOR_NOTE] = "note", [DOCTOR_WRONG] = "attention"};

static void print(enum doctor_level level, const char *topic, const char *text, const char *mend)
{
    static const char *const marks[] = {
        [DOCTOR_FINE] = "ok  ", [DOCTOR_NOTE] = "note", [DOCTOR_WRONG] = "!!  "};
    char line[2 * DOCTOR_TEXT_MAX];
    snprintf(line, sizeof line, "%s %s: %s%s%s", marks[level], topic, text, mend ? ".  Mend: " : "",
             mend ? mend : "");
    show_text(stdout, line);
}

void doctor_say(struct doctor *d, enum doctor_level level, const char *topic, const char *mend,
                const char *fmt, ...)
{
    char text[DOCTOR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    d->wrong += level == DOCTOR_WRONG;
    json_array_append_new(d->findings, json_pack("{s:s, s:s, s:s+, s:s?}", "level", levels[level],
                                                 "topic", topic, "text", text, "", "mend", mend));
    if (!d->o->json)
        print(level, topic, text, mend);
}

static void (*const examinations[])(struct doctor *d) = {
    doctor_configuration, doctor_state, doctor_disk,   doctor_clock, doctor_daemon,
    doctor_modems,        doctor_ports, doctor_probes, doctor_rules, doctor_links,
};

int ctl_doctor(struct ctl *c, const struct options *o, char **args)
{
    static struct doctor d; /* its ports are many */
    (void)args;
    d = (struct doctor){.o = o, .ctl = c, .findings = json_array()};
    for (size_t i = 0; i < sizeof examinations / sizeof *examinations; i++)
        examinations[i](&d);
    if (o->json)
        show_json(stdout, d.findings);
    else if (d.wrong)
        printf("%u thing%s to mend\n", d.wrong, d.wrong == 1 ? "" : "s");
    else
        puts("all is well");
    json_decref(d.findings);
    json_decref(d.modems);
    config_free(d.config);
    return d.wrong ? FAILED : DONE;
}
