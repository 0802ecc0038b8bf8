#!/usr/bin/python3
"""qrx-share --file at a terminal of 80x24: the whole code in one window, what it is about, what becomes of it, Ctrl-C."""
import os
import re
import socket
import sys
import urllib.parse

import pexpect

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from qrx import BIN, check, check_equal, request, work
from sharing import LINK

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def start(*arguments):
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    child = pexpect.spawn(os.path.join(BIN, "qrx-share"), ["-b", "127.0.0.1:0", *arguments], dimensions=(24, 80), encoding="utf-8", timeout=30,
                          env={**env, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"})
    child.delaybeforesend = None
    child.expect("Waiting for a download")
    return child, child.before


def ended(child, status):
    child.expect(pexpect.EOF)
    child.wait()
    check_equal(status, child.exitstatus, "exit status")
    return ESCAPES.sub("", child.before)


with work() as w:
    photo = w.file("photo.jpg", 700_000)
    child, screen = start("-f", photo)
    code = [line for line in screen.splitlines() if "\u2580" in line or "48;5;" in line]
    check(0 < len(code) <= 23, f"the code has {len(code)} rows, and one line stands below it")
    check(all(len(ESCAPES.sub("", line)) <= 80 for line in code), "a row of the code is wider than the window")
    # Beside the code, in lines as long as there is room.
    beside = " ".join(ESCAPES.sub("", screen).translate(dict.fromkeys(map(ord, "\u2580\u2584\u2588"))).split())
    check("Scan to download photo.jpg, 683.6 KiB; one download, until" in beside, beside)
    link = next(word for word in ESCAPES.sub("", screen).split() if LINK.match(word))
    os.mkdir(w.path("got"))
    w.start("qrx-recv", "-q", "-o", w.path("got") + "/", link).expect_exit(0)
    said = ended(child, 0)
    check("downloaded: photo.jpg, 683.6 KiB" in said, said)
    check("once of" not in said, "it says that it waits, and waits no more")
    check("link:anyone" not in screen + said, "a line for programs at a terminal")

    # How far the download is, and that it has stopped.
    large = w.file("large.bin", 40_000_000)
    child, screen = start("--seal", "off", "-f", large)
    link = next(word for word in ESCAPES.sub("", screen).split() if LINK.match(word))
    url = urllib.parse.urlsplit(link)
    shared = request("GET", link, headers={"Accept": "application/json"}).json()
    path = urllib.parse.urlsplit(shared["deliveries"][0]["files"][0]["url"]).path
    with socket.create_connection((url.hostname, url.port), timeout=20) as slow:
        slow.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode())
        taken = 0
        while taken < 20_000_000:
            taken += len(slow.recv(1 << 20))
        child.expect(r"Downloading  +(\d+) %  (\S+) of 38.1 MiB")
        child.expect(r"The download has stopped at (\d+) %; waiting")
        check(50 <= int(child.match.group(1)) < 100, child.match.group(0))
    os.mkdir(w.path("rest"))
    w.start("qrx-recv", "-q", "-o", w.path("rest") + "/", link).expect_exit(0)
    check("downloaded: large.bin" in ended(child, 0), "the end")

    child, screen = start("--no-qr", "-f", photo)
    check("\u2580" not in screen, "a code that nobody wanted")
    child.sendintr()
    check("stopped; the link no longer works" in ended(child, 130), child.before)
