#!/usr/bin/python3
# run: timeout=300
"""qrx-serve with its contents in a real S3 store: files go in and come out whole, the server is killed in between, the store
is in trouble, and in the end nothing is left there that the catalog does not name."""
import os
import signal
import subprocess
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import objectstore  # noqa: E402
import qrx  # noqa: E402
from faultyproxy import FaultyProxy  # noqa: E402

if objectstore.missing():
    qrx.skip(objectstore.missing())


def curl(*arguments):
    return subprocess.run(["curl", "-sS", "--fail-with-body", *arguments], capture_output=True, timeout=120)


def put(space, path):
    answer = curl("-T", path, space.upload_url + "/")
    qrx.check_equal(0, answer.returncode, f"curl -T: {answer.stdout} {answer.stderr}")


def bytes_of(number):
    return b"".join(qrx.noise(number * 20, seed=number + 1))


def same(space, name, path):
    answer = space.content(space.files()[name], timeout=120)
    with open(path, "rb") as file:
        qrx.check(answer.status == 200 and answer.body == file.read(), f"{name} came back as it was sent")


def trouble(method, path, count):
    """What a store that is not well does with requests: each is carried out in the end."""
    if method not in ("PUT", "GET") or count > 2 or "list-type" in path:
        return None
    kinds = ["500", "503", "cut-before", "cut-after", "late", None]
    if method == "GET":
        kinds = ["404", "cut-before", "503", None]
    return kinds[(zlib.crc32(path.encode()) + count) % len(kinds)]


def sweep(store, server, url):
    done = subprocess.run(["qrx-serve", "sweep", "--data", server.data, *where(url)], capture_output=True, timeout=120,
                          env={**os.environ, **store.env})
    qrx.check_equal(0, done.returncode, f"sweep: {done.stderr}")


def where(url):
    return ["--blobs", f"s3://{objectstore.BUCKET}/some/where", "--s3-endpoint", url]


def transfers(work, store, proxy):
    server = work.server(*where(proxy.url), env=store.env)
    space = server.space()
    small, large = work.file("small", 3000), work.file("large", 30_000_000)
    put(space, small)
    put(space, large)
    for name, path in (("small", small), ("large", large)):
        same(space, name, path)
    part = space.content(space.files()["large"], headers={"Range": "bytes=8388600-8388700"})
    with open(large, "rb") as file:
        file.seek(8388600)
        qrx.check_equal(file.read(101), part.body, "a range over the end of an object")
    qrx.check(all(name.startswith("some/where/") for name in store.names()), "the prefix")
    names = [name for name in store.names() if "/catalog/" not in name]
    qrx.check_equal(5, len(names), "objects")  # one, and four of 8 MiB

    # A tree as one delivery: its small files are one object.
    tree = work.path("tree")
    os.makedirs(tree)
    for number in range(200):
        with open(os.path.join(tree, f"f{number}"), "wb") as file:
            file.write(bytes_of(number))
    sent = work.start("qrx-send", "-l", space.drop, tree, "--no-progress")
    sent.expect_exit(0)
    qrx.check(len(store.names()) <= 8, f"objects of a tree: {len(store.names())}")
    received = work.path("received")
    work.start("qrx-recv", "-o", received, space.owner, "--no-progress").expect_exit(0)
    for number in range(200):
        with open(os.path.join(received, "tree", f"f{number}"), "rb") as file:
            qrx.check_equal(bytes_of(number), file.read(), f"f{number}")
    return server, space, large


def killed(work, store, server, space, large):
    """An upload goes on after the server was killed in the middle of it."""
    again = server.space()
    sender = work.start("qrx-send", "-l", again.drop, large, "--no-progress", "--seal", "off")
    qrx.wait_for(60, lambda: any(upload["offset"] > 0 for upload in again.state()["uploads"]), "bytes of the upload")
    server.signal(signal.SIGKILL)
    server.wait()
    server = server.restart()
    sender.expect_exit(0, timeout=120)
    same(again.at(server), "large", large)
    same(space.at(server), "large", large)
    return server, again


with qrx.work() as work, objectstore.ObjectStore(work.path("store")) as store, \
        FaultyProxy("127.0.0.1", store.port) as proxy:
    server, space, large = transfers(work, store, proxy)
    server, again = killed(work, store, server, space, large)

    proxy.rule = trouble
    third = server.space()
    medium = work.file("medium", 20_000_000, seed=5)
    put(third, medium)
    same(third, "medium", medium)
    qrx.check(sum(proxy.faults.values()) > 3, f"faults: {proxy.faults}")
    proxy.rule = None

    # A store that is down: nothing is acknowledged, and the client is told to come again.
    proxy.rule = lambda method, path, count: "cut-before" if method == "PUT" else None
    refused = curl("-T", work.file("refused", 1000), third.upload_url + "/", "--max-time", "60", "-w", "%{http_code}")
    qrx.check(refused.stdout.endswith(b"503"), f"a store that is down: {refused.stdout}")
    qrx.check_equal(["medium"], sorted(third.files()), "files")
    proxy.rule = None

    checked = subprocess.run(["qrx-serve", "check", "--data", server.data, *where(proxy.url)], capture_output=True,
                             timeout=120, env={**os.environ, **store.env})
    qrx.check_equal(0, checked.returncode, f"check: {checked.stdout} {checked.stderr}")
    for one in (space, again, third):
        qrx.check_equal(204, qrx.request("DELETE", server.url + one.path, headers=one.auth).status, "deleting a space")
    def swept():
        sweep(store, server, proxy.url)
        return len(store.names()) <= 9

    # What a killed or refused writer had stored and not named goes after two days. A store that was just down is left alone
    # until it is seen that it is well.
    qrx.wait_for(60, swept, "what is deleted goes from the store")
    qrx.check_equal(0, server.terminate(), "SIGTERM")

    # Catalog and contents belong together.
    def refused_start(words, *arguments, data=None, env=None):
        done = subprocess.run(["qrx-serve", "--bind", "127.0.0.1:0", "--data", data or server.data, *arguments],
                              capture_output=True, timeout=60, env={**os.environ, **(store.env if env is None else env)})
        said = done.stderr.decode()
        qrx.check(done.returncode in (2, 75) and words in said, f"{words!r}: {done.returncode} {said!r}")

    refused_start("are in s3://qrx-test/some/where")
    refused_start("are in s3://qrx-test/some/where", "--blobs", "s3://qrx-test/other", "--s3-endpoint", proxy.url)
    refused_start("there is no bucket", "--blobs", "s3://nowhere/x", "--s3-endpoint", proxy.url, data=work.path("d1"))
    refused_start("does not answer", "--blobs", "s3://qrx-test/x", "--s3-endpoint", "http://127.0.0.1:1", data=work.path("d2"))
    refused_start("no keys", "--blobs", "s3://qrx-test/x", "--s3-endpoint", proxy.url, data=work.path("d3"), env={})
    refused_start("whoever listens", "--blobs", "s3://qrx-test/x", "--s3-endpoint", "http://store.example.org")
    refused_start("needs --blobs", "--spool", "/tmp")
