"""GET /openapi.json: valid by others' judgement, complete by the table of routes, and true: each operation is called,
each answer validated against its schema, with nothing in it that the document does not know."""
import copy
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import requests
from jsonschema import Draft202012Validator, FormatChecker

from daemon import BUILD, SLOW, TOKEN, until
from receiver import Receiver

ROOT = Path(__file__).resolve().parents[2]
NUMBER = "+4915112345678"
NPM = ROOT / "build/openapi-npm"    # what npm brought, shared by all builds
METHODS = ("get", "post", "delete")


# ---- the document ----

@pytest.fixture(scope="module")
def document():
    return json.loads((ROOT / "web/openapi.json").read_text())


def operations(document):
    """{operationId: (method, path, operation)}"""
    return {item[m]["operationId"]: (m, path, item[m]) for path, item in document["paths"].items() for m in METHODS if m in item}


def strict(document):
    """The same, but an object has no keys beside those that are told."""
    def close(node):
        if isinstance(node, dict):
            if "properties" in node:
                node.setdefault("additionalProperties", False)
            for child in node.values():
                close(child)
        elif isinstance(node, list):
            for child in node:
                close(child)
    closed = copy.deepcopy(document)
    close(closed["components"]["schemas"])
    return closed


def validate(document, schema, value):
    Draft202012Validator({**schema, "components": document["components"]}, format_checker=FormatChecker()).validate(value)


def test_every_route_is_told(document):
    """The table in src/api.c and the document have the same paths and methods."""
    table = (ROOT / "src/api.c").read_text().split("routes[] = {")[1].split("\n};")[0]
    rows = re.findall(r'\{"([^"]*)",\s*ROUTE_(\w+),\s*\{((?:\{"\w+", \w+\},\s*)+)', table)
    assert len(rows) == table.count("ROUTE_") == len(document["paths"])
    routes = {(path, who, method.lower()) for path, who, methods in rows for method in re.findall(r'"(\w+)"', methods)}
    told = set()
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                o = item[method]
                who = "OPEN" if o.get("security") == [] else "ADMIN" if "403" in o["responses"] else "ACCOUNT"
                told.add((re.sub(r"\{\w+\}", "*", path).rstrip("/"), who, method))
    assert told == routes


def test_fields_are_those_that_are_read(document):
    names = (ROOT / "src/api_body.c").read_text().split("names[API_FIELDS] = {")[1].split("};")[0]
    schemas = document["components"]["schemas"]
    told = {p for s in ("NewMessage", "PreviewRequest", "UssdRequest") for p in schemas[s]["properties"]}
    assert told == set(re.findall(r'"(\w+)"', names))


def test_version(document):
    out = subprocess.run([BUILD / "smsbridged", "--version"], capture_output=True, text=True, check=True, timeout=30).stdout
    assert document["info"]["version"] in out and document["openapi"].startswith("3.1.")


# ---- the daemon ----

class Client:
    """Calls operations by their ids and holds every answer against the document."""

    def __init__(self, daemon, document):
        self.daemon, self.document = daemon, strict(document)
        self.operations = operations(self.document)
        self.seen = set()

    def call(self, operation, status=200, auth=("main", TOKEN), stream=False, method=None, **request):
        verb, path, told = self.operations[operation]
        path = path.format(**request.pop("path", {}))
        answer = requests.request(method or verb, self.daemon.url + path, auth=auth, stream=stream,
                                  timeout=60 * SLOW, **request)
        assert answer.status_code == status, f"{operation}: {answer.status_code} {answer.text}"
        if not stream:
            self.check(told["responses"][str(status)], answer)
        else:
            assert answer.headers["Content-Type"] in told["responses"][str(status)]["content"]
        self.seen.add((operation, status))
        return answer

    def check(self, response, answer):
        if "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].rpartition("/")[2]]
        for name in response.get("headers", {}):
            if name != "Link":
                assert name in answer.headers
        content = response.get("content")
        if not content:
            assert answer.content == b""
            return
        kind = answer.headers["Content-Type"]
        schema = content[kind]["schema"]
        validate(self.document, schema, answer.json() if kind == "application/json" else answer.text)

    def valid(self, name, value):
        validate(self.document, {"$ref": f"#/components/schemas/{name}"}, value)


def first_line(answer):
    line = next(answer.iter_lines())
    answer.close()
    return line.decode()


def test_every_operation(make_sim, make_daemon, document):
    sim = make_sim(2)
    with Receiver() as receiver:
        receiver.on("/bad", 500)
        accounts = {"main": {"token": TOKEN, "admin": "yes", "credits": 12.5}, "shop": {"token": "other-token-12345"}}
        daemon = make_daemon(modems={"m0": sim.port(0), "m1": sim.port(1)}, accounts=accounts, sections={
            "api": {"kannel": "yes", "alertmanager_to": NUMBER}, "inbox": {"url": receiver.url("/in")}, "callbacks": {"schedule": "0s, 1s"}})
        for name in ("m0", "m1"):
            daemon.wait_modem(name)
        client = Client(daemon, document)
        messages(client, sim, receiver)
        others(client, sim, receiver)
        errors(client, daemon)
        for path, schema in (("/delivered", "Message"), ("/tapped", "Message"), ("/in", "Inbound")):
            for post in until(path, lambda p=path: receiver.at(p)):
                client.valid(schema, post.json())
    called = {operation for operation, status in client.seen if status < 300}
    assert called == set(client.operations)


def messages(client, sim, receiver):
    """Sent, listed, tapped, cancelled."""
    new = {"message": "see https://example.com/", "recipient": NUMBER, "sender": "Shop", "track_link": True, "tags": ["a", "b"],
           "callbackurl": receiver.url("/delivered"), "lt_callbackurl": receiver.url("/tapped"), "priority": 1}
    client.valid("NewMessage", new)
    msgid = client.call("sendMessage", 201, json=new, headers={"Idempotency-Key": "one"}).json()[0]["msgid"]
    client.call("sendMessage", 409, json={**new, "message": "other"}, headers={"Idempotency-Key": "one"})
    client.daemon.wait_status(msgid, "DELIVERED")
    sim.tap(NUMBER)
    until("the tap", lambda: client.call("getMessage", path={"msgid": msgid}).json()["link_tracking"]["accessed"])
    sim.do("rule", "+4915100000001", "failed")
    failed = client.call("sendMessage", 201, data={**new, "recipient": "+4915100000001", "callbackurl": receiver.url("/bad")}).json()
    client.daemon.wait_status(failed[0]["msgid"], "FAIL")
    assert client.call("getMessage", path={"msgid": failed[0]["msgid"]}).json()["error"]["reason"] == "undelivered"
    later = client.call("sendMessage", 201, json={**new, "recipient": [NUMBER, NUMBER], "send_at": "2099-01-01 00:00:00"}
                        | {"send_at": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 3600))}).json()
    assert len(later) == 2
    client.call("cancelMessage", 204, path={"msgid": later[0]["msgid"]})
    client.call("cancelMessage", 409, path={"msgid": msgid})
    today = time.strftime("%Y-%m-%d", time.gmtime())
    listed = client.call("listMessages", params={"sent_date": [f">={today}", f"<={today}"], "limit": 3})
    assert len(listed.json()) == 3 and 'rel="next"' in listed.headers["Link"]
    assert not client.call("listMessages", params={"sent_date": [f"<{today}"]}).json()
    assert len(client.call("listMessages", params={"status": "DELIVERED", "recipient": NUMBER, "tag": "a"}).json()) == 1
    group = {"version": "4", "groupKey": "g", "status": "firing", "alerts": [{"startsAt": "2026-11-24T01:50:00Z", "labels": {"alertname": "Disk"}}]}
    client.valid("AlertGroup", group)
    client.call("postAlerts", 201, json=group)
    client.call("postAlerts", 200, json={**group, "commonLabels": {"instance": "web1"}})
    kannel = {"username": "main", "password": TOKEN, "from": "Shop", "to": NUMBER, "text": "hello", "priority": 1, "dlr-mask": 3}
    client.call("kannelSendsms", 202, auth=None, params=kannel)
    client.call("kannelSendsms", 400, auth=None, params={**kannel, "coding": 1})
    preview = client.call("previewMessage", json={"message": "Grüße ☕ {https://example.com/", "track_link": True}).json()
    assert preview["costly"]
    assert client.call("listLinks", params={"limit": 1}).json()
    assert client.call("listTaps").json()[-1]["taps"] == 1


def others(client, sim, receiver):
    """Inbox, modems, callbacks, streams, files."""
    sim.do("inject", 0, "+491701111111", "Hallo", timeout=30)
    until("it is in the inbox", lambda: client.call("listInbox", params={"since": "2020-01-01"}).json())
    client.call("getInbound", path={"id": client.call("listInbox").json()[0]["id"]})
    assert len(client.call("listModems").json()) == 2
    client.call("getModem", path={"name": "m0"})
    client.call("getSignal", path={"name": "m0"})
    # Before what it says can be waited for, somebody must listen.
    trace = client.call("traceModem", path={"name": "m0"}, params={"unmasked": "no"}, stream=True)
    events = client.call("watchEvents", stream=True)
    assert client.call("askNetwork", path={"name": "m0"}, json={"code": "*123#", "timeout": 60}).json()["state"] == "question"
    client.call("leaveMenu", 204, path={"name": "m0"})
    client.call("resetModem", 202, path={"name": "m1"})
    assert first_line(trace).startswith("# modem m0") and first_line(events).startswith("retry:")
    until("it was given up", lambda: client.call("listCallbacks", params={"state": "failed"}).json())
    given_up = client.call("listCallbacks").json()[0]["id"]
    client.call("retryCallback", 204, path={"id": given_up})
    assert client.call("getCredits").json()["credits"] == 12.5
    client.call("getMetrics")
    client.call("getHealth", auth=None)
    assert client.call("getOpenapi", auth=None).json() == json.loads((ROOT / "web/openapi.json").read_text())
    assert "web/app.js" in client.call("getDashboard", auth=None).text
    for file in ("app.js", "style.css", "icon.svg"):
        client.call("getDashboardFile", auth=None, path={"file": file})


def errors(client, daemon):
    """Every error that one can provoke from outside, at each operation that has it."""
    wrong = {"msgid": "x" * 32, "id": "999999", "name": "nobody", "file": "nothing.js"}
    for name, (_, path, told) in client.operations.items():
        body = {"json": {"code": "*100#"}} if name == "askNetwork" else {}
        if "401" in told["responses"]:
            client.call(name, 401, auth=None, path=wrong)
        if "403" in told["responses"]:
            client.call(name, 403, auth=("shop", "other-token-12345"), path=wrong)
        if "404" in told["responses"]:
            client.call(name, 404, path=wrong, **body)
        if "requestBody" in told:
            real = {"name": "m0"}
            client.call(name, 400, path=real, json={})
            client.call(name, 400, path=real, data="{", headers={"Content-Type": "application/json"})
            client.call(name, 413, path=real, data="x" * 300000, headers={"Content-Type": "application/json"})
            client.call(name, 415, path=real, data="x", headers={"Content-Type": "text/plain"})
    for name, params in (("listMessages", {"sent_date": "never"}), ("listInbox", {"since": "never"}), ("listLinks", {"limit": "0"}),
                         ("listCallbacks", {"state": "fine"}), ("watchEvents", {"last_event_id": "x"})):
        client.call(name, 400, params=params)
    client.call("traceModem", 400, path={"name": "m0"}, params={"unmasked": "maybe"})
    for method in ("PUT", "PATCH"):
        assert requests.request(method, f"{daemon.url}/openapi.json", timeout=30).status_code == 405


# ---- npm: a validator, and a generator of clients ----

@pytest.fixture(scope="module")
def npm():
    """What package-lock.json pins, installed once for all builds."""
    lock = (ROOT / "tests/openapi/package-lock.json").read_text()
    stamp = NPM / "installed"
    if not stamp.exists() or stamp.read_text() != lock:
        shutil.rmtree(NPM, ignore_errors=True)
        NPM.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(ROOT / "tests/openapi" / name, NPM)
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=NPM, seconds=300)
        stamp.write_text(lock)
    return NPM


def run(*command, cwd, seconds=120):
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, timeout=seconds,
                          env={**os.environ, "NO_UPDATE_NOTIFIER": "1"})
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def workplace(npm, tmp_path):
    """A folder with our programs beside what npm brought."""
    for file in (ROOT / "tests/openapi").iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    (tmp_path / "node_modules").symlink_to(npm / "node_modules")
    return tmp_path


def test_valid_by_a_validator_from_npm(workplace, document):
    path = ROOT / "web/openapi.json"
    assert run("node", "validate.mjs", path, cwd=workplace).strip() == "3.1"
    # The judge does judge.
    wrong = copy.deepcopy(document)
    del wrong["paths"]["/healthz"]["get"]["responses"]["200"]["description"]
    broken = workplace / "broken.json"
    broken.write_text(json.dumps(wrong))
    assert subprocess.run(["node", "validate.mjs", broken], cwd=workplace, capture_output=True, timeout=60).returncode == 1


def test_a_generated_client(workplace, sim, daemon):
    """openapi-typescript reads the document from the daemon; what it makes is compiled with strict types, and run."""
    run("node", "node_modules/openapi-typescript/bin/cli.js", f"{daemon.url}/openapi.json", "-o", "schema.d.ts", cwd=workplace)
    run("node", "node_modules/typescript/bin/tsc", "-p", "tsconfig.json", cwd=workplace)
    said = json.loads(run("node", "out/client.js", daemon.url, "main", TOKEN, cwd=workplace))
    assert said["sent"] == 2 and said["listed"] == 1 and said["modem"] == "m0" and said["health"] == "ok"
    assert said["tags"] == ["a", "b"] and said["shortlink"].startswith(daemon.links_url)
    assert said["wrongStatus"] == 400 and list(said["wrong"]) == ["recipient"]
    daemon.wait_status(said["msgid"], "DELIVERED")
