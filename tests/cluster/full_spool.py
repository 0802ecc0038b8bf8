"""Run by full-spool.sh. A node whose spool is full says so with 503 and is not of use meanwhile; what it acknowledged is there, and
another node goes on with it; when there is room again it is as before. In a shared directory without room it is 507."""
import contextlib
import http.client
import os
import socket
import threading
import time
import urllib.parse

import namespaces
import objectstore
import qrx
import tus
from faultyproxy import FaultyProxy


def ask(method, url, data, headers):
    """Status and Retry-After. A server that has no room may answer before it has read all, and cut: its answer is there all the same."""
    parts = urllib.parse.urlsplit(url)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection((parts.hostname, parts.port), timeout=120) as s:
        with contextlib.suppress(OSError):
            s.sendall(f"{method} {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(data)}\r\n{lines}\r\n".encode() + data)
        answer = http.client.HTTPResponse(s, method=method)
        try:
            answer.begin()
        except (OSError, http.client.HTTPException) as error:
            qrx.fail(f"a {method} of {len(data)} bytes was cut without an answer: {error!r}")
        return answer.status, answer.getheader("Retry-After")


def put(space, server, name, data):
    return ask("PUT", f"{space.at(server).upload_url}/{name}", data, {})


def patch(url, offset, data):
    return ask("PATCH", url, data, {**tus.VERSION, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"})


def ready(server):
    return qrx.request("GET", server.url + "/readyz").status


def when_full(server, proxy):
    """The store is there again once the node has found that it has no room."""
    until = time.monotonic() + 60
    while time.monotonic() < until and b"disk for uploads" not in qrx.request("GET", server.url + "/readyz").body:
        time.sleep(0.05)
    proxy.rule = None


def same(space, server, name, data):
    qrx.check(space.at(server).content(space.files()[name], timeout=120).body == data, f"{name} has other bytes than were sent")


def fill(path):
    with contextlib.suppress(OSError), open(path, "wb") as ballast:
        while True:
            ballast.write(b"\0" * 4096)
            ballast.flush()


def too_small(small, other, proxy):
    """Its disk has room for 24 MiB, and the store takes nothing for a while: more comes than there is room for."""
    data = b"".join(qrx.noise(50_000_000, seed=1))
    space = small.space()
    place = tus.location(small.url, tus.create(space.upload_url, len(data), "large"))
    qrx.check_equal(204, patch(place, 0, data[:5_000_000])[0], "what there is room for")
    proxy.rule = lambda method, path, count: "503" if method == "PUT" else None
    waiter = threading.Thread(target=when_full, args=(small, proxy), daemon=True)
    waiter.start()
    status, retry = patch(place, 5_000_000, data[5_000_000:])
    waiter.join()
    qrx.check(status == 503 and retry, f"more than there is room for: {status}, Retry-After {retry}")
    qrx.check(tus.offset(place) >= 5_000_000, "what was acknowledged is there")
    elsewhere = place.replace(small.url, other.url)
    offset = tus.offset(elsewhere)
    qrx.check(offset >= 5_000_000, "what was acknowledged is known to others")
    status, _ = patch(elsewhere, offset, data[offset:])
    qrx.check_equal(204, status, "the rest, by another node")
    for node in (other, small):
        same(space, node, "large", data)
    qrx.wait_for(60, lambda: ready(small) == 200, "of use again")
    qrx.check_equal(201, put(space, small, "after", b"x" * 10_000_000)[0], "an upload when there is room again")
    return space


def full(small, other, space, directory):
    """By somebody else's files, to the last byte."""
    kept = b"y" * 300_000
    qrx.check_equal(201, put(space, small, "kept", kept)[0], "PUT")
    place = tus.location(small.url, tus.create(space.at(small).upload_url, 3_000_000, "begun"))
    qrx.check_equal(204, patch(place, 0, b"b" * 1_000_000)[0], "the beginning of an upload")
    ballast = os.path.join(directory, "ballast")
    fill(ballast)
    for size in (1, 100_000, 3_000_000):
        status, retry = put(space, small, f"refused{size}", b"z" * size)
        qrx.check(status == 503 and retry, f"{size} bytes on a full disk: {status}, Retry-After {retry}")
    qrx.check_equal(503, patch(place, 1_000_000, b"b" * 2_000_000)[0], "the rest of an upload on a full disk")
    qrx.check_equal(503, ready(small), "a node without room is of no use")
    qrx.check("spool" in small.err, f"the log: {small.err[-1000:]}")
    qrx.check(not any(name.startswith("refused") for name in space.files()), "what was refused is not there")
    same(space, small, "kept", kept)  # it can be read all the same
    elsewhere = place.replace(small.url, other.url)
    qrx.check_equal(1_000_000, tus.offset(elsewhere), "what was acknowledged")
    qrx.check_equal(201, put(space, other, "other", kept)[0], "another node has room")
    os.unlink(ballast)
    qrx.wait_for(60, lambda: ready(small) == 200, "of use again")
    qrx.check_equal(204, patch(place, 1_000_000, b"b" * 2_000_000)[0], "the rest of the upload")
    same(space, small, "begun", b"b" * 3_000_000)
    qrx.check_equal(201, put(space, small, "again", kept)[0], "PUT when there is room again")


def no_room_to_start(work, where, env):
    """Without inodes there is no place for anything: one line."""
    namespaces.tmpfs(work.path("none"), "size=1m,nr_inodes=2")
    os.mkdir(work.path("none", "data"))
    node = work.tool("qrx-serve", "--bind", "127.0.0.1:0", "--data", work.path("none", "data"), *where, env=env)
    node.expect_exit(node.wait(60))
    qrx.check(node.popen.returncode in (1, 2, 73, 75) and 1 <= len(node.err.splitlines()) <= 2 and "o space left" in node.err,
              f"a start without room: {node.popen.returncode} {node.err!r}")


def with_objects(work):
    where = ["--catalog", os.environ["catalog"] + "objects" + os.environ["socket"], "--blobs", f"s3://{objectstore.BUCKET}/full"]
    namespaces.tmpfs(work.path("small"), "size=24m")
    with objectstore.ObjectStore(work.path("store")) as store, FaultyProxy("127.0.0.1", store.port) as proxy:
        where += ["--s3-endpoint", proxy.url]
        small = work.server("--create-rate", "0", "--spool", work.path("small", "spool"), *where, data=work.path("one"), env=store.env)
        other = work.server("--create-rate", "0", *where, data=work.path("two"), env=store.env)
        space = too_small(small, other, proxy)
        full(small, other, space, work.path("small"))
        no_room_to_start(work, where, store.env)
        for node in (small, other):
            qrx.check_equal(0, node.terminate(60), "SIGTERM")


def in_a_directory(work):
    namespaces.tmpfs(work.path("shared"), "size=60m")
    catalog = os.environ["catalog"] + "files" + os.environ["socket"]
    one, two = (work.server("--create-rate", "0", "--catalog", catalog, "--blobs", "dir:" + work.path("shared"), data=work.path(name))
                for name in ("three", "four"))
    space = one.space()
    files, statuses = {}, []
    for number in range(20):
        data = next(qrx.noise(5_000_000, number, 5_000_000))
        status, _ = put(space, (one, two)[number % 2], f"file{number}", data)
        statuses.append(status)
        if status == 201:
            files[f"file{number}"] = data
    qrx.check(statuses[0] == 201 and set(statuses) == {201, 507}, f"a shared directory that becomes full: {statuses}")
    for node in (one, two):
        qrx.check_equal(set(files), set(space.at(node).files()), "what was acknowledged, and nothing else")
    for name, data in files.items():
        same(space, two, name, data)
    other = two.space()
    qrx.check_equal(204, qrx.request("DELETE", space.api_url, headers=space.auth).status, "deleting on a full disk")
    data = b"r" * 5_000_000
    qrx.wait_for(30, lambda: put(other, one, "again", data)[0] == 201, "room again after a space was deleted")
    same(other, two, "again", data)
    for node in (one, two):
        qrx.check_equal(0, node.terminate(60), "SIGTERM")


def main():
    namespaces.enter_mounts()
    with qrx.work() as work:
        try:
            in_a_directory(work)
            if objectstore.missing():
                qrx.skip(objectstore.missing())
            with_objects(work)
        finally:
            work.end()
            for name in ("small", "none", "shared"):
                if os.path.ismount(work.path(name)):
                    os.spawnlp(os.P_WAIT, "umount", "umount", "-l", work.path(name))


if __name__ == "__main__":
    main()
