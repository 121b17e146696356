/* Taps on short links: first, later, a hundred at once. */
#include "store_kit.h"

static struct store_new_message accepted(struct kit *k, const char *slug,
                                         const char *lt_callbackurl)
{
    struct store_new_message m = kit_message(k, "+818012345678");
    m.slug = slug;
    m.link = m.destination = "https://www.xoxzo.com/en/";
    m.shortlink = "https://s.example/x";
    m.link_expires_ms = T0 + 90 * CLK_DAY_MS;
    m.callbackurl = "http://127.0.0.1/delivery";
    m.lt_callbackurl = lt_callbackurl;
    assert_int_equal(kit_accept(k, &m, T0), OK);
    return m;
}

static int64_t link_id(struct kit *k, const char *slug)
{
    struct store_link l;
    assert_int_equal(store_link_get(k->reader, slug, &l), OK);
    return l.id;
}

static void the_first_click_is_recorded_and_called_back(void **state)
{
    struct kit *k = *state;
    struct kit_wait w = KIT_WAIT;
    struct store_link l;
    bool first = false;
    struct store_new_message m = accepted(k, "slug", "http://127.0.0.1/click");
    store_click(k->store, link_id(k, "slug"), T0 + 7000, &first, kit_done, &w);
    assert_int_equal(kit_wait(&w, 1), OK);
    assert_true(first);
    struct kit_status s = kit_status(k, &m);
    assert_int_equal(s.m.accessed_ms, T0 + 7000);
    assert_int_equal(s.m.clicks, 1);
    assert_string_equal(s.link, "https://www.xoxzo.com/en/");
    struct kit_callbacks cb = kit_callbacks(k, T0 + 7000, NULL);
    assert_int_equal(cb.n, 1);
    assert_int_equal(cb.kind[0], STORE_CALLBACK_CLICK);
    assert_string_equal(cb.url, "http://127.0.0.1/click");
    assert_string_equal(cb.msgid, m.msgid);

    store_click(k->store, link_id(k, "slug"), T0 + 8000, &first, kit_done, &w);
    assert_int_equal(kit_wait(&w, 2), OK);
    assert_false(first);
    s = kit_status(k, &m);
    assert_int_equal(s.m.accessed_ms, T0 + 7000);
    assert_int_equal(s.m.clicks, 2);
    assert_int_equal(kit_callbacks(k, T0 + 9000, NULL).n, 1);
    assert_int_equal(store_link_get(k->reader, "slug", &l), OK);
    assert_int_equal(l.accessed_ms, T0 + 7000);
    assert_string_equal(l.destination, "https://www.xoxzo.com/en/"); /* kept once, as the link */
}

static void no_callback_without_its_url(void **state)
{
    struct kit *k = *state;
    struct kit_wait w = KIT_WAIT;
    (void)accepted(k, "slug", NULL);
    store_click(k->store, link_id(k, "slug"), T0, NULL, kit_done, &w);
    assert_int_equal(kit_wait(&w, 1), OK);
    assert_int_equal(kit_callbacks(k, T0, NULL).n, 0);
}

static void an_unknown_link_cannot_be_clicked(void **state)
{
    struct kit *k = *state;
    struct kit_wait w = KIT_WAIT;
    bool first = true;
    store_click(k->store, 12345, T0, &first, kit_done, &w);
    assert_int_equal(kit_wait(&w, 1), ERR_NOT_FOUND);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM outbox"), 0);
}

#define TAPPERS 8
#define TAPS    25

struct tapper {
    struct kit *k;
    int64_t link;
    struct kit_wait wait;
    bool first[TAPS];
};

static void *tap(void *ctx)
{
    struct tapper *t = ctx;
    for (int i = 0; i < TAPS; i++)
        store_click(t->k->store, t->link, T0 + i, &t->first[i], kit_done, &t->wait);
    (void)kit_wait(&t->wait, TAPS);
    return NULL;
}

static void two_hundred_first_taps_make_one_first(void **state)
{
    struct kit *k = *state;
    static struct tapper tappers[TAPPERS];
    pthread_t threads[TAPPERS];
    unsigned firsts = 0;
    struct store_new_message m = accepted(k, "slug", "http://127.0.0.1/click");
    for (int i = 0; i < TAPPERS; i++) {
        tappers[i] = (struct tapper){.k = k, .link = link_id(k, "slug"), .wait = KIT_WAIT};
        assert_int_equal(pthread_create(&threads[i], NULL, tap, &tappers[i]), 0);
    }
    for (int i = 0; i < TAPPERS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(tappers[i].wait.ok, TAPS);
        for (int n = 0; n < TAPS; n++)
            firsts += tappers[i].first[n];
    }
    assert_int_equal(firsts, 1);
    assert_int_equal(kit_status(k, &m).m.clicks, TAPPERS * TAPS);
    assert_int_equal(kit_sql(k, "SELECT count(*) FROM outbox"), 1);
}

static void hits_add_up(void **state)
{
    struct kit *k = *state;
    struct kit_wait w = KIT_WAIT;
    struct store_new_message a = accepted(k, "a", NULL), b = accepted(k, "b", NULL);
    const struct store_hit hits[] = {
        {link_id(k, "a"), 3, 1}, {link_id(k, "b"), 0, 5}, {999, 1, 1}, {link_id(k, "a"), 1, 1}};
    store_hits(k->store, hits, 4, kit_done, &w);
    assert_int_equal(kit_wait(&w, 1), OK); /* a link that is gone is no error */
    store_hits(k->store, NULL, 0, kit_done, &w);
    assert_int_equal(kit_wait(&w, 2), OK);
    assert_int_equal(kit_status(k, &a).m.clicks, 4);
    assert_int_equal(kit_status(k, &a).m.bots, 2);
    assert_int_equal(kit_status(k, &b).m.bots, 5);
    assert_int_equal(kit_status(k, &b).m.accessed_ms, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_first_click_is_recorded_and_called_back),
        T(no_callback_without_its_url),
        T(an_unknown_link_cannot_be_clicked),
        T(two_hundred_first_taps_make_one_first),
        T(hits_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
