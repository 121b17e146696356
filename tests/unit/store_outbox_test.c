/* Callbacks to post: handed out when due, counted before each try, across restarts. */
#include "store_kit.h"

static void callback_made(struct kit *k, int64_t now_ms)
{
    struct kit_wait w = KIT_WAIT;
    struct store_new_message m = kit_message(k, "+818012345678");
    m.callbackurl = "http://127.0.0.1/cb";
    assert_int_equal(kit_accept(k, &m, now_ms), OK);
    store_cancel(k->store, ACCOUNT, m.msgid, now_ms, kit_done, &w);
    assert_int_equal(kit_wait(&w, 1), OK);
}

static void a_callback_from_due_to_done(void **state)
{
    struct kit *k = *state;
    unsigned tries = 0;
    int64_t next = 1;
    callback_made(k, T0);
    struct kit_callbacks cb = kit_callbacks(k, T0, &next);
    assert_int_equal(cb.n, 1);
    assert_int_equal(next, 0);
    assert_int_equal(cb.tries[0], 0);
    assert_string_equal(cb.body, "(none)");
    assert_int_equal(strncmp(cb.webhook_id, "msg_", 4), 0);
    assert_true(strlen(cb.webhook_id) > 20);
    char webhook[64];
    (void)snprintf(webhook, sizeof webhook, "%s", cb.webhook_id);

    assert_int_equal(store_callback_begin(k->store, cb.id[0], "{\"a\":1}", T0, &tries), OK);
    assert_int_equal(tries, 1);
    assert_int_equal(kit_callbacks(k, T0 + 15000, &next).n, 0); /* under way */
    assert_int_equal(store_callback_failed(k->store, cb.id[0], T0 + 5000, "HTTP 500", T0 + 100),
                     OK);
    assert_int_equal(kit_callbacks(k, T0 + 4999, &next).n, 0);
    assert_int_equal(next, T0 + 5000);
    cb = kit_callbacks(k, T0 + 5000, &next);
    assert_int_equal(cb.n, 1);
    assert_int_equal(cb.tries[0], 1);
    assert_string_equal(cb.body, "{\"a\":1}");
    assert_string_equal(cb.webhook_id, webhook);

    assert_int_equal(store_callback_begin(k->store, cb.id[0], "{\"other\":1}", T0 + 5000, &tries),
                     OK);
    assert_int_equal(tries, 2);
    assert_int_equal(store_callback_done(k->store, cb.id[0], T0 + 5100), OK);
    assert_int_equal(kit_callbacks(k, T0 + CLK_DAY_MS, &next).n, 0);
    assert_int_equal(next, 0);
    assert_int_equal(store_callback_begin(k->store, cb.id[0], "", T0 + 6000, &tries), ERR_CONFLICT);
    assert_int_equal(store_callback_done(k->store, cb.id[0], T0 + 6000), ERR_CONFLICT);
}

static void given_up_is_kept(void **state)
{
    struct kit *k = *state;
    struct store_counts n;
    unsigned tries;
    callback_made(k, T0);
    int64_t id = kit_callbacks(k, T0, NULL).id[0];
    assert_int_equal(store_callback_begin(k->store, id, "body", T0, &tries), OK);
    assert_int_equal(store_callback_failed(k->store, id, 0, "ten times", T0), OK);
    assert_int_equal(kit_callbacks(k, T0 + CLK_DAY_MS, NULL).n, 0);
    assert_int_equal(store_callback_begin(k->store, id, "body", T0, &tries), ERR_CONFLICT);
    assert_int_equal(store_counts(k->reader, &n), OK);
    assert_int_equal(n.callbacks_failed, 1);
    assert_int_equal(n.callbacks_pending, 0);
    assert_int_equal(
        kit_sql(k, "SELECT count(*) FROM outbox WHERE body='body' AND error='ten times'"), 1);
}

/* Killed after begin and before the answer was stored: posted again at once, the count goes on. */
static void tries_survive_a_restart(void **state)
{
    struct kit *k = *state;
    unsigned tries;
    callback_made(k, T0);
    for (unsigned i = 1; i <= 3; i++) {
        struct kit_callbacks cb = kit_callbacks(k, T0 + i, NULL);
        assert_int_equal(cb.n, 1);
        assert_int_equal(store_callback_begin(k->store, cb.id[0], "body", T0 + i, &tries), OK);
        assert_int_equal(tries, i);
        kit_close(k);
        kit_open(k, T0 + i + 1);
    }
    assert_string_equal(kit_callbacks(k, T0 + 9, NULL).body, "body");
}

static void oldest_first_and_no_more_than_asked(void **state)
{
    struct kit *k = *state;
    struct kit_callbacks s;
    int64_t next = 0;
    for (int i = 0; i < 5; i++)
        callback_made(k, T0 + i);
    memset(&s, 0, sizeof s);
    assert_int_equal(store_callback_due(k->reader, T0 + 10, 3, kit_copy_callback, &s, &next), OK);
    assert_int_equal(s.n, 3);
    assert_true(s.id[0] < s.id[1] && s.id[1] < s.id[2]);
    assert_int_equal(next, T0 + 3);
    memset(&s, 0, sizeof s);
    assert_int_equal(store_callback_due(k->reader, T0 + 2, 64, kit_copy_callback, &s, &next), OK);
    assert_int_equal(s.n, 3);
    assert_int_equal(next, T0 + 3);
}

static void hint(void *ctx)
{
    ++*(unsigned *)ctx;
}

static void hints_come_after_the_commit(void **state)
{
    struct kit *k = *state;
    unsigned parts = 0;
    struct store_new_message m = kit_message(k, "+811");
    store_on_due(k->store, hint, NULL, &parts);
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(parts, 1);
    unsigned callbacks = 0;
    store_on_due(k->store, NULL, hint, &callbacks);
    callback_made(k, T0);
    assert_int_equal(callbacks, 1);
    store_on_due(k->store, NULL, NULL, NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_callback_from_due_to_done), T(given_up_is_kept),
        T(tries_survive_a_restart),     T(oldest_first_and_no_more_than_asked),
        T(hints_come_after_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
