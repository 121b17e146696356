/* http_start.c - a group of listeners is opened, and closed.
 * Refuses to know requests.
 * Promises: why says which address or file it was; a stop waits for what runs, each with a limit. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http_impl.h"
#include "log.h"

#define PEM_MAX (256 * 1024)

static enum err read_pem(const char *path, char **out, char *why)
{
    FILE *f = fopen(path, "re");
    char *text = f ? calloc(1, PEM_MAX) : NULL;
    size_t n = text ? fread(text, 1, PEM_MAX - 1, f) : 0;
    bool ok = n > 0 && !ferror(f) && n < PEM_MAX - 1;
    if (!ok)
        snprintf(why, HTTP_WHY_MAX, "cannot read %.100s: %s", path,
                 f ? "empty, too long or not readable" : strerror(errno));
    if (f)
        fclose(f);
    if (!ok) {
        free(text);
        return ERR_IO;
    }
    *out = text;
    return OK;
}

static enum err start_daemons(struct http *h, char *why)
{
    for (size_t i = 0; i < h->count; i++) {
        if (!http_daemon_start(h, i)) {
            snprintf(why, HTTP_WHY_MAX, "%s: libmicrohttpd does not start%s", h->listener[i].text,
                     h->cert ? " (are certificate and key a pair?)" : "");
            return ERR_IO;
        }
    }
    h->poll[h->count] = (struct pollfd){.fd = h->wake_fd, .events = POLLIN};
    return OK;
}

/* Signals are main's: the thread starts with all of them blocked. */
static enum err start_thread(struct http *h, char *why)
{
    sigset_t all, before;
    char name[16];
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&h->thread, NULL, http_serve, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        snprintf(why, HTTP_WHY_MAX, "no thread: %s", strerror(failed));
        return ERR_NO_MEMORY;
    }
    snprintf(name, sizeof name, "http %.10s", h->name);
    pthread_setname_np(h->thread, name);
    h->running = true;
    return OK;
}

/* More than the process may open would end in a refused accept, which no eviction helps. */
static unsigned possible_connections(unsigned wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < (rlim_t)wanted + 64)
        wanted = limit.rlim_cur > 128 ? (unsigned)limit.rlim_cur - 64 : 64;
    return wanted < 16 ? 16 : wanted;
}

static enum err start(struct http *h, char *why)
{
    const char *cert = h->o.tls_cert, *key = h->o.tls_key;
    enum err e = OK;
    h->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (h->wake_fd < 0) {
        snprintf(why, HTTP_WHY_MAX, "no eventfd: %s", strerror(errno));
        return ERR_IO;
    }
    if (cert && *cert)
        e = read_pem(cert, &h->cert, why);
    if (!e && cert && *cert)
        e = read_pem(key ? key : "", &h->key, why);
    if (!e)
        e = http_listen_open(h->o.listen, h->listener, &h->count, why);
    if (!e)
        e = start_daemons(h, why);
    if (!e)
        e = start_thread(h, why);
    return e;
}

enum err http_start(const struct http_options *o, struct http **out, char *why)
{
    struct http *h = calloc(1, sizeof *h);
    if (!h) {
        snprintf(why, HTTP_WHY_MAX, "out of memory");
        return ERR_NO_MEMORY;
    }
    h->o = *o;
    h->o.connections_max = possible_connections(o->connections_max);
    h->wake_fd = -1;
    pthread_mutex_init(&h->wake_lock, NULL);
    TAILQ_INIT(&h->idle);
    TAILQ_INIT(&h->waiting);
    snprintf(h->name, sizeof h->name, "%s", o->name);
    *out = h; /* before the first handler can run */
    enum err e = start(h, why);
    h->o.name = h->o.listen = h->o.tls_cert = h->o.tls_key = NULL; /* not ours beyond this call */
    if (e) {
        http_stop(h);
        *out = NULL;
    }
    return e;
}

/* Of a group whose thread never ran. */
static void stop_unstarted(struct http *h)
{
    for (size_t i = 0; i < h->count; i++)
        http_daemon_stop(h, i);
    http_listen_close(h->listener, h->count);
}

static void stop_thread(struct http *h)
{
    pthread_mutex_lock(&h->wake_lock);
    atomic_store(&h->stopping, true);
    http_wake(h);
    pthread_mutex_unlock(&h->wake_lock);
    pthread_join(h->thread, NULL);
    pthread_mutex_lock(&h->wake_lock); /* until the last http_resume() is out of it */
    pthread_mutex_unlock(&h->wake_lock);
}

void http_stop(struct http *h)
{
    if (!h)
        return;
    if (h->running)
        stop_thread(h);
    else
        stop_unstarted(h);
    if (h->suspended > 0)
        return; /* somebody may still resume into it */
    if (h->wake_fd >= 0)
        close(h->wake_fd);
    pthread_mutex_destroy(&h->wake_lock);
    free(h->cert);
    free(h->key);
    free(h);
}

size_t http_address_count(const struct http *h)
{
    return h->count;
}

const char *http_address_text(const struct http *h, size_t i)
{
    return h->listener[i].text;
}

const struct sockaddr *http_address(const struct http *h, size_t i)
{
    return (const struct sockaddr *)&h->listener[i].address;
}

bool http_is_tls(const struct http *h)
{
    return h->cert != NULL;
}
