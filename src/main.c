/* main.c - `smsbridged`: the command line, signals, and the tick.
 * Knows no modem, no HTTP and no SQL.  Promises: exit status 0 after SIGTERM or SIGINT, 1 when it cannot start, 2 for a
 * wrong command line; nothing starts half configured. */
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "clock.h"
#include "config.h"
#include "daemon.h"
#include "log.h"
#include "notify.h"
#include "pulse.h"
#include "text.h"

enum { DONE = 0, FAILED = 1, USAGE = 2 };

struct options {
    const char *config_path; /* NULL: the default */
    bool check;
};

static void usage(FILE *to)
{
    fprintf(to, "usage: smsbridged [-c FILE] [--check] [--help-config] [--version]\n"
                "  -c FILE        configuration, default " CONFIG_PATH "\n"
                "  --check        read the configuration, say what is wrong, and end\n"
                "  --help-config  every section and key with its bounds, default and meaning\n");
}

enum { OPT_CHECK = 256, OPT_HELP_CONFIG, OPT_VERSION, OPT_HELP, OPT_CLOCK_OFFSET };
static const struct option long_options[] = {
    {"check", no_argument, NULL, OPT_CHECK},
    {"help-config", no_argument, NULL, OPT_HELP_CONFIG},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {"clock-offset", required_argument, NULL, OPT_CLOCK_OFFSET}, /* seconds; for tests */
    {NULL, 0, NULL, 0},
};

static int set_clock(const char *seconds)
{
    int64_t offset_s;
    if (text_int(seconds, -4000000000, 4000000000, &offset_s)) {
        fprintf(stderr, "smsbridged: --clock-offset takes whole seconds\n");
        return USAGE;
    }
    clk_set_offset_ms(offset_s * CLK_SECOND_MS);
    return -1;
}

/* What one option does; -1: go on, else the exit status. */
static int take_option(struct options *o, int option)
{
    switch (option) {
    case 'c':
        o->config_path = optarg;
        return -1;
    case OPT_CHECK:
        o->check = true;
        return -1;
    case OPT_CLOCK_OFFSET:
        return set_clock(optarg);
    case OPT_HELP_CONFIG:
        config_help(stdout);
        return DONE;
    case OPT_VERSION:
        puts("smsbridged " SMSBRIDGE_VERSION);
        return DONE;
    case OPT_HELP:
        usage(stdout);
        return DONE;
    default:
        usage(stderr);
        return USAGE;
    }
}

static int parse(struct options *o, int argc, char **argv)
{
    int option, exit_status = -1;
    while (exit_status < 0 && (option = getopt_long(argc, argv, "c:", long_options, NULL)) != -1)
        exit_status = take_option(o, option);
    if (exit_status < 0 && optind < argc) {
        usage(stderr);
        return USAGE;
    }
    return exit_status;
}

/* Thousands of idle connections need as many descriptors. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void warn_unused(void *ctx, const char *section, const char *key, unsigned line)
{
    log_warn("config", "%s:%u: [%s] %s has no effect in this version", (const char *)ctx, line,
             section, key);
}

static void reload(struct daemon *d, const char *path)
{
    struct config *config;
    char why[CONFIG_WHY_MAX];
    if (config_load(path, &config, why)) {
        log_error("config", "not reloaded: %s", why);
        return;
    }
    daemon_reload(d, config);
}

static void tick(struct daemon *d)
{
    if (daemon_tick(d) == OK)
        notify_send("WATCHDOG=1");
}

/* Until SIGTERM or SIGINT. */
static void run(struct daemon *d, const sigset_t *signals, const char *path)
{
    const struct timespec second = {.tv_sec = 1};
    pulse_begin("main");
    for (;; pulse_beat()) {
        int signal = sigtimedwait(signals, NULL, &second);
        if (signal == SIGTERM || signal == SIGINT) {
            log_info("main", "stopping signal=%d", signal);
            pulse_end();
            return;
        }
        if (signal == SIGHUP)
            reload(d, path);
        else if (signal < 0)
            tick(d);
    }
}

static void block_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, signals, NULL); /* every later thread inherits it */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a full disk, not a reason to die */
}

/* --check */
static int check(struct config *config)
{
    char why[CONFIG_WHY_MAX];
    enum err e = daemon_check(config, why);
    if (e)
        fprintf(stderr, "smsbridged: %s\n", why);
    config_free(config);
    return e ? FAILED : DONE;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct config *config;
    struct daemon *d;
    char why[CONFIG_WHY_MAX];
    sigset_t signals;
    int exit_status = parse(&o, argc, argv);
    if (exit_status >= 0)
        return exit_status;
    if (config_load(o.config_path, &config, why)) {
        fprintf(stderr, "smsbridged: %s\n", why);
        return FAILED;
    }
    log_set_level(config->daemon.log_level);
    config_unused(config, warn_unused, config->path);
    if (o.check)
        return check(config);
    block_signals(&signals);
    raise_descriptor_limit();
    if (daemon_start(config, &d))
        return FAILED;
    notify_send("READY=1");
    run(d, &signals, o.config_path);
    notify_send("STOPPING=1");
    daemon_stop(d);
    log_info("main", "stopped");
    return DONE;
}
