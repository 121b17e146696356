# USB sticks that are not there, for a daemon: a umockdev testbed (plug.py) with modemsim's ptys behind its ttys.
# Refuses to know modems.  Promises that the plugger is gone with its Usb: use it as a context manager, or call stop().
import json
import os
import subprocess
from pathlib import Path

from preload import sanitizers

HERE = Path(__file__).resolve().parent


class Usb:
    """usb = Usb().start(); usb.plug("1-1.4", [sim.port(0)]); make_daemon(env=usb.env); usb.unplug("1-1.4")"""

    def __init__(self):
        self.process = None
        self.plugs = 0

    def start(self):
        self.process = subprocess.Popen(["umockdev-wrapper", "/usr/bin/python3", HERE / "plug.py"], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.root = json.loads(self.process.stdout.readline())["root"]
        return self

    @property
    def env(self):
        return {"LD_PRELOAD": ":".join([*sanitizers(), "libumockdev-preload.so.0"]), "UMOCKDEV_DIR": self.root}

    def tell(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        assert json.loads(self.process.stdout.readline())["ok"]

    def plug(self, socket, ports, vendor="12d1", product="1001", serial="", first=0, interfaces=None, **more):
        """ports: ptys, or links to them; they are ttyUSBfirst, ttyUSBfirst+1, … on interfaces 0, 1, … """
        self.plugs += 1
        self.tell(plug=socket, vendor=vendor, product=product, serial=serial, plug_number=self.plugs, **more, ports=[
            {"tty": f"ttyUSB{first + i}", "minor": first + i, "pty": os.path.realpath(port),
             "interface": interfaces[i] if interfaces else i} for i, port in enumerate(ports)])

    def unplug(self, socket):
        self.tell(unplug=socket)

    def drop(self, socket, tty):
        self.tell(drop=socket, tty=tty)

    def stop(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait(20)
            self.process.stdout.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *ignored):
        self.stop()
