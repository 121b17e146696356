/* modem_route.c - where messages lie and how they reach us: +CPMS, +CSCA, +CSMS, +CNMI (27.005).
 * Knows no product: ranges are asked and parsed, a quirk row only prefers.
 * Promises: never mt=2 or 3; a direct report is taken only where +CNMA can acknowledge it, or nothing
 * better is offered (docs/modems.md, "Which routing loses nothing"). */
#include "modem_private.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"

/* ---- storages ---- */

static const char *const known_storages[] = {"SM", "ME", "MT", "SR"};
#define KNOWN_STORAGES (sizeof known_storages / sizeof *known_storages)

/* The lists of +CPMS=?: for reading, writing, receiving. */
struct storage_offer {
    bool known;
    bool has[3][KNOWN_STORAGES];
};

static void parse_storages(const char *line, struct storage_offer *offer)
{
    struct at_args a;
    memset(offer, 0, sizeof *offer);
    if (!line || at_args_open(&a, line, "+CPMS") != OK)
        return;
    for (int list = 0; list < 3 && at_more(&a); list++) {
        struct at_args after = a;
        for (size_t i = 0; i < KNOWN_STORAGES; i++) {
            after = a;
            if (at_list_has_string(&after, known_storages[i], &offer->has[list][i]) != OK)
                return;
        }
        a = after;
        offer->known = true;
    }
}

static void add_storage(struct modem *m, const char *name)
{
    if (m->storage_count < MODEM_STORAGES_MAX)
        snprintf(m->storages[m->storage_count++], sizeof m->storages[0], "%s", name);
}

/* What a sweep reads: MT is SM and ME together. */
static void remember_storages(struct modem *m, const struct storage_offer *offer)
{
    const bool *has = offer->has[0];
    m->storage_count = 0;
    for (size_t i = 0; i < KNOWN_STORAGES; i++) {
        bool twice = strcmp(known_storages[i], "MT") == 0 && has[0] && has[1];
        if (!offer->known || (has[i] && !twice))
            add_storage(m, known_storages[i]);
    }
}

/* "AT+CPMS=" and the name n times. */
static void storages_command(char *out, size_t size, const char *name, int n)
{
    size_t len = (size_t)snprintf(out, size, "AT+CPMS=\"%s\"", name);
    for (int i = 1; i < n; i++)
        len += (size_t)snprintf(out + len, size - len, ",\"%s\"", name);
}

/* Three memories, else two, else one: Cinterion and Wavecom refuse what they do not have. m->cpms_names tells. */
static enum err set_storages(struct modem *m, struct at_reply *reply, const char *name)
{
    char command[64];
    enum err e = ERR_REFUSED;
    for (int n = 3; n >= 1 && e != OK && !modem_ended(e); n--) {
        storages_command(command, sizeof command, name, n);
        e = modem_ok(m, reply, modem_timing.slow_ms, "+CPMS", command);
        m->cpms_names = e == OK ? n : 0;
        if (e == ERR_REFUSED && fault_is_busy(reply))
            return e;
    }
    return e;
}

/* Without +CPMS there is one storage, whatever +CMTI calls it. */
static void one_storage(struct modem *m)
{
    log_info("modem", "name=%s knows no +CPMS: one storage", m->config.name);
    m->storage_count = 0;
    add_storage(m, known_storages[0]);
}

/* The card's storage first: what is not yet committed stays with the card, whatever becomes of the modem.
 * ERR_REFUSED: none; *busy: the card is not ready yet. */
static enum err first_storage(struct modem *m, const struct storage_offer *offer, bool *busy)
{
    struct at_reply reply;
    enum err e = ERR_REFUSED;
    for (size_t i = 0; i < KNOWN_STORAGES; i++) {
        const char *name = known_storages[i];
        if (strcmp(name, "SR") == 0 || (offer->known && !offer->has[0][i]))
            continue;
        e = set_storages(m, &reply, name);
        *busy = e == ERR_REFUSED && fault_is_busy(&reply);
        if (modem_ended(e) || *busy)
            return e;
        if (e == OK) {
            snprintf(m->reading, sizeof m->reading, "%s", name);
            snprintf(m->receiving, sizeof m->receiving, "%s", name);
            snprintf(m->status.storage, sizeof m->status.storage, "%s", name);
            return OK;
        }
    }
    return e;
}

enum err modem_choose_storages(struct modem *m)
{
    struct at_reply reply;
    struct storage_offer offer;
    bool busy = false;
    int64_t end = clk_mono_ms() + modem_timing.sim_ms;
    enum err e = modem_ask(m, &reply, modem_timing.slow_ms, "+CPMS", "AT+CPMS=?");
    if (modem_ended(e))
        return e;
    parse_storages(e == OK ? at_reply_line(&reply, 0) : NULL, &offer);
    remember_storages(m, &offer);
    for (;;) {
        e = first_storage(m, &offer, &busy);
        if (!busy || clk_mono_ms() > end)
            break;
        e = modem_pause(m, modem_timing.retry_ms);
        if (e)
            return e;
    }
    if (e && !modem_ended(e))
        one_storage(m);
    return e;
}

/* ---- the service centre ---- */

static bool is_address(const char *s)
{
    const char *digits = s + (*s == '+');
    size_t n = strlen(digits);
    return n >= 3 && n <= 20 && strspn(digits, "0123456789") == n;
}

static enum err write_smsc(struct modem *m, const char *smsc)
{
    struct at_reply reply;
    char command[96];
    snprintf(command, sizeof command, "AT+CSCA=\"%s\",%d", smsc, smsc[0] == '+' ? 145 : 129);
    enum err e = modem_ask(m, &reply, modem_timing.slow_ms, NULL, command);
    if (e)
        log_warn("modem", "name=%s step=\"service centre\" result=\"%s\"", m->config.name,
                 err_str(e));
    return e;
}

static enum err read_smsc(struct modem *m, char *smsc, size_t size)
{
    struct at_reply reply;
    struct at_args a;
    char text[128] = ""; /* as UCS-2 in hexadecimal it is four times as long */
    enum err e = modem_ask(m, &reply, modem_timing.slow_ms, "+CSCA", "AT+CSCA?");
    const char *line = e == OK ? at_reply_line(&reply, 0) : NULL;
    if (line && at_args_open(&a, line, "+CSCA") == OK && at_string(&a, text, sizeof text) == OK)
        modem_plain(text);
    snprintf(smsc, size, "%.*s", (int)size - 1, text);
    return modem_ended(e) ? e : OK;
}

/* What the card says, unless the configuration says otherwise. A card that lost it gets the one we knew. */
enum err modem_set_smsc(struct modem *m)
{
    char smsc[SMS_ADDR_MAX];
    const char *wanted = m->config.smsc[0] ? m->config.smsc : m->status.smsc;
    enum err e = read_smsc(m, smsc, sizeof smsc);
    if (e)
        return e;
    bool same_card = m->config.smsc[0] || strcmp(m->smsc_iccid, m->status.who.iccid) == 0;
    if (is_address(wanted) && same_card && strcmp(wanted, smsc) != 0) {
        snprintf(smsc, sizeof smsc, "%s", wanted);
        e = write_smsc(m, smsc);
    }
    if (e == OK) {
        memset(m->status.smsc, 0, sizeof m->status.smsc);
        snprintf(m->status.smsc, sizeof m->status.smsc, "%s", smsc);
        snprintf(m->smsc_iccid, sizeof m->smsc_iccid, "%s", m->status.who.iccid);
    }
    return e;
}

/* ---- +CSMS and +CNMI ---- */

/* The lists of +CNMI=?: <mode>,<mt>,<bm>,<ds>,<bfr>; values of 0 to 3. */
struct cnmi_offer {
    bool known;
    bool has[5][4];
};

static void parse_cnmi(const char *line, struct cnmi_offer *offer)
{
    struct at_args a;
    memset(offer, 0, sizeof *offer);
    if (!line || at_args_open(&a, line, "+CNMI") != OK)
        return;
    for (int field = 0; field < 5 && at_more(&a); field++) {
        struct at_args after = a;
        for (int value = 0; value < 4; value++) {
            after = a;
            if (at_list_has(&after, value, &offer->has[field][value]) != OK)
                return;
        }
        a = after;
        offer->known = field >= 3;
    }
}

static bool offered(const struct cnmi_offer *offer, int field, int value)
{
    return !offer->known || offer->has[field][value];
}

/* +CSMS: (0,1) or (0,128): without 1 a direct message cannot be acknowledged.  No answer: it is tried. */
static enum err ask_csms(struct modem *m, bool *offers_phase2)
{
    struct at_reply reply;
    struct at_args a;
    enum err e = modem_ask(m, &reply, modem_timing.quick_ms, "+CSMS", "AT+CSMS=?");
    const char *line = e == OK ? at_reply_line(&reply, 0) : NULL;
    if (line && at_args_open(&a, line, "+CSMS") == OK && at_more(&a))
        (void)!at_list_has(&a, 1, offers_phase2);
    return e;
}

static enum err set_csms(struct modem *m, int csms)
{
    struct at_reply reply;
    char command[16];
    snprintf(command, sizeof command, "AT+CSMS=%d", csms);
    enum err e = modem_ask(m, &reply, modem_timing.quick_ms, "+CSMS", command);
    if (e == OK)
        m->route.csms = csms;
    return e;
}

static enum err set_cnmi(struct modem *m, const struct modem_route *r)
{
    struct at_reply reply;
    char command[32];
    snprintf(command, sizeof command, "AT+CNMI=%d,%d,%d,%d,%d", r->mode, r->mt, r->bm, r->ds,
             r->bfr);
    return modem_ask(m, &reply, modem_timing.quick_ms, NULL, command);
}

/* No cell broadcast, or where that must be, the least of it. */
static int offered_bm(const struct cnmi_offer *offer)
{
    static const int broadcasts[] = {0, 2, 3, 1};
    for (size_t i = 0; i < sizeof broadcasts / sizeof *broadcasts; i++)
        if (offered(offer, 2, broadcasts[i]))
            return broadcasts[i];
    return 0;
}

/* Every <mode> and <bfr> that is offered, the useful ones first. mt=0: arrives unannounced, looked for. */
static enum err try_cnmi(struct modem *m, const struct cnmi_offer *offer, int csms, int ds)
{
    static const int modes[2][3] = {{2, 1, 3}, {1, 2, 3}};
    struct modem_route r = {
        .csms = csms, .mt = offered(offer, 1, 1), .bm = offered_bm(offer), .ds = ds};
    enum err e = ERR_UNSUPPORTED;
    if (!offered(offer, 3, ds))
        return e;
    for (int i = 0; i < 6; i++) {
        r.mode = modes[m->quirks->cnmi_mode_1][i / 2];
        r.bfr = i % 2;
        if (!offered(offer, 0, r.mode) || !offered(offer, 4, r.bfr))
            continue;
        e = set_cnmi(m, &r);
        if (e == OK)
            m->route = r;
        if (e == OK || modem_ended(e))
            return e;
    }
    return e;
}

/* ds=2 puts reports into SR: where that cannot be read they would be lost. */
static bool reads_stored_reports(const struct modem *m)
{
    for (unsigned i = 0; i < m->storage_count; i++)
        if (strcmp(m->storages[i], "SR") == 0)
            return true;
    return false;
}

enum err modem_choose_route(struct modem *m)
{
    /* The last one: no reports at all, messages still come. */
    static const struct choice {
        int csms, ds;
    } orders[2][4] = {{{1, 1}, {0, 1}, {0, 2}, {0, 0}}, {{1, 1}, {0, 2}, {0, 1}, {0, 0}}};
    const struct choice *choices = orders[reads_stored_reports(m)];
    struct at_reply reply;
    struct cnmi_offer offer;
    int csms = -1;
    bool offers_phase2 = true;
    enum err e = ask_csms(m, &offers_phase2);
    if (modem_ended(e))
        return e;
    e = modem_ask(m, &reply, modem_timing.quick_ms, "+CNMI", "AT+CNMI=?");
    if (modem_ended(e))
        return e;
    parse_cnmi(e == OK ? at_reply_line(&reply, 0) : NULL, &offer);
    for (size_t i = 0; i < sizeof orders[0] / sizeof *orders[0]; i++) {
        if (choices[i].csms && (m->quirks->no_direct || m->no_csms || !offers_phase2))
            continue;
        if (!offered(&offer, 3, choices[i].ds))
            continue;
        e = choices[i].csms == csms ? OK : set_csms(m, choices[i].csms);
        if (e == OK)
            csms = choices[i].csms;
        if (modem_ended(e))
            return e;
        if (e && choices[i].csms)
            continue;
        e = try_cnmi(m, &offer, csms == 1, choices[i].ds);
        if (e == OK || modem_ended(e))
            break;
    }
    log_info("modem", "name=%s routing csms=%d mode=%d mt=%d ds=%d bfr=%d result=\"%s\"",
             m->config.name, m->route.csms, m->route.mode, m->route.mt, m->route.ds, m->route.bfr,
             err_str(e));
    return e;
}

/* +CNMI: <mode>,<mt>,<bm>,<ds>,<bfr>: some write another <mode> than they were told. */
enum err modem_check_route(struct modem *m)
{
    struct at_reply reply;
    struct at_args a;
    int mt, ds;
    m->routing_check_ms = 0;
    if (m->route.mode == 0)
        return OK; /* none was accepted: sweeps only */
    enum err e = modem_ok(m, &reply, modem_timing.quick_ms, "+CNMI", "AT+CNMI?");
    const char *line = e == OK ? at_reply_line(&reply, 0) : NULL;
    int wants = e == ERR_REFUSED ? fault_cme(&reply) : 0;
    if (wants == 11 ||
        wants == 12) /* the card was unlocked, so the modem has restarted (27.007 9.2) */
        return modem_end(m, MODEM_STARTING, "the modem restarted by itself");
    if (!line || at_args_open(&a, line, "+CNMI") != OK)
        return modem_ended(e) ? e : OK;
    at_skip(&a);
    if (at_int(&a, &mt, 0, 9) != OK)
        return OK;
    at_skip(&a);
    if (at_int(&a, &ds, 0, 9) != OK || (mt == m->route.mt && ds == m->route.ds))
        return OK;
    log_warn("modem", "name=%s routing was lost: mt=%d ds=%d", m->config.name, mt, ds);
    return modem_restore(m);
}
