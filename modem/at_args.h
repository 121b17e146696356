/* at_args.h - the arguments of one information line: numbers, strings, lists (V.250 5.4, 27.007 clause 4).
 * Knows no command and no product: only commas, quotes and parentheses.
 * Pure.  Promises: never reads past the line; a failed parse leaves its result untouched. */
#ifndef SMSBRIDGE_AT_ARGS_H
#define SMSBRIDGE_AT_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct at_args {
    const char *at; /* a cursor into the line */
};

/* "+CSQ: 17,99" with prefix "+CSQ" to its arguments; the colon and blanks are optional.  A prefix that only
 * begins a longer name ("+CSQ" and "+CSQN: 1") is none.  ERR_NOT_FOUND. */
enum err at_args_open(struct at_args *a, const char *line, const char *prefix) MUST_CHECK;
/* The next argument; the cursor moves behind its comma, whatever the result (copy the struct to try twice).
 * ERR_EMPTY: omitted (",,") or at the end; ERR_SYNTAX; ERR_RANGE, also for a string that does not fit. */
enum err at_int(struct at_args *a, int *out, int min, int max) MUST_CHECK;
enum err at_hex_int(struct at_args *a, unsigned *out) MUST_CHECK;         /* "1A2B" or 1A2B */
enum err at_string(struct at_args *a, char *out, size_t size) MUST_CHECK; /* quoted or bare */
void at_skip(struct at_args *a); /* one argument, a parenthesised list as one */
bool at_more(const struct at_args *a);
/* Is `value` among "(0-2,4)", "(0,1)", "2"?  Moves behind the list.  ERR_SYNTAX, ERR_EMPTY. */
enum err at_list_has(struct at_args *a, int value, bool *has) MUST_CHECK;
/* Is the string among ("SM","ME")?  Moves behind the list.  The outer parentheses of (("SM","ME"),("SM"))
 * are looked through: Wavecom writes +CPMS so. */
enum err at_list_has_string(struct at_args *a, const char *value, bool *has) MUST_CHECK;

#endif
