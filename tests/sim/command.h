/* The control commands' rows.  Knows no socket.
   Promises one function a command, in three files by subject. */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include "control.h"
#include "simmodem.h"

struct command_row {
    const char *name;
    int words; /* that it needs after its name */
    void (*fn)(struct request *r);
    const char *help;
};

extern const struct command_row command_world[]; /* modems, network, faults */
extern const struct command_row command_phone[]; /* handsets, taps, inbound SMS */

struct modem *command_modem(struct request *r, int word); /* NULL: answered with the reason */
void command_ok(struct request *r);

#endif
