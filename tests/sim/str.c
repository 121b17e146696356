/* A growing string and JSON, see str.h.
   Refuses to know what is written.
   Promises valid JSON text for any octets put in. */
#include "str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *p)
{
    if (!p) {
        fputs("modemsim: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *sim_alloc(size_t n)
{
    return or_die(calloc(1, n ? n : 1));
}

void *sim_grow(void *old, size_t n)
{
    return or_die(realloc(old, n ? n : 1));
}

char *sim_dup(const char *text)
{
    return or_die(strdup(text));
}

static void str_room(struct str *s, size_t more)
{
    if (s->n + more + 1 <= s->cap)
        return;
    s->cap = (s->n + more + 1) * 2;
    s->p = sim_grow(s->p, s->cap);
}

void str_add(struct str *s, const void *bytes, size_t n)
{
    str_room(s, n);
    if (n)
        memcpy(s->p + s->n, bytes, n);
    s->n += n;
    s->p[s->n] = '\0';
}

void str_puts(struct str *s, const char *text)
{
    str_add(s, text, strlen(text));
}

/* Once into what room there is, and once more if that was too little. */
void str_fmt(struct str *s, const char *fmt, ...)
{
    va_list ap, again;
    str_room(s, 64);
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(s->p + s->n, s->cap - s->n, fmt, ap);
    if (n > 0 && (size_t)n >= s->cap - s->n) {
        str_room(s, (size_t)n);
        vsnprintf(s->p + s->n, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    va_end(ap);
    s->n += n > 0 ? (size_t)n : 0;
}

void str_utf8(struct str *s, uint32_t c)
{
    char b[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (n == 1) {
        b[0] = (char)c;
    } else {
        for (size_t i = n; i-- > 1; c >>= 6)
            b[i] = (char)(0x80 | (c & 0x3F));
        b[0] = (char)((0xF00 >> n & 0xFF) | c);
    }
    str_add(s, b, n);
}

void str_hex(struct str *s, const uint8_t *bytes, size_t n)
{
    static const char digit[] = "0123456789ABCDEF";
    str_room(s, 2 * n);
    for (size_t i = 0; i < n; i++) {
        s->p[s->n++] = digit[bytes[i] >> 4];
        s->p[s->n++] = digit[bytes[i] & 15];
    }
    s->p[s->n] = '\0';
}

void str_json(struct str *s, const char *text)
{
    const char *p = text;
    str_puts(s, "\"");
    for (uint32_t c; (c = utf8_next(&p));) {
        if (c == '"' || c == '\\')
            str_fmt(s, "\\%c", (char)c);
        else if (c < 0x20)
            str_fmt(s, "\\u%04x", (unsigned)c);
        else
            str_utf8(s, c);
    }
    str_puts(s, "\"");
}

void str_key(struct str *s, const char *key)
{
    if (s->n && s->p[s->n - 1] != '{' && s->p[s->n - 1] != '[')
        str_puts(s, ",");
    str_json(s, key);
    str_puts(s, ":");
}

void str_pair(struct str *s, const char *key, const char *value)
{
    str_key(s, key);
    if (value)
        str_json(s, value);
    else
        str_puts(s, "null");
}

void str_int(struct str *s, const char *key, long long value)
{
    str_key(s, key);
    str_fmt(s, "%lld", value);
}

void str_bool(struct str *s, const char *key, bool value)
{
    str_key(s, key);
    str_puts(s, value ? "true" : "false");
}

void str_cut(struct str *s, size_t from_front)
{
    if (!s->p)
        return;
    if (from_front > s->n)
        from_front = s->n;
    memmove(s->p, s->p + from_front, s->n - from_front);
    s->n -= from_front;
    s->p[s->n] = '\0';
}

void str_free(struct str *s)
{
    free(s->p);
    *s = (struct str){0};
}

void str_copy(char *to, size_t size, const char *text)
{
    size_t n = strnlen(text, size - 1);
    memcpy(to, text, n);
    to[n] = '\0';
}

static int hex_value(char c)
{
    static const char digit[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c ? strchr(digit, c) : NULL;
    return at ? (int)((at - digit) % 16) : -1;
}

int hex_octets(const char *text, size_t n, uint8_t *out, size_t max)
{
    if (n % 2 || n / 2 > max)
        return -1;
    for (size_t i = 0; i < n; i += 2) {
        int hi = hex_value(text[i]), lo = hex_value(text[i + 1]);
        if (hi < 0 || lo < 0)
            return -1;
        out[i / 2] = (uint8_t)(hi << 4 | lo);
    }
    return (int)(n / 2);
}

uint32_t utf8_next(const char **p)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = (uint8_t) * *p;
    if (!first)
        return 0;
    (*p)++;
    if (first < 0x80)
        return first;
    int n = first >= 0xF0 && first < 0xF8 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
    if (first >= 0xF8 || !n)
        return 0xFFFD;
    uint32_t c = first & (0x7Fu >> n);
    for (int i = 1; i < n; i++) {
        if (((uint8_t) * *p & 0xC0) != 0x80)
            return 0xFFFD;
        c = c << 6 | ((uint8_t) * (*p)++ & 0x3F);
    }
    return c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000) ? 0xFFFD : c;
}
