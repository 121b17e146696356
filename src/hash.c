/* hash.c - SHA-256, HMAC, base64 and the Standard Webhooks signature, on nettle.
 * Refuses to know whose secrets these are.
 * Promises: no allocation, no copy of a secret is left behind, comparisons in constant time. */
#include "hash.h"

#include <inttypes.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

#define SECRET_PREFIX     "whsec_"
#define SECRET_NEW_OCTETS 24
#define SECRET_MIN_OCTETS 24

_Static_assert(HASH_SHA256 == SHA256_DIGEST_SIZE, "the header's size is nettle's");
_Static_assert(sizeof SECRET_PREFIX - 1 + HASH_BASE64_TEXT(SECRET_NEW_OCTETS) <=
                   HASH_WEBHOOK_SECRET_TEXT,
               "a new secret fits");
_Static_assert(3 + HASH_BASE64_TEXT(HASH_SHA256) <= HASH_WEBHOOK_SIGN_TEXT, "a signature fits");

void hash_sha256(const void *data, size_t n, uint8_t out[HASH_SHA256])
{
    struct sha256_ctx ctx;

    sha256_init(&ctx);
    sha256_update(&ctx, n, data);
    sha256_digest(&ctx, HASH_SHA256, out);
    explicit_bzero(&ctx, sizeof ctx);
}

void hash_sha256_text(const void *data, size_t n, char out[HASH_SHA256_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t octets[HASH_SHA256];

    hash_sha256(data, n, octets);
    for (size_t i = 0; i < sizeof octets; i++) {
        out[2 * i] = digits[octets[i] >> 4];
        out[2 * i + 1] = digits[octets[i] & 15];
    }
    out[2 * sizeof octets] = '\0';
    explicit_bzero(octets, sizeof octets);
}

void hash_hmac_sha256(const void *key, size_t key_n, const void *data, size_t n,
                      uint8_t out[HASH_SHA256])
{
    struct hmac_sha256_ctx ctx;

    hmac_sha256_set_key(&ctx, key_n, key);
    hmac_sha256_update(&ctx, n, data);
    hmac_sha256_digest(&ctx, HASH_SHA256, out);
    explicit_bzero(&ctx, sizeof ctx);
}

enum err hash_base64_encode(const void *data, size_t n, char *out, size_t size)
{
    if (n > SIZE_MAX / 2 || size < HASH_BASE64_TEXT(n)) {
        if (size)
            *out = '\0';
        return ERR_FULL;
    }
    base64_encode_raw(out, n, data);
    out[HASH_BASE64_TEXT(n) - 1] = '\0';
    return OK;
}

/* nettle skips white space and takes a missing end for a pause; a secret or a password has neither. */
static enum err decode_block(struct base64_decode_ctx *ctx, const char *text, uint8_t out[4],
                             size_t *n)
{
    for (size_t i = 0; i < 4; i++)
        if (text[i] == ' ' || (text[i] >= '\t' && text[i] <= '\r'))
            return ERR_SYNTAX;
    *n = 4;
    return base64_decode_update(ctx, n, out, 4, text) ? OK : ERR_SYNTAX;
}

enum err hash_base64_decode(const char *text, size_t len, uint8_t *out, size_t max, size_t *n)
{
    struct base64_decode_ctx ctx;
    uint8_t block[4];
    size_t done = 0, got;
    enum err e = OK;

    if (len % 4)
        return ERR_SYNTAX;
    base64_decode_init(&ctx);
    for (size_t at = 0; at < len && !e; at += 4) {
        e = decode_block(&ctx, text + at, block, &got);
        if (!e && got > max - done)
            e = ERR_FULL;
        if (!e) {
            memcpy(out + done, block, got);
            done += got;
        }
    }
    if (!e && !base64_decode_final(&ctx))
        e = ERR_SYNTAX;
    if (!e)
        *n = done;
    explicit_bzero(block, sizeof block);
    explicit_bzero(&ctx, sizeof ctx);
    return e;
}

static enum err secret_octets(const char *secret, uint8_t key[HASH_WEBHOOK_KEY_MAX], size_t *n)
{
    const size_t prefix = strlen(SECRET_PREFIX);
    enum err e;

    if (strncmp(secret, SECRET_PREFIX, prefix) != 0)
        return ERR_SYNTAX;
    e = hash_base64_decode(secret + prefix, strlen(secret + prefix), key, HASH_WEBHOOK_KEY_MAX, n);
    if (e == ERR_FULL || (!e && *n < SECRET_MIN_OCTETS))
        return ERR_RANGE;
    return e;
}

enum err hash_webhook_secret_make(char out[HASH_WEBHOOK_SECRET_TEXT])
{
    const size_t prefix = strlen(SECRET_PREFIX);
    uint8_t key[SECRET_NEW_OCTETS];
    enum err e = text_random(key, sizeof key);

    if (e)
        return e;
    memcpy(out, SECRET_PREFIX, prefix);
    e = hash_base64_encode(key, sizeof key, out + prefix, HASH_WEBHOOK_SECRET_TEXT - prefix);
    explicit_bzero(key, sizeof key);
    return e;
}

enum err hash_webhook_secret_check(const char *secret)
{
    uint8_t key[HASH_WEBHOOK_KEY_MAX];
    size_t n;
    enum err e = secret_octets(secret, key, &n);

    explicit_bzero(key, sizeof key);
    return e;
}

enum err hash_webhook_sign(const char *secret, const char *id, int64_t timestamp_s,
                           const void *body, size_t n, char out[HASH_WEBHOOK_SIGN_TEXT])
{
    struct hmac_sha256_ctx ctx;
    uint8_t key[HASH_WEBHOOK_KEY_MAX], mac[HASH_SHA256];
    char stamp[32];
    size_t key_n;
    enum err e = secret_octets(secret, key, &key_n);

    if (!e) { /* "id.timestamp.body" */
        int stamp_n = snprintf(stamp, sizeof stamp, ".%" PRId64 ".", timestamp_s);

        hmac_sha256_set_key(&ctx, key_n, key);
        hmac_sha256_update(&ctx, strlen(id), (const uint8_t *)id);
        hmac_sha256_update(&ctx, (size_t)stamp_n, (const uint8_t *)stamp);
        hmac_sha256_update(&ctx, n, body);
        hmac_sha256_digest(&ctx, sizeof mac, mac);
        memcpy(out, "v1,", 3);
        e = hash_base64_encode(mac, sizeof mac, out + 3, HASH_WEBHOOK_SIGN_TEXT - 3);
        explicit_bzero(&ctx, sizeof ctx);
    }
    explicit_bzero(key, sizeof key);
    return e;
}

bool hash_equal(const void *a, const void *b, size_t n)
{
    return memeql_sec(a, b, n);
}

/* Digests are compared, so that neither the place of a difference nor a shared beginning shows. */
bool hash_equal_text(const char *a, const char *b)
{
    uint8_t da[HASH_SHA256], db[HASH_SHA256];

    hash_sha256(a, strlen(a), da);
    hash_sha256(b, strlen(b), db);
    return hash_equal(da, db, sizeof da);
}
