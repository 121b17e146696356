"""A receiver's name that comes to have another address: the one about to be opened is judged, at every try."""
import os

import pytest

from daemon import until
from preload import preload
from receiver import Receiver

NUMBER = "+4915112345678"


class Name:
    """The address of rebinding.test."""

    def __init__(self, path):
        self.path, self.log = path, path.with_name(path.name + ".asked")
        self.env = preload("names", PRELOAD_NAMES=path)

    def is_at(self, address):
        fresh = self.path.with_name(self.path.name + ".new")
        fresh.write_text(address, encoding="ascii")
        os.replace(fresh, self.path)

    def asked(self):
        return self.log.read_text(encoding="ascii").split() if self.log.exists() else []


@pytest.fixture
def name(tmp_path):
    return Name(tmp_path / "names")


def fail(daemon, url):
    """A message that ends at once, so that its delivery callback is due now."""
    msgid = daemon.send(NUMBER, "x", callbackurl=url)
    assert daemon.http.delete(f"{daemon.url}/sms/messages/{msgid}/", timeout=30).status_code == 204


def given_up(daemon):
    answer = daemon.http.get(f"{daemon.url}/callbacks/?state=failed", timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("allow, first, then", [
    ("loopback", "127.0.0.1", "::ffff:169.254.169.254"),
    ("::1/128", "::1", "127.0.0.1"),
])
def test_changed_between_two_tries(make_daemon, name, allow, first, then):
    """A restart forgets the address that libcurl keeps for a minute."""
    name.is_at(first)
    with Receiver(first) as good:
        good.on("/d", 500)
        daemon = make_daemon(sections={"callbacks": {"allow": allow, "schedule": "0, 1s", "timeout": "5s"}}, env=name.env)
        fail(daemon, f"http://rebinding.test:{good.port}/d")
        until("the first try", lambda: good.at("/d"))
        daemon.stop()
        name.is_at(then)
        daemon.start()
        [row] = until("given up", lambda: given_up(daemon))
        assert name.asked() == [first, then]
        assert len(good.at("/d")) == 1
        assert "callbacks.allow" in row["error"]
