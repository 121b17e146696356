/* daemon.h - everything that runs, in one place: started in order, stopped in the other.
 * Knows no command line.  Main thread only. */
#ifndef SMSBRIDGE_DAEMON_H
#define SMSBRIDGE_DAEMON_H

#include "config.h"
#include "err.h"

struct daemon;

/* What the configuration's reader cannot judge by itself: networks, URLs, secrets.
 * why: CONFIG_WHY_MAX bytes, with file and line, when not OK. */
enum err daemon_check(const struct config *config, char *why) MUST_CHECK;
/* Starts every thread.  Takes the configuration over.  What is wrong is logged, in words. */
enum err daemon_start(struct config *config, struct daemon **out) MUST_CHECK;
/* About once a second: what time changes, counts to the disk.  OK: all is well (feeds the watchdog). */
enum err daemon_tick(struct daemon *d) MUST_CHECK;
/* The file was read again: applies what can be applied while running, logs what cannot.  Frees `config`. */
void daemon_reload(struct daemon *d, struct config *config);
/* Finishes what runs, commits, frees: within 5 s.  NULL is fine. */
void daemon_stop(struct daemon *d);

#endif
