#!/usr/bin/python3
# run: timeout=120
"""A server that sends its client elsewhere for the bytes of a file reaches nothing that is nearer to the client than itself."""
import http.server
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import namespaces  # noqa: E402
import qrx  # noqa: E402
from lying import Liar  # noqa: E402

PUBLIC, PRIVATE, NEIGHBOUR, LINK, MACHINE = "8.8.8.8", "192.168.77.1", "10.9.8.7", "169.254.169.254", "127.0.0.1"


class Store:
    def __init__(self, host, content):
        asked = self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                asked.append(dict(self.headers.items()))
                self.send_response_only(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer((host, 0), Handler)
        self.address = f"http://{host}:{self.http.server_port}/secret?x=1"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def redirecting(address):
    """The first request for a file is sent there."""
    asked = []

    def lie(method, path, answer):
        if method != "GET" or "/files/" not in path:
            return
        asked.append(path)
        if len(asked) == 1:
            answer.status, answer.body = 307, b""
            answer.headers = {"Location": address}

    return asked, lie


def main():
    namespaces.enter_network(PUBLIC, PRIVATE, NEIGHBOUR, LINK)
    with qrx.work() as w:
        server = w.server()
        path = w.file("a.bin", 2_000_000)
        with open(path, "rb") as file:
            content = file.read()
        cases = [(PUBLIC, PRIVATE, False), (PUBLIC, MACHINE, False), (PUBLIC, LINK, False), (PRIVATE, MACHINE, False),
                 (PRIVATE, LINK, False), (PRIVATE, NEIGHBOUR, True), (PRIVATE, PUBLIC, True), (MACHINE, PRIVATE, True)]
        for number, (where, to, followed) in enumerate(cases):
            told = f"a server at {where} leads to {to}"
            store = Store(to, content)
            asked, lie = redirecting(store.address)
            liar = Liar(server, lie, host=where)
            space = server.space()
            w.tool("qrx-send", "--no-progress", "-l", space.drop, path).expect_exit(0)
            out = w.path(f"out{number}")
            os.mkdir(out)
            w.tool("qrx-recv", "-o", out, "--no-progress", liar.link(space.owner)).expect_exit(0)
            with open(os.path.join(out, "a.bin"), "rb") as file:
                qrx.check(file.read() == content, f"{told}: the file")
            qrx.check_equal(1 if followed else 0, len(store.asked), f"{told}: requests there")
            qrx.check_equal(1 if followed else 2, len(asked), f"{told}: requests to the server")
            qrx.check(not any("Authorization" in one for one in store.asked), f"{told}: no token goes along")


if __name__ == "__main__":
    main()
