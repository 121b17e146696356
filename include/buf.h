/* buf.h - bytes that grow up to a ceiling.
 * Knows nobody above it.  Promises: always NUL-terminated once written to; after the first failure
 * (ceiling or memory) every further append fails too, so that one look at the end is enough. */
#ifndef SMSBRIDGE_BUF_H
#define SMSBRIDGE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct buf {
    char *data;     /* NULL while nothing was appended; owned by the buf */
    size_t len;     /* bytes, without the terminating NUL */
    size_t cap;
    size_t max;     /* ceiling of len */
    enum err err;   /* OK, ERR_FULL or ERR_NO_MEMORY: sticky */
};

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);               /* as after buf_init() */
void buf_clear(struct buf *b);              /* len 0, err OK, memory kept */
enum err buf_add(struct buf *b, const void *bytes, size_t n);
enum err buf_add_str(struct buf *b, const char *s);
enum err buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Forget the first n bytes (n <= len). */
void buf_drop(struct buf *b, size_t n);
/* The text, "" while nothing was appended.  Borrowed until the next change. */
const char *buf_str(const struct buf *b);

#endif
