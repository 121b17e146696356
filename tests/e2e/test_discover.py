"""Modems that no section names a port for: found, named, moved, swapped and pulled out. umockdev is the kernel and udev."""
import fcntl
import os
import time

import pytest

from daemon import SLOW, until
from usb import Usb

NUMBER = "+4915112345678"
FAST = {"queue": {"discover": "yes", "uncertain_after": "5s"}}


@pytest.fixture
def usb():
    with Usb() as running:
        yield running


def name_of(sim, modem=0):
    return "m" + sim.modems[modem]["imei"][-6:]


def start(make_daemon, usb, **options):
    return make_daemon(sections=FAST, env=usb.env, **options)


def test_two_modems_without_configuration(make_sim, make_daemon, usb):
    """Plugged in while it runs: both found within 3 s; a message through each."""
    sim = make_sim(2)
    daemon = start(make_daemon, usb)
    assert daemon.http.get(f"{daemon.url}/modems/").json() == []
    begin = time.monotonic()
    usb.plug("1-1.1", [sim.port(0)], first=0, interfaces=[2])
    usb.plug("1-1.2", [sim.port(1)], first=1, interfaces=[2])
    names = [name_of(sim, 0), name_of(sim, 1)]
    until("both are found", lambda: all(daemon.modem(n) for n in names))
    assert time.monotonic() - begin < 3 * SLOW
    for i, name in enumerate(names):
        modem = daemon.wait_modem(name)
        assert modem["imei"] == sim.modems[i]["imei"] and modem["port"] == f"/dev/ttyUSB{i}"
        msgid = daemon.send(NUMBER, f"by {name}", modem=name)
        assert daemon.wait_status(msgid, "DELIVERED")["modem"] == name


def test_there_at_the_start(sim, make_daemon, usb):
    usb.plug("2-1", [sim.port(0)], serial="A1")
    daemon = start(make_daemon, usb)
    daemon.wait_modem(name_of(sim))


def test_unplugged_and_in_another_socket(sim, make_daemon, usb):
    """Gone within 1 s; in another socket, under another name, it is the same modem with its waiting message."""
    usb.plug("1-1.1", [sim.port(0)])
    daemon = start(make_daemon, usb)
    name = name_of(sim)
    daemon.wait_modem(name)
    begin = time.monotonic()
    sim.do("unplug", 0)
    usb.unplug("1-1.1")
    until("it is gone", lambda: daemon.modem(name)["state"] == "gone")
    assert time.monotonic() - begin < 1 * SLOW
    until("and why", lambda: daemon.modem(name)["reason"] == "unplugged")
    msgid = daemon.send(NUMBER, "later", modem=name)
    sim.do("replug", 0)
    usb.plug("3-2", [sim.port(0)], first=7)
    daemon.wait_status(msgid, "DELIVERED")
    assert daemon.modem(name)["port"] == "/dev/ttyUSB7"
    assert [m["name"] for m in daemon.http.get(f"{daemon.url}/modems/").json()] == [name]


def test_two_identical_sticks_swapped(make_sim, make_daemon, usb):
    """No serial numbers, the same names of ports, exchanged while nobody looked."""
    sim = make_sim(2)
    usb.plug("1-1.1", [sim.port(0)], first=0)
    usb.plug("1-1.2", [sim.port(1)], first=1)
    daemon = start(make_daemon, usb)
    names = [name_of(sim, 0), name_of(sim, 1)]
    for name in names:
        daemon.wait_modem(name)
    for i in range(2):
        sim.do("unplug", i)
        usb.unplug(f"1-1.{i + 1}")
    for i in range(2):
        sim.do("replug", i)
    usb.plug("1-1.1", [sim.port(1)], first=0)
    usb.plug("1-1.2", [sim.port(0)], first=1)
    for i, name in enumerate(names):
        until("it is where it is", lambda: daemon.modem(name)["port"] == f"/dev/ttyUSB{1 - i}")
        assert daemon.wait_modem(name)["imei"] == sim.modems[i]["imei"]
        msgid = daemon.send(NUMBER, f"by {name}", modem=name)
        assert daemon.wait_status(msgid, "DELIVERED")["modem"] == name
        assert sim.handset(NUMBER)[-1]["modem"] == i


def test_named_by_its_imei(make_sim, make_daemon, usb):
    """[modem NAME] imei= is that modem wherever it is; discover = no leaves the other one alone."""
    sim = make_sim(2)
    daemon = make_daemon(modems={"gate": {"imei": sim.modems[1]["imei"], "senders": "Brand"}}, env=usb.env,
                         sections={"queue": {"discover": "no"}})
    gate = until("it waits", lambda: daemon.modem("gate"))
    assert (gate["state"], gate["reason"]) == ("gone", "not plugged in")
    usb.plug("1-1.1", [sim.port(0)], first=0)
    usb.plug("1-1.2", [sim.port(1)], first=1)
    assert daemon.wait_modem("gate")["imei"] == sim.modems[1]["imei"]
    assert [m["name"] for m in daemon.http.get(f"{daemon.url}/modems/").json()] == ["gate"]


def test_a_named_port_is_not_probed(make_sim, make_daemon, usb):
    """Its stick's other port neither: they are one modem."""
    sim = make_sim(2)
    usb.plug("1-1.1", [sim.port(0), sim.port(1)])
    daemon = start(make_daemon, usb, modems={"m0": "/dev/ttyUSB0"})
    daemon.wait_modem("m0")
    time.sleep(3)
    assert [m["name"] for m in daemon.http.get(f"{daemon.url}/modems/").json()] == ["m0"]
    assert {event["modem"] for event in sim.log(event="opened")} == {0}


def test_a_held_port_is_told_and_tried_again(sim, make_daemon, usb):
    """Another program has it: said in words; when that ends, the modem is found."""
    fd = os.open(sim.port(0), os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    usb.plug("1-1.1", [sim.port(0)])
    daemon = start(make_daemon, usb, modems={"gate": {"imei": sim.modems[0]["imei"]}})
    until("it says why", lambda: "in use" in daemon.modem("gate")["reason"])
    os.close(fd)
    daemon.wait_modem("gate")


def test_a_port_that_is_no_modem(sim, make_daemon, usb):
    """A silent port beside the modem delays nothing, and is left alone."""
    master, slave = os.openpty()
    usb.plug("1-1.1", [os.ttyname(slave)], vendor="0403", product="6001", first=3)
    daemon = start(make_daemon, usb)
    usb.plug("1-1.2", [sim.port(0)], vendor="0403", product="6001", first=0)
    begin = time.monotonic()
    until("the modem is found", lambda: daemon.modem(name_of(sim)))
    assert time.monotonic() - begin < 3 * SLOW
    os.close(master)
    os.close(slave)


def test_a_stick_without_ports_is_told(make_daemon, usb):
    daemon = start(make_daemon, usb)
    usb.plug("1-1.1", [], product="14dc")
    until("HiLink is named", lambda: "HiLink" in daemon.log_text())
