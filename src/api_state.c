/* api_state.c - how things are: credits, health.
 * Refuses to know where the figures come from. */
#include <stdio.h>

#include "api_impl.h"
#include "status.h"

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
