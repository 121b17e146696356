"""The command line client against a running daemon."""
import json
import os
import re
import subprocess
import threading

from daemon import BUILD, SLOW, TOKEN, until
from receiver import Receiver

NUMBER = "+4915112345678"


def ctl(daemon, *args, account=f"main:{TOKEN}"):
    return subprocess.run([BUILD / "smsbridge", "--url", daemon.url, "--account", account, *args],
                          capture_output=True, text=True, timeout=120 * SLOW, check=False)


def test_send_and_wait(sim, daemon):
    run = ctl(daemon, "--json", "send", "--track", "--wait", NUMBER, "look: example.com/x")
    assert run.returncode == 0, run.stderr
    status = json.loads(run.stdout)
    assert status["status"] == "DELIVERED" and status["link_tracking"]["link"] == "example.com/x"
    assert sim.texts(NUMBER) == [f"look: {status['link_tracking']['shortlink']}"]
    shown = ctl(daemon, "status", status["msgid"])
    assert shown.returncode == 0 and "DELIVERED" in shown.stdout and status["msgid"] in shown.stdout


def test_send_prints_the_msgid(daemon):
    run = ctl(daemon, "send", NUMBER, "hello")
    assert run.returncode == 0 and len(run.stdout.strip()) == 32
    assert run.stdout.strip() in ctl(daemon, "list").stdout


def test_failed_message_is_exit_status_1(sim, daemon):
    sim.do("rule", NUMBER, "failed")
    assert ctl(daemon, "send", "--wait", NUMBER, "hello").returncode == 1


def test_refusals(daemon):
    run = ctl(daemon, "send", "12", "hello")
    assert run.returncode == 1 and "recipient" in run.stderr
    assert ctl(daemon, "status", "nosuch").returncode == 1
    assert ctl(daemon, "list", account="main:wrong").returncode == 1


def test_usage(daemon):
    assert ctl(daemon).returncode == 2
    assert ctl(daemon, "send", NUMBER).returncode == 2
    assert ctl(daemon, "fly").returncode == 2
    assert ctl(daemon, "--nonsense").returncode == 2
    assert ctl(daemon, "--help").returncode == 0
    assert ctl(daemon, "--version").stdout.startswith("smsbridge ")


def test_not_reachable():
    run = subprocess.run([BUILD / "smsbridge", "--url", "http://127.0.0.1:1", "--account", "a:b", "modems"],
                         capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 3 and "not reachable" in run.stderr


def test_tables(sim, daemon):
    assert "m0" in ctl(daemon, "modems").stdout
    assert "ready" in ctl(daemon, "modems").stdout
    table = ctl(daemon, "modems").stdout.splitlines()
    assert table[0].split() == ["NAME", "STATE", "PORT", "OPERATOR", "REGISTRATION", "DBM", "BARS", "QUEUE", "SENT", "FAILED",
                                "REASON"]
    assert "home network" in table[1] and "-71" in table[1]
    one = ctl(daemon, "modems", "m0").stdout
    for key in ("imei", "iccid", "imsi", "number", "model", "firmware", "operator", "registration_text", "signal_bars",
                "smsc", "storage", "queue", "recoveries", "calls"):
        assert re.search(rf"^{key} ", one, re.M), key
    assert ctl(daemon, "modems", "nosuch").returncode == 1
    preview = ctl(daemon, "preview", "--track", "see https://example.com/ ok €")
    assert preview.returncode == 0 and "gsm7" in preview.stdout
    sim.do("inject", 0, "+491701111111", "esc \x1b[31m \u202e end")
    sim.wait_event("delete", 1)
    inbox = ctl(daemon, "inbox").stdout
    assert "esc" in inbox and "\x1b" not in inbox and "\u202e" not in inbox


def test_finds_the_local_token(make_daemon, tmp_path):
    daemon = make_daemon(accounts={})
    folder = daemon.folder / "state"
    (tmp_path / "here").mkdir()
    os.symlink(folder, tmp_path / "here" / "smsbridge-data")
    assert (folder / "token").stat().st_mode & 0o777 == 0o600
    run = subprocess.run([BUILD / "smsbridge", "--url", daemon.url, "modems"], cwd=tmp_path / "here",
                         capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr


def test_links(sim, daemon):
    msgid = ctl(daemon, "send", "--track", NUMBER, "look: example.com/x").stdout.strip()
    daemon.wait_status(msgid, "DELIVERED")
    sim.tap(NUMBER)
    row = until("the tap", lambda: [r for r in json.loads(ctl(daemon, "--json", "links").stdout) if r["accessed"]])[0]
    assert row["msgid"] == msgid
    assert row["shortlink"] in ctl(daemon, "links").stdout


def test_tail_goes_on_after_a_restart(sim, daemon):
    """One process sees what happens before and after the daemon is started again."""
    tail = subprocess.Popen([BUILD / "smsbridge", "--url", daemon.url, "--account", f"main:{TOKEN}", "--json", "tail"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seen = []
    threading.Thread(target=lambda: seen.extend(map(json.loads, iter(tail.stdout.readline, ""))), daemon=True).start()
    try:
        # Somebody must listen before what it hears can be waited for: so until it heard something.
        def heard():
            msgid = daemon.send()
            daemon.wait_status(msgid, "DELIVERED")
            return msgid in [e["data"].get("msgid") for e in seen]
        until("it hears", heard)
        daemon.stop()
        daemon.start()
        daemon.wait_modem("m0")
        until("it hears again", heard, 40)
        assert all(e["event"] in ("message", "modem", "missed", "tap", "inbox") and e["id"].isdigit() for e in seen)
    finally:
        tail.terminate()
        tail.wait(20)
    shown = ctl(daemon, "--timeout", "1", "tail")
    assert shown.returncode == 0
    assert ctl(daemon, "tail", account="main:wrong").returncode == 1


def test_callbacks(make_daemon):
    with Receiver() as receiver:
        receiver.on("/bad", 500)
        daemon = make_daemon(sections={"callbacks": {"schedule": "0s", "allow": "127.0.0.0/8"}})
        daemon.http.delete(f"{daemon.url}/sms/messages/{daemon.send(callbackurl=receiver.url('/bad'))}/")
        row = until("given up", lambda: json.loads(ctl(daemon, "--json", "callbacks").stdout))[0]
        assert receiver.url("/bad") in ctl(daemon, "callbacks").stdout
        receiver.on("/bad", 200)
        assert ctl(daemon, "callbacks", "retry", str(row["id"])).returncode == 0
        until("posted again", lambda: len(receiver.at("/bad")) == 2)
        assert ctl(daemon, "callbacks", "retry", "999").returncode == 1
        assert ctl(daemon, "callbacks", "retry", "x").returncode == 2
        assert ctl(daemon, "callbacks", "again").returncode == 2


def test_send_csv_never_sends_twice(sim, daemon, tmp_path):
    path, result = tmp_path / "list.csv", tmp_path / "list.csv.result"
    path.write_text('\ufefftext,Recipient,note\n"Hello, ""you""\nthere",+4915100000001,x\nsecond,+4915100000002,\nthird,12,bad\n')
    run = ctl(daemon, "send", "--csv", str(path))
    assert run.returncode == 1 and run.stdout.startswith("sent 2, sent before 0, refused 1")
    lines = result.read_text().splitlines()
    assert len(lines) == 3 and "recipient" in lines[2]
    for line in lines[:2]:
        daemon.wait_status(line.split(",")[1], "DELIVERED")
    assert sim.texts("+4915100000001") == ['Hello, "you"\nthere']
    # Killed before its last line was whole, or before it was written at all: the same key, the same msgid.
    result.write_text(lines[0][:30])
    path.write_text(path.read_text().replace("12,bad", "+4915100000003,good"))
    again = ctl(daemon, "--json", "send", "--csv", str(path))
    assert (again.returncode, json.loads(again.stdout)) == (0, {"sent": 3, "known": 0, "failed": 0})
    assert [line.split(",")[1] for line in result.read_text().splitlines()[1:3]] == [line.split(",")[1] for line in lines[:2]]
    assert len(daemon.http.get(f"{daemon.url}/sms/messages/").json()) == 3
    assert ctl(daemon, "send", "--csv", str(path)).stdout.startswith("sent 0, sent before 3, refused 0")
    assert len(daemon.http.get(f"{daemon.url}/sms/messages/").json()) == 3


def test_wrong_csv(daemon, tmp_path):
    path = tmp_path / "wrong.csv"
    assert ctl(daemon, "send", "--csv", str(path)).returncode == 1
    for text in ("", "a,b\n1,2\n", "recipient\n+4915112345678\n"):
        path.write_text(text)
        run = ctl(daemon, "send", "--csv", str(path))
        assert run.returncode == 2 and "recipient,text" in run.stderr
    assert ctl(daemon, "send", "--csv", str(path), NUMBER, "x").returncode == 2
    assert ctl(daemon, "send").returncode == 2
