/* err.c - the words for enum err.
 * Knows nobody above it.  Promises: a text for every value. */
#include "err.h"

static const char *const words[ERR_COUNT] = {
    [OK] = "ok",
    [ERR_EMPTY] = "nothing there",
    [ERR_TIMEOUT] = "timed out",
    [ERR_CLOSED] = "closed",
    [ERR_IO] = "input/output error",
    [ERR_BUSY] = "busy",
    [ERR_DENIED] = "not allowed",
    [ERR_SYNTAX] = "malformed",
    [ERR_RANGE] = "out of range",
    [ERR_NOT_FOUND] = "not found",
    [ERR_CONFLICT] = "conflict",
    [ERR_FULL] = "too long",
    [ERR_NO_SPACE] = "the store cannot write",
    [ERR_NO_MEMORY] = "out of memory",
    [ERR_CORRUPT] = "stored data is damaged",
    [ERR_UNSUPPORTED] = "not supported",
    [ERR_REFUSED] = "refused",
};

const char *err_str(enum err e)
{
    if ((unsigned)e >= ERR_COUNT)
        return "unknown error";
    return words[e];
}
