/* link_find.c - the first link of a text.
 * Refuses to know what becomes of it.
 * Promises: one pass; whatever was looked at and refused is not looked at again. */
#include <string.h>

#include "link_parts.h"

struct own {
    bool given;
    char host[LINK_HOST_MAX];
    unsigned port;
    const char *path; /* of own_base, without a slash at its end */
    size_t path_len;
};

static unsigned port_of(const struct link_read *r)
{
    return r->port_number ? r->port_number : r->https ? 443 : 80;
}

static void own_read(const char *base, struct own *own)
{
    struct link_read r;
    size_t n;

    *own = (struct own){0};
    if (!base)
        return;
    n = strlen(base);
    if (!link_scheme(base, n, 0) || link_read_url(base, n, 0, &r) ||
        link_host_ascii(base + r.host.start, r.host.end - r.host.start, own->host))
        return;
    own->given = true;
    own->port = port_of(&r);
    own->path = base + r.tail;
    own->path_len = r.end - r.tail;
    while (own->path_len > 0 && own->path[own->path_len - 1] == '/')
        own->path_len--;
}

/* Written without a scheme, or with the other one, it is still our short link. */
static bool is_own(const struct own *own, const char *s, const struct link_read *r,
                   const char *host)
{
    size_t len = r->end - r->tail;

    if (!own->given || strcmp(own->host, host) != 0)
        return false;
    if (r->port_number ? r->port_number != own->port : own->port != 80 && own->port != 443)
        return false;
    if (len < own->path_len || memcmp(s + r->tail, own->path, own->path_len) != 0)
        return false;
    return own->path_len == 0 || len == own->path_len ||
           strchr("/?#", s[r->tail + own->path_len]) != NULL;
}

/* May a link without a scheme begin at `at`, behind this character? */
static bool may_begin(const char *s, size_t at, enum link_class class)
{
    uint32_t before = link_char_before(s, at);
    enum link_class left = link_class(before);

    if (left == LINK_ALNUM || left == LINK_LETTER)
        return false;
    if (link_is_glue(left))
        return !link_is_glue(class);
    if (before == '.') /* a full stop behind a script that glues: "바랍니다.www.example.com" */
        return link_is_glue(link_class(link_char_before(s, at - 1)));
    return before == 0 || before >= 0x80 || !strchr("_@#$/\\-+%&~", (int)before);
}

static bool is_ascii_alnum(uint32_t cp)
{
    return link_class(cp) == LINK_ALNUM;
}

/* Behind letters, digits and what glues: a word that cannot begin a link. */
static size_t word_end(const char *s, size_t n, size_t at)
{
    size_t width;
    bool glue = link_is_glue(link_class(link_char(s, n, at, &width)));

    for (at += width; at < n; at += width) {
        enum link_class class = link_class(link_char(s, n, at, &width));

        if (!link_is_host(class) || glue != link_is_glue(class))
            break;
    }
    return at;
}

/* At a colon: the scheme of a link before it, with no ASCII letter or digit in front of that?  Its start. */
static bool scheme_before(const char *s, size_t n, size_t colon, size_t *start)
{
    for (size_t len = 4; len <= 5; len++) { /* http, https */
        if (colon < len || link_scheme(s, n, colon - len) != len + 3)
            continue;
        *start = colon - len;
        return !is_ascii_alnum(link_char_before(s, *start));
    }
    return false;
}

/* Tries what begins at *at.  OK: r is a link; ERR_EMPTY: none, and *at is moved on. */
static enum err try_at(const char *s, size_t n, size_t *at, struct link_read *r)
{
    size_t width, start;
    uint32_t cp = link_char(s, n, *at, &width);
    enum link_class class = link_class(cp);
    enum err e;

    if (cp == ':' && link_starts(s, n, *at, "://") && scheme_before(s, n, *at, &start)) {
        e = link_read_url(s, n, start, r);
    } else if (cp == ':' && link_starts(s, n, *at, "://") &&
               is_ascii_alnum(link_char_before(s, *at))) {
        e = ERR_EMPTY; /* ftp://…, myapp://open?u=example.com */
        r->stop = link_tail_end(s, n, *at + 1);
    } else if (!link_is_host(class)) {
        e = ERR_EMPTY;
        r->stop = *at + width;
    } else if (may_begin(s, *at, class)) {
        e = link_read_bare(s, n, *at, r);
        if (!e && !link_guard_passes(s, n, r))
            e = ERR_EMPTY;
    } else {
        e = ERR_EMPTY;
        r->stop = word_end(s, n, *at);
    }
    if (e)
        *at = r->stop > *at ? r->stop : *at + width;
    return e ? ERR_EMPTY : OK;
}

enum err link_find(const char *text, size_t len, const char *own_base, struct link_span *span)
{
    char host[LINK_HOST_MAX];
    struct link_read r;
    struct own own;
    size_t at = 0;

    own_read(own_base, &own);
    while (at < len) {
        if (try_at(text, len, &at, &r))
            continue;
        at = r.stop;
        if (link_host_ascii(text + r.host.start, r.host.end - r.host.start, host))
            continue;
        if (is_own(&own, text, &r, host))
            continue;
        *span = (struct link_span){r.start, r.end - r.start};
        return OK;
    }
    return ERR_EMPTY;
}
