"""GET /events/: what happens is told while it happens, and again to who comes back."""
import base64
import json
import socket
import threading
import time

import pytest

from daemon import SLOW, TOKEN, until


class Watcher:
    """A connection to /events/ and what came over it, read as the standard says (WHATWG HTML 9.2.5)."""

    def __init__(self, daemon, last=None, timeout=30):
        headers = {} if last is None else {"Last-Event-ID": str(last)}
        self.answer = daemon.http.get(f"{daemon.url}/events/", headers=headers, stream=True, timeout=timeout * SLOW)
        assert self.answer.status_code == 200, self.answer.text
        assert self.answer.headers["Content-Type"] == "text/event-stream"
        self.events = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        fields = {}
        try:
            for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
                if line:
                    name, _, value = line.partition(":")
                    fields[name] = value.removeprefix(" ")
                elif "event" in fields:
                    self.events.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
                    fields = {}
                else:
                    fields = {}
        except Exception as end:                # closed by the test, or by a kill
            self.end = end

    def wait(self, kind, condition=lambda data: True, seconds=20):
        def found():
            return next((e for e in list(self.events) if e[1] == kind and condition(e[2])), None)
        return until(f"a {kind} event in {self.events}", found, seconds)

    def close(self):
        """The connection first: a close() of what another thread reads from waits for that thread."""
        self.answer.raw._fp.fp.raw._sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(10 * SLOW)
        self.answer.close()


def test_a_message_from_acceptance_to_tap(daemon, sim):
    watcher = Watcher(daemon)
    msgid = daemon.send("+4915100000001", "see https://example.com/x", track_link="true")
    watcher.wait("message", lambda m: m["msgid"] == msgid and m["status"] == "DELIVERED")
    sim.wait("+4915100000001")
    sim.tap("+4915100000001")
    _, _, tapped = watcher.wait("tap")
    assert tapped["msgid"] == msgid and tapped["link_tracking"]["accessed"] is True
    assert tapped == daemon.status(msgid)       # the object is the status, whole
    ids = [e[0] for e in watcher.events]
    assert ids == sorted(set(ids))


def test_inbound_calls_and_modems(daemon, sim):
    watcher = Watcher(daemon)
    sim.do("inject", 0, "+4915100000009", "hello <b>you</b>")
    _, _, inbound = watcher.wait("inbox")
    assert inbound["message"] == "hello <b>you</b>" and inbound["sender"] == "+4915100000009"
    sim.do("say", 0, "RING")
    sim.do("say", 0, '+CLIP: "+4915100000007",145')
    _, _, call = watcher.wait("call", lambda c: c["caller"])
    assert call["modem"] == "m0" and call["caller"] == "+4915100000007"
    sim.do("unplug", 0)
    _, _, gone = watcher.wait("modem", lambda m: m["state"] == "gone")
    assert gone["modem"] == "m0" and gone["reason"]


def test_who_comes_back_misses_nothing(daemon):
    watcher = Watcher(daemon)
    first = daemon.send("+4915100000001", "one")
    seen, _, _ = watcher.wait("message", lambda m: m["msgid"] == first)
    watcher.close()
    others = [daemon.send("+4915100000001", f"text {i}") for i in range(5)]
    for msgid in others:
        daemon.wait_status(msgid, "DELIVERED")
    again = Watcher(daemon, last=seen)
    for msgid in others:
        again.wait("message", lambda m, wanted=msgid: m["msgid"] == wanted and m["status"] == "DELIVERED")
    assert min(e[0] for e in again.events) == seen + 1
    assert not [e for e in again.events if e[1] == "missed"]


def test_missed_is_said(daemon):
    watcher = Watcher(daemon, last=1)
    newest, _, _ = watcher.wait("missed")
    before = Watcher(daemon)
    msgid = daemon.send("+4915100000001", "after a restart")
    seen, _, _ = before.wait("message", lambda m: m["msgid"] == msgid)
    daemon.wait_status(msgid, "DELIVERED")
    daemon.stop()
    daemon.start()
    later = Watcher(daemon, last=seen)
    renewed, _, _ = later.wait("missed")
    assert renewed > seen > newest


@pytest.mark.parametrize("last", ["x", "-1", "1e3", "9" * 40, ""])
def test_no_number(daemon, last):
    answer = daemon.http.get(f"{daemon.url}/events/", params={"last_event_id": last}, timeout=10 * SLOW)
    assert answer.status_code == 400 and "Last-Event-ID" in answer.json()


def test_only_for_admins(make_daemon, sim):
    daemon = make_daemon(modems={"m0": sim.port(0)},
                         accounts={"main": {"token": TOKEN, "admin": "yes"}, "shop": {"token": "shop-token"}})
    answer = daemon.http.get(f"{daemon.url}/events/", auth=("shop", "shop-token"), timeout=10 * SLOW)
    assert answer.status_code == 403


def test_a_reader_that_does_not_read_holds_up_nobody(daemon):
    """Its window is full at once; everybody else is served as before."""
    host, port = daemon.api.rsplit(":", 1)
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect((host, int(port)))
        basic = base64.b64encode(f"main:{TOKEN}".encode()).decode()
        deaf.sendall(f"GET /events/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {basic}\r\n\r\n".encode())
        watcher = Watcher(daemon)
        numbers = [f"+49151{n:07}" for n in range(1000)]
        slowest = 0
        for _ in range(3):
            began = time.monotonic()
            daemon.http.post(f"{daemon.url}/sms/messages/", timeout=60 * SLOW, json={
                "recipient": numbers, "message": "x" * 100, "sender": "test"})
            slowest = max(slowest, time.monotonic() - began)
        last = daemon.send("+4915199999999", "the last one")
        watcher.wait("message", lambda m: m["msgid"] == last, 60)
        print(f"slowest answer {slowest:.3f} s")


def test_too_many_watchers(daemon):
    watchers = [Watcher(daemon) for _ in range(64)]
    answer = daemon.http.get(f"{daemon.url}/events/", timeout=10 * SLOW)
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    for watcher in watchers:
        watcher.close()

    def room():
        # one that is gone is noticed when it is written to
        daemon.send("+4915100000001", "knock")
        answer = daemon.http.get(f"{daemon.url}/events/", stream=True, timeout=10 * SLOW)
        answer.close()
        return answer.status_code == 200
    until("room for another watcher", room, 30)


def test_stops_while_watched(daemon):
    watcher = Watcher(daemon)
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 5 * SLOW
    watcher.thread.join(10 * SLOW)
    assert not watcher.thread.is_alive()
