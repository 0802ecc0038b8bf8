#!/usr/bin/python3
"""A full disk, and a disk without inodes: uploads are answered 507, nothing half appears, what was stored stays readable, deleting
makes room, and the catalog stays sound."""
import contextlib
import http.client
import os
import socket
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import namespaces  # noqa: E402
import oracle  # noqa: E402
import qrx  # noqa: E402
import tus  # noqa: E402

def put(url, data):
    """The status. A server that has no room may answer before it has read all, and cut: its answer is there all the same."""
    parts = urllib.parse.urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as s:
        with contextlib.suppress(OSError):
            s.sendall(f"PUT {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        answer = http.client.HTTPResponse(s, method="PUT")
        try:
            answer.begin()
        except (OSError, http.client.HTTPException) as error:
            qrx.fail(f"a PUT of {len(data)} bytes was cut without an answer: {error!r}")
        return answer.status


def full_disk(w):
    namespaces.tmpfs(w.path("small"), "size=160m")
    judge = oracle.Oracle("tests/faults/no-space.py")
    server = w.server("--create-rate", "0", data=w.path("small", "data"))
    space, other = server.space(), server.space()
    judge.space(space)
    piece = next(qrx.noise(12_000_000, 1, 12_000_000))
    statuses = []
    for number in range(20):
        data = piece[number:]
        judge.may_appear(space if number % 2 else other, data) if number % 2 else None
        target = space if number % 2 else other
        status = put(f"{target.upload_url}/f{number}", data)
        statuses.append(status)
        if status == 201 and number % 2:
            judge.committed(space, data)
        if status != 201:
            break
    qrx.check(statuses[-1] == 507, f"the answer at a full disk: {statuses}")
    qrx.check(len(statuses) > 3, f"the disk was full too soon: {statuses}")
    judge.verify(server)

    # Now really full, by somebody else's file.
    with contextlib.suppress(OSError), open(w.path("small", "ballast"), "wb") as ballast:
        while True:
            ballast.write(b"\0" * 65536)
            ballast.flush()
    status = put(f"{space.upload_url}/more", piece[:3_000_000])
    qrx.check_equal(507, status, "an upload to a disk without a byte")
    answer = tus.create(space.upload_url, 5_000_000, "more")
    qrx.check_equal(507, answer.status, f"creation on a disk without a byte: {answer!r}")
    judge.verify(server, offline=False)
    answer = qrx.request("DELETE", other.api_url, headers=other.auth)
    qrx.check_equal(204, answer.status, f"deleting on a full disk: {answer!r}")
    os.unlink(w.path("small", "ballast"))
    data = piece[100:]
    judge.may_appear(space, data)
    qrx.wait_for(10, lambda: put(f"{space.upload_url}/again", data) == 201, "room again after a space was deleted")
    judge.committed(space, data)
    judge.verify(server)
    server.kill()
    server = server.restart()
    judge.verify(server)
    server.terminate()


def no_inodes(w):
    namespaces.tmpfs(w.path("few"), "size=300m,nr_inodes=150")
    judge = oracle.Oracle("tests/faults/no-space.py")
    server = w.server("--create-rate", "0", data=w.path("few", "data"))
    space = server.space()
    judge.space(space)
    last = 0
    for number in range(400):
        data = next(qrx.noise(300_000 + number, number))
        judge.may_appear(space, data)
        last = put(f"{space.upload_url}/f{number}", data)
        if last != 201:
            break
        judge.committed(space, data)
    qrx.check_equal(507, last, "the answer without inodes")
    judge.verify(server)
    server.kill()
    server = server.restart()
    judge.verify(server)


def main():
    namespaces.enter_mounts()
    with qrx.work() as w:
        try:
            full_disk(w)
            no_inodes(w)
        finally:
            w.end()
            for name in ("small", "few"):
                if os.path.ismount(w.path(name)):
                    os.spawnlp(os.P_WAIT, "umount", "umount", "-l", w.path(name))


if __name__ == "__main__":
    main()
