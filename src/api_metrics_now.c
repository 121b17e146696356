/* api_metrics_now.c - how the store, the modems and the process are when GET /metrics asks.
 * Refuses to know what was counted.
 * Promises: what is not known, or the store cannot tell now, is left out: never a number that was made up. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "api_metrics_format.h"
#include "clock.h"
#include "log.h"

#define MODEMS_MAX 512
#define NAME       METRICS_PREFIX

/* ---- how the modems are ---- */

struct fleet {
    size_t n;
    struct api_modem modem[MODEMS_MAX];
};

static bool signal_dbm(const struct modem_status *s, double *out)
{
    *out = s->signal_dbm;
    return s->signal_dbm != MODEM_SIGNAL_UNKNOWN;
}

static bool registered(const struct modem_status *s, double *out)
{
    *out = s->registration >= REG_HOME;
    return true;
}

static bool storage_used(const struct modem_status *s, double *out)
{
    *out = s->storage_used;
    return *s->storage;
}

static bool storage_size(const struct modem_status *s, double *out)
{
    *out = s->storage_size;
    return *s->storage;
}

static bool resets(const struct modem_status *s, double *out)
{
    *out = s->resets;
    return true;
}

static const struct {
    const char *name, *type, *help;
    bool (*value)(const struct modem_status *s, double *out); /* false: not known */
} of_modem[] = {
    {"modem_signal_dbm", "gauge", "Signal strength; missing where it is not known.", signal_dbm},
    {"modem_registered", "gauge", "1: at home or roaming in a network.", registered},
    {"modem_storage_messages", "gauge", "Received SMS in the storage, until they are read.",
     storage_used},
    {"modem_storage_capacity_messages", "gauge", "How many SMS the storage holds.", storage_size},
    {"modem_resets_total", "counter", "Times it was started again.", resets},
};

static void put_modem_numbers(struct buf *out, const struct fleet *f)
{
    double value;
    for (size_t k = 0; k < sizeof of_modem / sizeof *of_modem; k++) {
        metrics_put_family(out, of_modem[k].name, of_modem[k].type, of_modem[k].help);
        for (size_t i = 0; i < f->n; i++)
            if (of_modem[k].value(&f->modem[i].status, &value))
                metrics_put_number(out, of_modem[k].name, f->modem[i].name, NULL, NULL, value);
    }
}

static void put_modem_states(struct buf *out, const struct fleet *f)
{
    metrics_put_family(out, "modem_state", "gauge", "1: the state that the modem is in.");
    for (size_t i = 0; i < f->n; i++)
        for (enum modem_state s = MODEM_STARTING; s <= MODEM_GONE; s++)
            metrics_put_number(out, "modem_state", f->modem[i].name, "state", modem_state_str(s),
                               f->modem[i].status.state == s);
    metrics_put_family(out, "modem_registration", "gauge",
                       "1: the registration that the modem has.");
    for (size_t i = 0; i < f->n; i++)
        for (enum modem_registration r = REG_UNKNOWN; r <= REG_SMS_ROAMING; r++)
            metrics_put_number(out, "modem_registration", f->modem[i].name, "registration",
                               modem_registration_str(r), f->modem[i].status.registration == r);
    metrics_put_family(out, "modem_recoveries_total", "counter",
                       "Tries to bring it back, by their means.");
    for (size_t i = 0; i < f->n; i++)
        for (enum modem_rung r = 0; r < MODEM_RUNGS; r++)
            metrics_put_number(out, "modem_recoveries_total", f->modem[i].name, "rung",
                               modem_rung_str(r), f->modem[i].status.recoveries[r]);
    metrics_put_family(out, "modem_calls_total", "counter", "Missed calls.");
    for (size_t i = 0; i < f->n; i++)
        metrics_put_number(out, "modem_calls_total", f->modem[i].name, NULL, NULL,
                           (double)f->modem[i].calls);
}

static void put_modem_info(struct buf *out, const struct fleet *f)
{
    metrics_put_family(out, "modem_info", "gauge", "1, and what the modem says of itself.");
    for (size_t i = 0; i < f->n; i++) {
        const struct modem_status *s = &f->modem[i].status;
        buf_addf(out, NAME "modem_info{");
        metrics_put_label(out, "modem", f->modem[i].name, true);
        metrics_put_label(out, "imei", s->who.imei, false);
        metrics_put_label(out, "manufacturer", s->who.manufacturer, false);
        metrics_put_label(out, "model", s->who.model, false);
        metrics_put_label(out, "firmware", s->who.firmware, false);
        metrics_put_label(out, "operator", s->operator_name, false);
        buf_add_str(out, "} 1\n");
    }
}

static enum err put_modems(struct buf *out, struct api *api)
{
    struct fleet *f = calloc(1, sizeof *f);
    if (!f)
        return ERR_NO_MEMORY;
    f->n = api->o.modems(api->o.ctx, f->modem, MODEMS_MAX);
    put_modem_numbers(out, f);
    put_modem_states(out, f);
    put_modem_info(out, f);
    free(f);
    return OK;
}

/* ---- the store ---- */

static void put_gauge(struct buf *out, const char *name, const char *help, double value)
{
    metrics_put_family(out, name, "gauge", help);
    metrics_put_number(out, name, NULL, NULL, NULL, value);
}

static void put_queue(void *ctx, const char *modem, int64_t parts)
{
    metrics_put_number(ctx, "modem_queue_parts", modem, NULL, NULL, (double)parts);
}

static void put_store(struct buf *out, struct api *api)
{
    struct store_counts c;
    int64_t now_ms = clk_wall_ms();
    put_gauge(out, "store_healthy", "1: the last commit succeeded.",
              store_health(api->o.store) == OK);
    enum err e = store_counts(api->reader, &c);
    if (e) {
        log_warn("api", "metrics: the store's counts cannot be read: %s", err_str(e));
        return;
    }
    put_gauge(out, "queued_messages", "Messages that the network has not taken yet.",
              (double)c.queued);
    put_gauge(out, "delivering_messages", "Messages whose reports are awaited.",
              (double)c.delivering);
    put_gauge(out, "queue_oldest_seconds", "How long the oldest part in the queue has been due.",
              c.oldest_queued_ms && c.oldest_queued_ms < now_ms
                  ? (double)(now_ms - c.oldest_queued_ms) / 1000
                  : 0);
    put_gauge(out, "uncertain_parts", "Parts that may have gone out.", (double)c.uncertain);
    put_gauge(out, "callbacks_pending", "Callbacks that wait for their next try.",
              (double)c.callbacks_pending);
    put_gauge(out, "callbacks_failed", "Callbacks that were given up and are kept.",
              (double)c.callbacks_failed);
    metrics_put_family(
        out, "modem_queue_parts", "gauge",
        "Parts in the queue that the modem may take; several modems may count the same.");
    e = store_queues(api->reader, put_queue, out);
    if (e)
        log_warn("api", "metrics: the queues cannot be read: %s", err_str(e));
}

/* ---- the process: proc(5) ---- */

/* Field `wanted` of /proc/self/stat; those behind the name in parentheses, which is field 2. */
static bool stat_field(unsigned wanted, uint64_t *out)
{
    char line[1024];
    FILE *f = fopen("/proc/self/stat", "re");
    size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0;
    if (f)
        fclose(f);
    line[n] = '\0';
    const char *at = strrchr(line, ')');
    for (unsigned field = 2; at && field < wanted; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return false;
    *out = strtoull(at + 1, NULL, 10);
    return true;
}

static unsigned open_fds(void)
{
    unsigned n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n > 3 ? n - 3 : 0; /* "." ".." and its own */
}

static void put_process_gauge(struct buf *out, const char *name, const char *type, const char *help,
                              double value)
{
    metrics_put_head(out, name, type, help);
    buf_addf(out, "%s %.15g\n", name, value);
}

static void put_process(struct buf *out)
{
    uint64_t pages, started;
    struct rusage used;
    struct rlimit fds;
    struct timespec boot, now;
    double ticks = (double)sysconf(_SC_CLK_TCK);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    clock_gettime(CLOCK_REALTIME, &now);
    if (stat_field(24, &pages))
        put_process_gauge(out, "process_resident_memory_bytes", "gauge", "Resident memory size.",
                          (double)pages * (double)sysconf(_SC_PAGESIZE));
    if (stat_field(22, &started)) /* ticks after boot */
        put_process_gauge(out, "process_start_time_seconds", "gauge",
                          "When the process started, since the epoch.",
                          (double)(now.tv_sec - boot.tv_sec) +
                              (double)(now.tv_nsec - boot.tv_nsec) / 1e9 + (double)started / ticks);
    if (getrusage(RUSAGE_SELF, &used) == 0)
        put_process_gauge(out, "process_cpu_seconds_total", "counter", "User and system time used.",
                          (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                              (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    put_process_gauge(out, "process_open_fds", "gauge", "Open file descriptors.", open_fds());
    if (getrlimit(RLIMIT_NOFILE, &fds) == 0)
        put_process_gauge(out, "process_max_fds", "gauge", "How many descriptors may be open.",
                          (double)fds.rlim_cur);
    metrics_put_family(out, "build_info", "gauge", "1, and the version.");
    metrics_put_number(out, "build_info", NULL, "version", SMSBRIDGE_VERSION, 1);
}

enum err metrics_put_now(struct buf *out, struct api *api)
{
    put_store(out, api);
    put_process(out);
    return put_modems(out, api);
}
