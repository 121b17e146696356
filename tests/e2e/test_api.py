"""The REST API over the wire: api.md's words, every field wrong in every way, and what the public clients do.

One daemon for the file: its modem is not there, so that messages stay QUEUED.
"""
import base64
import datetime
import functools
import http.client
import io
import json
import re
import resource
import socket
import subprocess
import threading
import time

import pytest
import requests

from daemon import SLOW, TOKEN, Daemon, until
from receiver import TLS

NUMBER = "+818012345678"
MSGID = re.compile(r"[A-Za-z0-9]{32}")
WHEN = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
FORM = "application/x-www-form-urlencoded"
ACCOUNTS = {
    "main": {"token": TOKEN, "admin": "yes", "cost": "8.5", "credits": "120"},
    "other": {"token": "other-token"},
}
NOT_GIVEN = {"detail": "Authentication credentials were not provided."}
WRONG = {"detail": "Invalid username/password."}
REQUIRED = ["This field is required."]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    running = Daemon(tmp_path_factory.mktemp("api"), modems={"gsm1": "/nowhere/tty"}, accounts=ACCOUNTS,
                     sections={"links": {"base_url": "https://s.example"}}).start()
    yield running
    assert running.stop() == 0, running.log_text()[-4000:]


@pytest.fixture
def post(daemon):
    """post(**fields): the answer to a form; raw=, json=, files=, headers= as requests has them."""
    def send(path="/sms/messages/", **fields):
        how = {k: fields.pop(k) for k in ("raw", "json", "files", "headers", "auth") if k in fields}
        if "raw" in how:
            how["data"] = how.pop("raw")
        elif not how.keys() & {"json", "files"}:
            how["data"] = fields
        return daemon.http.post(daemon.url + path, timeout=30 * SLOW, **how)
    return send


@pytest.fixture
def get(daemon):
    def ask(path, **how):
        return daemon.http.get(daemon.url + path, timeout=60 * SLOW, **how)
    return ask


def accepted(answer):
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert isinstance(body, list) and all(set(item) == {"msgid"} for item in body)
    assert all(MSGID.fullmatch(item["msgid"]) for item in body)
    return [item["msgid"] for item in body]


def day(offset):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=offset)).strftime("%Y-%m-%d")


def raw(daemon, request, close=True, seconds=30):
    """Bytes as they are, on a connection of their own; everything that came back."""
    host, port = daemon.api.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=seconds * SLOW) as s:
        try:
            s.sendall(request if isinstance(request, bytes) else request.encode())
            if close:
                s.shutdown(socket.SHUT_WR)
        except OSError:     # refused before its end
            pass
        got = b""
        while True:
            try:
                more = s.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            got += more
    return got


def parsed(got):
    """Status and JSON body of a raw answer, chunks put together; b"" where it is empty."""
    answer = http.client.HTTPResponse(type("Heard", (), {"makefile": lambda self, mode: io.BytesIO(got)})())
    answer.begin()
    body = answer.read()
    return answer.status, json.loads(body) if body else body


AUTH = "Authorization: Basic " + base64.b64encode(f"main:{TOKEN}".encode()).decode() + "\r\n"


# ---- POST ----

@pytest.mark.parametrize("path", ["/sms/messages/", "/sms/messages"])
def test_post_is_an_array_of_one(post, path):
    answer = post(path, recipient=NUMBER, message="hello", sender="Xoxzo1")
    assert len(accepted(answer)) == 1
    assert answer.headers["Content-Type"] == "application/json"
    assert not answer.history


def test_formats(post, get):
    """The same message in each of the formats gives the same status."""
    text = "a + b & c = d % 20 あ https://www.xoxzo.com/en/ 😀"
    fields = {"recipient": NUMBER, "message": text, "sender": "Xoxzo1", "tags": " a, b b,,c ", "track_link": "True"}
    plus = "&".join(f"{k}={requests.utils.quote(v, safe='').replace('%20', '+')}" for k, v in fields.items())
    percent = "&".join(f"{k}={requests.utils.quote(v, safe='')}" for k, v in fields.items())
    answers = [
        post(raw=plus, headers={"Content-Type": FORM}),
        post(raw=percent, headers={"Content-Type": FORM + ";charset=UTF-8"}),
        post(files={k: (None, v) for k, v in fields.items()}),
        post(json=fields),
        post(json={**fields, "tags": ["a", "b b", "", "c"], "track_link": True}),
        post(raw=json.dumps(fields, ensure_ascii=False).encode(), headers={"Content-Type": "Application/JSON"}),
    ]
    for answer in answers:
        status = get(f"/sms/messages/{accepted(answer)[0]}/").json()
        assert status["tags"] == ["a", "b b", "c"]
        assert status["recipient"] == NUMBER and status["sender"] == "Xoxzo1"
        assert status["link_tracking"]["link"] == "https://www.xoxzo.com/en/"
        assert status["parts"] == 1


@pytest.mark.parametrize("sender", ["814512345678", "8108012345678", "Sender", "あいうえお", "+4412345"])
def test_sender_is_echoed(post, get, sender):
    msgid = accepted(post(recipient=NUMBER, message="x", sender=sender))[0]
    assert get(f"/sms/messages/{msgid}").json()["sender"] == sender


@pytest.mark.parametrize("given", ["+8190123456789", "+81 90-1234.5678", "+1 (212) 555-0100"])
def test_recipients_that_are_taken(post, get, given):
    msgid = accepted(post(recipient=given, message="x", sender="X"))[0]
    assert get(f"/sms/messages/{msgid}").json()["recipient"] == "+" + re.sub(r"\D", "", given)


@pytest.mark.parametrize("given", ["", "+", "8108012345678", "+8108012345678", "+0808012345678", "+81" + "9" * 14,
                                   "+81801234567x", "+818012345678,+818012345679", "９０", "+818012345678\x00", "9" * 200000])
def test_recipients_that_are_refused(post, given):
    answer = post(recipient=given, message="x", sender="X")
    assert answer.status_code == 400
    assert list(answer.json()) == ["recipient"] and len(answer.json()["recipient"]) == 1


def test_every_failing_field_at_once(post):
    assert post().json() == {"message": REQUIRED, "recipient": REQUIRED, "sender": REQUIRED}
    answer = post(json={"message": "x" * 661, "recipient": ["1", NUMBER, "2"], "sender": [], "validity": 1, "modem": "nope",
                        "track_link": "maybe", "callbackurl": "ftp://x", "send_at": "soon", "priority": 10, "flash": {},
                        "on_uncertain": "x", "tags": {}, "lt_callbackurl": "javascript:x"})
    assert answer.status_code == 400
    errors = answer.json()
    assert set(errors) == {"message", "recipient", "sender", "validity", "modem", "track_link", "callbackurl", "send_at",
                           "priority", "flash", "on_uncertain", "tags", "lt_callbackurl"}
    assert errors["message"] == ["Message too long"]
    assert [line.split(":")[0] for line in errors["recipient"]] == ["0", "2"]


@pytest.mark.parametrize("body", [
    b"message=%FF&recipient=%2B818012345678&sender=X", b"message=\xff\xfe&recipient=%2B818012345678&sender=X",
    b"message=%00&recipient=%2B818012345678&sender=X", b"message=a\x00b&recipient=%2B818012345678&sender=X",
    b"message=%ED%A0%80&recipient=%2B818012345678&sender=X", b"message=a&message=b&recipient=%2B818012345678&sender=X"])
def test_texts_that_are_no_text(post, body):
    answer = post(raw=body, headers={"Content-Type": FORM})
    assert answer.status_code == 400 and list(answer.json()) == ["message"]


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b"1", b"\"x\"", b"[" * 10000, b"{\"message\":" * 10000, b"9" * 200000, b"\xff", b"{\"a\":\"\\ud800\"}",
    b"{\"message\":\"a\",\"message\":\"b\"}", b"{}{}", b"message=x"])
def test_json_that_is_none(post, body):
    answer = post(raw=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == ["detail"]


@pytest.mark.parametrize("track, tracked", [("true", True), ("True", True), ("TRUE", True), ("1", True), ("false", False),
                                            ("False", False), ("0", False), ("", False)])
def test_track_link_words(post, get, track, tracked):
    msgid = accepted(post(recipient=NUMBER, message="see example.com now", sender="X", track_link=track))[0]
    assert ("link_tracking" in get(f"/sms/messages/{msgid}").json()) == tracked


@pytest.mark.parametrize("track", ["yes", "2", "tru", " true", "null"])
def test_track_link_anything_else(post, track):
    answer = post(recipient=NUMBER, message="see example.com now", sender="X", track_link=track)
    assert answer.status_code == 400 and list(answer.json()) == ["track_link"]


def test_limit_after_the_replacement(post):
    link = "https://example.com/" + "p" * 600
    room = 660 - len("https://s.example/0123456789") - 1
    def answer(text):
        return post(recipient=NUMBER, message=text, sender="X", track_link="true")
    assert accepted(answer("a" * 660))
    assert answer("a" * 661).json() == {"message": ["Message too long"]}
    assert accepted(answer("a" * room + " " + link))
    assert answer("a" * (room + 1) + " " + link).json() == {"message": ["Message too long"]}
    assert accepted(answer("あ" * 660)) and answer("あ" * 661).status_code == 400
    assert accepted(answer("😀" * 330)) and answer("😀" * 331).status_code == 400
    assert post(recipient=NUMBER, message="a" * room + " " + link, sender="X").status_code == 400


def test_no_link_no_tracking(post, get):
    msgid = accepted(post(recipient=NUMBER, message="no link here", sender="X", track_link="true",
                          lt_callbackurl="http://127.0.0.1:9/x"))[0]
    assert "link_tracking" not in get(f"/sms/messages/{msgid}").json()


def test_carrier_fields_and_unknown_ones_are_ignored(post):
    assert accepted(post(recipient=NUMBER, message="x", sender="X", jp_kp="1", jp_kpl="1", jp_kp_sender="1",
                         jp_kddi_sender="1", whatever="\x00"))


@pytest.mark.parametrize("key", ["callbackurl", "lt_callbackurl", "lt_callbackur"])
@pytest.mark.parametrize("url, ok", [("http://127.0.0.1:9/x", True), ("cb.example/x", True), ("HTTPS://user:pw@cb.example", True),
                                     ("ftp://cb.example/", False), ("javascript:alert(1)", False), ("http://", False),
                                     ("http://169.254.169.254/", False), ("http://a b/", False)])
def test_callback_urls(post, key, url, ok):
    answer = post(recipient=NUMBER, message="x", sender="X", **{key: url})
    assert answer.status_code == (201 if ok else 400), answer.text
    if not ok:
        assert list(answer.json()) == ["lt_callbackurl" if key == "lt_callbackur" else key]


def test_a_thousand_recipients(post, get):
    numbers = [f"+4915{i:08d}" for i in range(1000)]
    msgids = accepted(post(json={"recipient": numbers, "message": "see example.com now", "sender": "X", "track_link": True}))
    assert len(set(msgids)) == 1000
    links = set()
    for i in (0, 1, 500, 999):
        status = get(f"/sms/messages/{msgids[i]}/").json()
        assert status["recipient"] == numbers[i]
        links.add(status["link_tracking"]["shortlink"])
    assert len(links) == 4
    assert post(json={"recipient": numbers + [NUMBER], "message": "x", "sender": "X"}).status_code == 400
    assert post(json={"recipient": [], "message": "x", "sender": "X"}).status_code == 400


def test_all_recipients_or_none(post, get):
    before = len(get("/sms/messages/", params={"recipient": "+4917700000001"}).json())
    answer = post(json={"recipient": ["+4917700000001", "nobody"], "message": "x", "sender": "X"})
    assert answer.status_code == 400
    assert len(get("/sms/messages/", params={"recipient": "+4917700000001"}).json()) == before


def test_idempotency_key(post):
    fields = {"recipient": NUMBER, "message": "once", "sender": "X", "headers": {"Idempotency-Key": "k-1"}}
    first = accepted(post(**fields))
    assert accepted(post(**fields)) == first
    assert accepted(post(json={"recipient": "+81 80 1234 5678", "message": "once", "sender": "X", "tags": []},
                         headers=fields["headers"])) == first
    assert post(**{**fields, "message": "twice"}).status_code == 409
    assert accepted(post(**fields, auth=("other", "other-token"))) != first
    for key in ("", "k" * 256, "a b", "ü".encode()):
        assert post(**{**fields, "headers": {"Idempotency-Key": key}}).status_code == 400
    many = {"json": {"recipient": [NUMBER, NUMBER], "message": "x", "sender": "X"}, "headers": {"Idempotency-Key": "k-2"}}
    assert accepted(post(**many)) == accepted(post(**many))


def test_send_at_is_held(post, get):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)
    msgid = accepted(post(recipient=NUMBER, message="see example.com", sender="X", track_link="1",
                          send_at=at.strftime("%Y-%m-%dT%H:%M:%SZ")))[0]
    status = get(f"/sms/messages/{msgid}/").json()
    assert status["status"] == "QUEUED"
    assert status["link_tracking"]["expires_on"] == (at + datetime.timedelta(days=90)).strftime("%Y-%m-%d %H:%M:%S")


# ---- GET ----

def test_status_object(daemon, post, get):
    before = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)
    msgid = accepted(post(recipient=NUMBER, sender="Sender", message="test link tracking https://www.xoxzo.com/en/",
                          track_link="true"))[0]
    answer = get(f"/sms/messages/{msgid}/")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
    status = answer.json()
    assert WHEN.fullmatch(status["sent_time"])
    sent = datetime.datetime.strptime(status.pop("sent_time"), "%Y-%m-%d %H:%M:%S")
    assert before <= sent <= before + datetime.timedelta(seconds=30 * SLOW)
    tracking = status.pop("link_tracking")
    assert status == {
        "msgid": msgid, "status": "QUEUED", "sender": "Sender", "recipient": NUMBER, "cost": 8.5, "parts": 1, "tags": [],
        "url": f"{daemon.url}/sms/messages/{msgid}/", "error": None, "modem": None, "submitted_on": None, "delivered_on": None}
    assert re.fullmatch(r"https://s\.example/[0-9a-hjkmnp-tv-z]{10}", tracking.pop("shortlink"))
    assert tracking.pop("expires_on") == (sent + datetime.timedelta(days=90)).strftime("%Y-%m-%d %H:%M:%S")
    assert tracking == {"link": "https://www.xoxzo.com/en/", "accessed": False, "accessed_on": None, "clicks": 0, "bots": 0}
    assert get(f"/sms/messages/{msgid}").content == answer.content


def test_cost_zero_is_a_number(post, get):
    other = ("other", "other-token")
    msgid = accepted(post(recipient=NUMBER, sender="X", message="x", auth=other))[0]
    assert '"cost":0,' in get(f"/sms/messages/{msgid}", auth=other).text


def test_url_comes_from_the_posts_host(daemon, post, get):
    msgid = accepted(post(recipient=NUMBER, sender="X", message="x", headers={"Host": "sms.example:99"}))[0]
    assert get(f"/sms/messages/{msgid}").json()["url"] == f"http://sms.example:99/sms/messages/{msgid}/"
    evil = raw(daemon, "POST /sms/messages/ HTTP/1.1\r\nHost: a\"><script>\r\n" + AUTH + f"Content-Type: {FORM}\r\n"
               "Content-Length: 44\r\n\r\nrecipient=%2B818012345678&message=x&sender=X")
    assert b"201 Created" in evil, evil
    msgid = re.search(rb'"msgid":"(\w{32})"', evil).group(1).decode()
    assert get(f"/sms/messages/{msgid}").json()["url"] == f"{daemon.url}/sms/messages/{msgid}/"


@pytest.mark.parametrize("path", ["/sms/messages/dabd8e76-390f-421c-87b5-57f31339d0c5", "/sms/messages/0123456789/",
                                  "/sms/messages/" + "x" * 5000, "/sms/messages/%00", "/sms/messages/%2e%2e", "/sms/messages/a/b",
                                  "/voice/simple/playback/dabd8e76/", "/voice/dins/", "//", "/sms", "/sms/messages//",
                                  "/nope", "/sms/inbox/nope/", "/modems/nope/", "/modems/nope/signal/", "/events/1/", "/links/nope/", "/web/", "/web/nope.js", "/callbacks/nope/"])
def test_404_is_empty(get, path):
    answer = get(path)
    assert answer.status_code == 404 and answer.content == b"" and answer.headers["Content-Length"] == "0"


def test_accounts_see_their_own_only(post, get):
    mine = accepted(post(recipient=NUMBER, sender="X", message="x"))[0]
    other = ("other", "other-token")
    theirs = accepted(post(recipient=NUMBER, sender="X", message="x", auth=other))[0]
    assert get(f"/sms/messages/{mine}", auth=other).status_code == 404
    assert get(f"/sms/messages/{theirs}").status_code == 404
    assert mine not in {m["msgid"] for m in get("/sms/messages", auth=other).json()}
    assert theirs not in {m["msgid"] for m in get("/sms/messages").json()}


def test_admin_routes(get):
    for path in ("/modems/", "/modems", "/modems/gsm1/", "/sms/inbox/", "/sms/inbox"):
        assert get(path).status_code == 200
        answer = get(path, auth=("other", "other-token"))
        assert answer.status_code == 403 and list(answer.json()) == ["detail"]


def test_modems(get):
    modems = get("/modems/").json()
    assert [m["name"] for m in modems] == ["gsm1"]
    modem = get("/modems/gsm1").json()
    assert modem["state"] in {"starting", "gone"} and modem["reason"]
    assert {"name", "imei", "iccid", "state", "reason", "port", "operator", "registration", "signal_dbm"} <= set(modem)


def test_credits(get):
    assert get("/you/credits/").json() == {"credits": 120}
    assert get("/you/credits", auth=("other", "other-token")).text == '{"credits":0}'


def test_healthz_needs_no_login(daemon):
    answer = requests.get(daemon.url + "/healthz", timeout=30)
    assert answer.status_code == 200
    assert requests.get(daemon.url + "/healthz/", timeout=30).status_code == 200


def test_inbox_is_an_array(get):
    assert get("/sms/inbox/").json() == []
    assert get("/sms/inbox/?since=2026-01-01&limit=5").json() == []
    assert get("/sms/inbox/?since=x").status_code == 400


def test_preview(post):
    seen = post("/sms/preview", message="see https://www.xoxzo.com/en/ now", track_link="true").json()
    assert seen["alphabet"] == "gsm7" and seen["parts"] == 1 and seen["costly"] == []
    assert re.fullmatch(r"see https://s\.example/\w{10} now", seen["text"]) and seen["units"] == len(seen["text"])
    seen = post("/sms/preview/", json={"message": "“smart” – quotes “"}).json()
    assert seen["alphabet"] == "ucs2" and seen["costly"] == [
        {"character": c, "units": 1, "ucs2": True} for c in "“”–"]
    seen = post("/sms/preview/", json={"message": "5 € [a] 5 €"}).json()  # 23.038 6.2.1.1: behind the escape
    assert seen["alphabet"] == "gsm7" and seen["units"] == 15 and seen["costly"] == [
        {"character": c, "units": 2, "ucs2": False} for c in "€[]"]
    seen = post("/sms/preview/", json={"message": "☕🎉€"}).json()
    assert seen["units"] == 4 and seen["costly"] == [
        {"character": "☕", "units": 1, "ucs2": True}, {"character": "🎉", "units": 2, "ucs2": True}]
    assert post("/sms/preview", message="").json() == {"message": ["This field may not be blank."]}


# ---- lists ----

def search(daemon, query):
    """The query as it stands on the wire."""
    answer = raw(daemon, f"GET /sms/messages/?{query} HTTP/1.0\r\n{AUTH}\r\n")
    head, body = answer.split(b"\r\n\r\n", 1)
    return int(head.split()[1]), json.loads(body)


@pytest.fixture(scope="module")
def aged(tmp_path_factory):
    """Messages accepted 91, 90, 89, 1 and 0 days ago: recipients end in these numbers."""
    daemon = Daemon(tmp_path_factory.mktemp("aged"), modems={"gsm1": "/nowhere/tty"})
    for days in (91, 90, 89, 1, 0):
        daemon.args = ["--clock-offset", str(-days * 86400)]
        daemon.start()
        daemon.send(f"+49151000000{days:02d}", f"{days} days ago", validity=38102400)
        assert daemon.stop() == 0
    daemon.start()
    yield daemon
    assert daemon.stop() == 0


def ages(daemon, query):
    status, body = search(daemon, query)
    assert status == 200, body
    return [int(m["recipient"][-2:]) for m in body]


def test_list_is_newest_first_of_90_days(aged):
    assert ages(aged, "") == [0, 1, 89, 90]


@pytest.mark.parametrize("query, wanted", [
    ("sent_date={1}", [1]), ("sent_date={90}", [90]), ("sent_date={50}", []),
    ("sent_date%3E={1}", [0, 1]), ("sent_date>={1}", [0, 1]), ("sent_date%3E%3D{1}", [0, 1]), ("sent_date=%3E={1}", [0, 1]),
    ("sent_date%3C={1}", [1, 89, 90]), ("sent_date<={1}", [1, 89, 90]), ("sent_date%3c%3d{1}", [1, 89, 90]),
    ("sent_date%3E{1}", [0]), ("sent_date>{1}", [0]), ("sent_date=%3E{1}", [0]),
    ("sent_date%3C{1}", [89, 90]), ("sent_date<{1}", [89, 90]), ("sent_date%3C{90}", []), ("sent_date%3E={90}", [0, 1, 89, 90]),
    ("sent_date%3E={89}&sent_date%3C={1}", [1, 89]), ("sent_date={-1}", []), ("sent_date={-3000}", []), ("sent_date%3E={-1}", [])])
def test_date_filter(aged, query, wanted):
    while midnight_is_near():
        time.sleep(0.5)
    wire = re.sub(r"\{(-?\d+)\}", lambda found: day(-int(found.group(1))), query)
    assert ages(aged, wire) == wanted


def midnight_is_near():
    now = datetime.datetime.now(datetime.timezone.utc)
    return now.hour == 23 and now.minute == 59 and now.second > 50


@pytest.mark.parametrize("value", ["", "x", "2026-13-01", "2026-02-30", "2026-1-5", "20260105", "2026-01-05 00:00:00", "{91}", "{5000}",
                                   "0000-00-00", "2026-01-05%00", "9" * 3000])
@pytest.mark.parametrize("operator", ["=", "%3E=", "%3C=", "%3E", "%3C"])
def test_invalid_dates(daemon, operator, value):
    value = re.sub(r"\{(\d+)\}", lambda found: day(-int(found.group(1))), value)
    assert search(daemon, f"sent_date{operator}{value}") == (400, {"sent_date": ["Invalid sent_date"]})


def test_a_date_without_any_operator_is_invalid(daemon):
    assert search(daemon, "sent_date") == (400, {"sent_date": ["Invalid sent_date"]})


def test_pages(daemon, post, get):
    tag = "paged"
    msgids = [accepted(post(recipient=NUMBER, sender="X", message="x", tags=f"{tag},&\"<>"))[0] for _ in range(7)]
    url, seen = f"{daemon.url}/sms/messages/?limit=3&tag={tag}&sent_date%3E={day(-1)}", []
    for length in (3, 3, 1):
        answer = daemon.http.get(url, timeout=30)
        assert len(answer.json()) == length
        seen += [m["msgid"] for m in answer.json()]
        url = answer.links.get("next", {}).get("url")
    assert url is None and seen == msgids[::-1]
    assert "Link" not in get(f"/sms/messages?tag={tag}&limit=7").headers
    assert len(get(f"/sms/messages?tag={tag}").json()) == 7


@pytest.mark.parametrize("query", ["limit=0", "limit=10001", "limit=-1", "limit=x", "limit=", "cursor=x", "cursor=0", "cursor=-1",
                                   "status=SENT", "status=", "recipient=x", "tag=%FF", "limit=99999999999999999999"])
def test_invalid_filters(daemon, query):
    status, body = search(daemon, query)
    assert status == 400 and list(body) == [query.split("=")[0]]


def test_filters(post, get):
    number = "+4915700000042"
    msgid = accepted(post(recipient=number, sender="X", message="x"))[0]
    assert [m["msgid"] for m in get("/sms/messages/", params={"recipient": number}).json()] == [msgid]
    assert [m["msgid"] for m in get(f"/sms/messages/?recipient={number}&status=queued").json()] == [msgid]
    assert get(f"/sms/messages/?recipient=%2B4915700000042&status=DELIVERED").json() == []


def test_a_long_list_is_streamed_and_holds_up_nobody(tmp_path, make_daemon):
    daemon = make_daemon(modems={"gsm1": "/nowhere/tty"})
    for n in range(20):
        answer = daemon.http.post(daemon.url + "/sms/messages/", timeout=60 * SLOW, json={
            "recipient": [f"+49151{n:03d}{i:05d}" for i in range(1000)], "message": "x", "sender": "X"})
        assert answer.status_code == 201
    with daemon.http.get(daemon.url + "/sms/messages/", stream=True, timeout=60 * SLOW) as slow:
        assert slow.headers["Transfer-Encoding"] == "chunked"
        pieces = slow.iter_content(65536)
        first = next(pieces)
        for _ in range(5):      # the list is not read on, others are served
            assert requests.get(daemon.url + "/healthz", timeout=10 * SLOW).status_code == 200
        rows = json.loads(first + b"".join(pieces))
    assert len(rows) == 20000 and len({m["msgid"] for m in rows}) == 20000
    old = requests.get(daemon.url + "/sms/messages/?limit=10000", auth=daemon.http.auth, timeout=60 * SLOW)
    assert [m["msgid"] for m in old.json()] == [m["msgid"] for m in rows[:10000]]
    rss = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{daemon.process.pid}/status", encoding="ascii").read()).group(1))
    assert SLOW > 1 or rss < 64 * 1024
    ten = raw(daemon, "GET /sms/messages/ HTTP/1.0\r\n" + AUTH + "\r\n")      # HTTP/1.0 knows no chunks
    assert len(json.loads(ten.split(b"\r\n\r\n", 1)[1])) == 20000


# ---- DELETE ----

def test_cancel(daemon, post, get):
    msgid = accepted(post(recipient=NUMBER, sender="X", message="x"))[0]
    assert daemon.http.delete(f"{daemon.url}/sms/messages/{msgid}", auth=("other", "other-token"), timeout=30).status_code == 404
    answer = daemon.http.delete(f"{daemon.url}/sms/messages/{msgid}/", timeout=30)
    assert answer.status_code == 204 and answer.content == b""
    status = get(f"/sms/messages/{msgid}/").json()
    assert status["status"] == "FAIL" and status["error"]["code"] == "cancelled"
    assert daemon.http.delete(f"{daemon.url}/sms/messages/{msgid}/", timeout=30).status_code == 409
    answer = daemon.http.delete(f"{daemon.url}/sms/messages/{'x' * 32}/", timeout=30)
    assert answer.status_code == 404 and answer.content == b""


# ---- who ----

@pytest.mark.parametrize("path", ["/sms/messages/", "/sms/messages", "/sms/messages/abc/", "/you/credits/", "/modems/", "/sms/inbox/"])
def test_no_credentials(daemon, path):
    answer = requests.get(daemon.url + path, timeout=30)
    assert (answer.status_code, answer.json()) == (401, NOT_GIVEN)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="api"'


def basic(text):
    return "Basic " + base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.mark.parametrize("header, body", [
    (basic("123:456"), WRONG), (basic("main:"), WRONG), (basic(f"main:{TOKEN}x"), WRONG), (basic(f"Main:{TOKEN}"), WRONG),
    (basic(f"main:{TOKEN}\0"), WRONG), (basic("nocolon"), WRONG), ("Basic", NOT_GIVEN), ("Basic !!!", WRONG),
    ("Basic " + "A" * 3000, WRONG), (basic(b"\xff\xfe:\xff"), WRONG), ("Bearer x", NOT_GIVEN), ("", NOT_GIVEN), (basic(":"), WRONG)])
def test_wrong_credentials(tmp_path, make_daemon, header, body):
    daemon = make_daemon(modems={"gsm1": "/nowhere/tty"})
    answer = requests.post(daemon.url + "/sms/messages/", timeout=30, headers={"Authorization": header},
                           data={"message": "Hello from Xoxzo", "recipient": "+8108012345678", "sender": "814512345678"})
    assert (answer.status_code, answer.json()) == (401, body)
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="api"'


def test_guessing_is_limited(make_daemon):
    daemon = make_daemon(modems={"gsm1": "/nowhere/tty"})
    url = daemon.url + "/you/credits/"
    codes = [requests.get(url, auth=("main", f"guess{i}"), timeout=30).status_code for i in range(30)]
    assert codes == [401] * 20 + [429] * 10
    answer = requests.get(url, auth=("nobody", "x"), timeout=30)
    assert answer.status_code == 429 and 1 <= int(answer.headers["Retry-After"]) <= 6
    assert answer.json()["detail"].startswith("Request was throttled. Expected available in ")
    # even the right token, so that guessing cannot be told from knowing; no credentials are no guess
    assert requests.get(url, auth=("main", TOKEN), timeout=30).status_code == 429
    assert requests.get(url, timeout=30).status_code == 401


def test_a_guesser_does_not_lock_out_who_was_there_before(make_daemon):
    daemon = make_daemon(modems={"gsm1": "/nowhere/tty"})
    url = daemon.url + "/you/credits/"
    assert daemon.http.get(url, timeout=30).status_code == 200
    for _ in range(25):
        requests.get(url, auth=("main", "guess"), timeout=30)
    assert daemon.http.get(url, timeout=30).status_code == 200


def test_rate(make_daemon):
    daemon = make_daemon(modems={"gsm1": "/nowhere/tty"}, sections={"api": {"rate": 5}},
                         accounts={"main": {"token": TOKEN}, "other": {"token": "other-token"}})
    url = daemon.url + "/sms/messages/"
    answers = [daemon.http.post(url, data={}, timeout=30) for _ in range(12)]
    codes = [answer.status_code for answer in answers]
    assert codes[:5] == [400] * 5 and 429 in codes      # throttled before validated
    throttled = next(answer for answer in answers if answer.status_code == 429)
    assert throttled.json() == {"detail": "Request was throttled. Expected available in 1 second."}
    assert throttled.headers["Retry-After"] == "1"
    assert daemon.http.get(url, auth=("other", "other-token"), timeout=30).status_code == 200
    assert daemon.http.get(url, auth=("main", "wrong"), timeout=30).status_code == 401
    until("the rate lets in again", lambda: daemon.http.get(url, timeout=30).status_code == 200, 5)


# ---- HTTP ----

@pytest.mark.parametrize("method, path, allow", [
    ("PUT", "/sms/messages/", "GET, HEAD, POST"), ("PATCH", "/sms/messages", "GET, HEAD, POST"),
    ("POST", "/sms/messages/abc/", "GET, HEAD, DELETE"), ("OPTIONS", "/you/credits/", "GET, HEAD"), ("GET", "/sms/preview", "POST"),
    ("DELETE", "/modems/", "GET, HEAD"), ("POST", "/healthz", "GET, HEAD"), ("BREW", "/modems/", "GET, HEAD")])
def test_405(daemon, method, path, allow):
    answer = daemon.http.request(method, daemon.url + path, timeout=30)
    assert answer.status_code == 405 and answer.headers["Allow"] == allow
    assert answer.json() == {"detail": f'Method "{method}" not allowed.'}


def test_405_comes_after_401(daemon):
    assert requests.put(daemon.url + "/sms/messages/", timeout=30).status_code == 401


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "application/jsonx", "multipart/mixed; boundary=x", None])
def test_415(daemon, content_type):
    headers = {"Content-Type": content_type} if content_type is not None else {}
    answer = daemon.http.post(daemon.url + "/sms/messages/", data=b"message=x", headers=headers, timeout=30)
    assert answer.status_code == 415 and list(answer.json()) == ["detail"]


@pytest.mark.parametrize("size", [256 * 1024 + 1, 1 << 20, 5 << 20])
def test_413(post, size):
    answer = post(raw=b"message=" + b"9" * (size - 8), headers={"Content-Type": FORM})
    assert answer.status_code == 413 and list(answer.json()) == ["detail"]
    answer = post(raw=(b"9" * 65536 for _ in range(size // 65536 + 1)), headers={"Content-Type": FORM})      # chunked
    assert answer.status_code == 413


def test_256_kib_are_read(post):
    body = b"message=" + b"9" * (256 * 1024 - 8)
    assert post(raw=body, headers={"Content-Type": FORM}).json() == {
        "message": ["Message too long"], "recipient": REQUIRED, "sender": REQUIRED}


@pytest.mark.parametrize("path", ["/sms/messages/", "/sms/messages", "/sms/messages/nope", "/you/credits/", "/modems/", "/healthz",
                                  "/sms/inbox/", "/nope"])
def test_head_is_like_get(daemon, get, path):
    got, head = get(path), daemon.http.head(daemon.url + path, timeout=30)
    assert head.status_code == got.status_code and head.content == b""
    same = ("Content-Type", "Content-Length")
    assert [head.headers.get(name) for name in same] == [got.headers.get(name) for name in same]


def test_keep_alive_serves_many(daemon):
    connection = http.client.HTTPConnection(daemon.api, timeout=30)
    for i in range(200):
        connection.request("POST", "/sms/messages/", f"recipient=%2B8180{i:08d}&message=m{i}&sender=X",
                           {"Content-Type": FORM, "Authorization": basic(f"main:{TOKEN}")})
        answer = connection.getresponse()
        assert answer.status == 201 and len(json.loads(answer.read())) == 1
    connection.close()


def test_many_at_once(daemon, get):
    tag, failed = "crowd", []

    def client(n):
        try:
            with requests.Session() as session:
                session.auth = daemon.http.auth
                for i in range(20):
                    accepted(session.post(daemon.url + "/sms/messages/", timeout=60 * SLOW, data={
                        "recipient": NUMBER, "message": f"{n} {i}", "sender": "X", "tags": tag}))
        except Exception as error:      # pylint: disable=broad-except
            failed.append(error)
    threads = [threading.Thread(target=client, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(get(f"/sms/messages/?tag={tag}").json()) == 16 * 20


@pytest.mark.parametrize("request_bytes", [
    b"GET /%s HTTP/1.1\r\n\r\n" % (b"a" * 20000), b"GET / HTTP/1.1\r\nX: " + b"x" * 100000 + b"\r\n\r\n",
    b"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    b"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    b"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", b"\x00" * 1000, b"\r\n" * 1000, b"GET", b""], ids=range(11))
def test_broken_http(daemon, request_bytes):
    try:
        got = raw(daemon, request_bytes, seconds=1)
    except TimeoutError:    # neither request nor end: its time is not over yet
        got = b""
    assert got == b"" or re.match(rb"HTTP/1\.1 4\d\d ", got), got[:200]
    assert requests.get(daemon.url + "/healthz", timeout=30).status_code == 200


def test_a_client_that_closes_its_sending_side(daemon):
    """As nc and some proxies do: it still gets its answer."""
    body = "recipient=%2B818012345678&message=x&sender=X"
    request = (f"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Type: {FORM}\r\n"
               f"Content-Length: {len(body)}\r\n\r\n{body}")
    for _ in range(100):
        assert parsed(raw(daemon, request))[0] == 201


def test_a_client_that_goes_away_while_it_waits(daemon):
    host, port = daemon.api.rsplit(":", 1)
    body = "recipient=%2B818012345678&message=x&sender=X"
    request = (f"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Type: {FORM}\r\n"
               f"Content-Length: {len(body)}\r\n\r\n{body}").encode()
    for _ in range(50):
        with socket.create_connection((host, int(port)), timeout=30) as s:
            s.sendall(request)
    assert requests.get(daemon.url + "/healthz", timeout=30).status_code == 200


def test_pipelined_posts(daemon):
    body = "recipient=%2B818012345678&message=x&sender=X"
    request = (f"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Type: {FORM}\r\n"
               f"Content-Length: {len(body)}\r\n\r\n{body}")
    last = request.replace("Host: x", "Host: x\r\nConnection: close")
    got = raw(daemon, request * 9 + last, close=False)
    assert got.count(b"HTTP/1.1 201") == 10 and len(set(re.findall(rb'"msgid":"(\w{32})"', got))) == 10


def test_tls(make_daemon):
    """https from the listener itself; who speaks plain HTTP to it is dropped."""
    pem = TLS / "good.pem"
    daemon = make_daemon(modems={"gsm1": "/nowhere/tty"}, sections={"api": {"tls_cert": pem, "tls_key": pem}})
    url = f"https://{daemon.api}/sms/messages/"
    with requests.Session() as session:
        session.auth, session.verify, session.trust_env = daemon.http.auth, str(TLS / "ca.pem"), False
        for i in range(20):
            msgid = accepted(session.post(url, timeout=30 * SLOW, data={"recipient": NUMBER, "sender": "X", "message": f"{i}"}))[0]
        status = session.get(url + msgid, timeout=30 * SLOW).json()
        assert status["url"] == f"{url}{msgid}/"
        assert len(session.get(url, timeout=30 * SLOW).json()) == 20
        assert session.head(url, timeout=30 * SLOW).status_code == 200
    assert not raw(daemon, f"GET /healthz HTTP/1.1\r\nHost: x\r\n{AUTH}\r\n").startswith(b"HTTP/1.1 200")
    assert requests.get(f"https://{daemon.api}/healthz", verify=str(TLS / "ca.pem"), timeout=30 * SLOW).status_code == 200


def test_a_disk_that_takes_nothing_more(make_daemon, monkeypatch):
    """503 with a clear text and Retry-After, nothing taken; reading goes on; when there is room, so does the rest."""
    # RLIMIT_FSIZE is the full disk that needs no root; its signal stays ignored, as Python has it
    monkeypatch.setattr(subprocess, "Popen", functools.partial(subprocess.Popen, restore_signals=False))
    daemon = make_daemon(modems={"gsm1": "/nowhere/tty"})
    before = daemon.send(NUMBER, "before")
    unlimited = resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    answer = daemon.http.post(daemon.url + "/sms/messages/", timeout=30 * SLOW,
                              data={"recipient": NUMBER, "sender": "X", "message": "not taken"})
    assert answer.status_code == 503 and "disk" in answer.json()["detail"] and int(answer.headers["Retry-After"]) > 0
    assert daemon.http.delete(f"{daemon.url}/sms/messages/{before}/", timeout=30 * SLOW).status_code == 503
    health = requests.get(daemon.url + "/healthz", timeout=30 * SLOW)
    assert health.status_code == 503 and health.json()["detail"]
    assert daemon.status(before)["status"] == "QUEUED"
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, unlimited)
    after = daemon.send(NUMBER, "after")
    assert [m["msgid"] for m in daemon.http.get(daemon.url + "/sms/messages/", timeout=30 * SLOW).json()] == [after, before]
    assert requests.get(daemon.url + "/healthz", timeout=30 * SLOW).status_code == 200


# ---- what the public client libraries do ----

def test_python_client(daemon, get):
    """cloudpy: requests with data=, the list with '?sent_date' and the operator put behind it."""
    answer = requests.post(daemon.url + "/sms/messages/", auth=("main", TOKEN), timeout=30, data={
        "message": "Hello from Xoxzo", "recipient": NUMBER, "sender": "814512345678"})
    msgid = answer.json()[0]["msgid"]
    assert requests.get(f"{daemon.url}/sms/messages/{msgid}", auth=("main", TOKEN), timeout=30).json()["msgid"] == msgid
    for operator in ("=", ">=", "<=", ">", "<"):
        answer = get(f"/sms/messages/?sent_date{operator}{day(0)}")
        assert answer.status_code == 200 and isinstance(answer.json(), list)
    answer = get("/sms/messages/?sent_date>=2016-13-01")
    assert answer.status_code == 400 and "sent_date" in answer.json()
    answer = requests.post(daemon.url + "/sms/messages/", auth=("123", "456"), timeout=30, data={"recipient": "+8108012345678"})
    assert answer.status_code == 401 and "detail" in answer.json()


def test_php_client(daemon):
    """Guzzle's form_params: + for spaces; the status of "" is the list; the error has an attribute `recipient`."""
    head = f"Host: {daemon.api}\r\nUser-Agent: GuzzleHttp/6.5.5 curl/7.88.1 PHP/8.2.7\r\n{AUTH}Connection: close\r\n"

    def ask(path):
        return parsed(raw(daemon, f"GET /sms/messages/{path} HTTP/1.1\r\n{head}\r\n", close=False))
    body = "message=Hello+form+Xoxzo+PHP+lib&recipient=%2B8108012345678&sender=814512345678"
    status, errors = parsed(raw(daemon, f"POST /sms/messages/ HTTP/1.1\r\n{head}Content-Type: {FORM}\r\n"
                                f"Content-Length: {len(body)}\r\n\r\n{body}", close=False))
    assert status == 400 and list(errors) == ["recipient"]
    for path in ("", f"?sent_date%3E={day(-30)}"):
        status, messages = ask(path)
        assert status == 200 and isinstance(messages, list)
    assert ask("W0kYZfyBeTpqcPv2AnKolSjOwDr3d87i-xxx") == (404, b"")
    assert ask("?sent_date%3E=2016-13-01") == (400, {"sent_date": ["Invalid sent_date"]})


def test_ruby_client(daemon):
    """HTTParty: Accept: application/json, percent-encoded form, UTF-8; an unparsable body becomes {}."""
    head = (f"Host: {daemon.api}\r\nAccept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\nAccept: application/json\r\n"
            f"User-Agent: Ruby\r\n{AUTH}Connection: close\r\n")

    def ask(path):
        return parsed(raw(daemon, f"GET /sms/messages/{path} HTTP/1.1\r\n{head}\r\n", close=False))
    text = requests.utils.quote("こんにちはRuby Lib です")
    body = f"message={text}&recipient=%2B818012345678&sender=8108012345678"
    status, taken = parsed(raw(daemon, f"POST /sms/messages/ HTTP/1.1\r\n{head}Content-Type: {FORM}\r\n"
                               f"Content-Length: {len(body)}\r\n\r\n{body}", close=False))
    assert status == 201
    status, message = ask(taken[0]["msgid"])
    assert status == 200 and {"msgid", "cost"} <= set(message) and message["sender"] == "8108012345678"
    assert ask("0123456789") == (404, b"")
    status, messages = ask(f"?sent_date>={day(-30)}")
    assert status == 200 and isinstance(messages, list)


def test_apps_script_client(daemon):
    """UrlFetchApp: multipart or a percent-encoded form, track_link as `True`, chunked from behind Google's proxies."""
    boundary = "----xyz"
    fields = {"message": "see https://www.xoxzo.com/en/", "recipient": NUMBER, "sender": "Sheet", "track_link": "True"}
    body = "".join(f"--{boundary}\r\nContent-Disposition: form-data; name=\"{k}\"\r\n\r\n{v}\r\n" for k, v in fields.items())
    body += f"--{boundary}--\r\n"
    chunks = "".join(f"{len(body[i:i + 50]):x}\r\n{body[i:i + 50]}\r\n" for i in range(0, len(body), 50)) + "0\r\n\r\n"
    got = raw(daemon, f"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\n{AUTH}Connection: close\r\nTransfer-Encoding: chunked\r\n"
              f"Content-Type: multipart/form-data; boundary={boundary}\r\n\r\n{chunks}")
    assert got.startswith(b"HTTP/1.1 201"), got
    msgid = re.search(rb'"msgid":"(\w{32})"', got).group(1).decode()
    assert daemon.status(msgid)["link_tracking"]["accessed"] is False
