#!/usr/bin/python3
"""all.zip: what unzip, bsdtar (also from a pipe) and python read of it; names, many entries, one that is cut."""
import hashlib
import io
import json
import os
import subprocess
import sys
import time
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx

NAMES = ["photo.jpg", "dir/b.txt", "dir/sub/c.bin", "empty", "\u4f60\u597d.txt", "sp ace.txt", "-rf", ".hidden", "con.txt", "what?:.txt",
         "trailing.", "e\u202egpj.exe", "x" * 250 + ".txt", "dir2/photo.jpg"]


def share(space, **wish):
    answer = qrx.request("POST", space.api_url + "/shares", json.dumps({"recipients": ["a@example.org"], **wish}), space.auth)
    qrx.check_equal(201, answer.status, f"sharing: {answer!r}")
    return answer.json()["shares"][0]


def put(space, name, body):
    answer = qrx.request("PUT", f"{space.upload_url}/{qrx.urllib.parse.quote(name)}", body)
    qrx.check_equal(201, answer.status, f"putting {name}: {answer!r}")


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, **more)
    qrx.check_equal(0, done.returncode, f"{' '.join(command)}: {done.stderr[-600:]!r} {done.stdout[-300:]!r}")
    return done.stdout


def tree(directory):
    out = {}
    for top, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(top, name)
            with open(path, "rb") as file:
                out[os.path.relpath(path, directory)] = hashlib.sha256(file.read()).hexdigest()
    return out


def names_and_contents(w, server):
    space = server.space()
    for number, name in enumerate(NAMES):
        put(space, name, b"" if name == "empty" else os.urandom(1000 + 300_000 * (number == 2)))
    for _ in range(3):
        put(space, "photo.jpg", os.urandom(100))  # twins
    put(space, "PHOTO.jpg", b"another case")
    put(space, "dir", b"a file called as a folder")
    put(space, "empty/in-a-file", b"a folder called as a file")
    sums = sorted(hashlib.sha256(space.content(f).body).hexdigest() for d in space.state()["deliveries"] for f in d["files"])
    one = share(space)
    answer = qrx.request("GET", one["link"] + "/all.zip")
    qrx.check_equal((200, "application/zip"), (answer.status, answer.header("Content-Type")), "all.zip")
    qrx.check_equal(len(answer.body), int(answer.header("Content-Length")), "Content-Length")
    qrx.check_equal(int(answer.header("Content-Length")), int(qrx.request("HEAD", one["link"] + "/all.zip").header("Content-Length")), "of HEAD")
    with open("all.zip", "wb") as file:
        file.write(answer.body)

    archive = zipfile.ZipFile("all.zip")
    qrx.check_equal(None, archive.testzip(), "python's test")
    names = archive.namelist()
    qrx.check_equal(len(NAMES) + 6, len(names), "entries")
    lower = [n.lower() for n in names]
    qrx.check_equal(len(names), len(set(lower)), f"names that are twins: {names}")
    for name in lower:
        qrx.check(not any(other.startswith(name + "/") for other in lower), f"{name} is a file and a folder")
        qrx.check(not name.startswith(("-", ".", "/")) and ".." not in name.split("/"), f"an unsafe name {name!r}")
        qrx.check(not any(c in name for c in '<>:"|?*\\\u202e'), f"a strange name {name!r}")
        qrx.check(all(len(part.encode()) <= 255 and part not in ("con.txt",) and not part.endswith(".") for part in name.split("/")), f"name {name!r}")
    qrx.check("\u4f60\u597d.txt" in names and "photo (2).jpg" in names, f"names: {names}")
    qrx.check(abs(time.time() - time.mktime((*archive.infolist()[0].date_time, 0, 0, 0)) - time.altzone) < 86400 * 2, "times")

    run("unzip", "-tq", "all.zip")
    run("unzip", "-q", "all.zip", "-d", "unzip")
    qrx.check_equal(sums, sorted(tree("unzip").values()), "what unzip made of it")
    os.makedirs("bsdtar")
    run("bsdtar", "-xf", "all.zip", "-C", "bsdtar")
    qrx.check_equal(tree("unzip"), tree("bsdtar"), "what bsdtar made of it")
    os.makedirs("piped")
    with open("all.zip", "rb") as file:
        run("bsdtar", "-xf", "-", "-C", "piped", input=file.read())
    qrx.check_equal(tree("unzip"), tree("piped"), "what bsdtar made of it from a pipe")
    state = qrx.request("GET", space.api_url + "/shares", headers=space.auth).json()["shares"][0]
    qrx.check_equal(("downloaded", 1), (state["state"], state["downloads"]), "the share")

    answer = run("curl", "-sS", "-OJ", "-X", "POST", "-w", "%{http_code}", one["link"] + "/all.zip", cwd="piped")
    qrx.check_equal(b"200", answer, "curl -OJ")
    qrx.check("all.zip" in os.listdir("piped"), "curl -OJ names it all.zip")


def pasted(w, server):
    """The link as it is, and what becomes of LINK#KEY/all.zip: curl asks for the link alone."""
    space = server.space()
    put(space, "a.txt", b"a")
    link = share(space)["link"]
    for number, url in enumerate((link, link + "#AGE-SECRET-KEY-1X/all.zip")):
        os.makedirs(f"pasted{number}")
        run("curl", "-fsS", "-OJ", url, cwd=f"pasted{number}")
        qrx.check_equal(["a.txt"], zipfile.ZipFile(f"pasted{number}/all.zip").namelist(), url)
    page = run("curl", "-fsS", "-H", "Accept: text/html", link)
    qrx.check(b"<html" in page, "a browser gets the page")
    # A limited one: looking costs nothing.
    limited = share(space, recipients=["b@example.org"], downloads=1)["link"]
    for _ in range(2):
        words = run("curl", "-fsS", limited).decode()
        qrx.check_equal(f"to download: curl -fOJ {limited}/all.zip\n", words, "what is said")
    os.makedirs("once")
    run(*words.split()[2:], "-sS", cwd="once")
    qrx.check("all.zip" in os.listdir("once"), "the line works")
    qrx.check_equal(410, qrx.request("GET", limited).status, "after it")


def empty(server):
    space = server.space()
    one = share(space)
    archive = zipfile.ZipFile(io.BytesIO(qrx.request("GET", one["link"] + "/all.zip").body))
    qrx.check_equal([], archive.namelist(), "of an empty space")


def limited(server):
    space = server.space()
    put(space, "a", b"a" * 100)
    put(space, "b", b"b" * 100)
    one = share(space, downloads=1)
    view = qrx.request("GET", one["link"], headers={"Accept": "application/json"}).json()
    qrx.check_equal(200, qrx.request("GET", view["deliveries"][0]["files"][0]["url"]).status, "one file")
    archive = zipfile.ZipFile(io.BytesIO(qrx.request("GET", one["link"] + "/all.zip").body))
    qrx.check_equal(["b"], archive.namelist(), "what can still be taken")
    qrx.check_equal(410, qrx.request("GET", one["link"] + "/all.zip").status, "once more")


def many_entries(w, server):
    """More than 65,535: ZIP64. They come in forms, each of as many parts as one may have."""
    count = 65_600
    space = server.space()
    parts = [f"--X\r\nContent-Disposition: form-data; name=f; filename={number}.txt\r\n\r\n{number}\r\n" for number in range(count)]
    most = 10_000
    for first in range(0, count, most):
        form = "".join(parts[first:first + most]) + "--X--\r\n"
        answer = qrx.request("POST", space.upload_url, form, {"Content-Type": "multipart/form-data; boundary=X"}, timeout=120)
        qrx.check_equal(201, answer.status, f"a form of many files: {answer.body[:300]!r}")
    one = share(space)
    run("curl", "-sSf", "-o", "many.zip", one["link"] + "/all.zip")
    archive = zipfile.ZipFile("many.zip")
    qrx.check_equal(count, len(archive.namelist()), "entries")
    for number in (0, 1, 65_535, 65_599):
        qrx.check_equal(str(number).encode(), archive.read(f"{number}.txt"), "an entry")
    run("unzip", "-tq", "many.zip")
    qrx.check_equal(count, len(run("bsdtar", "-tf", "many.zip").splitlines()), "bsdtar's entries")
    qrx.wait_for(100 if qrx.is_sanitized() else 20,
                 lambda: qrx.request("GET", space.api_url + "/shares", headers=space.auth).json()["shares"][0]["downloads"] == 1, "it counts")


def memory(w, server):
    """A client that takes it slowly costs the server a piece, not the archive."""
    def resident():
        with open(f"/proc/{server.pid}/status", encoding="ascii") as file:
            return int(next(line for line in file if line.startswith("VmRSS")).split()[1]) // 1024
    space = server.space()
    for number in range(4):
        put(space, f"{number}.bin", qrx.noise(64 << 20, number))
    one = share(space)
    before = resident()
    slow = [subprocess.Popen(["curl", "-sS", "--limit-rate", "1M", "-o", "/dev/null", one["link"] + "/all.zip"]) for _ in range(20)]
    time.sleep(1.5)
    grown = resident() - before
    for process in slow:
        process.kill()
        process.wait()
    most = 1000 if qrx.is_sanitized() else 60  # MiB; ASan keeps what was freed for a while
    qrx.check(grown < most, f"20 slow archives of 256 MiB cost {grown} MiB")
    print(f"20 slow archives: {grown} MiB more")


with qrx.work() as w:
    server = w.server("--durability", "relaxed")
    for part in (lambda: names_and_contents(w, server), lambda: pasted(w, server), lambda: empty(server), lambda: limited(server), lambda: memory(w, server),
                 lambda: many_entries(w, server)):
        begun = time.monotonic()
        part()
        print(f"{time.monotonic() - begun:.1f} s")
