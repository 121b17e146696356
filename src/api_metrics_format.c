/* api_metrics_format.c - lines of Prometheus' text format 0.0.4.
 * Refuses to know what they say.  Promises: a value is one line and UTF-8, whatever a modem said. */
#include "api_metrics_format.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

void metrics_put_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: what comes from a modem is anything. */
static void put_value(struct buf *out, const char *text)
{
    size_t len = strlen(text), at = 0, from = 0;
    uint32_t cp;
    while (at < len) {
        if (text_utf8_next(text, len, &at, &cp)) {
            buf_add_str(out, "\xEF\xBF\xBD"); /* U+FFFD */
            at++;
        } else if (cp == '\\' || cp == '"') {
            buf_addf(out, "\\%c", (int)cp);
        } else if (cp == '\n') {
            buf_add_str(out, "\\n");
        } else {
            buf_add(out, text + from, at - from);
        }
        from = at;
    }
}

void metrics_put_label(struct buf *out, const char *label, const char *value, bool first)
{
    buf_addf(out, "%s%s=\"", first ? "" : ",", label);
    put_value(out, value);
    buf_add(out, "\"", 1);
}

/* NAME{modem="…",label="value"} without the number; NULL: without that label. */
static void put_series(struct buf *out, const char *name, const char *modem, const char *label,
                       const char *value)
{
    buf_addf(out, METRICS_PREFIX "%s", name);
    if (!modem && !label)
        return;
    buf_add(out, "{", 1);
    if (modem)
        metrics_put_label(out, "modem", modem, true);
    if (label)
        metrics_put_label(out, label, value, !modem);
    buf_add(out, "}", 1);
}

void metrics_put_number(struct buf *out, const char *name, const char *modem, const char *label,
                        const char *value, double number)
{
    put_series(out, name, modem, label, value);
    buf_addf(out, " %.15g\n", number);
}

void metrics_put_family(struct buf *out, const char *name, const char *type, const char *help)
{
    char full[96];
    snprintf(full, sizeof full, METRICS_PREFIX "%s", name);
    metrics_put_head(out, full, type, help);
}
