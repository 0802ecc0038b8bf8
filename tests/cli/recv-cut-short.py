#!/usr/bin/python3
"""qrx-recv whose reader goes away, or who is interrupted in mid-save: it ends with the right status, and nothing has its
final name yet."""
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

SIZE = 20_000_000


def stored(server):
    space = server.space()
    qrx.check_equal(201, qrx.request("PUT", space.upload_url + "/big.bin", qrx.noise(SIZE)).status, "PUT")
    return space


def reader_goes(w, server):
    space = stored(server)
    way = w.bad_network(server, "--rate", "500000")  # all of it would take 40 s
    for link in (space.owner, space.owner.replace(server.url, way)):
        there, here = os.pipe()
        with subprocess.Popen(["head", "-c1"], stdin=there, stdout=subprocess.PIPE) as head:
            os.close(there)
            recv = w.tool("qrx-recv", "--no-progress", "-o", "-", link, stdout=here)
            os.close(here)
            qrx.check_equal(1, len(head.communicate(timeout=30)[0]), "bytes for head")
        status = recv.wait(15)
        qrx.check_equal((141, ""), (status, recv.err), "exit status and stderr")
    qrx.check_equal(["big.bin"], list(space.files()), "what is left on the server")


def interrupted(w, server):
    space = stored(server)
    way = w.bad_network(server, "--rate", "2000000")
    out = w.path("out")
    os.mkdir(out)

    def partial():
        return [name for name in os.listdir(out) if os.path.getsize(os.path.join(out, name)) > 500_000]

    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        recv = w.tool("qrx-recv", "--no-progress", "-o", out, space.owner.replace(server.url, way))
        qrx.wait_for(30, partial, "a partial file that grows")
        recv.signal(number)
        got = recv.wait(15)
        qrx.check(got in (status, -number), f"exit status {got}: {recv.err}")
        qrx.check_equal([], recv.out, "paths told")
        qrx.check_equal([], [name for name in os.listdir(out) if not name.startswith(".")], "final names")
    # The next run goes on and finishes.
    w.tool("qrx-recv", "--no-progress", "-o", out, space.owner).expect_exit(0)
    with open(os.path.join(out, "big.bin"), "rb") as file:
        qrx.check(file.read() == b"".join(qrx.noise(SIZE)), "other bytes")
    qrx.check_equal(["big.bin"], os.listdir(out), "what is left")


with qrx.work() as work:
    server_ = work.server()
    for case in (reader_goes, interrupted):
        try:
            case(work, server_)
        except qrx.Failed as failure:
            qrx.fail(f"{case.__name__}: {failure}")
