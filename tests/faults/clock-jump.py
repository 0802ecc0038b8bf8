#!/usr/bin/python3
"""The wall clock jumps by days under a running server: nothing that lives is deleted, sweep says so and ends with 75; when the
clock is right again, sweeping goes on. Waiting receivers are answered in time all the while: they go by the steady clock."""
import glob
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def main():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        qrx.skip("libfaketime is not installed")
    if qrx.is_sanitized():
        qrx.skip("a sanitizer's library must be the first to be loaded")
    with qrx.work() as w:
        offset = w.path("offset")

        def shift(text):
            # In one step: the server may read it at any time.
            with open(offset + ".new", "w", encoding="ascii") as file:
                file.write(text + "\n")
            os.replace(offset + ".new", offset)

        shift("+0")
        faked = {"LD_PRELOAD": found[0], "FAKETIME_TIMESTAMP_FILE": offset, "FAKETIME_NO_CACHE": "1",
                 "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}
        server = w.server("--create-rate", "0", env=faked)

        def sweep():
            return subprocess.run([os.path.join(qrx.BIN, "qrx-serve"), "sweep", "--data", server.data], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=30, check=False)

        day = server.space(expire=86_400)
        week = server.space(expire=7 * 86_400)
        content = next(qrx.noise(100_000))
        for space in (day, week):
            qrx.check_equal(201, qrx.request("PUT", space.upload_url + "/file", content).status, "PUT")
        qrx.check_equal(0, sweep().returncode, "sweep by a right clock")

        for jump in ("+3d", "-30d", "+400d"):
            shift(jump)
            done = sweep()
            qrx.check_equal(75, done.returncode, f"sweep after a jump of {jump}: {done.stderr}")
            qrx.check("clock jumped" in done.stderr, f"sweep does not say why: {done.stderr!r}")
            qrx.check_equal(200, qrx.request("GET", server.url + "/healthz").status, f"/healthz after a jump of {jump}")

        # A waiting receiver's time is not the wall's.
        shift("+0")
        seq = day.state()["seq"]
        began = time.monotonic()
        answers = []
        waiter = threading.Thread(target=lambda: answers.append(day.get(f"?after={seq}&wait=2").status))
        waiter.start()
        time.sleep(0.5)
        shift("-2h")
        waiter.join()
        took = time.monotonic() - began
        qrx.check_equal([200], answers, "a wait through a jump")
        qrx.check(1.5 < took < 10, f"a wait of 2 s through a jump back took {took:.1f} s")

        shift("+0")
        qrx.check_equal(0, sweep().returncode, "sweep when the clock is right again")
        for space in (day, week):
            file = space.files()["file"]
            qrx.check(space.content(file).body == content, "a file did not survive the jumps")


if __name__ == "__main__":
    main()
