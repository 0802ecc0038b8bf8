#!/usr/bin/python3
"""tuspy (Debian's python3-tuspy) uploads in chunks, resumes, and sends checksums."""
import hashlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
from tusclient import client  # noqa: E402


def expect_file(space, name, path):
    files = space.files()
    qrx.check(name in files, f"no file {name}: {sorted(files)}")
    with open(path, "rb") as file:
        qrx.check_equal(hashlib.sha256(file.read()).hexdigest(), hashlib.sha256(space.content(files[name]).body).hexdigest(), name)


def main():
    with qrx.work() as w:
        server = w.server()
        space = server.space()
        tus = client.TusClient(space.upload_url + "/uploads/")
        for checksum in (False, True):
            name = "with sums" if checksum else "plain"
            path = w.file("in/" + name, 1_200_000, seed=int(checksum))
            uploader = tus.uploader(path, chunk_size=200_000, metadata={"filename": name}, upload_checksum=checksum)
            uploader.upload()
            expect_file(space, name, path)

        path = w.file("in/resumed", 1_000_000, seed=5)
        first = tus.uploader(path, chunk_size=100_000, metadata={"filename": "resumed"})
        first.upload(stop_at=300_000)
        second = tus.uploader(path, chunk_size=100_000, url=first.url)
        qrx.check_equal(300_000, second.offset, "offset after an interruption")
        second.upload()
        expect_file(space, "resumed", path)


if __name__ == "__main__":
    main()
