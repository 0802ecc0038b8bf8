#!/usr/bin/python3
"""What crosses the wire under seal, both ways and on both sides: no plain text, no names, no message, no keys."""
import glob
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import passing  # noqa: E402
import qrx  # noqa: E402

TEXT = b"a line that nobody on the way may read"
NAME = "a-name-that-nobody-may-read"


class Recorder(passing.Passing):
    """Keeps all bytes."""

    def __init__(self, server):
        self.bytes, self.lock = bytearray(), threading.Lock()
        super().__init__(server)

    def seen(self, piece):
        with self.lock:
            self.bytes += piece


with qrx.work() as w:
    server = w.server("-vv")
    recorder = Recorder(server)
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
