/* discover_test.c - which port is asked first, which ports are one modem, and what a probe makes of an answer.
 * The numbers of the roles are docs/modems.md's, section a. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../../include/clock.h"
#include "../../include/log.h"
#include "../../modem/discover_private.h"
#include "../../modem/port.h"
#include "modem_peer.h"

#define IMEI  "490154203237518"
#define OTHER "356938035643809"
#define OK_   "\r\nOK\r\n"
#define STICK "/sys/devices/pci0/usb1/1-1/1-1.4"
#define LATER 60000

/* ---- roles ---- */

static struct usb_port interface(uint16_t vendor, uint16_t product, int number)
{
    return (struct usb_port){.vendor = vendor, .product = product, .interface = number};
}

static void test_roles_by_number(void **state)
{
    static const struct {
        uint16_t vendor, product;
        int interface;
        enum usb_role role;
    } rows[] = {
        {0x12d1, 0x1001, 2, USB_ROLE_AT},       {0x12d1, 0x1001, 1, USB_ROLE_OTHER},
        {0x12d1, 0x1001, 0, USB_ROLE_DATA},     {0x12d1, 0x140c, 3, USB_ROLE_AT},
        {0x19d2, 0x0031, 3, USB_ROLE_AT},       {0x19d2, 0x0124, 1, USB_ROLE_SECOND},
        {0x1e0e, 0x9001, 2, USB_ROLE_AT},       {0x1e0e, 0x9001, 1, USB_ROLE_OTHER},
        {0x2c7c, 0x0125, 2, USB_ROLE_AT},       {0x2c7c, 0x0128, 5, USB_ROLE_AT},
        {0x1199, 0x9071, 3, USB_ROLE_AT},       {0x1e2d, 0x0053, 2, USB_ROLE_AT},
        {0x12d1, 0x1003, 0, USB_ROLE_UNKNOWN},  {0x0403, 0x6001, 0, USB_ROLE_UNKNOWN},
        {0x12d1, 0x1001, -1, USB_ROLE_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct usb_port p = interface(rows[i].vendor, rows[i].product, rows[i].interface);
        if (usb_role_of(&p) != rows[i].role)
            fail_msg("%04x:%04x interface %d", p.vendor, p.product, p.interface);
    }
}

/* Huawei's newer ones: class ff, subclass 01 to 03, and the protocol. */
static void test_roles_by_protocol(void **state)
{
    static const struct {
        uint8_t class, subclass, protocol;
        enum usb_role role;
    } rows[] = {
        {0xff, 0x02, 0x12, USB_ROLE_AT},      {0xff, 0x01, 0x02, USB_ROLE_AT},
        {0xff, 0x03, 0x32, USB_ROLE_AT},      {0xff, 0x02, 0x01, USB_ROLE_DATA},
        {0xff, 0x03, 0x33, USB_ROLE_OTHER},   {0xff, 0x04, 0x12, USB_ROLE_UNKNOWN},
        {0x02, 0x02, 0x12, USB_ROLE_UNKNOWN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct usb_port p = interface(0x12d1, 0x1c05, 0);
        p.class = rows[i].class;
        p.subclass = rows[i].subclass;
        p.protocol = rows[i].protocol;
        assert_int_equal(rows[i].role, usb_role_of(&p));
        p.vendor = 0x19d2;
        assert_int_equal(USB_ROLE_UNKNOWN, usb_role_of(&p));
    }
}

static void test_no_port_in_words(void **state)
{
    (void)state;
    assert_non_null(strstr(usb_why_no_port(0x12d1, 0x14dc), "HiLink"));
    assert_non_null(strstr(usb_why_no_port(0x19d2, 0x2000), "usb-modeswitch"));
    assert_null(usb_why_no_port(0x12d1, 0x1001));
    assert_true(usb_is_bridge(0x067b));
    assert_false(usb_is_bridge(0x2c7c));
}

/* ---- the ports of a stick ---- */

struct bench {
    struct discover d;
    unsigned told;
    struct modem_found last;
};

static void on_found(void *ctx, const struct modem_found *m)
{
    struct bench *b = ctx;
    b->told++;
    b->last = *m;
}

static int make(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    b->d.options = (struct discover_options){.found = on_found, .ctx = b};
    *state = b;
    return 0;
}

static int drop(void **state)
{
    free(*state);
    return 0;
}

/* Port i of a stick, seen at 0. */
static struct port_seen *add(struct bench *b, unsigned i, const char *device, uint16_t vendor,
                             int number, enum usb_role role)
{
    struct port_seen *p = &b->d.ports[i];
    p->used = p->present = true;
    p->usb = interface(vendor, 1, number);
    p->usb.plug = 7;
    snprintf(p->usb.device, sizeof p->usb.device, "%s", device);
    snprintf(p->usb.tty, sizeof p->usb.tty, "/dev/ttyUSB%u", i);
    p->role = role;
    p->probe.late_mr = -1;
    return p;
}

static void answers(struct port_seen *p, const char *imei, int64_t now)
{
    p->phase = PORT_ANSWERED;
    p->answered_ms = now;
    snprintf(p->probe.imei, sizeof p->probe.imei, "%s", imei);
}

static void test_the_named_port_goes_first(void **state)
{
    struct bench *b = *state;
    struct port_seen *diag = add(b, 0, STICK, 0x2c7c, 0, USB_ROLE_OTHER);
    struct port_seen *at = add(b, 1, STICK, 0x2c7c, 2, USB_ROLE_AT);
    struct port_seen *data = add(b, 2, STICK, 0x2c7c, 3, USB_ROLE_DATA);
    assert_true(discover_turn(&b->d, at, 0));
    assert_false(discover_turn(&b->d, data, 0));
    assert_false(discover_turn(&b->d, diag, 0));
    assert_true(discover_turn(&b->d, data, 2000)); /* it had its time */
    assert_false(discover_turn(&b->d, diag, LATER));
    at->phase = data->phase = PORT_SILENT;
    assert_true(discover_turn(&b->d, diag, LATER)); /* another firmware than the table's */
    answers(at, IMEI, 0);
    assert_false(discover_turn(&b->d, diag, LATER));
}

static void test_the_best_port_is_told_first(void **state)
{
    struct bench *b = *state;
    struct port_seen *at = add(b, 0, STICK, 0x2c7c, 2, USB_ROLE_AT);
    struct port_seen *data = add(b, 1, STICK, 0x2c7c, 3, USB_ROLE_DATA);
    answers(data, IMEI, 100);
    at->phase = PORT_PROBING;
    discover_announce(&b->d, 200);
    assert_int_equal(0, b->told); /* the better one may answer yet */
    answers(at, IMEI "1", 300);   /* the software's version behind it */
    discover_announce(&b->d, 300);
    assert_int_equal(1, b->told);
    assert_int_equal(2, b->last.ports.n);
    assert_string_equal("/dev/ttyUSB0", b->last.ports.path[0]);
    assert_string_equal("1-1.4", b->last.place);
    discover_announce(&b->d, 400);
    assert_int_equal(1, b->told); /* nothing new */
}

static void test_a_better_port_is_not_waited_for_without_end(void **state)
{
    struct bench *b = *state;
    struct port_seen *at = add(b, 0, STICK, 0x2c7c, 2, USB_ROLE_AT);
    answers(add(b, 1, STICK, 0x2c7c, 3, USB_ROLE_DATA), IMEI, 100);
    at->phase = PORT_PROBING;
    discover_announce(&b->d, 5000);
    assert_int_equal(1, b->told);
    assert_string_equal("/dev/ttyUSB1", b->last.ports.path[0]);
    answers(at, IMEI, 6000);
    discover_announce(&b->d, 6000);
    assert_int_equal(2, b->told);
    assert_string_equal("/dev/ttyUSB0", b->last.ports.path[0]);
    assert_int_equal(2, b->last.ports.n);
}

/* One port of it does not tell the IMEI. */
static void test_a_port_without_imei_belongs_to_the_stick(void **state)
{
    struct bench *b = *state;
    answers(add(b, 0, STICK, 0x2c7c, 2, USB_ROLE_UNKNOWN), "", 0);
    answers(add(b, 1, STICK, 0x2c7c, 3, USB_ROLE_UNKNOWN), IMEI, 0);
    discover_announce(&b->d, LATER);
    assert_int_equal(1, b->told);
    assert_string_equal(IMEI, b->last.imei);
    assert_int_equal(2, b->last.ports.n);
}

static void test_two_modems_on_one_bridge(void **state)
{
    struct bench *b = *state;
    answers(add(b, 0, STICK, 0x0403, 0, USB_ROLE_UNKNOWN), IMEI, 0);
    answers(add(b, 1, STICK, 0x0403, 1, USB_ROLE_UNKNOWN), OTHER, 0);
    discover_announce(&b->d, LATER);
    assert_int_equal(2, b->told);
    assert_string_equal(OTHER, b->last.imei);
    assert_string_equal("1-1.4-1", b->last.place);
    assert_int_equal(1, b->last.ports.n);
}

/* Two on one bridge that tell no IMEI: two modems, named by their places. */
static void test_two_nameless_modems_on_one_bridge(void **state)
{
    struct bench *b = *state;
    answers(add(b, 0, STICK, 0x0403, 0, USB_ROLE_UNKNOWN), "", 0);
    answers(add(b, 1, STICK, 0x0403, 1, USB_ROLE_UNKNOWN), "", 0);
    discover_announce(&b->d, LATER);
    assert_int_equal(2, b->told);
    assert_string_equal("1-1.4-1", b->last.place);
}

static void test_two_sticks_with_one_imei(void **state)
{
    struct bench *b = *state;
    answers(add(b, 0, STICK, 0x12d1, 0, USB_ROLE_UNKNOWN), IMEI, 0);
    answers(add(b, 1, "/sys/devices/pci0/usb1/1-2", 0x12d1, 0, USB_ROLE_UNKNOWN), IMEI, 0);
    discover_announce(&b->d, LATER);
    assert_int_equal(2, b->told);
    assert_string_equal("1-2", b->last.place);
    assert_int_equal(1, b->last.ports.n);
}

static void test_unplugged_and_plugged_in_again(void **state)
{
    struct bench *b = *state;
    struct port_seen *p = add(b, 0, STICK, 0x12d1, 0, USB_ROLE_UNKNOWN);
    answers(p, IMEI, 0);
    discover_announce(&b->d, LATER);
    p->present = false;
    discover_announce(&b->d, LATER);
    assert_int_equal(2, b->told);
    assert_int_equal(0, b->last.ports.n);
    assert_string_equal("unplugged", b->last.ports.why);
    p->present = true;
    p->usb.plug++; /* another stick, in the same socket, under the same name */
    answers(p, OTHER, LATER);
    discover_announce(&b->d, 2 * LATER);
    assert_int_equal(3, b->told);
    assert_string_equal(OTHER, b->last.imei);
}

static void test_more_ports_than_a_modem_can_have(void **state)
{
    struct bench *b = *state;
    for (unsigned i = 0; i < DISCOVER_PORTS_MAX; i++)
        answers(add(b, i, STICK, 0x12d1, (int)i, USB_ROLE_UNKNOWN), IMEI, 0);
    discover_announce(&b->d, LATER);
    assert_int_equal(1, b->told);
    assert_int_equal(MODEM_PORTS_MAX, b->last.ports.n);
    for (unsigned i = 0; i < DISCOVER_PORTS_MAX; i++)
        snprintf(b->d.ports[i].usb.device, USB_PATH_MAX, STICK ".%u", i);
    discover_announce(&b->d, LATER);
    assert_int_equal(1 + 1 + DISCOVER_MODEMS_MAX, b->told);
}

/* ---- the probe ---- */

static struct probe probe_of(struct peer *peer, int64_t ms)
{
    struct probe p = {0};
    peer_plug(peer);
    snprintf(p.path, sizeof p.path, "%s", peer_path(peer));
    atomic_store(&p.until_ms, clk_mono_ms() + ms);
    p.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(p.wake_fd >= 0);
    return p;
}

static void test_probe_reads_every_imei(void **state)
{
    static const char *const answers_to[] = {
        "\r\n" IMEI "\r\n" OK_,
        "\r\n+CGSN: " IMEI "\r\n" OK_,
        "\r\n+CGSN: \"" IMEI "\"\r\n" OK_,
        "\r\n\"" IMEI "\"\r\n" OK_,
        "\r\n" IMEI ",00\r\n" OK_,
        "\r\n^RSSI: 17\r\n\r\n" IMEI "\r\n\r\n^BOOT:1,0,0,0,75\r\n" OK_,
    };
    (void)state;
    for (size_t i = 0; i < sizeof answers_to / sizeof *answers_to; i++) {
        struct peer *peer = peer_new(NULL);
        peer_answer(peer, "AT", OK_);
        peer_answer(peer, "AT+CGSN", answers_to[i]);
        peer_echo(peer, i % 2);
        struct probe p = probe_of(peer, 5000);
        assert_int_equal(OK, probe_port(&p));
        assert_string_equal(IMEI, p.imei);
        assert_int_equal(-1, p.late_mr);
        close(p.wake_fd);
        peer_free(peer);
    }
}

/* It boots: nothing for a while, then errors, then its IMEI. */
static void test_probe_waits_for_a_slow_one(void **state)
{
    (void)state;
    struct peer *peer = peer_new(NULL);
    for (int i = 0; i < 6; i++)
        peer_answer_once(peer, "AT", "");
    peer_answer(peer, "AT", OK_);
    peer_answer_once(peer, "AT+CGSN", "\r\nERROR\r\n");
    peer_answer(peer, "AT+GSN", "\r\n+CME ERROR: 14\r\n");
    peer_answer(peer, "AT+CGSN", "\r\n" IMEI "\r\n" OK_);
    struct probe p = probe_of(peer, 20000);
    assert_int_equal(OK, probe_port(&p));
    assert_string_equal(IMEI, p.imei);
    close(p.wake_fd);
    peer_free(peer);
}

static void test_probe_without_imei(void **state)
{
    (void)state;
    struct peer *peer = peer_new(NULL);
    peer_answer(peer, "AT", OK_);
    peer_answer(peer, "AT+CGSN", "\r\nERROR\r\n");
    peer_answer(peer, "AT+GSN", "\r\nERROR\r\n");
    struct probe p = probe_of(peer, 5000);
    assert_int_equal(OK, probe_port(&p));
    assert_string_equal("", p.imei);
    close(p.wake_fd);
    peer_free(peer);
}

static void test_probe_of_what_is_no_modem(void **state)
{
    (void)state;
    struct peer *peer = peer_new(NULL);
    peer_answer(peer, "AT", "");
    struct probe p = probe_of(peer, 1000);
    int64_t before = clk_mono_ms();
    assert_int_equal(ERR_TIMEOUT, probe_port(&p));
    assert_true(clk_mono_ms() - before < 8000);
    assert_int_equal(0, peer_count(peer, "AT+CGSN"));
    close(p.wake_fd);
    peer_free(peer);
}

static void *stop_soon(void *arg)
{
    poll(NULL, 0, 300);
    probe_stop(arg);
    return NULL;
}

/* In the middle of anything: before it begins, while it listens, waits for an answer, or resynchronises with
 * something that answers nonsense. */
static void test_probe_is_stopped(void **state)
{
    static const struct {
        const char *at, *other;
        int listen_ms;
    } manners[] = {{"", "", 0}, {"", "\r\nERROR\r\n", 0}, {OK_, "", 0}, {OK_, "", 60000}};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof manners / sizeof *manners; i++) {
        struct peer *peer = peer_new(NULL);
        pthread_t stopper;
        peer_answer(peer, "AT", manners[i / 2].at);
        peer_answer(peer, "AT+CGSN", manners[i / 2].other);
        peer_answer(peer, "AT+GSN", manners[i / 2].other);
        struct probe p = probe_of(peer, 60000);
        p.listen_ms = manners[i / 2].listen_ms;
        if (i % 2)
            assert_int_equal(0, pthread_create(&stopper, NULL, stop_soon, &p));
        else
            probe_stop(&p);
        int64_t before = clk_mono_ms();
        assert_int_equal(ERR_CLOSED, probe_port(&p));
        assert_true(clk_mono_ms() - before < 1500);
        if (i % 2)
            pthread_join(stopper, NULL);
        close(p.wake_fd);
        peer_free(peer);
    }
}

/* An earlier program died after Ctrl-Z: its answer is heard, and nothing is written before. */
static void test_probe_hears_a_late_answer(void **state)
{
    (void)state;
    struct peer *peer = peer_new(NULL);
    peer_answer(peer, "AT", OK_);
    peer_answer(peer, "AT+CGSN", "\r\n" IMEI "\r\n" OK_);
    struct probe p = probe_of(peer, 5000);
    p.listen_ms = 5000;
    int64_t before = clk_mono_ms();
    peer_say(peer, "\r\n+CMGS: 77\r\n" OK_);
    assert_int_equal(OK, probe_port(&p));
    assert_int_equal(77, p.late_mr);
    assert_true(clk_mono_ms() - before < 4500);
    close(p.wake_fd);
    peer_free(peer);
}

static void test_probe_of_an_open_port(void **state)
{
    (void)state;
    struct peer *peer = peer_new(NULL);
    struct port *mine = NULL;
    char why[160];
    struct probe p = probe_of(peer, 5000);
    assert_int_equal(OK, port_open(p.path, 115200, 0, &mine, why));
    assert_int_equal(ERR_BUSY, probe_port(&p));
    assert_non_null(strstr(p.why, "in use"));
    port_close(mine);
    close(p.wake_fd);
    peer_free(peer);
}

#define ON_BENCH(f) cmocka_unit_test_setup_teardown(f, make, drop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roles_by_number),
        cmocka_unit_test(test_roles_by_protocol),
        cmocka_unit_test(test_no_port_in_words),
        ON_BENCH(test_the_named_port_goes_first),
        ON_BENCH(test_the_best_port_is_told_first),
        ON_BENCH(test_a_better_port_is_not_waited_for_without_end),
        ON_BENCH(test_a_port_without_imei_belongs_to_the_stick),
        ON_BENCH(test_two_modems_on_one_bridge),
        ON_BENCH(test_two_nameless_modems_on_one_bridge),
        ON_BENCH(test_two_sticks_with_one_imei),
        ON_BENCH(test_unplugged_and_plugged_in_again),
        ON_BENCH(test_more_ports_than_a_modem_can_have),
        cmocka_unit_test(test_probe_reads_every_imei),
        cmocka_unit_test(test_probe_waits_for_a_slow_one),
        cmocka_unit_test(test_probe_without_imei),
        cmocka_unit_test(test_probe_of_what_is_no_modem),
        cmocka_unit_test(test_probe_is_stopped),
        cmocka_unit_test(test_probe_hears_a_late_answer),
        cmocka_unit_test(test_probe_of_an_open_port),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    log_set_level(getenv("TRACE") ? LOG_LVL_TRACE : LOG_LVL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
