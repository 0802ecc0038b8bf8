"""Thousands of receivers that wait, each for its own space, and how long it takes until one of them is told of a delivery."""
import json
import os
import random
import resource
import selectors
import socket
import statistics
import time
import urllib.parse

import qrx


class Waiter:
    def __init__(self, space, address):
        self.space = space
        self.socket = socket.create_connection(address)
        self.buffer = b""

    def wait(self, after):
        self.socket.sendall((f"GET {self.space['path']}?after={after}&wait=60 HTTP/1.1\r\nHost: x\r\n"
                             f"Authorization: Bearer {self.space['token']}\r\n\r\n").encode())

    def read(self):
        """A whole answer's body, or None while it is incomplete."""
        piece = self.socket.recv(65536)
        if not piece:
            qrx.fail("a waiting connection was closed")
        self.buffer += piece
        head, separator, rest = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = int(next(line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")))
        if len(rest) < length:
            return None
        self.buffer = rest[length:]
        if b" 200 " not in head.split(b"\r\n")[0] + b" ":
            qrx.fail(f"a wait was answered {head[:200]!r}")
        return json.loads(rest[:length])


def status(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return int(next(line.split()[1] for line in file if line.startswith(name + ":")))


def make_spaces(server, count):
    connection = qrx.connect(server.url)
    spaces = []
    for _ in range(count):
        answer = qrx.request("POST", server.url + "/api/v1/spaces", b"{}", {"Content-Type": "application/json"},
                             connection=connection)
        qrx.check_equal(201, answer.status, "making a space")
        created = answer.json()
        spaces.append({"guid": created["guid"], "token": created["token"], "path": "/api/v1/spaces/" + created["guid"]})
    connection.close()
    return spaces


def measure(server, count, wakes=300):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    parts = urllib.parse.urlsplit(server.url)
    address = (parts.hostname, parts.port)
    spaces = make_spaces(server, count)
    connection = qrx.connect(server.url)
    began = time.monotonic()
    waiting = []
    for space in spaces:
        waiter = Waiter(space, address)
        waiter.wait(0)  # at once: tells the state that it is to wait after
        waiting.append(waiter)
    selector = selectors.EpollSelector()
    for waiter in waiting:
        selector.register(waiter.socket, selectors.EVENT_READ, waiter)
    left = len(waiting)
    limit = time.monotonic() + 60
    while left and time.monotonic() < limit:
        for key, _ in selector.select(1):
            state = key.data.read()
            if state is not None:
                key.data.seq = state["seq"]
                key.data.wait(state["seq"])
                left -= 1
    if left:
        qrx.fail(f"{left} of {count} receivers had no first answer")
    took = time.monotonic() - began
    found = {"waiting": count, "connect": took}
    generator = random.Random(1)
    wake_times = []
    for _ in range(wakes):
        waiter = generator.choice(waiting)
        guid = waiter.space["guid"]
        delivery = qrx.request("POST", f"{server.url}/u/{guid}/deliveries", b"{}", {"Content-Type": "application/json"},
                               connection=connection).json()["delivery"]
        qrx.request("PUT", f"{server.url}/u/{guid}/deliveries/{delivery}/files/a", b"x", connection=connection)
        # An open delivery is no change that its owner sees, but if one was told of it, it waits again.
        settle(selector, 0.0)
        done = time.monotonic()
        connection.request("POST", f"/u/{guid}/deliveries/{delivery}/commit", b'{"files":1}', {"Content-Type": "application/json"})
        state = None
        while state is None or not any(d["delivery"] == delivery for d in state["deliveries"]):
            if time.monotonic() > done + 10:
                qrx.fail("a waiting receiver was not told")
            for key, _ in selector.select(1):
                got = key.data.read()
                if got is None:
                    continue
                key.data.wait(got["seq"])
                if key.data is waiter:
                    state = got
        wake_times.append(time.monotonic() - done)
        connection.getresponse().read()
    found["memory"] = status(server.pid, "VmHWM") / 1024
    found["threads"] = status(server.pid, "Threads")
    wake_times.sort()
    found["p50"] = statistics.median(wake_times)
    found["p99"] = wake_times[int(len(wake_times) * 0.99)]
    found["wakes"] = len(wake_times)
    for waiter in waiting:
        waiter.socket.close()
    return found


def settle(selector, seconds):
    while True:
        events = selector.select(seconds)
        if not events:
            return
        for key, _ in events:
            got = key.data.read()
            if got is not None:
                key.data.wait(got["seq"])
