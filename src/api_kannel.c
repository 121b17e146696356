/* api_kannel.c - GET /cgi-bin/sendsms as Kannel's smsbox has it (its user guide, "Using the HTTP interface to send SMS").
 * Refuses to know how a message is kept and sent.
 * Promises: status and sentence are Kannel's where Kannel has one; what we cannot do is refused, never dropped in silence. */
#include <iconv.h>
#include <stdio.h>
#include <string.h>

#include "api_post.h"
#include "clock.h"
#include "text.h"

#define VALUE_MAX    8192 /* as long as a request's head may be */
#define PRIORITY_MAX 3
#define MASK_OURS    (1 | 2 | 16) /* delivered, not delivered, refused by the network */
#define MASK_MAX     63

enum param {
    USERNAME,
    PASSWORD,
    FROM,
    TO,
    TEXT,
    CHARSET,
    CODING,
    UDH,
    MCLASS,
    DLR_MASK,
    DLR_URL,
    PRIORITY,
    VALIDITY,
    DEFERRED,
    PARAMS
};
/* With the names that old clients use. */
static const struct {
    const char *name, *old;
} names[PARAMS] = {
    [USERNAME] = {"username", "user"}, [PASSWORD] = {"password", "pass"},
    [FROM] = {"from", NULL},           [TO] = {"to", NULL},
    [TEXT] = {"text", NULL},           [CHARSET] = {"charset", NULL},
    [CODING] = {"coding", NULL},       [UDH] = {"udh", NULL},
    [MCLASS] = {"mclass", NULL},       [DLR_MASK] = {"dlr-mask", "dlrmask"},
    [DLR_URL] = {"dlr-url", "dlrurl"}, [PRIORITY] = {"priority", NULL},
    [VALIDITY] = {"validity", NULL},   [DEFERRED] = {"deferred", NULL},
};

struct sendsms {
    struct api_arena *arena;
    struct api_body body;
    char *value[PARAMS]; /* decoded; NULL: not given */
    size_t n[PARAMS];
    struct api_value to[API_RECIPIENTS_MAX];
    size_t to_n;
    char denied[VALUE_MAX * 2]; /* " Denied receivers are: …" */
    const char *why;            /* of a refusal */
    enum err fatal;
};

static void answer(struct http_request *rq, unsigned status, const char *text)
{
    static const struct http_line no_store = {"Cache-Control", "no-store"};
    http_answer_bytes(rq, status, "text/plain; charset=utf-8", text, strlen(text), &no_store, 1);
}

static void refuse_login(struct api_call *call, bool given)
{
    (void)given;
    answer(call->rq, 403, "Authorization failed for sendsms");
}

/* ---- the query ---- */

static bool take_param(void *ctx, const char *key, const char *value)
{
    struct sendsms *s = ctx;
    for (int p = 0; p < PARAMS && value; p++) {
        bool ours = strcmp(key, names[p].name) == 0;
        bool old = names[p].old && strcmp(key, names[p].old) == 0;
        if (!ours && (!old || s->value[p]))
            continue;
        s->value[p] = api_arena_copy(s->arena, value, strlen(value));
        if (!s->value[p]) {
            s->fatal = ERR_NO_MEMORY;
            return false;
        }
        s->n[p] = http_unescape(s->value[p]);
    }
    return true;
}

static const char *given(const struct sendsms *s, enum param p)
{
    return s->value[p] ? s->value[p] : "";
}

static bool is_given(const struct sendsms *s, enum param p)
{
    return s->n[p] > 0;
}

/* A number of a parameter; false, said, where it is none.  Kannel takes what is no number as if it were not there;
 * here it is refused. */
static bool number(struct sendsms *s, enum param p, int64_t max, const char *why, int64_t *out)
{
    if (is_given(s, p) && (strlen(s->value[p]) != s->n[p] || text_int(s->value[p], 0, max, out)))
        s->why = why;
    return s->why == NULL;
}

static void set(struct sendsms *s, enum api_field f, const char *text)
{
    struct api_value *v = &s->body.field[f];
    *v = (struct api_value){.kind = API_TEXT, .n = strlen(text)};
    v->text = api_arena_copy(s->arena, text, v->n);
    if (!v->text)
        s->fatal = ERR_NO_MEMORY;
}

static void set_number(struct sendsms *s, enum api_field f, int64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)n);
    set(s, f, text);
}

/* ---- to ---- */

/* Kannel's clients write 4915…, 004915… and +4915…: all are international here. */
static bool international(const char *word, char out[PHONE_MAX])
{
    char plus[PHONE_MAX + 2];
    const char *digits = word + (*word == '+' ? 1 : strncmp(word, "00", 2) == 0 ? 2 : 0), *why;
    return snprintf(plus, sizeof plus, "+%s", digits) < (int)sizeof plus &&
           phone_normalise(plus, out, &why) == OK;
}

static bool is_twice(const struct sendsms *s, const char *number)
{
    for (size_t i = 0; i < s->to_n; i++) {
        if (strcmp(s->to[i].text, number) == 0)
            return true;
    }
    return false;
}

static void deny(struct sendsms *s, const char *word)
{
    size_t n = strlen(s->denied);
    snprintf(s->denied + n, sizeof s->denied - n, "%s %.40s",
             n ? "" : " Denied receivers are:", word);
}

static void take_word(struct sendsms *s, const char *word)
{
    char number[PHONE_MAX];
    if (!international(word, number) || s->to_n == API_RECIPIENTS_MAX) {
        deny(s, word);
        return;
    }
    if (is_twice(s, number))
        return;
    struct api_value *v = &s->to[s->to_n];
    *v = (struct api_value){.kind = API_TEXT, .n = strlen(number)};
    v->text = api_arena_copy(s->arena, number, v->n);
    if (v->text)
        s->to_n++;
    else
        s->fatal = ERR_NO_MEMORY;
}

static void take_to(struct sendsms *s)
{
    if (!is_given(s, TO)) {
        s->why = s->value[TO] ? "Empty receiver number not allowed, rejected"
                              : "Missing receiver number, rejected";
        return;
    }
    for (char *w = s->value[TO] + strspn(s->value[TO], " "), *end; *w; w = end + strspn(end, " ")) {
        end = w + strcspn(w, " ");
        end += *end && (*end = '\0', true);
        take_word(s, w);
    }
    if (s->to_n == 0)
        s->why = "Number(s) has/have been denied by white- and/or black-lists.";
    s->body.field[API_RECIPIENT] =
        (struct api_value){.kind = API_LIST, .items = s->to, .count = s->to_n};
}

/* ---- text ---- */

/* Those that Kannel's clients send; a name of the client's own never reaches iconv. */
static const char *known_charset(const char *name)
{
    static const char *const known[] = {
        "UTF-8",        "UTF-16BE",     "UTF-16LE",     "UTF-16",       "ISO-8859-1",
        "ISO-8859-2",   "ISO-8859-5",   "ISO-8859-7",   "ISO-8859-9",   "ISO-8859-15",
        "WINDOWS-1250", "WINDOWS-1251", "WINDOWS-1252", "WINDOWS-1253", "WINDOWS-1254",
        "US-ASCII",     "KOI8-R"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (text_equal_nocase(name, known[i]))
            return known[i];
    }
    return text_equal_nocase(name, "LATIN1")  ? "ISO-8859-1"
           : text_equal_nocase(name, "UCS-2") ? "UTF-16BE"
                                              : NULL;
}

/* The whole of it or nothing. */
static enum err to_utf8(struct sendsms *s, const char *charset)
{
    size_t room = s->n[TEXT] * 4 + 4, in_left = s->n[TEXT], left = room;
    char *in = s->value[TEXT], *out = api_arena_take(s->arena, room + 1), *to = out;
    iconv_t cd = out ? iconv_open("UTF-8", charset) : (iconv_t)-1;
    if (cd == (iconv_t)-1)
        return out ? ERR_UNSUPPORTED : ERR_NO_MEMORY;
    size_t done = iconv(cd, &in, &in_left, &to, &left);
    iconv_close(cd);
    if (done == (size_t)-1 || in_left)
        return ERR_SYNTAX;
    *to = '\0';
    s->value[TEXT] = out;
    s->n[TEXT] = room - left;
    return OK;
}

static void take_text(struct sendsms *s, int64_t coding)
{
    const char *charset = is_given(s, CHARSET) ? known_charset(s->value[CHARSET])
                          : coding == 2        ? "UTF-16BE"
                                               : "UTF-8";
    if (!is_given(s, TEXT))
        s->why = "Empty text not allowed, rejected.";
    else if (!charset || to_utf8(s, charset) || memchr(s->value[TEXT], '\0', s->n[TEXT]))
        s->why = "Charset or body misformed, rejected";
    else
        s->body.field[API_MESSAGE] =
            (struct api_value){.kind = API_TEXT, .text = s->value[TEXT], .n = s->n[TEXT]};
}

/* ---- the rest ---- */

/* Ours is a POST of the status: what a URL of Kannel's would have us fill in, we do not know at acceptance. */
static void take_dlr(struct sendsms *s)
{
    int64_t mask = 0;
    if (!number(s, DLR_MASK, MASK_MAX, "DLR-Mask field misformed, rejected", &mask))
        return;
    if (!is_given(s, DLR_URL) || mask == 0)
        return;
    if (mask & ~MASK_OURS)
        s->why = "DLR-Mask not supported, rejected: 1, 2 and 16 and their sums are (delivered, not "
                 "delivered, refused)";
    else if (strchr(s->value[DLR_URL], '%'))
        s->why =
            "DLR-URL not supported, rejected: no escape codes (%d …); the status is POSTed as JSON";
    else if (!text_starts_nocase(s->value[DLR_URL], "http://") &&
             !text_starts_nocase(s->value[DLR_URL], "https://"))
        s->why = "DLR-URL field misformed, rejected";
    else
        set(s, API_CALLBACKURL, s->value[DLR_URL]);
}

static void take_times(struct sendsms *s, int64_t now_ms)
{
    int64_t validity = 0, deferred = 0, priority = 0;
    char at[CLK_TEXT_MAX];
    if (!number(s, VALIDITY, INT32_MAX, "Validity field misformed, rejected", &validity) ||
        !number(s, DEFERRED, INT32_MAX, "Deferred field misformed, rejected", &deferred) ||
        !number(s, PRIORITY, PRIORITY_MAX, "Priority field misformed, rejected", &priority))
        return;
    if (is_given(s, VALIDITY))
        set_number(s, API_VALIDITY, validity * 60);
    if (deferred)
        set(s, API_SEND_AT, clk_format(now_ms + deferred * CLK_MINUTE_MS, at));
    if (priority)
        set_number(s, API_PRIORITY, 5 + priority); /* 0 is Kannel's default, 5 is ours */
}

static void take_sender(struct sendsms *s)
{
    if (is_given(s, FROM) && strlen(s->value[FROM]) == s->n[FROM])
        set(s, API_SENDER, s->value[FROM]);
    else
        s->why = "Sender missing and no global set, rejected";
}

/* In Kannel's order; the first fault is told. */
static void take_all(struct sendsms *s, int64_t now_ms)
{
    int64_t coding = 0, mclass = -1;
    take_to(s);
    if (!s->why && is_given(s, UDH))
        s->why = "UDH not supported, rejected";
    if (!s->why)
        take_sender(s);
    if (!s->why)
        take_dlr(s);
    if (!s->why && number(s, MCLASS, 3, "MClass field misformed, rejected", &mclass) && mclass == 0)
        set(s, API_FLASH, "true");
    if (!s->why && number(s, CODING, 2, "Coding field misformed, rejected", &coding) && coding == 1)
        s->why = "Coding 1 (8 bit) not supported, rejected";
    if (!s->why)
        take_times(s, now_ms);
    if (!s->why)
        take_text(s, coding);
}

/* ---- what came of it ---- */

static void accepted(struct api_post *p)
{
    const struct sendsms *s = p->state;
    char text[sizeof s->denied + 32];
    snprintf(text, sizeof text, "0: Accepted for delivery%s", s->denied);
    answer(p->rq, 202, text);
}

static void opted_out(struct api_post *p)
{
    struct sendsms *s = p->state;
    for (size_t i = 0; i < p->accept.count; i++) {
        if (p->accept.denied[i])
            deny(s, p->fields.recipient[i]);
    }
    if (!api_post_again(p))
        answer(p->rq, 400, "Number(s) has/have been denied by white- and/or black-lists.");
}

static void outcome(struct api_post *p, enum err result)
{
    if (result == OK)
        accepted(p);
    else if (result == ERR_DENIED)
        opted_out(p);
    else
        answer(p->rq, 503, "Temporal failure, try again later.");
}

/* What our own rules say of a field, behind Kannel's sentence: {"validity":["Ensure …"]} */
static void refuse_fields(struct http_request *rq, const struct buf *errors)
{
    struct buf text;
    buf_init(&text, VALUE_MAX);
    buf_addf(&text, "Field misformed, rejected: %s", buf_str(errors));
    answer(rq, 400, buf_str(&text));
    buf_free(&text);
}

static void check_and_send(struct api_call *call, struct api_post *p, struct sendsms *s)
{
    struct buf errors;
    buf_init(&errors, VALUE_MAX);
    enum err e = api_check_fields(call, &p->arena, p->now_ms, &s->body, &p->fields, &errors);
    if (e == ERR_RANGE)
        refuse_fields(call->rq, &errors);
    else if (e)
        outcome(p, e);
    else
        api_post_send(call, p, NULL);
    buf_free(&errors);
}

void api_kannel_get(struct api_call *call)
{
    if (!call->api->o.kannel) {
        api_empty(call->rq, 404);
        return;
    }
    if (strcmp(http_method(call->rq), "GET") != 0) { /* a HEAD must not send */
        api_detail_with(call->rq, 405, "Method \"HEAD\" not allowed.", "Allow", "GET");
        return;
    }
    struct api_post *p = api_post_new(call, outcome);
    if (!p)
        return;
    struct sendsms *s = p->state = api_arena_take(&p->arena, sizeof *s);
    if (!s) {
        outcome(p, ERR_NO_MEMORY);
        return;
    }
    memset(s, 0, sizeof *s);
    s->arena = &p->arena;
    http_query(call->rq, take_param, s);
    if (!api_auth_login_as(call, given(s, USERNAME), given(s, PASSWORD), refuse_login))
        return;
    p->account = call->account;
    take_all(s, p->now_ms);
    if (s->fatal || s->why)
        s->fatal ? outcome(p, s->fatal) : answer(call->rq, 400, s->why);
    else
        check_and_send(call, p, s);
}
