/* api_state.c - how things are: modems, credits, health.
 * Refuses to know AT and where the figures come from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_impl.h"
#include "status.h"

#define MODEMS_MAX 256

/* ---- modems ---- */

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

static void put_modem(struct buf *out, const struct api_modem *m)
{
    const struct modem_status *s = &m->status;
    buf_add_str(out, "{\"name\":");
    status_json_string(out, m->name);
    put_text(out, "state", modem_state_str(s->state));
    put_text(out, "reason", s->reason);
    put_known(out, "port", s->port);
    put_known(out, "imei", s->who.imei);
    put_known(out, "iccid", s->who.iccid);
    put_known(out, "imsi", s->who.imsi);
    put_known(out, "number", s->who.number);
    put_known(out, "manufacturer", s->who.manufacturer);
    put_known(out, "model", s->who.model);
    put_known(out, "firmware", s->who.firmware);
    put_text(out, "registration", modem_registration_str(s->registration));
    put_known(out, "operator", s->operator_name);
    if (s->signal_dbm == MODEM_SIGNAL_UNKNOWN)
        buf_add_str(out, ",\"signal_dbm\":null");
    else
        buf_addf(out, ",\"signal_dbm\":%d", s->signal_dbm);
    put_known(out, "smsc", s->smsc);
    put_storage(out, s);
    buf_addf(out, ",\"resets\":%u,\"sent\":%llu,\"failed\":%llu,\"received\":%llu}", s->resets,
             (unsigned long long)m->sent, (unsigned long long)m->failed,
             (unsigned long long)m->received);
}

static struct api_modem *read_modems(struct api_call *call, size_t *n)
{
    struct api_modem *modems = calloc(MODEMS_MAX, sizeof *modems);
    if (modems)
        *n = call->api->o.modems(call->api->o.ctx, modems, MODEMS_MAX);
    else
        api_store_error(call->rq, ERR_NO_MEMORY);
    return modems;
}

void api_modems_list(struct api_call *call)
{
    struct buf json;
    size_t n = 0;
    struct api_modem *modems = read_modems(call, &n);
    if (!modems)
        return;
    buf_init(&json, API_JSON_MAX);
    buf_add(&json, "[", 1);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_add(&json, ",", 1);
        put_modem(&json, &modems[i]);
    }
    buf_add(&json, "]", 1);
    api_json(call->rq, 200, &json);
    buf_free(&json);
    free(modems);
}

void api_modem_get(struct api_call *call)
{
    struct buf json;
    size_t n = 0, i = 0;
    struct api_modem *modems = read_modems(call, &n);
    if (!modems)
        return;
    while (i < n && strcmp(modems[i].name, call->id) != 0)
        i++;
    buf_init(&json, API_JSON_MAX);
    if (i < n) {
        put_modem(&json, &modems[i]);
        api_json(call->rq, 200, &json);
    } else {
        api_empty(call->rq, 404);
    }
    buf_free(&json);
    free(modems);
}

/* ---- credits, health ---- */

void api_credits_get(struct api_call *call)
{
    struct buf json;
    buf_init(&json, API_JSON_MAX);
    buf_add_str(&json, "{\"credits\":");
    status_json_number(&json, call->account->credits);
    buf_add(&json, "}", 1);
    api_json(call->rq, 200, &json);
    buf_free(&json);
}

/* 503 only for what a restart or a person has to mend; a missing modem is none of it. */
void api_health_get(struct api_call *call)
{
    static const char fine[] = "{\"status\":\"ok\"}";
    const struct api_options *o = &call->api->o;
    char why[HTTP_WHY_MAX] = "";
    enum err e = store_health(o->store);
    if (e)
        snprintf(why, sizeof why, "The message store cannot commit: %s.", err_str(e));
    else if (o->health)
        e = o->health(o->ctx, why);
    if (e)
        api_detail(call->rq, 503, why);
    else
        http_answer_bytes(call->rq, 200, "application/json", fine, sizeof fine - 1, NULL, 0);
}
