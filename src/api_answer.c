/* api_answer.c - the answers that several routes give.
 * Refuses to know routes.  Promises: every body but the empty one is JSON. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api_impl.h"
#include "log.h"
#include "status.h"

#define JSON "application/json"

void api_empty(struct http_request *rq, unsigned status)
{
    http_answer_bytes(rq, status, NULL, "", 0, NULL, 0);
}

void api_json(struct http_request *rq, unsigned status, const struct buf *json)
{
    if (json->err) {
        log_error("api", "answer=%s", err_str(json->err));
        api_empty(rq, 500);
        return;
    }
    http_answer_bytes(rq, status, JSON, buf_str(json), json->len, NULL, 0);
}

static void answer_object(struct http_request *rq, unsigned status, const char *key,
                          const char *text, bool list, const struct http_line *header)
{
    struct buf json;
    buf_init(&json, API_JSON_MAX);
    buf_add(&json, "{", 1);
    status_json_string(&json, key);
    buf_add_str(&json, list ? ":[" : ":");
    status_json_string(&json, text);
    buf_add_str(&json, list ? "]}" : "}");
    http_answer_bytes(rq, status, JSON, buf_str(&json), json.len, header, header ? 1 : 0);
    buf_free(&json);
}

void api_detail(struct http_request *rq, unsigned status, const char *text)
{
    answer_object(rq, status, "detail", text, false, NULL);
}

void api_detail_with(struct http_request *rq, unsigned status, const char *text, const char *header,
                     const char *value)
{
    const struct http_line line = {header, value};
    answer_object(rq, status, "detail", text, false, &line);
}

void api_throttled(struct http_request *rq, int64_t wait_ms)
{
    char text[80], seconds[24];
    long long s = wait_ms > 1000 ? (wait_ms + 999) / 1000 : 1;
    snprintf(text, sizeof text, "Request was throttled. Expected available in %lld second%s.", s,
             s == 1 ? "" : "s");
    snprintf(seconds, sizeof seconds, "%lld", s);
    api_detail_with(rq, 429, text, "Retry-After", seconds);
}

void api_invalid(struct http_request *rq, const char *key, const char *text)
{
    answer_object(rq, 400, key, text, true, NULL);
}

/* What the store may say, and what that means to a client; anything else is our fault: 500. */
static const struct {
    enum err e;
    unsigned status;
    const char *detail, *retry_after;
} store_errors[] = {
    {ERR_NO_SPACE, 503,
     "The disk is full, read-only or failing: nothing was changed. Try again later.", "30"},
    {ERR_CLOSED, 503, "The service is stopping. Try again later.", "5"},
    {ERR_BUSY, 503, "The service is busy. Try again later.", "1"},
    {ERR_FULL, 503, "Too many requests are waiting. Try again later.", "1"},
    {ERR_IO, 503, "The message store cannot be read or written. Try again later.", "30"},
    {ERR_NO_MEMORY, 503, "Out of memory. Try again later.", "5"},
};

void api_store_error(struct http_request *rq, enum err e)
{
    if (e == ERR_NOT_FOUND) {
        api_empty(rq, 404); /* a client's own tests fail on a JSON object here */
        return;
    }
    log_warn("api", "store=\"%s\"", err_str(e));
    for (size_t i = 0; i < sizeof store_errors / sizeof *store_errors; i++) {
        if (store_errors[i].e == e) {
            api_detail_with(rq, store_errors[i].status, store_errors[i].detail, "Retry-After",
                            store_errors[i].retry_after);
            return;
        }
    }
    api_detail(rq, 500, "Internal error; see the log.");
}

/* A Host header is the client's word: only what a host and port can hold. */
static bool host_ok(const char *host)
{
    size_t n = host ? strlen(host) : 0;
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)host[i]) && !strchr(".-_:[]", host[i]))
            return false;
    }
    return n > 0 && n <= 255;
}

void api_url_base(struct api_call *call, char out[API_BASE_MAX])
{
    const struct api *api = call->api;
    const char *host = http_header(call->rq, "Host");
    const char *scheme = http_is_tls(api->http) ? "https" : "http";
    if (api->o.public_url && *api->o.public_url)
        snprintf(out, API_BASE_MAX, "%s", api->o.public_url);
    else
        snprintf(out, API_BASE_MAX, "%s://%s", scheme,
                 host_ok(host) ? host : http_address_text(api->http, 0));
}
