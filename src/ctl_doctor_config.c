/* ctl_doctor_config.c - the configuration, judged by the daemon itself, and where short links lead.
 * Promises: no secret of the configuration is shown. */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl_doctor.h"

extern char **environ;

#define SAID_MAX 512
#define ROBOTS   "User-agent: *\nDisallow: /\n" /* src/redirect.c */
#define FETCH_S  10

static const char *config_path(const struct doctor *d)
{
    return d->o->config ? d->o->config : CONFIG_PATH;
}

/* Beside us, in ../sbin, else by the PATH. */
static void find_daemon(char out[PATH_MAX])
{
    static const char *const places[] = {"%.*s/smsbridged", "%.*s/../sbin/smsbridged"};
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n > 0) {
        self[n] = '\0';
        int dir = (int)(strrchr(self, '/') - self);
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            int len = i == 0 ? snprintf(out, PATH_MAX, "%.*s/smsbridged", dir, self)
                             : snprintf(out, PATH_MAX, "%.*s/../sbin/smsbridged", dir, self);
            if (len < PATH_MAX && access(out, X_OK) == 0)
                return;
        }
    }
    snprintf(out, PATH_MAX, "smsbridged");
}

/* What it says, and its exit status; -1: it cannot be started. */
static int run_check(const char *program, const char *path, char said[SAID_MAX])
{
    const char *const argv[] = {program, "--check", path ? "-c" : NULL, path, NULL};
    posix_spawn_file_actions_t actions;
    int pipes[2], status = -1;
    pid_t pid;
    said[0] = '\0';
    if (pipe2(pipes, 0))
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, pipes[0]);
    int e = posix_spawnp(&pid, program, &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipes[1]);
    size_t n = 0;
    for (ssize_t got; e == 0 && (got = read(pipes[0], said + n, SAID_MAX - 1 - n)) > 0;)
        n += (size_t)got;
    said[n] = '\0';
    close(pipes[0]);
    if (e == 0 && waitpid(pid, &status, 0) != pid)
        status = -1;
    return e ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The last line is the verdict; the ones before are warnings of the log. */
static const char *last_line(char *said)
{
    size_t n = strlen(said);
    while (n && said[n - 1] == '\n')
        said[--n] = '\0';
    const char *line = strrchr(said, '\n');
    return line ? line + 1 : said;
}

static void say_verdict(struct doctor *d, const char *path)
{
    char program[PATH_MAX], said[SAID_MAX], mend[PATH_MAX + 32];
    find_daemon(program);
    int status = run_check(program, path, said);
    snprintf(mend, sizeof mend, "sudoedit %s", config_path(d));
    if (status < 0)
        doctor_say(d, DOCTOR_NOTE, "configuration", "install smsbridged beside smsbridge",
                   "not judged: %s cannot be started", program);
    else if (status == 0)
        doctor_say(d, DOCTOR_FINE, "configuration", NULL, "%s",
                   path || access(CONFIG_PATH, F_OK) == 0 ? config_path(d) : "defaults, no file");
    else
        doctor_say(d, DOCTOR_WRONG, "configuration", mend, "%s", last_line(said));
}

/* The daemon of a service finds it in $STATE_DIRECTORY, which we do not have. */
static void set_state_dir(struct doctor *d)
{
    static const char service[] = "/var/lib/smsbridge";
    const char *dir = d->config ? d->config->daemon.state_dir : "smsbridge-data";
    bool fallback = strstr(dir, "smsbridge-data") && access(dir, F_OK) != 0;
    snprintf(d->state_dir, sizeof d->state_dir, "%s",
             fallback && access(service, F_OK) == 0 ? service : dir);
}

void doctor_configuration(struct doctor *d)
{
    char why[CONFIG_WHY_MAX];
    const char *path = d->o->config;
    if (access(config_path(d), R_OK) && errno == EACCES)
        doctor_say(d, DOCTOR_WRONG, "configuration", "sudo smsbridge doctor",
                   "%s cannot be read by this user", config_path(d));
    else
        say_verdict(d, path);
    if (config_load(path, &d->config, why))
        d->config = NULL;
    set_state_dir(d);
}

/* ---- links ---- */

void doctor_links(struct doctor *d)
{
    char url[CONFIG_URL_MAX + 16], why[256] = "", body[256] = "";
    long status = 0;
    const char *base = d->config ? d->config->links.base_url : "";
    if (!d->config)
        return;
    if (!*base) {
        doctor_say(d, DOCTOR_WRONG, "links", "set base_url in [links], as https://s.example.com",
                   "links.base_url is not set: short links work on this machine only");
        return;
    }
    snprintf(url, sizeof url, "%s/robots.txt", base);
    if (ctl_fetch(url, FETCH_S, body, sizeof body, &status, why, sizeof why))
        doctor_say(d, DOCTOR_WRONG, "links",
                   "let the proxy or tunnel of that name lead to links.listen", "%s: %s", url, why);
    else if (status != 200 || strcmp(body, ROBOTS) != 0)
        doctor_say(d, DOCTOR_WRONG, "links",
                   "let the proxy or tunnel of that name lead to links.listen",
                   "%s answers (HTTP %ld), but it is not smsbridge", url, status);
    else
        doctor_say(d, DOCTOR_FINE, "links", NULL, "%s is reachable, and it is smsbridge", base);
}
