#!/usr/bin/python3
# run: timeout=180
"""qrx-send and qrx-recv through a network that cuts, delays, drops answers and repeats requests: the file arrives, once."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

SEED = int(os.environ.get("QRX_SEED") or random.SystemRandom().randrange(1 << 31))
SIZE = 6_000_000

# What happens on the sender's way, what on the receiver's; what the proxy of each must have done at least, so that the case
# is one at all.
CASES = {
    "cuts on the way up": (["--cut-up", "1000000,200,3000000,50000"], [], {"cuts": 3}, {}),
    "cuts by reset": (["--cut-up", "2000000,700000,3000000", "--reset"], [], {"cuts": 2}, {}),
    "cuts on the way down": ([], ["--cut-down", "1500,200000,2500000,700000,300000,1500"], {}, {"cuts": 2}),
    "answers lost": (["--drop-answers", "3", "--drop-after", "200"], [], {"drops": 3}, {}),
    "last answer lost": (["--drop-answers", "1", "--drop-after", str(SIZE)], [], {"drops": 1}, {}),
    "random cuts everywhere": (["--cut-random", "700000", "--most-cuts", "8"], ["--cut-random", "700000", "--most-cuts", "8"],
                               {"cuts": 1}, {"cuts": 1}),
    "delay": (["--delay", "2"], ["--delay", "2"], {}, {}),
    "repeated requests": (["--repeat", "2"], [], {"repeats": 1}, {}),
    "small packets": (["--trickle", "1400", "--cut-up", "3000000,2000000"], [], {"cuts": 1}, {}),
}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    with qrx.work() as w:
        server = w.server("--create-rate", "0")
        for number, (about, case) in enumerate(CASES.items()):
            if os.environ.get("QRX_CASE") and os.environ["QRX_CASE"] not in about:
                continue
            try:
                one_case(w, server, number, *case)
            except qrx.Failed as failure:
                qrx.fail(f"{about}: {failure}; again: QRX_SEED={SEED} QRX_CASE='{about}' tests/faults/bad-network.py")
            print("ok", about, flush=True)


def one_case(w, server, number, up, down, sender_met, receiver_met):
    source = w.file(f"in/{number}.bin", SIZE + number, seed=number)
    where = w.path(f"out{number}")
    os.mkdir(where)
    sender_way = w.bad_network(server, "--seed", str(SEED), *up) if up else server.url
    receiver_way = w.bad_network(server, "--seed", str(SEED + 1), *down) if down else server.url
    recv = w.tool("qrx-recv", "--json", "--no-progress", "--server", receiver_way, "--output", where)
    drop = recv.expect_event("space")["drop"].lower()
    for way in (receiver_way, server.url):
        drop = drop.replace(way, sender_way)
    send = w.tool("qrx-send", "--yes", "--no-progress", "--link", drop, source)
    send.expect_exit(0, 60)
    recv.expect_exit(0, 60)
    saved = os.listdir(where)
    qrx.check_equal([f"{number}.bin"], saved, "what was saved")
    qrx.check(read(source) == read(os.path.join(where, saved[0])), "other bytes arrived")
    if up:
        did("sender", sender_way, {**sender_met, "up": SIZE})
    if down:
        did("receiver", receiver_way, {**receiver_met, "down": SIZE})


def did(whose, way, least):
    for what, count in least.items():
        got = way.count(what)
        qrx.check(got >= count, f"the proxy of the {whose} did too little: {what} {got}, not {count}")
        print(f"   {whose}: {what} {got}")


if __name__ == "__main__":
    main()
