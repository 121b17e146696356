"""The links listener over real sockets: classes of requests, headers, expiry, misses, floods of connections."""
import socket
import threading
import time

import pytest
import requests

from daemon import SLOW, until
from receiver import Receiver

NUMBER = "+4915112345678"
CHROME = ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 "
          "Mobile Safari/537.36")
HEADERS = {"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow",
           "X-Content-Type-Options": "nosniff"}


def visit(daemon, slug, method="GET", agent=CHROME, **headers):
    return requests.request(method, f"{daemon.links_url}/{slug}", allow_redirects=False, timeout=30,
                            headers={"User-Agent": agent, "Accept": "*/*", **headers})


def tracked(sim, daemon, text="see https://example.com/p?a=1", **fields):
    """(msgid, slug) of a message that was sent."""
    before = len(sim.handset(NUMBER))
    msgid = daemon.send(NUMBER, text, track_link="true", **fields)
    sim.wait(NUMBER, before + 1)
    daemon.wait_status(msgid, {"DELIVERING", "DELIVERED"})
    return msgid, daemon.status(msgid)["link_tracking"]["shortlink"].rsplit("/", 1)[1]


def test_headers_and_spellings(sim, daemon):
    msgid, slug = tracked(sim, daemon)
    answer = visit(daemon, slug)
    assert answer.status_code == 302 and answer.headers["Location"] == "https://example.com/p?a=1"
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "Set-Cookie" not in answer.headers
    spellings = [slug.upper(), slug + ".", slug + "?utm=1", slug + "!", slug + "%2E", slug + ")",
                 slug.replace("0", "O").replace("1", "l")]
    for spelling in spellings:
        assert visit(daemon, spelling).status_code == 302, spelling
    until("all are counted", lambda: daemon.status(msgid)["link_tracking"]["clicks"] == 1 + len(spellings))


@pytest.mark.parametrize("what, kwargs, status", [
    ("head", {"method": "HEAD"}, 302),
    ("prefetch", {"Sec-Purpose": "prefetch;prerender"}, 503),
    ("purpose", {"Purpose": "prefetch"}, 503),
    ("preview", {"X-Purpose": "preview"}, 503),
    ("moz", {"X-Moz": "prefetch"}, 503),
    ("embed", {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 302),
    ("iframe", {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 302),
    ("imessage", {"agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) "
                           "Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0"}, 302),
    ("whatsapp", {"agent": "WhatsApp/2.23.20.0 A"}, 302),
    ("googlemessages", {"agent": "GoogleMessages/1.0"}, 302),
])
def test_robots_do_not_click(sim, daemon, what, kwargs, status):
    msgid, slug = tracked(sim, daemon)
    answer = visit(daemon, slug, **kwargs)
    assert answer.status_code == status, what
    if status == 503:
        assert "no-store" in answer.headers["Cache-Control"]
    else:
        assert answer.headers["Location"] == "https://example.com/p?a=1"
    until("counted as a robot", lambda: daemon.status(msgid)["link_tracking"]["bots"] == 1)
    tracking = daemon.status(msgid)["link_tracking"]
    assert tracking["accessed"] is False and tracking["clicks"] == 0
    assert visit(daemon, slug).status_code == 302
    assert daemon.status(msgid)["link_tracking"]["accessed"] is True


def test_tools_count_unless_told_otherwise(sim, daemon, make_daemon):
    msgid, slug = tracked(sim, daemon)
    assert visit(daemon, slug, agent="curl/8.5.0").status_code == 302
    assert daemon.status(msgid)["link_tracking"]["accessed"] is True
    daemon.stop()
    daemon.sections["links"] = {"count_tools": "no"}
    daemon.start()
    daemon.wait_modem("m0")
    msgid, slug = tracked(sim, daemon)
    assert visit(daemon, slug, agent="curl/8.5.0").status_code == 302
    until("a robot now", lambda: daemon.status(msgid)["link_tracking"]["bots"] == 1)
    assert daemon.status(msgid)["link_tracking"]["accessed"] is False


def test_before_it_was_sent_nobody_can_have_it(make_daemon):
    daemon = make_daemon()      # no modem: it stays queued
    msgid = daemon.send(NUMBER, "https://example.com/", track_link="true")
    slug = daemon.status(msgid)["link_tracking"]["shortlink"].rsplit("/", 1)[1]
    assert visit(daemon, slug).status_code == 302
    until("a robot", lambda: daemon.status(msgid)["link_tracking"]["bots"] == 1)
    assert daemon.status(msgid)["link_tracking"]["accessed"] is False


def test_a_hundred_first_taps_make_one_callback(sim, daemon):
    with Receiver() as receiver:
        msgid, slug = tracked(sim, daemon, lt_callbackurl=receiver.url("/tap"))
        barrier, statuses = threading.Barrier(100), []

        def tap():
            barrier.wait()
            statuses.append(visit(daemon, slug).status_code)
        threads = [threading.Thread(target=tap) for _ in range(100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [302] * 100
        until("all are counted", lambda: daemon.status(msgid)["link_tracking"]["clicks"] == 100)
        until("the callback", lambda: receiver.at("/tap"))
        time.sleep(1)       # a second one would come now
        assert len(receiver.at("/tap")) == 1


def test_expiry_by_the_clock(sim, daemon):
    msgid, slug = tracked(sim, daemon)
    day = 86400
    for offset, status in ((89 * day, 302), (90 * day + 60, 410), (170 * day, 410)):
        daemon.stop()
        daemon.args = ["--clock-offset", str(offset)]
        daemon.start()
        answer = visit(daemon, slug, **{"Accept-Language": "ja-JP,ja;q=0.9"})
        assert answer.status_code == status, offset
        if status == 410:
            assert "有効期限" in answer.text
            assert "expired" in visit(daemon, slug).text
            assert "example.com" not in answer.text
    assert daemon.status(msgid)["link_tracking"]["clicks"] == 1


def test_nothing_else_is_served(daemon):
    assert visit(daemon, "robots.txt").text == "User-agent: *\nDisallow: /\n"
    for path in ("", "sms/messages/", "healthz", "modems/", "favicon.ico", "../../etc/passwd", "%00", "a" * 3000,
                 "k7qz2m9rtx", "k7qz2m9rtx/extra"):
        assert visit(daemon, path).status_code in (404, 429), path
    answer = visit(daemon, "k7qz2m9rtx", method="POST")
    assert answer.status_code == 405 and answer.headers["Allow"] == "GET, HEAD"


def test_misses_are_limited_and_hits_are_not(sim, daemon):
    _, slug = tracked(sim, daemon)
    statuses = [visit(daemon, f"zzzzzz{i:04d}").status_code for i in range(40)]
    assert statuses[:20] == [404] * 20 and statuses[-1] == 429
    assert [visit(daemon, slug).status_code for _ in range(50)] == [302] * 50
    # X-Forwarded-For is hearsay from anybody but a trusted proxy.
    assert visit(daemon, "zzzzzzzzzz", **{"X-Forwarded-For": "203.0.113.9"}).status_code == 429
    daemon.stop()
    daemon.sections["links"] = {"trusted_proxies": "127.0.0.1"}
    daemon.start()
    statuses = [visit(daemon, f"zzzzzz{i:04d}", **{"X-Forwarded-For": "203.0.113.9"}).status_code for i in range(25)]
    assert statuses[-1] == 429
    time.sleep(1.5)         # the limit over all is 20 a second
    assert visit(daemon, "zzzzzzzzzz", **{"X-Forwarded-For": "198.51.100.7"}).status_code == 404


def test_thousands_of_idle_connections_do_not_delay_a_tap(sim, daemon):
    _, slug = tracked(sim, daemon)
    host, port = daemon.links.rsplit(":", 1)
    idle = []
    try:
        for _ in range(3000):
            s = socket.create_connection((host, int(port)), timeout=10)
            idle.append(s)
        for s in idle[:500]:
            s.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\nX-")       # never finished
        began = time.monotonic()
        assert visit(daemon, slug).status_code == 302
        assert time.monotonic() - began < 1 * SLOW
    finally:
        for s in idle:
            s.close()


def test_a_slow_request_ends_within_its_time(daemon):
    host, port = daemon.links.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30 * SLOW) as s:
        began = time.monotonic()
        try:
            for _ in range(60):
                s.sendall(b"G" if _ == 0 else b"X")
                s.settimeout(0.5)
                try:
                    if s.recv(100) == b"":
                        break
                except TimeoutError:
                    continue
        except OSError:
            pass
        assert 8 < time.monotonic() - began < 16 * SLOW


def test_a_hostile_destination_cannot_inject(sim, daemon):
    for text in ("https://example.com/a%0d%0aSet-Cookie:x=1 now", "https://example.com/\u2028x now",
                 "https://example.com/ü?q=日本 now", "http://пример.рф/путь now"):
        _, slug = tracked(sim, daemon, text)
        answer = visit(daemon, slug)
        assert answer.status_code == 302
        assert "Set-Cookie" not in answer.headers
        assert all(0x20 < ord(c) < 0x7F for c in answer.headers["Location"]), answer.headers["Location"]
