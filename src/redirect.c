/* redirect.c - the links listener: a short link is opened, and the tap is recorded.
 * Knows no API route.  Promises: the first tap by a person is on disk before its 302; a failing disk never
 * costs the visitor anything. */
#include "redirect.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "clock.h"
#include "link.h"
#include "log.h"
#include "metrics.h"
#include "redirect_hits.h"
#include "redirect_limit.h"
#include "redirect_page.h"
#include "text.h"

#define CACHE_PLACES 4096
#define BODY_MAX     1024
#define HEADER_MAX   8192
#define REQUEST_MS   10000

/* A link that was opened lately.  Slug, destination and expiry never change; accessed only becomes true. */
struct entry {
    char slug[STORE_SLUG_MAX + 1];
    bool accessed;
    int64_t id, expires_ms, sending_ms;
    struct http_response *found; /* the 302 */
};

struct redirect {
    struct store *store;
    struct store_reader *reader; /* the listeners' thread only, as all below */
    struct http *http;
    struct redirect_hits *hits;
    struct redirect_limit *limit;
    struct redirect_pages *pages;
    struct http_response *robots, *not_allowed;
    bool count_tools;
    struct url_nets trusted_proxies;
    struct store_link row; /* scratch of a look-up */
    struct entry cache[CACHE_PLACES];
};

/* ---- looking up ---- */

static struct entry *place_of(struct redirect *r, const char *slug)
{
    uint32_t hash = 2166136261u; /* FNV-1a: slugs are random already */
    for (; *slug; slug++)
        hash = (hash ^ (unsigned char)*slug) * 16777619u;
    return &r->cache[hash % CACHE_PLACES];
}

static struct http_response *make_found(const char *destination)
{
    const struct http_line headers[] = {
        {"Location", destination},
        {"Cache-Control", "private, no-store"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Robots-Tag", "noindex, nofollow"},
        {"X-Content-Type-Options", "nosniff"},
    };
    return http_response_new("", 0, headers, sizeof headers / sizeof *headers);
}

/* Reads the link into its place.  ERR_NOT_FOUND; ERR_EMPTY: its destination was erased. */
static enum err load(struct redirect *r, const char *slug, struct entry *place)
{
    enum err e = store_link_get(r->reader, slug, &r->row);
    if (e)
        return e;
    if (r->row.erased)
        return ERR_EMPTY;
    struct http_response *found = make_found(r->row.destination);
    if (!found)
        return ERR_NO_MEMORY;
    http_response_free(place->found);
    *place = (struct entry){.accessed = r->row.accessed_ms != 0,
                            .id = r->row.id,
                            .expires_ms = r->row.expires_ms,
                            .sending_ms = r->row.sending_ms,
                            .found = found};
    memcpy(place->slug, r->row.slug, sizeof place->slug);
    return OK;
}

/* A link whose message was not sent yet is read again: that changes once. */
static enum err look_up(struct redirect *r, const char *slug, struct entry **out)
{
    struct entry *place = place_of(r, slug);
    *out = place;
    if (place->found && place->sending_ms && strcmp(place->slug, slug) == 0)
        return OK;
    return load(r, slug, place);
}

/* ---- taps ---- */

/* A first tap on its way to the disk. */
struct tap {
    struct redirect *redirect;
    struct http_request *request;
    int64_t link, at_ms;
    char slug[STORE_SLUG_MAX + 1];
};

/* On the store's thread. */
static void tap_done(void *ctx, enum err result)
{
    struct tap *tap = ctx;
    if (result) {
        log_error("redirect", "first tap not stored yet: link=%lld: %s", (long long)tap->link,
                  err_str(result));
        redirect_hits_keep_first(tap->redirect->hits, tap->link, tap->at_ms);
    }
    http_resume(tap->request);
}

/* On the listeners' thread again: the visitor goes on, whatever the disk said. */
static void tap_resumed(void *ctx, struct http_request *rq)
{
    struct tap *tap = ctx;
    struct redirect *r = tap->redirect;
    struct entry *link;
    if (look_up(r, tap->slug, &link)) {
        redirect_pages_answer(r->pages, PAGE_FAILED, rq);
        return;
    }
    link->accessed = true; /* committed, or kept to be */
    http_answer(rq, 302, link->found);
}

static void first_tap(struct redirect *r, const struct entry *link, struct http_request *rq,
                      int64_t now_ms)
{
    struct tap *tap = malloc(sizeof *tap);
    if (!tap) {
        redirect_hits_keep_first(r->hits, link->id, now_ms);
        http_answer(rq, 302, link->found);
        return;
    }
    *tap = (struct tap){.redirect = r, .request = rq, .link = link->id, .at_ms = now_ms};
    memcpy(tap->slug, link->slug, sizeof tap->slug);
    http_attach(rq, tap, free);
    http_suspend(rq, tap_resumed, tap);
    store_click(r->store, tap->link, now_ms, NULL, tap_done, tap);
}

static bool is_person(const struct redirect *r, const struct entry *link, enum agent_class class,
                      int64_t now_ms)
{
    if (class != AGENT_PERSON && !(class == AGENT_TOOL && r->count_tools))
        return false;
    /* Before the message was on its way the tap cannot be its recipient's. */
    return link->sending_ms != 0 && now_ms >= link->sending_ms;
}

static void serve_link(struct redirect *r, const struct entry *link, struct http_request *rq)
{
    int64_t now_ms = clk_wall_ms();
    const struct agent_request about = {
        .method = http_method(rq),
        .user_agent = http_header(rq, "User-Agent"),
        .sec_purpose = http_header(rq, "Sec-Purpose"),
        .purpose = http_header(rq, "Purpose"),
        .x_moz = http_header(rq, "X-Moz"),
        .x_purpose = http_header(rq, "X-Purpose"),
        .sec_fetch_mode = http_header(rq, "Sec-Fetch-Mode"),
        .sec_fetch_dest = http_header(rq, "Sec-Fetch-Dest"),
    };
    if (now_ms >= link->expires_ms) {
        redirect_pages_answer(r->pages, PAGE_GONE, rq);
        return;
    }
    enum agent_class class = agent_classify(&about);
    metrics_count(METRIC_CLICKS, class);
    bool person = is_person(r, link, class, now_ms);
    if (person && !link->accessed) {
        first_tap(r, link, rq, now_ms);
        return;
    }
    redirect_hits_count(r->hits, link->id, person, !person);
    if (class == AGENT_PREFETCH)
        redirect_pages_answer(r->pages, PAGE_AGAIN, rq);
    else
        http_answer(rq, 302, link->found);
}

/* ---- misses ---- */

/* The last address of X-Forwarded-For that is not a proxy of ours: those before it are hearsay. */
static const struct sockaddr *forwarded_for(const struct redirect *r, const char *list,
                                            struct sockaddr_storage *out)
{
    char item[INET6_ADDRSTRLEN + 8];
    size_t end = strlen(list);
    struct url_net address;
    while (end > 0) {
        size_t start = end;
        while (start > 0 && list[start - 1] != ',')
            start--;
        size_t blank = strspn(list + start, " \t");
        size_t n = end - start > blank ? end - start - blank : 0;
        if (n == 0 || n >= sizeof item)
            return NULL;
        memcpy(item, list + start + blank, n);
        item[n] = '\0';
        if (url_net_parse(item, &address))
            return NULL;
        *out = (struct sockaddr_storage){.ss_family = address.family};
        if (address.family == AF_INET)
            memcpy(&((struct sockaddr_in *)out)->sin_addr, address.prefix, 4);
        else
            memcpy(&((struct sockaddr_in6 *)out)->sin6_addr, address.prefix, 16);
        if (!url_nets_contain(&r->trusted_proxies, (struct sockaddr *)out))
            return (struct sockaddr *)out;
        end = start ? start - 1 : 0;
    }
    return NULL;
}

static void serve_miss(struct redirect *r, struct http_request *rq)
{
    struct sockaddr_storage storage;
    const struct sockaddr *from = http_peer(rq), *visitor = NULL;
    const char *list = http_header(rq, "X-Forwarded-For");
    bool local = !from || from->sa_family == AF_UNIX;
    if (list && (local || url_nets_contain(&r->trusted_proxies, from)))
        visitor = forwarded_for(r, list, &storage);
    metrics_count(METRIC_MISSES, 0);
    bool within = redirect_limit_miss(r->limit, visitor ? visitor : from, clk_mono_ms());
    redirect_pages_answer(r->pages, within ? PAGE_NOT_FOUND : PAGE_TOO_MANY, rq);
}

/* ---- requests ---- */

static void serve(void *ctx, struct http_request *rq)
{
    struct redirect *r = ctx;
    struct entry *link;
    char slug[LINK_SLUG_MAX + 1];
    const char *method = http_method(rq), *path = http_path(rq);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        http_answer(rq, 405, r->not_allowed);
        return;
    }
    if (strcmp(path, "/robots.txt") == 0) {
        http_answer(rq, 200, r->robots);
        return;
    }
    enum err e = link_slug_normalise(path, slug);
    if (e == OK)
        e = look_up(r, slug, &link);
    if (e == OK)
        serve_link(r, link, rq);
    else if (e == ERR_NOT_FOUND)
        serve_miss(r, rq);
    else
        redirect_pages_answer(r->pages, e == ERR_EMPTY ? PAGE_GONE : PAGE_FAILED, rq);
}

/* ---- start and stop ---- */

static enum err make_parts(struct redirect *r, const struct redirect_options *o)
{
    static const char robots[] = "User-agent: *\nDisallow: /\n";
    static const struct http_line text = {"Content-Type", "text/plain"};
    static const struct http_line allow = {"Allow", "GET, HEAD"};
    r->store = o->store;
    r->count_tools = o->count_tools;
    r->trusted_proxies = o->trusted_proxies;
    r->hits = redirect_hits_new(o->store);
    r->limit = redirect_limit_new();
    r->pages = redirect_pages_new();
    r->robots = http_response_new(robots, sizeof robots - 1, &text, 1);
    r->not_allowed = http_response_new("", 0, &allow, 1);
    if (!r->hits || !r->limit || !r->pages || !r->robots || !r->not_allowed)
        return ERR_NO_MEMORY;
    return store_reader_open(o->store, &r->reader);
}

enum err redirect_start(const struct redirect_options *o, struct redirect **out, char *why)
{
    struct redirect *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NO_MEMORY;
    const struct http_options http = {
        .name = "links",
        .listen = o->listen,
        .tls_cert = o->tls_cert,
        .tls_key = o->tls_key,
        .handler = serve,
        .ctx = r,
        .body_max = BODY_MAX,
        .header_max = HEADER_MAX,
        .connections_max = o->connections_max,
        .request_ms = REQUEST_MS,
    };
    text_copy(why, HTTP_WHY_MAX, "out of memory, or the database cannot be read");
    enum err e = make_parts(r, o);
    if (e == OK)
        e = http_start(&http, &r->http, why);
    if (e) {
        redirect_stop(r);
        return e;
    }
    *out = r;
    return OK;
}

const struct http *redirect_http(const struct redirect *r)
{
    return r->http;
}

void redirect_flush(struct redirect *r)
{
    redirect_hits_flush(r->hits);
}

void redirect_stop(struct redirect *r)
{
    if (!r)
        return;
    http_stop(r->http);
    redirect_hits_free(r->hits);
    for (size_t i = 0; i < CACHE_PLACES; i++)
        http_response_free(r->cache[i].found);
    http_response_free(r->robots);
    http_response_free(r->not_allowed);
    redirect_pages_free(r->pages);
    redirect_limit_free(r->limit);
    store_reader_close(r->reader);
    free(r);
}
