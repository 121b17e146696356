/* daemon.c - everything that runs, in one place: started in order, stopped in the other.
 * Knows no command line. */
#include "daemon.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "accounts.h"
#include "agent.h"
#include "api.h"
#include "callback.h"
#include "clock.h"
#include "events.h"
#include "farm.h"
#include "hash.h"
#include "link.h"
#include "log.h"
#include "metrics.h"
#include "notify.h"
#include "phone.h"
#include "pulse.h"
#include "quirks_file.h"
#include "redirect.h"
#include "store.h"

#define LINKS_CONNECTIONS_MAX 8192
#define API_CONNECTIONS_MAX   1024
#define VALIDITY_MS           (72 * CLK_HOUR_MS)
#define FARM_GRACE_MS         2000
#define WORDS_DIR             "/etc/smsbridge"
#define STUCK_MS              (30 * CLK_SECOND_MS) /* without a watchdog; with one, half its time */

struct daemon {
    struct config *config;
    struct accounts *accounts;
    struct store *store;
    struct events *events;
    struct farm *farm;
    struct redirect *redirect;
    struct callback *callback;
    struct url_policy
        policy; /* where callbacks may go: set before the API starts, then read only */
    struct api *api;
    enum err tick_err;                                                /* of the last tick */
    const char *opt_out[CONFIG_ITEMS_MAX], *opt_in[CONFIG_ITEMS_MAX]; /* into config */
    const char *(*routes)[CONFIG_ITEMS_MAX]; /* the same: senders and prefixes of each modem */
    char links_base[CONFIG_URL_MAX];
    int64_t stuck_ms;           /* a thread that was silent for so long hangs */
    char stuck[PULSE_NAME_MAX]; /* which one the log knows of; main thread */
};

/* ---- what only the parts themselves can judge ---- */

static enum err blame(const struct config *c, const char *section, const char *key, enum err e,
                      const char *reason, char *why)
{
    char where[CONFIG_WHY_MAX];
    snprintf(why, CONFIG_WHY_MAX, "%.250s: %.200s", config_where(c, section, key, where), reason);
    return e;
}

static enum err check_secret(const struct config *c, const char *section, const char *secret,
                             char *why)
{
    enum err e = *secret ? hash_webhook_secret_check(secret) : OK;
    return e ? blame(c, section, "webhook_secret", e,
                     "whsec_ and base64 of 24 to 64 octets is wanted", why)
             : OK;
}

/* "AT+X=1|AT+Y": what no modem may be told at each start. */
static enum err check_init(const struct config *c, const struct config_modem *m, char *why)
{
    char command[MODEM_INIT_MAX], section[MODEM_NAME_MAX + 16], reason[200];
    enum err e = OK;
    for (const char *at = m->modem.init; e == OK && *at;) {
        size_t n = strcspn(at, "|");
        snprintf(command, sizeof command, "%.*s", (int)n, at + strspn(at, " "));
        at += n + (at[n] == '|');
        e = *command ? modem_command_check(command, reason, sizeof reason) : OK;
    }
    snprintf(section, sizeof section, "modem %s", m->modem.name);
    return e ? blame(c, section, "init", e, reason, why) : OK;
}

static enum err check_modems(const struct config *c, char *why)
{
    enum err e = *c->daemon.quirks_dir ? quirks_file_load(c->daemon.quirks_dir, why) : OK;
    for (unsigned i = 0; e == OK && i < c->modems; i++)
        e = check_init(c, &c->modem[i], why);
    return e;
}

static enum err check_recipients(const struct config *c, char *why)
{
    const struct config_list *to = &c->api.alertmanager_to;
    char number[PHONE_MAX];
    const char *reason = NULL;
    enum err e = OK;
    for (unsigned i = 0; e == OK && i < to->n; i++)
        e = phone_normalise(to->item[i], number, &reason);
    return e ? blame(c, "api", "alertmanager_to", e, reason, why) : OK;
}

enum err daemon_check(const struct config *c, char *why)
{
    struct url_nets nets;
    struct url_policy policy;
    char url[URL_MAX + 1], reason[URL_WHY_MAX], section[CONFIG_NAME_MAX + 16];
    enum err e = url_nets_parse(c->links.trusted_proxies, &nets, reason);
    if (e)
        return blame(c, "links", "trusted_proxies", e, reason, why);
    e = url_policy_parse(c->callbacks.allow, &policy, reason);
    if (e)
        return blame(c, "callbacks", "allow", e, reason, why);
    e = *c->inbox.url ? url_normalise(c->inbox.url, url, reason) : OK;
    if (e)
        return blame(c, "inbox", "url", e, reason, why);
    e = check_secret(c, "inbox", c->inbox.webhook_secret, why);
    e = e ? e : check_recipients(c, why);
    for (unsigned i = 0; e == OK && i < c->accounts; i++) {
        snprintf(section, sizeof section, "account %s", c->account[i].name);
        e = check_secret(c, section, c->account[i].webhook_secret, why);
    }
    return e ? e : check_modems(c, why);
}

/* ---- the parts, in the order in which they start ---- */

static enum err check_config(struct daemon *d, char *why)
{
    return daemon_check(d->config, why);
}

static enum err make_state_dir(struct daemon *d, char *why)
{
    const char *dir = d->config->daemon.state_dir;
    if (mkdir(dir, 0750) == 0 || errno == EEXIST)
        return OK;
    snprintf(why, CONFIG_WHY_MAX, "daemon.state_dir %.300s: %s", dir, strerror(errno));
    return ERR_IO;
}

static enum err load_words(char *why)
{
    unsigned line = 0;
    enum err e = link_load_words(WORDS_DIR, &line);
    const char *file = "link-words";
    if (e == OK) {
        e = agent_load(WORDS_DIR, &line);
        file = "agent-words";
    }
    if (e)
        snprintf(why, CONFIG_WHY_MAX, "%s/%s:%u: %s", WORDS_DIR, file, line, err_str(e));
    return e;
}

static enum err start_tables(struct daemon *d, char *why)
{
    (void)d;
    enum err e = link_init();
    if (e) {
        snprintf(why, CONFIG_WHY_MAX, "no public suffix list: is the package publicsuffix there?");
        return e;
    }
    agent_init();
    return load_words(why);
}

static enum err start_accounts(struct daemon *d, char *why)
{
    return accounts_load(d->config, &d->accounts, why);
}

static struct store_words words_of(const struct config_list *list, const char **room)
{
    for (unsigned i = 0; i < list->n; i++)
        room[i] = list->item[i];
    return (struct store_words){room, list->n};
}

static void count_change(const struct store_event *e)
{
    struct metric_set *modem = metrics_of(e->modem);
    switch (e->kind) {
    case STORE_EVENT_MESSAGE:
        metrics_count_of(modem, METRIC_MESSAGES, (unsigned)e->state);
        break;
    case STORE_EVENT_PART:
        metrics_count_of(modem, METRIC_PARTS, (unsigned)e->state);
        if (e->state == STORE_PART_DELIVERED)
            metrics_time_of(modem, METRIC_TIME_DELIVERY, e->age_ms * 1000);
        break;
    case STORE_EVENT_TAP:
        metrics_count(METRIC_FIRST_CLICKS, 0);
        break;
    case STORE_EVENT_INBOX:
        metrics_count(METRIC_INBOUND, 0);
        break;
    }
}

/* On the store's thread. */
static void store_changed(void *ctx, const struct store_event *e)
{
    struct daemon *d = ctx;
    static const enum event_kind kinds[] = {
        [STORE_EVENT_MESSAGE] = EVENT_MESSAGE,
        [STORE_EVENT_TAP] = EVENT_TAP,
        [STORE_EVENT_INBOX] = EVENT_INBOX,
    };
    count_change(e);
    if (e->kind == STORE_EVENT_PART)
        return;
    events_add(d->events,
               &(struct event){.kind = kinds[e->kind], .row = e->row, .at_ms = clk_wall_ms()});
}

static enum err start_store(struct daemon *d, char *why)
{
    char path[PATH_MAX];
    const struct store_words out = words_of(&d->config->inbox.opt_out, d->opt_out),
                             in = words_of(&d->config->inbox.opt_in, d->opt_in);
    snprintf(path, sizeof path, "%.3900s/smsbridge.db", d->config->daemon.state_dir);
    d->events = events_new(clk_wall_ms());
    enum err e = d->events ? store_open(path, clk_wall_ms(), &d->store, why) : ERR_NO_MEMORY;
    if (!e)
        store_on_event(d->store, store_changed, d);
    return e ? e : store_opt_words(d->store, &out, &in);
}

/* What the store is to know of the modems; its lists point into the configuration. */
static enum err start_routes(struct daemon *d, char *why)
{
    const struct config *c = d->config;
    struct store_modem *modems = calloc(c->modems ? c->modems : 1, sizeof *modems);
    d->routes = calloc(c->modems ? 2 * c->modems : 1, sizeof *d->routes);
    enum err e = modems && d->routes ? OK : ERR_NO_MEMORY;
    for (unsigned i = 0; !e && i < c->modems; i++) {
        const struct config_modem *m = &c->modem[i];
        modems[i] = (struct store_modem){
            .name = m->modem.name,
            .senders = words_of(&m->senders, d->routes[2 * i]),
            .prefixes = words_of(&m->prefixes, d->routes[2 * i + 1]),
            .per_minute = (unsigned)m->per_minute,
            .per_day = (unsigned)m->per_day,
        };
    }
    if (!e)
        e = store_modems(d->store, modems, c->modems, clk_wall_ms());
    snprintf(why, CONFIG_WHY_MAX, "%s", err_str(e));
    free(modems);
    return e;
}

static enum err start_farm(struct daemon *d, char *why)
{
    const struct config *c = d->config;
    struct modem_config *modems = calloc(c->modems ? c->modems : 1, sizeof *modems);
    if (!modems)
        return ERR_NO_MEMORY;
    struct farm_options o = {
        .store = d->store,
        .events = d->events,
        .modems = modems,
        .found = c->queue.discover ? &c->found.modem : NULL,
        .inbox_url = *c->inbox.url ? c->inbox.url : NULL,
        .retry_count = c->queue.retry.n,
    };
    memcpy(o.retry_ms, c->queue.retry.ms, sizeof o.retry_ms);
    for (unsigned i = 0; i < c->modems; i++) {
        modems[o.count] = c->modem[i].modem;
        memcpy(modems[o.count++].imei, c->modem[i].imei, sizeof modems[0].imei);
    }
    snprintf(why, CONFIG_WHY_MAX, "the modems' threads cannot start");
    enum err e = farm_start(&o, &d->farm);
    free(modems);
    return e;
}

static enum err start_links(struct daemon *d, char *why)
{
    const struct config_links *c = &d->config->links;
    struct redirect_options o = {
        .store = d->store,
        .listen = c->listen.text,
        .tls_cert = c->tls_cert,
        .tls_key = c->tls_key,
        .count_tools = c->count_tools,
        .connections_max = LINKS_CONNECTIONS_MAX,
    };
    enum err e = url_nets_parse(c->trusted_proxies, &o.trusted_proxies, why);
    if (e == OK)
        e = redirect_start(&o, &d->redirect, why);
    if (e)
        return e;
    const struct http *http = redirect_http(d->redirect);
    if (*c->base_url) {
        snprintf(d->links_base, sizeof d->links_base, "%s", c->base_url);
        return OK;
    }
    snprintf(d->links_base, sizeof d->links_base, "%s://%s", http_is_tls(http) ? "https" : "http",
             http_address_text(http, 0));
    log_warn("main",
             "links.base_url is not set: short links begin with %s and work on this machine only",
             d->links_base);
    return OK;
}

static enum err add_listeners(struct url_policy *policy, const struct http *http)
{
    enum err e = OK;
    for (size_t i = 0; e == OK && i < http_address_count(http); i++)
        e = url_policy_add_listener(policy, http_address(http, i));
    return e;
}

/* Where callbacks may go: what the setting says, and never to ourselves. */
static enum err make_policy(struct daemon *d, char *why)
{
    const struct config_listens *api = &d->config->api.listen;
    enum err e = url_policy_parse(d->config->callbacks.allow, &d->policy, why);
    if (e == OK)
        e = add_listeners(&d->policy, redirect_http(d->redirect));
    for (unsigned i = 0; e == OK && i < api->n; i++)
        e = url_policy_add_listener(&d->policy, (const struct sockaddr *)&api->item[i].address);
    return e;
}

/* Behind the API, so that its address is known where the configuration says port 0. */
static enum err start_callbacks(struct daemon *d, char *why)
{
    const struct config_callbacks *c = &d->config->callbacks;
    struct callback_options o = {
        .store = d->store,
        .accounts = d->accounts,
        .form = c->format == CONFIG_FORMAT_FORM,
        .tries = c->schedule.n,
        .timeout_ms = (int)c->timeout_ms,
        .policy = d->policy,
    };
    memcpy(o.pause_ms, c->schedule.ms, sizeof o.pause_ms);
    enum err e = add_listeners(&o.policy, api_http(d->api));
    if (e == OK)
        e = callback_init();
    if (e == OK)
        e = callback_start(&o, &d->callback);
    if (e)
        snprintf(why, CONFIG_WHY_MAX, "%s", err_str(e));
    return e;
}

/* ---- what the API asks of us, on its thread ---- */

static bool modem_known(void *ctx, const char *name)
{
    struct daemon *d = ctx;
    return farm_has(d->farm, name);
}

static size_t list_modems(void *ctx, struct api_modem *out, size_t max)
{
    struct daemon *d = ctx;
    struct farm_modem *modems = calloc(max ? max : 1, sizeof *modems);
    size_t n = modems ? farm_modems(d->farm, modems, max) : 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(out[i].name, modems[i].name, sizeof out[i].name);
        out[i].status = modems[i].status;
        out[i].sent = modems[i].sent;
        out[i].failed = modems[i].failed;
        out[i].received = modems[i].received;
        out[i].calls = modems[i].calls.count;
        out[i].last_call_ms = modems[i].calls.last_ms;
        memcpy(out[i].last_caller, modems[i].calls.last, sizeof out[i].last_caller);
    }
    free(modems);
    return n;
}

/* What the watchdog judges by, too; the store's own word comes before. */
static enum err threads_health(void *ctx, char *why)
{
    const struct daemon *d = ctx;
    char who[PULSE_NAME_MAX];
    enum err e = pulse_check(d->stuck_ms, who);
    if (e)
        snprintf(why, HTTP_WHY_MAX, "The thread \"%s\" hangs: not heard of for %lld s.", who,
                 (long long)(d->stuck_ms / CLK_SECOND_MS));
    return e;
}

static enum err request_modem(void *ctx, const char *name, const struct modem_request *request)
{
    struct daemon *d = ctx;
    return farm_request(d->farm, name, request);
}

static struct trace *trace_modem(void *ctx, const char *name)
{
    struct daemon *d = ctx;
    return farm_trace(d->farm, name);
}

static enum err signal_of_modem(void *ctx, const char *name, struct signal_sample *out, size_t *n)
{
    struct daemon *d = ctx;
    return farm_signal(d->farm, name, clk_wall_ms(), out, n);
}

static enum err start_api(struct daemon *d, char *why)
{
    const struct config *c = d->config;
    const struct api_options o = {
        .store = d->store,
        .listen = c->api.listen.text,
        .tls_cert = c->api.tls_cert,
        .tls_key = c->api.tls_key,
        .connections_max = API_CONNECTIONS_MAX,
        .accounts = d->accounts,
        .public_url = c->api.public_url,
        .rate = c->api.rate,
        .links_base_url = d->links_base,
        .links_ms = c->links.days * CLK_DAY_MS,
        .slug_length = (unsigned)c->links.slug_length,
        .national_shift = c->queue.national_shift,
        .validity_ms = VALIDITY_MS,
        .policy = &d->policy,
        .kannel = c->api.kannel,
        .alertmanager_to = &c->api.alertmanager_to,
        .events = d->events,
        .modem_known = modem_known,
        .modems = list_modems,
        .health = threads_health,
        .modem_request = request_modem,
        .modem_trace = trace_modem,
        .modem_signal = signal_of_modem,
        .ctx = d,
    };
    return api_start(&o, &d->api, why);
}

/* ---- all of them ---- */

static const struct {
    const char *name;
    enum err (*start)(struct daemon *d, char *why);
} steps[] = {
    {"configuration", check_config}, {"state folder", make_state_dir},
    {"tables", start_tables},        {"accounts", start_accounts},
    {"store", start_store},          {"routes", start_routes},
    {"modems", start_farm},          {"links", start_links},
    {"policy", make_policy},         {"api", start_api},
    {"callbacks", start_callbacks},
};

/* On the store's thread: hints. */
static void parts_due(void *ctx)
{
    struct daemon *d = ctx;
    farm_wake(d->farm);
}

static void callbacks_due(void *ctx)
{
    struct daemon *d = ctx;
    callback_wake(d->callback);
}

enum err daemon_start(struct config *config, struct daemon **out)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (!d) {
        log_error("main", "cannot start: %s", err_str(ERR_NO_MEMORY));
        config_free(config);
        return ERR_NO_MEMORY;
    }
    d->config = config;
    int64_t watchdog_ms = notify_watchdog_ms();
    d->stuck_ms = watchdog_ms ? watchdog_ms / 2 : STUCK_MS;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        char why[CONFIG_WHY_MAX] = "";
        enum err e = steps[i].start(d, why);
        if (e) {
            log_error("main", "cannot start the %s: %s", steps[i].name, *why ? why : err_str(e));
            daemon_stop(d);
            return e;
        }
    }
    store_on_due(d->store, parts_due, callbacks_due, d);
    log_info("main", "ready api=%s links=%s modems=%u version=%s",
             http_address_text(api_http(d->api), 0),
             http_address_text(redirect_http(d->redirect), 0), config->modems, SMSBRIDGE_VERSION);
    *out = d;
    return OK;
}

/* Said once for each, not every second. */
static enum err look_at_threads(struct daemon *d)
{
    char who[PULSE_NAME_MAX] = "";
    enum err e = pulse_check(d->stuck_ms, who);
    if (strcmp(who, d->stuck) == 0)
        return e;
    if (e)
        log_error("main", "the thread \"%s\" hangs: the watchdog is fed no more", who);
    else
        log_info("main", "the thread \"%s\" goes on", d->stuck);
    memcpy(d->stuck, who, sizeof who);
    return e;
}

enum err daemon_tick(struct daemon *d)
{
    const struct config *c = d->config;
    const struct store_policy policy = {
        .uncertain_resend = c->queue.uncertain == CONFIG_UNCERTAIN_RESEND,
        .uncertain_after_ms = c->queue.uncertain_after_ms,
        .partial_after_ms = c->inbox.partial_after_ms,
        .keep_ms = c->daemon.keep_ms,
        .inbox_url = *c->inbox.url ? c->inbox.url : NULL,
    };
    redirect_flush(d->redirect);
    farm_tick(d->farm, clk_wall_ms());
    api_tick(d->api);
    enum err e = store_tick(d->store, &policy, clk_wall_ms());
    if (e && e != d->tick_err) /* once, not every second of a full disk's day */
        log_error("main", "the store's tick failed: %s", err_str(e));
    d->tick_err = e;
    if (e && e != ERR_NO_SPACE) /* a full disk is no reason to be restarted */
        return e;
    return look_at_threads(d);
}

/* What can change while running: the log's level, and what the tick reads. */
void daemon_reload(struct daemon *d, struct config *config)
{
    struct config *now = d->config;
    log_set_level(config->daemon.log_level);
    now->daemon.log_level = config->daemon.log_level;
    now->daemon.keep_ms = config->daemon.keep_ms;
    now->queue.uncertain = config->queue.uncertain;
    now->queue.uncertain_after_ms = config->queue.uncertain_after_ms;
    now->inbox.partial_after_ms = config->inbox.partial_after_ms;
    log_info("main",
             "reloaded: daemon.log_level, daemon.keep, queue.uncertain, queue.uncertain_after, "
             "inbox.partial_after; every other change takes a restart");
    config_free(config);
}

void daemon_stop(struct daemon *d)
{
    if (!d)
        return;
    if (d->store)
        store_on_due(d->store, NULL, NULL, NULL);
    api_stop(d->api);
    redirect_stop(d->redirect);
    farm_stop(d->farm, FARM_GRACE_MS);
    callback_stop(d->callback);
    store_close(d->store);
    events_free(d->events);
    link_close();
    accounts_free(d->accounts);
    free(d->routes);
    config_free(d->config);
    free(d);
}
