/* api_modems.c - how the modems are.
 * Refuses to know AT and where the figures come from.
 * Promises: what is not known is null, never a number that was made up; whenever a modem is not ready the reason
 * is there in words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_impl.h"
#include "clock.h"
#include "log.h"
#include "status.h"

#define MODEMS_MAX 256

/* What is known of them when a request came. */
struct fleet {
    size_t n;
    struct api_modem modem[MODEMS_MAX];
    int64_t queue[MODEMS_MAX]; /* -1: the store could not be read */
};

static void put_text(struct buf *out, const char *key, const char *value)
{
    buf_addf(out, ",\"%s\":", key);
    status_json_string(out, value);
}

/* "": the modem did not say. */
static void put_known(struct buf *out, const char *key, const char *value)
{
    put_text(out, key, *value ? value : NULL);
}

static void put_time(struct buf *out, const char *key, int64_t ms)
{
    char text[CLK_TEXT_MAX] = "";
    if (ms)
        clk_format(ms, text);
    put_known(out, key, text);
}

static void put_storage(struct buf *out, const struct modem_status *s)
{
    buf_add_str(out, ",\"storage\":");
    if (!*s->storage) {
        buf_add_str(out, "null");
        return;
    }
    buf_add_str(out, "{\"name\":");
    status_json_string(out, s->storage);
    buf_addf(out, ",\"used\":%u,\"size\":%u}", s->storage_used, s->storage_size);
}

static const char *const registrations[] = {
    [REG_UNKNOWN] = "not known yet",
    [REG_NONE] = "not registered, and not searching",
    [REG_SEARCHING] = "searching a network",
    [REG_DENIED] = "denied by the network",
    [REG_EMERGENCY] = "emergency calls only",
    [REG_HOME] = "home network",
    [REG_ROAMING] = "roaming",
    [REG_SMS_HOME] = "home network, SMS only",
    [REG_SMS_ROAMING] = "roaming, SMS only",
};

static void put_registration(struct buf *out, enum modem_registration r)
{
    put_text(out, "registration", modem_registration_str(r));
    put_text(out, "registration_text", registrations[r]);
}

/* Four bars: CSQ 2 to 9 is called marginal, 10 to 14 fair, 15 to 19 good, 20 and more excellent; each step is 2 dB
 * from -113 dBm on (27.007 8.5). */
static void put_signal(struct buf *out, int dbm)
{
    static const int bars_from[] = {-109, -93, -83, -73};
    int bars = 0;
    if (dbm == MODEM_SIGNAL_UNKNOWN) {
        buf_add_str(out, ",\"signal_dbm\":null,\"signal_bars\":null");
        return;
    }
    for (size_t i = 0; i < sizeof bars_from / sizeof *bars_from; i++)
        bars += dbm >= bars_from[i];
    buf_addf(out, ",\"signal_dbm\":%d,\"signal_bars\":%d", dbm, bars);
}

static void put_identity(struct buf *out, const struct modem_identity *who)
{
    put_known(out, "imei", who->imei);
    put_known(out, "iccid", who->iccid);
    put_known(out, "imsi", who->imsi);
    put_known(out, "number", who->number);
    put_known(out, "manufacturer", who->manufacturer);
    put_known(out, "model", who->model);
    put_known(out, "firmware", who->firmware);
}

/* How often each rung of the ladder was tried. */
static void put_recoveries(struct buf *out, const struct modem_status *s)
{
    buf_add_str(out, ",\"recoveries\":{");
    for (unsigned r = 0; r < MODEM_RUNGS; r++)
        buf_addf(out, "%s\"%s\":%u", r ? "," : "", modem_rung_str(r), s->recoveries[r]);
    buf_add(out, "}", 1);
}

static void put_counts(struct buf *out, const struct api_modem *m, int64_t queue)
{
    if (queue >= 0)
        buf_addf(out, ",\"queue\":%lld", (long long)queue);
    else
        buf_add_str(out, ",\"queue\":null");
    buf_addf(out, ",\"resets\":%u,\"sent\":%llu,\"failed\":%llu,\"received\":%llu",
             m->status.resets, (unsigned long long)m->sent, (unsigned long long)m->failed,
             (unsigned long long)m->received);
    buf_addf(out, ",\"calls\":%llu", (unsigned long long)m->calls);
    put_known(out, "last_caller", m->last_caller);
    put_time(out, "last_call", m->last_call_ms);
}

static void put_modem(struct buf *out, const struct api_modem *m, int64_t queue)
{
    const struct modem_status *s = &m->status;
    buf_add_str(out, "{\"name\":");
    status_json_string(out, m->name);
    put_text(out, "state", modem_state_str(s->state));
    put_text(out, "reason", s->reason);
    put_time(out, "suspended_until", s->until_ms);
    put_known(out, "port", s->port);
    put_identity(out, &s->who);
    put_registration(out, s->registration);
    put_known(out, "operator", s->operator_name);
    put_signal(out, s->signal_dbm);
    put_known(out, "smsc", s->smsc);
    put_storage(out, s);
    put_counts(out, m, queue);
    put_recoveries(out, s);
    buf_add(out, "}", 1);
}

static void take_queue(void *ctx, const char *modem, int64_t parts)
{
    struct fleet *f = ctx;
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->modem[i].name, modem) == 0)
            f->queue[i] = parts;
}

static struct fleet *read_fleet(struct api_call *call)
{
    struct fleet *f = calloc(1, sizeof *f);
    if (!f) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return NULL;
    }
    f->n = call->api->o.modems(call->api->o.ctx, f->modem, MODEMS_MAX);
    enum err e = store_queues(call->api->reader, take_queue, f);
    if (e)
        log_warn("api", "the queues cannot be read: %s", err_str(e));
    for (size_t i = 0; e && i < f->n; i++)
        f->queue[i] = -1;
    return f;
}

void api_modems_list(struct api_call *call)
{
    struct buf json;
    struct fleet *f = read_fleet(call);
    if (!f)
        return;
    buf_init(&json, API_JSON_MAX);
    buf_add(&json, "[", 1);
    for (size_t i = 0; i < f->n; i++) {
        if (i > 0)
            buf_add(&json, ",", 1);
        put_modem(&json, &f->modem[i], f->queue[i]);
    }
    buf_add(&json, "]", 1);
    api_json(call->rq, 200, &json);
    buf_free(&json);
    free(f);
}

/* f->n: none of that name. */
static size_t find_modem(const struct fleet *f, const char *name)
{
    size_t i = 0;
    while (i < f->n && strcmp(f->modem[i].name, name) != 0)
        i++;
    return i;
}

void api_modem_get(struct api_call *call)
{
    struct buf json;
    struct fleet *f = read_fleet(call);
    if (!f)
        return;
    size_t i = find_modem(f, call->id);
    buf_init(&json, API_JSON_MAX);
    if (i < f->n) {
        put_modem(&json, &f->modem[i], f->queue[i]);
        api_json(call->rq, 200, &json);
    } else {
        api_empty(call->rq, 404);
    }
    buf_free(&json);
    free(f);
}

bool api_modem_status(struct api_call *call, struct modem_status *out)
{
    struct fleet *f = calloc(1, sizeof *f);
    if (!f) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return false;
    }
    f->n = call->api->o.modems(call->api->o.ctx, f->modem, MODEMS_MAX);
    size_t i = find_modem(f, call->id);
    bool found = i < f->n;
    if (found)
        *out = f->modem[i].status;
    else
        api_empty(call->rq, 404);
    free(f);
    return found;
}
