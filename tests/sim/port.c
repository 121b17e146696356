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

static void tcp_gone(struct modem *m)
{
    shut(&m->port.tcp_watch, &m->port.tcp);
    event_note(EV_CLOSED, m->index, "tcp");
}

static void readable(struct modem *m, int fd, uint32_t events)
{
    uint8_t bytes[4096];
    if (events & EPOLLOUT) {
        loop_change(fd == m->port.tcp ? &m->port.tcp_watch : &m->port.master_watch, EPOLLIN);
        line_writable(m);
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    ssize_t n = read(fd, bytes, sizeof bytes);
    if (n > 0)
        line_input(m, bytes, (size_t)n);
    else if (fd == m->port.tcp && (n == 0 || errno != EAGAIN))
        tcp_gone(m);
}

static void master_event(void *arg, uint32_t events)
{
    struct modem *m = arg;
    readable(m, m->port.master, events);
}

static void tcp_event(void *arg, uint32_t events)
{
    struct modem *m = arg;
    readable(m, m->port.tcp, events);
}

static void tcp_accept(void *arg, uint32_t events)
{
    struct modem *m = arg;
    (void)events;
    int fd = accept4(m->port.tcp_listen, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (m->port.tcp >= 0 || !m->plugged) { /* a line has one end */
        close(fd);
        return;
    }
    m->port.tcp = fd;
    hang_cure(m, CURE_REOPEN);
    loop_watch(&m->port.tcp_watch, fd, EPOLLIN, tcp_event, m);
    event_note(EV_OPENED, m->index, "tcp");
}

bool port_listen(struct modem *m)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    at.sin_port = htons((uint16_t)(modem_options.tcp_port + m->index));
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    m->port.tcp_listen = fd;
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4))
        return false;
    return !loop_watch(&m->port.listen_watch, fd, EPOLLIN, tcp_accept, m);
}

static bool link_make(struct modem *m)
{
    char fresh[300];
    snprintf(fresh, sizeof fresh, "%s.new", m->port.link);
    unlink(fresh);
    return !symlink(m->port.path, fresh) && !rename(fresh, m->port.link);
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

bool port_open(struct modem *m)
{
    struct port *p = &m->port;
    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (p->master < 0 || grantpt(p->master) || unlockpt(p->master) ||
        ptsname_r(p->master, p->path, sizeof p->path) || !slave_open(p) || !link_make(m) ||
        loop_watch(&p->master_watch, p->master, EPOLLIN, master_event, m)) {
        port_close(m);
        return false;
    }
    p->opens = 0;
    if (inotify_fd >= 0)
        p->inotify_wd = inotify_add_watch(inotify_fd, p->path, IN_OPEN | IN_CLOSE);
    return true;
}

void port_close(struct modem *m)
{
    struct port *p = &m->port;
    char target[64];
    ssize_t n = readlink(p->link, target, sizeof target - 1);
    if (n > 0 && (size_t)n == strlen(p->path) && !memcmp(target, p->path, (size_t)n))
        unlink(p->link);
    if (inotify_fd >= 0 && p->inotify_wd >= 0)
        inotify_rm_watch(inotify_fd, p->inotify_wd);
    p->inotify_wd = -1;
    if (p->slave >= 0)
        close(p->slave);
    p->slave = -1;
    shut(&p->master_watch, &p->master);
    if (p->tcp >= 0)
        tcp_gone(m);
}

long port_write(struct modem *m, const char *bytes, size_t n)
{
    bool tcp = m->port.tcp >= 0;
    ssize_t done =
        tcp ? send(m->port.tcp, bytes, n, MSG_NOSIGNAL) : write(m->port.master, bytes, n);
    if (done < (ssize_t)n)
        loop_change(tcp ? &m->port.tcp_watch : &m->port.master_watch, EPOLLIN | EPOLLOUT);
    return done > 0 ? (long)done : 0;
}

/* What was written and never read goes with the last close, as it does with a real device. */
static void closed_by_all(struct modem *m)
{
    tcflush(m->port.slave, TCIFLUSH);
    m->out.n = m->out_at = 0;
    event_note(EV_CLOSED, m->index, "pty");
}

static void opened_or_closed(int wd, uint32_t mask)
{
    for (int i = 0; i < modem_count; i++) {
        struct modem *m = &modems[i];
        if (!m->plugged || m->port.inotify_wd != wd)
            continue;
        if (mask & IN_OPEN && m->port.opens++ == 0) {
            hang_cure(m, CURE_REOPEN);
            event_note(EV_OPENED, m->index, "pty");
        }
        if (mask & IN_CLOSE && m->port.opens > 0 && --m->port.opens == 0)
            m->port.closed = true;
    }
}

static void notified(void *arg, uint32_t events)
{
    (void)arg, (void)events;
    _Alignas(struct inotify_event) char bytes[4096];
    ssize_t n = read(inotify_fd, bytes, sizeof bytes);
    for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= n;) {
        const struct inotify_event *e = (const void *)(bytes + at);
        opened_or_closed(e->wd, e->mask);
        at += (ssize_t)(sizeof *e + e->len);
    }
    for (int i = 0; i < modem_count; i++) { /* now, for it may have been opened again since */
        if (modems[i].port.closed && !modems[i].port.opens)
            closed_by_all(&modems[i]);
        modems[i].port.closed = false;
    }
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
