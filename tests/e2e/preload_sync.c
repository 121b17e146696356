/* preload_sync.c - LD_PRELOAD: the process dies (SIGKILL) at its n-th fsync or fdatasync: at a commit of SQLite's.
 * Knows nobody.  Promises: DIE_AT_SYNC=n and DIE=before|after from the environment; without them nothing is changed. */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long die_at;
static int die_after;
static atomic_long count;

__attribute__((constructor)) static void begin(void)
{
    const char *at = getenv("DIE_AT_SYNC"), *when = getenv("DIE");
    die_at = at ? strtol(at, NULL, 10) : 0;
    die_after = when && strcmp(when, "after") == 0;
}

static int sync_or_die(long number, int fd)
{
    int dies = die_at > 0 && atomic_fetch_add(&count, 1) + 1 == die_at;
    if (dies && !die_after)
        kill(getpid(), SIGKILL);
    int result = (int)syscall(number, fd);
    if (dies)
        kill(getpid(), SIGKILL);
    return result;
}

int fsync(int fd)
{
    return sync_or_die(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_or_die(SYS_fdatasync, fd);
}
