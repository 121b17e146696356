"""USB devices that are not there: a umockdev testbed, told what to plug by lines of JSON on standard input.

Run under umockdev-wrapper.  Says {"root": DIR} first, then {"ok": true} for each line:
  {"plug": "1-1.4", "vendor": "12d1", "product": "1001", "serial": "", "plug_number": 5,
   "ports": [{"tty": "ttyUSB0", "interface": 0, "pty": "/dev/pts/7", "minor": 0}, ...]}
  {"unplug": "1-1.4"}
  {"drop": "1-1.4", "tty": "ttyUSB0"}           one port of it goes
With "bare": true the ttys hang on no USB, but on a port of the board.
"""
import json
import os
import sys

import gi
gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402

bed = UMockdev.Testbed.new()
root = bed.get_root_dir()
paths = {}


def say(value):
    print(json.dumps(value), flush=True)


def add(subsystem, name, parent, attributes, properties):
    flat = [word for pair in attributes.items() for word in pair]
    props = [word for pair in properties.items() for word in pair]
    return bed.add_devicev(subsystem, name, parent, flat, props) if hasattr(bed, "add_devicev") else \
        bed.add_device(subsystem, name, parent, flat, props)


def plug(want):
    """A usb_device, its interfaces, and a tty on each."""
    number = want["plug_number"]
    product = f"{int(want['vendor'], 16):x}/{int(want['product'], 16):x}/0"
    attributes = {"idVendor": want["vendor"], "idProduct": want["product"], "busnum": "1", "devnum": str(number),
                  "product": want.get("name", "modem")}
    if want.get("serial"):
        attributes["serial"] = want["serial"]
    if want.get("bare"):
        device = add("platform", want["plug"], None, {}, {})
    else:
        device = add("usb", want["plug"], None, attributes,
                     {"DEVTYPE": "usb_device", "PRODUCT": product, "BUSNUM": "001", "DEVNUM": f"{number:03d}",
                      "ID_SMSBRIDGE_TEST": "1"})
    made = [device]
    for port in want["ports"]:
        parent = device
        if not want.get("bare"):
            parent = add("usb", f"{want['plug']}:1.{port['interface']}", device,
                         {"bInterfaceNumber": f"{port['interface']:02x}", "bInterfaceClass": port.get("class", "ff"),
                          "bInterfaceSubClass": port.get("subclass", "ff"),
                          "bInterfaceProtocol": port.get("protocol", "ff")},
                         {"DEVTYPE": "usb_interface", "PRODUCT": product})
            made.append(parent)
        node = os.path.join(root, "dev", port["tty"])
        made.append(add("tty", port["tty"], parent, {"dev": f"188:{port['minor']}"},
                        {"DEVNAME": f"/dev/{port['tty']}", "MAJOR": "188", "MINOR": str(port["minor"])}))
        if port.get("pty"):
            if os.path.lexists(node):
                os.unlink(node)
            os.symlink(port["pty"], node)
    for path in made:
        bed.uevent(path, "add")
    paths[want["plug"]] = (made, [port["tty"] for port in want["ports"]])


def remove(made, ttys):
    for path in reversed(made):
        bed.uevent(path, "remove")
        bed.remove_device(path)
    for tty in ttys:
        node = os.path.join(root, "dev", tty)
        if os.path.lexists(node):
            os.unlink(node)


def drop(name, tty):
    """The driver lets go of one port."""
    made, ttys = paths[name]
    path = next(path for path in made if path.endswith("/" + tty))
    made.remove(path)
    ttys.remove(tty)
    remove([path], [tty])


say({"root": root})
for line in sys.stdin:
    command = json.loads(line)
    if "plug" in command:
        plug(command)
    elif "drop" in command:
        drop(command["drop"], command["tty"])
    else:
        remove(*paths.pop(command["unplug"]))
    say({"ok": True})
