"""kill -9: at commit boundaries and at random instants, with several modems, delivery reports, callbacks and inbound SMS.

Many small installations at once, each dying again and again while a client goes on: after a kill a modem is listened to for
seconds, so they wait rather than work.  The judges are the simulators' own logs and the receiver.  The seed is printed.
"""
import collections
import random
import threading
import time

import requests

from daemon import SLOW, TOKEN, Daemon, rounds, until
from preload import preload
from receiver import Receiver
from sim import Sim
from wire import arrivals

RIGS = 16
MODEMS = 3
RANDOM = rounds(200)
BOUNDARIES = rounds(64)     # the n-th sync, n = 1 … half of it, each before and after
TIMES = ["--submit-delay", 40, "--report-delay", 80, "--ack-timeout", 1500, "--retry", 500, "--boot-delay", 100]
LONG = " and so on" * 20    # two parts


class Client(threading.Thread):
    """Posts with a key until it has a 201, whoever died meanwhile; every fifth SMS has two parts."""

    def __init__(self, rig):
        super().__init__()
        self.rig, self.parts, self.msgids, self.stop, self.failed = rig, {}, {}, threading.Event(), None

    def run(self):
        try:
            with requests.Session() as session:
                session.auth, session.trust_env = ("main", TOKEN), False
                while not self.stop.is_set():
                    self.post(session, len(self.parts))
                    self.stop.wait(self.rig.rng.random() * 0.3)
        except Exception as error:      # pylint: disable=broad-except
            self.failed = error

    def post(self, session, i):
        number = self.rig.number(i)
        self.parts[number] = 2 if i % 5 == 4 else 1
        fields = {"recipient": number, "sender": "X", "message": f"number {i}" + (LONG if i % 5 == 4 else ""),
                  "callbackurl": self.rig.receiver.url(f"/{number}")}
        for _ in range(int(2000 * SLOW)):
            try:
                answer = session.post(f"{self.rig.daemon.url}/sms/messages/", data=fields,
                                      headers={"Idempotency-Key": number}, timeout=30 * SLOW)
            except requests.RequestException:
                time.sleep(0.05)
                continue
            assert answer.status_code == 201, answer.text
            self.msgids[number] = answer.json()[0]["msgid"]
            return
        raise AssertionError("the daemon does not come back")


class Rig(threading.Thread):
    """An installation, and its deaths: a number of seconds, or the n-th sync and whether before or after it."""

    def __init__(self, index, seed, folder, receiver, deaths):
        super().__init__()
        self.index, self.rng, self.receiver, self.deaths = index, random.Random(seed), receiver, deaths
        self.sim = Sim(folder / f"sim{index}", MODEMS, *TIMES, "--seed", seed % 1000 + 1)
        self.daemon = Daemon(folder / f"daemon{index}", {f"m{i}": self.sim.port(i) for i in range(MODEMS)}, {
            "daemon": {"log_level": "info"}, "queue": {"uncertain_after": "5s", "retry": "1s"}, "callbacks": {"schedule": "0" + ", 1s" * 9}})
        self.client, self.injected, self.failed, self.reached = Client(self), 0, None, 0

    def number(self, i):
        return f"+4915{self.index:03d}{i:05d}"

    def run(self):
        try:
            with self.sim:
                self.client.start()
                for death in self.deaths:
                    self.die(death)
                self.daemon.env = {}
                self.daemon.start()
                self.client.stop.set()
                self.client.join()
                assert self.client.failed is None, self.client.failed
                self.account()
        except Exception as error:      # pylint: disable=broad-except
            self.failed = error
        finally:
            self.client.stop.set()
            self.daemon.stop()

    def die(self, death):
        self.sim.do("inject", self.rng.randrange(MODEMS), f"+4917{self.index:03d}", f"inbound {self.injected}" + LONG * (self.injected % 2))
        self.injected += 1
        if isinstance(death, float):
            self.daemon.env = {}
            self.daemon.start(wait=False)
            time.sleep(death)
            assert self.daemon.process.poll() is None, self.daemon.log_text()[-3000:]
        else:
            self.daemon.env = preload("sync", DIE_AT_SYNC=death[0], DIE=death[1])
            self.daemon.start(wait=False)
            self.wait_for_death(10 * SLOW)
            self.reached += self.daemon.process.returncode == -9
        self.daemon.kill()

    def wait_for_death(self, seconds):
        ends = time.monotonic() + seconds
        while self.daemon.process.poll() is None and time.monotonic() < ends:
            time.sleep(0.05)

    # ---- afterwards ----
    def account(self):
        """Nothing lost, nothing twice: by our word, by the network's, and by the inbox."""
        for msgid in self.client.msgids.values():
            self.daemon.wait_status(msgid, "DELIVERED", 180)
        came, wanted = arrivals(self.sim), self.client.parts
        wrong = {n: (came[n], wanted.get(n, 0)) for n in {*came, *wanted} if came[n] != wanted.get(n, 0)}
        assert not wrong, f"lost, or twice: {wrong}"
        wanted = [f"inbound {i}" + LONG * (i % 2) for i in range(self.injected)]
        until("the inbox is whole", lambda: len(self.inbox()) >= len(wanted), 60)
        assert sorted(self.inbox()) == sorted(wanted)
        until("the callbacks", lambda: all(self.posts(number) for number in self.client.parts), 60)

    def inbox(self):
        return [m["message"] for m in self.daemon.http.get(f"{self.daemon.url}/sms/inbox/", timeout=30 * SLOW).json()]

    def posts(self, number):
        return self.receiver.at(f"/{number}")


def schedule(rng):
    """All the deaths, dealt out: a third of the random ones while it starts, the others while it works."""
    deaths = [rng.random() * (0.3 if i % 3 == 0 else 6.0) for i in range(RANDOM)]
    deaths += [(n // 2 + 1, ("before", "after")[n % 2]) for n in range(BOUNDARIES)]
    rng.shuffle(deaths)
    return [deaths[i::RIGS] for i in range(RIGS)]


def test_killed_two_hundred_times_and_at_every_commit(tmp_path):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    began = time.monotonic()
    with Receiver() as receiver:
        rigs = [Rig(i, seed + i, tmp_path, receiver, deaths) for i, deaths in enumerate(schedule(random.Random(seed)))]
        for rig in rigs:
            for i in range(0, 200, 7):      # callbacks that need more than one try
                receiver.on(f"/{rig.number(i)}", [500, "close", 200])
            rig.start()
        for rig in rigs:
            rig.join()
        failed = {rig.index: str(rig.failed) for rig in rigs if rig.failed}
        assert not failed, failed
        posts = collections.defaultdict(list)
        for post in receiver.at():
            posts[post.path].append(post.headers["webhook-id"])
    assert all(len(ids) <= 10 for ids in posts.values()), "more than ten times"
    assert all(len(set(ids)) == 1 for ids in posts.values()), "more than one callback for one change"
    print(f"{sum(len(rig.client.parts) for rig in rigs)} messages, {RANDOM} random kills, {sum(rig.reached for rig in rigs)} of "
          f"{BOUNDARIES} at a sync, {len(receiver.at())} POSTs, {time.monotonic() - began:.0f} s")
    assert sum(rig.reached for rig in rigs) >= BOUNDARIES * 0.8
