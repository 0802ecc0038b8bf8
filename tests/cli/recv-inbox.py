#!/usr/bin/python3
# run: timeout=240
"""qrx-recv --inbox: the same code again and again, across restarts of both sides, made to last while it is used; posters;
--list, --show, --extend, --close, --delete."""
import calendar
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
from inboxes import care, inbox, listed, send, stop  # noqa: E402

DAY = 86400


def days_left(event):
    return (calendar.timegm(time.strptime(event["expires"], "%Y-%m-%dT%H:%M:%SZ")) - time.time()) / DAY


def lasts(w, server):
    """What is sent while nobody receives waits, and nothing is saved twice; whatever is started anew."""
    first = inbox(w, "home", "-s", server.url)
    space = first.expect_event("space")
    qrx.check_equal("home", space["inbox"], "inbox")
    qrx.check_equal("home", space["label"], "label")
    qrx.check(364 < days_left(space) < 366, f"a year: {space}")
    send(w, space["drop"], w.file("a.bin", 1000))
    qrx.check_equal("a.bin", os.path.basename(first.expect_event("saved")["path"]))
    first.expect_event("delivered")
    # a second run at the same time would save everything twice
    second = inbox(w, "home")
    second.expect_exit(75)
    qrx.check("in use by another qrx-recv" in second.err, second.err)
    stop(first)
    qrx.check("waits in the inbox" in first.err, first.err)

    send(w, space["drop"], w.file("b.bin", 300_000))
    server.kill()
    server = server.restart()
    again = inbox(w, "home")  # its server is known
    qrx.check_equal(space["drop"], again.expect_event("space")["drop"], "the code")
    qrx.check_equal("b.bin", os.path.basename(again.expect_event("saved")["path"]), "what was sent meanwhile")
    again.expect_event("delivered")
    again.kill()
    killed = inbox(w, "home", "-n", "1")
    qrx.check_equal(space["drop"], killed.expect_event("space")["drop"], "the code")
    send(w, space["drop"], w.file("c.bin", 3))
    killed.expect_event("saved")
    killed.expect_exit(0)
    qrx.check_equal(["a.bin", "b.bin", "c.bin"], sorted(os.listdir(w.path("in"))), "saved once each")
    return server, space


def wrong_use(w, server):
    for arguments, word in ((["--inbox", "home", "-b", "127.0.0.1:0"], "is for the built-in server: the inbox home is on " + server.url),
                            (["--close", "--show", "home"], "no code to show"), (["--inbox", "../x", "-s", server.url], "letters"), (["--inbox", "", "--list"], ""),
                            (["--inbox", "home", "--label", "other"], "--label is for a new inbox"),
                            (["--inbox", "home", "-s", "http://127.0.0.1:9"], "is on " + server.url),
                            (["--list", "--show"], "nothing else"), (["--delete"], "which one"),
                            (["--delete", "--close", "home"], "leaves nothing"),
                            (["--poster", "x.gif", "--inbox", "home"], "neither in .pdf")):
        if word:
            done = care(*arguments, status=2)
            qrx.check(word in done.stderr, f"{arguments}: {done.stderr}")
    done = care("--show", "nowhere", status=5)
    qrx.check("no inbox or kept space 'nowhere'" in done.stderr, done.stderr)


def poster(w, space):
    for name in ("p.pdf", "p.svg", "p.png"):
        shown = care("--show", "home", "--poster", w.path(name), "--qr-file", w.path("code.svg"))
        qrx.check_equal(space["drop"] + "\n", shown.stdout, "the link")
    with open(w.path("p.pdf"), "rb") as file:
        qrx.check(file.read(5) == b"%PDF-", "no PDF")
    subprocess.run(["rsvg-convert", "-w", "1200", "-o", w.path("drawn.png"), w.path("p.svg")], check=True)
    for picture in ("p.png", "drawn.png"):
        found = subprocess.run([os.path.join(qrx.BIN, "qrx-send"), "-i", w.path(picture), "--scan-only"], capture_output=True, text=True, check=False)
        qrx.check_equal(space["drop"] + "\n", found.stdout, f"the code on {picture}: {found.stderr}")


def looked_after(w, server, space):
    kept = listed()["home"]
    qrx.check_equal(("open", 0, space["drop"]), (kept["state"], kept["deliveries"], kept["drop"]), kept)
    columns = care("--list").stdout.splitlines()[0].split("\t")
    qrx.check_equal(("home", "open", server.url), (columns[0], columns[1], columns[4]), columns)
    care("--extend", "30d", "home")
    qrx.check(29 < days_left(listed()["home"]) < 31, listed())
    # by its GUID, and by its owner's link
    care("--extend", "20d", space["guid"])
    done = subprocess.run([os.path.join(qrx.BIN, "qrx-recv"), "--extend", "40d", "-"], input=space["owner"] + "\n", capture_output=True, text=True, check=False)
    qrx.check_equal(0, done.returncode, done.stderr)
    qrx.check(39 < days_left(listed()["home"]) < 41, listed())
    care("--close", "home")
    qrx.check_equal("closed", listed()["home"]["state"])
    # Longer or shorter, it stays closed, and that is said.
    extended = care("--extend", "35d", "home")
    qrx.check("home takes no more files; what is there stays until " in extended.stderr and "(it was until " in extended.stderr, extended.stderr)
    send(w, space["drop"], w.file("d.bin", 4), status=4)
    shown = care("--show", "home", status=5)
    qrx.check("home is closed" in shown.stderr, shown.stderr)
    qrx.check_equal("", shown.stdout, "the link of a closed one")
    closed = inbox(w, "home")
    closed.expect_event("space")
    qrx.check("was closed" in closed.err and space["drop"] not in closed.err, closed.err)
    stop(closed)
    key = os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "identities", space["guid"] + ".key")
    os.rename(key, key + ".away")
    lost = inbox(w, "home")
    lost.expect_exit(1)
    qrx.check("the secret key of the inbox home" in lost.err, lost.err)
    os.rename(key + ".away", key)
    deleted = care("--delete", "home")
    qrx.check("deleted: home" in deleted.stderr, deleted.stderr)
    qrx.check_equal({}, listed())
    for directory in ("spaces", "identities", "recv"):
        left = [name for name in os.listdir(os.path.join(os.environ["XDG_STATE_HOME"], "qrx", directory)) if space["guid"] in name]
        qrx.check_equal([], left, directory)
    send(w, space["drop"], w.path("d.bin"), status=5)


def blobs(server):
    return [name for _, _, names in os.walk(os.path.join(server.data, "blobs")) for name in names]


def makes_room(w):
    """What is saved goes from the server, once its sender was told; what a link shares stays until that ends."""
    server = w.server("--max-expire", "0", data=w.path("room"))
    receiver = inbox(w, "room", "-s", server.url, "--max-size", "400K")
    space = receiver.expect_event("space")
    for name in ("r1.bin", "r2.bin", "r3.bin"):
        sender = w.tool("qrx-send", "-q", "-y", "-l", space["drop"], "--wait=60", w.file(name, 300_000))
        sender.expect_exit(0)
        receiver.expect_event("delivered")
        qrx.wait_for(30, lambda: listed()["room"]["deliveries"] == 0, "room")
    w.tool("qrx-send", "-q", "-y", "-l", space["drop"], "--text", "see you").expect_exit(0)
    receiver.expect_event("delivered")
    qrx.wait_for(30, lambda: listed()["room"]["deliveries"] == 0, "the text is gone")
    stop(receiver)
    qrx.wait_for(20, lambda: not blobs(server), "nothing is left")
    record = os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "recv", space["guid"] + ".saved")
    qrx.check(os.path.getsize(record) > 300, "what was done is remembered")

    # Left on the server, as by a run that was killed after it had saved it.
    keeping = inbox(w, "room", "--keep")
    keeping.expect_event("space")
    send(w, space["drop"], w.file("r4.bin", 300_000))
    keeping.expect_event("delivered")
    stop(keeping)
    qrx.check_equal(1, listed()["room"]["deliveries"], "--keep")
    shared = subprocess.run([os.path.join(qrx.BIN, "qrx-share"), "--space", space["guid"], "link:Bob"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    again = inbox(w, "room")
    again.expect_event("space")
    qrx.wait_for(30, lambda: "a link shares" in again.err, "a word why it stays")
    send(w, space["drop"], w.file("r5.bin", 1000))  # one after the other: both stay
    again.expect_event("delivered")
    qrx.check_equal(2, listed()["room"]["deliveries"], "shared")
    subprocess.run([os.path.join(qrx.BIN, "qrx-recv"), "-q", "-o", w.path("fetched") + "/", "-"], input=shared.stdout.split()[-1] + "\n", capture_output=True, text=True, check=True)
    qrx.check_equal(["r4.bin", "r5.bin"], sorted(os.listdir(w.path("fetched"))), "by the link")
    subprocess.run([os.path.join(qrx.BIN, "qrx-share"), "--space", space["guid"], "--revoke", "all"], stdin=subprocess.DEVNULL, check=True)
    qrx.wait_for(30, lambda: listed()["room"]["deliveries"] == 0, "nobody needs it any more")
    stop(again)
    qrx.wait_for(20, lambda: not blobs(server), "nothing is left")
    qrx.check_equal(1, again.err.count("a link shares"), again.err)
    last = inbox(w, "room", "-t", "1s")
    last.expect_exit(8)
    qrx.check_equal(0, os.path.getsize(record), "what is gone for good needs no remembering")
    qrx.check_equal(5, len([name for name in os.listdir(w.path("in")) if name.startswith("r")]), "saved once each")
    care("--delete", "room")


def goes(w, server):
    """One that its server does not have any more is not replaced behind one's back: its code hangs on a wall."""
    receiver = inbox(w, "wall", "-s", server.url)
    space = receiver.expect_event("space")
    stop(receiver)
    answer = qrx.request("DELETE", f"{server.url}/api/v1/spaces/{space['guid']}", headers={"Authorization": "Bearer " + space["owner"].split("#")[1]})
    qrx.check_equal(204, answer.status)
    receiver = inbox(w, "wall")
    receiver.expect_exit(5)
    qrx.check("--delete 'wall'" in receiver.err, receiver.err)
    qrx.check_equal("gone", listed()["wall"]["state"])
    care("--delete", "wall")
    receiver = inbox(w, "wall", "-s", server.url)
    qrx.check(receiver.expect_event("space")["drop"] != space["drop"], "another code")
    stop(receiver)
    care("--delete", "wall")


def over(w):
    """One that has expired says so, and no code of it is shown."""
    server = w.server(data=w.path("over"))
    receiver = inbox(w, "over", "-s", server.url, "-e", "2s", "-n", "1", "-t", "1s")
    space = receiver.expect_event("space")
    receiver.expect_exit(8)
    qrx.wait_for(20, lambda: listed()["over"]["state"] == "expired", "its end")
    for name in ("over", space["guid"]):
        shown = care("--show", name, "--poster", w.path("over.pdf"), status=5)
        qrx.check("over expired: it was open until " in shown.stderr, shown.stderr)
        qrx.check_equal("", shown.stdout, "the link of an expired one")
    qrx.check(not os.path.exists(w.path("over.pdf")), "a poster of an expired one")
    server.kill()  # without it, this machine's own record says as much
    qrx.check_equal("unreachable", listed()["over"]["state"])
    qrx.check("over expired" in care("--show", "over", status=5).stderr, "without its server")
    care("--delete", "over", status=75)
    server = server.restart()
    care("--delete", "over")


def limited(w):
    """A server that allows less: as long as it allows, again and again."""
    server = w.server("--max-expire", "40s", "--expire", "40s", data=w.path("short"))
    receiver = inbox(w, "short", "-s", server.url)
    qrx.wait_for(20, lambda: "the server allows less time" in receiver.err, "a word that it is not a year")
    return server, receiver, receiver.expect_event("space")


def main():
    with qrx.work() as w:
        os.makedirs(w.path("in"))
        _, receiver, short = limited(w)
        server = w.server("--max-expire", "0")
        server, space = lasts(w, server)
        wrong_use(w, server)
        poster(w, space)
        # meanwhile the other has made its inbox last longer, half-way before its end
        qrx.wait_for(60, lambda: listed()["short"]["expires"] > short["expires"], "an extension")
        stop(receiver)
        care("--delete", "short")
        looked_after(w, server, space)
        makes_room(w)
        goes(w, server)
        over(w)


main()
