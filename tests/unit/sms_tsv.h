/* sms_tsv.h - rows of tests/vectors/sms_*.tsv, for the tests of the codec.
 * Knows nothing of messages.  Promises: a missing file or a row of the wrong width fails the test. */
#ifndef SMSBRIDGE_TESTS_SMS_TSV_H
#define SMSBRIDGE_TESTS_SMS_TSV_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define TSV_COLUMNS_MAX 16

/* \n \r \f \\ in place. */
static inline void tsv_unescape(char *s)
{
    static const char from[] = "nrf\\", to[] = "\n\r\f\\";
    char *out = s;
    for (; *s; s++) {
        const char *p = *s == '\\' && s[1] ? strchr(from, s[1]) : NULL;
        *out++ = p ? to[p - from] : *s;
        s += p ? 1 : 0;
    }
    *out = '\0';
}

/* Calls row(columns) for every row that is no comment; returns how many. */
static inline int tsv_each(const char *path, int columns, void (*row)(char **column))
{
    static char line[16384];
    int rows = 0;
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s: cannot open (run from the top of the tree)", path);
    while (fgets(line, sizeof line, f)) {
        char *column[TSV_COLUMNS_MAX] = {0}, *at = line;
        int n = 0;
        if (line[0] == '#')
            continue;
        line[strcspn(line, "\n")] = '\0';
        for (char *word; n < TSV_COLUMNS_MAX && (word = strsep(&at, "\t"));)
            column[n++] = word;
        if (n != columns)
            fail_msg("%s: %d columns instead of %d: %.60s", path, n, columns, line);
        for (int i = 0; i < n; i++)
            tsv_unescape(column[i]);
        row(column);
        rows++;
    }
    fclose(f);
    return rows;
}

/* Hexadecimal to octets; the test fails when it is none. */
static inline size_t tsv_hex(const char *hex, uint8_t *out, size_t max)
{
    size_t n = 0;
    if (text_hex_decode(hex, strlen(hex), out, max, &n))
        fail_msg("not hexadecimal: %s", hex);
    return n;
}

#endif
