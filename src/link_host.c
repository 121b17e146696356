/* link_host.c - host names in running text, and as they go into a URL.
 * Refuses to know what comes before and behind a host.
 * Promises: forward only; name look-ups on short stretches only, so that hostile text costs linear time. */
#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>

#include "link_parts.h"

#define LABEL_BYTES 252 /* 63 characters of UTF-8 at most */
#define HOST_BYTES  (4 * LINK_HOST_MAX)
#define TLD_BYTES   64
#define IPV6_BYTES  45 /* INET6_ADDRSTRLEN less the NUL */

struct label {
    size_t start, end; /* hyphens at the end excluded */
    size_t raw;        /* included */
    size_t cut;        /* where another script ends and the first glued one follows; 0: nowhere */
    unsigned chars;
};

static void label_read(const char *s, size_t n, size_t at, bool bare, struct label *l)
{
    bool glue = false;
    size_t width;

    *l = (struct label){.start = at, .end = at};
    for (; at < n; at += width) {
        uint32_t cp = link_char(s, n, at, &width);
        enum link_class class = link_class(cp);

        if (!link_is_host(class) && (cp != '-' || l->chars == 0))
            break;
        if (cp == '-')
            continue;
        if (l->chars > 0 && glue != link_is_glue(class)) {
            if (bare)
                break;
            if (!glue && !l->cut)
                l->cut = l->end;
        }
        glue = link_is_glue(class);
        l->chars++;
        l->end = at + width;
    }
    l->raw = at;
}

/* The text may run on behind the last label without a space: "comをご覧", "рфとは", "中国访问".
 * The longest beginning that is a top-level domain and ends where scripts change or within a glued one; 0: none. */
static size_t label_fit(const char *s, const struct label *l)
{
    enum link_class before = LINK_STOP;
    size_t fit = 0, width;

    if (link_tld_known(s + l->start, l->end - l->start))
        return l->end;
    for (size_t at = l->start; at < l->end && at - l->start <= TLD_BYTES; at += width) {
        enum link_class class = link_class(link_char(s, l->end, at, &width));

        if (at > l->start && (class != before || link_is_glue(class)) && link_is_host(before) &&
            class != LINK_ALNUM && link_tld_known(s + l->start, at - l->start))
            fit = at;
        before = class;
    }
    return fit;
}

static void finish(const char *s, bool bare, const struct label *l, struct link_host *h)
{
    size_t fit = bare && h->labels == 1 ? 0 : label_fit(s, l); /* most words of a text */

    h->tld = fit != 0;
    h->end = fit               ? fit
             : !bare && l->cut ? l->cut /* "http://wikiをご覧" */
                               : l->end;
}

/* "Visit example.com.Call us": the next sentence, where nothing shows that the host goes on. */
static void cut_sentence(const char *s, size_t n, size_t third, struct link_host *h)
{
    char first = s[h->last], second = h->last + 1 < h->end ? s[h->last + 1] : '\0';

    if (h->labels < 3 || first < 'A' || first > 'Z' || second < 'a' || second > 'z')
        return;
    if (h->end < n && s[h->end] == '/') /* a colon may be the sentence's: "example.com.Note: …" */
        return;
    if (s[h->before] < 'a' || s[h->before] > 'z' || /* Shop.Example.Com, example.co.Uk */
        !link_tld_known(s + h->before, h->last - 1 - h->before) ||
        link_suffix_known(s + h->before, h->end - h->before))
        return;
    h->end = h->last - 1;
    h->last = h->before;
    h->before = third;
    h->labels--;
    h->tld = true;
}

/* Behind this label another one: a dot and a character that a label may begin with. */
static bool label_follows(const char *s, size_t n, const struct label *l)
{
    size_t width;

    return l->raw == l->end && l->end + 1 < n && s[l->end] == '.' &&
           link_is_host(link_class(link_char(s, n, l->end + 1, &width)));
}

enum err link_host_read(const char *s, size_t n, size_t at, bool bare, struct link_host *h)
{
    bool long_label = false;
    size_t third = at; /* start of the last label but two */
    struct label l;

    *h = (struct link_host){
        .start = at, .end = at, .stop = at, .before = at, .last = at, .single = true};
    for (;; at = l.end + 1) {
        label_read(s, n, at, bare, &l);
        if (l.chars == 0) /* only the first: label_follows() */
            break;
        h->labels++;
        third = h->before;
        h->before = h->last;
        h->last = l.start;
        long_label = long_label || l.end - l.start > LABEL_BYTES;
        if (h->labels == 1)
            h->first_end = l.end;
        /* "example.comを.ご覧": it ended in the middle already */
        if (h->labels > 1 && l.cut && link_tld_known(s + l.start, l.cut - l.start))
            break;
        if (!label_follows(s, n, &l))
            break;
        h->single = h->single && l.chars == 1;
    }
    h->stop = l.raw;
    if (h->labels == 0)
        return ERR_EMPTY;
    if (long_label || l.end - h->start > HOST_BYTES)
        return ERR_RANGE;
    finish(s, bare, &l, h);
    cut_sentence(s, n, third, h);
    if (h->labels == 1)
        h->first_end = h->end;
    return OK;
}

enum err link_host_ipv6(const char *s, size_t n, size_t at, struct link_host *h)
{
    char text[IPV6_BYTES + 1];
    struct in6_addr address;
    size_t len = 0;

    *h = (struct link_host){.start = at, .end = at, .stop = at + 1, .labels = 1};
    for (at++; at < n && s[at] != ']' && len < IPV6_BYTES; at++)
        text[len++] = s[at];
    text[len] = '\0';
    if (at >= n || s[at] != ']' || strlen(text) != len || inet_pton(AF_INET6, text, &address) != 1)
        return ERR_SYNTAX;
    h->end = h->stop = h->first_end = at + 1;
    return OK;
}

static bool all_ascii(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] >= 0x80)
            return false;
    return true;
}

/* Labels of 1 to 63 letters, digits and hyphens; or an address in brackets. */
static enum err check_ascii(const char *host)
{
    size_t run = 0;

    if (host[0] == '[')
        return OK; /* link_host_ipv6() looked at it */
    for (const char *p = host;; p++) {
        if (*p == '.' || *p == '\0') {
            if (run == 0 || run > 63)
                return ERR_SYNTAX;
            run = 0;
            if (*p == '\0')
                return OK;
        } else if (*p != '-' && link_class((unsigned char)*p) != LINK_ALNUM) {
            return ERR_SYNTAX;
        } else {
            run++;
        }
    }
}

static enum err to_punycode(const char *host, size_t len, char out[LINK_HOST_MAX])
{
    char utf8[HOST_BYTES + 1];
    char *ascii = NULL;
    enum err e = ERR_SYNTAX;

    memcpy(utf8, host, len);
    utf8[len] = '\0';
    /* UTS #46, non-transitional: what browsers do; folds case, keeps ß */
    if (idn2_lookup_u8((const uint8_t *)utf8, (uint8_t **)&ascii,
                       IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK &&
        strlen(ascii) < LINK_HOST_MAX) {
        memcpy(out, ascii, strlen(ascii) + 1);
        e = OK;
    }
    idn2_free(ascii);
    return e;
}

enum err link_host_ascii(const char *host, size_t len, char out[LINK_HOST_MAX])
{
    enum err e;

    if (len == 0 || memchr(host, '\0', len))
        return ERR_SYNTAX;
    if (all_ascii(host, len)) {
        if (len >= LINK_HOST_MAX)
            return ERR_RANGE;
        for (size_t i = 0; i < len; i++)
            out[i] = (char)link_lower((unsigned char)host[i]);
        out[len] = '\0';
    } else {
        if (len > HOST_BYTES)
            return ERR_RANGE;
        e = to_punycode(host, len, out);
        if (e)
            return e;
    }
    return check_ascii(out);
}
