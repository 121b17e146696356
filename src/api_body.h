/* api_body.h - a request's body into named values, whatever its format.
 * Refuses to know which value is right.  Pure; any thread.
 * Promises: hostile bodies cost no more than their length; form, multipart and JSON look the same behind it. */
#ifndef SMSBRIDGE_API_BODY_H
#define SMSBRIDGE_API_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include "api_arena.h"
#include "buf.h"
#include "err.h"

enum api_field {
    API_TRACK_LINK, /* before the message, whose length depends on it */
    API_MESSAGE,
    API_RECIPIENT,
    API_SENDER,
    API_CALLBACKURL,
    API_LT_CALLBACKURL,
    API_TAGS,
    API_VALIDITY,
    API_ON_UNCERTAIN,
    API_SEND_AT,
    API_PRIORITY,
    API_FLASH,
    API_MODEM,
    API_SMS_FIELDS,            /* so many are about an SMS */
    API_CODE = API_SMS_FIELDS, /* USSD */
    API_TIMEOUT,
    API_FIELDS
};
const char *api_field_name(enum api_field f);

enum api_kind {
    API_ABSENT,
    API_TEXT,  /* text, n bytes: any bytes, with NULs among them */
    API_BOOL,  /* JSON; text is "true" or "false" */
    API_NULL,  /* JSON */
    API_LIST,  /* a JSON array; in a form, tags given more than once */
    API_OTHER, /* a JSON object, or an array in an array */
    API_FILE,  /* an upload */
    API_TWICE  /* given more than once */
};
struct api_value {
    enum api_kind kind;
    const char *text; /* NUL-terminated behind its n bytes; a JSON number as it reads */
    size_t n;
    struct api_value *items; /* of a list */
    size_t count, room;
};
struct api_body {
    struct api_value field[API_FIELDS];
};

/* Deeper than any JSON that we read: a parser that recurses is spared it. */
bool api_json_too_deep(const char *s, size_t n);

/* content_type NULL: a form.  What it points to is the arena's.
 * ERR_UNSUPPORTED: another type; ERR_SYNTAX: not what its type says: why is a sentence for people in UTF-8;
 * ERR_NO_MEMORY. */
#define API_BODY_WHY_MAX 320
enum err api_body_parse(struct api_arena *arena, const char *content_type, const char *body,
                        size_t n, struct api_body *out, char why[API_BODY_WHY_MAX]) MUST_CHECK;

#endif
