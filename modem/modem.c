/* modem.c - the actor: a thread that owns a port, from open to close, again and again.
 * Knows no store and no HTTP: what it learns goes through the hooks of the treaty.
 * Promises: plain blocking code, no wait over a second without a look at "stop"; when anything breaks it
 * closes, says why in words, and starts again from open; a claimed part is always told of or given back. */
#include "modem_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "pulse.h"

struct modem_timing modem_timing = {
    .poll_ms = 1000,
    .quick_ms = 5000,
    .slow_ms = 15000,
    .prompt_ms = 10000,
    .answer_ms = 45000, /* Telit answers 40 s after it was plugged in */
    .resync_ms = 4500,  /* below the 5 s that a stop may take */
    .listen_ms = 5000,
    .connect_ms = 3000,
    .sim_ms = 60000,
    .retry_ms = 1000,
    .hurry_ms = 5000,
    .stored_ms = 15000,
    .ack_late_ms = 10000, /* TR2M is 12 to 20 s: 24.011 clause 10 */
    .keepalive_ms = 20000,
    .housekeeping_ms = 60000,
    .sweep_ms = 600000,
    .again_ms = 5000,
    .search_ms = 3000,
    .suspend_ms = 60000,
    .suspend_max_ms = 3600000,
    .backoff_ms = 1000,
    .backoff_max_ms = 60000,
    .answer_again_ms = 15000,
    .radio_ms = 3000,
    .settle_ms = 3000,
    .return_ms = 60000,
    .power_ms = 30000,
    .off_net_ms = 300000,
    .well_ms = 600000,
};

#define PATH_LOOK_MS 250

/* ---- waiting and stopping ---- */

bool modem_stopping(const struct modem *m)
{
    return atomic_load(&m->stopping);
}

/* Milliseconds that are left of the grace; INT32_MAX while nobody asked us to stop. */
static int grace_left(const struct modem *m)
{
    if (!modem_stopping(m))
        return INT32_MAX;
    int64_t left = atomic_load(&m->stop_at_ms) - clk_mono_ms();
    return left > 0 ? (int)left : 0;
}

static int within_grace(const struct modem *m, int ms)
{
    int left = grace_left(m);
    return ms < left ? ms : left;
}

/* Somebody signalled wake_fd in the middle of a command: when it was modem_stop, there is a limit now. */
static void woken_in_command(void *ctx)
{
    struct modem *m = ctx;
    if (modem_stopping(m))
        at_hurry(m->at, grace_left(m));
}

enum err modem_wait(struct modem *m, int ms)
{
    enum err e = modem_idle(m, ms < modem_timing.poll_ms ? ms : modem_timing.poll_ms);
    if (e && e != ERR_TIMEOUT)
        return ERR_CLOSED;
    e = modem_acknowledge(m);
    if (modem_ended(e))
        return e;
    return modem_stopping(m) ? ERR_CLOSED : OK;
}

enum err modem_pause(struct modem *m, int ms)
{
    int64_t end = clk_mono_ms() + ms, left;
    enum err e = OK;
    while (e == OK && (left = end - clk_mono_ms()) > 0)
        e = modem_wait(m, (int)left);
    return e;
}

/* Without a port: only wake_fd. */
static void wait_for_wake(struct modem *m, int ms)
{
    struct pollfd fd = {m->wake_fd, POLLIN, 0};
    uint64_t count;
    if (pulse_poll(&fd, 1, ms) > 0 && read(m->wake_fd, &count, sizeof count) < 0)
        return; /* somebody was faster */
}

enum err modem_rest(struct modem *m, int ms)
{
    int64_t end = clk_mono_ms() + ms, left;
    while (!modem_stopping(m) && (left = end - clk_mono_ms()) > 0) {
        int slice = left < modem_timing.poll_ms ? (int)left : modem_timing.poll_ms;
        if (modem_wait(m, slice) != OK)
            wait_for_wake(m, slice);
    }
    return modem_stopping(m) ? ERR_CLOSED : OK;
}

/* ---- commands ---- */

enum err modem_resync(struct modem *m)
{
    return modem_ladder_resynced(m, at_resync(m->at, within_grace(m, modem_timing.resync_ms)));
}

static enum err recovered(struct modem *m, enum err e, const char *command)
{
    if (e != ERR_TIMEOUT && e != ERR_BUSY)
        return e;
    log_warn("modem", "name=%s command=\"%.24s\" unanswered", m->config.name, command);
    if (modem_stopping(m))
        return ERR_CLOSED;
    e = modem_resync(m);
    return e ? e : ERR_BUSY;
}

enum err modem_command(struct modem *m, struct at_reply *reply, int timeout_ms, const char *prefix,
                       const char *command)
{
    enum err e = modem_acknowledge(m);
    if (modem_ended(e))
        return e;
    if (grace_left(m) == 0)
        return ERR_CLOSED;
    e = at_command(m->at, reply, within_grace(m, timeout_ms), prefix, command);
    return recovered(m, e, command);
}

enum err modem_ok(struct modem *m, struct at_reply *reply, int timeout_ms, const char *prefix,
                  const char *command)
{
    enum err e = modem_command(m, reply, timeout_ms, prefix, command);
    return e == OK && reply->final != AT_OK ? ERR_REFUSED : e;
}

/* ---- serving ---- */

/* Everything that goes before the next message. */
static enum err before_sending(struct modem *m)
{
    static enum err (*const duties[])(struct modem *) = {
        modem_check_card,  modem_acknowledge,  modem_ports_moved,   modem_fetch_arrived,
        modem_settle_late, modem_housekeeping, modem_serve_request,
    };
    modem_drain_ears(m);
    if (m->seen.restarted)
        return modem_end(m, MODEM_STARTING, "the modem restarted by itself");
    if (m->seen.card)
        return modem_end(m, MODEM_STARTING, "the modem lost its SIM");
    for (size_t i = 0; i < sizeof duties / sizeof *duties; i++) {
        enum err e = duties[i](m);
        if (modem_ended(e))
            return e;
    }
    return OK;
}

static enum err send_or_stay_closed(struct modem *m)
{
    if (modem_open_for_sending(m)) {
        m->served = true;
        modem_ladder_well(m);
        return modem_send_due(m);
    }
    int64_t now = clk_mono_ms();
    atomic_store(&m->woken, false);
    m->next_claim_ms = now + modem_timing.poll_ms;
    if (m->hold_until_ms > now && m->hold_until_ms < m->next_claim_ms)
        m->next_claim_ms = m->hold_until_ms;
    return OK;
}

/* Somebody wants something now: another thread, or the modem in a line that the last command met. */
static bool called(const struct modem *m)
{
    const struct modem_seen *s = &m->seen;
    return atomic_load(&m->woken) || atomic_load(&m->requested) || atomic_load(&m->moved) ||
           modem_stopping(m) || s->acks_owed || s->arrived_count || s->late_mr >= 0 ||
           s->restarted || s->card || s->restore || s->sweep || s->look || s->recheck;
}

static enum err serve(struct modem *m)
{
    enum err e = OK;
    while (e == OK && !modem_stopping(m)) {
        e = before_sending(m);
        if (e == OK)
            e = send_or_stay_closed(m);
        if (modem_ended(e))
            return e;
        modem_tell_state(m);
        int64_t idle_ms = m->next_claim_ms - clk_mono_ms();
        e = idle_ms > 0 && !called(m) ? modem_wait(m, (int)idle_ms) : OK;
    }
    return e ? e : ERR_CLOSED;
}

/* ---- a session: open to close ---- */

static void forget_session(struct modem *m)
{
    m->seen = (struct modem_seen){.late_mr = m->ports.late_mr, .late_cms = -1, .ussd_m = -1};
    m->ports.late_mr = -1;
    m->route = (struct modem_route){0};
    m->storage_count = 0;
    m->reading[0] = m->receiving[0] = '\0';
    m->phase = MODEM_IDLE;
    m->served = m->identified = m->began = false;
    m->lost = (struct sms_job){.part = 0};
    m->unreported = 0;
    m->creg = m->cgreg = m->cereg = -1;
    m->next_claim_ms = m->next_keepalive_ms = m->next_housekeeping_ms = 0;
    m->next_sweep_ms = m->next_search_ms = m->next_restore_ms = m->routing_check_ms = 0;
    m->end_reason[0] = '\0';
    m->quirks = quirks_find("", "");
    m->status.registration = REG_UNKNOWN;
    m->status.signal_dbm = MODEM_SIGNAL_UNKNOWN;
}

static enum err open_port(struct modem *m)
{
    static const struct {
        enum err e;
        enum modem_state state;
    } found[] = {{ERR_NOT_FOUND, MODEM_GONE}, {ERR_CLOSED, MODEM_GONE}};
    char why[MODEM_TEXT_MAX] = "";
    enum err e = port_open(m->config.port, m->config.baud, modem_timing.connect_ms, &m->port, why);
    if (e == OK)
        return OK;
    enum modem_state state = MODEM_STARTING;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        if (found[i].e == e)
            state = found[i].state;
    return modem_end(m, state, "%s", why[0] ? why : err_str(e));
}

static enum err session(struct modem *m)
{
    struct at_handler handler = {.unsolicited = modem_unsolicited,
                                 .woken = woken_in_command,
                                 .trace = modem_trace,
                                 .ctx = m};
    enum err e = open_port(m);
    if (e)
        return e;
    modem_ladder_opened(m);
    e = at_new(port_fd(m->port), m->wake_fd, &handler, &m->at);
    if (e == OK)
        e = modem_start_up(m);
    if (e == OK) {
        modem_open_ears(m);
        e = serve(m);
    }
    return e;
}

static void close_session(struct modem *m)
{
    bool dead = !m->at || at_poisoned(m->at);
    modem_close_ears(m);
    if (dead && !modem_stopping(m))
        modem_next_port(m);
    at_free(m->at);
    port_close(m->port);
    m->at = NULL;
    m->port = NULL;
}

/* ---- starting again ---- */

/* What stands at the port's path: another inode, device or change time is another plug. */
struct port_look {
    bool there;
    dev_t device;
    ino_t inode;
    struct timespec changed;
};

static struct port_look look_at_port(const struct modem *m)
{
    struct stat st;
    if (stat(m->config.port, &st) < 0)
        return (struct port_look){0};
    return (struct port_look){true, st.st_rdev, st.st_ino, st.st_ctim};
}

static bool same_plug(const struct port_look *a, const struct port_look *b)
{
    return a->there == b->there && a->device == b->device && a->inode == b->inode &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

/* The pause after a session; ends early when the port is plugged in again. */
static void back_off(struct modem *m)
{
    struct port_look before = look_at_port(m), now;
    int64_t end = clk_mono_ms() + m->backoff_ms, left;
    m->replugged = !before.there;
    m->backoff_ms *= 2;
    if (m->backoff_ms > modem_timing.backoff_max_ms)
        m->backoff_ms = modem_timing.backoff_max_ms;
    while (!modem_stopping(m) && (left = end - clk_mono_ms()) > 0) {
        if (atomic_load(&m->moved) || !m->config.port[0]) {
            m->backoff_ms = modem_timing.backoff_ms;
            return;
        }
        modem_refuse_request(m, ERR_CLOSED, m->status.reason);
        wait_for_wake(m, left < PATH_LOOK_MS ? (int)left : PATH_LOOK_MS);
        now = look_at_port(m);
        m->replugged = m->replugged || !same_plug(&before, &now);
        if (now.there && !same_plug(&before, &now)) {
            m->backoff_ms = modem_timing.backoff_ms;
            return;
        }
        before = now;
    }
}

static void describe_end(struct modem *m, enum err e)
{
    struct port_look now = look_at_port(m);
    bool device = m->config.port[0] == '/';
    if (m->end_reason[0])
        modem_state(m, m->end_state, "%s", m->end_reason);
    else if (e == ERR_CLOSED)
        modem_state(m, MODEM_GONE, device && !now.there ? "unplugged" : "the port was closed");
    else
        modem_state(m, MODEM_STARTING, "%s", err_str(e));
}

static void count_reset(struct modem *m)
{
    m->status.resets++;
    log_warn("modem", "name=%s resets=%u reason=\"%s\"", m->config.name, m->status.resets,
             m->status.reason);
    modem_tell_event(m, MODEM_EVENT_RESET, m->status.reason);
    modem_tell_state(m);
}

/* Nobody knows where it is. */
static void wait_for_port(struct modem *m)
{
    m->replugged = true;
    modem_state(m, MODEM_GONE, "%s", m->ports.why);
    modem_ladder_vanished(m);
    modem_refuse_request(m, ERR_CLOSED, m->status.reason);
    if (!atomic_load(&m->moved))
        wait_for_wake(m, modem_timing.poll_ms);
}

static void *run(void *arg)
{
    struct modem *m = arg;
    char name[PULSE_NAME_MAX];
    snprintf(name, sizeof name, "modem %s", m->config.name);
    pulse_begin(name);
    while (!modem_stopping(m)) {
        modem_take_ports(m);
        if (!m->config.port[0]) {
            wait_for_port(m);
            continue;
        }
        forget_session(m);
        enum err e = session(m);
        bool opened = m->port != NULL;
        if (m->served)
            m->backoff_ms = modem_timing.backoff_ms;
        if (!modem_stopping(m))
            modem_ladder_ended(m, e);
        close_session(m);
        if (!modem_stopping(m))
            modem_ladder_closed(m);
        if (modem_stopping(m))
            break;
        describe_end(m, e);
        if (opened)
            count_reset(m);
        back_off(m);
    }
    modem_refuse_request(m, ERR_CLOSED, "stopping");
    modem_state(m, MODEM_GONE, "stopped");
    pulse_end();
    return NULL;
}

/* ---- the treaty ---- */

static struct modem *create(const struct modem_config *config, const struct modem_hooks *hooks,
                            void *ctx)
{
    struct modem *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->config = *config;
    m->hooks = *hooks;
    m->ctx = ctx;
    m->backoff_ms = modem_timing.backoff_ms;
    m->suspend_ms = modem_timing.suspend_ms;
    modem_ladder_init(m);
    snprintf(m->status.port, sizeof m->status.port, "%s", config->port);
    m->roams = config->port[0] == '\0';
    m->ports = (struct modem_ports){.why = "not plugged in", .late_mr = -1};
    pthread_mutex_init(&m->lock, NULL);
    m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return m;
}

static void destroy(struct modem *m)
{
    if (m->wake_fd >= 0)
        close(m->wake_fd);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

enum err modem_start(const struct modem_config *config, const struct modem_hooks *hooks, void *ctx,
                     struct modem **out)
{
    struct modem *m = create(config, hooks, ctx);
    if (!m)
        return ERR_NO_MEMORY;
    if (m->wake_fd < 0 || pthread_create(&m->thread, NULL, run, m) != 0) {
        destroy(m);
        return ERR_IO;
    }
    char name[16]; /* what the kernel shows */
    snprintf(name, sizeof name, "modem %.9s", config->name);
    pthread_setname_np(m->thread, name);
    *out = m;
    return OK;
}

static void signal_thread(struct modem *m)
{
    uint64_t one = 1;
    if (write(m->wake_fd, &one, sizeof one) < 0)
        return; /* EAGAIN: it is signalled as much as it can be */
}

void modem_wake(struct modem *m)
{
    if (!atomic_exchange(&m->woken, true))
        signal_thread(m);
}

void modem_set_ports(struct modem *m, const struct modem_ports *ports)
{
    pthread_mutex_lock(&m->lock);
    int late_mr = atomic_load(&m->moved) ? m->new_ports.late_mr : -1; /* not taken yet */
    m->new_ports = *ports;
    if (ports->n && ports->late_mr < 0)
        m->new_ports.late_mr = late_mr;
    atomic_store(&m->moved, true);
    pthread_mutex_unlock(&m->lock);
    signal_thread(m);
}

void modem_stop(struct modem *m, int grace_ms)
{
    atomic_store(&m->stop_at_ms, clk_mono_ms() + grace_ms);
    atomic_store(&m->stopping, true);
    signal_thread(m);
}

void modem_join(struct modem *m)
{
    if (!m)
        return;
    pthread_join(m->thread, NULL);
    destroy(m);
}

enum err modem_request(struct modem *m, const struct modem_request *request)
{
    enum err e = ERR_BUSY;
    pthread_mutex_lock(&m->lock);
    if (modem_stopping(m)) {
        e = ERR_CLOSED;
    } else if (!m->has_request) {
        m->request = *request;
        m->request_until_ms = clk_mono_ms() + request->timeout_ms;
        m->has_request = true;
        atomic_store(&m->requested, true);
        e = OK;
    }
    pthread_mutex_unlock(&m->lock);
    if (e == OK)
        signal_thread(m);
    return e;
}
