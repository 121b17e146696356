"""Several modems: who sends what, how much, and what happens to it when one is away."""
import time

from daemon import until

NUMBER = "+4915112345678"


def start(make_daemon, sim, **keys):
    """keys: m0=dict(senders="Brand"), ...; every modem of the simulator, ready."""
    names = [f"m{i}" for i in range(len(sim.modems))]
    daemon = make_daemon(modems={name: {"port": sim.port(i), **keys.get(name, {})} for i, name in enumerate(names)},
                         sections={"queue": {"uncertain_after": "5s", "retry": "1s, 2s, 5s"}})
    for name in names:
        daemon.wait_modem(name)
    return daemon


def sent_by(daemon, msgids, seconds=60):
    """The modem that each of them was delivered by, in order."""
    return [daemon.wait_status(msgid, "DELIVERED", seconds)["modem"] for msgid in msgids]


def many(daemon, count, text="n", **fields):
    return [daemon.send(f"+49151{i:08d}", f"{text} {i}", **fields) for i in range(count)]


def test_sender_and_prefix(make_sim, make_daemon):
    sim = make_sim(3)
    daemon = start(make_daemon, sim, m0={"senders": "Brand, 12345"}, m1={"prefixes": "+81, +44"})
    assert set(sent_by(daemon, many(daemon, 12, sender="Brand"))) == {"m0"}
    japanese = [daemon.send(f"+8190{i:08d}", "x") for i in range(12)]
    assert set(sent_by(daemon, japanese)) == {"m1"}
    assert sent_by(daemon, [daemon.send(NUMBER, "pinned", modem="m2", sender="Brand")]) == ["m2"]


def test_preferred_modem_is_away(make_sim, make_daemon):
    """Others take its messages when it was away for 30 s, and not before."""
    sim = make_sim(2)
    daemon = start(make_daemon, sim, m0={"senders": "Brand"})
    sim.do("unplug", 0)
    until("it is noticed", lambda: daemon.modem("m0")["state"] == "gone")
    gone = time.monotonic()
    msgids = many(daemon, 5, sender="Brand")
    assert sent_by(daemon, many(daemon, 5, "other", sender="Other")) == ["m1"] * 5
    assert set(sent_by(daemon, msgids)) == {"m1"}
    assert 28 < time.monotonic() - gone < 45


def test_a_number_keeps_its_modem_over_a_restart(make_sim, make_daemon):
    sim = make_sim(4)
    daemon = start(make_daemon, sim)
    first = sent_by(daemon, many(daemon, 16))
    assert sent_by(daemon, many(daemon, 16, "again")) == first
    daemon.stop()
    daemon.start()
    assert sent_by(daemon, many(daemon, 16, "after a restart")) == first


def test_to_one_number_in_order(make_sim, make_daemon):
    sim = make_sim(4, "--submit-delay", 20)
    daemon = start(make_daemon, sim)
    texts = [f"number {i:02d}" for i in range(40)]
    msgids = [daemon.send(NUMBER, text) for text in texts]
    assert len(set(sent_by(daemon, msgids))) == 1
    assert sim.texts(NUMBER) == texts


def test_death_in_the_middle(make_sim, make_daemon):
    """What the dead one kept for its numbers goes to the others at once; nothing twice."""
    sim = make_sim(3, "--submit-delay", 50)
    daemon = start(make_daemon, sim)
    kept = sent_by(daemon, many(daemon, 24))
    assert "m0" in kept
    msgids = many(daemon, 24, "second")
    sim.do("unplug", 0)
    until("it is noticed", lambda: daemon.modem("m0")["state"] == "gone", 3)
    from_now = time.monotonic()
    later = many(daemon, 24, "third")
    assert "m0" not in sent_by(daemon, later, 20)
    assert time.monotonic() - from_now < 20
    sim.do("replug", 0)
    sent_by(daemon, msgids)
    for i in range(24):
        assert sorted(sim.texts(f"+49151{i:08d}")) == sorted([f"n {i}", f"second {i}", f"third {i}"])


def test_one_that_cannot_is_replaced_at_once(make_sim, make_daemon):
    """CMS 28, unidentified subscriber: that SIM cannot; the message does not wait for a pause."""
    sim = make_sim(2)
    daemon = make_daemon(modems={f"m{i}": sim.port(i) for i in range(2)}, sections={"queue": {"retry": "1h"}})
    for i in range(2):
        daemon.wait_modem(f"m{i}")
    sim.do("fault", 0, "cms", 28, count=1)
    began = time.monotonic()
    assert set(sent_by(daemon, many(daemon, 12), 20)) <= {"m0", "m1"}
    assert time.monotonic() - began < 20


def test_per_minute_is_not_forgotten_by_a_restart(make_sim, make_daemon):
    sim = make_sim(2)
    daemon = start(make_daemon, sim, m0={"per_minute": "4"})
    began = time.monotonic()
    limited = many(daemon, 6, modem="m0")
    free = many(daemon, 6, "free", modem="m1")
    assert sent_by(daemon, free, 20) == ["m1"] * 6
    sent_by(daemon, limited[:4], 20)
    daemon.kill()
    daemon.start()
    sent_by(daemon, limited, 90)
    assert 55 < time.monotonic() - began < 90
    assert sent_by(daemon, many(daemon, 3, "anybody"), 20) == ["m1"] * 3
