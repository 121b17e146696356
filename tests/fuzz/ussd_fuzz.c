/* ussd_fuzz.c - any bytes as a +CUSD string of a modem, under any dcs: UTF-8 comes out and ends, or it is refused.
 * What we encode ourselves reads back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../modem/modem_private.h"
#include "text.h"

#define TEXT_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static void check_decode(const char *text, int dcs, bool packed)
{
    char out[700], small[9];
    enum err e = modem_ussd_decode(text, dcs, packed, out, sizeof out);
    must(e != OK ||
         (strnlen(out, sizeof out) < sizeof out && text_utf8_check(out, strlen(out)) == OK));
    e = modem_ussd_decode(text, dcs, packed, small, sizeof small);
    must(e != OK || text_utf8_check(small, strnlen(small, sizeof small)) == OK);
}

static void check_encode(const char *text, bool packed)
{
    char out[700], back[700];
    if (modem_ussd_encode(text, packed, out, sizeof out) != OK)
        return;
    must(!strpbrk(out, "\"\r\n\x1a\x1b"));
    /* "@" is seven bits of nothing and CR is filling (23.038 6.1.2.3.1): at the end neither tells, and what begins with
     * such bits passes for UCS-2, which some modems show under any dcs. */
    if (packed && text[0] >= ' ' && text[0] < 0x7F && text[0] != '@' &&
        !strchr("@\r", text[strlen(text) - 1]))
        must(modem_ussd_decode(out, 15, true, back, sizeof back) == OK && strcmp(back, text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_MAX + 1], plain[TEXT_MAX + 1];
    if (size < 2)
        return 0;
    size_t n = size - 2 < TEXT_MAX ? size - 2 : TEXT_MAX;
    memcpy(text, data + 2, n);
    text[n] = '\0';
    memcpy(plain, text, n + 1);
    check_decode(text, data[0], data[1] & 1);
    check_encode(text, data[1] & 1);
    modem_plain(plain);
    must(strlen(plain) <= strlen(text));
    return 0;
}
