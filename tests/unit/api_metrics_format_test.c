/* Prometheus' text format 0.0.4: "label_value can be any sequence of UTF-8 characters, but the backslash (\), double-quote
 * ("), and line feed (\n) characters have to be escaped as \\, \", and \n". */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../src/api_metrics_format.h"

static void expect_label(const char *value, const char *want)
{
    struct buf out;
    buf_init(&out, 1000);
    metrics_put_label(&out, "l", value, true);
    assert_string_equal(buf_str(&out), want);
    buf_free(&out);
}

static void test_labels(void **state)
{
    (void)state;
    expect_label("", "l=\"\"");
    expect_label("Simnet Mobile", "l=\"Simnet Mobile\"");
    expect_label("a\"b", "l=\"a\\\"b\"");
    expect_label("a\\b", "l=\"a\\\\b\"");
    expect_label("a\nb", "l=\"a\\nb\"");
    expect_label("\"} 1\nevil 2", "l=\"\\\"} 1\\nevil 2\"");
    expect_label("caf\xC3\xA9 \xF0\x9F\x98\x80", "l=\"caf\xC3\xA9 \xF0\x9F\x98\x80\"");
    expect_label("\xFFx\xC3", "l=\"\xEF\xBF\xBDx\xEF\xBF\xBD\"");
    expect_label("\xED\xA0\x80", "l=\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""); /* half a pair */
}

static void test_samples(void **state)
{
    (void)state;
    struct buf out;
    buf_init(&out, 1000);
    metrics_put_family(&out, "x_total", "counter", "What it is.");
    metrics_put_number(&out, "x_total", NULL, NULL, NULL, 0);
    metrics_put_number(&out, "x_total", "m0", NULL, NULL, 12345678901234);
    metrics_put_number(&out, "x_total", "m0", "state", "sent", 0.25);
    metrics_put_number(&out, "x_total", NULL, "le", "+Inf", -3);
    assert_string_equal(buf_str(&out), "# HELP smsbridge_x_total What it is.\n"
                                       "# TYPE smsbridge_x_total counter\n"
                                       "smsbridge_x_total 0\n"
                                       "smsbridge_x_total{modem=\"m0\"} 12345678901234\n"
                                       "smsbridge_x_total{modem=\"m0\",state=\"sent\"} 0.25\n"
                                       "smsbridge_x_total{le=\"+Inf\"} -3\n");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_labels),
                                       cmocka_unit_test(test_samples)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
