/* api_arena.h - memory of one request, freed at once.
 * Knows nobody.  Promises: what it hands out never moves; freeing the arena frees it all. */
#ifndef SMSBRIDGE_API_ARENA_H
#define SMSBRIDGE_API_ARENA_H

#include <stddef.h>

struct api_arena {
    struct api_block *blocks;
};

void api_arena_free(struct api_arena *a); /* as after = {0} */
/* Aligned for anything, not cleared.  NULL: no memory. */
void *api_arena_take(struct api_arena *a, size_t n);
/* A copy of n bytes with a NUL behind.  NULL: no memory. */
char *api_arena_copy(struct api_arena *a, const char *s, size_t n);

#endif
