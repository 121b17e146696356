/* status.c - rows as the world sees them.
 * Refuses to know HTTP.  Promises: see status.h.  Written straight into the buffer: it is done for every
 * answer, list row and callback. */
#include "status.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "modem.h"
#include "text.h"

/* ---- JSON values ---- */

/* The two-character escapes of RFC 8259 7. */
static char short_escape(unsigned char c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return '\0';
    }
}

/* Bytes of s that need no escape and are UTF-8. */
static size_t plain_run(const char *s, size_t len)
{
    size_t at = 0;
    uint32_t cp;
    while (at < len) {
        unsigned char c = (unsigned char)s[at];
        if (c < 0x20 || c == '"' || c == '\\' || c == 0x7F)
            break;
        if (c < 0x80)
            at++;
        else if (text_utf8_next(s, len, &at, &cp))
            break;
    }
    return at;
}

/* What stands between the quotes. */
static void put_inside(struct buf *out, const char *text)
{
    for (size_t len = strlen(text); len > 0;) {
        size_t run = plain_run(text, len);
        buf_add(out, text, run);
        text += run;
        len -= run;
        if (len == 0)
            break;
        char escape = short_escape((unsigned char)*text);
        if (escape)
            buf_addf(out, "\\%c", escape);
        else if ((unsigned char)*text < 0x80)
            buf_addf(out, "\\u%04x", (unsigned char)*text);
        else
            buf_add_str(out, "\xEF\xBF\xBD"); /* U+FFFD */
        text++;
        len--;
    }
}

void status_json_string(struct buf *out, const char *text)
{
    if (!text) {
        buf_add(out, "null", 4);
        return;
    }
    buf_add(out, "\"", 1);
    put_inside(out, text);
    buf_add(out, "\"", 1);
}

void status_json_number(struct buf *out, double value)
{
    char text[48];
    if (!isfinite(value) || fabs(value) >= 1e15)
        value = 0; /* no price */
    int n = snprintf(text, sizeof text, "%.6f", value);
    while (n > 0 && text[n - 1] == '0')
        n--;
    if (n > 0 && text[n - 1] == '.')
        n--;
    if (n == 2 && memcmp(text, "-0", 2) == 0)
        buf_add(out, "0", 1);
    else
        buf_add(out, text, (size_t)n);
}

/* "key": in front, with a comma unless the object just began. */
static void put_key(struct buf *out, const char *key)
{
    const char *so_far = buf_str(out);
    if (out->len > 0 && so_far[out->len - 1] != '{')
        buf_add(out, ",", 1);
    buf_add(out, "\"", 1);
    buf_add_str(out, key);
    buf_add(out, "\":", 2);
}

static void put_text(struct buf *out, const char *key, const char *value)
{
    put_key(out, key);
    status_json_string(out, value);
}

static void put_integer(struct buf *out, const char *key, int64_t value)
{
    put_key(out, key);
    buf_addf(out, "%lld", (long long)value);
}

/* 0: null. */
static void put_time(struct buf *out, const char *key, int64_t ms)
{
    char text[CLK_TEXT_MAX];
    put_text(out, key, ms ? clk_format(ms, text) : NULL);
}

static void put_flag(struct buf *out, const char *key, bool value)
{
    put_key(out, key);
    buf_add_str(out, value ? "true" : "false");
}

/* ---- a message ---- */

static void put_url(struct buf *out, const struct store_message *m)
{
    put_key(out, "url");
    buf_add(out, "\"", 1);
    put_inside(out, m->url_base ? m->url_base : "");
    buf_addf(out, "/sms/messages/%s/\"", m->msgid);
}

static void put_error(struct buf *out, const struct store_message *m)
{
    put_key(out, "error");
    if (!m->error_code) {
        buf_add_str(out, "null");
        return;
    }
    buf_add(out, "{", 1);
    put_text(out, "code", m->error_code);
    put_text(out, "reason", fault_reason(m->error_code));
    put_text(out, "text", m->error_text ? m->error_text : "");
    buf_add(out, "}", 1);
}

static void put_link(struct buf *out, const struct store_message *m)
{
    put_key(out, "link_tracking");
    buf_add(out, "{", 1);
    put_text(out, "link", m->link);
    put_text(out, "shortlink", m->shortlink);
    put_flag(out, "accessed", m->accessed_ms != 0);
    put_time(out, "accessed_on", m->accessed_ms);
    put_time(out, "expires_on", m->link_expires_ms);
    put_integer(out, "clicks", m->clicks);
    put_integer(out, "bots", m->bots);
    buf_add(out, "}", 1);
}

enum err status_message(const struct store_message *m, struct buf *out)
{
    buf_add(out, "{", 1);
    put_text(out, "msgid", m->msgid);
    put_text(out, "status", store_state_str(m->state));
    put_text(out, "sender", m->sender);
    put_text(out, "recipient", m->recipient);
    put_time(out, "sent_time", m->accepted_ms);
    put_key(out, "cost");
    status_json_number(out, m->cost);
    put_integer(out, "parts", m->parts);
    put_key(out, "tags");
    buf_add_str(out, m->tags && *m->tags ? m->tags : "[]");
    put_url(out, m);
    if (m->tracked)
        put_link(out, m);
    put_error(out, m);
    put_text(out, "modem", m->modem);
    put_time(out, "submitted_on", m->submitted_ms);
    put_time(out, "delivered_on", m->delivered_ms);
    buf_add(out, "}", 1);
    return out->err;
}

/* ---- form fields ---- */

/* WHATWG URL 5.2: everything but letters, digits and * - . _ is escaped. */
static void put_escaped(struct buf *out, const char *text)
{
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-._";
    while (*text) {
        size_t run = strspn(text, safe);
        buf_add(out, text, run);
        text += run;
        if (*text == ' ')
            buf_add(out, "+", 1);
        else if (*text)
            buf_addf(out, "%%%02X", (unsigned char)*text);
        text += *text != '\0';
    }
}

/* NULL: an empty value. */
static void form_text(struct buf *out, const char *key, const char *value)
{
    if (out->len > 0)
        buf_add(out, "&", 1);
    buf_addf(out, "%s=", key);
    put_escaped(out, value ? value : "");
}

static void form_integer(struct buf *out, const char *key, int64_t value)
{
    buf_addf(out, "%s%s=%lld", out->len > 0 ? "&" : "", key, (long long)value);
}

static void form_time(struct buf *out, const char *key, int64_t ms)
{
    char text[CLK_TEXT_MAX];
    form_text(out, key, ms ? clk_format(ms, text) : NULL);
}

/* ["a","b"] as a,b */
static void put_tags_text(struct buf *out, const char *tags)
{
    json_t *list = json_loads(tags ? tags : "[]", JSON_ALLOW_NUL, NULL);
    size_t i;
    json_t *tag;
    json_array_foreach(list, i, tag)
    {
        if (i > 0)
            buf_add(out, ",", 1);
        if (json_is_string(tag))
            buf_add_str(out, json_string_value(tag));
    }
    json_decref(list);
}

enum err status_message_form(const struct store_message *m, struct buf *out)
{
    struct buf text;
    buf_init(&text, out->max);
    form_text(out, "msgid", m->msgid);
    form_text(out, "status", store_state_str(m->state));
    form_text(out, "sender", m->sender);
    form_text(out, "recipient", m->recipient);
    form_time(out, "sent_time", m->accepted_ms);
    status_json_number(&text, m->cost);
    form_text(out, "cost", buf_str(&text));
    form_integer(out, "parts", m->parts);
    buf_clear(&text);
    put_tags_text(&text, m->tags);
    form_text(out, "tags", buf_str(&text));
    buf_clear(&text);
    buf_addf(&text, "%s/sms/messages/%s/", m->url_base ? m->url_base : "", m->msgid);
    form_text(out, "url", buf_str(&text));
    form_text(out, "error", m->error_code);
    form_text(out, "modem", m->modem);
    form_time(out, "submitted_on", m->submitted_ms);
    form_time(out, "delivered_on", m->delivered_ms);
    if (m->tracked) {
        form_text(out, "link", m->link);
        form_text(out, "shortlink", m->shortlink);
        form_text(out, "accessed", m->accessed_ms ? "true" : "false");
        form_time(out, "accessed_on", m->accessed_ms);
        form_time(out, "expires_on", m->link_expires_ms);
        form_integer(out, "clicks", m->clicks);
        form_integer(out, "bots", m->bots);
    }
    enum err failed = text.err;
    buf_free(&text);
    return failed ? failed : out->err;
}

/* ---- an inbound SMS ---- */

/* What only a few have. */
static void put_traits(const struct store_inbox *m, struct buf *out)
{
    if (m->port_dst || m->port_src) {
        put_integer(out, "port", m->port_dst);
        put_integer(out, "source_port", m->port_src);
    }
    if (m->flash)
        put_flag(out, "flash", true);
    if (m->silent)
        put_flag(out, "silent", true);
    if (m->replaces)
        put_text(out, "replaces", m->replaces);
    if (!m->waiting.kind)
        return;
    put_text(out, "waiting", sms_waiting_str((enum sms_waiting_kind)m->waiting.kind));
    put_flag(out, "waiting_active", m->waiting.active);
    if (m->waiting.count)
        put_integer(out, "waiting_count", m->waiting.count);
}

enum err status_inbox(const struct store_inbox *m, struct buf *out)
{
    buf_add(out, "{", 1);
    put_text(out, "id", m->public_id);
    put_text(out, "sender", m->sender);
    put_text(out, "recipient", m->recipient);
    put_text(out, "message", m->message);
    put_time(out, "received_time", m->received_ms);
    put_integer(out, "parts", m->parts);
    put_text(out, "modem", m->modem);
    if (m->partial)
        put_flag(out, "partial", true);
    if (m->binary)
        put_flag(out, "binary", true);
    put_traits(m, out);
    buf_add(out, "}", 1);
    return out->err;
}

enum err status_inbox_form(const struct store_inbox *m, struct buf *out)
{
    form_text(out, "id", m->public_id);
    form_text(out, "sender", m->sender);
    form_text(out, "recipient", m->recipient ? m->recipient : "");
    form_text(out, "message", m->message);
    form_time(out, "received_time", m->received_ms);
    form_integer(out, "parts", m->parts);
    form_text(out, "modem", m->modem);
    if (m->partial)
        form_text(out, "partial", "true");
    if (m->binary)
        form_text(out, "binary", "true");
    if (m->port_dst || m->port_src) {
        form_integer(out, "port", m->port_dst);
        form_integer(out, "source_port", m->port_src);
    }
    if (m->flash)
        form_text(out, "flash", "true");
    if (m->replaces)
        form_text(out, "replaces", m->replaces);
    if (m->waiting.kind)
        form_text(out, "waiting", sms_waiting_str((enum sms_waiting_kind)m->waiting.kind));
    return out->err;
}
