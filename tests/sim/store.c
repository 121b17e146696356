/* Message storages with sizes: SM on the SIM, ME and SR in the modem.
   Refuses to know PDUs.
   Promises the lowest free place, as real ones give it. */
#include "simmodem.h"

#include <stdlib.h>
#include <string.h>

void store_make(struct store *s, const char *name, unsigned size)
{
    *s = (struct store){.name = name, .size = size};
    s->slot = sim_alloc(size * sizeof *s->slot);
}

void store_free(struct store *s)
{
    for (unsigned i = 0; i < s->size; i++)
        store_drop(s, i);
    free(s->slot);
    *s = (struct store){0};
}

int store_put(struct store *s, uint8_t stat, const uint8_t *pdu, size_t n, size_t smsc_n)
{
    unsigned at = 0;
    while (at < s->size && s->slot[at].used)
        at++;
    if (at == s->size)
        return -1;
    struct slot *slot = &s->slot[at];
    *slot = (struct slot){.stat = stat, .used = 1, .n = (uint8_t)n, .smsc_n = (uint8_t)smsc_n};
    slot->pdu = sim_alloc(n);
    memcpy(slot->pdu, pdu, n);
    s->used++;
    return (int)at;
}

void store_drop(struct store *s, unsigned at)
{
    if (!s->slot[at].used)
        return;
    free(s->slot[at].pdu);
    s->slot[at] = (struct slot){0};
    s->used--;
}

struct store *modem_store(struct modem *m, char letter)
{
    return letter == 'S' ? &m->card->sm : letter == 'M' ? &m->me : letter == 'R' ? &m->sr : &m->bm;
}
