#!/usr/bin/python3
# run: timeout=180
"""Many small files, sealed: they go together, where the receiver opens such packs, and arrive one by one."""
import filecmp
import json
import os
import pty
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
import sharing  # noqa: E402

NAMES = [f"d{number % 7}/f{number:03}" for number in range(300)]


def make_tree(w, name):
    for number, file in enumerate(NAMES):
        w.file(f"{name}/{file}", number * 37, seed=number + 1)
    os.utime(f"{name}/{NAMES[5]}", (1_000_000_000, 1_000_000_000))
    w.file(f"{name}/large", 3_000_000)
    return name


def check_tree(tree, out):
    _, other, missing = filecmp.cmpfiles(tree, os.path.join(out, tree), NAMES + ["large"], shallow=False)
    qrx.check(not other and not missing, f"{tree}: other {other}, missing {missing}")
    qrx.check_equal(len(NAMES) + 1, sum(len(names) for _, _, names in os.walk(out)), "files in " + out)
    qrx.check_equal(1_000_000_000, int(os.stat(os.path.join(out, tree, NAMES[5])).st_mtime), "when it was modified")


def takes_packs(space):
    answer = qrx.request("GET", space["drop"].split("#")[0].lower(), headers={"Accept": "application/json"})
    return json.loads(answer.body).get("packs", False)


def items_at(server, space):
    guid, token = space["guid"], space["owner"].split("#")[1]
    answer = qrx.request("GET", f"{server.url}/api/v1/spaces/{guid}", headers={"Authorization": "Bearer " + token})
    return [file["name"] for delivery in json.loads(answer.body)["deliveries"] for file in delivery["files"]]


def receiver(w, server, *options, out="out", status=None):
    """One that was killed when it had made its space: what is sent then is there to be looked at, and to be received."""
    os.makedirs(out, exist_ok=True)
    run = w.start("qrx-recv", "--json", "-s", server.url, "-o", out, *options, name="qrx-recv")
    space = run.expect_event("space")
    run.signal(signal.SIGKILL)
    run.wait()
    return space


def send(w, space, *arguments, status=0):
    run = w.start("qrx-send", "-l", space["drop"], *arguments, name="qrx-send")
    run.expect_exit(status)
    return run


def together(w, server, tree):
    space = receiver(w, server)
    qrx.check(takes_packs(space), "the space takes packs")
    sent = send(w, space, tree)
    qrx.check_equal(len(NAMES) + 1, len(sent.out), "sums that qrx-send printed")
    names = items_at(server, space)
    qrx.check(3 <= len(names) <= 40, f"items at the server: {len(names)}")
    qrx.check(all(re.fullmatch(r"[a-z2-7]{26}\.age|qrx-manifest\.age", name) for name in names), f"their names: {names}")
    got = w.start("qrx-recv", "--json", "--sha256", "-o", "out", space["owner"])
    got.expect_exit(0)
    check_tree(tree, "out")
    events = [json.loads(line) for line in got.out]
    saved = [event for event in events if event["event"] == "saved"]
    qrx.check_equal(len(NAMES) + 1, len(saved), "files that are told as saved")
    qrx.check_equal({os.path.getsize(event["path"]) for event in saved}, {event["size"] for event in saved}, "their sizes")
    sums = "".join(f"{event['xxh128']}  {event['path']}\n" for event in saved)
    subprocess.run(["xxh128sum", "-c", "--quiet"], input=sums, text=True, check=True)
    checked = subprocess.run(["xxh128sum", "-c", "--quiet"], input="\n".join(sent.out) + "\n", text=True, cwd="out", check=False, capture_output=True)
    qrx.check_equal(0, checked.returncode, f"the sums that qrx-send printed: {checked.stdout}{checked.stderr}")


def told(w, server, tree):
    """The sender is told of files, and not of items."""
    os.makedirs("told")
    run = w.start("qrx-recv", "--json", "-s", server.url, "-o", "told", name="qrx-recv")
    space = run.expect_event("space")
    sent = w.start("qrx-send", "--json", "--wait", "-l", space["drop"], tree, name="qrx-send")
    sent.expect_exit(0)
    run.expect_exit(0)
    event = next(event for event in map(json.loads, sent.out) if event["event"] == "received")
    qrx.check_equal((len(NAMES) + 1, 0, 0), (event["saved"], event["declined"], event["kept"]), "what the sender was told")
    check_tree(tree, "told")


def one_is_there(w, server, tree):
    """A file that may not be overwritten does not keep the others of its pack from being saved; the sender is told so."""
    there = w.file(f"there/{tree}/{NAMES[8]}", 5, seed=99)
    space = receiver(w, server, "--on-conflict", "refuse", out="there")
    send(w, space, tree)
    got = w.start("qrx-recv", "--on-conflict", "refuse", "-o", "there", space["owner"])
    got.expect_exit(9)
    qrx.check_equal(5, os.path.getsize(there), "the file that was there")
    _, other, missing = filecmp.cmpfiles(tree, f"there/{tree}", NAMES + ["large"], shallow=False)
    qrx.check_equal(([NAMES[8]], []), (other, missing), "what is not as it was sent")
    os.remove(there)
    again = w.start("qrx-recv", "--json", "--on-conflict", "refuse", "-o", "there", space["owner"])
    again.expect_exit(0)
    check_tree(tree, "there")


def asked_for_each(w, server):
    """Where each file is asked for, where others will read it, where they are counted, and where it goes down a stream, files stay by themselves."""
    for options in (("--keep",), ("--max-files", "500"), ("--seal", "off"), ("-o", "single.bin")):
        qrx.check(not takes_packs(receiver(w, server, *options, out="alone")), f"{options}: the space takes no packs")


def as_a_stream(w, server, tree):
    """All the same a stream can be filled from a space that took packs."""
    space = receiver(w, server, out="stream")
    send(w, space, f"{tree}/d1")
    with open("stream.bin", "wb") as file:
        got = w.start("qrx-recv", "-q", "-o", "-", space["owner"], name="qrx-recv", stdout=file)
        got.expect_exit(0)
    contents = []
    for name in NAMES:
        if name.startswith("d1/"):
            with open(f"{tree}/{name}", "rb") as file:
                contents.append(file.read())
    with open("stream.bin", "rb") as file:
        written = file.read()
    qrx.check_equal(sum(map(len, contents)), len(written), "how much was written")
    qrx.check(all(content in written for content in contents), "each file was written, in any order")


def to_a_new_name(w, server, tree):
    """What -o names, and is not there, becomes a directory for the files of a pack, as for files that are by themselves."""
    space = receiver(w, server, out="before")
    send(w, space, f"{tree}/d1")
    qrx.check_equal(2, len(items_at(server, space)), "a pack, and the list")
    w.start("qrx-recv", "-q", "-o", "new-name", space["owner"]).expect_exit(0)
    names = [name[3:] for name in NAMES if name.startswith("d1/")]
    qrx.check_equal(names, sorted(os.listdir("new-name/d1")), "what was saved")


def declined_from_a_stream(w, server, tree):
    """Whoever discards all that a pack holds has it told as declined, and not as saved."""
    space = receiver(w, server, out="declining")
    sender = w.start("qrx-send", "--json", "--wait=60s", "-l", space["drop"], f"{tree}/d1", name="qrx-send")
    sender.expect_event("delivered")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("qrx-recv", ["qrx-recv", "--ask", "--no-progress", "-o", "/dev/null", space["owner"]])
    shown, answered = "", 0
    while True:
        try:
            shown += os.read(terminal, 4096).decode("utf-8", "replace")
        except OSError:
            break
        if shown.count("[y/N/d/a]") > answered:
            answered += 1
            os.write(terminal, b"d\n")
    os.close(terminal)
    qrx.check_equal(0, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), f"declining is no failure: {shown}")
    event = sender.expect_event("received")
    count = sum(name.startswith("d1/") for name in NAMES)
    qrx.check_equal((0, count, 0), (event["saved"], event["declined"], event["kept"]), "what the sender was told")
    sender.expect_exit(4)


def by_a_limited_link(w, server, tree):
    """What a run that was ended has left of a space can be shared, packs and all, for one download."""
    space = receiver(w, server, out="shared")
    send(w, space, tree)
    shared = sharing.share("--space", "-", "-n", "1", "link:one", text=space["owner"], status=0)
    link = shared.links["link:one"]
    got = w.start("qrx-recv", "-q", "-o", "shared", link)
    got.expect_exit(0)
    check_tree(tree, "shared")
    w.start("qrx-recv", "-q", "-o", "nobody", link).expect_exit(5)
    qrx.check_equal("downloaded", sharing.share("--space", "-", "--list", "link:one", text=space["owner"], status=0).states["link:one"], "the link")


with qrx.work() as work:
    server_ = work.server()
    tree_ = make_tree(work, "tree")
    together(work, server_, tree_)
    told(work, server_, tree_)
    one_is_there(work, server_, tree_)
    asked_for_each(work, server_)
    as_a_stream(work, server_, tree_)
    to_a_new_name(work, server_, tree_)
    declined_from_a_stream(work, server_, tree_)
    by_a_limited_link(work, server_, tree_)
