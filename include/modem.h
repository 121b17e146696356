/* modem.h - the treaty: what a modem tells the daemon, and what the daemon may ask of it.
 * Flat values only; what owns a thread or a descriptor (struct modem) is opaque and stays in modem/.
 * The folder modem/ links without SQLite, HTTP or curl. */
#ifndef SMSBRIDGE_MODEM_H
#define SMSBRIDGE_MODEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "sms.h"

#define MODEM_NAME_MAX   32
#define MODEM_PATH_MAX  256
#define MODEM_ID_MAX     24     /* IMEI 15, ICCID 20, IMSI 15 digits */
#define MODEM_TEXT_MAX  160
#define MODEM_INIT_MAX  256
#define MODEM_COMMAND_MAX 256
#define MODEM_PDU_MAX   192     /* octets: SMSC address and TPDU */
#define MODEM_PORTS_MAX   8
#define MODEM_NODE_MAX   64     /* "/dev/ttyUSB2" */

/* ---- what the daemon gives ---- */
struct modem_config {
    char name[MODEM_NAME_MAX];
    char port[MODEM_PATH_MAX];      /* a device, a pty, "tcp:host:port"; "": modem_set_ports() tells */
    char imei[MODEM_ID_MAX];        /* "": whichever modem is there; else only this one is served */
    uint32_t baud;
    char pin[16];                   /* "" : none */
    char iccid[MODEM_ID_MAX];       /* with pin: sent to that card only */
    char smsc[SMS_ADDR_MAX];        /* "": what the SIM says */
    char init[MODEM_INIT_MAX];      /* extra AT commands, separated by | */
    bool roaming;                   /* send while roaming */
    int submit_timeout_ms;          /* Ctrl-Z to +CMGS: 180000 */
    char power_command[MODEM_COMMAND_MAX];  /* the last rung of recovery: program and arguments; "": none */
};

/* The ports of one modem, the best first: that one is spoken to, the others are listened to. */
struct modem_ports {
    unsigned n;                     /* 0: none, and why */
    char path[MODEM_PORTS_MAX][MODEM_NODE_MAX];
    char why[MODEM_TEXT_MAX];       /* "unplugged", "not plugged in", … */
    int late_mr;                    /* of a +CMGS that was heard while it was looked for; -1: none */
};

/* One part to send. */
struct sms_job {
    uint64_t part;                  /* the store's key, never 0 */
    struct sms_submit submit;
};

/* How a part was not sent. */
enum fault_class {
    FAULT_ABANDONED,    /* nothing was tried (stopping, port lost before the prompt): back as it was */
    FAULT_REFUSED,      /* this part, for good, on any modem */
    FAULT_BUSY,         /* certain: not sent; later, here or elsewhere */
    FAULT_MODEM,        /* certain: not sent; this modem or SIM cannot, another may */
    FAULT_UNCERTAIN,    /* it may have gone out */
    FAULT_HELD          /* CMS 197: the service centre already holds it, so it IS sent, mr unknown */
};
const char *fault_class_str(enum fault_class c);

/* When a part that certainly did not go out is tried again. */
enum fault_plan {
    FAULT_PAUSES,       /* by queue.retry */
    FAULT_LATER,        /* from its second step on */
    FAULT_SHORT,        /* once in a moment, then by queue.retry */
    FAULT_SOON,         /* once after 30 s, once elsewhere, then never */
    FAULT_ELSEWHERE     /* once on another SIM, then never */
};

struct modem_fault {
    enum fault_class class;
    enum fault_plan plan;
    char code[24];                  /* "CMS 38", "CME 30", "ERROR", "timeout", "unplugged", … */
    char text[MODEM_TEXT_MAX];      /* a sentence for people */
};

/* The stable word for people's programs that a code means ("CMS 38": "network"; the core's own are words
 * already: "expired"; "ST 0x46": "undelivered"), never NULL.  fault_code_plan: what was planned with it.  (modem/fault_reason.c) */
const char *fault_reason(const char *code);
enum fault_plan fault_code_plan(const char *code);

/* ---- what the modem tells ---- */
struct modem_identity {
    char imei[MODEM_ID_MAX], iccid[MODEM_ID_MAX], imsi[MODEM_ID_MAX], number[SMS_ADDR_MAX];
    char manufacturer[48], model[48], firmware[64];
};

enum modem_state { MODEM_STARTING, MODEM_PIN, MODEM_REGISTERING, MODEM_READY, MODEM_SENDING,
                   MODEM_SUSPENDED, MODEM_GONE };
const char *modem_state_str(enum modem_state s);    /* "starting" "pin" "registering" … */

/* 3GPP TS 27.007 7.2 <stat>, by its meaning. */
enum modem_registration { REG_UNKNOWN, REG_NONE, REG_SEARCHING, REG_DENIED, REG_EMERGENCY,
                          REG_HOME, REG_ROAMING, REG_SMS_HOME, REG_SMS_ROAMING };
const char *modem_registration_str(enum modem_registration r);

/* What is done about a modem in trouble, the gentle first: resynchronise the line; close and open; radio off and
 * on (+CFUN=0/1); restart (+CFUN=1,1); reset its USB port; power_command.  (modem/modem_ladder.c) */
enum modem_rung { MODEM_RUNG_RESYNC, MODEM_RUNG_REOPEN, MODEM_RUNG_RADIO, MODEM_RUNG_RESTART, MODEM_RUNG_USB,
                  MODEM_RUNG_POWER, MODEM_RUNGS };
const char *modem_rung_str(enum modem_rung r);      /* "resync" "reopen" "radio" "restart" "usb" "power" */

#define MODEM_SIGNAL_UNKNOWN 0      /* signal_dbm */
struct modem_status {               /* a snapshot */
    enum modem_state state;
    char reason[MODEM_TEXT_MAX];    /* why not ready, in words; "" when ready or sending */
    char port[MODEM_PATH_MAX];      /* where it was found last */
    struct modem_identity who;
    enum modem_registration registration;
    char operator_name[48];
    int16_t signal_dbm;             /* -113 to -51; MODEM_SIGNAL_UNKNOWN */
    char smsc[SMS_ADDR_MAX];
    char storage[8];                /* "SM", "ME", …: where incoming messages go */
    uint16_t storage_used, storage_size;
    uint32_t resets;                /* times it was started again */
    uint32_t recoveries[MODEM_RUNGS];   /* how often each rung was tried */
    int64_t until_ms;               /* suspended: until then, wall clock; 0: nobody can say */
};

struct sms_raw {                    /* a PDU as it came, before anybody understood it */
    uint8_t octets[MODEM_PDU_MAX];
    uint16_t n;
};

enum modem_event_kind { MODEM_EVENT_CALL, MODEM_EVENT_MEMORY_FULL, MODEM_EVENT_RESET, MODEM_EVENT_USSD };
struct modem_event {
    enum modem_event_kind kind;
    char text[MODEM_TEXT_MAX];      /* the caller's number, a reason, … */
};

/* Called on the modem's thread, never two at once for one modem; they may block until the disk has it.
 * OK means: committed.  Any other result leaves the SMS on the SIM or with the network, to come again. */
struct modem_hooks {
    /* The next part for this modem, on disk as `sending` from now on.  ERR_EMPTY: nothing is due. */
    enum err (*next)(void *ctx, const char *modem, struct sms_job *job);
    /* +CMGS: mr.  With `next` not NULL the same commit claims the next part: next->part 0 when none. */
    enum err (*sent)(void *ctx, const char *modem, const struct sms_job *job, uint8_t mr,
                     struct sms_job *next);
    enum err (*failed)(void *ctx, const char *modem, const struct sms_job *job,
                       const struct modem_fault *why);
    /* Was a part of ours under way on this modem, its answer unheard (we died, the line broke)?  Asked when the
     * port was opened, before anything is written: then the modem is listened to first. */
    bool (*in_doubt)(void *ctx, const char *modem);
    /* "+CMGS: mr" that answers no job of this thread's: it is about the part in doubt. */
    enum err (*late)(void *ctx, const char *modem, uint8_t mr);
    /* A status report.  *settled_part: the part that it was about, 0 if unknown (kept all the same).
     * It may settle a part whose +CMGS is still awaited. */
    enum err (*report)(void *ctx, const char *modem, const struct sms_report *rep,
                       uint64_t *settled_part);
    enum err (*incoming)(void *ctx, const char *modem, const struct sms_deliver *msg,
                         const struct sms_raw *pdu);
    /* Bytes that sms_decode() refused: kept, so that they can be deleted from the SIM. */
    enum err (*raw)(void *ctx, const char *modem, const struct sms_raw *pdu);
    /* Before the queue is opened; the SIM a report or a reference belongs to. */
    enum err (*identified)(void *ctx, const char *modem, const struct modem_identity *who);
    /* Recorded before the PIN is sent.  attempts: what the card has left, -1: it cannot be read.  ERR_DENIED: it was
     * tried with this card and refused, or may have been (no attempt was lost since then: it was not). */
    enum err (*pin_may_try)(void *ctx, const char *iccid, const char *pin, int attempts);
    enum err (*pin_done)(void *ctx, const char *iccid, const char *pin, bool accepted);
    /* Another modem than config.imei is on the port that modem_set_ports() named; it was left again. */
    void (*stranger)(void *ctx, const char *modem, const char *port, const char *imei);
    void (*state)(void *ctx, const char *modem, const struct modem_status *now);
    void (*event)(void *ctx, const char *modem, const struct modem_event *what);
    /* Does somebody want to see the dialogue?  Then each piece of it, as a line of a transcript without its end: but
     * for PINs as it was, and masked (modem/at_mask.h).  Never blocks.  NULL: nobody ever does. */
    bool (*traced)(void *ctx);
    void (*trace)(void *ctx, const char *plain, const char *masked);
};

/* ---- the other way ---- */
struct modem;   /* a thread that owns a port; modem/modem.c */

/* Starts the thread.  config and hooks are copied; ctx must outlive modem_join().  ERR_NO_MEMORY, ERR_IO. */
enum err modem_start(const struct modem_config *config, const struct modem_hooks *hooks, void *ctx,
                     struct modem **out) MUST_CHECK;
/* A hint: something may be due.  Any thread, never blocks. */
void modem_wake(struct modem *m);
/* Where the modem is now, or that it is nowhere: for one that was started without a port.  A session on a port
 * that is not among them ends between two commands.  Any thread, copied, never blocks. */
void modem_set_ports(struct modem *m, const struct modem_ports *ports);
/* Two answers to +CGSN mean one modem: the first 14 digits are type and serial number, a check digit or the
 * software's version may follow (23.003 6.2). */
bool modem_same_imei(const char *a, const char *b);
/* Ask it to finish the running dialogue and end (an unanswered +CMGS is given up as uncertain after
 * grace_ms).  Any thread, never blocks. */
void modem_stop(struct modem *m, int grace_ms);
/* Wait for the end and free. NULL is fine. */
void modem_join(struct modem *m);

/* ---- finding modems ---- */
struct modem_found {
    char imei[MODEM_ID_MAX];        /* "": it answers, and does not tell */
    char place[MODEM_NAME_MAX];     /* the USB socket, "1-1.4"; with a port of its own on a chip of several: "1-1.4-2" */
    struct modem_ports ports;       /* n 0: unplugged */
};
struct discover_options {
    const char *const *reserved;    /* ports that [modem] sections name: never touched, nor what shares a stick with
                                     * them; the strings outlive discover_stop() */
    size_t reserved_count;
    int listen_ms;                  /* to what is plugged in already, before anything is written to it */
    /* On the discovering thread, one at a time: a modem was found, its ports changed, or it is gone. */
    void (*found)(void *ctx, const struct modem_found *modem);
    /* What may keep a modem from being found, in one sentence; "": nothing. */
    void (*obstacle)(void *ctx, const char *sentence);
    void *ctx;
};
struct discover; /* a thread; modem/discover.c */
enum err discover_start(const struct discover_options *options, struct discover **out) MUST_CHECK;
/* That port is not the modem's that it was found to be (any more): look again.  Any thread, never blocks. */
void discover_again(struct discover *d, const char *port);
/* Ends running probes at once.  NULL is fine. */
void discover_stop(struct discover *d);

/* USSD (27.007 7.15) and reset, carried out between two messages.  done() is called once, on the modem's
 * thread: OK and the answer in UTF-8 with <m> of +CUSD; with a reason in words: ERR_TIMEOUT, ERR_CLOSED (the modem is
 * not there), ERR_REFUSED (modem or network), ERR_SYNTAX (a code that USSD cannot carry). */
enum modem_request_kind { MODEM_REQUEST_USSD, MODEM_REQUEST_USSD_CANCEL, MODEM_REQUEST_RESET };
struct modem_request {
    enum modem_request_kind kind;
    char code[184];                 /* "*100#", or the answer to a question of the network; UTF-8 */
    int timeout_ms;                 /* from modem_request() on, the wait for the modem's turn included */
    void (*done)(void *ctx, enum err result, int m, const char *text);
    void *ctx;
};
/* Any thread, copied.  ERR_BUSY: one is waiting already; ERR_CLOSED: stopping. */
enum err modem_request(struct modem *m, const struct modem_request *request) MUST_CHECK;

/* ---- families of the user's own ---- */

/* Before the first modem_start(), on one thread; a row at a time: begin, set every key, end.  They win over the rows
 * that are built in.  why: what is wrong and what would be right.  Keys: docs/modems.md, "Quirks of your own".
 * ERR_FULL, ERR_CONFLICT (set twice), ERR_NOT_FOUND (no such key), ERR_SYNTAX, ERR_RANGE, ERR_DENIED (a command that
 * no row may have). */
#define MODEM_QUIRKS_MAX 64
enum err modem_quirk_begin(const char *name, char *why, size_t size) MUST_CHECK;
enum err modem_quirk_set(const char *key, const char *value, char *why, size_t size) MUST_CHECK;
enum err modem_quirk_end(char *why, size_t size) MUST_CHECK;
void modem_quirks_forget(void);
/* A command that is sent at every start must not reset the modem, change its PIN or spend an attempt of it.
 * ERR_SYNTAX: no AT command; ERR_DENIED, and why. */
enum err modem_command_check(const char *command, char *why, size_t size) MUST_CHECK;

#endif
