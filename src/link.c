/* link.c - what a tap has to open, and which names are top-level domains; the home of libpsl.
 * Refuses to know the store, HTTP and whether a destination exists.
 * Promises: a destination is printable ASCII without a blank: it cannot break a header line. */
#include <libpsl.h>
#include <stdlib.h>
#include <string.h>

#include "link_parts.h"
#include "text.h"
#include "words.h"

#define WORDS_FILE "link-words"
#define LABEL_MAX  64 /* RFC 1035 2.3.4, with NUL */

static const psl_ctx_t *suffixes; /* written by link_init() and link_close() only */
static psl_ctx_t *loaded;         /* what of it is ours to free */

enum err link_init(void)
{
    if (suffixes)
        return OK;
    loaded = psl_latest(NULL); /* the distribution's file where it is newer than libpsl */
    suffixes = loaded ? loaded : psl_builtin();
    return suffixes ? OK : ERR_NOT_FOUND;
}

void link_close(void)
{
    psl_free(loaded);
    loaded = NULL;
    suffixes = NULL;
    link_words_clear();
}

/* ---- the administrator's words ---- */

enum err link_load_words(const char *dir, unsigned *line)
{
    return words_read(dir, WORDS_FILE, link_word_add, line);
}

/* ---- names ---- */

static bool is_suffix(const char *host, size_t len)
{
    char ascii[LINK_HOST_MAX];

    return suffixes && !link_host_ascii(host, len, ascii) &&
           psl_is_public_suffix2(suffixes, ascii, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE);
}

bool link_tld_known(const char *label, size_t len)
{
    return len < 4 * LABEL_MAX && is_suffix(label, len);
}

bool link_suffix_known(const char *host, size_t len)
{
    return is_suffix(host, len);
}

/* ---- the destination ---- */

/* What RFC 3986 lets stand in a path or a query, % included: it is the sender's own encoding. */
static bool is_uri_character(unsigned char c)
{
    return link_class(c) == LINK_ALNUM ||
           (c < 0x80 && c > ' ' && strchr("-._~:/?#[]@!$&'()*+,;=%", c));
}

static void add_encoded(struct buf *out, const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (is_uri_character(c))
            (void)buf_add(out, s + i, 1);
        else
            (void)buf_addf(out, "%%%02X", c);
    }
}

enum err link_destination(const char *link, size_t len, struct buf *out)
{
    char host[LINK_HOST_MAX];
    struct link_read r;
    enum err e = link_scheme(link, len, 0) ? link_read_url(link, len, 0, &r)
                                           : link_read_bare(link, len, 0, &r);

    if (!e)
        e = link_host_ascii(link + r.host.start, r.host.end - r.host.start, host);
    if (!e && r.tail < len && !strchr("/?#", link[r.tail]))
        e = ERR_SYNTAX; /* something that is no tail stands behind the host */
    if (e)
        return e == ERR_NO_MEMORY ? e : ERR_SYNTAX;
    (void)buf_add_str(out, r.https ? "https://" : "http://"); /* errors stick to out */
    (void)buf_add_str(out, host);
    if (r.port_number)
        (void)buf_addf(out, ":%u", r.port_number);
    add_encoded(out, link + r.tail, len - r.tail);
    return out->err;
}
