/* err.h - one word for every way a thing can end.
 * Knows nobody above it.  Promises: err_str() names every value; the numbers are never stored. */
#ifndef SMSBRIDGE_ERR_H
#define SMSBRIDGE_ERR_H

enum err {
    OK = 0,
    ERR_EMPTY,          /* nothing there: no job is due, no row, no more input */
    ERR_TIMEOUT,        /* the deadline passed */
    ERR_CLOSED,         /* the other side is gone: unplugged, hung up, stopping */
    ERR_IO,             /* the system refused; errno tells why */
    ERR_BUSY,           /* try again later */
    ERR_DENIED,         /* not allowed */
    ERR_SYNTAX,         /* malformed input */
    ERR_RANGE,          /* well-formed, but a value is out of bounds */
    ERR_NOT_FOUND,      /* no such thing */
    ERR_CONFLICT,       /* it is there already, or in another state */
    ERR_FULL,           /* a ceiling of ours: buffer, table, queue */
    ERR_NO_SPACE,       /* the disk is full or read-only, or fails */
    ERR_NO_MEMORY,
    ERR_CORRUPT,        /* what was stored does not read back */
    ERR_UNSUPPORTED,    /* valid, but not something that we, or the other side, can do */
    ERR_REFUSED,        /* the other side understood and said no */
    ERR_COUNT
};

/* Results must be looked at. */
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* A few words for people, static, never NULL.  Any thread. */
const char *err_str(enum err e);

#endif
