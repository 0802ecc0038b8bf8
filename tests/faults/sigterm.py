#!/usr/bin/python3
"""SIGTERM with open uploads, waiting receivers and idle connections: the server ends within ten seconds with status 0, and
the uploads go on after a start."""
import http.client
import os
import socket
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import oracle  # noqa: E402
import qrx  # noqa: E402
import tus  # noqa: E402


def main():
    with qrx.work() as w:
        judge = oracle.Oracle("tests/faults/sigterm.py")
        server = w.server()
        space = server.space()
        judge.space(space)
        parts = urllib.parse.urlsplit(server.url)
        idle = [socket.create_connection((parts.hostname, parts.port)) for _ in range(20)]

        waited = []
        seq = space.state()["seq"]
        waiter = threading.Thread(target=lambda: waited.append(space.get(f"?after={seq}&wait=60", timeout=70)), daemon=True)
        waiter.start()

        data = next(qrx.noise(1_000_000, 4))
        whole = tus.create(space.upload_url, len(data), "half")
        upload = judge.upload(space, tus.location(server.url, whole), data)
        url = tus.location(server.url, whole)
        qrx.check_equal(204, tus.patch(url, 0, data[:300_000]).status, "first part")
        upload.acknowledged(300_000)

        running = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)  # a PATCH that never ends
        running.putrequest("PATCH", urllib.parse.urlsplit(url).path)
        for name, value in {**tus.VERSION, "Upload-Offset": "300000", "Content-Length": "700000",
                            "Content-Type": "application/offset+octet-stream"}.items():
            running.putheader(name, value)
        running.endheaders()
        running.send(data[300_000:500_000])
        time.sleep(0.3)  # it is being taken

        began = time.monotonic()
        status = server.terminate(timeout=12)
        took = time.monotonic() - began
        qrx.check_equal(0, status, "exit status")
        qrx.check(took < 10, f"it took {took:.1f} s to stop")
        waiter.join(5)
        qrx.check(waited and waited[0].status in (200, 503), f"a waiting receiver got {waited}")
        for s in idle:
            s.close()
        running.close()

        server = server.restart()
        judge.verify(server)
        at = tus.offset(url)
        qrx.check(300_000 <= at <= 500_000, f"the upload is at {at}")
        qrx.check_equal(204, tus.patch(url, at, data[at:]).status, "the rest")
        judge.committed(space, data)
        judge.verify(server)
        print(f"stopped in {took:.1f} s, upload went on at {at}")


if __name__ == "__main__":
    main()
