"""Callbacks that were given up: listed for the operator, and sent again when asked."""
import requests

from daemon import until
from receiver import Receiver

NUMBER = "+4915112345678"
TWO = {"callbacks": {"schedule": "0, 100ms"}}


def listed(daemon, path="/callbacks/?state=failed", status=200):
    answer = daemon.http.get(daemon.url + path, timeout=30)
    assert answer.status_code == status, answer.text
    return answer.json()


def retry(daemon, number):
    return daemon.http.post(f"{daemon.url}/callbacks/{number}/retry", timeout=30)


def fail(daemon, url):
    """A message that ends at once, so that its delivery callback is due now."""
    msgid = daemon.send(NUMBER, "x", callbackurl=url)
    assert daemon.http.delete(f"{daemon.url}/sms/messages/{msgid}/", timeout=30).status_code == 204
    return msgid


def test_given_up_and_sent_again(make_daemon):
    daemon = make_daemon(sections=TWO)
    assert listed(daemon) == []
    with Receiver() as receiver:
        receiver.on("/d", 500)
        msgid = fail(daemon, receiver.url("/d"))
        [row] = until("it is given up", lambda: listed(daemon))
        assert set(row) == {"id", "kind", "url", "msgid", "tries", "error", "time"}
        assert (row["kind"], row["url"], row["msgid"], row["tries"]) == ("delivery", receiver.url("/d"), msgid, 2)
        assert "500" in row["error"] and len(row["time"]) == 19

        assert retry(daemon, row["id"]).status_code == 204      # fails again, as often as a new one
        until("two tries more", lambda: len(receiver.at("/d")) == 4)
        until("it is given up again", lambda: listed(daemon))

        receiver.on("/d", 200)
        assert daemon.http.post(f"{daemon.url}/callbacks/{row['id']}/retry/", timeout=30).status_code == 204
        until("it arrived", lambda: len(receiver.at("/d")) == 5)
        posts = receiver.at("/d")
        assert len({p.body for p in posts}) == 1 and len({p.headers["webhook-id"] for p in posts}) == 1
        assert listed(daemon) == []
        until("received: nothing to send again", lambda: retry(daemon, row["id"]).status_code == 409)


def test_survives_a_restart_and_pages(make_daemon):
    daemon = make_daemon(sections=TWO)
    with Receiver() as receiver:
        receiver.on("/d", 404)
        msgids = []
        for count in range(1, 4):
            msgids.append(fail(daemon, receiver.url("/d")))
            until("it is given up", lambda wanted=count: len(listed(daemon)) == wanted)
        daemon.kill()
        daemon.start()
        assert [row["msgid"] for row in listed(daemon)] == msgids[::-1]
        answer = daemon.http.get(f"{daemon.url}/callbacks?limit=2", timeout=30)
        assert [row["msgid"] for row in answer.json()] == msgids[:0:-1]
        rest = daemon.http.get(answer.links["next"]["url"], timeout=30)
        assert [row["msgid"] for row in rest.json()] == msgids[:1]


def test_what_cannot_be_asked(make_daemon):
    daemon = make_daemon(accounts={"main": {"token": "secret-token", "admin": "yes"}, "other": {"token": "other-token"}})
    for number in ("4", "0", "-1", "abc", "99999999999999999999", "%00"):
        answer = retry(daemon, number)
        assert answer.status_code == 404 and answer.content == b"", number
    assert listed(daemon, "/callbacks/?state=due", 400) == {"state": ["The state that can be asked for is failed."]}
    assert daemon.http.get(f"{daemon.url}/callbacks/4/retry", timeout=30).status_code == 405
    for method, path in (("GET", "/callbacks/"), ("POST", "/callbacks/4/retry")):
        answer = requests.request(method, daemon.url + path, auth=("other", "other-token"), timeout=30)
        assert answer.status_code == 403, path
