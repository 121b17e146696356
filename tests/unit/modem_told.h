/* modem_told.h - the core's side of the treaty, for tests: a queue of jobs, and a list of what was told.
 * Knows no port.  Every hook writes one line:
 *   identified IMEI ICCID IMSI · sent PART mr=N · failed PART CLASS CODE · report mr=N st=XX NUMBER · incoming NUMBER TEXT
 *   late mr=N · raw HEX · pin may_try CARD · pin accepted|refused CARD · event KIND TEXT · state NAME REASON ·
 *   stranger IMEI PORT */
#ifndef MODEM_TOLD_H
#define MODEM_TOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "modem.h"

struct told;

struct told *told_new(void);
void told_free(struct told *t);
extern const struct modem_hooks told_hooks;     /* ctx: the struct told */

/* pin_may_try answers as the store does (src/store.h). */
/* A job that hooks.next hands out; numbered 1, 2, … */
void told_queue(struct told *t, const char *recipient, const char *text);
void told_in_doubt(struct told *t);     /* a part was under way when an earlier program died */
void told_validity(struct told *t, uint32_t seconds);   /* of jobs queued from now on */
/* The next `times` calls of that hook ("sent", "incoming", "report", "next", …) return e; -1: all of them. */
void told_refuse(struct told *t, const char *hook, enum err e, int times);
/* hooks.report says that it settled that part. */
void told_settles(struct told *t, uint64_t part);

/* Waits for a line that starts with this; false after ms. */
bool told_wait(struct told *t, const char *line, int ms);
/* The same for the n-th such line (1-based). */
bool told_wait_n(struct told *t, const char *line, unsigned n, int ms);
unsigned told_count(struct told *t, const char *line);
/* Line i that is no state line, NULL behind the last. Only when the modem was joined. */
const char *told_line(struct told *t, unsigned i);
void told_print(struct told *t);
/* The last status. */
void told_status(struct told *t, struct modem_status *out);

#endif
