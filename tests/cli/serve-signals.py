#!/usr/bin/python3
"""Signals: those that the server knows do what the manual says, no other ends it, and after any of them SIGTERM does."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def main():
    with qrx.work() as w:
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
