/* port.c - a device becomes a descriptor.
 * Knows no AT.  libserialport opens and configures real devices; reading and writing is the caller's, on the
 * descriptor, for the library cannot tell "nothing there" from "unplugged".
 * Promises: non-blocking, raw, close-on-exec, locked; a failed open leaves nothing behind. */
#include "port.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "pulse.h"
#include "text.h"

#define WHY_SIZE   160
#define RESOLVE_MS (5 * CLK_MINUTE_MS) /* every name server there is, silent */

struct port {
    int fd;   /* what the caller reads and writes */
    int lock; /* holds the lock, taken before anything is configured; the same for a pty */
    struct sp_port *serial; /* owns fd; NULL: a pty or a connection */
};

/* Writes the sentence and passes the result on: return say(why, ERR_BUSY, "…"). */
static enum err PRINTF_LIKE(3, 4) say(char *why, enum err e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (why)
        vsnprintf(why, WHY_SIZE, fmt, args);
    va_end(args);
    return e;
}

/* ---- who else has it ---- */

/* Does a descriptor of that process lead to the device?  Others' processes stay closed to us unless root. */
static bool process_has(const char *pid, dev_t device)
{
    char path[300];
    struct stat st;
    bool found = false;
    snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *dir = opendir(path);
    if (!dir)
        return false;
    for (struct dirent *d; !found && (d = readdir(dir));) {
        if (fstatat(dirfd(dir), d->d_name, &st, 0) == 0)
            found = S_ISCHR(st.st_mode) && st.st_rdev == device;
    }
    closedir(dir);
    return found;
}

/* The first process beside this one that has the device open; 0: not to be found out. */
static long find_holder(dev_t device)
{
    int64_t pid = 0;
    DIR *dir = opendir("/proc");
    if (!dir)
        return 0;
    for (struct dirent *d; (d = readdir(dir)); pid = 0) {
        if (text_int(d->d_name, 1, INT32_MAX, &pid) == OK && pid != getpid() &&
            process_has(d->d_name, device))
            break;
    }
    closedir(dir);
    return (long)pid;
}

/* As ps shows it; a process that is gone by now is called another program. */
static const char *name_of(long pid, char name[32])
{
    char path[48];
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    FILE *f = fopen(path, "re");
    if (!f || !fgets(name, 32, f))
        snprintf(name, 32, "another program");
    if (f)
        fclose(f);
    for (char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7F)
            *c = c[1] ? '?' : '\0';
    return name;
}

static enum err say_busy(char *why, const char *path)
{
    struct stat st;
    long pid = stat(path, &st) == 0 ? find_holder(st.st_rdev) : 0;
    char name[32];
    if (pid)
        return say(why, ERR_BUSY, "%.90s is in use by %s (pid %ld)", path, name_of(pid, name), pid);
    return say(why, ERR_BUSY, "%.100s is in use already", path);
}

static enum err say_open_error(char *why, const char *path, int error)
{
    switch (error) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
    case ENOTDIR:
        return say(why, ERR_NOT_FOUND, "%.120s: no such device", path);
    case EACCES:
    case EPERM:
        return say(why, ERR_DENIED, "%.90s: permission denied: add the user to group dialout",
                   path);
    case EBUSY:
        return say_busy(why, path);
    default:
        return say(why, ERR_IO, "%.90s: %.60s", path, strerrordesc_np(error));
    }
}

/* ---- devices ---- */

/* UNIX98 pseudo-terminals: Documentation/admin-guide/devices.txt, majors 136 to 143. */
static bool is_pty(dev_t device)
{
    return major(device) >= 136 && major(device) <= 143;
}

/* Two locks, for other programs honour the one or the other: flock here, TIOCEXCL once all is well. */
static enum err lock_device(int fd, const char *path, char *why)
{
    struct stat st;
    int exclusive = 0;
    if (fstat(fd, &st) != 0)
        return say_open_error(why, path, errno);
    if (!S_ISCHR(st.st_mode))
        return say(why, ERR_IO, "%.120s is not a serial port", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return say_busy(why, path);
    /* The kernel refuses a second open by itself, but not root's: so ask. */
    if (!is_pty(st.st_rdev) && ioctl(fd, TIOCGEXCL, &exclusive) == 0 && exclusive)
        return say_busy(why, path);
    return OK;
}

/* Not on a pty: there it would outlive us, until the other end is closed. */
static void make_exclusive(int fd)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && !is_pty(st.st_rdev) && ioctl(fd, TIOCEXCL) != 0)
        return; /* the flock stands */
}

/* read() must say "nothing there" with EAGAIN: with libserialport's VMIN 0 it says 0, as it does on a hang-up.
 * baud 0: as it is. */
static enum err make_raw(int fd, uint32_t baud, const char *path, char *why)
{
    struct termios t;
    if (tcgetattr(fd, &t) != 0)
        return say(why, ERR_IO, "%.120s is not a serial port", path);
    cfmakeraw(&t);
    t.c_iflag &= (tcflag_t) ~(IXOFF | IXANY);
    t.c_cflag &= (tcflag_t) ~(CSTOPB | CRTSCTS);
    t.c_cflag |= CLOCAL | CREAD;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    if (baud && cfsetspeed(&t, baud) != 0)
        return say(why, ERR_RANGE, "%.90s cannot run at %u baud", path, (unsigned)baud);
    if (tcsetattr(fd, TCSANOW, &t) != 0)
        return say_open_error(why, path, errno);
    return OK;
}

/* 8N1, no flow control.  RTS and DTR stay as open() raised them. */
static enum sp_return configure(struct sp_port *serial, uint32_t baud)
{
    struct sp_port_config *c;
    enum sp_return r = sp_new_config(&c);
    if (r != SP_OK)
        return r;
    sp_set_config_baudrate(c, (int)baud);
    sp_set_config_bits(c, 8);
    sp_set_config_parity(c, SP_PARITY_NONE);
    sp_set_config_stopbits(c, 1);
    sp_set_config_flowcontrol(c, SP_FLOWCONTROL_NONE);
    r = sp_set_config(serial, c);
    sp_free_config(c);
    return r;
}

/* libserialport knows a port by the name that the kernel gave it: the name as it was given, else where its links
 * lead to.  NULL: by neither, as with every pty. */
static struct sp_port *find_serial(const char *path)
{
    struct sp_port *serial = NULL;
    char real[PATH_MAX];
    if (sp_get_port_by_name(path, &serial) == SP_OK)
        return serial;
    if (realpath(path, real) && sp_get_port_by_name(real, &serial) == SP_OK)
        return serial;
    return NULL;
}

/* ERR_UNSUPPORTED: not a port for libserialport; it wants modem lines, which a pty and some USB drivers lack. */
static enum err open_serial(struct port *p, const char *path, uint32_t baud, char *why)
{
    int fd = -1;
    enum sp_return r;
    if (!(p->serial = find_serial(path)))
        return ERR_UNSUPPORTED;
    errno = 0;
    r = sp_open(p->serial, SP_MODE_READ_WRITE);
    if (r == SP_OK)
        r = sp_get_port_handle(p->serial, &fd);
    if (r == SP_OK) {
        p->fd = fd;
        r = configure(p->serial, baud);
    }
    if (r == SP_OK)
        return OK;
    int error = r == SP_ERR_FAIL ? sp_last_error_code() : r == SP_ERR_MEM ? ENOMEM : EINVAL;
    if (error == ENOTTY && fd < 0)
        return ERR_UNSUPPORTED;
    return say_open_error(why, path, error);
}

static void close_serial(struct port *p)
{
    if (p->serial) {
        sp_close(p->serial);
        sp_free_port(p->serial);
    }
    p->serial = NULL;
}

/* libserialport's descriptor has flags of its own. */
static enum err set_flags(int fd, const char *path, char *why)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return say_open_error(why, path, errno);
    return OK;
}

static enum err open_device(struct port *p, const char *path, uint32_t baud, char *why)
{
    p->lock = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (p->lock < 0)
        return say_open_error(why, path, errno);
    enum err e = lock_device(p->lock, path, why);
    if (e)
        return e;
    e = open_serial(p, path, baud, why);
    if (e == OK)
        e = set_flags(p->fd, path, why);
    if (e == OK) {
        e = make_raw(p->fd, 0, path, why);
    } else if (e == ERR_UNSUPPORTED) {
        close_serial(p);
        p->fd = p->lock;
        e = make_raw(p->fd, baud, path, why);
    }
    if (e)
        return e;
    make_exclusive(p->fd);
    log_debug("port", "path=%s by=%s", path, p->serial ? "libserialport" : "descriptor");
    return OK;
}

/* ---- tcp:host:port ---- */

struct tcp_name {
    char host[256], service[8];
};

/* "host:port", "[::1]:port". */
static enum err parse_tcp(const char *s, struct tcp_name *name, char *why)
{
    int64_t number;
    const char *colon = strrchr(s, ':');
    size_t n = colon ? (size_t)(colon - s) : 0;
    bool brackets = n > 2 && s[0] == '[' && colon[-1] == ']';
    if (brackets) {
        s++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof name->host || (!brackets && strcspn(s, ":[]") < n))
        return say(why, ERR_SYNTAX,
                   "a port over the network is written tcp:host:port or tcp:[IPv6]:port");
    memcpy(name->host, s, n);
    name->host[n] = '\0';
    if (text_int(colon + 1, 1, 65535, &number) != OK)
        return say(why, ERR_SYNTAX, "tcp:%.90s: the port is a number from 1 to 65535", name->host);
    snprintf(name->service, sizeof name->service, "%d", (int)number);
    return OK;
}

/* A terminal server that vanished must not look like a silent modem for hours. */
static void tune_tcp(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},   {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 30}, {IPPROTO_TCP, TCP_KEEPINTVL, 10},
        {IPPROTO_TCP, TCP_KEEPCNT, 3},   {IPPROTO_TCP, TCP_USER_TIMEOUT, 60000},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                   sizeof options[i].value);
}

/* 0, or an errno. */
static int finish_connect(int fd, int64_t deadline)
{
    int error = 0;
    socklen_t size = sizeof error;
    struct pollfd p = {fd, POLLOUT, 0};
    int64_t left;
    while ((left = deadline - clk_mono_ms()) > 0) {
        int n = pulse_poll(&p, 1, (int)left);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0)
            return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
    }
    return ETIMEDOUT;
}

/* 0, or an errno; *out only on 0. */
static int connect_one(const struct addrinfo *a, int64_t deadline, int *out)
{
    int error = 0;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0)
        return errno;
    if (connect(fd, a->ai_addr, a->ai_addrlen) != 0)
        error = errno == EINPROGRESS ? finish_connect(fd, deadline) : errno;
    if (error)
        close(fd);
    else
        *out = fd;
    return error;
}

static enum err open_tcp(struct port *p, const char *address, int timeout_ms, char *why)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    struct tcp_name name;
    int64_t deadline = clk_mono_ms() + timeout_ms;
    int error = ETIMEDOUT;
    enum err e = parse_tcp(address, &name, why);
    if (e)
        return e;
    pulse_allow(RESOLVE_MS);
    int gai = getaddrinfo(name.host, name.service, &hints, &list);
    if (gai)
        return say(why, ERR_NOT_FOUND, "tcp:%.80s: %.60s", name.host, gai_strerror(gai));
    for (struct addrinfo *a = list; a && error && clk_mono_ms() < deadline; a = a->ai_next)
        error = connect_one(a, deadline, &p->fd);
    freeaddrinfo(list);
    if (error)
        return say(why, error == ETIMEDOUT ? ERR_TIMEOUT : ERR_IO, "tcp:%.80s:%s: %.60s", name.host,
                   name.service, strerrordesc_np(error));
    tune_tcp(p->fd);
    return OK;
}

/* ---- */

enum err port_open(const char *path, uint32_t baud, int timeout_ms, struct port **out, char *why)
{
    enum err e;
    struct port *p = malloc(sizeof *p);
    if (why)
        *why = '\0';
    if (!p)
        return say(why, ERR_NO_MEMORY, "out of memory");
    *p = (struct port){.fd = -1, .lock = -1};
    if (strncmp(path, "tcp:", 4) == 0)
        e = open_tcp(p, path + 4, timeout_ms, why);
    else
        e = open_device(p, path, baud, why);
    if (e)
        port_close(p);
    else
        *out = p;
    return e;
}

int port_fd(const struct port *p)
{
    return p->fd;
}

void port_close(struct port *p)
{
    if (!p)
        return;
    if (p->serial)
        close_serial(p);
    else if (p->fd >= 0 && p->fd != p->lock)
        close(p->fd);
    if (p->lock >= 0)
        close(p->lock);
    free(p);
}
