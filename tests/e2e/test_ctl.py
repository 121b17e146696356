"""The command line client against a running daemon."""
import json
import os
import re
import subprocess

from daemon import BUILD, SLOW, TOKEN

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
