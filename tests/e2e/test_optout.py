"""Opt-out end to end: STOP by SMS, obeyed at acceptance and at sending, taken back by START."""
import pytest

from daemon import until
from receiver import Receiver

NUMBER, OTHER = "+4915112345678", "+4915112345679"
DENIED = {"recipient": ["This number has opted out."]}


def says(sim, daemon, number, text, **options):
    """An SMS from there, until it is in the inbox."""
    def inbox():
        return len(daemon.http.get(f"{daemon.url}/sms/inbox/", timeout=30).json())
    before = inbox()
    sim.do("inject", 0, number, text, **options)
    until("it is in the inbox", lambda: inbox() == before + 1)


@pytest.mark.parametrize("word", ["STOP", " stop\n", "停止", "Unsubscribe"])
def test_stop_and_start(sim, daemon, word):
    says(sim, daemon, NUMBER, word)
    assert daemon.send(NUMBER, status=400) == DENIED
    daemon.kill()
    daemon.start()
    daemon.wait_modem("m0")
    assert daemon.send(NUMBER, status=400) == DENIED
    daemon.wait_status(daemon.send(OTHER, "still wanted"), "DELIVERED")
    says(sim, daemon, NUMBER, "Start")
    daemon.wait_status(daemon.send(NUMBER, "again"), "DELIVERED")
    assert sim.texts(NUMBER) == ["again"]


def test_other_texts_and_senders_do_not_count(sim, daemon):
    says(sim, daemon, NUMBER, "please stop calling")
    says(sim, daemon, "Shop", "STOP")
    daemon.wait_status(daemon.send(NUMBER), "DELIVERED")


def test_a_list_names_each_by_its_index(sim, daemon):
    says(sim, daemon, NUMBER, "STOP")
    body = {"message": "hello", "sender": "x", "recipient": [OTHER, NUMBER, OTHER, NUMBER]}
    answer = daemon.http.post(f"{daemon.url}/sms/messages/", json=body, timeout=30)
    assert answer.status_code == 400
    assert answer.json() == {"recipient": [f"{i}: This number has opted out." for i in (1, 3)]}
    assert daemon.http.get(f"{daemon.url}/sms/messages/", timeout=30).json() == []
    answer = daemon.http.post(f"{daemon.url}/sms/messages/", json={**body, "recipient": NUMBER}, timeout=30)
    assert (answer.status_code, answer.json()) == (400, DENIED)


def test_queued_before_it_opted_out(sim, make_daemon):
    """Accepted for a modem that is not there yet, refused by the recipient meanwhile: not sent, and called back."""
    daemon = make_daemon(modems={"m0": sim.port(0), "m1": "/dev/null/nowhere"})
    daemon.wait_modem("m0")
    with Receiver() as receiver:
        msgid = daemon.send(NUMBER, "too late", modem="m1", callbackurl=receiver.url("/d"))
        wanted = daemon.send(OTHER, "wanted", modem="m1")
        says(sim, daemon, NUMBER, "STOP")
        assert daemon.status(msgid)["status"] == "QUEUED"
        daemon.stop()
        daemon.modems["m1"], daemon.modems["m0"] = sim.port(0), "/dev/null/nowhere"
        daemon.start()
        daemon.wait_status(wanted, "DELIVERED")
        status = daemon.wait_status(msgid, "FAIL")
        assert status["error"]["code"] == "opted_out" and status["error"]["text"]
        [post] = until("the callback", lambda: receiver.at("/d"))
        assert post.json() == status
    assert sim.texts(NUMBER) == []


def test_own_words(sim, make_daemon):
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"inbox": {"opt_out": "NEIN, Schluß", "opt_in": "JA"}})
    daemon.wait_modem("m0")
    says(sim, daemon, NUMBER, "STOP")
    daemon.wait_status(daemon.send(NUMBER), "DELIVERED")
    says(sim, daemon, NUMBER, "schluß")
    assert daemon.send(NUMBER, status=400) == DENIED
    says(sim, daemon, NUMBER, "ja")
    daemon.send(NUMBER)
