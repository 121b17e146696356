/* api_fields.h - the fields of a message to send, validated all at once.
 * Refuses to know HTTP and the store's rows.  Any thread.
 * Promises: every failing field is named, in the words of Django REST framework, which clients know; what
 * comes out of here is right, and is UTF-8 without NUL. */
#ifndef SMSBRIDGE_API_FIELDS_H
#define SMSBRIDGE_API_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api_arena.h"
#include "api_body.h"
#include "api_text.h"
#include "buf.h"
#include "err.h"
#include "phone.h"
#include "store.h"
#include "url.h"

#define API_RECIPIENTS_MAX 1000

struct api_fields_rules {
    struct api_text_rules text;
    int64_t now_ms, validity_ms;
    const struct url_policy *policy;
    bool (*modem_known)(void *ctx, const char *name);
    void *ctx;
    bool preview; /* message and track_link only */
};
/* Strings are the arena's. */
struct api_fields {
    bool track_link, flash;
    struct api_text text;
    const char *message; /* as it was given */
    char (*recipient)[PHONE_MAX];
    size_t recipients;
    bool recipient_list; /* it was an array */
    const char *sender, *callbackurl, *lt_callbackurl, *modem; /* NULL: none */
    const char *tags;                                          /* a JSON array */
    int64_t due_ms, valid_until_ms;
    int64_t send_at_ms, validity_s; /* as given; 0: not */
    uint8_t priority;
    enum store_uncertain on_uncertain;
};

/* ERR_RANGE: errors holds {"field":["…"],…}; ERR_NO_MEMORY. */
enum err api_fields_check(struct api_arena *arena, const struct api_fields_rules *rules,
                          const struct api_body *body, struct api_fields *out,
                          struct buf *errors) MUST_CHECK;

#endif
