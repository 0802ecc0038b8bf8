#!/usr/bin/python3
"""Mail over SMTP against aiosmtpd with STARTTLS and AUTH: one message a recipient, well formed; what servers that refuse,
stumble and die make of it; and through a local sendmail."""
import email
import email.policy
import logging
import os
import socket
import ssl
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, SMTP

from notices import NOTICE, Helper, certificate, secret_file
from qrx import check, check_equal, work


logging.disable(logging.CRITICAL)  # aiosmtpd tells what its clients break off


def expect(state, got, reason=""):
    check(got.state == state and reason in got.reason, f"expected {state} with '{reason}', got {got}")


class Mailbox:
    """aiosmtpd's handler: keeps what it takes; answers as `replies` says for parts of addresses."""

    def __init__(self):
        self.taken = []
        self.replies = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        for part, reply in self.replies.items():
            if part in address:
                return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        for part, reply in self.replies.items():
            if part == "data:" + envelope.rcpt_tos[0]:
                return reply
        self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content, session.ssl is not None, session.authenticated))
        return "250 OK queued"


def check_password(server, session, envelope, mechanism, data):
    good = getattr(data, "login", b"") == b"qrx" and getattr(data, "password", b"") == b"s3cret words"
    return AuthResult(success=good, handled=False)


def raw_server(script):
    """A server that speaks what `script` makes of each command; closes when that gives None."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                stream.write(b"220 raw\r\n")
                stream.flush()
                for line in stream:
                    reply = script(line.strip().upper())
                    if reply is None:
                        break
                    if reply:
                        stream.write(reply + b"\r\n")
                        stream.flush()

    threading.Thread(target=serve, daemon=True).start()
    return f"smtp://127.0.0.1:{listener.getsockname()[1]}"


with work() as w:
    cert, key = certificate(w, "localhost", "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    box = Mailbox()
    ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    number, plain_number = (port.getsockname()[1] for port in ports)
    for port in ports:
        port.close()
    controller = Controller(box, hostname="127.0.0.1", port=number, tls_context=context, require_starttls=True,
                            authenticator=check_password, auth_required=True, auth_require_tls=True)
    controller.start()
    url = f"smtp://localhost:{number}"
    table = {"url": url, "from": "Datei-Post \u00fcber qrx <qrx@sender.example>", "user": "qrx",
             "password_file": secret_file(w, "password", "s3cret words"), "ca_file": cert}

    # a whole message
    with Helper({"mail": table}) as helper:
        expect("sent", helper.send("mail", "alice@example.org", **{"from": "J\u00fcrgen \u5f20\u4f1f"},
                                   message="first line\n.\n.second, with a dot\nFrom here\n" + "long " * 60))
    mail_from, rcpt_tos, content, tls, authenticated = box.taken.pop()
    check_equal(("qrx@sender.example", ["alice@example.org"], True, True), (mail_from, rcpt_tos, tls, authenticated))
    check(all(len(line) <= 998 for line in content.split(b"\r\n")) and b"\n" not in content.replace(b"\r\n", b""), "lines of the message")
    check(content.isascii(), "8-bit bytes on the wire")
    message = email.message_from_bytes(content, policy=email.policy.default)
    check_equal([], list(message.defects), "defects that the parser saw")
    check_equal("J\u00fcrgen \u5f20\u4f1f sent you 3 files, 12 MB", message["Subject"])
    check_equal(("Datei-Post \u00fcber qrx", "qrx@sender.example"), (message["From"].addresses[0].display_name, message["From"].addresses[0].addr_spec))
    check_equal("alice@example.org", message["To"])
    check_equal(f"<{NOTICE['id']}@sender.example>", message["Message-ID"])
    check_equal("auto-generated", message["Auto-Submitted"])
    check_equal("<mailto:qrx@sender.example?subject=unsubscribe>", message["List-Unsubscribe"])
    check(message["Date"].datetime is not None and message["MIME-Version"] == "1.0", message["Date"])
    text, html = message.iter_parts()
    check_equal(("text/plain", "text/html"), (text.get_content_type(), html.get_content_type()))
    plain = text.get_content().replace("\r\n", "\n")
    check(NOTICE["link"] in plain.split("\n") and "> first line\n> .\n> .second, with a dot\n> From here\n" in plain, plain)
    check(f'<a href="{NOTICE["link"]}">' in html.get_content() and "2026-11-24 23:00 UTC" in html.get_content(), html.get_content())

    # one message a recipient, and the key of the link whole
    sealed = NOTICE["link"] + "#AGE-SECRET-KEY-1" + "Q" * 58
    with Helper({"mail": table}) as helper:
        for name in ("a", "b", "c"):
            expect("sent", helper.send("mail", f"{name}@example.org", link=sealed + name))
    check_equal([["a@example.org"], ["b@example.org"], ["c@example.org"]], [taken[1] for taken in box.taken])
    for taken, name in zip(box.taken, "abc"):
        parts = list(email.message_from_bytes(taken[2], policy=email.policy.default).iter_parts())
        check(sealed + name in parts[0].get_content().splitlines() and f'href="{sealed}{name}"' in parts[1].get_content(), "the link was cut")
        check(not any(f"{other}@example.org".encode() in taken[2] for other in "abc" if other != name), "somebody sees another")
    box.taken.clear()

    # no way into the head, the envelope or the dialogue
    with Helper({"mail": table}) as helper:
        evil = "x\r\nBcc: evil@example.net\r\n\r\nbody\r\n.\r\nMAIL FROM:<evil@example.net>\r\n"
        expect("sent", helper.send("mail", "alice@example.org", **{"from": evil}, message=evil, summary=evil))
        for address in ("alice@example.org\r\nBcc: evil@example.net", "alice@example.org>\r\nRCPT TO:<evil@example.net", "a@b.org,c@d.org"):
            expect("failed", helper.send("mail", address), "malformed")
        expect("failed", helper.send("mail", "alice@example.org", link="https://x/\r\nBcc: evil@example.net"), "malformed")
    check_equal(1, len(box.taken))
    message = email.message_from_bytes(box.taken.pop()[2], policy=email.policy.default)
    check(message["Bcc"] is None and "\n" not in message["Subject"] and len(list(message.iter_parts())) == 2, message.as_string())

    # refused, and for how long
    box.replies = {"nobody": "550 5.1.1 no such user", "gray": "451 4.7.1 try again later", "data:full@example.org": "552 5.2.2 mailbox full",
                   "data:busy@example.org": "452 4.3.1 no space"}
    with Helper({"mail": table}) as helper:
        expect("failed", helper.send("mail", "nobody@example.org"), "550 5.1.1 no such user")
        expect("later", helper.send("mail", "gray@example.org"), "451 4.7.1")
        expect("failed", helper.send("mail", "full@example.org"), "552 5.2.2")
        expect("later", helper.send("mail", "busy@example.org"), "452 4.3.1")
        expect("sent", helper.send("mail", "fine@example.org"))
    check_equal([["fine@example.org"]], [taken[1] for taken in box.taken])
    box.taken.clear()

    # wrong password, other certificates, no TLS; passwords that others can read are none
    bad = secret_file(w, "bad", "wrong")
    for change, state, reason in (({"password_file": bad}, "failed", "password"), ({"ca_file": "/etc/ssl/certs/ca-certificates.crt"}, "failed", "certificate"),
                                  ({"url": f"smtp://localhost.localdomain:{number}"}, None, ""), ({"url": "smtp://127.0.0.1:1"}, "later", "")):
        with Helper({"mail": {**table, **change}}) as helper:
            got = helper.send("mail", "alice@example.org")
            check(got.state == (state or got.state) and got.state != "sent" and reason in got.reason, f"{change}: {got}")
    os.chmod(bad, 0o644)
    with Helper({"mail": {**table, "password_file": bad}}) as helper:
        expect("failed", helper.send("mail", "alice@example.org"), "others may read")
    check_equal([], box.taken)
    plain_box = Mailbox()
    plain = Controller(plain_box, hostname="127.0.0.1", port=plain_number)
    plain.start()
    with Helper({"mail": {"url": f"smtp://127.0.0.1:{plain_number}", "from": "qrx@sender.example"}}) as helper:
        expect("failed", helper.send("mail", "alice@example.org"), "TLS")
    check_equal([], plain_box.taken)
    with Helper({"mail": {"url": f"smtp://127.0.0.1:{plain_number}", "from": "qrx@sender.example", "tls": "off"}}) as helper:
        expect("sent", helper.send("mail", "alice@example.org"))
    plain.stop()
    controller.stop()

    # servers that end in the middle: before the message was whole it may be tried again, after that nobody knows
    def until(word, last):
        seen = []

        def script(line):
            if seen and seen[-1] == "data":
                if line == b".":
                    return last
                return b""
            for name, reply in ((b"EHLO", b"250 raw"), (b"HELO", b"250 raw"), (b"MAIL", b"250 ok"), (b"RCPT", b"250 ok"), (b"DATA", b"354 go"), (b"QUIT", b"221 bye")):
                if line.startswith(name):
                    if name == word:
                        return last
                    if name == b"DATA":
                        seen.append("data")
                    return reply
            return b"500 what"

        return script

    for word, last, state in ((b"EHLO", None, "later"), (b"MAIL", None, "later"), (b"RCPT", None, "later"), (b"DATA", None, "later"), (b".", None, "unknown"),
                              (b".", b"250 taken", "sent"), (b".", b"554 no", "failed"), (b"RCPT", b"421 going down", "later"), (b"MAIL", b"530 no", "failed")):
        with Helper({"mail": {"url": raw_server(until(word, last)), "from": "qrx@sender.example", "tls": "off"}}) as helper:
            got = helper.send("mail", "alice@example.org")
            check(got.state == state, f"a server that says {last} at {word}: {got} instead of {state}")

    # a local sendmail: arguments are arguments
    program = w.path("sendmail")
    with open(program, "w", encoding="ascii") as file:
        file.write('#!/bin/sh\nfor a; do printf "%s\\n" "$a"; done > "$0.args"; cat > "$0.mail"; exit $(cat "$0.exit")\n')
    os.chmod(program, 0o755)
    for status, state in ((0, "sent"), (75, "later"), (67, "failed")):
        with open(program + ".exit", "w", encoding="ascii") as file:
            file.write(str(status))
        with Helper({"mail": {"sendmail": program, "from": "qrx@sender.example"}}) as helper:
            expect(state, helper.send("mail", "alice@example.org"))
            expect("failed", helper.send("mail", "-oQ/tmp@example.org"), "malformed")
    with open(program + ".args", encoding="ascii") as file:
        check_equal(["-i", "-f", "qrx@sender.example", "--", "alice@example.org"], file.read().split("\n")[:-1])
    with open(program + ".mail", "rb") as file:
        check(b"\r" not in file.read(), "carriage returns for sendmail")
