/* Everybody at once, as in the daemon: HTTP, eight modems, redirects, the callback thread, ticks
 * and readers. In the end every message is accounted for.  Meant for the thread sanitizer as
 * well. */
#include <stdatomic.h>

#include "store_kit.h"

#define MODEMS   8
#define CLIENTS  4
#define READERS  2
#define MESSAGES 400 /* a client */

static struct kit *kit;
static atomic_uint accepted, delivered, clicked, posted, seen;
static atomic_bool all_accepted, over;

static void *client(void *ctx)
{
    unsigned me = *(unsigned *)ctx;
    for (unsigned i = 0; i < MESSAGES; i++) {
        char slug[16], recipient[20];
        struct kit_wait w = KIT_WAIT;
        struct store_new_message m = {.sender = "S",
                                      .text = "test",
                                      .tags = "[]",
                                      .callbackurl = "http://127.0.0.1/cb",
                                      .lt_callbackurl = "http://127.0.0.1/lt",
                                      .due_ms = T0,
                                      .valid_until_ms = T0 + CLK_DAY_MS,
                                      .parts = 1,
                                      .priority = (uint8_t)(i % 10)};
        (void)snprintf(m.msgid, sizeof m.msgid, "%02u%06uabcdefghijklmnopqrstuvwx", me, i);
        (void)snprintf(slug, sizeof slug, "s%ux%u", me, i);
        (void)snprintf(recipient, sizeof recipient, "+8180%02u%06u", me, i);
        m.slug = m.shortlink = slug;
        m.recipient = recipient;
        m.link = m.destination = "http://a.example/";
        m.link_expires_ms = T0 + 90 * CLK_DAY_MS;
        struct store_accept a = {
            .account = ACCOUNT, .url_base = "", .now_ms = T0, .messages = &m, .count = 1};
        store_accept(kit->store, &a, kit_done, &w);
        if (kit_wait(&w, 1) == OK)
            atomic_fetch_add(&accepted, 1);
    }
    return NULL;
}

static void *modem(void *ctx)
{
    char name[16];
    unsigned mr = 0;
    (void)snprintf(name, sizeof name, "gsm%u", *(unsigned *)ctx);
    for (;;) {
        bool last = atomic_load(&all_accepted);
        struct store_claim c = {.modem = name, .iccid = name, .now_ms = T0};
        enum err e = store_part_claim(kit->store, &c, NULL);
        if (e == ERR_EMPTY && last)
            return NULL;
        while (!e && c.job.part) {
            struct store_claim next = {.modem = name, .iccid = name, .now_ms = T0};
            struct sms_report rep = {.mr = (uint8_t)mr, .scts_ms = T0, .discharge_ms = T0};
            uint64_t part = 0;
            e = store_part_sent(kit->store, c.job.part, name, name, (int)(mr++ % 256), T0, &next);
            memcpy(rep.recipient, c.job.submit.recipient, sizeof rep.recipient);
            if (!e && !store_report(kit->store, name, name, &rep, T0, &part) && part == c.job.part)
                atomic_fetch_add(&delivered, 1);
            c = next;
        }
    }
}

static void clicked_once(void *ctx, enum err e)
{
    (void)ctx;
    if (!e)
        atomic_fetch_add(&clicked, 1);
}

static void *visitor(void *ctx)
{
    struct store_reader *r;
    (void)ctx;
    if (store_reader_open(kit->store, &r))
        return NULL;
    for (unsigned i = 0; i < CLIENTS * MESSAGES && !atomic_load(&over);) {
        struct store_link l;
        char slug[16];
        (void)snprintf(slug, sizeof slug, "s%ux%u", i % CLIENTS, i / CLIENTS);
        if (store_link_get(r, slug, &l) == OK) {
            store_click(kit->store, l.id, T0, NULL, clicked_once, NULL);
            i++;
        }
    }
    store_reader_close(r);
    return NULL;
}

static enum err post(void *ctx, const struct store_callback *c)
{
    int64_t *ids = ctx;
    ids[++ids[0]] = c->id;
    return OK;
}

static void *poster(void *ctx)
{
    struct store_reader *r;
    (void)ctx;
    if (store_reader_open(kit->store, &r))
        return NULL;
    while (atomic_load(&posted) < 2 * CLIENTS * MESSAGES && !atomic_load(&over)) {
        int64_t ids[33] = {0}, next;
        unsigned tries;
        if (store_callback_due(r, T0, 32, post, ids, &next))
            break;
        for (int64_t i = 1; i <= ids[0]; i++)
            if (!store_callback_begin(kit->store, ids[i], "{}", T0, &tries) &&
                !store_callback_done(kit->store, ids[i], T0))
                atomic_fetch_add(&posted, 1);
    }
    store_reader_close(r);
    return NULL;
}

static enum err count_row(void *ctx, const struct store_message *m)
{
    (void)ctx;
    atomic_fetch_add(&seen, m->msgid != NULL);
    return OK;
}

static void *reader(void *ctx)
{
    struct store_reader *r;
    struct store_counts n;
    const struct store_message_query q = {
        .account = ACCOUNT, .accepted_before_ms = INT64_MAX, .state = -1, .limit = 50};
    (void)ctx;
    if (store_reader_open(kit->store, &r))
        return NULL;
    while (!atomic_load(&over)) {
        (void)!store_message_list(r, &q, count_row, NULL);
        (void)!store_counts(r, &n);
        (void)store_health(kit->store);
        kit_pause(1);
    }
    store_reader_close(r);
    return NULL;
}

static void *ticker(void *ctx)
{
    const struct store_policy policy = {true, 600000, CLK_DAY_MS, 400 * CLK_DAY_MS, NULL};
    (void)ctx;
    while (!atomic_load(&over)) {
        (void)!store_tick(kit->store, &policy, T0);
        kit_pause(2);
    }
    return NULL;
}

static atomic_uint hints;
static void hint(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&hints, 1);
}

static void everybody_at_once(void **state)
{
    static unsigned number[MODEMS];
    pthread_t clients[CLIENTS], modems[MODEMS], visits, posts, readers[READERS], ticks;
    struct store_counts n;
    kit = *state;
    store_on_due(kit->store, hint, hint, NULL);
    for (unsigned i = 0; i < MODEMS; i++) {
        number[i] = i;
        assert_int_equal(pthread_create(&modems[i], NULL, modem, &number[i]), 0);
    }
    for (unsigned i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, reader, NULL), 0);
    assert_int_equal(pthread_create(&ticks, NULL, ticker, NULL), 0);
    assert_int_equal(pthread_create(&posts, NULL, poster, NULL), 0);
    assert_int_equal(pthread_create(&visits, NULL, visitor, NULL), 0);
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&clients[i], NULL, client, &number[i]), 0);
    for (unsigned i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);
    atomic_store(&all_accepted, true);
    for (unsigned i = 0; i < MODEMS; i++)
        pthread_join(modems[i], NULL);
    pthread_join(visits, NULL);
    pthread_join(posts, NULL);
    atomic_store(&over, true);
    pthread_join(ticks, NULL);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);

    assert_int_equal(atomic_load(&accepted), CLIENTS * MESSAGES);
    assert_int_equal(atomic_load(&delivered), CLIENTS * MESSAGES);
    assert_int_equal(atomic_load(&posted),
                     2 * CLIENTS * MESSAGES); /* a delivery and a click each */
    assert_int_equal(kit_sql(kit, "SELECT count(*) FROM message WHERE state=2"),
                     CLIENTS * MESSAGES);
    assert_int_equal(kit_sql(kit, "SELECT count(*) FROM outbox WHERE state=1 AND tries=1"),
                     2 * CLIENTS * MESSAGES);
    assert_int_equal(kit_sql(kit, "SELECT count(*) FROM link WHERE clicks=1"), CLIENTS * MESSAGES);
    assert_int_equal(store_counts(kit->reader, &n), OK);
    assert_int_equal(
        n.queued + n.delivering + n.uncertain + n.callbacks_pending + n.callbacks_failed, 0);
    assert_true(atomic_load(&hints) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everybody_at_once, kit_setup, kit_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
