#!/usr/bin/python3
# run: timeout=180
"""A server that exchanges, cuts, lengthens, empties or changes what lies on its disk: qrx-recv ends with 6 and saves nothing of it."""
import base64
import os
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

MARK = b"age-encryption.org/v1\n"


def read(path):
    with open(path, "rb") as file:
        return file.read()


def blobs(data):
    found = []
    for top, _, names in os.walk(data):
        for name in names:
            path = os.path.join(top, name)
            if "catalog" not in name and read(path)[:len(MARK)] == MARK:
                found.append(path)
    return found


def write(path, content):
    os.chmod(path, 0o600)
    with open(path, "wb") as file:
        file.write(content)


def exchange(paths):
    one, two = paths
    first = read(one)
    write(one, read(two))
    write(two, first)


def change(edit):
    return lambda paths: [write(path, edit(read(path))) for path in paths]


def flip(at):
    def edit(content):
        where = at if at >= 0 else len(content) + at
        return content[:where] + bytes([content[where] ^ 1]) + content[where + 1:]
    return edit


def reorder(content):
    front, chunk = 184, 65536 + 16
    return content[:front] + content[front + chunk:front + 2 * chunk] + content[front:front + chunk] + content[front + 2 * chunk:]


SIZE = 400_000
WAYS = {
    "exchanged": exchange,
    "a bit of the first chunk": change(flip(5000)),
    "a bit of the header": change(flip(100)),
    "a bit of the last tag": change(flip(-1)),
    "chunks in another order": change(reorder),
    "the last chunk gone": change(lambda content: content[:184 + 6 * 65552]),
    "a chunk left out": change(lambda content: content[:184 + 65552] + content[184 + 2 * 65552:]),
}


def forge_catalog(data, paths):
    """A server that lies well: its sums and sizes are those of what it holds now."""
    tops = ((top, name) for top, _, names in os.walk(data) for name in names)
    catalog = next(os.path.join(top, name) for top, name in tops if read(os.path.join(top, name))[:15] == b"SQLite format 3")
    with sqlite3.connect(catalog) as base:
        for file, blob, size in base.execute("SELECT file, blob, size FROM files").fetchall():
            if size < SIZE:
                continue
            name = base64.b32encode(blob).decode().rstrip("=").lower()
            path = next((p for p in paths if name in p.lower().replace("/", "")), None)
            qrx.check(path, f"no blob {name} among {paths}")
            total = subprocess.run(["xxh128sum", path], check=True, capture_output=True, text=True).stdout.split()[0]
            base.execute("UPDATE files SET size = ?, xxh128 = ? WHERE file = ?", (os.path.getsize(path), bytes.fromhex(total), file))


def one(w, way, lie):
    server = w.server(data=w.path(f"data{w.next_number()}"))
    label = f"{way}, {'sums changed too' if lie else 'sums left'}"
    files = [w.file(f"{n}/{n}.bin", SIZE, seed=n) for n in (1, 2)]
    first = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "-o", w.path(f"got{w.next_number()}/"), "--keep")
    space = first.expect_event("space")
    w.tool("qrx-send", "--no-progress", "-l", space["drop"], *files).expect_exit(0)
    first.expect_exit(0)
    server.terminate()
    large = [path for path in blobs(server.data) if os.path.getsize(path) > SIZE]
    qrx.check_equal(2, len(large), f"{label}: sealed blobs")
    WAYS[way](large)
    if lie:
        forge_catalog(server.data, large)
    server = server.restart()
    link = space["owner"].replace(space["server"], server.url)
    out = w.path(f"out{w.next_number()}/")
    recv = w.tool("qrx-recv", "--no-progress", "-o", out, link)
    recv.expect_exit(6)
    qrx.check_equal([], recv.out, f"{label}: paths told")
    qrx.check_equal([], [name for name in os.listdir(out) if not name.startswith(".")], f"{label}: saved")
    stream = w.path(f"stream{w.next_number()}")
    with open(stream, "wb") as sink:
        w.tool("qrx-recv", "--no-progress", "-o", "-", link, stdout=sink).expect_exit(6)
    got = read(stream)
    if lie and way != "exchanged":
        qrx.check(any(read(path).startswith(got) for path in files) and len(got) % 65536 == 0, f"{label}: {len(got)} bytes that were not verified")
    server.terminate()


with qrx.work() as work:
    for way_ in WAYS:
        for lie_ in (False, True):
            try:
                one(work, way_, lie_)
            except qrx.Failed as failure:
                qrx.fail(f"{way_} {lie_}: {failure}")
