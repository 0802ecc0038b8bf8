#!/usr/bin/python3
# run: timeout=240
"""qrx-recv with its built-in server, ended at random moments (signals, SIGKILL, its server killed) while senders send: what a
sender was told is there, an oracle remembers; a later run in the same place has all of it, and nothing stays behind.

QRX_ROUNDS=300 runs long, QRX_SEED=7 replays what a failure printed.
"""
import hashlib
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

ROUNDS = int(os.environ.get("QRX_ROUNDS", "8"))
SEED = int(os.environ.get("QRX_SEED") or random.SystemRandom().randrange(1 << 31))
LEFT = ("own-", "run-")


class Sender(threading.Thread):
    """Sends one file after another until the server is gone; knows what was acknowledged."""

    def __init__(self, link, chance, name):
        super().__init__()
        self.link, self.chance, self.tag, self.acknowledged = link, random.Random(chance.random()), name, set()

    def run(self):
        for number in range(200):
            content = self.chance.randbytes(self.chance.choice((1, 5_000, 700_000)))
            try:
                answer = qrx.request("PUT", f"{self.link}/{self.tag}{number}.bin", content, timeout=20)
            except Exception:  # noqa: BLE001 whatever it is
                return  # nothing was promised
            if answer.status != 201:
                return
            self.acknowledged.add(hashlib.sha256(content).hexdigest())


def sums(place):
    found = set()
    for name in os.listdir(place):
        if not name.endswith(".qrx-part"):
            with open(os.path.join(place, name), "rb") as file:
                found.add(hashlib.sha256(file.read()).hexdigest())
    return found


def end(run, how):
    """Ends it; True when that was a SIGKILL."""
    if how == "server":
        try:
            with open(f"/proc/{run.pid}/task/{run.pid}/children", encoding="ascii") as children:
                os.kill(int(children.read().split()[0]), signal.SIGKILL)
        except (OSError, IndexError):
            run.signal(signal.SIGKILL)
    else:
        run.signal(how)
    run.wait()
    return how in ("server", signal.SIGKILL)


def one_round(w, chance, number):
    place = w.path(f"place{number}")
    os.mkdir(place)
    promised, kills = set(), 0
    for _ in range(chance.randrange(1, 3)):
        run = w.tool("qrx-recv", "--json", "--no-progress", "-f", "-b", "127.0.0.1:0", cwd=place)
        link = run.expect_event("space")["drop"].split("#")[0]
        senders = [Sender(link, chance, name) for name in "ab"]
        for sender in senders:
            sender.start()
        time.sleep(chance.uniform(0.05, 0.6))  # the moment is the point
        if chance.random() < 0.5:
            run.signal(signal.SIGSTOP)  # it saves nothing for a moment, while its server goes on
            time.sleep(chance.uniform(0, 0.2))
        how = chance.choice((signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGKILL, "server"))
        if how != signal.SIGKILL and how != "server":
            run.signal(how)
        run.signal(signal.SIGCONT)
        kills += end(run, how)
        for sender in senders:
            sender.join()
            promised |= sender.acknowledged
    last = w.tool("qrx-recv", "--json", "--no-progress", "-b", "127.0.0.1:0", cwd=place)
    last.expect_event("space", timeout=60)
    last.signal(signal.SIGTERM)
    last.expect_exit(143)
    missing = promised - sums(place)
    qrx.check(not missing, f"{len(missing)} of {len(promised)} acknowledged files are gone; {last.err}")
    state = os.path.join(os.environ["XDG_STATE_HOME"], "qrx")
    stays = [name for name in os.listdir(state) if name.startswith(LEFT)]
    qrx.check_equal([], stays, "what stays when all is saved")
    return len(promised), kills


def main():
    chance = random.Random(SEED)
    total = kills = 0
    with qrx.work() as w:
        for number in range(ROUNDS):
            try:
                files, killed = one_round(w, chance, number)
            except qrx.Failed as failure:
                qrx.fail(f"round {number}: {failure}; again: QRX_SEED={SEED} QRX_ROUNDS={number + 1} tests/faults/kill-own-receiver.py")
            total, kills = total + files, kills + killed
    qrx.check(total > ROUNDS, f"hardly anything was sent: {total} files")
    print(f"{ROUNDS} rounds, {kills} kills, {total} acknowledged files, none lost, seed {SEED}")


if __name__ == "__main__":
    main()
