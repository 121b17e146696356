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

static unsigned octet(const char *hex)
{
    unsigned value = 0;
    for (int i = 0; i < 2; i++)
        value = value * 16 +
                (unsigned)(strchr("0123456789ABCDEF", hex[i] & ~(hex[i] > '9' ? 0x20 : 0)) -
                           "0123456789ABCDEF");
    return value;
}

static size_t hex_length(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && s[i] && strchr("0123456789ABCDEFabcdef", s[i]))
        i++;
    return i;
}

/* A number of 8 digits and more does not come out as it went in. */
static void check_run(const char *in, const char *out, size_t from, size_t to)
{
    size_t run = 0;
    for (size_t i = from; i < to; i++) {
        run = in[i] >= '0' && in[i] <= '9' ? run + 1 : 0;
        if (run < 8)
            continue;
        bool same = memcmp(in + i - 7, out + i - 7, 8) == 0;
        must(!same || memchr(out + i - 7, '9', 8) || memchr(out + i - 7, '0', 8));
    }
}

/* A PDU has numbers in its two addresses only (23.040 9.2.2): what is around them are lengths, types, times and headers,
 * and stays.  False: it is none, and is looked at like any line. */
static bool check_pdu(const char *in, const char *out, size_t n)
{
    if (n < 14 || hex_length(in, n) != n)
        return false;
    size_t smsc_end = 2 + 2 * octet(in);
    if (smsc_end + 8 > n)
        return false;
    unsigned type = octet(in + smsc_end) & 3;
    size_t at = smsc_end + (type == 1 || type == 2 ? 4 : 2);
    if (at + 4 > n)
        return false;
    size_t end = at + 4 + 2 * ((octet(in + at) + 1) / 2);
    if (end > n)
        return false;
    check_run(in, out, 4, smsc_end);
    check_run(in, out, at + 4, end);
    return true;
}

static void check_line(const char *in, const char *out, size_t n)
{
    n -= n && in[n - 1] == 0x1A;
    if (!check_pdu(in, out, n))
        check_run(in, out, 0, n);
}

static void check_numbers(const char *in, const char *out, size_t n)
{
    for (size_t i = 0, len; i < n; i += len + 1) {
        for (len = 0; i + len < n && in[i + len] != '\r' && in[i + len] != '\n';)
            len++;
        check_line(in + i, out + i, len);
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
