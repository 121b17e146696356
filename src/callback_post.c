/* callback_post.c - one POST of one callback through libcurl.
 * Refuses to know the store and when to post.
 * Promises: one request on the wire a start, to allowed addresses only; the answer is counted, not kept. */
#include "callback_post.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "hash.h"

#define CONNECT_MS  10000L
#define BUFFER_SIZE 4096L  /* the answer is thrown away */
#define UPLOAD_SIZE 16384L /* libcurl's least */

struct post {
    CURL *easy;
    struct curl_slist *headers;
    void *owner;
    const struct url_policy *policy;
    size_t answer;      /* bytes of headers and body so far */
    bool headers_whole; /* the empty line behind a final status came */
    char refused[URL_WHY_MAX];
    char error[CURL_ERROR_SIZE];
};

enum err post_new(void *owner, struct post **out)
{
    struct post *p = calloc(1, sizeof(*p));
    if (!p)
        return ERR_NO_MEMORY;
    p->owner = owner;
    p->easy = curl_easy_init();
    if (!p->easy) {
        free(p);
        return ERR_NO_MEMORY;
    }
    *out = p;
    return OK;
}

void post_free(struct post *p)
{
    if (!p)
        return;
    curl_easy_cleanup(p->easy);
    curl_slist_free_all(p->headers);
    free(p);
}

void *post_owner(void *easy)
{
    char *p = NULL; /* curl_easy_getinfo() writes a char * */
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &p);
    return p ? ((struct post *)(void *)p)->owner : NULL;
}

/* ---- libcurl calls these ---- */
/* The very address about to be opened: a name that resolves to something else by now changes nothing. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct post *p = ctx;
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    if (url_policy_judge(p->policy, &address->addr, p->refused))
        return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* Counted together; a short count ends the transfer. */
static size_t count_answer(struct post *p, size_t n)
{
    p->answer += n;
    return p->answer > POST_ANSWER_MAX ? 0 : n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
    (void)bytes;
    return count_answer(ctx, size * n);
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
    struct post *p = ctx;
    long status = 0;
    (void)curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
    if (size * n <= 2 && status >= 200 && (*line == '\r' || *line == '\n'))
        p->headers_whole = true;
    return count_answer(p, size * n);
}

/* ---- starting ---- */
static enum err add_header(struct post *p, const char *line)
{
    struct curl_slist *more = curl_slist_append(p->headers, line);
    if (!more)
        return ERR_NO_MEMORY;
    p->headers = more;
    return OK;
}

/* A status object begins with a brace, a form never does: the body that was kept decides, not today's
 * configuration. */
static const char *content_type(const char *body)
{
    return *body == '{' ? "Content-Type: application/json"
                        : "Content-Type: application/x-www-form-urlencoded";
}

static enum err add_signature(struct post *p, const struct post_job *job, int64_t now_s)
{
    char signature[HASH_WEBHOOK_SIGN_TEXT], line[sizeof(signature) + 32];
    if (!job->secret || !*job->secret)
        return OK;
    enum err e =
        hash_webhook_sign(job->secret, job->webhook_id, now_s, job->body, job->body_len, signature);
    if (e)
        return ERR_SYNTAX;
    (void)snprintf(line, sizeof(line), "webhook-signature: %s", signature);
    return add_header(p, line);
}

static enum err make_headers(struct post *p, const struct post_job *job)
{
    char id[160], timestamp[64], attempt[48];
    int64_t now_s = clk_wall_ms() / CLK_SECOND_MS;
    (void)snprintf(id, sizeof(id), "webhook-id: %s", job->webhook_id);
    (void)snprintf(timestamp, sizeof(timestamp), "webhook-timestamp: %lld", (long long)now_s);
    (void)snprintf(attempt, sizeof(attempt), "webhook-attempt: %u", job->attempt);
    const char *lines[] = {content_type(job->body),
                           id,
                           timestamp,
                           attempt,
                           "User-Agent: smsbridge/" SMSBRIDGE_VERSION,
                           "Accept: */*",
                           "Expect:" /* not sent: no waiting for 100 Continue */};
    enum err e = OK;
    curl_slist_free_all(p->headers);
    p->headers = NULL;
    for (size_t i = 0; !e && i < sizeof(lines) / sizeof(lines[0]); i++)
        e = add_header(p, lines[i]);
    return e ? e : add_signature(p, job, now_s);
}

/* The first option that libcurl refuses, if any.  typecheck-gcc.h wants each option spelled out. */
#define SET(option, value)                                                                         \
    (code = code ? code : curl_easy_setopt(p->easy, CURLOPT_##option, (value)))

static CURLcode set_request(struct post *p, const struct post_job *job)
{
    CURLcode code = CURLE_OK;
    SET(URL, job->url);
    SET(HTTPHEADER, p->headers);
    SET(POST, 1L);
    SET(POSTFIELDS, job->body);
    SET(POSTFIELDSIZE_LARGE, (curl_off_t)job->body_len);
    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(TIMEOUT_MS, (long)job->timeout_ms);
    SET(CONNECTTIMEOUT_MS, job->timeout_ms < CONNECT_MS ? (long)job->timeout_ms : CONNECT_MS);
    SET(ERRORBUFFER, p->error);
    SET(PRIVATE, p);
    SET(OPENSOCKETFUNCTION, on_socket);
    SET(OPENSOCKETDATA, p);
    SET(WRITEFUNCTION, on_body);
    SET(WRITEDATA, p);
    SET(HEADERFUNCTION, on_header);
    SET(HEADERDATA, p);
    return code;
}

/* What may not happen, and what would cost memory. */
static CURLcode set_limits(struct post *p)
{
    CURLcode code = CURLE_OK;
    SET(PROTOCOLS_STR, "http,https");
    SET(FOLLOWLOCATION, 0L);
    SET(PROXY, "");
    SET(NOPROXY, "*");
    SET(NETRC, (long)CURL_NETRC_IGNORED);
    SET(NOSIGNAL, 1L);
    /* On a connection that was kept, libcurl repeats a POST by itself when the receiver closes it without an
     * answer: an eleventh POST that no counter sees. */
    SET(FRESH_CONNECT, 1L);
    SET(FORBID_REUSE, 1L);
    /* Else a name server that does not answer blocks us until getaddrinfo() ends, long after the timeout;
     * the resolver's thread ends by itself. */
    SET(QUICK_EXIT, 1L);
    SET(BUFFERSIZE, BUFFER_SIZE);
    SET(UPLOAD_BUFFERSIZE, UPLOAD_SIZE);
    SET(CAPATH,
        NULL); /* the same authorities again, a file each: two thirds of a handshake's time */
    const char *authorities = getenv("SSL_CERT_FILE"); /* as OpenSSL's and curl's users know it */
    if (authorities && *authorities)
        SET(CAINFO, authorities);
    return code;
}

enum err post_start(struct post *p, void *multi, const struct post_job *job)
{
    curl_easy_reset(p->easy);
    p->policy = job->policy;
    p->answer = 0;
    p->headers_whole = false;
    p->refused[0] = p->error[0] = '\0';
    enum err e = make_headers(p, job);
    if (e)
        return e;
    if (set_request(p, job) || set_limits(p) || curl_multi_add_handle(multi, p->easy))
        return ERR_NO_MEMORY;
    return OK;
}

/* ---- ending ---- */
/* The status decides, once the answer's headers came whole; whatever became of the body, but for a time-out. */
static bool is_received(const struct post *p, CURLcode code, long status)
{
    return status == 200 && code != CURLE_OPERATION_TIMEDOUT && code != CURLE_ABORTED_BY_CALLBACK &&
           (code == CURLE_OK || p->headers_whole);
}

/* error is kept and shown: what libcurl says may quote the receiver, so only printable ASCII of it. */
static void say_why(const struct post *p, CURLcode code, long status, char out[POST_ERROR_MAX])
{
    if (p->refused[0] && status == 0)
        (void)snprintf(out, POST_ERROR_MAX, "%s", p->refused);
    else if (code == CURLE_ABORTED_BY_CALLBACK)
        (void)snprintf(out, POST_ERROR_MAX, "interrupted by a stop");
    else if (code == CURLE_OK || (p->headers_whole && code != CURLE_OPERATION_TIMEDOUT))
        (void)snprintf(out, POST_ERROR_MAX, "status %ld", status);
    else
        (void)snprintf(out, POST_ERROR_MAX, "%s",
                       p->error[0] ? p->error : curl_easy_strerror(code));
    for (char *c = out; *c; c++) {
        if (*c < ' ' || *c >= 0x7F)
            *c = '?';
    }
}

void post_end(struct post *p, void *multi, int ended, struct post_result *out)
{
    CURLcode code = (CURLcode)ended;
    memset(out, 0, sizeof(*out));
    (void)curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &out->status);
    out->received = is_received(p, code, out->status);
    if (!out->received)
        say_why(p, code, out->status, out->error);
    (void)curl_multi_remove_handle(multi, p->easy);
}
