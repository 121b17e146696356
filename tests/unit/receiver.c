/* receiver.c - a webhook receiver for unit tests; see receiver.h. */
#include "receiver.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define CONNECTIONS 64

struct connection {
    int fd; /* -1: free */
    char in[8192];
    size_t len;
    bool whole;        /* the request was read */
    bool endless;      /* writes for ever */
    int64_t answer_ms; /* monotonic; 0: never */
};

struct receiver {
    int listener, stop;
    uint16_t port;
    pthread_t thread;
    struct connection connections[CONNECTIONS];
    pthread_mutex_t lock; /* of what follows */
    struct receiver_post posts[RECEIVER_POSTS];
    unsigned n, most_open;
};

static void hang_up(struct connection *c)
{
    if (c->fd >= 0)
        (void)close(c->fd);
    *c = (struct connection){.fd = -1};
}

static void say(struct connection *c, const char *text)
{
    (void)send(c->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static unsigned count_exactly(struct receiver *r, const char *path)
{
    unsigned n = 0;
    for (unsigned i = 0; i < r->n; i++)
        n += strcmp(r->posts[i].path, path) == 0;
    return n;
}

static const struct {
    const char *path, *answer;
    bool stays;
} answers[] = {
    {"/ok", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false},
    {"/n201", "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", false},
    {"/n204", "HTTP/1.1 204 No Content\r\n\r\n", false},
    {"/n302", "HTTP/1.1 302 Found\r\nLocation: /ok/redirected\r\nContent-Length: 0\r\n\r\n", false},
    {"/n500", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", false},
    {"/close", "", false},
    {"/hang", "", true},
    {"/short", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", false},
    {"/stuck", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", true},
    {"/garbage", "\x01\x02not http at all\r\n\r\n", false},
    {"/endless", "HTTP/1.1 200 OK\r\n\r\n", true},
    {"/headers", "HTTP/1.1 200 OK\r\n", true},
};

static void answer(struct receiver *r, struct connection *c, const char *path)
{
    if (strncmp(path, "/slow/", 6) == 0) {
        c->answer_ms = clk_mono_ms() + strtol(path + 6, NULL, 10);
        return;
    }
    if (strncmp(path, "/flaky/", 7) == 0)
        path = count_exactly(r, path) <= (unsigned)strtol(path + 7, NULL, 10) ? "/n500" : "/ok";
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (strncmp(path, answers[i].path, strlen(answers[i].path)) != 0)
            continue;
        say(c, answers[i].answer);
        c->endless = i >= sizeof(answers) / sizeof(answers[0]) - 2;
        if (!answers[i].stays)
            hang_up(c);
        return;
    }
    hang_up(c);
}

/* With the lock held: a whole request of n bytes, its body at `body`. */
static void note(struct receiver *r, struct connection *c, const char *body)
{
    char path[64] = "";
    struct receiver_post *p = &r->posts[r->n];
    size_t n = strcspn(c->in, " ");
    if (r->n == RECEIVER_POSTS || strncmp(c->in, "POST ", 5) != 0) {
        hang_up(c);
        return;
    }
    (void)snprintf(path, sizeof(path), "%.*s", (int)strcspn(c->in + n + 1, " "), c->in + n + 1);
    p->at_ms = clk_mono_ms();
    (void)snprintf(p->path, sizeof(p->path), "%s", path);
    (void)snprintf(p->headers, sizeof(p->headers), "%.*s", (int)(body - c->in), c->in);
    (void)snprintf(p->body, sizeof(p->body), "%s", body);
    r->n++;
    unsigned open = 0;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        open += r->connections[i].fd >= 0 && r->connections[i].whole;
    r->most_open = open > r->most_open ? open : r->most_open;
    answer(r, c, path);
}

static void take(struct receiver *r, struct connection *c)
{
    ssize_t n = recv(c->fd, c->in + c->len, sizeof(c->in) - 1 - c->len, MSG_DONTWAIT);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            hang_up(c);
        return;
    }
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    const char *end = strstr(c->in, "\r\n\r\n");
    const char *length = strcasestr(c->in, "\r\nContent-Length:");
    if (!end || !length || c->whole)
        return;
    size_t body = (size_t)strtol(length + 17, NULL, 10);
    if (c->len < (size_t)(end + 4 - c->in) + body)
        return;
    c->whole = true;
    (void)pthread_mutex_lock(&r->lock);
    note(r, c, end + 4);
    (void)pthread_mutex_unlock(&r->lock);
}

static void pour(struct connection *c)
{
    static const char line[] =
        "X-Line: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    if (send(c->fd, line, sizeof(line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
        hang_up(c);
}

static void serve(struct receiver *r, struct connection *c, short events)
{
    if (events & (POLLIN | POLLHUP | POLLERR))
        take(r, c);
    if (c->fd >= 0 && c->endless && (events & POLLOUT))
        pour(c);
    if (c->fd >= 0 && c->answer_ms && clk_mono_ms() >= c->answer_ms) {
        say(c, answers[0].answer);
        hang_up(c);
    }
}

static void welcome(struct receiver *r)
{
    int fd = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    for (unsigned i = 0; fd >= 0 && i < CONNECTIONS; i++) {
        if (r->connections[i].fd >= 0)
            continue;
        r->connections[i] = (struct connection){.fd = fd};
        return;
    }
    if (fd >= 0)
        (void)close(fd);
}

static void *run(void *ctx)
{
    struct receiver *r = ctx;
    for (;;) {
        struct pollfd p[CONNECTIONS + 2] = {{.fd = r->stop, .events = POLLIN},
                                            {.fd = r->listener, .events = POLLIN}};
        for (unsigned i = 0; i < CONNECTIONS; i++) {
            p[i + 2].fd = r->connections[i].fd;
            p[i + 2].events = r->connections[i].endless ? POLLIN | POLLOUT : POLLIN;
        }
        (void)poll(p, CONNECTIONS + 2, 10);
        if (p[0].revents)
            return NULL;
        for (unsigned i = 0; i < CONNECTIONS; i++) {
            if (r->connections[i].fd >= 0)
                serve(r, &r->connections[i], p[i + 2].revents);
        }
        if (p[1].revents)
            welcome(r);
    }
}

struct receiver *receiver_start(void)
{
    struct receiver *r = calloc(1, sizeof(*r));
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    if (!r)
        abort();
    for (unsigned i = 0; i < CONNECTIONS; i++)
        r->connections[i].fd = -1;
    r->stop = eventfd(0, EFD_CLOEXEC);
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (r->stop < 0 || r->listener < 0 || bind(r->listener, (struct sockaddr *)&a, n) ||
        listen(r->listener, 64) || getsockname(r->listener, (struct sockaddr *)&a, &n) ||
        pthread_mutex_init(&r->lock, NULL) || pthread_create(&r->thread, NULL, run, r))
        abort();
    r->port = ntohs(a.sin_port);
    return r;
}

void receiver_stop(struct receiver *r)
{
    if (eventfd_write(r->stop, 1))
        abort();
    (void)pthread_join(r->thread, NULL);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        hang_up(&r->connections[i]);
    (void)close(r->listener);
    (void)close(r->stop);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

uint16_t receiver_port(const struct receiver *r)
{
    return r->port;
}

bool receiver_get(struct receiver *r, const char *path, unsigned k, struct receiver_post *out)
{
    bool found = false;
    (void)pthread_mutex_lock(&r->lock);
    for (unsigned i = 0; !found && i < r->n; i++) {
        if (strncmp(r->posts[i].path, path, strlen(path)) != 0 || k-- > 0)
            continue;
        *out = r->posts[i];
        found = true;
    }
    (void)pthread_mutex_unlock(&r->lock);
    return found;
}

unsigned receiver_count(struct receiver *r, const char *path)
{
    unsigned n = 0;
    (void)pthread_mutex_lock(&r->lock);
    for (unsigned i = 0; i < r->n; i++)
        n += strncmp(r->posts[i].path, path, strlen(path)) == 0;
    (void)pthread_mutex_unlock(&r->lock);
    return n;
}

unsigned receiver_most_open(struct receiver *r)
{
    (void)pthread_mutex_lock(&r->lock);
    unsigned n = r->most_open;
    (void)pthread_mutex_unlock(&r->lock);
    return n;
}

const char *receiver_header(const struct receiver_post *p, const char *name, char out[256])
{
    size_t n = strlen(name);
    out[0] = '\0';
    for (const char *at = p->headers; (at = strstr(at, "\r\n")) != NULL;) {
        at += 2;
        if (strncasecmp(at, name, n) == 0 && at[n] == ':')
            (void)snprintf(out, 256, "%.*s", (int)strcspn(at + n + 2, "\r"), at + n + 2);
    }
    return out;
}
