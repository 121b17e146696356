/* phone.c - is this a phone number that we can send to?
 * Refuses to know numbering plans beyond E.164's shape and Japan's trunk zero.  Pure. */
#include "phone.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "text.h"

#define DIGITS_MAX        15 /* E.164 */
#define DIGITS_MIN        5  /* no country code alone */
#define SENDER_DIGITS_MAX 15
#define SENDER_CHARS_MAX  10

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits behind the plus; how many, or -1 for anything that does not belong there. */
static int collect(const char *s, char out[DIGITS_MAX + 1])
{
    int n = 0;
    for (; *s; s++) {
        if (is_digit(*s)) {
            if (n == DIGITS_MAX)
                return DIGITS_MAX + 1;
            out[n++] = *s;
        } else if (!strchr(" .-()", *s)) {
            return -1;
        }
    }
    out[n] = '\0';
    return n;
}

enum err phone_normalise(const char *text, char out[PHONE_MAX], const char **why)
{
    char digits[DIGITS_MAX + 1];
    size_t blank = strspn(text, " \t\r\n");
    if (text[blank] != '+') {
        *why = blank && is_digit(text[blank])
                   ? "Not a phone number: + and the country code come first (in a form, + is "
                     "written %2B)."
                   : "Not a phone number: + and the country code come first.";
        return ERR_SYNTAX;
    }
    int n = collect(text + blank + 1, digits);
    if (n < 0) {
        *why = "Not a phone number: one number of + and digits is wanted.";
        return ERR_SYNTAX;
    }
    if (n > DIGITS_MAX || n < DIGITS_MIN) {
        *why = n > DIGITS_MAX ? "Not a phone number: more than 15 digits."
                              : "Not a phone number: too few digits.";
        return ERR_RANGE;
    }
    if (digits[0] == '0' || strncmp(digits, "810", 3) == 0) {
        *why = digits[0] == '0' ? "Not a phone number: no country code begins with 0."
                                : "Not a phone number: no 0 follows the country code 81.";
        return ERR_RANGE;
    }
    out[0] = '+';
    return text_copy(out + 1, PHONE_MAX - 1, digits);
}

enum err phone_sender_check(const char *text, const char **why)
{
    size_t len = strlen(text), chars = 0, digits = strspn(text + (*text == '+'), "0123456789");
    uint32_t cp;
    if (digits > 0 && digits + (*text == '+') == len) {
        *why = "Ensure this number has no more than 15 digits.";
        return digits > SENDER_DIGITS_MAX ? ERR_RANGE : OK;
    }
    for (size_t at = 0; at < len; chars++) {
        enum err e = text_utf8_next(text, len, &at, &cp);
        if (e || cp < 0x20 || (cp >= 0x7F && cp < 0xA0)) {
            *why = "Control characters are not allowed.";
            return ERR_SYNTAX;
        }
    }
    *why = "Ensure this field has no more than 10 characters, or 15 digits.";
    return chars > SENDER_CHARS_MAX ? ERR_RANGE : OK;
}
