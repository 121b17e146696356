#!/usr/bin/python3
"""make bench: figures of this machine, printed, never judged.

Each one against the real programs: smsbridged, modemsim as the hardware, wrk as the clients, nginx beside the redirects.
    bench.py [NAME ...]     only these; without names all of them
"""
import base64
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from daemon import BUILD, TOKEN, Daemon, until      # noqa: E402
from sim import Sim                                 # noqa: E402

AUTHORIZATION = "Basic " + base64.b64encode(f"main:{TOKEN}".encode()).decode()
SECONDS = int(os.environ.get("BENCH_SECONDS", "10"))


def say(name, text):
    print(f"{name:32} {text}", flush=True)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mib(pid):
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024


def wrk(url, script, *args, connections=16, core=None, seconds=SECONDS):
    """(requests a second, median ms, 99 % ms); anything but success is said."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(HERE / script), url, "--", *args]
    if core is not None:
        command = ["taskset", "-c", str(core), *command]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests, micros, bad_status, bad_socket = map(int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", out).groups())
    median, slow = map(int, re.search(r"LATENCY (\d+) (\d+)", out).groups())
    if bad_status or bad_socket:
        say("  not well", f"{bad_status} bad statuses, {bad_socket} socket errors of {requests}")
    return requests * 1e6 / micros, median / 1000, slow / 1000


class Bench:
    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="smsbridge-bench-"))
        self.running = []

    def sim(self, modems, *options):
        sim = Sim(self.folder / f"sim{len(self.running)}", modems, *options)
        self.running.append(sim)
        sim.start()
        return sim

    def daemon(self, modems, **sections):
        daemon = Daemon(self.folder / f"daemon{len(self.running)}", modems=modems,
                        sections={"daemon": {"log_level": "info"}, **sections})
        self.running.append(daemon)
        daemon.start()
        return daemon

    def close(self):
        for each in reversed(self.running):
            each.stop()
        self.running = []

    # ---- sending ----
    def send_many(self, name, modems, messages, *options):
        sim = self.sim(modems, *options)
        daemon = self.daemon({f"m{i}": sim.port(i) for i in range(modems)})
        for i in range(modems):
            daemon.wait_modem(f"m{i}")
        body = {"message": "bench: your code is 123456", "sender": "bench"}
        for start in range(0, messages, 1000):
            recipients = [f"+49151{start + i:08d}" for i in range(min(1000, messages - start))]
            answer = daemon.http.post(f"{daemon.url}/sms/messages/", json={**body, "recipient": recipients}, timeout=60)
            assert answer.status_code == 201, answer.text
        # What is measured begins and ends while the queue is full.
        first = self.sent(daemon)
        began, cpu = time.monotonic(), cpu_seconds(daemon.process.pid)
        sim_cpu = cpu_seconds(sim.process.pid)
        until("all are sent", lambda: self.sent(daemon) >= messages, 600)
        took, count = time.monotonic() - began, messages - first
        used = cpu_seconds(daemon.process.pid) - cpu
        say(name, f"{count / took:8.0f} messages/s, {used / count * 1000:.3f} ms CPU a message, "
                  f"RSS {rss_mib(daemon.process.pid):.1f} MiB, simulator {(cpu_seconds(sim.process.pid) - sim_cpu) / took * 100:.0f} % CPU")
        until("reports arrive", lambda: self.delivered(daemon), 60)
        self.close()
        return count / took

    @staticmethod
    def sent(daemon):
        return sum(m["sent"] for m in daemon.http.get(f"{daemon.url}/modems/", timeout=30).json())

    @staticmethod
    def delivered(daemon):
        newest = daemon.http.get(f"{daemon.url}/sms/messages/?limit=1", timeout=30).json()
        return newest and newest[0]["status"] == "DELIVERED"

    def one_modem(self):
        self.send_many("one instant modem", 1, 10000, "--instant")

    def eight_modems(self):
        self.send_many("eight instant modems", 8, 20000, "--instant")

    def overhead(self):
        """Beside the network's own 500 ms a message: by the simulator's clock, from one answer to the next."""
        count = 21
        sim = self.sim(1, "--submit-delay", "500")
        daemon = self.daemon({"m0": sim.port(0)})
        daemon.wait_modem("m0")
        for i in range(count):
            daemon.send(f"+49151{i:08d}", "bench: your code is 123456")
        until("all are sent", lambda: self.sent(daemon) >= count, 60)
        at = [e["t_ms"] for e in sim.log() if e["event"] == "answer"]
        each = (at[-1] - at[0]) / (len(at) - 1)
        say("one modem of 500 ms", f"{each:.1f} ms a message: {(each / 500 - 1) * 100:.2f} % over the network's own time")
        self.close()

    def idle(self):
        sim = self.sim(8)
        daemon = self.daemon({f"m{i}": sim.port(i) for i in range(8)})
        for i in range(8):
            daemon.wait_modem(f"m{i}")
        time.sleep(3)
        began, cpu = time.monotonic(), cpu_seconds(daemon.process.pid)
        time.sleep(20)
        share = (cpu_seconds(daemon.process.pid) - cpu) / (time.monotonic() - began)
        say("idle, eight modems", f"{share * 100:.2f} % CPU, RSS {rss_mib(daemon.process.pid):.1f} MiB")
        self.close()

    # ---- accepting ----
    def accept(self):
        daemon = self.daemon({})
        for name, track in (("accept, 16 clients", "plain"), ("accept tracked, 16 clients", "track")):
            cpu, began = cpu_seconds(daemon.process.pid), time.monotonic()
            rate, median, slow = wrk(f"{daemon.url}/sms/messages/", "post.lua", AUTHORIZATION, track)
            used = (cpu_seconds(daemon.process.pid) - cpu) / (time.monotonic() - began)
            say(name, f"{rate:8.0f} a second, each on disk before its 201; median {median:.2f} ms, 99 % {slow:.2f} ms, "
                      f"{used * 100:.0f} % CPU, RSS {rss_mib(daemon.process.pid):.1f} MiB")
        self.close()

    # ---- links ----
    def tracked(self, count):
        """A daemon with `count` tracked messages that were sent; the paths of their links."""
        sim = self.sim(1, "--instant")
        daemon = self.daemon({"m0": sim.port(0)})
        daemon.wait_modem("m0")
        msgids = []
        for start in range(0, count, 1000):
            answer = daemon.http.post(f"{daemon.url}/sms/messages/", timeout=60, json={
                "message": "offer https://shop.example.com/sale?utm_source=sms today", "sender": "bench", "track_link": "true",
                "recipient": [f"+49151{start + i:08d}" for i in range(min(1000, count - start))]})
            assert answer.status_code == 201, answer.text
            msgids += [m["msgid"] for m in answer.json()]
        until("all are sent", lambda: self.sent(daemon) >= count, 300)
        listed = daemon.http.get(f"{daemon.url}/sms/messages/", timeout=60).json()
        assert len(listed) == count
        paths = self.folder / "paths"
        paths.write_text("".join("/" + m["link_tracking"]["shortlink"].rsplit("/", 1)[1] + "\n" for m in listed), encoding="ascii")
        return daemon, paths, [m["link_tracking"]["link"] for m in listed]

    def nginx(self, folder, location):
        folder.mkdir()
        port = 18431
        (folder / "nginx.conf").write_text(f"""
            worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
            events {{ worker_connections 1024; }}
            http {{ access_log off; keepalive_requests 100000000;
                server {{ listen 127.0.0.1:{port}; return 302 "{location}"; }} }}""", encoding="ascii")
        process = subprocess.Popen(["taskset", "-c", "0", "/usr/sbin/nginx", "-p", folder, "-c", folder / "nginx.conf"],
                                   stderr=subprocess.DEVNULL)
        time.sleep(1)
        return process, f"http://127.0.0.1:{port}"

    def redirects(self):
        """Later taps: the daemon and nginx each alone on core 0, wrk on core 1, three times in turn."""
        daemon, paths, links = self.tracked(1000)
        wrk(daemon.links_url, "get.lua", str(paths), connections=32, core=1, seconds=3)     # the first taps
        nginx, nginx_url = self.nginx(self.folder / "nginx", links[0])
        subprocess.run(["taskset", "-a", "-p", "-c", "0", str(daemon.process.pid)], check=True, stdout=subprocess.DEVNULL)
        ratios = []
        try:
            for _ in range(3):
                ours, median, slow = wrk(daemon.links_url, "get.lua", str(paths), connections=32, core=1)
                theirs, _, _ = wrk(nginx_url, "get.lua", str(paths), connections=32, core=1)
                ratios.append(ours / theirs)
                say("redirects, later taps", f"{ours:8.0f} a second (median {median:.2f} ms, 99 % {slow:.2f} ms); "
                                             f"nginx's static 302 {theirs:.0f}; ratio {ours / theirs:.2f}")
        finally:
            nginx.terminate()
            nginx.wait()
        say("  ratio, median", f"{statistics.median(ratios):.2f}, RSS {rss_mib(daemon.process.pid):.1f} MiB")
        self.close()

    def first_taps(self):
        """Each link once: a tap is on disk before its redirect."""
        count = 20000
        daemon, paths, _ = self.tracked(count)
        began = time.monotonic()
        out = subprocess.run([sys.executable, str(HERE / "taps.py"), daemon.links, str(paths), "64"],
                             capture_output=True, text=True, check=True).stdout
        say("first taps, 64 visitors", f"{count / (time.monotonic() - began):8.0f} a second ({out.strip()})")
        self.close()


def main():
    names = ["one_modem", "eight_modems", "overhead", "idle", "accept", "redirects", "first_taps"]
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text(encoding="ascii"))
    say("machine", f"{os.cpu_count()} x {cpu.group(1) if cpu else platform.machine()}, Linux {platform.release()}, load {os.getloadavg()[0]:.2f}")
    for program in sorted(BUILD.glob("bench/*")):
        if os.access(program, os.X_OK) and program.is_file():
            subprocess.run([program], check=True)
    for name in sys.argv[1:] or names:
        bench = Bench()
        try:
            getattr(bench, name)()
        finally:
            bench.close()
            shutil.rmtree(bench.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
