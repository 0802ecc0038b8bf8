#!/usr/bin/python3
# run: timeout=180
"""The server is killed at the worst moments of an upload and comes back: qrx-send sends what is missing and exits with 0."""
import os
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


class Between:
    """Passes each connection on; the first request that begins with `mark` is carried out, its answer is thrown away, and
    the server is killed and started again before anything else is passed on."""

    def __init__(self, server, mark, answered):
        self.server, self.mark, self.answered = server, mark, answered
        self.killed = False
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        with self.lock:
            host, port = self.server.url.split("//")[1].split(":")
            upstream = socket.create_connection((host, int(port)))
        lost = threading.Event()  # its answers are
        threading.Thread(target=self.pump, args=(upstream, client, lost), daemon=True).start()
        try:
            while piece := client.recv(65536):
                if not self.killed and (self.mark in piece):
                    with self.lock:
                        self.killed = True
                        lost.set()
                        if not self.answered:
                            upstream.sendall(piece)
                            self.wait_until_done()
                        self.server.kill()
                        self.server = self.server.restart()
                    break
                upstream.sendall(piece)
        except OSError:
            pass
        for s in (client, upstream):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def wait_until_done(self):
        qrx.wait_for(10, lambda: self.space.state()["uploads"], "the upload that is made")

    def pump(self, source, target, lost):
        try:
            while piece := source.recv(65536):
                if lost.is_set():
                    break
                target.sendall(piece)
        except OSError:
            pass
        try:
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def run(w, name, mark, answered, files):
    server = w.server(data=w.path("data-" + name), bind="127.0.0.1:0")
    space = server.space()
    between = Between(server, mark, answered)
    between.space = space
    send = w.tool("qrx-send", "--yes", "--no-progress", "-l", space.drop.lower().replace(server.url, between.url), *files)
    send.expect_exit(0)
    qrx.check(between.killed, f"{name}: the server was not killed")
    deliveries = space.state()["deliveries"]
    qrx.check_equal(1, len(deliveries), f"{name}: deliveries")
    qrx.check_equal(sorted(os.path.basename(f) for f in files), sorted(f["name"] for f in deliveries[0]["files"]), name)
    between.server.terminate()


with qrx.work() as w:
    small = [w.file(f"small{i}", 2000 + i, seed=i) for i in range(40)]
    # Between the answers to small files and the commit, which the server then never sees.
    run(w, "before-commit", b"/commit HTTP", True, small)
    # An upload is made, and nobody ever hears of it.
    run(w, "upload-made", b"/uploads HTTP", False, [w.file("large", 3_000_000)])
