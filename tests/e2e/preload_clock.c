/* preload_clock.c - LD_PRELOAD: the wall clock is so many seconds ahead as the file PRELOAD_CLOCK says, at this moment.
 * Knows nothing of who reads it.  Promises: the file is eight octets, an int64_t that may change while the program
 * runs; the monotonic clock is the kernel's. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t *ahead_s;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("PRELOAD_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead_s, PROT_READ, MAP_SHARED, fd, 0);
    if (fd >= 0)
        (void)close(fd);
    if (map != MAP_FAILED)
        ahead_s = map;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
    if (syscall(SYS_clock_gettime, id, ts) != 0)
        return -1;
    if (ahead_s && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        ts->tv_sec += (time_t)__atomic_load_n(ahead_s, __ATOMIC_RELAXED);
    return 0;
}
