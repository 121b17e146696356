"""Callbacks end to end: who gets them, how often, signed how, and where they never go."""
import base64
import hashlib
import hmac
import re
import sqlite3
import time

import pytest

from daemon import until
from receiver import TLS, Receiver

NUMBER = "+4915112345678"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ACCOUNT = {"main": {"token": "secret-token", "webhook_secret": SECRET}}
TEN = "0" + ", 100ms" * 9


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture
def make(sim, make_daemon):
    """make(schedule=..., ...): a daemon with a ready modem and these [callbacks]."""
    def start(**callbacks):
        daemon = make_daemon(modems={"m0": sim.port(0)}, accounts=ACCOUNT, sections={"callbacks": callbacks})
        daemon.wait_modem("m0")
        return daemon
    return start


@pytest.fixture
def lonely(make_daemon):
    """lonely(schedule=...): a daemon without a modem: what is cancelled is FAIL at once, and called back."""
    def start(**callbacks):
        return make_daemon(accounts=ACCOUNT, sections={"callbacks": callbacks})
    return start


def fail(daemon, url):
    """A message that ends at once, so that its delivery callback is due now."""
    msgid = daemon.send(NUMBER, "x", callbackurl=url)
    answer = daemon.http.delete(f"{daemon.url}/sms/messages/{msgid}/", timeout=30)
    assert answer.status_code == 204, answer.text
    return msgid


def outbox(daemon, column):
    """What the store keeps of the callbacks: for what no interface shows."""
    with sqlite3.connect(f"file:{daemon.folder}/state/smsbridge.db?mode=ro", uri=True) as db:
        return [row[0] for row in db.execute(f"SELECT {column} FROM outbox ORDER BY id")]


def given_up(daemon, count=1):
    until("they are given up", lambda: outbox(daemon, "state") == [2] * count)


# ---- what is posted ----

def test_published_vector_of_standard_webhooks():
    """The receiver's own arithmetic, by which the daemon is judged below."""
    body = b'{"test": 2432232314}'
    signed = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    assert base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()) == \
        b"g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_body_is_what_get_returns_and_signed(make, receiver):
    daemon = make()
    msgid = daemon.send(NUMBER, "hello", callbackurl=receiver.url("/d"), tags="a,b")
    [post] = until("the callback", lambda: receiver.at("/d"))
    assert post.method == "POST"
    assert post.json() == daemon.status(msgid)
    assert post.json()["status"] == "DELIVERED" and post.json()["tags"] == ["a", "b"]
    assert post.headers["Content-Type"] == "application/json"
    assert post.headers["webhook-signature"] == post.signature(SECRET)
    assert post.headers["webhook-attempt"] == "1"
    assert abs(int(post.headers["webhook-timestamp"]) - time.time()) < 60
    assert re.fullmatch(r"smsbridge/\S+", post.headers["User-Agent"])
    assert post.headers["Expect"] is None


def test_form(make, receiver, sim):
    daemon = make(format="form")
    msgid = daemon.send(NUMBER, "see https://example.com/ok now", track_link="true", tags="a,b",
                        callbackurl=receiver.url("/d"), lt_callbackurl=receiver.url("/c"))
    [post] = until("the callback", lambda: receiver.at("/d"))
    assert post.headers["Content-Type"] == "application/x-www-form-urlencoded"
    form = post.form()
    assert form["msgid"] == msgid and form["status"] == "DELIVERED" and form["tags"] == "a,b"
    assert form["link"] == "https://example.com/ok"
    assert form["shortlink"] == daemon.status(msgid)["link_tracking"]["shortlink"]
    assert form["accessed"] == "false" and form["accessed_on"] == ""
    assert post.headers["webhook-signature"] == post.signature(SECRET)
    sim.tap(NUMBER)
    [post] = until("the click's callback", lambda: receiver.at("/c"))
    assert post.form()["accessed"] == "true"


def test_every_try_sends_the_same_bytes(make, receiver, sim):
    """Rendered at the first try and kept: a tap between two tries changes the status, not the callback."""
    receiver.on("/d", [500, 200])
    daemon = make(schedule="0, 3s")
    daemon.send(NUMBER, "see https://example.com/ok now", track_link="true", callbackurl=receiver.url("/d"))
    until("the first try", lambda: receiver.at("/d"))
    assert sim.tap(NUMBER)["status"] == 302
    first, second = until("the second", lambda: len(receiver.at("/d")) == 2 and receiver.at("/d"))
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert [p.headers["webhook-attempt"] for p in (first, second)] == ["1", "2"]
    assert second.headers["webhook-signature"] == second.signature(SECRET)


# ---- what counts as received, and how often it is tried ----

@pytest.mark.parametrize("what", [201, 204, 302, 404, 500, "close", "redirect"])
def test_only_200_is_received(lonely, receiver, what):
    receiver.on("/d", what)
    daemon = lonely(schedule="0, 50ms, 50ms")
    fail(daemon, receiver.url("/d"))
    given_up(daemon)
    assert len(receiver.at("/d")) == 3
    assert receiver.at("/redirected") == []


def test_time_out(lonely, receiver):
    receiver.on("/d", "hang")
    daemon = lonely(schedule="0, 50ms", timeout="1s")
    fail(daemon, receiver.url("/d"))
    given_up(daemon)
    first, second = receiver.at("/d")
    assert 1.0 < second.at - first.at < 10


def test_endless_answer_is_cut_off(lonely, receiver):
    """64 KiB are read, then the status decides: 200."""
    receiver.on("/d", "endless")
    daemon = lonely()
    fail(daemon, receiver.url("/d"))
    until("received", lambda: outbox(daemon, "state") == [1])
    until("hung up", lambda: receiver.open == 0)
    assert len(receiver.at("/d")) == 1


def test_until_200(lonely, receiver):
    receiver.on("/d", [500] * 9 + [200])
    daemon = lonely(schedule=TEN)
    fail(daemon, receiver.url("/d"))
    until("received", lambda: outbox(daemon, "state") == [1])
    assert [p.headers["webhook-attempt"] for p in receiver.at("/d")] == [str(n) for n in range(1, 11)]


def test_schedule(lonely, receiver):
    """Each pause is counted from the end of the try before, plus 0 to 10 %."""
    receiver.on("/d", [500] * 4)
    daemon = lonely(schedule="0, 1s, 500ms, 2s")
    fail(daemon, receiver.url("/d"))
    given_up(daemon)
    at = [p.at for p in receiver.at("/d")]
    for pause, before, after in zip([1.0, 0.5, 2.0], at, at[1:]):
        assert pause <= after - before < pause * 1.1 + 1


def test_ten_in_all_across_restarts(lonely, receiver):
    receiver.on("/d", 500)
    daemon = lonely(schedule=TEN)
    fail(daemon, receiver.url("/d"))
    for stop in [daemon.stop, daemon.kill] * 3:
        seen = len(receiver.at("/d"))
        until("another try", lambda: len(receiver.at("/d")) > seen or 2 in outbox(daemon, "state"))
        stop()
        daemon.start()
    given_up(daemon)
    attempts = [int(p.headers["webhook-attempt"]) for p in receiver.at("/d")]
    assert attempts == sorted(set(attempts)) and attempts[-1] == 10


def test_kill_during_a_try_counts_it(lonely, receiver):
    """Killed while the receiver has the POST and we no answer: posted again, with the next number."""
    receiver.on("/d", "hang")
    daemon = lonely(schedule="0, 50ms, 50ms", timeout="60s")
    fail(daemon, receiver.url("/d"))
    for number in (1, 2, 3):
        until("it hangs", lambda: len(receiver.at("/d")) == number)
        daemon.kill()
        daemon.start()
    given_up(daemon)
    assert [p.headers["webhook-attempt"] for p in receiver.at("/d")] == ["1", "2", "3"]
    assert len({p.body for p in receiver.at("/d")}) == 1


def test_one_click_callback_for_a_hundred_first_taps(make, receiver, sim):
    daemon = make()
    daemon.send(NUMBER, "see https://example.com/ok now", track_link="true", lt_callbackurl=receiver.url("/c"))
    link = re.search(r"http://\S+", sim.wait(NUMBER)[0]["text"]).group()
    import threading
    import requests
    gate = threading.Barrier(100)

    def tap():
        gate.wait()
        answer = requests.get(link, allow_redirects=False, timeout=60, headers={
            "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
                          "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"})
        assert answer.status_code == 302
    threads = [threading.Thread(target=tap) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until("the callback", lambda: receiver.at("/c"))
    until("nothing waits", lambda: outbox(daemon, "state") == [1])
    assert len(receiver.at("/c")) == 1
    assert receiver.at("/c")[0].json()["link_tracking"]["accessed"] is True


# ---- TLS ----

@pytest.fixture
def trusting(make_daemon):
    """A daemon that trusts the tests' own authority."""
    def start(**callbacks):
        return make_daemon(accounts=ACCOUNT, sections={"callbacks": callbacks}, env={"SSL_CERT_FILE": str(TLS / "ca.pem")})
    return start


def test_tls(trusting):
    with Receiver(tls="good") as receiver:
        daemon = trusting()
        for url in (receiver.url("/d"), f"https://localhost:{receiver.port}/d"):
            fail(daemon, url)
        until("both are received", lambda: outbox(daemon, "state") == [1, 1])
        assert len(receiver.at("/d")) == 2
        assert receiver.at("/d")[0].headers["webhook-signature"] == receiver.at("/d")[0].signature(SECRET)


@pytest.mark.parametrize("certificate", ["self_signed", "expired", "wrong_host"])
def test_tls_that_is_not_to_be_trusted(trusting, certificate):
    """Not one byte of the callback goes there."""
    with Receiver(tls=certificate) as receiver:
        daemon = trusting(schedule="0, 50ms")
        fail(daemon, receiver.url("/d"))
        given_up(daemon)
        assert receiver.at() == []


def test_tls_authority_is_not_trusted_unless_named(lonely):
    with Receiver(tls="good") as receiver:
        daemon = lonely(schedule="0")
        fail(daemon, receiver.url("/d"))
        given_up(daemon)
        assert receiver.at() == []


def test_tls_spoken_to_a_plain_receiver(trusting, receiver):
    daemon = trusting(schedule="0")
    fail(daemon, receiver.url("/d").replace("http:", "https:"))
    given_up(daemon)
    assert receiver.at() == []


# ---- who waits for whom ----

def test_slow_host_holds_up_nobody(lonely, receiver):
    with Receiver() as slow:
        slow.on("/d", "hang")
        daemon = lonely(timeout="60s")
        for _ in range(300):
            fail(daemon, slow.url("/d"))
        until("the slow one is busy", lambda: len(slow.at("/d")) == 4)
        started = time.monotonic()
        for count in range(1, 11):
            fail(daemon, receiver.url("/d"))
            until("the other one is called", lambda: len(receiver.at("/d")) == count, 5)
        assert time.monotonic() - started < 30
        assert len(slow.at("/d")) == 4
        started = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - started < 5


def test_four_at_once(lonely, receiver):
    receiver.on("/d", 0.2)
    daemon = lonely()
    for _ in range(20):
        fail(daemon, receiver.url("/d"))
    until("all are received", lambda: outbox(daemon, "state") == [1] * 20)
    assert receiver.most_open == 4
    assert len(receiver.at("/d")) == 20


# ---- where we never go ----

@pytest.mark.parametrize("url", [
    "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://224.0.0.1/",
    "http://0.0.0.0/",
    "http://2852039166/",               # 169.254.169.254, spelled otherwise
    "http://0xa9.0xfe.0xa9.0xfe/",
])
def test_refused_at_submission(lonely, url):
    daemon = lonely()
    answer = daemon.send(NUMBER, "x", status=400, callbackurl=url)
    assert list(answer) == ["callbackurl"]
    assert "callbacks.allow" in answer["callbackurl"][0]


def test_own_links_listener_is_refused(lonely):
    daemon = lonely()
    assert list(daemon.send(NUMBER, "x", status=400, callbackurl=daemon.links_url)) == ["callbackurl"]


def test_setting_is_judged_again_at_every_try(lonely, receiver):
    """Accepted while it was allowed, not opened any more after it is not."""
    receiver.on("/d", 500)
    daemon = lonely(schedule="0, 1s")
    fail(daemon, receiver.url("/d"))
    until("the first try", lambda: receiver.at("/d"))
    daemon.stop()
    daemon.sections["callbacks"]["allow"] = "external"
    daemon.start()
    given_up(daemon)
    assert len(receiver.at("/d")) == 1
    assert "callbacks.allow" in outbox(daemon, "error")[0]


def test_names_are_judged_by_their_address(lonely, receiver):
    """No name server is asked at submission; the address that the name has is judged at the try."""
    daemon = lonely(schedule="0", allow="private, external")
    url = f"http://localhost.localdomain.:{receiver.port}/d"
    msgid = daemon.send(NUMBER, "x", callbackurl=url)
    assert daemon.http.delete(f"{daemon.url}/sms/messages/{msgid}/").status_code == 204
    given_up(daemon)
    assert receiver.at() == []


def test_ipv6(lonely):
    with Receiver("::1") as receiver:
        daemon = lonely()
        fail(daemon, receiver.url("/d"))
        until("the callback", lambda: receiver.at("/d"))
