/* Taps with libcurl, see tap.h.
   Refuses to know who asked.
   Promises the headers of a navigation by a person: User-Agent, Sec-Fetch-*, no redirects followed. */
#include "tap.h"
#include "loop.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TAPS_MAX = 512, BODY_MAX = 8192 };

struct tap {
    struct tap *next;
    pthread_t thread;
    char *url, *via, *ua, *method, *header[TAP_HEADERS_MAX];
    int headers;
    bool follow;
    long timeout_ms;
    struct str body, heads, location, json;
    void (*done)(void *arg, const char *json);
    void *arg;
};

static const char phone_ua[] = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like "
                               "Gecko) Chrome/126.0.0.0 Mobile Safari/537.36";
static const char *const phone_headers[] = {
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language: ja,en;q=0.8",
    "Upgrade-Insecure-Requests: 1",
    "Sec-Fetch-Site: none",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-User: ?1",
    "Sec-Fetch-Dest: document",
    "Sec-CH-UA-Mobile: ?1",
    "Sec-CH-UA-Platform: \"Android\"",
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tap *finished; /* under the lock */
static int running, event_fd = -1;
static struct watch event_watch;

static size_t got_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct tap *t = arg;
    size_t room = BODY_MAX - t->body.n;
    str_add(&t->body, bytes, size * n < room ? size * n : room);
    return size * n;
}

static size_t got_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct tap *t = arg;
    struct str name = {0}, value = {0};
    size_t length = size * n;
    const char *colon = memchr(bytes, ':', length);
    if (!colon) {
        if (length > 5 && !strncmp(bytes, "HTTP/", 5))
            t->heads.n = 0; /* of the last answer only */
        return length;
    }
    const char *from = colon + 1, *end = bytes + length;
    while (from < end && (*from == ' ' || *from == '\t'))
        from++;
    while (end > from && strchr("\r\n \t", end[-1]))
        end--;
    str_add(&name, bytes, (size_t)(colon - bytes));
    str_add(&value, from, (size_t)(end - from));
    for (char *p = name.p; *p; p++)
        *p |= *p >= 'A' && *p <= 'Z' ? 0x20 : 0;
    str_pair(&t->heads, name.p, value.p);
    if (!strcmp(name.p, "location")) {
        t->location.n = 0;
        str_puts(&t->location, value.p);
    }
    str_free(&name);
    str_free(&value);
    return length;
}

/* A header given by the asker takes the place of the phone's; "Name:" alone leaves it out. */
static bool overridden(const struct tap *t, const char *header)
{
    size_t n = strcspn(header, ":");
    for (int i = 0; i < t->headers; i++)
        if (!strncasecmp(t->header[i], header, n + 1))
            return true;
    return false;
}

static struct curl_slist *headers_of(const struct tap *t)
{
    struct curl_slist *list = NULL;
    for (size_t i = 0; i < sizeof phone_headers / sizeof *phone_headers; i++)
        if (!overridden(t, phone_headers[i]))
            list = curl_slist_append(list, phone_headers[i]);
    for (int i = 0; i < t->headers; i++)
        list = curl_slist_append(list, t->header[i]);
    return list;
}

/* TLS ends at a proxy in front of the daemon; with via we stand where that proxy stands. */
static struct curl_slist *go_via(CURL *curl, struct tap *t)
{
    struct str to = {0}, url = {0};
    if (!t->via)
        return NULL;
    str_fmt(&to, "::%s", t->via);
    const char *rest = strstr(t->url, "://");
    str_fmt(&url, "http%s", rest ? rest : "");
    curl_easy_setopt(curl, CURLOPT_URL, url.p);
    struct curl_slist *list = curl_slist_append(NULL, to.p);
    curl_easy_setopt(curl, CURLOPT_CONNECT_TO, list);
    str_free(&to);
    str_free(&url);
    return list;
}

static void result(struct tap *t, CURL *curl, CURLcode code)
{
    long status = 0;
    curl_off_t total = 0;
    struct str *j = &t->json;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &total);
    str_puts(j, "{");
    str_bool(j, "ok", code == CURLE_OK);
    if (code != CURLE_OK)
        str_pair(j, "error", curl_easy_strerror(code));
    str_pair(j, "url", t->url);
    str_int(j, "status", status);
    str_pair(j, "location", t->location.p);
    str_int(j, "us", total);
    str_key(j, "headers");
    str_puts(j, "{");
    str_puts(j, t->heads.n ? t->heads.p : "");
    str_puts(j, "}");
    str_pair(j, "body", t->body.p ? t->body.p : "");
    str_puts(j, "}");
}

static void options(CURL *curl, struct tap *t)
{
    curl_easy_setopt(curl, CURLOPT_URL, t->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, t->ua ? t->ua : phone_ua);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, t->follow ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, t->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, got_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, got_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    if (t->method && !strcmp(t->method, "HEAD"))
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (t->method)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, t->method);
}

static void *tap_thread(void *arg)
{
    struct tap *t = arg;
    CURL *curl = curl_easy_init();
    if (curl) {
        options(curl, t);
        struct curl_slist *to = go_via(curl, t), *headers = headers_of(t);
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        result(t, curl, curl_easy_perform(curl));
        curl_easy_cleanup(curl);
        curl_slist_free_all(to);
        curl_slist_free_all(headers);
    }
    pthread_mutex_lock(&lock);
    t->next = finished;
    finished = t;
    pthread_mutex_unlock(&lock);
    uint64_t one = 1;
    if (write(event_fd, &one, sizeof one) < 0)
        abort();
    return NULL;
}

static void tap_free(struct tap *t)
{
    char **all[] = {&t->url, &t->via, &t->ua, &t->method};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(*all[i]);
    for (int i = 0; i < t->headers; i++)
        free(t->header[i]);
    str_free(&t->body);
    str_free(&t->heads);
    str_free(&t->location);
    str_free(&t->json);
    free(t);
}

static char *copy(const char *text)
{
    return text ? sim_dup(text) : NULL;
}

bool tap_start(const struct tap_request *r, void (*done)(void *arg, const char *json), void *arg)
{
    struct tap *t = sim_alloc(sizeof *t);
    *t = (struct tap){
        .url = copy(r->url), .via = copy(r->via), .ua = copy(r->ua), .follow = r->follow};
    t->method = copy(r->method);
    t->headers = r->headers;
    t->timeout_ms = r->timeout_ms;
    t->done = done;
    t->arg = arg;
    for (int i = 0; i < r->headers; i++)
        t->header[i] = copy(r->header[i]);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 512 * 1024);
    bool started = running < TAPS_MAX && !pthread_create(&t->thread, &attr, tap_thread, t);
    pthread_attr_destroy(&attr);
    if (started)
        running++;
    else
        tap_free(t);
    return started;
}

static void collect(void)
{
    uint64_t n;
    if (read(event_fd, &n, sizeof n) < 0)
        return;
    pthread_mutex_lock(&lock);
    struct tap *t = finished;
    finished = NULL;
    pthread_mutex_unlock(&lock);
    for (struct tap *next; t; t = next) {
        next = t->next;
        pthread_join(t->thread, NULL);
        running--;
        t->done(t->arg, t->json.p ? t->json.p : "{\"ok\":false,\"error\":\"no curl\"}");
        tap_free(t);
    }
}

static void ready(void *arg, uint32_t events)
{
    (void)arg, (void)events;
    collect();
}

bool tap_open(void)
{
    event_fd = eventfd(0, EFD_CLOEXEC);
    return event_fd >= 0 && !curl_global_init(CURL_GLOBAL_DEFAULT) &&
           !loop_watch(&event_watch, event_fd, EPOLLIN, ready, NULL);
}

void tap_close(void)
{
    while (running)
        collect();
    loop_unwatch(&event_watch);
    if (event_fd >= 0)
        close(event_fd);
    curl_global_cleanup();
}

void tap_link(const char *text, struct str *url)
{
    str_puts(url, "");
    for (const char *p = text; *p; p++) {
        if (strncasecmp(p, "http://", 7) != 0 && strncasecmp(p, "https://", 8) != 0)
            continue;
        size_t n = 0;
        while ((uint8_t)p[n] > 0x20 && (uint8_t)p[n] < 0x7F && !strchr("\"<>", p[n]))
            n++;
        while (n && strchr(".,;:!?'", p[n - 1]))
            n--;
        str_add(url, p, n);
        return;
    }
}
