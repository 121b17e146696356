"""A real smsbridged for a test: configuration, start, stop, kill, and what one asks of it over HTTP."""
import os
import random
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SMSBRIDGE_BUILD", ROOT / "build"))
SLOW = float(os.environ.get("SMSBRIDGE_SLOW", "1"))     # sanitizers make everything slower
ROUNDS = float(os.environ.get("SMSBRIDGE_ROUNDS", "1"))     # what part of its rounds a long test does
TOKEN = "secret-token"
READY = re.compile(r"ready api=(\S+) links=(\S+)")
FINAL = {"DELIVERED", "FAIL"}


given_ports = set()


def free_port():
    """A port that stays ours over a restart: below the range from which the kernel takes ports for clients, each worker of
    pytest-xdist in a part of its own, and none twice, for who has one may not be listening just now."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    for _ in range(1000):
        port = 10000 + worker * 2000 + random.randrange(2000)
        if port in given_ports:
            continue
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                given_ports.add(port)
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


def until(what, condition, seconds=20):
    """Ask again and again until condition() is true, and return what it said; an answer is never assumed."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds * SLOW:.0f} s, last: {value!r}")
        time.sleep(0.02)


def rounds(count):
    """How many of so many rounds are to be done here: all of them in the plain run."""
    return max(2, int(count * ROUNDS))


class Daemon:
    """One state folder; start() and kill() as often as the test wants, always on the same ports."""

    def __init__(self, folder, modems=None, sections=None, accounts=None, args=(), env=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.modems = modems or {}          # name -> port, or a dict of keys
        self.sections = sections or {}      # section -> {key: value}: what the test changes
        self.accounts = {"main": {"token": TOKEN}} if accounts is None else accounts
        self.args = list(args)
        self.env = env or {}
        self.api, self.links = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.process = None
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.auth = ("main", self.accounts.get("main", {}).get("token", TOKEN))

    # ---- configuration ----
    def config(self):
        sections = {
            "daemon": {"state_dir": self.folder / "state", "log_level": "debug"},
            "api": {"listen": self.api, "rate": 0},
            "links": {"listen": self.links},
            "queue": {"discover": "no"},
        }
        for name, keys in self.sections.items():
            sections.setdefault(name, {}).update(keys)
        for name, keys in self.accounts.items():
            sections[f"account {name}"] = dict(keys)
        for name, keys in self.modems.items():
            sections[f"modem {name}"] = dict(keys) if isinstance(keys, dict) else {"port": keys}
        lines = []
        for name, keys in sections.items():
            lines.append(f"[{name}]")
            lines += [f"{key} = {value}" for key, value in keys.items()]
        return "\n".join(lines) + "\n"

    # ---- life ----
    def start(self, wait=True):
        path = self.folder / "smsbridged.conf"
        path.write_text(self.config(), encoding="utf-8")
        self.log = self.folder / "log"
        self.log_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [BUILD / "smsbridged", "-c", path, *self.args], stdout=out, stderr=out,
                env={**os.environ, **self.env})
        if wait:
            found = until("smsbridged is ready", self._ready)
            self.api, self.links = found.groups()
        return self

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"smsbridged ended with {self.process.returncode}:\n{self.log_text()[-3000:]}")
        return READY.search(self.log_text())

    def log_text(self):
        with self.log.open("rb") as f:
            f.seek(self.log_from)
            return f.read().decode("utf-8", "replace")

    def stop(self):
        """SIGTERM; the exit status."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20 * SLOW)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        return self.process.returncode if self.process else 0

    def kill(self):
        self.process.kill()
        self.process.wait()

    # ---- what a client does ----
    @property
    def url(self):
        return f"http://{self.api}"

    @property
    def links_url(self):
        return f"http://{self.links}"

    def send(self, recipient="+4915112345678", message="hello", status=201, **fields):
        answer = self.http.post(f"{self.url}/sms/messages/", timeout=30 * SLOW, data={
            "recipient": recipient, "message": message, "sender": "smsbridge", **fields})
        assert answer.status_code == status, answer.text
        return answer.json()[0]["msgid"] if status == 201 else answer.json()

    def status(self, msgid):
        answer = self.http.get(f"{self.url}/sms/messages/{msgid}/", timeout=30 * SLOW)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_status(self, msgid, wanted, seconds=30):
        wanted = {wanted} if isinstance(wanted, str) else set(wanted)

        def reached():
            status = self.status(msgid)
            if status["status"] in FINAL - wanted:
                raise AssertionError(f"ended as {status}")
            return status if status["status"] in wanted else None
        return until(f"{msgid} is {wanted}", reached, seconds)

    def modem(self, name):
        return next((m for m in self.http.get(f"{self.url}/modems/", timeout=30).json() if m["name"] == name), None)

    def wait_modem(self, name, states=("ready", "sending"), seconds=30):
        def reached():
            modem = self.modem(name)
            return modem if modem and modem["state"] in states else None
        return until(f"modem {name} is {states}", reached, seconds)
