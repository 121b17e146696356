/* store_doubt.c - parts that may have gone out: which one a late answer is about, and how long to wait for one.
 * Refuses to know AT.  Promises: an answer settles the part that was under way last, and no other. */
#include "clock.h"
#include "store_private.h"

/* A modem answers within 180 s or never; what is older than this does not get an answer meant for another. */
#define ANSWER_MAX_MS (10 * CLK_MINUTE_MS)
/* Reports that found nobody listening are repeated by the network in its own time. */
#define REPEAT_MS (15 * CLK_SECOND_MS)
/* Parts, the newest, among which one that was tried later is looked for. */
#define LOOK_BACK "32768"

#define KEEPS 2 /* equal references in a row, with differing values */

/* ---- the reference: 23.040 9.2.3.6 ---- */

void sim_learn_reference(struct db_sim *sim, int64_t part, int mr)
{
    bool ours = mr == part_own_reference(part);
    if (ours && mr != sim->kept_mr)
        sim->kept++;
    if (!ours)
        sim->kept = 0;
    sim->kept_mr = ours ? mr : -1;
}

bool sim_keeps_reference(const struct db_sim *sim)
{
    return sim->kept >= KEEPS;
}

/* ---- what may have gone out ---- */

/* The service centre rejects it if it holds the first try still (9.2.3.25); had it delivered that, a report would have
 * told by now.  Another message in between would make it forget. */
static enum err repeat(struct db *db, const struct part *p, int64_t now_ms)
{
    db->parts_due = true;
    enum err e = part_event(db, p, p->modem, STORE_PART_RETRIED, now_ms);
    return e ? e
             : db_run(db,
                      "UPDATE part SET state=0, rank=?2, due_ms=?3, tries=tries+1, doubt=?4,"
                      " avoid=NULL, since_ms=NULL WHERE id=?1",
                      ARGS(INT(p->id), INT(PART_AT_ONCE), INT(now_ms), INT(DOUBT_BEFORE)));
}

static bool wants_resend(const struct db *db, const struct message *m)
{
    return m->on_uncertain == STORE_UNCERTAIN_DEFAULT ? db->uncertain_resend
                                                      : m->on_uncertain == STORE_UNCERTAIN_RESEND;
}

enum err part_in_doubt(struct db *db, const struct part *p, const char *text, int64_t since_ms,
                       bool may_repeat, int64_t now_ms)
{
    struct message m;
    enum err e = message_get(db, p->id / PART_STEP, &m);
    if (e)
        return e;
    bool first_time = !(p->doubt & DOUBT_BEFORE);
    e = part_event(db, p, p->modem, STORE_PART_UNCERTAIN, now_ms);
    if (e)
        return e;
    if (may_repeat && first_time && m.state == STORE_QUEUED && wants_resend(db, &m) &&
        sim_keeps_reference(sim_memory(db, p->sim)))
        e = repeat(db, p, now_ms);
    else
        e = db_run(db, "UPDATE part SET state=3, doubt=3, since_ms=?2 WHERE id=?1",
                   ARGS(INT(p->id), INT(since_ms)));
    return e ? e : message_error(db, p->id / PART_STEP, "uncertain", text);
}

struct doubt {
    const char *modem;
    int64_t now_ms, part;
};

static enum err run_in_doubt(struct db *db, void *arg)
{
    struct doubt *d = arg;
    int64_t modem;
    if (!d->modem)
        return db_value(db, &d->part, 0,
                        "SELECT id FROM part WHERE state=3 AND tried_ms>?1 LIMIT 1",
                        ARGS(INT(d->now_ms - ANSWER_MAX_MS)));
    enum err e = name_id(db, DB_MODEM, d->modem, &modem);
    if (e)
        return e;
    return db_value(db, &d->part, 0,
                    "SELECT id FROM part WHERE state=3 AND modem=?1 AND tried_ms>?2"
                    " ORDER BY tried_ms DESC LIMIT 1",
                    ARGS(INT(modem), INT(d->now_ms - ANSWER_MAX_MS)));
}

enum err store_part_in_doubt(struct store *s, const char *modem, int64_t now_ms, uint64_t *part)
{
    struct doubt d = {.modem = modem, .now_ms = now_ms};
    enum err e = store_do(s, run_in_doubt, &d);
    if (!e)
        *part = (uint64_t)d.part;
    return e;
}

/* One that was tried later and settled (by its report, say) is the one that the answer is about. */
static enum err run_awaited(struct db *db, void *arg)
{
    struct doubt *d = arg;
    int64_t modem, later = 0;
    enum err e = run_in_doubt(db, d);
    if (!e && d->part)
        e = name_id(db, DB_MODEM, d->modem, &modem);
    if (e || !d->part)
        return e;
    e = db_value(db, &later, 0,
                 "SELECT count(*) FROM (SELECT modem, tried_ms FROM part ORDER BY id DESC"
                 " LIMIT " LOOK_BACK ") WHERE modem=?1 AND tried_ms>"
                 "(SELECT tried_ms FROM part WHERE id=?2)",
                 ARGS(INT(modem), INT(d->part)));
    if (later)
        d->part = 0;
    return e;
}

enum err store_part_awaited(struct store *s, const char *modem, int64_t now_ms, uint64_t *part)
{
    struct doubt d = {.modem = modem, .now_ms = now_ms};
    enum err e = store_do(s, run_awaited, &d);
    if (!e)
        *part = (uint64_t)d.part;
    return e;
}

/* While it is away no report comes through it: what waits for one waits on, as does what it was to repeat. */
static enum err run_unheard(struct db *db, void *arg)
{
    const struct doubt *d = arg;
    int64_t modem;
    enum err e = name_id(db, DB_MODEM, d->modem, &modem);
    if (e)
        return e;
    e = db_run(db,
               "UPDATE part SET since_ms=max(since_ms, ?2)"
               " WHERE state=3 AND modem=?1 AND tried_ms>?3",
               ARGS(INT(modem), INT(d->now_ms + UNHEARD_MS), INT(d->now_ms - PATIENCE_MS)));
    return e ? e
             : db_run(db,
                      "UPDATE part SET state=3, doubt=3, since_ms=?2"
                      " WHERE state=0 AND modem=?1 AND rank=-1",
                      ARGS(INT(modem), INT(d->now_ms + UNHEARD_MS)));
}

enum err store_part_unheard(struct store *s, const char *modem, int64_t now_ms)
{
    struct doubt d = {.modem = modem, .now_ms = now_ms};
    return store_do(s, run_unheard, &d);
}

static enum err run_heard_again(struct db *db, void *arg)
{
    const struct doubt *d = arg;
    int64_t modem;
    enum err e = name_id(db, DB_MODEM, d->modem, &modem);
    if (e)
        return e;
    return db_run(db, "UPDATE part SET since_ms=?2 WHERE state=3 AND modem=?1 AND tried_ms>?3",
                  ARGS(INT(modem), INT(d->now_ms + REPEAT_MS), INT(d->now_ms - PATIENCE_MS)));
}

enum err store_part_heard_again(struct store *s, const char *modem, int64_t now_ms)
{
    struct doubt d = {.modem = modem, .now_ms = now_ms};
    return store_do(s, run_heard_again, &d);
}
