# Starts modemsim, talks to its control socket, stops it by its pid: what every end to end test uses.
# Refuses to know the daemon.
# Promises that no modemsim outlives its Sim: use it as a context manager, or call stop().
import json
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SMSBRIDGE_BUILD", ROOT / "build"))
SLOW = float(os.environ.get("SMSBRIDGE_SLOW", "1"))  # sanitizers make everything slower


class SimError(Exception):
    pass


def quote(word):
    """One word of a control line."""
    text = str(word).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + text.replace("\r", "\\r").replace("\t", "\\t") + '"'


class Sim:
    """sim = Sim(folder, 2, "--instant").start(); sim.port(0); sim.do("fault", 0, "late", 8000, count=2)"""

    def __init__(self, folder=None, modems=1, *options, stderr=None, wrapper=()):
        self.own = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="modemsim-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.control = str(self.folder / "control")
        self.links = self.folder / "links"
        self.command = [*wrapper, str(BUILD / "modemsim"), "--modems", str(modems), "--link-dir",
                        str(self.links), "--control", self.control, *[str(o) for o in options]]
        self.stderr = stderr
        self.process = None
        self.modems = []

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.stderr, text=True)
        for line in self.process.stdout:
            if line.strip() == "ready":
                return self
            name, link, pty, imei, number, profile = line.split()
            self.modems.append(dict(name=name, link=link, pty=pty, imei=imei, number=number, profile=profile))
        raise SimError(f"modemsim ended with {self.process.wait()} before it was ready")

    def port(self, modem=0, interface=None):
        """What a [modem] section's `port` is to say; with --ports, a certain interface of it."""
        return str(self.links / (f"modem{modem}" if interface is None else f"modem{modem}.{interface}"))

    def ask(self, line, timeout=60):
        """A control line as it is; the answer as a dict, whatever it says."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(timeout)
            s.connect(self.control)
            s.sendall(line.encode() + b"\n")
            answer = bytearray()
            while not answer.endswith(b"\n"):
                got = s.recv(1 << 16)
                if not got:
                    raise SimError(f"no answer to: {line}")
                answer += got
        return json.loads(answer)

    def do(self, *words, timeout=60, **options):
        """Words and key=value options, quoted; raises SimError unless the answer is ok."""
        line = " ".join(quote(w) for w in words)
        line += "".join(f" {quote(f'{k}={v}')}" for k, v in options.items())
        answer = self.ask(line, timeout)
        if not answer["ok"]:
            raise SimError(f"{line}: {answer.get('error')}")
        return answer

    def modem(self, modem=0):
        return self.do("list", modem)["modems"][0]

    def handset(self, number, **options):
        """The SMS that arrived there, oldest first: dicts with text, parts, modem, complete, ..."""
        return self.do("handset", number, **options)["messages"]

    def texts(self, number):
        return [m["text"] for m in self.handset(number) if m["complete"]]

    def wait(self, number, count=1, timeout=10):
        """Until `count` whole messages arrived there since the start; they are returned."""
        self.do("wait", number, count, int(timeout * 1000 * SLOW), timeout=timeout * SLOW + 30)
        return self.handset(number)

    def wait_event(self, kind, count=1, timeout=10):
        return self.do("wait-event", kind, count, int(timeout * 1000 * SLOW), timeout=timeout * SLOW + 30)["count"]

    def log(self, **options):
        return self.do("log", **options)["events"]

    def counters(self):
        return self.do("counters")

    def tap(self, number, *index, timeout=30, **options):
        """Opens the link in the newest SMS there; a dict with status, location, headers, body."""
        return self.do("tap", number, *index, timeout=timeout, **options)

    def stop(self):
        """Ends it by its pid; the exit status."""
        if not self.process:
            return None
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(20 * SLOW)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)
        if status:  # a sanitizer's finding ends here too
            raise SimError(f"modemsim ended with {status}")
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *ignored):
        self.stop()
