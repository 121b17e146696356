/* hash.h - SHA-256, HMAC, base64 and the Standard Webhooks signature; nettle's only home.
 * Refuses to know whose secrets these are.  Promises: no allocation, no copy of a secret is left behind,
 * comparisons take the same time wherever the difference is.  Any thread. */
#ifndef SMSBRIDGE_HASH_H
#define SMSBRIDGE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define HASH_SHA256      32
#define HASH_SHA256_TEXT 65 /* lower-case hexadecimal with NUL */

void hash_sha256(const void *data, size_t n, uint8_t out[HASH_SHA256]);
void hash_sha256_text(const void *data, size_t n, char out[HASH_SHA256_TEXT]);
/* RFC 2104 with SHA-256; a key of any length. */
void hash_hmac_sha256(const void *key, size_t key_n, const void *data, size_t n,
                      uint8_t out[HASH_SHA256]);

/* Bytes that hash_base64_encode() writes for n octets, with NUL. */
#define HASH_BASE64_TEXT(n) (((n) + 2) / 3 * 4 + 1)
/* RFC 4648 4, with padding.  ERR_FULL: out is then "". */
enum err hash_base64_encode(const void *data, size_t n, char *out, size_t size) MUST_CHECK;
/* len characters of base64, padded, no white space, no stray bits; *n octets are written.  ERR_SYNTAX, ERR_FULL. */
enum err hash_base64_decode(const char *text, size_t len, uint8_t *out, size_t max,
                            size_t *n) MUST_CHECK;

/* ---- Standard Webhooks (docs: links.md, "The callbacks") ---- */
#define HASH_WEBHOOK_SECRET_TEXT 40 /* of hash_webhook_secret_make(), with NUL */
#define HASH_WEBHOOK_SIGN_TEXT   48 /* "v1," and 44 characters, with NUL */
#define HASH_WEBHOOK_KEY_MAX     64 /* octets of a secret; 24 at least */

/* A new "whsec_" and base64 of 24 random octets.  ERR_IO. */
enum err hash_webhook_secret_make(char out[HASH_WEBHOOK_SECRET_TEXT]) MUST_CHECK;
/* ERR_SYNTAX: not whsec_ and base64; ERR_RANGE: not 24 to 64 octets. */
enum err hash_webhook_secret_check(const char *secret) MUST_CHECK;
/* The webhook-signature of body, sent with that webhook-id and webhook-timestamp (seconds).
 * ERR_SYNTAX, ERR_RANGE: of the secret. */
enum err hash_webhook_sign(const char *secret, const char *id, int64_t timestamp_s,
                           const void *body, size_t n, char out[HASH_WEBHOOK_SIGN_TEXT]) MUST_CHECK;

/* Equal?  In a time that depends on n alone. */
bool hash_equal(const void *a, const void *b, size_t n);
/* The same for strings (tokens); the time depends on their lengths alone. */
bool hash_equal_text(const char *a, const char *b);

#endif
