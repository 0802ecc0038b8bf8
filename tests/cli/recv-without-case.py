#!/usr/bin/python3
"""Saving on exFAT, where "A.txt" and "a.txt" are one file: nothing of a delivery replaces another file of it, whatever
--on-conflict says; and what was there before is replaced where that was asked for."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import namespaces  # noqa: E402
import qrx  # noqa: E402

for program in ("mkfs.exfat", "mount.exfat-fuse", "losetup"):
    shutil.which(program) or qrx.skip(f"there is no {program}")
NAMES = ["A.txt", "a.txt", "\u00c9.txt", "\u00e9.txt", "x:y", "x?y", "x*y", "\u5b57.txt"]


def contents(path):
    found = []
    for folder, _, names in os.walk(path):
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found.append(file.read())
    return sorted(found)


def save(w, server, mount, conflict, words):
    tree = w.path("tree")
    os.makedirs(tree, exist_ok=True)
    for number, name in enumerate(NAMES):
        with open(os.path.join(tree, name), "w", encoding="utf-8") as file:
            file.write(f"{words} {number}")
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "-o", mount, "--on-conflict", conflict)
    w.tool("qrx-send", "-y", "-q", "-l", recv.expect_event("space")["drop"], tree).expect_exit(0)
    recv.expect_exit(0)


namespaces.enter_mounts()
with qrx.work() as work:
    image, mount_ = work.path("image"), work.path("mount")
    os.mkdir(mount_)
    with open(image, "wb") as file_:
        file_.truncate(30 << 20)
    made = subprocess.run(["mkfs.exfat", image], capture_output=True, check=False).returncode == 0
    loop = subprocess.run(["losetup", "-f", "--show", image], capture_output=True, text=True, check=False).stdout.strip() if made else ""
    if not loop:
        qrx.skip("no loop device can be had here")
    try:
        if subprocess.run(["mount.exfat-fuse", loop, mount_], capture_output=True, check=False).returncode != 0:
            qrx.skip("no exFAT can be mounted here")
        server_ = work.server()
        save(work, server_, mount_, "overwrite", "first")
        qrx.check_equal([f"first {n}" for n in range(len(NAMES))], contents(mount_), "all of one delivery")
        save(work, server_, mount_, "overwrite", "second")
        there = contents(mount_)
        qrx.check_equal([f"second {n}" for n in range(len(NAMES))], [text for text in there if text.startswith("second")], "all of the next")
        qrx.check(len(there) < 2 * len(NAMES), f"nothing was overwritten: {there}")
        save(work, server_, mount_, "rename", "third")
        qrx.check_equal(len(there) + len(NAMES), len(contents(mount_)), "files after one that renames")
    finally:
        subprocess.run(["umount", "-l", mount_], capture_output=True, check=False)
        subprocess.run(["losetup", "-d", loop], check=False)
