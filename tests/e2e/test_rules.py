"""udev/*.rules, as udev itself reads them, for sticks of umockdev: names, group, mode, and who is kept away."""
import json
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# /dev, udev's notes and its rules are this namespace's own: nothing of the machine's is touched.
OWN = f"""set -e
mount -t tmpfs none /run
mount -t tmpfs none /etc/udev
mount -t tmpfs none /dev
mknod -m 666 /dev/null c 1 3
mkdir -p /run/udev /etc/udev/rules.d
cp {ROOT}/udev/*.rules "$1"/*.rules /etc/udev/rules.d
shift
exec umockdev-wrapper /usr/bin/python3 {ROOT}/tests/e2e/rules.py "$@"
"""
# As brltty's: some of its displays have nothing but the numbers of a modem, or of a chip.
BRLTTY = """ENV{DEVTYPE}=="usb_device", ENV{PRODUCT}=="12d1/*|403/*", ENV{BRLTTY_BRAILLE_DRIVER}="hd"
ENV{BRLTTY_BRAILLE_DRIVER}=="?*", ENV{SYSTEMD_WANTS}+="brltty-udev.service", RUN+="/bin/touch /run/brltty"
"""
SOCKET = "/dev/smsbridge/pci-0000:00:14.0-usb-0:1.1:1.2"


@pytest.fixture
def udev(tmp_path):
    (tmp_path / "85-brltty.rules").write_text(BRLTTY)
    if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/run"], capture_output=True, check=False).returncode:
        pytest.skip("no mount namespace may be made here")

    def ask(vendor, product, serial=""):
        done = subprocess.run(["unshare", "-m", "sh", "-c", OWN, "sh", tmp_path, vendor, product, serial],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    return ask


def links(answer):
    return {link for link in answer["tty"].get("DEVLINKS", "").split() if link.startswith("/dev/smsbridge/")}


def wants_brltty(answer):
    return "/bin/touch /run/brltty" in answer["usb"]["run"] or "brltty" in answer["usb"].get("SYSTEMD_WANTS", "")


def test_a_modem(udev):
    answer = udev("12d1", "1001", "A1B2")
    assert links(answer) == {SOCKET, "/dev/smsbridge/12d1-1001-A1B2-if02"}
    assert answer["tty"]["ID_MM_DEVICE_IGNORE"] == answer["usb"]["ID_MM_DEVICE_IGNORE"] == "1"
    assert not wants_brltty(answer)
    assert re.search(r"ttyUSB0: \S*/70-smsbridge.rules:\d+ GROUP \d+", answer["said"])
    assert re.search(r"ttyUSB0: \S*/70-smsbridge.rules:\d+ MODE 0660", answer["said"])
    assert not re.search(r"smsbridge\S*\.rules:\d+ (Invalid|Unknown|Failed)", answer["said"])


def test_without_a_serial_number_it_is_its_socket(udev):
    assert links(udev("2c7c", "0125")) == {SOCKET}


def test_a_chip_is_left_alone_until_the_user_names_it(udev, tmp_path):
    answer = udev("0403", "6001", "FT1")
    assert links(answer) == set() and "ID_MM_DEVICE_IGNORE" not in answer["tty"] and wants_brltty(answer)
    (tmp_path / "69-mine.rules").write_text('ATTRS{idVendor}=="0403", ENV{ID_SMSBRIDGE}="1"\n')
    answer = udev("0403", "6001", "FT1")
    assert links(answer) == {SOCKET, "/dev/smsbridge/0403-6001-FT1-if02"}
    assert answer["tty"]["ID_MM_DEVICE_IGNORE"] == "1" and not wants_brltty(answer)


def test_what_is_no_modem_is_left_alone(udev):
    answer = udev("046d", "c534", "K1")
    assert links(answer) == set() and "ID_MM_DEVICE_IGNORE" not in answer["usb"]
