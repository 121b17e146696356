"""The faults that today's gateways were measured with, 60 messages each, against the simulator's own log: an exact account, and how long.

Unplugged at message 20, one answer lost, three times CMS 38, killed at message 25; with one modem and with two.
"""
import concurrent.futures
import time

from daemon import ROUNDS, until
from wire import arrivals

COUNT = 60
TIMES = ["--submit-delay", 50, "--report-delay", 200]


def number(i):
    return f"+4915{i:08d}"


def arrived(sim):
    return sum(arrivals(sim).values())


def unplugged(sim, daemon):
    until("20 were sent", lambda: arrived(sim) >= 20)
    sim.do("unplug", 0)
    began = time.monotonic()
    until("it is noticed", lambda: daemon.modem("m0")["state"] == "gone", 5)
    print(f"noticed after {time.monotonic() - began:.2f} s")
    time.sleep(max(0, began + 3 - time.monotonic()))    # as it was measured: back after 3 s
    sim.do("replug", 0)


def killed(sim, daemon):
    until("25 were sent", lambda: arrived(sim) >= 25)
    daemon.kill()
    daemon.start()


FAULTS = {
    "unplugged": (None, unplugged),
    "lost-answer": (lambda sim: sim.do("fault", 0, "lost-answer", count=1), None),
    "cms-38": (lambda sim: sim.do("fault", 0, "cms", 38, count=3), None),
    "killed": (None, killed),
}


def sixty(make_sim, make_daemon, fault, modems):
    sim = make_sim(modems, *TIMES)
    daemon = make_daemon(modems={f"m{i}": sim.port(i) for i in range(modems)}, sections={"queue": {"uncertain_after": "5s"}})
    for i in range(modems):
        daemon.wait_modem(f"m{i}")
    before, meanwhile = FAULTS[fault]
    if before:
        before(sim)
    began = time.monotonic()
    answer = daemon.http.post(f"{daemon.url}/sms/messages/", json={
        "recipient": [number(i) for i in range(COUNT)], "sender": "X", "message": "one of sixty"}, timeout=30)
    assert answer.status_code == 201
    msgids = [m["msgid"] for m in answer.json()]
    if meanwhile:
        meanwhile(sim, daemon)
    ended = [daemon.wait_status(msgid, "DELIVERED", 60) for msgid in msgids]
    print(f"{fault}, {modems} modem(s): {COUNT} in {time.monotonic() - began:.1f} s")
    taken = arrivals(sim)
    assert {number(i): taken[number(i)] for i in range(COUNT)} == {number(i): 1 for i in range(COUNT)}
    assert sum(taken.values()) == COUNT
    assert all(len(sim.texts(number(i))) == 1 for i in range(COUNT))
    assert {m["modem"] for m in ended} <= {f"m{i}" for i in range(modems)}
    seen = daemon.http.get(f"{daemon.url}/sms/messages/?limit=1000", timeout=30).json()
    assert sorted(m["msgid"] for m in seen) == sorted(msgids) and {m["status"] for m in seen} == {"DELIVERED"}


def test_sixty(make_sim, make_daemon):
    """Eight installations at once, as they mostly wait; four where a sanitizer looks on."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        running = [pool.submit(sixty, make_sim, make_daemon, fault, modems) for fault in FAULTS for modems in ([1, 2] if ROUNDS == 1 else [2])]
        for one in running:
            one.result()
