"""Nothing is configured: modems are found by themselves, known by their IMEI wherever they are plugged in, and missed when they go."""
import re
import statistics
import time

from daemon import until

NUMBER = "+4915112345678"
PLUGS = 30
FOUND_S, GONE_S = 3, 1      # what is promised
SLACK = 2                   # an emulated machine beside others


def name_of(sim, modem):
    return "m" + sim.modems[modem]["imei"][-6:]


def state(daemon, name):
    modem = daemon.modem(name)
    return modem["state"] if modem else "gone"


def send_through(daemon, sim, modem, text):
    """By name, and out of that modem: the simulator says which it was."""
    msgid = daemon.send(NUMBER, text, modem=name_of(sim, modem))
    daemon.wait_status(msgid, "DELIVERED", 60)
    arrived = [m for m in sim.handset(NUMBER) if m["text"] == text]
    assert len(arrived) == 1
    return arrived[0]


def test_two_modems_without_a_configuration(make_sim, sockets, make_guest):
    sim = make_sim(2)
    for modem in range(2):
        sockets.plug(modem + 1, sim.port(modem))
    daemon = make_guest()
    for modem in range(2):
        found = daemon.wait_modem(name_of(sim, modem), seconds=60)
        assert found["imei"] == sim.modems[modem]["imei"]
    assert len(daemon.http.get(f"{daemon.url}/modems/", timeout=30).json()) == 2
    for modem in range(2):
        send_through(daemon, sim, modem, f"by modem {modem}")
    assert "ttyS" not in daemon.log_text()      # the console and the shell's line were left alone


def test_swapped_sockets(make_sim, sockets, make_guest):
    """Another socket, another /dev/ttyUSB: the same modem, the same name, the same queue."""
    sim = make_sim(2)
    for modem in range(2):
        sockets.plug(modem + 1, sim.port(modem))
    daemon = make_guest()
    before = [daemon.wait_modem(name_of(sim, modem), seconds=60) for modem in range(2)]
    for modem in range(2):
        sockets.unplug(modem + 1)
    for modem in range(2):
        until("it is missed", lambda: state(daemon, name_of(sim, modem)) == "gone", 20)
    sockets.plug(1, sim.port(1))
    sockets.plug(2, sim.port(0))
    after = [daemon.wait_modem(name_of(sim, modem), seconds=60) for modem in range(2)]
    assert [m["imei"] for m in after] == [m["imei"] for m in before] == [m["imei"] for m in sim.modems]
    for modem in range(2):
        assert send_through(daemon, sim, modem, f"swapped {modem}")["modem"] == modem
    assert len(daemon.http.get(f"{daemon.url}/modems/", timeout=30).json()) == 2


def test_thirty_plugs_and_unplugs(make_sim, sockets, make_guest):
    """Seen each time, missed each time, and nothing is left over."""
    sim = make_sim(1)
    daemon = make_guest()
    name, found, gone, counts = name_of(sim, 0), [], [], []
    for round_ in range(PLUGS):
        usb_socket = 1 + round_ % 4
        sockets.plug(usb_socket, sim.port(0))
        began = time.monotonic()
        until("it is found", lambda: state(daemon, name) != "gone", 30)
        found.append(time.monotonic() - began)
        began = time.monotonic()
        sockets.unplug(usb_socket)
        until("it is missed", lambda: state(daemon, name) == "gone", 30)
        gone.append(time.monotonic() - began)
        counts.append(daemon.open_files())
    print(f"found: median {statistics.median(found):.2f} s, most {max(found):.2f} s; "
          f"gone: median {statistics.median(gone):.2f} s, most {max(gone):.2f} s; descriptors and threads {counts[1]} to {counts[-1]}")
    assert statistics.median(found) <= FOUND_S and max(found) <= FOUND_S * SLACK
    assert statistics.median(gone) <= GONE_S and max(gone) <= GONE_S * SLACK
    until("nothing is left over", lambda: all(now <= then for now, then in zip(daemon.open_files(), counts[1])))
    sockets.plug(1, sim.port(0))
    daemon.wait_modem(name, seconds=60)
    send_through(daemon, sim, 0, "after all that")


def test_names_group_and_mode(make_sim, sockets, make_guest):
    """udev/70-smsbridge.rules.  A bridge chip is left alone, until the user adds the line that doctor prints."""
    sim = make_sim(1)

    def names():
        return sockets.shell("ls /dev/smsbridge 2>/dev/null", check=False)[1].split()

    def properties():
        return sockets.shell("udevadm info --query=property --name=/dev/ttyUSB0").splitlines()
    sockets.plug(3, sim.port(0), serial="A1B2")
    until("udev has made it", lambda: sockets.shell("ls /dev/ttyUSB0", check=False)[0] == 0)
    sockets.shell("udevadm settle")
    assert names() == [] and "ID_MM_DEVICE_IGNORE=1" not in properties()
    doctor = sockets.shell("smsbridge doctor", check=False)[1]
    line = re.search(r"echo '(.*)' \| sudo tee -a (\S+) ", doctor)
    assert line, doctor
    sockets.shell(f"mkdir -p /etc/udev/rules.d; echo '{line.group(1)}' >> {line.group(2)}; udevadm control --reload; udevadm trigger; udevadm settle")
    try:
        assert sorted(names()) == ["0403-6001-A1B2-if00", "pci-0000:00:03.0-usb-0:3:1.0"]
        assert sockets.shell("for n in /dev/smsbridge/*; do readlink -f $n; done").split() == ["/dev/ttyUSB0"] * 2
        assert sockets.shell("stat -c '%U %G %a' /dev/ttyUSB0").split() == ["root", "dialout", "660"]
        assert "ID_MM_DEVICE_IGNORE=1" in properties()
        sockets.unplug(3)
        until("the names go too", lambda: not names())
        sockets.plug(4, sim.port(0), serial="A1B2")
        until("the stick's name comes back in another socket", lambda: "0403-6001-A1B2-if00" in names())
    finally:
        sockets.shell(f"rm {line.group(2)}; udevadm control --reload")


BRLTTY = """ENV{DEVTYPE}=="usb_device", ENV{PRODUCT}=="403/6001/*", ENV{BRLTTY_BRAILLE_DRIVER}="hd"
ENV{BRLTTY_BRAILLE_DRIVER}=="?*", ENV{SYSTEMD_WANTS}+="brltty-udev.service", RUN+="/bin/touch /run/brltty-was-here"
"""
OURS = 'ATTRS{idVendor}=="0403", ENV{ID_SMSBRIDGE}="1"'


def test_brltty_is_kept_away(make_sim, sockets):
    """Rules as brltty's, which take an FTDI for a display: they do, but where the user says that it is a modem."""
    sim = make_sim(1)

    def plugged(usb_socket, rules):
        sockets.shell(f"mkdir -p /etc/udev/rules.d; cd /etc/udev/rules.d; rm -f /run/brltty-was-here\n{rules}\nudevadm control --reload")
        sockets.plug(usb_socket, sim.port(0))
        until("udev has made it", lambda: sockets.shell("ls /dev/ttyUSB0", check=False)[0] == 0)
        sockets.shell("udevadm settle")
        seen = sockets.shell("ls /run/brltty-was-here", check=False)[0] == 0, "brltty" in sockets.shell(
            f"udevadm info --query=property --path=/sys/bus/usb/devices/1-{usb_socket}").lower()
        sockets.unplug(usb_socket)      # brltty's rules run then, too: not into the next one's time
        until("it is gone", lambda: sockets.shell(f"ls /sys/bus/usb/devices/1-{usb_socket}", check=False)[0] != 0)
        sockets.shell("udevadm settle")
        return seen
    try:
        assert plugged(1, f"cat > 85-brltty.rules <<'END'\n{BRLTTY}END") == (True, True)
        assert plugged(2, f"echo '{OURS}' > 69-smsbridge-local.rules") == (False, False)
    finally:
        sockets.shell("cd /etc/udev/rules.d; rm -f 85-brltty.rules 69-smsbridge-local.rules; udevadm control --reload")
