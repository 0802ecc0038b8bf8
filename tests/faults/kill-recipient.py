#!/usr/bin/python3
# run: timeout=240
"""SIGKILL of qrx-recv while it downloads by a link for one download, sealed and not: the next run in the same place goes on where
it was, until all is saved, and then the link is used up."""
import filecmp
import os
import shutil
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
import sharing  # noqa: E402

KILLS = 2
SMALL = 20
STEP = 3_000_000  # that a run brings before it is killed


def campaign(w, server, seal):
    tree = f"tree-{seal}"
    for number in range(SMALL):
        w.file(f"{tree}/small-{number}", 2000 + number, seed=number)
    w.file(f"{tree}/empty", 0)
    w.file(f"{tree}/large.bin", 20_000_000)
    sharing.keep_space(w, server, tree, seal=seal)
    link = sharing.share("-n", "1", "link:one", status=0).links["link:one"]
    way = w.bad_network(server, "--rate", "10000000")
    slow = link.replace(server.url, way)
    out = w.path(f"out-{seal}")
    os.mkdir(out)

    def begun():
        """How much of the large one is there, once nothing else is on its way."""
        files = [os.path.join(folder, name) for folder, _, names in os.walk(out) for name in names]
        parts = [path for path in files if path.endswith(".qrx-part")]
        return os.path.getsize(parts[0]) if len(files) == SMALL + 2 and len(parts) == 1 else 0

    had = 0
    for _ in range(KILLS):
        run = w.tool("qrx-recv", "-q", "-o", out, slow)
        least = had + STEP
        qrx.wait_for(60, lambda run=run, least=least: begun() > least or not run.running(), "a partial that grows")
        qrx.check(run.running(), f"it ended by itself: {run.err}")
        run.kill()
        had = begun()
        way.settle()
    before = way.count("down")
    w.tool("qrx-recv", "-q", "-o", out, slow).expect_exit(0)
    fetched = way.count("down") - before
    qrx.check(fetched < 20_000_000 - had + 1_000_000, f"it began anew: {fetched} bytes after {had}")
    names = sorted(os.listdir(tree))
    _, other, missing = filecmp.cmpfiles(tree, os.path.join(out, tree), names, shallow=False)
    qrx.check(not other and not missing, f"other {other}, missing {missing}")
    qrx.check_equal(names, sorted(os.listdir(os.path.join(out, tree))), "what is there")
    qrx.check_equal("downloaded", sharing.share("--list", "link:one", status=0).states["link:one"])
    w.tool("qrx-recv", "-q", "-o", w.path(f"again-{seal}") + "/", link).expect_exit(5)


def killed_before_the_name(w, server, seal):
    """All of a file was taken, and it has no name yet: the next run gives it one, for it cannot be had again."""
    tree = f"named-{seal}"
    # The other is so large that no buffer on its way takes all of it: for the server that would be a download.
    for name, size in (("a", 50_000), ("b", 40_000_000)):
        w.file(f"{tree}/{name}", size)
    sharing.keep_space(w, server, tree, seal=seal)
    link = sharing.share("-n", "1", "link:two", status=0).links["link:two"]
    out = w.path(f"named-out-{seal}")
    os.mkdir(out)
    killing = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=renameat2:signal=KILL:when=1"]
    w.tool("qrx-recv", "-q", "-o", out, link, prefix=killing).wait()
    qrx.check(any(name.endswith(".qrx-part") for _, _, names in os.walk(out) for name in names), "it was not killed before the name")
    w.tool("qrx-recv", "-q", "-o", out, link).expect_exit(0)
    _, other, missing = filecmp.cmpfiles(tree, os.path.join(out, tree), ["a", "b"], shallow=False)
    qrx.check(not other and not missing, f"other {other}, missing {missing}")


def killed_before_the_last_name(w, server, seal):
    """The same of the last file: the link is used up by then, and the server gives not even a list. Nor does one that has ended."""
    name = f"last-{seal}.bin"
    path = w.file(name, 3_000_000)
    sharing.keep_space(w, server, name, seal=seal)
    for number, ended in enumerate((False, True)):
        to = f"link:{seal}-{number}"
        link = sharing.share("-n", "1", to, status=0).links[to]
        out = w.path(f"last-out-{seal}-{number}")
        os.mkdir(out)
        killing = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=renameat2:signal=KILL:when=1"]
        w.tool("qrx-recv", "-q", "-o", out, link, prefix=killing).wait()
        parts = os.listdir(out)
        qrx.check(len(parts) == 1 and parts[0].endswith(".qrx-part"), f"what is there: {parts}")
        os.utime(os.path.join(out, parts[0]), (1_000_000_000, 1_000_000_000))
        elsewhere = w.tool("qrx-recv", "-q", "-o", w.path(f"elsewhere-{seal}-{number}") + "/", link)
        elsewhere.expect_exit(5)
        qrx.check("download limit" in elsewhere.err, elsewhere.err)
        saved = os.path.join(out, name)
        if ended:
            with socket.create_server(("127.0.0.1", 0)) as free:
                nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
            run = w.tool("qrx-recv", "-o", out, link.replace(server.url, nobody), "--no-progress")
            qrx.wait_for(30, lambda run=run: "connection refused; retrying" in run.err, "that nobody answers")
            run.signal(signal.SIGINT)
            run.wait()
            qrx.check("has its name now" in run.err, run.err)
        else:
            run = w.tool("qrx-recv", "-o", out, link, "--no-progress")
            run.expect_exit(5)
        qrx.check("an earlier run" in run.err, run.err)
        qrx.check_equal([] if ended else [saved], run.out, "what is told as saved")
        qrx.check(filecmp.cmp(path, saved, shallow=False), "its bytes")
        qrx.check_equal(1_000_000_000, os.stat(saved).st_mtime, "its date")
        # Once is enough.
        w.tool("qrx-recv", "-q", "-o", out, link).expect_exit(5)
        qrx.check_equal([name], os.listdir(out), "what is there")


with qrx.work() as work:
    server_ = work.server()
    for seal_ in ("require", "off"):
        campaign(work, server_, seal_)
        if shutil.which("strace") and not qrx.is_sanitized():
            killed_before_the_name(work, server_, seal_)
            killed_before_the_last_name(work, server_, seal_)
