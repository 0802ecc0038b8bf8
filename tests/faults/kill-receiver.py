#!/usr/bin/python3
# run: timeout=180
"""SIGKILL of qrx-recv, and of the server under it, while it saves: no half file under its final name, nothing twice, and a
run with the owner link has the same bytes in the end and fetches only what is missing.

QRX_ROUNDS=300 runs long, QRX_SEED=7 replays what a failure printed.
"""
import os
import random
import re
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

ROUNDS = int(os.environ.get("QRX_ROUNDS", "8"))
PARTIAL = re.compile(r"\..+\.[a-z2-7]{8}\.qrx-part")
SLACK = 500_000  # bytes of heads, of small requests, and what is asked for twice
SEED = int(os.environ.get("QRX_SEED") or random.SystemRandom().randrange(1 << 31))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def partial(where, name):
    """How much of a file is there under the name that it has while it is fetched."""
    found = [entry for entry in os.listdir(where) if PARTIAL.fullmatch(entry) and entry.startswith(f".{name}.")]
    qrx.check(len(found) < 2, f"two partials of {name}: {found}")
    return os.path.getsize(os.path.join(where, found[0])) if found else 0


def check_names(where, sources, when, partials=True):
    """Each file is there once, whole, under its own name; or as a partial."""
    for name in os.listdir(where):
        if name in sources:
            qrx.check(read(os.path.join(where, name)) == read(sources[name]), f"{when}: half a file under its final name {name}")
        else:
            qrx.check(partials and PARTIAL.fullmatch(name), f"{when}: {name} is there, too: {sorted(os.listdir(where))}")


def had(where, sources):
    """The bytes that another run needs not to fetch."""
    return sum(os.path.getsize(os.path.join(where, name)) if os.path.exists(os.path.join(where, name)) else partial(where, name)
               for name in sources)


def remembers(guid):
    """Does the receiver know of a run that has not come to its end?"""
    return any(f"{guid}.saved" in names for _, _, names in os.walk(os.environ["XDG_STATE_HOME"]))


class Told:
    kills = middle = resumed = 0  # kills, those of them in the middle of a file, runs that had to go on


def kill_receivers(w, chance, through, link, where, sources, told):
    total = sum(map(os.path.getsize, sources.values()))
    for _ in range(chance.randrange(1, 4)):
        begun = through.count("down")
        moment = chance.uniform(0, 0.9) * (total - had(where, sources))  # the moment of the kill is the point
        recv = w.tool("qrx-recv", "--no-progress", "--output", where, link)
        qrx.wait_for(40, lambda at=begun + moment, recv=recv: through.count("down") >= at or not recv.running(), "the moment of the kill")
        recv.kill()
        if recv.popen.returncode != -signal.SIGKILL:
            qrx.check_equal(0, recv.popen.returncode, f"a run that was not killed: {recv.err}")
            return  # a run that ended: the next would be a new wish
        told.kills += 1
        told.middle += 0 < partial(where, "large.bin") < os.path.getsize(sources["large.bin"])
        check_names(where, sources, "after a kill")
        if all(os.path.exists(os.path.join(where, name)) for name in sources) and not remembers(link.split("/")[-1].split("#")[0]):
            return  # killed after it had done all
    there, begun = had(where, sources), through.count("down")
    w.tool("qrx-recv", "--no-progress", "--output", where, link).expect_exit(0)
    fetched = through.count("down") - begun
    qrx.check(fetched <= total - there + SLACK, f"it began anew: {fetched} bytes came where {there} of {total} were there")
    told.resumed += there > SLACK


def kill_servers(w, server, chance, through, link, where, sources, told):
    total = sum(map(os.path.getsize, sources.values()))
    recv = w.tool("qrx-recv", "--no-progress", "--output", where, link)
    kills = 0
    for part in sorted(chance.uniform(0, 0.9) for _ in range(chance.randrange(1, 4))):
        qrx.wait_for(40, lambda at=part * total: through.count("down") >= at or not recv.running(), "the moment of the kill")
        if not recv.running():
            break
        server.kill()
        kills += 1
        there = had(where, sources)
        told.middle += 0 < partial(where, "large.bin") < os.path.getsize(sources["large.bin"])
        told.resumed += there > SLACK
        check_names(where, sources, "after a kill of the server")
        server = server.restart()
    recv.expect_exit(0)
    fetched = through.count("down")
    qrx.check(fetched <= total + (kills + 1) * SLACK, f"it began anew: {fetched} bytes came of {total}, {kills} kills of the server")
    told.kills += kills
    return server


def one_round(w, server, chance, number, told):
    sources = {name: w.file(f"in{number}/{name}", size, seed=number)
               for name, size in (("large.bin", chance.randrange(5_000_000, 20_000_000)), ("small.txt", 1000))}
    space = server.space()
    where = w.path(f"out{number}")
    os.mkdir(where)
    for name, path in sources.items():
        answer = qrx.request("PUT", f"{space.upload_url}/{name}", read(path))
        qrx.check_equal(201, answer.status, f"PUT: {answer!r}")
    through = w.bad_network(server, "--rate", str(chance.randrange(15, 60) * 1_000_000))
    link = space.owner.replace(server.url, through)
    if number % 3 == 2:
        server = kill_servers(w, server, chance, through, link, where, sources, told["server"])
    else:
        kill_receivers(w, chance, through, link, where, sources, told["receiver"])
    check_names(where, sources, "in the end", partials=False)
    qrx.check_equal(sorted(sources), sorted(os.listdir(where)), "what was saved")
    return server


def main():
    chance = random.Random(SEED)
    told = {"receiver": Told(), "server": Told()}
    again = f"QRX_SEED={SEED} QRX_ROUNDS={{}} tests/faults/kill-receiver.py"
    with qrx.work() as w:
        server = w.server("--create-rate", "0")
        for number in range(ROUNDS):
            try:
                server = one_round(w, server, chance, number, told)
            except qrx.Failed as failure:
                qrx.fail(f"round {number}: {failure}; again: {again.format(number + 1)}")
        for whom, of in told.items():
            summary = f"{of.kills} kills of the {whom}, {of.middle} of them in the middle of a file, it went on {of.resumed} times"
            print(f"{ROUNDS} rounds, {summary}, seed {SEED}")
            qrx.check(ROUNDS < 8 or (of.kills and of.middle and of.resumed), f"{summary}; again: {again.format(ROUNDS)}")


if __name__ == "__main__":
    main()
