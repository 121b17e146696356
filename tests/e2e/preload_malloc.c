/* preload_malloc.c - LD_PRELOAD: the n-th allocation of the process fails, and with FAIL_EVERY each m-th after it.
 * Knows nobody.  Promises: FAIL_AT and FAIL_EVERY from the environment, 0 or none: never; with FAIL_WHILE only while that file is
 * there.  Nothing else is changed. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
extern void *__libc_realloc(void *p, size_t n);

static long fail_at, fail_every;
static const char *fail_while;
static atomic_long count;

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
    fail_at = number("FAIL_AT");
    fail_every = number("FAIL_EVERY");
    fail_while = getenv("FAIL_WHILE");
}

static int fails(void)
{
    if (!fail_at)
        return 0;
    long n = atomic_fetch_add(&count, 1) + 1;
    if (n != fail_at && !(fail_every && n > fail_at && (n - fail_at) % fail_every == 0))
        return 0;
    int saved = errno;
    int now = !fail_while || access(fail_while, F_OK) == 0;
    errno = now ? ENOMEM : saved;
    return now;
}

void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return fails() ? NULL : __libc_realloc(p, n);
}
