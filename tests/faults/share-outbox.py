#!/usr/bin/python3
"""Kills between claim, sending and record: nobody is told twice silently, what is not known is called unknown, and what
was queued goes out after the restart."""
import collections
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx

# Logs one line for each notice that it takes. kill-before: the server ends after it claimed and before anything is sent;
# kill-after: after it was sent and before the server can know.
SCRIPT = """#!/usr/bin/python3
import json, os, signal, sys, time
words = json.loads(sys.stdin.readline())
to = words["to"]
def end_server():
    with open(sys.argv[2]) as file:
        os.kill(int(file.read()), signal.SIGKILL)
def log():
    with open(sys.argv[1], "a") as file:
        file.write(json.dumps({"to": to, "link": words["link"], "id": words["id"]}) + "\\n")
        file.flush()
        os.fsync(file.fileno())
if to.startswith("kill-before"):
    marker = sys.argv[1] + "." + to
    if not os.path.exists(marker):
        open(marker, "w").close()
        end_server()
        time.sleep(5)
        sys.exit(1)
log()
if to.startswith("kill-after"):
    marker = sys.argv[1] + "." + to
    if not os.path.exists(marker):
        open(marker, "w").close()
        end_server()
        time.sleep(5)
if to.startswith("slow"):
    time.sleep(0.05)
"""


class Outbox:
    def __init__(self, w):
        self.log, self.pid = w.path("log"), w.path("pid")
        script = w.path("tell")
        with open(script, "w", encoding="ascii") as file:
            file.write(SCRIPT)
        os.chmod(script, 0o755)
        config = w.path("serve.toml")
        with open(config, "w", encoding="ascii") as file:
            file.write(f'[notify]\nper_day = 0\nper_space = 0\n[notify.exec.tell]\ncommand = ["{script}", "{self.log}", "{self.pid}"]\n')
        self.server = w.server("--config", config)
        self.note_pid()

    def note_pid(self):
        with open(self.pid, "w", encoding="ascii") as file:
            file.write(str(self.server.pid))

    def restart(self):
        self.server.kill()
        self.server = self.server.restart()
        self.note_pid()

    def told(self):
        if not os.path.exists(self.log):
            return collections.Counter()
        with open(self.log, encoding="utf-8") as file:
            return collections.Counter(json.loads(line)["to"] for line in file if line.endswith("\n"))


def share(space, recipients, **wish):
    body = json.dumps({"recipients": recipients, "notify": True, **wish})
    answer = qrx.request("POST", space.api_url + "/shares", body, space.auth)
    qrx.check(answer.status in (200, 201), f"sharing: {answer!r}")
    return answer.json()["shares"]


def states(space):
    answer = space.get("/shares")
    qrx.check_equal(200, answer.status, "shares")
    return {one["to"].split(":")[-1]: one for one in answer.json()["shares"]}


def at_rest(space):
    now = states(space)
    return now if all(one["state"] not in ("queued", "sending") for one in now.values()) else None


def at_each_point(w, box):
    space = box.server.space()
    for at, count in (("kill-before", 0), ("kill-after", 1)):
        name = at + "-a"
        share(space, ["exec:tell:" + name])
        box.server.wait(20)
        box.restart()
        space.at(box.server)
        one = qrx.wait_for(10, lambda: at_rest(space), "at rest")[name]
        qrx.check_equal("unknown", one["state"], f"{name}: {one}")
        qrx.check(one["reason"] and one["history"][-1]["state"] == "unknown", f"the history of {name}: {one}")
        share(space, ["exec:tell:" + name])
        time.sleep(0.5)
        qrx.check_equal(count, box.told()[name], f"{name} was told after an unknown fate")
        qrx.check_equal("unknown", states(space)[name]["state"], "state")
        share(space, ["exec:tell:" + name], again=True)
        qrx.wait_for(10, lambda: states(space)[name]["state"] == "sent", "asked for again, it is sent")
        qrx.check_equal(count + 1, box.told()[name], f"{name} was told")


def at_random(w, box, rounds):
    generator = random.Random(20)
    spaces = []
    for number in range(rounds):
        space = box.server.space()
        spaces.append(space)
        names = [f"slow-{number}-{i}" for i in range(12)]
        links = {one["to"].split(":")[-1]: one["link"] for one in share(space, ["exec:tell:" + name for name in names])}
        time.sleep(generator.random() * 0.6)
        box.restart()
        for one in spaces:
            one.at(box.server)
        share(space, ["exec:tell:" + name for name in names])  # as cron does
        now = qrx.wait_for(30, lambda: at_rest(space), "at rest")
        told = box.told()
        for name in names:
            state, count = now[name]["state"], told[name]
            fine = (state == "sent" and count == 1) or (state == "unknown" and count <= 1)
            qrx.check(fine, f"round {number}: {name} is {state} and was told {count} times")
            qrx.check_equal(links[name], now[name]["link"], "the link")
        unknown = sum(one["state"] == "unknown" for one in now.values())
        qrx.check(unknown <= 4, f"round {number}: {unknown} of unknown fate")
    with open(box.log, encoding="utf-8") as file:
        sent = [json.loads(line) for line in file]
    qrx.check_equal(len({one["to"] for one in sent}), len({one["link"] for one in sent}), "links told")


def at_end(w, box):
    """SIGTERM: what is being sent is waited for, the rest waits in the catalog."""
    space = box.server.space()
    names = [f"slow-end-{i}" for i in range(40)]
    share(space, ["exec:tell:" + name for name in names])
    time.sleep(0.2)
    qrx.check_equal(0, box.server.terminate(), "the server's end")
    box.restart()
    space.at(box.server)
    now = qrx.wait_for(30, lambda: at_rest(space), "at rest")
    told = box.told()
    qrx.check(all(one["state"] == "sent" for one in now.values()), f"after a clean end: {collections.Counter(one['state'] for one in now.values())}")
    qrx.check(all(told[name] == 1 for name in names), "each is told once")


with qrx.work() as w:
    box = Outbox(w)
    at_each_point(w, box)
    at_random(w, box, 8)
    at_end(w, box)
