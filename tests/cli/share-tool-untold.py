#!/usr/bin/python3
"""Recipients whom nobody can tell have failed for everyone who asks, until somebody can; and who cannot tell takes nothing away
from a server that can."""
from qrx import check, check_equal, work
from sharing import configure, keep_space, notices, share, teller

with work() as w:
    told, table = teller(w)

    # a server that sends no notices, a machine that sends none
    server = w.server()
    space = keep_space(w, server, w.file("a.bin", 1000))
    said = share("exec:tell:alice", "bob@example.org", "link:Carol", status=3)
    check_equal({"exec:tell:alice": "failed", "bob@example.org": "failed", "link:Carol": "sent"}, said.states)
    check_equal(1, said.err.count("2 recipients were not notified: the server sends no notices"), said.err)
    for further in (["--list"], ["--watch", "-t", "1s"], ["-d", "bob@example.org", "exec:tell:alice"]):
        seen = share("--space", "-", *further, text=space["owner"] + "\n")  # as from another machine
        check_equal(("failed", "failed"), (seen.states["exec:tell:alice"], seen.states["bob@example.org"]), further)
    event = share("--json", "--list", "bob@example.org", status=0, json_lines=True)[0]
    check_equal(("failed", "the server sends no notices", ""), (event["state"], event["reason"], event["via"]))
    check("bob@example.org: the server sends no notices" in share("--list", status=0).err, "the reason in a list")
    said = share("--via", "local", "bob@example.org", status=3)
    check("1 recipient was not notified: sending mail is not configured" in said.err, said.err)

    # a run that can tell them does, once; one that cannot changes nothing after that
    configure(table)
    said = share("exec:tell:alice", "bob@example.org", status=3)
    check_equal({"exec:tell:alice": "sent", "bob@example.org": "failed"}, said.states)
    configure("")
    check_equal("sent", share("exec:tell:alice", status=0).states["exec:tell:alice"])
    check_equal({"exec:tell:alice": "sent", "bob@example.org": "failed", "link:Carol": "sent"}, share("--list", status=0).states)
    check_equal(["alice"], [n["to"] for n in notices(told)])

    # a server that is going to try again
    server.terminate()
    busy = w.path("busy")
    _, table = teller(w, "post", body=f'if [ -e "{busy}" ]; then exit 75; fi')
    with open(w.path("serve.toml"), "w", encoding="utf-8") as file:
        file.write(table)
    with open(busy, "w", encoding="ascii"):
        pass
    server = w.server("--config", w.path("serve.toml"))
    keep_space(w, server, w.file("a.bin", 1000))
    check_equal("queued", share("exec:post:dora", status=0).states["exec:post:dora"])
    check_equal("queued", share("--via", "local", "exec:post:dora", status=0).states["exec:post:dora"], "who cannot tell")
    check_equal("queued", share("--list", status=0).states["exec:post:dora"])
