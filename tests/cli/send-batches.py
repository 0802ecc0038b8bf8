#!/usr/bin/python3
# run: timeout=120
"""Many small files by one request: what is right is taken, what is wrong is told, and a server that does not know such requests,
or refuses one of the files, gets them one by one."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
import tus  # noqa: E402
from lying import Liar  # noqa: E402

FILES = 200


def entry(name, data, **more):
    return json.dumps({"name": name, "size": len(data), **more}).encode() + b"\n" + data


def by_hand(server):
    space = server.space()
    delivery = tus.open_delivery(space.upload_url)
    url = f"{space.upload_url}/deliveries/{delivery}/files"

    def post(body, status, at=url):
        answer = qrx.request("POST", at, body, {"Content-Type": "application/vnd.qrx.files"})
        qrx.check_equal(status, answer.status, f"{str(body)[:80]}: {answer!r}")
        return answer

    sums = post(entry("a", b"one", modified="2026-01-02T03:04:05Z") + entry("d/b", b"", executable=True), 202).json()["xxh128"]
    qrx.check_equal(2, len(sums), "sums")
    post(iter([entry("c", b"x" * 200_000)[:50_000], entry("c", b"x" * 200_000)[50_000:]]), 202)  # chunked
    post(b"", 202)
    post(b"no JSON\n", 400)
    post(entry("e", b"cut")[:-1], 400)
    post(entry("../up", b"climbs"), 400)
    post(entry("big", b"y" * (256 * 1024 + 1)), 413)
    post(b"".join(entry(str(n), b"") for n in range(257)), 413)
    # What stood before the wrong one was taken: it is as if they had been sent one by one.
    post(entry("f", b"good") + entry("/wrong", b"bad"), 400)
    post(entry("a", b"one"), 404, f"{server.url}/u/{'a' * 26}/deliveries/{delivery}/files")
    post(entry("a", b"one"), 404, f"{space.upload_url}/deliveries/{'b' * 26}/files")
    qrx.check_equal(405, qrx.request("GET", url).status, "GET")

    files = qrx.request("GET", f"{space.upload_url}/deliveries/{delivery}", headers={"Accept": "application/json"}).json()["files"]
    tus.commit(space.upload_url, delivery, len(files))
    got = space.files()
    qrx.check_equal(3, got["a"]["size"], "a")
    qrx.check_equal(sums[0], got["a"]["xxh128"], "sum of a")
    qrx.check_equal("2026-01-02T03:04:05Z", got["a"]["modified"], "date of a")
    qrx.check(got["d/b"]["executable"], "d/b may be run")
    qrx.check_equal(b"good", space.content(got["f"]).body, "f")
    qrx.check_equal(b"x" * 200_000, space.content(got["c"]).body, "c")
    qrx.check("e" not in got and "big" not in got and "/wrong" not in got, f"what was refused is there: {sorted(got)}")


def send_and_compare(w, space, link, about):
    send = w.tool("qrx-send", "--yes", "--no-progress", "--seal", "off", "--link", link, w.path("many"))
    send.expect_exit(0, 60)
    got = space.files()
    qrx.check_equal(FILES, len(got), about + ": files")
    for number in range(FILES):
        with open(w.path(f"many/{number}"), "rb") as want:
            qrx.check(want.read() == space.content(got[f"many/{number}"]).body, f"{about}: another {number}")


def by_tool(w, server):
    counts = {"batch": 0, "single": 0}

    def watch(method, path, answer, refuse=False):
        if method == "POST" and path.endswith("/files"):
            counts["batch"] += 1
            if refuse:
                answer.status, answer.body = 405, b"not here"
        elif method == "PUT":
            counts["single"] += 1

    space = server.space()
    liar = Liar(server, watch)
    send_and_compare(w, space, liar.link(space.drop), "a new server")
    qrx.check(0 < counts["batch"] < FILES / 10 and counts["single"] == 0, f"a new server: {counts}")

    counts.update(batch=0, single=0)
    space = server.space()
    liar = Liar(server, lambda *more: watch(*more, refuse=True))
    send_and_compare(w, space, liar.link(space.drop), "an old server")
    qrx.check(counts["batch"] > 0 and counts["single"] >= FILES, f"an old server: {counts}")


with qrx.work() as work:
    for each in range(FILES):
        work.file(f"many/{each}", each * 11 % 3000, seed=each)
    server_ = work.server()
    by_hand(server_)
    by_tool(work, server_)
