#!/usr/bin/python3
"""Who tells: the server when it can, this machine for those it cannot; and of sealed spaces the key, which goes into links on
this side only, unless --with-key."""
import glob
import os

from qrx import check, check_equal, wait_for, work
from sharing import configure, keep_space, no_secret_in_processes, notices, share, teller, wait_notices


def everything_of(directory):
    out = b""
    for path in glob.glob(directory + "/**", recursive=True):
        if os.path.isfile(path):
            with open(path, "rb") as file:
                out += file.read()
    return out


with work() as w:
    # the server has a command "post" and this machine one called "here"; both have "both"
    on_server, server_table = teller(w, "post")
    server_both, server_both_table = teller(w, "both")
    here, here_table = teller(w, "here")
    os.mkdir(w.path("mine"))
    with open(w.path("serve.toml"), "w", encoding="utf-8") as file:
        file.write(server_table + server_both_table)
    mine = w.path("mine", "both.told")
    with open(w.path("mine", "both.sh"), "w", encoding="ascii") as file:
        file.write(f'#!/bin/sh\ncat >>"{mine}"\n')
    os.chmod(w.path("mine", "both.sh"), 0o755)
    configure(here_table + f'[notify.exec.both]\ncommand = ["{w.path("mine", "both.sh")}"]\n')
    server = w.server("--config", w.path("serve.toml"), "-v")

    # a plain space: the server first
    plain = keep_space(w, server, w.file("a.bin", 1000), seal="off")
    said = share("exec:post:a", "exec:both:b", "exec:here:c", "exec:nowhere:d", status=3)
    check_equal({"exec:post:a": "sent", "exec:both:b": "sent", "exec:here:c": "sent", "exec:nowhere:d": "failed"}, said.states)
    check_equal((["a"], ["b"], ["c"], []), ([n["to"] for n in notices(on_server)], [n["to"] for n in notices(server_both)], [n["to"] for n in notices(here)], notices(mine)))
    check_equal(said.links["exec:post:a"], notices(on_server)[0]["link"])
    said = share("--via", "local", "exec:both:e", "exec:post:f", status=3)
    check_equal({"exec:both:e": "sent", "exec:post:f": "failed"}, said.states)
    check_equal((1, 1), (len(notices(mine)), len(notices(on_server))))
    check_equal("sent", share("exec:post:f", status=0).states["exec:post:f"], "what failed here the server tells")
    said = share("--via", "server", "exec:here:g", "exec:post:h", status=3)
    check_equal({"exec:here:g": "failed", "exec:post:h": "sent"}, said.states)
    check_equal(1, len(notices(here)))

    # a sealed space: this machine tells, with the key; nothing of it reaches the server
    for told in (on_server, server_both, here, mine):
        if os.path.exists(told):
            os.unlink(told)
    sealed = keep_space(w, server, w.file("a.bin", 1000), seal="require")
    with open(os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "identities", sealed["guid"] + ".key"), encoding="ascii") as file:
        key = [line for line in file.read().splitlines() if line.startswith("AGE-SECRET-KEY-1")][0]
    said = share("exec:both:a", "exec:post:b", "link:C", status=3)
    check_equal({"exec:both:a": "sent", "exec:post:b": "failed", "link:C": "sent"}, said.states)
    check(all(link.endswith("#" + key) for link in said.links.values()), said.out)
    check_equal([said.links["exec:both:a"]], [n["link"] for n in notices(mine)])
    check_equal([], notices(server_both) + notices(on_server), "what the server told of a sealed space")
    check_equal(said.links["exec:both:a"], share("--list", "exec:both:a", status=0).links["exec:both:a"])
    no_secret_in_processes(key)
    check(key.encode() not in everything_of(w.path("data")) and key not in server.err, "the key is on the server")

    # sent by the server: without the key, and that is said
    said = share("--via", "server", "exec:both:d", status=0)
    check("do not include the key" in said.err, said.err)
    link = wait_notices(server_both, 1)[0]["link"]
    check("#" not in link and said.links["exec:both:d"] == link + "#" + key, link)
    check(key.encode() not in everything_of(w.path("data")), "the key is on the server")

    # with the key, when asked for; then it is forgotten
    said = share("--with-key", "exec:both:e", status=0)
    check_equal(said.links["exec:both:e"], wait_notices(server_both, 2)[1]["link"])
    check(key not in server.err, "the key in the log")
    wait_for(20, lambda: key.encode() not in everything_of(w.path("data")), "the key left the server's files")

    # without the key on this machine it is said, and the key may come from a file
    os.rename(os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "identities", sealed["guid"] + ".key"), w.path("key"))
    said = share("--list", "link:C", status=0)
    check("their secret key is not on this machine" in said.err and "#" not in said.links["link:C"], said.err)
    check(share("--identity", w.path("key"), "--list", "link:C", status=0).links["link:C"].endswith("#" + key), "--identity")
    os.chmod(w.path("key"), 0o644)
    check_equal(4, share("--identity", w.path("key"), "link:C").status, "a key that others can read")

    # a table that is wrong is told before anything happens
    configure('[notify.mail]\nurl = "smtp://localhost"\n')
    said = share("link:Never", status=2)
    check("notify.mail" in said.err and "from" in said.err, said.err)
    configure("")
    check("link:Never" not in share("--list", status=0).states, "a link was made")
