/* words.c - the administrator's word files.
 * Refuses to know what a word is for.  Promises: a missing file is OK; an over-long line is refused. */
#include "words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* "kind word", blanks around; nothing for a comment.  Cuts the line up. */
static enum err take_line(char *line, words_take *take)
{
    static const char blank[] = " \t\r\n";
    line[strcspn(line, "#")] = '\0';
    char *kind = line + strspn(line, blank);
    if (!*kind)
        return OK;
    char *word = kind + strcspn(kind, blank);
    if (*word)
        *word++ = '\0';
    word += strspn(word, blank);
    size_t len = strcspn(word, blank);
    if (word[len + strspn(word + len, blank)] != '\0')
        return ERR_SYNTAX;
    word[len] = '\0';
    return take(kind, word);
}

enum err words_read(const char *dir, const char *file, words_take *take, unsigned *line)
{
    char path[4096], text[256];
    enum err e = OK;
    *line = 0;
    if (snprintf(path, sizeof path, "%s/%s", dir, file) >= (int)sizeof path)
        return ERR_RANGE;
    FILE *f = fopen(path, "re");
    if (!f)
        return errno == ENOENT ? OK : ERR_IO;
    while (!e && fgets(text, sizeof text, f)) {
        ++*line;
        e = strlen(text) == sizeof text - 1 ? ERR_SYNTAX : take_line(text, take);
    }
    if (!e && ferror(f))
        e = ERR_IO;
    fclose(f);
    return e;
}
