/* link_guard.c - is "label.tld" a domain, or sentences run together, a file's name, a number?
 * Refuses to know single sentences: it judges by shape (capitals, digits, initials) and by tables of words
 * (link_words.c).  Promises: looks at the host and its neighbours only, in constant time. */
#include <stdio.h>
#include <string.h>

#include "link_parts.h"

enum shape { SHAPE_LOWER, SHAPE_UPPER, SHAPE_TITLE, SHAPE_MIXED };

struct word {
    char text[64]; /* lower case; "" when longer */
    enum shape shape;
    unsigned chars, digits; /* digits: at its beginning */
    bool ascii;
};

struct naked {
    const char *s;
    size_t n, end; /* of the text, of the link */
    const struct link_host *host;
    struct word first, label,
        tld; /* the first label, the one before the top-level domain, and that */
    unsigned labels;
    char name[2 * sizeof(((struct word *)0)->text)]; /* label.tld */
};

static enum shape shape_of(unsigned upper, unsigned chars, bool upper_first)
{
    if (upper == 0)
        return SHAPE_LOWER;
    if (upper == chars && chars > 1)
        return SHAPE_UPPER;
    return upper == 1 && upper_first ? SHAPE_TITLE : SHAPE_MIXED;
}

static void word_read(const char *s, size_t start, size_t end, struct word *w)
{
    unsigned upper = 0, letters = 0;
    bool upper_first = false;
    size_t width, used = 0;

    *w = (struct word){.ascii = true};
    for (size_t at = start; at < end; at += width, w->chars++) {
        uint32_t cp = link_char(s, end, at, &width), lower = link_lower(cp);

        if (lower != cp) {
            upper++;
            upper_first = upper_first || at == start;
        }
        if (cp >= '0' && cp <= '9')
            w->digits += w->digits == w->chars;
        else
            letters++;
        w->ascii = w->ascii && cp < 0x80;
        if (used + 4 < sizeof w->text) {
            /* link_lower() never changes the width within UTF-8 */
            memcpy(w->text + used, s + at, width);
            if (lower != cp && cp < 0x80)
                w->text[used] = (char)lower;
            else if (lower != cp) {
                w->text[used] = (char)(0xc0 | lower >> 6);
                w->text[used + 1] = (char)(0x80 | (lower & 0x3f));
            }
        }
        used += width;
    }
    w->text[used + 4 < sizeof w->text ? used : 0] = '\0';
    w->shape = shape_of(upper, letters, upper_first);
}

/* ---- what a top-level domain is ---- */

static bool is_strong(const struct word *tld)
{
    static const char *const strong[] = {"com", "net", "org", "edu", "gov"};

    for (size_t i = 0; i < sizeof strong / sizeof *strong; i++)
        if (strcmp(tld->text, strong[i]) == 0)
            return true;
    return false;
}

/* May a sentence begin with it?  english: an English one. */
static bool begins_sentence(const struct word *tld, bool english)
{
    if (tld->chars == 2 && tld->ascii)
        return link_word_begins(tld->text, english);
    return !link_word_in(LINK_WORDS_TECHNICAL, tld->text);
}

/* ---- one guard a function: true refuses ---- */

/* com.example.app: a package's name; co.uk: nobody's site */
static bool is_reversed_or_suffix(const struct naked *d)
{
    const struct link_host *h = d->host;

    if (d->labels > 2)
        return strcmp(d->first.text, "com") == 0 || strcmp(d->first.text, "org") == 0;
    return link_word_in(LINK_WORDS_SUFFIX, d->first.text) &&
           link_suffix_known(d->s + h->start, h->end - h->start);
}

/* e.g., i.e., B.Sc, p.m.to, Will.i.am; x.ai and g.co are domains */
static bool is_initials(const struct naked *d)
{
    if (d->label.chars > 1 || d->label.digits)
        return false;
    if (d->labels > 2)
        return d->host->single || begins_sentence(&d->tld, false);
    return d->tld.shape == SHAPE_TITLE || begins_sentence(&d->tld, false) || !d->label.ascii ||
           link_word_in(LINK_WORDS_UNITS, d->tld.text);
}

/* readme.md, install.sh, backup.tar.zip, libc.so; not point.md, and example.com.py is in Paraguay */
static bool is_file(const struct naked *d)
{
    const struct link_host *h = d->host;
    const char *stem = d->label.text;

    if (d->labels > 2 && link_suffix_known(d->s + h->before, h->end - h->before))
        return false;
    if (link_word_in(LINK_WORDS_FILES, d->tld.text))
        return true;
    if (link_word_in(LINK_WORDS_NAMES, d->name))
        return true;
    if (strcmp(d->tld.text, "md") == 0 && link_word_in(LINK_WORDS_DOCUMENTS, stem))
        return true;
    if (!link_word_in(LINK_WORDS_EXT, d->tld.text))
        return false;
    return link_word_in(LINK_WORDS_STEMS, stem) ||
           (strcmp(d->tld.text, "so") == 0 && strncmp(stem, "lib", 3) == 0);
}

/* A number, or one with a unit: "10", "5pm", "2nd", "4g". */
static bool is_quantity(const struct word *label)
{
    return label->digits && (label->digits == label->chars ||
                             (label->text[0] && label->chars - label->digits <= 3 &&
                              link_word_in(LINK_WORDS_UNITS, label->text + label->digits)));
}

/* 1.Mo, 10.am, 5.no, 10.000.de; 163.com, 24.hu and 1177.se are domains */
static bool is_number(const struct naked *d)
{
    const struct word *label = &d->label;

    if (!is_quantity(label))
        return false;
    if (is_strong(&d->tld))
        return false;
    if (d->tld.shape == SHAPE_TITLE || link_word_in(LINK_WORDS_UNITS, d->tld.text))
        return true;
    if (d->labels > 2 && label->digits == label->chars) /* AB.12.CD, 10.000.de */
        return true;
    return begins_sentence(&d->tld, label->digits == label->chars && label->chars > 2);
}

/* today.call, thanks.See: a top-level domain that nobody prints without a path, but many begin sentences with */
static bool is_closed(const struct naked *d)
{
    return (d->labels == 2 || d->tld.chars > 2) && link_word_in(LINK_WORDS_CLOSED, d->tld.text);
}

/* done.Me, Thanks.See, today.CALL; Live.tv, Booking.Com, Mail.Ru and EXAMPLE.COM are domains */
static bool is_capital(const struct naked *d)
{
    const struct word *tld = &d->tld;

    if (tld->shape == SHAPE_LOWER || is_strong(tld))
        return false;
    if (tld->shape == SHAPE_MIXED)
        return true;
    if (tld->shape == SHAPE_UPPER)
        return d->label.shape != SHAPE_UPPER && begins_sentence(tld, true);
    return d->label.shape == SHAPE_LOWER || !tld->ascii || tld->chars > 2 ||
           link_word_begins(tld->text, false);
}

/* done.me, gracias.de nada, ok.so, PM.ME, no problem.sorry.to late */
static bool is_pair(const struct naked *d)
{
    const struct link_host *h = d->host;

    if (d->labels > 3)
        return false;
    if (d->labels == 3 && ((!link_word_ends(d->first.text) && !is_quantity(&d->first)) ||
                           /* claro.com.do */
                           link_suffix_known(d->s + h->before, h->end - h->before)))
        return false;
    return link_word_pair(d->label.text, d->tld.text);
}

/* raining.my, arrived.it: an English verb's form */
static bool is_verb(const struct naked *d)
{
    static const char *const ends[] = {"ing", "ed", "ly"};
    size_t len = strlen(d->label.text);

    if (d->labels > 2 || len < 5 || !begins_sentence(&d->tld, true) || d->tld.chars > 2 ||
        link_word_in(LINK_WORDS_NOUNS, d->label.text))
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcmp(d->label.text + len - strlen(ends[i]), ends[i]) == 0)
            return true;
    return false;
}

/* "already ate.no need", "sleeping.me too": the next word goes with it. */
static bool goes_on(const struct naked *d)
{
    struct word next;
    size_t start = d->end + 1, end = start;

    if (d->labels > 2 || start >= d->n || d->s[d->end] != ' ')
        return false;
    while (end < d->n && end - start < 16 && link_class((unsigned char)d->s[end]) == LINK_ALNUM)
        end++;
    word_read(d->s, start, end, &next);
    return link_word_follows(d->tld.text, next.text);
}

static bool (*const guards[])(const struct naked *) = {
    is_reversed_or_suffix,
    is_initials,
    is_file,
    is_number,
    is_closed,
    is_capital,
    is_pair,
    is_verb,
    goes_on,
};

/* ---- */

static bool is_known(const struct naked *d)
{
    return link_word_in(LINK_WORDS_KNOWN, d->tld.text) || link_word_in(LINK_WORDS_KNOWN, d->name);
}

/* "today.Call/SMS us": a path of letters alone, behind a capital, is no path. */
static bool is_slash_of_words(const struct naked *d, const struct link_read *r)
{
    if (d->tld.shape != SHAPE_TITLE || is_strong(&d->tld))
        return false;
    for (size_t at = r->tail + 1; at < r->end; at++)
        if (link_class((unsigned char)d->s[at]) != LINK_ALNUM)
            return false;
    return true;
}

/* A www. in front, a port or a path behind: taken at once. */
static bool is_plain(const struct naked *d, const struct link_read *r)
{
    const char *tail = d->s + r->tail;
    size_t len = r->end - r->tail;

    if (d->labels > 2 && strcmp(d->first.text, "www") == 0)
        return true;
    if (r->port_number)
        return true;
    if (len > 0 && tail[0] == '/') /* but "10.am/pm" */
        return !is_slash_of_words(d, r) &&
               !(is_quantity(&d->label) && link_word_in(LINK_WORDS_UNITS, d->tld.text));
    return len > 0 && tail[0] == '?' && memchr(tail, '=', len);
}

bool link_guard_passes(const char *s, size_t n, const struct link_read *r)
{
    const struct link_host *h = &r->host;
    struct naked d = {.s = s, .n = n, .end = r->end, .host = h, .labels = h->labels};

    word_read(s, h->start, h->first_end, &d.first);
    word_read(s, h->before, h->last - 1, &d.label);
    word_read(s, h->last, h->end, &d.tld);
    snprintf(d.name, sizeof d.name, "%s.%s", d.label.text, d.tld.text);
    if (is_plain(&d, r) || is_known(&d))
        return true;
    for (size_t i = 0; i < sizeof guards / sizeof *guards; i++)
        if (guards[i](&d))
            return false;
    return true;
}
