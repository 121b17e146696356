/* url.h - callback URLs: well-formed or not, and whether we may go there.
 * Refuses to know what is posted, and never asks a name server.
 * Promises: what url_normalise() accepted, curl opens; url_policy_judge() has the last word on the very
 * address about to be opened.  Pure but for url_policy_judge() against a wildcard listener (it reads the
 * machine's own addresses); any thread. */
#ifndef SMSBRIDGE_URL_H
#define SMSBRIDGE_URL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "err.h"

#define URL_MAX      2048 /* bytes of a normalised URL */
#define URL_HOST_MAX 256  /* with NUL */
#define URL_WHY_MAX  192  /* a sentence for people, with NUL */

/* A callback URL as curl writes it: http or https; without a scheme it gets http://; the host in lower
 * case and punycode, odd spellings of IPv4 (0x7f.1, 2130706433, 0177.0.0.1) as dotted quads, a fragment
 * dropped.  A name and a password in it are allowed: basic authentication is common for webhooks.
 * ERR_SYNTAX, ERR_RANGE (too long), ERR_UNSUPPORTED (another scheme): why says it in a sentence. */
enum err url_normalise(const char *text, char out[URL_MAX + 1], char why[URL_WHY_MAX]) MUST_CHECK;

struct url_parts {
    char host[URL_HOST_MAX]; /* lower case; an IPv6 address without brackets */
    uint16_t port;           /* the scheme's own where none is given */
    bool https;
    bool literal; /* host is an address: address holds it */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address;
};
/* Takes apart what url_normalise() made; any other http(s) URL too.  ERR_SYNTAX. */
enum err url_split(const char *url, struct url_parts *out) MUST_CHECK;

/* ---- addresses ---- */
#define URL_NETS_MAX 64
struct url_net {
    uint8_t family; /* AF_INET or AF_INET6 */
    uint8_t bits;   /* of the prefix */
    uint8_t prefix[16];
};
struct url_nets {
    unsigned n;
    struct url_net net[URL_NETS_MAX];
};
/* "192.0.2.1" or "2001:db8::/32" (host bits are dropped).  ERR_SYNTAX. */
enum err url_net_parse(const char *text, struct url_net *out) MUST_CHECK;
/* A list with commas, may be empty, e.g. links.trusted_proxies.  ERR_SYNTAX, ERR_FULL: why names the item. */
enum err url_nets_parse(const char *list, struct url_nets *out, char why[URL_WHY_MAX]) MUST_CHECK;
/* Is the address in one of them?  An IPv4 client of a dual-stack listener (::ffff:a.b.c.d) counts as IPv4. */
bool url_nets_contain(const struct url_nets *nets, const struct sockaddr *address);

/* ---- where callbacks may go: callbacks.allow ---- */
#define URL_LISTENERS_MAX 16
struct url_policy {
    bool loopback, private, external;
    struct url_nets nets;
    unsigned listeners;
    struct sockaddr_storage listener[URL_LISTENERS_MAX];
};
/* "loopback, private, external, 192.0.2.0/24".  No listener yet.  ERR_SYNTAX, ERR_FULL: why names the item. */
enum err url_policy_parse(const char *list, struct url_policy *out,
                          char why[URL_WHY_MAX]) MUST_CHECK;
/* An address and port that this daemon itself serves; 0.0.0.0 and [::] mean every address of the machine.
 * AF_UNIX is ignored.  ERR_FULL. */
enum err url_policy_add_listener(struct url_policy *p, const struct sockaddr *address) MUST_CHECK;
/* May a connection to this address and port be opened?  ERR_DENIED: why names the reason and the setting. */
enum err url_policy_judge(const struct url_policy *p, const struct sockaddr *address,
                          char why[URL_WHY_MAX]) MUST_CHECK;
/* The same at submission, of a normalised URL: addresses and localhost are judged, other names are OK until
 * they are resolved.  ERR_DENIED, ERR_SYNTAX. */
enum err url_policy_judge_url(const struct url_policy *p, const char *url,
                              char why[URL_WHY_MAX]) MUST_CHECK;

#endif
