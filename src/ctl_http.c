/* ctl_http.c - the client's side of the REST API, over libcurl.
 * Knows no command.  Promises: the token never reaches a terminal or a log. */
#include "ctl_http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "text.h"

#define ANSWER_MAX (256u << 20) /* a long list */
#define TOKEN_MAX  256
#define SILENCE_S  30L  /* the daemon says something every 5 s */
#define TIMEOUT_S  200L /* a USSD may take 180 s */

struct ctl {
    CURL *curl;
    char url[1024];
    char account[128], token[TOKEN_MAX];
    char why[CURL_ERROR_SIZE];
};

static enum err read_token(const char *path, char out[TOKEN_MAX])
{
    FILE *f = fopen(path, "re");
    if (!f)
        return ERR_NOT_FOUND;
    char *line = fgets(out, TOKEN_MAX, f);
    fclose(f);
    if (!line)
        return ERR_NOT_FOUND;
    out[strcspn(out, "\r\n")] = '\0';
    return *out ? OK : ERR_NOT_FOUND;
}

static enum err find_token(char out[TOKEN_MAX])
{
    static const char *const places[] = {"smsbridge-data/token", "/var/lib/smsbridge/token"};
    const char *given = getenv("SMSBRIDGE_TOKEN");
    if (given && *given)
        return text_copy(out, TOKEN_MAX, given);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (read_token(places[i], out) == OK)
            return OK;
    }
    return ERR_NOT_FOUND;
}

/* "SID" or "SID:TOKEN". */
static enum err take_account(struct ctl *c, const char *account)
{
    size_t sid = strcspn(account, ":");
    if (sid >= sizeof c->account)
        return ERR_FULL;
    memcpy(c->account, account, sid);
    c->account[sid] = '\0';
    return account[sid] ? text_copy(c->token, sizeof c->token, account + sid + 1)
                        : find_token(c->token);
}

static const char *setting(const char *given, const char *variable, const char *otherwise)
{
    const char *value = given ? given : getenv(variable);
    return value && *value ? value : otherwise;
}

enum err ctl_open(const char *url, const char *account, struct ctl **out)
{
    struct ctl *c = calloc(1, sizeof *c);
    if (!c)
        return ERR_NO_MEMORY;
    enum err e =
        text_copy(c->url, sizeof c->url, setting(url, "SMSBRIDGE_URL", "http://127.0.0.1:8080"));
    if (e == OK)
        e = take_account(c, setting(account, "SMSBRIDGE_ACCOUNT", "main"));
    curl_global_init(CURL_GLOBAL_DEFAULT);
    c->curl = curl_easy_init();
    if (e == OK && !c->curl)
        e = ERR_NO_MEMORY;
    if (e) {
        ctl_close(c);
        return e;
    }
    size_t n = strlen(c->url);
    if (n && c->url[n - 1] == '/')
        c->url[n - 1] = '\0';
    *out = c;
    return OK;
}

void ctl_close(struct ctl *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->curl);
    curl_global_cleanup();
    free(c);
}

static size_t take_body(char *data, size_t size, size_t n, void *ctx)
{
    return buf_add(ctx, data, size * n) == OK ? n : 0;
}

static void prepare(struct ctl *c, const char *url, struct buf *answer)
{
    curl_easy_reset(c->curl);
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c->curl, CURLOPT_USERNAME, c->account);
    curl_easy_setopt(c->curl, CURLOPT_PASSWORD, c->token);
    curl_easy_setopt(c->curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "smsbridge/" SMSBRIDGE_VERSION);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->why);
}

static CURLcode perform_raw(struct ctl *c, struct ctl_answer *out)
{
    c->why[0] = '\0';
    CURLcode code = curl_easy_perform(c->curl);
    if (code != CURLE_OK && !c->why[0])
        snprintf(c->why, sizeof c->why, "%s", curl_easy_strerror(code));
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &out->status);
    return code;
}

static enum err perform(struct ctl *c, struct ctl_answer *out, const struct buf *answer)
{
    if (perform_raw(c, out) != CURLE_OK)
        return ERR_CLOSED;
    out->body = json_loads(buf_str(answer), 0, NULL);
    return OK;
}

static enum err request(struct ctl *c, const char *method, const char *path, const json_t *body,
                        const char *key, struct ctl_answer *out)
{
    char url[4096], once[320];
    struct buf answer;
    struct curl_slist *headers = NULL;
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    *out = (struct ctl_answer){0};
    buf_init(&answer, ANSWER_MAX);
    snprintf(url, sizeof url, "%s%s", c->url, path);
    prepare(c, url, &answer);
    if (method)
        curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    if (text) {
        headers = curl_slist_append(NULL, "Content-Type: application/json");
        snprintf(once, sizeof once, "Idempotency-Key: %s", key ? key : "");
        headers = key ? curl_slist_append(headers, once) : headers;
        curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, text);
    }
    enum err e = perform(c, out, &answer);
    curl_slist_free_all(headers);
    buf_free(&answer);
    free(text);
    return e;
}

enum err ctl_ask(struct ctl *c, const char *path, const json_t *body, struct ctl_answer *out)
{
    return request(c, NULL, path, body, NULL, out);
}

enum err ctl_ask_once(struct ctl *c, const char *path, const json_t *body, const char *key,
                      struct ctl_answer *out)
{
    return request(c, NULL, path, body, key, out);
}

enum err ctl_delete(struct ctl *c, const char *path, struct ctl_answer *out)
{
    return request(c, "DELETE", path, NULL, NULL, out);
}

/* ---- an answer without an end ---- */

struct follow {
    struct ctl *ctl;
    ctl_take *take;
    void *ctx;
    struct buf refusal;
    bool enough;
};

static size_t take_piece(char *data, size_t size, size_t n, void *ctx)
{
    struct follow *f = ctx;
    long status = 0;
    curl_easy_getinfo(f->ctl->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return take_body(data, size, n, &f->refusal);
    f->enough = !f->take(f->ctx, data, size * n);
    return f->enough ? 0 : size * n;
}

enum err ctl_follow(struct ctl *c, const char *path, int seconds, ctl_take *take, void *ctx,
                    struct ctl_answer *out)
{
    char url[4096];
    struct follow f = {.ctl = c, .take = take, .ctx = ctx};
    *out = (struct ctl_answer){0};
    buf_init(&f.refusal, ANSWER_MAX);
    snprintf(url, sizeof url, "%s%s", c->url, path);
    prepare(c, url, &f.refusal);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_piece);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &f);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, (long)seconds);
    curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    CURLcode code = perform_raw(c, out);
    out->body = json_loads(buf_str(&f.refusal), 0, NULL);
    buf_free(&f.refusal);
    bool ended = f.enough || (seconds && code == CURLE_OPERATION_TIMEDOUT && out->status == 200);
    return code == CURLE_OK || ended ? OK : ERR_CLOSED;
}

/* ---- anybody's page ---- */

struct page {
    char *body;
    size_t n, size;
};

static size_t take_page(char *data, size_t size, size_t n, void *ctx)
{
    struct page *p = ctx;
    size_t room = p->size - 1 - p->n, len = size * n < room ? size * n : room;
    memcpy(p->body + p->n, data, len);
    p->n += len;
    p->body[p->n] = '\0';
    return len == size * n ? len : 0; /* that much tells what it is */
}

enum err ctl_fetch(const char *url, int seconds, char *body, size_t size, long *status, char *why,
                   size_t why_size)
{
    struct page page = {body, 0, size};
    CURL *curl = curl_easy_init();
    *body = '\0';
    *status = 0;
    if (!curl)
        return ERR_NO_MEMORY;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)seconds);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_page);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &page);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_easy_cleanup(curl);
    snprintf(why, why_size, "%s", curl_easy_strerror(code));
    return code == CURLE_OK || (code == CURLE_WRITE_ERROR && *status) ? OK : ERR_CLOSED;
}

void ctl_url(const struct ctl *c, char *out, size_t size)
{
    snprintf(out, size, "%s", c->url);
}

const char *ctl_why(const struct ctl *c)
{
    return c->why;
}
