#!/usr/bin/python3
# run: timeout=120
"""A space whose room is held by what another sender has not finished: who comes second waits and gets in when the first has
gone. What is delivered stands in the way for good, and nobody waits for it."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
import tus  # noqa: E402

ROOM, HELD, WANTED = 1_000_000, 800_000, 500_000


class Holder:
    """Has sent most of a file that takes all the room but a little."""

    def __init__(self, server, space):
        self.url = tus.location(server.url, tus.create(space.upload_url, HELD + 1, "held.bin"))
        qrx.check_equal(204, tus.patch(self.url, 0, b"h" * HELD).status, "what holds the room")

    def gives_up(self):
        qrx.check_equal(204, qrx.request("DELETE", self.url, headers=tus.VERSION).status, "the first gives up")

    def finishes(self):
        qrx.check_equal(204, tus.patch(self.url, HELD, b"h").status, "the first is done")


def waits_and_gets_in(w, server, *what):
    space = server.space(max_size=ROOM)
    holder = Holder(server, space)
    sender = w.tool("qrx-send", "--no-progress", "-y", "-l", space.drop, "--seal", "off", *what)
    qrx.wait_for(30, lambda: "; retrying" in sender.err, "it waits")
    qrx.check("try again in a minute" in sender.err, f"why: {sender.err}")
    qrx.check(sender.running() and space.files() == {}, "nothing is delivered")
    holder.gives_up()
    sender.expect_exit(0)
    qrx.check_equal(len(what), len(space.files()), "files")


def waits_in_vain(w, server, file):
    """The first delivers: by then the second can never fit, and is told so."""
    space = server.space(max_size=ROOM)
    holder = Holder(server, space)
    sender = w.tool("qrx-send", "--no-progress", "-y", "-l", space.drop, "--seal", "off", file)
    qrx.wait_for(30, lambda: "; retrying" in sender.err, "it waits")
    holder.finishes()
    sender.expect_exit(4)
    qrx.check(f"at most {ROOM} bytes" in sender.err, f"why: {sender.err}")
    w.tool("qrx-send", "--no-progress", "-y", "-l", space.drop, "--seal", "off", file).expect_exit(4)  # before a byte is sent


def other_clients(w, server, file):
    space = server.space(max_size=ROOM)
    holder = Holder(server, space)
    said = subprocess.run(["curl", "-sS", "--max-time", "30", "-i", "-T", file, space.upload_url + "/"], capture_output=True, text=True,
                          check=True).stdout
    qrx.check(" 503" in said and "Retry-After: 5\n" in said and "try again in a minute\n" in said, f"curl is told: {said}")
    answer = tus.create(space.upload_url, WANTED)
    qrx.check_equal((503, "5"), (answer.status, answer.header("Retry-After")), "tus")
    answer = tus.create(space.upload_url, ROOM + 1)
    qrx.check_equal((413, None), (answer.status, answer.header("Retry-After")), "what can never fit")

    with open(w.path("curl.err"), "wb") as err:
        curl = subprocess.Popen(["curl", "--no-progress-meter", "--fail-with-body", "--retry", "5", "--max-time", "60", "-T", file,
                                 space.upload_url + "/"], stdout=subprocess.DEVNULL, stderr=err)
    told = lambda: open(w.path("curl.err"), encoding="utf-8").read()
    qrx.wait_for(30, lambda: "Will retry" in told(), "curl --retry waits")
    holder.gives_up()
    qrx.check_equal(0, curl.wait(60), f"curl --retry: {told()}")
    qrx.check_equal([os.path.basename(file)], list(space.files()), "files")


def main():
    with qrx.work() as w:
        server = w.server()
        large = w.file("large.bin", WANTED)
        waits_and_gets_in(w, server, large)
        waits_and_gets_in(w, server, *(w.file(f"small-{n}.bin", 100_000, seed=n) for n in range(3)))
        waits_in_vain(w, server, large)
        other_clients(w, server, large)


if __name__ == "__main__":
    main()
