/* config.c - reads the file: lines to sections and keys (inih), these to typed values (config_value.c).
 * Refuses to know what single values mean; what must fit together is judged in config_check.c.
 * Promises: what inih would cut or skip silently is an error with its line; all or nothing. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "config_check.h"
#include "config_keys.h"
#include "text.h"

#define FILE_MAX          (1024 * 1024)
#define LINE_BYTES        4096
#define INI_LINE          (LINE_BYTES + 8) /* inih wants room for CR, LF and NUL */
#define SUBMIT_TIMEOUT_MS 180000           /* modem.h */
#define SECTION_MAX       49               /* inih's, which cuts it silently */

struct loader {
    struct config *c;
    const char *text; /* the file */
    size_t len, at;
    unsigned line; /* of what inih reads now, from 1 */
    bool in_section;
    enum config_kind kind;
    unsigned index; /* which [account], which [modem] */
    enum err err;   /* the first; the rest of the file is not looked at then */
    char *why;
};

enum err config_fail(const struct config *c, unsigned line, char *why, enum err e, const char *fmt,
                     ...)
{
    va_list args;
    int n = 0;
    if (line > 0)
        n = snprintf(why, CONFIG_WHY_MAX, "%s:%u: ", c->path, line);
    else if (c->path[0])
        n = snprintf(why, CONFIG_WHY_MAX, "%s: ", c->path);
    va_start(args, fmt);
    (void)vsnprintf(why + n, CONFIG_WHY_MAX - (size_t)n, fmt, args);
    va_end(args);
    return e;
}
#define FAIL(l, e, ...) ((l)->err = config_fail((l)->c, (l)->line, (l)->why, (e), __VA_ARGS__))

/* ---- what was set, and where ---- */
static enum err remember(struct loader *l, const struct config_key *key)
{
    struct config *c = l->c;
    struct config_set *set = realloc(c->set, (c->sets + 1) * sizeof(*set));
    if (!set)
        return FAIL(l, ERR_NO_MEMORY, "no memory");
    c->set = set;
    set[c->sets++] = (struct config_set){key, l->kind, l->index, l->line};
    return OK;
}

const struct config_set *config_set_find(const struct config *c, enum config_kind kind,
                                         unsigned index, const char *key)
{
    for (unsigned i = 0; i < c->sets; i++) {
        const struct config_set *s = &c->set[i];
        if (s->kind != kind || s->index != index || !s->key != !key)
            continue;
        if (!key || strcmp(s->key->key, key) == 0)
            return s;
    }
    return NULL;
}

static void *base_of(struct config *c, enum config_kind kind, unsigned index)
{
    if (kind == CONFIG_ACCOUNT)
        return &c->account[index];
    if (kind == CONFIG_MODEM)
        return &c->modem[index];
    return c;
}

/* The rows' defaults into one struct. */
static void fill(void *base, enum config_kind from, enum config_kind to)
{
    char why[CONFIG_DETAIL_MAX];
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (key->kind >= from && key->kind <= to &&
            config_value_parse(key, key->fallback, base, why) != OK)
            abort(); /* a row of ours is wrong: the unit test loads them all */
    }
}

/* ---- sections ---- */
static bool is_name(const char *name, size_t max)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
    return n > 0 && n < max && name[n] == '\0';
}

static enum err add_account(struct loader *l, const char *name)
{
    struct config *c = l->c;
    for (unsigned i = 0; i < c->accounts; i++) {
        if (strcmp(c->account[i].name, name) == 0)
            return FAIL(l, ERR_CONFLICT, "[account %s] stands twice", name);
    }
    struct config_account *all = realloc(c->account, (c->accounts + 1) * sizeof(*all));
    if (!all)
        return FAIL(l, ERR_NO_MEMORY, "no memory");
    c->account = all;
    struct config_account *a = &all[c->accounts];
    memset(a, 0, sizeof(*a));
    fill(a, CONFIG_ACCOUNT, CONFIG_ACCOUNT);
    (void)text_copy(a->name, sizeof(a->name), name);
    l->index = c->accounts++;
    return OK;
}

static enum err add_modem(struct loader *l, const char *name)
{
    struct config *c = l->c;
    for (unsigned i = 0; i < c->modems; i++) {
        if (strcmp(c->modem[i].modem.name, name) == 0)
            return FAIL(l, ERR_CONFLICT, "[modem %s] stands twice", name);
    }
    struct config_modem *all = realloc(c->modem, (c->modems + 1) * sizeof(*all));
    if (!all)
        return FAIL(l, ERR_NO_MEMORY, "no memory");
    c->modem = all;
    struct config_modem *m = &all[c->modems];
    memset(m, 0, sizeof(*m));
    fill(m, CONFIG_MODEM, CONFIG_MODEM);
    (void)text_copy(m->modem.name, sizeof(m->modem.name), name);
    m->modem.submit_timeout_ms = SUBMIT_TIMEOUT_MS;
    l->index = c->modems++;
    return OK;
}

static enum err add_named(struct loader *l, const char *name)
{
    const char *word = config_kind_str(l->kind);
    size_t max = l->kind == CONFIG_ACCOUNT ? CONFIG_NAME_MAX : MODEM_NAME_MAX;
    unsigned n = l->kind == CONFIG_ACCOUNT ? l->c->accounts : l->c->modems;
    if (!is_name(name, max))
        return FAIL(l, ERR_SYNTAX, "[%s NAME] needs a name: 1 to %zu of A-Z a-z 0-9 _ - .", word,
                    max - 1);
    if (n == CONFIG_MEMBERS_MAX)
        return FAIL(l, ERR_FULL, "more than %d [%s] sections", CONFIG_MEMBERS_MAX, word);
    return l->kind == CONFIG_ACCOUNT ? add_account(l, name) : add_modem(l, name);
}

/* section: what stands between the brackets, "modem gsm1". */
static enum err open_section(struct loader *l, char *section)
{
    char hint[200];
    size_t n = strcspn(section, " \t");
    char *name = section + n + strspn(section + n, " \t");
    section[n] = '\0';
    l->in_section = true;
    l->index = 0;
    if (config_kind_parse(section, &l->kind) != OK) {
        config_kind_hint(section, hint, sizeof(hint));
        return FAIL(l, ERR_SYNTAX, "unknown section [%s]: %s", section, hint);
    }
    if (config_kind_named(l->kind)) {
        if (add_named(l, name))
            return l->err;
    } else if (*name) {
        return FAIL(l, ERR_SYNTAX, "[%s] has no name behind it", section);
    }
    const struct config_set *before = config_set_find(l->c, l->kind, l->index, NULL);
    if (before)
        return FAIL(l, ERR_CONFLICT, "[%s] stands twice, first in line %u", section, before->line);
    return remember(l, NULL);
}

/* ---- lines ---- */
static enum err check_line(struct loader *l, const char *line, size_t n)
{
    if (n > LINE_BYTES)
        return FAIL(l, ERR_RANGE, "the line is longer than %d bytes", LINE_BYTES);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < ' ' && c != '\t' && !(c == '\r' && i == n - 1)) || c == 0x7F)
            return FAIL(l, ERR_SYNTAX, "a control character (0x%02x) in the line", c);
    }
    if (text_utf8_check(line, n))
        return FAIL(l, ERR_SYNTAX, "the line is not UTF-8");
    return OK;
}

/* A line that opens a section is looked at before inih sees it: inih cuts long names, skips what stands
 * behind the bracket, and says nothing of sections without a key. */
static enum err check_section(struct loader *l, const char *line, size_t n)
{
    char section[SECTION_MAX + 1];
    size_t at = 0;
    if (l->line == 1 && n >= 3 && memcmp(line, "\xEF\xBB\xBF", 3) == 0)
        at = 3;
    while (at < n && (line[at] == ' ' || line[at] == '\t'))
        at++;
    if (at == n || line[at] != '[')
        return OK;
    const char *start = line + at + 1;
    const char *end = memchr(start, ']', n - at - 1);
    if (!end)
        return FAIL(l, ERR_SYNTAX, "a section ends with ]");
    if (end - start > SECTION_MAX)
        return FAIL(l, ERR_RANGE, "the section's name is longer than %d bytes", SECTION_MAX);
    const char *rest = end + 1;
    while (rest < line + n && strchr(" \t\r", *rest))
        rest++;
    if (rest < line + n && *rest != ';' && *rest != '#')
        return FAIL(l, ERR_SYNTAX, "only a comment may stand behind the section's ]");
    memcpy(section, start, (size_t)(end - start));
    section[end - start] = '\0';
    return open_section(l, section);
}

/* As fgets() for inih: one line a call.  NULL ends it, l->err tells why. */
static char *read_line(char *out, int size, void *ctx)
{
    struct loader *l = ctx;
    if (l->err || l->at == l->len)
        return NULL;
    const char *line = l->text + l->at;
    const char *end = memchr(line, '\n', l->len - l->at);
    size_t n = end ? (size_t)(end - line) : l->len - l->at;
    l->line++;
    if (check_line(l, line, n) || check_section(l, line, n))
        return NULL;
    if (size < 4 || n > (size_t)size - 4) {
        FAIL(l, ERR_RANGE, "the line is longer than %d bytes", size - 4);
        return NULL;
    }
    memcpy(out, line, n);
    memcpy(out + n, "\n", 2);
    l->at += n + (end ? 1 : 0);
    return out;
}

/* ---- keys ---- */
static const char *section_name(const struct config *c, enum config_kind kind, unsigned index,
                                char out[64])
{
    const char *name = "";
    if (kind == CONFIG_ACCOUNT)
        name = c->account[index].name;
    if (kind == CONFIG_MODEM)
        name = c->modem[index].modem.name;
    (void)snprintf(out, 64, "%s%s%s", config_kind_str(kind), *name ? " " : "", name);
    return out;
}

static enum err set_value(struct loader *l, const struct config_key *key, const char *value)
{
    char detail[CONFIG_DETAIL_MAX], rule[200];
    enum err e = config_value_parse(key, value, base_of(l->c, l->kind, l->index), detail);
    if (e == OK)
        return remember(l, key);
    config_key_rule(key, rule, sizeof(rule));
    return FAIL(l, e, "[%s] %s is wrong%s%s; it should be: %s", config_kind_str(key->kind),
                key->key, detail[0] ? ": " : "", detail, rule);
}

/* inih's callback; it passes its own idea of the section, cut to 49 bytes: ours is whole. */
static int take(void *ctx, const char *section, const char *name, const char *value)
{
    struct loader *l = ctx;
    char hint[300];
    (void)section;
    if (l->err)
        return 0;
    if (!l->in_section) {
        FAIL(l, ERR_SYNTAX, "%.64s stands before the first [section]", name);
        return 0;
    }
    const struct config_key *key = config_key_find(l->kind, name);
    if (!key) {
        config_key_hint(l->kind, name, hint, sizeof(hint));
        FAIL(l, ERR_SYNTAX, "unknown key %.64s in [%s]: %s", name, config_kind_str(l->kind), hint);
        return 0;
    }
    const struct config_set *before = config_set_find(l->c, l->kind, l->index, name);
    if (before) {
        FAIL(l, ERR_CONFLICT, "%s stands twice in [%s], first in line %u", name,
             config_kind_str(l->kind), before->line);
        return 0;
    }
    return set_value(l, key, value) == OK;
}

/* ---- the whole ---- */
static enum err read_file(struct config *c, const char *path, struct buf *text, char *why)
{
    char chunk[4096];
    ssize_t n;
    struct stat st;
    enum err e = OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (fd < 0)
        return config_fail(c, 0, why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%m");
    if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
        e = config_fail(c, 0, why, ERR_IO, "not a file");
    while (!e && (n = read(fd, chunk, sizeof(chunk))) != 0) {
        if (n < 0)
            e = config_fail(c, 0, why, ERR_IO, "%m");
        else if (buf_add(text, chunk, (size_t)n))
            e = config_fail(c, 0, why, text->err, "larger than 1 MiB");
    }
    (void)close(fd);
    return e;
}

static enum err parse(struct config *c, const struct buf *text, char *why)
{
    struct loader l = {.c = c, .text = buf_str(text), .len = text->len, .why = why};
    ini_use_stack = false;
    ini_allow_realloc = true;
    ini_max_line = INI_LINE;
    ini_initial_alloc = INI_LINE;
    ini_allow_multiline = false;
    ini_stop_on_first_error = true;
    int line = ini_parse_stream(read_line, &l, take, &l);
    if (l.err)
        return l.err;
    if (line < 0)
        return config_fail(c, 0, why, ERR_NO_MEMORY, "no memory");
    if (line > 0)
        return config_fail(c, (unsigned)line, why, ERR_SYNTAX,
                           "neither [section] nor key = value nor ; comment");
    return OK;
}

static enum err load(struct config *c, const char *path, char *why)
{
    struct buf text;
    buf_init(&text, FILE_MAX);
    fill(c, CONFIG_DAEMON, CONFIG_QUEUE);
    fill(&c->found, CONFIG_MODEM, CONFIG_MODEM);
    c->found.modem.submit_timeout_ms = SUBMIT_TIMEOUT_MS;
    enum err e = text_copy(c->path, sizeof(c->path), path ? path : CONFIG_PATH);
    if (e)
        return config_fail(c, 0, why, e, "the path is longer than %d bytes", CONFIG_TEXT_MAX - 1);
    e = read_file(c, c->path, &text, why);
    if (e == ERR_NOT_FOUND && !path) {
        c->path[0] = '\0';
        e = OK;
    }
    if (!e)
        e = parse(c, &text, why);
    if (text.data)
        explicit_bzero(text.data, text.len); /* tokens */
    buf_free(&text);
    return e ? e : config_check(c, why);
}

enum err config_load(const char *path, struct config **out, char *why)
{
    struct config *c = calloc(1, sizeof(*c));
    why[0] = '\0';
    if (!c) {
        (void)snprintf(why, CONFIG_WHY_MAX, "no memory");
        return ERR_NO_MEMORY;
    }
    enum err e = load(c, path, why);
    if (e)
        config_free(c);
    else
        *out = c;
    return e;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->accounts; i++)
        explicit_bzero(&c->account[i], sizeof(c->account[i]));
    for (unsigned i = 0; i < c->modems; i++)
        explicit_bzero(&c->modem[i], sizeof(c->modem[i]));
    free(c->account);
    free(c->modem);
    free(c->set);
    explicit_bzero(c, sizeof(*c));
    free(c);
}

const char *config_where(const struct config *c, const char *section, const char *key,
                         char out[CONFIG_WHY_MAX])
{
    char name[64];
    (void)snprintf(out, CONFIG_WHY_MAX, "[%s] %s", section, key);
    for (unsigned i = 0; i < c->sets; i++) {
        const struct config_set *s = &c->set[i];
        if (s->key && strcmp(s->key->key, key) == 0 &&
            strcmp(section_name(c, s->kind, s->index, name), section) == 0)
            (void)snprintf(out, CONFIG_WHY_MAX, "%s:%u: [%s] %s", c->path, s->line, section, key);
    }
    return out;
}

/* Does the value at base differ from what the row would have filled in? */
static bool is_changed(const struct config_key *key, const void *base)
{
    bool changed = true;
    char why[CONFIG_DETAIL_MAX];
    char *other = calloc(1, key->offset + key->size);
    if (other && config_value_parse(key, key->fallback, other, why) == OK)
        changed = memcmp(other + key->offset, (const char *)base + key->offset, key->size) != 0;
    free(other);
    return changed;
}

void config_unused(const struct config *c,
                   void (*each)(void *ctx, const char *section, const char *key, unsigned line),
                   void *ctx)
{
    char name[64];
    for (unsigned i = 0; i < c->sets; i++) {
        const struct config_set *s = &c->set[i];
        if (s->key && s->key->later &&
            is_changed(s->key, base_of((struct config *)c, s->kind, s->index)))
            each(ctx, section_name(c, s->kind, s->index, name), s->key->key, s->line);
    }
}
