/* A growing string, and JSON written by hand into it.  Knows nothing of modems.
   Promises: never NULL-terminated by accident (it always is), never a failed allocation seen by a
   caller: modemsim is a test tool and ends when memory does. */
#ifndef SIM_STR_H
#define SIM_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
    char *p; /* NULL until something was added; then zero-terminated */
    size_t n, cap;
};

void *sim_alloc(size_t n);           /* zeroed; ends the program when there is no memory */
void *sim_grow(void *old, size_t n); /* realloc with the same promise */
char *sim_dup(const char *text);

void str_add(struct str *s, const void *bytes, size_t n);
void str_puts(struct str *s, const char *text);
void str_fmt(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_utf8(struct str *s, uint32_t code_point);
void str_hex(struct str *s, const uint8_t *bytes, size_t n);
void str_json(struct str *s, const char *text);                   /* "quoted" */
void str_key(struct str *s, const char *key);                     /* ,"key":  (no comma after {) */
void str_pair(struct str *s, const char *key, const char *value); /* NULL is null */
void str_int(struct str *s, const char *key, long long value);
void str_bool(struct str *s, const char *key, bool value);
void str_cut(struct str *s, size_t from_front);
void str_free(struct str *s);
void str_copy(char *to, size_t size, const char *text); /* cut to what fits */

/* Hexadecimal text to octets; the number of octets, or -1 for odd, foreign or more than max. */
int hex_octets(const char *text, size_t n, uint8_t *out, size_t max);

/* One UTF-8 character; advances *p; malformed octets come as U+FFFD, the end as 0. */
uint32_t utf8_next(const char **p);

#endif
