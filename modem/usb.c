/* usb.c - the USB device behind a serial port, by libudev.
 * Refuses to know modems, AT and who asks.
 * Promises: nothing is kept between two calls; what a device does not tell is "", -1 or 0. */
#include "usb.h"

#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <linux/usbdevice_fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"

#define WHY_SIZE 160

static enum err PRINTF_LIKE(3, 4) say(char *why, enum err e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (why)
        vsnprintf(why, WHY_SIZE, fmt, args);
    va_end(args);
    return e;
}

/* What a stick says of itself is hostile: printable ASCII stays. */
static void copy_attribute(struct udev_device *d, const char *name, char *out, size_t size)
{
    const char *value = udev_device_get_sysattr_value(d, name);
    size_t n = 0;
    for (; value && *value && n < size - 1; value++)
        if (*value >= ' ' && *value <= '~')
            out[n++] = *value;
    out[n] = '\0';
}

/* Four hexadecimal digits at most; -1: not told. */
static int hex_attribute(struct udev_device *d, const char *name)
{
    const char *value = udev_device_get_sysattr_value(d, name);
    int n = 0, digits = 0;
    for (; value && *value; value++, digits++) {
        const char *hex = "0123456789abcdef0123456789ABCDEF", *at = strchr(hex, *value);
        if (!at || digits == 4)
            return -1;
        n = n * 16 + (int)(at - hex) % 16;
    }
    return digits ? n : -1;
}

static int decimal_attribute(struct udev_device *d, const char *name)
{
    const char *value = udev_device_get_sysattr_value(d, name);
    int64_t n = 0;
    return value && text_int(value, 0, 65535, &n) == OK ? (int)n : -1;
}

static void read_device(struct udev_device *d, struct usb_port *out)
{
    const char *node = udev_device_get_devnode(d);
    int vendor = hex_attribute(d, "idVendor"), product = hex_attribute(d, "idProduct");
    out->vendor = vendor < 0 ? 0 : (uint16_t)vendor;
    out->product = product < 0 ? 0 : (uint16_t)product;
    out->plug = decimal_attribute(d, "devnum");
    copy_attribute(d, "serial", out->serial, sizeof out->serial);
    copy_attribute(d, "product", out->product_name, sizeof out->product_name);
    snprintf(out->device, sizeof out->device, "%s", udev_device_get_syspath(d));
    snprintf(out->node, sizeof out->node, "%s", node ? node : "");
}

static void read_interface(struct udev_device *i, struct usb_port *out)
{
    int class = hex_attribute(i, "bInterfaceClass"), sub = hex_attribute(i, "bInterfaceSubClass");
    int protocol = hex_attribute(i, "bInterfaceProtocol");
    out->interface = hex_attribute(i, "bInterfaceNumber");
    out->class = class < 0 ? 0 : (uint8_t) class;
    out->subclass = sub < 0 ? 0 : (uint8_t)sub;
    out->protocol = protocol < 0 ? 0 : (uint8_t)protocol;
}

/* Parents belong to the tty: they are freed with it. */
static enum err read_tty(struct udev_device *tty, struct usb_port *out)
{
    struct usb_port found = {.interface = -1, .plug = -1};
    const char *node = udev_device_get_devnode(tty);
    struct udev_device *i =
        udev_device_get_parent_with_subsystem_devtype(tty, "usb", "usb_interface");
    struct udev_device *d = udev_device_get_parent_with_subsystem_devtype(tty, "usb", "usb_device");
    if (!node || !d)
        return ERR_UNSUPPORTED;
    if (text_copy(found.tty, sizeof found.tty, node) != OK)
        return ERR_UNSUPPORTED;
    read_device(d, &found);
    found.ready = udev_device_get_is_initialized(tty) > 0 || access("/run/udev/control", F_OK) != 0;
    if (i)
        read_interface(i, &found);
    *out = found;
    return OK;
}

enum err usb_find(const char *path, struct usb_port *out)
{
    struct stat st;
    enum err e = ERR_NOT_FOUND;
    if (stat(path, &st) != 0 || !S_ISCHR(st.st_mode))
        return ERR_NOT_FOUND;
    struct udev *udev = udev_new();
    if (!udev)
        return ERR_NO_MEMORY;
    struct udev_device *tty = udev_device_new_from_devnum(udev, 'c', st.st_rdev);
    if (tty)
        e = read_tty(tty, out);
    udev_device_unref(tty);
    udev_unref(udev);
    return e;
}

enum err usb_device_at(const char *syspath, struct usb_port *out)
{
    struct usb_port found = {.interface = -1, .plug = -1};
    struct udev *udev = udev_new();
    if (!udev)
        return ERR_NO_MEMORY;
    struct udev_device *d = udev_device_new_from_syspath(udev, syspath);
    if (d) {
        read_device(d, &found);
        *out = found;
    }
    bool there = d != NULL;
    udev_device_unref(d);
    udev_unref(udev);
    return there ? OK : ERR_NOT_FOUND;
}

/* ---- reset ---- */

/* Between finding and resetting the stick may have been pulled, and another one put in its place. */
static bool still_plugged(const struct usb_port *port)
{
    struct udev *udev = udev_new();
    struct udev_device *d = udev ? udev_device_new_from_syspath(udev, port->device) : NULL;
    bool same = d && decimal_attribute(d, "devnum") == port->plug;
    udev_device_unref(d);
    udev_unref(udev);
    return same;
}

enum err usb_reset(const struct usb_port *port, char *why)
{
    if (!port->node[0] || !still_plugged(port))
        return say(why, ERR_NOT_FOUND, "the USB device is not plugged in any more");
    int fd = open(port->node, O_WRONLY | O_CLOEXEC);
    if (fd < 0 && (errno == EACCES || errno == EPERM || errno == EROFS))
        return say(why, ERR_DENIED, "%.60s: no permission to reset the USB device", port->node);
    if (fd < 0)
        return say(why, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%.60s: %.60s", port->node,
                   strerrordesc_np(errno));
    int result = ioctl(fd, USBDEVFS_RESET, 0), error = errno;
    close(fd);
    if (result == 0)
        return OK;
    if (error == ENODEV)
        return say(why, ERR_NOT_FOUND, "the USB device went away while it was reset");
    return say(why, ERR_IO, "%.60s: the USB reset failed: %.60s", port->node,
               strerrordesc_np(error));
}
