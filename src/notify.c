/* notify.c - one datagram to the service manager.
 * Knows nobody above it.  Promises: without NOTIFY_SOCKET nothing happens; never blocks. */
#include "notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "text.h"

void notify_send(const char *state)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("NOTIFY_SOCKET");
    size_t n = path ? strlen(path) : 0;
    if (n < 2 || n >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, n);
    if (to.sun_path[0] == '@') /* an abstract address */
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, len);
    close(fd);
}

/* An environment variable as a number; 0: none. */
static int64_t number(const char *name)
{
    int64_t value;
    const char *text = getenv(name);
    return text && text_int(text, 1, INT64_MAX, &value) == OK ? value : 0;
}

int64_t notify_watchdog_ms(void)
{
    int64_t pid = number("WATCHDOG_PID");
    return pid && pid != getpid() ? 0 : number("WATCHDOG_USEC") / 1000;
}
