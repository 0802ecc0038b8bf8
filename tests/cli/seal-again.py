#!/usr/bin/python3
# run: timeout=180
"""A server that shows what was sealed once more, as another delivery: qrx-recv refuses it, in the same run and in later
ones. The same delivery again is fine."""
import os
import secrets
import signal
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

SIZE = 400_000
SMALL = 3_000


def read(path):
    with open(path, "rb") as file:
        return file.read()


def catalog(data):
    paths = [os.path.join(top, name) for top, _, names in os.walk(data) for name in names]
    return next(path for path in paths if read(path)[:15] == b"SQLite format 3")


class Liar:
    """A server whose catalog is changed while it is away."""

    def __init__(self, w):
        self.server = w.server(data=w.path(f"data{w.next_number()}"))

    def lie(self, change):
        self.server.terminate()
        base = sqlite3.connect(catalog(self.server.data))
        with base:
            change(base)
            base.execute("UPDATE spaces SET seq = seq + 1")  # who waits is told
        base.close()
        self.server = self.server.restart()


def columns(base, table):
    return [row[1] for row in base.execute(f"PRAGMA table_info({table})") if row[1] != "number"]


def copy(base, table, key, old, **new):
    """The same row again, with other values."""
    names = columns(base, table)
    for row in base.execute(f"SELECT {', '.join(names)} FROM {table} WHERE {key} = ?", (old,)).fetchall():
        values = dict(zip(names, row))
        for name, value in new.items():
            values[name] = value(values[name]) if callable(value) else value
        base.execute(f"INSERT INTO {table}({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", list(values.values()))


def again(base):
    """Every delivery that there is once more, under fresh ids."""
    for (old,) in base.execute("SELECT delivery FROM deliveries WHERE committed IS NOT NULL").fetchall():
        fresh = secrets.token_bytes(16)
        copy(base, "deliveries", "delivery", old, delivery=fresh)
        copy(base, "files", "delivery", old, delivery=fresh, file=lambda _: secrets.token_bytes(16))


def renamed(base):
    """Every delivery under another id, its files under their own."""
    for (old,) in base.execute("SELECT delivery FROM deliveries").fetchall():
        fresh = secrets.token_bytes(16)
        base.execute("UPDATE deliveries SET delivery = ? WHERE delivery = ?", (fresh, old))
        base.execute("UPDATE files SET delivery = ? WHERE delivery = ?", (fresh, old))


def items(base):
    return [row[0] for row in base.execute("SELECT file FROM files WHERE name <> 'qrx-manifest.age' ORDER BY size DESC")]


def item_alone(base):
    """One item of a delivery, under a name of the server's."""
    fresh = secrets.token_bytes(16)
    copy(base, "deliveries", "delivery", base.execute("SELECT delivery FROM deliveries").fetchone()[0], delivery=fresh)
    copy(base, "files", "file", items(base)[0], delivery=fresh, file=secrets.token_bytes(16), name="holiday.bin.age")


def item_twice(base):
    """In its own delivery, beside what the manifest names."""
    copy(base, "files", "file", items(base)[0], file=secrets.token_bytes(16), name="holiday.bin.age")


def sources(w):
    return [w.file("in/large.bin", SIZE, seed=1), w.file("in/small.txt", SMALL, seed=2)]


def names_in(directory):
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def check_refused(event):
    qrx.check_equal(6, event["exit"], "the refusal's exit code")
    qrx.check("received before" in event["message"], f"the refusal says: {event['message']}")


def kept(w, *options, send=None):
    """A space with one sealed delivery that was received and stays; the server and the owner's link."""
    liar = Liar(w)
    first = w.tool("qrx-recv", "--json", "--no-progress", "-s", liar.server.url, "-o", w.path(f"first{w.next_number()}/"), "--keep", *options)
    space = first.expect_event("space")
    if send:
        send(space)
    else:
        w.tool("qrx-send", "--no-progress", "-l", space["drop"], *sources(w)).expect_exit(0)
    first.expect_event("delivered")
    first.expect_exit(0)
    return liar, space


def fetch(w, link, status, wanted):
    out = w.path(f"out{w.next_number()}/")
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-o", out, link)
    recv.expect_exit(status)
    qrx.check_equal(wanted, names_in(out), "saved")
    return recv


def in_one_run(w):
    liar = Liar(w)
    out = w.path("running/")
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", liar.server.url, "-n", "2", "-o", out)
    drop = recv.expect_event("space")["drop"]
    w.tool("qrx-send", "--no-progress", "-l", drop, *sources(w)).expect_exit(0)
    recv.expect_event("delivered", files=2)
    liar.lie(again)
    check_refused(recv.expect_event("refused", timeout=40))
    w.tool("qrx-send", "--no-progress", "-l", drop, w.file("in/next.bin", SIZE, seed=3)).expect_exit(0)
    recv.expect_event("delivered", files=1)
    recv.expect_exit(6)
    qrx.check_equal(["large.bin", "next.bin", "small.txt"], names_in(out), "saved")
    qrx.check_equal(read(w.path("in/large.bin")), read(out + "large.bin"), "the file")


def in_later_runs(w):
    liar, space = kept(w)
    for _ in range(2):  # the same delivery again is as good as ever
        fetch(w, space["owner"], 0, ["large.bin", "small.txt"])
    liar.lie(again)
    check_refused(fetch(w, space["owner"], 6, ["large.bin", "small.txt"]).expect_event("refused"))
    liar, space = kept(w)
    liar.lie(renamed)
    check_refused(fetch(w, space["owner"], 6, []).expect_event("refused"))


def one_item(w):
    liar, space = kept(w)
    liar.lie(item_alone)
    check_refused(fetch(w, space["owner"], 6, ["large.bin", "small.txt"]).expect_event("refused"))
    liar, space = kept(w)
    liar.lie(item_twice)
    out = w.path("twice/")
    w.tool("qrx-recv", "--no-progress", "-o", out, space["owner"]).expect_exit(6)
    saved = [name for name in names_in(out) if not name.startswith(".")]  # what was done when the refusal came
    qrx.check(set(saved) <= {"large.bin", "small.txt"}, f"saved: {saved}")


def sealed_by_age(w):
    for size in (SMALL, SIZE):
        def send(space, plain=size):
            path = w.path("lone.age")
            subprocess.run(["age", "-r", space["key"].lower(), "-o", path, w.file("lone", plain)], check=True)
            answer = qrx.request("PUT", space["drop"].split("#")[0].lower() + "/lone.txt.age", body=read(path))
            qrx.check_equal(201, answer.status, "PUT")

        liar, space = kept(w, send=send)
        fetch(w, space["owner"], 0, ["lone.txt"])
        liar.lie(again)
        check_refused(fetch(w, space["owner"], 6, ["lone.txt"]).expect_event("refused"))


def running(w):
    """A receiver that goes on after one sealed delivery; its server and space."""
    liar = Liar(w)
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", liar.server.url, "-f", "-o", w.path(f"running{w.next_number()}/"))
    space = recv.expect_event("space")
    w.tool("qrx-send", "--no-progress", "-l", space["drop"], *sources(w)).expect_exit(0)
    recv.expect_event("delivered", files=2)
    return liar, space, recv


def killed(w):
    """What a run took before it was killed."""
    liar, space, recv = running(w)
    recv.kill()
    liar.lie(renamed)
    check_refused(fetch(w, space["owner"], 6, []).expect_event("refused"))


def interrupted(w):
    """With its space goes what was remembered of it."""
    _, space, recv = running(w)
    record = os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "recv", space["guid"] + ".seals")
    qrx.check(os.path.exists(record), "nothing is remembered while it runs")
    recv.signal(signal.SIGINT)
    recv.expect_exit(130)
    qrx.check(not os.path.exists(record), "what was remembered of a space that is gone")


def streamed(w):
    liar, space = kept(w)

    def stream(status):
        path = w.path(f"stream{w.next_number()}")
        with open(path, "wb") as sink:
            w.tool("qrx-recv", "--no-progress", "-o", "-", space["owner"], stdout=sink).expect_exit(status)
        return read(path)

    qrx.check_equal(SIZE + SMALL, len(stream(0)), "bytes streamed")
    liar.lie(item_alone)
    qrx.check_equal(SIZE + SMALL, len(stream(6)), "bytes streamed before the item that was shown again")
    liar.lie(renamed)
    qrx.check_equal(b"", stream(6), "streamed of what was shown again")


with qrx.work() as work:
    in_one_run(work)
    in_later_runs(work)
    one_item(work)
    sealed_by_age(work)
    killed(work)
    interrupted(work)
    streamed(work)
