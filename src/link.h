/* link.h - the first link of a text, where it leads to, and the slug that stands for it.
 * Refuses to know the store, HTTP and whether a destination exists: nothing is ever fetched.
 * Promises: one pass, linear in the text however hostile; a destination cannot hold a byte that would
 * break a header line.  After link_init() and link_load_words() everything is read-only: any thread. */
#ifndef SMSBRIDGE_LINK_H
#define SMSBRIDGE_LINK_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

/* Loads the public suffix list, once; call before any thread starts.  ERR_NOT_FOUND: libpsl has none. */
enum err link_init(void) MUST_CHECK;
/* Adds the guard words of dir/link-words, where that file is: a line "ext zip" (label.zip is a file's
 * name), "word call" (label.call is two sentences run together) or "domain call" (label.call is a domain
 * after all).  A missing file is OK.  On ERR_SYNTAX *line tells where; ERR_IO, ERR_FULL.  Before any thread
 * starts, after link_init(). */
enum err link_load_words(const char *dir, unsigned *line) MUST_CHECK;
/* Frees what link_init() and link_load_words() took. */
void link_close(void);

struct link_span {
    size_t offset, len; /* bytes */
};

/* The first URL or domain name of text (UTF-8; anything else never matches, nor breaks).
 * own_base: "https://s.example.com", links to it are skipped; NULL or "": none.  ERR_EMPTY: no link. */
enum err link_find(const char *text, size_t len, const char *own_base,
                   struct link_span *span) MUST_CHECK;

/* What a tap on that link has to open, appended to out: an absolute URL in printable ASCII.
 * http:// before a bare domain, the outer scheme of a doubled one dropped, the host in lower case and
 * punycode, everything else that is no URI character percent-encoded.
 * ERR_SYNTAX: no such link (the host is not valid IDNA2008); ERR_FULL, ERR_NO_MEMORY from out. */
enum err link_destination(const char *link, size_t len, struct buf *out) MUST_CHECK;

/* ---- the slug: Crockford's base32, lower case ---- */
#define LINK_SLUG_MIN 7
#define LINK_SLUG_MAX 16

/* length random characters from the kernel's generator, NUL-terminated.  ERR_RANGE, ERR_IO. */
enum err link_slug_make(unsigned length, char out[LINK_SLUG_MAX + 1]) MUST_CHECK;
/* The slug that a request path means ("/K7QZ2M9RTX." → "k7qz2m9rtx"): case folded, O read as 0, I and L
 * as 1; ignored are a query string and what sentences leave at a link's end: punctuation (raw or
 * %-encoded), a possessive 's, and from the first non-ASCII character on everything (phones take the
 * text behind a link into it where no space stands between).  ERR_NOT_FOUND: it cannot be a slug. */
enum err link_slug_normalise(const char *path, char out[LINK_SLUG_MAX + 1]) MUST_CHECK;

#endif
