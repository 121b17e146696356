/* store.h - the truth: every message, part, report, link, click, inbound SMS and callback is a row.
 * One function = one transaction = one sentence of the domain.  Names no engine: no SQL beyond store*.c.
 * Promises: a result reaches the caller only after COMMIT; a state change and the callback that it causes
 * are one transaction; what is final does not change again.
 *
 * Writing goes through the store's own thread, which groups waiting sentences into one commit.
 *   store_xxx(...) returning enum err    waits (modem threads, main, callback thread; never an HTTP thread)
 *   store_xxx(..., done, ctx)            returns at once; done(ctx, result) on the store's thread, after the commit;
 *                                        before it returns, with ERR_CLOSED or ERR_NO_MEMORY, when it was not begun.
 *                                        done() must not block, nor call a function that waits
 * Reading goes through a struct store_reader, one a thread.
 * Errors of every sentence: ERR_NO_SPACE (full, read-only or failing disk: nothing was changed, try again),
 * ERR_NO_MEMORY (the same), ERR_CLOSED (stopping), ERR_CORRUPT.  Times: clk_wall_ms() milliseconds.  Strings: UTF-8. */
#ifndef SMSBRIDGE_STORE_H
#define SMSBRIDGE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "modem.h"
#include "sms.h"

#define STORE_MSGID_LEN 32
#define STORE_SLUG_MAX  16

struct store;
struct store_reader;
typedef void store_done(void *ctx, enum err result);

/* path: the database file, made with its tables when missing; older ones are migrated.
 * Whatever was `sending` when the process died becomes uncertain, counted from now_ms.
 * why: 200 bytes, a sentence for people when not OK. */
enum err store_open(const char *path, int64_t now_ms, struct store **out, char *why) MUST_CHECK;
/* Finishes what waits, checkpoints, frees.  All other threads are done with it.  NULL is fine. */
void store_close(struct store *s);
/* OK while the last commit succeeded and the thread is alive (for /healthz). */
enum err store_health(struct store *s);
/* A hint when rows appeared: parts to send, callbacks to post.  Called on the store's thread; must not block. */
void store_on_due(struct store *s, void (*parts)(void *), void (*callbacks)(void *), void *ctx);

/* What a commit changed, for those who watch and count: told after it, never of one that failed. */
enum store_event_kind {
    STORE_EVENT_MESSAGE,                /* its state is another, QUEUED at first */
    STORE_EVENT_TAP,                    /* a link's first tap by a person */
    STORE_EVENT_INBOX,                  /* a received SMS, whole or given up as partial */
    STORE_EVENT_PART                    /* of a message: state is an enum store_part_event */
};
enum store_part_event { STORE_PART_SENT, STORE_PART_DELIVERED, STORE_PART_FAILED, STORE_PART_UNCERTAIN,
                        STORE_PART_RETRIED /* in the queue again after a try */ };
struct store_event {
    enum store_event_kind kind;
    int64_t row;                        /* of the message (TAP: its message), or of the inbox */
    int state;                          /* MESSAGE: enum store_state */
    int64_t age_ms;                     /* MESSAGE: since acceptance; PART: since a modem began to send it */
    char modem[MODEM_NAME_MAX];         /* MESSAGE, PART: whose; "": none yet */
};
/* On the store's thread; must not block.  Before any other thread uses the store. */
void store_on_event(struct store *s, void (*event)(void *ctx, const struct store_event *e), void *ctx);

enum err store_reader_open(struct store *s, struct store_reader **out) MUST_CHECK;
void store_reader_close(struct store_reader *r);

/* ---- acceptance ---- */
enum store_uncertain { STORE_UNCERTAIN_DEFAULT, STORE_UNCERTAIN_RESEND, STORE_UNCERTAIN_FAIL };

struct store_new_message {              /* all strings borrowed until done(); NULL where absent */
    char msgid[STORE_MSGID_LEN + 1];
    const char *recipient, *sender, *text;      /* text as it will be sent */
    const char *tags;                   /* a JSON array, "[]" */
    const char *callbackurl, *lt_callbackurl;   /* NULL: none */
    const char *modem;                  /* NULL: any */
    int64_t due_ms;                     /* not before: acceptance or send_at */
    int64_t valid_until_ms;
    uint8_t parts, priority;
    bool flash;
    enum store_uncertain on_uncertain;
    const char *slug, *link, *destination, *shortlink;  /* slug NULL: no link tracking */
    int64_t link_expires_ms;
};
struct store_accept {
    const char *account, *url_base;     /* url_base: what `url` in the status begins with */
    double cost;                        /* of a part */
    int64_t now_ms;
    const char *idempotency_key;        /* NULL: none */
    const char *fingerprint;            /* of the validated fields, hexadecimal */
    struct store_new_message *messages;
    size_t count;
    bool *denied;                       /* out, with ERR_DENIED, where not NULL: of each message, whether it was why */
    bool replayed;                      /* out: the key was known; messages[].msgid are the earlier ones */
};
/* All messages or none.  ERR_CONFLICT: the key was used with another fingerprint, within 24 h;
 * ERR_DENIED: a recipient opted out; ERR_BUSY: a slug is taken, make another. */
void store_accept(struct store *s, struct store_accept *a, store_done *done, void *ctx);
/* Not yet handed to a modem: FAIL, error "cancelled", delivery callback.  ERR_NOT_FOUND, ERR_CONFLICT. */
void store_cancel(struct store *s, const char *account, const char *msgid, int64_t now_ms,
                  store_done *done, void *ctx);

/* ---- status ---- */
enum store_state { STORE_QUEUED, STORE_DELIVERING, STORE_DELIVERED, STORE_FAIL };
const char *store_state_str(enum store_state s);        /* the API's words */

struct store_message {                  /* a row, strings borrowed during the call that hands it out */
    int64_t id;                         /* grows with acceptance */
    const char *msgid, *account, *recipient, *sender, *tags, *url_base;
    enum store_state state;
    int64_t accepted_ms, delivered_ms;  /* 0: not yet */
    int64_t submitted_ms;               /* its last part was handed to a modem; 0: not yet, or never */
    double cost;
    unsigned parts;
    const char *error_code, *error_text;        /* NULL: none */
    const char *modem;                  /* NULL: none yet */
    const char *callbackurl, *lt_callbackurl;
    bool tracked;                       /* a link was replaced */
    const char *link, *shortlink;       /* link NULL: erased */
    int64_t accessed_ms, link_expires_ms;       /* accessed 0: not yet */
    int64_t clicks, bots;
};
typedef enum err store_message_row(void *ctx, const struct store_message *m);

/* ERR_NOT_FOUND: none, or another account's (account NULL: any). */
enum err store_message_get(struct store_reader *r, const char *account, const char *msgid,
                           store_message_row *row, void *ctx) MUST_CHECK;
/* By store_event.row. */
enum err store_message_by_row(struct store_reader *r, int64_t id, store_message_row *row, void *ctx) MUST_CHECK;
struct store_message_query {
    const char *account;
    int64_t accepted_from_ms, accepted_before_ms;       /* [from, before) */
    int64_t before_id;                  /* 0: from the newest; else older than this: the cursor */
    const char *recipient, *tag;        /* NULL: any */
    int state;                          /* -1: any */
    size_t limit;                       /* 0: no limit */
};
/* Newest first.  Holds no transaction between calls: a long list is read in slices by its caller. */
enum err store_message_list(struct store_reader *r, const struct store_message_query *q,
                            store_message_row *row, void *ctx) MUST_CHECK;

/* ---- sending ---- */
/* The next part due for this modem becomes `sending`.  Order: priority, due time, age; a message stays with
 * the modem that took its first part, and a part is due only when those before it were sent.
 * ERR_EMPTY: none; *next_due_ms is then when to look again (0: nothing known). */
struct store_claim {
    const char *modem, *iccid;
    int64_t now_ms;
    struct sms_job job;                 /* out */
    char msgid[STORE_MSGID_LEN + 1];    /* out, for the log */
    int64_t queued_ms;                  /* out: how long it had waited */
};
enum err store_part_claim(struct store *s, struct store_claim *claim, int64_t *next_due_ms);
/* +CMGS: mr (0 to 255, -1: not known).  With `next` not NULL the same commit claims the next part
 * (next->job.part 0: none is due).  A part that a report settled already stays as it is. */
enum err store_part_sent(struct store *s, uint64_t part, const char *modem, const char *iccid, int mr,
                         int64_t now_ms, struct store_claim *next);
enum store_verdict {
    STORE_VERDICT_BACK,         /* to the queue as it was: nothing was tried */
    STORE_VERDICT_RETRY,        /* to the queue, due at retry_ms, tries + 1 */
    STORE_VERDICT_OTHER_MODEM,  /* the same, and its message leaves this modem (where no part of it was sent) */
    STORE_VERDICT_FAIL,         /* the part, and with it the message, for good */
    STORE_VERDICT_UNCERTAIN,    /* queue.uncertain_after counts from retry_ms, now_ms at least */
    STORE_VERDICT_REPEAT        /* the same; but at once, with TP-RD, where the SIM is known to keep our reference, it was not
                                 * uncertain before and its policy is to resend */
};
enum err store_part_failed(struct store *s, uint64_t part, enum store_verdict verdict, const char *modem,
                           const char *code, const char *text, int64_t retry_ms, int64_t now_ms);
/* How often the part was tried, and with which code it failed last ("": none), for the pause; 0 for an unknown part. */
#define STORE_CODE_MAX 24
enum err store_part_tries(struct store *s, uint64_t part, unsigned *tries, char last[STORE_CODE_MAX]);
/* The uncertain part that was tried last on that modem: it may still answer.  0: none.
 * modem NULL: any part that is so on any modem. */
enum err store_part_in_doubt(struct store *s, const char *modem, int64_t now_ms, uint64_t *part);
/* The same, where no other part was tried there since: a late +CMGS is about it.  0: none, or about that other. */
enum err store_part_awaited(struct store *s, const char *modem, int64_t now_ms, uint64_t *part);
/* It cannot be heard any more: what it was to repeat at once is uncertain, and the waiting for reports about its
 * uncertain parts begins in a minute at the earliest; for those tried within an hour. */
enum err store_part_unheard(struct store *s, const char *modem, int64_t now_ms);
/* That modem works again, so late answers and reports can come, some repeated by the network: its uncertain
 * parts wait from now on, and 15 s more. */
enum err store_part_heard_again(struct store *s, const char *modem, int64_t now_ms);
/* A status report, settled by SIM, reference, number and time (23.040 9.2.3.6, 9.2.3.14); *part 0: nobody's, kept. */
enum err store_report(struct store *s, const char *modem, const char *iccid, const struct sms_report *rep,
                      int64_t now_ms, uint64_t *part);

/* What time changes: uncertain parts that nobody settled, messages whose validity ran out, incomplete
 * inbound sets, and old rows (in small steps).  Called about once a second. */
struct store_policy {
    bool uncertain_resend;
    int64_t uncertain_after_ms, partial_after_ms, keep_ms;
    const char *inbox_url;              /* NULL: none */
};
enum err store_tick(struct store *s, const struct store_policy *policy, int64_t now_ms);

/* ---- links ---- */
struct store_link {
    int64_t id;
    char slug[STORE_SLUG_MAX + 1];
    int64_t expires_ms, accessed_ms;    /* accessed 0: not yet */
    int64_t sending_ms;                 /* when its message's first part was first marked sending; 0: not yet */
    bool erased;
    char destination[8192];             /* absolute, ready for Location; "" when erased */
};
enum err store_link_get(struct store_reader *r, const char *slug, struct store_link *out) MUST_CHECK;
struct store_link_row {                 /* strings borrowed during the call */
    int64_t id;                         /* its message's */
    const char *msgid, *recipient, *link, *shortlink;   /* link NULL: erased */
    int64_t accessed_ms, expires_ms;    /* accessed 0: not yet */
    int64_t clicks, bots;
};
typedef enum err store_link_list_row(void *ctx, const struct store_link_row *l);
struct store_link_query { const char *account; int64_t before_id; size_t limit; };
/* Newest first, as store_message_list(). */
enum err store_link_list(struct store_reader *r, const struct store_link_query *q, store_link_list_row *row,
                         void *ctx) MUST_CHECK;
/* First taps in each of the `days` days (UTC) up to that of now_ms, the last of taps[] being the last. */
enum err store_link_taps(struct store_reader *r, const char *account, int64_t now_ms, unsigned *taps,
                         size_t days) MUST_CHECK;
/* The first tap by a person: accessed, clicks 1 and the click's callback in one commit.
 * *first (when not NULL) is set before done(): false when somebody was earlier (clicks + 1 then). */
void store_click(struct store *s, int64_t link, int64_t now_ms, bool *first, store_done *done, void *ctx);
struct store_hit {
    int64_t link;
    uint32_t clicks, bots;
};
/* Later taps and automatic fetches, in batches.  Copied. */
void store_hits(struct store *s, const struct store_hit *hits, size_t count, store_done *done, void *ctx);

/* ---- callbacks: the outbox ---- */
enum store_callback_kind { STORE_CALLBACK_DELIVERY, STORE_CALLBACK_CLICK, STORE_CALLBACK_INBOX,
                           STORE_CALLBACK_INBOX_WHOLE   /* the same entry once more: its late parts came */ };
struct store_callback {                 /* strings borrowed during the call */
    int64_t id;
    enum store_callback_kind kind;
    const char *webhook_id, *url, *account;     /* account: "" for the inbox */
    const char *msgid;                  /* of the message, or the inbox id */
    const char *body;                   /* NULL until the first try */
    unsigned tries;
    int64_t next_ms, made_ms;
    const char *error;                  /* of the last try; NULL: none failed yet */
};
typedef enum err store_callback_row(void *ctx, const struct store_callback *c);
/* Those due at now_ms, oldest first, at most limit; *next_ms: when the next one after them is due (0: none). */
enum err store_callback_due(struct store_reader *r, int64_t now_ms, size_t limit, store_callback_row *row,
                            void *ctx, int64_t *next_ms) MUST_CHECK;
/* Before each POST: tries + 1 and, at the first, the body.  store_callback_due() does not hand it out again for
 * 5 minutes or until a restart, unless it failed before.  ERR_CONFLICT: done or given up meanwhile. */
enum err store_callback_begin(struct store *s, int64_t id, const char *body, int64_t now_ms, unsigned *tries);
enum err store_callback_done(struct store *s, int64_t id, int64_t now_ms);
/* next_ms 0: given up.  error: a few words, kept. */
enum err store_callback_failed(struct store *s, int64_t id, int64_t next_ms, const char *error, int64_t now_ms);
/* Several of the three above in one commit.  OK: each step has its own result, OK or ERR_CONFLICT; any other result:
 * nothing was changed. */
enum store_step_kind { STORE_STEP_BEGIN, STORE_STEP_DONE, STORE_STEP_FAILED };
struct store_callback_step {
    enum store_step_kind kind;
    int64_t id, next_ms;                /* next_ms: of FAILED */
    const char *body, *error;           /* of BEGIN; of FAILED.  Borrowed during the call */
    unsigned tries;                     /* out, of BEGIN */
    enum err result;                    /* out */
};
enum err store_callback_steps(struct store *s, struct store_callback_step *steps, size_t count, int64_t now_ms);
struct store_failed_query { int64_t before_id; size_t limit; };
/* Those given up, newest first. */
enum err store_callback_failed_list(struct store_reader *r, const struct store_failed_query *q,
                                    store_callback_row *row, void *ctx) MUST_CHECK;
/* A given-up one is due again, with as many tries as a new one and the bytes of its first.
 * ERR_NOT_FOUND; ERR_CONFLICT: it was not given up. */
void store_callback_retry(struct store *s, int64_t id, int64_t now_ms, store_done *done, void *ctx);

/* ---- inbound ---- */
struct store_inbox {                    /* a row, strings borrowed during the call */
    int64_t id;
    const char *public_id, *modem, *sender, *message;   /* message: hexadecimal octets where binary */
    const char *recipient;              /* the SIM's own number; NULL: not known */
    const char *replaces;               /* public_id of the earlier one; NULL: none */
    int64_t received_ms;
    unsigned parts;
    unsigned port_dst, port_src;        /* of applications; 0: none */
    bool partial, binary, flash, silent;    /* silent: of type 0, 23.040 9.2.3.9 */
    struct sms_waiting waiting;
};
typedef enum err store_inbox_row(void *ctx, const struct store_inbox *m);
struct store_inbox_query { int64_t since_ms, before_id; size_t limit; };
enum err store_inbox_list(struct store_reader *r, const struct store_inbox_query *q, store_inbox_row *row,
                          void *ctx) MUST_CHECK;
/* By store_event.row. */
enum err store_inbox_by_row(struct store_reader *r, int64_t id, store_inbox_row *row, void *ctx) MUST_CHECK;
enum err store_inbox_get(struct store_reader *r, const char *public_id, store_inbox_row *row,
                         void *ctx) MUST_CHECK;
/* An SMS-DELIVER.  The same PDU of the same SIM again: OK and ignored.  The last part of a set: the inbox row, its
 * callback to inbox_url (NULL: none), in the same commit.  A part of a set that was given out as a partial goes into
 * that row; when it is the last one, the row is a partial no more and is posted once more. */
enum err store_incoming(struct store *s, const char *modem, const char *iccid, const struct sms_deliver *msg,
                        const struct sms_raw *pdu, const char *inbox_url, int64_t now_ms);
/* Octets that nobody understood: kept. */
enum err store_raw(struct store *s, const char *modem, const char *iccid, const struct sms_raw *pdu,
                   int64_t now_ms);

/* ---- who asked for no more ---- */
struct store_words { const char *const *word; size_t n; };      /* UTF-8 */
/* An inbound text that is one of these words as a whole, whatever its capitals: no SMS to its sender's number any
 * more, or again.  Obeyed at acceptance (ERR_DENIED), and by messages that are queued already (FAIL, "opted_out").
 * The words are borrowed until store_close(). */
enum err store_opt_words(struct store *s, const struct store_words *out, const struct store_words *in);

/* ---- modems and SIMs ---- */
struct store_modem {
    const char *name;
    struct store_words senders, prefixes;       /* `sender` values, beginnings of recipients that prefer it */
    unsigned per_minute, per_day;       /* parts that it may send; 0: unlimited */
};
/* Which ones there are, before any of them claims.  Strings are borrowed until store_close().  ERR_FULL: above 256. */
enum err store_modems(struct store *s, const struct store_modem *modems, size_t count, int64_t now_ms);
/* It can send from now on, or cannot.  A message stays for the modem that served its recipient last while that is
 * well; for those that prefer it until none was ready for 30 s.  One that nobody named before is taken in. */
enum err store_modem_ready(struct store *s, const char *modem, bool ready, int64_t now_ms);
enum err store_identified(struct store *s, const char *modem, const struct modem_identity *who, int64_t now_ms);
/* card: its ICCID, or what stands for it.  pin_digest: a digest of the PIN, never the PIN.  attempts: what the card
 * has left, -1 unknown.  may_try records the try; ERR_DENIED: this PIN was tried with this card before and refused,
 * or how that ended is not known and the card has lost an attempt since, or cannot tell. */
enum err store_pin_may_try(struct store *s, const char *card, const char *pin_digest, int attempts, int64_t now_ms);
enum err store_pin_done(struct store *s, const char *card, const char *pin_digest, bool accepted, int64_t now_ms);

/* ---- numbers ---- */
/* For each modem that the store knows: the parts that wait for it, those that anybody may take among them. */
typedef void store_queue_row(void *ctx, const char *modem, int64_t parts);
enum err store_queues(struct store_reader *r, store_queue_row *row, void *ctx) MUST_CHECK;
struct store_counts { int64_t queued, delivering, uncertain, callbacks_pending, callbacks_failed; int64_t oldest_queued_ms; /* the earliest due time, 0: none */ };
enum err store_counts(struct store_reader *r, struct store_counts *out) MUST_CHECK;

#endif
