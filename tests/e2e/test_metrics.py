"""GET /metrics: promtool's judgement, and every counter moving by as much as happened."""
import json
import re
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


def test_errors_and_retries(sim, make_daemon, receiver):
    """What goes wrong is counted once each: refused by the network and tried again, an answer lost, a report repeated, a receiver
    that never takes its callback."""
    receiver.on("/bad", 500)
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={
        "queue": {"retry": "1s", "uncertain_after": "5s"}, "callbacks": {"schedule": "0s, 1s"}})
    daemon.wait_modem("m0")
    before = samples(scrape(daemon))

    def now():
        return moved(before, samples(scrape(daemon)))
    sim.do("fault", 0, "cms", 38, count=2)
    daemon.wait_status(daemon.send(NUMBER, "busy", callbackurl=receiver.url("/bad")), "DELIVERED")
    sim.do("fault", 0, "duplicate-report", count=1)
    daemon.wait_status(daemon.send(NUMBER, "told twice"), "DELIVERED")
    until("both reports", lambda: now()['reports_total{modem="m0",outcome="delivered"}'] == 3)
    sim.do("fault", 0, "lost-answer")
    daemon.wait_status(daemon.send(NUMBER, "lost"), "DELIVERED", 60)
    until("the callback is given up", lambda: "callbacks_given_up_total" in now())
    counted = now()
    assert counted['send_errors_total{modem="m0",class="busy"}'] == 2
    assert counted['parts_total{modem="m0",state="retried"}'] == 2
    assert counted['parts_total{modem="m0",state="sent"}'] == 3
    assert counted['parts_total{modem="m0",state="delivered"}'] == 3
    assert counted['messages_total{modem="m0",state="delivered"}'] == 3
    assert counted['callback_tries_total{result="failed"}'] == 2
    assert counted["callbacks_given_up_total"] == counted["callbacks_failed"] == 1
    assert "uncertain_parts" not in counted and "queued_messages" not in counted


def used(expression):
    return set(re.findall(r"\b(?:smsbridge|process)_\w+", expression))


def known(text):
    """Every name that a query may use, from the types in the answer."""
    names = set()
    for line in text.splitlines():
        if match := TYPE.match(line):
            name, kind = match.groups()
            names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return names


def test_dashboard_and_alerts_use_what_there_is(daemon):
    names = known(scrape(daemon))
    promtool("check", "rules", str(ROOT / "packaging/alerts.yml"))
    alerts = used((ROOT / "packaging/alerts.yml").read_text())
    dashboard = json.loads((ROOT / "packaging/grafana-dashboard.json").read_text())
    queries = [t["expr"] for p in dashboard["panels"] for t in p.get("targets", [])]
    assert len(queries) > 30 and len({p["id"] for p in dashboard["panels"]}) == len(dashboard["panels"])
    shown = used(" ".join(queries))
    assert len(alerts) > 10 and alerts <= names, alerts - names
    assert shown <= names, shown - names
    # What is counted is also shown.
    silent = {n for n in names if n.startswith("smsbridge_") and not n.endswith(("_sum", "_count"))} - shown - alerts
    assert silent == {"smsbridge_build_info"}
    # Prometheus' own parser, for what Grafana will ask; its macro stands for a time.
    rules = {"groups": [{"name": "dashboard", "rules": [
        {"record": f"panel:{i}", "expr": re.sub(r"\$__rate_interval", "5m", q)} for i, q in enumerate(queries)]}]}
    path = daemon.folder / "dashboard-rules.yml"
    path.write_text(json.dumps(rules))
    promtool("check", "rules", str(path))


def test_alerts_fire(tmp_path):
    """promtool's own evaluation of the rules, against series that we make up: which ones fire, and when."""
    series = {
        "smsbridge_store_healthy": ("1x5 0x20", "SmsbridgeStoreUnwell"),
        "smsbridge_queue_oldest_seconds": ("0+60x40", "SmsbridgeQueueStuck"),
        'smsbridge_modem_state{modem="a",state="ready"}': ("1 0x40", "SmsbridgeModemUnwell"),
        'smsbridge_modem_resets_total{modem="a"}': ("0+1x40", "SmsbridgeModemRestarts"),
        'smsbridge_modem_registered{modem="a"}': ("0x40", "SmsbridgeNoModem"),
        "smsbridge_callbacks_given_up_total": ("0x5 1x40", "SmsbridgeCallbacksLost"),
    }
    tests = {"rule_files": [str(ROOT / "packaging/alerts.yml")], "evaluation_interval": "1m", "tests": [{
        "interval": "1m",
        "input_series": [{"series": s, "values": v} for s, (v, _) in series.items()],
        "promql_expr_test": [{"expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})', "eval_time": "24m",
                              "exp_samples": [{"labels": "{}", "value": 1}]} for _, name in series.values()]
        + [{"expr": 'count(ALERTS{alertname="SmsbridgeCallbacksBehind"})', "eval_time": "24m", "exp_samples": []}]}]}
    path = tmp_path / "alerts-test.yml"
    path.write_text(json.dumps(tests))
    run = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr


def test_who_may_and_what_modems_say(make_sim, make_daemon):
    """Admins only; a daemon without a modem; two modems apart; bytes from a modem cannot break a line."""
    sim = make_sim(2)
    accounts = {"main": {"token": "secret-token", "admin": "yes"}, "shop": {"token": "other-token-12345"}}
    daemon = make_daemon(modems={"one": sim.port(0), "two": sim.port(1)}, accounts=accounts)
    url = f"{daemon.url}/metrics"
    assert requests.get(url, timeout=30).status_code == 401
    assert requests.get(url, auth=("shop", "other-token-12345"), timeout=30).status_code == 403
    assert daemon.http.post(url, timeout=30).status_code == 405
    assert daemon.http.head(url, timeout=30).headers["Content-Type"].startswith("text/plain")
    for name in ("one", "two"):
        daemon.wait_modem(name)
    daemon.wait_status(daemon.send(NUMBER, "hello", modem="two"), "DELIVERED")
    now = samples(scrape(daemon))
    assert now['parts_total{modem="two",state="delivered"}'] == 1
    assert now['parts_total{modem="one",state="delivered"}'] == 0
    assert now['messages_total{modem="two",state="delivered"}'] == 1
    assert now['modem_state{modem="one",state="ready"}'] == 1
    assert sum(v for k, v in now.items() if k.startswith('modem_state{modem="one"')) == 1
    bare = make_daemon()
    promtool("check", "metrics", text=scrape(bare))
    assert not [k for k in samples(scrape(bare)) if "modem=" in k and 'modem=""' not in k]
