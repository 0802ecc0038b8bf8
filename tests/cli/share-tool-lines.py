#!/usr/bin/python3
"""qrx-share: which space, which recipients, a line for each, the same links again, lists, and links taken back."""
import os
import subprocess

from qrx import check, check_equal, request, work
from sharing import LINK, keep_space, share

with work() as w:
    share("link:Alice", status=5)  # no kept space yet
    server = w.server()
    first = keep_space(w, server, w.file("a.bin", 1000))
    second = keep_space(w, server, w.file("b.bin", 2000), w.file("c.bin", 3000))

    # mistakes in what was asked for
    for arguments, words in ((["nonsense"], "is not an address I understand"), (["a@b.org,c@d.org"], "one @ only"), ([], "no recipients"), (["--space", "x", "a@b.org"], "GUID"),
                             (["--space", second["owner"], "a@b.org"], "stdin"), (["--list", "--revoke", "all"], "cannot be used together"), (["-n", "0", "a@b.org"], ""),
                             (["-m", "x" * 501, "a@b.org"], "500"), (["--timeout", "1s", "a@b.org"], "--watch"), (["--to-file", w.path("nothing")], ""),
                             (["--via", "pigeon", "a@b.org"], "")):
        said = share(*arguments)
        check(said.status in (1, 2) and words in said.err and not said.out, f"{arguments}: {said.status} {said.err}")
    check(second["owner"].split("#")[1] not in share("--space", second["owner"], "a@b.org").err, "the token in a message")
    with open("bad.txt", "w", encoding="utf-8") as file:
        file.write("link:Good\n\nwrong one\n")
    check("bad.txt:3:" in share("--to-file", "bad.txt", status=2).err, "the line of the mistake")

    # fifty recipients, from arguments and files, each once, each with their own link
    with open("team.txt", "w", encoding="utf-8") as file:
        file.write("\ufeff# the team\r\n  link:P0   # first\r\nlink:P1\r\n\r\n#link:no\n" + "".join(f"link:P{i}\n" for i in range(2, 49)) + "link:P0")
    said = share("link:P49", "--to-file", "team.txt", "link:P1", status=0)
    check_equal(["link:P49", "link:P1", "link:P0"] + [f"link:P{i}" for i in range(2, 49)], [to for to, _, _ in said.lines], "recipients")
    links = set(said.links.values())
    check_equal(50, len(links), "different links")
    check(all(LINK.match(link) for link in links), links)
    check_equal({"sent"}, set(said.states.values()))

    # the newest kept space, without reading stdin (a pipe that says nothing and does not end)
    reader, writer = os.pipe()
    again = share("link:P49", "--to-file", "team.txt", "link:P1", status=0, stdin=reader)
    os.close(reader)
    os.close(writer)
    check_equal(said.lines, again.lines, "what a second run says")
    info = request("GET", said.links["link:P0"], headers={"Accept": "application/json"}).json()
    check_equal(["b.bin", "c.bin"], sorted(f["name"] for d in info["deliveries"] for f in d["files"]), "files of the newest space")
    other = share("--space", first["guid"].upper(), "link:P0", status=0)
    check(other.links["link:P0"] not in links, "a link of the other space")
    check_equal(other.lines, share("--space", "-", "link:P0", text=first["owner"] + "\n", status=0).lines, "by an owner link on stdin")
    check_equal(50, len(share("--list", status=0).lines), "--list")
    check_equal(["link:P7"], [to for to, _, _ in share("--list", "link:P7", status=0).lines])

    # a dry run
    said = share("-d", "link:P0", "new@example.org", "link:New", status=0)
    check_equal([("link:P0", "sent"), ("new@example.org", "new"), ("link:New", "new")], [line[:2] for line in said.lines])
    check("-" == said.links["link:New"] and "dry run" in said.err, said.out)
    check_equal(50, len(share("--list", status=0).lines), "links after a dry run")

    # taken back: one, at once; then all; then another link for whoever asks again
    said = share("--revoke", "link:P3", status=0)
    check_equal([("link:P3", "revoked", again.links["link:P3"])], said.lines)
    check_equal(410, request("GET", again.links["link:P3"]).status)
    check_equal(200, request("GET", again.links["link:P4"]).status)
    share("--revoke", "link:P3", status=5)
    share("--revoke", "link:Nobody", status=5)
    check_equal(49, len(share("--revoke", "all", status=0).lines))
    check_equal({410}, {request("GET", link).status for link in links})
    check_equal([], share("--revoke", "all", status=0).lines)
    new = share("link:P3", status=0)
    check(new.links["link:P3"] not in links, "a revoked link came back")
    check_equal(200, request("GET", other.links["link:P0"]).status, "the other space's link")

    # events
    events = share("--json", "link:P3", "link:P4", status=0, json_lines=True)
    check_equal(["share", "share", "done"], [e["event"] for e in events])
    check(all(e["v"] == 1 for e in events) and events[0]["to"] == "link:P3" and events[0]["link"] == new.links["link:P3"], events)
    check_equal((2, 0), (events[2]["recipients"], events[2]["failed"]))
    check(share("--json", "--space", first["guid"], "--list", status=0, json_lines=True)[0]["space"] == first["guid"], "the space of an event")

    # limits of the links
    share("-n", "2", "-e", "1h", "link:Limited", status=0)
    event = [e for e in share("--json", "--list", "link:Limited", status=0, json_lines=True) if e["event"] == "share"][0]
    check_equal(2, event["limit"])
    check(event["expires"] < second["expires"], event)

    # nobody there to be told: the link all the same, and how to have it told
    said = share("alice@example.org", "+8613800138000", "link:Zed", status=3)
    check_equal(["failed", "failed", "sent"], [state for _, state, _ in said.lines])
    check(all(LINK.match(link) for link in said.links.values()) and "qrx-serve.toml(5)" in said.err and "sends no notices" in said.err, said.err)

    # a reader that goes away, a server that is away, a space that is gone
    with subprocess.Popen(["qrx-share", "--list"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as tool:
        tool.stdout.close()
        check_equal(141, tool.wait(20), "exit when nobody reads")
    request("DELETE", server.url + "/api/v1/spaces/" + second["guid"], headers={"Authorization": "Bearer " + second["owner"].split("#")[1]})
    share("--space", second["guid"], "link:P3", status=5)
    server.terminate()
    share("--space", first["guid"], "link:P3", status=75)
