#!/usr/bin/python3
# run: timeout=240
"""A text, or the message beside files, by a link for one download: the server has given it, which uses the link up, and it is not
shown yet when the receiver is killed. The next run shows it all the same; nobody else gets it."""
import contextlib
import glob
import os
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import passing  # noqa: E402
import qrx  # noqa: E402
import sharing  # noqa: E402

USED_UP = 5


class UsesUp(passing.AnswersPassing):
    """Does not pass on what uses the link up, and calls on_last() instead: the last byte of a file, or a file as a whole; but for the
    first ones, `passed` of them."""

    def __init__(self, server, on_last, passed):
        self.on_last, self.passed = on_last, passed
        super().__init__(server)

    def answer(self, head, length, take, client):
        last = head.startswith(b"HTTP/1.1 206") and length == 1
        whole = head.startswith(b"HTTP/1.1 200") and b"\r\nQrx-" in head and b"application/json" not in head
        self.passed -= last or whole
        if (not last and not whole) or self.passed >= 0:
            return super().answer(head, length, take, client)
        take(length)
        self.on_last()
        return False


class Shared:
    def __init__(self, w, server, name, seal, text, files=()):
        self.w, self.server, self.text = w, server, text
        self.state = os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "recv")
        number = w.next_number()
        receiver = w.start("qrx-recv", "--json", "--keep", "--seal", seal, "-s", server.url, "-o", w.path(f"kept-{number}") + "/", name="qrx-recv")
        drop = receiver.expect_event("space")["drop"]
        w.start("qrx-send", "-q", "-l", drop, "-m" if files else "-T", text, *files, name="qrx-send").expect_exit(0)
        receiver.expect_exit(0)
        self.to = f"link:{name}-{seal}"
        self.link = sharing.share("-n", "1", self.to, status=0).links[self.to]
        self.out = w.path(f"out-{name}-{seal}")

    def receive(self, url=None, out=None, stdout=None, env=None):
        out = out or self.out
        if not out.endswith(".txt") and out != "-":
            os.makedirs(out, exist_ok=True)
        link = self.link.replace(self.server.url, url or self.server.url)
        return self.w.tool("qrx-recv", "-o", out, link, stdout=stdout, env=env)

    def killed(self, out=None, passed=0):
        run = []
        way = UsesUp(self.server, lambda: os.kill(run[0].pid, signal.SIGKILL), passed)
        run.append(self.receive(way.url, out))
        qrx.check_equal(-signal.SIGKILL, run[0].wait(), f"how it ended; {run[0].err}")

    def shown_again(self, out=None):
        last = self.receive(out=out)
        qrx.check_equal(USED_UP, last.wait(), f"the link is used up; {last.err}")
        return last

    def nothing_left(self):
        stranger = self.receive(out=self.w.path(f"stranger-{self.w.next_number()}"), env={"XDG_STATE_HOME": self.w.path("stranger")})
        stranger.expect_exit(USED_UP)
        qrx.check_equal([], stranger.out, "what a stranger gets")
        again = self.shown_again()
        qrx.check_equal([], again.out, "what comes once more")
        qrx.check_equal([], glob.glob(os.path.join(self.state, "*.list")), "lists that are kept")
        qrx.check_equal("downloaded", sharing.share("--list", self.to, status=0).states[self.to], self.to)


def text_is_shown(shared):
    shared.killed()
    qrx.check_equal(shared.text.split("\n"), shared.shown_again().out, "the text")
    shared.nothing_left()


def text_is_saved(shared):
    """As the one file that is wanted."""
    file = shared.out + ".txt"
    shared.killed(file)
    qrx.check_equal([file], shared.shown_again(file).out, "what was saved")
    with open(file, encoding="utf-8") as saved:
        qrx.check_equal(shared.text, saved.read(), "the file")
    shared.nothing_left()


def text_is_streamed(shared):
    shared.killed("-")
    qrx.check_equal(shared.text.split("\n"), shared.shown_again("-").out, "the stream")
    shared.nothing_left()


def killed_while_it_writes(shared):
    """stdout takes nothing more, and the link is used up."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writing, b"x" * 4096):
            pass
    os.set_blocking(writing, True)
    run = shared.receive(stdout=writing)
    os.close(writing)
    qrx.wait_for(30, lambda: sharing.share("--list", shared.to, status=0).states[shared.to] == "downloaded", "a link that is used up")
    run.kill()
    os.close(reading)
    qrx.check_equal(shared.text.split("\n"), shared.shown_again().out, "the text")
    shared.nothing_left()


def nobody_reads(shared):
    """stdout is closed: the text is nowhere, and stays."""
    reading, writing = os.pipe()
    os.close(reading)
    run = shared.receive(stdout=writing)
    os.close(writing)
    qrx.check(run.wait() != 0, "a run whose output failed")
    qrx.check_equal(shared.text.split("\n"), shared.shown_again().out, "the text")
    shared.nothing_left()


def key_is_missing(shared):
    shared.killed()
    whole, shared.link = shared.link, shared.link.split("#")[0]
    run = shared.shown_again()
    qrx.check("came without its key" in run.err, run.err)
    qrx.check_equal([], run.out, "what is shown without the key")
    for file in glob.glob(os.path.join(shared.state, "**"), recursive=True):
        if os.path.isfile(file):
            with open(file, "rb") as kept:
                qrx.check(shared.text.encode() not in kept.read(), f"{file} has the text in clear")
    shared.link = whole
    qrx.check_equal(shared.text.split("\n"), shared.shown_again().out, "the text")
    shared.nothing_left()


def message_beside_a_file(shared):
    """The file is there, but for its last byte, and the message was not shown yet."""
    shared.killed(passed=1 if shared.to.endswith("-require") else 0)  # the list
    last = shared.shown_again()
    qrx.check(shared.text in last.err, f"no message in {last.err}")
    qrx.check_equal(1, len(last.out), f"what was saved: {last.out}")
    shared.nothing_left()


with qrx.work() as work:
    server_ = work.server()
    text_ = "the first line,\nand a second one: "
    text_is_shown(Shared(work, server_, "shown", "require", text_ + "shown"))
    text_is_shown(Shared(work, server_, "long", "require", text_ + "long " * 3000))
    text_is_saved(Shared(work, server_, "saved", "require", text_ + "saved"))
    text_is_streamed(Shared(work, server_, "streamed", "require", text_ + "streamed"))
    killed_while_it_writes(Shared(work, server_, "blocked", "require", text_ + "blocked"))
    nobody_reads(Shared(work, server_, "closed", "require", text_ + "closed"))
    key_is_missing(Shared(work, server_, "locked", "require", text_ + "locked"))
    for seal_ in ("require", "off"):
        message_beside_a_file(Shared(work, server_, "beside", seal_, "what it is", [work.file("a", 30_000)]))
