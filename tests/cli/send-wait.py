#!/usr/bin/python3
# run: timeout=180
"""qrx-send --wait: what the receiver's tool says became of a delivery, by built-in and named servers; exit codes and events."""
import json
import os
import pty
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
from lying import Liar  # noqa: E402


def receive(w, *options, **more):
    receiver = w.tool("qrx-recv", "--json", "-b", "127.0.0.1:0", *options, **more)
    return receiver, receiver.expect_event("space")["drop"]


def send(w, drop, *arguments):
    return w.tool("qrx-send", "--json", "-y", "-l", drop, *arguments)


def declined_at_terminal(w, *files):
    """The person at the receiver's terminal says d: discarded for good, and the sender is told."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("qrx-recv", ["qrx-recv", "--ask", "--no-qr", "--no-progress", "-b", "127.0.0.1:0", "-o", w.path("asked") + "/"])
    shown, sender, answered = "", None, 0
    while True:
        try:
            shown += os.read(terminal, 4096).decode("utf-8", "replace")
        except OSError:
            break
        if "HTTP://" in shown and "/U/" in shown and sender is None:
            sender = send(w, shown[shown.index("HTTP://"):].split()[0], "--wait=60s", *files)
        if shown.count("[y/N/d/a]") > answered:
            answered += 1
            os.write(terminal, b"d\n")
    os.close(terminal)
    qrx.check_equal(0, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), f"declining is no failure: {shown}")
    qrx.check_equal(len(files), answered, f"questions: {shown}")
    return sender


def main():
    with qrx.work() as w:
        server = w.server()
        a, b = w.file("a.txt", 100), w.file("b.bin", 3_000_000, seed=2)

        # saved and verified: sealed and not, files and a text, whoever runs the server
        for options in ((), ("--seal", "off"), ("-s", server.url), ("-s", server.url, "-f"), ("-o", "-")):
            os.makedirs(w.path("in"), exist_ok=True)
            where = ("-o", w.path("in")) if "-o" not in options else ()
            named = "-s" in options
            binding = () if named else ("-b", "127.0.0.1:0")
            json_lines = () if "-o" in options else ("--json",)
            if json_lines:
                receiver = w.tool("qrx-recv", *json_lines, *binding, *where, *options)
                drop = receiver.expect_event("space")["drop"]
            else:
                receiver = w.tool("qrx-recv", "-q", *binding, *options)
                drop = qrx.wait_for(20, lambda r=receiver: r.err.strip(), "the link").split()[0]
            sender = send(w, drop, "--wait=60s", a, b)
            received = sender.expect_event("received")
            qrx.check_equal((2, 0, 0), (received["saved"], received["declined"], received["kept"]), options)
            sender.expect_event("done")
            sender.expect_exit(0)
            qrx.check("received: saved and verified" in sender.err, sender.err)
            if "-f" in options:
                text = send(w, drop, "--wait", "--text", "see you at 8")
                qrx.check_equal(1, text.expect_event("received")["saved"], "a text")
                text.expect_exit(0)
                receiver.signal(15)
                receiver.wait()
            else:
                receiver.expect_exit(0)

        # all of it declined, by a person
        sender = declined_at_terminal(w, a, b)
        received = sender.expect_event("received")
        qrx.check_equal((0, 2, 0), (received["saved"], received["declined"], received["kept"]), "declined")
        sender.expect_exit(4)
        qrx.check("the receiver declined it" in sender.err, sender.err)
        qrx.check_equal([], os.listdir(w.path("asked")), "saved")

        # nobody saves it: not in time; and the space that goes without a word
        space = server.space()
        sender = send(w, space.drop, "--wait=1s", a)
        sender.expect_exit(8)
        qrx.check("not received in time" in sender.err, sender.err)
        sender = send(w, space.drop, "--wait=60s", a)
        sender.expect_event("delivered")
        time.sleep(0.3)
        qrx.check_equal(204, qrx.request("DELETE", space.api_url, headers=space.auth).status)
        sender.expect_exit(5)

        # told by hand, of each file; and the sender who asks after the space is gone
        space = server.space()
        sender = send(w, space.drop, "--wait=60s", a, b)
        delivery = sender.expect_event("delivered")["delivery"]
        files = space.files()

        def tell(state, *names):
            body = {"state": state, **({"files": [files[name]["file"] for name in names]} if names else {})}
            answer = qrx.request("POST", f"{space.api_url}/deliveries/{delivery}/receipt", json.dumps(body),
                                 {**space.auth, "Content-Type": "application/json"})
            qrx.check_equal(204, answer.status, repr(answer))

        tell("declined", "b.bin")
        tell("saved")
        qrx.check_equal("b.bin", sender.expect_event("declined")["name"], "the declined one")
        qrx.check_equal(1, sender.expect_event("received")["saved"])
        sender.expect_exit(3)
        sender = send(w, space.drop, "--wait=60s", a)
        delivery = sender.expect_event("delivered")["delivery"]
        tell("declined")
        sender.expect_exit(4)
        qrx.request("DELETE", space.api_url, headers=space.auth)
        status = qrx.request("GET", f"{space.upload_url}/deliveries/{delivery}?after=0&wait=1").json()
        qrx.check_equal({"saved": 0, "declined": 1, "kept": 0, "missing": 0}, status["receipt"], "after the space is gone")

        # it could not be saved: said at once, and kept
        w.file("full/a.txt", 1)
        receiver, drop = receive(w, "--on-conflict", "refuse", "-o", w.path("full") + "/")
        sender = send(w, drop, "--wait=60s", a)
        qrx.check_equal(1, sender.expect_event("received")["kept"])
        sender.expect_exit(8)
        qrx.check("kept" in sender.err, sender.err)
        receiver.expect_exit(9)

        # killed between saving and telling: the next run in that place tells it
        os.makedirs(w.path("killed"))
        killed = []

        def kill_once(_method, path):
            if path.endswith("/receipt") and not killed:
                killed.append(receiver.pid)
                receiver.kill()
                return False
            return True

        way = Liar(server, before=kill_once)
        receiver = w.tool("qrx-recv", "--json", "-s", way.url, "-n", "2", cwd=w.path("killed"))
        sender = send(w, receiver.expect_event("space")["drop"], "--wait=60s", a, b)
        sender.expect_event("delivered")
        receiver.expect_exit(-9)
        qrx.check_equal(["a.txt", "b.bin"], sorted(os.listdir(w.path("killed"))), "what the killed run had saved")
        again = w.tool("qrx-recv", "--json", "-s", server.url, cwd=w.path("killed"))
        again.expect_event("space")
        received = sender.expect_event("received")
        qrx.check_equal((2, 0, 0), (received["saved"], received["declined"], received["kept"]), "told by the next run")
        sender.expect_exit(0)
        again.kill()
        qrx.check_equal(["a.txt", "b.bin"], sorted(os.listdir(w.path("killed"))), "nothing is saved twice")

        # while it waits a signal ends it, and it was sent
        space = server.space()
        sender = send(w, space.drop, "--wait", a)
        sender.expect_event("delivered")
        time.sleep(0.5)
        sender.signal(2)
        sender.expect_exit(130)
        qrx.check("it was sent" in sender.err, sender.err)

        # hundreds that wait cost no thread
        space = server.space()
        made = qrx.request("POST", f"{space.upload_url}/deliveries", "{}").json()["delivery"]
        qrx.request("PUT", f"{space.upload_url}/deliveries/{made}/files/x", b"x")
        qrx.request("POST", f"{space.upload_url}/deliveries/{made}/commit", "{}")
        before = len(os.listdir(f"/proc/{server.pid}/task"))
        waiting = []
        for _ in range(150):
            c = qrx.connect(server.url)
            c.request("GET", f"/u/{space.guid}/deliveries/{made}?after=1&wait=30")
            waiting.append(c)
        time.sleep(1)
        qrx.check(len(os.listdir(f"/proc/{server.pid}/task")) <= before + 8, "waiting costs threads")
        delivery, files = made, {}
        tell("saved")
        for c in waiting:
            qrx.check_equal(1, json.loads(c.getresponse().read())["receipt"]["saved"])
            c.close()


if __name__ == "__main__":
    main()
