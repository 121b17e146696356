"""smsbridge doctor, with and without a daemon: what it finds, and that it changes nothing."""
import http.server
import json
import os
import re
import subprocess
import sys
import termios
import threading

from daemon import BUILD, SLOW, TOKEN
from sim import Sim

QUERIES = re.compile(r"AT(|\+CGM[IMR]|\+CGSN|\+CSQ|\+\w+\?)")


def doctor(config, url="http://127.0.0.1:1", account=f"main:{TOKEN}"):
    run = subprocess.run([BUILD / "smsbridge", "--json", "--url", url, "--account", account, "doctor", "-c", config],
                         capture_output=True, text=True, timeout=120 * SLOW, check=False)
    assert run.returncode in (0, 1), run.stderr
    findings = json.loads(run.stdout)
    wrong = [f for f in findings if f["level"] == "attention"]
    assert run.returncode == bool(wrong), findings
    return findings


def about(findings, topic, level=None):
    return " | ".join(f["text"] for f in findings if f["topic"] == topic and level in (None, f["level"]))


def mends(findings, topic):
    return " | ".join(f["mend"] or "" for f in findings if f["topic"] == topic)


def configure(folder, port, **keys):
    path = folder / "smsbridged.conf"
    lines = ["[daemon]", f"state_dir = {folder / 'state'}", "[links]", "base_url = http://127.0.0.1:1", "[modem stick]",
             f"port = {port}", *[f"{key} = {value}" for key, value in keys.items()]]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    path.chmod(0o600)
    return path


def settings(port):
    fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        return termios.tcgetattr(fd)
    finally:
        os.close(fd)


def snapshot(folder):
    return {str(p): (p.lstat().st_mtime_ns, p.lstat().st_mode, p.lstat().st_size) for p in folder.rglob("*")
            if p.name != "said"}


def test_without_a_daemon_and_nothing_changes(tmp_path):
    with (tmp_path / "said").open("wb") as said, Sim(tmp_path / "sim", 1, "--trace", stderr=said) as sim:
        config = configure(tmp_path, sim.port(0))
        before = (settings(sim.port(0)), snapshot(tmp_path), sim.modem(0))
        findings = doctor(config)
        after = (settings(sim.port(0)), snapshot(tmp_path), sim.modem(0))
        modem = sim.modem(0)
    topic = f"port {sim.port(0)}"
    text = about(findings, topic)
    for found in ("of [modem stick]", "speaks AT", modem["imei"], "needs no PIN", "registered", "dBm", "SMSC +", "storage "):
        assert found in text, found
    assert not about(findings, topic, "attention")
    assert about(findings, "configuration") == str(config)
    assert "None" not in json.dumps(findings) and about(findings, "clock") and about(findings, "disk", "ok")
    assert before[0] == after[0] and before[1] == after[1]
    assert {k: v for k, v in before[2].items() if k != "opened"} == {k: v for k, v in after[2].items() if k != "opened"}
    asked = re.findall(r" < (.*)<0d>", (tmp_path / "said").read_text(encoding="utf-8", errors="replace"))
    assert asked and all(QUERIES.fullmatch(command) for command in asked), asked


def test_with_a_daemon(make_sim, make_daemon):
    sim = make_sim(1)
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"links": {"base_url": "http://s.invalid"}})
    daemon.wait_modem("m0")
    config = daemon.folder / "smsbridged.conf"
    findings = doctor(config, daemon.url)
    assert "it runs at" in about(findings, "daemon", "ok")
    assert re.search(r"(ready|sending) at .*, Simnet Mobile, home network, signal -\d+ dBm, SMSC \+",
                     about(findings, "modem m0", "ok")), findings
    assert "in use by smsbridged (pid" in about(findings, f"port {sim.port(0)}", "ok")
    assert "speaks AT" not in json.dumps(findings)
    assert about(findings, "links", "attention")
    sim.do("unplug", 0)
    daemon.wait_modem("m0", ("gone",))
    findings = doctor(config, daemon.url)
    assert "unplugged" in about(findings, "modem m0", "attention")
    assert "plug it in" in mends(findings, f"port {sim.port(0)}")
    assert "admin" in mends(doctor(config, daemon.url, "main:wrong"), "daemon")


def test_held_by_another_process(make_sim, tmp_path):
    sim = make_sim(1)
    config = configure(tmp_path, sim.port(0))
    hold = "import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", hold, sim.port(0)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        findings = doctor(config)
        holder.stdin.close()
    text = about(findings, f"port {sim.port(0)}", "attention")
    assert f"(pid {holder.pid})" in text and "held by " in text
    assert f"kill {holder.pid}" in mends(findings, f"port {sim.port(0)}")
    assert "speaks AT" not in json.dumps(findings)


def test_pin_is_wanted_and_not_tried(make_sim, tmp_path):
    sim = make_sim(1, "--pin", "4711")
    before = sim.modem(0)
    findings = doctor(configure(tmp_path, sim.port(0)))
    assert "none is configured" in about(findings, f"port {sim.port(0)}", "attention")
    findings = doctor(configure(tmp_path, sim.port(0), pin="1111"))
    assert "wants its PIN" in about(findings, f"port {sim.port(0)}", "ok")
    assert "1111" not in json.dumps(findings) and not sim.log(event="pin")
    assert {k: v for k, v in sim.modem(0).items() if k != "opened"} == {k: v for k, v in before.items() if k != "opened"}


def test_wrong_configuration_and_nobody_there(make_sim, tmp_path):
    sim = make_sim(1)
    config = configure(tmp_path, sim.port(0), baud="fast")
    text = about(doctor(config), "configuration", "attention")
    assert f"{config}:" in text and "baud" in text
    silent, other = os.openpty()
    config = configure(tmp_path, os.ttyname(other))
    topic = f"port {os.ttyname(other)}"
    assert "nothing that speaks AT" in about(doctor(config), topic, "attention")
    os.close(silent)
    os.close(other)
    findings = doctor(configure(tmp_path, "/dev/ttyUSB77"))
    assert "not there" in about(findings, "port /dev/ttyUSB77", "attention")


def test_state_folder_that_is_open_to_others(make_sim, tmp_path):
    sim = make_sim(1)
    config = configure(tmp_path, sim.port(0))
    (tmp_path / "state").mkdir(mode=0o755)
    findings = doctor(config)
    assert "open to others" in about(findings, "state", "attention")
    assert mends(findings, "state") == f"sudo chmod 0750 {tmp_path / 'state'}"
    (tmp_path / "state").chmod(0o750)
    assert about(doctor(config), "state", "ok")


class Foreign(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"User-agent: *\nAllow: /\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_where_short_links_lead(make_sim, make_daemon, tmp_path):
    daemon = make_daemon(modems={"m0": make_sim(1).port(0)})
    config = tmp_path / "c.conf"

    def links(base_url):
        config.write_text(f"[links]\nbase_url = {base_url}\n" if base_url else "", encoding="ascii")
        return [f for f in doctor(config) if f["topic"] == "links"][0]
    ours = links(daemon.links_url)
    assert ours["level"] == "ok" and "it is smsbridge" in ours["text"], ours
    assert links("http://127.0.0.1:1")["level"] == "attention"
    assert "not set" in links("")["text"]
    server = http.server.HTTPServer(("127.0.0.1", 0), Foreign)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        assert "not smsbridge" in links(f"http://127.0.0.1:{server.server_port}")["text"]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_for_people(make_sim, tmp_path):
    config = configure(tmp_path, make_sim(1).port(0))
    run = subprocess.run([BUILD / "smsbridge", "--url", "http://127.0.0.1:1", "doctor", "-c", config], cwd=tmp_path,
                         capture_output=True, text=True, timeout=120 * SLOW, check=False)
    assert run.returncode == 1 and not run.stderr
    lines = run.stdout.splitlines()
    assert re.fullmatch(r"\d+ things? to mend", lines[-1])
    assert all(re.match(r"(ok  |note|!!  ) [^:]+: ", line) for line in lines[:-1]), run.stdout
    assert all(".  Mend: " in line for line in lines if line.startswith("!!"))
