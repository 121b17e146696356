/* api_ussd.c - what is asked of a modem over HTTP: USSD, its end, and a reset.
 * Refuses to know AT.
 * Promises: nobody else waits while a modem does (the connection is suspended); every question is answered in its
 * time, whether the modem answers, hangs or is unplugged; a modem's late word goes nowhere. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_body.h"
#include "api_impl.h"
#include "clock.h"
#include "log.h"
#include "status.h"
#include "text.h"

#define CODE_MAX   182 /* septets of one USSD string: 23.038 6.1.2.3 */
#define WAIT_S     60
#define WAIT_MIN   5
#define WAIT_MAX   180
#define GRACE_MS   3000 /* the modem says more exactly why */
#define RESET_MS   30000
#define ANSWER_MAX 1024

/* One question; held by the request and by the modem's thread, freed by the last of them. */
struct api_asked {
    struct api_asked *next;
    struct api *api;         /* NULL: no longer in its list */
    struct http_request *rq; /* suspended; whoever takes the question off the list resumes it */
    unsigned holders;
    enum modem_request_kind kind;
    int64_t until_ms;
    enum err result;
    int m; /* of +CUSD */
    char text[ANSWER_MAX];
};

/* The lists of all APIs, and what their questions are told. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- questions ---- */

static void let_go(void *asked)
{
    struct api_asked *a = asked;
    pthread_mutex_lock(&lock);
    bool last = --a->holders == 0;
    pthread_mutex_unlock(&lock);
    if (last)
        free(a);
}

/* With the lock; false: somebody else took it off before. */
static bool settle(struct api_asked *a, enum err result, int m, const char *text)
{
    if (!a->api)
        return false;
    struct api_asked **at = &a->api->asked;
    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
    a->api = NULL;
    a->result = result;
    a->m = m;
    if (text_copy(a->text, sizeof a->text, text))
        a->text[0] = '\0';
    return true;
}

/* On the modem's thread. */
static void on_done(void *ctx, enum err result, int m, const char *text)
{
    struct api_asked *a = ctx;
    pthread_mutex_lock(&lock);
    bool mine = settle(a, result, m, text ? text : "");
    pthread_mutex_unlock(&lock);
    if (mine)
        http_resume(a->rq);
    let_go(a);
}

/* One that is overdue, held so that it can be resumed; NULL: none. */
static struct api_asked *take_overdue(struct api *api, bool all, int64_t now_ms)
{
    pthread_mutex_lock(&lock);
    api->closing |= all;
    struct api_asked *a = api->asked;
    while (a && !all && now_ms < a->until_ms)
        a = a->next;
    if (a) {
        a->holders++;
        settle(a, all ? ERR_CLOSED : ERR_TIMEOUT, -1,
               all ? "the service is stopping" : "the modem was busy all the time");
    }
    pthread_mutex_unlock(&lock);
    return a;
}

void api_ussd_expire(struct api *api, bool all)
{
    struct api_asked *a;
    int64_t now_ms = clk_mono_ms();
    while ((a = take_overdue(api, all, now_ms))) {
        http_resume(a->rq);
        let_go(a);
    }
}

/* ---- answers ---- */

/* <m> of +CUSD, 27.007 7.15. */
static const char *const states[] = {[0] = "done", [1] = "question", [2] = "ended"};

static void answer_ussd(const struct api_asked *a, struct http_request *rq)
{
    struct buf json;
    bool known = a->m >= 0 && a->m < (int)(sizeof states / sizeof *states);
    buf_init(&json, API_JSON_MAX);
    buf_add_str(&json, "{\"text\":");
    status_json_string(&json, a->text);
    buf_addf(&json, ",\"state\":\"%s\"}", known ? states[a->m] : "done");
    api_json(rq, 200, &json);
    buf_free(&json);
}

static const struct {
    enum err e;
    unsigned status;
    const char *text;
} failures[] = {
    {ERR_TIMEOUT, 504, "No answer in time"},
    {ERR_REFUSED, 502, "Refused"},
    {ERR_CLOSED, 503, "The modem is not there"},
    {ERR_BUSY, 409, "Busy"},
};

static void answer_failure(struct http_request *rq, enum err e, const char *why)
{
    char text[ANSWER_MAX + 64];
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (failures[i].e == e) {
            snprintf(text, sizeof text, "%s: %s.", failures[i].text, why);
            api_detail(rq, failures[i].status, text);
            return;
        }
    }
    api_store_error(rq, e);
}

static void resumed(void *ctx, struct http_request *rq)
{
    const struct api_asked *a = ctx;
    if (a->result == ERR_SYNTAX)
        api_invalid(rq, "code", a->text);
    else if (a->result)
        answer_failure(rq, a->result, a->text);
    else if (a->kind == MODEM_REQUEST_USSD)
        answer_ussd(a, rq);
    else if (a->kind == MODEM_REQUEST_USSD_CANCEL)
        api_empty(rq, 204);
    else
        api_detail(rq, 202, "The modem is started again.");
}

/* ---- asking ---- */

static struct api_asked *asked_new(struct api_call *call, enum modem_request_kind kind, int ms)
{
    struct api_asked *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->rq = call->rq;
    a->holders = 2;
    a->kind = kind;
    a->until_ms = clk_mono_ms() + ms + GRACE_MS;
    pthread_mutex_lock(&lock);
    bool closing = call->api->closing;
    if (!closing) {
        a->api = call->api;
        a->next = call->api->asked;
        call->api->asked = a;
    }
    pthread_mutex_unlock(&lock);
    if (!closing)
        return a;
    free(a);
    return NULL;
}

/* The request is suspended before it is handed out: its answer may come at once. */
static void ask(struct api_call *call, enum modem_request_kind kind, const char *code, int ms)
{
    const struct api_options *o = &call->api->o;
    struct modem_request request = {.kind = kind, .timeout_ms = ms, .done = on_done};
    struct api_asked *a = NULL;
    if (text_copy(request.code, sizeof request.code, code) == OK)
        a = asked_new(call, kind, ms);
    if (!a) {
        api_store_error(call->rq, ERR_CLOSED);
        return;
    }
    request.ctx = a;
    http_attach(call->rq, a, let_go);
    http_suspend(call->rq, resumed, a);
    enum err e = o->modem_request(o->ctx, call->id, &request);
    if (e)
        on_done(a, e, -1,
                e == ERR_BUSY ? "another request waits for this modem" : "it is being stopped");
}

/* Somebody who asks a modem that is not plugged in is told that at once.  False: answered. */
static bool modem_is_there(struct api_call *call)
{
    struct modem_status s;
    if (!api_modem_status(call, &s))
        return false;
    if (s.state != MODEM_GONE && s.state != MODEM_STARTING && s.state != MODEM_PIN)
        return true;
    answer_failure(call->rq, ERR_CLOSED, *s.reason ? s.reason : modem_state_str(s.state));
    return false;
}

/* ---- fields ---- */

/* What no USSD string has, or what would end the quotes that it is written in; the modem's alphabet decides the
 * rest.  NULL: fine. */
static const char *wrong_code(const struct api_value *v)
{
    if (v->kind != API_TEXT || v->n == 0)
        return "A code is wanted, as *100#, or the answer to the network's question.";
    if (text_utf8_check(v->text, v->n))
        return "Not valid UTF-8.";
    for (size_t i = 0; i < v->n; i++) {
        unsigned char c = (unsigned char)v->text[i];
        if (c < 0x20 || c == 0x7F || c == '"')
            return "Control characters and quotes cannot be in a USSD code.";
    }
    return v->n > CODE_MAX ? "Ensure this field has no more than 182 characters." : NULL;
}

static bool read_timeout(struct api_call *call, const struct api_value *v, int *ms)
{
    int64_t s = WAIT_S;
    if (v->kind != API_ABSENT && v->kind != API_NULL &&
        (v->kind != API_TEXT || text_int(v->text, WAIT_MIN, WAIT_MAX, &s))) {
        api_invalid(call->rq, "timeout", "A number of seconds from 5 to 180 is wanted.");
        return false;
    }
    *ms = (int)(s * CLK_SECOND_MS);
    return true;
}

/* ---- routes ---- */

void api_ussd_post(struct api_call *call)
{
    struct api_arena arena = {0};
    struct api_body body;
    int ms;
    if (!modem_is_there(call))
        return;
    if (api_read_body(call, &arena, &body)) {
        const struct api_value *code = &body.field[API_CODE];
        const char *wrong = wrong_code(code);
        if (wrong)
            api_invalid(call->rq, "code", wrong);
        else if (read_timeout(call, &body.field[API_TIMEOUT], &ms))
            ask(call, MODEM_REQUEST_USSD, code->text, ms);
    }
    api_arena_free(&arena);
}

void api_ussd_delete(struct api_call *call)
{
    if (modem_is_there(call))
        ask(call, MODEM_REQUEST_USSD_CANCEL, "", WAIT_S * 1000);
}

void api_modem_reset(struct api_call *call)
{
    struct modem_status s;
    if (api_modem_status(call, &s))
        ask(call, MODEM_REQUEST_RESET, "", RESET_MS);
}
