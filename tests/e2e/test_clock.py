"""The clock is set between two starts: a day and decades forth and back, over the end of 32 bits (2038); a summer time that begins and ends."""
import calendar
import datetime
import time

import pytest
import requests

from daemon import SLOW, until


def number(i):
    return f"+4915{i:08d}"


DAY = 86400


def test_the_clock_jumps(sim, make_daemon):
    """A day back and forth, past 2038: what was promised is kept, times are what the clock says, nothing is lost."""
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"queue": {"uncertain_after": "5s"}})
    sent = {}
    for i, offset in enumerate([0, DAY, -DAY, 15 * 365 * DAY, 0, 60 * 365 * DAY, DAY]):
        daemon.stop()
        daemon.args = ["--clock-offset", str(offset)]
        daemon.start()
        daemon.wait_modem("m0")
        until("it can commit", lambda: requests.get(daemon.url + "/healthz", timeout=30).status_code == 200)
        msgid = daemon.send(number(i), f"see https://example.com/{i}", track_link="true")
        sent[msgid] = offset
        status = daemon.wait_status(msgid, "DELIVERED")
        year = time.gmtime(time.time() + offset).tm_year
        assert abs(int(status["sent_time"][:4]) - year) <= 1 and abs(int(status["delivered_on"][:4]) - year) <= 1
        assert status["sent_time"] <= status["delivered_on"]
        assert status["link_tracking"]["expires_on"] > status["sent_time"]
        assert sim.tap(number(i))["status"] == 302
        until("the tap is known", lambda: daemon.status(msgid)["link_tracking"]["accessed"])
    daemon.stop()
    daemon.args = []
    daemon.start()
    assert [len(sim.texts(number(i))) for i in range(len(sent))] == [1] * len(sent)
    # a jump of decades is older than what is kept; what came after the last of them is there
    assert daemon.status(msgid)["status"] == "DELIVERED"
    assert sim.tap(number(len(sent) - 1))["status"] == 302


def test_queued_over_a_jump(sim, make_daemon):
    """A queued message neither runs out by a day forth and back, nor waits for a day after a day back."""
    daemon = make_daemon(modems={"m0": sim.port(0)})
    daemon.wait_modem("m0")
    sim.do("network", 0, "denied")
    until("it waits", lambda: daemon.modem("m0")["state"] not in ("ready", "sending"))
    msgid = daemon.send(number(1), "patience")
    for offset in (DAY, -DAY):
        daemon.stop()
        daemon.args = ["--clock-offset", str(offset)]
        daemon.start()
        assert daemon.status(msgid)["status"] == "QUEUED"
    sim.do("network", 0, "home")
    daemon.wait_modem("m0")
    later = daemon.send(number(2), "after it")
    daemon.wait_status(later, "DELIVERED")
    print("queued before the clock went back:", daemon.status(msgid)["status"])
    daemon.stop()
    daemon.args = []
    daemon.start()
    daemon.wait_status(msgid, "DELIVERED")
    assert sim.texts(number(1)) == ["patience"]


@pytest.mark.parametrize("change", [(2027, 3, 28, 1, 0, 0), (2027, 10, 31, 1, 0, 0)], ids=["begins", "ends"])
def test_summer_time(sim, make_daemon, change):
    """Over the change in Berlin (01:00 UTC) all goes on in UTC: nothing is an hour early, late or twice, whatever TZ says."""
    daemon = make_daemon(modems={"m0": sim.port(0)}, env={"TZ": "Europe/Berlin"}, start=False)
    offset = calendar.timegm(change) - 4 - int(time.time())
    daemon.args = ["--clock-offset", str(offset)]
    daemon.start()
    daemon.wait_modem("m0")
    due = datetime.datetime(*change) + datetime.timedelta(seconds=2)
    before = daemon.send(number(1), "before")
    later = daemon.send(number(2), "after", send_at=due.strftime("%Y-%m-%dT%H:%M:%SZ"))
    daemon.wait_status(before, "DELIVERED")
    daemon.wait_status(later, "DELIVERED")
    assert 2 <= time.time() + offset - calendar.timegm(change) < 30 * SLOW     # neither at once nor in an hour
    sent = [datetime.datetime.strptime(daemon.status(m)["sent_time"], "%Y-%m-%d %H:%M:%S") for m in (before, later)]
    assert all(abs(due - at) < datetime.timedelta(seconds=30 * SLOW) for at in sent), sent
    assert [len(sim.texts(number(i))) for i in (1, 2)] == [1, 1]
