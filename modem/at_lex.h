/* at_lex.h - bytes from a modem become tokens: lines, final results, prompts, echoes (V.250 5.7, 27.005 3.1).
 * Knows no descriptor, no clock and no product.
 * Promises: the tokens depend on the bytes alone, not on how they were cut; no byte sequence makes it grow
 * or stop.  NUL bytes and blank lines vanish; a line over AT_LINE_MAX is cut and marked. */
#ifndef SMSBRIDGE_AT_LEX_H
#define SMSBRIDGE_AT_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "at.h"

struct at_result {
    enum at_final final;
    int code;       /* of +CME / +CMS ERROR, else -1 */
    char words[96]; /* the modem's own words, else "" */
};

/* Is the whole line a final result?  call: for ATD and ATA, whose answers are NO CARRIER, BUSY, CONNECT … */
bool at_final_parse(const char *line, bool call, struct at_result *out);
/* Is it one of the unsolicited lines that modems are known for?  (docs: modem notes, chatter) */
bool at_line_is_chatter(const char *line);

enum at_token_kind { AT_TOKEN_NONE, AT_TOKEN_LINE, AT_TOKEN_FINAL, AT_TOKEN_PROMPT, AT_TOKEN_ECHO };

/* Borrowed until the next call with the same at_lex. */
struct at_token {
    enum at_token_kind kind;
    const char *line; /* NUL-terminated, without its line end */
    const char *pdu;  /* the line that a +CMT, +CDS, +CBM, +CMGR or +CMGL header owns, else NULL; "?" and the line
                       * where it is not as long as the header says */
    const struct at_result *result; /* AT_TOKEN_FINAL */
    bool cut;                       /* it was longer than AT_LINE_MAX */
    bool stale;                     /* it began before the command was sent: never its answer */
};

/* What is being awaited; the strings are borrowed until the next at_lex_expect().  All zero: nothing. */
struct at_expect {
    const char *
        command; /* just sent: its echo is dropped, final results are final; NULL: none is running */
    const char *prefix;  /* as in at_command(): "+CMGR" and "+CMGL" headers own the next line */
    const char *payload; /* what was sent after the prompt: its echo */
    bool
        prompt; /* ">" at the start of a line is the prompt, where white space or silence follows */
};

enum at_hold { AT_HOLD_NONE, AT_HOLD_PDU, AT_HOLD_ANSWER_PDU, AT_HOLD_TEXT };

struct at_lex {
    struct at_expect expect;
    bool call, angle, done, again, cut, stale;
    enum at_hold hold;
    bool held_stale;
    unsigned skipped;
    size_t len, held_len;
    struct at_result result;
    char line[AT_LINE_MAX + 1];
    char held[AT_LINE_MAX + 1]; /* a header that waits for its PDU, or a text whose quote is open */
};

void at_lex_init(struct at_lex *lex);
/* NULL: nothing any more.  A line that has begun keeps its bytes and is marked stale. */
void at_lex_expect(struct at_lex *lex, const struct at_expect *expect);
/* Takes bytes until a token is complete; returns how many.  Call until the kind is AT_TOKEN_NONE, which means
 * that all n were taken. */
size_t at_lex_feed(struct at_lex *lex, const char *bytes, size_t n, struct at_token *token);
/* A ">" stands at the start of a line and what follows will tell whether it is the prompt. */
bool at_lex_maybe_prompt(const struct at_lex *lex);
/* Nothing follows: a ">" that stands there is the prompt. */
bool at_lex_quiet(struct at_lex *lex, struct at_token *token);
/* The line is dead or starts anew: forget the unfinished line; a held one is handed out first.
 * Call until false. */
bool at_lex_flush(struct at_lex *lex, struct at_token *token);

#endif
