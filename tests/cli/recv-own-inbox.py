#!/usr/bin/python3
# run: timeout=240
"""qrx-recv --inbox without a server: one of its own, which runs while it receives. Code, key, port and what was sent last
over runs, however they end; an address that changes is told; a port that is taken is an error."""
import json
import os
import re
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
from inboxes import care, inbox, listed, send, stop  # noqa: E402


def state_of(*names):
    return os.path.join(os.environ["XDG_STATE_HOME"], "qrx", *names)


def port_of(space):
    return int(re.search(r":(\d+)$", space["server"]).group(1))


def lasts(w):
    """The same link again, and nothing that was acknowledged is lost."""
    first = inbox(w, "home", "-b", "127.0.0.1:0")
    space = first.expect_event("space")
    qrx.wait_for(10, lambda: "senders can connect only while this command runs" in first.err, "what a newcomer must know")
    qrx.check_equal(0o700, os.stat(state_of("inboxes", "home.server")).st_mode & 0o777, "its directory")
    send(w, space["drop"], w.file("a.bin", 1000))
    qrx.check_equal("a.bin", os.path.basename(first.expect_event("saved")["path"]))
    first.expect_event("delivered")
    qrx.check_equal("open", listed()["home"]["state"])
    qrx.wait_for(20, lambda: listed()["home"]["deliveries"] == 0, "what is saved goes")
    second = inbox(w, "home")
    second.expect_exit(75)
    qrx.check("in use by another qrx-recv" in second.err, second.err)
    stop(first)
    qrx.check("nobody can send to the inbox until it runs again" in first.err, first.err)
    with socket.socket() as probe:
        qrx.check(probe.connect_ex(("127.0.0.1", port_of(space))) != 0, "its server still runs")
    qrx.check_equal("stopped", listed()["home"]["state"])

    again = inbox(w, "home")  # where it listens is known
    qrx.check_equal(space["drop"], again.expect_event("space")["drop"], "the code")
    # The sender is told that it is there while the receiver stands still; then that is killed.
    again.signal(signal.SIGSTOP)
    send(w, space["drop"], w.file("b.bin", 300_000))
    again.kill()
    held = listed()["home"]
    qrx.check_equal(("stopped", 1, 1), (held["state"], held["deliveries"], held["files"]), "what waits")
    third = inbox(w, "home", "-n", "1")  # at once: the killed one's server may still be ending
    qrx.check_equal(space["drop"], third.expect_event("space")["drop"], "the code")
    qrx.check_equal("b.bin", os.path.basename(third.expect_event("saved")["path"]), "what was acknowledged")
    third.expect_exit(0)
    qrx.check_equal(["a.bin", "b.bin"], sorted(os.listdir(w.path("in"))), "saved once each")
    qrx.check_equal(0, listed()["home"]["deliveries"], "what is saved goes")
    return space


def port_in_use(w, space):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port_of(space)))
        other.listen()
        refused = inbox(w, "home")
        refused.expect_exit(1)
        qrx.check(f"127.0.0.1:{port_of(space)}" in refused.err and "hint: codes of this inbox name that port" in refused.err, refused.err)
    # The code was not touched.
    again = inbox(w, "home")
    qrx.check_equal(space["drop"], again.expect_event("space")["drop"], "the code")
    qrx.check("no longer work" not in again.err, again.err)
    stop(again)


def moves(w, space):
    """Another address: the code of before leads nowhere, which is said once, and the new one is remembered."""
    moved = inbox(w, "home", "-b", f"127.0.0.2:{port_of(space)}", "--poster", w.path("new.svg"))
    told = moved.expect_event("space")
    qrx.check_equal(space["guid"], told["guid"], "the same inbox")
    qrx.check_equal(space["drop"].replace("127.0.0.1", "127.0.0.2"), told["drop"], "the new code")
    qrx.check(f"named {space['server']}; now it is {told['server']}" in moved.err and "--poster" in moved.err, moved.err)
    send(w, told["drop"], w.file("c.bin", 10))
    moved.expect_event("delivered")
    qrx.check_equal(told["drop"] + "\n", care("--show", "home").stdout, "the code that works")
    stop(moved)
    again = inbox(w, "home")
    qrx.check_equal(told["drop"], again.expect_event("space")["drop"], "the new code, again")
    qrx.check("no longer work" not in again.err, again.err)
    stop(again)
    public = inbox(w, "home", "--public-url", "http://anna.example:8080")
    qrx.check("ANNA.EXAMPLE:8080/U/" in public.expect_event("space")["drop"], "a name that stays")
    stop(public)


def lost_address(w, name):
    """As when a router gave the machine another address."""
    receiver = inbox(w, name)  # on the address and port that are chosen
    space = receiver.expect_event("space")
    qrx.check(8462 <= port_of(space) <= 8471, space)
    other = inbox(w, name + "-2")
    qrx.check(port_of(other.expect_event("space")) != port_of(space), "two inboxes at once")
    stop(other)
    care("--delete", name + "-2")
    stop(receiver)
    path = state_of("spaces", space["guid"] + ".json")
    with open(path, encoding="utf-8") as file:
        record = json.load(file)
    host = re.search(r"//([^/]*):\d+$", space["server"]).group(1)
    for member in ("drop", "server", "owner"):
        record[member] = record[member].replace(host, "198.51.100.7")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(record, file)
    receiver = inbox(w, name)
    if host.startswith("127."):  # a machine without a network
        receiver.expect_exit(75)
        qrx.check("has no network now" in receiver.err and "198.51.100.7" in receiver.err, receiver.err)
    else:
        qrx.check_equal(space["drop"], receiver.expect_event("space")["drop"], "what works now")
        qrx.check(f"named http://198.51.100.7:{port_of(space)}; now it is {space['server']}" in receiver.err, receiver.err)
        stop(receiver)
    care("--delete", name)


def looked_after(w, space):
    """Whether it runs or not."""
    care("--extend", "30d", "home")
    stopped = listed()["home"]["expires"]
    running = inbox(w, "home", "-e", "40d")
    running.expect_event("space")
    qrx.check(listed()["home"]["expires"] > stopped, "extended by its run")
    busy = care("--delete", "home", status=75)
    qrx.check("in use" in busy.stderr, busy.stderr)
    stop(running)
    named = care("--inbox", "home", "-s", "http://127.0.0.1:9", status=2)
    qrx.check("is on this machine's own server" in named.stderr, named.stderr)
    words = care("--list").stdout.split("\t")
    qrx.check_equal(["home", "stopped", "0"], words[:3], words)
    care("--close", "home")
    qrx.check_equal("closed", listed()["home"]["state"])
    shown = care("--show", "home", status=5)
    qrx.check("home is closed" in shown.stderr and shown.stdout == "", shown.stderr)
    care("--delete", "home")
    qrx.check_equal({}, listed())
    qrx.check(not os.path.exists(state_of("inboxes", "home.server")), "its data")
    for directory in ("spaces", "identities", "recv"):
        qrx.check_equal([], [name for name in os.listdir(state_of(directory)) if space["guid"] in name], directory)
    fresh = inbox(w, "home", "-b", "127.0.0.1:0")
    qrx.check(fresh.expect_event("space")["guid"] != space["guid"], "a new one of that name")
    stop(fresh)
    care("--delete", "home")


def main():
    with qrx.work() as w:
        os.makedirs(w.path("in"))
        space = lasts(w)
        port_in_use(w, space)
        moves(w, space)
        lost_address(w, "auto")
        looked_after(w, space)


main()
