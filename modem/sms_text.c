/* sms_text.c - texts and parts: planning a text into parts, writing a part, joining parts back.
 * Knows no address and no TPDU.  Promises: linear in the text; pure; any octets of any part are safe. */
#include <string.h>

#include "gsm7.h"
#include "sms.h"
#include "sms_udh.h"
#include "text.h"

#define CONCAT_OCTETS   5 /* the element of 9.2.3.24.1 */
#define LANGUAGE_OCTETS 3 /* that of 9.2.3.24.15 and of .16 */

const char *sms_alphabet_str(enum sms_alphabet a)
{
    switch (a) {
    case SMS_GSM7:
        return "gsm7";
    case SMS_8BIT:
        return "8bit";
    case SMS_UCS2:
        return "ucs2";
    }
    return "?";
}

/* ---- planning ---- */

static unsigned septets_of(const struct sms_plan *plan, uint32_t cp, uint8_t code[2])
{
    if (plan->lang_lock || plan->lang_single)
        return gsm7_encode_in(plan->lang_lock, plan->lang_single, cp, code);
    return gsm7_encode(cp, code);
}

unsigned sms_plan_units(const struct sms_plan *plan, uint32_t cp)
{
    uint8_t code[2];
    if (plan->alphabet == SMS_GSM7)
        return septets_of(plan, cp, code);
    return cp > 0xFFFF ? 2 : 1;
}

/* With its length octet; 0: none. */
static unsigned header_octets(const struct sms_plan *plan, bool concatenated)
{
    unsigned octets = (concatenated ? CONCAT_OCTETS : 0) + (plan->lang_lock ? LANGUAGE_OCTETS : 0) +
                      (plan->lang_single ? LANGUAGE_OCTETS : 0);
    return octets ? octets + 1 : 0;
}

static unsigned capacity(const struct sms_plan *plan, bool concatenated)
{
    unsigned header = header_octets(plan, concatenated);
    if (plan->alphabet == SMS_GSM7)
        return SMS_SEPTETS_MAX - (header * 8 + 6) / 7; /* to the septet boundary */
    return (SMS_UD_MAX - header) / 2;
}

static enum err measure(const char *text, size_t len, struct sms_plan *plan)
{
    static const struct sms_plan as_gsm7 = {.alphabet = SMS_GSM7}, as_ucs2 = {.alphabet = SMS_UCS2};
    unsigned utf16 = 0, septets = 0;
    bool gsm7 = true;
    for (size_t at = 0; at < len;) {
        uint32_t cp;
        if (text_utf8_next(text, len, &at, &cp))
            return ERR_SYNTAX;
        unsigned n = sms_plan_units(&as_gsm7, cp);
        gsm7 = gsm7 && n > 0;
        septets += n;
        utf16 += sms_plan_units(&as_ucs2, cp);
        if (utf16 > SMS_TEXT_MAX)
            return ERR_RANGE;
    }
    plan->alphabet = gsm7 ? SMS_GSM7 : SMS_UCS2;
    plan->units = (uint16_t)(gsm7 ? septets : utf16);
    return OK;
}

/* Fills each part with as many whole characters as it holds. */
static enum err cut(const char *text, size_t len, struct sms_plan *plan)
{
    unsigned used = 0, max = capacity(plan, true);
    plan->parts = 1;
    plan->start[0] = 0;
    plan->start[1] = (uint16_t)len;
    if (plan->units <= capacity(plan, false))
        return OK;
    for (size_t at = 0; at < len;) {
        size_t here = at;
        uint32_t cp;
        if (text_utf8_next(text, len, &at, &cp))
            return ERR_SYNTAX;
        unsigned n = sms_plan_units(plan, cp);
        if (used + n > max) {
            if (plan->parts == SMS_PARTS_MAX)
                return ERR_RANGE;
            plan->start[plan->parts++] = (uint16_t)here;
            used = 0;
        }
        used += n;
    }
    plan->start[plan->parts] = (uint16_t)len;
    return OK;
}

enum err sms_plan(const char *text, struct sms_plan *plan)
{
    struct sms_plan made = {0};
    size_t len = strlen(text);
    if (len == 0)
        return ERR_SYNTAX;
    enum err e = measure(text, len, &made);
    if (!e)
        e = cut(text, len, &made);
    if (!e)
        *plan = made;
    return e;
}

/* ---- planning with a national language ---- */

const char *sms_language_str(uint8_t language)
{
    static const char *const names[GSM7_LANGUAGES] = {
        "",        "turkish",   "spanish", "portuguese", "bengali", "gujarati", "hindi",
        "kannada", "malayalam", "oriya",   "punjabi",    "tamil",   "telugu",   "urdu"};
    return language < GSM7_LANGUAGES ? names[language] : "";
}

/* ERR_SYNTAX: a character that these tables do not have. */
static enum err count_septets(const char *text, size_t len, struct sms_plan *plan)
{
    unsigned septets = 0;
    for (size_t at = 0; at < len;) {
        uint32_t cp;
        if (text_utf8_next(text, len, &at, &cp))
            return ERR_SYNTAX;
        unsigned n = sms_plan_units(plan, cp);
        if (n == 0)
            return ERR_SYNTAX;
        septets += n;
    }
    plan->units = (uint16_t)septets;
    return OK;
}

static void try_language(const char *text, size_t len, uint8_t lock, uint8_t single,
                         struct sms_plan *best)
{
    struct sms_plan plan = {.alphabet = SMS_GSM7, .lang_lock = lock, .lang_single = single};
    if (count_septets(text, len, &plan) == OK && cut(text, len, &plan) == OK &&
        plan.parts < best->parts)
        *best = plan;
}

/* Languages that have whatever the default alphabet has not; the others need not be tried. */
static unsigned languages_for(const char *text, size_t len)
{
    unsigned languages = (1u << GSM7_LANGUAGES) - 2;
    uint32_t cp;
    for (size_t at = 0; at < len && languages && text_utf8_next(text, len, &at, &cp) == OK;) {
        uint8_t code[2];
        if (gsm7_encode(cp, code) == 0)
            languages = gsm7_languages(languages, cp);
    }
    return languages;
}

/* Single shift tables first, and so where equally many parts come out: a phone that does not know one shows the
 * letter that stands there without its accent (6.2.1.2.2); without a locking one it shows any letter. */
enum err sms_plan_national(const char *text, struct sms_plan *plan)
{
    size_t len = strlen(text);
    enum err e = sms_plan(text, plan);
    if (e || plan->alphabet != SMS_UCS2 || plan->parts == 1)
        return e;
    unsigned languages = languages_for(text, len);
    for (uint8_t i = 1; i < GSM7_LANGUAGES; i++)
        if (languages >> i & 1)
            try_language(text, len, 0, i, plan);
    for (uint8_t i = 1; i < GSM7_LANGUAGES; i++) {
        if (!(languages >> i & 1) || !gsm7_locking[i])
            continue;
        try_language(text, len, i, 0, plan);
        try_language(text, len, i, i, plan);
    }
    return OK;
}

/* ---- writing a part ---- */

static void write_element(struct sms_ud *ud, uint8_t id, const uint8_t *data, uint8_t n)
{
    uint8_t *at = ud->octets + 1 + ud->octets[0];
    at[0] = id;
    at[1] = n;
    memcpy(at + 2, data, n);
    ud->octets[0] = (uint8_t)(ud->octets[0] + 2 + n);
}

static void write_header(struct sms_ud *ud, const struct sms_plan *plan, uint8_t ref,
                         unsigned index)
{
    const uint8_t concat[] = {ref, plan->parts, (uint8_t)(index + 1)};
    unsigned octets = header_octets(plan, plan->parts > 1);
    if (octets == 0)
        return;
    ud->udhi = true;
    if (plan->parts > 1)
        write_element(ud, 0x00, concat, sizeof concat); /* 9.2.3.24.1 */
    if (plan->lang_single)
        write_element(ud, 0x24, &plan->lang_single, 1); /* 9.2.3.24.15 */
    if (plan->lang_lock)
        write_element(ud, 0x25, &plan->lang_lock, 1); /* 9.2.3.24.16 */
    ud->udl = (uint8_t)(ud->alphabet == SMS_GSM7 ? (octets * 8 + 6) / 7 : octets);
}

static enum err write_gsm7(struct sms_ud *ud, const struct sms_plan *plan, uint32_t cp)
{
    uint8_t code[2];
    unsigned n = septets_of(plan, cp, code);
    if (n == 0)
        return ERR_SYNTAX;
    if (ud->udl + n > SMS_SEPTETS_MAX)
        return ERR_RANGE;
    for (unsigned i = 0; i < n; i++)
        gsm7_put(ud->octets, ud->udl++, code[i]);
    return OK;
}

static void write_unit(struct sms_ud *ud, uint32_t unit)
{
    ud->octets[ud->udl++] = (uint8_t)(unit >> 8);
    ud->octets[ud->udl++] = (uint8_t)unit;
}

static enum err write_ucs2(struct sms_ud *ud, uint32_t cp)
{
    if (ud->udl + (cp > 0xFFFF ? 4 : 2) > SMS_UD_MAX)
        return ERR_RANGE;
    if (cp > 0xFFFF) {
        write_unit(ud, 0xD800 + ((cp - 0x10000) >> 10));
        write_unit(ud, 0xDC00 + (cp & 0x3FF));
    } else {
        write_unit(ud, cp);
    }
    return OK;
}

enum err sms_plan_part(const char *text, const struct sms_plan *plan, unsigned index, uint8_t ref,
                       struct sms_ud *ud)
{
    struct sms_ud made = {.alphabet = plan->alphabet};
    if (plan->parts > SMS_PARTS_MAX || index >= plan->parts)
        return ERR_RANGE;
    write_header(&made, plan, ref, index);
    size_t end = plan->start[index + 1];
    for (size_t at = plan->start[index]; at < end;) {
        uint32_t cp;
        enum err e = text_utf8_next(text, end, &at, &cp);
        if (!e)
            e = plan->alphabet == SMS_GSM7 ? write_gsm7(&made, plan, cp) : write_ucs2(&made, cp);
        if (e)
            return e;
    }
    *ud = made;
    return OK;
}

/* ---- joining ---- */

/* A run: parts that follow each other in one alphabet and language; characters may span them. */
struct run {
    enum sms_alphabet alphabet;
    uint8_t lang_lock, lang_single;
    struct gsm7_decoder gsm7;
    bool half; /* the first octet of a UTF-16 unit is there */
    uint8_t half_octet;
    uint16_t high; /* a high surrogate waits for its low one; 0: none */
    char *out;
    size_t left; /* room, the NUL included */
    bool full;
};

static void put(struct run *run, uint32_t cp)
{
    char utf8[4];
    size_t n = text_utf8_put(utf8, cp ? cp : 0xFFFD); /* a NUL would end the text */
    if (n >= run->left)
        run->full = true;
    if (run->full)
        return;
    memcpy(run->out, utf8, n);
    run->out += n;
    run->left -= n;
}

/* What was open stays open: 23.038 6.2.1 note 1 for the escape, U+FFFD for halves of characters. */
static void run_end(struct run *run)
{
    if (run->gsm7.escaped)
        put(run, ' ');
    if (run->high)
        put(run, 0xFFFD);
    if (run->half)
        put(run, 0xFFFD);
    run->gsm7.escaped = false;
    run->high = 0;
    run->half = false;
}

static void run_begin(struct run *run, const struct sms_ud *ud)
{
    struct sms_udh udh;
    sms_udh_read(ud, &udh);
    if (run->alphabet == ud->alphabet && run->lang_lock == udh.lang_lock &&
        run->lang_single == udh.lang_single)
        return;
    run_end(run);
    run->alphabet = ud->alphabet;
    run->lang_lock = udh.lang_lock;
    run->lang_single = udh.lang_single;
    gsm7_decoder_init(&run->gsm7, udh.lang_lock, udh.lang_single);
}

static void join_unit(struct run *run, uint16_t unit)
{
    bool low = unit >= 0xDC00 && unit <= 0xDFFF;
    if (run->high && low) {
        put(run, 0x10000 + ((run->high - 0xD800u) << 10) + (unit - 0xDC00u));
        run->high = 0;
        return;
    }
    if (run->high)
        put(run, 0xFFFD);
    run->high = unit >= 0xD800 && unit <= 0xDBFF ? unit : 0;
    if (!run->high)
        put(run, low ? 0xFFFD : unit);
}

static void join_ucs2(struct run *run, const struct sms_ud *ud)
{
    for (unsigned i = sms_ud_header_units(ud); i < sms_ud_octets(ud); i++) {
        if (run->half)
            join_unit(run, (uint16_t)(run->half_octet << 8 | ud->octets[i]));
        run->half = !run->half;
        run->half_octet = ud->octets[i];
    }
}

static void join_gsm7(struct run *run, const struct sms_ud *ud)
{
    unsigned end = ud->udl < SMS_SEPTETS_MAX ? ud->udl : SMS_SEPTETS_MAX;
    for (unsigned i = sms_ud_header_units(ud); i < end; i++) {
        uint32_t cp = gsm7_decode(&run->gsm7, gsm7_get(ud->octets, i));
        if (cp)
            put(run, cp);
    }
}

static enum err join_parts(struct run *run, const struct sms_ud *const *uds, unsigned parts)
{
    for (unsigned i = 0; i < parts; i++) {
        if (!uds[i]) {
            run_end(run);
            put(run, 0x2026);
            continue;
        }
        if (uds[i]->alphabet != SMS_GSM7 && uds[i]->alphabet != SMS_UCS2)
            return ERR_UNSUPPORTED;
        run_begin(run, uds[i]);
        if (uds[i]->alphabet == SMS_GSM7)
            join_gsm7(run, uds[i]);
        else
            join_ucs2(run, uds[i]);
    }
    run_end(run);
    return run->full ? ERR_FULL : OK;
}

enum err sms_join(const struct sms_ud *const *uds, unsigned parts, char *out, size_t size)
{
    struct run run = {.alphabet = SMS_GSM7, .out = out, .left = size};
    if (size == 0)
        return ERR_FULL;
    gsm7_decoder_init(&run.gsm7, 0, 0);
    enum err e = join_parts(&run, uds, parts);
    if (e)
        run.out = out;
    *run.out = '\0';
    return e;
}
