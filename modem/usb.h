/* usb.h - the USB device behind a serial port, as the kernel and udev tell it.
 * Refuses to know modems, AT and who asks.  Reads only; usb_reset() alone acts.
 * Promises: every call stands by itself (a libudev context of its own): any thread. */
#ifndef SMSBRIDGE_USB_H
#define SMSBRIDGE_USB_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define USB_PATH_MAX 256
#define USB_TEXT_MAX  64

struct usb_port {
    char tty[USB_TEXT_MAX];     /* the device node: "/dev/ttyUSB2" */
    char device[USB_PATH_MAX];  /* the usb_device's path in /sys: the ports of one stick share it, another
                                 * socket is another one; stable as long as it is plugged in */
    char node[USB_TEXT_MAX];    /* "/dev/bus/usb/001/004" */
    char serial[USB_TEXT_MAX];  /* "" where it has none */
    char product_name[USB_TEXT_MAX];
    uint16_t vendor, product;
    bool ready;                 /* udev's rules have run for the port, or no udevd is there to run them */
    int plug;                   /* the kernel's number for this plugging: another after each replug */
    int interface;              /* bInterfaceNumber; -1: not told */
    uint8_t class, subclass, protocol; /* of the interface */
};

/* path: a tty's device node or a link to it.  ERR_NOT_FOUND: no such tty; ERR_UNSUPPORTED: it hangs on no USB
 * device; ERR_NO_MEMORY. */
enum err usb_find(const char *path, struct usb_port *out) MUST_CHECK;
/* The device alone, by its path in /sys; tty is "".  ERR_NOT_FOUND, ERR_NO_MEMORY. */
enum err usb_device_at(const char *syspath, struct usb_port *out) MUST_CHECK;
/* The kernel resets the device (USBDEVFS_RESET on its node): every port of it goes and comes back, perhaps under
 * other names.  why (may be NULL, 160 bytes): a sentence when not OK.  ERR_DENIED: no permission to write the node;
 * ERR_NOT_FOUND: it is not plugged in any more, or another one is; ERR_IO. */
enum err usb_reset(const struct usb_port *port, char *why) MUST_CHECK;

#endif
