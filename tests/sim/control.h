/* The control socket: one command line in, one JSON line out.  Knows no modem.
   Promises answers in the order of the questions, and bounded memory for each who asks. */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "str.h"

enum { CONTROL_ARGS_MAX = 40 };

struct client;
struct request {
    struct client *client;
    int argc;
    char *argv[CONTROL_ARGS_MAX]; /* argv[0] is the command */
};

bool control_open(const char *path);
void control_close(void);

/* The command's answer: a JSON object. Exactly once for each request, now or later; after the client has
   gone, `control_is_there` is false and there is nothing to answer. */
void control_answer(struct client *c, const char *json);
void control_fail(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
unsigned long control_id(const struct client *c);
struct client *control_client(unsigned long id); /* NULL: gone */

/* key=value among the arguments, or def. */
const char *control_option(const struct request *r, const char *key, const char *def);
long control_number(const struct request *r, const char *key, long def);

void control_poll(void); /* after every round of events */

/* Provided by command.c */
void command_run(struct request *r);
void command_poll(void); /* are those who wait done? */

void command_close(void);

int control_do(const char *path, const char *line); /* the client side: exit status */

#endif
