"""A modem that hangs is back without a human, and says in its status how often what was done."""
import pytest

from daemon import SLOW

# Minutes of waiting: the sanitizers look at the same code in tests/unit/modem_ladder_test.c.
pytestmark = pytest.mark.skipif(SLOW > 1, reason="only in the plain run")

NUMBER = "+4915112345678"


def recovered(daemon, sim, rung, seconds):
    msgid = daemon.send(NUMBER, "after all that")
    daemon.wait_status(msgid, "DELIVERED", seconds)
    assert sim.texts(NUMBER) == ["before", "after all that"]
    assert daemon.modem("m0")["recoveries"][rung] == 1
    assert f"recovery={rung} count=1" in daemon.log_text()


def test_hangs_until_it_is_restarted(sim, make_daemon):
    daemon = make_daemon(modems={"m0": sim.port(0)})
    daemon.wait_modem("m0")
    daemon.wait_status(daemon.send(NUMBER, "before"), "DELIVERED")
    sim.do("hang", 0, "restart", "silent")
    recovered(daemon, sim, "restart", 120)
    done = daemon.modem("m0")["recoveries"]
    assert done["resync"] >= 1 and done["reopen"] == 2 and done["radio"] == 0    # gentle ones first, answers are not expected


def test_takes_no_sms_until_its_radio_was_off(sim, make_daemon):
    daemon = make_daemon(modems={"m0": sim.port(0)})
    daemon.wait_modem("m0")
    daemon.wait_status(daemon.send(NUMBER, "before"), "DELIVERED")
    sim.do("hang", 0, "cfun", "error")
    recovered(daemon, sim, "radio", 120)
    assert daemon.modem("m0")["recoveries"]["restart"] == 0
