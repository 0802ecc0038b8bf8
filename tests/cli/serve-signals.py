#!/usr/bin/python3
"""Signals: those that the server knows do what the manual says, no other ends it, and after any of them SIGTERM does."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def while_starting(w):
    """A start may take long (here it waits for a pipe that nobody writes into), and is ended at once all the same."""
    os.mkfifo(w.path("tokens"), 0o600)
    for number in (signal.SIGTERM, signal.SIGINT):
        tool = w.tool("qrx-serve", "-b", "127.0.0.1:0", "-D", w.path("starting"), "--create", "token", "--token-file", w.path("tokens"))
        qrx.wait_for(10, lambda: "SigBlk" in status_of(tool) and blocks(tool, number), "signals are taken")
        began = time.monotonic()
        tool.popen.send_signal(number)
        tool.expect_exit(0)
        qrx.check(time.monotonic() - began < 5, "the end of a server that starts took too long")


def status_of(tool):
    try:
        with open(f"/proc/{tool.popen.pid}/status", encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def blocks(tool, number):
    line = next(one for one in status_of(tool).splitlines() if one.startswith("SigBlk"))
    return int(line.split()[1], 16) >> (number - 1) & 1


def main():
    with qrx.work() as w:
        while_starting(w)
        server = w.server()
        others = ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PWR", "STKFLT", "PIPE", "XFSZ", "WINCH", "CHLD", "URG", "CONT", "HUP"]
        for name in others + [signal.SIGRTMIN, signal.SIGRTMAX]:
            number = getattr(signal, "SIG" + name) if isinstance(name, str) else name
            for _ in range(3):
                server.signal(number)
            time.sleep(0.05)
            qrx.check(server.popen.poll() is None, f"signal {name} ended the server")
            qrx.check_equal(200, qrx.request("GET", server.url + "/healthz").status, f"after signal {name}")
        began = time.monotonic()
        qrx.check_equal(0, server.terminate(timeout=12), "exit status")
        qrx.check(time.monotonic() - began < 10, "SIGTERM took too long after other signals")


if __name__ == "__main__":
    main()
