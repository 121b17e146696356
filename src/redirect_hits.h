/* redirect_hits.h - counts on their way to the store: later taps and automatic fetches, in batches.
 * Knows no HTTP.  Promises: bounded memory; what the store refuses is kept for the next flush, first taps with
 * their time.  Any thread. */
#ifndef SMSBRIDGE_REDIRECT_HITS_H
#define SMSBRIDGE_REDIRECT_HITS_H

#include <stdbool.h>
#include <stdint.h>

#include "store.h"

struct redirect_hits;

struct redirect_hits *redirect_hits_new(struct store *store); /* NULL: no memory */
/* Flushes once more, waits for the store's answers (5 s at most), frees. */
void redirect_hits_free(struct redirect_hits *h);
void redirect_hits_count(struct redirect_hits *h, int64_t link, unsigned clicks, unsigned bots);
/* A first tap that the store refused: tried again at every flush. */
void redirect_hits_keep_first(struct redirect_hits *h, int64_t link, int64_t at_ms);
void redirect_hits_flush(struct redirect_hits *h);

#endif
