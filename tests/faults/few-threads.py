#!/usr/bin/python3
# run: timeout=240
"""qrx-serve where address space or tasks are short (prlimit --as, a container's pids limit): it says in one line why it cannot
serve and ends, or serves; it never burns a processor, aborts, or stays when it is told to end."""
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

STRANGER = 54321  # a user without any other process


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def answers(url):
    with contextlib.suppress(OSError):
        return qrx.request("GET", url + "/healthz", timeout=5).status == 200
    return False


def try_it(w, name, *prefix):
    """Whether it served."""
    # Where the stranger gets to; the script's own directory is for its user alone.
    with tempfile.TemporaryDirectory(prefix="qrx-few-", dir="/tmp") as data:
        if prefix[0] == "setpriv":
            os.chown(data, STRANGER, STRANGER)
        return serves(w, name, data, prefix)


def serves(w, name, data, prefix):
    server = w.start("qrx-serve", "--bind", "127.0.0.1:0", "--data", data, name=name, prefix=prefix)
    limit = time.monotonic() + 20
    while server.running() and not server.out and time.monotonic() < limit:
        time.sleep(0.05)
    if not server.out:
        code = server.wait(10)
        qrx.check(code > 0, f"{name}: ended by signal {-code}: {server.err}")
        lines = server.err.strip().splitlines()
        # What the loader of a program that does not even fit says is not ours.
        ours = [line for line in lines if line.startswith("qrx-serve: ")]
        qrx.check(len(ours) == 1 or "error while loading" in server.err, f"{name}: exit {code} and {lines}")
        print(f"{name}: {lines}")
        return False
    url = server.out[0].rstrip("/")
    before, began = cpu_seconds(server.pid), time.monotonic()
    up = any(answers(url) for _ in range(3))
    time.sleep(1.5)
    qrx.check(server.running(), f"{name}: it said that it serves, and ended: {server.err}")
    burnt = (cpu_seconds(server.pid) - before) / (time.monotonic() - began)
    qrx.check(burnt < 0.6, f"{name}: it burns {burnt:.0%} of a processor")
    qrx.check(up, f"{name}: it says that it serves, and does not answer: {server.err}")
    began = time.monotonic()
    server.signal(signal.SIGTERM)
    qrx.check_equal(0, server.wait(12), f"{name}: the end")
    qrx.check(time.monotonic() - began < 11, f"{name}: the end took {time.monotonic() - began:.1f} s")
    return True


def main():
    if qrx.is_sanitized():
        qrx.skip("sanitizers reserve terabytes of address space")
    with qrx.work() as w:
        served = [try_it(w, f"as-{megabytes}", "prlimit", f"--as={megabytes << 20}") for megabytes in (60, 120, 250, 500, 1000, 4000)]
        qrx.check(served[-1], "4 GB are not enough")
        if os.geteuid() != 0 or subprocess.run(["setpriv", "--version"], capture_output=True, check=False).returncode != 0:
            print("tasks: not tried, for that needs root")
            return
        me = ("setpriv", f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups", "env", "HOME=/nonexistent")
        served = [try_it(w, f"tasks-{tasks}", *me, "prlimit", f"--nproc={tasks}") for tasks in (1, 2, 3, 5, 8, 12, 64)]
        qrx.check(served[-1], "64 tasks are not enough")


if __name__ == "__main__":
    main()
