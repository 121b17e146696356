/* usb_roles.c - which interface of which modem is which, as tables (docs/modems.md).
 * Refuses to decide: a probe does.  Promises: what no row names is USB_ROLE_UNKNOWN. */
#include "usb_roles.h"

/* Whose devices with serial ports are modems.  What hangs on a bridge may be anything. */
const struct usb_vendor usb_vendors[] = {
    {0x12d1, false, "Huawei"},    {0x19d2, false, "ZTE"},       {0x1e0e, false, "SIMCom"},
    {0x2c7c, false, "Quectel"},   {0x1bc7, false, "Telit"},     {0x1199, false, "Sierra Wireless"},
    {0x1546, false, "u-blox"},    {0x1e2d, false, "Cinterion"}, {0x0af0, false, "Option"},
    {0x1410, false, "Novatel"},   {0x05c6, false, "Qualcomm"},  {0x2cb7, false, "Fibocom"},
    {0x1c9e, false, "Longcheer"}, {0x114f, false, "Wavecom"},   {0x0403, true, "FTDI"},
    {0x10c4, true, "CP210x"},     {0x1a86, true, "CH34x"},      {0x067b, true, "PL2303"},
};
const size_t usb_vendor_count = sizeof usb_vendors / sizeof *usb_vendors;

const struct usb_role_row usb_role_rows[] = {
    /* Huawei E15x to E17x, E153, E1750 */
    {0x12d1, 0x1001, 2, USB_ROLE_AT},
    {0x12d1, 0x1001, 0, USB_ROLE_DATA},
    {0x12d1, 0x1001, 1, USB_ROLE_OTHER},
    {0x12d1, 0x140c, 3, USB_ROLE_AT},
    {0x12d1, 0x14ac, 4, USB_ROLE_AT},
    {0x12d1, 0x1436, 4, USB_ROLE_AT},
    {0x12d1, 0x1506, 3, USB_ROLE_AT},
    /* ZTE */
    {0x19d2, 0x0031, 3, USB_ROLE_AT},
    {0x19d2, 0x0016, 2, USB_ROLE_AT},
    {0x19d2, 0x0017, 2, USB_ROLE_AT},
    {0x19d2, 0x0117, 2, USB_ROLE_AT},
    {0x19d2, 0x2003, 3, USB_ROLE_AT},
    {0x19d2, 0x0124, 4, USB_ROLE_AT},
    {0x19d2, 0x0124, 1, USB_ROLE_SECOND},
    /* SIMCom SIM7000 to SIM7600, A7600 */
    {0x1e0e, 0x9001, 2, USB_ROLE_AT},
    {0x1e0e, 0x9001, 3, USB_ROLE_DATA},
    {0x1e0e, 0x9001, 0, USB_ROLE_OTHER},
    {0x1e0e, 0x9001, 1, USB_ROLE_OTHER},
    {0x1e0e, 0x9001, 4, USB_ROLE_OTHER},
    {0x1e0e, 0x9011, 4, USB_ROLE_AT},
    {0x1e0e, 0x9205, 2, USB_ROLE_AT},
    {0x1e0e, 0x9206, 2, USB_ROLE_AT},
    /* Quectel */
    {0x2c7c, 0x0121, 2, USB_ROLE_AT},
    {0x2c7c, 0x0121, 3, USB_ROLE_DATA},
    {0x2c7c, 0x0125, 2, USB_ROLE_AT},
    {0x2c7c, 0x0125, 3, USB_ROLE_DATA},
    {0x2c7c, 0x0191, 2, USB_ROLE_AT},
    {0x2c7c, 0x0191, 3, USB_ROLE_DATA},
    {0x2c7c, 0x0195, 2, USB_ROLE_AT},
    {0x2c7c, 0x0195, 3, USB_ROLE_DATA},
    {0x2c7c, 0x0296, 2, USB_ROLE_AT},
    {0x2c7c, 0x0296, 3, USB_ROLE_DATA},
    {0x2c7c, 0x0306, 2, USB_ROLE_AT},
    {0x2c7c, 0x0306, 3, USB_ROLE_DATA},
    {0x2c7c, 0x0512, 2, USB_ROLE_AT},
    {0x2c7c, 0x0512, 3, USB_ROLE_DATA},
    {0x2c7c, 0x0800, 2, USB_ROLE_AT},
    {0x2c7c, 0x0800, 3, USB_ROLE_DATA},
    {0x2c7c, 0x0801, 2, USB_ROLE_AT},
    {0x2c7c, 0x0801, 3, USB_ROLE_DATA},
    {0x2c7c, 0x0128, 5, USB_ROLE_AT},
    {0x05c6, 0x9090, 2, USB_ROLE_AT}, /* UC15, UC20 */
    /* Telit */
    {0x1bc7, 0x0021, 6, USB_ROLE_AT},
    {0x1bc7, 0x0021, 0, USB_ROLE_DATA},
    {0x1bc7, 0x1201, 4, USB_ROLE_AT},
    {0x1bc7, 0x1201, 5, USB_ROLE_SECOND},
    {0x1bc7, 0x1031, 1, USB_ROLE_AT},
    {0x1bc7, 0x1033, 1, USB_ROLE_AT},
    {0x1bc7, 0x1101, 1, USB_ROLE_AT},
    {0x1bc7, 0x1003, 0, USB_ROLE_AT},
    {0x1bc7, 0x1004, 0, USB_ROLE_AT},
    /* Sierra Wireless */
    {0x1199, 0x9071, 3, USB_ROLE_AT},
    {0x1199, 0x9071, 0, USB_ROLE_OTHER},
    {0x1199, 0x9071, 2, USB_ROLE_OTHER},
    {0x1199, 0x9079, 3, USB_ROLE_AT},
    {0x1199, 0x9079, 0, USB_ROLE_OTHER},
    {0x1199, 0x9079, 2, USB_ROLE_OTHER},
    {0x1199, 0x9091, 3, USB_ROLE_AT},
    {0x1199, 0x9091, 0, USB_ROLE_OTHER},
    {0x1199, 0x9091, 2, USB_ROLE_OTHER},
    {0x1199, 0x68c0, 3, USB_ROLE_AT},
    {0x1199, 0xc001, 0, USB_ROLE_AT},
    /* u-blox */
    {0x1546, 0x1102, 0, USB_ROLE_AT},
    {0x1546, 0x1102, 2, USB_ROLE_SECOND},
    {0x1546, 0x1102, 4, USB_ROLE_SECOND},
    {0x1546, 0x1104, 0, USB_ROLE_AT},
    {0x1546, 0x1107, 0, USB_ROLE_AT},
    {0x1546, 0x1107, 2, USB_ROLE_SECOND},
    {0x1546, 0x1107, 4, USB_ROLE_SECOND},
    {0x1546, 0x1107, 6, USB_ROLE_OTHER},
    {0x1546, 0x1107, 8, USB_ROLE_OTHER},
    {0x1546, 0x1107, 10, USB_ROLE_OTHER},
    {0x1546, 0x110a, 0, USB_ROLE_AT},
    {0x1546, 0x110a, 2, USB_ROLE_SECOND},
    {0x1546, 0x110a, 4, USB_ROLE_SECOND},
    {0x1546, 0x110a, 6, USB_ROLE_OTHER},
    {0x1546, 0x110a, 8, USB_ROLE_OTHER},
    {0x1546, 0x110a, 10, USB_ROLE_OTHER},
    {0x1546, 0x1010, 6, USB_ROLE_AT},
    {0x05c6, 0x908b, 1, USB_ROLE_AT}, /* LARA-R6 */
    /* Cinterion */
    {0x1e2d, 0x0053, 2, USB_ROLE_AT},
    {0x1e2d, 0x0053, 3, USB_ROLE_DATA},
    {0x1e2d, 0x0053, 1, USB_ROLE_OTHER},
    {0x1e2d, 0x0061, 2, USB_ROLE_AT},
    {0x1e2d, 0x005b, 0, USB_ROLE_AT},
    {0x1e2d, 0x005d, 0, USB_ROLE_AT},
    {0x1e2d, 0x0058, 0, USB_ROLE_AT},
    {0x1e2d, 0x0069, 0, USB_ROLE_AT},
    {0x1e2d, 0x006f, 0, USB_ROLE_AT},
    {0x1e2d, 0x00b3, 2, USB_ROLE_AT},
    {0x1e2d, 0x00f1, 2, USB_ROLE_AT},
};
const size_t usb_role_row_count = sizeof usb_role_rows / sizeof *usb_role_rows;

/* Huawei's newer sticks say it by class ff, subclass 01 to 03 and the protocol. */
static const struct {
    uint8_t protocol;
    enum usb_role role;
} huawei_protocols[] = {
    {0x02, USB_ROLE_AT},   {0x12, USB_ROLE_AT},    {0x32, USB_ROLE_AT},    {0x01, USB_ROLE_DATA},
    {0x31, USB_ROLE_DATA}, {0x03, USB_ROLE_OTHER}, {0x33, USB_ROLE_OTHER},
};

#define HILINK                                                                                     \
    "a stick in HiLink mode is a network card without an AT port: a firmware or a mode with "      \
    "serial ports is needed"
#define STORAGE                                                                                    \
    "a modem that still shows itself as a disk: usb-modeswitch (Debian: apt-get install "          \
    "usb-modeswitch) switches it"

static const struct {
    uint16_t vendor, product;
    const char *why;
} portless[] = {
    {0x12d1, 0x14db, HILINK},  {0x12d1, 0x14dc, HILINK},  {0x12d1, 0x1f01, STORAGE},
    {0x12d1, 0x1446, STORAGE}, {0x12d1, 0x14fe, STORAGE}, {0x12d1, 0x14d1, STORAGE},
    {0x12d1, 0x1520, STORAGE}, {0x19d2, 0x2000, STORAGE},
};

static bool huawei_role(const struct usb_port *p, enum usb_role *out)
{
    if (p->vendor != 0x12d1 || p->class != 0xff || p->subclass < 1 || p->subclass > 3)
        return false;
    for (size_t i = 0; i < sizeof huawei_protocols / sizeof *huawei_protocols; i++)
        if (huawei_protocols[i].protocol == p->protocol) {
            *out = huawei_protocols[i].role;
            return true;
        }
    return false;
}

enum usb_role usb_role_of(const struct usb_port *port)
{
    enum usb_role role = USB_ROLE_UNKNOWN;
    for (size_t i = 0; i < usb_role_row_count; i++) {
        const struct usb_role_row *r = &usb_role_rows[i];
        if (r->vendor == port->vendor && r->product == port->product &&
            r->interface == port->interface)
            return r->role;
    }
    (void)huawei_role(port, &role);
    return role;
}

const char *usb_why_no_port(uint16_t vendor, uint16_t product)
{
    for (size_t i = 0; i < sizeof portless / sizeof *portless; i++)
        if (portless[i].vendor == vendor && portless[i].product == product)
            return portless[i].why;
    return NULL;
}

bool usb_is_bridge(uint16_t vendor)
{
    for (size_t i = 0; i < usb_vendor_count; i++)
        if (usb_vendors[i].vendor == vendor)
            return usb_vendors[i].bridge;
    return false;
}
