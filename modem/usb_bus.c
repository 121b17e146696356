/* usb_bus.c - the serial ports that hang on USB, and news of plugging.
 * Refuses to know modems.
 * Promises: a list is what the kernel shows now; nothing is opened. */
#include "usb_bus.h"

#include <libserialport.h>
#include <libudev.h>
#include <stdlib.h>
#include <unistd.h>

#include "log.h"
#include "text.h"

#define LIST_TRIES 5

struct usb_bus {
    struct udev *udev;
    struct udev_monitor *monitor; /* NULL: none */
};

/* "udev": after the rules ran, so that links, group and mode are there. */
static struct udev_monitor *listen_to_udev(struct udev *udev)
{
    struct udev_monitor *m = udev_monitor_new_from_netlink(udev, "udev");
    if (m && udev_monitor_filter_add_match_subsystem_devtype(m, "tty", NULL) >= 0 &&
        udev_monitor_filter_add_match_subsystem_devtype(m, "usb", "usb_device") >= 0 &&
        udev_monitor_enable_receiving(m) >= 0)
        return m;
    udev_monitor_unref(m);
    log_warn("usb", "udev is not heard: plugging is noticed within two seconds only");
    return NULL;
}

enum err usb_bus_new(struct usb_bus **out)
{
    struct usb_bus *b = calloc(1, sizeof *b);
    if (!b || !(b->udev = udev_new())) {
        free(b);
        return ERR_NO_MEMORY;
    }
    b->monitor = listen_to_udev(b->udev);
    *out = b;
    return OK;
}

void usb_bus_free(struct usb_bus *b)
{
    if (!b)
        return;
    udev_monitor_unref(b->monitor);
    udev_unref(b->udev);
    free(b);
}

int usb_bus_fd(const struct usb_bus *b)
{
    return b->monitor ? udev_monitor_get_fd(b->monitor) : -1;
}

void usb_bus_drain(struct usb_bus *b)
{
    struct udev_device *d;
    while (b->monitor && (d = udev_monitor_receive_device(b->monitor)))
        udev_device_unref(d);
}

/* ---- ports ---- */

size_t usb_bus_ports(struct usb_bus *b, struct usb_port *out, size_t max)
{
    struct sp_port **list = NULL;
    size_t n = 0;
    (void)b;
    /* A port that goes while it looks: libserialport 0.1.1 fails, or says SP_OK and gives no list. */
    for (int i = 0; !list && i < LIST_TRIES; i++)
        if (sp_list_ports(&list) != SP_OK)
            list = NULL;
    if (!list)
        return access("/sys/class/tty", F_OK) == 0 ? USB_BUS_UNKNOWN : 0;
    for (size_t i = 0; list[i] && n < max; i++)
        n += usb_find(sp_get_port_name(list[i]), &out[n]) == OK;
    sp_free_port_list(list);
    return n;
}

/* ---- devices ---- */

size_t usb_bus_devices(struct usb_bus *b, struct usb_port *out, size_t max)
{
    struct udev_list_entry *entry;
    struct udev_enumerate *all = udev_enumerate_new(b->udev);
    size_t n = 0;
    if (!all || udev_enumerate_add_match_subsystem(all, "usb") < 0 ||
        udev_enumerate_add_match_property(all, "DEVTYPE", "usb_device") < 0 ||
        udev_enumerate_scan_devices(all) < 0) {
        udev_enumerate_unref(all);
        return 0;
    }
    udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(all))
    {
        const char *path = udev_list_entry_get_name(entry);
        if (n < max && usb_device_at(path, &out[n]) == OK)
            n++;
    }
    udev_enumerate_unref(all);
    return n;
}
