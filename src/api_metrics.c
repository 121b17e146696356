/* api_metrics.c - GET /metrics: what was counted and timed, in Prometheus' text format 0.0.4.
 * Refuses to know how things are now (api_metrics_now.c) and who counts.
 * Promises: labels are from small sets: the modems, and words of ours. */
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "api_metrics_format.h"
#include "metrics.h"

#define METRICS_MAX (8 * 1024 * 1024)

/* ---- words ---- */

static const char *message_state(unsigned v)
{
    static const char *const words[] = {[STORE_QUEUED] = "queued",
                                        [STORE_DELIVERING] = "delivering",
                                        [STORE_DELIVERED] = "delivered",
                                        [STORE_FAIL] = "fail"};
    return v < sizeof words / sizeof *words ? words[v] : NULL;
}

static const char *part_state(unsigned v)
{
    static const char *const words[] = {[STORE_PART_SENT] = "sent",
                                        [STORE_PART_DELIVERED] = "delivered",
                                        [STORE_PART_FAILED] = "failed",
                                        [STORE_PART_UNCERTAIN] = "uncertain",
                                        [STORE_PART_RETRIED] = "retried"};
    return v < sizeof words / sizeof *words ? words[v] : NULL;
}

static const char *fault(unsigned v)
{
    return v <= FAULT_HELD ? fault_class_str((enum fault_class)v) : NULL;
}

static const char *outcome(unsigned v)
{
    static const char *const words[] = {[SMS_DELIVERED] = "delivered",
                                        [SMS_STILL_TRYING] = "still_trying",
                                        [SMS_FAILED_FOR_GOOD] = "failed",
                                        [SMS_GIVEN_UP] = "given_up"};
    return v < sizeof words / sizeof *words ? words[v] : NULL;
}

static const char *received(unsigned v)
{
    static const char *const words[] = {"received", "failed"};
    return v < sizeof words / sizeof *words ? words[v] : NULL;
}

static const char *click(unsigned v)
{
    return v < AGENT_CLASS_COUNT ? agent_class_str((enum agent_class)v) : NULL;
}

/* ---- what is counted ---- */

static const struct {
    const char *name, *help;
    bool of_modem;
    const char *label;                   /* NULL: one number */
    const char *(*word)(unsigned value); /* NULL behind the last */
} counters[METRICS] = {
    [METRIC_MESSAGES] = {"messages_total", "Messages that came into this state.", true, "state",
                         message_state},
    [METRIC_PARTS] = {"parts_total", "Parts that came into this state; retried: queued again.",
                      true, "state", part_state},
    [METRIC_ERRORS] = {"send_errors_total", "Tries to send a part that failed, by class of error.",
                       true, "class", fault},
    [METRIC_REPORTS] = {"reports_total", "Status reports, by what they say.", true, "outcome",
                        outcome},
    [METRIC_REPORTS_UNKNOWN] = {"reports_unmatched_total",
                                "Status reports about no part that is known.", true, NULL, NULL},
    [METRIC_INBOUND_PARTS] = {"inbound_parts_total", "SMS received, each part of a long one.", true,
                              NULL, NULL},
    [METRIC_INBOUND_RAW] = {"inbound_undecodable_total", "SMS received that nobody understood.",
                            true, NULL, NULL},
    [METRIC_INBOUND] = {"inbound_messages_total", "SMS received, put together.", false, NULL, NULL},
    [METRIC_CALLBACK_TRIES] = {"callback_tries_total",
                               "POSTs to callback URLs; received: status 200.", false, "result",
                               received},
    [METRIC_CALLBACKS_LOST] = {"callbacks_given_up_total", "Callbacks after their last try.", false,
                               NULL, NULL},
    [METRIC_CLICKS] = {"clicks_total",
                       "Requests for a short link that leads somewhere, by who asks.", false,
                       "class", click},
    [METRIC_FIRST_CLICKS] = {"links_accessed_total",
                             "Links that a person tapped for the first time.", false, NULL, NULL},
    [METRIC_MISSES] = {"link_misses_total", "Requests for a short link that there is not.", false,
                       NULL, NULL},
    [METRIC_COMMITS] = {"store_commits_total", "Transactions of the message store.", false, NULL,
                        NULL},
    [METRIC_COMMITS_FAILED] = {"store_commit_failures_total",
                               "Transactions that the disk or the database refused.", false, NULL,
                               NULL},
};

static const struct {
    const char *name, *help;
    bool of_modem;
} times[METRIC_TIMES] = {
    [METRIC_TIME_SEND] = {"send_seconds",
                          "A part from its claim by the modem until the network took it.", true},
    [METRIC_TIME_DELIVERY] =
        {"delivery_seconds", "A part from its claim by the modem until the report of its delivery.",
         true},
    [METRIC_TIME_QUEUE] = {"queue_wait_seconds",
                           "A part from when it was due until its claim by a modem.", false},
    [METRIC_TIME_CALLBACK] = {"callback_seconds", "A POST to a callback URL.", false},
    [METRIC_TIME_COMMIT] = {"store_commit_seconds", "A transaction's COMMIT.", false},
};

/* ---- as lines ---- */

/* What belongs to a modem is told of the daemon ("") only where there is any. */
static bool is_told(const struct metric_set *set, enum metric m, bool of_modem)
{
    if (!of_modem || *metrics_modem(set))
        return true;
    for (unsigned v = 0; v < METRIC_VALUES; v++)
        if (metrics_value(set, m, v))
            return true;
    return m == METRIC_MESSAGES;
}

static void put_counter_of(struct buf *out, enum metric m, const struct metric_set *set)
{
    const char *modem = counters[m].of_modem ? metrics_modem(set) : NULL, *word;
    if (!is_told(set, m, counters[m].of_modem))
        return;
    if (!counters[m].label) {
        metrics_put_number(out, counters[m].name, modem, NULL, NULL,
                           (double)metrics_value(set, m, 0));
        return;
    }
    for (unsigned v = 0; v < METRIC_VALUES && (word = counters[m].word(v)) != NULL; v++)
        metrics_put_number(out, counters[m].name, modem, counters[m].label, word,
                           (double)metrics_value(set, m, v));
}

static void put_counter(struct buf *out, enum metric m)
{
    const struct metric_set *set = metrics_next(NULL);
    metrics_put_family(out, counters[m].name, "counter", counters[m].help);
    do
        put_counter_of(out, m, set);
    while (counters[m].of_modem && (set = metrics_next(set)) != NULL);
}

static void put_time_of(struct buf *out, enum metric_time t, const struct metric_set *set)
{
    struct metric_histogram h;
    const char *modem = times[t].of_modem ? metrics_modem(set) : NULL;
    char name[64], limit[32];
    uint64_t n = 0;
    metrics_histogram(set, t, &h);
    snprintf(name, sizeof name, "%s_bucket", times[t].name);
    for (unsigned i = 0; i < h.buckets; i++) {
        n += h.n[i];
        snprintf(limit, sizeof limit, "%.6g", h.below_s[i]);
        metrics_put_number(out, name, modem, "le", i + 1 < h.buckets ? limit : "+Inf", (double)n);
    }
    snprintf(name, sizeof name, "%s_sum", times[t].name);
    metrics_put_number(out, name, modem, NULL, NULL, h.sum_s);
    snprintf(name, sizeof name, "%s_count", times[t].name);
    metrics_put_number(out, name, modem, NULL, NULL, (double)n);
}

static void put_time(struct buf *out, enum metric_time t)
{
    const struct metric_set *set = metrics_next(NULL);
    metrics_put_family(out, times[t].name, "histogram", times[t].help);
    if (!times[t].of_modem)
        put_time_of(out, t, set);
    while (times[t].of_modem && (set = metrics_next(set)) != NULL)
        put_time_of(out, t, set);
}

void api_metrics_get(struct api_call *call)
{
    struct buf text;
    buf_init(&text, METRICS_MAX);
    for (enum metric m = 0; m < METRICS; m++)
        put_counter(&text, m);
    for (enum metric_time t = 0; t < METRIC_TIMES; t++)
        put_time(&text, t);
    enum err e = metrics_put_now(&text, call->api);
    if (e || text.err)
        api_store_error(call->rq, ERR_NO_MEMORY);
    else
        http_answer_bytes(call->rq, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&text),
                          text.len, NULL, 0);
    buf_free(&text);
}
