/* at_mask.c - which pieces of a line are somebody's business.
 * Knows neither descriptor nor dialogue.  Promises: as at_mask.h says; every loop ends at n. */
#include "at_mask.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

#define RUN_MIN                                                                                    \
    7 /* digits that are a number wherever they stand; shorter ones are codes and counts */
#define ID_MAX     22 /* an IMEI, IMSI or ICCID that stands alone */
#define CSIM_PLAIN 10 /* CLA INS P1 P2 Lc; data of a VERIFY is the PIN */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static bool is_end(char c)
{
    return c == '\r' || c == '\n';
}

static bool begins(const char *s, size_t n, const char *name)
{
    char head[16] = "";
    size_t len = strlen(name);
    if (n < len)
        return false;
    memcpy(head, s, len);
    return text_equal_nocase(head, name);
}

static size_t span(const char *s, size_t n, bool (*is)(char))
{
    size_t i = 0;
    while (i < n && is(s[i]))
        i++;
    return i;
}

/* ---- secrets ---- */

static bool begins_any(const char *s, size_t n, const char *const *names)
{
    for (; *names; names++)
        if (begins(s, n, *names))
            return true;
    return false;
}

/* CLA INS P1 P2 Lc as 102.221 10.1.1 has them, and no number: P1 or P2 is 00, or a letter is among INS, P1, P2. */
static bool is_csim_header(const char *s, size_t n)
{
    if (n < CSIM_PLAIN || span(s, CSIM_PLAIN, is_hex) != CSIM_PLAIN)
        return false;
    return memcmp(s + 4, "00", 2) == 0 || memcmp(s + 6, "00", 2) == 0 ||
           span(s + 2, 6, is_digit) < 6;
}

/* What is to be blanked of a "+CSIM=<length>,<command>": data of a VERIFY are the PIN.  Quotes are not relied on. */
static void blank_csim(char *s, size_t n)
{
    size_t end = 0, at = strlen("+CSIM=");
    while (end < n && !is_end(s[end]))
        end++;
    const char *comma = memchr(s, ',', end);
    if (comma)
        at = (size_t)(comma - s) + 1;
    at += at < end && s[at] == '"';
    if (is_csim_header(s + at, end - at))
        at += CSIM_PLAIN;
    for (; at < end; at++)
        if (s[at] != '"' && s[at] != 0x1A)
            s[at] = '*';
}

void at_mask_secrets(struct at_mask *k, char direction, char *bytes, size_t n)
{
    static const char *const names[] = {
        "+CPIN=", "+CLCK=", "+CPWD=", "^CPIN=", "*CPIN=", "+CPIN2=", "+CPINCE=", "+EPIN=", NULL};
    bool *secret = &k->secret[direction == '>'];
    for (size_t i = 0; i < n; i++) {
        *secret = (*secret || begins_any(bytes + i, n - i, names)) && !is_end(bytes[i]);
        if (*secret && is_digit(bytes[i]))
            bytes[i] = '*';
        if (begins(bytes + i, n - i, "+CSIM="))
            blank_csim(bytes + i, n - i);
    }
}

/* ---- numbers ---- */

void at_mask_number(struct at_mask *k, char **digit, size_t n)
{
    char text[AT_MASK_DIGITS + 1];
    unsigned i = 0;
    size_t len = n < AT_MASK_DIGITS ? n : AT_MASK_DIGITS;
    if (n == 0)
        return;
    for (size_t j = 0; j < len; j++)
        text[j] = *digit[j];
    text[len] = '\0';
    while (i < k->count && strcmp(k->number[i], text) != 0)
        i++;
    if (i == k->count && i < AT_MASK_NUMBERS)
        memcpy(k->number[k->count++], text, len + 1);
    for (size_t j = n >= 19 ? 2 : 0; j < n; j++) /* an ICCID begins with 89 */
        *digit[j] = '9';
    if (n > 2 && i < AT_MASK_NUMBERS)
        *digit[n - 2] = (char)('0' + i / 10);
    if (n > 1 && i < AT_MASK_NUMBERS)
        *digit[n - 1] = (char)('0' + i % 10);
}

/* Up to n digits from s on, as one number; every `step`-th character is one. */
static void mask_run(struct at_mask *k, char *s, size_t n, size_t step)
{
    char *digit[AT_MASK_DIGITS];
    size_t count = 0;
    for (size_t i = 0; i < n; i += step) {
        if (!is_digit(s[i]))
            continue;
        if (count == AT_MASK_DIGITS) {
            at_mask_number(k, digit, count);
            count = 0;
        }
        digit[count++] = &s[i];
    }
    at_mask_number(k, digit, count);
}

/* "984…" of the card: two digits of an octet are swapped. */
static void mask_swapped(struct at_mask *k, char *s, size_t n)
{
    char *digit[AT_MASK_DIGITS];
    size_t count = 0;
    for (size_t i = 0; i < n + n % 2; i++) {
        size_t at = i ^ 1;
        if (at >= n || !is_digit(s[at]))
            continue;
        if (count == AT_MASK_DIGITS) {
            at_mask_number(k, digit, count);
            count = 0;
        }
        digit[count++] = &s[at];
    }
    at_mask_number(k, digit, count);
}

static void mask_long_runs(struct at_mask *k, char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t run = span(s + i, n - i, is_digit);
        if (run >= RUN_MIN)
            mask_run(k, s + i, run, 1);
        i += run ? run : 1;
    }
}

/* ---- strings ---- */

/* "002B0034" is "+4": four digits a character. */
static bool is_ucs2_number(const char *s, size_t n)
{
    for (size_t i = 0; i + 4 <= n; i += 4)
        if (memcmp(s + i, "003", 3) != 0 && memcmp(s + i, "002B", 4) != 0)
            return false;
    return n >= 8 && n % 4 == 0 && span(s, n, is_hex) == n;
}

static void mask_text(char *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (is_digit(s[i]))
            s[i] = '9';
        else if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c >= 0x80)
            s[i] = 'x';
    }
}

static void fill_ucs2(char *hex, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hex[i] = "0078"[i % 4];
}

/* A number in quotes in one of its coatings, or a name. */
static void mask_string(struct at_mask *k, char *s, size_t n)
{
    bool plus = n && s[0] == '+';
    if (span(s + plus, n - plus, is_digit) == n - plus)
        mask_run(k, s, n, 1);
    else if (is_ucs2_number(s, n))
        mask_run(k, s + 3, n - 3, 4);
    else if (n >= 8 && n % 4 == 0 && span(s, n, is_hex) == n)
        fill_ucs2(s, n);
    else
        mask_text(s, n);
}

/* Up to the next quote, or to n. */
static size_t string_length(const char *s, size_t n)
{
    const char *end = memchr(s, '"', n);
    return end ? (size_t)(end - s) : n;
}

/* Every string by `mask`; outside of them only what is long enough to be a number. */
static void each_string(struct at_mask *k, char *s, size_t n,
                        void (*mask)(struct at_mask *k, char *s, size_t n))
{
    for (size_t i = 0; i < n;) {
        size_t outside = string_length(s + i, n - i);
        mask_long_runs(k, s + i, outside);
        i += outside + 1;
        if (i >= n)
            return;
        size_t len = string_length(s + i, n - i);
        mask(k, s + i, len);
        i += len + 1;
    }
}

/* ---- USSD ---- */

/* "xxxx" in seven bits a character, two digits an octet: 0x78 over and over (23.038 6.1.2.1). */
static void fill_packed(char *hex, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        unsigned octet = 0;
        for (unsigned b = 0; b < 8; b++)
            octet |= ((0x78u >> ((i / 2 * 8 + b) % 7)) & 1u) << b;
        hex[i] = "0123456789ABCDEF"[octet >> 4];
        hex[i + 1] = "0123456789ABCDEF"[octet & 15];
    }
}

/* Characters of one script, mostly: every other octet is nearly the same. */
static bool looks_ucs2(const char *s, size_t n)
{
    size_t same = 0;
    for (size_t i = 0; i < n; i += 4)
        same += s[i] == '0' && (s[i + 1] == '0' || s[i + 1] == '4');
    return 2 * same >= n / 4;
}

static void mask_ussd(struct at_mask *k, char *s, size_t n)
{
    (void)k;
    bool hex = n >= 4 && n % 2 == 0 && span(s, n, is_hex) == n;
    if (hex && n % 4 == 0 && looks_ucs2(s, n))
        fill_ucs2(s, n);
    else if (hex)
        fill_packed(s, n);
    else
        mask_text(s, n);
}

/* Where the text ends, if it does in this line; what stands behind it is a line like others. */
static void mask_ussd_rest(struct at_mask *k, char *s, size_t n)
{
    size_t len = string_length(s, n);
    k->in_ussd = len == n;
    mask_ussd(k, s, len);
    if (len < n)
        each_string(k, s + len + 1, n - len - 1, mask_string);
}

static void mask_ussd_line(struct at_mask *k, char *s, size_t n)
{
    size_t before = string_length(s, n);
    mask_long_runs(k, s, before);
    if (before < n)
        mask_ussd_rest(k, s + before + 1, n - before - 1);
}

/* ---- lines ---- */

/* Where one is: areas and cells. */
static void blank_hex(struct at_mask *k, char *s, size_t n)
{
    (void)k;
    for (size_t i = 0; i < n; i++)
        if (is_hex(s[i]))
            s[i] = '0';
}

static void mask_place(struct at_mask *k, char *s, size_t n)
{
    each_string(k, s, n, blank_hex);
}

static void mask_numbers(struct at_mask *k, char *s, size_t n)
{
    each_string(k, s, n, mask_string);
}

static void mask_header(struct at_mask *k, char *s, size_t n)
{
    k->message_due = true;
    mask_numbers(k, s, n);
}

static void mask_card(struct at_mask *k, char *s, size_t n)
{
    each_string(k, s, n, mask_swapped);
}

/* at_mask_secrets() did the command; what stands before it is no part of it. */
static void mask_csim(struct at_mask *k, char *s, size_t n)
{
    const char *comma = memchr(s, ',', n);
    if (comma)
        mask_long_runs(k, s, (size_t)(comma - s));
}

/* By the name of an answer or a command; a name that is a part of another one stands behind it. */
static const struct {
    const char *name;
    void (*mask)(struct at_mask *k, char *s, size_t n);
} lines[] = {
    {"+CUSD", mask_ussd_line},  {"+CMTI", mask_long_runs},  {"+CDSI", mask_long_runs},
    {"+CMT:", mask_header},     {"+CMGR:", mask_header},    {"+CMGL:", mask_header},
    {"+CDS:", mask_header},     {"+CBM:", mask_header},     {"+CREG", mask_place},
    {"+CGREG", mask_place},     {"+CEREG", mask_place},     {"+CRSM", mask_card},
    {"+CSIM=", mask_csim},      {"+CLIP", mask_numbers},    {"+CNUM", mask_numbers},
    {"+CSCA", mask_numbers},    {"+CCWA", mask_numbers},    {"+CPBR", mask_numbers},
    {"+CMGS=\"", mask_numbers}, {"+CMGW=\"", mask_numbers}, {"+COLP", mask_numbers},
    {"^ORIG", mask_numbers},
};

static void mask_line(struct at_mask *k, char *s, size_t n)
{
    size_t at = begins(s, n, "AT") ? 2 : 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        if (begins(s + at, n - at, lines[i].name)) {
            lines[i].mask(k, s, n);
            return;
        }
    }
    mask_long_runs(k, s, n);
}

/* A line that is nothing but digits: an identity, or a PDU where one is due. */
static void mask_bare(struct at_mask *k, char *s, size_t n, bool ours)
{
    size_t digits = span(s, n, is_digit);
    bool id = n <= ID_MAX && digits + 1 >= n;
    if (id && !k->message_due)
        mask_run(k, s, n, 1);
    else
        at_mask_pdu(k, s, n, ours);
    k->message_due = false;
}

/* The message that its header announced did not come. */
static bool is_result(const char *s, size_t n)
{
    static const char *const results[] = {"+CM", "ERROR", NULL};
    return begins_any(s, n, results) || (n == 2 && begins(s, n, "OK"));
}

static void mask_content(struct at_mask *k, char *s, size_t n, bool ours)
{
    bool last = n && s[n - 1] == 0x1A; /* Ctrl-Z: a PDU or a text of ours */
    size_t len = n - last;
    if (len == 0)
        return;
    k->in_ussd = k->in_ussd && !ours;
    if (!ours && k->torn)
        mask_text(s, len);
    else if (k->in_ussd)
        mask_ussd_rest(k, s, len);
    else if (len >= 14 && span(s, len, is_hex) == len)
        mask_bare(k, s, len, ours);
    else if (last || (!ours && k->message_due && !is_result(s, len))) {
        k->message_due = false;
        mask_text(s, len);
    } else {
        mask_line(k, s, len);
    }
}

static bool is_prompt(const char *s, size_t n)
{
    while (n && (*s == '\r' || *s == '\n')) {
        s++;
        n--;
    }
    return n && *s == '>';
}

void at_mask_all(struct at_mask *k, char direction, char *bytes, size_t n)
{
    at_mask_secrets(k, direction, bytes, n);
    for (size_t i = 0, len; i < n; i += len + 1) {
        for (len = 0; i + len < n && !is_end(bytes[i + len]);)
            len++;
        mask_content(k, bytes + i, len, direction == '>');
        k->torn = k->torn && direction != '<';
    }
    if (direction == '<')
        k->torn = n && !is_end(bytes[n - 1]) && !is_prompt(bytes, n);
}
