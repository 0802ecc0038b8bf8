"""For tests of qrx-share: spaces that hold something and were kept on this machine, and what the tool says."""
import json
import os
import re
import subprocess

from qrx import BIN, check, check_equal, fail, wait_for

LINK = re.compile(r"^http://127\.0\.0\.1:\d+/d/[a-z2-7]{32}(#AGE-SECRET-KEY-1[0-9A-Z]{58})?$")


def keep_space(w, server, *files, seal="off", options=(), plain=False):
    """A space that qrx-recv opened with --keep, and that the files were sent to: its event "space". plain: sent unsealed."""
    number = w.next_number()
    receiver = w.start("qrx-recv", "--json", "--keep", "--seal", seal, "-s", server.url, "-o", w.path(f"kept-{number}") + "/", *options, name="qrx-recv")
    os.makedirs(w.path(f"kept-{number}"), exist_ok=True)
    space = receiver.expect_event("space")
    w.start("qrx-send", "-q", "-l", space["drop"].split("#")[0] if plain else space["drop"], *files, name="qrx-send").expect_exit(0)
    receiver.expect_exit(0)
    return space


class Said:
    """A run of qrx-share: its lines as (address, state, link), by address."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        self.lines = []
        for line in out.splitlines():
            parts = line.split("\t")
            check_equal(3, len(parts), f"columns of '{line}'")
            self.lines.append(tuple(parts))
        self.states = {to: state for to, state, _ in self.lines}
        self.links = {to: link for to, _, link in self.lines}


def share(*arguments, stdin=subprocess.DEVNULL, status=None, timeout=90, json_lines=False, text=None, cwd=None):
    done = subprocess.run([os.path.join(BIN, "qrx-share"), *arguments], stdin=None if text is not None else stdin, input=text, capture_output=True,
                          timeout=timeout, check=False, cwd=cwd, encoding="utf-8")
    if status is not None and done.returncode != status:
        fail(f"qrx-share {' '.join(arguments)} ended with {done.returncode} instead of {status}; stdout: {done.stdout[-800:]}; stderr: {done.stderr[-1500:]}")
    if json_lines:
        return [json.loads(line) for line in done.stdout.splitlines()]
    return Said(done.returncode, done.stdout, done.stderr)


def configure(text):
    """The user's configuration file."""
    directory = os.path.join(os.environ["XDG_CONFIG_HOME"], "qrx")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.toml"), "w", encoding="utf-8") as file:
        file.write(text)


def teller(w, name="tell", body=""):
    """A command for [notify.exec.NAME] that keeps what it was told, a line each, in NAME.told; `body` runs before that.
    Gives the path of what was told, and the lines for the configuration."""
    told = w.path(name + ".told")
    program = w.path(name + ".sh")
    with open(program, "w", encoding="ascii") as file:
        file.write(f'#!/bin/sh\nread -r notice\n{body}\nprintf "%s\\n" "$notice" >>"{told}"\n')
    os.chmod(program, 0o755)
    return told, f'[notify.exec.{name}]\ncommand = ["{program}"]\n'


def notices(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def wait_notices(path, count, seconds=30):
    wait_for(seconds, lambda: len(notices(path)) >= count, f"{count} notices in {path}")
    check_equal(count, len(notices(path)), "notices")
    return notices(path)


def no_secret_in_processes(secret):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                check(secret.encode() not in file.read(), f"the secret stands in the arguments of process {pid}")
        except OSError:
            continue
