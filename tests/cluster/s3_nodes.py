"""Run by s3-nodes.sh; QRX_STORE=radosgw: over Ceph's gateway, not Swift. What one node has acknowledged the others have, whatever becomes of that node or, for a while, of the store;
a place in a store belongs to one catalog; deletion leaves nothing."""
import hashlib
import http.client
import os
import signal
import subprocess
import threading
import time

import objectstore
import qrx
import radosgw
import tus
from faultyproxy import FaultyProxy

missing, Store = {"": (objectstore.missing, objectstore.ObjectStore),
                  "radosgw": (radosgw.missing, radosgw.RadosStore)}[os.environ.get("QRX_STORE", "")]
if missing():
    qrx.skip(missing())

TROUBLE = (OSError, http.client.HTTPException)


def options(proxy, catalog):
    return ["--catalog", catalog, "--blobs", f"s3://{objectstore.BUCKET}/nodes", "--s3-endpoint", proxy.url]


def slowly(data, end):
    """The body of a request that takes its time, until it is told to end."""
    for at in range(0, len(data), 500_000):
        yield data[at:at + 500_000]
        if end.wait(0.1):
            return


def go_on(url, data, tries=60):
    """What a client does: asks where it stands, sends the rest, comes again when it is told to."""
    refused = []
    for _ in range(tries):
        try:
            asked = tus.head(url)
            if asked.status == 200:
                offset = int(asked.header("Upload-Offset"))
                if offset == len(data):
                    return refused
                answer = tus.patch(url, offset, data[offset:], timeout=120)
                if answer.status in (200, 204):
                    continue
                refused.append(answer.status)
            else:
                refused.append(asked.status)
        except TROUBLE as trouble:
            refused.append(str(trouble))
        time.sleep(0.2)
    qrx.fail(f"an upload did not end: {refused}")


def same(space, server, name, data):
    answer = space.at(server).content(space.files()[name], timeout=120)
    qrx.check_equal(hashlib.sha256(data).hexdigest(), hashlib.sha256(answer.body).hexdigest(), f"{name} at another node")


def killed_in_the_middle(one, two, three):
    data = b"".join(qrx.noise(40_000_000, seed=3))
    space = one.space()
    place = tus.location(one.url, tus.create(space.upload_url, len(data), "large"))
    end = threading.Event()

    def send():
        try:
            tus.patch(place, 0, slowly(data, end), timeout=120)
        except TROUBLE:
            pass

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    elsewhere = place.replace(one.url, two.url)
    qrx.wait_for(60, lambda: tus.offset(elsewhere) > 0, "bytes that were acknowledged")
    promised = tus.offset(elsewhere)
    one.signal(signal.SIGKILL)
    one.wait()
    end.set()
    qrx.check(tus.offset(elsewhere) >= promised, "what was acknowledged is there")
    go_on(elsewhere, data)
    same(space, three, "large", data)
    return space


def store_away(proxy, two, three):
    """Nothing is acknowledged meanwhile that is not there later, and clients are told to come again."""
    data = b"".join(qrx.noise(30_000_000, seed=4))
    space = two.space()
    place = tus.location(two.url, tus.create(space.upload_url, len(data), "through"))
    first = tus.patch(place, 0, data[:10_000_000], timeout=120)
    qrx.check_equal(204, first.status, "the first part")
    until = time.monotonic() + 4
    proxy.rule = lambda method, path, count: "cut-before" if time.monotonic() < until else None
    go_on(place, data)
    qrx.check(proxy.faults["cut-before"] > 0, "the store was away")
    proxy.rule = None
    same(space, three, "through", data)
    # For longer than anybody waits: 503, and the node is not sent any more clients.
    proxy.rule = lambda method, path, count: "500" if method == "PUT" else None
    refused = qrx.request("PUT", space.at(two).upload_url + "/refused", b"bytes", timeout=120)
    qrx.check_equal(503, refused.status, "a store that is away for long")
    qrx.check(refused.header("Retry-After"), "when to come again")
    qrx.check(b"s3" not in refused.body.lower() and b"bucket" not in refused.body.lower(), f"{refused.body}")
    ready = qrx.request("GET", two.url + "/readyz")
    qrx.check(ready.status == 503 and b"store" in ready.body, f"not of use: {ready!r}")
    qrx.check_equal(["through"], sorted(space.files()), "files")
    proxy.rule = None
    qrx.wait_for(30, lambda: qrx.request("GET", two.url + "/readyz").status == 200, "of use again")
    qrx.check("the S3 store failed" in two.err, f"the log: {two.err[-1000:]}")
    return space


def small_files(work, one, two, store):
    """Sent together they are few objects, and each is there at another node."""
    files = {f"small/{number}": bytes([number]) * (1 + 97 * number) for number in range(120)}
    for name, data in files.items():
        path = work.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    space, before = one.space(), len(store.names())
    sent = subprocess.run(["qrx-send", "--seal", "off", "-q", "-l", f"{one.url}/u/{space.guid}", work.path("small")], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=120, check=False)
    qrx.check_equal(0, sent.returncode, f"qrx-send: {sent.stderr}")
    objects = len(store.names()) - before
    qrx.check(objects <= 20, f"{objects} objects of {len(files)} small files")
    there = space.at(two).files()
    qrx.check_equal(set(files), set(there), "small files at another node")
    for name, data in files.items():
        qrx.check(space.content(there[name], timeout=120).body == data, f"{name} at another node")
    return space


def refused_start(work, env, words, *arguments):
    done = subprocess.run(["qrx-serve", "--bind", "127.0.0.1:0", "--data", work.path("stranger"), *arguments],
                          capture_output=True, timeout=60, env={**os.environ, **env})
    said = done.stderr.decode()
    qrx.check(done.returncode == 2 and words in said, f"{words!r}: {done.returncode} {said!r}")


with qrx.work() as work, Store(work.path("store")) as store, \
        FaultyProxy("127.0.0.1", store.port) as proxy:
    catalog, other = os.environ["catalog"], os.environ["other"]
    one, two, three = (work.server(*options(proxy, catalog), data=work.path(name), env=store.env)
                       for name in ("one", "two", "three"))
    spaces = [killed_in_the_middle(one, two, three), store_away(proxy, two, three), small_files(work, two, three, store)]
    refused_start(work, store.env, "contents of another catalog", *options(proxy, other))
    for space in spaces:
        answer = qrx.request("DELETE", two.url + space.path, headers=space.auth)
        qrx.check_equal(204, answer.status, "deleting a space")
    swept = subprocess.run(["qrx-serve", "sweep", "--data", two.data, *options(proxy, catalog)], capture_output=True,
                           timeout=120, env={**os.environ, **store.env})
    qrx.check_equal(0, swept.returncode, f"sweep: {swept.stderr}")
    left = [name for name in store.names() if not name.startswith("nodes/catalog/")]
    # What the killed node and the refused request had stored and nobody named goes after two days.
    qrx.check(len(left) <= 8, f"what is left: {left}")
    for server in (two, three):
        qrx.check_equal(0, server.terminate(60), "SIGTERM")
