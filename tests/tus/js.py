#!/usr/bin/python3
"""tus-js-client uploads in each of its ways, and the receiver has the same bytes."""
import hashlib
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def upload(**options):
    done = subprocess.run(["node", os.path.join(HERE, "upload.cjs"), json.dumps(options)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        qrx.fail(f"tus-js-client with {options}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def expect_file(space, name, path):
    with open(path, "rb") as file:
        want = hashlib.sha256(file.read()).hexdigest()
    files = space.files()
    qrx.check(name in files, f"no file {name}: {sorted(files)}")
    got = space.content(files[name])
    qrx.check_equal(200, got.status, name)
    qrx.check_equal(want, hashlib.sha256(got.body).hexdigest(), f"SHA-256 of {name}")


WAYS = {
    "whole": {},
    "chunks": {"chunkSize": 300_000},
    "with-creation": {"uploadDataDuringCreation": True},
    "with-creation-chunks": {"uploadDataDuringCreation": True, "chunkSize": 400_000},
    "post-override": {"overridePatchMethod": True, "chunkSize": 500_000},
    "deferred": {"uploadLengthDeferred": True, "chunkSize": 256 * 1024, "asStream": True},
    "parallel": {"parallelUploads": 3},
    "parallel-chunks": {"parallelUploads": 2, "chunkSize": 200_000},
}


def main():
    if not os.path.isdir(os.path.join(HERE, "node_modules", "tus-js-client")):
        reason = "tus-js-client is not installed: npm ci in tests/tus (make test does it, where it reaches the npm registry)"
        if os.environ.get("CI"):
            sys.exit(reason)
        qrx.skip(reason)
    with qrx.work() as w:
        server = w.server()
        space = server.space()
        endpoint = space.upload_url + "/uploads"
        for number, (name, options) in enumerate(WAYS.items()):
            path = w.file(f"in/{name}", 1_500_000 + number, seed=number)
            upload(endpoint=endpoint, file=path, name=name, **options)
            expect_file(space, name, path)

        path = w.file("in/empty", 0)
        upload(endpoint=endpoint, file=path, name="empty")
        expect_file(space, "empty", path)

        path = w.file("in/slash", 1000)
        upload(endpoint=endpoint + "/", file=path, name="after a slash ü.bin")
        expect_file(space, "after a slash ü.bin", path)

        path = w.file("in/resumed", 2_000_000, seed=99)
        first = upload(endpoint=endpoint, file=path, name="resumed", chunkSize=250_000, abortAfter=500_000)
        qrx.check(first["aborted"], "the upload was to be aborted")
        qrx.check("resumed" not in space.files(), "half an upload is visible as a file")
        upload(endpoint=endpoint, file=path, name="resumed", chunkSize=250_000, url=first["url"])
        expect_file(space, "resumed", path)

        bad = w.bad_network(server, "--cut-up", "300000,500000,90000", "--drop-answers", "2", "--drop-after", "600000")
        path = w.file("in/cut", 3_000_000, seed=7)
        upload(endpoint=endpoint.replace(server.url, bad), file=path, name="cut", chunkSize=700_000)
        expect_file(space, "cut", path)

        answer = qrx.request("POST", space.upload_url + "/deliveries", b"{}", {"Content-Type": "application/json"})
        qrx.check_equal(201, answer.status, "opening a delivery")
        delivery = answer.json()["delivery"]
        paths = [w.file(f"in/part{n}", 50_000 + n, seed=50 + n) for n in range(3)]
        for n, path in enumerate(paths):
            upload(endpoint=endpoint, file=path, name=f"dir/part{n}", delivery=delivery)
        qrx.check("dir/part0" not in space.files(), "files of an open delivery are visible")
        answer = qrx.request("POST", f"{space.upload_url}/deliveries/{delivery}/commit", b'{"files": 3}',
                             {"Content-Type": "application/json"})
        qrx.check_equal(200, answer.status, f"commit: {answer!r}")
        for n, path in enumerate(paths):
            expect_file(space, f"dir/part{n}", path)


if __name__ == "__main__":
    main()
