/* sms_decode_fuzz.c - any octets as a PDU of a modem.
 * What decodes must hold together: texts that are UTF-8 and end, lengths within their field, joining that is safe. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sms.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_text(const char *s, size_t size)
{
    size_t n = strnlen(s, size);
    must(n < size);
    must(text_utf8_check(s, n) == OK);
}

static void check_deliver(const struct sms_deliver *d)
{
    char text[4 * SMS_UD_MAX], small[8];
    const struct sms_ud *ud = &d->ud, *twice[] = {ud, NULL, ud};
    check_text(d->sender, sizeof d->sender);
    must(ud->udl <= (ud->alphabet == SMS_GSM7 ? 160 : SMS_UD_MAX));
    must(sms_ud_header_units(ud) <= ud->udl);
    must(d->concat.seq <= d->concat.total && (d->concat.total == 0 || d->concat.seq > 0));
    must(d->message_class >= -1 && d->message_class <= 3);
    enum err e = sms_join(&ud, 1, text, sizeof text);
    must(e == (ud->alphabet == SMS_8BIT ? ERR_UNSUPPORTED : OK));
    check_text(text, sizeof text);
    e = sms_join(twice, 3, small, sizeof small);
    must(e == OK || e == ERR_FULL || e == ERR_UNSUPPORTED);
    check_text(small, sizeof small);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sms_inbound in;
    enum err e = sms_decode(data, size, &in);
    must(e == OK || e == ERR_SYNTAX || e == ERR_UNSUPPORTED);
    if (e)
        return 0;
    check_text(in.smsc, sizeof in.smsc);
    if (in.kind == SMS_KIND_DELIVER) {
        check_deliver(&in.deliver);
    } else {
        check_text(in.report.recipient, sizeof in.report.recipient);
        must(sms_st_str(in.report.st) != NULL);
    }
    return 0;
}
