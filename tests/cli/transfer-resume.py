#!/usr/bin/python3
# run: timeout=180
"""A second run goes on where the first was killed, on either side; what changed meanwhile is sent anew; nothing comes twice."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
import tus  # noqa: E402


SLACK = 500_000  # bytes of heads and of small requests


def read(path):
    with open(path, "rb") as file:
        return file.read()


def uploaded(space):
    uploads = space.state()["uploads"]
    return uploads[0]["offset"] if uploads else 0


def same_way(w, server):
    """Both runs through one counting way, so that their state is the same one."""
    space = server.space()
    large, small = w.file("same/large.bin", 20_000_000), w.file("same/small.txt", 1000)
    way = w.bad_network(server, "--rate", "10000000")
    link = f"{way}/u/{space.guid}"
    send = w.tool("qrx-send", "--yes", "--no-progress", "--link", link, large, small)
    qrx.wait_for(30, lambda: uploaded(space) > 5_000_000, "an upload that has begun")
    send.kill()
    way.settle()
    there, begun = uploaded(space), way.count("up")
    qrx.check(5_000_000 < there < 20_000_000, f"not in the middle: {there}")
    again = w.tool("qrx-send", "--yes", "--no-progress", "--link", link, large, small)
    again.expect_exit(0)
    sent = way.count("up") - begun
    qrx.check(sent <= 20_000_000 - there + SLACK, f"the second run began anew: it sent {sent} bytes where {there} were there")
    deliveries = space.state()["deliveries"]
    qrx.check_equal(1, len(deliveries), "deliveries")
    for path in (large, small):
        qrx.check(space.content(space.files()[os.path.basename(path)]).body == read(path), "other bytes of " + path)
    qrx.check_equal(2, len(again.out), "lines of the second run")
    # A third run is a new delivery: the second one is done.
    w.tool("qrx-send", "--yes", "--no-progress", "--link", link, small).expect_exit(0)
    qrx.check_equal(2, len(space.state()["deliveries"]), "deliveries")


def changed(w, server):
    space = server.space()
    large, other = w.file("ch/large.bin", 10_000_000), w.file("ch/other.bin", 400_000)
    way = w.bad_network(server, "--rate", "8000000")
    link = f"{way}/u/{space.guid}"
    send = w.tool("qrx-send", "--yes", "--no-progress", "--link", link, large, other)
    qrx.wait_for(30, lambda: uploaded(space) > 2_000_000, "an upload that has begun")
    send.kill()
    way.settle()
    begun = way.count("up")
    w.file("ch/large.bin", 10_000_000, seed=77)
    again = w.tool("qrx-send", "--yes", "--no-progress", "--link", link, large, other)
    again.expect_exit(0)
    sent = way.count("up") - begun
    qrx.check(sent >= 10_000_000, f"only {sent} bytes of the changed file were sent")
    qrx.check_equal(1, len(space.state()["deliveries"]), "deliveries")
    qrx.check_equal(["large.bin", "other.bin"], sorted(space.files()), "what was delivered")
    qrx.check(space.content(space.files()["large.bin"]).body == read(large), "the bytes are not those of the changed file")


def changing(w, server):
    space = server.space()
    large = w.file("chg/large.bin", 8_000_000)
    way = w.bad_network(server, "--rate", "6000000")
    send = w.tool("qrx-send", "--yes", "--no-progress", "--link", f"{way}/u/{space.guid}", large)
    qrx.wait_for(30, lambda: uploaded(space) > 1_000_000, "an upload that has begun")
    with open(large, "ab") as file:
        file.write(b"more")
    send.expect_exit(6)
    qrx.check("changed while it was being sent" in send.err, send.err)
    qrx.check_equal([], space.state()["deliveries"], "deliveries")


def server_restarts(w, server):
    space = server.space()
    size = 24_000_000
    large = w.file("rs/large.bin", size)
    out = w.path("rs-out")
    os.mkdir(out)
    way = w.bad_network(server, "--rate", "6000000")
    recv = w.tool("qrx-recv", "--no-progress", "--json", "-n", "1", "--output", out, space.owner)
    send = w.tool("qrx-send", "--yes", "--no-progress", "--link", f"{way}/u/{space.guid}", large)
    url = f"{space.upload_url}/uploads/" + qrx.wait_for(30, lambda: space.state()["uploads"], "an upload")[0]["upload"]
    durable = qrx.wait_for(30, lambda: tus.offset(url), "an offset that is durable")
    qrx.check(send.running() and durable < size, f"not in the middle: {durable} of {size}")
    server.kill()
    there = way.count("up")
    server = server.restart()
    send.expect_exit(0)
    recv.expect_exit(0)
    # The server keeps what it had made durable; what it had taken after that, and what was on its way, is sent again.
    sent = way.count("up") - there
    qrx.check(sent <= size - durable + SLACK, f"it began anew after the restart: it sent {sent} bytes where {durable} were durable")
    qrx.check(read(out + "/large.bin") == read(large), "other bytes were saved")
    qrx.check_equal(["large.bin"], os.listdir(out), "what was saved")
    return server


def saved_once(w, server):
    """A receiver killed after it has saved some files: its next run fetches the rest and tells of all."""
    space = server.space()
    files = [w.file(f"once/{n}.bin", 600_000, seed=n) for n in range(12)]
    w.tool("qrx-send", "--yes", "--no-progress", "--link", f"{server.url}/u/{space.guid}", *files).expect_exit(0)
    out = w.path("once-out")
    os.mkdir(out)
    slow = w.bad_network(server, "--rate", "1500000")
    link = space.owner.replace(server.url, slow)
    recv = w.tool("qrx-recv", "--no-progress", "--json", "--output", out, link)
    qrx.wait_for(30, lambda: sum(1 for n in os.listdir(out) if not n.startswith(".")) >= 3, "some saved files")
    recv.kill()
    slow.settle()
    there = sum(os.path.getsize(os.path.join(out, name)) for name in os.listdir(out))  # the partials, too
    begun = slow.count("down")
    again = w.tool("qrx-recv", "--no-progress", "--json", "--output", out, link)
    again.expect_exit(0)
    fetched = slow.count("down") - begun
    qrx.check(there < 12 * 600_000, "the first run was done before it was killed")
    qrx.check(fetched <= 12 * 600_000 - there + SLACK, f"the second run began anew: {fetched} bytes came where {there} were there")
    qrx.check_equal(sorted(os.path.basename(f) for f in files), sorted(os.listdir(out)), "what was saved")
    events = [json.loads(line) for line in again.out]
    qrx.check_equal(12, sum(1 for e in events if e["event"] == "saved"), "saved events of the second run")
    for path in files:
        qrx.check(read(path) == read(os.path.join(out, os.path.basename(path))), "other bytes")


with qrx.work() as work:
    server_ = work.server()
    for case in (same_way, changed, changing, saved_once):
        try:
            case(work, server_)
        except qrx.Failed as failure:
            qrx.fail(f"{case.__name__}: {failure}")
    try:
        server_restarts(work, server_)
    except qrx.Failed as failure:
        qrx.fail(f"server_restarts: {failure}")
