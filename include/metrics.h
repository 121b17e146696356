/* metrics.h - what is counted and timed: numbers that only grow, for GET /metrics.
 * Knows nobody above it, neither names nor words: those are in src/api_metrics.c.
 * Promises: counting takes no lock and no memory; any thread; since the process started. */
#ifndef SMSBRIDGE_METRICS_H
#define SMSBRIDGE_METRICS_H

#include <stdbool.h>
#include <stdint.h>

/* Of the daemon, or of each modem.  "by": what `value` of metrics_count() tells apart. */
enum metric {
    METRIC_MESSAGES,        /* of each modem, by enum store_state; "" before one took it */
    METRIC_PARTS,           /* of each modem, by enum store_part_event */
    METRIC_ERRORS,          /* of each modem, by enum fault_class */
    METRIC_REPORTS,         /* of each modem, by enum sms_outcome */
    METRIC_REPORTS_UNKNOWN, /* of each modem: about no part that we know */
    METRIC_INBOUND_PARTS,   /* of each modem */
    METRIC_INBOUND_RAW,     /* of each modem: nobody understood it */
    METRIC_INBOUND,         /* received SMS, put together */
    METRIC_CALLBACK_TRIES,  /* by whether it was received (0: yes) */
    METRIC_CALLBACKS_LOST,  /* given up */
    METRIC_CLICKS,          /* by enum agent_class */
    METRIC_FIRST_CLICKS,
    METRIC_MISSES, /* requests for a short link that there is not */
    METRIC_COMMITS,
    METRIC_COMMITS_FAILED,
    METRICS
};
#define METRIC_VALUES 8 /* at most, of one metric */

enum metric_time {
    METRIC_TIME_SEND,     /* of each modem: a part, from the claim to +CMGS */
    METRIC_TIME_DELIVERY, /* of each modem: a part, from the claim to its report */
    METRIC_TIME_QUEUE,    /* a part, from when it was due to the claim */
    METRIC_TIME_CALLBACK, /* a try */
    METRIC_TIME_COMMIT,
    METRIC_TIMES
};
#define METRIC_BUCKETS 16 /* at most, the last one without a limit included */

/* One modem's numbers, or the daemon's. */
struct metric_set;
/* That of a modem, made at its first mention; never freed.  "": what belongs to no modem, as does one that there is no
 * room or memory for. */
struct metric_set *metrics_of(const char *modem);

void metrics_count_of(struct metric_set *set, enum metric m, unsigned value);
void metrics_time_of(struct metric_set *set, enum metric_time t, int64_t us);
/* Of the daemon. */
void metrics_count(enum metric m, unsigned value);
void metrics_time(enum metric_time t, int64_t us);

/* ---- for those who tell ---- */
/* The sets in the order of their making, "" first; NULL behind the last. */
const struct metric_set *metrics_next(const struct metric_set *before);
const char *metrics_modem(const struct metric_set *set);
uint64_t metrics_value(const struct metric_set *set, enum metric m, unsigned value);
struct metric_histogram {
    unsigned buckets;              /* the last one has no limit */
    double below_s[METRIC_BUCKETS]; /* at most so long */
    uint64_t n[METRIC_BUCKETS];    /* each bucket its own: not added up */
    double sum_s;
};
void metrics_histogram(const struct metric_set *set, enum metric_time t, struct metric_histogram *out);

#endif
