"""What arrives, end to end: PDUs recorded from real phones, binary, full cards, late parts; national alphabets out."""
from pathlib import Path

import pytest

from daemon import until
from receiver import Receiver

VECTORS = Path(__file__).parent.parent / "vectors" / "sms_deliver.tsv"
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\f": "\f", "\\\\": "\\"}
# An MMS notification from a phone in Germany: WAP push to port 2948 (sms_deliver.tsv)
MMS_HEAD = "0605040B8423F0"


def recorded():
    rows = [line.rstrip("\n").split("\t") for line in VECTORS.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
    return [dict(pdu=r[0], sender=r[2], dcs=r[5], alphabet=r[6], flash=r[7] == "0", concat=r[9], ports=r[10], text=plain(r[11])) for r in rows]


def plain(text):
    for escape, character in ESCAPES.items():
        text = text.replace(escape, character)
    return text


def inbox(daemon):
    return daemon.http.get(f"{daemon.url}/sms/inbox/", timeout=30).json()


def used(sim, modem=0):
    return sum(used for used, _ in sim.modem(modem)["stored"].values())


def is_it(row, message):
    binary = message.get("binary", False)
    return message["sender"] == row["sender"] and binary == (row["alphabet"] == "8bit") and (binary or message["message"] == row["text"])


def test_recorded_pdus(sim, daemon):
    """Each once, as its source says; nothing stays on the card."""
    rows = recorded()
    for row in rows:
        sim.do("inject-raw", 0, row["pdu"])
    single = [row for row in rows if row["concat"] == "-"]

    def missing():
        seen = inbox(daemon)
        return [row for row in single if not any(is_it(row, m) for m in seen)]
    until("they are in the inbox", lambda: not missing())
    seen = inbox(daemon)
    for row in (r for r in single if r["ports"] != "-"):
        dst, src = map(int, row["ports"].split("/"))
        assert any((m.get("port"), m.get("source_port")) == (dst, src) for m in seen), row
    until("the card is empty", lambda: used(sim) == 0)


def test_binary_does_not_fill_the_card(sim, daemon):
    """More than the card holds of MMS notifications: all of them octets in the inbox."""
    for i in range(60):
        ud = MMS_HEAD + f"{i:02X}"
        sim.do("inject-raw", 0, f"07914444444444F4440B911174164210F000F5{'42217061512200'}{len(ud) // 2:02X}{ud}")
    until("all are there", lambda: len(inbox(daemon)) == 60)
    assert sorted(int(m["message"], 16) for m in inbox(daemon)) == list(range(60))
    assert {(m["binary"], m["port"], m["source_port"]) for m in inbox(daemon)} == {(True, 2948, 9200)}
    until("the card is empty", lambda: used(sim) == 0)


def test_undecodable_and_foreign_do_not_stay(sim, daemon):
    """Cut octets, a stranger's report, an empty one: off the card, and what follows arrives."""
    for pdu in ("07914444444444F4040B9111741642", "0006290D91947111325476F8621050310125006210503101350000"):
        sim.do("inject-raw", 0, pdu)
    sim.do("inject", 0, "+4915112345678", "after them")
    until("it is there", lambda: [m["message"] for m in inbox(daemon)] == ["after them"])
    until("the card is empty", lambda: used(sim) == 0)


def test_late_part_makes_it_whole(sim, make_daemon):
    """Given out as a partial, then the last part comes: the same entry, posted once more."""
    with Receiver() as receiver:
        daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"inbox": {"url": receiver.url("/in"), "partial_after": "1s"}})
        daemon.wait_modem("m0")
        head = "07914444444444F4440B911174164210F00008" + "42217061512200"
        parts = [head + f"08050003{0x2A:02X}02{k:02X}" + f"{0x41 + k:04X}" for k in (1, 2)]
        sim.do("inject-raw", 0, parts[1])
        until("a partial is posted", lambda: receiver.at("/in"))
        daemon.kill()
        daemon.start()
        daemon.wait_modem("m0")
        sim.do("inject-raw", 0, parts[0])
        until("the whole is posted", lambda: "partial" not in receiver.at("/in")[-1].json())
        *partials, second = (post.json() for post in receiver.at("/in"))  # killed before it was noted: posted again
        for first in partials:
            assert first["partial"] is True and first["message"] == "…C" and second["id"] == first["id"]
        assert second["message"] == "BC"
        assert inbox(daemon) == [second]


def test_own_number_flash_and_replacing(sim, daemon):
    head, scts = "07914444444444F4040B911174164210F0", "42217061512200"
    sim.do("inject-raw", 0, head + "0010" + scts + "01C1")
    until("it is there", lambda: len(inbox(daemon)) == 1)
    for i, text in enumerate(("C1", "C2")):
        sim.do("inject-raw", 0, head + "4100" + scts + "01" + text)
        until("it is there", lambda: len(inbox(daemon)) == 2 + i)
    newest, earlier, flash = inbox(daemon)
    assert flash["flash"] is True and flash["message"] == "A"
    assert newest["replaces"] == earlier["id"] and "replaces" not in earlier
    assert {m["recipient"] for m in inbox(daemon)} == {sim.modem(0)["number"]}


@pytest.mark.parametrize("text,alphabet", [
    ("Toplantı yarın saat üçte, lütfen dosyaları getirmeyi unutmayın ve geç kalmayın. Teşekkürler!", "gsm7-turkish"),
    ("Reunião amanhã às três, não se esqueça dos papéis, por favor; até já, João. Ainda não há decisão.", "gsm7-portuguese"),
    ("बैठक कल सुबह दस बजे होगी। कृपया समय पर आएं और अपने दस्तावेज़ साथ लाना न भूलें। धन्यवाद, राम", "gsm7-hindi")], ids=["turkish", "portuguese", "hindi"])
def test_national_alphabets_out(sim, daemon, text, alphabet):
    """More than 70 characters that UCS-2 would take two parts for: one, and a phone shows it as it was."""
    assert 70 < len(text) < 110
    preview = daemon.http.post(f"{daemon.url}/sms/preview", data={"message": text}, timeout=30).json()
    assert (preview["alphabet"], preview["parts"]) == (alphabet, 1)
    msgid = daemon.send("+4915112345678", text)
    daemon.wait_status(msgid, "DELIVERED")
    assert sim.texts("+4915112345678") == [text]
    assert daemon.status(msgid)["parts"] == 1


def test_national_alphabets_off(sim, make_daemon):
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"queue": {"national_shift": "no"}})
    daemon.wait_modem("m0")
    assert daemon.status(daemon.send("+4915112345678", "ş" * 80))["parts"] == 2
