/* api_request.c - a body that is read and found to be right, or the answer that says why not.
 * Refuses to know what is done with the fields.
 * Promises: 413 and 415 before anything is parsed; 400 names every failing field. */
#include <stdio.h>

#include "api_fields.h"
#include "api_impl.h"
#include "text.h"

static void refuse_type(struct http_request *rq, const char *type)
{
    char text[160];
    snprintf(text, sizeof text, "Unsupported media type \"%.80s\" in request.", type ? type : "");
    api_detail(rq, 415, text);
}

/* RFC 9110 15.5.16: a packed body is not read as if it were not, and never unpacked. */
static bool is_packed(struct http_request *rq)
{
    const char *coding = http_header(rq, "Content-Encoding");
    return coding && *coding && !text_equal_nocase(coding, "identity");
}

/* The bytes.  False: 413 or 415 was answered. */
static bool read_bytes(struct api_call *call, const char **body, size_t *n)
{
    if (http_body(call->rq, body, n)) {
        api_detail(call->rq, 413, "The request body is longer than 256 KiB.");
        return false;
    }
    if (is_packed(call->rq)) {
        api_detail(call->rq, 415, "Content-Encoding is not supported: send the body as it is.");
        return false;
    }
    return true;
}

bool api_read_json(struct api_call *call, const char **body, size_t *n)
{
    const char *type = http_header(call->rq, "Content-Type");
    if (!read_bytes(call, body, n))
        return false;
    if (type && text_starts_nocase(type, "application/json"))
        return true;
    refuse_type(call->rq, type);
    return false;
}

bool api_read_body(struct api_call *call, struct api_arena *arena, struct api_body *out)
{
    const char *type = http_header(call->rq, "Content-Type"), *body;
    char why[API_BODY_WHY_MAX];
    size_t n;
    if (!read_bytes(call, &body, &n))
        return false;
    enum err e = api_body_parse(arena, type, body, n, out, why);
    if (e == ERR_UNSUPPORTED)
        refuse_type(call->rq, type);
    else if (e == ERR_SYNTAX)
        api_detail(call->rq, 400, why);
    else if (e)
        api_store_error(call->rq, e);
    return e == OK;
}

static struct api_fields_rules rules_of(const struct api_call *call, int64_t now_ms, bool preview)
{
    const struct api_options *o = &call->api->o;
    return (struct api_fields_rules){
        .text = {o->links_base_url, o->slug_length, o->national_shift},
        .now_ms = now_ms,
        .validity_ms = o->validity_ms,
        .policy = o->policy,
        .modem_known = o->modem_known,
        .ctx = o->ctx,
        .preview = preview,
    };
}

enum err api_check_fields(struct api_call *call, struct api_arena *arena, int64_t now_ms,
                          const struct api_body *body, struct api_fields *out, struct buf *errors)
{
    const struct api_fields_rules rules = rules_of(call, now_ms, false);
    return api_fields_check(arena, &rules, body, out, errors);
}

bool api_read_fields(struct api_call *call, struct api_arena *arena, int64_t now_ms, bool preview,
                     struct api_fields *out)
{
    const struct api_fields_rules rules = rules_of(call, now_ms, preview);
    struct api_body body;
    struct buf errors;
    if (!api_read_body(call, arena, &body))
        return false;
    buf_init(&errors, API_JSON_MAX);
    enum err e = api_fields_check(arena, &rules, &body, out, &errors);
    if (e == ERR_RANGE)
        api_json(call->rq, 400, &errors);
    else if (e)
        api_store_error(call->rq, e);
    buf_free(&errors);
    return e == OK;
}
