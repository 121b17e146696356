"""Long enough for what grows to be seen growing, and for faults to meet each other: exactly once, and no byte more.

The judge is the simulator's log. Random faults print their seed.
"""
import collections
import random
import threading
import time

import requests

from daemon import ROUNDS, SLOW, TOKEN, rounds, until
from receiver import Receiver
from wire import arrivals, descriptors, log_is_lines, rss

COUNT = rounds(100000) // 1000 * 1000
MODEMS = 16
CHAOS_MODEMS = 8


def number(i):
    return f"+4915{i:08d}"


def post_many(daemon, first, count):
    for begin in range(first, first + count, 500):
        answer = daemon.http.post(f"{daemon.url}/sms/messages/", timeout=60 * SLOW, json={
            "recipient": [number(i) for i in range(begin, begin + 500)], "sender": "X", "message": "to be counted"})
        assert answer.status_code == 201 and len(answer.json()) == 500


def all_delivered(daemon, count):
    def none_left():
        left = []
        for status in ("QUEUED", "DELIVERING", "FAIL"):
            left += daemon.http.get(f"{daemon.url}/sms/messages/?status={status}&limit=1", timeout=60 * SLOW).json()
        return not left
    until(f"{count} are delivered", none_left, 240)


def test_a_hundred_thousand_messages(make_sim, make_daemon):
    """Sixteen instant modems: each SMS once, and the second half costs no memory more than the first."""
    sim = make_sim(MODEMS, "--instant")
    daemon = make_daemon(modems={f"m{i}": sim.port(i) for i in range(MODEMS)}, sections={"daemon": {"log_level": "info"}})
    for i in range(MODEMS):
        daemon.wait_modem(f"m{i}")
    post_many(daemon, 0, COUNT // 2)
    all_delivered(daemon, COUNT // 2)
    pid = daemon.process.pid
    middle, fds = rss(pid), descriptors(pid)
    began = time.monotonic()
    post_many(daemon, COUNT // 2, COUNT // 2)
    all_delivered(daemon, COUNT)
    print(f"{COUNT / 2 / (time.monotonic() - began):.0f}/s, {middle} KiB in the middle, {rss(pid)} at the end")
    taken = arrivals(sim)
    assert len(taken) == COUNT, "lost"
    assert set(taken.values()) == {1}, "twice"
    assert descriptors(pid) <= fds
    if ROUNDS == 1:     # a sanitizer's quarantine grows
        assert rss(pid) - middle <= 1024


# What may happen to a modem.  After each of them a report or a late answer tells.
FAULTS = [("lost-answer",), ("late", 4000), ("crash",), ("crash-unsent",), ("unplug",), ("cms", 38), ("cms-early", 38), ("cms", 332),
          ("no-prompt",), ("chatter",), ("split", 2), ("echo",), ("garbage", 200), ("report-first",), ("duplicate-report",), ("reset",), ("error",), ("cme", 14)]


class Chaos(threading.Thread):
    """Faults on the modems, taps on what arrived, and a client, until it is told to stop."""

    def __init__(self, seed, sim, daemon, receiver):
        super().__init__()
        self.rng, self.sim, self.daemon, self.receiver = random.Random(seed), sim, daemon, receiver
        self.sent, self.done, self.failed = {}, threading.Event(), None
        self.client = requests.Session()
        self.client.auth = ("main", TOKEN)

    def run(self):
        try:
            while not self.done.is_set():
                self.step()
                self.done.wait(self.rng.random() * 0.15)
            for modem in range(CHAOS_MODEMS):
                self.sim.do("fault", modem, "clear")
                self.plug(modem)
        except Exception as error:      # pylint: disable=broad-except
            self.failed = error

    def plug(self, modem):
        if not self.sim.modem(modem)["plugged"]:
            self.sim.do("replug", modem)

    def step(self):
        if self.rng.random() < 0.25:
            modem = self.rng.randrange(CHAOS_MODEMS)
            self.plug(modem)
            name, *args = self.rng.choice(FAULTS)
            if name == "unplug":
                self.sim.do("unplug", modem)
            else:
                self.sim.do("fault", modem, name, *args, count=self.rng.choice([1, 1, 2]))
        else:
            self.post()

    def post(self):
        """The same key until it is taken: a killed daemon may have had it, and may not."""
        i = len(self.sent)
        fields = {"recipient": number(i), "sender": "X", "message": f"see https://example.com/{i} now", "track_link": "true",
                  "callbackurl": self.receiver.url(f"/d{i}"), "lt_callbackurl": self.receiver.url(f"/c{i}")}
        for _ in range(200):
            try:
                answer = self.client.post(f"{self.daemon.url}/sms/messages/", data=fields, headers={"Idempotency-Key": f"k{i}"},
                                          timeout=30 * SLOW)
                assert answer.status_code == 201, answer.text
                self.sent[i] = answer.json()[0]["msgid"]
                return
            except requests.ConnectionError:
                time.sleep(0.1)
        raise AssertionError("the daemon does not come back")


def tap_all(sim, sent):
    for i in sent:
        assert [tap["status"] for tap in sim.tap(number(i), n=3)["results"]] == [302] * 3


def test_everything_at_once(make_sim, make_daemon):
    """An hour of faults on eight modems in less than a minute, two kills, reports, taps and callbacks."""
    seconds = 45 if ROUNDS == 1 else 15
    seed = random.randrange(1 << 30)
    print("seed", seed)
    sim = make_sim(CHAOS_MODEMS, "--submit-delay", 60, "--report-delay", 150, "--ack-timeout", 4000, "--retry", 1000, "--boot-delay", 200)
    with Receiver() as receiver:
        daemon = make_daemon(modems={f"m{i}": sim.port(i) for i in range(CHAOS_MODEMS)}, sections={
            "queue": {"uncertain_after": "15s", "retry": "1s, 2s"}, "callbacks": {"schedule": "0, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s"}})
        daemon.wait_modem("m0")
        for i in range(0, 400, 7):
            receiver.on(f"/d{i}", [500, 200])
            receiver.on(f"/c{i}", ["close", 204, 200])
        chaos = Chaos(seed, sim, daemon, receiver)
        chaos.start()
        for _ in range(2):
            chaos.done.wait(seconds / 3)
            daemon.kill()
            daemon.start()
        chaos.done.wait(seconds / 3)
        chaos.done.set()
        chaos.join()
        assert chaos.failed is None, chaos.failed
        for msgid in chaos.sent.values():
            daemon.wait_status(msgid, "DELIVERED", 90)
        arrived = {i: len(sim.texts(number(i))) for i in chaos.sent}
        assert not [i for i, n in arrived.items() if n == 0], "lost"
        assert not [i for i, n in arrived.items() if n > 1], "twice"
        tap_all(sim, chaos.sent)
        for i in chaos.sent:
            until(f"callbacks of {i}", lambda: receiver.at(f"/d{i}") and receiver.at(f"/c{i}"), 30)
        until("all callbacks are done", lambda: all(
            len(receiver.at(f"/c{i}")) >= (3 if i % 7 == 0 and i < 400 else 1) for i in chaos.sent), 30)
        for i, msgid in chaos.sent.items():
            posts = receiver.at(f"/c{i}"), receiver.at(f"/d{i}")
            assert all(1 <= len(p) <= 10 for p in posts)
            assert [len({p.headers["webhook-id"] for p in kind}) for kind in posts] == [1, 1], "more than one row"
            tracking = daemon.status(msgid)["link_tracking"]
            assert tracking["accessed"] is True
        until("each tap is counted", lambda: all(daemon.status(m)["link_tracking"]["clicks"] == 3 for m in chaos.sent.values()), 10)
        print(f"{len(chaos.sent)} messages, {collections.Counter(e['event'] for e in sim.log(limit=100000))}")
    log_is_lines(daemon)
