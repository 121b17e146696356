"""modemsim itself, driven through raw ptys by hand-written AT and PDUs that neither it nor we encoded."""
import calendar
import http.server
import os
import random
import re
import socket
import subprocess
import threading
import time

import pytest
import serial

from sim import BUILD, SLOW, Sim, SimError

HELLO = "0011000B916407281553F80000AA0AE8329BFD4697D9EC37"  # the example of every PDU primer
HELLO_SRR = "0031000B916407281553F80000AA0AE8329BFD4697D9EC37"  # the same with TP-SRR
HELLO_RD = "0015290B916407281553F80000AA0AE8329BFD4697D9EC37"  # TP-RD, reference 41
HELLO_TO = "+46708251358"
FINAL = re.compile(rb"\r\n(OK|ERROR|\+CM[ES] ERROR: [^\r\n]*)\r\n")

# SMS-SUBMIT with their texts, as other implementations made or recorded them (python-gsmmodem's tests)
KNOWN = [
    ("0001000B917228001011F100000CC8329BFD065DDF72363904", "+27820001111", "Hello World!"),
    ("0005000B917228001011F10000094676788E064D9B53", "+27820001111", "Flash SMS"),
    ("07914400000000F01100099121436587F90008F40A4E16754C60A8597DFF01", "+123456789", "世界您好！"),
    ("04A12143F5310D0AA110624521430000A91BD4F29C0E6A97E7F3F0B9AC03B1DFE3301BE4AEB7C565F91C", "0126541234",
     "Test message: local numbers"),
    ("0019000B917228001011F100003170013193008017D474BB3CA787DB70903DCC4E93D3F43C885E9ED301", "+27820001111",
     "Timestamp validity test"),
    ("07911326040000F0310D0B911326880736F40000A90FF7FBDD454E87CDE1B0DB357EB701", "+31628870634",
     "www.diafaan.com"),
    ("07914346466554F601000B914316565811F9000806304253F68449", "+34616585119", "あ叶葉"),
    ("0591721891F101000B917228214365F700040C48656C6C6F20776F726C6421", "+27821234567",
     "48656C6C6F20776F726C6421"),
]
LOREM = [
    "0045000B915121551532F40000A0050003000301986F79B90D4AC3E7F53688FC66BFE5A0799A0E0AB7CB741668FC76CFCB637A995E97"
    "83C2E4343C3D4F8FD3EE33A8CC4ED359A079990C22BF41E5747DDE7E9341F4721BFE9683D2EE719A9C26D7DD74509D0E6287C56F7919"
    "54A683C86FF65B5E06B5C36777181466A7E3F5B0AB4A0795DDE936284C06B5D3EE741B642FBBD3E1360B14AFA7DD",
    "0045000B915121551532F40000A0050003000302DE73BABC4E0695F165F9384D0FD3D36F37A8CE6687DBE337881D16BFE5E939C89D9E"
    "A741753A28CC4EC7EB6938A88C0795C3A0F1BBDD7E93DFA0F1DB3D2FC7EB61BA8B584FCF41E13ABD0C4ACBEBF23288FC66BFE5A0B41B"
    "242FC3E56574D94D2ECBD37450DA0DB2BFD975383D4C2F83EC65769A0E2ACFE765D038CD66D7DB20F29BFD2E83CA",
    "0045000B915121551532F400008C050003000303EA2073FD9C0ED341EE3A9B1D06C1C3F274985E97BB8AF871194E2FD7E5A079DA4D07"
    "BDC7E370791CA683C675789A1CA687E920F7DB0D82CBDF6972D94D6781E675371D947683C675363C0C8AD7D3A0B7D99C1EA7C3207279"
    "5E96D7DD7450FBCD66A7E9A0B03BDD06A5C9A0F29C0E6287C56F79BD0D",
]
LOREM_TEXT = (
    "Lorem ipsum dolor sit amet, consectetur adipisicing elit, sed do eiusmod tempor incididunt ut labore et dolore "
    "magna aliqua.Ut enim ad minim veniam, quinostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo "
    "consequat.Duis aute irure dolor in reprehenderit in voluptate velit esse cillum doloe eu fugiat nulla "
    "pariatur.Excepteur sint occaecat cupidatat non proident, sunt in culpa qui officia deserunt mollit anim id est "
    "laborum")


class Line:
    """The computer's end of a modem."""

    def __init__(self, port):
        self.serial = serial.serial_for_url(port, 115200, timeout=0.01)
        self.got = b""

    def write(self, text):
        self.serial.write(text.encode())

    def until(self, pattern, seconds=5.0):
        """Everything up to and with the first match."""
        deadline = time.monotonic() + seconds * SLOW
        while True:
            found = re.search(pattern, self.got)
            if found:
                head, self.got = self.got[:found.end()], self.got[found.end():]
                return head.decode("latin-1")
            if time.monotonic() > deadline:
                raise AssertionError(f"no {pattern!r} in {self.got!r}")
            self.got += self.serial.read(max(1, self.serial.in_waiting))

    def quiet(self, seconds=0.3):
        """What comes in that time: "" when the modem keeps silent."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.got += self.serial.read(max(1, self.serial.in_waiting))
        head, self.got = self.got, b""
        return head.decode("latin-1")

    def at(self, command, seconds=5.0):
        """The answer with its final result, without the CR LF around its lines."""
        self.write(command + "\r")
        return self.until(FINAL, seconds).replace("\r\n\r\n", "\n").strip("\r\n").replace("\r\n", "\n")

    def prompt(self, pdu):
        octets = len(pdu) // 2 - 1 - int(pdu[:2], 16)
        self.write(f"AT+CMGS={octets}\r")
        self.until(rb"> $")

    def sms(self, pdu, seconds=5.0):
        """Sends it; the reference, or the error as text."""
        self.prompt(pdu)
        self.write(pdu + "\x1a")
        answer = self.until(FINAL, seconds).strip()
        found = re.search(r"\+CMGS: (\d+)\s+OK$", answer)
        return int(found[1]) if found else answer

    def close(self):
        self.serial.close()


@pytest.fixture
def modem(make_sim):
    """modem(*options): a simulator with one modem, and its line, quiet and with echo off."""
    lines = []

    def make(*options, modems=1):
        made = make_sim(modems, *options)
        line = Line(made.port(0))
        lines.append(line)
        assert "OK" in line.at("ATE0")
        return made, line
    yield make
    for line in lines:
        line.close()


def reports_on(line):
    assert line.at("AT+CSMS=1") == "+CSMS: 1,1,1\nOK"
    assert line.at("AT+CNMI=2,1,0,1,0") == "OK"


# ---- identity, state, several commands ----
def test_starts_and_leaves_nothing(tmp_path):
    with Sim(tmp_path, 3, "--instant") as sim:
        assert len(sim.modems) == 3
        assert len({m["imei"] for m in sim.modems}) == len({m["number"] for m in sim.modems}) == 3
        assert all(os.path.realpath(sim.port(i)).startswith("/dev/pts/") for i in range(3))
        assert sim.stop() == 0
    assert not any(os.path.lexists(sim.port(i)) for i in range(3))
    assert not os.path.exists(sim.control)


def test_echo_verbose_and_several_commands_on_a_line(make_sim):
    sim = make_sim(1, "--instant")
    line = Line(sim.port(0))
    assert line.at("AT") == "AT\r\r\nOK".replace("\r\n", "\n")
    assert line.at("ATE0").endswith("OK")
    assert line.at("at+csq;+creg?;+cmee=1") == "+CSQ: 21,99\n+CREG: 0,1\nOK"
    assert line.at("AT+CMEE?") == "+CMEE: 1\nOK"
    assert line.at("AT+CSQ;+NOSUCH;+CREG?") == "+CSQ: 21,99\n+CME ERROR: 4"
    line.write("ATV0\r")
    line.until(rb"0\r$")
    line.write("ATV1\r")
    line.until(rb"OK\r\n$")
    line.write("\x1bnot a command\r\n")
    assert line.quiet() == ""


def luhn(digits):
    doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def test_identity(modem):
    sim, line = modem("--instant")
    known = sim.modem(0)
    assert line.at("AT+CGSN") == known["imei"] + "\nOK" and luhn(known["imei"]) and len(known["imei"]) == 15
    assert line.at("AT+CIMI") == known["imsi"] + "\nOK" and len(known["imsi"]) == 15
    raw = re.match(r'\+CRSM: 144,0,"([0-9F]{20})"', line.at("AT+CRSM=176,12258,0,0,10"))[1]
    swapped = "".join(raw[i ^ 1] for i in range(20)).rstrip("F")
    assert swapped == known["iccid"] and luhn(swapped)
    assert line.at("AT+CNUM") == f'+CNUM: "","{known["number"]}",145\nOK'


def test_several_on_tcp(make_sim):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    sim = make_sim(1, "--instant", "--tcp", port)
    line = Line(f"socket://127.0.0.1:{port}")
    assert line.at("ATE0").endswith("OK")
    assert isinstance(line.sms(HELLO), int)
    assert sim.texts(HELLO_TO) == ["hellohello"]
    line.close()


# ---- PDUs that others made ----
@pytest.mark.parametrize("pdu, number, text", KNOWN, ids=range(len(KNOWN)))
def test_known_pdus_are_decoded(modem, pdu, number, text):
    sim, line = modem("--instant")
    assert isinstance(line.sms(pdu), int)
    [message] = sim.handset(number)
    assert (message["text"], message["complete"], message["remark"]) == (text, True, None)


def test_known_parts_are_joined_in_any_order(modem):
    sim, line = modem("--instant")
    for pdu in (LOREM[2], LOREM[0]):
        assert isinstance(line.sms(pdu), int)
    [half] = sim.handset("+15125551234")
    assert (half["complete"], half["have"], half["total"]) == (False, 2, 3)
    assert isinstance(line.sms(LOREM[2]), int)  # again: one message still
    assert isinstance(line.sms(LOREM[1]), int)
    [whole] = sim.wait("+15125551234")
    assert whole["complete"] and whole["text"] == LOREM_TEXT and whole["remark"] is None
    assert max(p["duplicates"] for p in whole["parts"]) == 1


@pytest.mark.parametrize("pdu", [
    "0041010C910661345542F60008A0050003000301306F3044",  # TP-UDL longer than what follows
    "0011000B916407281553F80000AA0AE8329BFD4697D9EC",    # one octet short
    "0010000B916407281553F80000AA0AE8329BFD4697D9EC37",  # not a SUBMIT
    "00110015916407281553F8640728155364072800000000",    # 21 digits
    "0051000B916407281553F80000AA0A093333333333333337",  # header longer than the user data
], ids=["udl", "short", "type", "digits", "header"])
def test_malformed_pdus_are_refused(modem, pdu):
    sim, line = modem("--instant")
    assert line.sms(pdu) == "+CMS ERROR: 304"
    assert sim.counters()["submit"] == 0


def test_announced_length_has_to_fit(modem):
    sim, line = modem("--instant")
    line.write("AT+CMGS=22\r")
    line.until(rb"> $")
    line.write(HELLO + "\x1a")
    assert "+CMS ERROR: 304" in line.until(FINAL)
    line.prompt(HELLO)
    line.write(HELLO[:20] + "\x1b")
    assert line.until(FINAL).strip() == "OK"
    assert isinstance(line.sms(HELLO), int)
    assert sim.texts(HELLO_TO) == ["hellohello"]


def test_escape_cut_from_its_letter_is_remarked(modem):
    """Two parts: ESC ends the first, 0x65 begins the second. Joined it is a euro sign; a phone shows an e."""
    sim, line = modem("--instant")
    one = "0041000B916407281553F8000008" + "050003070201" + "36"  # udl 8: header 7, one septet 0x1B after a fill bit
    two = "0041000B916407281553F8000008" + "050003070202" + "CA"  # 0x65
    assert isinstance(line.sms(one), int) and isinstance(line.sms(two), int)
    [message] = sim.handset(HELLO_TO)
    assert message["remark"] == "escape at the end" and "€" not in message["text"]


# ---- references and reports ----
def test_reference_counts_and_wraps(modem):
    sim, line = modem("--instant")
    references = [line.sms(HELLO) for _ in range(258)]
    assert all(b == (a + 1) % 256 for a, b in zip(references, references[1:]))
    assert sim.handset(HELLO_TO)[-1]["parts"][0]["mr"] == references[-1]


def test_reference_kept_when_told(modem):
    sim, line = modem("--instant", "--keep-mr")
    assert line.sms(HELLO_RD) == 41
    assert sim.log(event="submit")[0]["mr"] == 41


def pdu_after(line, header):
    return re.search(header + rb"[^\r]*\r\n([0-9A-F]+)\r\n", line.until(header + rb"[^\r]*\r\n[0-9A-F]+\r\n").encode())[1]


def test_report_says_what_and_when(modem):
    """06 mr len type number scts dt st, behind the service centre's address (23.040 9.2.2.3)."""
    sim, line = modem("--instant", "--zone", "36")
    reports_on(line)
    mr = line.sms(HELLO_SRR)
    pdu = pdu_after(line, rb"\+CDS: 25").decode()
    smsc, tpdu = pdu[:16], pdu[16:]
    assert smsc == "0791447758100650"  # +447785016005
    assert tpdu[:4] == f"06{mr:02X}" and tpdu[4:20] == "0B916407281553F8"
    assert tpdu[-2:] == "00" and len(tpdu) == 50
    scts = "".join(tpdu[i ^ 1] for i in range(20, 34))
    assert scts[12:] == "36"
    there = calendar.timegm(time.strptime(scts[:12], "%y%m%d%H%M%S"))
    assert abs(there - 9 * 3600 - time.time()) < 5
    assert line.at("AT+CNMA") == "OK"
    assert line.at("AT+CNMA") == "+CMS ERROR: 340"
    assert sim.counters()["ack"] == 1


@pytest.mark.parametrize("rule, states", [
    ("delivered", [0x00]), ("failed", [0x46]), ("temporary", [0x30, 0x00]), ("temporary-failed", [0x30, 0x46]),
    ("never", []),
])
def test_outcomes(modem, rule, states):
    sim, line = modem("--submit-delay", 0, "--report-delay", 50)
    reports_on(line)
    sim.do("rule", HELLO_TO, rule)
    line.sms(HELLO_SRR)
    for st in states:
        assert pdu_after(line, rb"\+CDS: 25").decode().endswith(f"{st:02X}")
        assert line.at("AT+CNMA") == "OK"
    assert line.quiet(0.3) == ""
    assert len(sim.texts(HELLO_TO)) == (0 if rule.endswith("failed") else 1)


def test_report_waits_for_the_acknowledgement_before(modem):
    _, line = modem("--instant")
    reports_on(line)
    first = line.sms(HELLO_SRR)
    assert pdu_after(line, rb"\+CDS: 25")[18:20] == b"%02X" % first
    second = line.sms(HELLO_SRR)
    assert line.quiet() == ""
    assert line.at("AT+CNMA").endswith("OK")
    assert pdu_after(line, rb"\+CDS: 25")[18:20] == b"%02X" % second


def test_unacknowledged_report_turns_routing_off_and_comes_again(modem):
    sim, line = modem("--instant", "--ack-timeout", 200, "--retry", 100)
    reports_on(line)
    line.sms(HELLO_SRR)
    pdu_after(line, rb"\+CDS: 25")
    sim.wait_event("ack-late")
    assert line.at("AT+CNMI?") == "+CNMI: 2,0,0,0,0\nOK"
    sim.wait_event("held")
    assert line.quiet(0.3) == ""
    line.write("AT+CNMI=2,1,0,1,0\r")
    pdu_after(line, rb"\+CDS: 25")
    assert line.at("AT+CNMA").endswith("OK")


def test_reports_are_stored_when_asked(modem):
    sim, line = modem("--instant")
    assert line.at("AT+CNMI=2,1,0,2,0") == "OK"
    mr = line.sms(HELLO_SRR)
    line.until(rb'\+CDSI: "SR",1\r\n')
    assert line.at('AT+CPMS="SR"').startswith("+CPMS: 1,20,")
    listed = line.at("AT+CMGL=4").split("\n")
    assert listed[0] == "+CMGL: 1,0,,25" and listed[1][16:20] == f"06{mr:02X}"
    assert line.at("AT+CMGD=1") == "OK"
    assert line.at("AT+CMGL=4") == "OK"
    assert sim.log(event="delete")[0]["note"] == "SR 1"


def test_duplicate_with_rd_is_refused_while_held(modem):
    sim, line = modem("--submit-delay", 0, "--report-delay", 60000, "--keep-mr")
    assert line.sms(HELLO_RD) == 41
    assert line.sms(HELLO_RD) == "+CMS ERROR: 197"
    assert line.sms(HELLO_RD.replace("15290B", "152A0B")) == 42  # another reference
    assert line.sms(HELLO_RD) == 41  # not the previous one any more
    assert sim.counters()["submit"] == 3


# ---- inbound ----
def test_inbound_is_stored_listed_deleted(modem):
    sim, line = modem("--instant")
    assert line.at("AT+CNMI=2,1,0,0,0") == "OK"
    sim.do("inject", 0, "+31641600986", "How are you?")
    line.until(rb'\+CMTI: "SM",1\r\n')
    assert sim.do("inject", 0, "Xoxzo", "@{té€t}")["parts"] == 1
    line.until(rb'\+CMTI: "SM",2\r\n')
    first, second = re.findall(r"\+CMGR: 0,,(\d+)\n([0-9A-F]+)", line.at("AT+CMGR=1;+CMGR=2"))
    # 04 0B 91 number 00 00 scts udl text: the text of a recorded PDU, octet by octet
    assert first[1][16:].startswith("040B911346610089F60000") and first[1].endswith("0CC8F71D14969741F977FD07")
    assert int(first[0]) == len(first[1]) // 2 - 8
    assert second[1][16:].startswith("0409D0D8375EFF06") and "0000" in second[1]
    assert line.at("AT+CMGL=0") == "OK"  # both have been read
    assert line.at("AT+CMGL=1").count("+CMGL:") == 2
    assert line.at("AT+CMGD=0,1") == "OK"
    assert line.at("AT+CPMS?").startswith('+CPMS: "SM",0,30')
    assert line.at("AT+CMGR=1") == "+CMS ERROR: 321"


@pytest.mark.parametrize("options, order", [
    ({}, [1, 2, 3]), ({"order": "3,1,2"}, [3, 1, 2]), ({"drop": 2}, [1, 3]), ({"twice": 2}, [1, 2, 2, 3]),
])
def test_inbound_parts(modem, options, order):
    sim, line = modem("--instant")
    assert line.at("AT+CNMI=2,2,0,0,0") == "OK"  # phase 2: acknowledged by the modem itself
    assert sim.do("inject", 0, "+4915112345678", "x" * 400, ref=0x77, **options)["parts"] == 3
    seen = []
    for _ in order:
        pdu = pdu_after(line, rb"\+CMT: ,").decode()
        seen.append(int(re.search(r"0500037703(\d\d)", pdu)[1]))
    assert seen == order
    assert line.quiet() == ""


def test_direct_message_refused_comes_again(modem):
    sim, line = modem("--instant", "--retry", 100)
    assert line.at("AT+CSMS=1;+CNMI=2,2,0,1,0").endswith("OK")
    sim.do("inject", 0, "12345", "x")
    first = pdu_after(line, rb"\+CMT: ,")
    line.write("AT+CNMA=2\r")
    assert pdu_after(line, rb"\+CMT: ,") == first
    assert line.at("AT+CNMA=1").endswith("OK")
    assert line.quiet(0.3) == "" and sim.modem(0)["messages_waiting"] == 0


def test_inbound_forms(modem):
    sim, line = modem("--instant")
    line.at("AT+CNMI=2,2,0,0,0")
    sim.do("inject", 0, "12345", "日本😀")
    assert pdu_after(line, rb"\+CMT: ,").decode().endswith("0865E5672CD83DDE00")
    sim.do("inject", 0, "12345", "ÿA", alphabet="8bit")
    assert pdu_after(line, rb"\+CMT: ,").decode().endswith("02FF41")
    sim.do("inject", 0, "12345", "z" * 200, ref16=1, ref=0x1234)
    assert "0608041234020" in pdu_after(line, rb"\+CMT: ,").decode()
    pdu_after(line, rb"\+CMT: ,")
    recorded = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07"
    sim.do("inject-raw", 0, recorded)
    assert pdu_after(line, rb"\+CMT: ,30").decode() == recorded


def test_full_storage_keeps_at_the_network(modem):
    sim, line = modem("--instant", "--sm", 2)
    line.at("AT+CNMI=2,1,0,0,0")
    for i in range(4):
        sim.do("inject", 0, "12345", f"number {i}")
    line.until(rb'"SM",2\r\n')
    assert line.quiet() == "" and sim.modem(0)["messages_waiting"] == 2
    line.write("AT+CMGD=1,4\r")
    line.until(rb'"SM",2\r\n')
    assert sim.modem(0)["messages_waiting"] == 0


def test_sms_between_modems(modem):
    sim, line = modem("--instant", modems=2)
    other = Line(sim.port(1))
    other.at("ATE0")
    other.at("AT+CNMI=2,2,0,0,0")
    # to +447700900001: the user data of the recorded "hellohello"
    assert isinstance(line.sms("0001000C9144770009001000000AE8329BFD4697D9EC37"), int)
    pdu = pdu_after(other, rb"\+CMT: ,").decode()
    assert "040C9144770009000000" + "00" in pdu and pdu.endswith("0AE8329BFD4697D9EC37")
    assert sim.texts("+447700900001") == ["hellohello"]
    other.close()


# ---- network, PIN, USSD ----
def test_network_states(modem):
    sim, line = modem("--instant")
    assert line.at("AT+CREG=1") == "OK"
    for name, number in (("searching", 2), ("denied", 3), ("roaming", 5), ("lost", 0)):
        sim.do("network", 0, name)
        line.until(rb"\+CREG: %d\r\n" % number)
        assert line.at("AT+CREG?") == f"+CREG: 1,{number}\nOK"
    assert line.sms(HELLO) == "+CMS ERROR: 331"
    sim.do("network", 0, "home")
    assert isinstance(line.sms(HELLO), int)


def test_searches_first(make_sim):
    sim = make_sim(1, "--register-delay", 500)
    line = Line(sim.port(0))
    line.at("ATE0")
    assert line.at("AT+CREG=1;+CREG?") == "+CREG: 1,2\nOK"
    line.until(rb"\+CREG: 1\r\n")


def test_pin_burns(modem):
    sim, line = modem("--instant", "--pin", "4711")
    line.at("AT+CMEE=1")
    assert line.at("AT+CPIN?") == "+CPIN: SIM PIN\nOK"
    assert line.at("AT+CIMI") == "+CME ERROR: 11"
    assert line.at("AT+CREG?") == "+CREG: 0,0\nOK"
    assert line.at('AT+CPIN="0000"') == "+CME ERROR: 16"
    assert line.at("AT+CPINR").startswith("+CPINR: SIM PIN,2,3\n")
    assert line.at('AT+CPIN="4711"') == "OK"
    assert line.at("AT+CPIN?;+CREG?") == "+CPIN: READY\n+CREG: 0,1\nOK"
    sim.do("reset", 0)
    line.until(rb"SMS Ready\r\n")
    line.at("ATE0;+CMEE=1")
    for answer in ("16", "16", "12"):
        assert line.at('AT+CPIN="9999"') == f"+CME ERROR: {answer}"
    assert line.at("AT+CPIN?") == "+CPIN: SIM PUK\nOK"
    assert line.at('AT+CPIN="12345678","1234"') == "OK"
    assert line.at("AT+CPINR").startswith("+CPINR: SIM PIN,3,3\n")


def test_ussd_remembers(modem):
    _, line = modem("--instant")
    line.at('AT+CUSD=1,"*100#",15')
    assert '+CUSD: 0,"Balance: 1000.00 GBP",15' in line.until(rb",15\r\n")
    line.sms(HELLO)
    line.at('AT+CUSD=1,"*123#",15')
    assert "1 Balance" in line.until(rb"\+CUSD: 1,[^\r]*\r\n")
    line.at('AT+CUSD=1,"1"')
    assert "999.95" in line.until(rb"\+CUSD: 1,[^\r]*\r\n")
    line.at('AT+CUSD=1,"0"')
    line.until(rb'\+CUSD: 0,"Bye",15\r\n')
    line.at('AT+CUSD=1,"1"')  # no session any more
    line.until(rb"\+CUSD: 4\r\n")
    line.at('AT+CSCS="UCS2"')
    line.at('AT+CUSD=1,"002A0031003000300023"')
    assert "00420061006C" in line.until(rb",15\r\n")


# ---- faults ----
def sent_texts(sim):
    return [m["text"] for m in sim.handset(HELLO_TO)]


@pytest.mark.parametrize("fault, answer, arrived", [
    (("cms", 38), "+CMS ERROR: 38", 0), (("cms-sent", 38), "+CMS ERROR: 38", 1), (("error-late",), "ERROR", 0),
])
def test_faults_after_ctrl_z(modem, fault, answer, arrived):
    sim, line = modem("--instant")
    sim.do("fault", 0, *fault)
    assert line.sms(HELLO) == answer
    assert len(sent_texts(sim)) == arrived
    assert isinstance(line.sms(HELLO), int)  # used up


def test_faults_before_the_prompt(modem):
    sim, line = modem("--instant")
    sim.do("fault", 0, "cms-early", 310, count=2)
    for _ in range(2):
        assert line.at("AT+CMGS=23") == "+CMS ERROR: 310"
    sim.do("fault", 0, "no-prompt")
    line.write("AT+CMGS=23\r")
    assert line.quiet() == ""
    sim.do("fault", 0, "error", command="+CSQ")
    assert line.at("AT+CREG?") == "+CREG: 0,1\nOK"
    assert line.at("AT+CSQ") == "ERROR"
    sim.do("fault", 0, "cme", 14)
    line.at("AT+CMEE=1")
    assert line.at("AT+CMEE=1;+CSQ").startswith("+CSQ")
    assert isinstance(line.sms(HELLO), int)


@pytest.mark.parametrize("fault, arrived", [("lost-answer", 1), ("lost-sms", 0)])
def test_lost_answers(modem, fault, arrived):
    sim, line = modem("--instant")
    reports_on(line)
    sim.do("fault", 0, fault)
    line.prompt(HELLO_SRR)
    line.write(HELLO_SRR + "\x1a")
    if arrived:
        pdu_after(line, rb"\+CDS: 25")
        assert line.at("AT+CNMA") == "OK"
    assert "+CMGS" not in line.quiet()
    assert len(sent_texts(sim)) == arrived and sim.counters()["lost"] == 1
    assert line.at("AT") == "OK"


def test_late_answer(modem):
    sim, line = modem("--instant")
    sim.do("fault", 0, "late", 600)
    begin = time.monotonic()
    line.prompt(HELLO)
    line.write(HELLO + "\x1a")
    sim.wait(HELLO_TO)
    line.write("AT\r")  # while it is under way
    line.until(rb"\+CMGS: \d+\r\n\r\nOK\r\n")
    assert 0.6 <= time.monotonic() - begin < 5 * SLOW
    assert sim.counters()["bytes-while-busy"] == 1
    assert line.quiet() == ""


def test_silence_until_cleared(modem):
    sim, line = modem("--instant")
    sim.do("fault", 0, "silence")
    line.write("AT\rAT+CSQ\r")
    assert line.quiet() == ""
    sim.do("fault", 0, "clear")
    assert line.at("AT") == "OK"


def test_chatter_split_delay_garbage_echo(modem):
    sim, line = modem("--instant")
    sim.do("fault", 0, "chatter")
    answer = line.at("AT+CSQ").split("\n")
    assert answer[-1] == "OK" and "+CSQ: 21,99" in answer and len(answer) == 7
    assert line.at("AT+CSQ") == "+CSQ: 21,99\nOK"
    sim.do("fault", 0, "split", 3)
    begin = time.monotonic()
    assert line.at("AT+CSQ") == "+CSQ: 21,99\nOK"
    assert time.monotonic() - begin > 0.06  # 21 octets
    sim.do("fault", 0, "delay", 300)
    begin = time.monotonic()
    assert line.at("AT") == "OK" and time.monotonic() - begin > 0.3
    sim.do("fault", 0, "garbage", 50)
    line.write("AT\r")
    assert len(line.until(rb"\r\nOK\r\n")) == 56
    line.at("ATE1")
    sim.do("fault", 0, "echo")
    line.at("ATE0")
    assert line.at("AT").startswith("AT\r")
    line.at("ATE0")
    assert line.at("AT") == "OK"


def test_report_before_the_answer_and_twice(modem):
    sim, line = modem("--submit-delay", 0, "--report-delay", 100)
    reports_on(line)
    sim.do("fault", 0, "report-first")
    line.prompt(HELLO_SRR)
    line.write(HELLO_SRR + "\x1a")
    both = line.until(rb"\+CMGS: \d+\r\n\r\nOK\r\n")
    assert 0 < both.index("+CDS: 25") < both.index("+CMGS:")
    assert line.at("AT+CNMA") == "OK"
    sim.do("fault", 0, "duplicate-report")
    line.sms(HELLO_SRR)
    one = pdu_after(line, rb"\+CDS: 25")
    line.write("AT+CNMA\r")
    assert pdu_after(line, rb"\+CDS: 25") == one


def test_hostile_octets(modem):
    """Whatever is written, it answers AT afterwards (under the sanitizers, too)."""
    sim, line = modem("--instant")
    chance = random.Random(20)
    words = [b"AT", b"+CMGS=23\r", b"+CMGR=", b"+CNMI=", b"+CPMS=", b"+CUSD=1,", b"+CSCA=", b"+CPIN=", b"+CMGW=30\r",
             b"+CMGD=1,4", b"+CNMA=1,20\r", b"+CRSM=176,", b'"', b",", b";", b"=", b"?", b"-1", b"99999999999", b"\r",
             b"\x1a", b"\x1b", b"E1V0Q1", b"&", b"+CSCS=\"UCS2\"", b"\x08", HELLO.encode(), LOREM[0].encode(), b"A" * 3000]
    for _ in range(300):
        octets = b"".join(chance.choice(words) for _ in range(chance.randrange(12)))
        octets += bytes(chance.randrange(256) for _ in range(chance.randrange(20)))
        line.serial.write(octets.replace(b"\x11", b"").replace(b"\x13", b""))
        line.quiet(0.01)
    line.write("\x1a")
    line.quiet()
    line.write("\rATQ0V1\r")
    line.quiet()
    line.at("ATE0")
    assert line.at("AT") == "OK"
    for pdu in ["".join(chance.choice("0123456789ABCDEF") for _ in range(2 * n)) for n in range(8, 60)]:
        line.sms("00" + pdu)
        sim.do("inject-raw", 0, "00" + pdu)
        sim.do("handsets")


@pytest.mark.parametrize("profile", ["huawei", "zte", "sim800", "ec25", "telit", "cinterion", "wavecom"])
def test_hostile_octets_for_a_family(make_sim, profile):
    """Its own commands and manners, in any order and broken: it lives, and ends without a finding."""
    sim = make_sim(1, "--instant", "--hurry", 500, "--profile", profile, "--sm", 2, "--pin", "1234")
    line = Line(sim.port(0))
    chance = random.Random(profile)
    words = ["AT", "^CPIN?", "^CURC=0", "^USSDMODE=0", "+CUSD=1,", "AA180C3602", '"', ",", "+CSMP=17", "+CSCA?", "+CPMS?", "=", "?",
             "+QURCCFG=\"urcport\",\"usbat\"", "^SPIC=\"SC\"", "+CPIN=\"1234\"", "+CNMI=2,1,0,2,1", "+CMGR=1", "+CNMA", "\r", "\r",
             "+CFUN=1,1", "Z", "+COPS=0", "+IPR=0", "+CMGS=23\r" + HELLO + "\x1a", "+CSIM=10,\"0020000100\"", "\x1b", "H"]
    for step in range(150):
        text = "AT" + "".join(chance.choice(words) for _ in range(chance.randrange(8))) + "\r"
        try:
            line.write(text)
            line.quiet(0.005)
        except (OSError, serial.SerialException):  # it restarted, and left the bus
            line.close()
            sim.wait_event("replug", sim.counters()["unplug"])
            line = Line(sim.port(0))
        sim.do(*chance.choice([("inject", 0, "12345", "x" * 200), ("call", 0, "+4917", "rings=2", "every=1"), ("push", 0, "hello", "asks=1"),
                               ("forget", 0, "all"), ("list",)]))
    line.close()


# ---- unplug, replug, reset ----
def test_unplug_hangs_up_and_replug_remembers(modem):
    sim, line = modem("--instant")
    line.at("AT+CNMI=2,1,0,0,0")
    sim.do("inject", 0, "12345", "kept")
    line.until(rb"\+CMTI")
    mr = line.sms(HELLO)
    fd = os.open(sim.port(0), os.O_RDWR | os.O_NOCTTY)
    sim.do("unplug", 0)
    assert not os.path.lexists(sim.port(0))
    try:
        assert os.read(fd, 1) == b""
    except OSError:
        pass  # EIO: both mean that the device has gone
    os.close(fd)
    line.close()
    sim.do("inject", 0, "12345", "while it was away")
    sim.do("replug", 0)
    line = Line(sim.port(0))
    line.until(rb"SMS Ready\r\n")
    assert line.at("ATE0").startswith("ATE0")  # echo is on again
    assert line.at("AT+CNMI?") == "+CNMI: 0,0,0,0,0\nOK"
    assert line.at("AT+CMGL=4").count("+CMGL:") == 2
    assert line.sms(HELLO) == (mr + 1) % 256
    line.close()


@pytest.mark.parametrize("fault, arrived", [("crash", 1), ("crash-unsent", 0)])
def test_crash_in_the_middle(modem, fault, arrived):
    sim, line = modem("--instant")
    sim.do("fault", 0, fault)
    line.prompt(HELLO)
    line.write(HELLO + "\x1a")
    sim.wait_event("unplug")
    assert not os.path.lexists(sim.port(0)) and len(sent_texts(sim)) == arrived


def test_restart_by_command(modem):
    sim, line = modem("--instant", "--boot-delay", 100)
    assert line.at("AT+CFUN=1,1") == "OK"
    line.until(rb"SMS Ready\r\n")
    assert sim.modem(0)["echo"] and sim.counters()["reset"] == 1


def test_reset_forgets_the_dialogue(modem):
    sim, line = modem("--instant", "--boot-delay", 50)
    reports_on(line)
    sim.do("reset", 0)
    assert "+CPIN: READY" in line.until(rb"SMS Ready\r\n")
    assert line.at("AT+CSMS?").endswith("+CSMS: 0,1,1,1\nOK")
    state = sim.modem(0)
    assert state["echo"] and state["cnmi"] == [0] * 5


def test_swapped_sims(modem):
    sim, _ = modem("--instant", modems=2)
    before = [sim.modem(i) for i in range(2)]
    sim.do("swap", 0, 1)
    after = [sim.modem(i) for i in range(2)]
    assert [m["iccid"] for m in after] == [m["iccid"] for m in reversed(before)]
    assert [m["imei"] for m in after] == [m["imei"] for m in before]


def test_unread_output_is_gone_after_the_last_close(modem):
    sim, line = modem("--instant")
    line.write("ATI\r")
    time.sleep(0.2)  # the answer is in the pty, nobody reads it
    line.close()
    sim.wait_event("closed")
    again = Line(sim.port(0))
    assert again.quiet() == ""
    assert again.at("AT") == "OK"
    again.close()


def test_a_reader_that_sleeps_stops_nobody(make_sim):
    sim = make_sim(2, "--instant")
    sleeper, awake = Line(sim.port(0)), Line(sim.port(1))
    sim.do("fault", 0, "garbage", 3000000)
    sleeper.write("AT\r")
    sim.wait_event("overflow")
    assert awake.at("AT").endswith("OK")


# ---- taps ----
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class Receiver(http.server.BaseHTTPRequestHandler):
    seen = []

    def do_GET(self):
        self.seen.append((self.command, self.path, dict(self.headers)))
        self.send_response(302)
        self.send_header("Location", "https://www.xoxzo.com/en/")
        self.send_header("Cache-Control", "private, no-store")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *ignored):
        pass


@pytest.fixture
def web():
    Receiver.seen = []
    server = Server(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


# "see https://s.example.com/k7qz2m9rtx. bye" in UCS-2
TRACKED = "see https://s.example.com/k7qz2m9rtx. bye"
TRACKED_PDU = "0001000B916407281553F80008%02X%s" % (2 * len(TRACKED), TRACKED.encode("utf-16-be").hex().upper())


def test_tap_as_a_phone_does(modem, web):
    sim, line = modem("--instant")
    assert isinstance(line.sms(TRACKED_PDU), int)
    result = sim.tap(HELLO_TO, via=web)
    assert result["url"] == "https://s.example.com/k7qz2m9rtx"
    assert (result["status"], result["location"]) == (302, "https://www.xoxzo.com/en/")
    assert result["headers"]["cache-control"] == "private, no-store"
    [(method, path, headers)] = Receiver.seen
    assert (method, path, headers["Host"]) == ("GET", "/k7qz2m9rtx", "s.example.com")
    assert "Android" in headers["User-Agent"] and "Chrome" in headers["User-Agent"]
    assert headers["Sec-Fetch-Mode"] == "navigate" and headers["Sec-Fetch-Dest"] == "document"
    sim.do("tap", HELLO_TO, 0, "header=Sec-Fetch-Mode:", "header=Purpose: prefetch", via=web, method="HEAD", ua="x/1")
    method, _, headers = Receiver.seen[-1]
    assert (method, headers["User-Agent"], headers["Purpose"]) == ("HEAD", "x/1", "prefetch")
    assert "Sec-Fetch-Mode" not in headers


def test_many_taps_at_once(modem, web):
    sim, line = modem("--instant")
    line.sms(TRACKED_PDU)
    results = sim.tap(HELLO_TO, via=web, n=100)["results"]
    assert [r["status"] for r in results] == [302] * 100 and len(Receiver.seen) == 100


def test_tap_says_why_not(modem):
    sim, line = modem("--instant")
    with pytest.raises(SimError, match="no such message"):
        sim.tap("+1")
    line.sms(HELLO)
    with pytest.raises(SimError, match="no link in: hellohello"):
        sim.tap(HELLO_TO)
    line.sms(TRACKED_PDU)
    with socket.socket() as s:  # bound, not listening
        s.bind(("127.0.0.1", 0))
        with pytest.raises(SimError, match="connect"):
            sim.tap(HELLO_TO, via="127.0.0.1:%d" % s.getsockname()[1])


# ---- control socket, options ----
@pytest.mark.parametrize("line", [
    "nonsense", "list 7", 'say 0 "open', "fault 0 nosuch", "wait", "rule +1 maybe", "network 0 mars", "x " * 100,
    "inject 0 12345 日 alphabet=gsm7", "inject-raw 0 0G", "inject-raw 0 FF00", "log since=99999999999", "\\",
    "inject 0 12345678901234567890123 x", "fault 0 late -5 count=-1",
], ids=range(15))
def test_control_answers_anything(make_sim, line):
    sim = make_sim(1, "--instant")
    answer = sim.ask(line)
    assert answer["ok"] is (line.startswith("log") or line.startswith("fault 0 late"))
    assert answer["ok"] or answer["error"]
    assert sim.do("list")["modems"]


def test_control_from_the_shell(modem):
    sim, line = modem("--instant")
    line.sms(HELLO)

    def run(command):
        return subprocess.run([BUILD / "modemsim", "--control", sim.control, "--do", command], timeout=20,
                              capture_output=True, text=True, check=False)
    good = run(f"handset {HELLO_TO}")
    assert good.returncode == 0 and "hellohello" in good.stdout
    assert run("nonsense").returncode == 1
    assert subprocess.run([BUILD / "modemsim", "--modems", "none"], timeout=20, capture_output=True,
                          check=False).returncode == 2


def test_wait_ends_in_time(make_sim):
    sim = make_sim(1, "--instant")
    with pytest.raises(SimError, match="timeout"):
        sim.wait("+1", 1, timeout=0.2)


def test_log_tells_what_happened(modem):
    sim, line = modem("--instant")
    reports_on(line)
    mr = line.sms(HELLO_SRR)
    pdu_after(line, rb"\+CDS: 25")
    line.at("AT+CNMA")
    events = [e for e in sim.log() if e["event"] in ("submit", "outcome", "answer", "report", "ack")]
    assert [e["event"] for e in events] == ["submit", "outcome", "answer", "report", "ack"]
    assert {e["mr"] for e in events} == {mr} and events[0]["text"] == "hellohello"
    assert events[0]["number"] == events[3]["number"] == HELLO_TO
    times = [e["t_ms"] for e in events]
    assert times == sorted(times) and abs(times[0] / 1000 - time.time()) < 60


def test_memory_is_bounded(modem):
    sim, line = modem("--instant", "--keep", 50)
    for _ in range(200):
        line.sms(HELLO)
    counters = sim.counters()
    assert (counters["submit"], counters["messages_kept"]) == (200, 50)
    messages = sim.handset(HELLO_TO)
    assert [m["index"] for m in messages] == list(range(150, 200))
    assert len(sim.log(limit=10000)) <= 250
    assert sim.do("wait", HELLO_TO, 200, 1000)["count"] == 200


@pytest.mark.parametrize("profile, first", [("generic", 1), ("novatel", 0), ("sim800", 1)])
def test_profiles(modem, profile, first):
    sim, line = modem("--instant", "--profile", profile)
    assert sim.modem(0)["profile"] == profile
    assert line.at("AT+CNMI=1,1,0,1,0") == "OK"
    sim.do("inject", 0, "12345", "x")
    line.until(rb'\+CMTI: "SM",%d\r\n' % first)
    assert isinstance(line.sms(HELLO_SRR), int)
    line.until(rb"\+CDS: 25\r\n")


# ---- hangs, and what ends them ----
def dead(line):
    line.write("AT\r")
    return line.quiet(0.1) == ""


@pytest.mark.parametrize("until", ["reopen", "cfun", "restart", "power"])
def test_hangs_until_the_right_thing_is_done(make_sim, until):
    """Each cure also ends the lesser hangs, and no lesser one ends this."""
    sim = make_sim(1, "--instant", "--boot-delay", 20)
    line = Line(sim.port(0))
    sim.do("hang", 0, until)
    assert dead(line) and sim.modem(0)["hangs"] == until
    line.close()
    sim.wait_event("closed")
    line = Line(sim.port(0))
    sim.wait_event("opened", 2)
    assert dead(line) == (until != "reopen")
    line.write("AT+CFUN=0\r")
    line.quiet(0.05)
    line.write("AT+CFUN=1\r")
    line.quiet(0.05)
    assert dead(line) == (until in ("restart", "power"))
    line.write("AT+CFUN=1,1\r")
    line.quiet(0.1)
    assert dead(line) == (until == "power")
    sim.do("power", 0)
    sim.wait_event("replug")
    line.close()
    line = Line(sim.port(0))
    line.quiet(0.1)  # it starts
    assert not dead(line) and sim.modem(0)["hangs"] is None


def test_hangs_in_sms_or_with_errors_only(modem):
    sim, line = modem("--instant")
    sim.do("hang", 0, "cfun", "sms")
    assert line.at("AT+CSQ").endswith("OK")
    line.write("AT+CMGL=4\r")
    assert line.quiet(0.1) == ""
    sim.do("hang", 0, "cfun", "error")
    assert line.at("AT") == "OK" and line.at("AT+CREG?") == "ERROR"
    assert line.at("AT+CFUN=0") == "OK" and line.at("AT+CFUN=1") == "OK"
    assert line.at("AT+CREG?").endswith("OK")


def test_restart_takes_it_off_the_bus_and_it_comes_back_under_another_name(modem):
    sim, line = modem("--instant", "--boot-delay", 0)
    sim.do("restarts", 0, "bus", gone=100, name="modem7")
    line.write("AT+CFUN=1,1\r")
    sim.wait_event("unplug")
    assert not os.path.lexists(sim.port(0))
    sim.wait_event("replug")
    assert not os.path.lexists(sim.port(0))
    line.close()
    again = Line(sim.port(7))
    assert again.at("ATE0").endswith("OK")
    again.close()


# ---- several ports ----
def test_one_port_of_five_is_right(make_sim):
    """Two answer, one of them never speaks by itself; one has positions, two are deaf. Each has a dialogue of its own."""
    sim = make_sim(1, "--instant", "--ports", "--profile", "sim7600")
    assert {p["interface"]: p["role"] for p in sim.modem(0)["ports"]} == {
        0: "silent", 1: "nmea", 2: "at", 3: "ppp", 4: "silent"}
    right, ppp, deaf, gps = Line(sim.port(0)), Line(sim.port(0, 3)), Line(sim.port(0, 0)), Line(sim.port(0, 1))
    assert os.path.realpath(sim.port(0)) == os.path.realpath(sim.port(0, 2))
    assert right.at("ATE0").endswith("OK")
    assert ppp.at("AT") == "AT\r\nOK"  # it still echoes
    deaf.write("AT\r")
    sim.do("say", 0, "+CNSMOD: 0,7")
    right.until(rb"\+CNSMOD: 0,7\r\n")
    assert ppp.quiet(0.05) == "" and deaf.quiet(0.05) == ""
    gps.until(rb"\$GPRMC,")
    right.prompt(HELLO)
    octets = len(HELLO) // 2 - 1
    assert ppp.at(f"AT+CMGS={octets}").endswith("+CMS ERROR: 500")
    right.write(HELLO + "\x1a")
    right.until(FINAL)
    assert isinstance(ppp.sms(HELLO), int)
    assert sim.texts(HELLO_TO) == ["hellohello"] * 2
    for line in (right, ppp, deaf, gps):
        line.close()
    sim.do("unplug", 0)
    assert os.listdir(sim.links) == []
    sim.do("replug", 0, name="stick")
    assert sorted(os.listdir(sim.links)) == ["stick"] + [f"stick.{i}" for i in range(5)]


# ---- manners ----
def test_calls_ussd_from_the_network_and_settings_lost_without_a_word(modem):
    sim, line = modem("--instant")
    line.at("AT+CLIP=1;+CUSD=1")
    sim.do("call", 0, "+491709998877", rings=1, every=10)
    line.until(rb'RING\r\n\r\n\+CLIP: "\+491709998877",145,"",,"",0\r\n\r\nNO CARRIER\r\n')
    sim.do("push", 0, "Pay? 1 yes", asks=1)
    line.until(rb'\+CUSD: 1,"Pay\? 1 yes",15\r\n')
    line.write('AT+CUSD=1,"1",15\r')
    line.until(rb'\+CUSD: 0,"Thank you",15\r\n')
    assert line.at("AT+CNMI=2,1,0,1,0") == "OK"
    sim.do("forget", 0, "all")
    assert line.at("AT").endswith("AT\r\nOK")  # it echoes again
    assert "+CNMI: 0,0,0,0,0" in line.at("AT+CNMI?")
    assert line.at("AT+CMGL=4").endswith("+CMS ERROR: 305")


def test_manners_of_a_few(make_sim):
    """As docs/modems.md has them, by hand."""
    def line_of(profile, *options):
        sim = make_sim(1, "--instant", "--hurry", 100, "--profile", profile, *options)
        return sim, Line(sim.port(0))
    sim, line = line_of("wavecom")
    line.at("ATE0")
    line.write("AT+CREG?\r")
    line.until(rb"\r\nOK\r\n\r\n\+CREG: 0,1\r\n")
    assert line.at("AT+CPMS=?").startswith('+CPMS: (("SM","BM","SR"),("SM"))')
    assert line.at('AT+CPMS="SM","SM","SM"').endswith("+CMS ERROR: 302")
    sim, line = line_of("cinterion")
    line.at("ATE0")
    assert line.at("AT+CNMI=2,1,0,2,0") == "+CMS ERROR: 302" and line.at("AT+CNMI=2,1,0,2,1") == "OK"
    assert line.at("AT+CMGR=1") == "+CMGR: 0,,0\nOK"
    sim, line = line_of("ec25", "--ports")
    ppp = Line(sim.port(0, 3))
    line.at("ATE0")
    sim.do("say", 0, "RING")
    ppp.until(rb"RING")
    assert line.at('AT+QURCCFG="urcport","usbat"') == "OK"
    sim.do("say", 0, "RING")
    line.until(rb"RING")
    sim, line = line_of("huawei", "--pin", "1234")
    line.write("AT+WIND?\r")
    line.until(rb"\r\nCOMMAND NOT SUPPORT\r\n")
    line.write("AT^CPIN?\r")
    line.until(rb"\^CPIN: SIM PIN,3,10,3,10,3\r\n")
