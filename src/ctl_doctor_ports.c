/* ctl_doctor_ports.c - every serial port: what it is, who may use it, who has it.
 * Reads /sys, /dev and /proc only; opens no port. */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ctl_doctor.h"
#include "text.h"

#define SYS_TTY      "/sys/class/tty"
#define SERVICE_USER "smsbridge"
#define GROUPS_MAX   128

/* ---- which there are ---- */

static bool read_attribute(const char *dir, const char *name, char *out, size_t size)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return doctor_read_line(path, out, size);
}

static unsigned read_hex(const char *dir, const char *name)
{
    char text[16];
    return read_attribute(dir, name, text, sizeof text) ? (unsigned)strtoul(text, NULL, 16) : 0;
}

/* From the port's device upwards: first the interface, then the device that has the numbers. */
static void read_usb(const char *device, struct doctor_port *p)
{
    char dir[PATH_MAX], text[16];
    if (!realpath(device, dir))
        return;
    for (char *slash; strncmp(dir, "/sys/devices/", 13) == 0 && (slash = strrchr(dir, '/'));
         *slash = '\0') {
        if (p->interface < 0 && read_attribute(dir, "bInterfaceNumber", text, sizeof text))
            p->interface = (int)strtol(text, NULL, 16);
        if (!read_attribute(dir, "idVendor", text, sizeof text))
            continue;
        p->usb = true;
        p->vid = read_hex(dir, "idVendor");
        p->pid = read_hex(dir, "idProduct");
        if (!read_attribute(dir, "serial", p->serial, sizeof p->serial))
            p->serial[0] = '\0';
        return;
    }
}

static struct doctor_port *add(struct doctor *d, const char *path)
{
    if (d->ports == DOCTOR_PORTS_MAX)
        return NULL;
    struct doctor_port *p = &d->port[d->ports];
    struct stat st;
    *p = (struct doctor_port){.interface = -1};
    if (text_copy(p->path, sizeof p->path, path))
        return NULL;
    d->ports++;
    p->there = stat(path, &st) == 0;
    p->device = p->there ? st.st_rdev : 0;
    return p;
}

/* A platform's UART of type 0 is a place on the board without a chip. */
static void add_tty(struct doctor *d, const char *name)
{
    char path[sizeof SYS_TTY + 300], dev[280], type[16];
    snprintf(path, sizeof path, SYS_TTY "/%s", name);
    if (read_attribute(path, "type", type, sizeof type) && strcmp(type, "0") == 0)
        return;
    snprintf(path, sizeof path, SYS_TTY "/%s/device", name);
    snprintf(dev, sizeof dev, "/dev/%s", name);
    struct doctor_port *p = access(path, F_OK) == 0 ? add(d, dev) : NULL;
    if (p)
        read_usb(path, p);
}

static void add_ttys(struct doctor *d)
{
    DIR *dir = opendir(SYS_TTY);
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.')
            add_tty(d, e->d_name);
    closedir(dir);
}

static struct doctor_port *find(struct doctor *d, const char *path)
{
    struct stat st;
    if (stat(path, &st) || !S_ISCHR(st.st_mode))
        return NULL;
    for (size_t i = 0; i < d->ports; i++)
        if (d->port[i].there && d->port[i].device == st.st_rdev)
            return &d->port[i];
    return NULL;
}

static void add_configured(struct doctor *d)
{
    for (unsigned i = 0; d->config && i < d->config->modems; i++) {
        const struct config_modem *m = &d->config->modem[i];
        const char *path = m->modem.port;
        struct doctor_port *p = *path ? find(d, path) : NULL;
        if (*path && !p)
            p = add(d, path);
        if (!p)
            continue;
        p->config = m;
        memcpy(p->name, m->modem.name, sizeof p->name);
    }
}

/* ---- who has it ---- */

#define PTY_MAJOR   136 /* Documentation/admin-guide/devices.txt */
#define PTMX_DEVICE makedev(5, 2)

/* Is this descriptor the far side of that pty?  Then the process is no holder but the modem. */
static bool is_far_side(const char *pid, const char *fd, const struct stat *st, dev_t device)
{
    char path[320], line[64];
    int64_t index = -1;
    if (major(device) != PTY_MAJOR || st->st_rdev != PTMX_DEVICE)
        return false;
    snprintf(path, sizeof path, "/proc/%.20s/fdinfo/%.20s", pid, fd);
    FILE *f = fopen(path, "re");
    while (f && index < 0 && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        if (text_starts_nocase(line, "tty-index:") &&
            text_int(line + 10 + strspn(line + 10, " \t"), 0, INT32_MAX, &index))
            index = -1;
    }
    if (f)
        fclose(f);
    return index == (int64_t)minor(device);
}

static bool has_open(const char *pid, dev_t device)
{
    char path[300];
    struct stat st;
    bool found = false, far = false;
    snprintf(path, sizeof path, "/proc/%.20s/fd", pid);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && !far && (e = readdir(dir));) {
        if (fstatat(dirfd(dir), e->d_name, &st, 0) || !S_ISCHR(st.st_mode))
            continue;
        found = found || st.st_rdev == device;
        far = is_far_side(pid, e->d_name, &st, device);
    }
    if (dir)
        closedir(dir);
    return found && !far;
}

void doctor_holders(dev_t device, char *out, size_t size)
{
    DIR *dir = opendir("/proc");
    size_t n = 0;
    *out = '\0';
    for (struct dirent *e; dir && (e = readdir(dir)) && n < size - 1;) {
        char path[64], name[32];
        int64_t pid;
        if (text_int(e->d_name, 1, INT32_MAX, &pid) || pid == getpid() ||
            !has_open(e->d_name, device))
            continue;
        snprintf(path, sizeof path, "/proc/%.20s/comm", e->d_name);
        if (!doctor_read_line(path, name, sizeof name))
            snprintf(name, sizeof name, "a process");
        int len =
            snprintf(out + n, size - n, "%s%s (pid %lld)", n ? ", " : "", name, (long long)pid);
        n = len < 0 || (size_t)len >= size - n ? size - 1 : n + (size_t)len;
    }
    if (dir)
        closedir(dir);
}

static const struct {
    const char *name, *mend, *tail; /* tail not NULL: the port's name goes between */
} known_holders[] = {
    {"ModemManager", "sudo systemctl disable --now ModemManager", NULL},
    {"brltty", "sudo systemctl disable --now brltty; sudo systemctl mask brltty-udev.service",
     NULL},
    {"pppd", "sudo poff -a", NULL},
    {"wvdial", "sudo killall wvdial", NULL},
    {"gammu-smsd", "sudo systemctl disable --now gammu-smsd", NULL},
    {"smsd", "sudo systemctl disable --now smstools", NULL},
    {"getty", "sudo systemctl disable --now serial-getty@", ".service"},
};

static const char *tty_name(const struct doctor_port *p)
{
    const char *slash = strrchr(p->path, '/');
    return slash ? slash + 1 : p->path;
}

/* The command that frees the port of that holder. */
static void how_to_free(const char *holders, const struct doctor_port *p, char *out, size_t size)
{
    for (size_t i = 0; i < sizeof known_holders / sizeof *known_holders; i++) {
        const char *tail = known_holders[i].tail;
        if (!strstr(holders, known_holders[i].name))
            continue;
        snprintf(out, size, "%s%.64s%s", known_holders[i].mend, tail ? tty_name(p) : "",
                 tail ? tail : "");
        return;
    }
    const char *pid = strstr(holders, "(pid ");
    snprintf(out, size, "end that program: sudo kill %.*s",
             pid ? (int)strspn(pid + 5, "0123456789") : 0, pid ? pid + 5 : "");
}

/* UUCP's way; a file of a process that is gone locks nobody out who looks. */
static void say_lock_file(struct doctor *d, const struct doctor_port *p, const char *topic)
{
    char path[PATH_MAX], line[32], mend[PATH_MAX + 16];
    int64_t pid;
    snprintf(path, sizeof path, "/run/lock/LCK..%.64s", tty_name(p));
    if (!doctor_read_line(path, line, sizeof line))
        return;
    bool alive = text_int(line + strspn(line, " "), 1, INT32_MAX, &pid) == OK &&
                 snprintf(mend, sizeof mend, "/proc/%lld", (long long)pid) > 0 &&
                 access(mend, F_OK) == 0;
    snprintf(mend, sizeof mend, "sudo rm %s", path);
    if (alive)
        doctor_say(d, DOCTOR_WRONG, topic, "end that program", "locked by process %s (%s)",
                   line + strspn(line, " "), path);
    else
        doctor_say(d, DOCTOR_NOTE, topic, mend, "a lock file of a program that is gone: %s", path);
}

/* ---- who may ---- */

static bool in_group(const char *user, gid_t gid, gid_t wanted)
{
    gid_t groups[GROUPS_MAX];
    int n = GROUPS_MAX;
    bool found = gid == wanted;
    if (getgrouplist(user, gid, groups, &n) < 0)
        n = GROUPS_MAX;
    for (int i = 0; i < n && !found; i++)
        found = groups[i] == wanted;
    return found;
}

/* Of whoever asks, or of the service when root asks. */
static void say_rights(struct doctor *d, const struct doctor_port *p, const char *topic)
{
    struct stat st;
    const struct passwd *user = geteuid() ? getpwuid(geteuid()) : getpwnam(SERVICE_USER);
    if (!user || stat(p->path, &st))
        return;
    const struct group *group = getgrgid(st.st_gid);
    bool may = st.st_uid == user->pw_uid || user->pw_uid == 0 || (st.st_mode & 0006) == 0006 ||
               ((st.st_mode & 0060) == 0060 && in_group(user->pw_name, user->pw_gid, st.st_gid));
    char mend[160];
    snprintf(mend, sizeof mend,
             "sudo usermod -aG %.32s %.32s, then log in again (or restart the service)",
             group ? group->gr_name : "dialout", user->pw_name);
    if (!may)
        doctor_say(d, DOCTOR_WRONG, topic, mend, "%s is not in group %s, which may use the port",
                   user->pw_name, group ? group->gr_name : "of the port");
    else if (geteuid() && access(p->path, R_OK | W_OK))
        doctor_say(d, DOCTOR_WRONG, topic, "log in again",
                   "the group is not that of this session yet");
}

/* ---- what it is ---- */

/* Chips that sit in cables and Arduinos as well: taken for a modem only where somebody says so. */
static const struct {
    unsigned vid, pid;
    const char *name;
} bridges[] = {
    {0x0403, 0, "FTDI"}, {0x10C4, 0xEA60, "CP210x"}, {0x1A86, 0, "CH341"}, {0x067B, 0, "PL2303"}};

static const char *bridge_name(const struct doctor_port *p)
{
    for (size_t i = 0; p->usb && i < sizeof bridges / sizeof *bridges; i++)
        if (p->vid == bridges[i].vid && (!bridges[i].pid || p->pid == bridges[i].pid))
            return bridges[i].name;
    return NULL;
}

static void say_bridge(struct doctor *d, const struct doctor_port *p, const char *topic,
                       const char *chip)
{
    char mend[DOCTOR_TEXT_MAX], serial[128] = "";
    if (p->serial[0] && !strpbrk(p->serial, "\"'\\"))
        snprintf(serial, sizeof serial, ", ATTRS{serial}==\"%.63s\"", p->serial);
    snprintf(
        mend, sizeof mend,
        "if a modem is behind it: echo 'ATTRS{idVendor}==\"%04x\", ATTRS{idProduct}==\"%04x\"%s, "
        "ENV{ID_SMSBRIDGE}=\"1\"'"
        " | sudo tee -a /etc/udev/rules.d/69-smsbridge-local.rules && sudo udevadm control --reload"
        " && sudo udevadm trigger",
        p->vid, p->pid, serial);
    doctor_say(d, DOCTOR_NOTE, topic, mend,
               "a %s bridge (%04x:%04x), which many devices have: no rule of ours touches it", chip,
               p->vid, p->pid);
}

static void say_kind(struct doctor *d, const struct doctor_port *p, const char *topic)
{
    char usb[64] = "", of[64] = "";
    const char *chip = bridge_name(p);
    if (p->usb && p->interface >= 0)
        snprintf(usb, sizeof usb, ", USB %04x:%04x interface %d", p->vid, p->pid, p->interface);
    else if (p->usb)
        snprintf(usb, sizeof usb, ", USB %04x:%04x", p->vid, p->pid);
    if (*p->name)
        snprintf(of, sizeof of, ", of [modem %.31s]", p->name);
    doctor_say(d, DOCTOR_FINE, topic, NULL, "there%s%s", usb, of);
    if (chip && !*p->name)
        say_bridge(d, p, topic, chip);
}

static void examine(struct doctor *d, struct doctor_port *p)
{
    char topic[MODEM_PATH_MAX + 8], holders[256], mend[256];
    snprintf(topic, sizeof topic, "port %s", p->path);
    if (strncmp(p->path, "tcp:", 4) == 0) {
        doctor_say(d, DOCTOR_NOTE, topic, NULL, "over the network: looked at by the daemon only");
        return;
    }
    if (!p->there) {
        doctor_say(d, DOCTOR_WRONG, topic, "plug it in; ls -l /dev/serial/by-id shows what is",
                   "not there; [modem %s] names it", p->name);
        return;
    }
    say_kind(d, p, topic);
    say_rights(d, p, topic);
    doctor_holders(p->device, holders, sizeof holders);
    p->held = *holders != '\0';
    if (!*holders)
        say_lock_file(d, p, topic);
    else if (strstr(holders, "smsbridged"))
        doctor_say(d, DOCTOR_FINE, topic, NULL, "in use by %s", holders);
    else {
        how_to_free(holders, p, mend, sizeof mend);
        doctor_say(d, *p->name || p->usb ? DOCTOR_WRONG : DOCTOR_NOTE, topic, mend, "held by %s",
                   holders);
    }
}

void doctor_ports(struct doctor *d)
{
    add_ttys(d);
    add_configured(d);
    for (size_t i = 0; i < d->ports; i++)
        examine(d, &d->port[i]);
    if (d->ports == 0)
        doctor_say(d, DOCTOR_WRONG, "ports",
                   "plug a modem in; dmesg | tail shows whether it is seen",
                   "this machine has no serial port");
    if (geteuid())
        doctor_say(d, DOCTOR_NOTE, "ports", "sudo smsbridge doctor",
                   "processes of other users cannot be seen: a port may be held all the same");
}
