"""A webhook receiver for tests: records every request; answers, dawdles, hangs or breaks as it is told."""
import base64
import hashlib
import hmac
import http.server
import json
import socket
import socketserver
import ssl
import threading
import time
from pathlib import Path
from urllib.parse import parse_qsl

TLS = Path(__file__).parent / "tls"     # certificates; who trusts ca.pem trusts good.pem


class Post:
    """One request as it came."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        self.at = time.monotonic()

    def json(self):
        return json.loads(self.body)

    def form(self):
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=True))

    def signature(self, secret):
        """What Standard Webhooks wants in webhook-signature, from what came; computed here, not by the daemon."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    context = None

    def finish_request(self, request, client_address):
        """On the connection's own thread: a handshake holds up nobody."""
        if self.context:
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        pass    # who hangs up in the middle is part of the tests


class _Server6(_Server):
    address_family = socket.AF_INET6


class Receiver:
    """with Receiver() as r: r.on("/path", what); what is one of
    500             that status (200 without an on())
    [500, 200]      one after another, the last again and again
    2.5             200, after so many seconds
    "hang"          no answer until the other side gives up
    "close"         hangs up without an answer
    "endless"       200 and a body without an end
    "redirect"      302 to /redirected
    tls names a certificate of tls/: "good" "self_signed" "expired" "wrong_host".
    """

    def __init__(self, host="127.0.0.1", tls=None):
        self.answers = {}
        self._posts = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self.open = self.most_open = 0
        self.server = (_Server6 if ":" in host else _Server)((host, 0), self._handler())
        self.port = self.server.server_address[1]
        scheme, host = "https" if tls else "http", f"[{host}]" if ":" in host else host
        self.base = f"{scheme}://{host}:{self.port}"
        if tls:
            self.server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.server.context.load_cert_chain(TLS / f"{tls}.pem")

    def url(self, path="/"):
        return self.base + path

    def on(self, path, what):
        self.answers[path] = what

    def at(self, path=None):
        """The requests to a path so far, oldest first; to all of them without one."""
        with self._lock:
            return [p for p in self._posts if path is None or p.path == path]

    # ---- life ----
    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *ignored):
        self._stopping.set()
        self.server.shutdown()
        self.server.server_close()

    # ---- requests ----
    def _record(self, post):
        """How often that path was asked before this."""
        with self._lock:
            before = sum(p.path == post.path for p in self._posts)
            self._posts.append(post)
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            return before

    def _done(self):
        with self._lock:
            self.open -= 1

    def _handler(receiver):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *ignored):
                pass

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                before = receiver._record(Post(self.command, self.path, self.headers, body))
                try:
                    self.answer(before)
                finally:
                    receiver._done()
            do_GET = do_POST = do_PUT = do_HEAD = handle_any

            def answer(self, before):
                what = receiver.answers.get(self.path, 200)
                if isinstance(what, list):
                    what = what[min(before, len(what) - 1)]
                if isinstance(what, float):
                    receiver._stopping.wait(what)
                    what = 200
                if isinstance(what, int):
                    return self.status(what)
                return getattr(self, what)()

            def status(self, status, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", "0")
                self.end_headers()

            def redirect(self):
                self.status(302, Location="/redirected")

            def close(self):
                self.close_connection = True

            def hang(self):
                self.close_connection = True
                self.connection.settimeout(0.1)
                while not receiver._stopping.is_set():
                    try:
                        if not self.connection.recv(1):
                            return
                    except TimeoutError:
                        pass

            def endless(self):
                self.close_connection = True
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                while not receiver._stopping.is_set():
                    self.wfile.write(b"x" * 4096)   # raises once the other side hung up

        return Handler
