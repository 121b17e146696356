"""GET /links/, /links/taps/ and a modem's signal: what the dashboard and `smsbridge links` show."""
import datetime

import pytest

from daemon import SLOW, TOKEN, until

ACCOUNTS = {"main": {"token": TOKEN, "admin": "yes"}, "shop": {"token": "shop-token"}}


def get(daemon, path, **options):
    return daemon.http.get(daemon.url + path, timeout=20 * SLOW, **options)


def test_links_and_taps(make_daemon, sim):
    daemon = make_daemon(modems={"m0": sim.port(0)}, accounts=ACCOUNTS)
    msgids = [daemon.send(f"+491510000000{i}", f"see https://example.com/{i} now", track_link="true") for i in range(3)]
    daemon.send("+4915100000009", "no link here")
    sim.wait("+4915100000001")
    assert sim.tap("+4915100000001")["status"] == 302

    links = get(daemon, "/links/").json()
    assert [link["msgid"] for link in links] == msgids[::-1]
    for link in links:
        status = daemon.status(link["msgid"])
        assert link["recipient"] == status["recipient"]
        for key in ("link", "shortlink", "accessed", "accessed_on", "expires_on"):
            assert link[key] == status["link_tracking"][key]
    assert [link["accessed"] for link in links] == [False, True, False]

    days = get(daemon, "/links/taps").json()
    assert len(days) == 30 and days[-1] == {"date": f"{datetime.datetime.utcnow():%Y-%m-%d}", "taps": 1}
    assert sum(day["taps"] for day in days) == 1

    first = get(daemon, "/links/?limit=2")
    assert [link["msgid"] for link in first.json()] == msgids[:0:-1] and 'rel="next"' in first.headers["Link"]
    rest = daemon.http.get(first.links["next"]["url"], timeout=20 * SLOW)
    assert [link["msgid"] for link in rest.json()] == msgids[:1] and "Link" not in rest.headers

    shop = ("shop", "shop-token")   # sees its own only, and none of the modems
    assert get(daemon, "/links/", auth=shop).json() == []
    assert sum(day["taps"] for day in get(daemon, "/links/taps/", auth=shop).json()) == 0
    assert get(daemon, "/modems/m0/signal/", auth=shop).status_code == 403


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=10001", "cursor=x", "cursor=-1"])
def test_bad_pages(daemon, query):
    answer = get(daemon, f"/links/?{query}")
    assert answer.status_code == 400 and query.partition("=")[0] in answer.json()


def test_signal(daemon, sim):
    sim.do("signal", 0, 31)
    until("the signal is noted", lambda: get(daemon, "/modems/m0/signal/").json(), 90)
    samples = get(daemon, "/modems/m0/signal").json()
    assert set(samples[0]) == {"time", "dbm"} and -113 <= samples[0]["dbm"] <= -51
    assert get(daemon, "/modems/nobody/signal/").status_code == 404
    assert daemon.http.post(f"{daemon.url}/modems/m0/signal/", timeout=20 * SLOW).status_code == 405
