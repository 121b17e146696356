/* quirks_file.c - quirks.d/NAME.conf, INI by inih: a section is a row, its keys are handed over one by one.
 * Refuses to know what the keys mean.
 * Promises: what inih would cut or skip silently is an error with its line; all or nothing. */
#include "quirks_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"
#include "modem.h"
#include "text.h"

#define FILE_BYTES_MAX (64 * 1024)
#define LINE_BYTES     1024
#define INI_LINE       (LINE_BYTES + 8) /* inih wants room for CR, LF and NUL */
#define NAME_BYTES     40

struct loader {
    const char *file, *text;
    size_t n, at;
    unsigned line, section; /* from 1; section: the line where the open one begins, 0: none */
    enum err err;           /* the first; the rest is not looked at then */
    char *why;
};

static enum err fail(struct loader *l, unsigned line, enum err e, const char *what,
                     const char *detail)
{
    (void)snprintf(l->why, QUIRKS_WHY_MAX, "%.200s:%u: %.60s%s%.240s", l->file, line, what,
                   *what ? ": " : "", detail);
    l->err = e;
    return e;
}

static enum err end_section(struct loader *l)
{
    char detail[200] = "";
    enum err e = l->section ? modem_quirk_end(detail, sizeof detail) : OK;
    return e ? fail(l, l->section, e, "", detail) : OK;
}

/* Looked at before inih sees it: inih says nothing of a section without keys, and cuts long names. */
static enum err open_section(struct loader *l, const char *line, size_t n)
{
    char name[NAME_BYTES], detail[200] = "";
    const char *end = memchr(line, ']', n);
    if (end_section(l) != OK)
        return l->err;
    if (!end || (size_t)(end - line) > NAME_BYTES || end == line + 1)
        return fail(l, l->line, ERR_SYNTAX, "", "a row begins with [NAME], of 1 to 39 characters");
    for (const char *s = end + 1; s < line + n && *s != ';' && *s != '#'; s++)
        if (!strchr(" \t\r", *s))
            return fail(l, l->line, ERR_SYNTAX, "", "only a comment may stand behind the ]");
    (void)snprintf(name, sizeof name, "%.*s", (int)(end - line - 1), line + 1);
    l->section = l->line;
    enum err e = modem_quirk_begin(name, detail, sizeof detail);
    return e ? fail(l, l->line, e, name, detail) : OK;
}

static enum err check_line(struct loader *l, const char *line, size_t n)
{
    if (n > LINE_BYTES)
        return fail(l, l->line, ERR_RANGE, "", "the line is longer than 1024 bytes");
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)line[i];
        if ((c < ' ' && c != '\t' && !(c == '\r' && i == n - 1)) || c == 0x7F)
            return fail(l, l->line, ERR_SYNTAX, "", "a control character in the line");
    }
    if (text_utf8_check(line, n) != OK)
        return fail(l, l->line, ERR_SYNTAX, "", "the line is not UTF-8");
    size_t blanks = 0;
    while (blanks < n && (line[blanks] == ' ' || line[blanks] == '\t'))
        blanks++;
    return blanks < n && line[blanks] == '[' ? open_section(l, line + blanks, n - blanks) : OK;
}

/* As fgets() for inih: one line a call.  NULL ends it, l->err tells why. */
static char *read_line(char *out, int size, void *ctx)
{
    struct loader *l = ctx;
    if (l->err || l->at == l->n)
        return NULL;
    const char *line = l->text + l->at;
    const char *end = memchr(line, '\n', l->n - l->at);
    size_t n = end ? (size_t)(end - line) : l->n - l->at;
    l->line++;
    if (check_line(l, line, n) || n + 2 > (size_t)size)
        return NULL;
    memcpy(out, line, n);
    memcpy(out + n, "\n", 2);
    l->at += n + (end ? 1 : 0);
    return out;
}

static int take(void *ctx, const char *section, const char *key, const char *value)
{
    struct loader *l = ctx;
    char detail[200] = "";
    (void)section;
    if (l->err)
        return 0;
    enum err e = l->section ? modem_quirk_set(key, value, detail, sizeof detail) : ERR_SYNTAX;
    if (e)
        fail(l, l->line, e, key, l->section ? detail : "it stands before the first [row]");
    return !e;
}

enum err quirks_file_parse(const char *name, const char *text, size_t n, char *why)
{
    struct loader l = {.file = name, .text = text, .n = n, .why = why};
    why[0] = '\0';
    ini_use_stack = false;
    ini_allow_realloc = true;
    ini_max_line = INI_LINE;
    ini_initial_alloc = INI_LINE;
    ini_allow_multiline = false;
    ini_stop_on_first_error = true;
    int line = ini_parse_stream(read_line, &l, take, &l);
    if (l.err)
        return l.err;
    if (line)
        return fail(&l, line > 0 ? (unsigned)line : 0, line > 0 ? ERR_SYNTAX : ERR_NO_MEMORY, "",
                    line > 0 ? "neither [row] nor key = value nor ; comment" : "no memory");
    return end_section(&l);
}

/* ---- the folder ---- */

static enum err read_file(const char *path, struct buf *text, char *why)
{
    char chunk[4096];
    ssize_t n = 0;
    struct stat st;
    enum err e = OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        e = ERR_IO;
    while (!e && (n = read(fd, chunk, sizeof chunk)) > 0)
        e = buf_add(text, chunk, (size_t)n);
    if (n < 0)
        e = ERR_IO;
    if (e)
        (void)snprintf(why, QUIRKS_WHY_MAX, "%.300s: %s", path,
                       e == ERR_IO ? "it cannot be read" : "it is larger than 64 KiB");
    if (fd >= 0)
        (void)close(fd);
    return e;
}

static enum err load_one(const char *folder, const char *name, char *why)
{
    char path[512];
    struct buf text;
    buf_init(&text, FILE_BYTES_MAX);
    (void)snprintf(path, sizeof path, "%.250s/%.250s", folder, name);
    enum err e = read_file(path, &text, why);
    if (!e)
        e = quirks_file_parse(path, buf_str(&text), text.len, why);
    buf_free(&text);
    return e;
}

static int is_conf(const struct dirent *entry)
{
    size_t n = strlen(entry->d_name);
    return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

enum err quirks_file_load(const char *folder, char *why)
{
    struct dirent **entries = NULL;
    enum err e = OK;
    why[0] = '\0';
    modem_quirks_forget();
    int n = scandir(folder, &entries, is_conf, alphasort);
    if (n < 0 && errno != ENOENT && errno != ENOTDIR) {
        (void)snprintf(why, QUIRKS_WHY_MAX, "%.300s: %s", folder, strerror(errno));
        return ERR_IO;
    }
    for (int i = 0; i < n; i++) {
        if (!e)
            e = load_one(folder, entries[i]->d_name, why);
        free(entries[i]);
    }
    free(entries);
    if (e)
        modem_quirks_forget();
    return e;
}
