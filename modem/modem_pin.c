/* modem_pin.c - the PIN guard (27.007 8.3; docs/modems.md, "PIN attempts left").
 * Knows no store: the hooks remember.  Promises: a PIN goes to the card it is for, never with fewer than two
 * attempts left, never twice after a refusal, and is written down as tried before it is sent. */
#include "modem_private.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "text.h"

#define ATTEMPTS_UNKNOWN (-1)
#define ATTEMPTS_ENOUGH  2
#define WORDLESS_MAX     3

/* Who may open the way from +CPIN?'s word on. */
enum lock { LOCK_READY, LOCK_PIN, LOCK_OTHER };

/* ---- attempts left ---- */

/* The number that argument i of that line begins with: "3", "PIN1=3; PUK1=10". */
static int attempts_in(const char *line, const struct quirks_pin *q)
{
    struct at_args a;
    char first[16], number[4] = "";
    int64_t left;
    if (at_args_open(&a, line, q->prefix) != OK)
        return ATTEMPTS_UNKNOWN;
    struct at_args key = a;
    if (q->key && (at_string(&key, first, sizeof first) != OK || strcmp(first, q->key) != 0))
        return ATTEMPTS_UNKNOWN;
    for (int i = 0; i < q->argument; i++)
        at_skip(&a);
    const char *digits = a.at + strspn(a.at, " \"");
    size_t n = strspn(digits, "0123456789");
    snprintf(number, sizeof number, "%.*s", n < sizeof number ? (int)n : 0, digits);
    return text_int(number, 0, 255, &left) == OK ? (int)left : ATTEMPTS_UNKNOWN;
}

static enum err ask_attempts(struct modem *m, const struct quirks_pin *q, int *left)
{
    struct at_reply reply;
    const char *line;
    enum err e = modem_ask(m, &reply, modem_timing.slow_ms, AT_BARE, q->query);
    if (e)
        return e;
    for (unsigned i = 0; *left == ATTEMPTS_UNKNOWN && (line = at_reply_line(&reply, i)); i++)
        *left = attempts_in(line, q);
    return OK;
}

/* VERIFY without data asks and does not burn (102.221 11.1.9): 63Cx, x attempts are left; 6983 blocked.  Everything
 * else cannot tell: 9000 and 6984 (nothing to verify), 6300, 6A86, 6A88, 6700, 6E00 (a 2G card).  Never with CLA A0:
 * there the same bytes are a try with a PIN of nothing. */
static enum err ask_card(struct modem *m, int *left)
{
    struct at_reply reply;
    struct at_args a;
    char hex[16];
    enum err e = modem_ok(m, &reply, modem_timing.slow_ms, "+CSIM", "AT+CSIM=10,\"0020000100\"");
    const char *line = e == OK ? at_reply_line(&reply, 0) : NULL;
    if (!line || at_args_open(&a, line, "+CSIM") != OK)
        return e;
    at_skip(&a);
    if (at_string(&a, hex, sizeof hex) != OK || strlen(hex) < 4)
        return e;
    const char *status = hex + strlen(hex) - 4;
    unsigned digit;
    a.at = status + 3;
    if (strncmp(status, "63C", 3) == 0 && at_hex_int(&a, &digit) == OK)
        *left = (int)digit;
    else if (strcmp(status, "6983") == 0)
        *left = 0;
    return e;
}

/* The family's own question, the standard's, the card's, then everybody's: until one tells. */
static enum err attempts_left(struct modem *m, int *left)
{
    const struct quirks_pin *way;
    enum err e = OK;
    *left = ATTEMPTS_UNKNOWN;
    if (m->quirks->pin.query)
        e = ask_attempts(m, &m->quirks->pin, left);
    if (!modem_ended(e) && *left == ATTEMPTS_UNKNOWN)
        e = ask_attempts(m, quirks_pin_way(0), left);
    if (!modem_ended(e) && *left == ATTEMPTS_UNKNOWN)
        e = ask_card(m, left);
    for (unsigned i = 1; !modem_ended(e) && *left == ATTEMPTS_UNKNOWN; i++) {
        way = quirks_pin_way(i);
        if (!way)
            break;
        e = ask_attempts(m, way, left);
    }
    return modem_ended(e) ? e : OK;
}

/* ---- +CPIN? ---- */

static enum lock lock_of(const char *word)
{
    if (strcmp(word, "READY") == 0)
        return LOCK_READY;
    return strcmp(word, "SIM PIN") == 0 ? LOCK_PIN : LOCK_OTHER;
}

/* Wavecom answers "+CPIN: READY" (or "SIM PIN") and no OK: a locked card refuses +CIMI with what it wants. */
static enum err is_open_anyway(struct modem *m, char *word, size_t size)
{
    struct at_reply reply;
    enum err e = modem_ok(m, &reply, modem_timing.slow_ms, AT_BARE, "AT+CIMI");
    int wants = e == ERR_REFUSED ? fault_cme(&reply) : 0;
    if (e == OK)
        snprintf(word, size, "READY");
    else if (wants == 11 || wants == 12) /* 27.007 9.2: SIM PIN, SIM PUK required */
        snprintf(word, size, wants == 11 ? "SIM PIN" : "SIM PUK");
    return word[0] && e == ERR_REFUSED ? OK : e;
}

/* "OK" and no word, or a plain ERROR: a modem that does not know +CPIN has no lock that it could tell of. */
static bool knows_no_lock(enum err e, const struct at_reply *reply)
{
    return e == OK ? reply->lines == 0
                   : e == ERR_REFUSED && (reply->final == AT_ERROR || fault_cme(reply) == 4);
}

/* The card's lock in the modem's words; a busy or starting card is asked again. */
static enum err read_lock(struct modem *m, char *word, size_t size)
{
    struct at_reply reply;
    struct at_args a;
    int64_t end = clk_mono_ms() + modem_timing.sim_ms;
    for (int wordless = 0;;) {
        enum err e = modem_ok(m, &reply, modem_timing.quick_ms, "+CPIN", "AT+CPIN?");
        const char *line = e == OK ? at_reply_line(&reply, 0) : NULL;
        if (line && at_args_open(&a, line, "+CPIN") == OK && at_string(&a, word, size) == OK)
            return OK;
        wordless += knows_no_lock(e, &reply);
        if (wordless == WORDLESS_MAX)
            snprintf(word, size, "READY");
        if (e == ERR_BUSY)
            e = is_open_anyway(m, word, size);
        else if (knows_no_lock(e, &reply))
            e = OK;
        else if (e == ERR_REFUSED && !fault_is_busy(&reply))
            return modem_end(m, MODEM_SUSPENDED, "%s",
                             fault_cme(&reply) == 10 ? "no SIM in the modem"
                                                     : "the modem cannot read its SIM");
        if (e == OK && word[0])
            return OK;
        if (modem_ended(e))
            return e;
        if (clk_mono_ms() > end)
            return modem_end(m, MODEM_SUSPENDED, "the SIM stays busy");
        e = modem_pause(m, modem_timing.retry_ms);
        if (e)
            return e;
    }
}

/* ---- the PIN ---- */

static bool is_pin(const char *pin)
{
    size_t n = strlen(pin);
    return n >= 4 && n <= 8 && strspn(pin, "0123456789") == n;
}

/* What the hooks remember a try by: the card, and the modem that it sits in.  A card whose number cannot be read is
 * the modem's: what was refused in there, by whichever card, is not tried there again. */
struct names {
    const char *card; /* NULL: unread */
    char modem[MODEM_ID_MAX];
    char pin[32];
};

static struct names names_of(const struct modem *m)
{
    const struct modem_identity *who = &m->status.who;
    struct names n = {.card = who->iccid[0] ? who->iccid : NULL};
    if (who->imei[0])
        snprintf(n.modem, sizeof n.modem, "imei-%.18s", who->imei);
    else
        snprintf(n.modem, sizeof n.modem, "modem-%.17s", m->config.name);
    /* A PIN that was bound to its card is another configuration than one that was not. */
    snprintf(n.pin, sizeof n.pin, "%s%s", m->config.pin, m->config.iccid[0] ? " bound" : "");
    return n;
}

/* Both are written down before it is sent; only the card's own record forbids, where it is known. */
static enum err note_try(struct modem *m, const struct names *n, int left)
{
    enum err e = m->hooks.pin_may_try(m->ctx, n->modem, n->pin, left);
    if (!n->card || (e && e != ERR_DENIED))
        return e;
    return m->hooks.pin_may_try(m->ctx, n->card, n->pin, left);
}

static void note_outcome(struct modem *m, const struct names *n, bool accepted)
{
    const char *both[] = {n->modem, n->card};
    for (size_t i = 0; i < 2; i++) {
        if (!both[i])
            continue;
        enum err e = m->hooks.pin_done(m->ctx, both[i], n->pin, accepted);
        if (e)
            log_warn("modem", "name=%s step=pin accepted=%d not noted: %s", m->config.name,
                     accepted, err_str(e));
    }
}

/* Everything that forbids a try, before the database is asked. */
static enum err may_try(struct modem *m, int *attempts)
{
    const struct modem_config *c = &m->config;
    int left;
    if (!c->pin[0])
        return modem_end(m, MODEM_PIN, "the SIM wants its PIN and none is configured");
    if (!is_pin(c->pin))
        return modem_end(m, MODEM_PIN, "the configured PIN is not 4 to 8 digits");
    if (c->iccid[0] && !m->status.who.iccid[0])
        return modem_end(m, MODEM_PIN,
                         "the PIN is for one card, and this one's number cannot be read");
    if (c->iccid[0] && strcmp(c->iccid, m->status.who.iccid) != 0)
        return modem_end(m, MODEM_PIN, "the PIN is for another card than this one");
    enum err e = attempts_left(m, &left);
    if (e)
        return e;
    *attempts = left;
    if (left != ATTEMPTS_UNKNOWN && left < ATTEMPTS_ENOUGH)
        return modem_end(m, MODEM_PIN,
                         "only %d attempt%s left for the PIN: enter it by hand in a phone", left,
                         left == 1 ? "" : "s");
    return OK;
}

/* Did the card itself say no?  A modem that was busy or did not allow the command never asked it. */
static bool is_refusal(const struct at_reply *reply)
{
    int cme = fault_cme(reply);
    return cme == 16 || cme == 12 || cme == 11 || (cme < 0 && !fault_is_busy(reply));
}

/* Asked in the database and written there, then sent, once. */
static enum err enter_pin(struct modem *m, const struct names *n, int left)
{
    struct at_reply reply;
    char command[32];
    enum err e = note_try(m, n, left);
    if (e == ERR_DENIED)
        return modem_end(m, MODEM_PIN, "this PIN was tried with this %s and not accepted",
                         n->card ? "card" : "modem, whose card's number cannot be read,");
    if (e)
        return modem_end(m, MODEM_PIN, "the PIN's try could not be noted: %s", err_str(e));
    log_info("modem", "name=%s step=pin card=%s attempts=%d", m->config.name,
             n->card ? n->card : n->modem, left);
    snprintf(command, sizeof command, "AT+CPIN=\"%s\"", m->config.pin);
    e = modem_ok(m, &reply, modem_timing.slow_ms, NULL, command);
    if (e != ERR_REFUSED)
        return modem_ended(e) ? e : OK; /* unanswered: +CPIN? will tell */
    if (is_refusal(&reply)) {
        note_outcome(m, n, false);
        return modem_end(m, MODEM_PIN, "the SIM refused the PIN");
    }
    return modem_end(m, MODEM_PIN, "the modem did not pass the PIN to its SIM");
}

static enum err wait_until_ready(struct modem *m, const struct names *n)
{
    char word[32] = "";
    int64_t end = clk_mono_ms() + modem_timing.sim_ms;
    for (;;) {
        enum err e = read_lock(m, word, sizeof word);
        if (e)
            return e;
        if (lock_of(word) == LOCK_READY)
            break;
        if (clk_mono_ms() > end)
            return modem_end(m, MODEM_PIN, "the SIM still says \"%.31s\" after its PIN", word);
        e = modem_pause(m, modem_timing.retry_ms);
        if (e)
            return e;
    }
    note_outcome(m, n, true);
    return OK;
}

/* A modem that tells nothing about itself before the PIN is known by that, too; the card is looked at last. */
static enum err open_lock(struct modem *m)
{
    int left = ATTEMPTS_UNKNOWN;
    enum err e = may_try(m, &left);
    if (e)
        return e;
    const struct names n = names_of(m);
    e = enter_pin(m, &n, left);
    return e ? e : wait_until_ready(m, &n);
}

enum err modem_unlock(struct modem *m)
{
    char word[32] = "";
    enum err e = read_lock(m, word, sizeof word);
    if (e)
        return e;
    switch (lock_of(word)) {
    case LOCK_READY:
        return OK;
    case LOCK_OTHER:
        return modem_end(m, MODEM_PIN, "the SIM wants \"%.31s\": enter it by hand", word);
    case LOCK_PIN:
        break;
    }
    return open_lock(m);
}
