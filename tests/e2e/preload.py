"""LD_PRELOAD for a daemon under test."""
import subprocess

from daemon import BUILD


def preload(name):
    """One of tests/e2e/preload_*.c, behind the sanitizer's runtime where there is one: that must come first."""
    needed = subprocess.run(["ldd", BUILD / "smsbridged"], capture_output=True, text=True, check=True).stdout
    runtimes = [line.split()[2] for line in needed.splitlines() if "libasan" in line or "libtsan" in line]
    return {"LD_PRELOAD": ":".join([*runtimes, str(BUILD / f"preload_{name}.so")])}
