/* store_optout.c - who asked for no more SMS, and who took it back.
 * Refuses to know the words (the configuration's) and their language.  Promises: the number is
 * written in the commit that puts the text into the inbox; a number that the network wrote in
 * national form counts for every country's number that ends with it. */
#include <locale.h>
#include <string.h>
#include <wctype.h>

#include "log.h"
#include "store_private.h"
#include "text.h"

#define DIGITS_MIN 7 /* without its country: shorter ones are services, not people */

struct words {
    const struct store_words *out, *in;
};

static enum err run_words(struct db *db, void *arg)
{
    const struct words *w = arg;
    db->opt_out = *w->out;
    db->opt_in = *w->in;
    return OK;
}

enum err store_opt_words(struct store *s, const struct store_words *out,
                         const struct store_words *in)
{
    struct words w = {out, in};
    return store_do(s, run_words, &w);
}

/* ---- is the whole text one of the words ---- */

static uint32_t folded(locale_t l, uint32_t cp)
{
    return l ? (uint32_t)towlower_l((wint_t)cp, l) : cp - 'A' < 26 ? cp + 32 : cp;
}

static bool is_space(locale_t l, uint32_t cp)
{
    return cp == 0xA0 || cp == ' ' || (l && iswspace_l((wint_t)cp, l));
}

/* Where the text begins and ends without the white space around it. */
static void trim(locale_t l, const char **text, size_t *n)
{
    size_t from = 0, to = 0, at = 0, before;
    uint32_t cp;
    for (bool begun = false; before = at, !text_utf8_next(*text, *n, &at, &cp);) {
        if (is_space(l, cp))
            continue;
        from = begun ? from : before;
        begun = true;
        to = at;
    }
    *text += from;
    *n = to - from;
}

static bool equal(locale_t l, const char *text, size_t n, const char *word)
{
    size_t at = 0, word_at = 0, word_n = strlen(word);
    uint32_t a, b;
    while (at < n && word_at < word_n) {
        if (text_utf8_next(text, n, &at, &a) || text_utf8_next(word, word_n, &word_at, &b) ||
            folded(l, a) != folded(l, b))
            return false;
    }
    return at == n && word_at == word_n;
}

static bool is_one_of(const struct store_words *words, const char *text)
{
    locale_t l = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    size_t n = strlen(text);
    bool found = false;
    trim(l, &text, &n);
    for (size_t i = 0; i < words->n && !found; i++)
        found = equal(l, text, n, words->word[i]);
    if (l)
        freelocale(l);
    return found;
}

/* ---- whose ---- */

static bool is_number(const char *sender)
{
    const char *digits = sender + (*sender == '+');
    size_t n = strlen(digits);
    return n >= DIGITS_MIN && strspn(digits, "0123456789") == n;
}

enum err opt_note(struct db *db, const char *sender, const char *text, int64_t now_ms)
{
    char number[LOG_NUMBER_MAX];
    if (!is_number(sender))
        return OK;
    bool out = is_one_of(&db->opt_out, text);
    if (!out && !is_one_of(&db->opt_in, text))
        return OK;
    log_info("store", "opt_%s number=%s", out ? "out" : "in", log_number(sender, number));
    if (out)
        return db_run(db, "INSERT OR IGNORE INTO opt_out(tail, number, at_ms) VALUES(?1, ?2, ?3)",
                      ARGS(INT(number_tail(sender)), TEXT(sender), INT(now_ms)));
    return db_run(db,
                  "DELETE FROM opt_out WHERE tail=?1 AND (number=?2 OR"
                  " ((substr(number, 1, 1)<>'+' OR substr(?2, 1, 1)<>'+') AND"
                  " (substr(number, -length(ltrim(?2, '+0')))=ltrim(?2, '+0') OR"
                  " substr(?2, -length(ltrim(number, '+0')))=ltrim(number, '+0'))))",
                  ARGS(INT(number_tail(sender)), TEXT(sender)));
}

enum err opted_out(struct db *db, const char *recipient, bool *is)
{
    int64_t found;
    enum err e =
        db_value(db, &found, 0,
                 "SELECT 1 FROM opt_out WHERE tail=?1 AND (number=?2 OR (substr(number, 1, 1)<>'+'"
                 " AND substr(?2, -length(ltrim(number, '0')))=ltrim(number, '0')))",
                 ARGS(INT(number_tail(recipient)), TEXT(recipient)));
    if (!e)
        *is = found != 0;
    return e;
}
