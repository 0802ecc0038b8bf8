#!/usr/bin/python3
"""What answers at the address of --server is no qrx server, or not where it was thought to be: one sentence says so, and what to do;
wrong wishes are wrong usage; and a signal that comes when all is saved leaves no false alarm."""
import http.server
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
from lying import Liar  # noqa: E402


def web_server(status, headers=(), body=b""):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def other_servers(w, server):
    guid = "aaaqeayeaudaocajbifqydiob4"
    cases = (  # where, exit status, what is said
        (web_server(301, [("Location", "https://example.org/api/v1/spaces")]), 1, "redirects to https://example.org", "https:// in place of http://"),
        (web_server(200, body=b"<html>hello</html>"), 1, "is not a qrx server: it answered 200", ""),
        (web_server(501), 1, "is not a qrx server: it answered 501", ""),
        (web_server(404), 1, "is not a qrx server: it answered 404", ""),
        (web_server(201, body=b"{}"), 1, "the server's answer is malformed", "hint: is this a qrx server?"),
        (web_server(500), 75, "the server answered 500", ""),
        (server.url.replace("http://", "https://"), 75, "wrong version number", "begins with http://"),
        (f"{server.url}/u/{guid}", 2, "this is a link, not the address of a server", f"the server's address is {server.url}"),
        (f"{server.url.upper()}/U/{guid.upper()}#AGE1QQQ", 2, "this is a link, not the address of a server", server.url),
    )
    for where, status, *said in cases:
        recv = w.tool("qrx-recv", "--no-progress", "-t", "2s", env={"QRX_SERVER": where})
        recv.expect_exit(status)
        for words in said:
            qrx.check(words in recv.err, f"{where}: {words!r} is not in {recv.err!r}")
        qrx.check(len(recv.err.splitlines()) <= 2, f"{where}: {recv.err}")


def wrong_wishes(w, server):
    for options, said in ((("-e", "0"), "the time until expiry must be more than zero"), (("--label", "x" * 201), "the label is longer than 200 bytes")):
        recv = w.tool("qrx-recv", "--no-progress", "-s", server.url, *options)
        recv.expect_exit(2)
        qrx.check(said in recv.err, recv.err)


def stopped_when_all_is_saved(w, server):
    """The signal comes while the space is being deleted: it is, and nothing else is said."""
    sent = []

    def interrupt(method, path):
        if method == "PATCH" and "/api/v1/spaces/" in path and not sent:
            sent.append(recv.signal(signal.SIGINT))
            time.sleep(0.3)  # it ends in between, the sooner the better
        return True

    way = Liar(server, before=interrupt)
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", way.url)
    space = recv.expect_event("space")
    w.tool("qrx-send", "-q", "-y", "-l", space["drop"], w.file("a.txt", 10)).expect_exit(0)
    recv.wait()
    qrx.check_equal(1, len(sent), "signals")
    qrx.check("could not be deleted" not in recv.err, recv.err)
    at, token = space["owner"].replace("/s/", "/api/v1/spaces/").split("#")
    qrx.check_equal(404, qrx.request("GET", at, headers={"Authorization": f"Bearer {token}"}).status, "the space afterwards")


with qrx.work() as work:
    one = work.server()
    for case in (other_servers, wrong_wishes, stopped_when_all_is_saved):
        try:
            case(work, one)
        except qrx.Failed as failure:
            qrx.fail(f"{case.__name__}: {failure}")
