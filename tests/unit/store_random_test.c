/* Anything in any order: what must be true of all rows after every few steps, whatever happened.
 * SEED=n repeats a run. */
#include <time.h>

#include "store_kit.h"

#define STEPS  6000
#define MODEMS 4

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
    seed ^= seed << 13; /* xorshift32 */
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed % below;
}

static const char *const texts[] = {
    "test",
    "Four score and seven years ago our fathers brought forth on this continent, a new nation, "
    "conceived in Liberty, and dedicated to the proposition that all men are created equal. Now we "
    "are engaged in a great civil war",
};
static const char *const modems[MODEMS] = {"gsm0", "gsm1", "gsm2", "gsm3"};
static const char *const words[] = {"Brand", "+818"};
static const struct store_modem known[] = {
    {.name = "gsm0", .senders = {words, 1}},
    {.name = "gsm1", .senders = {words, 1}, .per_minute = 20},
    {.name = "gsm2", .prefixes = {words + 1, 1}, .per_day = 5000},
}; /* and gsm3, of which nobody told */
static const char *const iccids[MODEMS] = {"89440", "89441", "89442", ""};

static struct {
    struct store_claim claim[MODEMS]; /* job.part 0: idle */
    struct {
        uint64_t part;
        char recipient[SMS_ADDR_MAX];
        unsigned modem, mr;
        int64_t at_ms;
    } sent[64];
    unsigned mr[MODEMS], n_sent;
    int64_t now_ms;
} world;

static void accept_one(struct kit *k)
{
    char recipient[20];
    (void)snprintf(recipient, sizeof recipient, "+8180%08u", rnd(20));
    struct store_new_message m = kit_message(k, recipient);
    unsigned text = rnd(2);
    m.text = texts[text];
    m.parts = (uint8_t)(text + 1);
    m.priority = (uint8_t)rnd(10);
    m.due_ms = world.now_ms + (rnd(4) ? 0 : rnd(100000));
    m.valid_until_ms = m.due_ms + 300000 + rnd(3600000);
    m.callbackurl = rnd(3) ? "http://127.0.0.1/cb" : NULL;
    m.modem = rnd(8) ? NULL : modems[rnd(MODEMS)];
    m.sender = rnd(4) ? "Other" : "Brand";
    m.on_uncertain = (enum store_uncertain)rnd(3);
    assert_int_equal(kit_accept(k, &m, world.now_ms), OK);
    if (!rnd(20)) {
        struct kit_wait w = KIT_WAIT;
        store_cancel(k->store, ACCOUNT, m.msgid, world.now_ms, kit_done, &w);
        (void)kit_wait(&w, 1);
    }
}

static void went_out(unsigned modem)
{
    const struct store_claim *c = &world.claim[modem];
    unsigned i = world.n_sent++ % 64;
    world.sent[i].part = c->job.part;
    world.sent[i].modem = modem;
    world.sent[i].mr = world.mr[modem];
    world.sent[i].at_ms = world.now_ms;
    memcpy(world.sent[i].recipient, c->job.submit.recipient, SMS_ADDR_MAX);
    world.mr[modem] = (world.mr[modem] + 1) % 256;
}

static void modem_step(struct kit *k)
{
    unsigned modem = rnd(MODEMS);
    struct store_claim *c = &world.claim[modem];
    if (!c->job.part) {
        *c = (struct store_claim){
            .modem = modems[modem], .iccid = iccids[modem], .now_ms = world.now_ms};
        enum err e = store_part_claim(k->store, c, NULL);
        assert_true(e == OK || e == ERR_EMPTY);
        c->job.part = e ? 0 : c->job.part;
        return;
    }
    unsigned what = rnd(10);
    if (what < 6) {
        struct store_claim next = {
            .modem = modems[modem], .iccid = iccids[modem], .now_ms = world.now_ms};
        went_out(modem);
        assert_int_equal(store_part_sent(k->store, c->job.part, modems[modem], iccids[modem],
                                         rnd(20) ? (int)world.sent[(world.n_sent - 1) % 64].mr : -1,
                                         world.now_ms, rnd(2) ? &next : NULL),
                         OK);
        *c = next;
        return;
    }
    if (what == 9) /* uncertain: and it did go out */
        went_out(modem);
    static const enum store_verdict verdicts[] = {STORE_VERDICT_BACK, STORE_VERDICT_RETRY,
                                                  STORE_VERDICT_OTHER_MODEM,
                                                  STORE_VERDICT_UNCERTAIN};
    enum store_verdict v = what == 6 && !rnd(3) ? STORE_VERDICT_FAIL : verdicts[what - 6];
    assert_int_equal(store_part_failed(k->store, c->job.part, v, modems[modem], "CMS 38", "words",
                                       world.now_ms + rnd(60000), world.now_ms),
                     OK);
    c->job.part = 0;
}

static void report_step(struct kit *k)
{
    static const uint8_t st[] = {0x00, 0x00, 0x00, 0x01, 0x30, 0x20, 0x46, 0x63};
    unsigned i = rnd(64);
    uint64_t part;
    if (!world.sent[i].part)
        return;
    struct sms_report rep = {.mr = (uint8_t)world.sent[i].mr,
                             .st = st[rnd(8)],
                             .scts_ms = world.sent[i].at_ms / 1000 * 1000,
                             .discharge_ms = world.now_ms};
    memcpy(rep.recipient, world.sent[i].recipient, sizeof rep.recipient);
    assert_int_equal(store_report(k->store, modems[world.sent[i].modem],
                                  iccids[world.sent[i].modem], &rep, world.now_ms, &part),
                     OK);
}

static void time_step(struct kit *k)
{
    const struct store_policy policy = {.uncertain_resend = rnd(2),
                                        .uncertain_after_ms = 60000,
                                        .partial_after_ms = CLK_DAY_MS,
                                        .keep_ms = 400 * CLK_DAY_MS};
    world.now_ms += rnd(30000);
    assert_int_equal(store_tick(k->store, &policy, world.now_ms), OK);
    if (!rnd(3))
        assert_int_equal(store_modem_ready(k->store, modems[rnd(MODEMS)], rnd(3), world.now_ms),
                         OK);
    if (!rnd(50)) { /* a crash */
        kit_close(k);
        kit_open(k, world.now_ms);
        assert_int_equal(store_modems(k->store, known, 3, world.now_ms), OK);
        memset(world.claim, 0, sizeof world.claim);
    }
}

/* Of parts: 0 queued 1 waiting 2 sending 3 uncertain 4 sent 5 delivered 6 failed 7 dropped; of messages: 0 QUEUED
 * 1 DELIVERING 2 DELIVERED 3 FAIL.  None of these finds a row. */
static const char *const never[] = {
    /* every message has its parts, and each a state that fits */
    "SELECT m.id FROM message m WHERE (SELECT count(*) FROM part p WHERE p.id/16=m.id)<>m.parts",
    "SELECT m.id FROM message m WHERE m.state=2 AND EXISTS(SELECT 1 FROM part p WHERE p.id/16=m.id "
    "AND p.state<>5)",
    "SELECT m.id FROM message m WHERE m.state=1 AND EXISTS(SELECT 1 FROM part p WHERE p.id/16=m.id "
    "AND"
    " p.state NOT IN (4, 5))",
    "SELECT m.id FROM message m WHERE m.state=1 AND NOT EXISTS(SELECT 1 FROM part p WHERE "
    "p.id/16=m.id AND p.state=4)",
    "SELECT m.id FROM message m WHERE m.state=3 AND EXISTS(SELECT 1 FROM part p WHERE p.id/16=m.id "
    "AND"
    " p.state IN (0, 1))",
    "SELECT m.id FROM message m WHERE m.state=3 AND NOT EXISTS(SELECT 1 FROM part p WHERE "
    "p.id/16=m.id AND"
    " p.state IN (6, 7))",
    /* a queued one has exactly one part that is its turn, behind sent ones, before waiting ones */
    "SELECT m.id FROM message m WHERE m.state=0 AND (SELECT count(*) FROM part p WHERE "
    "p.id/16=m.id AND"
    " p.state IN (0, 2, 3))<>1",
    "SELECT p.id FROM part p JOIN part q ON q.id/16=p.id/16 AND q.id>p.id JOIN message m ON "
    "m.id=p.id/16 WHERE"
    " m.state=0 AND p.state IN (0, 1, 2, 3) AND q.state<>1",
    /* parts of a message leave by one modem */
    "SELECT p.id FROM part p JOIN part q ON q.id=p.id+1 AND q.id/16=p.id/16 WHERE p.state IN (4, "
    "5) AND"
    " q.state IN (2, 3, 4, 5) AND p.modem<>q.modem",
    /* one callback for a final message that asked for it, none for another */
    "SELECT m.id FROM message m LEFT JOIN outbox o ON o.id=m.id*4 WHERE"
    " (m.state>=2 AND m.callbackurl IS NOT NULL)<>(o.id IS NOT NULL)",
    /* looked after while it is not final */
    "SELECT id FROM message WHERE (state<2 AND error_code IS NOT 'no_report')<>(watch_ms IS NOT "
    "NULL)",
    /* an error is told where there is one, and gone when a later try succeeded */
    "SELECT id FROM message WHERE (state=3 AND error_code IS NULL) OR (state=2 AND error_code IS "
    "NOT NULL)"
    " OR (state=1 AND error_code IS NOT NULL AND error_code<>'no_report')",
    "SELECT p.id FROM part p JOIN message m ON m.id=p.id/16 WHERE p.state=3 AND m.state=0 AND"
    " m.error_code IS NOT 'uncertain'",
};

static void check(struct kit *k)
{
    struct store_counts n;
    char sql[400];
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM (%s)", never[i]);
        if (kit_sql(k, sql))
            print_error("%s: %lld\n", never[i], (long long)kit_sql(k, never[i]));
        assert_int_equal(kit_sql(k, sql), 0);
    }
    assert_int_equal(store_counts(k->reader, &n), OK);
    assert_int_equal(n.queued, kit_sql(k, "SELECT count(*) FROM message WHERE state=0"));
    assert_int_equal(
        n.delivering,
        kit_sql(k, "SELECT count(*) FROM message WHERE state=1 AND watch_ms IS NOT NULL"));
}

static void anything_in_any_order(void **state)
{
    struct kit *k = *state;
    memset(&world, 0, sizeof world);
    world.now_ms = T0;
    assert_int_equal(store_modems(k->store, known, 3, T0), OK);
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned what = rnd(20);
        if (what < 4)
            accept_one(k);
        else if (what < 13)
            modem_step(k);
        else if (what < 19)
            report_step(k);
        else
            time_step(k);
        if (step % 100 == 0)
            check(k);
    }
    check(k);
    for (int i = 0; i < 1000; i++) { /* in the end everything ends */
        world.now_ms += CLK_HOUR_MS;
        for (unsigned m = 0; m < MODEMS; m++)
            if (world.claim[m].job.part)
                assert_int_equal(store_part_failed(k->store, world.claim[m].job.part,
                                                   STORE_VERDICT_RETRY, modems[m], "CMS 38", "",
                                                   world.now_ms, world.now_ms),
                                 OK);
        memset(world.claim, 0, sizeof world.claim);
        time_step(k);
    }
    check(k);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message WHERE watch_ms IS NOT NULL"), 0);
    assert_true(kit_sql(k, "SELECT count(*) FROM message WHERE state=2") > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(anything_in_any_order, kit_setup, kit_teardown),
    };
    const char *wanted = getenv("SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    seed = wanted ? (uint32_t)strtoul(wanted, NULL, 10) : (uint32_t)now.tv_nsec | 1;
    print_message("SEED=%u\n", seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
