/* at_pdu_test.c - prompt and PDU, a wire that fails, and the way back to a line that can be trusted. */
#include "at_kit.h"

/* ---- a PDU ---- */

static void test_pdu(void **state)
{
    static const char *const prompts[] = {"\r\n> ", ">\r\n", "\r\n>", "AT+CMGS=13\r\r\n>\r\n",
                                          "\r\n^RSSI:9\r\nNO CARRIER\r\n\r\n> "};
    static const char *const answers[] = {
        "\r\n+CMGS: 41\r\n\r\nOK\r\n",
        PDU "\x1a\r\n+CMGS: 41\r\nOK\r\n",
        "\r\nRING\r\n\r\nNO CARRIER\r\n+CMGS: 41\r\n\r\n+CDS: 25\r\n" CDS_PDU "\r\n\r\nOK\r\n",
        "+CMGSX: 40\r\n+CMGS: 41\r\n> \r\nOK\r\n",
    };
    struct scene s;
    struct at_reply r;
    (void)state;
    for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++) {
        for (size_t k = 0; k < sizeof answers / sizeof *answers; k++) {
            const struct step steps[] = {
                {"AT+CMGS=13\r", prompts[i]}, {PDU "\x1a", answers[k]}, {0}};
            FOR_EACH_CUT(s)
            {
                bool committed = false;
                scene_start(&s, CUT_NOW, steps, false);
                assert_int_equal(at_command_pdu(s.at, &r, LONG_MS, LONG_MS, "+CMGS", "AT+CMGS=13",
                                                PDU, &committed),
                                 OK);
                assert_true(committed);
                assert_int_equal(r.final, AT_OK);
                assert_int_equal(r.lines, 1);
                expect_line(&r, 0, "+CMGS: 41");
                if (k == 2)
                    assert_non_null(strstr(s.heard, "+CDS: 25(" CDS_PDU ")|"));
                scene_end(&s, "");
            }
        }
    }
}

static void test_pdu_refused(void **state)
{
    static const struct step before[] = {{"AT+CMGS=13\r", "\r\n+CMS ERROR: 38\r\n"}, {0}};
    static const struct step after[] = {
        {"AT+CMGS=13\r", "\r\n> "}, {PDU "\x1a", "\r\n+CMS ERROR: 38\r\n"}, {0}};
    static const struct step *const scripts[] = {before, after};
    struct scene s;
    struct at_reply r;
    (void)state;
    for (int i = 0; i < 2; i++) {
        FOR_EACH_CUT(s)
        {
            bool committed = i == 0;
            scene_start(&s, CUT_NOW, scripts[i], false);
            assert_int_equal(
                at_command_pdu(s.at, &r, LONG_MS, LONG_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
                OK);
            assert_int_equal(committed, i == 1);
            assert_true(r.final == AT_CMS_ERROR && r.code == 38);
            assert_false(at_poisoned(s.at));
            scene_end(&s, "");
        }
    }
}

static void test_no_prompt(void **state)
{
    static const struct step steps[] = {{"AT+CMGS=13\r", "\r\nRING\r\n>text\r\n"}, {0}};
    struct scene s;
    (void)state;
    FOR_EACH_CUT(s)
    {
        bool committed = true;
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(
            at_command_pdu(s.at, NULL, SHORT_MS, LONG_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
            ERR_TIMEOUT);
        assert_false(committed);
        assert_true(at_poisoned(s.at));
        assert_string_equal(s.heard, "RING|>text|");
        scene_end(&s, "\x1b");
    }
}

/* Nothing more is written: any byte may abort the +CMGS that is under way. */
static void test_silence_after_the_pdu(void **state)
{
    static const struct step steps[] = {{"AT+CMGS=13\r", "\r\n> "}, {PDU "\x1a", NULL}, {0}};
    static const struct step late[] = {{NULL, "\r\n+CMGS: 41\r\n\r\nOK\r\n"}, {0}};
    struct scene s;
    (void)state;
    FOR_EACH_CUT(s)
    {
        bool committed = false;
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(
            at_command_pdu(s.at, NULL, LONG_MS, SHORT_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
            ERR_TIMEOUT);
        assert_true(committed);
        assert_true(at_poisoned(s.at));
        scene_join(&s);
        s.steps = late;
        assert_int_equal(pthread_create(&s.thread, NULL, peer_main, &s), 0);
        s.running = true;
        while (!strstr(s.heard, "OK|"))
            assert_int_equal(at_idle(s.at, LONG_MS), OK);
        assert_string_equal(s.heard, "+CMGS: 41|OK|");
        assert_true(at_poisoned(s.at));
        scene_end(&s, "");
    }
}

/* "+CMGS: 41", and then nothing or an unplug: the line is not lost with the command. */
static void test_answer_without_its_final(void **state)
{
    static const struct step steps[] = {
        {"AT+CMGS=13\r", "\r\n> "}, {PDU "\x1a", "\r\n+CMGS: 41\r\n"}, {0}};
    struct scene s;
    (void)state;
    for (int hang_up = 0; hang_up < 2; hang_up++) {
        FOR_EACH_CUT(s)
        {
            bool committed = false;
            scene_start(&s, CUT_NOW, steps, hang_up);
            enum err e = at_command_pdu(s.at, NULL, LONG_MS, SHORT_MS, "+CMGS", "AT+CMGS=13", PDU,
                                        &committed);
            assert_int_equal(e, hang_up ? ERR_CLOSED : ERR_TIMEOUT);
            assert_true(committed);
            /* A pty that is closed may take its last bytes with it. */
            if (CUT_NOW != PTY || !hang_up)
                assert_string_equal(s.heard, "+CMGS: 41|");
            scene_end(&s, "");
        }
    }
}

/* ---- the wire fails ---- */

static void test_hang_up(void **state)
{
    static const struct step at_once[] = {{0}};
    static const struct step in_answer[] = {{"AT+CMGS=13\r", "\r\nRING\r\n+CM"}, {0}};
    static const struct step behind_prompt[] = {
        {"AT+CMGS=13\r", "\r\n> "}, {PDU "\x1a", "\r\n+CM"}, {0}};
    static const struct {
        const struct step *steps;
        bool committed;
    } rows[] = {{at_once, false}, {in_answer, false}, {behind_prompt, true}};
    struct scene s;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        FOR_EACH_CUT(s)
        {
            bool committed = !rows[i].committed;
            scene_start(&s, CUT_NOW, rows[i].steps, true);
            if (i == 0)
                scene_join(&s);
            assert_int_equal(at_command_pdu(s.at, NULL, LONG_MS, LONG_MS, "+CMGS", "AT+CMGS=13",
                                            PDU, &committed),
                             ERR_CLOSED);
            assert_int_equal(committed, rows[i].committed);
            assert_int_equal(at_idle(s.at, LONG_MS), ERR_CLOSED);
            assert_int_equal(at_resync(s.at, LONG_MS), ERR_CLOSED);
            assert_int_equal(at_command(s.at, NULL, LONG_MS, NULL, "AT"), ERR_CLOSED);
            scene_end(&s, "");
        }
    }
}

static void fill_up(struct scene *s, const char *line)
{
    char junk[512];
    memset(junk, 'j', sizeof junk);
    if (strcmp(line, "^FILL:1") == 0)
        while (write(s->near, junk, sizeof junk) > 0)
            ;
}

/* The modem takes nothing: not one byte of the PDU can have gone out. */
static void test_nothing_is_taken(void **state)
{
    static const struct step steps[] = {{"AT+CMGS=13\r", "^FILL:1\r\n> "}, {0}};
    struct scene s;
    bool committed = true;
    char got[512];
    (void)state;
    scene_start(&s, WHOLE, steps, false);
    s.on_line = fill_up;
    int64_t start = clk_mono_ms();
    assert_int_equal(
        at_command_pdu(s.at, NULL, LONG_MS, SHORT_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
        ERR_TIMEOUT);
    assert_in_range(clk_mono_ms() - start, SHORT_MS - 2, LONG_MS);
    assert_false(committed);
    assert_true(at_poisoned(s.at));
    scene_join(&s);
    assert_int_equal(fcntl(s.far, F_SETFL, O_NONBLOCK), 0);
    for (ssize_t n; (n = read(s.far, got, sizeof got)) > 0;)
        assert_int_equal(got[0], 'j');
    scene_end(&s, "");
}

static void *drain_main(void *arg)
{
    struct scene *s = arg;
    char got[512];
    for (ssize_t n = 512; n == 512;)
        n = read(s->far, got, sizeof got); /* the junk, up to the command */
    s->failure = memcmp(got, "AT+CSQ\r", 7) == 0 ? NULL : "AT+CSQ";
    peer_write(s, "+CSQ: 1,1\r\nOK\r\n");
    return NULL;
}

/* The modem takes nothing for a while: the command waits, and goes out whole. */
static void test_waits_for_room(void **state)
{
    static const struct step nothing[] = {{0}};
    struct scene s;
    struct at_reply r;
    (void)state;
    scene_start(&s, WHOLE, nothing, false);
    scene_join(&s);
    fill_up(&s, "^FILL:1");
    assert_int_equal(pthread_create(&s.thread, NULL, drain_main, &s), 0);
    s.running = true;
    assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
    expect_line(&r, 0, "+CSQ: 1,1");
    scene_end(&s, "");
}

/* ---- resynchronisation ---- */

static void test_resync(void **state)
{
    static const struct step clean[] = {
        {"\x1b", NULL}, {"AT\r", "\r\nOK\r\n"}, {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"}, {0}};
    static const struct step echo[] = {
        {"\x1b", "\x1b"}, {"AT\r", "AT\r\r\nOK\r\n"}, {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"}, {0}};
    /* The answer of before comes while we ask: its OK is not ours. */
    static const struct step late[] = {{"\x1b", NULL},
                                       {"AT\r", "\r\n+CMGS: 41\r\n\r\nOK\r\n\r\nOK\r\n"},
                                       {"AT\r", "\r\nOK\r\n"},
                                       {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"},
                                       {0}};
    static const struct step late_error[] = {{"\x1b", "\r\n+CMS ERROR: 38\r\n"},
                                             {"AT\r", "\r\nOK\r\n"},
                                             {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"},
                                             {0}};
    static const struct step later_error[] = {{"\x1b", NULL},
                                              {"AT\r", "\r\n+CMS ERROR: 38\r\n\r\nOK\r\n"},
                                              {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"},
                                              {0}};
    /* ESC and AT taken for one command. */
    static const struct step error[] = {{"\x1b"
                                         "AT\r",
                                         "\r\nERROR\r\n"},
                                        {"AT\r", "\r\nOK\r\n"},
                                        {"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"},
                                        {0}};
    static const struct {
        const struct step *steps;
        const char *heard;
    } rows[] = {{clean, ""},
                {echo, ""},
                {late, "+CMGS: 41|"},
                {late_error, "+CMS ERROR: 38|"},
                {later_error, "+CMS ERROR: 38|"},
                {error, ""}};
    struct scene s;
    struct at_reply r;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (enum cut cut = WHOLE; cut <= PTY; cut++) {
            if (cut == CUTS)
                continue;
            if (rows[i].steps == error && cut != PTY)
                continue; /* packets: "\x1b" and "AT\r" come apart */
            scene_start(&s, cut, rows[i].steps, false);
            assert_int_equal(at_resync(s.at, LONG_MS), OK);
            assert_false(at_poisoned(s.at));
            assert_string_equal(s.heard, rows[i].heard);
            assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
            scene_end(&s, "");
        }
    }
}

static void test_resync_fails(void **state)
{
    static const struct step silent[] = {{"\x1b", NULL}, {"AT\r", NULL},     {"AT\r", NULL},
                                         {"\x1b", NULL}, {"ATQ0V1\r", NULL}, {0}};
    struct scene s;
    (void)state;
    scene_start(&s, WHOLE, silent, false);
    int64_t start = clk_mono_ms();
    assert_int_equal(at_resync(s.at, 2400), ERR_TIMEOUT); /* each third has room for a late start */
    assert_in_range(clk_mono_ms() - start, 2380, 2 * LONG_MS);
    scene_end(&s, "");
}

#define SLOW_MS 700

/* A modem that takes its time for each command and keeps those that come meanwhile for later. */
static void *slow_main(void *arg)
{
    struct scene *s = arg;
    char got[256], *end;
    size_t n = 0;
    for (;;) {
        while (!(end = memchr(got, '\r', n))) {
            ssize_t r = read(s->far, got + n, sizeof got - n);
            if (r <= 0)
                return NULL;
            n += (size_t)r;
        }
        bool asked = memmem(got, (size_t)(end - got), "+CSQ", 4) != NULL;
        n -= (size_t)(end + 1 - got);
        memmove(got, end + 1, n);
        poll(NULL, 0, SLOW_MS);
        peer_write(s, asked ? "+CSQ: 7,7\r\nOK\r\n" : "OK\r\n");
    }
}

/* Each of our "AT" is answered, one after another: none of it may be taken for the next command's answer. */
static void test_resync_of_a_slow_modem(void **state)
{
    static const struct step nothing[] = {{0}};
    struct scene s;
    struct at_reply r;
    (void)state;
    for (int late = 0; late < 2; late++) { /* late: so is the answer of a command that we gave up */
        scene_start(&s, PTY, nothing, false);
        scene_join(&s);
        assert_int_equal(pthread_create(&s.thread, NULL, slow_main, &s), 0);
        s.running = true;
        if (late)
            assert_int_equal(at_ok(s.at, &r, SLOW_MS / 2, "+CSQ", "AT+CSQ"), ERR_TIMEOUT);
        assert_int_equal(at_resync(s.at, 1200), OK);
        assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
        assert_int_equal(r.lines, 1);
        expect_line(&r, 0, "+CSQ: 7,7");
        close(s.near); /* the peer's end */
        scene_join(&s);
        s.near = -1;
        scene_end(&s, "");
    }
}

static void *deaf_main(void *arg)
{
    struct scene *s = arg;
    char got[256];
    poll(NULL, 0, SLOW_MS);
    assert_true(read(s->far, got, sizeof got) > 0); /* lost */
    peer_write(s, "\r\nRDY\r\n");
    for (ssize_t n; (n = read(s->far, got, sizeof got)) > 0;)
        if (memchr(got, '\r', (size_t)n))
            peer_write(s, "OK\r\n");
    return NULL;
}

/* One that has just started has lost them: their answers are not waited for. */
static void test_resync_of_a_deaf_modem(void **state)
{
    static const struct step nothing[] = {{0}};
    struct scene s;
    (void)state;
    scene_start(&s, PTY, nothing, false);
    scene_join(&s);
    assert_int_equal(pthread_create(&s.thread, NULL, deaf_main, &s), 0);
    s.running = true;
    int64_t start = clk_mono_ms();
    assert_int_equal(at_resync(s.at, 3 * LONG_MS / 5), OK);
    assert_in_range(clk_mono_ms() - start, SLOW_MS, LONG_MS / 2);
    assert_int_equal(at_ok(s.at, NULL, LONG_MS, NULL, "AT+A"), OK);
    close(s.near);
    scene_join(&s);
    s.near = -1;
    assert_string_equal(s.heard, "RDY|");
    scene_end(&s, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pdu),
        cmocka_unit_test(test_pdu_refused),
        cmocka_unit_test(test_no_prompt),
        cmocka_unit_test(test_silence_after_the_pdu),
        cmocka_unit_test(test_answer_without_its_final),
        cmocka_unit_test(test_hang_up),
        cmocka_unit_test(test_nothing_is_taken),
        cmocka_unit_test(test_waits_for_room),
        cmocka_unit_test(test_resync),
        cmocka_unit_test(test_resync_fails),
        cmocka_unit_test(test_resync_of_a_slow_modem),
        cmocka_unit_test(test_resync_of_a_deaf_modem),
    };
    choose_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
