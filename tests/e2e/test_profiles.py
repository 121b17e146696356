"""Every family of modems that modemsim can be, with all its manners, and the real smsbridged on it."""
import subprocess

import pytest

from daemon import SLOW, Daemon, until
from sim import BUILD, Sim

NUMBER = "+4915112345678"
LONG = "a long story " * 20  # two parts
PIN = "4711"
# The profiles' own times (40 s until it answers, SIM busy, chatter) are divided by this.
QUICK = ("--submit-delay", 20, "--report-delay", 20, "--ussd-delay", 20, "--retry", 200, "--hurry", 50, "--cold", "--sm", 10)


def profiles():
    listed = subprocess.run([BUILD / "modemsim", "--list-profiles"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in listed.splitlines() if line[0] != " "]


@pytest.fixture(scope="module", params=profiles())
def one(request, tmp_path_factory):
    """(simulator, daemon): one modem of that profile, switched on just now, its SIM behind a PIN."""
    folder = tmp_path_factory.mktemp(request.param)
    sim = Sim(folder / "sim", 1, *QUICK, "--profile", request.param, "--pin", PIN)
    daemon = Daemon(folder / "daemon", modems={"m0": {"port": sim.port(0), "pin": PIN}})
    with sim:
        daemon.start()
        try:
            daemon.wait_modem("m0", seconds=60)
            yield sim, daemon
        finally:
            assert daemon.stop() == 0, daemon.log_text()[-4000:]


def inbox(daemon):
    return daemon.http.get(f"{daemon.url}/sms/inbox/", timeout=30).json()


def received(daemon, text):
    return lambda: [m for m in inbox(daemon) if m["message"] == text]


def delivered_twice(sim, daemon, text):
    """A tracked message of two parts, delivered by its report."""
    before = len(sim.texts(NUMBER))
    msgid = daemon.send(NUMBER, text + " https://example.org/page", track_link="true")
    status = daemon.wait_status(msgid, "DELIVERED")
    assert status["parts"] == 2
    [arrived] = sim.handset(NUMBER)[before:]
    assert arrived["complete"] and arrived["text"].startswith(text) and daemon.links_url in arrived["text"]


def test_ready_with_the_right_identity_and_the_pin_entered_once(one):
    sim, daemon = one
    told, known = daemon.modem("m0"), sim.modem(0)
    assert told["imei"] == known["imei"] and told["iccid"] == known["iccid"] and told["imsi"] == known["imsi"]
    assert told["number"] == known["number"] and told["smsc"] == "+447785016005"
    assert [e["note"] for e in sim.log(event="pin")] == ["good"]
    assert known["pin_left"] == 3


def test_sends_and_is_told_the_outcome(one):
    delivered_twice(*one, LONG)


def test_receives(one):
    sim, daemon = one
    sim.do("inject", 0, "+491701234567", "short")
    sim.do("inject", 0, "+491701234567", LONG, order="2,1")
    until("the short one", received(daemon, "short"))
    until("the long one", received(daemon, LONG))
    until("the SIM is empty", lambda: not any(used for used, _ in sim.modem(0)["stored"].values()))


def test_ussd(one):
    sim, daemon = one

    def ask(code):
        answer = daemon.http.post(f"{daemon.url}/modems/m0/ussd", data={"code": code, "timeout": 20}, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()
    assert ask("*100#")["text"].startswith("Balance: ")
    assert ask("*101#")["text"].startswith("残高は")
    assert ask("*123#") == {"text": "1 Balance\n2 Number\n0 End", "state": "question"}
    assert sim.modem(0)["number"] in ask("2")["text"]
    assert ask("0") == {"text": "Bye", "state": "done"}


def test_full_storage_is_swept_and_it_goes_on(one):
    """More than the SIM holds, while nobody reads: the network keeps the rest and brings it later."""
    sim, daemon = one
    daemon.stop()
    try:
        for i in range(25):
            sim.do("inject", 0, "+491707654321", f"waiting {i}")
        sim.wait_event("held")
        assert sim.modem(0)["messages_waiting"] >= 15
    finally:
        daemon.start()
    until("all have come", lambda: len([m for m in inbox(daemon) if m["message"].startswith("waiting ")]) == 25, 60)
    until("the SIM is empty", lambda: not any(used for used, _ in sim.modem(0)["stored"].values()))
    assert sorted(m["message"] for m in inbox(daemon) if m["message"].startswith("waiting ")) == sorted(
        f"waiting {i}" for i in range(25))


def test_survives_a_restart_by_itself(one):
    """Echo, +CNMI, +CSMS, the PIN: all is lost; the PIN is entered again, nothing else is noticed outside."""
    sim, daemon = one
    if SLOW > 1 and sim.modems[0]["profile"] in ("sim800", "wavecom"):
        pytest.skip("they restart without a word: noticed when the routing is looked at, every 20 s")
    resets = sim.counters()["reset"]
    sim.do("reset", 0)
    sim.wait_event("reset", resets + 1)
    sim.do("inject", 0, "+491701234567", "after the restart")
    until("what came meanwhile", received(daemon, "after the restart"), 60)
    delivered_twice(sim, daemon, "again " * 40)
    assert {e["note"] for e in sim.log(event="pin")} == {"good"} and sim.modem(0)["pin_left"] == 3


def test_nobody_wrote_while_an_sms_was_on_its_way(one):
    sim, _ = one
    assert [e["note"] for e in sim.log(event="bytes-while-busy") if "on its way" in e["note"]] == []
