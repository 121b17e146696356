/* redirect_page.h - the few pages that people see instead of a redirect.
 * Knows no link.  Promises: plain, short, no third party, no script.  The listeners' thread only. */
#ifndef SMSBRIDGE_REDIRECT_PAGE_H
#define SMSBRIDGE_REDIRECT_PAGE_H

#include "http.h"

enum redirect_page { PAGE_NOT_FOUND, PAGE_GONE, PAGE_AGAIN, PAGE_TOO_MANY, PAGE_FAILED, PAGE_COUNT };
struct redirect_pages; /* all of them in all languages, made once */

struct redirect_pages *redirect_pages_new(void); /* NULL: no memory */
void redirect_pages_free(struct redirect_pages *p);
/* In the first language of Accept-Language that we speak, else English. */
void redirect_pages_answer(const struct redirect_pages *p, enum redirect_page page,
                           struct http_request *rq);

#endif
