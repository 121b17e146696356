/* config_value.c - one value of the configuration: from text to its typed place, by its row of the table.
 * Refuses to know files, lines and sections.
 * Promises: nothing is written unless the whole value is right; no default is invented for a bad one. */
#include "config_keys.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "text.h"

typedef enum err parser(const struct config_key *key, const char *text, void *field, char *why);

/* ---- texts ---- */
static enum err parse_text(const struct config_key *key, const char *text, void *field, char *why)
{
    (void)why;
    size_t n = strlen(text);
    if ((int64_t)n < key->min || (int64_t)n > key->max)
        return ERR_RANGE;
    return text_copy(field, key->size, text);
}

static enum err parse_file(const struct config_key *key, const char *text, void *field, char *why)
{
    if (*text && access(text, R_OK) != 0) {
        (void)snprintf(why, CONFIG_DETAIL_MAX, "%m");
        return ERR_SYNTAX;
    }
    return parse_text(key, text, field, why);
}

static bool is_url(const char *text)
{
    bool http = text_starts_nocase(text, "http://") || text_starts_nocase(text, "https://");
    const char *host = strstr(text, "://");
    if (!http || !host || strchr("/?#:", host[3]))
        return false;
    for (; *text; text++) {
        if (*text <= ' ' || *text >= 0x7F || strchr("\"<>\\^`{|}", *text))
            return false;
    }
    return true;
}

static enum err parse_url(const struct config_key *key, const char *text, void *field, char *why)
{
    if (*text && !is_url(text))
        return ERR_SYNTAX;
    return parse_text(key, text, field, why);
}

static enum err parse_base(const struct config_key *key, const char *text, void *field, char *why)
{
    if (strpbrk(text, "?#"))
        return ERR_SYNTAX;
    enum err e = parse_url(key, text, field, why);
    char *url = field;
    for (size_t n = e ? 0 : strlen(url); n > 0 && url[n - 1] == '/'; n--)
        url[n - 1] = '\0';
    return e;
}

static enum err parse_digits(const struct config_key *key, const char *text, void *field, char *why)
{
    if (text[strspn(text, "0123456789")] != '\0')
        return ERR_SYNTAX;
    return *text ? parse_text(key, text, field, why) : text_copy(field, key->size, "");
}

static enum err parse_phone(const struct config_key *key, const char *text, void *field, char *why)
{
    enum err e = parse_digits(key, text + (*text == '+'), field, why);
    if (e || (*text && !text[1]))
        return e ? e : ERR_SYNTAX;
    return text_copy(field, key->size, text);
}

/* ---- numbers ---- */
static enum err parse_int(const struct config_key *key, const char *text, void *field, char *why)
{
    (void)why;
    int64_t n;
    enum err e = text_int(text, key->min, key->max, &n);
    if (!e)
        *(int *)field = (int)n;
    return e;
}

static enum err parse_baud(const struct config_key *key, const char *text, void *field, char *why)
{
    (void)why;
    int64_t n;
    enum err e = text_int(text, key->min, key->max, &n);
    if (!e)
        *(uint32_t *)field = (uint32_t)n;
    return e;
}

/* Digits and one point: no exponent, no hexadecimal, no "nan". */
static enum err parse_decimal(const struct config_key *key, const char *text, void *field,
                              char *why)
{
    (void)why;
    size_t whole = strspn(text, "0123456789");
    const char *rest = text + whole + (text[whole] == '.');
    if (whole == 0 || strlen(text) > 30 || rest[strspn(rest, "0123456789")] != '\0')
        return ERR_SYNTAX;
    double d = strtod(text, NULL);
    if (d < (double)key->min || d > (double)key->max)
        return ERR_RANGE;
    *(double *)field = d;
    return OK;
}

static enum err parse_bool(const struct config_key *key, const char *text, void *field, char *why)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"yes", true}, {"no", false},  {"true", true}, {"false", false},
                 {"on", true},  {"off", false}, {"1", true},    {"0", false}};
    (void)key;
    (void)why;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!text_equal_nocase(text, words[i].word))
            continue;
        *(bool *)field = words[i].value;
        return OK;
    }
    return ERR_SYNTAX;
}

/* Enums have an int's size here: the position of the word in "json|form". */
static enum err parse_choice(const struct config_key *key, const char *text, void *field, char *why)
{
    (void)why;
    size_t n = strlen(text);
    unsigned position = 0;
    for (const char *word = key->choices; word; position++) {
        const char *end = strchr(word, '|');
        size_t len = end ? (size_t)(end - word) : strlen(word);
        if (len == n && memcmp(word, text, n) == 0) {
            memcpy(field, &position, sizeof(position));
            return OK;
        }
        word = end ? end + 1 : NULL;
    }
    return ERR_SYNTAX;
}
_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "KEY_CHOICE writes an unsigned");
_Static_assert(sizeof(enum config_format) == sizeof(unsigned), "KEY_CHOICE writes an unsigned");
_Static_assert(sizeof(enum config_uncertain) == sizeof(unsigned), "KEY_CHOICE writes an unsigned");

/* ---- durations ---- */
static const struct {
    const char *name;
    int64_t ms;
} units[] = {
    {"d", CLK_DAY_MS}, {"h", CLK_HOUR_MS}, {"m", CLK_MINUTE_MS}, {"s", CLK_SECOND_MS}, {"ms", 1}};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

const char *config_duration_str(int64_t ms, char out[24])
{
    size_t u = 0;
    while (u + 1 < UNIT_COUNT && ms % units[u].ms != 0)
        u++;
    if (ms == 0)
        (void)snprintf(out, 24, "0");
    else
        (void)snprintf(out, 24, "%lld%s", (long long)(ms / units[u].ms), units[u].name);
    return out;
}

/* "30s"; a bare number only where it is 0: minutes or seconds would be a guess. */
static enum err duration(const char *text, int64_t *ms)
{
    char number[12];
    int64_t n;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits >= sizeof(number))
        return digits ? ERR_RANGE : ERR_SYNTAX;
    memcpy(number, text, digits);
    number[digits] = '\0';
    enum err e = text_int(number, 0, INT32_MAX, &n);
    if (e)
        return e;
    for (size_t u = 0; u < UNIT_COUNT; u++) {
        if (strcmp(text + digits, units[u].name) != 0)
            continue;
        *ms = n * units[u].ms;
        return OK;
    }
    *ms = 0;
    return n == 0 && text[digits] == '\0' ? OK : ERR_SYNTAX;
}

static enum err parse_duration(const struct config_key *key, const char *text, void *field,
                               char *why)
{
    (void)why;
    int64_t ms;
    enum err e = duration(text, &ms);
    if (e)
        return e;
    if (ms < key->min || ms > key->max)
        return ERR_RANGE;
    *(int64_t *)field = ms;
    return OK;
}

/* ---- lists ---- */
/* The next item between commas, trimmed, into item.  ERR_EMPTY: no more; ERR_SYNTAX: nothing between two
 * commas; ERR_RANGE: too long for item. */
static enum err next_item(const char **at, char *item, size_t size)
{
    const char *start = *at;
    if (!start)
        return ERR_EMPTY;
    const char *end = start + strcspn(start, ",");
    *at = *end ? end + 1 : NULL;
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (end > start && isspace((unsigned char)end[-1]))
        end--;
    if (start == end)
        return ERR_SYNTAX;
    if ((size_t)(end - start) >= size)
        return ERR_RANGE;
    memcpy(item, start, (size_t)(end - start));
    item[end - start] = '\0';
    return OK;
}

static enum err parse_list(const struct config_key *key, const char *text, void *field, char *why)
{
    (void)key;
    struct config_list list = {0};
    const char *at = *text ? text : NULL;
    char item[CONFIG_ITEM_MAX];
    enum err e;
    while ((e = next_item(&at, item, sizeof(item))) == OK) {
        if (list.n == CONFIG_ITEMS_MAX) {
            (void)snprintf(why, CONFIG_DETAIL_MAX, "%d at most", CONFIG_ITEMS_MAX);
            return ERR_RANGE;
        }
        (void)text_copy(list.item[list.n++], CONFIG_ITEM_MAX,
                        item); /* zeros behind it: comparable */
    }
    if (e != ERR_EMPTY)
        return e;
    *(struct config_list *)field = list;
    return OK;
}

static enum err parse_pauses(const struct config_key *key, const char *text, void *field, char *why)
{
    struct config_pauses pauses = {0};
    const char *at = text;
    char item[CONFIG_ITEM_MAX];
    enum err e;
    while ((e = next_item(&at, item, sizeof(item))) == OK) {
        if (pauses.n == key->most) {
            (void)snprintf(why, CONFIG_DETAIL_MAX, "more than %u entries", key->most);
            return ERR_RANGE;
        }
        e = parse_duration(key, item, &pauses.ms[pauses.n++], why);
        if (e)
            return e;
    }
    if (e != ERR_EMPTY)
        return e;
    *(struct config_pauses *)field = pauses;
    return OK;
}

/* ---- listeners ---- */
static enum err listen_unix(const char *path, struct config_listen *out)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&out->address;
    un->sun_family = AF_UNIX;
    out->len = sizeof(*un);
    return *path == '/' ? text_copy(un->sun_path, sizeof(un->sun_path), path) : ERR_SYNTAX;
}

static enum err listen_ip(const char *host, uint16_t port, struct config_listen *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)&out->address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->address;
    if (text_equal_nocase(host, "localhost"))
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        out->len = sizeof(*in);
        return OK;
    }
    if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
        return ERR_SYNTAX;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    out->len = sizeof(*in6);
    return OK;
}

/* "127.0.0.1:8080", "[::1]:8080", "unix:/run/x.sock"; port 0: any free one. */
static enum err listen_one(const char *text, struct config_listen *out)
{
    char host[CONFIG_ITEM_MAX];
    int64_t port;
    enum err e = text_copy(out->text, sizeof(out->text), text);
    if (e)
        return ERR_RANGE;
    if (strncmp(text, "unix:", 5) == 0)
        return listen_unix(text + 5, out);
    const char *colon = strrchr(text, ':');
    if (!colon || text_int(colon + 1, 0, 65535, &port))
        return ERR_SYNTAX;
    bool v6 = *text == '[' && colon > text + 1 && colon[-1] == ']';
    size_t n = (size_t)(colon - text) - (v6 ? 2 : 0);
    if (n >= sizeof(host) || (!v6 && memchr(text, ':', n)))
        return ERR_SYNTAX;
    memcpy(host, text + (v6 ? 1 : 0), n);
    host[n] = '\0';
    return listen_ip(host, (uint16_t)port, out);
}

static enum err parse_listens(const struct config_key *key, const char *text, void *field,
                              char *why)
{
    (void)key;
    struct config_listens all = {0};
    const char *at = text;
    char item[sizeof(all.item[0].text)];
    enum err e;
    while ((e = next_item(&at, item, sizeof(item))) == OK) {
        if (all.n == CONFIG_LISTENS_MAX) {
            (void)snprintf(why, CONFIG_DETAIL_MAX, "%d at most", CONFIG_LISTENS_MAX);
            return ERR_RANGE;
        }
        e = listen_one(item, &all.item[all.n++]);
        if (e)
            return e;
    }
    if (e != ERR_EMPTY)
        return e;
    if (text_copy(all.text, sizeof(all.text), text))
        return ERR_RANGE;
    *(struct config_listens *)field = all;
    return OK;
}

/* ---- by type ---- */
static const struct {
    parser *parse;
    const char *rule; /* NULL: made from the row */
} types[KEY_TYPE_COUNT] = {
    [KEY_TEXT] = {parse_text, NULL},
    [KEY_FILE] = {parse_file, "a file that can be read"},
    [KEY_URL] = {parse_url, "http://… or https://…"},
    [KEY_BASE] = {parse_base, "http://… or https://…, without ? and #"},
    [KEY_DIGITS] = {parse_digits, NULL},
    [KEY_PHONE] = {parse_phone, NULL},
    [KEY_INT] = {parse_int, NULL},
    [KEY_BAUD] = {parse_baud, NULL},
    [KEY_DECIMAL] = {parse_decimal, NULL},
    [KEY_BOOL] = {parse_bool, "yes or no"},
    [KEY_DURATION] = {parse_duration, NULL},
    [KEY_PAUSES] = {parse_pauses, NULL},
    [KEY_LIST] = {parse_list, "items with commas between them, 63 bytes each"},
    [KEY_LISTENS] = {parse_listens,
                     "ADDRESS:PORT, [IPV6]:PORT or unix:/PATH, with commas between them"},
    [KEY_CHOICE] = {parse_choice, NULL},
};

enum err config_value_parse(const struct config_key *key, const char *text, void *base,
                            char why[CONFIG_DETAIL_MAX])
{
    size_t n = strlen(text);
    why[0] = '\0';
    if (n >= 2 && text[0] == '"' && text[n - 1] == '"') {
        (void)snprintf(why, CONFIG_DETAIL_MAX, "write it without quotes");
        return ERR_SYNTAX;
    }
    return types[key->type].parse(key, text, (char *)base + key->offset, why);
}

/* "json|form" as "json or form". */
static void choice_rule(const char *choices, char *out, size_t size)
{
    size_t at = 0;
    for (const char *c = choices; *c && at + 8 < size; c++) {
        if (*c == '|')
            at += (size_t)snprintf(out + at, size - at, "%s", strchr(c + 1, '|') ? ", " : " or ");
        else
            out[at++] = *c;
    }
    out[at] = '\0';
}

static void number_rule(const struct config_key *key, char *out, size_t size)
{
    long long min = key->min, max = key->max;
    const char *what = key->type == KEY_TEXT ? " bytes" : "";
    if (key->type == KEY_DIGITS)
        what = " digits";
    if (key->type == KEY_PHONE)
        what = " digits, with or without +";
    (void)snprintf(out, size, "%lld to %lld%s", min, max, what);
}

void config_key_rule(const struct config_key *key, char *out, size_t size)
{
    char from[24], to[24];
    if (types[key->type].rule) {
        (void)snprintf(out, size, "%s", types[key->type].rule);
    } else if (key->type == KEY_CHOICE) {
        choice_rule(key->choices, out, size);
    } else if (key->type == KEY_DURATION || key->type == KEY_PAUSES) {
        const char *each = key->type == KEY_PAUSES ? ", with commas between them" : "";
        (void)snprintf(out, size, "%s to %s, like 500ms 30s 5m 2h 90d%s",
                       config_duration_str(key->min, from), config_duration_str(key->max, to),
                       each);
    } else {
        number_rule(key, out, size);
    }
}
