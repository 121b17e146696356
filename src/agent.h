/* agent.h - what a request to a short link is: a person's tap, a preview robot, a prefetch, a tool.
 * Refuses to know the link and what is recorded.  Promises: a table of words, no allocation and no regular
 * expression at a request; about half a microsecond.  After agent_init() and agent_load() read-only: any thread. */
#ifndef SMSBRIDGE_AGENT_H
#define SMSBRIDGE_AGENT_H

#include <stddef.h>

#include "err.h"

enum agent_class {
    AGENT_PERSON,
    AGENT_HEAD,
    AGENT_PREFETCH, /* answered 503: the browser asks again on the real tap */
    AGENT_EMBED,
    AGENT_BOT,
    AGENT_TOOL, /* a person, unless links.count_tools = no */
    AGENT_CLASS_COUNT
};
const char *agent_class_str(enum agent_class c);

/* The headers that decide, as they came; NULL where there was none. */
struct agent_request {
    const char *method;
    const char *user_agent;
    const char *sec_purpose, *purpose, *x_moz, *x_purpose;
    const char *sec_fetch_mode, *sec_fetch_dest;
};

/* Builds the tables; before any thread starts, again is fine. */
void agent_init(void);
/* Adds the words of dir/agent-words, where that file is: a line "bot name" (the word, or the product, makes
 * a robot), "tool name", or "person name" (never a robot whatever else it says).  A missing file is OK.
 * On ERR_SYNTAX *line tells where; ERR_IO, ERR_FULL. */
enum err agent_load(const char *dir, unsigned *line) MUST_CHECK;

/* The whole table of links.md: the two below together. */
enum agent_class agent_classify(const struct agent_request *r);
/* By method and headers: HEAD, PREFETCH, EMBED, or PERSON where they say nothing. */
enum agent_class agent_classify_headers(const struct agent_request *r);
/* By User-Agent alone (NULL: none): BOT, TOOL or PERSON.  Depends on nothing else: may be remembered. */
enum agent_class agent_classify_user_agent(const char *user_agent);

#endif
