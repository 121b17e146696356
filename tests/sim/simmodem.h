/* One simulated modem: its ports, its line to the computer, its memory.  Knows the network only through
   net.h.  Promises: storages and SIM survive a reset and an unplug, the dialogue's state does not. */
#ifndef SIM_SIMMODEM_H
#define SIM_SIMMODEM_H

#include "fault.h"
#include "loop.h"
#include "net.h"
#include "profile.h"

enum line_mode {
    LINE_COMMAND,
    LINE_PROMPT, /* +CMGS taken, the prompt not yet shown: octets are lost */
    LINE_PDU,
    LINE_BUSY /* the PDU is on its way */
};

/* What brings back a modem that hangs; whatever stands further down does so, too. */
enum cure { CURE_NONE, CURE_REOPEN, CURE_CFUN, CURE_RESTART, CURE_POWER };
enum hang {
    HANG_SILENT, /* answers nothing, says nothing */
    HANG_SMS,    /* answers, but nothing about SMS; none arrive */
    HANG_ERROR   /* ERROR to everything but AT, ATE and +CFUN */
};

struct at_state { /* what a restart forgets */
    bool unlocked, text, clip;
    bool calm, ussd_on, synced, stalled, full_told; /* manners, see profile.h */
    int csms, cnmi[5], reg_urc[3], cusd, cfun;
    char mem[3]; /* 'S'M, 'M'E, s'R' */
    char cscs[8];
    char csmp[32];
    const char *menu; /* USSD session */
};

struct port {
    int master, slave, tcp_listen, tcp;
    struct watch master_watch, listen_watch, tcp_watch;
    char link[256], alias[256]; /* "" for no alias */
    char path[64];
    int inotify_wd, opens; /* how many others have the pty open */
    bool closed;
};

/* One interface of a modem: its port, and its dialogue where it speaks AT. */
struct line {
    struct line *dirty_next;
    struct modem *m;
    const struct iface *iface;
    struct port port;
    struct timer talk; /* of a port that speaks by itself */

    bool echo, verbose, quiet;
    int cmee;
    enum line_mode mode;
    struct str input;    /* the command line or PDU so far */
    char last[64];       /* name of the last command, for faults and A/ */
    bool hold;           /* a command is under way: nothing unsolicited about SMS */
    struct timer answer; /* prompt, +CMGS or a late one */

    struct str out;
    size_t out_at;
    struct timer drip;
    int64_t hold_until_us, gap_us;
    bool chattering, dirty, overflowing;
    unsigned chatter_at;
};

struct modem {
    int index;
    char name[16], imei[16];
    const struct profile *profile;
    struct simcard *card;
    struct store me, sr, bm;
    struct line lines[PROFILE_PORTS_MAX]; /* the first is the one for SMS */
    int line_n;
    struct line *now;    /* whose command is carried out */
    struct line *asking; /* who was given the last prompt */
    bool plugged;
    struct timer boot, murmur;
    unsigned murmur_at;
    int64_t busy_until_us;
    bool urcs_here, rate_fixed; /* kept by the modem itself */
    struct timer ring;
    int rings;
    int64_t ring_us;
    char caller[GSM_NUMBER_MAX];
    enum cure cure; /* it hangs until then */
    enum hang hang;
    bool off_bus;         /* a restart takes it from the bus */
    int64_t gone_us;      /* for so long */
    char comes_back[128]; /* under this link; "" under the same */
    struct timer back;

    int reg, reg_target, signal; /* +CREG states */
    struct timer reg_timer;

    struct at_state at;
    unsigned tpdu_n;   /* what +CMGS= announced */
    bool pdu_is_ack;   /* the PDU belongs to +CNMA=n,len */
    bool pdu_is_write; /* ... to +CMGW */
    uint8_t write_stat;
    uint8_t answer_mr;
    struct timer ussd;
    char ussd_answer[512];

    struct mt *inflight;
    struct timer ack;

    struct fault faults[FAULT_KINDS];
    unsigned long submits, refused;
};

struct modem_options {
    int64_t submit_delay_us, prompt_delay_us, register_delay_us, ack_timeout_us, boot_delay_us,
        ussd_delay_us;
    int hurry; /* divides the profiles' own times */
    unsigned sm_size, me_size, sr_size;
    const char *link_dir;
    int tcp_port;   /* of modem 0; 0: none */
    bool cold;      /* just switched on, all of them */
    bool all_ports; /* every interface that the profile has */
    bool drop_unrouted_reports, trace;
};
extern struct modem_options modem_options;
extern struct modem *modems; /* modem_count of them */
extern int modem_count;

/* modem.c */
bool modem_create(struct modem *m, int index, const struct profile *profile, unsigned seed);
void modem_free(struct modem *m);
void modem_reset(struct modem *m); /* it restarts; chatters */
void modem_unplug(struct modem *m);
bool modem_replug(struct modem *m);
void modem_network(struct modem *m, int reg); /* what the network says from now on */
void modem_radio(struct modem *m, bool on);
bool modem_sms_service(const struct modem *m);
bool modem_locked(const struct modem *m); /* the PIN is wanted */
/* Unplugged, and back after gone_us: what a power switch does. */
void modem_power_cycle(struct modem *m, int64_t gone_us);
bool modem_rename(struct modem *m, const char *name); /* of its link, from the next plug on */
void modem_swap(struct modem *a, struct modem *b);

void modem_call(struct modem *m, const char *from, int rings, int64_t every_us);
void modem_hang_up(struct modem *m);

/* at_ussd.c: the network speaks first; `asks`: it wants an answer */
void ussd_push(struct modem *m, const char *utf8, bool asks);

/* manner.c */
int64_t manner_us(int ms);
int64_t manner_boot_us(const struct modem *m);
int64_t manner_prompt_us(const struct modem *m);
void manner_busy_from_now(struct modem *m);
bool manner_is_busy(const struct modem *m, const char *command);
void manner_started(struct modem *m);

/* hang.c */
enum hang_verdict { HANG_LETS_PASS, HANG_SWALLOWS, HANG_REFUSES };
bool hang_set(struct modem *m, const char *cure, const char *manner); /* false: no such */
void hang_cure(struct modem *m, enum cure by); /* when `by` is at least what it waits for */
const char *hang_name(const struct modem *m);  /* what it waits for, or NULL */
bool hang_is_dead(const struct modem *m);      /* says nothing at all */
enum hang_verdict hang_judges(struct modem *m, const char *command); /* behind AT */

/* line.c */
void line_input(struct line *l, const uint8_t *bytes, size_t n);
void line_writable(struct line *l);
void line_opened(struct line *l);
void line_closed(struct line *l); /* by all who had it open */
void line_free(struct line *l);
void line_reset_all(struct modem *m, enum line_mode mode);
void line_flush_all(void);
/* To the line whose command is carried out. */
void line_put(struct modem *m, const void *bytes, size_t n);
void line_info(struct modem *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void line_info_pdu(struct modem *m, const char *header, const uint8_t *pdu, size_t n);
void line_final(struct modem *m, int result); /* AT_* of at.h */
void line_faults(struct modem *m, const char *command);
void line_chatter(struct modem *m); /* lines of others around and inside the answer to come */
/* To every line that hears unsolicited ones. */
void line_urc(struct modem *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void line_urc_pdu(struct modem *m, const char *header, const uint8_t *pdu, size_t n);

/* port.c */
void port_init(struct port *p);
bool port_open(struct line *l);
void port_close(struct line *l);
bool port_listen(struct line *l);
void port_free(struct port *p);
long port_write(struct line *l, const char *bytes, size_t n); /* how many; 0: later */
bool port_notify_open(void);
void port_notify_close(void);

/* mt.c */
void mt_pump(struct modem *m);
void mt_acknowledge(struct modem *m, bool good);
void mt_reset(struct modem *m);

/* store.c */
void store_make(struct store *s, const char *name, unsigned size);
void store_free(struct store *s);
int store_put(struct store *s, uint8_t stat, const uint8_t *pdu, size_t n,
              size_t smsc_n); /* -1 full */
void store_drop(struct store *s, unsigned at);
struct store *modem_store(struct modem *m, char letter);

#endif
