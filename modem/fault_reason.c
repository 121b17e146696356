/* fault_reason.c - what a code means, in one stable word.
 * Knows no port and no dialogue.  Promises: the words of docs/api.md and no others; an unknown code is "unknown". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

/* What is no number of the standard's; NULL: the code is the word. */
static const struct {
    const char *code, *reason;
} words[] = {
    {"uncertain", NULL},
    {"expired", NULL},
    {"cancelled", NULL},
    {"opted_out", NULL},
    {"no_report", NULL},
    {"refused", NULL},
    {"PDU", "ours"},
    {"ERROR", "unknown"},
    {"timeout", "uncertain"},
    {"restarted", "uncertain"},
    {"unplugged", "uncertain"},
    {"stopping", "uncertain"},
    {"no prompt", "modem"},
    {"port lost", "modem"},
};

/* "CMS 38", "CME 30". */
static bool parse(const char *code, enum fault_kind *kind, int *n)
{
    char *end;
    if (strncmp(code, "CMS ", 4) != 0 && strncmp(code, "CME ", 4) != 0)
        return false;
    long value = strtol(code + 4, &end, 10);
    *kind = code[2] == 'S' ? FAULT_CMS : FAULT_CME;
    *n = (int)value;
    return end != code + 4 && *end == '\0' && value >= 0 && value <= 65535;
}

const char *fault_reason(const char *code)
{
    enum fault_kind kind;
    int n;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(code, words[i].code) == 0)
            return words[i].reason ? words[i].reason : words[i].code;
    if (strncmp(code, "ST ", 3) == 0)
        return "undelivered"; /* 23.040 9.2.3.15 */
    const struct fault_row *row = parse(code, &kind, &n) ? fault_find(kind, n) : NULL;
    return row && row->reason ? row->reason : "unknown";
}

enum fault_plan fault_code_plan(const char *code)
{
    enum fault_kind kind;
    int n;
    if (!parse(code, &kind, &n))
        return strcmp(code, "ERROR") == 0 ? FAULT_SHORT : FAULT_PAUSES;
    const struct fault_row *row = fault_find(kind, n);
    return row ? row->plan : FAULT_SHORT;
}
