#!/usr/bin/python3
# run: timeout=180
"""SIGKILL of qrx-send at random moments; nothing half is visible, a second run goes on and sends only what is missing, once; the
receiver gets the same bytes.

QRX_ROUNDS=300 runs long, QRX_SEED=7 replays what a failure printed.
"""
import os
import random
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

ROUNDS = int(os.environ.get("QRX_ROUNDS", "10"))
SLACK = 1_000_000  # bytes of heads, of small files, and what is sent twice
SEED = int(os.environ.get("QRX_SEED") or random.SystemRandom().randrange(1 << 31))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def uploaded(space):
    """Bytes of large files that the server has acknowledged."""
    return sum(upload["offset"] for upload in space.state()["uploads"])


def remembers():
    """Does the sender know of a run that has not come to its end?"""
    top = os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "send")
    return os.path.isdir(top) and os.listdir(top) != []


class Told:
    kills = middle = resumed = saved = 0  # kills, those in the middle of a file, runs that went on, bytes they did not send again


def one_round(w, server, chance, number, told):
    tree = w.path(f"tree{number}")
    sizes = {"large": chance.randrange(3_000_000, 12_000_000), "dir/middle": chance.randrange(300_000, 2_000_000), "dir/empty": 0}
    sizes.update({f"dir/small-{n}": chance.randrange(1, 50_000) for n in range(chance.randrange(1, 30))})
    for seed, (name, size) in enumerate(sizes.items()):
        w.file(f"tree{number}/{name}", size, seed=seed + number)
    space = server.space()
    through = w.bad_network(server, "--rate", str(chance.randrange(10, 40) * 1_000_000))
    link = space.drop.lower().replace(server.url, through)
    total = sum(sizes.values())
    ended = False
    for _ in range(chance.randrange(1, 4)):
        at = through.count("up") + chance.uniform(0, 0.95) * (total - uploaded(space))  # the moment of the kill is the point
        send = w.tool("qrx-send", "--link", link, "--yes", "--no-progress", tree)
        qrx.wait_for(40, lambda at=at, send=send: through.count("up") >= at or not send.running(), "the moment of the kill")
        send.kill()
        if send.popen.returncode != -signal.SIGKILL:
            qrx.check_equal(0, send.popen.returncode, f"a run that was not killed: {send.err}")
            ended = True  # the next run would be a new delivery
            break
        told.kills += 1
        told.middle += 0 < uploaded(space) < total
        visible = space.files()
        for name in visible:
            if not any(name.endswith(known) for known in sizes):
                qrx.fail(f"a file that nobody sent is visible: {name}")
        if visible and len(visible) != len(sizes):
            qrx.fail(f"{len(visible)} of {len(sizes)} files are visible after a kill")
        if visible and not remembers():
            ended = True  # killed after it had done all
            break
    if not ended:
        through.settle()
        there, begun = uploaded(space), through.count("up")
        send = w.tool("qrx-send", "--json", "--link", link, "--yes", "--no-progress", tree)
        send.expect_exit(0)
        sent, resumed = through.count("up") - begun, send.expect_event("delivered")["resumed"]
        qrx.check(resumed or not there, f"{there} of {total} bytes were there, and it did not go on")
        qrx.check(sent <= total - there + SLACK, f"it began anew: it sent {sent} bytes where {there} of {total} were there")
        told.resumed += bool(resumed)
        told.saved += there
    qrx.check_equal(1, len(space.state()["deliveries"]), "deliveries")
    qrx.check_equal([], space.state()["uploads"], "uploads that are left")
    files = space.files()
    qrx.check_equal(len(sizes), len(files), f"files: {sorted(files)}")
    for name in sizes:
        found = [file for known, file in files.items() if known.endswith("/" + name) or known == name]
        qrx.check(found, f"{name} did not arrive: {sorted(files)}")
        got = space.content(found[0])
        qrx.check(got.body == read(os.path.join(tree, name)), f"{name} arrived with other bytes ({len(got.body)})")


def main():
    chance = random.Random(SEED)
    told = Told()
    with qrx.work() as w:
        server = w.server("--create-rate", "0")
        for number in range(ROUNDS):
            try:
                one_round(w, server, chance, number, told)
            except qrx.Failed as failure:
                qrx.fail(f"round {number}: {failure}; again: QRX_SEED={SEED} QRX_ROUNDS={number + 1} tests/faults/kill-sender.py")
        summary = f"{told.kills} kills, {told.middle} of them in the middle of a file, {told.resumed} runs went on after {told.saved} bytes"
        print(f"{ROUNDS} rounds, {summary}, seed {SEED}")
        qrx.check(ROUNDS < 8 or (told.middle and told.resumed and told.saved > SLACK),
                  f"{summary}; again: QRX_SEED={SEED} QRX_ROUNDS={ROUNDS} tests/faults/kill-sender.py")


if __name__ == "__main__":
    main()
