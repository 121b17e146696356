/* ctl_tail.c - `smsbridge tail`: GET /events/ on a terminal (WHATWG HTML 9.2.6, as far as the daemon uses it).
 * Knows the REST API only.  Promises: goes on where it was after a lost connection. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "clock.h"
#include "ctl.h"
#include "ctl_show.h"

#define LINE_MAX_BYTES (1024 * 1024)
#define PAUSE_S        3

struct tail {
    const struct options *o;
    struct buf line, data; /* under way */
    char kind[32], id[32]; /* of the event under way; of the last one that was whole */
    char next_id[32];
};

/* JSON: one object a line, so that a program can read along. */
static void show(struct tail *t, const json_t *data)
{
    if (!t->o->json) {
        show_event(stdout, t->kind, data);
        return;
    }
    json_t *event = json_pack("{s:s, s:s, s:O}", "id", t->id, "event", t->kind, "data", data);
    json_dumpf(event, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(event);
}

static void event_ended(struct tail *t)
{
    json_t *data = t->data.err ? NULL : json_loads(buf_str(&t->data), 0, NULL);
    memcpy(t->id, t->next_id, sizeof t->id);
    if (data)
        show(t, data);
    json_decref(data);
    buf_clear(&t->data);
    t->kind[0] = '\0';
}

static void take_line(struct tail *t, const char *line)
{
    if (!*line && t->data.len)
        event_ended(t);
    else if (strncmp(line, "id: ", 4) == 0)
        snprintf(t->next_id, sizeof t->next_id, "%.*s", (int)strspn(line + 4, "0123456789"),
                 line + 4);
    else if (strncmp(line, "event: ", 7) == 0)
        snprintf(t->kind, sizeof t->kind, "%s", line + 7);
    else if (strncmp(line, "data: ", 6) == 0)
        buf_add_str(&t->data, line + 6);
}

static bool take(void *ctx, const char *bytes, size_t n)
{
    struct tail *t = ctx;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != '\n') {
            buf_add(&t->line, bytes + i, 1);
            continue;
        }
        if (t->line.err == OK)
            take_line(t, buf_str(&t->line));
        buf_clear(&t->line);
    }
    return fflush(stdout) == 0;
}

/* Seconds left of --timeout; 0: there is none; -1: it is over. */
static int left(const struct options *o, int64_t started_ms)
{
    int64_t gone_s = (clk_mono_ms() - started_ms) / CLK_SECOND_MS;
    if (!o->wait_s)
        return 0;
    return gone_s < o->wait_s ? (int)(o->wait_s - gone_s) : -1;
}

/* -1: again, else the exit status. */
static int follow(struct ctl *c, struct tail *t, int seconds)
{
    char path[96];
    struct ctl_answer answer;
    int exit_status = -1;
    snprintf(path, sizeof path, *t->id ? "/events/?last_event_id=%s" : "/events/", t->id);
    enum err e = ctl_follow(c, path, seconds, take, t, &answer);
    if (answer.status >= 400 && answer.status < 500) {
        show_refusal(stderr, answer.status, answer.body);
        exit_status = FAILED;
    } else if (ferror(stdout)) {
        exit_status = FAILED;
    } else if (answer.status == 0 && !*t->id) {
        fprintf(stderr, "smsbridge: the daemon is not reachable: %s\n", ctl_why(c));
        exit_status = UNREACHABLE;
    } else if (e || answer.status != 200) {
        fprintf(stderr, "smsbridge: the connection is lost, again in %d s\n", PAUSE_S);
    }
    json_decref(answer.body);
    buf_clear(&t->line);
    buf_clear(&t->data);
    return exit_status;
}

int ctl_tail(struct ctl *c, const struct options *o, char **args)
{
    const struct timespec pause = {.tv_sec = PAUSE_S};
    struct tail t = {.o = o};
    int64_t started_ms = clk_mono_ms();
    int exit_status = -1, seconds;
    (void)args;
    buf_init(&t.line, LINE_MAX_BYTES);
    buf_init(&t.data, LINE_MAX_BYTES);
    while (exit_status < 0 && (seconds = left(o, started_ms)) >= 0) {
        exit_status = follow(c, &t, seconds);
        if (exit_status < 0 && left(o, started_ms) >= 0)
            clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    buf_free(&t.line);
    buf_free(&t.data);
    return exit_status < 0 ? DONE : exit_status;
}
