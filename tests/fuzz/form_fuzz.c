/* form_fuzz.c - hostile form bodies: urlencoded and multipart, from bytes to validated fields.
 * The first byte chooses the format. */
#include <stddef.h>
#include <stdint.h>

#include "api_kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=X",
        "multipart/form-data; charset=utf-8; boundary=\"a\\\"b c\"",
    };
    if (size > 0)
        api_kit_try(types[data[0] % 3], data + 1, size - 1);
    return 0;
}
