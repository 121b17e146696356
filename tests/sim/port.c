/* A modem's ports: a pty behind a link, and optionally TCP.
   Refuses to know what the octets mean.
   Promises that the computer may open and close the pty as it likes, and sees it hang up on unplug. */
#include "event.h"
#include "simmodem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static int inotify_fd = -1;
static struct watch inotify_watch;

static void shut(struct watch *w, int *fd)
{
    loop_unwatch(w);
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void tcp_gone(struct line *l)
{
    shut(&l->port.tcp_watch, &l->port.tcp);
    event_note(EV_CLOSED, l->m->index, "tcp");
    line_closed(l);
}

static void readable(struct line *l, int fd, uint32_t events)
{
    uint8_t bytes[4096];
    if (events & EPOLLOUT) {
        loop_change(fd == l->port.tcp ? &l->port.tcp_watch : &l->port.master_watch, EPOLLIN);
        line_writable(l);
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n > 0)
        line_input(l, bytes, (size_t)n);
    else if (fd == l->port.tcp && (n == 0 || errno != EAGAIN))
        tcp_gone(l);
}

static void master_event(void *arg, uint32_t events)
{
    struct line *l = arg;
    readable(l, l->port.master, events);
}

static void tcp_event(void *arg, uint32_t events)
{
    struct line *l = arg;
    readable(l, l->port.tcp, events);
}

static void tcp_accept(void *arg, uint32_t events)
{
    struct line *l = arg;
    (void)events;
    int fd = accept4(l->port.tcp_listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (l->port.tcp >= 0 || !l->m->plugged) { /* a line has one end */
        close(fd);
        return;
    }
    l->port.tcp = fd;
    hang_cure(l->m, CURE_REOPEN);
    loop_watch(&l->port.tcp_watch, fd, EPOLLIN, tcp_event, l);
    event_note(EV_OPENED, l->m->index, "tcp");
    line_opened(l);
}

bool port_listen(struct line *l)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    at.sin_port = htons((uint16_t)(modem_options.tcp_port + l->m->index));
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    l->port.tcp_listen = fd;
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4))
        return false;
    return !loop_watch(&l->port.listen_watch, fd, EPOLLIN, tcp_accept, l);
}

static bool link_make(const char *link, const char *path)
{
    char fresh[300];
    if (!link[0])
        return true;
    snprintf(fresh, sizeof fresh, "%s.new", link);
    unlink(fresh);
    return !symlink(path, fresh) && !rename(fresh, link);
}

/* Only where it is still ours. */
static void link_remove(const char *link, const char *path)
{
    char target[64];
    ssize_t n = link[0] ? readlink(link, target, sizeof target - 1) : 0;
    if (n > 0 && (size_t)n == strlen(path) && !memcmp(target, path, (size_t)n))
        unlink(link);
}

/* Raw, and our own descriptor on it stays open, so that the pty outlives the computer's close. */
static bool slave_open(struct port *p)
{
    struct termios tio;
    p->slave = open(p->path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->slave < 0 || tcgetattr(p->slave, &tio))
        return false;
    cfmakeraw(&tio);
    cfsetspeed(&tio, B115200);
    return !tcsetattr(p->slave, TCSANOW, &tio);
}

void port_init(struct port *p)
{
    *p = (struct port){.master = -1, .slave = -1, .tcp_listen = -1, .tcp = -1, .inotify_wd = -1};
    p->master_watch.fd = p->tcp_watch.fd = p->listen_watch.fd = -1;
}

bool port_open(struct line *l)
{
    struct port *p = &l->port;
    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (p->master < 0 || grantpt(p->master) || unlockpt(p->master) ||
        ptsname_r(p->master, p->path, sizeof p->path) || !slave_open(p) ||
        !link_make(p->link, p->path) || !link_make(p->alias, p->path) ||
        loop_watch(&p->master_watch, p->master, EPOLLIN, master_event, l)) {
        port_close(l);
        return false;
    }
    p->opens = 0;
    if (inotify_fd >= 0)
        p->inotify_wd = inotify_add_watch(inotify_fd, p->path, IN_OPEN | IN_CLOSE);
    return true;
}

void port_close(struct line *l)
{
    struct port *p = &l->port;
    link_remove(p->link, p->path);
    link_remove(p->alias, p->path);
    if (inotify_fd >= 0 && p->inotify_wd >= 0)
        inotify_rm_watch(inotify_fd, p->inotify_wd);
    p->inotify_wd = -1;
    if (p->slave >= 0)
        close(p->slave);
    p->slave = -1;
    shut(&p->master_watch, &p->master);
    if (p->tcp >= 0)
        tcp_gone(l);
}

void port_free(struct port *p)
{
    shut(&p->listen_watch, &p->tcp_listen);
}

long port_write(struct line *l, const char *bytes, size_t n)
{
    struct port *p = &l->port;
    bool tcp = p->tcp >= 0;
    ssize_t done = tcp ? send(p->tcp, bytes, n, MSG_NOSIGNAL) : write(p->master, bytes, n);
    if (done < (ssize_t)n)
        loop_change(tcp ? &p->tcp_watch : &p->master_watch, EPOLLIN | EPOLLOUT);
    return done > 0 ? (long)done : 0;
}

/* What was written and never read goes with the last close, as it does with a real device. */
static void closed_by_all(struct line *l)
{
    tcflush(l->port.slave, TCIFLUSH);
    l->out.n = l->out_at = 0;
    event_note(EV_CLOSED, l->m->index, "pty %d", l->iface->number);
    line_closed(l);
}

static void opened_by_one(struct line *l)
{
    if (l == l->m->lines)
        hang_cure(l->m, CURE_REOPEN);
    event_note(EV_OPENED, l->m->index, "pty %d", l->iface->number);
    line_opened(l);
}

static void opened_or_closed(struct line *l, uint32_t mask)
{
    struct port *p = &l->port;
    if (mask & IN_OPEN && p->opens++ == 0)
        opened_by_one(l);
    if (mask & IN_CLOSE && p->opens > 0 && --p->opens == 0)
        p->closed = true;
}

static void each_line(void (*fn)(struct line *l, const struct inotify_event *e),
                      const struct inotify_event *e)
{
    for (int i = 0; i < modem_count; i++)
        for (int k = 0; modems[i].plugged && k < modems[i].line_n; k++)
            fn(&modems[i].lines[k], e);
}

static void note_one(struct line *l, const struct inotify_event *e)
{
    if (l->port.inotify_wd == e->wd)
        opened_or_closed(l, e->mask);
}

/* Later, for it may have been opened again since. */
static void note_close(struct line *l, const struct inotify_event *e)
{
    (void)e;
    if (l->port.closed && !l->port.opens)
        closed_by_all(l);
    l->port.closed = false;
}

static void notified(void *arg, uint32_t events)
{
    (void)arg, (void)events;
    _Alignas(struct inotify_event) char bytes[4096];
    ssize_t n = read(inotify_fd, bytes, sizeof bytes);
    for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
        const struct inotify_event *e = (const void *)(bytes + at);
        each_line(note_one, e);
        at += (ssize_t)(sizeof *e + e->len);
    }
    each_line(note_close, NULL);
}

bool port_notify_open(void)
{
    inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return inotify_fd >= 0 && !loop_watch(&inotify_watch, inotify_fd, EPOLLIN, notified, NULL);
}

void port_notify_close(void)
{
    shut(&inotify_watch, &inotify_fd);
}
