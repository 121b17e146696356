/* alert_fuzz.c - hostile bodies as Alertmanager would post them: the text fits one SMS, or there is none. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/alert.h"
#include "sms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct alert alert;
    struct sms_plan plan;
    char why[ALERT_WHY_MAX];
    if (alert_parse((const char *)data, size, &alert, why) == OK) {
        if (sms_plan(alert.text, &plan) || plan.parts != 1 || strlen(alert.key) != 64)
            abort();
    } else if (memchr(why, '\0', sizeof why) == NULL) {
        abort();
    }
    return 0;
}
