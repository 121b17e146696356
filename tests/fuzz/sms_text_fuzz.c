/* sms_text_fuzz.c - any bytes as a text to send, and any octets as parts to join.
 * A text that is planned comes back from its parts as it was; parts of any content join into UTF-8 or are refused. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sms.h"
#include "text.h"

#define TEXT_MAX  4096
#define JOINS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_plan(const char *text, enum err (*make)(const char *text, struct sms_plan *plan))
{
    static struct sms_ud uds[SMS_PARTS_MAX];
    const struct sms_ud *list[SMS_PARTS_MAX];
    struct sms_submit submit = {.recipient = "+31641600986", .validity_s = 86400};
    static char joined[TEXT_MAX + 1];
    uint8_t tpdu[SMS_TPDU_MAX];
    struct sms_plan plan;
    size_t n;
    enum err e = make(text, &plan);
    bool valid = text[0] && text_utf8_check(text, strlen(text)) == OK;
    bool fits = valid && text_utf16_units(text, strlen(text)) <= SMS_TEXT_MAX;
    must((e == OK) == fits);
    if (e)
        return;
    must(plan.parts >= 1 && plan.parts <= SMS_PARTS_MAX);
    for (unsigned i = 0; i < plan.parts; i++) {
        must(sms_plan_part(text, &plan, i, 7, &uds[i]) == OK);
        list[i] = &uds[i];
        submit.ud = uds[i];
        must(sms_submit_encode(&submit, tpdu, &n) == OK && n <= SMS_TPDU_MAX);
    }
    must(sms_join(list, plan.parts, joined, sizeof joined) == OK);
    must(strcmp(joined, text) == 0);
}

/* Each part: alphabet, udhi and "missing" from one byte, TP-UDL, octets. */
static void check_join(const uint8_t *data, size_t size)
{
    static struct sms_ud uds[JOINS_MAX];
    const struct sms_ud *list[JOINS_MAX];
    static char out[JOINS_MAX * 160 * 3 + 1];
    unsigned parts = 0;
    while (size >= 2 && parts < JOINS_MAX) {
        struct sms_ud *ud = &uds[parts];
        size_t n = size - 2 < SMS_UD_MAX ? size - 2 : SMS_UD_MAX;
        memset(ud, 0, sizeof *ud);
        ud->alphabet = (enum sms_alphabet)(data[0] % 3);
        ud->udhi = data[0] & 0x80;
        ud->udl = data[1];
        memcpy(ud->octets, data + 2, n);
        list[parts++] = data[0] & 0x40 ? NULL : ud;
        data += 2 + n;
        size -= 2 + n;
    }
    enum err e = sms_join(list, parts, out, sizeof out);
    must(e == OK || e == ERR_UNSUPPORTED);
    must(text_utf8_check(out, strlen(out)) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX + 1];
    size_t n = size < TEXT_MAX ? size : TEXT_MAX;
    if (n > 0)
        memcpy(text, data, n);
    text[n] = '\0';
    check_plan(text, sms_plan);
    check_plan(text, sms_plan_national);
    check_join(data, size);
    return 0;
}
