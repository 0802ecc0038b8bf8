"""Run by faults.sh. While senders send by all ways: SIGKILL of a node, a node that stands still for longer than the others wait for
it (a zombie), a crash of PostgreSQL. Nobody may lose what was acknowledged, or find it twice.

QRX_KILLS, QRX_CRASHES, QRX_ZOMBIES say how many of each, QRX_NODES how many nodes, QRX_OBJECTS=1 that contents are in an S3 store;
QRX_SEED replays their order.
"""
import contextlib
import glob
import os
import random
import signal
import subprocess
import sys
import threading
import time

import objectstore
import qrx
from senders import PATIENCE, Sender, end, insist, verify

SEED = int(os.environ.get("QRX_SEED") or random.SystemRandom().randrange(1 << 31))
NODES = int(os.environ.get("QRX_NODES", "3"))
OBJECTS = bool(os.environ.get("QRX_OBJECTS"))
FAULTS_A_ROUND = 25  # then all that was sent is compared, and another space begins
ZOMBIE_FOR = 20      # seconds; a node that is silent for 15 counts as gone


def node_pids(server):
    found = {}
    for directory in glob.glob("/proc/[0-9]*"):
        try:
            with open(directory + "/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            with open(directory + "/stat", "rb") as file:
                parent = int(file.read().rsplit(b")", 1)[1].split()[1])
        except (OSError, ValueError):
            continue
        if parent == server.pid and b"--data" in words:
            found[os.path.basename(words[words.index(b"--data") + 1]).decode()] = int(os.path.basename(directory))
    return found


def postgresql(verb, *more):
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
    home = os.environ["QRX_PG_HOME"]
    as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    subprocess.run([*as_other, programs + "/pg_ctl", "-D", home + "/data", "-l", home + "/socket/log", "-w", *more, verb], cwd="/",
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


class Faults:
    """Less than half of the nodes stand still at a time; the others are killed meanwhile, and the database crashes."""

    def __init__(self, server, chance):
        self.server, self.chance = server, chance
        self.counts = dict.fromkeys(("kill", "crash", "zombie"), 0)
        self.halted, self.waking = set(), []

    def choose(self, most):
        nodes = qrx.wait_for(60, lambda: sorted(pid for pid in node_pids(self.server).values() if pid not in self.halted), "a node")
        return self.chance.sample(nodes, min(most, len(nodes)))

    def kill(self, left):
        """One node, or several at the same time: what is in the memory of all of them matters to nobody."""
        killed = self.choose(min(left, self.chance.choice([1, 1, 2, NODES])))
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        self.counts["kill"] += len(killed)

    def crash(self):
        postgresql("stop", "-m", "immediate")
        postgresql("start")
        self.counts["crash"] += 1

    def zombie(self):
        while len(self.halted) >= (NODES - 1) // 2:
            self.waking.pop(0).join()
        pid = self.choose(1)[0]
        self.halted.add(pid)
        os.kill(pid, signal.SIGSTOP)
        self.counts["zombie"] += 1
        self.waking.append(threading.Thread(target=self.wake, args=(pid,), daemon=True))
        self.waking[-1].start()

    def wake(self, pid):
        time.sleep(ZOMBIE_FOR)
        os.kill(pid, signal.SIGCONT)
        # What it had begun is refused now; only then it may be killed as any other.
        time.sleep(2)
        self.halted.discard(pid)

    def settle(self):
        while self.waking:
            self.waking.pop(0).join()


class Plan:
    def __init__(self):
        self.left = {"kill": int(os.environ.get("QRX_KILLS", "6")), "crash": int(os.environ.get("QRX_CRASHES", "2")),
                     "zombie": int(os.environ.get("QRX_ZOMBIES", "1"))}

    def next(self, faults):
        """Does one of those that are left; the more of a kind, the sooner."""
        what = faults.chance.choices(list(self.left), [*self.left.values()])[0]
        before = faults.counts[what]
        if what == "kill":
            faults.kill(self.left["kill"])
        else:
            getattr(faults, what)()
        self.left[what] -= faults.counts[what] - before

    def is_done(self):
        return not any(self.left.values())


def one_round(server, faults, plan):
    space = server.space()
    # In a store of objects large files are several, stored while the rest comes.
    largest = [20_000_000 if OBJECTS and number == 0 else 500_000 for number in range(4)]
    senders = [Sender(space, number, f"{SEED} {sum(faults.counts.values())}", size) for number, size in enumerate(largest)]
    for sender in senders:
        sender.start()
    for _ in range(FAULTS_A_ROUND):
        if plan.is_done():
            break
        # However slow the machine is: something was acknowledged since the last fault.
        acknowledged = sum(len(sender.files) for sender in senders)
        qrx.wait_for(2 * PATIENCE, lambda before=acknowledged: sum(len(sender.files) for sender in senders) > before + 2
                     or any(sender.error for sender in senders), "files between two faults")
        time.sleep(faults.chance.uniform(0, 1))
        plan.next(faults)
    faults.settle()
    end(senders)
    there = verify(space, senders)
    qrx.check(there > 20, f"only {there} files were sent")
    deleted = insist(lambda: qrx.request("DELETE", space.api_url, headers=space.auth), "deletion")
    qrx.check(deleted.status in (204, 404), f"deleting the space: {deleted!r}")
    return sum(len(sender.files) for sender in senders), sum(sender.bytes_acked for sender in senders), \
        sum(sender.troubles for sender in senders)


@contextlib.contextmanager
def contents(w):
    """Options for where they are, and what the environment needs for that."""
    if not OBJECTS:
        yield [], {}
        return
    with objectstore.ObjectStore(w.path("store")) as store:
        yield ["--blobs", f"s3://{store.bucket}/faults", "--s3-endpoint", store.url], store.env


def check(server, options):
    command = [os.path.join(qrx.BIN, "qrx-serve"), "check", "--data", server.data, *options]
    checked = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, env={**os.environ, **server.env})
    qrx.check_equal(0, checked.returncode, f"check: {checked.stdout} {checked.stderr}")


def main():
    chance = random.Random(SEED)
    plan = Plan()
    print(f"QRX_SEED={SEED}", flush=True)
    with qrx.work() as w, contents(w) as (options, env):
        server = w.server("--create-rate", "0", *options, env=env)
        faults = Faults(server, chance)
        sums = (0, 0, 0)
        began = time.monotonic()
        while not plan.is_done():
            sums = tuple(map(sum, zip(sums, one_round(server, faults, plan))))
            check(server, options)
            counts = ", ".join(f"{what} {count}" for what, count in faults.counts.items())
            print(f"{time.monotonic() - began:.0f} s: {counts}; {sums[0]} files, {sums[1]} bytes acknowledged, {sums[2]} troubles",
                  flush=True)
        qrx.check_equal(0, server.terminate(30), "the end of the nodes")


if __name__ == "__main__":
    sys.exit(main())
