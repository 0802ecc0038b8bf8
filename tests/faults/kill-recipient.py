#!/usr/bin/python3
# run: timeout=240
"""SIGKILL of qrx-recv while it downloads by a link for one download: the next run in the same place goes on, until all is saved,
and then the link is used up. Nothing that was taken is lost with the memory of the run."""
import filecmp
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
import sharing  # noqa: E402

SEED = int(os.environ.get("QRX_SEED", random.randrange(1 << 30)))
KILLS = 3


def campaign(w, server, seal, chance):
    tree = f"tree-{seal}"
    for number in range(60):
        w.file(f"{tree}/small-{number}", 2000 + number, seed=number)
    w.file(f"{tree}/empty", 0)
    w.file(f"{tree}/large.bin", 3_000_000)
    sharing.keep_space(w, server, tree, seal=seal)
    link = sharing.share("-n", "1", "link:one", status=0).links["link:one"]
    out = w.path(f"out-{seal}")
    os.mkdir(out)
    for _ in range(KILLS):
        run = w.tool("qrx-recv", "-q", "-o", out, link)
        time.sleep(chance.uniform(0.05, 0.4))
        run.kill()
    last = w.tool("qrx-recv", "-q", "-o", out, link)
    status = last.wait()
    names = os.listdir(os.path.join(w.path("."), tree))
    # Killed after its very last byte was taken, it had everything.
    qrx.check(status in (0, 5), f"the run that was not killed: {status}, {last.err}")
    _, other, missing = filecmp.cmpfiles(tree, os.path.join(out, tree), names, shallow=False)
    qrx.check(not other and not missing, f"other {other}, missing {missing}; {last.err}")
    qrx.check_equal(sorted(names), sorted(os.listdir(os.path.join(out, tree))), "what is there")
    w.tool("qrx-recv", "-q", "-o", w.path(f"again-{seal}") + "/", link).expect_exit(5)


with qrx.work() as work:
    print(f"QRX_SEED={SEED}", flush=True)
    server_ = work.server()
    for seal_ in ("require", "off"):
        campaign(work, server_, seal_, random.Random(f"{SEED} {seal_}"))
