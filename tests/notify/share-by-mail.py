#!/usr/bin/python3
"""From qrx-share to the mailboxes: fifty recipients by the server's mail, each with their own link and nobody else's; one that
does not exist; and a sealed space by the mail of this machine, through which the key travels and nowhere else."""
import asyncio
import email
import email.policy
import logging
import os
import re
import socket
import ssl

from aiosmtpd.controller import Controller

from notices import certificate
from qrx import check, check_equal, request, wait_for, work
from sharing import configure, keep_space, share

logging.disable(logging.CRITICAL)  # aiosmtpd tells what its clients break off
LINK = re.compile(r"^http://\S+/d/[a-z2-7]{32}\S*$", re.M)


class Mailboxes:
    def __init__(self):
        self.links = {}  # address → the links it was sent
        self.senders = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        await asyncio.sleep(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        check_equal([message["To"]], envelope.rcpt_tos, "recipients of one message")
        text = next(message.iter_parts()).get_content().replace("\r\n", "\n")
        self.links.setdefault(message["To"], []).extend(LINK.findall(text))
        self.senders.add(message["From"])
        return "250 OK"


with work() as w:
    cert, key = certificate(w, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    boxes = Mailboxes()
    controller = Controller(boxes, hostname="127.0.0.1", port=port, tls_context=context, require_starttls=True)
    controller.start()
    table = f'[notify.mail]\nurl = "smtp://localhost:{port}"\nfrom = "FROM <qrx@sender.example>"\nca_file = "{cert}"\nper_recipient = 0\n'
    with open("serve.toml", "w", encoding="ascii") as file:
        file.write(table.replace("FROM", "Server"))
    server = w.server("--config", w.path("serve.toml"))

    check_equal(0, w.start("qrx-serve", "check", "--config", w.path("serve.toml"), "--notify", "admin@example.org", name="check").wait(30), "check --notify")
    check("admin@example.org" in boxes.links, "the test notice")
    keep_space(w, server, w.file("a.bin", 1000), seal="off")
    people = [f"p{i}@example.org" for i in range(50)]
    said = share("nobody@example.org", status=3)
    check("nobody@example.org: 550 5.1.1 no such user" in said.err and said.states["nobody@example.org"] == "failed", said.err)
    said = share(*people, status=0, timeout=60)
    wait_for(30, lambda: all(person in boxes.links for person in people), "fifty mails")
    check_equal({person: [said.links[person]] for person in people}, {person: boxes.links[person] for person in people}, "who was sent which link")
    check_equal(50, len({links[0] for links in (boxes.links[person] for person in people)}), "different links")
    check_equal({"Server <qrx@sender.example>"}, boxes.senders)
    check(all(request("GET", said.links[person]).status == 200 for person in people[:5]), "links that lead nowhere")
    share(*people, status=0, timeout=60)
    check_equal(50, sum(len(boxes.links[person]) for person in people), "links after another run")

    # sealed: from here, with the key
    configure(table.replace("FROM", "Here").replace("per_recipient = 0\n", ""))
    boxes.senders.clear()
    keep_space(w, server, w.file("b.bin", 1000), seal="require")
    said = share("alice@example.org", "bob@example.org", status=0, timeout=60)
    check_equal({"Here <qrx@sender.example>"}, boxes.senders)
    for person in ("alice@example.org", "bob@example.org"):
        check_equal([said.links[person]], boxes.links[person])
        check("#AGE-SECRET-KEY-1" in said.links[person], said.links[person])
    w.start("qrx-recv", "-q", "-o", "got", boxes.links["bob@example.org"][0]).expect_exit(0)
    check_equal(1000, os.path.getsize("got"))
    controller.stop()
