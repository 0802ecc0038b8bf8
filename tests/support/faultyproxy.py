"""An HTTP proxy before a store that fails requests when it is told to: errors, cuts, late answers, objects not seen yet.

    with FaultyProxy(host, port) as proxy:
        proxy.rule = lambda method, path, count: "500"    # or "503", "cut-before", "cut-after", "late", "404", None

`count`: how often this method and path were asked for before. proxy.faults counts what was done.
"""
import collections
import http.client
import http.server
import threading
import time

ERRORS = {"500": ("InternalError", 500), "503": ("SlowDown", 503), "404": ("NoSuchKey", 404)}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one(self):
        try:
            self.pass_on()
        except ConnectionError:  # who asked is gone
            self.close_connection = True

    def pass_on(self):
        owner = self.server.owner
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size)
        with owner.lock:
            count = owner.seen[self.command, self.path]
            owner.seen[self.command, self.path] += 1
        fault = owner.rule(self.command, self.path, count) if owner.rule else None
        if fault:
            with owner.lock:
                owner.faults[fault] += 1
        if fault in ERRORS:
            code, status = ERRORS[fault]
            text = f"<Error><Code>{code}</Code></Error>".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text if self.command != "HEAD" else b"")
            return
        if fault == "cut-before":
            self.close_connection = True
            return
        connection = http.client.HTTPConnection(owner.host, owner.port, timeout=120)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if fault == "late":
            time.sleep(2)
        if fault == "cut-after":
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(text))
        if length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(text)
        with owner.lock:
            owner.passed[self.command] += 1

    do_GET = do_PUT = do_DELETE = do_HEAD = handle_one

    def log_message(self, *_):
        pass


class FaultyProxy:
    def __init__(self, host, port):
        self.host, self.port, self.rule = host, port, None
        self.lock = threading.Lock()
        self.seen, self.faults, self.passed = collections.Counter(), collections.Counter(), collections.Counter()

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.owner = self
        self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
