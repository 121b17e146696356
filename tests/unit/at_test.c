/* at_test.c - commands and their answers, deadlines, what is said between commands, the trace. */
#include "at_kit.h"

/* ---- commands ---- */

static void test_answer_with_prefix(void **state)
{
    static const struct step steps[] = {
        {"AT+CSQ\r", "AT+CSQ\r\r\n^RSSI:17\r\n\r\n+CSQN: 5\r\n+CSQ: 17,99\r\nX+CSQ: 1,1\r\n\r\n"
                     "+CMTI: \"SM\",3\r\n\r\nOK\r\n"},
        {0},
    };
    struct scene s;
    struct at_reply r;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_command(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
        assert_int_equal(r.final, AT_OK);
        assert_int_equal(r.lines, 1);
        expect_line(&r, 0, "+CSQ: 17,99");
        assert_null(at_reply_line(&r, 1));
        assert_false(r.truncated);
        assert_string_equal(s.heard, "^RSSI:17|+CSQN: 5|X+CSQ: 1,1|+CMTI: \"SM\",3|");
        scene_end(&s, "");
    }
}

static void test_answer_without_prefix(void **state)
{
    static const struct step steps[] = {
        {"AT+CGSN\r",
         "\r\n^BOOT:1,0\r\n359000000000001\r\nSMS Ready\r\nRING\r\n+CREG: 1\r\n\r\nOK\r\n"},
        {"AT+CCID\r", "+CCID: 8949\r\nOK\r\n"},
        {"AT+CREG?\r", "\r\n+CREG: 0,1\r\n\r\nOK\r\n"},
        {"AT+CMGF=0\r", "\r\n+CREG: 5\r\nstray\r\nOK\r\n"},
        {0},
    };
    struct scene s;
    struct at_reply r;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_command(s.at, &r, LONG_MS, AT_BARE, "AT+CGSN"), OK);
        assert_int_equal(r.lines, 1);
        expect_line(&r, 0, "359000000000001");
        assert_int_equal(at_ok(s.at, &r, LONG_MS, AT_BARE, "AT+CCID"), OK);
        expect_line(&r, 0, "+CCID: 8949");
        /* Its own name is an answer although modems say it unasked, too. */
        assert_int_equal(at_ok(s.at, &r, LONG_MS, AT_BARE, "AT+CREG?"), OK);
        expect_line(&r, 0, "+CREG: 0,1");
        assert_int_equal(at_ok(s.at, NULL, LONG_MS, NULL, "AT+CMGF=0"), OK);
        assert_string_equal(s.heard, "^BOOT:1,0|SMS Ready|RING|+CREG: 1|+CREG: 5|stray|");
        scene_end(&s, "");
    }
}

static void test_final_results(void **state)
{
    static const struct step steps[] = {
        {"AT+CPIN?\r", "+CME ERROR: 10\r\n"},    {"AT+A\r", "+CMS ERROR: SMS busy\r\n"},
        {"AT+B\r", "COMMAND NOT SUPPORT\r\n"},   {"AT+C\r", "NO CARRIER\r\nERROR\r\n"},
        {"ATD*99#\r", "RING\r\nNO CARRIER\r\n"}, {0},
    };
    struct scene s;
    struct at_reply r;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_command(s.at, &r, LONG_MS, "+CPIN", "AT+CPIN?"), OK);
        assert_true(r.final == AT_CME_ERROR && r.code == 10 && r.lines == 0);
        assert_int_equal(at_ok(s.at, &r, LONG_MS, NULL, "AT+A"), ERR_REFUSED);
        assert_true(r.final == AT_CMS_ERROR && r.code == -1);
        assert_string_equal(r.words, "SMS busy");
        assert_int_equal(at_ok(s.at, NULL, LONG_MS, NULL, "AT+B"), ERR_REFUSED);
        assert_int_equal(at_command(s.at, &r, LONG_MS, NULL, "AT+C"), OK);
        assert_true(r.final == AT_ERROR && r.code == -1 && !*r.words);
        assert_int_equal(at_command(s.at, &r, LONG_MS, NULL, "ATD*99#"), OK);
        assert_int_equal(r.final, AT_CONNECTION);
        assert_string_equal(r.words, "NO CARRIER");
        assert_string_equal(s.heard, "NO CARRIER|RING|");
        assert_false(at_poisoned(s.at));
        scene_end(&s, "");
    }
}

static void test_headers_and_pdus(void **state)
{
    static const struct step steps[] = {
        {"AT+CMGL=4\r", "+CMGL: 1,1,,25\r\n" CDS_PDU "\r\n+CDS: 25\r\n" CDS_PDU
                        "\r\n+CMGL: 2,1,,9\r\n" CDS_PDU "\r\n\r\nOK\r\n"},
        {0},
    };
    struct scene s;
    struct at_reply r;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CMGL", "AT+CMGL=4"), OK);
        assert_int_equal(r.lines, 4);
        expect_line(&r, 0, "+CMGL: 1,1,,25");
        expect_line(&r, 1, CDS_PDU);
        expect_line(&r, 2, "+CMGL: 2,1,,9");
        expect_line(&r, 3, "?" CDS_PDU); /* its PDU was of another length */
        assert_string_equal(s.heard, "+CDS: 25(" CDS_PDU ")|");
        scene_end(&s, "");
    }
}

/* What lies there before the command was sent is no answer to it, nor what follows its final result. */
static void test_results_of_nobody(void **state)
{
    static const struct step before[] = {{NULL, "\r\nOK\r\n\r\nERROR\r\n"}, {0}};
    static const struct step steps[] = {{"AT+CSQ\r", "+CSQ: 1,2\r\nOK\r\nOK\r\n+CMS ERROR: 38\r\n"},
                                        {0}};
    struct scene s;
    struct at_reply r;
    (void)state;
    scene_start(&s, WHOLE, before, false);
    scene_join(&s);
    s.steps = steps;
    assert_int_equal(pthread_create(&s.thread, NULL, peer_main, &s), 0);
    s.running = true;
    assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
    expect_line(&r, 0, "+CSQ: 1,2");
    assert_string_equal(s.heard, "OK|ERROR|");
    assert_int_equal(at_idle(s.at, LONG_MS), OK);
    assert_string_equal(s.heard, "OK|ERROR|OK|+CMS ERROR: 38|");
    scene_end(&s, "");
}

static void test_answer_too_big(void **state)
{
    enum { LINES = 900, WIDTH = 80 };
    static char big[LINES * (WIDTH + 2) + 8];
    static const struct step steps[] = {{"AT+CLAC\r", big}, {"AT\r", "OK\r\n"}, {0}};
    struct scene s;
    struct at_reply r;
    (void)state;
    for (size_t i = 0; i < LINES; i++)
        snprintf(big + i * (WIDTH + 2), WIDTH + 3, "+%0*zu\r\n", WIDTH - 1, i);
    memcpy(big + sizeof big - 9, "\nOK\r\n", 6);
    scene_start(&s, PTY, steps, false);
    assert_int_equal(at_command(s.at, &r, LONG_MS, AT_BARE, "AT+CLAC"), OK);
    assert_true(r.truncated);
    assert_int_equal(r.lines, AT_ANSWER_MAX / (WIDTH + 1));
    assert_int_equal(strlen(at_reply_line(&r, r.lines - 1)), WIDTH);
    assert_int_equal(at_ok(s.at, &r, LONG_MS, NULL, "AT"), OK); /* and the next is not harmed */
    assert_false(r.truncated);
    scene_end(&s, "");
}

static void test_control_characters(void **state)
{
    static const struct step nothing[] = {{0}};
    bool committed = true;
    struct scene s;
    (void)state;
    scene_start(&s, WHOLE, nothing, false);
    assert_int_equal(at_command(s.at, NULL, LONG_MS, NULL, "AT+CSQ\rATD112;"), ERR_SYNTAX);
    assert_int_equal(at_command_pdu(s.at, NULL, LONG_MS, LONG_MS, "+CMGS", "AT+CMGS=1",
                                    "00\x1a"
                                    "00",
                                    &committed),
                     ERR_SYNTAX);
    assert_false(committed);
    scene_end(&s, "");
}

/* ---- deadlines ---- */

struct flood {
    int fd;
    int stop; /* an eventfd */
};

static void *flood_main(void *arg)
{
    static const char chatter[] = "\r\n^RSSI:17\r\n\r\n+CREG: 1\r\n";
    struct flood *f = arg;
    struct pollfd p = {f->stop, POLLIN, 0};
    while (poll(&p, 1, 1) == 0)
        if (write(f->fd, chatter, sizeof chatter - 1) < 0 && errno != EAGAIN)
            break;
    return NULL;
}

static void quiet_line(void *ctx, const char *line, const char *pdu)
{
    (void)line;
    (void)pdu;
    ++*(unsigned *)ctx;
}

static void test_chatter_never_extends(void **state)
{
    unsigned lines = 0;
    const struct at_handler handler = {.unsolicited = quiet_line, .ctx = &lines};
    struct flood f = {.stop = eventfd(0, EFD_CLOEXEC)};
    struct at_reply r;
    struct at *at;
    pthread_t thread;
    int fds[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    f.fd = fds[1];
    assert_int_equal(at_new(fds[0], -1, &handler, &at), OK);
    assert_int_equal(pthread_create(&thread, NULL, flood_main, &f), 0);
    int64_t start = clk_mono_ms();
    assert_int_equal(at_command(at, &r, SHORT_MS, "+CSQ", "AT+CSQ"), ERR_TIMEOUT);
    int64_t took = clk_mono_ms() - start;
    assert_in_range(took, SHORT_MS - 2, SHORT_MS + 1000);
    assert_true(lines > 10);
    assert_true(at_poisoned(at));
    start = clk_mono_ms();
    assert_int_equal(at_resync(at, 600), ERR_TIMEOUT);
    assert_in_range(clk_mono_ms() - start, 590, 1600);
    assert_int_equal(write(f.stop, &(uint64_t){1}, 8), 8);
    pthread_join(thread, NULL);
    at_free(at);
    close(fds[0]);
    close(fds[1]);
    close(f.stop);
}

static void test_timeout_poisons(void **state)
{
    static const struct step steps[] = {{"AT+COPS?\r", "+COPS: 0\r\n"}, {0}};
    struct scene s;
    struct at_reply r = {.lines = 77};
    bool committed;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        int64_t start = clk_mono_ms();
        assert_int_equal(at_command(s.at, &r, SHORT_MS, "+COPS", "AT+COPS?"), ERR_TIMEOUT);
        assert_in_range(clk_mono_ms() - start, SHORT_MS - 2, LONG_MS);
        assert_int_equal(r.lines, 77); /* untouched */
        assert_true(at_poisoned(s.at));
        assert_int_equal(at_command(s.at, &r, LONG_MS, NULL, "AT"), ERR_BUSY);
        assert_int_equal(at_command_pdu(s.at, &r, 1, 1, "+CMGS", "AT+CMGS=1", PDU, &committed),
                         ERR_BUSY);
        assert_false(committed);
        scene_end(&s, "");
    }
}

static void hurry_on_report(struct scene *s, const char *line)
{
    if (strncmp(line, "+CDS", 4) == 0)
        at_hurry(s->at, SHORT_MS);
    at_hurry(s->at, LONG_MS * 10); /* never longer */
}

static void test_hurry(void **state)
{
    static const struct step steps[] = {
        {"AT+CMGS=13\r", "\r\n> "}, {PDU "\x1a", "+CDS: 25\r\n" CDS_PDU "\r\n"}, {0}};
    struct scene s;
    bool committed;
    (void)state;
    scene_start(&s, WHOLE, steps, false);
    s.on_line = hurry_on_report;
    int64_t start = clk_mono_ms();
    assert_int_equal(
        at_command_pdu(s.at, NULL, LONG_MS, 4 * LONG_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
        ERR_TIMEOUT);
    assert_in_range(clk_mono_ms() - start, SHORT_MS - 2, LONG_MS);
    assert_true(committed);
    scene_end(&s, "");
}

static void wait_for_the_disk(struct scene *s, const char *line)
{
    (void)line;
    scene_join(s); /* the peer has written everything meanwhile */
    assert_int_equal(poll(NULL, 0, 2 * SHORT_MS), 0);
}

/* The handler held us up beyond the deadline, and the answer was there in time. */
static void test_slow_handler_loses_no_answer(void **state)
{
    static const struct step steps[] = {{"AT+CMGS=13\r", "\r\n> "},
                                        {PDU "\x1a", "+CDS: 25\r\n" CDS_PDU "\r\n"},
                                        {NULL, "+CMGS: 41\r\nOK\r\n"},
                                        {0}};
    struct scene s;
    struct at_reply r;
    bool committed;
    (void)state;
    scene_start(&s, WHOLE, steps, false);
    s.on_line = wait_for_the_disk;
    assert_int_equal(
        at_command_pdu(s.at, &r, LONG_MS, SHORT_MS, "+CMGS", "AT+CMGS=13", PDU, &committed), OK);
    expect_line(&r, 0, "+CMGS: 41");
    scene_end(&s, "");
}

static void call_back_in(struct scene *s, const char *line)
{
    bool committed;
    (void)line;
    assert_int_equal(at_command(s->at, NULL, 1, NULL, "AT"), ERR_BUSY);
    assert_int_equal(at_command_pdu(s->at, NULL, 1, 1, NULL, "AT", PDU, &committed), ERR_BUSY);
    assert_int_equal(at_resync(s->at, 1), ERR_BUSY);
    assert_int_equal(at_idle(s->at, 1), ERR_BUSY);
}

static void test_no_commands_from_the_handler(void **state)
{
    static const struct step steps[] = {{"AT+CSQ\r", "RING\r\n+CSQ: 1,1\r\nOK\r\n"}, {0}};
    struct scene s;
    struct at_reply r;
    (void)state;
    scene_start(&s, BYTES, steps, false);
    s.on_line = call_back_in;
    assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
    expect_line(&r, 0, "+CSQ: 1,1");
    scene_end(&s, "");
}

/* ---- between commands ---- */

static void test_idle(void **state)
{
    static const struct step steps[] = {{"AT\r", "OK\r\n\r\n+CMTI: \"SM\",1\r\n+CDS: 25\r\n"}, {0}};
    static const struct step more[] = {{NULL, CDS_PDU "\r\n"}, {0}};
    struct scene s;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_ok(s.at, NULL, LONG_MS, NULL, "AT"), OK);
        assert_int_equal(at_idle(s.at, LONG_MS), OK);
        assert_string_equal(s.heard, "+CMTI: \"SM\",1|");
        scene_join(&s);
        int64_t start = clk_mono_ms();
        assert_int_equal(at_idle(s.at, 20), ERR_TIMEOUT);
        assert_in_range(clk_mono_ms() - start, 18, LONG_MS);
        s.steps = more;
        assert_int_equal(pthread_create(&s.thread, NULL, peer_main, &s), 0);
        s.running = true;
        assert_int_equal(at_idle(s.at, LONG_MS), OK);
        assert_string_equal(s.heard, "+CMTI: \"SM\",1|+CDS: 25(" CDS_PDU ")|");
        scene_end(&s, "");
    }
}

static void test_wake(void **state)
{
    static const struct step steps[] = {{"AT+CSQ\r", "+CSQ: 1,1\r\nOK\r\n"}, {0}};
    static const uint64_t one = 1;
    struct scene s;
    struct at_reply r;
    (void)state;
    scene_start(&s, WHOLE, steps, false);
    assert_int_equal(write(s.wake, &one, sizeof one), sizeof one);
    int64_t start = clk_mono_ms();
    assert_int_equal(at_idle(s.at, LONG_MS), OK);
    assert_true(clk_mono_ms() - start < LONG_MS);
    assert_string_equal(s.heard, "");
    assert_int_equal(at_idle(s.at, 0), ERR_TIMEOUT); /* drained */
    /* It ends no command. */
    assert_int_equal(at_ok(s.at, &r, LONG_MS, "+CSQ", "AT+CSQ"), OK);
    scene_end(&s, "");
}

static void hurry_when_woken(struct scene *s, const char *line)
{
    bool committed;
    if (strcmp(line, "woken") != 0)
        return;
    at_hurry(s->at, 1000);
    assert_int_equal(at_command_pdu(s->at, NULL, 1, 1, NULL, "AT", PDU, &committed), ERR_BUSY);
}

/* Asked to stop while a +CMGS is under way: the handler is told, once, and may cut the wait short. */
static void test_wake_during_a_command(void **state)
{
    static const struct step steps[] = {{"AT+CMGS=13\r", "\r\n> "}, {PDU "\x1a", NULL}, {0}};
    static const uint64_t one = 1;
    struct scene s;
    bool committed;
    (void)state;
    scene_start(&s, WHOLE, steps, false);
    s.on_line = hurry_when_woken;
    assert_int_equal(write(s.wake, &one, sizeof one), sizeof one);
    int64_t start = clk_mono_ms();
    assert_int_equal(
        at_command_pdu(s.at, NULL, LONG_MS, 4 * LONG_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
        ERR_TIMEOUT);
    assert_in_range(clk_mono_ms() - start, 900, 3 * LONG_MS);
    assert_true(committed);
    assert_string_equal(s.heard, "woken|");
    scene_end(&s, "");
}

/* ---- the trace ---- */

/* The last CR ends a line for us; its LF may be on its way still. */
static void hear_the_rest(struct scene *s, const char *end)
{
    size_t n = strlen(end);
    for (int64_t give_up = clk_mono_ms() + LONG_MS; clk_mono_ms() < give_up;) {
        size_t len = strlen(s->trace);
        if (len >= n && strcmp(s->trace + len - n, end) == 0)
            return;
        assert_int_equal(at_idle(s->at, 2), ERR_TIMEOUT);
    }
    fail_msg("the trace ends with: %s", s->trace);
}

static void test_trace(void **state)
{
    static const struct step steps[] = {
        {"AT+CPIN=\"1234\"\r", "AT+CPIN=\"1234\"\r\r\n\r\n+CREG: 1\r\n\r\nOK\r\n"},
        {"AT+CMGS=13\r", "\r\n> "},
        {PDU "\x1a", "\r\n+CMGS: 41\r\n\r\nOK\r\n"},
        {0},
    };
    static const char expected[] = "> AT+CPIN=\"****\"\\r\n"
                                   "< AT+CPIN=\"****\"\\r\\r\\n\n"
                                   "< \\r\\n+CREG: 1\\r\\n\n"
                                   "< \\r\\nOK\\r\\n\n"
                                   "> AT+CMGS=13\\r\n"
                                   "< \\r\\n> \n"
                                   "> " PDU "\\x1a\n"
                                   "< \\r\\n+CMGS: 41\\r\\n\n"
                                   "< \\r\\nOK\\r\\n\n";
    struct scene s;
    bool committed;
    (void)state;
    FOR_EACH_CUT(s)
    {
        scene_start(&s, CUT_NOW, steps, false);
        assert_int_equal(at_ok(s.at, NULL, LONG_MS, NULL, "AT+CPIN=\"1234\""), OK);
        hear_the_rest(&s, "< \\r\\nOK\\r\\n\n");
        assert_int_equal(
            at_command_pdu(s.at, NULL, LONG_MS, LONG_MS, "+CMGS", "AT+CMGS=13", PDU, &committed),
            OK);
        hear_the_rest(&s, "< \\r\\nOK\\r\\n\n");
        assert_string_equal(s.trace, expected);
        scene_end(&s, "");
    }
}

static void test_trace_format(void **state)
{
    char out[16], tiny[5];
    (void)state;
    at_trace_format('<', "\\\t\xe9\0", 4, out, sizeof out);
    assert_string_equal(out, "< \\\\\\t\\xe9\\x00");
    at_trace_format('>', "AT\r\n", 4, tiny, sizeof tiny);
    assert_string_equal(tiny, "> AT"); /* no half escape */
    at_trace_format('>', "AT\r\n", 4, tiny, 1);
    assert_string_equal(tiny, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_with_prefix),
        cmocka_unit_test(test_answer_without_prefix),
        cmocka_unit_test(test_final_results),
        cmocka_unit_test(test_headers_and_pdus),
        cmocka_unit_test(test_results_of_nobody),
        cmocka_unit_test(test_answer_too_big),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_chatter_never_extends),
        cmocka_unit_test(test_timeout_poisons),
        cmocka_unit_test(test_hurry),
        cmocka_unit_test(test_slow_handler_loses_no_answer),
        cmocka_unit_test(test_no_commands_from_the_handler),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_wake_during_a_command),
        cmocka_unit_test(test_trace),
        cmocka_unit_test(test_trace_format),
    };
    choose_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
