/* farm.c - the modems at work.
 * Knows no HTTP and no AT.  Promises: what a hook answers OK is committed. */
#include "farm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "farm_private.h"
#include "farm_retry.h"
#include "hash.h"
#include "log.h"
#include "text.h"

/* ---- sending ---- */

static struct store_claim claim_for(const struct worker *w, int64_t now_ms)
{
    return (struct store_claim){.modem = w->name, .iccid = w->iccid, .now_ms = now_ms};
}

static void remember(struct worker *w, const struct store_claim *claim)
{
    memcpy(w->now.msgid, claim->msgid, sizeof w->now.msgid);
    w->now.queued_ms = claim->queued_ms;
    w->now.claimed_ms = claim->now_ms;
    if (claim->job.part)
        metrics_time(METRIC_TIME_QUEUE, claim->queued_ms * 1000);
}

static enum err hook_next(void *ctx, const char *modem, struct sms_job *job)
{
    (void)modem;
    struct worker *w = ctx;
    int64_t next_due_ms;
    atomic_store(&w->idle, true); /* before looking: a wake-up meanwhile is not lost */
    struct store_claim claim = claim_for(w, clk_wall_ms());
    enum err e = store_part_claim(w->farm->options.store, &claim, &next_due_ms);
    if (e)
        return e;
    atomic_store(&w->idle, false);
    remember(w, &claim);
    *job = claim.job;
    return OK;
}

static void log_sent(const struct worker *w, const struct sms_job *job, int mr, int64_t now_ms)
{
    char number[LOG_NUMBER_MAX];
    log_info("farm", "sent msg=%s part=%llu modem=%s to=%s mr=%d queued_ms=%lld sent_ms=%lld",
             w->now.msgid, (unsigned long long)job->part, w->name,
             log_number(job->submit.recipient, number), mr, (long long)w->now.queued_ms,
             (long long)(now_ms - w->now.claimed_ms));
}

static enum err settle_sent(struct worker *w, const struct sms_job *job, int mr,
                            struct sms_job *next)
{
    int64_t now_ms = clk_wall_ms();
    struct store_claim claim = claim_for(w, now_ms);
    atomic_store(&w->idle, true); /* as in hook_next: there may be nothing next */
    enum err e = store_part_sent(w->farm->options.store, job->part, w->name, w->iccid, mr, now_ms,
                                 next ? &claim : NULL);
    if (e)
        return e;
    atomic_fetch_add(&w->sent, 1);
    metrics_time_of(w->metrics, METRIC_TIME_SEND, (now_ms - w->now.claimed_ms) * 1000);
    log_sent(w, job, mr, now_ms);
    if (next) {
        *next = claim.job;
        remember(w, &claim);
        if (claim.job.part)
            atomic_store(&w->idle, false);
    }
    return OK;
}

static enum err hook_sent(void *ctx, const char *modem, const struct sms_job *job, uint8_t mr,
                          struct sms_job *next)
{
    (void)modem;
    return settle_sent(ctx, job, mr, next);
}

static bool can_send(enum modem_state state)
{
    return state == MODEM_READY || state == MODEM_SENDING;
}

/* How many others could take a part now. */
static unsigned others_ready(struct worker *me)
{
    unsigned n = 0;
    for (size_t i = 0; i < farm_count(me->farm); i++) {
        struct worker *w = &me->farm->workers[i];
        pthread_mutex_lock(&w->lock);
        n += w != me && can_send(w->status.state);
        pthread_mutex_unlock(&w->lock);
    }
    return n;
}

static enum err hook_failed(void *ctx, const char *modem, const struct sms_job *job,
                            const struct modem_fault *why)
{
    struct worker *w = ctx;
    struct store *store = w->farm->options.store;
    unsigned tries = 0;
    char last[STORE_CODE_MAX] = "";
    atomic_store(&w->idle, true); /* it claims nothing with this */
    if (why->class == FAULT_HELD) {
        enum err held = settle_sent(w, job, -1, NULL);
        if (!held)
            metrics_count_of(w->metrics, METRIC_ERRORS, FAULT_HELD);
        return held;
    }
    enum err e = store_part_tries(store, job->part, &tries, last);
    if (e)
        return e;
    int64_t now_ms = clk_wall_ms();
    struct farm_decision d =
        farm_decide(&(struct farm_failure){.why = why,
                                           .tries = tries,
                                           .last = last,
                                           .others = others_ready(w),
                                           .retry_ms = w->farm->options.retry_ms,
                                           .retry_count = w->farm->options.retry_count});
    e = store_part_failed(store, job->part, d.verdict, modem, why->code, why->text,
                          now_ms + d.pause_ms, now_ms);
    if (e)
        return e;
    metrics_count_of(w->metrics, METRIC_ERRORS, why->class);
    if (why->class != FAULT_ABANDONED)
        atomic_fetch_add(&w->failed, 1);
    log_warn("farm", "not sent msg=%s part=%llu modem=%s class=%s code=\"%s\" tries=%u text=\"%s\"",
             w->now.msgid, (unsigned long long)job->part, modem, fault_class_str(why->class),
             why->code, tries, why->text);
    return OK;
}

static bool hook_in_doubt(void *ctx, const char *modem)
{
    struct worker *w = ctx;
    uint64_t part = 0;
    return store_part_in_doubt(w->farm->options.store, modem, clk_wall_ms(), &part) == OK && part;
}

static enum err hook_late(void *ctx, const char *modem, uint8_t mr)
{
    struct worker *w = ctx;
    struct store *store = w->farm->options.store;
    int64_t now_ms = clk_wall_ms();
    uint64_t part = 0;
    enum err e = store_part_awaited(store, modem, now_ms, &part);
    if (e == OK && part)
        e = store_part_sent(store, part, modem, w->iccid, mr, now_ms, NULL);
    if (e == OK)
        log_info("farm", "late answer modem=%s mr=%u part=%llu", modem, mr,
                 (unsigned long long)part);
    return e;
}

/* ---- what arrives ---- */

static enum err hook_report(void *ctx, const char *modem, const struct sms_report *rep,
                            uint64_t *settled_part)
{
    struct worker *w = ctx;
    char number[LOG_NUMBER_MAX];
    enum err e =
        store_report(w->farm->options.store, modem, w->iccid, rep, clk_wall_ms(), settled_part);
    if (e)
        return e;
    metrics_count_of(w->metrics, METRIC_REPORTS, sms_st_outcome(rep->st));
    if (*settled_part == 0)
        metrics_count_of(w->metrics, METRIC_REPORTS_UNKNOWN, 0);
    log_info("farm", "report modem=%s mr=%u st=0x%02x to=%s part=%llu", modem, rep->mr, rep->st,
             log_number(rep->recipient, number), (unsigned long long)*settled_part);
    return OK;
}

static enum err hook_incoming(void *ctx, const char *modem, const struct sms_deliver *msg,
                              const struct sms_raw *pdu)
{
    struct worker *w = ctx;
    char number[LOG_NUMBER_MAX];
    const struct farm_options *o = &w->farm->options;
    enum err e = store_incoming(o->store, modem, w->iccid, msg, pdu, o->inbox_url, clk_wall_ms());
    if (e)
        return e;
    atomic_fetch_add(&w->received, 1);
    metrics_count_of(w->metrics, METRIC_INBOUND_PARTS, 0);
    log_info("farm", "incoming modem=%s from=%s part=%u/%u", modem, log_number(msg->sender, number),
             msg->concat.seq, msg->concat.total);
    return OK;
}

static enum err hook_raw(void *ctx, const char *modem, const struct sms_raw *pdu)
{
    struct worker *w = ctx;
    log_warn("farm", "undecodable modem=%s octets=%u: kept in the store", modem, pdu->n);
    enum err e = store_raw(w->farm->options.store, modem, w->iccid, pdu, clk_wall_ms());
    if (!e)
        metrics_count_of(w->metrics, METRIC_INBOUND_RAW, 0);
    return e;
}

/* ---- the modem itself ---- */

static enum err hook_identified(void *ctx, const char *modem, const struct modem_identity *who)
{
    struct worker *w = ctx;
    memcpy(w->iccid, who->iccid, sizeof w->iccid);
    log_info("farm", "identified modem=%s imei=%s iccid=%s model=\"%s %s\" firmware=\"%s\"", modem,
             who->imei, who->iccid, who->manufacturer, who->model, who->firmware);
    return store_identified(w->farm->options.store, modem, who, clk_wall_ms());
}

/* The PIN itself is never kept. */
static void digest_pin(const char *iccid, const char *pin, char out[HASH_SHA256_TEXT])
{
    char text[MODEM_ID_MAX + 24];
    int n = snprintf(text, sizeof text, "%s:%s", iccid, pin);
    hash_sha256_text(text, (size_t)n, out);
}

static enum err hook_pin_may_try(void *ctx, const char *iccid, const char *pin, int attempts)
{
    struct worker *w = ctx;
    char digest[HASH_SHA256_TEXT];
    digest_pin(iccid, pin, digest);
    return store_pin_may_try(w->farm->options.store, iccid, digest, attempts, clk_wall_ms());
}

static enum err hook_pin_done(void *ctx, const char *iccid, const char *pin, bool accepted)
{
    struct worker *w = ctx;
    char digest[HASH_SHA256_TEXT];
    digest_pin(iccid, pin, digest);
    return store_pin_done(w->farm->options.store, iccid, digest, accepted, clk_wall_ms());
}

/* What the store does not hear now, it sees by itself: a modem that asks for nothing is not waited for. */
static void came_or_went(struct worker *w, bool ready)
{
    struct store *store = w->farm->options.store;
    int64_t now_ms = clk_wall_ms();
    if (store_modem_ready(store, w->name, ready, now_ms))
        log_warn("farm", "modem=%s: the queue does not know that it is %s", w->name,
                 ready ? "ready" : "not ready");
    if (!ready && store_part_unheard(store, w->name, now_ms))
        log_warn("farm", "modem=%s: what it was to repeat waits for it", w->name);
    if (ready && store_part_heard_again(store, w->name, now_ms))
        log_warn("farm", "modem=%s: its uncertain parts wait from before", w->name);
}

static void tell_state(struct worker *w, const struct modem_status *now)
{
    struct event e = {.kind = EVENT_MODEM, .at_ms = clk_wall_ms(), .state = now->state};
    memcpy(e.modem, w->name, sizeof e.modem);
    memcpy(e.text, now->reason, sizeof e.text);
    events_add(w->farm->options.events, &e);
}

static void tell_event(struct worker *w, enum event_kind kind, const char *text)
{
    struct event e = {.kind = kind, .at_ms = clk_wall_ms()};
    memcpy(e.modem, w->name, sizeof e.modem);
    snprintf(e.text, sizeof e.text, "%s", text);
    events_add(w->farm->options.events, &e);
}

static void hook_state(void *ctx, const char *modem, const struct modem_status *now)
{
    struct worker *w = ctx;
    pthread_mutex_lock(&w->lock);
    enum modem_state before = w->status.state;
    bool new_reason = strcmp(w->status.reason, now->reason) != 0;
    w->status = *now;
    pthread_mutex_unlock(&w->lock);
    if (can_send(now->state) != can_send(before))
        came_or_went(w, can_send(now->state));
    bool routine = now->state == MODEM_SENDING || before == MODEM_SENDING;
    if (routine || (before == now->state && !new_reason))
        return;
    tell_state(w, now);
    log_info("farm", "modem=%s state=%s reason=\"%s\"", modem, modem_state_str(now->state),
             now->reason);
}

static void note_call(struct worker *w, const char *number)
{
    pthread_mutex_lock(&w->lock);
    w->calls.count++;
    w->calls.last_ms = clk_wall_ms();
    if (text_copy(w->calls.last, sizeof w->calls.last, number))
        w->calls.last[0] = '\0'; /* no number is as long */
    pthread_mutex_unlock(&w->lock);
}

static void hook_event(void *ctx, const char *modem, const struct modem_event *what)
{
    struct worker *w = ctx;
    static const char *const kinds[] = {
        [MODEM_EVENT_CALL] = "call",
        [MODEM_EVENT_MEMORY_FULL] = "memory_full",
        [MODEM_EVENT_RESET] = "reset",
        [MODEM_EVENT_USSD] = "ussd",
    };
    if (what->kind == MODEM_EVENT_CALL) {
        note_call(w, what->text);
        tell_event(w, EVENT_CALL, what->text);
    } else if (what->kind == MODEM_EVENT_USSD) {
        tell_event(w, EVENT_USSD, what->text);
    }
    log_info("farm", "event modem=%s kind=%s text=\"%s\"", modem, kinds[what->kind], what->text);
}

static bool hook_traced(void *ctx)
{
    const struct worker *w = ctx;
    return trace_wanted(w->trace);
}

static void hook_trace(void *ctx, const char *plain, const char *masked)
{
    struct worker *w = ctx;
    trace_add(w->trace, plain, masked);
}

static const struct modem_hooks hooks = {
    .next = hook_next,
    .sent = hook_sent,
    .failed = hook_failed,
    .in_doubt = hook_in_doubt,
    .late = hook_late,
    .report = hook_report,
    .incoming = hook_incoming,
    .raw = hook_raw,
    .identified = hook_identified,
    .pin_may_try = hook_pin_may_try,
    .pin_done = hook_pin_done,
    .state = hook_state,
    .event = hook_event,
    .traced = hook_traced,
    .trace = hook_trace,
    .stranger = farm_stranger,
};

/* ---- all of them ---- */

enum err farm_add(struct farm *f, const struct modem_config *config)
{
    size_t n = farm_count(f);
    if (n == f->room)
        return ERR_FULL;
    struct worker *w = &f->workers[n];
    w->farm = f;
    memcpy(w->name, config->name, sizeof w->name);
    memcpy(w->imei, config->imei, sizeof w->imei);
    w->roams = config->port[0] == '\0';
    pthread_mutex_init(&w->lock, NULL);
    snprintf(w->status.reason, sizeof w->status.reason, "its thread is starting");
    w->metrics = metrics_of(w->name);
    w->trace = trace_new();
    enum err e = w->trace ? modem_start(config, &hooks, w, &w->modem) : ERR_NO_MEMORY;
    if (!e) {
        atomic_store(&f->count, n + 1); /* from now on others see it */
        return OK;
    }
    trace_drop(w->trace);
    pthread_mutex_destroy(&w->lock);
    return e;
}

enum err farm_start(const struct farm_options *options, struct farm **out)
{
    size_t room = options->count + FARM_FOUND_MAX;
    struct farm *f = calloc(1, sizeof *f + room * sizeof f->workers[0]);
    if (!f)
        return ERR_NO_MEMORY;
    f->options = *options;
    f->room = room;
    pthread_mutex_init(&f->lock, NULL);
    enum err e = OK;
    for (size_t i = 0; !e && i < options->count; i++)
        e = farm_add(f, &options->modems[i]);
    if (!e)
        e = farm_discover(f);
    if (e) {
        farm_stop(f, 0);
        return e;
    }
    f->options.modems = NULL; /* the caller's again */
    *out = f;
    return OK;
}

void farm_wake(struct farm *f)
{
    for (size_t i = 0; i < farm_count(f); i++) {
        if (atomic_exchange(&f->workers[i].idle, false))
            modem_wake(f->workers[i].modem);
    }
}

void farm_stop(struct farm *f, int grace_ms)
{
    if (!f)
        return;
    farm_undiscover(f); /* from here on there are no more of them */
    for (size_t i = 0; i < farm_count(f); i++)
        modem_stop(f->workers[i].modem, grace_ms);
    for (size_t i = 0; i < farm_count(f); i++) {
        modem_join(f->workers[i].modem);
        trace_drop(f->workers[i].trace);
        pthread_mutex_destroy(&f->workers[i].lock);
    }
    pthread_mutex_destroy(&f->lock);
    free(f->reserved);
    free(f->ports);
    free(f);
}

size_t farm_modems(struct farm *f, struct farm_modem *out, size_t max)
{
    size_t count = farm_count(f), n = count < max ? count : max;
    for (size_t i = 0; i < n; i++) {
        struct worker *w = &f->workers[i];
        memcpy(out[i].name, w->name, sizeof out[i].name);
        pthread_mutex_lock(&w->lock);
        out[i].status = w->status;
        out[i].calls = w->calls;
        pthread_mutex_unlock(&w->lock);
        out[i].sent = atomic_load(&w->sent);
        out[i].failed = atomic_load(&w->failed);
        out[i].received = atomic_load(&w->received);
    }
    return n;
}

static struct worker *find_worker(struct farm *f, const char *modem)
{
    for (size_t i = 0; i < farm_count(f); i++) {
        if (strcmp(f->workers[i].name, modem) == 0)
            return &f->workers[i];
    }
    return NULL;
}

void farm_tick(struct farm *f, int64_t now_ms)
{
    for (size_t i = 0; i < farm_count(f); i++) {
        struct worker *w = &f->workers[i];
        pthread_mutex_lock(&w->lock);
        if (w->status.signal_dbm != MODEM_SIGNAL_UNKNOWN)
            signal_log_add(&w->signal, now_ms, w->status.signal_dbm);
        pthread_mutex_unlock(&w->lock);
    }
}

enum err farm_signal(struct farm *f, const char *modem, int64_t now_ms, struct signal_sample *out,
                     size_t *n)
{
    struct worker *w = find_worker(f, modem);
    if (!w)
        return ERR_NOT_FOUND;
    pthread_mutex_lock(&w->lock);
    *n = signal_log_copy(&w->signal, now_ms, out);
    pthread_mutex_unlock(&w->lock);
    return OK;
}

enum err farm_request(struct farm *f, const char *modem, const struct modem_request *request)
{
    struct worker *w = find_worker(f, modem);
    return w ? modem_request(w->modem, request) : ERR_NOT_FOUND;
}

struct trace *farm_trace(struct farm *f, const char *modem)
{
    struct worker *w = find_worker(f, modem);
    return w ? trace_hold(w->trace) : NULL;
}

bool farm_has(struct farm *f, const char *modem)
{
    return find_worker(f, modem) != NULL;
}
