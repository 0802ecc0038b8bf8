#!/usr/bin/python3
# run: timeout=180
"""What a sender was told is there, and qrx-recv with its built-in server could not save: kept whatever way the run ends, said,
saved by the next run in the same place, mentioned by a run elsewhere; and nothing else stays."""
import os
import pty
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def left():
    """The directories of ended runs."""
    state = os.path.join(os.environ["XDG_STATE_HOME"], "qrx")
    return sorted(name for name in (os.listdir(state) if os.path.isdir(state) else []) if name.startswith(("own-", "run-")))


class Place:
    def __init__(self, w):
        self.w, self.path = w, w.path(f"place{w.next_number()}")
        os.mkdir(self.path)

    def recv(self, *options, **more):
        return self.w.tool("qrx-recv", "--json", "--no-progress", "-b", "127.0.0.1:0", *options, cwd=self.path, **more)

    def next_run(self, *options):
        """Saves what is left; then it is ended as somebody who waits for nothing."""
        run = self.recv(*options)
        run.expect_event("space")
        run.signal(signal.SIGTERM)
        run.expect_exit(143)
        return run

    def holds(self, *names, under=""):
        qrx.check_equal(sorted(names), sorted(os.listdir(os.path.join(self.path, under))), "what is saved")


def put(drop, name, content):
    link = drop.split("#")[0]
    answer = qrx.request("PUT", f"{link}/{name}", content)
    qrx.check_equal(201, answer.status, f"PUT: {answer!r}")


def said(run, event):
    qrx.check("not saved yet: kept on this machine" in run.err and "--resume" in run.err, f"it does not say that it is kept: {run.err}")
    qrx.check(any('"event":"unsaved"' in line for line in run.out) == event, f"the event: {run.out}")


def refused(w):
    place = Place(w)
    w.file(os.path.join(place.path, "note.txt"), 10)
    run = place.recv("--on-conflict", "refuse")
    put(run.expect_event("space")["drop"], "note.txt", b"new words")
    run.expect_exit(9)
    said(run, True)
    elsewhere = Place(w).next_run()
    qrx.check("1 delivery (1 file, 9 B) of an earlier run not saved yet" in elsewhere.err, f"elsewhere: {elsewhere.err}")
    again = place.next_run()
    qrx.check("Found 1 delivery" in again.err, f"the next run: {again.err}")
    place.holds("note.txt", "note (1).txt")


def target_gone(w):
    place = Place(w)
    os.mkdir(os.path.join(place.path, "in"))
    run = place.recv("-o", "in/")
    space = run.expect_event("space")
    shutil.rmtree(os.path.join(place.path, "in"))
    put(space["drop"], "a.txt", b"a")
    qrx.check(run.wait() != 0, "it ends well though nothing can be saved")
    said(run, True)
    place.next_run("-o", "in/")
    place.holds("a.txt", under="in")


def two_for_one_name(w):
    place = Place(w)
    with open(os.path.join(place.path, "one.bin"), "wb") as file:
        file.write(b"mine")  # a name that nothing has becomes a directory (recv-output.py)
    run = place.recv("-o", "one.bin")
    w.tool("qrx-send", "--no-progress", "-l", run.expect_event("space")["drop"], w.file("x.bin", 10), w.file("y.bin", 500_000)).expect_exit(0)
    run.expect_exit(2)
    said(run, True)
    guid = next(line for line in run.err.splitlines() if "--resume" in line).split("--resume ")[1].split()[0]
    w.tool("qrx-recv", "--resume", guid, "-o", "all/", cwd=place.path).expect_exit(0)
    place.holds("x.bin", "y.bin", under="all")
    w.tool("qrx-recv", "--resume", guid, cwd=place.path).expect_exit(5)


def signals(w, number, with_hook):
    """It comes while the delivery is not saved: qrx-recv stands still meanwhile."""
    place = Place(w)
    run = place.recv("-f", *(["--exec", "true"] if with_hook else []))
    drop = run.expect_event("space")["drop"]
    put(drop, "first.txt", b"first")
    run.expect_event("delivered")
    run.signal(signal.SIGSTOP)
    put(drop, "second.txt", b"second")
    run.signal(number)
    run.signal(signal.SIGCONT)
    run.wait()
    place.next_run()
    place.holds("first.txt", "second.txt")


def server_killed(w):
    place = Place(w)
    run = place.recv("-f")
    drop = run.expect_event("space")["drop"]
    run.signal(signal.SIGSTOP)
    put(drop, "a.txt", b"a")
    with open(f"/proc/{run.pid}/task/{run.pid}/children", encoding="ascii") as children:
        os.kill(int(children.read().split()[0]), signal.SIGKILL)
    run.signal(signal.SIGCONT)
    run.expect_exit(1)
    place.next_run()
    place.holds("a.txt")


def reader_gone(w):
    place = Place(w)
    out, into = os.pipe()
    run = w.tool("qrx-recv", "-q", "-b", "127.0.0.1:0", "-o", "-", cwd=place.path, stdout=into)
    os.close(into)
    qrx.wait_for(20, lambda: "HTTP" in run.err, "the link")
    put(run.err.split()[0], "a.bin", b"a" * 3_000_000)
    os.close(out)  # the pipe is full: not all of it was written
    run.expect_exit(128 + signal.SIGPIPE)
    other = place.next_run()
    qrx.check("of an earlier run not saved yet (meant for standard output)" in other.err, f"a later run: {other.err}")
    place.holds()
    w.tool("qrx-recv", "--resume", "all", cwd=place.path).expect_exit(0)
    place.holds("a.bin")


def text_not_shown(w, named):
    """stdout is full or closed: a text that nobody saw is kept, and shown by the next run."""
    place = Place(w)
    where = ["-s", named.url] if named else ["-b", "127.0.0.1:0"]
    with open("/dev/full", "wb") as full:
        run = w.tool("qrx-recv", "-q", *where, cwd=place.path, stdout=full)
        qrx.wait_for(20, lambda: "HTTP" in run.err, "the link")
        w.tool("qrx-send", "-q", "-l", run.err.split()[0], "-T", "precious\n").expect_exit(0)
        run.expect_exit(75)
    qrx.check("not saved yet" in run.err, f"it does not say that it is kept: {run.err}")
    again = w.tool("qrx-recv", "-q", *where, "-t", "1s", cwd=place.path)
    again.expect_exit(8)
    qrx.check_equal(["precious"], again.out, "what the next run shows")


def text_not_shown_here(w):
    text_not_shown(w, None)


def text_not_shown_by_named(w):
    text_not_shown(w, w.server(data=w.path("data-of-texts")))


def asked(w):
    """n keeps it for the next run with --ask, d does not."""
    place = Place(w)

    def at_terminal(answers, *options):
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(place.path)
            os.execvp("qrx-recv", ["qrx-recv", "--ask", "--no-qr", "--no-progress", *options])
        shown = ""
        while True:
            try:
                shown += os.read(terminal, 4096).decode("utf-8", "replace")
            except OSError:
                break
            if "HTTP://" in shown and "/U/" in shown and not at_terminal.sent and "-b" in options:
                link = shown[shown.index("HTTP://"):].split()[0]
                at_terminal.sent = True
                w.tool("qrx-send", "--no-progress", "-l", link, w.file("a.txt", 1), w.file("b.txt", 2), w.file("c.txt", 3)).expect_exit(0)
            if shown.count("[y/N/d/a]") > at_terminal.answered and answers:
                at_terminal.answered += 1
                os.write(terminal, answers.pop(0).encode() + b"\n")
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown

    at_terminal.answered, at_terminal.sent = 0, False
    status, shown = at_terminal(["y", "d", "n"], "-b", "127.0.0.1:0")
    qrx.check_equal(0, status, f"declining is no failure: {shown}")
    qrx.check("not now" in shown and "discard it for good" in shown and "1 file discarded, 1 file not now" in shown, f"what it says: {shown}")
    place.holds("a.txt")
    plain = place.next_run()
    qrx.check("1 delivery (1 file, 3 B) of an earlier run not saved yet" in plain.err, f"without --ask it is mentioned: {plain.err}")
    place.holds("a.txt")
    at_terminal.answered = 0
    status, shown = at_terminal(["y"], "--resume", "all")
    qrx.check_equal(0, status, f"asked again: {shown}")
    place.holds("a.txt", "c.txt")


def named_server(w):
    """The same on a server that was named: the space stays there, and the next run of the place ends it."""
    server = w.server()
    place = Place(w)
    w.file(os.path.join(place.path, "note.txt"), 10)
    run = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "--on-conflict", "refuse", cwd=place.path)
    space = run.expect_event("space")
    put(space["drop"], "note.txt", b"new words")
    run.expect_exit(9)
    qrx.check("kept on the server" in run.err and space["owner"].split("#")[1] not in run.err, f"what it says: {run.err}")
    again = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, cwd=place.path)
    again.expect_event("saved")
    again.expect_event("space")
    again.signal(signal.SIGINT)
    again.expect_exit(130)
    place.holds("note.txt", "note (1).txt")
    path = space["owner"].replace("/s/", "/api/v1/spaces/").split("#")
    qrx.check_equal(404, qrx.request("GET", path[0], headers={"Authorization": "Bearer " + path[1]}).status, "the space is deleted")


def still_required(w):
    """What a run with --seal require refused is not saved by a later one that says nothing of sealing."""
    identity = w.path("other-identity")
    subprocess.run(["age-keygen", "-o", identity], check=True, capture_output=True)
    other = subprocess.run(["age-keygen", "-y", identity], check=True, capture_output=True, text=True).stdout.strip()
    place = Place(w)
    run = place.recv("--seal", "require")
    space = run.expect_event("space")
    put(space["drop"], "a.age", subprocess.run(["age", "-r", other], input=b"not for us", check=True, capture_output=True).stdout)
    run.expect_exit(6)
    place.next_run()
    place.holds()
    w.tool("qrx-recv", "--resume", space["guid"], "--seal", "off", cwd=place.path).expect_exit(0)
    place.holds("a.age")


def killed_before_shown(w):
    """A text needs no room in the store: it is there all the same, whatever tools run in between. So is an empty file."""
    for sends in ("text", "empty file"):
        place = Place(w)
        run = place.recv("-f", "--seal", "off")
        drop = run.expect_event("space")["drop"]
        run.signal(signal.SIGSTOP)
        if sends == "text":
            w.tool("qrx-send", "--no-progress", "-l", drop, "--text", "see you at 8").expect_exit(0)
        else:
            w.tool("qrx-send", "--no-progress", "-l", drop, w.file("empty.txt", 0)).expect_exit(0)
        run.signal(signal.SIGKILL)
        run.wait()
        w.tool("qrx-send", "--no-progress", "-l", drop, w.file("x.txt", 1)).wait()
        qrx.check_equal(1, len(left()), f"{sends}: the killed run's directory, after another tool")
        again = place.recv()
        if sends == "text":
            qrx.check_equal("see you at 8", again.expect_event("text")["text"], "the text")
        else:
            again.expect_event("saved")
        again.expect_event("space")
        again.signal(signal.SIGTERM)
        again.expect_exit(143)
        place.holds(*(["empty.txt"] if sends == "empty file" else []))


def killed_with_nothing(w):
    """What holds nothing is cleared by the next run that asks the server about it; by any tool when it was shown to nobody."""
    place = Place(w)
    run = place.recv()
    drop = run.expect_event("space")["drop"]
    run.signal(signal.SIGKILL)
    run.wait()
    qrx.check_equal(1, len(left()), "the killed run's directory")
    place.next_run()
    qrx.check_equal([], left(), "what qrx-recv found")
    os.makedirs(os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "own-ABCDEF", "data"), mode=0o700)
    os.chmod(os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "own-ABCDEF"), 0o700)
    w.tool("qrx-send", "--no-progress", "-l", drop, w.file("x.txt", 1)).wait()
    qrx.check_equal([], left(), "what qrx-send found")


def several_at_once(w):
    """curl with three files at a run for one delivery: what curl was told is there, is; the rest was refused in words."""
    place = Place(w)
    run = place.recv()
    link = run.expect_event("space")["drop"].split("#")[0]
    acknowledged = []
    for name in ("a", "b", "c"):
        answer = qrx.request("PUT", f"{link}/{name}.txt", name.encode())
        if answer.status == 201:
            acknowledged.append(name + ".txt")
        else:
            qrx.check_equal(403, answer.status, f"refused: {answer!r}")
            qrx.check(b"finished" in answer.body, f"in words: {answer!r}")
        time.sleep(0.3)
    run.expect_exit(0)
    place.holds(*acknowledged)
    qrx.check_equal([], left(), "what stays")


with qrx.work() as work:
    for case in (refused, target_gone, two_for_one_name, server_killed, reader_gone, text_not_shown_here, text_not_shown_by_named, asked, named_server, still_required, killed_before_shown, killed_with_nothing, several_at_once):
        case(work)
        qrx.check_equal([], left(), f"{case.__name__}: what stays when all is saved")
        print(case.__name__, flush=True)
    for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        signals(work, sent, sent == signal.SIGINT)
        qrx.check_equal([], left(), f"{sent}: what stays when all is saved")
