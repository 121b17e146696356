"""The libserialport path: a pty that passes for a serial device, opened, configured, locked, unplugged and found again."""
import os

from daemon import until
from preload import preload

NUMBER = "+4915112345678"


def as_device(path):
    """libserialport 0.1.1 takes the name behind /dev/ only."""
    return "/dev/../../../" + os.path.abspath(path).lstrip("/")


def test_a_message_through_libserialport(sim, make_daemon):
    daemon = make_daemon(modems={"m0": {"port": as_device(sim.port(0)), "baud": 460800}}, env=preload("tiocmget"))
    daemon.wait_modem("m0")
    assert "by=libserialport" in daemon.log_text() and "by=descriptor" not in daemon.log_text()
    msgid = daemon.send(NUMBER, "through libserialport")
    daemon.wait_status(msgid, "DELIVERED")
    assert sim.texts(NUMBER) == ["through libserialport"]


def test_unplugged_and_back(sim, make_daemon):
    daemon = make_daemon(modems={"m0": as_device(sim.port(0))}, env=preload("tiocmget"), sections={"queue": {"uncertain_after": "5s"}})
    daemon.wait_modem("m0")
    sim.do("unplug", 0)
    until("it is noticed", lambda: daemon.modem("m0")["state"] == "gone", 3)
    msgid = daemon.send(NUMBER, "later")
    sim.do("replug", 0)
    daemon.wait_status(msgid, "DELIVERED")
    assert sim.texts(NUMBER) == ["later"]


def test_two_sections_on_one_port(sim, make_daemon):
    """The second is told why; the first works."""
    daemon = make_daemon(modems={"m0": sim.port(0), "m1": os.path.realpath(sim.port(0))})
    until("one of them is ready", lambda: "ready" in (daemon.modem("m0")["state"], daemon.modem("m1")["state"]))
    other = "m1" if daemon.modem("m0")["state"] == "ready" else "m0"
    assert "in use" in until("a reason", lambda: daemon.modem(other)["reason"])
