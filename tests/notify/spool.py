#!/usr/bin/python3
"""SMS through spools: gammu-smsd with gammu's dummy phone sends what we leave for it; smstools' form; one SMS each, the link
whole."""
import os
import subprocess

from notices import NOTICE, Helper
from qrx import check, check_equal, wait_for, work

LINK = NOTICE["link"]


def expect(state, got, reason=""):
    check(got.state == state and reason in got.reason, f"expected {state} with '{reason}', got {got}")


def only_file(directory):
    names = os.listdir(directory)
    check_equal(1, len(names), f"files in {directory}: {names}")
    with open(os.path.join(directory, names[0]), "rb") as file:
        return names[0], file.read()


with work() as w:
    for name in ("out", "sent", "error", "in", "phone", "sms"):
        os.mkdir(w.path(name))

    # gammu: the same form as gammu-smsd-inject's, and a real gammu-smsd takes it
    with Helper({"sms": {"spool": "gammu", "directory": w.path("out")}}) as helper:
        expect("sent", helper.send("sms", "+8613800138000"))
        expect("sent", helper.send("sms", "+8613800138000"))
        name, content = only_file(w.path("out"))
        check(name.startswith("OUTC") and "_+8613800138000_" in name and NOTICE["id"] in name, name)
        expect("sent", helper.send("sms", "+15551234567", id="aaaaaaaaaaaeaaeaaaaaaaaaae", **{"from": "\u5f20\u4f1f"}, link="https://q.example/d/" + "b" * 32))
    subprocess.run(["gammu-smsd-inject", "-c", "/dev/stdin", "TEXT", "+8613800138000", "-textutf8", "x"], capture_output=True, check=False,
                   input=f"[gammu]\ndevice=/dev/null\nconnection=none\n[smsd]\nservice=files\noutboxpath={w.path('sms')}/\n".encode())
    theirs = only_file(w.path("sms"))
    keys = [line.split(" = ")[0] for line in theirs[1].decode().splitlines() if " = " in line]
    check_equal(keys, [line.split(" = ")[0] for line in content.decode().splitlines() if " = " in line], "members of the form")
    check_equal(theirs[0].split("_")[3], name.split("_")[3], "the number in the name")
    os.unlink(os.path.join(w.path("sms"), theirs[0]))
    config = w.path("smsdrc")
    with open(config, "w", encoding="ascii") as file:
        file.write(f"[gammu]\nmodel = dummy\nconnection = none\ndevice = {w.path('phone')}\n[smsd]\nservice = files\nlogfile = {w.path('smsd.log')}\n"
                   f"debuglevel = 255\ncommtimeout = 1\nloopsleep = 1\ninboxpath = {w.path('in')}/\noutboxpath = {w.path('out')}/\nsentsmspath = {w.path('sent')}/\n"
                   f"errorsmspath = {w.path('error')}/\nchecksecurity = 0\n")
    w.start("/usr/bin/gammu-smsd", "-c", config, name="gammu-smsd")
    wait_for(40, lambda: len(os.listdir(w.path("sent"))) + len(os.listdir(w.path("error"))) >= 2, "gammu-smsd took both")
    check_equal([], os.listdir(w.path("error")), "what gammu-smsd could not send")
    sent = {}
    for name in os.listdir(w.path("sent")):
        with open(os.path.join(w.path("sent"), name), encoding="utf-8") as file:
            lines = dict(line.rstrip("\n").split(" = ", 1) for line in file if " = " in line)
        check("Text01" not in lines, f"more than one SMS: {lines}")
        sent[lines["Number"].strip('"')] = bytes.fromhex(lines["Text00"]).decode("utf-16-be"), lines["Coding"]
    text, coding = sent["+8613800138000"]
    check(LINK in text and len(text) <= 160 and text.startswith("Alice sent you 3 files") and coding == "Default_No_Compression", (text, coding))
    text, coding = sent["+15551234567"]
    check("https://q.example/d/" + "b" * 32 in text and len(text) <= 70 and text.startswith("\u5f20\u4f1f: ") and coding == "Unicode_No_Compression",
          (text, coding))

    # smstools: a head of ASCII lines, and the text
    os.mkdir(w.path("outgoing"))
    with Helper({"sms": {"spool": "smstools", "directory": w.path("outgoing")}}) as helper:
        expect("sent", helper.send("sms", "+8613800138000", **{"from": "Ren\u00e9"}, message="A\r\nTo: 666\n"))
        name, content = only_file(w.path("outgoing"))
        head, body = content.split(b"\n\n", 1)
        check_equal([b"To: 8613800138000", b"Alphabet: UTF-8", b"Autosplit: 0"], head.split(b"\n"))
        check(LINK in body.decode() and "Ren\u00e9 sent you 3 files" in body.decode() and b"\n" not in body, body)
        os.unlink(w.path("outgoing", name))
        expect("sent", helper.send("sms", "+8613800138000", **{"from": "\u5f20\u4f1f"}, link="https://q.example/d/" + "b" * 32))
        name, content = only_file(w.path("outgoing"))
        head, body = content.split(b"\n\n", 1)
        check(b"Alphabet: UCS" in head and body.decode("utf-16-be") == "\u5f20\u4f1f: https://q.example/d/" + "b" * 32, content)
        os.unlink(w.path("outgoing", name))

        # a link of a sealed space is whole or nothing is sent
        sealed = LINK + "#AGE-SECRET-KEY-1" + "Q" * 58
        expect("sent", helper.send("sms", "+8613800138000", link=sealed, message="very long words " * 20))
        name, content = only_file(w.path("outgoing"))
        body = content.split(b"\n\n", 1)[1].decode()
        check(sealed in body and len(body) <= 160, body)
        os.unlink(w.path("outgoing", name))
        expect("failed", helper.send("sms", "+8613800138000", link="https://" + "h" * 100 + ".example/d/" + "a" * 32 + "#AGE-SECRET-KEY-1" + "Q" * 58), "too long")
        check_equal([], os.listdir(w.path("outgoing")))
    with Helper({"sms": {"spool": "smstools", "directory": w.path("nowhere")}}) as helper:
        expect("later", helper.send("sms", "+8613800138000"), "no such file")
