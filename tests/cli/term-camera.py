#!/usr/bin/python3
"""What qrx-send draws while it looks: the camera's picture in the terminal, hints, and nothing that stays behind."""
import os
import re
import shutil
import subprocess
import sys

import pexpect

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx

NEUTRAL = {"TERM", "COLORTERM", "NO_COLOR"}
UPPER = "\u2580"


def look(*arguments, answer=None, dimensions=(24, 80), **env):
    """What stood on the terminal, and the exit status."""
    environment = {name: value for name, value in os.environ.items() if name not in NEUTRAL}
    environment.update({"LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **env})
    child = pexpect.spawn(os.path.join(qrx.BIN, "qrx-send"), ["--scan-only", *arguments], env=environment, dimensions=dimensions,
                          encoding="utf-8", timeout=40)
    seen = ""
    if answer:
        child.expect(answer)
        seen = child.before + child.after
        child.sendintr()
    child.expect(pexpect.EOF)
    child.wait()
    return seen + child.before, child.exitstatus


def lasting(seen):
    """What is left when all drawings were erased: the text behind the last erasing."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", seen[seen.rindex("\x1b[J") + 3:]) if "\x1b[J" in seen else seen


def check(condition, about, seen):
    qrx.check(condition, f"{about}: {seen[-1200:]!r}")


def film(name, scene, frames, size="320x240"):
    made = subprocess.run([os.path.join(qrx.BIN, "qr-film"), scene, size, str(frames)], check=True, capture_output=True).stdout
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "image2pipe", "-framerate", "30", "-c:v", "pgm", "-i", "-", name], input=made, check=True)


if not shutil.which("ffmpeg") or not os.path.exists(os.path.join(qrx.BIN, "qr-film")):
    qrx.skip("ffmpeg is not installed, or the tests' programs are not built")
with qrx.work():
    film("empty.mkv", "empty", 40)
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "color=black:s=320x240:d=1", "dark.mkv"], check=True)

    text, status = look("-c", "empty.mkv")
    qrx.check_equal(7, status, "exit status")
    check(text.count(UPPER) > 200, "the picture is drawn in half blocks", text)
    check("38;5;2" in text and "looking for a QR code with empty.mkv" in text, "shades of gray and a caption", text)
    check(lasting(text).strip().startswith("qrx-send: no QR code found in empty.mkv"), "and is gone afterwards", text)
    rows = re.findall(r"\x1b\[(\d+)A", text)
    check(rows and all(int(row) <= 22 for row in rows), "it fits the window", text)

    text, _ = look("-c", "empty.mkv", COLORTERM="truecolor")
    check("38;2;" in text, "true colour", text)
    text, _ = look("-c", "empty.mkv", TERM="vt100")
    check(UPPER not in text and "38;5" not in text and re.search(r"[.:=+-]{20}", text), "a terminal without colours gets characters", text)
    text, _ = look("-c", "empty.mkv", dimensions=(6, 30))
    check(UPPER not in text and "looking for" in text, "a small window gets the caption", text)
    text, _ = look("-c", "dark.mkv")
    check("too dark: more light" in text, "the hint", text)
    for arguments, env in ((["-q"], {}), (["--no-progress"], {}), ([], {"TERM": "dumb"})):
        text, status = look("-c", "empty.mkv", *arguments, **env)
        check("\x1b" not in text and UPPER not in text, f"nothing is drawn with {arguments} {env}", text)
        qrx.check_equal(7, status, "exit status")

    # ^C while it looks: the terminal is as it was.
    os.mkfifo("slow")
    pipe = os.open("slow", os.O_RDWR)  # stays open: the film has no end
    with open("empty.mkv", "rb") as whole:
        writer = subprocess.Popen(["cat"], stdin=whole, stdout=pipe)
    text, status = look("-c", "slow", answer="looking for")
    writer.kill()
    writer.wait()
    qrx.check_equal(130, status, "after ^C")
    check("interrupted" in lasting(text), "is said", text)
