/* preload_hang.c - LD_PRELOAD: a thread hangs inside a system call, for as long as a test wants.
 * While the file $SMSBRIDGE_HANG holds the name of a thread, as the kernel shows it, that thread's next poll() or fdatasync()
 * does not return; when the file is gone it goes on.  What else happens is real.
 *   cc -shared -fPIC -o preload_hang.so preload_hang.c */
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef int poll_function(struct pollfd *fds, nfds_t count, int ms);
typedef int sync_function(int fd);

static bool is_mine(void)
{
    char wanted[32] = "", name[32] = "";
    const char *path = getenv("SMSBRIDGE_HANG");
    FILE *f = path ? fopen(path, "re") : NULL;
    if (!f)
        return false;
    size_t n = fread(wanted, 1, sizeof wanted - 1, f);
    fclose(f);
    wanted[n] = '\0';
    return pthread_getname_np(pthread_self(), name, sizeof name) == 0 && strcmp(name, wanted) == 0;
}

static void hang(void)
{
    poll_function *real = dlsym(RTLD_NEXT, "poll");
    while (is_mine())
        real(NULL, 0, 20);
}

int poll(struct pollfd *fds, nfds_t count, int ms)
{
    hang();
    return ((poll_function *)dlsym(RTLD_NEXT, "poll"))(fds, count, ms);
}

int __poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t size);
int __poll_chk(struct pollfd *fds, nfds_t count, int ms, size_t size)
{
    (void)size;
    return poll(fds, count, ms);
}

int fdatasync(int fd)
{
    hang();
    return ((sync_function *)dlsym(RTLD_NEXT, "fdatasync"))(fd);
}
