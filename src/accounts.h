/* accounts.h - who may use the API: the configuration's accounts, with the secrets that nobody chose filled in.
 * Knows no HTTP.  Promises: tokens are kept as SHA-256 only; webhook secrets are well-formed. */
#ifndef SMSBRIDGE_ACCOUNTS_H
#define SMSBRIDGE_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "err.h"
#include "hash.h"

struct account {
    char name[CONFIG_NAME_MAX];
    uint8_t token_sha256[HASH_SHA256];
    char webhook_secret[CONFIG_TOKEN_MAX];
    double cost, credits;
    bool admin;
};
struct accounts {
    size_t count;
    char inbox_secret[CONFIG_TOKEN_MAX];    /* signs what is posted to inbox.url */
    struct account account[];
};

/* Without an [account] in the configuration: one, `main`, its token in state_dir/token, its webhook secret in
 * state_dir/webhook_secret.  A configured account without webhook_secret gets one in
 * state_dir/webhook_secret.NAME.  why: CONFIG_WHY_MAX bytes, a sentence for people when not OK. */
enum err accounts_load(const struct config *c, struct accounts **out, char *why) MUST_CHECK;
/* Wipes and frees.  NULL is fine. */
void accounts_free(struct accounts *a);
/* NULL: no such account.  Any thread: nothing changes after loading. */
const struct account *accounts_find(const struct accounts *a, const char *name);

#endif
