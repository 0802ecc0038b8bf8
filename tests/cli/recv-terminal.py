#!/usr/bin/python3
"""qrx-recv at a terminal: the code, its redrawing, questions, hostile names, and the terminal as it was afterwards."""
import os
import re
import signal
import sys
import termios

import pexpect

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx

LINK = r"HTTP://127\.0\.0\.1:\d+/U/[A-Z2-7]{26}(?:#AGE1[0-9A-Z]{58})?"


def start(server, *arguments, size=(24, 80), **environment):
    env = {**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **environment}
    env.pop("NO_COLOR", None) if "NO_COLOR" not in environment else None
    child = pexpect.spawn(os.path.join(qrx.BIN, "qrx-recv"), ["-s", server.url, *arguments], env=env, dimensions=size,
                          encoding="utf-8", timeout=20)
    child.delaybeforesend = None
    return child


def invitation(child):
    """The link, and all that stands on the screen: with a key in it, the code fills the window of 24 rows below the text."""
    child.expect("Waiting")
    return re.search(LINK, child.before).group(0), child.before


def ended(child):
    child.expect(pexpect.EOF)
    child.wait()
    return child.exitstatus


def send(link, *arguments, status=0):
    sender = pexpect.run(f"{qrx.BIN}/qrx-send -l {link} {' '.join(arguments)}", withexitstatus=True, encoding="utf-8")
    qrx.check_equal(status, sender[1], f"qrx-send: {sender[0]}")


def rows_of(text):
    """Rows of the drawing: lines with background colours, as far as the terminal's own colours. Text may stand beside them."""
    return [line[:line.rfind("\x1b[0m") + 4] for line in text.splitlines() if "\x1b[" in line and re.search(r"48;5;|\x1b\[4[0-9]|\x1b\[10[0-9]", line)]


def pixels(rows):
    """The drawing as rows of modules, True for dark: cells of two half modules, or blanks with a background."""
    image = []
    for row in rows:
        upper, lower, ink, ground = [], [], False, False
        for escape, character in re.findall(r"\x1b\[([0-9;]*)m|([^\x1b\r])", row):
            if not character:
                for colour in re.finditer(r"([34])8;5;(16|231)", escape):
                    dark = colour.group(2) == "16"
                    ink, ground = (dark, ground) if colour.group(1) == "3" else (ink, dark)
                continue
            if character not in " \u2580\u2584":
                qrx.fail(f"a character that is no part of a code: {character!r}")
            upper.append(ink if character == "\u2580" else ground)
            lower.append(ink if character == "\u2584" else ground)
        image += [upper, lower]
    return image


def save_bmp(path, image, scale=6):
    """24 bits a pixel, top row first."""
    width, height = max(len(row) for row in image) * scale, len(image) * scale
    pad = -width * 3 % 4
    data = b""
    for row in image:
        line = b"".join((b"\0\0\0" if dark else b"\xff\xff\xff") * scale for dark in row)
        data += (line.ljust(width * 3, b"\xff") + b"\0" * pad) * scale
    header = b"BM" + (54 + len(data)).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little")
    header += (40).to_bytes(4, "little") + width.to_bytes(4, "little") + (-height).to_bytes(4, "little", signed=True)
    header += (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(24)
    with open(path, "wb") as file:
        file.write(header + data)


def test_code_reads(w, server):
    child = start(server)
    link, drawing = invitation(child)
    qrx.check("#AGE1" in link, f"no key in {link}")
    save_bmp(w.path("screen.bmp"), pixels(rows_of(drawing)))
    scan = w.tool("qrx-send", "-i", w.path("screen.bmp"), "--scan-only")
    scan.expect_exit(0)
    qrx.check_equal([link], scan.out, "what the code on the screen says")
    child.sendintr()
    ended(child)


def test_no_locale(w, server):
    """On a fresh system no locale is set, or C: its terminal shows a code all the same, and it is said how to change that."""
    child = start(server, LC_ALL="", LC_CTYPE="", LANG="")
    qrx.check(15 <= len(rows_of(invitation(child)[1])) <= 23, "a code without a locale")
    child.sendintr()
    ended(child)
    child = start(server, LC_ALL="C")
    link, drawing = invitation(child)
    qrx.check("Set LC_ALL=C.UTF-8" in drawing.replace("\r\n", " "), f"how to change it: {drawing!r}")
    save_bmp(w.path("c.bmp"), pixels(rows_of(drawing)))
    scan = w.tool("qrx-send", "-i", w.path("c.bmp"), "--scan-only")
    scan.expect_exit(0)
    qrx.check_equal([link], scan.out, "what the code on the screen of the C locale says")
    child.sendintr()
    ended(child)


def test_code_and_progress(w, server):
    child = start(server, "-o", w.path("in/"))
    link, drawing = invitation(child)
    rows = rows_of(drawing)
    qrx.check(15 <= len(rows) <= 23, f"{len(rows)} rows of a code in a window of 24: {drawing!r}")
    qrx.check(all(row.endswith("\x1b[0m") for row in rows), "a row that does not end in the terminal's colours")
    big = w.file("big.bin", 2_000_000)
    sender = w.tool("qrx-send", "-l", link, "--limit-rate", "1M", big)
    child.expect(r"\rencrypted file +\d+ %.*MiB")
    child.expect("in/big.bin\r\n")
    child.expect("upload successful: big.bin, 1.9 MiB\r\n")
    qrx.check_equal(0, ended(child), "exit status")
    sender.expect_exit(0)


def on_screen(text, columns, rows):
    """The rows of a terminal of that size after that text, colours left out."""
    screen, row, column = [""], 0, 0
    for _, character in re.findall(r"(\x1b\[[0-9;]*[A-Za-z])|([^\x1b])", text):
        if character == "\n":
            row += 1
        elif character == "\r":
            column = 0
        elif character:
            if column == columns:
                row, column = row + 1, 0
            while len(screen) <= row:
                screen.append("")
            screen[row] = screen[row][:column].ljust(column) + character
            column += 1
    return screen[-rows:], len(screen)


def test_all_in_one_window(w, server):
    """At 80x24 nothing scrolls away: the code, the words, who may do what, the link and what sends without a tool of ours."""
    child = start(server)
    child.expect(re.escape("Waiting for one delivery… (Ctrl-C to stop)"))
    screen, used = on_screen(child.before + child.after, 80, 24)
    qrx.check(used <= 24, f"{used} rows: {screen}")
    link = re.search(LINK, child.before).group(0)
    beside = " ".join(" ".join(row[39:].split()) for row in screen)
    for words in ("words: ", "qrx-send -l LINK FILE", "Anyone with this link can send one delivery until", "but cannot read anything"):
        qrx.check(words in beside, f"not beside the code: {words}: {screen}")
    qrx.check(link in "".join(screen).replace(" ", ""), f"the link in one piece: {screen}")
    command = re.search(r"curl -T FILE (http://[0-9.:]+/u/[a-z2-7]{26}/)\r\n", child.before)
    qrx.check(command, f"a command for a sender without our tools: {child.before!r}")
    with open(w.file("pasted.txt", 10), "rb") as file:
        qrx.check_equal(201, qrx.request("PUT", command.group(1) + "pasted.txt", file.read()).status, "what it leads to")
    child.expect("upload successful: pasted.txt")
    ended(child)
    child = start(server, "-n", "3")
    child.expect(re.escape("Waiting for 3 deliveries… (Ctrl-C to stop)"))
    child.sendintr()
    ended(child)
    child = start(server, "-f", "--seal", "require")
    child.expect(re.escape("Waiting for files… (Ctrl-C to stop)"))
    qrx.check("curl" not in child.before, "a command that such a space refuses")
    child.sendintr()
    ended(child)


def test_small_window(w, server):
    """Where the text has to scroll away the link and the words stand beside the code."""
    child = start(server, size=(20, 60))
    child.expect(re.escape("Waiting for one delivery… (Ctrl-C to stop)"))
    screen, _ = on_screen(child.before + child.after, 60, 20)
    beside = "".join(row[41:] for row in screen[:-1])
    qrx.check(re.search(LINK, child.before).group(0) in beside.replace(" ", ""), f"the link beside the code: {screen}")
    qrx.check("words:" in beside, f"the words beside the code: {screen}")
    child.sendintr()
    ended(child)


def test_dark_without_colours(w, server):
    """Without colours the light modules are drawn, as terminals are dark, or with the ink of a light one."""
    for environment, dark_ink in (({}, False), ({"COLORFGBG": "0;15"}, True), ({"COLORFGBG": "15;0"}, False)):
        child = start(server, NO_COLOR="1", **environment)
        child.expect("Waiting")
        rows = [row[:45] for row in child.before.splitlines() if row[:1] in "\u2588\u2580\u2584 " and "\u2588" in row]
        # A quiet zone of one module, which is light, and the upper edge of the first finder, which is dark.
        qrx.check_equal(dark_ink, not rows[0].startswith("\u2588" + "\u2580" * 7), f"{environment}: {rows[:3]}")
        child.sendintr()
        ended(child)


def test_prompt(w, server):
    child = pexpect.spawn(os.path.join(qrx.BIN, "qrx-recv"), ["-"], encoding="utf-8", timeout=20)
    child.expect("Link: ")
    child.sendline("hello")
    child.expect("'hello' is not a link")
    qrx.check_equal(2, ended(child))


def test_stalled(w, server):
    """A sender that pauses: the line says so, and an event, once; then it goes on."""
    recv = w.tool("qrx-recv", "--json", "--no-progress", "-s", server.url, "-o", w.path("stalled/"))
    drop = recv.expect_event("space")["drop"].split("#")[0]
    guid = drop.rsplit("/", 1)[1].lower()
    created = qrx.request("POST", f"{server.url}/u/{guid}/uploads", b"x" * 1000, {
        "Tus-Resumable": "1.0.0", "Upload-Length": "2000", "Upload-Metadata": "filename " + "c2xvdy50eHQ=",
        "Content-Type": "application/offset+octet-stream"})
    qrx.check_equal(201, created.status, f"{created!r}")
    event = recv.expect_event("stalled", timeout=60)
    qrx.check_equal(("slow.txt", 1000, 2000, True), tuple(event[k] for k in ("name", "bytes", "total", "uploading")), "stalled")
    at = created.headers["Location"]
    at = at if at.startswith("http") else server.url + at
    qrx.check_equal(204, qrx.request("PATCH", at, b"y" * 1000, {
        "Tus-Resumable": "1.0.0", "Upload-Offset": "1000", "Content-Type": "application/offset+octet-stream"}).status, "PATCH")
    recv.expect_event("saved")
    recv.expect_exit(0)


def test_resize(w, server):
    child = start(server)
    child.expect("Waiting")
    child.setwinsize(60, 200)
    child.expect(re.escape("\x1b[H\x1b[2J"))
    child.expect(LINK)
    rows = rows_of(child.before)
    qrx.check(len(rows) > 24, f"a larger window gets a larger code: {len(rows)} rows")
    child.setwinsize(10, 40)
    child.expect("The QR code needs .* the terminal has 40x10")
    qrx.check_equal(0, len(rows_of(child.before)), "rows of a clipped code")
    child.expect(LINK)
    child.expect("Waiting")
    child.setwinsize(24, 80)
    qrx.check(15 <= len(rows_of(invitation(child)[1])) <= 23, "the code comes back")
    child.sendintr()
    qrx.check_equal(130, ended(child), "exit status after ^C")


def test_interrupt_restores(w, server):
    child = start(server)
    before = termios.tcgetattr(child.child_fd)
    child.expect("Waiting")
    child.sendintr()
    child.expect("stopped; the link no longer works")
    qrx.check("\x1b[?25l" not in child.before, "the cursor is hidden")
    qrx.check_equal(before, termios.tcgetattr(child.child_fd), "modes of the terminal")
    qrx.check_equal(130, ended(child), "exit status")
    # SIGTERM: the space is gone from the server as well.
    child = start(server)
    child.expect(LINK)
    link = child.match.group(0)
    child.expect("Waiting")
    child.kill(signal.SIGTERM)
    qrx.check_equal(143, ended(child), "exit status after SIGTERM")
    send(link, w.file("a", 1), status=5)


def test_colours(w, server):
    child = start(server, NO_COLOR="1")
    child.expect("Waiting")
    qrx.check(not re.search(r"\x1b\[[0-9;]*m", child.before), "colours in spite of NO_COLOR")
    qrx.check("\u2588" in child.before or "\u2580" in child.before, "no code without colours")
    qrx.check("--invert" in child.before, "no word about themes")
    child.sendintr()
    ended(child)
    child = start(server, "-o", w.path("dumb/"), TERM="dumb")
    child.expect(re.escape("Waiting for one delivery… (Ctrl-C to stop)\r\n"))
    link = re.search(LINK, child.before).group(0)
    qrx.check("\x1b" not in child.before, "escapes in a dumb terminal")
    send(link, w.file("plain.bin", 10))
    child.expect(pexpect.EOF)
    qrx.check_equal(w.path("dumb/plain.bin") + "\r\nupload successful: plain.bin, 10 B\r\n", child.before, "plain lines, and no other")
    child.wait()
    qrx.check_equal(0, child.exitstatus)
    child = start(server, "--no-qr")
    child.expect("Waiting")
    qrx.check_equal(0, len(rows_of(child.before)), "rows with --no-qr")
    child.sendintr()
    ended(child)


def test_ask(w, server):
    child = start(server, "--ask", "-o", w.path("asked/"), "-n", "2")
    child.expect(LINK)
    link = child.match.group(0)
    child.expect("Waiting")
    send(link, w.file("one.bin", 10), w.file("two.bin", 20))
    child.expect(r"Save \w+\.bin \(\d+ B[^)]*\)\? \[y/N/d/a\] ")
    child.sendline("d")
    child.expect(r"Save (\w+\.bin) ")
    child.sendline("y")
    child.expect("1 file discarded")
    qrx.check_equal(1, len(os.listdir(w.path("asked"))), "files saved")
    send(link, w.file("three.bin", 10), w.file("four.bin", 20))
    child.expect("Save ")
    child.sendline("a")
    child.expect("upload successful: 2 files")
    qrx.check_equal(0, ended(child), "exit status")
    qrx.check_equal(3, len(os.listdir(w.path("asked"))), "files saved")
    # Without a terminal there is nobody to ask.
    w.tool("qrx-recv", "--ask", "-s", server.url).expect_exit(2)


def test_hostile_texts(w, server):
    child = start(server, "-o", w.path("hostile/"))
    child.expect(LINK)
    link = child.match.group(0)
    child.expect("Waiting")
    guid = link.rsplit("/", 1)[1].split("#")[0].lower()
    base = f"{server.url}/u/{guid}/deliveries"
    created = qrx.request("POST", base, '{"message": "\\u001b]0;owned\\u0007 \\u202egpj"}', {"Content-Type": "application/json"})
    qrx.check_equal(201, created.status, f"{created!r}")
    delivery = created.json()["delivery"]
    # Bidi and zero-width characters may travel in a name; control characters may not.
    name = "photo%E2%80%AEgpj.exe"
    put = qrx.request("PUT", f"{base}/{delivery}/files/{name}", b"x")
    if put.status == 202:
        qrx.check_equal(200, qrx.request("POST", f"{base}/{delivery}/commit", '{"files": 1}', {"Content-Type": "application/json"}).status)
    else:
        qrx.check_equal(202, qrx.request("PUT", f"{base}/{delivery}/files/plain", b"x").status)
        qrx.check_equal(200, qrx.request("POST", f"{base}/{delivery}/commit", '{"files": 1}', {"Content-Type": "application/json"}).status)
    child.expect("upload successful")
    shown = child.before
    child.expect(pexpect.EOF)
    shown += child.before
    qrx.check("\u202e" not in shown and "\x1b]" not in shown and "\x07" not in shown, f"raw: {shown!r}")
    qrx.check("\\x1b]0;owned\\x07 \\u202egpj" in shown, f"the message is not shown escaped: {shown!r}")


def test_counts_down(w, _):
    """While its server is away, one line says in how many seconds it is tried again."""
    server = w.server(data=w.path("goes"))
    child = start(server, "-f", "--no-qr", "-o", w.path("in/"))
    child.expect("Waiting")
    server.kill()
    for _ in range(20):  # pauses grow: the first ones are shorter
        child.expect(r"retrying in (\d+) s")
        if int(child.match.group(1)) >= 3:
            break
    first = int(child.match.group(1))
    child.expect(rf"\rno connection to [^\n]*; retrying in {first - 1} s")
    child.expect(rf"\rno connection to [^\n]*; retrying in {first - 2} s")
    child.kill(signal.SIGTERM)
    qrx.check_equal(143, ended(child))


def test_no_binary_to_the_terminal(w, server):
    child = start(server, "-o", "-")
    child.expect("would write what strangers send to the terminal")
    qrx.check_equal(2, ended(child))


with qrx.work() as work:
    one = work.server()
    for test in (test_code_reads, test_no_locale, test_code_and_progress, test_all_in_one_window, test_small_window,
                 test_dark_without_colours, test_prompt, test_stalled, test_resize, test_interrupt_restores, test_colours, test_ask,
                 test_hostile_texts, test_counts_down, test_no_binary_to_the_terminal):
        try:
            test(work, one)
        except pexpect.ExceptionPexpect as problem:
            qrx.fail(f"{test.__name__}: {problem}")
        print(test.__name__, flush=True)
