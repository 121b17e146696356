"""The wall clock is set back and forth while the daemon runs (between two starts: test_clock.py)."""
import mmap
import struct
import time

import pytest

from daemon import SLOW, until
from preload import preload
from receiver import Receiver
from wire import arrivals

HOUR, DAY = 3600, 86400
TIMES = ["--submit-delay", 40, "--report-delay", 80, "--ack-timeout", 1500, "--retry", 500, "--boot-delay", 100, "--sm", 6]


class Clock:
    """How far the daemon's wall clock is ahead, in seconds."""

    def __init__(self, path):
        path.write_bytes(bytes(8))
        with path.open("r+b") as f:
            self.map = mmap.mmap(f.fileno(), 8)
        self.env = preload("clock", PRELOAD_CLOCK=path)

    def set(self, ahead):
        self.map[:] = struct.pack("@q", ahead)


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path / "clock")


def number(i):
    return f"+4915{i:08d}"


def test_back_and_forth(make_sim, make_daemon, clock):
    """A day and a month back, days forth, with messages waiting: each goes out once, at once, and so does its callback."""
    sim = make_sim(2, *TIMES)
    with Receiver() as receiver:
        daemon = make_daemon(modems={f"m{i}": sim.port(i) for i in range(2)}, env=clock.env, sections={"queue": {"uncertain_after": "7d"}})
        daemon.wait_modem("m0")
        sent = {}
        for ahead in (0, DAY, -DAY, DAY, 0, -30 * DAY, HOUR - 30 * DAY, -28 * DAY):
            time.sleep(1.5 * SLOW)      # the clock is looked at once a second: two settings within one are not told apart
            before = [daemon.send(number(len(sent) + i), "x", callbackurl=receiver.url(f"/{len(sent) + i}")) for i in range(3)]
            sent |= {len(sent) + i: msgid for i, msgid in enumerate(before)}
            clock.set(ahead)
            began = time.monotonic()
            msgid = daemon.send(number(len(sent)), f"see https://example.com/{ahead}", track_link="true", callbackurl=receiver.url(f"/{len(sent)}"))
            sent[len(sent)] = msgid
            status = daemon.wait_status(msgid, "DELIVERED")
            for waiting in before:      # not held by a clock that went back
                daemon.wait_status(waiting, "DELIVERED")
            assert sim.tap(number(len(sent) - 1))["status"] == 302
            until("the tap is known", lambda now=msgid: daemon.status(now)["link_tracking"]["accessed"])
            assert abs(int(status["sent_time"][:4]) - time.gmtime(time.time() + ahead).tm_year) <= 1
            print(f"{ahead / DAY:+9.2f} days: {time.monotonic() - began:.1f} s")
        for i in sent:
            until(f"{i} arrived", lambda i=i: sim.texts(number(i)))
            until(f"the callback of {i}", lambda i=i: receiver.at(f"/{i}"))
        assert {len(sim.texts(number(i))) for i in sent} == {1}
        assert set(arrivals(sim).values()) == {1}
        assert {len(receiver.at(f"/{i}")) for i in sent} == {1}
