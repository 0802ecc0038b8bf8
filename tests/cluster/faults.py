"""Run by faults.sh. While senders send by all ways: SIGKILL of a node, a node that stands still for longer than the others wait for
it, a crash of PostgreSQL. Nobody may lose what was acknowledged, or find it twice. QRX_SEED replays, QRX_ROUNDS=10 runs long."""
import glob
import hashlib
import http.client
import os
import random
import signal
import subprocess
import sys
import threading
import time

import qrx
import tus

SEED = int(os.environ.get("QRX_SEED") or random.SystemRandom().randrange(1 << 31))
ROUNDS = int(os.environ.get("QRX_ROUNDS", "1"))
TROUBLE = (OSError, http.client.HTTPException)


class Ended(Exception):
    """No answer that counts came for so long that the cluster is down."""


class LostUpload(Exception):
    """It was begun and is gone, without a byte: to begin promises nothing that outlives a crash of the database."""


class LostDelivery(Exception):
    """Likewise."""


class Sender(threading.Thread):
    """Uploads one file after the other, and goes on whatever happens; `files` has what is complete."""

    def __init__(self, space, number):
        super().__init__(daemon=True)
        self.space, self.number = space, number
        self.random = random.Random(SEED * 100 + number)
        self.files, self.allowed = {}, {}
        self.stop, self.error = False, None
        self.troubles = 0
        self.promised = False  # bytes of what is being sent were acknowledged

    def run(self):
        try:
            count = 0
            while not self.stop:
                count += 1
                self.send(self.random.choice([self.upload, self.delivery]), f"file-{self.number}-{count}")
        except (qrx.Failed, Ended) as failure:
            self.error = failure

    def send(self, what, name):
        while True:
            self.promised = False
            try:
                return what(name)
            except LostDelivery:
                qrx.check(not self.promised, f"the delivery of {name} is gone, of which bytes were acknowledged")
                self.troubles += 1

    def ask(self, what):
        """`what` again until it has an answer that is no trouble of servers."""
        until = time.monotonic() + 60
        last = None
        while time.monotonic() < until:
            try:
                last = answer = what()
                if answer.status < 500 and answer.status not in (423, 429):
                    return answer
            except TROUBLE as trouble:
                last = trouble
            self.troubles += 1
            time.sleep(0.1)
        raise Ended(f"sender {self.number}: no answer in 60 s: {last!r}")

    def bytes(self):
        return self.random.randbytes(self.random.choice([1, self.random.randrange(1, 5000), self.random.randrange(1, 500_000)]))

    def create(self, name, data, delivery=None):
        answer = self.ask(lambda: tus.create(self.space.upload_url, len(data), name, delivery=delivery))
        if delivery and answer.status == 404:
            raise LostDelivery
        qrx.check_equal(201, answer.status, f"creation: {answer!r}")
        return tus.location(self.space.server.url, answer)

    def go_on(self, url, data):
        acked = 0
        while acked < len(data):
            piece = data[acked:acked + self.random.randrange(1, 200_000)]
            try:
                answer = tus.patch(url, acked, piece)
            except TROUBLE:
                answer = None
            if answer is not None and answer.status == 204:
                acked = int(answer.header("Upload-Offset"))
                self.promised = True
                continue
            self.troubles += 1
            head = self.ask(lambda: tus.head(url))
            if head.status == 404 and acked == 0:
                raise LostUpload
            if head.status not in (200, 204):
                why = tus.patch(url, acked, b"")
                qrx.fail(f"an upload is gone that was acknowledged to {acked} of {len(data)}: {head!r}, {why!r}")
            offset = int(head.header("Upload-Offset"))
            qrx.check(offset >= acked, f"an upload fell from {acked} to {offset}")
            acked = offset
            self.promised = self.promised or offset > 0

    def put(self, name, data, delivery=None):
        while True:
            try:
                return self.go_on(self.create(name, data, delivery), data)
            except LostUpload:
                self.troubles += 1

    def upload(self, name):
        data = self.bytes()
        self.allowed[name] = data
        self.put(name, data)
        self.files[name] = data

    def delivery(self, name):
        """A large file and some small ones; all of them, or none."""
        opened = self.ask(lambda: qrx.request("POST", self.space.upload_url + "/deliveries", b"{}", {"Content-Type": "application/json"}))
        qrx.check_equal(201, opened.status, f"opening a delivery: {opened!r}")
        delivery = opened.json()["delivery"]
        files = {f"{name}-{number}": self.bytes() for number in range(4)}
        self.allowed.update(files)
        for own, data in files.items():
            self.put(own, data, delivery)
        done = self.ask(lambda: tus.commit(self.space.upload_url, delivery, len(files)))
        qrx.check_equal(200, done.status, f"commit: {done!r}")
        self.files.update(files)


def verify(space, senders):
    found = {}
    for delivery in space.state()["deliveries"]:
        for file in delivery["files"]:
            found.setdefault(file["name"], []).append(file)
    allowed = {name: data for sender in senders for name, data in sender.allowed.items()}
    gone = [name for sender in senders for name in sender.files if name not in found]
    if gone:
        again = {file["name"] for delivery in space.state()["deliveries"] for file in delivery["files"]}
        qrx.fail(f"gone, which was acknowledged: {gone}; of these there when asked again: {sorted(again & set(gone))}")
    for name, files in found.items():
        qrx.check(name in allowed, f"{name} is nothing that was sent")
        # A creation whose answer was lost is made again: then one of the two is empty and never complete.
        qrx.check(len(files) == 1, f"{name} is there {len(files)} times")
        body = space.content(files[0]).body
        qrx.check(hashlib.sha256(body).digest() == hashlib.sha256(allowed[name]).digest(), f"{name} has other bytes than were sent")


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


def kill_a_node(server, chance):
    name, pid = chance.choice(sorted(node_pids(server).items()))
    os.kill(pid, signal.SIGKILL)
    return f"killed {name}"


def crash_postgresql(_server, _chance):
    postgresql("stop", "-m", "immediate")
    postgresql("start")
    return "crashed PostgreSQL"


def halt_a_node(server, chance):
    name, pid = chance.choice(sorted(node_pids(server).items()))
    os.kill(pid, signal.SIGSTOP)
    time.sleep(20)
    os.kill(pid, signal.SIGCONT)
    return f"halted {name} for 20 s"


def main():
    chance = random.Random(SEED)
    print(f"QRX_SEED={SEED}")
    with qrx.work() as w:
        server = w.server("--create-rate", "0")
        space = server.space()
        senders = [Sender(space, number) for number in range(4)]
        for sender in senders:
            sender.start()
        for fault in [kill_a_node, crash_postgresql, kill_a_node, halt_a_node, crash_postgresql, kill_a_node] * ROUNDS:
            time.sleep(chance.uniform(0.5, 2))
            print(fault(server, chance), sum(len(sender.files) for sender in senders), "files", flush=True)
        time.sleep(2)
        for sender in senders:
            sender.stop = True
        for sender in senders:
            sender.join(90)
            qrx.check(not sender.is_alive(), f"sender {sender.number} is stuck")
            if sender.error:
                raise sender.error
        verify(space, senders)
        files = sum(len(sender.files) for sender in senders)
        qrx.check(files > 20, f"only {files} files were sent")
        print(f"{files} files, {sum(sender.troubles for sender in senders)} troubles")
        checked = subprocess.run([os.path.join(qrx.BIN, "qrx-serve"), "check", "--data", server.data], capture_output=True, text=True,
                                 stdin=subprocess.DEVNULL, check=False)
        qrx.check_equal(0, checked.returncode, f"check: {checked.stdout} {checked.stderr}")
        qrx.check_equal(0, server.terminate(30), "the end of the nodes")


if __name__ == "__main__":
    sys.exit(main())
