/* Acceptance, status, lists, cancellation, idempotency: what the API asks of the store. */
#include "store_kit.h"

static void accepted_is_on_disk_and_queued(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = kit_message(k, "+818012345678");
    assert_int_equal(kit_accept(k, &m, T0), OK);
    struct kit_status s = kit_status(k, &m);
    assert_int_equal(s.m.state, STORE_QUEUED);
    assert_string_equal(s.recipient, "+818012345678");
    assert_string_equal(s.url_base, "http://127.0.0.1:8080");
    assert_int_equal(s.m.accepted_ms, T0);
    assert_int_equal(s.m.delivered_ms, 0);
    assert_float_equal(s.m.cost, 1.5, 0);
    assert_false(s.m.tracked);
    assert_string_equal(s.modem, "");
    assert_string_equal(s.error_code, "");
}

static void another_account_sees_nothing(void **state)
{
    struct kit *k = *state;
    struct kit_status s;
    struct store_new_message m = kit_message(k, "+818012345678");
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(store_message_get(k->reader, "other", m.msgid, kit_copy_status, &s),
                     ERR_NOT_FOUND);
    assert_int_equal(store_message_get(k->reader, NULL, m.msgid, kit_copy_status, &s), OK);
    assert_int_equal(store_message_get(k->reader, ACCOUNT, "", kit_copy_status, &s), ERR_NOT_FOUND);
    assert_int_equal(store_message_get(k->reader, ACCOUNT, "00000001", kit_copy_status, &s),
                     ERR_NOT_FOUND);
}

static void a_link_comes_with_its_message(void **state)
{
    struct kit *k = *state;
    struct store_link l;
    struct store_new_message m = kit_message(k, "+818012345678");
    m.slug = "k7qz2m9rtx";
    m.link = "example.com/p";
    m.destination = "http://example.com/p";
    m.shortlink = "https://s.example/k7qz2m9rtx";
    m.link_expires_ms = T0 + 90 * CLK_DAY_MS;
    assert_int_equal(kit_accept(k, &m, T0), OK);
    struct kit_status s = kit_status(k, &m);
    assert_true(s.m.tracked);
    assert_string_equal(s.link, "example.com/p");
    assert_string_equal(s.shortlink, "https://s.example/k7qz2m9rtx");
    assert_int_equal(s.m.accessed_ms, 0);
    assert_int_equal(store_link_get(k->reader, "k7qz2m9rtx", &l), OK);
    assert_string_equal(l.destination, "http://example.com/p");
    assert_int_equal(l.expires_ms, T0 + 90 * CLK_DAY_MS);
    assert_int_equal(l.sending_ms, 0);
    assert_false(l.erased);
    assert_int_equal(store_link_get(k->reader, "0000000000", &l), ERR_NOT_FOUND);

    struct store_new_message twin = kit_message(k, "+818012345678");
    twin.slug = "k7qz2m9rtx";
    twin.link = twin.destination = "http://b.example/";
    twin.shortlink = "x";
    assert_int_equal(kit_accept(k, &twin, T0), ERR_BUSY);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 1);
}

static struct store_accept request(struct store_new_message *m, size_t n)
{
    return (struct store_accept){.account = ACCOUNT,
                                 .url_base = "http://h",
                                 .now_ms = T0,
                                 .idempotency_key = "key-1",
                                 .fingerprint = "ab",
                                 .messages = m,
                                 .count = n};
}

static enum err accept_request(struct kit *k, struct store_accept *a)
{
    struct kit_wait w = KIT_WAIT;
    store_accept(k->store, a, kit_done, &w);
    return kit_wait(&w, 1);
}

static void the_same_key_answers_the_same_msgids(void **state)
{
    struct kit *k = *state;
    struct store_new_message first[2] = {kit_message(k, "+811"), kit_message(k, "+812")};
    struct store_new_message again[2] = {kit_message(k, "+811"), kit_message(k, "+812")};
    struct store_accept a = request(first, 2);
    assert_int_equal(accept_request(k, &a), OK);
    assert_false(a.replayed);

    struct store_accept b = request(again, 2);
    assert_int_equal(accept_request(k, &b), OK);
    assert_true(b.replayed);
    assert_string_equal(again[0].msgid, first[0].msgid);
    assert_string_equal(again[1].msgid, first[1].msgid);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 2);

    b.fingerprint = "cd";
    assert_int_equal(accept_request(k, &b), ERR_CONFLICT);
    b.account = "other"; /* another account's keys are its own */
    again[0] = kit_message(k, "+811");
    again[1] = kit_message(k, "+812");
    assert_int_equal(accept_request(k, &b), OK);
    assert_false(b.replayed);
}

static void a_key_is_forgotten_after_a_day(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = kit_message(k, "+811"), n = kit_message(k, "+811");
    struct store_accept a = request(&m, 1), b = request(&n, 1);
    assert_int_equal(accept_request(k, &a), OK);
    b.now_ms = T0 + CLK_DAY_MS;
    b.fingerprint = "other";
    assert_int_equal(accept_request(k, &b), OK);
    assert_false(b.replayed);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 2);
}

static void all_or_none(void **state)
{
    struct kit *k = *state;
    struct store_new_message m[3] = {kit_message(k, "+811"), kit_message(k, "+812"),
                                     kit_message(k, "+813")};
    for (int i = 1; i < 3; i++) { /* the same slug twice in one request */
        m[i].slug = "same";
        m[i].link = m[i].destination = "http://a.example/";
        m[i].shortlink = "http://s/same";
    }
    struct store_accept a = request(m, 3);
    assert_int_equal(accept_request(k, &a), ERR_BUSY);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 0);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM part"), 0);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM link"), 0);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM idempotency"), 0);
    assert_int_equal(store_health(k->store), OK); /* nobody's illness */
}

static void opted_out_numbers_are_refused(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = kit_message(k, "+818012345678");
    kit_sql(k, "INSERT INTO opt_out VALUES(2345678, '+818012345678', 1)");
    assert_int_equal(kit_accept(k, &m, T0), ERR_DENIED);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM message"), 0);
}

/* ---- lists ---- */

struct seen {
    int64_t id[200];
    int64_t accepted[200];
    unsigned n;
};

static enum err see(void *ctx, const struct store_message *m)
{
    struct seen *s = ctx;
    assert_true(s->n < 200);
    s->id[s->n] = m->id;
    s->accepted[s->n++] = m->accepted_ms;
    return OK;
}

static struct seen list(struct kit *k, struct store_message_query q)
{
    struct seen s = {.n = 0};
    q.account = q.account ? q.account : ACCOUNT;
    assert_int_equal(store_message_list(k->reader, &q, see, &s), OK);
    return s;
}

static const struct store_message_query all = {.accepted_before_ms = INT64_MAX, .state = -1};

static void lists_are_newest_first_and_paged(void **state)
{
    struct kit *k = *state;
    int64_t cursor = 0, last = INT64_MAX;
    unsigned total = 0;
    for (int i = 0; i < 100; i++) { /* four share a millisecond */
        struct store_new_message m = kit_message(k, "+811");
        assert_int_equal(kit_accept(k, &m, T0 + i / 4), OK);
    }
    for (;;) {
        struct store_message_query q = all;
        q.limit = 7;
        q.before_id = cursor;
        struct seen s = list(k, q);
        for (unsigned i = 0; i < s.n; i++) {
            assert_true(s.id[i] < last);
            last = s.id[i];
        }
        total += s.n;
        if (!s.n)
            break;
        cursor = s.id[s.n - 1];
    }
    assert_int_equal(total, 100);
}

static void lists_by_time_account_state_recipient_tag(void **state)
{
    struct kit *k = *state;
    struct store_new_message a = kit_message(k, "+811"), b = kit_message(k, "+812"),
                             c = kit_message(k, "+811");
    a.tags = "[\"x\",\"it's\"]";
    b.tags = "[\"xy\"]";
    assert_int_equal(kit_accept(k, &a, T0), OK);
    assert_int_equal(kit_accept(k, &b, T0 + CLK_DAY_MS), OK);
    assert_int_equal(kit_accept(k, &c, T0 + 2 * CLK_DAY_MS), OK);
    struct store_message_query q = all;
    assert_int_equal(list(k, q).n, 3);
    q.accepted_from_ms = T0 + CLK_DAY_MS;
    assert_int_equal(list(k, q).n, 2);
    q.accepted_before_ms = T0 + 2 * CLK_DAY_MS; /* [from, before) */
    assert_int_equal(list(k, q).n, 1);
    q = all;
    q.recipient = "+811";
    assert_int_equal(list(k, q).n, 2);
    q = all;
    q.tag = "x";
    assert_int_equal(list(k, q).n, 1);
    q.tag = "it's";
    assert_int_equal(list(k, q).n, 1);
    q = all;
    q.state = STORE_QUEUED;
    assert_int_equal(list(k, q).n, 3);
    q.state = STORE_FAIL;
    assert_int_equal(list(k, q).n, 0);
    q = all;
    q.account = "other";
    assert_int_equal(list(k, q).n, 0);
}

static enum err refuse(void *ctx, const struct store_message *m)
{
    (void)ctx, (void)m;
    return ERR_FULL;
}

static void a_reader_that_stops_leaves_no_transaction(void **state)
{
    struct kit *k = *state;
    struct store_new_message m = kit_message(k, "+811");
    assert_int_equal(kit_accept(k, &m, T0), OK);
    struct store_message_query q = all;
    q.account = ACCOUNT;
    assert_int_equal(store_message_list(k->reader, &q, refuse, NULL), ERR_FULL);
    assert_int_equal(kit_sql(k, "PRAGMA wal_checkpoint(TRUNCATE)"), 0); /* not busy: nobody reads */
}

/* ---- cancellation ---- */

static enum err cancel(struct kit *k, const char *account, const char *msgid, int64_t now_ms)
{
    struct kit_wait w = KIT_WAIT;
    store_cancel(k->store, account, msgid, now_ms, kit_done, &w);
    return kit_wait(&w, 1);
}

static void cancelled_before_a_modem_has_it(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_new_message m = kit_message(k, "+818012345678");
    m.callbackurl = "http://127.0.0.1/cb";
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(cancel(k, "other", m.msgid, T0), ERR_NOT_FOUND);
    assert_int_equal(cancel(k, ACCOUNT, "nope", T0), ERR_NOT_FOUND);
    assert_int_equal(cancel(k, ACCOUNT, m.msgid, T0 + 5), OK);
    struct kit_status s = kit_status(k, &m);
    assert_int_equal(s.m.state, STORE_FAIL);
    assert_string_equal(s.error_code, "cancelled");
    assert_int_equal(kit_claim(k, "gsm1", T0 + 10, &c), ERR_EMPTY);
    assert_int_equal(cancel(k, ACCOUNT, m.msgid, T0 + 6), ERR_CONFLICT);
    struct kit_callbacks cb = kit_callbacks(k, T0 + 10, NULL);
    assert_int_equal(cb.n, 1);
    assert_int_equal(cb.kind[0], STORE_CALLBACK_DELIVERY);
    assert_string_equal(cb.url, "http://127.0.0.1/cb");
    assert_string_equal(cb.msgid, m.msgid);
    assert_string_equal(cb.account, ACCOUNT);
}

static void not_cancelled_once_a_modem_has_it(void **state)
{
    struct kit *k = *state;
    struct store_claim c;
    struct store_new_message m = kit_message(k, "+818012345678");
    assert_int_equal(kit_accept(k, &m, T0), OK);
    assert_int_equal(kit_claim(k, "gsm1", T0, &c), OK);
    assert_int_equal(cancel(k, ACCOUNT, m.msgid, T0 + 5), ERR_CONFLICT);
    assert_int_equal(
        store_part_failed(k->store, c.job.part, STORE_VERDICT_BACK, "gsm1", "", "", 0, T0 + 6), OK);
    assert_int_equal(cancel(k, ACCOUNT, m.msgid, T0 + 7), OK); /* it gave it back, untouched */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(accepted_is_on_disk_and_queued, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(another_account_sees_nothing, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(a_link_comes_with_its_message, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(the_same_key_answers_the_same_msgids, kit_setup,
                                        kit_teardown),
        cmocka_unit_test_setup_teardown(a_key_is_forgotten_after_a_day, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(all_or_none, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(opted_out_numbers_are_refused, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(lists_are_newest_first_and_paged, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(lists_by_time_account_state_recipient_tag, kit_setup,
                                        kit_teardown),
        cmocka_unit_test_setup_teardown(a_reader_that_stops_leaves_no_transaction, kit_setup,
                                        kit_teardown),
        cmocka_unit_test_setup_teardown(cancelled_before_a_modem_has_it, kit_setup, kit_teardown),
        cmocka_unit_test_setup_teardown(not_cancelled_once_a_modem_has_it, kit_setup, kit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
