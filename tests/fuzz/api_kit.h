/* api_kit.h - a body through the API's parser and checks, as a request would go; shared by two targets. */
#ifndef API_KIT_H
#define API_KIT_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "../../src/api_fields.h"
#include "clock.h"
#include "text.h"

static bool api_kit_known(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "gsm1") == 0;
}

/* What was let through is what the store and the modem may rely on. */
static void api_kit_right(const struct api_fields *f)
{
    size_t n = strlen(f->text.text);
    bool right = n == f->text.n && text_utf8_check(f->text.text, n) == OK &&
                 text_utf16_units(f->text.text, n) <= SMS_TEXT_MAX && f->text.plan.parts >= 1 &&
                 f->recipients >= 1 && f->priority <= 9 && f->valid_until_ms > f->due_ms;
    for (size_t i = 0; i < f->recipients; i++)
        right = right && f->recipient[i][0] == '+' && strlen(f->recipient[i]) <= 16;
    json_t *tags = json_loads(f->tags, 0, NULL);
    if (!right || !json_is_array(tags))
        abort();
    json_decref(tags);
}

static inline void api_kit_try(const char *type, const void *body, size_t n)
{
    static struct url_policy policy;
    static bool ready;
    char why[URL_WHY_MAX], refused[API_BODY_WHY_MAX];
    if (!ready && (link_init() || url_policy_parse("loopback, private, external", &policy, why)))
        abort();
    ready = true;
    const struct api_fields_rules rules = {.text = {"https://s.example", 10},
                                           .now_ms = 1767323045000,
                                           .validity_ms = 72 * CLK_HOUR_MS,
                                           .policy = &policy,
                                           .modem_known = api_kit_known};
    struct api_arena arena = {0};
    struct api_body parsed;
    struct api_fields fields;
    struct buf errors;
    buf_init(&errors, 1 << 20);
    enum err e = api_body_parse(&arena, type, body, n, &parsed, refused);
    if (e == ERR_SYNTAX && (!refused[0] || text_utf8_check(refused, strlen(refused))))
        abort();
    if (!e)
        e = api_fields_check(&arena, &rules, &parsed, &fields, &errors);
    if (e == OK)
        api_kit_right(&fields);
    if (e == ERR_RANGE) {
        json_t *json = json_loadb(buf_str(&errors), errors.len, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(json) || json_object_size(json) == 0)
            abort();
        json_decref(json);
    }
    buf_free(&errors);
    api_arena_free(&arena);
}

#endif
