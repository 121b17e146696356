/* store_state.c - what a part and its message may become, and what that causes.
 * Refuses to know who asks (a modem's answer, a report, the clock).  Promises: a message's state
 * follows from all its parts; what is final stays; the callback is in the same transaction. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "store_route.h"

#define TAIL_DIGITS         7
#define FIRST_PART(message) ((message)*PART_STEP)
#define LAST_PART(message)  ((message)*PART_STEP + PART_STEP - 1)

int64_t number_tail(const char *number)
{
    int64_t tail = 0, place = 1;
    int digits = 0;
    for (size_t i = strlen(number); i > 0 && digits < TAIL_DIGITS; i--)
        if (number[i - 1] >= '0' && number[i - 1] <= '9') {
            tail += (number[i - 1] - '0') * place;
            place *= 10;
            digits++;
        }
    return tail;
}

enum err part_get(struct db *db, int64_t id, struct part *out)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(db, &q,
                        "SELECT state, modem, sim, since_ms, due_ms, tries, doubt, tried_ms, tail "
                        "FROM part WHERE id=?1",
                        ARGS(INT(id)));
    if (e)
        return e == ERR_EMPTY ? ERR_NOT_FOUND : e;
    *out = (struct part){.id = id,
                         .state = (enum part_state)db_int(q, 0),
                         .modem = db_int(q, 1),
                         .sim = db_int(q, 2),
                         .since_ms = db_int(q, 3),
                         .due_ms = db_int(q, 4),
                         .tries = (unsigned)db_int(q, 5),
                         .doubt = (unsigned)db_int(q, 6),
                         .tried_ms = db_int(q, 7),
                         .tail = db_int(q, 8)};
    db_done(q);
    return OK;
}

enum err message_get(struct db *db, int64_t id, struct message *out)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(db, &q,
                        "SELECT state, parts, modem, valid_until_ms, accepted_ms, on_uncertain,"
                        " error_code IS NOT NULL, watch_ms IS NOT NULL FROM message WHERE id=?1",
                        ARGS(INT(id)));
    if (e)
        return e == ERR_EMPTY ? ERR_NOT_FOUND : e;
    *out = (struct message){.id = id,
                            .state = (enum store_state)db_int(q, 0),
                            .parts = (unsigned)db_int(q, 1),
                            .wanted_modem = db_int(q, 2),
                            .valid_until_ms = db_int(q, 3),
                            .accepted_ms = db_int(q, 4),
                            .on_uncertain = (enum store_uncertain)db_int(q, 5),
                            .has_error = db_int(q, 6) != 0,
                            .watched = db_int(q, 7) != 0};
    db_done(q);
    return OK;
}

/* ---- messages ---- */

static bool is_final(const struct message *m)
{
    return m->state == STORE_DELIVERED || m->state == STORE_FAIL;
}

/* Final: it is not waited for any more.  (That of no_report was left out of the count before.) */
static void count_out(struct db *db, const struct message *m)
{
    if (m->state == STORE_QUEUED)
        db->queued--;
    else if (m->state == STORE_DELIVERING && m->watched)
        db->delivering--;
}

static enum err message_event(struct db *db, const struct message *m, enum store_state state,
                              int64_t now_ms)
{
    int64_t modem;
    struct store_event event = {.kind = STORE_EVENT_MESSAGE,
                                .row = m->id,
                                .state = (int)state,
                                .age_ms = now_ms - m->accepted_ms};
    enum err e =
        db_value(db, &modem, 0, "SELECT modem FROM part WHERE id=?1 AND sending_ms IS NOT NULL",
                 ARGS(INT(FIRST_PART(m->id))));
    if (!e)
        e = name_of_modem(db, modem, event.modem);
    if (!e)
        db_event(db, &event);
    return e;
}

enum err part_event(struct db *db, const struct part *p, int64_t modem, enum store_part_event what,
                    int64_t now_ms)
{
    struct store_event event = {.kind = STORE_EVENT_PART,
                                .row = p->id / PART_STEP,
                                .state = (int)what,
                                .age_ms = now_ms - p->tried_ms};
    enum err e = name_of_modem(db, modem, event.modem);
    if (!e)
        db_event(db, &event);
    return e;
}

enum err message_error(struct db *db, int64_t id, const char *code, const char *text)
{
    return db_run(db, "UPDATE message SET error_code=?2, error_text=?3 WHERE id=?1 AND state<2",
                  ARGS(INT(id), TEXT(code), TEXT(text)));
}

/* All parts are with the network. */
static enum err message_delivering(struct db *db, const struct message *m, int64_t now_ms)
{
    if (m->state != STORE_QUEUED)
        return m->has_error && !is_final(m) ? message_error(db, m->id, NULL, NULL) : OK;
    db->queued--;
    db->delivering++;
    enum err e = message_event(db, m, STORE_DELIVERING, now_ms);
    return e ? e
             : db_run(db,
                      "UPDATE message SET state=1, error_code=NULL, error_text=NULL WHERE id=?1",
                      ARGS(INT(m->id)));
}

static enum err message_delivered(struct db *db, const struct message *m, int64_t delivered_ms,
                                  int64_t now_ms)
{
    count_out(db, m);
    enum err e = message_event(db, m, STORE_DELIVERED, now_ms);
    if (!e)
        e = db_run(db,
                   "UPDATE message SET state=2, delivered_ms=?2, watch_ms=NULL,"
                   " error_code=NULL, error_text=NULL WHERE id=?1",
                   ARGS(INT(m->id), INT(delivered_ms)));
    return e ? e : outbox_add_message(db, m->id, STORE_CALLBACK_DELIVERY, now_ms);
}

enum err message_fail(struct db *db, int64_t id, const char *code, const char *text, int64_t now_ms)
{
    struct message m;
    enum err e = message_get(db, id, &m);
    if (e || is_final(&m))
        return e;
    count_out(db, &m);
    e = message_event(db, &m, STORE_FAIL, now_ms);
    if (!e)
        e = db_run(
            db,
            "UPDATE message SET state=3, watch_ms=NULL, error_code=?2, error_text=?3 WHERE id=?1",
            ARGS(INT(id), TEXT(code), TEXT(text)));
    if (!e)
        e = db_run(
            db, "UPDATE part SET state=7, doubt=0 WHERE id BETWEEN ?1 AND ?2 AND state IN (0, 1)",
            ARGS(INT(FIRST_PART(id)), INT(LAST_PART(id))));
    return e ? e : outbox_add_message(db, id, STORE_CALLBACK_DELIVERY, now_ms);
}

/* ---- parts ---- */

/* The next part's turn: on the modem that sent this one, for parts of one message stay on one
 * SIM. */
static enum err next_part(struct db *db, const struct part *p, int64_t modem)
{
    db->parts_due = true;
    return db_run(db, "UPDATE part SET state=0, modem=?2 WHERE id=?1 AND state=1",
                  ARGS(INT(p->id + 1), INT(modem)));
}

enum err part_is_sent(struct db *db, const struct part *p, int64_t modem, int64_t sim, int mr,
                      int64_t now_ms)
{
    struct message m;
    enum err e = message_get(db, p->id / PART_STEP, &m);
    if (e)
        return e;
    if (mr >= 0)
        sim_memory(db, sim)->last_mr = mr;
    e = db_run(db,
               "UPDATE part SET state=4, modem=?2, sim=?3, mr=?4, since_ms=?5, doubt=?6,"
               " avoid=NULL WHERE id=?1",
               ARGS(INT(p->id), INT(modem), INT(sim), mr < 0 ? SQL_NULL : INT(mr), INT(now_ms),
                    INT(mr < 0 ? DOUBT_BEFORE : 0)));
    if (!e && p->state != PART_SENT)
        e = part_event(db, p, modem, STORE_PART_SENT, now_ms);
    if (e || is_final(&m) || p->state == PART_SENT) /* only its reference was missing */
        return e;
    if ((unsigned)(p->id % PART_STEP) + 1 >= m.parts)
        return message_delivering(db, &m, now_ms);
    if (m.has_error)
        e = message_error(db, m.id, NULL, NULL);
    return e ? e : next_part(db, p, modem);
}

/* When the network says so, unless its clock cannot be right. */
static int64_t delivery_time(const struct message *m, const struct sms_report *rep, int64_t now_ms)
{
    bool plausible = rep->discharge_ms >= m->accepted_ms && rep->discharge_ms <= now_ms;
    return plausible ? rep->discharge_ms : now_ms;
}

static enum err part_outcome(struct db *db, const struct part *p, enum part_state state,
                             const struct sms_report *rep)
{
    return db_run(db, "UPDATE part SET state=?2, doubt=0, scts_ms=?3, st=?4 WHERE id=?1",
                  ARGS(INT(p->id), INT(state), rep ? INT(rep->scts_ms) : SQL_NULL,
                       rep ? INT(rep->st) : SQL_NULL));
}

enum err part_is_delivered(struct db *db, const struct part *p, const struct sms_report *rep,
                           int64_t now_ms)
{
    struct message m;
    int64_t open = 0;
    enum err e = message_get(db, p->id / PART_STEP, &m);
    if (!e)
        e = part_outcome(db, p, PART_DELIVERED, rep);
    if (!e)
        e = part_event(db, p, p->modem, STORE_PART_DELIVERED, now_ms);
    if (!e && m.parts > 1)
        e = db_value(db, &open, 0,
                     "SELECT count(*) FROM part WHERE id BETWEEN ?1 AND ?2 AND state<>5",
                     ARGS(INT(FIRST_PART(m.id)), INT(LAST_PART(m.id))));
    if (e || open || is_final(&m))
        return e;
    return message_delivered(db, &m, delivery_time(&m, rep, now_ms), now_ms);
}

enum err part_is_failed(struct db *db, const struct part *p, const struct sms_report *rep,
                        const char *code, const char *text, int64_t now_ms)
{
    enum err e = part_outcome(db, p, PART_FAILED, rep);
    if (!e)
        e = part_event(db, p, p->modem, STORE_PART_FAILED, now_ms);
    return e ? e : message_fail(db, p->id / PART_STEP, code, text, now_ms);
}

enum err part_requeue(struct db *db, const struct part *p, int64_t due_ms, unsigned tries,
                      unsigned doubt, int64_t avoid_modem)
{
    struct message m;
    enum err e = message_get(db, p->id / PART_STEP, &m);
    if (e)
        return e;
    if (is_final(&m)) /* failed meanwhile: another part was refused */
        return db_run(db, "UPDATE part SET state=7, doubt=0 WHERE id=?1", ARGS(INT(p->id)));
    bool first = p->id % PART_STEP == 0;
    bool untouched = first && !tries && !doubt;
    int64_t owner = first ? m.wanted_modem : p->modem;
    if (first && avoid_modem)
        owner = route_without(db, owner, avoid_modem);
    route_filled(db, owner);
    db->parts_due = true;
    if (tries > p->tries)
        e = part_event(db, p, p->modem, STORE_PART_RETRIED, p->tried_ms);
    if (e)
        return e;
    return db_run(
        db,
        "UPDATE part SET state=0, modem=?2, due_ms=?3, tries=?4, doubt=?5, avoid=?6, since_ms=NULL,"
        " sending_ms=CASE WHEN ?7 THEN NULL ELSE sending_ms END WHERE id=?1",
        ARGS(INT(p->id), INT(owner), INT(due_ms), INT(tries), INT(doubt),
             first && avoid_modem ? INT(avoid_modem) : SQL_NULL, INT(untouched)));
}
