"""What no client sends, on both listeners, by raw sockets: the daemon serves the next request as if nothing had been.

One daemon and one modem for the file; after each test it answers at once, with no descriptor and no memory more.
"""
import base64
import gzip
import json
import random
import re
import socket
import threading
import time

import pytest
import requests

from daemon import SLOW, TOKEN, Daemon, until
from sim import Sim
from wire import answers, connect, descriptors, holds_no_more, log_is_lines, rest_of, rss, send_all, talk

NUMBER = "+4915112345678"
AUTH = "Authorization: Basic " + base64.b64encode(f"main:{TOKEN}".encode()).decode() + "\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
BODY = "recipient=%2B818012345678&message=x&sender=X"
BOTH = pytest.mark.parametrize("name", ["api", "links"])


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    with Sim(folder / "sim", 1, "--instant") as sim:
        # most of what is sent here is refused or waits; messages to +81 are never due
        daemon = Daemon(folder / "daemon", modems={"m0": sim.port(0)}).start()
        daemon.wait_modem("m0")
        msgid = daemon.send(NUMBER, "see https://example.com/p?a=1", track_link="true")
        daemon.wait_status(msgid, "DELIVERED")
        daemon.slug = daemon.status(msgid)["link_tracking"]["shortlink"].rsplit("/", 1)[1]
        served_at_once(daemon)
        yield daemon
        assert daemon.stop() == 0, daemon.log_text()[-4000:]
        log_is_lines(daemon)


def tap(daemon, seconds=1, source=None):
    began = time.monotonic()
    got = answers(talk(daemon.links, f"GET /{daemon.slug} HTTP/1.1\r\nHost: x\r\nUser-Agent: Mozilla/5.0 (Android 14)\r\n"
                       "Connection: close\r\n\r\n".encode(), source))
    assert [a.status for a in got] == [302] and got[0].headers["location"] == "https://example.com/p?a=1"
    took = time.monotonic() - began
    assert took < seconds * SLOW, f"a tap took {took:.1f} s"


def served_at_once(daemon):
    tap(daemon)
    began = time.monotonic()
    assert requests.get(daemon.url + "/you/credits/", auth=("main", TOKEN), timeout=30).status_code == 200
    assert time.monotonic() - began < 1 * SLOW


@pytest.fixture
def daemon(running):
    running.http.close()    # a kept connection is a descriptor, too
    with holds_no_more(running, alive=lambda: served_at_once(running)):
        yield running
        running.http.close()


def listener(daemon, name):
    return getattr(daemon, name)


def good(daemon, name, more=""):
    """A request that is answered well, and its status."""
    if name == "links":
        return f"GET /{daemon.slug} HTTP/1.1\r\nHost: x\r\nUser-Agent: curl/8\r\n{more}\r\n".encode(), 302
    return (f"POST /sms/preview HTTP/1.1\r\nHost: x\r\n{AUTH}{FORM}{more}Content-Length: 9\r\n\r\nmessage=x").encode(), 200


MAYBE_PAGE = {200, *range(400, 506)}    # "/" of the API is the dashboard, for anybody


def refused(daemon, name, data, seconds=30, statuses=range(400, 506), end=True):
    """Refused by one answer, or by hanging up; never taken, never two answers."""
    got = answers(talk(listener(daemon, name), data, seconds=seconds, end=end))
    assert len(got) <= 1 and all(a.status in statuses for a in got), got
    return got[0] if got else None


# ---- slowly, in pieces, many at once ----

@BOTH
def test_byte_by_byte(daemon, name):
    data, status = good(daemon, name, "Connection: close\r\n")
    with connect(listener(daemon, name)) as s:
        for i in range(len(data)):
            s.sendall(data[i:i + 1])
        assert [a.status for a in answers(rest_of(s))] == [status]


@BOTH
def test_in_two_pieces_at_every_byte(daemon, name):
    """On one connection, so that each request begins behind the one before."""
    data, status = good(daemon, name)
    last, _ = good(daemon, name, "Connection: close\r\n")
    with connect(listener(daemon, name)) as s:
        for i in range(1, len(data)):
            s.sendall(data[:i])
            time.sleep(0.0005)      # mostly read before the second piece; right in either case
            s.sendall(data[i:])
        s.sendall(last)
        assert [a.status for a in answers(rest_of(s))] == [status] * len(data)


@BOTH
def test_a_hundred_pipelined(daemon, name):
    data, status = good(daemon, name)
    last, _ = good(daemon, name, "Connection: close\r\n")
    assert [a.status for a in answers(talk(listener(daemon, name), data * 99 + last, end=False))] == [status] * 100


def test_pipelined_in_order_and_in_random_pieces(daemon):
    """Suspended ones and those answered at once in turn, cut anywhere; the seed is printed."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng, requests_, wanted = random.Random(seed), [], []
    for i in range(60):
        kind = rng.choice(["post", "get", "none", "chunked"])
        body = {"post": BODY, "chunked": "b\r\nrecipient=%\r\n21;x=\"y\"\r\n2B818012345678&message=x&sender=X\r\n0\r\nT: x\r\n\r\n"}
        lines = {"post": f"POST /sms/messages HTTP/1.1\r\n{AUTH}{FORM}Content-Length: {len(BODY)}\r\n",
                 "chunked": f"POST /sms/messages HTTP/1.1\r\n{AUTH}{FORM}Transfer-Encoding: chunked\r\n",
                 "get": f"GET /you/credits/?{i} HTTP/1.1\r\n{AUTH}", "none": "GET /nothing HTTP/1.1\r\n"}[kind]
        requests_.append(lines + "Host: x\r\n" + ("Connection: close\r\n" if i == 59 else "") + "\r\n" + body.get(kind, ""))
        wanted.append({"post": 201, "chunked": 201, "get": 200, "none": 404}[kind])
    data = "".join(requests_).encode()
    with connect(daemon.api) as s:
        while data:
            n = rng.choice([1, 2, 3, 10, 100, 1000])
            s.sendall(data[:n])
            data = data[n:]
        assert [a.status for a in answers(rest_of(s))] == wanted


def test_five_thousand_idle_and_slow_ones_while_taps_go_on(running):
    """Idle, slow headers, slow bodies: all are cut within their time, and no tap waits for them."""
    with holds_no_more(running, kib=16 * 1024):
        held, slow, worst = [], [], 0
        try:
            for i in range(5000):
                held.append(connect(running.links))
                if i % 500 == 0:
                    tap(running)
            slow = [(s, iter(text)) for s, text in zip(held, 50 * [
                b"GET /" + b"x" * 500, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-a: b\r\n" * 500, b"\r\n" * 500,
                b"GET / HTTP/1.1\r\nContent-Length: 900\r\nHost: x\r\n\r\n" + b"x" * 500,
                b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n" + b"1\r\nx\r\n" * 100])]
            until_end = time.monotonic() + 11
            while time.monotonic() < until_end:
                for s, text in slow:
                    send_all(s, bytes([next(text)]))
                began = time.monotonic()
                tap(running)
                worst = max(worst, time.monotonic() - began)
                time.sleep(0.1)
            print(f"worst tap {worst * 1000:.0f} ms, {descriptors(running.process.pid)} descriptors left")
            until("all are cut", lambda: descriptors(running.process.pid) < 200, 10)
        finally:
            for s in held:
                s.close()
    served_at_once(running)


def test_more_connections_than_the_listener_takes(daemon):
    """The API's limit is 1024: the oldest idle ones give way, and who comes is served."""
    with holds_no_more(daemon):
        held = [connect(daemon.api) for _ in range(1500)]
        try:
            served_at_once(daemon)
            assert descriptors(daemon.process.pid) < 1200
        finally:
            for s in held:
                s.close()


@BOTH
def test_long_headers_in_pieces(daemon, name):
    """Near the limit and legal: however it is cut, it is read."""
    rng = random.Random(4)
    for count, length in ((90, 5), (10, 700), (60, 100)):
        data, status = good(daemon, name, "".join(f"X-Header-{i}:{' ' * (i % 3)}{i:0{length}}\t\r\n" for i in range(count))
                            + "Connection: close\r\n")
        with connect(listener(daemon, name)) as s:
            while data:
                n = rng.randrange(1, 900)
                s.sendall(data[:n])
                data = data[n:]
                time.sleep(0.002)
            assert [a.status for a in answers(rest_of(s))] == [status], count


@BOTH
def test_who_closes_the_sending_side_is_let_go_after_the_answer(daemon, name):
    """Data and end in one segment or two: closed soon, not when the connection's time is over."""
    data, status = good(daemon, name)
    began = time.monotonic()
    for cut in (None, -1, 10, None, None):
        got = answers(talk(listener(daemon, name), data[:cut]))
        assert [a.status for a in got] in ([status], [] if cut else [status], [400] if cut else [status])
    assert time.monotonic() - began < 8 * SLOW


@BOTH
def test_gone_at_every_byte(daemon, name):
    """A reset in the middle of a request."""
    data, _ = good(daemon, name)
    for i in range(len(data) + 1):
        s = connect(listener(daemon, name))
        s.sendall(data[:i])
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        s.close()


# ---- framing ----

@pytest.mark.parametrize("chunks", [
    "ZZ\r\nx\r\n0\r\n\r\n", "-1\r\nx\r\n0\r\n\r\n", "+1\r\nx\r\n0\r\n\r\n", "0x1\r\nx\r\n0\r\n\r\n", " 1\r\nx\r\n0\r\n\r\n",
    "\r\n0\r\n\r\n", "FFFFFFFFFFFFFFFF\r\nx\r\n0\r\n\r\n", "10000000000000001\r\nx\r\n0\r\n\r\n", "8000000000000000\r\nx\r\n",
    "1\r\nxyz\r\n0\r\n\r\n", "1" * 10000 + "\r\nx", "1;" + "e" * 3000 + "\0" + "\r\nx\r\n0\r\n\r\n", "1\r\nx\r\n", "5\r\nx"],
                         ids=range(14))
def test_chunks_that_are_none(daemon, chunks):
    refused(daemon, "api", f"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\n{AUTH}Transfer-Encoding: chunked\r\n\r\n{chunks}".encode())
    refused(daemon, "links", f"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}".encode())


LENGTH = len(BODY)


@pytest.mark.parametrize("lines", [
    f"Content-Length: {LENGTH}\r\nContent-Length: {LENGTH}\r\n", f"Content-Length: {LENGTH}\r\nContent-Length: 0\r\n",
    f"Content-Length: 0\r\nContent-Length: {LENGTH}\r\n", f"Content-Length: {LENGTH}, {LENGTH}\r\n", f"Content-Length : {LENGTH}\r\n",
    f"Content-Length: +{LENGTH}\r\n", f"Content-Length: 0x{LENGTH:x}\r\n", f"Content-Length: {LENGTH}.0\r\n",
    f"Content-Length: -{LENGTH}\r\n", "Content-Length: 18446744073709551661\r\n", "Content-Length: 9223372036854775808\r\n",
    f"Content-Length: {LENGTH} 0\r\n", f"Content-Length: {LENGTH}\r\n 0\r\n", f"Content-Length:\r\n {LENGTH}\r\n",
    f"Content-Length: {LENGTH}\r\nTransfer-Encoding: chunked\r\n", f"Transfer-Encoding: chunked\r\nContent-Length: {LENGTH}\r\n",
    "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "Transfer-Encoding\t: chunked\r\n", "Transfer-Encoding: \x0bchunked\r\n",
    f"X: y\r\nHost: other\r\nContent-Length: {LENGTH}\r\n", f"X: a\0b\r\nContent-Length: {LENGTH}\r\n",
    f"X: a\rb\r\nContent-Length: {LENGTH}\r\n", f"Content-Length: {LENGTH}\r\nHost2: x\r\xc0\r\n",
    f"X: a\r\n b\r\nContent-Length: {LENGTH}\r\n", f"Content-Length: {LENGTH // 10}\0{LENGTH % 10}\r\n", f"Content-Length\0: {LENGTH}\r\n",
    "Content-Length:\r\n", f"Content-Length {LENGTH}\r\n", f" Content-Length: {LENGTH}\r\n",
])
def test_what_a_proxy_may_have_read_otherwise(daemon, lines):
    """Refused as a whole, and the connection with it: what follows must never be taken for a request."""
    before = len(daemon.http.get(daemon.url + "/sms/messages/").json())
    smuggled = f"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    got = answers(talk(daemon.api, f"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\n{AUTH}{FORM}{lines}\r\n{BODY}{smuggled}".encode("latin-1")))
    assert len(got) <= 1 and all(400 <= a.status < 502 for a in got), got
    assert len(daemon.http.get(daemon.url + "/sms/messages/").json()) == before


@BOTH
@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * (1 << 20) + b"\r\n\r\n",
    b"GET /" + b"x" * (1 << 20) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"G" * (1 << 20) + b" / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10000 + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X%d:\r\n" % i for i in range(10000)) + b"\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: y\r\n" + b" folded\r\n" * 10000 + b"\r\n",
    b"GET /?" + b"&" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /?" + b"a=b&" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"a=b;" * 1500 + b"\r\n\r\n",
    b"\r\n" * 100000 + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
], ids=["line", "target", "method", "headers", "names", "folds", "ampersands", "arguments", "cookies", "empty-lines"])
def test_large(daemon, name, data):
    refused(daemon, name, data)


@BOTH
@pytest.mark.parametrize("data", [
    b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /\x01\x1b[31m HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /\r HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /%00%0a%0d HTTP/1.1\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: \0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX\0Y: z\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nX: \0\x01\x1b[2J\x7f\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
    b"GET / HTTP/1.1\nHost: x\n\n", b"GET / HTTP/1.1\rHost: x\r\r", b"\0\0\0\0\r\n\r\n", b"GET\0/ HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic \xff\0\x1b\r\n\r\n", b"GET  /  HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n", b"GET /\n\nfaked HTTP/1.1\r\nHost: x\r\n\r\n",
])
def test_control_bytes(daemon, name, data):
    """Refused, not found, or the dashboard's page, and nothing of it in the log but in one line (looked at when the file is
    through)."""
    refused(daemon, name, data, statuses=MAYBE_PAGE)


@BOTH
@pytest.mark.parametrize("data", [
    b"GET /\r\n", b"GET /\r\n\r\n", b"GET", b"GET / HTTP/0.9\r\n\r\n", b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", b"GET / HTTP/1.999999999\r\n\r\n",
    b"GET / HTTP/-1.1\r\n\r\n", b"GET / http/1.1\r\nHost: x\r\n\r\n", b"GET / ICY\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2, b"\x80\x2e\x01\x03\x01", b"SSH-2.0-x\r\n",
    b"EHLO x\r\nMAIL FROM:<a@b>\r\n", b"\x05\x01\x00", b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\r\n\r\n", b"\n" * 100, b" ", bytes(range(256)) * 64])
def test_other_protocols(daemon, name, data):
    refused(daemon, name, data)


@BOTH
@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "TRACK", "OPTIONS", "PUT", "DELETE", "PATCH", "PROPFIND", "get", "GETX", "X" * 2000,
                                    "\"><script>", "G\\E\"T", "\xff\xfe", "\xe3\x81", "(\x1b[2J)", "%00"])
@pytest.mark.parametrize("target", ["/", "*", "/sms/messages/", "/you/credits/", "127.0.0.1:22", "http://127.0.0.1:22/"])
def test_methods(daemon, name, method, target):
    """Refused, nothing of the request in the answer but the method in JSON, and that is JSON."""
    got = refused(daemon, name, f"{method} {target} HTTP/1.1\r\nHost: x\r\n{AUTH}X-Secret: echoed\r\n\r\n".encode("latin-1"))
    assert got is None or b"echoed" not in got.body
    if got and got.headers.get("content-type") == "application/json":
        assert json.loads(got.body)["detail"]


@BOTH
def test_a_target_with_a_scheme_is_served_like_its_path(daemon, name):
    path, status = ("/" + daemon.slug, 302) if name == "links" else ("/healthz", 200)
    for before in ("http://x", "HTTPS://x:99", "http://user:pw@x", "gopher://[::1]"):
        data = f"GET {before}{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        assert [a.status for a in answers(talk(listener(daemon, name), data))] == [status], before
    for target in ("http://x/", "http:/" + path, "x", "?x", "#", "http://x?y", "//x" + path):
        refused(daemon, name, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), statuses=MAYBE_PAGE)


# ---- bodies ----

@pytest.mark.parametrize("kind, body", [
    ("application/json", b"[" * 100000), ("application/json", b'{"message":' * 10000 + b"1" + b"}" * 10000),
    ("application/json", b'{"message":"' + b"\\u0000" * 20000 + b'"}'), ("application/json", b'{"message":1e999999}'),
    ("application/json", b'{"recipient":[' + b"1," * 100000 + b"1]}"), ("application/json", b"{" + b'"a":1,' * 30000),
    ("application/json", b"{" + b",".join(b'"a%d":1' % i for i in range(20000)) + b"}"),
    ("application/x-www-form-urlencoded", b"&" * 200000), ("application/x-www-form-urlencoded", b"tags=a&" * 30000),
    ("application/x-www-form-urlencoded", b"%" * 200000), ("application/x-www-form-urlencoded", b"=" * 200000),
    ("multipart/form-data; boundary=x", b"--x\r\n" * 40000), ("multipart/form-data; boundary=x", b"--x\r\nA: " + b"b" * 200000),
    ("multipart/form-data; boundary=" + "y" * 7000, b"--y"), ("multipart/form-data; boundary=", b"--\r\n\r\n----"),
    ("multipart/form-data", b"x"), ("multipart/form-data; boundary=\"", b"x"), ("multipart/form-data; boundary=x",
     b"--x\r\nContent-Disposition: form-data; name=\"message\r\n\r\nx\r\n--x--\r\n"),
    ("multipart/form-data; boundary=x", b"".join(b"--x\r\nContent-Disposition: form-data; name=a%d\r\n\r\nx\r\n" % i for i in range(4000))),
    ("\xff\xfe\"/\x1b", b"x"),
], ids=range(20))
def test_bodies(daemon, kind, body):
    head = f"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\n{AUTH}Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    began = time.monotonic()
    got = refused(daemon, "api", head.encode("latin-1") + body, statuses=(400, 415))
    assert got is None or json.loads(got.body)
    assert time.monotonic() - began < 2 * SLOW


def test_a_megabyte_of_digits(daemon):
    for body in (b"9" * (1 << 20), b"recipient=%2B" + b"9" * (1 << 20)):
        head = f"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\n{AUTH}{FORM}Content-Length: {len(body)}\r\n\r\n".encode()
        assert refused(daemon, "api", head + body).status == 413
        refused(daemon, "links", f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)


def test_a_body_that_never_ends(daemon):
    """Read no further than the daemon wants to; nothing of it is kept."""
    chunk = b"10000\r\n" + b"9" * 65536 + b"\r\n"
    with holds_no_more(daemon), connect(daemon.api) as s:
        s.sendall(f"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\n{AUTH}{FORM}Transfer-Encoding: chunked\r\n\r\n".encode())
        sent = 0
        while sent < 1000 and send_all(s, chunk):
            sent += 1
        assert sent < 1000


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "x-gzip", "identity, gzip"])
def test_a_bomb_stays_what_it_is(daemon, coding):
    """100 MB in 100 KB: nobody unpacks it."""
    body = gzip.compress(b"message=" + b"9" * 100_000_000, 9)
    head = (f"POST /sms/messages/ HTTP/1.1\r\nHost: x\r\n{AUTH}{FORM}Content-Encoding: {coding}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()
    assert refused(daemon, "api", head + body).status in (400, 415)
    small = BODY.encode()       # what is said to be packed is not taken as it stands either
    head = head.replace(str(len(body)).encode() + b"\r\n\r\n", str(len(small)).encode() + b"\r\n\r\n")
    assert refused(daemon, "api", head + small).status == 415


# ---- what must not get out again ----

@pytest.mark.parametrize("host", [
    "a b", "evil.example/path?", "evil.example#", "u:p@evil.example", "\"onmouseover=\"", "<script>", "a\\b", "a\tb", "a\x1b[2Jb",
    "\xff\xfe", "x" * 300, "a,b", "a;b", "%0d%0aX:y", "a'b", "", "a\x0bSet-Cookie: x", "a\0b", "$(id)", "{{x}}"])
def test_host_cannot_write_into_url(daemon, host):
    got = answers(talk(daemon.api, (f"POST /sms/messages/ HTTP/1.1\r\nHost: {host}\r\n{AUTH}{FORM}Content-Length: {LENGTH}\r\n\r\n"
                                    f"{BODY}").encode("latin-1")))
    assert len(got) <= 1
    if not got or got[0].status == 400:
        return
    assert got[0].status == 201, got
    msgid = json.loads(got[0].body)[0]["msgid"]
    assert daemon.status(msgid)["url"] == f"{daemon.url}/sms/messages/{msgid}/"


@pytest.mark.parametrize("path", [
    "{slug}%0d%0aSet-Cookie:x=1", "{slug}%0aX", "{slug}/../../x", "{slug}//evil.example", "/evil.example/{slug}", "{slug}%00", "{slug}@evil.example",
    "{slug}?\x1b[2J", "{slug}#\r", "{slug}%E2%80%AE", "..%2f{slug}", "%2e%2e/{slug}", "{slug};x", "{slug}\\x", "{slug}\xff", "{slug}" + "." * 5000])
def test_path_cannot_write_into_location(daemon, path):
    data = f"GET /{path.format(slug=daemon.slug)} HTTP/1.1\r\nHost: evil\r\nX-Forwarded-Host: evil\r\nConnection: close\r\n\r\n"
    for answer in answers(talk(daemon.links, data.encode("latin-1"))):
        assert answer.status in (302, 400, 404, 414, 429, 431), answer
        assert answer.headers.get("location", "https://example.com/p?a=1") == "https://example.com/p?a=1"
        assert "set-cookie" not in answer.headers and b"evil" not in answer.body


def test_headers_of_a_tap_are_anything(daemon):
    """None of them is worth more than a class; the answer is the same."""
    for lines in ("User-Agent: \xff\xfe\0", "User-Agent: " + "(" * 3000, "Accept-Language: " + ",;-" * 2000, "Accept-Language: ja\xff",
                  "Sec-Purpose: " + "prefetc" * 500, "X-Forwarded-For: " + "1.2.3.4, " * 700, "X-Forwarded-For: \xff", "Range: bytes=0-5",
                  "If-None-Match: *", "Expect: 100-continue", "Expect: nonsense", "Upgrade: h2c\r\nConnection: Upgrade", "Connection: \xff",
                  "Cookie: =;=;\"", "Transfer-Encoding: chunked\r\nTE: trailers", "Accept-Encoding: gzip;q=0"):
        data = f"GET /{daemon.slug} HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n".encode("latin-1")
        got = answers(talk(daemon.links, data))
        assert [a.status for a in got] in ([302], [400], [417], [431], [503], []), (lines, got)


# ---- noise ----

@BOTH
def test_random_damage(daemon, name):
    """Good requests with some bytes changed, cut, doubled; the seed is printed."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    rng = random.Random(seed)
    data, _ = good(daemon, name)
    for _ in range(300):
        bad = bytearray(data)
        for _ in range(rng.choice([1, 1, 2, 5, 20])):
            at = rng.randrange(len(bad))
            bad[at:at + rng.choice([0, 1, 1, 3])] = rng.choice([b"", b"\0", b"\r\n", b" ", b":", b"\xff", b"%", bad[at:at + 40], rng.randbytes(3)])
        answers(talk(listener(daemon, name), bytes(bad)))


# ---- guessing ----

def flood(listener_, data, sources, threads=8):
    """One request from each address; the statuses."""
    statuses, todo = [], list(sources)

    def work():
        while True:
            try:
                source = todo.pop()
            except IndexError:
                return
            statuses.extend(a.status for a in answers(talk(listener_, data, source)))
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return statuses


def addresses(count, net):
    return [f"127.{net}.{i // 250}.{1 + i % 250}" for i in range(count)]


def test_tokens_are_guessed_from_everywhere(make_daemon):
    """Each address has its twenty; the owner elsewhere notices nothing; the table of them has an end."""
    daemon = make_daemon(modems={"gsm1": "/nowhere/tty"})
    right = f"GET /you/credits/ HTTP/1.1\r\nHost: x\r\n{AUTH}Connection: close\r\n\r\n".encode()
    wrong = right.replace(AUTH.encode(), b"Authorization: Basic bWFpbjpndWVzcw==\r\n")

    def ask(data, source):
        return [a.status for a in answers(talk(daemon.api, data, source))]
    assert ask(right, "127.9.9.1") == [200]
    guesses = [ask(wrong, "127.0.0.66")[0] for _ in range(21)]
    assert guesses == [401] * 20 + [429]
    assert ask(right, "127.0.0.66") == [429]                # nothing is learned from there
    with holds_no_more(daemon, kib=1024):
        assert set(flood(daemon.api, wrong, addresses(3000, 50))) == {401}
    assert ask(right, "127.9.9.1") == [200] and ask(right, "127.9.9.2") == [200]
    assert ask(wrong, "127.0.0.66") == [429]                # a crowd does not wash the guesser clean


def test_slugs_are_guessed_from_everywhere(running):
    """Misses are few over all, hits are all served, the table has an end."""
    hits = []
    miss = b"GET /zzzzzzzzzz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with holds_no_more(running, kib=1024):
        began = time.monotonic()
        done = threading.Event()

        def taps():
            while not done.is_set():
                tap(running, source=f"127.77.0.{1 + len(hits) % 200}")
                hits.append(1)
        visitor = threading.Thread(target=taps)
        visitor.start()
        statuses = flood(running.links, miss, addresses(6000, 60))
        done.set()
        visitor.join()
        took = time.monotonic() - began
    assert set(statuses) <= {404, 429} and len(statuses) == 6000
    assert statuses.count(404) <= 20 + 20 * took + 5
    assert len(hits) > took         # every one of them was a 302 within a second
    until("one may miss again", lambda: [a.status for a in answers(talk(running.links, miss, "127.78.0.1"))] == [404], 5)


def test_logins_of_every_form_cost_no_memory(running):
    for header in ("Basic " + "A" * 6000, "Basic =", "Basic " + base64.b64encode(b":" * 400).decode(), "Basic\t", "basic x",
                   "Basic " + base64.b64encode(b"main\0x:" + TOKEN.encode()).decode(), "Negotiate x", "Basic bWFpbjo= x"):
        with holds_no_more(running, kib=512):
            got = answers(talk(running.api, f"GET /you/credits/ HTTP/1.1\r\nHost: x\r\nAuthorization: {header}\r\n\r\n".encode()))
        assert [a.status for a in got] in ([401], [429], [431]), header
