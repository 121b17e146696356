/* farm_retry.c - what becomes of a part that a modem could not send: a table of plans.
 * Knows no store beyond its verdicts, and no modem.  Promises: only what certainly did not go out is tried again;
 * a refusal ends within three tries. */
#include "farm_retry.h"

#include <string.h>

#include "clock.h"

#define UNHEARD_MS         CLK_MINUTE_MS /* unplugged: nobody can tell before it is heard again */
#define NETWORK_REPEATS_MS (15 * CLK_SECOND_MS)
#define SOON_MS            (30 * CLK_SECOND_MS)
#define SHORT_MS           (2 * CLK_SECOND_MS)

static int64_t step_ms(const struct farm_failure *f, size_t step)
{
    if (f->retry_count == 0)
        return CLK_MINUTE_MS;
    return f->retry_ms[step < f->retry_count ? step : f->retry_count - 1];
}

/* Where this modem cannot, each of the others is to try at once; then there is a pause. */
static struct farm_decision elsewhere(const struct farm_failure *f)
{
    int64_t pause = f->tries < f->others ? 0 : step_ms(f, f->tries);
    return (struct farm_decision){STORE_VERDICT_OTHER_MODEM, pause};
}

static struct farm_decision by_pauses(const struct farm_failure *f)
{
    return f->why->class == FAULT_MODEM
               ? elsewhere(f)
               : (struct farm_decision){STORE_VERDICT_RETRY, step_ms(f, f->tries)};
}

static struct farm_decision later(const struct farm_failure *f)
{
    return (struct farm_decision){STORE_VERDICT_RETRY, step_ms(f, f->tries + 1)};
}

static bool was_so_before(const struct farm_failure *f)
{
    return f->last[0] && fault_code_plan(f->last) == f->why->plan;
}

static struct farm_decision in_a_moment(const struct farm_failure *f)
{
    if (was_so_before(f))
        return by_pauses(f);
    return (struct farm_decision){STORE_VERDICT_RETRY,
                                  step_ms(f, 0) < SHORT_MS ? step_ms(f, 0) : SHORT_MS};
}

static const struct farm_decision never = {STORE_VERDICT_FAIL, 0};

static struct farm_decision once_elsewhere(const struct farm_failure *f)
{
    if (was_so_before(f) || f->others == 0)
        return never;
    return (struct farm_decision){STORE_VERDICT_OTHER_MODEM, 0};
}

static struct farm_decision soon_then_elsewhere(const struct farm_failure *f)
{
    if (!was_so_before(f))
        return (struct farm_decision){STORE_VERDICT_RETRY, SOON_MS};
    if (f->tries > 1 || f->others == 0)
        return never;
    return (struct farm_decision){STORE_VERDICT_OTHER_MODEM, 0};
}

static struct farm_decision by_plan(const struct farm_failure *f)
{
    static struct farm_decision (*const plans[])(const struct farm_failure *) = {
        [FAULT_PAUSES] = by_pauses,         [FAULT_LATER] = later,
        [FAULT_SHORT] = in_a_moment,        [FAULT_SOON] = soon_then_elsewhere,
        [FAULT_ELSEWHERE] = once_elsewhere,
    };
    return plans[f->why->plan](f);
}

/* A modem that answers again may repeat it; not one that restarted: a report may be waiting for it.  Behind three
 * minutes of silence reports may have been refused by a modem that waited for its +CNMA: the network repeats them. */
static struct farm_decision in_doubt(const char *code)
{
    static const struct {
        const char *code;
        struct farm_decision decision;
    } rows[] = {
        {"unplugged", {STORE_VERDICT_UNCERTAIN, UNHEARD_MS}},
        {"stopping", {STORE_VERDICT_UNCERTAIN, 0}},
        {"restarted", {STORE_VERDICT_UNCERTAIN, 0}},
        {"timeout", {STORE_VERDICT_REPEAT, NETWORK_REPEATS_MS}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(code, rows[i].code) == 0)
            return rows[i].decision;
    return (struct farm_decision){STORE_VERDICT_REPEAT, 0};
}

struct farm_decision farm_decide(const struct farm_failure *f)
{
    switch (f->why->class) {
    case FAULT_ABANDONED:
        return (struct farm_decision){STORE_VERDICT_BACK, 0};
    case FAULT_REFUSED:
        return never;
    case FAULT_BUSY:
    case FAULT_MODEM:
        return by_plan(f);
    case FAULT_UNCERTAIN:
    case FAULT_HELD: /* settled before it comes here */
        return in_doubt(f->why->code);
    }
    return (struct farm_decision){STORE_VERDICT_UNCERTAIN, 0};
}
