/* buf_test.c - growing bytes: ceiling, stickiness, termination. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"

static void grows_and_drops(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 100000);
    assert_string_equal(buf_str(&b), "");
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_addf(&b, "%03d,", i), OK);
    assert_int_equal(b.len, 4000);
    buf_drop(&b, 3996);
    assert_string_equal(buf_str(&b), "999,");
    buf_drop(&b, 4);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(buf_add(&b, "a\0b", 3), OK);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "a\0b", 4);
    buf_free(&b);
    assert_null(b.data);
}

static void ceiling_is_sticky(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 5);
    assert_int_equal(buf_add_str(&b, "12345"), OK);
    assert_int_equal(buf_add_str(&b, "6"), ERR_FULL);
    assert_int_equal(buf_add_str(&b, ""), ERR_FULL);
    assert_int_equal(b.err, ERR_FULL);
    assert_string_equal(buf_str(&b), "12345");
    buf_clear(&b);
    assert_int_equal(b.err, OK);
    assert_int_equal(buf_addf(&b, "%s", "123456"), ERR_FULL);
    assert_string_equal(buf_str(&b), "");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_drops),
        cmocka_unit_test(ceiling_is_sticky),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
