"""Run by wakes.sh. Who waits at one node is woken by what happens at another; addresses with passwords, databases that are not there,
and the module that is missing are told in one line."""
import os
import re
import shutil
import subprocess
import threading

import qrx

SOCKET = os.environ["socket"]
CATALOG = f"postgresql://postgres@/qrx?host={SOCKET}"


class Waiter(threading.Thread):
    """Asks a node again until the space has so many deliveries: that an upload was begun may be told before it has ended."""

    def __init__(self, space, server, count):
        super().__init__(daemon=True)
        self.url, self.auth, self.count = server.url + space.path, space.auth, count
        self.state = self.error = None
        self.after = self.ask("")["seq"]

    def ask(self, query):
        answer = qrx.request("GET", self.url + query, headers=self.auth, timeout=60)
        qrx.check_equal(200, answer.status, "waiting for news")
        return answer.json()

    def run(self):
        try:
            while self.state is None or len(self.state["deliveries"]) < self.count:
                self.state = self.ask(f"?after={self.after}&wait=40")
                self.after = self.state["seq"]
        except Exception as failure:  # whatever it is, the test tells of it
            self.error = failure


def woken(one, two):
    """A node sees at once what another has done, and wakes who waits for it."""
    space = one.space()
    for number in range(1, 11):
        waiter = Waiter(space, two, number)
        waiter.start()
        put = qrx.request("PUT", f"{space.upload_url}/hello{number}.txt", f"hello {number}")
        qrx.check_equal(201, put.status, f"PUT: {put!r}")
        waiter.join(30)
        if waiter.error:
            raise waiter.error
        qrx.check(not waiter.is_alive(), f"the waiter for delivery {number} was not woken")
    file = waiter.state["deliveries"][9]["files"][0]
    qrx.check_equal(b"hello 10", space.at(two).content(file).body, "a file sent to the other node")
    return space


def command(work, *arguments, data, program="qrx-serve", blobs=True):
    where = ["--blobs", "dir:" + work.path("blobs")] if blobs else []
    done = subprocess.run([program, *arguments, "--data", work.path(data), *where], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


def refused(work, status, words, *arguments, **more):
    """One line and perhaps a hint, no secret, and a status that says whether it may pass."""
    got, _, said = command(work, "--bind", "127.0.0.1:0", *arguments, data="four", **more)
    qrx.check(got == status and re.search(words, said), f"{words!r}: {got} {said!r}")
    qrx.check("secret" not in said and len(said.splitlines()) <= 2, f"more than a line and a hint: {said!r}")


def sql(text):
    subprocess.run(["psql", "-q", os.environ["database"], "-c", text], check=True, stdin=subprocess.DEVNULL)


def operator(work, space):
    """Commands beside the nodes, which need no server."""
    status, out, _ = command(work, "list", "--catalog", CATALOG, data="three")
    qrx.check(status == 0 and re.search(rf"^{space.guid}\topen\t10\t", out, re.M), f"list: {status} {out!r}")
    status, _, said = command(work, "migrate", "--catalog", CATALOG, data="three")
    qrx.check(status == 0 and "up to date" in said, f"migrate: {status} {said!r}")


def wrong(work):
    refused(work, 2, "may not contain a password", "--catalog", "postgresql://qrx:secret@localhost/qrx")
    refused(work, 2, "may not contain a password", "--catalog", CATALOG, "--catalog-listen", "postgresql://qrx:secret@localhost/qrx")
    refused(work, 2, "is not an address", "--catalog", "postgresql://[::1/qrx")
    refused(work, 75, "cannot connect", "--catalog", f"postgresql://postgres@/nothing?host={SOCKET}")
    refused(work, 75, "cannot connect", "--catalog", "postgresql://127.0.0.1:1/qrx")
    sql("UPDATE qrx SET writes_since=1000")
    refused(work, 2, "a newer qrx-serve", "--catalog", CATALOG)
    sql("UPDATE qrx SET version=0, writes_since=1")
    refused(work, 75, "qrx-serve migrate|older", "--catalog", CATALOG)
    refused(work, 2, "needs --blobs", "--catalog", CATALOG, blobs=False)
    alone = shutil.copy(os.path.join(qrx.BIN, "qrx-serve"), work.path("alone"))
    refused(work, 75, "qrx-server-cluster", "--catalog", CATALOG, program=alone)


def loaded(server):
    with open(f"/proc/{server.pid}/maps", encoding="utf-8") as maps:
        return maps.read()


def main():
    with qrx.work() as work:
        os.mkdir(work.path("blobs"))
        one, two = (work.server("--blobs", "dir:" + work.path("blobs"), "--catalog", CATALOG, data=work.path(name)) for name in ("one", "two"))
        space = woken(one, two)
        operator(work, space)
        wrong(work)
        # One machine alone has none of this loaded.
        plain = work.server(data=work.path("plain"))
        qrx.check(not re.search("libpq|qrx-postgresql", loaded(plain)), "a node alone has loaded what it does not need")
        qrx.check("libpq" in loaded(one), "a node has no libpq")


if __name__ == "__main__":
    main()
