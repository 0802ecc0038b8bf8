#!/usr/bin/python3
"""qrx-share --watch: lines for a pipe, a table for a terminal; it ends when everyone has downloaded, or its time is up."""
import pexpect

from qrx import check, check_equal, request, work
from sharing import keep_space, share

with work() as w:
    server = w.server()
    keep_space(w, server, w.file("a.bin", 100_000))
    links = share("link:A", "link:B", "link:C", "link:D", status=0).links

    # lines
    watch = w.start("qrx-share", "--watch", "link:A", "link:B", "link:C", "link:D", name="watch")
    for _ in range(4):
        check_equal("sent", watch.next_line().split("\t")[1])
    w.start("qrx-recv", "-q", "-o", w.path("got"), links["link:A"]).expect_exit(0)
    seen = []
    while "downloaded" not in seen:
        to, state, link = watch.next_line().split("\t")
        check_equal(("link:A", links["link:A"]), (to, link))
        seen.append(state)
    share("--revoke", "link:D", status=0)
    check_equal(["link:D", "revoked"], watch.next_line().split("\t")[:2])
    check(watch.running(), "it ended too early")

    # looking changes nothing
    for method in ("GET", "HEAD"):
        request(method, links["link:B"], headers={"User-Agent": "Slackbot-LinkExpanding 1.0"})
    check_equal("sent", share("--list", "link:B", status=0).states["link:B"])

    # a terminal: a table that is drawn over itself
    terminal = pexpect.spawn("qrx-share", ["--watch"], dimensions=(24, 80), encoding="utf-8", timeout=20)
    terminal.expect("1 of 4 have downloaded")
    w.start("qrx-recv", "-q", "-o", w.path("got-b"), links["link:B"]).expect_exit(0)
    terminal.expect("2 of 4 have downloaded")
    check("\x1b[5A" in terminal.before + terminal.after or "\x1b[" in terminal.before, "nothing was drawn over")
    w.start("qrx-recv", "-q", "-o", w.path("got-c"), links["link:C"]).expect_exit(0)
    terminal.expect("3 of 4 have downloaded")
    terminal.expect(pexpect.EOF)
    terminal.close()
    check_equal(0, terminal.exitstatus)
    watch.expect_exit(0)
    check_equal(["downloaded"], [line.split("\t")[1] for line in watch.out if line.startswith("link:C")][-1:])

    # all have: it ends at once; somebody has not: in time; ended by ^C; events
    check_equal(0, share("--watch", "link:A", "link:B", status=0, timeout=10).status)
    share("link:E", status=0)
    said = share("--watch", "-t", "1s", status=8)
    check("not everyone" in said.err, said.err)
    ended = w.start("qrx-share", "--watch", "--json", "link:E", name="ended")
    ended.expect_event("share", to="link:E", state="sent")
    ended.signal(2)
    ended.expect_exit(130)
    many = w.start("qrx-share", "--watch", "--json", "link:E", "link:F", name="many")
    many.expect_event("share", to="link:F")
    for name in ("link:E", "link:F"):
        link = share("--list", name, status=0).links[name]
        w.start("qrx-recv", "-q", "-o", w.path("got-" + name[-1]), link).expect_exit(0)
    many.expect_event("share", to="link:F", state="downloaded", downloads=1)
    check_equal(0, many.expect_event("done")["failed"])
    many.expect_exit(0)
