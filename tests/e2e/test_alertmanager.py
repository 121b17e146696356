"""POST /hooks/alertmanager: bodies as Alertmanager 0.25 posts them, and worse ones."""
import copy
import json
import subprocess

import pytest

from daemon import BUILD

NUMBERS = ["+4915112345678", "+4915112345679"]
# As prometheus-alertmanager 0.25 of Debian 12 posts it.
ALERT = {
    "status": "firing", "labels": {"alertname": "DiskFull", "instance": "web1", "severity": "page"},
    "annotations": {"summary": "/var is 95 % full"}, "startsAt": "2026-11-24T01:50:00Z", "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "", "fingerprint": "8b1d6c3a5f5c3b9e"}
GROUP = {
    "receiver": "sms", "status": "firing", "alerts": [ALERT], "groupLabels": {"alertname": "DiskFull"},
    "commonLabels": ALERT["labels"], "commonAnnotations": ALERT["annotations"], "externalURL": "http://monitor:9093",
    "version": "4", "groupKey": "{}:{alertname=\"DiskFull\"}", "truncatedAlerts": 0}


def group(*alerts, **changes):
    """GROUP with these changes; `alerts`: what differs in each."""
    body = {**copy.deepcopy(GROUP), **changes}
    if alerts:
        body["alerts"] = [{**copy.deepcopy(ALERT), **a} for a in alerts]
    return body


@pytest.fixture
def hook(sim, make_daemon):
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"api": {"alertmanager_to": ", ".join(NUMBERS)}})
    daemon.wait_modem("m0")
    return daemon


def post(daemon, body, status=201, **options):
    data = body if isinstance(body, (str, bytes)) else json.dumps(body)
    answer = daemon.http.post(f"{daemon.url}/hooks/alertmanager", data=data, timeout=20,
                              headers={"Content-Type": "application/json"}, **options)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def texts(daemon, sim, answer):
    for message in answer:
        daemon.wait_status(message["msgid"], "DELIVERED")
    return [sim.texts(number) for number in NUMBERS]


def test_one_sms_to_each(hook, sim):
    answer = post(hook, GROUP)
    assert len(answer) == 2
    assert texts(hook, sim, answer) == [["FIRING: DiskFull\nweb1: /var is 95 % full"]] * 2


def test_a_group_and_its_end(hook, sim):
    other = {"labels": {**ALERT["labels"], "instance": "web2"}, "fingerprint": "f2"}
    post(hook, group({}, other))
    ended = {"status": "resolved", "endsAt": "2026-11-24T02:00:00Z"}
    post(hook, group(ended, other))                                             # one of the two is well again
    answer = post(hook, group(ended, {**other, **ended}, status="resolved"))
    said = texts(hook, sim, answer)[0]
    line = ": /var is 95 % full"
    assert sorted(said) == sorted([
        f"FIRING 2: DiskFull\nweb1{line}\nweb2{line}", f"FIRING: DiskFull\nweb2{line}", f"RESOLVED 2: DiskFull\nweb1{line}\nweb2{line}"])


def test_repeated_news_is_no_news(hook, sim):
    """Alertmanager posts again after a lost answer and at each repeat_interval; across a restart too."""
    first = post(hook, GROUP)
    assert post(hook, GROUP) == first
    hook.stop()
    hook.start()
    assert post(hook, GROUP) == first
    assert post(hook, group({"annotations": {"summary": "/var is 96 % full"}}), 200) == []     # a value in its text moved on
    assert len(hook.http.get(f"{hook.url}/sms/messages/").json()) == 2
    assert len(post(hook, group({"startsAt": "2026-11-24T05:00:00Z"}))) == 2                    # it began anew


def test_long_and_hostile_words_make_one_sms(hook, sim):
    """660 emoji, a page of text, control characters, script: cut to what one SMS holds."""
    for i, summary in enumerate(("x" * 5000, "😀" * 660, "a\x00b\x1b[31m\x7f<script>\u202e", "€" * 400, "Ω" * 157)):
        begun = f"2026-11-24T0{i}:00:00Z"
        # a NUL cannot be in a JSON text of ours: refused, not cut
        answer = post(hook, group({"annotations": {"summary": summary}, "startsAt": begun}), 400 if "\x00" in summary else 201)
        if isinstance(answer, list):
            assert hook.wait_status(answer[0]["msgid"], "DELIVERED")["parts"] == 1
    said = sim.texts(NUMBERS[0])
    assert len(said) == 4
    assert all(text.startswith("FIRING: DiskFull\nweb1: ") and text.endswith("...") for text in said)
    assert [len(text) for text in said[:1]] == [160]
    assert len(said[1].encode("utf-16-le")) // 2 in (69, 70)                    # a pair is never halved


@pytest.mark.parametrize("body,said", [
    ("", "JSON parse error."), ("{", "JSON parse error."), ("[]", "An object is expected."), ("[" * 5000, "JSON parse error."),
    ({**GROUP, "version": "3"}, "version"), ({**GROUP, "status": "sleeping"}, "status"), ({**GROUP, "groupKey": 7}, "groupKey"),
    ({**GROUP, "alerts": []}, "alerts"), ({**GROUP, "alerts": {}}, "alerts"), ({**GROUP, "alerts": [1]}, "alerts"),
    ({**GROUP, "alerts": [{}]}, "alerts"), (b"\xff\xfe", "JSON parse error."),
])
def test_refused(hook, body, said):
    assert post(hook, body, 400)["detail"].startswith(said)
    assert hook.http.get(f"{hook.url}/sms/messages/").json() == []


def test_who_and_whom(make_daemon):
    daemon = make_daemon()
    assert "alertmanager_to" in post(daemon, GROUP, 400)["detail"]
    assert post(daemon, GROUP, 401, auth=("main", "wrong"))["detail"] == "Invalid username/password."
    assert "256 KiB" in post(daemon, b"x" * 300000, 413)["detail"]
    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/json", "Content-Encoding": "gzip"}):
        answer = daemon.http.post(f"{daemon.url}/hooks/alertmanager", data=json.dumps(GROUP), headers=headers, timeout=20)
        assert answer.status_code == 415


def test_a_wrong_recipient_is_said_at_the_start(tmp_path):
    path = tmp_path / "conf"
    path.write_text("[api]\nalertmanager_to = +4915112345678, 0151\n")
    done = subprocess.run([BUILD / "smsbridged", "-c", path, "--check"], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "conf:2: [api] alertmanager_to: Not a phone number" in done.stderr
