/* http_fuzz.c - any bytes to a real listener, as a peer would send them, in one piece or cut where the first byte says.
 * What comes back is nothing or answers; what the handler is shown holds what http.h says. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../src/http.h"
#include "log.h"

#define BODY_MAX   2000
#define HEADER_MAX 2000
#define ANSWER_MAX 65536
#define WAIT_MS    5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

static bool look_at_item(void *ctx, const char *key, const char *value)
{
    char copy[HEADER_MAX + 1];
    (void)ctx;
    must(strlen(key) < sizeof copy);
    memcpy(copy, key, strlen(key) + 1);
    must(http_unescape(copy) <= strlen(key));
    return !value || strlen(value) < sizeof copy;
}

static enum err look_at_field(void *ctx, const char *name, const char *value, size_t n, bool file)
{
    (void)ctx;
    (void)file;
    must(strlen(name) <= BODY_MAX && n <= BODY_MAX && value[n] == '\0');
    return OK;
}

static void serve(void *ctx, struct http_request *rq)
{
    static const char *const names[] = {"Host", "Authorization", "Content-Type", "Content-Length"};
    const char *body = NULL, *type = http_header(rq, "Content-Type");
    size_t n = 0;
    (void)ctx;
    must(http_path(rq)[0] == '/' && !strchr(http_path(rq), '?') && http_method(rq)[0]);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = http_header(rq, names[i]);
        must(!value || !strpbrk(value, "\r\n"));
    }
    http_query(rq, look_at_item, NULL);
    enum err e = http_body(rq, &body, &n);
    must(e == ERR_FULL || (e == OK && n <= BODY_MAX));
    if (e == OK && n) {
        must(body[n] == '\0');
        e = type ? http_form_multipart(type, body, n, look_at_field, NULL)
                 : http_form_urlencoded(body, n, look_at_field, NULL);
    }
    http_answer_bytes(rq, e ? 400 : 200, "text/plain", "x", 1, NULL, 0);
}

static const char *listener(void)
{
    static struct http *http;
    static char path[64], listen[80];
    if (!http) {
        char why[HTTP_WHY_MAX];
        snprintf(path, sizeof path, "/tmp/http_fuzz.%d", (int)getpid());
        snprintf(listen, sizeof listen, "unix:%s", path);
        const struct http_options o = {.name = "fuzz",
                                       .listen = listen,
                                       .handler = serve,
                                       .body_max = BODY_MAX,
                                       .header_max = HEADER_MAX,
                                       .connections_max = 64,
                                       .request_ms = WAIT_MS};
        log_set_level(LOG_LVL_ERROR);
        must(http_start(&o, &http, why) == OK);
    }
    return path;
}

static void put(int fd, const uint8_t *data, size_t n)
{
    while (n > 0) {
        ssize_t put = send(fd, data, n, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return; /* hung up on us: its right */
        data += put;
        n -= (size_t)put;
    }
}

/* Everything until it hangs up, and it does: nothing more comes from us. */
static void check_answers(int fd)
{
    static char got[ANSWER_MAX];
    size_t have = 0;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, 2 * WAIT_MS);
        if (ready < 0 && errno == EINTR)
            continue; /* libFuzzer looks at its watch */
        must(ready == 1);
        ssize_t n = recv(fd, got + have, sizeof got - have, 0);
        if (n <= 0)
            break;
        have += (size_t)n;
        must(have < sizeof got);
    }
    must(have == 0 || (have > 12 && memcmp(got, "HTTP/1.", 7) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (size < 1 || size > 4096)
        return 0;
    size_t cut = (size_t)data[0] * 4 < size - 1 ? (size_t)data[0] * 4 : size - 1;
    snprintf(to.sun_path, sizeof to.sun_path, "%s", listener());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), refused = -1;
    must(fd >= 0);
    do
        refused = connect(fd, (struct sockaddr *)&to, sizeof to);
    while (refused && errno == EINTR);
    must(!refused);
    put(fd, data + 1, cut);
    put(fd, data + 1 + cut, size - 1 - cut);
    shutdown(fd, SHUT_WR);
    check_answers(fd);
    close(fd);
    return 0;
}
