"""The disk takes nothing more: full, limited, failing (EIO), or its files made immutable under us.  Nothing acknowledged is lost,
nothing is acknowledged that is not kept, visitors notice nothing, and all goes on by itself when it is over.
"""
import contextlib
import datetime
import errno
import random
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
import requests

from daemon import ROUNDS, SLOW, TOKEN, rounds, until
from preload import preload
from receiver import Receiver
from wire import arrivals

NUMBER, LATER = "+4915112345678", "+4915112345679"
CHROME = ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
          "Mobile Safari/537.36")


class Disk:
    """A state folder whose disk breaks and is mended; what the daemon needs for that in its environment."""
    env = {}

    def close(self):
        pass


class Full(Disk):
    """A small file system of its own, filled to the last byte."""

    def __init__(self, folder):
        self.folder = folder / "disk"
        self.folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=755", "smsbridge-test", self.folder],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no mount here: {done.stderr.strip()}")
        self.state = self.folder / "state"

    def break_(self, daemon):
        with open(self.folder / "filler", "wb", buffering=0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                return

    def mend(self, daemon):
        (self.folder / "filler").unlink()

    def close(self):
        if subprocess.run(["umount", self.folder], capture_output=True, check=False).returncode:
            subprocess.run(["umount", "-l", self.folder], check=True)


class Limited(Disk):
    """ulimit -f: no file grows, none shrinks; it takes no root."""

    def __init__(self, folder):
        self.state = folder / "state"

    def break_(self, daemon):
        self.before = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    def mend(self, daemon):
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, self.before)


class Failing(Disk):
    """EIO to whatever writes the database; it takes no root."""

    def __init__(self, folder):
        self.state, self.flag = folder / "state", folder / "disk-fails"
        self.env = preload("disk", DISK_FAILS=self.flag)

    def break_(self, daemon):
        self.flag.with_suffix(".new").write_text(str(errno.EIO), encoding="ascii")
        self.flag.with_suffix(".new").rename(self.flag)

    def mend(self, daemon):
        self.flag.unlink()


class Immutable(Disk):
    """The database turns read-only while it is open, as on a card that gives up."""

    def __init__(self, folder):
        self.state = folder / "state"
        self.state.mkdir()
        probe = self.state / "probe"
        with open(probe, "wb", buffering=0) as f:
            try:
                self.change("+i", [probe])
                f.write(b"x")
            except (OSError, subprocess.CalledProcessError) as error:
                self.kept = not isinstance(error, subprocess.CalledProcessError)
            else:
                self.kept = False
        subprocess.run(["chattr", "-i", probe], capture_output=True, check=False)
        probe.unlink()
        if not self.kept:
            pytest.skip("chattr +i does not stop who has the file open here")

    @staticmethod
    def change(how, files):
        subprocess.run(["chattr", how, *files], check=True, capture_output=True)

    def files(self):
        return [f for f in self.state.iterdir() if f.name in ("smsbridge.db", "smsbridge.db-wal")]

    def break_(self, daemon):
        self.change("+i", self.files())

    def mend(self, daemon):
        self.change("-i", self.files())

    def close(self):
        self.mend(None)


@pytest.fixture
def disk(request, tmp_path):
    disk = request.param(tmp_path)
    yield disk
    disk.close()


def on(*kinds):
    """With each of these disks; under the sanitizers, where waiting takes longer, with the first."""
    return pytest.mark.parametrize("disk", kinds if ROUNDS == 1 else kinds[:1], indirect=True, ids=lambda kind: kind.__name__.lower())


def visit(daemon, slug):
    began = time.monotonic()
    answer = requests.get(f"{daemon.links_url}/{slug}", allow_redirects=False, timeout=30 * SLOW, headers={"User-Agent": CHROME})
    assert time.monotonic() - began < 1 * SLOW
    return answer.status_code


def slug_of(daemon, msgid):
    return daemon.status(msgid)["link_tracking"]["shortlink"].rsplit("/", 1)[1]


def utc():
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


def post(daemon, text, **fields):
    return daemon.http.post(f"{daemon.url}/sms/messages/", timeout=30 * SLOW, data={
        "recipient": NUMBER, "sender": "X", "message": text, **fields})


def post_until_refused(daemon, tag):
    """What was accepted until the disk was really full, by text; then the refusal."""
    accepted = {}
    for i in range(3000):
        answer = post(daemon, f"{tag} {i}")
        if answer.status_code != 201:
            assert answer.status_code == 503 and "disk" in answer.json()["detail"] and int(answer.headers["Retry-After"]) > 0
            return accepted
        accepted[f"{tag} {i}"] = answer.json()[0]["msgid"]
    raise AssertionError("never refused")


def make(make_daemon, disk, sim, **sections):
    return make_daemon(modems={"m0": sim.port(0)}, env=disk.env, sections={
        "daemon": {"state_dir": disk.state}, "queue": {"uncertain_after": "5s"}, **sections})


@on(Failing, Full)
def test_all_goes_on_and_nothing_is_lost(disk, make_sim, make_daemon):
    sim = make_sim(1, "--submit-delay", 20, "--report-delay", 50, "--ack-timeout", 3000, "--retry", 1000)
    sim.do("rule", LATER, "delivered", 1500 * SLOW)
    with Receiver() as receiver:
        daemon = make(make_daemon, disk, sim)
        daemon.wait_modem("m0")
        tracked = [daemon.send(NUMBER, f"see https://example.com/{i}", track_link="true", lt_callbackurl=receiver.url(f"/tap{i}"))
                   for i in range(3)]
        for msgid in tracked:
            daemon.wait_status(msgid, "DELIVERED")
        slugs = [slug_of(daemon, msgid) for msgid in tracked]
        assert visit(daemon, slugs[2]) == 302       # known to the cache, and accessed
        late = daemon.send(LATER, "its report comes while the disk is full")
        daemon.wait_status(late, "DELIVERING")

        disk.break_(daemon)
        accepted = post_until_refused(daemon, "almost full")
        taps = [utc() for _ in range(2) if visit(daemon, slugs[_]) == 302]
        assert len(taps) == 2
        for i in range(4):
            sim.do("inject", 0, f"+49170000000{i}", f"while full {i}")
        # the report and the four wait where they are, and nobody waits for them
        ends = time.monotonic() + 4 * SLOW
        while time.monotonic() < ends:
            assert [visit(daemon, slug) for slug in slugs] == [302] * 3
            assert post(daemon, "not taken").status_code == 503
            assert daemon.status(late)["status"] == "DELIVERING"
            assert requests.get(daemon.url + "/healthz", timeout=30 * SLOW).status_code == 503
            assert daemon.http.get(daemon.url + "/sms/inbox/", timeout=30 * SLOW).json() == []
            time.sleep(0.2)
        assert sum(used for used, _ in sim.modem(0)["stored"].values()) == 4

        disk.mend(daemon)
        until("it is healthy", lambda: requests.get(daemon.url + "/healthz", timeout=30 * SLOW).status_code == 200, 10)
        accepted["after"] = daemon.send(NUMBER, "after")
        until("the taps are known", lambda: all(daemon.status(m)["link_tracking"]["accessed"] for m in tracked), 10)
        for msgid, at in zip(tracked, taps):
            known = datetime.datetime.strptime(daemon.status(msgid)["link_tracking"]["accessed_on"], "%Y-%m-%d %H:%M:%S")
            assert abs((known - at).total_seconds()) <= 1 + SLOW, (known, at)
        until("the callbacks", lambda: [len(receiver.at(f"/tap{i}")) for i in range(3)] == [1, 1, 1])
        daemon.wait_status(late, "DELIVERED", 40)
        inbox = until("the four are in the inbox", lambda: len(
            got := daemon.http.get(daemon.url + "/sms/inbox/", timeout=30).json()) == 4 and got, 40)
        assert sorted(m["message"] for m in inbox) == [f"while full {i}" for i in range(4)]
        until("the SIM is empty", lambda: not any(used for used, _ in sim.modem(0)["stored"].values()), 20)
        for msgid in accepted.values():
            daemon.wait_status(msgid, "DELIVERED", 120)
        arrived = sorted(t for t in sim.texts(NUMBER) if not t.startswith("see "))
        assert arrived == sorted(accepted)
        assert [len(receiver.at(f"/tap{i}")) for i in range(3)] == [1, 1, 1]


@on(Limited, Immutable)
def test_accepting_clients_while_it_comes_and_goes(disk, make_sim, make_daemon):
    """201 is a promise in the very moment the disk fills, in groups of commits, and over a kill."""
    sim = make_sim(1, "--instant")
    daemon = make(make_daemon, disk, sim)
    daemon.wait_modem("m0")
    promised, odd, stop = [], [], threading.Event()
    def client(n):
        with requests.Session() as session:
            session.auth = ("main", TOKEN)
            i = 0
            while not stop.is_set():
                i += 1
                answer = session.post(f"{daemon.url}/sms/messages/", timeout=30 * SLOW,
                                      data={"recipient": f"+4915{n}{i:07d}", "sender": "X", "message": "y" * 150})
                if answer.status_code == 201:
                    promised.append(f"+4915{n}{i:07d}")
                elif answer.status_code != 503:
                    odd.append(answer.text)
                time.sleep(0.002 if answer.status_code == 201 else 0.05)
    clients = [threading.Thread(target=client, args=(n,)) for n in range(6)]
    for thread in clients:
        thread.start()
    for _ in range(3):
        time.sleep(0.3)
        disk.break_(daemon)
        time.sleep(0.7)
        disk.mend(daemon)
        until("it is healthy", lambda: requests.get(daemon.url + "/healthz", timeout=30 * SLOW).status_code == 200, 10)
    stop.set()
    for thread in clients:
        thread.join()
    assert not odd and promised
    daemon.kill()
    daemon.start()
    until("all arrived", lambda: len(set(arrivals(sim))) >= len(promised), 90)
    assert not set(promised) - set(arrivals(sim)), "lost"

    def not_done():
        messages = daemon.http.get(f"{daemon.url}/sms/messages/", timeout=60 * SLOW).json()
        return [m for m in messages if m["status"] != "DELIVERED"]
    until("nothing is on its way", lambda: not not_done(), 60)
    arrived = arrivals(sim)
    assert set(arrived.values()) == {1}, "twice"
    assert set(arrived) == set(promised), "sent, though the answer was 503"


def test_started_on_a_full_disk(tmp_path, make_sim, make_daemon):
    """It starts and redirects, or it says why not; what was promised is there when there is room."""
    disk = Full(tmp_path)
    try:
        sim = make_sim(1, "--instant")
        daemon = make(make_daemon, disk, sim)
        daemon.wait_modem("m0")
        msgid = daemon.send(NUMBER, "see https://example.com/", track_link="true")
        daemon.wait_status(msgid, "DELIVERED")
        slug = slug_of(daemon, msgid)
        sim.do("network", 0, "denied")
        waiting = daemon.send(NUMBER, "promised")
        disk.break_(daemon)
        daemon.kill()
        daemon.start(wait=False)
        until("it is ready, or has said why not", lambda: daemon.process.poll() is not None or "ready api=" in daemon.log_text(), 20)
        if daemon.process.poll() is None:
            assert visit(daemon, slug) == 302
            assert daemon.stop() == 0
        else:
            assert daemon.process.returncode == 1
            assert re.search(r"error main: .*(disk|space|full)", daemon.log_text()), daemon.log_text()
        disk.mend(daemon)
        daemon.start()
        sim.do("network", 0, "home")
        daemon.wait_status(waiting, "DELIVERED")
        assert sim.texts(NUMBER).count("promised") == 1
    finally:
        disk.close()    # lazily while the daemon still has it open


def cache_place(slug):
    """Where the redirect keeps a link (FNV-1a of redirect.c): two at one place push each other out."""
    place = 2166136261
    for byte in slug.encode():
        place = (place ^ byte) * 16777619 % (1 << 32)
    return place % 4096


def test_the_first_of_two_taps_counts_though_the_cache_forgot_it(tmp_path, make_sim, make_daemon):
    disk, sim = Limited(tmp_path), make_sim(1, "--instant")
    daemon = make(make_daemon, disk, sim)
    daemon.wait_modem("m0")
    answer = daemon.http.post(f"{daemon.url}/sms/messages/", timeout=60 * SLOW, json={
        "recipient": [f"+4915{i:08d}" for i in range(600)], "sender": "X", "message": "see https://example.com/", "track_link": True})
    msgids = [m["msgid"] for m in answer.json()]
    until("all are sent", lambda: len(daemon.http.get(f"{daemon.url}/sms/messages/?status=DELIVERED", timeout=60).json()) == 600, 60)
    places = {}
    for msgid in msgids:
        places.setdefault(cache_place(slug_of(daemon, msgid)), []).append(msgid)
    first, other = next(pair for pair in places.values() if len(pair) > 1)[:2]
    disk.break_(daemon)
    at = utc()
    assert visit(daemon, slug_of(daemon, first)) == 302
    assert visit(daemon, slug_of(daemon, other)) == 302
    until("later", lambda: (utc() - at).total_seconds() > 3)
    assert visit(daemon, slug_of(daemon, first)) == 302
    disk.mend(daemon)
    tracking = until("both are counted", lambda: (
        t := daemon.status(first)["link_tracking"]) and t["accessed"] and t["clicks"] == 2 and t, 15)
    known = datetime.datetime.strptime(tracking["accessed_on"], "%Y-%m-%d %H:%M:%S")
    assert abs((known - at).total_seconds()) <= 2
    assert daemon.status(other)["link_tracking"]["clicks"] == 1


# ---- the power is cut ----

class Copies:
    """The database's files as they are at one instant: the daemon is stopped for the copy, in whatever it was doing."""

    def __init__(self, daemon, folder):
        self.daemon, self.folder, self.taken = daemon, folder, []

    def take(self, promised):
        """promised: what was acknowledged before."""
        to = self.folder / f"copy{len(self.taken)}"
        to.mkdir()
        self.daemon.process.send_signal(signal.SIGSTOP)
        try:
            for file in self.daemon.folder.joinpath("state").glob("smsbridge.db*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, to)
        finally:
            self.daemon.process.send_signal(signal.SIGCONT)
        self.taken.append((to, promised))


def test_copies_at_random_instants(tmp_path, make_sim, make_daemon):
    """What a machine finds that lost its power: it opens, is whole, and holds every 201.  (What had not been synced by then is
    tests/unit/store_kill_test.c::the_power_cut_at_random.)"""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng, sim = random.Random(seed), make_sim(3, "--submit-delay", 5, "--report-delay", 20)
    daemon = make_daemon(modems={f"m{i}": sim.port(i) for i in range(3)})
    copies, promised, stop = Copies(daemon, tmp_path), [], threading.Event()

    def client(n):
        with requests.Session() as session:
            session.auth = ("main", TOKEN)
            for i in range(100000):
                if stop.is_set():
                    return
                answer = session.post(f"{daemon.url}/sms/messages/", timeout=30 * SLOW, data={
                    "recipient": f"+4915{n}{i:07d}", "sender": "X", "message": "y" * rng.choice([10, 300])})
                assert answer.status_code == 201
                promised.append(answer.json()[0]["msgid"])
    clients = [threading.Thread(target=client, args=(n,)) for n in range(4)]
    for thread in clients:
        thread.start()
    for _ in range(rounds(40)):
        time.sleep(rng.random() * 0.15)
        copies.take(list(promised))
    stop.set()
    for thread in clients:
        thread.join()
    for folder, wanted in copies.taken:
        with contextlib.closing(sqlite3.connect(folder / "smsbridge.db")) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert not set(wanted) - {row[0] for row in db.execute("SELECT msgid FROM message")}, "lost"
    folder, wanted = copies.taken[-1]
    again = make_daemon(sections={"daemon": {"state_dir": folder}}, modems={"m0": "/nonexistent/port"})
    assert all(again.status(msgid)["msgid"] == msgid for msgid in rng.sample(wanted, min(50, len(wanted))))
    print(f"{len(copies.taken)} copies, {len(wanted)} messages in the last")
