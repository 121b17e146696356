/* callback.c - the thread that posts the outbox: what is due, to whom, how
 * often; what became of it. Refuses to know what is posted (status.h) and how
 * (callback_post.h). Promises: a try is counted on disk before it is made, a
 * result is forgotten only once it is on disk; at most four at once to a host,
 * so that its backlog stands in nobody's way. */
#include "callback.h"

#include <curl/curl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callback_due.h"
#include "callback_post.h"
#include "clock.h"
#include "log.h"
#include "metrics.h"
#include "pulse.h"
#include "status.h"

#define REST_MS  1000 /* when the store refuses */
#define GRACE_MS 2000 /* for what runs at a stop */
#define GAP_MS   20   /* between looks while rows are left behind */
#define BODY_MAX ((size_t)256 * 1024)

enum slot_state {
    SLOT_FREE,
    SLOT_PICKED,  /* its body is there, the try is not counted yet */
    SLOT_POSTING, /* counted on disk, on the wire */
    SLOT_ENDED    /* the result is not on disk yet */
};

struct slot {
    enum slot_state state;
    struct due *due;   /* NULL while free; tries: begun so far */
    bool last;         /* no further try, whatever the schedule says */
    struct buf body;   /* while due->body is NULL */
    struct post *post; /* made at the slot's first use, then kept */
    struct post_result result;
    int64_t begun_ms; /* monotonic */
    int64_t next_ms;  /* of an ended try: when the next one is due, 0 never */
};

struct callback {
    struct callback_options o;
    pthread_t thread;
    CURLM *multi;
    struct store_reader *reader;
    struct due_list due;
    struct slot slots[CALLBACK_ALL_MAX];
    bool short_of;   /* a host has room, and the list no more rows of it though the
                    store has */
    bool tls_used;   /* since memory was given back */
    int64_t rest_ms; /* the store refuses: nothing before, monotonic */
    atomic_bool woken, stopping;
    atomic_uint_fast64_t posts, received, failed, given_up;
    atomic_uint running;
};

static const char *const kinds[] = {[STORE_CALLBACK_DELIVERY] = "delivery",
                                    [STORE_CALLBACK_CLICK] = "click",
                                    [STORE_CALLBACK_INBOX] = "inbox",
                                    [STORE_CALLBACK_INBOX_WHOLE] = "inbox"};

static bool is_inbox(enum store_callback_kind kind)
{
    return kind == STORE_CALLBACK_INBOX || kind == STORE_CALLBACK_INBOX_WHOLE;
}

/* ---- slots ---- */
static bool is_running(void *ctx, int64_t id)
{
    const struct callback *c = ctx;
    for (unsigned i = 0; i < CALLBACK_ALL_MAX; i++) {
        if (c->slots[i].state != SLOT_FREE && c->slots[i].due->id == id)
            return true;
    }
    return false;
}

static struct slot *slot_free(struct callback *c)
{
    for (unsigned i = 0; i < CALLBACK_ALL_MAX; i++) {
        if (c->slots[i].state == SLOT_FREE)
            return &c->slots[i];
    }
    return NULL;
}

static bool host_has_room(void *ctx, const char *host)
{
    const struct callback *c = ctx;
    unsigned n = 0;
    for (unsigned i = 0; i < CALLBACK_ALL_MAX; i++) {
        const struct slot *s = &c->slots[i];
        n += (s->state == SLOT_PICKED || s->state == SLOT_POSTING) &&
             strcmp(s->due->host, host) == 0;
    }
    return n < CALLBACK_HOST_MAX;
}

static unsigned slots_in(const struct callback *c, enum slot_state state)
{
    unsigned n = 0;
    for (unsigned i = 0; i < CALLBACK_ALL_MAX; i++)
        n += c->slots[i].state == state;
    return n;
}

static void slot_release(struct callback *c, struct slot *s)
{
    c->short_of = c->short_of || (c->due.more && !due_has_host(&c->due, s->due->host));
    buf_free(&s->body);
    free(s->due);
    s->due = NULL;
    s->state = SLOT_FREE;
}

static void slot_ended(struct slot *s, bool last, const char *error)
{
    memset(&s->result, 0, sizeof(s->result));
    (void)snprintf(s->result.error, sizeof(s->result.error), "%s", error);
    s->last = last;
    s->state = SLOT_ENDED;
}

/* ---- the body: rendered at the first try, then kept ---- */
static enum err render_message(void *ctx, const struct store_message *m)
{
    struct slot *s = ctx;
    return status_message(m, &s->body);
}

static enum err render_message_form(void *ctx, const struct store_message *m)
{
    struct slot *s = ctx;
    return status_message_form(m, &s->body);
}

static enum err render_inbox(void *ctx, const struct store_inbox *m)
{
    struct slot *s = ctx;
    return status_inbox(m, &s->body);
}

static enum err render_inbox_form(void *ctx, const struct store_inbox *m)
{
    struct slot *s = ctx;
    return status_inbox_form(m, &s->body);
}

static enum err render(struct callback *c, struct slot *s)
{
    const char *id = s->due->msgid;
    if (s->due->body)
        return OK;
    buf_clear(&s->body);
    if (is_inbox(s->due->kind))
        return store_inbox_get(c->reader, id, c->o.form ? render_inbox_form : render_inbox, s);
    return store_message_get(c->reader, NULL, id, c->o.form ? render_message_form : render_message,
                             s);
}

static const char *body_of(const struct slot *s)
{
    return s->due->body ? s->due->body : buf_str(&s->body);
}

/* ---- a try ---- */
static const char *secret_of(const struct callback *c, const struct slot *s)
{
    if (is_inbox(s->due->kind))
        return c->o.accounts->inbox_secret;
    const struct account *a = accounts_find(c->o.accounts, s->due->account);
    return a ? a->webhook_secret : NULL; /* taken out of the configuration meanwhile: not signed */
}

static enum err post(struct callback *c, struct slot *s)
{
    enum err e = s->post ? OK : post_new(s, &s->post);
    const struct post_job job = {.url = s->due->url,
                                 .webhook_id = s->due->webhook_id,
                                 .secret = secret_of(c, s),
                                 .body = body_of(s),
                                 .body_len = strlen(body_of(s)),
                                 .attempt = s->due->tries,
                                 .timeout_ms = c->o.timeout_ms,
                                 .policy = &c->o.policy};
    return e ? e : post_start(s->post, c->multi, &job);
}

/* The store refuses: what was taken goes back, and we ask again in a while. */
static void rest(struct callback *c, enum err e, const char *step)
{
    log_warn("callback", "step=%s error=\"%s\"", step, err_str(e));
    c->rest_ms = clk_mono_ms() + REST_MS;
}

static void pick(struct callback *c, struct slot *s)
{
    s->begun_ms = clk_mono_ms();
    s->last = false;
    s->state = SLOT_PICKED;
    if (s->due->tries >= c->o.tries) {
        slot_ended(s, true, "the last try was interrupted");
        return;
    }
    enum err e = render(c, s);
    if (e == ERR_NOT_FOUND || e == ERR_FULL) {
        slot_ended(s, true, e == ERR_FULL ? "the body is too large" : "what it is about is gone");
    } else if (e) {
        rest(c, e, "render");
        slot_release(c, s);
    }
}

/* Free slots take what waits, the oldest first. */
static void pick_all(struct callback *c)
{
    struct slot *s;
    struct due *d;
    while (clk_mono_ms() >= c->rest_ms && (s = slot_free(c)) != NULL &&
           (d = due_take(&c->due, host_has_room, c)) != NULL) {
        s->due = d;
        pick(c, s);
    }
}

/* The try is on disk: it is made. */
static void begin(struct callback *c, struct slot *s, unsigned tries)
{
    s->due->tries = tries;
    s->state = SLOT_POSTING;
    atomic_fetch_add(&c->posts, 1);
    c->tls_used = c->tls_used || strncmp(s->due->url, "https:", 6) == 0;
    enum err e = post(c, s);
    if (e)
        slot_ended(s, false, err_str(e));
}

/* ---- what became of it ---- */
static void count_and_log(struct callback *c, const struct slot *s, int64_t now_ms)
{
    const struct post_result *r = &s->result;
    const struct due *d = s->due;
    long long took_ms = clk_mono_ms() - s->begun_ms;
    atomic_fetch_add(r->received ? &c->received : &c->failed, 1);
    metrics_count(METRIC_CALLBACK_TRIES, !r->received);
    metrics_time(METRIC_TIME_CALLBACK, took_ms * 1000);
    if (!r->received && s->next_ms == 0)
        metrics_count(METRIC_CALLBACKS_LOST, 0);
    if (r->received) {
        log_info("callback", "id=%s kind=%s msgid=%s host=%s attempt=%u status=%ld ms=%lld",
                 d->webhook_id, kinds[d->kind], d->msgid, d->host, d->tries, r->status, took_ms);
        return;
    }
    atomic_fetch_add(&c->given_up, s->next_ms == 0);
    log_write(s->next_ms ? LOG_LVL_INFO : LOG_LVL_WARN, "callback",
              "id=%s kind=%s msgid=%s host=%s attempt=%u error=\"%s\" %s=%lld", d->webhook_id,
              kinds[d->kind], d->msgid, d->host, d->tries, r->error,
              s->next_ms ? "again_in_s" : "given_up_after_s",
              s->next_ms ? (long long)((s->next_ms - now_ms) / CLK_SECOND_MS) : took_ms / 1000);
}

/* What a slot has for the disk; false: nothing. */
static bool step_of(const struct callback *c, struct slot *s, int64_t now_ms,
                    struct store_callback_step *out)
{
    const struct due *d = s->due;
    if (s->state == SLOT_PICKED) {
        *out =
            (struct store_callback_step){.kind = STORE_STEP_BEGIN, .id = d->id, .body = body_of(s)};
        return true;
    }
    if (s->state != SLOT_ENDED)
        return false;
    s->next_ms = s->last || d->tries >= c->o.tries
                     ? 0
                     : now_ms + due_stretched(c->o.pause_ms[d->tries], d->id, d->tries);
    *out = (struct store_callback_step){.kind = s->result.received ? STORE_STEP_DONE
                                                                   : STORE_STEP_FAILED,
                                        .id = d->id,
                                        .next_ms = s->next_ms,
                                        .error = s->result.error};
    return true;
}

/* The disk has the step. */
static void stepped(struct callback *c, struct slot *s, const struct store_callback_step *step,
                    int64_t now_ms)
{
    if (step->kind == STORE_STEP_BEGIN && step->result == OK) {
        begin(c, s, step->tries);
        return;
    }
    if (step->kind != STORE_STEP_BEGIN) {
        count_and_log(c, s, now_ms);
        if (!s->result.received && s->next_ms)
            due_not_later(&c->due, s->next_ms);
    }
    slot_release(c, s); /* ended, or somebody settled it meanwhile */
}

/* What ended and what is to begin, in one commit.  A result that the disk does
 * not take stays in its slot: the receiver has it, and must not get it again.
 * True: there may be more to do. */
static bool commit(struct callback *c)
{
    struct store_callback_step steps[CALLBACK_ALL_MAX];
    struct slot *slots[CALLBACK_ALL_MAX];
    unsigned n = 0;
    int64_t now_ms = clk_wall_ms();
    for (unsigned i = 0; i < CALLBACK_ALL_MAX; i++) {
        slots[n] = &c->slots[i];
        n += step_of(c, &c->slots[i], now_ms, &steps[n]);
    }
    enum err e = n > 0 ? store_callback_steps(c->o.store, steps, n, now_ms) : OK;
    if (e)
        rest(c, e, "commit");
    for (unsigned i = 0; i < n; i++) {
        if (!e)
            stepped(c, slots[i], &steps[i], now_ms);
        else if (slots[i]->state == SLOT_PICKED)
            slot_release(c, slots[i]);
    }
    return n > 0 && !e;
}

static void drive(struct callback *c)
{
    int running, left;
    CURLMsg *m;
    (void)curl_multi_perform(c->multi, &running);
    while ((m = curl_multi_info_read(c->multi, &left)) != NULL) {
        struct slot *s = m->msg == CURLMSG_DONE ? post_owner(m->easy_handle) : NULL;
        if (!s)
            continue;
        post_end(s->post, c->multi, m->data.result, &s->result);
        s->state = SLOT_ENDED;
    }
}

/* ---- the thread ---- */
/* When the store is to be asked again: when the next row is due, after a
 * second, or soon: woken, or short of rows that it has. */
static int64_t look_at(struct callback *c)
{
    int64_t at = c->due.again_ms, soon = c->due.looked_ms + (c->due.more ? GAP_MS : 0);
    if ((c->short_of || atomic_load(&c->woken)) && soon < at)
        at = soon;
    if (c->due.cut && slot_free(c) && c->due.deep_ms < at)
        at = c->due.deep_ms;
    return at;
}

static void look(struct callback *c)
{
    atomic_store(&c->woken, false);
    c->short_of = false;
    enum err e = due_look(&c->due, c->reader);
    if (e)
        log_warn("callback", "step=look error=\"%s\"", err_str(e));
}

/* GnuTLS reads all certificate authorities for each connection, 3 MiB of small
 * pieces that glibc keeps: 100 MiB after 32 of them, measured. */
static void give_memory_back(struct callback *c)
{
    if (!c->tls_used || slots_in(c, SLOT_POSTING) > 0)
        return;
    (void)malloc_trim(0);
    c->tls_used = false;
}

/* True: there may be more to do at once. */
static bool turn(struct callback *c)
{
    drive(c);
    if (clk_mono_ms() < c->rest_ms)
        return false;
    pick_all(c);
    if (clk_mono_ms() >= look_at(c)) {
        look(c);
        pick_all(c);
    }
    bool more = commit(c);
    give_memory_back(c);
    atomic_store(&c->running, slots_in(c, SLOT_POSTING));
    return more;
}

static int wait_ms(struct callback *c)
{
    int64_t now = clk_mono_ms(), at = look_at(c);
    if (slots_in(c, SLOT_ENDED) > 0)
        at = now;
    if (at < c->rest_ms)
        at = c->rest_ms;
    return at > now ? (int)(at - now) : 0;
}

/* Stopping: what runs gets a short while, then it is a failed try like any
 * other. */
static void finish(struct callback *c)
{
    int64_t until = clk_mono_ms() + GRACE_MS;
    for (drive(c); slots_in(c, SLOT_POSTING) > 0 && clk_mono_ms() < until; drive(c))
        (void)curl_multi_poll(c->multi, NULL, 0, 100, NULL);
    for (unsigned i = 0; i < CALLBACK_ALL_MAX; i++) {
        struct slot *s = &c->slots[i];
        if (s->state == SLOT_POSTING) {
            post_end(s->post, c->multi, CURLE_ABORTED_BY_CALLBACK, &s->result);
            s->state = SLOT_ENDED;
        }
    }
    (void)commit(c);
}

static void *run(void *ctx)
{
    struct callback *c = ctx;
    pthread_setname_np(pthread_self(), "callbacks");
    pulse_begin("callbacks");
    while (!atomic_load(&c->stopping)) {
        pulse_beat();
        if (turn(c))
            continue;
        if (curl_multi_poll(c->multi, NULL, 0, wait_ms(c), NULL) != CURLM_OK)
            log_warn("callback", "step=poll error=\"no memory\"");
    }
    finish(c);
    pulse_end();
    return NULL;
}

static void callback_free(struct callback *c)
{
    for (unsigned i = 0; i < CALLBACK_ALL_MAX; i++) {
        post_free(c->slots[i].post);
        buf_free(&c->slots[i].body);
    }
    if (c->multi)
        (void)curl_multi_cleanup(c->multi);
    store_reader_close(c->reader);
    due_clear(&c->due);
    free(c);
}

enum err callback_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? OK : ERR_IO;
}

enum err callback_start(const struct callback_options *options, struct callback **out)
{
    if (options->tries < 1 || options->tries > CALLBACK_TRIES_MAX)
        return ERR_RANGE;
    struct callback *c = calloc(1, sizeof(*c));
    if (!c)
        return ERR_NO_MEMORY;
    c->o = *options;
    for (unsigned i = 0; i < CALLBACK_ALL_MAX; i++)
        buf_init(&c->slots[i].body, BODY_MAX);
    due_init(&c->due, c->o.pause_ms[0], is_running, c);
    c->multi = curl_multi_init();
    enum err e = c->multi ? store_reader_open(c->o.store, &c->reader) : ERR_NO_MEMORY;
    if (!e && pthread_create(&c->thread, NULL, run, c) != 0)
        e = ERR_IO;
    if (e)
        callback_free(c);
    else
        *out = c;
    return e;
}

void callback_wake(struct callback *c)
{
    if (c && !atomic_exchange(&c->woken, true))
        (void)curl_multi_wakeup(c->multi);
}

void callback_stop(struct callback *c)
{
    if (!c)
        return;
    atomic_store(&c->stopping, true);
    (void)curl_multi_wakeup(c->multi);
    (void)pthread_join(c->thread, NULL);
    callback_free(c);
}

void callback_counts(const struct callback *c, struct callback_counts *out)
{
    *out = (struct callback_counts){.posts = atomic_load(&c->posts),
                                    .received = atomic_load(&c->received),
                                    .failed = atomic_load(&c->failed),
                                    .given_up = atomic_load(&c->given_up),
                                    .running = atomic_load(&c->running)};
}
