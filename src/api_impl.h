/* api_impl.h - what the files of the API share: a call and how it is answered.
 * For src/api*.c only. */
#ifndef SMSBRIDGE_API_IMPL_H
#define SMSBRIDGE_API_IMPL_H

#include "api.h"
#include "buf.h"

#define API_ID_MAX   64 /* a msgid, an inbox id, a modem's name */
#define API_BODY_MAX (256 * 1024)
#define API_JSON_MAX (64 * 1024 * 1024) /* ceiling of one answer in memory */

struct api_auth;
struct api_asked; /* of a modem, and not yet answered: api_ussd.c */
struct api {
    struct api_options o;
    struct api_asked *asked; /* guarded by api_ussd.c's lock */
    bool closing;            /* the same */
    struct http *http;
    struct store_reader *reader; /* the listeners' thread */
    struct api_auth *auth;
    unsigned watchers; /* of GET /events/ */
};

/* One request, with what was found out about it; lives during its handler. */
struct api_call {
    struct api *api;
    struct http_request *rq;
    const struct account *account; /* NULL on routes that need none */
    char id[API_ID_MAX];           /* the variable segment of the path, decoded */
};

/* ---- answers (api_answer.c) ---- */
void api_empty(struct http_request *rq, unsigned status);
void api_json(struct http_request *rq, unsigned status, const struct buf *json);
/* {"detail": text} */
void api_detail(struct http_request *rq, unsigned status, const char *text);
/* The same with one more header. */
void api_detail_with(struct http_request *rq, unsigned status, const char *text, const char *header,
                     const char *value);
/* 429 with Retry-After. */
void api_throttled(struct http_request *rq, int64_t wait_ms);
/* {"key": [text]}, 400 */
void api_invalid(struct http_request *rq, const char *key, const char *text);
/* The status that belongs to what the store said: 404 empty, 503 with a clear text, … */
void api_store_error(struct http_request *rq, enum err e);
/* What `url` begins with: the configured public_url, else how the client got here. */
#define API_BASE_MAX 600
void api_url_base(struct api_call *call, char out[API_BASE_MAX]);

/* ---- what (api_request.c) ---- */
struct api_arena;
struct api_body;
struct api_fields;
/* The body's values; what they point to is the arena's.  False: 400, 413 or 415 was answered. */
bool api_read_body(struct api_call *call, struct api_arena *arena, struct api_body *out);
/* The body's fields, validated; what they point to is the arena's.  False: 400, 413 or 415 was answered. */
bool api_read_fields(struct api_call *call, struct api_arena *arena, int64_t now_ms, bool preview,
                     struct api_fields *out);
/* A JSON body that is not one of fields, not parsed.  False: 413 or 415 was answered. */
bool api_read_json(struct api_call *call, const char **body, size_t *n);
/* api_fields_check() of values that came another way. */
enum err api_check_fields(struct api_call *call, struct api_arena *arena, int64_t now_ms,
                          const struct api_body *body, struct api_fields *out,
                          struct buf *errors) MUST_CHECK;

/* ---- who (api_auth.c) ---- */
struct api_auth *api_auth_new(const struct api_options *o); /* NULL: no memory */
void api_auth_free(struct api_auth *auth);
/* Sets call->account; else has answered 401 or 429. */
bool api_auth_login(struct api_call *call);
/* The same with a name and token that came another way; refuse() answers instead of 401. */
bool api_auth_login_as(struct api_call *call, const char *name, const char *token,
                       void (*refuse)(struct api_call *call, bool given));

/* ---- routes ---- */
void api_messages_post(struct api_call *call);
void api_messages_list(struct api_call *call);
void api_message_get(struct api_call *call);
void api_message_delete(struct api_call *call);
void api_preview_post(struct api_call *call);
void api_inbox_list(struct api_call *call);
void api_inbox_get(struct api_call *call);
void api_modems_list(struct api_call *call);
void api_modem_get(struct api_call *call);
/* Of the modem that the path names.  False: 404 or another error was answered. */
bool api_modem_status(struct api_call *call, struct modem_status *out);
void api_modem_trace(struct api_call *call);
void api_modem_reset(struct api_call *call);
void api_ussd_post(struct api_call *call);
void api_ussd_delete(struct api_call *call);
/* Answers what waits for a modem for too long; all: whatever waits, and what comes is refused.  Any thread. */
void api_ussd_expire(struct api *api, bool all);
void api_callbacks_list(struct api_call *call);
void api_callback_retry(struct api_call *call);
void api_credits_get(struct api_call *call);
void api_metrics_get(struct api_call *call);
void api_health_get(struct api_call *call);
void api_links_list(struct api_call *call);
void api_links_taps(struct api_call *call);
void api_modem_signal(struct api_call *call);
void api_events_get(struct api_call *call);
void api_web_get(struct api_call *call);
void api_openapi_get(struct api_call *call);
void api_kannel_get(struct api_call *call);
void api_alertmanager_post(struct api_call *call);

#endif
