#!/usr/bin/python3
# run: timeout=180
"""SIGKILL of qrx-send at random moments; nothing half is visible, a second run goes on, the receiver gets the same bytes.

QRX_ROUNDS=300 runs long, QRX_SEED=7 replays what a failure printed.
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

ROUNDS = int(os.environ.get("QRX_ROUNDS", "10"))
SEED = int(os.environ.get("QRX_SEED") or random.SystemRandom().randrange(1 << 31))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def one_round(w, server, chance, number):
    tree = w.path(f"tree{number}")
    sizes = {"large": chance.randrange(3_000_000, 12_000_000), "dir/middle": chance.randrange(300_000, 2_000_000), "dir/empty": 0}
    sizes.update({f"dir/small-{n}": chance.randrange(1, 50_000) for n in range(chance.randrange(1, 30))})
    for seed, (name, size) in enumerate(sizes.items()):
        w.file(f"tree{number}/{name}", size, seed=seed + number)
    space = server.space()
    through = w.bad_network(server, "--rate", str(chance.randrange(10, 40) * 1_000_000))
    link = space.drop.lower().replace(server.url, through)
    kills = chance.randrange(1, 4)
    for _ in range(kills):
        send = w.tool("qrx-send", "--link", link, "--yes", "--no-progress", tree)
        time.sleep(chance.uniform(0.01, 0.6))  # the moment of the kill is the point
        ended = not send.running()
        send.kill()
        if ended:
            break
        visible = space.files()
        for name in visible:
            if not any(name.endswith(known) for known in sizes):
                qrx.fail(f"a file that nobody sent is visible: {name}")
        if visible and len(visible) != len(sizes):
            qrx.fail(f"{len(visible)} of {len(sizes)} files are visible after a kill")
    send = w.tool("qrx-send", "--link", link, "--yes", "--no-progress", tree)
    send.expect_exit(0)
    files = space.files()
    for name in sizes:
        found = [file for known, file in files.items() if known.endswith("/" + name) or known == name]
        qrx.check(found, f"{name} did not arrive: {sorted(files)}")
        got = space.content(found[0])
        qrx.check(got.body == read(os.path.join(tree, name)), f"{name} arrived with other bytes ({len(got.body)})")
    return kills


def main():
    chance = random.Random(SEED)
    kills = 0
    with qrx.work() as w:
        server = w.server("--create-rate", "0")
        for number in range(ROUNDS):
            try:
                kills += one_round(w, server, chance, number)
            except qrx.Failed as failure:
                qrx.fail(f"round {number}: {failure}; again: QRX_SEED={SEED} QRX_ROUNDS={number + 1} tests/faults/kill-sender.py")
        print(f"{ROUNDS} rounds, {kills} kills, seed {SEED}")


if __name__ == "__main__":
    main()
