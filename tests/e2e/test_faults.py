"""What goes wrong between us and the modem: nothing lost, nothing twice, nothing told wrongly.

The judge is the simulator's own handset: what arrived there, and how often.
"""
import random
import time

import pytest

from daemon import SLOW, until

NUMBER = "+4915112345678"
QUICK = {"queue": {"uncertain_after": "5s"}}


@pytest.fixture
def quick(sim, make_daemon):
    """A daemon that does not wait ten minutes before it sends an uncertain part again."""
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections=QUICK)
    daemon.wait_modem("m0")
    return daemon


def send_all(daemon, count, prefix="number"):
    return {daemon.send(NUMBER, f"{prefix} {i:03d}"): f"{prefix} {i:03d}" for i in range(count)}


def account_for(sim, daemon, messages, seconds=60):
    """Every message delivered, by our word and by the handset's, each exactly once."""
    for msgid in messages:
        daemon.wait_status(msgid, "DELIVERED", seconds)
    arrived = sim.texts(NUMBER)
    wanted = sorted(messages.values())
    assert sorted(set(arrived)) == wanted, "lost"
    assert sorted(arrived) == wanted, "sent twice"


def test_lost_answer_is_settled_by_the_report(sim, quick):
    sim.do("fault", 0, "lost-answer")
    messages = send_all(quick, 5)
    account_for(sim, quick, messages, 30)


def test_late_answer(sim, quick):
    sim.do("fault", 0, "late", 8000)
    account_for(sim, quick, send_all(quick, 5), 60)


def test_report_before_the_answer(sim, quick):
    sim.do("fault", 0, "report-first", count=3)
    account_for(sim, quick, send_all(quick, 6))


def test_duplicate_reports(sim, quick):
    sim.do("fault", 0, "duplicate-report", count=3)
    account_for(sim, quick, send_all(quick, 6))


def test_network_out_of_order_three_times(sim, make_daemon):
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"queue": {"retry": "1s, 2s, 3s"}})
    daemon.wait_modem("m0")
    sim.do("fault", 0, "cms", 38, count=3)
    account_for(sim, daemon, send_all(daemon, 6))


@pytest.mark.parametrize("fault, args", [
    ("no-prompt", ()), ("cms-early", (38,)), ("garbage", (200,)), ("chatter", ()), ("split", (5,)), ("echo", ()),
    ("delay", (1500,)), ("error", ()),
])
def test_bad_manners(sim, make_daemon, fault, args):
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"queue": {"retry": "1s", "uncertain_after": "5s"}})
    daemon.wait_modem("m0")
    messages = send_all(daemon, 3)
    sim.do("fault", 0, fault, *args, count=2)
    messages |= send_all(daemon, 5, "after")
    account_for(sim, daemon, messages, 90)


def test_one_bad_number_does_not_hold_up_the_queue(sim, daemon):
    sim.do("fault", 0, "cms", 1)
    bad = daemon.send(NUMBER, "refused for good")
    good = [daemon.send(NUMBER, f"good {i}") for i in range(5)]
    for msgid in good:
        daemon.wait_status(msgid, "DELIVERED")
    status = daemon.wait_status(bad, "FAIL")
    assert status["error"]["code"] == "CMS 1" and status["error"]["text"]


def test_service_centre_holds_it_already(sim, daemon):
    """CMS 197: it had been sent; never again."""
    sim.do("fault", 0, "cms-sent", 197)
    msgid = daemon.send(NUMBER, "once")
    daemon.wait_status(msgid, {"DELIVERING", "DELIVERED"})
    time.sleep(2)
    assert sim.texts(NUMBER) == ["once"]


def test_silence_ends(sim, quick):
    messages = send_all(quick, 2)
    account_for(sim, quick, messages)
    sim.do("fault", 0, "silence", count=100000)
    messages |= send_all(quick, 3, "later")
    time.sleep(3)
    sim.do("fault", 0, "silence", "off")
    account_for(sim, quick, messages, 90)


@pytest.mark.parametrize("fault", ["crash", "crash-unsent", "reset"])
def test_gone_after_ctrl_z(sim, quick, fault):
    sim.do("fault", 0, fault)
    messages = send_all(quick, 8)
    if fault != "reset":
        until("it is noticed", lambda: quick.modem("m0")["state"] == "gone", 10)
        assert quick.modem("m0")["reason"]
        sim.do("replug", 0)
    account_for(sim, quick, messages, 90)


def test_unplugged_in_the_middle(make_sim, make_daemon):
    sim = make_sim(1, "--submit-delay", 50)
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections=QUICK)
    daemon.wait_modem("m0")
    messages = send_all(daemon, 60)
    sim.wait(NUMBER, 20, 30)
    sim.do("unplug", 0)
    until("it is noticed", lambda: daemon.modem("m0")["state"] == "gone", 1 + 2 * SLOW)
    time.sleep(3)
    sim.do("replug", 0)
    account_for(sim, daemon, messages, 90)


def test_the_other_modem_goes_on(make_sim, make_daemon):
    sim = make_sim(2)
    daemon = make_daemon(modems={"m0": sim.port(0), "m1": sim.port(1)}, sections=QUICK)
    for name in ("m0", "m1"):
        daemon.wait_modem(name)
    sim.do("unplug", 0)
    account_for(sim, daemon, send_all(daemon, 20))


@pytest.mark.parametrize("at", [5, 15, 25])
def test_killed_in_the_middle_of_forty(make_sim, make_daemon, at):
    sim = make_sim(1, "--submit-delay", 30)
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections=QUICK)
    daemon.wait_modem("m0")
    messages = send_all(daemon, 40)
    sim.wait(NUMBER, at, 30)
    daemon.kill()
    daemon.start()
    account_for(sim, daemon, messages, 120)


def test_killed_again_and_again(make_sim, make_daemon):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    sim = make_sim(2, "--submit-delay", 20)
    daemon = make_daemon(modems={"m0": sim.port(0), "m1": sim.port(1)}, sections=QUICK)
    daemon.wait_modem("m0")
    messages = send_all(daemon, 60)
    for _ in range(8):
        time.sleep(rng.random() * 1.5)
        daemon.kill()
        daemon.start()
    account_for(sim, daemon, messages, 180)


def test_stops_in_time_and_loses_nothing(make_sim, make_daemon):
    sim = make_sim(1, "--submit-delay", 100)
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections=QUICK)
    daemon.wait_modem("m0")
    messages = send_all(daemon, 20)
    sim.wait(NUMBER, 3, 20)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 5 * SLOW
    daemon.start()
    account_for(sim, daemon, messages, 90)


def test_storage_is_swept_at_start(sim, make_daemon):
    for i in range(5):
        sim.do("inject", 0, f"+49170000000{i}", f"waiting {i}")
    daemon = make_daemon(modems={"m0": sim.port(0)})
    until("all are in the inbox", lambda: len(daemon.http.get(f"{daemon.url}/sms/inbox/").json()) == 5)
    until("the SIM is empty", lambda: not any(used for used, _ in sim.modem(0)["stored"].values()))


def test_inbound_survives_a_kill(sim, make_daemon):
    """Killed between the commit and +CMGD: read again, known, deleted."""
    daemon = make_daemon(modems={"m0": sim.port(0)})
    daemon.wait_modem("m0")
    rng = random.Random(4711)
    for i in range(30):
        sim.do("inject", 0, "+491701234567", f"message {i} " + "x" * 200, order="shuffled")
        if i % 6 == 5:
            time.sleep(rng.random() * 0.3)
            daemon.kill()
            daemon.start()
    daemon.wait_modem("m0")
    inbox = until("all arrived", lambda: (m := daemon.http.get(f"{daemon.url}/sms/inbox/").json()) and len(m) >= 30 and m, 60)
    assert sorted(m["message"] for m in inbox) == sorted(f"message {i} " + "x" * 200 for i in range(30))


def test_no_modem_is_no_reason_to_refuse(make_sim, make_daemon):
    daemon = make_daemon(modems={"m0": "/nonexistent/port"})
    msgid = daemon.send(NUMBER, "patience")
    assert daemon.status(msgid)["status"] == "QUEUED"
    assert daemon.http.get(f"{daemon.url}/healthz").status_code == 200
    assert until("a reason", lambda: daemon.modem("m0")["reason"])


@pytest.mark.parametrize("fault, held", [("cms", 0), ("cms-sent", 60000)])
def test_repeated_at_once_where_the_modem_keeps_our_reference(make_sim, make_daemon, fault, held):
    """TP-RD and the same TP-MR (23.040 9.2.3.25): no ten minutes are waited; what the service centre holds it refuses with 197."""
    sim = make_sim(1, "--keep-mr", "--hold", held)
    daemon = make_daemon(modems={"m0": sim.port(0)})
    daemon.wait_modem("m0")
    messages = send_all(daemon, 3)      # two tell that it keeps our reference
    account_for(sim, daemon, messages)
    sim.do("rule", NUMBER, "never")     # no report: only the service centre can tell
    sim.do("fault", 0, fault, 500)
    msgid = daemon.send(NUMBER, "once")
    daemon.wait_status(msgid, "DELIVERING")
    assert sim.texts(NUMBER).count("once") == 1
