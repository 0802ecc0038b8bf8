#!/usr/bin/python3
"""Before each acknowledgement of bytes everything it promises is on the disk: strace's record of writes, renames, syncs and answers
is read in order. An answer may leave only when the blob was synced after its last write, the directory after the last
rename into it, and the catalog after its last write. With --durability relaxed nothing of that is asked."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
import tus  # noqa: E402

CALLS = ("write,pwrite64,pwritev,pwritev2,writev,splice,copy_file_range,fdatasync,fsync,sync_file_range,rename,renameat,"
         "renameat2,linkat,sendto,sendmsg,syncfs")
# The answers of the scenario, in order, and whether each promises something: opening an upload or a delivery promises no byte.
PROMISES = [("a space", True), ("PUT", True), ("creation", False), ("PATCH", True), ("last PATCH", True), ("opening a delivery", False),
            ("commit", True)]
LINE = re.compile(r"^(?:\d+ +)?([\w]+)\((.*)$")


def scenario(server):
    """Each step with the status that acknowledges it; PROMISES names them in order."""
    space = server.space()
    steps = []

    def step(name, answer, status):
        qrx.check_equal(status, answer.status, f"{name}: {answer!r}")
        steps.append(name)
        return answer

    data = next(qrx.noise(700_000, 1))
    step("PUT", qrx.request("PUT", space.upload_url + "/file", data), 201)
    url = tus.location(server.url, step("creation", tus.create(space.upload_url, len(data), "tus"), 201))
    step("PATCH", tus.patch(url, 0, data[:400_000]), 204)
    step("last PATCH", tus.patch(url, 400_000, data[400_000:]), 204)
    delivery = tus.open_delivery(space.upload_url)
    for number in range(5):
        step("small", qrx.request("PUT", f"{space.upload_url}/deliveries/{delivery}/files/s{number}", data[:1000 + number]), 202)
    step("commit", tus.commit(space.upload_url, delivery, 5), 200)


class Disk:
    """What is written and not yet synced, by path."""

    def __init__(self, data):
        self.data = os.path.realpath(data)
        self.dirty = {}
        self.synced = set()  # (thread, path): what it wrote there itself is on the disk
        self.later = {}  # path: those of whom it was, when others began to write it      # path → why
        self.problems = []
        self.answers = 0

    def ours(self, path):
        return path.startswith(self.data + "/") and not path.endswith(("-shm", "lock"))

    def call(self, name, arguments, pid):
        paths = re.findall(r"\d+<([^<>]*)>", arguments)
        first = paths[0] if paths else ""
        if name in ("write", "pwrite64", "pwritev", "pwritev2", "writev", "splice", "copy_file_range"):
            target = paths[1] if name in ("splice", "copy_file_range") and len(paths) > 1 else first
            if self.ours(target):
                # Of another thread, after this one synced: that begins a change of its own, as the sweeper does.
                if target not in self.dirty:
                    self.later[target] = {(one, path) for one, path in self.synced if path == target and one != pid}
                self.synced.discard((pid, target))
                self.later[target] = {key for key in self.later.get(target, set()) if key[0] != pid}
                self.dirty[target] = name
                return
        if name in ("fdatasync", "fsync"):
            self.dirty.pop(first, None)
            self.later.pop(first, None)
            self.synced.add((pid, first))
        elif name in ("rename", "renameat", "renameat2", "linkat"):
            names = re.findall(r'"([^"]*)"', arguments)
            if len(names) == 2:
                old, new = (os.path.normpath(os.path.join(base, each)) for base, each in
                            zip((paths + ["", ""])[:2] if len(paths) >= 2 else ("", ""), names))
                if old in self.dirty:
                    self.dirty[new] = self.dirty.pop(old)
                if self.ours(new):
                    self.dirty[os.path.dirname(new)] = "rename"
        elif name in ("sendto", "sendmsg", "write", "writev") and "HTTP/1.1 2" in arguments:
            self.answer(arguments, pid)

    def answer(self, arguments, pid):
        status = re.search(r"HTTP/1\.1 (\d+)", arguments)[1]
        if status == "202":
            return  # taken, durable only when its delivery is committed
        name, promises = PROMISES[self.answers] if self.answers < len(PROMISES) else ("?", True)
        self.answers += 1
        for path, why in self.dirty.items() if promises else ():
            if (pid, path) in self.later.get(path, set()):
                continue
            self.problems.append(f"{name} was answered {status} while {os.path.relpath(path, self.data)} was not synced ({why})")


def record(w, name, *arguments):
    log = w.path(name)
    server = w.server(*arguments, data=w.path("data-" + name),
                      prefix=("strace", "-f", "-qq", "-y", "-s", "64", "-o", log, "-e", "trace=" + CALLS, "-e", "signal=none"))
    scenario(server)
    server.kill()
    disk = Disk(server.data)
    unfinished = {}
    with open(log, encoding="utf-8", errors="replace") as file:
        for line in file:
            pid, _, rest = line.partition(" ")
            rest = rest.strip()
            if rest.endswith("<unfinished ...>"):
                unfinished[pid] = rest[:-len("<unfinished ...>")]
                # A write counts from its beginning, a sync from its end, an answer from its beginning.
                if not re.match(r"f(data)?sync\(", rest) and (match := LINE.match(unfinished[pid])):
                    disk.call(match[1], match[2], pid)
                continue
            if match := re.match(r"<\.\.\. (\w+) resumed>(.*)", rest):
                if match[1] in ("fdatasync", "fsync") and pid in unfinished:
                    disk.call(match[1], unfinished.pop(pid).split("(", 1)[1], pid)
                continue
            if match := LINE.match(rest):
                disk.call(match[1], match[2], pid)
    return disk


def main():
    if not shutil.which("strace") or subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True,
                                                     check=False).returncode:
        qrx.skip("strace may not trace here")
    with qrx.work() as w:
        disk = record(w, "durable")
        qrx.check_equal(len(PROMISES), disk.answers, "answers seen")
        qrx.check(not disk.problems, "\n".join(disk.problems))
        relaxed = record(w, "relaxed", "--durability", "relaxed")
        # The same reading of a server that leaves its syncs out: what this test says of the other one means something.
        qrx.check(relaxed.problems, "not one missing sync was noticed with --durability relaxed")
        print(f"{disk.answers} acknowledgements, all synced; relaxed: {len(relaxed.problems)} unsynced things at answers")


if __name__ == "__main__":
    main()
