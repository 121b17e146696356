/* Control commands of people: handsets, taps, and SMS from outside.
   Refuses to know modems beyond their SIM.
   Promises to show what arrived, decoded, and to open the link in it. */
#include "command.h"
#include "event.h"
#include "inject.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void handset(struct request *r)
{
    const struct handset *h = handset_of(r->argv[1]);
    long limit = control_number(r, "limit", 1000), at = handset_end(h), shown = 0;
    bool all = control_number(r, "all", 0) != 0;
    struct str j = {0};
    while (shown < limit && at > h->base) {
        const struct message *m = handset_message(h, --at);
        shown += m && (all || m->arrived);
    }
    str_puts(&j, "{");
    str_bool(&j, "ok", true);
    str_pair(&j, "number", h->number);
    str_int(&j, "complete", (long long)h->complete);
    str_key(&j, "messages");
    str_puts(&j, "[");
    for (const char *comma = ""; at < handset_end(h); at++) {
        const struct message *m = handset_message(h, at);
        if (!m || !(all || m->arrived))
            continue;
        str_puts(&j, comma);
        message_json(m, &j);
        comma = ",";
    }
    str_puts(&j, "]}");
    control_answer(r->client, j.p);
    str_free(&j);
}

struct listing {
    struct str json;
    long left;
};

static void list_one(struct handset *h, void *arg)
{
    struct listing *l = arg;
    if (handset_end(h) == h->base || l->left-- <= 0)
        return;
    str_puts(&l->json, l->json.p[l->json.n - 1] == '[' ? "{" : ",{");
    str_pair(&l->json, "number", h->number);
    str_int(&l->json, "complete", (long long)h->complete);
    str_int(&l->json, "messages", handset_end(h));
    str_puts(&l->json, "}");
}

static void handsets(struct request *r)
{
    struct listing l = {.left = control_number(r, "limit", 1000)};
    str_puts(&l.json, "{\"ok\":true,\"handsets\":[");
    handset_each(list_one, &l);
    str_puts(&l.json, "]}");
    control_answer(r->client, l.json.p);
    str_free(&l.json);
}

struct taps { /* under way for one command */
    unsigned long client;
    int left, n;
    struct str json;
};

static void tapped(void *arg, const char *json)
{
    struct taps *t = arg;
    struct client *c = control_client(t->client);
    if (t->n > 1 && t->json.n && t->json.p[t->json.n - 1] != '[')
        str_puts(&t->json, ",");
    str_puts(&t->json, json);
    if (--t->left)
        return;
    str_puts(&t->json, t->n > 1 ? "]}" : "");
    if (c)
        control_answer(c, t->json.p);
    str_free(&t->json);
    free(t);
}

static void tap_request(struct request *r, struct tap_request *q, const char *url)
{
    *q = (struct tap_request){.url = url};
    q->via = control_option(r, "via", NULL);
    q->ua = control_option(r, "ua", NULL);
    q->method = control_option(r, "method", NULL);
    q->follow = control_number(r, "follow", 0) != 0;
    q->timeout_ms = control_number(r, "timeout", 15000);
    for (int i = 1; i < r->argc && q->headers < TAP_HEADERS_MAX; i++)
        if (!strncmp(r->argv[i], "header=", 7))
            q->header[q->headers++] = r->argv[i] + 7;
}

static void tap_url(struct request *r, const char *url)
{
    struct tap_request q;
    long n = control_number(r, "n", 1);
    struct taps *t = sim_alloc(sizeof *t);
    tap_request(r, &q, url);
    *t = (struct taps){.client = control_id(r->client), .n = n < 1 ? 1 : n > 256 ? 256 : (int)n};
    if (t->n > 1)
        str_puts(&t->json, "{\"ok\":true,\"results\":[");
    event_note(EV_TAP, -1, "%s", url);
    t->left = t->n;
    for (int i = 0; i < t->n; i++)
        if (!tap_start(&q, tapped, t))
            tapped(t, "{\"ok\":false,\"error\":\"too many taps at once\"}");
}

/* The newest whole message, or the one with the index; negative counts from the newest. */
static const struct message *message_to_tap(struct request *r, const struct handset *h)
{
    const char *word = r->argc > 2 && !strchr(r->argv[2], '=') ? r->argv[2] : NULL;
    long index = word ? strtol(word, NULL, 10) : -1;
    if (index >= 0)
        return handset_message(h, index);
    for (long at = handset_end(h); at-- > h->base;) {
        const struct message *m = handset_message(h, at);
        if (m && m->arrived == m->total && ++index == 0)
            return m;
    }
    return NULL;
}

static void tap(struct request *r)
{
    const struct message *m = message_to_tap(r, handset_of(r->argv[1]));
    struct str text = {0}, url = {0};
    if (m) {
        message_text(m, &text, NULL);
        tap_link(text.p, &url);
    }
    if (!m)
        control_fail(r->client, "no such message");
    else if (!url.n)
        control_fail(r->client, "no link in: %s", text.p);
    else
        tap_url(r, url.p);
    str_free(&text);
    str_free(&url);
}

static void open_url(struct request *r)
{
    tap_url(r, r->argv[1]);
}

static void inject_answer(struct request *r, const char *wrong, int parts)
{
    struct str j = {0};
    if (wrong) {
        control_fail(r->client, "%s", wrong);
        return;
    }
    str_fmt(&j, "{\"ok\":true,\"parts\":%d}", parts);
    control_answer(r->client, j.p);
    str_free(&j);
}

static void inject(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    int parts = 0;
    if (!m)
        return;
    struct inject in = {.from = r->argv[2], .text = r->argv[3]};
    in.parts = (int)control_number(r, "parts", 0);
    in.ref = (int)control_number(r, "ref", -1);
    in.ref16 = control_number(r, "ref16", 0) != 0;
    in.drop = (int)control_number(r, "drop", 0);
    in.twice = (int)control_number(r, "twice", 0);
    in.order = control_option(r, "order", NULL);
    in.alphabet = control_option(r, "alphabet", NULL);
    in.message_class = (int)control_number(r, "class", -1);
    in.age_s = (int)control_number(r, "age", 0);
    const char *wrong = inject_text(m->card, &in, &parts);
    inject_answer(r, wrong, parts);
}

static void inject_pdu(struct request *r)
{
    struct modem *m = command_modem(r, 1);
    if (m)
        inject_answer(r, inject_raw(m->card, r->argv[2]), 1);
}

const struct command_row command_phone[] = {
    {"handset", 1, handset, "NUMBER [limit=N] [all=1]: its SMS, decoded"},
    {"handsets", 0, handsets, "[limit=N]: numbers that got any"},
    {"tap", 1, tap,
     "NUMBER [INDEX] [via=HOST:PORT] [ua=..] [method=HEAD] [header=..] [follow=1] [n=N]"},
    {"open", 1, open_url, "URL: the same for any URL"},
    {"inject", 3, inject,
     "MODEM FROM TEXT [parts=N] [order=2,1|shuffle] [drop=K] [twice=K] [ref=R] [ref16=1] "
     "[alphabet=gsm7|ucs2|8bit] [class=0..3] [age=S]"},
    {"inject-raw", 2, inject_pdu, "MODEM HEX: a PDU with its SMSC address"},
    {NULL, 0, NULL, NULL},
};
