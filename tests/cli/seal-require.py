#!/usr/bin/python3
"""A space that takes only sealed files refuses plain ones by every way in, and takes sealed ones by every way in."""
import base64
import os
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

TUS = {"Tus-Resumable": "1.0.0"}
PLAIN = b"".join(qrx.noise(300_000))


def put(space, name, content):
    return qrx.request("PUT", f"{space.upload_url}/{name}", body=content).status


def form(space, name, content):
    body = (f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n').encode() + content + b"\r\n--x--\r\n"
    return qrx.request("POST", space.upload_url, body=body, headers={"Content-Type": "multipart/form-data; boundary=x"}).status


def create(space, name, headers, body=b""):
    given = "filename " + base64.b64encode(name.encode()).decode()
    return qrx.request("POST", f"{space.upload_url}/uploads", body=body, headers={**TUS, "Upload-Metadata": given, **headers})


def address(space, answer):
    return urllib.parse.urljoin(space.upload_url, answer.header("Location"))


def patch(url, offset, body):
    return qrx.request("PATCH", url, body=body, headers={**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"})


def tus(space, name, content, first=None):
    """In two requests; the first may be shorter than the mark that is looked for."""
    answer = create(space, name, {"Upload-Length": str(len(content))})
    qrx.check_equal(201, answer.status, "creation")
    url = address(space, answer)
    first = first or len(content) // 2
    part = patch(url, 0, content[:first])
    return part.status if part.status != 204 else patch(url, first, content[first:]).status


def tus_at_once(space, name, content):
    return create(space, name, {"Upload-Length": str(len(content)), "Content-Type": "application/offset+octet-stream"}, content).status


def concatenated(space, name, content):
    urls = []
    for part in (content[:100_000], content[100_000:]):
        answer = create(space, name, {"Upload-Concat": "partial", "Upload-Length": str(len(part))})
        qrx.check_equal(201, answer.status, "a partial")
        urls.append(address(space, answer))
        qrx.check_equal(204, patch(urls[-1], 0, part).status, "bytes of a partial")
    return create(space, name, {"Upload-Concat": "final;" + " ".join(urls)}).status


def small_in_delivery(space, name, content):
    delivery = qrx.request("POST", f"{space.upload_url}/deliveries", body=b"{}").json()["delivery"]
    status = qrx.request("PUT", f"{space.upload_url}/deliveries/{delivery}/files/{name}", body=content[:100_000]).status
    if status != 202:
        return status
    return qrx.request("POST", f"{space.upload_url}/deliveries/{delivery}/commit", body=b'{"files": 1}').status


WAYS = {"PUT": put, "form": form, "tus": tus, "tus, the mark cut in two": lambda *given: tus(*given, first=10), "tus at once": tus_at_once,
        "tus concatenated": concatenated, "a small file of a delivery": small_in_delivery}

with qrx.work() as work:
    server = work.server()
    identity = work.path("identity")
    subprocess.run(["age-keygen", "-o", identity], check=True, capture_output=True)
    key = subprocess.run(["age-keygen", "-y", identity], check=True, capture_output=True, text=True).stdout.strip()
    with open(work.path("plain"), "wb") as file:
        file.write(PLAIN)
    subprocess.run(["age", "-r", key, "-o", work.path("sealed"), work.path("plain")], check=True)
    with open(work.path("sealed"), "rb") as file:
        sealed = file.read()
    space = server.space(seal="require", key=key)
    for way, send in WAYS.items():
        status = send(space, "plain.bin", PLAIN)
        qrx.check(status in (400, 403, 415), f"{way}: a plain file was answered {status}")
        if send is not small_in_delivery:
            tiny = send(space, "tiny", b"age") if send not in (concatenated,) else 415
            qrx.check(tiny in (400, 403, 415), f"{way}: three plain bytes were answered {tiny}")
    qrx.check_equal(0, len(space.files()), "files of plain uploads")
    state = space.state()
    qrx.check_equal([], state["deliveries"], "deliveries of plain uploads")
    for way, send in WAYS.items():
        status = send(space, "sealed.age", sealed)
        qrx.check(status in (200, 201, 204), f"{way}: a sealed file was answered {status}")
    files = [file for delivery in space.state()["deliveries"] for file in delivery["files"]]
    qrx.check_equal(len(WAYS), len(files), "sealed files")
    for file in files:
        qrx.check(file["sealed"], f"{file['name']} does not count as sealed")
    whole = [file for file in files if file["size"] == len(sealed)]
    qrx.check_equal(len(WAYS) - 1, len(whole), "whole sealed files")
    for file in whole:
        opened = subprocess.run(["age", "-d", "-i", identity], input=space.content(file).body, capture_output=True, check=True).stdout
        qrx.check(opened == PLAIN, "what age opens differs")
