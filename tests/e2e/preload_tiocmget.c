/* preload_tiocmget.c - LD_PRELOAD: a pty answers the ioctls of modem lines, so that libserialport opens it.
 * libserialport 0.1.1 looks a name up in /sys/class/tty and asks for the lines (TIOCMGET, then TIOCMBIS for
 * RTS and DTR); a pty has neither.  The name /dev/../../../tmp/x/modem0, where /tmp/x/modem0 is a symlink to the
 * pty, passes the first; this passes the second.  Nothing else is changed: reads, writes and locks are real.
 *   cc -shared -fPIC -o preload_tiocmget.so preload_tiocmget.c */
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>

typedef int ioctl_function(int fd, unsigned long request, ...);

static ioctl_function *real_ioctl(void)
{
    static ioctl_function *real;
    ioctl_function *found = __atomic_load_n(&real, __ATOMIC_RELAXED);
    if (!found) {
        *(void **)&found = dlsym(RTLD_NEXT, "ioctl");
        __atomic_store_n(&real, found, __ATOMIC_RELAXED);
    }
    return found;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *argument = va_arg(args, void *);
    va_end(args);
    int result = real_ioctl()(fd, request, argument);
    if (result == 0 || errno != ENOTTY)
        return result;
    if (request == TIOCMGET)
        *(int *)argument = TIOCM_DTR | TIOCM_RTS | TIOCM_CTS | TIOCM_DSR;
    else if (request != TIOCMSET && request != TIOCMBIS && request != TIOCMBIC)
        return result;
    return 0;
}
