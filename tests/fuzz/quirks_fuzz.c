/* quirks_fuzz.c - any bytes as a file of quirks.d: an answer, and a sentence with it where it is no; whatever was
 * accepted would be accepted again, and its codes are the manufacturer's. */
#include <stdint.h>
#include <stdlib.h>

#include "../../modem/quirks.h"
#include "../../src/quirks_file.h"
#include "modem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct quirks *q)
{
    char why[200];
    for (int i = 0; q && i < QUIRKS_INIT_MAX && q->init[i]; i++)
        if (modem_command_check(q->init[i], why, sizeof why) != OK)
            abort();
    for (const struct fault_row *f = q ? q->faults : NULL; f && f->first; f++)
        if (f->first < 512 || f->last < f->first || !f->text[0])
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[QUIRKS_WHY_MAX];
    modem_quirks_forget();
    enum err e = quirks_file_parse("fuzz.conf", (const char *)data, size, why);
    if (!e != !why[0])
        abort(); /* a refusal says why, and only a refusal */
    look(quirks_user_find("huawei", "E173"));
    look(quirks_user_find("Acme", "X1"));
    return 0;
}
