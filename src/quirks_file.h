/* quirks_file.h - families of modems that the user describes: quirks.d/NAME.conf (docs/modems.md).
 * Refuses to know what the keys mean: include/modem.h judges.  Promises: what is wrong is named with file and line;
 * after a refusal no row is in force. */
#ifndef SMSBRIDGE_QUIRKS_FILE_H
#define SMSBRIDGE_QUIRKS_FILE_H

#include <stddef.h>

#include "err.h"

#define QUIRKS_WHY_MAX 512

/* Every NAME.conf of the folder, in the order of their names; a folder that is not there has none.  Before any
 * modem starts.  why: QUIRKS_WHY_MAX bytes, "FILE:LINE: what is wrong, and what would be right". */
enum err quirks_file_load(const char *folder, char *why) MUST_CHECK;
/* One file's text.  name: to blame it. */
enum err quirks_file_parse(const char *name, const char *text, size_t n, char *why) MUST_CHECK;

#endif
