/* Opening: new, again, newer than we are, another program's, twice; and the PIN guard, which is
 * about restarts. */
#include <fcntl.h>
#include <sys/stat.h>

#include "store_kit.h"

static enum err open_again(struct kit *k, char why[200])
{
    struct store *s = NULL;
    enum err e = store_open(k->path, T0, &s, why);
    store_close(s);
    return e;
}

static void only_one_at_a_time(void **state)
{
    struct kit *k = *state;
    char why[200];
    assert_int_equal(open_again(k, why), ERR_BUSY);
    assert_non_null(strstr(why, "another"));
}

static void a_newer_database_is_left_alone(void **state)
{
    struct kit *k = *state;
    char why[200], back[64];
    kit_close(k);
    (void)snprintf(back, sizeof back, "PRAGMA user_version=%d",
                   (int)kit_sql(k, "PRAGMA user_version"));
    kit_sql(k, "PRAGMA user_version=1000");
    assert_int_equal(open_again(k, why), ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "newer"));
    assert_int_equal(kit_sql(k, "PRAGMA user_version"), 1000);
    kit_sql(k, back);
    kit_open(k, T0);
}

static void replace(struct kit *k, const char *bytes)
{
    char wal[128];
    (void)snprintf(wal, sizeof wal, "%s-wal", k->path);
    (void)unlink(wal);
    FILE *f = fopen(k->path, "w");
    assert_non_null(f);
    fputs(bytes, f);
    fclose(f);
}

static void another_programs_database_is_left_alone(void **state)
{
    struct kit *k = *state;
    char why[200];
    kit_close(k);
    replace(k, "");
    kit_sql(k, "CREATE TABLE theirs(a)");
    assert_int_equal(open_again(k, why), ERR_UNSUPPORTED);
    assert_non_null(strstr(why, "another program"));
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM sqlite_schema"), 1);
    replace(k, "this is no database at all, but a text that somebody put there\n");
    assert_int_equal(open_again(k, why), ERR_CORRUPT);
    assert_true(why[0] != '\0');
    replace(k, "");
    kit_open(k, T0);
}

static void a_directory_that_is_not_there(void **state)
{
    struct store *s = NULL;
    char why[200];
    (void)state;
    assert_true(store_open("/nonexistent/dir/x.db", T0, &s, why) != OK);
    assert_true(why[0] != '\0');
    assert_null(s);
}

static void the_file_is_the_owners_alone(void **state)
{
    static const char *const names[] = {"", "-wal", "-shm"};
    struct kit *k = *state;
    for (size_t i = 0; i < 3; i++) {
        char name[128];
        struct stat st;
        (void)snprintf(name, sizeof name, "%s%s", k->path, names[i]);
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_mode & 077, 0);
    }
}

static void it_is_what_we_asked_for(void **state)
{
    struct kit *k = *state;
    assert_int_equal(kit_sql(k, "SELECT journal_mode='wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(kit_sql(k, "SELECT integrity_check='ok' FROM pragma_integrity_check"), 1);
}

static void rows_survive(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = kit_message(k, "+811");
    assert_int_equal(kit_accept(k, &m, T0), OK);
    kit_close(k);
    kit_open(k, T0);
    assert_int_equal(kit_status(k, &m).m.state, STORE_QUEUED);
}

/* ---- the PIN guard: issue 3 ---- */

static void one_refused_pin_costs_one_attempt(void **state)
{
    struct kit *k = *state;
    assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-a", -1, T0), OK);
    for (int restarts = 0; restarts < 3; restarts++) { /* refused, or we died: never again */
        kit_close(k);
        kit_open(k, T0);
        assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-a", -1, T0), ERR_DENIED);
    }
    assert_int_equal(store_pin_may_try(k->store, "8944", "digest-a", -1, T0),
                     OK); /* another card */
    assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-b", -1, T0),
                     OK); /* the configuration changed */
    assert_int_equal(store_pin_done(k->store, ICCID, "digest-b", true, T0), OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-b", -1, T0), OK);
        assert_int_equal(store_pin_done(k->store, ICCID, "digest-b", true, T0), OK);
    }
    assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-b", -1, T0),
                     OK); /* changed in a phone meanwhile */
    assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-b", -1, T0), ERR_DENIED);
}

/* Sent, and then we died: a card that lost no attempt since did not refuse it. */
static void a_try_without_outcome(void **state)
{
    struct kit *k = *state;
    assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-a", 3, T0), OK);
    kit_close(k);
    kit_open(k, T0);
    assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-a", -1, T0), ERR_DENIED);
    assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-a", 2, T0), ERR_DENIED);
    assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-a", 3, T0), OK);
    assert_int_equal(store_pin_done(k->store, ICCID, "digest-a", false, T0), OK);
    assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-a", 3, T0), ERR_DENIED);
    assert_int_equal(store_pin_done(k->store, ICCID, "digest-a", true, T0), OK); /* too late */
    assert_int_equal(store_pin_may_try(k->store, ICCID, "digest-a", 3, T0), ERR_DENIED);
}

static void who_the_modem_is(void **state)
{
    struct kit *k = *state;
    struct modem_identity who = {.imei = "490154203237518", .iccid = ICCID, .model = "E173"};
    assert_int_equal(store_identified(k->store, "gsm1", &who, T0), OK);
    assert_int_equal(store_identified(k->store, "gsm1", &who, T0 + 1), OK);
    assert_int_equal(
        kit_sql(
            k, "SELECT count(*) FROM modem WHERE imei='490154203237518' AND seen_ms=1767323045001"),
        1);
}

static void closing_finishes_what_waits(void **state)
{
    struct kit *k = *state;
    struct kit_wait w = KIT_WAIT;
    struct store_new_message m[50];
    struct store_accept a[50];
    for (int i = 0; i < 50; i++) {
        m[i] = kit_message(k, "+811");
        a[i] =
            (struct store_accept){.account = ACCOUNT, .now_ms = T0, .messages = &m[i], .count = 1};
        store_accept(k->store, &a[i], kit_done, &w);
    }
    kit_close(k);
    assert_int_equal(w.finished, 50);
    assert_int_equal(w.ok, 50);
    kit_open(k, T0);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 50);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(only_one_at_a_time),
        T(a_newer_database_is_left_alone),
        T(another_programs_database_is_left_alone),
        T(a_directory_that_is_not_there),
        T(the_file_is_the_owners_alone),
        T(it_is_what_we_asked_for),
        T(rows_survive),
        T(one_refused_pin_costs_one_attempt),
        T(a_try_without_outcome),
        T(who_the_modem_is),
        T(closing_finishes_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
