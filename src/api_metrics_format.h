/* api_metrics_format.h - lines of Prometheus' text format 0.0.4, and the two halves of GET /metrics.
 * For src/api_metrics*.c only. */
#ifndef SMSBRIDGE_API_METRICS_FORMAT_H
#define SMSBRIDGE_API_METRICS_FORMAT_H

#include "api_impl.h"

#define METRICS_PREFIX "smsbridge_"

/* "# HELP" and "# TYPE" of a metric of ours, and of one whose name is everybody's ("process_…"). */
void metrics_put_family(struct buf *out, const char *name, const char *type, const char *help);
void metrics_put_head(struct buf *out, const char *name, const char *type, const char *help);
/* A sample of ours; modem NULL, label NULL: without. */
void metrics_put_number(struct buf *out, const char *name, const char *modem, const char *label,
                        const char *value, double number);
/* A label and its value, whatever bytes that has. */
void metrics_put_label(struct buf *out, const char *label, const char *value, bool first);

/* ---- api_metrics_now.c ---- */
/* How the store, the modems and the process are now.  ERR_NO_MEMORY. */
enum err metrics_put_now(struct buf *out, struct api *api) MUST_CHECK;

#endif
