/* The control socket's two ends, see control.h.
   Refuses to know the commands.
   Promises to survive any line: quotes left open, too many words, half a line and a hang-up. */
#include "control.h"
#include "loop.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MAX_OCTETS = 1 << 20 };

struct client {
    struct client *next;
    unsigned long id;
    int fd;
    struct watch watch;
    struct str in, out;
    bool busy; /* a command has not been answered yet */
};

static struct client *clients;
static int listen_fd = -1;
static struct watch listen_watch;
static char *socket_path;
static unsigned long next_id = 1;

static void client_free(struct client *c)
{
    for (struct client **at = &clients; *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    loop_unwatch(&c->watch);
    close(c->fd);
    str_free(&c->in);
    str_free(&c->out);
    free(c);
}

unsigned long control_id(const struct client *c)
{
    return c->id;
}

struct client *control_client(unsigned long id)
{
    struct client *c = clients;
    while (c && c->id != id)
        c = c->next;
    return c;
}

static void client_flush(struct client *c)
{
    ssize_t n = c->out.n ? send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL) : 0;
    if (n > 0)
        str_cut(&c->out, (size_t)n);
    loop_change(&c->watch, c->out.n ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void control_answer(struct client *c, const char *json)
{
    c->busy = false;
    str_puts(&c->out, json);
    str_puts(&c->out, "\n");
    client_flush(c);
}

void control_fail(struct client *c, const char *fmt, ...)
{
    char text[512];
    struct str json = {0};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    str_puts(&json, "{");
    str_bool(&json, "ok", false);
    str_pair(&json, "error", text);
    str_puts(&json, "}");
    control_answer(c, json.p);
    str_free(&json);
}

/* One word, its quotes and backslashes resolved in place; returns what follows, NULL when unclosed. */
static char *word(char *p, char **out)
{
    char *to = p;
    bool quoted = false;
    *out = p;
    for (; *p && (quoted || *p != ' '); p++) {
        if (*p == '"') {
            quoted = !quoted;
        } else if (*p == '\\' && p[1]) {
            p++;
            *to++ = *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p == 't' ? '\t' : *p;
        } else {
            *to++ = *p;
        }
    }
    bool more = *p != '\0';
    *to = '\0';
    return quoted ? NULL : p + more;
}

static void client_line(struct client *c, char *line)
{
    struct request r = {.client = c};
    c->busy = true;
    for (char *p = line; *(p += strspn(p, " \r\t"));) {
        if (r.argc == CONTROL_ARGS_MAX) {
            control_fail(c, "too many words");
            return;
        }
        p = word(p, &r.argv[r.argc++]);
        if (!p) {
            control_fail(c, "a quote is left open");
            return;
        }
    }
    if (r.argc)
        command_run(&r);
    else
        c->busy = false;
}

static void client_lines(struct client *c)
{
    char *end;
    while (!c->busy && c->in.n && (end = memchr(c->in.p, '\n', c->in.n))) {
        struct str line = {0};
        size_t n = (size_t)(end - c->in.p);
        str_add(&line, c->in.p, n);
        str_cut(&c->in, n + 1);
        client_line(c, line.p);
        str_free(&line);
    }
}

static void client_event(void *arg, uint32_t events)
{
    struct client *c = arg;
    char bytes[16384];
    if (events & EPOLLOUT)
        client_flush(c);
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    ssize_t n = read(c->fd, bytes, sizeof bytes);
    if (n <= 0 || c->in.n + (size_t)n > LINE_MAX_OCTETS) {
        if (n >= 0 || errno != EAGAIN)
            client_free(c);
        return;
    }
    str_add(&c->in, bytes, (size_t)n);
    client_lines(c);
}

static void client_accept(void *arg, uint32_t events)
{
    (void)arg, (void)events;
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct client *c = sim_alloc(sizeof *c);
    *c = (struct client){.fd = fd, .id = next_id++, .next = clients};
    clients = c;
    loop_watch(&c->watch, fd, EPOLLIN, client_event, c);
}

/* What a client sent while its command was under way is looked at when that is answered. */
static void resume_all(void)
{
    for (struct client *c = clients, *next; c; c = next) {
        next = c->next;
        if (!c->busy && c->in.n)
            client_lines(c);
    }
}

void control_poll(void)
{
    command_poll();
    resume_all();
}

static bool address_of(const char *path, struct sockaddr_un *at)
{
    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    int n = snprintf(at->sun_path, sizeof at->sun_path, "%s", path);
    return n > 0 && (size_t)n < sizeof at->sun_path;
}

bool control_open(const char *path)
{
    struct sockaddr_un at;
    listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listen_fd < 0 || !address_of(path, &at))
        return false;
    unlink(path);
    if (bind(listen_fd, (struct sockaddr *)&at, sizeof at) || listen(listen_fd, 128))
        return false;
    socket_path = sim_dup(path);
    return !loop_watch(&listen_watch, listen_fd, EPOLLIN, client_accept, NULL);
}

void control_close(void)
{
    while (clients)
        client_free(clients);
    command_close();
    loop_unwatch(&listen_watch);
    if (listen_fd >= 0)
        close(listen_fd);
    if (socket_path)
        unlink(socket_path);
    free(socket_path);
}

const char *control_option(const struct request *r, const char *key, const char *def)
{
    size_t n = strlen(key);
    for (int i = 1; i < r->argc; i++)
        if (!strncmp(r->argv[i], key, n) && r->argv[i][n] == '=')
            return r->argv[i] + n + 1;
    return def;
}

long control_number(const struct request *r, const char *key, long def)
{
    const char *text = control_option(r, key, NULL);
    return text ? strtol(text, NULL, 0) : def;
}

int control_do(const char *path, const char *line)
{
    struct sockaddr_un at;
    struct str out = {0};
    char bytes[16384];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || !address_of(path, &at) || connect(fd, (struct sockaddr *)&at, sizeof at)) {
        fprintf(stderr, "modemsim: %s: %s\n", path, strerror(errno));
        return 3;
    }
    str_puts(&out, line);
    str_puts(&out, "\n");
    ssize_t n = send(fd, out.p, out.n, MSG_NOSIGNAL);
    out.n = 0;
    while (n > 0 && (!out.n || out.p[out.n - 1] != '\n') && (n = read(fd, bytes, sizeof bytes)) > 0)
        str_add(&out, bytes, (size_t)n);
    close(fd);
    fputs(out.n ? out.p : "modemsim: no answer\n", out.n ? stdout : stderr);
    int status = out.n && !strncmp(out.p, "{\"ok\":true", 10) ? 0 : 1;
    str_free(&out);
    return status;
}
