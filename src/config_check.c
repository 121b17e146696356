/* config_check.c - what must fit together in a configuration, and what follows from other values.
 * Refuses to know how lines are read.
 * Promises: every refusal names the line that it is about, and what would be right. */
#include "config_check.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "text.h"

/* The line of a key, else of its section, else 0. */
static unsigned line_of(const struct config *c, enum config_kind kind, unsigned index,
                        const char *key)
{
    const struct config_set *s = config_set_find(c, kind, index, key);
    if (!s)
        s = config_set_find(c, kind, index, NULL);
    return s ? s->line : 0;
}

/* systemd's StateDirectory= may name several, with colons. */
static void resolve_state_dir(struct config *c)
{
    const char *given = getenv("STATE_DIRECTORY");
    size_t n = given ? strcspn(given, ":") : 0;
    if (config_set_find(c, CONFIG_DAEMON, 0, "state_dir"))
        return;
    if (n == 0 || n >= sizeof(c->daemon.state_dir)) {
        (void)text_copy(c->daemon.state_dir, sizeof(c->daemon.state_dir), "./smsbridge-data");
        return;
    }
    memcpy(c->daemon.state_dir, given, n);
    c->daemon.state_dir[n] = '\0';
}

/* Beside the file that names it. */
static void resolve_quirks_dir(struct config *c)
{
    char given[CONFIG_TEXT_MAX];
    const char *path = *c->path ? c->path : CONFIG_PATH, *slash = strrchr(path, '/');
    if (!*c->daemon.quirks_dir || *c->daemon.quirks_dir == '/' || !slash)
        return;
    memcpy(given, c->daemon.quirks_dir, sizeof(given));
    (void)snprintf(c->daemon.quirks_dir, sizeof(c->daemon.quirks_dir), "%.*s/%.100s",
                   (int)(slash - path) < 150 ? (int)(slash - path) : 150, path, given);
}

/* ---- listeners ---- */
static enum err check_tls(const struct config *c, enum config_kind kind, const char *cert,
                          const char *key, char *why)
{
    if (!*cert == !*key)
        return OK;
    const char *have = *cert ? "tls_cert" : "tls_key";
    return config_fail(c, line_of(c, kind, 0, have), why, ERR_SYNTAX, "[%s] %s needs %s beside it",
                       config_kind_str(kind), have, *cert ? "tls_key" : "tls_cert");
}

/* Any free port, port 0, is never the same. */
static bool same_listen(const struct config_listen *a, const struct config_listen *b)
{
    const struct sockaddr_in *in =
        (const struct sockaddr_in *)&a->address; /* in6: the same place */
    if (in->sin_family != AF_UNIX && in->sin_port == 0)
        return false;
    return a->len == b->len && memcmp(&a->address, &b->address, a->len) == 0;
}

/* The public's listener shares nothing with the API's. */
static enum err check_listens(const struct config *c, char *why)
{
    const struct config_listens *lists[2] = {&c->api.listen, &c->links.listen};
    for (unsigned i = 0; i < lists[0]->n + lists[1]->n; i++) {
        bool links = i >= lists[0]->n;
        const struct config_listen *a = &lists[links]->item[links ? i - lists[0]->n : i];
        for (unsigned j = 0; j < i; j++) {
            bool other = j >= lists[0]->n;
            if (!same_listen(a, &lists[other]->item[other ? j - lists[0]->n : j]))
                continue;
            enum config_kind kind = links ? CONFIG_LINKS : CONFIG_API;
            return config_fail(c, line_of(c, kind, 0, "listen"), why, ERR_CONFLICT,
                               "[%s] listen: %s is taken by [%s] already; give it another port",
                               config_kind_str(kind), a->text, other ? "links" : "api");
        }
    }
    return OK;
}

/* ---- accounts ---- */
/* One line of visible ASCII. */
static enum err read_token(const char *path, char out[CONFIG_TOKEN_MAX])
{
    char text[CONFIG_TOKEN_MAX + 2] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    int why = errno;
    if (fd >= 0)
        (void)close(fd);
    errno = why;
    if (n < 0)
        return ERR_IO;
    size_t len = strcspn(text, "\r\n");
    bool alone = text[len + strspn(text + len, "\r\n")] == '\0' && strlen(text) == (size_t)n;
    text[len] = '\0';
    enum err e = alone && len > 0 ? text_copy(out, CONFIG_TOKEN_MAX, text) : ERR_SYNTAX;
    explicit_bzero(text, sizeof(text));
    return e;
}

static bool is_visible(const char *s)
{
    while (*s > ' ' && *s < 0x7F)
        s++;
    return *s == '\0';
}

static enum err check_account(struct config *c, unsigned index, char *why)
{
    struct config_account *a = &c->account[index];
    unsigned line = line_of(c, CONFIG_ACCOUNT, index, *a->token_file ? "token_file" : "token");
    if (!*a->token && !*a->token_file)
        return config_fail(c, line, why, ERR_SYNTAX, "[account %s] needs a token_file", a->name);
    if (*a->token && *a->token_file)
        return config_fail(c, line, why, ERR_CONFLICT,
                           "[account %s] has token and token_file: one of them", a->name);
    enum err e = *a->token_file ? read_token(a->token_file, a->token) : OK;
    if (e == ERR_IO)
        return config_fail(c, line, why, e, "%s: %m", a->token_file);
    if (e || !is_visible(a->token))
        return config_fail(c, line, why, ERR_SYNTAX,
                           "[account %s]: a token is 1 to %d visible ASCII characters, on one line",
                           a->name, CONFIG_TOKEN_MAX - 1);
    if (strncmp(a->webhook_secret, "whsec_", *a->webhook_secret ? 6 : 0) != 0)
        return config_fail(c, line_of(c, CONFIG_ACCOUNT, index, "webhook_secret"), why, ERR_SYNTAX,
                           "[account %s] webhook_secret begins with whsec_", a->name);
    return OK;
}

/* ---- modems ---- */
static enum err check_modem(const struct config *c, unsigned index, char *why)
{
    const struct config_modem *m = &c->modem[index];
    if (!*m->modem.port && !*m->imei)
        return config_fail(c, line_of(c, CONFIG_MODEM, index, NULL), why, ERR_SYNTAX,
                           "[modem %s] needs a port or an imei, e.g. port = /dev/smsbridge/%s",
                           m->modem.name, m->modem.name);
    for (unsigned i = 0; i < index; i++) {
        const struct config_modem *other = &c->modem[i];
        bool port = *m->modem.port && strcmp(m->modem.port, other->modem.port) == 0;
        bool imei = *m->imei && strcmp(m->imei, other->imei) == 0;
        if (!port && !imei)
            continue;
        const char *key = port ? "port" : "imei";
        return config_fail(c, line_of(c, CONFIG_MODEM, index, key), why, ERR_CONFLICT,
                           "[modem %s] has the same %s as [modem %s]", m->modem.name, key,
                           other->modem.name);
    }
    return OK;
}

static enum err check_inbox(const struct config *c, char *why)
{
    const char *secret = c->inbox.webhook_secret;
    if (!*secret || strncmp(secret, "whsec_", 6) == 0)
        return OK;
    return config_fail(c, line_of(c, CONFIG_INBOX, 0, "webhook_secret"), why, ERR_SYNTAX,
                       "[inbox] webhook_secret begins with whsec_");
}

enum err config_check(struct config *c, char *why)
{
    resolve_state_dir(c);
    resolve_quirks_dir(c);
    enum err e = check_tls(c, CONFIG_API, c->api.tls_cert, c->api.tls_key, why);
    if (!e)
        e = check_tls(c, CONFIG_LINKS, c->links.tls_cert, c->links.tls_key, why);
    if (!e)
        e = check_listens(c, why);
    if (!e)
        e = check_inbox(c, why);
    for (unsigned i = 0; !e && i < c->accounts; i++)
        e = check_account(c, i, why);
    for (unsigned i = 0; !e && i < c->modems; i++)
        e = check_modem(c, i, why);
    if (!e && c->accounts == 1)
        c->account[0].admin = true;
    return e;
}
