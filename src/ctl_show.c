/* ctl_show.c - what the daemon answered, for people.
 * Knows no HTTP.  Promises: control characters in hostile texts never reach the terminal. */
#include "ctl_show.h"

#include <stdbool.h>
#include <string.h>

#include "text.h"

#define NAME_WIDTH  18
#define COLUMNS_MAX 12 /* the last of a table is empty */

void show_json(FILE *to, const json_t *value)
{
    json_dumpf(value, to, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);
    fputc('\n', to);
}

/* C0, DEL, C1 and the marks that turn the direction of writing: shown as a dot. */
static bool is_harmless(uint32_t cp)
{
    return cp >= 0x20 && !(cp >= 0x7F && cp < 0xA0) && !(cp >= 0x200E && cp <= 0x200F) &&
           !(cp >= 0x2028 && cp <= 0x202E) && !(cp >= 0x2066 && cp <= 0x2069);
}

/* Prints at most `width` characters (0: all), and returns how many. */
static int put(FILE *to, const char *text, int width)
{
    int n = 0;
    uint32_t cp;
    size_t len = strlen(text);
    for (size_t at = 0, start = 0; at < len && (width == 0 || n < width); start = at, n++) {
        if (text_utf8_next(text, len, &at, &cp))
            return n;
        if (is_harmless(cp))
            fwrite(text + start, 1, at - start, to);
        else
            fputc('.', to);
    }
    return n;
}

void show_text(FILE *to, const char *text)
{
    for (size_t n; *text; text += n) {
        char line[4096]; /* longer than any USSD string */
        n = strcspn(text, "\n");
        n = n < sizeof line - 1 ? n : sizeof line - 1;
        memcpy(line, text, n);
        line[n] = '\0';
        put(to, line, 0);
        if (text[n] == '\n' && ++n)
            fputc('\n', to);
    }
    fputc('\n', to);
}

/* Any JSON value as a short text. */
static int put_value(FILE *to, const json_t *value, int width)
{
    char number[64];
    if (json_is_string(value))
        return put(to, json_string_value(value), width);
    if (json_is_true(value))
        return put(to, "yes", width);
    if (json_is_false(value))
        return put(to, "no", width);
    if (json_is_number(value)) {
        snprintf(number, sizeof number, "%g", json_number_value(value));
        return put(to, number, width);
    }
    return put(to, "-", width);
}

static void put_list(FILE *to, const json_t *list)
{
    size_t i;
    const json_t *value;
    json_array_foreach(list, i, value)
    {
        if (i)
            fputs(", ", to);
        put_value(to, value, 0);
    }
    if (json_array_size(list) == 0)
        fputc('-', to);
}

/* "name  value" a line; an object inside is shown below its name. */
static void put_fields(FILE *to, const json_t *object, const char *indent)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        fprintf(to, "%s%-*s ", indent, NAME_WIDTH - (int)strlen(indent), key);
        if (json_is_object(value)) {
            fputc('\n', to);
            put_fields(to, value, "  ");
            continue;
        }
        if (json_is_array(value))
            put_list(to, value);
        else
            put_value(to, value, 0);
        fputc('\n', to);
    }
}

void show_message(FILE *to, const json_t *message)
{
    put_fields(to, message, "");
}

void show_preview(FILE *to, const json_t *preview)
{
    put_fields(to, preview, "");
}

void show_refusal(FILE *to, long status, const json_t *body)
{
    const char *key;
    const json_t *value;
    if (!json_is_object(body)) {
        fprintf(to, "smsbridge: %s (HTTP %ld)\n", status == 404 ? "no such thing" : "refused",
                status);
        return;
    }
    json_object_foreach((json_t *)body, key, value)
    {
        fputs("smsbridge: ", to);
        put(to, key, 0);
        fputs(": ", to);
        if (json_is_array(value))
            put_list(to, value);
        else
            put_value(to, value, 0);
        fputc('\n', to);
    }
}

/* ---- tables ---- */

struct column {
    const char *title, *key, *inner; /* inner: of the object under key */
    int width;                       /* 0: the rest of the line */
};

static const json_t *cell(const json_t *row, const struct column *c)
{
    const json_t *value = json_object_get(row, c->key);
    return c->inner ? json_object_get(value, c->inner) : value;
}

static void put_padding(FILE *to, const struct column *c, int used)
{
    if (c->width)
        fprintf(to, "%*s", c->width - used + 2, "");
}

static void put_table(FILE *to, const json_t *list, const struct column columns[COLUMNS_MAX])
{
    size_t i;
    const json_t *row;
    for (const struct column *c = columns; c->title; c++)
        put_padding(to, c, put(to, c->title, 0));
    fputc('\n', to);
    json_array_foreach(list, i, row)
    {
        for (const struct column *c = columns; c->title; c++)
            put_padding(to, c, put_value(to, cell(row, c), c->width));
        fputc('\n', to);
    }
}

void show_messages(FILE *to, const json_t *list)
{
    static const struct column columns[COLUMNS_MAX] = {
        {"MSGID", "msgid", NULL, 32},         {"SENT", "sent_time", NULL, 19},
        {"RECIPIENT", "recipient", NULL, 16}, {"STATUS", "status", NULL, 10},
        {"MODEM", "modem", NULL, 10},         {"TAPPED", "link_tracking", "accessed_on", 0},
    };
    put_table(to, list, columns);
}

void show_inbox(FILE *to, const json_t *list)
{
    static const struct column columns[COLUMNS_MAX] = {
        {"RECEIVED", "received_time", NULL, 19},
        {"SENDER", "sender", NULL, 16},
        {"MODEM", "modem", NULL, 10},
        {"MESSAGE", "message", NULL, 0},
    };
    put_table(to, list, columns);
}

void show_modems(FILE *to, const json_t *list)
{
    static const struct column columns[COLUMNS_MAX] = {
        {"NAME", "name", NULL, 10},
        {"STATE", "state", NULL, 11},
        {"PORT", "port", NULL, 14},
        {"OPERATOR", "operator", NULL, 14},
        {"REGISTRATION", "registration_text", NULL, 22},
        {"DBM", "signal_dbm", NULL, 4},
        {"BARS", "signal_bars", NULL, 4},
        {"QUEUE", "queue", NULL, 5},
        {"SENT", "sent", NULL, 6},
        {"FAILED", "failed", NULL, 6},
        {"REASON", "reason", NULL, 0},
    };
    put_table(to, list, columns);
}

void show_links(FILE *to, const json_t *list)
{
    static const struct column columns[COLUMNS_MAX] = {
        {"MSGID", "msgid", NULL, 32},
        {"RECIPIENT", "recipient", NULL, 16},
        {"TAPPED", "accessed_on", NULL, 19},
        {"CLICKS", "clicks", NULL, 6},
        {"BOTS", "bots", NULL, 5},
        {"EXPIRES", "expires_on", NULL, 19},
        {"SHORTLINK", "shortlink", NULL, 40},
        {"LINK", "link", NULL, 0},
    };
    put_table(to, list, columns);
}

void show_callbacks(FILE *to, const json_t *list)
{
    static const struct column columns[COLUMNS_MAX] = {
        {"ID", "id", NULL, 8},       {"TIME", "time", NULL, 19}, {"KIND", "kind", NULL, 8},
        {"TRIES", "tries", NULL, 5}, {"URL", "url", NULL, 40},   {"ERROR", "error", NULL, 0},
    };
    put_table(to, list, columns);
}

void show_event(FILE *to, const char *kind, const json_t *data)
{
    static const char *const keys[] = {"time",  "msgid",  "status", "recipient", "sender", "modem",
                                       "state", "reason", "caller", "text",      "message"};
    int used = put(to, kind, 10);
    fprintf(to, "%*s", used < 10 ? 10 - used : 0, "");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = json_string_value(json_object_get(data, keys[i]));
        if (value && *value && fputc(' ', to) != EOF)
            put(to, value, 0);
    }
    fputc('\n', to);
}
