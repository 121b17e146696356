/* port.h - a device becomes a descriptor.
 * Knows no AT.  Promises: the descriptor is non-blocking, raw, locked against other programs (TIOCEXCL
 * and flock on a real device) and close-on-exec. */
#ifndef SMSBRIDGE_PORT_H
#define SMSBRIDGE_PORT_H

#include <stdint.h>

#include "err.h"

struct port;    /* owns the descriptor and, for a device, libserialport's handle */

/* path: a serial device (udev symlinks are followed), a pty, or "tcp:host:port" ("tcp:[::1]:2000").
 * A device goes through libserialport; what that does not take for a serial port (a pty, a driver without
 * modem lines) is opened plainly.  timeout_ms bounds a TCP connect, not the resolver.
 * why (may be NULL, 160 bytes): a sentence for people when not OK.
 * ERR_NOT_FOUND: no such device or host; ERR_BUSY: locked by another program, or open already here;
 * ERR_DENIED: permissions; ERR_SYNTAX: not a tcp name; ERR_RANGE: baud; ERR_TIMEOUT: TCP; ERR_IO. */
enum err port_open(const char *path, uint32_t baud, int timeout_ms, struct port **out, char *why) MUST_CHECK;
int port_fd(const struct port *p);
void port_close(struct port *p);    /* NULL is fine */

#endif
