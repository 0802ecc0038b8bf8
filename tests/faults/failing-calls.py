#!/usr/bin/python3
# run: timeout=240
"""Each call by which the server stores something fails once, or is its last: what it acknowledged before and after is kept.
Each call by which it reads fails once: an answer is an error, or is cut, or is right; never a clean end with other bytes.

strace makes the N-th call of each thread fail (EIO, ENOSPC) or kills the server at it, in a fixed scenario. The gate tries
some N of each; QRX_ROUNDS=all tries every one. QRX_FAULT='fdatasync:error=EIO:when=3' replays one.
"""
import collections
import contextlib
import http.client
import os
import shutil
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import oracle  # noqa: E402
import qrx  # noqa: E402
import tus  # noqa: E402

CALLS = ["fdatasync", "fsync", "pwrite64", "renameat2", "ftruncate", "fallocate", "unlinkat", "openat", "mkdirat", "linkat"]
FAULTS = {"fdatasync": ["error=EIO", "signal=KILL"], "fsync": ["error=EIO", "signal=KILL"],
          "pwrite64": ["error=ENOSPC", "error=EIO", "signal=KILL"], "openat": ["error=EMFILE"]}
DEFAULT_FAULTS = ["error=ENOSPC", "signal=KILL"]
TROUBLE = (OSError, http.client.HTTPException)
ANSWERS = (200, 201, 202, 204, 500, 503, 507, 404, 409, 410, 423)  # a step whose forerunner failed may find nothing


class Scenario:
    def __init__(self, w, judge):
        self.w, self.judge = w, judge
        self.space = None

    def step(self, *wanted):
        """Judges an answer: True when it is a wanted one, False for an error that a failing disk excuses."""
        def judge(answer):
            if answer.status in wanted:
                return True
            qrx.check(answer.status in ANSWERS, f"an odd answer to a failing disk: {answer!r}")
            return False
        return judge

    def run(self, server):
        answer = qrx.request("POST", server.url + "/api/v1/spaces", b"{}", {"Content-Type": "application/json"})
        if not self.step(201)(answer):
            return
        space = self.space = qrx.Space(server, answer.json())
        self.judge.space(space)
        data = [next(qrx.noise(size, size), b"") for size in (0, 70_000, 300_000, 900_000, 20, 2000)]
        for number in (1, 3):
            self.judge.may_appear(space, data[number])
            if self.step(201)(qrx.request("PUT", f"{space.upload_url}/put-{number}", data[number])):
                self.judge.committed(space, data[number])
        answer = tus.create(space.upload_url, len(data[2]), "tus")
        if self.step(201)(answer):
            url = tus.location(server.url, answer)
            upload = self.judge.upload(space, url, data[2])
            if self.step(204)(tus.patch(url, 0, data[2][:100_000])):
                upload.acknowledged(100_000)
                if self.step(204)(tus.patch(url, 100_000, data[2][100_000:])):
                    upload.acknowledged(len(data[2]))
                    self.judge.committed(space, data[2])
        answer = qrx.request("POST", space.upload_url + "/deliveries", b"{}", {"Content-Type": "application/json"})
        if self.step(201)(answer):
            delivery = answer.json()["delivery"]
            taken = 0
            for number in (0, 4, 5):
                self.judge.may_appear(space, data[number])
                taken += self.step(202)(qrx.request("PUT", f"{space.upload_url}/deliveries/{delivery}/files/s{number}", data[number]))
            if taken == 3 and self.step(200)(tus.commit(space.upload_url, delivery, 3)):
                for number in (0, 4, 5):
                    self.judge.committed(space, data[number])


class Reads:
    """The same content is asked for again and again, by all ways, from a server whose reads fail."""

    CALLS = {"sendfile": range(1, 6), "pread64": range(1, 41)}
    LARGE = 24_000_000  # more than the buffers of a connection hold: several calls

    def __init__(self, w):
        self.w, self.data = w, w.path("data-reads")
        self.cut = self.errors = self.right = 0
        server = w.server(data=self.data)
        self.judge = oracle.Oracle("tests/faults/failing-calls.py")
        space = self.space = server.space()
        self.judge.space(space)
        sizes = {"large": self.LARGE, "middle": 700_000, "small": 300}
        self.contents = {name: b"".join(qrx.noise(size, size)) for name, size in sizes.items()}
        for name, content in self.contents.items():
            qrx.check_equal(201, qrx.request("PUT", f"{space.upload_url}/{name}", content).status, "PUT")
            self.judge.committed(space, content)
        self.files = {name: f"{space.path}/files/{file['file']}" for name, file in space.files().items()}
        shared = qrx.request("POST", space.api_url + "/shares", b'{"recipients": ["a@example.org"]}', space.auth)
        qrx.check_equal(201, shared.status, f"sharing: {shared!r}")
        self.zip = urllib.parse.urlsplit(shared.json()["shares"][0]["link"]).path + "/all.zip"
        self.wanted = {}
        for path, headers, _ in self.requests():
            answer = qrx.request("GET", server.url + path, headers=headers)
            qrx.check(answer.status in (200, 206), f"GET {path}: {answer!r}")
            self.wanted[path, tuple(headers)] = answer.body
        for name, content in self.contents.items():
            qrx.check(self.wanted[self.files[name], tuple(space.auth)] == content, f"{name} has other bytes")
        server.terminate()

    def requests(self):
        """Path, headers, and the status that goes with a whole answer."""
        yield self.zip, {}, 200
        for path in self.files.values():
            yield path, self.space.auth, 200
        yield self.files["large"], {**self.space.auth, "Range": "bytes=1000000-"}, 206

    def get(self, server, path, headers, good):
        """Reads slowly at first, so that the server must wait and begin another call."""
        wanted = self.wanted[path, tuple(headers)]
        connection = qrx.connect(server.url)
        answer, body, more = None, b"", b""
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            if answer.status != good:
                qrx.check(answer.status in (500, 503), f"an odd answer to a failing disk: {answer.status} {answer.read(300)!r}")
                self.errors += 1
                return
            time.sleep(0.02)
            while len(body) < len(wanted):
                piece = answer.read1(1 << 20)
                if not piece:
                    break
                body += piece
            more = answer.read()
        except TimeoutError:
            qrx.fail(f"{path}: neither the rest nor an end came after {len(body)} of {len(wanted)} bytes")
        except TROUBLE:
            pass  # cut
        finally:
            connection.close()
        qrx.check(not more and wanted.startswith(body), f"{path}: other bytes ({len(body) + len(more)} of {len(wanted)})")
        if len(body) == len(wanted):
            self.right += 1
        elif answer is None:
            self.cut += 1
        else:
            # Content-Length tells that it is cut: a clean end would have had none, or a shorter one.
            qrx.check_equal(str(len(wanted)), answer.getheader("Content-Length"), f"the length of {path}, of which {len(body)} bytes came")
            self.cut += 1

    def one(self, fault):
        try:
            server = self.w.server(data=self.data, prefix=("strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=" + fault))
        except qrx.Failed:
            return  # it could not start: fine, if it can afterwards
        try:
            for _ in range(2):  # each thread has a call that fails
                for path, headers, good in self.requests():
                    self.get(server, path, headers, good)
            qrx.check(server.running(), f"the server ended: {server.err[-1500:]}")
        except qrx.Failed as failure:
            qrx.fail(f"{failure}; again: QRX_FAULT='{fault}' tests/faults/failing-calls.py")
        finally:
            server.kill()

    def run(self, every):
        for call, numbers in self.CALLS.items():
            self.cut = self.errors = self.right = done = 0
            for number in numbers if every else list(numbers)[::max(1, len(numbers) // 6)]:
                self.one(f"{call}:error=EIO:when={number}")
                done += 1
            print(f"{done} times EIO of {call}: {self.right} whole answers, {self.cut} cut, {self.errors} errors")
            qrx.check(self.cut + self.errors, f"EIO of {call} has hit nothing")
        began = time.monotonic()
        server = self.w.server(data=self.data)
        self.judge.back_in_time(server, began)
        self.judge.verify(server)
        self.judge.sweep_and_check(self.data)
        server.terminate()


def one(w, fault, number):
    data = w.path(f"data{number}")
    judge = oracle.Oracle(f"QRX_FAULT='{fault}' tests/faults/failing-calls.py",
                          failed_sync="sync:error" in fault)
    scenario = Scenario(w, judge)
    with contextlib.suppress(*TROUBLE):
        try:
            server = w.server(data=data, prefix=("strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=" + fault))
        except qrx.Failed:
            server = None  # it could not start: fine, if it can afterwards
        if server:
            try:
                scenario.run(server)
                if ":error=" in fault:
                    qrx.check(server.running(), f"the server ended: {server.err[-1500:]}")
            except qrx.Failed as failure:
                qrx.fail(f"{failure}; again: {judge.replay}")
            finally:
                server.kill()
    began = time.monotonic()
    server = w.server(data=data)
    judge.back_in_time(server, began)
    judge.verify(server)
    # A call that failed may have left something to be set aside; a kill may not.
    judge.sweep_and_check(data, allow_quarantine=":error=" in fault)
    server.terminate()
    shutil.rmtree(data, ignore_errors=True)


def count_calls(w):
    """How often the busiest thread makes each call in the scenario."""
    log = w.path("calls")
    server = w.server(data=w.path("data-count"), prefix=("strace", "-ff", "-qq", "-o", log, "-e", "trace=" + ",".join(CALLS)))
    Scenario(w, oracle.Oracle("-")).run(server)
    server.kill()
    counts = collections.Counter()
    for name in os.listdir(w.directory):
        if name.startswith("calls."):
            with open(w.path(name), encoding="utf-8", errors="replace") as file:
                mine = collections.Counter(line.split("(")[0] for line in file)
            for call in CALLS:
                counts[call] = max(counts[call], mine[call])
    return counts


def main():
    if not shutil.which("strace"):
        qrx.skip("there is no strace")
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        qrx.skip("strace may not trace here")
    with qrx.work() as w:
        if os.environ.get("QRX_FAULT"):
            if os.environ["QRX_FAULT"].split(":")[0] in Reads.CALLS:
                Reads(w).one(os.environ["QRX_FAULT"])
            else:
                one(w, os.environ["QRX_FAULT"], 0)
            return
        every = os.environ.get("QRX_ROUNDS") == "all"
        Reads(w).run(every)
        counts = count_calls(w)
        faults = []
        for call in CALLS:
            most = counts[call]
            for kind in FAULTS.get(call, DEFAULT_FAULTS):
                most_tries = most if every else min(most, 6)
                tries = sorted({1 + n * (most - 1) // max(1, most_tries - 1) for n in range(most_tries)})
                faults += [f"{call}:{kind}:when={n}" for n in tries]
        limit = time.monotonic() + 50  # of the gate: what is left untried is told
        done = 0
        for number, fault in enumerate(faults):
            if not every and time.monotonic() > limit:
                break
            one(w, fault, number)
            done += 1
        print(f"{done} of {len(faults)} faults ({dict(counts)})")


if __name__ == "__main__":
    main()
