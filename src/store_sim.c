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

struct pin {
    const char *iccid, *digest;
    int64_t now_ms;
};

static enum err run_may_try(struct db *db, void *arg)
{
    const struct pin *p = arg;
    int64_t accepted;
    enum err e =
        db_value(db, &accepted, -1, "SELECT accepted FROM pin WHERE iccid=?1 AND digest=?2",
                 ARGS(TEXT(p->iccid), TEXT(p->digest)));
    if (e || accepted == 0)
        return e ? e : ERR_DENIED;
    /* Accepted before is no promise (it may have been changed in a phone): this try counts like
     * the first. */
    return db_run(db, "REPLACE INTO pin(iccid, digest, at_ms, accepted) VALUES(?1, ?2, ?3, 0)",
                  ARGS(TEXT(p->iccid), TEXT(p->digest), INT(p->now_ms)));
}

static enum err run_accepted(struct db *db, void *arg)
{
    const struct pin *p = arg;
    return db_run(db, "REPLACE INTO pin(iccid, digest, at_ms, accepted) VALUES(?1, ?2, ?3, 1)",
                  ARGS(TEXT(p->iccid), TEXT(p->digest), INT(p->now_ms)));
}

enum err store_pin_may_try(struct store *s, const char *iccid, const char *pin_digest,
                           int64_t now_ms)
{
    struct pin p = {iccid, pin_digest, now_ms};
    return store_do(s, run_may_try, &p);
}

enum err store_pin_accepted(struct store *s, const char *iccid, const char *pin_digest,
                            int64_t now_ms)
{
    struct pin p = {iccid, pin_digest, now_ms};
    return store_do(s, run_accepted, &p);
}
