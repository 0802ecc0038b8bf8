"""Run by pooler.sh. Nodes reach their database through PgBouncer, by the modes that can work; those that cannot are told at the start,
in one line. The pooler is killed while senders send: what was acknowledged stays."""
import os
import signal
import subprocess

import qrx
from senders import Receiver, Sender, end, insist, verify

WELL_BELOW_A_POLL = 30  # seconds
HOME = os.environ["QRX_PG_HOME"]


def catalog(pool=None, database="qrx"):
    """Past the pooler, or by a database of its configuration."""
    if pool is None:
        return f"postgresql://postgres@/{database}?host={HOME}/socket"
    return f"postgresql://postgres@/{pool}?host={HOME}/pooler&port=6432"


class Pooler:
    def __init__(self):
        self.process = None
        os.mkdir(HOME + "/pooler", 0o755)
        with open(HOME + "/pooler.ini", "w", encoding="ascii") as file:
            file.write("[databases]\n")
            for mode in ("transaction", "session", "statement"):
                file.write(f"{mode} = host={HOME}/socket dbname=qrx user=postgres pool_mode={mode}\n")
            # As many connections to the database as clients where each keeps one of its own.
            file.write(f"[pgbouncer]\nunix_socket_dir = {HOME}/pooler\nlisten_port = 6432\nauth_type = any\ndefault_pool_size = 40\n")

    def start(self):
        as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        if as_other:
            subprocess.run(["chown", "postgres:", HOME + "/pooler"], check=True)
        with open(HOME + "/pooler.log", "ab") as log:
            self.process = subprocess.Popen([*as_other, "pgbouncer", "-q", HOME + "/pooler.ini"], cwd="/", stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        qrx.wait_for(20, self.answers, "an answer of the pooler")

    def answers(self):
        return subprocess.run(["psql", "-AtqX", f"host={HOME}/pooler port=6432 user=postgres dbname=transaction", "-c", "SELECT 1"],
                              capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def at(space, node):
    return qrx.Space(node, space.created)


def refused(w, words, *arguments):
    done = subprocess.run(["qrx-serve", "--bind", "127.0.0.1:0", "--data", w.path("refused"), "--blobs", "dir:" + w.path("blobs"),
                           *arguments], capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    said = done.stderr.decode()
    qrx.check(done.returncode == 2 and words in said and len(said.splitlines()) <= 2, f"{words!r}: {done.returncode} {said!r}")


def send_and_wait(w, pooler, one, two):
    """Through both, in both directions; the pooler dies in between."""
    space, quiet = one.space(), one.space()
    senders = [Sender(at(space, node), number, "pooler") for number, node in enumerate((one, two))]
    waiting = [Receiver(at(quiet, node)) for node in (one, two)]
    for thread in (*senders, *waiting):
        thread.start()
    done = lambda: [len(sender.files) for sender in senders]
    qrx.wait_for(60, lambda: all(sender.error or sender.files for sender in senders), "files")
    qrx.wait_for(60, lambda: all(receiver.seq for receiver in waiting), "receivers who wait")
    pooler.kill()
    pooler.start()
    before = done()
    qrx.wait_for(60, lambda: all(now > then for now, then in zip(done(), before)) or any(sender.error for sender in senders), "more files")
    end(senders)
    there = verify(space, senders)
    for number, node in enumerate((one, two)):
        sent = insist(lambda node=node, number=number: qrx.request("PUT", f"{at(quiet, node).upload_url}/{number}", b"news"), "a file")
        qrx.check_equal(201, sent.status, f"{sent!r}")
        for receiver in waiting:
            receiver.expect([str(number)], WELL_BELOW_A_POLL)
    for receiver in waiting:
        receiver.stop = True
    print(f"{there} files, {sum(sender.troubles for sender in senders)} troubles", flush=True)


with qrx.work() as w:
    pooler = Pooler()
    pooler.start()
    try:
        def node(name, *arguments):
            return w.server("--blobs", "dir:" + w.path("blobs"), *arguments, data=w.path(name))

        # Transactions are pooled, and what a node hears comes past the pooler; sessions are pooled, and all goes through it.
        by_transactions = node("one", "--catalog", catalog("transaction"), "--catalog-listen", catalog())
        by_sessions = node("two", "--catalog", catalog("session"))
        send_and_wait(w, pooler, by_transactions, by_sessions)
        refused(w, "the pooler of --catalog pools transactions", "--catalog", catalog("transaction"))
        refused(w, "the pooler of --catalog-listen pools transactions", "--catalog", catalog(), "--catalog-listen",
                catalog("transaction"))
        refused(w, "the pooler of --catalog pools statements", "--catalog", catalog("statement"), "--catalog-listen", catalog())
        refused(w, "--catalog-listen is not the database of --catalog", "--catalog", catalog(), "--catalog-listen",
                catalog(database="postgres"))
        for server in (by_transactions, by_sessions):
            qrx.check_equal(0, server.terminate(30), f"the end of a node: {server.err[-1000:]}")
    finally:
        pooler.kill()
