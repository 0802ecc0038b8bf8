#!/usr/bin/python3
"""A link for one download, and no room where it is to be saved: 75, and the link still works. A state directory without room: what
a run has to keep is kept elsewhere."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import namespaces  # noqa: E402
import qrx  # noqa: E402
import sharing  # noqa: E402


def content(path):
    with open(path, "rb") as file:
        return file.read()


def link_for_one_download(w, server, seal):
    small, elsewhere = w.path(f"small-{seal}"), w.path(f"elsewhere-{seal}")
    os.mkdir(elsewhere)
    namespaces.tmpfs(small, "size=100k")
    try:
        files = [w.file(f"{seal}/large.bin", 3_000_000), w.file(f"{seal}/little.bin", 120_000)]
        for path in files:
            sharing.keep_space(w, server, path, seal=seal)
            link = sharing.share("-n", "1", "link:one", status=0).links["link:one"]
            full = w.tool("qrx-recv", "--no-progress", link, cwd=small)
            full.expect_exit(75)
            qrx.check("no space left" in full.err and "nothing was downloaded" in full.err, f"what it says: {full.err}")
            qrx.check_equal([], os.listdir(small), "what is left there")
            w.tool("qrx-recv", "-q", "-o", elsewhere, link).expect_exit(0)
            qrx.check(content(path) == content(os.path.join(elsewhere, os.path.basename(path))), f"{path} came back different")
    finally:
        os.spawnlp(os.P_WAIT, "umount", "umount", "-l", small)


def state_is_full(w, server):
    state, full, out = w.path("state-full"), w.path("target-full"), w.path("later")
    os.mkdir(out)
    namespaces.tmpfs(state, "size=64k")
    namespaces.tmpfs(full, "size=64k")
    os.mkdir(w.path("temporary"))
    with open(os.path.join(state, "hog"), "wb", buffering=0) as hog:
        try:
            while True:
                hog.write(b"x" * 4096)
        except OSError:
            pass
    env = dict(os.environ, XDG_STATE_HOME=state, TMPDIR=w.path("temporary"))
    sent = w.file("kept.bin", 300_000)
    try:
        for where in (["-s", server.url], ["-b", "127.0.0.1:0"]):
            run = w.tool("qrx-recv", "--json", "--no-progress", *where, "-o", full, env=env)
            w.tool("qrx-send", "-q", "-l", run.expect_event("space")["drop"], sent).expect_exit(0)
            run.expect_exit(75)
            qrx.check("is lost" not in run.err, f"nothing need be lost: {run.err}")
            w.tool("qrx-recv", "-q", "--resume", "all", "-o", out + "/", env=env).expect_exit(0)
            qrx.check(content(sent) == content(os.path.join(out, "kept.bin")), "kept.bin came back different")
            os.unlink(os.path.join(out, "kept.bin"))
    finally:
        for place in (state, full):
            os.spawnlp(os.P_WAIT, "umount", "umount", "-l", place)


namespaces.enter_mounts()
with qrx.work() as work:
    server_ = work.server()
    for seal_ in ("off", "require"):
        link_for_one_download(work, server_, seal_)
    state_is_full(work, server_)
