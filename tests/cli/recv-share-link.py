#!/usr/bin/python3
"""qrx-recv LINK with a share's link: saved and verified, resumed after a cut, sealed with and without the key, to stdout; and
links that were taken back, used up, or never were."""
import json
import os
import subprocess

from notices import Capture
from qrx import check, check_equal, wait_for, work
from sharing import keep_space, share


def content(path):
    with open(path, "rb") as file:
        return file.read()


with work() as w:
    server = w.server()
    big = w.file("big.bin", 30_000_000)
    small = w.file("tree/small.txt", 100, seed=2)
    keep_space(w, server, big, "tree")
    link = share("link:A", status=0).links["link:A"]

    # a tree, with sums
    os.mkdir("in")
    tool = w.start("qrx-recv", "--json", "--sha256", "-o", "in", link)
    tool.expect_exit(0)
    check(content("in/big.bin") == content(big) and content("in/tree/small.txt") == content(small), "what was saved")
    saved = [line for line in tool.out if '"saved"' in line]
    check_equal(2, len(saved))
    check(all("sha256" in line for line in saved), saved)
    check_equal("downloaded", share("--list", "link:A", status=0).states["link:A"])

    # by stdin, and to stdout
    done = subprocess.run(["qrx-recv", "-q", "-o", "-", "-"], input=link.encode(), stdout=subprocess.PIPE, timeout=60, check=True)
    check_equal(len(content(big)) + 100, len(done.stdout))

    # cut in the middle, again and again: it goes on, and the link for one download is used up by the one
    limited = share("-n", "1", "link:B", status=0).links["link:B"]
    way = w.bad_network(server, "--rate", "20000000")  # so slow that it is the middle for sure
    slow = limited.replace(server.url, way)
    os.mkdir("in2")

    def partial():
        return max([os.path.getsize(os.path.join("in2", name)) for name in os.listdir("in2") if name.endswith(".qrx-part")], default=0)

    had = 0
    for _ in range(3):
        tool = w.start("qrx-recv", "-q", "-o", "in2", slow)
        least = had + 4_000_000
        wait_for(30, lambda least=least, tool=tool: partial() > least or not tool.running(), "a partial that grows")
        check(tool.running(), f"it ended by itself: {tool.err}")
        tool.kill()
        check(not os.path.exists("in2/big.bin"), "half a file under its final name")
        had = partial()
        check(had > least, f"what was there got lost: {had} bytes of {least}")
    before = way.count("down")
    tool = w.start("qrx-recv", "-q", "-o", "in2", slow)
    tool.expect_exit(0, timeout=60)
    fetched = way.count("down") - before
    check(fetched < len(content(big)) - had + 500_000, f"it began anew: {fetched} bytes after {had}")
    check(content("in2/big.bin") == content(big) and content("in2/tree/small.txt") == content(small), "what was saved after kills")
    check_equal(["big.bin", "tree"], sorted(os.listdir("in2")))
    check_equal("downloaded", share("--list", "link:B", status=0).states["link:B"])
    os.mkdir("in3")
    again = w.start("qrx-recv", "-q", "-o", "in3", limited)
    again.expect_exit(5)
    check("download limit" in again.err, again.err)

    # sealed: with the key in the link, without it, with a broken one
    keep_space(w, server, small, seal="require")
    sealed = share("link:S", status=0).links["link:S"]
    check("#AGE-SECRET-KEY-1" in sealed, sealed)
    os.mkdir("in4")
    w.start("qrx-recv", "-q", "-o", "in4", sealed).expect_exit(0)
    check_equal(["small.txt"], os.listdir("in4"))
    check(content("in4/small.txt") == content(small), "what was opened")
    w.start("qrx-recv", "-q", "--seal", "require", "-o", "in4", sealed.split("#")[0]).expect_exit(2)
    os.mkdir("in5")
    keyless = w.start("qrx-recv", "-q", "-o", "in5", sealed.split("#")[0])
    keyless.expect_exit(6)
    check("came without its key" in keyless.err, keyless.err)
    check_equal([], os.listdir("in5"), "saved without a key")
    w.start("qrx-recv", "-q", "--seal", "off", "-o", "in5", sealed.split("#")[0]).expect_exit(0)
    check_equal(2, len(os.listdir("in5")), "as it is, when asked for: the file and the list")
    check(all(content(os.path.join("in5", name)) != content(small) for name in os.listdir("in5")), "opened without a key")
    broken = w.start("qrx-recv", "-q", "-o", "in5", sealed[:-1] + ("A" if sealed[-1] != "A" else "C"))
    broken.expect_exit(2)
    check(sealed.split("#")[1][:40] not in broken.err, "the key in a message")

    # taken back, unknown; what goes with a link of one's own only
    share("--revoke", "all", status=0)
    gone = w.start("qrx-recv", "-q", "-o", "in6", sealed)
    gone.expect_exit(5)
    check("revoked" in gone.err and not os.path.exists("in6"), gone.err)
    unknown = w.start("qrx-recv", "-q", "-o", "in6", server.url + "/d/" + "a" * 32)
    unknown.expect_exit(5)
    for option in (["-f"], ["-n", "2"], ["-t", "5s"], ["--keep"]):
        w.start("qrx-recv", "-q", *option, "-o", "in6", link).expect_exit(2)

    # a refusal that is longer than the file it was asked for is understood as one
    def refuse(handler):
        if handler.path.endswith("/files/" + "a" * 25 + "e"):
            body = json.dumps({"status": 410, "title": "expired", "detail": "this link has reached its download limit " + "x" * 300}).encode()
            handler.send_response(410)
            handler.send_header("Content-Type", "application/problem+json")
        else:
            body = json.dumps({"label": "", "expires": "2099-01-01T00:00:00Z", "downloads_left": 1, "deliveries": [
                {"delivery": "a" * 25 + "e", "committed": "2026-11-23T00:00:00Z", "files": [
                    {"file": "a" * 25 + "e", "name": "x", "size": 3, "type": "text/plain", "xxh128": "0" * 32, "sealed": False, "url": "/x"}]}]}).encode()
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with Capture(refuse) as fake:
        tool = w.start("qrx-recv", "-q", "-o", "in6", fake.url + "/d/" + "a" * 32)
        tool.expect_exit(5, timeout=20)
        check("download limit" in tool.err, tool.err)
