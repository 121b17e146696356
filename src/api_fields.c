/* api_fields.c - the fields of a message to send, validated all at once.
 * Refuses to know HTTP.  Promises: see api_fields.h. */
#include "api_fields.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "status.h"
#include "text.h"

#define VALIDITY_MIN_S   300
#define VALIDITY_MAX_S   38102400 /* 63 weeks, TP-VP's largest step: 23.040 9.2.3.12.1 */
#define SEND_AHEAD_MS    (90 * CLK_DAY_MS)
#define PRIORITY_DEFAULT 5
#define TAGS_MAX         8192 /* bytes of them as JSON */

struct check {
    struct api_arena *arena;
    const struct api_fields_rules *rules;
    struct api_fields *out;
    struct buf *errors;
    const char *name; /* of the field being checked */
    bool failed;      /* this field */
    bool any;
    enum err fatal;
};

/* Several errors of one field stand in one array. */
static void fail(struct check *c, const char *text)
{
    if (!c->failed) {
        buf_add(c->errors, c->any ? "," : "{", 1);
        status_json_string(c->errors, c->name);
    }
    buf_add_str(c->errors, c->failed ? "," : ":[");
    status_json_string(c->errors, text);
    c->failed = c->any = true;
}

static void fail_value(struct check *c, const char *value, const char *text)
{
    char line[160];
    snprintf(line, sizeof line, "\"%.80s\"%s", value, text);
    fail(c, line);
}

static void *keep(struct check *c, void *memory)
{
    if (!memory)
        c->fatal = ERR_NO_MEMORY;
    return memory;
}

/* ---- what is common to all ---- */

static bool is_text(struct check *c, const struct api_value *v)
{
    if (v->kind == API_TWICE)
        fail(c, "This field was given more than once.");
    else if (v->kind != API_TEXT)
        fail(c, "Not a valid string.");
    else if (memchr(v->text, '\0', v->n))
        fail(c, "Null characters are not allowed.");
    else if (text_utf8_check(v->text, v->n))
        fail(c, "Not valid UTF-8.");
    return !c->failed;
}

/* The text of a field that may be left out: NULL where it is, or is empty, or has failed. */
static const char *optional(struct check *c, const struct api_value *v)
{
    if (v->kind == API_ABSENT || v->kind == API_NULL || !is_text(c, v))
        return NULL;
    return v->n ? v->text : NULL;
}

/* The text of a field that must be there; NULL: it has failed. */
static const char *required(struct check *c, const struct api_value *v)
{
    if (v->kind == API_ABSENT)
        fail(c, "This field is required.");
    else if (v->kind == API_NULL)
        fail(c, "This field may not be null.");
    else if (is_text(c, v) && v->n == 0)
        fail(c, "This field may not be blank.");
    return c->failed ? NULL : v->text;
}

static bool flag(struct check *c, const struct api_value *v)
{
    struct api_value text = *v;
    if (v->kind == API_BOOL)
        text.kind = API_TEXT;
    const char *s = optional(c, &text);
    if (!s || text_equal_nocase(s, "false") || strcmp(s, "0") == 0)
        return false;
    if (!text_equal_nocase(s, "true") && strcmp(s, "1") != 0)
        fail(c, "Must be a valid boolean.");
    return !c->failed;
}

static int64_t number(struct check *c, const struct api_value *v, int64_t min, int64_t max,
                      int64_t fallback)
{
    char text[80];
    int64_t value = fallback;
    const char *s = optional(c, v);
    enum err e = s ? text_int(s, INT64_MIN / 2, INT64_MAX / 2, &value) : OK;
    if (e == ERR_SYNTAX) {
        fail(c, "A valid integer is required.");
    } else if (e || (s && (value < min || value > max))) {
        bool low = e ? *s == '-' : value < min;
        snprintf(text, sizeof text, "Ensure this value is %s than or equal to %lld.",
                 low ? "greater" : "less", (long long)(low ? min : max));
        fail(c, text);
    }
    return c->failed ? fallback : value;
}

/* ---- one function a field ---- */

static void check_track_link(struct check *c, const struct api_value *v)
{
    c->out->track_link = flag(c, v);
}

static void check_message(struct check *c, const struct api_value *v)
{
    const char *text = required(c, v);
    c->out->message = text;
    if (!text)
        return;
    enum err e =
        api_text_make(c->arena, &c->rules->text, text, v->n, c->out->track_link, &c->out->text);
    if (e == ERR_NO_MEMORY)
        c->fatal = e;
    else if (e)
        fail(c, "Message too long");
}

/* NULL: out is the number. */
static const char *recipient_fault(const struct api_value *v, char out[PHONE_MAX])
{
    const char *why;
    if (v->kind != API_TEXT || memchr(v->text, '\0', v->n))
        return "Not a valid string.";
    return phone_normalise(v->text, out, &why) ? why : NULL;
}

/* Each bad one with its index, counted from 0. */
static void check_recipients(struct check *c, const struct api_value *list)
{
    char line[200];
    for (size_t i = 0; i < list->count; i++) {
        const char *why = recipient_fault(&list->items[i], c->out->recipient[i]);
        if (!why)
            continue;
        snprintf(line, sizeof line, "%zu: %s", i, why);
        fail(c, line);
    }
}

static void check_recipient(struct check *c, const struct api_value *v)
{
    bool list = v->kind == API_LIST;
    size_t n = list ? v->count : 1;
    if (list && (n == 0 || n > API_RECIPIENTS_MAX))
        fail(c, n ? "Ensure this field has no more than 1000 elements."
                  : "This list may not be empty.");
    else if (!list)
        required(c, v);
    if (c->failed)
        return;
    c->out->recipients = n;
    c->out->recipient_list = list;
    c->out->recipient = keep(c, api_arena_take(c->arena, n * sizeof *c->out->recipient));
    if (c->out->recipient && list)
        check_recipients(c, v);
    const char *why = c->out->recipient && !list ? recipient_fault(v, *c->out->recipient) : NULL;
    if (why)
        fail(c, why);
}

static void check_sender(struct check *c, const struct api_value *v)
{
    const char *why;
    c->out->sender = required(c, v);
    if (c->out->sender && phone_sender_check(c->out->sender, &why))
        fail(c, why);
}

static const char *check_url(struct check *c, const struct api_value *v)
{
    char url[URL_MAX + 1], why[URL_WHY_MAX] = "";
    const char *text = optional(c, v);
    if (!text)
        return NULL;
    enum err e = url_normalise(text, url, why);
    if (!e)
        e = url_policy_judge_url(c->rules->policy, url, why);
    if (e) {
        fail(c, why[0] ? why : "Enter a valid URL.");
        return NULL;
    }
    return keep(c, api_arena_copy(c->arena, url, strlen(url)));
}

static void check_callbackurl(struct check *c, const struct api_value *v)
{
    c->out->callbackurl = check_url(c, v);
}

static void check_lt_callbackurl(struct check *c, const struct api_value *v)
{
    c->out->lt_callbackurl = check_url(c, v);
}

/* One tag of n bytes, trimmed, as a JSON string behind the others; an empty one is dropped. */
static void put_tag(struct check *c, struct buf *json, const char *s, size_t n)
{
    while (n > 0 && strchr(" \t\r\n", *s))
        s++, n--;
    while (n > 0 && strchr(" \t\r\n", s[n - 1]))
        n--;
    if (n == 0)
        return;
    char *tag = keep(c, api_arena_copy(c->arena, s, n));
    if (json->len > 1)
        buf_add(json, ",", 1);
    status_json_string(json, tag);
}

/* One text may hold several, with commas; an item of a JSON array is one tag. */
static void put_tags(struct check *c, struct buf *json, const struct api_value *v, bool split)
{
    if (!is_text(c, v))
        return;
    for (const char *s = v->text, *end = s + v->n; s < end && json->err == OK;) {
        size_t n = split ? strcspn(s, ",") : v->n;
        put_tag(c, json, s, n);
        s += n + 1;
    }
}

static void check_tags(struct check *c, const struct api_value *v)
{
    struct buf json;
    buf_init(&json, TAGS_MAX);
    buf_add(&json, "[", 1);
    if (v->kind == API_LIST) {
        for (size_t i = 0; i < v->count && !c->failed; i++)
            put_tags(c, &json, &v->items[i], false);
    } else if (v->kind != API_ABSENT && v->kind != API_NULL) {
        put_tags(c, &json, v, true);
    }
    buf_add(&json, "]", 1);
    if (json.err == ERR_FULL)
        fail(c, "Ensure this field has no more than 8000 characters.");
    else if (json.err)
        c->fatal = json.err;
    c->out->tags = keep(c, api_arena_copy(c->arena, buf_str(&json), json.len));
    buf_free(&json);
}

static void check_validity(struct check *c, const struct api_value *v)
{
    c->out->validity_s = number(c, v, VALIDITY_MIN_S, VALIDITY_MAX_S, 0);
}

static void check_on_uncertain(struct check *c, const struct api_value *v)
{
    const char *s = optional(c, v);
    if (!s)
        return;
    if (strcmp(s, "resend") == 0)
        c->out->on_uncertain = STORE_UNCERTAIN_RESEND;
    else if (strcmp(s, "fail") == 0)
        c->out->on_uncertain = STORE_UNCERTAIN_FAIL;
    else
        fail_value(c, s, " is not a valid choice: resend or fail.");
}

static void check_send_at(struct check *c, const struct api_value *v)
{
    const char *s = optional(c, v);
    if (!s)
        return;
    if (clk_parse(s, &c->out->send_at_ms))
        fail(c, "Not a UTC time: 2026-01-02 03:04:05 or RFC 3339 is wanted.");
    else if (c->out->send_at_ms > c->rules->now_ms + SEND_AHEAD_MS)
        fail(c, "Ensure this time is at most 90 days ahead.");
}

static void check_priority(struct check *c, const struct api_value *v)
{
    c->out->priority = (uint8_t)number(c, v, 0, 9, PRIORITY_DEFAULT);
}

static void check_flash(struct check *c, const struct api_value *v)
{
    c->out->flash = flag(c, v);
}

static void check_modem(struct check *c, const struct api_value *v)
{
    c->out->modem = optional(c, v);
    if (c->out->modem && !c->rules->modem_known(c->rules->ctx, c->out->modem))
        fail_value(c, c->out->modem, " is not the name of a modem.");
}

/* In the order of enum api_field, which is the order they are checked in. */
static void (*const checks[API_SMS_FIELDS])(struct check *c, const struct api_value *v) = {
    [API_TRACK_LINK] = check_track_link,
    [API_MESSAGE] = check_message,
    [API_RECIPIENT] = check_recipient,
    [API_SENDER] = check_sender,
    [API_CALLBACKURL] = check_callbackurl,
    [API_LT_CALLBACKURL] = check_lt_callbackurl,
    [API_TAGS] = check_tags,
    [API_VALIDITY] = check_validity,
    [API_ON_UNCERTAIN] = check_on_uncertain,
    [API_SEND_AT] = check_send_at,
    [API_PRIORITY] = check_priority,
    [API_FLASH] = check_flash,
    [API_MODEM] = check_modem,
};

/* The later of acceptance and send_at, and the validity from then on. */
static void set_times(const struct api_fields_rules *rules, struct api_fields *out)
{
    bool later = out->send_at_ms > rules->now_ms;
    out->due_ms = later ? out->send_at_ms : rules->now_ms;
    int64_t validity_ms = out->validity_s ? out->validity_s * CLK_SECOND_MS : rules->validity_ms;
    out->valid_until_ms = out->due_ms + validity_ms;
}

enum err api_fields_check(struct api_arena *arena, const struct api_fields_rules *rules,
                          const struct api_body *body, struct api_fields *out, struct buf *errors)
{
    struct check c = {.arena = arena, .rules = rules, .out = out, .errors = errors};
    int fields = rules->preview ? API_MESSAGE + 1 : API_SMS_FIELDS;
    *out = (struct api_fields){0};
    for (int f = 0; f < fields && !c.fatal; f++) {
        c.name = api_field_name((enum api_field)f);
        c.failed = false;
        checks[f](&c, &body->field[f]);
        if (c.failed)
            buf_add(errors, "]", 1);
    }
    if (c.any)
        buf_add(errors, "}", 1);
    if (c.fatal || errors->err)
        return ERR_NO_MEMORY;
    if (c.any)
        return ERR_RANGE;
    set_times(rules, out);
    return OK;
}
