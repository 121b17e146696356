/* api.c - the API's listener: from a path to a route.
 * Refuses to know what a route does.
 * Promises: both slash forms are served directly; authentication first, then the limit, then the method. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_impl.h"
#include "log.h"
#include "text.h"

#define HEADER_MAX  (8 * 1024)
#define REQUEST_MS  60000 /* also how long a client's idle connection is kept */
#define METHODS_MAX 3

struct route {
    const char *path; /* without the slash at its end; * is one segment */
    enum { ROUTE_OPEN, ROUTE_ACCOUNT, ROUTE_ADMIN } who;
    struct {
        const char *method;
        void (*serve)(struct api_call *call);
    } methods[METHODS_MAX];
};

static const struct route routes[] = {
    {"/sms/messages",
     ROUTE_ACCOUNT,
     {{"GET", api_messages_list}, {"POST", api_messages_post}, {0}}},
    {"/sms/messages/*",
     ROUTE_ACCOUNT,
     {{"GET", api_message_get}, {"DELETE", api_message_delete}, {0}}},
    {"/sms/preview", ROUTE_ACCOUNT, {{"POST", api_preview_post}, {0}}},
    {"/sms/inbox", ROUTE_ADMIN, {{"GET", api_inbox_list}, {0}}},
    {"/sms/inbox/*", ROUTE_ADMIN, {{"GET", api_inbox_get}, {0}}},
    {"/modems", ROUTE_ADMIN, {{"GET", api_modems_list}, {0}}},
    {"/modems/*", ROUTE_ADMIN, {{"GET", api_modem_get}, {0}}},
    {"/modems/*/ussd", ROUTE_ADMIN, {{"POST", api_ussd_post}, {"DELETE", api_ussd_delete}, {0}}},
    {"/modems/*/reset", ROUTE_ADMIN, {{"POST", api_modem_reset}, {0}}},
    {"/modems/*/trace", ROUTE_ADMIN, {{"GET", api_modem_trace}, {0}}},
    {"/callbacks", ROUTE_ADMIN, {{"GET", api_callbacks_list}, {0}}},
    {"/callbacks/*/retry", ROUTE_ADMIN, {{"POST", api_callback_retry}, {0}}},
    {"/links", ROUTE_ACCOUNT, {{"GET", api_links_list}, {0}}},
    {"/links/taps", ROUTE_ACCOUNT, {{"GET", api_links_taps}, {0}}},
    {"/modems/*/signal", ROUTE_ADMIN, {{"GET", api_modem_signal}, {0}}},
    {"/events", ROUTE_ADMIN, {{"GET", api_events_get}, {0}}},
    {"/you/credits", ROUTE_ACCOUNT, {{"GET", api_credits_get}, {0}}},
    {"/metrics", ROUTE_ADMIN, {{"GET", api_metrics_get}, {0}}},
    {"/cgi-bin/sendsms", ROUTE_OPEN, {{"GET", api_kannel_get}, {0}}}, /* its login is its own */
    {"/hooks/alertmanager", ROUTE_ACCOUNT, {{"POST", api_alertmanager_post}, {0}}},
    {"/healthz", ROUTE_OPEN, {{"GET", api_health_get}, {0}}},
    {"/openapi.json", ROUTE_OPEN, {{"GET", api_openapi_get}, {0}}},
    {"", ROUTE_OPEN, {{"GET", api_web_get}, {0}}},
    {"/web/*", ROUTE_OPEN, {{"GET", api_web_get}, {0}}},
};

/* The segment that stands for the star, decoded.  An impossible one is nobody's id. */
static bool take_segment(const char **path, char id[API_ID_MAX])
{
    char decoded[API_ID_MAX * 3];
    size_t n = strcspn(*path, "/");
    if (n == 0 || n >= sizeof decoded)
        return false;
    memcpy(decoded, *path, n);
    decoded[n] = '\0';
    *path += n;
    size_t len = http_unescape(decoded);
    return strlen(decoded) == len && text_copy(id, API_ID_MAX, decoded) == OK;
}

static bool matches(const char *pattern, const char *path, char id[API_ID_MAX])
{
    for (; *pattern; pattern++) {
        if (*pattern == '*') {
            if (!take_segment(&path, id))
                return false;
        } else if (*pattern != *path++) {
            return false;
        }
    }
    return *path == '\0' || strcmp(path, "/") == 0;
}

static const struct route *find_route(const char *path, char id[API_ID_MAX])
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (matches(routes[i].path, path, id))
            return &routes[i];
    }
    return NULL;
}

static void not_allowed(struct api_call *call, const struct route *route)
{
    char allow[64] = "", text[96];
    size_t n = 0;
    for (size_t i = 0; i < METHODS_MAX && route->methods[i].method; i++) {
        const char *method = route->methods[i].method;
        n += (size_t)snprintf(allow + n, sizeof allow - n, "%s%s%s", n ? ", " : "", method,
                              strcmp(method, "GET") == 0 ? ", HEAD" : "");
    }
    snprintf(text, sizeof text, "Method \"%.40s\" not allowed.", http_method(call->rq));
    api_detail_with(call->rq, 405, text, "Allow", allow);
}

static void serve_method(struct api_call *call, const struct route *route)
{
    const char *method = http_method(call->rq);
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (size_t i = 0; i < METHODS_MAX && route->methods[i].method; i++) {
        if (strcmp(route->methods[i].method, method) == 0) {
            route->methods[i].serve(call);
            return;
        }
    }
    not_allowed(call, route);
}

static void serve(void *ctx, struct http_request *rq)
{
    struct api_call call = {.api = ctx, .rq = rq};
    const struct route *route = find_route(http_path(rq), call.id);
    if (!route) {
        api_empty(rq, 404);
        return;
    }
    if (route->who != ROUTE_OPEN && !api_auth_login(&call))
        return;
    if (route->who == ROUTE_ADMIN && !call.account->admin) {
        api_detail(rq, 403, "You do not have permission to perform this action.");
        return;
    }
    serve_method(&call, route);
}

static void news(void *ctx)
{
    struct api *api = ctx;
    http_wake_streams(api->http);
}

static enum err start(struct api *api, char *why)
{
    const struct api_options *o = &api->o;
    const struct http_options http = {
        .name = "api",
        .listen = o->listen,
        .tls_cert = o->tls_cert,
        .tls_key = o->tls_key,
        .handler = serve,
        .ctx = api,
        .body_max = API_BODY_MAX,
        .header_max = HEADER_MAX,
        .connections_max = o->connections_max,
        .request_ms = REQUEST_MS,
    };
    api->auth = api_auth_new(o);
    enum err e = api->auth ? store_reader_open(o->store, &api->reader) : ERR_NO_MEMORY;
    if (e) {
        snprintf(why, HTTP_WHY_MAX, "the API cannot start: %s", err_str(e));
        return e;
    }
    e = http_start(&http, &api->http, why);
    if (!e)
        events_on_news(o->events, news, api);
    return e;
}

enum err api_start(const struct api_options *o, struct api **out, char *why)
{
    struct api *api = calloc(1, sizeof *api);
    if (!api) {
        snprintf(why, HTTP_WHY_MAX, "out of memory");
        return ERR_NO_MEMORY;
    }
    api->o = *o;
    enum err e = start(api, why);
    if (e) {
        api_stop(api);
        return e;
    }
    *out = api;
    return OK;
}

const struct http *api_http(const struct api *api)
{
    return api->http;
}

void api_tick(struct api *api)
{
    api_ussd_expire(api, false);
}

void api_stop(struct api *api)
{
    if (!api)
        return;
    api_ussd_expire(api, true);
    events_on_news(api->o.events, NULL, NULL);
    http_stop(api->http);
    store_reader_close(api->reader);
    api_auth_free(api->auth);
    free(api);
}
