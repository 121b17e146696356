/* api_preview.c - POST /sms/preview: how a text would go out, without sending it.
 * Refuses to know recipients and the store. */
#include <string.h>

#include "api_fields.h"
#include "api_impl.h"
#include "clock.h"
#include "status.h"
#include "text.h"

/* A character alone goes out as UCS-2 exactly when it is what makes the whole text go out so. */
static bool costly(const char *character)
{
    struct sms_plan plan;
    return sms_plan(character, &plan) == OK && plan.alphabet == SMS_UCS2;
}

static bool seen(const char *text, size_t at, const char *character, size_t n)
{
    const char *first = memmem(text, at, character, n);
    return first != NULL;
}

/* Each character that is not in the GSM alphabet, once. */
static void put_costly(struct buf *json, const char *text, size_t n)
{
    uint32_t cp;
    bool any = false;
    for (size_t at = 0, next = 0; at < n; at = next) {
        char character[5] = "";
        if (text_utf8_next(text, n, &next, &cp))
            return;
        memcpy(character, text + at, next - at);
        if (!costly(character) || seen(text, at, character, next - at))
            continue;
        buf_add(json, ",", any);
        status_json_string(json, character);
        any = true;
    }
}

static void put_preview(struct buf *json, const struct api_text *t)
{
    buf_add_str(json, "{\"alphabet\":");
    status_json_string(json, sms_alphabet_str(t->plan.alphabet));
    buf_addf(json, ",\"parts\":%u,\"units\":%u,\"text\":", t->plan.parts, t->plan.units);
    status_json_string(json, t->text);
    buf_add_str(json, ",\"costly\":[");
    if (t->plan.alphabet == SMS_UCS2)
        put_costly(json, t->text, t->n);
    buf_add(json, "]}", 2);
}

void api_preview_post(struct api_call *call)
{
    struct api_arena arena = {0};
    struct api_fields fields;
    struct buf json;
    if (api_read_fields(call, &arena, clk_wall_ms(), true, &fields)) {
        buf_init(&json, API_JSON_MAX);
        put_preview(&json, &fields.text);
        api_json(call->rq, 200, &json);
        buf_free(&json);
    }
    api_arena_free(&arena);
}
