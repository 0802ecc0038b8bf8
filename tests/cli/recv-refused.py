#!/usr/bin/python3
"""A delivery that is at fault does not end a receiver that waits for others too: it says so, goes on, and tells by its exit code."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def put(drop, path, name):
    """As curl -T does it."""
    with open(path, "rb") as file:
        answer = qrx.request("PUT", drop.split("#")[0].lower() + "/" + name, body=file.read())
    qrx.check_equal(201, answer.status, f"PUT {name}")


def tampered(w, key):
    """Sealed to the key, one bit of the last tag flipped."""
    path = w.path("bad.age")
    subprocess.run(["age", "-r", key.lower(), "-o", path, w.file("plain", 1000)], check=True)
    with open(path, "r+b") as file:
        file.seek(-1, os.SEEK_END)
        last = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last[0] ^ 1]))
    return path


def follows(w):
    server = w.server(data=w.path(f"data{w.next_number()}"))
    out = w.path("followed/")
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "-n", "2", "-o", out)
    space = recv.expect_event("space")
    good = w.file("good.bin", 300_000, seed=5)
    put(space["drop"], good, "first.bin")
    recv.expect_event("delivered", files=1)
    put(space["drop"], tampered(w, space["key"]), "bad.txt.age")
    refused = recv.expect_event("refused")
    qrx.check_equal(6, refused["exit"], "the refusal's exit code")
    put(space["drop"], good, "second.bin")
    recv.expect_event("delivered", files=1)
    done = recv.expect_event("done")
    qrx.check_equal((2, 1), (done["deliveries"], done["refused"]), "deliveries and refusals")
    recv.expect_exit(6)
    qrx.check_equal(["first.bin", "second.bin"], sorted(os.listdir(out)), "saved")
    qrx.check("kept on the server" in recv.err, "it does not say where the refused delivery is")

    # The owner's link fetches what can be had of it, and says the same.
    again = w.path("again/")
    link = w.tool("qrx-recv", "--no-progress", "-o", again, space["owner"])
    link.expect_exit(6)
    qrx.check_equal(["first.bin", "second.bin"], sorted(os.listdir(again)), "saved again")


def waits_for_one(w):
    server = w.server(data=w.path(f"data{w.next_number()}"))
    out = w.path("one/")
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "-o", out)
    space = recv.expect_event("space")
    put(space["drop"], tampered(w, space["key"]), "bad.txt.age")
    recv.expect_exit(6)
    qrx.check_equal([], [name for name in os.listdir(out) if not name.startswith(".")], "saved")


def one_name(w):
    """Two files for one name end nothing either."""
    server = w.server(data=w.path(f"data{w.next_number()}"))
    out = w.file("name.bin", 1)  # where nothing is, several deliveries make a directory
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "-n", "2", "-o", out, "--on-conflict", "overwrite")
    space = recv.expect_event("space")
    files = [w.file(f"{name}.bin", 1000, seed=n) for n, name in enumerate("ab")]
    w.tool("qrx-send", "--no-progress", "-l", space["drop"], *files).expect_exit(0)
    qrx.check_equal(2, recv.expect_event("refused")["exit"], "the refusal's exit code")
    for path in files:
        w.tool("qrx-send", "--no-progress", "-l", space["drop"], path).expect_exit(0)
    recv.expect_exit(2)
    with open(out, "rb") as got, open(files[1], "rb") as wanted:
        qrx.check_equal(wanted.read(), got.read(), "the file under the one name")


with qrx.work() as work:
    follows(work)
    waits_for_one(work)
    one_name(work)
