/* fault.c - the error classes as one table.
 * Knows no port and no dialogue.  Promises: the first row that holds a code decides; a code without a
 * row is a temporary failure below 256 (24.011 annex E-2: "treated as cause 41") and unknown above. */
#include "fault.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

/* 1-127: 24.011 annex E-2; 128-255: TP-FCS of 23.040 9.2.3.22; from 300: 27.005 3.2.5; 27.007 9.2.1. */
/* clang-format off */
#define E2  "24.011 E-2"
#define FCS "23.040 9.2.3.22"
#define MS  "27.005 3.2.5"
#define ME  "27.007 9.2.1"
/* kind, codes, class, certain after Ctrl-Z, what the modem does, sentence, word, clause, when again */
static const struct fault_row rows[] = {
    {FAULT_CMS, 1, 1, FAULT_REFUSED, true, FAULT_GO_ON,
     "the number is not assigned", "refused", E2, FAULT_PAUSES},
    {FAULT_CMS, 8, 8, FAULT_MODEM, true, FAULT_SIM,
     "the operator bars this SIM from sending", "sim", E2, FAULT_PAUSES},
    {FAULT_CMS, 10, 10, FAULT_MODEM, true, FAULT_SIM,
     "outgoing SMS are barred for this SIM", "sim", E2, FAULT_PAUSES},
    {FAULT_CMS, 17, 17, FAULT_BUSY, true, FAULT_GO_ON,
     "network failure", "network", E2, FAULT_PAUSES},
    {FAULT_CMS, 21, 21, FAULT_MODEM, true, FAULT_GO_ON,
     "the network rejected the SMS", "refused", E2, FAULT_ELSEWHERE},
    {FAULT_CMS, 22, 22, FAULT_BUSY, true, FAULT_GO_ON,
     "the network is congested", "network", E2, FAULT_PAUSES},
    {FAULT_CMS, 27, 27, FAULT_BUSY, true, FAULT_GO_ON,
     "the destination is out of service", "network", E2, FAULT_PAUSES},
    {FAULT_CMS, 28, 28, FAULT_MODEM, true, FAULT_SIM,
     "the network does not know this SIM", "sim", E2, FAULT_PAUSES},
    {FAULT_CMS, 29, 29, FAULT_MODEM, true, FAULT_SIM,
     "the network rejected the facility (barring)", "sim", E2, FAULT_PAUSES},
    {FAULT_CMS, 30, 30, FAULT_REFUSED, true, FAULT_NUMBER,
     "the network does not know the number", "refused", E2, FAULT_PAUSES},
    {FAULT_CMS, 38, 38, FAULT_BUSY, true, FAULT_GO_ON,
     "the network is out of order", "network", E2, FAULT_LATER},
    {FAULT_CMS, 41, 41, FAULT_BUSY, true, FAULT_GO_ON,
     "temporary failure of the network", "network", E2, FAULT_PAUSES},
    {FAULT_CMS, 42, 42, FAULT_BUSY, true, FAULT_GO_ON,
     "the switch is congested", "network", E2, FAULT_PAUSES},
    {FAULT_CMS, 47, 47, FAULT_BUSY, true, FAULT_GO_ON,
     "the network has no resources left", "network", E2, FAULT_PAUSES},
    {FAULT_CMS, 50, 50, FAULT_MODEM, true, FAULT_SIM,
     "this SIM has not subscribed to sending SMS", "sim", E2, FAULT_PAUSES},
    {FAULT_CMS, 69, 69, FAULT_MODEM, true, FAULT_SIM,
     "this network does not offer SMS", "sim", E2, FAULT_PAUSES},
    {FAULT_CMS, 81, 81, FAULT_MODEM, true, FAULT_GO_ON,
     "invalid reference value in the short message layer", "protocol", E2, FAULT_SOON},
    {FAULT_CMS, 95, 95, FAULT_MODEM, true, FAULT_GO_ON,
     "semantically wrong message in the short message layer", "protocol", E2, FAULT_SOON},
    {FAULT_CMS, 96, 96, FAULT_MODEM, true, FAULT_GO_ON,
     "invalid mandatory information: often a wrong service centre or recipient", "protocol", E2, FAULT_SOON},
    {FAULT_CMS, 97, 99, FAULT_MODEM, true, FAULT_GO_ON,
     "protocol error in the short message layer", "protocol", E2, FAULT_SOON},
    {FAULT_CMS, 111, 111, FAULT_MODEM, true, FAULT_GO_ON,
     "protocol error in the short message layer", "protocol", E2, FAULT_SOON},
    {FAULT_CMS, 127, 127, FAULT_MODEM, true, FAULT_GO_ON,
     "interworking failed between networks", "refused", E2, FAULT_ELSEWHERE},
    {FAULT_CMS, 128, 143, FAULT_MODEM, true, FAULT_GO_ON,
     "the service centre refuses the protocol identifier", "refused", FCS, FAULT_ELSEWHERE},
    {FAULT_CMS, 144, 159, FAULT_MODEM, true, FAULT_GO_ON,
     "the service centre refuses the coding", "refused", FCS, FAULT_ELSEWHERE},
    {FAULT_CMS, 160, 191, FAULT_REFUSED, true, FAULT_GO_ON,
     "the service centre refuses this SMS", "refused", FCS, FAULT_PAUSES},
    {FAULT_CMS, 192, 192, FAULT_BUSY, true, FAULT_GO_ON,
     "the service centre is busy", "network", FCS, FAULT_PAUSES},
    {FAULT_CMS, 193, 193, FAULT_MODEM, true, FAULT_SMSC,
     "this SIM is not subscribed to that service centre", "smsc", FCS, FAULT_PAUSES},
    {FAULT_CMS, 194, 194, FAULT_BUSY, true, FAULT_GO_ON,
     "the service centre has failed", "network", FCS, FAULT_PAUSES},
    {FAULT_CMS, 195, 195, FAULT_REFUSED, true, FAULT_GO_ON,
     "the service centre does not accept the number", "refused", FCS, FAULT_PAUSES},
    {FAULT_CMS, 196, 196, FAULT_REFUSED, true, FAULT_GO_ON,
     "the service centre bars the number", "refused", FCS, FAULT_PAUSES},
    {FAULT_CMS, 197, 197, FAULT_HELD, true, FAULT_GO_ON,
     "the service centre has this SMS already", "held", FCS, FAULT_PAUSES},
    {FAULT_CMS, 198, 199, FAULT_BUSY, true, FAULT_NO_VP,
     "the service centre refuses the validity period", "refused", FCS, FAULT_PAUSES},
    {FAULT_CMS, 208, 208, FAULT_BUSY, true, FAULT_SWEEP,
     "the SIM's storage is full", "memory", FCS, FAULT_PAUSES},
    {FAULT_CMS, 209, 209, FAULT_BUSY, true, FAULT_RESTORE,
     "the SIM's storage fails", "memory", FCS, FAULT_PAUSES},
    {FAULT_CMS, 211, 211, FAULT_BUSY, true, FAULT_SWEEP,
     "the modem's storage is full", "memory", FCS, FAULT_PAUSES},
    {FAULT_CMS, 224, 254, FAULT_REFUSED, true, FAULT_GO_ON,
     "the service centre's application refuses this SMS", "refused", FCS, FAULT_PAUSES},
    {FAULT_CMS, 255, 255, FAULT_REFUSED, true, FAULT_GO_ON,
     "the service centre refuses this SMS without a reason", "refused", FCS, FAULT_PAUSES},
    {FAULT_CMS, 1, 255, FAULT_BUSY, true, FAULT_GO_ON,
     "temporary failure of the network", "network", E2, FAULT_PAUSES},
    {FAULT_CMS, 301, 301, FAULT_BUSY, true, FAULT_RESTORE,
     "the SMS service of the modem is reserved", "modem", MS, FAULT_PAUSES},
    {FAULT_CMS, 302, 302, FAULT_BUSY, true, FAULT_RESTORE,
     "the modem does not allow the operation in this state", "modem", MS, FAULT_PAUSES},
    {FAULT_CMS, 303, 303, FAULT_BUSY, true, FAULT_RESTORE,
     "the modem does not support the operation in this mode", "modem", MS, FAULT_PAUSES},
    {FAULT_CMS, 304, 304, FAULT_REFUSED, true, FAULT_GO_ON,
     "the modem finds our PDU invalid", "ours", MS, FAULT_PAUSES},
    {FAULT_CMS, 305, 305, FAULT_REFUSED, true, FAULT_GO_ON,
     "the modem finds a text mode parameter invalid", "ours", MS, FAULT_PAUSES},
    {FAULT_CMS, 310, 310, FAULT_MODEM, true, FAULT_CARD,
     "no SIM in the modem", "sim", MS, FAULT_PAUSES},
    {FAULT_CMS, 311, 311, FAULT_MODEM, true, FAULT_CARD,
     "the SIM wants its PIN", "sim", MS, FAULT_PAUSES},
    {FAULT_CMS, 312, 312, FAULT_MODEM, true, FAULT_CARD,
     "the modem is locked to another SIM", "sim", MS, FAULT_PAUSES},
    {FAULT_CMS, 313, 313, FAULT_MODEM, true, FAULT_CARD,
     "the SIM fails", "sim", MS, FAULT_PAUSES},
    {FAULT_CMS, 314, 314, FAULT_BUSY, true, FAULT_WAIT,
     "the SIM is busy", "busy", MS, FAULT_PAUSES},
    {FAULT_CMS, 315, 315, FAULT_MODEM, true, FAULT_CARD,
     "the SIM is of the wrong kind", "sim", MS, FAULT_PAUSES},
    {FAULT_CMS, 316, 316, FAULT_MODEM, true, FAULT_CARD,
     "the SIM is blocked and wants its PUK", "sim", MS, FAULT_PAUSES},
    {FAULT_CMS, 317, 317, FAULT_MODEM, true, FAULT_CARD,
     "the SIM wants its PIN2", "sim", MS, FAULT_PAUSES},
    {FAULT_CMS, 318, 318, FAULT_MODEM, true, FAULT_CARD,
     "the SIM wants its PUK2", "sim", MS, FAULT_PAUSES},
    {FAULT_CMS, 320, 320, FAULT_BUSY, true, FAULT_RESTORE,
     "the modem's storage fails", "memory", MS, FAULT_PAUSES},
    {FAULT_CMS, 321, 321, FAULT_BUSY, true, FAULT_SWEEP,
     "no such place in the modem's storage", "memory", MS, FAULT_PAUSES},
    {FAULT_CMS, 322, 322, FAULT_BUSY, true, FAULT_SWEEP,
     "the modem's storage is full", "memory", MS, FAULT_PAUSES},
    {FAULT_CMS, 330, 330, FAULT_MODEM, true, FAULT_SMSC,
     "the service centre's address is unknown", "smsc", MS, FAULT_PAUSES},
    {FAULT_CMS, 331, 331, FAULT_BUSY, true, FAULT_NETWORK,
     "no network", "network", MS, FAULT_PAUSES},
    {FAULT_CMS, 332, 332, FAULT_BUSY, false, FAULT_NETWORK,
     "the network did not answer in time", "network", MS, FAULT_PAUSES},
    {FAULT_CMS, 340, 340, FAULT_BUSY, false, FAULT_RESTORE,
     "the modem expected no acknowledgement", "modem", MS, FAULT_PAUSES},
    {FAULT_CMS, 515, 515, FAULT_BUSY, false, FAULT_WAIT,
     "the modem is busy", "busy", NULL, FAULT_PAUSES},
    {FAULT_CME, 5, 7, FAULT_MODEM, true, FAULT_CARD,
     "the modem is locked to a SIM", "sim", ME, FAULT_PAUSES},
    {FAULT_CME, 10, 10, FAULT_MODEM, true, FAULT_CARD,
     "no SIM in the modem", "sim", ME, FAULT_PAUSES},
    {FAULT_CME, 11, 11, FAULT_MODEM, true, FAULT_CARD,
     "the SIM wants its PIN", "sim", ME, FAULT_PAUSES},
    {FAULT_CME, 12, 12, FAULT_MODEM, true, FAULT_CARD,
     "the SIM is blocked and wants its PUK", "sim", ME, FAULT_PAUSES},
    {FAULT_CME, 13, 13, FAULT_MODEM, true, FAULT_CARD,
     "the SIM fails", "sim", ME, FAULT_PAUSES},
    {FAULT_CME, 14, 14, FAULT_BUSY, true, FAULT_WAIT,
     "the SIM is busy", "busy", ME, FAULT_PAUSES},
    {FAULT_CME, 15, 15, FAULT_MODEM, true, FAULT_CARD,
     "the SIM is of the wrong kind", "sim", ME, FAULT_PAUSES},
    {FAULT_CME, 16, 16, FAULT_MODEM, true, FAULT_CARD,
     "the SIM refused the password", "sim", ME, FAULT_PAUSES},
    {FAULT_CME, 17, 18, FAULT_MODEM, true, FAULT_CARD,
     "the SIM wants its PIN2 or PUK2", "sim", ME, FAULT_PAUSES},
    {FAULT_CME, 20, 20, FAULT_BUSY, true, FAULT_SWEEP,
     "the modem's storage is full", "memory", ME, FAULT_PAUSES},
    {FAULT_CME, 21, 22, FAULT_BUSY, true, FAULT_SWEEP,
     "no such place in the modem's storage", "memory", ME, FAULT_PAUSES},
    {FAULT_CME, 23, 23, FAULT_BUSY, true, FAULT_RESTORE,
     "the modem's storage fails", "memory", ME, FAULT_PAUSES},
    {FAULT_CME, 30, 30, FAULT_BUSY, true, FAULT_NETWORK,
     "no network", "network", ME, FAULT_PAUSES},
    {FAULT_CME, 31, 31, FAULT_BUSY, false, FAULT_NETWORK,
     "the network did not answer in time", "network", ME, FAULT_PAUSES},
    {FAULT_CME, 32, 32, FAULT_MODEM, true, FAULT_SIM,
     "the network allows emergency calls only", "sim", ME, FAULT_PAUSES},
    {FAULT_CME, 40, 48, FAULT_MODEM, true, FAULT_CARD,
     "the modem is locked to another network or SIM", "sim", ME, FAULT_PAUSES},
    {FAULT_CME, 262, 262, FAULT_MODEM, false, FAULT_CARD,
     "the SIM is blocked", "sim", ME, FAULT_PAUSES},
};
/* clang-format on */

/* 27.007 9.2.1 in words, for modems that answer so in spite of +CMEE=1. */
static const struct {
    const char *words;
    enum fault_kind kind;
    int code;
} spoken[] = {
    {"SIM not inserted", FAULT_CME, 10},
    {"SIM PIN required", FAULT_CME, 11},
    {"SIM PUK required", FAULT_CME, 12},
    {"SIM failure", FAULT_CME, 13},
    {"SIM busy", FAULT_CME, 14},
    {"SIM wrong", FAULT_CME, 15},
    {"incorrect password", FAULT_CME, 16},
    {"memory full", FAULT_CME, 20},
    {"invalid index", FAULT_CME, 21},
    {"not found", FAULT_CME, 22},
    {"memory failure", FAULT_CME, 23},
    {"no network service", FAULT_CME, 30},
    {"network timeout", FAULT_CME, 31},
    {"SMSC address unknown", FAULT_CMS, 330},
    /* 24.011 annex E-2 and 27.005 3.2.5 */
    {"network out of order", FAULT_CMS, 38},
    {"temporary failure", FAULT_CMS, 41},
    {"congestion", FAULT_CMS, 42},
    {"resources unavailable", FAULT_CMS, 47},
    {"operator determined barring", FAULT_CMS, 8},
    {"call barred", FAULT_CMS, 10},
    {"short message transfer rejected", FAULT_CMS, 21},
    {"unknown subscriber", FAULT_CMS, 30},
    {"invalid PDU mode parameter", FAULT_CMS, 304},
    {"invalid memory index", FAULT_CMS, 321},
};

static const char *const classes[] = {
    [FAULT_ABANDONED] = "abandoned", [FAULT_REFUSED] = "refused",     [FAULT_BUSY] = "busy",
    [FAULT_MODEM] = "modem",         [FAULT_UNCERTAIN] = "uncertain", [FAULT_HELD] = "held",
};

const char *fault_class_str(enum fault_class c)
{
    return (unsigned)c < sizeof classes / sizeof *classes ? classes[c] : "unknown";
}

void fault_set(struct modem_fault *out, enum fault_class class, const char *code, const char *text)
{
    out->class = class;
    out->plan = FAULT_PAUSES;
    snprintf(out->code, sizeof out->code, "%s", code);
    snprintf(out->text, sizeof out->text, "%s", text);
}

static bool holds(const struct fault_row *row, enum fault_kind kind, int code)
{
    return row->kind == kind && code >= row->first && code <= row->last;
}

static const struct fault_row *find(enum fault_kind kind, int code, const struct fault_row *vendor)
{
    for (; vendor && vendor->first; vendor++)
        if (holds(vendor, kind, code))
            return vendor;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (holds(&rows[i], kind, code))
            return &rows[i];
    return NULL;
}

const struct fault_row *fault_find(enum fault_kind kind, int code)
{
    return find(kind, code, NULL);
}

enum fault_action fault_from_code(enum fault_kind kind, int code, bool committed,
                                  const struct fault_row *vendor, struct modem_fault *out)
{
    const struct fault_row *row = find(kind, code, vendor);
    char name[24];
    snprintf(name, sizeof name, "%s %d", kind == FAULT_CMS ? "CMS" : "CME", code);
    if (!row) {
        fault_set(out, committed ? FAULT_UNCERTAIN : FAULT_BUSY, name,
                  "the modem failed without a reason that the standard knows");
        out->plan = FAULT_SHORT;
        return FAULT_SUSPECT;
    }
    bool certain = row->sure || !committed;
    fault_set(out, certain ? row->class : FAULT_UNCERTAIN, name, row->text);
    out->plan = row->plan;
    return row->action;
}

/* Words instead of a number: true when they are the standard's. */
static bool from_words(const struct at_reply *r, enum fault_kind *kind, int *code)
{
    for (size_t i = 0; i < sizeof spoken / sizeof *spoken; i++) {
        if (text_equal_nocase(r->words, spoken[i].words)) {
            *kind = spoken[i].kind;
            *code = spoken[i].code;
            return true;
        }
    }
    return false;
}

static bool code_of(const struct at_reply *r, enum fault_kind *kind, int *code)
{
    if (r->final != AT_CMS_ERROR && r->final != AT_CME_ERROR)
        return false;
    *kind = r->final == AT_CMS_ERROR ? FAULT_CMS : FAULT_CME;
    *code = r->code;
    return r->code >= 0 || from_words(r, kind, code);
}

enum fault_action fault_from_reply(const struct at_reply *reply, bool committed,
                                   const struct fault_row *vendor, struct modem_fault *out)
{
    enum fault_kind kind;
    int code;
    if (code_of(reply, &kind, &code))
        return fault_from_code(kind, code, committed, vendor, out);
    fault_set(out, committed ? FAULT_UNCERTAIN : FAULT_BUSY, "ERROR",
              reply->final == AT_OK ? "the modem said OK without a reference"
                                    : "the modem refused without a reason");
    out->plan = FAULT_SHORT;
    if (reply->words[0])
        snprintf(out->text, sizeof out->text, "the modem says: %s", reply->words);
    return FAULT_SUSPECT;
}

bool fault_is_busy(const struct at_reply *reply)
{
    enum fault_kind kind;
    int code;
    if (!code_of(reply, &kind, &code))
        return false;
    return kind == FAULT_CME ? code == 14 || code == 515 : code == 314 || code == 515;
}

int fault_cme(const struct at_reply *reply)
{
    /* +CMS 310-318 are +CME 10-18 under another name (27.005 3.2.5). */
    enum fault_kind kind;
    int code;
    if (!code_of(reply, &kind, &code))
        return -1;
    if (kind == FAULT_CMS)
        return code >= 310 && code <= 318 ? code - 300 : -1;
    return code;
}
