/* at.h - one dialogue with deadlines: ITU-T V.250, 3GPP TS 27.007 and 27.005.
 * Knows no SMS and no product.  One thread: the modem's.
 * Promises: an answer is only what starts with the prefix that the command declared, or is exactly a final
 * result; everything else is unsolicited and never extends a deadline.  After a time-out the line is
 * poisoned and every command fails with ERR_BUSY until at_resync().  The same bytes give the same result
 * however they were cut into reads. */
#ifndef SMSBRIDGE_AT_H
#define SMSBRIDGE_AT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define AT_LINE_MAX     2048    /* a longer line is cut and marked; V.250 names no limit, a +CUSD is the longest */
#define AT_ANSWER_MAX  65536    /* all lines of one answer: +CMGL of a full SIM in chunks stays below */

enum at_final { AT_OK, AT_ERROR, AT_CME_ERROR, AT_CMS_ERROR, AT_CONNECTION };
/* AT_CONNECTION: NO CARRIER, BUSY, NO ANSWER, NO DIALTONE, CONNECT (V.250 table 1) */

struct at_reply {
    enum at_final final;
    int code;               /* of +CME / +CMS ERROR; -1 where the modem sent words */
    char words[96];         /* those words ("COMMAND NOT SUPPORT", "SIM busy"), else "" */
    unsigned lines;         /* information lines, echo and unsolicited ones left out; a PDU that its +CMGR or
                             * +CMGL header owns follows as a line of its own, one of a wrong length does not */
    const char *text;       /* the lines, each NUL-terminated, one after another; borrowed until the next at_ call */
    bool truncated;         /* more than AT_ANSWER_MAX, or a line over AT_LINE_MAX */
};
/* Line i of a reply (0-based), NULL beyond the last. */
const char *at_reply_line(const struct at_reply *r, unsigned i);

/* What the modem says unasked.  `pdu` is the line that +CMT, +CDS, +CBM own, else NULL (also where that line
 * was lost or is not hexadecimal).  It, and the PDUs of +CMGR and +CMGL, begin with "?" where they are not as long as
 * the header says.  A +CUSD text of several lines is one line with LF in it.
 * trace: one whole line a call, the CR LF before it and behind it included (at_trace_format() shows it).
 * Called on this thread from within at_* functions: it must not call at_command*() or at_resync();
 * it may call at_hurry(). */
struct at_handler {
    void (*unsolicited)(void *ctx, const char *line, const char *pdu);
    void (*trace)(void *ctx, char direction, const char *bytes, size_t n);  /* '<' from the modem, '>' to it; may be NULL */
    /* wake_fd was signalled (and is drained) while a command runs; may be NULL: wake_fd ends at_idle() only.
     * Like unsolicited() it may call at_hurry(). */
    void (*woken)(void *ctx);
    void *ctx;
};

struct at;
/* fd (non-blocking; a tty with VMIN 1) stays the caller's; wake_fd (an eventfd or -1) ends at_idle() early.
 * ERR_NO_MEMORY. */
enum err at_new(int fd, int wake_fd, const struct at_handler *handler, struct at **out) MUST_CHECK;
void at_free(struct at *at);

/* Sends "command\r" and waits for the final result.
 * prefix: "+CSQ" for a prefixed answer, AT_BARE for lines without one (+CGSN, ATI: what is no known
 * unsolicited line), NULL for a command that has no information lines.
 * reply (may be NULL) is written on OK only.
 * OK: a final result came, whichever (look at reply->final).  ERR_TIMEOUT: the line is poisoned.
 * ERR_CLOSED: unplugged or hung up.  ERR_SYNTAX: a control character in the command.
 * ERR_BUSY: poisoned, or called from a handler. */
#define AT_BARE ""
enum err at_command(struct at *at, struct at_reply *reply, int timeout_ms, const char *prefix,
                    const char *command) MUST_CHECK;
/* The same, and any final result but AT_OK is ERR_REFUSED; reply is then written too. */
enum err at_ok(struct at *at, struct at_reply *reply, int timeout_ms, const char *prefix,
               const char *command) MUST_CHECK;

/* +CMGS, +CMGW, +CNMA=1,n: the command, the prompt (CR LF ">" with any white space), the PDU in
 * hexadecimal and Ctrl-Z.
 * *committed becomes true when the first byte of the PDU may have been written: from there on only a
 * certain answer tells.  A final result instead of the prompt: OK, *committed false.
 * ERR_TIMEOUT with *committed false: no prompt came (ESC was sent, the line is poisoned, the PDU was not sent).
 * ERR_TIMEOUT with *committed true: nothing more was written; the line is poisoned.  An information line
 * that came without its final result ("+CMGS: 41", then silence or an unplug) goes to the unsolicited handler.
 * A bare ">" with nothing behind it is the prompt after 50 ms. */
enum err at_command_pdu(struct at *at, struct at_reply *reply, int prompt_ms, int timeout_ms,
                        const char *prefix, const char *command, const char *pdu_hex,
                        bool *committed) MUST_CHECK;

/* Shorten the running command's deadline, its answer's too when the prompt is still awaited, to at most ms from
 * now (from a handler). */
void at_hurry(struct at *at, int ms);

/* Waits up to timeout_ms for unsolicited lines and hands each out.  OK: at least one came, or wake_fd was
 * signalled (and is drained); ERR_TIMEOUT: nothing; ERR_CLOSED. */
enum err at_idle(struct at *at, int timeout_ms) MUST_CHECK;

/* ESC, drain, "AT" until a clean OK and 200 ms of silence.  Late lines met on the way are handed to the
 * unsolicited handler (a late +CMGS or +CMS ERROR among them).  An attempt takes at most a third of
 * timeout_ms, and all of them that time; four times as long when answers come, but late: until all that was
 * asked is answered.  ERR_TIMEOUT: all failed; ERR_CLOSED. */
enum err at_resync(struct at *at, int timeout_ms) MUST_CHECK;
bool at_poisoned(const struct at *at);

/* One piece of a trace as one line of a transcript: "< \r\nOK\r\n", "> AT+CMGF=0\r"; other control bytes and
 * everything above 7E as \x1a, the digits of a PIN as *.  No newline at its end; cut to size. */
void at_trace_format(char direction, const char *bytes, size_t n, char *out, size_t size);

#endif
