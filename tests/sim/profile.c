/* Finding in the table of dialects, see profile.h.
   Refuses to know how they are spoken.
   Promises to read a range as 27.007 writes one. */
#include "profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *role_name(enum role r)
{
    static const char *const names[] = {"at", "ppp", "nmea", "silent"};
    return names[r];
}

const struct profile *profile_named(const char *name)
{
    for (const struct profile *p = profiles; p->name; p++)
        if (!strcmp(p->name, name))
            return p;
    return NULL;
}

const struct extra *profile_extra(const struct profile *p, const char *command)
{
    for (const struct extra *e = p->extra; e && e->name; e++)
        if (!strcasecmp(e->name, command))
            return e;
    return NULL;
}

bool profile_lacks(const struct profile *p, const char *command)
{
    char word[40];
    snprintf(word, sizeof word, " %s ", command);
    return p->missing && strcasestr(p->missing, word);
}

/* One list, from behind its "(" to its ")": values and ranges of them. */
static bool list_has(const char *p, int value)
{
    while (*p && *p != ')') {
        char *end;
        long from = strtol(p, &end, 10), to = from;
        if (end == p)
            return false;
        if (*end == '-')
            to = strtol(end + 1, &end, 10);
        if (value >= from && value <= to)
            return true;
        p = end + (*end == ',');
    }
    return false;
}

bool profile_range_has(const char *range, int place, int value)
{
    const char *p = strchr(range, '(');
    for (; p && place; place--)
        p = strchr(p + 1, '(');
    return !p || list_has(p + 1, value);
}

static void port_list(const struct profile *p)
{
    for (int i = 0; i < p->port_n; i++)
        printf("%s%d %s", i ? ", " : "", p->ports[i].number,
               role_name((enum role)p->ports[i].role));
}

void profile_list(void)
{
    for (const struct profile *p = profiles; p->name; p++) {
        printf("%-10s %s %s; ports ", p->name, p->maker, p->model);
        port_list(p);
        printf("\n           %s\n", p->source);
    }
}
