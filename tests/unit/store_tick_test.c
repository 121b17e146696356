/* What time changes, by the clock of the test. */
#include "store_kit.h"

static const struct store_policy policy = {.uncertain_resend = true,
                                           .uncertain_after_ms = 600000,
                                           .partial_after_ms = CLK_DAY_MS,
                                           .keep_ms = 400 * CLK_DAY_MS,
                                           .inbox_url = "http://127.0.0.1/inbox"};

static void tick(struct kit *k, const struct store_policy *p, int64_t now_ms)
{
    assert_int_equal(store_tick(k->store, p, now_ms), OK);
}

static struct store_new_message made_uncertain(struct kit *k, enum store_uncertain on_uncertain,
                                               int64_t now_ms)
{
    struct store_claim c;
    struct store_new_message m = kit_message(k, "+818012345678");
    m.on_uncertain = on_uncertain;
    m.callbackurl = "http://127.0.0.1/cb";
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(kit_claim(k, "gsm1", now_ms, &c), OK);
    assert_int_equal(store_part_failed(k->store, c.job.part, STORE_VERDICT_UNCERTAIN, "gsm1",
                                       "timeout", "No answer", 0, now_ms),
                     OK);
    return m;
}

static void uncertain_is_sent_again_marked_as_a_repetition(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    (void)made_uncertain(k, STORE_UNCERTAIN_DEFAULT, T0);
    tick(k, &policy, T0 + 599999);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 599999, &c), ERR_EMPTY);
    tick(k, &policy, T0 + 600000);
    assert_int_equal(kit_claim(k, "gsm2", T0 + 600000, &c), OK);
    assert_true(c.job.submit.reject_duplicates); /* TP-RD, 23.040 9.2.3.25 */
    uint8_t mr = c.job.submit.mr;
    char last[STORE_CODE_MAX];
    unsigned tries;
    assert_int_equal(store_part_tries(k->store, c.job.part, &tries, last), OK);
    assert_int_equal(tries, 1);
    assert_int_equal(
        store_part_failed(k->store, c.job.part, STORE_VERDICT_BACK, "gsm2", "", "", 0, T0), OK);
    assert_int_equal(kit_claim(k, "gsm2", T0 + 600000, &c), OK);
    assert_int_equal(c.job.submit.mr, mr); /* the same at every try */
    assert_true(c.job.submit.reject_duplicates);
}

/* After a restart many reports wait in the network: the one that tells may be behind them. */
static void uncertain_waits_while_older_reports_come_in(void **state)
{
    struct kit *k = *state;
    struct store_claim older, c;
    struct store_new_message m = kit_message(k, "+818012345678");
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0, &older), OK);
    kit_sent(k, &older, 7, T0 + 100);
    (void)made_uncertain(k, STORE_UNCERTAIN_DEFAULT, T0 + 1000);
    assert_int_equal(kit_report(k, "+818012345678", 7, 0x00, T0, T0 + 600000), older.job.part);
    tick(k, &policy, T0 + 601000);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 601000, &c), ERR_EMPTY);
    tick(k, &policy, T0 + 611000); /* none came for ten seconds */
    assert_int_equal(kit_claim(k, "gsm1", T0 + 611000, &c), OK);
}

static void uncertain_fails_where_that_is_wanted(void **state)
{
    struct kit *k = *state;
    struct store_policy fail_policy = policy;
    struct store_claim c;
    fail_policy.uncertain_resend = false;
    struct store_new_message by_message = made_uncertain(k, STORE_UNCERTAIN_FAIL, T0);
    tick(k, &policy, T0 + 600000);
    assert_int_equal(kit_status(k, &by_message).m.state, STORE_FAIL);
    assert_string_equal(kit_status(k, &by_message).error_code, "uncertain");
    struct store_new_message by_policy = made_uncertain(k, STORE_UNCERTAIN_DEFAULT, T0);
    struct store_new_message other = made_uncertain(k, STORE_UNCERTAIN_RESEND, T0);
    tick(k, &fail_policy, T0 + 600000);
    assert_int_equal(kit_status(k, &by_policy).m.state, STORE_FAIL);
    assert_int_equal(kit_status(k, &other).m.state, STORE_QUEUED);
    assert_int_equal(kit_callbacks(k, T0 + 600000, NULL).n, 2);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 600000, &c), OK);
}

static void a_clock_set_back_does_not_hold_them(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    (void)made_uncertain(k, STORE_UNCERTAIN_DEFAULT, T0 + 10 * CLK_HOUR_MS);
    tick(k, &policy, T0);
    tick(k, &policy, T0 + 600000);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 600000, &c), OK);
}

/* What was due stays due; what was to wait for a time waits for it by the new clock. */
static void a_clock_set_back_holds_nothing_that_was_due(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_new_message due = kit_message(k, "+811"), later = kit_message(k, "+812");
    due.due_ms = T0 + CLK_DAY_MS;
    later.due_ms = T0 + CLK_DAY_MS + CLK_HOUR_MS;
    due.valid_until_ms = later.valid_until_ms = T0 + 9 * CLK_DAY_MS;
    assert_int_equal(kit_accept(k, &due, T0 + CLK_DAY_MS), OK);
    assert_int_equal(kit_accept(k, &later, T0 + CLK_DAY_MS), OK);
    tick(k, &policy, T0 + CLK_DAY_MS);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), ERR_EMPTY);
    tick(k, &policy, T0);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), ERR_EMPTY);
    tick(k, &policy, T0 + 1000);
    assert_int_equal(kit_claim(k, "gsm1", T0 + CLK_DAY_MS, &c), ERR_EMPTY);
    assert_int_equal(kit_claim(k, "gsm1", T0 + CLK_DAY_MS + CLK_HOUR_MS, &c), OK);
}

static void validity_runs_out(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = kit_message(k, "+811"), sending = kit_message(k, "+812");
    struct store_claim c;
    m.valid_until_ms = sending.valid_until_ms = T0 + 300000;
    m.callbackurl = "http://127.0.0.1/cb";
    m.modem = "gone";
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(kit_accept(k, &sending, T0), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0 + 299999, &c), OK);
    tick(k, &policy, T0 + 299999);
    assert_int_equal(kit_status(k, &m).m.state, STORE_QUEUED);
    tick(k, &policy, T0 + 300000);
    assert_int_equal(kit_status(k, &m).m.state, STORE_FAIL);
    assert_string_equal(kit_status(k, &m).error_code, "expired");
    assert_int_equal(kit_callbacks(k, T0 + 300000, NULL).n, 1);
    assert_int_equal(kit_status(k, &sending).m.state, STORE_QUEUED); /* a modem has it */
    assert_int_equal(store_part_failed(k->store, c.job.part, STORE_VERDICT_RETRY, "gsm1", "CMS 38",
                                       "", T0 + 310000, T0 + 301000),
                     OK);
    tick(k, &policy, T0 + 310001);
    assert_string_equal(kit_status(k, &sending).error_code, "expired");
}

static void no_report_in_time(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = kit_message(k, "+811");
    struct store_claim c;
    struct store_counts n;
    m.callbackurl = "http://127.0.0.1/cb";
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    kit_sent(k, &c, 5, T0);
    tick(k, &policy, m.valid_until_ms);
    tick(k, &policy, m.valid_until_ms + CLK_DAY_MS - 1);
    assert_string_equal(kit_status(k, &m).error_code, "");
    tick(k, &policy, m.valid_until_ms + CLK_DAY_MS);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERING);
    assert_string_equal(kit_status(k, &m).error_code, "no_report");
    assert_int_equal(kit_callbacks(k, m.valid_until_ms + CLK_DAY_MS, NULL).n, 0);
    assert_int_equal(store_counts(k->reader, &n), OK);
    assert_int_equal(n.delivering, 0);
    assert_int_equal(kit_report(k, "+811", 5, 0x00, T0, m.valid_until_ms + 2 * CLK_DAY_MS),
                     c.job.part);
    assert_int_equal(kit_status(k, &m).m.state, STORE_DELIVERED); /* better late than never */
    assert_int_equal(store_counts(k->reader, &n), OK);
    assert_int_equal(n.delivering, 0);
}

static void links_are_erased_and_go(void **state)
{
    struct kit *k = *state;
    struct store_policy short_memory = policy;
    struct store_link l;
    struct store_new_message m = kit_message(k, "+811");
    struct kit_wait w = KIT_WAIT;
    m.slug = "slug";
    m.link = "example.com";
    m.destination = "http://example.com";
    m.shortlink = "http://s/slug";
    m.link_expires_ms = T0 + 90 * CLK_DAY_MS;
    assert_int_equal(kit_accept(k, &m, T0), OK);
    store_cancel(k->store, ACCOUNT, m.msgid, T0, kit_done, &w);
    assert_int_equal(kit_wait(&w, 1), OK);
    tick(k, &policy, T0 + 180 * CLK_DAY_MS - 1);
    assert_int_equal(store_link_get(k->reader, "slug", &l), OK);
    assert_false(l.erased);
    tick(k, &policy, T0 + 180 * CLK_DAY_MS); /* the round begins again after its end */
    tick(k, &policy, T0 + 180 * CLK_DAY_MS);
    assert_int_equal(store_link_get(k->reader, "slug", &l), OK);
    assert_true(l.erased);
    assert_string_equal(l.destination, "");
    struct kit_status s = kit_status(k, &m);
    assert_true(s.m.tracked);
    assert_null(s.m.link);
    assert_string_equal(s.shortlink, "http://s/slug");
    tick(k, &policy, T0 + 400 * CLK_DAY_MS); /* the message goes, and its link with it */
    assert_int_equal(store_link_get(k->reader, "slug", &l), ERR_NOT_FOUND);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 0);

    m = kit_message(k, "+811");
    m.slug = "slug2";
    m.link = m.destination = "http://example.com";
    m.shortlink = "http://s/slug2";
    m.link_expires_ms = T0 + 90 * CLK_DAY_MS;
    assert_int_equal(kit_accept(k, &m, T0), OK);
    store_cancel(k->store, ACCOUNT, m.msgid, T0, kit_done, &w);
    assert_int_equal(kit_wait(&w, 2), OK);
    short_memory.keep_ms = CLK_DAY_MS;
    tick(k, &short_memory, T0 + CLK_DAY_MS);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 0);
    assert_int_equal(store_link_get(k->reader, "slug2", &l), OK); /* as long as it was promised */
    assert_string_equal(l.destination, "http://example.com");
    for (int i = 0; i < 3; i++)
        tick(k, &short_memory, T0 + 180 * CLK_DAY_MS);
    assert_int_equal(store_link_get(k->reader, "slug2", &l), ERR_NOT_FOUND);
}

static void old_rows_go_in_small_steps(void **state)
{
    struct kit *k = *state;
    struct kit_wait w = KIT_WAIT;
    struct store_new_message live;
    for (unsigned i = 0; i < 130; i++) {
        struct store_new_message m = kit_message(k, "+811");
        m.callbackurl = "http://127.0.0.1/cb";
        m.valid_until_ms = T0 + 500 * CLK_DAY_MS;
        assert_int_equal(kit_accept(k, &m, T0), OK);
        if (i) {
            store_cancel(k->store, ACCOUNT, m.msgid, T0, kit_done, &w);
            assert_int_equal(kit_wait(&w, i), OK);
        } else {
            live = m; /* still valid, still queued: stays */
        }
    }
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM outbox"), 129);
    tick(k, &policy, T0 + 400 * CLK_DAY_MS - 1);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 130);
    int64_t before = 130;
    for (int i = 0; before > 1; i++) {
        tick(k, &policy, T0 + 400 * CLK_DAY_MS);
        int64_t now = kit_sql(k, "SELECT count(*) FROM message");
        assert_true(now < before && before - now <= 50);
        before = now;
        assert_true(i < 10);
    }
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM outbox"), 0);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM part"), 1);
    assert_int_equal(kit_status(k, &live).m.state, STORE_QUEUED);
}

static void keys_are_forgotten(void **state)
{
    struct kit *k = *state;
    struct kit_wait w = KIT_WAIT;
    struct store_new_message m = kit_message(k, "+811");
    struct store_accept a = {.account = ACCOUNT,
                             .url_base = "",
                             .now_ms = T0,
                             .idempotency_key = "k",
                             .fingerprint = "f",
                             .messages = &m,
                             .count = 1};
    store_accept(k->store, &a, kit_done, &w);
    assert_int_equal(kit_wait(&w, 1), OK);
    tick(k, &policy, T0 + CLK_DAY_MS - 1);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM idempotency"), 1);
    tick(k, &policy, T0 + CLK_DAY_MS);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM idempotency"), 0);
}

static void a_tick_with_nothing_due_writes_nothing(void **state)
{
    struct kit *k = *state;
    char slugs[20][2] = {{0}};
    for (int i = 0; i < 20; i++) {
        struct store_new_message m = kit_message(k, "+811");
        m.slug = slugs[i];
        slugs[i][0] = (char)('a' + i);
        m.link = m.destination = "http://a.example/";
        m.shortlink = "s";
        m.link_expires_ms = T0 + 90 * CLK_DAY_MS;
        assert_int_equal(kit_accept(k, &m, T0), OK);
    }
    assert_int_equal(kit_sql(k, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    for (int i = 0; i < 10; i++)
        tick(k, &policy, T0 + i * 1000);
    char wal[128];
    (void)snprintf(wal, sizeof wal, "%s-wal", k->path);
    FILE *f = fopen(wal, "r");
    assert_non_null(f);
    assert_int_equal(fgetc(f), EOF); /* not one frame */
    fclose(f);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(uncertain_is_sent_again_marked_as_a_repetition),
        T(uncertain_waits_while_older_reports_come_in),
        T(uncertain_fails_where_that_is_wanted),
        T(a_clock_set_back_does_not_hold_them),
        T(a_clock_set_back_holds_nothing_that_was_due),
        T(validity_runs_out),
        T(no_report_in_time),
        T(links_are_erased_and_go),
        T(old_rows_go_in_small_steps),
        T(keys_are_forgotten),
        T(a_tick_with_nothing_due_writes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
