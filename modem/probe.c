/* probe.c - does a port speak AT, and whose is it.
 * Refuses to know USB and who asks.  Chatter and echo are at.c's business; what is asked is harmless to whatever
 * else may be there: a few letters at 115200 baud.
 * Promises: the port is closed again when it returns. */
#include "probe.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "at.h"
#include "at_args.h"
#include "clock.h"
#include "log.h"
#include "port.h"
#include "text.h"

#define BAUD         115200
#define ATTEMPT_MS   1500 /* one try to get an OK */
#define ASK_MS       1200
#define ASK_AGAIN_MS 500
#define ASK_TIMES    4
#define IMEI_MIN     14
#define IMEI_MAX     17

/* What the callbacks see: at_hurry() wants the dialogue. */
struct talk {
    struct probe *probe;
    struct at *at;
};

static void unsolicited(void *ctx, const char *line, const char *pdu)
{
    struct probe *p = ((struct talk *)ctx)->probe;
    struct at_args a;
    int mr;
    (void)pdu;
    if (at_args_open(&a, line, "+CMGS") == OK && at_int(&a, &mr, 0, 255) == OK)
        p->late_mr = mr;
}

static void trace(void *ctx, char direction, const char *bytes, size_t n)
{
    const struct probe *p = ((struct talk *)ctx)->probe;
    char line[512];
    at_trace_format(direction, bytes, n, line, sizeof line);
    log_trace("trace", "probe %s %s", p->path, line);
}

/* One that answers late would be waited for otherwise. */
static void woken(void *ctx)
{
    struct talk *t = ctx;
    at_hurry(t->at, 0);
}

void probe_stop(struct probe *p)
{
    uint64_t one = 1;
    atomic_store(&p->stop, true);
    if (write(p->wake_fd, &one, sizeof one) < 0)
        return; /* EAGAIN: it is awake */
}

static bool over(const struct probe *p)
{
    return atomic_load(&p->stop) || clk_mono_ms() >= atomic_load(&p->until_ms);
}

static enum err listen(struct at *at, const struct probe *p)
{
    int64_t end = clk_mono_ms() + p->listen_ms;
    enum err e = OK;
    while (e == OK && p->late_mr < 0 && clk_mono_ms() < end && !atomic_load(&p->stop)) {
        e = at_idle(at, 250);
        e = e == ERR_TIMEOUT ? OK : e;
    }
    return e;
}

/* "AT" until it answers. */
static enum err wake_up(struct at *at, const struct probe *p)
{
    enum err e;
    do
        e = atomic_load(&p->stop) ? ERR_CLOSED : at_resync(at, ATTEMPT_MS);
    while (e == ERR_TIMEOUT && !over(p));
    return e;
}

/* "490154203237518", "+CGSN: \"490154203237518\"", "490154203237518,00": the first run of 14 to 17 digits. */
static bool imei_in(const char *line, char *out)
{
    for (const char *s = line; *s; s++) {
        size_t n = strspn(s, "0123456789");
        if (n >= IMEI_MIN && n <= IMEI_MAX) {
            snprintf(out, MODEM_ID_MAX, "%.*s", (int)n, s);
            return true;
        }
        if (n)
            s += n - 1;
    }
    return false;
}

static enum err ask(struct at *at, struct probe *p, const char *command)
{
    struct at_reply reply;
    enum err e = at_command(at, &reply, ASK_MS, AT_BARE, command);
    if (atomic_load(&p->stop))
        return ERR_CLOSED;
    if (e == ERR_TIMEOUT || e == ERR_BUSY)
        return at_resync(at, ATTEMPT_MS) == ERR_CLOSED ? ERR_CLOSED : ERR_EMPTY;
    if (e)
        return e;
    for (unsigned i = 0; i < reply.lines; i++)
        if (imei_in(at_reply_line(&reply, i), p->imei))
            return OK;
    return ERR_EMPTY;
}

/* A modem that boots answers ERROR for a while. */
static enum err ask_imei(struct at *at, struct probe *p)
{
    static const char *const commands[] = {"AT+CGSN", "AT+GSN"};
    enum err e = ERR_EMPTY;
    for (int i = 0; e == ERR_EMPTY && i < ASK_TIMES && !atomic_load(&p->stop); i++) {
        e = ask(at, p, commands[i % 2]);
        if (e == ERR_EMPTY && i % 2) {
            enum err idle = at_idle(at, ASK_AGAIN_MS);
            e = idle == ERR_CLOSED ? idle : e;
        }
    }
    return e == ERR_EMPTY ? OK : e;
}

static enum err talk(struct probe *p, struct port *port)
{
    struct talk t = {.probe = p};
    const struct at_handler handler = {.unsolicited = unsolicited,
                                       .woken = woken,
                                       .trace = log_level() >= LOG_LVL_TRACE ? trace : NULL,
                                       .ctx = &t};
    enum err e = at_new(port_fd(port), p->wake_fd, &handler, &t.at);
    if (e == OK)
        e = listen(t.at, p);
    if (e == OK)
        e = wake_up(t.at, p);
    if (e == OK)
        e = ask_imei(t.at, p);
    at_free(t.at);
    return atomic_load(&p->stop) ? ERR_CLOSED : e; /* half an answer is none */
}

enum err probe_port(struct probe *p)
{
    struct port *port = NULL;
    p->imei[0] = '\0';
    p->late_mr = -1;
    enum err e = port_open(p->path, BAUD, 0, &port, p->why);
    if (e)
        return e;
    e = talk(p, port);
    port_close(port);
    if (e == ERR_TIMEOUT)
        snprintf(p->why, sizeof p->why, "%.*s does not speak AT", MODEM_NODE_MAX, p->path);
    return e;
}
