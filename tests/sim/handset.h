/* The phones of everybody who gets an SMS: what arrived, put together and decoded.
   Knows no modem.  Promises constant cost per SMS, and bounded memory: the oldest messages go first. */
#ifndef SIM_HANDSET_H
#define SIM_HANDSET_H

#include "gsm.h"

enum part_state { PART_HELD, PART_ARRIVED, PART_FAILED };

struct pending;
struct part {
    struct part *next;
    struct message *message;
    struct pending *pending; /* the network's own record, while it has one */
    int64_t wall_us;
    int16_t modem;
    uint8_t mr, seq, n, state, duplicates;
    uint8_t tpdu[]; /* n octets, with the reference that the network saw */
};

struct message {
    struct handset *of;
    struct message *older, *newer; /* of all handsets, in order of their first part */
    struct part *parts;            /* in order of arrival */
    struct part **parts_end;
    struct message *next_open; /* sets that miss parts */
    long index;                /* in its handset, from 0 */
    unsigned ref;
    int16_t sender; /* modem */
    uint8_t total, have, arrived;
    bool ref16;
};

enum outcome {
    OUT_DELIVERED,
    OUT_FAILED,
    OUT_TEMPORARY,
    OUT_TEMPORARY_FAILED,
    OUT_NEVER,
    OUT_KINDS
};

struct rule {
    enum outcome outcome;
    int64_t delay_us; /* -1: the network's */
    uint8_t st;       /* of a failure */
};

struct simcard;
struct handset {
    struct handset *next; /* in its bucket */
    char number[GSM_NUMBER_MAX];
    struct message **messages; /* window of the vector: base is the index of messages[0] */
    size_t n, cap, front;
    long base;
    unsigned long complete; /* messages all of whose parts arrived, ever */
    struct message *open;
    struct simcard *card; /* this number is a modem of ours, or NULL */
    struct rule rule;
    bool ruled;
};

void handset_keep(size_t messages);
struct handset *handset_of(const char *number);   /* made when new */
struct handset *handset_find(const char *number); /* or NULL */

/* A part of an SMS for this handset, HELD.  Never NULL. */
struct part *handset_add(struct handset *h, int modem, uint8_t mr, const struct gsm_sms *sms,
                         const uint8_t *tpdu, size_t n);
void handset_part_state(struct part *p, enum part_state now);

struct message *handset_message(const struct handset *h, long index); /* or NULL */
long handset_end(const struct handset *h); /* one past the newest index */

void message_text(const struct message *m, struct str *utf8, const char **remark);
void message_json(const struct message *m, struct str *out);
void part_text(const struct part *p, struct str *utf8);

void handset_each(void (*fn)(struct handset *h, void *arg), void *arg);
size_t handset_messages_kept(void);
void handset_free_all(void);

#endif
