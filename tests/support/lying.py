"""A proxy that changes what a server says, for test scripts: from lying import Liar"""
import http.client
import http.server
import threading
import urllib.parse

import qrx


class Liar:
    """In front of a server: hand each answer to lie(method, path, answer), which may change .status, .headers (a dict) and
    .body, or set .cut to the number of bytes after which the connection is closed. before(method, path), if given, sees each
    request before it is passed on; when it gives False, the connection is closed instead."""

    def __init__(self, server, lie=lambda *_: None, before=lambda *_: True, host="127.0.0.1"):
        liar = self
        liar.told = 0  # how many answers were changed
        target = urllib.parse.urlsplit(server.url).netloc

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def one(self):
                if before(self.command, self.path) is False:
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                back = http.client.HTTPConnection(target, timeout=60)
                back.request(self.command, self.path, body or None, dict(self.headers.items()))
                got = back.getresponse()
                answer = qrx.Answer(got.status, dict(got.getheaders()), got.read())
                back.close()
                answer.cut = None
                was = (answer.status, dict(answer.headers), answer.body)
                lie(self.command, self.path, answer)
                liar.told += answer.cut is not None or was != (answer.status, answer.headers, answer.body)
                self.send_response_only(answer.status)
                for name, value in answer.headers.items():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                if answer.status != 204:
                    length = answer.headers.get("Content-Length") if self.command == "HEAD" else len(answer.body)
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(answer.body[:answer.cut])
                self.close_connection = self.close_connection or answer.cut is not None

            do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = one

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer((host, 0), Handler)
        self.url = f"http://{host}:{self.http.server_port}"
        self.link = lambda text: text.replace(server.url, self.url).replace(server.url.upper(), self.url)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
