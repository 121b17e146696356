/* text.c - UTF-8, hexadecimal and bounded strings.
 * Knows nobody above it.  Promises: no locale, no allocation. */
#include "text.h"

#include <string.h>
#include <sys/random.h>

/* By the lead byte: length, bits of the lead, and the least code point of that length (no overlong forms). */
static unsigned utf8_length(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead < 0xE0)
        return 2;
    if (lead >= 0xE0 && lead < 0xF0)
        return 3;
    if (lead >= 0xF0 && lead < 0xF5)
        return 4;
    return 0;
}

enum err text_utf8_next(const char *s, size_t len, size_t *at, uint32_t *cp)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *p = (const unsigned char *)s + *at;
    unsigned n = utf8_length(p[0]);
    if (n == 0 || n > len - *at)
        return ERR_SYNTAX;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7Fu >> n);
    for (unsigned i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return ERR_SYNTAX;
        c = c << 6 | (p[i] & 0x3Fu);
    }
    if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return ERR_SYNTAX;
    *at += n;
    *cp = c;
    return OK;
}

size_t text_utf8_put(char out[4], uint32_t cp)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF))
        return 0;
    unsigned n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (unsigned i = n - 1; i > 0; i--, cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3F));
    out[0] = (char)((0xF00u >> n) | cp); /* n ones and a zero in front: 0xC0, 0xE0, 0xF0 */
    return n;
}

enum err text_utf8_check(const char *s, size_t len)
{
    uint32_t cp;
    for (size_t at = 0; at < len;) {
        enum err e = text_utf8_next(s, len, &at, &cp);
        if (e)
            return e;
        if (cp == 0)
            return ERR_SYNTAX;
    }
    return OK;
}

size_t text_utf16_units(const char *s, size_t len)
{
    size_t units = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        units += (c & 0xC0) != 0x80; /* each character once, */
        units += c >= 0xF0;          /* those beyond U+FFFF twice */
    }
    return units;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

enum err text_hex_decode(const char *hex, size_t len, uint8_t *out, size_t max, size_t *n)
{
    if (len % 2)
        return ERR_SYNTAX;
    if (len / 2 > max)
        return ERR_FULL;
    for (size_t i = 0; i < len; i += 2) {
        int high = hex_value(hex[i]), low = hex_value(hex[i + 1]);
        if (high < 0 || low < 0)
            return ERR_SYNTAX;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *n = len / 2;
    return OK;
}

void text_hex_encode(const uint8_t *octets, size_t n, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex[octets[i] >> 4];
        out[2 * i + 1] = hex[octets[i] & 15];
    }
    out[2 * n] = '\0';
}

enum err text_copy(char *out, size_t size, const char *s)
{
    size_t n = strlen(s);
    if (n >= size) {
        if (size)
            out[0] = '\0';
        return ERR_FULL;
    }
    memcpy(out, s, n + 1);
    return OK;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

bool text_equal_nocase(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b))
        a++, b++;
    return *a == *b;
}

bool text_starts_nocase(const char *s, const char *prefix)
{
    while (*prefix && lower(*s) == lower(*prefix))
        s++, prefix++;
    return *prefix == '\0';
}

enum err text_int(const char *s, int64_t min, int64_t max, int64_t *out)
{
    bool negative = *s == '-';
    int64_t value = 0;
    s += negative;
    if (*s == '\0')
        return ERR_SYNTAX;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return ERR_SYNTAX;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *s - '0', &value))
            return ERR_RANGE;
    }
    value = negative ? -value : value;
    if (value < min || value > max)
        return ERR_RANGE;
    *out = value;
    return OK;
}

enum err text_random(void *out, size_t n)
{
    unsigned char *p = out;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0)
            return ERR_IO;
        p += got;
        n -= (size_t)got;
    }
    return OK;
}

enum err text_random_letters(char *out, size_t n)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    uint8_t random[64];
    size_t made = 0;
    while (made < n) {
        enum err e = text_random(random, sizeof random);
        if (e)
            return e;
        for (size_t i = 0; i < sizeof random && made < n; i++) {
            if (random[i] < 4 * 62) /* so that no letter is likelier */
                out[made++] = letters[random[i] % 62];
        }
    }
    out[made] = '\0';
    return OK;
}
