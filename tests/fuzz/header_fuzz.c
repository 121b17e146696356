/* header_fuzz.c - any bytes as the headers that our own code reads: Authorization, X-Forwarded-For, User-Agent, and numbers and
 * slugs beside them.  The first byte chooses.  Knows no listener. */
#include "../../src/api_auth.c"
#include "../../src/redirect.c"

#include "../../src/phone.h"

#define TEXT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_login(const char *text)
{
    char login[LOGIN_MAX], *token = NULL;
    enum err e = parse_basic(text, login, &token);
    must(e == OK || e == ERR_EMPTY || e == ERR_DENIED);
    if (e)
        return;
    must(token > login && token < login + LOGIN_MAX && !strchr(login, ':'));
    must(strlen(login) + 1 + strlen(token) < LOGIN_MAX);
}

/* What is found is no proxy of ours: what a proxy of ours says about others is believed, nobody else's word. */
static void check_forwarded(const char *text)
{
    static struct redirect r;
    struct sockaddr_storage storage;
    char why[URL_WHY_MAX];
    if (!r.trusted_proxies.n)
        must(url_nets_parse("127.0.0.0/8, 10.0.0.0/8, 2001:db8::/32", &r.trusted_proxies, why) ==
             OK);
    const struct sockaddr *a = forwarded_for(&r, text, &storage);
    must(!a || ((a->sa_family == AF_INET || a->sa_family == AF_INET6) &&
                !url_nets_contain(&r.trusted_proxies, a)));
}

static void check_agent(const char *text)
{
    static bool ready;
    if (!ready)
        agent_init();
    ready = true;
    enum agent_class class = agent_classify_user_agent(text);
    must(class == AGENT_BOT || class == AGENT_TOOL || class == AGENT_PERSON);
    const struct agent_request r = {.method = "GET",
                                    .user_agent = text,
                                    .sec_purpose = text,
                                    .purpose = text,
                                    .x_moz = text,
                                    .x_purpose = text,
                                    .sec_fetch_mode = text,
                                    .sec_fetch_dest = text};
    must(agent_classify(&r) < AGENT_CLASS_COUNT);
}

static void check_number(const char *text)
{
    char number[PHONE_MAX], again[PHONE_MAX], slug[LINK_SLUG_MAX + 1];
    const char *why = NULL;
    if (phone_normalise(text, number, &why) == OK) {
        must(number[0] == '+' && strspn(number + 1, "0123456789") == strlen(number + 1));
        must(phone_normalise(number, again, &why) == OK && strcmp(number, again) == 0);
    } else {
        must(why != NULL);
    }
    must(phone_sender_check(text, &why) == OK || why);
    if (link_slug_normalise(text, slug) == OK)
        must(slug[0] && strlen(slug) <= LINK_SLUG_MAX && !strpbrk(slug, "/%?#\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const checks[])(const char *) = {check_login, check_forwarded, check_agent,
                                                   check_number};
    static char text[TEXT_MAX + 1];
    if (size < 1)
        return 0;
    size_t n = size - 1 < TEXT_MAX ? size - 1 : TEXT_MAX;
    memcpy(text, data + 1, n);
    text[n] = '\0';
    checks[data[0] % 4](text);
    return 0;
}
