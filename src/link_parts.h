/* link_parts.h - what the files of the link finder share: characters, hosts, guards.  Private to src/link*.c.
 * Refuses to know messages, stores and requests.
 * Promises: every function looks at a bounded stretch or moves forward only; none allocates for long. */
#ifndef SMSBRIDGE_LINK_PARTS_H
#define SMSBRIDGE_LINK_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "link.h"

/* ---- characters (link_text.c) ---- */
enum link_class {
    LINK_STOP,   /* ends a link wherever it stands */
    LINK_MARK,   /* in a path or a query only */
    LINK_ALNUM,  /* ASCII letters and digits */
    LINK_LETTER, /* of the alphabets that part words by spaces: é, б, λ */
    LINK_GLUE, /* of the scripts that write on without spaces or glue particles on; in a path too */
    LINK_GLUE_CJK /* the same, and ends a path */
};
enum link_class link_class(uint32_t cp);
static inline bool link_is_glue(enum link_class c)
{
    return c >= LINK_GLUE;
}
static inline bool link_is_host(enum link_class c)
{
    return c >= LINK_ALNUM;
}
/* The code point at `at` (< n) and its width; a byte that is not UTF-8 is U+FFFD (LINK_STOP), 1 wide. */
uint32_t link_char(const char *s, size_t n, size_t at, size_t *width);
/* The one before `at`; 0 at the beginning. */
uint32_t link_char_before(const char *s, size_t at);
/* Simple case for the scripts that top-level domains are written in. */
uint32_t link_lower(uint32_t cp);
/* Is s[at..] this ASCII word, in any case? */
bool link_starts(const char *s, size_t n, size_t at, const char *word);

/* ---- hosts (link_host.c) ---- */
struct link_host {
    size_t start, end;   /* of the host, port excluded */
    size_t stop;         /* where reading stopped: the next candidate is not before it */
    size_t first_end;    /* end of the first label */
    size_t before, last; /* starts of the last label but one (labels > 1) and of the last */
    unsigned labels;     /* 0: no host here */
    bool tld;            /* the last label is a top-level domain */
    bool single;         /* all labels but the last are one character long */
};
/* Reads labels at `at`.  bare: no label mixes scripts that glue with others.  ERR_EMPTY: none;
 * ERR_RANGE: too long; host->stop is set in any case. */
enum err link_host_read(const char *s, size_t n, size_t at, bool bare, struct link_host *host);
/* "[2001:db8::1]" at `at`; host->labels is 1.  ERR_SYNTAX. */
enum err link_host_ipv6(const char *s, size_t n, size_t at, struct link_host *host);
/* A host as it goes into a URL: lower case, punycode.  ERR_SYNTAX, ERR_RANGE. */
#define LINK_HOST_MAX 254 /* RFC 1035 2.3.4, with NUL */
enum err link_host_ascii(const char *host, size_t len, char out[LINK_HOST_MAX]);

/* ---- taken apart (link_read.c) ---- */
struct link_read {
    size_t start;  /* of the link */
    size_t scheme; /* of the innermost scheme; == start for a bare domain */
    bool bare, https;
    struct link_host host;
    size_t port, port_end; /* digits; equal: none */
    unsigned port_number;  /* 0: none */
    size_t tail, end;      /* from / ? or #; equal: none.  end: of the link */
    size_t stop;           /* where the search goes on when this is not a link */
};
/* Is there "http://" or "https://" at `at`?  Its length, or 0. */
size_t link_scheme(const char *s, size_t n, size_t at);
/* A URL with its scheme at `at`.  ERR_SYNTAX, ERR_RANGE: none; r->stop is set in any case. */
enum err link_read_url(const char *s, size_t n, size_t at, struct link_read *r);
/* A domain without one; guards not asked yet. */
enum err link_read_bare(const char *s, size_t n, size_t at, struct link_read *r);
/* Behind the tail that would begin at `at`, before trimming. */
size_t link_tail_end(const char *s, size_t n, size_t at);

/* ---- names (link.c, the home of libpsl) ---- */
bool link_tld_known(const char *label, size_t len);
/* Is the whole host a suffix that people register under (com, co.uk)? */
bool link_suffix_known(const char *host, size_t len);

/* ---- guards (link_guard.c) ---- */
/* May this bare domain be a domain at all, or is it sentences run together, a file's name, a number? */
bool link_guard_passes(const char *s, size_t n, const struct link_read *r);

/* ---- words (link_words.c) ---- */
enum link_words {
    LINK_WORDS_NONE,
    LINK_WORDS_TECHNICAL, /* top-level domains no sentence begins with */
    LINK_WORDS_CLOSED,    /* top-level domains that are words first and hardly ever domains */
    LINK_WORDS_FILES,     /* extensions that are nearly always files */
    LINK_WORDS_EXT,       /* extensions that are files behind one of the stems */
    LINK_WORDS_STEMS,
    LINK_WORDS_DOCUMENTS, /* stems of .md alone */
    LINK_WORDS_NAMES,     /* whole names that are no domains */
    LINK_WORDS_NOUNS,     /* end like an English verb, and name sites */
    LINK_WORDS_UNITS,     /* what stands behind a number */
    LINK_WORDS_SUFFIX,    /* second levels that are nobody's site */
    LINK_WORDS_KNOWN,     /* domains the guards would get wrong */
    LINK_WORDS_COUNT
};
bool link_word_in(enum link_words table, const char *word);
/* Does a language end sentences with `label` and begin them with `tld`? */
bool link_word_pair(const char *label, const char *tld);
/* Do they go on like that: "no need", "me too"? */
bool link_word_follows(const char *tld, const char *next);
/* Does any language end sentences with it? */
bool link_word_ends(const char *label);
/* Does any language (or English alone) begin sentences with it? */
bool link_word_begins(const char *tld, bool english);
/* Additions of the administrator. */
enum err link_word_add(const char *kind, const char *word);
void link_words_clear(void);

#endif
