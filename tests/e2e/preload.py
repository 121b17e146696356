"""Our own functions in front of libc's: tests/e2e/preload_NAME.c, compiled by the Makefile, behind a sanitizer's runtime."""
import subprocess

from daemon import BUILD


def sanitizers():
    """The runtimes that the daemon is linked with: they must be loaded first."""
    needed = subprocess.run(["ldd", BUILD / "smsbridged"], capture_output=True, text=True, check=True).stdout
    return [line.split()[2] for line in needed.splitlines() if "libasan" in line or "libtsan" in line]


def preload(name, **env):
    """What a Daemon's env takes."""
    made = BUILD / f"preload_{name}.so"
    assert made.exists(), f"make {made}"
    return {"LD_PRELOAD": ":".join([*sanitizers(), str(made)]), **{key: str(value) for key, value in env.items()}}
