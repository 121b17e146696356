/* hold.c - another program that has the port: open, and with "exclusive" as ModemManager does it (TIOCEXCL).
 *   hold DEVICE [exclusive]      prints "held", then waits to be killed */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int fd = argc > 1 ? open(argv[1], O_RDWR | O_NOCTTY | O_NONBLOCK) : -1;
    if (fd < 0 || (argc > 2 && ioctl(fd, TIOCEXCL) != 0)) {
        perror("hold");
        return 1;
    }
    puts("held");
    fflush(stdout);
    for (;;)
        pause();
}
