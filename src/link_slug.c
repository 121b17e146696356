/* link_slug.c - the random name of a short link, and reading it back from a request.
 * Refuses to know which slugs exist.  Promises: nothing but the alphabet ever comes out. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "link.h"
#include "text.h"

/* Crockford's base32: no i, l, o (they look like digits) and no u. */
static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

_Static_assert(sizeof alphabet - 1 == 32, "five bits of a random octet choose without bias");

enum err link_slug_make(unsigned length, char out[LINK_SLUG_MAX + 1])
{
    uint8_t octets[LINK_SLUG_MAX];
    enum err e;

    if (length < LINK_SLUG_MIN || length > LINK_SLUG_MAX)
        return ERR_RANGE;
    e = text_random(octets, length);
    if (e)
        return e;
    for (unsigned i = 0; i < length; i++)
        out[i] = alphabet[octets[i] & 31];
    out[length] = '\0';
    return OK;
}

/* The next octet of a path, %-encoded or not, -1 at its end.  A stray % is itself. */
static int path_next(const char **p)
{
    uint8_t octet;
    size_t n;

    if (**p == '\0')
        return -1;
    if (**p == '%' && (*p)[1] && !text_hex_decode(*p + 1, 2, &octet, 1, &n)) {
        *p += 3;
        return octet;
    }
    return (unsigned char)*(*p)++;
}

/* A character of the slug, or '\0'. */
static char slug_character(int c)
{
    if (c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if (c == 'o')
        return '0';
    if (c == 'i' || c == 'l')
        return '1';
    return c > 0 && strchr(alphabet, c) ? (char)c : '\0';
}

static bool is_alnum(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* What stands behind the slug, c first: only what a sentence or a phone may have left there. */
static bool may_follow(int c, const char *p)
{
    const char *look;

    for (; c >= 0 && c != '?' && c != '#' && c < 0x80; c = path_next(&p)) {
        if (c == '\'' && (look = p, path_next(&look) | 0x20) == 's') {
            p = look; /* a possessive */
            continue;
        }
        if (c < ' ' || c == 0x7f || is_alnum(c))
            return false;
    }
    return true;
}

enum err link_slug_normalise(const char *path, char out[LINK_SLUG_MAX + 1])
{
    char slug[LINK_SLUG_MAX + 1];
    size_t n = 0;
    char found;
    int c;

    if (*path == '/')
        path++;
    for (c = path_next(&path); (found = slug_character(c)) != '\0'; c = path_next(&path)) {
        if (n == LINK_SLUG_MAX)
            return ERR_NOT_FOUND;
        slug[n++] = found;
    }
    if (n < LINK_SLUG_MIN || !may_follow(c, path))
        return ERR_NOT_FOUND;
    memcpy(out, slug, n);
    out[n] = '\0';
    return OK;
}
