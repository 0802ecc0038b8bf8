#!/usr/bin/python3
"""What one client may cost: bodies that never end are no memory without bound, and who asks again and again about very
much keeps nobody waiting."""
# run: timeout=300
import json
import os
import socket
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

FILES = 20_000
BATCH = 250


def resident(server):
    with open(f"/proc/{server.pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1]) // 1024


def bodies(server):
    space = server.space()
    where = urllib.parse.urlsplit(space.api_url)
    head = (f"POST {where.path}/shares HTTP/1.1\r\nHost: x\r\nAuthorization: {space.auth['Authorization']}\r\n"
            "Content-Length: 4000000\r\n\r\n").encode()
    before = resident(server)
    held = []
    for _ in range(80):
        connection = socket.create_connection((where.hostname, where.port), timeout=10)
        held.append(connection)
        try:
            connection.sendall(head + b"x" * 3_999_999)
        except OSError:
            pass  # refused before its end
    time.sleep(1)
    grown = resident(server) - before
    qrx.check(grown < (1000 if qrx.is_sanitized() else 100), f"80 bodies of 4 MB that did not end cost {grown} MiB")
    small = qrx.request("PATCH", space.api_url, b'{"expire": 60}', space.auth)
    qrx.check_equal(200, small.status, "what is small is taken all the same")
    for connection in held:
        connection.close()
    wish = b'{"recipients": ["link:a"]}' + b" " * 100_000
    qrx.wait_for(10, lambda: qrx.request("POST", space.api_url + "/shares", wish, space.auth).status in (200, 201), "what they held is given back")


def questions(server):
    space = server.space()
    delivery = json.loads(qrx.request("POST", space.upload_url + "/deliveries", b"{}").body)["delivery"]
    address = f"{space.upload_url}/deliveries/{delivery}"
    for first in range(0, FILES, BATCH):
        body = b"".join(b'{"name":"%d","size":1}\nx' % number for number in range(first, first + BATCH))
        qrx.check_equal(202, qrx.request("POST", address + "/files", body).status, "a batch")
    ended = threading.Event()

    def ask():
        while not ended.is_set():
            qrx.request("GET", address, timeout=120)

    clients = [threading.Thread(target=ask, daemon=True) for _ in range(12)]
    for client in clients:
        client.start()
    slowest = 0.0
    for _ in range(10):
        time.sleep(0.1)
        began = time.monotonic()
        qrx.check_equal(200, qrx.request("GET", server.url + "/healthz").status, "healthz")
        slowest = max(slowest, time.monotonic() - began)
    ended.set()
    for client in clients:
        client.join(120)
    qrx.check(slowest < 1, f"others waited {slowest:.2f} s")


with qrx.work() as w:
    server = w.server("--durability", "relaxed")
    bodies(server)
    questions(server)
