/* at_lex_fuzz.c - any bytes: the same tokens however they are cut, and each within its bounds.
 * Input: a byte that chooses what is awaited, a byte that chooses the cuts, the modem's bytes. */
#include "../../modem/at_lex.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct at_expect expectations[] = {
    {0},
    {.command = "AT+CSQ", .prefix = "+CSQ"},
    {.command = "AT+CMGL=4", .prefix = "+CMGL"},
    {.command = "AT+CMGR=1", .prefix = "+CMGR"},
    {.command = "AT+CMGS=13", .prefix = "+CMGS", .prompt = true},
    {.command = "AT+CMGS=13", .prefix = "+CMGS", .payload = "0001000B919471123456F80000AA"},
    {.command = "ATD*99#"},
    {.command = "AT+CGSN", .prefix = AT_BARE},
};

static void require(bool what)
{
    if (!what)
        abort();
}

/* FNV-1a over everything that a token says. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t n)
{
    for (const uint8_t *p = bytes; n--; p++)
        hash = (hash ^ *p) * 0x100000001b3u;
    return hash;
}

static uint64_t look(uint64_t hash, const struct at_token *t)
{
    size_t n = strlen(t->line);
    unsigned kind = t->kind * 4u + t->cut * 2u + t->stale;
    require(n <= AT_LINE_MAX && !strchr(t->line, '\r'));
    require(!strchr(t->line, '\n') || strncmp(t->line, "+CUSD", 5) == 0);
    hash = mix(mix(hash, &kind, sizeof kind), t->line, n + 1);
    if (t->pdu) {
        require(t->pdu[0] == '?' || strlen(t->pdu) % 2 == 0);
        hash = mix(hash, t->pdu, strlen(t->pdu) + 1);
    }
    if (t->kind == AT_TOKEN_FINAL) {
        require(strlen(t->result->words) < sizeof t->result->words);
        hash = mix(mix(hash, &t->result->code, sizeof t->result->code), t->result->words,
                   strlen(t->result->words));
    }
    return hash;
}

static uint64_t run(const struct at_expect *expect, const uint8_t *data, size_t size, unsigned step)
{
    static struct at_lex lex;
    struct at_token t;
    uint64_t hash = 0xcbf29ce484222325u;
    at_lex_init(&lex);
    at_lex_expect(&lex, expect);
    for (size_t at = 0; at < size;) {
        size_t n = step && step < size - at ? step : size - at;
        for (size_t left = n;;) {
            size_t used = at_lex_feed(&lex, (const char *)data + at + (n - left), left, &t);
            require(used <= left);
            left -= used;
            if (t.kind == AT_TOKEN_NONE)
                break;
            hash = look(hash, &t);
        }
        at += n;
    }
    if (at_lex_quiet(&lex, &t))
        hash = look(hash, &t);
    for (unsigned i = 0; at_lex_flush(&lex, &t); i++) {
        require(i < 3);
        hash = look(hash, &t);
    }
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const struct at_expect *expect =
        &expectations[data[0] % (sizeof expectations / sizeof *expectations)];
    unsigned step = data[1];
    uint64_t whole = run(expect, data + 2, size - 2, 0);
    require(run(expect, data + 2, size - 2, 1) == whole);
    require(run(expect, data + 2, size - 2, step) == whole);
    return 0;
}
