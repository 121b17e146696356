/* The one simulated network: SIM cards, the service centre, what becomes of every SMS.
   Knows no AT.  Promises: an SMS that it took is settled by its rule, once; what it cannot hand over to
   a modem now it keeps until it can. */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "handset.h"
#include "loop.h"

enum mt_kind { MT_REPORT, MT_MESSAGE, MT_KINDS };

struct mt { /* on its way to a SIM */
    struct mt *next;
    struct handset *peer; /* recipient of the report's SMS, sender of the message */
    uint8_t kind, mr, st;
    uint8_t smsc_n, n; /* octets: SMSC address, and the whole PDU with it */
    uint8_t pdu[];
};

struct mt_queue {
    struct mt *first, **end;
    unsigned long n;
    bool blocked; /* until net_unblock(): there was no route or no space */
};

struct slot {
    uint8_t stat, used, n, smsc_n; /* stat as in 27.005 3.1: 0 unread, 1 read, 2 unsent, 3 sent */
    uint8_t *pdu;                  /* SMSC address first */
};

struct store {
    const char *name;
    unsigned size, used;
    struct slot *slot;
};

struct modem;
struct simcard {
    char iccid[21], imsi[16], number[GSM_NUMBER_MAX], pin[9], puk[9], smsc[GSM_NUMBER_MAX];
    bool pin_wanted;
    uint8_t pin_left, puk_left, mr;
    struct store sm;
    struct mt_queue queue[MT_KINDS];
    struct timer retry;
    struct modem *in;
    long balance_cents;
    const struct handset *last_to; /* the SMS that TP-RD looks at: 23.040 9.2.3.25 */
    struct pending *last;
    int64_t last_until_us;
    uint8_t last_mr;
};

struct net_options {
    int64_t report_delay_us, hold_us, retry_us;
    int zone_quarters;
    bool keep_mr; /* the reference of the PDU is kept, as a few modems do */
    struct rule rule;
};
extern struct net_options net_options;

struct net_wish { /* of faults */
    bool report_now, report_twice;
};

/* 0 and the reference, or the CMS code of the refusal with the reason in *why. */
int net_submit(struct simcard *card, int modem, const uint8_t *tpdu, size_t n, struct net_wish wish,
               uint8_t *mr, const char **why);

/* A PDU for a SIM; tpdu without SMSC address (the network's own is put in front). */
void net_queue(struct simcard *card, enum mt_kind kind, struct handset *peer, const uint8_t *tpdu,
               size_t n, uint8_t mr, uint8_t st);
/* The same with the SMSC address given: smsc_n octets of pdu. */
void net_queue_pdu(struct simcard *card, enum mt_kind kind, const uint8_t *pdu, size_t n,
                   size_t smsc_n);
struct mt *net_first(struct simcard *card);         /* the next that is not blocked, or NULL */
void net_done(struct simcard *card, struct mt *mt); /* handed over: forget it */
void net_block(struct simcard *card, enum mt_kind kind);
void net_unblock(struct simcard *card); /* something changed: try all again, now */

void net_part_gone(struct pending *p); /* the handset forgot the part */
const char *outcome_name(enum outcome o);
bool outcome_of(const char *name, enum outcome *o);

void net_free(struct simcard *card);
void net_free_all(void); /* what is not settled; while the cards still are */

/* Provided by mt.c: there may be something for this SIM. */
void mt_wake(struct simcard *card);

#endif
