#!/usr/bin/python3
# run: timeout=240
"""A server that lies, or a network that changes what passes: neither tool reports a success that did not happen."""
import json
import os
import sys

import pexpect

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
from lying import Liar  # noqa: E402


def read(path):
    with open(path, "rb") as file:
        return file.read()


def all_files(top):
    return sorted(os.path.relpath(os.path.join(at, name), top) for at, _, names in os.walk(top) for name in names)


# --- the sender


def other_sum(want):
    """Another sum in the answers to that method."""
    def lie(method, _path, answer):
        if method == want and "Qrx-Xxh128" in answer.headers:
            answer.headers["Qrx-Xxh128"] = "0" * 32
    return lie


def other_commit(change):
    def lie(method, path, answer):
        if method == "POST" and path.endswith("/commit"):
            state = json.loads(answer.body)
            change(state["files"])
            answer.body = json.dumps(state).encode()
    return lie


def sum_of(index):
    return other_commit(lambda files: files[index].update(xxh128="0" * 32))


def other_sum_of_many(method, path, answer):
    if method == "POST" and path.endswith("/files") and answer.status == 202:
        answer.body = json.dumps({"xxh128": ["0" * 32, *json.loads(answer.body)["xxh128"][1:]]}).encode()


def lies_to_sender(w, server):
    small = [w.file(f"s/{n}.txt", 1000, seed=n) for n in range(3)]
    large = w.file("large.bin", 3_000_000)
    manifest = other_commit(lambda files: [f.update(xxh128="0" * 32) for f in files if f["name"] not in sealed_names(files)])
    cases = [  # what, its lie, sealed, what is sent, what is said
        ("small files", other_sum_of_many, False, small, "received other bytes"),
        ("a large file", other_sum("PATCH"), False, [large], "received other bytes"),
        ("a stream", other_sum("PATCH"), False, ["-"], "received other bytes"),
        ("the list of sealed files", other_sum("PUT"), True, [large], "other bytes of the list of files"),
        ("a sealed large file", other_sum("PATCH"), True, [large], "received other bytes"),
        ("the commit's sum", sum_of(0), False, small, "has other bytes"),
        ("the commit's size", other_commit(lambda files: files[0].update(size=999)), False, small, "has other bytes"),
        ("a file left out of the commit", other_commit(lambda files: files.pop()), False, small, "has other bytes"),
        ("the commit's sum of a large file", sum_of(0), False, [large], "has other bytes"),
        ("the commit's sum of a stream", sum_of(0), False, ["-"], "has other bytes"),
        ("the commit's sum of the list", manifest, True, [large], "another list of files"),
    ]
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "-n", "99", "-o", w.path("sealed/"))
    key = recv.expect_event("space")["drop"]
    for what, lie, sealed, files, said in cases:
        for honest in (True, False):
            liar = Liar(server, (lambda *_: None) if honest else lie)
            link = liar.link(key if sealed else f"{server.url}/u/{server.space().guid}")
            with open(large, "rb") as stdin:
                send = w.tool("qrx-send", "--yes", "--no-progress", "--link", link, *files, stdin=stdin)
                status = send.wait()
            liar.http.shutdown()
            label = f"{what}, {'honest' if honest else 'lied about'}: {send.err[-500:]}"
            qrx.check_equal(0 if honest else 6, status, f"exit status, {label}")
            qrx.check_equal(len(files) if honest else 0, len(send.out), f"lines on stdout, {label}")
            qrx.check(honest or (liar.told and said in send.err), label)
    recv.kill()


def sealed_names(files):
    """Of a sealed delivery: all but the list, which is the smallest."""
    least = min(files, key=lambda file: file["size"])
    return [file["name"] for file in files if file is not least]


# --- the receiver


def stored(w, server, size=1_000_000, name="photo.bin"):
    space = server.space()
    data = b"".join(qrx.noise(size, 5))
    qrx.check_equal(201, qrx.request("PUT", f"{space.upload_url}/{name}", data).status, "PUT")
    return space, data


def changed_bytes(w, server):
    space, data = stored(w, server)

    def lie(_method, path, answer):
        if "/files/" in path and len(answer.body) > 1000:
            answer.body = answer.body[:-1000] + bytes([answer.body[-1000] ^ 1]) + answer.body[-999:]

    liar = Liar(server, lie)
    out = w.path("changed/")
    recv = w.tool("qrx-recv", "--no-progress", "-o", out, liar.link(space.owner))
    recv.expect_exit(6)
    qrx.check_equal([], recv.out, "paths told")
    qrx.check_equal([], [name for name in all_files(out) if not name.startswith(".")], "saved")
    with open(w.path("changed.stream"), "wb") as sink:
        w.tool("qrx-recv", "--no-progress", "-o", "-", liar.link(space.owner), stdout=sink).expect_exit(6)
    # The space is not used up by that: an honest way brings it.
    w.tool("qrx-recv", "--no-progress", "-o", out, space.owner).expect_exit(0)
    qrx.check(read(out + "photo.bin") == data, "other bytes")


def another_on_resume(w, server):
    """The rest comes of another content: never a mix under the final name."""
    space, data = stored(w, server)
    other = bytes(byte ^ 1 for byte in data)
    gets = []

    def lie(_method, path, answer):
        if "/files/" not in path:
            return
        gets.append(answer.status)
        if len(gets) == 1:
            answer.cut = 600_000
            return
        answer.headers["ETag"] = '"xxh128-' + "1" * 32 + '"'
        answer.body = other[-len(answer.body):]

    out = w.path("resumed/")
    w.tool("qrx-recv", "--no-progress", "-o", out, Liar(server, lie).link(space.owner)).expect_exit(6)
    qrx.check(206 in gets, f"it did not go on where it was cut: {gets}")
    qrx.check_equal([], [name for name in all_files(out) if not name.startswith(".")], "saved")
    gets.clear()
    with open(w.path("resumed.stream"), "wb") as sink:
        w.tool("qrx-recv", "--no-progress", "-o", "-", Liar(server, lie).link(space.owner), stdout=sink).expect_exit(6)


def more_than_said(w, server):
    """Bytes behind the last one that was announced: of small and large files, sealed and not, in files and streams, while they
    are being sent and afterwards. The file is not taken, and others beside it are."""
    small, large = w.file("more/small.bin", 5000, seed=3), w.file("more/large.bin", 700_000, seed=4)

    def lie(method, path, answer):
        one, many = "/files/" in path, method == "GET" and "/contents?" in path
        if (one or many) and answer.status in (200, 206) and len(answer.body) > 1000:
            answer.body += b"!"

    for number, (source, seal, stream) in enumerate((s, e, t) for s in (small, large) for e in ("offer", "off") for t in (True, False)):
        liar = Liar(server, lie)
        out = w.path(f"more-out{number}")
        os.mkdir(out)
        recv = w.tool("qrx-recv", *(("-q", "-o", "-") if stream else ("--json", "--no-progress")), "-s", liar.url, "--seal", seal, cwd=out)
        drop = qrx.wait_for(20, lambda r=recv: [word for word in r.err.split() if "/U/" in word], "the link")[0] if stream else recv.expect_event("space")["drop"]
        other = [] if stream else [w.file("more/few.txt", 10, seed=6)]
        w.tool("qrx-send", "-y", "--no-progress", "-l", drop, source, *other).expect_exit(0)
        label = f"{source}, {seal}, stream {stream}"
        recv.expect_exit(6)
        qrx.check(liar.told > 0 and "more of a file than it announced" in recv.err, f"{label}: {recv.err[-500:]}")
        qrx.check_equal([] if stream else ["few.txt"], [name for name in all_files(out) if not name.startswith(".")], label)


def far_more_than_said(w, server):
    """Of a small file so much that no refusal is that long: not asked for again and again."""
    space, _ = stored(w, server, size=5000)

    def lie(_method, path, answer):
        if "/files/" in path:
            answer.body += bytes(100_000)

    liar = Liar(server, lie)
    recv = w.tool("qrx-recv", "--no-progress", "-o", w.path("far-more/"), liar.link(space.owner))
    recv.expect_exit(6)
    qrx.check(liar.told == 2 and "longer than" in recv.err, f"asked {liar.told} times: {recv.err}")


def whole_on_resume(w, server):
    """A way that ignores Range: the front that is here already is passed over; and once it is shorter than that, it begins anew."""
    space, data = stored(w, server)
    for shorter in (False, True):
        gets = []

        def lie(_method, path, answer, gets=gets, shorter=shorter):
            if "/files/" not in path:
                return
            gets.append(answer.status)
            if len(gets) == 1:
                answer.cut = 600_000
            elif len(gets) == 2:
                answer.status = 200
                answer.headers.pop("Content-Range", None)
                answer.body = data[:300_000] if shorter else data

        out = w.path(f"whole-{shorter}/")
        w.tool("qrx-recv", "--no-progress", "-o", out, Liar(server, lie).link(space.owner)).expect_exit(0)
        qrx.check_equal([200, 206] + [200] * shorter, gets, "the requests")
        qrx.check(read(out + "photo.bin") == data, "other bytes")
        gets.clear()
        with open(w.path("whole.stream"), "wb") as sink:
            recv = w.tool("qrx-recv", "--no-progress", "-o", "-", Liar(server, lie).link(space.owner), stdout=sink)
            recv.expect_exit(6 if shorter else 0)
        qrx.check_equal(600_000 if shorter else len(data), len(read(w.path("whole.stream"))), "the stream")


NAMES = ["../../climbed", "/absolute-of-qrx-test", "sub/../../../climbed", "a\x1b[2Jb", "t\x1b]0;owned\x07", "r\rn\nl", "..", ".", "\u202egpj", "c\\..\\d"]


def hostile_names(w, server):
    deep = w.path("box", "deep", "target")
    os.makedirs(deep)
    for number, name in enumerate(NAMES):
        space, data = stored(w, server, size=2000)

        def lie(_method, path, answer, name=name):
            if "/files/" not in path and b'"deliveries"' in answer.body:
                state = json.loads(answer.body)
                for delivery in state["deliveries"]:
                    for file in delivery["files"]:
                        file["name"] = name
                answer.body = json.dumps(state).encode()

        liar = Liar(server, lie)
        at = os.path.join(deep, str(number))
        recv = w.tool("qrx-recv", "--no-progress", "-o", at + "/", liar.link(space.owner))
        status = recv.wait()
        qrx.check(liar.told > 0, "the name was not changed")
        saved = all_files(at) if os.path.isdir(at) else []
        shown = "\n".join(recv.out) + recv.err
        label = f"{name!r}: {status}, {saved}, {shown!r}"
        qrx.check(not any(c in shown for c in "\x1b\x07\r\u202e"), f"raw on the terminal, {label}")
        qrx.check(status not in (-6, -11), label)
        at_terminal = pexpect.run(f"{qrx.BIN}/qrx-recv -o {at}-t/ '{liar.link(space.owner)}'", timeout=60)
        said = at_terminal.decode(errors="replace").replace("\r\n", "\n")
        qrx.check(not any(c in said for c in ("\x1b[2J", "\x1b]", "\x07", "\u202e", "r\rn")), f"raw on the terminal, {label}: {said!r}")
        qrx.check(all(c not in path for path in saved for c in "\x1b\x07\r\n\u202e"), f"raw in a name, {label}")
        qrx.check(status != 0 or [read(os.path.join(at, path)) for path in saved] == [data], f"other bytes, {label}")
    outside = [path for path in all_files(w.path("box")) if not path.startswith("deep/target/")]
    qrx.check_equal([], outside, "files outside of the target")
    qrx.check(not os.path.exists("/absolute-of-qrx-test") and not os.path.exists(w.path("climbed")), "a file outside")


with qrx.work() as work:
    server_ = work.server("--create-rate", "0")
    for case in (lies_to_sender, changed_bytes, another_on_resume, more_than_said, far_more_than_said, whole_on_resume, hostile_names):
        try:
            case(work, server_)
        except qrx.Failed as failure:
            qrx.fail(f"{case.__name__}: {failure}")
