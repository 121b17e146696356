/* modem_sms.c - sending: claim, +CMGS, tell, the next (docs/design.md, flow A).
 * Knows no store: the hooks commit.  Promises: what may have gone out is never told as not sent; an answer
 * belongs to the PDU it was given for; one bad message never holds up the queue behind it. */
#include "modem_private.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "log.h"
#include "text.h"

#define BUSY_WAIT_MS    1500
#define STRIKES_CHECK   2 /* unknown faults in a row: look at the modem */
#define STRIKES_RESTART 3 /* from open */
#define STRIKES_SUSPEND 5
#define UNKNOWN_NUMBERS 3                    /* in a row: the card is suspended */
#define STUCK_PROMPTS   3                    /* no prompt, in a row: trouble */
#define STUCK_ANSWERS   2                    /* no answer */
#define BUSY_OVERDUE_MS (40 * CLK_SECOND_MS) /* the keep-alive waits that long for a full queue */

/* ---- telling, until it is on disk ---- */

/* The disk may come back; a part that the core does not know will not. */
static bool may_pass(enum err e)
{
    return e == ERR_NO_SPACE || e == ERR_BUSY || e == ERR_IO || e == ERR_NO_MEMORY ||
           e == ERR_TIMEOUT || e == ERR_FULL;
}

/* Something goes before the next message, so none is claimed with this one's commit. */
static bool something_first(const struct modem *m)
{
    const struct modem_seen *s = &m->seen;
    int64_t now = clk_mono_ms();
    bool noted = s->restarted || s->card || s->restore || s->sweep || s->look;
    bool due = now < m->hold_until_ms || now > m->next_keepalive_ms + BUSY_OVERDUE_MS ||
               (m->routing_check_ms && now >= m->routing_check_ms);
    return modem_stopping(m) || atomic_load(&m->requested) || noted || due;
}

/* Its part is on disk as `sending` meanwhile: nothing is lost if we have to leave. */
static enum err tell_sent(struct modem *m, const struct sms_job *job, uint8_t mr,
                          struct sms_job *next)
{
    enum err e;
    while (may_pass(e = m->hooks.sent(m->ctx, m->config.name, job, mr, next))) {
        log_error("modem", "name=%s part=%llu mr=%u sent, but not noted yet: %s", m->config.name,
                  (unsigned long long)job->part, mr, err_str(e));
        if (modem_rest(m, modem_timing.retry_ms) != OK)
            return e;
    }
    if (e)
        log_error("modem", "name=%s part=%llu mr=%u sent, and not noted: %s", m->config.name,
                  (unsigned long long)job->part, mr, err_str(e));
    return e;
}

static void sent(struct modem *m, uint8_t mr)
{
    struct sms_job next = {.part = 0};
    bool want_next = !something_first(m);
    enum err e = tell_sent(m, &m->job, mr, want_next ? &next : NULL);
    m->unreported += m->job.submit.status_report && !m->settled;
    m->suspect_strikes = m->stuck_strikes = 0;
    m->barred_to[0] = m->unknown_to[0] = '\0';
    m->unknown_count = 0;
    m->suspend_ms = modem_timing.suspend_ms;
    m->job = next;
    if (e)
        m->job.part = 0;
    m->next_claim_ms = want_next && m->job.part == 0 ? clk_mono_ms() + modem_timing.poll_ms : 0;
}

static void failed(struct modem *m, const struct modem_fault *why)
{
    enum err e;
    while (may_pass(e = m->hooks.failed(m->ctx, m->config.name, &m->job, why))) {
        log_error("modem", "name=%s part=%llu %s, but not noted yet: %s", m->config.name,
                  (unsigned long long)m->job.part, why->code, err_str(e));
        if (modem_rest(m, modem_timing.retry_ms) != OK)
            break;
    }
    m->job.part = 0;
    m->next_claim_ms = 0;
    if (why->class == FAULT_UNCERTAIN)
        m->routing_check_ms = clk_mono_ms(); /* its report must find its way */
}

static void failed_with(struct modem *m, enum fault_class class, const char *code, const char *text)
{
    struct modem_fault why;
    fault_set(&why, class, code, text);
    failed(m, &why);
}

void modem_give_back(struct modem *m, const char *why)
{
    if (m->job.part)
        failed_with(m, FAULT_ABANDONED, why, "nothing was tried");
}

/* ---- what a fault asks of the modem ---- */

/* Faults without a known cause: look at the modem, start again, and in the end say what it means when a
 * registered modem sends nothing. */
static enum err strike(struct modem *m)
{
    unsigned n = ++m->suspect_strikes;
    if (n == STRIKES_CHECK)
        m->seen.restore = true;
    if (n == STRIKES_RESTART)
        return modem_end(m, MODEM_STARTING, "several messages in a row failed without a reason");
    if (n < STRIKES_SUSPEND)
        return OK;
    modem_suspend(m, m->suspend_ms,
                  "registered, but every SMS fails: no credit, or sending is barred");
    m->suspend_ms *= 2;
    if (m->suspend_ms > modem_timing.suspend_max_ms)
        m->suspend_ms = modem_timing.suspend_max_ms;
    return OK;
}

/* It answers, and does not do this one thing: that is the ladder's. */
static enum err stuck(struct modem *m, unsigned limit, const char *reason)
{
    if (++m->stuck_strikes < limit)
        return OK;
    m->stuck_strikes = 0;
    return modem_end_in_trouble(m, MODEM_STUCK, reason);
}

static void suspend_longer(struct modem *m, const struct modem_fault *why)
{
    char reason[MODEM_TEXT_MAX];
    snprintf(reason, sizeof reason, "%.120s (%s)", why->text, why->code);
    modem_suspend(m, m->suspend_ms, reason);
    m->suspend_ms *= 2;
    if (m->suspend_ms > modem_timing.suspend_max_ms)
        m->suspend_ms = modem_timing.suspend_max_ms;
}

/* CMS 8, 10, …: with one recipient it may be the recipient, with a second it is the card. */
static void suspect_card(struct modem *m, const char *recipient, const struct modem_fault *why)
{
    if (m->barred_to[0] && strcmp(m->barred_to, recipient) != 0)
        suspend_longer(m, why);
    snprintf(m->barred_to, sizeof m->barred_to, "%s", recipient);
}

/* CMS 30: one number is wrong; several in a row are not, the card is: another may send to them. */
static void suspect_number(struct modem *m, const char *recipient, struct modem_fault *why)
{
    if (strcmp(m->unknown_to, recipient) != 0)
        m->unknown_count++;
    snprintf(m->unknown_to, sizeof m->unknown_to, "%s", recipient);
    if (m->unknown_count < 2)
        return;
    why->class = FAULT_MODEM;
    why->plan = FAULT_ELSEWHERE;
}

static enum err act(struct modem *m, enum fault_action action, const char *recipient,
                    const struct modem_fault *why)
{
    enum err e;
    switch (action) {
    case FAULT_GO_ON:
    case FAULT_NO_VP:
        return OK;
    case FAULT_NUMBER:
        if (m->unknown_count >= UNKNOWN_NUMBERS)
            suspend_longer(m, why);
        return OK;
    case FAULT_WAIT:
        m->hold_until_ms = clk_mono_ms() + BUSY_WAIT_MS;
        return OK;
    case FAULT_NETWORK:
        m->seen.look = true;
        return why->class == FAULT_UNCERTAIN ? strike(m) : OK;
    case FAULT_SIM:
        suspect_card(m, recipient, why);
        m->seen.look = true;
        return OK;
    case FAULT_CARD:
        return modem_end(m, MODEM_SUSPENDED, "%s", why->text);
    case FAULT_SMSC:
        e = modem_set_smsc(m);
        suspend_longer(m, why);
        return e;
    case FAULT_RESTORE:
        m->seen.restore = true;
        return strike(m);
    case FAULT_SWEEP:
        m->seen.sweep = true;
        modem_tell_event(m, MODEM_EVENT_MEMORY_FULL, why->text);
        return OK;
    case FAULT_SUSPECT:
        return strike(m);
    }
    return OK;
}

/* ---- one submit ---- */

/* The outcome of a +CMGS dialogue. */
struct submit {
    enum err e;
    bool committed;
    struct at_reply reply;
};

static enum err encode(const struct sms_job *job, char command[24], char hex[2 * SMS_TPDU_MAX + 3])
{
    uint8_t tpdu[SMS_TPDU_MAX];
    size_t n;
    enum err e = sms_submit_encode(&job->submit, tpdu, &n);
    if (e)
        return e;
    snprintf(command, 24, "AT+CMGS=%zu", n);
    memcpy(hex, "00", 2); /* the service centre of the SIM */
    text_hex_encode(tpdu, n, hex + 2);
    return OK;
}

static void submit(struct modem *m, const char *command, const char *hex, struct submit *s)
{
    int prompt_ms = m->quirks->prompt_ms ? m->quirks->prompt_ms : modem_timing.prompt_ms;
    int answer_ms = m->config.submit_timeout_ms > 0 ? m->config.submit_timeout_ms : 180000;
    memset(s, 0, sizeof *s);
    m->settled = false;
    m->began = true;
    m->phase = MODEM_SUBMITTING;
    s->e = at_command_pdu(m->at, &s->reply, prompt_ms, answer_ms, "+CMGS", command, hex,
                          &s->committed);
}

/* +CMGS: <mr>; the last line is ours, one before it came late for another PDU. */
static enum err read_mr(const struct at_reply *reply, int *mr)
{
    struct at_args a;
    if (reply->final != AT_OK || reply->lines == 0)
        return ERR_NOT_FOUND;
    const char *line = at_reply_line(reply, reply->lines - 1);
    enum err e = at_args_open(&a, line, "+CMGS");
    return e ? e : at_int(&a, mr, 0, 65535);
}

void modem_late_answer(struct modem *m, const char *line)
{
    struct at_args a;
    int n;
    if (at_args_open(&a, line, "+CMGS") == OK && at_int(&a, &n, 0, 65535) == OK)
        m->seen.late_mr = n & 0xFF;
    else if (at_args_open(&a, line, "+CMS ERROR") == OK && at_int(&a, &n, 0, 65535) == OK)
        m->seen.late_cms = n;
}

/* It answers a dialogue from before this session: the core knows which part was under way. */
static enum err tell_late(struct modem *m, int mr)
{
    enum err e;
    while (may_pass(e = m->hooks.late(m->ctx, m->config.name, (uint8_t)mr)))
        if (modem_rest(m, modem_timing.retry_ms) != OK)
            return ERR_CLOSED;
    return e;
}

enum err modem_settle_late(struct modem *m)
{
    int mr = m->seen.late_mr;
    enum err e = OK;
    m->seen.late_mr = m->seen.late_cms = -1;
    if (mr < 0)
        return OK;
    if (m->lost.part) {
        struct sms_job job = m->lost;
        m->lost.part = 0;
        e = tell_sent(m, &job, (uint8_t)mr, NULL);
    } else if (!m->began) {
        m->began = true;
        e = tell_late(m, mr);
    }
    log_info("modem", "name=%s late mr=%d result=\"%s\"", m->config.name, mr, err_str(e));
    return modem_stopping(m) ? ERR_CLOSED : e ? ERR_IO : OK;
}

/* ---- its outcomes ---- */

/* After Ctrl-Z and without an answer: only a late line or a report still tells (docs/modems.md, timing). */
static enum err answer_lost(struct modem *m, const char *code, const char *text, enum err e)
{
    int mr = m->seen.late_mr, cms = m->seen.late_cms;
    struct modem_fault why;
    m->seen.late_mr = m->seen.late_cms = -1;
    if (mr >= 0) {
        sent(m, (uint8_t)mr);
        return e;
    }
    if (m->settled) {
        m->job.part = 0;
        m->next_claim_ms = 0;
        return e;
    }
    if (cms > 0 && cms < 256) {
        fault_from_code(FAULT_CMS, cms, true, m->quirks->faults, &why);
        failed(m, &why);
        return e;
    }
    m->lost = m->job;
    failed_with(m, FAULT_UNCERTAIN, code, text);
    return e ? e : stuck(m, STUCK_ANSWERS, "the modem takes SMS and does not answer");
}

static enum err unanswered(struct modem *m)
{
    m->phase = MODEM_LOST;
    if (modem_stopping(m))
        return answer_lost(m, "stopping", "stopped before the modem answered", ERR_CLOSED);
    log_warn("modem", "name=%s part=%llu unanswered settled=%d", m->config.name,
             (unsigned long long)m->job.part, m->settled);
    bool restarted = m->seen.restarted || m->seen.restore || m->seen.card;
    enum err e = modem_resync(m);
    if (e || restarted || m->seen.restarted || m->seen.restore || m->seen.card)
        return answer_lost(m, "restarted", "the modem restarted, or hangs, after it took the SMS",
                           e);
    return answer_lost(m, "timeout", "the modem did not answer after it took the SMS", e);
}

static enum err no_prompt(struct modem *m)
{
    enum err e = modem_stopping(m) ? ERR_CLOSED : modem_resync(m);
    modem_give_back(m, "no prompt");
    m->hold_until_ms = clk_mono_ms() + modem_timing.retry_ms;
    return e ? e : stuck(m, STUCK_PROMPTS, "the modem takes no SMS: its prompt does not come");
}

static enum err broken(struct modem *m, const struct submit *s)
{
    if (s->e == ERR_CLOSED && s->committed)
        return answer_lost(m, "unplugged", "the modem was unplugged before it answered",
                           ERR_CLOSED);
    if (s->e == ERR_CLOSED) {
        modem_give_back(m, "unplugged");
        return ERR_CLOSED;
    }
    return s->committed ? unanswered(m) : no_prompt(m);
}

/* Any final result but +CMGS and OK. */
static enum err refused(struct modem *m, const struct submit *s)
{
    struct modem_fault why;
    char recipient[SMS_ADDR_MAX];
    enum fault_action action = fault_from_reply(&s->reply, s->committed, m->quirks->faults, &why);
    memcpy(recipient, m->job.submit.recipient, sizeof recipient);
    if (action == FAULT_NO_VP && m->job.submit.validity_s) {
        m->job.submit.validity_s = 0; /* certain: not sent; the same without it */
        return OK;
    }
    if (action == FAULT_NUMBER)
        suspect_number(m, recipient, &why);
    if (m->settled)
        m->job.part = 0; /* a report knows better */
    else
        failed(m, &why);
    return act(m, action, recipient, &why);
}

/* Answers of an earlier PDU that this dialogue met go to that one. */
static enum err late_ones(struct modem *m, const struct submit *s)
{
    struct at_args a;
    int mr;
    const char *line = at_reply_line(&s->reply, 0);
    if (s->e == OK && s->reply.lines > 1 && at_args_open(&a, line, "+CMGS") == OK &&
        at_int(&a, &mr, 0, 65535) == OK)
        m->seen.late_mr = mr & 0xFF;
    return s->e == OK ? modem_settle_late(m) : OK;
}

static enum err send_one(struct modem *m)
{
    struct submit s;
    char command[24], hex[2 * SMS_TPDU_MAX + 3];
    int mr = -1;
    enum err e = encode(&m->job, command, hex);
    if (e) {
        failed_with(m, FAULT_REFUSED, "PDU", err_str(e));
        return OK;
    }
    submit(m, command, hex, &s);
    if (s.e == OK && read_mr(&s.reply, &mr) == OK)
        e = late_ones(m, &s);
    if (s.e == OK && s.committed && mr >= 0)
        sent(m, (uint8_t)mr);
    else if (s.e == OK)
        e = refused(m, &s);
    else
        e = broken(m, &s);
    m->phase = MODEM_IDLE;
    if (s.e == OK && s.committed)
        m->lost.part = 0;
    return e;
}

/* ---- the queue ---- */

static enum err claim(struct modem *m)
{
    atomic_store(&m->woken, false); /* before looking: a hint that comes meanwhile counts */
    m->next_claim_ms = clk_mono_ms() + modem_timing.poll_ms;
    m->job.part = 0;
    enum err e = m->hooks.next(m->ctx, m->config.name, &m->job);
    if (e == OK)
        return OK;
    m->job.part = 0;
    if (e != ERR_EMPTY)
        log_error("modem", "name=%s no job: %s", m->config.name, err_str(e));
    return ERR_EMPTY;
}

/* Between two messages: acknowledge and fetch, but claimed is claimed: nothing that takes long. */
static enum err between(struct modem *m)
{
    modem_drain_ears(m); /* nobody reads them else while the queue is long */
    enum err e = modem_acknowledge(m);
    if (e == OK)
        e = modem_fetch_arrived(m);
    if (!modem_ended(e))
        e = modem_settle_late(m);
    if (!modem_ended(e) && modem_stopping(m))
        e = ERR_CLOSED;
    return modem_ended(e) ? e : OK;
}

enum err modem_send_due(struct modem *m)
{
    enum err e = OK;
    if (!atomic_load(&m->woken) && clk_mono_ms() < m->next_claim_ms)
        return OK;
    if (claim(m) != OK)
        return OK;
    modem_state(m, MODEM_SENDING, "%s", "");
    while (e == OK && m->job.part) {
        e = between(m);
        if (e == OK)
            e = send_one(m);
    }
    modem_give_back(m, modem_stopping(m) ? "stopping" : "port lost");
    if (m->status.state == MODEM_SENDING && !modem_ended(e))
        modem_state(m, MODEM_READY, "%s", "");
    return e;
}
