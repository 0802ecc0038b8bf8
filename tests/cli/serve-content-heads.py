#!/usr/bin/python3
"""What was uploaded is never shown by the server as a page of its own: an attachment under one name, of a content that runs nothing;
and no page can be framed."""
import email.message
import json
import os
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402
import tus  # noqa: E402

NAMES = ['a"; filename=b.html', "a\"; filename*=UTF-8''b.html", "a;b=c.txt", "a%22.html", "\u202ec.html", "ä'\u20ac.svg", "d, e.txt"]
CONTENTS = {
    "page.html": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "photo.jpg": b"<!DOCTYPE html><html><script>alert(1)</script></html>",  # whatever its name says
    "drawing.svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "page.xhtml": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>',
    "script.js": b"alert(1)",
    "style.css": b"* { background: url(/s/x) }",
    "paper.pdf": b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n",
    "old.bmp": b"BM" + (58).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little") + bytes(36),
    "scan.tiff": b"II*\0" + (8).to_bytes(4, "little") + bytes(20),
    "photo.png": b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(17),
}


# name, then exactly two parameters: what old clients read, and what others do (RFC 6266).
DISPOSITION = re.compile(r"attachment; filename=\"([ !#-\[\]-~]*)\"; filename\*=UTF-8''([\w.~!$&+^`|#-]|%[0-9A-F]{2})*", re.ASCII)


def check_content(answer, name):
    values = answer.headers.get_all("Content-Disposition")
    qrx.check(len(values or []) == 1 and DISPOSITION.fullmatch(values[0]), f"{name}: {values}")
    message = email.message.Message()  # as another implementation than ours reads it
    message["Content-Disposition"] = values[0].rsplit("; filename*=", 1)[0]
    names = [key for key, _ in message.get_params(header="content-disposition")]
    qrx.check_equal((["attachment", "filename"], False), (names, '"' in message.get_filename()), values[0])
    qrx.check_equal(name, urllib.parse.unquote(values[0].rsplit("filename*=UTF-8''", 1)[1]), values[0])
    qrx.check_equal("nosniff", answer.header("X-Content-Type-Options"), name)
    qrx.check_equal("same-origin", answer.header("Cross-Origin-Resource-Policy"), name)
    policy = answer.header("Content-Security-Policy")
    qrx.check(policy and "sandbox" in policy and "default-src 'none'" in policy and "allow-" not in policy, f"{name}: {policy}")


def everywhere(space, wanted):
    """At the owner's address and at the link of a share; by GET, by HEAD, in part, and as what a frame would ask for."""
    wish = {"recipients": ["anna@example.org"]}
    link = qrx.request("POST", space.api_url + "/shares", json.dumps(wish), space.auth).json()["shares"][0]["link"]
    frame = {"Accept": "text/html", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"}
    files = space.files()
    qrx.check_equal(set(wanted), set(files), "names")
    for name, file in files.items():
        for base, rights in ((space.api_url, space.auth), (link, {})):
            url = f"{base}/files/{file['file']}"
            for method, more in (("GET", {}), ("HEAD", {}), ("GET", {"Range": "bytes=0-3"}), ("GET", frame)):
                answer = qrx.request(method, url, headers={**rights, **more})
                qrx.check(answer.status in (200, 206), f"{method} {url}: {answer!r}")
                check_content(answer, name)


def names(server):
    space = server.space()
    for number, name in enumerate(NAMES):
        if number % 2:
            qrx.check_equal(201, qrx.request("PUT", f"{space.upload_url}/{urllib.parse.quote(name, safe='')}", b"x").status, name)
            continue
        delivery = tus.open_delivery(space.upload_url)
        made = tus.create(space.upload_url, 1, name=name, delivery=delivery)
        qrx.check_equal(201, made.status, name)
        qrx.check_equal(204, tus.patch(tus.location(server.url, made), 0, b"x").status, name)
        qrx.check_equal(200, tus.commit(space.upload_url, delivery, 1).status, name)
    # Both ways for the worst one.
    qrx.check_equal(201, qrx.request("PUT", f"{space.upload_url}/{urllib.parse.quote('2' + NAMES[0], safe='')}", b"x").status)
    everywhere(space, [*NAMES, "2" + NAMES[0]])


def contents(server):
    space = server.space()
    for name, content in CONTENTS.items():
        qrx.check_equal(201, qrx.request("PUT", f"{space.upload_url}/{name}", content, {"Content-Type": "text/html"}).status, name)
    everywhere(space, CONTENTS)
    for name, content in CONTENTS.items():
        answer = space.content(space.files()[name])
        qrx.check_equal(content, answer.body, name)
        if not name.endswith("png"):
            qrx.check(not answer.header("Content-Type").startswith("image/png"), name)
    qrx.check_equal("image/png", space.content(space.files()["photo.png"]).header("Content-Type"))


def pages(server):
    space = server.space()
    wish = {"recipients": ["anna@example.org"]}
    link = qrx.request("POST", space.api_url + "/shares", json.dumps(wish), space.auth).json()["shares"][0]["link"]
    shared = urllib.parse.urlsplit(link).path
    for path in ("/", "/u/" + space.guid, "/s/" + space.guid, shared, "/u/" + "a" * 26, "/d/" + "a" * 32, "/nothing"):
        answer = qrx.request("GET", server.url + path, headers={"Accept": "text/html"})
        qrx.check((answer.header("Content-Type") or "").startswith("text/html"), f"{path}: no page: {answer!r}")
        qrx.check_equal(("DENY", "nosniff"), (answer.header("X-Frame-Options"), answer.header("X-Content-Type-Options")), path)
        policy = answer.header("Content-Security-Policy") or ""
        qrx.check("frame-ancestors 'none'" in policy and "unsafe-" not in policy, f"{path}: {policy}")


with qrx.work() as work:
    server_ = work.server("--create-rate", "0")
    for case in (names, contents, pages):
        try:
            case(server_)
        except qrx.Failed as failure:
            qrx.fail(f"{case.__name__}: {failure}")
