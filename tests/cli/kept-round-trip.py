#!/usr/bin/python3
# run: timeout=120
"""From qrx-send to qrx-recv a file keeps its date, and with -p that it may be run: sealed and not, small and large, by a space, by the
link of a share, and from qrx-share --file. What is sealed tells the server neither."""
import json
import os
import stat
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
from sharing import keep_space, share  # noqa: E402

THEN = 1_000_000_000
THEN_TEXT = "2001-09-09T01:46:40Z"
UMASK = os.umask(0)
os.umask(UMASK)


def plant(w):
    for name, size in (("script", 100), ("deep/large", 700_000), ("plain", 10), ("empty", 0), ("ancient", 5), ("late", 5)):
        path = w.file("tree/" + name, size)
        os.utime(path, (THEN, THEN))
    for name in ("script", "deep/large"):
        os.chmod(w.path("tree", name), 0o700)
    os.utime(w.path("tree/ancient"), (-1000, -1000))
    os.utime(w.path("tree/late"), (4_000_000_000, 4_000_000_000))
    return w.path("tree")


def check_tree(out, executables):
    for name in ("script", "deep/large", "plain", "empty"):
        there = os.stat(os.path.join(out, "tree", name))
        qrx.check_equal(THEN, there.st_mtime, name)
    qrx.check(os.stat(os.path.join(out, "tree/ancient")).st_mtime > THEN, "a date that cannot be told is that of now")
    qrx.check_equal(4_000_000_000, os.stat(os.path.join(out, "tree/late")).st_mtime)
    for top, _, names in os.walk(out):
        for name in names:
            mode = stat.S_IMODE(os.stat(os.path.join(top, name)).st_mode)
            wanted = 0o777 if name in executables else 0o666
            qrx.check_equal(oct(wanted & ~UMASK), oct(mode), name)


def one_way(w, server, tree, seal, preserve):
    out = w.path(f"out-{seal}-{preserve}")
    os.mkdir(out)
    recv = w.tool("qrx-recv", "--json", "--keep", "--seal", seal, "--server", server.url, "--output", out)
    space = recv.expect_event("space")
    w.tool("qrx-send", *(["-p"] if preserve else []), "--link", space["drop"], tree).expect_exit(0)
    recv.expect_exit(0)
    check_tree(out, {"script", "large"} if preserve else set())
    saved = {event["name"]: event for event in map(json.loads, recv.out) if event["event"] == "saved"}
    qrx.check_equal((THEN_TEXT, True if preserve else None), (saved["tree/script"].get("modified"), saved["tree/script"].get("executable")), "event")
    qrx.check_equal((THEN_TEXT, None), (saved["tree/plain"].get("modified"), saved["tree/plain"].get("executable")), "event")
    qrx.check("modified" not in saved["tree/ancient"], saved["tree/ancient"])
    url, token = space["owner"].split("#")
    answer = qrx.request("GET", url.replace("/s/", "/api/v1/spaces/"), headers={"Authorization": "Bearer " + token.split(".")[0]})
    files = [file for delivery in answer.json()["deliveries"] for file in delivery["files"]]
    told = [file for file in files if "modified" in file or "executable" in file]
    qrx.check_equal(0 if seal == "require" else 5, len(told), f"what the server was told: {told}")


def stream(w, server):
    """Data from a pipe has no date: it is that of now."""
    os.mkdir("streamed")
    recv = w.tool("qrx-recv", "--json", "--server", server.url, "--output", "streamed")
    drop = recv.expect_event("space")["drop"]
    subprocess.run(["qrx-send", "-q", "-p", "-l", drop, "--name", "s", "-"], input=b"data", check=True, timeout=60)
    recv.expect_exit(0)
    qrx.check(os.stat("streamed/s").st_mtime > THEN and not os.access("streamed/s", os.X_OK), "of a stream")


def by_links(w, server, tree):
    keep_space(w, server, tree)
    link = share("link:A", status=0).links["link:A"]
    os.mkdir("shared")
    w.start("qrx-recv", "-q", "-o", "shared/", link).expect_exit(0)
    check_tree("shared", set())
    run = w.start("qrx-share", "--json", "-b", "127.0.0.1:0", "-f", tree, name="hand-out")
    link = run.expect_event("share")["link"]
    os.mkdir("handed")
    w.start("qrx-recv", "-q", "-o", "handed/", link).expect_exit(0)
    check_tree("handed", set())


with qrx.work() as w:
    server = w.server()
    tree = plant(w)
    for seal in ("off", "require"):
        for preserve in (False, True):
            one_way(w, server, tree, seal, preserve)
    stream(w, server)
    by_links(w, server, tree)
