#!/usr/bin/python3
"""`qrx-recv --json --keep | qrx-share --space - --to-file team.txt` as one line, with a server and with qrx-recv's own; and
what else may come through that pipe."""
import json
import os
import signal
import subprocess

from qrx import check, check_equal, request, wait_for, work
from sharing import LINK, configure, notices, share, teller

with work() as w:
    server = w.server()
    told, table = teller(w)
    configure(table)
    with open("team.txt", "w", encoding="utf-8") as file:
        file.write("exec:tell:alice\nexec:tell:bob  # too\n")
    photo = w.file("photo.jpg", 50_000)

    def pipeline(line, name):
        """Starts it; gives the process and its drop link."""
        errors = w.path(name + ".err")
        with open(errors, "wb") as err:
            process = subprocess.Popen(["bash", "-o", "pipefail", "-c", line], stdout=subprocess.PIPE, stderr=err, stdin=subprocess.DEVNULL, text=True,
                                       start_new_session=True)
        return process, errors

    def drop_of(tee):
        def find():
            if os.path.exists(tee):
                with open(tee, encoding="utf-8") as file:
                    line = file.readline()
                return json.loads(line)["drop"] if line.endswith("\n") else None
            return None
        return wait_for(20, find, "the drop link")

    process, errors = pipeline(f"qrx-recv --json --keep -s {server.url} -o in | tee events | qrx-share --space - --to-file team.txt", "one")
    w.start("qrx-send", "-q", "-l", drop_of("events"), photo).expect_exit(0)
    out, _ = process.communicate(timeout=60)
    with open(errors, encoding="utf-8") as file:
        check_equal(0, process.returncode, "exit of the pipeline: " + file.read())
    lines = [line.split("\t") for line in out.splitlines()]
    check_equal([["exec:tell:alice", "sent"], ["exec:tell:bob", "sent"]], [line[:2] for line in lines], out)
    check(all(LINK.match(line[2]) and "#AGE-SECRET-KEY-1" in line[2] for line in lines), "links with the key of what was sealed")
    check_equal({"alice": lines[0][2], "bob": lines[1][2]}, {n["to"]: n["link"] for n in notices(told)}, "what was told")
    w.start("qrx-recv", "-q", "-o", "got", lines[0][2]).expect_exit(0)
    with open("got", "rb") as ours, open(photo, "rb") as theirs:
        check(ours.read() == theirs.read(), "what came by the link")

    # a link that the caller delivers, as a code: in the terminal and as a picture
    by_hand = w.start("qrx-share", "--qr", "--qr-file", "bob.png", "link:Bob")
    by_hand.expect_exit(0)
    link = by_hand.out[0].split("\t")[2]
    read = subprocess.run(["qrx-send", "--scan-only", "--any", "-i", "bob.png"], capture_output=True, text=True, check=True).stdout.strip()
    check_equal(link.lower(), read.lower(), "the link in the picture")
    check("The link for link:Bob" in by_hand.err and "\u2588" in by_hand.err, by_hand.err)
    check("sharing 1 file, " in by_hand.err and " encrypted, of space " in by_hand.err, by_hand.err)

    # the own server of qrx-recv goes on until ^C; sharing does not wait for that
    os.unlink("events")
    process, errors = pipeline("qrx-recv --json --keep -b 127.0.0.1:0 -o in2 | tee events | qrx-share --space - --watch exec:tell:carol", "own")
    w.start("qrx-send", "-q", "-l", drop_of("events"), photo).expect_exit(0)
    first = process.stdout.readline().rstrip("\n").split("\t")
    check_equal(["exec:tell:carol", "sent"], first[:2])
    w.start("qrx-recv", "-q", "-o", "got2", first[2]).expect_exit(0)
    states = [first[1]]
    while states[-1] != "downloaded":
        line = process.stdout.readline()
        check(line, f"the end before 'downloaded': {states}")
        states.append(line.split("\t")[1])
    os.killpg(process.pid, signal.SIGINT)
    process.wait(20)
    process.stdout.close()

    # every delivery of one that follows: links once, nobody told twice
    os.unlink("events")
    before = len(notices(told))
    process, errors = pipeline(f"qrx-recv --json --keep -n 2 -s {server.url} -o in3/ | tee events | qrx-share --space - exec:tell:dora", "two")
    drop = drop_of("events")
    w.start("qrx-send", "-q", "-l", drop, photo).expect_exit(0)
    wait_for(20, lambda: len(notices(told)) == before + 1, "the notice")
    w.start("qrx-send", "-q", "-l", drop, w.file("second.bin", 100)).expect_exit(0)
    out, _ = process.communicate(timeout=60)
    check_equal(0, process.returncode)
    check_equal(1, len(out.splitlines()), out)
    check_equal(before + 1, len(notices(told)), "notices")
    link = out.split("\t")[2].split("#")[0].strip()
    check_equal(2, len(request("GET", link, headers={"Accept": "application/json"}).json()["deliveries"]), "deliveries behind the link")

    # what else comes through the pipe
    for text, status, words in (("", 2, "neither"), ("\n", 2, "neither"), ("http://evil.example/\n", 2, ""), ('{"v":1,"event":"space"}\n', 2, "owner"),
                                ('{"v":1,"event":"delivered"}\n', 2, "before"), ("{broken\n", 2, "events"), ('{"v":1,"event":"error","message":"x"}\n', 1, "nothing was delivered"),
                                ("x" * 2_000_000, 2, "")):
        said = share("--space", "-", "link:X", text=text)
        check(said.status == status and words in said.err and not said.out, f"{text[:40]!r}: {said.status} {said.err}")
