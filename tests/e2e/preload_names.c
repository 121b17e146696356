/* preload_names.c - LD_PRELOAD: the name rebinding.test has the address that the file PRELOAD_NAMES holds at this moment.
 * Knows nothing of who asks.  Promises: every other name is the resolver's; each question about ours adds a line to
 * $PRELOAD_NAMES.asked. */
#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int ask(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out);

static int current(char address[64])
{
    const char *path = getenv("PRELOAD_NAMES");
    FILE *f = path ? fopen(path, "re") : NULL;
    if (!f)
        return EAI_FAIL;
    size_t n = fread(address, 1, 63, f);
    fclose(f);
    address[n] = '\0';
    char asked[4096];
    snprintf(asked, sizeof asked, "%s.asked", path);
    f = fopen(asked, "ae");
    if (f) {
        fprintf(f, "%s\n", address);
        fclose(f);
    }
    return 0;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    ask *real = (ask *)dlsym(RTLD_NEXT, "getaddrinfo");
    char address[64];
    if (!node || strcmp(node, "rebinding.test") != 0)
        return real(node, service, hints, out);
    int e = current(address);
    return e ? e : real(address, service, hints, out);
}
