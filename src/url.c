/* url.c - callback URLs, checked and written one way, on curl's URL API: what it accepts is what curl opens.
 * Refuses to know who is called and what is posted; never asks a name server.
 * Promises: what comes out is printable ASCII without a blank, http or https, with a host that can exist. */
#include "url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <idn2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

static void say(char why[URL_WHY_MAX], const char *fmt, ...) PRINTF_LIKE(2, 3);

static void say(char why[URL_WHY_MAX], const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why, URL_WHY_MAX, fmt, args);
    va_end(args);
}

/* ---- the scheme ---- */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Characters that begin the text and may be a scheme's. */
static size_t scheme_length(const char *text)
{
    size_t n = 0;

    while (is_alnum(text[n]) || (n > 0 && strchr("+.-", text[n]) && text[n]))
        n++;
    return n;
}

/* "https://…" as it is; "example.com:8080/cb" gets http://; "ftp://…", "mailto:…" are refused. */
static enum err with_scheme(const char *text, char out[URL_MAX + 8], char why[URL_WHY_MAX])
{
    size_t n = scheme_length(text);
    bool given = strncmp(text + n, "://", 3) == 0;
    bool http = text_starts_nocase(text, "http://") || text_starts_nocase(text, "https://");

    if (http && !strchr("/?#", text[n + 3])) {
        (void)snprintf(out, URL_MAX + 8, "%s", text);
        return OK;
    }
    if (http || text_starts_nocase(text, "http:") || text_starts_nocase(text, "https:")) {
        say(why, "The URL has no host.");
        return ERR_SYNTAX;
    }
    if (given || (n > 0 && text[n] == ':' && !(text[n + 1] >= '0' && text[n + 1] <= '9'))) {
        say(why, "Only http and https URLs can be called.");
        return ERR_UNSUPPORTED;
    }
    if (strchr("/?#", text[0])) {
        say(why, "The URL has no host.");
        return ERR_SYNTAX;
    }
    (void)snprintf(out, URL_MAX + 8, "http://%s", text);
    return OK;
}

/* ---- the host ---- */

static bool is_number(const char *label, size_t n)
{
    return n > 0 && strspn(label, "0123456789") == n;
}

/* Labels of 1 to 63 letters, digits, hyphens and underscores (seen in names that work); one dot may end it.
 * curl has made dotted quads of all that is IPv4: another name that ends in a number is a mistake. */
static bool host_may_exist(const char *host)
{
    struct in_addr ipv4;
    struct in6_addr ipv6;
    char inner[INET6_ADDRSTRLEN];
    size_t n = strlen(host);

    if (host[0] == '[') {
        if (n < 3 || n - 2 >= sizeof inner || host[n - 1] != ']')
            return false;
        memcpy(inner, host + 1, n - 2);
        inner[n - 2] = '\0';
        return inet_pton(AF_INET6, inner, &ipv6) == 1;
    }
    if (inet_pton(AF_INET, host, &ipv4) == 1)
        return true;
    if (n == 0 || n >= URL_HOST_MAX)
        return false;
    for (const char *label = host;;) {
        size_t len = strcspn(label, ".");
        bool last = label[len] == '\0' || label[len + 1] == '\0';

        if (len == 0 || len > 63 || (last && is_number(label, len)))
            return false;
        for (size_t i = 0; i < len; i++)
            if (!is_alnum(label[i]) && label[i] != '-' && label[i] != '_')
                return false;
        if (last)
            return true;
        label += len + 1;
    }
}

/* To lower case and punycode.  curl's own CURLU_PUNYCODE follows the locale, which a daemon has not. */
static enum err host_to_ascii(CURLU *u, char why[URL_WHY_MAX])
{
    char *host = NULL, *ascii = NULL;
    enum err e = ERR_SYNTAX;

    if (curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
        if (host[0] != '[' && idn2_lookup_u8((const uint8_t *)host, (uint8_t **)&ascii,
                                             IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
            ascii = NULL; /* underscores are no IDNA, but may be a name */
        const char *use = ascii ? ascii : host;
        char lower[URL_HOST_MAX];
        size_t n = strlen(use);

        for (size_t i = 0; i < n && n < sizeof lower; i++)
            lower[i] = (char)(use[i] >= 'A' && use[i] <= 'Z' ? use[i] + 32 : use[i]);
        if (n < sizeof lower) {
            lower[n] = '\0';
            if (host_may_exist(lower) && curl_url_set(u, CURLUPART_HOST, lower, 0) == CURLUE_OK)
                e = OK;
        }
    }
    if (e)
        say(why, "The URL's host is not a valid name or address.");
    curl_free(host);
    idn2_free(ascii);
    return e;
}

/* ---- the whole ---- */

static enum err check_text(const char *text, char why[URL_WHY_MAX])
{
    size_t n = strlen(text);

    if (n == 0 || text_utf8_check(text, n)) {
        say(why, n == 0 ? "The URL is empty." : "The URL is not valid UTF-8.");
        return ERR_SYNTAX;
    }
    if (n > URL_MAX) {
        say(why, "The URL is longer than %d bytes.", URL_MAX);
        return ERR_RANGE;
    }
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f || text[i] == '\\') {
            say(why, "The URL has a control character or a backslash in it.");
            return ERR_SYNTAX;
        }
    return OK;
}

static enum err read_port(CURLU *u, unsigned flags, uint16_t *port)
{
    char *text = NULL;
    int64_t value = 0;
    enum err e;

    if (curl_url_get(u, CURLUPART_PORT, &text, flags) != CURLUE_OK)
        return ERR_EMPTY;
    e = text_int(text, 1, 65535, &value);
    curl_free(text);
    if (!e)
        *port = (uint16_t)value;
    return e ? ERR_SYNTAX : OK;
}

static enum err check_parts(CURLU *u, char why[URL_WHY_MAX])
{
    uint16_t port;

    if (read_port(u, 0, &port) == ERR_SYNTAX) {
        say(why, "The URL's port is not between 1 and 65535.");
        return ERR_SYNTAX;
    }
    return host_to_ascii(u, why);
}

static enum err print(CURLU *u, char out[URL_MAX + 1], char why[URL_WHY_MAX])
{
    char *whole = NULL;
    enum err e = OK;

    if (curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_URL, &whole, 0) != CURLUE_OK)
        return ERR_NO_MEMORY;
    for (const char *p = whole; *p && !e; p++)
        if (*p <= ' ' || *p >= 0x7f) {
            say(why, "The URL has a character in it that has to be percent-encoded.");
            e = ERR_SYNTAX;
        }
    if (!e && text_copy(out, URL_MAX + 1, whole)) {
        say(why, "The URL is longer than %d bytes.", URL_MAX);
        e = ERR_RANGE;
    }
    curl_free(whole);
    return e;
}

static enum err normalise_once(const char *text, char out[URL_MAX + 1], char why[URL_WHY_MAX])
{
    char whole[URL_MAX + 8], done[URL_MAX + 1];
    CURLU *u = NULL;
    CURLUcode code;
    enum err e;

    why[0] = '\0';
    e = check_text(text, why);
    if (!e)
        e = with_scheme(text, whole, why);
    if (e)
        return e;
    u = curl_url();
    if (!u)
        return ERR_NO_MEMORY;
    code = curl_url_set(u, CURLUPART_URL, whole, CURLU_URLENCODE);
    if (code != CURLUE_OK) {
        say(why, "The URL is malformed: %s.", curl_url_strerror(code));
        e = code == CURLUE_OUT_OF_MEMORY ? ERR_NO_MEMORY : ERR_SYNTAX;
    }
    if (!e)
        e = check_parts(u, why);
    if (!e)
        e = print(u, done, why);
    if (!e)
        memcpy(out, done, strlen(done) + 1);
    curl_url_cleanup(u);
    return e;
}

/* Twice: what IDNA drops from a name ("0x7f" and U+034F) may leave a spelling of IPv4, and that only curl knows. */
enum err url_normalise(const char *text, char out[URL_MAX + 1], char why[URL_WHY_MAX])
{
    char first[URL_MAX + 1];
    enum err e = normalise_once(text, first, why);

    return e ? e : normalise_once(first, out, why);
}

/* ---- apart ---- */

static void read_literal(struct url_parts *p)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(p->port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(p->port)};

    p->literal = true;
    if (inet_pton(AF_INET, p->host, &in.sin_addr) == 1)
        p->address.in = in;
    else if (inet_pton(AF_INET6, p->host, &in6.sin6_addr) == 1)
        p->address.in6 = in6;
    else
        p->literal = false;
}

static enum err read_host(CURLU *u, struct url_parts *p)
{
    char *host = NULL;
    size_t n;
    enum err e = ERR_SYNTAX;

    if (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return ERR_SYNTAX;
    n = strlen(host);
    if (n > 2 && host[0] == '[') {
        memmove(host, host + 1, n - 2);
        host[n - 2] = '\0';
    }
    if (*host)
        e = text_copy(p->host, sizeof p->host, host) ? ERR_SYNTAX : OK;
    for (char *c = p->host; !e && *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c += 32;
    curl_free(host);
    return e;
}

enum err url_split(const char *url, struct url_parts *out)
{
    struct url_parts p = {0};
    CURLU *u = curl_url();
    enum err e = ERR_SYNTAX;

    if (!u)
        return ERR_NO_MEMORY;
    p.https = text_starts_nocase(url, "https://");
    if ((p.https || text_starts_nocase(url, "http://")) &&
        curl_url_set(u, CURLUPART_URL, url, CURLU_URLENCODE) == CURLUE_OK &&
        read_port(u, CURLU_DEFAULT_PORT, &p.port) == OK)
        e = read_host(u, &p);
    curl_url_cleanup(u);
    if (!e) {
        read_literal(&p);
        *out = p;
    }
    return e;
}
