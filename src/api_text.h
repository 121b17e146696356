/* api_text.h - a message's text as it will be sent: the link replaced, the parts counted.
 * Refuses to know requests and the store.  Any thread.
 * Promises: everything outside the link stays byte for byte; the limit is judged after the replacement. */
#ifndef SMSBRIDGE_API_TEXT_H
#define SMSBRIDGE_API_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "api_arena.h"
#include "err.h"
#include "link.h"
#include "sms.h"

struct api_text_rules {
    const char *base_url; /* of the short links, without a slash at its end */
    unsigned slug_length;
    bool national; /* queue.national_shift */
};
/* All strings are the arena's. */
struct api_text {
    char *text;     /* with x's where the slug goes */
    size_t n, slug; /* slug: its offset; 0: no link was replaced */
    const char *link, *destination;
    struct sms_plan plan;
};

/* text: n bytes of UTF-8 without NUL, with a NUL behind.  track: replace the first link, if there is one.
 * ERR_RANGE: too long, or empty; ERR_NO_MEMORY. */
enum err api_text_make(struct api_arena *arena, const struct api_text_rules *rules,
                       const char *text, size_t n, bool track, struct api_text *out) MUST_CHECK;
/* The text and the short link with this slug.  NULL: no memory. */
char *api_text_with(struct api_arena *arena, const struct api_text *t, const char *slug);
char *api_text_shortlink(struct api_arena *arena, const struct api_text_rules *rules,
                         const char *slug);

#endif
