/* A modem that hangs: how it shows, and what brings it back.
   Refuses to know why.
   Promises that a cure counts only when it really was given: the port closed and opened again, the radio
   switched off, a restart, the power. */
#include "event.h"
#include "simmodem.h"

#include <string.h>
#include <strings.h>

static const char *const cures[] = {"none", "reopen", "cfun", "restart", "power"};
static const char *const manners[] = {"silent", "sms", "error"};

static int place_of(const char *name, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

bool hang_set(struct modem *m, const char *cure, const char *manner)
{
    int c = place_of(cure, cures, sizeof cures / sizeof *cures);
    int h = place_of(manner, manners, sizeof manners / sizeof *manners);
    if (c < 0 || h < 0)
        return false;
    m->cure = (enum cure)c;
    m->hang = (enum hang)h;
    event_note(EV_HANG, m->index, "%s until %s", manner, cure);
    return true;
}

void hang_cure(struct modem *m, enum cure by)
{
    if (!m->cure || m->cure > by)
        return;
    event_note(EV_CURED, m->index, "%s", cures[by]);
    m->cure = CURE_NONE;
}

const char *hang_name(const struct modem *m)
{
    return m->cure ? cures[m->cure] : NULL;
}

bool hang_is_dead(const struct modem *m)
{
    return m->cure && m->hang == HANG_SILENT;
}

/* +CFUN=0 and +CFUN=4 begin with the radio off; ",1" is a restart (27.007 8.2). */
static enum cure cure_in(const char *command)
{
    const char *p = strcasestr(command, "+CFUN=");
    if (!p)
        return CURE_NONE;
    if (strstr(p, ",1"))
        return CURE_RESTART;
    return p[6] == '0' || p[6] == '4' ? CURE_CFUN : CURE_NONE;
}

static bool is_about_sms(const char *command)
{
    static const char *const names[] = {"+CMG", "+CPMS", "+CNM", "+CSM", "+CSCA"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasestr(command, names[i]))
            return true;
    return false;
}

static bool is_plain(const char *command)
{
    return !*command || *command == 'E' || *command == 'e' || strcasestr(command, "+CFUN");
}

enum hang_verdict hang_judges(struct modem *m, const char *command)
{
    enum cure by = cure_in(command);
    if (by) /* a hang that needs the power is deaf to it */
        hang_cure(m, by);
    if (!m->cure)
        return HANG_LETS_PASS;
    switch (m->hang) {
    case HANG_SILENT:
        return HANG_SWALLOWS;
    case HANG_SMS:
        return is_about_sms(command) ? HANG_SWALLOWS : HANG_LETS_PASS;
    case HANG_ERROR:
        return is_plain(command) ? HANG_LETS_PASS : HANG_REFUSES;
    }
    return HANG_LETS_PASS;
}
