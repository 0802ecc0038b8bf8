#!/usr/bin/python3
"""What crosses the wire under seal, both ways and on both sides: no plain text, no names, no message, no keys."""
import glob
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

TEXT = b"a line that nobody on the way may read"
NAME = "a-name-that-nobody-may-read"


class Recorder:
    """A TCP proxy that keeps all bytes."""
    def __init__(self, host, port):
        self.to, self.bytes, self.lock = (host, port), bytearray(), threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(self.to)
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=pair, daemon=True).start()

    def pump(self, source, sink):
        try:
            while data := source.recv(65536):
                with self.lock:
                    self.bytes += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


with qrx.work() as w:
    server = w.server("-vv")
    host, port = server.bind.split(":")
    recorder = Recorder(host, int(port))
    for number in range(20):
        path = w.path(f"tree/{NAME}/{number}.txt")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(TEXT + b"\n" * (number + 1) + TEXT * (number * 1500))
    recv = w.tool("qrx-recv", "--json", "-vv", "--no-progress", "-s", recorder.url, "-o", w.path("in/"), "--keep")
    space = recv.expect_event("space")
    qrx.check("#AGE1" in space["drop"], f"no key in {space['drop']}")
    link = space["drop"].lower().replace(server.url, recorder.url)
    send = w.tool("qrx-send", "-vv", "--no-progress", "-m", TEXT.decode(), "-l", link, w.path("tree"))
    send.expect_exit(0)
    recv.expect_exit(0)
    key = glob.glob(os.path.join(os.environ["XDG_STATE_HOME"], "qrx/identities/*.key"))
    qrx.check_equal(1, len(key), "kept keys")
    with open(key[0], encoding="ascii") as file:
        secret = file.read().splitlines()[-1]
    qrx.check(secret.startswith("AGE-SECRET-KEY-1"), "the kept key")
    total = bytes(recorder.bytes)
    qrx.check(len(total) > 1_000_000, f"only {len(total)} bytes were recorded")
    for what in (TEXT, NAME.encode(), secret.encode(), secret.lower().encode()):
        qrx.check(what not in total, f"on the wire: {what!r}")
        for name, text in (("qrx-serve", server.err), ("qrx-recv", recv.err), ("qrx-send", send.err)):
            if what not in (TEXT, NAME.encode()) or name == "qrx-serve":
                qrx.check(what.decode() not in text, f"{name} says {what!r}")
