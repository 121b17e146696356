/* api_alertmanager.c - POST /hooks/alertmanager: a group of alerts to everybody in api.alertmanager_to.
 * Refuses to know Alertmanager's JSON (alert.c does).
 * Promises: what Alertmanager repeats within 24 h is not sent again. */
#include <stdio.h>
#include <string.h>

#include "alert.h"
#include "api_post.h"
#include "config.h"
#include "status.h"

#define PRIORITY "8" /* ahead of what is not urgent, behind one-time codes */
#define SENDER   "alerts"

static void answer_msgids(struct api_post *p, size_t count)
{
    struct buf json;
    buf_init(&json, API_JSON_MAX);
    buf_add(&json, "[", 1);
    for (size_t i = 0; i < count; i++) {
        buf_add_str(&json, i ? ",{\"msgid\":" : "{\"msgid\":");
        status_json_string(&json, p->accept.messages[i].msgid);
        buf_add(&json, "}", 1);
    }
    buf_add(&json, "]", 1);
    api_json(p->rq, count ? 201 : 200, &json);
    buf_free(&json);
}

/* The same news with other words in an annotation is a conflict to the store, and no news to people. */
static void outcome(struct api_post *p, enum err result)
{
    if (result == OK)
        answer_msgids(p, p->accept.count);
    else if (result == ERR_CONFLICT)
        answer_msgids(p, 0);
    else if (result != ERR_DENIED)
        api_store_error(p->rq, result);
    else if (!api_post_again(p))
        api_invalid(p->rq, "alertmanager_to", "All of these numbers have opted out.");
}

static void set(struct api_body *body, enum api_field f, const char *text)
{
    body->field[f] = (struct api_value){.kind = API_TEXT, .text = text, .n = strlen(text)};
}

static void send_alert(struct api_call *call, struct api_post *p, const struct alert *alert)
{
    const struct config_list *to = call->api->o.alertmanager_to;
    struct api_value numbers[CONFIG_ITEMS_MAX];
    struct api_body body = {0};
    struct buf errors;
    for (unsigned i = 0; i < to->n; i++)
        numbers[i] =
            (struct api_value){.kind = API_TEXT, .text = to->item[i], .n = strlen(to->item[i])};
    body.field[API_RECIPIENT] =
        (struct api_value){.kind = API_LIST, .items = numbers, .count = to->n};
    set(&body, API_MESSAGE, alert->text);
    set(&body, API_SENDER, SENDER);
    set(&body, API_PRIORITY, PRIORITY);
    buf_init(&errors, API_JSON_MAX);
    enum err e = api_check_fields(call, &p->arena, p->now_ms, &body, &p->fields, &errors);
    if (e == ERR_RANGE)
        api_json(call->rq, 400, &errors);
    else if (e)
        api_store_error(call->rq, e);
    else
        api_post_send(call, p, alert->key);
    buf_free(&errors);
}

/* The body as text.  False: has answered. */
static bool read_alert(struct api_call *call, struct alert *alert)
{
    const char *body;
    char why[ALERT_WHY_MAX];
    size_t n;
    if (!api_read_json(call, &body, &n))
        return false;
    enum err e = alert_parse(body, n, alert, why);
    if (e == ERR_SYNTAX)
        api_detail(call->rq, 400, why);
    else if (e)
        api_store_error(call->rq, e);
    return e == OK;
}

void api_alertmanager_post(struct api_call *call)
{
    struct alert alert;
    if (!read_alert(call, &alert))
        return;
    if (call->api->o.alertmanager_to->n == 0) {
        api_detail(call->rq, 400, "api.alertmanager_to is empty: nobody to tell.");
        return;
    }
    struct api_post *p = api_post_new(call, outcome);
    if (!p)
        return;
    struct alert *kept = p->state = api_arena_take(&p->arena, sizeof *kept);
    if (!kept) {
        api_store_error(call->rq, ERR_NO_MEMORY);
        return;
    }
    *kept = alert;
    send_alert(call, p, kept);
}
