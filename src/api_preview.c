/* api_preview.c - POST /sms/preview: how a text would go out, without sending it.
 * Refuses to know recipients and the store. */
#include <string.h>

#include "api_fields.h"
#include "api_impl.h"
#include "clock.h"
#include "status.h"
#include "text.h"

/* Septets that a character takes in the default alphabet (23.038 6.2.1); 0: it has none. */
static unsigned septets(const char *character)
{
    struct sms_plan plan;
    return sms_plan(character, &plan) == OK && plan.alphabet != SMS_UCS2 ? plan.units : 0;
}

/* Each character that takes more than others, once: two units instead of one, or because of which the whole text is
 * UCS-2 (70 a part instead of 160). */
static void put_costly(struct buf *json, const struct api_text *t)
{
    uint32_t cp;
    const char *before = "";
    bool ucs2 = t->plan.alphabet == SMS_UCS2;
    for (size_t at = 0, next = 0; at < t->n; at = next) {
        char character[5] = "";
        if (text_utf8_next(t->text, t->n, &next, &cp))
            return;
        memcpy(character, t->text + at, next - at);
        unsigned units = sms_plan_units(&t->plan, cp);
        bool at_fault = ucs2 && septets(character) == 0;
        if ((units < 2 && !at_fault) || memmem(t->text, at, character, next - at))
            continue;
        buf_addf(json, "%s{\"character\":", before);
        status_json_string(json, character);
        buf_addf(json, ",\"units\":%u,\"ucs2\":%s}", units, at_fault ? "true" : "false");
        before = ",";
    }
}

static void put_preview(struct buf *json, const struct api_text *t)
{
    uint8_t language = t->plan.lang_single ? t->plan.lang_single : t->plan.lang_lock;
    buf_addf(json, "{\"alphabet\":\"%s%s%s\"", sms_alphabet_str(t->plan.alphabet),
             language ? "-" : "", sms_language_str(language));
    buf_addf(json, ",\"parts\":%u,\"units\":%u,\"text\":", t->plan.parts, t->plan.units);
    status_json_string(json, t->text);
    buf_add_str(json, ",\"costly\":[");
    put_costly(json, t);
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
