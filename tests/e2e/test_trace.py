"""The dialogue with a modem as a transcript: masked, replayable, and nothing while nobody listens."""
import os
import re
import subprocess
import threading

import pytest
import requests

from daemon import BUILD, SLOW, TOKEN, until

NUMBER = "+4915112345678"


class Listener:
    """smsbridge trace, running."""

    def __init__(self, daemon, *args):
        self.process = subprocess.Popen(
            [BUILD / "smsbridge", "--url", daemon.url, "--account", f"main:{TOKEN}", "trace", *args],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        until("it is connected", lambda: self.lines)

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    def text(self):
        return "".join(self.lines)

    def wait(self, what):
        until(what, lambda: what in self.text())
        return self.text()

    def stop(self):
        self.process.terminate()
        self.process.wait(20 * SLOW)
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return self.text()


@pytest.fixture
def listen():
    running = []

    def start(daemon, *args):
        running.append(Listener(daemon, *args))
        return running[-1]
    yield start
    for listener in running:
        if listener.process.poll() is None:
            listener.stop()


def secrets(sim):
    """Everything of the modem and its card that is nobody's business."""
    modem = sim.modem(0)
    return [modem["imei"], modem["number"].lstrip("+"), NUMBER.lstrip("+")]


def busy(sim, daemon):
    """Start-up, PIN, an SMS out with its report, one in, a USSD, a call."""
    sim.do("unplug", 0)
    daemon.wait_modem("m0", ("gone",))
    sim.do("replug", 0)
    daemon.wait_modem("m0")
    daemon.wait_status(daemon.send(NUMBER, "Secret word", modem="m0"), "DELIVERED", 60)
    sim.do("inject", 0, "+491701111111", "Hush hush")
    until("it arrived", lambda: daemon.http.get(f"{daemon.url}/sms/inbox/", timeout=60).json())
    answer = daemon.http.post(f"{daemon.url}/modems/m0/ussd", json={"code": "*100#"}, timeout=60)
    assert answer.status_code == 200
    sim.do("say", 0, '+CLIP: "+491702222222",145')


def swapped(number):
    digits = number + "F" * (len(number) % 2)
    return "".join(digits[i + 1] + digits[i] for i in range(0, len(digits), 2))


def test_masked(make_sim, make_daemon, listen):
    sim = make_sim(1, "--pin", "8642")
    daemon = make_daemon(modems={"m0": {"port": sim.port(0), "pin": "8642"}})
    daemon.wait_modem("m0")
    listener = listen(daemon, "m0")
    busy(sim, daemon)
    text = listener.wait("+CLIP: ")
    text = listener.stop()
    lines = text.splitlines()
    assert lines[0].startswith("# modem m0, smsbridge ") and lines[0].endswith("masked")
    assert all(re.match(r"[<>#] ", line) for line in lines)
    assert "> AT+CPMS" in text and "\\x1a" in text and "+CUSD: " in text
    identity = daemon.modem("m0")
    hidden = secrets(sim) + ["491701111111", "491702222222", "8642", identity["iccid"], identity["imsi"],
                             identity["smsc"].lstrip("+"), "Balance"]
    for word in hidden:
        assert word not in text, word
        if word.isdigit() and len(word) > 6:
            assert swapped(word) not in text, word
    for said in ("Secret word", "Hush hush"):       # as septets, packed: 23.038 6.1.2.1
        bits = sum(ord(c) << (7 * i) for i, c in enumerate(said))
        packed = bits.to_bytes((7 * len(said) + 7) // 8, "little").hex().upper()
        assert packed[:12] not in text


def test_unmasked_but_never_the_pin(make_sim, make_daemon, listen):
    sim = make_sim(1, "--pin", "8642")
    daemon = make_daemon(modems={"m0": {"port": sim.port(0), "pin": "8642"}})
    daemon.wait_modem("m0")
    listener = listen(daemon, "--unmasked", "m0")
    busy(sim, daemon)
    listener.wait("+CLIP: ")
    text = listener.stop()
    assert sim.modem(0)["imei"] in text and swapped(NUMBER.lstrip("+")) in text and "Balance" in text
    assert "8642" not in text


def found(pattern, text):
    match = re.search(pattern, text)
    assert match, f"{pattern} is not in:\n{text}"
    return match.group(1)


def recipient_of(submit):
    """Of a PDU with its SMSC in front: 23.040 9.2.2.2, international."""
    at = 2 + 2 * int(submit[:2], 16) + 4
    digits = int(submit[at:at + 2], 16)
    return "+" + swapped(submit[at + 4:at + 4 + digits + digits % 2])[:digits]


def test_a_masked_trace_replays(sim, daemon, listen, tmp_path):
    """Saved, it is a transcript: the real modem code starts, sends and understands the report with it."""
    listener = listen(daemon, "m0")
    sim.do("unplug", 0)
    daemon.wait_modem("m0", ("gone",))
    sim.do("replug", 0)
    daemon.wait_modem("m0")
    daemon.wait_status(daemon.send(NUMBER, "Secret word"), "DELIVERED", 60)
    text = listener.stop()
    imei = found(r"> AT\+CGSN\\r\n< (?:\\r\\n)?(\d{15})", text)
    imsi = found(r"> AT\+CIMI\\r\n< (?:\\r\\n)?(\d{15})", text)
    iccid = swapped(found(r'\+CRSM: 144,0,"([0-9A-F]{20})"', text)).rstrip("F")
    mr = found(r"\+CMGS: (\d+)", text)
    to = recipient_of(found(r"> ([0-9A-F]+)\\x1a", text))
    assert imei.startswith("99999") and to.startswith("+99999")
    expected = ["! send +4912345 other", f"= identified {imei} {iccid} {imsi}", f"= sent 1 mr={mr}",
                f"= report mr={mr} st=00 {to}"]
    (tmp_path / "mine.at").write_text(text + "\n".join(expected) + "\n", encoding="ascii")
    replay = BUILD / "unit" / "modem_replay_test"
    run = subprocess.run([replay], env={**os.environ, "TRANSCRIPTS": str(tmp_path)}, capture_output=True, text=True,
                         timeout=120 * SLOW, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_unknown_and_forbidden(make_daemon, sim):
    daemon = make_daemon(modems={"m0": sim.port(0)},
                         accounts={"main": {"token": TOKEN, "admin": "yes"}, "shop": {"token": "other-token"}})
    url = f"{daemon.url}/modems/m0/trace"
    assert requests.get(url, auth=("shop", "other-token"), timeout=60).status_code == 403
    assert requests.get(url, timeout=60).status_code == 401
    assert daemon.http.get(f"{daemon.url}/modems/nosuch/trace", timeout=60).status_code == 404
    assert daemon.http.get(f"{url}?unmasked=perhaps", timeout=60).status_code == 400
    assert daemon.http.post(url, timeout=60).status_code == 405
    run = subprocess.run([BUILD / "smsbridge", "--url", daemon.url, "--account", f"main:{TOKEN}", "trace", "nosuch"],
                         capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1 and run.stderr


def test_listeners_that_do_not_read_hold_nobody_up(sim, daemon):
    """Eight that never read; messages go on, and the service stops in its time."""
    streams = [requests.get(f"{daemon.url}/modems/m0/trace", auth=("main", TOKEN), stream=True, timeout=60)
               for _ in range(8)]
    assert all(stream.status_code == 200 for stream in streams)
    for i in range(20):
        daemon.wait_status(daemon.send(f"+49151000000{i:02d}", "n"), "DELIVERED", 60)
    assert daemon.stop() == 0
    for stream in streams:
        stream.close()


def test_timeout_ends_it(daemon):
    run = subprocess.run([BUILD / "smsbridge", "--url", daemon.url, "--account", f"main:{TOKEN}", "--timeout", "2",
                          "trace", "m0"], capture_output=True, text=True, timeout=60 * SLOW, check=False)
    assert run.returncode == 0 and run.stdout.startswith("# modem m0"), run.stderr
