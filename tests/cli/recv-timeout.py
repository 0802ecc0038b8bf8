#!/usr/bin/python3
# run: timeout=240
"""qrx-recv -t ends with 8, whatever the server does meanwhile: silence, drips, nonsense, a wait that it does not keep. And
it never asks more than a few times a second."""
import json
import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

GUID, TOKEN, ID = "a" * 26, "a" * 32, "b" * 25 + "a"
STATE = {"guid": GUID, "label": "", "state": "open", "seq": 1, "expires": "2099-01-01T00:00:00Z", "limits": {"max_size": 1000000, "max_files": 10}, "deliveries": [],
         "uploads": []}
FILE = {"file": ID, "name": "silent.bin", "size": 1000, "type": "", "xxh128": "0" * 32, "sealed": False, "url": ""}
DELIVERED = dict(STATE, deliveries=[{"delivery": ID, "committed": "2026-01-01T00:00:00Z", "message": "", "files": [FILE]}])


def answer(state):
    body = json.dumps(state).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def drip(peer, data, pause):
    for byte in data:
        peer.sendall(bytes([byte]))
        time.sleep(pause)


def silent(_peer, _target):
    time.sleep(600)


def dripping_head(peer, _target):
    drip(peer, b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, 0.2)


def dripping_body(peer, _target):
    drip(peer, answer(STATE)[:-1], 0.05)
    drip(peer, b" " * 10000, 0.2)


def dripping_later(peer, target):
    """The first look is answered; the wait drips."""
    peer.sendall(answer(STATE)) if "after" not in target else drip(peer, answer(STATE)[:-1] + b" " * 10000, 0.1)


def endless(peer, _target):
    peer.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        peer.sendall(b"1\r\n \r\n")
        time.sleep(0.01)


def nonsense(peer, _target):
    peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    peer.close()


def hasty(peer, _target):
    peer.sendall(answer(STATE))


def busy(peer, _target):
    peer.sendall(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 600\r\nContent-Length: 0\r\n\r\n")


def silent_file(peer, target):
    peer.sendall(answer(DELIVERED)) if "/files/" not in target else silent(peer, target)


class Server:
    """Answers each request by `how(connection, target)`."""

    def __init__(self, how):
        self.asked = 0
        self.how = how
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        lines = peer.makefile("rb")
        try:
            while first := lines.readline():
                while lines.readline().strip():
                    pass
                self.asked += 1
                self.how(peer, first.split()[1].decode())
        except OSError:
            pass  # the receiver has gone


def ends_in_time(w, how):
    server = Server(how)
    begun = time.monotonic()
    recv = w.tool("qrx-recv", "--no-progress", "-t", "2s", "-o", w.path(how.__name__) + "/", f"{server.url}/s/{GUID}#{TOKEN}")
    recv.expect_exit(8, timeout=40)  # what it waited for until now: 60 to 300 s
    passed = time.monotonic() - begun
    qrx.check("timed out" in recv.err, f"what is said: {recv.err}")
    qrx.check(server.asked <= 9 + 4 * passed, f"{server.asked} requests in {passed:.1f} s")


with qrx.work() as work:
    for case in (silent, dripping_head, dripping_body, dripping_later, endless, nonsense, hasty, busy, silent_file):
        try:
            ends_in_time(work, case)
        except qrx.Failed as failure:
            qrx.fail(f"{case.__name__}: {failure}")
