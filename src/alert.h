/* alert.h - what Prometheus' Alertmanager posts (its webhook, version 4), as the text of one SMS.
 * Refuses to know recipients and HTTP.  Pure; any thread.
 * Promises: the text fits one SMS, without control characters; the same news has the same key. */
#ifndef SMSBRIDGE_ALERT_H
#define SMSBRIDGE_ALERT_H

#include <stddef.h>

#include "err.h"
#include "hash.h"

#define ALERT_TEXT_MAX 640 /* 160 characters of 4 bytes, and a NUL with room */
#define ALERT_WHY_MAX  160
struct alert {
    char text[ALERT_TEXT_MAX + 1];
    /* Of groupKey, status, and each alert's status, fingerprint and startsAt: a repeated notification has it too. */
    char key[HASH_SHA256_TEXT];
};
/* ERR_SYNTAX: why is a sentence. */
enum err alert_parse(const char *body, size_t n, struct alert *out,
                     char why[ALERT_WHY_MAX]) MUST_CHECK;

#endif
