/* api_signal.c - GET /modems/<name>/signal/: how well a modem heard its network over the last day.
 * Refuses to know where the samples come from. */
#include <stdlib.h>

#include "api_impl.h"
#include "clock.h"

void api_modem_signal(struct api_call *call)
{
    const struct api_options *o = &call->api->o;
    struct signal_sample *samples = calloc(SIGNAL_LOG_MAX, sizeof *samples);
    char time[CLK_TEXT_MAX];
    struct buf json;
    size_t n = 0;
    enum err e = samples ? o->modem_signal(o->ctx, call->id, samples, &n) : ERR_NO_MEMORY;
    if (e) {
        api_store_error(call->rq, e);
        free(samples);
        return;
    }
    buf_init(&json, API_JSON_MAX);
    buf_add(&json, "[", 1);
    for (size_t i = 0; i < n; i++)
        buf_addf(&json, "%s{\"time\":\"%s\",\"dbm\":%d}", i ? "," : "",
                 clk_format(samples[i].at_s * 1000, time), samples[i].dbm);
    buf_add(&json, "]", 1);
    api_json(call->rq, 200, &json);
    buf_free(&json);
    free(samples);
}
