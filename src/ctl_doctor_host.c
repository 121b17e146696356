/* ctl_doctor_host.c - the machine: state folder, disk, clock, udev rules. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "clock.h"
#include "ctl_doctor.h"

#define DISK_MIB_MIN 100
#define YEAR_2025_MS INT64_C(1735689600000)
#define YEAR_2100_MS INT64_C(4102444800000)

bool doctor_read_line(const char *path, char *out, size_t size)
{
    FILE *f = fopen(path, "re");
    char *line = f ? fgets(out, (int)size, f) : NULL;
    if (f)
        fclose(f);
    if (!line) {
        *out = '\0';
        return false;
    }
    out[strcspn(out, "\n")] = '\0';
    return true;
}

void doctor_state(struct doctor *d)
{
    struct stat st;
    char mend[CONFIG_TEXT_MAX + 64];
    const char *dir = d->state_dir;
    if (stat(dir, &st)) {
        bool hidden = errno == EACCES;
        doctor_say(d, DOCTOR_NOTE, "state", hidden ? "sudo smsbridge doctor" : NULL, "%s: %s", dir,
                   hidden ? "cannot be looked at by this user" : "not there; the daemon makes it");
        return;
    }
    snprintf(mend, sizeof mend, "sudo chmod 0750 %s", dir);
    if (!S_ISDIR(st.st_mode))
        doctor_say(d, DOCTOR_WRONG, "state", "set daemon.state_dir to a folder", "%s is no folder",
                   dir);
    else if (st.st_mode & 0027)
        doctor_say(d, DOCTOR_WRONG, "state", mend,
                   "%s (mode %04o) is open to others: it has messages and tokens", dir,
                   (unsigned)st.st_mode & 07777);
    else
        doctor_say(d, DOCTOR_FINE, "state", NULL, "%s", dir);
}

void doctor_disk(struct doctor *d)
{
    struct statvfs fs;
    const char *dir = access(d->state_dir, F_OK) == 0 ? d->state_dir : ".";
    if (statvfs(dir, &fs)) {
        doctor_say(d, DOCTOR_NOTE, "disk", NULL, "%s: %s", dir, strerrordesc_np(errno));
        return;
    }
    unsigned long long mib = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
    if (fs.f_flag & ST_RDONLY)
        doctor_say(d, DOCTOR_WRONG, "disk", "sudo mount -o remount,rw the file system of it",
                   "%s is read-only", dir);
    else if (mib < DISK_MIB_MIN)
        doctor_say(d, DOCTOR_WRONG, "disk", "sudo journalctl --vacuum-size=100M",
                   "%llu MiB are free in %s: nothing is accepted when it is full", mib, dir);
    else
        doctor_say(d, DOCTOR_FINE, "disk", NULL, "%llu MiB are free", mib);
}

/* adjtimex(2) with modes 0 only reads. */
void doctor_clock(struct doctor *d)
{
    struct timex t = {0};
    char now[CLK_TEXT_MAX];
    int64_t now_ms = clk_wall_ms();
    clk_format(now_ms, now);
    int state = adjtimex(&t);
    if (now_ms < YEAR_2025_MS || now_ms > YEAR_2100_MS)
        doctor_say(d, DOCTOR_WRONG, "clock", "sudo timedatectl set-ntp true",
                   "it is %s UTC, says the clock: certificates and validity will fail", now);
    else if (state < 0 || state == TIME_ERROR || t.status & STA_UNSYNC)
        doctor_say(d, DOCTOR_NOTE, "clock", "sudo timedatectl set-ntp true",
                   "%s UTC, not synchronised by NTP", now);
    else
        doctor_say(d, DOCTOR_FINE, "clock", NULL, "%s UTC, synchronised", now);
}

void doctor_rules(struct doctor *d)
{
    static const char *const places[] = {
        "/etc/udev/rules.d/70-smsbridge.rules", "/run/udev/rules.d/70-smsbridge.rules",
        "/usr/local/lib/udev/rules.d/70-smsbridge.rules",
        "/usr/lib/udev/rules.d/70-smsbridge.rules", "/lib/udev/rules.d/70-smsbridge.rules"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (access(places[i], F_OK) == 0) {
            doctor_say(d, DOCTOR_FINE, "udev", NULL, "%s", places[i]);
            return;
        }
    }
    if (access("/run/udev/control", F_OK) != 0 && access("/lib/udev/rules.d", F_OK) != 0) {
        doctor_say(d, DOCTOR_NOTE, "udev", NULL, "no udev on this machine");
        return;
    }
    doctor_say(d, DOCTOR_NOTE, "udev",
               "sudo make install && sudo udevadm control --reload && sudo udevadm trigger",
               "70-smsbridge.rules is not installed: ModemManager and brltty may take modems");
}
