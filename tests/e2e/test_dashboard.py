"""The dashboard in a real Chromium: what a person does with it, what strangers' texts do to it, what it looks like on a phone."""
import pytest

from browser import Browser
from daemon import SLOW, TOKEN, until
from receiver import Receiver

NUMBER = "+4915112345678"
ONCE = {"callbacks": {"schedule": "0"}}
ACCOUNTS = {"main": {"token": TOKEN, "admin": "yes"}, "shop": {"token": "shop-token"}}
HOSTILE = ["<script>window.hit=1</script><img src=x onerror=window.hit=1>", "\u202egnp.exe \u2067abc\u2066", "W" * 600, "\U0001f600" * 330]
plain_only = pytest.mark.skipif(SLOW > 1, reason="the daemon's part of it is in the other tests; the main path is here too")

# What assistive technology needs and can be judged without looking.
RULES = """
const bad = [], seen = (e) => e.checkVisibility();
const called = (e) => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.innerText || e.title;
for (const e of document.querySelectorAll('input, select, textarea, button, a, summary'))
  if (seen(e) && !called(e)?.trim()) bad.push('no name: ' + e.outerHTML);
const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) bad.push('twice: #' + id);
for (const e of document.querySelectorAll('[aria-describedby]'))
  if (!document.getElementById(e.getAttribute('aria-describedby'))) bad.push('describes nothing: ' + e.outerHTML);
for (const e of document.querySelectorAll('svg[role=img]')) if (!e.getAttribute('aria-label')) bad.push('chart without words');
for (const e of document.querySelectorAll('table')) if (!e.caption || !e.querySelector('th[scope=col]') || [...e.querySelectorAll('th')].some((t) => !t.innerText && seen(t))) bad.push('table without a name');
if (document.querySelectorAll('h1').length !== 1) bad.push('not one h1');
if (!document.documentElement.lang || !document.title) bad.push('no language or title');
if (!document.querySelector('[role=status][aria-live=polite]')) bad.push('no live region');
const light = (c) => { const [r, g, b] = c.match(/[\\d.]+/g).map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b; };
const ground = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c)) return c; } return 'rgb(255,255,255)'; };
for (const e of document.querySelectorAll('body *')) {
  if (!seen(e) || e.disabled || ![...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
  const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
  if ((a + .05) / (b + .05) < 4.5) bad.push('contrast: ' + e.outerHTML.slice(0, 80));
}
return bad;
"""


@pytest.fixture(scope="module")
def chromium():
    browser = Browser()
    yield browser
    browser.close()


def judge(browser):
    """Both schemes, desk and phone."""
    for width, scheme in ((1200, "light"), (375, "dark")):
        browser.size(width, 800, scheme)
        assert browser.overflow() <= 0, width
        assert browser.js(RULES) == [], (width, scheme)
    browser.size(1200, 900)


def test_from_sign_in_to_tap(chromium, make_daemon, sim):
    daemon = make_daemon(modems={"m0": sim.port(0)}, accounts=ACCOUNTS, sections=ONCE)
    daemon.wait_modem("m0")
    b = chromium
    b.begin(daemon.url)
    b.fill("#token", "wrong")
    b.button("Sign in").click()
    b.sees("Invalid username/password.")
    b.sign_in(daemon.url)
    b.sees("Simnet Mobile")
    b.go("Send")
    b.fill("#recipient", "12")
    b.fill("textarea", "see https://example.com/x now")
    b.sees("1 part,")
    b.sees("/xxxxxxxxxx now")
    b.button("Send", "form").click()
    b.sees("Not a phone number")
    b.fill("#recipient", NUMBER)
    b.button("Send", "form").click()
    b.sees("Accepted.")
    next(a for a in b.all("main a") if a.text == "Follow it").click()
    b.sees("DELIVERED", seconds=20)
    b.sees("not yet; the link ends")
    b.js("window.same = true")
    sim.tap(NUMBER)
    b.sees("1 tap by people", seconds=3)
    assert b.js("return window.same"), "it was loaded again"
    b.go("Messages")
    b.sees(NUMBER)
    b.go("Links")
    b.sees("First taps: 1 in the last 30 days")
    b.button("Sign out").click()
    b.one("#token")
    assert b.js("return sessionStorage.length") == 0
    b.check(refused=("401", "400"))


@plain_only
def test_modems_ussd_and_unplugged(chromium, daemon, sim):
    b = chromium
    b.sign_in(daemon.url)
    b.sees("home network")
    b.sees("0 of 30 in SM")
    b.one("summary").click()
    b.fill("details input", "*123#")
    b.button("Dial").click()
    b.sees("1 Balance")
    b.fill("details input", "0")
    b.button("Answer").click()
    b.sees("Bye")
    b.fill("details input", "*999#")
    b.button("Dial").click()
    b.sees("does not support")
    judge(b)
    sim.do("unplug", 0)
    b.sees("gone", ".badge", seconds=5)
    assert b.text(".note.bad")
    b.check(refused=("502",))


@plain_only
def test_callbacks_inbox_search_and_an_account_of_its_own(chromium, make_daemon, sim):
    daemon = make_daemon(modems={"m0": sim.port(0)}, accounts=ACCOUNTS, sections=ONCE)
    b = chromium
    with Receiver() as receiver:
        receiver.on("/d", 500)
        daemon.wait_status(daemon.send(NUMBER, "x", callbackurl=receiver.url("/d"), tags="red"), "DELIVERED")
        daemon.wait_status(daemon.send("+4915100000001", "y"), "DELIVERED")
        b.sign_in(daemon.url)
        b.go("Callbacks")
        b.sees("500")
        judge(b)
        receiver.on("/d", 200)
        b.button("Send again").click()
        b.sees("Every callback was received")
        assert len(receiver.at("/d")) == 2
    b.go("Messages")
    b.sees("+4915100000001")
    b.fill("[name=tag]", "red")
    b.button("Search").click()
    until("only that one", lambda: NUMBER in b.text("main") and "+4915100000001" not in b.text("main"))
    b.go("Inbox")
    sim.do("inject", 0, "+4915100000009", "good morning")
    b.sees("good morning", seconds=3)
    b.sign_in(daemon.url, "shop", "shop-token")
    assert [a.text for a in b.all("nav a")] == ["Send", "Messages", "Links"]
    b.go("Messages")
    b.sees("No such message.")
    b.check(refused=("403",))


@plain_only
def test_hostile_texts(chromium, make_daemon, sim):
    daemon = make_daemon(modems={"m0": sim.port(0)}, accounts=ACCOUNTS, sections=ONCE)
    daemon.wait_modem("m0")
    b = chromium
    for text in HOSTILE:
        sim.do("inject", 0, "+4915100000009", text)
    msgid = daemon.send(NUMBER, "see https://example.com/?<script>hit=1</script>" + "x" * 300, track_link="true",
                        tags="<img src=x onerror=hit=1>," + "t" * 60 + ",\u202etxt")
    b.sign_in(daemon.url)
    for text in HOSTILE:
        b.go("Send")
        b.paste("textarea", text)
        b.sees("units")
        judge(b)
        b.go("Messages")
    for title, words in (("Modems", "ready"), ("Messages", NUMBER), ("Links", "example.com"), ("Inbox", "<script>")):
        b.go(title)
        b.sees(words)
        judge(b)
    b.driver.get(f"{daemon.url}/#/messages/{msgid}")
    b.sees("<img src=x")
    judge(b)
    assert b.js("return window.hit") is None
    b.check()


@plain_only
def test_keys_only(chromium, daemon):
    from selenium.webdriver import ActionChains, Keys
    b = chromium
    press = lambda *keys: ActionChains(b.driver).send_keys(*keys).perform()     # noqa: E731
    b.begin(daemon.url)
    assert b.focused() == ["INPUT", "token"]
    press(TOKEN, Keys.ENTER)
    b.sees("Modems", "h1")
    assert b.focused()[0] == "MAIN"
    b.js("document.activeElement.blur(); window.scrollTo(0, 0); document.querySelector('.skip').focus()")
    press(Keys.TAB)
    assert b.focused() == ["A", "Modems"]
    assert b.js("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press(Keys.TAB, Keys.ENTER)
    b.sees("Send", "h1")
    assert b.focused()[0] == "MAIN"
    press(Keys.TAB)
    assert b.focused() == ["INPUT", "recipient"]
    b.js("document.querySelector('.skip').focus()")
    press(Keys.ENTER)
    assert b.focused()[0] == "MAIN" and b.text("h1") == "Send"
    b.check()


@plain_only
def test_a_restart_is_survived(chromium, daemon):
    b = chromium
    b.sign_in(daemon.url)
    b.go("Messages")
    daemon.stop()
    b.sees("The server cannot be reached")
    daemon.start()
    daemon.wait_modem("m0")
    until("it is back", lambda: "cannot be reached" not in b.text("main"))
    daemon.send(NUMBER, "after it")
    b.sees(NUMBER, seconds=5)
    b.check(refused=("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET"))


@plain_only
def test_many_events_and_none(chromium, make_daemon, make_sim):
    """A burst of messages does not make the page hit the rate limit; where the stream is refused it asks by itself."""
    sim = make_sim(1, "--instant")
    daemon = make_daemon(modems={"m0": sim.port(0)}, sections={"api": {"rate": 50}},
                         accounts={"main": {"token": TOKEN, "admin": "yes"}, "page": {"token": "page-token", "admin": "yes"}})
    b = chromium
    b.sign_in(daemon.url, "page", "page-token")
    b.go("Modems")
    b.sees("ready")
    numbers = [f"+49151{n:07}" for n in range(300)]
    assert daemon.http.post(f"{daemon.url}/sms/messages/", timeout=60, json={
        "recipient": numbers, "message": "x", "sender": "test"}).status_code == 201
    sim.wait(numbers[-1], timeout=30)
    b.sees("Sent\n300", seconds=10)
    b.check()

    watchers = []

    def full():
        watchers.append(daemon.http.get(f"{daemon.url}/events/", stream=True, timeout=10))
        return watchers[-1].status_code == 503      # 429 meanwhile: that is us
    until("nobody else may watch", full)
    b.sign_in(daemon.url, "page", "page-token")
    b.sees("ready")
    sim.do("unplug", 0)
    b.sees("gone", seconds=8)
    for answer in watchers:
        answer.close()
    b.check(refused=("503",))
    assert any("503" in entry["message"] for entry in b.said)
