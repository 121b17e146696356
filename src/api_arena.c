/* api_arena.c - memory of one request, freed at once.
 * Knows nobody.  Promises: see api_arena.h. */
#include "api_arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 2000 /* a usual request needs one */

struct api_block {
    struct api_block *next;
    size_t used, size;
    max_align_t data[];
};

void api_arena_free(struct api_arena *a)
{
    while (a->blocks) {
        struct api_block *b = a->blocks;
        a->blocks = b->next;
        free(b);
    }
}

void *api_arena_take(struct api_arena *a, size_t n)
{
    struct api_block *b = a->blocks;
    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!b || b->size - b->used < n) {
        size_t size = n > BLOCK_SIZE ? n : BLOCK_SIZE;
        b = malloc(sizeof *b + size);
        if (!b)
            return NULL;
        *b = (struct api_block){.next = a->blocks, .size = size};
        a->blocks = b;
    }
    void *taken = (char *)b->data + b->used;
    b->used += n;
    return taken;
}

char *api_arena_copy(struct api_arena *a, const char *s, size_t n)
{
    char *copy = api_arena_take(a, n + 1);
    if (copy) {
        memcpy(copy, s, n);
        copy[n] = '\0';
    }
    return copy;
}
