"""Run by faults.sh. While senders send by all ways: SIGKILL of a node, a node that stands still for longer than the others wait for
it (a zombie), a crash of PostgreSQL. Nobody may lose what was acknowledged, or find it twice.

QRX_KILLS, QRX_CRASHES, QRX_ZOMBIES say how many of each; QRX_SEED replays their order.
"""
import glob
import os
import random
import signal
import subprocess
import sys
import threading
import time

import qrx
from senders import Sender, end, insist, verify

SEED = int(os.environ.get("QRX_SEED") or random.SystemRandom().randrange(1 << 31))
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
    """One node at most stands still; the others are killed meanwhile, and the database crashes."""

    def __init__(self, server, chance):
        self.server, self.chance = server, chance
        self.counts = dict.fromkeys(("kill", "crash", "zombie"), 0)
        self.halted, self.waking = None, None

    def do(self, what):
        getattr(self, what)()
        self.counts[what] += 1

    def choose(self):
        nodes = qrx.wait_for(30, lambda: {name: pid for name, pid in node_pids(self.server).items() if pid != self.halted}, "a node")
        return self.chance.choice(sorted(nodes.items()))[1]

    def kill(self):
        pid = self.choose()
        os.kill(pid, signal.SIGKILL)

    def crash(self):
        postgresql("stop", "-m", "immediate")
        postgresql("start")

    def zombie(self):
        self.settle()
        self.halted = self.choose()
        os.kill(self.halted, signal.SIGSTOP)
        self.waking = threading.Thread(target=self.wake, daemon=True)
        self.waking.start()

    def wake(self):
        time.sleep(ZOMBIE_FOR)
        os.kill(self.halted, signal.SIGCONT)
        # What it had begun is refused now; only then it may be killed as any other.
        time.sleep(2)
        self.halted = None

    def settle(self):
        if self.waking:
            self.waking.join()
        self.waking = None


def one_round(server, faults, plan):
    space = server.space()
    senders = [Sender(space, number, f"{SEED} {sum(faults.counts.values())}") for number in range(4)]
    for sender in senders:
        sender.start()
    for what in plan:
        time.sleep(faults.chance.uniform(0.5, 2))
        faults.do(what)
    faults.settle()
    time.sleep(2)
    end(senders)
    there = verify(space, senders)
    qrx.check(there > 20, f"only {there} files were sent")
    qrx.check_equal(204, insist(lambda: qrx.request("DELETE", space.api_url, headers=space.auth), "deletion").status, "deleting the space")
    return sum(len(sender.files) for sender in senders), sum(sender.bytes_acked for sender in senders), \
        sum(sender.troubles for sender in senders)


def check(server):
    checked = subprocess.run([os.path.join(qrx.BIN, "qrx-serve"), "check", "--data", server.data], capture_output=True, text=True,
                             stdin=subprocess.DEVNULL, check=False)
    qrx.check_equal(0, checked.returncode, f"check: {checked.stdout} {checked.stderr}")


def main():
    chance = random.Random(SEED)
    plan = [what for what, name, usual in (("kill", "QRX_KILLS", 3), ("crash", "QRX_CRASHES", 2), ("zombie", "QRX_ZOMBIES", 1))
            for _ in range(int(os.environ.get(name, usual)))]
    chance.shuffle(plan)
    print(f"QRX_SEED={SEED}", flush=True)
    with qrx.work() as w:
        server = w.server("--create-rate", "0")
        faults = Faults(server, chance)
        sums = (0, 0, 0)
        began = time.monotonic()
        for at in range(0, len(plan), FAULTS_A_ROUND):
            sums = tuple(map(sum, zip(sums, one_round(server, faults, plan[at:at + FAULTS_A_ROUND]))))
            check(server)
            counts = ", ".join(f"{what} {count}" for what, count in faults.counts.items())
            print(f"{time.monotonic() - began:.0f} s: {counts}; {sums[0]} files, {sums[1]} bytes acknowledged, {sums[2]} troubles",
                  flush=True)
        qrx.check_equal(0, server.terminate(30), "the end of the nodes")


if __name__ == "__main__":
    sys.exit(main())
