#!/usr/bin/python3
"""qrx-share --file: what is handed out arrives as it was, as often as it may; then, and after Ctrl-C, nothing of it is left."""
import os
import signal
import socket
import subprocess
import urllib.parse

from qrx import check, check_equal, request, wait_for, work
from sharing import LINK, share



def read(path):
    with open(path, "rb") as file:
        return file.read()


def hand_out(w, *arguments, stdin=None):
    """A run of qrx-share --file, and its share when that can be downloaded."""
    run = w.start("qrx-share", "--json", "-b", "127.0.0.1:0", *arguments, name="share", stdin=stdin)
    row = run.expect_event("share")
    check_equal("sent", row["state"])
    return run, row


def fetch(w, link, status=0):
    directory = w.path(f"got-{w.next_number()}")
    os.makedirs(directory)
    w.start("qrx-recv", "-q", "-o", directory + "/", link).expect_exit(status)
    return directory


def files_of(directory):
    return sorted(os.path.relpath(os.path.join(top, name), directory) for top, _, names in os.walk(directory) for name in names)


def left_over():
    base = os.path.join(os.environ["XDG_STATE_HOME"], "qrx")
    return [name for name in os.listdir(base) if name.startswith(("own-", "run-"))] if os.path.isdir(base) else []


def check_gone(link):
    url = urllib.parse.urlsplit(link)
    try:
        socket.create_connection((url.hostname, url.port), timeout=5).close()
    except OSError:
        return
    check(False, f"something still listens at {url.netloc}")


with work() as w:
    photo = w.file("photo.jpg", 2_500_000)

    # one file, sealed: once, then everything is gone, but for the user's own file
    run, row = hand_out(w, "-f", photo)
    check(LINK.match(row["link"]) and "#AGE-SECRET-KEY-1" in row["link"], row["link"])
    check_equal(("link:anyone", 1, 0), (row["to"], row["limit"], row["downloads"]))
    got = fetch(w, row["link"])
    check_equal(["photo.jpg"], files_of(got))
    check(read(photo) == read(got + "/photo.jpg"), "the bytes differ")
    run.expect_event("share", state="downloaded", downloads=1)
    check_equal(0, run.expect_event("done")["failed"])
    run.expect_exit(0)
    check_gone(row["link"])
    check_equal([], left_over(), "directories that are left")
    check_equal(2_500_000, os.path.getsize(photo))

    # with -p whether it may be run, too
    script = w.file("run.sh", 20)
    os.chmod(script, 0o755)
    for options, executable in (((), False), (("-p",), True)):
        run, row = hand_out(w, "-f", script, *options)
        got = fetch(w, row["link"])
        check_equal(executable, os.access(got + "/run.sh", os.X_OK), f"{options}: may be run")
        run.expect_exit(0)

    # the code's text, in upper case, is the same link
    run, row = hand_out(w, "-f", photo, "--qr-file", w.path("code.png"))
    wait_for(10, lambda: os.path.exists(w.path("code.png")), "the picture of the code")
    text = subprocess.run(["qrx-send", "--scan-only", "--any", "-i", w.path("code.png")], capture_output=True, text=True, check=True).stdout.strip()
    origin, token = row["link"].split("#")[0].rsplit("/", 1)
    check_equal(row["link"].split("#")[1], text.split("#")[1])
    check_equal((origin + "/" + token).upper(), text.split("#")[0])
    got = fetch(w, text)
    check(read(photo) == read(got + "/photo.jpg"), "the bytes differ")
    run.expect_exit(0)

    # a tree and a file, twice; and stdin under a name
    for name in ("tree/a.txt", "tree/deep/b.bin"):
        w.file(name, 40_000, seed=len(name))
    run, row = hand_out(w, "-f", w.path("tree"), "-f", photo, "-n", "2")
    check_equal(2, row["limit"])
    for _ in range(2):
        got = fetch(w, row["link"])
        check_equal(["photo.jpg", "tree/a.txt", "tree/deep/b.bin"], files_of(got))
        check(read(w.path("tree/deep/b.bin")) == read(got + "/tree/deep/b.bin"), "the bytes differ")
    run.expect_exit(0)
    with open(photo, "rb") as stdin:
        run, row = hand_out(w, "-f", "-", "--name", "from-a-pipe.jpg", stdin=stdin)
    got = fetch(w, row["link"])
    check(read(photo) == read(got + "/from-a-pipe.jpg"), "the bytes differ")
    run.expect_exit(0)

    # not sealed: curl alone; a download that was cut does not count, and the next one is whole
    run, row = hand_out(w, "-f", photo, "--seal", "off")
    check("#" not in row["link"], row["link"])
    url = urllib.parse.urlsplit(row["link"])
    shared = request("GET", row["link"], headers={"Accept": "application/json"}).json()
    path = urllib.parse.urlsplit(shared["deliveries"][0]["files"][0]["url"]).path
    with socket.create_connection((url.hostname, url.port), timeout=20) as cut:
        cut.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
        check(cut.recv(1000).startswith(b"HTTP/1.1 200"), "no download begins")
    wait_for(20, lambda: request("GET", row["link"], headers={"Accept": "application/json"}).json()["downloads_left"] == 1, "one download left")
    check(run.running(), "a download that was cut ended it")
    done = subprocess.run(["curl", "-sfJ", "-o", w.path("whole.jpg"), f"{url.scheme}://{url.netloc}{path}"], check=False)
    check_equal(0, done.returncode, "curl")
    check(read(photo) == read(w.path("whole.jpg")), "the bytes differ")
    run.expect_exit(0)

    # how far a download is: told while it lasts, and no more once it was cut
    large = w.file("large.bin", 100_000_000)  # more than sockets hold
    run, row = hand_out(w, "-f", large, "--seal", "off")
    url = urllib.parse.urlsplit(row["link"])
    shared = request("GET", row["link"], headers={"Accept": "application/json"}).json()
    path = urllib.parse.urlsplit(shared["deliveries"][0]["files"][0]["url"]).path
    with socket.create_connection((url.hostname, url.port), timeout=20) as slow:
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
        taken, last = 0, 0
        while taken < 20_000_000:
            taken += len(slow.recv(1 << 20))
        while last < taken:
            far = run.expect_event("fetching")
            check_equal(100_000_000, far["total"])
            check(last <= far["bytes"] <= 100_000_000, f"from {last} to {far}")
            last = far["bytes"]
    check_equal("link:anyone", far["to"])
    fetch(w, row["link"])
    run.expect_event("share", state="downloaded", downloads=1)
    run.expect_exit(0)

    # unlimited by a number that is not used up: out of time
    run, row = hand_out(w, "-f", photo, "-n", "3", "-t", "2s")
    fetch(w, row["link"])
    run.expect_event("share", downloads=1)
    check_equal(8, run.expect_event("error")["exit"])
    run.expect_exit(8)
    run, row = hand_out(w, "-f", photo, "-e", "1s")
    run.expect_exit(8)
    check_gone(row["link"])

    # Ctrl-C takes the link back
    run, row = hand_out(w, "-f", photo)
    run.signal(signal.SIGINT)
    run.expect_exit(130)
    check("the link no longer works" in run.err, run.err)
    check_gone(row["link"])
    check_equal([], left_over(), "directories that are left")

    # killed: the next tool clears what is left of it, and nobody takes it for something to save
    run, row = hand_out(w, "-f", photo)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    wait_for(20, lambda: left_over() != [], "the directory of the run")
    def cleared():
        said = subprocess.run(["qrx-send", "-l", "http://127.0.0.1:1/u/" + "a" * 26, photo], capture_output=True, text=True, check=False).stderr
        check("earlier run" not in said, said)
        return left_over() == []
    wait_for(20, cleared, "nothing left of the killed run")

    # the built-in server dies
    run, row = hand_out(w, "-f", photo)
    children = subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, text=True, check=True).stdout.split()
    os.kill(int(children[0]), signal.SIGKILL)
    run.expect_exit(1)
    check("stopped unexpectedly" in run.err, run.err)

    # nothing is begun for what cannot be read, nor for options that do not fit
    check("none" in share("-f", w.path("none"), status=1).err, "which file it is")
    for wrong in (["--name", "x", "link:A"], ["-f", photo, "--list"], ["-f", photo, "--space", "-"], ["-f", photo, "--qr-file", "x.jpg"],
                  ["-f", photo, "--qr-file", "x.png", "link:A", "link:B"], ["-f", "-", "--to-file", "-"], ["-f", photo, "-s", "http://127.0.0.1:1", "-b", ":0"]):
        share(*wrong, status=2)
    for names in ([photo], ["-f", photo, photo]):
        check("hint: it is a file here: to share it, put -f before it" in share(*names, status=2).err, names)
    check("qrx-share -f FILE" in share(status=2).err, "what to do")

    # recipients by name, each once, of the built-in server: it ends when both have it
    run, row = hand_out(w, "-f", photo, "-n", "1", "link:A", "link:B")
    other = run.expect_event("share", to="link:B")
    for link in (row["link"], other["link"]):
        check(read(fetch(w, link) + "/photo.jpg") == read(photo), "the bytes differ")
    run.expect_exit(0)

    # on a named server: without recipients the space is deleted at the end, with some it lasts and can be taken back
    server = w.server()
    run = w.start("qrx-share", "--json", "-s", server.url, "-f", photo)
    space = run.expect_event("space")
    row = run.expect_event("share")
    fetch(w, row["link"])
    run.expect_exit(0)
    check_equal(404, request("GET", row["link"].split("#")[0]).status)
    said = share("-s", server.url, "-f", photo, "link:A", status=0)
    fetch(w, said.links["link:A"])
    check_equal("downloaded", share("--list", status=0).states["link:A"])
    share("--revoke", "all", status=0)
    check_equal(410, request("GET", said.links["link:A"].split("#")[0]).status)
    run = w.start("qrx-share", "--json", "-s", server.url, "-f", photo)
    row = run.expect_event("share")
    run.signal(signal.SIGTERM)
    run.expect_exit(143)
    check_equal(404, request("GET", row["link"].split("#")[0]).status)
