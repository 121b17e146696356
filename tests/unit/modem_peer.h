/* modem_peer.h - the other end of a modem's line, for tests: a pty whose far side answers from a table.
 * Knows no modem code.  The table comes from a transcript (tests/transcripts/README) and can be changed row by
 * row, at any time, from the test's thread. */
#ifndef MODEM_PEER_H
#define MODEM_PEER_H

#include <stdbool.h>
#include <stddef.h>

#define PEER_WHOLE  0 /* how answers are cut */
#define PEER_BYTES  1
#define PEER_RANDOM 2

struct peer;

/* Reads the table of a transcript; NULL path: an empty one. Fails the test when it cannot be read. */
struct peer *peer_new(const char *transcript);
void peer_free(struct peer *p);
void peer_cut(struct peer *p, int how, unsigned seed);
void peer_echo(struct peer *p, bool stuck);     /* echo every command, in spite of ATE0 if stuck */

const char *peer_path(const struct peer *p);    /* where the modem is plugged in: a symbolic link */
void peer_plug(struct peer *p);                 /* peer_new() leaves it unplugged */
void peer_unplug(struct peer *p);

/* From now on that command gets that answer, for ever.  "" is silence; "!unplug" pulls the plug.
 * "PDU" is what follows a prompt; "AT+CMGS=" stands for every command that starts so. */
void peer_answer(struct peer *p, const char *command, const char *answer);
/* The next time only; later ones queue up behind it. */
void peer_answer_once(struct peer *p, const char *command, const char *answer);
/* All that was set by these two is forgotten: the transcript's answers again. */
void peer_forget(struct peer *p);
/* Unasked. */
void peer_say(struct peer *p, const char *bytes);
/* Lines of the transcript that followed an answer which was never asked for. */
void peer_say_rest(struct peer *p);

/* How often a command that starts with this was received. */
unsigned peer_count(struct peer *p, const char *command);
/* Waits until it was received `count` times; false after ms. */
bool peer_wait(struct peer *p, const char *command, unsigned count, int ms);
/* The last PDU that came with Ctrl-Z, "" if none. */
void peer_last_pdu(struct peer *p, char *out, size_t size);

/* The transcript's i-th line that begins with '!' or '=', mark included; NULL behind the last. */
const char *peer_line(const struct peer *p, unsigned i);

#endif
