#!/usr/bin/python3
# run: alone
"""Thousands of idle, slow and stuck connections: /healthz answers quickly all the time, and few threads serve them."""
import contextlib
import os
import resource
import socket
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

COUNT = int(os.environ.get("QRX_CONNECTIONS", "4000"))
LEAST = 1000  # fewer are no crowd
LIMIT = 1.0  # seconds; the aim is 0.2, but this machine may be busy with other things


def health(server, times):
    began = time.monotonic()
    answer = qrx.request("GET", server.url + "/healthz", timeout=10)
    qrx.check_equal(200, answer.status, "/healthz")
    times.append(time.monotonic() - began)


def threads_of(server):
    with open(f"/proc/{server.pid}/status", encoding="ascii") as file:
        return int(next(line.split()[1] for line in file if line.startswith("Threads:")))


def descriptors_of(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def main():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(COUNT, hard - 500)
    if hard < LEAST + 500:
        qrx.skip(f"no more than {hard} descriptors may be open here")
    qrx.check(count >= LEAST, f"{count} connections are too few")
    with qrx.work() as w:
        server = w.server("--create-rate", "0")
        space = server.space()
        parts = urllib.parse.urlsplit(server.url)
        host = parts.netloc
        guid = space.guid
        slow = [
            b"",                                                                     # never a byte
            f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nX-Slow: ".encode(),             # a head that never ends
            f"PUT /u/{guid}/slow HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n\r\nabc".encode(),  # a body that stalls
            f"PUT /u/{guid}/slow HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab".encode(),
            f"GET {space.path}?after=999999999999999999&wait=60 HTTP/1.1\r\nHost: {host}\r\n".encode(),  # head not finished
            f"GET {space.path}?wait=60&after={space.state()['seq']} HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: Bearer {space.token}\r\n\r\n".encode(),                 # waits
            f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(),                 # answered, then idle
        ]
        sockets, times = [], []
        try:
            for number in range(count):
                s = socket.create_connection((parts.hostname, parts.port), timeout=10)
                sockets.append(s)
                kind = slow[number % len(slow)]
                if kind:
                    s.sendall(kind)
                if number % 100 == 0:
                    health(server, times)
            for _ in range(50):
                health(server, times)
                for s in sockets[:200]:  # drip a byte of a head
                    with contextlib.suppress(OSError):
                        s.send(b"x")
            data = os.urandom(300_000)
            began = time.monotonic()
            answer = qrx.request("PUT", space.upload_url + "/meanwhile", data)
            qrx.check_equal(201, answer.status, f"a transfer meanwhile: {answer!r}")
            took = time.monotonic() - began
            qrx.check_equal(data, space.content(space.files()["meanwhile"]).body, "its content")
            threads, held = threads_of(server), descriptors_of(server)
        finally:
            for s in sockets:
                s.close()
        qrx.check(held >= LEAST, f"only {held} descriptors of the server were open with {count} connections to it")
        qrx.check(threads <= 80, f"{threads} threads for {count} connections")
        print(f"{count} connections, /healthz at most {max(times) * 1000:.0f} ms, a transfer {took * 1000:.0f} ms, "
              f"{threads} threads, {held} descriptors")
        qrx.check(max(times) < LIMIT * (5 if qrx.is_sanitized() else 1), f"/healthz took {max(times):.2f} s")
        qrx.check(took < 5, f"a transfer took {took:.2f} s")


if __name__ == "__main__":
    main()
