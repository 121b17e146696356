/* at_lex.c - bytes from a modem become tokens.
 * Knows no descriptor, no clock and no product; one pass, one line at a time.
 * Promises: the same tokens however the bytes were cut; two buffers of AT_LINE_MAX and nothing else. */
#include "at_lex.h"

#include <string.h>
#include <strings.h>

#include "at_args.h"
#include "text.h"

/* Lines that may come between a header and its PDU, or belong to one text, before we give up. */
#define DOUBTFUL_MIN   20 /* an address, a number, a time stamp: no PDU is shorter */
#define SKIP_MAX       8
#define TEXT_LINES_MAX 64

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NO_CODE      (-1)

/* ---- final results: V.250 5.7.1, 27.007 9.2, 27.005 3.2.5 ---- */

static const struct {
    const char *text;
    enum at_final final;
    bool whole; /* else what follows the text are words or a number */
    bool
        call; /* final for ATD and ATA only: a missed call says NO CARRIER in the middle of a +CMGS */
} finals[] = {
    {"OK", AT_OK, true, false},
    {"ERROR", AT_ERROR, true, false},
    {"+CME ERROR", AT_CME_ERROR, false, false},
    {"+CMS ERROR", AT_CMS_ERROR, false, false},
    {"+EXT ERROR", AT_ERROR, false, false},
    {"COMMAND NOT SUPPORT", AT_ERROR, true, false}, /* Huawei */
    {"TOO MANY PARAMETERS", AT_ERROR, true, false}, /* Huawei */
    {"ABORTED", AT_ERROR, true, false},             /* u-blox, SIMCom */
    {"NO CARRIER", AT_CONNECTION, true, true},
    {"BUSY", AT_CONNECTION, true, true},
    {"NO ANSWER", AT_CONNECTION, true, true},
    {"NO DIALTONE", AT_CONNECTION, true, true},
    {"NO DIAL TONE", AT_CONNECTION, true, true},
    {"CONNECT", AT_CONNECTION, false, true},
};

static void copy_words(char *out, size_t size, const char *words)
{
    size_t n = strnlen(words, size - 1);
    memcpy(out, words, n);
    out[n] = '\0';
}

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t");
}

/* ": 38" is a code, ": SIM busy" are words; one of both. */
static void result_details(const char *rest, struct at_result *out)
{
    int64_t code;
    if (*rest == ':')
        rest++;
    rest = skip_blanks(rest);
    bool coded = out->final == AT_CME_ERROR || out->final == AT_CMS_ERROR;
    if (coded && text_int(rest, 0, 65535, &code) == OK)
        out->code = (int)code;
    else
        copy_words(out->words, sizeof out->words, rest);
}

bool at_final_parse(const char *line, bool call, struct at_result *out)
{
    for (size_t i = 0; i < COUNT(finals); i++) {
        size_t n = strlen(finals[i].text);
        if (strncmp(line, finals[i].text, n) != 0 || (finals[i].call && !call))
            continue;
        if (line[n] && (finals[i].whole || (line[n] != ':' && line[n] != ' ')))
            continue;
        *out = (struct at_result){.final = finals[i].final, .code = NO_CODE};
        if (!finals[i].whole)
            result_details(line + n, out);
        else if (finals[i].final != AT_OK && strcmp(line, "ERROR") != 0)
            copy_words(out->words, sizeof out->words, line);
        return true;
    }
    return false;
}

/* ---- what modems say unasked ---- */

/* "+" names are shared with answers, so only with their colon: AT+CLAC lists "+CREG" alone. */
static const char *const chatter_names[] = {
    "+CMTI",   "+CMT",   "+CDSI",  "+CDS",  "+CBMI", "+CBM",  "+CMGS",   "+CMS ERROR", "+CREG",
    "+CGREG",  "+CEREG", "+CRING", "+CLIP", "+CCWA", "+CUSD", "+CGEV",   "+CTZV",      "+CTZE",
    "+CTZR",   "+CIEV",  "+CFUN",  "+CPIN", "+CSSI", "+CSSU", "+CNSMOD", "+CSQN",      "+CLTS",
    "+ZUSIMR", "+ZDONR", "+ZPAS",  "+ZEND", "+STIN", "+QIND", "+QUSIM",  "+UUSTS",     "+WIND",
};
static const char *const chatter_words[] = {
    "RING",
    "RDY",
    "READY",
    "+READY",
    "SMS Ready",
    "SMS DONE",
    "PB DONE",
    "Call Ready",
    "+PBREADY",
    "DST",
    "NO CARRIER",
    "BUSY",
    "NO ANSWER",
    "NORMAL POWER DOWN",
    "POWERED DOWN",
    "OVER-VOLTAGE WARNNING",
    "OVER-VOLTAGE POWER DOWN",
    "UNDER-VOLTAGE",
    "UNDER-VOLTAGE WARNNING",
    "UNDER-VOLTAGE POWER DOWN",
};

static bool is_name(const char *line, const char *name, bool alone)
{
    size_t n = strlen(name);
    return strncmp(line, name, n) == 0 && (line[n] == ':' || (alone && line[n] == '\0'));
}

/* "^RSSI:", "#QSS:", "*PSUTTZ:": a sign, a name in capitals, a colon. */
static bool looks_like_result(const char *line, const char *signs)
{
    if (!*line || !strchr(signs, *line))
        return false;
    size_t n = strspn(line + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    return n > 0 && line[n + 1] == ':';
}

bool at_line_is_chatter(const char *line)
{
    if (looks_like_result(line, "^*#_%$!"))
        return true;
    for (size_t i = 0; i < COUNT(chatter_names); i++)
        if (is_name(line, chatter_names[i], false))
            return true;
    for (size_t i = 0; i < COUNT(chatter_words); i++)
        if (is_name(line, chatter_words[i], true))
            return true;
    return false;
}

/* ---- headers that own the next line (27.005 3.4.1, 4.1, 4.2) ---- */

static bool prefix_is(const struct at_lex *lex, const char *name)
{
    return lex->expect.command && lex->expect.prefix && strcmp(lex->expect.prefix, name) == 0;
}

static enum at_hold header_kind(const struct at_lex *lex, const char *line)
{
    if (is_name(line, "+CMT", false) || is_name(line, "+CDS", false) ||
        is_name(line, "+CBM", false))
        return AT_HOLD_PDU;
    if ((is_name(line, "+CMGR", false) && prefix_is(lex, "+CMGR")) ||
        (is_name(line, "+CMGL", false) && prefix_is(lex, "+CMGL")))
        return AT_HOLD_ANSWER_PDU;
    return AT_HOLD_NONE;
}

/* The header's last number: octets of the TPDU.  False: text mode, or nonsense. */
static bool header_length(const char *line, int *length)
{
    const char *comma = strrchr(line, ',');
    const char *last = comma ? comma : strchr(line, ':');
    struct at_args args = {last ? last + 1 : line};
    return last && at_int(&args, length, 0, 1000) == OK;
}

/* Hexadecimal, and as long as the service centre's address and the TPDU: a line that lost bytes on the way
 * must not be taken for a message, stored as undecodable and deleted from the SIM. */
static bool is_pdu_of(const char *header, const char *line, size_t len)
{
    uint8_t address;
    size_t n;
    int length;
    if (len < 2 || strspn(line, "0123456789ABCDEFabcdef") != len || !header_length(header, &length))
        return false;
    if (text_hex_decode(line, 2, &address, 1, &n) != OK)
        return false;
    return len == 2 * (1 + (size_t)address + (size_t)length);
}

/* Hexadecimal behind a header of PDU mode, but not as long as it says: some modems miscount, and storages hold
 * what was never whole.  Marked by a "?" before it: to be believed only when it comes so twice. */
static bool is_doubtful_pdu_of(const char *header, const char *line, size_t len)
{
    int length;
    return len >= DOUBTFUL_MIN && len < AT_LINE_MAX &&
           strspn(line, "0123456789ABCDEFabcdef") == len && header_length(header, &length);
}

static const char *mark_doubtful(struct at_lex *lex)
{
    memmove(lex->line + 1, lex->line, lex->len + 1);
    lex->line[0] = '?';
    return lex->line;
}

/* A network's text may have lines of its own inside the quotes of +CUSD. */
static bool quote_is_open(const char *s)
{
    bool open = false;
    for (; (s = strchr(s, '"')); s++)
        open = !open;
    return open;
}

/* ---- one finished line ---- */

static void hold_line(struct at_lex *lex, enum at_hold kind)
{
    memcpy(lex->held, lex->line, lex->len + 1);
    lex->held_len = lex->len;
    lex->held_stale = lex->stale;
    lex->hold = kind;
    lex->skipped = 0;
}

static bool give_held(struct at_lex *lex, struct at_token *t, const char *pdu)
{
    lex->hold = AT_HOLD_NONE;
    *t = (struct at_token){
        .kind = AT_TOKEN_LINE, .line = lex->held, .pdu = pdu, .stale = lex->held_stale};
    return true;
}

static bool is_final(struct at_lex *lex)
{
    return lex->expect.command && !lex->stale && !lex->cut &&
           at_final_parse(lex->line, lex->call, &lex->result);
}

static bool give_line(struct at_lex *lex, struct at_token *t)
{
    *t = (struct at_token){
        .kind = AT_TOKEN_LINE, .line = lex->line, .cut = lex->cut, .stale = lex->stale};
    if (is_final(lex)) {
        t->kind = AT_TOKEN_FINAL;
        t->result = &lex->result;
    }
    return true;
}

static bool is_echo(const struct at_lex *lex)
{
    const struct at_expect *x = &lex->expect;
    return !lex->cut && ((x->command && *x->command && strcmp(lex->line, x->command) == 0) ||
                         (x->payload && *x->payload && text_equal_nocase(lex->line, x->payload)));
}

/* A line with nothing held back: a token, or held back itself (false). */
static bool take_plain(struct at_lex *lex, struct at_token *t)
{
    enum at_hold kind = lex->cut ? AT_HOLD_NONE : header_kind(lex, lex->line);
    if (kind == AT_HOLD_NONE && !lex->cut && is_name(lex->line, "+CUSD", false) &&
        quote_is_open(lex->line))
        kind = AT_HOLD_TEXT;
    if (kind == AT_HOLD_NONE)
        return give_line(lex, t);
    hold_line(lex, kind);
    return false;
}

/* The held line goes first, this one with the next call. */
static bool give_held_first(struct at_lex *lex, struct at_token *t)
{
    lex->again = true;
    return give_held(lex, t, NULL);
}

/* Chatter between a header and its PDU is handed out and the header goes on waiting; even a final result
 * does not end an unsolicited header, for its writer in the modem is another. */
static bool take_after_header(struct at_lex *lex, struct at_token *t)
{
    if (!lex->cut && is_pdu_of(lex->held, lex->line, lex->len))
        return give_held(lex, t, lex->line);
    if (!lex->cut && is_doubtful_pdu_of(lex->held, lex->line, lex->len))
        return give_held(lex, t, mark_doubtful(lex));
    bool passes = at_line_is_chatter(lex->line) || looks_like_result(lex->line, "+") ||
                  (lex->hold == AT_HOLD_PDU && is_final(lex));
    if (!passes || header_kind(lex, lex->line) != AT_HOLD_NONE || ++lex->skipped > SKIP_MAX)
        return give_held_first(lex, t);
    return give_line(lex, t);
}

static bool take_after_text(struct at_lex *lex, struct at_token *t)
{
    bool foreign = is_final(lex) || looks_like_result(lex->line, "+^*#") || lex->cut;
    if (foreign || ++lex->skipped > TEXT_LINES_MAX || lex->held_len + 1 + lex->len > AT_LINE_MAX)
        return give_held_first(lex, t);
    lex->held[lex->held_len] = '\n';
    memcpy(lex->held + lex->held_len + 1, lex->line, lex->len + 1);
    lex->held_len += 1 + lex->len;
    return quote_is_open(lex->held) ? false : give_held(lex, t, NULL);
}

static bool take_line(struct at_lex *lex, struct at_token *t)
{
    if (is_echo(lex)) {
        *t = (struct at_token){.kind = AT_TOKEN_ECHO, .line = lex->line};
        return true;
    }
    switch (lex->hold) {
    case AT_HOLD_NONE:
        return take_plain(lex, t);
    case AT_HOLD_PDU:
    case AT_HOLD_ANSWER_PDU:
        return take_after_header(lex, t);
    case AT_HOLD_TEXT:
        return take_after_text(lex, t);
    }
    return false;
}

/* ---- bytes ---- */

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7F;
}

static void append(struct at_lex *lex, char c)
{
    if (lex->len < AT_LINE_MAX)
        lex->line[lex->len++] = c;
    else
        lex->cut = true;
}

static void start_line(struct at_lex *lex)
{
    lex->len = 0;
    lex->done = lex->cut = lex->stale = false;
}

static bool end_line(struct at_lex *lex, struct at_token *t)
{
    while (lex->len && is_blank(lex->line[lex->len - 1]))
        lex->len--;
    lex->line[lex->len] = '\0';
    lex->done = true;
    return take_line(lex, t);
}

/* Some modems end the echo of a PDU with its Ctrl-Z and nothing else. */
static bool ends_echo(const struct at_lex *lex, char c)
{
    const char *payload = lex->expect.payload;
    return c == 0x1A && payload && !lex->cut && strlen(payload) == lex->len &&
           strncasecmp(payload, lex->line, lex->len) == 0;
}

static bool take_byte(struct at_lex *lex, char c, struct at_token *t)
{
    if (lex->angle) {
        lex->angle = false;
        if (is_blank(c)) {
            *t = (struct at_token){.kind = AT_TOKEN_PROMPT, .line = ""};
            return true;
        }
        append(lex, '>');
    }
    if (lex->len == 0) {
        /* Blanks, line ends, an echoed ESC or Ctrl-Z: nothing has begun. */
        lex->angle = c == '>' && lex->expect.prompt;
        if (!is_blank(c) && !lex->angle)
            append(lex, c);
        return false;
    }
    if (c == '\r' || c == '\n' || ends_echo(lex, c))
        return end_line(lex, t);
    append(lex, c);
    return false;
}

void at_lex_init(struct at_lex *lex)
{
    /* Not the buffers: they stay untouched, and so unmapped, until bytes come. */
    memset(lex, 0, offsetof(struct at_lex, line));
    lex->line[0] = lex->held[0] = '\0';
}

void at_lex_expect(struct at_lex *lex, const struct at_expect *expect)
{
    static const struct at_expect nothing = {0};
    if (lex->done && !lex->again)
        start_line(lex);
    if (lex->angle)
        append(lex, '>');
    lex->angle = false;
    lex->stale = lex->len > 0;
    lex->expect = expect ? *expect : nothing;
    const char *command = lex->expect.command;
    lex->call =
        command && (text_starts_nocase(command, "ATD") || text_equal_nocase(command, "ATA"));
}

size_t at_lex_feed(struct at_lex *lex, const char *bytes, size_t n, struct at_token *token)
{
    size_t used = 0;
    *token = (struct at_token){.kind = AT_TOKEN_NONE};
    if (lex->again) {
        lex->again = false;
        if (take_line(lex, token))
            return 0;
    }
    while (used < n) {
        char c = bytes[used++];
        if (lex->done)
            start_line(lex);
        if (c && take_byte(lex, c, token))
            break;
    }
    return used;
}

bool at_lex_maybe_prompt(const struct at_lex *lex)
{
    return lex->angle;
}

bool at_lex_quiet(struct at_lex *lex, struct at_token *token)
{
    if (!lex->angle)
        return false;
    lex->angle = false;
    *token = (struct at_token){.kind = AT_TOKEN_PROMPT, .line = ""};
    return true;
}

bool at_lex_flush(struct at_lex *lex, struct at_token *token)
{
    if (lex->hold != AT_HOLD_NONE)
        return give_held(lex, token, NULL);
    if (lex->again) {
        lex->again = false;
        return take_line(lex, token);
    }
    bool begun = lex->len > 0 && !lex->done;
    if (begun && end_line(lex, token))
        return true;
    start_line(lex);
    return false;
}
