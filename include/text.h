/* text.h - UTF-8, hexadecimal and bounded strings.
 * Knows nobody above it.  Promises: no locale, no allocation, never writes past `size`.  Any thread. */
#ifndef SMSBRIDGE_TEXT_H
#define SMSBRIDGE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* Reads one code point at *at (< len) and moves *at behind it.
 * ERR_SYNTAX, *at unmoved: not well-formed UTF-8 (overlong forms, surrogates, above U+10FFFF). */
enum err text_utf8_next(const char *s, size_t len, size_t *at, uint32_t *cp) MUST_CHECK;
/* Writes cp as 1 to 4 bytes; returns how many, 0 for a surrogate or above U+10FFFF. */
size_t text_utf8_put(char out[4], uint32_t cp);
/* OK: well-formed and without NUL. */
enum err text_utf8_check(const char *s, size_t len) MUST_CHECK;
/* Length in UTF-16 code units of well-formed UTF-8. */
size_t text_utf16_units(const char *s, size_t len);

/* "0aF9" to octets: *n of them.  ERR_SYNTAX: odd or not hexadecimal; ERR_FULL: more than max. */
enum err text_hex_decode(const char *hex, size_t len, uint8_t *out, size_t max, size_t *n) MUST_CHECK;
/* Upper-case, NUL-terminated; out holds 2 * n + 1. */
void text_hex_encode(const uint8_t *octets, size_t n, char *out);

/* Copies s with its NUL.  ERR_FULL: it does not fit, out is then "". */
enum err text_copy(char *out, size_t size, const char *s);
/* ASCII only, whatever the locale. */
bool text_equal_nocase(const char *a, const char *b);
bool text_starts_nocase(const char *s, const char *prefix);
/* Decimal digits only, the whole string.  ERR_SYNTAX, ERR_RANGE. */
enum err text_int(const char *s, int64_t min, int64_t max, int64_t *out) MUST_CHECK;
/* n bytes from the kernel's generator.  ERR_IO. */
enum err text_random(void *out, size_t n) MUST_CHECK;
/* n random ones of A-Za-z0-9, none likelier than another, and a NUL: out holds n + 1.  ERR_IO. */
enum err text_random_letters(char *out, size_t n) MUST_CHECK;

#endif
