"""Debian's kernel and an initramfs with busybox, systemd-udevd, our rules and programs: what the virtual machine boots.

Nothing is installed: the kernel's package is downloaded and unpacked.  What does not change is kept under build/vm.
"""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SMSBRIDGE_BUILD", ROOT / "build"))
CACHE = BUILD / "vm"
HERE = Path(__file__).resolve().parent
MODULES = ["xhci_pci", "e1000", "ftdi_sio", "cdc_acm", "option", "cp210x"]     # with what they depend on
RULES = ["50-udev-default.rules", "60-serial.rules", "75-net-description.rules", "80-drivers.rules", "99-systemd.rules"]
UNITS = ["sysinit.target", "basic.target", "multi-user.target", "shutdown.target", "umount.target", "modprobe@.service"]
DATA = ["/usr/share/publicsuffix", "/etc/nsswitch.conf"]


def run(*command, **options):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    env["PATH"] = env.get("PATH", "") + ":/usr/sbin:/sbin"
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=env, check=False, **options)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def libraries(program):
    """What the loader will ask for, itself included."""
    return set(re.findall(r"(/\S+) \(0x", run("ldd", program)))


def put(tree, source, target=None):
    """A file, its links followed, where the guest will look for it."""
    place = tree / str(target or source).lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(os.path.realpath(source), place)


def pack(tree, archive):
    names = run("find", ".", "-mindepth", "1", cwd=tree)
    done = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"], cwd=tree, input=names.encode(), capture_output=True, check=True)
    partial = archive.with_suffix(".part")
    partial.write_bytes(done.stdout)
    partial.rename(archive)


def skeleton(tree):
    for folder in ("bin", "sbin", "dev", "proc", "sys", "run", "tmp", "etc/udev", "var/lib", "root", "usr/lib", "usr/lib64", "usr/bin", "usr/sbin"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    os.symlink("usr/lib", tree / "lib")
    os.symlink("usr/lib64", tree / "lib64")
    os.symlink("/run", tree / "var/run")


# ---- Debian's part, kept ----

def kernel_package():
    """linux-image-amd64 names the present one."""
    found = re.search(r"Depends: (linux-image-[0-9]\S*)", run("apt-cache", "depends", "linux-image-amd64"))
    if not found:
        raise SystemExit("apt knows no linux-image-amd64: apt-get update?")
    return found.group(1)


def unpack_kernel(package, folder):
    run("apt-get", "-q", "download", package, cwd=folder)
    run("dpkg-deb", "-x", next(folder.glob("*.deb")), folder / "kernel")
    return folder / "kernel"


def put_modules(kernel, tree):
    version = next((kernel / "lib/modules").iterdir()).name
    run("depmod", "-b", kernel, version)
    shown = run("modprobe", "-d", kernel, "-S", version, "--show-depends", "-a", *MODULES)
    for path in set(re.findall(r"^insmod (\S+)", shown, re.M)):
        put(tree, path, "/usr/lib/modules/" + os.path.relpath(path, kernel / "lib/modules"))
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        put(tree, kernel / "lib/modules" / version / name, f"/usr/lib/modules/{version}/{name}")
    run("depmod", "-b", tree, version)


def put_debian(tree):
    put(tree, "/bin/busybox")
    for applet in run("/bin/busybox", "--list").split():
        if applet != "busybox":
            os.symlink("busybox", tree / "bin" / applet)
    for program in ("/bin/udevadm", "/lib/systemd/systemd", "/bin/systemctl"):
        put(tree, program)
        for library in libraries(program):
            put(tree, library)
    os.symlink("/bin/udevadm", tree / "bin/systemd-udevd")
    os.symlink("/bin/busybox", tree / "sbin/modprobe")
    for unit in UNITS:
        put(tree, f"/lib/systemd/system/{unit}", f"/usr/lib/systemd/system/{unit}")
    for rules in RULES:
        put(tree, f"/lib/udev/rules.d/{rules}", f"/usr/lib/udev/rules.d/{rules}")


def make_base():
    """CACHE/vmlinuz and CACHE/base.cpio, made again when there is another kernel or udev."""
    package = kernel_package()
    stamp = package + " " + run("dpkg-query", "-W", "-f", "${Package}=${Version} ", "udev", "systemd", "busybox-static") \
        + run("apt-cache", "policy", package).split("Candidate:")[1].split()[0] + str((HERE / "image.py").stat().st_mtime_ns)
    kept = CACHE / "stamp"
    if kept.exists() and kept.read_text() == stamp:
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        kernel, tree = unpack_kernel(package, folder), folder / "tree"
        skeleton(tree)
        put_debian(tree)
        put_modules(kernel, tree)
        shutil.copy(next((kernel / "boot").glob("vmlinuz-*")), CACHE / "vmlinuz")
        pack(tree, CACHE / "base.cpio")
    kept.write_text(stamp)


# ---- our part, made each time ----

def put_ours(tree):
    """What `make install` puts there, and what it needs of the system."""
    run("make", "-C", ROOT, "install", f"B={BUILD}", f"DESTDIR={tree}", "PREFIX=/usr")
    for program in ("usr/sbin/smsbridged", "usr/bin/smsbridge"):
        for library in libraries(tree / program):
            put(tree, library)
    for path in DATA:
        for source in [path] if os.path.isfile(path) else [os.path.join(path, f) for f in os.listdir(path)]:
            put(tree, source)
    put(tree, HERE / "init.sh", "/init")
    run(os.environ.get("CC", "gcc"), "-O1", "-Wall", "-Werror", "-o", tree / "bin/hold", HERE / "hold.c")
    etc = tree / "etc"
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\nsmsbridge:x:990:990:SMS gateway:/var/lib/smsbridge:/bin/sh\n")
    groups = Path("/etc/group").read_text().splitlines()
    (etc / "group").write_text("\n".join([*(g.rpartition(":")[0] + ":" + ("smsbridge" if g.startswith("dialout:") else "") for g in groups),
                                          "smsbridge:x:990:"]) + "\n")


def make():
    """(kernel, initramfs): the paths."""
    make_base()
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        tree = Path(name) / "tree"
        skeleton(tree)
        put_ours(tree)
        pack(tree, CACHE / "ours.cpio")
    image = CACHE / "initramfs"
    image.write_bytes((CACHE / "base.cpio").read_bytes() + (CACHE / "ours.cpio").read_bytes())
    return CACHE / "vmlinuz", image


if __name__ == "__main__":
    print(*make())
