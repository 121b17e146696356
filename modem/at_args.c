/* at_args.c - the arguments of one information line, taken one by one.
 * Knows no command and no product: only commas, quotes and parentheses.
 * Promises: never reads past the line; a result is written only on OK. */
#include "at_args.h"

#include <string.h>

#include "text.h"

/* One argument as it stands in the line: without blanks around it and without its quotes. */
struct field {
    const char *start;
    size_t len;
    bool quoted;
};

static const char *skip_blanks(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

static bool ends_argument(char c)
{
    return c == '\0' || c == ',' || c == ')';
}

/* A network's text may hold quotes of its own (+CUSD): the closing one is followed by a comma or the end. */
static const char *closing_quote(const char *s)
{
    for (; *s; s++)
        if (*s == '"' && ends_argument(*skip_blanks(s + 1)))
            return s;
    return NULL;
}

/* Behind a quoted string whose opening quote is at s; the line's end when it is never closed. */
static const char *behind_quoted(const char *s)
{
    const char *close = closing_quote(s + 1);
    return close ? close + 1 : s + strlen(s);
}

static enum err field_at(const char **at, const char *stop, struct field *f)
{
    const char *s = skip_blanks(*at);
    if (*s == '"') {
        const char *close = closing_quote(s + 1);
        *at = behind_quoted(s);
        *f = (struct field){s + 1, close ? (size_t)(close - s - 1) : 0, true};
        return close ? OK : ERR_SYNTAX;
    }
    size_t n = strcspn(s, stop);
    *at = s + n;
    while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    *f = (struct field){s, n, false};
    return n ? OK : ERR_EMPTY;
}

static void behind_comma(struct at_args *a)
{
    a->at += strcspn(a->at, ",");
    if (*a->at == ',')
        a->at++;
}

static enum err next_field(struct at_args *a, struct field *f)
{
    enum err e = field_at(&a->at, ",", f);
    behind_comma(a);
    return e;
}

static bool continues_name(char c)
{
    return c == '_' || c == '+' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

enum err at_args_open(struct at_args *a, const char *line, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(line, prefix, n) != 0 || (n && continues_name(line[n])))
        return ERR_NOT_FOUND;
    line += n;
    if (n && *line == ':')
        line++;
    a->at = skip_blanks(line);
    return OK;
}

static enum err parse_int(const char *s, size_t n, int min, int max, int *out)
{
    char digits[16];
    int64_t value;
    if (n && *s == '+') { /* 27.007 gives no sign to positive numbers, some modems do */
        s++;
        n--;
    }
    if (n == 0 || n >= sizeof digits)
        return n ? ERR_RANGE : ERR_SYNTAX;
    memcpy(digits, s, n);
    digits[n] = '\0';
    enum err e = text_int(digits, min, max, &value);
    if (e)
        return e;
    *out = (int)value;
    return OK;
}

enum err at_int(struct at_args *a, int *out, int min, int max)
{
    struct field f;
    enum err e = next_field(a, &f);
    return e ? e : parse_int(f.start, f.len, min, max, out);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err at_hex_int(struct at_args *a, unsigned *out)
{
    struct field f;
    unsigned value = 0;
    enum err e = next_field(a, &f);
    if (e)
        return e;
    if (f.len == 0)
        return ERR_EMPTY;
    for (size_t i = 0; i < f.len; i++) {
        int digit = hex_digit(f.start[i]);
        if (digit < 0)
            return ERR_SYNTAX;
        if (value > UINT32_MAX >> 4)
            return ERR_RANGE;
        value = value << 4 | (unsigned)digit;
    }
    *out = value;
    return OK;
}

enum err at_string(struct at_args *a, char *out, size_t size)
{
    struct field f;
    enum err e = next_field(a, &f);
    if (e)
        return e;
    if (f.len >= size)
        return ERR_RANGE;
    memcpy(out, f.start, f.len);
    out[f.len] = '\0';
    return OK;
}

bool at_more(const struct at_args *a)
{
    return *skip_blanks(a->at) != '\0';
}

void at_skip(struct at_args *a)
{
    unsigned depth = 0;
    const char *s = a->at;
    while (*s && !(*s == ',' && depth == 0)) {
        if (*s == '"') {
            s = behind_quoted(s);
            continue;
        }
        if (*s == '(')
            depth++;
        else if (*s == ')' && depth)
            depth--;
        s++;
    }
    a->at = *s ? s + 1 : s;
}

/* ---- lists ---- */

typedef enum err list_item(const struct field *f, const void *wanted, bool *has);

/* Walks "(a,b)" or one bare item.  *at ends at the list's closing parenthesis or where it went wrong. */
static enum err list_items(const char **at, list_item *item, const void *wanted, bool *has)
{
    struct field f;
    enum err e;
    const char *s = skip_blanks(*at);
    bool list = *s == '(';
    while (*s == '(')
        s = skip_blanks(s + 1);
    for (;;) {
        e = field_at(&s, ",)", &f);
        if (e == OK)
            e = item(&f, wanted, has);
        else if (e == ERR_EMPTY && list)
            e = OK; /* "()", or an item left out */
        s = skip_blanks(s);
        if (e || !list || *s != ',')
            break;
        s++;
    }
    *at = s;
    return e == OK && list && *s != ')' ? ERR_SYNTAX : e;
}

static enum err list_walk(struct at_args *a, list_item *item, const void *wanted, bool *has)
{
    bool found = false;
    const char *end = a->at;
    enum err e = list_items(&end, item, wanted, &found);
    if (e) {
        at_skip(a);
        return e;
    }
    a->at = end;
    behind_comma(a);
    *has = found;
    return OK;
}

static enum err range_item(const struct field *f, const void *wanted, bool *has)
{
    int low, high, value = *(const int *)wanted;
    const char *dash = memchr(f->start, '-', f->len);
    size_t n = dash ? (size_t)(dash - f->start) : f->len;
    enum err e = parse_int(f->start, n, 0, INT32_MAX, &low);
    if (e)
        return ERR_SYNTAX;
    high = low;
    if (dash && parse_int(dash + 1, f->len - n - 1, 0, INT32_MAX, &high) != OK)
        return ERR_SYNTAX;
    *has = *has || (value >= low && value <= high);
    return OK;
}

static enum err string_item(const struct field *f, const void *wanted, bool *has)
{
    const char *value = wanted;
    *has = *has || (strlen(value) == f->len && memcmp(value, f->start, f->len) == 0);
    return OK;
}

enum err at_list_has(struct at_args *a, int value, bool *has)
{
    return list_walk(a, range_item, &value, has);
}

enum err at_list_has_string(struct at_args *a, const char *value, bool *has)
{
    return list_walk(a, string_item, value, has);
}
