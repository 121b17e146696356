/* usb_bus.h - the serial ports that hang on USB, and news of plugging.
 * Refuses to know modems.  Enumerates through libserialport, asks libudev for the rest, and listens to udev, or,
 * where no udevd runs, to nobody: whoever uses it looks again every second or two.
 * One thread. */
#ifndef SMSBRIDGE_USB_BUS_H
#define SMSBRIDGE_USB_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "usb.h"

struct usb_bus;

/* ERR_NO_MEMORY.  Without a monitor (no netlink in a container) it works, and is slower to notice. */
enum err usb_bus_new(struct usb_bus **out) MUST_CHECK;
void usb_bus_free(struct usb_bus *b); /* NULL is fine */
/* Readable when something was plugged or unplugged; -1: no monitor.  usb_bus_drain() takes the news. */
int usb_bus_fd(const struct usb_bus *b);
void usb_bus_drain(struct usb_bus *b);
/* Serial ports on USB.  At most max; returns how many, or USB_BUS_UNKNOWN: they could not be listed, look again. */
#define USB_BUS_UNKNOWN SIZE_MAX
size_t usb_bus_ports(struct usb_bus *b, struct usb_port *out, size_t max);
/* Devices, not ports: tty is "".  At most max; returns how many. */
size_t usb_bus_devices(struct usb_bus *b, struct usb_port *out, size_t max);

#endif
