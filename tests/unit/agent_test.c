/* agent_test.c - classes of requests: the table of links.md, and User-Agents of phones, robots and tools.
 * User-Agents: tests/vectors/agents.tsv.  Runs in the top folder of the source. */
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

#include "../../src/agent.h"
#include "../../src/agent_words.h"

#define PHONE                                                                                      \
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "    \
    "Gecko) Version/17.4 Mobile/15E148 Safari/604.1"

static void user_agents(void **state)
{
    char line[2048];
    unsigned rows = 0, wrong = 0;
    FILE *f = fopen("tests/vectors/agents.tsv", "r");

    (void)state;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        char *tab = strchr(line, '\t');
        const char *got;

        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || !tab)
            continue;
        *tab = '\0';
        rows++;
        got = agent_class_str(agent_classify_user_agent(tab + 1));
        if (strcmp(got, line) != 0) {
            wrong++;
            print_error("%s\n    want %s, got %s\n", tab + 1, line, got);
        }
    }
    fclose(f);
    assert_int_equal(wrong, 0);
    assert_true(rows > 100);
    assert_int_equal(agent_classify_user_agent(NULL), AGENT_TOOL);
    assert_int_equal(agent_classify_user_agent("  "), AGENT_TOOL);
}

static const struct {
    struct agent_request request;
    enum agent_class want;
} header_row[] = {
    {{.method = "GET", .user_agent = PHONE}, AGENT_PERSON},
    {{.method = "HEAD", .user_agent = PHONE}, AGENT_HEAD},
    {{.method = "HEAD", .user_agent = "Slackbot", .purpose = "prefetch"}, AGENT_HEAD},
    {{.method = "GET", .user_agent = PHONE, .sec_purpose = "prefetch"}, AGENT_PREFETCH},
    {{.method = "GET", .user_agent = PHONE, .sec_purpose = "prefetch;prerender"}, AGENT_PREFETCH},
    {{.method = "GET", .user_agent = PHONE, .sec_purpose = "Prefetch;anonymous-client-ip"},
     AGENT_PREFETCH},
    {{.method = "GET", .user_agent = PHONE, .purpose = "prefetch"}, AGENT_PREFETCH},
    {{.method = "GET", .user_agent = PHONE, .purpose = "preview"}, AGENT_PREFETCH},
    {{.method = "GET", .user_agent = PHONE, .x_moz = "prefetch"}, AGENT_PREFETCH},
    {{.method = "GET", .user_agent = PHONE, .x_purpose = "preview"}, AGENT_PREFETCH},
    {{.method = "GET", .user_agent = PHONE, .x_purpose = "instant"}, AGENT_PERSON},
    {{.method = "GET", .user_agent = PHONE, .purpose = ""}, AGENT_PERSON},
    {{.method = "GET",
      .user_agent = PHONE,
      .sec_fetch_mode = "navigate",
      .sec_fetch_dest = "document"},
     AGENT_PERSON},
    {{.method = "GET", .user_agent = PHONE, .sec_fetch_mode = "no-cors"}, AGENT_EMBED},
    {{.method = "GET", .user_agent = PHONE, .sec_fetch_mode = "cors", .sec_fetch_dest = "empty"},
     AGENT_EMBED},
    {{.method = "GET",
      .user_agent = PHONE,
      .sec_fetch_mode = "navigate",
      .sec_fetch_dest = "iframe"},
     AGENT_EMBED},
    {{.method = "GET", .user_agent = PHONE, .sec_fetch_dest = "image"}, AGENT_EMBED},
    {{.method = "GET", .user_agent = "TelegramBot (like TwitterBot)"}, AGENT_BOT},
    {{.method = "GET"}, AGENT_TOOL},
};

static void headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof header_row / sizeof *header_row; i++)
        if (agent_classify(&header_row[i].request) != header_row[i].want)
            fail_msg("row %zu: %s", i, agent_class_str(agent_classify(&header_row[i].request)));
}

/* Every word of the tables is found as what it is: none too long, none lost. */
static void words_reachable(void **state)
{
    char word[64];

    (void)state;
    for (size_t i = 0; agent_words[i].list; i++)
        for (const char *p = agent_words[i].list; *p;) {
            size_t len = strcspn(p, " ");
            enum agent_class got;

            assert_in_range(len, 1, 39);
            snprintf(word, sizeof word, "%.*s", (int)len, p);
            got = agent_classify_user_agent(word);
            if ((agent_words[i].kind == AGENT_IS_BOT) != (got == AGENT_BOT) &&
                agent_words[i].kind != AGENT_IS_NOTHING)
                fail_msg("%s: %s", word, agent_class_str(got));
            p += len + strspn(p + len, " ");
        }
}

static void hostile(void **state)
{
    char *text = malloc(100001);

    (void)state;
    assert_non_null(text);
    for (unsigned c = 1; c < 256; c++) {
        memset(text, (int)c, 100000);
        text[100000] = '\0';
        (void)agent_classify_user_agent(text);
        text[1] = '\0'; /* and alone, at the very end of its memory */
        (void)agent_classify_user_agent(text);
    }
    free(text);
    assert_int_equal(agent_classify_user_agent("@"), AGENT_BOT);
    assert_int_equal(agent_classify_user_agent("://"), AGENT_BOT);
    assert_int_equal(agent_classify_user_agent("www."), AGENT_BOT);
    assert_int_equal(agent_classify_user_agent("-_-"), AGENT_BOT);
}

static enum err load(const char *text, unsigned *line)
{
    char dir[] = "/tmp/agent_test_XXXXXX", path[64];
    enum err e;
    FILE *f;

    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/agent-words", dir);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    fclose(f);
    e = agent_load(dir, line);
    unlink(path);
    rmdir(dir);
    return e;
}

static void words_added(void **state)
{
    unsigned line;

    (void)state;
    assert_int_equal(agent_load("/nonexistent", &line), OK);
    assert_int_equal(agent_classify_user_agent("Acme/1.0 (Windows NT 10.0)"), AGENT_PERSON);
    assert_int_equal(
        load("# ours\nbot Acme\n tool\tOurScript # mine\nperson Robophone-Bot\n", &line), OK);
    assert_int_equal(agent_classify_user_agent("Acme/1.0 (Windows NT 10.0)"), AGENT_BOT);
    assert_int_equal(agent_classify_user_agent("ourscript/2"), AGENT_TOOL);
    assert_int_equal(agent_classify_user_agent("Robophone-Bot (Android)"), AGENT_PERSON);
    assert_int_equal(load("bot a\nrobot b\n", &line), ERR_SYNTAX);
    assert_int_equal(line, 2);
    assert_int_equal(load("bot\n", &line), ERR_SYNTAX);
    assert_int_equal(load("bot a b\n", &line), ERR_SYNTAX);
    assert_int_equal(load("bot a.b\n", &line), ERR_SYNTAX);
    assert_int_equal(
        load("bot aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", &line),
        ERR_SYNTAX);
    agent_init(); /* forgets them */
    assert_int_equal(agent_classify_user_agent("Acme/1.0 (Windows NT 10.0)"), AGENT_PERSON);
}

static int setup(void **state)
{
    (void)state;
    agent_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_agents),     cmocka_unit_test(headers),
        cmocka_unit_test(words_reachable), cmocka_unit_test(hostile),
        cmocka_unit_test(words_added),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
