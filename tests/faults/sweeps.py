#!/usr/bin/python3
"""What has expired goes, what lives stays: two sweeps at once beside a running server, sweep without a server, and links that
someone planted in the data directory are not followed."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import oracle  # noqa: E402
import qrx  # noqa: E402
import tus  # noqa: E402


def sweep(data):
    return subprocess.Popen([os.path.join(qrx.BIN, "qrx-serve"), "sweep", "--data", data], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def stored_bytes(data):
    total = 0
    for directory, _, names in os.walk(data):
        for name in names:
            path = os.path.join(directory, name)
            if not os.path.islink(path) and "sqlite" not in name and not name.endswith((".db", "-wal", "-shm")):
                total += os.path.getsize(path)
    return total


def look(path):
    status = os.lstat(path)
    with open(path, "rb") as file:
        return file.read(), status.st_ino, status.st_mode, status.st_nlink, status.st_mtime_ns


def untouched(outside, precious, kept):
    """Neither deleted, moved, written, cut nor linked through a planted link, and nothing was put beside it."""
    qrx.check_equal(["precious"], os.listdir(outside), "what is where a planted link leads to")
    qrx.check(look(precious) == kept, f"a planted link was followed: {look(precious)[1:]} was {kept[1:]}")


def main():
    with qrx.work() as w:
        judge = oracle.Oracle("tests/faults/sweeps.py")
        server = w.server("--create-rate", "0")
        lives = server.space(expire=3600)
        judge.space(lives)
        data = next(qrx.noise(400_000, 1))
        qrx.check_equal(201, qrx.request("PUT", lives.upload_url + "/stays", data).status, "PUT")
        judge.committed(lives, data)
        half = tus.create(lives.upload_url, 100_000, "half")
        upload = judge.upload(lives, tus.location(server.url, half), data[:100_000])
        qrx.check_equal(204, tus.patch(tus.location(server.url, half), 0, data[:50_000]).status, "PATCH")
        upload.acknowledged(50_000)
        empty = stored_bytes(server.data)

        for _ in range(30):
            gone = server.space(expire=1)
            qrx.check_equal(201, qrx.request("PUT", gone.upload_url + "/goes", data).status, "PUT")
            tus.create(gone.upload_url, 1000, "goes-too", body=b"x" * 500)
            judge.space(gone, expires=time.time() + 1)

        outside = w.path("outside")
        os.mkdir(outside)
        precious = w.file("outside/precious", 1000)
        kept = look(precious)
        for directory, _, _ in list(os.walk(server.data)):
            for name in ("aaaqeayeaudaocajbifqydiob4", "planted"):
                link = os.path.join(directory, name)
                if not os.path.lexists(link):
                    os.symlink(outside if name == "planted" else precious, link)

        qrx.wait_for(5, lambda: gone.get().status in (404, 410), "the last space expires")
        sweeps = [sweep(server.data) for _ in range(2)]
        for one in sweeps:
            output, _ = one.communicate(timeout=30)
            qrx.check_equal(0, one.returncode, f"sweep beside a server: {output}")
        qrx.wait_for(5, lambda: stored_bytes(server.data) <= empty + 10_000, "the bytes of expired spaces are gone")
        judge.verify(server, offline=False)
        untouched(outside, precious, kept)

        server.terminate()
        sweeps = [sweep(server.data) for _ in range(2)]
        codes = []
        for one in sweeps:
            output, _ = one.communicate(timeout=30)
            codes.append(one.returncode)
            qrx.check(one.returncode in (0, 75), f"sweep without a server: {one.returncode} {output}")
        qrx.check(0 in codes, f"no sweep ran: {codes}")
        untouched(outside, precious, kept)
        server = server.restart()
        judge.verify(server)
        untouched(outside, precious, kept)


if __name__ == "__main__":
    main()
