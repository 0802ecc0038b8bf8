#!/usr/bin/python3
# run: timeout=120
"""A way on which most answers are lost: each part of an upload arrives, and its sender is told 409. However often that happens,
as long as there is progress the upload goes on; without progress it ends."""
import http.client
import http.server
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

PART = 200_000


class Way(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        size = int(self.headers.get("Content-Length") or 0)
        conflict = self.command == "PATCH" and (size > PART or self.server.stuck)
        body = b"" if conflict and self.server.stuck else self.rfile.read(min(size, PART) if conflict else size)
        if conflict:
            self.server.conflicts += 1
        if not (conflict and self.server.stuck):
            upstream = http.client.HTTPConnection(self.server.target, timeout=30)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("content-length", "host", "connection")}
            if body or self.command in ("POST", "PUT", "PATCH"):
                headers["Content-Length"] = str(len(body))
            upstream.request(self.command, self.path, body=body or None, headers=headers)
            answer = upstream.getresponse()
            content = answer.read()
        if conflict:
            self.send_response(409)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            return
        self.send_response(answer.status)
        for key, value in answer.getheaders():
            if key.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(key, value)
        if self.command != "HEAD" and answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = forward

    def log_message(self, *_):
        pass


def way_to(server, stuck=False):
    way = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Way)
    way.daemon_threads = True
    way.target, way.conflicts, way.stuck = server.bind, 0, stuck
    threading.Thread(target=way.serve_forever, daemon=True).start()
    way.url = "http://127.0.0.1:%d" % way.server_port
    return way


with qrx.work() as w:
    server = w.server()
    source = w.file("large.bin", 3_000_000)
    for arguments in ([source], ["--name", "large.bin", "-"]):
        space = server.space()
        way = way_to(server)
        with open(source, "rb") as stdin:
            send = w.tool("qrx-send", "--yes", "--no-progress", "-l", space.drop.lower().replace(server.url, way.url), *arguments,
                          stdin=stdin)
            send.expect_exit(0)
        qrx.check(way.conflicts >= 10, f"only {way.conflicts} conflicts")
        files = space.files()
        qrx.check(space.content(files["large.bin"]).body == open(source, "rb").read(), "not what was sent")
        way.shutdown()
    # Nothing ever arrives: this ends, and not as if the command had been wrong.
    way = way_to(server, stuck=True)
    send = w.tool("qrx-send", "--yes", "--no-progress", "-l", server.space().drop.lower().replace(server.url, way.url), source)
    send.expect_exit(75)
    qrx.check(way.conflicts < 200, f"{way.conflicts} conflicts without an end")
