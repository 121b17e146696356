/* The table of faults, see fault.h.
   Refuses to know where they strike.
   Promises one row a fault. */
#include "fault.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    long arg;
} rows[FAULT_KINDS] = {
    [FAULT_ECHO] = {"echo", 0},
    [FAULT_CHATTER] = {"chatter", 0},
    [FAULT_SPLIT] = {"split", 2},
    [FAULT_DELAY] = {"delay", 1000},
    [FAULT_CMS] = {"cms", 500},
    [FAULT_CMS_SENT] = {"cms-sent", 500},
    [FAULT_CMS_EARLY] = {"cms-early", 500},
    [FAULT_CME] = {"cme", 100},
    [FAULT_ERROR] = {"error", 0},
    [FAULT_ERROR_LATE] = {"error-late", 0},
    [FAULT_NO_PROMPT] = {"no-prompt", 0},
    [FAULT_LOST_ANSWER] = {"lost-answer", 0},
    [FAULT_LOST_SMS] = {"lost-sms", 0},
    [FAULT_LATE] = {"late", 8000},
    [FAULT_SILENCE] = {"silence", 0},
    [FAULT_GARBAGE] = {"garbage", 64},
    [FAULT_REPORT_FIRST] = {"report-first", 0},
    [FAULT_DUPLICATE_REPORT] = {"duplicate-report", 0},
    [FAULT_CRASH] = {"crash", 0},
    [FAULT_CRASH_UNSENT] = {"crash-unsent", 0},
    [FAULT_RESET] = {"reset", 0},
};

const char *fault_name(enum fault_kind k)
{
    return rows[k].name;
}

enum fault_kind fault_kind(const char *name)
{
    int k = 0;
    while (k < FAULT_KINDS && strcmp(rows[k].name, name) != 0)
        k++;
    return (enum fault_kind)k;
}

long fault_default(enum fault_kind k)
{
    return rows[k].arg;
}

bool fault_is_set(const struct fault set[FAULT_KINDS], enum fault_kind k)
{
    return set[k].left > 0;
}

bool fault_take(struct fault set[FAULT_KINDS], enum fault_kind k, const char *command, long *arg)
{
    struct fault *f = &set[k];
    if (!f->left || (f->command[0] && strcasecmp(f->command, command) != 0))
        return false;
    if (f->left != ULONG_MAX)
        f->left--;
    if (arg)
        *arg = f->arg;
    return true;
}

void fault_json(const struct fault set[FAULT_KINDS], struct str *out)
{
    str_puts(out, "{");
    for (int k = 0; k < FAULT_KINDS; k++)
        if (set[k].left)
            str_int(out, rows[k].name, set[k].left == ULONG_MAX ? -1 : (long)set[k].left);
    str_puts(out, "}");
}
