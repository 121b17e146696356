/* modem_in.c - what arrives: directly (+CMT, +CDS), by index (+CMTI, +CDSI), or found by a sweep.
 * Knows no store.  Promises: nothing is acknowledged (+CNMA) or deleted (+CMGD) before its hook said OK;
 * what is left stays where it is and comes again; what is not ours is deleted only from a full storage. */
#include "modem_private.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "text.h"

#define SWEEP_ROUNDS 16
#define DELETE_MAX   64
#define PLACES_GUESS 50 /* of a storage that does not tell its size */
#define READS_MAX    3

struct stored {
    char pdu[AT_LINE_MAX + 2];
};

/* What became of a PDU. */
enum fate {
    FATE_DONE,   /* the core has it: acknowledge, delete */
    FATE_KEEP,   /* the core could not take it: it comes again */
    FATE_FOREIGN /* valid, but not a message to us: a draft, a sent one */
};

/* at_lex.c doubts it: not as long as its header says. */
static bool is_doubtful(const char *pdu)
{
    return pdu[0] == '?';
}

/* ---- to the core ---- */

/* A report that tells the fate of the part under way: its answer gets a little more time, not three minutes. */
static enum err give_report(struct modem *m, const struct sms_report *report)
{
    uint64_t part = 0;
    enum err e = m->hooks.report(m->ctx, m->config.name, report, &part);
    m->unreported -= e == OK && m->unreported > 0;
    if (e == OK && part && part == m->job.part && m->phase != MODEM_IDLE) {
        m->settled = true;
        if (m->phase == MODEM_SUBMITTING)
            at_hurry(m->at, modem_timing.hurry_ms);
    }
    return e;
}

static enum err give(struct modem *m, const struct sms_inbound *in, const struct sms_raw *raw)
{
    switch (in->kind) {
    case SMS_KIND_DELIVER:
        return m->hooks.incoming(m->ctx, m->config.name, &in->deliver, raw);
    case SMS_KIND_REPORT:
        return give_report(m, &in->report);
    }
    return ERR_UNSUPPORTED;
}

static enum fate hand_over(struct modem *m, const char *pdu, bool foreign_too)
{
    struct sms_raw raw;
    struct sms_inbound in;
    size_t n, digits;
    pdu += is_doubtful(pdu);
    digits = strlen(pdu) & ~(size_t)1;
    if (digits > 2 * sizeof raw.octets) {
        log_warn("modem", "name=%s a PDU of %zu characters that no PDU can have: %s",
                 m->config.name, strlen(pdu), pdu);
        digits = 2 * sizeof raw.octets; /* undecodable, kept as far as it fits */
    }
    enum err e = text_hex_decode(pdu, digits, raw.octets, sizeof raw.octets, &n);
    if (e)
        return FATE_FOREIGN; /* at_lex.c hands out hexadecimal digits only */
    raw.n = (uint16_t)n;
    e = sms_decode(raw.octets, n, &in);
    if (e == ERR_UNSUPPORTED && !foreign_too)
        return FATE_FOREIGN;
    e = e ? m->hooks.raw(m->ctx, m->config.name, &raw) : give(m, &in, &raw);
    if (e)
        log_warn("modem", "name=%s an arrived PDU was not taken: %s", m->config.name, err_str(e));
    return e ? FATE_KEEP : FATE_DONE;
}

/* ---- directly: +CMT: [<alpha>],<length>, +CDS: <length>, and the PDU ---- */

/* What the core cannot take yet and the network believes delivered (+CSMS=0) waits here, in memory only: a
 * stick that comes back from a hang of minutes tells everything at once. */
static void hold_back(struct modem *m, const char *pdu)
{
    if (m->held_count < MODEM_HELD_MAX &&
        text_copy(m->held[m->held_count], sizeof m->held[0], pdu) == OK)
        m->held_count++;
    else
        log_error("modem", "name=%s a message was lost: %.360s", m->config.name, pdu);
}

static void give_held_back(struct modem *m)
{
    unsigned n = 0;
    while (n < m->held_count && hand_over(m, m->held[n], true) != FATE_KEEP)
        n++;
    m->held_count -= n;
    memmove(m->held, m->held + n, m->held_count * sizeof m->held[0]);
}

/* A direct PDU that is not as long as it says: not acknowledged the first time, for bytes may have been lost on the
 * way and the network repeats it; the same again is what the modem has. */
static bool is_believed(struct modem *m, const char *pdu)
{
    if (!is_doubtful(pdu) || m->route.csms != 1 || strcmp(pdu, m->doubted) == 0)
        return true;
    log_warn("modem", "name=%s a direct PDU of another length than announced: %s", m->config.name,
             pdu);
    if (text_copy(m->doubted, sizeof m->doubted, pdu) != OK)
        m->doubted[0] = '\0';
    return m->doubted[0] == '\0'; /* too long to remember: no use to wait for it */
}

void modem_take_direct(struct modem *m, const char *line, const char *pdu)
{
    int64_t now = clk_mono_ms();
    enum fate fate = FATE_KEEP;
    if (pdu && !is_believed(m, pdu))
        pdu = NULL;
    if (!m->identified && pdu) {
        hold_back(
            m,
            pdu); /* still routed as an earlier session wished; not acknowledged, so it comes again */
        return;
    }
    if (pdu)
        fate = hand_over(m, pdu, true);
    else
        log_warn("modem", "name=%s \"%.20s\" without its PDU", m->config.name, line);
    if (m->route.csms != 1) {
        if (fate == FATE_KEEP && pdu)
            hold_back(m, pdu);
        return;
    }
    if (fate == FATE_KEEP) {
        m->seen.acks_owed = 0; /* the network keeps it, and the modem turns the routing off */
        m->routing_check_ms = now + 2 * modem_timing.ack_late_ms;
        return;
    }
    if (m->seen.acks_owed++ == 0)
        m->seen.ack_since_ms = now;
}

/* Refused: the other form once; 340 means that the modem gave up waiting, or never waits. */
static void ack_refused(struct modem *m, const struct at_reply *reply)
{
    bool unexpected = reply->final == AT_CMS_ERROR && reply->code == 340;
    bool unknown = reply->final == AT_ERROR && !m->cnma_known;
    if (!unexpected && !m->cnma_tried_both) {
        m->cnma_zero = !m->cnma_zero;
        m->cnma_tried_both = true;
        return;
    }
    m->seen.acks_owed = 0;
    m->routing_check_ms = clk_mono_ms();
    if (++m->seen.ack_refusals < 3 && !unknown)
        return;
    log_warn("modem", "name=%s knows no +CNMA: reports without it from now on", m->config.name);
    m->no_csms = true;
    m->seen.ack_refusals = 0;
    m->seen.restore = true;
}

static enum err acknowledge_one(struct modem *m)
{
    struct at_reply reply;
    bool late = clk_mono_ms() - m->seen.ack_since_ms > modem_timing.ack_late_ms;
    enum err e = at_command(m->at, &reply, modem_timing.quick_ms, NULL,
                            m->cnma_zero ? "AT+CNMA=0" : "AT+CNMA");
    if (late)
        m->routing_check_ms = clk_mono_ms();
    if (e == ERR_TIMEOUT || e == ERR_BUSY) {
        m->seen.acks_owed = 0;
        m->routing_check_ms = clk_mono_ms();
        return modem_stopping(m) ? ERR_CLOSED : modem_resync(m);
    }
    if (e)
        return e;
    if (reply.final != AT_OK) {
        ack_refused(m, &reply);
        return OK;
    }
    m->cnma_tried_both = m->cnma_known = true;
    m->seen.ack_refusals = 0;
    if (m->seen.acks_owed)
        m->seen.acks_owed--;
    return OK;
}

enum err modem_acknowledge(struct modem *m)
{
    enum err e = OK;
    while (e == OK && m->seen.acks_owed)
        e = acknowledge_one(m);
    return e;
}

/* ---- from a storage ---- */

/* +CMTI: "SM",3; SIM7670 says "+CMTI: ,-1" when it does not know where. */
void modem_note_arrival(struct modem *m, const char *line, const char *prefix)
{
    struct at_args a;
    struct modem_place place;
    if (at_args_open(&a, line, prefix) != OK ||
        at_string(&a, place.storage, sizeof place.storage) != OK ||
        at_int(&a, &place.index, 0, 65535) != OK || m->seen.arrived_count == MODEM_ARRIVED_MAX) {
        m->seen.sweep = true;
        return;
    }
    m->seen.arrived[m->seen.arrived_count++] = place;
}

static bool is_storage(const char *name)
{
    return strlen(name) == 2 && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2;
}

/* +CPMS: <used1>,<total1>[,…] */
static void note_fill(struct modem *m, const struct at_reply *reply)
{
    struct at_args a;
    int used, total;
    const char *line = at_reply_line(reply, 0);
    m->reading_full = false;
    m->reading_total = PLACES_GUESS;
    if (line && at_args_open(&a, line, "+CPMS") == OK && at_int(&a, &used, 0, 65535) == OK &&
        at_int(&a, &total, 0, 65535) == OK) {
        m->reading_full = total > 0 && used >= total;
        m->reading_total = total;
    }
}

/* mem1 alone, or, where that is refused, all that were told at the start: the others as they are. */
static enum err select_memory(struct modem *m, struct at_reply *reply, const char *storage)
{
    char command[48];
    enum err e = ERR_REFUSED;
    if (!m->cpms_whole) {
        snprintf(command, sizeof command, "AT+CPMS=\"%.3s\"", storage);
        e = modem_ok(m, reply, modem_timing.slow_ms, "+CPMS", command);
    }
    if (e != ERR_REFUSED || m->cpms_names < 2)
        return e;
    const char *others = m->receiving;
    int n = snprintf(command, sizeof command, "AT+CPMS=\"%.3s\",\"%.3s\"", storage, others);
    if (m->cpms_names == 3)
        snprintf(command + n, sizeof command - (size_t)n, ",\"%.3s\"", others);
    e = modem_ok(m, reply, modem_timing.slow_ms, "+CPMS", command);
    m->cpms_whole = e == OK;
    return e;
}

enum err modem_select_storage(struct modem *m, const char *storage)
{
    struct at_reply reply = {.lines = 0};
    if (!is_storage(storage))
        return ERR_SYNTAX;
    enum err e = m->cpms_names ? select_memory(m, &reply, storage) : OK;
    if (e)
        return e;
    snprintf(m->reading, sizeof m->reading, "%.3s", storage);
    note_fill(m, &reply);
    return OK;
}

static enum err delete_place(struct modem *m, int index)
{
    struct at_reply reply;
    char command[24];
    snprintf(command, sizeof command, "AT+CMGD=%d", index);
    enum err e = modem_ok(m, &reply, modem_timing.slow_ms, NULL, command);
    if (e == ERR_REFUSED)
        log_warn("modem", "name=%s storage=%s index=%d not deleted", m->config.name, m->reading,
                 index);
    return e;
}

/* The core could not take it: look again soon, not in ten minutes. */
static void come_again(struct modem *m)
{
    int64_t soon = clk_mono_ms() + modem_timing.again_ms;
    if (m->next_sweep_ms > soon || m->next_sweep_ms == 0)
        m->next_sweep_ms = soon;
}

/* What lies there, "" where that is no PDU. ERR_EMPTY: nothing ("+CMGR: 0,,0", CMS 321, CME 21). */
static enum err read_place(struct modem *m, int index, struct stored *out)
{
    struct at_reply reply;
    char command[24];
    snprintf(command, sizeof command, "AT+CMGR=%d", index);
    enum err e = modem_ok(m, &reply, modem_timing.slow_ms, "+CMGR", command);
    if (e)
        return e == ERR_REFUSED ? ERR_EMPTY : e;
    const char *pdu = at_reply_line(&reply, 1);
    out->pdu[0] = '\0';
    if (pdu)
        snprintf(out->pdu, sizeof out->pdu, "%s", pdu);
    return pdu ? OK : ERR_EMPTY;
}

/* What the storage holds, not what the line lost: a doubtful one is read until it comes twice alike. */
static enum err read_surely(struct modem *m, int index, struct stored *out)
{
    struct stored again;
    enum err e = read_place(m, index, out);
    for (int tries = 0; e == OK && is_doubtful(out->pdu) && tries < READS_MAX; tries++) {
        e = read_place(m, index, &again);
        if (e == OK && strcmp(again.pdu, out->pdu) == 0)
            return OK;
        *out = again;
    }
    return e == OK && is_doubtful(out->pdu) ? ERR_SYNTAX : e;
}

static enum err take_place(struct modem *m, int index, const char *pdu)
{
    enum fate fate = hand_over(m, pdu, m->reading_full);
    if (fate == FATE_DONE)
        return delete_place(m, index);
    if (fate == FATE_KEEP)
        come_again(m);
    return OK;
}

/* One by its index. ERR_EMPTY: nothing lies there. */
static enum err fetch(struct modem *m, int index)
{
    struct stored stored;
    enum err e = read_surely(m, index, &stored);
    if (e == ERR_SYNTAX) {
        come_again(m);
        return OK;
    }
    return e ? e : take_place(m, index, stored.pdu);
}

enum err modem_fetch_arrived(struct modem *m)
{
    give_held_back(m);
    while (m->seen.arrived_count) {
        struct modem_place place = m->seen.arrived[0];
        enum err e = OK;
        m->seen.arrived_count--;
        memmove(m->seen.arrived, m->seen.arrived + 1,
                m->seen.arrived_count * sizeof m->seen.arrived[0]);
        if (strcmp(place.storage, m->reading) != 0)
            e = modem_select_storage(m, place.storage);
        if (e == OK)
            e = fetch(m, place.index);
        if (modem_ended(e))
            return e;
        if (e)
            m->seen.sweep = true; /* it is somewhere else */
    }
    m->seen.reports = 0;
    return OK;
}

/* ---- the sweep ---- */

struct places {
    int index[DELETE_MAX];
    unsigned count;
};
struct listed {
    struct places doomed;  /* the core has them */
    struct places suspect; /* to be read by themselves: doubtful, or listed without a PDU */
    bool kept;             /* some stay */
};

static void note_place(struct places *p, int index)
{
    if (p->count < DELETE_MAX)
        p->index[p->count++] = index;
}

static void take_listed(struct modem *m, int index, const char *pdu, struct listed *l)
{
    if (is_doubtful(pdu)) {
        note_place(&l->suspect, index);
        return;
    }
    enum fate fate = hand_over(m, pdu, m->reading_full);
    if (fate == FATE_DONE)
        note_place(&l->doomed, index);
    if (fate == FATE_KEEP)
        come_again(m);
    l->kept = l->kept || fate != FATE_DONE;
}

/* Lines of +CMGL: a header with the index, then its PDU. Until DELETE_MAX are to be deleted. */
static void take_list(struct modem *m, const struct at_reply *reply, struct listed *l)
{
    struct at_args a;
    const char *line;
    int index = -1;
    for (unsigned i = 0; (line = at_reply_line(reply, i)) && l->doomed.count < DELETE_MAX; i++) {
        if (at_args_open(&a, line, "+CMGL") != OK) {
            if (index >= 0)
                take_listed(m, index, line, l);
            index = -1;
            continue;
        }
        if (index >= 0)
            note_place(&l->suspect, index);
        if (at_int(&a, &index, 0, 65535) != OK)
            index = -1;
    }
    if (index >= 0 && !reply->truncated && l->doomed.count < DELETE_MAX)
        note_place(&l->suspect, index);
}

/* Listed, and not to be read: "+CMGL: 3,0,,0", or characters that are no PDU. It is of no use to anybody, but it takes
 * a place: deleted where the modem is in PDU mode and does not say that it is empty. */
static enum err take_unreadable(struct modem *m, int index)
{
    struct at_reply reply;
    struct at_args a;
    int mode = -1;
    if (!m->reading_full)
        return OK;
    enum err e = modem_ok(m, &reply, modem_timing.quick_ms, "+CMGF", "AT+CMGF?");
    const char *line = e == OK ? at_reply_line(&reply, 0) : NULL;
    if (!line || at_args_open(&a, line, "+CMGF") != OK || at_int(&a, &mode, 0, 1) != OK || mode) {
        m->seen.restore = mode == 1;
        return modem_ended(e) ? e : OK;
    }
    log_error("modem", "name=%s storage=%s index=%d holds nothing that can be read: deleted",
              m->config.name, m->reading, index);
    return delete_place(m, index);
}

static enum err take_suspects(struct modem *m, struct listed *l)
{
    enum err e = OK;
    for (unsigned i = 0; i < l->suspect.count && !modem_ended(e); i++) {
        e = fetch(m, l->suspect.index[i]);
        if (e == ERR_EMPTY)
            e = take_unreadable(m, l->suspect.index[i]);
        l->kept = true;
    }
    return modem_ended(e) ? e : OK;
}

/* +CMGL refused: place by place, with the first index 0 or 1. */
static enum err sweep_places(struct modem *m)
{
    enum err e = OK;
    for (int index = 0; index <= m->reading_total && !modem_ended(e); index++)
        e = fetch(m, index);
    return modem_ended(e) ? e : OK;
}

/* By their indices.  Where the modem lists other ones than it deletes by (RC7620: CMS 321): all that were read, which
 * spares what came since and what the user wrote (27.005 3.5.4, delflag 1); not where something is to stay. */
static enum err delete_all(struct modem *m, const struct listed *l)
{
    struct at_reply reply;
    enum err e = OK;
    unsigned deleted = 0;
    for (unsigned i = 0; i < l->doomed.count && !modem_ended(e); i++) {
        e = delete_place(m, l->doomed.index[i]);
        deleted += e == OK;
    }
    if (modem_ended(e) || deleted || l->doomed.count == 0 || l->kept)
        return modem_ended(e) ? e : OK;
    e = modem_ok(m, &reply, modem_timing.slow_ms, NULL, "AT+CMGD=1,1");
    log_warn("modem", "name=%s storage=%s no index can be deleted; all that were read: %s",
             m->config.name, m->reading, err_str(e));
    return modem_ended(e) ? e : OK;
}

/* Round by round, as long as each makes room: a list longer than an answer may be comes in pieces. */
static enum err sweep_storage(struct modem *m)
{
    for (int round = 0; round < SWEEP_ROUNDS; round++) {
        struct at_reply reply;
        struct listed listed = {.kept = false};
        enum err e = modem_ok(m, &reply, 2 * modem_timing.slow_ms, "+CMGL", "AT+CMGL=4");
        if (e == ERR_REFUSED)
            return sweep_places(m);
        if (e)
            return e;
        bool more = reply.truncated;
        listed.kept = more;
        take_list(m, &reply, &listed);
        more = more || listed.doomed.count == DELETE_MAX;
        e = take_suspects(m, &listed);
        if (e == OK)
            e = delete_all(m, &listed);
        if (e || !more || listed.doomed.count == 0)
            return e;
    }
    return OK;
}

enum err modem_sweep(struct modem *m)
{
    m->next_sweep_ms = clk_mono_ms() + modem_timing.sweep_ms;
    for (unsigned i = m->storage_count; i-- > 0;) { /* ends with the one that messages arrive in */
        enum err e = modem_select_storage(m, m->storages[i]);
        if (e == OK)
            e = sweep_storage(m);
        if (modem_ended(e))
            return e;
        if (e)
            log_debug("modem", "name=%s storage=%s sweep: %s", m->config.name, m->storages[i],
                      err_str(e));
    }
    return OK;
}
