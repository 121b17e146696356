"""The PIN guard over restarts: what it costs the card, and that a killed daemon does not lock itself out."""
import random
import time

from daemon import SLOW, rounds, until


def seconds_to_pin(daemon, sim):
    """How long a start takes until the PIN is sent, so that the kills fall around it."""
    begun = time.monotonic()
    daemon.start()
    until("the PIN was tried", lambda: sim.log(event="pin"))
    return time.monotonic() - begun


def test_wrong_pin_costs_one_attempt_ever(make_sim, make_daemon):
    """Killed at random moments, restarted, the modem restarted: the card counted one."""
    seed = random.randrange(1 << 30)
    print(f"seed={seed}")
    dice = random.Random(seed)
    sim = make_sim(1, "--instant", "--pin", "4711")
    daemon = make_daemon(modems={"m0": {"port": sim.port(0), "pin": "1111"}}, start=False)
    for _ in range(rounds(20)):
        daemon.start(wait=False)
        time.sleep(dice.uniform(0.05, 1.2 * SLOW))
        daemon.kill()
        if dice.random() < 0.3:
            sim.do("reset", 0)
    daemon.start()
    until("it says why", lambda: daemon.modem("m0")["state"] == "pin")
    assert len(sim.log(event="pin")) == 1
    assert sim.modem(0)["pin_left"] == 2
    assert "not accepted" in daemon.modem("m0")["reason"] or "refused" in daemon.modem("m0")["reason"]


def test_right_pin_survives_kills(make_sim, make_daemon):
    """Sent, and killed before that was noted: the card lost no attempt, so the PIN may be sent again."""
    seed = random.randrange(1 << 30)
    print(f"seed={seed}")
    dice = random.Random(seed)
    sim = make_sim(1, "--instant", "--pin", "4711")
    daemon = make_daemon(modems={"m0": {"port": sim.port(0), "pin": "4711"}}, start=False)
    usual = seconds_to_pin(daemon, sim)
    daemon.wait_modem("m0")
    for _ in range(rounds(8)):
        daemon.kill()
        sim.do("reset", 0)
        daemon.start(wait=False)
        time.sleep(dice.uniform(0.7, 1.1) * usual)
    daemon.kill()
    sim.do("reset", 0)
    daemon.start()
    daemon.wait_modem("m0")
    assert sim.modem(0)["pin_left"] == 3


def test_pin_of_another_card_is_not_sent(make_sim, make_daemon):
    sim = make_sim(1, "--instant", "--pin", "4711")
    daemon = make_daemon(modems={"m0": {"port": sim.port(0), "pin": "4711", "iccid": "8981100000000000001"}})
    until("it says why", lambda: daemon.modem("m0")["state"] == "pin")
    assert "another card" in daemon.modem("m0")["reason"]
    assert not sim.log(event="pin") and sim.modem(0)["pin_left"] == 3
