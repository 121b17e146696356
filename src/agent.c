/* agent.c - what a request to a short link is, by its method, its headers and the words of its User-Agent.
 * Refuses to know the link and what is recorded.
 * Promises: one pass over at most AGENT_BYTES of the User-Agent, a hash look-up a word, no allocation. */
#include "agent.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "agent_words.h"
#include "text.h"
#include "words.h"

#define WORDS_FILE  "agent-words"
#define AGENT_BYTES 1024 /* no browser's is longer */
#define WORD_BYTES  40
#define SLOTS       2048 /* a power of two, at most half full */

static const char *const names[AGENT_CLASS_COUNT] = {"person", "head", "prefetch",
                                                     "embed",  "bot",  "tool"};

const char *agent_class_str(enum agent_class c)
{
    return names[c];
}

/* ---- the table: open addressing, filled before any thread starts ---- */

struct slot {
    char word[WORD_BYTES]; /* lower case */
    unsigned char kinds;   /* bits of enum agent_kind */
};

static struct slot slots[SLOTS];
static uint16_t tags[SLOTS]; /* of the hash, never 0; 0: free.  Small enough to stay in the cache */
static unsigned used;
static char lower[256]; /* letters in lower case and digits; 0: no part of a word */

static uint32_t hash_start(void)
{
    return 2166136261u; /* FNV-1a */
}

static uint32_t hash_add(uint32_t hash, unsigned char c)
{
    return (hash ^ c) * 16777619u;
}

static uint16_t tag_of(uint32_t hash)
{
    return (uint16_t)(hash >> 16 | 1);
}

/* Where the word is, or would be. */
static unsigned slot_of(const char *word, size_t len, uint32_t hash)
{
    unsigned i = (hash ^ hash >> 15) % SLOTS;

    while (tags[i] && (tags[i] != tag_of(hash) || memcmp(slots[i].word, word, len) != 0 ||
                       slots[i].word[len] != '\0'))
        i = (i + 1) % SLOTS;
    return i;
}

static unsigned kinds_listed(const char *word, size_t len, uint32_t hash)
{
    unsigned i = slot_of(word, len, hash);

    return tags[i] ? slots[i].kinds : 0;
}

static enum err table_add(const char *word, size_t len, unsigned char kind)
{
    char folded[WORD_BYTES];
    uint32_t hash = hash_start();
    unsigned i;

    if (len == 0 || len >= WORD_BYTES)
        return ERR_SYNTAX;
    for (i = 0; i < len; i++) {
        char c = lower[(unsigned char)word[i]];

        folded[i] = c ? c : word[i]; /* a joint */
        hash = hash_add(hash, (unsigned char)folded[i]);
    }
    i = slot_of(folded, len, hash);
    if (!tags[i]) {
        if (used == SLOTS / 2)
            return ERR_FULL;
        used++;
        tags[i] = tag_of(hash);
        slots[i] = (struct slot){.kinds = 0};
        memcpy(slots[i].word, folded, len);
    }
    slots[i].kinds |= kind;
    return OK;
}

void agent_init(void)
{
    memset(tags, 0, sizeof tags);
    used = 0;
    for (int c = 0; c < 256; c++)
        lower[c] = (char)(c >= 'A' && c <= 'Z'                               ? c + 32
                          : (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c
                                                                             : 0);
    for (size_t i = 0; agent_words[i].list; i++)
        for (const char *p = agent_words[i].list; *p;) {
            size_t len = strcspn(p, " ");

            (void)table_add(p, len, agent_words[i].kind); /* the unit test looks them up */
            p += len + strspn(p + len, " ");
        }
}

static bool is_word(unsigned char c)
{
    return lower[c] != 0;
}

static bool is_joint(unsigned char c)
{
    return c == '-' || c == '_';
}

/* ---- the administrator's words ---- */

static const struct {
    const char *name;
    unsigned char kind;
} file_kinds[] = {{"bot", AGENT_IS_BOT}, {"tool", AGENT_IS_TOOL}, {"person", AGENT_IS_PERSON}};

static enum err take_word(const char *kind, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < n; i++)
        if (!is_word((unsigned char)word[i]) && !is_joint((unsigned char)word[i]))
            return ERR_SYNTAX;
    for (size_t i = 0; i < sizeof file_kinds / sizeof *file_kinds; i++)
        if (strcmp(kind, file_kinds[i].name) == 0)
            return table_add(word, n, file_kinds[i].kind);
    return ERR_SYNTAX;
}

enum err agent_load(const char *dir, unsigned *line)
{
    return words_read(dir, WORDS_FILE, take_word, line);
}

/* ---- the User-Agent ---- */

/* Googlebot, Baiduspider, BingPreview: a robot says what it is at the end of its name. */
static bool ends_as_robot(const char *word, size_t len)
{
    static const struct {
        char text[10];
        unsigned char n;
    } ends[] = {{"bot", 3},     {"bots", 4},    {"spider", 6},  {"crawler", 7},
                {"scraper", 7}, {"fetcher", 7}, {"preview", 7}, {"validator", 9}};

    if (len < 3 || !strchr("tsrw", word[len - 1]))
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (len >= ends[i].n && memcmp(word + len - ends[i].n, ends[i].text, ends[i].n) == 0)
            return true;
    return false;
}

/* Kinds of one word; 0: unknown. */
static unsigned kinds_of(const char *word, size_t len, uint32_t hash)
{
    unsigned kinds = kinds_listed(word, len, hash);

    return kinds ? kinds : ends_as_robot(word, len) ? AGENT_IS_BOT : 0;
}

/* The kinds of the word at *at, of the parts that hyphens make of it ("Mediapartners-Google", "CUBOT_X19")
 * and of its whole; *at moves behind it. */
static unsigned word_kinds(const char *ua, size_t n, size_t *at)
{
    char word[WORD_BYTES];
    uint32_t whole = hash_start(), part = hash_start();
    size_t len = 0, start = 0, i = *at;
    unsigned kinds = 0;
    bool joint = false;

    for (; i < n && (is_word((unsigned char)ua[i]) || is_joint((unsigned char)ua[i])); i++) {
        unsigned char c = (unsigned char)ua[i];

        if (len == WORD_BYTES - 1)
            continue; /* no word of ours is that long */
        if (is_joint(c)) {
            if (len > start)
                kinds |= kinds_of(word + start, len - start, part);
            start = len + 1;
            part = hash_start();
            joint = true;
        } else
            part = hash_add(part, c = (unsigned char)lower[c]);
        word[len++] = (char)c;
        whole = hash_add(whole, c);
    }
    if (len > start)
        kinds |= kinds_of(word + start, len - start, part);
    if (joint)
        kinds |= kinds_listed(word, len, whole);
    *at = i;
    return kinds;
}

/* "+http://…", "www.…", "bot@example.com": whose robot this is. */
static bool is_contact(const char *ua, size_t n, size_t at)
{
    if (ua[at] == ':')
        return n - at > 2 && ua[at + 1] == '/' && ua[at + 2] == '/';
    if (ua[at] == '@')
        return at > 0 && is_word((unsigned char)ua[at - 1]) && at + 1 < n &&
               is_word((unsigned char)ua[at + 1]);
    return ua[at] == '.' && at >= 3 && text_starts_nocase(ua + at - 3, "www") &&
           (at == 3 || !is_word((unsigned char)ua[at - 4]));
}

/* "curl/7.88.1": a library or a command line tool by its first word, its product. */
static bool is_tool(unsigned first_kinds)
{
    return first_kinds & AGENT_IS_TOOL;
}

static enum agent_class decide(unsigned kinds, unsigned first_kinds, bool contact)
{
    if (kinds & AGENT_IS_PERSON)
        return AGENT_PERSON;
    if (kinds & AGENT_IS_BOT)
        return AGENT_BOT;
    if (is_tool(first_kinds) || (kinds & AGENT_IS_TOOL_ANYWHERE))
        return AGENT_TOOL;
    return contact || !(kinds & AGENT_IS_SYSTEM) ? AGENT_BOT : AGENT_PERSON;
}

enum agent_class agent_classify_user_agent(const char *user_agent)
{
    unsigned kinds = 0, first = 0;
    bool contact = false, any = false;
    size_t n, at = 0;

    if (!user_agent || user_agent[strspn(user_agent, " \t")] == '\0')
        return AGENT_TOOL;
    n = strnlen(user_agent, AGENT_BYTES);
    while (at < n) {
        if (is_word((unsigned char)user_agent[at])) {
            unsigned here = word_kinds(user_agent, n, &at);

            if (!any)
                first = here;
            any = true;
            kinds |= here;
        } else {
            contact = contact || is_contact(user_agent, n, at);
            at++;
        }
    }
    return decide(kinds, first, contact);
}

/* ---- the other headers ---- */

static bool starts(const char *value, const char *word)
{
    if (!value)
        return false;
    value += strspn(value, " \t\"");
    return text_starts_nocase(value, word);
}

static bool other_than(const char *value, const char *word)
{
    return value && *value && !text_equal_nocase(value, word);
}

enum agent_class agent_classify_headers(const struct agent_request *r)
{
    if (r->method && strcmp(r->method, "HEAD") == 0)
        return AGENT_HEAD;
    if (starts(r->sec_purpose, "prefetch") || starts(r->purpose, "prefetch") ||
        starts(r->purpose, "preview") || starts(r->x_moz, "prefetch") ||
        starts(r->x_purpose, "preview"))
        return AGENT_PREFETCH;
    if (other_than(r->sec_fetch_mode, "navigate") || other_than(r->sec_fetch_dest, "document"))
        return AGENT_EMBED;
    return AGENT_PERSON;
}

enum agent_class agent_classify(const struct agent_request *r)
{
    enum agent_class c = agent_classify_headers(r);

    return c == AGENT_PERSON ? agent_classify_user_agent(r->user_agent) : c;
}
