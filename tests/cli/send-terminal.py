#!/usr/bin/python3
"""qrx-send at a terminal: progress, questions, hostile labels and names, ^C and the run that goes on."""
import os
import sys

import pexpect

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx


def start(*arguments, size=(24, 80)):
    env = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    child = pexpect.spawn(os.path.join(qrx.BIN, "qrx-send"), list(arguments), env=env, dimensions=size, encoding="utf-8", timeout=20)
    child.delaybeforesend = None
    return child


def ended(child):
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus


def test_progress_and_result(w, server):
    space = server.space(label="Ann\u202e\u001b[2J")
    big = w.file("big.bin", 2_000_000)
    child = start("-l", space.drop, "--limit-rate", "1M", big)
    child.expect("sending big.bin, 1.9 MiB to 'Ann(.*)' at 127.0.0.1")
    qrx.check_equal("\\u202e\\x1b[2J", child.match.group(1), "the label")
    child.expect(r"\rbig\.bin +\d+ %.*MiB")
    child.expect(r"[0-9a-f]{32}  big\.bin\r\n")
    child.expect("sent successfully\r\n")
    qrx.check_equal("", child.before, "between the result and the end")
    qrx.check_equal(0, ended(child), "exit status")


def test_narrow_window(w, server):
    space = server.space()
    child = start("-l", space.drop, w.file("small.bin", 900_000), "--limit-rate", "800K", size=(24, 39))
    child.expect("sending small.bin")
    child.expect(r"[0-9a-f]{32}  small\.bin")
    qrx.check("%" not in child.before, f"a progress line below 40 columns: {child.before!r}")
    qrx.check_equal(0, ended(child))


def test_interrupt_and_go_on(w, server):
    space = server.space()
    big = w.file("long.bin", 12_000_000, seed=2)
    child = start("-l", space.drop, "--limit-rate", "3M", big)
    child.expect(r"long\.bin +[3-9]\d %")
    child.sendintr()
    child.expect("interrupted")
    child.expect("run the same command again to resume")
    qrx.check_equal(130, ended(child), "exit status")
    again = w.tool("qrx-send", "--json", "-l", space.drop, big)
    again.expect_exit(0)
    qrx.check('"resumed":true' in "".join(again.out), "the second run began anew")
    answer = space.content(space.files()["long.bin"])
    qrx.check_equal(open(big, "rb").read(), answer.body, "content")


def test_question_about_far_hosts(w, server):
    # A code that leads out of the local network without TLS: 203.0.113.0/24 belongs to nobody.
    code = w.path("far.png")
    recv = w.tool("qrx-recv", "--bind", "127.0.0.1:0", "--public-url", "http://203.0.113.9", "--qr-file", code, "--json")
    recv.expect_event("space")
    qrx.wait_for(10, lambda: os.path.exists(code), "the picture of the code")
    small = w.file("x", 1)
    child = start("-i", code, small)
    child.expect(r"The code leads to http://203\.0\.113\.9.*\? \[y/N\] ")
    child.sendline("")
    child.expect("you said no")
    qrx.check_equal(4, ended(child), "exit status after a no")


with qrx.work() as work:
    one = work.server()
    for test in (test_progress_and_result, test_narrow_window, test_interrupt_and_go_on, test_question_about_far_hosts):
        try:
            test(work, one)
        except pexpect.ExceptionPexpect as problem:
            qrx.fail(f"{test.__name__}: {problem}")
        print(test.__name__, flush=True)
