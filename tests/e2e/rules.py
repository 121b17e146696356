"""What udev makes of a stick by the rules of ../../udev, said as JSON: devices of a umockdev testbed given to `udevadm test`.

Run under umockdev-wrapper in a mount namespace of its own (test_rules.py), for udevadm makes the links it speaks of.
Arguments: vendor product serial, and a folder with more rules.  Says {"usb": {...}, "tty": {...}, "said": "..."}.
"""
import json
import subprocess
import sys

import gi
gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402

vendor, product, serial = sys.argv[1:4]
bed = UMockdev.Testbed.new()
controller = bed.add_device("pci", "0000:00:14.0", None, [], [])
hub = bed.add_device("usb", "usb1", controller, ["idVendor", "1d6b", "idProduct", "0002"], ["DEVTYPE", "usb_device"])
stick = bed.add_device("usb", "1-1.1", hub, ["idVendor", vendor, "idProduct", product, "serial", serial],
                       ["DEVTYPE", "usb_device", "PRODUCT", f"{int(vendor, 16):x}/{int(product, 16):x}/0",
                        "DEVNAME", "/dev/bus/usb/001/005"])
interface = bed.add_device("usb", "1-1.1:1.2", stick, ["bInterfaceNumber", "02", "bInterfaceClass", "ff"],
                           ["DEVTYPE", "usb_interface"])
tty = bed.add_device("tty", "ttyUSB0", interface, ["dev", "188:0"],
                     ["DEVNAME", "/dev/ttyUSB0", "MAJOR", "188", "MINOR", "0"])
answer = {"said": ""}
for name, path in (("usb", stick), ("tty", tty)):
    done = subprocess.run(["udevadm", "test", "--action=add", path], capture_output=True, text=True,
                          check=False)  # its environment is ours with what the testbed put into it
    found = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    found["run"] = [line[5:].strip("'") for line in done.stdout.splitlines() if line.startswith("run: ")]
    answer[name] = found
    answer["said"] += done.stderr
print(json.dumps(answer))
