"""GET /cgi-bin/sendsms as Kannel's user guide has it: what its clients send, and the words they look for."""
import sqlite3

import pytest
import requests

from daemon import TOKEN, Daemon, until
from receiver import Receiver

ACCEPTED = "0: Accepted for delivery"
LOGIN = {"username": "main", "password": TOKEN}
GOOD = {**LOGIN, "from": "Shop", "to": "+4915112345678", "text": "hello"}
DENIED = "Number(s) has/have been denied by white- and/or black-lists."


@pytest.fixture(scope="module")
def kannel(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("kannel"), sections={"api": {"kannel": "yes"}, "callbacks": {"allow": "127.0.0.0/8"}})
    daemon.start()
    yield daemon
    assert daemon.stop() == 0


def ask(daemon, query=None, method="GET", **changes):
    """`query`: exactly so on the wire; else GOOD with changes, None leaving one out."""
    url = f"{daemon.url}/cgi-bin/sendsms"
    session = requests.Session()
    session.trust_env = False
    if query is not None:
        return session.request(method, f"{url}?{query}", timeout=20)
    fields = {k.replace("_", "-"): v for k, v in {**GOOD, **changes}.items() if v is not None}
    return session.request(method, url, params=fields, timeout=20)


def messages(daemon):
    return daemon.http.get(f"{daemon.url}/sms/messages/", timeout=20).json()


def test_off_by_default(make_daemon):
    daemon = make_daemon()
    answer = ask(daemon)
    assert (answer.status_code, answer.text) == (404, "")
    assert messages(daemon) == []


def test_a_message_arrives(make_sim, make_daemon):
    sim = make_sim()
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"api": {"kannel": "yes"}})
    daemon.wait_modem("m0")
    answer = ask(daemon, text="Käse ☺", to="4915112345678")
    assert (answer.status_code, answer.text) == (202, ACCEPTED)
    assert answer.headers["Content-Type"].startswith("text/plain")
    msgid = messages(daemon)[0]["msgid"]
    daemon.wait_status(msgid, "DELIVERED")
    assert sim.texts("+4915112345678") == ["Käse ☺"]


@pytest.mark.parametrize("changes", [
    {"username": "nobody"}, {"password": "wrong"}, {"password": None}, {"username": None, "password": None},
    {"username": "", "password": ""}, {"to": None, "password": "x"}])
def test_who_may_not(kannel, changes):
    before = len(messages(kannel))
    answer = ask(kannel, **changes)
    assert (answer.status_code, answer.text) == (403, "Authorization failed for sendsms")
    assert len(messages(kannel)) == before
    assert TOKEN not in kannel.log_text()


def test_guessing_is_slowed_down(make_daemon):
    daemon = make_daemon(sections={"api": {"kannel": "yes"}})
    said = [ask(daemon, password=f"guess{i}").status_code for i in range(22)]
    assert said[:20] == [403] * 20
    assert 429 in said[20:]


@pytest.mark.parametrize("query,text", [
    ("text=a%20b+c&coding=0", "a b c"),
    ("text=caf%E9&charset=ISO-8859-1", "café"),
    ("text=%E4%F6&charset=iso-8859-15", "äö"),
    ("text=%03%93&coding=2", "Γ"),                          # UTF-16BE where nothing else is said
    ("text=%03%93&coding=2&charset=UTF-16BE", "Γ"),
    ("text=%CE%93&coding=2&charset=UTF-8", "Γ"),
    ("text=%80&charset=windows-1252", "€"),
    ("text=%D8%3D%DE%00&coding=2", "😀"),
])
def test_codings(kannel, query, text):
    """What is kept to be sent; no answer tells a text."""
    answer = ask(kannel, f"user=main&pass={TOKEN}&from=Shop&to=%2B4915112345678&{query}")
    assert (answer.status_code, answer.text) == (202, ACCEPTED)
    with sqlite3.connect(f"file:{kannel.folder}/state/smsbridge.db?mode=ro", uri=True) as db:
        assert db.execute("select text from message order by id desc limit 1").fetchone()[0] == text


@pytest.mark.parametrize("to,numbers,denied", [
    ("+4915112345678 +4915112345679", ["+4915112345678", "+4915112345679"], ""),
    ("4915112345678  004915112345679", ["+4915112345678", "+4915112345679"], ""),
    ("+4915112345678 4915112345678", ["+4915112345678"], ""),
    ("+4915112345678 abc 0151", ["+4915112345678"], " Denied receivers are: abc 0151"),
])
def test_several_recipients(kannel, to, numbers, denied):
    before = {m["msgid"] for m in messages(kannel)}
    answer = ask(kannel, to=to)
    assert (answer.status_code, answer.text) == (202, ACCEPTED + denied)
    assert sorted(m["recipient"] for m in messages(kannel) if m["msgid"] not in before) == numbers


@pytest.mark.parametrize("changes,said", [
    ({"to": None}, "Missing receiver number, rejected"),
    ({"to": ""}, "Empty receiver number not allowed, rejected"),
    ({"to": "abc"}, DENIED), ({"to": "015112345678"}, DENIED), ({"to": " "}, DENIED),
    ({"from": None}, "Sender missing and no global set, rejected"),
    ({"text": None}, "Empty text not allowed, rejected."), ({"text": ""}, "Empty text not allowed, rejected."),
    ({"coding": "1"}, "Coding 1 (8 bit) not supported, rejected"),
    ({"coding": "3"}, "Coding field misformed, rejected"), ({"coding": "x"}, "Coding field misformed, rejected"),
    ({"charset": "punycode"}, "Charset or body misformed, rejected"),
    ({"charset": "UTF-8//TRANSLIT"}, "Charset or body misformed, rejected"),
    ({"text": b"\xff"}, "Charset or body misformed, rejected"), ({"text": b"a\0b"}, "Charset or body misformed, rejected"),
    ({"text": b"\x03", "coding": "2"}, "Charset or body misformed, rejected"),
    ({"text": b"\xd8\x00", "coding": "2"}, "Charset or body misformed, rejected"),
    ({"udh": b"\x05\x00\x03\x01\x02\x01"}, "UDH not supported, rejected"),
    ({"mclass": "4"}, "MClass field misformed, rejected"),
    ({"dlr_mask": "64"}, "DLR-Mask field misformed, rejected"), ({"dlr_mask": "-1"}, "DLR-Mask field misformed, rejected"),
    ({"dlr_mask": "1", "dlr_url": "ftp://x/"}, "DLR-URL field misformed, rejected"),
    ({"dlr_mask": "1", "dlr_url": "http://127.0.0.1/%d"}, "DLR-URL not supported, rejected: no escape codes"),
    ({"dlr_mask": "31", "dlr_url": "http://127.0.0.1/"}, "DLR-Mask not supported, rejected: 1, 2 and 16"),
    ({"dlr_mask": "1", "dlr_url": "http://169.254.169.254/"}, "Field misformed, rejected: {\"callbackurl\":"),
    ({"priority": "4"}, "Priority field misformed, rejected"),
    ({"validity": "soon"}, "Validity field misformed, rejected"),
    ({"validity": "4"}, "Field misformed, rejected: {\"validity\":"),
    ({"deferred": "9999999"}, "Field misformed, rejected: {\"send_at\":"),
    ({"text": "x" * 661}, "Field misformed, rejected: {\"message\":[\"Message too long\"]}"),
    ({"from": "much too long"}, "Field misformed, rejected: {\"sender\":"),
])
def test_refused(kannel, changes, said):
    before = len(messages(kannel))
    answer = ask(kannel, **changes)
    assert answer.status_code == 400
    assert answer.text.startswith(said), answer.text
    assert len(messages(kannel)) == before


def test_head_and_post_send_nothing(kannel):
    before = len(messages(kannel))
    for method in ("HEAD", "POST", "PUT"):
        answer = ask(kannel, method=method)
        assert answer.status_code == 405
        assert answer.headers["Allow"].startswith("GET")
    assert len(messages(kannel)) == before


def test_a_report_is_posted(make_sim, make_daemon):
    sim = make_sim()
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"api": {"kannel": "yes"}, "callbacks": {"allow": "127.0.0.0/8"}})
    daemon.wait_modem("m0")
    with Receiver() as receiver:
        answer = ask(daemon, dlr_mask="3", dlr_url=receiver.url("/dlr"), validity="60", priority="3")
        assert answer.text == ACCEPTED
        posted = until("the report comes", lambda: receiver.at("/dlr"))
        assert posted[0].json()["status"] == "DELIVERED"
