/* port_test.c - opening ptys, connections and, with ioctl() answering for the modem lines that a pty lacks,
 * libserialport's way too. */
#include "../../modem/port.c"

#include <grp.h>
#include <pty.h>
#include <setjmp.h>
#include <stddef.h>
#include <sys/wait.h>

#include <cmocka.h>

/* The same as tests/e2e/preload_tiocmget.c, switched on where a test wants it: the executable's own ioctl() comes
 * before libc's, for libserialport too. */
static bool modem_lines;

int preloaded_ioctl(int fd, unsigned long request, ...);
#define ioctl preloaded_ioctl
#include "../e2e/preload_tiocmget.c"
#undef ioctl

int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *argument = va_arg(args, void *);
    va_end(args);
    return modem_lines ? preloaded_ioctl(fd, request, argument)
                       : real_ioctl()(fd, request, argument);
}

#define CONNECT_MS 2000

struct pty {
    int master;
    char name[64];
    char link[64];   /* a symlink to it, as udev makes them */
    char magic[128]; /* a name that libserialport takes for one of /sys/class/tty */
    char dir[32];
};

static void pty_open(struct pty *p)
{
    int slave;
    *p = (struct pty){.dir = "/tmp/port_test.XXXXXX"};
    assert_int_equal(openpty(&p->master, &slave, p->name, NULL, NULL), 0);
    close(slave);
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->link, sizeof p->link, "%s/modem0", p->dir);
    snprintf(p->magic, sizeof p->magic, "/dev/../../..%s", p->link);
    assert_int_equal(symlink(p->name, p->link), 0);
}

static void pty_close(struct pty *p)
{
    close(p->master);
    unlink(p->link);
    rmdir(p->dir);
}

static void expect_bytes(int fd, const char *bytes)
{
    char got[64];
    size_t want = strlen(bytes), n = 0;
    while (n < want) {
        struct pollfd p = {fd, POLLIN, 0};
        assert_int_equal(poll(&p, 1, CONNECT_MS), 1);
        ssize_t r = read(fd, got + n, sizeof got - n);
        assert_true(r > 0);
        n += (size_t)r;
    }
    assert_int_equal(n, want);
    assert_memory_equal(got, bytes, n);
}

/* What the AT engine needs: raw both ways, EAGAIN for silence, close-on-exec, and a hang-up that shows. */
static void expect_usable(int fd, int far)
{
    static const char bytes[] = "AT\r\n\x03\x11\x13\x1a\xff\x7f";
    char c;
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(read(fd, &c, 1), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(write(fd, bytes, sizeof bytes - 1), sizeof bytes - 1);
    expect_bytes(far, bytes);
    assert_int_equal(write(far, bytes, sizeof bytes - 1), sizeof bytes - 1);
    expect_bytes(fd, bytes);
    assert_int_equal(read(fd, &c, 1), -1); /* no echo, nothing left */
}

static void test_pty(void **state)
{
    char why[WHY_SIZE];
    struct port *port;
    struct pty pty;
    (void)state;
    pty_open(&pty);
    const char *const names[] = {pty.name, pty.link, pty.magic};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(port_open(names[i], 115200, CONNECT_MS, &port, why), OK);
        assert_string_equal(why, "");
        assert_null(port->serial);
        expect_usable(port_fd(port), pty.master);
        port_close(port);
    }
    pty_close(&pty);
}

static void test_through_libserialport(void **state)
{
    static const uint32_t bauds[] = {9600, 115200, 460800, 250000};
    char why[WHY_SIZE];
    struct termios t;
    struct port *port;
    struct pty pty;
    (void)state;
    modem_lines = true;
    for (size_t i = 0; i < sizeof bauds / sizeof *bauds; i++) {
        pty_open(&pty);
        assert_int_equal(port_open(pty.magic, bauds[i], CONNECT_MS, &port, why), OK);
        assert_non_null(port->serial);
        expect_usable(port_fd(port), pty.master);
        assert_int_equal(tcgetattr(port_fd(port), &t), 0);
        assert_int_equal(t.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS), CS8);
        assert_int_equal(t.c_cflag & (CLOCAL | CREAD), CLOCAL | CREAD);
        assert_int_equal(t.c_iflag & (IXON | IXOFF), 0);
        if (bauds[i] == 9600)
            assert_int_equal(cfgetospeed(&t), B9600);
        /* A name that only its links make a device's goes the plain way, still. */
        struct port *second;
        assert_int_equal(port_open(pty.link, 9600, CONNECT_MS, &second, why), ERR_BUSY);
        port_close(port);
        pty_close(&pty);
    }
    modem_lines = false;
}

static void test_hang_up_shows(void **state)
{
    struct port *port;
    struct pty pty;
    char c;
    (void)state;
    for (int serial = 0; serial < 2; serial++) {
        modem_lines = serial;
        pty_open(&pty);
        assert_int_equal(port_open(pty.magic, 9600, CONNECT_MS, &port, NULL), OK);
        assert_int_equal(port->serial != NULL, serial);
        pty_close(&pty);
        struct pollfd p = {port_fd(port), POLLIN, 0};
        assert_int_equal(poll(&p, 1, CONNECT_MS), 1);
        ssize_t n = read(port_fd(port), &c, 1);
        assert_true(n == 0 || (n < 0 && errno != EAGAIN));
        port_close(port);
    }
    modem_lines = false;
}

/* Two [modem] sections on one pty; and another program, by its pid. */
static void test_locked(void **state)
{
    char why[WHY_SIZE], pid_text[32];
    struct port *first, *second = NULL;
    struct pty pty;
    int ready[2];
    char c;
    (void)state;
    pty_open(&pty);
    assert_int_equal(port_open(pty.name, 9600, CONNECT_MS, &first, why), OK);
    assert_int_equal(port_open(pty.link, 9600, CONNECT_MS, &second, why), ERR_BUSY);
    assert_null(second);
    assert_non_null(strstr(why, "in use already"));
    port_close(first);

    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        if (port_open(pty.name, 9600, CONNECT_MS, &first, NULL) == OK &&
            write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    close(pty.master); /* the child has its copy: it holds the other end open */
    assert_int_equal(port_open(pty.link, 9600, CONNECT_MS, &second, why), ERR_BUSY);
    snprintf(pid_text, sizeof pid_text, "(pid %d)", (int)child);
    assert_non_null(strstr(why, "in use by port_test "));
    assert_non_null(strstr(why, pid_text));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    pty_close(&pty);
    close(ready[0]);
    close(ready[1]);
}

/* A killed process leaves no lock behind, and neither does a closed port. */
static void test_lock_ends_with_its_holder(void **state)
{
    struct port *port;
    struct pty pty;
    (void)state;
    modem_lines = true;
    pty_open(&pty);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(port_open(i == 1 ? pty.magic : pty.name, 9600, CONNECT_MS, &port, NULL),
                         OK);
        port_close(port);
    }
    pty_close(&pty);
    modem_lines = false;
}

static void test_no_device(void **state)
{
    static const struct {
        const char *path;
        enum err e;
        const char *why;
    } rows[] = {
        {"/dev/ttyUSB977", ERR_NOT_FOUND, "/dev/ttyUSB977: no such device"},
        {"/dev/pts/97777", ERR_NOT_FOUND, "/dev/pts/97777: no such device"},
        {"", ERR_NOT_FOUND, ": no such device"},
        {"/dev/null/x", ERR_NOT_FOUND, "/dev/null/x: no such device"},
        {"/dev/null", ERR_IO, "/dev/null is not a serial port"},
        {"/etc/hostname", ERR_IO, "/etc/hostname is not a serial port"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char why[WHY_SIZE] = "";
        struct port *port = NULL;
        assert_int_equal(port_open(rows[i].path, 9600, CONNECT_MS, &port, why), rows[i].e);
        assert_null(port);
        assert_string_equal(why, rows[i].why);
        assert_int_equal(port_open(rows[i].path, 9600, CONNECT_MS, &port, NULL), rows[i].e);
    }
}

/* As another user, for root is refused nothing. */
static void test_permissions(void **state)
{
    struct pty pty;
    int status;
    (void)state;
    if (geteuid() != 0)
        skip();
    pty_open(&pty);
    assert_int_equal(chmod(pty.dir, 0755), 0);
    assert_int_equal(chmod(pty.name, 0600), 0);
    pid_t child = fork();
    if (child == 0) {
        char why[WHY_SIZE] = "";
        struct port *port;
        if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0)
            _exit(3);
        enum err e = port_open(pty.link, 9600, CONNECT_MS, &port, why);
        _exit(e == ERR_DENIED && strstr(why, "group dialout") ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    pty_close(&pty);
}

/* ---- tcp ---- */

static int listen_on(const char *host, char *path, size_t size)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICHOST},
                    *a;
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    char service[8];
    if (getaddrinfo(host, "0", &hints, &a) != 0)
        return -1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1) == 0 &&
              getsockname(fd, (struct sockaddr *)&bound, &len) == 0;
    freeaddrinfo(a);
    if (!ok)
        return -1;
    assert_int_equal(getnameinfo((struct sockaddr *)&bound, len, NULL, 0, service, sizeof service,
                                 NI_NUMERICSERV),
                     0);
    snprintf(path, size, strchr(host, ':') ? "tcp:[%s]:%s" : "tcp:%s:%s", host, service);
    return fd;
}

static void check_tcp(const char *host, const char *dialled)
{
    char path[80], why[WHY_SIZE], c;
    struct port *port;
    int listener = listen_on(host, path, sizeof path);
    if (listener < 0)
        return; /* no IPv6 on this machine */
    if (dialled) {
        char service[8];
        snprintf(service, sizeof service, "%s", strrchr(path, ':') + 1);
        snprintf(path, sizeof path, "tcp:%s:%s", dialled, service);
    }
    assert_int_equal(port_open(path, 0, CONNECT_MS, &port, why), OK);
    int far = accept(listener, NULL, NULL);
    assert_true(far >= 0);
    expect_usable(port_fd(port), far);
    close(far);
    struct pollfd p = {port_fd(port), POLLIN, 0};
    assert_int_equal(poll(&p, 1, CONNECT_MS), 1);
    assert_int_equal(read(port_fd(port), &c, 1), 0);
    port_close(port);
    close(listener);
    assert_int_equal(port_open(path, 0, CONNECT_MS, &port, why), ERR_IO);
    assert_non_null(strstr(why, "Connection refused"));
}

static void test_tcp(void **state)
{
    (void)state;
    check_tcp("127.0.0.1", NULL);
    check_tcp("127.0.0.1", "localhost");
    check_tcp("::1", NULL);
}

static void test_tcp_names(void **state)
{
    static const struct {
        const char *text;
        enum err e;
        const char *host, *service;
    } rows[] = {
        {"10.0.0.9:2000", OK, "10.0.0.9", "2000"},
        {"modems.example:65535", OK, "modems.example", "65535"},
        {"[::1]:7", OK, "::1", "7"},
        {"[fe80::1%eth0]:7", OK, "fe80::1%eth0", "7"},
        {"::1:7", ERR_SYNTAX, NULL, NULL},
        {"host", ERR_SYNTAX, NULL, NULL},
        {"host:", ERR_SYNTAX, NULL, NULL},
        {":7", ERR_SYNTAX, NULL, NULL},
        {"[]:7", ERR_SYNTAX, NULL, NULL},
        {"host:0", ERR_SYNTAX, NULL, NULL},
        {"host:65536", ERR_SYNTAX, NULL, NULL},
        {"host:2x", ERR_SYNTAX, NULL, NULL},
        {"", ERR_SYNTAX, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char why[WHY_SIZE] = "";
        struct tcp_name name;
        assert_int_equal(parse_tcp(rows[i].text, &name, why), rows[i].e);
        if (rows[i].e) {
            assert_non_null(strstr(why, "port"));
            continue;
        }
        assert_string_equal(name.host, rows[i].host);
        assert_string_equal(name.service, rows[i].service);
    }
}

/* A listener whose queue is full answers nothing to one more: the connect waits, and gives up in time. */
static void test_tcp_timeout(void **state)
{
    char path[80], why[WHY_SIZE];
    struct port *port, *queued[8] = {NULL};
    enum err e = OK;
    int64_t took = 0;
    int listener = listen_on("127.0.0.1", path, sizeof path);
    (void)state;
    assert_true(listener >= 0);
    for (size_t i = 0; i < 8 && e == OK; i++) {
        int64_t start = clk_mono_ms();
        e = port_open(path, 0, 200, &port, why);
        took = clk_mono_ms() - start;
        queued[i] = e == OK ? port : NULL;
    }
    assert_int_equal(e, ERR_TIMEOUT);
    assert_in_range(took, 190, CONNECT_MS);
    assert_non_null(strstr(why, "timed out"));
    for (size_t i = 0; i < 8; i++)
        port_close(queued[i]);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pty),
        cmocka_unit_test(test_through_libserialport),
        cmocka_unit_test(test_hang_up_shows),
        cmocka_unit_test(test_locked),
        cmocka_unit_test(test_lock_ends_with_its_holder),
        cmocka_unit_test(test_no_device),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_tcp_names),
        cmocka_unit_test(test_tcp_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
