/* callback_due.c - the callbacks that are due and wait for a slot.
 * Refuses to know how they are posted.
 * Promises: at most ALL_AHEAD rows in memory, HOST_AHEAD of one host; a look costs little however long the
 * outbox is: deep ones, which go past a host's backlog, take a tenth of the time at most. */
#include "callback_due.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "text.h"
#include "url.h"

#define LOOK_MS      1000 /* the longest wait for the next look */
#define HOST_AHEAD   64
#define ALL_AHEAD    512
#define BYTES_AHEAD  ((size_t)1024 * 1024)
#define SHALLOW_ROWS 256
#define DEEP_ROWS    100000
#define DEEP_SHARE   10 /* a deep look, then this many times its length none */
#define HOST_MAX     (URL_HOST_MAX + 8)

void due_init(struct due_list *l, int64_t pause_ms, bool (*is_running)(void *ctx, int64_t id),
              void *ctx)
{
    *l = (struct due_list){.pause_ms = pause_ms, .is_running = is_running, .ctx = ctx};
    l->end = &l->first;
}

void due_clear(struct due_list *l)
{
    while (l->first) {
        struct due *d = l->first;
        l->first = d->next;
        free(d);
    }
    l->end = &l->first;
    l->n = 0;
}

int64_t due_stretched(int64_t pause_ms, int64_t id, unsigned tries)
{
    uint64_t mixed = ((uint64_t)id * 31 + tries + 1) * UINT64_C(0x9E3779B97F4A7C15);
    return pause_ms + (int64_t)((double)pause_ms * 0.1 * (double)(mixed >> 48) / 65535.0);
}

void due_not_later(struct due_list *l, int64_t wall_ms)
{
    int64_t wait_ms = wall_ms - clk_wall_ms();
    int64_t at_ms = clk_mono_ms() + (wait_ms < LOOK_MS ? wait_ms : LOOK_MS);
    if (at_ms < l->again_ms)
        l->again_ms = at_ms;
}

/* "host:port" of a URL as url_normalise() writes it; cheap, as every due row is asked. */
static void host_of(const char *url, char out[HOST_MAX])
{
    const char *start = strstr(url, "://");
    start = start ? start + 3 : url;
    size_t n = strcspn(start, "/?#");
    const char *at = memrchr(start, '@', n); /* behind name and password */
    if (at) {
        n -= (size_t)(at + 1 - start);
        start = at + 1;
    }
    const char *colon = memrchr(start, ':', n);
    bool port = colon && !memchr(colon, ']', n - (size_t)(colon - start));
    const char *standard = text_starts_nocase(url, "https:") ? ":443" : ":80";
    (void)snprintf(out, HOST_MAX, "%.*s%s", (int)(n < URL_HOST_MAX ? n : URL_HOST_MAX), start,
                   port ? "" : standard);
}

static char *put(char **at, const char *text)
{
    char *start = *at;
    size_t n = strlen(text) + 1;
    memcpy(start, text, n);
    *at += n;
    return start;
}

static struct due *due_new(const struct store_callback *row, const char *host, size_t *size)
{
    *size = sizeof(struct due) + strlen(row->webhook_id) + strlen(row->account) +
            strlen(row->msgid) + strlen(row->url) + strlen(host) +
            (row->body ? strlen(row->body) : 0) + 6;
    struct due *d = malloc(*size);
    if (!d)
        return NULL;
    char *at = (char *)(d + 1);
    *d = (struct due){.id = row->id, .kind = row->kind, .tries = row->tries};
    d->webhook_id = put(&at, row->webhook_id);
    d->account = put(&at, row->account);
    d->msgid = put(&at, row->msgid);
    d->url = put(&at, row->url);
    d->host = put(&at, host);
    d->body = row->body ? put(&at, row->body) : NULL;
    return d;
}

static unsigned ahead_of_host(const struct due_list *l, const char *host)
{
    unsigned n = 0;
    for (const struct due *d = l->first; d; d = d->next)
        n += strcmp(d->host, host) == 0;
    return n;
}

struct look {
    struct due_list *list;
    size_t bytes;
    unsigned rows;
    char full[HOST_MAX]; /* the last host that was found full: it comes in runs */
};

/* ERR_FULL ends the look. */
static enum err take_row(void *ctx, const struct store_callback *row)
{
    struct look *k = ctx;
    struct due_list *l = k->list;
    char host[HOST_MAX];
    size_t size;
    k->rows++;
    host_of(row->url, host);
    if (strcmp(host, k->full) == 0 || l->is_running(l->ctx, row->id))
        return OK;
    int64_t first_ms = row->next_ms + due_stretched(l->pause_ms, row->id, 0);
    if (row->tries == 0 && first_ms > l->now_ms) {
        due_not_later(l, first_ms);
        return OK;
    }
    if (ahead_of_host(l, host) >= HOST_AHEAD) {
        l->more = true;
        memcpy(k->full, host, sizeof(host));
        return OK;
    }
    if (l->n == ALL_AHEAD || k->bytes > BYTES_AHEAD)
        return ERR_FULL;
    struct due *d = due_new(row, host, &size);
    if (!d)
        return ERR_NO_MEMORY;
    *l->end = d;
    l->end = &d->next;
    l->n++;
    k->bytes += size;
    return OK;
}

enum err due_look(struct due_list *l, struct store_reader *r)
{
    struct look k = {.list = l};
    int64_t next_ms = 0, start_ms = clk_mono_ms();
    bool deep = start_ms >= l->deep_ms;
    due_clear(l);
    l->more = false;
    l->now_ms = clk_wall_ms();
    l->again_ms = start_ms + LOOK_MS;
    size_t rows = deep ? DEEP_ROWS : SHALLOW_ROWS;
    enum err e = store_callback_due(r, l->now_ms, rows, take_row, &k, &next_ms);
    l->looked_ms = clk_mono_ms();
    if (deep)
        l->deep_ms = l->looked_ms + (l->looked_ms - start_ms) * DEEP_SHARE;
    l->cut = k.rows == rows || e == ERR_FULL;
    l->more = l->more || l->cut;
    if (!e && next_ms > l->now_ms)
        due_not_later(l, next_ms);
    if (e == ERR_FULL)
        e = OK;
    if (e)
        due_clear(l);
    return e;
}

bool due_has_host(const struct due_list *l, const char *host)
{
    return ahead_of_host(l, host) > 0;
}

struct due *due_take(struct due_list *l, bool (*host_has_room)(void *ctx, const char *host),
                     void *ctx)
{
    const char *full = "";
    for (struct due **at = &l->first; *at; at = &(*at)->next) {
        struct due *d = *at;
        if (strcmp(d->host, full) == 0)
            continue;
        if (!host_has_room(ctx, d->host)) {
            full = d->host;
            continue;
        }
        *at = d->next;
        if (l->end == &d->next)
            l->end = at;
        l->n--;
        d->next = NULL;
        return d;
    }
    return NULL;
}
