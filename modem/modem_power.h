/* modem_power.h - a configured command, run without a shell: a relay, uhubctl.
 * Knows no modem's dialogue.  Promises: bounded in time and output, a clean environment, no descriptor of ours. */
#ifndef SMSBRIDGE_MODEM_POWER_H
#define SMSBRIDGE_MODEM_POWER_H

#include <stddef.h>

#include "err.h"

#define POWER_ARGS_MAX   32
#define POWER_OUTPUT_MAX 400

/* "program argument 'one argument' \"another\"": split on blanks, in place; argv ends with NULL.
 * ERR_SYNTAX: a quote without its end, or nothing; ERR_FULL: over POWER_ARGS_MAX - 1 words. */
enum err power_split(char *command, char *argv[POWER_ARGS_MAX]) MUST_CHECK;

/* Runs it to its end, or kills it and what it started after limit_ms or when stop() says so (asked every 100 ms;
 * NULL: never).  Environment: PATH, LANG=C, SMSBRIDGE_MODEM, SMSBRIDGE_PORT.  A program without a slash is looked
 * for in that PATH.  out: what it wrote, in one line, cut.  *status: its exit status.
 * ERR_SYNTAX, ERR_FULL: the command; ERR_NOT_FOUND: no such program; ERR_TIMEOUT: killed; ERR_CLOSED: stopped;
 * ERR_REFUSED: a status but 0, or a signal; ERR_IO.  Any thread; blocks. */
enum err power_run(const char *command, const char *modem, const char *port, int limit_ms,
                   int (*stop)(void *ctx), void *ctx, char out[POWER_OUTPUT_MAX], int *status) MUST_CHECK;

#endif
