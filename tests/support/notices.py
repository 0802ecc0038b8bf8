"""For tests of notices: the helper qrx-notify driven by its lines, a server that captures requests, certificates.

    with work() as w, Helper({"webhook": {}}, allow_private=True) as helper, Capture() as hook:
        check_equal("sent", helper.send("webhook", hook.url + "/x").state)
        print(hook.requests[0].json())
"""
import http.server
import json
import os
import select
import ssl
import subprocess
import threading

from qrx import BIN, fail

NOTICE = {"id": "aaaaaaaaaaaeaaeaaaaaaaaaaa", "from": "Alice", "message": "", "link": "https://qrx.example/d/" + "a" * 32,
          "summary": "3 files, 12 MB", "expires": "2026-11-24T23:00:00Z"}


class Outcome:
    def __init__(self, line):
        said = json.loads(line)
        self.state, self.reason, self.retry_after = said["state"], said["reason"], said.get("retry_after")

    def __repr__(self):
        return f"{self.state} ({self.reason}, retry after {self.retry_after})"


class Helper:
    def __init__(self, transports, commands=None, allow_private=False, networks=(), env=None):
        self.process = subprocess.Popen([os.path.join(BIN, "qrx-notify")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        env={**os.environ, **(env or {})})
        self.tell({"v": 1, "transports": transports, "allow_private": allow_private, "networks": list(networks),
                   "commands": commands or {}})

    def tell(self, line):
        self.process.stdin.write((json.dumps(line) + "\n").encode())
        self.process.stdin.flush()

    def send(self, channel, address, timeout=60, **notice):
        self.tell({**NOTICE, "channel": channel, "address": address, **notice})
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            fail(f"qrx-notify did not answer about {address} within {timeout} s")
        line = self.process.stdout.readline()
        if not line:
            fail(f"qrx-notify ended with {self.process.wait()}")
        return Outcome(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Request:
    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body

    def json(self):
        return json.loads(self.body)


class Capture:
    """Keeps each request, and gives the next of `answers` (the last one again and again): (status, body, headers), or a
    function of the request's handler that answers by itself."""

    def __init__(self, *answers, tls=None):
        self.answers = list(answers) or [(200, b"ok", {})]
        self.requests = []
        capture = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                capture.requests.append(Request(self.command, self.path, self.headers, body))
                answer = capture.answers.pop(0) if len(capture.answers) > 1 else capture.answers[0]
                if callable(answer):
                    answer(self)
                    return
                status, content, headers = answer
                content = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.port = self.server.server_port
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def last(self):
        if not self.requests:
            fail("no request came")
        return self.requests[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def certificate(w, *names):
    """A self-signed certificate for the names: (certificate file, key file)."""
    cert, key = w.path(f"{names[0]}.crt"), w.path(f"{names[0]}.key")
    alternatives = ",".join(("IP:" if name.replace(".", "").isdigit() else "DNS:") + name for name in names)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={alternatives}", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    return cert, key


def secret_file(w, name, content):
    path = w.path(name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(content + "\n")
    return path
