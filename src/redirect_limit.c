/* redirect_limit.c - token buckets for misses.
 * Knows no link.  Promises: bounded memory: a table of fixed size; an address that finds its place taken by one
 * that is at rest replaces it, else shares its bucket. */
#include "redirect_limit.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

#define BUCKETS          4096
#define BURST            20
#define REFILL_MS        6000 /* one token: ten a minute */
#define GLOBAL_BURST     20
#define GLOBAL_REFILL_MS 50 /* twenty a second */

/* Tokens are counted in milliseconds of credit, so that no fraction is lost. */
struct bucket {
    uint64_t key;
    int64_t credit_ms, at_ms;
};
struct redirect_limit {
    uint64_t seed; /* an attacker cannot choose which addresses share a place */
    struct bucket all;
    struct bucket bucket[BUCKETS];
};

struct redirect_limit *redirect_limit_new(void)
{
    struct redirect_limit *l = calloc(1, sizeof *l);
    if (l && text_random(&l->seed, sizeof l->seed)) {
        free(l);
        return NULL;
    }
    if (l)
        l->all.credit_ms = GLOBAL_BURST * GLOBAL_REFILL_MS;
    return l;
}

void redirect_limit_free(struct redirect_limit *l)
{
    free(l);
}

/* The part of an address that stands for a visitor: IPv4 whole, IPv6 its /64. */
static uint64_t key_of(const struct sockaddr *from)
{
    uint64_t key = 0;
    if (from && from->sa_family == AF_INET) {
        memcpy(&key, &((const struct sockaddr_in *)from)->sin_addr, 4);
    } else if (from && from->sa_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)from)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(a))
            memcpy(&key, a->s6_addr + 12, 4);
        else
            memcpy(&key, a->s6_addr, 8);
    }
    return key + 1; /* 0 is an unused bucket */
}

/* splitmix64's finaliser */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static bool take(struct bucket *b, int64_t burst, int64_t refill_ms, int64_t now_ms)
{
    int64_t full = burst * refill_ms;
    b->credit_ms += now_ms - b->at_ms;
    if (b->credit_ms > full)
        b->credit_ms = full;
    b->at_ms = now_ms;
    if (b->credit_ms < refill_ms)
        return false;
    b->credit_ms -= refill_ms;
    return true;
}

bool redirect_limit_miss(struct redirect_limit *l, const struct sockaddr *from, int64_t now_ms)
{
    uint64_t key = key_of(from);
    struct bucket *b = &l->bucket[mix(key ^ l->seed) % BUCKETS];
    bool at_rest = b->key == 0 || now_ms - b->at_ms > BURST * REFILL_MS;
    if (b->key != key && at_rest)
        *b = (struct bucket){.key = key, .credit_ms = BURST * REFILL_MS, .at_ms = now_ms};
    /* In this order: who is over its own budget does not use up everybody's. */
    return take(b, BURST, REFILL_MS, now_ms) &&
           take(&l->all, GLOBAL_BURST, GLOBAL_REFILL_MS, now_ms);
}
