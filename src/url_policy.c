/* url_policy.c - where callbacks may go: networks, kinds of addresses, our own listeners.
 * Refuses to know names; an address is judged as it is about to be opened.
 * Promises: what no row of the tables lets through is refused. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#include "text.h"
#include "url.h"

/* ---- networks ---- */

/* The address's octets, network order; NULL: of no family that we know. */
static const uint8_t *octets_of(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (address->sa_family == AF_INET6)
        return (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
    return NULL;
}

static uint16_t port_of(const struct sockaddr *address)
{
    return ntohs(address->sa_family == AF_INET
                     ? ((const struct sockaddr_in *)(const void *)address)->sin_port
                     : ((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
}

static bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    return memcmp(a, b, whole) == 0 &&
           (rest == 0 || (uint8_t)((a[whole] ^ b[whole]) >> (8 - rest)) == 0);
}

static bool net_contains(const struct url_net *net, uint8_t family, const uint8_t *octets)
{
    return net->family == family && prefix_equal(net->prefix, octets, net->bits);
}

static bool nets_contain(const struct url_nets *nets, uint8_t family, const uint8_t *octets)
{
    for (unsigned i = 0; i < nets->n; i++)
        if (net_contains(&nets->net[i], family, octets))
            return true;
    return false;
}

enum err url_net_parse(const char *text, struct url_net *out)
{
    const char *slash = strchr(text, '/');
    char address[INET6_ADDRSTRLEN];
    size_t len = slash ? (size_t)(slash - text) : strlen(text);
    struct url_net net = {.family = AF_INET};
    int64_t most, bits;

    if (len >= sizeof address)
        return ERR_SYNTAX;
    memcpy(address, text, len);
    address[len] = '\0';
    if (inet_pton(AF_INET, address, net.prefix) != 1) {
        net.family = AF_INET6;
        if (inet_pton(AF_INET6, address, net.prefix) != 1)
            return ERR_SYNTAX;
    }
    most = bits = net.family == AF_INET ? 32 : 128;
    if (slash && text_int(slash + 1, 0, most, &bits))
        return ERR_SYNTAX;
    net.bits = (uint8_t)bits;
    for (unsigned i = 0; i < sizeof net.prefix; i++) /* host bits */
        if (i * 8 + 8 > net.bits)
            net.prefix[i] &= i * 8 < net.bits ? (uint8_t)(0xff00 >> (net.bits - i * 8)) : 0;
    *out = net;
    return OK;
}

static enum err nets_add(struct url_nets *nets, const char *item, char why[URL_WHY_MAX])
{
    enum err e = nets->n == URL_NETS_MAX ? ERR_FULL : url_net_parse(item, &nets->net[nets->n]);

    if (e)
        (void)snprintf(why, URL_WHY_MAX,
                       "\"%.60s\" is not an address or a network like 192.0.2.0/24%s", item,
                       e == ERR_FULL ? ", or there are too many" : "");
    else
        nets->n++;
    return e;
}

/* The next item of a list with commas, blanks around it taken off; false: none left. */
static bool next_item(const char **list, char item[64])
{
    static const char blank[] = " \t";

    for (;;) {
        *list += strspn(*list, ", \t");
        if (**list == '\0')
            return false;
        size_t len = strcspn(*list, ","), kept = len;

        while (kept > 0 && strchr(blank, (*list)[kept - 1]))
            kept--;
        if (kept > 63) /* longer than any item: shown cut, and refused */
            kept = 63;
        memcpy(item, *list, kept);
        item[kept] = '\0';
        *list += len;
        return true;
    }
}

enum err url_nets_parse(const char *list, struct url_nets *out, char why[URL_WHY_MAX])
{
    struct url_nets nets = {0};
    char item[64];
    enum err e = OK;

    while (!e && next_item(&list, item))
        e = nets_add(&nets, item, why);
    if (!e)
        *out = nets;
    return e;
}

/* ::ffff:a.b.c.d */
static bool is_mapped(const uint8_t *octets)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(octets, prefix, sizeof prefix) == 0;
}

bool url_nets_contain(const struct url_nets *nets, const struct sockaddr *address)
{
    const uint8_t *octets = octets_of(address);

    if (!octets)
        return false;
    if (address->sa_family == AF_INET6 && is_mapped(octets) &&
        nets_contain(nets, AF_INET, octets + 12))
        return true;
    return nets_contain(nets, (uint8_t)address->sa_family, octets);
}

/* ---- kinds of addresses: the first row that contains it ---- */

enum kind { KIND_LOOPBACK, KIND_PRIVATE, KIND_EXTERNAL, KIND_REFUSED };

static const struct {
    const char *net;
    enum kind kind;
    const char *what;
} kinds[] = {
    {"127.0.0.0/8", KIND_LOOPBACK, "loopback"},
    {"10.0.0.0/8", KIND_PRIVATE, "private"}, /* RFC 1918 */
    {"172.16.0.0/12", KIND_PRIVATE, "private"},
    {"192.168.0.0/16", KIND_PRIVATE, "private"},
    {"100.100.100.200/32", KIND_REFUSED, "cloud metadata"},
    /* RFC 6598: a carrier's NAT, and the overlay networks people put between their machines */
    {"100.64.0.0/10", KIND_PRIVATE, "private"},
    {"169.254.0.0/16", KIND_REFUSED, "link-local or metadata"}, /* RFC 3927 */
    {"168.63.129.16/32", KIND_REFUSED, "cloud metadata"},
    {"0.0.0.0/8", KIND_REFUSED, "reserved"}, /* RFC 6890 and IANA's registry, to the end */
    {"192.0.0.0/24", KIND_REFUSED, "reserved"},
    {"192.0.2.0/24", KIND_REFUSED, "reserved (documentation)"},
    {"192.88.99.0/24", KIND_REFUSED, "reserved (6to4 relay)"},
    {"198.18.0.0/15", KIND_REFUSED, "reserved (benchmarks)"},
    {"198.51.100.0/24", KIND_REFUSED, "reserved (documentation)"},
    {"203.0.113.0/24", KIND_REFUSED, "reserved (documentation)"},
    {"224.0.0.0/4", KIND_REFUSED, "multicast"},
    {"240.0.0.0/4", KIND_REFUSED, "reserved or broadcast"},
    {"0.0.0.0/0", KIND_EXTERNAL, "external"},
    {"::1/128", KIND_LOOPBACK, "loopback"},
    {"::ffff:0:0/96", KIND_REFUSED, "IPv4-mapped"},
    {"::/96", KIND_REFUSED, "unspecified or IPv4-compatible"},
    {"64:ff9b::/96", KIND_REFUSED, "NAT64 (IPv4 inside)"},
    {"64:ff9b:1::/48", KIND_REFUSED, "NAT64 (IPv4 inside)"},
    {"2002::/16", KIND_REFUSED, "6to4 (IPv4 inside)"},
    {"2001::/32", KIND_REFUSED, "Teredo (IPv4 inside)"},
    {"2001:db8::/32", KIND_REFUSED, "reserved (documentation)"},
    {"2001::/23", KIND_REFUSED, "reserved"},
    {"3fff::/20", KIND_REFUSED, "reserved (documentation)"},
    {"fd00:ec2::254/128", KIND_REFUSED, "cloud metadata"},
    {"fc00::/7", KIND_PRIVATE, "private"}, /* RFC 4193 */
    {"fe80::/10", KIND_REFUSED, "link-local"},
    {"fec0::/10", KIND_REFUSED, "reserved (site-local)"},
    {"ff00::/8", KIND_REFUSED, "multicast"},
    {"2000::/3", KIND_EXTERNAL, "external"},
};

static enum kind kind_of(uint8_t family, const uint8_t *octets, const char **what)
{
    struct url_net net;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (url_net_parse(kinds[i].net, &net) == OK && net_contains(&net, family, octets)) {
            *what = kinds[i].what;
            return kinds[i].kind;
        }
    *what = "reserved"; /* IPv6 outside 2000::/3 */
    return KIND_REFUSED;
}

/* ---- our own listeners ---- */

static bool is_unspecified(const struct sockaddr *listener)
{
    static const uint8_t zero[16];

    return memcmp(octets_of(listener), zero, listener->sa_family == AF_INET ? 4 : 16) == 0;
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
    return a->sa_family == b->sa_family &&
           memcmp(octets_of(a), octets_of(b), a->sa_family == AF_INET ? 4 : 16) == 0;
}

/* An address of this machine?  Where that cannot be asked, any might be. */
static bool is_local(const struct sockaddr *address)
{
    struct ifaddrs *all = NULL;
    const char *what;
    bool found = false;

    if (kind_of((uint8_t)address->sa_family, octets_of(address), &what) == KIND_LOOPBACK)
        return true;
    if (getifaddrs(&all) != 0)
        return true;
    for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next)
        found = i->ifa_addr && octets_of(i->ifa_addr) && same_address(i->ifa_addr, address);
    freeifaddrs(all);
    return found;
}

static bool is_own(const struct url_policy *p, const struct sockaddr *address)
{
    for (unsigned i = 0; i < p->listeners; i++) {
        const struct sockaddr *own = (const struct sockaddr *)&p->listener[i];

        if (port_of(own) != port_of(address))
            continue;
        if (same_address(own, address))
            return true;
        if (is_unspecified(own) &&
            (own->sa_family == address->sa_family ||
             own->sa_family == AF_INET6) && /* [::] takes IPv4 too */
            is_local(address))
            return true;
    }
    return false;
}

/* ---- the policy ---- */

static bool *policy_word(struct url_policy *p, const char *item)
{
    if (strcmp(item, "loopback") == 0)
        return &p->loopback;
    if (strcmp(item, "private") == 0)
        return &p->private;
    return strcmp(item, "external") == 0 ? &p->external : NULL;
}

enum err url_policy_parse(const char *list, struct url_policy *out, char why[URL_WHY_MAX])
{
    struct url_policy p = {0};
    char item[64];
    enum err e = OK;

    while (!e && next_item(&list, item)) {
        bool *word = policy_word(&p, item);

        if (word)
            *word = true;
        else
            e = nets_add(&p.nets, item, why);
    }
    if (!e)
        *out = p;
    return e;
}

enum err url_policy_add_listener(struct url_policy *p, const struct sockaddr *address)
{
    struct sockaddr_storage *to = &p->listener[p->listeners];

    if (!octets_of(address))
        return OK;
    if (p->listeners == URL_LISTENERS_MAX)
        return ERR_FULL;
    memset(to, 0, sizeof *to);
    memcpy(to, address,
           address->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                         : sizeof(struct sockaddr_in6));
    p->listeners++;
    return OK;
}

static bool policy_allows(const struct url_policy *p, enum kind kind)
{
    switch (kind) {
    case KIND_LOOPBACK:
        return p->loopback;
    case KIND_PRIVATE:
        return p->private;
    case KIND_EXTERNAL:
        return p->external;
    case KIND_REFUSED:
        break;
    }
    return false;
}

enum err url_policy_judge(const struct url_policy *p, const struct sockaddr *address,
                          char why[URL_WHY_MAX])
{
    const uint8_t *octets = octets_of(address);
    char text[INET6_ADDRSTRLEN] = "?";
    const char *what;
    enum kind kind;

    why[0] = '\0';
    if (!octets) {
        (void)snprintf(why, URL_WHY_MAX, "It is neither IPv4 nor IPv6.");
        return ERR_DENIED;
    }
    if (nets_contain(&p->nets, (uint8_t)address->sa_family, octets))
        return OK;
    (void)inet_ntop(address->sa_family, octets, text, sizeof text);
    if (is_own(p, address)) {
        (void)snprintf(
            why, URL_WHY_MAX,
            "%s port %u is this service itself; only an address listed in callbacks.allow "
            "could be called.",
            text, port_of(address));
        return ERR_DENIED;
    }
    kind = kind_of((uint8_t)address->sa_family, octets, &what);
    if (policy_allows(p, kind))
        return OK;
    (void)snprintf(
        why, URL_WHY_MAX,
        kind == KIND_REFUSED
            ? "%s is %s: not called unless callbacks.allow lists it as an address or network."
            : "%s is %s: callbacks.allow does not permit such addresses.",
        text, what);
    return ERR_DENIED;
}

/* localhost and names below it (RFC 6761 6.3). */
static bool is_localhost(const char *host)
{
    char name[URL_HOST_MAX];
    size_t n;

    if (text_copy(name, sizeof name, host))
        return false;
    n = strlen(name);
    if (n > 0 && name[n - 1] == '.')
        name[--n] = '\0';
    return strcmp(name, "localhost") == 0 || (n > 10 && strcmp(name + n - 10, ".localhost") == 0);
}

/* It means both loopback addresses: either will do, but neither may be a listener of ours. */
static enum err judge_localhost(const struct url_policy *p, uint16_t port, char why[URL_WHY_MAX])
{
    struct sockaddr_in in = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const struct sockaddr *v4 = (const struct sockaddr *)&in, *v6 = (const struct sockaddr *)&in6;
    char other[URL_WHY_MAX];

    if (url_policy_judge(p, v4, why) == OK)
        return is_own(p, v6) ? url_policy_judge(p, v6, why) : OK;
    if (is_own(p, v4) || url_policy_judge(p, v6, other))
        return ERR_DENIED; /* why tells of IPv4 */
    why[0] = '\0';
    return OK;
}

enum err url_policy_judge_url(const struct url_policy *p, const char *url, char why[URL_WHY_MAX])
{
    struct url_parts parts;
    enum err e = url_split(url, &parts);

    why[0] = '\0';
    if (e) {
        (void)snprintf(why, URL_WHY_MAX, "The URL is malformed.");
        return e;
    }
    if (parts.literal)
        return url_policy_judge(p, &parts.address.any, why);
    return is_localhost(parts.host) ? judge_localhost(p, parts.port, why) : OK;
}
