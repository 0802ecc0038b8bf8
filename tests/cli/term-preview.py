#!/usr/bin/python3
"""What qrx-recv shows of what it received: pictures and texts, on terminals of every kind, and nothing where it must not."""
import os
import re
import subprocess
import sys

import pexpect

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx

LINK = r"HTTP://127\.0\.0\.1:\d+/U/[A-Z2-7]{26}(?:#AGE1[0-9A-Z]{58})?"
NEUTRAL = {"TERM", "COLORTERM", "TERM_PROGRAM", "LC_TERMINAL", "TMUX", "STY", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "NO_COLOR"}


def environment(**more):
    env = {name: value for name, value in os.environ.items() if name not in NEUTRAL}
    return {**env, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **more}


def pictures():
    """A picture in every format, a damaged one, a bomb, and texts."""
    def convert(*words):
        subprocess.run(["convert", *words], check=True, stderr=subprocess.DEVNULL)
    convert("-size", "160x120", "gradient:red-blue", "photo.png")
    for name in ("photo.jpg", "photo.gif", "photo.webp"):
        convert("photo.png", name)
    convert("photo.png", "BMP3:photo.bmp")
    with open("photo.png", "rb") as file:
        whole = file.read()
    with open("cut.png", "wb") as file:
        file.write(whole[:60])
    with open("bomb.png", "wb") as file:  # says that it has 60,000 pixels a side
        file.write(whole[:16] + (60000).to_bytes(4, "big") * 2 + whole[24:])
    with open("notes.txt", "w", encoding="utf-8") as file:
        file.write("first line\n\tindented caf\u00e9\n\x1b[31mred\x1b[0m \u202ereversed\nfour\nfive\nsix\n")
    with open("named.png", "w", encoding="utf-8") as file:
        file.write("a text under the name of a picture\n")
    with open("noise.bin", "wb") as file:
        file.write(os.urandom(5000))


def check(condition, about, seen):
    qrx.check(condition, f"{about}: {seen[-1500:]!r}")


def receive(server, files, *arguments, answers=(), dimensions=(40, 100), **env):
    """A run at a terminal: what stood on it after the invitation, and what was saved."""
    saved = os.path.join(os.getcwd(), f"saved{receive.count}")
    receive.count += 1
    os.makedirs(saved, exist_ok=True)
    child = pexpect.spawn(os.path.join(qrx.BIN, "qrx-recv"), ["-s", server.url, "--no-qr", "-o", saved, *arguments],
                          env=environment(**env), dimensions=dimensions, encoding="utf-8", timeout=30)
    child.delaybeforesend = None
    child.expect(LINK)
    link = child.match.group(0)
    child.expect("cannot read anything")
    sender = subprocess.Popen([os.path.join(qrx.BIN, "qrx-send"), "-q", "-l", link, *files], stdout=subprocess.DEVNULL)
    seen = ""
    for question, answer in answers:
        child.expect(question)
        seen += child.before + child.after
        child.sendline(answer)
    child.expect(pexpect.EOF)
    seen += child.before
    child.wait()
    qrx.check_equal(0, sender.wait(), "qrx-send")
    qrx.check_equal(0, child.exitstatus, f"qrx-recv: {seen[-300:]!r}")
    return seen, sorted(os.listdir(saved))


receive.count = 0


def has_symbols(text):
    return re.search(r"\x1b\[[0-9;]*(?:48;|4[0-7]|38;)[0-9;]*m[\u2500-\u259f ]", text) is not None


def test_terminals(server):
    seen, _ = receive(server, ["photo.png"])
    check(has_symbols(seen), "symbols on xterm", seen)
    check("38;5;" in seen and "38;2;" not in seen, "256 colours", seen)
    seen, _ = receive(server, ["photo.png"], COLORTERM="truecolor")
    check("38;2;" in seen, "true colour", seen)
    for env, mark in (({"TERM": "xterm-kitty"}, "\x1b_G"), ({"TERM": "foot"}, "\x1bP"), ({"TERM_PROGRAM": "iTerm.app"}, "\x1b]1337;File=")):
        seen, _ = receive(server, ["photo.png"], **env)
        check(mark in seen, f"{env}", seen)
    for env in ({"TERM": "xterm-kitty", "TMUX": "/tmp/x,1,0"}, {"TERM": "tmux-256color"}):
        seen, _ = receive(server, ["photo.png"], **env)
        check("\x1b_G" not in seen and "\x1bP" not in seen, "tmux passes no pictures on", seen)
        check(has_symbols(seen), "symbols in tmux", seen)


def test_nothing_where_it_must_not(server):
    for env in ({"TERM": "dumb"}, {"TERM": ""}, {"NO_COLOR": "1"}, {"TERM": "vt100"}):
        seen, saved = receive(server, ["photo.png", "notes.txt"], **env)
        check("first line" not in seen and "\u2580" not in seen and "\u2588" not in seen, f"{env}", seen)
        check("\x1b" not in seen or env.get("TERM") != "dumb", f"no escapes with {env}", seen)
        qrx.check_equal(["notes.txt", "photo.png"], saved, "saved")
    seen, _ = receive(server, ["photo.png", "notes.txt"], "--preview", "never")
    check("first line" not in seen and not has_symbols(seen), "--preview never", seen)


def test_in_a_pipe(server):
    for arguments, shown in ((["--preview", "always"], True), ([], False)):
        os.makedirs("piped", exist_ok=True)
        child = subprocess.Popen([os.path.join(qrx.BIN, "qrx-recv"), "-s", server.url, "--no-qr", "-o", "piped/", "--on-conflict", "overwrite", *arguments],
                                 env=environment(COLORTERM="truecolor"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        before = b""
        while not re.search(LINK.encode() + rb"\s", before):
            before += child.stderr.readline()
        link = re.search(LINK.encode(), before).group(0).decode()
        subprocess.run([os.path.join(qrx.BIN, "qrx-send"), "-q", "-l", link, "photo.png", "notes.txt"], check=True, stdout=subprocess.DEVNULL)
        out, err = child.communicate(timeout=30)
        qrx.check_equal(0, child.returncode, "qrx-recv")
        check(b"\x1b" not in err and b"\x1b" not in out, f"no escapes in a pipe {arguments}", err)
        check((b"first line" in err) == shown, f"a text {arguments}", err)
        text = err.decode()
        check(bool(re.search("[\u2580-\u259f\u2500-\u257f]{3}", text)) == shown, f"a picture {arguments}", text)
        qrx.check_equal(2, len(out.split()), "stdout has the paths only")


def test_formats_and_texts(server):
    for name in ("photo.jpg", "photo.gif", "photo.webp", "photo.bmp"):
        seen, _ = receive(server, [name])
        check(has_symbols(seen), name, seen)
    seen, saved = receive(server, ["cut.png", "bomb.png", "noise.bin", "named.png"])
    check(not has_symbols(seen), "broken pictures show nothing", seen)
    check("a text under the name of a picture" in seen, "what it is, its content says", seen)
    qrx.check_equal(4, len(saved), "saved all the same")
    seen, _ = receive(server, ["notes.txt"])
    for part in ("\u2502 first line", "\u2502     indented caf\u00e9", "\\x1b[31mred", "\\u202e", "\u2502 five", "\u2026"):
        check(part in seen, f"text preview: {part!r}", seen)
    check("six" not in seen and "\x1b[31m" not in seen and "\u202e" not in seen, "no more, and nothing that acts", seen)


def test_asking_after_showing(server):
    for seal in ("offer", "off"):
        arguments = ["--ask", "--seal", seal]
        seen, saved = receive(server, ["photo.png", "notes.txt"], *arguments, answers=[(r"Save photo\.png \(.*, image/png\)\? \[y/N/d/a\]", "d"), (r"Save notes\.txt .*\?", "y")])
        before = seen[:seen.index("Save photo.png")]
        check(has_symbols(before), f"the picture is seen before the question, --seal {seal}", seen)
        check(seen.index("first line") < seen.index("Save notes.txt"), "the text, too", seen)
        qrx.check_equal(["notes.txt"], saved, "what was declined leaves nothing")
        check("1 file discarded" in seen, "is told", seen)


with qrx.work() as work:
    pictures()
    the_server = work.server()
    for test in (test_terminals, test_nothing_where_it_must_not, test_in_a_pipe, test_formats_and_texts, test_asking_after_showing):
        test(the_server)
