/* clock.c - what time it is.
 * Knows nobody above it.  Promises: UTC, no locale, no time zone database. */
#include "clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t offset_ms;

static int64_t read_ms(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clk_wall_ms(void)
{
    return read_ms(CLOCK_REALTIME) + atomic_load_explicit(&offset_ms, memory_order_relaxed);
}

int64_t clk_mono_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

int64_t clk_mono_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void clk_set_offset_ms(int64_t ms)
{
    atomic_store(&offset_ms, ms);
}

/* Days since 1970-01-01 of a Gregorian date, counted from 0000-03-01 so that leap days come last. */
static int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct civil {
    int year, month, day;
};

static struct civil civil_from_days(int64_t z)
{
    z += 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t mp = (5 * day_of_year + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    int64_t year = year_of_era + era * 400 + (month <= 2);
    return (struct civil){(int)year, month, (int)(day_of_year - (153 * mp + 2) / 5 + 1)};
}

#define YEAR_1_MS     (INT64_C(-62135596800) * 1000)
#define YEAR_10000_MS (INT64_C(253402300800) * 1000)

const char *clk_format(int64_t ms, char out[CLK_TEXT_MAX])
{
    ms = ms < YEAR_1_MS ? YEAR_1_MS : ms >= YEAR_10000_MS ? YEAR_10000_MS - 1 : ms;
    int64_t days = ms / CLK_DAY_MS - (ms % CLK_DAY_MS < 0);
    unsigned s = (unsigned)((ms - days * CLK_DAY_MS) / 1000);
    struct civil c = civil_from_days(days);
    char wide[64]; /* what the compiler believes the numbers could need */
    snprintf(wide, sizeof wide, "%04d-%02d-%02d %02u:%02u:%02u", c.year, c.month, c.day, s / 3600,
             s / 60 % 60, s % 60);
    snprintf(out, CLK_TEXT_MAX, "%.19s", wide);
    return out;
}

static int days_in_month(int year, int month)
{
    static const signed char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

enum err clk_from_civil(int year, int month, int day, int hour, int minute, int second,
                        int64_t *wall_ms)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month) || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 59)
        return ERR_RANGE;
    *wall_ms = days_from_civil(year, month, day) * CLK_DAY_MS +
               ((hour * 60 + minute) * 60 + second) * CLK_SECOND_MS;
    return OK;
}

/* n digits at *s as a number; *s moves behind them. */
static bool digits(const char **s, int n, int *out)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if ((*s)[i] < '0' || (*s)[i] > '9')
            return false;
        value = value * 10 + (*s)[i] - '0';
    }
    *s += n;
    *out = value;
    return true;
}

static bool mark(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static bool date(const char **s, int *y, int *m, int *d)
{
    return digits(s, 4, y) && mark(s, '-') && digits(s, 2, m) && mark(s, '-') && digits(s, 2, d);
}

/* ".123": milliseconds of it. */
static int fraction_ms(const char **s)
{
    int ms = 0, scale = 100;
    if (!mark(s, '.'))
        return 0;
    for (; **s >= '0' && **s <= '9'; (*s)++, scale /= 10)
        ms += (**s - '0') * scale;
    return ms;
}

/* "Z", "+09:00" or nothing: minutes east of Greenwich. */
static bool zone(const char **s, int *minutes)
{
    int h, m, sign = **s == '-' ? -1 : 1;
    *minutes = 0;
    if (**s == '\0' || mark(s, 'Z') || mark(s, 'z'))
        return true;
    if (!mark(s, '+') && !mark(s, '-'))
        return false;
    if (!digits(s, 2, &h) || !mark(s, ':') || !digits(s, 2, &m) || h > 23 || m > 59)
        return false;
    *minutes = sign * (h * 60 + m);
    return true;
}

enum err clk_parse(const char *text, int64_t *wall_ms)
{
    int y, mo, d, h, mi, s, east;
    int64_t ms;
    const char *at = text;
    if (!date(&at, &y, &mo, &d) || (!mark(&at, ' ') && !mark(&at, 'T') && !mark(&at, 't')))
        return ERR_SYNTAX;
    if (!digits(&at, 2, &h) || !mark(&at, ':') || !digits(&at, 2, &mi) || !mark(&at, ':') ||
        !digits(&at, 2, &s))
        return ERR_SYNTAX;
    int fraction = fraction_ms(&at);
    if (!zone(&at, &east) || *at)
        return ERR_SYNTAX;
    enum err e = clk_from_civil(y, mo, d, h, mi, s == 60 ? 59 : s, &ms); /* a leap second */
    if (e)
        return e;
    *wall_ms = ms + fraction - east * CLK_MINUTE_MS;
    return OK;
}

enum err clk_parse_date(const char *text, int64_t *wall_ms)
{
    int y, m, d;
    const char *at = text;
    if (!date(&at, &y, &m, &d) || *at)
        return ERR_SYNTAX;
    return clk_from_civil(y, m, d, 0, 0, 0, wall_ms);
}
