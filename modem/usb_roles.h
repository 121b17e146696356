/* usb_roles.h - which interface of which modem is which: hints, from its USB numbers alone.
 * Product names live here and in quirks.c only.  Pure.  Promises: an unknown device is no error: it is probed. */
#ifndef SMSBRIDGE_USB_ROLES_H
#define SMSBRIDGE_USB_ROLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "usb.h"

/* In the order in which they are tried. */
enum usb_role {
    USB_ROLE_AT,        /* the port to use */
    USB_ROLE_SECOND,    /* speaks AT, too */
    USB_ROLE_UNKNOWN,
    USB_ROLE_DATA,      /* speaks AT, but a data connection may want it */
    USB_ROLE_OTHER      /* diagnosis, positions, sound: never written to */
};
enum usb_role usb_role_of(const struct usb_port *port);

/* A device that has no AT port as it is: why, and what helps; NULL: not known to be one. */
const char *usb_why_no_port(uint16_t vendor, uint16_t product);

/* A chip that anything may hang on: its USB numbers tell nothing about a modem. */
bool usb_is_bridge(uint16_t vendor);

/* The rows, for udev/70-smsbridge.rules, which a test compares with them. */
struct usb_vendor {
    uint16_t vendor;
    bool bridge;
    const char *name;
};
struct usb_role_row {
    uint16_t vendor, product;
    uint8_t interface;
    enum usb_role role;
};
extern const struct usb_vendor usb_vendors[];
extern const size_t usb_vendor_count;
extern const struct usb_role_row usb_role_rows[];
extern const size_t usb_role_row_count;

#endif
