"""The n-th allocation fails, for a sample of n: a clean error or service, never a crash and never a hang."""
import random
import time

import pytest
import requests

from daemon import TOKEN, until
from preload import preload, sanitizers
from wire import descriptors, rss

NUMBER = "+4915112345678"


@pytest.fixture(autouse=True)
def no_sanitizer():
    if sanitizers():
        pytest.skip("the sanitizer has an allocator of its own")


def sample(seed, below, count):
    """The first few, where everything is begun, and others up to `below`."""
    rng = random.Random(seed)
    return sorted({*range(1, 12), *(int(below ** rng.random()) for _ in range(count))})


def ended_well(daemon):
    status = daemon.process.returncode
    assert status in (0, 1), f"ended with {status}:\n{daemon.log_text()[-2000:]}"


def test_while_it_starts(make_sim, make_daemon):
    """Either it is ready, or it ends with 1 and says why."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    sim = make_sim(1, "--instant")
    daemon = make_daemon(modems={"m0": sim.port(0)}, start=False)
    ready = 0
    for n in sample(seed, 40000, 45):
        daemon.env = preload("malloc", FAIL_AT=n)
        daemon.start(wait=False)
        until(f"ready or ended, n={n}", lambda: daemon.process.poll() is not None or "ready api=" in daemon.log_text(), 20)
        if daemon.process.poll() is None:
            ready += 1
            assert requests.get(daemon.url + "/healthz", timeout=20).status_code in (200, 503), n
            assert daemon.stop() == 0, n
        else:
            ended_well(daemon)
            assert daemon.process.returncode == 1 and ("error" in daemon.log_text() or "smsbridged:" in daemon.log_text()), \
                (n, daemon.log_text())
    print(f"{ready} started")
    assert ready    # the later ones do


def session(daemon, slug):
    """Some of everything; each answered, or the connection closed."""
    statuses = []
    for method, url, how in (
            ("POST", daemon.url + "/sms/messages/", {"data": {"recipient": NUMBER, "sender": "X", "message": "see https://example.com/",
                                                              "track_link": "1", "callbackurl": "http://127.0.0.1:9/"}}),
            ("POST", daemon.url + "/sms/messages/", {"json": {"recipient": [NUMBER, NUMBER], "sender": "X", "message": "ü", "tags": ["a"]}}),
            ("POST", daemon.url + "/sms/messages/", {"files": {"recipient": (None, NUMBER), "message": (None, "x")}}),
            ("GET", daemon.url + "/sms/messages/", {}), ("GET", daemon.url + "/modems/", {}), ("GET", daemon.url + "/sms/inbox/", {}),
            ("GET", f"{daemon.links_url}/{slug}", {"allow_redirects": False}), ("GET", f"{daemon.links_url}/zzzzzzzzzz", {})):
        try:
            statuses.append(requests.request(method, url, auth=("main", TOKEN), timeout=20, **how).status_code)
        except requests.ConnectionError:
            statuses.append(0)
        except requests.exceptions.ChunkedEncodingError:
            statuses.append(0)
    return statuses


def fewest_descriptors(pid):
    """Of a second: a connection that was answered may still be open."""
    fewest, ends = descriptors(pid), time.monotonic() + 1
    while time.monotonic() < ends:
        fewest = min(fewest, descriptors(pid))
        time.sleep(0.02)
    return fewest


def start_failing(make_daemon, sim, flag, every):
    daemon = make_daemon(modems={"m0": sim.port(0)}, env=preload("malloc", FAIL_AT=1, FAIL_EVERY=every, FAIL_WHILE=flag),
                         sections={"queue": {"uncertain_after": "5s"}})
    daemon.wait_modem("m0")
    return daemon


def all_sent(daemon):
    messages = daemon.http.get(daemon.url + "/sms/messages/", timeout=30).json()
    return messages if all(m["status"] in ("DELIVERED", "FAIL") for m in messages) else None


@pytest.mark.parametrize("every", [997, 211, 53])
def test_while_it_serves(make_sim, make_daemon, tmp_path, every):
    """One in `every` allocations fails, all the time.  When memory is back the same process serves as before: no lock, no
    descriptor and no memory was left behind on any way out, and what was accepted arrives once."""
    sim, flag = make_sim(1, "--instant"), tmp_path / "no-memory"
    daemon = start_failing(make_daemon, sim, flag, every)
    first = daemon.send(NUMBER, "see https://example.com/", track_link="1")
    daemon.wait_status(first, "DELIVERED")
    slug = daemon.status(first)["link_tracking"]["shortlink"].rsplit("/", 1)[1]
    seen, held = [], []
    for _ in range(4):
        flag.touch()
        seen += [status for _ in range(15) for status in session(daemon, slug)]
        assert daemon.process.poll() is None, daemon.log_text()[-3000:]
        flag.unlink()
        daemon.wait_modem("m0")
        messages = until("all is sent", lambda: all_sent(daemon), 60)
        daemon.http.close()
        held.append((fewest_descriptors(daemon.process.pid), rss(daemon.process.pid)))
    print(sorted(set(seen)), held)
    assert set(seen) <= {0, 200, 201, 302, 400, 404, 413, 429, 431, 500, 503}, set(seen)
    assert every < 100 or {201, 302} <= set(seen)
    assert held[-1][0] <= held[0][0], "descriptors"
    assert held[-1][1] - held[1][1] < 2048, "memory"
    assert [m["status"] for m in messages] == ["DELIVERED"] * len(messages)
    assert len(messages) >= 1 + seen.count(201)
    assert len(sim.handset(NUMBER)) == len(messages)
