/* http_listen.c - listening sockets out of a list of addresses.
 * Refuses to know HTTP, and names: an address is an address, no name server is asked.
 * Promises: all or none; a socket file that nobody serves any more is taken over, a served one never. */
#include "http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "text.h"

#define BACKLOG 1024

static enum err refuse(enum err e, char *why, const char *item, const char *what)
{
    snprintf(why, HTTP_WHY_MAX, "listen address %.60s: %s", item, what);
    return e;
}

/* "127.0.0.1:8080" and "[::1]:8080" into an address. */
static enum err parse_inet(const char *item, struct sockaddr_storage *out, char *why)
{
    char host[HTTP_ADDRESS_MAX];
    int64_t port;
    const char *colon = strrchr(item, ':');
    if (!colon || text_int(colon + 1, 0, 65535, &port))
        return refuse(ERR_SYNTAX, why, item, "want 127.0.0.1:8080, [::1]:8080 or unix:/path");
    bool six = item[0] == '[' && colon > item && colon[-1] == ']';
    snprintf(host, sizeof host, "%.*s", (int)(colon - item) - 2 * six, item + six);
    if (text_equal_nocase(host, "localhost"))
        snprintf(host, sizeof host, "127.0.0.1");
    *out = (struct sockaddr_storage){0};
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    if (six && inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons((uint16_t)port);
        return OK;
    }
    if (!six && inet_pton(AF_INET, host, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t)port);
        return OK;
    }
    return refuse(ERR_SYNTAX, why, item, "not an IPv4 address nor an IPv6 address in brackets");
}

static enum err parse_unix(const char *item, struct sockaddr_storage *out, char *why)
{
    struct sockaddr_un *un = (struct sockaddr_un *)out;
    *out = (struct sockaddr_storage){0};
    un->sun_family = AF_UNIX;
    if (item[0] != '/' || text_copy(un->sun_path, sizeof un->sun_path, item))
        return refuse(ERR_SYNTAX, why, item, "want an absolute path of at most 107 bytes");
    return OK;
}

static socklen_t address_len(const struct sockaddr_storage *a)
{
    return a->ss_family == AF_INET    ? sizeof(struct sockaddr_in)
           : a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                      : sizeof(struct sockaddr_un);
}

/* A socket file of a process that died stands in the way; one that answers does not go. */
static void remove_stale(const struct sockaddr_storage *address)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)address;
    struct stat st;
    if (lstat(un->sun_path, &st) || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)un, sizeof *un) && errno == ECONNREFUSED)
        unlink(un->sun_path);
    close(fd);
}

static int bind_and_listen(const struct sockaddr_storage *address)
{
    int on = 1;
    bool local = address->ss_family == AF_UNIX;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (local)
        remove_stale(address);
    else
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ss_family == AF_INET6) /* so that 0.0.0.0 and [::] can stand side by side */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, (const struct sockaddr *)address, address_len(address)) == 0) {
        if (local) /* the service's group may come in */
            chmod(((const struct sockaddr_un *)address)->sun_path, 0660);
        if (listen(fd, BACKLOG) == 0)
            return fd;
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* What it is bound to: port 0 has become a number. */
static void describe(struct http_listener *l)
{
    char host[INET6_ADDRSTRLEN] = "", port[8] = "";
    socklen_t len = sizeof l->address;
    if (l->address.ss_family == AF_UNIX) {
        const struct sockaddr_un *un = (const struct sockaddr_un *)&l->address;
        snprintf(l->text, sizeof l->text, "unix:%.*s", (int)sizeof un->sun_path, un->sun_path);
        return;
    }
    getsockname(l->fd, (struct sockaddr *)&l->address, &len);
    getnameinfo((struct sockaddr *)&l->address, len, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    bool six = l->address.ss_family == AF_INET6;
    snprintf(l->text, sizeof l->text, six ? "[%s]:%s" : "%s:%s", host, port);
}

static enum err open_one(const char *item, struct http_listener *l, char *why)
{
    bool local = text_starts_nocase(item, "unix:");
    enum err e =
        local ? parse_unix(item + 5, &l->address, why) : parse_inet(item, &l->address, why);
    if (e)
        return e;
    l->fd = bind_and_listen(&l->address);
    if (l->fd < 0)
        return refuse(ERR_IO, why, item, strerror(errno));
    describe(l);
    return OK;
}

/* The next item of a comma list, without the spaces around it; false at the end. */
static bool next_item(const char **list, char *item, size_t size)
{
    const char *s = *list + strspn(*list, " \t,");
    size_t n = strcspn(s, ",");
    *list = s + n;
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    snprintf(item, size, "%.*s", (int)n, s);
    return n > 0;
}

enum err http_listen_open(const char *list, struct http_listener out[HTTP_LISTENERS_MAX], size_t *n,
                          char *why)
{
    char item[HTTP_ADDRESS_MAX];
    const char *rest = list;
    enum err e = OK;
    size_t count = 0;
    while (!e && next_item(&rest, item, sizeof item)) {
        if (count == HTTP_LISTENERS_MAX)
            e = refuse(ERR_FULL, why, item, "too many addresses");
        else
            e = open_one(item, &out[count], why);
        count += !e;
    }
    if (!e && count == 0)
        e = refuse(ERR_SYNTAX, why, list, "no address");
    if (e) {
        http_listen_close(out, count);
        return e;
    }
    *n = count;
    return OK;
}

void http_listen_close(struct http_listener *listeners, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct http_listener *l = &listeners[i];
        if (l->fd >= 0)
            close(l->fd);
        if (l->fd >= 0 && l->address.ss_family == AF_UNIX)
            unlink(((const struct sockaddr_un *)&l->address)->sun_path);
        l->fd = -1;
    }
}
