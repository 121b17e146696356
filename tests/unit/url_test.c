/* url_test.c - callback URLs, networks, and where callbacks may go.
 * Special ranges from RFC 6890 and IANA's special-purpose registries; spellings of IPv4 from inet_aton(3). */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>

#include "../../src/url.h"
#include "text.h"

#define PUNY "xn--e1afmkfd.xn--p1ai"

/* ---- normalising ---- */

static const struct {
    const char *text, *want; /* NULL: refused with err */
    enum err err;
} url_row[] = {
    {"https://example.com/cb", "https://example.com/cb", OK},
    {"HTTPS://Example.COM/Cb?X=1", "https://example.com/Cb?X=1", OK},
    {"example.com/cb", "http://example.com/cb", OK},
    {"example.com", "http://example.com/", OK},
    {"example.com:8080/cb", "http://example.com:8080/cb", OK},
    {"localhost:9000", "http://localhost:9000/", OK},
    {"https://user:pass@example.com/cb", "https://user:pass@example.com/cb", OK},
    {"https://example.com/cb#frag", "https://example.com/cb", OK},
    {"https://example.com?x=1", "https://example.com/?x=1", OK},
    {"http://a_b.example.com/", "http://a_b.example.com/", OK},
    {"http://пример.рф/", "http://" PUNY "/", OK},
    {"http://ПРИМЕР.РФ/", "http://" PUNY "/", OK},
    {"http://0x7f.1/", "http://127.0.0.1/", OK},
    {"http://0x7f\xcd\x8f/", "http://0.0.0.127/", OK}, /* U+034F is nothing to IDNA */
    {"http://0x7f\xcd\x8f.1/", NULL, ERR_SYNTAX},
    {"http://2130706433/", "http://127.0.0.1/", OK},
    {"http://0177.0.0.1/x", "http://127.0.0.1/x", OK},
    {"http://127.1", "http://127.0.0.1/", OK},
    {"http://%31%32%37.0.0.1/", "http://127.0.0.1/", OK},
    {"http://[::1]:80/", "http://[::1]:80/", OK},
    {"http://[2001:DB8::1]/", "http://[2001:db8::1]/", OK},
    {"https://example.com/a b", "https://example.com/a%20b", OK},
    {"https://example.com/%0d%0aX:y", "https://example.com/%0d%0aX:y", OK},
    {"", NULL, ERR_SYNTAX},
    {"ftp://example.com/", NULL, ERR_UNSUPPORTED},
    {"file:///etc/passwd", NULL, ERR_UNSUPPORTED},
    {"gopher://example.com/", NULL, ERR_UNSUPPORTED},
    {"javascript:alert(1)", NULL, ERR_UNSUPPORTED},
    {"mailto:a@b.example", NULL, ERR_UNSUPPORTED},
    {"http:/example.com", NULL, ERR_SYNTAX},
    {"http:example.com", NULL, ERR_SYNTAX},
    {"http://", NULL, ERR_SYNTAX},
    {"https:///x", NULL, ERR_SYNTAX},
    {"http://?x", NULL, ERR_SYNTAX},
    {"//example.com/x", NULL, ERR_SYNTAX},
    {"/cb", NULL, ERR_SYNTAX},
    {"http://exa mple.com/", NULL, ERR_SYNTAX},
    {"http://example.com\\@evil.example/", NULL, ERR_SYNTAX},
    {"http://example.com/\r\nX: y", NULL, ERR_SYNTAX},
    {"http://example.com/\x7f", NULL, ERR_SYNTAX},
    {"http://example.com/\xff", NULL, ERR_SYNTAX},
    {"http://example.com:0/", NULL, ERR_SYNTAX},
    {"http://example.com:65536/", NULL, ERR_SYNTAX},
    {"http://example.com:x/", NULL, ERR_SYNTAX},
    {"http://a..b/", NULL, ERR_SYNTAX},
    {"http://.a/", NULL, ERR_SYNTAX},
    {"http://256.1.1.1/", NULL, ERR_SYNTAX},
    {"http://127.0.0.1./", NULL, ERR_SYNTAX},
    {"http://[::1/", NULL, ERR_SYNTAX},
    {"http://[::g]/", NULL, ERR_SYNTAX},
    {"http://h%00x/", NULL, ERR_SYNTAX},
    {"http://a<b>/", NULL, ERR_SYNTAX},
};

static void normalise(void **state)
{
    char out[URL_MAX + 1], again[URL_MAX + 1], why[URL_WHY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof url_row / sizeof *url_row; i++) {
        enum err e = url_normalise(url_row[i].text, out, why);

        if (e != url_row[i].err)
            fail_msg("%s: %s, %s", url_row[i].text, err_str(e), why);
        if (e) {
            assert_true(strlen(why) > 10);
            continue;
        }
        assert_string_equal(out, url_row[i].want);
        assert_int_equal(url_normalise(out, again, why), OK);
        assert_string_equal(again, out);
    }
}

static void too_long(void **state)
{
    char text[URL_MAX + 2], out[URL_MAX + 1], why[URL_WHY_MAX];
    const char base[] = "http://example.com/";

    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, base, sizeof base - 1);
    text[URL_MAX] = '\0';
    assert_int_equal(url_normalise(text, out, why), OK);
    text[URL_MAX] = 'a';
    text[URL_MAX + 1] = '\0';
    assert_int_equal(url_normalise(text, out, why), ERR_RANGE);
    text[URL_MAX] = '\0';
    memcpy(text + 100, "\xc3\xa9", 2); /* two bytes become six */
    assert_int_equal(url_normalise(text, out, why), ERR_RANGE);
    memset(text, 'a', sizeof text); /* without its scheme it still fits, with it not */
    text[URL_MAX] = '\0';
    assert_int_not_equal(url_normalise(text, out, why), OK);
}

static void split(void **state)
{
    struct url_parts p;

    (void)state;
    assert_int_equal(url_split("https://u:p@Example.com/x", &p), OK);
    assert_string_equal(p.host, "example.com");
    assert_int_equal(p.port, 443);
    assert_true(p.https);
    assert_false(p.literal);
    assert_int_equal(url_split("http://[::1]:8080/", &p), OK);
    assert_string_equal(p.host, "::1");
    assert_int_equal(p.port, 8080);
    assert_true(p.literal);
    assert_int_equal(p.address.any.sa_family, AF_INET6);
    assert_int_equal(ntohs(p.address.in6.sin6_port), 8080);
    assert_int_equal(url_split("http://0x7f.1", &p), OK);
    assert_string_equal(p.host, "127.0.0.1");
    assert_int_equal(p.port, 80);
    assert_int_equal(p.address.in.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_int_equal(url_split("ftp://example.com/", &p), ERR_SYNTAX);
    assert_int_equal(url_split("example.com", &p), ERR_SYNTAX);
    assert_int_equal(url_split("", &p), ERR_SYNTAX);
}

/* ---- addresses ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static union address address_of(const char *text, uint16_t port)
{
    union address a = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};

    if (inet_pton(AF_INET6, text, &a.in6.sin6_addr) != 1) {
        a.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        assert_int_equal(inet_pton(AF_INET, text, &a.in.sin_addr), 1);
    }
    return a;
}

static void nets(void **state)
{
    static const struct {
        const char *list, *address;
        bool want;
    } row[] = {
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.77/24", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"10.0.0.0/9", "10.127.255.255", true},
        {"10.0.0.0/9", "10.128.0.0", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {" 10.0.0.0/8 ,, ::1 ", "::1", true},
        {"", "::1", false},
        {"192.0.2.0/24", "::ffff:192.0.2.5", true}, /* a client of a dual-stack listener */
        {"::ffff:192.0.2.0/120", "::ffff:192.0.2.5", true},
        {"::ffff:192.0.2.0/120", "192.0.2.5", false},
    };
    struct url_nets list;
    char why[URL_WHY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        union address a = address_of(row[i].address, 0);

        assert_int_equal(url_nets_parse(row[i].list, &list, why), OK);
        if (url_nets_contain(&list, &a.any) != row[i].want)
            fail_msg("row %zu: %s in %s", i, row[i].address, row[i].list);
    }
}

static void nets_refused(void **state)
{
    static const char *const bad[] = {
        "x",
        "192.0.2",
        "192.0.2.0/33",
        "192.0.2.0/-1",
        "192.0.2.0/",
        "/8",
        "::1/129",
        "192.0.2.1 10.0.0.1",
        "fe80::1%lo",
        "10.0.0.0/8x",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct url_nets list;
    char why[URL_WHY_MAX], many[URL_NETS_MAX * 8 + 16] = "";

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (url_nets_parse(bad[i], &list, why) != ERR_SYNTAX)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(why, "is not an address"));
    }
    for (unsigned i = 0; i < URL_NETS_MAX; i++)
        memcpy(many + 8 * i, "1.2.3.4,", 9);
    assert_int_equal(url_nets_parse(many, &list, why), OK);
    memcpy(many + 8 * URL_NETS_MAX, "1.2.3.4", 8);
    assert_int_equal(url_nets_parse(many, &list, why), ERR_FULL);
}

/* ---- the policy ---- */

static enum err judge(const char *list, const char *address, uint16_t port)
{
    union address a = address_of(address, port);
    struct url_policy p;
    char why[URL_WHY_MAX];
    enum err e;

    assert_int_equal(url_policy_parse(list, &p, why), OK);
    e = url_policy_judge(&p, &a.any, why);
    assert_true(e ? strstr(why, "callbacks.allow") != NULL : *why == '\0');
    return e;
}

#define ALL "loopback, private, external"

static const struct {
    const char *address, *word; /* what has to be allowed; NULL: refused whatever is */
} kind_row[] = {
    {"127.0.0.1", "loopback"},
    {"127.255.255.254", "loopback"},
    {"::1", "loopback"},
    {"10.1.2.3", "private"},
    {"172.16.0.1", "private"},
    {"172.31.255.255", "private"},
    {"192.168.1.1", "private"},
    {"100.64.0.1", "private"},
    {"fd12:3456::1", "private"},
    {"8.8.8.8", "external"},
    {"172.32.0.1", "external"},
    {"100.128.0.1", "external"},
    {"2606:4700::1", "external"},
    {"169.254.169.254", NULL},
    {"169.254.1.1", NULL},
    {"100.100.100.200", NULL},
    {"168.63.129.16", NULL},
    {"0.0.0.0", NULL},
    {"0.1.2.3", NULL},
    {"192.0.0.192", NULL},
    {"192.0.2.1", NULL},
    {"198.18.0.1", NULL},
    {"198.51.100.1", NULL},
    {"203.0.113.1", NULL},
    {"224.0.0.1", NULL},
    {"239.255.255.255", NULL},
    {"240.0.0.1", NULL},
    {"255.255.255.255", NULL},
    {"::", NULL},
    {"::7f00:1", NULL},
    {"::ffff:127.0.0.1", NULL},
    {"::ffff:8.8.8.8", NULL},
    {"64:ff9b::808:808", NULL},
    {"64:ff9b:1::1", NULL},
    {"2002:7f00:1::", NULL},
    {"2001::1", NULL},
    {"2001:db8::1", NULL},
    {"fe80::1", NULL},
    {"febf::1", NULL},
    {"fec0::1", NULL},
    {"fd00:ec2::254", NULL},
    {"ff02::1", NULL},
    {"100::1", NULL},
    {"4000::1", NULL},
    {"::2", NULL},
};

static void kinds(void **state)
{
    static const char *const words[] = {"loopback", "private", "external"};

    (void)state;
    for (size_t i = 0; i < sizeof kind_row / sizeof *kind_row; i++) {
        const char *address = kind_row[i].address, *word = kind_row[i].word;

        if ((judge(ALL, address, 80) == OK) != (word != NULL))
            fail_msg("%s", address);
        for (size_t w = 0; w < 3; w++)
            if ((judge(words[w], address, 80) == OK) != (word && strcmp(word, words[w]) == 0))
                fail_msg("%s under %s", address, words[w]);
        assert_int_equal(judge("", address, 80), ERR_DENIED);
        assert_int_equal(judge(address, address, 80), OK); /* listed itself */
    }
    assert_int_equal(judge("169.254.169.254/32", "169.254.169.253", 80), ERR_DENIED);
    assert_int_equal(judge("10.0.0.0/8", "::ffff:10.0.0.1", 80), ERR_DENIED); /* IPv4 inside */
    assert_int_equal(judge("::ffff:0:0/96", "::ffff:10.0.0.1", 80), OK);
}

static void policy_lists(void **state)
{
    struct url_policy p;
    struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    char why[URL_WHY_MAX];

    (void)state;
    assert_int_equal(url_policy_parse("loopback,private , 192.0.2.0/24", &p, why), OK);
    assert_true(p.loopback && p.private && !p.external);
    assert_int_equal(p.nets.n, 1);
    assert_int_equal(url_policy_parse("loopback, everywhere", &p, why), ERR_SYNTAX);
    assert_non_null(strstr(why, "everywhere"));
    assert_int_equal(url_policy_judge(&p, &unix_socket, why), ERR_DENIED);
}

static enum err judge_own(const char *list, const char *listener, const char *address,
                          uint16_t port)
{
    union address own = address_of(listener, 8080), a = address_of(address, port);
    struct url_policy p;
    char why[URL_WHY_MAX];

    assert_int_equal(url_policy_parse(list, &p, why), OK);
    assert_int_equal(url_policy_add_listener(&p, &own.any), OK);
    return url_policy_judge(&p, &a.any, why);
}

static void own_listeners(void **state)
{
    (void)state;
    assert_int_equal(judge_own(ALL, "127.0.0.1", "127.0.0.1", 8080), ERR_DENIED);
    assert_int_equal(judge_own(ALL, "127.0.0.1", "127.0.0.1", 8081), OK);
    assert_int_equal(judge_own(ALL, "127.0.0.1", "127.0.0.2", 8080), OK);
    assert_int_equal(judge_own(ALL, "127.0.0.1", "10.0.0.1", 8080), OK);
    assert_int_equal(judge_own(ALL, "0.0.0.0", "127.0.0.9", 8080), ERR_DENIED);
    assert_int_equal(judge_own(ALL, "0.0.0.0", "127.0.0.9", 80), OK);
    assert_int_equal(judge_own(ALL, "0.0.0.0", "8.8.8.8", 8080), OK);
    assert_int_equal(judge_own(ALL, "0.0.0.0", "::1", 8080), OK);
    assert_int_equal(judge_own(ALL, "::", "127.0.0.1", 8080), ERR_DENIED);
    assert_int_equal(judge_own(ALL, "::", "::1", 8080), ERR_DENIED);
    assert_int_equal(judge_own(ALL ", 127.0.0.1", "127.0.0.1", "127.0.0.1", 8080), OK);
}

/* A wildcard listener is on every address that this machine has, whichever those are. */
static void own_interfaces(void **state)
{
    struct url_policy p;
    union address wildcard = address_of("::", 8080);
    struct ifaddrs *all = NULL;
    char why[URL_WHY_MAX];
    unsigned seen = 0;

    (void)state;
    assert_int_equal(url_policy_parse(ALL, &p, why), OK);
    assert_int_equal(url_policy_add_listener(&p, &wildcard.any), OK);
    assert_int_equal(getifaddrs(&all), 0);
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        union address a;

        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
            continue;
        memcpy(&a.in, i->ifa_addr, sizeof a.in);
        a.in.sin_port = htons(8080);
        assert_int_equal(url_policy_judge(&p, &a.any, why), ERR_DENIED);
        assert_non_null(strstr(why, "this service itself"));
        seen++;
    }
    freeifaddrs(all);
    assert_true(seen > 0);
}

static void listeners_full(void **state)
{
    union address a = address_of("127.0.0.1", 8080);
    struct sockaddr unix_socket = {.sa_family = AF_UNIX};
    struct url_policy p;
    char why[URL_WHY_MAX];

    (void)state;
    assert_int_equal(url_policy_parse(ALL, &p, why), OK);
    for (unsigned i = 0; i < URL_LISTENERS_MAX; i++)
        assert_int_equal(url_policy_add_listener(&p, &a.any), OK);
    assert_int_equal(url_policy_add_listener(&p, &unix_socket), OK);
    assert_int_equal(url_policy_add_listener(&p, &a.any), ERR_FULL);
}

static void judged_urls(void **state)
{
    static const struct {
        const char *list, *url;
        enum err want;
    } row[] = {
        {ALL, "http://127.0.0.1:9000/", OK},
        {"external", "http://127.0.0.1:9000/", ERR_DENIED},
        {"external", "http://2130706433:9000/", ERR_DENIED},
        {"external", "http://0x7f000001:9000/", ERR_DENIED},
        {"external", "http://017700000001/", ERR_DENIED},
        {"external", "http://[::1]/", ERR_DENIED},
        {"external", "http://localhost/", ERR_DENIED},
        {"external", "http://LOCALHOST./", ERR_DENIED},
        {"external", "http://a.localhost/", ERR_DENIED},
        {"external", "http://notlocalhost/", OK},
        {"external", "http://localhost.example.com/", OK},
        {"loopback", "http://localhost/", OK},
        {"127.0.0.1", "http://localhost/", OK},
        {"::1", "http://localhost/", OK},
        {"loopback", "http://example.com/", OK}, /* judged when it is opened */
        {ALL, "http://169.254.169.254/latest/", ERR_DENIED},
        {ALL, "http://[::ffff:169.254.169.254]/", ERR_DENIED},
        {ALL, "http://localhost:8080/", ERR_DENIED}, /* ourselves */
        {ALL, "http://127.0.0.1:8080/", ERR_DENIED},
        {ALL, "http://[::1]:8080/", OK},
        {ALL ", 127.0.0.0/8", "http://localhost:8080/", OK},
        {ALL, "nonsense", ERR_SYNTAX},
    };
    union address own = address_of("127.0.0.1", 8080);
    char why[URL_WHY_MAX];
    struct url_policy p;

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        enum err e;

        assert_int_equal(url_policy_parse(row[i].list, &p, why), OK);
        assert_int_equal(url_policy_add_listener(&p, &own.any), OK);
        e = url_policy_judge_url(&p, row[i].url, why);
        if (e != row[i].want)
            fail_msg("%s under %s: %s", row[i].url, row[i].list, err_str(e));
        assert_true((e == OK) == (*why == '\0'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normalise),      cmocka_unit_test(too_long),
        cmocka_unit_test(split),          cmocka_unit_test(nets),
        cmocka_unit_test(nets_refused),   cmocka_unit_test(kinds),
        cmocka_unit_test(policy_lists),   cmocka_unit_test(own_listeners),
        cmocka_unit_test(own_interfaces), cmocka_unit_test(listeners_full),
        cmocka_unit_test(judged_urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
