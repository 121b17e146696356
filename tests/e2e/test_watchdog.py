"""The service manager's watchdog and /healthz: fed while every thread looks around, and not when one hangs."""
import os
import socket
import time

import pytest
import requests

from daemon import SLOW, until
from preload import preload

WATCHDOG_S = 4 * min(SLOW, 2)


class Manager:
    """The service manager's end of sd_notify(3)."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.env = {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}

    def next(self, seconds):
        """The next word, or None."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(4096).decode()
        except TimeoutError:
            return None

    def drain(self):
        words = []
        while word := self.next(0.01):
            words.append(word)
        return words


@pytest.fixture
def manager(tmp_path):
    manager = Manager(tmp_path)
    yield manager
    manager.socket.close()


@pytest.fixture
def hang(make_daemon, tmp_path):
    """The file that says which thread hangs; gone before the daemon is asked to stop."""
    path = tmp_path / "hang"
    yield path
    path.unlink(missing_ok=True)


def health(daemon):
    return requests.get(daemon.url + "/healthz", timeout=20 * SLOW)


def illness(daemon):
    answer = health(daemon)
    return answer.json()["detail"] if answer.status_code == 503 else ""


def test_ready_alive_stopping(manager, make_daemon):
    daemon = make_daemon(env=manager.env)
    assert manager.next(10 * SLOW) == "READY=1"
    for _ in range(2):
        assert manager.next(10 * SLOW) == "WATCHDOG=1"
    assert daemon.stop() == 0
    assert set(manager.drain()) >= {"STOPPING=1"}


@pytest.mark.parametrize("thread", ["modem m0", "http links", "callbacks"])
def test_a_thread_hangs(thread, manager, sim, make_daemon, hang):
    """Named in /healthz within half the watchdog's time, not fed from then on, and all is well when it goes on."""
    daemon = make_daemon(modems={"m0": sim.port(0)}, env={**manager.env, **preload("hang"), "SMSBRIDGE_HANG": str(hang)})
    daemon.wait_modem("m0")
    assert health(daemon).status_code == 200
    hang.write_text(thread)
    assert f'"{thread}" hangs' in until("it is noticed", lambda: illness(daemon), 10)
    time.sleep(1.5 * SLOW)      # a word that was on its way
    manager.drain()
    assert manager.next(3 * SLOW) is None
    hang.unlink()
    until("it is well again", lambda: health(daemon).status_code == 200)
    assert manager.next(5 * SLOW) == "WATCHDOG=1"
    assert f'the thread "{thread}" hangs' in daemon.log_text() and f'the thread "{thread}" goes on' in daemon.log_text()


@pytest.mark.parametrize("thread", ["store", "http api"])
def test_a_thread_hangs_that_health_needs(thread, manager, sim, make_daemon, hang):
    """The store's: main waits for it, so does the watchdog.  The API's: nobody can ask, but the watchdog is not fed."""
    daemon = make_daemon(modems={"m0": sim.port(0)}, env={**manager.env, **preload("hang"), "SMSBRIDGE_HANG": str(hang)})
    daemon.wait_modem("m0")
    hang.write_text(thread)
    if thread == "store":       # the disk hangs in the commit that this waits for
        with pytest.raises(requests.Timeout):
            daemon.http.post(f"{daemon.url}/sms/messages/", timeout=2, data={
                "recipient": "+4915112345678", "message": "held", "sender": "s"})
        assert '"store" hangs' in until("it is noticed", lambda: illness(daemon), 10)
    time.sleep(WATCHDOG_S / 2 + 1.5 * SLOW)
    manager.drain()
    assert manager.next(3 * SLOW) is None
    hang.unlink()
    until("fed again", lambda: manager.next(1) == "WATCHDOG=1")
    assert health(daemon).status_code == 200


def test_a_modem_that_takes_long_is_no_reason(manager, make_sim, make_daemon):
    """+CMGS may be unanswered for minutes: its thread looks around all the same."""
    sim = make_sim(1, "--submit-delay", int((WATCHDOG_S + 2) * 1000))
    daemon = make_daemon(modems={"m0": sim.port(0)}, env=manager.env)
    daemon.wait_modem("m0")
    msgid = daemon.send("+4915112345678", "slow")
    end = time.monotonic() + WATCHDOG_S
    manager.drain()
    while time.monotonic() < end:
        assert manager.next(WATCHDOG_S / 2) == "WATCHDOG=1"
        assert health(daemon).status_code == 200
    daemon.wait_status(msgid, "DELIVERED")
    assert sim.texts("+4915112345678") == ["slow"]


def test_watched_is_another_process(manager, make_daemon):
    """WATCHDOG_PID of somebody else: the time is not meant for us."""
    make_daemon(env={**manager.env, "WATCHDOG_USEC": "1", "WATCHDOG_PID": str(os.getpid())})
    assert manager.next(10 * SLOW) == "READY=1"
    assert manager.next(10 * SLOW) == "WATCHDOG=1"
