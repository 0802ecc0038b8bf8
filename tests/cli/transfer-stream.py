#!/usr/bin/python3
# run: timeout=120
"""From stdin to stdout: as it comes, of unknown length, each byte once through cuts, nothing but the bytes."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def read(path):
    with open(path, "rb") as file:
        return file.read()


def opened(w, server, *options, stdout=None):
    qr = w.path(f"qr{w.next_number()}.svg")
    recv = w.tool("qrx-recv", "--no-progress", "--no-qr", "--qr-file", qr, "--server", server.url, "-o", "-", *options, stdout=stdout)
    text = qrx.wait_for(20, lambda: [word for word in recv.err.split() if "/U/" in word.upper()], "the drop link on stderr")[0]
    return recv, text.lower()


def through_cuts(w, server):
    source = w.file("stream.bin", 30_000_001)
    up = w.bad_network(server, "--cut-up", "5000000,100,9000000,70000")
    out = w.path("stream.out")
    with open(out, "wb") as sink:
        recv, drop = opened(w, server, stdout=sink)
        with subprocess.Popen(["cat", source], stdout=subprocess.PIPE) as cat:
            send = w.tool("qrx-send", "--yes", "--no-progress", "--name", "s.bin", "--link", drop.replace(server.url, up), "-",
                          stdin=cat.stdout)
            send.expect_exit(0)
        recv.expect_exit(0)
    qrx.check(read(out) == read(source), "the stream is not what was sent")
    qrx.check(len(send.out) == 1 and send.out[0].endswith("  s.bin"), f"the line of qrx-send: {send.out}")


def live(w, server):
    # A seal closes 64 KiB at a time: only what is not sealed comes line by line.
    recv, drop = opened(w, server, "--seal", "off")
    with subprocess.Popen(["sh", "-c", "echo first; read line; echo second"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as source:
        send = w.tool("qrx-send", "--yes", "--no-progress", "--link", drop, "-", stdin=source.stdout)
        qrx.check_equal("first", recv.next_line(), "what arrives while the sender still runs")
        qrx.check(send.running(), "qrx-send ended before its input did")
        source.stdin.write(b"go on\n")
        source.stdin.close()
        qrx.check_equal("second", recv.next_line(), "the rest")
    send.expect_exit(0)
    recv.expect_exit(0)


def empty(w, server):
    recv, drop = opened(w, server)
    send = w.tool("qrx-send", "--yes", "--no-progress", "--link", drop, "-")
    send.expect_exit(0)
    recv.expect_exit(0)
    qrx.check_equal([], recv.out, "stdout of an empty stream")


def withdrawn(w, server):
    recv, drop = opened(w, server, "--seal", "off")
    with subprocess.Popen(["sh", "-c", "echo begun; exec sleep 60"], stdout=subprocess.PIPE) as source:
        send = w.tool("qrx-send", "--yes", "--no-progress", "--link", drop, "-", stdin=source.stdout)
        qrx.check_equal("begun", recv.next_line(), "what arrives")
        send.kill()
        source.kill()
    # Nobody continues a stream: its delivery is taken back by its sender, or runs out. Here the receiver is ended.
    time.sleep(0.2)
    qrx.check(recv.running(), "qrx-recv ended, though the upload may still be continued: " + recv.err[-300:])
    recv.signal(2)
    qrx.check(recv.wait() in (130, 75, -2), "qrx-recv interrupted in a stream")


def several_files(w, server):
    files = [w.file("one", 100_000, seed=1), w.file("two", 2_000_000, seed=2), w.file("three", 10, seed=3)]
    out = w.path("several.out")
    with open(out, "wb") as sink:
        recv, drop = opened(w, server, stdout=sink)
        w.tool("qrx-send", "--yes", "--no-progress", "--link", drop, *files).expect_exit(0)
        recv.expect_exit(0)
    got = read(out)
    rest = got
    for path in sorted(files, key=lambda p: -os.path.getsize(p)):
        qrx.check(read(path) in rest, f"{path} is not in the stream in one piece")
        rest = rest.replace(read(path), b"", 1)
    qrx.check_equal(0, len(rest), "bytes that nobody sent")


with qrx.work() as work:
    server_ = work.server()
    for case in (through_cuts, live, empty, several_files, withdrawn):
        try:
            case(work, server_)
        except qrx.Failed as failure:
            qrx.fail(f"{case.__name__}: {failure}")
