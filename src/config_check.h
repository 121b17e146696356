/* config_check.h - what must fit together, and what the parts of the configuration share; config*.c only.
 * Refuses to know how lines are read.  Promises: every refusal names the line that it is about. */
#ifndef SMSBRIDGE_CONFIG_CHECK_H
#define SMSBRIDGE_CONFIG_CHECK_H

#include "config.h"
#include "config_keys.h"
#include "err.h"

struct config_set {
    const struct config_key *key; /* NULL: the section's own line */
    enum config_kind kind;
    unsigned index;
    unsigned line;
};

/* key NULL: where the section begins.  NULL: the file does not say it. */
const struct config_set *config_set_find(const struct config *c, enum config_kind kind,
                                         unsigned index, const char *key);
/* Writes "FILE:LINE: " and the sentence to why (CONFIG_WHY_MAX); line 0: "FILE: ".  Returns e. */
enum err config_fail(const struct config *c, unsigned line, char *why, enum err e, const char *fmt,
                     ...) PRINTF_LIKE(5, 6);
/* Cross-checks, and what follows from other values: state_dir, the tokens of token_file, the single admin. */
enum err config_check(struct config *c, char *why) MUST_CHECK;

#endif
