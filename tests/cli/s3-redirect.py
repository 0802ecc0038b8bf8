#!/usr/bin/python3
# run: timeout=200
"""qrx-serve --redirect with a real S3 store: what is one object goes to clients from the store itself, under a right of a minute;
everything else, and everybody else, gets it from the server."""
import http.client
import json
import os
import socket
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import objectstore  # noqa: E402
import qrx  # noqa: E402
from faultyproxy import FaultyProxy  # noqa: E402

if objectstore.missing():
    qrx.skip(objectstore.missing())

FOLLOW = {"Qrx-Follow": "store"}


def fetch(address):
    """As a stranger who has the address alone."""
    parts = urllib.parse.urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request("GET", parts.path + "?" + parts.query)
    answer = connection.getresponse()
    body = answer.read()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def metrics(port):
    text = qrx.request("GET", f"http://127.0.0.1:{port}/metrics").body.decode()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def put(space, path):
    done = subprocess.run(["curl", "-sS", "--fail-with-body", "-T", path, space.upload_url + "/"], capture_output=True, timeout=120)
    qrx.check_equal(0, done.returncode, f"curl -T: {done.stdout} {done.stderr}")


def owners(space, files, names):
    def status(name, headers, method="GET"):
        return qrx.request(method, space.server.url + names[name], headers={**space.auth, **headers}).status

    answer = qrx.request("GET", space.server.url + names["medium.bin"], headers={**space.auth, **FOLLOW})
    qrx.check_equal(307, answer.status, "one object, for a client that follows")
    qrx.check("no-store" in answer.header("Cache-Control"), "it is kept by nobody")
    address = answer.header("Location")
    status_there, headers, body = fetch(address)
    qrx.check_equal((200, read(files["medium.bin"])), (status_there, body), "from the store")
    qrx.check("attachment" in headers["content-disposition"] and "medium.bin" in headers["content-disposition"], f"{headers}")
    qrx.check("X-Amz-Expires=60" in address, "a minute")
    qrx.check(space.token not in address, "nothing of the server's in it")
    # Changed in any part, it is no right.
    qrx.check_equal(403, fetch(address.replace("medium.bin", "other.bin"))[0], "another name")
    qrx.check_equal(200, status("medium.bin", {}), "who does not say that they follow")
    qrx.check_equal(200, status("medium.bin", {"Sec-Fetch-Mode": "navigate"}), "a browser: a token must not go along")
    form = qrx.request("POST", space.server.url + names["medium.bin"], "token=" + space.token,
                       {"Content-Type": "application/x-www-form-urlencoded", **FOLLOW})
    qrx.check_equal(200, form.status, "a form: it would be posted to the store, token and all")
    qrx.check_equal(200, status("medium.bin", FOLLOW, "HEAD"), "HEAD")
    qrx.check_equal(206, status("medium.bin", {**FOLLOW, "Range": "bytes=5-"}), "a part")
    qrx.check_equal(200, status("medium.bin", {**FOLLOW, "Want-Repr-Digest": "sha-256=1"}), "with its sum")
    qrx.check_equal(200, status("small.bin", FOLLOW), "little")
    qrx.check_equal(200, status("large.bin", FOLLOW), "several objects")
    return address


def recipients(space, files):
    def share(**wish):
        wish = {"recipients": ["a@example.org" if not wish else "b@example.org"], **wish}
        answer = qrx.request("POST", space.api_url + "/shares", json.dumps(wish), space.auth)
        qrx.check(answer.status in (200, 201), f"{answer!r}")
        return answer.json()["shares"][0]

    def file_of(one):
        shown = qrx.request("GET", one["link"], headers={"Accept": "application/json"}).json()
        return next(file["url"] for delivery in shown["deliveries"] for file in delivery["files"] if file["name"] == "medium.bin")

    free, limited = share(), share(downloads=2)
    answer = qrx.request("GET", file_of(free), headers=FOLLOW)
    qrx.check_equal(307, answer.status, "a link without a limit")
    qrx.check_equal(read(files["medium.bin"]), fetch(answer.header("Location"))[2], "from the store")
    qrx.check_equal("no-referrer", answer.header("Referrer-Policy"), "the link is told to nobody")
    states = space.get("/shares").json()["shares"]
    qrx.check("opened" in [one["state"] for one in states], f"what its owner sees: {states}")
    qrx.check_equal(200, qrx.request("GET", file_of(limited), headers=FOLLOW).status, "a limit is counted here")
    qrx.check_equal(200, qrx.request("GET", file_of(free)).status, "who does not say that they follow")


def main():
    with qrx.work() as work, objectstore.ObjectStore(work.path("store")) as store, \
            FaultyProxy("127.0.0.1", store.port) as proxy:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        where = ["--blobs", f"s3://{objectstore.BUCKET}/p", "--s3-endpoint", proxy.url]
        server = work.server(*where, "--redirect", "-vv", "--metrics-bind", f"127.0.0.1:{port}", env=store.env)
        space = server.space()
        files = {}
        for name, size in (("small.bin", 3000), ("medium.bin", 2_000_000), ("large.bin", 20_000_000)):
            files[name] = work.file(name, size, seed=size)
            put(space, files[name])
        names = {name: urllib.parse.urlsplit(file["url"]).path for name, file in space.files().items()}
        address = owners(space, files, names)
        recipients(space, files)

        # qrx-recv follows; where it cannot, it gets the bytes all the same.
        signed = []
        proxy.rule = lambda method, path, count: signed.append(path) if "X-Amz-Signature" in path else None
        for number, rule in enumerate((proxy.rule, lambda method, path, count: "500" if "X-Amz-Signature" in path else None)):
            proxy.rule = rule
            out, fresh = work.path(f"out{number}"), server.space()
            os.mkdir(out)
            for path in files.values():
                put(fresh, path)
            work.start("qrx-recv", "-o", out, fresh.owner, "--no-progress").expect_exit(0)
            for name, path in files.items():
                qrx.check(read(path) == read(os.path.join(out, name)), f"{name}, received")
        qrx.check_equal(1, len(signed), "fetched from the store by qrx-recv")
        qrx.check(proxy.faults["500"] > 0, "the store refused")

        seen = metrics(port)
        qrx.check_equal(4, seen["qrx_redirected_total"], "redirects")
        qrx.check(seen['qrx_s3_requests_total{method="PUT",status="2xx"}'] >= 5, f"{seen}")
        qrx.check(seen['qrx_s3_requests_total{method="GET",status="2xx"}'] > 0, f"{seen}")
        qrx.check_equal(seen['qrx_s3_request_seconds_count{method="PUT"}'],
                        sum(value for name, value in seen.items() if name.startswith('qrx_s3_requests_total{method="PUT"')), "PUTs")
        qrx.check(seen['qrx_s3_request_seconds_sum{method="PUT"}'] > 0 and seen["qrx_spool_limit_bytes"] == 8 << 30, f"{seen}")

        qrx.check_equal(0, server.terminate(), "SIGTERM")
        signature = urllib.parse.parse_qs(urllib.parse.urlsplit(address).query)["X-Amz-Signature"][0]
        qrx.check(signature not in server.err and "X-Amz" not in server.err, "the log tells no address")
        plain = work.tool("qrx-serve", "--bind", "127.0.0.1:0", "--data", work.path("plain"), "--redirect")
        plain.expect_exit(2)
        qrx.check("--redirect needs --blobs s3://" in plain.err, plain.err)


if __name__ == "__main__":
    main()
