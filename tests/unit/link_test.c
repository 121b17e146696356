/* link_test.c - the link finder against tables of sentences; destinations, slugs, hostile text.
 * Sentences: tests/vectors/links.tsv (the floor) and links_more.tsv.  Punycode from RFC 3492 7.1 and IANA's
 * root zone.  Runs in the top folder of the source. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/link.h"
#include "text.h"

/* Every character that the finder looks at passes here: the measure of its work. */
static unsigned long steps;

static enum err counted(const char *s, size_t len, size_t *at, uint32_t *cp)
{
    steps++;
    return text_utf8_next(s, len, at, cp);
}

#define text_utf8_next counted
#include "../../src/link_text.c"
#undef text_utf8_next

#define BASE "https://s.example.com"

/* ---- sentences ---- */

/* \n and \u00a0 of the tables. */
static void unescape(char *text)
{
    char *out = text;

    for (const char *in = text; *in;) {
        if (strncmp(in, "\\n", 2) == 0) {
            *out++ = '\n';
            in += 2;
        } else if (strncmp(in, "\\u00a0", 6) == 0) {
            memcpy(out, "\xc2\xa0", 2);
            out += 2;
            in += 6;
        } else {
            *out++ = *in++;
        }
    }
    *out = '\0';
}

static const char *find(const char *text, const char *base, char *out, size_t size)
{
    struct link_span span;

    if (link_find(text, strlen(text), base, &span))
        return "none";
    assert_true(span.len > 0 && span.len <= strlen(text) && span.offset <= strlen(text) - span.len);
    snprintf(out, size, "%.*s", (int)span.len, text + span.offset);
    return out;
}

/* What is found must also lead somewhere. */
static void check_destination(const char *link)
{
    struct buf out;

    buf_init(&out, 16384);
    if (link_destination(link, strlen(link), &out))
        fail_msg("no destination: %s", link);
    buf_free(&out);
}

static void check_file(const char *path, unsigned at_least)
{
    char line[4096], got[4096];
    unsigned rows = 0, wrong = 0;
    FILE *f = fopen(path, "r");

    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        char *tab = strchr(line, '\t');
        const char *found;

        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "# ", 2) == 0 || !tab)
            continue;
        *tab = '\0';
        unescape(line);
        rows++;
        found = find(line, BASE, got, sizeof got);
        if (strcmp(found, tab + 1) != 0) {
            wrong++;
            print_error("%s\n    want %s\n    got  %s\n", line, tab + 1, found);
        } else if (found == got) {
            check_destination(found);
        }
    }
    fclose(f);
    assert_int_equal(wrong, 0);
    assert_true(rows >= at_least);
}

static void sentences(void **state)
{
    (void)state;
    check_file("tests/vectors/links.tsv", 68);
    check_file("tests/vectors/links_more.tsv", 450);
}

static void own_base(void **state)
{
    static const struct {
        const char *text, *base, *want;
    } row[] = {
        {"https://s.example.com/abc", NULL, "https://s.example.com/abc"},
        {"https://s.example.com/abc", "", "https://s.example.com/abc"},
        {"https://s.example.com/abc", "https://s.example.com/", "none"},
        {"HTTPS://S.Example.Com:443/abc", "https://s.example.com", "none"},
        {"w.bm.Mx: x", NULL, "w.bm"}, /* a colon shows no port */
        {"s.example.com and example.com", "https://s.example.com", "example.com"},
        {"https://s.example.com:444/abc", "https://s.example.com", "https://s.example.com:444/abc"},
        {"http://127.0.0.1:8081/abc x", "http://127.0.0.1:8081", "none"},
        {"http://127.0.0.1/abc x", "http://127.0.0.1:8081", "http://127.0.0.1/abc"},
        {"http://[::1]:8081/abc x", "http://[::1]:8081", "none"},
        {"https://example.com/s/abc", "https://example.com/s/", "none"},
        {"https://example.com/s", "https://example.com/s", "none"},
        {"https://example.com/sale", "https://example.com/s", "https://example.com/sale"},
        {"https://example.com/", "https://example.com/s", "https://example.com/"},
        {"http://\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.\xd1\x80\xd1\x84/a",
         "https://xn--e1afmkfd.xn--p1ai", "none"},
        {"https://example.com/a", "nonsense", "https://example.com/a"},
    };
    char got[256];

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_string_equal(find(row[i].text, row[i].base, got, sizeof got), row[i].want);
}

/* ---- destinations ---- */

static const struct {
    const char *link, *want; /* NULL: refused */
} destination_row[] = {
    {"example.com", "http://example.com"},
    {"EXAMPLE.COM/Path", "http://example.com/Path"},
    {"HTTPS://Example.COM/ABC", "https://example.com/ABC"},
    {"http://https://example.com/x", "https://example.com/x"},
    {"https://http://example.com/x", "http://example.com/x"},
    {"example.com:8080/admin?x=1#y", "http://example.com:8080/admin?x=1#y"},
    {"https://example.com?x=1", "https://example.com?x=1"},
    {"http://a?(((S", "http://a?(((S"}, /* found so in "http://a?(((S[))) x" */
    {"http://[2001:DB8::1]:80/x", "http://[2001:db8::1]:80/x"},
    {"http://wiki/page", "http://wiki/page"},
    {"пример.рф", "http://xn--e1afmkfd.xn--p1ai"},
    {"ПРИМЕР.РФ/а", "http://xn--e1afmkfd.xn--p1ai/%D0%B0"},
    {"https://bücher.example/ü?q=ß", "https://xn--bcher-kva.example/%C3%BC?q=%C3%9F"},
    {"https://BÜCHER.example/", "https://xn--bcher-kva.example/"},
    {"http://例え.テスト/", "http://xn--r8jz45g.xn--zckzah/"}, /* IANA's test domain */
    {"https://example.com/a b", "https://example.com/a%20b"},
    {"https://example.com/\r\nSet-Cookie: x=1", "https://example.com/%0D%0ASet-Cookie:%20x=1"},
    {"https://example.com/\x01\x7f", "https://example.com/%01%7F"},
    {"https://example.com/%E3%81%82%", "https://example.com/%E3%81%82%"},
    {"https://example.com/?q=a|b||c", "https://example.com/?q=a%7Cb%7C%7Cc"},
    {"https://example.com/?a[0]=1", "https://example.com/?a[0]=1"},
    {"https://example.com/\"<>\\^`{}", "https://example.com/%22%3C%3E%5C%5E%60%7B%7D"},
    {"https://example.com/\xff\xfe", "https://example.com/%FF%FE"},
    {"https://exa mple.com/", NULL},
    {"https://example.com\r\nX: y", NULL},
    {"https://user:pass@example.com/", NULL},
    {"https://", NULL},
    {"", NULL},
    {"javascript:alert(1)", NULL},
    {"foo.notatld", NULL},
    {"http://example.com:99999/", NULL},
};

static void destinations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof destination_row / sizeof *destination_row; i++) {
        const char *link = destination_row[i].link, *want = destination_row[i].want;
        struct buf out;
        enum err e;

        buf_init(&out, 1024);
        e = link_destination(link, strlen(link), &out);
        if (want) {
            assert_int_equal(e, OK);
            assert_string_equal(buf_str(&out), want);
        } else if (e != ERR_SYNTAX) {
            fail_msg("taken: %s", link);
        }
        buf_free(&out);
    }
}

static void destination_ceiling(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 20);
    assert_int_equal(link_destination("https://example.com/a", 21, &out), ERR_FULL);
    buf_free(&out);
}

/* ---- slugs ---- */

static void slug_made(void **state)
{
    static const char alphabet_[] = "0123456789abcdefghjkmnpqrstvwxyz";
    unsigned seen[128] = {0};
    char slug[LINK_SLUG_MAX + 1], back[LINK_SLUG_MAX + 1], path[LINK_SLUG_MAX + 2];

    (void)state;
    assert_int_equal(link_slug_make(LINK_SLUG_MIN - 1, slug), ERR_RANGE);
    assert_int_equal(link_slug_make(LINK_SLUG_MAX + 1, slug), ERR_RANGE);
    for (unsigned i = 0; i < 2000; i++) {
        unsigned length = LINK_SLUG_MIN + i % (LINK_SLUG_MAX - LINK_SLUG_MIN + 1);

        assert_int_equal(link_slug_make(length, slug), OK);
        assert_int_equal(strlen(slug), length);
        assert_int_equal(strspn(slug, alphabet_), length);
        for (const char *p = slug; *p; p++)
            seen[(unsigned char)*p]++;
        snprintf(path, sizeof path, "/%s", slug);
        assert_int_equal(link_slug_normalise(path, back), OK);
        assert_string_equal(back, slug);
    }
    /* 23,000 characters over 32: 719 each, six standard deviations are 158 */
    for (const char *p = alphabet_; *p; p++)
        assert_in_range(seen[(unsigned char)*p], 719 - 158, 719 + 158);
}

static const struct {
    const char *path, *want; /* NULL: no slug */
} slug_row[] = {
    {"/k7qz2m9rtx", "k7qz2m9rtx"},
    {"k7qz2m9rtx", "k7qz2m9rtx"},
    {"/K7QZ2M9RTX", "k7qz2m9rtx"},
    {"/oOiIlLk7q", "001111k7q"},
    {"/k7qz2m9rtx.", "k7qz2m9rtx"},
    {"/k7qz2m9rtx...", "k7qz2m9rtx"},
    {"/k7qz2m9rtx).", "k7qz2m9rtx"},
    {"/k7qz2m9rtx%2E", "k7qz2m9rtx"},
    {"/k7qz2m9rtx%2c", "k7qz2m9rtx"},
    {"/k7qz2m9rtx%E3%80%82", "k7qz2m9rtx"},
    {"/k7qz2m9rtx\xe3\x80\x82", "k7qz2m9rtx"},
    {"/k7qz2m9rtxを確認", "k7qz2m9rtx"},
    {"/k7qz2m9rtx%E2%80%99s", "k7qz2m9rtx"},
    {"/k7qz2m9rtx's", "k7qz2m9rtx"},
    {"/k7qz2m9rtx%27s.", "k7qz2m9rtx"},
    {"/k7qz2m9rtx?utm=1", "k7qz2m9rtx"},
    {"/k7qz2m9rtx.?utm=1", "k7qz2m9rtx"},
    {"/k7qz2m9rtx#x", "k7qz2m9rtx"},
    {"/k7qz2m9rtx/", "k7qz2m9rtx"},
    {"/%6b7qz2m9rtx", "k7qz2m9rtx"},
    {"/k7qz2m9rtx%", "k7qz2m9rtx"},
    {"/k7qz2m9", "k7qz2m9"},
    {"/k7qz2m9rtxk7qz2m", "k7qz2m9rtxk7qz2m"},
    {"/k7qz2m9rtxk7qz2m9", NULL},
    {"/k7qz2m", NULL},
    {"/", NULL},
    {"", NULL},
    {"//k7qz2m9rtx", NULL},
    {"/k7qz2m9rtu", NULL}, /* u is not in the alphabet */
    {"/k7qz2m9rtx/x", NULL},
    {"/k7qz2m9rtx.html", NULL},
    {"/k7qz2m9rtx/../x", NULL},
    {"/k7qz-2m9rtx", NULL},
    {"/k7qz2m9rtx%00", NULL},
    {"/k7qz2m9rtx%0d%0aX", NULL},
    {"/k7qz2m9rtx'sale", NULL},
    {"/robots.txt", NULL},
    {"/favicon.ico", NULL},
    {"/wp-login.php", NULL},
    {"/.env", NULL},
    {"/%", NULL},
    {"/%zz", NULL},
    {"/を", NULL},
};

static void slug_read(void **state)
{
    char slug[LINK_SLUG_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof slug_row / sizeof *slug_row; i++) {
        enum err e = link_slug_normalise(slug_row[i].path, slug);

        if (e != (slug_row[i].want ? OK : ERR_NOT_FOUND))
            fail_msg("%s: %s", slug_row[i].path, err_str(e));
        if (!e)
            assert_string_equal(slug, slug_row[i].want);
    }
}

/* ---- the administrator's words ---- */

static enum err load(const char *text, unsigned *line)
{
    char dir[] = "/tmp/link_test_XXXXXX", path[64];
    enum err e;
    FILE *f;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/link-words", dir);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
    e = link_load_words(dir, line);
    unlink(path);
    rmdir(dir);
    return e;
}

static void words(void **state)
{
    char got[64];
    unsigned line;

    (void)state;
    assert_int_equal(link_load_words("/nonexistent", &line), OK);
    assert_string_equal(find("plan.cards x", BASE, got, sizeof got), "plan.cards");
    assert_string_equal(find("done.me", BASE, got, sizeof got), "none");
    assert_int_equal(load("# ours\n\nword\tcards\n ext zone # files\ndomain done.me\n", &line), OK);
    assert_string_equal(find("plan.cards x", BASE, got, sizeof got), "none");
    assert_string_equal(find("plan.cards/x", BASE, got, sizeof got), "plan.cards/x");
    assert_string_equal(find("some.zone", BASE, got, sizeof got), "none");
    assert_string_equal(find("done.me", BASE, got, sizeof got), "done.me");
    assert_int_equal(load("word a\nwhat b\n", &line), ERR_SYNTAX);
    assert_int_equal(line, 2);
    assert_int_equal(load("word\n", &line), ERR_SYNTAX);
    assert_int_equal(load("word a b\n", &line), ERR_SYNTAX);
    link_close(); /* forgets them */
    assert_int_equal(link_init(), OK);
    assert_string_equal(find("plan.cards x", BASE, got, sizeof got), "plan.cards");
}

/* ---- hostile text ---- */

static const char *const hostile[] = {
    "a.",
    "a",
    "http://",
    "https://a,",
    "http://a@",
    "http://[",
    "(",
    "a(",
    "example.com/(",
    "[](",
    "a.b!",
    "a.b@",
    "@",
    "-",
    "a-.",
    "www.",
    "ok.so ",
    "1.am ",
    "://",
    "a://",
    "http://a/(",
    "'s",
    "\xe3\x81\x82",
    "\xe3\x81\x82.",
    "\xe4\xb8\xad.a",
    "a\xe3\x81\x82",
    "com\xe3\x81\x82.",
    "\xd0\xbf.",
    "\xd1\x80\xd1\x84\xe3\x81\xa8.",
    "\xff",
    "a.\xff",
    "https://a:",
    "a.com:",
    "a.me:1",
    "x.com@",
    "http://http:/",
    "http://\xe3\x81\x82,",
    "example.notatld/",
    "\xf0\x9f\x8e\x89",
};

static unsigned long steps_of(const char *unit, size_t n)
{
    char *text = malloc(n);
    size_t len = strlen(unit);
    struct link_span span;

    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = unit[i % len];
    steps = 0;
    if (link_find(text, n, BASE, &span) == OK)
        assert_true(span.offset + span.len <= n);
    free(text);
    return steps;
}

/* Twice the text, at most twice the work (and a little for the ends): counted, not timed. */
static void linear(void **state)
{
    const size_t n = 128 * 1024;

    (void)state;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        unsigned long once = steps_of(hostile[i], n), twice = steps_of(hostile[i], 2 * n);

        if (twice > 2 * once + once / 10 + 2000 || twice > 64 * n)
            fail_msg("\"%s\": %lu, then %lu steps", hostile[i], once, twice);
    }
}

/* Every beginning and every ending of the sentences: no way of cutting makes it read outside (sanitizers). */
static void cut_anywhere(void **state)
{
    static const char text[] =
        "é日本語.jp https://u:p@x.com http://[::1]:80/(a[b]) 中.中国 www.ä.рф:8/?q=|";
    struct link_span span;

    (void)state;
    for (size_t from = 0; from < sizeof text; from++)
        for (size_t n = 0; n <= sizeof text - from; n++) {
            char *copy = malloc(n ? n : 1);

            assert_non_null(copy);
            memcpy(copy, text + from, n);
            if (link_find(copy, n, BASE, &span) == OK)
                assert_true(span.len > 0 && span.offset + span.len <= n);
            free(copy);
        }
}

static int setup(void **state)
{
    (void)state;
    return link_init() == OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    link_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences),    cmocka_unit_test(own_base),
        cmocka_unit_test(destinations), cmocka_unit_test(destination_ceiling),
        cmocka_unit_test(slug_made),    cmocka_unit_test(slug_read),
        cmocka_unit_test(words),        cmocka_unit_test(linear),
        cmocka_unit_test(cut_anywhere),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
