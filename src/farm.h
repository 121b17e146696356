/* farm.h - the modems at work: one struct modem for each, the hooks of the treaty answered by the store.
 * Knows no HTTP and no AT.  Promises: what a hook answers OK is committed.
 * Feature: uses the store and the treaty. */
#ifndef SMSBRIDGE_FARM_H
#define SMSBRIDGE_FARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "events.h"
#include "modem.h"
#include "signal_log.h"
#include "store.h"
#include "trace.h"

#define FARM_PAUSES_MAX 16

struct farm_options {
    struct store *store;                    /* outlives the farm */
    struct events *events;                  /* the same */
    const struct modem_config *modems;      /* copied; with an empty port: wherever its IMEI is */
    size_t count;
    const struct modem_config *found;       /* of one that no section names, but for name and imei; NULL: those are
                                             * left alone.  Outlives the farm */
    const char *inbox_url;                  /* NULL: none; outlives the farm */
    int64_t retry_ms[FARM_PAUSES_MAX];      /* queue.retry; the last repeats */
    size_t retry_count;
};
struct farm;

/* Starts a thread a modem.  ERR_NO_MEMORY, ERR_IO. */
enum err farm_start(const struct farm_options *options, struct farm **out) MUST_CHECK;
/* Something may be due: wakes the modems that are idle.  Any thread, never blocks. */
void farm_wake(struct farm *f);
/* Finishes the running dialogues (an unanswered +CMGS: at most grace_ms) and frees.  NULL is fine. */
void farm_stop(struct farm *f, int grace_ms);

/* As modem_request(); ERR_NOT_FOUND: no modem of that name.  Any thread, never blocks. */
enum err farm_request(struct farm *f, const char *modem, const struct modem_request *request) MUST_CHECK;

/* The dialogue of that modem, to be dropped by the caller; NULL: no modem of that name.  Any thread. */
struct trace *farm_trace(struct farm *f, const char *modem);

/* Notes the signals.  About once a second, one thread. */
void farm_tick(struct farm *f, int64_t now_ms);
/* A modem's signal over the last day, into SIGNAL_LOG_MAX samples.  ERR_NOT_FOUND.  Any thread. */
enum err farm_signal(struct farm *f, const char *modem, int64_t now_ms, struct signal_sample *out,
                     size_t *n) MUST_CHECK;

struct farm_modem {
    char name[MODEM_NAME_MAX];
    struct modem_status status;
    uint64_t sent, failed, received;        /* since the daemon started */
    struct farm_calls {                     /* the same; nobody answers them */
        uint64_t count;
        char last[SMS_ADDR_MAX];            /* "": the caller's number was withheld */
        int64_t last_ms;                    /* wall clock */
    } calls;
};
/* Snapshots, in the configuration's order, then those that were found; returns how many.  Any thread. */
size_t farm_modems(struct farm *f, struct farm_modem *out, size_t max);
/* Is there one of that name?  Any thread. */
bool farm_has(struct farm *f, const char *modem);

#endif
