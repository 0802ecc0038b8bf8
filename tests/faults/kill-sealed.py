#!/usr/bin/python3
# run: timeout=240
"""Sealed uploads through kills: qrx-send and qrx-recv go on where they stopped, and a source that changed is sealed anew."""
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

SIZE = 12_000_001
SLACK = 500_000  # bytes of heads, of stanzas and chunks


def read(path):
    with open(path, "rb") as file:
        return file.read()


def opened(w, server, *options):
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, *options)
    return recv, recv.expect_event("space")


def uploaded(server, space):
    guid, token = space["guid"], space["owner"].split("#")[1]
    state = qrx.request("GET", f"{server.url}/api/v1/spaces/{guid}", headers={"Authorization": f"Bearer {token}"}).json()
    return sum(upload["offset"] for upload in state["uploads"])


def states():
    top = os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "send")
    return [os.path.join(top, name) for name in os.listdir(top)] if os.path.isdir(top) else []


def sender_killed(w, server, changes):
    source = w.file(f"source{w.next_number()}/large.bin", SIZE, seed=5)
    out = w.path(f"out{w.next_number()}/")
    recv, space = opened(w, server, "-o", out)
    way = w.bad_network(server, "--rate", "4000000")
    slow = space["drop"].lower().replace(server.url, way)
    first = w.tool("qrx-send", "--json", "--no-progress", "--link", slow, source)
    qrx.wait_for(30, lambda: uploaded(server, space) > 3_000_000, "an upload that has begun")
    first.kill()
    qrx.check_equal(-signal.SIGKILL, first.popen.returncode, "the end of the first run")
    way.settle()
    there, begun = uploaded(server, space), way.count("up")
    qrx.check(3_000_000 < there < SIZE, f"not in the middle: {there} of {SIZE}")
    kept = states()
    qrx.check_equal(1, len(kept), "state files of the sender")
    qrx.check_equal(0o600, os.stat(kept[0]).st_mode & 0o777, "mode of the state file")
    if changes:
        # Same size and time of modification: only the time of the change tells.
        before = os.stat(source)
        with open(source, "r+b") as file:
            file.write(b"other bytes")
        os.utime(source, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = w.tool("qrx-send", "--json", "--no-progress", "--link", slow, source)
    second.expect_exit(0)
    delivered = second.expect_event("delivered")
    qrx.check_equal(not changes, delivered["resumed"], "whether it went on")
    sent = way.count("up") - begun
    if changes:
        qrx.check(sent >= SIZE, f"only {sent} bytes of the changed file were sent")
    else:
        qrx.check(sent <= SIZE - there + SLACK, f"it began anew: it sent {sent} bytes where {there} of {SIZE} were there")
    recv.expect_exit(0)
    qrx.check(read(out + "large.bin") == read(source), "other bytes were saved")
    qrx.check_equal(["large.bin"], os.listdir(out), "what was saved")
    qrx.check_equal([], states(), "state files afterwards")


def receiver_killed(w, server, committed):
    source = w.file(f"source{w.next_number()}/large.bin", SIZE, seed=6)
    out = w.path(f"out{w.next_number()}/")
    recv, space = opened(w, server, "-o", out)
    link = space["owner"]
    if committed:
        recv.kill()
        w.tool("qrx-send", "--no-progress", "--link", space["drop"], source).expect_exit(0)
        slow = link.replace(server.url, w.bad_network(server, "--rate", "4000000"))
        recv = w.tool("qrx-recv", "--json", "--no-progress", "-o", out, slow)
    else:
        send = w.tool("qrx-send", "--no-progress", "--limit-rate", "4M", "--link", space["drop"], source)

    def partial():
        found = os.listdir(out) if os.path.isdir(out) else []
        if found and (len(found) > 1 or not found[0].endswith(".qrx-part")):
            qrx.fail(f"more than a partial while it is fetched: {found}")
        return os.path.getsize(os.path.join(out, found[0])) if found else 0
    qrx.wait_for(30, lambda: partial() > 3_000_000, "a partial")
    recv.kill()
    qrx.check_equal(-signal.SIGKILL, recv.popen.returncode, "the end of the first run")
    had = partial()
    qrx.check(3_000_000 < had < SIZE, f"not in the middle: {had} of {SIZE}")
    qrx.check(read(source).startswith(read(os.path.join(out, os.listdir(out)[0]))), "bytes that were not verified")
    if not committed:
        send.expect_exit(0)
    way = w.bad_network(server, "--rate", "6000000")  # what is asked for and not read stays small so
    again = w.tool("qrx-recv", "--json", "--no-progress", "-n", "1", "-o", out, link.replace(server.url, way))
    again.expect_exit(0)
    fetched = way.count("down")
    qrx.check(0 < fetched <= SIZE - had + SLACK, f"it began anew: {fetched} bytes came where {had} of {SIZE} were there")
    saved = again.expect_event("saved")
    qrx.check_equal((True, SIZE), (saved["sealed"], saved["size"]), "the saved event")
    qrx.check(read(out + "large.bin") == read(source), f"other bytes were saved after {had}")
    qrx.check_equal(["large.bin"], os.listdir(out), "what was saved")


MANY = [f"f{number:04}" for number in range(2_500)]
PACKED = 4_500  # bytes of each: 11 MB together


def tree_of_many(w):
    top = f"source{w.next_number()}/many"
    for number, name in enumerate(MANY):
        w.file(f"{top}/{name}", PACKED, seed=number % 50)
    return top


def there_in_packs(server, space):
    guid, token = space["guid"], space["owner"].split("#")[1]
    state = qrx.request("GET", f"{server.url}/api/v1/spaces/{guid}", headers={"Authorization": f"Bearer {token}"}).json()
    return sum(delivery["bytes"] for delivery in state["open"])


def check_many(source, out):
    qrx.check_equal(MANY, sorted(os.listdir(os.path.join(out, "many"))), "what was saved")
    for name in MANY:
        qrx.check(read(f"{source}/{name}") == read(f"{out}/many/{name}"), f"other bytes of {name}")


def sender_of_packs_killed(w, server, changes):
    source, out = tree_of_many(w), w.path(f"out{w.next_number()}/")
    recv, space = opened(w, server, "-o", out)
    way = w.bad_network(server, "--rate", "4000000")
    slow = space["drop"].lower().replace(server.url, way)
    first = w.tool("qrx-send", "--json", "--no-progress", "--link", slow, source)
    qrx.wait_for(30, lambda: there_in_packs(server, space) > 3_000_000, "packs that have come")
    first.kill()
    way.settle()
    there, begun, size = there_in_packs(server, space), way.count("up"), PACKED * len(MANY)
    qrx.check(3_000_000 < there < size, f"not in the middle: {there} of {size}")
    if changes:
        w.file(f"{source}/{MANY[7]}", PACKED, seed=77)
    second = w.tool("qrx-send", "--json", "--no-progress", "--link", slow, source)
    second.expect_exit(0)
    qrx.check_equal(not changes, second.expect_event("delivered")["resumed"], "whether it went on")
    sent = way.count("up") - begun
    if changes:
        qrx.check(sent >= size, f"only {sent} bytes were sent of what holds the changed file")
    else:
        qrx.check(sent <= size - there + SLACK, f"it began anew: it sent {sent} bytes where {there} of {size} were there")
    recv.expect_exit(0)
    check_many(source, out)
    qrx.check_equal([], states(), "state files afterwards")


def receiver_of_packs_killed(w, server, at):
    """Each time it is killed some more of it is there, in part as partials; in the end all is, once."""
    source, out = tree_of_many(w), w.path(f"out{w.next_number()}/")
    recv, space = opened(w, server, "-o", out)
    recv.kill()
    w.tool("qrx-send", "--no-progress", "--link", space["drop"], source).expect_exit(0)

    def saved():
        return [name for _, _, names in os.walk(out) for name in names]
    for count in at:
        link = space["owner"].replace(server.url, w.bad_network(server, "--rate", "9000000"))
        run = w.tool("qrx-recv", "--json", "--no-progress", "-o", out, link)
        qrx.wait_for(30, lambda count=count: len(saved()) > count, f"more than {count} files")
        run.kill()
        qrx.check_equal(-signal.SIGKILL, run.popen.returncode, "how it ended")
    last = w.tool("qrx-recv", "--json", "--no-progress", "-o", out, space["owner"])
    last.expect_exit(0)
    check_many(source, out)


with qrx.work() as work:
    server_ = work.server()
    for test, argument in ((sender_killed, False), (sender_killed, True), (receiver_killed, False), (receiver_killed, True),
                           (sender_of_packs_killed, False), (sender_of_packs_killed, True), (receiver_of_packs_killed, (1, 500, 1_200))):
        try:
            test(work, server_, argument)
        except qrx.Failed as failure:
            qrx.fail(f"{test.__name__}({argument}): {failure}")
