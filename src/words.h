/* words.h - the administrator's word files: a line "kind word", # begins a comment.
 * Refuses to know what a word is for.  Promises: a missing file is OK; an over-long line is refused, never cut. */
#ifndef SMSBRIDGE_WORDS_H
#define SMSBRIDGE_WORDS_H

#include "err.h"

/* Takes one word ("" where the line has a kind only); anything but OK ends the reading and is returned. */
typedef enum err words_take(const char *kind, const char *word);
/* Reads dir/file.  *line: the last one read, to blame it.  ERR_SYNTAX, ERR_IO, ERR_RANGE (dir too long). */
enum err words_read(const char *dir, const char *file, words_take *take, unsigned *line) MUST_CHECK;

#endif
