"""A virtual machine with USB sockets: started, plugged into and out of over QMP, asked through a shell.

Software emulation only: no KVM is needed.  A modem is modemsim's pty on the host, seen by the guest as an FTDI 0403:6001.
"""
import base64
import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from daemon import Daemon, free_port, until  # noqa: E402

PORTS = 8      # of the USB controller
BOOT_S = 90   # a loaded machine that emulates


class Line:
    """A unix socket that speaks in lines."""

    def __init__(self, path, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        until(f"{name}'s socket", lambda: self._connect(path), 20)
        self.rest = b""

    def _connect(self, path):
        try:
            self.socket.connect(str(path))
            return True
        except OSError:
            return False

    def write(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def read(self, seconds):
        deadline = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{self.name} says nothing for {seconds} s; last: {self.rest!r}")
            self.socket.settimeout(left)
            try:
                got = self.socket.recv(1 << 16)
            except TimeoutError:
                continue
            if not got:
                raise AssertionError(f"{self.name} has closed the line")
            self.rest += got
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode("utf-8", "replace").strip()


class Vm:
    def __init__(self, folder, kernel, image):
        self.folder = Path(folder)
        self.kernel, self.image = kernel, image
        self.api_port, self.links_port = free_port(), free_port()
        self.plugged = {}       # USB socket -> pty
        self.serials = 0
        self.process = None

    # ---- life ----
    def command(self):
        return ["qemu-system-x86_64", "-accel", "tcg", "-m", "384", "-smp", "1", "-display", "none", "-nodefaults", "-no-reboot",
                "-kernel", self.kernel, "-initrd", self.image, "-append", "console=ttyS0 panic=-1 quiet net.ifnames=0 mitigations=off",
                "-serial", f"file:{self.folder}/console",
                "-chardev", f"socket,id=shell,path={self.folder}/shell,server=on,wait=off", "-serial", "chardev:shell",
                "-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
                "-device", f"qemu-xhci,id=usb,p2={PORTS},p3=1",
                "-nic", f"user,model=e1000,restrict=on,hostfwd=tcp:127.0.0.1:{self.api_port}-:8080,"
                        f"hostfwd=tcp:127.0.0.1:{self.links_port}-:8081"]

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        with (self.folder / "qemu").open("wb") as out:
            self.process = subprocess.Popen([str(c) for c in self.command()], stdout=out, stderr=out)
        self.shell_line = Line(self.folder / "shell", "the guest's shell")
        self.qmp_line = Line(self.folder / "qmp", "QMP")
        self.qmp("qmp_capabilities")
        try:
            while self.shell_line.read(BOOT_S) != "up":
                continue
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.console()[-3000:]}\n{(self.folder / 'qemu').read_text()}") from None
        until("systemd is there", lambda: self.shell("systemctl is-active vm.target", check=False)[0] == 0, BOOT_S)
        self.boot_s = time.monotonic() - began
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def console(self):
        path = self.folder / "console"
        return path.read_text(errors="replace") if path.exists() else ""

    # ---- asking ----
    def shell(self, script, seconds=60, check=True):
        """What a script in the guest prints, standard error too."""
        self.shell_line.write(base64.b64encode(script.encode()).decode())
        text = ""
        while not (line := self.shell_line.read(seconds)).startswith("= "):
            text += line
        said = base64.b64decode(text).decode("utf-8", "replace")
        status = int(line[2:])
        assert status == 0 or not check, f"status {status} of: {script}\n{said}"
        return said if check else (status, said)

    def qmp(self, execute, **arguments):
        """Its answer; events are read past."""
        self.qmp_line.write(json.dumps({"execute": execute, "arguments": arguments}))
        while True:
            said = json.loads(self.qmp_line.read(30))
            assert "error" not in said, f"{execute} {arguments}: {said['error']}"
            if "return" in said:
                return said["return"]

    # ---- USB ----
    def plug(self, usb_socket, pty, serial=None):
        """A stick into a socket (1 to PORTS); pty: where modemsim's modem is."""
        self.serials += 1
        chardev = f"c{self.serials}"
        self.qmp("chardev-add", id=chardev, backend={"type": "serial", "data": {"device": os.path.realpath(pty)}})
        more = {"serial": serial} if serial else {}
        self.qmp("device_add", driver="usb-serial", id=f"u{usb_socket}", bus="usb.0", port=str(usb_socket), chardev=chardev, **more)
        self.plugged[usb_socket] = chardev

    def unplug(self, usb_socket):
        self.qmp("device_del", id=f"u{usb_socket}")
        chardev = self.plugged.pop(usb_socket)
        until("QEMU lets go of the pty", lambda: self._remove(chardev), 20)

    def _remove(self, chardev):
        self.qmp_line.write(json.dumps({"execute": "chardev-remove", "arguments": {"id": chardev}}))
        while True:
            said = json.loads(self.qmp_line.read(30))
            if "return" in said or "error" in said:
                return "return" in said


class Guest(Daemon):
    """smsbridged in the virtual machine, as the service's user, asked from the host like any other."""
    CONFIG = "/run/smsbridge-test/smsbridged.conf"
    PID = "/run/smsbridge-test/pid"
    LOG = "/run/smsbridge-test/log"

    def __init__(self, vm, folder, **options):
        super().__init__(folder, **options)
        self.vm = vm
        self.sections.setdefault("daemon", {})["state_dir"] = "/var/lib/smsbridge"
        self.sections.setdefault("api", {})["listen"] = "0.0.0.0:8080"
        self.sections.setdefault("links", {})["listen"] = "0.0.0.0:8081"
        self.sections.setdefault("queue", {"discover": "yes"})

    def start(self, wait=True):
        self.vm.shell(f"""
            mkdir -p /run/smsbridge-test && chown smsbridge /run/smsbridge-test
            rm -rf /var/lib/smsbridge/* {self.LOG}
            cat > {self.CONFIG} <<'CONFIG'\n{self.config()}\nCONFIG
            chown smsbridge {self.CONFIG}
            su smsbridge -s /bin/sh -c 'cd /; exec /usr/sbin/smsbridged -c {self.CONFIG} > {self.LOG} 2>&1 & echo $! > {self.PID}'""")
        if wait:
            until("smsbridged is ready", self._ready, 30)
        self.api, self.links = f"127.0.0.1:{self.vm.api_port}", f"127.0.0.1:{self.vm.links_port}"
        return self

    def _ready(self):
        status, said = self.vm.shell(f"kill -0 $(cat {self.PID}) && grep -o 'ready api=.*' {self.LOG}", check=False)
        if status and not self.alive():
            raise AssertionError(f"smsbridged ended:\n{self.log_text()[-3000:]}")
        return status == 0 and said

    def alive(self):
        return self.vm.shell(f"kill -0 $(cat {self.PID})", check=False)[0] == 0

    def log_text(self):
        return self.vm.shell(f"cat {self.LOG}")

    def stop(self):
        """SIGTERM, and it ends within the 5 s that it promises, thrice that here."""
        self.vm.shell(f"kill $(cat {self.PID})", check=False)
        until("smsbridged ends", lambda: not self.alive(), 15)
        return 0

    def kill(self):
        self.vm.shell(f"kill -9 $(cat {self.PID})")

    def open_files(self):
        """Descriptors and threads: what must not grow."""
        said = self.vm.shell(f"p=$(cat {self.PID}); ls /proc/$p/fd | wc -l; ls /proc/$p/task | wc -l")
        return [int(n) for n in re.findall(r"\d+", said)]
