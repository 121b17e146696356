/* alert.c - what Alertmanager posts, as the text of one SMS.
 * Refuses to know recipients and HTTP.  Promises: see alert.h. */
#include "alert.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "api_body.h"
#include "buf.h"
#include "sms.h"
#include "text.h"

#define ALERTS_MAX                                                                                 \
    (2 * 1024 *                                                                                    \
     1024) /* common words repeat with each alert of a body of 256 KiB; beyond: refused */
#define MORE "..."

static const char *text_of(const json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

/* The alert's own, else what the group has in common. */
static const char *about(const json_t *group, const json_t *alert, const char *part,
                         const char *common, const char *key)
{
    const char *own = text_of(json_object_get(alert, part), key);
    return *own ? own : text_of(json_object_get(group, common), key);
}

/* "web1: disk nearly full": where, and what a person wrote about it. */
static void put_alert(struct buf *out, const json_t *group, const json_t *alert)
{
    const char *where = about(group, alert, "labels", "commonLabels", "instance");
    const char *what = about(group, alert, "annotations", "commonAnnotations", "summary");
    if (!*what)
        what = about(group, alert, "annotations", "commonAnnotations", "description");
    if (*where || *what)
        buf_addf(out, "\n%s%s%s", where, *where && *what ? ": " : "", what);
}

/* "FIRING 2: DiskFull", and a line an alert. */
static void put_group(struct buf *out, const json_t *group, const json_t *alerts)
{
    bool resolved = strcmp(text_of(group, "status"), "resolved") == 0;
    const char *name =
        about(group, json_array_get(alerts, 0), "labels", "commonLabels", "alertname");
    size_t i, n = 0;
    const json_t *alert;
    json_array_foreach(alerts, i, alert) n +=
        resolved || strcmp(text_of(alert, "status"), "resolved") != 0;
    buf_add_str(out, resolved ? "RESOLVED" : "FIRING");
    if (n > 1)
        buf_addf(out, " %zu", n);
    buf_addf(out, ": %s", *name ? name : "alert");
    json_array_foreach(alerts, i, alert)
    {
        if (resolved || strcmp(text_of(alert, "status"), "resolved") != 0)
            put_alert(out, group, alert);
    }
}

/* What a phone would not show is a blank; a line's end stays. */
static void clean(char *s)
{
    for (; *s; s++) {
        if (((unsigned char)*s < ' ' && *s != '\n') || *s == 0x7F)
            *s = ' ';
    }
}

static bool fits(const char *text)
{
    struct sms_plan plan;
    return sms_plan(text, &plan) == OK && plan.parts == 1;
}

/* The longest beginning that fits one SMS together with "...": halving, by characters. */
static void cut(const char *full, char out[ALERT_TEXT_MAX + 1])
{
    size_t ends[161], n = 0, at = 0, len = strlen(full), low = 0;
    uint32_t cp;
    for (ends[n++] = 0; n < 161 && at < len && text_utf8_next(full, len, &at, &cp) == OK;)
        ends[n++] = at;
    if (ends[n - 1] == len && fits(full)) {
        memcpy(out, full, len + 1);
        return;
    }
    for (size_t high = n; low + 1 < high;) {
        size_t middle = (low + high) / 2;
        snprintf(out, ALERT_TEXT_MAX + 1, "%.*s" MORE, (int)ends[middle], full);
        *(fits(out) ? &low : &high) = middle;
    }
    snprintf(out, ALERT_TEXT_MAX + 1, "%.*s" MORE, (int)ends[low], full);
}

static void put_key(struct buf *b, const char *s)
{
    buf_addf(b, "%zu:%s,", strlen(s), s);
}

static enum err make_key(const json_t *group, const json_t *alerts, char key[HASH_SHA256_TEXT])
{
    struct buf b;
    size_t i;
    const json_t *alert;
    buf_init(&b, ALERTS_MAX);
    put_key(&b, text_of(group, "groupKey"));
    put_key(&b, text_of(group, "status"));
    json_array_foreach(alerts, i, alert)
    {
        put_key(&b, text_of(alert, "status"));
        put_key(&b, text_of(alert, "fingerprint"));
        put_key(&b, text_of(alert, "startsAt"));
    }
    enum err e = b.err;
    hash_sha256_text(buf_str(&b), b.len, key);
    buf_free(&b);
    return e;
}

static const char *fault(const json_t *group)
{
    const char *status = text_of(group, "status");
    const json_t *alerts = json_object_get(group, "alerts");
    size_t i;
    const json_t *alert;
    if (!json_is_object(group))
        return "An object is expected.";
    if (strcmp(text_of(group, "version"), "4") != 0)
        return "version: \"4\" of Alertmanager's webhook is expected.";
    if (strcmp(status, "firing") != 0 && strcmp(status, "resolved") != 0)
        return "status: firing or resolved is expected.";
    if (!*text_of(group, "groupKey"))
        return "groupKey: a text is expected.";
    if (json_array_size(alerts) == 0)
        return "alerts: a list of at least one is expected.";
    json_array_foreach(alerts, i, alert)
    {
        if (!json_is_object(alert) || !*text_of(alert, "startsAt"))
            return "alerts: each has a startsAt.";
    }
    return NULL;
}

static enum err make(const json_t *group, struct alert *out)
{
    const json_t *alerts = json_object_get(group, "alerts");
    struct buf full;
    buf_init(&full, ALERTS_MAX);
    put_group(&full, group, alerts);
    enum err e = full.err ? full.err : make_key(group, alerts, out->key);
    if (!e) {
        clean(full.data);
        cut(full.data, out->text);
    }
    buf_free(&full);
    return e;
}

enum err alert_parse(const char *body, size_t n, struct alert *out, char why[ALERT_WHY_MAX])
{
    json_error_t error;
    snprintf(why, ALERT_WHY_MAX, "JSON parse error.");
    if (api_json_too_deep(body, n))
        return ERR_SYNTAX;
    json_t *group = json_loadb(body, n, JSON_REJECT_DUPLICATES, &error);
    if (!group)
        return ERR_SYNTAX;
    const char *reason = fault(group);
    enum err e = reason ? ERR_SYNTAX : make(group, out);
    if (reason)
        snprintf(why, ALERT_WHY_MAX, "%s", reason);
    json_decref(group);
    return e;
}
