"""Old rows leave a big database in small steps: what is accepted, sent and tapped meanwhile does not wait for them.

The old rows are written by SQL while no daemon runs; the ages are daemon.keep's default and what links.md says.
"""
import sqlite3
import time

import requests

from daemon import SLOW, until

DAY_MS = 86_400_000
OLD = 401           # days; daemon.keep is 400
COUNT = 25_000      # of each of eight kinds
DELIVERED = 2       # enum store_state
NUMBER = "+4915112345678"
CHROME = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
TABLES = {          # by what age
    "message": "accepted_ms", "part": "since_ms", "link": "expires_ms", "outbox": "made_ms", "inbox": "received_ms", "raw": "at_ms",
    "report": "at_ms", "seen": "at_ms"}


def slug(i):
    return f"z{i:09d}"


def past(days):
    return int(time.time() * 1000) - int(days * DAY_MS)


class Rows:
    """The database of a stopped daemon."""

    def __init__(self, daemon):
        self.path = daemon.folder / "state" / "smsbridge.db"

    def __enter__(self):
        self.db = sqlite3.connect(self.path)
        self.db.execute("PRAGMA synchronous=OFF")
        self.db.execute("INSERT OR IGNORE INTO account(name) VALUES('main')")
        self.account = self.db.execute("SELECT id FROM account WHERE name='main'").fetchone()[0]
        return self

    def __exit__(self, *error):
        self.db.commit()
        self.db.close()

    def insert(self, table, rows):
        """rows: dicts with the same keys."""
        rows = iter(rows)
        first = next(rows)
        marks = ", ".join(f":{key}" for key in first)
        self.db.execute(f"INSERT INTO {table}({', '.join(first)}) VALUES({marks})", first)
        self.db.executemany(f"INSERT INTO {table}({', '.join(first)}) VALUES({marks})", rows)

    def messages(self, ids, at_ms, expires_ms):
        """Delivered, with a part, a link and a callback that was received."""
        self.insert("message", ({
            "id": i, "msgid": f"{i:08x}-0000-4000-8000-000000000000", "account": self.account, "state": DELIVERED, "parts": 1, "flash": 0,
            "on_uncertain": 0, "modem": 0, "accepted_ms": at_ms, "valid_until_ms": at_ms + DAY_MS, "delivered_ms": at_ms, "cost": 0.0,
            "recipient": NUMBER, "sender": "x", "text": "see https://example.com/old", "tags": "[]", "url_base": "http://127.0.0.1"} for i in ids))
        self.insert("part", ({
            "id": i * 16, "state": 4, "modem": 0, "rank": 4, "due_ms": at_ms, "tail": 12345678, "tries": 1, "doubt": 0, "since_ms": at_ms}
            for i in ids))
        self.insert("link", ({
            "id": i, "slug": slug(i), "link": "https://example.com/old", "shortlink": f"http://127.0.0.1/{slug(i)}", "expires_ms": expires_ms,
            "accessed_ms": 0, "clicks": 0, "bots": 0} for i in ids))
        self.insert("outbox", ({
            "id": i * 4, "state": 1, "posting": 0, "tries": 1, "next_ms": at_ms, "account": self.account, "made_ms": at_ms,
            "webhook_id": f"msg_{i}", "url": "http://127.0.0.1:9/"} for i in ids))

    def inbound(self, ids, at_ms):
        self.insert("inbox", ({
            "id": i, "public_id": f"old{i}", "modem": 1, "sim": 1, "sender": NUMBER, "message": "old", "received_ms": at_ms, "scts_ms": at_ms,
            "parts": 1, "partial": 0, "binary": 0} for i in ids))
        self.insert("raw", ({"id": i, "sim": 1, "modem": 1, "pdu": b"old", "at_ms": at_ms} for i in ids))
        self.insert("report", ({
            "id": i, "part": 0, "sim": "1", "mr": 1, "recipient": NUMBER, "st": 0, "scts_ms": at_ms, "discharge_ms": at_ms, "at_ms": at_ms}
            for i in ids))
        self.insert("seen", ({"sim": 1, "pdu": f"{i:08d}".encode(), "at_ms": at_ms} for i in ids))


def old_rows(daemon):
    """How many there still are of each kind, of those beyond every age."""
    with sqlite3.connect(f"file:{daemon.folder}/state/smsbridge.db?mode=ro", uri=True, timeout=30) as db:
        return {table: db.execute(f"SELECT count(*) FROM {table} WHERE {column}<=?", (past(400),)).fetchone()[0]
                for table, column in TABLES.items()}


def prepared(make_daemon, **options):
    daemon = make_daemon(**options)
    assert daemon.stop() == 0
    return daemon


def timed(longest, kind, action):
    began = time.monotonic()
    value = action()
    longest[kind] = max(longest.get(kind, 0), time.monotonic() - began)
    return value


def tap(daemon, name):
    """The status that a browser sees."""
    answer = requests.get(f"{daemon.links_url}/{name}", allow_redirects=False, timeout=30 * SLOW, headers={"User-Agent": CHROME})
    return answer.status_code


def test_they_stall_nothing(make_sim, make_daemon):
    sim = make_sim(1, "--submit-delay", 10, "--report-delay", 20)
    daemon = prepared(make_daemon, modems={"m0": sim.port(0)})
    with Rows(daemon) as rows:
        rows.messages(range(1, COUNT + 1), past(OLD), past(OLD))
        rows.inbound(range(1, COUNT + 1), past(OLD))
    before = old_rows(daemon)
    assert sum(before.values()) == 200_000
    began, longest, sent = time.monotonic(), {}, []
    timed(longest, "start", daemon.start)
    daemon.wait_modem("m0")
    while time.monotonic() - began < 6:
        number = f"+4916{len(sent):08d}"
        msgid = timed(longest, "acceptance", lambda to=number: daemon.send(to, "see https://example.com/new", track_link="true"))
        sent.append(msgid)
        timed(longest, "send", lambda to=number: sim.wait(to))
        name = daemon.status(msgid)["link_tracking"]["shortlink"].rsplit("/", 1)[1]
        assert timed(longest, "redirect", lambda to=name: tap(daemon, to)) == 302
    until("each kind goes on leaving", lambda: all(n <= before[table] - 200 for table, n in old_rows(daemon).items()), 15)
    seconds, after = time.monotonic() - began, old_rows(daemon)
    print(f"{seconds:.1f} s, {len(sent)} messages, old rows from {before} to {after}, longest (s):",
          {kind: round(value, 3) for kind, value in longest.items()})
    assert all(value < 2 * SLOW for kind, value in longest.items() if kind != "start"), longest
    for msgid in sent:
        assert daemon.wait_status(msgid, "DELIVERED")["link_tracking"]["accessed"] is True


def test_all_leave_and_links_as_promised(make_daemon):
    """daemon.keep is about messages; a link works until it expires, says 410 for 90 days more, and is erased then."""
    daemon = prepared(make_daemon)
    with Rows(daemon) as rows:
        rows.messages(range(1, 121), past(OLD), past(OLD))
        rows.inbound(range(1, 121), past(OLD))
        for i, kept, expired in ((121, OLD, 89), (122, OLD, 91), (123, 200, 89), (124, 200, 91), (125, OLD, -1)):
            rows.messages([i], past(kept), past(expired))
        rows.inbound([121], past(29))
    daemon.start()
    until("all that is old has left", lambda: not any(old_rows(daemon).values()), 20)
    with sqlite3.connect(f"file:{daemon.folder}/state/smsbridge.db?mode=ro", uri=True) as db:
        assert [row[0] for row in db.execute("SELECT id FROM message ORDER BY id")] == [123, 124]
        assert dict(db.execute("SELECT id, link FROM link")) == {
            121: "https://example.com/old", 123: "https://example.com/old", 124: None, 125: "https://example.com/old"}
        for table in ("inbox", "raw", "report", "seen"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 1, table
    assert daemon.status("0000007c-0000-4000-8000-000000000000")["link_tracking"]["link"] is None
    assert [tap(daemon, slug(i)) for i in (1, 121, 122, 123, 124, 125)] == [404, 410, 404, 410, 410, 302]
