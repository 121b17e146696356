/* phone.h - is this a phone number that we can send to?
 * Refuses to know numbering plans beyond E.164's shape.  Pure; any thread. */
#ifndef SMSBRIDGE_PHONE_H
#define SMSBRIDGE_PHONE_H

#include "err.h"

#define PHONE_MAX 17 /* "+", 15 digits, NUL */

/* "+81 90-1234 5678" to "+819012345678": spaces, dots, dashes and parentheses are dropped.
 * ERR_SYNTAX, ERR_RANGE: *why is a sentence for people. */
enum err phone_normalise(const char *text, char out[PHONE_MAX], const char **why) MUST_CHECK;
/* A `sender`: digits (after one optional +) at most 15, else at most 10 characters, none of control. */
enum err phone_sender_check(const char *text, const char **why) MUST_CHECK;

#endif
