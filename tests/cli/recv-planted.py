#!/usr/bin/python3
"""Somebody put something under the name of the partial file: qrx-recv does not write through it, and saves nothing."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

VICTIM = b"what belongs to somebody else\n"


def plant(kind, part, victim):
    if kind == "hard link":
        os.link(victim, part)
    elif kind == "symbolic link":
        os.symlink(victim, part)
    elif kind == "link to nothing":
        os.unlink(victim)
        os.symlink(victim, part)
    elif kind == "fifo":
        os.mkfifo(part)
    else:
        os.mkdir(part)


def planted(w, server, kind, size):
    number = w.next_number()
    space = server.space()
    qrx.check_equal(201, qrx.request("PUT", space.upload_url + "/f.bin", qrx.noise(size)).status, "PUT")
    out, victim = w.path(f"out{number}"), w.path(f"victim{number}")
    os.mkdir(out)
    with open(victim, "wb") as file:
        file.write(VICTIM)
    part = f".f.bin.{space.files()['f.bin']['file'][:8]}.qrx-part"
    plant(kind, os.path.join(out, part), victim)
    recv = w.tool("qrx-recv", "--no-progress", "-o", out, space.owner)
    status = recv.wait()
    qrx.check_equal(6 if kind in ("hard link", "fifo") else 1, status, f"exit status: {recv.err}")
    qrx.check(part in recv.err, f"it does not say what is in the way: {recv.err}")
    qrx.check_equal([part], os.listdir(out), "in the folder")
    if kind == "link to nothing":
        qrx.check(not os.path.exists(victim), "it made a file through the link")
    else:
        with open(victim, "rb") as file:
            qrx.check_equal(VICTIM, file.read(), "the other's file")
    # Away with it, and the file comes.
    (os.rmdir if kind == "folder" else os.unlink)(os.path.join(out, part))
    w.tool("qrx-recv", "--no-progress", "-o", out, space.owner).expect_exit(0)
    qrx.check_equal(["f.bin"], os.listdir(out), "saved afterwards")


with qrx.work() as work:
    server_ = work.server("--create-rate", "0")
    for kind_ in ("hard link", "symbolic link", "link to nothing", "fifo", "folder"):
        for size_ in (1000, 1_000_000):
            try:
                planted(work, server_, kind_, size_)
            except qrx.Failed as failure:
                qrx.fail(f"{kind_}, {size_} bytes: {failure}")
