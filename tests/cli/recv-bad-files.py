#!/usr/bin/python3
"""Files that cannot be saved or decrypted: they are named by the name that people know, the others of their delivery are saved,
and what looks encrypted is never saved as it came without a word."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def read(path):
    with open(path, "rb") as file:
        return file.read()


def shown(path):
    return sorted(name for name in os.listdir(path) if not name.startswith(".")) if os.path.isdir(path) else []


def one_is_in_the_way(w, server):
    """Refused because of its name: the other files are saved, it stays on the server and comes in a second run."""
    for sealed in (False, True):
        out = w.path(f"way-{sealed}/")
        os.mkdir(out)
        for name in ("b.txt", "large.bin"):
            with open(out + name, "w", encoding="utf-8") as file:
                file.write("mine")
        sent = [w.file("a.txt", 100), w.file("b.txt", 200), w.file("c.txt", 300), w.file("large.bin", 600_000)]
        recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "-o", out, "--on-conflict", "refuse")
        link = recv.expect_event("space")["drop"]
        w.tool("qrx-send", "-y", "-q", "-l", link if sealed else link.split("#")[0], *sent).expect_exit(0)
        recv.expect_exit(9)
        qrx.check_equal(["a.txt", "b.txt", "c.txt", "large.bin"], shown(out), "names")
        qrx.check(read(out + "a.txt") == read(sent[0]) and read(out + "c.txt") == read(sent[2]), "the others are saved")
        qrx.check(read(out + "b.txt") == read(out + "large.bin") == b"mine", "what was in the way")
        qrx.check("b.txt" in recv.err and "large.bin" in recv.err, f"both are named: {recv.err}")
        qrx.check(".age" not in recv.err, f"a name that only the server knows: {recv.err}")
        guid = [json.loads(line) for line in recv.out if '"unsaved"' in line][0]["guid"]
        again = w.tool("qrx-recv", "--json", "--no-progress", "--resume", guid, "-o", w.path(f"again-{sealed}/"))
        again.expect_exit(0)
        qrx.check_equal(["b.txt", "large.bin"], shown(w.path(f"again-{sealed}/")), "what the second run saves")


def damaged_front(w, server):
    """An age file whose first line was damaged on its way to curl."""
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "-o", w.path("front/"))
    drop = recv.expect_event("space")["drop"].split("#")[0].lower()
    body = b"age-encryptioN.org/v1\n-> X25519 abc\n" + b"x" * 500
    qrx.check_equal(201, qrx.request("PUT", f"{drop}/photo.jpg.age", body).status, "PUT")
    event = recv.expect_event("unopened")
    qrx.check(event["path"].endswith("photo.jpg.age"), f"{event}")
    recv.expect_exit(0)
    qrx.check("photo.jpg.age could not be decrypted and is saved as it came" in recv.err, recv.err)
    qrx.check(read(w.path("front/photo.jpg.age")) == body, "its bytes")


def sealed_file(w, key, content):
    return subprocess.run(["age", "-r", key], input=content, capture_output=True, check=True).stdout


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]


def damaged_and_required(w, server):
    """With --seal require what cannot be decrypted is never saved as it came: it is named, kept, and its sender is told so."""
    stranger = subprocess.run(["age-keygen", "-y"], input=subprocess.run(["age-keygen"], capture_output=True, check=True).stdout,
                              capture_output=True, check=True).stdout.decode().strip()
    plain = b"".join(qrx.noise(300_000))
    cases = (
        ("a flipped bit", lambda key: flipped(sealed_file(w, key, plain), -100_000)),
        ("a small one, too", lambda key: flipped(sealed_file(w, key, b"hello"), -3)),
        ("cut off", lambda key: sealed_file(w, key, plain)[:-70_000]),
        ("a damaged header", lambda key: (lambda s: flipped(s, s.index(b"\n--- ") + 9))(sealed_file(w, key, plain))),
        ("encrypted to another", lambda key: sealed_file(w, stranger, plain)),
    )
    for number, (what, make) in enumerate(cases):
        out = w.path(f"required{number}/")
        recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "--seal", "require", "-o", out)
        space = recv.expect_event("space")
        drop, key = space["drop"].lower().split("#")
        answer = qrx.request("PUT", f"{drop}/photo.jpg.age", make(key), {"Accept": "application/json"})
        qrx.check_equal(201, answer.status, what)
        recv.expect_exit(6)
        qrx.check("photo.jpg" in recv.err, f"{what}: it is named: {recv.err}")
        qrx.check_equal([], shown(out), f"{what}: saved")
        unsaved = [json.loads(line) for line in recv.out if '"unsaved"' in line]
        qrx.check_equal([(1, 1)], [(event["deliveries"], event["files"]) for event in unsaved], f"{what}: the event")
        qrx.check("kept on the server until" in recv.err, f"{what}: {recv.err}")
        at, token = space["owner"].replace("/s/", "/api/v1/spaces/").split("#")
        state = qrx.request("GET", at, headers={"Authorization": f"Bearer {token}"}).json()
        qrx.check_equal(1, len(state["deliveries"]), f"{what}: it stays on the server")
        status = qrx.request("GET", f"{drop}/deliveries/{state['deliveries'][0]['delivery']}").json()
        qrx.check_equal({"saved": 0, "declined": 0, "kept": 1, "missing": 0}, status["receipt"], f"{what}: what its sender is told")
        again = w.tool("qrx-recv", "--no-progress", "--resume", space["guid"], "--seal", "require", "-o", w.path(f"again{number}/"))
        again.expect_exit(6)
        qrx.check_equal([], shown(w.path(f"again{number}/")), f"{what}: a later run saves")
        as_it_is = w.tool("qrx-recv", "--no-progress", "--resume", space["guid"], "--seal", "off", "-o", w.path(f"off{number}/"))
        as_it_is.expect_exit(0)
        qrx.check(read(w.path(f"off{number}/photo.jpg.age")).startswith(b"age-encryption.org/v1\n"), f"{what}: as it came")


def many_warnings(w, server):
    """Whoever sends thousands of odd names fills no terminal with them; machines are told all."""
    names = [w.file(f"odd/.{number:02}.qrx-part", 1) for number in range(33)]
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "-n", "2", "-o", w.path("warned/"))
    drop = recv.expect_event("space")["drop"]
    w.tool("qrx-send", "-y", "-q", "-l", drop, *names).expect_exit(0)
    w.tool("qrx-send", "-y", "-q", "-l", drop, names[0]).expect_exit(0)
    recv.expect_exit(0)
    qrx.check_equal(20 + 1, recv.err.count("name changed"), "lines for people")
    qrx.check("13 more warnings about files are not shown" in recv.err, recv.err)
    qrx.check_equal(33 + 1, sum('"event":"renamed"' in line for line in recv.out), "events")


def link_without_key(w, server):
    """A share link that lost what follows its #."""
    keep = w.tool("qrx-recv", "--json", "--no-progress", "--keep", "-s", server.url, "-o", w.path("kept/"))
    space = keep.expect_event("space")
    w.tool("qrx-send", "-y", "-q", "-l", space["drop"], w.file("secret.txt", 100)).expect_exit(0)
    keep.expect_exit(0)
    token = space["owner"].split("#")[1]
    made = qrx.request("POST", f"{server.url}/api/v1/spaces/{space['guid']}/shares", json.dumps({"recipients": ["link:one"]}),
                       {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    qrx.check(made.status in (200, 201), f"{made!r}")
    link = find_link(made.json()).split("#")[0]
    for output in (w.path("bare/"), "-"):
        bare = w.tool("qrx-recv", "--no-progress", "-o", output, link)
        bare.expect_exit(6)
        qrx.check("came without its key" in bare.err and "--seal off" in bare.err, bare.err)
    qrx.check_equal([], shown(w.path("bare/")), "saved")
    as_it_is = w.tool("qrx-recv", "--no-progress", "--seal", "off", "-o", w.path("asked/"), link)
    as_it_is.expect_exit(0)
    qrx.check(all(read(w.path("asked/", name)).startswith(b"age-encryption.org/v1") for name in shown(w.path("asked/"))), "asked for")


def find_link(answer):
    """The link in the answer, wherever it stands."""
    for value in answer.values() if isinstance(answer, dict) else answer:
        if isinstance(value, str) and "/d/" in value:
            return value
        if isinstance(value, (dict, list)) and (found := find_link(value)):
            return found
    return None


with qrx.work() as work:
    one = work.server()
    for case in (one_is_in_the_way, damaged_front, damaged_and_required, many_warnings, link_without_key):
        try:
            case(work, one)
        except qrx.Failed as failure:
            qrx.fail(f"{case.__name__}: {failure}")
