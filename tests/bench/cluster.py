"""make bench-cluster: what several machines cost, beside the same work done without them, in one run; prints one table.

Run by cluster.sh, which has started PostgreSQL. Nodes, PostgreSQL, the store (Swift) and the clients share this machine's cores: where
the store is the slowest part a node can be as fast as the store alone, and no faster.
    QRX_SIZE=BYTES  of the large file (1 GiB)    QRX_ROUNDS=N  of each large transfer (3); medians are printed
"""
import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import re
import statistics
import subprocess
import threading
import time
import urllib.parse

import objectstore
import qrx

SIZE = int(os.environ.get("QRX_SIZE") or 1 << 30)
ROUNDS = int(os.environ.get("QRX_ROUNDS") or 3)
TICKS = os.sysconf("SC_CLK_TCK")


def row(what, target, met, reached):
    print(f"{'ok  ' if met else 'MISS'}  {what}: {reached} (to reach: {target})", flush=True)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return int(re.search(r"^VmHWM:\s+(\d+)", file.read(), re.M)[1]) / 1024


def timed_curl(*arguments):
    os.sync()
    began = time.monotonic()
    done = subprocess.run(["curl", "-sS", "--fail-with-body", "-o", "answer", *arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, check=False)
    if done.returncode:
        with open("answer", "rb") as file:
            qrx.fail(f"curl {arguments}: {done.stderr.decode()} {file.read(500)!r}")
    return time.monotonic() - began


class Waiter(threading.Thread):
    """A receiver that waits at one node for the next delivery of a space, and notes when it was told."""

    def __init__(self, space, server, after):
        super().__init__(daemon=True)
        self.space, self.server, self.after, self.told = space, server, after, None
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=60)
        self.connection.connect()

    def run(self):
        deliveries = 0
        while deliveries == 0:
            self.connection.request("GET", f"{self.space.path}?after={self.after}&wait=40", headers=self.space.auth)
            told = json.loads(self.connection.getresponse().read())
            self.after, deliveries = told["seq"], len(told["deliveries"])
        self.told = time.monotonic()
        self.connection.close()


def wake_ups(nodes, count=300):
    """From the beginning of the one request that sends a file to one node until the receiver at another knows of it, and how much of
    that came after the sender's answer."""
    whole, after_answer = [], []
    for number in range(count):
        sender, receiver = nodes[number % len(nodes)], nodes[(number + 1) % len(nodes)]
        space = sender.space()
        waiter = Waiter(space, receiver, space.at(receiver).state()["seq"])
        waiter.start()
        time.sleep(0.03)
        url = f"{sender.url}/u/{space.guid}/file"
        connection = qrx.connect(url)
        began = time.monotonic()
        answer = qrx.request("PUT", url, b"x", connection=connection)
        answered = time.monotonic()
        connection.close()
        qrx.check_equal(201, answer.status, "PUT")
        waiter.join(60)
        qrx.check(waiter.told, "the receiver was not told")
        whole.append((waiter.told - began) * 1000)
        after_answer.append(max(0.0, (waiter.told - answered) * 1000))
    whole.sort(), after_answer.sort()
    p99 = after_answer[int(count * 0.99)]
    row(f"{count} receivers woken at another node", "p99 20 ms after the sender's answer", p99 <= 20,
        f"p50 {after_answer[count // 2]:.1f}, p99 {p99:.1f} ms after the answer; "
        f"p50 {whole[count // 2]:.1f}, p99 {whole[int(count * 0.99)]:.1f} ms from the request's beginning")


def cpu_of_requests(nodes, count=600):
    """CPU seconds of all nodes for each PUT of 1 KiB and each question about a space, sent to the nodes in turn."""
    spaces = [nodes[0].space() for _ in range(4)]
    connections = [qrx.connect(node.url) for node in nodes]
    before = sum(cpu_seconds(node.pid) for node in nodes)
    for number in range(count):
        at = number % len(nodes)
        space = spaces[number % len(spaces)]
        answer = qrx.request("PUT", f"{nodes[at].url}/u/{space.guid}/f{number}", b"x" * 1024, connection=connections[at])
        qrx.check_equal(201, answer.status, "PUT")
        qrx.request("GET", nodes[at].url + space.path + "?after=0", headers=space.auth, connection=connections[at])
    spent = sum(cpu_seconds(node.pid) for node in nodes) - before
    for connection in connections:
        connection.close()
    return spent / count * 1000


def straight(store, method, name):
    """What curl needs to speak to the store itself; signature version 2, which is short."""
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    text = f"{method}\n\n\n{date}\n/{objectstore.BUCKET}/{name}"
    mac = base64.b64encode(hmac.new(objectstore.SECRET.encode(), text.encode(), hashlib.sha1).digest()).decode()
    return ["-H", f"Date: {date}", "-H", f"Authorization: AWS {objectstore.ACCESS}:{mac}", f"{store.url}/{objectstore.BUCKET}/{name}"]


def large(node, store, path):
    times = {"put straight": [], "put": [], "get straight": [], "get": []}
    for number in range(ROUNDS):
        name = f"straight{number}"
        space = node.space()
        times["put straight"].append(timed_curl("-T", path, "-H", "Content-Type:", *straight(store, "PUT", name)))
        times["put"].append(timed_curl("-T", path, space.upload_url + "/large"))
        file = space.files()["large"]["file"]
        times["get straight"].append(timed_curl(*straight(store, "GET", name)))
        times["get"].append(timed_curl("-H", f"Authorization: Bearer {space.token}", f"{space.api_url}/files/{file}"))
        qrx.check_equal(os.path.getsize(path), os.path.getsize("answer"), "bytes that came back")
        qrx.request("DELETE", space.api_url, headers=space.auth)
    median = {name: statistics.median(values) for name, values in times.items()}
    for way in ("put", "get"):
        ratio = median[way + " straight"] / median[way]
        row(f"{way.upper()} of {SIZE >> 20} MiB through a node", "0.8 of curl straight to the store", ratio >= 0.8,
            f"{ratio:.2f} ({median[way]:.2f} s, straight {median[way + ' straight']:.2f} s)")
    peak = peak_mib(node.pid)
    row("memory of that node", "under 64 MiB", peak < 64, f"{peak:.1f} MiB")


def many_files(work, node, store, count=2000, size=10240):
    root = work.path("many")
    for number in range(count):
        os.makedirs(f"{root}/{number // 50}", exist_ok=True)
        with open(f"{root}/{number // 50}/{number}", "wb") as file:
            file.write(os.urandom(size))
    space = node.space()
    before = len(store.names())
    began = time.monotonic()
    sent = subprocess.run(["qrx-send", "--seal", "off", "-q", "-l", f"{node.url}/u/{space.guid}", root], capture_output=True,
                          stdin=subprocess.DEVNULL, check=False)
    took = time.monotonic() - began
    qrx.check_equal(0, sent.returncode, f"qrx-send: {sent.stderr.decode()[-500:]}")
    objects = len(store.names()) - before
    row(f"{count} files of {size >> 10} KiB as one delivery", "300 files a second, at most 40 objects",
        count / took >= 300 and objects <= 40, f"{count / took:.0f} a second, {objects} objects")


if objectstore.missing():
    qrx.skip(objectstore.missing())
with qrx.work() as work:
    catalogs = [os.environ["catalog"] + name + os.environ["socket"] for name in ("one", "three", "s3")]
    alone = work.server("--catalog", catalogs[0], "--blobs", "dir:" + work.path("blobs1"), "--create-rate", "0",
                        data=work.path("alone"))
    nodes = [work.server("--catalog", catalogs[1], "--blobs", "dir:" + work.path("blobs3"), "--create-rate", "0",
                         data=work.path(f"node{number}")) for number in range(3)]
    wake_ups(nodes)
    one, three = [], []
    for _ in range(3):
        one.append(cpu_of_requests([alone]))
        three.append(cpu_of_requests(nodes))
    one, three = statistics.median(one), statistics.median(three)
    row("CPU of three nodes against one, a small upload and a question", "1.10", three <= 1.1 * one,
        f"{three / one:.2f} ({three:.2f} against {one:.2f} ms)")
    for server in [alone, *nodes]:
        server.terminate(30)
    with objectstore.ObjectStore(work.path("store")) as store:
        node = work.server("--catalog", catalogs[2], "--blobs", f"s3://{objectstore.BUCKET}/bench", "--s3-endpoint", store.url,
                           "--create-rate", "0", data=work.path("s3"), env=store.env)
        many_files(work, node, store)
        path = work.file("large", SIZE)
        large(node, store, path)
        node.terminate(60)
