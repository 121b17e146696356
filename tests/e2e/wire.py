"""Bytes as they are to a listener, and what a process holds: for tests that send what no client would."""
import collections
import os
import re
import socket
from contextlib import contextmanager
from pathlib import Path

from daemon import SLOW, until


def address(listener, source=None):
    host, port = listener.rsplit(":", 1)
    return (host, int(port)), source and (source, 0)


def connect(listener, source=None, seconds=30):
    to, bound = address(listener, source)
    s = socket.create_connection(to, timeout=seconds * SLOW, source_address=bound)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def rest_of(s):
    """Everything until the other side closes; b"" too where it hung up hard."""
    got = bytearray()
    while True:
        try:
            more = s.recv(1 << 16)
        except ConnectionError:
            return bytes(got)
        if not more:
            return bytes(got)
        got += more


def send_all(s, data):
    """False where the other side would not have all of it."""
    try:
        s.sendall(data)
        return True
    except ConnectionError:
        return False


def talk(listener, data, source=None, seconds=30, end=True):
    """All that came back for these bytes; `end`: nothing follows them, and we say so."""
    with connect(listener, source, seconds) as s:
        if send_all(s, data) and end:
            try:
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        return rest_of(s)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


def answers(got, methods=()):
    """Whole answers one after another; what does not parse as one is an AssertionError. methods: HEAD has no body."""
    found = []
    while got:
        if got.startswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
            got = got[25:]
        head, mark, got = got.partition(b"\r\n\r\n")
        assert mark, f"half an answer: {head[:300]!r}"
        lines = head.split(b"\r\n")
        status = re.fullmatch(rb"HTTP/1\.[01] (\d{3}) .*", lines[0])
        assert status, f"no status line: {lines[0][:300]!r}"
        headers = [tuple(line.decode("latin-1").split(": ", 1)) for line in lines[1:]]
        assert all(len(pair) == 2 for pair in headers), f"no header lines: {lines!r}"
        named = {name.lower(): value for name, value in headers}
        assert len(named) == len(headers), f"a header twice: {headers!r}"
        length = 0 if methods[len(found):len(found) + 1] == ["HEAD"] else int(named.get("content-length", 0))
        assert len(got) >= length, f"half a body: {head!r}"
        if got == head + b"\r\n\r\n" + got[-length:]:      # libmicrohttpd 0.9.75 says its own errors' head twice, then closes
            assert named.get("connection") == "close"
            got = got[-length:]
        found.append(Answer(int(status.group(1)), named, got[:length]))
        got = got[length:]
    return found


def rss(pid):
    """KiB, without what is only mapped from files."""
    return int(re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="ascii")).group(1))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@contextmanager
def holds_no_more(daemon, kib=4096, alive=None):
    """After what is inside: the same process answers, holds no descriptor more and at most so much memory more."""
    pid = daemon.process.pid
    fds, before = descriptors(pid), rss(pid)
    yield
    assert daemon.process.poll() is None, daemon.log_text()[-3000:]
    if alive:
        alive()
    until("the descriptors are given back", lambda: descriptors(pid) <= fds, 20)
    if SLOW == 1:   # a sanitizer's quarantine is no leak
        assert rss(pid) - before <= kib, f"from {before} to {rss(pid)} KiB"


LINE = re.compile(rb"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (error|warn|info|debug|trace) +[a-z_]+: .*"
                  rb"|==\d+==.*)")


def log_is_lines(daemon):
    """One line an event, whatever was sent: no line that is none of ours, no control byte in any."""
    for line in daemon.log.read_bytes().split(b"\n")[:-1]:
        assert LINE.fullmatch(line), line[:300]
        assert not re.search(rb"[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]", line), line[:300]


def arrivals(sim):
    """How often an SMS was taken by the network, by number."""
    taken, since = collections.Counter(), 0
    while True:
        answer = sim.do("log", event="submit", since=since, limit=1000000)   # of more than that, the newest
        for event in answer["events"]:
            taken[event["number"]] += 1
        if not answer["events"] or answer["next"] <= since:
            return taken
        since = answer["next"]
