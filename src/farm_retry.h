/* farm_retry.h - what becomes of a part that a modem could not send (docs/modems.md, "Error classes").
 * Knows no store beyond its verdicts, and no modem.  Pure: any thread. */
#ifndef SMSBRIDGE_FARM_RETRY_H
#define SMSBRIDGE_FARM_RETRY_H

#include <stddef.h>
#include <stdint.h>

#include "modem.h"
#include "store.h"

struct farm_failure {
    const struct modem_fault *why;
    unsigned tries;         /* before this one */
    const char *last;       /* the code it failed with before; "": none */
    unsigned others;        /* modems that could take it now, beside this one */
    const int64_t *retry_ms;        /* queue.retry */
    size_t retry_count;
};
struct farm_decision {
    enum store_verdict verdict;
    int64_t pause_ms;
};
struct farm_decision farm_decide(const struct farm_failure *f);

#endif
