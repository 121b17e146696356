/* at_mask_fuzz.c - any bytes as pieces of a dialogue: length and line ends stay, no run of digits of a number does.
 * The first byte of the input and every 0xFF begin a piece of the modem, every 0xFE one of ours. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../modem/at_mask.h"

#define PIECE_MAX 1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static bool is_end(char c)
{
    return c == '\r' || c == '\n' || c == 0x1A;
}

/* A number of 8 digits and more that stands alone does not come out as it went in. */
static void check_numbers(const char *in, const char *out, size_t n)
{
    size_t run = 0;
    for (size_t i = 0; i < n; i++) {
        run = in[i] >= '0' && in[i] <= '9' ? run + 1 : 0;
        if (run < 8)
            continue;
        bool same = memcmp(in + i - 7, out + i - 7, 8) == 0;
        must(!same || memchr(out + i - 7, '9', 8) || memchr(out + i - 7, '0', 8));
    }
}

static void check_piece(struct at_mask *k, char direction, const char *in, size_t n)
{
    char *out = malloc(n ? n : 1); /* its end is guarded */
    must(out != NULL);
    memcpy(out, in, n);
    at_mask_all(k, direction, out, n);
    for (size_t i = 0; i < n; i++)
        must(is_end(in[i]) == is_end(out[i]));
    check_numbers(in, out, n);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct at_mask *k = calloc(1, sizeof *k);
    must(k != NULL);
    char direction = '<';
    for (size_t i = 0, n; i < size; i += n + 1) {
        for (n = 0; i + n < size && n < PIECE_MAX && data[i + n] < 0xFE;)
            n++;
        check_piece(k, direction, (const char *)data + i, n);
        direction = i + n < size && data[i + n] == 0xFE ? '>' : '<';
    }
    free(k);
    return 0;
}
