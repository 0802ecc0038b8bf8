#!/usr/bin/python3
"""curl as sender and receiver: files of known and unknown length, forms, ranges, sums, names, and a download that follows."""
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402


def curl(*arguments, data=None):
    done = subprocess.run(["curl", "-sS", "--max-time", "60", *arguments], input=data, capture_output=True, check=False)
    qrx.check_equal(0, done.returncode, f"curl {arguments}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def status_of(*arguments, data=None):
    return int(curl("-o", os.devnull, "-w", "%{http_code}", *arguments, data=data))


def sums(path):
    return subprocess.run(["xxh128sum", path], capture_output=True, text=True, check=True).stdout.split()[0]


def uploads(w, space):
    photo = w.file("photo.jpg", 3_000_000)  # over 1 MiB: curl waits for 100 Continue
    said = curl("-T", photo, space.upload_url + "/").decode()
    qrx.check_equal(f"sent successfully: photo.jpg, 3000000 bytes, xxh128 {sums(photo)}\n", said)
    with open(photo, "rb") as file:
        data = file.read()
    said = curl("-T", "-", space.drop.split("#")[0] + "/piped%20%C3%A4.bin", data=data).decode()
    qrx.check("piped ä.bin, 3000000 bytes" in said, said)
    curl("-T", "-", space.upload_url + "/", data=b"no name")
    curl("-T", w.file("empty", 0), space.upload_url + "/")
    state = json.loads(curl("-T", photo, "-H", "Accept: application/json", space.upload_url + "/again.jpg"))
    qrx.check_equal(sums(photo), state["files"][0]["xxh128"])
    files = space.files()
    qrx.check_equal({"photo.jpg", "piped ä.bin", "upload", "empty", "again.jpg"}, set(files))
    for name in ("photo.jpg", "piped ä.bin"):
        qrx.check(space.content(files[name]).body == data, f"{name} came back different")

    qrx.check_equal(400, status_of("--path-as-is", "-T", photo, space.upload_url + "/..%2f..%2fetc/passwd"))
    qrx.check_equal(404, status_of("-T", photo, space.upload_url[:-1] + "/"))
    qrx.check_equal(415, status_of("-T", photo, "-H", "Content-Encoding: gzip", space.upload_url + "/z"))
    qrx.check_equal(405, status_of(space.upload_url + "/photo.jpg"))
    qrx.check_equal(5, len(space.files()), "files after what was refused")
    return files["photo.jpg"], data


def downloads(w, space, file, data):
    back = w.path("back")
    curl("-u", ":" + space.token, "-o", back, "-r", "0-999999", file["url"])
    curl("-u", ":" + space.token, "-o", back, "-C", "-", file["url"])
    with open(back, "rb") as got:
        qrx.check(got.read() == data, "a download in two parts came back different")
    head = curl("-u", ":" + space.token, "-I", "-H", "Want-Repr-Digest: sha-256=1", file["url"]).decode()
    for want in (r"Content-Length: 3000000\b", r'ETag: "xxh128-[0-9a-f]{32}"', r"Repr-Digest: sha-256=:\S{44}:", r"Accept-Ranges: bytes",
                 r"Content-Disposition: attachment; filename=\"photo\.jpg\"; filename\*=UTF-8''photo\.jpg", r"X-Content-Type-Options: nosniff", r"Qrx-Xxh128: "):
        qrx.check(re.search(want, head, re.I), f"no {want} in {head}")
    qrx.check_equal(416, status_of("-u", ":" + space.token, "-r", "3000000-", file["url"]))
    qrx.check_equal(401, status_of(file["url"]))
    qrx.check_equal(404, status_of("-u", ":" + "a" * 32, file["url"]))


def forms(w, server):
    space = server.space(label="Ann")
    page = curl(space.upload_url).decode()
    qrx.check("Send to Ann" in page and 'type="file"' in page, "no form on the sender's page")
    one, big = w.file("image.jpg", 20_000), w.file("sub/image.jpg", 2_000_000, seed=2)
    said = curl("-F", "note=from my phone", "-F", "files=@" + one, "-F", "files=@" + big, "-H", "Accept: text/html", space.upload_url).decode()
    qrx.check("Sent successfully" in said and "image (1).jpg" in said, said)
    (delivery,) = space.state()["deliveries"]
    qrx.check_equal("from my phone", delivery["message"])
    qrx.check_equal({sums(one), sums(big)}, {file["xxh128"] for file in delivery["files"]})
    qrx.check_equal(400, status_of("-F", "note=", space.upload_url))
    qrx.check_equal(201, status_of("-F", "note=only words", space.upload_url))  # a note alone is a text
    text = space.state()["deliveries"][1]
    qrx.check_equal(("only words", []), (text["message"], text["files"]))
    other = space.server.space()
    qrx.check_equal(201, status_of("-F", "message=hello", "-F", "files=@" + one, other.upload_url))  # as qrx-send names it
    qrx.check_equal("hello", other.state()["deliveries"][0]["message"])
    refused = curl("-F", "words=hello", other.upload_url).decode()
    qrx.check("words" in refused and "message" in refused and refused.endswith("\n"), refused)
    qrx.check_equal(415, status_of("-d", "a=b", space.upload_url))


def follows(server):
    """The owner reads a file while it is being sent, and sees it grow."""
    space = server.space()
    seq = space.state()["seq"]
    data = b"".join(qrx.noise(2_000_000, 3))
    half = threading.Event()

    def pieces():
        yield data[:1_200_000]
        half.wait(20)
        yield data[1_200_000:]

    sender = threading.Thread(target=lambda: qrx.request("PUT", space.upload_url + "/slow.bin", pieces()), daemon=True)
    sender.start()

    def running():
        state = space.get(f"?after={seq}&wait=5").json()
        return [upload for upload in state["uploads"] if upload["offset"] >= 1_000_000]

    (upload,) = qrx.wait_for(20, running, "the upload in the owner's view")
    qrx.check_equal("slow.bin", upload["name"])
    connection = qrx.connect(server.url)
    connection.request("GET", urllib.parse.urlsplit(upload["url"]).path, headers=space.auth)
    answer = connection.getresponse()
    qrx.check_equal(200, answer.status)
    first = answer.read(1_000_000)
    half.set()
    qrx.check(first + answer.read() == data, "what was followed is different")
    sender.join(20)
    qrx.check(space.content(upload["upload"]).body == data, "the file at the upload's address is different")


def packs(server):
    """Who sends learns whether the receiver understands packs; that is all the server has to do with it."""
    told = {}
    for wish in ('{"packs": true}', '{"packs": false}', "{}"):
        made = json.loads(curl("-H", "Content-Type: application/json", "-d", wish, server.url + "/api/v1/spaces"))
        told[wish] = json.loads(curl("-H", "Accept: application/json", made["drop"].split("#")[0])).get("packs", "not said")
    qrx.check_equal({'{"packs": true}': True, '{"packs": false}': "not said", "{}": "not said"}, told)
    qrx.check_equal(400, status_of("-d", '{"packs": "yes"}', server.url + "/api/v1/spaces"))


def cut(server):
    """A file whose upload is cut appears nowhere, and who follows it is cut, too."""
    space = server.space()
    parts = urllib.parse.urlsplit(space.upload_url)
    connection = qrx.connect(server.url)
    connection.putrequest("PUT", parts.path + "/cut.bin")
    connection.putheader("Content-Length", "1000000")
    connection.endheaders()
    connection.send(b"x" * 600_000)
    (upload,) = qrx.wait_for(10, lambda: [u for u in space.state()["uploads"] if u["offset"] > 0], "the upload")
    reader = qrx.connect(server.url)
    reader.request("GET", urllib.parse.urlsplit(upload["url"]).path, headers=space.auth)
    answer = reader.getresponse()
    connection.close()
    try:
        qrx.fail(f"a cut upload was read to its end: {len(answer.read())} bytes")
    except (OSError, http.client.HTTPException):
        pass
    qrx.wait_for(10, lambda: not space.state()["uploads"], "the cut upload is forgotten")
    qrx.check_equal({}, space.files())


def main():
    with qrx.work() as w:
        server = w.server()
        space = server.space()
        file, data = uploads(w, space)
        downloads(w, space, file, data)
        forms(w, server)
        follows(server)
        packs(server)
        cut(server)


if __name__ == "__main__":
    began = time.monotonic()
    main()
