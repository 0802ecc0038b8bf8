#!/usr/bin/python3
# run: timeout=180
"""SIGKILL of qrx-recv, and of the server under it, while it saves: no half file under its final name, and a run with the
owner link has the same bytes in the end, from where it stopped.

QRX_ROUNDS=300 runs long, QRX_SEED=7 replays what a failure printed.
"""
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

ROUNDS = int(os.environ.get("QRX_ROUNDS", "8"))
SEED = int(os.environ.get("QRX_SEED") or random.SystemRandom().randrange(1 << 31))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def check_no_half(where, sources, when):
    for directory, _, names in os.walk(where):
        for name in names:
            if name in sources and read(os.path.join(directory, name)) != read(sources[name]):
                qrx.fail(f"{when}: half a file under its final name {name}")


def one_round(w, server, chance, number):
    sources = {name: w.file(f"in{number}/{name}", size, seed=number)
               for name, size in (("large.bin", chance.randrange(5_000_000, 20_000_000)), ("small.txt", 1000))}
    space = server.space()
    where = w.path(f"out{number}")
    os.mkdir(where)
    for name, path in sources.items():
        answer = qrx.request("PUT", f"{space.upload_url}/{name}", read(path))
        qrx.check_equal(201, answer.status, f"PUT: {answer!r}")
    kill_server = chance.random() < 0.4
    rate = chance.randrange(15, 60) * 1_000_000
    through = w.bad_network(server, "--rate", str(rate))
    link = space.owner.replace(server.url, through)
    kills = 0
    for _ in range(chance.randrange(1, 4)):
        recv = w.tool("qrx-recv", "--no-progress", "--output", where, link)
        time.sleep(chance.uniform(0.02, 0.5))  # the moment of the kill is the point
        if not recv.running():
            break
        if kill_server:
            server.kill()
            server = server.restart()
        else:
            recv.kill()
            kills += 1
        check_no_half(where, sources, "after a kill")
        if kill_server:
            recv.wait()
    for name in list(sources):
        if os.path.exists(os.path.join(where, name)):
            os.unlink(os.path.join(where, name))  # saved already: the next run would name its copy otherwise
    w.tool("qrx-recv", "--no-progress", "--output", where, link).expect_exit(0)
    for name, path in sources.items():
        qrx.check(os.path.exists(os.path.join(where, name)), f"{name} was not saved: {os.listdir(where)}")
        qrx.check(read(os.path.join(where, name)) == read(path), f"{name} was saved with other bytes")
    left = [name for name in os.listdir(where) if name not in sources and "(" not in name]
    qrx.check(not left, f"left over: {left}")
    return server, kills


def main():
    chance = random.Random(SEED)
    kills = 0
    with qrx.work() as w:
        server = w.server("--create-rate", "0")
        for number in range(ROUNDS):
            try:
                server, killed = one_round(w, server, chance, number)
                kills += killed
            except qrx.Failed as failure:
                qrx.fail(f"round {number}: {failure}; again: QRX_SEED={SEED} QRX_ROUNDS={number + 1} tests/faults/kill-receiver.py")
        print(f"{ROUNDS} rounds, {kills} kills of the receiver, seed {SEED}")


if __name__ == "__main__":
    main()
