#!/usr/bin/python3
"""make demo: the main job, shown running on simulated hardware.

A modem comes up, a tracked SMS is accepted over REST, the handset shows it with a short link, the delivery report arrives,
the link is tapped, the status shows it, the callback has been received.  Exit status 0 only when all of that was seen.
"""
import base64
import http.server
import json
import shutil
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "e2e"))
from daemon import TOKEN, Daemon, until     # noqa: E402
from sim import Sim                         # noqa: E402

RECIPIENT = "+4915112345678"
TEXT = "Your parcel https://shop.example.com/track?id=12345&lang=en arrives today"


class Receiver(http.server.ThreadingHTTPServer):
    """Where the callbacks go."""

    def __init__(self):
        self.received = []
        received = self.received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.path, json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"

    def at(self, path):
        return next((body for where, body in self.received if where == "/" + path), None)


def step(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def show(text):
    print("    " + text.replace("\n", "\n    "), flush=True)


def rest(daemon, path, fields=None):
    """The plain HTTP that any program would use."""
    request = urllib.request.Request(daemon.url + path, headers={
        "Authorization": "Basic " + base64.b64encode(f"main:{TOKEN}".encode()).decode(),
        "Content-Type": "application/json"}, data=json.dumps(fields).encode() if fields else None)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return answer.status, json.load(answer)


def run(folder, cleanup):
    step("1. A simulated modem on a pty, and smsbridged driving it")
    sim = Sim(folder / "sim", 1)
    cleanup.append(sim.stop)
    sim.start()
    daemon = Daemon(folder / "daemon", modems={"stick": sim.port(0)}, sections={"daemon": {"log_level": "info"}})
    cleanup.append(daemon.stop)
    daemon.start()
    modem = daemon.wait_modem("stick")
    show(f"modem {modem['name']}: {modem['state']}, {modem['registration']}, operator {modem['operator']}, IMEI {modem['imei']}")
    show(f"API {daemon.url}, short links {daemon.links_url}")

    step("2. POST /sms/messages/ with track_link=true")
    receiver = Receiver()
    cleanup.append(receiver.shutdown)
    fields = {"recipient": RECIPIENT, "sender": "smsbridge", "message": TEXT, "track_link": "true",
              "callbackurl": receiver.url("delivery"), "lt_callbackurl": receiver.url("tapped")}
    show(json.dumps(fields, indent=2))
    status, answer = rest(daemon, "/sms/messages/", fields)
    show(f"{status} {json.dumps(answer)}")
    msgid = answer[0]["msgid"]

    step("3. The handset")
    text = sim.wait(RECIPIENT)[0]["text"]
    show(text)
    short = next(word for word in text.split() if word.startswith("http"))
    assert short.startswith(daemon.links_url + "/") and "shop.example.com" not in text

    step("4. The delivery report: GET /sms/messages/<msgid>/")
    status = daemon.wait_status(msgid, "DELIVERED")
    show(json.dumps(status, indent=2))
    assert status["link_tracking"]["accessed"] is False
    assert until("the delivery callback", lambda: receiver.at("delivery"))["status"] == "DELIVERED"

    step("5. The recipient taps the link")
    tap = sim.tap(RECIPIENT)
    show(f"{tap['status']} Location: {tap['location']}")
    assert tap["status"] == 302 and tap["location"] == "https://shop.example.com/track?id=12345&lang=en"

    step("6. The status now, and the callback that lt_callbackurl got")
    status = daemon.status(msgid)
    show(json.dumps(status["link_tracking"], indent=2))
    assert status["link_tracking"]["accessed"] is True and status["link_tracking"]["accessed_on"]
    body = until("the click callback", lambda: receiver.at("tapped"))
    show(f"POST {receiver.url('tapped')}\n{json.dumps(body)}")
    assert body["msgid"] == msgid and body["link_tracking"]["accessed"] is True
    step("All of it was seen.")


def main():
    folder = Path(tempfile.mkdtemp(prefix="smsbridge-demo-"))
    cleanup = []
    try:
        run(folder, cleanup)
    finally:
        for stop in reversed(cleanup):
            stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
