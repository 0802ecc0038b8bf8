#!/usr/bin/python3
"""A server with few file descriptors refuses connections for a while; it does not end, does not spin, and loses nothing."""
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


if __name__ == "__main__":
    main()
