#!/usr/bin/python3
"""Saving on a mount whose files belong to somebody else, as CIFS, exFAT, sshfs and NFS may show them; bindfs stands for these."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

bindfs = shutil.which("bindfs") or qrx.skip("there is no bindfs")
unmount = shutil.which("fusermount3") or shutil.which("fusermount") or qrx.skip("there is no fusermount")

with qrx.work() as work:
    back, mount = work.path("back"), work.path("mount")
    os.mkdir(back)
    os.mkdir(mount)
    mounted = subprocess.run([bindfs, "--force-user=nobody", "--force-group=nogroup", back, mount], capture_output=True, text=True)
    if mounted.returncode != 0:
        qrx.skip(f"nothing may be mounted here: {mounted.stderr.strip()}")
    try:
        server = work.server()
        recv = work.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "-o", mount)
        link = recv.expect_event("space")["drop"]
        files = [work.file("one.txt", 1000), work.file("two.bin", 3_000_000)]
        work.tool("qrx-send", "-y", "-q", "-l", link, *files).expect_exit(0)
        recv.expect_exit(0)
        qrx.check(os.stat(os.path.join(mount, "one.txt")).st_uid != os.getuid(), "the mount shows another owner")
        qrx.check_equal(["one.txt", "two.bin"], sorted(os.listdir(back)), "what stands there, with nothing left over")
        for path in files:
            with open(path, "rb") as sent, open(os.path.join(back, os.path.basename(path)), "rb") as saved:
                qrx.check(sent.read() == saved.read(), f"other bytes in {path}")
    finally:
        subprocess.run([unmount, "-u", "-z", mount], check=False)
