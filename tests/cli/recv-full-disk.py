#!/usr/bin/python3
"""qrx-recv where the disk is full: 75, nothing under a final name, and the next run onto a larger place brings all of it; what was
begun in the full place goes then."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import namespaces  # noqa: E402
import qrx  # noqa: E402

def saved_elsewhere(w, server, seal):
    small, large = w.path(f"begun-{seal}"), w.path(f"elsewhere-{seal}")
    os.mkdir(large)
    namespaces.tmpfs(small, "size=1m")
    try:
        recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "--seal", seal, "-o", small)
        space = recv.expect_event("space")
        os.mkdir(w.path(f"{seal}-tree"))
        big = w.file(f"{seal}-tree/big.bin", 3_000_000)
        w.tool("qrx-send", "--yes", "--no-progress", "-l", space["drop"], os.path.dirname(big)).expect_exit(0)
        recv.expect_exit(75)
        begun = [name for _, _, names in os.walk(small) for name in names]
        qrx.check(begun and all(name.endswith(".qrx-part") for name in begun), f"what a later run may go on with: {begun}")
        w.tool("qrx-recv", "--no-progress", "--resume", "all", "-o", large).expect_exit(0)
        qrx.check_equal([], [name for _, _, names in os.walk(small) for name in names], "what stays where it is not saved")
        with open(big, "rb") as sent, open(os.path.join(large, f"{seal}-tree", "big.bin"), "rb") as saved:
            qrx.check(sent.read() == saved.read(), "big.bin came back different")
    finally:
        os.spawnlp(os.P_WAIT, "umount", "umount", "-l", small)


def full(w, server, seal):
    small, large = w.path(f"small-{seal}"), w.path(f"large-{seal}")
    os.mkdir(large)
    namespaces.tmpfs(small, "size=1m")
    try:
        files = [w.file(f"{seal}/big.bin", 3_000_000), w.file(f"{seal}/little.txt", 100)]
        # Its own run finds the disk full.
        recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "--seal", seal, "-o", small)
        space = recv.expect_event("space")
        w.tool("qrx-send", "--yes", "--no-progress", "-l", space["drop"], *files).expect_exit(0)
        recv.expect_exit(75)
        qrx.check("no space left" in recv.err, f"what it says: {recv.err}")
        # As does one with the owner's link.
        again = w.tool("qrx-recv", "--no-progress", "-o", small, space["owner"])
        again.expect_exit(75)
        qrx.check_equal([], [line for line in again.out if "big.bin" in line], "paths told")
        qrx.check("big.bin" not in os.listdir(small), f"a final name: {os.listdir(small)}")
        # A larger place.
        w.tool("qrx-recv", "--no-progress", "-o", large, space["owner"]).expect_exit(0)
        for path in files:
            with open(path, "rb") as sent, open(os.path.join(large, os.path.basename(path)), "rb") as saved:
                qrx.check(sent.read() == saved.read(), f"{path} came back different")
    finally:
        os.spawnlp(os.P_WAIT, "umount", "umount", "-l", small)


namespaces.enter_mounts()
with qrx.work() as work:
    server_ = work.server()
    for seal_ in ("off", "offer"):
        try:
            full(work, server_, seal_)
            saved_elsewhere(work, server_, seal_)
        except qrx.Failed as failure:
            qrx.fail(f"--seal {seal_}: {failure}")
