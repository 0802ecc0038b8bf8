#!/usr/bin/python3
# run: timeout=240
"""Many small files are durable before they have their names, plain and sealed, by few syncs: one of the file system for many of
them, and for their directories, where that is sure. What was taken sealed is remembered before, by one write and one sync."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

FILES = 300
SURE = ("ext2/ext3", "xfs", "btrfs", "tmpfs")  # as stat(1) names them
LOTS = 3000
TOGETHER = 504  # files of one sync, with the limit of descriptors below
CALLS = "write,pwrite64,flock,fdatasync,fsync,syncfs,rename,renameat,renameat2,linkat"


def unsynced(trace, out):
    """Files of `out` that got their names before their bytes were durable, or before what was taken sealed was; how many got names;
    how many syncs there were, and how many locks and writes of what was taken."""
    dirty, early, named, syncs, seals = set(), [], 0, 0, 0
    for line in trace:
        match = re.match(r"^\d+ +(\w+)\((.*)$", line)
        if not match:
            continue
        name, rest = match.groups()
        paths = re.findall(r"\d+<([^<>]*)>", rest)
        if name in ("write", "flock") and paths and paths[0].endswith(".seals"):
            seals += 1
        if name in ("write", "pwrite64") and paths and (paths[0].startswith(out + "/") or paths[0].endswith(".seals")):
            dirty.add(paths[0])
        elif name in ("fdatasync", "fsync", "syncfs"):
            syncs += 1
            if name == "syncfs":
                dirty = {path for path in dirty if path.endswith(".seals")}  # they may lie on another file system
            else:
                dirty.discard(paths[0])
        elif name.startswith(("rename", "linkat")) and paths and paths[0].startswith(out):
            old, new = re.findall(r'"([^"]*)"', rest)
            if new.endswith(".qrx-part"):
                continue
            named += 1
            part = os.path.join(paths[0], old)
            early += [path for path in dirty if path == part or path.endswith(".seals")]
    return early, named, syncs, seals


def receive(w, server, seal):
    out = w.path("out-" + seal)
    os.mkdir(out)
    record = w.path("trace-" + seal)
    recv = w.tool("qrx-recv", "--json", "--no-progress", "--seal", seal, "--server", server.url, "--output", out,
                  prefix=("strace", "-f", "-qq", "-y", "-s", "300", "-o", record, "-e", "trace=" + CALLS, "-e", "signal=none"))
    drop = recv.expect_event("space")["drop"]
    send = w.tool("qrx-send", "--yes", "--no-progress", "--link", drop, w.path("many"))
    send.expect_exit(0, 60)
    recv.expect_exit(0, 60)
    for number in range(FILES):
        with open(f"{out}/many/{number % 10}/{number}", "rb") as got, open(w.path(f"many/{number % 10}/{number}"), "rb") as want:
            qrx.check(got.read() == want.read(), f"{seal}: another {number}")
    with open(record, encoding="utf-8", errors="replace") as trace:
        early, named, syncs, seals = unsynced(trace, os.path.realpath(out))
    qrx.check_equal([], early, seal + ": named before they were durable")
    qrx.check_equal(FILES, named, seal + ": names")
    kind = subprocess.run(["stat", "-f", "-c", "%T", out], capture_output=True, text=True, check=True).stdout.strip()
    if kind in SURE:
        qrx.check(syncs < FILES / 12, f"{seal}: {syncs} syncs for {FILES} files on {kind}")
    # A lock, a write and the end of the lock.
    qrx.check_equal(0 if seal == "off" else 3, seals, seal + ": locks and writes of what was taken sealed")


def receive_lots(w, server):
    """Thousands of files: few syncs, and names that are taken by several threads at once are all there."""
    out, record = w.path("out-lots"), w.path("trace-lots")
    os.mkdir(out)
    recv = w.tool("qrx-recv", "--json", "--no-progress", "--seal", "off", "--server", server.url, "--output", out,
                  prefix=("strace", "--seccomp-bpf", "-f", "-qq", "-o", record, "-e", "trace=syncfs", "prlimit", "--nofile=4096"))
    drop = recv.expect_event("space")["drop"]
    w.tool("qrx-send", "--yes", "--no-progress", "--link", drop, w.path("lots")).expect_exit(0, 60)
    recv.expect_exit(0, 60)
    for number in range(LOTS):
        with open(f"{out}/lots/{number % 7}/{number}", "rb") as got:
            qrx.check_equal(str(number).encode(), got.read(), f"content of {number}")
    qrx.check_equal(LOTS, sum(len(names) for _, _, names in os.walk(out)), "names, of which none is a partial's")
    kind = subprocess.run(["stat", "-f", "-c", "%T", out], capture_output=True, text=True, check=True).stdout.strip()
    with open(record, encoding="utf-8", errors="replace") as trace:
        syncs = sum("syncfs(" in line for line in trace)
    # The last of each of four threads, and the directories, are synced besides.
    if kind in SURE:
        qrx.check(0 < syncs <= LOTS / TOGETHER + 6, f"{syncs} syncs for {LOTS} files on {kind}")


if not shutil.which("strace") or subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True,
                                                check=False).returncode != 0:
    qrx.skip("strace may not trace here")
with qrx.work() as work:
    for each in range(FILES):
        work.file(f"many/{each % 10}/{each}", each * 7 % 5000, seed=each)
    server_ = work.server()
    receive(work, server_, "off")
    receive(work, server_, "require")
    for each in range(LOTS):
        os.makedirs(work.path(f"lots/{each % 7}"), exist_ok=True)
        with open(work.path(f"lots/{each % 7}/{each}"), "w", encoding="ascii") as file_:
            file_.write(str(each))
    receive_lots(work, server_)
