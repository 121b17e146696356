"""One virtual machine for all tests here; each with its own daemon in it and its own simulator outside."""
import pytest

import image  # tests/vm/image.py
from vm import Guest, Vm
from sim import Sim


@pytest.fixture(scope="session")
def vm(tmp_path_factory):
    kernel, initramfs = image.make()
    vm = Vm(tmp_path_factory.mktemp("vm"), kernel, initramfs)
    try:
        vm.start()
        print(f"\nvm: up in {vm.boot_s:.1f} s")
        yield vm
    finally:
        vm.stop()


@pytest.fixture
def sockets(vm):
    """plug() and unplug() of the machine; whatever is left in a socket is pulled out at the end."""
    yield vm
    for usb_socket in list(vm.plugged):
        vm.unplug(usb_socket)


@pytest.fixture
def make_sim(tmp_path):
    started = []

    def make(*args):
        sim = Sim(tmp_path / f"sim{len(started)}", *args)
        started.append(sim)
        return sim.start()
    yield make
    for sim in started:
        sim.stop()


@pytest.fixture
def make_guest(sockets, tmp_path):
    made = []

    def make(**options):
        guest = Guest(sockets, tmp_path / f"guest{len(made)}", **options)
        made.append(guest)
        return guest.start()
    yield make
    for guest in made:
        guest.stop()
