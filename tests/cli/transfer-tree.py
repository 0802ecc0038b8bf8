#!/usr/bin/python3
# run: timeout=120
"""A tree of many files arrives whole, in one delivery, also over a slow way; links out of it do not."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def tree_of(root):
    out = {}
    for directory, _, names in os.walk(root):
        for name in names:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                out[os.path.relpath(path, root)] = file.read()
    return out


def plant(w):
    top = w.path("tree")
    for number in range(600):
        w.file(f"tree/many/{number % 7}/{number}.bin", number * 13, seed=number)
    w.file("tree/large.bin", 3_000_001)
    w.file("tree/edge-small.bin", 256 * 1024)
    w.file("tree/edge-large.bin", 256 * 1024 + 1)
    w.file("tree/empty", 0)
    w.file("tree/.hidden/deep/ünï cödé 😀.txt", 10)
    w.file("tree/a #?%25&;'\"$x.txt", 20)
    with open(w.path("secret"), "w") as secret:
        secret.write("secret")
    os.symlink("large.bin", top + "/link")
    os.symlink(w.path("secret"), top + "/leak")
    os.symlink("..", top + "/many/loop")
    os.makedirs(top + "/nothing")
    want = tree_of(top)
    for gone in ("leak",):
        want.pop(gone)
    return top, {"tree/" + name: content for name, content in want.items()}


def one_way(w, server, about, way, top, want):
    out = w.path("out-" + about)
    os.mkdir(out)
    recv = w.tool("qrx-recv", "--json", "--no-progress", "--server", server.url, "--output", out)
    drop = recv.expect_event("space")["drop"].lower().replace(server.url, way)
    send = w.tool("qrx-send", "--yes", "--no-progress", "--link", drop, top)
    send.expect_exit(0, 60)
    recv.expect_exit(0, 60)
    got = tree_of(out)
    qrx.check_equal(sorted(want), sorted(got), about + ": names")
    qrx.check(want == got, about + ": other bytes arrived")
    qrx.check("leak" in send.err, "a skipped link is not told: " + send.err)
    # The lines of qrx-send are what xxh128sum checks.
    with open(w.path("sums"), "w") as sums:
        sums.write("\n".join(send.out) + "\n")
    check = subprocess.run(["xxhsum", "-q", "-c", w.path("sums")], cwd=out, capture_output=True, text=True)
    qrx.check(check.returncode == 0, f"{about}: xxh128sum -c: {check.stdout[-300:]}{check.stderr[-300:]}")
    qrx.check_equal(len(want), len(send.out), about + ": lines of qrx-send")
    saved = [line for line in recv.out if '"event":"saved"' in line]
    qrx.check_equal(len(want), len(saved), about + ": saved events")


with qrx.work() as work:
    top_, want_ = plant(work)
    server_ = work.server()
    one_way(work, server_, "direct", server_.url, top_, want_)
    one_way(work, server_, "slow", work.bad_network(server_, "--delay", "5"), top_, want_)
    one_way(work, server_, "cut", work.bad_network(server_, "--cut-up", "300000,20000,1000000,5000"), top_, want_)
