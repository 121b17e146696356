/* http_form.c - form bodies taken apart: urlencoded and multipart.
 * Refuses to know sockets and what the fields mean.  Pure, any thread.
 * Promises: linear in the body, whatever it holds; a value is handed out once, whole, with its length. */
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "text.h"

#define BOUNDARY_MAX 200 /* RFC 2046 5.1.1 says 70 */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t unescape(char *s, size_t n)
{
    char *out = s;
    for (const char *in = s, *end = s + n; in < end; out++) {
        bool room = *in == '%' && end - in > 2;
        int high = room ? hex_digit(in[1]) : -1, low = room ? hex_digit(in[2]) : -1;
        bool escape = high >= 0 && low >= 0;
        *out = escape ? (char)(high << 4 | low) : *in;
        in += escape ? 3 : 1;
    }
    *out = '\0';
    return (size_t)(out - s);
}

size_t http_unescape(char *s)
{
    return unescape(s, strlen(s));
}

static char *copy_of(const char *body, size_t n)
{
    char *copy = malloc(n + 1);
    if (copy) {
        memcpy(copy, body, n);
        copy[n] = '\0';
    }
    return copy;
}

/* ---- application/x-www-form-urlencoded (WHATWG URL 5.1) ---- */

static size_t decode(char *s, size_t n)
{
    for (char *p = s; (p = memchr(p, '+', n - (size_t)(p - s))); p++)
        *p = ' ';
    return unescape(s, n);
}

/* One "name=value" of n bytes with a NUL behind. */
static enum err form_pair(char *pair, size_t n, http_form_field *field, void *ctx)
{
    char *equals = memchr(pair, '=', n);
    size_t name_n = equals ? (size_t)(equals - pair) : n;
    char *value = equals ? equals + 1 : pair + n;
    size_t value_n = equals ? n - name_n - 1 : 0;
    if (n == 0)
        return OK;
    value_n = decode(value, value_n);
    pair[name_n] = '\0';
    if (strlen(pair) != name_n || decode(pair, name_n) != strlen(pair))
        return OK; /* a NUL in a name: none of ours */
    return field(ctx, pair, value, value_n, false);
}

enum err http_form_urlencoded(const char *body, size_t n, http_form_field *field, void *ctx)
{
    char *copy = copy_of(body, n);
    enum err e = copy ? OK : ERR_NO_MEMORY;
    for (size_t at = 0; !e && at < n;) {
        char *end = memchr(copy + at, '&', n - at);
        size_t len = end ? (size_t)(end - copy) - at : n - at;
        copy[at + len] = '\0';
        e = form_pair(copy + at, len, field, ctx);
        at += len + 1;
    }
    free(copy);
    return e;
}

/* ---- multipart/form-data (RFC 7578, RFC 2046 5.1) ---- */

/* The value of a parameter "; key=value" or "; key="va\"lue"" of a header.  ERR_NOT_FOUND, ERR_FULL. */
static enum err header_param(const char *header, const char *key, char *out, size_t size)
{
    size_t key_len = strlen(key), n = 0;
    for (const char *s = header; (s = strchr(s, ';'));) {
        s += 1 + strspn(s + 1, " \t");
        if (!text_starts_nocase(s, key) || s[key_len] != '=')
            continue;
        s += key_len + 1;
        bool quoted = *s == '"';
        for (s += quoted; *s && (quoted ? *s != '"' : !strchr("; \t", *s)); s++) {
            if (quoted && *s == '\\' && s[1])
                s++;
            if (n + 1 >= size)
                return ERR_FULL;
            out[n++] = *s;
        }
        out[n] = '\0';
        return OK;
    }
    return ERR_NOT_FOUND;
}

struct part {
    char name[256]; /* no field of ours is longer */
    bool file, named;
};

/* The header lines of a part, each NUL-terminated in place of its CRLF. */
static void part_header(const char *line, struct part *part)
{
    char ignored[8];
    static const char disposition[] = "content-disposition:";
    if (!text_starts_nocase(line, disposition))
        return;
    part->named = header_param(line, "name", part->name, sizeof part->name) == OK;
    part->file = header_param(line, "filename", ignored, sizeof ignored) != ERR_NOT_FOUND;
}

/* Reads the headers at *at up to the empty line and moves *at behind it. */
static enum err part_headers(char **at, char *end, struct part *part)
{
    *part = (struct part){0};
    for (;;) {
        char *eol = memmem(*at, (size_t)(end - *at), "\r\n", 2);
        if (!eol)
            return ERR_SYNTAX;
        *eol = '\0';
        bool empty = eol == *at;
        part_header(*at, part);
        *at = eol + 2;
        if (empty)
            return OK;
    }
}

/* Behind a delimiter: spaces and CRLF, or "--" and the end. */
static enum err after_delimiter(char **at, bool *last)
{
    *last = strncmp(*at, "--", 2) == 0;
    if (*last)
        return OK;
    *at += strspn(*at, " \t");
    if (strncmp(*at, "\r\n", 2) != 0)
        return ERR_SYNTAX;
    *at += 2;
    return OK;
}

/* delimiter: CRLF, two hyphens and the boundary. */
static enum err walk_parts(char *at, char *end, const char *delimiter, http_form_field *field,
                           void *ctx)
{
    size_t len = strlen(delimiter);
    struct part part;
    bool last = false;
    for (;;) {
        enum err e = after_delimiter(&at, &last);
        if (e || last)
            return e;
        e = part_headers(&at, end, &part);
        if (e)
            return e;
        char *content = at;
        char *next = memmem(at, (size_t)(end - at), delimiter, len);
        if (!next)
            return ERR_SYNTAX;
        *next = '\0';
        if (part.named)
            e = field(ctx, part.name, content, (size_t)(next - content), part.file);
        if (e)
            return e;
        at = next + len;
    }
}

enum err http_form_multipart(const char *content_type, const char *body, size_t n,
                             http_form_field *field, void *ctx)
{
    char delimiter[BOUNDARY_MAX + 5] = "\r\n--";
    if (header_param(content_type, "boundary", delimiter + 4, sizeof delimiter - 4) ||
        delimiter[4] == '\0')
        return ERR_SYNTAX;
    char *copy = copy_of(body, n);
    if (!copy)
        return ERR_NO_MEMORY;
    size_t len = strlen(delimiter);
    char *first = memmem(copy, n, delimiter + 2, len - 2); /* the first has no CRLF before it */
    bool at_line = first && (first == copy || first[-1] == '\n');
    enum err e =
        at_line ? walk_parts(first + len - 2, copy + n, delimiter, field, ctx) : ERR_SYNTAX;
    free(copy);
    return e;
}
