/* modem_peer.c - a modem's far side on a pty, answering from a table.
 * Knows no modem code and no SMS.  Promises: every byte that was said is logged in the order of saying. */
#include "modem_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ROWS_MAX  512
#define LINES_MAX 128
#define LOG_MAX   65536

struct row {
    char *command, *answer, *after; /* after: what the transcript says behind the answer */
    bool once, used, recorded;
};

struct peer {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int master, slave, stop_pipe[2];
    char dir[64], path[96];
    struct row rows[ROWS_MAX];
    unsigned row_count;
    char *lines[LINES_MAX];
    unsigned line_count;
    int cut;
    unsigned seed;
    bool echo, echo_stuck, prompting, stopping, unplug_asked;
    char input[4096];
    size_t input_len;
    char log[LOG_MAX]; /* commands, NUL-terminated, one after another */
    size_t log_len;
    char pdu[1024];
};

/* ---- bytes out ---- */

static void pause_us(long us)
{
    struct timespec ts = {0, us * 1000};
    nanosleep(&ts, NULL);
}

static size_t piece(struct peer *p, size_t left)
{
    size_t n = left;
    if (p->cut == PEER_BYTES)
        n = 1;
    if (p->cut == PEER_RANDOM)
        n = 1 + (unsigned)rand_r(&p->seed) % 12;
    return n < left ? n : left;
}

/* The lock is held: what is said at once stays together. */
static void say(struct peer *p, const char *bytes)
{
    size_t left = strlen(bytes);
    while (left && p->master >= 0) {
        ssize_t n = write(p->master, bytes, piece(p, left));
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return;
        if (n > 0) {
            bytes += n;
            left -= (size_t)n;
        }
        if (p->cut != PEER_WHOLE)
            pause_us(60);
    }
}

void peer_say(struct peer *p, const char *bytes)
{
    pthread_mutex_lock(&p->lock);
    say(p, bytes);
    pthread_mutex_unlock(&p->lock);
}

/* ---- plugging ---- */

static void plug(struct peer *p)
{
    char name[64];
    struct termios raw;
    assert_int_equal(0, openpty(&p->master, &p->slave, name, NULL, NULL));
    tcgetattr(p->slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(p->slave, TCSANOW, &raw);
    fcntl(p->master, F_SETFL, O_NONBLOCK);
    p->input_len = 0;
    p->prompting = false;
    p->echo = p->echo_stuck;
    assert_int_equal(0, symlink(name, p->path));
}

static void unplug(struct peer *p)
{
    unlink(p->path);
    close(p->slave);
    close(p->master);
    p->master = p->slave = -1;
}

static void poke(struct peer *p)
{
    assert_int_equal(1, write(p->stop_pipe[1], "x", 1));
}

void peer_plug(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    plug(p);
    pthread_mutex_unlock(&p->lock);
    poke(p);
}

void peer_unplug(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    p->unplug_asked = true;
    poke(p);
    while (p->master >= 0)
        pthread_cond_wait(&p->changed, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

/* ---- the table ---- */

static struct row *add_row(struct peer *p, const char *command, const char *answer, bool once)
{
    assert_true(p->row_count < ROWS_MAX);
    struct row *row = &p->rows[p->row_count++];
    *row = (struct row){.command = strdup(command), .answer = strdup(answer), .once = once};
    return row;
}

static bool fits(const struct row *row, const char *command)
{
    return strcmp(row->command, command) == 0;
}

static size_t through_equals(const char *command)
{
    const char *equals = strchr(command, '=');
    return equals && equals[1] != '?' ? (size_t)(equals - command) + 1 : 0;
}

/* "AT+CMGS=23" by the test's "AT+CMGS=". */
static bool fits_family(const struct row *row, const char *command)
{
    size_t n = through_equals(command);
    return n && strlen(row->command) == n && strncmp(row->command, command, n) == 0;
}

/* By the same command with other arguments, as it was recorded. */
static bool fits_kin(const struct row *row, const char *command)
{
    size_t n = through_equals(command);
    return n && through_equals(row->command) == n && strncmp(row->command, command, n) == 0;
}

/* Once-rows in the order they were made, then the latest one for ever. */
static struct row *find_with(struct peer *p, const char *command, bool recorded,
                             bool (*match)(const struct row *, const char *))
{
    struct row *found = NULL;
    for (unsigned i = 0; i < p->row_count; i++) {
        struct row *row = &p->rows[i];
        if (row->recorded != recorded || (row->once && row->used) || !match(row, command))
            continue;
        if (row->once)
            return row;
        found = row;
    }
    return found;
}

/* What the test says goes before what the transcript says. */
static struct row *find(struct peer *p, const char *command)
{
    static const struct {
        bool recorded;
        bool (*match)(const struct row *, const char *);
    } ways[] = {{false, fits}, {false, fits_family}, {true, fits}, {true, fits_kin}};
    struct row *row = NULL;
    for (size_t i = 0; !row && i < sizeof ways / sizeof *ways; i++)
        row = find_with(p, command, ways[i].recorded, ways[i].match);
    return row;
}

void peer_answer(struct peer *p, const char *command, const char *answer)
{
    pthread_mutex_lock(&p->lock);
    add_row(p, command, answer, false);
    pthread_mutex_unlock(&p->lock);
}

void peer_answer_once(struct peer *p, const char *command, const char *answer)
{
    pthread_mutex_lock(&p->lock);
    add_row(p, command, answer, true);
    pthread_mutex_unlock(&p->lock);
}

void peer_forget(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    for (unsigned i = 0; i < p->row_count; i++)
        if (!p->rows[i].recorded)
            p->rows[i].once = p->rows[i].used = true;
    pthread_mutex_unlock(&p->lock);
}

void peer_say_rest(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    for (unsigned i = 0; i < p->row_count; i++) {
        struct row *row = &p->rows[i];
        if (row->after && !row->used)
            say(p, row->after);
        row->used = true;
    }
    pthread_mutex_unlock(&p->lock);
}

/* ---- what the modem code says ---- */

static void log_command(struct peer *p, const char *command)
{
    size_t n = strlen(command) + 1;
    assert_true(p->log_len + n <= LOG_MAX);
    memcpy(p->log + p->log_len, command, n);
    p->log_len += n;
    pthread_cond_broadcast(&p->changed);
}

static void react(struct peer *p, const char *command)
{
    struct row *row = find(p, command);
    const char *answer = row                          ? row->answer
                         : *command == 0              ? ""
                         : strcmp(command, "AT") == 0 ? "\r\nOK\r\n"
                                                      : "\r\nERROR\r\n";
    bool first = row && !row->used;
    if (row)
        row->used = true;
    if (strcmp(answer, "!unplug") == 0) {
        unplug(p);
        return;
    }
    p->prompting = strstr(answer, "\n>") != NULL;
    say(p, answer);
    if (first && row->after)
        say(p, row->after);
}

static void take_command(struct peer *p)
{
    if (p->echo || p->echo_stuck) {
        say(p, p->input);
        say(p, "\r");
    }
    if (strcmp(p->input, "ATE0") == 0)
        p->echo = false;
    log_command(p, p->input);
    react(p, p->input);
}

static void take_pdu(struct peer *p)
{
    if (p->echo || p->echo_stuck)
        say(p, p->input);
    p->prompting = false;
    snprintf(p->pdu, sizeof p->pdu, "%.1000s", p->input);
    log_command(p, "PDU");
    react(p, "PDU");
}

static void take_byte(struct peer *p, char c)
{
    if (c == 0x1B) {
        if (p->prompting)
            say(p, "\r\nOK\r\n");
        p->prompting = false;
        p->input_len = 0;
        return;
    }
    if (c != '\r' && c != 0x1A) {
        if (c != '\n' && p->input_len + 1 < sizeof p->input)
            p->input[p->input_len++] = c;
        return;
    }
    p->input[p->input_len] = '\0';
    p->input_len = 0;
    if (c == 0x1A && p->prompting)
        take_pdu(p);
    else if (c == '\r' && !p->prompting)
        take_command(p);
}

static void listen_once(struct peer *p)
{
    char bytes[512];
    ssize_t n = p->master >= 0 ? read(p->master, bytes, sizeof bytes) : 0;
    for (ssize_t i = 0; i < n && p->master >= 0; i++)
        take_byte(p, bytes[i]);
    if (p->unplug_asked && p->master >= 0)
        unplug(p);
    p->unplug_asked = false;
    pthread_cond_broadcast(&p->changed);
}

static void *run(void *arg)
{
    struct peer *p = arg;
    char drop[16];
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        struct pollfd fds[2] = {{p->stop_pipe[0], POLLIN, 0}, {p->master, POLLIN, 0}};
        pthread_mutex_unlock(&p->lock);
        int n = poll(fds, 2, 1000);
        if (n > 0 && fds[0].revents && read(p->stop_pipe[0], drop, sizeof drop) < 0)
            n = 0;
        pthread_mutex_lock(&p->lock);
        listen_once(p);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- what the test asks ---- */

static unsigned count(const struct peer *p, const char *command)
{
    unsigned n = 0;
    size_t len = strlen(command);
    for (const char *at = p->log; at < p->log + p->log_len; at += strlen(at) + 1)
        n += strncmp(at, command, len) == 0;
    return n;
}

unsigned peer_count(struct peer *p, const char *command)
{
    pthread_mutex_lock(&p->lock);
    unsigned n = count(p, command);
    pthread_mutex_unlock(&p->lock);
    return n;
}

bool peer_wait(struct peer *p, const char *command, unsigned wanted, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000 + 1;
    pthread_mutex_lock(&p->lock);
    int e = 0;
    while (count(p, command) < wanted && e == 0)
        e = pthread_cond_timedwait(&p->changed, &p->lock, &until);
    bool done = count(p, command) >= wanted;
    pthread_mutex_unlock(&p->lock);
    return done;
}

void peer_last_pdu(struct peer *p, char *out, size_t size)
{
    pthread_mutex_lock(&p->lock);
    snprintf(out, size, "%s", p->pdu);
    pthread_mutex_unlock(&p->lock);
}

/* ---- transcripts ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* \r \n \xNN and \\ in place. */
static void unescape(char *s)
{
    char *out = s;
    for (; *s; s++) {
        if (*s != '\\') {
            *out++ = *s;
            continue;
        }
        s++;
        if (*s == 'x') {
            *out++ = (char)(hex_digit(s[1]) * 16 + hex_digit(s[2]));
            s += 2;
        } else {
            *out++ = *s == 'r' ? '\r' : *s == 'n' ? '\n' : *s;
        }
    }
    *out = '\0';
}

/* A line of the daemon's log at trace level: behind "trace: NAME ". */
static char *behind_log_prefix(char *line)
{
    char *mark = strstr(line, "trace: ");
    if (strchr("<>#!=?", line[0]) || !mark)
        return line;
    mark += strlen("trace: ");
    char *blank = strchr(mark, ' ');
    return blank ? blank + 1 : line;
}

/* A final result or the prompt ends an answer; what the file has behind it was unasked. */
static bool ends_answer(const char *said)
{
    static const char *const finals[] = {"OK",         "ERROR",       "+CME ERROR",
                                         "+CMS ERROR", "COMMAND NOT", ">"};
    said += strspn(said, "\r\n");
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++)
        if (strncmp(said, finals[i], strlen(finals[i])) == 0)
            return true;
    return false;
}

static void append(char **text, const char *more)
{
    size_t old = *text ? strlen(*text) : 0;
    *text = realloc(*text, old + strlen(more) + 1);
    assert_non_null(*text);
    memcpy(*text + old, more, strlen(more) + 1);
}

static void read_row(struct peer *p, char *text, bool *ended)
{
    size_t n;
    unescape(text);
    n = strlen(text);
    *ended = false;
    if (n && text[n - 1] == 0x1A) {
        add_row(p, "PDU", "", true);
        return;
    }
    if (n && text[n - 1] == '\r')
        text[n - 1] = '\0';
    add_row(p, text + strspn(text, "\x1b"), "", true);
}

static void read_said(struct peer *p, char *text, bool *ended)
{
    unescape(text);
    if (p->row_count == 0)
        add_row(p, "(before the first command)", "", true);
    struct row *row = &p->rows[p->row_count - 1];
    append(*ended ? &row->after : &row->answer, text);
    *ended = *ended || ends_answer(text);
}

/* The last answer to a command is its answer from then on. */
static void keep_last_ones(struct peer *p)
{
    unsigned n = p->row_count;
    for (unsigned i = 0; i < n; i++) {
        unsigned last = i;
        for (unsigned j = i; j < n; j++)
            if (fits(&p->rows[j], p->rows[i].command))
                last = j;
        if (last == i)
            add_row(p, p->rows[i].command, p->rows[i].answer, false);
    }
}

static void read_transcript(struct peer *p, const char *path)
{
    char line[8192];
    bool ended = false;
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("cannot read %s", path);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = '\0';
        char *text = behind_log_prefix(line);
        char *rest = text + (text[0] && text[1] == ' ' ? 2 : 1);
        if (text[0] == '>')
            read_row(p, rest, &ended);
        else if (text[0] == '<')
            read_said(p, rest, &ended);
        else if (text[0] == '!' || text[0] == '=' || text[0] == '?') {
            assert_true(p->line_count < LINES_MAX);
            p->lines[p->line_count++] = strdup(text);
        }
    }
    fclose(f);
    keep_last_ones(p);
    for (unsigned i = 0; i < p->row_count; i++)
        p->rows[i].recorded = true;
}

const char *peer_line(const struct peer *p, unsigned i)
{
    return i < p->line_count ? p->lines[i] : NULL;
}

/* ---- life ---- */

struct peer *peer_new(const char *transcript)
{
    struct peer *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->master = p->slave = -1;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    assert_int_equal(0, pipe2(p->stop_pipe, O_CLOEXEC));
    snprintf(p->dir, sizeof p->dir, "/tmp/smsbridge-peer-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->path, sizeof p->path, "%s/modem", p->dir);
    if (transcript)
        read_transcript(p, transcript);
    assert_int_equal(0, pthread_create(&p->thread, NULL, run, p));
    return p;
}

void peer_cut(struct peer *p, int how, unsigned seed)
{
    p->cut = how;
    p->seed = seed;
}

void peer_echo(struct peer *p, bool stuck)
{
    p->echo = true;
    p->echo_stuck = stuck;
}

const char *peer_path(const struct peer *p)
{
    return p->path;
}

void peer_free(struct peer *p)
{
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_mutex_unlock(&p->lock);
    poke(p);
    pthread_join(p->thread, NULL);
    if (p->master >= 0)
        unplug(p);
    rmdir(p->dir);
    for (unsigned i = 0; i < p->row_count; i++) {
        free(p->rows[i].command);
        free(p->rows[i].answer);
        free(p->rows[i].after);
    }
    for (unsigned i = 0; i < p->line_count; i++)
        free(p->lines[i]);
    close(p->stop_pipe[0]);
    close(p->stop_pipe[1]);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    free(p);
}
