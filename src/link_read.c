/* link_read.c - one link taken apart: schemes, host, port, tail, and where it ends.
 * Refuses to know whether a bare domain is meant as one (link_guard.c).
 * Promises: forward only; what is refused is skipped whole, so that nothing is read twice. */
#include <string.h>

#include "link_parts.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_one_of(uint32_t cp, const char *set)
{
    return cp > 0 && cp < 0x80 && strchr(set, (int)cp);
}

static enum link_class class_at(const char *s, size_t n, size_t at)
{
    size_t width;

    return at < n ? link_class(link_char(s, n, at, &width)) : LINK_STOP;
}

size_t link_scheme(const char *s, size_t n, size_t at)
{
    if (link_starts(s, n, at, "https://"))
        return 8;
    return link_starts(s, n, at, "http://") ? 7 : 0;
}

/* ---- the tail ---- */

/* Where brackets do not match: behind an opening one that nobody closes the text goes on, "(see …/Foo_(bar". */
struct brackets {
    unsigned depth[2]; /* of ( and [ */
    size_t opened[2];  /* where depth went from 0 to 1 */
    bool query;        /* behind the first ? */
};

static bool tail_goes_on(struct brackets *b, uint32_t cp, size_t at)
{
    static const char open[] = "([", close[] = ")]";
    enum link_class class = link_class(cp);

    if (class == LINK_STOP || class == LINK_GLUE_CJK || (cp == '|' && !b->query))
        return false;
    b->query = b->query || cp == '?';
    for (int i = 0; i < 2; i++) {
        if (cp == (unsigned char)open[i] && b->depth[i]++ == 0)
            b->opened[i] = at;
        if (cp == (unsigned char)close[i]) {
            if (b->depth[i] == 0)
                return false;
            b->depth[i]--;
        }
    }
    return true;
}

/* "https://a.example/x,https://b.example/y": two links, not one. */
static bool next_link(const char *s, size_t n, size_t at)
{
    return is_one_of((unsigned char)s[at], ",;|.!") && link_scheme(s, n, at + 1);
}

/* cut: where the link ends for want of a closing bracket. */
static size_t tail_scan(const char *s, size_t n, size_t at, size_t *cut)
{
    struct brackets b = {0};
    size_t width;

    for (; at < n; at += width)
        if (!tail_goes_on(&b, link_char(s, n, at, &width), at) || next_link(s, n, at))
            break;
    *cut = at;
    for (int i = 0; i < 2; i++)
        if (b.depth[i] && b.opened[i] < *cut)
            *cut = b.opened[i];
    return at;
}

size_t link_tail_end(const char *s, size_t n, size_t at)
{
    size_t cut;

    return tail_scan(s, n, at, &cut);
}

/* What a sentence leaves at a link's end: its punctuation, dashes, a possessive 's. */
static size_t trimmed(const char *s, size_t from, size_t end)
{
    while (end > from) {
        uint32_t last = link_char_before(s, end);

        if (is_one_of(last, ".,;:!?'*|"))
            end--;
        else if (last >= 0x2010 && last <= 0x2013) /* hyphens, en dash */
            end -= 3;
        else if ((last == 's' || last == 'S') && end - from > 1 && s[end - 2] == '\'')
            end -= 2;
        else
            break;
    }
    return end;
}

static void read_tail(const char *s, size_t n, struct link_read *r)
{
    size_t cut;

    r->tail = r->end = r->port_end;
    r->stop = r->end > r->host.stop ? r->end : r->host.stop;
    if (r->end >= n || !is_one_of((unsigned char)s[r->end], "/?#"))
        return;
    r->stop = tail_scan(s, n, r->tail, &cut);
    r->end = trimmed(s, r->tail, cut);
}

/* ---- the port ---- */

/* In "example.com:20% off", ":12.50" and ":5 €" the colon is the sentence's. */
static bool port_may_end(const char *s, size_t n, size_t at)
{
    size_t width;
    uint32_t cp;

    if (at >= n)
        return true;
    cp = link_char(s, n, at, &width);
    if (is_one_of(cp, ".,:;!)]'*\""))
        return at + 1 >= n || !is_digit(s[at + 1]);
    if (cp == 0xa3 || cp == 0xa5 || (cp >= 0x20a0 && cp <= 0x20cf)) /* £ ¥ € */
        return false;
    return cp < 0x80 ? is_one_of(cp, " \t\r\n/?#<>|")
                     : link_class(cp) != LINK_LETTER && link_class(cp) != LINK_MARK;
}

/* ERR_RANGE: digits that are no port. */
static enum err read_port(const char *s, size_t n, struct link_read *r)
{
    size_t at = r->host.end;
    unsigned port = 0;

    r->port = r->port_end = at;
    if (at + 1 >= n || s[at] != ':' || !is_digit(s[at + 1]))
        return OK;
    for (at++; at < n && is_digit(s[at]); at++)
        port = port > 65535 ? port : port * 10 + (unsigned)(s[at] - '0');
    if (r->bare && !port_may_end(s, n, at))
        return OK;
    r->stop = at;
    if (port < 1 || port > 65535 || link_is_host(class_at(s, n, at)))
        return ERR_RANGE;
    r->port = r->host.end + 1;
    r->port_end = at;
    r->port_number = port;
    return OK;
}

/* ---- with a scheme ---- */

/* Is there an @ before the authority's end? */
static bool has_userinfo(const char *s, size_t n, size_t at)
{
    size_t width;

    for (; at < n; at += width) {
        uint32_t cp = link_char(s, n, at, &width);
        enum link_class class = link_class(cp);

        if (cp == '@')
            return true;
        if (class != LINK_ALNUM && class != LINK_LETTER && !is_one_of(cp, "-._~%!$&+=:"))
            return false;
    }
    return false;
}

static bool ends_in_number(const char *s, const struct link_host *h)
{
    for (size_t at = h->last; at < h->end; at++)
        if (!is_digit(s[at]))
            return false;
    return true;
}

/* Where the last label is a number, browsers read an IPv4 address: four numbers of 0 to 255. */
static bool is_ipv4(const char *s, const struct link_host *h)
{
    unsigned value = 0, digits = 0;

    if (h->labels != 4)
        return false;
    for (size_t at = h->start; at < h->end; at++) {
        if (s[at] == '.') {
            value = digits = 0;
            continue;
        }
        if (!is_digit(s[at]) || ++digits > 3)
            return false;
        value = value * 10 + (unsigned)(s[at] - '0');
        if (value > 255)
            return false;
    }
    return true;
}

static enum err read_host(const char *s, size_t n, size_t at, struct link_read *r)
{
    size_t width;
    enum err e;

    if (at < n && s[at] == '[')
        return link_host_ipv6(s, n, at, &r->host);
    e = link_host_read(s, n, at, false, &r->host);
    if (e)
        return e;
    if (ends_in_number(s, &r->host) && !is_ipv4(s, &r->host))
        return ERR_SYNTAX;
    /* "my_host": not a name that we take, but not the link "my" either */
    if (r->host.end + 1 < n && s[r->host.end] == '_' &&
        link_is_host(link_class(link_char(s, n, r->host.end + 1, &width))))
        return ERR_SYNTAX;
    return OK;
}

enum err link_read_url(const char *s, size_t n, size_t at, struct link_read *r)
{
    size_t scheme = link_scheme(s, n, at);
    enum err e;

    *r = (struct link_read){.start = at, .scheme = at};
    for (; scheme; scheme = link_scheme(s, n, at)) { /* "http://https://…" */
        r->scheme = at;
        r->https = scheme == 8;
        at += scheme;
    }
    if (has_userinfo(s, n, at)) {
        r->stop = link_tail_end(s, n, at);
        return ERR_SYNTAX;
    }
    e = read_host(s, n, at, r);
    r->stop = r->host.stop;
    if (!e)
        e = read_port(s, n, r);
    if (!e && r->port_end < n && s[r->port_end] == '@')
        e = ERR_SYNTAX;
    if (e)
        r->stop = link_tail_end(s, n, r->stop);
    else
        read_tail(s, n, r);
    return e;
}

/* ---- without one ---- */

/* A word in a script that glues, then a dot: a domain only if nothing but a suffix follows ("日本語.jp"),
 * else the end of a sentence ("바랍니다.www.example.com"). */
static bool glued_sentence(const char *s, size_t n, const struct link_host *h)
{
    size_t rest = h->first_end + 1;

    if (!link_is_glue(class_at(s, n, h->start)))
        return false;
    /* "请访问例子.中国查询": neither end shows */
    if (link_is_glue(class_at(s, n, h->last)) && link_is_glue(class_at(s, n, h->end)))
        return true;
    return h->labels < 2 || h->first_end - h->start > 60 ||
           !link_suffix_known(s + rest, h->end - rest);
}

/* "сайтexample.com": no registry takes a label of two alphabets; a word ran into the domain. */
static bool mixes_alphabets(const char *s, const struct link_host *h)
{
    bool latin = false, other = false;
    size_t width;

    for (size_t at = h->start; at < h->end; at += width) {
        uint32_t cp = link_char(s, h->end, at, &width);
        enum link_class class = link_class(cp);

        if (cp == '.')
            latin = other = false;
        latin = latin || (class == LINK_ALNUM && cp > '9') || (class == LINK_LETTER && cp < 0x250);
        other = other || (class == LINK_LETTER && cp >= 0x370 && cp < 0x590);
        if (latin && other)
            return true;
    }
    return false;
}

/* A bare host must not run into what makes it something else: an address, an assignment, a compound. */
static bool runs_on(const char *s, size_t n, size_t at)
{
    if (at >= n)
        return false;
    if (s[at] == '-')
        return link_is_host(class_at(s, n, at + 1));
    return is_one_of((unsigned char)s[at], "_@=\\+%&~$");
}

/* "Have you seen example.com?It is": a question, not a query. */
static void drop_question(const char *s, struct link_read *r)
{
    size_t len = r->end - r->tail;

    if (len > 1 && s[r->tail] == '?' && s[r->tail + 1] >= 'A' && s[r->tail + 1] <= 'Z' &&
        !memchr(s + r->tail, '=', len))
        r->end = r->tail;
}

enum err link_read_bare(const char *s, size_t n, size_t at, struct link_read *r)
{
    enum err e;

    *r = (struct link_read){.start = at, .scheme = at, .bare = true};
    e = link_host_read(s, n, at, true, &r->host);
    r->stop = r->host.stop;
    if (e)
        return e;
    if (glued_sentence(s, n, &r->host)) {
        r->stop = r->host.first_end;
        return ERR_SYNTAX;
    }
    if (r->host.labels < 2 || mixes_alphabets(s, &r->host))
        return ERR_EMPTY;
    e = read_port(s, n, r);
    if (!e) {
        read_tail(s, n, r);
        drop_question(s, r);
        if (!r->host.tld || (r->end == r->tail && runs_on(s, n, r->end)))
            e = ERR_SYNTAX;
    }
    return e;
}
