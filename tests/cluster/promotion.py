"""Run by promotion.sh. The primary dies while senders send and receivers wait, and its standby, for which every commit had waited,
takes its place: the nodes go on by themselves, and nobody loses what was acknowledged.

QRX_ROUNDS=20 runs long, there and back again, QRX_SEED=7 replays.
"""
import os
import random
import sys
import time
import urllib.request

import qrx
from objectstore import free_ports
from senders import Receiver, Sender, end, insist, verify
from standby import Pair

SEED = int(os.environ.get("QRX_SEED") or random.SystemRandom().randrange(1 << 31))
ROUNDS = int(os.environ.get("QRX_ROUNDS", "1"))
WELL_BELOW_A_POLL = 30  # seconds


def at(space, node):
    """The same space as a client of that node."""
    return qrx.Space(node, space.created)


def fail_over(pair, how):
    if how == "stopped":  # as for maintenance
        pair.stop_primary()
    else:
        if how == "killed while commits wait":
            pair.halt_replication()
            time.sleep(1)  # so long they gather
        pair.kill_primary()
    pair.promote()


def round_of(number, pair, nodes, how):
    space, quiet = nodes[0].space(), nodes[0].space()
    senders = [Sender(at(space, node), index, f"{SEED} {number}") for index, node in enumerate(nodes)]
    busy = [Receiver(at(space, node)) for node in nodes]
    waiting = [Receiver(at(quiet, node)) for node in nodes]
    for thread in (*senders, *busy, *waiting):
        thread.start()
    qrx.wait_for(60, lambda: all(sender.error or sender.files for sender in senders), "files before the fault")
    qrx.wait_for(60, lambda: all(receiver.seq for receiver in waiting), "receivers who wait")
    fail_over(pair, how)
    began = time.monotonic()
    before = [len(sender.files) for sender in senders]
    qrx.wait_for(60, lambda: any(len(sender.files) > count for sender, count in zip(senders, before)), "a file after the promotion")
    took = time.monotonic() - began
    qrx.wait_for(60, lambda: all(sender.error or len(sender.files) > count for sender, count in zip(senders, before)), "every node goes on")
    end(senders)
    there = verify(space, senders)
    names = {name for sender in senders for name in sender.files}
    for receiver in busy:
        receiver.expect(names, WELL_BELOW_A_POLL)
    # Nothing happened here: who has waited since before the fault is woken all the same, by each node.
    for index, node in enumerate(nodes):
        sent = insist(lambda node=node, index=index: qrx.request("PUT", f"{at(quiet, node).upload_url}/{index}", b"news"), "a file for who waits")
        qrx.check_equal(201, sent.status, f"{sent!r}")
        for receiver in waiting:
            receiver.expect([str(index)], WELL_BELOW_A_POLL)
    for receiver in (*busy, *waiting):
        receiver.stop = True
    for one in (space, quiet):
        qrx.check_equal(204, insist(lambda one=one: qrx.request("DELETE", one.api_url, headers=one.auth), "deletion").status, "deletion")
    print(f"{how}: {sum(before)} files before, the next {took:.1f} s after the promotion, {there} in all, "
          f"{sum(sender.troubles for sender in senders)} troubles", flush=True)


def doubtful(ports):
    """Commits whose answer was lost: what was found out about them."""
    sums = {}
    for port in ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("qrx_catalog_doubtful_total"):
                    name, value = line.rsplit(" ", 1)
                    sums[name.split('"')[1]] = sums.get(name.split('"')[1], 0) + int(float(value))
    return sums


def main():
    chance = random.Random(SEED)
    print(f"QRX_SEED={SEED}", flush=True)
    pair = Pair()
    with qrx.work() as w:
        try:
            pair.primary.sql("CREATE DATABASE qrx")
            ports = free_ports(3)
            nodes = [w.server("--catalog", pair.catalog("qrx"), "--blobs", "dir:" + w.path("blobs"), "--create-rate", "0",
                              "--metrics-bind", f"127.0.0.1:{port}", data=w.path(f"node{port}")) for port in ports]
            for number in range(ROUNDS):
                pair.replicate()
                # The first is the worst: none of these commits has arrived at the standby.
                how = chance.choice(["killed", "killed while commits wait", "stopped"]) if number else "killed while commits wait"
                round_of(number, pair, nodes, how)
            print(f"commits without an answer: {doubtful(ports)}")
            for node in nodes:
                qrx.check(node.running(), f"a node ended: {node.err[-1000:]}")
                qrx.check_equal(0, node.terminate(30), f"the end of a node: {node.err[-1000:]}")
        finally:
            pair.end()


if __name__ == "__main__":
    sys.exit(main())
