# A headless Chromium that looks at the dashboard as a person does, by roles and words; and what it must never do.
# Refuses to know smsbridge's API.
# Promises: an empty profile, one origin, and everything the console said is kept for the test's end.
import json
import shutil
import tempfile
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from daemon import until

FLAGS = ("--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --disable-dev-shm-usage --lang=en-GB --window-size=1200,900").split()
OF_THE_NETWORK = "Failed to load resource"      # what the browser itself says of every answer that is not 2xx


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="smsbridge-chromium-")
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        for flag in [*FLAGS, f"--user-data-dir={self.profile}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_script_timeout(60)
        self.cdp = self.driver.execute_cdp_cmd
        self.js = self.driver.execute_script
        self.origin, self.said, self.asked = None, [], []

    def close(self):
        self.driver.quit()
        shutil.rmtree(self.profile, ignore_errors=True)

    # ---- what it did ----
    def collect(self):
        self.said += self.driver.get_log("browser")
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])

    def begin(self, url):
        """A new visitor: nothing signed in, nothing said yet."""
        self.driver.get(url)
        self.js("sessionStorage.clear(); localStorage.clear()")
        self.size(1200, 900)
        self.collect()
        self.origin, self.said, self.asked = url, [], []
        self.driver.get(url)

    def check(self, refused=()):
        """Nothing went wrong but the answers that the test provoked; nobody else was asked."""
        self.collect()
        bad = [s["message"] for s in self.said if s["level"] in ("SEVERE", "WARNING")]
        bad = [m for m in bad if not (OF_THE_NETWORK in m and any(r in m for r in refused))]
        assert not bad, bad
        host = urlsplit(self.origin).netloc
        strangers = [u for u in self.asked if urlsplit(u).scheme not in ("data", "blob") and urlsplit(u).netloc != host]
        assert not strangers, strangers

    # ---- what it looks like ----
    def size(self, width, height, scheme="light"):
        self.cdp("Emulation.setDeviceMetricsOverride",
                 {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        self.cdp("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def picture(self, path):
        self.driver.save_screenshot(str(path))

    def overflow(self):
        """By how many pixels the page is wider than the window."""
        return self.js("return document.documentElement.scrollWidth - document.documentElement.clientWidth")

    # ---- what a person does ----
    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css, seconds=10):
        return until(f"there is {css}", lambda: self.all(css), seconds)[0]

    def text(self, css="body"):
        return self.js("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    def sees(self, words, css="main", seconds=10):
        return until(f"{css} shows {words!r}: {self.text(css)!r}", lambda: words in self.text(css), seconds)

    def button(self, words, within="body"):
        def found():
            return [b for b in self.all(f"{within} button") if b.text == words and b.is_enabled()]
        return until(f"there is a button {words!r}", found, 10)[0]

    def fill(self, css, words):
        field = self.one(css)
        field.clear()
        field.send_keys(words)
        return field

    def paste(self, css, words):
        """As from the clipboard: characters that no keyboard has."""
        self.js("const e = document.querySelector(arguments[0]); e.value = arguments[1];"
                "e.dispatchEvent(new Event('input', {bubbles: true}))", css, words)

    def go(self, title):
        next(a for a in self.all("nav a") if a.text == title).click()
        self.sees(title, "h1")

    def sign_in(self, url, sid="main", token="secret-token"):
        self.begin(url)
        self.fill("#sid", sid)
        self.fill("#token", token)
        self.button("Sign in").click()
        until("signed in", lambda: self.all("nav a"), 10)

    def focused(self):
        """Tag and what a reader would call it."""
        return self.js("const e = document.activeElement;"
                       "return [e.tagName, e.id || e.name || e.innerText.trim().slice(0, 40)]")
