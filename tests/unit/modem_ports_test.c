/* modem_ports_test.c - a modem that is told where it is: moved, swapped, unplugged, and with several ports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../include/clock.h"
#include "modem_rig.h"

#define IMEI "490154203237518" /* of tests/transcripts/generic.at */

/* The other end of a second port. */
static struct peer *second_port(void)
{
    struct peer *p = peer_new("tests/transcripts/generic.at");
    peer_answer(p, "PDU", "\r\n+CMGS: 41\r\n" OK_);
    peer_answer(p, "AT+CMGS=", "\r\n> ");
    peer_plug(p);
    return p;
}

static void set_ports(struct rig *r, struct peer *a, struct peer *b, const char *why)
{
    struct modem_ports ports = {.late_mr = -1};
    snprintf(ports.why, sizeof ports.why, "%s", why);
    if (a)
        snprintf(ports.path[ports.n++], MODEM_NODE_MAX, "%s", peer_path(a));
    if (b)
        snprintf(ports.path[ports.n++], MODEM_NODE_MAX, "%s", peer_path(b));
    modem_set_ports(r->modem, &ports);
}

static void start_without_port(struct rig *r, const char *imei)
{
    r->config.port[0] = '\0';
    snprintf(r->config.imei, sizeof r->config.imei, "%s", imei);
    rig_start(r);
    TOLD(r, "state gone not plugged in");
}

static void test_waits_until_it_is_found(void **state)
{
    struct rig *r = *state;
    start_without_port(r, IMEI);
    set_ports(r, r->peer, NULL, "");
    TOLD(r, "state ready");
    rig_still_sends(r, 1);
    struct modem_status now;
    told_status(r->told, &now);
    assert_string_equal(peer_path(r->peer), now.port);
}

static void test_moves_to_another_port(void **state)
{
    struct rig *r = *state;
    struct peer *other = second_port();
    start_without_port(r, IMEI);
    set_ports(r, r->peer, NULL, "");
    TOLD(r, "state ready");
    peer_unplug(r->peer);
    TOLD(r, "state gone unplugged");
    set_ports(r, NULL, NULL, "unplugged");
    set_ports(r, other, NULL, "");
    WANT(r, told_wait_n(r->told, "state ready", 2, WAIT_MS));
    rig_still_sends(r, 1);
    WANT(r, peer_count(other, "AT+CMGS=") == 1);
    rig_stop(r);
    peer_free(other);
}

/* The discoverer knows before the line hangs up. */
static void test_leaves_a_port_that_it_is_not_on(void **state)
{
    struct rig *r = *state;
    start_without_port(r, IMEI);
    set_ports(r, r->peer, NULL, "");
    TOLD(r, "state ready");
    set_ports(r, NULL, NULL, "unplugged");
    TOLD(r, "state gone unplugged");
    set_ports(r, r->peer, NULL, "");
    WANT(r, told_wait_n(r->told, "state ready", 2, WAIT_MS));
}

static void test_another_modem_is_left_alone(void **state)
{
    struct rig *r = *state;
    char line[128];
    start_without_port(r, "356938035643809");
    told_queue(r->told, SOMEONE, "not for this one");
    set_ports(r, r->peer, NULL, "");
    snprintf(line, sizeof line, "stranger " IMEI " %s", peer_path(r->peer));
    TOLD(r, line);
    TOLD(r, "state gone another modem");
    rig_stop(r);
    assert_int_equal(0, told_count(r->told, "identified"));
    assert_int_equal(0, peer_count(r->peer, "AT+CMGS="));
    assert_int_equal(0, peer_count(r->peer, "AT+CPIN"));
}

/* [modem NAME] with port and imei: that modem on that port, or nothing. */
static void test_another_modem_on_a_port_that_is_named(void **state)
{
    struct rig *r = *state;
    snprintf(r->config.imei, sizeof r->config.imei, "356938035643809");
    told_queue(r->told, SOMEONE, "not for this one");
    rig_start(r);
    TOLD(r, "state gone another modem is on that port: its IMEI is " IMEI);
    rig_stop(r);
    assert_int_equal(0, told_count(r->told, "identified"));
    assert_int_equal(0, peer_count(r->peer, "AT+CPIN"));
}

/* "+CMGS: 41" heard while it was looked for is about one part: the next change of its ports does not repeat it. */
static void test_a_late_answer_is_told_once(void **state)
{
    struct rig *r = *state;
    struct peer *ear = second_port();
    struct modem_ports ports = {.n = 1, .late_mr = 41};
    start_without_port(r, IMEI);
    snprintf(ports.path[0], MODEM_NODE_MAX, "%s", peer_path(r->peer));
    modem_set_ports(r->modem, &ports);
    set_ports(r, r->peer, ear, ""); /* taken or not, it is not lost */
    TOLD(r, "state ready");
    TOLD(r, "late mr=41");
    set_ports(r, r->peer, NULL, "");
    rig_still_sends(r, 1);
    peer_unplug(r->peer);
    TOLD(r, "state gone unplugged");
    peer_plug(r->peer);
    set_ports(r, r->peer, NULL, "");
    WANT(r, told_wait_n(r->told, "state ready", 2, WAIT_MS));
    rig_stop(r);
    assert_int_equal(1, told_count(r->told, "late mr="));
    peer_free(ear);
}

/* 23.003 6.2: type and serial number are 14 digits, then a check digit, or the software's version. */
static void test_same_imei(void **state)
{
    (void)state;
    assert_true(modem_same_imei("490154203237518", "4901542032375101"));
    assert_true(modem_same_imei("49015420323751", "490154203237518"));
    assert_false(modem_same_imei("490154203237518", "490154203237528"));
    assert_false(modem_same_imei("", ""));
    assert_false(modem_same_imei("490154", "490154"));
}

/* ---- ears ---- */

static void test_messages_on_another_port(void **state)
{
    struct rig *r = *state;
    struct peer *ear = second_port();
    start_without_port(r, IMEI);
    set_ports(r, r->peer, ear, "");
    TOLD(r, "state ready");
    unsigned acks = peer_count(r->peer, "AT+CNMA");
    peer_say(ear, "\r\nRING\r\n" DELIVER);
    TOLD(r, INCOMING);
    WANT(r, peer_wait(r->peer, "AT+CNMA", acks + 1, WAIT_MS));
    peer_say(ear, REPORT);
    TOLD(r, "report mr=41");
    WANT(r, peer_wait(r->peer, "AT+CNMA", acks + 2, WAIT_MS));
    rig_stop(r);
    assert_int_equal(0, peer_count(ear, "AT"));
    peer_free(ear);
}

static void test_one_message_on_both_ports(void **state)
{
    struct rig *r = *state;
    struct peer *ear = second_port();
    start_without_port(r, IMEI);
    set_ports(r, r->peer, ear, "");
    TOLD(r, "state ready");
    unsigned acks = peer_count(r->peer, "AT+CNMA");
    peer_say(ear, DELIVER);
    TOLD(r, INCOMING);
    peer_say(r->peer, DELIVER);
    peer_say(r->peer, REPORT);
    TOLD(r, "report mr=41");
    WANT(r, peer_wait(r->peer, "AT+CNMA", acks + 2, WAIT_MS));
    rig_still_sends(r, 1);
    rig_stop(r);
    assert_int_equal(1, told_count(r->told, "incoming"));
    assert_int_equal(acks + 2, peer_count(r->peer, "AT+CNMA"));
    peer_free(ear);
}

static void test_an_ear_that_is_unplugged(void **state)
{
    struct rig *r = *state;
    struct peer *ear = second_port();
    start_without_port(r, IMEI);
    set_ports(r, r->peer, ear, "");
    TOLD(r, "state ready");
    peer_unplug(ear);
    rig_still_sends(r, 1);
    assert_int_equal(0, told_count(r->told, "state gone unplugged"));
    rig_stop(r);
    peer_free(ear);
}

static void test_goes_on_with_its_other_port(void **state)
{
    struct rig *r = *state;
    struct peer *ear = second_port();
    start_without_port(r, IMEI);
    set_ports(r, r->peer, ear, "");
    TOLD(r, "state ready");
    peer_unplug(r->peer);
    WANT(r, told_wait_n(r->told, "state ready", 2, WAIT_MS));
    rig_still_sends(r, 1);
    WANT(r, peer_count(ear, "AT+CMGS=") == 1);
    rig_stop(r);
    peer_free(ear);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(test_waits_until_it_is_found),
        RIG_TEST(test_moves_to_another_port),
        RIG_TEST(test_leaves_a_port_that_it_is_not_on),
        RIG_TEST(test_another_modem_is_left_alone),
        RIG_TEST(test_another_modem_on_a_port_that_is_named),
        RIG_TEST(test_a_late_answer_is_told_once),
        cmocka_unit_test(test_same_imei),
        RIG_TEST(test_messages_on_another_port),
        RIG_TEST(test_one_message_on_both_ports),
        RIG_TEST(test_an_ear_that_is_unplugged),
        RIG_TEST(test_goes_on_with_its_other_port),
    };
    rig_main(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
