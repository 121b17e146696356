/* modemsim: simulated modems on ptys, on one simulated network.
   Refuses to know what any part does: options, start, stop.
   Promises "ready" on standard output once the links are usable, and no links left after SIGTERM. */
#include "control.h"
#include "event.h"
#include "simmodem.h"
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODEMS_MAX = 1000 };

static struct {
    const char *control, *run;
    long modems, keep, seed;
    const struct profile *profile[MODEMS_MAX];
    int profiles;
    const char *pin;
} arg = {.modems = 1, .keep = 200000, .seed = 1};

static volatile bool stopping;

enum kind { T_TEXT, T_LONG, T_INT, T_UNSIGNED, T_MS, T_ON, T_CALL };

static void instant(const char *value)
{
    (void)value;
    modem_options.submit_delay_us = modem_options.prompt_delay_us = 0;
    modem_options.register_delay_us = modem_options.ussd_delay_us = 0;
    net_options.report_delay_us = 0;
}

static void add_profile(const char *name)
{
    const struct profile *p = profile_named(name);
    if (!p) {
        fprintf(stderr, "modemsim: no such profile: %s\n", name);
        exit(2);
    }
    if (arg.profiles < MODEMS_MAX)
        arg.profile[arg.profiles++] = p;
}

static void help(const char *value);

static void list_profiles(const char *value)
{
    (void)value;
    profile_list();
    exit(0);
}

static const struct option {
    const char *name;
    enum kind kind;
    void *where;
    void (*call)(const char *value);
    const char *what;
} options[] = {
    {"--modems", T_LONG, &arg.modems, NULL, "N: how many (1)"},
    {"--link-dir", T_TEXT, &modem_options.link_dir, NULL,
     "DIR: where modem0, modem1, ... appear (.)"},
    {"--control", T_TEXT, &arg.control, NULL, "PATH: control socket"},
    {"--do", T_TEXT, &arg.run, NULL,
     "CMD: send CMD to a running modemsim's --control, print its answer"},
    {"--instant", T_CALL, NULL, instant, "no delay anywhere"},
    {"--submit-delay", T_MS, &modem_options.submit_delay_us, NULL, "MS: Ctrl-Z to +CMGS (300)"},
    {"--report-delay", T_MS, &net_options.report_delay_us, NULL, "MS: +CMGS to the report (500)"},
    {"--prompt-delay", T_MS, &modem_options.prompt_delay_us, NULL,
     "MS: AT+CMGS= to the prompt (the profile's)"},
    {"--register-delay", T_MS, &modem_options.register_delay_us, NULL,
     "MS: searching for so long (0)"},
    {"--boot-delay", T_MS, &modem_options.boot_delay_us, NULL,
     "MS: deaf after a restart (the profile's, or 500)"},
    {"--hurry", T_INT, &modem_options.hurry, NULL, "N: divides all times of the profiles (1)"},
    {"--cold", T_ON, &modem_options.cold, NULL,
     "they were just switched on: deaf as after a restart"},
    {"--ussd-delay", T_MS, &modem_options.ussd_delay_us, NULL, "MS: until +CUSD: (200)"},
    {"--ack-timeout", T_MS, &modem_options.ack_timeout_us, NULL, "MS: for +CNMA (12000)"},
    {"--retry", T_MS, &net_options.retry_us, NULL,
     "MS: the network tries again to hand over (5000)"},
    {"--hold", T_MS, &net_options.hold_us, NULL, "MS: settled SMS known to TP-RD for so long (0)"},
    {"--keep-mr", T_ON, &net_options.keep_mr, NULL,
     "the PDU's TP-MR is kept, not counted by the modem"},
    {"--lossy-ds0", T_ON, &modem_options.drop_unrouted_reports, NULL,
     "reports without a route are lost, not kept by the network"},
    {"--zone", T_INT, &net_options.zone_quarters, NULL, "QUARTERS: time zone of the network (36)"},
    {"--sm", T_UNSIGNED, &modem_options.sm_size, NULL, "N: size of SM (30)"},
    {"--me", T_UNSIGNED, &modem_options.me_size, NULL, "N: size of ME (50)"},
    {"--sr", T_UNSIGNED, &modem_options.sr_size, NULL, "N: size of SR (20)"},
    {"--pin", T_TEXT, &arg.pin, NULL, "PIN: every SIM asks for it"},
    {"--profile", T_CALL, NULL, add_profile, "NAME: dialect of the next modem; the last repeats"},
    {"--ports", T_ON, &modem_options.all_ports, NULL,
     "every interface of the profile, as modem0.0, modem0.1, ..."},
    {"--tcp", T_INT, &modem_options.tcp_port, NULL,
     "PORT: modem0 also there, modem1 on the next, ..."},
    {"--keep", T_LONG, &arg.keep, NULL, "N: messages kept (200000), and 5 N events"},
    {"--seed", T_LONG, &arg.seed, NULL, "N: for the first TP-MR (1)"},
    {"--trace", T_ON, &modem_options.trace, NULL, "every octet to standard error"},
    {"--list-profiles", T_CALL, NULL, list_profiles,
     "what --profile takes, and where it was learned"},
    {"--help", T_CALL, NULL, help, "this"},
};
enum { OPTIONS = sizeof options / sizeof *options };

static void help(const char *value)
{
    (void)value;
    puts("modemsim: simulated GSM modems on ptys.  See docs/modemsim.md.");
    for (int i = 0; i < OPTIONS; i++)
        printf("  %-17s %s\n", options[i].name, options[i].what);
    exit(0);
}

static long number(const struct option *o, const char *value)
{
    char *end;
    errno = 0;
    long n = strtol(value, &end, 10);
    if (errno || *end || end == value || (n < 0 && o->kind != T_INT) || n > 1000000000) {
        fprintf(stderr, "modemsim: %s wants a number, not %s\n", o->name, value);
        exit(2);
    }
    return n;
}

static void set_option(const struct option *o, const char *value)
{
    switch (o->kind) {
    case T_TEXT:
        *(const char **)o->where = value;
        break;
    case T_LONG:
        *(long *)o->where = number(o, value);
        break;
    case T_INT:
        *(int *)o->where = (int)number(o, value);
        break;
    case T_UNSIGNED:
        *(unsigned *)o->where = (unsigned)number(o, value);
        break;
    case T_MS:
        *(int64_t *)o->where = (int64_t)number(o, value) * 1000;
        break;
    case T_ON:
        *(bool *)o->where = true;
        break;
    case T_CALL:
        o->call(value);
        break;
    }
}

static void parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const struct option *o = options;
        while (o < options + OPTIONS && strcmp(o->name, argv[i]) != 0)
            o++;
        bool bare = o < options + OPTIONS && (o->kind == T_ON || o->call == instant ||
                                              o->call == help || o->call == list_profiles);
        if (o == options + OPTIONS || (!bare && i + 1 == argc)) {
            fprintf(stderr, "modemsim: %s? (--help lists the options)\n", argv[i]);
            exit(2);
        }
        set_option(o, bare ? "" : argv[++i]);
    }
    if (modem_options.hurry < 1)
        modem_options.hurry = 1;
    if (arg.modems < 1 || arg.modems > MODEMS_MAX) {
        fprintf(stderr, "modemsim: 1 to %d modems\n", MODEMS_MAX);
        exit(2);
    }
}

static void more_descriptors(void)
{
    struct rlimit most;
    if (getrlimit(RLIMIT_NOFILE, &most))
        return;
    most.rlim_cur = most.rlim_max;
    setrlimit(RLIMIT_NOFILE, &most);
}

static void on_signal(void *fd, uint32_t events)
{
    (void)fd, (void)events;
    stopping = true;
}

static bool watch_signals(struct watch *w)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd >= 0 && !loop_watch(w, fd, EPOLLIN, on_signal, NULL);
}

static bool start_modem(int i)
{
    static const struct profile *usual = profiles;
    const struct profile *p = i < arg.profiles   ? arg.profile[i]
                              : arg.profiles > 0 ? arg.profile[arg.profiles - 1]
                                                 : usual;
    struct modem *m = &modems[i];
    modem_count = i + 1;
    if (!modem_create(m, i, p, (unsigned)arg.seed)) {
        fprintf(stderr, "modemsim: %s: %s\n", m->name, strerror(errno));
        return false;
    }
    if (arg.pin) {
        str_copy(m->card->pin, sizeof m->card->pin, arg.pin);
        m->card->pin_wanted = true;
    }
    if (!modem_options.cold)
        modem_radio(m, true);
    const struct port *first = &m->lines[0].port;
    printf("%s %s %s %s %s %s\n", m->name, first->alias[0] ? first->alias : first->link,
           first->path, m->imei, m->card->number, p->name);
    return true;
}

static bool start(struct watch *signals)
{
    more_descriptors();
    handset_keep((size_t)arg.keep);
    event_limit((size_t)arg.keep * 5);
    modems = sim_alloc((size_t)arg.modems * sizeof *modems);
    mkdir(modem_options.link_dir, 0755);
    if (loop_open() || !watch_signals(signals) || !tap_open())
        return false;
    port_notify_open(); /* without it, nobody learns of opens and closes: no harm */
    if (arg.control && !control_open(arg.control)) {
        fprintf(stderr, "modemsim: %s: %s\n", arg.control, strerror(errno));
        return false;
    }
    for (int i = 0; i < arg.modems; i++)
        if (!start_modem(i))
            return false;
    puts("ready");
    fflush(stdout);
    return true;
}

static void after_each(void)
{
    line_flush_all();
    control_poll();
    line_flush_all();
}

int main(int argc, char **argv)
{
    struct watch signals = {.fd = -1};
    parse(argc, argv);
    if (arg.run) {
        if (!arg.control)
            fprintf(stderr, "modemsim: --do needs --control PATH\n");
        return arg.control ? control_do(arg.control, arg.run) : 2;
    }
    bool good = start(&signals);
    if (good)
        loop_run(&stopping, after_each);
    control_close();
    net_free_all();
    for (int i = 0; i < modem_count; i++)
        modem_free(&modems[i]);
    port_notify_close();
    tap_close();
    handset_free_all();
    event_free();
    loop_close();
    free(modems);
    return good ? 0 : 1;
}
