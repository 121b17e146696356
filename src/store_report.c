/* store_report.c - which part a status report is about, and what it makes of it.
 * Refuses to know how the report came.  Promises: a report is matched by SIM, reference, number
 * and time; one that settles nothing is kept; a part that is final stays as it is. */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "store_private.h"

/* A part whose reference was never learned is taken for the report's when the service centre's
 * time is this near to ours; nearer by UNLIKELY_MS than others when the reference is not the one
 * that was to be expected. */
#define NEAR_MS CLK_HOUR_MS
#define GUESS_MS                                                                                   \
    CLK_MINUTE_MS /* a reference that is known goes before one that was to be expected */
#define UNLIKELY_MS (10 * CLK_MINUTE_MS)
/* number_tail() takes so many: with fewer, tails cannot be equal. */
#define SHORT_DIGITS 7
/* Priorities and retries let parts overtake each other by about this much. */
#define OUT_OF_ORDER_MS (10 * CLK_SECOND_MS)

struct match {
    int64_t part; /* 0: nobody's */
    int64_t distance_ms;
    bool exact; /* the same time stamp was seen in an earlier report about it */
    enum part_state state;
    int64_t since_ms;
};

struct report {
    const char *modem, *iccid;
    const struct sms_report *rep;
    int64_t now_ms, sim, tail, scts_ms; /* scts_ms: corrected by what is known of their clock; -1 */
    struct match best;
};

static bool is_open(enum part_state s)
{
    return s == PART_QUEUED || s == PART_SENDING || s == PART_UNCERTAIN || s == PART_SENT;
}

/* The time stamp of a submit is the same in all its reports: equal ones are about the same
 * submit, and a final part with another one is not meant (references wrap at 256). */
static void consider(struct report *r, int64_t part, enum part_state state, int64_t since_ms,
                     int64_t scts_ms, int64_t handicap_ms)
{
    const struct match *best = &r->best;
    bool exact = scts_ms > 0 && r->rep->scts_ms >= 0 && scts_ms == r->rep->scts_ms;
    if (!exact && !is_open(state))
        return;
    int64_t distance = r->scts_ms < 0 ? r->now_ms - since_ms : r->scts_ms - since_ms;
    distance = (distance < 0 ? -distance : distance) + handicap_ms;
    if (best->part &&
        (best->exact > exact || (best->exact == exact && best->distance_ms <= distance)))
        return;
    r->best = (struct match){part, distance, exact, state, since_ms};
}

/* Going back in time from here no part can be nearer than the best one.  (Keys grow with time, about.) */
static bool is_far(const struct report *r, int64_t since_ms)
{
    int64_t sent_ms = r->scts_ms < 0 ? r->now_ms : r->scts_ms;
    return r->best.part && since_ms + OUT_OF_ORDER_MS < sent_ms - r->best.distance_ms;
}

/* Parts whose reference is known, the latest first: thousands to one number have the same one. */
static enum err by_reference(struct db *db, struct report *r)
{
    sqlite3_stmt *q = NULL;
    enum err e =
        db_row(db, &q,
               "SELECT id, state, since_ms, scts_ms FROM part WHERE sim=?1 AND mr=?2 AND tail=?3"
               " AND mr IS NOT NULL ORDER BY id DESC LIMIT 64",
               ARGS(INT(r->sim), INT(r->rep->mr), INT(r->tail)));
    for (; !e && !is_far(r, db_int(q, 2)); e = db_next(db, q))
        consider(r, db_int(q, 0), (enum part_state)db_int(q, 1), db_int(q, 2), db_int(q, 3), 0);
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

static int64_t power_of_ten(size_t digits)
{
    int64_t power = 1;
    while (digits--)
        power *= 10;
    return power;
}

/* A number that was cut short, or left out: what is there must be the end of ours, and the time near. */
static enum err by_short_number(struct db *db, struct report *r)
{
    sqlite3_stmt *q = NULL;
    size_t digits = 0;
    for (const char *s = r->rep->recipient; *s; s++)
        digits += *s >= '0' && *s <= '9';
    if (r->best.part || r->scts_ms < 0 || digits >= SHORT_DIGITS)
        return OK;
    enum err e = db_row(db, &q,
                        "SELECT id, state, since_ms, scts_ms FROM part WHERE sim=?1 AND mr=?2"
                        " AND mr IS NOT NULL AND tail%?3=?4 AND abs(since_ms-?5)<?6"
                        " ORDER BY id DESC LIMIT 64",
                        ARGS(INT(r->sim), INT(r->rep->mr), INT(power_of_ten(digits)), INT(r->tail),
                             INT(r->scts_ms), INT(UNLIKELY_MS)));
    for (; !e; e = db_next(db, q))
        consider(r, db_int(q, 0), (enum part_state)db_int(q, 1), db_int(q, 2), db_int(q, 3), 0);
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

/* Parts that may have gone out unanswered: by number and time; the reference counts where it can
 * be guessed (the modem's last one and 1), or where the modem took ours. */
static enum err by_time(struct db *db, struct report *r)
{
    sqlite3_stmt *q = NULL;
    enum err e = db_row(db, &q,
                        "SELECT id, state, tried_ms, guess FROM part"
                        " WHERE tail=?1 AND doubt>0 AND sim=?2",
                        ARGS(INT(r->tail), INT(r->sim)));
    for (; !e; e = db_next(db, q)) {
        int64_t id = db_int(q, 0), since = db_int(q, 2);
        int64_t off = r->scts_ms < 0 ? 0 : r->scts_ms - since;
        bool expected = (!db_is_null(q, 3) && db_int(q, 3) == r->rep->mr) ||
                        part_own_reference(id) == r->rep->mr;
        if (expected ? off > -CLK_DAY_MS && off < CLK_DAY_MS : off > -NEAR_MS && off < NEAR_MS)
            consider(r, id, (enum part_state)db_int(q, 1), since, 0,
                     expected ? GUESS_MS : UNLIKELY_MS);
    }
    db_done(q);
    return e == ERR_EMPTY ? OK : e;
}

static enum err keep(struct db *db, const struct report *r)
{
    char key[SIM_KEY_MAX];
    const struct sms_report *rep = r->rep;
    return db_run(db,
                  "INSERT INTO report(part, sim, mr, recipient, st, scts_ms, discharge_ms, at_ms)"
                  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8)",
                  ARGS(INT(r->best.part), TEXT(sim_key(r->modem, r->iccid, key)), INT(rep->mr),
                       TEXT(rep->recipient), INT(rep->st), INT(rep->scts_ms),
                       INT(rep->discharge_ms), INT(r->now_ms)));
}

static enum err apply(struct db *db, const struct report *r, const struct part *p)
{
    const struct sms_report *rep = r->rep;
    char code[16];
    switch (sms_st_outcome(rep->st)) {
    case SMS_DELIVERED:
        return part_is_delivered(db, p, rep, r->now_ms);
    case SMS_STILL_TRYING: /* not final: 9.2.3.15 */
        return db_run(db, "UPDATE part SET scts_ms=?2, st=?3 WHERE id=?1",
                      ARGS(INT(p->id), INT(rep->scts_ms), INT(rep->st)));
    case SMS_FAILED_FOR_GOOD:
    case SMS_GIVEN_UP:
        (void)snprintf(code, sizeof code, "ST 0x%02X", rep->st);
        return part_is_failed(db, p, rep, code, sms_st_str(rep->st), r->now_ms);
    }
    return ERR_RANGE;
}

/* Their clock, as the last report told it: kept in memory, for the next one.  More than a day is
 * no clock but a mistake of ours. */
static void learn_clock(struct db *db, const struct report *r)
{
    struct db_sim *sim = sim_memory(db, r->sim);
    int64_t skew = r->rep->scts_ms - r->best.since_ms;
    sim->report_ms = r->now_ms;
    sim->report_about_ms = r->best.since_ms;
    if (r->rep->scts_ms < 0 || r->best.state != PART_SENT || skew > CLK_DAY_MS ||
        skew < -CLK_DAY_MS)
        return;
    sim->skewed = true;
    sim->skew_ms = skew;
}

static enum err settle(struct db *db, struct report *r)
{
    struct part p;
    enum err e = part_get(db, r->best.part, &p);
    if (e || !is_open(p.state))
        return e ? e : keep(db, r); /* late or repeated */
    int64_t modem = p.modem;
    if (modem <= 0) /* back in a queue */
        e = name_id(db, DB_MODEM, r->modem, &modem);
    p.modem = modem;
    if (!e && (p.state != PART_SENT || p.doubt))
        e = part_is_sent(db, &p, modem, r->sim, r->rep->mr, p.tried_ms);
    learn_clock(db, r);
    return e ? e : apply(db, r, &p);
}

static enum err run_report(struct db *db, void *arg)
{
    struct report *r = arg;
    char key[SIM_KEY_MAX];
    r->best = (struct match){0};
    r->tail = number_tail(r->rep->recipient);
    enum err e = name_find(db, DB_SIM, sim_key(r->modem, r->iccid, key), &r->sim);
    if (e == ERR_NOT_FOUND)
        return keep(db, r); /* nothing was ever sent from it */
    if (e)
        return e;
    struct db_sim *sim = sim_memory(db, r->sim);
    r->scts_ms = r->rep->scts_ms < 0 ? -1 : r->rep->scts_ms - (sim->skewed ? sim->skew_ms : 0);
    e = by_reference(db, r);
    if (!e)
        e = by_time(db, r);
    if (!e)
        e = by_short_number(db, r);
    if (e)
        return e;
    return r->best.part ? settle(db, r) : keep(db, r);
}

enum err store_report(struct store *s, const char *modem, const char *iccid,
                      const struct sms_report *rep, int64_t now_ms, uint64_t *part)
{
    struct report r = {.modem = modem, .iccid = iccid, .rep = rep, .now_ms = now_ms};
    enum err e = store_do(s, run_report, &r);
    if (!e && part)
        *part = (uint64_t)r.best.part;
    return e;
}
