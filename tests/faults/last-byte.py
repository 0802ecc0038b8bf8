#!/usr/bin/python3
# run: timeout=240
"""The last byte of a file by a link for one download: the server has given it, which uses the link up, and it never arrives. The
receiver is killed in that moment, or its connection breaks. All is saved all the same, sealed or not, by this run or the next one."""
import filecmp
import os
import re
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import passing  # noqa: E402
import qrx  # noqa: E402
import sharing  # noqa: E402

RANGE = re.compile(rb"\r\nContent-Range: [^\r]*")


class Way(passing.AnswersPassing):
    """Passes on what comes, but for answers of one byte: after the first of each file on_last() is called, then both sides are closed."""

    def __init__(self, server, on_last):
        self.on_last, self.lost = on_last, set()
        super().__init__(server)

    def answer(self, head, length, take, client):
        which = RANGE.search(head)
        if length != 1 or not which or which.group() in self.lost:
            return super().answer(head, length, take, client)
        take(1)
        self.lost.add(which.group())
        self.on_last()
        return False


class Case:
    """A tree that is shared by a link for one download, and where it is saved."""

    def __init__(self, w, server, seal, name, files, in_the_way=False):
        """files: size by name. in_the_way: a file has the name of the tree, which gets a number."""
        self.w, self.server, self.tree, self.names = w, server, f"tree-{name}-{seal}", sorted(files)
        for number, (file, size) in enumerate(files.items()):
            w.file(f"{self.tree}/{file}", size, seed=number + 1)
        self.owner = self.put_there(seal)
        self.to = f"link:{name}-{seal}"
        self.link = self.share("-n", "1").links[self.to]
        self.out = w.path(f"out-{name}-{seal}")
        self.saved_as, self.others = self.tree, set()
        if in_the_way:
            self.saved_as, self.others = f"{self.tree} (1)", {w.file(f"out-{name}-{seal}/{self.tree}", 1)}

    def put_there(self, seal):
        """Gives the owner link of the space."""
        return sharing.keep_space(self.w, self.server, self.tree, seal=seal)["owner"]

    def share(self, *options):
        return sharing.share("--space", "-", *options, self.to, text=self.owner, status=0)

    def receive(self, url=None, out=None, prefix=(), options=()):
        os.makedirs(out or self.out, exist_ok=True)
        link = self.link.replace(self.server.url, url or self.server.url)
        return self.w.tool("qrx-recv", "-q", "-o", out or self.out, *options, link, prefix=prefix)

    def there(self, out=None):
        return {os.path.join(folder, name) for folder, _, names in os.walk(out or self.out) for name in names}

    def check(self, out=None):
        out = out or self.out
        _, other, missing = filecmp.cmpfiles(self.tree, os.path.join(out, self.saved_as), self.names, shallow=False)
        qrx.check(not other and not missing, f"{self.tree}: other {other}, missing {missing}")
        qrx.check_equal({os.path.join(out, self.saved_as, name) for name in self.names} | self.others, self.there(out), "what is there")
        qrx.check_equal("downloaded", self.share("--list").states[self.to], self.to)


class InPacks(Case):
    """The same, with small files sealed together: in a space whose receiver took packs, and was killed before it had them."""

    def put_there(self, seal):
        receiver = self.w.start("qrx-recv", "--json", "-s", self.server.url, "--seal", seal, name="qrx-recv")
        space = receiver.expect_event("space")
        receiver.kill()
        self.w.start("qrx-send", "-q", "-l", space["drop"], self.tree, name="qrx-send").expect_exit(0)
        return space["owner"]


def killed(case):
    """In the moment in which the last byte of a file was given. Once: of what is small and encrypted a run that is killed keeps
    nothing before that, and the server does not send it a third time."""
    run = []
    way = Way(case.server, lambda: os.kill(run[0].pid, signal.SIGKILL))
    run.append(case.receive(way.url))
    qrx.check_equal(-signal.SIGKILL, run[0].wait(), f"how it ended; {run[0].err}")
    last = case.receive()
    qrx.check(last.wait() in (0, 5), last.err)  # 5: the link is used up
    case.check()


def cut(case, items):
    way = Way(case.server, lambda: None)
    case.receive(way.url).expect_exit(0)
    qrx.check(len(way.lost) >= items, f"last bytes that were lost: {way.lost}")
    case.check()


def taken_by_another(case, stopped):
    """Somebody else takes the last download just before the last byte: what is here is not that download, and goes."""
    stopping = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=ftruncate:signal=STOP:when=1"]
    first = case.receive(prefix=stopping)
    qrx.wait_for(60, lambda: stopped(case), "all but the last byte")
    elsewhere = case.out + "-elsewhere"
    case.receive(out=elsewhere).expect_exit(0)
    case.check(elsewhere)
    os.killpg(first.pid, signal.SIGCONT)
    first.expect_exit(5)
    qrx.check_equal(set(), case.there(), "what is left of it")


def one_is_there(case):
    """An empty file that may not be overwritten does not keep the others from being saved."""
    there = case.w.file(f"{case.out}/{case.tree}/empty", 0)
    run = case.receive(options=("--on-conflict", "refuse"))
    run.expect_exit(9)
    qrx.check_equal({there, os.path.join(case.out, case.tree, "b")}, case.there(), "what is there")


with qrx.work() as work:
    server_ = work.server()
    for seal_ in ("require", "off"):
        killed(Case(work, server_, seal_, "one", {"a": 3_000_000}))
        killed(Case(work, server_, seal_, "small", {"a": 40_000, "b": 1, "c": 65_536}))
        killed(Case(work, server_, seal_, "chunks", {"a": 131_072, "b": 131_073, "empty": 0}))
        # The first of them is given and the second is not: the link still gives a list, but nothing of the first.
        killed(Case(work, server_, seal_, "numbered", {"a": 40_000, "b": 3_000_000}, in_the_way=True))
        one_is_there(Case(work, server_, seal_, "there", {"empty": 0, "b": 3_000_000}))
        cut(Case(work, server_, seal_, "cut", {"a": 100_000, "b": 3_000_000}), 2)
    many_ = {f"f{number:02}": number * 100 for number in range(40)}
    killed(InPacks(work, server_, "require", "packs", many_))
    killed(InPacks(work, server_, "require", "packs-numbered", {**many_, "large": 3_000_000}, in_the_way=True))
    cut(InPacks(work, server_, "require", "packs-cut", many_), 1)
    for seal_ in ("require", "off"):
        if shutil.which("strace") and not qrx.is_sanitized():
            taken_by_another(Case(work, server_, seal_, "other", {"a": 3_000_000}),
                             lambda case: 2_999_999 in map(os.path.getsize, case.there()))
    if shutil.which("strace") and not qrx.is_sanitized():
        # The first partial is there, and nothing is in it.
        taken_by_another(InPacks(work, server_, "require", "packs-other", many_), Case.there)
