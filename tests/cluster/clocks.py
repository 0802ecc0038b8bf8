"""Run by clocks.sh. The clocks of the nodes are wrong, those of the database and of the store are right. The database decides what
has expired, on every node at the same time; nothing is removed too early; the store takes what the nodes sign."""
import datetime
import glob
import http.client
import json
import os
import re
import subprocess
import threading
import time
import urllib.parse

import objectstore
import qrx
import tus

if objectstore.missing():
    qrx.skip(objectstore.missing())
LIBRARY = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") or qrx.skip("libfaketime is not installed")
if qrx.is_sanitized():
    qrx.skip("a sanitizer's library must be the first to be loaded")

# Five minutes: the store takes what is signed with such a clock, but an address that is good for a minute has ended by then.
WRONG = {"ahead": "+3600", "behind": "-3600", "late": "-300"}
NEARLY = 30  # seconds: what a busy machine may need between the question and the answer


class Clock:
    """Of one node; it can be set while that runs. Timers go by the steady clock, which nobody sets."""

    def __init__(self, path):
        self.path = path

    def set(self, text):
        with open(self.path + ".new", "w", encoding="ascii") as file:  # in one step: it may be read at any time
            file.write(text + "\n")
        os.replace(self.path + ".new", self.path)

    @property
    def env(self):
        return {"LD_PRELOAD": LIBRARY[0], "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def is_near(want, got, about):
    qrx.check(abs(want - got) <= NEARLY, f"{about}: {got - want:.0f} s off")


def put(space, server, name, data):
    answer = qrx.request("PUT", f"{space.at(server).upload_url}/{name}", data, timeout=120)
    qrx.check_equal(201, answer.status, f"PUT: {answer!r}")


def one_time(nodes):
    """What is told of a space is the same everywhere, and right."""
    for node in nodes:
        space = node.space(expire=3600)
        is_near(time.time() + 3600, seconds(space.created["expires"]), "the end of a new space")
        qrx.check_equal({space.created["expires"]}, {space.at(other).state()["expires"] for other in nodes}, "its end, told by each node")
        put(space, node, "file", b"bytes")
        is_near(time.time(), seconds(space.state()["deliveries"][0]["committed"]), "when a delivery was committed")


class Ending:
    """A space, and a link, that one node made to end soon."""

    def __init__(self, node, life):
        self.lasting, space = node.space(expire=3600), node.space(expire=life)
        put(self.lasting, node, "file", b"bytes")
        wish = {"recipients": ["link:a"], "expire": life}
        earliest = time.time() + life
        link = qrx.request("POST", self.lasting.api_url + "/shares", json.dumps(wish), self.lasting.auth).json()["shares"][0]["link"]
        path = urllib.parse.urlsplit(link).path
        self.ask = {"space": lambda other: space.at(other).get().status,
                    "link": lambda other: qrx.request("GET", other.url + path, headers={"Accept": "application/json"}).status}
        self.ends = {"space": seconds(space.created["expires"]), "link": earliest}


def expires(nodes):
    """There until their end, at every node, and nowhere afterwards."""
    endings = [Ending(node, 8) for node in nodes]
    for what in ("space", "link"):
        for ending in endings:
            for node in nodes:
                status = ending.ask[what](node)
                if time.time() < ending.ends[what] - 1:  # which is told in whole seconds
                    qrx.check_equal(200, status, f"a {what} before its end")
    for what in ("space", "link"):
        for ending in endings:
            for node in nodes:
                qrx.wait_for(60, lambda ask=ending.ask[what], node=node: ask(node) == 410, f"the end of a {what}")
                qrx.check(time.time() > ending.ends[what] - 2, f"a {what} ended {ending.ends[what] - time.time():.0f} s early")
    for ending in endings:
        qrx.check_equal(200, ending.lasting.get().status, "a space that lives")


def one_upload(nodes):
    """Begun, continued and ended where the time is another each time."""
    data = b"".join(qrx.noise(3_000_000))
    space = nodes[0].space()
    place = tus.location(nodes[0].url, tus.create(space.upload_url, len(data), "large"))
    for number, node in enumerate(nodes):
        there, part = place.replace(nodes[0].url, node.url), data[number * 1_000_000:(number + 1) * 1_000_000]
        qrx.check_equal(204, tus.patch(there, number * 1_000_000, part, timeout=120).status, "a part of an upload")
    for node in nodes:
        qrx.check(space.at(node).content(space.files()["large"], timeout=120).body == data, "the upload, read at each node")
    return space


def limited(nodes):
    """A link for two downloads, one at each of two nodes: none is left at the third."""
    space = nodes[0].space()
    put(space, nodes[1], "file", b"bytes")
    wish = {"recipients": ["link:a"], "downloads": 2}
    link = qrx.request("POST", space.api_url + "/shares", json.dumps(wish), space.auth).json()["shares"][0]["link"]
    shown = qrx.request("GET", link, headers={"Accept": "application/json"}).json()
    path = urllib.parse.urlsplit(shown["deliveries"][0]["files"][0]["url"]).path
    statuses = [qrx.request("GET", node.url + path).status for node in nodes]
    qrx.check_equal([200, 200, 410], statuses, "a link for two downloads")


def redirected(nodes):
    """An address in the store is good for a minute: it must not have ended when it is given, and end before long."""
    space = nodes[0].space()
    put(space, nodes[0], "file", b"x" * 1_000_000)
    file = space.files()["file"]["file"]
    for node in nodes:
        space.at(node).content(file)  # whatever the node knows of the store's time by then
        answer = space.get("/files/" + file, {"Qrx-Follow": "store"})
        qrx.check_equal(307, answer.status, "a redirect")
        address = urllib.parse.urlsplit(answer.header("Location"))
        signed = urllib.parse.parse_qs(address.query)["X-Amz-Date"][0]
        is_near(time.time(), seconds(datetime.datetime.strptime(signed + "+0000", "%Y%m%dT%H%M%SZ%z").isoformat()), "an address")
        connection = http.client.HTTPConnection(address.netloc, timeout=60)
        connection.request("GET", f"{address.path}?{address.query}")
        qrx.check_equal(200, connection.getresponse().status, "what the store says to that address")
        connection.close()


def shared_objects(store):
    return {name: int(number) for name in store.names() for number in re.findall(r"\.shared\.(\d+)$", name)}


def together(work, nodes, store, sweep):
    """Small files of several senders are one object, which stays for an hour after it was stored: somebody may still be about to
    name it. That hour is the same for all nodes."""
    for node in nodes:
        before = set(shared_objects(store))
        spaces = [node.space() for _ in range(6)]
        for _ in range(20):  # that they come at the same moment is likely, not certain
            senders = [threading.Thread(target=put, args=(space, node, f"file{os.urandom(4).hex()}", b"small")) for space in spaces]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
            made = {name: when for name, when in shared_objects(store).items() if name not in before}
            if made:
                break
        qrx.check(made, "no object that is shared")
        for name, when in made.items():
            is_near(time.time(), when, f"since when {name} is there")
        for space in spaces:
            qrx.check_equal(204, qrx.request("DELETE", space.api_url, headers=space.auth).status, "deleting a space")
        for other in nodes:
            sweep(other)
        left = set(made) - set(shared_objects(store))
        qrx.check(not left, f"removed within the hour: {left}")


def main():
    with qrx.work() as work, objectstore.ObjectStore(work.path("store")) as store:
        where = ["--catalog", os.environ["catalog"], "--blobs", f"s3://{objectstore.BUCKET}/clocks", "--s3-endpoint", store.url]
        clocks = {name: Clock(work.path(name + ".clock")) for name in WRONG}
        for name, wrong in WRONG.items():
            clocks[name].set(wrong)
        nodes = [work.server("--create-rate", "0", "--redirect", *where, data=work.path(name), env={**store.env, **clocks[name].env})
                 for name in WRONG]

        def sweep(node):
            """By an operator's command with the clock of that node."""
            done = subprocess.run(["qrx-serve", "sweep", "--data", node.data, *where], capture_output=True, text=True, timeout=120,
                                  stdin=subprocess.DEVNULL, env={**os.environ, **node.env}, check=False)
            qrx.check_equal(0, done.returncode, f"sweep: {done.stderr}")

        one_time(nodes)
        expires(nodes)
        kept = one_upload(nodes)
        limited(nodes)
        redirected(nodes)
        together(work, nodes, store, sweep)
        # Set while they run, the other way.
        for name, other in (("ahead", "-3600"), ("behind", "+3600"), ("late", "+300")):
            clocks[name].set(other)
        one_time(nodes)
        one_upload(nodes)
        redirected(nodes)
        for node in nodes:
            sweep(node)
            qrx.check_equal(200, qrx.request("GET", node.url + "/readyz").status, "of use")
            qrx.check("large" in kept.at(node).files(), "what lives is there")
        for node in nodes:
            qrx.check_equal(0, node.terminate(60), "SIGTERM")
            qrx.check("clock" not in node.err and "S3" not in node.err, f"the log of a node: {node.err[-1000:]}")


if __name__ == "__main__":
    main()
