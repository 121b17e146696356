"""GET /metrics: promtool's judgement, and every counter moving by as much as happened."""
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from daemon import SLOW, until
from receiver import Receiver

ROOT = Path(__file__).resolve().parents[2]
NUMBER = "+4915112345678"
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)\Z')
TYPE = re.compile(r"# TYPE (\S+) (\S+)\Z")


def scrape(daemon):
    answer = daemon.http.get(f"{daemon.url}/metrics", timeout=30 * SLOW)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.content.decode()


def samples(text):
    """{'name{labels}': number}; the same series twice is an error."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.match(line).groups()
        series = name.removeprefix("smsbridge_") + (labels or "")
        assert series not in found, series
        found[series] = float(value)
    return found


def moved(before, after):
    """What grew, by how much; without what the process and the disk do all the time, and times."""
    busy = re.compile(r"process_|store_commit|.*_seconds|.*_bucket")
    return {k: v - before.get(k, 0) for k, v in after.items()
            if not busy.match(k) and v != before.get(k, 0)}


def promtool(*args, text=""):
    run = subprocess.run(["promtool", *args], input=text, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and not run.stderr, run.stdout + run.stderr


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


def test_counters(sim, make_daemon, receiver):
    """A message with a link, its tap and callbacks; one that fails; an inbound SMS; a robot; a missing link."""
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"inbox": {"url": receiver.url("/in")}})
    daemon.wait_modem("m0")
    sim.do("rule", "+4915100000001", "failed")
    before = samples(scrape(daemon))
    assert before['messages_total{modem="",state="queued"}'] == 0
    assert before['modem_registered{modem="m0"}'] == 1
    assert before['modem_registration{modem="m0",registration="home"}'] == 1
    assert before['modem_signal_dbm{modem="m0"}'] == daemon.modem("m0")["signal_dbm"]
    assert before['modem_storage_capacity_messages{modem="m0"}'] == daemon.modem("m0")["storage"]["size"]
    assert before["store_healthy"] == 1

    long = daemon.send(NUMBER, "x" * 150 + " https://example.com/a/long/path", track_link="true",
                       lt_callbackurl=receiver.url("/tapped"), callbackurl=receiver.url("/delivered"))
    parts = daemon.wait_status(long, "DELIVERED")["parts"]
    assert parts == 2
    failed = daemon.send("+4915100000001", "no")
    daemon.wait_status(failed, "FAIL")
    assert sim.tap(NUMBER)["status"] == 302
    slug = daemon.status(long)["link_tracking"]["shortlink"]
    assert requests.get(slug, headers={"User-Agent": "Googlebot/2.1"}, allow_redirects=False, timeout=30).status_code == 302
    assert requests.get(f"{daemon.links_url}/zzzzzzzzzz", timeout=30).status_code == 404
    sim.do("inject", 0, "+491701111111", "Hallo")
    until("three callbacks", lambda: all(receiver.at(p) for p in ("/tapped", "/delivered", "/in")))
    wanted = {
        'messages_total{modem="",state="queued"}': 2,
        'messages_total{modem="m0",state="delivering"}': 2,
        'messages_total{modem="m0",state="delivered"}': 1,
        'messages_total{modem="m0",state="fail"}': 1,
        'parts_total{modem="m0",state="sent"}': 3,
        'parts_total{modem="m0",state="delivered"}': 2,
        'parts_total{modem="m0",state="failed"}': 1,
        'reports_total{modem="m0",outcome="delivered"}': 2,
        'reports_total{modem="m0",outcome="failed"}': 1,
        'inbound_parts_total{modem="m0"}': 1,
        "inbound_messages_total": 1,
        'callback_tries_total{result="received"}': 3,
        'clicks_total{class="person"}': 1,
        'clicks_total{class="bot"}': 1,
        "links_accessed_total": 1,
        "link_misses_total": 1,
    }
    until("all is counted", lambda: moved(before, samples(scrape(daemon))) == wanted or None)
    after = samples(scrape(daemon))
    counts = {k: after[k] - before.get(k, 0) for k in after if k.split("{")[0].endswith("_count")}
    assert counts['send_seconds_count{modem="m0"}'] == 3
    assert counts['delivery_seconds_count{modem="m0"}'] == 2
    assert counts["queue_wait_seconds_count"] == 3
    assert counts["callback_seconds_count"] == 3
    assert counts["store_commit_seconds_count"] == after["store_commits_total"] - before["store_commits_total"] > 5
    promtool("check", "metrics", text=scrape(daemon))
