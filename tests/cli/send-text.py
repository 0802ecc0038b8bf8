#!/usr/bin/python3
"""A text instead of files: what the receiver gets on a pipe, in a file, as an event, by --exec, in the clipboard; and the
code on the sender's own screen. Clipboard and screenshot programs are stand-ins in PATH."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx

TEXT = "see you at 8 \u2603\nhttps://example.org/\u202ex\x1b[2J"


def received(w, server, *arguments, options=(), text=TEXT, status=0):
    """What qrx-recv gives for one text: its stdout as bytes, and its stderr."""
    recv = w.tool("qrx-recv", "-s", server.url, "--qr-file", w.path("code.png"), "-t", "60s", *options, stdout=open(w.path("out"), "wb"))
    qrx.wait_for(20, lambda: os.path.exists(w.path("code.png")) and os.path.getsize(w.path("code.png")) > 0, "the code")
    sent = subprocess.run(["qrx-send", "-i", w.path("code.png"), *arguments], input=text.encode(), capture_output=True, check=False, timeout=60)
    os.remove(w.path("code.png"))
    qrx.check_equal(0, sent.returncode, f"qrx-send {arguments}: {sent.stderr}")
    recv.expect_exit(status)
    with open(w.path("out"), "rb") as file:
        return file.read(), recv.err, sent


def stand_in(w, name, script):
    os.makedirs(w.path("programs"), exist_ok=True)
    with open(w.path("programs", name), "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + script)
    os.chmod(w.path("programs", name), 0o755)


def test_on_a_pipe(w, server):
    for seal in ("auto", "off"):
        out, err, sent = received(w, server, "--text", TEXT, "--seal", seal)
        qrx.check_equal(TEXT.encode(), out, f"the bytes of a text, seal {seal}")
        qrx.check("upload successful: a text, 45 B" in err, err)
        words = sent.stdout.decode().split("  ")
        qrx.check_equal("-\n", words[1], "its name among the sums")
        sums = subprocess.run(["xxh128sum", "-"], input=TEXT.encode(), capture_output=True, check=False) if seal == "auto" else None
        if sums and sums.returncode == 0:
            qrx.check_equal(sums.stdout.decode().split()[0], words[0], "its sum")
    qrx.check_equal([], [name for name in os.listdir(w.directory) if name.startswith("text")], "files")


def test_from_stdin_into_a_file(w, server):
    out, _, _ = received(w, server, "-T", "-", options=("-o", w.path("kept.txt")))
    qrx.check_equal(w.path("kept.txt").encode() + b"\n", out, "stdout")
    with open(w.path("kept.txt"), "rb") as file:
        qrx.check_equal(TEXT.encode(), file.read(), "the file")
    out, _, _ = received(w, server, "-T", "-", options=("-o", "-"))
    qrx.check_equal(TEXT.encode(), out, "the stream")


def test_event_and_command(w, server):
    recv = w.tool("qrx-recv", "-s", server.url, "--json", "-n", "2", "--exec", f'printf %s "$QRX_TEXT" >{w.path("said")}')
    drop = recv.expect_event("space")["drop"]
    sender = w.tool("qrx-send", "--json", "-l", drop, "--text", TEXT)
    qrx.check_equal("-", sender.expect_event("sent")["name"])
    sender.expect_exit(0)
    event = recv.expect_event("text")
    qrx.check_equal((TEXT, True, 45), (event["text"], event["sealed"], event["size"]), "the event")
    delivered = recv.expect_event("delivered")
    qrx.check_equal((0, TEXT), (delivered["files"], delivered["message"]), "the delivery")
    qrx.wait_for(10, lambda: os.path.exists(w.path("said")), "the command")
    w.tool("qrx-send", "-l", drop, "-T", "again").expect_exit(0)
    recv.expect_exit(0)
    with open(w.path("said"), encoding="utf-8") as file:
        qrx.check_equal("again", file.read(), "QRX_TEXT")


def test_long_text_is_a_file(w, server):
    space = server.space()
    long = "0123456789abcdef" * 1024 + "x"
    sender = w.tool("qrx-send", "-l", space.drop, "--text", long[:-1])
    sender.expect_exit(0)
    qrx.check_equal(long[:-1], space.state()["deliveries"][0]["message"])
    sender = w.tool("qrx-send", "-l", space.drop, "--text", long)
    sender.expect_exit(0)
    qrx.check("sent as the file text.txt" in sender.err, sender.err)
    qrx.check_equal(len(long), space.files()["text.txt"]["size"])


def test_limits_and_rights(w, server):
    space = server.space(max_files=2)
    for _ in range(2):
        w.tool("qrx-send", "-l", space.drop, "-T", "x").expect_exit(0)
    w.tool("qrx-send", "-l", space.drop, "-T", "x").expect_exit(4)
    qrx.check_equal(2, len(space.state()["deliveries"]), "texts, as many as files may be")
    # Without the number it is a delivery that lost its files.
    at = qrx.request("POST", server.space().upload_url + "/deliveries", '{"message": "x"}', {"Content-Type": "application/json"})
    commit = server.url + at.header("location").replace(server.url, "") + "/commit"
    qrx.check_equal(409, qrx.request("POST", commit, "{}", {"Content-Type": "application/json"}).status)
    qrx.check_equal(200, qrx.request("POST", commit, '{"files": 0}', {"Content-Type": "application/json"}).status)


def test_wrong_usage(w, server):
    drop = server.space().drop
    for arguments in (["-T", ""], ["-T", "x", "--clipboard"], ["-T", "x", __file__], ["-T", "x", "-m", "y"], ["-T", "-", "-i", "-"]):
        w.tool("qrx-send", *(["-l", drop] if "-i" not in arguments else []), *arguments).expect_exit(2)
    bad = subprocess.run(["qrx-send", "-l", drop, "-T", "-"], input=b"\xff\xfe", capture_output=True, check=False)
    qrx.check_equal(2, bad.returncode, f"no UTF-8: {bad.stderr}")
    # A text that --exec of qrx-recv hands on is no option.
    one = w.tool("qrx-send", "-l", drop, __file__, env={"QRX_TEXT": "x"})
    one.expect_exit(0)


def test_clipboard(w, server):
    before = os.environ["PATH"]
    os.environ.update(PATH=w.path("programs") + ":" + before, WAYLAND_DISPLAY="none-0")
    stand_in(w, "wl-copy", f'cat >{w.path("copied")}\n')
    out, err, _ = received(w, server, "-T", "to copy", options=("--clipboard",))
    qrx.check_equal(b"to copy", out)
    qrx.check("copied to the clipboard by wl-copy" in err, err)
    with open(w.path("copied"), encoding="utf-8") as file:
        qrx.check_equal("to copy", file.read(), "the clipboard")
    stand_in(w, "wl-paste", 'case "$*" in *list*) echo text/plain ;; *) printf "from there" ;; esac\n')
    out, _, _ = received(w, server, "--clipboard")
    qrx.check_equal(b"from there", out)
    stand_in(w, "wl-paste", 'case "$*" in *list*) echo image/png ;; *image/png) printf picture ;; esac\n')
    out, _, _ = received(w, server, "--clipboard", options=("-o", w.path("got/")))
    qrx.check_equal(w.path("got", "clipboard.png").encode() + b"\n", out, "a picture is a file")
    stand_in(w, "wl-paste", "exit 1\n")
    w.tool("qrx-send", "-l", server.space().drop, "--clipboard").expect_exit(2)
    # What to install, or what to do without.
    os.environ["PATH"] = qrx.BIN
    for variables, hint in (({"WAYLAND_DISPLAY": "none-0"}, "install wl-clipboard (wl-paste, wl-copy)"), ({"DISPLAY": ":none"}, "install xclip or xsel"),
                            ({}, "use --text TEXT, or --text - for a text on stdin")):
        del os.environ["WAYLAND_DISPLAY"]
        os.environ.update(variables)
        refused = w.tool("qrx-send", "-l", server.space().drop, "--clipboard")
        refused.expect_exit(1)
        qrx.check_equal("hint: " + hint, refused.err.splitlines()[-1], "the hint")
        os.environ.pop("DISPLAY", None)
        os.environ["WAYLAND_DISPLAY"] = "none-0"
    os.environ["PATH"] = before
    del os.environ["WAYLAND_DISPLAY"]


def test_screen(w, server):
    before = os.environ["PATH"]
    small = w.file("small", 10)
    nothing = w.tool("qrx-send", "--screen", small)
    os.environ.pop("DISPLAY", None)
    nothing.expect_exit(1)
    os.environ.update(PATH=w.path("programs") + ":" + before, WAYLAND_DISPLAY="none-0")
    recv = w.tool("qrx-recv", "-s", server.url, "--qr-file", w.path("screen.png"), "-o", w.path("got/"))
    qrx.wait_for(20, lambda: os.path.exists(w.path("screen.png")), "the code")
    # The first one fails, the second writes to a file that only its owner can read.
    stand_in(w, "grim", "exit 1\n")
    stand_in(w, "gnome-screenshot", f'cp {w.path("screen.png")} "$2" && dirname "$2" >{w.path("where")} && stat -c %a "$(dirname "$2")" >>{w.path("where")}\n')
    w.tool("qrx-send", "--screen", small).expect_exit(0)
    recv.expect_exit(0)
    with open(w.path("where"), encoding="utf-8") as file:
        where, mode = file.read().split()
    qrx.check_equal("700", mode, "the directory of the picture")
    qrx.check(not os.path.exists(where), "the picture is still there")
    stand_in(w, "gnome-screenshot", "exit 1\n")
    failed = w.tool("qrx-send", "--screen", small)
    failed.expect_exit(1)
    qrx.check("grim, gnome-screenshot failed" in failed.err and "hint: install" in failed.err, failed.err)
    os.environ["PATH"] = before
    del os.environ["WAYLAND_DISPLAY"]


def test_screen_of_windows(w, server):
    """On WSL, where there may be a Linux desktop, too: the screen with the code is that of Windows."""
    before, small = os.environ["PATH"], w.file("small", 10)
    os.environ.update(PATH=w.path("programs") + ":" + before, WAYLAND_DISPLAY="none-0", WSL_DISTRO_NAME="Debian")
    recv = w.tool("qrx-recv", "-s", server.url, "--qr-file", w.path("windows.png"), "-o", w.path("got/"))
    qrx.wait_for(20, lambda: os.path.exists(w.path("windows.png")), "the code")
    stand_in(w, "grim", f'touch {w.path("asked")}\nexit 1\n')
    stand_in(w, "powershell.exe", f'printf "%s\\n" "$@" >{w.path("asked-of-windows")}\ncat {w.path("windows.png")}\n')
    sent = w.tool("qrx-send", "-v", "--screen", small)
    sent.expect_exit(0)
    recv.expect_exit(0)
    qrx.check("the screen, by powershell.exe" in sent.err, sent.err)
    with open(w.path("asked-of-windows"), encoding="utf-8") as file:
        asked = file.read().splitlines()
    qrx.check_equal(["-NoProfile", "-NonInteractive", "-Command"], asked[:3], "how it is called")
    qrx.check_equal(4, len(asked), "one line, which no shell in between takes apart")
    qrx.check('"' not in asked[3] and "VirtualScreen" in asked[3] and asked[3].index("DPIAware") < asked[3].index("VirtualScreen"), asked[3])
    stand_in(w, "powershell.exe", "echo 'blocked by policy' >&2\nexit 1\n")
    failed = w.tool("qrx-send", "--screen", small)
    failed.expect_exit(1)
    qrx.check("powershell.exe failed" in failed.err and "hint: take one yourself" in failed.err, failed.err)
    qrx.check(not os.path.exists(w.path("asked")), "grim was asked, which sees the windows of Linux only")
    os.environ["PATH"] = before
    del os.environ["WAYLAND_DISPLAY"], os.environ["WSL_DISTRO_NAME"]


with qrx.work() as work:
    os.environ.pop("DISPLAY", None)
    os.environ.pop("WAYLAND_DISPLAY", None)
    os.environ.pop("TMUX", None)
    one = work.server()
    for test in (test_on_a_pipe, test_from_stdin_into_a_file, test_event_and_command, test_long_text_is_a_file, test_limits_and_rights,
                 test_wrong_usage, test_clipboard, test_screen, test_screen_of_windows):
        test(work, one)
        print(test.__name__, flush=True)
