#!/usr/bin/python3
"""qrx-recv -o NAME where nothing has that name: a file for one file, a directory for several, whoever they come from."""
import os

from qrx import check, check_equal, work
from sharing import share


def tree(top):
    found = []
    for directory, _, files in os.walk(top):
        found += [os.path.relpath(os.path.join(directory, name), top) for name in files]
    return sorted(found)


with work() as w:
    server = w.server()
    a, b = w.file("a.txt", 100), w.file("b.txt", 3_000_000, seed=2)
    owner = {}

    def hold(name, *deliveries, seal):
        """A kept space with these deliveries; its link for others, and its own."""
        receiver = w.start("qrx-recv", "--json", "--keep", "-q", "-s", server.url, "--seal", seal, "-n", str(len(deliveries)), "-o", f"kept-{name}/")
        space = receiver.expect_event("space")
        for files in deliveries:
            w.start("qrx-send", "-q", "-y", "-l", space["drop"], *files).expect_exit(0)
        receiver.expect_exit(0)
        owner[name] = space["owner"]
        return share("--space", space["guid"], f"link:{name}", status=0).links[f"link:{name}"]

    for seal in ("offer", "off"):
        one = hold("one" + seal, [a], seal=seal)
        two = hold("two" + seal, [a, b], seal=seal)
        apart = hold("apart" + seal, [a], [b], seal=seal)
        for what, link, want in (("one", one, None), ("two", two, ["a.txt", "b.txt"]), ("apart", apart, ["a.txt", "b.txt"]),
                                 ("own", owner["two" + seal], ["a.txt", "b.txt"]), ("deep", owner["apart" + seal], ["a.txt", "b.txt"])):
            out = f"out-{what}-{seal}"
            w.start("qrx-recv", "-q", "-o", out, link).expect_exit(0)
            if want is None:
                check_equal(100, os.path.getsize(out), out)
            else:
                check_equal(want, tree(out), out)
        # what is there already stays, and is no place for several files
        with open("there", "w", encoding="ascii") as file:
            file.write("mine")
        for conflict in ("rename", "overwrite"):
            receiver = w.start("qrx-recv", "-q", "--on-conflict", conflict, "-o", "there", two)
            receiver.expect_exit(2)
            check("name a directory" in receiver.err, receiver.err)
            check_equal(4, os.path.getsize("there"))

    # sent just now, and followed while it comes: what was begun beside the name does not stay there
    os.mkdir("live")
    for files, want in (([b], None), ([b, a, w.file("c.bin", 8_000_000, seed=3)], ["a.txt", "b.txt", "c.bin"])):
        for where in ("live/x", "live/y"):
            receiver = w.start("qrx-recv", "--json", "-o", where, "-s", server.url)
            drop = receiver.expect_event("space")["drop"]
            w.start("qrx-send", "-q", "-y", "--limit-rate", "8M", "-l", drop, *files).expect_exit(0)
            receiver.expect_exit(0)
            if want is None:
                check(os.path.isfile(where), where)
            else:
                check_equal(want, tree(where), where)
        check_equal(["x", "y"], sorted(os.listdir("live")))
        for where in ("live/x", "live/y"):
            if os.path.isfile(where):
                os.unlink(where)
