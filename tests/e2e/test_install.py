"""What `make install` puts where, what the unit allows, and what `make uninstall` leaves."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from daemon import BUILD, ROOT

UNIT = "usr/lib/systemd/system/smsbridge.service"
EXPOSURE_MAX = 2.0


def run(*command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, timeout=300, **options)


def make(target, root, prefix="/usr"):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "LD_PRELOAD")}
    done = run("make", "-C", ROOT, target, f"B={BUILD}", f"DESTDIR={root}", f"PREFIX={prefix}", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(root):
    return sorted(str(p.relative_to(root)) for p in Path(root).rglob("*") if not p.is_dir())


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    make("install", root)
    return root


def test_everything_is_there(installed):
    there = files(installed)
    rules = [f"usr/lib/udev/rules.d/{p.name}" for p in (ROOT / "udev").glob("*.rules")]
    assert set(there) == {
        "etc/smsbridge/smsbridged.conf", "etc/smsbridge/quirks.d/example.conf.txt",
        "usr/bin/modemsim", "usr/bin/smsbridge", "usr/sbin/smsbridged", UNIT,
        "usr/share/bash-completion/completions/smsbridge", "usr/share/zsh/site-functions/_smsbridge",
        *(f"usr/share/smsbridge/{name}" for name in ("alerts.yml", "grafana-dashboard.json", "openapi.json")),
        "usr/lib/sysusers.d/smsbridge.conf", "usr/lib/tmpfiles.d/smsbridge.conf", "usr/share/man/man1/modemsim.1",
        "usr/share/man/man1/smsbridge.1", "usr/share/man/man5/smsbridged.conf.5", "usr/share/man/man8/smsbridged.8", *rules}
    assert (installed / "etc/smsbridge/quirks.d").is_dir()
    assert (installed / "etc/smsbridge/smsbridged.conf").stat().st_mode & 0o777 == 0o640
    assert "ExecStart=/usr/sbin/smsbridged\n" in (installed / UNIT).read_text()
    for program in ("usr/sbin/smsbridged", "usr/bin/smsbridge"):
        assert run(installed / program, "--version").returncode == 0
    assert run(installed / "usr/sbin/smsbridged", "-c", installed / "etc/smsbridge/smsbridged.conf", "--check").returncode == 0


def test_the_box_is_tight(installed):
    """systemd's own judgement, with serial devices and netlink still allowed."""
    said = run("systemd-analyze", "security", "--offline=yes", "--no-pager", installed / UNIT).stdout
    exposure = float(re.search(r"exposure level for smsbridge\.service: ([0-9.]+)", said).group(1))
    assert exposure <= EXPOSURE_MAX, said
    unit = (installed / UNIT).read_text()
    for needed in ("DeviceAllow=char-ttyUSB rw", "DeviceAllow=char-ttyACM rw", "SupplementaryGroups=dialout", "Type=notify"):
        assert needed in unit
    assert re.search(r"^RestrictAddressFamilies=.*AF_NETLINK", unit, re.M)


def test_systemd_understands_the_unit(installed, tmp_path):
    """systemd-analyze verify wants programs and man pages in their places: those of the installed tree."""
    unit = (installed / UNIT).read_text().replace("/usr/sbin/", f"{installed}/usr/sbin/")
    unit = re.sub(r"^Documentation=.*\n", "", unit, flags=re.M)
    path = tmp_path / "smsbridge.service"
    path.write_text(unit)
    done = run("systemd-analyze", "verify", "--man=no", path)
    about = [line for line in (done.stdout + done.stderr).splitlines() if "smsbridge" in line]
    assert (done.returncode, about) == (0, [])


def test_the_user_is_made(installed):
    """In a root of its own; dialout is Debian's."""
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", installed / "etc" / name)
    try:
        done = run("systemd-sysusers", f"--root={installed}", "smsbridge.conf")
        assert done.returncode == 0, done.stderr
        assert re.search(r"^smsbridge:x:\d+:\d+:SMS gateway:/var/lib/smsbridge:", (installed / "etc/passwd").read_text(), re.M)
        assert re.search(r"^dialout:x:\d+:.*\bsmsbridge\b", (installed / "etc/group").read_text(), re.M)
    finally:
        for name in ("passwd", "group", "shadow", "gshadow", ".pwd.lock"):
            (installed / "etc" / name).unlink(missing_ok=True)


def test_man_pages_render(installed):
    """The last key and the last option that the programs know are in them."""
    for section, page, word in ((5, "smsbridged.conf.5", "power_command"), (8, "smsbridged.8", "--help-config"),
                                (1, "smsbridge.1", "--account"), (1, "modemsim.1", "--link-dir")):
        done = run("man", "--warnings", "-l", installed / f"usr/share/man/man{section}/{page}", env={
            "PATH": os.environ["PATH"], "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
        assert (done.returncode, done.stderr) == (0, "")
        assert word in done.stdout


def test_again_and_gone(tmp_path):
    """A configuration that somebody wrote stays as it is; uninstall leaves it and nothing else, and says so."""
    make("install", tmp_path, "/usr/local")
    config = tmp_path / "etc/smsbridge/smsbridged.conf"
    config.write_text("[daemon]\nkeep = 30d\n")
    make("install", tmp_path, "/usr/local")
    assert "ExecStart=/usr/local/sbin/smsbridged\n" in (tmp_path / UNIT.replace("usr/", "usr/local/")).read_text()
    said = make("uninstall", tmp_path, "/usr/local")
    assert files(tmp_path) == ["etc/smsbridge/smsbridged.conf"]
    assert config.read_text() == "[daemon]\nkeep = 30d\n"
    assert "what is yours stays" in said and "/etc/smsbridge" in said


def test_the_rules_know_the_modems_vendors(installed):
    """Those of the table, and no bridge chip; udev finds no fault with them where it can tell."""
    table = re.findall(r'\{0x([0-9a-f]{4}), (true|false), "', (ROOT / "modem/usb_roles.c").read_text())
    rules = (installed / "usr/lib/udev/rules.d/70-smsbridge.rules").read_text()
    assert table and re.findall(r'^ATTRS\{idVendor\}=="([0-9a-f]{4})"', rules, re.M) == [v for v, bridge in table if bridge == "false"]
    if "verify" in run("udevadm", "--help").stdout:
        for name in ("70-smsbridge.rules", "95-smsbridge-brltty.rules"):
            assert run("udevadm", "verify", installed / "usr/lib/udev/rules.d" / name).returncode == 0


def test_completion_knows_every_command_and_option(installed):
    """bash itself completes; both files name what the program's own help names."""
    said = run(installed / "usr/bin/smsbridge", "--help").stdout
    commands = re.findall(r"^  ([a-z]+) ", said.split("options:")[0], re.M)
    options = set(re.findall(r"--[a-z-]+", said))
    bash = installed / "usr/share/bash-completion/completions/smsbridge"
    script = f". {bash}; COMP_WORDS=(smsbridge ''); COMP_CWORD=1; _smsbridge; echo ${{COMPREPLY[*]}}; " \
             "COMP_WORDS=(smsbridge --); _smsbridge; echo ${COMPREPLY[*]}"
    first, second = run("bash", "-c", script).stdout.splitlines()
    assert set(first.split()) == set(commands) and set(second.split()) == options
    zsh = (installed / "usr/share/zsh/site-functions/_smsbridge").read_text()
    assert set(re.search(r"commands=\((.*?)\)", zsh).group(1).split()) == set(commands)
    assert options <= set(re.findall(r"--[a-z-]+", zsh))
