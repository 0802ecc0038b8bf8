#!/usr/bin/python3
"""A server with few file descriptors refuses connections for a while; it does not end, does not spin, and loses nothing; and one
address that holds hundreds of slow uploads leaves room for all others."""
import contextlib
import os
import socket
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import oracle  # noqa: E402
import qrx  # noqa: E402


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def slow_uploads_of_one(w):
    """700 uploads from 127.0.0.2 that go on by a byte now and then; everybody else is served."""
    server = w.server("--create-rate", "0", data=w.path("slow"), prefix=("prlimit", "--nofile=1200:1200"))
    parts = urllib.parse.urlsplit(server.url)
    spaces = [server.space() for _ in range(4)]
    slow = []
    for number in range(700):
        s = socket.socket()
        s.settimeout(5)
        with contextlib.suppress(OSError):
            s.bind(("127.0.0.2", 0))
            s.connect((parts.hostname, parts.port))
            s.sendall((f"PUT /u/{spaces[number % 4].guid}/slow-{number} HTTP/1.1\r\nHost: x\r\n"
                       "Content-Length: 1000000\r\n\r\nx").encode())
        slow.append(s)
    for round_ in range(5):
        began = time.monotonic()
        qrx.check_equal(200, qrx.request("GET", server.url + "/healthz", timeout=5).status, "healthz beside 700 slow uploads")
        space = server.space()
        data = next(qrx.noise(300_000, round_))
        qrx.check_equal(201, qrx.request("PUT", space.upload_url + "/a", data, timeout=5).status, "another's upload")
        qrx.check_equal(data, space.content(space.files()["a"]).body, "what another sent")
        qrx.check(time.monotonic() - began < 5, f"others wait {time.monotonic() - began:.1f} s")
        for s in slow:
            with contextlib.suppress(OSError):
                s.send(b"x")
        time.sleep(0.2)
    for s in slow:
        s.close()
    qrx.check_equal(0, server.terminate(), "the end")


def main():
    with qrx.work() as w:
        judge = oracle.Oracle("tests/faults/few-descriptors.py")
        server = w.server("--create-rate", "0", prefix=("prlimit", "--nofile=128:128"))
        space = server.space()
        judge.space(space)
        data = next(qrx.noise(500_000, 2))
        qrx.check_equal(201, qrx.request("PUT", space.upload_url + "/before", data).status, "PUT before")
        judge.committed(space, data)
        parts = urllib.parse.urlsplit(server.url)
        crowd = []
        for _ in range(300):
            with contextlib.suppress(OSError):
                crowd.append(socket.create_connection((parts.hostname, parts.port), timeout=2))
        before, began = cpu_ticks(server.pid), time.monotonic()
        time.sleep(1.0)  # what it burns while it is full
        burnt = (cpu_ticks(server.pid) - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - began)
        qrx.check(server.running(), f"the server ended: {server.err[-1000:]}")
        qrx.check(burnt < 0.5, f"the full server burns {burnt:.0%} of a processor")
        for s in crowd:
            s.close()

        def answers():
            with contextlib.suppress(OSError):
                return qrx.request("GET", server.url + "/healthz", timeout=2).status == 200
            return False

        qrx.wait_for(10, answers, "the server answers again after the crowd left")
        qrx.check_equal(201, qrx.request("PUT", space.upload_url + "/after", data[1:]).status, "PUT after")
        judge.committed(space, data[1:])
        judge.verify(server)
        slow_uploads_of_one(w)


if __name__ == "__main__":
    main()
