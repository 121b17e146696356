/* at_fuzz.c - any bytes as the modem's side of a series of dialogues, in a time of its own.
 * The engine is compiled in with read, write, pulse_poll and the clock replaced, so that a minute of silence costs
 * nothing.  Bytes of the input are what the modem says, but for
 *   FE  silence: the engine's present wait ends without anything
 *   FD  silence until the engine writes
 *   FC  the next write is not taken      FB  one byte of the next write is taken
 * and behind the last byte it hangs up. */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "pulse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    const uint8_t *data;
    size_t left;
    unsigned step; /* bytes a read */
    int64_t now;
} modem;

static int64_t fuzz_now(void)
{
    return modem.now;
}

static uint8_t next_byte(void)
{
    return modem.left ? *modem.data : 0;
}

static bool is_marker(uint8_t c)
{
    return c >= 0xFB && c <= 0xFE;
}

static void skip_byte(void)
{
    modem.data++;
    modem.left--;
}

static ssize_t fuzz_read(int fd, void *out, size_t size)
{
    size_t n = 0;
    (void)fd;
    if (size == 0)
        abort(); /* would look like a hang-up */
    while (n < size && n < modem.step && modem.left && !is_marker(next_byte())) {
        ((uint8_t *)out)[n++] = next_byte();
        skip_byte();
    }
    if (n || modem.left == 0)
        return (ssize_t)n;
    errno = EAGAIN;
    return -1;
}

static ssize_t fuzz_write(int fd, const void *bytes, size_t n)
{
    uint8_t marker = next_byte();
    (void)fd;
    (void)bytes;
    if (marker >= 0xFB && marker <= 0xFD)
        skip_byte();
    if (marker == 0xFC) {
        errno = EAGAIN;
        return -1;
    }
    return marker == 0xFB ? 1 : (ssize_t)n;
}

static int fuzz_poll(struct pollfd *fds, nfds_t count, int ms)
{
    (void)count;
    if (ms < 0)
        abort(); /* no wait without a limit */
    if (!is_marker(next_byte())) {
        fds->revents = fds->events;
        return 1;
    }
    if (next_byte() == 0xFE)
        skip_byte();
    else if ((fds->events & POLLOUT)) {
        fds->revents = POLLOUT;
        return 1;
    }
    modem.now += ms;
    return 0;
}

#define clk_mono_ms       fuzz_now
#define read              fuzz_read
#define write             fuzz_write
#define send(fd, b, n, f) fuzz_write(fd, b, n)
#define pulse_poll        fuzz_poll
#include "../../modem/at.c"
#undef clk_mono_ms
#undef read
#undef write
#undef send
#undef pulse_poll

#define PDU "0001000B919471123456F80000AA"

static void require(bool what)
{
    if (!what)
        abort();
}

static void hear(void *ctx, const char *line, const char *pdu)
{
    struct at **at = ctx;
    require(*line != '\0' && strlen(line) <= AT_LINE_MAX);
    require(!pdu || pdu[0] == '?' || strlen(pdu) % 2 == 0);
    if (strncmp(line, "+CDS", 4) == 0)
        at_hurry(*at, 5000);
    require(at_command(*at, NULL, 1, NULL, "AT") == ERR_BUSY);
}

static void note(void *ctx, char direction, const char *bytes, size_t n)
{
    char line[64];
    (void)ctx;
    at_trace_format(direction, bytes, n, line, sizeof line);
    require(strlen(line) < sizeof line && n > 0);
}

static void check_reply(const struct at_reply *r)
{
    const char *last = r->text;
    for (unsigned i = 0; i < r->lines; i++) {
        last = at_reply_line(r, i);
        require(last >= r->text && last < r->text + AT_ANSWER_MAX);
    }
    require(at_reply_line(r, r->lines) == NULL);
    require(strlen(r->words) < sizeof r->words && r->code >= -1 && r->code <= 65535);
}

/* One round of everything; false: closed. */
static bool talk(struct at *at)
{
    static const struct {
        const char *prefix, *command;
    } commands[] = {{NULL, "ATE0"},         {AT_BARE, "AT+CGSN"},   {"+CREG", "AT+CREG?"},
                    {"+CMGL", "AT+CMGL=4"}, {"+CMGR", "AT+CMGR=1"}, {"+CUSD", "AT+CUSD=1"},
                    {NULL, "ATD*99#"},      {AT_BARE, "ATI"}};
    struct at_reply r;
    bool committed;
    enum err e = OK;
    for (size_t i = 0; i < sizeof commands / sizeof *commands && e != ERR_CLOSED; i++) {
        int64_t start = modem.now;
        e = at_command(at, &r, 3000, commands[i].prefix, commands[i].command);
        require(modem.now - start <= 3000);
        require((e == ERR_TIMEOUT || e == ERR_BUSY) == at_poisoned(at) || e == ERR_CLOSED);
        if (e == OK)
            check_reply(&r);
        if (at_poisoned(at))
            e = at_resync(at, 9000);
        require(modem.now - start <=
                3000 + 5 * 9000 + 500); /* a slow modem gets four times as long */
    }
    if (e != ERR_CLOSED) {
        int64_t start = modem.now;
        e = at_command_pdu(at, &r, 5000, 180000, "+CMGS", "AT+CMGS=13", PDU, &committed);
        require(modem.now - start <= 185000);
        if (e == OK)
            check_reply(&r);
    }
    return e != ERR_CLOSED && at_idle(at, 1000) != ERR_CLOSED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct at *at = NULL;
    const struct at_handler handler = {.unsolicited = hear, .trace = note, .ctx = &at};
    if (size < 1 || size > 20000)
        return 0;
    modem.data = data + 1;
    modem.left = size - 1;
    modem.step = data[0] ? data[0] : 4096;
    modem.now = 1000;
    if (at_new(-1, -1, &handler, &at) != OK)
        return 0;
    /* Each round without a byte is one of time-outs; "silence until we write" may be met at every wait. */
    for (unsigned rounds = 0; rounds < 1000 && talk(at); rounds++)
        ;
    at_free(at);
    return 0;
}
