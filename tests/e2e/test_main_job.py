"""The main job, end to end: what ../shared/seed asked for, and the texts that a SIM has to carry."""
import re

import pytest

from daemon import until
from receiver import Receiver

NUMBER = "+4915112345678"
SLUG = re.compile(r"http://127\.0\.0\.1:\d+/([0-9a-hjkmnp-tv-z]{10})\b")


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


def test_seed(sim, daemon, receiver):
    """Every sentence of the seed, in its order."""
    msgid = daemon.send(NUMBER, "test link tracking https://www.xoxzo.com/en/", track_link="true",
                        lt_callbackurl=receiver.url("/tapped"), callbackurl=receiver.url("/delivered"))
    assert re.fullmatch(r"[A-Za-z0-9]{32}", msgid)
    text = sim.wait(NUMBER)[0]["text"]
    slug = SLUG.search(text).group(1)
    assert text == f"test link tracking {daemon.links_url}/{slug}"
    status = daemon.wait_status(msgid, "DELIVERED")
    tracking = status["link_tracking"]
    assert tracking["link"] == "https://www.xoxzo.com/en/"
    assert tracking["shortlink"] == f"{daemon.links_url}/{slug}"
    assert tracking["accessed"] is False and tracking["accessed_on"] is None

    assert sim.tap(NUMBER)["location"] == "https://www.xoxzo.com/en/"
    status = daemon.status(msgid)
    assert status["link_tracking"]["accessed"] is True
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", status["link_tracking"]["accessed_on"])
    first = status["link_tracking"]["accessed_on"]
    for _ in range(5):
        sim.tap(NUMBER)
    until("taps are counted", lambda: daemon.status(msgid)["link_tracking"]["clicks"] == 6)
    assert daemon.status(msgid)["link_tracking"]["accessed_on"] == first

    tapped = until("the click's callback", lambda: receiver.at("/tapped"))
    delivered = until("the delivery callback", lambda: receiver.at("/delivered"))
    assert len(tapped) == len(delivered) == 1
    assert tapped[0].json()["link_tracking"]["accessed"] is True
    assert delivered[0].json()["status"] == "DELIVERED"


@pytest.mark.parametrize("text, parts", ids=lambda value: f"{value[:12]}-{len(value)}" if isinstance(value, str) else str(value), argvalues=[
    ("short", 1),
    ("x" * 160, 1),
    ("x" * 161, 2),
    ("€" * 80, 1),
    ("€" * 81, 2),
    ("a" * 152 + "€" + "b" * 100, 2),           # an escape sequence at the seam
    ("日本語のメッセージです。" * 5, 1),
    ("ж" * 71, 2),
    ("a" * 66 + "😀" + "b" * 60, 2),             # a surrogate pair at the seam
    ("😀" * 330, 10),
    ("~" * 660, 9),
    ("line one\nline two\r\nend", 1),
])
def test_texts(sim, daemon, text, parts):
    msgid = daemon.send(NUMBER, text)
    arrived = sim.wait(NUMBER)[0]
    assert arrived["text"] == text
    assert len(arrived["parts"]) == parts
    assert daemon.wait_status(msgid, "DELIVERED")["parts"] == parts


def test_many_arrive_in_order_of_acceptance(sim, daemon):
    msgids = [daemon.send(NUMBER, f"number {i}") for i in range(30)]
    sim.wait(NUMBER, 30)
    assert sim.texts(NUMBER) == [f"number {i}" for i in range(30)]
    for msgid in msgids:
        daemon.wait_status(msgid, "DELIVERED")


def test_failed_and_unreported(sim, daemon, receiver):
    sim.do("rule", "+4915100000001", "failed")
    sim.do("rule", "+4915100000002", "never")
    failed = daemon.send("+4915100000001", "x", callbackurl=receiver.url("/failed"))
    never = daemon.send("+4915100000002", "y")
    status = daemon.wait_status(failed, "FAIL")
    assert status["error"]["text"]
    assert until("the callback", lambda: receiver.at("/failed"))[0].json()["status"] == "FAIL"
    assert daemon.wait_status(never, "DELIVERING")["error"] is None


def test_inbox(sim, make_daemon, receiver):
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"inbox": {"url": receiver.url("/in")}})
    daemon.wait_modem("m0")
    sim.do("inject", 0, "+491701111111", "Hallo €")
    sim.do("inject", 0, "+491702222222", "長い" * 100, order="shuffled")
    until("both are posted", lambda: len(receiver.at("/in")) == 2)
    inbox = daemon.http.get(f"{daemon.url}/sms/inbox/").json()
    assert {(m["sender"], m["message"]) for m in inbox} == {("+491701111111", "Hallo €"), ("+491702222222", "長い" * 100)}
    assert {m.json()["message"] for m in receiver.at("/in")} == {m["message"] for m in inbox}
    assert [used for used, _ in sim.modem(0)["stored"].values()] == [0, 0, 0]


def test_an_instance_of_its_own_state(sim, daemon, make_daemon):
    """A second daemon on the same state folder must not start; the first goes on."""
    second = make_daemon(start=False)
    second.folder = daemon.folder / "second"
    second.folder.mkdir()
    second.sections = {"daemon": {"state_dir": daemon.folder / "state"}}
    second.start(wait=False)
    assert second.process.wait(20) == 1
    assert "another smsbridged" in second.log_text()
    second.process = None
    daemon.wait_status(daemon.send(NUMBER, "still here"), "DELIVERED")
