#!/usr/bin/python3
"""Dates and the executable bit come through: as curl and tus clients give them, and as curl, unzip and python take them."""
import base64
import email.utils
import io
import json
import os
import subprocess
import sys
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import qrx  # noqa: E402

THEN = 1_000_000_000
THEN_TEXT = "2001-09-09T01:46:40Z"


def curl(*arguments):
    done = subprocess.run(["curl", "-sSf", "--max-time", "60", *arguments], capture_output=True, check=False)
    qrx.check_equal(0, done.returncode, f"curl {arguments}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


def kept(file):
    return file.get("modified"), file.get("executable")


def by_curl(w, space):
    photo = w.file("photo.jpg", 300_000)
    said = curl("-i", "-T", photo, "-H", f"X-OC-Mtime: {THEN}.25", "-H", "Qrx-Executable: true", space.upload_url + "/")
    qrx.check("x-oc-mtime: accepted" in said.lower(), said)
    said = curl("-i", "-T", photo, space.upload_url + "/bare.jpg")
    qrx.check("x-oc-mtime" not in said.lower(), said)
    for name, value in (("negative", "-1"), ("huge", "1e30"), ("words", "yesterday"), ("beyond", "253402300800")):
        said = curl("-i", "-T", photo, "-H", f"X-OC-Mtime: {value}", f"{space.upload_url}/{name}")
        qrx.check(" 201 " in said and "x-oc-mtime" not in said.lower(), f"{value}: {said}")
    curl("-T", photo, "-H", "X-OC-Mtime: 253402300799", space.upload_url + "/last")
    curl("-T", photo, "-H", "X-OC-Mtime: 0", space.upload_url + "/first")
    files = space.files()
    qrx.check_equal((THEN_TEXT, True), kept(files["photo.jpg"]))
    for name in ("bare.jpg", "negative", "huge", "words", "beyond"):
        qrx.check_equal((None, None), kept(files[name]), name)
    qrx.check_equal(("9999-12-31T23:59:59Z", None), kept(files["last"]))
    qrx.check_equal(("1970-01-01T00:00:00Z", None), kept(files["first"]))


def by_delivery(space):
    delivery = qrx.request("POST", space.upload_url + "/deliveries", "{}").json()["delivery"]
    place = f"{space.upload_url}/deliveries/{delivery}"
    qrx.request("PUT", place + "/files/small", b"x", {"X-OC-Mtime": str(THEN), "Qrx-Executable": "1"})
    keys = {"filename": "large", "delivery": delivery, "mtime": str(THEN)}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in keys.items()) + ",executable"
    said = qrx.request("POST", space.upload_url + "/uploads", b"yy", {
        "Tus-Resumable": "1.0.0", "Upload-Length": "2", "Upload-Metadata": metadata, "Content-Type": "application/offset+octet-stream"})
    qrx.check_equal(201, said.status, repr(said))
    qrx.check_equal(200, qrx.request("POST", place + "/commit", json.dumps({"files": 2})).status)
    for name in ("small", "large"):
        qrx.check_equal((THEN_TEXT, True), kept(space.files()[name]), name)


def downloads(w, space):
    files = space.files()
    url = f"{space.api_url}/files/{files['photo.jpg']['file']}"
    got = w.path("got.jpg")
    token = "Authorization: " + space.auth["Authorization"]
    curl("-R", "-o", got, "-H", token, url)
    qrx.check_equal(THEN, int(os.stat(got).st_mtime), "curl -R")
    date = email.utils.formatdate(THEN, usegmt=True)
    answer = qrx.request("HEAD", url, headers=space.auth)
    qrx.check_equal(date, answer.header("Last-Modified"))
    etag = answer.header("ETag")
    # The date is the sender's word: the tag alone decides.
    for headers, status in (({"If-Modified-Since": date}, 200), ({"If-None-Match": etag, "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 304),
                            ({"Range": "bytes=0-3", "If-Range": date}, 200), ({"Range": "bytes=0-3", "If-Range": etag}, 206)):
        answer = qrx.request("GET", url, headers={**space.auth, **headers})
        qrx.check_equal(status, answer.status, repr(headers))
        qrx.check_equal(date, answer.header("Last-Modified"), repr(headers))
    bare = qrx.request("GET", f"{space.api_url}/files/{files['bare.jpg']['file']}", headers=space.auth)
    qrx.check_equal(None, bare.header("Last-Modified"), "of a file without a date")


def by_share(w, space):
    link = qrx.request("POST", space.api_url + "/shares", json.dumps({"recipients": ["link:a"]}), space.auth).json()["shares"][0]["link"]
    shared = {file["name"]: file for one in qrx.request("GET", link, headers={"Accept": "application/json"}).json()["deliveries"] for file in one["files"]}
    qrx.check_equal((THEN_TEXT, True), kept(shared["photo.jpg"]), "of a share")
    archive = qrx.request("GET", link + "/all.zip").body
    entries = {entry.filename: entry for entry in zipfile.ZipFile(io.BytesIO(archive)).infolist()}
    qrx.check_equal((2001, 9, 9, 1, 46, 40), entries["photo.jpg"].date_time)
    qrx.check_equal((1980, 1, 1, 0, 0, 0), entries["first"].date_time)
    qrx.check_equal((2107, 12, 31, 23, 59, 58), entries["last"].date_time)
    qrx.check(entries["bare.jpg"].date_time[0] >= 2020, f"the delivery's date: {entries['bare.jpg'].date_time}")
    qrx.check_equal({"photo.jpg", "small", "large"}, {name for name, entry in entries.items() if entry.external_attr >> 16 == 0o100755}, "executables")
    with open(w.path("all.zip"), "wb") as file:
        file.write(archive)
    done = subprocess.run(["unzip", "-q", w.path("all.zip"), "-d", w.path("out")], capture_output=True, text=True)
    qrx.check_equal(0, done.returncode, done.stdout + done.stderr)
    there = os.stat(w.path("out", "photo.jpg"))
    qrx.check_equal((THEN, 0o755 & ~UMASK), (int(there.st_mtime), there.st_mode & 0o777), "what unzip made of it")


UMASK = os.umask(0)
os.umask(UMASK)
with qrx.work() as w:
    server = w.server()
    space = server.space()
    by_curl(w, space)
    by_delivery(space)
    downloads(w, space)
    by_share(w, space)
    server.kill()
    qrx.check_equal((THEN_TEXT, True), kept(space.at(server.restart()).files()["photo.jpg"]), "after a restart")
