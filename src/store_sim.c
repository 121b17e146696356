/* store_sim.c - who the modems and cards are, and which PIN was tried with which card.
 * Refuses to know a PIN.  Promises: the try is on disk before it is made; one refused PIN costs
 * one attempt in the life of the card. */
#include "store_private.h"

struct identified {
    const char *modem;
    const struct modem_identity *who;
    int64_t now_ms;
};

static enum err run_identified(struct db *db, void *arg)
{
    const struct identified *i = arg;
    const struct modem_identity *w = i->who;
    int64_t modem, sim;
    enum err e = name_id(db, DB_MODEM, i->modem, &modem);
    if (!e)
        e = sim_id(db, i->modem, w->iccid, &sim);
    if (e)
        return e;
    return db_run(db,
                  "UPDATE modem SET imei=?2, iccid=?3, imsi=?4, number=?5, manufacturer=?6,"
                  " model=?7, firmware=?8, seen_ms=?9 WHERE id=?1",
                  ARGS(INT(modem), TEXT(w->imei), TEXT(w->iccid), TEXT(w->imsi), TEXT(w->number),
                       TEXT(w->manufacturer), TEXT(w->model), TEXT(w->firmware), INT(i->now_ms)));
}

enum err store_identified(struct store *s, const char *modem, const struct modem_identity *who,
                          int64_t now_ms)
{
    struct identified i = {modem, who, now_ms};
    return store_do(s, run_identified, &i);
}

/* pin.accepted.  TRIED: sent, and then we died or the line broke. */
enum { PIN_TRIED, PIN_ACCEPTED, PIN_REFUSED };
#define PIN_UNKNOWN (-1)

struct pin {
    const char *card, *digest;
    int attempts, outcome;
    int64_t now_ms;
};

/* A refusal takes an attempt away: as many as before our try, and it was none. */
static bool none_was_lost(int64_t before, int now)
{
    return before >= 0 && now >= before;
}

/* Accepted before is no promise (it may have been changed in a phone): this try counts like the first. */
static enum err run_may_try(struct db *db, void *arg)
{
    const struct pin *p = arg;
    int64_t outcome, before;
    enum err e =
        db_value(db, &outcome, PIN_UNKNOWN, "SELECT accepted FROM pin WHERE iccid=?1 AND digest=?2",
                 ARGS(TEXT(p->card), TEXT(p->digest)));
    if (!e)
        e = db_value(db, &before, -1, "SELECT attempts FROM pin WHERE iccid=?1 AND digest=?2",
                     ARGS(TEXT(p->card), TEXT(p->digest)));
    if (e)
        return e;
    if (outcome == PIN_REFUSED || (outcome == PIN_TRIED && !none_was_lost(before, p->attempts)))
        return ERR_DENIED;
    return db_run(db,
                  "REPLACE INTO pin(iccid, digest, at_ms, accepted, attempts)"
                  " VALUES(?1, ?2, ?3, 0, ?4)",
                  ARGS(TEXT(p->card), TEXT(p->digest), INT(p->now_ms), INT(p->attempts)));
}

static enum err run_done(struct db *db, void *arg)
{
    const struct pin *p = arg;
    return db_run(db,
                  "UPDATE pin SET accepted=?3, at_ms=?4 WHERE iccid=?1 AND digest=?2"
                  " AND accepted<>2", /* a refusal stays one */
                  ARGS(TEXT(p->card), TEXT(p->digest), INT(p->outcome), INT(p->now_ms)));
}

enum err store_pin_may_try(struct store *s, const char *card, const char *pin_digest, int attempts,
                           int64_t now_ms)
{
    struct pin p = {card, pin_digest, attempts, PIN_TRIED, now_ms};
    return store_do(s, run_may_try, &p);
}

enum err store_pin_done(struct store *s, const char *card, const char *pin_digest, bool accepted,
                        int64_t now_ms)
{
    struct pin p = {card, pin_digest, -1, accepted ? PIN_ACCEPTED : PIN_REFUSED, now_ms};
    return store_do(s, run_done, &p);
}
