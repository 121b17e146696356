/* accounts.c - who may use the API.
 * Knows no HTTP.  Promises: tokens are kept as SHA-256 only; webhook secrets are well-formed. */
#include "accounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"
#include "text.h"

static enum err read_secret(const char *dir, const char *file, secret_make *make,
                            char out[SECRET_MAX], char *why)
{
    enum err e = secret_file(dir, file, make, out);
    if (e)
        snprintf(why, CONFIG_WHY_MAX, "%.200s/%.80s: %s", dir, file,
                 e == ERR_IO ? strerror(errno) : "not a secret: remove it, and a new one is made");
    return e;
}

/* A secret of the configuration, or of its file. */
static enum err webhook_secret(const struct config *c, const char *section, const char *given,
                               const char *file, char out[CONFIG_TOKEN_MAX], char *why)
{
    char made[SECRET_MAX], where[CONFIG_WHY_MAX];
    enum err e = OK;
    if (*given)
        snprintf(made, sizeof made, "%s", given);
    else
        e = read_secret(c->daemon.state_dir, file, hash_webhook_secret_make, made, why);
    if (e)
        return e;
    e = hash_webhook_secret_check(made);
    if (e) {
        snprintf(why, CONFIG_WHY_MAX, "%.300s: whsec_ and base64 of 24 to 64 octets is wanted",
                 *given ? config_where(c, section, "webhook_secret", where) : file);
        return e;
    }
    return text_copy(out, CONFIG_TOKEN_MAX, made);
}

static enum err load_configured(const struct config *c, const struct config_account *from,
                                struct account *to, char *why)
{
    char section[CONFIG_NAME_MAX + 16], file[CONFIG_NAME_MAX + 32];
    snprintf(section, sizeof section, "account %s", from->name);
    snprintf(file, sizeof file, "webhook_secret.%s", from->name);
    memcpy(to->name, from->name, sizeof to->name);
    to->cost = from->cost;
    to->credits = from->credits;
    to->admin = from->admin;
    hash_sha256(from->token, strlen(from->token), to->token_sha256);
    return webhook_secret(c, section, from->webhook_secret, file, to->webhook_secret, why);
}

static enum err load_first(const struct config *c, struct account *to, char *why)
{
    char token[SECRET_MAX];
    enum err e = read_secret(c->daemon.state_dir, "token", secret_make_token, token, why);
    if (e)
        return e;
    *to = (struct account){.name = "main", .admin = true};
    hash_sha256(token, strlen(token), to->token_sha256);
    explicit_bzero(token, sizeof token);
    return webhook_secret(c, "account main", "", "webhook_secret", to->webhook_secret, why);
}

static enum err load_all(const struct config *c, struct accounts *a, char *why)
{
    enum err e = c->accounts ? OK : load_first(c, &a->account[0], why);
    for (unsigned i = 0; e == OK && i < c->accounts; i++)
        e = load_configured(c, &c->account[i], &a->account[i], why);
    if (e)
        return e;
    if (!*c->inbox.webhook_secret) /* one receiver for everything: one secret */
        return text_copy(a->inbox_secret, sizeof a->inbox_secret, a->account[0].webhook_secret);
    return webhook_secret(c, "inbox", c->inbox.webhook_secret, "", a->inbox_secret, why);
}

enum err accounts_load(const struct config *c, struct accounts **out, char *why)
{
    size_t count = c->accounts ? c->accounts : 1;
    struct accounts *a = calloc(1, sizeof *a + count * sizeof a->account[0]);
    if (!a) {
        snprintf(why, CONFIG_WHY_MAX, "out of memory");
        return ERR_NO_MEMORY;
    }
    a->count = count;
    enum err e = load_all(c, a, why);
    if (e) {
        accounts_free(a);
        return e;
    }
    *out = a;
    return OK;
}

void accounts_free(struct accounts *a)
{
    if (!a)
        return;
    size_t size = sizeof *a + a->count * sizeof a->account[0];
    explicit_bzero(a, size);
    free(a);
}

const struct account *accounts_find(const struct accounts *a, const char *name)
{
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp(a->account[i].name, name) == 0)
            return &a->account[i];
    }
    return NULL;
}
