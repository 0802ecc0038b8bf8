"""For test scripts in python3 (standard library only): servers, tools, HTTP and events, all ended with the script.

    import sys, os; sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
    import qrx
    with qrx.work() as w:               # a directory, removed at the end; the current directory; w.path("a")
        server = w.server()             # qrx-serve on a free port; server.url, .data, .kill(), .restart(), .terminate()
        space = server.space()          # space.guid, .drop, .owner, .token, .state(), .get(path), .upload_url
        answer = qrx.request("PUT", server.url + f"/u/{space.guid}/a.txt", b"body")   # .status .headers .body .json()
        tool = w.tool("qrx-recv", "--json", "-s", server.url)    # .events() .expect_event("space") .wait() .out .err
    qrx.check(condition, "what went wrong")
"""
import contextlib
import json
import os
import queue
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from checks import Failed, check, check_equal, fail, skip, wait_for
from http_requests import Answer, connect, raw, request

__all__ = ["BIN", "SOURCE", "Answer", "Failed", "Process", "Server", "Space", "Way", "Work", "check", "check_equal", "connect", "fail",
           "is_sanitized", "noise", "raw", "request", "skip", "wait_for", "work"]

SOURCE = os.environ.get("QRX_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("QRX_BIN") or os.path.join(SOURCE, "build", "bin"))
SCRIPT = os.path.abspath(sys.argv[0])


def is_sanitized():
    """Is this a build with ASan, UBSan or TSan: several times slower, and not to be started with a preload."""
    libraries = subprocess.run(["ldd", os.path.join(BIN, "qrx-serve")], capture_output=True, text=True, check=False).stdout
    return any(name in libraries for name in ("libasan", "libtsan", "libubsan"))


class Process:
    """A started program. Lines of its stdout come through events() or lines(); stderr goes to a file."""

    def __init__(self, work, arguments, name, stdin=None, env=None, prefix=(), cwd=None, stdout=None):
        self.name = name
        self.err_path = work.path(f"{name}-{work.next_number()}.err")
        program = arguments[0] if "/" in arguments[0] else os.path.join(BIN, arguments[0])
        env = {**os.environ, **(env or {})}
        if prefix and prefix[0] == "strace":  # LeakSanitizer traces, too, and only one may
            env["ASAN_OPTIONS"] = "detect_leaks=0"
        with open(self.err_path, "wb") as err:
            self.popen = subprocess.Popen([*prefix, program, *arguments[1:]], stdin=stdin or subprocess.DEVNULL,
                                          stdout=stdout if stdout is not None else subprocess.PIPE, stderr=err, cwd=cwd,
                                          env=env, start_new_session=True)
        self.out = []
        self._queue = queue.Queue()
        if stdout is None:
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()

    def _read(self):
        for line in self.popen.stdout:
            line = line.decode("utf-8", "replace").rstrip("\n")
            self.out.append(line)
            self._queue.put(line)
        self._queue.put(None)

    @property
    def pid(self):
        return self.popen.pid

    @property
    def err(self):
        with open(self.err_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def next_line(self, timeout=20):
        """The next line of stdout; None at its end."""
        try:
            return self._queue.get(timeout=timeout)
        except queue.Empty:
            fail(f"{self.name} said nothing for {timeout} s; stderr: {self.err[-1500:]}")

    def expect_event(self, name, timeout=20, **values):
        """Reads --json lines until that event comes (with those values); fails at the end or after the time."""
        limit = time.monotonic() + timeout
        while True:
            line = self.next_line(max(0.01, limit - time.monotonic()))
            if line is None:
                fail(f"{self.name} ended without the event {name}; stderr: {self.err[-1500:]}")
            event = json.loads(line)
            if event.get("event") == name and all(event.get(k) == v for k, v in values.items()):
                return event

    def wait(self, timeout=60):
        try:
            status = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            fail(f"{self.name} still runs after {timeout} s; stderr: {self.err[-1500:]}")
        if hasattr(self, "_reader"):
            self._reader.join(5)
        return status

    def expect_exit(self, status, timeout=60):
        got = self.wait(timeout)
        if got != status:
            fail(f"{self.name} ended with {got} instead of {status}; stdout: {self.out[-5:]}; stderr: {self.err[-1500:]}")

    def running(self):
        return self.popen.poll() is None

    def signal(self, number):
        with contextlib.suppress(OSError):
            os.kill(self.pid, number)

    def kill(self):
        """SIGKILL for it and what it started, and waits."""
        with contextlib.suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()
        if hasattr(self, "_reader"):
            self._reader.join(5)


class Server(Process):
    def __init__(self, work, arguments, data, bind, env, prefix):
        super().__init__(work, ["qrx-serve", "--bind", bind, "--data", data, *arguments], "qrx-serve", env=env, prefix=prefix)
        self.data, self.arguments, self.env, self.prefix, self._work = data, arguments, env, prefix, work
        try:
            line = self.next_line(30)
        except Failed:
            self.kill()
            raise
        if line is None:
            fail(f"qrx-serve ended at its start with {self.popen.wait()}: {self.err[-1500:]}")
        self.url = line.rstrip("/")
        self.bind = urllib.parse.urlsplit(self.url).netloc

    def space(self, **wish):
        answer = request("POST", self.url + "/api/v1/spaces", json.dumps(wish), {"Content-Type": "application/json"})
        check_equal(201, answer.status, f"making a space: {answer!r}")
        return Space(self, answer.json())

    def restart(self, arguments=None):
        """Starts a new server on the same data and port, after kill() or terminate()."""
        return self._work.server(*(self.arguments if arguments is None else arguments), data=self.data, bind=self.bind,
                                 env=self.env, prefix=self.prefix)

    def terminate(self, timeout=15):
        self.signal(signal.SIGTERM)
        return self.wait(timeout)


class Space:
    def __init__(self, server, created):
        self.server, self.created = server, created
        self.guid, self.token = created["guid"], created["token"]
        self.drop, self.owner = created["drop"], created["owner"]
        self.path = f"/api/v1/spaces/{self.guid}"
        self.auth = {"Authorization": "Bearer " + self.token}

    def at(self, server):
        """The same space at a server that was started again."""
        self.server = server
        return self

    @property
    def api_url(self):
        return self.server.url + self.path

    @property
    def upload_url(self):
        return self.server.url + "/u/" + self.guid

    def get(self, path="", headers=None, **more):
        return request("GET", self.api_url + path, headers={**self.auth, **(headers or {})}, **more)

    def state(self):
        answer = self.get()
        check_equal(200, answer.status, f"state of the space: {answer!r}")
        return answer.json()

    def files(self):
        """All files of committed deliveries: name → description."""
        return {f["name"]: f for d in self.state()["deliveries"] for f in d["files"]}

    def content(self, file, **more):
        return self.get("/files/" + (file["file"] if isinstance(file, dict) else file), **more)


class Way(str):
    """The URL of a badproxy.py. count("up"), count("down"): the bytes it has passed on until now; count("cuts"), "drops",
    "repeats" and so on (its COUNTS): what it has done."""

    def count(self, what):
        from badproxy import COUNTS
        with open(self.counts, "rb") as file:
            return dict(zip(COUNTS, struct.unpack(f"<{len(COUNTS)}Q", file.read()), strict=True))[what]

    def settle(self):
        """Waits until what is still on its way, from one who was killed, has arrived."""
        wait_for(30, lambda: self.count("ended") == self.count("connections"), "an end of all connections")


class Work:
    def __init__(self, directory):
        self.directory = directory
        self._processes = []
        self._number = 0

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def next_number(self):
        self._number += 1
        return self._number

    def start(self, *arguments, name=None, **more):
        process = Process(self, list(arguments), name or os.path.basename(arguments[0]), **more)
        self._processes.append(process)
        return process

    tool = start

    def server(self, *arguments, data=None, bind="127.0.0.1:0", env=None, prefix=()):
        server = Server(self, list(arguments), data or self.path("data"), bind, env, prefix)
        self._processes.append(server)
        return server

    def file(self, name, size, seed=1):
        """A file of reproducible bytes."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            for piece in noise(size, seed):
                file.write(piece)
        return path

    def bad_network(self, server, *options):
        """A badproxy.py in front of a server (its options are told there); gives the URL to use instead, see Way."""
        counts = self.path(f"badproxy-{self.next_number()}.counts")
        proxy = self.start(os.path.join(SOURCE, "tests", "support", "badproxy.py"), "--counts", counts, *options,
                           urllib.parse.urlsplit(server.url).netloc, name="badproxy")
        way = Way("http://" + proxy.next_line())
        way.counts = counts
        return way

    def end(self):
        for process in self._processes:
            if process.running():
                process.kill()


def noise(size, seed=1, piece=1 << 20):
    """Reproducible bytes, in pieces: AES-like speed is not needed, sameness is."""
    import random
    generator = random.Random(seed)
    block = generator.randbytes(min(piece, max(size, 1)))
    number = 0
    while size > 0:
        part = block[:min(size, len(block))]
        if len(part) >= 8:  # each block differs from the others
            part = number.to_bytes(8, "big") + part[8:]
        yield part
        size -= len(part)
        number += 1


@contextlib.contextmanager
def work():
    """The script's directory and its processes. A failure is printed and ends the script with 1."""
    before = os.getcwd()
    directory = tempfile.mkdtemp(prefix="qrx.")
    if not os.environ.get("QRX_TEST_MARK"):  # run by hand: keep away from the person's own files
        os.environ.update(HOME=directory + "/home", XDG_STATE_HOME=directory + "/home/state",
                          XDG_CONFIG_HOME=directory + "/home/config", XDG_RUNTIME_DIR=directory + "/run")
        os.makedirs(directory + "/home")
        os.makedirs(directory + "/run", mode=0o700)
        os.environ.pop("QRX_SERVER", None)
    if not os.environ.get("PATH", "").startswith(BIN + ":"):
        os.environ["PATH"] = BIN + ":" + os.environ.get("PATH", "/usr/bin:/bin")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.chdir(directory)
    w = Work(directory)
    try:
        yield w
    except Failed as failure:
        trace = failure.__traceback__
        lines = []
        while trace:
            if trace.tb_frame.f_code.co_filename == SCRIPT:
                lines.append(str(trace.tb_lineno))
            trace = trace.tb_next
        print(f"FAILED (line {' > '.join(lines)}): {failure}", flush=True)
        w.end()
        sys.exit(1)
    finally:
        w.end()
        os.chdir(before)
        if not os.environ.get("QRX_KEEP"):
            shutil.rmtree(directory, ignore_errors=True)
