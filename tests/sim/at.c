/* A command line of V.250 taken apart: several commands on a line, their operators and arguments.
   Refuses to know what any of them does.
   Promises that a line which is not a command is answered by nothing, as V.250 5.2.1 has it. */
#include "at.h"
#include "event.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct at_row *const tables[] = {at_sms,     at_general, at_sim,
                                              at_network, at_store,   at_ussd};
enum { TABLES = sizeof tables / sizeof *tables };

static const struct at_row *row_named(const char *name)
{
    for (int t = 0; t < TABLES; t++)
        for (const struct at_row *r = tables[t]; r->name; r++)
            if (!strcasecmp(r->name, name))
                return r;
    return NULL;
}

void at_each_name(void (*fn)(const char *name, void *arg), void *arg)
{
    for (int t = 0; t < TABLES; t++)
        for (const struct at_row *r = tables[t]; r->name; r++)
            fn(r->name, arg);
}

bool at_int(const struct at_call *c, int i, int def, int min, int max, int *out)
{
    char *end;
    if (i >= c->argc || !c->argv[i][0]) {
        *out = def;
        return true;
    }
    errno = 0;
    long value = strtol(c->argv[i], &end, 10);
    if (errno || *end || end == c->argv[i] || value < min || value > max)
        return false;
    *out = (int)value;
    return true;
}

void at_string(const struct modem *m, const char *utf8, struct str *out)
{
    str_puts(out, "");
    if (strcmp(m->at.cscs, "UCS2") != 0) {
        str_puts(out, utf8);
        return;
    }
    struct gsm_units u;
    if (gsm_units(&u, utf8, GSM_UCS2))
        str_hex(out, u.unit, u.n);
    gsm_units_free(&u);
}

void at_unstring(const struct modem *m, const char *text, struct str *utf8)
{
    uint8_t octet[512];
    int n = hex_octets(text, strlen(text), octet, sizeof octet);
    str_puts(utf8, "");
    if (strcmp(m->at.cscs, "UCS2") != 0 || n < 0 || n % 2) {
        str_puts(utf8, text);
        return;
    }
    for (int i = 0; i < n; i += 2)
        str_utf8(utf8, (uint32_t)octet[i] << 8 | octet[i + 1]);
}

/* Cuts the arguments apart in place: commas outside quotes, quotes taken off. */
static bool arguments(struct at_call *c, char *text)
{
    for (char *p = text; c->argc < AT_ARGS_MAX;) {
        p += strspn(p, " ");
        bool quoted = *p == '"';
        char *from = quoted ? p + 1 : p;
        char *end = quoted ? strchr(from, '"') : from + strcspn(from, ",");
        if (!end)
            return false;
        c->argv[c->argc++] = from;
        char *comma = end + (quoted ? 1 : 0);
        comma += strspn(comma, " ");
        bool more = *comma == ',';
        if (*comma && !more)
            return false;
        *end = '\0';
        if (!more)
            return true;
        p = comma + 1;
    }
    return false;
}

static int unknown(struct modem *m, const char *name)
{
    event_note(EV_UNKNOWN, m->index, "%s", name);
    if (m->profile->refusal)
        return AT_REFUSAL;
    return m->now->cmee ? AT_CME(4) : AT_ERROR;
}

static int run(struct modem *m, const char *name, enum at_op op, char *args)
{
    struct at_call c = {.m = m, .name = name, .op = op};
    const struct at_row *row = row_named(name);
    long code = 0;
    if (fault_take(m->faults, FAULT_ERROR, name, NULL))
        return AT_ERROR;
    if (fault_take(m->faults, FAULT_CME, name, &code))
        return AT_CME((int)code);
    const struct extra *own = profile_extra(m->profile, name);
    if (!own && (!row || profile_lacks(m->profile, name)))
        return unknown(m, name);
    if (modem_locked(m) && m->profile->pin_first && name[0] == '+' && strcasecmp(name, "+CPIN"))
        return AT_CME(11);
    if (manner_is_busy(m, name))
        return AT_CME(m->profile->busy_code);
    if (own) {
        c.name = own->name;
        return op == AT_SET && !arguments(&c, args) ? AT_ERROR : manner_extra(&c, own);
    }
    if (!row->before_pin && modem_locked(m))
        return !strncasecmp(name, "+CM", 3) || !strncasecmp(name, "+CN", 3) ? AT_CMS(311)
               : m->card->pin_left                                          ? AT_CME(11)
                                                                            : AT_CME(12);
    if (op == AT_SET && !arguments(&c, args))
        return AT_CME(50);
    c.name = row->name; /* upper case, however it was typed */
    return row->fn(&c);
}

/* Name, operator and the arguments up to the next unquoted ';'. Returns what follows. */
static char *extended(struct modem *m, char *p, int *result)
{
    size_t n =
        1 + strspn(p + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
    char name[32];
    char *end = p + n;
    bool quoted = false;
    for (; *end && (quoted || *end != ';'); end++)
        quoted ^= *end == '"';
    char *next = *end ? end + 1 : end;
    *end = '\0';
    if (n >= sizeof name) {
        *result = AT_ERROR;
        return next;
    }
    memcpy(name, p, n);
    name[n] = '\0';
    const char *rest = p + n;
    enum at_op op = !*rest                ? AT_DO
                    : !strcmp(rest, "?")  ? AT_READ
                    : !strcmp(rest, "=?") ? AT_TEST
                    : *rest == '='        ? AT_SET
                                          : AT_ILL;
    *result = op == AT_ILL ? AT_ERROR : run(m, name, op, p + n + (op == AT_SET));
    return next;
}

/* One letter (two with &) and a number, as in E0V1; S registers take a value and keep none. */
static char *basic(struct modem *m, char *p, int *result)
{
    char name[3] = {(char)toupper((unsigned char)*p)}, value[8] = "";
    size_t n = 1;
    if (*p == '&' || *p == '\\')
        name[n++] = (char)toupper((unsigned char)p[1]);
    if (!p[n - 1])
        n = 1;
    size_t digits = strspn(p + n, "0123456789");
    if (digits < sizeof value)
        memcpy(value, p + n, digits);
    p += n + digits;
    bool assigned = *p == '=' || *p == '?';
    if (assigned)
        p += 1 + strspn(p + 1, "0123456789");
    *result = name[0] == 'S' && assigned ? AT_OK : run(m, name, value[0] ? AT_SET : AT_DO, value);
    return p;
}

static void remember(struct modem *m, const char *p)
{
    size_t n = strcspn(p, "=?;");
    if (n >= sizeof m->now->last)
        n = sizeof m->now->last - 1;
    memcpy(m->now->last, p, n);
    m->now->last[n] = '\0';
}

void at_line(struct modem *m, char *line)
{
    char *p = strcasestr(line, "AT");
    int result = AT_OK;
    if (!p)
        return;
    p += 2;
    p += strspn(p, " ");
    enum hang_verdict verdict = hang_judges(m, p);
    if (verdict == HANG_SWALLOWS)
        return;
    remember(m, p);
    m->now->hold = true;
    line_faults(m, m->now->last);
    if (m->profile->chatters && !m->at.calm)
        line_chatter(m);
    if (verdict == HANG_REFUSES)
        result = AT_ERROR;
    while (*p && result == AT_OK) {
        p = strchr("+^#*%$!_@", *p) ? extended(m, p, &result) : basic(m, p, &result);
        p += strspn(p, " ;");
    }
    line_final(m, result);
}
