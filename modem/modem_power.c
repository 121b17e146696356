/* modem_power.c - a configured command, run without a shell.
 * Knows no modem's dialogue.  Promises: no shell, no descriptor and no environment of ours; the whole process
 * group is gone when the time is over; its output is cut and printable. */
#include "modem_power.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "pulse.h"

#define POWER_PATH  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SLICE_MS    100
#define COMMAND_MAX 512
#define READS_MAX   64

/* ---- words ---- */

/* One word, its quotes taken off, in place; *end is behind it. */
static enum err take_word(char *s, char **end)
{
    char *out = s, quote = '\0';
    for (; *s && (quote || (*s != ' ' && *s != '\t')); s++) {
        if (quote && *s == quote)
            quote = '\0';
        else if (!quote && (*s == '\'' || *s == '"'))
            quote = *s;
        else
            *out++ = *s;
    }
    *end = *s ? s + 1 : s;
    *out = '\0';
    return quote ? ERR_SYNTAX : OK;
}

enum err power_split(char *command, char *argv[POWER_ARGS_MAX])
{
    size_t n = 0;
    char *s = command + strspn(command, " \t");
    while (*s) {
        if (n + 1 >= POWER_ARGS_MAX)
            return ERR_FULL;
        argv[n++] = s;
        enum err e = take_word(s, &s);
        if (e)
            return e;
        s += strspn(s, " \t");
    }
    argv[n] = NULL;
    return n && argv[0][0] ? OK : ERR_SYNTAX;
}

static enum err find_program(const char *name, char *path, size_t size)
{
    const char *folder = POWER_PATH;
    if (strchr(name, '/')) {
        snprintf(path, size, "%s", name);
        return access(path, X_OK) == 0 ? OK : ERR_NOT_FOUND;
    }
    while (*folder) {
        size_t n = strcspn(folder, ":");
        snprintf(path, size, "%.*s/%s", (int)n, folder, name);
        if (access(path, X_OK) == 0)
            return OK;
        folder += n + (folder[n] == ':');
    }
    return ERR_NOT_FOUND;
}

/* ---- the process ---- */

struct process {
    pid_t pid;
    int output; /* what it writes, both streams */
    size_t n;   /* of it in out */
    char *out;
};

/* Its own process group, so that all it starts can be ended; no signal ignored or blocked. */
static enum err set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawnattr_setsigmask(attributes, &none);
    rc = rc ? rc : posix_spawnattr_setsigdefault(attributes, &all);
    rc = rc ? rc : posix_spawnattr_setpgroup(attributes, 0);
    rc = rc ? rc
            : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                       POSIX_SPAWN_SETSIGDEF);
    return rc ? ERR_IO : OK;
}

/* Nothing to read, its output to the pipe, everything else closed. */
static enum err set_descriptors(posix_spawn_file_actions_t *actions, int output)
{
    int rc = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
    rc = rc ? rc : posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
    rc = rc ? rc : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    rc = rc ? rc : posix_spawn_file_actions_addchdir_np(actions, "/");
    return rc ? ERR_IO : OK;
}

static enum err spawn(const char *path, char *const argv[], char *const environment[], int output,
                      pid_t *pid)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    if (posix_spawnattr_init(&attributes) != 0)
        return ERR_NO_MEMORY;
    enum err e = ERR_NO_MEMORY;
    if (posix_spawn_file_actions_init(&actions) == 0) {
        e = set_attributes(&attributes);
        if (e == OK)
            e = set_descriptors(&actions, output);
        if (e == OK && posix_spawn(pid, path, &actions, &attributes, argv, environment) != 0)
            e = ERR_NOT_FOUND;
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return e;
}

static enum err start(const char *path, char *const argv[], char *const environment[],
                      struct process *p)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return ERR_IO;
    enum err e = fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? ERR_IO : OK; /* our end only */
    if (e == OK)
        e = spawn(path, argv, environment, ends[1], &p->pid);
    close(ends[1]);
    p->output = ends[0];
    return e;
}

/* What is there, without waiting; what is too much is dropped, and one that writes without end keeps nobody here. */
static void drain(struct process *p)
{
    char bytes[512];
    ssize_t n;
    for (int i = 0; i < READS_MAX && (n = read(p->output, bytes, sizeof bytes)) > 0; i++)
        for (ssize_t k = 0; k < n && p->n + 1 < POWER_OUTPUT_MAX; k++)
            p->out[p->n++] = bytes[k] >= ' ' && bytes[k] < 0x7F ? bytes[k] : ' ';
    p->out[p->n] = '\0';
}

static void rest(const struct process *p, int64_t ms)
{
    struct pollfd fd = {p->output, POLLIN, 0};
    if (pulse_poll(&fd, 1, (int)ms) > 0 && (fd.revents & (POLLIN | POLLHUP)) != POLLIN)
        (void)pulse_poll(NULL, 0, 10); /* closed, and not ended yet */
}

static enum err outcome_of(int raw, int *status)
{
    *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    return *status ? ERR_REFUSED : OK;
}

static enum err await_end(struct process *p, int64_t end, int (*stop)(void *ctx), void *ctx,
                          int *status)
{
    int raw = 0;
    for (;;) {
        drain(p);
        pid_t ended = waitpid(p->pid, &raw, WNOHANG);
        if (ended == p->pid) {
            drain(p);
            return outcome_of(raw, status);
        }
        if (ended < 0 && errno != EINTR)
            return ERR_IO;
        int64_t left = end - clk_mono_ms();
        bool stopped = stop && stop(ctx);
        if (left <= 0 || stopped) {
            kill(-p->pid, SIGKILL);
            while (waitpid(p->pid, &raw, 0) < 0 && errno == EINTR)
                ;
            return stopped ? ERR_CLOSED : ERR_TIMEOUT;
        }
        rest(p, left < SLICE_MS ? left : SLICE_MS);
    }
}

enum err power_run(const char *command, const char *modem, const char *port, int limit_ms,
                   int (*stop)(void *ctx), void *ctx, char out[POWER_OUTPUT_MAX], int *status)
{
    char words[COMMAND_MAX], path[COMMAND_MAX], name[80], at[300];
    char *argv[POWER_ARGS_MAX];
    char search[] = "PATH=" POWER_PATH, language[] = "LANG=C";
    char *environment[] = {search, language, name, at, NULL};
    struct process p = {.pid = -1, .output = -1, .out = out};
    out[0] = '\0';
    *status = -1;
    snprintf(words, sizeof words, "%s", command);
    snprintf(name, sizeof name, "SMSBRIDGE_MODEM=%s", modem);
    snprintf(at, sizeof at, "SMSBRIDGE_PORT=%s", port);
    enum err e = power_split(words, argv);
    if (e == OK)
        e = find_program(argv[0], path, sizeof path);
    if (e == OK)
        e = start(path, argv, environment, &p);
    if (e == OK)
        e = await_end(&p, clk_mono_ms() + limit_ms, stop, ctx, status);
    if (p.output >= 0)
        close(p.output);
    return e;
}
