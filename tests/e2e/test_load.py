"""How long things take: single messages through an idle modem, and redirects while four modems send."""
import http.client
import random
import re
import statistics
import threading
import time

from daemon import SLOW, rounds, until
from wire import arrivals

CHROME = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
VISITORS = 6
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def number(i):
    return f"+4917{i:08d}"


def test_each_goes_out_at_once(make_sim, make_daemon):
    """One after another: no message waits until the modem looks by itself, which it does every second."""
    sim = make_sim(1, "--submit-delay", 10, "--report-delay", 20)
    daemon = make_daemon(modems={"m0": sim.port(0)})
    daemon.wait_modem("m0")
    took = []
    for i in range(5):
        began = time.monotonic()
        daemon.wait_status(daemon.send(number(i), "hello"), "DELIVERED")
        took.append(time.monotonic() - began)
    print("seconds:", [round(value, 3) for value in took])
    assert statistics.median(took) < 0.6 * min(SLOW, 1.5), took


class Visitor(threading.Thread):
    """A connection that is kept, through which it opens known links and slugs that nobody has."""

    def __init__(self, daemon, links, seed):
        super().__init__()
        self.daemon_, self.links, self.rng = daemon, links, random.Random(seed)
        self.took, self.hits, self.wrong, self.over = {302: [], 404: [], 429: []}, {}, [], threading.Event()

    def run(self):
        connection = http.client.HTTPConnection(self.daemon_.links, timeout=60 * SLOW)
        while not self.over.is_set():
            known = len(self.links) > 0 and self.rng.random() < 0.5
            slug, target = self.rng.choice(self.links) if known else ("".join(self.rng.choices(ALPHABET, k=10)), None)
            began = time.monotonic()
            connection.request("GET", f"/{slug}", headers={"User-Agent": CHROME, "Accept": "*/*"})
            answer = connection.getresponse()
            answer.read()
            self.took.get(answer.status, self.wrong).append(time.monotonic() - began)
            if (answer.status == 302) != known or answer.getheader("Location") != target:
                self.wrong.append((slug, answer.status, answer.getheader("Location")))
            if known:
                self.hits[slug] = self.hits.get(slug, 0) + 1
            time.sleep(0.002)
        connection.close()


def clicks(daemon, msgid):
    """Those before a modem had the message count as a robot's (links.md)."""
    tracking = daemon.status(msgid)["link_tracking"]
    return tracking["clicks"] + tracking["bots"]


def test_redirects_while_four_modems_send(make_sim, make_daemon):
    count, seed = rounds(200), random.randrange(1 << 30)
    print("seed", seed)
    sim = make_sim(4, "--submit-delay", 40, "--report-delay", 80)
    daemon = make_daemon(modems={f"m{i}": sim.port(i) for i in range(4)})
    for i in range(4):
        daemon.wait_modem(f"m{i}")
    links, sent = [], []        # the visitors see what is appended
    visitors = [Visitor(daemon, links, seed + i) for i in range(VISITORS)]
    began = time.monotonic()
    for visitor in visitors:
        visitor.start()
    try:
        for i in range(count):
            msgid = daemon.send(number(i), f"see https://example.com/{i} now", track_link="true")
            sent.append(msgid)
            slug = daemon.status(msgid)["link_tracking"]["shortlink"].rsplit("/", 1)[1]
            links.append((slug, f"https://example.com/{i}"))
        for msgid in sent:
            daemon.wait_status(msgid, "DELIVERED")
        seconds = time.monotonic() - began
        for msgid in sent:
            until("its first tap counts", lambda to=msgid: daemon.status(to)["link_tracking"]["accessed"])
    finally:
        for visitor in visitors:
            visitor.over.set()
        for visitor in visitors:
            visitor.join()
    assert not [wrong for v in visitors for wrong in v.wrong]
    for status in (302, 404, 429):
        took = sorted(value for v in visitors for value in v.took[status])
        print(f"{status}: {len(took)}, median {statistics.median(took or [0]) * 1000:.1f} ms, longest {max(took, default=0) * 1000:.0f} ms")
        assert max(took, default=0) < 2 * SLOW
    print(f"{count} messages in {seconds:.1f} s")
    assert set(arrivals(sim).values()) == {1} and len(arrivals(sim)) == count
    assert all(re.search(r"http://\S+", sim.texts(number(i))[0]) for i in range(count))
    for msgid, (slug, _) in zip(sent, links):
        opened = sum(v.hits.get(slug, 0) for v in visitors)
        until(f"all of {slug} are counted", lambda to=msgid, n=opened: clicks(daemon, to) == n)
