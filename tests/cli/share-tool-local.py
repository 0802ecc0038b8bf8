#!/usr/bin/python3
# run: timeout=240
"""qrx-share --via local: each notice once, through kills between claim, sending and record, through failures, other runs and
a server that goes away; a thousand recipients."""
import os
import signal
import time

from qrx import check, check_equal, is_sanitized, wait_for, work
from sharing import configure, keep_space, notices, share, teller, wait_notices

with work() as w:
    server = w.server()
    state = os.path.join(os.environ["XDG_STATE_HOME"], "qrx", "shares")

    # told once, each their own link; what the words are
    told, table = teller(w)
    configure(table)
    space = keep_space(w, server, w.file("a.bin", 1000), w.file("b.bin", 24), options=("--label", "Alice & Co"))
    said = share("--via", "local", "-m", "see you there, Zo\u00eb", "exec:tell:a", "exec:tell:b", status=0)
    got = notices(told)
    check_equal({"a": said.links["exec:tell:a"], "b": said.links["exec:tell:b"]}, {n["to"]: n["link"] for n in got})
    check_equal({("Alice & Co", "2 files, 1.0 KiB")}, {(n["from"], n["summary"]) for n in got})
    check_equal("see you there, Zo\u00eb", got[0]["message"])
    for message in ("see http://evil.example/x", "www.evil.example", "a\u202eb"):
        check("message" in share("-m", message, "exec:tell:z", status=2).err, message)
    check_equal({"sent"}, set(share("exec:tell:a", "--via", "local", "exec:tell:b", status=0).states.values()))
    check_equal({"sent"}, set(share("exec:tell:a", "exec:tell:b", status=0).states.values()), "nor by default")
    check_equal(2, len(notices(told)), "notices after further runs")
    check_equal([], os.listdir(state), "claims that stayed")

    # failures are told and tried again by the next run; a command says so
    os.unlink(told)
    fails = w.path("fail")
    told, table = teller(w, body=f'if [ -e "{fails}" ]; then echo "no such person" >&2; exit 1; fi')
    configure(table)
    with open(fails, "w", encoding="ascii"):
        pass
    said = share("exec:tell:c", "exec:tell:d", "link:e", status=3)
    check_equal({"exec:tell:c": "failed", "exec:tell:d": "failed", "link:e": "sent"}, said.states)
    check("exec:tell:c: exit status 1: no such person" in said.err, said.err)
    os.unlink(fails)
    check_equal({"sent"}, set(share("exec:tell:c", "exec:tell:d", "link:e", status=0).states.values()))
    check_equal(2, len(notices(told)))

    # trouble that passes is tried again at once, a few times
    os.unlink(told)
    count = w.path("count")
    told, table = teller(w, body=f'echo x >>"{count}"; [ "$(wc -l <"{count}")" -ge 2 ] || exit 75')
    configure(table)
    check_equal("sent", share("exec:tell:f", status=0).states["exec:tell:f"])
    check_equal(1, len(notices(told)))

    # killed between claim and record: nobody is told twice silently
    os.unlink(told)
    go_on = w.path("go-on")
    slow, table = teller(w, body=f'echo $$ >"$0.pid"; touch "$0.began"; while [ ! -e "{go_on}" ]; do sleep 0.02; done')
    configure(table)
    tool = w.start("qrx-share", "exec:tell:g", name="killed")
    wait_for(20, lambda: os.path.exists(w.path("tell.sh.began")), "the command runs")
    check_equal("sending", share("--list", "exec:tell:g", status=0).states["exec:tell:g"])
    other = share("exec:tell:g", timeout=60)  # while it runs, another run does not tell
    check_equal(("sending", []), (other.states["exec:tell:g"], notices(slow)))
    with open(w.path("tell.sh.pid"), encoding="ascii") as file:
        command = int(file.read())
    tool.kill()
    wait_for(20, lambda: not os.path.exists(f"/proc/{command}"), "an end of the command, too")
    with open(go_on, "w", encoding="ascii"):
        pass
    said = share("exec:tell:g", "exec:tell:h", status=3)
    check_equal({"exec:tell:g": "unknown", "exec:tell:h": "sent"}, said.states)
    check("ended before it recorded the result" in said.err, said.err)
    check_equal({"exec:tell:g": "unknown", "exec:tell:h": "sent"}, share("exec:tell:g", "exec:tell:h", status=3).states, "and again")
    check_equal(["h"], [n["to"] for n in notices(slow)])
    check_equal({"exec:tell:g": "sent"}, share("exec:tell:g", "--again", status=0).states)
    check_equal(["h", "g"], [n["to"] for n in notices(slow)])
    check_equal([], os.listdir(state), "claims that stayed")

    # interrupted: what is being sent is recorded, the rest is for the next run
    os.unlink(slow)
    os.unlink(go_on)
    os.unlink(w.path("tell.sh.began"))
    people = [f"exec:tell:i{i}" for i in range(12)]
    tool = w.start("qrx-share", *people, name="interrupted")
    wait_for(20, lambda: os.path.exists(w.path("tell.sh.began")), "the command runs")
    tool.signal(signal.SIGINT)
    time.sleep(0.2)
    with open(go_on, "w", encoding="ascii"):
        pass
    tool.expect_exit(130)
    states = share("--list", *people, status=0).states
    check({"sent", "queued"} == set(states.values()), states)
    check_equal(len(notices(slow)), list(states.values()).count("sent"), "what was recorded")
    check_equal({"sent"}, set(share(*people, status=0).states.values()))
    check_equal((12, 12), (len(notices(slow)), len({n["to"] for n in notices(slow)})))

    # the helper is killed in the middle
    os.unlink(slow)
    os.unlink(go_on)
    os.unlink(w.path("tell.sh.began"))
    tool = w.start("qrx-share", "exec:tell:k", name="helperless")
    wait_for(20, lambda: os.path.exists(w.path("tell.sh.began")), "the command runs")
    with open(f"/proc/{tool.pid}/task/{tool.pid}/children", encoding="ascii") as file:
        helper = int(file.read().split()[0])
    os.kill(helper, signal.SIGKILL)
    tool.expect_exit(3)
    check_equal("unknown", tool.out[0].split("\t")[1])

    # the server goes away while it is sent: the record is made up for
    tool = w.start("qrx-share", "exec:tell:l", name="serverless")
    os.unlink(w.path("tell.sh.began"))
    wait_for(20, lambda: os.path.exists(w.path("tell.sh.began")), "the command runs")
    server.kill()
    with open(go_on, "w", encoding="ascii"):
        pass
    tool.expect_exit(75)
    check_equal(1, len(os.listdir(state)), "claims left")
    server = server.restart()
    check_equal({"exec:tell:l": "sent"}, share("exec:tell:l", status=0).states)
    check_equal(1, len([n for n in notices(slow) if n["to"] == "l"]), "notices to l")
    check_equal([], os.listdir(state), "claims that stayed")

    # killed anywhere
    told, table = teller(w, "often", body="sleep 0.01")
    configure(table)
    people = [f"exec:often:p{i}" for i in range(30)]
    for milliseconds in (30, 60, 90, 120, 160, 200, 250, 300, 400):
        tool = w.start("qrx-share", *people, name="killed")
        time.sleep(milliseconds / 1000 * (5 if is_sanitized() else 1))
        tool.kill()
    said = share(*people, timeout=120)
    known = [n["to"] for n in notices(told)]
    check_equal(len(known), len(set(known)), "somebody was told twice")
    for person in people:
        told_once = person.removeprefix("exec:often:") in known
        check(said.states[person] == "unknown" or told_once, f"{person} is {said.states[person]}, but was not told")
    again = share("--again", *people, timeout=120, status=0)
    check_equal({"sent"}, set(again.states.values()))
    known = [n["to"] for n in notices(told)]
    check_equal(30, len(set(known)))
    check(len(known) <= 30 + list(said.states.values()).count("unknown"), "told again without need")

    # two runs at the same time
    for turn in range(2):
        people = [f"exec:often:{turn}q{i}" for i in range(20)]
        both = [w.start("qrx-share", *people, name="both") for _ in range(2)]
        for tool in both:
            tool.wait(60)
            check_equal(people, [line.split("\t")[0] for line in tool.out], "lines, in the order of the recipients")
        known = [n["to"] for n in notices(told) if n["to"].startswith(f"{turn}q")]
        check_equal((20, 20), (len(known), len(set(known))), "notices by two runs")

    # a thousand
    configure(teller(w, "quick")[1])
    with open("many.txt", "w", encoding="ascii") as file:
        file.write("".join(f"exec:quick:m{i}\n" for i in range(60 if is_sanitized() else 900)))
    began = time.monotonic()
    said = share("--to-file", "many.txt", status=0, timeout=200)
    check_equal({"sent"}, set(said.states.values()))
    check_equal(len(said.lines), len(set(said.links.values())), "different links")
    check_equal(len(said.lines), len({n["link"] for n in notices(w.path("quick.told"))}), "different links in notices")
    print(f"{len(said.lines)} recipients in {time.monotonic() - began:.1f} s")
