/* url_fuzz.c - any bytes as a callback URL and as lists of addresses; the first byte chooses.
 * What was accepted is settled: normalising it again changes nothing, it splits, and an address that no setting allows is denied. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/url.h"

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

/* 127.0.0.0/8 and ::1 by their bits, not by our tables (RFC 1122 3.2.1.3, RFC 4291 2.5.3). */
static bool is_loopback(const struct url_parts *p)
{
    return p->address.any.sa_family == AF_INET ? ntohl(p->address.in.sin_addr.s_addr) >> 24 == 127
                                               : IN6_IS_ADDR_LOOPBACK(&p->address.in6.sin6_addr);
}

static void check_url(const char *text, const struct url_policy *outside)
{
    char once[URL_MAX + 1], twice[URL_MAX + 1], why[URL_WHY_MAX] = "";
    struct url_parts parts;
    enum err e = url_normalise(text, once, why);
    must(e == OK || why[0]);
    if (e)
        return;
    must(strlen(once) <= URL_MAX);
    for (const char *c = once; *c; c++)
        must((unsigned char)*c > 0x20 && (unsigned char)*c < 0x7F);
    must(url_normalise(once, twice, why) == OK && strcmp(once, twice) == 0);
    must(url_split(once, &parts) == OK && parts.host[0] && parts.port);
    e = url_policy_judge_url(outside, once, why);
    must(e == OK || (e == ERR_DENIED && why[0]));
    must(!parts.literal || !is_loopback(&parts) || e == ERR_DENIED);
    must(strcmp(parts.host, "localhost") != 0 || e == ERR_DENIED);
}

static void check_lists(const char *text)
{
    char why[URL_WHY_MAX] = "";
    static struct url_nets nets;
    static struct url_policy policy;
    struct url_net net;
    enum err e = url_nets_parse(text, &nets, why);
    must(e == OK ? nets.n <= URL_NETS_MAX : why[0] != '\0');
    if (url_net_parse(text, &net) == OK)
        must(net.bits <= (net.family == AF_INET ? 32 : 128));
    why[0] = '\0';
    must(url_policy_parse(text, &policy, why) == OK || why[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct url_policy outside;
    char text[TEXT_MAX + 1], why[URL_WHY_MAX];
    if (!outside.external)
        must(url_policy_parse("external", &outside, why) == OK);
    if (size < 1)
        return 0;
    size_t n = size - 1 < TEXT_MAX ? size - 1 : TEXT_MAX;
    memcpy(text, data + 1, n);
    text[n] = '\0';
    if (data[0] % 2)
        check_url(text, &outside);
    else
        check_lists(text);
    return 0;
}
