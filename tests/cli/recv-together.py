#!/usr/bin/python3
# run: timeout=180
"""Many small files are fetched by few requests, plain and sealed; a server that cannot give them so, and one that lies, are asked
for each, and what is saved is right."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
from lying import Liar  # noqa: E402

FILES = 200


def is_together(path):
    return "/contents?files=" in path


def fetch(w, server, owner, lie, about):
    """Receives all that the space holds through a liar; the requests that it took for many and for one."""
    counts = {"together": 0, "alone": 0, "asked": []}

    def watch(method, path, answer):
        if method != "GET":
            return
        if is_together(path):
            counts["together"] += 1
            counts["asked"].append(path.count(",") + 1)
            lie(answer)
        elif "/files/" in path:
            counts["alone"] += 1

    liar = Liar(server, watch)
    out = w.path(about.replace(" ", "-"))
    os.mkdir(out)
    recv = w.tool("qrx-recv", "--no-progress", "--output", out, liar.link(owner))
    recv.expect_exit(0, 60)
    liar.http.shutdown()
    for number in range(FILES):
        with open(f"{out}/many/{number}", "rb") as got, open(w.path(f"many/{number}"), "rb") as want:
            qrx.check(got.read() == want.read(), f"{about}: another {number}")
    qrx.check_equal(FILES, len(os.listdir(out + "/many")), about + ": files")
    qrx.check(liar.told or lie is honest, about + ": nothing was changed")
    return counts


def stored(w, server):
    space = server.space()
    send = w.tool("qrx-send", "--yes", "--no-progress", "--seal", "off", "--link", space.drop, w.path("many"))
    send.expect_exit(0, 60)
    return space


def honest(_answer):
    pass


def refuse(status):
    def lie(answer):
        answer.status, answer.body = status, b"not here"
    return lie


def damage(answer):
    answer.body = answer.body[:-1] + bytes([answer.body[-1] ^ 1])


def cut(answer):
    answer.cut = len(answer.body) // 2


def shorten(answer):
    answer.body = answer.body[:-1]


def other_size(answer):
    answer.body = answer.body.replace(b'"size":', b'"size":1', 1)


def other_file(answer):
    at = answer.body.index(b'"file":"') + len(b'"file":"')
    answer.body = answer.body[:at] + b"a" * 26 + answer.body[at + 26:]


def leave_out(answer):
    answer.body = b""


def too_much(answer):
    answer.body += b"x" * 3_000_000


def plain(w, server):
    cases = [  # what, how it lies, whether it is asked for each file
        ("a new server", honest, False),
        ("one without the route", refuse(404), True),
        ("an older server", refuse(405), True),
        ("a proxy that refuses long lines", refuse(414), True),
        ("damaged bytes", damage, False),
        ("cut answers", cut, True),
        ("short answers", shorten, True),
        ("another size", other_size, True),
        ("another file", other_file, True),
        ("nothing", leave_out, True),
        ("too much", too_much, True),
    ]
    for what, lie, is_each in cases:
        space = stored(w, server)
        got = fetch(w, server, space.owner, lie, what)
        qrx.check(max(got["asked"]) <= 64, f"{what}: {got}")
        if is_each:
            qrx.check_equal(FILES, got["alone"], f"{what}: {got}")
        else:
            qrx.check(got["together"] < FILES / 10, f"{what}: {got}")
        if lie is honest:
            qrx.check_equal(0, got["alone"], what)
        if lie is damage:
            qrx.check(0 < got["alone"] <= got["together"], f"{what}: only the damaged ones: {got}")


def sealed(w, server):
    for what, lie in (("sealed, a new server", honest), ("sealed, damaged bytes", damage)):
        counts = {"together": 0, "alone": 0}

        def watch(method, path, answer, counts=counts, lie=lie):
            if method == "GET" and is_together(path):
                counts["together"] += 1
                lie(answer)
            elif method == "GET" and "/files/" in path:
                counts["alone"] += 1

        liar = Liar(server, watch)
        out = w.path(what.replace(" ", "-"))
        os.mkdir(out)
        # --keep: files that others may read later are not sealed together.
        recv = w.tool("qrx-recv", "--json", "--no-progress", "--keep", "--seal", "require", "--server", liar.url, "--output", out)
        drop = recv.expect_event("space")["drop"]
        send = w.tool("qrx-send", "--yes", "--no-progress", "--link", liar.link(drop), w.path("many"))
        send.expect_exit(0, 60)
        recv.expect_exit(0, 60)
        for number in range(FILES):
            with open(f"{out}/many/{number}", "rb") as got, open(w.path(f"many/{number}"), "rb") as want:
                qrx.check(got.read() == want.read(), f"{what}: another {number}")
        # The list of the files is fetched alone.
        qrx.check(0 < counts["together"] < FILES / 10 and counts["alone"] <= 2 + counts["together"], f"{what}: {counts}")


with qrx.work() as work:
    for each in range(FILES):
        work.file(f"many/{each}", 1 + each * 11 % 3000, seed=each)
    server_ = work.server()
    plain(work, server_)
    sealed(work, server_)
