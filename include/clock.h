/* clock.h - what time it is, and how long to wait.
 * Knows nobody above it.  Promises: clk_wall_ms() to remember, clk_mono_ms() to wait; UTC only.
 * Any thread.  Milliseconds everywhere. */
#ifndef SMSBRIDGE_CLOCK_H
#define SMSBRIDGE_CLOCK_H

#include <stdint.h>

#include "err.h"

#define CLK_SECOND_MS INT64_C(1000)
#define CLK_MINUTE_MS (60 * CLK_SECOND_MS)
#define CLK_HOUR_MS   (60 * CLK_MINUTE_MS)
#define CLK_DAY_MS    (24 * CLK_HOUR_MS)

int64_t clk_wall_ms(void);      /* since 1970-01-01T00:00:00Z; may jump */
int64_t clk_mono_ms(void);      /* since boot, only forward */
int64_t clk_mono_us(void);      /* the same, in microseconds: to measure with */

/* For tests (smsbridged --clock-offset): added to every later clk_wall_ms(). */
void clk_set_offset_ms(int64_t offset_ms);

/* "2026-01-02 03:04:05", UTC. `out` is returned.  Years 1 to 9999; beyond them the nearest of those. */
#define CLK_TEXT_MAX 20
const char *clk_format(int64_t wall_ms, char out[CLK_TEXT_MAX]);
/* The same, or RFC 3339 ("2026-01-02T03:04:05Z", "…+09:00", fractions of a second).
 * ERR_SYNTAX; ERR_RANGE for the 30th of February. */
enum err clk_parse(const char *text, int64_t *wall_ms) MUST_CHECK;
/* "2026-01-02": its first millisecond, UTC. */
enum err clk_parse_date(const char *text, int64_t *wall_ms) MUST_CHECK;
/* A UTC civil date and time to milliseconds: proleptic Gregorian, fields in their usual ranges
 * (month 1 to 12), ERR_RANGE otherwise. */
enum err clk_from_civil(int year, int month, int day, int hour, int minute, int second,
                        int64_t *wall_ms) MUST_CHECK;

#endif
