"""USSD by API and client: plain, UCS-2, menus, time-out, cancel, hostile codes; nobody else waits meanwhile."""
import json
import subprocess
import threading
import time

import pytest
import requests

from daemon import BUILD, SLOW, TOKEN, until

NUMBER = "+4915112345678"


def ussd(daemon, code, status=200, modem="m0", **fields):
    answer = daemon.http.post(f"{daemon.url}/modems/{modem}/ussd", json={"code": code, **fields}, timeout=60 * SLOW)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def ctl(daemon, *args, stdin=subprocess.DEVNULL):
    return subprocess.run([BUILD / "smsbridge", "--url", daemon.url, "--account", f"main:{TOKEN}", *args],
                          capture_output=True, text=True, timeout=120 * SLOW, check=False, stdin=stdin)


def test_plain_ucs2_and_menu(sim, daemon):
    assert ussd(daemon, "*100#")["state"] == "done"
    assert ussd(daemon, "*100#")["text"].startswith("Balance: ")
    assert "ポンドです" in ussd(daemon, "*101#")["text"]
    assert ussd(daemon, "*123#") == {"text": "1 Balance\n2 Number\n0 End", "state": "question"}
    assert sim.modem(0)["number"] in ussd(daemon, "2")["text"]
    assert ussd(daemon, "0") == {"text": "Bye", "state": "done"}
    assert "does not support" in ussd(daemon, "*999#", 502)["detail"]
    form = daemon.http.post(f"{daemon.url}/modems/m0/ussd", data={"code": "*100#"}, timeout=60)
    assert form.status_code == 200 and form.json()["text"].startswith("Balance")


def test_cancel_ends_the_menu(sim, daemon):
    assert ussd(daemon, "*123#")["state"] == "question"
    assert daemon.http.delete(f"{daemon.url}/modems/m0/ussd", timeout=60).status_code == 204
    ussd(daemon, "1", 502)


def test_fields_are_judged(daemon):
    for code in ["", None, "*1\"#", "*1\r#", "*1#\x1a", "\x00", "*" * 183, ["*100#"], {"a": 1}, True]:
        assert "code" in ussd(daemon, code, 400), code
    assert "code" in ussd(daemon, "☃", 400)
    for timeout in [0, 4, 181, "soon", [5], -1]:
        assert "timeout" in ussd(daemon, "*100#", 400, timeout=timeout)
    nothing = daemon.http.post(f"{daemon.url}/modems/m0/ussd", timeout=60)
    assert nothing.status_code == 400 and "code" in nothing.json()
    broken = daemon.http.post(f"{daemon.url}/modems/m0/ussd", data="{", headers={"Content-Type": "application/json"},
                              timeout=60)
    assert broken.status_code == 400
    assert daemon.http.get(f"{daemon.url}/modems/m0/ussd", timeout=60).status_code == 405
    assert daemon.http.get(f"{daemon.url}/modems/m0/reset", timeout=60).headers["Allow"] == "POST"
    ussd(daemon, "*100#", 404, modem="nosuch")
    assert daemon.http.post(f"{daemon.url}/modems/nosuch/reset", timeout=60).status_code == 404


def test_admins_only(make_daemon, sim):
    daemon = make_daemon(modems={"m0": sim.port(0)},
                         accounts={"main": {"token": TOKEN, "admin": "yes"}, "shop": {"token": "other-token"}})
    for method, path in (("POST", "ussd"), ("DELETE", "ussd"), ("POST", "reset"), ("GET", "")):
        answer = requests.request(method, f"{daemon.url}/modems/m0/{path}", auth=("shop", "other-token"),
                                  json={"code": "*100#"}, timeout=60)
        assert answer.status_code == 403, path


def test_time_out_and_others_are_served(make_sim, make_daemon):
    """The network never answers; requests meanwhile do not wait, a second question is told that one is asked."""
    sim = make_sim(1, "--ussd-delay", 600000)
    daemon = make_daemon(modems={"m0": sim.port(0)})
    daemon.wait_modem("m0")
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ussd(daemon, "*100#", 504, timeout=5)))
    began = time.monotonic()
    asking.start()
    sim.wait_event("ussd", 1)
    other = requests.Session()
    other.auth = ("main", TOKEN)
    slowest = 0
    for _ in range(20):
        before = time.monotonic()
        assert other.get(f"{daemon.url}/modems/", timeout=30).status_code == 200
        slowest = max(slowest, time.monotonic() - before)
    assert slowest < 1 * SLOW
    asking.join()
    assert "did not answer" in answers[0]["detail"]
    assert 4 < time.monotonic() - began < 12 * SLOW
    msgid = daemon.send(NUMBER, "still sends")
    daemon.wait_status(msgid, "DELIVERED")


def test_waits_for_its_turn_and_not_for_ever(make_sim, make_daemon):
    """While a message is under way the question waits; when that takes too long it is answered, and never asked."""
    sim = make_sim(1)
    daemon = make_daemon(modems={"m0": sim.port(0)})
    daemon.wait_modem("m0")
    sim.do("fault", 0, "late", 3000, count=1)
    msgid = daemon.send(NUMBER, "slow")
    until("it is sending", lambda: daemon.modem("m0")["state"] == "sending")
    answers = []
    asking = [threading.Thread(target=lambda: answers.append(requests.post(
        f"{daemon.url}/modems/m0/ussd", json={"code": "*100#"}, auth=("main", TOKEN), timeout=60))) for _ in range(2)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    refused, answered = answers     # the one that is refused is so at once
    assert refused.status_code == 409 and "another request" in refused.json()["detail"]
    assert answered.status_code == 200 and answered.json()["text"].startswith("Balance")
    daemon.wait_status(msgid, "DELIVERED")

    sim.do("fault", 0, "late", 10000, count=1)
    daemon.send(NUMBER, "slower")
    until("it is sending", lambda: daemon.modem("m0")["state"] == "sending")
    asked = len(sim.log(event="ussd"))
    assert "busy" in ussd(daemon, "*101#", 504, timeout=5)["detail"]
    daemon.wait_modem("m0", ("ready",))
    assert len(sim.log(event="ussd")) == asked


def test_modem_that_is_not_there(sim, daemon):
    sim.do("unplug", 0)
    daemon.wait_modem("m0", ("gone",))
    assert "unplugged" in ussd(daemon, "*100#", 503)["detail"]
    assert ctl(daemon, "ussd", "m0", "*100#").returncode == 1


def test_stopping_does_not_wait_for_the_network(make_sim, make_daemon):
    sim = make_sim(1, "--ussd-delay", 600000)
    daemon = make_daemon(modems={"m0": sim.port(0)})
    daemon.wait_modem("m0")
    answers = []
    asking = threading.Thread(target=lambda: answers.append(ussd(daemon, "*100#", 503, timeout=120)))
    asking.start()
    sim.wait_event("ussd", 1)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 6 * SLOW
    asking.join()
    assert "stopping" in answers[0]["detail"]


def test_client_gone_while_it_waits(make_sim, make_daemon):
    sim = make_sim(1, "--ussd-delay", 1500)
    daemon = make_daemon(modems={"m0": sim.port(0)})
    daemon.wait_modem("m0")
    with pytest.raises(requests.exceptions.Timeout):
        requests.post(f"{daemon.url}/modems/m0/ussd", json={"code": "*100#"}, auth=("main", TOKEN), timeout=0.3)
    sim.wait_event("ussd", 1)
    until("the next one is answered", lambda: daemon.http.post(
        f"{daemon.url}/modems/m0/ussd", json={"code": "*101#"}, timeout=60).status_code == 200)


def test_reset_starts_it_again(sim, daemon):
    before = daemon.modem("m0")["resets"]
    answer = daemon.http.post(f"{daemon.url}/modems/m0/reset", timeout=60)
    assert answer.status_code == 202
    until("it was started again", lambda: daemon.modem("m0")["resets"] == before + 1)
    daemon.wait_modem("m0")


def test_client(sim, daemon):
    run = ctl(daemon, "ussd", "m0", "*100#")
    assert run.returncode == 0 and run.stdout.startswith("Balance"), run.stderr
    menu = ctl(daemon, "ussd", "m0", "*123#")
    assert menu.stdout == "1 Balance\n2 Number\n0 End\n" and "smsbridge ussd m0 ANSWER" in menu.stderr
    assert json.loads(ctl(daemon, "--json", "ussd", "m0", "1").stdout)["state"] == "question"
    assert ctl(daemon, "ussd", "--cancel", "m0").returncode == 0
    assert ctl(daemon, "ussd", "m0").returncode == 2
    assert ctl(daemon, "ussd", "nosuch", "*100#").returncode == 1
    assert ctl(daemon, "ussd", "../m0", "*100#").returncode == 1
    assert ctl(daemon, "ussd", "m0", "☃").returncode == 1
    assert ctl(daemon, "reset", "m0").returncode == 0


def test_the_network_speaks_first(sim, daemon):
    sim.do("say", 0, '+CUSD: 0,"Top up \\"now\\"",15')
    until("it is an event", lambda: "kind=ussd" in daemon.log_text())


def test_missed_calls(sim, daemon):
    assert daemon.modem("m0")["calls"] == 0 and daemon.modem("m0")["last_caller"] is None
    for line in ("RING", '+CLIP: "+4917112345678",145', "RING", '+CLIP: "+4917112345678",145'):
        sim.do("say", 0, line)
    modem = until("the call is counted", lambda: (daemon.modem("m0") if daemon.modem("m0")["calls"] else None))
    assert modem["calls"] == 1 and modem["last_caller"] == "+4917112345678" and modem["last_call"]


def test_queue_and_reason(make_sim, make_daemon):
    """What waits for a modem is counted for it; why it does not go out is there in words."""
    sim = make_sim(2)
    daemon = make_daemon(modems={"m0": sim.port(0), "m1": sim.port(1)})
    daemon.wait_modem("m0")
    daemon.wait_modem("m1")
    sim.do("unplug", 0)
    gone = daemon.wait_modem("m0", ("gone",))
    assert gone["reason"] == "unplugged" and gone["queue"] == 0
    for i in range(3):
        daemon.send(f"+4915111111{i:02d}", "waits", modem="m0")
    assert daemon.modem("m0")["queue"] == 3 and daemon.modem("m1")["queue"] == 0
    sim.do("unplug", 1)
    daemon.wait_modem("m1", ("gone",))
    daemon.send(NUMBER, "anybody's")
    assert daemon.modem("m0")["queue"] == 4 and daemon.modem("m1")["queue"] == 1
    sim.do("replug", 0)
    until("all went out", lambda: daemon.modem("m0")["queue"] == 0, 60)


def test_signal_in_bars(make_sim, make_daemon):
    sim = make_sim(1)
    daemon = make_daemon(modems={"m0": sim.port(0)})
    modem = until("it is measured", lambda: (m := daemon.wait_modem("m0"))["signal_dbm"] and m)
    assert (modem["signal_dbm"], modem["signal_bars"]) == (-71, 4)
    assert modem["registration"] == "home" and modem["registration_text"] == "home network"
