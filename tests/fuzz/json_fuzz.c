/* json_fuzz.c - hostile JSON bodies, from bytes to validated fields. */
#include <stddef.h>
#include <stdint.h>

#include "api_kit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    api_kit_try("application/json", data, size);
    return 0;
}
