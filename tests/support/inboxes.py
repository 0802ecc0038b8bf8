"""Inboxes for test scripts: qrx-recv --inbox, and what looks after kept spaces. from inboxes import care, inbox, listed, send, stop"""
import json
import os
import signal
import subprocess

import qrx


def inbox(w, name, *options):
    """A receiver that saves into "in"."""
    return w.tool("qrx-recv", "--json", "--inbox", name, "-o", w.path("in") + "/", *options)


def stop(receiver):
    receiver.signal(signal.SIGINT)
    receiver.expect_exit(130)


def send(w, drop, *files, status=0):
    sender = w.tool("qrx-send", "-q", "-y", "-l", drop, *files)
    sender.expect_exit(status)
    return sender


def care(*arguments, status=0):
    done = subprocess.run([os.path.join(qrx.BIN, "qrx-recv"), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=60)
    qrx.check_equal(status, done.returncode, f"qrx-recv {arguments}: {done.stdout} {done.stderr}")
    return done


def listed():
    return {line["inbox"]: line for line in map(json.loads, care("--list", "--json").stdout.splitlines())}
