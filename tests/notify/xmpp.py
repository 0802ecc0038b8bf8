#!/usr/bin/python3
"""XMPP against a real prosody: TLS with a verified certificate, the message in the recipient's offline store, and what
becomes of unknown recipients, wrong passwords and wrong certificates."""
import glob
import os
import socket
import subprocess

from notices import NOTICE, Helper, certificate, secret_file
from qrx import check, check_equal, wait_for, work

CONFIG = """
run_as_root = true
daemonize = false
pidfile = "{home}/prosody.pid"
data_path = "{home}/data"
certificates = "{home}"
plugin_paths = {{}}
modules_enabled = {{ "saslauth", "tls", "disco", "ping", "offline", "roster" }}
modules_disabled = {{ "s2s" }}
authentication = "internal_plain"
c2s_require_encryption = {tls}
allow_unencrypted_plain_auth = true
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
s2s_ports = {{}}
c2s_direct_tls_ports = {{}}
http_ports = {{}}
https_ports = {{}}
log = {{ info = "{home}/log" }}
VirtualHost "{domain}"
  ssl = {{ certificate = "{cert}"; key = "{key}"; }}
"""


def expect(state, got, reason=""):
    check(got.state == state and reason in got.reason, f"expected {state} with '{reason}', got {got}")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def open_port(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


with work() as w:
    domain = "qrx.test"
    cert, key = certificate(w, domain)
    port = free_port()
    home = w.path("prosody")
    os.mkdir(home)
    config = w.path("prosody.cfg.lua")
    with open(config, "w", encoding="ascii") as file:
        file.write(CONFIG.format(home=home, port=port, domain=domain, cert=cert, key=key, tls="true"))
    root = ["--root"] if os.geteuid() == 0 else []
    for name, password in (("qrx", "s3cret"), ("bob", "x")):
        subprocess.run(["prosodyctl", "--config", config, *root, "register", name, domain, password], check=True, capture_output=True)
    w.start("/usr/bin/prosody", "--config", config, *root, "-F", name="prosody")
    wait_for(20, lambda: open_port(port), "prosody listens")

    table = {"user": f"qrx@{domain}", "password_file": secret_file(w, "password", "s3cret"), "host": "127.0.0.1", "port": str(port), "ca_file": cert}
    with Helper({"xmpp": table}) as helper:
        expect("sent", helper.send("xmpp", f"bob@{domain}", message="hello <b>&amp;</b>\n</body></message><message to='eve@x'>"))
        expect("failed", helper.send("xmpp", f"nobody@{domain}"))
        for address in (f"bob@{domain}/x", f"bob@{domain}' to='eve@{domain}", "bob"):
            expect("failed", helper.send("xmpp", address), "malformed")
    stored = glob.glob(home + "/data/**/offline/bob.list", recursive=True)
    check_equal(1, len(stored), "offline stores of bob")
    with open(stored[0], encoding="utf-8") as file:
        text = file.read()
    check_equal(1, text.count(NOTICE["link"]))
    check("hello" in text and "eve@x" not in text.replace("\uff1cmessage to='eve\uff20x'", ""), text)
    check(NOTICE["id"] in text, "the notice's id is the message's")

    for change, reason in (({"password_file": secret_file(w, "bad", "wrong")}, "password"),
                           ({"ca_file": "/etc/ssl/certs/ca-certificates.crt"}, "certificate"),
                           ({"user": "qrx@other.test"}, "")):
        with Helper({"xmpp": {**table, **change}}) as helper:
            got = helper.send("xmpp", f"bob@{domain}")
            check(got.state in ("failed", "later") and reason in got.reason, f"{change}: {got}")
            if reason:
                check_equal("failed", got.state, f"{change}: {got}")
    with Helper({"xmpp": {**table, "port": str(free_port())}}) as helper:
        expect("later", helper.send("xmpp", f"bob@{domain}"))

    # a certificate for another name, however valid
    other_cert, other_key = certificate(w, "other.example")
    os.mkdir(home + "2")
    other_port = free_port()
    with open(w.path("prosody2.cfg.lua"), "w", encoding="ascii") as file:
        file.write(CONFIG.format(home=home + "2", port=other_port, domain=domain, cert=other_cert, key=other_key, tls="true"))
    w.start("/usr/bin/prosody", "--config", w.path("prosody2.cfg.lua"), *root, "-F", name="prosody2")
    wait_for(20, lambda: open_port(other_port), "the other prosody listens")
    with Helper({"xmpp": {**table, "port": str(other_port), "ca_file": other_cert}}) as helper:
        expect("failed", helper.send("xmpp", f"bob@{domain}"), "certificate")
    with open(stored[0], encoding="utf-8") as file:
        check_equal(1, file.read().count(NOTICE["link"]), "messages for bob")
