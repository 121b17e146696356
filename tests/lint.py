#!/usr/bin/python3
"""What the style (docs/design.md) can check by itself: include rules, banned functions, long functions, format.

Prints one line a finding, file:line first; exit status 1 when there is any.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUNCTION_MAX = 60
FILE_MAX = 600

# One foreign library, one home.
HOMES = {
    "libserialport.h": {"modem/port.c", "modem/usb_bus.c"},
    "libudev.h": {"modem/usb.c", "modem/usb_bus.c"},
    "microhttpd.h": re.compile(r"src/http(_\w+)?\.c"),
    "curl/curl.h": {"src/callback.c", "src/callback_post.c", "src/url.c", "src/ctl_http.c", "tests/sim/tap.c"},
    "sqlite3.h": re.compile(r"src/store(_\w+)?\.[ch]"),
    "ini.h": {"src/config.c", "src/quirks_file.c"},
    "libpsl.h": {"src/link.c", "src/link_psl.c"},
    "nettle": {"src/hash.c"},
}
GROUND = {"err", "log", "buf", "clock", "text", "pulse", "metrics"}
TREATY = GROUND | {"sms", "modem"}
# Layers of src/: a file may use its own layer only where both belong to one module, and what lies below.
SERVICES = {"quirks", "http", "store", "config", "link", "url", "hash", "agent", "phone", "status", "notify", "words", "secret", "accounts", "trace"}
FEATURES = {"api", "redirect", "farm", "callback"}
BANNED = re.compile(
    r"\b(sprintf|vsprintf|strcpy|strcat|strncpy|strncat|strtok|atoi|atol|atof|gets|"
    r"scanf|fscanf|sscanf|alloca|localtime|gmtime|time|sleep|usleep|system|popen)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def strip(text):
    """The code without comments and the insides of strings, lines kept."""
    def blank(match):
        return '""' + "\n" * match.group().count("\n")
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def module(name):
    return name.split("_")[0]


def library_findings(path, header):
    for library, homes in HOMES.items():
        if header == library or header.startswith(library + "/"):
            at_home = homes.fullmatch(path) if hasattr(homes, "fullmatch") else path in homes
            if not at_home:
                yield f"<{header}> has another home"


def own_findings(path, header):
    """Who may include whom (docs/design.md)."""
    here, stem = Path(path).parts[0], Path(path).stem
    name = Path(header).stem
    if name in TREATY:
        if path.startswith("include/") and name not in TREATY:
            yield f"the treaty includes {header}"
        return
    if here == "modem" and not (ROOT / "modem" / header).exists():
        yield f"modem/ includes {header}"
    if here == "src" and not (ROOT / "src" / header).exists():
        yield f"src/ includes {header}"
    if here == "src" and module(stem) in FEATURES and module(name) in FEATURES and module(stem) != module(name):
        yield f"a feature includes another: {header}"
    if here == "src" and module(stem) in SERVICES and module(name) in FEATURES:
        yield f"a service includes a feature: {header}"
    if here == "src" and module(stem) in GROUND and name not in TREATY:
        yield f"the ground floor includes {header}"
    if here == "tests" and path.startswith("tests/sim/") and not (ROOT / "tests/sim" / header).exists():
        yield f"the simulator includes {header}"


def wire_findings(path, header):
    """port and at know no SMS."""
    if re.fullmatch(r"modem/(at|port)(_\w+)?\.[ch]", path) and Path(header).stem in {"sms", "modem"}:
        yield f"the wire includes {header}"
    if re.fullmatch(r"modem/(gsm7|sms)(_\w+)?\.[ch]", path) and Path(header).stem in {"at", "port", "modem", "log"}:
        yield f"the codec includes {header}"


def include_findings(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        found = INCLUDE.match(line)
        if not found:
            continue
        kind, header = found.groups()
        checks = [library_findings] if kind == "<" else [own_findings, wire_findings]
        if path.startswith("tests/") and not path.startswith("tests/sim/"):
            checks = []
        for check in checks:
            for finding in check(path, header):
                yield f"{path}:{number}: {finding}"


def banned_findings(path, code):
    for number, line in enumerate(code.splitlines(), 1):
        for found in BANNED.finditer(line):
            before = line[:found.start()].rstrip()
            if not before.endswith((".", "->")):
                yield f"{path}:{number}: {found.group(1)} is banned"


def length_findings(files):
    out = subprocess.run(["ctags", "-x", "--c-kinds=f", "--_xformat=%{end} %n %N %F", "-L", "-"],
                         input="\n".join(files), capture_output=True, text=True, check=True, cwd=ROOT).stdout
    for row in out.splitlines():
        end, start, name, path = row.split(" ", 3)
        if end.isdigit() and int(end) - int(start) + 1 > FUNCTION_MAX:
            yield f"{path}:{start}: {name} has {int(end) - int(start) + 1} lines, over {FUNCTION_MAX}"


def format_findings(files):
    run = subprocess.run(["clang-format", "--dry-run", "--ferror-limit=1", *files],
                         capture_output=True, text=True, check=False, cwd=ROOT)
    for line in run.stderr.splitlines():
        if "clang-formatted" in line:
            yield line.split(": warning")[0] + ": not as clang-format lays it out"


def main():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.c", "*.h"], capture_output=True,
                            text=True, check=True, cwd=ROOT).stdout.split()
    files = [f for f in listed if (ROOT / f).exists()]
    findings = []
    for path in files:
        text = (ROOT / path).read_text(encoding="utf-8")
        findings += include_findings(path, text)
        findings += banned_findings(path, strip(text))
        lines = text.count("\n")
        if lines > FILE_MAX:
            findings.append(f"{path}:1: {lines} lines, over {FILE_MAX}")
    findings += length_findings(files)
    findings += format_findings([f for f in files if f.endswith(".c")])
    print("\n".join(findings) if findings else f"lint: {len(files)} files, nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
