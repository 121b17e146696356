/* link_fuzz.c - any bytes as a message, a stored link, a request path, a callback URL and a User-Agent.
 * What is found lies inside the text and leads somewhere; a destination and a normalised URL are one header line
 * of printable ASCII; a slug consists of its alphabet; a normalised URL is its own normal form. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/agent.h"
#include "../../src/link.h"
#include "../../src/url.h"

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_printable(const char *s)
{
    for (; *s; s++)
        must(*s > ' ' && *s < 0x7f);
}

/* A destination of any bytes; if it is one, a header line. */
static enum err destination(const char *link, size_t n)
{
    struct buf out;
    enum err e;

    buf_init(&out, 16 * TEXT_MAX);
    e = link_destination(link, n, &out);
    if (!e) {
        must(strncmp(buf_str(&out), "http://", 7) == 0 ||
             strncmp(buf_str(&out), "https://", 8) == 0);
        check_printable(buf_str(&out));
    }
    buf_free(&out);
    return e;
}

static void check_find(const char *text, size_t n)
{
    struct link_span span, again;

    (void)destination(text, n);
    if (link_find(text, n, "https://s.example.com", &span))
        return;
    must(span.len > 0 && span.offset <= n && span.len <= n - span.offset);
    must(destination(text + span.offset, span.len) == OK);
    /* With everything in front cut off the link is still found there. */
    if (link_find(text + span.offset, n - span.offset, "https://s.example.com", &again) == OK)
        must(again.offset == 0);
}

static void check_slug(const char *path)
{
    char slug[LINK_SLUG_MAX + 1];

    if (link_slug_normalise(path, slug))
        return;
    must(strlen(slug) >= LINK_SLUG_MIN && strlen(slug) <= LINK_SLUG_MAX);
    must(strspn(slug, "0123456789abcdefghjkmnpqrstvwxyz") == strlen(slug));
}

static void check_url(const char *text)
{
    static char out[URL_MAX + 1], again[URL_MAX + 1];
    char why[URL_WHY_MAX];
    struct url_policy p;
    struct url_parts parts;

    if (url_normalise(text, out, why)) {
        must(*why != '\0');
        return;
    }
    check_printable(out);
    must(url_split(out, &parts) == OK);
    must(url_normalise(out, again, why) == OK && strcmp(out, again) == 0);
    must(url_policy_parse("external", &p, why) == OK);
    (void)!url_policy_judge_url(&p, out, why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    char *text;

    if (!ready) {
        must(link_init() == OK);
        agent_init();
        ready = true;
    }
    if (size > TEXT_MAX)
        return 0;
    text = malloc(size + 1);
    must(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    check_find(text, size);
    check_slug(text);
    check_url(text);
    (void)agent_classify_user_agent(text);
    free(text);
    return 0;
}
