/* modem_told.c - hooks that remember what they were told.
 * Knows no port.  Promises: the order of the lines is the order of the calls. */
#include "modem_told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "text.h"

#define LINES_MAX 4096
#define JOBS_MAX  4096
#define LINE_MAX_ 512
#define PINS_MAX  8

struct told {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *lines[LINES_MAX];
    unsigned line_count;
    struct sms_job jobs[JOBS_MAX];
    unsigned job_count, job_next;
    char refuse[16];
    enum err refuse_with;
    int refuse_times;
    uint64_t settles;
    atomic_bool in_doubt;
    uint32_t validity_s;
    struct told_pin {
        char name[MODEM_ID_MAX];
        int outcome, attempts; /* 0 tried, 1 accepted, 2 refused */
    } pins[PINS_MAX];
    unsigned pin_count;
    struct modem_status status;
};

static void add(struct told *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add(struct told *t, const char *fmt, ...)
{
    char line[LINE_MAX_];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    pthread_mutex_lock(&t->lock);
    assert_true(t->line_count < LINES_MAX);
    t->lines[t->line_count++] = strdup(line);
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static enum err refusal(struct told *t, const char *hook)
{
    enum err e = OK;
    pthread_mutex_lock(&t->lock);
    if (t->refuse_times && strcmp(t->refuse, hook) == 0) {
        e = t->refuse_with;
        t->refuse_times -= t->refuse_times > 0;
    }
    pthread_mutex_unlock(&t->lock);
    if (e)
        add(t, "refused %s", hook);
    return e;
}

/* ---- the hooks ---- */

static bool take_job(struct told *t, struct sms_job *job)
{
    pthread_mutex_lock(&t->lock);
    bool has = t->job_next < t->job_count;
    if (has)
        *job = t->jobs[t->job_next++];
    pthread_mutex_unlock(&t->lock);
    return has;
}

static enum err on_next(void *ctx, const char *modem, struct sms_job *job)
{
    (void)modem;
    enum err e = refusal(ctx, "next");
    if (e)
        return e;
    return take_job(ctx, job) ? OK : ERR_EMPTY;
}

static enum err on_sent(void *ctx, const char *modem, const struct sms_job *job, uint8_t mr,
                        struct sms_job *next)
{
    (void)modem;
    enum err e = refusal(ctx, "sent");
    if (e)
        return e;
    add(ctx, "sent %llu mr=%u", (unsigned long long)job->part, mr);
    if (next && !take_job(ctx, next))
        next->part = 0;
    return OK;
}

static enum err on_failed(void *ctx, const char *modem, const struct sms_job *job,
                          const struct modem_fault *why)
{
    (void)modem;
    enum err e = refusal(ctx, "failed");
    if (e)
        return e;
    add(ctx, "failed %llu %s %s", (unsigned long long)job->part, fault_class_str(why->class),
        why->code);
    return OK;
}

static bool on_in_doubt(void *ctx, const char *modem)
{
    struct told *t = ctx;
    (void)modem;
    return atomic_load(&t->in_doubt);
}

static enum err on_late(void *ctx, const char *modem, uint8_t mr)
{
    (void)modem;
    enum err e = refusal(ctx, "late");
    if (e)
        return e;
    add(ctx, "late mr=%u", mr);
    return OK;
}

static enum err on_report(void *ctx, const char *modem, const struct sms_report *rep,
                          uint64_t *settled_part)
{
    struct told *t = ctx;
    (void)modem;
    enum err e = refusal(t, "report");
    if (e)
        return e;
    *settled_part = t->settles;
    add(t, "report mr=%u st=%02x %s", rep->mr, rep->st, rep->recipient);
    return OK;
}

static enum err on_incoming(void *ctx, const char *modem, const struct sms_deliver *msg,
                            const struct sms_raw *pdu)
{
    char text[1024];
    const struct sms_ud *parts[] = {&msg->ud};
    (void)modem;
    enum err e = refusal(ctx, "incoming");
    if (e)
        return e;
    assert_true(pdu->n > 0);
    if (sms_join(parts, 1, text, sizeof text) != OK)
        snprintf(text, sizeof text, "(binary)");
    add(ctx, "incoming %s %s", msg->sender, text);
    return OK;
}

static enum err on_raw(void *ctx, const char *modem, const struct sms_raw *pdu)
{
    char hex[2 * MODEM_PDU_MAX + 1];
    (void)modem;
    enum err e = refusal(ctx, "raw");
    if (e)
        return e;
    text_hex_encode(pdu->octets, pdu->n, hex);
    add(ctx, "raw %s", hex);
    return OK;
}

static enum err on_identified(void *ctx, const char *modem, const struct modem_identity *who)
{
    (void)modem;
    enum err e = refusal(ctx, "identified");
    if (e)
        return e;
    add(ctx, "identified %s %s %s", who->imei, who->iccid, who->imsi);
    return OK;
}

static struct told_pin *pin_of(struct told *t, const char *name)
{
    for (unsigned i = 0; i < t->pin_count; i++)
        if (strcmp(t->pins[i].name, name) == 0)
            return &t->pins[i];
    assert_true(t->pin_count < PINS_MAX);
    struct told_pin *p = &t->pins[t->pin_count++];
    *p = (struct told_pin){.outcome = -1};
    snprintf(p->name, sizeof p->name, "%s", name);
    return p;
}

static enum err on_pin_may_try(void *ctx, const char *iccid, const char *pin, int attempts)
{
    struct told *t = ctx;
    (void)pin;
    enum err e = refusal(t, "pin_may_try");
    if (e)
        return e;
    struct told_pin *p = pin_of(t, iccid);
    bool lost = p->attempts < 0 || attempts < p->attempts;
    if (p->outcome == 2 || (p->outcome == 0 && lost))
        return ERR_DENIED;
    p->outcome = 0;
    p->attempts = attempts;
    add(t, "pin may_try %s", iccid);
    return OK;
}

static enum err on_pin_done(void *ctx, const char *iccid, const char *pin, bool accepted)
{
    (void)pin;
    pin_of(ctx, iccid)->outcome = accepted ? 1 : 2;
    add(ctx, "pin %s %s", accepted ? "accepted" : "refused", iccid);
    return OK;
}

static void on_state(void *ctx, const char *modem, const struct modem_status *now)
{
    struct told *t = ctx;
    (void)modem;
    pthread_mutex_lock(&t->lock);
    bool same = t->line_count && t->status.state == now->state &&
                strcmp(t->status.reason, now->reason) == 0;
    t->status = *now;
    pthread_mutex_unlock(&t->lock);
    if (!same)
        add(t, "state %s %s", modem_state_str(now->state), now->reason);
}

static void on_event(void *ctx, const char *modem, const struct modem_event *what)
{
    static const char *const kinds[] = {[MODEM_EVENT_CALL] = "call",
                                        [MODEM_EVENT_MEMORY_FULL] = "memory_full",
                                        [MODEM_EVENT_RESET] = "reset",
                                        [MODEM_EVENT_USSD] = "ussd"};
    (void)modem;
    add(ctx, "event %s %s", kinds[what->kind], what->text);
}

static void on_stranger(void *ctx, const char *modem, const char *port, const char *imei)
{
    (void)modem;
    add(ctx, "stranger %s %s", imei, port);
}

const struct modem_hooks told_hooks = {
    .stranger = on_stranger,
    .next = on_next,
    .sent = on_sent,
    .failed = on_failed,
    .in_doubt = on_in_doubt,
    .late = on_late,
    .report = on_report,
    .incoming = on_incoming,
    .raw = on_raw,
    .identified = on_identified,
    .pin_may_try = on_pin_may_try,
    .pin_done = on_pin_done,
    .state = on_state,
    .event = on_event,
};

/* ---- for the test ---- */

void told_queue(struct told *t, const char *recipient, const char *text)
{
    struct sms_plan plan;
    pthread_mutex_lock(&t->lock);
    assert_true(t->job_count < JOBS_MAX);
    struct sms_job *job = &t->jobs[t->job_count++];
    memset(job, 0, sizeof *job);
    job->part = t->job_count;
    job->submit.status_report = true;
    job->submit.validity_s = t->validity_s;
    snprintf(job->submit.recipient, sizeof job->submit.recipient, "%s", recipient);
    assert_int_equal(OK, sms_plan(text, &plan));
    assert_int_equal(OK, sms_plan_part(text, &plan, 0, 1, &job->submit.ud));
    pthread_mutex_unlock(&t->lock);
}

void told_in_doubt(struct told *t)
{
    atomic_store(&t->in_doubt, true);
}

void told_validity(struct told *t, uint32_t seconds)
{
    t->validity_s = seconds;
}

void told_refuse(struct told *t, const char *hook, enum err e, int times)
{
    pthread_mutex_lock(&t->lock);
    snprintf(t->refuse, sizeof t->refuse, "%s", hook);
    t->refuse_with = e;
    t->refuse_times = times;
    pthread_mutex_unlock(&t->lock);
}

void told_settles(struct told *t, uint64_t part)
{
    pthread_mutex_lock(&t->lock);
    t->settles = part;
    pthread_mutex_unlock(&t->lock);
}

static unsigned count(const struct told *t, const char *line)
{
    unsigned n = 0;
    for (unsigned i = 0; i < t->line_count; i++)
        n += strncmp(t->lines[i], line, strlen(line)) == 0;
    return n;
}

unsigned told_count(struct told *t, const char *line)
{
    pthread_mutex_lock(&t->lock);
    unsigned n = count(t, line);
    pthread_mutex_unlock(&t->lock);
    return n;
}

bool told_wait_n(struct told *t, const char *line, unsigned n, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (ms + 999) / 1000;
    pthread_mutex_lock(&t->lock);
    int e = 0;
    while (count(t, line) < n && e == 0)
        e = pthread_cond_timedwait(&t->changed, &t->lock, &until);
    bool done = count(t, line) >= n;
    pthread_mutex_unlock(&t->lock);
    return done;
}

bool told_wait(struct told *t, const char *line, int ms)
{
    return told_wait_n(t, line, 1, ms);
}

const char *told_line(struct told *t, unsigned i)
{
    for (unsigned j = 0; j < t->line_count; j++)
        if (strncmp(t->lines[j], "state ", 6) != 0 && i-- == 0)
            return t->lines[j];
    return NULL;
}

void told_print(struct told *t)
{
    pthread_mutex_lock(&t->lock);
    for (unsigned i = 0; i < t->line_count; i++)
        fprintf(stderr, "   told: %s\n", t->lines[i]);
    pthread_mutex_unlock(&t->lock);
}

void told_status(struct told *t, struct modem_status *out)
{
    pthread_mutex_lock(&t->lock);
    *out = t->status;
    pthread_mutex_unlock(&t->lock);
}

struct told *told_new(void)
{
    struct told *t = calloc(1, sizeof *t);
    assert_non_null(t);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    return t;
}

void told_free(struct told *t)
{
    for (unsigned i = 0; i < t->line_count; i++)
        free(t->lines[i]);
    pthread_mutex_destroy(&t->lock);
    pthread_cond_destroy(&t->changed);
    free(t);
}
