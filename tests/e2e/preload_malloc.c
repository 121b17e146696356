/* preload_malloc.c - LD_PRELOAD: the n-th allocation of the process fails, and with FAIL_EVERY each m-th after it.
 * Knows nobody.  Promises: FAIL_AT and FAIL_EVERY from the environment, 0 or none: never; FAIL_FROM is a file: counting begins when it
 * is there.  Nothing else is changed.
 *   cc -shared -fPIC -o preload_malloc.so preload_malloc.c */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
extern void *__libc_realloc(void *p, size_t n);

static long fail_at, fail_every;
static const char *fail_from;
static atomic_long count;
static atomic_int begun;

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
    fail_at = number("FAIL_AT");
    fail_every = number("FAIL_EVERY");
    fail_from = getenv("FAIL_FROM");
    atomic_store(&begun, !fail_from);
}

static int fails(void)
{
    if (!fail_at)
        return 0;
    if (!atomic_load_explicit(&begun, memory_order_relaxed)) {
        int saved = errno;
        if (access(fail_from, F_OK) == 0)
            atomic_store(&begun, 1);
        errno = saved;
        return 0;
    }
    long n = atomic_fetch_add(&count, 1) + 1;
    if (n != fail_at && !(fail_every && n > fail_at && (n - fail_at) % fail_every == 0))
        return 0;
    errno = ENOMEM;
    return 1;
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
