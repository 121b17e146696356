/* at.c - one dialogue with deadlines.
 * Knows no SMS and no product: commands out, lines in, until a final result or the deadline.
 * Promises: chatter never extends a deadline; after a time-out nothing is sent until at_resync(). */
#include "at.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "at_lex.h"
#include "at_trace.h"
#include "clock.h"
#include "pulse.h"

#define RX_MAX           4096
#define PROMPT_SETTLE_MS 50  /* a bare ">" and nothing behind it */
#define SILENCE_MS       200 /* after the OK that ends a resynchronisation */
#define HUSH_MS          100 /* after ESC */
#define HUSH_MAX_MS      1000
#define AT_ONCE_MS       300 /* an answer that took longer may be an earlier command's */
#define SLOW_FACTOR      2 /* times the usual for one answer of a slow modem, twice that for all */

#define CTRL_Z 0x1A
#define ESC    "\x1b"

struct at {
    int fd, wake_fd;
    bool socket, poisoned, in_handler, last_look, truncated;
    struct at_handler handler;
    int64_t deadline;   /* of what is being waited for */
    int64_t hurried;    /* the running command's, by at_hurry(): of its prompt and of its answer */
    unsigned heard;     /* lines handed out, or bytes read, since somebody set it to 0 */
    unsigned owed;      /* final results that were given up on and may still come */
    const char *prefix; /* of the running command's answer */
    const char *name;   /* "+CGSN" of "AT+CGSN": its own answer is no chatter */
    struct at_result result;
    size_t lines, text_len, rx_at, rx_len;
    struct at_lex lex;
    struct at_trace trace;
    char rx[RX_MAX], tx[AT_LINE_MAX + 1], text[AT_ANSWER_MAX];
};

enum err at_new(int fd, int wake_fd, const struct at_handler *handler, struct at **out)
{
    struct stat st;
    struct at *at = malloc(sizeof *at); /* not calloc: the buffers stay unmapped until used */
    if (!at)
        return ERR_NO_MEMORY;
    memset(at, 0, offsetof(struct at, lex));
    at->fd = fd;
    at->wake_fd = wake_fd;
    at->socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
    at->handler = *handler;
    at->trace.len = 0;
    at_lex_init(&at->lex);
    *out = at;
    return OK;
}

void at_free(struct at *at)
{
    if (at)
        at_trace_flush(&at->trace, &at->handler);
    free(at);
}

bool at_poisoned(const struct at *at)
{
    return at->poisoned;
}

const char *at_reply_line(const struct at_reply *r, unsigned i)
{
    if (i >= r->lines)
        return NULL;
    const char *line = r->text;
    while (i--)
        line += strlen(line) + 1;
    return line;
}

/* ---- deadlines ---- */

static void set_deadline(struct at *at, int timeout_ms)
{
    at->deadline = clk_mono_ms() + (timeout_ms > 0 ? timeout_ms : 0);
    at->last_look = false;
}

void at_hurry(struct at *at, int ms)
{
    int64_t sooner = clk_mono_ms() + (ms > 0 ? ms : 0);
    if (sooner < at->deadline)
        at->deadline = sooner;
    if (sooner < at->hurried)
        at->hurried = sooner;
}

/* Milliseconds to wait.  When the time is over it says 0 once, so that an answer that lies there already is
 * read although we were held up (a handler waits for the disk), and ERR_TIMEOUT from then on. */
static enum err time_left(struct at *at, int *ms)
{
    int64_t left = at->deadline - clk_mono_ms();
    if (left <= 0 && at->last_look)
        return ERR_TIMEOUT;
    at->last_look = left <= 0;
    *ms = left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
    return OK;
}

/* ---- bytes in ---- */

/* OK also when there was nothing to read. */
static enum err read_once(struct at *at)
{
    if (at->rx_at == at->rx_len)
        at->rx_at = at->rx_len = 0;
    ssize_t n = read(at->fd, at->rx + at->rx_len, sizeof at->rx - at->rx_len);
    if (n > 0) {
        at_trace_heard(&at->trace, &at->handler, at->rx + at->rx_len, (size_t)n);
        at->rx_len += (size_t)n;
        return OK;
    }
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? OK : ERR_CLOSED;
}

static void drain_wake(struct at *at)
{
    uint64_t count;
    if (read(at->wake_fd, &count, sizeof count) < 0)
        return; /* EAGAIN: somebody was faster */
}

static void tell_woken(struct at *at, bool *woken)
{
    drain_wake(at);
    if (woken) {
        *woken = true;
        return;
    }
    at->in_handler = true;
    at->handler.woken(at->handler.ctx);
    at->in_handler = false;
}

/* poll() for ms at most; *revents is 0 when nothing happened to fd.  ERR_EMPTY: nothing happened at all.
 * woken: set when wake_fd was signalled; NULL while a command runs: the handler is told instead. */
static enum err wait_for(struct at *at, short events, int ms, bool *woken, short *revents)
{
    struct pollfd fds[2] = {{at->fd, events, 0}, {at->wake_fd, POLLIN, 0}};
    bool watch = at->wake_fd >= 0 && (woken || at->handler.woken);
    int n = pulse_poll(fds, watch ? 2 : 1, ms);
    *revents = 0;
    if (n == 0)
        return ERR_EMPTY;
    if (n < 0)
        return errno == EINTR ? OK : ERR_CLOSED;
    if (fds[1].revents)
        tell_woken(at, woken);
    *revents = fds[0].revents;
    return OK;
}

/* Waits for bytes and reads once.  ERR_EMPTY: all was quiet for as long as we may wait. */
static enum err await_bytes(struct at *at, bool *woken)
{
    short revents;
    int ms;
    enum err e = time_left(at, &ms);
    if (e)
        return e;
    if (at_lex_maybe_prompt(&at->lex) && ms > PROMPT_SETTLE_MS)
        ms = PROMPT_SETTLE_MS;
    e = wait_for(at, POLLIN, ms, woken, &revents);
    return e == OK && revents ? read_once(at) : e;
}

static bool next_token(struct at *at, struct at_token *t)
{
    at->rx_at += at_lex_feed(&at->lex, at->rx + at->rx_at, at->rx_len - at->rx_at, t);
    return t->kind != AT_TOKEN_NONE;
}

/* ---- lines: answer or unsolicited ---- */

static void hand_out(struct at *at, const char *line, const char *pdu)
{
    struct at_result late;
    if (at->owed && !pdu && at_final_parse(line, false, &late))
        at->owed--;
    at->heard++;
    at->in_handler = true;
    at->handler.unsolicited(at->handler.ctx, line, pdu);
    at->in_handler = false;
}

static bool begins_with_name(const char *line, const char *name, size_t n)
{
    return n && strncmp(line, name, n) == 0 && (line[n] == ':' || line[n] == '\0');
}

static bool is_answer(const struct at *at, const struct at_token *t)
{
    if (!at->prefix || t->stale)
        return false;
    if (*at->prefix)
        return begins_with_name(t->line, at->prefix, strlen(at->prefix));
    return begins_with_name(t->line, at->name, strcspn(at->name, "?=")) ||
           !(t->pdu || at_line_is_chatter(t->line));
}

static void keep_line(struct at *at, const char *line)
{
    size_t n = strlen(line) + 1;
    if (at->truncated || n > sizeof at->text - at->text_len) {
        at->truncated = true;
        return;
    }
    memcpy(at->text + at->text_len, line, n);
    at->text_len += n;
    at->lines++;
}

static void take_line(struct at *at, const struct at_token *t)
{
    if (!is_answer(at, t)) {
        hand_out(at, t->line, t->pdu);
        return;
    }
    keep_line(at, t->line);
    if (t->pdu)
        keep_line(at, t->pdu);
    at->truncated = at->truncated || t->cut;
}

/* Until a final result or the prompt. */
static enum err await_token(struct at *at, struct at_token *t)
{
    for (;;) {
        while (next_token(at, t)) {
            if (t->kind == AT_TOKEN_FINAL || t->kind == AT_TOKEN_PROMPT)
                return OK;
            if (t->kind == AT_TOKEN_LINE)
                take_line(at, t);
        }
        enum err e = await_bytes(at, NULL);
        if (e == ERR_EMPTY && at_lex_quiet(&at->lex, t))
            return OK;
        if (e && e != ERR_EMPTY)
            return e;
    }
}

/* Every line that is there already; no command is running. */
static void hand_out_all(struct at *at)
{
    struct at_token t;
    while (next_token(at, &t))
        if (t.kind == AT_TOKEN_LINE || t.kind == AT_TOKEN_FINAL)
            hand_out(at, t.line, t.pdu);
}

/* ---- bytes out ---- */

/* While the modem takes nothing we go on listening: it may itself be waiting for us to read. */
static enum err await_room(struct at *at)
{
    short listen = at->rx_len < sizeof at->rx ? POLLIN : 0, revents;
    int ms;
    enum err e = time_left(at, &ms);
    if (e)
        return e;
    e = wait_for(at, (short)(POLLOUT | listen), ms, NULL, &revents);
    if (e && e != ERR_EMPTY)
        return e;
    return revents & listen ? read_once(at) : OK; /* without room the clock decides */
}

static ssize_t write_once(const struct at *at, const char *bytes, size_t n)
{
    return at->socket ? send(at->fd, bytes, n, MSG_NOSIGNAL) : write(at->fd, bytes, n);
}

/* *started (may be NULL) becomes true with the first byte that was taken. */
static enum err write_all(struct at *at, const char *bytes, size_t n, bool *started)
{
    at_trace_said(&at->trace, &at->handler, bytes, n);
    while (n) {
        ssize_t taken = write_once(at, bytes, n);
        if (taken > 0) {
            bytes += taken;
            n -= (size_t)taken;
            if (started)
                *started = true;
            continue;
        }
        if (taken < 0 && errno != EAGAIN && errno != EINTR)
            return ERR_CLOSED;
        enum err e = await_room(at);
        if (e)
            return e;
    }
    return OK;
}

static enum err send_text(struct at *at, const char *text, char end, bool *started)
{
    size_t n = strlen(text);
    memcpy(at->tx, text, n);
    at->tx[n] = end;
    return write_all(at, at->tx, n + 1, started);
}

/* A CR, ESC or Ctrl-Z in the middle would end the command. */
static bool is_sendable(const char *s)
{
    size_t n = 0;
    for (; s[n]; n++)
        if ((unsigned char)s[n] < ' ' || s[n] == 0x7F)
            return false;
    return n < AT_LINE_MAX;
}

/* ---- commands ---- */

/* What came before the command is no answer to it: bytes that are here are read and handed out first. */
static enum err hear_first(struct at *at)
{
    hand_out_all(at);
    enum err e = read_once(at);
    hand_out_all(at);
    return e;
}

static void fill_reply(const struct at *at, struct at_reply *reply)
{
    *reply = (struct at_reply){.final = at->result.final, .code = at->result.code};
    memcpy(reply->words, at->result.words, sizeof reply->words);
    reply->lines = (unsigned)at->lines;
    reply->text = at->text;
    reply->truncated = at->truncated;
}

static enum err finish(struct at *at, enum err e, const struct at_token *t, struct at_reply *reply)
{
    if (e == OK) {
        at->result = *t->result;
        if (reply)
            fill_reply(at, reply);
    }
    at->poisoned = at->poisoned || e == ERR_TIMEOUT;
    at->owed += e == ERR_TIMEOUT;
    at_lex_expect(&at->lex, NULL);
    at->prefix = NULL;
    return e;
}

static enum err begin(struct at *at, const struct at_expect *expect, int timeout_ms)
{
    if (at->poisoned || at->in_handler)
        return ERR_BUSY;
    if (!is_sendable(expect->command))
        return ERR_SYNTAX;
    enum err e = hear_first(at);
    if (e)
        return e;
    at->prefix = expect->prefix;
    at->name = strlen(expect->command) > 2 ? expect->command + 2 : "";
    at->lines = 0;
    at->text_len = 0;
    at->truncated = false;
    at->hurried = INT64_MAX;
    set_deadline(at, timeout_ms);
    at_lex_expect(&at->lex, expect);
    e = send_text(at, expect->command, '\r', NULL);
    return e ? finish(at, e, NULL, NULL) : OK;
}

enum err at_command(struct at *at, struct at_reply *reply, int timeout_ms, const char *prefix,
                    const char *command)
{
    struct at_token t;
    struct at_expect expect = {.command = command, .prefix = prefix};
    enum err e = begin(at, &expect, timeout_ms);
    if (e)
        return e;
    e = await_token(at, &t);
    return finish(at, e, &t, reply);
}

enum err at_ok(struct at *at, struct at_reply *reply, int timeout_ms, const char *prefix,
               const char *command)
{
    enum err e = at_command(at, reply, timeout_ms, prefix, command);
    return e == OK && at->result.final != AT_OK ? ERR_REFUSED : e;
}

/* Out of a text mode that we may be in; the line is poisoned anyway when it cannot be written. */
static void send_escape(struct at *at)
{
    at_trace_said(&at->trace, &at->handler, ESC, 1);
    (void)!write_once(at, ESC, 1);
}

/* "+CMGS: 41" and then nothing: it is known to have gone out, whatever became of the OK. */
static void hand_out_answer(struct at *at)
{
    const char *line = at->text;
    for (; at->lines; at->lines--) {
        size_t n = strlen(line) + 1;
        hand_out(at, line, NULL);
        line += n;
    }
}

/* Behind the prompt. */
static enum err send_pdu(struct at *at, const struct at_expect *expect, int timeout_ms,
                         bool *committed, struct at_token *t)
{
    set_deadline(at, timeout_ms);
    if (at->hurried < at->deadline)
        at->deadline = at->hurried;
    at_lex_expect(&at->lex, expect);
    enum err e = send_text(at, expect->payload, CTRL_Z, committed);
    if (e == OK)
        e = await_token(at, t);
    if (e)
        hand_out_answer(at);
    return e;
}

enum err at_command_pdu(struct at *at, struct at_reply *reply, int prompt_ms, int timeout_ms,
                        const char *prefix, const char *command, const char *pdu_hex,
                        bool *committed)
{
    struct at_token t;
    struct at_expect expect = {.command = command, .prefix = prefix, .prompt = true};
    *committed = false;
    if (!is_sendable(pdu_hex))
        return ERR_SYNTAX;
    enum err e = begin(at, &expect, prompt_ms);
    if (e)
        return e;
    e = await_token(at, &t);
    if (e == ERR_TIMEOUT)
        send_escape(at);
    if (e == OK && t.kind == AT_TOKEN_PROMPT) {
        expect = (struct at_expect){.command = command, .prefix = prefix, .payload = pdu_hex};
        e = send_pdu(at, &expect, timeout_ms, committed, &t);
    }
    return finish(at, e, &t, reply);
}

/* ---- between commands ---- */

enum err at_idle(struct at *at, int timeout_ms)
{
    bool woken = false;
    if (at->in_handler)
        return ERR_BUSY;
    set_deadline(at, timeout_ms);
    at->heard = 0;
    for (;;) {
        hand_out_all(at);
        if (at->heard || woken)
            return OK;
        enum err e = await_bytes(at, &woken);
        if (e && e != ERR_EMPTY)
            return e;
    }
}

/* Hands out what comes until nothing came for HUSH_MS; under chatter without end for half the attempt. */
static enum err hush(struct at *at, int64_t attempt_end)
{
    int64_t now = clk_mono_ms(), half = now + (attempt_end - now) / 2;
    int64_t end = now + HUSH_MAX_MS < half ? now + HUSH_MAX_MS : half;
    enum err e = OK;
    hand_out_all(at); /* what was read while a write had to wait */
    while (e == OK && clk_mono_ms() < end) {
        set_deadline(at, HUSH_MS);
        e = await_bytes(at, NULL);
        hand_out_all(at);
    }
    return e == ERR_CLOSED ? e : OK;
}

/* A header without its PDU, half a line: nothing will complete them any more. */
static void hand_out_rest(struct at *at)
{
    struct at_token t;
    while (at_lex_flush(&at->lex, &t))
        if (t.kind == AT_TOKEN_LINE)
            hand_out(at, t.line, t.pdu);
}

/* Until a final result of "AT": a +CMS ERROR is a late one of the PDU before, not the one that is owed. */
static enum err await_at(struct at *at, struct at_token *t)
{
    enum err e;
    while ((e = await_token(at, t)) == OK && t->result->final == AT_CMS_ERROR) {
        at->owed += at->owed == 1;
        hand_out(at, t->line, NULL);
    }
    return e;
}

/* One try to resynchronise: it may take until `end`. */
struct attempt {
    bool escape, drain; /* drain: says nothing, only takes what is owed */
    bool words;         /* asks for results, in words: somebody may have left it at ATQ1 or ATV0 */
    bool any, at_once;  /* results came; the first of them did so at once */
    bool clean;         /* the last was OK, none was one more than we ever asked for */
    int64_t end;
};

/* Final results until none is owed and then silence.  Behind one that came at once those that are owed would come
 * at once, too: such a modem is not slow, it never heard the commands. */
static enum err take_results(struct at *at, struct attempt *a)
{
    struct at_token t;
    int64_t asked = clk_mono_ms();
    enum err e;
    set_deadline(at, (int)(a->end - asked));
    while ((e = await_at(at, &t)) == OK) {
        if (!a->any)
            a->at_once = !a->drain && clk_mono_ms() - asked < AT_ONCE_MS;
        a->any = true;
        a->clean = t.result->final == AT_OK && at->owed > 0;
        at->owed -= at->owed > 0;
        if (at->owed == 0 || a->at_once)
            set_deadline(at, SILENCE_MS);
    }
    return e;
}

/* One ESC and one AT.  OK: its OK came, nothing is owed and nothing was too much.
 * ERR_REFUSED: an ERROR, or results that may be another command's. */
static enum err resync_once(struct at *at, struct attempt *a)
{
    const struct at_expect expect = {.command = a->words ? "ATQ0V1" : "AT"};
    if (a->escape)
        send_escape(at);
    enum err e = hush(at, a->end);
    hand_out_rest(at);
    if (e)
        return e;
    at_lex_expect(&at->lex, &expect);
    set_deadline(at, (int)(a->end - clk_mono_ms()));
    if (!a->drain) {
        at->owed++;
        e = send_text(at, expect.command, '\r', NULL);
    }
    if (e == OK)
        e = take_results(at, a);
    at_lex_expect(&at->lex, NULL);
    bool all = a->clean && at->owed == 0 && !a->drain;
    return e != ERR_TIMEOUT || !a->any ? e : all ? OK : ERR_REFUSED;
}

/* A modem that takes seconds has a queue of what we asked, and each answer would be taken for the next command's:
 * until it has given them all it is asked nothing more.  One that was deaf has lost them; that it says OK at once,
 * twice, tells.  ESC not each time: some modems take it and AT for one command that they do not know. */
enum err at_resync(struct at *at, int timeout_ms)
{
    int64_t now, end = clk_mono_ms() + timeout_ms;
    unsigned at_once = 0;
    bool late = false, slow = false;
    enum err e = ERR_TIMEOUT;
    if (at->in_handler)
        return ERR_BUSY;
    at->prefix = NULL;
    at->hurried = INT64_MAX;
    for (unsigned i = 0; (now = clk_mono_ms()) < end && now < at->hurried; i++) {
        struct attempt a = {
            .escape = i % 2 == 0 && !slow, .drain = slow && at->owed, .words = i % 3 == 2 && !slow};
        unsigned owed = at->owed + !a.drain;
        a.end = now + (slow ? SLOW_FACTOR * timeout_ms : timeout_ms / 3);
        a.end = a.end < end ? a.end : end;
        e = resync_once(at, &a);
        at_once = a.at_once && a.clean ? at_once + 1 : 0;
        if (at_once == 2 && e == ERR_REFUSED)
            e = OK;
        if (e != ERR_TIMEOUT && e != ERR_REFUSED)
            break;
        if (!late && at->owed && at->owed < owed)
            end = clk_mono_ms() + 2 * SLOW_FACTOR * timeout_ms;
        late = late || (at->owed && at->owed < owed);
        slow = slow || (late && !a.at_once);
        if (a.drain && at->owed == owed)
            at->owed = 0; /* they would be here by now */
    }
    at->poisoned = at->poisoned && e != OK;
    at->owed = e == OK ? 0 : at->owed;
    return e == ERR_REFUSED ? ERR_TIMEOUT : e;
}
