# Starts modemsim, talks to its control socket, stops it by its pid: what every end to end test uses.
# Refuses to know the daemon.
# Promises that no modemsim outlives its Sim: use it as a context manager, or call stop().
import json
import os
import shutil
import socket
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def binary(name="modemsim"):
    """The program of the build folder $B (as make's B), else of build/."""
    build = os.environ.get("B", os.path.join(HERE, "..", "..", "build"))
    return os.path.abspath(os.path.join(build, name))


class SimError(Exception):
    pass


def quote(word):
    """One word of a control line."""
    text = str(word).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + text.replace("\r", "\\r").replace("\t", "\\t") + '"'


class Sim:
    """sim = Sim(2, "--instant", folder=tmp); sim.link(0); sim.do("fault", 0, "late", 8000, count=2)"""

    def __init__(self, modems=1, *options, folder=None, stderr=None, wrapper=()):
        self.own = folder is None
        self.folder = str(folder) if folder else tempfile.mkdtemp(prefix="modemsim-")
        self.control = os.path.join(self.folder, "control")
        self.links = os.path.join(self.folder, "links")
        command = [*wrapper, binary(), "--modems", str(modems), "--link-dir", self.links,
                   "--control", self.control, *[str(o) for o in options]]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
        self.modems = []
        for line in self.process.stdout:
            if line.strip() == "ready":
                return
            name, link, pty, imei, number, profile = line.split()
            self.modems.append(dict(name=name, link=link, pty=pty, imei=imei, number=number,
                                    profile=profile))
        status = self.process.wait()
        raise SimError(f"modemsim ended with {status} before it was ready")

    def link(self, modem=0):
        return os.path.join(self.links, f"modem{modem}")

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
        self.do("wait", number, count, int(timeout * 1000), timeout=timeout + 30)
        return self.handset(number)

    def wait_event(self, kind, count=1, timeout=10):
        return self.do("wait-event", kind, count, int(timeout * 1000), timeout=timeout + 30)["count"]

    def log(self, **options):
        return self.do("log", **options)["events"]

    def counters(self):
        return self.do("counters")

    def tap(self, number, *index, timeout=30, **options):
        """Opens the link in the newest SMS there; a dict with status, location, headers, body."""
        return self.do("tap", number, *index, timeout=timeout, **options)

    def stop(self):
        """Ends it by its pid; the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)
        return status

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.stop()
