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

struct listed {
    unsigned n;
    int64_t id[8];
    char error[40], msgid[40];
    unsigned tries;
    int64_t made_ms;
};

static enum err list_failed(void *ctx, const struct store_callback *c)
{
    struct listed *l = ctx;
    assert_true(l->n < 8);
    l->id[l->n++] = c->id;
    l->tries = c->tries;
    l->made_ms = c->made_ms;
    (void)snprintf(l->error, sizeof l->error, "%s", c->error);
    (void)snprintf(l->msgid, sizeof l->msgid, "%s", c->msgid);
    return OK;
}

static struct listed failed_ones(struct kit *k, int64_t before_id, size_t limit)
{
    struct listed l = {0};
    const struct store_failed_query q = {before_id, limit};
    assert_int_equal(store_callback_failed_list(k->reader, &q, list_failed, &l), OK);
    return l;
}

static int64_t callback_given_up(struct kit *k, int64_t now_ms)
{
    unsigned tries;
    callback_made(k, now_ms);
    int64_t id = kit_callbacks(k, now_ms, NULL).id[0];
    assert_int_equal(store_callback_begin(k->store, id, "body", now_ms, &tries), OK);
    assert_int_equal(store_callback_failed(k->store, id, 0, "HTTP 500", now_ms + 10), OK);
    return id;
}

static enum err retry(struct kit *k, int64_t id, int64_t now_ms)
{
    struct kit_wait w = KIT_WAIT;
    store_callback_retry(k->store, id, now_ms, kit_done, &w);
    return kit_wait(&w, 1);
}

static void given_up_ones_are_listed_newest_first(void **state)
{
    struct kit *k = *state;
    int64_t a = callback_given_up(k, T0), b = callback_given_up(k, T0 + 1000),
            c = callback_given_up(k, T0 + 1000);
    callback_made(k, T0 + 2000); /* due, not given up */
    struct listed l = failed_ones(k, 0, 0);
    assert_int_equal(l.n, 3);
    assert_int_equal(l.id[0], c);
    assert_int_equal(l.id[1], b);
    assert_int_equal(l.id[2], a);
    assert_int_equal(l.tries, 1);
    assert_int_equal(l.made_ms, T0);
    assert_string_equal(l.error, "HTTP 500");
    assert_int_equal(strlen(l.msgid), STORE_MSGID_LEN);
    l = failed_ones(k, c, 1);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.id[0], b);
    assert_int_equal(failed_ones(k, a, 1).n, 0);
}

static void given_up_and_asked_for_again(void **state)
{
    struct kit *k = *state;
    unsigned tries = 9;
    int64_t id = callback_given_up(k, T0);
    assert_int_equal(retry(k, id + 1, T0 + 5000), ERR_NOT_FOUND);
    assert_int_equal(retry(k, -1, T0 + 5000), ERR_NOT_FOUND);
    assert_int_equal(retry(k, id, T0 + 5000), OK);
    assert_int_equal(retry(k, id, T0 + 5000), ERR_CONFLICT);
    assert_int_equal(failed_ones(k, 0, 0).n, 0);
    struct kit_callbacks cb = kit_callbacks(k, T0 + 5000, NULL);
    assert_int_equal(cb.n, 1);
    assert_int_equal(cb.id[0], id);
    assert_int_equal(cb.tries[0], 0); /* so: as many tries as a new one */
    assert_string_equal(cb.body, "body");
    assert_int_equal(store_callback_begin(k->store, id, "other", T0 + 5000, &tries), OK);
    assert_int_equal(tries, 1);
    assert_int_equal(store_callback_done(k->store, id, T0 + 5100), OK);
    assert_int_equal(retry(k, id, T0 + 6000), ERR_CONFLICT);
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
        T(a_callback_from_due_to_done),
        T(given_up_is_kept),
        T(given_up_ones_are_listed_newest_first),
        T(given_up_and_asked_for_again),
        T(tries_survive_a_restart),
        T(oldest_first_and_no_more_than_asked),
        T(hints_come_after_the_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
