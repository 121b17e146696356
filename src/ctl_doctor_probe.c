/* ctl_doctor_probe.c - without a daemon: does a modem answer at a port, and what does it say of itself.
 * Asks only; sends no command that sets, stores or unlocks anything.  Promises: the port's settings are put back;
 * nothing is opened that somebody else has, nor a port without USB behind it that no [modem] names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include "../modem/at.h"
#include "../modem/at_args.h"
#include "ctl_doctor.h"

#define ANSWER_MS 4500
#define QUICK_MS  5000

struct probe {
    struct doctor *d;
    const struct doctor_port *port;
    struct at *at;
    char topic[MODEM_PATH_MAX + 8];
};

static void unsolicited(void *ctx, const char *line, const char *pdu)
{
    (void)ctx;
    (void)line;
    (void)pdu;
}

/* ---- questions ---- */

/* The first line of the answer; false: refused or silent. */
static bool ask(struct probe *p, const char *prefix, const char *command, char *out, size_t size)
{
    struct at_reply reply;
    *out = '\0';
    enum err e = at_command(p->at, &reply, QUICK_MS, prefix, command);
    if (e == ERR_TIMEOUT)
        (void)!at_resync(p->at, ANSWER_MS);
    if (e || reply.final != AT_OK) {
        if (e == OK && reply.words[0])
            snprintf(out, size, "%s", reply.words);
        else if (e == OK && reply.code >= 0)
            snprintf(out, size, "error %d", reply.code);
        return false;
    }
    const char *line = at_reply_line(&reply, 0);
    snprintf(out, size, "%s", line ? line : "");
    return line != NULL;
}

static void identity(struct probe *p)
{
    char maker[64], model[64], imei[32];
    ask(p, AT_BARE, "AT+CGMI", maker, sizeof maker);
    ask(p, AT_BARE, "AT+CGMM", model, sizeof model);
    ask(p, AT_BARE, "AT+CGSN", imei, sizeof imei);
    doctor_say(p->d, DOCTOR_FINE, p->topic, NULL, "speaks AT: %s %s, IMEI %s", maker, model, imei);
}

static void pin(struct probe *p)
{
    char line[96], word[64] = "";
    struct at_args a;
    const struct config_modem *m = p->port->config;
    if (!ask(p, "+CPIN", "AT+CPIN?", line, sizeof line)) {
        doctor_say(p->d, DOCTOR_WRONG, p->topic,
                   "put a SIM in, contacts down, and plug the modem in again",
                   "no SIM, or it cannot be read (%s)", *line ? line : "no answer");
        return;
    }
    if (at_args_open(&a, line, "+CPIN") || at_string(&a, word, sizeof word))
        snprintf(word, sizeof word, "%.60s", line);
    if (strcmp(word, "READY") == 0)
        doctor_say(p->d, DOCTOR_FINE, p->topic, NULL, "the SIM is there, and needs no PIN now");
    else if (strcmp(word, "SIM PIN") == 0 && m && *m->modem.pin)
        doctor_say(p->d, DOCTOR_FINE, p->topic, NULL,
                   "the SIM wants its PIN; the configuration has one for the daemon to enter");
    else if (strcmp(word, "SIM PIN") == 0)
        doctor_say(p->d, DOCTOR_WRONG, p->topic, "set pin in its [modem] section",
                   "the SIM wants its PIN, and none is configured");
    else
        doctor_say(p->d, DOCTOR_WRONG, p->topic, "put the SIM into a phone and enter it there",
                   "the SIM wants %s", word);
}

/* 27.007 7.2 */
static void registration(struct probe *p)
{
    static const char *const words[] = {"not registered, and not searching",
                                        "registered",
                                        "searching",
                                        "denied by the network",
                                        "unknown",
                                        "registered, roaming",
                                        "registered for SMS only",
                                        "roaming, SMS only",
                                        "emergency calls only"};
    char line[96];
    struct at_args a;
    int n, stat = 4;
    if (!ask(p, "+CREG", "AT+CREG?", line, sizeof line) || at_args_open(&a, line, "+CREG") ||
        at_int(&a, &n, 0, 255) || at_int(&a, &stat, 0, 8)) {
        doctor_say(p->d, DOCTOR_NOTE, p->topic, NULL, "does not tell whether it is registered");
        return;
    }
    bool registered = stat == 1 || stat == 5 || stat == 6 || stat == 7;
    doctor_say(p->d, registered ? DOCTOR_FINE : DOCTOR_WRONG, p->topic,
               registered ? NULL : "try the SIM in a phone; look at the antenna", "%s",
               words[stat]);
}

static void signal_strength(struct probe *p)
{
    char line[96];
    struct at_args a;
    int rssi = 99;
    if (!ask(p, "+CSQ", "AT+CSQ", line, sizeof line) || at_args_open(&a, line, "+CSQ") ||
        at_int(&a, &rssi, 0, 199) || rssi > 31)
        doctor_say(p->d, DOCTOR_NOTE, p->topic, NULL, "signal unknown");
    else if (rssi < 5)
        doctor_say(p->d, DOCTOR_WRONG, p->topic, "move the antenna", "weak signal: %d dBm",
                   -113 + 2 * rssi);
    else
        doctor_say(p->d, DOCTOR_FINE, p->topic, NULL, "signal %d dBm", -113 + 2 * rssi);
}

static void smsc(struct probe *p)
{
    char line[96], number[64] = "";
    struct at_args a;
    if (ask(p, "+CSCA", "AT+CSCA?", line, sizeof line) && at_args_open(&a, line, "+CSCA") == OK &&
        at_string(&a, number, sizeof number) == OK && *number)
        doctor_say(p->d, DOCTOR_FINE, p->topic, NULL, "SMSC %s", number);
    else if (!p->port->config || !*p->port->config->modem.smsc)
        doctor_say(p->d, DOCTOR_WRONG, p->topic, "set smsc in its [modem] section",
                   "the SIM has no number of a service centre (%s)", *line ? line : "none");
}

static void storage(struct probe *p)
{
    char line[128], name[16];
    struct at_args a;
    int used, size;
    if (!ask(p, "+CPMS", "AT+CPMS?", line, sizeof line) || at_args_open(&a, line, "+CPMS"))
        return;
    while (at_string(&a, name, sizeof name) == OK && at_int(&a, &used, 0, 65535) == OK &&
           at_int(&a, &size, 0, 65535) == OK)
        if (!at_more(&a))
            doctor_say(p->d, size && used >= size ? DOCTOR_WRONG : DOCTOR_FINE, p->topic,
                       size && used >= size ? "start the daemon: it reads and deletes them" : NULL,
                       "storage %s: %d of %d", name, used, size);
}

static void question_all(struct probe *p)
{
    static void (*const questions[])(struct probe *) = {identity,        pin,  registration,
                                                        signal_strength, smsc, storage};
    for (size_t i = 0; i < sizeof questions / sizeof *questions && !at_poisoned(p->at); i++)
        questions[i](p);
}

/* ---- the port ---- */

static void set_raw(int fd, const struct termios *was)
{
    struct termios raw = *was;
    cfmakeraw(&raw);
    raw.c_cflag |= CLOCAL | CREAD;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    (void)!tcsetattr(fd, TCSANOW, &raw);
}

static void talk(struct probe *p, int fd)
{
    const struct at_handler handler = {.unsolicited = unsolicited};
    if (at_new(fd, -1, &handler, &p->at))
        return;
    if (at_resync(p->at, ANSWER_MS))
        doctor_say(p->d, *p->port->name ? DOCTOR_WRONG : DOCTOR_NOTE, p->topic,
                   *p->port->name ? "try another port of the modem: ls /dev/ttyUSB* /dev/ttyACM*"
                                  : NULL,
                   "nothing that speaks AT answers here");
    else
        question_all(p);
    at_free(p->at);
}

static void probe(struct doctor *d, const struct doctor_port *port)
{
    struct termios was;
    struct probe p = {.d = d, .port = port};
    snprintf(p.topic, sizeof p.topic, "port %s", port->path);
    int fd = open(port->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        if (errno != EACCES) /* that was told */
            doctor_say(d, DOCTOR_WRONG, p.topic, "sudo smsbridge doctor", "cannot be opened: %s",
                       strerrordesc_np(errno));
        return;
    }
    if (flock(fd, LOCK_EX | LOCK_NB))
        doctor_say(d, DOCTOR_WRONG, p.topic, "sudo fuser -v the port, and end what has it",
                   "locked by another program");
    else if (tcgetattr(fd, &was) == 0) {
        set_raw(fd, &was);
        talk(&p, fd);
        (void)!tcsetattr(fd, TCSANOW, &was);
    }
    close(fd);
}

void doctor_probes(struct doctor *d)
{
    for (size_t i = 0; i < d->ports; i++) {
        const struct doctor_port *p = &d->port[i];
        if (p->there && !p->held && !d->daemon && (p->usb || *p->name))
            probe(d, p);
    }
}
