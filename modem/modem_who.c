/* modem_who.c - which modem is this, and which card is in it.
 * Knows no product: a quirk row may name one more question.  Promises: what is not told stays ""; each question
 * alone on its line; the card is known by its ICCID before a PIN goes anywhere, and looked at again after a change. */
#include "modem_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "text.h"

#define IMEI_MIN   14
#define IMEI_MAX   16
#define ICCID_MIN  18 /* 19 or 20 digits; some leave the check digit out */
#define ICCID_MAX  22
#define IMSI_MIN   6
#define IMSI_MAX   15
#define CME_NO_SIM 10

/* ---- words and digits of an answer ---- */

/* "+CSQ: 5,99" in the middle of the answer to +CGMI is somebody else's; the signs that no answer has, at.c knows. */
static bool is_foreign(const char *line, const char *prefix)
{
    return line[0] == '+' && strncmp(line, prefix, strlen(prefix)) != 0;
}

/* Without a prefix and the quotes that some put around it. */
static void take_text(const char *line, const char *prefix, char *out, size_t size)
{
    struct at_args a = {line};
    char text[128];
    if (*prefix && at_args_open(&a, line, prefix) != OK)
        a.at = line;
    if (*a.at != '"' || at_string(&a, text, sizeof text) != OK)
        snprintf(text, sizeof text, "%.127s", a.at);
    modem_plain(text);
    memset(out, 0, size);
    snprintf(out, size, "%.*s", (int)size - 1, text);
}

/* The first run of min to max characters of that set. */
static enum err run_in(const char *line, const char *set, size_t min, size_t max, char *out)
{
    for (const char *s = line; *s; s++) {
        size_t n = strspn(s, set);
        if (n >= min && n <= max) {
            memset(out, 0, MODEM_ID_MAX);
            memcpy(out, s, n);
            return OK;
        }
        if (n)
            s += n - 1;
    }
    return ERR_NOT_FOUND;
}

static enum err take_digits(const struct at_reply *reply, size_t min, size_t max, char *out)
{
    const char *line;
    for (unsigned i = 0; (line = at_reply_line(reply, i)); i++)
        if (run_in(line, "0123456789", min, max, out) == OK)
            return OK;
    return ERR_NOT_FOUND;
}

/* ---- who are you ---- */

struct field {
    const char *command, *prefix;
    size_t offset, size; /* in struct modem_identity */
    bool imei;
};

#define TEXT_FIELD(member)                                                                         \
    offsetof(struct modem_identity, member), sizeof(((struct modem_identity *)0)->member)

/* 27.007 5.1 to 5.4, then V.250 6.1: some know only one of them. */
static const struct field fields[] = {
    {"AT+CGMI", "+CGMI", TEXT_FIELD(manufacturer), false},
    {"AT+GMI", "+GMI", TEXT_FIELD(manufacturer), false},
    {"AT+CGMM", "+CGMM", TEXT_FIELD(model), false},
    {"AT+GMM", "+GMM", TEXT_FIELD(model), false},
    {"AT+CGMR", "+CGMR", TEXT_FIELD(firmware), false},
    {"AT+GMR", "+GMR", TEXT_FIELD(firmware), false},
    {"AT+CGSN", "+CGSN", TEXT_FIELD(imei), true},
    {"AT+GSN", "+GSN", TEXT_FIELD(imei), true},
};

static char *place_of(struct modem *m, const struct field *f)
{
    return (char *)&m->status.who + f->offset;
}

static enum err ask_field(struct modem *m, const struct field *f)
{
    struct at_reply reply;
    const char *line;
    char *out = place_of(m, f);
    enum err e = modem_ok(m, &reply, modem_timing.quick_ms, AT_BARE, f->command);
    if (e)
        return modem_ended(e) ? e : OK;
    for (unsigned i = 0; !*out && (line = at_reply_line(&reply, i)); i++)
        if (f->imei)
            (void)run_in(line, "0123456789", IMEI_MIN, IMEI_MAX, out);
        else if (!is_foreign(line, f->prefix))
            take_text(line, f->prefix, out, f->size);
    return OK;
}

static bool is_complete(const struct modem *m)
{
    const struct modem_identity *who = &m->status.who;
    return who->manufacturer[0] && who->model[0] && who->firmware[0] && who->imei[0];
}

/* "Manufacturer: huawei" */
static bool take_labelled(struct modem *m, const char *line)
{
    struct modem_identity *who = &m->status.who;
    const struct {
        const char *label;
        char *out;
        size_t size;
    } labels[] = {
        {"Manufacturer:", who->manufacturer, sizeof who->manufacturer},
        {"Model:", who->model, sizeof who->model},
        {"Revision:", who->firmware, sizeof who->firmware},
    };
    if (text_starts_nocase(line, "IMEI"))
        return who->imei[0] || run_in(line, "0123456789", IMEI_MIN, IMEI_MAX, who->imei) == OK;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        if (!text_starts_nocase(line, labels[i].label))
            continue;
        line += strlen(labels[i].label);
        line += strspn(line, " ");
        if (!labels[i].out[0])
            take_text(line, "", labels[i].out, labels[i].size);
        return true;
    }
    return false;
}

/* What is missing from ATI (V.250 6.1.3): lines with labels, or maker, model and version one below the other; one
 * line alone is the model. */
static enum err ask_ati(struct modem *m)
{
    struct at_reply reply;
    struct modem_identity *who = &m->status.who;
    const char *line, *plain[3] = {0};
    size_t n = 0;
    enum err e = modem_ok(m, &reply, modem_timing.quick_ms, AT_BARE, "ATI");
    for (unsigned i = 0; e == OK && (line = at_reply_line(&reply, i)); i++)
        if (!take_labelled(m, line) && !is_foreign(line, "") && n < 3)
            plain[n++] = line;
    if (n > 1 && !who->manufacturer[0])
        take_text(plain[0], "", who->manufacturer, sizeof who->manufacturer);
    if (n && !who->model[0])
        take_text(plain[n > 1], "", who->model, sizeof who->model);
    if (n > 2 && !who->firmware[0])
        take_text(plain[2], "", who->firmware, sizeof who->firmware);
    return modem_ended(e) ? e : OK;
}

enum err modem_ask_who(struct modem *m)
{
    enum err e = OK;
    for (size_t i = 0; e == OK && i < sizeof fields / sizeof *fields; i++)
        if (!*place_of(m, &fields[i]))
            e = ask_field(m, &fields[i]);
    if (e == OK && !is_complete(m))
        e = ask_ati(m);
    if (e)
        return e;
    m->quirks = quirks_find(m->status.who.manufacturer, m->status.who.model);
    log_info("modem", "name=%s imei=%s model=\"%s %s\" firmware=\"%s\" quirks=%s", m->config.name,
             m->status.who.imei, m->status.who.manufacturer, m->status.who.model,
             m->status.who.firmware, m->quirks->name);
    return OK;
}

/* A modem that tells nothing, or nothing but ATI, before its PIN. */
enum err modem_ask_who_again(struct modem *m)
{
    const struct modem_identity *who = &m->status.who;
    if (who->imei[0] && (who->manufacturer[0] || who->model[0]))
        return OK;
    return modem_ask_who(m);
}

enum err modem_take_imsi(struct modem *m, const struct at_reply *reply)
{
    return take_digits(reply, IMSI_MIN, IMSI_MAX, m->status.who.imsi);
}

/* +CNUM: [<alpha>],<number>,<type>: the first line that has one. */
enum err modem_take_number(struct modem *m, const struct at_reply *reply)
{
    struct at_args a;
    char number[128];
    const char *line;
    for (unsigned i = 0; (line = at_reply_line(reply, i)); i++) {
        if (at_args_open(&a, line, "+CNUM") != OK)
            continue;
        at_skip(&a);
        if (at_string(&a, number, sizeof number) != OK || !number[0])
            continue;
        modem_plain(number);
        memset(m->status.who.number, 0, sizeof m->status.who.number);
        snprintf(m->status.who.number, sizeof m->status.who.number, "%.*s", SMS_ADDR_MAX - 1,
                 number);
        return OK;
    }
    return ERR_NOT_FOUND;
}

/* ---- the card's number, readable before the PIN ---- */

static void swap_nibbles(char *hex)
{
    for (size_t i = 0; hex[i] && hex[i + 1]; i += 2) {
        char first = hex[i];
        hex[i] = hex[i + 1];
        hex[i + 1] = first;
    }
}

/* As it is printed on the card: digits in their order, without the F that fills the last octet. Every card's begins
 * with 89 (E.118): some modems show the octets as they lie in the file, with their nibbles swapped. */
static void put_iccid(char *hex, char out[MODEM_ID_MAX])
{
    for (char *s = hex; *s; s++)
        *s = (char)toupper((unsigned char)*s);
    if (strncmp(hex, "98", 2) == 0)
        swap_nibbles(hex);
    hex[strcspn(hex, "F")] = '\0';
    memset(out, 0, MODEM_ID_MAX);
    snprintf(out, MODEM_ID_MAX, "%.*s", MODEM_ID_MAX - 1, hex);
}

/* EF_ICCID is nibble-swapped BCD (51.011 10.1.1); +CRSM: 144,0,"98101430121181157002" */
static enum err take_crsm(const struct at_reply *reply, char *out)
{
    struct at_args a;
    int sw1, sw2;
    char hex[64];
    const char *line = at_reply_line(reply, 0);
    if (!line || at_args_open(&a, line, "+CRSM") != OK)
        return ERR_NOT_FOUND;
    if (at_int(&a, &sw1, 0, 255) || at_int(&a, &sw2, 0, 255) || at_string(&a, hex, sizeof hex))
        return ERR_SYNTAX;
    size_t n = strlen(hex);
    bool read = sw1 == 0x90 || sw1 == 0x91 || sw1 == 0x9F;
    if (!read || n % 2 || n < 10 || n >= MODEM_ID_MAX || strspn(hex, "0123456789ABCDEFabcdef") != n)
        return ERR_SYNTAX;
    if (strncmp(hex, "89", 2) != 0 && strncmp(hex, "98", 2) != 0)
        swap_nibbles(hex);
    put_iccid(hex, out);
    return out[0] ? OK : ERR_SYNTAX;
}

static enum err take_iccid(const struct at_reply *reply, char *out)
{
    char hex[MODEM_ID_MAX];
    const char *line;
    for (unsigned i = 0; (line = at_reply_line(reply, i)); i++) {
        if (run_in(line, "0123456789ABCDEFabcdef", ICCID_MIN, ICCID_MAX, hex) != OK)
            continue;
        put_iccid(hex, out);
        return OK;
    }
    return ERR_NOT_FOUND;
}

/* A locked card may refuse (CME 11), another question then; no card at all ends them. */
static enum err ask_iccid_once(struct modem *m, char out[MODEM_ID_MAX], bool *busy)
{
    const char *queries[] = {"AT+CRSM=176,12258,0,0,10",
                             m->quirks->iccid_query,
                             "AT+CCID",
                             "AT+CCID?",
                             "AT+ICCID",
                             "AT^ICCID?",
                             "AT!ICCID?"};
    struct at_reply reply;
    *busy = false;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        if (!queries[i])
            continue;
        enum err e =
            modem_ok(m, &reply, modem_timing.slow_ms, i == 0 ? "+CRSM" : AT_BARE, queries[i]);
        if (e == OK && (i == 0 ? take_crsm(&reply, out) : take_iccid(&reply, out)) == OK)
            return OK;
        if (modem_ended(e))
            return e;
        *busy = *busy || (e == ERR_REFUSED && fault_is_busy(&reply));
        if (e == ERR_REFUSED && fault_cme(&reply) == CME_NO_SIM)
            return ERR_NOT_FOUND;
    }
    return ERR_NOT_FOUND;
}

static enum err ask_iccid(struct modem *m, char out[MODEM_ID_MAX])
{
    bool busy;
    int64_t end = clk_mono_ms() + modem_timing.sim_ms;
    for (;;) {
        enum err e = ask_iccid_once(m, out, &busy);
        if (e != ERR_NOT_FOUND || !busy || clk_mono_ms() > end)
            return e;
        e = modem_pause(m, modem_timing.retry_ms);
        if (e)
            return e;
    }
}

enum err modem_read_card(struct modem *m)
{
    return ask_iccid(m, m->status.who.iccid);
}

/* Some tell it only behind the PIN. */
enum err modem_read_card_again(struct modem *m)
{
    return m->status.who.iccid[0] ? OK : modem_read_card(m);
}

/* A card may have been swapped while we looked away: nothing is sent before that is known. */
enum err modem_check_card(struct modem *m)
{
    char iccid[MODEM_ID_MAX] = "";
    if (!m->seen.recheck)
        return OK;
    enum err e = ask_iccid(m, iccid);
    if (modem_ended(e))
        return e;
    m->seen.recheck = false;
    if (strcmp(iccid, m->status.who.iccid) != 0)
        return modem_end(m, MODEM_STARTING,
                         e == OK ? "another SIM is in the modem"
                                 : "the modem cannot read its SIM any more");
    return OK;
}
