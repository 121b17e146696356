/* secret.c - tokens and webhook secrets that nobody chose.
 * Knows no account.  Promises: mode 0600, on disk before it is used, never in the log. */
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

#define TOKEN_LENGTH 32

enum err secret_make_token(char *out)
{
    return text_random_letters(out, TOKEN_LENGTH);
}

static enum err read_first_line(int fd, char out[SECRET_MAX])
{
    ssize_t n = read(fd, out, SECRET_MAX - 1);
    if (n < 0)
        return ERR_IO;
    out[n] = '\0';
    size_t end = strcspn(out, "\r\n");
    if (end == SECRET_MAX - 1)
        return ERR_FULL;
    out[end] = '\0';
    return end ? OK : ERR_EMPTY;
}

static enum err write_and_sync(const char *path, const char *secret)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return ERR_IO;
    size_t n = strlen(secret);
    bool written = write(fd, secret, n) == (ssize_t)n && write(fd, "\n", 1) == 1 && fsync(fd) == 0;
    int why = errno;
    close(fd);
    if (!written)
        unlink(path);
    errno = why;
    return written ? OK : ERR_IO;
}

enum err secret_file(const char *dir, const char *name, secret_make *make, char out[SECRET_MAX])
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return ERR_FULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        enum err e = read_first_line(fd, out);
        close(fd);
        return e;
    }
    if (errno != ENOENT)
        return ERR_IO;
    enum err e = make(out);
    return e ? e : write_and_sync(path, out);
}
