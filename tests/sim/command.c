/* Finds the control command's row; the log and the counters; those who wait.
   Refuses to know what the commands of the other files do.
   Promises an answer to every line. */
#include "command.h"
#include "event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct waiter {
    struct waiter *next;
    struct timer timer;
    unsigned long client, count;
    const struct handset *who; /* or NULL: an event is counted */
    enum ev kind;
};
static struct waiter *waiters;

void command_ok(struct request *r)
{
    control_answer(r->client, "{\"ok\":true}");
}

struct modem *command_modem(struct request *r, int word)
{
    const char *name = word < r->argc ? r->argv[word] : "";
    for (int i = 0; i < modem_count; i++) {
        char number[16];
        snprintf(number, sizeof number, "%d", i);
        if (!strcmp(name, modems[i].name) || !strcmp(name, number) ||
            !strcmp(name, modems[i].imei) || !strcmp(name, modems[i].card->number))
            return &modems[i];
    }
    control_fail(r->client, "no such modem: %s", name);
    return NULL;
}

static unsigned long have(const struct waiter *w)
{
    return w->who ? w->who->complete : event_count(w->kind);
}

static void waiter_end(struct waiter *w, bool good)
{
    struct client *c = control_client(w->client);
    struct str json = {0};
    for (struct waiter **at = &waiters; *at; at = &(*at)->next)
        if (*at == w) {
            *at = w->next;
            break;
        }
    timer_stop(&w->timer);
    str_puts(&json, "{");
    str_bool(&json, "ok", good);
    if (!good)
        str_pair(&json, "error", "timeout");
    str_int(&json, "count", (long long)have(w));
    str_puts(&json, "}");
    if (c)
        control_answer(c, json.p);
    str_free(&json);
    free(w);
}

static void waiter_late(void *arg)
{
    waiter_end(arg, false);
}

void command_poll(void)
{
    for (struct waiter *w = waiters, *next; w; w = next) {
        next = w->next;
        if (have(w) >= w->count)
            waiter_end(w, true);
    }
}

void command_close(void)
{
    while (waiters)
        waiter_end(waiters, false);
}

static void wait_for(struct request *r, const struct handset *who, enum ev kind)
{
    struct waiter *w = sim_alloc(sizeof *w);
    *w =
        (struct waiter){.client = control_id(r->client), .who = who, .kind = kind, .next = waiters};
    w->count = strtoul(r->argv[2], NULL, 10);
    waiters = w;
    timer_set(&w->timer, strtol(r->argv[3], NULL, 10) * 1000, waiter_late, w);
}

static void wait_handset(struct request *r)
{
    wait_for(r, handset_of(r->argv[1]), EV_KINDS);
}

static void wait_event(struct request *r)
{
    enum ev kind = event_kind(r->argv[1]);
    if (kind == EV_KINDS)
        control_fail(r->client, "no such event: %s", r->argv[1]);
    else
        wait_for(r, NULL, kind);
}

static void event_text(const struct event *e, struct str *json)
{
    struct message *m = e->who && e->message >= 0 ? handset_message(e->who, e->message) : NULL;
    struct str text = {0};
    const struct part *p = m ? m->parts : NULL;
    while (p && p->seq != e->part)
        p = p->next;
    if (!p)
        return;
    part_text(p, &text);
    str_int(json, "index", e->message);
    str_int(json, "part", e->part);
    str_int(json, "of", m->total);
    str_pair(json, "text", text.p);
    str_free(&text);
}

static void event_json(unsigned long seq, struct str *json)
{
    const struct event *e = event_at(seq);
    bool has_mr = e->kind == EV_SUBMIT || e->kind == EV_ANSWER || e->kind == EV_OUTCOME ||
                  e->kind == EV_REPORT || e->kind == EV_ACK;
    str_puts(json, json->p[json->n - 1] == '[' ? "{" : ",{");
    str_int(json, "seq", (long long)seq);
    str_key(json, "t_ms");
    str_fmt(json, "%lld.%03d", (long long)(e->wall_us / 1000), (int)(e->wall_us % 1000));
    str_pair(json, "event", event_name(e->kind));
    if (e->modem >= 0)
        str_int(json, "modem", e->modem);
    if (e->who)
        str_pair(json, "number", e->who->number);
    if (has_mr)
        str_int(json, "mr", e->mr);
    if (e->kind == EV_REPORT || e->kind == EV_OUTCOME)
        str_int(json, "st", e->st);
    event_text(e, json);
    if (e->note)
        str_pair(json, "note", e->note);
    str_puts(json, "}");
}

static bool wanted(const struct request *r, const struct event *e)
{
    const char *kind = control_option(r, "event", NULL),
               *number = control_option(r, "number", NULL);
    long modem = control_number(r, "modem", -1);
    return (!kind || !strcmp(kind, event_name(e->kind))) && (modem < 0 || modem == e->modem) &&
           (!number || (e->who && !strcmp(number, e->who->number)));
}

static void log_command(struct request *r)
{
    unsigned long from = (unsigned long)control_number(r, "since", 0);
    long limit = control_number(r, "limit", 1000), n = 0;
    unsigned long seq = event_end();
    struct str json = {0};
    if (from < event_first())
        from = event_first();
    while (seq > from && n < limit) /* back to where the newest `limit` begin */
        n += wanted(r, event_at(--seq));
    str_puts(&json, "{");
    str_bool(&json, "ok", true);
    str_int(&json, "next", (long long)event_end());
    str_key(&json, "events");
    str_puts(&json, "[");
    for (; seq < event_end(); seq++)
        if (wanted(r, event_at(seq)))
            event_json(seq, &json);
    str_puts(&json, "]}");
    control_answer(r->client, json.p);
    str_free(&json);
}

static void counters(struct request *r)
{
    struct str json = {0};
    str_puts(&json, "{");
    str_bool(&json, "ok", true);
    event_counters(&json);
    str_int(&json, "messages_kept", (long long)handset_messages_kept());
    str_int(&json, "events", (long long)event_end());
    str_puts(&json, "}");
    control_answer(r->client, json.p);
    str_free(&json);
}

static void help(struct request *r);

static const struct command_row command_own[] = {
    {"help", 0, help, "this list"},
    {"log", 0, log_command, "[since=SEQ] [limit=N] [event=KIND] [modem=N] [number=NUMBER]"},
    {"counters", 0, counters, "how often each event happened"},
    {"wait", 3, wait_handset, "NUMBER COUNT TIMEOUT_MS: until COUNT whole messages arrived"},
    {"wait-event", 3, wait_event, "KIND COUNT TIMEOUT_MS: until the counter is COUNT"},
    {NULL, 0, NULL, NULL},
};

static const struct command_row *const tables[] = {command_own, command_world, command_phone};
enum { TABLES = sizeof tables / sizeof *tables };

static void help(struct request *r)
{
    struct str json = {0};
    str_puts(&json, "{\"ok\":true,\"commands\":{");
    for (int t = 0; t < TABLES; t++)
        for (const struct command_row *row = tables[t]; row->name; row++)
            str_pair(&json, row->name, row->help);
    str_puts(&json, "}}");
    control_answer(r->client, json.p);
    str_free(&json);
}

void command_run(struct request *r)
{
    for (int t = 0; t < TABLES; t++)
        for (const struct command_row *row = tables[t]; row->name; row++) {
            if (strcmp(row->name, r->argv[0]) != 0)
                continue;
            if (r->argc - 1 < row->words)
                control_fail(r->client, "%s %s", row->name, row->help);
            else
                row->fn(r);
            return;
        }
    control_fail(r->client, "no such command: %s (try help)", r->argv[0]);
}
