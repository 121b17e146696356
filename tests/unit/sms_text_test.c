/* sms_text_test.c - planning, parts and joining, judged by a decoder of another make: a string of bits, and the
 * alphabet as the standard prints it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../modem/gsm7.h"
#include "clock.h"
#include "sms.h"
#include "sms_tsv.h"
#include "text.h"

/* ---- the other decoder ---- */

/* 23.038 6.2.1 in the order of the codes, one string a character; E: escape. */
#define E NULL
static const char *const printed[128] = {
    "@", "£", "$",  "¥", "è", "é", "ù", "ì", "ò", "Ç", "\n", "Ø", "ø", "\r", "Å", "å",
    "Δ", "_", "Φ",  "Γ", "Λ", "Ω", "Π", "Ψ", "Σ", "Θ", "Ξ",  E,   "Æ", "æ",  "ß", "É",
    " ", "!", "\"", "#", "¤", "%", "&", "'", "(", ")", "*",  "+", ",", "-",  ".", "/",
    "0", "1", "2",  "3", "4", "5", "6", "7", "8", "9", ":",  ";", "<", "=",  ">", "?",
    "¡", "A", "B",  "C", "D", "E", "F", "G", "H", "I", "J",  "K", "L", "M",  "N", "O",
    "P", "Q", "R",  "S", "T", "U", "V", "W", "X", "Y", "Z",  "Ä", "Ö", "Ñ",  "Ü", "§",
    "¿", "a", "b",  "c", "d", "e", "f", "g", "h", "i", "j",  "k", "l", "m",  "n", "o",
    "p", "q", "r",  "s", "t", "u", "v", "w", "x", "y", "z",  "ä", "ö", "ñ",  "ü", "à",
};
#undef E
static const struct {
    unsigned code;
    const char *chars;
} extension[] = {{0x0A, "\f"}, {0x14, "^"}, {0x28, "{"}, {0x29, "}"}, {0x2F, "\\"},
                 {0x3C, "["},  {0x3D, "~"}, {0x3E, "]"}, {0x40, "|"}, {0x65, "€"}};

static void append(char *out, const char *s)
{
    size_t n = strlen(out);
    memcpy(out + n, s, strlen(s) + 1);
}

static unsigned bits_value(const char *bits, unsigned n)
{
    unsigned value = 0;
    for (unsigned i = 0; i < n; i++) /* the first bit weighs least: 6.1.2.1 */
        value += bits[i] == '1' ? 1u << i : 0;
    return value;
}

static void other_gsm7(const struct sms_ud *ud, unsigned header_octets, char *out)
{
    char bits[SMS_UD_MAX * 8 + 1];
    bool escaped = false;
    for (unsigned i = 0; i < sizeof bits - 1; i++)
        bits[i] = (ud->octets[i / 8] >> (i % 8)) % 2 ? '1' : '0';
    for (unsigned at = 0; at < ud->udl * 7u; at += 7) {
        unsigned code = bits_value(bits + at, 7);
        if (at < header_octets * 8)
            continue;
        assert_true(code != 0x1B || !escaped);
        if (code == 0x1B) {
            escaped = true;
            continue;
        }
        const char *found = escaped ? NULL : printed[code];
        for (size_t i = 0; escaped && i < sizeof extension / sizeof extension[0]; i++)
            found = extension[i].code == code ? extension[i].chars : found;
        assert_non_null(found);
        append(out, found);
        escaped = false;
    }
    assert_false(escaped); /* no part ends within an escape sequence */
}

static void other_ucs2(const struct sms_ud *ud, unsigned header_octets, char *out)
{
    for (unsigned at = header_octets; at < ud->udl; at += 2) {
        char utf8[5] = {0};
        uint32_t unit = ud->octets[at] * 256u + ud->octets[at + 1];
        if (unit / 1024 == 54) { /* D800 to DBFF; its other half is in this part */
            assert_true(at + 4 <= ud->udl);
            uint32_t low = ud->octets[at + 2] * 256u + ud->octets[at + 3];
            assert_int_equal(low / 1024, 55);
            unit = 0x10000 + unit % 1024 * 1024 + low % 1024;
            at += 2;
        }
        assert_int_not_equal(text_utf8_put(utf8, unit), 0);
        append(out, utf8);
    }
    assert_int_equal((ud->udl - header_octets) % 2, 0);
}

/* ---- properties of a plan ---- */

static unsigned part_units(const struct sms_ud *ud)
{
    return ud->alphabet == SMS_GSM7 ? ud->udl : (ud->udl + 1) / 2;
}

static void check_part(const struct sms_plan *plan, unsigned i, uint8_t ref,
                       const struct sms_ud *ud, char *whole)
{
    const uint8_t header[] = {5, 0, 3, ref, plan->parts, (uint8_t)(i + 1)};
    unsigned header_octets = 0;
    assert_int_equal(ud->alphabet, plan->alphabet);
    assert_int_equal(ud->udhi, plan->parts > 1);
    if (plan->parts > 1) {
        assert_memory_equal(ud->octets, header, sizeof header);
        header_octets = sizeof header;
    }
    assert_true(ud->udl <= (ud->alphabet == SMS_GSM7 ? 160 : 140));
    if (ud->alphabet == SMS_GSM7)
        other_gsm7(ud, header_octets, whole);
    else
        other_ucs2(ud, header_octets, whole);
}

/* Every part is valid, together they are the text, no fewer parts would do, and our own joining agrees. */
static struct sms_plan check_plan(const char *text)
{
    static char whole[4 * SMS_TEXT_MAX + 1], joined[65536];
    static struct sms_ud uds[SMS_PARTS_MAX];
    const struct sms_ud *list[SMS_PARTS_MAX];
    struct sms_plan plan;
    assert_int_equal(sms_plan(text, &plan), OK);
    assert_int_equal(plan.start[0], 0);
    assert_int_equal(plan.start[plan.parts], strlen(text));
    whole[0] = '\0';
    uint8_t ref = (uint8_t)(strlen(text) * 7);
    for (unsigned i = 0; i < plan.parts; i++) {
        assert_true(plan.start[i] < plan.start[i + 1]);
        assert_int_equal(sms_plan_part(text, &plan, i, ref, &uds[i]), OK);
        check_part(&plan, i, ref, &uds[i], whole);
        list[i] = &uds[i];
        /* Greedy: a part that is not the last has room for less than one more character of two units. */
        if (i + 1 < plan.parts)
            assert_true(part_units(&uds[i]) >= (plan.alphabet == SMS_GSM7 ? 159 : 69));
    }
    assert_string_equal(whole, text);
    assert_int_equal(sms_plan_part(text, &plan, plan.parts, ref, &uds[0]), ERR_RANGE);
    assert_int_equal(sms_plan_part(text, &plan, 0, ref, &uds[0]), OK);
    assert_int_equal(sms_join(list, plan.parts, joined, sizeof joined), OK);
    assert_string_equal(joined, text);
    return plan;
}

static char *repeat(char *out, const char *s, unsigned times)
{
    out[0] = '\0';
    for (size_t n = strlen(s), i = 0; i < times; i++)
        memcpy(out + i * n, s, n + 1);
    return out;
}

/* 160 and 153, 70 and 67; python-messaging test_sms.py TestSubmitPduCounts has the same counts. */
static void test_boundaries(void **state)
{
    (void)state;
    static const struct {
        const char *s;
        unsigned times;
        const char *tail;
        enum sms_alphabet alphabet;
        unsigned parts, units;
    } rows[] = {
        {"x", 1, "", SMS_GSM7, 1, 1},       {"x", 160, "", SMS_GSM7, 1, 160},
        {"x", 161, "", SMS_GSM7, 2, 161},   {"x", 306, "", SMS_GSM7, 2, 306},
        {"x", 307, "", SMS_GSM7, 3, 307},   {"x", 459, "", SMS_GSM7, 3, 459},
        {"x", 460, "", SMS_GSM7, 4, 460},   {"x", 660, "", SMS_GSM7, 5, 660},
        {"€", 80, "", SMS_GSM7, 1, 160},    {"€", 79, "x", SMS_GSM7, 1, 159},
        {"€", 80, "x", SMS_GSM7, 2, 161},   {"€", 153, "", SMS_GSM7, 3, 306}, /* 76 a part */
        {"€", 229, "x", SMS_GSM7, 4, 459},  {"[", 660, "", SMS_GSM7, 9, 1320},
        {"ő", 70, "", SMS_UCS2, 1, 70},     {"ő", 70, "x", SMS_UCS2, 2, 71},
        {"ő", 134, "", SMS_UCS2, 2, 134},   {"ő", 134, "x", SMS_UCS2, 3, 135},
        {"ő", 201, "", SMS_UCS2, 3, 201},   {"ő", 201, "x", SMS_UCS2, 4, 202},
        {"😀", 35, "", SMS_UCS2, 1, 70},     {"😀", 35, "x", SMS_UCS2, 2, 71},
        {"😀", 66, "", SMS_UCS2, 2, 132},    {"😀", 67, "", SMS_UCS2, 3, 134}, /* 33 a part */
        {"😀", 330, "", SMS_UCS2, 10, 660},  {"ő", 660, "", SMS_UCS2, 10, 660},
        {"x", 659, "ő", SMS_UCS2, 10, 660},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[4 * SMS_TEXT_MAX + 8];
        repeat(text, rows[i].s, rows[i].times);
        append(text, rows[i].tail);
        struct sms_plan plan = check_plan(text);
        assert_int_equal(plan.alphabet, rows[i].alphabet);
        assert_int_equal(plan.parts, rows[i].parts);
        assert_int_equal(plan.units, rows[i].units);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static char text[4 * SMS_TEXT_MAX + 64];
    static const char *const wrong[] = {
        "",         "\x80",    "a\xC0\x80",   "\xED\xA0\x80", "\xF5\x80\x80\x80",
        "\xE2\x82", "abc\xFF", "\xF0\x9F\x98"};
    struct sms_plan plan;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(sms_plan(wrong[i], &plan), ERR_SYNTAX);
    assert_int_equal(sms_plan(repeat(text, "x", 661), &plan), ERR_RANGE);
    assert_int_equal(sms_plan(repeat(text, "ő", 661), &plan), ERR_RANGE);
    assert_int_equal(sms_plan(repeat(text, "[", 661), &plan), ERR_RANGE);
    repeat(text, "😀", 330);
    append(text, "x");
    assert_int_equal(sms_plan(text, &plan), ERR_RANGE);
}

static uint64_t seed;

static unsigned random_below(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

/* Texts in which the widths of characters change as they please, up to the limit. */
static void test_random_plans(void **state)
{
    (void)state;
    static const char *const pools[][6] = {
        {"a", "é", "€", "[", "\n", "Ω"}, {"€", "[", "]", "^", "€", "x"},
        {"a", "ő", "😀", "漢", "€", "1"}, {"😀", "👍", "😀", "\U0010FFFF", "😀", "x"},
        {"x", "y", "z", "x", "y", "\f"},
    };
    seed = (uint64_t)clk_wall_ms();
    const char *given = getenv("SMS_TEXT_SEED");
    if (given)
        seed = strtoull(given, NULL, 10);
    printf("SMS_TEXT_SEED=%llu\n", (unsigned long long)seed);
    for (unsigned round = 0; round < 3000; round++) {
        char text[4 * SMS_TEXT_MAX + 8] = "";
        unsigned units = 0, limit = 1 + random_below(SMS_TEXT_MAX);
        unsigned pool = random_below(sizeof pools / sizeof pools[0]);
        while (units < limit) {
            const char *c = pools[pool][random_below(6)];
            units += strlen(c) == 4 ? 2 : 1;
            if (units > SMS_TEXT_MAX)
                break;
            append(text, c);
        }
        if (text[0])
            check_plan(text);
    }
}

/* All the mixtures that cut worst: one unit, then pairs to the limit, with a single unit slipped in at every place.
 * Proof for any text: a part that is not the last is short of one unit at most (check_plan), so it holds 66 UTF-16 units,
 * or 152 septets, which are 76 characters: 660 units never need more than ten. */
static void test_worst_cases_fit(void **state)
{
    (void)state;
    static const char *const wide[] = {"😀", "[", "[", "😀"}, *const slim[] = {"x", "x", "ő", "ő"};
    for (unsigned kind = 0; kind < 4; kind++)
        for (unsigned place = 0; place <= 70; place++) {
            char text[4 * SMS_TEXT_MAX + 8] = "";
            unsigned units = 0, width = kind == 0 || kind == 3 ? 2 : 1;
            for (unsigned i = 0; units + width <= SMS_TEXT_MAX - 1; i++) {
                append(text, i % 71 == place ? slim[kind] : wide[kind]);
                units += i % 71 == place ? 1 : width;
            }
            while (units++ < SMS_TEXT_MAX)
                append(text, slim[kind]);
            assert_true(check_plan(text).parts <= SMS_PARTS_MAX);
        }
}

/* libosmocore tests/sms/sms_test.c: concatenated_part1_enc, concatenated_part2_enc.  Its first part is cut by a hand. */
static void test_parts_of_osmocom(void **state)
{
    (void)state;
    static const char part1[] = "0500036F0201E8E8F41C949E83C2207A794E6F97E7F3F0B9EC02D1D1E939283D07"
                                "8541F4F29CDE2ECFE7E173D905"
                                "A2A3D373507A0E0A83E8E539BD5D9ECFC3E7B20B4447A7E7A0F41C1406D1CB737A"
                                "BB3C9F87CF6517888E4ECF41E9"
                                "39280CA297E7F476793E0F9FCB2E101D9D9E83D2735018442FCFE9EDF27C1E3E97"
                                "5DA0719D0E4297E56590CBE572"
                                "B974";
    static const char part2[] =
        "0500036F02024074747A0E4ACF4161D0BC3C7EBBC9207A794E6F97E7F3F0B9EC0295"
        "DD6410BA2C2FBB00";
    static const char text[] = "this is a testmessage. this is a testmessage. this is a "
                               "testmessage. this is a testmessage. "
                               "this is a testmessage. this is a testmessage. cut here .....: this "
                               "is a second testmessage. "
                               "end here.";
    struct sms_ud one = {.udhi = true, .udl = 160}, two = {.udhi = true, .udl = 47}, ours;
    struct sms_plan plan;
    const struct sms_ud *list[] = {&one, &two};
    char joined[512];
    tsv_hex(part1, one.octets, sizeof one.octets);
    tsv_hex(part2, two.octets, sizeof two.octets);
    assert_int_equal(sms_join(list, 2, joined, sizeof joined), OK);
    assert_string_equal(joined, text);
    assert_int_equal(sms_plan(text, &plan), OK);
    assert_int_equal(plan.parts, 2);
    assert_int_equal(sms_plan_part(text, &plan, 0, 0x6F, &ours), OK);
    assert_int_equal(ours.udl, one.udl);
    assert_memory_equal(ours.octets, one.octets, sizeof one.octets);
    assert_int_equal(sms_plan_part(text, &plan, 1, 0x6F, &ours), OK);
    assert_int_equal(ours.udl, two.udl);
    assert_memory_equal(ours.octets, two.octets, sizeof two.octets);
}

/* ---- joining what others send ---- */

static struct sms_ud make(enum sms_alphabet alphabet, const char *header, const char *hex,
                          unsigned udl)
{
    struct sms_ud ud = {.alphabet = alphabet, .udhi = header[0] != '\0', .udl = (uint8_t)udl};
    size_t n = tsv_hex(header, ud.octets, sizeof ud.octets);
    tsv_hex(hex, ud.octets + n, sizeof ud.octets - n);
    return ud;
}

/* Septets as characters of one octet each, behind a header. */
static struct sms_ud septets(const char *header, const uint8_t *codes, unsigned n)
{
    struct sms_ud ud = make(SMS_GSM7, header, "", 0);
    unsigned at = ((unsigned)strlen(header) / 2 * 8 + 6) / 7;
    for (unsigned i = 0; i < n; i++)
        for (unsigned bit = 0; bit < 7; bit++)
            if (codes[i] >> bit & 1)
                ud.octets[((at + i) * 7 + bit) / 8] |= (uint8_t)(1 << ((at + i) * 7 + bit) % 8);
    ud.udl = (uint8_t)(at + n);
    return ud;
}

static void assert_joins(const struct sms_ud *const *list, unsigned n, const char *expected)
{
    char out[256];
    assert_int_equal(sms_join(list, n, out, sizeof out), OK);
    assert_string_equal(out, expected);
    for (size_t size = 0; size <= strlen(expected);
         size++) { /* one short of what it needs, and less */
        char *exact = malloc(size ? size : 1);
        assert_non_null(exact);
        assert_int_equal(sms_join(list, n, exact, size), ERR_FULL);
        free(exact);
    }
    assert_int_equal(sms_join(list, n, out, strlen(expected) + 1), OK);
}

static void test_join_split_characters(void **state)
{
    (void)state;
    static const uint8_t a[] = {'a', 0x1B}, b[] = {0x65, 'b'};
    struct sms_ud one = septets("050003010201", a, 2), two = septets("050003010202", b, 2);
    assert_joins((const struct sms_ud *[]){&one, &two}, 2, "a€b");
    assert_joins((const struct sms_ud *[]){&one, NULL}, 2, "a …");
    assert_joins((const struct sms_ud *[]){NULL, &two}, 2, "…eb");
    assert_joins((const struct sms_ud *[]){&one}, 1, "a ");
    one = make(SMS_UCS2, "050003010201", "0041D83D", 10);
    two = make(SMS_UCS2, "050003010202", "DE030042", 10);
    assert_joins((const struct sms_ud *[]){&one, &two}, 2, "A😃B");
    assert_joins((const struct sms_ud *[]){&one, NULL}, 2, "A\uFFFD…");
    assert_joins((const struct sms_ud *[]){NULL, &two}, 2, "…\uFFFDB");
    one = make(SMS_UCS2, "06080400010201", "0041D8", 10); /* cut within a unit */
    two = make(SMS_UCS2, "06080400010202", "3DDE03", 10);
    assert_joins((const struct sms_ud *[]){&one, &two}, 2, "A😃");
    assert_joins((const struct sms_ud *[]){&one, NULL}, 2, "A\uFFFD…");
}

static void test_join_lone_surrogates(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *expected;
    } rows[] = {
        {"D83D", "\uFFFD"},          {"DE03", "\uFFFD"},
        {"D83DD83DDE03", "\uFFFD😃"}, {"DE03D83D", "\uFFFD\uFFFD"},
        {"D83D0041", "\uFFFDA"},     {"00410000", "A\uFFFD"}, /* a NUL would end the text */
        {"FFFF", "\uFFFF"},          {"DBFFDFFF", "\U0010FFFF"},
        {"004142", "A\uFFFD"},       {"", ""},
        {"FEFF0041", "\uFEFFA"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sms_ud ud = make(SMS_UCS2, "", rows[i].hex, (unsigned)strlen(rows[i].hex) / 2);
        assert_joins((const struct sms_ud *[]){&ud}, 1, rows[i].expected);
    }
}

static void test_join_mixed(void **state)
{
    (void)state;
    static const uint8_t hello[] = {'h', 'i', 0x1B};
    struct sms_ud gsm = septets("050003010401", hello, 3);
    struct sms_ud ucs = make(SMS_UCS2, "050003010402", "6F22D83D", 10);
    struct sms_ud raw = make(SMS_8BIT, "", "0102", 2);
    assert_joins((const struct sms_ud *[]){&gsm, &ucs, &gsm, NULL}, 4, "hi 漢\uFFFDhi …");
    assert_joins((const struct sms_ud *[]){NULL, NULL}, 2, "……");
    assert_joins(NULL, 0, "");
    char out[64] = "x";
    assert_int_equal(sms_join((const struct sms_ud *[]){&gsm, &raw}, 2, out, sizeof out),
                     ERR_UNSUPPORTED);
    assert_string_equal(out, "");
    raw.alphabet = (enum sms_alphabet)9;
    assert_int_equal(sms_join((const struct sms_ud *[]){&raw}, 1, out, sizeof out),
                     ERR_UNSUPPORTED);
}

static void test_join_languages(void **state)
{
    (void)state;
    static const uint8_t codes[] = {0x07, 0x1B, 0x69, 0x1C, 'x', 0x1B};
    struct sms_ud plain = septets("", codes, 6), lock = septets("03250101", codes, 6);
    struct sms_ud single = septets("03240101", codes, 6),
                  both = septets("06240101250101", codes, 6);
    assert_joins((const struct sms_ud *[]){&plain}, 1, "ìiÆx ");
    assert_joins((const struct sms_ud *[]){&lock}, 1, "ıiŞx ");
    assert_joins((const struct sms_ud *[]){&single}, 1, "ìıÆx ");
    assert_joins((const struct sms_ud *[]){&both}, 1, "ııŞx ");
    assert_joins((const struct sms_ud *[]){&plain, &both, &lock}, 3, "ìiÆx ııŞx ıiŞx ");
    /* by A.3.6, letter for letter */
    static const uint8_t hindi[] = {0x2F, 0x42, 0x4C, 0x5F, 0x27, 0x59};
    struct sms_ud namaste = septets("03250106", hindi, 6);
    assert_joins((const struct sms_ud *[]){&namaste}, 1, "नमस्ते");
}

/* Every part there can be, of the characters that take most room. */
static void test_join_most(void **state)
{
    (void)state;
    static char out[131072];
    static const struct sms_ud *list[SMS_JOIN_MAX];
    struct sms_ud ud = {.alphabet = SMS_GSM7, .udhi = true, .udl = 255};
    const uint8_t header[] = {8, 0, 3, 1, 255, 1, 0x25, 1, 6};
    for (unsigned i = 0; i < 160; i++)
        gsm7_put(ud.octets, i, i < 11 ? 0 : 0x05); /* hindi: three bytes of UTF-8 */
    memcpy(ud.octets, header, sizeof header);
    for (unsigned i = 0; i < SMS_JOIN_MAX; i++)
        list[i] = &ud;
    assert_int_equal(sms_join(list, SMS_JOIN_MAX, out, sizeof out), OK);
    assert_true(strlen(out) >= SMS_JOIN_MAX * 148u * 3);
    assert_int_equal(text_utf8_check(out, strlen(out)), OK);
    ud = (struct sms_ud){.alphabet = SMS_UCS2, .udl = 255};
    memset(ud.octets, 0x6F, sizeof ud.octets);
    assert_int_equal(sms_join(list, SMS_JOIN_MAX, out, sizeof out), OK);
    assert_int_equal(strlen(out), SMS_JOIN_MAX * 70 * 3);
}

/* oFono unit/test-sms.c, assembly_pdu1 to 3: recorded on a phone. */
static void test_join_recorded(void **state)
{
    (void)state;
    static const char *const pdus[] = {
        "038121F340048155550119906041001222048C0500031E0301041804420430043A002C00200410043B0435043A"
        "04"
        "410430043D04340440002000200441043B044304480430043B00200437043000200434043204350440044C044E"
        "00"
        "20002004380020002004320441043500200431043E043B044C044804350020043F0440043504380441043F043E"
        "04"
        "3B043D044F043B0441044F002000200433043D0435",
        "038121F340048155550119906041001222048C0500031E03020432043E043C002E000A041D0430043A043E043D"
        "04"
        "350446002C0020043D043500200432002004410438043B04300445002004340430043B04350435002004420435"
        "04"
        "40043F04350442044C002C0020043E043D00200441044204400435043C043804420435043B044C043D043E0020"
        "04"
        "320431043504360430043B002004320020043A043E",
        "038121F340048155550119906041001222044A0500031E0303043C043D043004420443002C0020043F043E0437"
        "04"
        "300431044B0432000A0434043004360435002C002004470442043E002000200431044B043B0020043D04300433"
        "00"
        "2E",
    };
    static const char expected[] =
        "Итак, Александр  слушал за дверью  и  все больше преисполнялся  гневом.\n"
        "Наконец, не в силах далее терпеть, он стремительно вбежал в комнату, позабыв\n"
        "даже, что  был наг.";
    struct sms_inbound in;
    uint8_t pdu[256];
    struct sms_ud uds[3];
    char out[1024];
    for (unsigned i = 0; i < 3; i++) {
        size_t n = tsv_hex(pdus[i], pdu, sizeof pdu);
        assert_int_equal(sms_decode(pdu, n, &in), OK);
        assert_int_equal(in.deliver.concat.ref, 30);
        assert_int_equal(in.deliver.concat.seq, i + 1);
        uds[i] = in.deliver.ud;
    }
    assert_int_equal(
        sms_join((const struct sms_ud *[]){&uds[0], &uds[1], &uds[2]}, 3, out, sizeof out), OK);
    assert_string_equal(out, expected);
    assert_int_equal(
        sms_join((const struct sms_ud *[]){&uds[0], NULL, &uds[2]}, 3, out, sizeof out), OK);
    assert_non_null(strstr(out, "гне…мнату"));
}

static void test_alphabet_names(void **state)
{
    (void)state;
    assert_string_equal(sms_alphabet_str(SMS_GSM7), "gsm7");
    assert_string_equal(sms_alphabet_str(SMS_8BIT), "8bit");
    assert_string_equal(sms_alphabet_str(SMS_UCS2), "ucs2");
}

/* A plan that is not of this text is refused, not written over the end. */
static void test_foreign_plan(void **state)
{
    (void)state;
    static char text[400];
    struct sms_plan plan = {.alphabet = SMS_GSM7, .parts = 1, .start = {0, 161}};
    struct sms_ud ud;
    repeat(text, "x", 399);
    assert_int_equal(sms_plan_part(text, &plan, 0, 0, &ud), ERR_RANGE);
    plan.start[1] = 80;
    assert_int_equal(sms_plan_part(repeat(text, "[", 300), &plan, 0, 0, &ud), OK);
    plan.start[1] = 81;
    assert_int_equal(sms_plan_part(text, &plan, 0, 0, &ud), ERR_RANGE);
    assert_int_equal(sms_plan_part(repeat(text, "ő", 100), &plan, 0, 0, &ud), ERR_SYNTAX);
    plan.alphabet = SMS_UCS2;
    plan.start[1] = 142;
    assert_int_equal(sms_plan_part(text, &plan, 0, 0, &ud), ERR_RANGE);
    plan.parts = SMS_PARTS_MAX + 1;
    assert_int_equal(sms_plan_part(text, &plan, 0, 0, &ud), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_boundaries),           cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random_plans),         cmocka_unit_test(test_worst_cases_fit),
        cmocka_unit_test(test_parts_of_osmocom),     cmocka_unit_test(test_join_split_characters),
        cmocka_unit_test(test_join_lone_surrogates), cmocka_unit_test(test_join_mixed),
        cmocka_unit_test(test_join_languages),       cmocka_unit_test(test_join_most),
        cmocka_unit_test(test_join_recorded),        cmocka_unit_test(test_alphabet_names),
        cmocka_unit_test(test_foreign_plan),
    };
    return cmocka_run_group_tests_name("sms_text", tests, NULL, NULL);
}
