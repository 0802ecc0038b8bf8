#!/usr/bin/python3
# run: timeout=300
"""A file by a link for one download, whose receiver is killed again and again in its midst: each run goes on with what those before
it have got, encrypted or not, so that the server need not give more of the file than it gives."""
import filecmp
import os
import re
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import passing  # noqa: E402
import qrx  # noqa: E402
import sharing  # noqa: E402

RANGE = re.compile(rb"\r\nContent-Range: bytes (\d+)-(\d+)/(\d+)\r\n")
LEAST = 10_000  # larger than a list


class Cuts(passing.AnswersPassing):
    """After so many bytes of the file nothing more is passed on, and on_cut() is called when the client has taken them."""
    resets, buffering = True, 0

    def __init__(self, server, after, on_cut):
        self.after, self.on_cut, self.begins = after, on_cut, []
        super().__init__(server)

    def connect(self):
        server = socket.socket()
        # So that little more leaves the server than is passed on.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        server.connect(self.server)
        return server

    def answer(self, head, length, take, client):
        which = RANGE.search(head)
        whole = int(which.group(3)) if which else length
        if b"application/json" in head or whole < LEAST or length < self.after:
            return super().answer(head, length, take, client)
        self.begins.append(int(which.group(1)) if which else 0)
        client.sendall(head)
        for left in range(self.after, 0, -1000):
            piece = take(min(left, 1000))
            while len(piece) < min(left, 1000):
                piece += take(min(left, 1000) - len(piece))
            client.sendall(piece)
        self.on_cut(client)
        return False


def has_taken(pid, client):
    """Nothing waits on the way to it or in its socket, and all its threads wait."""
    port = f"{client.getpeername()[1]:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [row for row in map(str.split, table) if port in (row[1][-4:], row[2][-4:])]
    if any(row[4] != "00000000:00000000" for row in rows if row[3] == "01"):
        return False
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8") as stat:
            if stat.read().rpartition(")")[2].split()[0] != "S":
                return False
    return True


def killed_again_and_again(w, server, seal, size, cuts):
    number = w.next_number()
    file = w.file(f"file-{number}", size, seed=number)
    sharing.keep_space(w, server, file, seal=seal)
    to = f"link:cut-{number}"
    link = sharing.share("-n", "1", to, status=0).links[to]
    out = w.path(f"out-{number}")
    os.makedirs(out)
    at = 0
    for after in cuts:
        run = []

        def kill(client, run=run):
            qrx.wait_for(30, lambda: has_taken(run[0].pid, client) and has_taken(run[0].pid, client), "a client that has taken it")
            os.kill(run[0].pid, signal.SIGKILL)

        way = Cuts(server, after, kill)
        run.append(w.tool("qrx-recv", "-q", "-o", out, link.replace(server.url, way.url)))
        status = run[0].wait()
        qrx.check_equal(-signal.SIGKILL, status, f"how it ended at {at} of {size}, {cuts}, {seal}; {run[0].err}")
        qrx.check_equal(1, len(way.begins), "answers")
        if seal == "off" or size < 1 << 20:
            qrx.check_equal(at, way.begins[0], f"where it went on, {cuts}, {seal}")
        at = way.begins[0] + after
    w.tool("qrx-recv", "-q", "-o", out, link).expect_exit(0)
    qrx.check(filecmp.cmp(file, os.path.join(out, os.path.basename(file)), shallow=False), "what was saved")
    qrx.check_equal([os.path.basename(file)], os.listdir(out), "what is there")
    qrx.check_equal("downloaded", sharing.share("--list", to, status=0).states[to], to)
    kept = os.listdir(os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "recv"))
    qrx.check(not any(name.endswith(".part") for name in kept), f"what is kept: {kept}")


with qrx.work() as work:
    server_ = work.server()
    for seal_ in ("require", "off"):
        for cuts_ in ((100, 100, 100), (9_000, 9_000, 9_000), (15_000, 12_000, 5_000), (30_000, 5_000, 2_000), (38_000, 500, 500)):
            killed_again_and_again(work, server_, seal_, 40_000, cuts_)
        killed_again_and_again(work, server_, seal_, 200_000, (64_000, 40_000, 60_000, 20_000))
        killed_again_and_again(work, server_, seal_, 2_000_000, (700_000, 400_000, 300_000, 300_000))
