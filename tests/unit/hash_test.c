/* hash_test.c - hashes and signatures against published vectors.
 * Sources: FIPS 180-2 appendix B, RFC 4231, RFC 4648 clause 10, the Standard Webhooks specification. */
// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <string.h>

#include "../../src/hash.h"
#include "text.h"

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static void sha256_vectors(void **state)
{
    static const struct {
        const char *text, *hex;
    } row[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char hex[HASH_SHA256_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        hash_sha256_text(row[i].text, strlen(row[i].text), hex);
        assert_string_equal(hex, row[i].hex);
    }
}

static void check_hmac(const uint8_t *key, size_t key_n, const char *data, const char *hex)
{
    uint8_t want[HASH_SHA256], got[HASH_SHA256];
    size_t n;

    assert_int_equal(text_hex_decode(hex, strlen(hex), want, sizeof want, &n), OK);
    hash_hmac_sha256(key, key_n, data, strlen(data), got);
    assert_memory_equal(got, want, sizeof want);
}

static void hmac_vectors(void **state)
{
    uint8_t key[131];

    (void)state; /* RFC 4231 4.2, 4.3, 4.7 (a key longer than a block) */
    memset(key, 0x0b, 20);
    check_hmac(key, 20, "Hi There",
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    check_hmac((const uint8_t *)"Jefe", 4, "what do ya want for nothing?",
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    check_hmac(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First",
               "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static const struct {
    const char *plain, *coded;
} base64_row[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void base64_both_ways(void **state)
{
    char text[16];
    uint8_t octets[16];
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof base64_row / sizeof *base64_row; i++) {
        size_t plain_n = strlen(base64_row[i].plain), coded_n = strlen(base64_row[i].coded);

        assert_int_equal(hash_base64_encode(base64_row[i].plain, plain_n, text, sizeof text), OK);
        assert_string_equal(text, base64_row[i].coded);
        assert_int_equal(hash_base64_encode(base64_row[i].plain, plain_n, text, coded_n + 1), OK);
        assert_int_equal(hash_base64_encode(base64_row[i].plain, plain_n, text, coded_n), ERR_FULL);
        assert_int_equal(
            hash_base64_decode(base64_row[i].coded, coded_n, octets, sizeof octets, &n), OK);
        assert_int_equal(n, plain_n);
        assert_memory_equal(octets, base64_row[i].plain, n);
        assert_int_equal(hash_base64_decode(base64_row[i].coded, coded_n, octets, plain_n, &n), OK);
        if (plain_n)
            assert_int_equal(
                hash_base64_decode(base64_row[i].coded, coded_n, octets, plain_n - 1, &n),
                ERR_FULL);
    }
}

static void base64_refuses(void **state)
{
    static const char *const bad[] = {
        "Z",    "Zg",           "Zg=",      "Zh==", "Zm9=",       "====",     "Zm9v ",
        "Zm 9", "Zm9v\n\n\n\n", "Zg==Zg==", "Zm9-", "\xc3\xa9==", "Zm9vZ===", "=Zm9"};
    uint8_t octets[16];
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (hash_base64_decode(bad[i], strlen(bad[i]), octets, sizeof octets, &n) != ERR_SYNTAX)
            fail_msg("taken: \"%s\"", bad[i]);
}

static void webhook_vector(void **state)
{
    const char body[] = "{\"test\": 2432232314}";
    char sign[HASH_WEBHOOK_SIGN_TEXT];

    (void)state;
    assert_int_equal(hash_webhook_sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body,
                                       strlen(body), sign),
                     OK);
    assert_string_equal(sign, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void webhook_secrets(void **state)
{
    static const struct {
        const char *secret;
        enum err want;
    } row[] = {
        {SECRET, OK},
        {"whsec_", ERR_RANGE},
        {"", ERR_SYNTAX},
        {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", ERR_SYNTAX},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", ERR_SYNTAX},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*", ERR_SYNTAX},
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La", ERR_RANGE},
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAAA==",
         OK}, /* 64 octets */
        {"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAAAA=",
         ERR_RANGE}, /* 65 */
    };
    char sign[HASH_WEBHOOK_SIGN_TEXT];

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_int_equal(hash_webhook_secret_check(row[i].secret), row[i].want);
        assert_int_equal(hash_webhook_sign(row[i].secret, "msg_1", 0, "", 0, sign), row[i].want);
    }
}

static void webhook_secret_new(void **state)
{
    char a[HASH_WEBHOOK_SECRET_TEXT], b[HASH_WEBHOOK_SECRET_TEXT];

    (void)state;
    assert_int_equal(hash_webhook_secret_make(a), OK);
    assert_int_equal(hash_webhook_secret_make(b), OK);
    assert_int_equal(hash_webhook_secret_check(a), OK);
    assert_int_equal(strlen(a), 38);
    assert_string_not_equal(a, b);
}

static void equal(void **state)
{
    (void)state;
    assert_true(hash_equal("abc", "abc", 3));
    assert_false(hash_equal("abc", "abd", 3));
    assert_true(hash_equal("abc", "abd", 2));
    assert_true(hash_equal_text("", ""));
    assert_true(hash_equal_text("token", "token"));
    assert_false(hash_equal_text("token", "token2"));
    assert_false(hash_equal_text("", "t"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_vectors),     cmocka_unit_test(hmac_vectors),
        cmocka_unit_test(base64_both_ways),   cmocka_unit_test(base64_refuses),
        cmocka_unit_test(webhook_vector),     cmocka_unit_test(webhook_secrets),
        cmocka_unit_test(webhook_secret_new), cmocka_unit_test(equal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
