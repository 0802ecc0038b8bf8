#!/usr/bin/python3
"""qrx-recv --json and qrx-send --json: each line an object with v and event, in the order that the manual promises."""
import hashlib
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx


def all_events(lines):
    events = [json.loads(line) for line in lines]
    for event in events:
        qrx.check_equal(1, event.get("v"), f"version of {event}")
        qrx.check(isinstance(event.get("event"), str), f"no event in {event}")
    return events


def test():
    with qrx.work() as w:
        server = w.server()
        photo = w.file("photo.jpg", 700_000)
        recv = w.tool("qrx-recv", "--json", "--sha256", "-s", server.url, "-o", w.path("in/"), "--label", "caf\u00e9")
        space = recv.expect_event("space")
        for member in ("guid", "drop", "owner", "expires", "server"):
            qrx.check(space[member], f"no {member} in {space}")
        qrx.check_equal("caf\u00e9", space["label"])
        send = w.tool("qrx-send", "--json", "--sha256", "-l", space["drop"], "-m", "line\nand \u202e", photo)
        send.expect_exit(0)
        recv.expect_exit(0)
        sha256 = hashlib.sha256(open(photo, "rb").read()).hexdigest()

        events = all_events(recv.out)
        names = [event["event"] for event in events]
        qrx.check_equal(["space", "saved", "delivered", "done"], [name for name in names if name != "receiving"])
        saved = next(event for event in events if event["event"] == "saved")
        qrx.check_equal(700_000, saved["size"])
        qrx.check_equal(sha256, saved["sha256"])
        qrx.check_equal(True, saved["sealed"])
        qrx.check_equal(w.path("in/photo.jpg"), saved["path"])
        for event in events:
            if event["event"] == "receiving":
                qrx.check(event["total"] is None or event["bytes"] <= event["total"], f"{event}")
        qrx.check_equal(1, events[-1]["files"])

        events = all_events(send.out)
        names = [event["event"] for event in events]
        qrx.check_equal(["start", "sent", "delivered", "done"], [name for name in names if name != "sending"])
        sent = next(event for event in events if event["event"] == "sent")
        qrx.check_equal(saved["xxh128"], sent["xxh128"])
        qrx.check_equal(sha256, sent["sha256"])
        totals = [event["bytes"] for event in events if event["event"] == "sending"]
        qrx.check_equal(sorted(totals), totals, "progress never goes back")

        # A failure is an event too, and the last one.
        failed = w.tool("qrx-recv", "--json", "-s", server.url, "-t", "1s")
        failed.expect_exit(8)
        last = all_events(failed.out)[-1]
        qrx.check_equal(("error", 8), (last["event"], last["exit"]))

        # A closed pipe ends it as SIGPIPE would, without a word.
        read, write = os.pipe()
        closed = w.tool("qrx-recv", "--json", "-q", "-s", server.url, stdout=write)
        os.close(write)
        os.close(read)
        closed.expect_exit(141)
        qrx.check("qrx-recv:" not in closed.err, f"it said: {closed.err}")


test()
