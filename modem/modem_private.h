/* modem_private.h - what the files of the modem actor share: one struct, one thread.
 * Only modem*.c include it.  Everything here runs on the modem's thread, unless it says otherwise.
 *
 * Results inside: ERR_CLOSED (port gone, or stopping) and ERR_TIMEOUT (the modem answers no more) end the
 * session, modem_ended() tells; every other error concerns one command only, the line is usable. */
#ifndef SMSBRIDGE_MODEM_PRIVATE_H
#define SMSBRIDGE_MODEM_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "at.h"
#include "at_args.h"
#include "at_mask.h"
#include "fault.h"
#include "modem.h"
#include "port.h"
#include "quirks.h"
#include "usb.h"

#define MODEM_ARRIVED_MAX 32
#define MODEM_STORAGES_MAX 6
#define MODEM_HELD_MAX 128

/* Every wait of the actor in one place; a test shrinks them (docs/modems.md, timing). */
struct modem_timing {
    int poll_ms;            /* idle: look into the store again */
    int connect_ms;         /* tcp: */
    int quick_ms;           /* an ordinary command */
    int slow_ms;            /* one that asks the SIM or the network */
    int prompt_ms;
    int answer_ms;          /* the modem begins to answer after it was opened */
    int resync_ms;
    int listen_ms;          /* before anything is written, when an answer may be under way */
    int sim_ms;             /* SIM busy, PIN just entered */
    int retry_ms;           /* between two tries of the same thing */
    int hurry_ms;           /* a report settled the part whose answer is missing */
    int stored_ms;          /* a stored one may be about it */
    int ack_late_ms;        /* +CNMA after that: the routing may be lost */
    int keepalive_ms, housekeeping_ms, sweep_ms;
    int again_ms;           /* what the core could not take is read again */
    int search_ms;          /* registration, while there is none */
    int suspend_ms, suspend_max_ms;
    int backoff_ms, backoff_max_ms;
    int answer_again_ms;    /* it answered a moment ago, on the same plug */
    int radio_ms;           /* between +CFUN=0 and 1 */
    int settle_ms;          /* after a restart, before it is asked anything */
    int return_ms;          /* after a restart its port may be away for so long */
    int power_ms;           /* power_command */
    int off_net_ms;         /* not registered, though it was: trouble */
    int well_ms;            /* a rung down */
};
extern struct modem_timing modem_timing;

/* What is wrong with a modem, as far as recovery goes.  No SIM, PIN, "denied" and "no credit" are none of these. */
enum modem_trouble {
    MODEM_NO_TROUBLE,
    MODEM_SILENT,           /* nothing is answered any more */
    MODEM_STARTUP,          /* it answers, and start-up fails */
    MODEM_STUCK,            /* it answers, and the same step fails again and again */
    MODEM_OFF_NET,          /* not registered for long, though it was */
    MODEM_VANISHED,         /* restarted by us, and its port did not come back */
    MODEM_TROUBLES
};

/* How often a rung may be climbed: `budget` times in a window, with a pause that doubles. A test shrinks them. */
struct modem_rung_rule {
    unsigned budget;
    int window_ms, cool_ms, cool_max_ms;
};
extern struct modem_rung_rule modem_rung_rules[MODEM_RUNGS];

struct modem_ladder {       /* outlives the session */
    struct {
        unsigned used;      /* in this window */
        int64_t window_ms;  /* when it began; 0: none */
        int64_t free_ms;    /* not before */
        int cool_ms;
    } rung[MODEM_RUNGS];
    enum modem_rung level[MODEM_TROUBLES];      /* the lowest that is left to try */
    unsigned reopened[MODEM_TROUBLES];
    enum modem_trouble trouble;     /* noted in this session */
    enum modem_rung after;          /* to climb when the port is closed; MODEM_RUNGS: none */
    int64_t well_ms;                /* well since; 0: not */
    int64_t off_net_ms;             /* not registered since; 0: it is, or never was, or is not allowed to */
    int64_t returns_ms;             /* it restarts, and has time until then; 0: it does not */
    bool was_registered, answered;
    struct usb_port usb;            /* of the port that was open last; tty "": none */
};

/* How messages reach us: +CSMS and +CNMI (27.005 3.4.1). */
struct modem_route {
    int csms;               /* 1: direct ones wait for +CNMA */
    int mode, mt, bm, ds, bfr;
};

struct modem_place {        /* where a message lies */
    char storage[4];
    int index;
};

/* What the unsolicited handler notes, for the thread to act on between two commands. */
struct modem_seen {
    struct modem_place arrived[MODEM_ARRIVED_MAX];
    unsigned arrived_count;
    unsigned reports;       /* +CDSI among them */
    bool sweep, restore, restarted, look, card;
    bool recheck;           /* another card may be in there */
    unsigned acks_owed, ack_refusals;
    int64_t ack_since_ms;
    int64_t ring_ms;
    bool ring_told;
    int late_mr;            /* of a +CMGS that no command waited for; -1: none */
    int late_cms;           /* or its late error; -1: none */
    int ussd_m;             /* -1: no answer yet */
    char ussd_text[1024];
};

enum modem_phase { MODEM_IDLE, MODEM_SUBMITTING, MODEM_LOST };  /* LOST: no answer came, the line is brought back */

struct modem {
    struct modem_config config;
    struct modem_hooks hooks;
    void *ctx;
    pthread_t thread;
    int wake_fd;

    /* From other threads. */
    atomic_bool woken, stopping, requested;
    _Atomic int64_t stop_at_ms;
    pthread_mutex_t lock;               /* guards request, has_request and new_ports */
    struct modem_request request;
    int64_t request_until_ms;
    bool has_request;
    atomic_bool moved;                  /* new_ports is to be taken */
    struct modem_ports new_ports;       /* under lock */

    /* The session: from open to close. */
    struct port *port;
    struct at *at;
    const struct quirks *quirks;
    struct modem_status status, told;
    enum modem_state end_state;         /* why the session ended, in words */
    char end_reason[MODEM_TEXT_MAX];
    int64_t backoff_ms;
    struct modem_ladder ladder;
    bool replugged;                     /* the port was not there, or another, since the last session */
    bool errors_refused;                /* +CMEE, the last time */
    bool identified;                    /* the core knows whose messages these are */
    bool served;                        /* the queue was open since the port was */

    /* Where it is, when config.port was "" at the start (modem_ports.c). */
    bool roams;
    struct modem_ports ports;
    unsigned port_at;                   /* the one that is config.port */
    struct modem_ear {
        struct port *port;
        struct at *at;                  /* NULL: not open */
    } ears[MODEM_PORTS_MAX];            /* of the others; on our thread, too */
    unsigned hearing;                   /* 0: the line itself; i + 1: ears[i] says something */
    struct {
        unsigned from;
        int64_t at_ms;
        char pdu[2 * MODEM_PDU_MAX + 1];
    } direct;                           /* the last +CMT or +CDS */

    /* Storages and routing. */
    struct modem_route route;
    bool no_csms;                       /* it took +CSMS=1 and then knew no +CNMA */
    char smsc_iccid[MODEM_ID_MAX];      /* the card that status.smsc was read from */
    char storages[MODEM_STORAGES_MAX][4];
    unsigned storage_count;
    int cpms_names;                     /* memories in the +CPMS that it took; 0: it knows none */
    bool cpms_whole;                    /* it refuses to change mem1 alone */
    char reading[4];                    /* mem1 of +CPMS */
    char receiving[4];                  /* mem3 */
    bool reading_full;                  /* when it was selected */
    int reading_total;
    bool cnma_zero, cnma_tried_both;    /* AT+CNMA=0 instead of AT+CNMA */
    bool cnma_known;                    /* it took one */

    struct modem_seen seen;
    char held[MODEM_HELD_MAX][2 * MODEM_PDU_MAX + 1];   /* outlive the session */
    unsigned held_count;
    char doubted[AT_LINE_MAX + 2];      /* the direct PDU that was not believed */

    /* Sending. */
    struct sms_job job;                 /* claimed; part 0: none */
    enum modem_phase phase;
    bool began;                         /* a +CMGS was begun in this session */
    bool settled;                       /* a report told its fate meanwhile */
    unsigned unreported;                /* told as sent in this session, and no report yet */
    struct sms_job lost;                /* told as uncertain: a late +CMGS is about it; part 0: none */
    unsigned suspect_strikes;           /* unknown faults in a row */
    unsigned stuck_strikes;             /* no prompt, no answer: in a row */
    char barred_to[SMS_ADDR_MAX];       /* the recipient whose SMS this SIM could not send */
    char unknown_to[SMS_ADDR_MAX];      /* the recipient whom its network did not know last */
    unsigned unknown_count;             /* such recipients in a row, each another one */
    int64_t hold_until_ms;              /* the queue is closed until then */
    char hold_reason[MODEM_TEXT_MAX];   /* "": a moment only */
    int64_t suspend_ms;
    int64_t suspended_until_ms;         /* wall clock, while modem_suspend() tells it */

    /* The network. */
    int creg, cgreg, cereg;             /* <stat>, -1: unknown */
    int64_t next_keepalive_ms, next_housekeeping_ms, next_sweep_ms, next_search_ms, next_claim_ms, next_restore_ms;
    int64_t routing_check_ms;           /* read +CNMI? then; 0: not due */
    bool ussd_waiting;

    bool tracing;                       /* somebody listens */
    struct at_mask mask[2];             /* what the listeners get: secrets blanked, all masked */
};

/* ---- modem.c ---- */
bool modem_stopping(const struct modem *m);
static inline bool modem_ended(enum err e)
{
    return e == ERR_CLOSED || e == ERR_TIMEOUT;
}
/* One command; acknowledges first what waits for it.  After a time-out the line is brought back:
 * ERR_BUSY when that worked, ERR_TIMEOUT when not.  ERR_REFUSED (modem_ok): any final result but OK. */
enum err modem_command(struct modem *m, struct at_reply *reply, int timeout_ms, const char *prefix,
                       const char *command) MUST_CHECK;
enum err modem_ok(struct modem *m, struct at_reply *reply, int timeout_ms, const char *prefix,
                  const char *command) MUST_CHECK;
/* The poisoned line: ESC, drain, AT.  ERR_TIMEOUT: dead. */
enum err modem_resync(struct modem *m) MUST_CHECK;
/* Waits, handing out unsolicited lines and acknowledging.  ERR_CLOSED: gone or stopping. */
enum err modem_pause(struct modem *m, int ms) MUST_CHECK;
/* The same, but only until something happened. */
enum err modem_wait(struct modem *m, int ms) MUST_CHECK;

/* Gives a thing time, with the port open or not.  ERR_CLOSED: stopping. */
enum err modem_rest(struct modem *m, int ms) MUST_CHECK;

/* ---- modem_ports.c ---- */
void modem_take_ports(struct modem *m);         /* what modem_set_ports() left; between two sessions */
void modem_next_port(struct modem *m);          /* the line is dead: another one of its ports, if there is one */
enum err modem_ports_moved(struct modem *m) MUST_CHECK; /* within a session; ends it when its port is none any more */
enum err modem_check_imei(struct modem *m) MUST_CHECK;  /* is it the one that is meant? */
/* at_idle() on all of its ports. */
enum err modem_idle(struct modem *m, int ms) MUST_CHECK;
void modem_open_ears(struct modem *m);
void modem_drain_ears(struct modem *m);
void modem_close_ears(struct modem *m);
/* A direct message that another port showed just now. */
bool modem_heard_twice(struct modem *m, const char *pdu);

/* ---- modem_state.c ---- */
/* Tells the core if anything in m->status changed with it. */
void modem_state(struct modem *m, enum modem_state state, const char *fmt, ...) PRINTF_LIKE(3, 4);
void modem_tell_state(struct modem *m);
/* Ends the session with this state and reason: ERR_TIMEOUT. */
enum err modem_end(struct modem *m, enum modem_state state, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;
void modem_tell_event(struct modem *m, enum modem_event_kind kind, const char *text);
/* Closes the queue for a while. */
void modem_suspend(struct modem *m, int64_t ms, const char *reason);

/* ---- modem_ladder.c ---- */
void modem_ladder_init(struct modem *m);
void modem_ladder_opened(struct modem *m);
/* The line was brought back, or could not be.  ERR_TIMEOUT: too often, the session is to end. */
enum err modem_ladder_resynced(struct modem *m, enum err e) MUST_CHECK;
/* The session ends for this reason, which is trouble: like modem_end(). */
enum err modem_end_in_trouble(struct modem *m, enum modem_trouble trouble, const char *reason) MUST_CHECK;
/* A session ended with e: counts, decides, and climbs what needs the port, which is open still or never was. */
void modem_ladder_ended(struct modem *m, enum err e);
/* Climbs what needs it closed. */
void modem_ladder_closed(struct modem *m);
/* Nobody knows where it is: was it us who restarted it? */
void modem_ladder_vanished(struct modem *m);
void modem_ladder_registered(struct modem *m, enum modem_registration r);
/* Not registered for long: radio off and on, or a restart. */
bool modem_ladder_is_due(const struct modem *m, int64_t now);
enum err modem_ladder_off_net(struct modem *m) MUST_CHECK;
/* The queue is open: called between two messages. */
void modem_ladder_well(struct modem *m);
/* For how long a modem that was just opened may stay silent. */
int modem_patience_ms(const struct modem *m);

/* ---- modem_who.c ---- */
enum err modem_ask_who(struct modem *m) MUST_CHECK;         /* and finds its quirks */
enum err modem_ask_who_again(struct modem *m) MUST_CHECK;   /* if it told nothing before */
enum err modem_take_imsi(struct modem *m, const struct at_reply *reply) MUST_CHECK;
enum err modem_take_number(struct modem *m, const struct at_reply *reply) MUST_CHECK;
enum err modem_read_card(struct modem *m) MUST_CHECK;       /* ERR_NOT_FOUND: the ICCID stays "" */
enum err modem_read_card_again(struct modem *m) MUST_CHECK;
/* Where seen.recheck is set: ends the session if another card is in there. */
enum err modem_check_card(struct modem *m) MUST_CHECK;

/* ---- modem_start.c, modem_pin.c, modem_route.c ---- */
enum err modem_start_up(struct modem *m) MUST_CHECK;
/* modem_ok(), again while the SIM or the modem is busy (CME 14, CMS 314, 515), up to sim_ms. */
enum err modem_ask(struct modem *m, struct at_reply *reply, int timeout_ms, const char *prefix,
                   const char *command) MUST_CHECK;
enum err modem_unlock(struct modem *m) MUST_CHECK;
enum err modem_choose_storages(struct modem *m) MUST_CHECK;
enum err modem_choose_route(struct modem *m) MUST_CHECK;
enum err modem_set_smsc(struct modem *m) MUST_CHECK;
/* Everything that a modem forgets when it restarts by itself: echo, errors, PDU mode, routing. */
enum err modem_restore(struct modem *m) MUST_CHECK;
/* Is the routing still what we set?  If not, modem_restore() and a sweep. */
enum err modem_check_route(struct modem *m) MUST_CHECK;

/* ---- modem_net.c ---- */
void modem_note_registration(struct modem *m, const char *line, const char *prefix);
enum err modem_look(struct modem *m) MUST_CHECK;            /* registration */
enum err modem_housekeeping(struct modem *m) MUST_CHECK;    /* what is due of keep-alive, signal, storages */
/* May the queue be open?  Sets state and reason. */
bool modem_open_for_sending(struct modem *m);

/* ---- modem_in.c ---- */
void modem_take_direct(struct modem *m, const char *line, const char *pdu);
void modem_note_arrival(struct modem *m, const char *line, const char *prefix);
enum err modem_acknowledge(struct modem *m) MUST_CHECK;     /* +CNMA for what was committed */
enum err modem_select_storage(struct modem *m, const char *storage) MUST_CHECK;
enum err modem_fetch_arrived(struct modem *m) MUST_CHECK;   /* +CMTI, +CDSI */
enum err modem_sweep(struct modem *m) MUST_CHECK;           /* every storage */

/* ---- modem_sms.c ---- */
enum err modem_send_due(struct modem *m) MUST_CHECK;        /* until nothing is due or something must come first */
void modem_give_back(struct modem *m, const char *why);     /* a claimed job that was not begun */
void modem_late_answer(struct modem *m, const char *line);  /* +CMGS or an error that nobody waits for */
enum err modem_settle_late(struct modem *m) MUST_CHECK;

/* ---- modem_ussd.c ---- */
enum err modem_serve_request(struct modem *m) MUST_CHECK;
void modem_refuse_request(struct modem *m, enum err result, const char *why);
void modem_take_ussd(struct modem *m, const char *line);

/* ---- modem_urc.c ---- */
void modem_unsolicited(void *ctx, const char *line, const char *pdu);

/* ---- modem_trace.c ---- */
void modem_trace(void *ctx, char direction, const char *bytes, size_t n);   /* at_handler.trace */

/* ---- modem_text.c ---- */
/* A string of the modem that may be UCS-2 in hexadecimal: in place, to ASCII where it is one. */
void modem_plain(char *text);
/* A name (operator, +CNUM's alpha) to UTF-8, also where it is UCS-2 in hexadecimal; cut to size. */
void modem_name(const char *text, char *out, size_t size);
/* A USSD string by its dcs (23.038 clause 5) to UTF-8. */
enum err modem_ussd_decode(const char *text, int dcs, bool packed, char *out, size_t size) MUST_CHECK;
/* UTF-8 to what goes between the quotes.  ERR_SYNTAX: not in the alphabet, ERR_RANGE: too long. */
enum err modem_ussd_encode(const char *text, bool packed, char *out, size_t size) MUST_CHECK;

#endif
