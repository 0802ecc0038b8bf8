#!/usr/bin/python3
"""exec: commands of the configuration: one JSON object on stdin, never a shell, a time limit, exit statuses with a meaning;
and Apprise as such a command."""
import json
import os
import time

from notices import NOTICE, Capture, Helper
from qrx import check, check_equal, wait_for, work


def expect(state, got, reason=""):
    check(got.state == state and reason in got.reason, f"expected {state} with '{reason}', got {got}")


def script(w, name, text):
    path = w.path(name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, 0o755)
    return path


with work() as w:
    good = script(w, "good", '#!/bin/sh\ncat > "$0.in"; for a; do printf "%s\\n" "$a"; done > "$0.args"; env > "$0.env"; ls -l /proc/self/fd > "$0.fds"\n')
    commands = {"good": [good, "$(touch pwned)", "a b", "; touch pwned"],
                "no": [script(w, "no", "#!/bin/sh\necho; echo no such chat >&2; exit 1\n")],
                "busy": [script(w, "busy", "#!/bin/sh\nexit 75\n")],
                "slow": [script(w, "slow", '#!/bin/sh\nsleep 60 &\necho $! > "$0.pid"\nwait\n')],
                "dies": [script(w, "dies", "#!/bin/sh\nkill -9 $$\n")],
                "deaf": [script(w, "deaf", "#!/bin/sh\nexec <&-\nexit 0\n")],
                "noisy": [script(w, "noisy", "#!/bin/sh\nhead -c 3000000 /dev/zero\nexit 1\n")],
                "gone": [w.path("nothing-here")]}
    with Helper({"exec.slow": {"timeout": "1s"}, "exec.off": {"enabled": "false"}}, commands={**commands, "off": [good]},
                env={"QRX_TOKEN": "secret"}) as helper:
        expect("sent", helper.send("exec", "good:`id`$(id)|x", message="quote ' \" `id` $(id)\nnext"))
        with open(good + ".in", encoding="utf-8") as file:
            words = json.loads(file.read())
        check_equal(("`id`$(id)|x", NOTICE["link"], "Alice", "quote ' \" `id` $(id)\nnext"),
                    (words["to"], words["link"], words["from"], words["message"]))
        with open(good + ".args", encoding="utf-8") as file:
            check_equal(commands["good"][1:], file.read().split("\n")[:-1])
        check(not os.path.exists("pwned") and not os.path.exists("/pwned"), "something ran a shell")
        with open(good + ".fds", encoding="utf-8") as file:
            check_equal(4, len([line for line in file if "->" in line]), "descriptors (0, 1, 2 and that of ls)")
        expect("failed", helper.send("exec", "no:x"), "no such chat")
        expect("later", helper.send("exec", "busy:x"))
        began = time.monotonic()
        expect("unknown", helper.send("exec", "slow:x"), "too long")
        check(time.monotonic() - began < 5, "the time limit")
        with open(w.path("slow.pid"), encoding="ascii") as file:
            left = f"/proc/{file.read().strip()}/cwd"
        wait_for(5, lambda: not os.path.exists(left), "the end of what the command left behind")
        expect("unknown", helper.send("exec", "dies:x"), "signal 9")
        expect("sent", helper.send("exec", "deaf:x", message="x" * 400))
        expect("failed", helper.send("exec", "noisy:x"))
        expect("failed", helper.send("exec", "gone:x"), "cannot start")
        expect("failed", helper.send("exec", "other:x"), "is not configured")
        expect("failed", helper.send("exec", "off:x"), "is not configured")

    # Apprise, as the manual page has it: the address is one of its URLs
    apprise = script(w, "apprise-notice", '#!/usr/bin/python3\nimport json, subprocess, sys\nn = json.load(sys.stdin)\n'
                     'sys.exit(subprocess.run(["apprise", "-t", n["subject"], "-b", n["text"], n["to"]]).returncode)\n')
    with Capture((200, b"ok", {})) as hook, Helper({}, commands={"apprise": [apprise]}) as helper:
        expect("sent", helper.send("exec", f"apprise:json://127.0.0.1:{hook.port}/x"))
        body = hook.last().json()
        check(NOTICE["link"] in body["message"] and body["title"] == "Alice sent you 3 files, 12 MB", body)
