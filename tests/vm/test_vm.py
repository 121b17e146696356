"""A real kernel, real udev, real /dev/ttyUSB0: modems plugged in, pulled out, swapped and held by others."""
import time

import pytest

from daemon import until

NUMBER = "+4915112345678"
CONFIGURED = {"sections": {"queue": {"discover": "no", "uncertain_after": "15s"}}}


def plug_and_wait(sockets, usb_socket, pty, device):
    sockets.plug(usb_socket, pty)
    until(f"udev has made {device}", lambda: sockets.shell(f"ls {device}", check=False)[0] == 0)


def test_a_configured_port(make_sim, sockets, make_guest):
    sim = make_sim(1)
    plug_and_wait(sockets, 1, sim.port(0), "/dev/ttyUSB0")
    daemon = make_guest(modems={"m0": "/dev/ttyUSB0"}, **CONFIGURED)
    daemon.wait_modem("m0", seconds=60)
    msgid = daemon.send(NUMBER, "through a real port")
    daemon.wait_status(msgid, "DELIVERED", 60)
    assert sim.texts(NUMBER) == ["through a real port"]
    assert "by=libserialport" in daemon.log_text()


@pytest.mark.parametrize("fault", ["crash", "crash-unsent"])
def test_unplugged_in_the_middle_of_a_dialogue(fault, make_sim, sockets, make_guest):
    """After Ctrl-Z, before the answer; the SMS went out or it did not.  Either way it arrives once."""
    sim = make_sim(1)
    plug_and_wait(sockets, 1, sim.port(0), "/dev/ttyUSB0")
    daemon = make_guest(modems={"m0": "/dev/ttyUSB0"}, **CONFIGURED)
    daemon.wait_modem("m0", seconds=60)
    sim.do("fault", 0, fault)
    msgid = daemon.send(NUMBER, f"once: {fault}")
    sim.wait_event("unplug", timeout=20)
    sockets.unplug(1)
    until("it is told gone", lambda: daemon.modem("m0")["state"] == "gone", 20)
    assert daemon.status(msgid)["status"] == "QUEUED"
    sim.do("replug", 0)
    plug_and_wait(sockets, 2, sim.port(0), "/dev/ttyUSB0")
    daemon.wait_status(msgid, "DELIVERED", 90)
    assert sim.texts(NUMBER) == [f"once: {fault}"]


@pytest.mark.parametrize("holder,told", [("root", "in use"), ("smsbridge", "pid")])
def test_the_port_is_held_by_another_process(holder, told, make_sim, sockets, make_guest):
    """In words, with the process where it can be seen; taken when it is free."""
    sim = make_sim(1)
    plug_and_wait(sockets, 1, sim.port(0), "/dev/ttyUSB0")
    sockets.shell(f"su {holder} -s /bin/sh -c 'hold /dev/ttyUSB0 exclusive >/tmp/held.{holder} 2>&1 & echo $! >/tmp/holder.{holder}'")
    until("it is held", lambda: "held" in sockets.shell(f"cat /tmp/held.{holder}"))
    pid = sockets.shell(f"cat /tmp/holder.{holder}").strip()
    daemon = make_guest(modems={"m0": "/dev/ttyUSB0"}, **CONFIGURED)
    reason = until("a reason", lambda: daemon.modem("m0")["reason"], 30)
    assert told in reason and "/dev/ttyUSB0" in reason
    if holder == "smsbridge":
        assert pid in reason
    sockets.shell(f"kill {pid}")
    daemon.wait_modem("m0", seconds=60)
    msgid = daemon.send(NUMBER, "free again")
    daemon.wait_status(msgid, "DELIVERED", 60)
    assert sim.texts(NUMBER) == ["free again"]
